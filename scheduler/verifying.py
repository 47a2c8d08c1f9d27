"""Signatures of many batches, checked on more than one core.

A signature costs ten times what the rest of a batch does. A few are checked where we stand, as is what comes once
in a while: processes would take the cores just then to start. When it goes on like that, processes are started that
check and do nothing else, and ended when it is quiet. Where there are so many receivers that all of them answer an
emergency at once, the processes are there before: they wait, and cost memory alone.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, NamedTuple

from devices import signing
from loa.times import MINUTE, SECOND, Instant

log = logging.getLogger(__name__)
WORKERS = min(2, max(1, (os.cpu_count() or 1) - 1))
"""One core is ours: there batches are checked as well, and written."""
A_SLICE = 64
"""Signatures handed over together."""
FLOOD = 100
"""From so many at once the way to another process and back is worth it."""
MANY = 5_000
"""From so many within LATELY the start of processes is worth it: half a second of checking against a third of one."""
LATELY = 10 * SECOND
CROWD = 1_000
"""Receivers from which on the processes are kept ready."""
REST_AFTER = MINUTE
"""The processes end when there was no flood for so long, and live or not are looked at so often."""
CANNOT_LIVE = (OSError, RuntimeError)
"""No memory, no process or no thread is to be had, or one of the processes has ended (BrokenProcessPool)."""
END_SECONDS = 2.0
"""A pool that has not ended by then is stuck."""
AHEAD = 2
"""Slices the processes are given beyond one for each, so that none waits for us."""


class Token(NamedTuple):
    """A token, and the keys (base64url) one of which should have signed it; ``kid`` is the name it must go by."""

    token: bytes
    kind: str
    kid: str
    keys: tuple[str, ...]


def fault(job: Token) -> str:
    """Why the token is not to be believed; empty when it is good."""
    why = "kid"
    for x in job.keys:
        try:
            signing.verify(job.token, job.kind, {job.kid: signing.PublicKey(kid=job.kid, x=x)})
        except signing.BadSignature as bad:
            why = bad.why
        else:
            return ""
    return why


def _faults(jobs: Sequence[Token]) -> list[str]:
    return [fault(job) for job in jobs]


class Verifiers:
    """Checks tokens, in processes of their own when there are many. One thread may use it."""

    def __init__(self, workers: int = WORKERS, flood: int = FLOOD, many: int = MANY) -> None:
        self._workers, self._flood, self._many = workers, flood, many
        self._lately: deque[tuple[Instant, int]] = deque()
        """When how many came, of those within LATELY."""
        self._pool: ProcessPoolExecutor | None = None
        self._warm: Future[list[str]] | None = None
        self._used_at = Instant(0)
        self._seen_at = Instant(0)
        """When the processes were last seen to take work."""
        self._broken_at = Instant(-REST_AFTER)
        self._stays = False

    def expect(self, receivers: int) -> None:
        """So many may answer at once. Any thread may say so."""
        self._stays = receivers >= CROWD

    @property
    def is_awake(self) -> bool:
        """Whether there are processes now."""
        return self._pool is not None

    def faults(self, jobs: Sequence[Token], now: Instant, lend: bool = True) -> Iterator[str]:
        """``fault`` of each, in order; of many, those found first while the last are still checked.

        ``lend`` a hand to the processes, unless this one has better things to do.
        """
        pool = self._pool_for(jobs, now)
        if pool is None:
            yield from map(fault, jobs)
            return
        slices = [jobs[start : start + A_SLICE] for start in range(0, len(jobs), A_SLICE)]
        checked = 0
        try:
            for some in _checked(pool, slices, self._workers + AHEAD, lend):
                checked += len(some)
                yield from some
        except CANNOT_LIVE:
            self._do_without(now)
            yield from map(fault, jobs[checked:])

    def rest(self, now: Instant) -> None:
        """End the processes when there is no flood any more, or keep them ready for a crowd; call now and then."""
        if self._stays:
            self._ready(now)
        elif self._pool is not None and not 0 <= now - self._used_at < REST_AFTER:
            self.close()

    def close(self) -> None:
        """End the processes, if there are any."""
        pool, self._pool, self._warm = self._pool, None, None
        if pool is not None:
            _end(pool)

    def _pool_for(self, jobs: Sequence[Token], now: Instant) -> ProcessPoolExecutor | None:
        self._count(len(jobs), now)
        if len(jobs) < self._flood:
            return None
        self._used_at = now
        if self._pool is None and sum(many for _, many in self._lately) < self._many:
            return None
        return self._ready(now)

    def _count(self, many: int, now: Instant) -> None:
        self._lately.append((now, many))
        while not 0 <= now - self._lately[0][0] <= LATELY:
            self._lately.popleft()

    def _ready(self, now: Instant) -> ProcessPoolExecutor | None:
        """The processes, once one of them has answered: until then nobody waits for their start."""
        if self._pool is None and 0 <= now - self._broken_at < REST_AFTER:
            return None  # where they cannot live, they are not started for every message
        try:
            if self._pool is None:
                self._pool = self._start()
                self._warm = self._pool.submit(_faults, ())
                self._seen_at = now
            elif not 0 <= now - self._seen_at < REST_AFTER:
                self._pool.submit(_faults, ())  # refused where one of them has died at rest
                self._seen_at = now
        except CANNOT_LIVE:
            self._do_without(now)
        return self._pool if self._warm is not None and self._warm.done() else None

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._workers,
            # Not fork: the child would hold our threads' locks and the broker's connection.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin_work,
        )

    def _do_without(self, now: Instant) -> None:
        """Slower here, but checked."""
        log.exception("signatures are checked without processes for a while")
        self.close()
        self._broken_at = now


def _checked(
    pool: ProcessPoolExecutor, slices: Sequence[Sequence[Token]], ahead: int, lend: bool
) -> Iterator[Sequence[str]]:
    """``_faults`` of each slice, in order. The processes begin with the first, whoever lends a hand with the last.

    The processes have ``ahead`` slices at most, for none can be taken back: a pool that breaks while it holds a
    cancelled one ends nothing of its own (CPython 3.11), and the program then never ends.
    """
    left = deque(slices)
    theirs = deque[Future[list[str]]]()
    ours = deque[Sequence[str]]()
    while left or theirs:
        while left and sum(not each.done() for each in theirs) < ahead:
            theirs.append(pool.submit(_faults, left.popleft()))
        if lend and left:
            ours.appendleft(_faults(left.pop()))
        else:
            yield theirs.popleft().result()
    yield from ours


def _end(pool: ProcessPoolExecutor) -> None:
    """End the pool, also one that a killed process has left stuck.

    CPython before 3.11.4 (Debian 12 has 3.11.2) waits for a thread that writes what nobody reads any more, into a
    pipe that this process itself holds open: closed, it lets go. Later versions close it themselves.
    """
    inside: Any = pool
    calls, manager = inside._call_queue, inside._executor_manager_thread
    pool.shutdown(wait=False, cancel_futures=True)
    if manager is not None:
        manager.join(END_SECONDS)
        if manager.is_alive():
            calls._reader.close()
            manager.join()


def _begin_work() -> None:
    """In the child: a Ctrl-C is for the parent, and without the parent there is no work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        with contextlib.suppress(OSError):
            parent.join()
        os._exit(0)
