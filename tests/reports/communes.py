"""Communes with truly signed journals, each with bundles made before and after some evidence came late."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from random import Random
from types import SimpleNamespace

import sqlalchemy as sa

from content.bulletins import Priority
from devices.receivers import JournalEntry
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after, local
from scheduler.evidence import bundles
from scheduler.evidence.scope import Scope
from tests.cast import NOON, ZONE, vn
from tests.evidence.station import FIVE, Station, settle
from tests.reports import recount

SINCE, UNTIL = vn("2026-11-01 00:00"), vn("2026-12-01 00:00")
EARLY, LATE = after(FIVE, 2 * DAY), after(FIVE, 4 * DAY)
NOW = vn("2026-12-05 09:00")


@dataclass
class Commune:
    """One of them, and what it handed in."""

    name: str
    early: Path
    """Of November, before the last receiver but one had said anything."""
    late: Path
    """Of November, after it had."""
    first_day: Path
    """Of 21 November alone, made as late."""
    counted: list[recount.Counted]
    """Its deliveries, counted from the journals as they are in the end."""
    counted_early: list[recount.Counted]


def make(template: Path, folder: Path, number: int) -> Commune:
    """A commune of ``number`` + 4 receivers, the last of which nobody ever hears of."""
    folder.mkdir(parents=True)
    shutil.copy(template, folder / "loa.db")
    database = Database(f"sqlite:///{folder / 'loa.db'}")
    station = settle(database, folder / "station", 4 + number)
    name = f"Xã {number + 1}"
    (folder / "station" / "config.toml").write_text(f"[station]\nname = '{name}'\n")
    asked = _broadcast(station, Random(number))
    early, counted_early = _export(station, folder / "early.zip", EARLY), _recount(station, asked)
    station.report(after(EARLY, HOUR))
    station.core.close()
    late, counted = _export(station, folder / "late.zip", LATE), _recount(station, asked)
    first_day = _export(station, folder / "first.zip", LATE, vn("2026-11-22 00:00"))
    database.close()
    return Commune(name, early, late, first_day, counted, counted_early)


def _broadcast(station: Station, random: Random) -> list[SimpleNamespace]:
    station.tick(NOON)
    station.broadcast(time(17))
    station.broadcast(time(18), title="Họp thôn", ms=45_000)
    station.broadcast(
        time(17, 30), date(2026, 11, 22), title="Bão", priority=Priority.EMERGENCY, ms=20_000
    )
    station.tick(after(NOON, MINUTE))
    asked = _asked(station)
    station.report(after(NOON, 2 * MINUTE))
    *told, _late = station.poles
    for occ in station.occurrences()[:2]:
        _obey(station, occ, random)
    station.report(after(FIVE, 2 * HOUR), *told)
    station.tick(after(FIVE, DAY - HOUR))
    _obey(station, station.occurrences()[2], random)
    station.report(after(FIVE, DAY + HOUR), *told)
    for seconds in (0, 40):
        station.core.tick(after(FIVE, DAY + 2 * HOUR + seconds * SECOND))
    station.link.take()
    return asked


def _obey(station: Station, occ: str, random: Random) -> None:
    for pole in station.poles.values():
        what = random.choice(("play", "play", "cut", "miss"))
        if what == "miss":
            pole.miss(occ)
        else:
            pole.play(occ, late=random.randrange(900), cut=None if what == "play" else 7_000)


def _export(station: Station, path: Path, now: Instant, until: Instant = UNTIL) -> Path:
    with station.database.read() as session:
        bundles.write(session, station.config, Scope(SINCE, until), path, now)
    return path


def _asked(station: Station) -> list[SimpleNamespace]:
    """What a plan orders, at each receiver."""
    plan = next(iter(station.poles.values())).plan
    return [
        SimpleNamespace(
            occ=one.id, rid=rid, at=one.at, ms=plan.aud[one.sha].ms, title="", is_sent=True, emergency=one.cls == "E",
            day=local(Instant(one.at), ZONE).date(),
        )
        for one in plan.occ
        for rid in (*station.poles, f"r-{len(station.poles):04d}")
    ]  # fmt: skip


def _recount(station: Station, asked: list[SimpleNamespace]) -> list[recount.Counted]:
    """From the receivers' own lines."""
    raw: dict[str, list[bytes]] = {}
    with station.database.read() as session:
        found = sa.select(JournalEntry.receiver_id, JournalEntry.raw)
        for rid, line in session.execute(
            found.order_by(JournalEntry.receiver_id, JournalEntry.seq)
        ):
            raw.setdefault(rid, []).append(line)
    return recount.outcomes(asked, raw)
