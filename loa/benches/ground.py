"""A station of its own for a bench: a folder, a database with thousands of receivers, processes, and their cost."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins, recordings, transcode
from content.bulletins import Bulletin, Draft, Priority
from content.parts import spoken
from content.recordings import Recording
from devices import areas, broker, trust
from devices.benches.fleet import Begin, Order, Stats
from devices.benches.pole import public_key, seed
from devices.receivers import Receiver
from loa import config as configs
from loa import staff, times
from loa.config import Config
from loa.database import Database
from loa.errors import LoaError
from loa.languages import KINH
from loa.staff import Role, Staff
from loa.station import open_station, write_broker_accounts

PATIENCE = 300.0
"""Seconds after which a bench gives up what it waits for."""
LOOK_SECONDS = 1.0
"""So often a bench looks at what no commit has changed."""
VILLAGES = 50
PASSWORD = "one of the bench's own"  # noqa: S105 - of receivers that exist while it runs
SOUND_BYTES = 1_800_000
SOUND_MS = 300_000
PAGE = os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Ground:
    """A station in ``folder`` that knows ``count`` receivers, none of them there yet."""

    def __init__(self, folder: Path, count: int, database_url: str = "") -> None:
        self.folder, self.count = folder, count
        self.run_name = f"{time.time_ns()}"
        self.rids = [f"b-{number:05}" for number in range(count)]
        self.port = free_port()
        (folder / "config.toml").write_text(
            f"[web]\nport = {free_port()}\n[mqtt]\nbroker = 'mosquitto'\nport = {self.port}\n"
            "[regulation]\nquiet = []\n[content]\nemergency_approvers = 1\nvoices = ['espeak']\n"
            + (f"[database]\nurl = '{database_url}'\n" if database_url else "")
        )
        self.config: Config = configs.load(folder / "config.toml")
        self.database: Database = open_station(self.config)
        self._furnish()

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def _furnish(self) -> None:
        now = times.now()
        with self.database.write() as session:
            for login, role in (("viet", Role.EDITOR), ("duyet", Role.APPROVER)):
                staff.add(
                    session, login=login, name=login, role=role, password=staff.new_password(), now=now, by="bench"
                )  # fmt: skip
            self.commune = areas.add(session, name="Đo", level="xã", now=now, by="bench").id
            parent = session.get_one(areas.Area, self.commune)
            villages = [
                areas.add(
                    session, name=f"Số {n}", level="thôn", parent=parent, now=now, by="bench"
                ).id
                for n in range(VILLAGES)
            ]
            self._add_receivers(session, villages, now)
        write_broker_accounts(self.config, self.database)

    def _add_receivers(self, session: Session, villages: Sequence[int], now: times.Instant) -> None:
        # One password for all: ten thousand slow hashes are no part of what is measured.
        hashed = broker.hash_password(PASSWORD)
        rows = [
            {
                "id": rid,
                "name": f"Cột {rid}",
                "area_id": villages[number % len(villages)],
                "public_key": public_key(seed(self.run_name, number)),
                "password_hash": hashed,
                "simulated": True,
                "active": True,
                "added_at": now,
                "confirmed_at": now,
                "plan_stale": True,
            }
            for number, rid in enumerate(self.rids)
        ]
        if rows:
            session.execute(sa.insert(Receiver), rows)

    def bulletin(self, priority: Priority, sound: bytes = b"", ms: int = SOUND_MS) -> int:
        """An approved bulletin with that sound, else with bytes that are only carried; returns its id."""
        now = times.now()
        with self.database.write() as session:
            viet, duyet = self._staff(session, "viet"), self._staff(session, "duyet")
            draft = Draft(
                title=f"Đo {priority.value}", parts=spoken("Đo tốc độ."), priority=priority
            )
            bulletin = bulletins.write(session, viet, draft, now)
            sha = self._keep(session, sound or os.urandom(SOUND_BYTES), ms, now)
            bulletin.sounds = {KINH: sha}
            session.flush()
            bulletins.submit(session, bulletin, viet, now)
            bulletins.approve(session, bulletin, duyet, [sha], now, emergency_approvers=1)
            return bulletin.id

    def _keep(self, session: Session, data: bytes, ms: int, now: times.Instant) -> str:
        sha = hashlib.sha256(data).hexdigest()
        path = recordings.file(self.config.recordings, sha)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        session.add(
            Recording(
                sha256=sha, size=len(data), ms=ms, lufs=-16.0, true_peak_db=-1.5, peaks=[50] * 600,
                voices=["espeak"], notes=[], spoken="", made_at=now,
            )
        )  # fmt: skip
        session.flush()
        return sha

    def _staff(self, session: Session, login: str) -> Staff:
        return session.scalars(sa.select(Staff).where(Staff.login == login)).one()

    def editor(self, session: Session) -> Staff:
        return self._staff(session, "viet")

    def approver(self, session: Session) -> Staff:
        return self._staff(session, "duyet")

    def sound_of(self, bulletin_id: int) -> str:
        """The sha256 of its sound."""
        with self.database.read() as session:
            return session.get_one(Bulletin, bulletin_id).sounds[KINH]

    def wait_committed(self, condition: Callable[[], bool], what: str) -> None:
        """``wait_until`` something in the database is so, looked at after each commit.

        Fifty looks a second would take a tenth of a core from what is measured.
        """
        with closing(self.database.changes()) as changes:
            wait_until(condition, what, lambda: changes.wait(LOOK_SECONDS))

    def count_of(self, statement: str, **values: object) -> int:
        """A number out of the database."""
        with self.database.read() as session:
            return int(session.execute(sa.text(statement), values).scalar() or 0)

    @contextmanager
    def broker_alone(self) -> Iterator[None]:
        """The broker as the station configures it, without the station."""
        command = [sys.executable, "-m", "devices.broker", str(self.config.broker)]
        options = ["--port", str(self.port), "--kind", "mosquitto"]
        with started([*command, *options], self.folder, self.folder / "broker.log"):
            self._wait_for_port()
            yield

    @contextmanager
    def station(self) -> Iterator[Cost]:
        """The whole station as ``loa serve`` runs it."""
        with started(
            [sys.executable, "-m", "loa.cli", "serve"], self.folder, self.folder / "serve.log"
        ) as process:
            self._wait_for_port()
            yield Cost(process.pid)

    def _wait_for_port(self) -> None:
        def answers() -> bool:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
            return False

        wait_until(answers, "broker")

    @contextmanager
    def fleet(self) -> Iterator[Poles]:
        """The lean receivers, not yet connected."""
        keys = trust.station_keys(self.config, times.now())
        begin = Begin(
            port=self.port, run=self.run_name, rids=self.rids, password=PASSWORD,
            keys={key.public.kid: key.public.x for key in (keys.plan, keys.emergency)},
        )  # fmt: skip
        command = [sys.executable, "-m", "devices.benches.fleet"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                yield Poles(process, begin)
            finally:
                process.kill()


def tone(seconds: int, hertz: int) -> bytes:
    """An MP3 of that length and pitch."""
    source = ["-f", "lavfi", "-i", f"sine=frequency={hertz}:sample_rate=24000"]
    output = ["-t", str(seconds), "-b:a", "48k", "-f", "mp3", "pipe:1"]
    command = [transcode.find_ffmpeg(), "-nostdin", "-v", "error", *source, *output]
    return subprocess.run(
        command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ).stdout


@contextmanager
def started(command: list[str], folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends in good order with the block."""
    root = str(Path(__file__).parents[2])
    with log.open("ab") as said:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": root}, stdin=subprocess.PIPE,
            stdout=said, stderr=said,
        )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


