"""A document as a file of any kind: what the page's buttons, the command line and reports by order all write."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from scheduler.exports import csv_file, docx_file, json_file, xlsx_file
from scheduler.exports.tables import Document

KINDS = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
"""Ending of the name → media type."""


def write(document: Document, kind: str, path: Path, zone: ZoneInfo, *, bom: bool = True) -> None:
    """Write it; ``bom``: whether CSV begins with the mark by which Excel knows UTF-8. Raises OSError."""
    match kind:
        case "xlsx":
            xlsx_file.write(document, path, zone)
        case "docx":
            # Whole in memory first: python-docx would leave half a file behind.
            paper = io.BytesIO()
            docx_file.write(document, paper, zone)
            path.write_bytes(paper.getvalue())
        case _:
            encoding = "utf-8-sig" if bom and kind == "csv" else "utf-8"
            with path.open("w", encoding=encoding, newline="") as out:
                write_text(document, kind, out, zone)


def write_text(document: Document, kind: str, out: TextIO, zone: ZoneInfo) -> None:
    """CSV or JSON."""
    if kind == "csv":
        csv_file.write_document(document, out, zone)
    else:
        json_file.write(document, out)
