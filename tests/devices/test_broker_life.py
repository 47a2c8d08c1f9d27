"""How the station's mosquitto is kept: limits, crashes, certificates renewed under way, a log that does not grow."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices import accounts, authority, keeper, mosquitto
from devices.accounts import STATION, Account
from devices.link import Connected, Disconnected, Link, Message
from devices.mosquitto import Place
from loa.config import Config
from loa.errors import DeviceError
from loa.times import DAY, Instant, now
from tests.devices.test_broker import HASHES, HOST, NAMES, SECONDS, Serving, command, get, serving
from tests.parts import free_port, need, wait_until

Connect = Callable[..., Link]


@pytest.fixture
def connect() -> Iterator[Connect]:
    links = []

    def start(running: Serving, name: str, *filters: str, **changes: object) -> Link:
        wanted = tuple((topic, 1) for topic in filters)
        links.append(Link(running.settings(name, subscriptions=wanted, **changes)))
        links[-1].start()
        get(links[-1], Connected)
        return links[-1]

    yield start
    for link in links:
        link.stop()


def settings(folder: Path, host: str = HOST) -> list[str]:
    return mosquitto.write_mosquitto_config(folder, host=host, port=1883).read_text().splitlines()


# --- the configuration ---------------------------------------------------------------------------


def test_its_limits_grow_with_the_commune(tmp_path: Path) -> None:
    accounts.write_accounts(tmp_path, [])
    assert "max_queued_messages 1000" in settings(tmp_path)
    many = [Account(f"r-{number:05}", HASHES[STATION]) for number in range(9_998)]
    accounts.write_accounts(tmp_path, many)
    assert "max_queued_messages 40000" in settings(tmp_path)


def test_it_keeps_files_free_for_its_database(tmp_path: Path) -> None:
    (line,) = [line for line in settings(tmp_path) if line.startswith("max_connections ")]
    assert 200 <= int(line.split()[1]) <= mosquitto.MOST_FILES - mosquitto.SPARE_FILES


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("mosquitto version 2.0.11\n\nmosquitto is an MQTT broker.", (2, 0, 11)),
        ("mosquitto version 2.1.2", (2, 1, 2)),
        ("something else", ()),
    ],
)
def test_it_reads_the_version(said: str, found: tuple[int, ...]) -> None:
    assert mosquitto.parse_version(said) == found


@pytest.mark.parametrize("found", [(), (1, 9), (2, 0, 11), (2, 0, 22), (2, 1, 0)])
def test_it_takes_the_versions_it_knows(
    monkeypatch: pytest.MonkeyPatch, found: tuple[int, ...]
) -> None:
    monkeypatch.setattr(mosquitto, "version", lambda program: found)
    mosquitto.demand_known_version("mosquitto")


def test_it_refuses_one_that_no_longer_knows_our_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosquitto, "version", lambda program: (3, 0, 0))
    with pytest.raises(DeviceError, match=r"mosquitto 3\.0\.0 không còn nhận"):
        mosquitto.demand_known_version("mosquitto")


@pytest.mark.parametrize(("found", "says"), [((2, 0, 11), True), ((2, 1, 0), False), ((), False)])
def test_a_setting_on_its_way_out_is_only_given_to_those_who_know_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: tuple[int, ...], says: bool
) -> None:
    monkeypatch.setattr(mosquitto, "mosquitto_path", lambda: "mosquitto")
    monkeypatch.setattr(mosquitto, "version", lambda program: found)
    assert ("allow_duplicate_messages true" in settings(tmp_path)) is says


def test_what_it_writes_for_a_broker_of_ones_own_fits_into_debians(tmp_path: Path) -> None:
    """Debian's file says where data and log are; said twice, mosquitto would not start."""
    program = need("mosquitto")
    accounts.write_accounts(tmp_path, [Account(name, HASHES[name]) for name in NAMES])
    accounts.write(tmp_path / "acl", accounts.acl_text())
    port = free_port()
    drop_in = mosquitto.drop_in(Place(tmp_path, HOST, port, False), known=3)
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "loa.conf").write_text(drop_in)
    (tmp_path / "data").mkdir()
    debian = [
        "persistence true",
        f"persistence_location {tmp_path}/data/",
        f"log_dest file {tmp_path}/log",
        f"include_dir {tmp_path}/conf.d",
        *(["user root"] if os.geteuid() == 0 else []),  # else it may not read the test's folder
    ]
    (tmp_path / "debian.conf").write_text("\n".join([*debian, ""]))
    process = subprocess.Popen([program, "-c", str(tmp_path / "debian.conf")])
    try:
        wait_until(lambda: answers(port), "mosquitto to answer with Debian's settings", 20)
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    try:
        return keeper._answers(HOST, port, tls=False)
    except OSError:
        return False


