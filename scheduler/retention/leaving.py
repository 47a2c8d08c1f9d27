"""Taking out what an archive holds, in small transactions, each of which leaves a state that can be gone on from.

First the deliveries of the month, receiver by receiver, each compared with what the archive says of them; then,
through the doors in the guards, journals, proofs and plans.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import JournalEntry
from loa import audit
from loa.config import Config
from loa.database import Database
from loa.errors import ScheduleError
from loa.times import Instant
from loa.words import say
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.evidence import rows
from scheduler.evidence.scope import Scope
from scheduler.evidence.tables import Proof
from scheduler.plans import Plan
from scheduler.reporting.tables import DeliveryCount
from scheduler.retention import archives, holds
from scheduler.retention.cutting import ENTRIES, PLANS, PROOFS
from scheduler.retention.tables import Archive, Door, Progress

Line = dict[str, Any]
AT_ONCE = 500
"""Rows of one transaction: some milliseconds."""
EVERYONE = "~"
"""Behind the id of any receiver."""
_ROWS: dict[str, tuple[type[Any], Any]] = {
    ENTRIES: (JournalEntry, JournalEntry.seq),
    PROOFS: (Proof, Proof.last),
    PLANS: (Plan, Plan.rev),
}


def leave(database: Database, config: Config, archive_id: int, now: Instant) -> Iterator[int]:
    """Take its rows out; yields after each transaction how many went. May be left and begun again anywhere.

    Raises ScheduleError where the file is not there as it was registered, or something is held back by request.
    """
    with database.read() as session:
        archive = session.get_one(Archive, archive_id)
        progress = session.get_one(Progress, archive_id)
        upto, stopped = progress.upto, progress.stopped
    path = archives.demand_there(archive, config)
    scope = Scope(archive.since, archive.until, archive=True)
    if not stopped and upto < EVERYONE:
        for rid, lines in deliveries_of(path):
            if rid > upto:
                went = _take_deliveries(database, archive_id, rid, lines, scope)
                if went is None:
                    break
                yield went
        else:
            _reach(database, archive, EVERYONE)
    yield from _take_the_rest(database, archive, scope)
    _finish(database, archive, now)


def deliveries_of(path: Path) -> Iterator[tuple[str, list[Line]]]:
    """(receiver, its lines) of the file's log, in its order."""
    with zipfile.ZipFile(path) as file, file.open("deliveries.jsonl") as lines:
        told = (json.loads(line) for line in lines)
        for rid, some in groupby(told, key=lambda line: str(line["rid"])):
            yield rid, list(some)


def _take_deliveries(
    database: Database, archive_id: int, rid: str, lines: Sequence[Line], scope: Scope
) -> int | None:
    """Its deliveries of the month; None where they are no more what the archive says: evidence came late."""
    with database.write(wake=False) as session:
        _demand_free(session, scope)
        now = [json.loads(json.dumps(line)) for line in rows.deliveries(session, rid, scope)]
        session.expunge_all()  # what was read is deleted past the session
        progress = session.get_one(Progress, archive_id)
        if now != list(lines):
            progress.stopped = True
            return None
        went = _delete_and_keep_counts(session, rid, scope)
        progress.upto = rid
        return went


def _demand_free(session: Session, scope: Scope) -> None:
    held = holds.touching(session, scope.since, scope.until)
    if held:
        raise ScheduleError(
            say(
                "Có yêu cầu giữ lại số %(id)s (%(reason)s): chưa xoá gì của kỳ này.",
                id=held[0].id,
                reason=held[0].reason,
            )
        )


def _delete_and_keep_counts(session: Session, rid: str, scope: Scope) -> int:
    """The counts follow deliveries by triggers: here they are to stay as they are."""
    ours = sa.select(Broadcast.id).where(scope.broadcasts())
    found = session.execute(
        sa.select(Delivery.id, Delivery.broadcast_id, Delivery.area_name).where(
            Delivery.receiver_id == rid, Delivery.broadcast_id.in_(ours)
        )
    ).all()
    counts = sa.and_(
        DeliveryCount.broadcast_id.in_({row.broadcast_id for row in found}),
        DeliveryCount.area_name.in_({row.area_name for row in found}),
    )
    table = DeliveryCount.metadata.tables["delivery_counts"]
    kept = [dict(row) for row in session.execute(sa.select(table).where(counts)).mappings()]
    session.execute(sa.delete(Delivery).where(Delivery.id.in_([row.id for row in found])))
    session.execute(sa.delete(DeliveryCount).where(counts))
    if kept:
        session.execute(sa.insert(table), kept)
    return len(found)


def _reach(database: Database, archive: Archive, upto: str) -> None:
    with database.write(wake=False) as session:
        session.get_one(Progress, archive.id).upto = upto


def _take_the_rest(database: Database, archive: Archive, scope: Scope) -> Iterator[int]:
    """Journals, proofs and plans of the receivers whose deliveries have left."""
    with database.read() as session:
        upto = session.get_one(Progress, archive.id).upto
        doors = list(session.scalars(sa.select(Door).where(Door.archive_id == archive.id)))
    for door in sorted(doors, key=lambda each: (each.receiver_id, each.jid, each.tbl)):
        while door.receiver_id <= upto and _is_waiting(database, door):
            with database.write(wake=False) as session:
                _demand_free(session, scope)
                went = _through(session, door)
            yield went


def _is_waiting(database: Database, door: Door) -> bool:
    """Whether any row waits behind the door."""
    with database.read() as session:
        return (
            session.scalar(sa.select(_ROWS[door.tbl][1]).where(*_behind(door)).limit(1)) is not None
        )


def _through(session: Session, door: Door) -> int:
    """Some rows through one door; how many."""
    kind, number = _ROWS[door.tbl]
    some = sa.select(number).where(*_behind(door)).order_by(number).limit(AT_ONCE).subquery()
    last = session.scalar(sa.select(sa.func.max(some.c[0])))
    gone = sa.delete(kind).where(*_behind(door), number <= last)
    done = session.execute(gone.execution_options(synchronize_session=False))
    return int(getattr(done, "rowcount", 0))


def _behind(door: Door) -> list[sa.ColumnElement[bool]]:
    kind, number = _ROWS[door.tbl]
    ours = [kind.receiver_id == door.receiver_id, number <= door.upto]
    return ours if door.tbl == PLANS else [*ours, kind.jid == door.jid]


def _finish(database: Database, archive: Archive, now: Instant) -> None:
    with database.write() as session:
        progress = session.get_one(Progress, archive.id)
        if progress.finished_at is None:
            progress.finished_at = now
            audit.append(
                session, now, audit.SYSTEM, "retention.removed", archive=archive.id, file=archive.name,
                sha256=archive.sha256, stopped=progress.stopped,
            )  # fmt: skip
