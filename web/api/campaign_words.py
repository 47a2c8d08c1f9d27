"""Campaigns between what is sent, what is kept and what is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from content import bulletins
from loa.times import HOUR, local
from scheduler import campaign_forecast, reach
from scheduler.campaigns import Aim, Campaign, Line, Message, Order, Per, Target
from scheduler.targets import Where
from web import current
from web.api.campaign_types import (
    CampaignItem,
    CampaignReceiver,
    CampaignState,
    CurvePoint,
    Forecast,
    Households,
    LineItem,
    NewCampaign,
    PlannedPlay,
    SentLine,
    TargetItem,
)
from web.api.wire import moment, named_in, perhaps, person

MOST_PLAYS = 1_000


def order(session: Session, body: NewCampaign) -> Order:
    """What was sent, as the pages' form would have it. Raises NotFound naming the field."""
    for number, each in enumerate(body.lines):
        with named_in(f"lines[{number}].bulletin_id"):
            bulletins.get(session, each.bulletin_id)
    sent = body.target
    return Order(
        name=body.name, basis=body.basis, start_date=body.start_date, end_date=body.end_date,
        where=Where(body.area_ids, body.group_ids, body.except_ids), weight=body.weight,
        target=Target(
            aim=sent.aim, number=sent.number, times=sent.times,
            per=Per.TOTAL if sent.aim is Aim.REACH else sent.per,
        ),
        lines=tuple(_line(each) for each in body.lines),
    )  # fmt: skip


def _line(sent: SentLine) -> Line:
    return Line(
        bulletin_id=sent.bulletin_id, weight=sent.weight, start_date=sent.start_date,
        end_date=sent.end_date, apart_ms=sent.apart_hours * HOUR,
    )  # fmt: skip


# -- as it is told --------------------------------------------------------------------------------


def item(campaign: Campaign) -> CampaignItem:
    where, target = campaign.where, campaign.target
    return CampaignItem(
        id=campaign.id, name=campaign.name, basis=campaign.basis, state=state(campaign),
        start_date=campaign.start_date, end_date=campaign.end_date, weight=campaign.weight,
        target=TargetItem(aim=target.aim, number=target.number, per=target.per, times=target.times),
        lines=[_message(each) for each in campaign.messages], area_ids=sorted(where.area_ids),
        group_ids=sorted(where.group_ids), except_ids=sorted(where.except_ids), by=person(campaign.staff),
        created_at=moment(campaign.created_at), paused_at=perhaps(campaign.paused_at),
        ended_at=perhaps(campaign.ended_at),
    )  # fmt: skip


def state(campaign: Campaign) -> CampaignState:
    today = local(current.now(), current.zone()).date()
    if campaign.ended_at is not None:
        return "ended"
    if campaign.end_date < today:
        return "over"
    if campaign.paused_at is not None:
        return "paused"
    return "coming" if campaign.start_date > today else "running"


def _message(kept: Message) -> LineItem:
    return LineItem(
        bulletin_id=kept.bulletin_id, title=kept.bulletin.title, weight=kept.weight,
        start_date=kept.start_date, end_date=kept.end_date, apart_hours=kept.apart_ms // HOUR,
    )  # fmt: skip


def forecast(
    campaign: Campaign,
    found: campaign_forecast.Forecast,
    curve: Sequence[tuple[date, reach.Share]] = (),
) -> Forecast:
    tally = found.tally
    return Forecast(
        unit="ms" if campaign.target.aim is Aim.MINUTES else "plays",
        goal=found.goal, done=found.done, short=found.short, played=tally.played, unknown=tally.unknown,
        ahead=tally.ahead, lost=tally.lost, households=_households(found.share),
        remedies=list(found.remedies), crowded_by=list(found.crowded_by),
        plays=[
            PlannedPlay(at=moment(each.starts_at), title=each.title, receivers=each.receivers)
            for each in found.moments[:MOST_PLAYS]
        ],
        curve=[CurvePoint(day=day, households=_households(share)) for day, share in curve],
    )  # fmt: skip


def _households(share: reach.Share) -> Households:
    return Households(reached=share.reached, of=share.of, uncounted=share.uncounted)


def receiver(line: campaign_forecast.Line, name: str) -> CampaignReceiver:
    tally = line.tally
    return CampaignReceiver(
        receiver_id=line.receiver_id, receiver_name=name, goal=line.goal, done=line.done,
        planned=line.planned, short=line.short, played=tally.played, unknown=tally.unknown,
        ahead=tally.ahead, lost=tally.lost,
    )  # fmt: skip
