"""Has the station archive at night, in a process of its own that gives way to everything else."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from loa.config import Config
from loa.database import Database
from loa.processes import Child
from loa.times import HOUR, MINUTE, Instant, after
from scheduler.retention import night, rules

log = logging.getLogger(__name__)
EVERY = 5 * MINUTE
AFTER_FAILURE = 20 * HOUR
"""What went wrong is told to staff, and tried again the next night."""
NEVER = Instant(0)


class Nightly:
    """Looks every few minutes whether it is time; call ``look`` as often as you like, and ``stop`` at the end."""

    def __init__(self, config: Config, database: Database) -> None:
        self._config, self._database = config, database
        self._child: Child | None = None
        self._not_before = NEVER

    def look(self, now: Instant) -> None:
        """Start the work when it is time for it; put what config.toml says on record."""
        if self._child is not None and not self._child.is_running:
            self._not_before = after(now, EVERY if self._child.code == 0 else AFTER_FAILURE)
            self._end()
        if self._child is None and now >= self._not_before:
            self._not_before = after(now, EVERY)
            if self._is_due(now):
                self._child = Child("archive", self._command())
                self._child.start()

    def _is_due(self, now: Instant) -> bool:
        with self._database.read() as session:
            is_noted = rules.is_noted(session, self._config)
        if not is_noted:
            with self._database.write(wake=False) as session:
                rules.note(session, self._config, now)
        with self._database.read() as session:
            return (
                rules.confirmed(session, self._config)
                and night.is_time(session, self._config, now)
                and night.has_work(session, self._config, now)
            )

    def _command(self) -> list[str]:
        file = Path(self._config.folder) / "config.toml"
        said = ["--config", str(file)] if file.exists() else []
        return [sys.executable, "-m", "loa.cli", "archive", "--night", *said]

    def _end(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None

    def stop(self) -> None:
        """End the work; it is gone on with another night."""
        self._end()
