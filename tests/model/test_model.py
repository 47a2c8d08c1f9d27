"""Schedules of everything going wrong, two thousand of them in CI: nothing lost, nothing twice, and every end true.

A failure names its seed; ``python -m tests.model.run SEED --tell`` plays it again, the same to the last message.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.model.verdict import verdict
from tests.model.world import World

SHARES = 16
SCHEDULES = int(os.environ.get("LOA_MODEL_SCHEDULES", "320"))
"""A first answer at one's desk; ``.ci/run`` plays 2000, a night ``LOA_MODEL_SCHEDULES=50000``."""
ROOT = Path(__file__).parents[2]
HAPPENS = (
    "boot", "heard", "obeyed", "power cut", "link lost", "half open", "clock step", "server clock step",
    "server killed", "server link lost", "commits fail", "take in failed", "restored", "broker wiped", "enemy",
    "poisoned", "doubled", "late", "an hour late", "lost plan", "lost evack", "lost state", "lost evt", "lost get",
    "staff: warn", "staff: stop", "staff: stop_all", "staff: end_schedule", "staff: withdraw", "staff: correct",
    "staff: set_quiet", "staff: turn_volume", "staff: move",
    "I1 entries", "I3 still to come", "I4 played", "I4 interrupted", "I4 missed", "I4 cancelled",
    "I5 sounds", "I6 judged",
)  # fmt: skip
"""Each must have come about in every share: what never happens is not tested."""


@pytest.mark.parametrize("share", range(SHARES))
def test_every_schedule_keeps_every_promise(share: int) -> None:
    seeds = range(share + 1, SCHEDULES + 1, SHARES)
    counts: Counter[str] = Counter()
    for seed in seeds:
        world = World(seed)
        wrong = verdict(world.run())
        assert not wrong, f"python -m tests.model.run {seed} --tell\n" + "\n".join(wrong)
        counts.update(world.time.counts)
    if len(seeds) >= 100:
        assert [name for name in HAPPENS if not counts[name]] == []


def test_a_seed_tells_the_same_story_twice() -> None:
    told = [_told(7, hashes) for hashes in ("1", "2")]
    assert told[0] == told[1]
    assert told[0].count("\n") > 50


def _told(seed: int, hashes: str) -> str:
    """In a process of its own, whose sets and dictionaries are in another order."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.model.run", str(seed), "--tell"], cwd=ROOT, check=False,
        env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.stderr == ""
    return "\n".join(line for line in done.stdout.splitlines() if " ms of CPU " not in line)
