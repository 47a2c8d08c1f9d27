"""Where the program's own log goes: lines on standard error, for journald or a terminal."""

from __future__ import annotations

import logging
import os


def configure(part: str) -> None:
    """One line per event, named by the part of Loa that says it. $LOA_LOG sets the level (default WARNING)."""
    logging.basicConfig(
        level=os.environ.get("LOA_LOG", "WARNING").upper(),
        format=f"%(asctime)s {part} %(levelname)s %(name)s: %(message)s",
        force=True,
    )
