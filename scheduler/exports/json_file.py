"""Tables as JSON: one object, rows streamed; values as they are kept (ms, UTC), unknown is null."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any, TextIO

from scheduler.exports.tables import Document, Table


def write(document: Document, out: TextIO) -> None:
    """The whole report."""
    head = {
        "title": document.title, "station": document.station, "period": document.period,
        "first": document.first, "last": document.last, "made_on": document.made_on,
        "sentences": document.sentences, "footnotes": document.footnotes,
    }  # fmt: skip
    out.write(_dump(head)[:-1])
    out.write(', "tables": [')
    for number, table in enumerate(document.tables):
        out.write(", " if number else "")
        _table(table, out)
    out.write("]}\n")


def _table(table: Table, out: TextIO) -> None:
    head = {
        "key": table.key, "title": table.title, "note": table.note,
        "columns": [{"key": c.key, "title": c.title, "kind": c.kind.value} for c in table.columns],
    }  # fmt: skip
    out.write(_dump(head)[:-1])
    out.write(', "rows": [')
    _rows([column.key for column in table.columns], table.rows, out)
    out.write("]}")


def _rows(names: list[str], rows: Iterable[tuple[Any, ...]], out: TextIO) -> None:
    make = _nested if any("." in name for name in names) else dict
    for number, row in enumerate(rows):
        out.write(",\n" if number else "\n")
        out.write(_dump(make(zip(names, row, strict=True))))


def _nested(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """``TacGia.Email`` as a value within an object of its own."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        outer, _, inner = name.partition(".")
        if inner:
            found.setdefault(outer, {})[inner] = value
        else:
            found[outer] = value
    return found


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no JSON of {value!r}")
