"""Plain numbers with what they measure: 1.500.000 đ/kg, 38,5°C, 70%, 10-15 người, -5°C."""

from __future__ import annotations

import re
from collections.abc import Iterator

from content import numbers
from content.reading_dates import COUNTED
from content.reading_draft import Draft, Found
from content.syllables import VOWELS, spell, without_tone, word_set

_I = re.IGNORECASE

LENGTHS = {
    "km": "ki-lô-mét", "km2": "ki-lô-mét vuông", "m": "mét", "m2": "mét vuông", "m3": "mét khối",
    "cm": "xen-ti-mét", "cm2": "xen-ti-mét vuông", "cm3": "xen-ti-mét khối", "dm": "đề-xi-mét",
    "mm": "mi-li-mét", "ha": "héc-ta", "ml": "mi-li-lít", "l": "lít", "mg": "mi-li-gam",
    "g": "gam", "gr": "gam", "kg": "ki-lô-gam", "µg": "mi-crô-gam", "μg": "mi-crô-gam",
}  # fmt: skip
OTHERS = {
    "W": "oát", "kW": "ki-lô-oát", "KW": "ki-lô-oát", "MW": "mê-ga-oát", "kWh": "ki-lô-oát giờ",
    "KWh": "ki-lô-oát giờ", "kwh": "ki-lô-oát giờ", "V": "vôn", "kV": "ki-lô-vôn", "KV": "ki-lô-vôn",
    "kVA": "ki-lô-vôn am-pe", "KVA": "ki-lô-vôn am-pe", "Hz": "héc", "kHz": "ki-lô-héc",
    "MHz": "mê-ga-héc", "GB": "ghi-ga-bai", "MB": "mê-ga-bai",
    "Mbps": "mê-ga-bít một giây", "dB": "đề-xi-ben", "dBA": "đề-xi-ben", "s": "giây", "h": "giờ",
    "p": "phút", "ph": "phút", "'": "phút", "k": "nghìn", "K": "nghìn", "tr": "triệu",
    "Tr": "triệu", "ppm": "phần triệu", "cc": "phân khối", "mmHg": "mi-li-mét thủy ngân", "L": "lít",
}  # fmt: skip
MONEY = {
    "đ": "đồng", "Đ": "đồng", "đồng": "đồng", "VNĐ": "đồng", "VND": "đồng", "vnđ": "đồng",
    "vnd": "đồng", "₫": "đồng", "USD": "đô la Mỹ", "$": "đô la", "€": "ơ-rô", "EUR": "ơ-rô",
}  # fmt: skip
TEMPERATURES = {"°C": "độ xê", "° C": "độ xê", "oC": "độ xê", "℃": "độ xê", "độ C": "độ xê",
                "°F": "độ ép", "°": "độ"}  # fmt: skip
_TIGHT = frozenset({"k", "K", "p", "s", "V", "W", "Đ", "'"})  # too short to stand behind a space
PERCENTS = {"%": "phần trăm", "‰": "phần nghìn"}
# Shown with a capital by habit only.
_CAPITALS = {name.capitalize(): said for name, said in LENGTHS.items() if len(name) > 1}
_UPPER = {name.upper(): said for name, said in LENGTHS.items() if name[:2] in ("km", "kg", "cm")}
_SQUARES = {
    name[:-1] + sign: said
    for name, said in (LENGTHS | _CAPITALS | _UPPER).items()
    for digit, sign in (("2", "²"), ("3", "³"))
    if name.endswith(digit)
}
MEASURES = LENGTHS | _CAPITALS | _UPPER | _SQUARES | OTHERS
UNITS = MEASURES | MONEY | TEMPERATURES | PERCENTS
# Units that are words by themselves, behind a slash: đồng/tháng, lần/ngày.
PER_WORDS = word_set(
    "ngày đêm tuần tháng quý năm giờ phút giây người hộ khẩu suất vụ lần buổi ca con cây cái chiếc "
    "bộ bao gói chai vé tấn tạ yến lít sào mẫu công khóa đợt bình lượt tiết học đầu cân bữa"
)
_LEFT_WORDS = word_set(
    "đồng nghìn ngàn triệu tỷ tỉ lần lượt buổi ca viên tấn tạ yến con cây người suất vé liều bữa cốc "
    "lít tiết kg gam ha mét trường giờ gói bao hộ số"
)

