"""Memory: what a burst of work has left behind goes back to the system, and garbage is looked for without long stops.

Giving back does nothing where there is no glibc.
"""

from __future__ import annotations

import ctypes
import gc

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
ARENAS = 2
"""Every thread with an arena of its own keeps the holes of its own bursts; all take turns anyhow."""
LARGE_BYTES = 128 * 1024
"""What is as large goes back at once, whatever glibc has learnt meanwhile: it would otherwise raise this to 32 MiB."""
COLLECT_EVERY = 10_000
"""Objects. Ten thousand receivers' journals make many and no cycle; Python's own 700 cost a third of the time."""


def collect_seldom() -> None:
    gc.set_threshold(COLLECT_EVERY, 20, 20)


def keep() -> None:
    """What is there now stays: it is not looked at again at each collection, which took a fifth of a second."""
    gc.collect()
    gc.freeze()


def be_thrifty() -> None:
    """Tell glibc to leave fewer holes; call before threads are started."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_ARENA_MAX, ARENAS)
        libc.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def give_back() -> None:
    """Collect what is no longer used, and have glibc return whole pages; takes a few milliseconds."""
    gc.collect()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
