"""Broadcast (lượt phát): one run of a schedule; Delivery: what became of it at one receiver.

A delivery's state after ``sent`` is never an opinion of the station: it is folded from the receiver's own
journal (scheduler.receipts). The one exception, ``unknown``, says just that.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content.bulletins import Priority
from content.parts import Stored
from content.relays import Relay
from devices import receivers
from devices.receivers import Receiver
from loa import audit
from loa.database import Base, Json, Sentence, word_of
from loa.errors import NotFound
from loa.languages import KINH
from loa.staff import May, Staff
from loa.times import DAY, MINUTE, Instant, after, at, local
from loa.words import say
from scheduler import levels
from scheduler.schedule_tables import Schedule
from scheduler.targets import Where


class State(enum.StrEnum):
    PLANNED = "planned"
    DISPATCHED = "dispatched"
    ON_AIR = "on_air"
    FINISHED = "finished"
    MISSED = "missed"
    CANCELLED = "cancelled"


class DeliveryState(enum.StrEnum):
    PLANNED = "planned"
    SENT = "sent"
    ACCEPTED = "accepted"
    READY = "ready"
    STARTED = "started"
    PLAYED = "played"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    MISSED = "missed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


LIVE = frozenset({State.PLANNED, State.DISPATCHED, State.ON_AIR})
"""More may become of it."""
OVER = frozenset(State) - LIVE
D = DeliveryState
OPEN = frozenset({D.PLANNED, D.SENT, D.ACCEPTED, D.READY, D.STARTED})
"""States from which more is expected."""
STOP_ALL_AHEAD = 10 * MINUTE
"""How far ahead "Dừng tất cả" reaches: time enough to find out what is wrong."""


_ONE_SOURCE = (
    " + ".join(
        f"CASE WHEN {name} IS NULL THEN 0 ELSE 1 END"
        for name in ("schedule_id", "programme_id", "campaign_id", "alert_id")
    )
    + " = 1"
)


class Broadcast(Base):
    """One run. What it was to be is copied here, so that the log outlives every later change."""

    __tablename__ = "broadcasts"
    __table_args__ = (
        sa.CheckConstraint(_ONE_SOURCE, name="one_source"),
        sa.Index("ix_broadcasts_time", "starts_at", "state"),
        sa.Index("ix_broadcasts_state_starts_at", "state", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    occurrence: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """The id receivers know it by."""
    schedule_id: Mapped[int | None] = mapped_column(sa.ForeignKey("schedules.id"), index=True)
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("programmes.id"), index=True)
    campaign_id: Mapped[int | None] = mapped_column(sa.ForeignKey("campaigns.id"), index=True)
    alert_id: Mapped[int | None] = mapped_column(sa.ForeignKey("alerts.id"), index=True)
    """Its source, of which there is one."""
    item: Mapped[int] = mapped_column(default=0)
    """Place in the running order of its programme; 0 where there is none."""
    day: Mapped[date | None]
    """Of a programme: which day of its series it is of, whenever it is heard."""
    origin: Mapped[str] = mapped_column(Sentence, default="")
    """By which rule it was planned, in words as they were then."""
    by_area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("areas.id"))
    """The area for which whoever scheduled it works; None is the whole station."""
    where: Mapped[Where] = mapped_column(Stored(Where))
    """Where it is to be heard; who that is follows receivers and groups until it runs."""
    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("bulletins.id"), index=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    priority: Mapped[Priority] = mapped_column(word_of(Priority))
    field: Mapped[int]
    starts_at: Mapped[Instant]
    recording_sha: Mapped[str | None] = mapped_column(sa.String(64))
    """The bulletin's own approved sound; None while no approval is in force: then nothing sounds anywhere."""
    ms: Mapped[int] = mapped_column(default=0)
    """Length of the longest sound that any of its receivers plays."""
    relay: Mapped[Relay | None] = mapped_column(Stored(Relay))
    """The stream it is, and for how long; its recording is what is fallen back on."""
    resumes: Mapped[bool] = mapped_column(default=False)
    """Begins again after an interruption, as long as its time is not over."""
    drill: Mapped[bool] = mapped_column(default=False)
    """An exercise: counted apart from what was meant."""
    author: Mapped[str] = mapped_column(sa.String(128))
    approver_names: Mapped[list[str]] = mapped_column(Json, default=list)
    approver_logins: Mapped[list[str]] = mapped_column(Json, default=list)
    scheduler: Mapped[str] = mapped_column(sa.String(128))
    state: Mapped[State] = mapped_column(word_of(State), default=State.PLANNED)
    reason: Mapped[str | None] = mapped_column(Sentence)
    """Why it was missed or cancelled, as a sentence."""
    code: Mapped[str | None] = mapped_column(sa.String(32))
    """The same as a word: stopped, skipped, schedule_ended, not_approved, …"""
    stop_requested_at: Mapped[Instant | None]
    planned_at: Mapped[Instant]

    schedule: Mapped[Schedule | None] = relationship()
    deliveries: Mapped[list[Delivery]] = relationship(
        back_populates="broadcast", order_by="Delivery.receiver_name"
    )

    @property
    def approver(self) -> str | None:
        """Who answers for the sound; None while nobody does."""
        return ", ".join(self.approver_names) or None

    @property
    def ends_at(self) -> Instant:
        """When it should be over at a receiver that starts on time."""
        return after(self.starts_at, self.ms)