_ALTERNATIVES = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
UNIT = re.compile(rf" ?(?P<unit>{_ALTERNATIVES})(?:(?<=tr)(?=\d)|(?<=[%‰°$€₫'℃])|(?!\w))")
PREFIXED_MONEY = re.compile(r"[$€] ?$")
_LONE = (
    "(?P<unit>"
    + "|".join(
        re.escape(unit)
        for unit in sorted(
            MEASURES | {"USD": "", "VNĐ": "", "VND": "", "℃": "", "°C": ""}, key=len
        )[::-1]
        if len(unit) > 1 and unit.lower() not in ("ha", "tr", "ph", "dm", "gr", "mb", "gb")
    )
    + r")(?!\w)"
)
LONE_UNIT = re.compile(rf"(?<![\w/])(?<!\d ){_LONE}")
LEFT_OVER_UNIT = re.compile(rf"(?<=/){_LONE}")
PER = re.compile(r" ?/ ?(?P<unit>" + _ALTERNATIVES + r"|[^\W\d_]{1,8})(?!\w)")
RANGE = re.compile(r"->|[-–~÷→xX×*]")

_FREEZING = re.compile(
    r"\b(?:dưới|xuống|còn|mức|nhiệt độ|là|từ|khoảng|đến|thấp nhất|lạnh|GMT|UTC) ?$", _I
)
_LISTED = re.compile(
    r"\b(?:thôn|tổ|khu|ấp|điều|khoản|lớp|đội|câu|bài|quý|tuần|phường|khối|xóm|nhóm|đợt|mục"
    r"|tổ dân phố|khu phố|phòng|cụm)(?: số)? ?$",
    _I,
)
_NAMED = re.compile(
    r"\b(?:số|đề án|nghị quyết|chỉ thị|quyết định|thông tư|nghị định|kế hoạch|mẫu|mã) ?$", _I
)
_VERSION = re.compile(
    r"\b(?:công nghiệp|phiên bản|mục|điều|chương trình|bản|phần|PM|số|cách mạng) ?$", _I
)
_NUMERIC = frozenset(
    {"number", "decimal", "money", "unit", "percent", "temperature", "ordinal", "range"}
)
_SAME_KIND = ({"date"}, {"time"}, {"roman"}, {"weekday", "ordinal"}, _NUMERIC)

_SQUARED = re.compile(r"/ ?[kcd]?m$")
_COUNTS = re.compile(
    r" (?:triệu|tỷ|tỉ|nghìn|ngàn|đồng|tấn|tạ|yến|mét|độ|phần|cây số|sào|mẫu|công|điểm|giờ)\b", _I
)

_DOUBT = "“{}” có thể hiểu nhiều cách; hãy nghe lại hoặc viết bằng chữ."


def _thousands(whole: str) -> str:
    return numbers.integer(int(re.sub(r"\D", "", whole)))


def _one_separator(text: str, before: str, unit: str | None) -> tuple[str, str | None]:
    """One dot or comma; `unit` is "" where only a word behind tells that something is measured."""
    whole, sign, part = re.split(r"([.,])", text)
    if sign == ",":
        if len(part) == 3 and unit in MONEY:
            return _thousands(text), _DOUBT.format(text)
        if not unit and _LISTED.search(before):
            return f"{numbers.plain(whole)}, {numbers.plain(part)}", None
        doubt = _DOUBT.format(text) if len(part) == 3 else None
        return f"{_whole(whole)} phẩy {numbers.after_comma(part)}", doubt
    joint = "chấm" if unit is None else "phẩy"
    clear = unit is not None or set(part) == {"0"} or not before.strip() or _VERSION.search(before)
    doubt = None if clear and len(part) < 3 else _DOUBT.format(text)
    return f"{_whole(whole)} {joint} {numbers.after_comma(part)}", doubt


def _whole(text: str) -> str:
    return numbers.plain(text) if len(text) <= 15 else numbers.digits(text)


def say(text: str, before: str = "", unit: str | None = None) -> tuple[str, str | None]:
    """Words of a written number with dots and commas, and a warning where it can be meant otherwise."""
    if text.isdigit():
        return _whole(text), None
    if len(text) > 24:
        runs = re.findall(r"\d+", text)
        return numbers.digit_groups(runs), _DOUBT.format(text[:24])
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+", text):
        return _thousands(text), None
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+,\d+", text):
        whole, part = text.split(",")
        return f"{_thousands(whole)} phẩy {numbers.after_comma(part)}", None
    if re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3}){2,}", text):
        return _thousands(text), None
    if len(re.findall(r"[.,]", text)) == 1:
        return _one_separator(text, before, unit)
    return _many_separators(text, before)


