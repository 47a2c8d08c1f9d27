"""Pages are made a few at a time.

The interpreter does one thing at a time, and SQLite gives it away at every row: of thirty pages made at once each
takes as long as all of them together. So they stand in line, and small ones are soon through. Parts of open pages
that renew themselves, sign-ins and programs' calls come when no page is made or waits: who opens one waits for none.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, current_app, g, request

from web import current

AT_ONCE = 2
"""Pages being made, on two processors; what SQLite works out needs no interpreter."""
WAIT_SECONDS = 0.5
"""A page does not wait longer for its place: files that take long to write must hold nobody up."""
BEHIND_SECONDS = 10.0
"""The same of those who come behind."""
BEHIND = ("sign_in.sign_in", "sign_in.step")
KEY = "line"


class Turn:
    """Of one request: the place it holds, if any."""

    def __init__(self, line: Line, *, behind: bool, has_place: bool) -> None:
        self.line, self.behind, self.has_place = line, behind, has_place


class Line:
    """``at_once`` places for pages. Who comes behind is let in alone, when no page is made or waits."""

    def __init__(
        self, at_once: int = AT_ONCE, wait: float = WAIT_SECONDS, behind: float = BEHIND_SECONDS
    ) -> None:
        self._at_once = at_once
        self._wait = {False: wait, True: behind}
        self._lock = threading.Lock()
        self._at_work = {False: 0, True: 0}
        """Behind or not → how many."""
        self._queue: dict[bool, deque[threading.Event]] = {False: deque(), True: deque()}

    def enter(self, *, behind: bool) -> Turn:
        """Wait for a place, and go ahead without one when that takes too long."""
        gate, queue = threading.Event(), self._queue[behind]
        with self._lock:
            queue.append(gate)
            self._let_in()
        gate.wait(self._wait[behind])
        with self._lock:
            if not gate.is_set():
                queue.remove(gate)
        return Turn(self, behind=behind, has_place=gate.is_set())

    def leave(self, turn: Turn) -> None:
        """Give the place back, once."""
        with self._lock:
            if turn.has_place:
                turn.has_place = False
                self._at_work[turn.behind] -= 1
                self._let_in()

    def _let_in(self) -> None:
        while self._queue[False] and sum(self._at_work.values()) < self._at_once:
            self._call(behind=False)
        if self._queue[True] and not any(self._at_work.values()):
            self._call(behind=True)

    def _call(self, *, behind: bool) -> None:
        self._at_work[behind] += 1
        self._queue[behind].popleft().set()


def register(app: Flask) -> None:
    """Before all else that is done for a request, and after it."""
    app.extensions[KEY] = Line()
    app.before_request(_enter)
    app.teardown_request(_leave)


def _enter() -> None:
    if request.endpoint != "static":
        g.turn = _line().enter(behind=_is_behind())


def _leave(_error: BaseException | None) -> None:
    turn: Turn | None = g.pop("turn", None)
    if turn is not None:
        turn.line.leave(turn)


def _is_behind() -> bool:
    renews = request.method == "GET" and "X-Seen" in request.headers
    return renews or request.endpoint in BEHIND or current.is_api()


def _line() -> Line:
    line: Line = current_app.extensions[KEY]
    return line


@contextmanager
def aside() -> Iterator[None]:
    """Work within that needs no interpreter, such as a password's hash, while others take the place."""
    turn: Turn | None = g.pop("turn", None)
    if turn is None:
        yield
        return
    turn.line.leave(turn)
    try:
        yield
    finally:
        g.turn = turn.line.enter(behind=turn.behind)
