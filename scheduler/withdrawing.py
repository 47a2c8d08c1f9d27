"""Withdrawing: a bulletin is taken back, and with it end its schedules and whatever of it sounds or is about to."""

from __future__ import annotations

from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin
from loa.staff import Staff
from loa.times import Instant
from scheduler import level_bulletins, schedules, uses


class Ended(NamedTuple):
    """How many ended with it."""

    schedules: int
    broadcasts: int


def withdraw(
    session: Session, bulletin: Bulletin, staff: Staff, now: Instant, zone: ZoneInfo
) -> Ended:
    """Take it back for good. Raises NotAllowed, or ContentError while an alert sounds it."""
    stopped = len(uses.live(session, bulletin.id))
    level_bulletins.demand_change(session, staff, bulletin)
    ended = len(schedules.end_all_of(session, bulletin.id, staff, now, zone))
    bulletins.withdraw(session, bulletin, staff, now)
    return Ended(ended, stopped)
