"""The broadcast log for machines and inspectors: per delivery what was expected, frozen, and what happened.

Rows come as plain values straight from the driver, one after another: a million of them need no more memory than
a hundred.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import languages
from loa.words import say
from scheduler import reports
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.exports.tables import Column, Kind
from scheduler.reporting.tables import Expectation
from scheduler.reports import LogFilter

K = Kind


class _Shown(NamedTuple):
    """A column of the log, and where its value comes from."""

    column: Column
    value: sa.SQLColumnExpression[Any]
    words: Any = None
    """Value → words, where it is a code."""


def frozen(name: str) -> sa.SQLColumnExpression[Any]:
    """As it was when the plan was sent; before that, as it is."""
    return sa.func.coalesce(getattr(Expectation, name), getattr(Broadcast, name))


ASKED = sa.func.nullif(sa.func.coalesce(Delivery.expected_ms, Delivery.ms), 0)
_SOUND = sa.func.coalesce(
    Delivery.expected_sha, Delivery.recording_sha, sa.case((Delivery.rev.is_not(None), Delivery.last_sha))
)  # fmt: skip
_APPROVER = sa.func.coalesce(
    sa.cast(Expectation.approver, sa.Text), sa.cast(Broadcast.approver_names, sa.Text)
)
D, B = Delivery, Broadcast
_PRIORITIES = {str(each.value): words for each, words in reports.PRIORITIES.items()}
_STATES = {str(each.value): words for each, words in reports.STATES.items()}


def _yes(value: bool) -> str:
    return say("có") if value else ""


def _names(text: str) -> str:
    return ", ".join(json.loads(text)) if text else ""


def _language(code: str) -> str:
    return languages.name(code)


SHOWN = (
    _Shown(Column("occurrence", say("lượt phát")), B.occurrence),
    _Shown(Column("asked_at", say("giờ hẹn"), K.MOMENT), frozen("starts_at")),
    _Shown(Column("title", say("bản tin")), frozen("title")),
    _Shown(Column("field", say("lĩnh vực"), K.INTEGER), frozen("field")),
    _Shown(Column("priority", say("mức ưu tiên")), sa.cast(frozen("priority"), sa.Text), _PRIORITIES.get),
    _Shown(Column("area", say("địa bàn")), D.area_name),
    _Shown(Column("receiver_id", say("mã đầu thu")), D.receiver_id),
    _Shown(Column("receiver", say("đầu thu")), D.receiver_name),
    _Shown(Column("state", say("kết quả")), sa.cast(D.state, sa.Text), _STATES.get),
    _Shown(Column("reason", say("lý do")), D.reason, reports.reason),
    _Shown(Column("started_at", say("giờ bắt đầu thật"), K.MOMENT), D.started_at),
    _Shown(Column("late_ms", say("trễ (ms)"), K.INTEGER), D.late_ms),
    _Shown(Column("ended_at", say("giờ kết thúc thật"), K.MOMENT), D.ended_at),
    _Shown(Column("asked_ms", say("thời lượng yêu cầu (ms)"), K.INTEGER), ASKED),
    _Shown(Column("played_ms", say("thời lượng đã phát (ms)"), K.INTEGER), D.played_ms),
    _Shown(Column("evidence", say("mức chứng cứ")), D.evidence),
    _Shown(Column("volume", say("âm lượng"), K.INTEGER), D.volume),
    _Shown(Column("sha256", say("mã băm âm thanh")), _SOUND),
    _Shown(Column("author", say("người soạn")), frozen("author")),
    _Shown(Column("approver", say("người duyệt")), _APPROVER, _names),
    _Shown(Column("scheduler", say("người đặt lịch")), frozen("scheduler")),
    _Shown(Column("language", say("ngôn ngữ")), D.language, _language),
    _Shown(Column("relay", say("tiếp sóng")), D.rel, lambda rel: reports.RELAYED.get(rel, rel)),
    _Shown(Column("origin", say("nguồn lịch")), frozen("origin")),
    _Shown(Column("drill", say("diễn tập")), frozen("drill"), _yes),
    _Shown(Column("asked_volume", say("âm lượng yêu cầu"), K.INTEGER), D.expected_volume),
    _Shown(Column("households", say("số hộ"), K.INTEGER), D.expected_households),
    _Shown(Column("sent_at", say("giờ gửi lệnh"), K.MOMENT), D.sent_at),
    _Shown(Column("plan", say("lệnh đầu tiên số"), K.INTEGER), D.rev),
    _Shown(Column("accepted_at", say("giờ đầu thu nhận lệnh"), K.MOMENT), D.accepted_at),
    _Shown(Column("started_raw_at", say("giờ bắt đầu theo đồng hồ đầu thu"), K.MOMENT), D.started_raw_at),
)  # fmt: skip
ON_PAPER = frozenset(
    {
        "asked_at",
        "title",
        "area",
        "receiver",
        "state",
        "reason",
        "started_at",
        "late_ms",
        "asked_ms",
        "played_ms",
        "evidence",
    }
)
COLUMNS = tuple(replace(shown.column, is_minor=shown.column.key not in ON_PAPER) for shown in SHOWN)
AT_ONCE = 2_000
"""Rows fetched in one step."""


def rows(session: Session, wanted: LogFilter) -> Iterator[tuple[Any, ...]]:
    """One tuple per delivery in the order of COLUMNS, newest broadcast first; moments are instants."""
    # As the driver gives them: one value to be converted would have every row copied.
    plain: list[Any] = [sa.type_coerce(shown.value, sa.types.NullType()) for shown in SHOWN]
    query = in_order(matching(sa.select(*plain), reports.looked_up(session, wanted)))
    worded = [(place, _known(shown.words)) for place, shown in enumerate(SHOWN) if shown.words]
    for some in _batches(session, query):
        columns: list[Any] = list(zip(*some, strict=True))
        for place, words in worded:
            columns[place] = map(words, columns[place])
        yield from zip(*columns, strict=True)


def _batches(session: Session, query: sa.Select[Any]) -> Iterator[Sequence[Sequence[Any]]]:
    """Rows past the ORM, and on SQLite as its driver gives them: each would take as long as the query itself."""
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        yield from connection.execute(query).partitions(AT_ONCE)
        return
    result = connection.execute(query.execution_options(yield_per=None, stream_results=False))
    while some := result.cursor.fetchmany(AT_ONCE):
        yield some


def in_order(query: sa.Select[Any]) -> sa.Select[Any]:
    """Newest broadcast first, some rows at once."""
    return query.order_by(*reports.ORDER).execution_options(yield_per=AT_ONCE)


def _known(words: Any) -> Any:
    """The same function, that looks each value up once: there are few."""

    class Known(dict[Any, Any]):
        def __missing__(self, value: Any) -> Any:
            found = self[value] = words(value)
            return found

    return Known({None: None}).__getitem__


def matching(query: sa.Select[Any], wanted: LogFilter) -> sa.Select[Any]:
    """The deliveries the filter means, with what was expected of them."""
    joined = (
        query.select_from(Broadcast)
        .join(Delivery, Delivery.broadcast_id == Broadcast.id)
        .outerjoin(Expectation, Expectation.id == Delivery.expectation_id)
    )
    return reports.narrowed(joined, wanted)
