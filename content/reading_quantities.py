"""Plain numbers with what they measure: 1.500.000 đ/kg, 38,5°C, 70%, 10-15 người, -5°C."""

from __future__ import annotations

import re
from collections.abc import Iterator

from content import numbers
from content.reading_dates import COUNTED
from content.reading_draft import Draft, Found
from content.reading_numbers import LISTED, THINGS, say, thousands
from content.reading_units import (
    ALONE,
    ANY_UNIT,
    MILLIONS,
    MONEY,
    PERCENTS,
    STARS,
    TEMPERATURES,
    TIGHT,
    UNITS,
)
from content.syllables import LOWER, any_of, word_set

_I = re.IGNORECASE

_NO_NOUNS = word_set(
    "và của là tại trong đến tới được đã có theo này về với do từ ở khi thì mà hay hoặc nằm thuộc ban họp"
)
NUMBER = re.compile(r"\d\d*(?:[.,]\d+)*")
SPACED = re.compile(r"(?<![\w.,/:-])[1-9]\d{0,2}(?: \d{3}){1,4}(?![\w.,/:-]?\d)(?! \d)")
UNIT = re.compile(
    rf"(?:,-?(?=đ))? ?(?P<unit>{ANY_UNIT})"
    r"(?:(?<=tr)(?=\d)|(?<=[%‰°$€₫'℃*])|(?!\w)|(?<=\dm|kg|km)(?=\d{1,2}(?!\w)))"
)
WORDED = re.compile(r"(?<![\w.,/:-])(?P<number>\d{1,6}) ?\((?P<words>[^\W\d_][^()\d]{1,60})\)")
METRES = re.compile(r"(?P<unit>m)")
MULTIPLIED = re.compile(
    r"(?<=[unỷỉm] )(?:(?<=triệu )|(?<=nghìn )|(?<=ngàn )|(?<=tỷ )|(?<=tỉ )|(?<=trăm ))"
    r"(?P<unit>ha|m|l|đ|Đ|VNĐ|VND|vnđ|vnd|USD)(?!\w)"
)
PREFIXED_MONEY = re.compile(r"[$€] ?$")
_LONE = rf"(?P<unit>{any_of(ALONE)})(?!\w)"
LONE_UNIT = re.compile(rf"(?<![\w/])(?<!\d ){_LONE}")
LEFT_OVER_UNIT = re.compile(rf"(?<=/){_LONE}")
_FREEZING = re.compile(
    r"\b(?:dưới|xuống|còn|mức|nhiệt độ|là|từ|khoảng|đến|thấp nhất|lạnh|GMT|UTC) ?$", _I
)
_APART = re.compile(
    r"\b(?:dưới|xuống|xuống tới|xuống đến|còn|mức|nhiệt độ|là|thấp nhất|lạnh|tới) [-–] $", _I
)
_DEGREES = re.compile(r"[\d.,]+(?: ?(?:đến|tới|[-–]) ?[-–]?[\d.,]+)? ?(?:độ\b|°)", _I)
_NAMED = re.compile(
    r"\b(?:số|đề án|nghị quyết|chỉ thị|quyết định|thông tư|nghị định|kế hoạch|mẫu|mã) ?$", _I
)
NUMERIC = frozenset(
    {"number", "decimal", "money", "unit", "percent", "temperature", "ordinal", "range"}
)

_TALL = re.compile(r"\b(?:cao|sâu|ngập|dài|dày)(?: khoảng| hơn| trên| gần| tới| từ)? ?$", _I)
_HEAVY = re.compile(
    r"(?:[<>≥≤] ?|\b(?:xe|tải|trọng tải|trọng lượng|nặng|tải trọng|trên|quá)\b[^.;]{0,16})$", _I
)
_PRICED = re.compile(
    r"(?:\b(?:giá|phí|vé|tiền|mua|bán|thu|nộp|ủng hộ|góp|chỉ|từ|còn|đồng|phạt|lương|thưởng)\b[^.;]{0,16}"
    r"|\dK? ?[-–] ?)$",
    _I,
)
_GOLD = re.compile(r"\bvàng $", _I)
_SQUARED = re.compile(r"/ ?[kcd]?m$")
_COUNTS = re.compile(
    r" (?:triệu|tỷ|tỉ|nghìn|ngàn|đồng|tấn|tạ|yến|mét|độ|phần|cây số|sào|mẫu|công|điểm|giờ)\b", _I
)

