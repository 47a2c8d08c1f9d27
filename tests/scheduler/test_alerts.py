from __future__ import annotations

import json
from datetime import date, time

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins, decisions
from content.bulletins import Draft, Priority
from content.bulletins import State as BulletinState
from content.corrections import Correction
from content.parts import Text, spoken
from content.recordings import Rendering
from devices import messages, signing
from devices.messages import Plan as PlanMessage
from devices.receivers import Receiver
from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import ContentError, LoaError, NotAllowed, ScheduleError
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after
from scheduler import (
    alert_consent,
    alert_orders,
    alert_templates,
    alerts,
    dispatcher,
    planner,
    regulation,
    schedules,
)
from scheduler.alert_orders import LEAD, Order
from scheduler.alert_words import DRILL
from scheduler.alerts import Alert, State
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.dispatcher import Terms
from scheduler.plans import Plan
from scheduler.regulation import QuietHours, Regulation
from scheduler.rulebook import Rulebook, Slot
from scheduler.sources import Rules
from scheduler.targets import Where
from tests.cast import (
    NOON,
    ZONE,
    Cast,
    another_approver,
    approve,
    approved_bulletin,
    give_sound,
    settle_in,
    vn,
)

TERMS = Terms(
    plan_key=signing.generate("plan-1", ("plan",)),
    emergency_key=signing.generate("emergency-1", ("plan", "emergency")),
    timezone="Asia/Ho_Chi_Minh", horizon=48 * HOUR, valid=72 * HOUR, late=MINUTE, heartbeat_seconds=60,
)  # fmt: skip
RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
NIGHT = vn("2026-11-21 23:00")
SILENCED = Correction(start=0, end=3, written="Đây", spoken="thật")
FLOOD = "Nước lũ đang lên nhanh ở thôn Bãi. Bà con rời chỗ thấp ngay."


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [QuietHours(time(21), time(5))], NOON)
    return settle_in(session)


def order(cast: Cast, now: Instant = NOON, **changes: object) -> Order:
    usual = {"where": Where((cast.commune.id,)), "expires_at": after(now, 2 * HOUR), "every_ms": 10 * MINUTE,
             "title": "Lũ lên nhanh", "body": FLOOD}  # fmt: skip
    return Order(**{**usual, **changes})


def prepared(
    session: Session, cast: Cast, now: Instant = NOON, *, ms: int = 20_000, **changes: object
) -> Alert:
    """Prepared by Hoa, its sound made."""
    alert = alert_orders.prepare(session, cast.hoa, order(cast, now, **changes), now, ZONE)
    if not alert.bulletin.sounds:
        give_sound(session, alert.bulletin, ms, now)
    plan(session, now)
    return session.get_one(Alert, alert.id)


def agree(session: Session, alert: Alert, person: object, now: Instant = NOON) -> bool:
    heard = alert.bulletin.sounds.values()
    return alert_consent.agree(session, alert, person, heard, now, ZONE)


def active(session: Session, cast: Cast, now: Instant = NOON, **changes: object) -> Alert:
    """Agreed to by both approvers."""
    alert = prepared(session, cast, now, **changes)
    agree(session, alert, cast.minh, now)
    if alert.state is State.WAITING:
        assert agree(session, alert, another_approver(session), now)
    plan(session, now)
    return session.get_one(Alert, alert.id)


def plan(session: Session, now: Instant = NOON) -> None:
    planner.plan(session, now, RULES)


def runs(session: Session, alert: Alert) -> list[Broadcast]:
    found = sa.select(Broadcast).where(Broadcast.alert_id == alert.id)
    return list(session.scalars(found.order_by(Broadcast.starts_at)))


def told(session: Session, now: Instant, rid: str = "r-0000") -> PlanMessage:
    """What the newest plan of a receiver says once all is dispatched."""
    dispatcher.dispatch(session, now, TERMS)
    newest = sa.select(Plan.jws).where(Plan.receiver_id == rid).order_by(Plan.rev.desc())
    return messages.decode(signing.payload(session.scalars(newest).first()), PlanMessage)


def allow_alone(session: Session, minutes: int) -> None:
    rules = session.scalars(sa.select(Regulation).order_by(Regulation.id.desc())).first()
    rules.rules = msgspec.structs.replace(rules.rules, alone_minutes=minutes)
    session.flush()


# -- preparing ------------------------------------------------------------------------------------


