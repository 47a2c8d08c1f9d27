"""Real parts for the tests: mosquitto, PostgreSQL, Chromium. What a fixture starts it stops, by its own process.

need("mosquitto")     path of the program; skips the test with the reason, or fails where all parts are demanded
database_url          a fresh, empty database, once on SQLite and once on PostgreSQL
postgresql            the session's own cluster: fresh(), drop(), template()
mosquitto             a broker on a free loopback port: url, kill(), start() again
page                  a tab of a headless Chromium that reaches nothing but this machine
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from setup import test_parts

START_SECONDS = 60
PATIENCE_MS = 90_000
"""A page on two busy cores may take long; only one that never comes is a failure."""
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # A microphone that beeps once a second, and nobody to ask whether it may be used.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]


def need(part: str) -> str:
    """Path of a part's program; without it the test is skipped, or fails where parts are demanded."""
    path = test_parts.find(part)
    if path is None:
        refuse(f"{part} is not on this machine: {test_parts.PARTS[part].covers} is not tested")
    return path


def refuse(reason: str) -> None:
    if os.environ.get("LOA_DEMAND_PARTS") == "1":
        pytest.fail(f"{reason} (LOA_DEMAND_PARTS=1 demands it)", pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def end(process: subprocess.Popen[bytes], sign: signal.Signals = signal.SIGTERM) -> None:
    """Ask it to stop; insist after five seconds."""
    process.send_signal(sign)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def stopped_if_it_fails(stop: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        stop()
        raise


# --- PostgreSQL ----------------------------------------------------------------------------------


class Postgresql:
    """A private cluster on a unix socket in a folder of its own, without fsync: it need not outlive the tests."""

    def __init__(self, initdb: str) -> None:
        self.programs = Path(initdb).resolve().parent
        self.folder = Path(tempfile.mkdtemp(prefix="loa-postgresql-"))
        self.numbers = itertools.count(1)
        self.templates: dict[str, str] = {}
        self.owner = self._owner()
        self._initdb()
        self.process = self._start()
        with stopped_if_it_fails(self.stop):
            wait_until(self._is_up, "PostgreSQL to answer")

    def _owner(self) -> dict[str, object]:
        """PostgreSQL refuses to run as root; as root the cluster belongs to its own user."""
        if os.geteuid():
            return {}
        account = pwd.getpwnam("postgres")
        shutil.chown(self.folder, account.pw_uid, account.pw_gid)
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def _initdb(self) -> None:
        options = ["--auth=trust", "--username=loa", "--encoding=UTF8", "--locale=C", "--no-sync"]
        command = [str(self.programs / "initdb"), *options, "--pgdata", str(self.folder / "data")]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, **self.owner
        )
        assert done.returncode == 0, done.stderr

    def _start(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "max_connections": 200,
            "shared_buffers": "64MB",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [str(self.programs / "postgres"), "-D", str(self.folder / "data"), *options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self.owner,
            )

    def _is_up(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with contextlib.suppress(psycopg.OperationalError):
            self.execute("select 1")
            return True
        return False

    def execute(self, statement: str) -> None:
        dsn = f"host={self.folder} user=loa dbname=postgres"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(statement)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://loa@/{name}?host={self.folder}"

    def fresh(self, template: str = "template0") -> str:
        """URL of a new database, empty or a copy of a template."""
        name = f"loa_{next(self.numbers)}"
        self.execute(f"create database {name} template {template}")
        return self.url(name)

    def template(self, name: str, prepare: Callable[[str], None]) -> str:
        """Name of a database prepared once (migrated, say), for fresh() to copy in some 20 ms."""
        if name not in self.templates:
            url = self.fresh()
            prepare(url)
            self.templates[name] = self.name_of(url)
        return self.templates[name]

    def drop(self, url: str) -> None:
        self.execute(f"drop database if exists {self.name_of(url)} with (force)")

    @staticmethod
    def name_of(url: str) -> str:
        return url.partition("@/")[2].partition("?")[0]

    def stop(self) -> None:
        end(self.process, signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    cluster = Postgresql(need("postgresql"))
    yield cluster
    cluster.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'loa.db'}"
        return
    cluster = request.getfixturevalue("postgresql")
    url = cluster.fresh()
    yield url
    cluster.drop(url)


# --- mosquitto -----------------------------------------------------------------------------------


class Mosquitto:
    """A broker without accounts on loopback; killed and started again it has forgotten everything."""

    def __init__(self, program: str, folder: Path, lines: tuple[str, ...] = ()) -> None:
        self.program = program
        self.port = free_port()
        self.config = folder / "mosquitto.conf"
        self.log = folder / "mosquitto.log"
        # `user root`: as root it would otherwise become a user who may not read the test's folder.
        settings = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "user root", *lines]
        self.config.write_text("\n".join([*settings, ""]))
        self.start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-c", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        with stopped_if_it_fails(self.stop):
            wait_until(self._is_up, "mosquitto to answer")

    def _is_up(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return answers(self.port)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        end(self.process)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(need("mosquitto"), tmp_path)
    yield broker
    broker.stop()


# --- Chromium ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser per module: Playwright holds an event loop, which a session would keep from asyncio.run."""
    program = need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab with no past: cookies and storage of its own, in Vietnamese and Vietnam's time."""
    # Without the service worker: what a test answers in the station's place would not reach it.
    context = chromium.new_context(
        locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh", service_workers="block"
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield context.new_page()
    context.close()
