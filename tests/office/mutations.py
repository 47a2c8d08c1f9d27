"""The protections, each with what takes it away: the properties must then be found broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from devices.receiver.stage import Act as OnStage
from devices.receiver.stage import Stage
from scheduler import (
    admission,
    caps,
    days,
    explaining,
    following,
    occurrences,
    precedence,
    upkeep,
)
from tests.office import circumstances, deciding, office, ordering
from tests.office.office import Act

Patch = Callable[[pytest.MonkeyPatch], None]


class Mutation(NamedTuple):
    """What is taken away, what must be found then, what staff do in that week, and the dice that show it."""

    mutate: Patch
    words: str
    habits: Mapping[Act, int]
    seed: int = 0

    @property
    def asked(self) -> int:
        """Of how many minutes of a round it is asked why."""
        return 8 if self.words in ("foretold otherwise", "past changed") else 0


def no_quiet_hours(patch: pytest.MonkeyPatch) -> None:
    """A regulation that changes after all was planned bars nothing."""
    patch.setattr(following, "_span", lambda *_: None)


def no_sums(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(admission, "together", lambda *_: iter(()))


def no_record_of_waivers(patch: pytest.MonkeyPatch) -> None:
    """Where a reason lets through what is too long, officers always give one, and it is not kept."""
    patch.setattr(office, "BOOKS", (office.BOOKS[1],))
    patch.setattr(office.Office, "why", lambda _: "Ban chỉ huy yêu cầu phát")
    patch.setattr(admission, "note", lambda *_, **__: None)


def no_mourning(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(days, "held_back", lambda wish, _: wish)
    patch.setattr(upkeep, "_cancel_if_day_forbids", lambda *_: None)


def no_caps(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(caps.Caps, "at", lambda *_: None)


def no_stops(patch: pytest.MonkeyPatch) -> None:
    """What is no longer to sound stays in the signed plans."""
    patch.setattr(occurrences, "is_left", sa.false)


def no_turns(patch: pytest.MonkeyPatch) -> None:
    """A receiver begins a sound while another goes on."""
    usual = Stage.commence

    def commence(stage: Stage, act: OnStage, *rest: Any, **more: Any) -> None:
        stage.now = None
        usual(stage, act, *rest, **more)

    patch.setattr(Stage, "is_free_for", lambda *_: True)
    patch.setattr(Stage, "commence", commence)


def no_precedence(patch: pytest.MonkeyPatch) -> None:
    """What is foretold knows nothing of classes, where many sounds meet."""
    patch.setattr(office, "CLOCKS", ("17:00", "17:01", "17:02"))
    patch.setattr(precedence, "interrupts", lambda *_: False)


def no_memory(patch: pytest.MonkeyPatch) -> None:
    """The past is told of the places as they are now."""

    def is_meant(asking: Any, sound: Any, receiver_id: str) -> bool:
        return receiver_id in asking._context.fleet.resolve(sound.where)

    patch.setattr(explaining._Asking, "_is_meant", is_meant)


def no_withdrawal(patch: pytest.MonkeyPatch) -> None:
    """What was withdrawn, or is to be approved anew, goes on as it was approved once."""
    usual = following.approval
    patch.setattr(
        following, "approval",
        lambda session, case, facts: bool(case.sounds) and usual(session, case, facts),
    )  # fmt: skip


_ORDERS: dict[Act, int] = {ordering.schedule: 8, ordering.change: 2}

MUTATIONS = {
    "quiet hours": Mutation(no_quiet_hours, "in quiet hours", {**_ORDERS, circumstances.enact: 4}, 5),
    "sums of a session": Mutation(no_sums, "too long by", {ordering.schedule: 1}),
    "reasons kept": Mutation(no_record_of_waivers, "too long by", {ordering.schedule: 1}, 2),
    "days of mourning": Mutation(no_mourning, "on such a day", {**_ORDERS, circumstances.mark: 4}),
    "caps": Mutation(no_caps, "too loud", {**_ORDERS, circumstances.enact: 4}),
    "what is taken back": Mutation(no_stops, "only in the plan", {**_ORDERS, deciding.stop: 4}),
    "one at a time": Mutation(no_turns, "at once", _ORDERS),
    "classes": Mutation(no_precedence, "foretold otherwise", {ordering.schedule: 1}, 1),
    "the past": Mutation(no_memory, "past changed", {**_ORDERS, circumstances.move_receiver: 4}),
    "approvals": Mutation(no_withdrawal, "not approved", {**_ORDERS, circumstances.edit: 4}),
}  # fmt: skip
