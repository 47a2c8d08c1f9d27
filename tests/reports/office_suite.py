"""LibreOffice, headless, in a profile of its own: what a spreadsheet and a word processor make of a file."""

from __future__ import annotations

import re
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import defusedxml.ElementTree as Xml

from tests.parts import need

PATIENCE_SECONDS = 600
"""The first start writes a whole profile; on two busy cores that takes long."""
_OWN_CRASH = "Fatal exception: Signal"
"""Seen once in its first start, on a machine with four times its work; a file of ours that kills it does so twice."""
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_MOST_REPEATED = 100
"""Beyond it what is repeated is the empty rest of a sheet."""


@dataclass(frozen=True)
class Cell:
    """What LibreOffice holds in it after computing."""

    kind: str
    value: str
    formula: str | None

    @property
    def number(self) -> float | None:
        return float(self.value) if self.kind in ("float", "percentage") else None


UTF8_CSV = "Text - txt - csv (StarCalc):44,34,76"
"""Comma, quotation mark, UTF-8: what its window proposes for such a file, and nobody answers headless."""


def convert(files: list[Path], to: str, folder: Path, reads: str = "") -> list[Path]:
    """The files as another kind, in ``folder``; ``reads``: how they are to be read, where it does not see that."""
    arguments = [
        *([f"--infilter={reads}"] if reads else []), "--convert-to", to, "--outdir", str(folder), *map(str, files),
    ]  # fmt: skip
    done = _run(folder / "profile", arguments)
    if _OWN_CRASH in done.stderr:
        done = _run(folder / "second-profile", arguments)
    assert done.returncode == 0, done.stderr
    return [folder / f"{file.stem}.{to.partition(':')[0]}" for file in files]


def _run(profile: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    own = [f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore"]
    return subprocess.run(
        [need("libreoffice"), *own, *arguments],
        capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip


def sheets(file: Path) -> dict[str, list[list[Cell]]]:
    """Every sheet of a flat OpenDocument file, rows of cells, without the empty rest."""
    root = Xml.parse(file).getroot()
    return {table.get(f"{_TABLE}name"): _rows(table) for table in root.iter(f"{_TABLE}table")}


def _rows(table) -> list[list[Cell]]:
    rows = []
    for row in table.iter(f"{_TABLE}table-row"):
        times = int(row.get(f"{_TABLE}number-rows-repeated", 1))
        rows += [_cells(row)] * (times if times < _MOST_REPEATED else 0)
    return rows


def _cells(row) -> list[Cell]:
    cells = []
    for cell in row:
        times = int(cell.get(f"{_TABLE}number-columns-repeated", 1))
        cells += [_cell(cell)] * (times if times < _MOST_REPEATED else 0)
    return cells


def _cell(cell) -> Cell:
    kind = cell.get(f"{_OFFICE}value-type", "")
    said = "\n".join(_said(each) for each in cell.iter(f"{_TEXT}p"))
    value = cell.get(f"{_OFFICE}value") or cell.get(f"{_OFFICE}date-value") or said
    return Cell(kind, value, cell.get(f"{_TABLE}formula"))


def _said(paragraph) -> str:
    found = paragraph.text or ""
    for inner in paragraph:
        found += {f"{_TEXT}s": " ", f"{_TEXT}tab": "\t"}.get(inner.tag, inner.text or "")
        found += inner.tail or ""
    return found


def forget_totals(book: Path, out: Path) -> Path:
    """The same workbook without what its formulas came to: whoever opens it must compute."""
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(out, "w") as made:
        for name in source.namelist():
            content = source.read(name)
            if name.startswith("xl/worksheets/"):
                content = re.sub(rb"</f><v>[^<]*</v>", b"</f>", content)
            made.writestr(name, content)
    return out