def test_one_that_is_prepared_waits_and_its_sound_is_asked_for_at_once(session, cast) -> None:
    alert = alert_orders.prepare(session, cast.hoa, order(cast), NOON, ZONE)
    assert alert.state is State.WAITING
    assert alert.bulletin.priority is Priority.EMERGENCY
    assert session.scalars(sa.select(Rendering.bulletin_id)).all() == [alert.bulletin_id]
    plan(session)
    assert runs(session, alert) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"where": Where()}, "area_ids"),
        ({"where": Where((999,))}, "area_ids"),
        ({"expires_at": NOON}, "hours"),
        ({"expires_at": after(NOON, DAY + 1)}, "hours"),
        ({"every_ms": 59 * SECOND}, "every"),
        ({"every_ms": MINUTE}, "every"),
        ({"times": -1}, "times"),
        ({"body": "  "}, "body"),
        ({"title": " "}, "title"),
    ],
)
def test_it_refuses_what_no_alert_may_be(session, cast, changes, field) -> None:
    with pytest.raises(LoaError) as refusal:
        alert_orders.prepare(session, cast.hoa, order(cast, **changes), NOON, ZONE)
    assert refusal.value.field == field
    assert session.scalars(sa.select(Alert)).all() == []


def test_as_many_repetitions_as_a_plan_holds_may_be_asked_for_by_number(session, cast) -> None:
    alert = prepared(session, cast, every_ms=MINUTE, times=60)
    assert alert.times == 60


def test_who_only_looks_on_may_not_prepare(session, cast) -> None:
    with pytest.raises(NotAllowed):
        alert_orders.prepare(session, cast.lan, order(cast), NOON, ZONE)


def test_a_bulletin_that_is_no_approved_emergency_is_refused(session, cast) -> None:
    notice = approved_bulletin(session, cast)
    with pytest.raises(ScheduleError, match="không phải bản tin khẩn cấp") as refusal:
        alert_orders.prepare(session, cast.hoa, order(cast, bulletin=notice), NOON, ZONE)
    assert refusal.value.field == "bulletin"


# -- agreeing -------------------------------------------------------------------------------------


def test_new_words_sound_once_two_approvers_have_heard_them(session, cast) -> None:
    alert = prepared(session, cast)
    assert (
        alert.bulletin.state is BulletinState.SUBMITTED
    )  # handed in by itself, once it could be heard
    assert not agree(session, alert, cast.minh)
    plan(session)
    assert runs(session, alert) == []
    assert agree(session, alert, another_approver(session), after(NOON, MINUTE))
    assert alert.state is State.ACTIVE
    assert alert.starts_at == after(NOON, MINUTE + LEAD)
    approval = decisions.approval(session, alert.bulletin_id)
    assert approval is not None
    assert approval.logins == ["minh", "duyet2"]


def test_nobody_agrees_to_what_they_prepared(session, cast) -> None:
    alert = alert_orders.prepare(session, cast.minh, order(cast), NOON, ZONE)
    give_sound(session, alert.bulletin)
    with pytest.raises(NotAllowed, match="người duyệt khác"):
        agree(session, alert, cast.minh)
    assert alert.state is State.WAITING


def test_nobody_agrees_twice(session, cast) -> None:
    alert = prepared(session, cast)
    agree(session, alert, cast.minh)
    with pytest.raises(ContentError, match="đã duyệt bản tin này rồi"):
        agree(session, alert, cast.minh)


def test_an_editor_may_not_agree(session, cast) -> None:
    with pytest.raises(NotAllowed):
        agree(session, prepared(session, cast), cast.hoa)


@pytest.mark.parametrize("heard", [[], ["f" * 64]])
def test_agreeing_names_the_very_sound(session, cast, heard) -> None:
    alert = prepared(session, cast)
    with pytest.raises(ContentError, match="nghe lại"):
        alert_consent.agree(session, alert, cast.minh, heard, NOON, ZONE)


def test_it_cannot_be_agreed_to_before_it_can_be_heard(session, cast) -> None:
    alert = alert_orders.prepare(session, cast.hoa, order(cast), NOON, ZONE)
    with pytest.raises(ContentError, match="chưa tạo xong"):
        alert_consent.agree(session, alert, cast.minh, [], NOON, ZONE)


