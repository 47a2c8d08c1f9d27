"""The station's broker, mosquitto and embedded: who gets in, who may say and hear what, how it lives and dies."""

from __future__ import annotations

import contextlib
import os
import queue
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from devices import broker
from devices.broker import STATION, Account
from devices.link import Connected, Disconnected, Link, LinkSettings, Message, Published, Will
from loa.errors import DeviceError
from tests.line import HOST, Line
from tests.parts import end, free_port, need, wait_until

NAMES = (STATION, "r-0001", "r-0002", "r-0003")
HASHES = {name: broker.hash_password(f"secret of {name}") for name in NAMES}
SECONDS = 60.0


def command(folder: Path, port: int, kind: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "devices.broker",
        str(folder),
        "--port",
        str(port),
        "--kind",
        kind,
    ]


class Serving:
    """`python -m devices.broker` as `loa serve` starts it."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.kind = folder, kind
        self.port = free_port()
        self.allow(*NAMES)
        self.start()

    def allow(self, *names: str) -> bool:
        return broker.write_accounts(self.folder, [Account(name, HASHES[name]) for name in names])

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command(self.folder, self.port, self.kind),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        line = self.process.stdout.readline().decode() if ready else ""
        assert line.startswith(broker.READY), self.log()

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def worker(self) -> psutil.Process:
        """The process that holds the connections."""
        process = psutil.Process(self.process.pid)
        if self.kind == "embedded":
            return process
        wait_until(lambda: bool(process.children()), "mosquitto to be there")
        return process.children()[0]

    def crash(self) -> None:
        """kill -9; mosquitto comes back by itself, the embedded broker when it is started again."""
        worker = self.worker()
        worker.kill()
        if self.kind == "embedded":
            self.stop()

    def come_back(self) -> None:
        if self.kind == "embedded":
            self.start()

    def stop(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            end(self.process)
        self.process.stdout.close()

    def settings(self, name: str, **changes: object) -> LinkSettings:
        values = {
            "host": HOST,
            "port": self.port,
            "client_id": name,
            "username": name,
            "password": f"secret of {name}",
            "version": "5" if name == STATION and self.kind == "mosquitto" else "3.1.1",
            "reconnect_first": 0.05,
            "reconnect_most": 0.2,
        }
        return LinkSettings(**{**values, **changes})


def get(link: Link, kind: type, seconds: float = SECONDS) -> object:
    """The next of that kind out of the inbox; what comes before it is let go."""
    while True:
        try:
            event = link.inbox.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"no {kind.__name__} within {seconds:g} s") from None
        if isinstance(event, kind):
            return event


def serving(kind: str, folder: Path) -> Iterator[Serving]:
    if kind == "mosquitto":
        need("mosquitto")
    running = Serving(folder, kind)
    yield running
    running.stop()


@pytest.fixture(scope="module", params=["mosquitto", "embedded"])
def station_broker(request, tmp_path_factory) -> Iterator[Serving]:
    """For tests that leave it as they found it."""
    yield from serving(request.param, tmp_path_factory.mktemp("broker"))


@pytest.fixture(params=["mosquitto", "embedded"])
def own_broker(request, tmp_path) -> Iterator[Serving]:
    """For tests that kill it or change its accounts."""
    yield from serving(request.param, tmp_path)


@pytest.fixture
def own_mosquitto(tmp_path) -> Iterator[Serving]:
    yield from serving("mosquitto", tmp_path)


@pytest.fixture
def connect() -> Iterator[Callable[..., Link]]:
    """A started, connected link; stopped after the test."""
    links = []

    def start(
        running: Serving, name: str, *filters: str, wait: bool = True, **changes: object
    ) -> Link:
        subscriptions = tuple((topic, 1) for topic in filters)
        link = Link(running.settings(name, subscriptions=subscriptions, **changes))
        links.append(link)
        link.start()
        if wait:
            get(link, Connected)
        return link

    yield start
    for link in links:
        link.stop()


@pytest.fixture
def line(station_broker) -> Iterator[Line]:
    relay = Line(station_broker.port)
    yield relay
    relay.stop()


def said(link: Link, last: bytes) -> list[tuple[str, bytes]]:
    """Messages heard, up to one with that payload."""
    heard: list[tuple[str, bytes]] = []
    while not heard or heard[-1][1] != last:
        message = get(link, Message)
        heard.append((message.topic, message.payload))
    return heard


# --- accounts and files ------------------------------------------------------------------------


def test_it_hashes_passwords_as_mosquitto_does():
    made = broker.hash_password("mật khẩu")
    assert made.startswith("$7$1000$")
    assert made != broker.hash_password("mật khẩu")
    assert broker.check_password("mật khẩu", made)
    assert not broker.check_password("mat khau", made)
    assert not broker.check_password("", "")


def test_it_writes_accounts_only_when_they_change(tmp_path):
    folder = tmp_path / "broker"
    accounts = [Account("r-0002", HASHES["r-0002"]), Account("r-0001", HASHES["r-0001"])]
    assert broker.write_accounts(folder, accounts)
    assert not broker.write_accounts(folder, reversed(accounts))
    written = broker.read_accounts(folder)
    assert written.keys() == {"r-0001", "r-0002", *broker.CANARIES}
    assert all(written[name] == HASHES[name] for name in ("r-0001", "r-0002"))
    assert broker.write_accounts(folder, accounts[:1])
    assert (folder / "passwords").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    secret = {"passwords", *(f"{name}.password" for name in broker.CANARIES)}
    assert {path.name for path in folder.iterdir()} == secret
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


@pytest.mark.parametrize(
    "name", ["R-0001", "r:0001", "r-0001\nroot", "abc", "audio", "r/+/#", "r" * 33]
)
def test_it_refuses_an_account_that_could_reach_beyond_itself(tmp_path, name):
    with pytest.raises(DeviceError, match="tên đăng nhập"):
        broker.write_accounts(tmp_path, [Account(name, HASHES[STATION])])


def test_it_refuses_a_password_that_is_not_hashed(tmp_path):
    with pytest.raises(ValueError, match="not of the kind") as caught:
        broker.write_accounts(tmp_path, [Account("r-0001", "plain")])
    assert "plain" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "access", "topic", "may"),
    [
        ("r-0001", "read", "loa/1/r-0001/dn/plan", True),
        ("r-0001", "read", "loa/1/r-0001/dn/#", True),
        ("r-0001", "write", "loa/1/r-0001/up/state", True),
        ("r-0001", "read", "loa/1/audio/0123456789abcdef/#", True),
        ("r-0001", "write", "loa/1/r-0001/up/hoard", False),
        ("r-0001", "write", "loa/1/audio/0123456789abcdef/0", False),
        ("r-0001", "write", "loa/1/r-0001/dn/plan", False),
        ("r-0001", "read", "loa/1/r-0001/up/state", False),
        ("r-0001", "read", "loa/1/r-0002/dn/plan", False),
        ("r-0001", "write", "loa/1/r-0002/up/state", False),
        ("r-0001", "read", "loa/1/+/dn/plan", False),
        ("r-0001", "read", "loa/#", False),
        ("r-0001", "read", "#", False),
        ("r-0001", "read", "$SYS/#", False),
        (STATION, "write", "loa/1/r-0001/dn/plan", True),
        (STATION, "read", "loa/1/+/up/#", True),
        (STATION, "read", "$SYS/broker/version", True),
        (STATION, "write", "$SYS/broker/version", False),
        (STATION, "write", "loa/2/r-0001/dn/plan", False),
        ("canary-loa", "read", "loa/1/canary-watch/dn/plan", False),
        ("canary-watch", "write", "loa/1/canary-loa/dn/plan", True),
        ("canary-watch", "write", "loa/1/r-0001/dn/plan", False),
        ("canary-watch", "read", "loa/1/r-0001/up/evt", False),
    ],
)
def test_its_access_list_lets_a_receiver_reach_itself_alone(name, access, topic, may):
    assert broker.allowed(name, access, topic) is may


def test_it_warns_of_a_listener_without_tls_that_the_network_can_reach(tmp_path, caplog):
    broker.write_mosquitto_config(tmp_path, host="127.0.0.1", port=1883)
    assert not caplog.records
    config = broker.write_mosquitto_config(tmp_path, host="0.0.0.0", port=1883)  # noqa: S104
    assert "without TLS" in caplog.text
    assert "listener 1883 0.0.0.0" in config.read_text()


def test_the_embedded_broker_stays_on_this_machine(tmp_path):
    done = subprocess.run(
        [*command(tmp_path, free_port(), "embedded"), "--host", "0.0.0.0"],  # noqa: S104
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert "chỉ để dùng thử" in done.stderr


# --- who gets in, and what they may do ---------------------------------------------------------


def test_it_refuses_a_stranger_and_a_wrong_password(station_broker, connect):
    for changes in (
        {"username": "", "password": ""},
        {"password": "wrong"},
        {"username": "r-9999"},
    ):
        link = connect(station_broker, "r-0001", wait=False, **changes)
        assert "refused" in get(link, Disconnected).why
        assert not link.connected


def test_a_wrong_password_does_not_disturb_who_is_connected(station_broker, connect):
    link = connect(station_broker, "r-0001", "loa/1/r-0001/dn/#")
    thief = connect(station_broker, "r-0001", wait=False, password="wrong")
    get(thief, Disconnected)
    station = connect(station_broker, STATION)
    station.publish("loa/1/r-0001/dn/evack", b"still here", qos=1)
    event = link.inbox.get(timeout=SECONDS)
    assert event == Message("loa/1/r-0001/dn/evack", b"still here")


def test_nobody_takes_over_another_by_its_client_id(station_broker, connect):
    link = connect(station_broker, "r-0001", "loa/1/r-0001/dn/#")
    connect(station_broker, "r-0002", client_id="r-0001")
    station = connect(station_broker, STATION)
    station.publish("loa/1/r-0001/dn/evack", b"mine", qos=1)
    assert link.inbox.get(timeout=SECONDS) == Message("loa/1/r-0001/dn/evack", b"mine")


def test_a_receiver_cannot_speak_for_another_nor_to_it(station_broker, connect):
    station = connect(station_broker, STATION, "loa/1/+/up/#")
    victim = connect(station_broker, "r-0001", "loa/1/r-0001/dn/#", "loa/1/audio/#")
    rogue = connect(station_broker, "r-0002")
    for topic in (
        "loa/1/r-0001/up/state",
        "loa/1/r-0001/dn/plan",
        "loa/1/audio/0123456789abcdef/0",
    ):
        rogue.publish(topic, b"forged", qos=1)
    rogue.publish("loa/1/r-0002/up/evt", b"own", qos=1)
    assert said(station, b"own") == [("loa/1/r-0002/up/evt", b"own")]
    station.publish("loa/1/r-0001/dn/evack", b"true", qos=1)
    assert said(victim, b"true") == [("loa/1/r-0001/dn/evack", b"true")]


def test_a_receiver_hears_nothing_of_others_whatever_it_subscribes(station_broker, connect):
    station = connect(station_broker, STATION)
    station.publish("loa/1/r-0001/dn/plan", b"kept for r-0001", qos=1, retain=True, token=1)
    get(station, Published)
    nosy = connect(
        station_broker,
        "r-0002",
        "loa/1/r-0002/dn/#",
        "#",
        "loa/#",
        "loa/1/+/dn/plan",
        "loa/1/r-0001/dn/plan",
    )
    station.publish("loa/1/r-0001/dn/evack", b"for r-0001", qos=1)
    station.publish("loa/1/r-0002/dn/evack", b"for r-0002", qos=1)
    heard = said(nosy, b"for r-0002")
    assert {topic for topic, _ in heard} == {"loa/1/r-0002/dn/evack"}
    station.publish("loa/1/r-0001/dn/plan", b"", qos=1, retain=True)


def test_a_receiver_that_subscribed_to_nothing_gets_nothing(station_broker, connect):
    station = connect(station_broker, STATION, "loa/1/+/up/#", "loa/1/+/dn/#")
    station.publish("loa/1/r-0003/dn/plan", b"kept", qos=1, retain=True)
    said(station, b"kept")
    link = connect(station_broker, "r-0003")
    link.publish("loa/1/r-0003/up/evt", b"I am here", qos=1)
    said(station, b"I am here")
    assert link.inbox.empty()
    station.publish("loa/1/r-0003/dn/plan", b"", qos=1, retain=True)


def test_it_keeps_the_plan_for_a_receiver_that_comes_later(station_broker, connect):
    station = connect(station_broker, STATION)
    for revision in (b"1", b"2"):
        station.publish("loa/1/r-0001/dn/plan", revision, qos=1, retain=True, token=revision)
        get(station, Published)
    late = connect(station_broker, "r-0001", "loa/1/r-0001/dn/#", wait=False)
    assert get(late, Message) == Message("loa/1/r-0001/dn/plan", b"2")
    station.publish("loa/1/r-0001/dn/plan", b"", qos=1, retain=True)


def test_a_will_obeys_the_access_list(station_broker, connect, line):
    station = connect(station_broker, STATION, "loa/1/+/up/#", "loa/1/+/dn/#")
    forged = Will("loa/1/r-0001/dn/plan", b"forged")
    rogue = connect(station_broker, "r-0002", port=line.port, will=forged)
    line.cut()
    get(rogue, Connected)  # back again, so the broker has dealt with the connection before
    connect(
        station_broker,
        "r-0003",
        port=line.port,
        will=Will("loa/1/r-0003/up/state", b"gone", 1, False),
    )
    line.cut()
    assert said(station, b"gone") == [("loa/1/r-0003/up/state", b"gone")]


def test_new_accounts_come_and_old_ones_go_and_the_others_stay(own_broker, connect):
    station = connect(own_broker, STATION, "loa/1/+/up/#")
    stays = connect(own_broker, "r-0001", "loa/1/r-0001/dn/#")
    goes = connect(own_broker, "r-0002")
    assert own_broker.allow(STATION, "r-0001", "r-0003")
    comes = connect(own_broker, "r-0003")
    assert get(goes, Disconnected)
    comes.publish("loa/1/r-0003/up/evt", b"new", qos=1)
    assert station.inbox.get(timeout=SECONDS) == Message("loa/1/r-0003/up/evt", b"new")
    station.publish("loa/1/r-0001/dn/evack", b"still", qos=1)
    assert stays.inbox.get(timeout=SECONDS) == Message("loa/1/r-0001/dn/evack", b"still")


# --- life and death ----------------------------------------------------------------------------


def gone(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


def test_it_ends_with_its_parent(own_broker):
    worker = own_broker.worker()
    own_broker.process.stdin.close()
    assert own_broker.process.wait(SECONDS) == 0
    wait_until(lambda: gone(worker), "the broker to end")


def test_it_ends_when_asked(own_broker):
    worker = own_broker.worker()
    own_broker.process.send_signal(signal.SIGTERM)
    assert own_broker.process.wait(SECONDS) == 0
    wait_until(lambda: gone(worker), "the broker to end")


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child that its parent was killed"
)
def test_mosquitto_ends_even_when_its_keeper_is_killed(own_mosquitto):
    worker = own_mosquitto.worker()
    own_mosquitto.process.kill()
    own_mosquitto.process.wait()
    wait_until(lambda: gone(worker), "mosquitto to end")


def test_mosquitto_runs_as_us_and_reads_a_folder_that_is_ours_alone(own_mosquitto):
    assert own_mosquitto.folder.stat().st_mode & 0o077 == 0
    assert own_mosquitto.worker().uids().effective == os.geteuid()


def test_mosquitto_is_started_again_when_it_dies(own_mosquitto, connect):
    station = connect(own_mosquitto, STATION)
    first = own_mosquitto.worker()
    first.kill()
    get(station, Disconnected)
    get(station, Connected)
    assert own_mosquitto.worker().pid != first.pid


def test_mosquitto_keeps_the_plans_over_a_restart(own_mosquitto, connect):
    station = connect(own_mosquitto, STATION)
    station.publish("loa/1/r-0001/dn/plan", b"kept", qos=1, retain=True, token=1)
    get(station, Published)
    own_mosquitto.stop()
    own_mosquitto.start()
    receiver = connect(own_mosquitto, "r-0001", "loa/1/r-0001/dn/#", wait=False)
    assert get(receiver, Message).payload == b"kept"


def test_a_damaged_database_is_moved_aside(own_mosquitto, connect):
    own_mosquitto.stop()
    database = own_mosquitto.folder / "mosquitto.db"
    database.write_bytes(b"\x00mosquitto db" + b"\xff" * 500)
    own_mosquitto.start()
    connect(own_mosquitto, STATION)
    assert (own_mosquitto.folder / "mosquitto.db.damaged").read_bytes().endswith(b"\xff")


def test_a_database_that_is_not_to_blame_stays(own_mosquitto):
    own_mosquitto.stop()
    database = own_mosquitto.folder / "mosquitto.db"
    kept = database.read_bytes()
    for name in ("server.crt", "server.key"):
        (own_mosquitto.folder / name).write_text("not a certificate")
    with pytest.raises(AssertionError, match="PEM"):
        own_mosquitto.start()
    assert own_mosquitto.process.wait(SECONDS) == 1
    assert database.read_bytes() == kept
    assert not (own_mosquitto.folder / "mosquitto.db.damaged").exists()


def test_it_starts_without_accounts_and_takes_the_first_when_they_come(own_broker, connect):
    own_broker.stop()
    (own_broker.folder / "passwords").unlink()
    own_broker.start()
    early = connect(own_broker, STATION, wait=False)
    assert "refused" in get(early, Disconnected).why
    assert own_broker.allow(*NAMES)
    get(early, Connected)


def test_a_taken_port_is_said_and_costs_no_database(tmp_path):
    need("mosquitto")
    (tmp_path / "mosquitto.db").write_bytes(b"precious")
    with socket.create_server((HOST, 0)) as taken:
        done = subprocess.run(
            command(tmp_path, taken.getsockname()[1], "mosquitto"),
            stdin=subprocess.PIPE,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 1
    assert "đang có chương trình khác dùng" in done.stderr
    assert (tmp_path / "mosquitto.db").read_bytes() == b"precious"
