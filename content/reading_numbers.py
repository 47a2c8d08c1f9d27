"""A written number with dots and commas, in words: 1.500, 38,5, 2.1, 1,500,000."""

from __future__ import annotations

import re

from content import numbers
from content.reading_units import MONEY

_I = re.IGNORECASE

LISTED = re.compile(
    r"\b(?:thôn|tổ|khu|ấp|điều|khoản|lớp|đội|câu|bài|quý|tuần|phường|khối|xóm|nhóm|đợt|mục"
    r"|tổ dân phố|khu phố|phòng|cụm)(?: số)? ?$",
    _I,
)
_VERSION = re.compile(
    r"\b(?:công nghiệp|phiên bản|mục|điều|chương trình|bản|phần|PM|số|cách mạng) ?$", _I
)
_MARK = re.compile(  # 24.5 of an examination, but point 2.1 of a paper
    r"\bđiểm(?: (?:chuẩn|thi|sàn|số|trung bình|TB|xét tuyển|trúng tuyển|cộng|thưởng|bình quân))"
    r"(?: [^\W\d_]+){0,3}:? $|(?<!tại )(?<!theo )(?<!khoản )(?<!\w, )\bđược (?:số )?điểm:? $"
    r"|(?-i:\b(?:Toán|Văn|Anh|Lý|Hóa|Sinh|Sử|Địa)):? $"
    r"|\b(?:bình quân|trung bình|lãi suất|độ mặn|pH|nặng|mực nước)(?: (?:là|đạt|khoảng|hơn|gần|trên|dưới))? ?:? ?$",
    _I,
)
THINGS = "things"
_DOUBT = "“{}” có thể hiểu nhiều cách; hãy nghe lại hoặc viết bằng chữ."


def thousands(whole: str) -> str:
    """1.500.000 as one number, whatever stands between its digits."""
    return numbers.integer(int(re.sub(r"\D", "", whole)))


def _one_separator(text: str, before: str, unit: str | None) -> tuple[str, str | None]:
    """One dot or comma; `unit` is "" or THINGS where only a word behind tells what is counted."""
    whole, sign, part = re.split(r"([.,])", text)
    if sign == ",":
        large = unit in MONEY or part == "000" or unit == THINGS
        if len(part) == 3 and whole[0] != "0" and large:
            return thousands(text), _DOUBT.format(text)
        if unit in (None, "", THINGS) and LISTED.search(before):
            return f"{numbers.plain(whole)}, {numbers.plain(part)}", None
        doubt = _DOUBT.format(text) if len(part) == 3 and whole != "0" else None
        return f"{_whole(whole)} phẩy {numbers.after_comma(part)}", doubt
    mark = _MARK.search(before) is not None
    joint = "chấm" if unit is None and not mark else "phẩy"
    clear = (
        mark
        or unit is not None
        or set(part) == {"0"}
        or not before.strip()
        or _VERSION.search(before)
    )
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
        return thousands(text), None
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+,\d+", text):
        whole, part = text.split(",")
        return f"{thousands(whole)} phẩy {numbers.after_comma(part)}", None
    if re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3}){2,}", text):
        return thousands(text), None
    if len(re.findall(r"[.,]", text)) == 1:
        return _one_separator(text, before, unit)
    return _many_separators(text, before)


def _many_separators(text: str, before: str) -> tuple[str, str | None]:
    parts = re.findall(r"\d+", text)
    if "." not in text:
        return ", ".join(map(numbers.plain, parts)), None
    heading = before.strip() == "" or _VERSION.search(before) or LISTED.search(before)
    joint = " chấm " if "," not in text else ", "
    return joint.join(map(numbers.plain, parts)), None if heading else _DOUBT.format(text)