def test_a_bulletin_approved_before_needs_only_the_second_persons_order(session, cast) -> None:
    known = approved_bulletin(session, cast, priority=Priority.EMERGENCY)
    alert = prepared(session, cast, bulletin=known)
    assert agree(session, alert, cast.minh)
    assert alert.state is State.ACTIVE


def test_an_expired_order_is_not_agreed_to(session, cast) -> None:
    alert = prepared(session, cast)
    with pytest.raises(ScheduleError, match="hết hạn"):
        agree(session, alert, cast.minh, after(NOON, 2 * HOUR))


# -- sounding -------------------------------------------------------------------------------------


def test_all_repetitions_until_expiry_are_in_every_plan_ahead(session, cast) -> None:
    alert = active(session, cast)
    starts = [after(NOON, LEAD + n * 10 * MINUTE) for n in range(12)]
    assert [run.starts_at for run in runs(session, alert)] == starts
    said = told(session, NOON)
    assert [(occ.at, occ.cls, occ.st) for occ in said.occ] == [(at, "E", "on") for at in starts]
    assert len({occ.id for occ in said.occ}) == 12


def test_sixty_repetitions_fit_into_a_plan(session, cast) -> None:
    active(session, cast, every_ms=2 * MINUTE)
    assert len(told(session, NOON).occ) == 60


def test_it_may_be_repeated_so_many_times_or_sound_once(session, cast) -> None:
    assert len(runs(session, active(session, cast, times=3))) == 3
    assert len(runs(session, active(session, cast, every_ms=0))) == 1


def test_a_sound_longer_than_its_interval_is_not_repeated_into_itself(session, cast) -> None:
    alert = active(session, cast, every_ms=MINUTE, times=3, ms=55_000)
    assert alert.every_ms == 2 * MINUTE


def test_it_sounds_in_quiet_hours(session, cast) -> None:
    alert = active(session, cast, NIGHT)
    assert {occ.st for occ in told(session, NIGHT).occ} == {"on"}
    assert all(run.reason is None for run in runs(session, alert))


def test_planning_again_or_after_a_restart_makes_nothing_twice(session, cast) -> None:
    alert = active(session, cast)
    before = [run.occurrence for run in runs(session, alert)]
    for minutes in (0, 1, 11, 119):
        plan(session, after(NOON, minutes * MINUTE))
    assert [run.occurrence for run in runs(session, alert)] == before


def test_each_run_says_by_whose_order_it_sounds(session, cast) -> None:
    run = runs(session, active(session, cast))[0]
    assert run.scheduler == "Người duyệt thứ hai"
    assert run.origin == "Lệnh khẩn cấp “Lũ lên nhanh”, lặp lại mỗi 10 phút đến 14:00 21/11/2026"
    assert run.approver_names == ["Minh", "Người duyệt thứ hai"]


# -- sounds sent ahead ----------------------------------------------------------------------------


def test_receivers_fetch_the_sound_while_people_decide_and_cannot_play_it(session, cast) -> None:
    alert = prepared(session, cast)
    said = told(session, NOON)
    assert said.aud.keys() == {alert.bulletin.recording_sha}
    assert said.occ == ()
    assert said.can is None


def test_only_receivers_meant_fetch_it_ahead(session, cast) -> None:
    prepared(session, cast, where=Where((cast.villages[0].id,)))
    assert told(session, NOON, "r-0000").aud
    assert (
        session.scalars(sa.select(Plan.jws).where(Plan.receiver_id == "r-0001")).all() == []
        or not told(session, NOON, "r-0001").aud
    )


def test_a_plan_is_not_made_again_for_what_it_says_already(session, cast) -> None:
    prepared(session, cast)
    told(session, NOON)
    session.execute(sa.update(Receiver).values(plan_stale=True))
    assert dispatcher.dispatch(session, after(NOON, SECOND), TERMS) == 0


def test_what_was_refused_is_not_kept_any_longer(session, cast) -> None:
    alert = prepared(session, cast)
    told(session, NOON)
    alert_orders.refuse(session, alert, cast.minh, "báo nhầm", NOON)
    assert told(session, after(NOON, SECOND)).aud == {}
    assert alert.bulletin.state is BulletinState.WITHDRAWN


# -- the end --------------------------------------------------------------------------------------


