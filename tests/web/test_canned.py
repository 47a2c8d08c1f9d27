from __future__ import annotations

import pytest

from content import bulletins
from content.bulletins import Priority
from scheduler import canned
from tests.cast import NOON, approved_bulletin
from tests.web.conftest import words


@pytest.fixture
def alarm(database, cast):
    with database.write() as session:
        return approved_bulletin(session, cast, priority=Priority.EMERGENCY, title="Lũ lên nhanh")


def test_it_says_what_to_do_while_there_is_none(admin) -> None:
    assert "Chưa có âm thanh nào" in words(admin.get("/khan-cap/luu-san"))
    assert "Chưa có bản tin khẩn cấp nào đã duyệt" in words(admin.get("/khan-cap/luu-san/them"))


def test_an_admin_gives_a_number_to_an_alarm_and_takes_it_back(admin, alarm, hoa) -> None:
    answer = admin.post("/khan-cap/luu-san/them", data={"n": 1, "bulletin": alarm.id})
    assert answer.status_code == 302
    shown = words(hoa.get("/khan-cap/luu-san"))
    assert "Số 1: Lũ lên nhanh" in shown
    assert "Bỏ" not in shown  # not hers to drop
    assert "Bỏ âm thanh số 1?" in words(admin.get("/khan-cap/luu-san/1/bo"))
    assert admin.post("/khan-cap/luu-san/1/bo").status_code == 302
    assert "Chưa có âm thanh nào" in words(admin.get("/khan-cap/luu-san"))


def test_a_wrong_number_is_told_at_its_field(admin, alarm) -> None:
    answer = admin.post("/khan-cap/luu-san/them", data={"n": 100, "bulletin": alarm.id})
    assert answer.status_code == 400
    assert "từ 1 đến 99" in words(answer)


def test_one_whose_approval_ended_says_so(admin, database, cast, alarm) -> None:
    with database.write() as session:
        bulletin = bulletins.get(session, alarm.id)
        canned.keep(session, 1, bulletin, session.merge(cast.admin), NOON)
        bulletins.withdraw(session, bulletin, session.merge(cast.minh), NOON)
        canned.follow_approvals(session, NOON)
    assert "đầu thu không giữ âm thanh này nữa" in words(admin.get("/khan-cap/luu-san"))


def test_a_number_that_is_not_there(admin) -> None:
    assert admin.get("/khan-cap/luu-san/7/bo").status_code == 404
    assert admin.post("/khan-cap/luu-san/7/bo").status_code == 404
