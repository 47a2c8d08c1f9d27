"""The station's own broker: accounts, access list and configuration, and the process that serves.

``python -m devices.broker FOLDER --port 1883 --kind mosquitto`` is a child of ``loa serve`` and ends when its
standard input does, so it never outlives its parent. The folder holds ``passwords`` and ``acl`` in mosquitto's
own formats, which the embedded broker obeys too, and ``server.crt`` with ``server.key`` where the station has
a certificate: then the listener speaks TLS.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import ctypes
import hashlib
import hmac
import ipaddress
import logging
import os
import pwd
import re
import resource
import secrets
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import msgspec

from loa.errors import DeviceError

logger = logging.getLogger(__name__)

Kind = Literal["mosquitto", "embedded"]

STATION = "loa-station"
READY = "listening on"
"""How the one line begins that `serve` prints."""

PASSWORDS = "passwords"
ACL = "acl"
CERTIFICATE = "server.crt"
KEY = "server.key"
DATABASE = "mosquitto.db"

STATION_RULES = (("readwrite", "loa/1/#"), ("read", "$SYS/#"))
RECEIVER_RULES = (
    ("read", "loa/1/{rid}/dn/#"),
    ("write", "loa/1/{rid}/up/#"),
    ("read", "loa/1/audio/#"),
)
"""A receiver can harm only itself."""

ITERATIONS = 1000
"""The passwords are random and long, so more would add nothing, and 10,000 receivers back after a power cut
would wait for the broker to compute."""
SALT_BYTES = 12
"""mosquitto 2.0 takes no other length."""

CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00"
"""MQTT 3.1.1, nobody in particular: to be refused, politely."""
CONNACK = b"\x20"
STDIN = 0
MOST_PACKET = 131_072
MOST_FILES = 20_000
START_SECONDS = 10.0
END_SECONDS = 5.0
POLL_SECONDS = 0.2
RESTART_SECONDS = 1.0


class Account(msgspec.Struct, frozen=True):
    """Who may connect; the hash is mosquitto's ``$7$``."""

    username: str
    password_hash: str


# --- accounts and access -----------------------------------------------------------------------


def hash_password(password: str) -> str:
    """``$7$iterations$salt$hash``: PBKDF2-SHA512 as mosquitto writes it."""
    salt = secrets.token_bytes(SALT_BYTES)
    return f"$7${ITERATIONS}${_b64(salt)}${_b64(_derive(password, salt, ITERATIONS))}"


def check_password(password: str, password_hash: str) -> bool:
    """Whether ``password`` belongs to the hash."""
    match = re.fullmatch(r"\$7\$(\d+)\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)", password_hash)
    if match is None:
        return False
    derived = _derive(password, base64.b64decode(match[2]), int(match[1]))
    return hmac.compare_digest(derived, base64.b64decode(match[3]))


def write_accounts(folder: Path, accounts: Iterable[Account]) -> bool:
    """Write all accounts, the station's own among them; False when nothing changed.

    A serving broker takes them over within half a second, and only those whose account is gone or changed
    lose their connection. Raises DeviceError for a name that is none.
    """
    lines = {}
    for account in accounts:
        if not re.fullmatch(r"[a-z0-9-]{4,32}", account.username) or account.username == "audio":
            raise DeviceError(
                f"“{account.username}” không dùng được làm tên đăng nhập của đầu thu: cần 4 đến 32 ký tự "
                "a–z, 0–9 hoặc dấu gạch nối, và khác “audio”.",
                field="username",
            )
        if not re.fullmatch(r"\$7\$[A-Za-z0-9+/=$]+", account.password_hash):
            raise ValueError(f"the password hash of {account.username} is not of the kind $7$")
        lines[account.username] = f"{account.username}:{account.password_hash}\n"
    return _write(folder / PASSWORDS, "".join(lines[name] for name in sorted(lines)))


def read_accounts(folder: Path) -> dict[str, str]:
    """Hashes by username."""
    lines = (folder / PASSWORDS).read_text("utf-8").splitlines()
    return {
        name: password_hash for name, _, password_hash in (line.partition(":") for line in lines)
    }


