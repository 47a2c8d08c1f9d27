"""Following: the deliveries of a broadcast are brought in line with receivers, approval and quiet hours.

There may be ten thousand of them, so they are looked at in groups that are alike, and changed a group at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from content.relays import Relay
from devices import receivers, remote
from devices.receivers import Receiver
from loa import audit, bulk
from loa.languages import KINH
from loa.times import Instant, after
from loa.words import counted, say
from scheduler import broadcasts, declining, regulation, series, targets
from scheduler.broadcasts import OPEN, Broadcast, Delivery, DeliveryState
from scheduler.facts import Case, Facts, Meant
from scheduler.sources import Rules

D = DeliveryState
TAKEN_BACK = {"state": D.PLANNED, "reason": None, "ended_at": None}
"""It is wanted again: what the receiver said of an earlier plan no longer stands."""
UNWANTED = (D.CANCELLED, D.REFUSED)
SLICE = 5_000


# -- receivers ------------------------------------------------------------------------------------


def receivers_now(session: Session, case: Case, facts: Facts, now: Instant) -> bool:
    """Add, drop or take back deliveries as receivers come and go or speak otherwise; True when any did."""
    broadcast = case.broadcast
    without = facts.without(broadcast)
    meant = {rid: each for rid, each in facts.meant(broadcast.where).items() if rid not in without}
    found = sa.select(
        Delivery.id, Delivery.receiver_id, Delivery.language, Delivery.state, Delivery.rev, Delivery.dropped_at
    ).where(Delivery.broadcast_id == broadcast.id)  # fmt: skip
    known = {row.receiver_id: row for row in session.execute(found)}
    new = [receiver for rid, receiver in meant.items() if rid not in known]
    gone = [row for rid, row in known.items() if row.dropped_at is None and rid not in meant]
    back = [row for rid, row in known.items() if row.dropped_at is not None and rid in meant]
    _add(session, broadcast, new, facts)
    _drop(session, gone, without, now)
    _say_apart(broadcast, bool(without) and not meant)
    _take_back(session, back)
    spoken = [
        {"id": row.id, "language": language}
        for rid, row in known.items()
        if rid in meant and (language := facts.spoken_in[meant[rid].area_id]) != row.language
    ]
    bulk.update(session, Delivery, spoken)
    moved = [receiver.id for receiver in new] + [row.receiver_id for row in (*gone, *back)]
    for start in range(0, len(moved), SLICE):
        receivers.mark_stale(session, moved[start : start + SLICE])
    return bool(moved)


def _add(session: Session, broadcast: Broadcast, new: Sequence[Meant], facts: Facts) -> None:
    rows = [
        {"broadcast_id": broadcast.id, "receiver_id": each.id, "receiver_name": each.name,
         "area_name": each.area_name, "language": facts.spoken_in[each.area_id], "state": D.PLANNED, "ms": 0}
        for each in new
    ]  # fmt: skip
    bulk.insert(session, Delivery, rows)


def _say_apart(broadcast: Broadcast, is_apart: bool) -> None:
    """Where no receiver is left because of what areas decided, the broadcast says so itself."""
    if is_apart:
        broadcast.reason = declining.NOBODY
    elif broadcast.reason == declining.NOBODY:
        broadcast.reason = None


def _drop(
    session: Session, gone: Collection[Any], without: Mapping[str, str], now: Instant
) -> None:
    """Follow receivers out of the schedule's places; ``without`` says who is left out otherwise, and why."""
    bulk.update(session, Delivery, [{"id": row.id, "dropped_at": now} for row in gone])
    unsent = [
        {"id": row.id, "state": D.CANCELLED, "reason": without.get(row.receiver_id, "left_area")}
        for row in gone
        if row.rev is None and row.state in OPEN
    ]
    bulk.update(session, Delivery, unsent)


def _take_back(session: Session, back: Collection[Any]) -> None:
    """Follow receivers back into them; quiet hours are judged anew in the same pass."""
    again = [{"id": row.id, "dropped_at": None, "barred_at": None} for row in back]
    bulk.update(session, Delivery, again)
    unwanted = [{"id": row.id, **TAKEN_BACK} for row in back if row.state in UNWANTED]
    bulk.update(session, Delivery, unwanted)


