"""Temperaments: weeks in which staff do much of one thing, for what a usual week seldom shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from tests.office import circumstances, deciding, office, ordering
from tests.office.office import BOOKS, Act


class Temperament(NamedTuple):
    """What staff do; ``setting``: names of tests.office.office that are otherwise in such a week."""

    habits: Mapping[Act, int]
    setting: Mapping[str, Any] = {}
    seed: int = 0

    def settle(self, patch: pytest.MonkeyPatch) -> None:
        for name, value in self.setting.items():
            patch.setattr(office, name, value)


CROWDED = ("17:00", "17:01", "17:02")
TEMPERAMENTS = {
    "levels": Temperament(
        {
            ordering.schedule: 8, ordering.change: 1, ordering.one_day_otherwise: 1, deciding.decline: 3,
            deciding.put_first: 5, deciding.take_back: 2, circumstances.edit: 1, circumstances.move_receiver: 1,
        },
        {"CLOCKS": CROWDED, "URGENT": 1},
    ),
    "alarms": Temperament(
        {
            ordering.schedule: 5, ordering.at_once: 1, deciding.alarm: 4, deciding.alarm_agreed: 3,
            deciding.alarm_alone: 2, deciding.alarm_ended: 2, deciding.stop_all: 1, circumstances.enact: 1,
            deciding.alarm_approved_again: 1, circumstances.reject: 1,
        },
        {"BOOKS": (BOOKS[1],)},
        seed=4,
    ),
    "programmes": Temperament(
        {
            ordering.programme: 5, ordering.programme_change: 2, ordering.programme_otherwise: 4,
            ordering.programme_put_back: 3, ordering.campaign: 4, ordering.campaign_change: 2,
            ordering.campaign_held: 2, ordering.schedule: 2, circumstances.edit: 2, circumstances.delay: 1,
            circumstances.add_pole: 1, circumstances.mark: 1,
        },
        seed=1,
    ),
    "reasons": Temperament(
        {
            ordering.schedule: 6, ordering.change: 3, ordering.one_day_otherwise: 3, ordering.day_put_back: 3,
            ordering.programme: 2, ordering.campaign: 2, circumstances.edit: 1,
        },
        {"BOOKS": (BOOKS[1],), "REASONS": 0.8},
    ),
}  # fmt: skip
