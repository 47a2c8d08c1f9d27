"""config.toml → one frozen struct per table. A wrong or unknown key stops the start, in a sentence."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from loa.errors import ConfigError

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
ClockRange = Annotated[
    str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")
]


LEAST_MONTHS = 12
"""Shorter than a year's report nothing may be kept."""
ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of config.toml."""


class Station(Table, frozen=True):
    name: str = "Đài truyền thanh xã"
    phone: str = ""
    """Printed on each receiver's label: whom to call about it."""
    timezone: str = "Asia/Ho_Chi_Minh"
    data: str = "data"
    """Folder of everything the station keeps; relative to config.toml."""


class DatabaseTable(Table, frozen=True):
    url: str = ""
    """Empty: SQLite in the data folder. LOA_DATABASE_URL takes its place, as it may hold a password."""


class Mqtt(Table, frozen=True):
    broker: Literal["auto", "embedded", "mosquitto", "external"] = "auto"
    """auto: mosquitto when it is on PATH, else the embedded broker; external: ``url`` names yours."""
    url: str = ""
    """mqtt://host:port or mqtts://host:port of a broker of your own."""
    host: str = "127.0.0.1"
    """Address on which the station's own broker listens."""
    port: Port = 18830
    advertise: str = ""
    """Name or address by which receivers reach the broker; empty: the same as the station does."""
    username: str = "loa-station"
    password_file: str = ""
    ca_file: str = ""


class Web(Table, frozen=True):
    host: str = "127.0.0.1"
    port: Port = 8080
    threads: Annotated[int, msgspec.Meta(ge=12)] = 96
    secure_cookies: bool = False
    """True behind HTTPS: the sign-in cookie then travels on HTTPS alone."""
    upload_megabytes: Positive = 200


class MapTable(Table, frozen=True):
    """What lies under the receivers on their map; without ``tiles`` there is nothing, and no Internet is needed."""

    tiles: str = ""
    """Address of a tile server with {z}, {x} and {y}: of another machine (https://…) or of this one (/…)."""
    attribution: Annotated[str, msgspec.Meta(max_length=120)] = ""
    """Whose map it is, as its makers ask to be named; plain text."""
    most_zoom: Annotated[int, msgspec.Meta(ge=5, le=22)] = 19
    """The finest tiles there are."""

    @property
    def origin(self) -> str:
        """https://host of the tiles; empty where they come from this machine, or there are none."""
        parts = urlsplit(self.tiles)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


class Content(Table, frozen=True):
    voices: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("espeak", "gtts", "piper")
    """Voices offered, in order: the first is the default, the first offline one stands in for one that fails."""
    speed: Annotated[int, msgspec.Meta(ge=110, le=175)] = 135
    max_characters: Positive = 30_000
    max_minutes: Positive = 60
    highpass_hz: Annotated[int, msgspec.Meta(ge=80, le=400)] = 150
    """What lies below is taken away: a horn cannot radiate it. 300 for small horns."""
    emergency_approvers: Annotated[int, msgspec.Meta(ge=1, le=2)] = 2
    """How many different approvers an emergency bulletin needs."""
    relay_hosts: tuple[str, ...] = ()
    """Hosts of this station's own net that may be relayed from; all others there may not."""

    @property
    def voice(self) -> str:
        """The default voice."""
        return self.voices[0]


class VoiceApi(Table, frozen=True):
    """A speech service the station has a contract with; used as the voice ``api`` once ``url`` is set."""

    url: str = ""
    label: str = "Giọng đọc theo hợp đồng"
    key_file: str = ""
    """File with the key; relative to config.toml."""
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    body: str = '{"text": {text}, "speed": {speed}}'
    """JSON sent; ``{text}`` stands for the words as a JSON string, ``{speed}`` for syllables a minute."""
    audio_field: str = ""
    """Field of a JSON answer that holds the sound in base64; empty: the answer is the sound itself."""
    most_characters: Positive = 2_000
    """Longest text the service takes at once."""
    terms: str = ""
    """A line shown beside the voice: contract, licence."""


class Delivery(Table, frozen=True):
    horizon_hours: Annotated[int, msgspec.Meta(ge=1, le=72)] = 48
    plan_valid_hours: Annotated[int, msgspec.Meta(ge=2, le=168)] = 72
    heartbeat_seconds: Annotated[int, msgspec.Meta(ge=2, le=3600)] = 60
    late_seconds: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 60
    """How long after its time a broadcast may still start on a receiver."""
    grace_seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 120
    """How long after its end a broadcast waits for evidence before it says "chưa có xác nhận"."""
    audio_url: Annotated[str, msgspec.Meta(pattern=r"^$|^https?://\S{1,240}/$")] = ""
    """https://…/ where receivers fetch sounds by sha256, such as /am-thanh/ of our pages; empty: over MQTT alone."""


