"""``python -m devices.simulator FOLDER``: one simulated receiver, with its files in a folder, until SIGTERM.

The same machinery as thousands of them, but for store and shelf, which must outlive the process: this is how
``loa conformance`` tests the simulator.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from devices.loop import A_ROUND, Loop
from devices.receiver import identity as identities
from devices.receiver.shelf import Shelf
from devices.receiver.store import open_store
from devices.simulator.faults import Faults
from devices.simulator.member import Member
from devices.simulator.simulation import end
from devices.simulator.sounds import Sounds
from devices.simulator.tally import Tally
from devices.simulator.world import World
from loa import times
from loa.errors import DeviceError


def run(folder: Path, stop: threading.Event, loop: Loop) -> None:
    """Run the receiver of ``folder`` until ``stop``. Raises DeviceError."""
    identity = identities.load(folder)
    without_time = identity.clock == "rtc" or os.environ.get("LOA_CLOCK") == "none"
    faults = Faults(no_clock=1.0 if without_time else 0.0)
    world = World(loop, identity.mqtt, faults, Tally(), Sounds())
    store = open_store(folder / "receiver.db", times.now())
    member = Member(identity, store, Shelf(identity.audio))
    member.enter(world, time.monotonic())
    while not stop.is_set():
        loop.turn(A_ROUND)
    end(loop, [member])
    loop.turn(0)
    store.close()


def main() -> int:
    """The command."""
    stop, loop = threading.Event(), Loop()

    def end_soon(*_: object) -> None:
        stop.set()
        loop.wake()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end_soon)
    try:
        run(Path(sys.argv[1]), stop, loop)
    except DeviceError as error:
        print(error.sentence, file=sys.stderr)
        return 1
    finally:
        loop.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