def stamp(path: Path) -> tuple[int, int, int]:
    """Changes whenever the file is written anew; zeros while there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns)


def allowed(username: str, access: Literal["read", "write"], topic: str) -> bool:
    """Whether the access list lets an account use a topic, or subscribe to a whole topic filter."""
    rules = [(may, rule.format(rid=username)) for may, rule in RECEIVER_RULES]
    if username == STATION:
        rules += STATION_RULES
    return any(access in may and _covers(rule, topic) for may, rule in rules)


def _covers(rule: str, topic: str) -> bool:
    levels = topic.split("/")
    for place, level in enumerate(rule.split("/")):
        if level == "#":
            return place <= len(levels)
        if place >= len(levels) or level != levels[place]:
            return False
    return len(levels) == len(rule.split("/"))


# --- mosquitto's files -------------------------------------------------------------------------


def mosquitto_path() -> str | None:
    """Where mosquitto is, if it is on this machine; Debian keeps it where PATH does not look."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def write_mosquitto_config(folder: Path, *, host: str, port: int) -> Path:
    """Write mosquitto.conf and the access list, for mosquitto 2.0.11 and later; returns its path."""
    folder = folder.resolve()
    _write(folder / ACL, _acl())
    config = folder / "mosquitto.conf"
    _write(config, "".join(f"{line}\n" for line in _settings(folder, host, port)))
    return config


def _settings(folder: Path, host: str, port: int) -> list[str]:
    return [
        "# Written by Loa at every start: changes made here are lost.",
        *_user(),
        f"listener {port} {host}",
        *_tls(folder, host),
        "use_username_as_clientid true",  # else any account can take over another's connection
        "allow_anonymous false",
        f"password_file {folder / PASSWORDS}",
        f"acl_file {folder / ACL}",
        "persistence true",
        f"persistence_location {folder}/",
        f"persistence_file {DATABASE}",
        "autosave_interval 60",
        "persistent_client_expiration 7d",
        # Shipped at 1000: a thousand receivers answering at once already lost answers.
        "max_queued_messages 100000",
        "max_inflight_messages 1000",
        "allow_duplicate_messages true",  # 10,000 subscribers in half the time; nobody overlaps
        f"max_packet_size {MOST_PACKET}",
        "set_tcp_nodelay true",
        "log_dest stderr",
        *(f"log_type {kind}" for kind in ("error", "warning", "notice")),
    ]


def _user() -> list[str]:
    """Started by root, mosquitto becomes a user of its own, who may not read this folder."""
    try:
        return [f"user {pwd.getpwuid(os.geteuid()).pw_name}"]
    except KeyError:
        return []  # a container's user without a name; not root, so mosquitto stays who it is


def _tls(folder: Path, host: str) -> list[str]:
    if _has_certificate(folder):
        return [
            f"certfile {folder / CERTIFICATE}",
            f"keyfile {folder / KEY}",
            "tls_version tlsv1.2",
        ]
    if not is_loopback(host):
        logger.warning("%s is open to the network without TLS: passwords can be overheard", host)
    return []


def _has_certificate(folder: Path) -> bool:
    return (folder / CERTIFICATE).exists() and (folder / KEY).exists()


def _acl() -> str:
    station = "".join(f"topic {access} {rule}\n" for access, rule in STATION_RULES)
    # `pattern` even without %u: a `topic` line before the first `user` holds for anonymous clients alone.
    receivers = "".join(
        f"pattern {access} {rule.format(rid='%u')}\n" for access, rule in RECEIVER_RULES
    )
    return f"user {STATION}\n{station}\n{receivers}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# --- serving -----------------------------------------------------------------------------------


def serve(folder: Path, *, host: str, port: int, kind: Kind) -> int:
    """Serve in the foreground until standard input ends or a signal says stop; returns the exit status.

    Prints one line, beginning with READY, when clients can connect. Raises DeviceError.
    """
    folder = folder.resolve()
    if not (folder / PASSWORDS).exists():
        write_accounts(folder, [])
    _allow_many_files()
    leash = Leash()
    if not _is_free(host, port):
        raise DeviceError(
            f"Cổng {port} của {host} đang có chương trình khác dùng. Hãy dừng chương trình đó "
            "hoặc đổi [mqtt] port trong config.toml."
        )

    def ready() -> None:
        print(f"{READY} {host}:{port} ({kind})", flush=True)

    if kind == "embedded":
        # Here and not above: with mosquitto, amqtt need not even be installed.
        from devices import amqtt_broker

        return amqtt_broker.serve(folder, host=host, port=port, stop=leash.watched(), ready=ready)
    return _Mosquitto(folder, host, port).serve(leash, ready)


