"""The plan in force, and what became of each of its occurrences: what may still start, from when until when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from devices.messages import Audio, Occurrence, Relay
from devices.receiver import quiet
from devices.receiver.clock import Clock, StepWatch
from devices.receiver.fetch import Want
from devices.receiver.journal import Note
from devices.receiver.plans import Accepted
from devices.receiver.ring import Ring
from loa import times
from loa.times import SECOND, Instant

LATE_LEAST = 1 * SECOND
"""Even with no lateness allowed, a loop that wakes some milliseconds late must still start."""

OPEN = frozenset({"accepted", "ready"})
REVOCABLE = frozenset({"cancelled", "refused"})
"""Never started: a newer plan may order it after all. Every other state but these and OPEN is for good."""
STOPPED = "stopped"
"""Kept apart from ``cancelled``, though journalled as that: it had sounded, so it never will again."""


class Sounding(NamedTuple):
    """The occurrence being heard, and how far it is."""

    id: str
    at_ms: int


@dataclass(frozen=True)
class Coming:
    """An occurrence that may still start."""

    occ: Occurrence
    audio: Audio | None
    """None: the plan names the sound and says nothing of it."""
    due: Instant
    limit: Instant
    """The last instant at which it may start."""
    exp: Instant
    """The end of the plan that orders it."""
    again: bool
    """It was interrupted, and is to be begun again."""

    @property
    def id(self) -> str:
        return self.occ.id

    @property
    def sha(self) -> str:
        return self.occ.sha

    @property
    def relay(self) -> Relay | None:
        """The stream that is to be heard."""
        return self.occ.rel or None

    def length(self, start: Instant) -> int:
        """Milliseconds it would sound if begun at ``start``: a relay ends when it was to end, however late it began."""
        if self.relay:
            return self.due + self.relay.ms - start
        return self.audio.ms if self.audio else 0


class Agenda:
    """Judges; it writes nothing and starts nothing."""

    def __init__(
        self,
        clock: Clock,
        watch: StepWatch,
        ring: Ring,
        states: dict[str, str],
        born: Instant,
    ) -> None:
        self._clock, self._watch, self._ring = clock, watch, ring
        self.states = states
        self._born = born
        """When the journal began: it cannot know what was played before."""
        self.accepted: Accepted | None = None
        self._not_again: set[str] = set()

    # -- a newer plan -----------------------------------------------------------------------------

    def orders(
        self, newer: Accepted, sounding: Sounding | None
    ) -> tuple[list[Note], dict[str, str]]:
        """What a newer plan changes: the entries to write and the states after them."""
        notes = [Note("accepted", detail=_plan_detail(newer))]
        states: dict[str, str] = {}
        for occ in newer.plan.occ:
            verdicts = self._off(occ, sounding) if occ.st == "off" else self._on(occ, newer)
            for note, state in verdicts:
                notes.append(note)
                states[occ.id] = state
        kept = {name for name, state in self.states.items() if state in OPEN}
        for gone in sorted(kept - newer.by_id.keys()):
            notes.append(Note("cancelled", gone))
            states[gone] = "cancelled"
        return notes, states

    def _off(self, occ: Occurrence, sounding: Sounding | None) -> Iterator[tuple[Note, str]]:
        state = self.states.get(occ.id)
        if state is None or state in OPEN:
            yield Note("cancelled", occ.id), "cancelled"
        elif sounding and sounding.id == occ.id:
            yield Note("cancelled", occ.id, {"at_ms": sounding.at_ms}), STOPPED

    def _on(self, occ: Occurrence, newer: Accepted) -> Iterator[tuple[Note, str]]:
        state = self.states.get(occ.id)
        if not (state is None or state in OPEN or state in REVOCABLE):
            return
        coming = self._coming(occ, newer)
        why = self._objection(coming, newer, coming.due)
        if why:
            if state != "refused":
                yield Note("refused", occ.id, {"why": why}), "refused"
            return
        told_late = self._clock.source() != "none" and coming.limit < self._clock.wall()
        if state is None or (state in REVOCABLE and not told_late) or self._changed(occ, state):
            yield Note("accepted", occ.id, {"rev": newer.plan.rev}), "accepted"
        if told_late and (state is None or state in OPEN):
            yield Note("missed", occ.id, {"why": self.absence(coming) or "no_plan"}), "missed"

    def _changed(self, occ: Occurrence, state: str) -> bool:
        """Ready was said of another sound."""
        before = self.accepted.by_id.get(occ.id) if self.accepted else None
        return state == "ready" and before is not None and before.sha != occ.sha

    # -- the plan in force ------------------------------------------------------------------------

    def coming(self) -> list[Coming]:
        """What may still start."""
        accepted = self.accepted
        if accepted is None:
            return []
        return [
            self._coming(occ, accepted)
            for occ in accepted.plan.occ
            if occ.st == "on" and (self.states.get(occ.id) in OPEN or self._is_again(occ))
        ]

    def _coming(self, occ: Occurrence, accepted: Accepted) -> Coming:
        plan = accepted.plan
        due = times.after(Instant(occ.at), plan.set.delay_ms)
        again = self._is_again(occ)
        limit = occ.end if again else min(due + max(occ.late, LATE_LEAST), occ.end)
        if occ.rel:
            limit = min(limit, due + occ.rel.ms - LATE_LEAST)
        if self._is_before_birth(due):
            limit = due
        audio = plan.aud.get(occ.sha)
        return Coming(occ, audio, due, Instant(limit), Instant(plan.exp), again)

    def _is_again(self, occ: Occurrence) -> bool:
        return (
            occ.onint == "restart"
            and self.states.get(occ.id) == "interrupted"
            and occ.id not in self._not_again
        )

    def leave(self, coming: Coming) -> None:
        """It is not to be begun again after all."""
        self._not_again.add(coming.id)

    def _is_before_birth(self, due: Instant) -> bool:
        return due < self._born <= self._clock.wall()

    def objection(self, coming: Coming, start: Instant) -> str | None:
        """Why the receiver itself will not have this sound at ``start``."""
        if self.accepted is None:
            return "expired"
        if not self._ring.allows(self.accepted.kid, "plan", start):
            return "key"
        return self._objection(coming, self.accepted, start)

    def disowned(self) -> list[Coming]:
        """What may still start, if the key that ordered it is good no longer."""
        now = self._clock.wall() if self._clock.source() != "none" else None
        kid = self.accepted.kid if self.accepted else ""
        return [] if self._ring.allows(kid, "plan", now) else self.coming()

    def _objection(self, coming: Coming, accepted: Accepted, start: Instant) -> str | None:
        if coming.occ.cls == "E":
            return None if self._ring.allows(accepted.kid, "emergency", None) else "no_role"
        return "quiet" if _is_quiet(start, coming.length(start), accepted) else None

    def is_quiet(self, ms: int) -> bool:
        """True when a sound begun now would fall in quiet hours, as far as a plan and a clock can tell."""
        if self.accepted is None or self._clock.source() == "none":
            return False
        return _is_quiet(self._clock.wall(), ms, self.accepted)

    def absence(self, coming: Coming) -> str:
        """``off`` or ``no_clock`` when the window passed without us, whatever else was the matter."""
        if coming.limit < self._watch.boot() or self._is_before_birth(coming.due):
            return "off"
        return "no_clock" if coming.limit < self._watch.trusted_since else ""

    def wants(self) -> list[Want]:
        """The sounds still to be heard, each once, with its soonest time and greatest urgency."""
        wants: dict[str, Want] = {}
        for coming in self.coming():
            if coming.audio is None:
                continue
            old = wants.get(coming.sha)
            wants[coming.sha] = Want(
                sha=coming.sha,
                n=coming.audio.n,
                at=min(coming.due, old.at) if old else coming.due,
                urgent=coming.occ.cls == "E" or bool(old and old.urgent),
                known=self.states[coming.id] == "ready" or bool(old and old.known),
            )
        return [*wants.values(), *self._sent_ahead()]

    def _sent_ahead(self) -> Iterator[Want]:
        """Sounds the plan names without ordering them: they may be needed at a moment's notice."""
        plan = self.accepted.plan if self.accepted else None
        if plan is None:
            return
        used = {occ.sha for occ in plan.occ} | {can.sha for can in plan.can or ()}
        for sha in sorted(plan.aud.keys() - used):
            yield Want(sha=sha, n=plan.aud[sha].n, at=self._clock.wall(), urgent=True)


def _is_quiet(start: Instant, ms: int, accepted: Accepted) -> bool:
    return quiet.touches(start, ms, accepted.plan.set.quiet, accepted.zone)


def _plan_detail(accepted: Accepted) -> dict[str, Any]:
    """The revision, and the station's audit checkpoint: with it the journal is a witness of that log."""
    plan = accepted.plan
    return {"rev": plan.rev} | ({"n": plan.chk.n, "h": plan.chk.h} if plan.chk else {})
