"""Figures as a document: the same sentences, tables and footnotes on the page, in every file and in print."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from scheduler import reports
from scheduler.exports import words
from scheduler.exports.tables import Column, Document, Kind, Table
from scheduler.reporting.counts import Counts
from scheduler.reporting.figures import Figures
from scheduler.reporting.fleet import OfReceiver
from scheduler.reporting.reached import Reached

K = TypeVar("K")
FIELDS = {
    1: "Thông tin chung",
    2: "Thông tin đột xuất",
    3: "Đường lối, chính sách, pháp luật",
    4: "Chỉ đạo, điều hành",
    5: "Kiến thức khoa học, kỹ thuật, kinh tế, văn hoá, xã hội",
    6: "Gương người tốt, việc tốt",
}
_NO_ZONE = ZoneInfo("UTC")
"""Where a column holds no moment."""
MOST_DAYS = 62
"""Longer periods are shown by month."""
COUNTED = (
    Column("broadcasts", "Lượt phát", Kind.INTEGER),
    Column("due", "Kết quả phải có", Kind.INTEGER, is_summed=True),
    Column("played", "Đã phát", Kind.INTEGER, is_summed=True),
    Column("missing", "Không đạt", Kind.INTEGER, is_summed=True),
    Column("unknown", "Chưa có xác nhận", Kind.INTEGER, is_summed=True),
    Column("confirmed", "Có xác nhận (mẫu số)", Kind.INTEGER, is_summed=True),
    Column("rate", "Tỷ lệ đã phát", Kind.RATE),
    Column("asked_ms", "Phút yêu cầu", Kind.MINUTES, is_summed=True),
    Column("played_ms", "Phút đã phát", Kind.MINUTES, is_summed=True),
    Column("unknown_ms", "Phút chưa có xác nhận", Kind.MINUTES, is_summed=True),
)


def counted(counts: Counts) -> tuple[Any, ...]:
    """The values of COUNTED."""
    flat = counts.flat()
    return tuple(flat[column.key] for column in COUNTED)


def of_period(
    found: Figures, before: Counts | None, *, title: str, station: str, made_on: date
) -> Document:
    """A period's report, compared with the one before when ``before`` is given."""
    period = found.period
    document = Document(title, period.name, station, made_on, period.first, period.last)
    document.sentences = sentences(found, before)
    document.tables = [
        _whole(found),
        *([_compared(found.total, before, period.before().name)] if before is not None else []),
        _by("days", "Theo ngày", "Ngày", found.days, kind=Kind.DAY)
        if len(period.days) <= MOST_DAYS
        else _by("months", "Theo tháng", "Tháng", months(found.days)),
        _by("areas", "Theo địa bàn", "Địa bàn", found.areas),
        _by("fields", "Theo lĩnh vực", "Lĩnh vực", found.fields, lambda n: f"{n}. {FIELDS[n]}"),
        _by("priorities", "Theo mức ưu tiên", "Mức ưu tiên", found.priorities, lambda p: reports.PRIORITIES[p]),
        _by("campaigns", "Theo chiến dịch", "Chiến dịch", found.campaigns, lambda n: found.campaign_names[n]),
        _by("authors", "Theo người soạn", "Người soạn", found.authors),
    ]  # fmt: skip
    document.footnotes = footnotes(found)
    return document


def sentences(found: Figures, before: Counts | None = None) -> list[str]:
    """What a report says first."""
    t = found.total
    if not t.due:
        return [f"Trong kỳ {found.period.name} không có lượt phát nào đã đến giờ."]
    said = [
        f"Trong kỳ có {words.number(len(t.broadcasts))} lượt phát, {words.number(t.due)} kết quả tại các đầu thu.",
        _rate(t),
        f"Thời lượng yêu cầu {words.minutes(t.asked_ms)} phút, đã phát {_minutes(t.played_ms)}"
        + (f"; {words.minutes(t.unknown_ms)} phút chưa có xác nhận." if t.unknown else "."),
    ]
    if found.emergencies.due:
        n = len(found.emergencies.broadcasts)
        said.append(f"Có {n} lượt phát khẩn cấp. {_rate(found.emergencies)}")
    if before is not None and before.rate is not None and t.rate is not None:
        said.append(f"Kỳ trước ({found.period.before().name}): {words.rate(before.rate)} đã phát.")
    return said


def _rate(counts: Counts) -> str:
    if counts.rate is None or counts.at_least is None:
        return f"Chưa có xác nhận cho kết quả nào trong {words.number(counts.due)} kết quả, nên chưa có tỷ lệ."
    said = (
        f"Đã phát {words.number(counts.played_n)}/{words.number(counts.confirmed)} kết quả có xác nhận "
        f"({words.rate(counts.rate)})"
    )
    if counts.unknown:
        said += (
            f"; {words.number(counts.unknown)} kết quả chưa có xác nhận, nên ít nhất "
            f"{words.rate(counts.at_least)} của tất cả"
        )
    return said + "."


def _minutes(ms: int | None) -> str:
    return "chưa rõ" if ms is None else f"{words.minutes(ms)} phút"


def _whole(found: Figures) -> Table:
    rows = [("Tất cả", *counted(found.total)), ("Trong đó khẩn cấp", *counted(found.emergencies))]
    if found.drills.states:
        rows.append(("Diễn tập (không tính ở trên)", *counted(found.drills)))
    columns = tuple(Column(c.key, c.title, c.kind) for c in COUNTED)
    return Table("total", "Kết quả chung", (Column("what", "Phần"), *columns), rows)


