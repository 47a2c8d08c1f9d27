"""``loa bench schedule``: a year planned, two days planned, conflicts found, beside the bare expansion of the rules."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from loa.commands import measuring
from loa.errors import LoaError

MOST_RECEIVERS = 100_000


def arguments(what: Any) -> None:
    """Add the subcommand to ``what``, argparse's."""
    parser = what.add_parser(
        "schedule",
        help="lập lịch một năm, giao 48 giờ, kiểm tra trùng; bên cạnh python-dateutil trơn",
    )
    parser.add_argument(
        "-n", type=int, default=10_000, metavar="SỐ", help="số đầu thu của phần 48 giờ (10000)"
    )


def run(parsed: argparse.Namespace) -> int:
    """Measure and print. Raises LoaError for a number out of range."""
    if not 1 <= parsed.n <= MOST_RECEIVERS:
        raise LoaError(f"Không đo được {parsed.n} đầu thu. Hãy chọn từ 1 đến {MOST_RECEIVERS}.")
    # Loaded where it is run: `bench sound` measures the memory of this process.
    from loa.benches import schedule

    logging.getLogger("devices").setLevel(logging.ERROR)
    measuring.tell(schedule.measure(large=parsed.n))
    return 0
