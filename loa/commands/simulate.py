"""``loa simulate``: the station's virtual receivers, in one process."""

from __future__ import annotations

import argparse
import threading

from devices import simulator
from loa import demo, logs, processes
from loa.commands import common


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument(
        "--output",
        choices=("null", "wav"),
        default="null",
        help="null: không phát tiếng; wav: ghi ra tệp",
    )


def run(parsed: argparse.Namespace) -> int:
    logs.configure("simulate")
    stop = threading.Event()
    processes.stop_on_signals(stop)
    simulator.run(demo.simulated_folder(common.load(parsed)), parsed.output, stop)
    return 0
