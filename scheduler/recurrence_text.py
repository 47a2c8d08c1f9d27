"""On which days a series is heard, as text after RFC 5545 (RRULE) and RFC 7529 (by the moon): reading and writing it.

The texts we read and write, of which a person's form makes one:

- ``""``: once, on the first day.
- ``FREQ=DAILY;INTERVAL=2``, ``FREQ=WEEKLY;BYDAY=MO,TH``, ``FREQ=MONTHLY;BYMONTHDAY=1,-1``,
  ``FREQ=MONTHLY;BYDAY=2SU``, ``FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29``; each with ``INTERVAL``.
- ``RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=1,15``: mùng một and rằm of every lunar month, leap months too.
  With ``BYMONTH=1,…,12`` leap months are left out, as RFC 7529 counts them apart.
- ``RSCALE=VIETNAMESE;FREQ=YEARLY;BYMONTH=8;BYMONTHDAY=15``: one lunar date a year, never that of a leap month.

A day that a month does not have (31, 29 February, 30 of a short lunar month) is left out; by the moon
``SKIP=BACKWARD`` puts it on the last day instead. The last day of the series is no part of the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from loa.errors import ScheduleError
from loa.words import say

Freq = Literal["ONCE", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
ONCE = ""
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
EVERY_MONTH = tuple(range(1, 13))
LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MOST_INTERVAL = 366


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """The text taken apart; ``str`` puts it together again, always in the same words."""

    freq: Freq
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    """0 is Monday."""
    nth: int = 0
    """Of MONTHLY by weekday: the how manieth in the month, -1 the last; 0 where it is not by weekday."""
    month_days: tuple[int, ...] = ()
    """-1 is the last."""
    months: tuple[int, ...] = ()
    is_lunar: bool = False
    goes_back: bool = False
    """A lunar day that a month does not have is heard on its last instead."""

    def __str__(self) -> str:
        if self.freq == "ONCE":
            return ONCE
        days = (f"{self.nth or ''}{WEEKDAYS[each]}" for each in self.weekdays)
        parts = [
            ("RSCALE", "VIETNAMESE" if self.is_lunar else ""),
            ("FREQ", self.freq),
            ("INTERVAL", str(self.interval) if self.interval > 1 else ""),
            ("BYMONTH", ",".join(map(str, self.months))),
            ("BYMONTHDAY", ",".join(map(str, self.month_days))),
            ("BYDAY", ",".join(days)),
            ("SKIP", "BACKWARD" if self.goes_back else ""),
        ]
        return ";".join(f"{name}={value}" for name, value in parts if value)

    @property
    def with_leap_months(self) -> bool:
        """Of a monthly lunar one."""
        return not self.months


# -- reading --------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def parse(text: str) -> Recurrence:
    """The text taken apart. Raises ScheduleError where it is none of those we keep."""
    if text.strip() == ONCE:
        return Recurrence(freq="ONCE")
    parts = _parts(text.strip().removeprefix("RRULE:").upper())
    weekdays, nth = _by_day(parts)
    found = Recurrence(
        freq=_freq(parts, text),
        interval=_interval(parts),
        weekdays=weekdays,
        nth=nth,
        months=_numbers(parts, "BYMONTH", range(1, 13)),
        month_days=_numbers(parts, "BYMONTHDAY", (-1, *range(1, 32))),
        is_lunar=parts.pop("RSCALE", "GREGORIAN") == "VIETNAMESE",
        goes_back=parts.pop("SKIP", "OMIT") == "BACKWARD",
    )
    parts.pop("WKST", None)
    if parts:
        raise _unknown(f"{next(iter(parts))}={next(iter(parts.values()))}")
    _demand_sense(found, text)
    return found


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for each in text.split(";"):
        name, _, value = each.partition("=")
        if not value or name in parts:
            raise _unknown(each)
        parts[name] = value
    if parts.get("RSCALE", "GREGORIAN") not in ("GREGORIAN", "VIETNAMESE"):
        raise _unknown(f"RSCALE={parts['RSCALE']}")
    if parts.get("SKIP", "OMIT") not in ("OMIT", "BACKWARD") or parts.get("WKST", "MO") != "MO":
        raise _unknown(text)
    return parts


def _freq(parts: dict[str, str], text: str) -> Freq:
    match parts.pop("FREQ", ""):
        case "DAILY" | "WEEKLY" | "MONTHLY" | "YEARLY" as found:
            return found
        case _:
            raise _unknown(text)


def _interval(parts: dict[str, str]) -> int:
    text = parts.pop("INTERVAL", "1")
    if not text.isdigit() or not 1 <= int(text) <= MOST_INTERVAL:
        raise ScheduleError(
            say(
                "Khoảng lặp “%(text)s” phải là số nguyên từ 1 đến %(most)s.",
                text=text,
                most=MOST_INTERVAL,
            ),
            field="interval",
        )
    return int(text)


def _numbers(parts: dict[str, str], name: str, known: tuple[int, ...] | range) -> tuple[int, ...]:
    text = parts.pop(name, "")
    try:
        found = {int(each) for each in text.split(",")} if text else set()
    except ValueError:
        raise _unknown(f"{name}={text}") from None
    if not found <= set(known):
        raise _unknown(f"{name}={text}")
    return _in_order(found)


def _in_order(numbers: set[int]) -> tuple[int, ...]:
    """Ascending, the last day of a month after all others."""
    return tuple(sorted(numbers, key=lambda each: each if each > 0 else 99))


def _by_day(parts: dict[str, str]) -> tuple[tuple[int, ...], int]:
    """Weekdays and the how manieth; all of one rule are the how manieth alike."""
    days: set[int] = set()
    nths: set[int] = set()
    text = parts.pop("BYDAY", "")
    for each in filter(None, text.split(",")):
        if each[-2:] not in WEEKDAYS or each[:-2] not in ("", "1", "2", "3", "4", "5", "-1"):
            raise _unknown(f"BYDAY={text}")
        days.add(WEEKDAYS.index(each[-2:]))
        nths.add(int(each[:-2] or 0))
    if len(nths) > 1:
        raise _unknown(f"BYDAY={text}")
    return tuple(sorted(days)), nths.pop() if nths else 0


def _demand_sense(found: Recurrence, text: str) -> None:
    """Only what the form can say: each frequency with the parts that belong to it, and with days that there are."""
    has = (bool(found.weekdays), bool(found.nth), bool(found.month_days), bool(found.months))
    if found.is_lunar:
        wanted = {"MONTHLY": [(False, False, True, False), (False, False, True, True)],
                  "YEARLY": [(False, False, True, True)]}.get(found.freq, [])  # fmt: skip
        is_whole = found.freq == "YEARLY" or found.months in ((), EVERY_MONTH)
        good = has in wanted and found.interval == 1 and is_whole
        good = good and max(found.month_days, default=0) <= 30
    else:
        wanted = {"DAILY": [(False, False, False, False)], "WEEKLY": [(True, False, False, False)],
                  "MONTHLY": [(False, False, True, False), (True, True, False, False)],
                  "YEARLY": [(False, False, True, True)]}.get(found.freq, [])  # fmt: skip
        good = has in wanted and not found.goes_back
    if not good:
        raise _unknown(text)
    if found.freq == "YEARLY" and not found.is_lunar:
        _demand_there(found)


def _demand_there(found: Recurrence) -> None:
    longest = max(LONGEST[month - 1] for month in found.months)
    if min(found.month_days) > longest:
        raise ScheduleError(
            say(
                "Tháng %(month)s không có ngày %(day)s. Hãy chọn ngày khác.",
                month=found.months[0],
                day=found.month_days[0],
            ),
            field="month_day",
        )


def _unknown(text: str) -> ScheduleError:
    return ScheduleError(
        say(
            "Không hiểu cách lặp “%(text)s”. Hãy chọn lại một trong các cách lặp của đài.",
            text=text,
        ),
        field="kind",
    )
