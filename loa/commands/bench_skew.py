"""``loa bench skew``: how exactly many receivers start together, beside processes that do nothing but wait."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

from devices import skew
from loa.errors import DeviceError

MOST_RECEIVERS, MOST_STARTS = 200, 200
GOAL_AT_MS, GOAL_PAIR_MS = 20, 50


def arguments(what: Any) -> None:
    """Add the subcommand to ``what``, argparse's."""
    parser = what.add_parser(
        "skew", help="độ lệch giờ bắt đầu phát giữa các đầu thu, khi máy đang bận"
    )
    parser.add_argument(
        "-n", "--number", type=int, default=20, metavar="SỐ", help="số đầu thu (mặc định 20)"
    )
    parser.add_argument(
        "--starts", type=int, default=20, metavar="LẦN", help="số lần bắt đầu (mặc định 20)"
    )
    parser.add_argument("--idle", action="store_true", help="không chiếm hết các nhân trong khi đo")


def run(parsed: argparse.Namespace) -> int:
    """Measure and print. Raises DeviceError for a number out of range."""
    _demand("số đầu thu (-n)", parsed.number, MOST_RECEIVERS)
    _demand("số lần bắt đầu (--starts)", parsed.starts, MOST_STARTS)
    busy = "máy rảnh" if parsed.idle else f"{os.cpu_count()} tiến trình chiếm hết các nhân"
    print(f"{parsed.number} đầu thu, {parsed.starts} lần bắt đầu, {busy}.", flush=True)
    outcome = skew.measure(parsed.number, parsed.starts, busy=not parsed.idle)
    asked = [[one.asked for one in row] for row in outcome.receivers]
    card = [[one.card for one in row] for row in outcome.receivers]
    print(f"{'mili giây':42}{'p50':>8}{'p95':>8}{'p99':>8}{'nhiều nhất':>12}")
    _print("Loa, lúc cạc xin khung đầu tiên", asked)
    _print("Loa, theo nhịp của chính cạc", card)
    _print("Chỉ ngủ đến giờ (mức trần)", outcome.bare)
    started = sum(len(row) for row in outcome.receivers)
    realtime = all(one.realtime for row in outcome.receivers for one in row)
    print("Luồng của cạc được ưu tiên thời gian thực: " + ("có." if realtime else "không."))
    print(f"Đã bắt đầu {started} trên {outcome.expected} lượt; tải máy {os.getloadavg()[0]:.1f}.")
    held = started == outcome.expected and _holds(asked)
    print(
        f"Mục tiêu (p95 lệch giờ ≤ {GOAL_AT_MS} ms, p99 giữa hai đầu thu ≤ {GOAL_PAIR_MS} ms): "
        + ("đạt." if held else "KHÔNG đạt.")
    )
    if not held and not _holds(outcome.bare):
        print("Chính mức trần cũng không đạt: máy quá bận, hãy đo lại khi máy rảnh hơn.")
    return 0 if held else 1


def _demand(what: str, number: int, most: int) -> None:
    if not 1 <= number <= most:
        raise DeviceError(
            f"Không đo được với {what} là {number}. Hãy chọn từ 1 đến {most}.", field=what
        )


def _holds(rows: Sequence[Sequence[float]]) -> bool:
    from_at, between = _spread(rows)
    return (
        skew.share(from_at, 0.95) <= GOAL_AT_MS
        and skew.share(between or [0.0], 0.99) <= GOAL_PAIR_MS
    )


def _print(name: str, rows: Sequence[Sequence[float]]) -> None:
    for part, values in zip(("lệch giờ", "giữa hai"), _spread(rows), strict=True):
        if values:
            figures = [skew.share(values, share) for share in (0.5, 0.95, 0.99)]
            shown = "".join(f"{figure:8.2f}" for figure in figures)
            print(f"{name + ', ' + part:42}{shown}{max(values):12.2f}", flush=True)


def _spread(rows: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    """(distances from the time planned, distances between any two at the same start)."""
    from_at = [abs(one) for row in rows for one in row]
    return from_at, [pair for row in rows for pair in skew.pairs(row)]
