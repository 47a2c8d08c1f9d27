"""Figures as a document: the same sentences, tables and footnotes on the page, in every file and in print."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from loa.words import join, say
from scheduler import reports
from scheduler.exports import words
from scheduler.exports.tables import Column, Document, Kind, Table
from scheduler.reporting.counts import Counts
from scheduler.reporting.figures import Figures
from scheduler.reporting.fleet import OfReceiver
from scheduler.reporting.reached import Reached

K = TypeVar("K")
FIELDS = {
    1: say("Thông tin chung"),
    2: say("Thông tin đột xuất"),
    3: say("Đường lối, chính sách, pháp luật"),
    4: say("Chỉ đạo, điều hành"),
    5: say("Kiến thức khoa học, kỹ thuật, kinh tế, văn hoá, xã hội"),
    6: say("Gương người tốt, việc tốt"),
}
_NO_ZONE = ZoneInfo("UTC")
"""Where a column holds no moment."""
MOST_DAYS = 62
"""Longer periods are shown by month."""
COUNTED = (
    Column("broadcasts", say("Lượt phát"), Kind.INTEGER),
    Column("due", say("Kết quả phải có"), Kind.INTEGER, is_summed=True),
    Column("played", say("Đã phát"), Kind.INTEGER, is_summed=True),
    Column("missing", say("Không đạt"), Kind.INTEGER, is_summed=True),
    Column("unknown", say("Chưa có xác nhận"), Kind.INTEGER, is_summed=True),
    Column("confirmed", say("Có xác nhận (mẫu số)"), Kind.INTEGER, is_summed=True),
    Column("rate", say("Tỷ lệ đã phát"), Kind.RATE),
    Column("asked_ms", say("Phút yêu cầu"), Kind.MINUTES, is_summed=True),
    Column("played_ms", say("Phút đã phát"), Kind.MINUTES, is_summed=True),
    Column("unknown_ms", say("Phút chưa có xác nhận"), Kind.MINUTES, is_summed=True),
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
        _by("days", say("Theo ngày"), say("Ngày"), found.days, kind=Kind.DAY)
        if len(period.days) <= MOST_DAYS
        else _by("months", say("Theo tháng"), say("Tháng"), months(found.days)),
        *([of_areas(found.areas)] if found.areas is not None else []),
        _by(
            "fields",
            say("Theo lĩnh vực"),
            say("Lĩnh vực"),
            found.fields,
            lambda n: join(". ", [n, FIELDS[n]]),
        ),
        _by(
            "priorities",
            say("Theo mức ưu tiên"),
            say("Mức ưu tiên"),
            found.priorities,
            lambda p: reports.PRIORITIES[p],
        ),
        _by(
            "campaigns",
            say("Theo chiến dịch"),
            say("Chiến dịch"),
            found.campaigns,
            lambda n: found.campaign_names[n],
        ),
        _by("authors", say("Theo người soạn"), say("Người soạn"), found.authors),
    ]
    document.footnotes = footnotes(found)
    return document


def of_areas(areas: Mapping[str, Counts]) -> Table:
    """One line per area."""
    return _by("areas", say("Theo địa bàn"), say("Địa bàn"), areas)


def sentences(found: Figures, before: Counts | None = None) -> list[str]:
    """What a report says first."""
    t = found.total
    if not t.due:
        return [
            say("Trong kỳ %(period)s không có lượt phát nào đã đến giờ.", period=found.period.name)
        ]
    said = [
        say(
            "Trong kỳ có %(broadcasts)s lượt phát, %(due)s kết quả tại các đầu thu.",
            broadcasts=words.number(len(t.broadcasts)),
            due=words.number(t.due),
        ),
        _rate(t),
        _times(t),
    ]
    if found.emergencies.due:
        n = len(found.emergencies.broadcasts)
        said.append(
            say("Có %(n)s lượt phát khẩn cấp. %(rate)s", n=n, rate=_rate(found.emergencies))
        )
    if before is not None and before.rate is not None and t.rate is not None:
        said.append(
            say(
                "Kỳ trước (%(period)s): %(rate)s đã phát.",
                period=found.period.before().name,
                rate=words.rate(before.rate),
            )
        )
    return said


def _rate(counts: Counts) -> str:
    if counts.rate is None or counts.at_least is None:
        return say(
            "Chưa có xác nhận cho kết quả nào trong %(due)s kết quả, nên chưa có tỷ lệ.",
            due=words.number(counts.due),
        )
    said = say(
        "Đã phát %(played)s/%(confirmed)s kết quả có xác nhận (%(rate)s)",
        played=words.number(counts.played_n),
        confirmed=words.number(counts.confirmed),
        rate=words.rate(counts.rate),
    )
    if not counts.unknown:
        return join("", [said, "."])
    return say(
        "%(said)s; %(unknown)s kết quả chưa có xác nhận, nên ít nhất %(at_least)s của tất cả.",
        said=said,
        unknown=words.number(counts.unknown),
        at_least=words.rate(counts.at_least),
    )


def _times(counts: Counts) -> str:
    asked, played = words.minutes(counts.asked_ms), _minutes(counts.played_ms)
    if not counts.unknown:
        return say(
            "Thời lượng yêu cầu %(asked)s phút, đã phát %(played)s.", asked=asked, played=played
        )
    return say(
        "Thời lượng yêu cầu %(asked)s phút, đã phát %(played)s; %(unknown)s phút chưa có xác nhận.",
        asked=asked,
        played=played,
        unknown=words.minutes(counts.unknown_ms),
    )


def _minutes(ms: int | None) -> str:
    return say("chưa rõ") if ms is None else say("%(minutes)s phút", minutes=words.minutes(ms))


def _whole(found: Figures) -> Table:
    rows = [
        (say("Tất cả"), *counted(found.total)),
        (say("Trong đó khẩn cấp"), *counted(found.emergencies)),
    ]
    if found.drills.sums:
        rows.append((say("Diễn tập (không tính ở trên)"), *counted(found.drills)))
    columns = tuple(Column(c.key, c.title, c.kind) for c in COUNTED)
    return Table("total", say("Kết quả chung"), (Column("what", say("Phần")), *columns), rows)


def _compared(now: Counts, before: Counts, name: str) -> Table:
    titles = {column.key: column for column in COUNTED}
    rows = []
    for key, column in titles.items():
        values = (before.flat()[key], now.flat()[key])
        show = words.shower(column, _NO_ZONE)
        rows.append((column.title, show(values[0]), show(values[1]), _difference(column, *values)))
    columns = tuple(
        Column(key, title)
        for key, title in (
            ("what", say("Chỉ tiêu")),
            ("before", say("Kỳ trước")),
            ("now", say("Kỳ này")),
            ("change", say("Thay đổi")),
        )
    )
    return Table("compared", say("So với kỳ trước (%(name)s)", name=name), columns, rows)


def _difference(column: Column, before: float | None, now: float | None) -> str:
    if before is None or now is None:
        return words.UNKNOWN
    sign = "+" if now > before else "−" if now < before else ""
    if column.kind is Kind.RATE:
        return say(
            "%(sign)s%(points)s điểm %%", sign=sign, points=words.number(abs(now - before) * 100, 1)
        )
    return join("", [sign, words.shower(column, _NO_ZONE)(abs(now - before))])


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
        found.setdefault(f"{day:%Y-%m}", Counts()).join(counts)
    return dict(sorted(found.items()))


def footnotes(found: Figures) -> list[str]:
    """What a reader must know to read the figures right."""
    t = found.total
    said: list[str] = [
        say(
            "Kết quả là một lượt phát tại một đầu thu, theo nhật ký có chữ ký của đầu thu. "
            "Tỷ lệ đã phát = số kết quả đã phát đến hết ÷ số kết quả có xác nhận. "
            "“Không đạt” gồm bị ngắt, lỗi, lỡ giờ và bị từ chối; lượt đã huỷ và diễn tập không tính."
        )
    ]
    if t.unknown:
        said.append(
            say(
                "%(unknown)s kết quả chưa có xác nhận: đầu thu chưa báo kết quả về đài. Chúng không được "
                "tính là đã phát, cũng không được tính là không phát; khi nhật ký đến, số liệu sẽ đổi.",
                unknown=words.number(t.unknown),
            )
        )
    if t.waiting:
        said.append(
            say(
                "%(waiting)s kết quả chưa tính vì chưa hết giờ phát hoặc còn chờ xác nhận.",
                waiting=words.number(t.waiting),
            )
        )
    if t.played_n:
        levels = join(
            ", ", [join(": ", [name, words.number(n)]) for name, n in found.evidence.items()]
        )
        said.append(
            say(
                "Mức chứng cứ của kết quả đã phát: %(levels)s "
                "(E1 bộ giải mã phát xong, E2 đo được tăng âm, E3 micro nghe được).",
                levels=levels,
            )
        )
    return said


RECEIVER = (
    Column("area", say("Địa bàn")),
    Column("receiver_id", say("Mã đầu thu")),
    Column("receiver", say("Đầu thu")),
    *(column for column in COUNTED if column.key != "broadcasts"),
    Column("uptime", say("Thời gian có kết nối"), Kind.RATE),
    Column("away_ms", say("Phút mất kết nối"), Kind.MINUTES, is_summed=True),
    Column("faults", say("Số sự cố"), Kind.INTEGER, is_summed=True),
    Column("data_bytes", say("Dữ liệu SIM (MB)"), Kind.MEGABYTES, is_summed=True),
)


def of_receivers(found: Iterable[OfReceiver]) -> Table:
    """One line per receiver."""
    rows = [
        (each.area_name, each.id, each.name, *counted(each.counts)[1:], each.uptime, each.away_ms,
         each.faults, each.data_bytes)
        for each in found
    ]  # fmt: skip
    note = say(
        "Thời gian có kết nối tính trên thời gian đài có theo dõi; theo dõi chưa đủ một ngày thì để trống. "
        "Dữ liệu do đầu thu tự đếm, theo cả tháng của kỳ."
    )
    return Table("receivers", say("Theo đầu thu"), RECEIVER, rows, note)


def of_reach(reached: Reached) -> Table:
    """The reach curve, day by day."""
    columns = (
        Column("day", say("Đến hết ngày"), Kind.DAY),
        Column("reached", say("Số hộ đã nghe"), Kind.INTEGER),
        Column("households", say("Tổng số hộ"), Kind.INTEGER),
        Column("share", say("Tỷ lệ hộ"), Kind.RATE),
        Column("target", say("Mục tiêu"), Kind.RATE),
    )
    target = None if reached.target is None else reached.target / 100
    rows = [
        (day, share.reached, share.of, share.reached / share.of if share.of else None, target)
        for day, share in reached.curve
    ]
    note = say(
        "Một hộ được tính khi đầu thu của hộ đã phát đến hết ít nhất %(times)s lần.",
        times=reached.times,
    )
    if n := reached.now.uncounted:
        apart = say("%(n)s đầu thu chưa nhập số hộ, không có trong tỷ lệ.", n=n)
        note = join(" ", [note, apart])
    return Table("reach", say("Số hộ tiếp cận"), columns, rows, note)
