"""Two numbers side by side: a range, a score, a comparison, a sum: 10-15 người, thắng 3-1, 2 x 3 m."""

from __future__ import annotations

import re
from collections.abc import Iterator

from content import numbers
from content.reading_dates import COUNTED
from content.reading_draft import Draft, Found
from content.reading_numbers import LISTED
from content.reading_quantities import NUMERIC
from content.syllables import UPPER, word_set

_I = re.IGNORECASE

RANGE = re.compile(r"[-–~÷→xX×*](?:(?<=-)>)?")
_COUNTED_WORD = re.compile(r"\d (?:[^\W\d_]+ )?([^\W\d_]+)$")
_SPANS = word_set("giờ ngày tuần tháng năm tuổi nghìn ngàn triệu tỷ đồng")
_SAME_KIND = ({"date"}, {"time"}, {"roman"}, {"road"}, {"weekday", "ordinal"}, NUMERIC)
_ELECTRIC = frozenset({"vôn", "héc", "oát", "pe", "Bắc"})

_COMPARED = {">": "trên", "<": "dưới", "≥": "từ", "≤": "không quá", ">=": "từ", "<=": "không quá"}
_GREATER = {">": "lớn hơn", "<": "nhỏ hơn"}
COMPARISON = re.compile(r"(?<![-<>=])(?:[<>]=?|[≥≤])(?![<>])")


def comparisons(draft: Draft) -> Iterator[Found]:
    """ ">60 tuổi" → "trên sáu mươi tuổi"."""
    for match in COMPARISON.finditer(draft.masked):
        right = draft.starting(draft.spaces_after(match.end(), 2))
        left = draft.ending(draft.spaces_before(match.start(), 2))
        if right is None or right.rule not in NUMERIC:
            continue
        both = left is not None and left.rule in NUMERIC and match.group() in _GREATER
        words = _GREATER if both else _COMPARED
        yield Found(*match.span(), words[match.group()], "symbol")


def _same_kind(left: Found, right: Found) -> bool:
    return any(left.rule in kinds and right.rule in kinds for kinds in _SAME_KIND)


def _left(draft: Draft, end: int) -> Found | None:
    """What ends here, also across the part of the day: "6h sáng-10h"."""
    part = re.search(r" (?:sáng|trưa|chiều|tối|đêm)$", draft.before(end), _I)
    left = draft.ending(end - len(part.group())) if part else None
    return left if left is not None and left.rule == "time" else draft.ending(end)


def ranges(draft: Draft) -> Iterator[Found]:
    """A dash between two dates, times or numbers: "đến"."""
    for match in RANGE.finditer(draft.masked):
        start, end = draft.spaces_before(match.start(), 2), draft.spaces_after(match.end(), 2)
        left, right = _left(draft, start), draft.starting(end)
        if left is not None and re.match(r"nay\b", draft.masked[end : end + 4], _I):
            yield Found(start, end, " đến ", "range")
        sides = left is not None and right is None and match.group() in "xX"
        if sides and re.match(r"(?:dài|rộng|cao|sâu)\b", draft.masked[end : end + 5], _I):
            yield Found(start, end, " nhân ", "range")
        timed = right is not None and right.rule == "time" and match.group() in "xX×"
        if left is None and right is not None and (right.rule in NUMERIC or timed):
            said = _after_word(draft, match, start, right)
            if said:
                yield Found(start, end, said, "range")
        if left is not None and left.rule == "date" and _later(draft, end, right):
            yield Found(start, end, " đến ", "range")
        if left is None and match.group() == "~" and right is not None and right.rule in NUMERIC:
            yield _about(draft, start, match, end)
        if left is None or right is None or not _same_kind(left, right):
            continue
        said, warning = _sum(draft, match.group(), right.end) or _between(draft, left, right)
        yield Found(start, end, said, "range", warning)


def _later(draft: Draft, end: int, right: Found | None) -> bool:
    """Behind a date: "… - tháng 4", "… - ngày 5/6", "… - 5h ngày 1/5"."""
    if right is not None:
        return right.rule == "time" and re.match(r" ngày \d", draft.after(right.end)) is not None
    word = re.match(r"(?:ngày|tháng) ", draft.text[end : end + 6], _I)
    following = draft.starting(end + len(word.group())) if word else None
    return following is not None and following.rule == "date"


def _about(draft: Draft, start: int, match: re.Match[str], end: int) -> Found:
    """ "~ 100 m": khoảng, where that does not stand there already."""
    twice = re.search(r"\b(?:khoảng|chừng|gần) ?$", draft.before(match.start()), _I)
    if twice:
        return Found(start, end, " ", "range")
    return Found(match.start(), end, "khoảng ", "range")


def _after_word(draft: Draft, match: re.Match[str], start: int, right: Found) -> str | None:
    """Between two counted words: "2 triệu - 3 triệu", "6 tháng - 5 tuổi", "2 viên x 3 lần"."""
    word = _COUNTED_WORD.search(draft.before(start))
    if word is None or start == match.start():
        return None
    if match.group() in "xX×":
        return " nhân "
    after = re.match(r" ([^\W\d_]+)", draft.after(right.end))
    if match.group() not in "-–" or after is None:
        return None
    same = after[1].lower() == word[1].lower()
    return " đến " if same or {after[1].lower(), word[1].lower()} <= _SPANS else None


def _sum(draft: Draft, sign: str, end: int) -> tuple[str, None] | None:
    """The sign as one of arithmetic: 20 x 30, and 10 - 5 = 5."""
    if sign in "xX×*":
        return " nhân ", None
    if sign in "-–÷" and re.match(r" ?= ?\d", draft.after(end)):
        return " chia " if sign == "÷" else " trừ ", None
    return None


