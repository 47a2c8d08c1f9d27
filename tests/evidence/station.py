"""A station with receivers whose journals are truly written and signed, by the reference receiver's own journal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from random import Random

import sqlalchemy as sa

from content.bulletins import Bulletin, Priority
from devices import messages, signing
from devices.link import Message, Published
from devices.messages import Evack, Plan
from devices.receiver.journal import Journal, Note
from devices.signing import PrivateKey
from devices.simulator.tally import CountedStore, Tally
from loa import config
from loa.core import Core
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after
from scheduler import schedules
from scheduler.evidence import bundles
from scheduler.evidence.scope import Scope
from scheduler.schedules import Kind, Rule
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn
from tests.loa.test_core import Note as Sent
from tests.loa.test_core import Paper

SINCE, UNTIL = vn("2026-11-21 00:00"), vn("2026-11-24 00:00")
AFTERWARDS = vn("2026-11-24 09:00")
FIVE = vn("2026-11-21 17:00")


@dataclass
class HandClock:
    now: Instant = NOON
    src: str = "ntp"

    def wall(self) -> Instant:
        return self.now

    def mono(self) -> int:
        return self.now - NOON

    def source(self) -> str:
        return self.src


class Pole:
    """One receiver: obeys its newest plan, and journals what it would do."""

    def __init__(self, rid: str, key: PrivateKey) -> None:
        self.rid, self.key, self.clock = rid, key, HandClock()
        self.journal = Journal(CountedStore(Tally()), self.clock, Random(rid))
        self.journal.write([Note("boot", detail={"why": "power"})])
        self.plan: Plan | None = None
        self.known: set[str] = set()

    def take(self, plan: Plan, now: Instant) -> None:
        """Accept a plan, and what is new in it."""
        self.clock.now, self.plan = now, plan
        chk = {"n": plan.chk.n, "h": plan.chk.h}
        notes = [Note("accepted", detail={"rev": plan.rev, **chk})]
        for one in plan.occ:
            if one.id not in self.known and one.st == "on":
                self.known.add(one.id)
                notes += [
                    Note("accepted", one.id, {"rev": plan.rev}),
                    Note("ready", one.id, {"sha": one.sha}),
                ]
        self.journal.write(notes)

    def play(self, occ: str, *, late: int = 40, cut: int | None = None) -> None:
        """Play it as the plan says; ``cut``: milliseconds after which it was interrupted."""
        one = next(each for each in self.plan.occ if each.id == occ)
        ms = self.plan.aud[one.sha].ms
        vol = self.plan.set.vol
        self.clock.now = after(Instant(one.at), late)
        self.journal.write(
            [Note("started", occ, {"late_ms": late, "vol": vol, "sha": one.sha[:16]})]
        )
        self.clock.now = after(self.clock.now, ms if cut is None else cut)
        if cut is None:
            detail = {"ms": ms, "asked": ms, "level": "E1", "vol": vol, "out": "null"}
            self.journal.write([Note("played", occ, detail)])
        else:
            self.journal.write([Note("interrupted", occ, {"at_ms": cut, "why": "stop"})])

    def miss(self, occ: str) -> None:
        one = next(each for each in self.plan.occ if each.id == occ)
        self.clock.now = after(Instant(one.at), MINUTE)
        self.journal.write([Note("missed", occ, {"why": "no_audio"})])


@dataclass
class Station:
    """Days of broadcasts; ``export`` writes the bundle."""

    database: Database
    folder: Path
    cast: Cast
    core: Core
    link: Paper
    poles: dict[str, Pole] = field(default_factory=dict)
    bulletins: list[Bulletin] = field(default_factory=list)
    now: Instant = NOON

    @property
    def config(self) -> config.Config:
        return config.load(self.folder / "config.toml")

    def broadcast(self, at: time, day: date = date(2026, 11, 21), **fields: object) -> None:
        with self.database.write() as session:
            bulletin = approved_bulletin(session, self.cast, now=self.now, **fields)
            rule = Rule(
                kind=Kind.ONCE, at=at, start_date=day, area_ids=(self.cast.commune.id,)
            )  # fmt: skip
            schedules.add(session, bulletin, self.cast.hoa, rule, now=self.now, zone=ZONE)
            self.bulletins.append(bulletin)
        self.core.changed()

    def tick(self, now: Instant) -> None:
        """The station works; plans reach their poles."""
        self.now = now
        self.core.tick(now)
        notes = self.link.take()
        self.core.intake.take_in([Published(note.token) for note in notes], now)
        for note in notes:
            self._deliver(note, now)

    def _deliver(self, note: Sent, now: Instant) -> None:
        pole = self.poles.get(note.topic.split("/")[2])
        if pole is not None:
            pole.take(messages.decode(signing.payload(note.payload), Plan), now)

    def report(self, now: Instant, *rids: str) -> None:
        """These poles (all when none is named) send what they have."""
        self.now = now
        for rid in rids or self.poles:
            pole = self.poles[rid]
            pole.clock.now = max(pole.clock.now, now)
            while batch := pole.journal.batch(rid, pole.key):
                self.core.intake.take_in([Message(messages.events_topic(rid), batch)], now)
                for note in self.link.take("evack"):
                    pole.journal.acknowledge(messages.decode(note.payload, Evack))

    def occurrences(self) -> list[str]:
        with self.database.read() as session:
            found = sa.text("select occurrence from broadcasts order by starts_at, occurrence")
            return list(session.scalars(found))

    def export(self, path: Path, **changes: object) -> Path:
        scope = Scope(SINCE, UNTIL)
        with self.database.read() as session:
            bundles.write(session, self.config, scope, path, AFTERWARDS, **changes)
        return path


def settle(database: Database, folder: Path, count: int = 4) -> Station:
    """A station with ``count`` receivers, the last of which never says anything."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text("[station]\nname = 'Mẫu'\n[regulation]\nquiet = []\n")
    with database.write() as session:
        cast = settle_in(session, count)
    link = Paper()
    core = Core(config.load(folder / "config.toml"), database, link, now=NOON)
    core.begin()
    made = Station(database, folder, cast, core, link)
    made.poles = {rid: Pole(rid, key) for rid, key in list(cast.keys.items())[:-1]}
    return made


