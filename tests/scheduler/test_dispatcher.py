from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin, Draft, Priority
from content.parts import spoken
from devices import messages, receivers, signing
from devices.messages import Plan as PlanMessage
from devices.messages import State
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after
from scheduler import broadcasts, dispatcher, planner, plans, regulation, schedules
from scheduler.broadcasts import Broadcast, DeliveryState
from scheduler.dispatcher import Terms
from scheduler.planner import Rules
from scheduler.plans import Parcel, Plan, Taken
from scheduler.regulation import QuietHours
from scheduler.schedules import Kind, Rule
from tests.cast import NOON, ZONE, Cast, approve, approved_bulletin, settle_in, vn

FIVE_PM = vn("2026-11-21 17:00")
PLAN_KEY = signing.generate("plan-1", ("plan",))
EMERGENCY_KEY = signing.generate("emergency-1", ("plan", "emergency"))
KEYS = {key.public.kid: key.public for key in (PLAN_KEY, EMERGENCY_KEY)}
TERMS = Terms(
    plan_key=PLAN_KEY, emergency_key=EMERGENCY_KEY, timezone="Asia/Ho_Chi_Minh", horizon=48 * HOUR,
    valid=72 * HOUR, late=MINUTE, heartbeat_seconds=60,
)  # fmt: skip
RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [QuietHours(time(21), time(5))], NOON)
    return settle_in(session)


def schedule(session: Session, cast: Cast, **changes: object) -> None:
    wanted = {
        "kind": Kind.ONCE,
        "at": time(17),
        "start_date": date(2026, 11, 21),
        "area_ids": (cast.commune.id,),
    }
    fields = {key: changes.pop(key) for key in ("priority", "ms") if key in changes}
    bulletin = approved_bulletin(session, cast, **fields)
    schedules.add(session, bulletin, cast.hoa, Rule(**{**wanted, **changes}), now=NOON, zone=ZONE)


def work(session: Session, now: Instant = NOON) -> int:
    planner.plan(session, now, RULES)
    return dispatcher.dispatch(session, now, TERMS)


def unpublished(session: Session) -> list[Parcel]:
    return plans.parcels(session, plans.waiting(session, 1000))


def newest(session: Session, rid: str = "r-0000") -> tuple[Plan, PlanMessage, signing.PublicKey]:
    plan = session.scalars(
        sa.select(Plan).where(Plan.receiver_id == rid).order_by(Plan.rev.desc())
    ).first()
    assert plan is not None
    payload, key = signing.verify(plan.jws, "loa-plan", KEYS)
    assert messages.decode(payload, PlanMessage) == plan.document
    return plan, messages.decode(payload, PlanMessage), key


def test_each_receiver_gets_a_signed_plan_of_its_own(session: Session, cast: Cast) -> None:
    schedule(session, cast, ms=45_000)
    assert work(session) == 3
    for receiver in cast.receivers:
        row, plan, key = newest(session, receiver.id)
        assert (plan.rid, plan.rev, plan.exp, key.kid) == (
            receiver.id,
            row.rev,
            after(NOON, 72 * HOUR),
            "plan-1",
        )
        assert plan.set.quiet == (("21:00", "05:00"),)
        (occurrence,) = plan.occ
        assert (occurrence.at, occurrence.end, occurrence.cls) == (
            FIVE_PM,
            after(FIVE_PM, 105_000),
            "N",
        )
        assert occurrence.apv == ("minh",)
        assert plan.aud[occurrence.sha].ms == 45_000


def test_a_receiver_with_nothing_to_play_still_learns_the_rules(
    session: Session, cast: Cast
) -> None:
    assert work(session) == 3
    assert newest(session)[1].occ == ()


def test_new_quiet_hours_reach_every_receiver(session: Session, cast: Cast) -> None:
    work(session)
    regulation.set_quiet(session, cast.admin, [QuietHours(time(20), time(6))], NOON)
    assert work(session, after(NOON, MINUTE)) == 3
    assert newest(session)[1].set.quiet == (("20:00", "06:00"),)


