"""What a receiver must be given to trust the station, and the station's own keys."""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec

from devices import keyring
from devices.keyring import StationKeys
from devices.receiver.identity import Mqtt, Station
from devices.signing import PublicKey
from loa import files, times
from loa.config import Config, Secret
from loa.times import Instant


def station_keys(config: Config, now: Instant | None = None) -> StationKeys:
    """The station's keys at ``now`` (this moment when not given), made on first use in the secrets folder."""
    return keyring.current(config, times.now() if now is None else now)


def station_json(config: Config, receiver_id: str, password: str) -> bytes:
    """station.json for that receiver, as JSON bytes."""
    keys, named = keyring.for_receivers(config, times.now())
    host, port, tls = config.broker_address
    document = Station(
        rid=receiver_id,
        keys=keys,
        mqtt=Mqtt(
            host=config.mqtt.advertise or host,
            port=port,
            username=receiver_id,
            password=password,
            tls=tls,
            ca_file=Path(config.mqtt.ca_file).name,
        ),
        roots=tuple(PublicKey(one.kid, one.x) for one in named.roots) if named else (),
        need=named.need if named else 1,
        kv=named.kv if named else 0,
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
