"""Many receivers in one process, each the reference receiver whole: signatures, journal, play-once rule.

``Fleet`` runs the receivers of folders, a few, with files and sound as in the field: the demo's.
``Simulation`` runs thousands in memory, with faults from a seed: a bench's, a soak's, a test's.
"""

from devices.simulator.counts import Sounded, Stats
from devices.simulator.faults import Faults
from devices.simulator.folders import Fleet, run
from devices.simulator.simulation import SimSettings, Simulation, key_of, password_of

__all__ = [
    "Faults",
    "Fleet",
    "SimSettings",
    "Simulation",
    "Sounded",
    "Stats",
    "key_of",
    "password_of",
    "run",
]
