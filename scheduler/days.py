"""Days: what kind of day a date is (ngày thường, cuối tuần, ngày lễ, quốc tang, …), and why.

The latest that staff said of a day counts; else the public holidays with the days off made up for, else the weekday.
The only file that knows the library ``holidays``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from functools import cache
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import holidays
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from content.bulletins import Priority
from loa.database import Base
from loa.staff import Staff
from loa.times import Instant, after, at, local
from loa.words import join, recall, say
from scheduler import regulation, rulebook
from scheduler.regulation import Regulation
from scheduler.rulebook import DayKind, Rulebook
from scheduler.sources import Wanted, WhyNot

CODE = "day_kind"
"""Of a broadcast that the kind of its day silences."""
NORMAL, WEEKEND, HOLIDAY = "normal", "weekend", "holiday"
WEEKDAYS = (
    say("Thứ hai"),
    say("Thứ ba"),
    say("Thứ tư"),
    say("Thứ năm"),
    say("Thứ sáu"),
    say("Thứ bảy"),
    say("Chủ nhật"),
)


class DayMark(Base):
    """Days that staff say are of a kind, whatever the calendar says. Never changed: withdrawn, and another made."""

    __tablename__ = "day_marks"

    id: Mapped[int] = mapped_column(primary_key=True)
    first: Mapped[date]
    last: Mapped[date]
    kind: Mapped[str] = mapped_column(sa.String(16))
    """Key of one of the regulation's kinds of day."""
    name: Mapped[str] = mapped_column(sa.String(200))
    """What it is for: "Quốc tang", "Làm bù ngày 22/8"."""
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    made_at: Mapped[Instant]
    withdrawn_at: Mapped[Instant | None]

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)

    def is_in_force(self, moment: Instant) -> bool:
        """Whether it had been made, and not been withdrawn, at that instant."""
        return self.made_at <= moment and (self.withdrawn_at is None or moment < self.withdrawn_at)


class Day(NamedTuple):
    """A date as the station sees it."""

    key: str
    """Of rulebook.DayKind."""
    name: str
    """Of the kind: "Ngày lễ"."""
    why: str
    """"Tết Nguyên Đán", "Thứ bảy", "Quốc tang (Hoa ghi ngày 20/11/2026)"."""


class Calendar:
    """The kinds of all days, by the versions of the regulation (oldest first) and what staff said (oldest first).

    Pure; remembers what it was asked.
    """

    def __init__(
        self, regulations: Sequence[Regulation], marks: Sequence[DayMark], zone: ZoneInfo
    ) -> None:
        self._regulations, self._marks, self._zone = regulations, marks, zone
        self._known: dict[date, Day] = {}

    def kind(self, day: date) -> Day:
        """What kind of day it is; of one that is over, what it was at its end."""
        if day not in self._known:
            self._known[day] = self.kind_then(day, after(self._ends(day), -1))
        return self._known[day]

    def kind_then(self, day: date, moment: Instant) -> Day:
        """What it was held to be at ``moment``: marks made later, or withdrawn before, do not count."""
        for mark in reversed(self._marks):
            if mark.first <= day <= mark.last and mark.is_in_force(moment):
                return self._named(mark.kind, moment, _said(mark, self._zone))
        key, why = by_calendar(day)
        return self._named(key, moment, why)

    def plays(self, moment: Instant) -> DayKind:
        """What the day of ``moment`` lets sound, by the regulation in force then."""
        return self._rules(moment, self.kind(local(moment, self._zone).date()).key)

    def forbids(self, moment: Instant, priority: Priority) -> str | None:
        """Why a broadcast of that priority may not sound then because of its day, as a sentence; else None."""
        rules = self.plays(moment)
        if rules.lets(priority):
            return None
        day = local(moment, self._zone).date()
        only = (
            say("bản tin ưu tiên và khẩn cấp")
            if rules.plays == "priority"
            else say("bản tin khẩn cấp")
        )
        why = self.kind(day).why
        named = (
            why if why.startswith(rules.name) else join("", [recall(rules.name), " (", why, ")"])
        )
        return say(
            "Ngày %(day)s là %(named)s: chỉ %(only)s được phát.",
            day=f"{day:%d/%m/%Y}",
            named=named,
            only=only,
        )

    def _named(self, key: str, moment: Instant, why: str) -> Day:
        return Day(key, recall(self._rules(moment, key).name), why)

    def _rules(self, moment: Instant, key: str) -> DayKind:
        found = regulation.in_force(self._regulations, moment)
        return rulebook.kind_of(found.rules if found else Rulebook(), key)

    def _ends(self, day: date) -> Instant:
        return first_of(day + timedelta(days=1), self._zone)


