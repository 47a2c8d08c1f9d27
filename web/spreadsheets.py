"""Tables as CSV files: a list that Excel opens right, and a file that somebody brings back."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

from flask import send_file
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from loa.errors import LoaError
from loa.words import say
from scheduler import csv_rows, reports
from scheduler.exports import files
from scheduler.exports.tables import Document
from web import current


def folder() -> Path:
    """Where files are made that are about to be sent."""
    found = current.config().work
    found.mkdir(parents=True, exist_ok=True)
    return found


@contextmanager
def writing() -> Iterator[tuple[TextIO, IO[bytes]]]:
    """Text to write to and the file it goes to. A file first: a slow reader must not hold the database."""
    file = tempfile.TemporaryFile(dir=folder())  # noqa: SIM115 - closed by the response
    # The mark at the beginning tells Excel that the letters are UTF-8.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    yield text, file
    text.flush()
    text.detach()
    file.seek(0)


def made(document: Document, kind: str) -> IO[bytes]:
    """The document as an open file that is gone when it is closed."""
    with tempfile.TemporaryDirectory(dir=folder()) as place:
        path = Path(place) / f"made.{kind}"
        files.write(document, kind, path, current.zone())
        # Open, it outlives its folder until the answer is sent.
        return path.open("rb")


def rows(lines: Iterable[Iterable[object]], out: TextIO) -> None:
    """Write lines of values; None is an empty cell, and no cell is taken for a formula."""
    writer = csv.writer(out)
    for line in lines:
        writer.writerow([reports.cell(value) for value in line])


def answer(file: IO[bytes], name: str) -> Response:
    """The file, to be saved under that name."""
    return send_file(file, "text/csv; charset=utf-8", as_attachment=True, download_name=name)


def text_of(file: FileStorage | None, most: int, error: type[LoaError], what: str = "CSV") -> str:
    """What stands in a file somebody chose. Raises ``error`` where there is none, too much or no text."""
    if file is None or not file.filename:
        raise error(say("Hãy chọn tệp %(what)s.", what=what), field="file")
    raw = file.stream.read(most + 1)
    if len(raw) > most:
        raise error(
            say(
                "Tệp nặng hơn %(most)s kB. Hãy bỏ các cột không cần, hoặc chia nhỏ.",
                most=most // 1000,
            ),
            field="file",
        )
    return csv_rows.decoded(raw, error)