class Leash:
    """Says when the process is to stop: its parent is gone, so standard input has ended, or a signal came."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._pull())

    def pulled(self, seconds: float) -> bool:
        """Wait at most so long; whether to stop."""
        ready, _, _ = select.select([self._reader, STDIN], [], [], seconds)
        return self._reader in ready or (STDIN in ready and _at_end(STDIN))

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


class _Mosquitto:
    """mosquitto as our child: started, listened for, told of new accounts, started again, ended."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self.folder = folder
        self.host, self.port = host, port
        self.program = mosquitto_path()
        self.process: subprocess.Popen[bytes] | None = None
        self.accounts = (0, 0, 0)

    def serve(self, leash: Leash, ready: Callable[[], None]) -> int:
        if self.program is None:
            raise DeviceError(
                "Không thấy chương trình mosquitto trên máy này. Hãy cài gói mosquitto "
                "hoặc đặt [mqtt] broker = “embedded”."
            )
        try:
            if not self._start_or_heal():
                return 1
            ready()
            while not leash.pulled(POLL_SECONDS):
                self._apply_accounts()
                if not self._runs() and not self._come_back(leash):
                    return 1
        finally:
            self._end()
        return 0

    def _runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _come_back(self, leash: Leash) -> bool:
        code = self.process.returncode if self.process else None
        logger.error("mosquitto ended by itself (%s) and is started again", code)
        return leash.pulled(RESTART_SECONDS) or self._start_or_heal()

    def _start_or_heal(self) -> bool:
        """mosquitto refuses to start on a damaged database. Nothing in it is needed: we can send it all again."""
        if self._start():
            return True
        database = self.folder / DATABASE
        if not database.exists():
            return False
        aside = database.with_name(f"{DATABASE}.damaged")
        logger.error("mosquitto does not start; %s is moved to %s", database, aside)
        database.replace(aside)
        if self._start():
            return True
        aside.replace(database)  # it was not the database
        return False

    def _start(self) -> bool:
        assert self.program is not None  # noqa: S101 - serve has looked
        config = write_mosquitto_config(self.folder, host=self.host, port=self.port)
        self.accounts = stamp(self.folder / PASSWORDS)
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
        while self._runs() and time.monotonic() < until:
            with contextlib.suppress(OSError):
                if _answers(_reachable(self.host), self.port, tls=_has_certificate(self.folder)):
                    return True
            time.sleep(0.02)
        self._end()
        return False

    def _apply_accounts(self) -> None:
        now = stamp(self.folder / PASSWORDS)
        if now != self.accounts and self.process is not None and self._runs():
            self.accounts = now
            # Reads accounts and access list again; whoever still has an account stays connected.
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


def _die_with_parent() -> Callable[[], None] | None:
    """Run in mosquitto before it starts: should we be killed, the kernel ends it. Linux only."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    pr_set_pdeathsig = 1

    def run() -> None:
        prctl(pr_set_pdeathsig, signal.SIGTERM)

    return run


def _allow_many_files() -> None:
    """A connection is a file; the usual limit of 1024 would be our limit of receivers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _is_free(host: str, port: int) -> bool:
    """Asked first, so that a taken port is not mistaken for a damaged database."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((host, port), family=family).close()
    except OSError:
        return False
    return True


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
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


# --- small things ------------------------------------------------------------------------------


def _write(path: Path, text: str) -> bool:
    """Replace the file in one step, readable by its owner alone; False when it already says so."""
    with contextlib.suppress(FileNotFoundError):
        if path.read_text("utf-8") == text:
            return False
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp: mode 0600
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return True


def _derive(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def main(arguments: list[str] | None = None) -> int:
    """The command line of the child process."""
    parser = argparse.ArgumentParser(prog="python -m devices.broker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--kind", choices=["mosquitto", "embedded"], required=True)
    given = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        return serve(given.folder, host=given.host, port=given.port, kind=given.kind)
    except DeviceError as error:
        print(error.sentence, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