class _Known(Protocol):
    """What is asked of a scheduler.context.Context, which stands above this module."""

    @property
    def calendar(self) -> Calendar: ...


def calendar(context: _Known) -> Calendar:
    """The calendar of these circumstances."""
    return context.calendar


def held_back(wish: Wanted, context: _Known) -> Wanted:
    """The same wish, with the reason why the kind of its day silences it, if it does."""
    if wish.why_not is not None:
        return wish
    why = context.calendar.forbids(wish.starts_at, wish.bulletin.priority)
    return wish if why is None else replace(wish, why_not=WhyNot(CODE, why))


def first_of(day: date, zone: ZoneInfo) -> Instant:
    """The day's first instant; where a zone skips midnight, the first hour after."""
    found = (at(day, time(hour), zone) for hour in range(24))
    return next(moment for moment in found if moment is not None)


def _said(mark: DayMark, zone: ZoneInfo) -> str:
    return say(
        "%(name)s (%(staff)s ghi ngày %(day)s)",
        name=mark.name,
        staff=mark.staff.name,
        day=f"{local(mark.made_at, zone):%d/%m/%Y}",
    )


# -- what the law says ----------------------------------------------------------------------------


def by_calendar(day: date) -> tuple[str, str]:
    """(kind, why) of a day nobody has said anything of."""
    off, made_up = _year(day.year)
    if day in off:
        return HOLIDAY, off[day]
    if day in made_up:
        return NORMAL, made_up[day]
    return (WEEKEND if day.weekday() >= 5 else NORMAL), WEEKDAYS[day.weekday()]


HOLIDAYS = (
    say("Tết Dương lịch"),
    say("29 Tết"),
    say("Giao thừa Tết Nguyên Đán"),
    say("Tết Nguyên Đán"),
    say("Mùng hai Tết Nguyên Đán"),
    say("Mùng ba Tết Nguyên Đán"),
    say("Mùng bốn Tết Nguyên Đán"),
    say("Mùng năm Tết Nguyên Đán"),
    say("Ngày Giỗ Tổ Hùng Vương"),
    say("Ngày Chiến thắng"),
    say("Ngày Quốc tế Lao động"),
    say("Quốc khánh"),
    say("Ngày Văn hóa Việt Nam"),
    say("%(holiday)s (nghỉ bù)", holiday="Quốc khánh"),
    say("Ngày nghỉ (thay cho ngày %(day)s)", day="04/05/2024"),
)
"""As the library calls them: named here so that they have an English name too."""


@cache
def _year(year: int) -> tuple[Mapping[date, str], Mapping[date, str]]:
    """Days off, and weekend days worked in place of others, each with why."""
    # A day off may be worked for on a weekend of another year.
    found = holidays.country_holidays("VN", years=(year - 1, year, year + 1), language="vi")
    off = {day: join("; ", map(recall, found.get_list(day))) for day in found if day.year == year}
    made_up = {day: _made_up_for(day, found) for day in found.weekend_workdays if day.year == year}
    return off, made_up


def _made_up_for(worked: date, found: Mapping[date, str]) -> str:
    named = f"{worked:%d/%m/%Y}"
    for day, name in found.items():
        if named in name:
            return say("Làm bù cho ngày nghỉ %(day)s", day=f"{day:%d/%m/%Y}")
    return say("Làm bù")
