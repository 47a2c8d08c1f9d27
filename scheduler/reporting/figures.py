"""Figures of a period, from the counts the database keeps: never from ten million deliveries.

Exercises are counted apart from everything else. Whoever sees a part of the station only gets figures of the
receivers that stand there, counted anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices.receivers import Receiver
from loa.times import Instant
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.campaign_tables import Campaign
from scheduler.reporting.counts import NEVER_DUE, Counts
from scheduler.reporting.periods import Period
from scheduler.reporting.tables import DeliveryCount, Expectation
from scheduler.reports import local_day

Inside = frozenset[int] | None


@dataclass
class Figures:
    """All of one period, each by its key."""

    period: Period
    total: Counts = field(default_factory=Counts)
    emergencies: Counts = field(default_factory=Counts)
    drills: Counts = field(default_factory=Counts)
    days: dict[date, Counts] = field(default_factory=dict)
    areas: dict[str, Counts] | None = None
    """None: not added up, which takes as long as all the rest."""
    fields: dict[int, Counts] = field(default_factory=dict)
    priorities: dict[Priority, Counts] = field(default_factory=dict)
    campaigns: dict[int, Counts] = field(default_factory=dict)
    campaign_names: dict[int, str] = field(default_factory=dict)
    authors: dict[str, Counts] = field(default_factory=dict)
    evidence: dict[str, int] = field(default_factory=dict)
    """E1, E2, E3 → deliveries played with that much evidence."""


@dataclass(frozen=True)
class _Of:
    """What the figures need to know of a broadcast."""

    id: int
    day: date
    priority: Priority
    drill: bool
    field: int
    author: str
    campaign_id: int | None


def of_period(
    session: Session, period: Period, zone: ZoneInfo, inside: Inside = None, *, with_areas: bool = True
) -> Figures:  # fmt: skip
    """All figures of the broadcasts asked for within the period."""
    since, until = period.bounds(zone)
    return _figures(session, period, zone, inside, within(since, until), with_areas=with_areas)


def areas_of_period(
    session: Session, period: Period, zone: ZoneInfo, inside: Inside = None
) -> dict[str, Counts]:
    """Those of each area alone."""
    since, until = period.bounds(zone)
    return _areas(session, within(since, until), inside)


def of_campaign(
    session: Session, campaign: Campaign, zone: ZoneInfo, inside: Inside = None
) -> Figures:
    """The same of one campaign, over its whole time."""
    period = Period(campaign.start_date, campaign.end_date)
    return _figures(session, period, zone, inside, Broadcast.campaign_id == campaign.id)


def total(session: Session, period: Period, zone: ZoneInfo, inside: Inside = None) -> Counts:
    """Its total alone: what another period is compared with."""
    since, until = period.bounds(zone)
    which = within(since, until, drills=False)
    found = Counts()
    if inside is not None:
        for row in session.execute(_rows(which, inside)):
            found.add(*row)
        return found
    # Which broadcasts is asked apart: adding up by state alone is half the work.
    t = counted(None, which).c
    sums = sa.select(t.state, *_sums(t)).join(Broadcast, Broadcast.id == t.broadcast_id)
    for row in session.execute(sums.where(which).group_by(t.state)):
        found.put((), *row)
    found.heard = _with(session, which, t.state == DeliveryState.PLAYED)
    found.broadcasts = _with(session, which, t.state.not_in(NEVER_DUE))
    return found


def _with(
    session: Session, which: sa.ColumnElement[bool], state: sa.ColumnElement[bool]
) -> set[int]:
    """Broadcasts with a delivery in such a state."""
    has = sa.exists().where(DeliveryCount.broadcast_id == Broadcast.id, state)
    return set(session.scalars(sa.select(Broadcast.id).where(which, has)))


def by_area_and_state(
    session: Session, since: Instant, until: Instant
) -> dict[tuple[str, DeliveryState], int]:
    """(area, state) → deliveries of the broadcasts in [since, until), of any kind."""
    found = (
        sa.select(DeliveryCount.area_name, DeliveryCount.state, sa.func.sum(DeliveryCount.deliveries))
        .join(Broadcast, Broadcast.id == DeliveryCount.broadcast_id)
        .where(within(since, until))
        .group_by(DeliveryCount.area_name, DeliveryCount.state)
    )  # fmt: skip
    return {(area, state): int(n) for area, state, n in session.execute(found)}


def within(since: Instant, until: Instant, *, drills: bool = True) -> sa.ColumnElement[bool]:
    inside = sa.and_(Broadcast.starts_at >= since, Broadcast.starts_at < until)
    return inside if drills else sa.and_(inside, Broadcast.drill.is_(False))


def _figures(
    session: Session, period: Period, zone: ZoneInfo, inside: Inside, which: sa.ColumnElement[bool],
    *, with_areas: bool = True,
) -> Figures:  # fmt: skip
    about = _about(session, which, zone)
    groups: dict[str, dict[Hashable, Counts]] = defaultdict(lambda: defaultdict(Counts))
    found = Figures(period)
    for broadcast_id, *values in session.execute(_rows(which, inside)):
        each = about[broadcast_id]
        if each.drill:
            found.drills.add(broadcast_id, *values)
            continue
        found.total.add(broadcast_id, *values)
        if each.priority is Priority.EMERGENCY:
            found.emergencies.add(broadcast_id, *values)
        for name, key in _keys(each):
            groups[name][key].add(broadcast_id, *values)
    for name, by_key in groups.items():
        setattr(found, name, dict(by_key))
    found.areas = _areas(session, which, inside) if with_areas else None
    found.evidence = _evidence(session, which, inside)
    found.campaign_names = _names(session, found.campaigns)
    return found


def _keys(each: _Of) -> list[tuple[str, Hashable]]:
    keys: list[tuple[str, Hashable]] = [
        ("days", each.day), ("fields", each.field), ("priorities", each.priority),
        ("authors", each.author),
    ]  # fmt: skip
    return [*keys, ("campaigns", each.campaign_id)] if each.campaign_id is not None else keys


def _about(session: Session, which: sa.ColumnElement[bool], zone: ZoneInfo) -> dict[int, _Of]:
    """Broadcasts as they were when the last plan with them was sent; before that, as they are."""
    told = (
        sa.func.coalesce(getattr(Expectation, name), getattr(Broadcast, name))
        for name in ("priority", "drill", "field", "author")
    )
    newest = (
        sa.select(sa.func.max(Expectation.id))
        .where(Expectation.broadcast_id == Broadcast.id)
        .correlate(Broadcast)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(Broadcast.id, Broadcast.starts_at, *told, Broadcast.campaign_id)
        .outerjoin(Expectation, Expectation.id == newest)
        .where(which)
    )
    day_of = local_day(zone)
    return {row[0]: _Of(row[0], day_of(row[1]), *row[2:]) for row in rows}


def counted(inside: Inside, which: sa.ColumnElement[bool]) -> sa.FromClause:
    """The kept counts, or those of these broadcasts at the receivers that stand in some areas, as a table."""
    if inside is None:
        return sa.inspect(DeliveryCount).local_table
    asked = sa.func.coalesce(Delivery.expected_ms, Delivery.ms)
    levels = (
        sa.func.sum(sa.case((Delivery.evidence == level, 1), else_=0)).label(level.lower())
        for level in ("E1", "E2", "E3")
    )
    standing = sa.select(Receiver.id).where(Receiver.area_id.in_(inside))
    return (
        sa.select(
            Delivery.broadcast_id,
            Delivery.area_name,
            Delivery.state,
            sa.func.count().label("deliveries"),
            sa.func.sum(asked).label("asked_ms"),
            sa.func.sum(sa.func.coalesce(Delivery.played_ms, 0)).label("played_ms"),
            sa.func.count(Delivery.played_ms).label("timed"),
            *levels,
        )
        .where(
            # Both, so that an index leads to each delivery, and not through all a receiver ever played.
            Delivery.broadcast_id.in_(sa.select(Broadcast.id).where(which)),
            Delivery.receiver_id.in_(standing),
        )
        .group_by(Delivery.broadcast_id, Delivery.area_name, Delivery.state)
        .subquery()
    )


SUMS = ("deliveries", "asked_ms", "played_ms", "timed")
EVIDENCE = ("E1", "E2", "E3")


def _rows(which: sa.ColumnElement[bool], inside: Inside) -> sa.Select[Any]:
    """(broadcast, state, deliveries, asked, played, timed)."""
    t = counted(inside, which).c
    return (
        sa.select(t.broadcast_id, t.state, *_sums(t))
        .join(Broadcast, Broadcast.id == t.broadcast_id)
        .where(which)
        .group_by(t.broadcast_id, t.state)
    )  # fmt: skip


def _sums(t: Any) -> list[sa.Cast[int]]:
    return [sa.cast(sa.func.sum(t[name]), sa.BigInteger) for name in SUMS]


def _areas(session: Session, which: sa.ColumnElement[bool], inside: Inside) -> dict[str, Counts]:
    t = counted(inside, which).c
    # Added up by the database, which gives the broadcasts as one text: there is a row for each of them and area.
    ids = sa.func.aggregate_strings(sa.cast(t.broadcast_id, sa.Text), ",")
    found = (
        sa.select(t.area_name, ids, t.state, *_sums(t))
        .join(Broadcast, Broadcast.id == t.broadcast_id)
        .where(which, Broadcast.drill.is_(False))
        .group_by(t.area_name, t.state)
    )
    areas: dict[str, Counts] = defaultdict(Counts)
    for area, broadcasts, *values in session.execute(found):
        areas[area].put(map(int, broadcasts.split(",")), *values)
    return dict(sorted(areas.items()))


def _evidence(session: Session, which: sa.ColumnElement[bool], inside: Inside) -> dict[str, int]:
    t = counted(inside, which).c
    found = (
        sa.select(*(sa.func.coalesce(sa.func.sum(t[name.lower()]), 0) for name in EVIDENCE))
        .join(Broadcast, Broadcast.id == t.broadcast_id)
        .where(which, Broadcast.drill.is_(False), t.state == DeliveryState.PLAYED)
    )
    levels = session.execute(found).one()
    return {name: int(n) for name, n in zip(EVIDENCE, levels, strict=True)}


def _names(session: Session, campaigns: dict[int, Counts]) -> dict[int, str]:
    found = sa.select(Campaign.id, Campaign.name).where(Campaign.id.in_(campaigns))
    return {number: name for number, name in session.execute(found)}  # noqa: C416 - a Row is not a pair to mypy
