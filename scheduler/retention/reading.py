"""Reading a span that has left the database in part: everything reports ask of, put together in a database for once.

Each archive, verified, first becomes a small database in the cache, which can be made again from the archive. Then
the station's own tables and the archived deliveries are copied together, and whatever reads them works as ever.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.config import Config
from loa.database import Base
from loa.times import Instant
from scheduler.broadcasts import Broadcast
from scheduler.retention import archives, gone, leaving
from scheduler.retention.tables import Archive, Progress

SAME = (
    "receiver_name", "language", "last_sha", "ms", "rev", "dropped_at", "barred_at", "sent_at", "state", "reason",
    "accepted_at", "ready_at", "started_at", "started_raw_at", "ended_at", "late_ms", "played_ms", "volume", "rel",
    "evidence",
)  # fmt: skip
"""Columns of a delivery that a bundle calls by the same name."""
EXPECTED = ("sha", "ms", "volume", "households")
LEFT_OUT = frozenset(
    {
        "audit", "checkpoints", "journal_entries", "journal_proofs", "kept_answers", "outbox", "plans",
        "retention_doors", "sign_in_failures", "tokens",
    }
)  # fmt: skip
"""Tables of which nothing asks that reads what has been broadcast."""
AT_ONCE = 1_000
NOTHING = Instant(0)


@contextlib.contextmanager
def whole(session: Session, config: Config, since: Instant, until: Instant) -> Iterator[Session]:
    """A session in which no delivery of [since, until) is wanting: the given one where none has left.

    Raises ScheduleError, naming file and hash, where an archive is not there as it was registered.
    """
    found = gone.touching(session, since, until)
    if not found:
        yield session
        return
    months = [_database(session, config, archive, progress) for archive, progress in found]
    config.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=config.work, prefix="luu-tru-") as folder:
        path = Path(folder) / "all.db"
        _put_together(session, path, months, (since, until))
        with _session(path) as made:
            yield made


def campaign_span(session: Session, campaign_id: int) -> tuple[Instant, Instant]:
    """From its first broadcast until behind its last; an empty span where it has none."""
    return _span(session, Broadcast.campaign_id == campaign_id)


def alert_span(session: Session, alert_id: int) -> tuple[Instant, Instant]:
    """The same of an alert."""
    return _span(session, Broadcast.alert_id == alert_id)


def _span(session: Session, ours: sa.ColumnElement[bool]) -> tuple[Instant, Instant]:
    found = sa.select(sa.func.min(Broadcast.starts_at), sa.func.max(Broadcast.starts_at))
    row = session.execute(found.where(ours)).one()
    return Instant(row[0] or NOTHING), Instant((row[1] or NOTHING) + 1)


def broadcast_span(session: Session, broadcast_id: int) -> tuple[Instant, Instant]:
    """The moment it began; an empty span where there is no such broadcast."""
    at = session.scalar(sa.select(Broadcast.starts_at).where(Broadcast.id == broadcast_id))
    return Instant(at or NOTHING), Instant((at or NOTHING) + 1)


def _put_together(
    session: Session, path: Path, months: Sequence[Path], span: tuple[Instant, Instant]
) -> None:
    tables = [each for name, each in Base.metadata.tables.items() if name not in LEFT_OUT]
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            _in_a_hurry(connection)
            for table in tables:
                _copy(session, connection, table, span)
        for month in months:
            with engine.connect() as connection:
                connection.exec_driver_sql("ATTACH DATABASE ? AS month", (str(month),))
                _add_month(connection)
                connection.commit()
    finally:
        engine.dispose()


def _in_a_hurry(connection: sa.Connection) -> None:
    """It is made for once: nothing of it need outlive a power cut."""
    for pragma in ("journal_mode=OFF", "synchronous=OFF"):
        connection.exec_driver_sql(f"PRAGMA {pragma}").close()


def _bare(connection: sa.Connection, table: sa.Table) -> sa.Table:
    """The same columns in a table that refers to no other."""
    columns = (sa.Column(c.name, c.type, primary_key=c.primary_key) for c in table.columns)
    made = sa.Table(table.name, sa.MetaData(), *columns)
    made.create(connection)
    if "broadcast_id" in table.columns:
        sa.Index(f"ix_{table.name}_of", made.c.broadcast_id).create(connection)
    return made


def _copy(
    session: Session, connection: sa.Connection, table: sa.Table, span: tuple[Instant, Instant]
) -> None:
    made = _bare(connection, table)
    rows = session.connection().execute(_wanted(table, span)).mappings()
    while some := rows.fetchmany(AT_ONCE):
        connection.execute(sa.insert(made), [dict(row) for row in some])


def _wanted(table: sa.Table, span: tuple[Instant, Instant]) -> sa.Select[Any]:
    """All of a small table; of what piles up with the broadcasts, that of the span."""
    if table.name == "broadcasts":
        return sa.select(table).where(table.c.starts_at >= span[0], table.c.starts_at < span[1])
    if table.name in ("deliveries", "delivery_counts", "expectations"):
        ours = sa.select(Broadcast.id).where(
            Broadcast.starts_at >= span[0], Broadcast.starts_at < span[1]
        )
        return sa.select(table).where(table.c.broadcast_id.in_(ours))
    return sa.select(table)


def _add_month(connection: sa.Connection) -> None:
    """Its deliveries, as far as they are of the span."""
    names = ", ".join(each.name for each in Base.metadata.tables["deliveries"].columns)
    connection.exec_driver_sql(
        f"INSERT INTO main.deliveries ({names}) SELECT {names} FROM month.deliveries "  # noqa: S608 - our names
        "WHERE broadcast_id IN (SELECT id FROM main.broadcasts)"
    )


@contextlib.contextmanager
def _session(path: Path) -> Iterator[Session]:
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    try:
        with Session(engine, expire_on_commit=False) as session:
            yield session
            session.expunge_all()
    finally:
        engine.dispose()


def _database(session: Session, config: Config, archive: Archive, progress: Progress) -> Path:
    """The cached database of that archive's deliveries, as far as they have left. Raises ScheduleError."""
    try:
        facts = (config.archives / archive.name).stat()
    except OSError:
        archives.demand_there(archive, config)  # says what is wrong
        raise
    # The file's own facts are in the name: one that was touched since is verified anew.
    made_from = f"{archive.sha256} {facts.st_mtime_ns} {facts.st_size} {progress.upto}"
    name = hashlib.sha256(made_from.encode()).hexdigest()
    path = config.cache / "archives" / f"{name}.db"
    if not path.exists():
        source = archives.demand_there(archive, config)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.unlink(missing_ok=True)
        _fill(session, part, source, archive, progress.upto)
        part.replace(path)
    return path


def _fill(session: Session, part: Path, source: Path, archive: Archive, upto: str) -> None:
    of_month = (Broadcast.starts_at >= archive.since, Broadcast.starts_at < archive.until)
    found = session.execute(sa.select(Broadcast.occurrence, Broadcast.id).where(*of_month))
    ids = {row.occurrence: row.id for row in found}
    engine = sa.create_engine(f"sqlite:///{part}", poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            _in_a_hurry(connection)
            table = _bare(connection, Base.metadata.tables["deliveries"])
            for rid, lines in leaving.deliveries_of(source):
                if rid <= upto:
                    connection.execute(sa.insert(table), [_row(line, ids) for line in lines])
    finally:
        engine.dispose()


def _row(line: dict[str, Any], ids: dict[str, int]) -> dict[str, Any]:
    """A delivery as it was."""
    expected = line.get("expected") or {}
    return {
        **{name: line[name] for name in SAME}, "id": line["id"], "receiver_id": line["rid"], "area_name": line["area"],
        "recording_sha": line["sha"], "broadcast_id": ids[line["occ"]], "expectation_id": expected.get("id"),
        **{f"expected_{name}": expected.get(name) for name in EXPECTED},
    }  # fmt: skip
