"""``loa reports``: make and send the reports by order that are due; the station runs it by itself."""

from __future__ import annotations

import argparse
import os
import threading

from loa import logs, processes
from loa.commands import common
from loa.database import Database
from scheduler.report_orders import work

YIELDING = 10
"""Nice value: broadcasts go first."""


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)


def run(parsed: argparse.Namespace) -> int:
    logs.configure("reports")
    config = common.load(parsed)
    database = Database(config.database_url)
    database.demand_current()
    stop = threading.Event()
    processes.stop_on_signals(stop)
    os.nice(YIELDING)
    work.work(config, database, stop)
    return 0
