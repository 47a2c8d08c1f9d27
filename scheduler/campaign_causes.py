"""Causes: which acts of the log make which campaigns be thought over again.

What is done about a bulletin concerns the campaigns that use it; and all of them where a schedule or programme
does, for its length is what these leave to campaigns.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import audit
from loa.audit import AuditEntry
from scheduler.campaign_tables import Campaign
from scheduler.exceptions import ScheduleException
from scheduler.programme_tables import Item, Programme
from scheduler.schedule_tables import Schedule

_MATTERS = ("schedule", "programme", "campaign", "regulation", "day", "exception", "bulletin", "area",
            "group", "receiver")  # fmt: skip
"""Kinds of acts after which the free minutes, the receivers or the messages may be others."""
_MATTERS_NOT = frozenset(
    {
        "bulletin.write",
        "bulletin.submit",
        "bulletin.reject",
        "receiver.restart",
        "receiver.lock",
        "receiver.tone",
    }
)
"""All of the same families that change nothing of these."""


@dataclass(frozen=True)
class Causes:
    """The last acts that matter, by their numbers in the log; 0 where there is none."""

    last: int = 0
    """Of all that were looked at."""
    to_all: int = 0
    by_bulletin: dict[int, int] = field(default_factory=dict)

    def matter_to(self, campaign: Campaign) -> bool:
        """Whether there is one that the campaign has not been thought over after."""
        own = [self.by_bulletin.get(each.bulletin_id, 0) for each in campaign.messages]
        return campaign.seen < max(self.to_all, *own, 0)


def since(session: Session, seen: int) -> Causes:
    """Those after number ``seen``."""
    kind = AuditEntry.kind
    matters = sa.or_(*(kind.startswith(f"{each}.") for each in _MATTERS))
    is_bulletin = kind.startswith("bulletin.")
    found = sa.select(AuditEntry).where(
        AuditEntry.n > seen, matters, kind.not_in(audit.WIRE | _MATTERS_NOT)
    )
    others = found.where(~is_bulletin).order_by(AuditEntry.n.desc()).limit(1)
    to_all = max((entry.n for entry in session.scalars(others)), default=0)
    about = {
        int(json.loads(entry.data).get("bulletin", 0)): entry.n
        for entry in session.scalars(found.where(is_bulletin).order_by(AuditEntry.n))
    }
    scheduled = _scheduled(session, about.keys())
    return Causes(
        last=max(to_all, *about.values(), 0),
        to_all=max(to_all, *(n for bulletin_id, n in about.items() if bulletin_id in scheduled), 0),
        by_bulletin=about,
    )


def _scheduled(session: Session, ids: Collection[int]) -> set[int]:
    """Those of these bulletins that schedules, programmes or days made otherwise sound."""
    if not ids:
        return set()
    ways = (
        sa.select(Schedule.bulletin_id).where(
            Schedule.ended_at.is_(None), Schedule.bulletin_id.in_(ids)
        ),
        sa.select(Item.bulletin_id)
        .join(Programme)
        .where(Programme.ended_at.is_(None), Item.bulletin_id.in_(ids)),
        sa.select(ScheduleException.bulletin_id).where(
            ScheduleException.withdrawn_at.is_(None), ScheduleException.bulletin_id.in_(ids)
        ),
    )
    found = session.execute(sa.union(*ways)).scalars()
    return {each for each in found if each is not None}
