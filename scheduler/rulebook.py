"""Rulebook: what one version of the station's regulation says. Pure: no database."""

from __future__ import annotations

from typing import Literal

import msgspec

Answer = Literal["allow", "reason", "refuse"]
"""To what a rule does not foresee: let through, let through with an officer's reason (logged), or refuse."""


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A session of the day (khung giờ phát)."""

    key: str
    """Stays when the session is renamed or moved."""
    name: str
    start: str
    """HH:MM."""
    minutes: int
    """At most."""
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """0 is Monday."""
    area_ids: tuple[int, ...] = ()
    """Where; empty is everywhere."""
    kinds: tuple[str, ...] = ()
    """Kinds of day on which it is held; empty is all that do not say otherwise."""


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """Not louder than ``most`` per cent, in these hours, there."""

    since: str
    until: str
    most: int
    area_ids: tuple[int, ...] = ()


class DayKind(msgspec.Struct, frozen=True, kw_only=True):
    """A named template of a day."""

    key: str
    """normal, weekend, holiday, mourning, or the station's own."""
    name: str
    plays: Literal["all", "priority", "emergency"] = "all"
    """What may sound at all: everything, priority and emergency, or emergency alone."""
    sessions: bool = True
    """False: no session is held, but for those that name this kind."""


class Rulebook(msgspec.Struct, frozen=True, kw_only=True):
    """All but the quiet hours, which every receiver keeps too."""

    slots: tuple[Slot, ...] = ()
    kinds: tuple[DayKind, ...] = (
        DayKind(key="normal", name="Ngày thường"),
        DayKind(key="weekend", name="Cuối tuần"),
        DayKind(key="holiday", name="Ngày lễ"),
        DayKind(key="mourning", name="Quốc tang", plays="priority"),
    )
    most_sessions: int | None = None
    """Per day, at any one receiver."""
    most_minutes: int | None = None
    """Per day, at any one receiver, of normal and priority together."""
    caps: tuple[Cap, ...] = ()
    outside: Answer = "allow"
    """A normal broadcast outside all sessions."""
    too_long: Answer = "reason"
    """What goes beyond the minutes of its session or day."""
    alone_minutes: int = 0
    """An emergency may sound on one officer's word for so long, until a second agrees; 0: never."""
