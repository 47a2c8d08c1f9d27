"""What lists share: a page of what was found, and heads that sort it. Both stand in the address, beside the filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import request

from loa import searching

PAGE, ORDER = "trang", "xep"
PER_PAGE = 50
T = TypeVar("T")


@dataclass(frozen=True)
class Slice:
    """The page asked for of ``total`` rows, as ``parts.pages`` turns it."""

    total: int
    number: int
    pages: int
    per_page: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.per_page

    def of(self, rows: Sequence[T]) -> Sequence[T]:
        """Its rows out of all."""
        return rows[self.offset : self.offset + self.per_page]


def slice_of(total: int, per_page: int = PER_PAGE) -> Slice:
    """The page this request asks for; beyond the last it is the last."""
    pages = max(-(-total // per_page), 1)
    number = min(max(request.args.get(PAGE, 1, type=int), 1), pages)
    return Slice(total, number, pages, per_page)


def asked(*but: str) -> dict[str, Any]:
    """What stands in the address, but for the number of the page and the names given."""
    return {k: v for k, v in request.args.items() if v and k != PAGE and k not in but}


@dataclass(frozen=True)
class Order:
    """By which column a list is sorted (``?xep=ten``), and whether the other way round (``?xep=-ten``)."""

    column: str
    back: bool
    first: str
    """The column of an address that names none."""

    @property
    def asked(self) -> str:
        """As the address names it; empty for the list as it comes."""
        if self.back:
            return f"-{self.column}"
        return "" if self.column == self.first else self.column

    def after_click(self, column: str) -> str | None:
        """What the address holds once that head was clicked; None for the list as it comes."""
        if column == self.column and not self.back:
            return f"-{column}"
        return None if column == self.first else column

    def way(self, column: str) -> str | None:
        """``aria-sort`` of that head."""
        if column != self.column:
            return None
        return "descending" if self.back else "ascending"

    def sorted(self, rows: Iterable[T], keys: Mapping[str, Callable[[T], Any]]) -> list[T]:
        """All rows in that order, by the key of its column."""
        return sorted(rows, key=keys[self.column], reverse=self.back)


def order(*columns: str) -> Order:
    """The order this request asks for, out of these columns; the first where it asks for none."""
    value = request.args.get(ORDER, "")
    column = value.removeprefix("-")
    if column not in columns:
        return Order(columns[0], False, columns[0])
    return Order(column, value.startswith("-"), columns[0])


def by_letters(text: str) -> str:
    """A key that puts Vietnamese names as a dictionary does: first by plain letters, then by their marks."""
    return searching.key(text)


def finds(words: str, *texts: str) -> bool:
    """Whether all these words, with or without marks, stand in the texts."""
    return searching.holds(searching.key(*texts), words)
