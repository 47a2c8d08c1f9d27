"""How staff write on which days something is heard: "T2-T6", "ngày 1, 15 hằng tháng", "rằm" → the rule's text.

Also reads back what scheduler.recurrence says of a rule in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from loa.errors import ScheduleError
from loa.words import say
from scheduler import csv_rows, recurrence
from scheduler.recurrence import Recurrence

ONCE = ("", "mot lan", "1 lan", "khong", "khong lap", "khong lap lai")
WEEKDAYS = {
    "2": 0, "hai": 0, "3": 1, "ba": 1, "4": 2, "tu": 2, "5": 3, "nam": 3, "6": 4, "sau": 4, "7": 5, "bay": 5, "cn": 6,
}  # fmt: skip
NUMBERS = {
    name: str(number)
    for number, name in enumerate(
        ("mot", "hai", "ba", "bon", "nam", "sau", "bay", "tam", "chin", "muoi"), start=1
    )
}
EXAMPLES = "một lần, hằng ngày, thứ 2,4,6, T2-T6, ngày 1,15 hằng tháng, rằm, mùng một"
_BY_MOON = re.compile(r"\b(ram|mung|mong|am lich|al)\b")
_BY_WEEK = re.compile(r"(cac )?(tu )?(thu\b|t\d|cn\b)")
_EVERY_WEEK = re.compile(r",? (?:hang tuan|moi tuan|(\d+) tuan mot lan)$")
_EVERY_MONTH = re.compile(r",? (?:hang thang|moi thang|trong thang|(\d+) thang mot lan)$")
_EVERY_YEAR = re.compile(r",? (?:hang nam|moi nam)$")
_A_DATE = re.compile(r"(?:ngay )?(\d{1,2})/(\d{1,2})")


def read(text: str) -> str:
    """The rule's text, as scheduler.recurrence keeps it. Raises ScheduleError."""
    if "FREQ=" in text.upper():
        return str(recurrence.parse(text))
    said, note = _without_note(csv_rows.plain(text).replace("chu nhat", "cn").rstrip(". "))
    if said in ONCE:
        return recurrence.ONCE
    try:
        return str(recurrence.parse(str(_form(said)(said, note))))
    except (KeyError, ValueError, ScheduleError) as error:
        raise ScheduleError(
            say(
                "Không hiểu cách lặp “%(text)s”. Hãy ghi như: %(examples)s.",
                text=text,
                examples=EXAMPLES,
            ),
            field="kind",
        ) from error


def _without_note(said: str) -> tuple[str, str]:
    """What stands in brackets at the end, apart."""
    found = re.fullmatch(r"(.*?)\s*\(([^()]*)\)", said)
    return (found[1], found[2]) if found else (said, "")


def _form(said: str) -> Callable[[str, str], Recurrence]:
    if _BY_MOON.search(said):
        return _by_moon
    if _BY_WEEK.match(said):
        return _by_week
    if _EVERY_YEAR.search(said):
        return _by_year
    return _by_day if "thang" not in said else _by_month


def _by_day(said: str, _note: str) -> Recurrence:
    if said in ("hang ngay", "moi ngay", "ngay nao cung phat"):
        return Recurrence(freq="DAILY")
    found = re.fullmatch(r"(?:cu )?(\d+) ngay (?:mot|1) lan", said)
    if not found:
        raise ValueError(said)
    return Recurrence(freq="DAILY", interval=_interval(found[1]))


def _by_week(said: str, _note: str) -> Recurrence:
    said, every = _taken_off(said, _EVERY_WEEK)
    said = re.sub(r"^(cac )?(tu (?=thu|t\d|cn))?", "", said)
    said = re.sub(r"\bt(?=\d\b)|\bthu\b", "", said)
    return Recurrence(freq="WEEKLY", interval=every, weekdays=_weekdays(said))


def _weekdays(said: str) -> tuple[int, ...]:
    """2-6, cn as numbers from 0, each once."""
    found: set[int] = set()
    ranged = re.sub(r"\s*(?:-|–|—|\bden\b|\btoi\b)\s*", "-", said)
    if ranged.count("-") > 1:  # 2-4-6 names days one by one
        ranged = ranged.replace("-", ",")
    for each in re.split(r"[,;&+/\s]+|\bva\b", ranged):
        first, _, last = each.partition("-")
        if each:
            begin, end = WEEKDAYS[first], WEEKDAYS[last or first]
            if end < begin:
                raise ValueError(each)
            found |= set(range(begin, end + 1))
    return tuple(sorted(found))


def _by_month(said: str, _note: str) -> Recurrence:
    said, every = _taken_off(said, _EVERY_MONTH)
    said = said.replace("ngay cuoi thang", "cuoi")
    return Recurrence(freq="MONTHLY", interval=every, month_days=_days(said))


def _by_year(said: str, _note: str) -> Recurrence:
    day, month = _date(_EVERY_YEAR.sub("", said))
    return Recurrence(freq="YEARLY", months=(month,), month_days=(day,))


def _by_moon(said: str, note: str) -> Recurrence:
    said = re.sub(r"\b(am lich|al)\b", "", said)
    said = re.sub(r"\s+", " ", said).strip()
    in_year = _lunar_date(_EVERY_YEAR.sub("", said))
    if in_year is not None:
        day, month = in_year
        return Recurrence(
            freq="YEARLY", months=(month,), month_days=(day,), is_lunar=True, goes_back=day == 30
        )
    said, _ = _taken_off(said, _EVERY_MONTH)
    days = _days(re.sub(r"\b(mung|mong)\b", "", said).replace("ngay cuoi thang", "cuoi"))
    months = recurrence.EVERY_MONTH if "tru thang nhuan" in note else ()
    return Recurrence(
        freq="MONTHLY", months=months, month_days=days, is_lunar=True, goes_back=30 in days
    )


def _lunar_date(said: str) -> tuple[int, int] | None:
    """15/8, rằm tháng Giêng, mùng 10 tháng 3 as (day, month); None where it is of every month."""
    if _A_DATE.fullmatch(said):
        return _date(said)
    found = re.fullmatch(r"(?:ngay |mung |mong )?(\w+) thang (\d{1,2}|gieng|chap)", said)
    if found is None:
        return None
    (day,) = _days(found[1])
    return day, int({"gieng": "1", "chap": "12"}.get(found[2], found[2]))


def _taken_off(said: str, every: re.Pattern[str]) -> tuple[str, int]:
    """Without "hằng tuần" and the like at its end; how many weeks or months apart."""
    found = every.search(said)
    if not found:
        return said, 1
    return said[: found.start()], _interval(found[1] or "1")


def _interval(text: str) -> int:
    if not int(text):
        raise ValueError(text)
    return int(text)


def _days(said: str) -> tuple[int, ...]:
    """ngày 1, 15 và cuối as numbers, the last day as -1."""
    found: set[int] = set()
    for each in re.split(r"[,;&+\s]+|\bva\b", said):
        if each and each not in ("ngay", "cac"):
            named = {"cuoi": "-1", "ram": "15", **NUMBERS}.get(each, each)
            found.add(int(named))
    return tuple(sorted(found, key=lambda day: day if day > 0 else 99))


def _date(said: str) -> tuple[int, int]:
    found = _A_DATE.fullmatch(said.strip())
    if not found:
        raise ValueError(said)
    return int(found[1]), int(found[2])
