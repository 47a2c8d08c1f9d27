"""Households a campaign reached, day by day, against its target.

Households are those entered when the plans were sent; receivers that were never sent anything count with what is
entered now. A receiver without households is told apart (scheduler.reach).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import Receiver
from loa.times import Instant, local
from scheduler import reach
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.campaign_tables import Aim, Campaign
from scheduler.reach import Share
from scheduler.reporting.figures import Inside
from scheduler.reporting.periods import Period
from scheduler.reports import local_day


@dataclass(frozen=True)
class Reached:
    """What a campaign has reached."""

    times: int
    """Plays after which a household counts."""
    target: int | None
    """Per cent of households; None: the campaign aims at something else."""
    now: Share
    curve: list[tuple[date, Share]]
    """By the end of each day from its first until today or its last."""


def of_campaign(
    session: Session, campaign: Campaign, zone: ZoneInfo, now: Instant, inside: Inside = None
) -> Reached:
    """The reach of one campaign as far as it is proven; ``inside``: at the receivers that stand there."""
    households = _households(session, campaign, inside)
    is_reach = campaign.target.aim is Aim.REACH
    times = campaign.target.times if is_reach else 1
    last = max(min(campaign.end_date, local(now, zone).date()), campaign.start_date)
    days = Period(campaign.start_date, last).days
    curve = reach.curve(households, _plays(session, campaign, zone), times, days)
    return Reached(
        times, campaign.target.number if is_reach else None, curve[-1], list(zip(days, curve, strict=True))
    )  # fmt: skip


def _households(session: Session, campaign: Campaign, inside: Inside) -> dict[str, int]:
    sent = sa.case((Delivery.expected_households.is_not(None), Delivery.id))
    newest = (
        # The newest that was sent, else the newest at all.
        sa.select(sa.func.coalesce(sa.func.max(sent), sa.func.max(Delivery.id)))
        .join(Broadcast, Broadcast.id == Delivery.broadcast_id)
        .where(Broadcast.campaign_id == campaign.id, Delivery.state != DeliveryState.CANCELLED)
        .group_by(Delivery.receiver_id)
    )
    known = sa.func.coalesce(Delivery.expected_households, Receiver.households)
    found = (
        sa.select(Delivery.receiver_id, known)
        .join(Receiver, Receiver.id == Delivery.receiver_id)
        .where(Delivery.id.in_(newest))
    )
    if inside is not None:
        found = found.where(Receiver.area_id.in_(inside))
    return {rid: n for rid, n in session.execute(found)}  # noqa: C416 - a Row is not a pair to mypy


def _plays(session: Session, campaign: Campaign, zone: ZoneInfo) -> list[tuple[date, str]]:
    found = (
        sa.select(Broadcast.starts_at, Delivery.receiver_id)
        .join(Delivery, Delivery.broadcast_id == Broadcast.id)
        .where(
            Broadcast.campaign_id == campaign.id,
            Broadcast.drill.is_(False),
            Delivery.state == DeliveryState.PLAYED,
        )
    )
    day_of = local_day(zone)
    return [(day_of(at), rid) for at, rid in session.execute(found)]