def three_days(database: Database, folder: Path) -> Station:
    """Played, interrupted, missed, an emergency, and one receiver nobody hears of."""
    station = settle(database, folder)
    station.tick(NOON)
    station.broadcast(time(17))
    station.broadcast(time(18), title="Họp thôn", ms=45_000)
    station.tick(after(NOON, MINUTE))
    station.report(after(NOON, 2 * MINUTE))
    first, second = station.occurrences()
    for pole in station.poles.values():
        pole.play(first)
    station.report(after(FIVE, 10 * MINUTE), "r-0000")
    station.tick(after(FIVE, 20 * MINUTE))
    station.poles["r-0000"].play(second, late=1_200)
    station.poles["r-0001"].play(second, cut=20_000)
    station.poles["r-0002"].miss(second)
    station.report(after(FIVE, 2 * HOUR))
    _second_day(station)
    station.core.tick(after(FIVE, 2 * DAY))
    station.core.tick(after(FIVE, 2 * DAY + 40 * SECOND))
    station.link.take()
    station.core.close()
    return station


def _second_day(station: Station) -> None:
    station.tick(after(FIVE, DAY - 2 * HOUR))
    station.broadcast(
        time(17, 30), date(2026, 11, 22), title="Bão", priority=Priority.EMERGENCY, ms=20_000
    )
    station.tick(after(FIVE, DAY - HOUR))
    (alarm,) = station.occurrences()[2:]
    for pole in station.poles.values():
        pole.play(alarm, late=300)
    station.report(after(FIVE, DAY + HOUR))


def raw(entry: str) -> list[object]:
    return json.loads(entry)
