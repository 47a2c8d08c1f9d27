"""Campaigns as they are sent and told."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from scheduler.campaign_orders import MOST_MESSAGES
from scheduler.campaigns import Aim, Per
from web.api.paging import Listed
from web.api.refusals import Error
from web.api.schedule_types import Where
from web.api.wire import Id, Moment, Person, Strict, Told

CampaignState = Literal["coming", "running", "paused", "over", "ended"]
"""``over``: its days are; ``ended``: somebody ended it."""


class CampaignQuery(Listed, frozen=True):
    """Which campaigns, the last made first."""

    ended: bool | None = None
    """Whether somebody has ended it."""


class SentTarget(Strict, frozen=True, kw_only=True):
    """What a campaign is to reach."""

    aim: Aim = Aim.PLAYS
    """plays or minutes at each receiver; or reach, households in all."""
    number: Annotated[int, Meta(ge=1, le=10_000)]
    """Plays or minutes per receiver and `per`; of `reach` the per cent of households."""
    per: Per = Per.TOTAL
    times: Annotated[int, Meta(ge=1, le=1_000)] = 1
    """Of `reach`: a household counts once its receiver has played it so often."""


class SentLine(Strict, frozen=True):
    """An approved bulletin of a campaign."""

    bulletin_id: Id
    weight: Annotated[int, Meta(ge=1, le=100)] = 1
    start_date: date | None = None
    end_date: date | None = None
    apart_hours: Annotated[int, Meta(ge=0, le=720)] = 0
    """Not twice at one receiver within so long."""


class NewCampaign(Where, frozen=True, kw_only=True):
    """Bulletins to be heard so many times, spread over some days by the station."""

    name: Annotated[str, Meta(max_length=200)]
    basis: Annotated[str, Meta(max_length=2000)] = ""
    """Legal basis."""
    start_date: date
    end_date: date
    target: SentTarget
    weight: Annotated[int, Meta(ge=1, le=100)] = 1
    """Its share of the minutes that several campaigns compete for."""
    lines: Annotated[tuple[SentLine, ...], Meta(max_length=MOST_MESSAGES)]


class TargetItem(Told, frozen=True):
    """What a campaign is to reach."""

    aim: Aim
    number: int
    per: Per
    times: int


class LineItem(Told, frozen=True):
    """A bulletin of a campaign."""

    bulletin_id: Id
    title: str
    weight: int
    start_date: date | None
    end_date: date | None
    apart_hours: int


class CampaignItem(Told, frozen=True):
    """What is to be heard how often, and where."""

    id: Id
    name: str
    basis: str
    state: CampaignState
    start_date: date
    end_date: date
    target: TargetItem
    weight: int
    lines: list[LineItem]
    area_ids: list[int]
    group_ids: list[int]
    except_ids: list[str]
    by: Person
    created_at: Moment
    paused_at: Moment | None
    ended_at: Moment | None


class Households(Told, frozen=True):
    """Households reached of those that could be."""

    reached: int
    of: int
    uncounted: int
    """Receivers whose households nobody has entered."""


class PlannedPlay(Told, frozen=True):
    """A play that is planned beyond what are broadcasts already."""

    at: Moment
    title: str
    receivers: int


class CurvePoint(Told, frozen=True):
    """Households reached by the end of a day, by confirmed plays alone."""

    day: date
    households: Households


class Forecast(Told, frozen=True):
    """How far a campaign has come and where it will be at its end; what nobody confirmed is never counted as done."""

    unit: Literal["plays", "ms"]
    """Of the figures below."""
    goal: int
    done: int
    """What counts towards the goal and is confirmed."""
    short: int
    """What there will be no room for."""
    played: int
    """Plays, confirmed."""
    unknown: int
    """Plays whose time is over, and nobody knows what became of them."""
    ahead: int
    lost: int
    households: Households
    """That will have heard it often enough."""
    remedies: list[str]
    """What would meet a target it misses."""
    crowded_by: list[str]
    """Names of campaigns that take minutes where this one is short."""
    plays: list[PlannedPlay]
    """The first thousand of those planned."""
    curve: list[CurvePoint]
    """Its days so far; none of a preview."""


class CampaignReceiver(Told, frozen=True):
    """How a campaign stands at one receiver, in the unit of its forecast."""

    receiver_id: str
    receiver_name: str
    goal: int
    """0 where it is not among those that are to reach the households."""
    done: int
    planned: int
    short: int
    played: int
    unknown: int
    ahead: int
    lost: int


class CampaignPreview(Told, frozen=True):
    """What would come of it. Nothing was stored."""

    refusal: Error | None
    """Why it would be refused, as the call that stores it would say; null where it would not."""
    forecast: Forecast | None
