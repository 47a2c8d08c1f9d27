"""What staff set for a receiver stands in its next plan, and only there."""

from __future__ import annotations

import pytest

from devices import remote, signing
from loa.times import HOUR, MINUTE, SECOND, after
from scheduler import dispatcher
from scheduler.dispatcher import Terms
from scheduler.plans import Outgoing, Plan
from tests.cast import NOON, settle_in

TERMS = Terms(
    plan_key=signing.generate("plan-1", ("plan",)),
    emergency_key=signing.generate("emergency-1", ("plan", "emergency")),
    timezone="Asia/Ho_Chi_Minh", horizon=48 * HOUR, valid=72 * HOUR, late=MINUTE, heartbeat_seconds=60,
)  # fmt: skip


@pytest.fixture
def session(database):
    with database.write() as opened:
        settle_in(opened)
        dispatcher.dispatch(opened, NOON, TERMS)
        yield opened


def settings(session, rid="r-0000"):
    session.expire_all()
    newest = session.get_one(Outgoing, rid).rev
    return session.get_one(Plan, (rid, newest)).document.set


def test_settings_reach_the_plan_of_the_receiver_they_are_for(session):
    marks = {"now": NOON, "by": "hoa"}
    remote.set_volume(session, ["r-0000"], 33, **marks)
    remote.set_muted(session, ["r-0000"], True, **marks)
    remote.set_delay(session, ["r-0000"], 100, **marks)
    remote.restart(session, ["r-0000"], **marks)
    assert dispatcher.dispatch(session, after(NOON, SECOND), TERMS) == 1
    told = settings(session)
    assert (told.vol, told.mute, told.delay_ms, told.boot) == (33, True, 100, 1)
    others = settings(session, "r-0001")
    assert (others.vol, others.mute, others.delay_ms, others.boot) == (70, False, 0, 0)
