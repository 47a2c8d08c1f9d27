"""Remedies: what would meet the target of a campaign that finds too little room, as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from loa.times import MINUTE, SECOND
from loa.words import say
from scheduler import campaign_book, campaign_plan, windows
from scheduler.board import BETWEEN
from scheduler.campaign_book import number_of
from scheduler.campaign_plan import Plan, Share
from scheduler.campaign_tables import Aim, Campaign, Per
from scheduler.context import Context

LONGER = (1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90)
"""Days by which a campaign that finds no room is tried longer."""
SHORTEST = 5 * SECOND


def crowding(plan: Plan, campaign: Campaign, found: Context) -> list[str]:
    """Campaigns that play where this one is short."""
    number = number_of(campaign)
    short = [share for share in plan.shares if share.short_of(number)]
    keys = {play.key for share in short for play in share.plays} - {number}
    others = found.ask(campaign_plan.running)
    return sorted(each.name for each in others if each.id in keys)


def sentences(campaign: Campaign, found: Context, plan: Plan, least: int) -> list[str]:
    """What would meet the target, as sentences: first why it is missed, where nothing at all can be played."""
    if not campaign_book.sounds(campaign, found):
        return [say("Chưa có bản tin nào đã duyệt và có âm thanh: hãy thêm bản tin đã duyệt.")]
    short = [share for share in plan.shares if share.short_of(number_of(campaign))]
    rooms = [room for share in short for room in share.days]
    if not any(room.sessions for room in rooms):
        return [
            say(
                "Những ngày này không có khung giờ phát nào còn phút trống: hãy nhờ quản trị đặt khung giờ "
                "ở trang Quy chế, hoặc thêm phút dành cho chiến dịch vào một chương trình."
            )
        ]
    told = [
        _longer(campaign, found), _more_minutes(campaign, short), _shorter(campaign, found, short),
        _less(campaign, least),
    ]  # fmt: skip
    return [each for each in told if each]


def _longer(campaign: Campaign, found: Context) -> str:
    """Tried, not reckoned: planned anew with a later end."""
    if campaign.target.per is not Per.TOTAL and campaign.target.aim is not Aim.REACH:
        return ""
    last = campaign.end_date
    low, high = 0, len(LONGER)
    while low < high:
        middle = (low + high) // 2
        if _is_met(campaign, found, last + timedelta(days=LONGER[middle])):
            high = middle
        else:
            low = middle + 1
    if low == len(LONGER):
        return ""
    until = last + timedelta(days=LONGER[low])
    return say(
        "Kéo dài thêm %(days)s ngày, đến hết %(until)s, thì đủ.",
        days=LONGER[low],
        until=f"{until:%d/%m/%Y}",
    )


def _is_met(campaign: Campaign, found: Context, end_date: date) -> bool:
    before = campaign.end_date
    fresh = replace(
        found, answers=dict(found.answers), known={},
        read_fleet=lambda: found.fleet, read_lengths=lambda: found.lengths,
    )  # fmt: skip
    campaign.end_date = end_date
    try:
        plan = campaign_plan.joint(fresh, campaign_plan.with_others(fresh, campaign))
    finally:
        campaign.end_date = before
    return bool(plan.shares) and not any(
        share.short_of(number_of(campaign)) for share in plan.shares
    )


def _more_minutes(campaign: Campaign, short: Sequence[Share]) -> str:
    number = number_of(campaign)
    needed = max((_short_ms(share, number) for share in short), default=0)
    days = max((sum(bool(room.sessions) for room in share.days) for share in short), default=0)
    if not needed or not days:
        return ""
    minutes = -(-needed // (days * MINUTE))
    return say("Thêm khoảng %(minutes)s phút mỗi ngày vào các khung giờ phát.", minutes=minutes)


def _short_ms(share: Share, number: int) -> int:
    ask = next(each for each in share.asks if each.key == number)
    left = share.short_of(number)
    longest = max(sound.ms for sound in ask.sounds)
    return left if ask.in_ms else left * (longest + BETWEEN)


def _shorter(campaign: Campaign, found: Context, short: Sequence[Share]) -> str:
    if campaign.target.aim is Aim.MINUTES or not short:
        return ""
    number = number_of(campaign)
    fits = min(_length_that_fits(share, number) for share in short)
    longest = max(each.ms for each in campaign_book.sounds(campaign, found))
    if not SHORTEST <= fits < longest:
        return ""
    return say(
        "Dùng bản tin ngắn hơn, khoảng %(fits)s giây (nay dài nhất %(longest)s giây).",
        fits=fits // SECOND,
        longest=longest // SECOND,
    )


def _length_that_fits(share: Share, number: int) -> int:
    """How long each message might be for all plays to fit in what others leave."""
    asked = sum(span.goal for ask in share.asks if ask.key == number for span in ask.spans)
    free = sum(windows.free_ms(room) for room in share.days)
    taken = sum(play.ms + BETWEEN for play in share.plays if play.key != number)
    return max(0, free - taken) // max(1, asked) - BETWEEN


def _less(campaign: Campaign, least: int) -> str:
    if campaign.target.aim is Aim.REACH or campaign.target.per is not Per.TOTAL:
        return ""
    what = say("phút") if campaign.target.aim is Aim.MINUTES else say("lần")
    return (
        say("Giảm chỉ tiêu còn %(least)s %(what)s mỗi đầu thu.", least=least, what=what)
        if least
        else ""
    )