def _many_separators(text: str, before: str) -> tuple[str, str | None]:
    parts = re.findall(r"\d+", text)
    if "." not in text:
        return ", ".join(map(numbers.plain, parts)), None
    heading = before.strip() == "" or _VERSION.search(before) or _LISTED.search(before)
    joint = " chấm " if "," not in text else ", "
    return joint.join(map(numbers.plain, parts)), None if heading else _DOUBT.format(text)


def _kind(unit: str | None, text: str) -> str:
    if unit is None:
        return "number" if text.isdigit() or "." in text else "decimal"
    for kind, table in (("money", MONEY), ("temperature", TEMPERATURES), ("percent", PERCENTS)):
        if unit in table:
            return kind
    return "unit"


def _minus(draft: Draft, start: int, unit: str | None) -> tuple[int, str, str | None]:
    """A minus sign before the number: where it starts, "âm ", and a warning where it may be a dash."""
    if start == 0 or draft.masked[start - 1] not in "-–":
        return start, "", None
    left = draft.text[start - 2] if start > 1 else "\n"
    near = draft.before(start - 1)
    if left not in " \n\r([,:;" or re.search(r"\d ?$", near):
        return start, "", None
    said = "" if re.search(r"\bâm ?$", near, _I) else "âm "
    if unit in TEMPERATURES or _FREEZING.search(near):
        return start - 1, said, None
    degrees = re.match(r"[\d.,]+ ?độ\b", draft.after(start), _I)
    if degrees:
        return start - 1, said, None
    if not near.strip() or left in "([,:;":
        return start, "", None  # a dash of a list
    return start - 1, said, "Dấu “-” đọc là “âm”; nếu là gạch nối, hãy viết thêm dấu cách."


def _unpadded(draft: Draft, match: re.Match[str], unit: str | None) -> str:
    """ "05 hộ" and "05 kg" count five, the zero only fills the column; "đề án 06" is a name."""
    text = match.group()
    if not re.fullmatch(r"0[1-9]", text) or _NAMED.search(draft.before(match.start())):
        return text
    return text[1] if unit or COUNTED.match(draft.after(match.end())) else text


def _unit(draft: Draft, number: re.Match[str]) -> re.Match[str] | None:
    match = UNIT.match(draft.masked, number.end())
    if match is None or (match["unit"] in _TIGHT and match.group()[0] == " "):
        return None
    if match["unit"] == "'":  # a closing quotation mark: 'năm 2020'
        quoted = draft.before(number.start(), 200).count("'") % 2
        return None if quoted or len(number.group()) > 3 else match
    return match


def quantities(draft: Draft) -> Iterator[Found]:
    """Every number still left, with the unit behind it or the currency sign before it."""
    for match in NUMBER.finditer(draft.masked):
        if match.group() in ("2", "3") and _SQUARED.search(draft.before(match.start())):
            continue  # đồng/m2
        unit_match = _unit(draft, match)
        unit = unit_match["unit"] if unit_match else None
        end = unit_match.end() if unit_match else match.end()
        start, sign, doubt = _minus(draft, match.start(), unit)
        before = draft.before(start)
        money = PREFIXED_MONEY.search(draft.before(start)) if unit is None else None
        text = _unpadded(draft, match, unit)
        counts = _COUNTS.match(draft.after(end)) or COUNTED.match(draft.after(end))
        said, warning = say(text, before, "" if unit is None and counts else unit)
        tail = f" {UNITS[unit]}" if unit else ""
        if money:
            start -= len(money.group())
            unit, tail = money.group()[0], f" {MONEY[money.group()[0]]}"
        yield Found(start, end, f"{sign}{said}{tail}", _kind(unit, text), doubt or warning)


def _ratio_word(draft: Draft, slash: int, unit: str) -> str:
    base = draft.text[max(0, slash - 4) : slash].strip()
    physical = unit in ("h", "s", "l", "L", "giờ", "giây", "phút", "m3", "m³", "ml", "km2", "km²")
    return "trên" if physical and re.search(r"(?:m|km|g|mét|gam|người)$", base, _I) else "một"


