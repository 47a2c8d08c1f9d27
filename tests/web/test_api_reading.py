"""What the API only tells: alerts, the regulation, days, the plan and why, the log, reports and the audit log."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from content.bulletins import Priority
from loa import staff
from loa.audit import AuditEntry
from loa.staff import Role
from loa.times import HOUR, after
from scheduler import alert_consent, alert_orders, amending, regulation
from scheduler.broadcasts import Delivery, DeliveryState
from scheduler.regulation import parse_quiet
from scheduler.rulebook import Rulebook, Slot
from scheduler.targets import Where
from tests.cast import NOON, PASSWORD, ZONE, approved_bulletin
from tests.web.conftest import plan
from tests.web.program import error
from web.api import log

BOTH_DATABASES = True


@pytest.fixture
def alert(database, cast):
    """Agreed to by Minh, and planned."""
    with database.write() as session:
        alarm = approved_bulletin(session, cast, title="Lũ về", priority=Priority.EMERGENCY)
        order = alert_orders.Order(
            where=Where((cast.commune.id,)), expires_at=after(NOON, HOUR), bulletin=alarm
        )
        flood = alert_orders.prepare(session, cast.hoa, order, NOON, ZONE)
        alert_consent.agree(session, flood, cast.minh, alarm.sounds.values(), NOON, ZONE)
        plan(session, NOON)
        return flood.id


@pytest.fixture
def village(database, program, cast):
    """A program for somebody who works for one village alone."""
    with database.write() as session:
        person = staff.add(
            session, login="thon", name="Thôn", role=Role.EDITOR, password=PASSWORD, now=NOON,
            area_id=cast.villages[2].id,
        )  # fmt: skip
    return program(person)


def test_an_alert_is_told_with_who_ordered_and_who_agreed(program, cast, alert):
    api = program(cast.lan)
    told = api.get(f"/alerts/{alert}").json
    assert (told["state"], told["by"]["login"], told["second"]["login"]) == (
        "active",
        "hoa",
        "minh",
    )
    assert [each["id"] for each in api.get("/alerts", state="active").json["items"]] == [alert]
    assert api.get("/alerts", state="waiting").json["items"] == []
    sounded = api.get(f"/alerts/{alert}/broadcasts").json["items"]
    assert sounded[0]["alert_id"] == alert
    found = api.get(f"/alerts/{alert}/deliveries", limit=200).json["items"]
    assert len(found) == 3 * len(sounded)
    assert {each["state"] for each in found} == {"planned"}


def test_the_regulation_is_told_as_it_is_was_and_will_be(database, program, cast):
    slot = Slot(key="sang", name="Sáng", start="05:30", minutes=30, weekdays=(0, 6))
    with database.write() as session:
        rules = Rulebook(slots=(slot,), most_minutes=90)
        regulation.add(
            session, cast.admin, [parse_quiet("22:00-04:30")], rules, since=after(NOON, 48 * HOUR), now=NOON,
            note="Quyết định 12",
        )  # fmt: skip
    api = program(cast.lan)
    now = api.get("/regulation").json
    assert now["quiet"] == [{"since": "21:00", "until": "05:00"}]
    later = api.get("/regulation", at="2026-11-25T08:00:00+07:00").json
    assert (later["note"], later["most_minutes"]) == ("Quyết định 12", 90)
    assert later["sessions"][0]["weekdays"] == ["MO", "SU"]
    first = api.get("/regulation/versions", limit=1).json
    rest = api.get("/regulation/versions", cursor=first["next"]).json
    assert [each["id"] for each in first["items"] + rest["items"]] == [later["id"], now["id"]]


def test_a_day_is_marked_and_the_mark_taken_back(database, program, cast):
    api = program(cast.admin)
    mark = {"kind": "mourning", "first": "2026-11-23", "name": "Quốc tang"}
    made = api.post("/days/marks", mark)
    assert (made.status_code, made.json["last"]) == (201, "2026-11-23")
    days = api.get("/days", first="2026-11-22", last="2026-11-23").json["items"]
    assert [each["kind"] for each in days] == ["weekend", "mourning"]
    assert [each["id"] for each in api.get("/days/marks").json["items"]] == [made.json["id"]]
    assert api.post(f"/days/marks/{made.json['id']}/withdraw").json["withdrawn_at"] is not None
    assert api.get("/days/marks").json["items"] == []
    with database.read() as session:
        assert amending.get_mark(session, made.json["id"]).name == "Quốc tang"


def test_days_that_cannot_be_told_or_marked_are_refused(program, village, cast):
    api = program(cast.admin)
    assert error(api.get("/days", first="2026-11-22", last="2026-11-21"))[2] == "last"
    assert error(api.get("/days", first="2026-11-22", last="2028-11-21"))[2] == "last"
    past = {"kind": "mourning", "first": "2026-11-01", "name": "Quốc tang"}
    assert error(api.post("/days/marks", past)) == (422, "schedule_refused", "first")
    mine = {"kind": "mourning", "first": "2026-11-23", "name": "Quốc tang"}
    assert error(village.post("/days/marks", mine))[:2] == (403, "not_allowed")


def test_the_plan_of_a_day_tells_what_sounds_where(program, cast, broadcast):
    api = program(cast.lan)
    [told] = api.get("/plan").json["items"]
    assert (told["source"], told["source_id"]) == ("schedule", broadcast.schedule_id)
    assert (told["receivers"], told["heard"], told["broadcast_id"]) == (3, True, broadcast.id)
    assert api.get("/plan", receiver_id="r-0001").json["items"][0]["receivers"] == 1
    assert api.get("/plan", day="2026-11-25").json["items"] == []
    assert error(api.get("/plan", receiver_id="khong"))[:2] == (422, "not_found")
    assert error(api.get("/plan", day="2030-01-01")) == (422, "schedule_refused", "day")


def test_it_says_why_a_receiver_sounds_or_is_silent(program, cast, broadcast):
    api = program(cast.lan)
    told = api.get("/why", receiver_id="r-0000", at="2026-11-21T12:30:00+07:00").json
    assert [each["verdict"] for each in told["accounts"]] == ["will"]
    assert "schedule" in [each["about"] for each in told["accounts"][0]["reasons"]]
    silent = api.get("/why", receiver_id="r-0000", at="2026-11-21T22:30:00+07:00").json
    assert silent["accounts"] == []
    assert silent["circumstances"]
    assert error(api.get("/why", receiver_id="r-0000"))[:2] == (422, "missing_field")
    wrong = api.get("/why", receiver_id="r-0000", at="2056-01-01T00:00:00+07:00")
    assert error(wrong) == (422, "invalid_value", "at")


@pytest.mark.parametrize("step", [1, 50])
def test_the_log_comes_in_parts_in_the_order_of_its_page(
    database, program, cast, broadcast, alert, step, monkeypatch
):
    monkeypatch.setattr(log, "FIRST_STEP", step)
    api = program(cast.lan)
    found, cursor = [], None
    while True:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        part = api.get("/log", **asked).json
        found += part["items"]
        cursor = part["next"]
        if cursor is None:
            break
    with database.read() as session:
        assert len(found) == session.scalar(sa.select(sa.func.count()).select_from(Delivery))
    assert len({each["id"] for each in found}) == len(found)
    ordered = sorted(found, key=lambda each: (each["area_name"], each["receiver_name"], each["id"]))
    ordered.sort(key=lambda each: (each["starts_at"], each["broadcast_id"]), reverse=True)
    assert found == ordered


def test_the_log_is_narrowed_as_on_its_page(database, program, cast, broadcast):
    with database.write() as session:
        heard = session.scalars(sa.select(Delivery).where(Delivery.receiver_id == "r-0001")).one()
        heard.state = DeliveryState.UNKNOWN
    api = program(cast.lan)
    assert [each["receiver_id"] for each in api.get("/log", state="unknown").json["items"]] == [
        "r-0001"
    ]
    assert len(api.get("/log", receiver_id="r-0000").json["items"]) == 1
    assert api.get("/log", search="không có").json["items"] == []
    assert api.get("/log", until="2026-11-20").json["items"] == []
    assert error(api.get("/log", since="2026-11-22", until="2026-11-20"))[0] == 422


def test_the_log_and_reports_come_as_files(program, cast, broadcast):
    api = program(cast.lan)
    csv = api.get("/log/file", kind="csv")
    assert (csv.mimetype, b"r-0000" in csv.data) == ("text/csv", True)
    rows = json.loads(api.get("/log/file", kind="json").data)["tables"][0]["rows"]
    assert len(rows) == 3
    for kind in ("csv", "json", "xlsx", "docx"):
        answer = api.get("/reports/period/file", kind=kind)
        assert answer.status_code == 200
        assert f".{kind}" in answer.headers["Content-Disposition"]
    assert error(api.get("/reports/period/file", kind="pdf")) == (422, "invalid_value", "kind")


def test_a_report_is_told_as_values(program, cast, broadcast, alert):
    api = program(cast.lan)
    told = api.get("/reports/period", since="2026-11-01", until="2026-11-30").json
    assert (told["first"], told["last"], told["station"]) == (
        "2026-11-01",
        "2026-11-30",
        "Đài truyền thanh xã",
    )
    assert {"key", "title", "columns", "rows"} <= set(told["tables"][0])
    receivers = api.get("/reports/receivers").json
    assert len(receivers["rows"]) == 3
    assert {column["key"] for column in receivers["columns"]} == set(receivers["rows"][0])
    assert error(api.get("/reports/campaigns/99"))[:2] == (404, "not_found")


def test_the_audit_log_is_for_the_admin_and_its_chain_can_be_followed(
    database, program, cast, broadcast
):
    assert error(program(cast.minh).get("/audit"))[0] == 403
    api = program(cast.admin)
    newest, older = api.get("/audit", limit=2).json["items"]
    assert newest["previous"] == older["hash"]
    assert api.get("/audit/head").json == {"n": newest["n"], "hash": newest["hash"]}
    [added] = api.get("/audit", kind="schedule.", actor="hoa").json["items"]
    assert added["data"]["schedule"] == broadcast.schedule_id
    assert api.get("/audit", until="2026-11-20").json["items"] == []
    with database.read() as session:
        last = session.scalar(sa.select(sa.func.max(AuditEntry.n)))
    assert newest["n"] == last


def test_who_works_for_one_village_is_told_of_that_one(village, cast, broadcast, alert):
    assert {each["receiver_id"] for each in village.get("/log").json["items"]} == {"r-0002"}
    assert village.get("/plan").json["items"][-1]["receivers"] == 1
    refused = village.get("/why", receiver_id="r-0000", at="2026-11-21T12:30:00+07:00")
    assert error(refused) == (422, "not_found", "receiver_id")
    assert error(village.get("/receivers/r-0000/coming"))[:2] == (404, "not_found")
    assert {
        each["receiver_id"] for each in village.get(f"/alerts/{alert}/deliveries").json["items"]
    } == {"r-0002"}
