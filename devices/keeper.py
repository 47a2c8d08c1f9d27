"""Keeps mosquitto running as our child: started, listened for, told of changes, started again, ended."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import select
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from devices import accounts, mosquitto
from devices.mosquitto import CERTIFICATE, DATABASE, KEY
from loa.errors import DeviceError

logger = logging.getLogger(__name__)

CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00"
"""MQTT 3.1.1, nobody in particular: to be refused, politely."""
CONNACK = b"\x20"
STDIN, STDERR = 0, 2
START_SECONDS = 10.0
END_SECONDS = 5.0
POLL_SECONDS = 0.2
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
STEADY_SECONDS = 60.0
"""Having run so long it has recovered: the next restart is quick again."""
CRASHES_BEFORE_DOUBT = 3
"""So many in quick succession, and its database is suspected, though it did start with it."""
MOST_LOG = 20_000_000
"""Bytes. Everyone who knocks writes a line, and strangers knock all day."""


class Leash:
    """Says when the process is to stop: its parent is gone, so standard input has ended, or a signal came."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._pull())

    def pulled(self, seconds: float) -> bool:
        """Wait at most so long; whether to stop."""
        until = time.monotonic() + seconds
        while True:
            left = max(0.0, until - time.monotonic())
            ready, _, _ = select.select([self._reader, STDIN], [], [], left)
            if self._reader in ready or (STDIN in ready and _at_end(STDIN)):
                return True
            if not left:
                return False

    def watched(self) -> int:
        """For an event loop: a descriptor that becomes readable when to stop, while a thread reads stdin."""

        def watch() -> None:
            while not _at_end(STDIN):
                pass
            self._pull()

        threading.Thread(target=watch, name="leash", daemon=True).start()
        return self._reader

    def _pull(self) -> None:
        os.write(self._writer, b"!")


def _at_end(descriptor: int) -> bool:
    """Read what is there, waiting for it; whether nothing will ever follow."""
    try:
        return not os.read(descriptor, 4096)
    except OSError:
        return True


class Pauses:
    """How long to wait before the next start, growing while it keeps dying soon after."""

    def __init__(self) -> None:
        self.crashes = 0

    def next(self, ran: float) -> float:
        """Seconds to wait, after it ran so many seconds."""
        self.crashes = 1 if ran > STEADY_SECONDS else self.crashes + 1
        return min(FIRST_PAUSE * 2.0 ** min(self.crashes - 1, 10), LONGEST_PAUSE)


