"""Forecast: where a campaign will be at its end by what is now known, and what would meet a target it misses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from loa.times import MINUTE, Instant, local
from scheduler import (
    campaign_book,
    campaign_counts,
    campaign_plan,
    campaign_remedies,
    context,
    reach,
)
from scheduler.campaign_book import number_of
from scheduler.campaign_counts import Tally
from scheduler.campaign_plan import Plan
from scheduler.campaign_tables import Aim, Campaign
from scheduler.context import Context
from scheduler.sources import Rules


class Line(NamedTuple):
    """A receiver of the campaign. All in plays, or in milliseconds where the target is minutes."""

    receiver_id: str
    goal: int
    """0 where it is not among those that are to reach the households."""
    tally: Tally
    done: int
    held: int
    planned: int
    """Beyond what are broadcasts already."""

    @property
    def short(self) -> int:
        """What there will be no room for."""
        return max(0, self.goal - self.held - self.planned)


class Group(NamedTuple):
    """Receivers with the same plan."""

    receiver_ids: tuple[str, ...]
    per_day: Mapping[date, int]


class Moment(NamedTuple):
    """A planned play."""

    starts_at: Instant
    title: str
    receivers: int


@dataclass(frozen=True)
class Forecast:
    """What is known of a campaign, and what follows from it."""

    lines: Sequence[Line]
    groups: Sequence[Group]
    moments: Sequence[Moment]
    share: reach.Share
    """Households that will have heard it often enough."""
    households: Mapping[str, int]
    """Receiver → households it covers."""
    remedies: Sequence[str]
    crowded_by: Sequence[str] = ()
    """Names of campaigns that take minutes where this one is short."""

    @property
    def goal(self) -> int:
        return sum(line.goal for line in self.lines)

    @property
    def short(self) -> int:
        return sum(line.short for line in self.lines)

    @property
    def done(self) -> int:
        """What counts towards the target and is confirmed."""
        return sum(min(line.goal, line.done) for line in self.lines)

    @property
    def tally(self) -> Tally:
        return campaign_counts.all_in(line.tally for line in self.lines)


def forecast(
    session: Session,
    campaign: Campaign,
    now: Instant,
    rules: Rules,
    found: Context | None = None,
) -> Forecast:
    """Of a stored campaign, or of one that is only drawn up (``campaigns.draft``)."""
    found = found or context.read(session, rules)
    plan = campaign_plan.with_draft(found, campaign)
    told = campaign_counts.tallies(session, number_of(campaign), now)
    lines = _lines(campaign, found, plan, told)
    is_short = campaign_book.is_asking(campaign) and _misses(campaign, lines, found)
    return Forecast(
        lines=lines,
        groups=_groups(plan, number_of(campaign)),
        moments=_moments(plan, campaign),
        share=_share(campaign, lines, found),
        households=households(campaign, found),
        remedies=campaign_remedies.sentences(campaign, found, plan, _least(campaign, lines))
        if is_short
        else (),
        crowded_by=campaign_remedies.crowding(plan, campaign, found) if is_short else (),
    )


def households(campaign: Campaign, found: Context) -> dict[str, int]:
    """Receiver → households it covers."""
    fleet = found.fleet
    return {each: fleet.receivers[each].households for each in fleet.resolve(campaign.where)}


def _lines(campaign: Campaign, found: Context, plan: Plan, told: Mapping[str, Tally]) -> list[Line]:
    in_ms = campaign.target.aim is Aim.MINUTES
    whole = sum(goal for _, _, goal in campaign.spans) * (MINUTE if in_ms else 1)
    planned = _planned(plan, number_of(campaign), in_ms)
    chosen = plan.chosen.get(number_of(campaign))
    ms = max((each.ms for each in campaign_book.sounds(campaign, found)), default=0)
    lines = []
    for receiver_id in sorted(found.fleet.resolve(campaign.where)):
        tally = told.get(receiver_id, Tally())
        done = tally.played_ms if in_ms else tally.played
        held = tally.played_ms + (tally.unknown + tally.ahead) * ms if in_ms else tally.held
        is_meant = chosen is None or receiver_id in chosen or held >= whole
        planned_here = planned.get(receiver_id, 0)
        lines.append(Line(receiver_id, whole if is_meant else 0, tally, done, held, planned_here))
    return lines


def _planned(plan: Plan, number: int, in_ms: bool) -> dict[str, int]:
    """Receiver → what is newly planned there."""
    found: dict[str, int] = {}
    for share in plan.shares:
        mine = [play for play in share.plays if play.key == number]
        for receiver_id in share.receiver_ids:
            found[receiver_id] = sum(play.ms for play in mine) if in_ms else len(mine)
    return found


def _misses(campaign: Campaign, lines: Sequence[Line], found: Context) -> bool:
    if campaign.target.aim is Aim.REACH:
        return not _share(campaign, lines, found).meets(campaign.target.number)
    if campaign.target.aim is Aim.MINUTES:
        # Less than one more message is no shortage: a target is never exceeded.
        sounds = campaign_book.sounds(campaign, found)
        return any(line.short >= min((s.ms for s in sounds), default=1) for line in lines)
    return any(line.short for line in lines)


def _share(campaign: Campaign, lines: Sequence[Line], found: Context) -> reach.Share:
    times = campaign.target.times if campaign.target.aim is Aim.REACH else 1
    in_ms = campaign.target.aim is Aim.MINUTES
    plays = {
        line.receiver_id: line.tally.held + (line.planned > 0 if in_ms else line.planned)
        for line in lines
    }
    return reach.share(households(campaign, found), plays, times)


def _least(campaign: Campaign, lines: Sequence[Line]) -> int:
    """What every receiver reaches: plays, or whole minutes."""
    unit = MINUTE if campaign.target.aim is Aim.MINUTES else 1
    return min((line.held + line.planned) // unit for line in lines)


def _groups(plan: Plan, number: int) -> list[Group]:
    """Receivers by what they are to play each day, the largest group first."""
    alike: dict[tuple[tuple[date, int], ...], list[str]] = {}
    for share in plan.shares:
        counted = Counter(play.day for play in share.plays if play.key == number)
        alike.setdefault(tuple(sorted(counted.items())), []).extend(share.receiver_ids)
    groups = [Group(tuple(sorted(ids)), dict(days)) for days, ids in alike.items() if days]
    return sorted(groups, key=lambda group: (-len(group.receiver_ids), group.receiver_ids))


def _moments(plan: Plan, campaign: Campaign) -> list[Moment]:
    messages = campaign_book.numbered(campaign)
    counted: Counter[tuple[Instant, int]] = Counter()
    for share in plan.shares:
        for play in share.plays:
            if play.key == number_of(campaign):
                counted[play.starts_at, play.sound] += len(share.receiver_ids)
    return [
        Moment(starts_at, messages[sound].bulletin.title, number)
        for (starts_at, sound), number in sorted(counted.items())
        if sound in messages
    ]


# -- what has become of it ------------------------------------------------------------------------


def curve(
    session: Session, campaign: Campaign, found: Context, now: Instant
) -> list[tuple[date, reach.Share]]:
    """Households reached by the end of each of its days so far, by confirmed plays alone."""
    zone = found.rules.zone
    last = min(campaign.end_date, local(now, zone).date())
    number = (last - campaign.start_date).days + 1
    days = [campaign.start_date + timedelta(days=offset) for offset in range(max(0, number))]
    heard = campaign_counts.plays(session, campaign.id)
    by_day = ((local(each.starts_at, zone).date(), each.receiver_id) for each in heard)
    times = campaign.target.times if campaign.target.aim is Aim.REACH else 1
    return list(
        zip(days, reach.curve(households(campaign, found), by_day, times, days), strict=True)
    )
