"""The station's keys: what it signs plans with, and the document that tells receivers so. ``rotation`` changes them.

Without roots a station has the two keys it made at its first start, and they hold for ever. With roots it has a
keys document as well (``secrets/keys.jws``), which tells every receiver whose word counts, and until when.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devices import messages, signing
from devices.messages import Key, Keys
from devices.signing import KeyRole, PrivateKey, PublicKey
from loa.config import Config
from loa.errors import DeviceError
from loa.times import DAY, Instant
from loa.words import say

KIND = "loa-keys"
WARN = 30 * DAY
ROLES: dict[str, tuple[KeyRole, ...]] = {"plan": ("plan",), "emergency": ("plan", "emergency")}


@dataclass(frozen=True)
class StationKeys:
    """The keys plans are signed with. Whoever has the emergency key can break the quiet hours."""

    plan: PrivateKey
    emergency: PrivateKey


@dataclass(frozen=True)
class Standing:
    """One key of the document, for a person to look at."""

    kid: str
    roles: tuple[str, ...]
    since: Instant
    until: Instant
    state: Literal["used", "good", "early", "over", "missing"]
    """``missing``: its secret half is not on this machine."""


# -- what the station signs with ----------------------------------------------------------------------


def current(config: Config, now: Instant) -> StationKeys:
    """For each role the newest key that is good at ``now``; made on first use. Raises DeviceError."""
    kept = published(config)
    if kept is None:
        return StationKeys(plan=first(config, "plan"), emergency=first(config, "emergency"))
    return StationKeys(
        plan=_newest(config, kept, "plan", now), emergency=_newest(config, kept, "emergency", now)
    )


def document(config: Config) -> bytes | None:
    """The keys document to publish, retained, at every receiver's ``dn/keys``; None for a station without roots."""
    file = path(config)
    return file.read_bytes() if file.exists() else None


def published(config: Config) -> Keys | None:
    """What that document says. Raises DeviceError when the file is damaged."""
    token = document(config)
    if token is None:
        return None
    try:
        return messages.decode(signing.joint_payload(token), Keys)
    except (ValueError, signing.BadSignature) as error:
        raise DeviceError(
            f"Tệp khoá {path(config)} hỏng. Hãy phục hồi tệp này từ bản sao lưu."
        ) from error


def for_receivers(config: Config, now: Instant) -> tuple[tuple[PublicKey, ...], Keys | None]:
    """The keys a new receiver is given, and the document they come from."""
    kept = published(config)
    if kept is None:
        keys = current(config, now)
        return (keys.plan.public, keys.emergency.public), None
    found = (PublicKey(one.kid, one.x, one.roles, one.from_, one.until) for one in kept.keys)
    return tuple(found), kept


def standing(config: Config, now: Instant) -> list[Standing]:
    """Every key of the document, newest first; empty without one."""
    kept = published(config)
    if kept is None:
        return []
    used = {kid for role in ROLES if (kid := _newest_kid(config, kept, role, now))}
    keys = sorted(kept.keys, key=lambda one: (-one.from_, one.kid))
    return [
        Standing(
            one.kid,
            one.roles,
            Instant(one.from_),
            Instant(one.until),
            _state(config, one, used, now),
        )
        for one in keys
    ]


def warning(config: Config, now: Instant) -> str:
    """A sentence for staff while the keys in use end within a month, or already have; else empty."""
    kept = published(config)
    if kept is None:
        return ""
    ends = [max((one.until for one in kept.keys if _has(one, role)), default=0) for role in ROLES]
    left = min(ends) - now
    if left > WARN:
        return ""
    when = f"còn {left // DAY} ngày" if left > 0 else "đã hết hạn"
    return f"Khoá ký lệnh phát {when}; hết hạn thì đầu thu không phát nữa. Hãy chạy “loa keys rotate --root TỆP”."


def _state(
    config: Config, one: Key, used: set[str], now: Instant
) -> Literal["used", "good", "early", "over", "missing"]:
    if one.until <= now:
        return "over"
    if not secret(config, one.kid).exists():
        return "missing"
    if one.from_ > now:
        return "early"
    return "used" if one.kid in used else "good"


def _newest(config: Config, kept: Keys, role: str, now: Instant) -> PrivateKey:
    kid = _newest_kid(config, kept, role, now)
    if kid is None:
        name = say("lệnh phát") if role == "plan" else say("lệnh phát khẩn cấp")
        raise DeviceError(
            say(
                "Không còn khoá ký %(name)s nào dùng được. Hãy chạy “loa keys rotate --root TỆP” với tệp khoá gốc.",
                name=name,
            )
        )
    return signing.key_at(secret(config, kid), kid, ROLES[role])


def _newest_kid(config: Config, kept: Keys, role: str, now: Instant) -> str | None:
    good = [
        one
        for one in kept.keys
        if _has(one, role) and one.from_ <= now < one.until and secret(config, one.kid).exists()
    ]
    newest = max(good, key=lambda one: (one.from_, one.kid), default=None)
    return newest.kid if newest else None


def _has(one: Key, role: str) -> bool:
    """The key made for that role, not the one that may do it too."""
    return set(ROLES[role]) == set(one.roles) & {"plan", "emergency"}


def path(config: Config) -> Path:
    """Where the keys document lies."""
    return config.secrets / "keys.jws"


def secret(config: Config, kid: str) -> Path:
    """Where the secret half of that key lies."""
    made = {"plan-1": "plan.key", "emergency-1": "emergency.key"}.get(kid)
    return config.secrets / made if made else config.secrets / "keys" / f"{kid}.key"


def first(config: Config, role: str) -> PrivateKey:
    """The key made at the station's first start."""
    return signing.key_at(secret(config, f"{role}-1"), f"{role}-1", ROLES[role])