class Delivery(Base):
    """One broadcast at one receiver."""

    __tablename__ = "deliveries"
    __table_args__ = (
        sa.UniqueConstraint("broadcast_id", "receiver_id"),
        sa.Index("ix_deliveries_receiver_id_state", "receiver_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    broadcast_id: Mapped[int] = mapped_column(sa.ForeignKey("broadcasts.id"))
    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"))
    receiver_name: Mapped[str] = mapped_column(sa.String(128))
    area_name: Mapped[str] = mapped_column(sa.String(128))
    language: Mapped[str] = mapped_column(sa.String(8), default=KINH)
    """Of the receiver's area; it hears the bulletin's translation into it, where there is one."""
    recording_sha: Mapped[str | None] = mapped_column(sa.String(64))
    """The approved sound for this receiver; None while no approval is in force."""
    last_sha: Mapped[str | None] = mapped_column(sa.String(64))
    """The sound before that: what a plan already handed out may still hold."""
    ms: Mapped[int] = mapped_column(default=0)
    """For how long it is ordered: length of the sound it has, or had last; of a relay, its time."""
    state: Mapped[DeliveryState] = mapped_column(word_of(DeliveryState), default=D.PLANNED)
    reason: Mapped[str | None] = mapped_column(sa.String(64))
    """Code of the receiver's reason: off, no_audio, quiet, power, …"""
    dropped_at: Mapped[Instant | None]
    """No longer wanted here: off in the receiver's plan, and its journal says what became of it."""
    barred_at: Mapped[Instant | None]
    """Its sound would reach into the quiet hours: off in the receiver's plan, until it would not."""
    rev: Mapped[int | None] = mapped_column(sa.BigInteger)
    """Plan revision that first carried it; None: it was never put into a plan."""
    sent_at: Mapped[Instant | None]
    accepted_at: Mapped[Instant | None]
    ready_at: Mapped[Instant | None]
    started_at: Mapped[Instant | None]
    """Corrected time of the (last) start."""
    started_raw_at: Mapped[Instant | None]
    """The same by the receiver's clock as it was then."""
    ended_at: Mapped[Instant | None]
    late_ms: Mapped[int | None]
    played_ms: Mapped[int | None]
    volume: Mapped[int | None]
    rel: Mapped[str | None] = mapped_column(sa.String(8))
    """Of a relay, what was heard: stream, fallback (the recording), mixed or none."""
    evidence: Mapped[str | None] = mapped_column(sa.String(4))
    """E1 decoder finished, E2 amplifier sensed, E3 microphone heard."""
    expectation_id: Mapped[int | None]
    """What was expected when its plan was sent (scheduler.reporting.expectations), with the four below."""
    expected_sha: Mapped[str | None] = mapped_column(sa.String(64))
    expected_ms: Mapped[int | None]
    expected_volume: Mapped[int | None]
    expected_households: Mapped[int | None]

    broadcast: Mapped[Broadcast] = relationship(back_populates="deliveries")


# By its name: scheduler.reporting, where it is described, knows broadcasts.
_COUNTS = sa.table(
    "delivery_counts",
    sa.column("broadcast_id", sa.Integer),
    sa.column("state", Delivery.state.type),
    sa.column("deliveries", sa.BigInteger),
)


def heard_for(ms: sa.SQLColumnExpression[int]) -> sa.ColumnElement[int]:
    """For how long after its start it may be heard, besides its leeway: one begun again is heard whole once more."""
    return sa.case((Broadcast.resumes, 2 * ms), else_=ms)


@dataclass(frozen=True)
class Tally:
    """How many deliveries of a broadcast are in each state."""

    counts: dict[DeliveryState, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def of(self, *states: DeliveryState) -> int:
        return sum(self.counts.get(state, 0) for state in states)


def tallies(
    session: Session, broadcast_ids: Iterable[int], at: sa.ColumnElement[bool] | None = None
) -> dict[int, Tally]:
    """The tally of each of these broadcasts, in one query; ``at``: only at such receivers.

    At all receivers, the database has counted already: a row or two for each area, however many receivers it has.
    """
    counted: dict[int, dict[DeliveryState, int]] = {
        broadcast_id: {} for broadcast_id in broadcast_ids
    }
    session.flush()
    for broadcast_id, state, count in session.execute(_counted(counted, at)):
        counted[broadcast_id][state] = int(count)
    return {broadcast_id: Tally(counts) for broadcast_id, counts in counted.items()}


def _counted(broadcast_ids: Collection[int], at: sa.ColumnElement[bool] | None) -> sa.Select[Any]:
    """Broadcast, state, deliveries."""
    if at is None:
        c = _COUNTS.c
        found = sa.select(c.broadcast_id, c.state, sa.func.sum(c.deliveries))
        found = found.group_by(c.broadcast_id, c.state)
        return found.where(c.broadcast_id.in_(broadcast_ids))
    found = sa.select(Delivery.broadcast_id, Delivery.state, sa.func.count())
    found = found.join(Receiver, Receiver.id == Delivery.receiver_id).where(at)
    found = found.group_by(Delivery.broadcast_id, Delivery.state)
    return found.where(Delivery.broadcast_id.in_(broadcast_ids))


def get(session: Session, broadcast_id: int) -> Broadcast:
    """That broadcast. Raises NotFound."""
    broadcast = session.get(Broadcast, broadcast_id)
    if broadcast is None:
        raise NotFound(say("Không tìm thấy lượt phát này. Hãy quay lại trang Hôm nay."))
    return broadcast


def of_day(session: Session, moment: Instant, zone: ZoneInfo) -> list[Broadcast]:
    """Broadcasts of the station's day that holds ``moment``, in order of time."""
    day = local(moment, zone).date()
    since = at(day, time(0), zone) or moment
    until = at(day + timedelta(days=1), time(0), zone) or after(since, DAY)
    return between(session, since, until)


def between(session: Session, since: Instant, until: Instant) -> list[Broadcast]:
    """Broadcasts that start in [since, until), in order of time."""
    found = sa.select(Broadcast).where(Broadcast.starts_at >= since, Broadcast.starts_at < until)
    return list(session.scalars(found.order_by(Broadcast.starts_at, Broadcast.id)))


def set_by(session: Session, broadcast_ids: Iterable[int], staff: Staff) -> set[int]:
    """Those of these broadcasts whose schedule, programme, campaign or alert this person set."""
    if not staff.may(May.SCHEDULE):
        return set()
    found = sa.select(Broadcast.id).where(Broadcast.id.in_(list(broadcast_ids)))
    return set(session.scalars(found.where(sa.or_(*_set_by(staff)))))


def _set_by(staff: Staff) -> Iterator[sa.ColumnElement[bool]]:
    # By their names: the modules of the sources know broadcasts, and not the other way round.
    for column, table in (
        (Broadcast.schedule_id, "schedules"),
        (Broadcast.programme_id, "programmes"),
        (Broadcast.campaign_id, "campaigns"),
        (Broadcast.alert_id, "alerts"),
    ):
        source = sa.table(table, sa.column("id"), sa.column("staff_id"))
        yield column.in_(sa.select(source.c.id).where(source.c.staff_id == staff.id))


def may_stop(session: Session, broadcast: Broadcast, staff: Staff) -> bool:
    """Whoever may stop any broadcast of their area, and the one who set this one."""
    is_theirs = levels.answers_for(session, staff, broadcast.by_area_id)
    return (staff.may(May.STOP) and is_theirs) or broadcast.id in set_by(
        session, [broadcast.id], staff
    )


def stop(session: Session, broadcast: Broadcast, staff: Staff, now: Instant) -> None:
    """ "Dừng": silence it where it sounds and cancel it where it does not yet; receivers say which it was."""
    if not may_stop(session, broadcast, staff):
        staff.demand(May.STOP)
        levels.demand_over(session, staff, broadcast.by_area_id)
    if broadcast.stop_requested_at is not None or broadcast.state in (State.FINISHED, State.MISSED):
        return
    request_stop(session, broadcast, now, say("%(name)s dừng", name=staff.name))
    audit.append(session, now, staff.login, "broadcast.stop", broadcast=broadcast.id)


def stop_all(session: Session, staff: Staff, now: Instant) -> int:
    """ "Dừng tất cả": stop what sounds now and what is to start within the next ten minutes; returns how many."""
    staff.demand(May.STOP)
    live = session.scalars(
        sa.select(Broadcast).where(
            Broadcast.stop_requested_at.is_(None),
            Broadcast.state.in_(LIVE),
            Broadcast.starts_at < after(now, STOP_ALL_AHEAD),
            levels.theirs(session, staff, Broadcast.by_area_id),
        )
    ).all()
    for broadcast in live:
        request_stop(session, broadcast, now, say("%(name)s dừng tất cả", name=staff.name))
    audit.append(session, now, staff.login, "broadcast.stop_all", broadcasts=[b.id for b in live])
    return len(live)


def request_stop(
    session: Session,
    broadcast: Broadcast,
    now: Instant,
    why: str,
    code: str = "stopped",
    unsent: DeliveryState = D.CANCELLED,
) -> None:
    """Put ``st: off`` into the plans of its receivers, for the reason given as a sentence.

    What no plan ever carried cannot sound and ends here, as ``unsent`` with ``code``. What became of the rest,
    only the receivers can say.
    """
    broadcast.stop_requested_at = now
    broadcast.reason, broadcast.code = why, code
    session.flush()
    session.execute(
        sa.update(Delivery)
        .where(
            Delivery.broadcast_id == broadcast.id, Delivery.rev.is_(None), Delivery.state.in_(OPEN)
        )
        .values(state=unsent, reason=code, ended_at=now)
        .execution_options(synchronize_session="fetch")
    )
    touch(session, broadcast)
    settle(session, broadcast)


def touch(session: Session, broadcast: Broadcast) -> None:
    """Say that the plans of all its receivers must be made anew."""
    session.flush()
    receivers.mark_stale(
        session, sa.select(Delivery.receiver_id).where(Delivery.broadcast_id == broadcast.id)
    )


def settle(session: Session, broadcast: Broadcast) -> None:
    """Set the broadcast's own state from its deliveries'."""
    session.flush()
    broadcast.state = _state(tallies(session, [broadcast.id])[broadcast.id], broadcast.state)


def settle_all(session: Session, broadcast_ids: Collection[int]) -> None:
    """The same for each of these, in one look at their deliveries."""
    if not broadcast_ids:
        return
    session.flush()
    counted = tallies(session, broadcast_ids)
    for broadcast in session.scalars(sa.select(Broadcast).where(Broadcast.id.in_(broadcast_ids))):
        broadcast.state = _state(counted[broadcast.id], broadcast.state)
    session.flush()


def state_there(broadcast: Broadcast, tally: Tally) -> State:
    """Its state where the tally was taken: cancelled there, it may sound elsewhere."""
    is_off = tally.total > 0 and tally.of(D.CANCELLED) == tally.total
    return State.CANCELLED if is_off else broadcast.state


def _state(tally: Tally, before: State) -> State:
    if tally.total == 0:
        return before
    if tally.of(D.STARTED):
        return State.ON_AIR
    if tally.of(*OPEN) == 0:
        if tally.of(D.CANCELLED) == tally.total:
            return State.CANCELLED
        if tally.of(D.PLAYED, D.INTERRUPTED, D.UNKNOWN):
            return State.FINISHED
        return State.MISSED
    if tally.of(D.PLAYED, D.INTERRUPTED):
        return State.ON_AIR
    return State.PLANNED if tally.of(D.PLANNED) else State.DISPATCHED


def new_delivery(broadcast: Broadcast, receiver: Receiver, language: str = KINH) -> Delivery:
    """A delivery that remembers what the receiver and its place were called."""
    return Delivery(
        broadcast_id=broadcast.id, receiver_id=receiver.id, receiver_name=receiver.name,
        area_name=receiver.area.full_name, language=language, state=D.PLANNED, ms=0,
    )  # fmt: skip
