"""Lists of what is running or over, such as schedules and programmes: one filter, one order, one page for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from wtforms import SelectField, StringField

from web import lists
from web.forms import Form

RUNNING, OVER, ALL = "", "xong", "tat-ca"


class Running(Protocol):
    """A row of such a list."""

    @property
    def is_running(self) -> bool:
        """More is heard of it."""


Row = TypeVar("Row", bound=Running)
Orders = Mapping[str, Callable[[Any], Any]]
"""What the list is sorted by, as the address names it → key of a row."""
IsNamed = Callable[[Row, str], bool]
"""Whether the words looked for stand in a row."""


class Filter(Form):
    """The filter; its answers stand in the address. Whoever lists says what is looked for, and the states' names."""

    search: StringField
    state: SelectField

    @property
    def is_empty(self) -> bool:
        return not (self.search.data or self.state.data)


@dataclass(frozen=True)
class Page(Generic[Row]):
    rows: Sequence[Row]
    slice: lists.Slice
    order: lists.Order
    over: int
    """How many there are of which nothing more is heard."""
    known: int
    """How many there are in all."""


def page(
    known: Sequence[Row], asked: Filter, orders: Orders, is_named: IsNamed[Row], per_page: int
) -> Page[Row]:
    """The page of it that this request asks for."""
    found, order = _found(known, asked, orders, is_named)
    part = lists.slice_of(len(found), per_page)
    over = sum(not each.is_running for each in known)
    return Page(part.of(found), part, order, over, len(known))


def rows(known: Sequence[Row], asked: Filter, orders: Orders, is_named: IsNamed[Row]) -> list[Row]:
    """All that this request asks for, in its order."""
    return _found(known, asked, orders, is_named)[0]


def _found(
    known: Sequence[Row], asked: Filter, orders: Orders, is_named: IsNamed[Row]
) -> tuple[list[Row], lists.Order]:
    order, wanted = lists.order(*orders), asked.state.data or RUNNING
    found = [
        each for each in known
        if (wanted == ALL or each.is_running == (wanted == RUNNING)) and is_named(each, asked.search.data or "")
    ]  # fmt: skip
    return order.sorted(found, orders), order