class Poles:
    """The fleet's process, to be told what to do."""

    def __init__(self, process: subprocess.Popen[bytes], begin: Begin) -> None:
        self._process = process
        self.count = len(begin.rids)
        self._write(begin)

    def _write(self, what: msgspec.Struct) -> None:
        if self._process.stdin is None:
            raise ValueError("the fleet has no input")
        self._process.stdin.write(msgspec.json.encode(what) + b"\n")
        self._process.stdin.flush()

    def tell(self, order: Order) -> Stats:
        """Give an order; how it stands afterwards."""
        self._write(order)
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise LoaError("Đội đầu thu của phép đo đã dừng. Hãy xem dòng báo lỗi ở trên.")
        return msgspec.json.decode(line, type=Stats)

    def stats(self) -> Stats:
        return self.tell(Order(do="stats"))

    def connect(self, poles: int = 0) -> float:
        """Connect the first ``poles`` (0: all); seconds until the last was let in and subscribed."""
        began = time.perf_counter()
        self.tell(Order(do="connect", poles=poles))
        wait_until(lambda: self.stats().connected >= (poles or self.count), "connections")
        return time.perf_counter() - began


class Cost:
    """CPU and memory of a process and its children, by the role in their command line."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def processes(self) -> dict[str, int]:
        """Role → process id: ``serve``, ``run``, ``broker``, ``mosquitto``."""
        return {"serve": self._pid, **{_role(pid): pid for pid in _descendants(self._pid)}}

    def cpu_seconds(self, role: str) -> float:
        """Spent so far, by that process."""
        fields = Path(f"/proc/{self.processes()[role]}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self, role: str) -> float:
        """Resident now."""
        pages = Path(f"/proc/{self.processes()[role]}/statm").read_text().split()[1]
        return int(pages) * PAGE / 1e6


def _descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found


def _role(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    if words[0].endswith(b"mosquitto"):
        return "mosquitto"
    if b"devices.broker" in words:
        return "broker"
    return words[3].decode() if b"loa.cli" in words and len(words) > 3 else f"other {pid}"


def wait_until(
    condition: Callable[[], bool], what: str, pause: Callable[[], object] = lambda: time.sleep(0.02)
) -> float:
    """Seconds until it held, looked at after each ``pause``. Raises LoaError when it never does."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > PATIENCE:
            raise LoaError(f"Phép đo bỏ cuộc: chờ “{what}” quá {PATIENCE:.0f} giây.")
        pause()
    return time.perf_counter() - began
