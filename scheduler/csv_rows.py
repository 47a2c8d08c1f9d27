"""Tables people bring from a spreadsheet: the bytes of a CSV file → rows by column, however Excel has written it.

With or without the mark of UTF-8 at its beginning, cells parted by commas, semicolons or tabs, names of columns with or
without marks of Vietnamese. Lines are numbered as a spreadsheet shows them: the heading is 1.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from loa import searching
from loa.errors import LoaError
from loa.words import say


@dataclass(frozen=True)
class Row:
    """A line that is not empty."""

    number: int
    cells: Mapping[str, str]
    """Column → what stands there, without blanks around it."""
    beyond: str
    """What stands in cells beyond the last column."""


@dataclass(frozen=True)
class Wrong:
    """A line that cannot be taken, and why."""

    line: int
    words: str
    """By which people know it."""
    why: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a file of one kind must be."""

    columns: tuple[str, ...]
    """Those that are taken; others are passed over."""
    is_whole: Callable[[set[str]], bool]
    """Whether a file with these columns can be taken."""
    remedy: str
    """Said of one that cannot."""
    most: int
    """Lines."""
    error: type[LoaError]
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of columns, in plain letters → the column."""


def decoded(raw: bytes, error: type[LoaError]) -> str:
    """The text of a file. Raises ``error``, naming the line that is no UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw[: wrong.start].count(b"\n") + 1
        raise error(
            say(
                "Tệp không phải văn bản mã UTF-8 (dòng %(line)s). "
                "Trong Excel, hãy chọn Lưu thành “CSV UTF-8” rồi nhập lại.",
                line=line,
            ),
            field="file",
        ) from wrong


def read(text: str, table: Table) -> Iterator[Row]:
    """The rows of the file. Raises the table's error for one that is none of its kind."""
    rows = _split(text.lstrip("\ufeff"), table)
    heading = _heading(rows[0] if rows else [], table)
    if len(rows) - 1 > table.most:
        raise table.error(
            say(
                "Tệp có %(n)s dòng, quá %(most)s dòng. Hãy chia nhỏ.",
                n=len(rows) - 1,
                most=table.most,
            ),
            field="file",
        )
    for number, row in enumerate(rows[1:], start=2):
        cells = {name: cell.strip() for name, cell in zip(heading, row, strict=False) if name}
        beyond = " ".join(filter(None, (cell.strip() for cell in row[len(heading) :])))
        if any(cells.values()) or beyond:
            yield Row(number, cells, beyond)


def _split(text: str, table: Table) -> list[list[str]]:
    first = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True
    )
    try:
        return list(reader)
    except csv.Error as wrong:
        raise table.error(
            say(
                "Tệp không phải bảng CSV (hỏng ở dòng %(line)s). Trong Excel, hãy chọn Lưu thành “CSV UTF-8”.",
                line=reader.line_num,
            ),
            field="file",
        ) from wrong


def _heading(row: list[str], table: Table) -> list[str]:
    known = {plain(name): name for name in table.columns} | dict(table.aliases)
    heading = [known.get(plain(cell), "") for cell in row]
    named = [name for name in heading if name]
    if not table.is_whole(set(named)):
        raise table.error(table.remedy, field="file")
    if twice := [name for name in named if named.count(name) > 1]:
        raise table.error(
            say("Tệp có hai cột “%(column)s”. Hãy bỏ bớt một cột rồi nhập lại.", column=twice[0]),
            field="file",
        )
    return heading


def plain(text: str) -> str:
    """In plain small letters, one blank between words."""
    return " ".join(searching.without_marks(text).casefold().split())


def unquoted(text: str) -> str:
    """Without the mark an export puts before what a spreadsheet would take for a formula."""
    return text[1:] if text[:2] in ("'=", "'+", "'-", "'@") else text
