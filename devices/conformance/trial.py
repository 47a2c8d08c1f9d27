"""A whole test: of a program we start ourselves, or of a box that is somewhere on the network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from devices import signing
from devices.conformance import hall, running
from devices.conformance.clauses import Clause, Group, Result, Untested
from devices.conformance.evidence import Evidence
from devices.conformance.hall import Hall, Station
from devices.conformance.program import ByHand
from devices.conformance.running import Report, Told
from devices.conformance.serving import Blocks
from devices.conformance.stand import Stand
from devices.link import LinkSettings
from loa.errors import DeviceError

PORTS = {"mqtt": 1883, "mqtts": 8883}
PUBLIC = "receiver.pub"


def of_program(
    command: str,
    folder: Path,
    groups: tuple[Group, ...],
    told: Told,
    *,
    wav: bool = False,
    patience: float = 1.0,
) -> Report:
    """Start the program on folders under ``folder`` and try the groups. Raises DeviceError.

    ``patience``: on a busy machine, how many times as long as usual things may take.
    """
    began = time.monotonic()
    place = Hall(folder, command, groups, wav=wav, patience=patience)
    try:
        place.open()
        results = running.try_all(groups, place.stand, told)
    finally:
        place.close()
    results = running.with_faults(results, place.stands)
    return Report(command, place.kind, time.monotonic() - began, results)


@dataclass(frozen=True)
class Box:
    """A receiver on the network, and the broker it connects to, with the station's login there."""

    url: str
    rid: str
    folder: Path
    """Where the keys of the test are kept, and the receiver's public key lies in receiver.pub."""

    def prepare(self) -> None:
        """Make keys and station.json where there are none. Raises DeviceError."""
        file = self.folder / "station.json"
        self._settings()
        if file.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ring = hall.keyring(self.folder)
        parts = urlsplit(self.url)
        tls = parts.scheme == "mqtts"
        port = parts.port or PORTS[parts.scheme]
        text = hall.station_document(self.rid, ring, 0, parts.hostname or "", port, "", tls=tls)
        file.write_text(json.dumps(text, indent=1) + "\n")

    def instructions(self) -> str:
        """What is left to do by hand."""
        return (
            f"Hãy chép station.json từ đó vào đầu thu {self.rid} (điền mật khẩu MQTT của đầu thu), ghi khoá công khai "
            f"của đầu thu (43 ký tự) vào {self.folder / PUBLIC}, rồi chạy lại lệnh này."
        )

    def public_key(self) -> signing.PublicKey:
        """The receiver's. Raises DeviceError."""
        file = self.folder / PUBLIC
        if not file.exists():
            raise DeviceError(f"Chưa có {file}. {self.instructions()}", field="keys")
        return signing.public_key(file.read_text(), self.rid)

    def _settings(self) -> LinkSettings:
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in PORTS or not parts.hostname:
            raise DeviceError(
                f"“{self.url}” không phải địa chỉ MQTT. Hãy viết như mqtt://loa-station:mật-khẩu@192.168.1.5:1883.",
                field="url",
            )
        username = unquote(parts.username or "")
        return LinkSettings(
            host=parts.hostname,
            port=port or PORTS[parts.scheme],
            client_id=username or "loa-station",
            username=username,
            password=unquote(parts.password or ""),
            tls=parts.scheme == "mqtts",
            subscriptions=((f"loa/1/{self.rid}/up/#", 1),),
        )

    def stand(self, ask: Callable[[str], None] | None) -> tuple[Stand, Station]:
        """The stand, its link up. Raises DeviceError."""
        key = self.public_key()
        station = Station(self._settings())
        stand = Stand(
            rid=self.rid,
            folder=self.folder,
            program=ByHand(ask),
            evidence=Evidence(key),
            keys=hall.keyring(self.folder),
            wire=station,
            blocks=Blocks(lambda topic, data: station.publish(topic, data, qos=0)),
        )
        station.admit(stand)
        station.start()
        return stand, station


def of_box(
    box: Box, groups: Iterable[Group], told: Told, ask: Callable[[str], None] | None
) -> Report:
    """Try the clauses one after the other on one box. Raises DeviceError."""
    began = time.monotonic()
    stand, station = box.stand(ask)
    results: list[Result] = []
    try:
        for group in groups:
            for clause in group.clauses:
                result = _try(group, clause, stand)
                told(result)
                results.append(result)
    finally:
        station.stop()
    done = running.with_faults(sorted(results, key=lambda one: one.clause.id), [stand])
    return Report(box.rid, box.url.rsplit("@", 1)[-1], time.monotonic() - began, done)


def _try(group: Group, clause: Clause, stand: Stand) -> Result:
    """A box has one clock and one station.json."""
    if group.clock == "rtc":
        return running.of_error(clause, Untested("needs a receiver without a clock: --receiver"))
    if group.roots:
        return running.of_error(clause, Untested("needs a station.json with roots: --receiver"))
    return running.attempt(clause, stand)
