"""``loa bench pages``: pages after a year of work, beside a bare Flask page; then fifty live pages and sign-ins."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from loa.commands import measuring
from loa.errors import LoaError

FEWEST, MOST = 1_000, 100_000_000
MOST_RECEIVERS = 100_000
LEAST_SECONDS, MOST_SECONDS = 1, 3_600


def arguments(what: Any) -> None:
    """Add the subcommand to ``what``, argparse's."""
    parser = what.add_parser(
        "pages",
        help="các trang sau một năm hoạt động, bên cạnh một trang trơn; rồi 50 trang trực tiếp và 20 đăng nhập/giây",
    )
    parser.add_argument(
        "--deliveries", type=int, default=3_650_000, metavar="SỐ", help="số kết quả (3650000)"
    )
    parser.add_argument("-n", type=int, default=834, metavar="SỐ", help="số đầu thu (834)")
    parser.add_argument(
        "--seconds", type=int, default=20, metavar="SỐ", help="giây có đám đông (20)"
    )
    parser.add_argument("--only", default="", metavar="PHẦN", help="chỉ đo: pages,crowd")
    parser.add_argument("--json", type=Path, metavar="TỆP", help="ghi thêm các con số ra tệp")


def run(parsed: argparse.Namespace) -> int:
    """Measure and print. Raises LoaError for a number out of range or a part that does not exist."""
    _check(parsed)
    # Loaded where it is run: `bench sound` measures the memory of this process.
    from loa.benches import pages

    parts = measuring.parts(parsed.only, pages.PARTS)
    logging.getLogger("devices").setLevel(logging.ERROR)
    measuring.tell(pages.measure(parsed.deliveries, parsed.n, parts, parsed.seconds), parsed.json)
    return 0


def _check(parsed: argparse.Namespace) -> None:
    for value, least, most, what in (
        (parsed.deliveries, FEWEST, MOST, "kết quả"),
        (parsed.n, 1, MOST_RECEIVERS, "đầu thu"),
        (parsed.seconds, LEAST_SECONDS, MOST_SECONDS, "giây"),
    ):
        if not least <= value <= most:
            raise LoaError(f"Không đo được {value} {what}. Hãy chọn từ {least} đến {most}.")