def test_nothing_new_makes_no_new_plan(session: Session, cast: Cast) -> None:
    schedule(session, cast)
    work(session)
    receivers.mark_stale(session)
    assert work(session, after(NOON, MINUTE)) == 0
    assert work(session, after(FIVE_PM, HOUR)) == 0  # what is over may stay in the old plan


def test_the_revision_rises_even_when_the_clock_steps_back(session: Session, cast: Cast) -> None:
    work(session)
    first = newest(session)[0].rev
    schedule(session, cast)
    work(session, after(NOON, -HOUR))
    assert newest(session)[0].rev == first + 1


def test_a_revision_the_receiver_remembers_from_before_a_restore_is_overtaken(
    session: Session, cast: Cast
) -> None:
    work(session)
    ahead = after(NOON, DAY)
    receivers.note_states(session, {"r-0000": State(on=1, sid="s", rev=ahead)}, NOON, 60 * SECOND)
    plans.compare_revisions(session, {"r-0000": ahead}, NOON)
    session.expire_all()
    assert work(session, after(NOON, MINUTE)) == 1
    assert newest(session)[0].rev == ahead + 1


def test_an_old_plan_is_signed_anew_before_it_expires(session: Session, cast: Cast) -> None:
    work(session)
    assert work(session, after(NOON, 23 * HOUR)) == 0
    assert work(session, after(NOON, 24 * HOUR)) == 3


def test_an_emergency_is_signed_with_the_key_that_may(session: Session, cast: Cast) -> None:
    schedule(session, cast, priority=Priority.EMERGENCY, at=time(23))
    work(session)
    _, plan, key = newest(session)
    assert (key.kid, plan.occ[0].cls) == ("emergency-1", "E")
    assert unpublished(session)[0].urgent


def test_a_receiver_that_asks_for_the_time_gets_a_plan_that_says_its_nonce(
    session: Session, cast: Cast
) -> None:
    work(session)
    later = after(NOON, SECOND)
    assert dispatcher.dispatch(session, later, TERMS, {"r-0000": "ab" * 8}) == 1
    _, plan, _ = newest(session)
    assert (plan.nz, plan.iat) == ("ab" * 8, later)
    assert work(session, after(NOON, 2 * SECOND)) == 0


def test_new_keys_sign_every_plan_anew(session: Session, cast: Cast) -> None:
    work(session)
    terms = replace(TERMS, plan_key=signing.generate("plan-2", ("plan",)))
    receivers.mark_stale(session)
    assert dispatcher.dispatch(session, after(NOON, SECOND), terms) == 3
    signed = session.scalars(sa.select(Plan).where(Plan.rev > NOON)).all()
    assert {signing.kid_of(plan.jws) for plan in signed} == {"plan-2"}


def test_stopping_says_off_and_goes_first(session: Session, cast: Cast) -> None:
    schedule(session, cast)
    work(session)
    broadcast = session.scalars(sa.select(Broadcast)).one()
    broadcasts.stop(session, broadcast, cast.minh, FIVE_PM)
    session.expire_all()
    assert work(session, FIVE_PM) == 3
    assert newest(session)[1].occ[0].st == "off"
    assert all(outgoing.urgent for outgoing in unpublished(session))


def test_only_the_newest_revision_waits_in_the_outbox(session: Session, cast: Cast) -> None:
    work(session)
    schedule(session, cast)
    work(session, after(NOON, MINUTE))
    waiting = unpublished(session)
    assert len(waiting) == 3
    assert {outgoing.rev for outgoing in waiting} == {after(NOON, MINUTE)}


def test_what_the_broker_took_is_sent_and_what_it_refused_is_not(
    session: Session, cast: Cast
) -> None:
    schedule(session, cast)
    work(session)
    taken, refused, _ = unpublished(session)
    plans.published(session, [Taken(taken.receiver_id, taken.rev)], after(NOON, 50))
    plans.published(
        session, [Taken(refused.receiver_id, refused.rev, "Not authorized")], after(NOON, 50)
    )
    broadcast = session.scalars(sa.select(Broadcast)).one()
    found = {
        delivery.receiver_id: (delivery.state, delivery.sent_at)
        for delivery in broadcast.deliveries
    }
    assert found[taken.receiver_id] == (DeliveryState.SENT, after(NOON, 50))
    assert found[refused.receiver_id] == (DeliveryState.PLANNED, None)
    assert len(unpublished(session)) == 1


