"""Campaigns by the API: made and changed through their own gate, with what will come of them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from scheduler.campaigns import Campaign
from tests.web.program import error


def sent(bulletin, cast, **other):
    usual = {
        "name": "Tiêm chủng", "start_date": "2026-11-22", "end_date": "2026-11-30", "target": {"number": 9},
        "area_ids": [cast.commune.id], "lines": [{"bulletin_id": bulletin.id, "apart_hours": 2}],
    }  # fmt: skip
    return usual | other


@pytest.fixture
def made(program, cast, approved):
    return program(cast.hoa).post("/campaigns", sent(approved, cast)).json["id"]


def test_it_makes_one(program, cast, approved):
    api = program(cast.hoa)
    told = api.post("/campaigns", sent(approved, cast))
    assert (told.status_code, told.json["state"]) == (201, "coming")
    assert told.json["target"] == {"aim": "plays", "number": 9, "per": "total", "times": 1}
    assert told.json["lines"][0]["apart_hours"] == 2
    assert api.get(f"/campaigns/{told.json['id']}").json == told.json
    assert [each["id"] for each in api.get("/campaigns").json["items"]] == [told.json["id"]]


def test_its_forecast_counts_nothing_that_nobody_confirmed(program, cast, made):
    told = program(cast.lan).get(f"/campaigns/{made}/forecast").json
    assert (told["unit"], told["goal"], told["done"], told["played"]) == ("plays", 27, 0, 0)
    assert sum(each["receivers"] for each in told["plays"]) + told["short"] == 27


def test_it_tells_how_it_stands_at_each_receiver_in_parts(program, cast, made):
    api = program(cast.lan)
    first = api.get(f"/campaigns/{made}/receivers", limit=2).json
    rest = api.get(f"/campaigns/{made}/receivers", cursor=first["next"]).json
    found = first["items"] + rest["items"]
    assert [each["receiver_id"] for each in found] == ["r-0000", "r-0001", "r-0002"]
    assert {each["goal"] for each in found} == {9}


def test_looking_stores_nothing_and_tells_the_refusal(database, program, cast, approved):
    api = program(cast.hoa)
    fine = api.post("/campaigns/preview", sent(approved, cast)).json
    assert (fine["refusal"], fine["forecast"]["goal"]) == (None, 27)
    past = api.post("/campaigns/preview", sent(approved, cast, start_date="2026-11-01")).json
    assert (past["refusal"]["field"], past["forecast"]) == ("start_date", None)
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Campaign)) == 0


def test_it_is_changed_paused_resumed_and_ended(program, cast, approved, made):
    api = program(cast.hoa)
    more = sent(approved, cast, target={"number": 12})
    assert api.post(f"/campaigns/{made}/preview", more).json["forecast"]["goal"] == 36
    assert api.post(f"/campaigns/{made}/change", more).json["target"]["number"] == 12
    assert api.post(f"/campaigns/{made}/pause").json["paused_at"] is not None
    assert api.post(f"/campaigns/{made}/resume").json["paused_at"] is None
    assert api.post(f"/campaigns/{made}/end").json["state"] == "ended"
    assert error(api.post(f"/campaigns/{made}/change", more))[:2] == (409, "schedule_refused")


def test_what_cannot_be_one_is_refused_at_its_field(program, cast, approved):
    api = program(cast.hoa)
    missing = sent(approved, cast, lines=[{"bulletin_id": 999}])
    assert error(api.post("/campaigns", missing)) == (422, "not_found", "lines[0].bulletin_id")
    nobody = api.post("/campaigns/preview", sent(approved, cast, group_ids=[99])).json
    assert nobody["refusal"]["field"] == "group_ids"
    backwards = sent(approved, cast, end_date="2026-11-21", start_date="2026-11-25")
    assert error(api.post("/campaigns", backwards)) == (422, "schedule_refused", "end_date")
    none = sent(approved, cast, target={"number": 0})
    assert error(api.post("/campaigns", none)) == (422, "invalid_value", "target.number")
