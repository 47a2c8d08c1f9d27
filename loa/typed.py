"""Days and clocks as people type them: the one list of what is understood, for forms and for files."""

from __future__ import annotations

from datetime import date, datetime, time

DAYS = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d%m%Y", "%Y-%m-%d")
CLOCKS = (
    "%H:%M", "%H:%M:%S", "%Hh%M", "%Hh", "%Hg%M", "%Hg", "%H giờ %M", "%H giờ", "%H.%M", "%H:", "%H", "%H%M",
)  # fmt: skip
"""The hour alone goes before "%H%M", which would read 18 as 01:08."""


def day(text: str) -> date | None:
    """21/11/2026 or 2026-11-21; None where it is no date."""
    found = _read(text, DAYS)
    return found.date() if found else None


def clock(text: str) -> time | None:
    """17:05, 17h05, 1705 or 17; None where it is no time of the day."""
    found = _read(text, CLOCKS)
    return found.time() if found else None


def _read(text: str, formats: tuple[str, ...]) -> datetime | None:
    for each in formats:
        try:
            return datetime.strptime(" ".join(text.split()), each)  # noqa: DTZ007 - a wall clock has no zone
        except ValueError:
            continue
    return None