# --- changes under way ---------------------------------------------------------------------------


@pytest.fixture
def own_mosquitto(tmp_path: Path) -> Iterator[Serving]:
    yield from serving("mosquitto", tmp_path)


def test_accounts_change_a_hundred_times_and_nobody_is_dropped(
    own_mosquitto: Serving, connect: Connect
) -> None:
    station = connect(own_mosquitto, STATION, "loa/1/+/up/#")
    stays = connect(own_mosquitto, "r-0001", "loa/1/r-0001/dn/#")
    known = [Account(name, HASHES[name]) for name in NAMES]
    for number in range(100):
        accounts.write_accounts(own_mosquitto.folder, [*known, Account(f"n-{number:04}", HASHES[STATION])])  # fmt: skip
        if number % 10 == 0:
            stays.publish("loa/1/r-0001/up/evt", b"%d" % number, qos=1)
            assert get(station, Message).payload == b"%d" % number
    newest = connect(own_mosquitto, "n-0099", password=f"secret of {STATION}", reconnect_most=0.1)
    newest.publish("loa/1/n-0099/up/evt", b"new", qos=1)
    assert get(station, Message) == Message("loa/1/n-0099/up/evt", b"new")
    assert not any(isinstance(one, Disconnected) for one in [*stays.inbox.queue, *station.inbox.queue])  # fmt: skip


