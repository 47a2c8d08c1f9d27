"""``loa bench reports``: pages, exports and counting with millions of deliveries, beside the bare query and cursor."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from loa.commands import measuring
from loa.errors import LoaError

FEWEST, MOST = 1_000, 100_000_000
MOST_RECEIVERS = 100_000


def arguments(what: Any) -> None:
    """Add the subcommand to ``what``, argparse's."""
    parser = what.add_parser(
        "reports",
        help="nhật ký, báo cáo, tệp xuất và việc đếm khi đã có hàng triệu kết quả; bên cạnh truy vấn trơn",
    )
    parser.add_argument(
        "--deliveries", type=int, default=10_000_000, metavar="SỐ", help="số kết quả (10000000)"
    )
    parser.add_argument("-n", type=int, default=2_000, metavar="SỐ", help="số đầu thu (2000)")
    parser.add_argument(
        "--database", default="", metavar="URL", help="cơ sở dữ liệu trống thay cho một SQLite tạm"
    )
    parser.add_argument(
        "--only", default="", metavar="PHẦN", help="chỉ đo các phần này: pages,exports,counting"
    )
    parser.add_argument("--json", type=Path, metavar="TỆP", help="ghi thêm các con số ra tệp")


def run(parsed: argparse.Namespace) -> int:
    """Measure and print. Raises LoaError for a number out of range or a part that does not exist."""
    _check(parsed)
    # Loaded where it is run: `bench sound` measures the memory of this process.
    from loa.benches import reports

    parts = measuring.parts(parsed.only, reports.PARTS)
    logging.getLogger("devices").setLevel(logging.ERROR)
    measuring.tell(
        reports.measure(parsed.deliveries, parsed.n, parsed.database, parts), parsed.json
    )
    return 0


def _check(parsed: argparse.Namespace) -> None:
    if not FEWEST <= parsed.deliveries <= MOST:
        raise LoaError(
            f"Không đo được {parsed.deliveries} kết quả. Hãy chọn từ {FEWEST} đến {MOST}."
        )
    if not 1 <= parsed.n <= MOST_RECEIVERS:
        raise LoaError(f"Không đo được {parsed.n} đầu thu. Hãy chọn từ 1 đến {MOST_RECEIVERS}.")
