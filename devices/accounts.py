"""Who may connect to the broker, and what each may say and hear: mosquitto's own formats, obeyed by both brokers.

Besides the station and its receivers there are two canaries, with which `devices.canary` finds out whether the
broker really keeps to these rules. Their passwords lie beside the accounts, for nothing of value depends on them.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from loa import files
from loa.config import Secret
from loa.errors import DeviceError

STATION = "loa-station"
CANARY = "canary-loa"
"""A receiver that plays nothing."""
WATCH = "canary-watch"
"""Plays the station to the canary; it must not be the station itself, whose connection it would take over."""
CANARIES = (CANARY, WATCH)

PASSWORDS = "passwords"
ACL = "acl"

Access = Literal["read", "write"]
RECEIVER_RULES = (
    ("read", "loa/1/{rid}/dn/#"),
    # One by one, not up/#: each topic may hold a retained message, and a thief of one login could fill the broker.
    ("write", "loa/1/{rid}/up/state"),
    ("write", "loa/1/{rid}/up/evt"),
    ("write", "loa/1/{rid}/up/get"),
    ("read", "loa/1/audio/#"),
)
"""A receiver can harm only itself."""
STATION_RULES = (("readwrite", "loa/1/#"), ("read", "$SYS/#"))
WATCH_RULES = (
    *(("readwrite", f"loa/1/{name}/#") for name in CANARIES),
    ("read", "$SYS/broker/version"),
)

ITERATIONS = 1000
"""The passwords are random and long, so more would add nothing, and 10,000 receivers back after a power cut
would wait for the broker to compute."""
SALT_BYTES = 12
"""mosquitto 2.0 takes no other length."""


class Account(msgspec.Struct, frozen=True):
    """Who may connect; the hash is mosquitto's ``$7$``."""

    username: str
    password_hash: str


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
    """Write all accounts, the station's own among them, and the canaries'; False when nothing changed.

    A serving broker takes them over within half a second, and only those whose account is gone or changed
    lose their connection. Raises DeviceError for a name that is none.
    """
    lines = {}
    for account in accounts:
        _check(account)
        lines[account.username] = account.password_hash
    lines |= _canary_hashes(folder)
    text = "".join(f"{name}:{lines[name]}\n" for name in sorted(lines))
    return write(folder / PASSWORDS, text)


def _check(account: Account) -> None:
    if not re.fullmatch(r"[a-z0-9-]{4,32}", account.username) or account.username == "audio":
        raise DeviceError(
            f"“{account.username}” không dùng được làm tên đăng nhập của đầu thu: cần 4 đến 32 ký tự "
            "a–z, 0–9 hoặc dấu gạch nối, và khác “audio”.",
            field="username",
        )
    if not re.fullmatch(r"\$7\$[A-Za-z0-9+/=$]+", account.password_hash):
        raise ValueError(f"the password hash of {account.username} is not of the kind $7$")


def read_accounts(folder: Path) -> dict[str, str]:
    """Hashes by username; none while there is no file."""
    try:
        lines = (folder / PASSWORDS).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {
        name: password_hash for name, _, password_hash in (line.partition(":") for line in lines)
    }


def canary_password(folder: Path, name: str) -> Secret:
    """A canary's password, made on first use beside the accounts."""
    file = folder / f"{name}.password"
    if file.exists():
        return Secret(file.read_text())
    return Secret(files.create_once(file, secrets.token_urlsafe(32).encode()).decode())


def _canary_hashes(folder: Path) -> dict[str, str]:
    """Kept while they are right, for each new hash would make the broker read its accounts again."""
    kept = read_accounts(folder)
    hashes = {}
    for name in CANARIES:
        password = canary_password(folder, name)
        known = kept.get(name, "")
        hashes[name] = known if check_password(password, known) else hash_password(password)
    return hashes


def allowed(username: str, access: Access, topic: str) -> bool:
    """Whether the access list lets an account use a topic, or subscribe to a whole topic filter."""
    rules = [(may, rule.format(rid=username)) for may, rule in RECEIVER_RULES]
    rules += {STATION: STATION_RULES, WATCH: WATCH_RULES}.get(username, ())
    return any(access in may and _covers(rule, topic) for may, rule in rules)


def _covers(rule: str, topic: str) -> bool:
    levels = topic.split("/")
    for place, level in enumerate(rule.split("/")):
        if level == "#":
            return place <= len(levels)
        if place >= len(levels) or level != levels[place]:
            return False
    return len(levels) == len(rule.split("/"))


def acl_text(station: str = STATION) -> str:
    """The access list as mosquitto reads it; ``station`` is the name the station signs in with."""
    users = "".join(
        f"user {name}\n" + "".join(f"topic {access} {rule}\n" for access, rule in rules) + "\n"
        for name, rules in ((station, STATION_RULES), (WATCH, WATCH_RULES))
    )
    # `pattern` even without %u: a `topic` line before the first `user` holds for anonymous clients alone.
    receivers = "".join(
        f"pattern {access} {rule.format(rid='%u')}\n" for access, rule in RECEIVER_RULES
    )
    return f"{users}{receivers}"


Stamp = tuple[int, int, int]


def stamp(path: Path) -> Stamp:
    """Changes whenever the file is written anew; zeros while there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns)


def write(path: Path, text: str) -> bool:
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
