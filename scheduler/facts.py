"""Facts: all that a broadcast still to come is held against, read once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import decisions
from content.bulletins import Bulletin
from content.decisions import Approval
from content.recordings import Recording
from devices import areas, receivers
from devices.areas import Area
from devices.groups import Member
from devices.receivers import Receiver
from loa import bulk
from loa.times import Instant, after
from scheduler import alerts, declining, regulation, targets
from scheduler.broadcasts import Broadcast
from scheduler.days import Calendar, DayMark
from scheduler.declining import Apart
from scheduler.regulation import Regulation
from scheduler.sources import Rules
from scheduler.targets import Where


class Phase(NamedTuple):
    """How far the time of a broadcast is."""

    may_start: bool
    is_new: bool
    is_over: bool


class Case(NamedTuple):
    """A broadcast and all it depends on."""

    broadcast: Broadcast
    bulletin: Bulletin
    approval: Approval | None
    phase: Phase

    @property
    def sounds(self) -> dict[str, str]:
        return self.approval.sounds if self.approval else {}

    def mark(self, facts: Facts) -> int:
        """Equal as long as holding the broadcast against it again would change nothing."""
        bulletin, approval = self.bulletin, self.approval
        told = (bulletin.state, bulletin.title, bulletin.priority, bulletin.field, bulletin.relay)
        valid = (bulletin.valid_from, bulletin.valid_until)
        approved = (approval.sounds, approval.names, approval.logins) if approval else ()
        planned = (self.broadcast.where, self.broadcast.relay)
        return hash(
            (told, valid, repr(approved), planned, facts.law, facts.fleet, self.phase,
             facts.apart.get(self.broadcast.id))
        )  # fmt: skip


class Meant(NamedTuple):
    """A receiver a broadcast means."""

    id: str
    name: str
    area_id: int
    area_name: str


class Facts:
    """What upkeep needs to know, read once for all broadcasts."""

    def __init__(self, session: Session, found: Sequence[Broadcast], zone: ZoneInfo) -> None:
        ids = {broadcast.bulletin_id for broadcast in found}
        self.regulations = regulation.versions(session)
        """Each broadcast is held against the one that is in force at its time."""
        marks = session.scalars(sa.select(DayMark).order_by(DayMark.id)).all()
        self.calendar = Calendar(self.regulations, marks, zone)
        self.law = _law(self.regulations, marks)
        self.bulletins = {
            b.id: b for b in session.scalars(sa.select(Bulletin).where(Bulletin.id.in_(ids)))
        }
        self.approvals = decisions.in_force(session, ids)
        alert_ids = {broadcast.alert_id for broadcast in found if broadcast.alert_id is not None}
        self.lone = alerts.lone_approvals(session, list(alert_ids))
        """Alert → on whose word alone it sounds; nothing else of that bulletin does."""
        given = (*self.approvals.values(), *self.lone.values())
        shas = {sha for approval in given for sha in approval.sounds.values()}
        lengths = sa.select(Recording.sha256, Recording.ms).where(Recording.sha256.in_(shas))
        self.lengths = {row.sha256: row.ms for row in session.execute(lengths)}
        self.spoken_in = areas.spoken_in(session)
        self.fleet = _fleet(session)
        since = min((broadcast.starts_at for broadcast in found), default=Instant(0))
        self.apart = declining.standing(session, since)
        """Broadcast → where areas do not hear it, by their officers' word."""
        self._meant: dict[Where, dict[str, Meant]] = {}
        self._session = session

    def case(self, broadcast: Broadcast, now: Instant, rules: Rules) -> Case:
        may_start = broadcast.starts_at > now
        in_time = not may_start and after(broadcast.starts_at, rules.late) >= now
        phase = Phase(
            may_start,
            # Planned or approved a little late, it may still start; what was handed out before is left as it is.
            is_new=in_time and broadcast.recording_sha is None,
            is_over=after(broadcast.starts_at, broadcast.ms + rules.late) < now,
        )
        return Case(
            broadcast,
            self.bulletins[broadcast.bulletin_id],
            self.approvals.get(broadcast.bulletin_id) or self.lone.get(broadcast.alert_id or 0),
            phase,
        )

    def meant(self, where: Where) -> dict[str, Meant]:
        """The receivers that stand there now, by id."""
        if where not in self._meant:
            found = (
                sa.select(Receiver.id, Receiver.name, Receiver.area_id, Area.level + " " + Area.name)
                .join(Area, Receiver.area_id == Area.id)
                .where(targets.standing_in(self._session, where))
            )  # fmt: skip
            self._meant[where] = {row[0]: Meant(*row) for row in self._session.execute(found)}
        return self._meant[where]

    def without(self, broadcast: Broadcast) -> dict[str, str]:
        """Those of the receivers meant that do not get it all the same → the code of why."""
        apart = self.apart.get(broadcast.id, Apart())
        meant = self.meant(broadcast.where)
        found: dict[str, str] = {}
        for giving in apart.gives_way:
            meets = self.meant(giving.to)
            found |= dict.fromkeys(
                self._inside(meant, giving.area_id) & meets.keys(), declining.ORDER
            )
        for area_id in apart.declined:
            found |= dict.fromkeys(self._inside(meant, area_id), declining.DECLINED)
        return found

    def _inside(self, meant: dict[str, Meant], area_id: int) -> set[str]:
        inside = areas.with_descendants(self._session, [area_id])
        return {each.id for each in meant.values() if each.area_id in inside}


def _law(regulations: Sequence[Regulation], marks: Sequence[DayMark]) -> int:
    """Equal as long as neither the regulation nor what staff said of days has changed."""
    return hash((
        tuple((each.id, each.since) for each in regulations),
        tuple((mark.id, mark.withdrawn_at) for mark in marks),
    ))  # fmt: skip


def _fleet(session: Session) -> int:
    """Equal as long as no schedule means other receivers than before, and none hears another language."""
    standing = sa.select(Receiver.id, Receiver.area_id).where(receivers.in_service())
    places = sa.select(Area.id, Area.parent_id, Area.language)
    members = sa.select(Member.group_id, Member.receiver_id)
    parts = (
        standing.order_by(Receiver.id),
        places.order_by(Area.id),
        members.order_by(Member.group_id, Member.receiver_id),
    )
    return hash(tuple(bulk.mark(session, part) for part in parts))