def test_ending_it_says_off_for_what_was_handed_out(session, cast) -> None:
    alert = active(session, cast)
    told(session, NOON)
    soon = after(NOON, 5 * SECOND)
    alert_orders.end(session, alert, cast.minh, "nước đã rút", soon)
    plan(session, soon)
    assert {occ.st for occ in told(session, soon).occ} == {"off"}
    assert alert.state is State.ENDED
    assert (alert.ended_by, alert.ended_why) == ("Minh", "nước đã rút")
    assert {run.code for run in runs(session, alert)} == {"alert_ended"}


def test_what_no_plan_carried_ends_at_once(session, cast) -> None:
    alert = active(session, cast)
    alert_orders.end(session, alert, cast.minh, "báo nhầm", NOON)
    assert set(session.scalars(sa.select(Delivery.state))) == {DeliveryState.CANCELLED}


def test_ending_needs_a_reason_and_somebody_who_may_stop(session, cast) -> None:
    alert = active(session, cast)
    with pytest.raises(ScheduleError) as refusal:
        alert_orders.end(session, alert, cast.minh, "  ", NOON)
    assert refusal.value.field == "why"
    with pytest.raises(NotAllowed):
        alert_orders.end(session, alert, cast.hoa, "thôi", NOON)


def test_one_that_ran_out_is_expired_and_not_ended_and_what_sounds_is_heard_to_its_end(
    session, cast
) -> None:
    alert = active(session, cast)
    told(session, NOON)
    late = after(NOON, 2 * HOUR)
    plan(session, late)
    assert session.get_one(Alert, alert.id).state is State.EXPIRED
    assert {run.stop_requested_at for run in runs(session, alert)} == {None}


def test_one_that_sounded_often_enough_is_over(session, cast) -> None:
    alert = active(session, cast, times=2)
    plan(session, after(NOON, 11 * MINUTE))
    assert session.get_one(Alert, alert.id).state is State.ACTIVE
    plan(session, after(NOON, 13 * MINUTE))
    found = session.get_one(Alert, alert.id)
    assert (found.state, found.ended_why) == (State.EXPIRED, "Đã phát đủ số lần.")


def test_one_nobody_agreed_to_expires_unheard(session, cast) -> None:
    alert = prepared(session, cast)
    plan(session, after(NOON, 2 * HOUR))
    found = session.get_one(Alert, alert.id)
    assert (found.state, found.ended_why) == (State.EXPIRED, "Hết hạn, chưa phát.")
    assert found.bulletin.state is BulletinState.WITHDRAWN


def test_the_bulletin_of_one_that_sounds_is_neither_changed_nor_taken_back(session, cast) -> None:
    alert = active(session, cast)
    renamed = msgspec.structs.replace(alert.bulletin.draft, title="Lũ về")
    for act in (
        lambda: bulletins.withdraw(session, alert.bulletin, cast.minh, NOON),
        lambda: bulletins.edit(session, alert.bulletin, cast.hoa, renamed, NOON),
        lambda: bulletins.read_again(session, alert.bulletin, cast.hoa, NOON),
    ):
        with pytest.raises(ContentError, match="dừng lệnh ở trang Khẩn cấp"):
            act()
    plan(session, after(NOON, SECOND))
    assert {occ.st for occ in told(session, NOON).occ} == {"on"}
    alert_orders.end(session, alert, cast.minh, "báo nhầm", after(NOON, MINUTE))
    bulletins.withdraw(session, alert.bulletin, cast.minh, after(NOON, MINUTE))


def test_one_whose_approval_is_gone_all_the_same_is_shown_as_ended(session, cast) -> None:
    alert = active(session, cast)
    decisions.end(session, [alert.bulletin_id], NOON, "thử")
    plan(session, after(NOON, SECOND))
    found = session.get_one(Alert, alert.id)
    assert (found.state, found.ended_why) == (State.ENDED, "Bản tin không còn được duyệt.")


def test_a_bulletin_sent_back_refuses_it(session, cast) -> None:
    alert = prepared(session, cast)
    bulletins.reject(
        session, alert.bulletin, cast.minh, alert.bulletin.sounds.values(), "sai chỗ", NOON
    )
    plan(session, after(NOON, SECOND))
    assert session.get_one(Alert, alert.id).state is State.REFUSED


def test_the_one_in_whose_place_another_stands_ends_when_that_begins(session, cast) -> None:
    old = active(session, cast)
    new = prepared(session, cast, title="Lũ đã vượt đê", replaces_id=old.id)
    assert old.state is State.ACTIVE
    agree(session, new, cast.minh)
    agree(session, new, another_approver(session))
    assert old.state is State.ENDED
    assert old.ended_why == "Thay bằng lệnh “Lũ đã vượt đê”."


