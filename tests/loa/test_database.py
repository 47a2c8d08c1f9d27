from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import TimeoutError
from sqlalchemy.pool import NullPool

import content.entries
import content.notices
import content.recordings
import devices.claim_desk
import devices.outages
import devices.receivers
import scheduler.canned
import scheduler.cap_messages
import scheduler.days
import scheduler.dispatcher
import scheduler.exceptions
import scheduler.leases
import scheduler.levels
import scheduler.planner
import scheduler.receipts
import scheduler.report_orders.tables
import scheduler.retention.tables
import scheduler.rollup.tables
from loa import audit, audit_guard, idempotency, second_step, tokens
from loa.database import READERS, Base, Database, _PostgresChanges, patient
from loa.errors import DatabaseError
from loa.touches import Touches
from tests.cast import NOON

ROOMS = (
    content.entries,
    content.notices,
    content.recordings,
    devices.claim_desk,
    devices.outages,
    devices.receivers,
    idempotency,
    tokens,
    second_step,
    scheduler.canned,
    scheduler.cap_messages,
    scheduler.days,
    scheduler.dispatcher,
    scheduler.exceptions,
    scheduler.leases,
    scheduler.levels,
    scheduler.planner,
    scheduler.receipts,
    scheduler.report_orders.tables,
    scheduler.retention.tables,
    scheduler.rollup.tables,
)


def test_it_migrates_to_exactly_what_the_models_say(database: Database) -> None:
    engine = sa.create_engine(database.url, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_it_refuses_tables_of_another_version_with_the_remedy(database_url: str) -> None:
    database = Database(database_url)
    with pytest.raises(DatabaseError, match="loa init"):
        database.demand_current()
    database.upgrade()
    database.demand_current()
    database.close()


def test_it_lets_one_writer_look_then_write(database: Database) -> None:
    """Eight threads add to one chain: with a second writer between look and write it would fork."""

    def append() -> None:
        for _ in range(20):
            with database.write() as session:
                audit.append(session, NOON, "hoa", "test")

    threads = [threading.Thread(target=append) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert audit.checkpoint(session)[0] == 160
        assert audit.first_broken(session) is None


def test_all_who_may_read_at_once_may_read_within_that(database: Database) -> None:
    """A page asks for what stands in its head while it asks for the rest: nobody may wait for the others' seconds."""
    together, done = threading.Barrier(READERS, timeout=60), []

    def read() -> None:
        with database.read() as outer:
            outer.execute(sa.text("select 1"))
            together.wait()
            with database.read() as inner:
                done.append(inner.execute(sa.text("select 1")).scalar())

    threads = [threading.Thread(target=read) for _ in range(2 * READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert done == [1] * 2 * READERS


def test_the_writer_may_read_while_all_who_read_wait_for_it(database: Database) -> None:
    together, done = threading.Barrier(READERS + 1, timeout=60), []

    def read_and_write() -> None:
        with database.read() as session:
            session.execute(sa.text("select 1"))
            together.wait()
        with database.write() as session:
            done.append(session.execute(sa.text("select 1")).scalar())

    threads = [threading.Thread(target=read_and_write) for _ in range(READERS)]
    with database.write():
        for thread in threads:
            thread.start()
        with database.read() as session:
            done.append(session.execute(sa.text("select 1")).scalar())
        together.wait()
    for thread in threads:
        thread.join(60)
    assert done == [1] * (READERS + 1)


def test_who_gets_no_turn_to_write_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loa.database.BUSY_SECONDS", 0.01)
    with database.write(), pytest.raises(TimeoutError, match="no turn"), database.write():
        pass
    with database.write() as session:
        audit.append(session, NOON, "hoa", "test.again")


def test_it_takes_back_what_failed_midway(database: Database) -> None:
    def fail_midway() -> None:
        with database.write() as session:
            audit.append(session, NOON, "hoa", "test")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_midway()
    with database.read() as session:
        assert audit.checkpoint(session)[0] == 0


def test_it_tells_of_a_commit_and_not_of_silence(database: Database) -> None:
    changes = database.changes()
    assert not changes.wait(0.05)

    def commit() -> None:
        with database.write() as session:
            audit.append(session, NOON, "hoa", "test")

    thread = threading.Timer(0.05, commit)
    thread.start()
    assert changes.wait(60)
    thread.join()
    assert not changes.wait(0.05)
    with database.write():
        pass  # nothing was written: nobody is woken
    assert not changes.wait(0.15)
    changes.close()


def test_it_tells_of_each_of_many_commits_where_the_system_does_not_say_what_was_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loa.database._touches", lambda _path: None)
    changes = database.changes()
    for _ in range(3):
        with database.write() as session:
            audit.append(session, NOON, "hoa", "test")
        assert changes.wait(60)
    assert not changes.wait(0.05)
    changes.close()


def test_at_rest_no_idle_connection_is_kept_and_all_goes_on(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/loa.sqlite")
    database.upgrade()
    changes = database.changes()
    with database.write() as session:
        audit.append(session, NOON, "hoa", "one")
        database.rest()  # one at work is not disturbed
        audit.append(session, NOON, "hoa", "two")
    with database.read() as session:
        assert audit.checkpoint(session)[0] == 2
    assert database._reader.pool.checkedin() == 1  # type: ignore[attr-defined]
    database.rest()
    assert database._reader.pool.checkedin() == 0  # type: ignore[attr-defined]
    assert changes.wait(60)
    with database.write() as session:
        audit.append(session, NOON, "hoa", "three")
    assert changes.wait(60)
    changes.close()
    database.close()


def test_a_file_tells_that_it_was_written_to(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    touches = Touches(path)
    assert not touches.wait(0)
    path.write_text("một")
    assert touches.wait(60)
    assert not touches.wait(0)
    touches.close()


def test_a_file_that_is_not_there_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Touches(tmp_path / "log")


def test_it_names_a_kind_of_database_it_does_not_know() -> None:
    with pytest.raises(DatabaseError, match="mysql"):
        Database("mysql://localhost/loa")


@pytest.mark.parametrize(
    "change", ["update audit set actor = 'lan' where n = 2", "delete from audit where n = 2"]
)
def test_the_audit_chain_shows_an_edit_and_a_gap(database: Database, change: str) -> None:
    with database.write() as session:
        for _ in range(3):
            audit.append(session, NOON, "hoa", "test", word="chữ")
        assert audit.first_broken(session) is None
        audit_guard.take_down(session.connection(), ["audit"])
        session.execute(sa.text(change))
        assert audit.first_broken(session) == 2


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
def test_a_server_that_fell_silent_is_given_up_and_who_set_up_the_address_decides(
    database: Database,
) -> None:
    with database._writer.connect() as connection:
        told = sa.text("SELECT name FROM pg_settings WHERE name LIKE 'tcp%' AND source = 'session'")
        assert set(connection.scalars(told)) == {
            "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout",
        }  # fmt: skip
        info = connection.connection.driver_connection.info
        assert info.get_parameters()["keepalives_idle"] == "10"
        assert info.get_parameters()["tcp_user_timeout"] == "30000"
    changes = database.changes()
    assert isinstance(changes, _PostgresChanges)
    assert changes._listen().info.get_parameters()["tcp_user_timeout"] == "30000"
    changes.close()
    own = patient(database.url.update_query_dict({"tcp_user_timeout": "5000"}))
    assert own.query["tcp_user_timeout"] == "5000"
