"""Schedules brought from a file: shown line by line, stored when that is confirmed, and never twice."""

from __future__ import annotations

import html
import io
import re
from datetime import date, time

import pytest
import sqlalchemy as sa

from content.bulletins import Bulletin
from loa.times import HOUR
from scheduler import regulation, schedule_import, schedules
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Kind, Rule, Schedule
from tests.cast import NOON, ZONE, approved_bulletin
from tests.web.conftest import error_at, words

BOTH_DATABASES = True
PAGE = "/lich-phat/nhap"
FILE = """\
Bản tin,Giờ,Lặp lại,Ngày bắt đầu,Ngày kết thúc,Nơi phát,Số phút,Lý do
Lịch tiêm chủng,17:00,"thứ 2,4,6",23/11/2026,31/12/2026,thôn Đông | thôn Đoài,,
Lịch tiêm chủng,03:15,hằng ngày,,,xã Mẫu,,
Lịch tiêm chung,06:00,hằng ngày,,,thôn Nam,,
"""


def look(client, text, name="lich.csv", encoding="utf-8"):
    data = {"file": (io.BytesIO(text.encode(encoding)), name)}
    return client.post(PAGE, data=data, content_type="multipart/form-data")


def confirm(client, shown, **more):
    """Send the form of the preview as a browser does, from its own fields."""
    text = html.unescape(
        re.search(r"<textarea name=\"text\"[^>]*>\n(.*?)</textarea>", shown.text, re.S)[1]
    )
    seen = re.search(r'name="seen" value="([^"]*)"', shown.text)[1]
    data = {"text": "\r\n".join(text.splitlines()), "seen": seen, "sure": "1", **more}
    return client.post(PAGE, data=data, content_type="multipart/form-data", follow_redirects=True)  # fmt: skip


def stored(database):
    with database.read() as session:
        return list(session.scalars(sa.select(Schedule).order_by(Schedule.id)))


def test_it_is_shown_line_by_line_and_done_only_when_confirmed(hoa, database, approved):
    shown = look(hoa, "\ufeff" + FILE)
    told = words(shown)
    assert "1 lịch mới, 0 lịch đã có, 0 dòng cần lý do, 2 dòng bị từ chối" in told
    for sentence in (
        "dòng 3 Lượt phát",
        "dòng 4 Không có địa bàn hay nhóm “thôn Nam”.",
        "thôn Đông, thôn Đoài 2 đầu thu",
        "17:00 thứ Hai, thứ Tư, thứ Sáu hằng tuần",
    ):
        assert sentence in told, told
    assert stored(database) == []
    assert "Đã nhập 1 lịch phát; 2 dòng bị từ chối." in words(confirm(hoa, shown))
    (made,) = stored(database)
    assert (made.at, made.start_date, made.end_date) == (
        time(17), date(2026, 11, 23), date(2026, 12, 31),
    )  # fmt: skip
    again = words(look(hoa, FILE))
    assert "0 lịch mới, 1 lịch đã có, 0 dòng cần lý do, 2 dòng bị từ chối" in again
    assert "Không có gì để nhập." in again


def test_our_own_calendar_is_all_there_already(hoa, database, cast, approved):
    rule = Rule(kind=Kind.DAILY, at=time(17), start_date=date(2026, 11, 21), area_ids=(1,))
    with database.write() as session:
        bulletin = session.get_one(Bulletin, approved.id)
        schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
    text = hoa.get("/lich-phat.ics").text
    assert "0 lịch mới, 1 lịch đã có" in words(look(hoa, text, "lich-phat.ics"))


def test_a_reason_is_asked_for_once_for_all_lines(hoa, database, approved):
    slot = Slot(key="chieu", name="Chiều", start="17:00", minutes=15)
    with database.write() as session:
        rules = Rulebook(slots=(slot,), outside="reason")
        regulation.add(session, None, [], rules, since=NOON, now=NOON)
    text = "bản tin,giờ,lặp lại\n1,09:00,hằng ngày\n1,17:00,hằng ngày\n"
    shown = look(hoa, text)
    assert "1 lịch mới, 0 lịch đã có, 1 dòng cần lý do" in words(shown)
    again = confirm(hoa, shown, sure="", waived_why="Chủ tịch xã cho phép")
    assert "2 lịch mới" in words(again)
    assert stored(database) == []
    assert "Đã nhập 2 lịch phát." in words(confirm(hoa, again, waived_why="Chủ tịch xã cho phép"))
    assert [each.waived_why for each in stored(database)] == ["Chủ tịch xã cho phép", ""]
    without = look(hoa, text.replace("09:00", "10:00"))
    assert "Không có gì để nhập" not in words(without)
    said = words(confirm(hoa, without))
    assert "Đã nhập 0 lịch phát; 1 lịch đã có sẵn nên bỏ qua, 1 dòng còn thiếu lý do." in said


