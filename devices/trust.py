"""What a receiver must be given to trust the station, and the station's own keys."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import msgspec

from devices import signing
from devices.receiver.identity import Mqtt, Station
from devices.signing import PrivateKey
from loa import files
from loa.config import Config, Secret


@dataclass(frozen=True)
class StationKeys:
    """The keys plans are signed with. Whoever has the emergency key can break the quiet hours."""

    plan: PrivateKey
    emergency: PrivateKey


def station_keys(config: Config) -> StationKeys:
    """The station's keys, made on first use in the secrets folder."""
    return StationKeys(
        plan=signing.key_at(config.secrets / "plan.key", "plan-1", ("plan",)),
        emergency=signing.key_at(
            config.secrets / "emergency.key", "emergency-1", ("plan", "emergency")
        ),
    )


def station_json(config: Config, receiver_id: str, password: str) -> bytes:
    """station.json for that receiver, as JSON bytes."""
    keys = station_keys(config)
    host, port, tls = config.broker_address
    document = Station(
        rid=receiver_id,
        keys=(keys.plan.public, keys.emergency.public),
        mqtt=Mqtt(
            host=config.mqtt.advertise or host,
            port=port,
            username=receiver_id,
            password=password,
            tls=tls,
            ca_file=Path(config.mqtt.ca_file).name,
        ),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def broker_password(config: Config) -> Secret:
    """The station's own password at the broker: from its file, else made and kept in the secrets folder."""
    if config.mqtt.password_file:
        return Secret((config.folder / config.mqtt.password_file).read_text().strip())
    return secret_at(config.secrets / "mqtt.password")


def secret_at(path: Path) -> Secret:
    """The random text kept at ``path``, made on first use; readable by its owner alone."""
    if path.exists():
        return Secret(path.read_text())
    return Secret(files.create_once(path, secrets.token_urlsafe(32).encode()).decode())