def _compared(now: Counts, before: Counts, name: str) -> Table:
    titles = {column.key: column for column in COUNTED}
    rows = []
    for key, column in titles.items():
        values = (before.flat()[key], now.flat()[key])
        show = words.shower(column, _NO_ZONE)
        rows.append((column.title, show(values[0]), show(values[1]), _difference(column, *values)))
    columns = tuple(
        Column(key, title)
        for key, title in (("what", "Chỉ tiêu"), ("before", "Kỳ trước"), ("now", "Kỳ này"), ("change", "Thay đổi"))
    )  # fmt: skip
    return Table("compared", f"So với kỳ trước ({name})", columns, rows)


def _difference(column: Column, before: float | None, now: float | None) -> str:
    if before is None or now is None:
        return words.UNKNOWN
    sign = "+" if now > before else "−" if now < before else ""
    if column.kind is Kind.RATE:
        return f"{sign}{words.number(abs(now - before) * 100, 1)} điểm %"
    return sign + words.shower(column, _NO_ZONE)(abs(now - before))


def _by(
    key: str, title: str, head: str, groups: Mapping[K, Counts],
    name: Callable[[K], Any] = lambda k: k, kind: Kind = Kind.TEXT,
) -> Table:  # fmt: skip
    rows = [(name(k), *counted(counts)) for k, counts in sorted(groups.items(), key=_order)]
    return Table(key, title, (Column(key, head, kind), *COUNTED), rows)


def _order(item: tuple[Any, Counts]) -> Any:
    return item[0]


def months(days: Mapping[date, Counts]) -> dict[str, Counts]:
    """``2026-08`` → what became of its days, in order."""
    found: dict[str, Counts] = {}
    for day, counts in days.items():
        total = found.setdefault(f"{day:%Y-%m}", Counts())
        for state in counts.states:
            total.add(
                0, state, counts.states[state], counts.asked[state], counts.played[state], counts.timed[state]
            )  # fmt: skip
    for day, counts in days.items():
        whole = found[f"{day:%Y-%m}"]
        whole.broadcasts |= counts.broadcasts
        whole.heard |= counts.heard
    for whole in found.values():
        whole.broadcasts.discard(0)
        whole.heard.discard(0)
    return dict(sorted(found.items()))


def footnotes(found: Figures) -> list[str]:
    """What a reader must know to read the figures right."""
    t = found.total
    said = [
        "Kết quả là một lượt phát tại một đầu thu, theo nhật ký có chữ ký của đầu thu. Tỷ lệ đã phát = số kết quả đã "
        "phát đến hết ÷ số kết quả có xác nhận. “Không đạt” gồm bị ngắt, lỗi, lỡ giờ và bị từ chối; lượt đã huỷ và "
        "diễn tập không tính."
    ]
    if t.unknown:
        said.append(
            f"{words.number(t.unknown)} kết quả chưa có xác nhận: đầu thu chưa báo kết quả về đài. Chúng không được "
            "tính là đã phát, cũng không được tính là không phát; khi nhật ký đến, số liệu sẽ đổi."
        )
    if t.waiting:
        said.append(
            f"{words.number(t.waiting)} kết quả chưa tính vì chưa hết giờ phát hoặc còn chờ xác nhận."
        )
    if t.played_n:
        levels = ", ".join(f"{name}: {words.number(n)}" for name, n in found.evidence.items())
        said.append(
            f"Mức chứng cứ của kết quả đã phát: {levels} "
            "(E1 bộ giải mã phát xong, E2 đo được tăng âm, E3 micro nghe được)."
        )
    return said


RECEIVER = (
    Column("area", "Địa bàn"),
    Column("receiver_id", "Mã đầu thu"),
    Column("receiver", "Đầu thu"),
    *(column for column in COUNTED if column.key != "broadcasts"),
    Column("uptime", "Thời gian có kết nối", Kind.RATE),
    Column("away_ms", "Phút mất kết nối", Kind.MINUTES, is_summed=True),
    Column("faults", "Số sự cố", Kind.INTEGER, is_summed=True),
    Column("data_bytes", "Dữ liệu SIM (MB)", Kind.MEGABYTES, is_summed=True),
)


def of_receivers(found: Iterable[OfReceiver]) -> Table:
    """One line per receiver."""
    rows = [
        (each.area_name, each.id, each.name, *counted(each.counts)[1:], each.uptime, each.away_ms,
         each.faults, each.data_bytes)
        for each in found
    ]  # fmt: skip
    note = (
        "Thời gian có kết nối tính trên thời gian đài có theo dõi; theo dõi chưa đủ một ngày thì để trống. "
        "Dữ liệu do đầu thu tự đếm, theo cả tháng của kỳ."
    )
    return Table("receivers", "Theo đầu thu", RECEIVER, rows, note)


def of_reach(reached: Reached) -> Table:
    """The reach curve, day by day."""
    columns = (
        Column("day", "Đến hết ngày", Kind.DAY),
        Column("reached", "Số hộ đã nghe", Kind.INTEGER),
        Column("households", "Tổng số hộ", Kind.INTEGER),
        Column("share", "Tỷ lệ hộ", Kind.RATE),
        Column("target", "Mục tiêu", Kind.RATE),
    )
    target = None if reached.target is None else reached.target / 100
    rows = [
        (day, share.reached, share.of, share.reached / share.of if share.of else None, target)
        for day, share in reached.curve
    ]
    note = f"Một hộ được tính khi đầu thu của hộ đã phát đến hết ít nhất {reached.times} lần."
    if reached.now.uncounted:
        note += f" {reached.now.uncounted} đầu thu chưa nhập số hộ, không có trong tỷ lệ."
    return Table("reach", "Số hộ tiếp cận", columns, rows, note)
