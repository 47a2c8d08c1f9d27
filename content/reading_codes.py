"""Numbers that name something and are read out in pieces: phones, papers, plates, house numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from content import numbers
from content.reading_draft import Draft, Found
from content.syllables import spell

_I = re.IGNORECASE

PHONE = re.compile(
    r"(?<![\w.,/])(?:(?P<area>\(0\d{1,3}\)) ?\d{1,4}|(?P<plus>\+ ?84)[ .-]?(?:\(0\))?\d{1,9}|0\d{1,10})"
    r"(?:[ .-]\d{1,9}){0,4}(?!\d)"
)
SERVICE = re.compile(r"(?<![\w.,/])1[89]00(?:[ .-]?\d{2,4}){1,2}(?!\d)(?![.,/]\d)")
SHORT = re.compile(r"(?<![\w.,/])\d{3,6}(?![\w/])(?![.,:]\d)")
ACCOUNT = re.compile(r"(?<![\w.,/])\d{4,24}(?: \d{3,4}){0,5}(?![\w/])(?![.,:]\d)")
LONG = re.compile(r"(?<![\w.,])\d{10,}(?!\w)(?![.,]\d)")
PLATE = re.compile(
    r"(?<![\w.,/-])(?P<area>\d\d)(?: ?- ?)?(?P<series>[A-ZĐ]{1,2}\d?)(?P<sep> ?[-–. ] ?)"
    r"(?P<rest>\d{3}\.\d\d|\d{5}|\d{4})(?!\w)(?![.,/-]\d)"
)
HOUSE = re.compile(
    r"(?<![\w./,-])(?P<k>K)?(?P<number>\d{1,5}[A-Za-z]?(?:/\d{1,5}[A-Za-z]?){1,4})(?![\w/])(?![.,]\d)"
)
KILOMETRE_POST = re.compile(
    r"(?<!\w)(?:K[Mm]|km(?= ?\d+ ?\+)) ?(?P<km>\d{1,4})(?: ?\+ ?(?P<m>\d{1,4}))?(?![\d.,/])"
)

BORN = re.compile(r"(?<!\w)SN(?=:? ?(?:19|20)\d\d(?!\w))")
ROAD = re.compile(r"(?<!\w)(?P<kind>ĐT|ĐH)(?:\.? ?)(?=\d{2,3}[A-Z]?(?![\w.]))")

_EMERGENCY = frozenset({"111", "112", "113", "114", "115", "1022"})
_HOTLINE = re.compile(
    r"\b(?:hotline|đường dây nóng|tổng đài|số máy|điện thoại|ĐTDĐ|ĐT|SĐT|fax|zalo|bấm|quay|số khẩn cấp"
    r"|máy lẻ|nhắn tin(?: đến)?)(?: số)? ?:? ?(?:số )?$",
    _I,
)
_CALL = re.compile(
    r"\b(?:gọi(?: ngay| điện| tới| đến| cho)*|liên hệ|cảnh sát|cứu thương|cứu hỏa|cứu hoả|cứu hộ"
    r"|cấp cứu) ?:? ?(?:số )?$",
    _I,
)
_ACCOUNT = re.compile(
    r"\b(?:CCCD|CMND|CMTND|căn cước(?: công dân)?|định danh(?: cá nhân)?|tài khoản|STK|TK|MST|mã số thuế"
    r"|mã số|mã hồ sơ|mã|sê-?ri|seri|số thẻ|số sổ|OTP|IMEI)(?: số)? ?:? ?(?:số )?$",
    _I,
)
_VEHICLE = re.compile(
    r"\b(?:biển(?: kiểm soát)?|BKS|biển số|xe(?: tải| khách| máy)?)(?: số)? ?:? ?$", _I
)
_HOUSE = re.compile(
    r"\b(?:ngõ|ngách|hẻm|hẽm|kiệt|số nhà|nhà số|SN|nhà|lô|thửa(?: đất)?|căn hộ|phòng|tổ|lớp|khối)"
    r"(?: số)? ?:? ?$",
    _I,
)
_MONEY = re.compile(r" ?(?:đ|đồng|VNĐ|VND|USD)\b", _I)
_NUMBER_WORD = re.compile(r"\b(?:số|địa chỉ|đ/c) ?:? ?$", _I)
_STREET = re.compile(r",? (?:đường|phố|ngõ|hẻm|kiệt)\b")
_NAMED_STREET = re.compile(
    r" (?:Nguyễn|Trần|Lê|Phạm|Phan|Lý|Hoàng|Huỳnh|Võ|Vũ|Đinh|Ngô|Đặng|Bùi|Hồ|Trưng|Tôn|Đào|Đỗ|Dương"
    r"|Cao|Mạc|Hùng Vương|Hai Bà|Quang Trung|Điện Biên)\b"
)
_DAY_BEFORE = re.compile(
    r"\b(?:ngày|sáng|trưa|chiều|tối|đêm|hôm|từ|đến|lễ|dịp|kỷ niệm)(?: ngày)? ?$", _I
)


def _cut(run: str) -> list[str]:
    """An unbroken run into groups a listener can follow: 10 digits as 4-3-3."""
    if len(run) <= 4:
        return [run]
    if len(run) == 8:
        return [run[:4], run[4:]]
    head = 4 if len(run) in (7, 10, 11) else 3
    rest = run[head:]
    groups = [rest[i : i + 3] for i in range(0, len(rest), 3)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = ["".join(groups[-2:])]
    return [run[:head], *groups]


def _say_groups(text: str) -> str:
    groups = re.findall(r"\d+", text)
    return numbers.digit_groups(part for group in groups for part in _cut(group))


def _phone_end(match: re.Match[str]) -> int | None:
    """Where the telephone number ends: of a longer row of groups, the first 10 or 11 digits."""
    count = 0
    end: int | None = None
    for group in re.finditer(r"\d+", match.group()):
        count += len(group.group())
        least = 11 if match["plus"] else 10
        if least <= count <= least + 1:
            end = match.start() + group.end()
            break
    return end


def phones(draft: Draft) -> Iterator[Found]:
    """0912 345 678, (024) 3825 1234, +84 912…, 1900 1234; in groups, digit by digit."""
    position = 0
    while match := PHONE.search(draft.masked, position):
        position = match.end()
        end = _phone_end(match)
        if end is None:
            continue
        position = end
        said = _say_groups(draft.text[match.end("plus") if match["plus"] else match.start() : end])
        yield Found(match.start(), end, f"cộng tám bốn, {said}" if match["plus"] else said, "phone")
    for match in SERVICE.finditer(draft.masked):
        years = "-" in match.group() and re.search(
            r"(?:năm|từ|giai đoạn) $", draft.before(match.start())
        )
        if not years:
            yield Found(*match.span(), _say_groups(match.group()), "phone")


def short_phones(draft: Draft) -> Iterator[Found]:
    """113, 1022 and other short numbers, where the words before speak of calling."""
    last = -1
    for match in SHORT.finditer(draft.masked):
        before = draft.before(match.start())
        follows = last >= 0 and match.start() - last < 8
        follows = follows and draft.text[last : match.start()].strip(" ,-–/") in ("", "và", "hoặc")
        called = match.group() in _EMERGENCY and (follows or _CALL.search(before))
        if called or _HOTLINE.search(before):
            last = match.end()
            said = numbers.digit_groups(
                _cut(match.group()) if len(match.group()) > 4 else [match.group()]
            )
            yield Found(*match.span(), said, "phone")


def accounts(draft: Draft) -> Iterator[Found]:
    """Identity, account and tax numbers, digit by digit; very long numbers too, with a warning."""
    for match in ACCOUNT.finditer(draft.masked):
        if _ACCOUNT.search(draft.before(match.start())):
            yield Found(*match.span(), _say_groups(match.group()), "code")
    for match in LONG.finditer(draft.masked):
        text = match.group()
        if len(text) <= 15 and _MONEY.match(draft.after(match.end())):
            continue
        warning = f"“{text[:30]}” dài, đọc từng chữ số; nếu là số lượng, hãy tách hàng nghìn bằng dấu chấm."
        yield Found(*match.span(), _say_groups(text), "code", warning)


def plates(draft: Draft) -> Iterator[Found]:
    """Vehicle plates: 43A-123.45, 29-H1 123.45."""
    for match in PLATE.finditer(draft.masked):
        clear = "." in match["rest"] or "-" in match["sep"]
        if not clear and not _VEHICLE.search(draft.before(match.start())):
            continue
        series = " ".join(
            numbers.digits(char) if char.isdigit() else spell(char) for char in match["series"]
        )
        rest = match["rest"].replace(".", "")
        tail = numbers.digit_groups([rest[:3], rest[3:]] if len(rest) == 5 else [rest])
        said = f"{numbers.digits(match['area'])} {series}, {tail}"
        yield Found(*match.span(), said, "plate")


def _house_part(text: str) -> str:
    if text[-1].isdigit():
        return numbers.plain(text)
    return f"{numbers.plain(text[:-1])} {spell(text[-1]) or text[-1]}"


def house_numbers(draft: Draft) -> Iterator[Found]:
    """ "ngõ 5/3", "số nhà 12/4", "K12/34", "số 12/4 đường …", and "12/4 Nguyễn Trãi" with a warning."""
    for match in HOUSE.finditer(draft.masked):
        before, after = draft.before(match.start()), draft.after(match.end())
        sure = match["k"] or _HOUSE.search(before)
        named = _NAMED_STREET.match(after)
        if not sure and (_DAY_BEFORE.search(before) or not (named or _STREET.match(after))):
            continue
        warning = None
        if not sure and named and not _NUMBER_WORD.search(before):
            warning = (
                f"“{match.group()}” đọc là số nhà; nếu là ngày tháng, hãy viết thêm chữ “ngày”."
            )
        said = " trên ".join(map(_house_part, match["number"].split("/")))
        said = f"kiệt {said}" if match["k"] else said
        yield Found(*match.span(), said, "house_number", warning)


def roads(draft: Draft) -> Iterator[Found]:
    """ĐT605, "ĐH 12": a road, where ĐT before a longer number is a telephone."""
    for match in ROAD.finditer(draft.masked):
        said = "tỉnh" if match["kind"] == "ĐT" else "huyện"
        twice = re.search(r"\bđường $", draft.before(match.start()), _I)
        yield Found(*match.span(), said if twice else f"đường {said}", "road")


def births(draft: Draft) -> Iterator[Found]:
    """SN 1965: born in; SN 15 is a house."""
    for match in BORN.finditer(draft.masked):
        yield Found(*match.span(), "sinh năm", "dictionary")


def kilometre_posts(draft: Draft) -> Iterator[Found]:
    """Km12 and Km12+300 of a road."""
    for match in KILOMETRE_POST.finditer(draft.masked):
        said = f"ki-lô-mét {numbers.integer(int(match['km']))}"
        if match["m"]:
            said += f" cộng {numbers.integer(int(match['m']))}"
        yield Found(*match.span(), said, "road")