_MONEY = MONEY | MILLIONS
_THINGS = re.compile(
    r" (?:người|hộ|khẩu|con|cây|cái|chiếc|cháu|em|học sinh|đại biểu|hội viên|đoàn viên|đảng viên|suất"
    r"|phần quà|bộ|phiếu|bao|chai|thùng|xe|cử tri|lao động|lượt|trường hợp|hồ sơ|liều|viên)\b",
    _I,
)


def _kind(unit: str | None, text: str) -> str:
    if unit is None:
        return "number" if text.isdigit() or "." in text else "decimal"
    for kind, table in (
        ("money", _MONEY),
        ("temperature", TEMPERATURES),
        ("percent", PERCENTS),
    ):
        if unit in table:
            return kind
    return "unit"


def _minus(draft: Draft, start: int, unit: str | None) -> tuple[int, str, str | None]:
    """A minus sign before the number: where it starts, "âm ", and a warning where it may be a dash."""
    if unit in TEMPERATURES and _APART.search(draft.before(start)):
        return start - 2, "âm ", None
    if start == 0 or draft.masked[start - 1] not in "-–":
        return start, "", None
    left = draft.text[start - 2] if start > 1 else "\n"
    near = draft.before(start - 1)
    if left not in " \n\r([,:;" or re.search(r"\d ?$", near):
        return start, "", None
    said = "" if re.search(r"\bâm ?$", near, _I) else "âm "
    if unit in TEMPERATURES or _FREEZING.search(near):
        return start - 1, said, None
    degrees = _DEGREES.match(draft.after(start))
    if degrees:
        return start - 1, said, None
    if not near.strip() or left in "([,:;":
        return start, "", None  # a dash of a list
    return start - 1, said, "Dấu “-” đọc là “âm”; nếu là gạch nối, hãy viết thêm dấu cách."


def _unpadded(draft: Draft, match: re.Match[str], unit: str | None) -> str:
    """ "05 hộ" and "05 kg" count five, the zero only fills the column; "đề án 06" is a name."""
    text = match.group()
    if (
        text[0] != "0"
        or not text.isdigit()
        or len(text) != 2
        or _NAMED.search(draft.before(match.start()))
    ):
        return text
    after = re.sub(r"^ ?[-–] ?\d{1,2}(?!\d)", "", draft.after(match.end()))
    counts = COUNTED.match(after) or UNIT.match(after) or _counts_any(draft, match.start(), after)
    return text[1] if unit or counts else text


def _counts_any(draft: Draft, start: int, after: str) -> bool:
    """Whether a plain word is counted: "nộp 01 đơn"; but "tổ 01 họp" names a group."""
    noun = re.match(rf" ([{LOWER}]+)", after)
    named = draft.starting(start + 3)  # "02 GV": the digits, and a space
    if noun is None and (named is None or named.rule != "dictionary"):
        return False
    if noun is not None and noun[1] in _NO_NOUNS:
        return False
    return LISTED.search(draft.before(start)) is None


def _before(draft: Draft, match: re.Match[str]) -> str:
    return draft.before(match.start())


