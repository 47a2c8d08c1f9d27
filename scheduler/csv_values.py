"""Numbers and coordinates in the cells of a table somebody brings back."""

from __future__ import annotations

import math
from collections.abc import Mapping

from loa.errors import DeviceError
from loa.words import say
from scheduler.csv_rows import unquoted

Spot = tuple[float | None, float | None]
"""Latitude and longitude, or neither."""


def whole(cells: Mapping[str, str], column: str, most: int) -> int | None:
    """The number there; None where nothing stands. Raises DeviceError."""
    text = cells.get(column, "")
    if not text:
        return None
    if not text.isdecimal() or int(text) > most:
        raise DeviceError(
            say(
                "Cột %(column)s: “%(text)s” phải là số nguyên từ 0 đến %(most)s.",
                column=column,
                text=text,
                most=most,
            )
        )
    return int(text)


def spot(cells: Mapping[str, str]) -> Spot:
    """Columns “vĩ độ” and “kinh độ”. Raises DeviceError."""
    lat, lon = _coordinate(cells, "vĩ độ", 90), _coordinate(cells, "kinh độ", 180)
    if (lat is None) != (lon is None):
        raise DeviceError(say("Toạ độ phải có đủ vĩ độ và kinh độ."))
    return lat, lon


def says_spot(cells: Mapping[str, str]) -> bool:
    """Whether the table has both columns at all."""
    return "vĩ độ" in cells and "kinh độ" in cells


def spot_words(spot: Spot) -> str:
    lat, lon = spot
    return "" if lat is None else f"{lat}, {lon}"


def _coordinate(cells: Mapping[str, str], column: str, most: float) -> float | None:
    text = unquoted(cells.get(column, "")).replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not abs(value) <= most:
        raise DeviceError(
            say(
                "Cột %(column)s: “%(text)s” phải là số từ -%(most)s đến %(most)s.",
                column=column,
                text=text,
                most=most,
            )
        )
    return value
