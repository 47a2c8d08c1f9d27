"""How fast the line is, by how long blocks take: how many to ask for together, and when one is overdue.

What has been asked for is on its way and cannot be overtaken: on a slow line an emergency would wait for all of it.
"""

from __future__ import annotations

from devices.messages import MAX_WANTED_BLOCKS
from loa.times import SECOND

FIRST = 1
"""Blocks asked for together while nothing is known of the line."""
IN_FLIGHT = 1 * SECOND
"""Blocks are asked for together as far as the line brings them in this time; one is, on the slowest."""
GATHERED = 200
"""Milliseconds a station waits for others to ask for the same: no fault of the line."""
TIMEOUT = 5 * SECOND
TIMEOUT_MOST = 60 * SECOND
PATIENCE = 3
"""Times what a block took last: then it is overdue."""


class Pace:
    """Of one line, for all sounds. Pure."""

    def __init__(self) -> None:
        self.size = FIRST
        """Blocks to ask for together."""
        self._each = 0

    def came(self, blocks: int, took: int) -> None:
        """All ``blocks`` asked for together have come, ``took`` milliseconds after the question, asked once."""
        self._each = max(0, took - GATHERED) // blocks
        carried = IN_FLIGHT // self._each if self._each else MAX_WANTED_BLOCKS
        self.size = max(1, min(carried, 2 * self.size, MAX_WANTED_BLOCKS))

    def lost(self) -> None:
        """Nothing came in time."""
        self.size = max(1, self.size // 2)

    def timeout(self, stalls: int) -> int:
        """Milliseconds to wait for the next block, after so many waits in vain."""
        usual = max(TIMEOUT, PATIENCE * self._each)
        return min(usual << min(stalls, 10), TIMEOUT_MOST)
