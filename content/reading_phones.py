"""Numbers to call: telephones, hotlines, and what is pressed on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from content import numbers
from content.reading_dates import COUNTED
from content.reading_draft import Draft, Found

_I = re.IGNORECASE

PHONE = re.compile(
    r"(?:(?<![\w.,/])|(?<=\d{3}/)(?=0[2-9]))"
    r"(?:(?P<area>\(0\d{1,3}\)) ?\d{1,4}"
    r"|(?P<plus>\(\+ ?84\)|\+ ?84|00 ?84)[ .-]?(?:\(0\))?\d{1,9}|0\d{1,10})"
    r"(?:[ .-]\d{1,9}){0,4}(?!\d)"
)
SERVICE = re.compile(r"(?<![\w.,/])1[89]00(?:[ .-]?\d{2,4}){1,2}(?!\d)(?![.,/]\d)")
SHORT = re.compile(r"(?<![\w.,/])\d{3,6}(?![\w/])(?![.,:]\d)")
KEYPAD = re.compile(
    r"(?<![\w*#])(?:(?P<code>\*\d{1,6}(?:\*\d{1,16}){0,3}#)|(?:\d{1,6}#|[*#])(?![\w*#]))"
)
_KEYS = {"*": "sao", "#": "thăng"}
_PRESSED = re.compile(
    r"\b(?:phím|bấm|nhấn|ấn|dấu)(?: (?:[*#\d]|số|hoặc|và|,|phím|dấu)+)* $", re.IGNORECASE
)
_EMERGENCY = frozenset({"111", "112", "113", "114", "115", "1022"})
_HOTLINE = re.compile(
    r"\b(?:hotline|đường dây nóng|tổng đài|số máy|điện thoại|ĐTDĐ|ĐT|SĐT|fax|zalo|bấm|quay|số khẩn cấp"
    r"|máy lẻ|nhắn tin(?: đến)?)(?: số)? ?:? ?(?:số )?$",
    _I,
)
_CALL = re.compile(
    r"\b(?:gọi(?: ngay| điện| tới| đến| cho)*|liên hệ|(?:theo|qua|vào|tới) số"
    r"|đường dây|báo cháy|cảnh sát|cứu thương|cứu hỏa|cứu hoả|cứu hộ"
    r"|cấp cứu) ?:? ?(?:số )?$",
    _I,
)
_CALLED_ABOUT = re.compile(r"\b(?:tổng đài|đường dây|số khẩn cấp|hotline|số điện thoại)\b", _I)
_CALLED_UNIT = re.compile(
    r"(?:PCCC|CNCH|CSGT|\bcông an|\bcứu thương|\bcấp cứu|\bchữa cháy|\btrẻ em|\by tế|\bcứu nạn)"
    r"(?: [^\W\d]+){0,2}: ?$",
    _I,
)
_CALLED_BEHIND = re.compile(
    r" ?[(-–:] ?(?:cảnh sát|công an|chữa cháy|báo cháy|cứu|cấp cứu|y tế|bảo vệ trẻ em|trẻ em)", _I
)
_ADDRESS = re.compile(r",? (?:đường(?! dây)|phố|ngõ|hẻm|kiệt)\b")
_TEXTED = re.compile(
    r"\b(?:soạn|nhắn|tin nhắn)\b.{0,36}\bgửi(?: đến| tới| về)?(?: số| tổng đài| đầu số)? ?$", _I
)


def _cut(run: str) -> list[str]:
    """An unbroken run into groups a listener can follow: 10 digits as 4-3-3."""
    if len(run) <= 4:
        return [run]
    if len(run) == 11 and run.startswith(("024", "028")):
        return [run[:3], run[3:7], run[7:]]
    if len(run) == 8:
        return [run[:4], run[4:]]
    head = 4 if len(run) in (7, 10, 11) else 3
    rest = run[head:]
    groups = [rest[i : i + 3] for i in range(0, len(rest), 3)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = ["".join(groups[-2:])]
    return [run[:head], *groups]


def say_groups(text: str) -> str:
    """Digit by digit, in groups a listener can write down."""
    groups = re.findall(r"\d+", text)
    mobile = "".join(groups)
    if re.fullmatch(r"0[35789]\d{8}", mobile) and max(map(len, groups)) > 4:
        groups = [mobile]  # 09123 45678 is cut where nobody expects it
    return numbers.digit_groups(part for group in groups for part in _cut(group))


def _phone_end(match: re.Match[str]) -> int | None:
    """Where the telephone number ends: of a longer row of groups, the first 10 or 11 digits."""
    begin = match.end("plus") if match["plus"] else match.start()
    least = 9 if match["plus"] else 10
    count = 0
    for group in re.finditer(r"\d+", match.string[begin : match.end()]):
        count += len(group.group())
        if least <= count <= least + 1:
            return begin + group.end()
    return None


def phones(draft: Draft) -> Iterator[Found]:
    """0912 345 678, (024) 3825 1234, +84 912…, 1900 1234; in groups, digit by digit."""
    for match in draft.at_numbers(PHONE, "(+ "):
        end = _phone_end(match)
        if end is None:
            continue
        said = say_groups(draft.text[match.end("plus") if match["plus"] else match.start() : end])
        yield Found(match.start(), end, f"cộng tám bốn, {said}" if match["plus"] else said, "phone")
    for match in draft.at_numbers(SERVICE):
        years = "-" in match.group() and re.search(
            r"(?:năm|từ|giai đoạn) $", draft.before(match.start())
        )
        if not years:
            yield Found(*match.span(), say_groups(match.group()), "phone")


def short_phones(draft: Draft) -> Iterator[Found]:
    """113, 1022 and other short numbers, where the words before speak of calling."""
    last = -1
    for match in draft.at_numbers(SHORT):
        text, start, end = match.group(), match.start(), match.end()
        before = draft.before(start)
        follows = last >= 0 and start - last < 8
        follows = follows and draft.text[last:start].strip(" ,-–/") in ("", "và", "hoặc")
        called = follows and len(text) < 5 and not COUNTED.match(draft.after(end))
        called = called or (text in _EMERGENCY and (follows or _is_called(draft, match)))
        left = draft.ending(draft.spaces_before(start))
        if left is not None and left.rule == "road":  # ĐT605
            continue
        if called or _HOTLINE.search(before) or _is_texted(before):
            last = end
            said = numbers.digit_groups(_cut(text) if len(text) > 4 else [text])
            yield Found(start, end, said, "phone")


def _is_called(draft: Draft, match: re.Match[str]) -> bool:
    """Whether one of the numbers everybody knows is meant as a number to call."""
    before, after = draft.before(match.start()), draft.after(match.end())
    if _ADDRESS.match(after):
        return False
    if _CALL.search(before) or _CALLED_ABOUT.search(before) or _CALLED_BEHIND.match(after):
        return True
    return bool(_CALLED_UNIT.search(before)) and not COUNTED.match(after)


def _is_texted(before: str) -> bool:
    return "gửi" in before and _TEXTED.search(before) is not None


def keypads(draft: Draft) -> Iterator[Found]:
    """ "bấm *101#", "phím * hoặc #": sao and thăng."""
    if "*" not in draft.masked and "#" not in draft.masked:
        return
    for match in KEYPAD.finditer(draft.masked):
        if match["code"] or _PRESSED.search(draft.before(match.start())):
            said = [
                _KEYS.get(run) or numbers.digits(run) for run in re.findall(r"\d+|.", match.group())
            ]
            yield Found(*match.span(), " ".join(said), "phone")
