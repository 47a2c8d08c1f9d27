"""Counts: what became of a number of deliveries, and the only place where their rates are defined. Pure.

Not confirmed is neither played nor not played: it is told apart, is in no rate's numerator, and where nothing is
confirmed there is no rate at all, which is not 0 %. Cancelled is no delivery that was due, nor is one whose time is
not over yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from scheduler.broadcasts import OPEN, DeliveryState

D = DeliveryState
MISSING = (D.INTERRUPTED, D.FAILED, D.MISSED, D.REFUSED)
"""Confirmed, and not played to the end."""
NEVER_DUE = OPEN | {D.CANCELLED}
"""Not due, or not yet."""


@dataclass
class Counts:
    """Deliveries by state, with their milliseconds asked and played."""

    sums: dict[DeliveryState, list[int]] = field(default_factory=dict)
    """Deliveries, milliseconds asked for, those that sounded by the receivers' own word, and deliveries that say so."""
    broadcasts: set[int] = field(default_factory=set)
    """Those with a delivery that was due."""
    heard: set[int] = field(default_factory=set)
    """Those that at least one receiver played to the end."""

    def add(
        self, broadcast_id: int, state: DeliveryState, n: int, asked: int, played: int, timed: int
    ) -> None:
        """Deliveries of one broadcast."""
        self._sum(state, n, asked, played, timed)
        if state is D.PLAYED:
            self.heard.add(broadcast_id)
        if state not in NEVER_DUE:
            self.broadcasts.add(broadcast_id)

    def put(
        self, broadcasts: Iterable[int], state: DeliveryState,
        n: int, asked: int, played: int, timed: int,
    ) -> None:  # fmt: skip
        """Deliveries of several broadcasts, with a delivery in that state each."""
        self._sum(state, n, asked, played, timed)
        if state is D.PLAYED:
            heard = set(broadcasts)
            self.heard |= heard
            self.broadcasts |= heard
        elif state not in NEVER_DUE:
            self.broadcasts.update(broadcasts)

    def _sum(self, state: DeliveryState, n: int, asked: int, played: int, timed: int) -> None:
        sums = self.sums.get(state)
        if sums is None:
            self.sums[state] = [n, asked, played, timed]
        else:
            sums[0] += n
            sums[1] += asked
            sums[2] += played
            sums[3] += timed

    def join(self, other: Counts) -> None:
        """Count the other's too."""
        for state, sums in other.sums.items():
            n, asked, played, timed = sums
            self._sum(state, n, asked, played, timed)
        self.broadcasts |= other.broadcasts
        self.heard |= other.heard

    def _of(self, column: int, *states: DeliveryState) -> int:
        return sum(self.sums[state][column] for state in states if state in self.sums)

    def number(self, *states: DeliveryState) -> int:
        """Deliveries in these states."""
        return self._of(0, *states)

    @property
    def played_n(self) -> int:
        return self.number(D.PLAYED)

    @property
    def missing(self) -> int:
        return self.number(*MISSING)

    @property
    def unknown(self) -> int:
        return self.number(D.UNKNOWN)

    @property
    def confirmed(self) -> int:
        """Denominator of ``rate``."""
        return self.played_n + self.missing

    @property
    def due(self) -> int:
        return self.confirmed + self.unknown

    @property
    def waiting(self) -> int:
        """Whose time is not over."""
        return self.number(*OPEN)

    @property
    def rate(self) -> float | None:
        """Played of confirmed, 0 to 1; None: nothing is confirmed."""
        return self.played_n / self.confirmed if self.confirmed else None

    @property
    def at_least(self) -> float | None:
        """Played of all that were due, as if what is not confirmed had failed; None: nothing is confirmed."""
        return self.played_n / self.due if self.confirmed else None

    @property
    def asked_ms(self) -> int:
        """Of what is confirmed."""
        return self._of(1, D.PLAYED, *MISSING)

    @property
    def unknown_ms(self) -> int:
        """Asked for where nothing is confirmed."""
        return self._of(1, D.UNKNOWN)

    @property
    def played_ms(self) -> int | None:
        """What sounded of ``asked_ms``, broken off or whole; None: nothing is confirmed."""
        if not self.confirmed:
            return None
        return self._of(2, D.PLAYED, *MISSING)

    def flat(self) -> dict[str, float | int | None]:
        """Every figure under its name: what reports are compared by."""
        return {
            "broadcasts": len(self.broadcasts), "heard": len(self.heard), "due": self.due,
            "played": self.played_n, "missing": self.missing, "unknown": self.unknown,
            "confirmed": self.confirmed, "rate": self.rate, "at_least": self.at_least,
            "asked_ms": self.asked_ms, "played_ms": self.played_ms, "unknown_ms": self.unknown_ms,
            "cancelled": self.number(D.CANCELLED), "waiting": self.waiting,
            **{f"state_{state.value}": self.number(state) for state in (D.PLAYED, *MISSING)},
        }  # fmt: skip
