"""Sounds kept for the day nothing else works: on the box before they are needed, played by hand or by a switch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import NamedTuple

import msgspec

from devices import messages
from devices.messages import Audio, Occurrence
from devices.receiver import tone
from devices.receiver.clock import Clock
from devices.receiver.fetch import Want
from devices.receiver.store import Saved
from loa import times
from loa.times import DAY, Instant

TONE = 0
_FAR = Instant(2**53)


class Sounding(NamedTuple):
    """A canned sound as it is to be heard now."""

    occ: Occurrence
    audio: Audio


class _Kept(msgspec.Struct, frozen=True):
    can: messages.Canned
    audio: Audio


class Shelved:
    """The canned set: given by a plan with emergency rights, kept until another such plan gives another."""

    def __init__(self, saved: Saved) -> None:
        self._kept: dict[int, _Kept] = {}
        kept = saved.facts.get("can")
        if isinstance(kept, bytes):
            self._put(msgspec.json.decode(kept, type=list[_Kept]))

    def _put(self, kept: Iterable[_Kept]) -> None:
        self._kept = {one.can.n: one for one in kept}

    def take(self, plan: messages.Plan) -> bytes:
        """Keep what the plan says in place of what was kept; the answer is what to write down."""
        kept = [_Kept(can, plan.aud[can.sha]) for can in plan.can or ()]
        self._put(kept)
        return msgspec.json.encode(kept)

    @property
    def shas(self) -> set[str]:
        return {one.can.sha for one in self._kept.values()}

    def wants(self) -> list[Want]:
        """All of them, before any bulletin."""
        return [
            Want(sha=one.can.sha, n=one.audio.n, at=_FAR, canned=True)
            for one in self._kept.values()
        ]

    def find(self, n: int, clock: Clock, boot: int) -> Sounding | None:
        """Number ``n`` as an occurrence of this very moment; 0 is the test tone, which is no emergency."""
        if n == TONE:
            audio = Audio(n=len(tone.data()), ms=tone.MS, ct=tone.CT)
            return Sounding(_occurrence(n, tone.SHA, "N", clock, boot), audio)
        kept = self._kept.get(n)
        if kept is None:
            return None
        return Sounding(_occurrence(n, kept.can.sha, "E", clock, boot), kept.audio)


def _occurrence(n: int, sha: str, cls: messages.Class, clock: Clock, boot: int) -> Occurrence:
    now = clock.wall()
    # Without a clock the same time may come twice, the same moment of the same boot never.
    when = f"b{boot}.{clock.mono()}" if clock.source() == "none" else _utc(now)
    return Occurrence(id=f"local.{n}.{when}", at=now, late=0, end=now + DAY, sha=sha, cls=cls)


def _utc(now: Instant) -> str:
    return f"{times.local(now, UTC):%Y%m%dT%H%M%S}.{now % 1_000:03d}Z"
