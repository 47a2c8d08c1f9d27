"""The list of campaigns: which are asked for, in what order, and how far each has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import request
from sqlalchemy.orm import Session
from wtforms import SelectField, StringField

from loa import searching
from loa.times import MINUTE, local
from loa.words import say
from scheduler import campaign_forecast, campaigns, context, targets
from scheduler.campaign_forecast import Forecast
from scheduler.campaigns import Campaign
from scheduler.context import Context
from scheduler.level_views import View
from scheduler.sources import Rules
from web import campaign_words as words
from web import current, labels, lists
from web.forms import Form, choices

PER_PAGE = 20
"""Each needs a forecast of its own."""
MOST = 5_000
STANDING, PAUSED, DONE, ALL = "", "tam-dung", "xong", "tat-ca"
STATES = {
    STANDING: say("chưa xong"),
    PAUSED: say("tạm dừng"),
    DONE: say("đã xong"),
    ALL: say("tất cả"),
}
ORDERS = {
    "": say("mới lập trước"),
    "ten": say("tên"),
    "bat-dau": say("ngày bắt đầu"),
    "ket-thuc": say("ngày kết thúc"),
}
HEAD = (
    say("Chiến dịch"),
    say("Tình trạng"),
    say("Từ ngày"),
    say("Đến hết ngày"),
    say("Chỉ tiêu"),
    say("Nơi phát"),
    say("Đã đạt (%)"),
    say("Đã xác nhận"),
    say("Dự báo"),
    say("Người lập"),
)


class CampaignsForm(Form):
    """The filter; its answers stand in the address."""

    search = StringField(say("Tìm chiến dịch theo tên"), name="tim")
    state = SelectField(say("Tình trạng"), name="tinh_trang", choices=choices(STATES.items()))
    order = SelectField(say("Sắp xếp theo"), name="xep", choices=choices(ORDERS.items()))

    @property
    def is_empty(self) -> bool:
        return not (self.search.data or self.state.data)


@dataclass(frozen=True)
class Entry:
    """A campaign in the list."""

    campaign: Campaign
    forecast: Forecast
    elapsed: int
    """Per cent of its time."""
    places: str

    @property
    def reached(self) -> words.Bar:
        return words.bar(self.campaign.target, self.forecast)

    @property
    def state(self) -> tuple[str, str]:
        return words.state(self.campaign, today())

    @property
    def outcome(self) -> tuple[str, str] | None:
        """What will come of it, and the tone to say it in; None where nothing more comes."""
        if self.campaign.paused_at or words.is_done(self.campaign, today()):
            return None
        return words.outcome(self.campaign, self.forecast)


@dataclass(frozen=True)
class Page:
    entries: list[Entry]
    slice: lists.Slice
    done: int
    """How many there are in all of which nothing more comes."""
    known: int
    """How many there are in all."""


def form() -> CampaignsForm:
    """What was asked."""
    return CampaignsForm(request.args, data={"search": "", "state": STANDING, "order": ""})


def page(session: Session, asked: CampaignsForm) -> Page:
    """The page of it that this request asks for."""
    known = _known(session)
    found = _sorted(_matching(known, asked), asked.order.data or "")
    part = lists.slice_of(len(found), PER_PAGE)
    read = context.read(session, rules())
    entries = [entry(session, each, read) for each in part.of(found)]
    done = sum(words.is_done(each, today()) for each in known)
    return Page(entries, part, done, len(known))


def rows(session: Session, asked: CampaignsForm) -> Iterator[tuple[Any, ...]]:
    """All of them as a table in Vietnamese, its head first."""
    yield HEAD
    read = context.read(session, rules())
    for each in _sorted(_matching(_known(session), asked), asked.order.data or ""):
        yield _row(entry(session, each, read))


def entry(session: Session, campaign: Campaign, read: Context) -> Entry:
    """With its forecast."""
    forecast = campaign_forecast.forecast(session, campaign, current.now(), rules(), read)
    passed = (today() - campaign.start_date).days
    elapsed = 100 * max(0, min(passed, campaign.days)) // campaign.days
    return Entry(campaign, forecast, elapsed, targets.words(session, campaign.where))


def rules() -> Rules:
    return Rules(zone=current.zone(), horizon=0, late=MINUTE)


def today() -> date:
    return local(current.now(), current.zone()).date()


def _known(session: Session) -> list[Campaign]:
    """Those its reader may see."""
    return list(View(session, current.staff()).sources(campaigns.listing(session, MOST)))


def _matching(known: Sequence[Campaign], asked: CampaignsForm) -> list[Campaign]:
    search = asked.search.data or ""
    return [
        each
        for each in known
        if _is_of(each, asked.state.data or STANDING)
        and searching.holds(searching.key(each.name, each.basis or ""), search)
    ]


def _is_of(campaign: Campaign, state: str) -> bool:
    is_done = words.is_done(campaign, today())
    if state == PAUSED:
        return campaign.paused_at is not None and not is_done
    return state == ALL or is_done == (state == DONE)


def _sorted(found: list[Campaign], order: str) -> list[Campaign]:
    if order == "ten":
        return sorted(found, key=lambda each: lists.by_letters(each.name))
    if order == "bat-dau":
        return sorted(found, key=lambda each: each.start_date)
    if order == "ket-thuc":
        return sorted(found, key=lambda each: each.end_date)
    return found


def _row(each: Entry) -> tuple[Any, ...]:
    campaign, outcome = each.campaign, each.outcome
    told = (
        campaign.name, each.state[0], labels.short_date(campaign.start_date), labels.short_date(campaign.end_date),
        words.target(campaign.target), each.places, each.reached.per_cent, each.reached.said,
        outcome[0] if outcome else "", campaign.staff.name,
    )  # fmt: skip
    return tuple(str(value) for value in told)