class Mosquitto:
    """Raises DeviceError when there is no mosquitto, or none we know."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self.folder = folder
        self.host, self.port = host, port
        self.program = _program()
        self.process: subprocess.Popen[bytes] | None = None
        self.pauses = Pauses()
        self.started = 0.0
        self.accounts: tuple[accounts.Stamp, ...] = ()
        self.certificate: tuple[accounts.Stamp, ...] = ()

    def serve(self, leash: Leash, ready: Callable[[], None]) -> int:
        """Until the leash is pulled; the exit status."""
        try:
            if not self._start_or_heal():
                return 1
            ready()
            while not leash.pulled(POLL_SECONDS):
                self._apply_changes()
                trim_log(self.folder)
                if not self._runs() and not self._come_back(leash):
                    return 1
        finally:
            self._end()
        return 0

    def _runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _come_back(self, leash: Leash) -> bool:
        code = self.process.returncode if self.process else None
        pause = self.pauses.next(time.monotonic() - self.started)
        logger.error("mosquitto ended by itself (%s), starts again in %.0f s", code, pause)
        if self.pauses.crashes == CRASHES_BEFORE_DOUBT:
            self._move_database_aside()
        return leash.pulled(pause) or self._start_or_heal()

    def _start_or_heal(self) -> bool:
        """mosquitto refuses to start on a damaged database. Nothing in it is needed: we can send it all again."""
        if self._start():
            return True
        aside = self._move_database_aside()
        if aside is None:
            return False
        if self._start():
            return True
        aside.replace(self.folder / DATABASE)  # it was not the database
        return False

    def _move_database_aside(self) -> Path | None:
        database = self.folder / DATABASE
        if not database.exists():
            return None
        aside = database.with_name(f"{DATABASE}.damaged")
        logger.error("mosquitto does not live with %s, which is moved to %s", database, aside)
        return database.replace(aside)

    def _start(self) -> bool:
        self.accounts, self.certificate = self._stamps()
        config = mosquitto.write_mosquitto_config(self.folder, host=self.host, port=self.port)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [self.program, "-c", str(config)],
            stdin=subprocess.DEVNULL,
            env={
                key: value
                for key, value in os.environ.items()
                if key not in ("PUID", "PGID", "UMASK_SET")
            },
            process_group=0,  # Ctrl-C is for us; mosquitto hears it from us
            preexec_fn=_die_with_parent(),
        )
        return self._listens()

    def _listens(self) -> bool:
        until = time.monotonic() + START_SECONDS
        tls = mosquitto.has_certificate(self.folder)
        while self._runs() and time.monotonic() < until:
            with contextlib.suppress(OSError):
                if _answers(_reachable(self.host), self.port, tls=tls):
                    return True
            time.sleep(0.02)
        self._end()
        return False

    def _stamps(self) -> tuple[tuple[accounts.Stamp, ...], tuple[accounts.Stamp, ...]]:
        of_accounts = (accounts.stamp(self.folder / accounts.PASSWORDS),)
        of_certificate = tuple(accounts.stamp(self.folder / name) for name in (CERTIFICATE, KEY))
        return of_accounts, of_certificate

    def _apply_changes(self) -> None:
        """Have new accounts and a renewed certificate read; whoever still has an account stays connected."""
        if self._stamps() == (self.accounts, self.certificate) or not self._runs():
            return
        before = self.accounts
        self.accounts, self.certificate = self._stamps()
        try:
            # Again, for the limits in it go by the number of accounts.
            mosquitto.write_mosquitto_config(self.folder, host=self.host, port=self.port)
        except DeviceError as error:
            # Half copied, perhaps; what is served stays. When the other half comes, we are here again.
            logger.error("the certificate is not taken over: %s", error.sentence)
            if before == self.accounts:
                return
        if self.process is not None:
            self.process.send_signal(signal.SIGHUP)

    def _end(self) -> None:
        if self.process is None or not self._runs():
            return
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _program() -> str:
    program = mosquitto.mosquitto_path()
    if program is None:
        raise DeviceError(
            "Không thấy chương trình mosquitto trên máy này. Hãy cài gói mosquitto "
            "hoặc đặt [mqtt] broker = “embedded”."
        )
    mosquitto.demand_known_version(program)
    return program


def trim_log(folder: Path, descriptor: int = STDERR, most: int = MOST_LOG) -> None:
    """Begin the log anew when it has grown too long, the old one kept once as ``broker.log.1``.

    Only a log in that folder: where else standard error goes, others look after it.
    """
    opened = os.fstat(descriptor)
    if not stat.S_ISREG(opened.st_mode) or opened.st_size <= most:
        return
    log = folder / "broker.log"
    if not log.exists() or not os.path.samestat(opened, log.stat()):
        return
    # Not renamed: mosquitto and we hold it open, and go on where it then begins.
    shutil.copyfile(log, log.with_name("broker.log.1"))
    os.truncate(log, 0)


def _die_with_parent() -> Callable[[], None] | None:
    """Run in mosquitto before it starts: should we be killed, the kernel ends it. Linux only."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    pr_set_pdeathsig = 1

    def run() -> None:
        prctl(pr_set_pdeathsig, signal.SIGTERM)

    return run


def _answers(host: str, port: int, *, tls: bool) -> bool:
    """Whether a broker speaks there: mosquitto takes connections before it has read its certificate."""
    with socket.create_connection((host, port), 1) as sock:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False  # the answer is all we want, and nothing secret is said
            context.verify_mode = ssl.CERT_NONE
            context.wrap_socket(sock).close()
            return True
        sock.sendall(CONNECT)
        return sock.recv(1) == CONNACK


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared with
