"""What stands behind a slash and means "for each": 5.000 đ/kg, 35 em/lớp, 20 bình/ha."""

from __future__ import annotations

import re
from collections.abc import Iterator

from content.reading_draft import Draft, Found
from content.reading_quantities import NUMERIC
from content.reading_units import ANY_UNIT, PER_GROUPS, PER_PAIRS, PER_WORDS, UNITS
from content.syllables import LOWER, VOWELS, spell, without_tone, word_set

_I = re.IGNORECASE

_LEFT_WORDS = word_set(
    "đồng nghìn ngàn triệu tỷ tỉ lần lượt buổi ca viên tấn tạ yến con cây người suất vé liều bữa cốc "
    "lít tiết kg gam ha mét trường giờ gói bao hộ số"
)

_AREAS = word_set("sào ha mẫu công m2 m² người hộ vụ năm tháng ngày khẩu suất")
_AMOUNT = re.compile(
    r"\d ?(?:kg|g|ml|l|lít|tấn|tạ|yến|cây|con|gói|chai|bao|gam|viên|lọ|thùng|khóm)(?: [^\W\d_]+){1,3} ?$"
)
_DAYS = word_set("ngày đêm tuần tháng năm buổi ca lần")

PER = re.compile(rf" ?/ ?(?P<unit>{'|'.join(PER_PAIRS)}|{ANY_UNIT}|[^\W\d_]{{1,8}})(?!\w)")


SLASH = re.compile(r" ?/ ?")
_THINGS_BEFORE = re.compile(rf"\d ([{LOWER}]+)(?: [{LOWER}]+){{0,2}}$")
_MORE_WORDS = re.compile(rf"(?: [{LOWER}]+){{1,2}}(?=/)")  # 500đ/cán bộ thôn/tháng
_PLACES = word_set("thôn xóm ấp bản làng tổ khu đội nhóm")


def _ratio_word(draft: Draft, slash: int, unit: str) -> str:
    base = draft.text[max(0, slash - 4) : slash].strip()
    physical = unit in ("h", "s", "l", "L", "giờ", "giây", "phút", "m3", "m³", "ml", "km2", "km²")
    return "trên" if physical and re.search(r"(?:m|km|g|mét|gam|người)$", base, _I) else "một"


def per_units(draft: Draft) -> Iterator[Found]:
    """ "/kg", "/tháng", "/người" behind money, a measure or a counted word."""
    if "/" not in draft.masked:
        return
    ends: set[int] = set()
    for match in SLASH.finditer(draft.masked):  # 65.000 đ/HS/tháng
        right = draft.starting(match.end())
        if right is not None and right.rule == "dictionary" and _is_amount(draft, match.start()):
            ends.add(right.end)
            yield Found(*match.span(), " một ", "unit")
    last = -1
    for match in PER.finditer(draft.masked):
        slash = match.start()
        last = slash if slash in ends else last
        ended = draft.ending(slash)
        measured = ended is not None and ended.rule in ("money", "unit", "percent", "time")
        if ended is not None and ended.rule == "number":  # 2tr5/tháng
            joined = draft.ending(ended.start)
            measured = joined is not None and joined.rule in ("money", "unit")
        word = re.search(r"[^\W\d_]+$", draft.masked[max(0, slash - 8) : slash])
        counted = word is not None and (
            word.group().lower() in _LEFT_WORDS or _numbered(draft, slash - len(word.group()))
        )
        counted = counted or _counted_group(draft, match)
        if not (measured or counted or slash == last or _measured_thing(draft, match)):
            continue
        if ended is not None and ended.rule == "time" and match["unit"].lower() not in _DAYS:
            continue
        said, warning = _per(match["unit"], money=measured and ended is not None)
        if (
            said is None
            and match["unit"] in PER_GROUPS
            and (slash == last or _counted_group(draft, match))
        ):
            said = match["unit"]
        if said is None:
            continue
        more = _MORE_WORDS.match(draft.text, match.end())
        last = more.end() if more else match.end()
        ratio = _ratio_word(draft, slash, match["unit"])
        yield Found(slash, match.end(), f" {ratio} {said}", "unit", warning)


def _is_amount(draft: Draft, end: int) -> bool:
    ended = draft.ending(end)
    return ended is not None and ended.rule in ("money", "unit", "percent")


def _counted_group(draft: Draft, match: re.Match[str]) -> bool:
    """ "35 em/lớp", "2 giáo viên/lớp"; but "3 thôn/xóm" are either."""
    things = _THINGS_BEFORE.search(draft.before(match.start()))
    if things is None or match["unit"] not in PER_GROUPS:
        return False
    return not (things[1] in _PLACES and match["unit"] in _PLACES)


def _measured_thing(draft: Draft, match: re.Match[str]) -> bool:
    """ "20kg NPK/sào", "5 tấn phân chuồng/ha"."""
    sure = match["unit"] in _AREAS
    return sure and _AMOUNT.search(draft.before(match.start())) is not None


def _numbered(draft: Draft, start: int) -> bool:
    """Whether the word that starts here is counted: "20 bình/ha"."""
    ended = draft.ending(start - 1)
    return ended is not None and ended.rule in NUMERIC


def _per(unit: str, *, money: bool) -> tuple[str | None, str | None]:
    if unit.lower() in PER_WORDS or unit in PER_PAIRS:
        return unit, None
    if unit in UNITS:
        return UNITS[unit], None
    if not money:
        return None, None
    if VOWELS.isdisjoint(without_tone(unit.lower())[0]):
        return spell(unit), f"Chưa biết đơn vị “{unit}”; hãy viết đầy đủ."
    return unit, None
