"""Schedules by the API after they were made: changed, looked at before that, and single days of them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from scheduler.schedules import Schedule
from tests.cast import approved_bulletin
from tests.web.program import error


@pytest.fixture
def daily(program, cast, approved):
    """Every day at five in the afternoon, from tomorrow on."""
    return program(cast.hoa).post("/schedules", sent(approved, cast)).json["schedule"]["id"]


def sent(bulletin, cast, **other):
    usual = {
        "bulletin_id": bulletin.id, "kind": "daily", "at": "17:00", "start_date": "2026-11-22",
        "area_ids": [cast.commune.id],
    }  # fmt: skip
    return usual | other


def timing(cast, **other):
    usual = {
        "kind": "daily",
        "at": "17:30",
        "start_date": "2026-11-22",
        "area_ids": [cast.commune.id],
    }
    return usual | other


def test_it_changes_when_and_where(database, program, cast, daily):
    told = program(cast.hoa).post(
        f"/schedules/{daily}/change", timing(cast, area_ids=[cast.villages[0].id])
    )
    assert told.json["schedule"]["at"] == "17:30:00"
    assert told.json["receivers"] == 1
    assert told.json["schedule"]["next_at"] == "2026-11-22T17:30:00+07:00"


def test_a_change_keeps_the_regulation(program, cast, daily):
    refused = program(cast.hoa).post(f"/schedules/{daily}/change", timing(cast, at="03:15"))
    assert error(refused) == (422, "regulation_quiet", "at")


def test_looking_stores_nothing_and_needs_no_key(database, program, cast, approved, daily):
    api = program(cast.hoa)
    headers = {"Authorization": f"Bearer {api.token}"}
    other = sent(approved, cast, at="17:00")
    answer = api.client.post("/api/v1/schedules/preview", json=other, headers=headers)
    assert (answer.status_code, answer.json["refusal"], answer.json["receivers"]) == (200, None, 3)
    assert answer.json["occurrences"][0]["at"] == "2026-11-22T17:00:00+07:00"
    assert [each["title"] for each in answer.json["warnings"]] == [approved.title]
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Schedule)) == 1


def test_a_look_tells_the_refusal_that_the_call_would_get(program, cast, approved, daily):
    api = program(cast.hoa)
    quiet = api.post("/schedules/preview", sent(approved, cast, at="03:15")).json
    assert (quiet["refusal"]["code"], quiet["refusal"]["field"]) == ("regulation_quiet", "at")
    nowhere = api.post("/schedules/preview", sent(approved, cast, area_ids=[])).json
    assert nowhere["refusal"]["field"] is not None
    late = api.post(f"/schedules/{daily}/preview", timing(cast, at="03:15")).json
    assert late["refusal"]["code"] == "regulation_quiet"


def test_its_coming_days_come_in_parts_with_what_is_otherwise(program, cast, approved, daily):
    api = program(cast.hoa)
    api.post(f"/schedules/{daily}/skips", {"day": "2026-11-23", "reason": "Họp"})
    first = api.get(f"/schedules/{daily}/occurrences", days=7, limit=2).json
    rest = api.get(f"/schedules/{daily}/occurrences", days=7, cursor=first["next"]).json
    found = first["items"] + rest["items"]
    assert [each["day"][-2:] for each in found] == ["22", "23", "24", "25", "26", "27"]
    assert [each["heard"] for each in found][:3] == [True, False, True]
    assert (found[1]["code"], found[1]["exception_id"]) == ("skipped", 1)
    assert found[0]["day_kind"] == "weekend"


def test_one_day_is_moved_and_put_back(program, cast, daily):
    api = program(cast.hoa)
    moved = {"day": "2026-11-23", "to_time": "16:00"}
    made = api.post(f"/schedules/{daily}/moves", moved)
    assert (made.status_code, made.json["kind"], made.json["to_time"]) == (201, "move", "16:00:00")
    found = api.get(f"/schedules/{daily}/occurrences", days=4).json["items"]
    heard = [each["at"] for each in found if each["heard"]]
    assert "2026-11-23T16:00:00+07:00" in heard
    back = api.post(f"/schedules/{daily}/exceptions/{made.json['id']}/withdraw", {})
    assert back.json["exceptions"] == []


def test_a_move_into_quiet_hours_is_refused_at_its_field(program, cast, daily):
    moved = {"day": "2026-11-23", "to_time": "22:00"}
    refused = program(cast.hoa).post(f"/schedules/{daily}/moves", moved)
    assert error(refused) == (422, "regulation_quiet", "to_time")


def test_another_bulletin_takes_its_place_for_a_day(database, program, cast, daily):
    with database.write() as session:
        other = approved_bulletin(session, cast, title="Thu gom rác").id
    api = program(cast.hoa)
    instead = {"day": "2026-11-23", "bulletin_id": other}
    made = api.post(f"/schedules/{daily}/replacements", instead)
    assert (made.status_code, made.json["bulletin_id"]) == (201, other)
    found = api.get(f"/schedules/{daily}/occurrences", days=4).json["items"]
    assert other in [each["bulletin_id"] for each in found]
    missing = api.post(f"/schedules/{daily}/replacements", instead | {"bulletin_id": 999})
    assert error(missing) == (422, "not_found", "bulletin_id")
