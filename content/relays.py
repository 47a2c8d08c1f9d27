"""Relay (tiếp sóng): an upper station's stream that a bulletin is, its recording being what is fallen back on."""

from __future__ import annotations

import msgspec


class Stream(msgspec.Struct, frozen=True):
    """Where the stream is; part of a bulletin, and so of what an approver agrees to."""

    url: str
    """``http`` or ``https``."""
    hosts: tuple[str, ...] = ()
    """Hosts besides the address's own that a redirect or a playlist may name."""
    ms: int = 0
    """How long it is usually heard; whoever schedules it may say otherwise."""


class Relay(msgspec.Struct, frozen=True):
    """A stream for one broadcast."""

    url: str
    ms: int
    hosts: tuple[str, ...] = ()
