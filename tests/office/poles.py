"""Poles: the reference receiver at each, which obeys the plans that were signed; and an ear at its horn."""

from __future__ import annotations

import functools
import io
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from devices import messages
from devices.messages import Class, Occurrence
from devices.receiver.clock import Source
from devices.receiver.identity import Identity, Mqtt
from devices.receiver.outputs import Playing, Sound, Untended
from devices.receiver.receiver import Receiver
from devices.receiver.relay import Order, Relays
from devices.receiver.shelf import Shelf
from devices.receiver.store import MemoryStore
from devices.signing import PrivateKey, PublicKey
from loa.times import Instant, after

FAR = Instant(2**60)


@dataclass
class Heard:
    """One sound as the neighbours heard it."""

    occ: str
    cls: Class
    level: float
    starts: Instant
    until: Instant = FAR
    """When it fell silent."""


@functools.cache
def _sound() -> bytes:
    """A tenth of a second: how long a recording lasts, the plan says."""
    kept = io.BytesIO()
    with wave.open(kept, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(b"\0\0" * 800)
    return kept.getvalue()


class _EverySound(Shelf):
    """A shelf on which every sound lies."""

    def has(self, sha: str, n: int) -> bool:
        return True

    def read(self, sha: str, n: int) -> bytes:
        return _sound()

    def drop_unnamed(self, *_: Any) -> None:
        pass


class _Streamed(Order):
    @property
    def detail(self) -> dict[str, str | int]:
        return {"rel": "stream"}


class _Streams(Relays):
    """Every stream can be heard."""

    def __init__(self) -> None:
        pass

    def order(self, relay: messages.Relay, fallback: bytes, late: int) -> Order:
        return _Streamed(self.tune, relay, fallback, late)


class _Wire:
    """Nobody listens: its journal is fetched by hand."""

    def publish(self, *_: object, **__: object) -> None: ...
    def subscribe(self, *_: object) -> None: ...
    def unsubscribe(self, *_: object) -> None: ...


class _Horn(Untended):
    name, level, lead_ms, health = "null", "E1", 0, "ok"

    def __init__(self, pole: Pole) -> None:
        self.pole = pole

    def open(self, sound: Sound) -> Playing:
        return _Voice(self.pole, sound)


class _Voice:
    def __init__(self, pole: Pole, sound: Sound) -> None:
        self._pole, self._sound = pole, sound
        self._heard: Heard | None = None

    def begin(self, in_ms: int) -> None:
        self._heard = self._pole.hear(self._sound, in_ms)

    def advance(self) -> None:
        pass

    def played_ms(self) -> int:
        heard = self._heard
        return max(0, min(self._sound.ms, self._pole.now - heard.starts)) if heard else 0

    def left_ms(self) -> int:
        return self._sound.ms - self.played_ms()

    def close(self) -> None:
        if self._heard is not None:
            self._heard.until = min(self._heard.until, self._pole.now)


class Pole:
    """Its clock is right, and its link is up whenever the station has something for it."""

    def __init__(
        self, rid: str, key: PrivateKey, keys: dict[str, PublicKey], folder: Path, now: Instant
    ) -> None:
        self.rid, self.key, self.now, self._boot = rid, key, now, now
        self.heard: list[Heard] = []
        self.wrong: list[str] = []
        self._marks: list[Instant] = []
        self._orders: dict[str, Occurrence] = {}
        identity = Identity(
            rid=rid, folder=folder / rid, key=key, keys=keys, mqtt=Mqtt("127.0.0.1", 1)
        )
        self.receiver = Receiver(
            identity, MemoryStore(), _Horn(self), self, _Wire(), Random(rid), relays=_Streams(),
            shelf=_EverySound(identity.audio),
        )  # fmt: skip

    # -- its clock --------------------------------------------------------------------------------

    def wall(self) -> Instant:
        return self.now

    def mono(self) -> int:
        return self.now - self._boot

    def source(self) -> Source:
        return "ntp"

    # -- what comes, and what is heard ------------------------------------------------------------

    def take(self, jws: bytes, plan: messages.Plan) -> None:
        """A plan from the station."""
        self._orders = {each.id: each for each in plan.occ}
        self.receiver.handle(messages.plan_topic(self.rid), jws)
        self._marks = sorted(_marks(plan.occ, plan.set.delay_ms))
        self.receiver.step()

    def hear(self, sound: Sound, in_ms: int) -> Heard:
        for other in self.heard:
            if other.until > self.now:
                self.wrong.append(f"at once: {sound.occ} over {other.occ} at {self.rid}")
        found = Heard(sound.occ, self._orders[sound.occ].cls, sound.level, after(self.now, in_ms))
        self.heard.append(found)
        return found

    def play(self, until: Instant) -> None:
        """Let the time pass."""
        while (moment := self._next()) < until:
            self.now = moment
            self.receiver.step()
        self.now = until
        self.receiver.step()

    def _next(self) -> Instant:
        """When something may happen: by the plan, or at the end of what sounds."""
        ahead = [each for each in self._marks if each > self.now]
        sounding = self.receiver._player._stage.now
        if sounding is not None:
            ahead.append(after(self.now, max(1, sounding.left_ms())))
        return min(ahead, default=FAR)

    def batches(self) -> Iterable[bytes]:
        """What it has written since the station last had it."""
        while (batch := self.receiver.journal.batch(self.rid, self.key)) is not None:
            yield batch


def _marks(orders: Iterable[Occurrence], delay: int) -> set[Instant]:
    marks: set[Instant] = set()
    for each in orders:
        due = after(Instant(each.at), delay)
        looks = (-3_000, 0, 1_000, each.late + 1)  # it looks each second while anything sounds
        marks |= {after(due, look) for look in looks} | {Instant(each.end + 1)}
        if each.rel:
            marks.add(after(due, each.rel.ms - 999))
    return marks