def per_units(draft: Draft) -> Iterator[Found]:
    """ "/kg", "/tháng", "/người" behind money, a measure or a counted word."""
    last = -1
    for match in PER.finditer(draft.masked):
        slash = match.start()
        ended = draft.ending(slash)
        measured = ended is not None and ended.rule in ("money", "unit", "percent")
        word = re.search(r"[^\W\d_]+$", draft.masked[max(0, slash - 8) : slash])
        counted = word is not None and (
            word.group().lower() in _LEFT_WORDS or _numbered(draft, slash - len(word.group()))
        )
        if not (measured or counted or slash == last):
            continue
        said, warning = _per(match["unit"], money=measured and ended is not None)
        if said is None:
            continue
        last = match.end()
        ratio = _ratio_word(draft, slash, match["unit"])
        yield Found(slash, match.end(), f" {ratio} {said}", "unit", warning)


def _numbered(draft: Draft, start: int) -> bool:
    """Whether the word that starts here is counted: "20 bình/ha"."""
    ended = draft.ending(start - 1)
    return ended is not None and ended.rule in _NUMERIC


def _per(unit: str, *, money: bool) -> tuple[str | None, str | None]:
    if unit.lower() in PER_WORDS:
        return unit, None
    if unit in UNITS:
        return UNITS[unit], None
    if not money:
        return None, None
    if VOWELS.isdisjoint(without_tone(unit.lower())[0]):
        return spell(unit), f"Chưa biết đơn vị “{unit}”; hãy viết đầy đủ."
    return unit, None


def lone_units(draft: Draft) -> Iterator[Found]:
    """Units without a number: "tính bằng m2"."""
    for match in LONE_UNIT.finditer(draft.masked):
        yield Found(*match.span(), UNITS[match["unit"]], "unit")


def left_over_units(draft: Draft) -> Iterator[Found]:
    """Units behind a slash that does not mean "for each"."""
    for match in LEFT_OVER_UNIT.finditer(draft.masked):
        yield Found(*match.span(), UNITS[match["unit"]], "unit")
    for match in NUMBER.finditer(draft.masked):
        yield Found(*match.span(), say(match.group())[0], "number")


_COMPARED = {">": "trên", "<": "dưới", "≥": "từ", "≤": "không quá", ">=": "từ", "<=": "không quá"}
COMPARISON = re.compile(r"(?<![-<>=])(?:[<>]=?|[≥≤])(?![<>])")


def comparisons(draft: Draft) -> Iterator[Found]:
    """ ">60 tuổi" → "trên sáu mươi tuổi"."""
    for match in COMPARISON.finditer(draft.masked):
        right = draft.starting(draft.spaces_after(match.end(), 2))
        if right is not None and right.rule in _NUMERIC:
            yield Found(*match.span(), _COMPARED[match.group()], "symbol")


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
        if left is None or right is None or not _same_kind(left, right):
            continue
        if match.group() in "xX×*":
            yield Found(start, end, " nhân ", "range")
            continue
        said, warning = _between(draft, left, right)
        yield Found(start, end, said, "range", warning)


def _between(draft: Draft, left: Found, right: Found) -> tuple[str, str | None]:
    first, last = (draft.text[piece.start : piece.end] for piece in (left, right))
    if (first, last) == ("30/4", "1/5"):
        return " và ", None
    if not (first.isdigit() and last.isdigit() and len(first + last) < 20):
        return " đến ", None
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


SCORE = re.compile(r"(?<![\w.,/-])(?P<a>\d{1,2}) ?[-–:] ?(?P<b>\d{1,2})(?![\w/:-])(?![.,]\d)")
_SCORE = re.compile(
    r"\b(?:t[ỷỉ] số|thắng|thua|hòa|hoà|dẫn|dẫn trước|kết quả)(?: chung cuộc)? ?:? ?$", _I
)
_SCALE = re.compile(r"\bt[ỷỉ] lệ(?: pha)? ?:? ?$", _I)


def scores(draft: Draft) -> Iterator[Found]:
    """ "tỷ số 2-1", "tỷ lệ 3:1"."""
    for match in SCORE.finditer(draft.masked):
        a, b = numbers.plain(match["a"]), numbers.plain(match["b"])
        before = draft.before(match.start())
        if _SCORE.search(before):
            yield Found(*match.span(), f"{a} {b}", "score")
        elif _SCALE.search(before):
            yield Found(*match.span(), f"{a} trên {b}", "score")
