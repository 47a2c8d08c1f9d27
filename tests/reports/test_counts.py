"""The counts kept by the database equal the raw count, whatever is done to deliveries, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import Presence
from loa import bulk
from loa.database import Database
from scheduler import broadcasts, planner
from scheduler.broadcasts import Delivery, DeliveryState
from scheduler.reporting.counts import Counts
from scheduler.reporting.tables import DeliveryCount, ReceiverMonth
from tests.cast import NOON
from tests.scheduler.test_reports import fill

D = DeliveryState
assert planner  # it knows every table


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        fill(opened)
        yield opened


def raw(session: Session) -> set[tuple]:
    asked = sa.func.coalesce(Delivery.expected_ms, Delivery.ms)
    levels = (
        sa.func.sum(sa.case((Delivery.evidence == e, 1), else_=0)) for e in ("E1", "E2", "E3")
    )
    found = sa.select(
        Delivery.broadcast_id, Delivery.area_name, Delivery.state, sa.func.count(), sa.func.sum(asked),
        sa.func.coalesce(sa.func.sum(Delivery.played_ms), 0), sa.func.count(Delivery.played_ms), *levels,
    )  # fmt: skip
    grouped = found.group_by(Delivery.broadcast_id, Delivery.area_name, Delivery.state)
    return {tuple(row) for row in session.execute(grouped)}


def kept(session: Session) -> set[tuple]:
    return {tuple(row) for row in session.execute(sa.select(*DeliveryCount.__table__.columns))}


def test_they_follow_what_is_added_one_by_one(session):
    assert kept(session) == raw(session)
    assert len(kept(session)) == 3


def test_they_follow_many_rows_in_one_statement(session):
    ids = list(session.scalars(sa.select(Delivery.id)))
    rows = [{"id": n, "state": D.PLAYED, "played_ms": 29_000 + n, "evidence": "E2"} for n in ids]
    bulk.update(session, Delivery, rows)
    session.execute(
        sa.update(Delivery)
        .values(area_name="thôn Khác")
        .execution_options(synchronize_session=False)
    )
    assert kept(session) == raw(session)
    assert len(kept(session)) == 1


def test_they_follow_a_changed_length_and_a_frozen_one(session):
    which = sa.update(Delivery).execution_options(synchronize_session=False)
    session.execute(which.values(ms=45_000))
    assert kept(session) == raw(session)
    session.execute(which.where(Delivery.state == D.PLAYED).values(expected_ms=40_000))
    assert kept(session) == raw(session)


def test_they_forget_what_is_deleted(session):
    session.execute(sa.delete(Delivery).where(Delivery.state == D.UNKNOWN))
    assert kept(session) == raw(session)
    session.execute(sa.delete(Delivery))
    assert kept(session) == set()


def test_they_take_back_with_the_transaction(session):
    before = kept(session)
    with session.begin_nested() as inner:
        session.execute(sa.update(Delivery).values(state=D.FAILED))
        assert kept(session) != before
        inner.rollback()
    assert kept(session) == before == raw(session)


def test_a_month_keeps_the_most_a_receiver_ever_said(session):
    values = {"online": True, "sid": "s", "heard_at": NOON, "heartbeat_ms": 1}
    row = {"receiver_id": "r-0000", **values}
    bulk.insert(session, Presence, [{**row, "net_month": None, "net_bytes": None}])
    for month, size in (("2026-11", 10), ("2026-11", 30), ("2026-11", 20), ("2026-12", 5)):
        bulk.update(
            session, Presence, [{"receiver_id": "r-0000", "net_month": month, "net_bytes": size}]
        )
    found = session.execute(sa.select(ReceiverMonth.month, ReceiverMonth.bytes))
    assert {tuple(row) for row in found} == {("2026-11", 30), ("2026-12", 5)}


def test_where_nothing_is_confirmed_there_is_no_rate():
    counts = Counts()
    counts.add(1, D.UNKNOWN, 7, 700, 0, 0)
    assert (counts.rate, counts.at_least, counts.played_ms) == (None, None, None)
    assert (counts.due, counts.confirmed, counts.unknown) == (7, 0, 7)


def test_what_is_not_confirmed_is_in_no_numerator():
    counts = Counts()
    counts.add(1, D.PLAYED, 6, 600, 590, 6)
    counts.add(1, D.UNKNOWN, 2, 200, 0, 0)
    assert counts.rate == 1.0
    assert counts.at_least == 0.75


def test_a_broadcast_of_which_all_is_cancelled_was_never_due():
    counts = Counts()
    counts.add(1, D.CANCELLED, 3, 300, 0, 0)
    counts.add(2, D.SENT, 3, 300, 0, 0)
    assert (len(counts.broadcasts), counts.due, counts.waiting) == (0, 0, 3)


def test_the_tally_of_a_broadcast_is_that_of_its_rows(session):
    first = session.scalars(sa.select(Delivery)).first()
    first.state = D.PLAYED
    ids = {first.broadcast_id, 4_711}
    told = broadcasts.tallies(session, ids)
    assert told == broadcasts.tallies(session, ids, sa.true())
    assert told[first.broadcast_id].of(D.PLAYED) >= 1
    assert told[4_711].total == 0
