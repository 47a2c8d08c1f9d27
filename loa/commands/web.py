"""``loa web``: the pages alone."""

from __future__ import annotations

import argparse
import threading

from loa import logs, processes
from loa.commands import common
from loa.database import Database
from web import serving


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)


def run(parsed: argparse.Namespace) -> int:
    logs.configure("web")
    config = common.load(parsed)
    database = Database(config.database_url)
    database.demand_current()
    stop = threading.Event()
    processes.stop_on_signals(stop)
    print(f"Trang web: http://{config.web.host}:{config.web.port}", flush=True)
    serving.serve(config, database, stop, alone=True)
    return 0
