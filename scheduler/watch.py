"""The station's look at its fleet every few seconds: which receiver has which fault now, and since when.

Nothing here is evidence: it is what heartbeats say, what plans and journals show, and what is not heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import fleet, outages
from devices.outages import Fault, Kind, Watch, Wrong
from devices.receivers import MISSED_HEARTBEATS, Journal, Presence, Receiver
from loa.database import Database
from loa.times import DAY, MINUTE, SECOND, Instant, after, local
from loa.words import counted
from scheduler import readiness
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.readiness import Why

EVERY = 30 * SECOND
KEPT_UP = MINUTE
"""The watch is written down so often: what is lost of it in a crash is no more."""
SILENT_OVER = DAY
"""Missing evidence of broadcasts longer ago is history."""

Wrongs = Iterator[tuple[str, Kind, Wrong]]


def look(database: Database, now: Instant, zone: ZoneInfo, kv: int = 0) -> int:
    """Bring the list of faults in line with what is so now; returns how many faults changed.

    ``kv`` is the version of the keys document receivers should have, 0 where there is none. Mostly nothing has
    changed: then nothing is written.
    """
    with database.read() as session:
        found = _found(session, now, zone, kv)
        kinds = _judged(session, now)
        watch, gaps = outages.last_watch(session), _gaps(session, now)
        is_kept_up = watch is not None and 0 <= now - watch.until < KEPT_UP
        if is_kept_up and not gaps and not outages.differs(session, found, kinds):
            return 0
    with database.write(wake=False) as session:
        outages.keep_watch(session, now)
        changed = sum(outages.note_gap(session, *gap) for gap in gaps)
        session.flush()
        return changed + outages.settle(session, found, now, kinds)


def _judged(session: Session, now: Instant) -> list[Kind]:
    """All kinds; while the station has but begun to listen, not who is silent: nobody had the time to speak."""
    watch = outages.last_watch(session)
    longest = session.scalar(sa.select(sa.func.max(Presence.heartbeat_ms))) or 0
    is_new = (
        watch is None
        or now - watch.until > outages.WATCH_GAP
        or now - watch.since < _silence(longest)
    )
    return [kind for kind in Kind if not (is_new and kind is Kind.OFFLINE)]


def _silence(heartbeat_ms: int) -> int:
    """After so many milliseconds without a word a receiver is called offline."""
    return MISSED_HEARTBEATS * heartbeat_ms + 5 * SECOND


# -- silences that are over -----------------------------------------------------------------------


def _gaps(session: Session, now: Instant) -> list[tuple[str, Instant, Instant]]:
    """(receiver id, since, until) of silences that ended of late and stand in the list otherwise or not at all."""
    silences = sa.and_(
        Fault.receiver_id == Presence.receiver_id,
        Fault.kind == Kind.OFFLINE,
        Fault.since == Presence.lost_at,
    )
    rows = session.execute(
        sa.select(
            Presence.receiver_id, Presence.lost_at, Presence.online_since, Presence.heartbeat_ms,
            Fault.id,
        )
        .outerjoin(Fault, silences)
        .where(Presence.lost_at.is_not(None), Presence.online_since > after(now, -DAY))
        .where(
            sa.or_(
                Fault.id.is_(None), Fault.until.is_(None), Fault.until > Presence.online_since
            )
        )
    ).all()  # fmt: skip
    watches = session.execute(
        sa.select(Watch.since, Watch.until).where(Watch.until > after(now, -2 * DAY))
    ).all()
    return [
        (row.receiver_id, row.lost_at, row.online_since)
        for row in rows
        if row.id is not None
        or _listened(watches, row.lost_at, row.online_since) > _silence(row.heartbeat_ms)
    ]


def _listened(watches: Iterable[sa.Row[Instant, Instant]], since: Instant, until: Instant) -> int:
    """Milliseconds of [since, until) in which the station listened."""
    return sum(max(min(until, each.until) - max(since, each.since), 0) for each in watches)


# -- what is wrong now ----------------------------------------------------------------------------


def _found(
    session: Session, now: Instant, zone: ZoneInfo, kv: int
) -> dict[tuple[str, Kind], Wrong]:
    wrongs = [
        *_said(session, now, kv), *_tampered(session), *_unready(session, now, zone), *_silent(session, now)
    ]  # fmt: skip
    return {(receiver_id, kind): wrong for receiver_id, kind, wrong in wrongs}


def _said(session: Session, now: Instant, kv: int) -> Wrongs:
    """What heartbeats complain of, or that there are none."""
    p, online = Presence, fleet.is_online(now)
    has_old_keys = sa.and_(p.kv > 0, p.kv < kv)
    rows = session.execute(
        sa.select(
            p.receiver_id, p.heard_at, p.output, p.clock_source, p.disk, p.power, p.kv, online.label("online")
        )
        .join(Receiver, Receiver.id == p.receiver_id)
        .where(Receiver.active, sa.or_(sa.not_(online), fleet.is_troubled(), has_old_keys))
    )  # fmt: skip
    for rid, heard_at, output, clock, disk, power, keys, is_online in rows:
        if not is_online:
            yield rid, Kind.OFFLINE, Wrong(heard_at)
            continue
        complaints = (
            (output == "fault", Kind.OUTPUT, ""),
            (clock == "none", Kind.CLOCK, ""),
            (disk >= fleet.DISK_NEARLY_FULL, Kind.DISK, f"{disk * 100:.0f} %"),
            (power == "bat", Kind.BATTERY, ""),
            (0 < keys < kv, Kind.KEYS, ""),
        )
        yield from ((rid, kind, Wrong(now, detail)) for is_so, kind, detail in complaints if is_so)


def _tampered(session: Session) -> Wrongs:
    rows = session.execute(
        sa.select(Journal.receiver_id, sa.func.min(Journal.tampered_at))
        .join(Receiver, Receiver.id == Journal.receiver_id)
        .where(Receiver.active, Journal.tampered_at.is_not(None), Journal.closed_at.is_(None))
        .group_by(Journal.receiver_id)
    )
    for receiver_id, tampered_at in rows:
        yield receiver_id, Kind.TAMPERED, Wrong(Instant(tampered_at or 0))


def _unready(session: Session, now: Instant, zone: ZoneInfo) -> Wrongs:
    """Who lacks the sound of what is next; what else may keep it silent is a fault of its own."""
    seen: set[str] = set()
    for each in readiness.unready(session, now):
        if each.why is Why.AUDIO and each.receiver_id not in seen:
            seen.add(each.receiver_id)
            detail = f"{local(each.starts_at, zone):%H:%M} {each.title}"
            yield each.receiver_id, Kind.UNREADY, Wrong(now, detail)


def _silent(session: Session, now: Instant) -> Wrongs:
    """Online again, and yet no word of what it should have played."""
    rows = session.execute(
        sa.select(Delivery.receiver_id, sa.func.count(), sa.func.min(Broadcast.starts_at))
        .join(Broadcast, Broadcast.id == Delivery.broadcast_id)
        .join(Receiver, Receiver.id == Delivery.receiver_id)
        .join(Presence, Presence.receiver_id == Delivery.receiver_id)
        .where(
            Receiver.active,
            fleet.is_online(now),
            Delivery.state == DeliveryState.UNKNOWN,
            Broadcast.starts_at > after(now, -SILENT_OVER),
        )
        .group_by(Delivery.receiver_id)
    )
    for receiver_id, number, first in rows:
        yield receiver_id, Kind.SILENT, Wrong(first, counted("%(n)s lượt", number))
