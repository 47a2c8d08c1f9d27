"""``python -m tests.model.run SEED [COUNT] [--tell]``: play seeds and say what is wrong with each."""

from __future__ import annotations

import argparse
import time
from collections import Counter

from tests.model.verdict import verdict
from tests.model.world import World


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int, nargs="?", default=1)
    parser.add_argument("--tell", action="store_true", help="print all that happened")
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    begun, bad = time.process_time(), 0
    for seed in range(given.seed, given.seed + given.count):
        world = World(seed)
        world.time.trace = [] if given.tell else None
        wrong = verdict(world.run())
        for line in world.time.trace or ():
            print(*line)
        for sentence in wrong:
            print(f"seed {seed}: {sentence}")
        bad += bool(wrong)
        counts.update(world.time.counts)
    spent = time.process_time() - begun
    print(f"{given.count} schedules, {bad} wrong, {spent / given.count * 1000:.0f} ms of CPU each")
    print(dict(sorted(counts.items())))
    return int(bool(bad))


if __name__ == "__main__":
    raise SystemExit(main())
