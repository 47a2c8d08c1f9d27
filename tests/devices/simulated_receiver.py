"""The simulator as a receiver under test, for ``other_receivers``.

``folders``: the fleet of the demo, whose receivers keep everything on disk. ``memory``: one of the thousands of a
bench, which forget everything when the process is killed and whose clock is always set.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from devices import signing
from devices.receiver import command, identity
from devices.simulator import Fleet, SimSettings, Simulation, simulation


def folders(folder: Path) -> None:
    stop = command.stop_on_signals()
    with tempfile.TemporaryDirectory() as parent:
        (Path(parent) / folder.name).symlink_to(folder, target_is_directory=True)
        Fleet(Path(parent)).run(stop)


def memory(folder: Path) -> None:
    stop = command.stop_on_signals()
    known = identity.load(folder)
    # Its keys come from a secret of the simulation; here the folder says whose it is.
    simulation.key_of = lambda _secret, rid: signing.key_at(folder / identity.KEY, rid)
    settings = SimSettings(
        rids=[known.rid], secret=b"", keys=tuple(known.keys.values()), mqtt=known.mqtt,
        roots=known.roots, need=known.need, kv=known.kv,
    )  # fmt: skip
    running = Simulation(settings)
    running.start()
    stop.wait()
    running.stop()
