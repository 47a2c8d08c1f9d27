"""Meeting: whether a source has a broadcast for what it wishes, and what makes that broadcast be it.

One put an end to that has not begun is brought back under its own name. A receiver without a link may still hold it,
and would play another name beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from content import bulletins
from loa.times import Instant
from scheduler import broadcasts, following, upkeep
from scheduler.broadcasts import LIVE, Broadcast, DeliveryState, State
from scheduler.sources import Wanted

BY_STAFF = "stopped"
"""Code of a broadcast somebody stopped: the same wish does not bring it back."""


def one_each(wishes: Sequence[Wanted]) -> list[Wanted]:
    """The first wish of each key; one that is to sound before one that is not."""
    chosen: dict[tuple[Instant, int, int], Wanted] = {}
    for wish in wishes:
        before = chosen.get(wish.key)
        if before is None or (before.why_not is not None and wish.why_not is None):
            chosen[wish.key] = wish
    return list(chosen.values())


def is_met(
    session: Session, rows: Sequence[Broadcast], wish: Wanted, now: Instant, zone: ZoneInfo
) -> bool:
    """True when one of these rows of its key is what the wish asks for, or was made to be; False: it needs one."""
    live = [row for row in rows if row.stop_requested_at is None]
    if live:
        _follow(session, live[0], wish, now)
    elif rows and rows[-1].starts_at > now and all(row.code != BY_STAFF for row in rows):
        _reconsider(session, rows[-1], wish, now, zone)
    return bool(rows)


def may_be_closed(row: Broadcast, now: Instant) -> bool:
    """Not begun, and not ended yet. One without an approval does not begin at its time: it may within the leeway."""
    is_ahead = row.starts_at > now or row.recording_sha is None
    return is_ahead and row.stop_requested_at is None and row.state in LIVE


def _follow(session: Session, row: Broadcast, wish: Wanted, now: Instant) -> None:
    if wish.why_not is not None:
        if may_be_closed(row, now):
            upkeep.close(session, row, DeliveryState.CANCELLED, *wish.why_not, now)
    elif row.starts_at > now:
        row.where, row.origin, row.by_area_id = wish.where, wish.origin, wish.by_area_id
        row.day = wish.day
        if (row.relay, row.resumes) != (wish.relay, wish.resumes):
            row.relay, row.resumes = wish.relay, wish.resumes
            broadcasts.touch(session, row)


def _reconsider(
    session: Session, row: Broadcast, wish: Wanted, now: Instant, zone: ZoneInfo
) -> None:
    """Of one that has an end: another reason for it, or none any more."""
    if wish.why_not is not None:
        row.code, row.reason = wish.why_not
    elif not _is_still_out(row, wish, zone):
        row.stop_requested_at = row.code = row.reason = None
        row.state = State.PLANNED
        _follow(session, row, wish, now)
        following.bring_back(session, row)


def _is_still_out(row: Broadcast, wish: Wanted, zone: ZoneInfo) -> bool:
    """Upkeep would end it again."""
    if wish.bulletin.state is bulletins.State.WITHDRAWN:
        return True
    return row.code == upkeep.NOT_VALID and not upkeep.is_valid(wish.bulletin, row.starts_at, zone)
