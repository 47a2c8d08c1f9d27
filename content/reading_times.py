"""Hours of the day: 7h30, 7g30, 09:50, 5h-6h, 7 giờ 30."""

from __future__ import annotations

import re
from collections.abc import Iterator

from content import numbers
from content.reading_dates import COUNTED, exists, say_date
from content.reading_draft import Draft, Found

_I = re.IGNORECASE
_MINUTE_MARK = r"(?: ?(?:phút|ph\b|p\b|'))"
_HALF = r"(?: ?(?P<half>[AP]M|SA|CH)\b)?"

SPAN = re.compile(
    r"(?<![\w.,/])(?<!\d:)(?P<first>\d{1,2}) ?[-–] ?(?P<last>\d{1,2}) ?(?:h|H|giờ)"
    rf"(?:(?P<minute>[0-5]\d){_MINUTE_MARK}?)?(?!\w)"
)
LETTER = re.compile(
    r"(?<![\w.,/])(?<!\d:)(?P<hour>\d{1,2}) ?[hHgG](?: ?|[:.](?=\d\d(?!\d)))(?P<minute>[0-5]?\d)"
    rf"{_MINUTE_MARK}?{_HALF}(?!\w)(?![.,]\d)"
)
RACE = re.compile(
    r"(?<![\w.,/])(?:(?P<hour>\d{1,2}) ?h ?(?=\d{1,2}'))?(?:(?P<minute>\d{1,3})' ?)?(?P<second>\d{1,2})"
    r"(?:\"(?P<part>\d{1,2})?|'')(?!\w)"
)
SPACED = re.compile(r"[hHgG] \d")
HOURS = re.compile(r"(?<![\w.,/])(?<!\d:)(?P<hour>\d{1,3}) ?(?P<mark>[hHgG])(?!\w)(?!/)")
COLON = re.compile(
    r"(?<![\w.,/])(?<!\d:)(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:])"
    rf"{_HALF}(?!\w)"
)
WORDS = re.compile(
    r"(?<![\w.,/-])(?<!\d:)(?P<hour>\d{1,2}) ?giờ"
    rf"(?: ?(?P<minute>[0-5]\d)(?!\w)(?P<mark>{_MINUTE_MARK})?)?(?!\w)",
    _I,
)
ROUND = re.compile(r"(?<![\w/])24 ?(?P<h1>h|giờ)? ?/ ?(?P<last>24|7) ?(?P<h2>h|giờ)?(?![\w/])", _I)
HALF_HOURS = re.compile(r"(?<![\w.,/])(?<!\d:)(?P<hour>\d{1,2}) ?(?P<half>[AP]M|SA|CH)(?!\w)")
BULLETIN = re.compile(
    r"(?<![\w.,/])(?<!\d:)(?P<hour>\d{1,2}) ?h ?(?P<minute>[0-5]\d)?/(?P<day>\d{1,2})/(?P<month>\d{1,2})"
    r"(?:/(?P<year>20\d\d))?(?![\d/])",
    _I,
)
# 5g is five grams unless something about it speaks of the hour.
_AROUND = re.compile(
    r"(?:\b(?:lúc|từ|đến|tới|vào|khoảng|trước|sau|hồi)|\d ?[hg]\d{0,2} ?[-–]) ?$", _I
)
_PART_OF_DAY = re.compile(
    r"(?: ?[-–] ?\d{1,2} ?g(?=\d\d| ))?(?:\d\d\b| (?:sáng|trưa|chiều|tối|đêm|(?:ngày|thứ) \d|hôm)\b)",
    _I,
)
_PAUSE = re.compile(r" ?(?:$|[-–,.;)]|(?:đến|tới|và|ngày|mỗi|hàng|hằng|thứ)\b)", _I)


def _clock(hour: int, minute: int = 0, second: int = 0) -> str:
    said = f"{numbers.integer(hour)} giờ"
    if minute or second:
        said += f" {numbers.integer(minute)} phút"
    return f"{said} {numbers.integer(second)} giây" if second else said


def _half_of_day(hour: int, half: str | None) -> str:
    """AM and PM (on Vietnamese Windows SA and CH) as the words Vietnamese use."""
    if half is None or hour > 12:
        return ""
    if half in ("AM", "SA"):
        return " đêm" if hour == 12 else " sáng"
    return {12: " trưa"}.get(hour) or (" chiều" if hour < 6 else " tối")


def _found(draft: Draft, start: int, end: int, said: str) -> Found:
    """A time straight behind a date gets a comma, or the year and the hour run together."""
    left = draft.spaces_before(start)
    ended = draft.ending(left)
    if left < start and ended is not None and ended.rule == "date":
        return Found(left, end, f", {said}", "time")
    return Found(start, end, said, "time")


