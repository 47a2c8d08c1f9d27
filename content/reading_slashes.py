"""Two numbers with a slash: a date, a fraction ("2/3 số hộ") or a share ("19/19 tiêu chí").

The words around them decide, and where they do not, the best guess carries a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from content import numbers
from content.reading_dates import (
    COUNTED,
    GUESS_DATE,
    HOLIDAYS,
    LUNAR,
    NO_SUCH_DAY,
    ROAD,
    SHARE,
    STRONG,
    exists,
    follows_date,
    say_date,
)
from content.reading_draft import Draft, Found

_I = re.IGNORECASE

SLASH = re.compile(r"(?<![\w/.,])(?P<a>\d{1,4})(?P<gap> ?/ ?)(?P<b>\d{1,4})(?![\d/])(?![.,]\d)")
_CALLED_DAY = re.compile(r"\bNgày [A-ZĐ][^\d.,;:]{2,36}$")  # Ngày Toàn dân phòng cháy 4/10
_WEAK = re.compile(r"\b(?:từ|đến|tới|trước|sau|vào|hết|hạn|qua|nộp|lúc)(?: ngày)? ?$", _I)
_RATIO = re.compile(r"\b(?:t[ỷỉ] lệ|huyết áp|trang|lớp|bài|câu|hạng|vòng|số) ?:? ?$", _I)
_OUT_OF = re.compile(
    r"\b(?:trình độ|văn hóa|văn hoá|học vấn|phổ thông|thị lực|mắt (?:phải|trái)|bỏ phiếu|biểu quyết|điểm) ?:? ?$",
    _I,
)
_RATE = re.compile(r"\bt[ỷỉ] lệ ?:? ?$", _I)
_GRADE = re.compile(r"\b(?:thương binh|bệnh binh|TB|BB|thương tật)(?: hạng| loại)? ?:? ?$", _I)
_VOTED = re.compile(
    r" (?:nhất trí|đồng ý|tán thành|không đồng ý|biểu quyết|có mặt|tham dự|hoàn thành|phiếu thuận)\b",
    _I,
)
# Things so few that each is counted: 3/4 thôn, but 2/3 hộ dân.
_SINGLE = re.compile(
    r" (?:thôn|xã|phường|ấp|bản|tổ|khu|cụm|huyện|tỉnh|trường|lớp|chi bộ|chi hội|đơn vị|tiêu chí|chỉ tiêu"
    r"|đồng chí|đội|đoàn|nhóm|mô hình|dự án|công trình|tuyến|nội dung|nhiệm vụ|giải pháp|mục tiêu|xóm"
    r"|làng|trận|bàn|điểm|phòng|giải)\b",
    _I,
)
_PORTION = re.compile(
    r"\b(?:chiếm|hơn|trên|gần|ít nhất|tối thiểu|quá|bằng|đạt|giảm|tăng|còn) ?$", _I
)
_SOON = re.compile(
    r" ?\(?(?:này\b|tới\b|vừa qua|h[aà]ng năm|hằng năm|âm lịch|[AÂD]L\b|dương lịch)", _I
)
_GUESS_PART = "“{}” đọc là phân số; nếu là ngày tháng, hãy viết thêm chữ “ngày”."


def _part(a: int, b: int, *, share: bool) -> str:
    """ "hai phần ba", "mười trên mười hai"."""
    small = a < b and (b <= 5 or (share and b <= 10))
    below = "tư" if small and b == 4 else numbers.integer(b)
    return f"{numbers.integer(a)} {'phần' if small else 'trên'} {below}"


def _as_part(draft: Draft, match: re.Match[str], a: int, b: int) -> Found:
    start, end = match.span()
    if a >= 1900 and b >= 1900:
        said = f"{numbers.integer(a)}, {numbers.integer(b)}"
        return Found(start, end, said, "range")
    after = draft.after(end)
    share = SHARE.match(after) is not None
    scaled = a >= b or b > 5 or not _RATE.search(draft.before(start))
    single = _graded(draft, start, a, b) or _SINGLE.match(after) or _VOTED.match(after)
    if not share and (
        single or " " in match["gap"] or (scaled and _rated(draft.before(start), a, b))
    ):
        return Found(start, end, f"{numbers.integer(a)} trên {numbers.integer(b)}", "fraction")
    return Found(start, end, _part(a, b, share=share), "fraction")


def _rated(before: str, a: int, b: int) -> bool:
    return bool(_RATIO.search(before) or (a <= b and _OUT_OF.search(before)))


def _graded(draft: Draft, start: int, a: int, b: int) -> bool:
    """Whether it is the grade of an invalid: thương binh 2/4, bệnh binh 2/3; also a second one."""
    before = re.sub(r"(?:[1-4]/4(?:, ?| và ))+$", "", draft.before(start))
    return a <= b and b in (3, 4) and _GRADE.search(before) is not None


def slashes(draft: Draft) -> Iterator[Found]:
    """Date, fraction or share: "2/9", "2/3 số hộ", "19/19 tiêu chí", "120/80"."""
    last_date = -1
    for match in draft.at_numbers(SLASH, then="/"):
        found = _slash(draft, match, chained=follows_date(draft, match.start(), last_date))
        if found.rule == "date":
            last_date = found.end
        yield found


def _slash(draft: Draft, match: re.Match[str], *, chained: bool) -> Found:
    start, end = match.span()
    a, b, text = int(match["a"]), int(match["b"]), match.group()
    before, after = draft.before(start), draft.after(end)
    holiday = (a, b) in HOLIDAYS
    tight = " " not in match["gap"] and 0 < a <= 31 and 1 <= b <= 12
    strong = chained or bool(STRONG.search(before) or _SOON.match(after))
    strong = strong or _CALLED_DAY.search(before) is not None
    strong = strong or (holiday and ROAD.search(before) is not None)
    counted = bool(
        SHARE.match(after)
        or COUNTED.match(after)
        or (a <= b and _VOTED.match(after) and not _WEAK.search(before))
    )
    counted = counted or _graded(draft, start, a, b)
    portion = a < b and _PORTION.search(before) is not None
    if not tight or (not strong and (counted or portion or _rated(before, a, b))):
        return _as_part(draft, match, a, b)
    said = say_date(draft, start, a, b)
    if b == 1 and LUNAR.match(after):
        said = said.removesuffix("một") + "giêng"
    if not exists(a, b):
        return Found(start, end, said, "date", NO_SUCH_DAY.format(text))
    padded = match["a"][0] == "0" or match["b"][0] == "0"
    if strong or padded or a >= b or holiday:
        return Found(start, end, said, "date")
    if b <= 5 and not _WEAK.search(before):
        part = _part(a, b, share=False)
        return Found(start, end, part, "fraction", _GUESS_PART.format(text))
    return Found(start, end, said, "date", GUESS_DATE.format(text))
