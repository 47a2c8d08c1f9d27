"""What a text says of itself before anybody has read it: a name to propose, and the days it speaks of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import NamedTuple

from content import debris

MOST = 90
"""Letters of a proposed name: a list shows no more of it."""
_LETTERHEAD = re.compile(
    r"^(?:cộng h[oò][aà] xã hội|độc lập ?[-–—]|số ?:|ubnd |[uủ][yỷ] ban nhân dân|đ[aả]ng [uủ][yỷ]|hội đồng nhân dân"
    r"|kính (?:gửi|thưa)|(?:thông báo|giấy mời|công văn|kế hoạch) *[:.]?$|\W*$)",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"^(?:thông báo|v/v|về việc|trích yếu)\s*(?:về việc|v/v)?\s*[:–-]?\s+", re.IGNORECASE
)
_STOP = re.compile(r"(?<=\w)[.!?…:;](?:\s+(?=[^\W\d_])|$)")
_DAY = re.compile(
    r"(?<![\d/.,-])(?P<day>\d{1,2})(?:\s?[/-]\s?|\s+tháng\s+)(?P<month>\d{1,2})"
    r"(?:(?:\s?[/-]\s?|,?\s+năm\s+)(?P<year>\d{4}))?(?![\d/%])(?!\s*âm lịch)",
    re.IGNORECASE,
)
_CUE = re.compile(
    r"(?:\b(?:ngày|hôm|sáng|trưa|chiều|tối|đêm|thứ \w+|chủ nhật|từ|đến|hết)[ ,(]*|[-–] ?)$",
    re.IGNORECASE,
)
_NOT_A_DATE = re.compile(
    r"(?:nghị định|quyết định|thông tư|luật|công văn|kế hoạch|số|căn cứ)[^.\n]{0,60}$",
    re.IGNORECASE,
)


class Mentioned(NamedTuple):
    """A day that a text speaks of."""

    written: str
    """As it stands there: "20/11"."""
    day: date


def headline(text: str) -> str:
    """A name for a bulletin of these words: its first line that says something, or the first sentence of it."""
    text = text.strip()
    unwanted = {line.number for line in debris.suspicious_lines(text) if line.cuts}
    for number, line in enumerate(text.split("\n"), start=1):
        told = " ".join(line.split())
        if number not in unwanted and not _LETTERHEAD.match(told) and len(told) > 3:
            return _short(_ABOUT.sub("", told))
    return ""


def _short(line: str) -> str:
    stop = _STOP.search(line)
    told = line[: stop.start()] if stop and stop.start() > 7 else line.rstrip(" .:;,")
    if told.isupper():
        told = told.capitalize()
    if len(told) > MOST:
        told = told[:MOST].rsplit(" ", 1)[0].rstrip(" ,;:-–") + "…"
    return told[:1].upper() + told[1:]


def days(text: str, today: date) -> list[Mentioned]:
    """The days a text names, each once, in its order; one without a year is the nearest to ``today``."""
    found: dict[date, Mentioned] = {}
    for match in _DAY.finditer(text):
        before = text[: match.start()]
        named = (
            match["year"] is not None
            or "tháng" in match.group().lower()
            or bool(_CUE.search(before))
        )
        if not named or _NOT_A_DATE.search(before[-80:]):
            continue
        for day in _meant(match, today):
            found.setdefault(day, Mentioned(match.group().strip(), day))
    return list(found.values())


def over(text: str, today: date) -> list[Mentioned]:
    """Those of ``days`` that lie before ``today``, but no further back than a year: an anniversary is no slip."""
    since = today - timedelta(days=366)
    return [each for each in days(text, today) if since <= each.day < today]


def _meant(match: re.Match[str], today: date) -> Iterator[date]:
    year = int(match["year"] or today.year)
    with suppress(ValueError):
        day = date(year, int(match["month"]), int(match["day"]))
        if match["year"] is None and (today - day).days > 183:
            day = day.replace(year=year + 1)
        elif match["year"] is None and (day - today).days > 183:
            day = day.replace(year=year - 1)
        yield day
