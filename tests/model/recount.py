"""What each delivery must be called, worked out from the receiver's own journal and from what its horn gave forth."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from devices.messages import Plan
from loa.times import SECOND
from tests.model.pole import Pole
from tests.model.scenery import LATE_SECONDS

ENDS = ("played", "interrupted", "failed", "missed", "refused", "cancelled")
_QUERY = """
select d.receiver_id, b.occurrence, b.starts_at, max(b.ms, d.ms), d.state, d.reason, d.rev, d.recording_sha,
  b.stop_requested_at is null and d.recording_sha is not null and d.dropped_at is null and d.barred_at is null
    and r.active and d.state not in ('played', 'interrupted', 'failed', 'missed')
from deliveries d join broadcasts b on b.id = d.broadcast_id join receivers r on r.id = d.receiver_id
"""


@dataclass(frozen=True)
class Row:
    """A delivery as the station has it."""

    rid: str
    occurrence: str
    starts_at: int
    ms: int
    state: str
    reason: str | None
    rev: int | None
    """Revision that first carried it, as far as this database knows."""
    sha: str | None
    wanted: bool
    """Staff want it to sound, and it has not yet."""

    @property
    def closed(self) -> bool:
        """The receiver's word on it is final."""
        return self.state in ("played", "interrupted", "failed", "missed")


def rows(raw: sqlite3.Connection) -> list[Row]:
    found = raw.execute(_QUERY).fetchall()
    return [Row(*row[:-1], wanted=bool(row[-1])) for row in found]


def last_word(codes: list[str]) -> str:
    """The journal in one word: what began is never taken back, what was played stays played."""
    if "played" in codes:
        return "played"
    if "started" in codes:
        after = codes[len(codes) - codes[::-1].index("started") :]
        ends = [code for code in after if code in ("interrupted", "failed", "cancelled")]
        return ends[-1] if ends else "started"
    said = [code for code in codes if code in (*ENDS, "accepted", "ready")]
    return said[-1] if said else ""


def _was_asked_again(pole: Pole, row: Row, signed: list[Plan]) -> bool:
    """True when it was ordered by a plan that never reached the receiver, or too late."""
    in_time = row.starts_at + LATE_SECONDS * SECOND
    heard_of = {obeyed.plan.rev for obeyed in pole.obeyed if obeyed.wall <= in_time}
    orders = [
        plan.rev
        for plan in signed
        if any(o.id == row.occurrence and o.st == "on" for o in plan.occ)
    ]
    return any(rev not in heard_of for rev in orders)


def expected(pole: Pole, row: Row, signed: list[Plan]) -> tuple[set[str], str]:
    """The states that are true of this delivery, and why; ``signed``: all plans the station made for the receiver."""
    codes = [code for _, occ, code, *_ in pole.entries() if occ == row.occurrence]
    heard = [one for one in pole.heard if one.occ == row.occurrence and one.sounded]
    word = last_word(codes)
    why = f"its journal says {codes} and it sounded {len(heard)} times"
    if word in ("played", "interrupted", "failed", "missed"):
        return {word}, why
    if word in ("cancelled", "refused"):
        # It was the word on an earlier plan; wanted again, the receiver may never have heard of it.
        if _was_asked_again(pole, row, signed):
            return {word, "unknown"}, why
        return {word}, why
    if word in ("accepted", "ready", "started"):
        return set(), f"{why}, and it should have said how it ended"
    if row.rev is None:
        return {"missed", "cancelled"}, f"{why}, and no plan carried it"
    return {"unknown"}, why
