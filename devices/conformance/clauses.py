"""What is tested: clauses, each with the function that finds out, and the verdict it comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from devices.conformance.stand import Stand

Verdict = Literal["passed", "failed", "not tested"]
Check = Callable[["Stand"], str]
"""Tries it on a receiver; the answer is what was seen. Raises Broken or Untested."""


class Broken(Exception):
    """The clause does not hold; says what was seen instead."""


class Untested(Exception):
    """It could not be found out here; says why."""


@dataclass(frozen=True)
class Clause:
    """One sentence of the protocol."""

    id: str
    section: str
    """Heading in docs/protocol.md."""
    says: str
    must: bool
    check: Check = field(compare=False)

    @property
    def level(self) -> str:
        return "MUST" if self.must else "MAY"


@dataclass(frozen=True)
class Group:
    """Clauses tried one after the other on a receiver of their own."""

    name: str
    clauses: tuple[Clause, ...]
    clock: Literal["ntp", "rtc"] = "ntp"
    roots: int = 0
    """How many roots its station.json names; all of them must sign."""


@dataclass(frozen=True)
class Result:
    """What became of a clause."""

    clause: Clause
    verdict: Verdict
    seen: str
    seconds: float = 0.0
    """What it took to find out."""


def clause(id: str, section: str, says: str, *, must: bool = True) -> Callable[[Check], Clause]:
    """Make a check a clause."""

    def made(check: Check) -> Clause:
        return Clause(id, section, says, must, check)

    return made


def hold(condition: bool, seen: str) -> None:
    """Raise Broken with what was seen unless the condition holds."""
    if not condition:
        raise Broken(seen)
