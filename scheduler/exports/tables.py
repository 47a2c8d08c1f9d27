"""What every format is made of: tables of typed columns. The page, the files and the print show the same ones."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any


class Kind(enum.StrEnum):
    """What a column holds; None is unknown in each, and never 0."""

    TEXT = "text"
    INTEGER = "integer"
    CODE = "code"
    """A whole number that is a name or an epoch, not an amount: written without separators."""
    MINUTES = "minutes"
    """Milliseconds, shown as minutes."""
    RATE = "rate"
    """0 to 1, shown as per cent."""
    MEGABYTES = "megabytes"
    """Bytes, shown as MB."""
    MOMENT = "moment"
    """An instant, shown by the station's clock."""
    DAY = "day"


@dataclass(frozen=True)
class Column:
    """``key`` names it for machines, ``title`` for people."""

    key: str
    title: str
    kind: Kind = Kind.TEXT
    is_summed: bool = False
    """A total makes sense."""
    is_minor: bool = False
    """Left out where the width of a page is all there is."""


@dataclass
class Table:
    """Rows of values in the order of the columns."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Iterable[tuple[Any, ...]]
    note: str = ""
    """A sentence below it."""


@dataclass
class Document:
    """A report: its head, a few sentences, tables, and footnotes."""

    title: str
    """As in “Báo cáo kết quả phát thanh”."""
    period: str
    station: str
    made_on: date
    first: date
    last: date
    sentences: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    footnotes: list[str] = field(default_factory=list)
