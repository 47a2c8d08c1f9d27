"""Nothing leaves that nobody agreed to, nothing that is held, nothing by another way than the door."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from loa import config as configs
from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import ConfigError, NotAllowed, ScheduleError
from loa.times import HOUR, MINUTE, Instant, after, instant
from scheduler.broadcasts import Broadcast, State
from scheduler.retention import archives, gone, holds, leaving, night, rules
from scheduler.retention.holds import Order
from scheduler.retention.tables import Archive, Door
from tests.cast import NOON, ZONE, settle_in
from tests.evidence.station import Station
from tests.retention import station as stations
from tests.retention.station import LATER, MUCH_LATER, NOVEMBER


def said(database: Database, kind: str) -> list[dict[str, Any]]:
    with database.read() as session:
        found = sa.select(AuditEntry.data).where(AuditEntry.kind == kind).order_by(AuditEntry.n)
        return [json.loads(data) for data in session.scalars(found)]


def worked(station: Station, config: configs.Config) -> list[str]:
    return list(night.work(station.database, config, LATER))


def test_nothing_leaves_before_an_admin_agrees(station: Station) -> None:
    config = stations.configured(station)
    assert worked(station, config) == []
    with station.database.write() as session:
        with pytest.raises(NotAllowed):
            rules.confirm(session, config, station.cast.minh, LATER)
        rules.confirm(session, config, station.cast.admin, LATER)
    assert len(worked(station, config)) == 2
    assert said(station.database, "retention.confirm") == [{"before": None, "log_months": 24}]


def test_another_number_of_months_must_be_agreed_to_anew(station: Station) -> None:
    stations.confirmed(station)
    shorter = stations.configured(station, log_months=12)
    assert worked(station, shorter) == []
    with station.database.write() as session:
        rules.note(session, shorter, LATER)
        rules.note(session, shorter, LATER)
        assert not rules.confirmed(session, shorter)
    assert said(station.database, "retention.rule") == [{"before": 24, "log_months": 12}]


def test_an_admin_stops_it(station: Station) -> None:
    config = stations.confirmed(station)
    with station.database.write() as session:
        rules.stop(session, config, station.cast.admin, LATER)
    assert worked(station, config) == []
    assert said(station.database, "retention.stop") == [{"log_months": 24}]


def test_kept_for_ever_is_nothing_to_agree_to(station: Station) -> None:
    config = stations.configured(station, log_months=0)
    with station.database.write() as session:
        with pytest.raises(ScheduleError, match="mãi mãi"):
            rules.confirm(session, config, station.cast.admin, LATER)
        assert list(night.due(session, config, MUCH_LATER)) == []


def test_less_than_a_year_is_refused() -> None:
    with pytest.raises(ConfigError, match="log_months = 11"):
        configs.parse(b"[retention]\nlog_months = 11\n", configs.Path("config.toml"))


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2028-11-30 23:59", []), ("2028-12-01 00:00", ["2026-11"]), ("2029-01-01 00:00", ["2026-11", "2026-12"])],
)  # fmt: skip
def test_a_month_is_due_when_all_of_it_is_old_enough(
    station: Station, now: str, expected: list[str]
) -> None:
    moment = instant(datetime.fromisoformat(now).replace(tzinfo=ZONE))
    config = stations.configured(station)
    with station.database.read() as session:
        assert [due.key for due in night.due(session, config, moment)] == expected


@pytest.mark.parametrize("what", ["span", "bulletin"])
def test_what_is_held_stays_until_it_is_lifted(station: Station, what: str) -> None:
    config = stations.confirmed(station)
    _, until = NOVEMBER.bounds(ZONE)
    order = (
        Order(reason="Thanh tra", since=Instant(until - 1), until=after(until, HOUR))
        if what == "span"
        else Order(reason="Thanh tra", bulletin_id=station.bulletins[0].id)
    )
    with station.database.write() as session:
        hold = holds.add(session, station.cast.admin, order, LATER).id
    before = stations.counted(station.database)
    with pytest.raises(ScheduleError, match="số 1: Thanh tra"):
        worked(station, config)
    assert stations.counted(station.database) == before
    with station.database.write() as session:
        with pytest.raises(ScheduleError, match="lý do"):
            holds.lift(session, hold, station.cast.admin, " ", LATER)
        holds.lift(session, hold, station.cast.admin, "Xong thanh tra", LATER)
    assert len(worked(station, config)) == 2
    assert said(station.database, "retention.lift") == [{"hold": 1, "reason": "Xong thanh tra"}]


def test_a_hold_stops_what_is_under_way(station: Station) -> None:
    config = stations.confirmed(station)
    number = archives.make(station.database, config, NOVEMBER, LATER)
    steps = leaving.leave(station.database, config, number, LATER)
    assert next(steps) == 2
    with station.database.write() as session:
        order = Order(reason="Toà án", bulletin_id=station.bulletins[1].id)
        holds.add(session, station.cast.admin, order, LATER)
    with pytest.raises(ScheduleError, match="Toà án"):
        list(steps)
    assert stations.counted(station.database)["deliveries"] == 16


def test_a_hold_elsewhere_holds_nothing_here(station: Station) -> None:
    config = stations.confirmed(station)
    with station.database.write() as session:
        order = Order(reason="Thanh tra", bulletin_id=station.bulletins[-1].id)
        holds.add(session, station.cast.admin, order, LATER)
    assert len(worked(station, config)) == 2


@pytest.mark.parametrize(
    "order",
    [
        Order(reason="x"), Order(reason="", bulletin_id=1), Order(reason="x", bulletin_id=99),
        Order(reason="x", campaign_id=9), Order(reason="x" * 501, bulletin_id=1),
        Order(reason="x", since=Instant(5), until=Instant(5)),
        Order(reason="x", since=Instant(5), until=Instant(6), bulletin_id=1),
    ],
)  # fmt: skip
def test_a_hold_of_nothing_is_refused(station: Station, order: Order) -> None:
    with station.database.write() as session, pytest.raises(ScheduleError) as refused:
        holds.add(session, station.cast.admin, order, NOON)
    assert refused.value.field


def test_not_by_day_and_not_while_something_sounds_or_soon_will(station: Station) -> None:
    config = stations.configured(station)
    with station.database.write() as session:
        assert night.is_time(session, config, LATER)
        assert not night.is_time(session, config, after(LATER, 3 * HOUR))
        assert not night.is_time(session, config, after(LATER, -2 * HOUR))
        one = session.scalars(sa.select(Broadcast).limit(1)).one()
        one.state, one.starts_at = State.PLANNED, after(LATER, 9 * MINUTE)
        session.flush()
        assert not night.is_time(session, config, LATER)
        assert night.is_time(session, config, after(LATER, -2 * MINUTE))
        past_midnight = stations.configured(station, night="22:00-02:30")
        assert night.is_time(session, past_midnight, after(LATER, -4 * HOUR))


DOORS = {
    "journal_entries": (
        "insert into journal_entries values ('r-0000', 'j', :n, '', '', 'boot', 1, 1, 1)",
        "delete from journal_entries where seq = :n",
    ),
    "journal_proofs": (
        "insert into journal_proofs (id, receiver_id, jid, first, last, header, before, after, signature, received_at) "
        "values (:n, 'r-0000', 'j', :n, :n, '', '', '', '', 1)",
        "delete from journal_proofs where last = :n",
    ),
    "plans": ("insert into plans values ('r-0000', :n, 1, '')", "delete from plans where rev = :n"),
}


@pytest.mark.parametrize("table", DOORS)
def test_only_what_a_door_names_can_be_deleted(database: Database, table: str) -> None:
    insert, delete = map(sa.text, DOORS[table])
    with database.write() as session:
        settle_in(session, 1)
        for n in (1, 2):
            session.execute(insert, {"n": n})
    _refused(database, delete, {"n": 1})
    jid = "" if table == "plans" else "j"
    with database.write() as session:
        session.add(
            Archive(id=1, month="2026-11", since=NOON, until=NOON, name="a.zip", sha256="a" * 64, size=1, rows={},
                    audit_n=1, made_at=NOON)
        )  # fmt: skip
        session.flush()
        session.add(Door(tbl=table, receiver_id="r-0000", jid=jid, upto=1, hash="", archive_id=1))
    _refused(database, delete, {"n": 2})
    _refused(database, sa.text(f"update {table} set receiver_id = 'x'"), {})  # noqa: S608 - our names
    with database.write() as session:
        session.execute(delete, {"n": 1})
    for words in (
        "update retention_doors set upto = 2", "delete from retention_doors", "delete from retention_archives",
        "update retention_archives set sha256 = 'x'",
    ):  # fmt: skip
        _refused(database, sa.text(words), {})
    with database.read() as session:
        assert session.scalar(sa.text(f"select count(*) from {table}")) == 1  # noqa: S608 - our names
        assert len(gone.listing(session)) == 0


def _refused(database: Database, statement: sa.TextClause, values: dict[str, int]) -> None:
    with pytest.raises(IntegrityError, match="only added"), database.write() as session:
        session.execute(statement, values)
