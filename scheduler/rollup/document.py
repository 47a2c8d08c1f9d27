"""Other stations' figures as a document: the page, every file and the print show the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from loa.words import join, say
from scheduler.exports import words
from scheduler.exports.tables import Column, Document, Kind, Table
from scheduler.reporting.counts import Counts
from scheduler.reporting.document import COUNTED, counted
from scheduler.rollup.figures import OfStation, Whole

TITLE = say("Tổng hợp kết quả phát thanh của các xã")
MISSING = say("chưa nộp")
MOST_NAMED = 20
STATION = (
    Column("station", say("Đài")),
    Column("handed_in", say("Đã nộp")),
    *COUNTED,
    Column("emergencies", say("Lượt khẩn cấp"), Kind.INTEGER, is_summed=True),
    Column("silent", say("Đầu thu im lặng"), Kind.INTEGER, is_summed=True),
    Column("rate_before", say("Tỷ lệ kỳ trước"), Kind.RATE),
    Column("change", say("Thay đổi")),
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
    said: list[str] = [
        say(
            "%(handed_in)s/%(total)s đài đã nộp gói chứng cứ của kỳ.",
            handed_in=total - len(missing),
            total=total,
        )
    ]
    if missing:
        said.append(say("Chưa nộp: %(named)s.", named=_named([each.name for each in missing])))
    if partly := [each for each in found.stations if each.days_missing and not each.is_missing]:
        named = _named(
            [
                say("%(name)s (%(days)s ngày)", name=each.name, days=each.days_missing)
                for each in partly
            ]
        )
        said.append(say("Nộp còn thiếu ngày: %(named)s.", named=named))
    if t.rate is not None and t.at_least is not None:
        said.append(
            say(
                "Đã phát %(played)s/%(confirmed)s kết quả có xác nhận "
                "(%(rate)s), ít nhất %(at_least)s của tất cả; "
                "%(unknown)s kết quả chưa có xác nhận.",
                played=words.number(t.played_n),
                confirmed=words.number(t.confirmed),
                rate=words.rate(t.rate),
                at_least=words.rate(t.at_least),
                unknown=words.number(t.unknown),
            )
        )
    elif t.due:
        said.append(
            say(
                "Chưa có xác nhận nào cho %(due)s kết quả, nên chưa có tỷ lệ.",
                due=words.number(t.due),
            )
        )
    if found.before.rate is not None:
        said.append(
            say(
                "Kỳ trước (%(period)s): %(rate)s đã phát.",
                period=found.period.before().name,
                rate=words.rate(found.before.rate),
            )
        )
    return said


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    named = join(", ", names[:MOST_NAMED])
    return say("%(named)s và %(more)s đài nữa", named=named, more=more) if more > 0 else named


def _whole(found: Whole) -> Table:
    is_known = any(not each.is_missing for each in found.stations)
    rows = [
        (say("Tất cả"), *_known(found.total, is_known)),
        (say("Trong đó khẩn cấp"), *_known(found.emergencies, is_known)),
    ]
    if found.drills.sums:
        rows.append((say("Diễn tập (không tính ở trên)"), *counted(found.drills)))
    rows.append((say("Kỳ trước"), *_known(found.before, bool(found.before.sums))))
    columns = tuple(Column(c.key, c.title, c.kind) for c in COUNTED)
    return Table("total", say("Kết quả chung"), (Column("what", say("Phần")), *columns), rows)


def _known(counts: Counts, is_known: bool) -> tuple[object, ...]:
    """Where nobody has handed in, nothing is known, which is not nought."""
    return counted(counts) if is_known else tuple(None for _ in COUNTED)


def _stations(found: Whole) -> Table:
    note = say(
        "Đài chưa nộp để trống, không tính là 0. Đầu thu im lặng: có lượt phải phát trong kỳ mà chưa báo gì về "
        "lượt nào."
    )
    return Table(
        "stations", say("Theo đài"), STATION, [_station(each) for each in found.stations], note
    )


def _station(each: OfStation) -> tuple[object, ...]:
    if each.is_missing:
        return (each.name, MISSING, *(None for _ in COUNTED), None, None, each.before.rate, "")
    handed_in = (
        say("thiếu %(days)s ngày", days=each.days_missing) if each.days_missing else say("đủ")
    )
    return (
        each.name, handed_in, *counted(each.counts), len(each.emergencies.broadcasts), len(each.silent),
        each.before.rate, _change(each.before, each.counts),
    )  # fmt: skip


def _change(before: Counts, now: Counts) -> str:
    if before.rate is None or now.rate is None:
        return words.UNKNOWN
    points = (now.rate - before.rate) * 100
    sign = "+" if points > 0 else "−" if points < 0 else ""
    return say("%(sign)s%(points)s điểm %%", sign=sign, points=words.number(abs(points), 1))


def _days(found: Whole) -> Table:
    rows = [(day, *counted(counts)) for day, counts in found.days.items()]
    return Table("days", say("Theo ngày"), (Column("day", say("Ngày"), Kind.DAY), *COUNTED), rows)


def _footnotes(found: Whole) -> list[str]:
    said: list[str] = [
        say(
            "Số liệu lấy từ gói chứng cứ do từng đài ký; gói bị thay đổi thì không nhận. Kết quả là một lượt phát tại "
            "một đầu thu. Tỷ lệ đã phát = số kết quả đã phát đến hết ÷ số kết quả có xác nhận. "
            "“Không đạt” gồm bị ngắt, lỗi, lỡ giờ và bị từ chối; lượt đã huỷ và diễn tập không tính. "
            "Hai gói cùng nói về một lượt thì theo gói lập sau."
        )
    ]
    if found.total.unknown:
        said.append(
            say(
                "%(unknown)s kết quả chưa có xác nhận: không tính là đã phát, cũng không tính là "
                "không phát. Nhật ký đến muộn có trong gói mà đài xuất lại sau.",
                unknown=words.number(found.total.unknown),
            )
        )
    if found.total.waiting:
        said.append(
            say(
                "%(waiting)s kết quả chưa tính: lúc lập gói chưa hết giờ phát hoặc chờ xác nhận.",
                waiting=words.number(found.total.waiting),
            )
        )
    silent = [f"{each.name}: {', '.join(each.silent)}" for each in found.stations if each.silent]
    if silent:
        said.append(say("Đầu thu im lặng: %(silent)s.", silent="; ".join(silent[:MOST_NAMED])))
    return said