def _unlike(left: Found, right: Found) -> bool:
    """Whether the two measure different things: 220V-50Hz."""
    units = [re.split(r"[ -]", piece.spoken)[-1] for piece in (left, right)]
    return units[0] != units[1] and not _ELECTRIC.isdisjoint(units)


def _chained(draft: Draft, left: Found, right: Found) -> bool:
    """One of three or more: NPK 16-16-8; or behind a letter: lô B2-15."""
    before, after = draft.before(left.start, 8), draft.after(right.end, 4)
    return bool(re.search(r"(?:\d ?[-–] ?|[A-ZĐ])$", before) or re.match(r" ?[-–] ?\d", after))


def _between(draft: Draft, left: Found, right: Found) -> tuple[str, str | None]:
    first, last = (draft.text[piece.start : piece.end] for piece in (left, right))
    if (first, last) == ("30/4", "1/5"):
        return " và ", None
    if _unlike(left, right):
        return ", ", None
    if not (first.isdigit() and last.isdigit() and len(first + last) < 20):
        return " đến ", None
    if _chained(draft, left, right):
        return ", ", None
    a, b = int(first), int(last)
    if re.search(
        r"\b(?:năm học|niên khóa|niên khoá|vụ|mùa|mùa giải) ?$", draft.before(left.start), _I
    ):
        return ", ", None
    if a < 100 and 1900 <= b <= 2100:
        return ", ", None
    if a >= b and b < 20 and not re.search(r"\btừ ?$", draft.before(left.start), _I):
        return (
            ", ",
            f"“{first}-{last}” đọc như tỷ số; nếu là khoảng hoặc ngày tháng, hãy viết bằng chữ.",
        )
    if a >= b:
        return (
            " đến ",
            f"“{first}-{last}” giảm dần: có thể là tỷ số hoặc ngày tháng; hãy viết bằng chữ.",
        )
    return " đến ", None


SCORE = re.compile(r"(?<![\w.,/-])(?P<a>\d{1,3}) ?[-–:] ?(?P<b>\d{1,2})(?![\w/:-])(?![.,]\d)")
SCALE = re.compile(r"(?<![\w.,/-])(?P<a>\d{1,3}) ?[-:] ?(?P<b>\d{1,6})(?![\w/:-])(?![.,]\d)")
_SCORE = re.compile(
    r"\b(?:[Hh]iệp|[Ss]et|[Vv]án)(?: \d)? ?:? ?$"
    r"|\b(?:[Tt][ỷỉ] số|[Kk]ết quả)(?: chung cuộc| các (?:set|hiệp|ván))?(?: lần lượt)?(?: là)? ?:? ?$"
    r"|\b(?:[Bb]óng (?:đá|chuyền|bàn|rổ|ném)|[Cc]ầu lông|[Đđ]á cầu|[Tt]ennis|[Pp]ickleball)[^\d.;:]{0,24}: ?$"
    r"|\b(?:[Tt]hắng(?! lợi)|thua|hòa|hoà|dẫn|hạ|gỡ|đánh bại|vượt qua)\b[^\d.;:!?]{0,36}$"
)
_PAIRING = re.compile(
    rf"[{UPPER}][^:;.!?]{{0,30}}(?: ?[-–] ?[{UPPER}]| gặp | vs\.? )[^:;.!?]{{1,24}}: ?$"
)
_CALENDAR = re.compile(r"\b(?:thứ|tháng|ngày|từ|T\d|CN|sáng|chiều|giờ|lịch)\b", _I)
_SCALE = re.compile(
    r"\b(?:t[ỷỉ] lệ(?: pha| trộn| bản đồ)?|pha(?: thuốc| loãng| trộn)?)(?: là)? ?:? ?$", _I
)
_SIDE = re.compile(r"\b[^\W\d_a-zà-ỹ][^\W\d_]* $")  # a name: Việt Nam 3-1 Thái Lan
_COUNTER = re.compile(r"\b(?:số|nhà|ngõ|hẻm|tầng|cấp|mức|hạng|loại|trang|từ|tháng|năm) $", _I)
_OTHER_SIDE = re.compile(r" [^\W\d_a-zà-ỹ][^\W\d_]*[a-zà-ỹ]")


def scores(draft: Draft) -> Iterator[Found]:
    """ "tỷ số 2-1", "thắng đội bạn 3-2", "Việt Nam 3-1 Thái Lan", "tỷ lệ 3:1"."""
    for match in draft.at_numbers(SCALE, then="-:"):
        if _SCALE.search(draft.before(match.start())):
            a, b = numbers.plain(match["a"]), numbers.plain(match["b"])
            yield Found(*match.span(), f"{a} trên {b}", "score")
    last = -1
    for match in draft.at_numbers(SCORE, then="-–:"):
        listed = last >= 0 and match.start() - last < 8
        listed = listed and draft.text[last : match.start()].strip(" ,;(") in ("", "và")
        if listed or _is_score(draft, match):
            last = match.end()
            a, b = numbers.plain(match["a"]), numbers.plain(match["b"])
            yield Found(*match.span(), f"{a} {b}", "score")


def _is_score(draft: Draft, match: re.Match[str]) -> bool:
    before, after = draft.before(match.start(), 60), draft.after(match.end())
    if _SCORE.search(before):
        return COUNTED.match(after) is None
    if "-" in match.group() and _PAIRING.search(before) and not _CALENDAR.search(before):
        return COUNTED.match(after) is None
    plain = "-" in match.group() and " " not in match.group()
    named = _SIDE.search(before) is not None and _OTHER_SIDE.match(after) is not None
    return plain and named and not LISTED.search(before) and not _COUNTER.search(before)
