"""Test tone (tiếng thử): three short notes a receiver carries with it, ordered by its plan like any broadcast.

What became of one is what the receiver's journal says of it, and nothing else: no row here ever says "played".
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices import messages, receivers
from devices.messages import Occurrence
from devices.receiver import tone
from devices.receivers import JournalEntry, Receiver
from loa import audit, bulk
from loa.database import Base
from loa.errors import ScheduleError
from loa.times import MINUTE, SECOND, Instant, after
from loa.words import say
from scheduler import regulation

LEAD = 5 * SECOND
"""From the button to the sound: a plan must be signed, sent and kept by the receiver before."""
LATE = 30 * SECOND
"""How long after its time the tone is still wanted; whoever listens does not stand there longer."""
GRACE = 20 * SECOND
"""How long after that its journal is waited for."""


EVER = Instant(0)


class Tone(Base):
    """One test tone asked of one receiver. ``occurrence`` is the id the receiver knows it by."""

    __tablename__ = "test_tones"

    id: Mapped[int] = mapped_column(primary_key=True)
    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"), index=True)
    occurrence: Mapped[str] = mapped_column(sa.String(64), unique=True)
    starts_at: Mapped[Instant] = mapped_column(index=True)
    asked_at: Mapped[Instant]
    asked_by: Mapped[str] = mapped_column(sa.String(64))

    @property
    def over_at(self) -> Instant:
        """Nothing of it sounds after this."""
        return after(self.starts_at, LATE + tone.MS)


class Stage(enum.StrEnum):
    """How far a tone has come, by the receiver's word; ``SILENT``: its time is over and nothing was heard of it."""

    SENT = "sent"
    ACCEPTED = "accepted"
    STARTED = "started"
    PLAYED = "played"
    FAILED = "failed"
    SILENT = "silent"


@dataclass(frozen=True)
class Outcome:
    """What became of a tone; ``reason`` is the code the receiver gave, where it gave one."""

    tone: Tone
    stage: Stage
    reason: str | None = None
    at: Instant | None = None


def ask(session: Session, receiver: Receiver, *, now: Instant, zone: ZoneInfo, by: str) -> Tone:
    """Have the receiver sound its test tone in a few seconds. Raises ScheduleError in quiet hours.

    One that is still to sound is not asked twice: it is returned as it is.
    """
    if not receiver.active:
        raise ScheduleError(
            say("Đầu thu “%(name)s” đã ngừng dùng nên không phát thử được.", name=receiver.name)
        )
    waiting = last(session, receiver.id)
    if waiting is not None and waiting.starts_at > now:
        return waiting
    starts_at = after(now, LEAD)
    quiet = regulation.breach(
        regulation.quiet_at(session, now),
        starts_at,
        after(starts_at, tone.MS + receiver.delay_ms),
        zone,
    )
    if quiet:
        raise ScheduleError(
            say(
                "Đang trong giờ không phát %(quiet)s nên đầu thu sẽ từ chối tiếng thử. Hãy phát thử ngoài giờ này.",
                quiet=quiet,
            )
        )
    asked = Tone(
        receiver_id=receiver.id, occurrence=f"tone.{receiver.id}.{starts_at}", starts_at=starts_at,
        asked_at=now, asked_by=by,
    )  # fmt: skip
    session.add(asked)
    session.flush()
    receivers.mark_stale(session, [receiver.id])
    audit.append(session, now, by, "receiver.tone", receiver=receiver.id, occ=asked.occurrence)
    return asked


def last(session: Session, receiver_id: str, since: Instant = EVER) -> Tone | None:
    """The newest tone asked of that receiver since then."""
    found = sa.select(Tone).where(Tone.receiver_id == receiver_id, Tone.asked_at >= since)
    return session.scalars(found.order_by(Tone.starts_at.desc()).limit(1)).first()


def occurrences(
    session: Session, receiver_ids: Iterable[str], now: Instant
) -> dict[str, list[tuple[Occurrence, messages.Audio]]]:
    """The tones that belong into these receivers' plans, in one query; mostly there are none."""
    due = (
        sa.select(Tone, Receiver.active)
        .join(Receiver, Tone.receiver_id == Receiver.id)
        .where(
            Tone.starts_at > now - LATE - tone.MS,
            bulk.among(session, Tone.receiver_id, receiver_ids),
        )
        .order_by(Tone.starts_at)
    )
    wanted: dict[str, list[tuple[Occurrence, messages.Audio]]] = {}
    for each, is_active in session.execute(due):
        occurrence = _occurrence(each, "on" if is_active else "off")
        wanted.setdefault(each.receiver_id, []).append((occurrence, AUDIO))
    return wanted


AUDIO = messages.Audio(n=len(tone.data()), ms=tone.MS, ct=tone.CT)


def _occurrence(each: Tone, st: Literal["on", "off"]) -> Occurrence:
    return Occurrence(
        id=each.occurrence, at=each.starts_at, late=LATE, end=each.over_at, sha=tone.SHA, st=st,
        apv=(each.asked_by,),
    )  # fmt: skip


def outcome(session: Session, asked: Tone, now: Instant) -> Outcome:
    """What the receiver's journal says of that tone."""
    found = session.scalars(
        sa.select(JournalEntry)
        .where(
            JournalEntry.receiver_id == asked.receiver_id,
            JournalEntry.occurrence == asked.occurrence,
        )
        .order_by(JournalEntry.received_at, JournalEntry.jid, JournalEntry.seq)
    ).all()
    return _fold(asked, found, now)


def recent(session: Session, now: Instant) -> list[tuple[str, int, bool]]:
    """(occurrence, journal entries about it, whether waiting for more is vain) of the last minutes' tones."""
    found = (
        sa.select(Tone, sa.func.count(JournalEntry.seq))
        .outerjoin(JournalEntry, JournalEntry.occurrence == Tone.occurrence)
        .where(Tone.starts_at > after(now, -10 * MINUTE))
        .group_by(Tone.id)
        .order_by(Tone.id)
    )
    return [
        (each.occurrence, count, now > after(each.over_at, GRACE))
        for each, count in session.execute(found)
    ]


def _fold(asked: Tone, found: Sequence[JournalEntry], now: Instant) -> Outcome:
    result = Outcome(asked, Stage.SENT)
    for row in found:
        stage = _STAGES.get(row.code)
        if stage is not None:
            result = Outcome(asked, stage, _reason(row), row.at)
    is_open = result.stage in (Stage.SENT, Stage.ACCEPTED, Stage.STARTED)
    if is_open and now > after(asked.over_at, GRACE):
        return Outcome(asked, Stage.SILENT)
    return result


def _reason(row: JournalEntry) -> str | None:
    why = messages.decode(row.raw, messages.Entry).detail.get("why")
    return str(why)[:64] if why is not None else None


_STAGES = {
    "accepted": Stage.ACCEPTED,
    "ready": Stage.ACCEPTED,
    "started": Stage.STARTED,
    "played": Stage.PLAYED,
    "interrupted": Stage.FAILED,
    "failed": Stage.FAILED,
    "missed": Stage.FAILED,
    "refused": Stage.FAILED,
    "cancelled": Stage.FAILED,
}
