"""One day of a schedule: skipped by one click, moved, given another bulletin, and put back."""

from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa

from scheduler import schedules
from scheduler.exceptions import Kind, ScheduleException
from scheduler.schedules import Rule
from tests.cast import NOON, ZONE, approved_bulletin, vn
from tests.web.conftest import error_at, words

TODAY = date(2026, 11, 21)


@pytest.fixture
def scheduled(database, cast, approved):
    """Daily at 17:00 in the whole commune."""
    rule = Rule(
        kind=schedules.Kind.DAILY, at=time(17), start_date=TODAY, area_ids=(cast.commune.id,)
    )
    with database.write() as session:
        bulletin = session.get_one(type(approved), approved.id)
        made = schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
        return f"/lich-phat/{made.id}"


def found(database):
    with database.read() as session:
        return list(session.scalars(sa.select(ScheduleException).order_by(ScheduleException.id)))


def test_it_skips_by_one_click_and_puts_back_by_another(hoa, database, scheduled):
    assert hoa.post(scheduled + "/luot/2026-11-22/bo").location == scheduled
    (skipped,) = found(database)
    assert (skipped.kind, skipped.day) == (Kind.SKIP, date(2026, 11, 22))
    told = words(hoa.get(scheduled))
    assert "Đã bỏ lượt ngày 22/11/2026." in told
    assert "Hoa bỏ lượt ngày 22/11/2026." in told
    assert "Hoa đổi một lượt" in told
    assert hoa.post(f"{scheduled}/ngoai-le/{skipped.id}/bo").location == scheduled
    assert found(database)[0].withdrawn_at == NOON
    told = words(hoa.get(scheduled))
    assert "Lượt này lại phát theo lịch." in told
    assert "Hoa bỏ thay đổi của một lượt" in told


def test_it_moves_with_a_reason(hoa, lan, database, scheduled):
    page = hoa.get(scheduled + "/luot/2026-11-22").text
    assert 'value="22/11/2026"' in page
    assert 'value="17:00"' in page
    sent = {"to_time": "18h30", "to_day": "22/11/2026", "reason": "họp xã"}
    assert hoa.post(scheduled + "/luot/2026-11-22/doi", data=sent).location == scheduled
    told = words(lan.get(scheduled))
    assert "Hoa dời lượt ngày 22/11/2026 sang 18:30 ngày 22/11/2026: họp xã." in told
    assert "18:30 ngày 22/11/2026 Chủ nhật" in told
    assert "Dời từ lượt ngày 22/11/2026." in told


def test_it_gives_a_day_another_bulletin(hoa, database, cast, scheduled):
    with database.write() as session:
        other = approved_bulletin(session, cast, title="Thư chúc mừng")
    assert "Thư chúc mừng" in words(hoa.get(scheduled + "/luot/2026-11-22"))
    hoa.post(scheduled + "/luot/2026-11-22/thay", data={"bulletin_id": other.id})
    told = words(hoa.get(scheduled))
    assert "Phát “Thư chúc mừng” thay cho bản tin của lịch." in told
    assert told.count("17:00 ngày 22/11/2026 Chủ nhật") == 1


@pytest.mark.parametrize(
    ("way", "sent", "field", "sentence"),
    [
        ("doi", {"to_time": "03:15"}, "move-to_time", "giờ không phát"),
        ("doi", {"to_time": "nửa đêm"}, "move-to_time", "giờ:phút"),
        ("doi", {"to_time": "17:00"}, "move-to_time", "đã có lượt lúc 17:00"),
        ("doi", {"to_day": "20/11/2026"}, "move-to_time", "đã qua"),
        ("thay", {}, "replace-bulletin_id", "Hãy chọn bản tin thay thế"),
        ("bo", {"reason": "x" * 301}, "skip-reason", "gọn trong 300 chữ"),
    ],
)
def test_it_shows_a_refusal_at_its_field(hoa, database, scheduled, way, sent, field, sentence):
    answer = hoa.post(f"{scheduled}/luot/2026-11-22/{way}", data=sent)
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)
    assert not found(database)


