"""Campaign (chiến dịch): approved bulletins to be heard so many times at every receiver, spread over its days.

What it wants is worked out in scheduler.campaign_plan; here staff make, change, pause and end it, and what is ahead
is thought over every night, and whenever something it depends on has changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Priority
from loa import audit
from loa.errors import ScheduleError
from loa.staff import May, Staff
from loa.times import DAY, MINUTE, Instant, local
from loa.words import say
from scheduler import (
    admission,
    campaign_book,
    campaign_causes,
    campaign_counts,
    campaign_plan,
    context,
    levels,
)
from scheduler.admission import Asked
from scheduler.campaign_causes import Causes
from scheduler.campaign_orders import Line, Order, checked
from scheduler.campaign_plan import wanted
from scheduler.campaign_tables import Aim, Campaign, Message, Per, Target, get, listing
from scheduler.sources import Kind, Rules, WhyNot

__all__ = [
    "KIND", "Aim", "Campaign", "Line", "Message", "Order", "Per", "Target", "add", "change", "draft", "end", "get",
    "is_over", "listing", "pause", "resume", "rethink", "unplanned", "wanted",
]  # fmt: skip

KIND = Kind("campaign_id", WhyNot("campaign_ended", say("Chiến dịch đã kết thúc.")))
QUIET_CLOCK = time(2, 30)
"""When what is ahead is thought over every night: after what sounded last, before what sounds first."""
SETTLING = 5 * MINUTE
"""Plays found lost one after another are answered together."""
LOOKED_BACK = 3 * DAY
"""A play found lost later than that is made up for in the next night."""


def unplanned(session: Session, until: Instant) -> Sequence[Campaign]:
    """Campaigns that want more, or something else, before ``until``."""
    found = sa.select(Campaign).where(Campaign.planned_until < until)
    return list(session.scalars(found.order_by(Campaign.id)))


def is_over(source: Campaign, until: Instant, zone: ZoneInfo) -> bool:
    """Whether nothing of it comes at ``until`` or later."""
    return source.end_date < local(until, zone).date()


# -- thinking again -------------------------------------------------------------------------------


def rethink(session: Session, now: Instant, rules: Rules, looked: int | None = None) -> int:
    """Have the planner plan anew what is ahead: every night, after plays were lost, and after acts that matter.

    Returns a hash of all that was looked at for lost plays; given again as ``looked``, it spares that look as long as
    nothing of it is another.
    """
    today = local(now, rules.zone).date()
    running = sa.select(Campaign).where(
        Campaign.ended_at.is_(None), Campaign.paused_at.is_(None), Campaign.end_date >= today
    )
    found = session.scalars(running.order_by(Campaign.id)).all()
    seen = min((each.seen for each in found), default=0)
    causes = campaign_causes.since(session, seen) if found else Causes()
    due = [each for each in found if _is_night(each, now, rules.zone) or causes.matter_to(each)]
    for campaign in found:
        campaign.seen = max(campaign.seen, causes.last)
    settled = [each for each in found if each not in due and _is_settled(each, now)]
    mark = hash((campaign_counts.mark(session), *(each.id for each in settled))) if settled else 0
    if settled and mark != looked:
        due += _losing(session, settled)
    if due:
        _rethink(session, due, now)
    return mark


def _rethink(session: Session, due: Sequence[Campaign], now: Instant) -> None:
    for campaign in due:
        campaign.planned_until = campaign.rethought_at = now
    session.flush()
    seen = audit.checkpoint(session)[0]
    lost = campaign_counts.lost(session, [each.id for each in due], LOOKED_BACK)
    for campaign in due:
        campaign.seen, campaign.lost = seen, lost.get(campaign.id, 0)


def _is_night(campaign: Campaign, now: Instant, zone: ZoneInfo) -> bool:
    moment, before = local(now, zone), local(campaign.rethought_at, zone)
    night = moment.date() if moment.time() >= QUIET_CLOCK else moment.date() - timedelta(days=1)
    return (before.date(), before.time()) < (night, QUIET_CLOCK)


def _is_settled(campaign: Campaign, now: Instant) -> bool:
    return not 0 <= now - campaign.rethought_at < SETTLING


def _losing(session: Session, settled: Sequence[Campaign]) -> list[Campaign]:
    """Those that have lost plays since they were last thought over."""
    lost = campaign_counts.lost(session, [each.id for each in settled], LOOKED_BACK)
    return [each for each in settled if lost.get(each.id, 0) > each.lost]


# -- what staff do --------------------------------------------------------------------------------


def add(
    session: Session, order: Order, staff: Staff, now: Instant, zone: ZoneInfo, waived_why: str = ""
) -> Campaign:
    """A new campaign. Raises ScheduleError naming the field or the rule it breaks.

    ``waived_why``: an officer's reason for what the regulation lets through only with one.
    """
    staff.demand(May.SCHEDULE)
    levels.demand_within(session, staff, order.where)
    campaign = draft(session, order, staff, now, zone)
    waived = _admit(session, campaign, now, zone, waived_why)
    session.add(campaign)
    session.flush()
    _note(session, "campaign.add", campaign, staff, now)
    admission.note(session, staff, waived, waived_why, now, campaign=campaign.id)
    return campaign


def change(
    session: Session, campaign: Campaign, order: Order, staff: Staff, now: Instant, zone: ZoneInfo,
    waived_why: str = "",
) -> None:  # fmt: skip
    """The same campaign as ``order`` now has it; what it has played stays counted. Raises ScheduleError."""
    staff.demand(May.SCHEDULE)
    _demand_running(campaign)
    levels.demand_over(session, staff, campaign.staff.area_id)
    levels.demand_within(session, staff, order.where)
    order = checked(session, order, local(now, zone).date(), campaign)
    _set(session, campaign, order)
    _think_again(campaign, now)
    session.flush()
    waived = _admit(session, campaign, now, zone, waived_why)
    _note(session, "campaign.change", campaign, staff, now)
    admission.note(session, staff, waived, waived_why, now, campaign=campaign.id)


def draft(
    session: Session,
    order: Order,
    staff: Staff,
    now: Instant,
    zone: ZoneInfo,
    known: Campaign | None = None,
) -> Campaign:
    """The campaign as it would be, or as ``known`` would become, not stored. Raises ScheduleError."""
    order = checked(session, order, local(now, zone).date(), known)
    campaign = Campaign(
        uid=secrets.token_hex(6), staff_id=staff.id, created_at=now, planned_until=now,
        rethought_at=now, seen=audit.checkpoint(session)[0], lost=0, messages=[], ended_at=None, paused_at=None,
    )  # fmt: skip
    if known is not None:
        campaign.id = known.id
        campaign.messages = [
            Message(id=each.id, bulletin_id=each.bulletin_id, bulletin=each.bulletin)
            for each in known.messages
        ]
    _set(session, campaign, order)
    return campaign


def pause(session: Session, campaign: Campaign, staff: Staff, now: Instant) -> None:
    """Nothing of it sounds until it is resumed; what sounds goes on."""
    staff.demand(May.SCHEDULE)
    _demand_running(campaign)
    levels.demand_over(session, staff, campaign.staff.area_id)
    if campaign.paused_at is None:
        campaign.paused_at = now
        _think_again(campaign, now)
        audit.append(session, now, staff.login, "campaign.pause", campaign=campaign.id)


def resume(session: Session, campaign: Campaign, staff: Staff, now: Instant) -> None:
    """Go on: what is left is spread over the days left."""
    staff.demand(May.SCHEDULE)
    _demand_running(campaign)
    levels.demand_over(session, staff, campaign.staff.area_id)
    if campaign.paused_at is not None:
        campaign.paused_at = None
        _think_again(campaign, now)
        audit.append(session, now, staff.login, "campaign.resume", campaign=campaign.id)


def end(session: Session, campaign: Campaign, staff: Staff, now: Instant) -> None:
    """For good: broadcasts not yet begun are cancelled by the planner; what sounds goes on."""
    staff.demand(May.SCHEDULE)
    levels.demand_over(session, staff, campaign.staff.area_id)
    if campaign.ended_at is None:
        campaign.ended_at = now
        _think_again(campaign, now)
        audit.append(session, now, staff.login, "campaign.end", campaign=campaign.id)


def _think_again(campaign: Campaign, now: Instant) -> None:
    campaign.planned_until = campaign.rethought_at = now


def _demand_running(campaign: Campaign) -> None:
    if campaign.ended_at is not None:
        raise ScheduleError(say("Chiến dịch này đã kết thúc. Hãy tạo chiến dịch mới."))


def _note(session: Session, kind: str, campaign: Campaign, staff: Staff, now: Instant) -> None:
    target = campaign.target
    audit.append(
        session, now, staff.login, kind, campaign=campaign.id, name=campaign.name,
        start=str(campaign.start_date), end=str(campaign.end_date), weight=campaign.weight,
        target=[target.aim, target.number, target.per, target.times],
        bulletins=[[each.bulletin_id, each.weight] for each in campaign.messages],
    )  # fmt: skip


def _set(session: Session, campaign: Campaign, order: Order) -> None:
    campaign.name, campaign.basis = order.name, order.basis
    campaign.start_date, campaign.end_date = order.start_date, order.end_date
    campaign.where, campaign.target, campaign.weight = order.where, order.target, order.weight
    # A message that stays is the same row: its plays are counted by it.
    known = {each.bulletin_id: each for each in campaign.messages}
    campaign.messages = [
        _message(session, known.get(line.bulletin_id), line) for line in order.lines
    ]


def _message(session: Session, message: Message | None, line: Line) -> Message:
    bulletin = bulletins.get(session, line.bulletin_id)
    message = message or Message(bulletin_id=bulletin.id, bulletin=bulletin)
    message.weight, message.apart_ms = line.weight, line.apart_ms
    message.start_date, message.end_date = line.start_date, line.end_date
    return message


def _admit(
    session: Session, campaign: Campaign, now: Instant, zone: ZoneInfo, waived_why: str
) -> list[str]:
    """Its minutes are those the regulation leaves; the one gate says so again for each."""
    found = context.read(session, Rules(zone=zone, horizon=0, late=0))
    plan = campaign_plan.with_draft(found, campaign)
    moments = {
        play.starts_at
        for share in plan.shares
        for play in share.plays
        if play.key == campaign_book.number_of(campaign)
    }
    ms = max((each.ms for each in campaign_book.sounds(campaign, found)), default=0)
    asked = Asked(
        title=campaign.name, priority=Priority.NORMAL, where=campaign.where, moments=sorted(moments),
        ms=ms, kind="campaign",
    )  # fmt: skip
    return admission.demand(session, asked, now, zone, waived_why)