class Regulation(Table, frozen=True):
    quiet: tuple[ClockRange, ...] = ("21:00-05:00",)
    """Hours in which nothing but an emergency sounds, until the station sets its own on the page."""


class StaffTable(Table, frozen=True):
    second_step: Literal["none", "asked", "demanded"] = "asked"
    """A code from one's phone after the password. asked: whoever approves, stops or manages is reminded to set it up;
    demanded: without one nobody approves. Whoever has set it up is asked for it, whatever stands here."""


class Mail(Table, frozen=True):
    """The server that takes the station's mail; without ``host`` none is sent."""

    host: str = ""
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password_file: str = ""
    """File with the password; relative to config.toml."""
    sender: str = ""
    """Address mail comes from; empty: ``username``."""
    ca_file: str = ""
    """Whom to trust as the mail server, where it is not one the machine trusts."""


class Retention(Table, frozen=True):
    """For how long what piles up is kept; docs/retention.md says why."""

    log_months: Annotated[int, msgspec.Meta(ge=0, le=600)] = 24
    """Log, journals, their proofs and plans stay so many whole months, then go into archives; 0: for ever."""
    night: ClockRange = "01:00-04:00"
    """When the station archives, by its own clock; never while something sounds."""
    folder: str = ""
    """Where archives lie, relative to config.toml; empty: archives in the data folder."""


class Checkpoints(Table, frozen=True):
    """Whoever outside gets each day's signed checkpoint of the audit log; nobody, where both are empty."""

    mail: tuple[str, ...] = ()
    """Addresses; [mail] says by which server."""
    folder: str = ""
    """Relative to config.toml: one that others copy away, such as a share of the upper station."""


class Config(Table, frozen=True):
    station: Station = Station()
    database: DatabaseTable = DatabaseTable()
    mqtt: Mqtt = Mqtt()
    web: Web = Web()
    map: MapTable = MapTable()
    content: Content = Content()
    voice_api: VoiceApi = VoiceApi()
    delivery: Delivery = Delivery()
    regulation: Regulation = Regulation()
    staff: StaffTable = StaffTable()
    mail: Mail = Mail()
    retention: Retention = Retention()
    checkpoints: Checkpoints = Checkpoints()
    folder: Path = Path()
    """Where config.toml lies; never written in the file."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.station.timezone)

    @property
    def data(self) -> Path:
        return (self.folder / self.station.data).resolve()

    @property
    def database_url(self) -> str:
        return (
            os.environ.get("LOA_DATABASE_URL")
            or self.database.url
            or f"sqlite:///{self.data / 'loa.db'}"
        )

    @property
    def broker_address(self) -> tuple[str, int, bool]:
        """(host, port, TLS) by which the station itself reaches the broker."""
        if not self.mqtt.url:
            # With a certificate our broker speaks TLS, and answers to the name in it alone.
            tls = (self.broker / "server.crt").exists()
            host = reachable(self.mqtt.host)
            return (self.mqtt.advertise or host) if tls else host, self.mqtt.port, tls
        parts = urlsplit(self.mqtt.url)
        tls = parts.scheme == "mqtts"
        return parts.hostname or "", parts.port or (8883 if tls else 1883), tls

    @property
    def recordings(self) -> Path:
        return self.data / "recordings"

    @property
    def uploads(self) -> Path:
        return self.data / "uploads"

    @property
    def work(self) -> Path:
        return self.data / "work"

    @property
    def voice_files(self) -> Path:
        """Where a voice for Piper is dropped in."""
        return self.data / "voices"

    @property
    def cache(self) -> Path:
        """What can be made again: sentences spoken before."""
        return self.data / "cache"

    @property
    def previews(self) -> Path:
        """Uploads as they came, for listening to in the browser before they are cut."""
        return self.data / "previews"

    @property
    def archives(self) -> Path:
        """Months that have left the database: as precious as the database itself."""
        named = self.retention.folder
        return (self.folder / named).resolve() if named else self.data / "archives"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def broker(self) -> Path:
        return self.data / "broker"


def load(path: Path | None = None) -> Config:
    """Read config.toml: ``path``, else $LOA_CONFIG, else ./config.toml, else the defaults here.

    Raises ConfigError naming the key, the value wanted and the file.
    """
    named = path or (Path(os.environ["LOA_CONFIG"]) if os.environ.get("LOA_CONFIG") else None)
    file = named or Path("config.toml")
    if not file.exists():
        if named:
            raise ConfigError(f"Không thấy tệp cấu hình {file}. Hãy kiểm tra lại đường dẫn.")
        return Config(folder=Path.cwd())
    return parse(file.read_bytes(), file)


def parse(raw: bytes, file: Path) -> Config:
    """Turn the bytes of config.toml into Config; ``file`` gives its folder and names it in errors."""
    try:
        tables = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} không phải TOML hợp lệ: {error}. Hãy sửa dòng này.") from error
    if "folder" in tables:
        raise ConfigError(f"{file}: không có mục “folder”. Hãy xoá mục này.")
    try:
        config = msgspec.convert(
            {**tables, "folder": str(file.resolve().parent)}, Config, dec_hook=_path
        )
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file}: {_sentence(str(error))}") from error
    try:
        config.zone  # noqa: B018 - reading it is the check
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            f"{file}: [station] timezone = “{config.station.timezone}” không phải tên múi giờ. "
            "Ví dụ đúng: Asia/Ho_Chi_Minh."
        ) from error
    _check_broker(config, file)
    _check_retention(config, file)
    _check_map(config, file)
    return config


def _check_map(config: Config, file: Path) -> None:
    """The host stands in a header of the page, so it is held to what a host's name is made of."""
    tiles = config.map.tiles
    server, path = r"https?://[A-Za-z0-9.-]+(:\d{1,5})?", r"/(?!/)[^\s{}]*(\{[zxy]\}[^\s{}]*){3}"
    wanted = all(f"{{{axis}}}" in tiles for axis in "zxy")
    if tiles and not (wanted and re.fullmatch(f"({server})?{path}", tiles)):
        raise ConfigError(
            f"{file}: [map] tiles = “{tiles}” phải là địa chỉ http(s) hoặc đường dẫn bắt đầu bằng /, có đủ "
            f"{{z}}, {{x}} và {{y}}, không có {{s}}; ví dụ https://tile.example.vn/{{z}}/{{x}}/{{y}}.png."
        )


