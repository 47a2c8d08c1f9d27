from __future__ import annotations

import collections
import configparser
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.receiver import command, run
from devices.receiver.watchdog import Watchdog
from loa.systemd import Notifier
from tests.devices.receiver_rig import RID

NEVER = 60.0
ROOT = Path(__file__).parents[2]


class Systemd:
    """The other end of the socket."""

    def __init__(self, path: Path, name: str = "") -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0") or str(path))
        self.socket.settimeout(NEVER)
        self.environment = {"NOTIFY_SOCKET": name or str(path), "WATCHDOG_USEC": "20000000"}

    def next(self) -> str:
        return self.socket.recv(1_000).decode()

    def all(self) -> list[str]:
        self.socket.setblocking(False)
        words = []
        try:
            while True:
                words.append(self.next())
        except BlockingIOError:
            return words
        finally:
            self.socket.settimeout(NEVER)


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    systemd = Systemd(tmp_path / "notify")
    yield systemd
    systemd.socket.close()


class Patient:
    is_linked = True
    is_sounding = False


def test_it_says_what_systemd_wants_to_hear(systemd: Systemd) -> None:
    notifier = Notifier(systemd.environment)
    notifier.ready()
    notifier.beat()
    notifier.stopping()
    assert systemd.all() == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_it_beats_four_times_in_the_watchdogs_patience(systemd: Systemd) -> None:
    now = [100.0]
    notifier = Notifier(systemd.environment, lambda: now[0])
    for _ in range(200):
        notifier.beat()
        now[0] += 0.1
    assert systemd.all() == ["WATCHDOG=1"] * 4


def test_a_name_in_no_file_system_is_reached_too(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path, f"@loa-{os.getpid()}")
    Notifier(systemd.environment).ready()
    assert systemd.next() == "READY=1"
    systemd.socket.close()


def test_without_systemd_it_says_nothing(systemd: Systemd) -> None:
    notifier = Notifier({})
    notifier.ready()
    notifier.beat()
    Notifier({"NOTIFY_SOCKET": "/nowhere/notify"}).ready()
    other = systemd.environment | {"WATCHDOG_PID": "1"}
    Notifier(other).beat()  # another process is watched
    Notifier({"NOTIFY_SOCKET": systemd.environment["NOTIFY_SOCKET"]}).beat()  # no watchdog is set
    assert systemd.all() == []


def test_a_dead_link_is_not_well_but_what_sounds_is_not_cut_off(systemd: Systemd) -> None:
    patient, now = Patient(), [0.0]
    watchdog = Watchdog(patient, Notifier(systemd.environment, lambda: now[0]))

    def said() -> bool:
        now[0] += 60
        watchdog.went_round()
        return systemd.all() == ["WATCHDOG=1"]

    assert said()
    patient.is_linked = False
    assert not said()
    patient.is_sounding = True
    assert said()


@pytest.mark.parametrize("name", ["loa", "loa-receiver"])
def test_the_units_restart_what_hangs(name: str) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    assert unit.read(ROOT / "setup" / "systemd" / f"{name}.service")
    service = dict(unit["Service"])
    assert (service["Type"], service["Restart"]) == ("notify", "always")
    assert service["WatchdogSec"] == "60"
    assert service["NoNewPrivileges"] == "yes"
    assert "ProtectClock" not in service, "the kernel is asked whether NTP keeps the clock"
    assert "RestrictRealtime" not in service, "the card's thread goes before all others"
    assert f"setup/systemd/{name}.service" in (ROOT / "docs" / "install.md").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "receiver"
    key = command.init(folder, RID)
    keys = f'[{{"kid": "plan", "x": "{key}", "roles": ["plan"]}}]'
    mqtt = '{"host": "127.0.0.1", "port": 1}'
    (folder / "station.json").write_text(f'{{"rid": "{RID}", "keys": {keys}, "mqtt": {mqtt}}}')
    return folder


def test_a_running_receiver_beats_until_it_hangs(
    folder: Path, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in systemd.environment.items():
        monkeypatch.setenv(name, value)
    stop, hang, go_on = threading.Event(), threading.Event(), threading.Event()
    real = run.Running.step

    def step(self: run.Running) -> None:
        if hang.is_set():
            go_on.wait(NEVER)
        real(self)

    monkeypatch.setattr(run.Running, "step", step)
    monkeypatch.setattr("devices.receiver.run.WAKE", 0.01)
    monkeypatch.setattr("loa.systemd._seconds", lambda environment: 0.0001)
    runner = threading.Thread(target=run.run, args=(folder, stop))
    runner.start()
    assert [systemd.next(), systemd.next(), systemd.next()] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]  # fmt: skip
    hang.set()
    systemd.socket.settimeout(1.5)  # far longer than it beats
    with pytest.raises(TimeoutError):
        collections.deque(iter(systemd.next, "never"), maxlen=0)
    stop.set()
    go_on.set()
    runner.join(NEVER)
    assert systemd.all()[-1] == "STOPPING=1"


def test_the_service_says_so_itself(folder: Path, systemd: Systemd) -> None:
    """The real command, as the unit of docs/install.md starts it."""
    environment = {**os.environ, **systemd.environment}
    command_line = [sys.executable, "-m", "loa.cli", "receiver", "run", str(folder)]
    with subprocess.Popen(command_line, env=environment, stderr=subprocess.DEVNULL) as process:
        assert [systemd.next(), systemd.next()] == ["READY=1", "WATCHDOG=1"]
        process.send_signal(signal.SIGTERM)
        assert systemd.next() == "STOPPING=1"
        assert process.wait(NEVER) == 0
