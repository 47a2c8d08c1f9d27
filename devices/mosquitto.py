"""mosquitto's files: its configuration and access list, for the one we start and for one that runs by itself.

Written for 2.0.11 (Debian 12) and everything since. From 2.1 on mosquitto says that ``password_file`` and
``acl_file`` are to become plugins; it obeys them until 3.0, which is refused here with a sentence.
"""

from __future__ import annotations

import functools
import ipaddress
import logging
import os
import pwd
import re
import resource
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

from devices import accounts
from devices.accounts import ACL, PASSWORDS
from loa.errors import DeviceError

logger = logging.getLogger(__name__)

CERTIFICATE = "server.crt"
KEY = "server.key"
DATABASE = "mosquitto.db"
SYSTEMD_FOLDER = Path("/etc/mosquitto/loa")
"""Where the files of a broker of one's own are to lie, unless said otherwise."""

MOST_PACKET = 131_072
MOST_FILES = 20_000
SPARE_FILES = 200
"""For listeners, the database and the log."""
LONGEST_KEEPALIVE = 600
"""Seconds. Ours is 60; without a limit, a client that vanished could keep its place for 27 hours."""
LEAST_QUEUED = 1_000
QUEUED_PER_ACCOUNT = 4
"""What a receiver may say at once, its birth and its will with it, while the station is busy."""
MOST_QUEUED_BYTES = 256 * 1024 * 1024
TOO_NEW = (3, 0)
ADVISED = (2, 0, 22)
"""Debian mends the holes of earlier ones, but they count neither connections nor the keepalives of MQTT 3.1.1."""


class Place(NamedTuple):
    """Where mosquitto will listen, and where it will find its files."""

    folder: Path
    host: str
    port: int
    tls: bool


