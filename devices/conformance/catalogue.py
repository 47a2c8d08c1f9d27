"""All clauses, in the groups they are tried in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from devices.conformance.clauses import Clause, Group
from devices.conformance.on_audio import AUDIO_GROUP, CACHE, REPAIR
from devices.conformance.on_classes import CLASSES, QUIET, QUIET_START
from devices.conformance.on_journal import JOURNAL, RESENDING
from devices.conformance.on_keys import CLOCK, KEYS, REVOKING
from devices.conformance.on_limits import CANNED, FLOODS, NOISE
from devices.conformance.on_link import LINK
from devices.conformance.on_plans import FORGERIES, PLANS
from devices.conformance.on_playing import PLAYING, STOPPING
from devices.conformance.on_power import LINE, POWER
from loa.errors import DeviceError

GROUPS: tuple[Group, ...] = (
    QUIET_START, RESENDING, *CLOCK, LINK, PLANS, FORGERIES, *PLAYING, *STOPPING, *CLASSES, QUIET, AUDIO_GROUP,
    REPAIR, CACHE, JOURNAL, *POWER, LINE, KEYS, REVOKING, CANNED, FLOODS, NOISE,
)  # fmt: skip


def clauses() -> list[Clause]:
    """Every clause, sorted by id."""
    return sorted((one for group in GROUPS for one in group.clauses), key=lambda one: one.id)


def chosen(names: Iterable[str]) -> tuple[Group, ...]:
    """The groups with only these clauses; a name with a dot at its end means all that begin so. Raises DeviceError."""
    wanted = _expanded(tuple(names))
    groups = (
        replace(group, clauses=tuple(one for one in group.clauses if one.id in wanted))
        for group in GROUPS
    )
    return tuple(group for group in groups if group.clauses)


def _expanded(names: tuple[str, ...]) -> set[str]:
    known = {one.id for one in clauses()}
    if not names:
        return known
    wanted = set()
    for name in names:
        matches = {one for one in known if one == name or one.startswith(name.rstrip(".") + ".")}
        if not matches:
            raise DeviceError(
                f"Không có điều khoản “{name}”. Xem danh sách: loa conformance --list.",
                field="only",
            )
        wanted |= matches
    return wanted
