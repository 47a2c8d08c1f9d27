"""Days, months and weekdays named in words: "ngày 5 tháng 4", "mùng 1-3 Tết", "thứ 2, 4, 6"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from content import numbers
from content.reading_dates import COUNTED, LUNAR, day_words, month_words
from content.reading_draft import Draft, Found

_I = re.IGNORECASE

DAY_WORD = re.compile(
    r"(?<=ngày )(?P<day>0?[1-9]|10)(?!\w)"
    r"(?= ?(?:tháng\b|âm lịch|này\b|đến\b|tới\b|h[aà]ng\b|hằng\b|[-–,;.)(/:]|$|và (?:ngày )?\d))(?![.,/]\d)",
    _I | re.MULTILINE,
)
DAY_SPAN = re.compile(
    r"(?<=ngày )(?P<first>\d{1,2}) ?[-–] ?(?P<last>\d{1,2})(?= tháng (?:0?[1-9]|1[0-2])\b)", _I
)
DAY_LIST = re.compile(
    r"(?<=ngày )(?P<all>\d{1,2}(?:, ?\d{1,2}){1,8})"
    r"(?=(?: (?:và|đến) (?:ngày )?\d{1,2})? tháng (?:0?[1-9]|1[0-2])\b)",
    _I,
)
NIGHT = re.compile(
    r"(?:(?<=đêm )|(?<=tối ))(?P<day>0?[1-9])(?=,? (?:(?:và |đến )?(?:rạng )?sáng|(?:và|đến|tới) (?:ngày|đêm|hết))\b)",
    _I,
)
DAY_OF_MONTH = re.compile(r"(?<![\w/.,-])(?P<day>0?[1-9]|10)(?= tháng (?:0?[1-9]|1[0-2])\b)", _I)
_SECOND_DAY = re.compile(r"\bngày .{1,14}(?:đến|tới|và|,|[-–]) ?$", _I)
LUNAR_SPAN = re.compile(
    r"(?<=m[ùồ]ng )(?P<first>[1-9]) ?[-–] ?(?P<last>[2-9]|10)(?!\w)(?![.,/]\d)", _I
)
LUNAR_DAY = re.compile(r"(?<=m[ùồ]ng )(?P<day>0?[1-9]|10)(?!\w)(?![.,/-]\d)", _I)
MONTH_WORD = re.compile(r"(?<=tháng )(?P<month>0?[1-9]|1[0-2])(?!\w)(?![.,]\d)", _I)
SHORT_MONTH = re.compile(r"T(?P<month>[1-9]|1[0-2])(?!\w)(?!-\d)")
_LUNAR_DAY = re.compile(r"\b(?:rằm|m[ùồ]ng \w+|cuối|đầu|giữa) $", _I)
_IN_MONTH = re.compile(r"\b(?:trong|từ|đến|hết|cuối|vào|sang|tới|trước|sau) $", _I)
_FULL_MOON = re.compile(r"\brằm (?:tháng )?$", _I)
MONTH_LIST = re.compile(r"(?<=tháng )(?P<all>\d{1,2}(?:, ?\d{1,2}){1,11})(?![\d/])(?!\w)", _I)
WEEKDAY_SPAN = re.compile(r"(?<=thứ )(?P<first>[2-7]) ?[-–] ?thứ (?P<last>[2-7])(?!\w)", _I)
WEEKDAY_LETTERS = re.compile(r"(?<!\w)T(?P<first>[2-7]) ?[-–] ?(?:T(?P<last>[2-7])|CN)(?!\w)")
TO_SUNDAY = re.compile(r"(?<=thứ )(?P<first>[2-7]) ?[-–] ?(?:CN|chủ nhật)(?!\w)", _I)
WEEKDAYS = re.compile(r"(?<=thứ )(?P<all>[2-7](?: ?[,–-] ?[2-7]){1,5})(?!\w)(?![.,/]\d)", _I)
CROSSROADS = re.compile(r"(?<=ngã )4(?!\w)(?![.,/]\d)", _I)
ORDINAL = re.compile(r"(?<=thứ )(?P<value>\d{1,3})(?!\w)(?![.,/]\d)", _I)


def date_words(draft: Draft) -> Iterator[Found]:
    """Numbers behind the words ngày, mùng, tháng: "ngày 5 tháng 4" → "ngày mùng năm tháng tư"."""
    for match in draft.at_numbers(DAY_SPAN):
        first, last = int(match["first"]), int(match["last"])
        if 0 < first < last <= 31:
            yield Found(
                match.start(), match.end(), f"{day_words(first)} đến {day_words(last)}", "date"
            )
    for match in draft.at_numbers(DAY_LIST):
        days = [int(day) for day in re.findall(r"\d+", match["all"])]
        if all(0 < day <= 31 for day in days):
            yield Found(match.start(), match.end(), ", ".join(map(day_words, days)), "date")
    for match in draft.at_numbers(NIGHT):
        yield Found(match.start(), match.end(), day_words(int(match["day"])), "date")
    for match in draft.at_numbers(LUNAR_SPAN):
        head, tail = numbers.integer(int(match["first"])), day_words(int(match["last"]))
        yield Found(match.start(), match.end(), f"{head} đến {tail}", "date")
    for match in draft.at_numbers(DAY_OF_MONTH):
        if _SECOND_DAY.search(draft.before(match.start())):
            yield Found(match.start(), match.end(), day_words(int(match["day"])), "date")
    for match in draft.at_numbers(DAY_WORD):
        # "uống mỗi ngày 2, 3 lần" counts times; it does not name the second.
        if not re.search(
            r"\b(?:mỗi|một|h[aà]ng|hằng|uống|\d) ngày $", draft.before(match.start()), _I
        ):
            yield Found(match.start(), match.end(), day_words(int(match["day"])), "date")
    for match in draft.at_numbers(LUNAR_DAY):
        yield Found(match.start(), match.end(), numbers.integer(int(match["day"])), "date")
    for match in draft.at_numbers(MONTH_LIST):
        values = [int(value) for value in match["all"].split(",")]
        if all(1 <= value <= 12 for value in values):
            said = ", ".join(map(month_words, values))
            yield Found(match.start(), match.end(), said, "date")
    for match in draft.at_numbers(MONTH_WORD):
        # "hai tháng 4 lần" counts times; it does not name April.
        after = draft.after(match.end())
        if match["month"][0] == "0" or after.startswith(" năm") or not COUNTED.match(after):
            yield Found(match.start(), match.end(), _month(draft, match), "date")
    for match in draft.at_capitals(SHORT_MONTH):
        if _is_month(draft, match):
            yield Found(match.start(), match.end(), f"tháng {_month(draft, match)}", "date")


def _is_month(draft: Draft, match: re.Match[str]) -> bool:
    """Whether T7 is July and no Saturday."""
    before = draft.before(match.start())
    no_weekday = not 1 < int(match["month"]) < 8 and _IN_MONTH.search(before) is not None
    lunar = LUNAR.match(draft.after(match.end())) or _LUNAR_DAY.search(before)
    return no_weekday or lunar is not None


def _month(draft: Draft, match: re.Match[str]) -> str:
    """The first month of the lunar year has a name: rằm tháng giêng."""
    month = int(match["month"])
    lunar = LUNAR.match(draft.after(match.end())) or _FULL_MOON.search(draft.before(match.start()))
    return "giêng" if lunar and month == 1 else month_words(month)


def ordinals(draft: Draft) -> Iterator[Found]:
    """Weekdays and other numbers behind "thứ": "Thứ 4", "thứ 2-6", "lần thứ 4"."""
    for match in draft.at_numbers(WEEKDAY_SPAN):
        first, last = (numbers.ordinal(int(match[name])) for name in ("first", "last"))
        yield Found(match.start(), match.end(), f"{first} đến thứ {last}", "weekday")
    for match in draft.at_capitals(WEEKDAY_LETTERS):
        first = f"thứ {numbers.ordinal(int(match['first']))}"
        last = f"thứ {numbers.ordinal(int(match['last']))}" if match["last"] else "chủ nhật"
        yield Found(match.start(), match.end(), f"{first} đến {last}", "weekday")
    for match in draft.at_numbers(TO_SUNDAY):
        first = numbers.ordinal(int(match["first"]))
        yield Found(match.start(), match.end(), f"{first} đến chủ nhật", "weekday")
    for match in draft.at_numbers(WEEKDAYS):
        if COUNTED.match(draft.after(match.end())):
            continue
        days = [numbers.ordinal(int(day)) for day in re.findall(r"\d", match["all"])]
        span = len(days) == 2 and "," not in match["all"]
        said = f"{days[0]} đến thứ {days[1]}" if span else ", thứ ".join(days)
        yield Found(match.start(), match.end(), said, "weekday")
    for match in draft.at_numbers(CROSSROADS):
        yield Found(match.start(), match.end(), "tư", "ordinal")
    for match in draft.at_numbers(ORDINAL):
        value = int(match["value"])
        yield Found(match.start(), match.end(), numbers.ordinal(value), "ordinal")
