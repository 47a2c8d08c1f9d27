"""Scenario files (tests/scenarios/*.toml): read, followed through what is done in them, and what they expect.

A scenario holds areas, receivers, groups, regulations, day marks, bulletins, schedules, programmes, campaigns, alerts
and exceptions by name, the frozen present (``now``), what staff do after it (``then``), and the expected days, receiver
by receiver. All times are by the wall clock of the scenario's zone.
"""

from __future__ import annotations

import copy
import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from loa.times import HOUR, SECOND, Instant, instant
from scheduler.sources import Rules

FOLDER = Path(__file__).parent / "scenarios"
HORIZON = 48 * HOUR
Data = dict[str, Any]
NAMED = (
    "areas",
    "receivers",
    "groups",
    "bulletins",
    "schedules",
    "programmes",
    "campaigns",
    "alerts",
    "refused",
)
LISTED = ("regulations", "marks", "exceptions")
SOURCES = ("schedules", "programmes", "campaigns", "alerts")
ABOUT = ("about", "zone", "now", "late_seconds", "then", "expect")


@dataclass(frozen=True)
class Epoch:
    """From ``now`` on the station is as ``data`` says, until the next."""

    now: Instant
    data: Data


class Scenario:
    """One file."""

    def __init__(self, path: Path) -> None:
        self.raw: Data = tomllib.loads(path.read_text(encoding="utf-8"))
        for part in (self.raw, *self.raw.get("then", ())):
            unknown = part.keys() - {*NAMED, *LISTED, *ABOUT}
            assert not unknown, f"{path.name}: what is {unknown}?"
        self.zone = ZoneInfo(self.raw.get("zone", "Asia/Ho_Chi_Minh"))
        self.now = self.moment(self.raw["now"])

    def moment(self, text: str) -> Instant:
        """``2026-11-21 12:00`` by the station's wall clock."""
        return instant(datetime.fromisoformat(text).replace(tzinfo=self.zone))

    @property
    def rules(self) -> Rules:
        late = self.raw.get("late_seconds", 60) * SECOND
        return Rules(zone=self.zone, horizon=HORIZON, late=late)

    @cached_property
    def epochs(self) -> list[Epoch]:
        """The station at ``now``, and after each of the things that are done then."""
        data = {name: copy.deepcopy(self.raw.get(name, {})) for name in NAMED}
        data |= {name: list(self.raw.get(name, ())) for name in LISTED}
        found = [Epoch(self.now, data)]
        for step in self.raw.get("then", ()):
            data = copy.deepcopy(data)
            for kind in NAMED:
                for name, fields in step.get(kind, {}).items():
                    before = data[kind].get(name)
                    is_changed = isinstance(before, dict) and isinstance(fields, dict)
                    data[kind][name] = {**before, **fields} if is_changed else fields
            for kind in LISTED:
                data[kind] += step.get(kind, ())
            found.append(Epoch(self.moment(step["now"]), data))
        return found

    @cached_property
    def expected(self) -> dict[tuple[date, str], list[str]]:
        """(day, receiver) → lines."""
        everyone = list(self.epochs[-1].data["receivers"])
        found: dict[tuple[date, str], list[str]] = {}
        for text, by_receiver in self.raw["expect"].items():
            rest = by_receiver.get("all")
            assert by_receiver.keys() <= {*everyone, "all"}, by_receiver
            for receiver in everyone:
                lines = by_receiver.get(receiver, rest)
                if lines is not None:
                    found[date.fromisoformat(text), receiver] = lines
        return found

    @cached_property
    def days(self) -> list[date]:
        return sorted({day for day, _ in self.expected})

    def midnight(self, day: date) -> Instant:
        """Near enough: where a zone has no midnight, the instant before its gap."""
        return instant(datetime.combine(day, time(), tzinfo=self.zone))

    def looks(self) -> list[tuple[Instant, Instant, Data, bool]]:
        """When the planner works, until when what it says then holds, and whether staff have just done something."""
        at = {epoch.now: epoch for epoch in self.epochs}
        times = set(at) | {
            max(self.now, self.midnight(day - timedelta(days=1))) for day in self.days
        }
        end = self.midnight(self.days[-1] + timedelta(days=1))
        ordered, found, data = sorted(times), [], self.epochs[0].data
        for moment, following in zip(ordered, [*ordered[1:], max(end, ordered[-1])], strict=True):
            data = at[moment].data if moment in at else data
            found.append((moment, following, data, moment in at))
        return found


def scenarios() -> list[Path]:
    """All files, by name."""
    return sorted(FOLDER.glob("*.toml"))
