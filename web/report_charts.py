"""Charts of reports: where each bar and point stands. The templates draw them, without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from loa.words import say
from scheduler.exports import words
from scheduler.reach import Share
from scheduler.reporting.counts import Counts

WIDTH, HEIGHT = 720, 160


@dataclass(frozen=True)
class Bar:
    """A part of a column; ``kind`` names its colour."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True)
class Pile:
    """One day or month: its bars from below, and what they say."""

    label: str
    says: str
    bars: list[Bar]


@dataclass(frozen=True)
class Line:
    """A curve and its target as points of an SVG."""

    points: str
    target_y: float | None
    says: str


def piles(groups: Sequence[tuple[str, Counts]]) -> list[Pile]:
    """Deliveries of each day or month: played, not played, not confirmed, on one scale."""
    most = max((counts.due for _, counts in groups), default=0) or 1
    step = WIDTH / max(len(groups), 1)
    return [
        _pile(label, counts, n * step, step * 0.8, most) for n, (label, counts) in enumerate(groups)
    ]


def _pile(label: str, counts: Counts, x: float, width: float, most: int) -> Pile:
    bars, base = [], float(HEIGHT)
    parts = (("good", counts.played_n), ("bad", counts.missing), ("unknown", counts.unknown))
    for kind, number in parts:
        height = HEIGHT * number / most
        base -= height
        if number:
            bars.append(Bar(round(x, 1), round(base, 1), round(width, 1), round(height, 1), kind))
    says = say(
        "%(label)s: %(played)s đã phát, %(missing)s không đạt, %(unknown)s chưa có xác nhận",
        label=label,
        played=counts.played_n,
        missing=counts.missing,
        unknown=counts.unknown,
    )
    return Pile(label, says, bars)


def reach(curve: Sequence[tuple[date, Share]], target: int | None) -> Line:
    """Per cent of households over the days."""
    step = WIDTH / max(len(curve) - 1, 1)
    points = [
        f"{n * step:.1f},{HEIGHT - HEIGHT * share.per_cent / 100:.1f}"
        for n, (_, share) in enumerate(curve)
        if share.per_cent is not None
    ]
    last = curve[-1][1]
    says = (
        say("Chưa nhập số hộ của đầu thu nào.")
        if last.per_cent is None
        else say(
            "Đến %(date)s: %(rate)s số hộ.",
            date=f"{curve[-1][0]:%d/%m}",
            rate=words.rate(last.reached / last.of),
        )
    )
    return Line(" ".join(points), None if target is None else HEIGHT - HEIGHT * target / 100, says)