# -- alone ----------------------------------------------------------------------------------------


def alone(session: Session, alert: Alert, person: object, now: Instant = NOON) -> Instant:
    heard = alert.bulletin.sounds.values()
    return alert_consent.sound_alone(session, alert, person, heard, now, ZONE)


def test_nobody_sounds_it_alone_unless_the_regulation_says_so(session, cast) -> None:
    with pytest.raises(ScheduleError, match="Quy chế"):
        alone(session, prepared(session, cast), cast.minh)


def test_one_officer_sounds_it_for_the_first_minutes(session, cast) -> None:
    allow_alone(session, 10)
    alert = prepared(session, cast, every_ms=5 * MINUTE)
    until = alone(session, alert, cast.minh)
    assert until == after(NOON, LEAD + 10 * MINUTE)
    plan(session)
    assert [run.starts_at for run in runs(session, alert)] == [
        after(NOON, LEAD), after(NOON, LEAD + 5 * MINUTE)
    ]  # fmt: skip
    assert {occ.st for occ in told(session, NOON).occ} == {"on"}
    assert runs(session, alert)[0].approver_names == ["Minh"]
    acts = session.scalars(sa.select(AuditEntry.kind)).all()
    assert "alert.alone" in acts
    plan(session, after(until, SECOND))
    found = session.get_one(Alert, alert.id)
    assert found.state is State.ENDED
    assert "chưa đồng ý" in found.ended_why


def test_a_second_person_lets_it_go_on(session, cast) -> None:
    allow_alone(session, 10)
    alert = prepared(session, cast, every_ms=5 * MINUTE)
    alone(session, alert, cast.minh)
    plan(session)
    first = [run.occurrence for run in runs(session, alert)]
    soon = after(NOON, 2 * MINUTE)
    assert agree(session, alert, another_approver(session), soon)
    plan(session, soon)
    found = runs(session, session.get_one(Alert, alert.id))
    assert len(found) == 24
    assert [run.occurrence for run in found[:2]] == first


def test_whoever_wrote_the_words_may_sound_them_alone_but_both_others_must_agree(
    session, cast
) -> None:
    allow_alone(session, 10)
    alert = alert_orders.prepare(session, cast.minh, order(cast), NOON, ZONE)
    give_sound(session, alert.bulletin)
    plan(session)
    alone(session, session.get_one(Alert, alert.id), cast.minh)
    assert decisions.approval(session, alert.bulletin_id) is None
    assert not agree(session, alert, another_approver(session))


