"""The station's heartbeat: one tick a second, and at once when nudged. The only file that knows APScheduler.

One trigger in memory, nothing stored: what is due is asked of the database at each tick, so a missed, merged or
repeated tick changes nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from loa import times
from loa.times import Instant

log = logging.getLogger(__name__)
TICK_SECONDS = 1
SILENT_SECONDS = 2.0
"""APScheduler keeps wall time: set back by an hour, it sleeps for that hour. After such a silence we tick anyway."""


class _EverySecond(BaseTrigger):  # type: ignore[misc]
    """Counts from now on: an interval would go through every second that a clock put right has left out.

    A computer whose battery is flat begins years ago; that list of seconds would not fit its memory.
    """

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + timedelta(seconds=TICK_SECONDS)


class Clock:
    """Calls ``tick(now)`` from one thread: every second, and after each ``nudge``."""

    def __init__(
        self, tick: Callable[[Instant], None], now: Callable[[], Instant] = times.now
    ) -> None:
        self._tick, self._now = tick, now
        self._nudged, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            # Grace None: a late tick still runs; merged and never doubled, however late.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone="UTC",
        )

    def start(self) -> None:
        """Begin to tick, at once."""
        self._scheduler.add_job(self.nudge, _EverySecond(), id="tick")
        self._scheduler.start()
        self._thread.start()
        self.nudge()

    def nudge(self) -> None:
        """Tick as soon as the running tick, if any, is over."""
        self._nudged.set()

    def stop(self) -> None:
        """Wait for the running tick, then end."""
        self._stopped.set()
        self.nudge()
        self._scheduler.shutdown(wait=True)
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._nudged.wait(SILENT_SECONDS)
            if self._stopped.is_set():
                return
            self._nudged.clear()
            try:
                self._tick(self._now())
            except Exception:  # a tick that fails must not end the ticking; the next asks again
                log.exception("tick failed")
