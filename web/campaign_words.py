"""Campaigns in words and in figures to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from loa.times import MINUTE, local
from loa.words import counted, say
from scheduler import campaign_counts, reach
from scheduler.campaign_counts import Tally
from scheduler.campaign_forecast import Forecast, Group, Line, Moment
from scheduler.campaigns import Aim, Campaign, Per, Target
from scheduler.context import Fleet
from web import labels

AIMS = {
    Aim.PLAYS: say("số lần phát tại mỗi đầu thu"),
    Aim.MINUTES: say("số phút phát tại mỗi đầu thu"),
    Aim.REACH: say("tỷ lệ hộ dân được nghe"),
}
PERS = {Per.TOTAL: say("cả chiến dịch"), Per.DAY: say("mỗi ngày"), Per.WEEK: say("mỗi tuần")}
GROUPS_SHOWN = 6
DAYS_OF_MOMENTS = 7


class Bar(NamedTuple):
    """How far a target is reached."""

    per_cent: int
    """Rounded down: 100 only when it is met."""
    said: str


class Area(NamedTuple):
    """An area's receivers and what became of the campaign at all of them."""

    name: str
    lines: Sequence[tuple[str, Line]]
    """(name, receiver)"""
    tally: Tally
    goal: int
    done: int


class Plan(NamedTuple):
    """What is planned beyond today's broadcasts."""

    groups: Sequence[Group]
    """Receivers with the same plan, the largest groups."""
    names: Mapping[str, str]
    others: int
    """Receivers in groups that are not shown."""
    days: Sequence[date]
    moments: Sequence[tuple[date, Sequence[Moment]]]


class Curve(NamedTuple):
    """A line to draw in a box of 300 by 100."""

    points: str
    goal_y: float | None


def target(aim: Target) -> str:
    """Mỗi đầu thu 20 lần, cả chiến dịch."""
    if aim.aim is Aim.REACH:
        return counted("%(share)s %% hộ dân nghe ít nhất %(n)s lần", aim.times, share=aim.number)
    if aim.aim is Aim.MINUTES:
        return counted("mỗi đầu thu %(n)s phút %(per)s", aim.number, per=PERS[aim.per])
    return counted("mỗi đầu thu %(n)s lần %(per)s", aim.number, per=PERS[aim.per])


def amount(number: int, aim: Target) -> str:
    """Plays, or milliseconds as minutes."""
    if aim.aim is Aim.MINUTES:
        return say("%(number)s phút", number=labels.number(number / MINUTE, 1))
    return labels.number(number)


def bar(aim: Target, forecast: Forecast) -> Bar:
    """How far the target is reached by confirmed plays alone."""
    if aim.aim is Aim.REACH:
        return _reach_bar(aim, forecast)
    done, goal = forecast.done, forecast.goal
    per_cent = 100 * done // goal if goal else 0
    told = {"done": amount(done, aim), "goal": amount(goal, aim)}
    if aim.aim is Aim.MINUTES:
        return Bar(per_cent, say("%(done)s/%(goal)s đã xác nhận", **told))
    return Bar(per_cent, say("%(done)s/%(goal)s lượt đã xác nhận", **told))


def _reach_bar(aim: Target, forecast: Forecast) -> Bar:
    heard = reach_now(aim, forecast)
    if heard.per_cent is None:
        return Bar(0, say("chưa biết số hộ nào"))
    per_cent = min(100, int(100 * heard.per_cent / aim.number))
    said = say(
        "%(share)s %% hộ đã nghe đủ, cần %(target)s %%",
        share=labels.number(heard.per_cent, 1),
        target=aim.number,
    )
    return Bar(per_cent, said)


def reach_now(aim: Target, forecast: Forecast) -> reach.Share:
    """Households reached by confirmed plays."""
    plays = {line.receiver_id: line.tally.played for line in forecast.lines}
    return reach.share(forecast.households, plays, aim.times)


def outcome(campaign: Campaign, forecast: Forecast) -> tuple[str, str]:
    """What will come of it, and the tone to say it in."""
    aim = campaign.target
    if aim.aim is Aim.REACH:
        share = forecast.share
        told = (
            say("%(share)s %% hộ", share=labels.number(share.per_cent or 0, 1))
            if share.of
            else say("không rõ số hộ")
        )
        return (
            (say("Dự báo đạt: %(told)s.", told=told), "good")
            if share.meets(aim.number)
            else (say("Dự báo chỉ đạt %(told)s.", told=told), "bad")
        )
    if not forecast.short or (not forecast.remedies and aim.aim is Aim.MINUTES):
        return say("Dự báo đủ chỉ tiêu."), "good"
    short = [line for line in forecast.lines if line.short]
    lacking = amount(forecast.short, aim)
    if aim.aim is Aim.MINUTES:
        return counted(
            "Dự báo thiếu %(amount)s ở %(n)s đầu thu.", len(short), amount=lacking
        ), "bad"
    return counted(
        "Dự báo thiếu %(amount)s lượt ở %(n)s đầu thu.", len(short), amount=lacking
    ), "bad"


def is_done(campaign: Campaign, today: date) -> bool:
    """Nothing more comes of it."""
    return campaign.ended_at is not None or campaign.end_date < today


def state(campaign: Campaign, today: date) -> tuple[str, str]:
    """In a word, and its tone."""
    if campaign.ended_at is not None:
        return say("đã kết thúc"), "quiet"
    if campaign.end_date < today:
        return say("đã hết hạn"), "quiet"
    if campaign.paused_at is not None:
        return say("tạm dừng"), "doubt"
    return (
        (say("chưa bắt đầu"), "wait") if campaign.start_date > today else (say("đang chạy"), "live")
    )


def by_area(fleet: Fleet, forecast: Forecast, names: Mapping[int, str]) -> list[Area]:
    """Receivers area by area."""
    found: dict[int, list[Line]] = {}
    for line in forecast.lines:
        found.setdefault(fleet.receivers[line.receiver_id].area_id, []).append(line)
    areas = [
        Area(
            names.get(area_id, ""), [(fleet.receivers[each.receiver_id].name, each) for each in lines],
            campaign_counts.all_in(each.tally for each in lines), sum(each.goal for each in lines),
            sum(min(each.goal, each.done) for each in lines),
        )
        for area_id, lines in found.items()
    ]  # fmt: skip
    return sorted(areas, key=lambda area: area.name)


def plan(forecast: Forecast, names: Mapping[str, str], zone: ZoneInfo) -> Plan:
    """The plan to be shown: all days, the largest groups, and the first days by the clock."""
    shown = forecast.groups[:GROUPS_SHOWN]
    others = sum(len(each.receiver_ids) for each in forecast.groups[GROUPS_SHOWN:])
    days = sorted({day for group in forecast.groups for day in group.per_day})
    by_day = groupby(forecast.moments, key=lambda each: local(each.starts_at, zone).date())
    moments = [(day, list(found)) for day, found in by_day][:DAYS_OF_MOMENTS]
    return Plan(shown, names, others, days, moments)


def curve(campaign: Campaign, shares: Sequence[tuple[date, reach.Share]]) -> Curve | None:
    """The share of households over the days of the campaign; None where nothing is known."""
    if not shares or not shares[-1][1].of:
        return None
    step = 300 / max(1, campaign.days)
    points = [(0.0, 100.0)]
    points += [
        (round(step * (number + 1), 1), round(100 - (share.per_cent or 0), 1))
        for number, (_, share) in enumerate(shares)
    ]
    goal = 100 - campaign.target.number if campaign.target.aim is Aim.REACH else None
    return Curve(" ".join(f"{x},{y}" for x, y in points), goal)
