"""Areas, groups and receivers by the API: changed by an admin, ordered from afar by an operator."""

from __future__ import annotations

import pytest

from devices import groups, outages, receivers
from devices.areas import Area
from devices.groups import Member
from loa.staff import Role
from tests.cast import NOON
from tests.web.program import error
from tests.web.test_rights import people  # noqa: F401 - fixtures

NEW = {"name": "Bến Mới", "level": "thôn", "households": 120, "lat": 10.5, "lon": 106.5}


@pytest.fixture
def operator(program, people):  # noqa: F811 - the fixture, not the import
    return program(people[Role.OPERATOR])


@pytest.fixture
def fault(database, cast):
    with database.write() as session:
        wrong = {("r-0000", outages.Kind.DISK): outages.Wrong(NOON, "93 %")}
        wrong[("r-0001", outages.Kind.CLOCK)] = outages.Wrong(NOON, "")
        outages.settle(session, wrong, NOON)


def test_an_area_is_added_and_changed(database, program, cast):
    api = program(cast.admin)
    made = api.post("/areas", NEW | {"parent_id": cast.commune.id})
    assert (made.status_code, made.json["full_name"], made.json["lat"]) == (
        201,
        "thôn Bến Mới",
        10.5,
    )
    number = made.json["id"]
    api.post(f"/areas/{number}/change", NEW | {"name": "Đoài"})
    assert api.post(f"/areas/{number}/language", {"language": "tyz"}).json["language"] == "tyz"
    with database.read() as session:
        kept = session.get_one(Area, number)
        assert (kept.name, kept.parent_id, kept.language) == ("Đoài", None, "tyz")


def test_what_is_no_area_is_refused_at_its_field(program, cast):
    api = program(cast.admin)
    assert error(api.post("/areas", NEW | {"parent_id": 999})) == (422, "not_found", "parent_id")
    assert error(api.post("/areas", NEW | {"lon": None})) == (422, "device_refused", "lon")
    inside = NEW | {"parent_id": cast.villages[0].id}
    refused = api.post(f"/areas/{cast.commune.id}/change", inside)
    assert error(refused) == (422, "device_refused", "parent_id")
    refused = api.post(f"/areas/{cast.commune.id}/language", {"language": "xx"})
    assert error(refused) == (422, "device_refused", "language")


def test_a_group_is_made_and_changed(database, program, cast):
    api = program(cast.admin)
    made = api.post("/groups", {"name": "Trường học", "receiver_ids": ["r-0000"]})
    assert (made.status_code, made.json["receiver_ids"]) == (201, ["r-0000"])
    other = {"name": "Trường", "receiver_ids": ["r-0001", "r-0002"]}
    told = api.post(f"/groups/{made.json['id']}/change", other).json
    assert (told["name"], told["receiver_ids"]) == ("Trường", ["r-0001", "r-0002"])
    with database.read() as session:
        assert session.get(Member, (made.json["id"], "r-0000")) is None
        assert groups.get(session, made.json["id"]).name == "Trường"
    unknown = api.post("/groups", {"name": "X", "receiver_ids": ["khong"]})
    assert error(unknown) == (422, "not_found", "receiver_ids")


def test_a_receiver_is_set_and_what_is_left_out_stays(database, operator):
    told = operator.post("/receivers/r-0000/settings", {"volume": 35}).json
    assert (told["volume"], told["muted"]) == (35, False)
    assert operator.post("/receivers/r-0000/settings", {"muted": True}).json["volume"] == 35
    with database.read() as session:
        kept = receivers.get(session, "r-0000")
        assert (kept.volume, kept.muted, kept.plan_stale) == (35, True, True)


def test_a_test_tone_keeps_the_quiet_hours(operator, clock):
    assert operator.post("/receivers/r-0000/tone").json["starts_at"].startswith("2026-11-21T12:00")
    clock.move(10 * 3_600_000)
    assert error(operator.post("/receivers/r-0001/tone"))[0] in {409, 422}


def test_a_receiver_is_not_told_twice_to_start_anew(operator):
    assert operator.post("/receivers/r-0000/restart").json == {"told": True}
    assert operator.post("/receivers/r-0000/restart").json == {"told": False}
    assert error(operator.post("/receivers/khong/restart"))[:2] == (404, "not_found")


def test_it_tells_what_a_receiver_is_to_play(program, cast, broadcast):
    found = program(cast.lan).get("/receivers/r-0000/coming").json["items"]
    assert [each["broadcast_id"] for each in found] == [broadcast.id]
    assert found[0]["starts_at"] == "2026-11-21T12:30:00+07:00"


def test_faults_come_in_parts_and_somebody_looks_after_one(program, operator, cast, fault):
    api = program(cast.lan)
    first = api.get("/faults", limit=1).json
    rest = api.get("/faults", cursor=first["next"]).json
    kinds = [each["kind"] for each in first["items"] + rest["items"]]
    assert sorted(kinds) == ["clock", "disk"]
    assert [each["receiver_id"] for each in api.get("/faults", kind="disk").json["items"]] == [
        "r-0000"
    ]
    told = operator.post("/faults/1/known", {"note": "Đang thay đĩa"}).json
    assert (told["note"], told["known_by"]) == ("Đang thay đĩa", "Trực vận hành")


def test_an_editor_orders_no_receiver(program, cast):
    refused = program(cast.hoa).post("/receivers/r-0000/restart")
    assert error(refused)[0] == 403
