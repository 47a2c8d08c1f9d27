"""Memory that a burst of work has left behind goes back to the system. Does nothing where there is no glibc."""

from __future__ import annotations

import ctypes
import gc

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
ARENAS = 2
"""Every thread with an arena of its own keeps the holes of its own bursts; all take turns anyhow."""
LARGE_BYTES = 128 * 1024
"""What is as large goes back at once, whatever glibc has learnt meanwhile: it would otherwise raise this to 32 MiB."""


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
