"""Dates, months and weekdays as Vietnamese papers write them, and how each is said.

Where the words around a number do not tell, the best guess carries a warning.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterator

from content import numbers
from content.reading_draft import Draft, Found
from content.syllables import any_of, word_set

_YEAR = r"(?:1[89]|2[01])\d\d"
_I = re.IGNORECASE

FULL = re.compile(
    r"(?<!\d)(?<!\d[/.,])(?P<day>\d{1,2})"
    r"(?: ?/ ?(?P<month>\d{1,2}) ?/ ?(?P<year>\d{4}|\d\d)"
    r"|(?P<sep>[.-]| - )(?P<month2>\d{1,2})(?P=sep)(?P<year2>\d{4}))(?!\d)(?![/-]\d{4})(?!\.\d)"
)
ISO = re.compile(rf"(?<![\d/.,-])(?P<year>{_YEAR})([-/])(?P<month>\d\d)\2(?P<day>\d\d)(?![\d/-])")
DAYS = re.compile(
    r"(?<![\d/.,-])(?P<more>(?:\d{1,2}, ?){0,8})(?P<first>\d{1,2})"
    r"(?P<join> ?(?:->?|[–~→]) ?| (?:đến|tới|và|hoặc)(?: ngày)? |, ?)"
    rf"(?P<last>\d{{1,2}})/(?P<month>\d{{1,2}})(?:/(?P<year>{_YEAR}))?(?![\d/])"
)
MONTHS = re.compile(
    rf"(?<=tháng )(?P<first>\d{{1,2}}) ?[-–] ?(?P<last>\d{{1,2}})(?: ?/ ?(?P<year>{_YEAR}))?(?![\d/])"
    r"(?!\w)(?![.,]\d)",
    _I,
)
MONTH_PAIR = re.compile(
    r"(?<=tháng )(?P<first>\d{1,2})(?P<join> (?:và|hoặc|đến|tới) )(?P<last>0?[1-9]|1[0-2])"
    r"(?= (?:năm|này|tới|âm lịch)\b| ?[.,;:)/]|$)(?![.,]\d)",
    _I | re.MULTILINE,
)
MONTH_YEAR = re.compile(
    rf"(?<![\w/.,])T?(?P<month>\d{{1,2}})(?: ?/ ?|[-.])(?P<year>{_YEAR})(?![\d/])"
)
MONTHS_SHORT = re.compile(
    rf"(?<![\w/.,])(?P<count>[1-9]|1[0-2])T(?: ?/ ?(?P<year>{_YEAR})(?![\d/])|(?= (?:đầu|cuối) năm))"
)
QUARTER = re.compile(rf"Q(?P<quarter>[1-4]) ?/ ?(?P<year>{_YEAR})(?!\w)")
MARKED = re.compile(
    r"(?<![\w/.,-])(?P<a>\d{1,2})(?P<sep>[-–.]| - )(?P<b>\d{1,2})(?!\d)(?![.,/–-]\d)"
)

HOLIDAYS = frozenset(
    {(1, 1), (3, 2), (27, 2), (8, 3), (26, 3), (10, 3), (30, 4), (1, 5), (7, 5), (19, 5), (1, 6),
     (5, 6), (21, 6), (28, 6), (27, 7), (19, 8), (2, 9), (13, 10), (10, 10), (15, 10), (20, 10),
     (9, 11), (20, 11), (22, 12)}
)  # fmt: skip
_CLOCK = r"\d ?(?:h|g|giờ|phút|:)\d{0,2}"
STRONG = re.compile(
    r"(?:\b(?:giỗ tổ|chậm nhất|muộn nhất|hạn chót|hạn cuối|khai mạc|bế mạc"
    r"|ngày|hôm|sáng|trưa|chiều|tối|đêm|m[ùồ]ng|rằm|lễ|dịp|kỷ niệm|quốc khánh|tết|chủ nhật"
    rf"|thứ (?:hai|ba|tư|năm|sáu|bảy|\d))|{_CLOCK})[ ,(]{{0,3}}(?:ngày )?$",
    _I,
)
_FESTIVE = re.compile(
    r"\b(?:phụ nữ|việt nam|nhà giáo|thầy thuốc|thương binh|liệt sĩ|lao động|giải phóng|quốc khánh"
    r"|cách mạng|thiếu nhi|thành lập|mừng|tết|lễ|dịp|kỷ niệm) ?\(?$",
    _I,
)
_NAMED_DAY = re.compile(r"\b(?:lễ|dịp|quốc khánh|tết) ?$", _I)
LUNAR = re.compile(r" ?\(?(?:âm lịch|ÂL|AL)\b", _I)
ROAD = re.compile(
    r"(?:(?<!\w)[Đđ]\.|\b(?:đường|phố|quảng trường|công viên|bệnh viện|chợ|cầu"
    r"|trường(?: (?:THCS|THPT|TH|MN|tiểu học|mầm non))?)) ?$",
    _I,
)
SHARE = re.compile(
    r" (?:số|tổng|diện tích|dân số|thành viên|đại biểu|quãng|thời gian|khối lượng|lượng|chiều"
    r"|cử tri|[uủ][ỷy] viên|phiếu|quân số|đảng viên|công việc|chặng|mức|giá|tiền|lương|thu nhập"
    r"|kinh phí|chi phí|thể tích|cốc|thìa|viên|lít|ha|sào|mẫu|tấn|người dân|nhân khẩu|lao động)\b",
    _I,
)
# What is counted: "3/4 thôn", "5 hộ"; joined by a low line where two words are one.
_COUNTED = word_set(
    """
    người hộ thôn xã phường ấp bản tổ khu cụm huyện tỉnh trường lớp chi_bộ chi_hội đơn_vị
    tiêu_chí chỉ_tiêu đồng_chí cháu em học_sinh con cây cái chiếc bộ căn nhà suất phần_quà giải
    lần buổi ca ngày tuần tháng năm quý giờ phút đợt mũi liều viên gói bao chai thùng can xe máy
    loa đài phòng điểm tuyến công_trình dự_án mô_hình nhóm đội đoàn hội lực_lượng cán_bộ
    trường_hợp vụ thửa lô ki mét km m kg tấn tạ ha sào mẫu nghìn triệu tỷ đồng nội_dung nhiệm_vụ
    giải_pháp mục_tiêu chương_trình hoạt_động phiếu tờ bài tiết thành_viên đại_biểu đại_diện
    hội_viên đoàn_viên đảng_viên chiến_sĩ vận_động_viên tiết_mục cơ_sở hợp_tác_xã doanh_nghiệp
    bước loại câu xóm làng quận khẩu gia_đình hồ_sơ ý_kiến trận bàn giáo_viên bệnh_nhân ca_bệnh
    sản_phẩm trẻ phụ_nữ
    """
)
COUNTED = re.compile(rf" (?:đ/c|{any_of(word.replace('_', ' ') for word in _COUNTED)})\b", _I)
_WEEKDAY = re.compile(
    r"\b(?:thứ (?P<name>hai|ba|tư|năm|sáu|bảy|[2-7])|(?P<sunday>chủ nhật|CN))[ ,(:]*(?:ngày )?$", _I
)
_WEEKDAY_NAMES = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_WEEKDAY_WORDS = {"hai": 0, "ba": 1, "tư": 2, "năm": 3, "sáu": 4, "bảy": 5}

NO_SUCH_DAY = "Ngày “{}” không có trong lịch."
GUESS_DATE = "“{}” đọc là ngày tháng; nếu không phải, hãy viết bằng chữ."


def day_words(day: int, *, mung: bool = True) -> str:
    return f"mùng {numbers.integer(day)}" if mung and day <= 10 else numbers.integer(day)


def month_words(month: int) -> str:
    return "tư" if month == 4 else numbers.integer(month)


def exists(day: int, month: int, year: int | None = None) -> bool:
    if not 1 <= month <= 12 or day < 1:
        return False
    return day <= calendar.monthrange(year or 2000, month)[1]


def say_date(draft: Draft, start: int, day: int, month: int, year: int | None = None) -> str:
    """ "ngày mùng năm tháng tư năm …"; "ngày" and "mùng" are not said twice."""
    before = draft.before(start)
    mung = re.search(r"\bm[ùồ]ng ?$", before, _I) is None
    said = f"{day_words(day, mung=mung)} tháng {month_words(month)}"
    named = ROAD.search(before) or _NAMED_DAY.search(before)
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
        warning = NO_SUCH_DAY.format(match.group())
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
    for match in draft.at_numbers(FULL, then="/.-"):
        month, year = match["month"] or match["month2"], match["year"] or match["year2"]
        if len(year) == 4 and not re.fullmatch(_YEAR, year):
            continue
        if len(year) == 2 and not exists(int(match["day"]), int(month)):
            continue
        yield _full(draft, match, int(match["day"]), int(month), year)
    for match in draft.at_numbers(ISO, then="-/"):
        yield _full(draft, match, int(match["day"]), int(match["month"]), match["year"])


_JOINED = {",": ",", **{word: f" {word}" for word in ("và", "và ngày", "hoặc", "hoặc ngày")}}


def day_ranges(draft: Draft) -> Iterator[Found]:
    """15-16/8/2024, "ngày 5, 6/8", "từ 15 đến 20/8"."""
    for match in draft.at_numbers(DAYS, then=",-–~→đĐtTvVhH"):
        first, last, month = int(match["first"]), int(match["last"]), int(match["month"])
        year = int(match["year"]) if match["year"] else None
        join = match["join"].strip()
        before = draft.before(match.start())
        more = [int(day) for day in re.findall(r"\d+", match["more"])]
        named = re.search(r"\b(?:ngày|từ) ?$", before, _I)
        if not 0 < first < last or not exists(last, month, year):
            continue
        if join[0] not in "-–~→" and not named:
            continue
        if SHARE.match(draft.after(match.end())):
            continue
        start = match.start() if named else match.start("first")
        days = [*more, first] if named else [first]
        head, _, tail = say_date(draft, start, days[0], month, year).partition(" tháng ")
        head = ", ".join([head, *map(day_words, days[1:])])
        said = f"{head}{_JOINED.get(join, ' đến')} {day_words(last)} tháng {tail}"
        yield Found(start, match.end(), said, "date")


def months(draft: Draft) -> Iterator[Found]:
    """4/2020, "tháng 7-8/2024", "quý 3/2022"."""
    for match in draft.at_numbers(MONTHS):
        first, last = int(match["first"]), int(match["last"])
        if 1 <= first < last <= 12 and not COUNTED.match(draft.after(match.end())):
            said = f"{month_words(first)} đến tháng {month_words(last)}"
            if match["year"]:
                said += f" năm {numbers.integer(int(match['year']))}"
            yield Found(match.start(), match.end(), said, "date")
    for match in draft.at_numbers(MONTH_PAIR):
        first, last = int(match["first"]), int(match["last"])
        if 1 <= first <= 12:
            said = f"{month_words(first)}{match['join']}{month_words(last)}"
            yield Found(match.start(), match.end(), said, "date")
    for match in draft.at_numbers(MONTHS_SHORT, then="T"):
        said = f"{numbers.integer(int(match['count']))} tháng"
        said += f" năm {numbers.integer(int(match['year']))}" if match["year"] else ""
        yield Found(match.start(), match.end(), said, "date")
    for match in draft.at_capitals(QUARTER):
        quarter, year = (numbers.integer(int(match[name])) for name in ("quarter", "year"))
        yield Found(match.start(), match.end(), f"quý {quarter} năm {year}", "date")
    for match in draft.at_numbers(MONTH_YEAR, "T", then="/.-"):
        month = int(match["month"])
        if not 1 <= month <= 12:
            continue
        before = draft.before(match.start())
        if re.search(r"\bt[ỷỉ] lệ ?$", before, _I):  # of a map
            continue
        year = numbers.integer(int(match["year"]))
        if re.search(r"\b(?:quý|kỳ|đợt|khóa|khoá|vụ|số|lần) ?$", before, _I):
            said = f"{numbers.integer(month)} năm {year}"
        elif re.search(r"\btháng ?$", before, _I):
            said = f"{month_words(month)} năm {year}"
        else:
            said = f"tháng {month_words(month)} năm {year}"
        yield Found(match.start(), match.end(), said, "date")


def follows_date(draft: Draft, start: int, last_date: int) -> bool:
    """Whether only a comma, a dash or "và", "đến" stands between this and the date before."""
    near = range(start, max(start - 12, -1), -1)
    dates = (at for at in near if (got := draft.ending(at)) is not None and got.rule == "date")
    end = last_date if last_date in near else next(dates, -1)
    between = draft.text[end:start].strip(" ,-–").lower() if end >= 0 else "?"
    return between in ("", "và", "đến", "tới", "hoặc", "đến ngày", "và ngày")


_MEASURED = re.compile(
    r" ?(?:%|°|đ\b|đồng|nghìn|triệu|tỷ|tấn|tạ|mét|[a-zA-Zµ]{1,3}[23²³]?\b|độ|lần\b)"
)


def dashed_dates(draft: Draft) -> Iterator[Found]:
    """20-10 and 20.10 where the words before speak of a day; "ngày 8-9" with a warning."""
    last_date = -1
    for match in draft.at_numbers(MARKED, then="-–."):
        a, b, text = int(match["a"]), int(match["b"]), match.group()
        before, after = draft.before(match.start()), draft.after(match.end())
        if not exists(a, b) or re.match(r" ?tháng\b", after, _I) or _MEASURED.match(after):
            continue
        day = re.search(r"\b(?:ngày|hôm) ?$", before, _I) is not None
        holiday = (a, b) in HOLIDAYS
        lunar = re.search(r"\bm[ùồ]ng ?$", before, _I) is not None
        festive = holiday and not lunar and bool(_FESTIVE.search(before) or STRONG.search(before))
        marked = (
            not lunar
            and match["sep"] in "-–"
            and (a > 12 or a > b)
            and STRONG.search(before) is not None
        )
        day = day or (marked and not COUNTED.match(after) and not re.match(r" ?giờ", after))
        if match["sep"] == " - " and not (day and a > b):
            continue
        chained = holiday and follows_date(draft, match.start(), last_date)
        dotted = match["sep"] == "." and len(match["a"]) == len(match["b"]) == 2
        if (
            not day
            and not chained
            and not festive
            and not (holiday and (dotted or (a > b and match["sep"] != ".")))
        ):
            continue
        warning = None
        clear = day or festive or chained
        if (day and a < b and not holiday) or (dotted and not clear):
            warning = GUESS_DATE.format(text)
        said = say_date(draft, match.start(), a, b)
        last_date = match.end()
        yield Found(match.start(), match.end(), said, "date", warning)