def bring_back(session: Session, broadcast: Broadcast) -> None:
    """What was put an end to is wanted again, wherever it is meant; upkeep does the rest in the same pass."""
    session.flush()
    meant = sa.select(Receiver.id).where(targets.standing_in(session, broadcast.where))
    wanted = (Delivery.barred_at.is_(None), Delivery.dropped_at.is_(None))
    here = (Delivery.broadcast_id == broadcast.id, Delivery.receiver_id.in_(meant))
    _change(session, sa.and_(*here, Delivery.state.in_(UNWANTED), *wanted), TAKEN_BACK)
    broadcasts.touch(session, broadcast)
    broadcasts.settle(session, broadcast)


# -- approval -------------------------------------------------------------------------------------


def approval(session: Session, case: Case, facts: Facts) -> bool:
    """Give the broadcast the sounds now approved, or take them away; True when that changed anything."""
    broadcast, bulletin, sounds = case.broadcast, case.bulletin, case.sounds
    changed = [_follow_stream(case)]
    alike = sa.select(Delivery.language, Delivery.recording_sha).distinct()
    groups = session.execute(alike.where(Delivery.broadcast_id == broadcast.id)).all()
    changed += [
        _give_sound(session, broadcast, row.language, row.recording_sha, sounds) for row in groups
    ]
    _give_lengths(session, broadcast, facts)
    if sounds:  # without approval the old length stays: receivers may hold the old sound
        longest = sa.select(sa.func.max(Delivery.ms)).where(
            Delivery.broadcast_id == broadcast.id, Delivery.dropped_at.is_(None)
        )
        given = session.scalar(longest)
        alone = broadcast.relay.ms if broadcast.relay else facts.lengths[sounds[KINH]]
        broadcast.ms = alone if given is None else given
    wanted = (sounds.get(KINH), bulletin.title, bulletin.priority)
    if not any(changed) and wanted == (
        broadcast.recording_sha, broadcast.title, broadcast.priority
    ):  # fmt: skip
        return False
    broadcast.recording_sha, broadcast.title, broadcast.priority = wanted
    broadcast.field = bulletin.field
    broadcast.approver_names = case.approval.names if case.approval else []
    broadcast.approver_logins = case.approval.logins if case.approval else []
    broadcasts.touch(session, broadcast)
    return True


def _follow_stream(case: Case) -> bool:
    """Have it relay what is approved, and nothing that was before; True when that is another stream."""
    broadcast, stream = case.broadcast, case.bulletin.relay
    before = broadcast.relay
    if not case.sounds or (stream is None and before is None):
        return False
    now: Relay | None = None
    if broadcast.schedule is not None:
        now = series.relay_of(case.bulletin, broadcast.schedule.minutes)
    elif before and stream:  # for the minutes of its programme, which thinks again when they change
        now = Relay(stream.url, before.ms, stream.hosts)
    broadcast.relay = now
    return now != before


def _give_lengths(session: Session, broadcast: Broadcast, facts: Facts) -> None:
    """A relay sounds as long as it is ordered for, whatever it falls back on."""
    here = sa.and_(Delivery.broadcast_id == broadcast.id, Delivery.recording_sha.is_not(None))
    alike = sa.select(Delivery.recording_sha, Delivery.ms).distinct().where(here)
    for sha, ms in session.execute(alike).all():
        length = broadcast.relay.ms if broadcast.relay else facts.lengths[sha]
        if ms != length:
            _change(session, sa.and_(here, Delivery.recording_sha == sha), {"ms": length})


