"""Files that must be whole or not there at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def create_once(path: Path, content: bytes) -> bytes:
    """What ``path`` holds, after giving it ``content`` if it was not there; readable by its owner alone.

    Of several processes that do this at once, all get the same answer, and none ever sees half a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)  # unlike a rename, it does not replace
    finally:
        os.unlink(temporary)  # noqa: PTH108 - mkstemp gives a name
    return path.read_bytes()


def replace(path: Path, content: bytes) -> None:
    """Give ``path`` that content in one step that outlives a power cut; readable by its owner alone."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - mkstemp gives a name
    except BaseException:
        os.unlink(temporary)  # noqa: PTH108
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
