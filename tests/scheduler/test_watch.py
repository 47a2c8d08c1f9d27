"""What is wrong with the fleet is what is so now; a look that finds nothing new writes nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from devices import receivers
from devices.messages import State
from devices.outages import Fault, Kind, Watch
from devices.receivers import Journal
from loa.database import Database
from loa.staff import Staff
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after, local
from scheduler import planner, schedules, watch
from scheduler.broadcasts import Delivery, DeliveryState
from scheduler.planner import Rules
from scheduler.schedules import Kind as When
from scheduler.schedules import Rule
from tests.cast import NOON, ZONE, approved_bulletin, settle_in

BEAT = 60 * SECOND


class Fleet:
    """Three receivers that speak when told, and the station's look at them."""

    def __init__(self, database: Database) -> None:
        self.database, self.now = database, Instant(NOON)

    def says(self, rid: str = "r-0000", **said: object) -> None:
        usual = {"sid": "s", "on": 1, "src": "ntp", "t": self.now}
        with self.database.write() as session:
            receivers.note_states(session, {rid: State(**{**usual, **said})}, self.now, BEAT)

    def pass_time(self, ms: int, *speaking: str, **said: object) -> None:
        """Beat by beat, with those that speak; the station looks each time."""
        for _ in range(ms // BEAT):
            self.now = after(self.now, BEAT)
            for rid in speaking:
                self.says(rid, **said)
            self.look()

    def look(self, kv: int = 0) -> int:
        return watch.look(self.database, self.now, ZONE, kv)

    def faults(self, rid: str = "r-0000") -> list[tuple[Kind, int, int | None]]:
        """(kind, since, until) in minutes from noon."""
        with self.database.read() as session:
            found = session.scalars(
                sa.select(Fault).where(Fault.receiver_id == rid).order_by(Fault.id)
            )
            return [
                (f.kind, (f.since - NOON) // MINUTE, f.until and (f.until - NOON) // MINUTE)
                for f in found
            ]


@pytest.fixture
def fleet(database: Database) -> Fleet:
    with database.write() as session:
        settle_in(session)
    return Fleet(database)


def test_silence_is_an_outage_from_the_last_word_to_the_next(fleet):
    fleet.says()
    fleet.pass_time(10 * MINUTE, "r-0000")
    assert fleet.faults() == []
    fleet.pass_time(20 * MINUTE)
    assert fleet.faults() == [(Kind.OFFLINE, 10, None)]
    fleet.pass_time(5 * MINUTE, "r-0000")
    assert fleet.faults() == [(Kind.OFFLINE, 10, 31)]


def test_a_will_ends_it_at_once_and_a_short_break_is_told_as_it_was(fleet):
    fleet.says()
    fleet.pass_time(10 * MINUTE, "r-0000")
    fleet.says(on=0)
    fleet.look()
    assert fleet.faults() == [(Kind.OFFLINE, 10, None)]
    fleet.now = after(fleet.now, 20 * SECOND)
    fleet.says(sid="t")
    fleet.look()
    assert fleet.faults() == [(Kind.OFFLINE, 10, 10)]


def test_one_never_heard_is_not_lost(fleet):
    fleet.pass_time(30 * MINUTE, "r-0001")
    assert fleet.faults("r-0002") == []


def test_a_station_that_was_away_blames_nobody_who_is_still_there(fleet):
    fleet.says("r-0000")
    fleet.says("r-0001")
    fleet.pass_time(10 * MINUTE, "r-0000", "r-0001")
    fleet.now = after(fleet.now, 5 * HOUR)
    fleet.look()
    assert fleet.faults() == []
    fleet.pass_time(10 * MINUTE, "r-0000")
    assert fleet.faults() == []
    # The other has been silent since long enough for the station to say so, from when it was last heard on.
    assert fleet.faults("r-0001") == [(Kind.OFFLINE, 10, None)]


def test_a_silence_nobody_looked_at_is_noted_afterwards(fleet):
    fleet.says()
    fleet.pass_time(10 * MINUTE, "r-0000")
    with fleet.database.write() as session:
        session.get_one(Watch, NOON + BEAT).until = after(fleet.now, HOUR)
    fleet.now = after(fleet.now, HOUR)
    fleet.says()
    fleet.look()
    assert fleet.faults() == [(Kind.OFFLINE, 10, 70)]


def test_what_heartbeats_complain_of_is_open_until_they_do_not(fleet):
    bad = {"out": "fault", "src": "none", "disk": 0.93, "pwr": "bat", "kv": 4}
    fleet.says(**bad)
    assert fleet.look(kv=5) > 0
    kinds = {kind for kind, _, until in fleet.faults() if until is None}
    assert kinds == {Kind.OUTPUT, Kind.CLOCK, Kind.DISK, Kind.BATTERY, Kind.KEYS}
    fleet.now = after(fleet.now, BEAT)
    fleet.says(kv=5)
    fleet.look(kv=5)
    assert {until for _, _, until in fleet.faults()} == {1}


def test_a_look_that_finds_nothing_new_writes_nothing(fleet):
    fleet.says(out="fault")
    fleet.look()
    fleet.now = after(fleet.now, 15 * SECOND)
    changes = fleet.database.changes()
    changes.wait(0)
    assert fleet.look() == 0
    assert not changes.wait(0.3)
    changes.close()


def test_a_journal_that_contradicts_itself_and_evidence_that_never_came(fleet):
    with fleet.database.write() as session:
        session.add(
            Journal(receiver_id="r-0001", jid="j", head="0", begun_at=NOON, tampered_at=NOON)
        )
        deliveries = plan_at(session, after(NOON, HOUR))
        session.execute(sa.update(Delivery).values(state=DeliveryState.UNKNOWN))
    assert deliveries == 3
    fleet.now = after(NOON, 2 * HOUR)
    fleet.says("r-0000")
    fleet.look()
    assert [kind for kind, _, _ in fleet.faults("r-0001")] == [Kind.TAMPERED]
    assert [kind for kind, _, _ in fleet.faults("r-0000")] == [Kind.SILENT]
    assert fleet.faults("r-0002") == []  # not heard: it may yet tell
    fleet.now = after(NOON, 2 * DAY)
    fleet.says("r-0000")
    fleet.look()
    assert [until for _, _, until in fleet.faults("r-0000") if until is None] == []


def test_half_an_hour_before_its_time_the_sound_should_be_there(fleet):
    with fleet.database.write() as session:
        plan_at(session, after(NOON, HOUR))
    fleet.says()
    fleet.look()
    assert fleet.faults() == []
    fleet.pass_time(35 * MINUTE, "r-0000")
    assert fleet.faults() == [(Kind.UNREADY, 31, None)]
    with fleet.database.write() as session:
        session.execute(sa.update(Delivery).values(state=DeliveryState.READY))
    fleet.pass_time(MINUTE, "r-0000")
    assert fleet.faults() == [(Kind.UNREADY, 31, 36)]


def plan_at(session, moment: Instant) -> int:
    """One broadcast to all at that time; how many deliveries it has."""
    cast = _cast(session)
    bulletin = approved_bulletin(session, cast)
    begins = local(moment, ZONE)
    rule = Rule(kind=When.ONCE, at=begins.time(), start_date=begins.date(), area_ids=(1,))
    schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
    planner.plan(session, NOON, Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE))
    return session.scalar(sa.select(sa.func.count(Delivery.id))) or 0


def _cast(session):
    people = {each.login: each for each in session.scalars(sa.select(Staff))}
    return SimpleNamespace(hoa=people["hoa"], minh=people["minh"])
