"""On which days a report is due, and of which days it then is. Pure.

week      each week on weekday ``day`` (0 is Monday): of the week before
month     each month on its ``day``: of the month before
half      ``day`` days before 1 June and 1 December: of the half year about to end, as far as it has come
year      each year on ``day`` of ``month``: until June of the year before, from July of the running one
campaign  once, ``day`` days after its last day: of the whole campaign
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from loa.times import DAY, Instant, instant, local
from scheduler.report_orders.tables import ReportOrder, What
from scheduler.reporting import periods
from scheduler.reporting.periods import Period

DAYS = {
    What.WEEK: (0, 6), What.MONTH: (1, 28), What.HALF: (1, 30), What.YEAR: (1, 28), What.CAMPAIGN: (0, 60),
}  # fmt: skip
"""What ``day`` may be."""
AHEAD = 2 * 366
"""Days within which any of them is due again."""
BACK = 400 * DAY
"""What was due longer ago, as after years without power, is not made any more."""


@dataclass(frozen=True)
class Due:
    """A moment, and of which days a report is then due."""

    at: Instant
    period: Period


def between(order: ReportOrder, since: Instant, until: Instant, zone: ZoneInfo) -> Iterator[Due]:
    """What is due in (since, until], in order of time."""
    day, last = local(since, zone).date(), local(until, zone).date()
    while day <= last:
        period = _period(order, day)
        if period is not None:
            at = _moment(day, order.at, zone)
            if since < at <= until:
                yield Due(at, period)
        day += timedelta(days=1)


def next_of(order: ReportOrder, now: Instant, zone: ZoneInfo) -> Due | None:
    """When it is due next; None: never again."""
    return next(between(order, now, Instant(now + AHEAD * DAY), zone), None)


def latest(order: ReportOrder, now: Instant, zone: ZoneInfo) -> Period:
    """The days a report is of that somebody wants at once."""
    if order.what is What.CAMPAIGN and order.campaign is not None:
        return Period(order.campaign.start_date, order.campaign.end_date)
    today = local(now, zone).date()
    match order.what:
        case What.WEEK:
            return periods.week(today).before()
        case What.HALF:
            return periods.half(today)
        case What.YEAR:
            return _year(order, today)
    return periods.month(today).before()


def _moment(day: date, at: time, zone: ZoneInfo) -> Instant:
    return instant(datetime.combine(day, at, tzinfo=zone))


def _period(order: ReportOrder, day: date) -> Period | None:
    """Of which days a report is due on that day, if any is."""
    match order.what:
        case What.WEEK:
            return periods.week(day).before() if day.weekday() == order.day else None
        case What.MONTH:
            return periods.month(day).before() if day.day == order.day else None
        case What.HALF:
            end = day + timedelta(days=order.day)
            return periods.half(day) if (end.month, end.day) in ((6, 1), (12, 1)) else None
        case What.YEAR:
            return _year(order, day) if (day.month, day.day) == (order.month, order.day) else None
    campaign = order.campaign
    if campaign is None or day != campaign.end_date + timedelta(days=order.day):
        return None
    return Period(campaign.start_date, campaign.end_date)


def _year(order: ReportOrder, day: date) -> Period:
    return periods.year(day.year if order.month > 6 else day.year - 1)