def mosquitto_path() -> str | None:
    """Where mosquitto is, if it is on this machine; Debian keeps it where PATH does not look."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


@functools.cache
def version(program: str) -> tuple[int, ...]:
    """Such as (2, 0, 11); empty when the program does not say."""
    try:
        done = subprocess.run(
            [program, "-h"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return parse_version(done.stdout)


def parse_version(said: str) -> tuple[int, ...]:
    """The numbers in “mosquitto version 2.0.11”; empty when there are none."""
    found = re.search(r"mosquitto version (\d+(?:\.\d+)+)", said)
    return tuple(map(int, found[1].split("."))) if found else ()


def demand_known_version(program: str) -> None:
    """Raises DeviceError for a mosquitto that no longer takes the files we write."""
    found = version(program)
    if found >= TOO_NEW:
        raise DeviceError(
            f"mosquitto {'.'.join(map(str, found))} không còn nhận tệp tài khoản kiểu Loa ghi. Hãy cài mosquitto "
            "2.0 hoặc 2.1 (gói mosquitto của Debian 12, 13 hay Ubuntu 24.04 đều được), hoặc cập nhật Loa."
        )


def write_mosquitto_config(folder: Path, *, host: str, port: int) -> Path:
    """Write mosquitto.conf and the access list for a mosquitto of ours; returns the former's path.

    Raises DeviceError when the certificate there cannot be used.
    """
    folder = folder.resolve()
    place = Place(folder, host, port, has_certificate(folder))
    check_certificate(folder)
    if not place.tls and not is_loopback(host):
        logger.warning("%s is open to the network without TLS: passwords can be overheard", host)
    accounts.write(folder / ACL, accounts.acl_text())
    config = folder / "mosquitto.conf"
    lines = [
        "# Written by Loa at every start: changes made here are lost.",
        *_user(),
        *_common(place, len(accounts.read_accounts(folder)), _most_connections()),
        *_fan_out(),
        "persistence true",
        f"persistence_location {folder}/",
        f"persistence_file {DATABASE}",
        "log_dest stderr",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
        *(f"log_type {kind}" for kind in ("error", "warning", "notice")),
    ]
    accounts.write(config, "".join(f"{line}\n" for line in lines))
    return config


def drop_in(place: Place, known: int) -> str:
    """For ``conf.d`` of a mosquitto that runs by itself, with ``known`` accounts: all but its log and its data.

    The distribution's own file says those, and mosquitto takes no setting of a path twice.
    """
    lines = [
        "# Written by “loa broker config”: changes made here are lost when it runs again.",
        *_common(place, known, MOST_FILES - SPARE_FILES),
    ]
    return "".join(f"{line}\n" for line in lines)


def _common(place: Place, known: int, connections: int) -> list[str]:
    # per_listener_settings stays false: with true, 2.0.11 delivers no wills.
    return [
        f"listener {place.port} {place.host}",
        f"max_connections {connections}",  # obeyed from 2.0.12 on
        *_tls(place),
        "use_username_as_clientid true",  # else any account can take over another's connection
        "allow_anonymous false",
        f"password_file {place.folder / PASSWORDS}",
        f"acl_file {place.folder / ACL}",
        "autosave_interval 60",
        "persistent_client_expiration 7d",
        # Per client. As shipped, 1000, a thousand receivers answering at once already lost answers; and each that
        # does not read what it asked for may cost so many blocks of 64 KiB.
        f"max_queued_messages {max(LEAST_QUEUED, QUEUED_PER_ACCOUNT * known)}",
        f"max_queued_bytes {MOST_QUEUED_BYTES}",
        # No memory_limit: what it hits is the next to publish, and that is the station.
        "max_inflight_messages 1000",
        f"max_packet_size {MOST_PACKET}",
        f"max_keepalive {LONGEST_KEEPALIVE}",
        "set_tcp_nodelay true",
    ]


def _fan_out() -> list[str]:
    """10,000 subscribers in half the time; nobody overlaps. Deprecated, so only where it is known to be obeyed."""
    program = mosquitto_path()
    known = program is not None and (2, 0) <= version(program) < (2, 1)
    return ["allow_duplicate_messages true"] if known else []


def _user() -> list[str]:
    """Started by root, mosquitto becomes a user of its own, who may not read this folder."""
    try:
        return [f"user {pwd.getpwuid(os.geteuid()).pw_name}"]
    except KeyError:
        return []  # a container's user without a name; not root, so mosquitto stays who it is


def _tls(place: Place) -> list[str]:
    if not place.tls:
        return []
    return [
        f"certfile {place.folder / CERTIFICATE}",
        f"keyfile {place.folder / KEY}",
        "tls_version tlsv1.2",  # and later
    ]


def _most_connections() -> int:
    """A connection more, and the system would have no file left for the database."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_FILES if soft == resource.RLIM_INFINITY else min(soft, MOST_FILES)
    return max(files - SPARE_FILES, SPARE_FILES)


def has_certificate(folder: Path) -> bool:
    """Whether the listener is to speak TLS."""
    return (folder / CERTIFICATE).exists() and (folder / KEY).exists()


def check_certificate(folder: Path) -> None:
    """Raises DeviceError when there is a certificate and mosquitto could not use it."""
    if not has_certificate(folder):
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            folder / CERTIFICATE, folder / KEY, ""
        )
    except ssl.SSLError as error:
        raise DeviceError(
            f"{CERTIFICATE} và {KEY} trong {folder} không dùng được ({error.reason or 'không phải tệp PEM'}): có "
            "thể hỏng, không cùng một cặp, hoặc khoá có mật khẩu. Hãy chép lại cả hai tệp, hoặc xoá chúng rồi chạy "
            "“loa broker tls make”."
        ) from error
    except OSError as error:
        raise DeviceError(
            f"Không đọc được {CERTIFICATE} hoặc {KEY} trong {folder} ({error.strerror}). Hãy đổi chủ hai tệp này "
            "thành người dùng chạy Loa."
        ) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
