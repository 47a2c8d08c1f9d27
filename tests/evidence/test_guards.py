"""What is only ever added cannot be changed, and a receiver's echo that differs is an alarm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from devices import signing
from devices.messages import Entry
from loa import audit, audit_guard
from loa.audit import AuditEntry
from loa.database import Database
from loa.times import HOUR, after
from scheduler.evidence import checkpoints, echoes
from scheduler.evidence.tables import Checkpoint, Proof
from tests.cast import NOON, settle_in
from tests.evidence.station import settle

CHANGES = [
    "update audit set actor = 'lan'",
    "delete from audit",
    "update checkpoints set at = 1",
    "delete from checkpoints",
    "update journal_entries set code = 'played'",
    "delete from journal_entries",
    "update journal_proofs set signature = ''",
    "delete from journal_proofs",
    "update plans set made_at = 1",
    "delete from plans",
]


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as session:
        audit.append(session, NOON, "hoa", "test")
        session.add(Checkpoint(n=1, hash="0" * 64, at=NOON, jws=b"."))
        session.add(
            Proof(
                receiver_id="r", jid="j", first=1, last=1, header="", before=b"", after=b"", signature="s",
                received_at=NOON,
            )
        )  # fmt: skip
        session.execute(
            sa.text("insert into journal_entries values ('r', 'j', 1, '', '', 'boot', 1, 1, 1)")
        )
    return database


@pytest.mark.parametrize("change", CHANGES)
def test_rows_are_only_added(filled: Database, change: str) -> None:
    if "plans" in change:
        _plan(filled)
    with pytest.raises(IntegrityError, match="only added"), filled.write() as session:
        session.execute(sa.text(change))


def _plan(database: Database) -> None:
    with database.write() as session:
        settle_in(session, 1)
        session.execute(sa.text("insert into plans values ('r-0000', 1, 1, '')"))


def test_a_row_cannot_be_replaced_either(filled: Database) -> None:
    if not filled.is_sqlite:
        with pytest.raises(IntegrityError, match="only added"), filled.write() as session:
            session.execute(sa.text("truncate audit"))
        return
    again = (
        "insert or replace into audit select n, at, 'lan', kind, data, previous, hash from audit"
    )
    with pytest.raises(IntegrityError, match="only added"), filled.write() as session:
        session.execute(sa.text(again))


def test_a_guard_that_is_down_is_seen(database: Database) -> None:
    with database.write() as session:
        connection = session.connection()
        assert audit_guard.missing(connection) == []
        audit_guard.take_down(connection, ["plans"])
        assert audit_guard.missing(connection) == ["plans"]
        audit_guard.put_up(connection, ["plans"])
        assert audit_guard.missing(connection) == []


def told(n: int, h: str) -> tuple[str, str, Entry]:
    detail = {"rev": 5, "n": n, "h": h}
    entry = Entry(seq=1, occ="", code="accepted", t=NOON, src="ntp", boot=1, mono=0, detail=detail)
    return "r-0000", "j", entry


def alarms(database: Database) -> list[dict[str, object]]:
    with database.read() as session:
        found = sa.select(AuditEntry.data).where(AuditEntry.kind == echoes.KIND)
        return [json.loads(data) for data in session.scalars(found)]


def test_an_echo_of_our_own_chain_is_no_alarm(filled: Database) -> None:
    with filled.write() as session:
        n, h = audit.checkpoint(session)
        echoes.look(session, [told(n, h), told(0, audit.GENESIS)], NOON)
        assert echoes.contradicting(session, NOON) == []
    assert alarms(filled) == []


@pytest.mark.parametrize("said", [(1, "f" * 64), (900, "f" * 64)])
def test_an_echo_of_another_chain_is_an_alarm_once(filled: Database, said: tuple[int, str]) -> None:
    with filled.write() as session:
        echoes.look(session, [told(*said)], NOON)
        echoes.look(session, [told(*said)], after(NOON, HOUR))
        assert echoes.contradicting(session, NOON) == ["r-0000"]
        assert echoes.contradicting(session, after(NOON, 31 * 24 * HOUR)) == []
    assert alarms(filled) == [{"receiver": "r-0000", "row": said[0]}]


def test_an_hour_of_the_log_is_signed_once(filled: Database) -> None:
    key = signing.generate("plan-1", ("plan",))
    with filled.write() as session:
        audit.append(session, NOON, "hoa", "test")
        assert checkpoints.sign(session, NOON, key)
        assert not checkpoints.sign(session, after(NOON, HOUR), key)
        audit.append(session, NOON, "hoa", "test")
        assert checkpoints.sign(session, after(NOON, HOUR), key)
        rows = list(session.scalars(sa.select(Checkpoint).order_by(Checkpoint.n)))[1:]
        assert [(row.n, row.at) for row in rows] == [(2, NOON), (3, after(NOON, HOUR))]
        said, _ = signing.verify(rows[1].jws, checkpoints.TYPE, {"plan-1": key.public})
        assert json.loads(said) == {"v": 1, "n": 3, "h": rows[1].hash, "at": after(NOON, HOUR)}


def test_the_station_signs_each_hour(database: Database, tmp_path: Path) -> None:
    station = settle(database, tmp_path, 2)
    for minutes in range(0, 150, 10):
        with database.write() as session:
            audit.append(session, NOON, "hoa", "test")
        station.core.tick(after(NOON, minutes * 60_000))
    station.core.close()
    with database.read() as session:
        times = list(session.scalars(sa.select(Checkpoint.at).order_by(Checkpoint.n)))
    assert [at - NOON for at in times] == [0, HOUR, 2 * HOUR]