def test_a_day_that_is_over_or_not_of_the_series_says_so(hoa, database, scheduled, clock):
    answer = hoa.post(scheduled + "/luot/2026-11-20/bo")
    assert answer.status_code == 400
    assert "không có lượt nào vào ngày 20/11/2026" in words(answer)
    clock.now = vn("2026-11-21 17:30")
    answer = hoa.post(scheduled + "/luot/2026-11-21/bo")
    assert "đã qua hoặc đang phát" in words(answer)
    assert hoa.get(scheduled + "/luot/mai").status_code == 404
    assert not found(database)


def test_a_day_the_series_lost_is_shown_as_without_effect(hoa, database, cast, scheduled):
    hoa.post(scheduled + "/luot/2026-11-22/bo", data={"reason": "mưa"})
    mondays = {"kind": "weekdays", "weekdays": ["0"], "at": "17:00", "start_date": "21/11/2026",
               "area_ids": str(cast.commune.id)}  # fmt: skip
    assert hoa.post(scheduled + "/sua", data=mondays).location == scheduled
    told = words(hoa.get(scheduled))
    assert "Không còn tác dụng" in told
    assert "Hoa bỏ lượt ngày 22/11/2026: mưa." in told
    hoa.post(f"{scheduled}/ngoai-le/{found(database)[0].id}/bo")
    assert "Không còn tác dụng" not in words(hoa.get(scheduled))


def test_putting_back_what_is_over_is_refused_with_the_reason(hoa, database, scheduled, clock):
    hoa.post(scheduled + "/luot/2026-11-21/bo")
    clock.now = vn("2026-11-21 18:00")
    answer = hoa.post(f"{scheduled}/ngoai-le/{found(database)[0].id}/bo")
    assert answer.status_code == 400
    assert "đã qua hoặc đang phát" in words(answer)
    assert hoa.post("/lich-phat/1/ngoai-le/9/bo").status_code == 404


def test_who_only_reads_changes_no_day(lan, scheduled):
    assert lan.get(scheduled + "/luot/2026-11-22").status_code == 403
    assert lan.post(scheduled + "/luot/2026-11-22/bo").status_code == 403


def test_two_days_are_not_moved_to_one_time(hoa, database, scheduled):
    there = {"to_time": "18:30", "to_day": "25/11/2026"}
    assert hoa.post(scheduled + "/luot/2026-11-22/doi", data=there).location == scheduled
    answer = hoa.post(scheduled + "/luot/2026-11-23/doi", data=there)
    assert answer.status_code == 400
    assert "Lượt ngày 22/11/2026 đã được dời sang 18:30" in error_at(answer, "move-to_time")
    assert len(found(database)) == 1
    again = hoa.post(scheduled + "/luot/2026-11-22/doi", data={**there, "reason": "họp xã"})
    assert again.location == scheduled
    hoa.post(f"{scheduled}/ngoai-le/{found(database)[-1].id}/bo")
    assert hoa.post(scheduled + "/luot/2026-11-23/doi", data=there).location == scheduled


@pytest.mark.parametrize("day", ["31/12/9999", "01/01/0001", "22/11/2500"])
def test_a_day_far_away_is_refused_with_the_reason(hoa, database, scheduled, day):
    answer = hoa.post(scheduled + "/luot/2026-11-22/doi", data={"to_day": day, "to_time": "18:00"})
    assert answer.status_code == 400
    assert "quá 10 năm" in error_at(answer, "move-to_day")
    assert not found(database)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_an_address_of_a_day_far_away_leads_nowhere(hoa, scheduled, day):
    answer = hoa.get(f"{scheduled}/luot/{day}")
    assert answer.status_code == 404
    assert "quá 10 năm" in words(answer)
    assert hoa.get(f"/chuong-trinh/1/ngay/{day}").status_code == 404
    assert hoa.get(f"/vi-sao?luc={day}T00:00").status_code == 404
