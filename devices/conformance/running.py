"""Runs the groups at the same time, each on a receiver of its own, and gathers the verdicts."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from devices.conformance.clauses import Broken, Clause, Group, Result, Untested
from devices.conformance.stand import Stand

log = logging.getLogger(__name__)
STAGGER = 0.3
"""Seconds between two receivers' starts: a small machine starts some twenty of them."""

Told = Callable[[Result], None]


@dataclass(frozen=True)
class Report:
    """What became of every clause that was chosen."""

    subject: str
    broker: str
    seconds: float
    results: tuple[Result, ...]

    @property
    def holds(self) -> bool:
        """Every MUST clause that was tested holds, and some were tested."""
        musts = [one.verdict for one in self.results if one.clause.must]
        return "failed" not in musts and "passed" in [one.verdict for one in self.results]

    def count(self, verdict: str, *, must: bool) -> int:
        return sum(one.verdict == verdict and one.clause.must == must for one in self.results)

    def as_json(self) -> str:
        """For other programs."""
        rows = [
            {
                "id": one.clause.id, "section": one.clause.section, "level": one.clause.level,
                "says": one.clause.says, "verdict": one.verdict, "seen": one.seen, "seconds": one.seconds,
            }
            for one in self.results
        ]  # fmt: skip
        head = {"receiver": self.subject, "broker": self.broker, "seconds": round(self.seconds, 1)}
        return json.dumps(
            head | {"holds": self.holds, "clauses": rows}, indent=1, ensure_ascii=False
        )


def try_all(
    groups: Iterable[Group], make: Callable[[Group], Stand], told: Told
) -> tuple[Result, ...]:
    """Every group in a thread of its own; ``told`` hears each result as it comes."""
    results = [one for _, seen in try_groups(groups, make, told) for one in seen]
    return tuple(sorted(results, key=lambda one: one.clause.id))


def try_groups(
    groups: Iterable[Group], make: Callable[[Group], Stand], told: Told
) -> list[tuple[Group, list[Result]]]:
    """The same, with the results of each group."""
    groups = tuple(groups)
    with ThreadPoolExecutor(max(1, len(groups)), "group") as pool:
        runs = [
            (group, pool.submit(_try_group, group, make(group), told, number * STAGGER))
            for number, group in enumerate(groups)
        ]
        return [(group, run.result()) for group, run in runs]


def _try_group(group: Group, stand: Stand, told: Told, wait: float) -> list[Result]:
    time.sleep(wait)
    results = []
    try:
        stand.start()
    except (Broken, Untested) as error:
        results = [of_error(one, error) for one in group.clauses]
    else:
        results = [attempt(one, stand) for one in group.clauses]
    for result in results:
        told(result)
    stand.kill()
    return results


def attempt(clause: Clause, stand: Stand) -> Result:
    """Try one clause."""
    began = time.monotonic()
    try:
        result = Result(clause, "passed", clause.check(stand))
    except (Broken, Untested) as error:
        result = of_error(clause, error)
    stand.ease()
    return replace(result, seconds=round(time.monotonic() - began, 1))


def of_error(clause: Clause, error: Broken | Untested) -> Result:
    """The verdict that a check ended in."""
    return Result(clause, "failed" if isinstance(error, Broken) else "not tested", str(error))


def with_faults(results: Iterable[Result], stands: Iterable[Stand]) -> tuple[Result, ...]:
    """What all receivers are held to all the time: a fault seen at any of them breaks the clause."""
    faults: dict[str, str] = {}
    for stand in stands:
        for clause, seen in stand.evidence.faults.items():
            faults.setdefault(clause, f"{stand.rid}: {seen}")
    return tuple(
        replace(one, verdict="failed", seen=faults[one.clause.id])
        if one.clause.id in faults
        else one
        for one in results
    )
