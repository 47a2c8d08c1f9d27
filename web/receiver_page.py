"""All that is known of one receiver, for its page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from devices import groups, outages, receivers, remote
from devices.groups import Group
from devices.outages import Fault
from devices.receivers import Presence, Receiver
from devices.remote import Obeyed
from loa.times import DAY, Instant, after
from scheduler import plans, reports, tones, upcoming
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.reports import LogFilter, LogRow
from scheduler.tones import Outcome
from web import current, fleet
from web.fleet import Row

RECENT_DAYS = 7
MOST_RECENT = 20
HISTORY_DAYS = 30
ORDERS_SHOWN = DAY
"""What became of a test tone or a restart is of interest for so long."""


@dataclass(frozen=True)
class Page:
    row: Row
    coming: list[tuple[Broadcast, Delivery]]
    recent: list[LogRow]
    faults: list[Fault]
    """Of the last thirty days, the last first."""
    uptime: float | None
    groups: list[Group]
    order: Obeyed
    """How far what was last ordered has come."""
    tone: Outcome | None
    restarted: bool
    """It says that it has started anew since it was told to."""

    @property
    def receiver(self) -> Receiver:
        return self.row.receiver

    @property
    def seen(self) -> Presence | None:
        return self.row.receiver.presence

    @property
    def wrong(self) -> list[Fault]:
        """What is wrong now, oldest first."""
        return self.row.faults

    @property
    def days(self) -> int:
        return RECENT_DAYS

    @property
    def restart_is_news(self) -> bool:
        """It was told to start anew not long ago."""
        return self.receiver.restart_at is not None and (
            current.now() - self.receiver.restart_at < ORDERS_SHOWN
        )

    @property
    def volume_is_taken(self) -> bool:
        """Its heartbeat says the volume it was given."""
        receiver = self.receiver
        return self.seen is not None and self.seen.volume == (
            0 if receiver.muted else receiver.volume
        )


def load(session: Session, receiver_id: str) -> Page:
    """Everything the page shows. Raises NotFound."""
    now = current.now()
    receiver = receivers.get(session, receiver_id)
    return Page(
        row=fleet.rows(session, [receiver], now)[0],
        coming=upcoming.coming(session, receiver_id, now),
        recent=_recent(session, receiver_id, now),
        faults=outages.history(session, receiver_id, after(now, -HISTORY_DAYS * DAY)),
        uptime=outages.uptime(session, receiver_id, now),
        groups=list(session.scalars(groups.select_of(receiver_id))),
        order=_order(session, receiver),
        tone=_tone(session, receiver_id, now),
        restarted=_restarted(receiver),
    )


def _order(session: Session, receiver: Receiver) -> Obeyed:
    outgoing = session.get(plans.Outgoing, receiver.id)
    if outgoing is None:
        return Obeyed.WAITING
    return remote.obeyed(receiver, outgoing.rev, outgoing.published_at is not None)


def _tone(session: Session, receiver_id: str, now: Instant) -> Outcome | None:
    last = tones.last(session, receiver_id, after(now, -ORDERS_SHOWN))
    return tones.outcome(session, last, now) if last else None


def _restarted(receiver: Receiver) -> bool:
    seen = receiver.presence
    if seen is None or receiver.restart_at is None:
        return False
    return seen.heard_at - seen.up_ms > receiver.restart_at


def _recent(session: Session, receiver_id: str, now: Instant) -> list[LogRow]:
    """What the receiver played lately, newest first."""
    wanted = LogFilter(
        since=after(now, -RECENT_DAYS * DAY), until=after(now, 1), receiver_id=receiver_id
    )
    return list(reports.log_rows(session, wanted, limit=MOST_RECENT))
