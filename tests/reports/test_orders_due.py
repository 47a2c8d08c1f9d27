"""On which days reports are due, and of which days they are."""

from __future__ import annotations

from datetime import date, time

import pytest

from loa.times import local
from scheduler.campaign_tables import Campaign
from scheduler.report_orders import due
from scheduler.report_orders.tables import ReportOrder, What
from tests.cast import NOON, ZONE, vn


def order(what: What, day: int = 1, month: int = 1, at: time = time(8)) -> ReportOrder:
    campaign = Campaign(start_date=date(2026, 11, 1), end_date=date(2026, 11, 30))
    return ReportOrder(
        what=what, day=day, month=month, at=at, campaign=campaign if what is What.CAMPAIGN else None
    )


def told(one: ReportOrder, since: str, until: str) -> list[tuple[str, str, str]]:
    found = due.between(one, vn(since), vn(until), ZONE)
    return [
        (f"{local(each.at, ZONE):%Y-%m-%d %H:%M}", str(each.period.first), str(each.period.last))
        for each in found
    ]


@pytest.mark.parametrize(
    ("what", "day", "month", "expected"),
    [
        (What.MONTH, 5, 1, [
            ("2026-11-05 08:00", "2026-10-01", "2026-10-31"), ("2026-12-05 08:00", "2026-11-01", "2026-11-30"),
            ("2027-01-05 08:00", "2026-12-01", "2026-12-31"),
        ]),
        (What.HALF, 5, 1, [("2026-11-26 08:00", "2026-06-01", "2026-11-30")]),
        (What.HALF, 30, 1, [("2026-11-01 08:00", "2026-06-01", "2026-11-30")]),
        (What.YEAR, 15, 12, [("2026-12-15 08:00", "2026-01-01", "2026-12-31")]),
        (What.YEAR, 15, 1, [("2027-01-15 08:00", "2026-01-01", "2026-12-31")]),
        (What.CAMPAIGN, 0, 1, [("2026-11-30 08:00", "2026-11-01", "2026-11-30")]),
        (What.CAMPAIGN, 7, 1, [("2026-12-07 08:00", "2026-11-01", "2026-11-30")]),
    ],
)  # fmt: skip
def test_it_is_due_on_its_day(what: What, day: int, month: int, expected: list[object]) -> None:
    assert told(order(what, day, month), "2026-10-31 23:59", "2027-02-01 00:00") == expected


def test_the_paper_before_1_june_is_of_the_half_year_that_ends_then() -> None:
    found = told(order(What.HALF, 1), "2026-05-01 00:00", "2026-06-30 00:00")
    assert found == [("2026-05-31 08:00", "2025-12-01", "2026-05-31")]


def test_a_week_is_of_monday_to_sunday_before() -> None:
    found = told(order(What.WEEK, 0), "2026-11-20 00:00", "2026-11-30 12:00")
    assert found == [
        ("2026-11-23 08:00", "2026-11-16", "2026-11-22"),
        ("2026-11-30 08:00", "2026-11-23", "2026-11-29"),
    ]


def test_the_end_belongs_to_the_span_and_the_beginning_does_not() -> None:
    one = order(What.WEEK, 0)
    assert told(one, "2026-11-23 08:00", "2026-11-30 07:59") == []
    assert len(told(one, "2026-11-23 07:59", "2026-11-23 08:00")) == 1


def test_a_campaign_is_due_once() -> None:
    one = order(What.CAMPAIGN, 7)
    assert due.next_of(one, NOON, ZONE).at == vn("2026-12-07 08:00")
    assert due.next_of(one, vn("2026-12-07 08:00"), ZONE) is None


@pytest.mark.parametrize("what", [What.WEEK, What.MONTH, What.HALF, What.YEAR])
def test_the_next_one_is_always_known(what: What) -> None:
    assert due.next_of(order(what), NOON, ZONE).at > NOON


@pytest.mark.parametrize(
    ("what", "month", "first", "last"),
    [
        (What.WEEK, 1, "2026-11-09", "2026-11-15"), (What.MONTH, 1, "2026-10-01", "2026-10-31"),
        (What.HALF, 1, "2026-06-01", "2026-11-30"), (What.YEAR, 1, "2025-01-01", "2025-12-31"),
        (What.YEAR, 12, "2026-01-01", "2026-12-31"), (What.CAMPAIGN, 1, "2026-11-01", "2026-11-30"),
    ],
)  # fmt: skip
def test_one_wanted_at_once_is_of_the_same_days(
    what: What, month: int, first: str, last: str
) -> None:
    found = due.latest(order(what, month=month), NOON, ZONE)
    assert (str(found.first), str(found.last)) == (first, last)
