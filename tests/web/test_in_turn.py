"""Who stands in line for whom, and that nobody stands there for ever."""

from __future__ import annotations

import threading

import pytest
from flask import g, request

from tests.cast import PASSWORD
from web import in_turn
from web.in_turn import Line

LONG = 60.0


def entering(line: Line, *, behind: bool = False) -> tuple[threading.Thread, threading.Event]:
    """Somebody at the end of the line, and whether the place was had."""
    had = threading.Event()

    def stand() -> None:
        turn = line.enter(behind=behind)
        assert turn.has_place
        had.set()
        line.leave(turn)

    standing = threading.Thread(target=stand, daemon=True)
    standing.start()
    return standing, had


def test_the_third_waits_for_a_place():
    line = Line(2, wait=LONG, behind=LONG)
    first, second = line.enter(behind=False), line.enter(behind=False)
    third, had = entering(line)
    assert not had.wait(0.05)
    line.leave(second)
    assert had.wait(LONG)
    third.join(LONG)
    line.leave(first)


def test_those_behind_come_alone_and_after_the_pages():
    line = Line(2, wait=LONG, behind=LONG)
    renewing = line.enter(behind=True)
    other, had = entering(line, behind=True)
    page = line.enter(behind=False)
    assert page.has_place
    line.leave(renewing)
    assert not had.wait(0.05)
    line.leave(page)
    assert had.wait(LONG)
    other.join(LONG)


def test_a_place_is_given_back_once():
    line = Line(1, wait=0.0, behind=0.0)
    turn = line.enter(behind=False)
    line.leave(turn)
    line.leave(turn)
    assert line.enter(behind=False).has_place
    assert not line.enter(behind=True).has_place
    assert not Line.enter(Line(0, wait=0.0, behind=0.0), behind=False).has_place


def test_nobody_waits_for_ever_behind_a_long_file():
    line = Line(1, wait=0.01, behind=0.01)
    held = line.enter(behind=False)
    others = [line.enter(behind=False), line.enter(behind=True)]
    assert [other.has_place for other in others] == [False, False]
    for turn in (*others, held):
        line.leave(turn)
    assert line.enter(behind=True).has_place


@pytest.fixture
def seen(app) -> list[tuple[str, bool, bool]]:
    """Of each request: its address, whether it had a place, and whether it came behind."""
    found: list[tuple[str, bool, bool]] = []

    @app.after_request
    def note(answer):
        turn = g.get("turn")
        found.append((request.path, bool(turn and turn.has_place), bool(turn and turn.behind)))
        return answer

    return found


def test_parts_that_renew_themselves_and_sign_ins_come_behind(hoa, app, seen):
    hoa.get("/")
    hoa.get("/hom-nay", headers={"X-Seen": "another"})
    app.test_client().get("/dang-nhap")
    hoa.get("/api/v1/bulletins")
    hoa.get("/static/css/loa.css")
    assert seen == [
        ("/", True, False),
        ("/hom-nay", True, True),
        ("/dang-nhap", True, True),
        ("/api/v1/bulletins", True, True),
        ("/static/css/loa.css", False, False),
    ]


def test_every_place_is_given_back(hoa, app, monkeypatch):
    line = app.extensions[in_turn.KEY] = Line(1, wait=0.0, behind=0.0)
    for address in ("/", "/khong-co", "/hom-nay", "/can-bo", "/dang-nhap"):
        hoa.get(address)
        hoa.get(address, headers={"X-Seen": "another"})
    assert line.enter(behind=True).has_place


def test_a_password_is_hashed_beside_the_line(app, cast, monkeypatch):
    line = app.extensions[in_turn.KEY] = Line(1, wait=0.0, behind=0.0)
    free: list[bool] = []

    def hashing(_person: object, _password: str) -> bool:
        turn = line.enter(behind=True)
        free.append(turn.has_place)
        line.leave(turn)
        return False

    monkeypatch.setattr("loa.staff.password_matches", hashing)
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client().post("/dang-nhap", data={"login": "hoa", "password": PASSWORD})
    assert free == [True]
    assert line.enter(behind=True).has_place
