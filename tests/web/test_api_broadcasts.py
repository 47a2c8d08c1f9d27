from __future__ import annotations

import pytest
import sqlalchemy as sa

from loa.staff import Staff
from loa.times import MINUTE, after
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState, settle
from tests.cast import NOON
from tests.web.conftest import plan
from tests.web.program import error

BOTH_DATABASES = True
AT = "2026-11-21T12:30:00+07:00"


@pytest.fixture
def heard(database, broadcast):
    """Played to its end at one receiver, missed at another, and not heard of at the third."""
    became = [
        {"state": DeliveryState.PLAYED, "started_at": after(NOON, 30 * MINUTE), "played_ms": 30_000, "evidence": "E1"},
        {"state": DeliveryState.MISSED, "reason": "off"},
        {"state": DeliveryState.UNKNOWN},
    ]  # fmt: skip
    with database.write() as session:
        deliveries = session.scalars(sa.select(Delivery).order_by(Delivery.receiver_id))
        for delivery, values in zip(deliveries, became, strict=True):
            for name, value in values.items():
                setattr(delivery, name, value)
        settle(session, session.get_one(Broadcast, broadcast.id))
    return broadcast


def test_it_tells_the_day(program, cast, broadcast):
    api = program(cast.lan)
    told = api.get("/broadcasts").json
    assert told == api.get("/broadcasts", day="2026-11-21").json
    one = told["items"][0]
    assert (one["id"], one["starts_at"], one["state"]) == (broadcast.id, AT, "planned")
    assert one["ends_at"] == "2026-11-21T12:30:30+07:00"
    assert (one["author"], one["approvers"], one["scheduler"]) == ("Hoa", ["Minh"], "Hoa")
    assert one["deliveries"] == {"planned": 3}
    assert api.get(f"/broadcasts/{broadcast.id}").json == one
    assert api.get("/broadcasts", day="2026-11-22").json == {"items": [], "next": None}


def test_it_tells_what_is_proven_and_by_what(program, cast, heard):
    api = program(cast.lan)
    one = api.get(f"/broadcasts/{heard.id}").json
    assert one["state"] == "finished"
    assert one["deliveries"] == {"played": 1, "missed": 1, "unknown": 1}
    here = f"/broadcasts/{heard.id}/deliveries"
    told = {each["receiver_id"]: each for each in api.get(here).json["items"]}
    played, missed, unknown = (told[f"r-000{number}"] for number in range(3))
    assert (played["state"], played["started_at"], played["evidence"]) == ("played", AT, "E1")
    assert (missed["state"], missed["reason"], missed["evidence"]) == ("missed", "off", None)
    assert (unknown["state"], unknown["started_at"]) == ("unknown", None)
    assert [each["receiver_id"] for each in api.get(here, state="missed").json["items"]] == [
        "r-0001"
    ]
    first = api.get(here, limit=2).json
    rest = api.get(here, limit=2, cursor=first["next"]).json
    assert len(first["items"]) + len(rest["items"]) == 3


def test_it_pages_a_day(program, cast, approved, clock, database):
    api = program(cast.hoa)
    for minute in range(4):
        sent = {
            "bulletin_id": approved.id,
            "at": f"13:{minute}0",
            "start_date": "2026-11-21",
            "area_ids": [1],
        }
        api.post("/schedules", sent)
    with database.write() as session:
        plan(session, NOON)
    first = api.get("/broadcasts", limit=3).json
    rest = api.get("/broadcasts", limit=3, cursor=first["next"]).json
    starts = [each["starts_at"][11:16] for each in first["items"] + rest["items"]]
    assert starts == ["13:00", "13:10", "13:20", "13:30"]
    assert api.get("/broadcasts", state="finished").json["items"] == []


def test_it_stops_one(program, cast, broadcast):
    lan, hoa, admin = program(cast.lan), program(cast.hoa), program(cast.admin)
    assert error(lan.post(f"/broadcasts/{broadcast.id}/stop")) == (403, "scope_missing", None)
    told = hoa.post(f"/broadcasts/{broadcast.id}/stop").json
    assert (told["state"], told["code"], told["reason"]) == ("cancelled", "stopped", "Hoa dừng")
    assert error(admin.post(f"/broadcasts/{broadcast.id}/stop")) == (409, "over", None)


def test_a_person_of_one_area_sees_its_receivers_alone(database, program, cast, heard):
    with database.write() as session:
        own = sa.update(Staff).where(Staff.id == cast.lan.id)
        session.execute(own.values(area_id=cast.villages[0].id))
    api = program(cast.lan)
    assert api.get("/broadcasts").json["items"][0]["deliveries"] == {"played": 1}
    here = f"/broadcasts/{heard.id}/deliveries"
    assert [each["receiver_id"] for each in api.get(here).json["items"]] == ["r-0000"]
