"""Numbers that name something and are read out in pieces: accounts, plates, house numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import ascii_letters, ascii_uppercase

from content import numbers
from content.reading_dates import COUNTED
from content.reading_draft import Draft, Found
from content.reading_phones import say_groups
from content.syllables import spell

_I = re.IGNORECASE

ACCOUNT = re.compile(
    r"(?<![\w.,/])(?:\d{3}(?:[ .]\d{3}){2,5}|\d{3} \d{3} \d{6}"
    r"|\d{4,24}(?: \d{3,4}|[.-]\d{1,8}){0,5})(?![\w/])(?![.,:]\d)"
)
CODE = re.compile(
    r"(?<![\w./-])(?=[\dA-ZĐ.-]{0,30}[A-ZĐ])(?=[\dA-ZĐ.-]{0,30}\d)"
    r"[\dA-ZĐ]{1,20}(?:[.-][\dA-ZĐ]{1,20}){0,6}(?![\w/])(?![.-]\w)"
)
LETTERED = re.compile(r"(?<![\w./-])(?:[A-ZĐ]{1,4}\d{7,20}|[A-ZĐ]{2} \d{5,8})(?!\w)(?![.,/]\d)")
_DEED = re.compile(r"\b(?:số|sê-?ri|sổ|phát hành|mã|giấy|bằng|thẻ)(?: số)?:? $", _I)
LONG = re.compile(r"(?<![\w.,])\d{10,}(?!\w)(?![.,]\d)")
PLATE = re.compile(
    r"(?<![\w.,/-])(?P<area>\d\d)(?: ?- ?)?(?P<series>[A-ZĐ]{1,2}\d?)(?P<sep> ?[-–. ] ?)"
    r"(?P<rest>\d{3}\.\d\d|\d{5}|\d{4})(?!\w)(?![.,/-]\d)"
)
MILITARY = re.compile(
    r"(?<![\w./-])(?P<series>[A-ZĐ]{2})(?: ?- ?| )(?P<a>\d\d) ?- ?(?P<b>\d\d)(?![\w-])"
)
HOUSE = re.compile(
    r"(?<![\w./,-])(?P<k>K)?(?P<number>\d{1,5}[A-Za-z]?(?:/\d{1,5}[A-Za-z]?){1,4})(?![\w/])(?![.,]\d)"
)
KILOMETRE_POST = re.compile(
    r"(?<!\w)(?:K[Mm]|km(?= ?\d+ ?\+)) ?(?P<km>\d{1,4})(?: ?\+ ?(?P<m>\d{1,4}))?(?!\d)(?![.,/]\d)"
)
ROOM = re.compile(r"(?<!\w)P\. ?(?=[1-9]\d\d[A-Z]?(?![\w/])(?![.,]\d))")

BORN = re.compile(r"(?<!\w)SN(?=:? ?(?:19|20)\d\d(?!\w))")
ROAD = re.compile(
    r"(?<!\w)(?:(?P<kind>ĐT|ĐH)\.? ?(?!11[1-5])(?=\d{2,3}[A-Z]?(?![\w.]))|CT\. ?(?=\d\d(?!\d)))"
)

_ACCOUNT = re.compile(
    r"\b(?:CCCD|CMND|CMTND|căn cước(?: công dân)?|định danh(?: cá nhân)?|tài khoản|STK|TK|MST|mã số thuế"
    r"|mã số|mã hồ sơ|mã|sê-?ri|seri|số thẻ|số sổ|OTP|IMEI)(?: (?:thẻ|sổ|BHXH|BHYT|hồ sơ|khách hàng"
    r"|bảo hiểm (?:xã hội|y tế))){0,2}(?: số)? ?:? ?(?:số )?(?:là )?$",
    _I,
)
_VEHICLE = re.compile(
    r"\b(?:biển(?: kiểm soát)?|BKS|biển số|xe(?: tải| khách| máy)?)(?: số)? ?:? ?$", _I
)
_HOUSE = re.compile(
    r"\b(?:ngõ|ngách|hẻm|hẽm|kiệt|số nhà|nhà số|SN|nhà|lô|thửa(?: đất)?|căn hộ|phòng|(?<!giỗ )tổ|lớp|khối)"
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


def accounts(draft: Draft) -> Iterator[Found]:
    """Identity, account and tax numbers, digit by digit; very long numbers too, with a warning."""
    for match in draft.at_numbers(ACCOUNT):
        if _ACCOUNT.search(draft.before(match.start())):
            yield Found(*match.span(), say_groups(match.group()), "code")
    for match in CODE.finditer(draft.masked):
        if len(match.group()) >= 5 and _ACCOUNT.search(draft.before(match.start())):
            yield Found(*match.span(), _say_code(match.group()), "code")
    for match in draft.at_capitals(LETTERED):
        if " " not in match.group() or _DEED.search(draft.before(match.start())):
            yield Found(*match.span(), _say_code(match.group()), "code")
    for match in draft.at_numbers(LONG):
        text = match.group()
        if len(text) <= 15 and _MONEY.match(draft.after(match.end())):
            continue
        warning = f"“{text[:30]}” dài, đọc từng chữ số; nếu là số lượng, hãy tách hàng nghìn bằng dấu chấm."
        yield Found(*match.span(), say_groups(text), "code", warning)


def _say_code(text: str) -> str:
    """Letters by name and digits in groups: "GD4313123" of a health card."""
    runs = re.findall(r"\d+|[A-ZĐ]+", text)
    return ", ".join(spell(run) if run[0].isalpha() else say_groups(run) for run in runs)


def plates(draft: Draft) -> Iterator[Found]:
    """Vehicle plates: 43A-123.45, 29-H1 123.45."""
    for match in draft.at_numbers(PLATE, then=ascii_uppercase + "Đ-"):
        clear = "." in match["rest"] or "-" in match["sep"]
        clear = clear or match.group()[2:].lstrip().startswith("-")
        if not clear and not _VEHICLE.search(draft.before(match.start())):
            continue
        series = " ".join(
            numbers.digits(char) if char.isdigit() else spell(char) for char in match["series"]
        )
        rest = match["rest"].replace(".", "")
        tail = numbers.digit_groups([rest[:3], rest[3:]] if len(rest) == 5 else [rest])
        said = f"{numbers.digits(match['area'])} {series}, {tail}"
        yield Found(*match.span(), said, "plate")


def military_plates(draft: Draft) -> Iterator[Found]:
    """TM-12-34: behind "xe" or "biển số" only."""
    for match in draft.at_capitals(MILITARY):
        counted = COUNTED.match(draft.after(match.end()))
        if not counted and re.search(r"\b(?:xe|biển|BKS|BS)\b", draft.before(match.start()), _I):
            pair = numbers.digit_groups((match["a"], match["b"]))
            yield Found(*match.span(), f"{spell(match['series'])}, {pair}", "plate")


def _house_part(text: str) -> str:
    if text[-1].isdigit():
        return numbers.plain(text)
    return f"{numbers.plain(text[:-1])} {spell(text[-1]) or text[-1]}"


def house_numbers(draft: Draft) -> Iterator[Found]:
    """ "ngõ 5/3", "số nhà 12/4", "K12/34", "số 12/4 đường …", and "12/4 Nguyễn Trãi" with a warning."""
    for match in draft.at_numbers(HOUSE, "K", then=ascii_letters + "/"):
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
    """ĐT605, "ĐH 12": a road, where ĐT before a longer number is a telephone; CT.01; and room P.201."""
    for match in draft.at_capitals(ROAD):
        said = {"ĐT": "đường tỉnh", "ĐH": "đường huyện"}.get(match["kind"], "cao tốc")
        if said == "cao tốc":
            named = re.search(r"\bcao tốc .{0,24}$", draft.before(match.start()), _I)
            yield Found(*match.span(), "xê tê" if named else said, "road")
            continue
        twice = re.search(r"\bđường $", draft.before(match.start()), _I)
        yield Found(*match.span(), said.split()[1] if twice else said, "road")
    for match in draft.at_capitals(ROOM):
        twice = re.search(r"\bphòng $", draft.before(match.start()), _I)
        yield Found(*match.span(), "" if twice else "phòng ", "house_number")


def births(draft: Draft) -> Iterator[Found]:
    """SN 1965: born in; SN 15 is a house."""
    for match in draft.at_capitals(BORN):
        yield Found(*match.span(), "sinh năm", "dictionary")


def kilometre_posts(draft: Draft) -> Iterator[Found]:
    """Km12 and Km12+300 of a road."""
    for match in KILOMETRE_POST.finditer(draft.masked):
        said = f"ki-lô-mét {numbers.integer(int(match['km']))}"
        if match["m"]:
            said += f" cộng {numbers.integer(int(match['m']))}"
        yield Found(*match.span(), said, "road")