def _check_retention(config: Config, file: Path) -> None:
    months = config.retention.log_months
    if 0 < months < LEAST_MONTHS:
        raise ConfigError(
            f"{file}: [retention] log_months = {months} quá ngắn: báo cáo năm cần đủ {LEAST_MONTHS} tháng. "
            f"Hãy đặt từ {LEAST_MONTHS} trở lên, hoặc 0 để giữ mãi."
        )


def _check_broker(config: Config, file: Path) -> None:
    if config.mqtt.broker == "external" and not config.mqtt.url:
        raise ConfigError(
            f'{file}: [mqtt] broker = "external" cần có url, ví dụ mqtts://mqtt.xa.vn:8883.'
        )
    if not config.mqtt.url:
        return
    parts = urlsplit(config.mqtt.url)
    try:
        wrong = parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.port == 0
    except ValueError:
        wrong = True
    if wrong:
        raise ConfigError(
            f"{file}: [mqtt] url = “{config.mqtt.url}” phải có dạng mqtt://máy:cổng hoặc mqtts://máy:cổng."
        )


def _path(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError(kind)


def _sentence(error: str) -> str:
    """msgspec's message, with its path turned into ``[table] key`` as the file spells it."""
    found = re.search(r"at `\$\.?([\w.]*)", error)
    where = found.group(1).split(".") if found and found.group(1) else []
    unknown = re.search(r"unknown field `(\w+)`", error)
    if unknown:
        place = f"trong mục [{where[0]}]" if where else "ở cấp trên cùng"
        return f"khoá “{unknown.group(1)}” {place} không có trong Loa. Hãy xoá hoặc sửa tên khoá."
    key = f"[{where[0]}] {'.'.join(where[1:])}".strip() if where else "tệp"
    return f"giá trị của {key} không hợp lệ: {error.split(' - at')[0]}. Hãy sửa giá trị này."


def reachable(host: str) -> str:
    """The address by which a server that listens on ``host`` is reached from the same machine."""
    return "127.0.0.1" if host in ANY_ADDRESS else host


class Secret(str):
    """A password or key that prints as stars."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __format__(self, spec: str) -> str:
        return "***"
