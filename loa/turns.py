"""Heavy work a few at a time: some more may wait for their turn, and who comes then is told to come again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from loa.errors import Crowded
from loa.words import say


class Turns:
    """``at_once`` at work, ``waiting`` more in line."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._work = threading.Semaphore(at_once)
        self._room = threading.Semaphore(at_once + waiting)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Work within, when it is one's turn. Raises Crowded at once where the line is full."""
        if not self._room.acquire(blocking=False):
            raise Crowded(
                say("Đang có nhiều người đăng nhập cùng lúc. Hãy chờ vài giây rồi thử lại.")
            )
        try:
            with self._work:
                yield
        finally:
            self._room.release()
