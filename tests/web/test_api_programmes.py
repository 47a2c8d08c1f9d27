"""Programmes by the API: the same running order, days and gate as on their pages."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from scheduler.programmes import Programme
from tests.cast import approved_bulletin
from tests.web.program import error


def sent(bulletin, cast, **other):
    usual = {
        "name": "Bản tin chiều", "at": "17:00", "minutes": 15, "kind": "daily", "start_date": "2026-11-22",
        "area_ids": [cast.commune.id], "items": [{"bulletin_id": bulletin.id}, {"kind": "fill", "minutes": 5}],
    }  # fmt: skip
    return usual | other


@pytest.fixture
def made(program, cast, approved):
    return program(cast.hoa).post("/programmes", sent(approved, cast)).json["programme"]["id"]


def test_it_makes_one_and_tells_its_running_order(program, cast, approved):
    api = program(cast.hoa)
    told = api.post("/programmes", sent(approved, cast))
    assert (told.status_code, told.json["receivers"]) == (201, 3)
    kept = told.json["programme"]
    assert [each["kind"] for each in kept["items"]] == ["bulletin", "fill"]
    assert (kept["kind"], kept["at"], kept["by"]["login"]) == ("daily", "17:00:00", "hoa")
    assert api.get(f"/programmes/{kept['id']}").json == kept
    assert [each["id"] for each in api.get("/programmes").json["items"]] == [kept["id"]]


def test_its_coming_runs_say_what_fits(program, cast, made, approved):
    runs = program(cast.lan).get(f"/programmes/{made}/runs", days=3).json["items"]
    assert [each["day"] for each in runs] == ["2026-11-22", "2026-11-23"]
    assert runs[0]["at"] == "2026-11-22T17:00:00+07:00"
    first, fill = runs[0]["entries"]
    assert (first["bulletin_id"], first["fate"], first["ms"]) == (approved.id, "heard", 30_000)
    assert fill["ms"] == 5 * 60_000


def test_looking_stores_nothing_and_tells_the_refusal(database, program, cast, approved):
    api = program(cast.hoa)
    fine = api.post("/programmes/preview", sent(approved, cast)).json
    assert (fine["refusal"], fine["receivers"]) == (None, 3)
    assert fine["runs"][0]["entries"][0]["heard"]
    quiet = api.post("/programmes/preview", sent(approved, cast, at="22:00")).json
    assert quiet["refusal"]["code"] == "regulation_quiet"
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Programme)) == 0


def test_it_is_changed_and_ended(program, cast, approved, made):
    api = program(cast.hoa)
    other = sent(
        approved, cast, name="Bản tin tối", at="18:00", items=[{"bulletin_id": approved.id}]
    )
    told = api.post(f"/programmes/{made}/change", other).json["programme"]
    assert (told["name"], told["at"], len(told["items"])) == ("Bản tin tối", "18:00:00", 1)
    assert api.post(f"/programmes/{made}/preview", other).json["refusal"] is None
    assert api.post(f"/programmes/{made}/end").json["ended_at"] is not None
    assert error(api.post(f"/programmes/{made}/change", other))[:2] == (409, "schedule_refused")
    assert api.get("/programmes", ended="false").json["items"] == []
    assert api.get(f"/programmes/{made}/runs").json["items"] == []


def test_what_cannot_be_one_is_refused_at_its_field(program, cast, approved):
    api = program(cast.hoa)
    missing = sent(approved, cast, items=[{"bulletin_id": 999}])
    assert error(api.post("/programmes", missing)) == (422, "not_found", "items[0].bulletin_id")
    nobody = sent(approved, cast, group_ids=[99])
    assert error(api.post("/programmes", nobody)) == (422, "not_found", "group_ids")
    empty = sent(approved, cast, items=[])
    assert error(api.post("/programmes", empty)) == (422, "schedule_refused", "items")
    no_days = sent(approved, cast, kind="weekdays")
    assert error(api.post("/programmes", no_days))[2] == "weekdays"
    no_time = sent(approved, cast, at=None)
    assert error(api.post("/programmes", no_time)) == (422, "schedule_refused", "at")


def test_one_day_is_skipped_moved_and_put_back(program, cast, made):
    api = program(cast.hoa)
    skipped = api.post(f"/programmes/{made}/skips", {"day": "2026-11-23"})
    assert skipped.status_code == 201
    moved = api.post(f"/programmes/{made}/moves", {"day": "2026-11-24", "to_time": "18:00"})
    assert moved.json["to_time"] == "18:00:00"
    runs = api.get(f"/programmes/{made}/runs", days=4).json["items"]
    at = {each["at"] for each in runs if each["heard"]}
    assert "2026-11-24T18:00:00+07:00" in at
    assert not [each for each in at if each.startswith("2026-11-23")]
    back = api.post(f"/programmes/{made}/exceptions/{skipped.json['id']}/withdraw", {})
    assert [each["kind"] for each in back.json["exceptions"]] == ["move"]


def test_another_bulletin_takes_its_place_for_a_day(database, program, cast, made):
    with database.write() as session:
        other = approved_bulletin(session, cast, title="Lễ khánh thành").id
    api = program(cast.hoa)
    instead = {"day": "2026-11-23", "bulletin_id": other}
    assert api.post(f"/programmes/{made}/replacements", instead).json["bulletin_id"] == other
    again = api.post(f"/programmes/{made}/replacements", instead | {"bulletin_id": 999})
    assert error(again) == (422, "not_found", "bulletin_id")


def test_an_exception_of_a_schedule_is_none_of_a_programme(program, cast, broadcast, made):
    api = program(cast.hoa)
    skipped = api.post(f"/schedules/{broadcast.schedule_id}/skips", {"day": "2026-11-21"}).json[
        "id"
    ]
    refused = api.post(f"/programmes/{made}/exceptions/{skipped}/withdraw", {})
    assert error(refused) == (404, "not_found", None)
