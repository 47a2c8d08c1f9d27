"""Each protection taken away breaks a promise on a seed known to show it; one of two locks taken away breaks none."""

from __future__ import annotations

import pytest

from tests.model.mutations import CAUGHT, HARMLESS
from tests.model.search import shown
from tests.model.verdict import verdict
from tests.model.world import World

SEEDS: dict[str, tuple[int, ...]] = {
    "no rewind": (12, 4),
    "revision by counting": (27, 39),
    "no resend on heartbeat": (26, 11),
    "evack before commit, no rewind": (84, 23),
    "PUBACK trusted, no rewind": (1, 2),
    "evack beyond what is held, no rewind": (3, 8),
    "gaps are jumped": (8, 4),
    "entries folded again": (18, 8),
    "last to arrive wins": (6, 4),
    "played is forgotten": (59, 66),
    "acts before it writes": (2, 4),
    "quiet hours unknown to both": (1, 5),
    "quiet hours unknown to the receiver": (12, 19),
    "signatures unchecked": (9, 2),
    "receiver's name unchecked": (2, 126),
    "old revisions taken": (15, 66),
    "hashes unchecked": (3, 23),
}
"""Any one of them is enough: more than one, so that a change of the model need not find new ones at once."""
ORDINARY = range(1, 21)


def test_every_mutation_has_a_seed() -> None:
    assert SEEDS.keys() == CAUGHT.keys()


@pytest.mark.parametrize("name", CAUGHT)
def test_a_protection_taken_away_is_missed(name: str) -> None:
    for seed in SEEDS[name]:
        assert verdict(World(seed).run()) == [], f"seed {seed} fails unmutated"
        if shown(CAUGHT[name], seed):
            return
    pytest.fail(
        f"“{name}” is not noticed on any of {SEEDS[name]}; find other seeds with tests.model.search"
    )


@pytest.mark.parametrize("name", HARMLESS)
def test_one_of_two_locks_holds_alone(name: str) -> None:
    for seed in ORDINARY:
        assert verdict(World(seed, HARMLESS[name]).run()) == [], f"seed {seed}"
