"""The list of regular reports: which are asked for, in what order, and what became of the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy.orm import Session
from wtforms import SelectField, StringField

from loa import searching
from loa.times import Instant
from loa.words import say
from scheduler.report_orders import due, orders
from scheduler.report_orders.tables import ReportOrder, ReportRun, RunState, What
from web import current, labels, lists
from web.forms import Form, choices

MOST_RUNS = 5
KINDS = {
    What.WEEK: say("tuần"),
    What.MONTH: say("tháng"),
    What.HALF: say("6 tháng"),
    What.YEAR: say("năm"),
    What.CAMPAIGN: say("chiến dịch"),
}
STATES = {
    RunState.DUE: say("đang lập"),
    RunState.MADE: say("đã lập"),
    RunState.SENT: say("đã gửi thư"),
    RunState.FAILED: say("không xong"),
    RunState.UNSURE: say("không rõ thư đã đi chưa"),
}
ANY, RUNNING, PAUSED, TROUBLED = "", "dang-chay", "tam-dung", "truc-trac"
ORDERS = {
    "": say("thứ tự đặt"),
    "lan-toi": say("lần tới"),
    "loai": say("loại báo cáo"),
}
HEAD = (
    say("Báo cáo"),
    say("Chiến dịch"),
    say("Định dạng"),
    say("Thư tới"),
    say("Thư mục"),
    say("Lần tới"),
    say("Tạm dừng từ"),
    say("Người đặt"),
    say("Lần cuối, kỳ"),
    say("Lần cuối, kết quả"),
    say("Lần cuối, lý do"),
)


class ListForm(Form):
    """The filter; its answers stand in the address."""

    search = StringField(say("Tìm theo chiến dịch, nơi nhận"), name="tim")
    state = SelectField(
        say("Tình trạng"),
        name="tinh_trang",
        choices=choices(
            [
                (ANY, say("tất cả")),
                (RUNNING, say("đang chạy")),
                (PAUSED, say("tạm dừng")),
                (TROUBLED, say("có trục trặc")),
            ]
        ),
    )
    order = SelectField(say("Sắp xếp theo"), name="xep", choices=choices(ORDERS.items()))


@dataclass(frozen=True)
class Row:
    """An order in the list."""

    order: ReportOrder
    next_at: Instant | None
    runs: list[ReportRun]

    @property
    def is_troubled(self) -> bool:
        return any(run.is_troubled for run in self.runs)


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    slice: lists.Slice
    known: int
    """How many there are in all."""


def form() -> ListForm:
    """What was asked."""
    return ListForm(request.args, data={"search": "", "state": ANY, "order": ""})


def page(session: Session, asked: ListForm) -> Page:
    """The page of it that this request asks for."""
    known = _known(session)
    found = _found(known, asked)
    part = lists.slice_of(len(found))
    return Page(list(part.of(found)), part, len(known))


def rows(session: Session, asked: ListForm) -> Iterator[tuple[Any, ...]]:
    """All of them as a table in Vietnamese, its head first."""
    yield HEAD
    for row in _found(_known(session), asked):
        yield tuple(str(value) for value in _told(row))


def _known(session: Session) -> list[Row]:
    return [_row(session, order) for order in orders.listed(session)]


def _row(session: Session, order: ReportOrder) -> Row:
    coming = due.next_of(order, current.now(), current.zone()) if order.paused_at is None else None
    return Row(order, coming.at if coming else None, orders.runs(session, order, most=MOST_RUNS))


def _found(known: list[Row], asked: ListForm) -> list[Row]:
    state, search = asked.state.data or ANY, asked.search.data or ""
    found = [row for row in known if _is_of(row, state) and searching.holds(_key(row), search)]
    by = _SORTED.get(asked.order.data or "")
    return sorted(found, key=by) if by else found


def _is_of(row: Row, state: str) -> bool:
    if state == TROUBLED:
        return row.is_troubled
    return state == ANY or (row.order.paused_at is not None) == (state == PAUSED)


def _key(row: Row) -> str:
    order = row.order
    campaign = order.campaign.name if order.campaign else ""
    return searching.key(KINDS[order.what], campaign, *order.to, order.folder or "")


_SORTED: dict[str, Callable[[Row], Any]] = {
    "lan-toi": lambda row: (row.next_at is None, row.next_at or 0),
    "loai": lambda row: list(KINDS).index(row.order.what),
}


def _told(row: Row) -> tuple[Any, ...]:
    order, zone = row.order, current.zone()
    last = row.runs[0] if row.runs else None
    days = f"{last.first:%d/%m/%Y} – {last.last:%d/%m/%Y}" if last else ""
    return (
        KINDS[order.what], order.campaign.name if order.campaign else "", order.format, ", ".join(order.to),
        order.folder or "", labels.moment(row.next_at, zone), labels.moment(order.paused_at, zone), order.staff.name,
        days, STATES[last.state] if last else "", (last.reason or "") if last else "",
    )  # fmt: skip
