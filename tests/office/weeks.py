"""Days of an office: staff act, the station plans and signs, the poles play, and their journals come in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from devices import receivers, signing
from loa import audit
from loa.times import HOUR, MINUTE, Instant, after
from scheduler import dispatcher, planner, plans, receipts, regulation
from scheduler.dispatcher import Terms
from scheduler.plans import Taken
from scheduler.upkeep import Held
from tests.office import asking, rows, sums
from tests.office.asking import Told
from tests.office.circumstances import CIRCUMSTANCES
from tests.office.deciding import DECIDING
from tests.office.office import RULES, Act, Office
from tests.office.ordering import ORDERING
from tests.office.poles import Pole
from tests.office.rows import Look

HABITS: dict[Act, int] = {**ORDERING, **CIRCUMSTANCES, **DECIDING}
UNGATED = {act.__name__ for act in CIRCUMSTANCES}
"""What they change is no order: a session they make too long is shown on pages, and refused by no door."""
PLAN_KEY = signing.generate("plan-1", ("plan",))
EMERGENCY_KEY = signing.generate("emergency-1", ("plan", "emergency"))
KEYS = {key.public.kid: key.public for key in (PLAN_KEY, EMERGENCY_KEY)}
TERMS = Terms(
    plan_key=PLAN_KEY, emergency_key=EMERGENCY_KEY, timezone=RULES.zone.key, horizon=RULES.horizon,
    valid=72 * HOUR, late=RULES.late, heartbeat_seconds=3600,
)  # fmt: skip
LONGER = {"session_minutes", "day_minutes"}
ACTS = 6
ASKED = 3
"""Minutes of a round of which it is asked why."""
LENGTHS = (2 * HOUR, 5 * HOUR + 31 * MINUTE, 6 * HOUR, 11 * HOUR + 2 * MINUTE, 17 * HOUR)


@dataclass
class Week:
    """A station at work."""

    office: Office
    folder: Path
    poles: dict[str, Pole] = field(default_factory=dict)
    held: Held = field(default_factory=dict)
    carried: dict[str, dict[str, bool]] = field(default_factory=dict)
    """Receiver → occurrence → whether the plan it has orders it."""
    told: list[Told] = field(default_factory=list)
    looked: Counter[str] = field(default_factory=Counter)

    def round(self, habits: Mapping[Act, int], acts: int = ACTS, asked: int = ASKED) -> list[str]:
        """Some acts, and the hours until the next; what was found wrong."""
        wrong = list(self._acts(habits, acts))
        self._plan()
        self._report()
        until = self._until()
        look = Look(self.office, until)
        self.looked["rows"] += len(look.rows)
        wrong += [*look.wrong(), *rows.plans_say_otherwise(look, self.carried)]
        wrong += self._play(look)
        asked_about = asking.minutes(look, self.poles.values(), asked)
        for moment in asked_about:
            self.looked["minutes"] += 1
            wrong += asking.foretold_otherwise(look, self.poles, moment)
        self.office.now = until
        self._report()
        wrong += self._remember(asked_about)
        return wrong

    # -- staff ------------------------------------------------------------------------------------

    def _acts(self, habits: Mapping[Act, int], acts: int) -> Iterator[str]:
        office = self.office
        before = sums.over(office)
        for _ in range(acts):
            n = audit.checkpoint(office.session)[0]
            name = office.act(habits)
            if name:
                now = sums.over(office)
                if name not in UNGATED and not self._is_waived(n):
                    yield from (
                        f"too long by {name}: {key}" for key in now if now[key] > before.get(key, 0)
                    )
                before = now

    def _is_waived(self, n: int) -> bool:
        """An officer let it through with a reason, and the log has both."""
        logged = [each for each in self.office.logged_since(n) if each.kind == "schedule.waived"]
        said = [json.loads(each.data) for each in logged]
        self.looked["waived"] += len(said)
        return any(each["why"] and LONGER & set(each["rules"]) for each in said)

    # -- the station ------------------------------------------------------------------------------

    def _plan(self) -> None:
        """As its clock does again and again."""
        session, now = self.office.session, self.office.now
        for _ in range(2):  # what changes about one broadcast may matter to another
            planner.plan(session, now, RULES, self.held)
        receivers.mark_stale(session)  # as when quiet hours begin to hold
        dispatcher.dispatch(session, now, TERMS)
        waiting = plans.waiting(session, 1_000)
        for parcel in plans.parcels(session, waiting):
            self.carried[parcel.receiver_id] = self._hand_out(parcel.receiver_id, parcel.jws)
        plans.published(session, [Taken(each.receiver_id, each.rev) for each in waiting], now)

    def _hand_out(self, rid: str, jws: bytes) -> dict[str, bool]:
        if rid not in self.poles:
            key = self.office.cast.keys[rid]
            self.poles[rid] = Pole(rid, key, KEYS, self.folder, self.office.now)
        plan = plans.Plan(jws=jws).document
        self.poles[rid].take(jws, plan)
        return {each.id: each.st == "on" for each in plan.occ}

    def _until(self) -> Instant:
        """Not beyond the moment at which another regulation begins to hold: receivers are told of it then."""
        now = self.office.now
        until = after(now, self.office.dice.choice(LENGTHS))
        ahead = [
            each.since for each in regulation.versions(self.office.session) if each.since > now
        ]
        return min([until, *ahead])

    # -- the poles --------------------------------------------------------------------------------

    def _play(self, look: Look) -> Iterator[str]:
        for rid, pole in sorted(self.poles.items()):
            pole.play(look.until)
            self.looked["heard"] += sum(each.starts > look.now for each in pole.heard)
            yield from rows.heard_wrongly(
                look.known, pole, look.now, rows.area_of(self.office, rid)
            )

    def _report(self) -> None:
        """Their journals come in whole."""
        session, now = self.office.session, self.office.now
        for rid, pole in sorted(self.poles.items()):
            for payload in pole.batches():
                batch = receipts.verify(rid, payload, pole.key.public.x)
                pole.receiver.journal.acknowledge(receipts.record(session, [batch], now)[rid])

    def _remember(self, moments: list[Instant]) -> Iterator[str]:
        """The past is told as it was heard, and does not change."""
        ids = sorted(self.poles)
        if self.told:
            yield from asking.changed(self.office, self.office.dice.choice(self.told))
        for moment in moments[:1]:
            told = asking.past(self.office, ids, moment)
            self.told.append(told)
            yield from asking.unheard(told, self.poles)


def weeks(
    session: Session, seed: int, folder: Path, patch: pytest.MonkeyPatch, *, rounds: int,
    habits: Mapping[Act, int] | None = None, acts: int = ACTS, asked: int = ASKED,
) -> tuple[Week, list[str]]:  # fmt: skip
    """Staff at work for so many rounds, or until something is found wrong."""
    week = Week(Office(session, seed, patch), folder)
    for _ in range(rounds):
        if wrong := week.round(habits or HABITS, acts, asked):
            return week, wrong
    return week, []
