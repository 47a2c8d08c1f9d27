from __future__ import annotations

import pytest
import sqlalchemy as sa

from content.bulletins import Bulletin
from content.decisions import Decision
from devices.receivers import Receiver
from loa.staff import Role, Staff
from tests.web.conftest import words
from web import first_steps


def told(client) -> str:
    return words(client.get("/"))


def test_a_new_station_is_told_what_is_done_and_what_comes_next(admin, hoa):
    assert "đã xong 3 trên 6 việc" in told(admin)
    assert "Soạn bản tin đầu tiên Gõ hoặc dán chữ" in told(hoa)


def test_what_only_others_may_do_names_them(hoa, admin, database):
    with database.write() as session:
        session.execute(sa.update(Receiver).values(active=False))
    assert "Việc của quản trị." in told(hoa)
    assert "/dau-thu/them" not in hoa.get("/").text
    assert "/dau-thu/them" in admin.get("/").text


def test_who_only_looks_is_not_told(lan):
    assert "Bắt đầu" not in told(lan)


def test_each_thing_done_moves_it_on(app, database, cast, approved):
    with database.read() as session, app.test_request_context():
        assert [step.is_done for step in first_steps.steps(session, cast.admin)] == [True] * 5 + [
            False
        ]
    with database.write() as session:
        session.execute(sa.update(Staff).where(Staff.role == Role.APPROVER).values(active=False))
        session.execute(sa.update(Decision).values(approved=False))
    with database.read() as session, app.test_request_context():
        found = first_steps.steps(session, cast.admin)
        assert first_steps.next_of(found) is found[1]
        assert not found[4].is_done
        assert session.scalar(sa.select(sa.func.count(Bulletin.id)))


@pytest.mark.usefixtures("broadcast")
def test_it_is_gone_once_anything_was_planned(admin):
    assert "Bắt đầu" not in told(admin)
