from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from content.bulletins import Priority
from content.relays import Relay
from loa.times import DAY, MINUTE
from scheduler import following
from scheduler.facts import Rules
from scheduler.regulation import Regulation
from tests.cast import ZONE, vn


@pytest.mark.parametrize(("ms", "span"), [(59_000, None), (59_001, "21:00–05:00")])
def test_the_greatest_delay_of_a_receiver_is_held_against_the_quiet_hours(
    ms: int, span: str | None
) -> None:
    """A receiver judges by when it sounds; what the station plans must not be refused there."""
    case: Any = SimpleNamespace(
        bulletin=SimpleNamespace(priority=Priority.NORMAL),
        broadcast=SimpleNamespace(starts_at=vn("2026-11-22 20:59"), relay=None),
    )
    assert following._span(case, by_night(), ms, Rules(ZONE, 2 * DAY, MINUTE)) == span


def test_a_relay_is_as_long_as_it_is_heard_not_as_what_it_falls_back_on() -> None:
    relay = Relay("https://vov.vn/1", 30 * MINUTE)
    case: Any = SimpleNamespace(
        bulletin=SimpleNamespace(priority=Priority.NORMAL),
        broadcast=SimpleNamespace(starts_at=vn("2026-11-22 20:40"), relay=relay),
    )
    found = following._span(case, by_night(), 10_000, Rules(ZONE, 2 * DAY, MINUTE))
    assert found == "21:00–05:00"


def by_night() -> Any:
    version = Regulation(since=vn("2026-01-01 00:00"), quiet=[["21:00", "05:00"]])
    return SimpleNamespace(regulations=[version])
