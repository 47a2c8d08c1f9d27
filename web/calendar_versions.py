"""Marks of what a calendar has shown, so that a drag of what somebody has changed meanwhile is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from scheduler.exceptions import ScheduleException
from scheduler.programmes import Programme
from scheduler.schedules import Schedule
from web import programme_form, schedule_form


def of_schedule(schedule: Schedule, exception: ScheduleException | None) -> str:
    """Of one day of a schedule, ``exception`` holding."""
    stored = schedule_form.read(schedule)
    return _mark({**stored, "ended_at": schedule.ended_at}, exception)


def of_programme(programme: Programme, exception: ScheduleException | None) -> str:
    """Of one day of a programme, ``exception`` holding."""
    stored = programme_form.read(programme)
    return _mark({**stored, "ended_at": programme.ended_at}, exception)


def _mark(stored: Mapping[str, object], exception: ScheduleException | None) -> str:
    told = json.dumps([stored, exception.id if exception else 0], default=str, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]
