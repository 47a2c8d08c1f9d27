"""Where the test takes place: a broker of its own, the station's link, and a stand for every receiver."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import secrets
import socket
import subprocess
import sys
import threading
from pathlib import Path

from devices import accounts, broker, messages, signing
from devices.accounts import Account
from devices.broker import READY
from devices.conformance.clauses import Group
from devices.conformance.evidence import Evidence
from devices.conformance.gate import Gate, Gates
from devices.conformance.keys import Keyring
from devices.conformance.program import Process
from devices.conformance.serving import Blocks
from devices.conformance.stand import Stand
from devices.link import Connected, Incoming, Link, LinkSettings, Message, Urgency
from devices.signing import PrivateKey
from loa import times
from loa.errors import DeviceError

log = logging.getLogger(__name__)
START_SECONDS = 30.0
HOST = "127.0.0.1"


def keyring(folder: Path | None = None, roots: int = 0) -> Keyring:
    """Keys made for this run; those in ``folder``, where there is one."""
    names: tuple[tuple[str, tuple[signing.KeyRole, ...]], ...] = (
        ("plan-1", ("plan",)),
        ("alarm-1", ("plan", "emergency")),
        ("idle-1", ()),
    )
    plan, alarm, idle = (_key(folder, kid, roles) for kid, roles in names)
    return Keyring(plan, alarm, idle, tuple(_key(folder, f"root-{n + 1}") for n in range(roots)))


def _key(folder: Path | None, kid: str, roles: tuple[signing.KeyRole, ...] = ()) -> PrivateKey:
    if folder is None:
        return signing.generate(kid, roles)
    return signing.key_at(folder / f"{kid}.key", kid, roles)


class Station:
    """The link with the station's login, and who is told what came."""

    def __init__(self, settings: LinkSettings) -> None:
        self._stands: dict[str, Stand] = {}
        self.link = Link(settings)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="conformance", daemon=True)

    def start(self) -> None:
        """Connect. Raises DeviceError when the broker does not let us in."""
        self.link.start()
        try:
            while not isinstance(self.link.inbox.get(timeout=START_SECONDS), Connected):
                pass
        except queue.Empty:
            self.link.stop()
            raise DeviceError(
                f"Không kết nối được với máy chủ MQTT {self.link.settings.host}:{self.link.settings.port}. Hãy kiểm "
                "tra địa chỉ, tên đăng nhập và mật khẩu.",
                field="url",
            ) from None
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(5)
        self.link.stop()

    def admit(self, stand: Stand) -> None:
        """From now on it is told what its receiver says."""
        self._stands[stand.rid] = stand

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        urgency = Urgency.AUDIO if "/audio/" in topic else Urgency.PLAN
        self.link.publish(topic, payload, qos=qos, retain=retain, urgency=urgency)

    def _work(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(queue.Empty):
                self._hand_on(self.link.inbox.get(timeout=0.2))

    def _hand_on(self, incoming: Incoming) -> None:
        if not isinstance(incoming, Message):
            return
        stand = self._stands.get(incoming.topic.split("/")[2])
        if stand:
            stand.take(incoming.topic, incoming.payload)


class Hall:
    """Broker, gates and station on this machine, for programs that are started by us."""

    def __init__(
        self,
        folder: Path,
        command: str,
        groups: tuple[Group, ...],
        *,
        wav: bool = False,
        patience: float = 1.0,
    ) -> None:
        self._folder, self._command, self._wav, self._patience = folder, command, wav, patience
        self._passwords = {_rid(group): secrets.token_urlsafe(16) for group in groups}
        self._groups = groups
        self.kind: broker.Kind = "mosquitto" if broker.mosquitto_path() else "embedded"
        self._station_password = secrets.token_urlsafe(16)
        self._broker: subprocess.Popen[str] | None = None
        self._gates: Gates | None = None
        self.station: Station | None = None
        self.stands: list[Stand] = []

    def open(self) -> None:
        """Start it all. Raises DeviceError."""
        port = _free_port()
        self._start_broker(port)
        self._gates = Gates(port)
        self.station = Station(
            _station_settings(HOST, port, accounts.STATION, self._station_password)
        )
        self.station.start()

    def close(self) -> None:
        """End every program, the link and the broker."""
        for stand in self.stands:
            stand.kill()
        if self.station:
            self.station.stop()
        if self._gates:
            self._gates.close()
        self._end_broker()

    def _end_broker(self) -> None:
        child = self._broker
        if child and child.stdin and child.stdout:
            child.stdin.close()  # its leash
            child.wait(20)
            child.stdout.close()

    def _start_broker(self, port: int) -> None:
        folder = self._folder / "broker"
        folder.mkdir(parents=True)
        known = {accounts.STATION: self._station_password} | self._passwords
        hashes = [
            Account(name, accounts.hash_password(password)) for name, password in known.items()
        ]
        accounts.write_accounts(folder, hashes)
        command = [sys.executable, "-m", "devices.broker", str(folder), "--host", HOST]
        with (self._folder / "broker.txt").open("wb") as errors:
            self._broker = subprocess.Popen(
                [*command, "--port", str(port), "--kind", self.kind],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                cwd=Path(__file__).parent.parent.parent,
            )  # fmt: skip
        said = self._broker.stdout.readline() if self._broker.stdout else ""
        if not said.startswith(READY):
            raise DeviceError(
                f"Máy chủ MQTT để thử không khởi động được. Xem {self._folder / 'broker.txt'}."
            )

    def stand(self, group: Group) -> Stand:
        """A stand for a group, its folder made, its receiver not yet started."""
        if self.station is None or self._gates is None:
            raise RuntimeError("the hall is not open")
        rid = _rid(group)
        folder = self._folder / rid
        folder.mkdir(mode=0o700)
        gate = self._gates.make()
        key = signing.key_at(folder / "receiver.key", rid)
        station = self.station
        stand = Stand(
            rid=rid,
            folder=folder,
            program=Process(self._command, folder, group.clock),
            evidence=Evidence(key.public),
            keys=keyring(roots=group.roots),
            wire=station,
            blocks=Blocks(lambda topic, data: station.publish(topic, data, qos=0)),
            gate=gate,
            wav=self._wav,
            patience=self._patience,
        )
        self._write_files(stand, group, gate)
        station.admit(stand)
        self.stands.append(stand)
        return stand

    def _write_files(self, stand: Stand, group: Group, gate: Gate) -> None:
        identity = {
            "rid": stand.rid,
            "output": "wav" if self._wav else "null",
            "clock": group.clock,
        }
        _write(stand.folder / "identity.json", identity)
        stand.kv = times.now() if group.roots else 0
        password = self._passwords[stand.rid]
        document = station_document(stand.rid, stand.keys, stand.kv, HOST, gate.port, password)
        _write(stand.folder / "station.json", document)


def station_document(
    rid: str, ring: Keyring, kv: int, host: str, port: int, password: str, *, tls: bool = False
) -> dict[str, object]:
    """station.json: what the receiver is given."""
    keys = (ring.plan, ring.alarm, ring.idle)
    document: dict[str, object] = {
        "rid": rid,
        "keys": [_named(one) | {"roles": list(one.public.roles)} for one in keys],
        "mqtt": {
            "host": host, "port": port, "username": rid, "password": password, "tls": tls, "ca_file": "",
        },
    }  # fmt: skip
    if ring.roots:
        roots = [_named(one) for one in ring.roots]
        document |= {"roots": roots, "need": len(roots), "kv": kv}
    return document


def _named(key: PrivateKey) -> dict[str, object]:
    return {"kid": key.public.kid, "x": key.public.x}


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n")
    path.chmod(0o600)


def _rid(group: Group) -> str:
    return f"conf-{group.name}"


def _station_settings(host: str, port: int, username: str, password: str) -> LinkSettings:
    return LinkSettings(
        host=host,
        port=port,
        client_id=username,
        username=username,
        password=password,
        subscriptions=((messages.UP_TOPICS, 1),),
    )


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])