def test_what_has_changed_since_it_was_shown_is_shown_again(hoa, database, clock, approved):
    shown = look(hoa, "bản tin,giờ,ngày bắt đầu\n1,12:30,21/11/2026\n1,17:00,21/11/2026\n")
    assert "2 lịch mới" in words(shown)
    clock.move(HOUR)
    answer = confirm(hoa, shown)
    assert answer.status_code == 409
    assert "Chưa nhập gì" in words(answer)
    assert stored(database) == []
    assert "Đã nhập 1 lịch phát" in words(confirm(hoa, answer))


def test_another_who_writes_meanwhile_is_seen(hoa, database, cast, approved, monkeypatch):
    """What was let through is held against the other's schedule too before it is stored."""
    shown = look(hoa, "bản tin,giờ,lặp lại\n1,17:00,hằng ngày\n")
    real, calls = schedules.keep, []

    def write_first(plan_of):
        def looked(session, staff, wishes, **more):
            found = plan_of(session, staff, wishes, **more)
            if not calls:
                calls.append(1)
                rule = Rule(
                    kind=Kind.DAILY, at=time(17), start_date=date(2026, 11, 21), area_ids=(1,)
                )
                with database.write() as other:
                    real(other, other.get_one(Bulletin, 1), cast.hoa, rule, [], NOON)
            return found

        return looked

    monkeypatch.setattr(schedule_import, "look_at", write_first(schedule_import.look_at))
    answer = confirm(hoa, shown)
    assert answer.status_code == 409
    assert len(stored(database)) == 1


@pytest.mark.parametrize(
    ("text", "encoding", "sentence"),
    [
        ("", "utf-8", "Dòng đầu của tệp phải là tên cột"),
        ("bản tin,giờ\nHọp,17:00\n", "utf-16", "Tệp không phải văn bản mã UTF-8 (dòng 1)"),
        ("ban tin,gio\nHop,17:00\nH\xf2p,17:00\n", "latin-1", "Tệp không phải văn bản mã UTF-8 (dòng 3)"),
        ("bản tin,giờ\n" + "1,17:00\n" * 1_001, "utf-8", "Tệp có 1001 dòng, quá 1000 dòng."),
        ("BEGIN:VCALENDAR\nlung tung\nEND:VCALENDAR", "utf-8", "hỏng ở dòng 2."),
    ],
)  # fmt: skip
def test_it_refuses_what_is_no_such_file(hoa, cast, text, encoding, sentence):
    answer = look(hoa, text, encoding=encoding)
    assert answer.status_code == 400
    assert sentence in error_at(answer, "file")


def test_it_refuses_a_file_that_is_too_large(hoa, cast, monkeypatch):
    monkeypatch.setattr("web.schedule_import.MOST_BYTES", 20_000)
    assert "Tệp nặng hơn 20 kB." in error_at(look(hoa, "bản tin,giờ\n" + "x" * 20_000), "file")


def test_it_asks_for_a_file(hoa, cast):
    assert "Hãy chọn tệp CSV hoặc .ics." in error_at(hoa.post(PAGE, data={}), "file")


def test_the_template_can_be_filled_in_and_read(hoa, database, cast, approved):
    answer = hoa.get("/lich-phat/mau.csv")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert "mau-lich-phat.csv" in answer.headers["Content-Disposition"]
    told = words(look(hoa, answer.data.decode("utf-8-sig")))
    assert "1 lịch mới" in told
    assert "Không có bản tin “Tiếp sóng đài tỉnh”" in told


def test_the_list_leads_there_empty_or_not(hoa, lan, database, cast, approved):
    assert PAGE in hoa.get("/lich-phat").text
    assert PAGE not in lan.get("/lich-phat").text
    confirm(hoa, look(hoa, FILE))
    assert PAGE in hoa.get("/lich-phat").text
    assert lan.get(PAGE).status_code == 403


def test_staff_of_one_area_bring_in_nothing_elsewhere(sign_in, database, cast):
    with database.write() as session:
        hoa = session.get_one(type(cast.hoa), cast.hoa.id)
        hoa.area_id = cast.villages[2].id
        approved_bulletin(session, cast)
    shown = look(sign_in(cast.hoa), FILE)
    assert "0 lịch mới" in words(shown)
    assert "Hoa làm việc cho thôn Bãi nên không đặt phát ở thôn Đông, thôn Đoài được." in words(
        shown
    )
