"""Has reports by order made and sent, in a process of its own: a large one holds nothing up."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from loa import times
from loa.config import Config
from loa.database import Database
from loa.processes import Child
from scheduler.report_orders import work

LOOK_SECONDS = 10.0
AFTER_FAILURE = 300.0
"""Seconds; what went wrong in the process itself is in the log, and is tried again then."""


def watch(config: Config, database: Database, over: threading.Event) -> None:
    """Until ``over``: start the process whenever something is due, and wait for its end."""
    pause = LOOK_SECONDS
    while not over.wait(pause):
        pause = LOOK_SECONDS
        if work.has_work(config, database, times.now()):
            pause = LOOK_SECONDS if _run(config, over) else AFTER_FAILURE


def _run(config: Config, over: threading.Event) -> bool:
    """Whether it ended well, or we end ourselves."""
    child = Child("reports", command(config))
    child.start()
    try:
        while child.is_running and not over.wait(0.2):
            pass
    finally:
        child.stop()
    return over.is_set() or child.code == 0


def command(config: Config) -> list[str]:
    """``loa reports`` for this station."""
    file = Path(config.folder) / "config.toml"
    said = ["--config", str(file)] if file.exists() else []
    return [sys.executable, "-m", "loa.cli", "reports", *said]