class Secured(Serving):
    """With a certificate of the station's authority, made so long ago that it is due."""

    def __init__(self, config: Config) -> None:
        self.config = config
        authority.make(config, ["mqtt.xa.vn"], Instant(now() - 680 * DAY))
        super().__init__(config.broker, "mosquitto")

    @property
    def ca_file(self) -> str:
        return str(self.folder / "ca.crt")

    def serial(self) -> int:
        """Of the certificate it shows to who connects now."""
        context = ssl.create_default_context(cafile=self.ca_file)
        with (
            socket.create_connection((HOST, self.port), SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as encrypted,
        ):
            return int(encrypted.getpeercert()["serialNumber"], 16)


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    need("mosquitto")
    running = Secured(Config(folder=tmp_path))
    yield running
    running.stop()


def test_a_renewed_certificate_is_shown_and_nobody_is_dropped(
    secured: Secured, connect: Connect
) -> None:
    station = connect(secured, STATION, "loa/1/+/up/#", ca_file=secured.ca_file)
    stays = connect(secured, "r-0001", ca_file=secured.ca_file)
    before = secured.serial()
    assert authority.renew(secured.config, now())
    wait_until(lambda: secured.serial() != before, "the new certificate to be shown", 20)
    stays.publish("loa/1/r-0001/up/evt", b"still", qos=1)
    assert station.inbox.get(timeout=SECONDS) == Message("loa/1/r-0001/up/evt", b"still")


def test_a_half_copied_certificate_is_waited_out(secured: Secured, connect: Connect) -> None:
    before, certificate = secured.serial(), secured.folder / "server.crt"
    whole = certificate.read_bytes()
    certificate.write_bytes(whole[:100])
    wait_until(lambda: "is not taken over" in secured.log(), "the half to be noticed", 20)
    assert secured.serial() == before
    accounts.write_accounts(secured.folder, [Account("r-0009", HASHES["r-0001"])])
    late = {"password": "secret of r-0001", "ca_file": secured.ca_file}
    connect(secured, "r-0009", **late)  # in again and again until its account is known
    assert secured.serial() == before
    certificate.write_bytes(whole)
    assert authority.renew(secured.config, now())
    wait_until(lambda: secured.serial() != before, "the whole certificate to be shown", 20)


def test_a_certificate_that_does_not_fit_is_said_in_a_sentence(tmp_path: Path) -> None:
    need("mosquitto")
    for name in ("server.crt", "server.key"):
        (tmp_path / name).write_text("not a certificate")
    (tmp_path / "mosquitto.db").write_bytes(b"precious")
    done = subprocess.run(
        command(tmp_path, free_port(), "mosquitto"),
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert "không dùng được" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "mosquitto.db").read_bytes() == b"precious"


# --- crashes, and the log ------------------------------------------------------------------------


def test_it_waits_longer_each_time_it_dies_soon_and_forgets_when_it_lived() -> None:
    pauses = keeper.Pauses()
    assert [pauses.next(ran=0.5) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert pauses.next(ran=61) == 1
    assert pauses.next(ran=0.5) == 2


class DyingMosquitto(keeper.Mosquitto):
    """Starts, and is dead at the next look."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, HOST, 1883)
        self.waited: list[float] = []
        self.with_database: list[bool] = []

    def _start(self) -> bool:
        self.with_database.append((self.folder / "mosquitto.db").exists())
        self.started = keeper.time.monotonic()
        return True

    def _runs(self) -> bool:
        return False

    def _end(self) -> None:
        pass


class Patience:
    """A leash that is pulled after so many long waits."""

    def __init__(self, most: int) -> None:
        self.waits: list[float] = []
        self.most = most

    def pulled(self, seconds: float) -> bool:
        if seconds != keeper.POLL_SECONDS:
            self.waits.append(seconds)
        return len(self.waits) >= self.most


def test_a_database_it_keeps_dying_on_is_moved_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_program", lambda: "mosquitto")
    (tmp_path / "mosquitto.db").write_bytes(b"deadly")
    dying, leash = DyingMosquitto(tmp_path), Patience(5)
    assert dying.serve(leash, lambda: None) == 0  # type: ignore[arg-type]
    assert leash.waits == [1, 2, 4, 8, 16]
    assert dying.with_database == [True, True, True, False, False]
    assert (tmp_path / "mosquitto.db.damaged").read_bytes() == b"deadly"


def test_its_log_is_begun_anew_when_it_grows_too_long(tmp_path: Path) -> None:
    log = tmp_path / "broker.log"
    with log.open("ab") as file:
        file.write(b"x" * 1_000)
        file.flush()
        keeper.trim_log(tmp_path, file.fileno(), most=1_000)
        assert log.stat().st_size == 1_000
        file.write(b"y")
        file.flush()
        keeper.trim_log(tmp_path, file.fileno(), most=1_000)
        file.write(b"new")
    assert log.read_bytes() == b"new"
    assert (tmp_path / "broker.log.1").read_bytes() == b"x" * 1_000 + b"y"


def test_a_log_elsewhere_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "broker.log").write_bytes(b"another's")
    with (tmp_path / "elsewhere").open("ab") as file:
        file.write(b"x" * 1_000)
        file.flush()
        keeper.trim_log(tmp_path, file.fileno(), most=10)
    assert (tmp_path / "elsewhere").stat().st_size == 1_000
    assert (tmp_path / "broker.log").read_bytes() == b"another's"


def test_a_log_that_is_no_file_is_left_alone(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    keeper.trim_log(tmp_path, writer, most=0)
    os.close(reader)
    os.close(writer)
