"""A receiver nobody has heard yet is in no broadcast; once it was, it is in all that are still to come."""

from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import messages, receivers
from devices.messages import Audio, Canned
from devices.receivers import Receiver
from loa.database import Database
from loa.times import HOUR, MINUTE, after
from scheduler import canned, dispatcher, planner, schedules
from scheduler.broadcasts import Broadcast
from scheduler.dispatcher import Plan
from scheduler.planner import Rules
from scheduler.schedules import Kind, Rule
from tests.cast import NOON, ZONE, approved_bulletin, settle_in
from tests.scheduler.test_dispatcher import TERMS

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
RID = "r-0001"


@pytest.fixture
def session(database: Database) -> Session:
    """A broadcast at 17:00 to all, and one of the three receivers not yet heard."""
    with database.write() as opened:
        cast = settle_in(opened)
        receivers.get(opened, RID).confirmed_at = None
        rule = Rule(
            kind=Kind.ONCE, at=time(17), start_date=date(2026, 11, 21), area_ids=(cast.commune.id,)
        )
        schedules.add(opened, approved_bulletin(opened, cast), cast.hoa, rule, now=NOON, zone=ZONE)
        yield opened


def wanted(session: Session, minutes: int) -> list[str]:
    """Which receivers the broadcast is to sound on, planned so many minutes after noon."""
    planner.plan(session, after(NOON, minutes * MINUTE), RULES)
    session.expire_all()
    (broadcast,) = session.scalars(sa.select(Broadcast))
    return sorted(d.receiver_id for d in broadcast.deliveries if d.dropped_at is None)


def test_it_is_in_no_broadcast_until_it_was_heard(session: Session) -> None:
    assert wanted(session, 0) == ["r-0000", "r-0002"]
    receivers.get(session, RID).confirmed_at = after(NOON, MINUTE)
    assert wanted(session, 1) == ["r-0000", RID, "r-0002"]


def test_one_that_begins_anew_is_out_until_it_was_heard_again(session: Session) -> None:
    receivers.get(session, RID).confirmed_at = NOON
    assert RID in wanted(session, 0)
    receivers.get(session, RID).confirmed_at = None
    assert RID not in wanted(session, 1)
    receivers.get(session, RID).confirmed_at = after(NOON, 2 * MINUTE)
    assert RID in wanted(session, 2)


def test_it_has_a_plan_all_the_same_or_it_could_not_be_heard(session: Session) -> None:
    wanted(session, 0)
    dispatcher.dispatch(session, NOON, TERMS)
    plan = session.scalars(sa.select(Plan).where(Plan.receiver_id == RID)).one()
    assert plan.document.occ == ()
    assert session.get_one(Receiver, RID).active


def test_one_given_anew_while_a_broadcast_is_due_is_told_to_leave_it(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = canned.Kept(sounds=(Canned(n=1, sha="0" * 64),), files={"0" * 64: Audio(n=1, ms=1)})
    monkeypatch.setattr(canned, "kept", lambda _session: kept)
    receivers.get(session, RID).confirmed_at = NOON
    wanted(session, 0)
    dispatcher.dispatch(session, NOON, TERMS)
    assert [(o.st, p.can) for p in [newest(session)] for o in p.occ] == [("on", kept.sounds)]
    receivers.get(session, RID).confirmed_at = None
    receivers.mark_stale(session, [RID])
    dispatcher.dispatch(session, after(NOON, MINUTE), TERMS)
    assert [(o.st, p.can) for p in [newest(session)] for o in p.occ] == [("off", None)]


def newest(session: Session) -> messages.Plan:
    found = sa.select(Plan).where(Plan.receiver_id == RID).order_by(Plan.rev.desc())
    return session.scalars(found.limit(1)).one().document
