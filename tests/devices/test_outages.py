from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import outages
from devices.outages import Fault, Kind, Watch, Wrong
from loa.database import Database
from loa.errors import DeviceError
from loa.times import DAY, HOUR, MINUTE, after
from tests.cast import NOON, settle_in

OFF = ("r-0000", Kind.OFFLINE)
DISK = ("r-0001", Kind.DISK)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.write() as opened:
        settle_in(opened, now=after(NOON, -40 * DAY))
        yield opened


def rows(session):
    session.expire_all()
    found = session.scalars(sa.select(Fault).order_by(Fault.since, Fault.kind))
    return [(f.receiver_id, f.kind, f.since, f.until, f.detail) for f in found]


def test_a_fault_is_open_as_long_as_it_is_found(session):
    found = {OFF: Wrong(after(NOON, -HOUR)), DISK: Wrong(NOON, "91 %")}
    assert outages.settle(session, found, NOON) == 2
    assert outages.settle(session, found, after(NOON, MINUTE)) == 0
    assert not outages.differs(session, found)
    later = after(NOON, HOUR)
    assert outages.settle(session, {DISK: Wrong(later, "95 %")}, later) == 2
    assert rows(session) == [
        (*OFF, after(NOON, -HOUR), later, ""),
        (*DISK, NOON, None, "95 %"),
    ]


def test_a_silence_closed_too_soon_goes_on_as_the_same(session):
    outages.settle(session, {OFF: Wrong(NOON)}, NOON)
    outages.settle(session, {}, after(NOON, MINUTE))
    outages.settle(session, {OFF: Wrong(NOON)}, after(NOON, 2 * MINUTE))
    assert rows(session) == [(*OFF, NOON, None, "")]


def test_what_is_not_judged_is_left_alone(session):
    outages.settle(session, {OFF: Wrong(NOON)}, NOON)
    others = [kind for kind in Kind if kind is not Kind.OFFLINE]
    assert outages.settle(session, {}, after(NOON, MINUTE), others) == 0
    assert rows(session)[0][3] is None


def test_a_silence_seen_only_afterwards_is_noted_once(session):
    until = after(NOON, HOUR)
    assert outages.note_gap(session, "r-0000", NOON, until)
    session.flush()
    assert not outages.note_gap(session, "r-0000", NOON, until)
    outages.settle(session, {}, after(NOON, 2 * HOUR))
    assert rows(session) == [(*OFF, NOON, until, "")]


def test_a_watch_goes_on_until_the_station_was_away(session):
    outages.keep_watch(session, NOON)
    outages.keep_watch(session, after(NOON, MINUTE))
    outages.keep_watch(session, after(NOON, HOUR))
    spans = [(w.since, w.until) for w in session.scalars(sa.select(Watch).order_by(Watch.since))]
    assert spans == [(NOON, after(NOON, MINUTE)), (after(NOON, HOUR), after(NOON, HOUR))]


def watched(session, *spans):
    for since, until in spans:
        session.add(Watch(since=after(NOON, since), until=after(NOON, until)))
    session.flush()


def test_how_reliable_it_was_is_not_said_of_too_little(session):
    assert outages.uptime(session, "r-0000", NOON) is None
    watched(session, (-DAY + MINUTE, 0))
    assert outages.uptime(session, "r-0000", NOON) is None


def test_only_the_time_under_watch_counts(session):
    watched(session, (-40 * DAY, -39 * DAY), (-10 * DAY, -8 * DAY), (-2 * DAY, 0))
    assert outages.uptime(session, "r-0000", NOON) == 1.0
    # Two days of silence while nobody listened, and one while the station did.
    for since, until in ((-7 * DAY, -5 * DAY), (-9 * DAY, -8 * DAY)):
        outages.note_gap(session, "r-0000", after(NOON, since), after(NOON, until))
    session.flush()
    assert outages.uptime(session, "r-0000", NOON) == pytest.approx(0.75)
    outages.settle(session, {OFF: Wrong(after(NOON, -DAY))}, NOON)
    assert outages.uptime(session, "r-0000", NOON) == pytest.approx(0.5)


def test_who_looks_after_a_fault_is_kept_with_it(session):
    outages.settle(session, {OFF: Wrong(NOON), DISK: Wrong(NOON)}, NOON)
    fault = session.scalars(sa.select(Fault).where(Fault.kind == Kind.OFFLINE)).one()
    outages.take_note(session, fault, " thợ  đến mai ", now=NOON, by="Hoa", login="hoa")
    session.flush()
    assert (fault.known_by, fault.note) == ("Hoa", "thợ đến mai")
    assert outages.counts(session) == ({Kind.DISK: 1}, {Kind.OFFLINE: 1})
    assert outages.known_of(session, Kind.OFFLINE) == {"r-0000"}
    with pytest.raises(DeviceError, match="500 ký tự"):
        outages.take_note(session, fault, "x" * 501, now=NOON, by="Hoa", login="hoa")
