"""What the pages warn of: a station nobody runs, a broker meant for trying out, receivers that are not well."""

from __future__ import annotations

import enum

from sqlalchemy.orm import Session

from devices import broker
from devices.receivers import Presence, Receiver
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


class Health(enum.StrEnum):
    """How a receiver is. A hint for staff: only its journal proves that something sounded."""

    WELL = "well"
    IMPAIRED = "impaired"
    OFFLINE = "offline"
    NEVER = "never"


class Trouble(enum.StrEnum):
    OUTPUT = "output"
    CLOCK = "clock"
    DISK = "disk"
    BATTERY = "battery"


DISK_NEARLY_FULL = 0.9


def of_receiver(receiver: Receiver, now: Instant) -> Health:
    """One of four words that add up to all receivers; never heard of is not the same as lost."""
    if receiver.presence is None:
        return Health.NEVER
    if not receiver.presence.is_online(now):
        return Health.OFFLINE
    return Health.IMPAIRED if troubles(receiver.presence) else Health.WELL


def troubles(seen: Presence) -> list[Trouble]:
    """What a receiver that is online complains of."""
    found = {
        Trouble.OUTPUT: seen.output == "fault",
        Trouble.CLOCK: seen.clock_source == "none",
        Trouble.DISK: seen.disk >= DISK_NEARLY_FULL,
        Trouble.BATTERY: seen.power == "bat",
    }
    return [trouble for trouble, is_so in found.items() if is_so]