def round_the_clock(draft: Draft) -> Iterator[Found]:
    """24/24, 24/24h, 24/7: no dates."""
    for match in draft.at_numbers(ROUND, then="hHgG/"):
        if not re.search(
            r"\b(?:ngày|hôm|sáng|trưa|chiều|tối|đêm) ?$", draft.before(match.start()), _I
        ):
            said = f"hai mươi tư trên {numbers.integer(int(match['last']))}"
            hours = " giờ" if match["h1"] or match["h2"] else ""
            yield Found(match.start(), match.end(), said + hours, "time")


def bulletin_times(draft: Draft) -> Iterator[Found]:
    """01h/12/10 in water level bulletins: hour, day, month."""
    for match in draft.at_numbers(BULLETIN, then="hH"):
        day, month = int(match["day"]), int(match["month"])
        year = int(match["year"]) if match["year"] else None
        if int(match["hour"]) <= 24 and exists(day, month, year):
            clock = _clock(int(match["hour"]), int(match["minute"] or 0))
            date = say_date(draft, match.start("day"), day, month, year)
            yield Found(*match.span(), f"{clock} {date}", "date")


def races(draft: Draft) -> Iterator[Found]:
    """35'12", 2h05'30" and 12"5; a lone 12" is inches or the end of a quotation."""
    for match in draft.at_numbers(RACE, then="h'\""):
        hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
        quoted = draft.before(match.start(), 200).count('"') % 2
        if match["minute"] is None and (match["part"] is None or quoted):
            continue
        said = f"{numbers.integer(hour)} giờ " if match["hour"] else ""
        said += f"{numbers.integer(minute)} phút " if match["minute"] else ""
        said += f"{numbers.integer(second)} giây"
        said += f" {numbers.plain(match['part'])}" if match["part"] else ""
        yield Found(*match.span(), said, "time")


def hour_spans(draft: Draft) -> Iterator[Found]:
    """5-6h, "17 - 18 giờ"."""
    for match in draft.at_numbers(SPAN, then="-–"):
        first, last = int(match["first"]), int(match["last"])
        if first < last and (last <= 24 or not match["minute"]):
            tail = _clock(last, int(match["minute"] or 0))
            yield _found(draft, match.start(), match.end(), f"{numbers.integer(first)} đến {tail}")


def clock_times(draft: Draft) -> Iterator[Found]:
    """7h30, 7g30, 7h, 09:50, 23:07:15, 09:50 AM."""
    for match in draft.at_numbers(LETTER, then="hHgG"):
        # "lúc 7h 30 người": the second number may count something else.
        spaced = SPACED.search(match.group()) and match.group()[-1].isdigit()
        if int(match["hour"]) > 24 or (spaced and COUNTED.match(draft.after(match.end()))):
            continue
        said = _clock(int(match["hour"]), int(match["minute"]))
        said += _half_of_day(int(match["hour"]), match["half"])
        yield _found(draft, match.start(), match.end(), said)
    for match in draft.at_numbers(COLON, then=":"):
        hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
        said = _clock(hour, minute, second) + _half_of_day(hour, match["half"])
        yield _found(draft, match.start(), match.end(), said)
    for match in draft.at_numbers(HALF_HOURS, then="APSC"):
        hour = int(match["hour"])
        if hour <= 12:
            said = _clock(hour) + _half_of_day(hour, match["half"])
            yield _found(draft, match.start(), match.end(), said)
    for match in draft.at_numbers(HOURS, then="hHgG"):
        if match["mark"] in "gG":  # 5g may be five grams
            around = _AROUND.search(draft.before(match.start()))
            after = draft.after(match.end())
            meant = _PART_OF_DAY.match(after) or (around and _PAUSE.match(after))
            if not meant or int(match["hour"]) > 24:
                continue
        if match["mark"] == "G":  # 5G is a network
            continue
        yield _found(draft, match.start(), match.end(), _clock(int(match["hour"])))


def worded_times(draft: Draft) -> Iterator[Found]:
    """ "07 giờ 00", "8 giờ 05 phút"."""
    for match in draft.at_numbers(WORDS, then="gG"):
        end, minute = match.end(), match["minute"]
        hour = numbers.integer(int(match["hour"]))
        counted = COUNTED.match(draft.after(end)) and minute != "00"
        if minute and not match["mark"] and counted:
            end, minute = match.start("minute"), None
        said = f"{hour} giờ"
        if minute and int(minute):
            said += f" {numbers.integer(int(minute))}" + (" phút" if match["mark"] else "")
        while draft.text[end - 1] == " ":
            end -= 1
        yield _found(draft, match.start(), end, said)
