"""However many receivers there are, the same few statements serve them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import messages, receivers
from devices.messages import State
from devices.receivers import Presence
from loa import bulk
from loa.database import Database
from loa.times import HOUR, MINUTE, SECOND, after
from scheduler import dispatcher, planner, plans, receipts, schedules
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.plans import Lane, Outgoing, Taken
from scheduler.schedules import Kind, Rule
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in
from tests.counting import statements
from tests.scheduler.test_dispatcher import RULES, TERMS
from tests.scheduler.test_receipts import Pole, tell_it_played

FEW, MANY = 3, 60


def station(session: Session, count: int) -> Cast:
    cast = settle_in(session, count)
    rule = Rule(
        kind=Kind.DAILY, at=time(17), start_date=date(2026, 11, 21), area_ids=(cast.commune.id,)
    )
    schedules.add(session, approved_bulletin(session, cast), cast.hoa, rule, now=NOON, zone=ZONE)
    session.flush()
    session.expire_all()
    return cast


def poles(cast: Cast, occurrence: str) -> list[receipts.Batch]:
    batches = []
    for rid, key in cast.keys.items():
        pole = Pole(rid, key)
        tell_it_played(pole, occurrence)
        batches.append(receipts.verify(rid, pole.batch(), key.public.x))
    return batches


def costs(session: Session, count: int) -> dict[str, int]:
    """What each step of a broadcast costs with so many receivers, in statements."""
    cast = station(session, count)
    found: dict[str, int] = {}

    def measure(name: str, step: Callable[[], object]) -> None:
        with statements(session) as sent:
            step()
        found[name] = len(sent)

    measure("plan", lambda: planner.plan(session, NOON, RULES))
    measure("dispatch", lambda: dispatcher.dispatch(session, NOON, TERMS))
    taken = [Taken(each.receiver_id, each.rev) for each in plans.waiting(session, 1000)]
    assert len(taken) == count
    measure("published", lambda: plans.published(session, taken, NOON))
    occurrence = session.scalars(sa.select(Broadcast.occurrence).order_by(Broadcast.id)).first()
    batches = poles(cast, str(occurrence))
    measure("record", lambda: receipts.record(session, batches, after(NOON, MINUTE)))
    states = {rid: State(on=1, sid="s", rev=NOON) for rid in cast.keys}
    measure("births", lambda: receivers.note_states(session, states, NOON, 60 * SECOND))
    measure("heartbeats", lambda: receivers.note_states(session, states, NOON, 60 * SECOND))
    measure("compare", lambda: plans.compare_revisions(session, dict.fromkeys(states, NOON), NOON))
    over = after(NOON, 10 * HOUR)
    measure("expire", lambda: receipts.expire(session, over, late=MINUTE, grace=MINUTE))
    states_of = sa.select(Delivery.state, sa.func.count()).group_by(Delivery.state)
    assert dict(map(tuple, session.execute(states_of))) == {
        DeliveryState.PLAYED: count,
        DeliveryState.SENT: count,
    }
    assert session.scalar(sa.select(sa.func.count()).select_from(Presence)) == count
    return found


def test_no_step_of_a_broadcast_costs_more_statements_with_more_receivers(
    migrated_urls: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", ())  # portions of rows are steps of one statement
    found = []
    for count in (FEW, MANY):
        database = Database(migrated_urls())
        with database.write() as session:
            found.append(costs(session, count))
        database.close()
    few, many = found
    assert many == few
    assert max(few.values()) < 80, few


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


def test_more_receivers_than_are_served_together_all_get_their_plans(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "AT_ONCE", 2)
    station(session, 5)
    planner.plan(session, NOON, RULES)
    served = [dispatcher.dispatch_some(session, NOON, TERMS) for _ in range(3)]
    assert served == [(2, 2), (2, 2), (1, 1)]
    assert len(plans.waiting(session, 10)) == 5
    assert not dispatcher.is_due(session, NOON, TERMS)
    receivers.mark_stale(session)
    assert dispatcher.dispatch(session, NOON, TERMS) == 0


def test_what_is_new_leaves_before_what_is_sent_again_and_the_urgent_first_of_each(
    session: Session,
) -> None:
    station(session, 4)
    planner.plan(session, NOON, RULES)
    dispatcher.dispatch(session, NOON, TERMS)
    for rid, lane, is_out in (
        ("r-0000", Lane.PLAN, True),
        ("r-0001", Lane.URGENT, True),
        ("r-0002", Lane.PLAN, False),
        ("r-0003", Lane.URGENT, False),
    ):
        row = session.get(Outgoing, rid)
        assert row is not None
        row.lane, row.published_at = lane, NOON if is_out else None
    session.flush()
    assert plans.republish(session, after(NOON, MINUTE)) == 2
    waiting = [(each.receiver_id, each.lane) for each in plans.waiting(session, 10)]
    assert waiting == [
        ("r-0003", Lane.URGENT),
        ("r-0002", Lane.PLAN),
        ("r-0001", Lane.URGENT_AGAIN),
        ("r-0000", Lane.PLAN_AGAIN),
    ]
    plans.republish(session, after(NOON, 2 * MINUTE))
    assert [each.lane for each in plans.waiting(session, 10)] == [lane for _, lane in waiting]


def test_a_plan_made_anew_is_new_again(session: Session) -> None:
    cast = station(session, 1)
    dispatcher.dispatch(session, NOON, TERMS)
    plans.published(session, [Taken("r-0000", NOON)], NOON)
    plans.republish(session, NOON)
    planner.plan(session, NOON, RULES)
    assert dispatcher.dispatch(session, after(NOON, 1), TERMS) == 1
    assert [(w.rev, w.lane) for w in plans.waiting(session, 10)] == [(NOON + 1, Lane.PLAN)]
    (parcel,) = plans.parcels(session, plans.waiting(session, 10))
    assert messages.plan_topic(parcel.receiver_id) == f"loa/1/{cast.receivers[0].id}/dn/plan"
    assert plans.parcels(session, [plans.Waiting("r-0000", 7, Lane.PLAN)]) == []


def test_whoever_has_something_to_leave_is_served_first(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    station(session, 5)
    planner.plan(session, NOON, RULES)
    dispatcher.dispatch(session, NOON, TERMS)
    left = sa.update(Delivery).where(Delivery.receiver_id == "r-0003").values(dropped_at=NOON)
    session.execute(left)
    receivers.mark_stale(session)
    monkeypatch.setattr(dispatcher, "AT_ONCE", 1)
    dispatcher.dispatch_some(session, after(NOON, 1), TERMS)
    urgent = [w.receiver_id for w in plans.waiting(session, 10) if w.lane is Lane.URGENT]
    assert urgent == ["r-0003"]
