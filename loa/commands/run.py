"""``loa run``: clock and wire, beside ``loa web`` and a broker that runs by itself."""

from __future__ import annotations

import argparse
import threading

from loa import logs, processes
from loa.commands import common
from loa.database import Database
from loa.station import Runner


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)


def run(parsed: argparse.Namespace) -> int:
    logs.configure("run")
    config = common.load(parsed)
    database = Database(config.database_url)
    database.demand_current()
    stop = threading.Event()
    processes.stop_on_signals(stop)
    return 0 if Runner(config, database, stop).run() else 1
