"""Faults (sự cố) of receivers, each with its age; the time a receiver was not heard is one of them.

A fault is opened and closed by looking at what is so now (``settle``), so that looking twice is harmless and a
station that was away catches up. ``Watch`` says when the station looked at all: nobody can say of other times
whether a receiver was there.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from devices.receivers import Receiver
from loa import audit
from loa.database import Base, ShortSentence
from loa.errors import DeviceError, NotFound
from loa.times import DAY, MINUTE, Instant, after
from loa.words import say

WATCH_GAP = 2 * MINUTE
"""A watch not kept up for so long has ended; the next look begins another."""
ENOUGH = DAY
"""Less time under watch than this says nothing of how reliable a receiver is."""
UPTIME_OVER = 30 * DAY


class Kind(enum.StrEnum):
    OFFLINE = "offline"
    OUTPUT = "output"
    CLOCK = "clock"
    UNREADY = "unready"
    SILENT = "silent"
    TAMPERED = "tampered"
    DISK = "disk"
    BATTERY = "battery"
    KEYS = "keys"


class Fault(Base):
    """Something wrong with a receiver, from when to when."""

    __tablename__ = "faults"
    __table_args__ = (sa.UniqueConstraint("receiver_id", "kind", "since"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"))
    kind: Mapped[Kind] = mapped_column(
        sa.Enum(Kind, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e])
    )
    since: Mapped[Instant]
    until: Mapped[Instant | None] = mapped_column(index=True)
    """None: it still is."""
    detail: Mapped[str] = mapped_column(ShortSentence(200), default="")
    known_at: Mapped[Instant | None]
    known_by: Mapped[str | None] = mapped_column(sa.String(128))
    note: Mapped[str | None] = mapped_column(sa.String(500))
    """What whoever took note of it wrote down."""

    receiver: Mapped[Receiver] = relationship(lazy="joined", innerjoin=True)

    def lasted(self, now: Instant) -> int:
        """Milliseconds from its beginning to its end, or until now."""
        return max((self.until or now) - self.since, 0)


class Watch(Base):
    """A time in which the station listened without a break."""

    __tablename__ = "watches"

    since: Mapped[Instant] = mapped_column(primary_key=True, autoincrement=False)
    until: Mapped[Instant]


@dataclass(frozen=True)
class Wrong:
    """A fault as it is found now."""

    since: Instant
    detail: str = ""


Found = Mapping[tuple[str, Kind], Wrong]
"""(receiver id, kind) → what is wrong now."""


def differs(session: Session, found: Found, only: Collection[Kind] = tuple(Kind)) -> bool:
    """True when ``settle`` would change something."""
    known = {(row.receiver_id, row.kind): row.detail for row in _open_now(session, only)}
    now = {key: wrong.detail[:200] for key, wrong in found.items() if key[1] in only}
    return known != now


def _open_now(session: Session, only: Collection[Kind]) -> list[sa.Row[int, str, Kind, str]]:
    found = sa.select(Fault.id, Fault.receiver_id, Fault.kind, Fault.detail)
    return list(session.execute(found.where(Fault.until.is_(None), Fault.kind.in_(only))))


def settle(
    session: Session, found: Found, now: Instant, only: Collection[Kind] = tuple(Kind)
) -> int:
    """Open what is newly wrong and close what is well again, of these kinds; returns how many changed."""
    found = {key: wrong for key, wrong in found.items() if key[1] in only}
    known = {(row.receiver_id, row.kind): row for row in _open_now(session, only)}
    over = [row.id for key, row in known.items() if key not in found]
    new = {key: wrong for key, wrong in found.items() if key not in known}
    other = [
        {"id": known[key].id, "detail": wrong.detail[:200]}
        for key, wrong in found.items()
        if key in known and known[key].detail != wrong.detail[:200]
    ]
    _close(session, over, now)
    _open(session, new)
    if other:
        session.execute(sa.update(Fault), other)
    return len(over) + len(new) + len(other)


def _close(session: Session, ids: list[int], now: Instant) -> None:
    for some in _portions(ids):
        session.execute(
            sa.update(Fault)
            .where(Fault.id.in_(some))
            .values(until=now)
            .execution_options(synchronize_session=False)
        )


def _open(session: Session, new: Found) -> None:
    rows = [
        {"receiver_id": rid, "kind": kind, "since": wrong.since, "detail": wrong.detail[:200]}
        for (rid, kind), wrong in new.items()
    ]
    again = _known(session, [row["since"] for row in rows])
    back = [again[key] for row in rows if (key := _key(row)) in again]
    for some in _portions(back):
        # It was closed too soon: the same silence goes on.
        session.execute(
            sa.update(Fault)
            .where(Fault.id.in_(some))
            .values(until=None)
            .execution_options(synchronize_session=False)
        )
    fresh = [row for row in rows if _key(row) not in again]
    if fresh:
        session.execute(sa.insert(Fault), fresh)


def _key(row: Mapping[str, object]) -> tuple[object, object, object]:
    return row["receiver_id"], row["kind"], row["since"]


def _known(session: Session, since: list[object]) -> dict[tuple[object, object, object], int]:
    """Faults that began just then, open or not."""
    known: dict[tuple[object, object, object], int] = {}
    for some in _portions(sorted({int(str(each)) for each in since})):
        found = sa.select(Fault.id, Fault.receiver_id, Fault.kind, Fault.since)
        for row in session.execute(found.where(Fault.since.in_(some))):
            known[row.receiver_id, row.kind, row.since] = row.id
    return known


def _portions(values: list[int], size: int = 5_000) -> list[list[int]]:
    return [values[at : at + size] for at in range(0, len(values), size)]


def note_gap(session: Session, receiver_id: str, since: Instant, until: Instant) -> bool:
    """A silence seen only when it was over; True when it was not known yet."""
    found = sa.select(Fault).where(
        Fault.receiver_id == receiver_id, Fault.kind == Kind.OFFLINE, Fault.since == since
    )
    known = session.scalars(found).first()
    if known is None:
        session.add(
            Fault(receiver_id=receiver_id, kind=Kind.OFFLINE, since=since, until=until, detail="")
        )
        return True
    if known.until is None or known.until > until:
        known.until = until
        return True
    return False


# -- the station's own watch ----------------------------------------------------------------------


def keep_watch(session: Session, now: Instant) -> Watch:
    """Note that the station listens now; the watch it belongs to."""
    last = last_watch(session)
    if last is None or not last.until - WATCH_GAP <= now <= last.until + WATCH_GAP:
        last = Watch(since=now, until=now)
        last = session.merge(last)
    last.until = max(last.until, now)
    session.flush()
    return last


def last_watch(session: Session) -> Watch | None:
    """The newest watch; None before the first."""
    return session.scalars(sa.select(Watch).order_by(Watch.since.desc()).limit(1)).first()


# -- what staff do and see ------------------------------------------------------------------------


def take_note(
    session: Session, fault: Fault, note: str, *, now: Instant, by: str, login: str
) -> None:
    """ "Đã biết": whoever looks after it says so; it leaves the front page, not the list. Raises DeviceError."""
    note = " ".join(note.split())
    if len(note) > 500:
        raise DeviceError(say("Ghi chú dài quá 500 ký tự. Hãy viết gọn hơn."), field="note")
    fault.known_at, fault.known_by, fault.note = now, by, note or None
    audit.append(
        session, now, login, "fault.known", fault=fault.id, receiver=fault.receiver_id, note=note
    )


def get(session: Session, fault_id: int) -> Fault:
    """That fault. Raises NotFound."""
    fault = session.get(Fault, fault_id)
    if fault is None:
        raise NotFound(say("Không tìm thấy sự cố này. Hãy tải lại danh sách sự cố."))
    return fault


def open_of(session: Session, receiver_ids: Collection[str]) -> dict[str, list[Fault]]:
    """Receiver id → what is wrong with it now, oldest first."""
    found = sa.select(Fault).where(Fault.until.is_(None), Fault.receiver_id.in_(receiver_ids))
    by_receiver: dict[str, list[Fault]] = {}
    for fault in session.scalars(found.order_by(Fault.since, Fault.id)):
        by_receiver.setdefault(fault.receiver_id, []).append(fault)
    return by_receiver


def counts(session: Session) -> tuple[dict[Kind, int], dict[Kind, int]]:
    """How many receivers in service have which fault now: such as nobody looks after, and such as somebody does."""
    is_known = Fault.known_at.is_not(None)
    found = (
        sa.select(Fault.kind, is_known, sa.func.count())
        .join(Receiver)
        .where(Fault.until.is_(None), Receiver.active)
        .group_by(Fault.kind, is_known)
    )
    new: dict[Kind, int] = {}
    known: dict[Kind, int] = {}
    for kind, is_looked_after, number in session.execute(found):
        (known if is_looked_after else new)[kind] = number
    return new, known


def known_of(session: Session, kind: Kind) -> set[str]:
    """Ids of the receivers with such a fault that somebody looks after."""
    found = sa.select(Fault.receiver_id).where(
        Fault.kind == kind, Fault.until.is_(None), Fault.known_at.is_not(None)
    )
    return set(session.scalars(found))


def history(session: Session, receiver_id: str, since: Instant, limit: int = 50) -> list[Fault]:
    """Its faults that were not over before ``since``, newest first."""
    found = (
        sa.select(Fault)
        .where(Fault.receiver_id == receiver_id)
        .where(sa.or_(Fault.until.is_(None), Fault.until > since))
        .order_by(Fault.since.desc(), Fault.id.desc())
    )
    return list(session.scalars(found.limit(limit)))


def uptime(session: Session, receiver_id: str, now: Instant) -> float | None:
    """Part of the last thirty days in which it was heard, of the time the station listened; None: too little."""
    since = after(now, -UPTIME_OVER)
    watched = session.execute(
        sa.select(Watch.since, Watch.until).where(Watch.until > since).order_by(Watch.since)
    ).all()
    first = session.scalar(sa.select(Receiver.added_at).where(Receiver.id == receiver_id)) or now
    spans = [(max(row.since, since, first), row.until) for row in watched]
    spans = [(begin, end) for begin, end in spans if end > begin]
    total = sum(end - begin for begin, end in spans)
    if total < ENOUGH:
        return None
    away = sum(
        max(min(end, fault.until or now) - max(begin, fault.since), 0)
        for fault in _outages(session, receiver_id, since)
        for begin, end in spans
    )
    return float(max(total - away, 0) / total)


def _outages(session: Session, receiver_id: str, since: Instant) -> list[Fault]:
    return list(
        session.scalars(
            sa.select(Fault)
            .where(Fault.receiver_id == receiver_id, Fault.kind == Kind.OFFLINE)
            .where(sa.or_(Fault.until.is_(None), Fault.until > since))
        )
    )
