"""The station's own broker: the process that serves.

``python -m devices.broker FOLDER --port 1883 --kind mosquitto`` is a child of ``loa serve`` and ends when its
standard input does, so it never outlives its parent. The folder holds ``passwords`` and ``acl`` in mosquitto's
own formats, which the embedded broker obeys too, and ``server.crt`` with ``server.key`` where the station has
a certificate: then the listener speaks TLS.
"""

from __future__ import annotations

import argparse
import logging
import resource
import socket
import sys
from pathlib import Path
from typing import Literal

from devices import keeper
from devices.accounts import (
    ACL,
    CANARIES,
    PASSWORDS,
    STATION,
    Account,
    Stamp,
    allowed,
    check_password,
    hash_password,
    read_accounts,
    stamp,
    write_accounts,
)
from devices.keeper import POLL_SECONDS, Leash
from devices.mosquitto import MOST_FILES, is_loopback, mosquitto_path, write_mosquitto_config
from loa.errors import DeviceError

__all__ = [
    "ACL",
    "CANARIES",
    "PASSWORDS",
    "POLL_SECONDS",
    "READY",
    "STATION",
    "Account",
    "Kind",
    "Leash",
    "Stamp",
    "allowed",
    "check_password",
    "hash_password",
    "is_loopback",
    "main",
    "mosquitto_path",
    "read_accounts",
    "serve",
    "stamp",
    "write_accounts",
    "write_mosquitto_config",
]
"""What the rest of the house needs of the broker, in one place."""

Kind = Literal["mosquitto", "embedded"]

READY = "listening on"
"""How the one line begins that `serve` prints."""


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
    return keeper.Mosquitto(folder, host, port).serve(leash, ready)


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
