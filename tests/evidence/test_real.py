"""Bundles of what really happens at a station, all of them honest: each passes, and says what it cannot know."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from random import Random

import msgspec
import pytest
import sqlalchemy as sa

from content import bulletins
from content.relays import Stream
from devices import admission, areas, claim_desk, claims, receivers, signing
from devices.messages import Evack, Plan
from devices.receiver.journal import Journal, Note
from devices.receivers import Receiver
from devices.simulator.tally import CountedStore, Tally
from loa import staff
from loa.config import Secret
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after
from scheduler import alert_consent, alert_orders, campaigns, regulation
from scheduler.campaign_tables import Campaign
from scheduler.evidence import bundles
from scheduler.evidence.scope import Scope
from scheduler.regulation import Regulation
from scheduler.rulebook import Rulebook, Slot
from scheduler.targets import Where
from tests.cast import NOON, ZONE, another_approver, approved_bulletin, give_sound
from tests.evidence.station import FIVE, Pole, Station, settle
from verifier import loa_verify
from verifier.loa_verify import Report

SINCE, UNTIL = after(NOON, -HOUR), after(NOON, 40 * DAY)
TODAY = date(2026, 11, 21)


@pytest.fixture
def station(database: Database, tmp_path: Path) -> Station:
    made = settle(database, tmp_path / "s", 3)
    with database.write() as session:
        slot = Slot(key="c", name="Chiều", start="17:00", minutes=15)
        regulation.add(session, None, [], Rulebook(slots=(slot,)), since=NOON, now=NOON)
    made.tick(NOON)
    return made


def report_of(
    station: Station, path: Path, which: Scope | None = None, **changes: object
) -> Report:
    with station.database.read() as session:
        bundles.write(session, station.config, which or Scope(SINCE, UNTIL), path, UNTIL, **changes)
    return loa_verify.verify(str(path), processes=1)


def clean(station: Station, tmp_path: Path, which: Scope | None = None) -> Report:
    report = report_of(station, tmp_path / "b.zip", which)
    assert [each for each in report.findings if each.level != loa_verify.MISSING] == []
    assert report.counts["rows"] > 0
    return report


def play_all(station: Station, now: Instant) -> None:
    for pole in station.poles.values():
        for one in pole.plan.occ:
            if one.at < now and one.st == "on":
                pole.play(one.id)
    station.report(now)


def test_a_campaign(station: Station, tmp_path: Path) -> None:
    with station.database.write() as session:
        bulletin = approved_bulletin(session, station.cast)
        other = approved_bulletin(session, station.cast, title="Việc khác")
        drive = campaigns.Order(
            name="Tiêm chủng", start_date=TODAY, end_date=date(2026, 11, 22),
            where=Where((station.cast.commune.id,)), target=campaigns.Target(number=4),
            lines=(campaigns.Line(bulletin_id=bulletin.id),),
        )  # fmt: skip
        campaigns.add(session, drive, station.cast.hoa, NOON, ZONE)
    station.core.changed()
    station.broadcast(time(16, 40), title=other.title)
    station.tick(after(NOON, MINUTE))
    play_all(station, after(NOON, 11 * HOUR))
    with station.database.write() as session:
        campaign = session.scalars(sa.select(Campaign)).one()
        campaign.name = (
            "Tiêm chủng mở rộng"  # renamed since: the bundle names it as it is called now
        )
        number = campaign.id
    report = clean(station, tmp_path, Scope(SINCE, UNTIL, number))
    assert report.counts["played"] > 0
    assert "chiến dịch “Tiêm chủng mở rộng”" in next(loa_verify.told(report))
    assert clean(station, tmp_path).counts["rows"] > report.counts["rows"]


def alert(station: Station, act: Callable[..., object], **changes: object) -> None:
    """An alert that one officer prepares; ``act`` is what another says to it."""
    cast = station.cast
    with station.database.write() as session:
        rules = session.scalars(sa.select(Regulation).order_by(Regulation.id.desc())).first()
        rules.rules = msgspec.structs.replace(rules.rules, alone_minutes=10)
        order = alert_orders.Order(
            where=Where((cast.commune.id,)), expires_at=after(NOON, HOUR), title="Lũ lên nhanh",
            body="Nước lũ đang lên nhanh. Bà con rời chỗ thấp ngay.", **changes,
        )  # fmt: skip
        made = alert_orders.prepare(session, cast.hoa, order, NOON, ZONE)
        give_sound(session, made.bulletin, 20_000)
        act(session, made)
    station.core.changed()
    station.tick(after(NOON, SECOND))
    play_all(station, after(NOON, 10 * MINUTE))


def agreed(session: object, made: object, *people: object) -> None:
    """Each in turn; the last word is enough."""
    sounds = made.bulletin.sounds.values()
    said = [alert_consent.agree(session, made, each, sounds, NOON, ZONE) for each in people]
    assert said == [False] * (len(people) - 1) + [True]


def both(station: Station) -> Callable[..., None]:
    return lambda session, made: agreed(session, made, station.cast.minh, another_approver(session))


def test_an_alert(station: Station, tmp_path: Path) -> None:
    alert(station, both(station))
    assert clean(station, tmp_path).counts["played"] > 0


def test_an_alert_that_is_repeated(station: Station, tmp_path: Path) -> None:
    alert(
        station, both(station),
        every_ms=2 * MINUTE, times=3,
    )  # fmt: skip
    assert clean(station, tmp_path).counts["rows"] >= 6


def test_a_drill(station: Station, tmp_path: Path) -> None:
    alert(station, lambda session, made: agreed(session, made, station.cast.minh), drill=True)
    assert clean(station, tmp_path).counts["played"] > 0


def test_an_officers_lone_word(station: Station, tmp_path: Path) -> None:
    def alone(session: object, made: object) -> None:
        alert_consent.sound_alone(
            session, made, station.cast.minh, made.bulletin.sounds.values(), NOON, ZONE
        )

    alert(station, alone)
    assert clean(station, tmp_path).counts["played"] > 0


def test_a_relay(station: Station, tmp_path: Path) -> None:
    stream = Stream(url="https://tinh.example.vn/live.mp3", ms=600_000)
    station.broadcast(time(17), relay=stream)
    station.tick(after(NOON, MINUTE))
    station.report(after(NOON, 2 * MINUTE))
    (occ,) = station.occurrences()
    for pole, rel in zip(station.poles.values(), ("stream", "fallback"), strict=True):
        one = pole.plan.occ[0]
        pole.clock.now = after(Instant(one.at), 40)
        started = {"late_ms": 40, "vol": pole.plan.set.vol, "sha": one.sha[:16]}
        pole.journal.write([Note("started", occ, started)])
        pole.clock.now = after(pole.clock.now, 10 * MINUTE)
        done = {
            "ms": 600_000,
            "asked": 600_000,
            "level": "E1",
            "vol": 70,
            "out": "null",
            "rel": rel,
        }
        pole.journal.write([Note("played", occ, done)])
    station.report(after(FIVE, HOUR))
    assert clean(station, tmp_path).counts["played"] == 2


@pytest.mark.parametrize("begins_again", [True, False])
def test_one_that_an_emergency_cut(station: Station, tmp_path: Path, begins_again: bool) -> None:
    station.broadcast(time(17))
    station.tick(after(NOON, MINUTE))
    station.report(after(NOON, 2 * MINUTE))
    (occ,) = station.occurrences()
    for pole in station.poles.values():
        pole.play(occ, cut=9_000)
        if begins_again:
            pole.clock.now = after(pole.clock.now, 20 * SECOND)
            sha = pole.plan.occ[0].sha[:16]
            late = pole.clock.now - pole.plan.occ[0].at
            pole.journal.write([Note("started", occ, {"late_ms": late, "vol": 70, "sha": sha})])
            pole.clock.now = after(pole.clock.now, 30 * SECOND)
            pole.journal.write(
                [Note("played", occ, {"ms": 30_000, "asked": 30_000, "level": "E1"})]
            )
    station.report(after(FIVE, HOUR))
    assert clean(station, tmp_path).counts["played"] == (2 if begins_again else 0)


def first_day(station: Station) -> None:
    station.broadcast(time(17))
    station.tick(after(NOON, MINUTE))
    station.report(after(NOON, 2 * MINUTE))
    for pole in station.poles.values():
        pole.play(station.occurrences()[0])
    station.report(after(FIVE, HOUR))


def second_day(station: Station) -> None:
    station.now = after(FIVE, 2 * HOUR)
    station.broadcast(time(17), date(2026, 11, 22), title="Hôm sau")
    station.tick(after(FIVE, 2 * HOUR + MINUTE))
    for pole in station.poles.values():
        pole.play(station.occurrences()[1])
    station.report(after(FIVE, DAY + HOUR))


def test_everything_renamed_withdrawn_and_retired_since(station: Station, tmp_path: Path) -> None:
    first_day(station)
    now, cast = after(FIVE, 2 * HOUR), station.cast
    with station.database.write() as session:
        admin = session.get_one(staff.Staff, cast.admin.id)
        bulletin = bulletins.get(session, station.bulletins[0].id)
        bulletins.withdraw(session, bulletin, session.get_one(staff.Staff, cast.minh.id), now)
        bulletin.title = "Tên khác"
        minh = session.get_one(staff.Staff, cast.minh.id)
        minh.name = "Người khác"
        staff.close(session, minh, now=now, by=admin)
        receiver = session.get_one(Receiver, "r-0000")
        receiver.name = "Cột đã đổi tên"
        receivers.retire(session, receiver, now=now, by="quantri")
        areas.get(session, cast.commune.id).name = "Xã mới"
    station.core.changed()
    station.tick(after(now, MINUTE))
    report = clean(station, tmp_path)
    rows = [json.loads(line) for line in lines(tmp_path / "b.zip", "deliveries.jsonl")]
    assert {row["receiver_name"] for row in rows} == {"Cột r-0000", "Cột r-0001", "Cột r-0002"}
    assert {row["title"] for row in rows} == {"Lịch tiêm chủng"}
    assert report.counts["played"] == 2


def lines(path: Path, name: str) -> list[bytes]:
    with loa_verify.zipfile.ZipFile(path) as archive:
        return archive.read(name).splitlines()


def test_a_receiver_that_lost_its_journal(station: Station, tmp_path: Path) -> None:
    """A new disk in the same box: its key stays, its journal begins anew."""
    first_day(station)
    pole = station.poles["r-0000"]
    pole.journal = Journal(CountedStore(Tally()), pole.clock, Random("another disk"))
    pole.journal.write([Note("boot", detail={"why": "power"})])
    pole.known.clear()
    second_day(station)
    report = clean(station, tmp_path)
    assert report.counts["played"] == 4


def test_a_receiver_that_was_replaced(station: Station, tmp_path: Path) -> None:
    """A new box claims the place: another key, and the old journal is closed, which the bundle names."""
    first_day(station)
    key, now = signing.generate("r-0000"), after(FIVE, 2 * HOUR)
    with station.database.write() as session:
        receiver = session.get_one(Receiver, "r-0000")
        claim = claims.reissue(session, receiver, serial="SN-9", now=now, by="quantri")
        claims.issue(session, claim, now=now, by="quantri")
        code = admission.code_key(claim.code.replace(" ", ""), claim.serial)
        asking = admission.ask(key, claim.serial, code, now)
        taken = claim_desk.take(
            session, asking.token, address="x", now=now, secret=Secret("s" * 32)
        )
        assert not isinstance(taken, claim_desk.Refusal)
        claims.confirm(session, claim, now=after(now, 1), by="quantri")
    station.poles["r-0000"] = box = Pole("r-0000", key)
    box.journal = Journal(CountedStore(Tally()), box.clock, Random("another box"))
    box.clock.now = now
    box.journal.write([Note("boot", detail={"why": "power"})])
    station.core.changed()
    second_day(station)
    report = clean(station, tmp_path)
    assert report.counts["played"] == 4
    assert report.counts["gap_closed"] == 1


def test_a_day_after_a_restore(tmp_path: Path, migrated_sqlite: Path) -> None:
    """What the backup did not know yet is named; the days after it are whole again."""
    path = tmp_path / "loa.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    database = Database(f"sqlite:///{path}")
    station = settle(database, tmp_path / "s", 3)
    station.tick(NOON)
    with (
        contextlib.closing(sqlite3.connect(path)) as now,
        contextlib.closing(sqlite3.connect(":memory:")) as kept,
    ):
        now.backup(kept)
        backup = kept.serialize()
    first_day(station)
    database.close()
    for beside in tmp_path.glob("loa.db-*"):
        beside.unlink()
    path.write_bytes(backup)
    restored = Database(f"sqlite:///{path}")
    again = replace(station, database=restored, bulletins=[])
    again.core = station.core.__class__(again.config, restored, again.link, now=after(FIVE, HOUR))
    again.core.begin()
    for pole in again.poles.values():  # the station asks for all it has lost
        pole.journal.acknowledge(Evack(jid=pole.journal.jid, upto=0, rw=True))
    again.now = after(FIVE, HOUR)
    again.core.tick(again.now)
    for note in again.link.take():
        again._deliver(note, again.now)
    again.report(after(FIVE, HOUR + MINUTE))
    with_old = report_of(again, tmp_path / "old.zip", Scope(SINCE, after(FIVE, HOUR)))
    assert {each.code for each in with_old.findings if each.level == loa_verify.CHANGED} <= {
        "echo",
        "row_missing",
    }
    again.broadcast(time(17), date(2026, 11, 22), title="Hôm sau")
    again.tick(after(FIVE, 2 * HOUR))
    for pole in again.poles.values():
        pole.play(again.occurrences()[-1])
    again.report(after(FIVE, DAY + HOUR))
    report = report_of(again, tmp_path / "new.zip", Scope(after(FIVE, 10 * HOUR), UNTIL))
    assert [each for each in report.findings if each.level == loa_verify.CHANGED] == []
    assert report.counts["played"] == 2
    restored.close()


def test_plans_are_plans(station: Station) -> None:
    """The poles of these tests obey what the station really signed."""
    station.broadcast(time(17))
    station.tick(after(NOON, MINUTE))
    assert all(isinstance(pole.plan, Plan) for pole in station.poles.values())
