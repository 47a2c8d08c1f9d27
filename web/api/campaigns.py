"""Campaigns: made, looked at with what will come of them, changed, paused and ended."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.errors import LoaError
from loa.staff import Staff
from loa.times import MINUTE, Instant
from loa.tokens import Scope
from scheduler import campaign_forecast, campaigns, context, levels
from scheduler.campaigns import Campaign
from scheduler.level_views import View
from scheduler.retention import reading
from scheduler.sources import Rules
from web import archived, current
from web.api import campaign_words, paging, refusals
from web.api.campaign_types import (
    CampaignItem,
    CampaignPreview,
    CampaignQuery,
    CampaignReceiver,
    Forecast,
    NewCampaign,
)
from web.api.paging import Listed
from web.api.routes import Route
from web.api.wire import Page, named_in


def listing(session: Session, query: CampaignQuery) -> Page[CampaignItem]:
    found = sa.select(Campaign)
    if query.ended is not None:
        found = found.where(Campaign.ended_at.is_not(None) == query.ended)
    rows = paging.sources(session, query, found, Campaign.id)
    return paging.page(rows, query, campaign_words.item, lambda each: each.id)


def show(session: Session, campaign_id: int) -> CampaignItem:
    return campaign_words.item(campaigns.get(session, campaign_id))


def forecast(session: Session, campaign_id: int) -> Forecast:
    """By confirmed plays alone, and by what is now known of the days left."""
    with archived.also(session, *reading.campaign_span(session, campaign_id)) as whole:
        campaign, known = campaigns.get(whole, campaign_id), context.read(whole, _rules())
        found = campaign_forecast.forecast(whole, campaign, current.now(), _rules(), known)
        curve = campaign_forecast.curve(whole, campaign, known, current.now())
        return campaign_words.forecast(campaign, found, curve)


def receivers(session: Session, campaign_id: int, query: Listed) -> Page[CampaignReceiver]:
    with archived.also(session, *reading.campaign_span(session, campaign_id)) as whole:
        campaign, known = campaigns.get(whole, campaign_id), context.read(whole, _rules())
        found = campaign_forecast.forecast(whole, campaign, current.now(), _rules(), known)
    inside, begin = View(session, current.staff()).inside, paging.after(query, str) or ""
    fleet = known.fleet.receivers
    lines = [
        each for each in found.lines
        if each.receiver_id > begin and (inside is None or fleet[each.receiver_id].area_id in inside)
    ]  # fmt: skip
    return paging.page(
        lines, query, lambda each: campaign_words.receiver(each, fleet[each.receiver_id].name),
        lambda each: each.receiver_id,
    )  # fmt: skip


def create(session: Session, body: NewCampaign) -> CampaignItem:
    order = campaign_words.order(session, body)
    with named_in("group_ids"):
        made = campaigns.add(
            session, order, current.staff(), current.now(), current.zone(), body.waived_why
        )
    session.refresh(made)
    return campaign_words.item(made)


def change(session: Session, campaign_id: int, body: NewCampaign) -> CampaignItem:
    """What it has played stays counted."""
    campaign, order = campaigns.get(session, campaign_id), campaign_words.order(session, body)
    with named_in("group_ids"):
        campaigns.change(
            session, campaign, order, current.staff(), current.now(), current.zone(), body.waived_why
        )  # fmt: skip
    return campaign_words.item(campaign)


def preview(session: Session, body: NewCampaign) -> CampaignPreview:
    return _look(session, body, None)


def preview_change(session: Session, campaign_id: int, body: NewCampaign) -> CampaignPreview:
    return _look(session, body, campaigns.get(session, campaign_id))


def _look(session: Session, body: NewCampaign, of: Campaign | None) -> CampaignPreview:
    staff, now, zone = current.staff(), current.now(), current.zone()
    order = campaign_words.order(session, body)
    try:
        with named_in("group_ids"):
            levels.demand_within(session, staff, order.where)
            sketch = campaigns.draft(session, order, staff, now, zone, of)
    except LoaError as error:
        return CampaignPreview(refusal=refusals.told(error), forecast=None)
    found = campaign_forecast.forecast(session, sketch, now, _rules())
    return CampaignPreview(refusal=None, forecast=campaign_words.forecast(sketch, found))


def pause(session: Session, campaign_id: int) -> CampaignItem:
    return _done(session, campaign_id, campaigns.pause)


def resume(session: Session, campaign_id: int) -> CampaignItem:
    return _done(session, campaign_id, campaigns.resume)


def end(session: Session, campaign_id: int) -> CampaignItem:
    return _done(session, campaign_id, campaigns.end)


def _done(
    session: Session, campaign_id: int, act: Callable[[Session, Campaign, Staff, Instant], None]
) -> CampaignItem:
    campaign = campaigns.get(session, campaign_id)
    act(session, campaign, current.staff(), current.now())
    return campaign_words.item(campaign)


def _rules() -> Rules:
    return Rules(zone=current.zone(), horizon=0, late=MINUTE)


READ, WRITE = Scope.CAMPAIGNS_READ, Scope.CAMPAIGNS_WRITE
ROUTES = (
    Route("GET", "/campaigns", listing, "Campaigns, the last made first.", READ),
    Route("POST", "/campaigns", create, "Make a campaign.", WRITE, 201),
    Route(
        "POST", "/campaigns/preview", preview, "What would come of a campaign. Nothing is stored.", WRITE, dry=True
    ),
    Route("GET", "/campaigns/<id:campaign_id>", show, "A campaign.", READ),
    Route(
        "GET", "/campaigns/<id:campaign_id>/forecast", forecast,
        "How far a campaign has come, and where it will be at its end.", READ,
    ),
    Route(
        "GET", "/campaigns/<id:campaign_id>/receivers", receivers, "The same, receiver by receiver.", READ
    ),
    Route(
        "POST", "/campaigns/<id:campaign_id>/change", change,
        "Change a campaign; what is left out is as in a new one.", WRITE,
    ),
    Route(
        "POST", "/campaigns/<id:campaign_id>/preview", preview_change, "What a change would come to.",
        WRITE, dry=True,
    ),
    Route("POST", "/campaigns/<id:campaign_id>/pause", pause, "Nothing of it sounds until it is resumed.", WRITE),
    Route("POST", "/campaigns/<id:campaign_id>/resume", resume, "Go on after a pause.", WRITE),
    Route("POST", "/campaigns/<id:campaign_id>/end", end, "End a campaign for good.", WRITE),
)  # fmt: skip
