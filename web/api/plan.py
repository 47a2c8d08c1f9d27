"""The plan: what is to sound at a receiver, in an area or anywhere on a day; and why, or why not, in any minute."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices import areas, receivers
from devices.receivers import Receiver
from loa.errors import NotFound, ScheduleError
from loa.times import Instant, local
from loa.tokens import Scope
from scheduler import context, day_plan, days, explaining
from scheduler.channel import Fate
from scheduler.day_plan import Hindrance, Line
from scheduler.explaining import Account, Answer, Verdict
from scheduler.level_views import View
from scheduler.telling import Reason
from web import current, plan_places
from web.api import paging
from web.api.paging import Listed
from web.api.routes import Route
from web.api.wire import Id, Moment, Page, ReceiverId, Strict, Told, instant, moment


class PlanQuery(Listed, frozen=True):
    """Which day, and where; a receiver goes before an area."""

    day: date | None = None
    """Today where none is named."""
    receiver_id: ReceiverId = ""
    area_id: Id | None = None
    """With all below it."""


class HindranceItem(Told, frozen=True):
    """What another does to it at so many receivers."""

    fate: Fate
    title: str | None
    """Of the other."""
    late_ms: int
    receivers: int


class PlanItem(Told, frozen=True):
    """One sound at the receivers asked about."""

    at: Moment
    ms: int
    """0 while nobody knows how long it is."""
    title: str
    priority: Priority
    bulletin_id: Id
    source: str
    """schedule, programme, campaign or alert; and its number."""
    source_id: Id
    broadcast_id: int | None
    """Null beyond what is planned."""
    receivers: int
    heard: bool
    """Whether it is to sound, as things stand; once it is over, whether it may have."""
    code: str | None
    """Why it is heard nowhere, as a word and as a sentence."""
    why_not: str | None
    hindrances: list[HindranceItem]


class WhyQuery(Strict, frozen=True):
    """Which receiver, and which minute of the past or the future."""

    receiver_id: Annotated[str, Meta(min_length=1, max_length=32)]
    at: Moment


class ReasonItem(Told, frozen=True):
    """One link of the chain."""

    message: str
    about: str | None
    """What it is about: broadcast, bulletin, schedule, programme, campaign, alert, regulation, days."""
    about_id: int | None


class AccountItem(Told, frozen=True):
    """What is to be said of one sound."""

    title: str
    at: Moment
    verdict: Verdict
    broadcast_id: int | None
    reasons: list[ReasonItem]


class WhyItem(Told, frozen=True):
    """Why a receiver sounds, or is silent, in a minute."""

    receiver_id: str
    receiver_name: str
    at: Moment
    past: bool
    accounts: list[AccountItem]
    """What sounds first, then what nobody knows of, then what does not sound."""
    circumstances: list[ReasonItem]


# -- a day ----------------------------------------------------------------------------------------


def listing(session: Session, query: PlanQuery) -> Page[PlanItem]:
    zone, day = current.zone(), query.day or local(current.now(), current.zone()).date()
    _demand_near(day, "day")
    since, until = days.first_of(day, zone), days.first_of(day + timedelta(days=1), zone)
    found = context.read(session, plan_places.rules())
    ids = _receivers(session, query)
    lines = day_plan.lines(session, found, ids, since, until, current.now())
    key = paging.after(query, tuple[int, str])
    shown = [each for each in lines if key is None or _key(each) > key]
    return paging.page(shown, query, _item, _key)


def _key(line: Line) -> tuple[int, str]:
    return line.sound.starts_at, line.sound.name


def _demand_near(day: date, field: str) -> None:
    """Raise ScheduleError for a day farther away than the pages show."""
    today = local(current.now(), current.zone()).date()
    if abs((day - today).days) > plan_places.MOST_DAYS:
        raise ScheduleError(
            f"Chỉ xem được trong vòng {plan_places.MOST_DAYS} ngày trước và sau hôm nay.", field=field
        )  # fmt: skip


def _receivers(session: Session, query: PlanQuery) -> list[str]:
    """Of what the reader may see: the one named, or those in service there."""
    view = View(session, current.staff())
    if query.receiver_id:
        return [_receiver(session, query.receiver_id).id]
    standing = sa.select(Receiver.id).where(receivers.in_service(), view.receivers())
    if query.area_id is not None:
        inside = areas.with_descendants(session, [query.area_id])
        standing = standing.where(Receiver.area_id.in_(inside))
    return list(session.scalars(standing.order_by(Receiver.id)))


def _receiver(session: Session, receiver_id: str) -> Receiver:
    found = session.get(Receiver, receiver_id)
    if found is None or not View(session, current.staff()).shows_receiver(receiver_id):
        raise NotFound(
            f"Không có đầu thu “{receiver_id}” trong địa bàn của bạn.", field="receiver_id"
        )
    return found


def _item(line: Line) -> PlanItem:
    sound, why = line.sound, line.why_not
    return PlanItem(
        at=moment(sound.starts_at), ms=sound.ms, title=sound.title, priority=sound.priority,
        bulletin_id=sound.bulletin_id, source=sound.column.removesuffix("_id"), source_id=sound.source_id,
        broadcast_id=sound.broadcast_id, receivers=line.receivers, heard=line.is_heard,
        code=why.code if why else None, why_not=why.sentence if why else None,
        hindrances=[_hindrance(each) for each in line.hindrances],
    )  # fmt: skip


def _hindrance(found: Hindrance) -> HindranceItem:
    return HindranceItem(
        fate=found.fate, title=found.by.title if found.by else None, late_ms=found.late_ms,
        receivers=found.receivers,
    )  # fmt: skip


# -- a minute -------------------------------------------------------------------------------------


def why(session: Session, query: WhyQuery) -> WhyItem:
    asked = instant(query.at)
    _demand_near(local(asked, current.zone()).date(), "at")
    receiver = _receiver(session, query.receiver_id)
    return _why(explaining.at(session, receiver.id, asked, current.now(), plan_places.rules()))


def _why(answer: Answer) -> WhyItem:
    return WhyItem(
        receiver_id=answer.receiver_id, receiver_name=answer.receiver_name, at=moment(Instant(answer.moment)),
        past=answer.is_past, accounts=[_account(each) for each in answer.accounts],
        circumstances=[_reason(each) for each in answer.circumstances],
    )  # fmt: skip


def _account(account: Account) -> AccountItem:
    sound = account.sound
    return AccountItem(
        title=sound.title, at=moment(sound.starts_at), verdict=account.verdict, broadcast_id=sound.broadcast_id,
        reasons=[_reason(each) for each in account.reasons],
    )  # fmt: skip


def _reason(reason: Reason) -> ReasonItem:
    about = reason.about
    return ReasonItem(
        message=reason.sentence,
        about=about.kind if about else None,
        about_id=about.id if about else None,
    )


READ = Scope.BROADCASTS_READ
ROUTES = (
    Route("GET", "/plan", listing, "What is to sound on a day, and what becomes of each among the others.", READ),
    Route("GET", "/why", why, "Why a receiver sounds, or is silent, in a minute.", READ),
)  # fmt: skip
