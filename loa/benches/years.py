"""Years of broadcasts for a bench: millions of deliveries in every state, written by the database itself.

The rows go past the triggers that count them; the counts then come from the recount a migration uses, and the
triggers are put up again: what is measured afterwards is what a station of that age has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, time, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices.outages import Fault, Kind, Watch
from devices.receivers import Receiver
from loa import bulk, database
from loa.benches.ground import Ground
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after, at
from scheduler.broadcasts import Broadcast, State
from scheduler.campaign_tables import Campaign, Message, Per, Target
from scheduler.reporting.tables import Expectation
from scheduler.schedule_tables import Schedule, ScheduleArea
from scheduler.sources import ALL_PLANNED
from scheduler.targets import Where

A_DAY = 12
"""Broadcasts a day, each at every receiver; one of them is a campaign's."""
CAMPAIGN_DAYS, MORE_DAYS = 60, 14
"""One after the other, and how long the last goes on."""
TITLES = 200
SOUND_MS = 3 * MINUTE
SETTLED = 9 * HOUR
"""After which a delivery is no longer open."""
TRIGGERS = ("put", "take", "change")
INDEX = "ix_deliveries_receiver_id_state"


class Years:
    """A station in ``folder`` with so many deliveries behind it; ``now`` is the evening of its last day."""

    def __init__(self, folder: Path, receivers: int, deliveries: int, url: str = "") -> None:
        self.ground = Ground(folder, receivers, url)
        self.zone = self.ground.config.zone
        self.days = max(-(-deliveries // (receivers * A_DAY)), 2)
        self.first = date(2026, 11, 30) - timedelta(days=self.days - 1)
        self.now = self._at(self.days - 1, time(21))
        self.broadcasts = self.days * A_DAY
        self.deliveries = self.broadcasts * receivers
        self._write()

    @property
    def last(self) -> date:
        """The last day of all, which is the last of a month."""
        return self.first + timedelta(days=self.days - 1)

    def close(self) -> None:
        """Let go of the database."""
        self.ground.close()

    def _at(self, day: int, clock: time) -> Instant:
        found = at(self.first + timedelta(days=day), clock, self.zone)
        return found if found is not None else Instant(0)

    def _write(self) -> None:
        bulletin = self.ground.bulletin(Priority.NORMAL, b"years", SOUND_MS)
        with self.ground.database.write() as session:
            session.execute(sa.update(Receiver).values(added_at=self._at(0, time())))
            sources = self._sources(session, bulletin)
            runs = [
                self._broadcast(number, bulletin, *sources) for number in range(self.broadcasts)
            ]
            bulk.insert(session, Broadcast, runs)
            bulk.insert(session, Expectation, [_expected(run) for run in runs])
            bulk.insert(session, Fault, list(self._faults()))
            session.add(Watch(since=self._at(0, time()), until=self.now))
        with _unhurried(self.ground) as connection:
            fill(connection, self._places(), self.now)

    def _sources(self, session: Session, bulletin: int) -> tuple[int, list[int]]:
        """Ids of the schedule and the campaigns everything is of: one after the other, the last under way."""
        begun = self._at(0, time())
        schedule = Schedule(
            uid="years", bulletin_id=bulletin, at=time(5, 30), rule="FREQ=DAILY", start_date=self.first, staff_id=1,
            created_at=begun, planned_until=self.now, targets=[ScheduleArea(area_id=self.ground.commune)],
        )  # fmt: skip
        campaigns = [self._campaign(number, bulletin) for number in range(self._drive(0) + 1)]
        session.add_all([schedule, *campaigns])
        session.flush()
        return schedule.id, [each.id for each in campaigns]

    def _drive(self, day: int) -> int:
        """Which campaign a day belongs to: 0 is the last, which is still under way."""
        return (self.days - 1 - day) // CAMPAIGN_DAYS

    def _campaign(self, number: int, bulletin: int) -> Campaign:
        last = self.last - timedelta(days=number * CAMPAIGN_DAYS)
        first = max(last - timedelta(days=CAMPAIGN_DAYS - 1), self.first)
        is_over = number > 0
        return Campaign(
            uid=f"years-{number}", name=f"Đo {number}", start_date=first,
            end_date=last if is_over else last + timedelta(days=MORE_DAYS), staff_id=1,
            created_at=self._at(0, time()), where=Where((self.ground.commune,)),
            target=Target(number=1, per=Per.DAY), planned_until=ALL_PLANNED if is_over else self.now,
            rethought_at=self._at(0, time()), messages=[Message(bulletin_id=bulletin)],
        )  # fmt: skip

    def _broadcast(
        self, number: int, bulletin: int, schedule: int, campaigns: list[int]
    ) -> dict[str, Any]:
        day, place = divmod(number, A_DAY)
        starts_at = self._at(day, time(5 + place, 30))
        is_campaign = place == A_DAY - 1
        return {
            "id": number + 1, "occurrence": f"years-{number:06}", "schedule_id": None if is_campaign else schedule,
            "campaign_id": campaigns[self._drive(day)] if is_campaign else None,
            "where": Where((self.ground.commune,)), "bulletin_id": bulletin,
            "title": f"Thông báo số {number % TITLES} của Ủy ban nhân dân xã",
            "priority": Priority.EMERGENCY if number % 97 == 0 else Priority.NORMAL, "field": 1 + number % 6,
            "starts_at": starts_at, "recording_sha": f"{number % TITLES:064x}", "ms": SOUND_MS,
            "drill": number % 331 == 7, "author": ("Hoa", "Minh")[number % 2], "approver_names": ["Minh"],
            "approver_logins": ["minh"], "scheduler": "Hoa", "origin": "lịch hằng ngày",
            "state": State.FINISHED, "planned_at": after(starts_at, -2 * DAY),
        }  # fmt: skip

    def _faults(self) -> Iterator[dict[str, Any]]:
        """A silence of an hour per receiver and month."""
        for number, rid in enumerate(self.ground.rids):
            for day in range(number % 30, self.days, 30):
                since = self._at(day, time(number % 20))
                until = after(since, HOUR)
                yield {"receiver_id": rid, "kind": Kind.OFFLINE, "since": since, "until": until}

    def _places(self) -> list[dict[str, Any]]:
        """Every receiver, numbered, with the names its deliveries keep."""
        with self.ground.database.read() as session:
            found = session.scalars(sa.select(Receiver).order_by(Receiver.id)).unique()
            return [
                {"n": n, "id": each.id, "name": each.name, "area": each.area.full_name}
                for n, each in enumerate(found)
            ]


def _expected(run: dict[str, Any]) -> dict[str, Any]:
    names = ("title", "priority", "field", "starts_at", "author", "scheduler", "origin", "drill")
    return {
        "id": run["id"], "broadcast_id": run["id"], **{name: run[name] for name in names},
        "approver": run["approver_names"], "frozen_at": run["planned_at"],
    }  # fmt: skip


@contextmanager
def _unhurried(ground: Ground) -> Iterator[Connection]:
    """A transaction that need not survive a power cut, and whose keys are known to be good."""
    database = ground.database
    if not database.is_sqlite:
        with database.write() as session:
            yield session.connection()
        return
    database.rest()
    engine = sa.create_engine(database.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000"):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.exec_driver_sql("BEGIN")
        yield connection
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    engine.dispose()


def fill(connection: Connection, places: Sequence[dict[str, Any]], now: Instant) -> None:
    """A delivery of every broadcast at every place, counted as a migration counts."""
    metadata = sa.MetaData()
    deliveries = sa.Table("deliveries", metadata, autoload_with=connection)
    index = next(each for each in deliveries.indexes if each.name == INDEX)
    table = sa.Table(
        "bench_places", metadata, sa.Column("n", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.String(160)) for name in ("id", "name", "area")),
    )  # fmt: skip
    table.create(connection)
    connection.execute(sa.insert(table), list(places))
    stop_counting(connection)
    index.drop(connection)
    connection.execute(sa.text(_DELIVERIES), {"now": now})
    index.create(connection)
    table.drop(connection)
    _reporting(connection, lambda migration: (migration.recount(), migration.follow()))


def recounted(connection: Connection) -> None:
    """Count everything anew, by the same statement a migration uses."""
    _reporting(connection, lambda migration: migration.recount())


def _reporting(connection: Connection, work: Callable[[ModuleType], object]) -> None:
    script = ScriptDirectory(str(Path(database.__file__).parent / "migrations")).get_revision(
        "0010"
    )
    with Operations.context(MigrationContext.configure(connection)):
        work(script.module)


def stop_counting(connection: Connection) -> None:
    """Nothing counts deliveries from now on: what the counting costs is the difference."""
    where = "" if connection.dialect.name == "sqlite" else " ON deliveries"
    for name in TRIGGERS:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS delivery_counts_{name}{where}")


_STATE = f"""CASE
  WHEN b.starts_at > :now - {SETTLED} THEN CASE x % 5 WHEN 0 THEN 'planned' WHEN 1 THEN 'sent' WHEN 2 THEN 'accepted'
    WHEN 3 THEN 'ready' ELSE 'started' END
  WHEN x < 900 THEN 'played' WHEN x < 920 THEN 'interrupted' WHEN x < 930 THEN 'failed' WHEN x < 950 THEN 'missed'
  WHEN x < 955 THEN 'refused' WHEN x < 970 THEN 'cancelled' ELSE 'unknown' END"""
_REASON = (
    "CASE WHEN x < 900 THEN NULL WHEN x < 920 THEN 'power' WHEN x < 930 THEN 'decode' WHEN x < 950 THEN 'off' "
    "WHEN x < 955 THEN 'expired' WHEN x < 970 THEN 'stopped' ELSE NULL END"
)
_COLUMNS = {
    "broadcast_id": "b.id", "receiver_id": "p.id", "receiver_name": "p.name", "area_name": "p.area",
    "language": "'vi'", "recording_sha": "b.recording_sha", "ms": "b.ms", "state": _STATE, "reason": _REASON,
    "rev": "b.id + p.n", "sent_at": f"b.starts_at - {DAY}", "accepted_at": f"b.starts_at - {DAY} + 900 + x",
    "ready_at": f"b.starts_at - {DAY} + {MINUTE} + x",
    "started_at": "CASE WHEN x < 930 THEN b.starts_at + x / 20 END",
    "started_raw_at": "CASE WHEN x < 930 THEN b.starts_at + x / 20 + p.n % 300 END",
    "ended_at": f"CASE WHEN x < 930 THEN b.starts_at + b.ms + x / 20 WHEN x < 970 THEN b.starts_at + {SECOND} END",
    "late_ms": "CASE WHEN x < 930 THEN x / 20 END",
    "played_ms": "CASE WHEN x < 900 THEN b.ms WHEN x < 930 THEN b.ms / 2 END",
    "volume": "CASE WHEN x < 930 THEN 80 END",
    "evidence": "CASE WHEN x < 100 THEN 'E2' WHEN x < 900 THEN 'E1' END",
    "expectation_id": "b.id", "expected_sha": "b.recording_sha", "expected_ms": "b.ms", "expected_volume": "80",
    "expected_households": "40 + p.n % 60",
}  # fmt: skip
_DELIVERIES = (
    f"INSERT INTO deliveries ({', '.join(_COLUMNS)}) SELECT {', '.join(_COLUMNS.values())} "  # noqa: S608 - our names
    "FROM (SELECT b.id AS bid, p.n AS pn, (b.id * 7919 + p.n * 104729 + b.id * p.n) % 1000 AS x "
    "FROM broadcasts b CROSS JOIN bench_places p) AS made "
    "JOIN broadcasts b ON b.id = made.bid JOIN bench_places p ON p.n = made.pn ORDER BY b.id, p.n"
)
