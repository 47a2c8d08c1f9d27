"""The station's keys in a test, and how a keys document names them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from devices.messages import Key, Root
from devices.signing import PrivateKey
from loa import times
from loa.times import DAY, HOUR


@dataclass(frozen=True)
class Keyring:
    """The station's keys by the names the clauses call them."""

    plan: PrivateKey
    alarm: PrivateKey
    idle: PrivateKey
    """Has neither role."""
    roots: tuple[PrivateKey, ...] = ()


def public_keys(ring: Keyring) -> tuple[Key, ...]:
    """As a keys document names them, good for a year."""
    now = times.now()
    return tuple(key_entry(one, now - HOUR) for one in (ring.plan, ring.alarm, ring.idle))


def key_entry(key: PrivateKey, since: int, until: int | None = None) -> Key:
    """A key as a keys document names it."""
    public = key.public
    return Key(public.kid, public.x, public.roles, since, until or since + 365 * DAY)


def root_entries(roots: Iterable[PrivateKey]) -> tuple[Root, ...]:
    return tuple(Root(one.public.kid, one.public.x) for one in roots)
