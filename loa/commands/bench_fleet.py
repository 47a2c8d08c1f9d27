"""``loa bench fleet`` and ``soak``: the whole station with thousands of receivers, or through an hour of faults."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loa.commands import measuring
from loa.errors import LoaError

if TYPE_CHECKING:
    from loa.benches import soak

MOST_LINES = 40
MOST_RECEIVERS = 15_000
"""A connection is a file, on both ends."""


def arguments(what: Any) -> None:
    """Add the subcommands to ``what``, argparse's."""
    many = what.add_parser(
        "fleet", help="một đài với hàng nghìn đầu thu trên máy này, bên cạnh mức trần của máy"
    )
    many.add_argument(
        "-n", type=int, default=2_000, metavar="SỐ", help="số đầu thu (mặc định 2000)"
    )
    many.add_argument("--database", default="", metavar="URL", help="PostgreSQL thay cho SQLite")
    many.add_argument(
        "--only",
        default="",
        metavar="PHẦN",
        help="chỉ đo các phần này, ví dụ: evidence,idle,memory",
    )
    many.add_argument("--json", type=Path, metavar="TỆP", help="ghi thêm các con số ra tệp")
    long = what.add_parser(
        "soak",
        help="một đài và hàng trăm đầu thu mô phỏng, sự cố liên tục; cuối cùng so nhật ký với sự thật",
    )
    long.add_argument("-n", type=int, default=500, metavar="SỐ", help="số đầu thu (500)")
    long.add_argument("--minutes", type=float, default=60, metavar="PHÚT", help="kéo dài (60)")
    long.add_argument("--seed", type=int, default=1, metavar="SỐ", help="cùng số thì cùng sự cố")
    long.add_argument("--json", type=Path, metavar="TỆP", help="ghi thêm kết quả ra tệp")


def run(parsed: argparse.Namespace) -> int:
    """Measure and print. Raises LoaError for a number out of range, and when something never comes."""
    # What breaks on purpose is no news.
    logging.getLogger("devices").setLevel(logging.ERROR)
    if parsed.what == "soak":
        return _soak(parsed)
    return _fleet(parsed.n, parsed.database, parsed.only, parsed.json)


# The station and its simulator are loaded where they are run: `bench sound` measures the memory of this process.


def _fleet(count: int, database_url: str, only: str, json: Path | None) -> int:
    if not 1 <= count <= MOST_RECEIVERS:
        raise LoaError(f"Không đo được {count} đầu thu. Hãy chọn từ 1 đến {MOST_RECEIVERS}.")
    from loa.benches import fleet

    parts = measuring.parts(only, fleet.PARTS)
    measuring.tell(fleet.measure(count, database_url, parts), json)
    return 0


def _soak(parsed: argparse.Namespace) -> int:
    from loa.benches import soak

    for found in soak.soak(parsed.n, parsed.minutes, parsed.seed):
        if isinstance(found, soak.Sample):
            memory = ", ".join(f"{role} {size:.0f} MB" for role, size in found.megabytes.items())
            print(
                f"{found.seconds / 60:.0f} phút: {found.connected} trực tuyến, {memory}; "
                f"{found.pending} mục nhật ký chờ xác nhận",
                flush=True,
            )
            continue
        _print_outcome(found)
        if parsed.json:
            measuring.write(found, parsed.json)
        return 1 if found.wrong or found.errors else 0
    return 1


def _print_outcome(found: soak.Outcome) -> None:
    print(f"Lượt phát {found.broadcasts}; kết quả tại đầu thu {found.deliveries}")
    print(f"Sự thật theo trình mô phỏng {found.truth}; {found.stats}")
    print(f"Bộ nhớ tăng từ phần ba giữa sang phần ba cuối (MB): {found.growth}")
    print(f"Mâu thuẫn giữa nhật ký và sự thật: {len(found.wrong)}; dòng lỗi: {len(found.errors)}")
    for line in [*found.wrong, *found.errors][:MOST_LINES]:
        print(f"  {line}")
