"""How exactly many receivers start together: processes of their own, one clock, a machine that is kept busy.

What is run is the receiver as it is (plan, journal on disk, player, sound card), but its card is miniaudio's null
card: a thread that asks for sound as a card would, in real time, and throws it away. Each callback is noted.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import queue
import random
import subprocess
import sys
import tempfile
import time
import wave
from array import array
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar, cast

import msgspec

from devices import messages, signing
from devices.messages import Audio, Occurrence, Plan, Settings
from devices.receiver.card import Device, SystemOutput
from devices.receiver.clock import SystemClock
from devices.receiver.identity import Identity, Mqtt
from devices.receiver.outputs import RATE
from devices.receiver.receiver import Receiver
from devices.receiver.store import open_store
from loa import times
from loa.times import MINUTE, SECOND, Instant

PERIOD = 2 * SECOND
"""From one start to the next."""
HEAD_START = 4 * SECOND
"""From the signing of the plan to the first start: more than a receiver prepares ahead."""
SOUND_MS = 400
BARE = """
import sys, time
print("ready", flush=True)
for at in map(int, sys.stdin.readline().split()):
    time.sleep(max(0, at / 1000 - time.time()))
    print(time.time() * 1000 - at, flush=True)
"""
"""The ceiling: a process that does nothing but sleep until the time."""
BUSY = "while True: pass"


class Start(msgspec.Struct, frozen=True):
    """One start of one receiver, in ms from the time it was planned for."""

    n: int
    asked: float
    """When the card asked for the first frame that sounds, as its callback came."""
    card: float
    """The same on the card's own time, whose callbacks may come late."""
    realtime: bool
    """The system let the card's thread go before all others."""


class Outcome(msgspec.Struct, frozen=True):
    """What was measured; each list has a row for every start, with a number for every process."""

    receivers: list[list[Start]]
    bare: list[list[float]]
    expected: int
    """Starts that should have been."""