def _give_sound(
    session: Session, broadcast: Broadcast, language: str, before: str | None, sounds: dict[str, str]
) -> bool:  # fmt: skip
    """The sound for the language of the receiver's area, else the bulletin's own; True when it is another now."""
    sha = sounds.get(language, sounds.get(KINH))
    if sha == before:
        return False
    group = sa.and_(
        Delivery.broadcast_id == broadcast.id, Delivery.language == language,
        Delivery.recording_sha.is_(None) if before is None else Delivery.recording_sha == before,
    )  # fmt: skip
    values: dict[str, Any] = {"recording_sha": sha}
    if before is not None:
        values["last_sha"] = before
    if sha is not None:
        # What quiet hours bar, or whoever left the area, stays unwanted whatever its sound is.
        wanted = (Delivery.barred_at.is_(None), Delivery.dropped_at.is_(None))
        _change(session, sa.and_(group, Delivery.state.in_(UNWANTED), *wanted), TAKEN_BACK)
    _change(session, group, values)
    return True


# -- quiet hours ----------------------------------------------------------------------------------


def quiet_hours(session: Session, case: Case, facts: Facts, now: Instant, rules: Rules) -> bool:
    """Bar it wherever its sound would reach into the quiet hours, and nowhere else; True when that changed.

    Judged anew until it starts: another sound, language or rule may let it through again.
    """
    broadcast = case.broadcast
    alike = sa.select(Delivery.ms, Delivery.barred_at.is_not(None), sa.func.count())
    here = Delivery.broadcast_id == broadcast.id
    grouped = alike.where(here).group_by(Delivery.ms, Delivery.barred_at.is_not(None))
    groups = [(ms, bool(barred), count) for ms, barred, count in session.execute(grouped)]
    spans = {ms: _span(case, facts, ms, rules) for ms, _, _ in groups}
    wrong = [ms for ms, barred, _ in groups if (spans[ms] is not None) != barred]
    if not wrong:
        return False
    for ms in wrong:
        _bar_or_let(session, sa.and_(here, Delivery.ms == ms), spans[ms] is not None, now)
    total = sum(count for _, _, count in groups)
    barred = sum(count for ms, _, count in groups if spans[ms] is not None)
    named = ", ".join(sorted({span for span in spans.values() if span is not None}))
    broadcast.reason = _barred_sentence(total, barred, named)
    audit.append(
        session, now, audit.SYSTEM, "broadcast.quiet", broadcast=broadcast.id, barred=barred
    )
    return True


def _span(case: Case, facts: Facts, ms: int, rules: Rules) -> str | None:
    """The quiet hours that a sound of that length would reach into, however late a receiver is set to play."""
    if case.bulletin.priority is Priority.EMERGENCY:
        return None
    broadcast = case.broadcast
    ms = broadcast.relay.ms if broadcast.relay else ms  # its recording is but what it falls back on
    end = after(broadcast.starts_at, ms + remote.MOST_DELAY)
    span = regulation.breach_by(facts.regulations, broadcast.starts_at, end, rules.zone)
    return str(span) if span else None


def _barred_sentence(total: int, barred: int, named: str) -> str | None:
    if not barred:
        return None
    if barred == total:
        return say("Lượt phát rơi vào giờ không phát %(named)s của đài.", named=named)
    return counted(
        "%(n)s đầu thu không phát lượt này: bản của chúng dài sang giờ không phát %(named)s.",
        barred,
        named=named,
    )


def _bar_or_let(
    session: Session, alike: sa.ColumnElement[bool], is_barred: bool, now: Instant
) -> None:
    if is_barred:
        group = sa.and_(alike, Delivery.barred_at.is_(None))
        unsent = sa.and_(group, Delivery.rev.is_(None), Delivery.state.in_(OPEN))
        receivers.mark_stale(session, sa.select(Delivery.receiver_id).where(group))
        _change(session, unsent, {"state": D.CANCELLED, "reason": "quiet"})
        _change(session, group, {"barred_at": now})
    else:
        group = sa.and_(alike, Delivery.barred_at.is_not(None))
        receivers.mark_stale(session, sa.select(Delivery.receiver_id).where(group))
        _change(session, sa.and_(group, Delivery.state.in_(UNWANTED)), TAKEN_BACK)
        _change(session, group, {"barred_at": None})


def _change(session: Session, which: sa.ColumnElement[bool], values: dict[str, Any]) -> None:
    session.execute(
        sa.update(Delivery).where(which).values(values).execution_options(synchronize_session=False)
    )
