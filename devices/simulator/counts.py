"""What a simulation can say of itself: figures at a moment, and what truly sounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from loa.times import Instant


class Sounded(NamedTuple):
    """Something that left an output, by the true clock: the simulator's word, whatever the journal says."""

    at: Instant
    """When its first sample was heard, ms UTC."""
    rid: str
    occ: str
    ms: int
    """How long it was heard; while it still sounds, until now."""
    whole: bool
    """It sounded to its end."""


@dataclass(frozen=True)
class Stats:
    """Figures at one moment. All but the first five count from its first start."""

    known: int
    """Receivers of the simulation."""
    powered: int
    """Those that have power now."""
    connected: int
    """Those the broker has accepted and answered the subscription of."""
    playing: int
    pending: int
    """Journal entries the station has not confirmed yet; also of receivers without power."""
    played: int
    """Sounds heard to their end."""
    entries: int
    """Journal entries written."""
    acked: int
    """Of these, confirmed by the station."""
    codes: Mapping[str, int] = field(default_factory=dict)
    """Journal entries by code: accepted, refused, ready, started, played, missed…"""
    plans: int = 0
    """Plans accepted."""
    heard: int = 0
    """Messages that reached a receiver."""
    heard_bytes: int = 0
    said: int = 0
    """Messages a receiver gave to its link."""
    lost: int = 0
    """Messages, either way, lost on purpose."""
    power_cuts: int = 0
    link_cuts: int = 0
    connects: int = 0
    crashes: int = 0
    """Receivers that raised and were begun again: each is a bug, and in the log."""

    @property
    def refused(self) -> int:
        """``refused`` entries: plans, keys documents and occurrences together."""
        return self.codes.get("refused", 0)
