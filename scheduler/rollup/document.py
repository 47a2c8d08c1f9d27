"""Other stations' figures as a document: the page, every file and the print show the same."""

from __future__ import annotations

from datetime import date

from scheduler.exports import words
from scheduler.exports.tables import Column, Document, Kind, Table
from scheduler.reporting.counts import Counts
from scheduler.reporting.document import COUNTED, counted
from scheduler.rollup.figures import OfStation, Whole

TITLE = "Tổng hợp kết quả phát thanh của các xã"
MISSING = "chưa nộp"
MOST_NAMED = 20
STATION = (
    Column("station", "Đài"),
    Column("handed_in", "Đã nộp"),
    *COUNTED,
    Column("emergencies", "Lượt khẩn cấp", Kind.INTEGER, is_summed=True),
    Column("silent", "Đầu thu im lặng", Kind.INTEGER, is_summed=True),
    Column("rate_before", "Tỷ lệ kỳ trước", Kind.RATE),
    Column("change", "Thay đổi"),
)


def of_period(found: Whole, *, station: str, made_on: date) -> Document:
    """The roll-up of a period."""
    period = found.period
    made = Document(TITLE, period.name, station, made_on, period.first, period.last)
    made.sentences = _sentences(found)
    made.tables = [_whole(found), _stations(found), _days(found)]
    made.footnotes = _footnotes(found)
    return made


def _sentences(found: Whole) -> list[str]:
    missing = [each for each in found.stations if each.is_missing]
    total, t = len(found.stations), found.total
    said = [f"{total - len(missing)}/{total} đài đã nộp gói chứng cứ của kỳ."]
    if missing:
        said.append(f"Chưa nộp: {_named([each.name for each in missing])}.")
    if partly := [each for each in found.stations if each.days_missing and not each.is_missing]:
        named = _named([f"{each.name} ({each.days_missing} ngày)" for each in partly])
        said.append(f"Nộp còn thiếu ngày: {named}.")
    if t.rate is not None and t.at_least is not None:
        said.append(
            f"Đã phát {words.number(t.played_n)}/{words.number(t.confirmed)} kết quả có xác nhận "
            f"({words.rate(t.rate)}), ít nhất {words.rate(t.at_least)} của tất cả; "
            f"{words.number(t.unknown)} kết quả chưa có xác nhận."
        )
    elif t.due:
        said.append(f"Chưa có xác nhận nào cho {words.number(t.due)} kết quả, nên chưa có tỷ lệ.")
    if found.before.rate is not None:
        said.append(f"Kỳ trước ({found.period.before().name}): {words.rate(found.before.rate)} đã phát.")  # fmt: skip
    return said


def _named(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" và {more} đài nữa" if more > 0 else "")


def _whole(found: Whole) -> Table:
    is_known = any(not each.is_missing for each in found.stations)
    rows = [
        ("Tất cả", *_known(found.total, is_known)),
        ("Trong đó khẩn cấp", *_known(found.emergencies, is_known)),
    ]
    if found.drills.states:
        rows.append(("Diễn tập (không tính ở trên)", *counted(found.drills)))
    rows.append(("Kỳ trước", *_known(found.before, bool(found.before.states))))
    columns = tuple(Column(c.key, c.title, c.kind) for c in COUNTED)
    return Table("total", "Kết quả chung", (Column("what", "Phần"), *columns), rows)


def _known(counts: Counts, is_known: bool) -> tuple[object, ...]:
    """Where nobody has handed in, nothing is known, which is not nought."""
    return counted(counts) if is_known else tuple(None for _ in COUNTED)


def _stations(found: Whole) -> Table:
    note = (
        "Đài chưa nộp để trống, không tính là 0. Đầu thu im lặng: có lượt phải phát trong kỳ mà chưa báo gì về "
        "lượt nào."
    )
    return Table("stations", "Theo đài", STATION, [_station(each) for each in found.stations], note)


def _station(each: OfStation) -> tuple[object, ...]:
    if each.is_missing:
        return (each.name, MISSING, *(None for _ in COUNTED), None, None, each.before.rate, "")
    handed_in = f"thiếu {each.days_missing} ngày" if each.days_missing else "đủ"
    return (
        each.name, handed_in, *counted(each.counts), len(each.emergencies.broadcasts), len(each.silent),
        each.before.rate, _change(each.before, each.counts),
    )  # fmt: skip


def _change(before: Counts, now: Counts) -> str:
    if before.rate is None or now.rate is None:
        return words.UNKNOWN
    points = (now.rate - before.rate) * 100
    sign = "+" if points > 0 else "−" if points < 0 else ""
    return f"{sign}{words.number(abs(points), 1)} điểm %"


def _days(found: Whole) -> Table:
    rows = [(day, *counted(counts)) for day, counts in found.days.items()]
    return Table("days", "Theo ngày", (Column("day", "Ngày", Kind.DAY), *COUNTED), rows)


def _footnotes(found: Whole) -> list[str]:
    said = [
        "Số liệu lấy từ gói chứng cứ do từng đài ký; gói bị thay đổi thì không nhận. Kết quả là một lượt phát tại "
        "một đầu thu. Tỷ lệ đã phát = số kết quả đã phát đến hết ÷ số kết quả có xác nhận. “Không đạt” gồm bị ngắt, "
        "lỗi, lỡ giờ và bị từ chối; lượt đã huỷ và diễn tập không tính. Hai gói cùng nói về một lượt thì theo gói "
        "lập sau."
    ]
    if found.total.unknown:
        said.append(
            f"{words.number(found.total.unknown)} kết quả chưa có xác nhận: không tính là đã phát, cũng không tính là "
            "không phát. Nhật ký đến muộn có trong gói mà đài xuất lại sau."
        )
    if found.total.waiting:
        said.append(
            f"{words.number(found.total.waiting)} kết quả chưa tính: lúc lập gói chưa hết giờ phát hoặc chờ xác nhận."
        )
    silent = [f"{each.name}: {', '.join(each.silent)}" for each in found.stations if each.silent]
    if silent:
        said.append(f"Đầu thu im lặng: {'; '.join(silent[:MOST_NAMED])}.")
    return said
