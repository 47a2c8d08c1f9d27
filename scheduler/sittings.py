"""Sessions there are: which are held on a day where a receiver stands, by the regulation in force then. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from loa.times import Instant, local
from scheduler import days, regulation, rulebook
from scheduler.context import Context
from scheduler.rulebook import Rulebook, Slot
from scheduler.targets import Where

Places = Sequence[frozenset[int]]
"""Lines of areas that differ in the sessions held there; of each only what the regulation names."""


def rules_at(known: Context, moment: Instant) -> Rulebook:
    """The rules in force at ``moment``."""
    found = regulation.in_force(known.regulations, moment)
    return found.rules if found else Rulebook()


def places(known: Context, where: Where) -> Places:
    """Where the sessions may differ among the receivers meant; one place at least."""
    return sorted({place_of(known, each) for each in known.fleet.resolve(where)}, key=sorted) or [
        frozenset()
    ]


def place_of(known: Context, receiver_id: str) -> frozenset[int]:
    """Where the receiver stands, as far as sessions differ by it."""
    named = {
        area_id
        for version in known.regulations
        for slot in version.rules.slots
        for area_id in slot.area_ids
    }
    if not named:
        return frozenset()
    return frozenset(named & known.fleet.line(known.fleet.receivers[receiver_id].area_id))


def slots_there(known: Context, moment: Instant, place: frozenset[int]) -> list[Slot]:
    """The sessions held on the day of ``moment`` at such a place."""
    day = local(moment, known.rules.zone).date()
    key = days.calendar(known).kind(day).key
    return [
        slot for slot in rulebook.slots_on(rules_at(known, moment), day, key) if slot.is_for(place)
    ]
