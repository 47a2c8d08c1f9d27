"""What the pages warn of: a station nobody runs, a broker meant for trying out, receivers that are not well."""

from __future__ import annotations

from sqlalchemy.orm import Session

from devices import broker
from devices.fleet import DISK_NEARLY_FULL
from devices.outages import Kind
from devices.receivers import Presence
from loa.config import Config
from loa.times import Instant
from scheduler import leases


def scheduler_is_running(session: Session, now: Instant) -> bool:
    """True when some ``loa run`` works; without it nothing new is planned or sent."""
    return leases.alive(session, now)


def uses_embedded_broker(config: Config) -> bool:
    """True when receivers are served by the broker meant for trying out."""
    if config.mqtt.url:
        return False
    if config.mqtt.broker == "auto":
        return broker.mosquitto_path() is None
    return config.mqtt.broker == "embedded"


def troubles(seen: Presence) -> list[Kind]:
    """What a receiver that is online complains of."""
    found = {
        Kind.OUTPUT: seen.output == "fault",
        Kind.CLOCK: seen.clock_source == "none",
        Kind.DISK: seen.disk >= DISK_NEARLY_FULL,
        Kind.BATTERY: seen.power == "bat",
    }
    return [kind for kind, is_so in found.items() if is_so]
