"""What the page of one alert shows, and what its reader may do there."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins, decisions, recordings
from content.decisions import Decision
from content.recordings import Recording, Rendering
from devices import fleet, receivers
from devices.receivers import Presence, Receiver
from loa import words
from loa.staff import May, Staff
from loa.times import Instant
from loa.words import counted, say
from scheduler import alert_consent, alerts, broadcasts, cap_messages, regulation, targets
from scheduler.alerts import Alert, State
from scheduler.broadcasts import Broadcast, Tally
from scheduler.targets import Where
from web import current

MOST_NAMED = 3


@dataclass(frozen=True)
class Reach:
    """How many receivers an order goes to, and who of them would not hear of it now."""

    total: int
    offline: int
    named: tuple[str, ...]
    """The first of those."""

    @property
    def words(self) -> str:
        """5 đầu thu, 1 đang mất kết nối: Cột đình."""
        if not self.total:
            return say("chưa có đầu thu")
        if not self.offline:
            return counted("%(n)s đầu thu, đều đang kết nối", self.total)
        values = {"offline": self.offline, "names": words.join(", ", self.named)}
        more = self.offline - len(self.named)
        if not more:
            return counted(
                "%(n)s đầu thu, %(offline)s đang mất kết nối: %(names)s", self.total, **values
            )
        return counted(
            "%(n)s đầu thu, %(offline)s đang mất kết nối: %(names)s và %(more)s đầu thu nữa",
            self.total, more=more, **values,
        )  # fmt: skip


def reach(session: Session, where: Where | None, now: Instant) -> Reach:
    """Whom an order for there would reach; None is the whole station."""
    meant = receivers.in_service() if where is None else targets.standing_in(session, where)
    total = session.scalar(sa.select(sa.func.count(Receiver.id)).where(meant)) or 0
    is_online = sa.select(Presence.receiver_id).where(fleet.is_online(now))
    away = sa.select(Receiver.name).where(meant, Receiver.id.not_in(is_online))
    offline = session.scalar(sa.select(sa.func.count()).select_from(away.subquery())) or 0
    named = session.scalars(away.order_by(Receiver.name).limit(MOST_NAMED)).all()
    return Reach(total, offline, tuple(named))


def is_whole(session: Session, where: Where) -> bool:
    """Whether it goes to every receiver of a station that has several."""
    every = sa.select(sa.func.count(Receiver.id)).where(receivers.in_service())
    total = session.scalar(every) or 0
    return total > 1 and targets.count(session, where) == total


@dataclass(frozen=True)
class Page:
    """All that an alert's page shows."""

    alert: Alert
    recordings: tuple[Recording, ...]
    rendering: Rendering | None
    reach: Reach
    places_words: str
    is_whole: bool
    given: tuple[Decision, ...]
    """Approvals of its sound so far."""
    needed: int
    """How many approvers its sound needs."""
    is_approved: bool
    writers: frozenset[int]
    alone_minutes: int
    every_ms: int
    """From start to start, as it will be: a long sound is not repeated into itself."""
    runs: tuple[tuple[Broadcast, Tally], ...]

    def may_agree(self, staff: Staff) -> bool:
        """The second pair of eyes."""
        if not alerts.waits_for(self.alert, staff) or not self.recordings or self.needs_place:
            return False
        return self.is_approved or staff.id not in self.writers | {d.staff_id for d in self.given}

    def may_sound_alone(self, staff: Staff) -> bool:
        is_ready = self.alert.state is State.WAITING and bool(self.recordings)
        allowed = bool(self.alone_minutes) and not self.alert.drill and not self.needs_place
        return is_ready and allowed and staff.may(May.APPROVE)

    def may_refuse(self, staff: Staff) -> bool:
        trusted = staff.may(May.STOP) or staff.may(May.APPROVE) or staff.id == self.alert.staff_id
        return self.alert.state is State.WAITING and trusted

    @property
    def terms(self) -> str:
        """What an approver reads here besides the words."""
        return alerts.terms(self.alert)

    @property
    def needs_place(self) -> bool:
        return self.alert.where.is_nowhere

    def places(self, session: Session) -> dict[str, object]:
        """What the form for its places shows: those it has, else such as its sender may mean."""
        where = self.alert.where
        area_ids = cap_messages.suggest(session, self.alert) if where.is_nowhere else where.area_ids
        return {"area_ids": list(area_ids), "group_ids": list(where.group_ids),
                "except_ids": list(where.except_ids)}  # fmt: skip


def load(session: Session, alert_id: int) -> Page:
    """That alert with everything around it. Raises NotFound."""
    alert, now = alerts.get(session, alert_id), current.now()
    bulletin = alert.bulletin
    found = [session.get(Recording, sha) for sha in dict.fromkeys(bulletin.sounds.values())]
    given = decisions.standing(session, [bulletin.id]).get(bulletin.id, [])
    needed = bulletins.approvers_needed(bulletin, current.config().content.emergency_approvers)
    return Page(
        alert=alert, recordings=tuple(each for each in found if each is not None),
        rendering=recordings.latest_rendering(session, bulletin.id), reach=reach(session, alert.where, now),
        places_words=targets.words(session, alert.where), is_whole=is_whole(session, alert.where),
        given=tuple(given), needed=needed, is_approved=decisions.approval(session, bulletin.id) is not None,
        writers=frozenset(bulletins.writers(session, bulletin)),
        alone_minutes=regulation.rules_at(session, now).alone_minutes,
        every_ms=alert_consent.spacing(session, alert), runs=_runs(session, alert),
    )  # fmt: skip


def _runs(session: Session, alert: Alert) -> tuple[tuple[Broadcast, Tally], ...]:
    """Its broadcasts up to now and the next one, the newest first."""
    ours = sa.select(Broadcast).where(Broadcast.alert_id == alert.id)
    begun = session.scalars(
        ours.where(Broadcast.starts_at <= current.now())
        .order_by(Broadcast.starts_at.desc())
        .limit(10)
    ).all()
    following = session.scalars(
        ours.where(Broadcast.starts_at > current.now(), Broadcast.stop_requested_at.is_(None))
        .order_by(Broadcast.starts_at)
        .limit(1)
    ).all()
    found = [*following, *begun]
    tallies = broadcasts.tallies(session, [each.id for each in found])
    return tuple((each, tallies[each.id]) for each in found)
