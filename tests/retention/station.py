"""A station that broadcasts twice a month for three months, with journals truly signed."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from loa.config import Config, Retention
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, Instant, after, instant
from scheduler.reporting import log, papers, periods
from scheduler.reporting.papers import About
from scheduler.reports import LogFilter
from scheduler.retention import night, reading, rules
from tests.cast import ZONE
from tests.evidence.station import Station, settle

DAYS = (
    date(2026, 11, 23), date(2026, 11, 30), date(2026, 12, 5), date(2026, 12, 28), date(2027, 1, 5), date(2027, 1, 28),
)  # fmt: skip
NOVEMBER, DECEMBER = periods.month(DAYS[0]), periods.month(DAYS[2])
QUARTER = periods.span(date(2026, 11, 1), date(2027, 1, 31))
LATER = instant(datetime(2028, 12, 3, 2, 0, tzinfo=ZONE))
"""Two o'clock at night, when November 2026 is past its time, and nothing else."""
MUCH_LATER = instant(datetime(2029, 1, 3, 2, 0, tzinfo=ZONE))
"""December is, too."""
TABLES = ("deliveries", "journal_entries", "journal_proofs", "plans", "delivery_counts")


def months(database: Database, folder: Path, count: int = 3) -> Station:
    """The last receiver is never heard of; each of the others plays what it is told, and once is broken off."""
    station = settle(database, folder, count)
    station.tick(station.now)
    for number, day in enumerate(DAYS):
        _day(station, day, broken=number == 2)
    station.core.close()
    return station


def _day(station: Station, day: date, *, broken: bool) -> None:
    at = instant(datetime.combine(day, time(8), tzinfo=ZONE))
    station.tick(at)
    before = set(station.occurrences())
    station.broadcast(time(17), day, title=f"Bản tin {day:%d/%m}")
    station.tick(after(at, MINUTE))
    station.report(after(at, 2 * MINUTE))
    (occ,) = set(station.occurrences()) - before
    for rid, pole in station.poles.items():
        pole.play(occ, cut=9_000 if broken and rid == "r-0001" else None)
    station.report(after(at, 10 * HOUR))
    station.tick(after(at, 11 * HOUR))
    station.core.tick(after(at, DAY + 12 * HOUR))


def configured(station: Station, **fields: Any) -> Config:
    return msgspec.structs.replace(station.config, retention=Retention(**fields))


def confirmed(station: Station, now: Instant = LATER, **fields: Any) -> Config:
    """The station's config, to which its admin has agreed."""
    config = configured(station, **fields)
    with station.database.write() as session:
        rules.confirm(session, config, station.cast.admin, now)
    return config


def archived(station: Station, now: Instant = LATER) -> Config:
    """The same, and the work is done."""
    config = confirmed(station)
    for _ in night.work(station.database, config, now):
        pass
    return config


def counted(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {
            table: session.scalar(sa.text(f"select count(*) from {table}")) or 0  # noqa: S608 - our names
            for table in TABLES
        }


def report(station: Station, config: Config, period: periods.Period) -> list[Any]:
    """All a person can see of a period: every table of the report, its footnotes, and the log's rows."""
    since, until = period.bounds(config.zone)
    before = period.before().bounds(config.zone)[0]
    with (
        station.database.read() as here,
        reading.whole(here, config, before, until) as session,
    ):
        about = About("Mẫu", config.zone, MUCH_LATER)
        made = papers.of_period(session, period, about).document
        tables = [(table.title, [tuple(row) for row in table.rows]) for table in made.tables]
        rows = list(log.rows(session, LogFilter(since=since, until=until)))
        return [tables, made.sentences, made.footnotes, rows]
