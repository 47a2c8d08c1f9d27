"""Clone alarm: two boxes that both say they are the same receiver.

The broker lets one name be connected once, so clones throw each other out; each then tells its own past, and the
two do not fit together: the number of the boot, the time since it, the journal. One such word may be an old message
that a broker kept; two different ones within minutes are two boxes, or one that was set back to an old copy.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices.messages import State
from devices.receivers import Receiver
from loa import audit
from loa.database import Base
from loa.times import MINUTE, SECOND, Instant

WITHIN = 10 * MINUTE
WORDS = 2
"""So many contradictions that are not the same message again."""
OLD = 2 * MINUTE
"""A state made so long ago is one that a broker kept."""
SLACK = 2 * SECOND
OLD_SESSIONS = 8


class Alarm(Base):
    """Someone uses a receiver's identity twice; stands until a person has dealt with it."""

    __tablename__ = "clone_alarms"

    id: Mapped[int] = mapped_column(primary_key=True)
    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"), index=True)
    why: Mapped[str] = mapped_column(sa.String(16))
    """What did not fit: boot, uptime, journal, session."""
    raised_at: Mapped[Instant]
    seen_at: Mapped[Instant]
    """When it was last seen to be so."""
    settled_at: Mapped[Instant | None]
    settled_by: Mapped[str | None] = mapped_column(sa.String(64))


@dataclass(slots=True)
class _Past:
    """The furthest a receiver has told of itself, and what did not fit."""

    sid: str
    jid: str
    boot: int
    up: int
    n: int
    head: str
    sessions: tuple[str, ...] = ()
    words: tuple[tuple[Instant, int, int, int], ...] = ()


class Watch:
    """Compares what receivers say with what they said before. Pure memory: a new start begins anew."""

    def __init__(self) -> None:
        self._pasts: dict[str, _Past] = {}

    def look(self, receiver_id: str, state: State, now: Instant) -> str | None:
        """What does not fit, once it cannot be chance any more; None while all is well."""
        if not state.on or not state.jid or _is_old(state, now):
            return None
        past = self._pasts.get(receiver_id)
        if past is None or past.jid != state.jid:  # a new life, after a factory reset
            self._pasts[receiver_id] = _begin(state)
            return None
        why = _contradiction(past, state)
        if why is None:
            _follow(past, state)
        elif state.sid != past.sid:  # within one connection it is but a message sent twice
            return why if _count(past, state, now) >= WORDS else None
        return None


def _is_old(state: State, now: Instant) -> bool:
    return state.src == "ntp" and now - state.t > OLD


def _begin(state: State) -> _Past:
    return _Past(state.sid, state.jid, state.boot, state.up, state.n, state.head)


def _contradiction(past: _Past, state: State) -> str | None:
    if state.sid != past.sid and state.sid in past.sessions:
        return "session"
    if state.boot < past.boot:
        return "boot"
    if state.boot == past.boot and state.up + SLACK < past.up:
        return "uptime"
    if state.n < past.n or (state.n == past.n and state.head != past.head):
        return "journal"
    return None


def _follow(past: _Past, state: State) -> None:
    if state.sid != past.sid:
        past.sessions = (*past.sessions, past.sid)[-OLD_SESSIONS:]
    past.sid, past.boot, past.up = state.sid, state.boot, state.up
    past.n, past.head = state.n, state.head


def _count(past: _Past, state: State, now: Instant) -> int:
    """How many different words have not fitted lately, this one among them."""
    recent = [word for word in past.words if now - word[0] <= WITHIN]
    told = (state.boot, state.up, state.n)
    if all(word[1:] != told for word in recent):
        recent.append((now, *told))
    past.words = tuple(recent[-WORDS:])
    return len(past.words)


def alarm(session: Session, receiver_id: str, why: str, now: Instant) -> None:
    """Tell staff; an alarm that stands already is only said to go on, at most once a minute."""
    standing = _standing(session, receiver_id)
    if standing is None:
        session.add(Alarm(receiver_id=receiver_id, why=why, raised_at=now, seen_at=now))
        session.flush()
        audit.append(session, now, audit.SYSTEM, "receiver.cloned", receiver=receiver_id, why=why)
    elif now - standing.seen_at > MINUTE:
        standing.seen_at = now


def settle(session: Session, receiver_id: str, *, now: Instant, by: str) -> bool:
    """Somebody has dealt with it; True when an alarm stood."""
    standing = _standing(session, receiver_id)
    if standing is None:
        return False
    standing.settled_at, standing.settled_by = now, by
    audit.append(session, now, by, "receiver.cloned.settled", receiver=receiver_id)
    return True


def _standing(session: Session, receiver_id: str) -> Alarm | None:
    found = sa.select(Alarm).where(Alarm.receiver_id == receiver_id, Alarm.settled_at.is_(None))
    return session.scalars(found).first()


def standing(session: Session) -> list[tuple[Receiver, Alarm]]:
    """Active receivers with an alarm nobody has dealt with, the oldest first."""
    found = (
        sa.select(Receiver, Alarm)
        .join(Alarm, Alarm.receiver_id == Receiver.id)
        .where(Receiver.active, Alarm.settled_at.is_(None))
        .order_by(Alarm.raised_at)
    )
    return [(row[0], row[1]) for row in session.execute(found)]


def of_receiver(session: Session, receiver_id: str) -> Alarm | None:
    """The alarm that stands for this receiver, if any."""
    return _standing(session, receiver_id)
