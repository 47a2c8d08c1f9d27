"""Dates, months and weekdays as Vietnamese papers write them, and how each is said.

A slash is also a fraction ("2/3 số hộ") and a share ("19/19 tiêu chí"): the words around it decide, and
where they do not, the best guess carries a warning.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterator

from content import numbers
from content.reading_draft import Draft, Found

_YEAR = r"(?:1[89]|2[01])\d\d"
_I = re.IGNORECASE

FULL = re.compile(
    r"(?<!\d)(?<!\d[/.,])(?P<day>\d{1,2})"
    r"(?: ?/ ?(?P<month>\d{1,2}) ?/ ?(?P<year>\d{4}|\d\d)"
    r"|(?P<sep>[.-])(?P<month2>\d{1,2})(?P=sep)(?P<year2>\d{4}))(?!\d)(?![/-]\d{4})(?!\.\d)"
)
ISO = re.compile(rf"(?<![\d/.,-])(?P<year>{_YEAR})([-/])(?P<month>\d\d)\2(?P<day>\d\d)(?![\d/-])")
DAYS = re.compile(
    r"(?<![\d/.,-])(?P<first>\d{1,2})(?P<join> ?[-–] ?| (?:đến|tới|và)(?: ngày)? |, ?)"
    rf"(?P<last>\d{{1,2}})/(?P<month>\d{{1,2}})(?:/(?P<year>{_YEAR}))?(?![\d/])"
)
MONTHS = re.compile(
    rf"(?<=tháng )(?P<first>\d{{1,2}}) ?[-–] ?(?P<last>\d{{1,2}})/(?P<year>{_YEAR})(?!\d)", _I
)
MONTH_YEAR = re.compile(rf"(?<![\w/.,])T?(?P<month>\d{{1,2}})(?: ?/ ?|-)(?P<year>{_YEAR})(?![\d/])")
SLASH = re.compile(r"(?<![\w/.,])(?P<a>\d{1,4})(?P<gap> ?/ ?)(?P<b>\d{1,4})(?![\d/])(?![.,]\d)")
MARKED = re.compile(r"(?<![\w/.,-])(?P<a>\d{1,2})(?P<sep>[-–.])(?P<b>\d{1,2})(?!\d)(?![.,/–-]\d)")
DAY_WORD = re.compile(
    r"(?<=ngày )(?P<day>0?[1-9]|10)(?!\w)"
    r"(?= ?(?:tháng\b|âm lịch|này\b|đến\b|tới\b|h[aà]ng\b|hằng\b|[-–,;.)(/:]|$|và (?:ngày )?\d))(?![.,/]\d)",
    _I | re.MULTILINE,
)
DAY_SPAN = re.compile(
    r"(?<=ngày )(?P<first>\d{1,2}) ?[-–] ?(?P<last>\d{1,2})(?= tháng (?:0?[1-9]|1[0-2])\b)", _I
)
DAY_OF_MONTH = re.compile(r"(?<![\w/.,-])(?P<day>0?[1-9]|10)(?= tháng (?:0?[1-9]|1[0-2])\b)", _I)
_SECOND_DAY = re.compile(r"\bngày .{1,14}(?:đến|tới|và|,|[-–]) ?$", _I)
LUNAR_DAY = re.compile(r"(?<=m[ùồ]ng )(?P<day>0?[1-9]|10)(?!\w)(?![.,/-]\d)", _I)
MONTH_WORD = re.compile(r"(?<=tháng )(?P<month>0?[1-9]|1[0-2])(?!\w)(?![.,]\d)", _I)
MONTH_LIST = re.compile(r"(?<=tháng )(?P<all>\d{1,2}(?:, ?\d{1,2}){1,11})(?![\d/])(?!\w)", _I)
WEEKDAY_SPAN = re.compile(r"(?<=thứ )(?P<first>[2-7]) ?[-–] ?thứ (?P<last>[2-7])(?!\w)", _I)
WEEKDAY_LETTERS = re.compile(r"(?<!\w)T(?P<first>[2-7]) ?[-–] ?T(?P<last>[2-7])(?!\w)")
WEEKDAYS = re.compile(r"(?<=thứ )(?P<all>[2-7](?: ?[,–-] ?[2-7]){1,5})(?!\w)(?![.,/]\d)", _I)
ORDINAL = re.compile(r"(?<=thứ )(?P<value>\d{1,3})(?!\w)(?![.,/]\d)", _I)

_HOLIDAYS = frozenset(
    {(1, 1), (3, 2), (27, 2), (8, 3), (26, 3), (10, 3), (30, 4), (1, 5), (7, 5), (19, 5), (1, 6),
     (5, 6), (21, 6), (28, 6), (27, 7), (19, 8), (2, 9), (13, 10), (10, 10), (15, 10), (20, 10),
     (9, 11), (20, 11), (22, 12)}
)  # fmt: skip
_CLOCK = r"\d ?(?:h|g|giờ|phút|:)\d{0,2}"
_STRONG = re.compile(
    rf"(?:\b(?:ngày|hôm|sáng|trưa|chiều|tối|đêm|m[ùồ]ng|rằm|lễ|dịp|kỷ niệm|quốc khánh|tết|chủ nhật"
    rf"|thứ (?:hai|ba|tư|năm|sáu|bảy|\d))|{_CLOCK}),? ?(?:ngày )?$",
    _I,
)
_FESTIVE = re.compile(
    r"\b(?:phụ nữ|việt nam|nhà giáo|thầy thuốc|thương binh|liệt sĩ|lao động|giải phóng|quốc khánh"
    r"|cách mạng|thiếu nhi|thành lập|mừng|tết|lễ|dịp|kỷ niệm) ?\(?$",
    _I,
)
_WEAK = re.compile(r"\b(?:từ|đến|tới|trước|sau|vào|hết|hạn|qua|nộp|lúc)(?: ngày)? ?$", _I)
_NAMED_DAY = re.compile(r"\b(?:lễ|dịp|quốc khánh|tết) ?$", _I)
_ROAD = re.compile(
    r"\b(?:đường|phố|quảng trường|công viên|bệnh viện|chợ|cầu"
    r"|trường(?: (?:THCS|THPT|TH|MN|tiểu học|mầm non))?) ?$",
    _I,
)
_RATIO = re.compile(r"\b(?:t[ỷỉ] lệ|huyết áp|trang|lớp|bài|câu|hạng|số) ?$", _I)
_PORTION = re.compile(
    r"\b(?:chiếm|hơn|trên|gần|ít nhất|tối thiểu|quá|bằng|đạt|giảm|tăng|còn) ?$", _I
)
_SOON = re.compile(
    r" ?\(?(?:này\b|tới\b|vừa qua|h[aà]ng năm|hằng năm|âm lịch|[AÂD]L\b|dương lịch)", _I
)
_SHARE = re.compile(
    r" (?:số|tổng|diện tích|dân số|thành viên|đại biểu|quãng|thời gian|khối lượng|lượng|chiều"
    r"|cử tri|[uủ][ỷy] viên|phiếu|quân số|đảng viên|công việc|chặng|mức|giá|tiền|lương|thu nhập"
    r"|kinh phí|chi phí|thể tích|cốc|thìa|viên|lít|ha|sào|mẫu|tấn|người dân|nhân khẩu|lao động)\b",
    _I,
)
COUNTED = re.compile(
    r" (?:người|hộ|thôn|xã|phường|ấp|bản|tổ|khu|cụm|huyện|tỉnh|trường|lớp|chi bộ|chi hội|đơn vị"
    r"|tiêu chí|chỉ tiêu|đồng chí|cháu|em|học sinh|con|cây|cái|chiếc|bộ|căn|nhà|suất|phần quà|giải"
    r"|lần|buổi|ca|ngày|tuần|tháng|năm|quý|giờ|phút|đợt|mũi|liều|viên|gói|bao|chai|thùng|can|xe"
    r"|máy|loa|đài|phòng|điểm|tuyến|công trình|dự án|mô hình|nhóm|đội|đoàn|hội|lực lượng|cán bộ"
    r"|trường hợp|vụ|thửa|lô|ki|mét|km|m|kg|tấn|tạ|ha|sào|mẫu|nghìn|triệu|tỷ|đồng|nội dung|nhiệm vụ"
    r"|giải pháp|mục tiêu|chương trình|hoạt động|phiếu|tờ|bài|tiết|thành viên|đại biểu|đại diện|hội viên"
    r"|đoàn viên|đảng viên|chiến sĩ|vận động viên|tiết mục|cơ sở|hợp tác xã|doanh nghiệp|bước|loại)\b",
    _I,
)
_WEEKDAY = re.compile(
    r"\b(?:thứ (?P<name>hai|ba|tư|năm|sáu|bảy|[2-7])|(?P<sunday>chủ nhật|CN))[ ,(:]*(?:ngày )?$", _I
)
_WEEKDAY_NAMES = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_WEEKDAY_WORDS = {"hai": 0, "ba": 1, "tư": 2, "năm": 3, "sáu": 4, "bảy": 5}

_NO_SUCH_DAY = "Ngày “{}” không có trong lịch."
_GUESS_DATE = "“{}” đọc là ngày tháng; nếu không phải, hãy viết bằng chữ."
_GUESS_PART = "“{}” đọc là phân số; nếu là ngày tháng, hãy viết thêm chữ “ngày”."


def _day(day: int, *, mung: bool = True) -> str:
    return f"mùng {numbers.integer(day)}" if mung and day <= 10 else numbers.integer(day)


def _month(month: int) -> str:
    return "tư" if month == 4 else numbers.integer(month)


def exists(day: int, month: int, year: int | None = None) -> bool:
    if not 1 <= month <= 12 or day < 1:
        return False
    return day <= calendar.monthrange(year or 2000, month)[1]


def say_date(draft: Draft, start: int, day: int, month: int, year: int | None = None) -> str:
    """ "ngày mùng năm tháng tư năm …"; "ngày" and "mùng" are not said twice."""
    before = draft.before(start)
    mung = re.search(r"\bm[ùồ]ng ?$", before, _I) is None
    said = f"{_day(day, mung=mung)} tháng {_month(month)}"
    named = _ROAD.search(before) or _NAMED_DAY.search(before)
    if mung and not named and not re.search(r"\b(?:ngày|hôm) ?:? ?$", before, _I):
        said = f"ngày {said}"
    return said if year is None else f"{said} năm {numbers.integer(year)}"


def _wrong_weekday(draft: Draft, start: int, day: datetime.date) -> str | None:
    match = _WEEKDAY.search(draft.before(start))
    if match is None:
        return None
    name = (match["name"] or "").lower()
    if match["sunday"]:
        said = 6
    else:
        said = int(name) - 2 if name.isdigit() else _WEEKDAY_WORDS[name]
    if said == day.weekday():
        return None
    right = _WEEKDAY_NAMES[day.weekday()]
    return f"Ngày {day.day}/{day.month}/{day.year} là {right}, không phải {_WEEKDAY_NAMES[said]}."


def _full(draft: Draft, match: re.Match[str], day: int, month: int, year_text: str) -> Found:
    start, end = match.span()
    year = int(year_text) + (2000 if len(year_text) == 2 else 0)
    if not exists(day, month, year):
        warning = _NO_SUCH_DAY.format(match.group())
        if day <= 31 and 1 <= month <= 12:
            return Found(start, end, say_date(draft, start, day, month, year), "date", warning)
        said = " trên ".join(numbers.plain(part) for part in re.findall(r"\d+", match.group()))
        return Found(start, end, said, "date", warning)
    warning_or_none = _wrong_weekday(draft, start, datetime.date(year, month, day))
    if len(year_text) == 2:
        warning_or_none = f"“{match.group()}” đọc là năm {year}; hãy viết đủ bốn chữ số."
    said = say_date(draft, start, day, month, year)
    return Found(start, end, said, "date", warning_or_none)


def full_dates(draft: Draft) -> Iterator[Found]:
    """16/6/2021, 16-6-2021, 16.6.2021, 2021-06-16."""
    for match in FULL.finditer(draft.masked):
        month, year = match["month"] or match["month2"], match["year"] or match["year2"]
        if len(year) == 4 and not re.fullmatch(_YEAR, year):
            continue
        if len(year) == 2 and not exists(int(match["day"]), int(month)):
            continue
        yield _full(draft, match, int(match["day"]), int(month), year)
    for match in ISO.finditer(draft.masked):
        yield _full(draft, match, int(match["day"]), int(match["month"]), match["year"])


def day_ranges(draft: Draft) -> Iterator[Found]:
    """15-16/8/2024, "ngày 5, 6/8", "từ 15 đến 20/8"."""
    for match in DAYS.finditer(draft.masked):
        first, last, month = int(match["first"]), int(match["last"]), int(match["month"])
        year = int(match["year"]) if match["year"] else None
        join = match["join"].strip()
        before = draft.before(match.start())
        if not 0 < first < last or not exists(last, month, year):
            continue
        if join not in ("-", "–") and not re.search(r"\b(?:ngày|từ)(?: \d{1,2},)* ?$", before, _I):
            continue
        if _SHARE.match(draft.after(match.end())):
            continue
        whole = say_date(draft, match.start(), first, month, year)
        head, _, tail = whole.partition(" tháng ")
        between = {",": ",", "và": " và", "và ngày": " và ngày"}.get(join, " đến")
        said = f"{head}{between} {_day(last)} tháng {tail}"
        yield Found(match.start(), match.end(), said, "date")


def months(draft: Draft) -> Iterator[Found]:
    """4/2020, "tháng 7-8/2024", "quý 3/2022"."""
    for match in MONTHS.finditer(draft.masked):
        first, last = int(match["first"]), int(match["last"])
        if 1 <= first < last <= 12:
            year = numbers.integer(int(match["year"]))
            said = f"{_month(first)} đến tháng {_month(last)} năm {year}"
            yield Found(match.start(), match.end(), said, "date")
    for match in MONTH_YEAR.finditer(draft.masked):
        month = int(match["month"])
        if not 1 <= month <= 12:
            continue
        before = draft.before(match.start())
        year = numbers.integer(int(match["year"]))
        if re.search(r"\b(?:quý|kỳ|đợt|khóa|khoá|vụ|số|lần) ?$", before, _I):
            said = f"{numbers.integer(month)} năm {year}"
        elif re.search(r"\btháng ?$", before, _I):
            said = f"{_month(month)} năm {year}"
        else:
            said = f"tháng {_month(month)} năm {year}"
        yield Found(match.start(), match.end(), said, "date")


def _part(a: int, b: int, *, share: bool) -> str:
    """ "hai phần ba", "mười trên mười hai"."""
    small = a < b and (b <= 5 or (share and b <= 10))
    return f"{numbers.integer(a)} {'phần' if small else 'trên'} {numbers.integer(b)}"


def _as_part(draft: Draft, match: re.Match[str], a: int, b: int) -> Found:
    start, end = match.span()
    if a >= 1900 and b >= 1900:
        said = f"{numbers.integer(a)}, {numbers.integer(b)}"
        return Found(start, end, said, "range")
    share = _SHARE.match(draft.after(end)) is not None
    if not share and (" " in match["gap"] or _RATIO.search(draft.before(start))):
        return Found(start, end, f"{numbers.integer(a)} trên {numbers.integer(b)}", "fraction")
    return Found(start, end, _part(a, b, share=share), "fraction")


def slashes(draft: Draft) -> Iterator[Found]:
    """Date, fraction or share: "2/9", "2/3 số hộ", "19/19 tiêu chí", "120/80"."""
    last_date = -1
    for match in SLASH.finditer(draft.masked):
        found = _slash(draft, match, chained=_followssay_date(draft, match.start(), last_date))
        if found.rule == "date":
            last_date = found.end
        yield found


def _followssay_date(draft: Draft, start: int, last_date: int) -> bool:
    """Whether only a comma, a dash or "và", "đến" stands between this and the date before."""
    near = range(start, max(start - 12, -1), -1)
    dates = (at for at in near if (got := draft.ending(at)) is not None and got.rule == "date")
    end = last_date if last_date in near else next(dates, -1)
    between = draft.text[end:start].strip(" ,-–").lower() if end >= 0 else "?"
    return between in ("", "và", "đến", "tới", "hoặc", "đến ngày", "và ngày")


def _slash(draft: Draft, match: re.Match[str], *, chained: bool) -> Found:
    start, end = match.span()
    a, b, text = int(match["a"]), int(match["b"]), match.group()
    before, after = draft.before(start), draft.after(end)
    holiday = (a, b) in _HOLIDAYS
    tight = " " not in match["gap"] and a <= 31 and 1 <= b <= 12
    strong = chained or bool(_STRONG.search(before) or _SOON.match(after))
    strong = strong or (holiday and _ROAD.search(before) is not None)
    counted = bool(_SHARE.match(after) or COUNTED.match(after))
    portion = a < b and _PORTION.search(before) is not None
    if not tight or (not strong and (counted or portion or _RATIO.search(before))):
        return _as_part(draft, match, a, b)
    said = say_date(draft, start, a, b)
    if not exists(a, b):
        return Found(start, end, said, "date", _NO_SUCH_DAY.format(text))
    padded = match["a"][0] == "0" or match["b"][0] == "0"
    if strong or padded or a >= b or holiday:
        return Found(start, end, said, "date")
    if b <= 5 and not _WEAK.search(before):
        part = _part(a, b, share=False)
        return Found(start, end, part, "fraction", _GUESS_PART.format(text))
    return Found(start, end, said, "date", _GUESS_DATE.format(text))


_MEASURED = re.compile(
    r" ?(?:%|°|đ\b|đồng|nghìn|triệu|tỷ|tấn|tạ|mét|[a-zA-Zµ]{1,3}[23²³]?\b|độ|lần\b)"
)


def dashed_dates(draft: Draft) -> Iterator[Found]:
    """20-10 and 20.10 where the words before speak of a day; "ngày 8-9" with a warning."""
    for match in MARKED.finditer(draft.masked):
        a, b, text = int(match["a"]), int(match["b"]), match.group()
        before, after = draft.before(match.start()), draft.after(match.end())
        if not exists(a, b) or re.match(r" ?tháng\b", after, _I) or _MEASURED.match(after):
            continue
        day = re.search(r"\b(?:ngày|hôm) ?$", before, _I) is not None
        holiday = (a, b) in _HOLIDAYS
        festive = holiday and bool(_FESTIVE.search(before) or _STRONG.search(before))
        dotted = match["sep"] == "." and len(match["a"]) == len(match["b"]) == 2
        if (
            not day
            and not festive
            and not (holiday and (dotted or (a > b and match["sep"] != ".")))
        ):
            continue
        warning = None
        if (day and a < b and not holiday) or (dotted and not day and not festive):
            warning = _GUESS_DATE.format(text)
        said = say_date(draft, match.start(), a, b)
        yield Found(match.start(), match.end(), said, "date", warning)


def date_words(draft: Draft) -> Iterator[Found]:
    """Numbers behind the words ngày, mùng, tháng: "ngày 5 tháng 4" → "ngày mùng năm tháng tư"."""
    for match in DAY_SPAN.finditer(draft.masked):
        first, last = int(match["first"]), int(match["last"])
        if 0 < first < last <= 31:
            yield Found(match.start(), match.end(), f"{_day(first)} đến {_day(last)}", "date")
    for match in DAY_OF_MONTH.finditer(draft.masked):
        if _SECOND_DAY.search(draft.before(match.start())):
            yield Found(match.start(), match.end(), _day(int(match["day"])), "date")
    for match in DAY_WORD.finditer(draft.masked):
        # "uống mỗi ngày 2, 3 lần" counts times; it does not name the second.
        if not re.search(
            r"\b(?:mỗi|một|h[aà]ng|hằng|uống|\d) ngày $", draft.before(match.start()), _I
        ):
            yield Found(match.start(), match.end(), _day(int(match["day"])), "date")
    for match in LUNAR_DAY.finditer(draft.masked):
        yield Found(match.start(), match.end(), numbers.integer(int(match["day"])), "date")
    for match in MONTH_LIST.finditer(draft.masked):
        values = [int(value) for value in match["all"].split(",")]
        if all(1 <= value <= 12 for value in values):
            said = ", ".join(map(_month, values))
            yield Found(match.start(), match.end(), said, "date")
    for match in MONTH_WORD.finditer(draft.masked):
        # "hai tháng 4 lần" counts times; it does not name April.
        after = draft.after(match.end())
        if match["month"][0] == "0" or after.startswith(" năm") or not COUNTED.match(after):
            yield Found(match.start(), match.end(), _month(int(match["month"])), "date")


def ordinals(draft: Draft) -> Iterator[Found]:
    """Weekdays and other numbers behind "thứ": "Thứ 4", "thứ 2-6", "lần thứ 4"."""
    for match in WEEKDAY_SPAN.finditer(draft.masked):
        first, last = (numbers.ordinal(int(match[name])) for name in ("first", "last"))
        yield Found(match.start(), match.end(), f"{first} đến thứ {last}", "weekday")
    for match in WEEKDAY_LETTERS.finditer(draft.masked):
        first, last = (numbers.ordinal(int(match[name])) for name in ("first", "last"))
        yield Found(match.start(), match.end(), f"thứ {first} đến thứ {last}", "weekday")
    for match in WEEKDAYS.finditer(draft.masked):
        if COUNTED.match(draft.after(match.end())):
            continue
        days = [numbers.ordinal(int(day)) for day in re.findall(r"\d", match["all"])]
        span = len(days) == 2 and "," not in match["all"]
        said = f"{days[0]} đến thứ {days[1]}" if span else ", thứ ".join(days)
        yield Found(match.start(), match.end(), said, "weekday")
    for match in ORDINAL.finditer(draft.masked):
        value = int(match["value"])
        yield Found(match.start(), match.end(), numbers.ordinal(value), "ordinal")