def measure(receivers: int, starts: int, *, busy: bool = True) -> Outcome:
    """Run ``receivers`` processes through that many starts, and as many bare ones half-way between them."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="loa-skew-"))
        ours = [
            stack.enter_context(_process("-m", "devices.skew", f"{folder}/skew-{n:02}"))
            for n in range(receivers)
        ]
        bare = [stack.enter_context(_process("-c", BARE)) for _ in range(receivers)]
        for process in [*ours, *bare]:
            _line(process)
        for _ in range((os.cpu_count() or 1) if busy else 0):
            stack.enter_context(_process("-c", BUSY))
        first = times.now() + HEAD_START
        moments = [first + n * PERIOD for n in range(starts)]
        for process in ours:
            _tell(process, moments)
        for process in bare:
            _tell(process, [at + PERIOD // 2 for at in moments])
        heard = [msgspec.json.decode(_line(one), type=list[Start]) for one in ours]
        slept = [[float(_line(one)) for _ in moments] for one in bare]
    return Outcome(
        receivers=[[one for row in heard for one in row if one.n == n] for n in range(starts)],
        bare=[list(row) for row in zip(*slept, strict=True)],
        expected=receivers * starts,
    )


def pairs(row: Sequence[float]) -> list[float]:
    """How far each is from each other."""
    return [abs(a - b) for n, a in enumerate(row) for b in row[n + 1 :]]


def share(values: Sequence[float], part: float) -> float:
    """The value that ``part`` of all do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -int(-part * len(ranked) // 1) - 1))]


# -- the processes ----------------------------------------------------------------------------------


@contextlib.contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    line = cast("IO[str]", process.stdout).readline()
    if not line:
        raise RuntimeError(f"a process of the measurement ended: {process.args!r}")
    return line


def _tell(process: subprocess.Popen[str], moments: Sequence[int]) -> None:
    pipe = cast("IO[str]", process.stdin)
    pipe.write(" ".join(map(str, moments)) + "\n")
    pipe.flush()


# -- one receiver -----------------------------------------------------------------------------------


class _Noted(SystemOutput):
    """The null card, with each callback noted."""

    starts: ClassVar[list[Start]] = []
    moments: ClassVar[list[int]] = []

    def device(self) -> Device:
        return _NotedDevice(super().device(), self)


class _NotedDevice:
    def __init__(self, device: Device, output: _Noted) -> None:
        self._device, self._output, self.close = device, output, device.close

    def start(self, feed: Generator[bytes, int, None]) -> None:
        noted = self._note(feed)
        next(noted)
        self._device.start(noted)

    def _note(self, feed: Generator[bytes, int, None]) -> Generator[bytes, int, None]:
        given, origin, wanted = 0, 2**63, (yield b"")
        while True:
            now = time.time_ns()
            origin = min(origin, now - given * 1_000_000_000 // RATE)
            block = feed.send(wanted)
            if any(block):
                frame = next(n for n, one in enumerate(array("h", block)) if one)
                self._keep(now, frame, origin, given)
                yield from _rest(feed, block)
                return
            given += wanted
            wanted = yield block

    def _keep(self, now: int, frame: int, origin: int, given: int) -> None:
        asked = now + frame * 1_000_000_000 // RATE
        moments = [at * 1_000_000 for at in self._output.moments]
        n, at = min(enumerate(moments), key=lambda one: abs(one[1] - asked))
        card = origin + (given + frame) * 1_000_000_000 // RATE
        realtime = os.sched_getscheduler(0) != os.SCHED_OTHER  # 0: this thread
        self._output.starts.append(
            Start(n=n, asked=(asked - at) / 1e6, card=(card - at) / 1e6, realtime=realtime)
        )


def _rest(feed: Generator[bytes, int, None], block: bytes) -> Generator[bytes, int, None]:
    with contextlib.suppress(StopIteration):
        while True:
            wanted = yield block
            block = feed.send(wanted)


class _NoWire:
    """The link is down: nothing audible depends on it."""

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        pass

    def subscribe(self, topic: str, qos: int) -> None:
        pass

    def unsubscribe(self, topic: str) -> None:
        pass


def _receive(folder: Path) -> list[Start]:
    """Be one receiver: told the times on standard input, it plays at each."""
    station, rid, output = signing.generate("plan", ("plan",)), folder.name, _Noted.imagined()
    folder.mkdir()
    identity = Identity(
        rid=rid,
        folder=folder,
        key=signing.generate(rid),
        keys={"plan": station.public},
        mqtt=Mqtt("127.0.0.1", 1),
    )
    store = open_store(folder / "receiver.db", times.now())
    receiver = Receiver(identity, store, output, SystemClock(), _NoWire(), random.SystemRandom())
    print("ready", flush=True)
    output.moments.extend(int(word) for word in sys.stdin.readline().split())
    _give(receiver, station, rid, output.moments)
    _loop(receiver, output.moments[-1] + SECOND)
    receiver.stop()
    store.close()
    return output.starts


def _loop(receiver: Receiver, until: int) -> None:
    """Wait as the running receiver does: for a message or the deadline."""
    inbox: queue.Queue[Any] = queue.Queue()
    while times.now() < until:
        wait = max(0.001, min(1.0, (receiver.step() - receiver.wall()) / SECOND))
        with contextlib.suppress(queue.Empty):
            inbox.get(timeout=wait)


def _give(
    receiver: Receiver, station: signing.PrivateKey, rid: str, moments: Sequence[int]
) -> None:
    sound = _sound()
    sha, now = hashlib.sha256(sound).hexdigest(), times.now()
    plan = Plan(
        v=1, rid=rid, rev=now, iat=now, exp=Instant(now + 60 * MINUTE), hz=now + 60 * MINUTE,
        set=Settings(vol=100),
        aud={sha: Audio(n=len(sound), ms=SOUND_MS, ct="audio/wav")},
        occ=tuple(Occurrence(id=f"s{n}", at=at, late=SECOND, end=at + MINUTE, sha=sha) for n, at in enumerate(moments)),
    )  # fmt: skip
    receiver.handle(messages.plan_topic(rid), station.sign(messages.encode(plan), "loa-plan"))
    for block in range(0, len(sound), messages.BLOCK_BYTES):
        number = block // messages.BLOCK_BYTES
        receiver.handle(
            messages.block_topic(sha, number), sound[block : block + messages.BLOCK_BYTES]
        )


def _sound() -> bytes:
    """A square wave: it sounds from its first sample on."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes(
            array("h", ([8_000] * 30 + [-8_000] * 30) * (SOUND_MS * RATE // SECOND // 60)).tobytes()
        )
    return file.getvalue()


if __name__ == "__main__":
    print(msgspec.json.encode(_receive(Path(sys.argv[1]))).decode(), flush=True)
