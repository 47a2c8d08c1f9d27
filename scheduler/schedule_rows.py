"""The lines of a file of schedules, as its writer has put them: the CSV of a spreadsheet, and its template.

Nothing here asks the station: whether a bulletin or a place is there, and whether it may sound, is
scheduler.schedule_import's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta

from loa import typed
from loa.errors import ScheduleError
from loa.words import say
from scheduler import csv_rows, repeat_words
from scheduler.csv_rows import Row, Table, unquoted
from scheduler.exceptions import Kind

COLUMNS = (
    "bản tin", "giờ", "lặp lại", "ngày bắt đầu", "ngày kết thúc", "nơi phát", "số phút", "lý do",
)  # fmt: skip
MOST_LINES = 1_000
MOST_YEARS = 10
MOST_REASON = 500
TABLE = Table(
    columns=COLUMNS,
    is_whole={"bản tin", "giờ"}.issubset,
    remedy=say("Dòng đầu của tệp phải là tên cột, ít nhất có “bản tin” và “giờ”. Hãy tải tệp mẫu về rồi điền vào."),
    most=MOST_LINES,
    error=ScheduleError,
    aliases={
        "ten ban tin": "bản tin", "tieu de": "bản tin", "gio phat": "giờ", "lap": "lặp lại", "tu ngay": "ngày bắt đầu",
        "ngay phat": "ngày bắt đầu", "den ngay": "ngày kết thúc", "den het ngay": "ngày kết thúc",
        "dia ban": "nơi phát", "so phut tiep song": "số phút", "ly do cho qua": "lý do",
    },
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Odd:
    """A day of the series that is otherwise."""

    day: date
    kind: Kind
    to_day: date | None = None
    to_time: time | None = None
    title: str = ""
    """Of REPLACE: the bulletin's."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A schedule as its writer wants it; times by the wall clock of the station's zone."""

    line: int
    title: str
    """Of the bulletin, or its number."""
    at: time
    recurs: str
    """As scheduler.recurrence keeps it."""
    start: date | None
    """None is today."""
    end: date | None = None
    places: str = ""
    minutes: int = 0
    """Of a relay; 0 is as the bulletin says."""
    why: str = ""
    lasts_ms: int = 0
    """How long an event of a calendar takes: a relay's minutes, where these are not said."""
    uid: str = ""
    """Of an event of our own: the schedule it was written from."""
    bulletin_id: int | None = None
    """Of several bulletins of that title, this."""
    skips: tuple[str, ...] = ()
    resumes: bool = False
    odd: tuple[Odd, ...] = ()


@dataclass(frozen=True)
class Unread:
    """A line that cannot be read, and why."""

    line: int
    title: str
    why: str


def read(text: str) -> list[Wish | Unread]:
    """The lines of a CSV file, in order. Raises ScheduleError when it is no such file."""
    found: list[Wish | Unread] = []
    for row in csv_rows.read(text, TABLE):
        try:
            found.append(_wish(row))
        except ScheduleError as error:
            found.append(Unread(row.number, row.cells.get("bản tin", ""), error.sentence))
    return found


def template() -> list[tuple[str, ...]]:
    """The heading, and lines to be written over."""
    return [
        COLUMNS,
        ("Lịch tiêm chủng", "17:00", "thứ 2,4,6", "01/12/2026", "31/12/2026", "thôn Đông | thôn Đoài", "", ""),
        ("Tiếp sóng đài tỉnh", "05:30", "hằng ngày", "01/12/2026", "", "xã Mẫu", "30", ""),
        ("Họp thôn", "19:30", "một lần", "05/12/2026", "", "nhóm Nhà văn hoá", "", "Họp bất thường"),
        ("Nhắc vệ sinh đường làng", "17:30", "rằm, mùng một", "", "", "xã Mẫu", "", ""),
    ]  # fmt: skip


def _wish(row: Row) -> Wish:
    if row.beyond:
        raise ScheduleError(
            say(
                "Dòng này có nhiều ô hơn dòng tên cột (thừa “%(extra)s”). "
                "Ô có dấu phẩy phải đặt trong ngoặc kép; hãy lưu lại tệp từ Excel.",
                extra=row.beyond[:40],
            )
        )
    cells = {name: _cell(name, text) for name, text in row.cells.items()}
    if not cells["bản tin"]:
        raise ScheduleError(say("Chưa ghi bản tin nào. Hãy ghi tiêu đề hoặc số của bản tin."))
    recurs = repeat_words.read(cells.get("lặp lại", ""))
    start, end = _day(cells, "ngày bắt đầu"), _day(cells, "ngày kết thúc")
    if not recurs and start is None:
        raise ScheduleError(say("Lịch phát một lần phải có ngày bắt đầu, ví dụ 05/12/2026."))
    return Wish(
        line=row.number, title=cells["bản tin"], at=_clock(cells["giờ"]), recurs=recurs, start=start,
        end=end if recurs else None, places=cells.get("nơi phát", ""), minutes=_minutes(cells.get("số phút", "")),
        why=_why(cells.get("lý do", "")),
    )  # fmt: skip


def _cell(name: str, text: str) -> str:
    """What stands there. Raises ScheduleError for a formula, whose value a file does not hold."""
    if text.startswith("="):
        raise ScheduleError(
            say(
                "Ô “%(name)s” là công thức (%(text)s). Hãy chép rồi dán lại bằng “Dán giá trị”, hoặc gõ thẳng vào.",
                name=name,
                text=text[:40],
            )
        )
    return unquoted(text)


def _clock(text: str) -> time:
    found = typed.clock(text)
    if found is None:
        raise ScheduleError(
            say("Giờ “%(text)s” phải có dạng giờ:phút, mỗi dòng một giờ, ví dụ 17:05.", text=text),
            field="at",
        )
    return found


def _day(cells: dict[str, str], name: str) -> date | None:
    text = cells.get(name, "")
    if not text:
        return None
    found = typed.day(text)
    if found is None:
        raise ScheduleError(
            say(
                "Cột %(name)s: “%(text)s” không phải ngày. Hãy ghi ngày/tháng/năm, ví dụ 05/12/2026.",
                name=name,
                text=text,
            )
        )
    return found


def demand_near(day: date | None, today: date) -> None:
    """Raise ScheduleError for a year that no plan of a commune has, only a slip of the hand."""
    if day is not None and abs(day - today) > timedelta(days=MOST_YEARS * 366):
        raise ScheduleError(
            say(
                "Ngày %(day)s cách đây quá %(most)s năm. Hãy xem lại năm.",
                day=f"{day:%d/%m/%Y}",
                most=MOST_YEARS,
            ),
            field="start_date",
        )


def _minutes(text: str) -> int:
    if not text:
        return 0
    if not text.isdecimal() or len(text) > 4:
        raise ScheduleError(
            say(
                "Số phút “%(text)s” phải là số nguyên, ví dụ 30. Bản tin thường thì để trống.",
                text=text,
            ),
            field="minutes",
        )
    return int(text)


def _why(text: str) -> str:
    if len(text) > MOST_REASON:
        raise ScheduleError(
            say("Lý do dài quá %(most)s chữ. Hãy viết gọn lại.", most=MOST_REASON),
            field="waived_why",
        )
    return text
