"""``python -m tests.model.search NAME FIRST COUNT ENOUGH``: seeds that show a mutation.

NAME is one of ``mutations``, several parted by ``;``, or ``all``.
"""

from __future__ import annotations

import argparse

from tests.model.mutations import CAUGHT, Mutation, together
from tests.model.verdict import verdict
from tests.model.world import World


def shown(locks: tuple[Mutation, ...], seed: int) -> list[str]:
    """What is wrong without all of these locks on that seed; empty unless each of several holds alone."""
    wrong = verdict(World(seed, together(*locks)).run())
    alone = locks if wrong and len(locks) > 1 else ()
    return [] if any(verdict(World(seed, one).run()) for one in alone) else wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("enough", type=int)
    given = parser.parse_args()
    for name in list(CAUGHT) if given.name == "all" else given.name.split(";"):
        found: list[tuple[int, str]] = []
        tried = 0
        for seed in range(given.first, given.first + given.count):
            tried += 1
            wrong = shown(CAUGHT[name], seed)
            if wrong:
                found.append((seed, " | ".join(wrong)))
            if len(found) >= given.enough:
                break
        print(f"{name}: {tried} tried, {[seed for seed, _ in found]}", flush=True)
        for seed, sentence in found:
            print(f"    {seed}: {sentence[:200]}", flush=True)


if __name__ == "__main__":
    main()
