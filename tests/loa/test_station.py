"""The lease of a station at work: however long one piece of it takes, it is renewed, and its loss ends the work."""

from __future__ import annotations

import threading
from pathlib import Path
from unittest.mock import Mock

import pytest
from sqlalchemy.exc import TimeoutError

from devices import accounts, broker, messages
from devices.link import Connected, Message
from devices.receivers import Receiver
from loa import config, station
from loa.database import Database
from loa.station import Runner
from scheduler import leases
from scheduler.leases import Claim
from tests.cast import NOON, settle_in


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds = [100.0]
    monkeypatch.setattr("loa.station.time.monotonic", lambda: seconds[0])
    return seconds


@pytest.fixture
def runner(database: Database, tmp_path: Path, clock: list[float]) -> Runner:
    file = tmp_path / "config.toml"
    (tmp_path / "pw").write_text("x")
    wire = f"[mqtt]\nurl = 'mqtt://127.0.0.1:1'\npassword_file = '{tmp_path / 'pw'}'\n"
    file.write_text(f"[station]\nname = 'Mẫu'\n{wire}[regulation]\nquiet = []\n")
    made = Runner(config.load(file), database, threading.Event())
    assert made._try_lease()
    yield made
    made._core.close()
    if made._lease_engine is not None:
        made._lease_engine.dispose()


def test_work_that_takes_long_renews_the_lease_and_goes_on(
    runner: Runner, clock: list[float], database: Database
) -> None:
    for _ in range(3):
        clock[0] += 5 * leases.GIVE_UP_SECONDS if database.is_sqlite else 1
        clock[0] += leases.RENEW_SECONDS
        runner._give_up_in_time()
        assert not runner._must_stop()
    with database.read() as session:
        assert session.get_one(leases.Lease, leases.NAME).count == 4


def test_a_lease_that_another_took_ends_the_work(
    runner: Runner, clock: list[float], database: Database
) -> None:
    other = Claim("other")
    with database.write() as session:
        assert not other.take(session, NOON, 0.0)
        assert other.take(session, NOON, leases.STANDSTILL_SECONDS)
    clock[0] += leases.RENEW_SECONDS
    assert runner._must_stop()
    assert runner._over.is_set()


def test_across_a_network_it_gives_up_before_another_may_take_over(
    runner: Runner, clock: list[float], database: Database
) -> None:
    clock[0] += leases.GIVE_UP_SECONDS
    runner._give_up_in_time()
    assert runner._over.is_set() is not database.is_sqlite


def test_the_brokers_accounts_are_written_where_receivers_changed_and_only_there(
    runner: Runner, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        receiver = settle_in(session).receivers[0]
        receiver_id = receiver.id
    runner._write_accounts()
    file = runner._config.broker / accounts.PASSWORDS
    assert receiver_id in accounts.read_accounts(runner._config.broker)
    written = file.stat().st_mtime_ns
    with database.write() as session:
        session.get_one(Receiver, receiver_id).name = "Cột mới"
    with monkeypatch.context() as patch:
        patch.setattr(broker, "write_accounts", None)  # whoever writes now fails
        runner._write_accounts()
    assert file.stat().st_mtime_ns == written

    file.unlink()
    runner._write_accounts()
    assert receiver_id in accounts.read_accounts(runner._config.broker)

    changes = ({"password_hash": broker.hash_password("new")}, {"active": False})
    for change in changes:
        with database.write() as session:
            for name, value in change.items():
                setattr(session.get_one(Receiver, receiver_id), name, value)
        runner._write_accounts()
        kept = accounts.read_accounts(runner._config.broker)
        assert kept.get(receiver_id) == change.get("password_hash")


def test_no_turn_at_the_database_in_time_ends_no_work(
    runner: Runner, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_turn(*_: object, **__: object) -> None:
        raise TimeoutError("no turn at the database")

    monkeypatch.setattr(runner, "_renew", no_turn)
    monkeypatch.setattr(runner._archiving, "look", no_turn)
    clock[0] += leases.RENEW_SECONDS
    assert not runner._must_stop()
    runner._archive()
    monkeypatch.setattr(runner, "_database", Mock(write=no_turn))
    assert not runner._try_lease()


def test_while_many_are_given_plans_it_hears_the_broker_and_receivers_soon_enough(
    runner: Runner, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner._core, "gives_many", lambda now: True)
    said = Message(messages.events_topic("r-0000"), b"")
    runner._heard_at = clock[0]
    for event in (said, Connected()):
        runner._inbox.put(event)
    assert runner._hear(10, 60.0, 1_000) == [Connected()]
    clock[0] += station.MAIL_WAITS - 0.1
    assert runner._hear(10, 60.0, 1_000) == []
    clock[0] += 0.2
    assert runner._hear(10, 60.0, 1_000) == [said]
    runner._inbox.put(said)
    assert runner._hear(10, 60.0, 1_000) == [], "and then the plans have another turn"
    monkeypatch.setattr(runner._core, "gives_many", lambda now: False)
    assert runner._hear(10, 60.0, 1_000) == [said]


@pytest.mark.parametrize("who", ["_worked_at", "_listened_at"])
def test_work_that_stands_still_is_cut_short_where_it_does_not_even_end(
    runner: Runner, clock: list[float], monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    monkeypatch.setattr(station, "LAST_SECONDS", 0.01)
    cut_short: list[int] = []
    monkeypatch.setattr("loa.station.os._exit", cut_short.append)
    clock[0] += 1 + station.STUCK_SECONDS
    runner._worked_at = runner._listened_at = runner._claim._renewed = clock[0]
    setattr(runner, who, clock[0] - station.STUCK_SECONDS - 1)
    runner._oversee()
    assert runner._over.is_set()
    assert cut_short == [1]


def test_work_that_ends_in_order_is_not_cut_short(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_short: list[int] = []
    monkeypatch.setattr("loa.station.os._exit", cut_short.append)
    runner._clock.start()
    runner._shut_down([])
    runner._oversee()
    assert cut_short == []
