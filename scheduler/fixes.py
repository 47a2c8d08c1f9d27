"""Fixes: what would do away with the conflicts of something that is to be scheduled, each tried before it is offered.

A fix is what to put into the form instead; whoever fills it in decides. All are checked like the original: over every
receiver and every moment ahead.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from content.bulletins import Priority
from loa.times import DAY, MINUTE, SECOND, Instant, at, local
from scheduler import conflicts
from scheduler.conflicts import Asked, Found, Order
from scheduler.neighbours import Neighbours, SourceId, Span, clock
from scheduler.sources import Rules

TRIES = 4
"""Other starts that are tried in all, the nearest first."""
APART = 1 * SECOND
"""Between the end of one and the start of the next."""
SHORTEST = 1 * MINUTE
"""A relay is not offered shorter."""


class Kind(enum.StrEnum):
    SHIFT = "shift"
    SHORTEN = "shorten"
    LEAVE_OUT = "leave_out"
    LOWER = "lower"


class Fix(NamedTuple):
    """One way out. Of the rest only what belongs to ``kind`` is set."""

    kind: Kind
    at: time | None = None
    in_session: str = ""
    """Name of the session it stays in."""
    minutes: int = 0
    except_ids: tuple[str, ...] = ()
    priority: Priority | None = None


class Report(NamedTuple):
    """What a form shows: the conflicts, and what would do away with them."""

    found: Found
    fixes: list[Fix]
    names: dict[str, str]
    """Receiver id → its name, of those concerned."""


def report(
    session: Session,
    asked: Asked,
    rules: Rules,
    *,
    but: SourceId | None = None,
    may_shorten: bool = False,
) -> Report:
    """All conflicts of what is asked for, and the fixes that were tried and hold.

    ``but`` is the schedule or programme being changed; ``may_shorten``: it is a relay or minutes for others, which may
    end sooner.
    """
    found, around = conflicts.check(session, asked, rules, but=but)
    if around is None or found.is_clear:
        return Report(found, [], {})
    order = conflicts.order_of(asked, around)
    ways = [*_shifted(order, around), *_left_out(order, found, around), *_lowered(order, around)]
    if may_shorten:
        ways = [*_shortened(order, found, around), *ways]
    standing = around.context.fleet.receivers
    return Report(found, ways, {id: standing[id].name for id in found.concerned})


# -- another time ---------------------------------------------------------------------------------


def _shifted(order: Order, around: Neighbours) -> Iterator[Fix]:
    """The nearest free start within the session it is in; where there is none, the nearest of the day."""
    zone = around.context.rules.zone
    clocks = [clock(moment, zone) for moment in order.moments]
    usual = max(set(clocks), key=clocks.count)
    session = _session(order, around)
    starts = sorted(_free(order.ms, usual, around), key=lambda one: abs(one - usual))
    inside = [one for one in starts if session and _is_within(one, order.ms, session[1])]
    tried = 0
    for start in [*inside, *(one for one in starts if one not in inside)]:
        moved = _moved(order, start - usual, around)
        if moved is None or _is_quiet(moved, around):
            continue
        tried += 1
        if conflicts.clashes(moved, around).is_clear:
            name = session[0] if session and start in inside else ""
            yield Fix(Kind.SHIFT, at=_time(start), in_session=name)
            return
        if tried == TRIES:
            return


def _session(order: Order, around: Neighbours) -> tuple[str, Span] | None:
    """The session its first moment lies in."""
    first = order.moments[0]
    for held in around.outlook.sessions(around.outlook.day(first)):
        if held.since <= first < held.until:
            span = Span(clock(held.since, around.context.rules.zone), held.until - held.since)
            return held.slot.name, span
    return None


def _is_within(start: int, ms: int, span: Span) -> bool:
    return span.since <= start and start + ms <= span.since + span.ms


def _free(ms: int, usual: int, around: Neighbours) -> Iterator[int]:
    """Whole minutes right before and right after what usually sounds, that nothing usual touches."""
    busy = sorted({(span.since - APART, span.since + span.ms + APART) for span in around.usual()})
    edges = {-(-until // MINUTE) * MINUTE for _, until in busy}
    edges |= {(since - ms) // MINUTE * MINUTE for since, _ in busy}
    for start in edges - {usual}:
        if 0 <= start <= DAY - MINUTE and not any(
            since < start + ms and start < until for since, until in busy
        ):
            yield start


def _moved(order: Order, by: int, around: Neighbours) -> Order | None:
    """The same so many milliseconds later by the wall clock; None where that leaves a day or does not exist."""
    zone = around.context.rules.zone
    moved: list[Instant] = []
    for moment in order.moments:
        was = local(moment, zone)
        now = was.replace(tzinfo=None) + timedelta(milliseconds=by)
        found = at(now.date(), now.time(), zone) if now.date() == was.date() else None
        if found is None:
            return None
        moved.append(found)
    return order._replace(moments=moved)


def _is_quiet(order: Order, around: Neighbours) -> bool:
    if order.priority is Priority.EMERGENCY:
        return False
    return any(around.outlook.is_quiet(moment, order.ms) for moment in order.moments)


def _time(start: int) -> time:
    return (datetime.combine(date.min, time()) + timedelta(milliseconds=start)).time()


# -- other ways -----------------------------------------------------------------------------------


def _shortened(order: Order, found: Found, around: Neighbours) -> Iterator[Fix]:
    """End before the first of the others begins."""
    rooms = [
        clash.other.starts_at - moment
        for clash in found.clashes
        for moment in clash.moments
        if moment < clash.other.starts_at < moment + order.ms
    ]
    ms = (min(rooms, default=0) - APART) // MINUTE * MINUTE
    if ms >= SHORTEST and conflicts.clashes(order._replace(ms=ms), around).is_clear:
        yield Fix(Kind.SHORTEN, minutes=ms // MINUTE)


def _left_out(order: Order, found: Found, around: Neighbours) -> Iterator[Fix]:
    """Let the receivers concerned be, where others remain."""
    rest = order.receivers - found.concerned
    if rest and conflicts.clashes(order._replace(receivers=rest), around).is_clear:
        yield Fix(Kind.LEAVE_OUT, except_ids=tuple(sorted(found.concerned)))


def _lowered(order: Order, around: Neighbours) -> Iterator[Fix]:
    """Interrupt nobody: it then waits a little, or nothing happens at all. An emergency is never lowered."""
    if order.priority is not Priority.PRIORITY:
        return
    lower = order._replace(priority=Priority.NORMAL)
    if not conflicts.clashes(lower, around).is_grave:
        yield Fix(Kind.LOWER, priority=Priority.NORMAL)