def test_what_sounds_alone_is_approved_for_nothing_else(session, cast) -> None:
    allow_alone(session, 10)
    alert = prepared(session, cast)
    alone(session, alert, cast.minh)
    rule = schedules.Rule(
        kind=schedules.Kind.ONCE, at=time(15), start_date=date(2026, 11, 21), area_ids=(cast.commune.id,)
    )  # fmt: skip
    schedules.add(session, alert.bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
    plan(session)
    found = session.scalars(sa.select(Broadcast).where(Broadcast.alert_id.is_(None))).one()
    assert found.recording_sha is None


def test_other_words_than_those_heard_do_not_sound_alone(session, cast) -> None:
    allow_alone(session, 10)
    alert = prepared(session, cast, every_ms=5 * MINUTE)
    alone(session, alert, cast.minh)
    plan(session)
    draft = msgspec.structs.replace(alert.bulletin.draft, parts=spoken("Lời khác."))
    with pytest.raises(ContentError, match="dừng lệnh"):
        bulletins.edit(session, alert.bulletin, cast.hoa, draft, NOON)
    alert.heard = {"vi": "f" * 64}  # as if they had come in some other way
    plan(session, after(NOON, 2 * LEAD))
    assert runs(session, alert)[-1].recording_sha is None


def test_an_approver_who_sends_it_back_ends_what_sounds_alone(session, cast) -> None:
    allow_alone(session, 10)
    alert = prepared(session, cast, every_ms=5 * MINUTE)
    alone(session, alert, cast.minh)
    plan(session)
    soon, heard = after(NOON, MINUTE), alert.bulletin.sounds.values()
    bulletins.reject(session, alert.bulletin, another_approver(session), heard, "sai chỗ", soon)
    plan(session, soon)
    assert session.get_one(Alert, alert.id).state is State.ENDED
    assert all(run.stop_requested_at or run.code for run in runs(session, alert))


# -- drills ---------------------------------------------------------------------------------------


def test_a_drill_says_so_first_and_last_and_is_no_emergency_to_a_receiver(session, cast) -> None:
    alert = active(session, cast, drill=True)
    assert alert.bulletin.body.startswith(DRILL)
    assert alert.bulletin.body.endswith(DRILL)
    assert alert.title == "DIỄN TẬP: Lũ lên nhanh"
    assert {occ.cls for occ in told(session, NOON).occ} == {"P"}
    assert all(run.drill for run in runs(session, alert))


def test_a_drill_never_begins_in_quiet_hours(session, cast) -> None:
    with pytest.raises(ScheduleError, match="giờ không phát"):
        prepared(session, cast, NIGHT, drill=True)
    evening = vn("2026-11-21 20:55")
    with pytest.raises(ScheduleError, match="giờ không phát"):
        prepared(session, cast, evening, drill=True, every_ms=10 * MINUTE)  # the second at 21:05
    alert = prepared(session, cast, evening, drill=True, every_ms=0)
    with pytest.raises(ScheduleError, match="giờ không phát"):
        agree(session, alert, cast.minh, after(evening, 5 * MINUTE - 10 * SECOND))
    agree(session, alert, cast.minh, evening)
    plan(session, evening)
    assert [occ.st for occ in told(session, evening).occ] == ["on"]


@pytest.fixture
def evening(session, cast) -> Instant:
    """Within a session that ends at half past five."""
    in_force = session.scalars(sa.select(Regulation)).one()
    held = (Slot(key="c", name="Chiều", start="17:00", minutes=30),)
    in_force.rules = Rulebook(slots=held, too_long="reason")
    session.flush()
    return vn("2026-11-21 17:05")


def test_a_drill_needs_no_reason_and_none_is_made_up_for_it(session, cast, evening) -> None:
    alert = prepared(session, cast, evening, drill=True, every_ms=10 * MINUTE, ms=11 * MINUTE)
    assert agree(session, alert, cast.minh, evening)
    logged = {
        entry.kind: json.loads(entry.data) for entry in session.scalars(sa.select(AuditEntry))
    }
    assert logged["alert.agree"]["rules"] == ["session_minutes"]
    assert "schedule.waived" not in logged


def test_a_drill_does_not_begin_where_the_regulation_refuses(session, cast, evening) -> None:
    in_force = session.scalars(sa.select(Regulation)).one()
    in_force.rules = msgspec.structs.replace(in_force.rules, too_long="refuse")
    session.flush()
    alert = prepared(session, cast, evening, drill=True, every_ms=10 * MINUTE, ms=11 * MINUTE)
    with pytest.raises(ScheduleError, match="quá cuối khung giờ"):
        agree(session, alert, cast.minh, evening)
    assert alert.state is State.WAITING


def test_a_drill_has_words_of_its_own(session, cast) -> None:
    known = approved_bulletin(session, cast, priority=Priority.EMERGENCY)
    with pytest.raises(ScheduleError) as refusal:
        prepared(session, cast, bulletin=known, drill=True)
    assert refusal.value.field == "drill"


def test_a_drill_is_never_sounded_alone(session, cast) -> None:
    allow_alone(session, 10)
    with pytest.raises(ScheduleError, match="Quy chế"):
        alone(session, prepared(session, cast, drill=True), cast.minh)


@pytest.mark.parametrize(
    ("drill", "changes", "why"),
    [
        (True, {"priority": Priority.EMERGENCY}, "Mức ưu tiên"),
        (True, {"priority": Priority.NORMAL}, "Mức ưu tiên"),
        (True, {"title": "Lũ lên nhanh"}, "DIỄN TẬP"),
        (True, {"parts": spoken(FLOOD)}, "không còn nói"),
        (True, {"parts": spoken(f"{DRILL} {FLOOD}")}, "không còn nói"),
        (True, {"parts": (*spoken(f"{DRILL} {DRILL}"), *spoken(FLOOD))}, "không còn nói"),
        (True, {"parts": (Text(body=f"{DRILL} {DRILL}", corrections=(SILENCED,)),)}, "không còn nói"),
        (False, {"priority": Priority.PRIORITY}, "Mức ưu tiên"),
        (False, {"priority": Priority.NORMAL}, "Mức ưu tiên"),
    ],
)  # fmt: skip
def test_a_drill_is_never_edited_into_what_is_real_nor_the_other_way(
    session, cast, drill, changes, why
) -> None:
    allow_alone(session, 10)
    alert = prepared(session, cast, drill=drill)
    draft = msgspec.structs.replace(alert.bulletin.draft, **changes)
    bulletins.edit(session, alert.bulletin, cast.hoa, draft, NOON)
    give_sound(session, alert.bulletin)
    for act in (agree, alone):
        with pytest.raises(ScheduleError, match=why):
            act(session, alert, cast.minh)
    plan(session, after(NOON, SECOND))
    found = session.get_one(Alert, alert.id)
    assert found.state is State.REFUSED
    assert why in found.ended_why
    assert runs(session, alert) == []


def test_a_drill_may_be_reworded_between_its_own_words(session, cast) -> None:
    alert = prepared(session, cast, drill=True)
    parts = spoken(f"{DRILL}\n\nNước lên chậm.\n\n{DRILL}")
    draft = msgspec.structs.replace(alert.bulletin.draft, parts=parts)
    bulletins.edit(session, alert.bulletin, cast.hoa, draft, NOON)
    give_sound(session, alert.bulletin)
    plan(session)
    agree(session, session.get_one(Alert, alert.id), cast.minh)
    assert alert.state is State.ACTIVE


# -- what was read --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [{"where": Where((1,), (), ("r-0000",))}, {"expires_at": after(NOON, HOUR)}, {"times": 2}],
)
def test_agreeing_names_the_order_that_was_read(session, cast, changes) -> None:
    allow_alone(session, 10)
    alert = prepared(session, cast)
    read = alerts.terms(alert)
    for name, value in changes.items():
        setattr(alert, name, value)
    heard = alert.bulletin.sounds.values()
    for act in (alert_consent.agree, alert_consent.sound_alone):
        with pytest.raises(ScheduleError, match="đã đổi từ lúc mở trang"):
            act(session, alert, cast.minh, heard, NOON, ZONE, terms=read)
    now_read = alerts.terms(alert)
    alert_consent.agree(session, alert, cast.minh, heard, NOON, ZONE, terms=now_read)


