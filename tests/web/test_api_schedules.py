"""Schedules by the API: through the very gate of the pages."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from content.bulletins import Priority
from content.relays import Stream
from loa.audit import AuditEntry
from loa.staff import Staff
from loa.times import HOUR, MINUTE
from scheduler import regulation
from scheduler.broadcasts import Broadcast
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Schedule
from tests.cast import NOON, approved_bulletin
from tests.web.conftest import plan
from tests.web.program import error

BOTH_DATABASES = True


def asked(bulletin, cast, **other):
    """What a program sends: tomorrow at five in the afternoon, everywhere."""
    usual = {
        "bulletin_id": bulletin.id,
        "at": "17:00",
        "start_date": "2026-11-22",
        "area_ids": [cast.commune.id],
    }
    return {**usual, **other}


def here(bulletin, cast):
    return {"bulletin_id": bulletin.id, "area_ids": [cast.commune.id]}


def rows(database, kind=Schedule):
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(kind))


@pytest.fixture
def relay(database, cast):
    with database.write() as session:
        stream = Stream("https://stream.vov.vn/vov1", (), 30 * MINUTE)
        return approved_bulletin(session, cast, title="Thời sự VOV1", relay=stream)


@pytest.fixture
def alarm(database, cast):
    with database.write() as session:
        return approved_bulletin(session, cast, title="Lũ về", priority=Priority.EMERGENCY)


def test_it_schedules_once(program, cast, approved):
    told = program(cast.hoa).post("/schedules", asked(approved, cast))
    assert told.status_code == 201
    schedule = told.json["schedule"]
    assert schedule["next_at"] == "2026-11-22T17:00:00+07:00"
    assert (schedule["kind"], schedule["at"], schedule["recurs"]) == ("once", "17:00:00", "")
    assert schedule["end_date"] == "2026-11-22"
    assert schedule["by"]["login"] == "hoa"
    assert (told.json["receivers"], told.json["warnings"]) == (3, [])


def test_it_knows_every_kind_of_series(program, cast, approved):
    api = program(cast.hoa)
    for sent, rule, words in (
        ({"kind": "daily"}, "FREQ=DAILY", "hằng ngày"),
        ({"kind": "weekdays", "weekdays": ["WE", "MO"]}, "FREQ=WEEKLY;BYDAY=MO,WE", "thứ Hai, thứ Tư"),
        ({"kind": "other", "recurs": "FREQ=MONTHLY;BYMONTHDAY=1,15"}, "FREQ=MONTHLY;BYMONTHDAY=1,15", "15"),
        ({"kind": "other", "recurs": "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=15"},
         "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=15", "rằm"),
    ):  # fmt: skip
        told = api.post("/schedules", asked(approved, cast, at="17:30", **sent)).json["schedule"]
        assert told["recurs"] == rule
        assert words in told["words"]
        assert told["kind"] == sent["kind"]


def test_a_relay_mis_set_to_a_quarter_past_three_is_refused(database, program, cast, relay):
    api = program(cast.minh)
    for sent in ({}, {"kind": "daily"}, {"waived_why": "Trực đêm, lãnh đạo đồng ý."}):
        answer = api.post("/schedules", asked(relay, cast, at="03:15", **sent))
        assert error(answer) == (422, "regulation_quiet", "at")
        assert "giờ không phát" in answer.json["error"]["message"].lower()
    assert rows(database) == 0
    assert api.post("/schedules", asked(relay, cast, at="15:15")).status_code == 201


def test_playing_now_in_the_quiet_hours_is_refused(database, program, cast, approved, clock):
    clock.move(10 * HOUR)
    answer = program(cast.minh).post("/broadcasts/now", here(approved, cast))
    assert error(answer) == (422, "regulation_quiet", "at")
    assert rows(database) == 0


def test_it_plays_now(database, program, cast, approved):
    told = program(cast.hoa).post("/broadcasts/now", here(approved, cast)).json
    assert told["schedule"]["is_now"] is True
    assert told["schedule"]["next_at"] == "2026-11-21T12:00:06+07:00"
    with database.write() as session:
        plan(session, NOON)
        made = session.scalars(sa.select(Broadcast)).one()
        assert made.scheduler == "Hoa"


def test_an_emergency_is_not_sounded_by_one_person(database, program, cast, alarm):
    for owner in (cast.hoa, cast.minh, cast.admin):
        api = program(owner)
        for path, sent in (
            ("/schedules", asked(alarm, cast)),
            ("/broadcasts/now", here(alarm, cast)),
        ):
            assert error(api.post(path, sent)) == (422, "emergency_by_order", "bulletin_id")
    assert rows(database) == 0


def test_what_is_not_approved_is_not_played_now(program, cast):
    api = program(cast.hoa)
    number = api.post("/bulletins", {"title": "Nháp", "body": "Chưa duyệt."}).json["id"]
    sent = {"bulletin_id": number, "area_ids": [cast.commune.id]}
    assert error(api.post("/broadcasts/now", sent)) == (409, "schedule_refused", None)


def test_it_asks_for_a_reason_as_the_form_does(database, program, cast, approved):
    morning = Slot(key="sang", name="Sáng", start="05:00", minutes=30)
    with database.write() as session:
        regulation.at(session, NOON).rules = Rulebook(slots=(morning,), outside="reason")
    api = program(cast.hoa)
    answer = api.post("/schedules", asked(approved, cast))
    assert error(answer) == (422, "reason_needed", "waived_why")
    assert answer.json["error"]["rules"] == ["outside"]
    sent = asked(approved, cast, waived_why="Họp đột xuất.")
    told = api.post("/schedules", sent).json["schedule"]
    assert (told["waived"], told["waived_why"]) == (["outside"], "Họp đột xuất.")
    with database.read() as session:
        noted = sa.select(AuditEntry.data).where(AuditEntry.kind == "schedule.waived")
        assert json.loads(session.scalars(noted).one())["why"] == "Họp đột xuất."


def test_it_names_what_is_not_there(program, cast, approved):
    api = program(cast.hoa)
    for sent, wanted in (
        ({"bulletin_id": 99}, (422, "not_found", "bulletin_id")),
        ({"area_ids": [99]}, (422, "schedule_refused", "area_ids")),
        ({"area_ids": [cast.commune.id, 99]}, (422, "schedule_refused", "area_ids")),
        ({"area_ids": []}, (422, "schedule_refused", "area_ids")),
        ({"group_ids": [99]}, (422, "not_found", "group_ids")),
        ({"except_ids": ["r-9999"]}, (422, "schedule_refused", "except_ids")),
        ({"at": "25:00"}, (422, "invalid_value", "at")),
        ({"at": "17:00\n"}, (422, "invalid_value", "at")),
        ({"start_date": "2026-11-20"}, (422, "schedule_refused", "at")),
        ({"kind": "weekdays"}, (422, "schedule_refused", "weekdays")),
        ({"kind": "daily", "end_date": "2026-11-01"}, (422, "schedule_refused", "end_date")),
        ({"minutes": 5}, (422, "schedule_refused", "minutes")),
    ):  # fmt: skip
        assert error(api.post("/schedules", asked(approved, cast, **sent))) == wanted, sent
    assert (
        api.post("/schedules", asked(approved, cast, kind="other", recurs="x")).status_code == 422
    )


def test_it_warns_of_what_is_not_heard_because_of_it(database, program, cast, approved):
    with database.write() as session:
        long = approved_bulletin(session, cast, title="Họp dài", ms=10 * MINUTE)
    api = program(cast.hoa)
    api.post("/schedules", asked(long, cast))
    told = api.post("/schedules", asked(approved, cast, at="17:02")).json
    warning = told["warnings"][0]
    assert (warning["effect"], warning["grave"], warning["title"]) == ("missed", True, "Họp dài")
    assert warning["first"] == ["2026-11-22T17:02:00+07:00"]
    assert warning["receiver_ids"] == ["r-0000", "r-0001", "r-0002"]
    assert warning["message"] == "Lượt này không phát, vì chờ “Họp dài” quá lâu."


def test_it_skips_a_day_and_puts_it_back(program, cast, approved):
    api = program(cast.hoa)
    number = api.post("/schedules", asked(approved, cast, kind="daily")).json["schedule"]["id"]
    here = f"/schedules/{number}"
    made = api.post(f"{here}/skips", {"day": "2026-11-22", "reason": "Nghỉ."})
    assert made.status_code == 201
    assert made.json["words"] == "Hoa bỏ lượt ngày 22/11/2026: Nghỉ."
    told = api.get(here).json
    assert told["next_at"] == "2026-11-23T17:00:00+07:00"
    assert told["exceptions"] == [made.json]
    assert error(api.post(f"{here}/skips", {"day": "2026-11-21"})) == (
        422,
        "schedule_refused",
        "day",
    )
    other = api.post("/schedules", asked(approved, cast, at="18:00")).json["schedule"]["id"]
    back = f"exceptions/{made.json['id']}/withdraw"
    assert error(api.post(f"/schedules/{other}/{back}", {})) == (404, "not_found", None)
    told = api.post(f"{here}/{back}", {}).json
    assert (told["next_at"], told["exceptions"]) == ("2026-11-22T17:00:00+07:00", [])


def test_it_ends_one(program, cast, approved):
    api = program(cast.hoa)
    number = api.post("/schedules", asked(approved, cast, kind="daily")).json["schedule"]["id"]
    told = api.post(f"/schedules/{number}/end").json
    assert (told["next_at"], told["ended_at"]) == (None, "2026-11-21T12:00:00+07:00")
    wanted = (409, "schedule_refused", None)
    assert error(api.post(f"/schedules/{number}/skips", {"day": "2026-11-23"})) == wanted
    assert [each["id"] for each in api.get("/schedules", ended="true").json["items"]] == [number]
    assert api.get("/schedules", ended="false").json["items"] == []


def test_it_lists_in_parts(program, cast, approved, relay):
    api = program(cast.hoa)
    for hour in range(5, 10):
        api.post("/schedules", asked(approved, cast, at=f"{hour:02}:30"))
    api.post("/schedules", asked(relay, cast, at="15:00"))
    first = api.get("/schedules", limit=4, bulletin_id=approved.id).json
    rest = api.get("/schedules", limit=4, bulletin_id=approved.id, cursor=first["next"]).json
    assert [each["id"] for each in first["items"] + rest["items"]] == [5, 4, 3, 2, 1]
    assert rest["next"] is None


def test_a_person_of_one_area_schedules_there_and_sees_what_is_heard_there(
    database, program, cast, approved
):
    with database.write() as session:
        own = sa.update(Staff).where(Staff.id == cast.hoa.id)
        session.execute(own.values(area_id=cast.villages[0].id))
    minh, hoa = program(cast.minh), program(cast.hoa)
    everywhere = minh.post("/schedules", asked(approved, cast)).json["schedule"]["id"]
    there = {"area_ids": [cast.villages[1].id]}
    elsewhere = minh.post("/schedules", asked(approved, cast, at="18:00", **there)).json[
        "schedule"
    ]["id"]
    assert [each["id"] for each in hoa.get("/schedules").json["items"]] == [everywhere]
    assert error(hoa.get(f"/schedules/{elsewhere}")) == (404, "not_found", None)
    assert error(hoa.post(f"/schedules/{everywhere}/end")) == (403, "not_allowed", None)
    wanted = (422, "outside_own_area", "area_ids")
    assert error(hoa.post("/schedules", asked(approved, cast, at="19:00", **there))) == wanted
    own = {"area_ids": [cast.villages[0].id]}
    assert hoa.post("/schedules", asked(approved, cast, at="19:00", **own)).status_code == 201
