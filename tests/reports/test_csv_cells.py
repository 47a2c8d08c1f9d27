"""Cells written a column at a time are those the csv module would write a row at a time."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from loa.times import HOUR, instant
from scheduler.exports import csv_cells, csv_file, xlsx_cells
from scheduler.exports.tables import Column, Kind, Table
from tests.cast import NOON, ZONE

WILD = ['a,b', 'nói "to"', "hai\r\ndòng", "", " ", "=1", None, 5, "dấu; phẩy", "x\ny", "'", "ế"]  # fmt: skip
COLUMNS = (Column("a", "A"), Column("n", "N", Kind.INTEGER), Column("at", "Lúc", Kind.MOMENT))


def test_they_are_read_back_as_the_csv_module_writes_them() -> None:
    rows = [(text, n, NOON + n) for n, text in enumerate(WILD * 700)]
    out, known = io.StringIO(newline=""), io.StringIO(newline="")
    assert csv_file.write(Table("t", "", COLUMNS, rows), out, ZONE) == len(rows)
    writer = csv.writer(known)
    writer.writerow(["A", "N", "Lúc"])
    for text, n, at in rows:
        cell = None if text is None else csv_file.text(text)
        clock = f"21/11/2026 12:00:{(at - NOON) // 1000:02d}.{(at - NOON) % 1000:03d}"
        writer.writerow([cell, n, clock])
    assert out.getvalue() == known.getvalue()


def test_more_values_than_are_kept_stay_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_cells, "MOST_KNOWN", 3)
    values = [*range(10), None, *range(10)]
    cells = csv_cells.of_column(COLUMNS[1], ZONE)(values)
    assert list(cells) == ["" if value is None else str(value) for value in values]


def test_a_clock_that_is_put_forward_is_followed_by_both_files() -> None:
    """In Berlin the hour after two was left out on 29 March 2026."""
    berlin, column = ZoneInfo("Europe/Berlin"), COLUMNS[2]
    before = instant(datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC))
    moments = [before, before + 1000, None, before + HOUR]
    assert list(csv_cells.of_column(column, berlin)(moments)) == [
        "29/03/2026 01:59:59.000", "29/03/2026 03:00:00.000", "", "29/03/2026 03:59:59.000",
    ]  # fmt: skip
    first, second, none, _ = xlsx_cells.of_column(column, berlin)(moments)
    assert none is None
    assert (second - first) * 86_400 == pytest.approx(3601, abs=0.01)
