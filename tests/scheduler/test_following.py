from __future__ import annotations

from datetime import time
from types import SimpleNamespace
from typing import Any

import pytest

from content.bulletins import Priority
from loa.times import DAY, MINUTE
from scheduler import following
from scheduler.facts import Rules
from scheduler.regulation import QuietHours
from tests.cast import ZONE, vn


@pytest.mark.parametrize(("ms", "span"), [(59_000, None), (59_001, "21:00–05:00")])
def test_the_greatest_delay_of_a_receiver_is_held_against_the_quiet_hours(
    ms: int, span: str | None
) -> None:
    """A receiver judges by when it sounds; what the station plans must not be refused there."""
    case: Any = SimpleNamespace(
        bulletin=SimpleNamespace(priority=Priority.NORMAL),
        broadcast=SimpleNamespace(starts_at=vn("2026-11-22 20:59")),
    )
    facts: Any = SimpleNamespace(quiet=(QuietHours(time(21), time(5)),))
    assert following._span(case, facts, ms, Rules(ZONE, 2 * DAY, MINUTE)) == span
