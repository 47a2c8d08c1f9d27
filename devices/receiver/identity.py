"""A receiver's folder: who it is (identity.json, receiver.key) and which station it obeys (station.json)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from devices import messages, signing
from devices.receiver.clock import Keeper
from loa import files
from loa.config import Secret
from loa.errors import DeviceError

T = TypeVar("T")
OutputName = Literal["null", "wav", "system"]

IDENTITY = "identity.json"
STATION = "station.json"
KEY = "receiver.key"
CA = "ca.crt"
"""Whatever the station calls it: a name of its choosing might be that of any file here."""


@dataclass(frozen=True)
class Mqtt:
    """Where the station's broker is, and the login it gave this receiver."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    ca_file: str = ""
    tls: bool = False
    """Without ``ca_file``: the authorities this machine trusts."""

    def __repr__(self) -> str:
        return f"Mqtt({self.host!r}, {self.port}, {self.username!r}, ***)"


@dataclass(frozen=True)
class Station:
    """station.json: the keys a plan may be signed with, and the broker. The station writes it."""

    rid: messages.ReceiverId
    keys: tuple[signing.PublicKey, ...]
    mqtt: Mqtt
    roots: tuple[signing.PublicKey, ...] = ()
    """Whose word changes the keys; none: the keys above hold for ever."""
    need: int = 1
    """How many of the roots must sign."""
    kv: int = 0
    """Version of the keys document that ``keys`` come from."""


@dataclass(frozen=True)
class _Identity:
    rid: messages.ReceiverId
    output: OutputName = "null"
    clock: Keeper = "ntp"
    amplifier_hook: str = ""
    """Program run with "on" before a sound and "off" after it; relative to the folder."""
    amplifier_lead_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 500
    amplifier_tail_ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)] = 2_000
    sense_hook: str = ""
    """Program that says by its exit code whether the amplifier draws current; relative to the folder."""
    hear_hook: str = ""
    """Program that prints how sure it is, from 0 to 1, that a microphone hears the sound."""
    ffmpeg: str = ""
    """Decodes relays; empty: the one on PATH."""


@dataclass(frozen=True)
class Amplifier:
    """How an amplifier is switched."""

    program: Path
    lead_ms: int
    """It is switched on that long before a sound."""
    tail_ms: int
    """And off that long after, unless another begins."""


@dataclass(frozen=True)
class Identity:
    """Everything in the folder that a receiver starts from."""

    rid: str
    folder: Path
    key: signing.PrivateKey
    keys: dict[str, signing.PublicKey]
    """The station's, by kid."""
    mqtt: Mqtt
    output: OutputName = "null"
    clock: Keeper = "ntp"
    """Who keeps this machine's clock right; a fact its owner knows and no program can ask."""
    roots: tuple[signing.PublicKey, ...] = ()
    need: int = 1
    kv: int = 0
    amplifier: Amplifier | None = None
    sense: Path | None = None
    """The program that senses the amplifier."""
    hear: Path | None = None
    """The program that listens to a microphone."""
    ffmpeg: str = ""

    @property
    def audio(self) -> Path:
        return self.folder / "audio"

    @property
    def sound(self) -> Path:
        """Where the ``wav`` output writes."""
        return self.folder / "sound"


def create(folder: Path, rid: str, output: OutputName = "null") -> str:
    """Make a receiver's folder and key; the answer is its public key, to be entered at the station.

    Done again for the same receiver it changes nothing. Raises DeviceError.
    """
    path = folder / IDENTITY
    if path.exists():
        found = _read(path, _Identity)
        if found.rid != rid:
            raise DeviceError(
                f"Thư mục {folder} đã thuộc về đầu thu “{found.rid}”. Hãy chọn thư mục khác cho “{rid}”."
            )
    else:
        content = json.dumps({"rid": rid, "output": output, "clock": "ntp"}, indent=1).encode()
        _checked(content, _Identity, path)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(content + b"\n")
    return signing.key_at(folder / KEY, rid).public.x


def adopt(folder: Path, station: Station, ca: str, output: OutputName = "null") -> None:
    """Make the folder that of the receiver a station has granted. station.json comes last and whole: before it is
    there nothing has happened, and the same may be done again. Raises DeviceError."""
    path = folder / IDENTITY
    settings = {"output": output, "clock": "ntp"}
    if path.exists():
        settings = msgspec.json.decode(msgspec.json.encode(_read(path, _Identity)))
    content = json.dumps({**settings, "rid": station.rid}, indent=1).encode() + b"\n"
    _checked(content, _Identity, path)
    if ca:
        station = replace(station, mqtt=replace(station.mqtt, ca_file=CA))
        files.replace(folder / CA, ca.encode())
    files.replace(path, content)
    files.replace(folder / STATION, msgspec.json.format(msgspec.json.encode(station), indent=2))


def load(folder: Path) -> Identity:
    """The identity kept in ``folder``. Raises DeviceError saying which file is missing or wrong."""
    own = _read(folder / IDENTITY, _Identity)
    station = _read(folder / STATION, Station)
    if station.rid != own.rid:
        raise DeviceError(
            f"{folder / STATION} được cấp cho đầu thu “{station.rid}”, không phải “{own.rid}”. "
            "Hãy lấy lại tệp này từ trang đầu thu của đài."
        )
    mqtt = station.mqtt
    ca_file = str(folder / mqtt.ca_file) if mqtt.ca_file else ""
    return Identity(
        rid=own.rid,
        folder=folder,
        key=signing.key_at(folder / KEY, own.rid),
        keys={key.kid: key for key in station.keys},
        mqtt=replace(mqtt, password=Secret(mqtt.password), ca_file=ca_file),
        output=own.output,
        clock=own.clock,
        roots=station.roots,
        need=station.need,
        kv=station.kv,
        amplifier=_amplifier(folder, own),
        sense=_program(folder, own.sense_hook),
        hear=_program(folder, own.hear_hook),
        ffmpeg=own.ffmpeg,
    )


def _amplifier(folder: Path, own: _Identity) -> Amplifier | None:
    program = _program(folder, own.amplifier_hook)
    if program is None:
        return None
    return Amplifier(program, own.amplifier_lead_ms, own.amplifier_tail_ms)


def _program(folder: Path, name: str) -> Path | None:
    return (folder / name).absolute() if name else None


def _read(path: Path, kind: type[T]) -> T:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        remedy = (
            "Hãy chạy “loa receiver init” trước."
            if path.name == IDENTITY
            else "Hãy tải tệp này từ trang đầu thu của đài rồi chép vào thư mục."
        )
        raise DeviceError(f"Không thấy {path}. {remedy}") from None
    except OSError as error:
        raise DeviceError(f"Không đọc được {path}: {error.strerror}.") from error
    return _checked(raw, kind, path)


def _checked(raw: bytes, kind: type[T], path: Path) -> T:
    try:
        return messages.decode(raw, kind)
    except ValueError as error:
        raise DeviceError(f"{path} không hợp lệ: {error}. Hãy sửa hoặc lấy lại tệp này.") from error