def test_another_place_voids_the_words_given_before(session, cast) -> None:
    alert = prepared(session, cast)
    agree(session, alert, cast.minh)
    alert_orders.choose_where(session, alert, cast.hoa, Where((cast.villages[1].id,)), NOON)
    assert not agree(session, alert, another_approver(session))
    assert agree(session, alert, cast.minh)


def test_another_place_leaves_a_bulletin_approved_before_as_it_is(session, cast) -> None:
    known = approved_bulletin(session, cast, priority=Priority.EMERGENCY)
    alert = prepared(session, cast, bulletin=known)
    alert_orders.choose_where(session, alert, cast.hoa, Where((cast.villages[1].id,)), NOON)
    assert decisions.approval(session, known.id) is not None
    assert agree(session, alert, cast.minh)


# -- templates ------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", alert_templates.known())
def test_every_template_has_an_example_for_each_blank_and_none_left_when_filled(key) -> None:
    template = alert_templates.get(key)
    names = alert_templates.blanks(template)
    assert set(names) == set(template.blanks)
    filled = alert_templates.fill(template, dict.fromkeys(names, "chỗ này"))
    assert "[" not in filled.title + filled.text
    assert filled.title.count("chỗ này") + filled.text.count("chỗ này") >= len(names)


@pytest.mark.parametrize("value", ["", "  ", "[nơi]", "x" * 201])
def test_a_blank_must_be_filled_with_words_of_its_own(value) -> None:
    with pytest.raises(ScheduleError, match=r"[Cc]hỗ trống") as refusal:
        alert_templates.fill(
            alert_templates.get("lu"), {"nơi": value, "nơi cao": "đồi", "số điện thoại": "114"}
        )
    assert refusal.value.field == "blank_0"


def test_an_emergency_written_elsewhere_is_as_good(session, cast) -> None:
    draft = Draft(title="Vỡ đê", parts=spoken("Vỡ đê."), priority=Priority.EMERGENCY)
    known = bulletins.write(session, cast.hoa, draft, NOON)
    approve(session, cast, known)
    alert = active(session, cast, bulletin=known)
    assert alert.template is None
    assert alerts.standing(session) == [alert]
