"""``loa evidence``: the bundle of a period or a campaign, for whoever wants to check the station's log."""

from __future__ import annotations

import argparse
from pathlib import Path

from loa import times
from loa.commands import common
from loa.commands.report import day
from loa.database import Database
from loa.errors import LoaError
from scheduler import reports
from scheduler.evidence import bundles, scope, station_keys
from verifier import loa_verify


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    for name, dest, words in (
        ("--from", "since", "ngày đầu"),
        ("--to", "until", "ngày cuối, tính cả ngày này"),
    ):
        parser.add_argument(
            name, dest=dest, type=day, required=True, metavar="NGÀY", help=f"{words}, vd 2026-11-01"
        )
    parser.add_argument("--campaign", metavar="TÊN", help="chỉ một chiến dịch: tên hoặc mã")
    parser.add_argument(
        "--whole-log", action="store_true", help="kèm nhật ký hệ thống từ dòng đầu tiên"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="TỆP", help="tệp .zip kết quả"
    )


def run(parsed: argparse.Namespace) -> int:
    config, now = common.load(parsed), times.now()
    since, until = reports.whole_days(parsed.since, parsed.until, config.zone)
    database = Database(config.database_url)
    database.demand_current()
    with database.read() as session:
        which = scope.of(session, since, until, parsed.campaign)
        try:
            files = bundles.write(
                session, config, which, parsed.output, now, whole_log=parsed.whole_log
            )
            keys = station_keys.of(config, session)
        except OSError as error:
            raise LoaError(f"Không ghi được tệp {parsed.output}: {error.strerror}.") from error
    print(f"{parsed.output}: {files['deliveries.jsonl']['rows']} dòng nhật ký phát.")
    for key in keys:
        print(f"  khoá {key.kid}: dấu vân tay {loa_verify.fingerprint(key.x)}")
    return 0