def _unit(draft: Draft, number: re.Match[str]) -> re.Match[str] | None:
    match = UNIT.match(draft.masked, number.end())
    if match is not None and match["unit"] in ("m2", "m3") and _TALL.search(_before(draft, number)):
        match = METRES.match(draft.masked, number.end())  # cao 1m2
    if match is not None and match["unit"] == "K" and _GOLD.search(_before(draft, number)):
        return None
    if match is None or (match["unit"] in TIGHT and match.group()[0] == " "):
        return None
    if match["unit"] == "''" and not re.search(r"\d'$", draft.before(number.start())):
        return None  # two of them close a quotation
    if match["unit"] == "T" and not _HEAVY.search(_before(draft, number)):
        return None
    if (
        match["unit"] == "K"
        and len(number.group()) == 1
        and not _PRICED.search(_before(draft, number))
    ):
        return match if draft.after(match.end(), 1) == "/" else None  # 5K: five rules
    if match["unit"] == "M" and re.search(rf"[{LOWER}]", _before(draft, number)):
        return None  # a metre in lines of capitals only
    if match["unit"] in STARS:
        return match if re.match(r"\*(?! ?\d|\*)", draft.after(match.end() - 1)) else None
    if match["unit"] == "'":  # a closing quotation mark: 'năm 2020'
        quoted = len(re.findall(r"(?<!\d)'", draft.before(number.start(), 200))) % 2
        return None if quoted or len(number.group()) > 3 else match
    return match


def worded_numbers(draft: Draft) -> Iterator[Found]:
    """ "05 (năm) suất": said once."""
    for match in draft.at_numbers(WORDED, then="("):
        value = numbers.integer(int(match["number"]))
        if match["words"].lower() in (value, value.replace("lẻ", "linh")):
            yield Found(*match.span(), value, "number")


def spaced_thousands(draft: Draft) -> Iterator[Found]:
    """1 500 000 đồng, 10 000 con: thousands set apart by spaces."""
    for match in draft.at_numbers(SPACED):
        unit = _unit(draft, match)
        money = unit is not None and unit["unit"] in MONEY
        if money or " 000" in match.group():
            said = thousands(match.group())
            tail = f" {UNITS[unit['unit']]}" if unit else ""
            kind = _kind(unit["unit"] if unit else None, "0")
            yield Found(match.start(), unit.end() if unit else match.end(), said + tail, kind)


def quantities(draft: Draft) -> Iterator[Found]:
    """Every number still left, with the unit behind it or the currency sign before it."""
    for match in NUMBER.finditer(draft.masked):
        text = match.group()
        if text in ("2", "3") and _SQUARED.search(draft.before(match.start())):
            continue  # đồng/m2
        unit_match = _unit(draft, match)
        unit = unit_match["unit"] if unit_match else None
        end = unit_match.end() if unit_match else match.end()
        start, sign, doubt = _minus(draft, match.start(), unit)
        before = draft.before(start)
        money = PREFIXED_MONEY.search(before) if unit is None else None
        text = _unpadded(draft, match, unit)
        counted = unit if unit or text.isdigit() else _counted(draft.after(end))
        said, warning = say(text, before, counted)
        tail = f" {UNITS[unit]}" if unit else ""
        if money:
            start -= len(money.group())
            unit, tail = money.group()[0], f" {MONEY[money.group()[0]]}"
        yield Found(start, end, f"{sign}{said}{tail}", _kind(unit, text), doubt or warning)


def _counted(after: str) -> str | None:
    """What a number counts where no unit stands: things by the piece, something measured, or nothing."""
    if _THINGS.match(after):
        return THINGS
    return "" if _COUNTS.match(after) or COUNTED.match(after) else None


def lone_units(draft: Draft) -> Iterator[Found]:
    """Units without a number straight before: "tính bằng m2", "1 triệu ha"."""
    for match in MULTIPLIED.finditer(draft.masked):
        yield Found(*match.span(), UNITS[match["unit"]], _kind(match["unit"], ""))
    for match in LONE_UNIT.finditer(draft.masked):
        yield Found(*match.span(), UNITS[match["unit"]], "unit")


def left_over_units(draft: Draft) -> Iterator[Found]:
    """Units behind a slash that does not mean "for each"."""
    for match in LEFT_OVER_UNIT.finditer(draft.masked if "/" in draft.masked else ""):
        yield Found(*match.span(), UNITS[match["unit"]], "unit")
    for match in NUMBER.finditer(draft.masked):
        yield Found(*match.span(), say(match.group())[0], "number")