def test_a_broker_that_forgot_is_told_again(session: Session, cast: Cast) -> None:
    work(session)
    for outgoing in unpublished(session):
        plans.published(session, [Taken(outgoing.receiver_id, outgoing.rev)], NOON)
    assert plans.republish(session, after(NOON, 1)) == 3
    assert plans.republish(session, after(NOON, 2)) == 0  # already waiting
    assert len(unpublished(session)) == 3


def test_a_receiver_that_lags_is_told_again_but_not_at_every_heartbeat(
    session: Session, cast: Cast
) -> None:
    work(session)
    for outgoing in unpublished(session):
        plans.published(session, [Taken(outgoing.receiver_id, outgoing.rev)], NOON)
    said = {"r-0000": 0, "r-0001": NOON}
    plans.compare_revisions(session, said, after(NOON, SECOND))
    assert unpublished(session) == []
    plans.compare_revisions(session, said, after(NOON, 20 * SECOND))
    assert [outgoing.receiver_id for outgoing in unpublished(session)] == ["r-0000"]


def test_a_plan_too_long_for_a_receiver_loses_its_far_end(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    for minute in range(150):
        at = time(13 + minute // 60, minute % 60)
        rule = Rule(
            kind=Kind.ONCE, at=at, start_date=date(2026, 11, 21), area_ids=(cast.commune.id,)
        )
        schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
    work(session)
    row, plan, _ = newest(session)
    assert len(row.jws) <= messages.MAX_PLAN_BYTES
    assert 50 < len(plan.occ) < 150
    assert [o.at for o in plan.occ] == sorted(o.at for o in plan.occ)
    assert plan.occ[0].at == vn("2026-11-21 13:00")
    carried = session.scalars(
        sa.select(broadcasts.Delivery).where(broadcasts.Delivery.rev.is_not(None))
    ).all()
    assert len(carried) == 3 * len(plan.occ)


def test_a_retired_receiver_is_told_that_nothing_is_left(session: Session, cast: Cast) -> None:
    schedule(session, cast)
    work(session)
    receivers.retire(session, cast.receivers[0], now=NOON, by="quantri")
    session.flush()
    assert work(session, after(NOON, MINUTE)) == 1
    assert [occurrence.st for occurrence in newest(session)[1].occ] == ["off"]
    delivery = session.scalars(
        sa.select(broadcasts.Delivery).where(broadcasts.Delivery.receiver_id == "r-0000")
    ).one()
    assert delivery.state is DeliveryState.PLANNED  # its own journal will say that it was cancelled
    receivers.mark_stale(session)
    session.expire_all()
    work(session, after(NOON, 73 * HOUR))
    assert newest(session)[0].made_at == after(NOON, MINUTE)


def test_a_broadcast_closed_after_it_was_handed_out_is_off_until_the_receivers_say_so(
    session: Session, cast: Cast
) -> None:
    schedule(session, cast, at=time(20, 30))
    work(session)
    regulation.set_quiet(session, cast.admin, [QuietHours(time(20), time(6))], NOON)
    assert work(session, after(NOON, MINUTE)) == 3
    assert newest(session)[1].occ[0].st == "off"
    (broadcast,) = session.scalars(sa.select(Broadcast)).all()
    assert {delivery.state for delivery in broadcast.deliveries} == {DeliveryState.PLANNED}
    assert "20:00–06:00" in str(broadcast.reason)


def test_a_receiver_that_left_the_area_is_left_out_and_taken_back(
    session: Session, cast: Cast
) -> None:
    schedule(session, cast, area_ids=(cast.villages[0].id,))
    work(session)
    moved = cast.receivers[0]
    moved.area_id = cast.villages[1].id
    session.flush()
    work(session, after(NOON, MINUTE))
    assert [occurrence.st for occurrence in newest(session)[1].occ] == ["off"]
    at_pole(session).state = DeliveryState.CANCELLED  # as the receiver then says
    moved.area_id = cast.villages[0].id
    session.flush()
    work(session, after(NOON, 2 * MINUTE))
    assert [occurrence.st for occurrence in newest(session)[1].occ] == ["on"]


def at_pole(session: Session, rid: str = "r-0000") -> broadcasts.Delivery:
    return session.scalars(
        sa.select(broadcasts.Delivery).where(broadcasts.Delivery.receiver_id == rid)
    ).one()


def edited_once_handed_out(session: Session, cast: Cast) -> Bulletin:
    schedule(session, cast)
    work(session)
    bulletin = session.scalars(sa.select(Bulletin)).one()
    bulletins.edit(
        session, bulletin, cast.hoa, Draft(title="Khác", parts=spoken("Nội dung khác")), NOON
    )
    work(session, after(NOON, MINUTE))
    return bulletin


def test_approved_again_after_the_receivers_had_dropped_it_it_plays_after_all(
    session: Session, cast: Cast
) -> None:
    bulletin = edited_once_handed_out(session, cast)
    assert [occurrence.st for occurrence in newest(session)[1].occ] == ["off"]
    broadcast = session.scalars(sa.select(Broadcast)).one()
    for delivery in broadcast.deliveries:
        delivery.state = DeliveryState.CANCELLED
    broadcasts.settle(session, broadcast)
    approve(session, cast, bulletin, ms=20_000)
    work(session, after(NOON, 2 * MINUTE))
    (occurrence,) = newest(session)[1].occ
    assert (occurrence.st, occurrence.sha) == ("on", bulletin.recording_sha)
    assert {delivery.state for delivery in broadcast.deliveries} == {DeliveryState.PLANNED}


def test_a_bulletin_whose_approval_ended_can_still_be_silenced(
    session: Session, cast: Cast
) -> None:
    """A pole without a link began to sound it; the edit came first, "Dừng" after."""
    edited_once_handed_out(session, cast)
    at_pole(session).state = DeliveryState.STARTED
    broadcast = session.scalars(sa.select(Broadcast)).one()
    broadcasts.stop(session, broadcast, cast.minh, FIVE_PM)
    session.expire_all()
    work(session, FIVE_PM)
    assert [occurrence.st for occurrence in newest(session)[1].occ] == ["off"]


def test_a_replaced_plan_is_not_taken_for_published(session: Session, cast: Cast) -> None:
    schedule(session, cast)
    work(session)
    first = unpublished(session)[0]
    broadcasts.stop(session, session.scalars(sa.select(Broadcast)).one(), cast.minh, NOON)
    session.expire_all()
    work(session, after(NOON, 1))
    plans.published(session, [Taken(first.receiver_id, first.rev)], after(NOON, 2))
    waiting = {parcel.receiver_id: parcel.rev for parcel in unpublished(session)}
    assert waiting[first.receiver_id] > first.rev


def test_a_plan_the_broker_refused_is_tried_again(session: Session, cast: Cast) -> None:
    work(session)
    for parcel in unpublished(session):
        plans.published(session, [Taken(parcel.receiver_id, parcel.rev, "Not authorized")], NOON)
    assert unpublished(session) == []
    assert plans.republish(session, after(NOON, MINUTE)) == 3
    assert len(unpublished(session)) == 3


def test_a_revision_no_memory_can_explain_does_not_drive_ours(session: Session, cast: Cast) -> None:
    work(session)
    receivers.note_states(session, {"r-0000": State(on=1, sid="s", rev=2**53)}, NOON, 60 * SECOND)
    plans.compare_revisions(session, {"r-0000": 2**53}, NOON)
    receivers.mark_stale(session)
    session.expire_all()
    schedule(session, cast)
    assert work(session, after(NOON, MINUTE)) == 3
    assert newest(session)[0].rev == after(NOON, MINUTE)


def test_broadcasting_now_sounds_even_if_planned_a_little_late(
    session: Session, cast: Cast
) -> None:
    bulletin = approved_bulletin(session, cast)
    schedules.broadcast_now(session, bulletin, cast.minh, [cast.commune.id], now=NOON, zone=ZONE)
    work(session, after(NOON, 20 * SECOND))
    assert [occurrence.st for occurrence in newest(session)[1].occ] == ["on"]
