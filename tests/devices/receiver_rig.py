"""A receiver on a bench: its clock turns by hand, its wire is a list, its station lives in the test."""

from __future__ import annotations

import functools
import hashlib
import json
import random
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import msgspec

from devices import messages, signing
from devices.messages import Audio, Events, Occurrence, Plan, Settings
from devices.receiver.clock import Source
from devices.receiver.identity import Identity, Mqtt
from devices.receiver.outputs import Level, Output, OutputFault, Playing, Sound, decode
from devices.receiver.receiver import Receiver
from devices.receiver.store import Change, MemoryStore, Store
from loa.times import HOUR, MINUTE, Instant

RID = "r-0421"
T0 = Instant(1_795_290_000_000)
"""2026-11-21T19:40:00Z, 02:40 in Hà Nội."""


@functools.cache
def key(kid: str, *roles: signing.KeyRole) -> signing.PrivateKey:
    return signing.PrivateKey(kid, hashlib.sha256(kid.encode()).digest(), roles)


@functools.cache
def tone(seconds: float, hertz: int = 440) -> bytes:
    """A tone as the station's recordings are: mp3, 48 kbit/s, mono, 24 kHz."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi"]
    command += [
        "-i",
        f"sine={hertz}:duration={seconds}:sample_rate=24000",
        "-ac",
        "1",
        "-ar",
        "24000",
    ]
    # Into a file, not a pipe: the length of the sound is written into its head at the end.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tone.mp3"
        subprocess.run([*command, "-b:a", "48k", str(path)], check=True)
        return path.read_bytes()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class FakeClock:
    def __init__(self, wall: int = T0) -> None:
        self._wall, self._mono = Instant(wall), 0
        self.kept_by: Source = "ntp"
        self.looks: int | None = None
        """After so many more looks at the wall clock a millisecond passes, as on a busy machine."""

    def wall(self) -> Instant:
        if self.looks is not None:
            self.looks -= 1
            if self.looks < 0:
                self.looks = None
                self.advance(1)
        return self._wall

    def mono(self) -> int:
        return self._mono

    def source(self) -> Source:
        return self.kept_by

    def advance(self, ms: int) -> None:
        self._wall, self._mono = Instant(self._wall + ms), self._mono + ms

    def set_wall(self, wall: int) -> None:
        self._wall = Instant(wall)

    def reboot(self) -> None:
        self._mono = 0


class PowerCut(BaseException):
    """The plug was pulled."""


class CuttableStore(MemoryStore):
    """Pulls the plug at a commit: before it is durable, or just after."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0
        self.cut_before: int | None = None
        self.cut_after: int | None = None

    def commit(self, change: Change) -> None:
        self.commits += 1
        if self.commits == self.cut_before:
            raise PowerCut
        super().commit(change)
        if self.commits == self.cut_after:
            raise PowerCut


@dataclass
class Heard:
    occ: str
    at: int
    ms: int | None = None
    """How long it sounded; None while it does."""


class Speaker:
    """An output that remembers, and insists on the rules: journalled first, one sound at a time."""

    name = "null"
    level: Level = "E1"
    lead_ms = 0

    def __init__(self, clock: FakeClock, store: Store) -> None:
        self._clock, self._store = clock, store
        self.heard: list[Heard] = []
        self.health: Any = "unk"
        self.opened: list[bytes] = []
        self.broken = False
        self.levels: list[float] = []
        self.complaint = ""
        self.is_shut = False

    def open(self, sound: Sound) -> Playing:
        decode(sound.data)
        self.opened.append(sound.data)
        self.levels.append(sound.level)
        return _Voice(self, sound, self._clock)

    def tend(self) -> tuple[int | None, str]:
        complaint, self.complaint = self.complaint, ""
        return None, complaint

    def shut(self) -> None:
        self.is_shut = True

    def check_journalled(self, occ: str) -> None:
        lines = self._store.lines(1, 1_000_000)
        codes = [json.loads(line.raw)[2] for line in lines if json.loads(line.raw)[1] == occ]
        assert codes[-1] == "started", f"{occ} sounds, but its journal says {codes}"

    def power_cut(self) -> None:
        for heard in self.heard:
            if heard.ms is None:
                heard.ms = self._clock.wall() - heard.at

    def begins(self, occ: str) -> int:
        return sum(heard.occ == occ for heard in self.heard)


class _Voice:
    def __init__(self, speaker: Speaker, sound: Sound, clock: FakeClock) -> None:
        self._speaker, self._sound, self._clock = speaker, sound, clock
        self._heard: Heard | None = None
        self._from = 0

    def begin(self, in_ms: int) -> None:
        if self._speaker.broken:
            self._speaker.health = "fault"
            raise OutputFault("no card")
        assert all(heard.ms is not None for heard in self._speaker.heard), "two sounds at once"
        self._speaker.check_journalled(self._sound.occ)
        self._from = self._clock.mono() + in_ms
        self._heard = Heard(self._sound.occ, self._clock.wall() + in_ms)
        self._speaker.heard.append(self._heard)

    def advance(self) -> None:
        pass

    def played_ms(self) -> int:
        return max(0, min(self._sound.ms, self._clock.mono() - self._from)) if self._heard else 0

    def left_ms(self) -> int:
        return max(0, self._from + self._sound.ms - self._clock.mono())

    def close(self) -> None:
        if self._heard and self._heard.ms is None:
            self._heard.ms = self.played_ms()


@dataclass
class Wire:
    """What the receiver sent, and what it listens to."""

    sent: list[tuple[str, bytes]] = field(default_factory=list)
    filters: set[str] = field(default_factory=set)

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        self.sent.append((topic, payload))

    def subscribe(self, topic: str, qos: int) -> None:
        self.filters.add(topic)

    def unsubscribe(self, topic: str) -> None:
        self.filters.discard(topic)

    def take(self) -> list[tuple[str, bytes]]:
        taken, self.sent = self.sent, []
        return taken

    def gets(self) -> list[messages.Get]:
        """The asks sent so far, taken out."""
        topic = messages.get_topic(RID)
        found = [messages.decode(raw, messages.Get) for name, raw in self.sent if name == topic]
        self.sent = [one for one in self.sent if one[0] != topic]
        return found


class Station:
    """The other side: signs plans, serves blocks, takes journals in by number and checks the chain."""

    def __init__(self) -> None:
        self.audio: dict[str, bytes] = {}
        self.rev = 0
        self.entries: dict[int, bytes] = {}
        self.jid = ""
        self.head = b""

    def keep(self, data: bytes) -> str:
        self.audio[sha(data)] = data
        return sha(data)

    def plan(
        self, clock: FakeClock, *occ: Occurrence, signer: str = "emergency", **more: Any
    ) -> bytes:
        roles: tuple[signing.KeyRole, ...] = (
            ("plan", "emergency") if signer == "emergency" else ("plan",)
        )
        self.rev = max(self.rev + 1, clock.wall())
        fields: dict[str, Any] = {
            "rid": RID,
            "rev": self.rev,
            "iat": clock.wall(),
            "hz": clock.wall() + 48 * HOUR,
            "exp": clock.wall() + 72 * HOUR,
            "set": Settings(),
            "aud": {
                one.sha: Audio(n=len(self.audio[one.sha]), ms=self.ms(one.sha))
                for one in occ
                if one.sha in self.audio
            },
        } | more
        plan = Plan(v=1, occ=occ, **fields)
        return key(signer, *roles).sign(messages.encode(plan), "loa-plan")

    @functools.lru_cache(maxsize=64)  # noqa: B019 - a station lives as long as its test
    def ms(self, name: str) -> int:
        return sum(len(piece) for piece in decode(self.audio[name])) * 1000 // 24_000

    def blocks(self, get: messages.Get) -> Iterator[tuple[str, bytes]]:
        data = self.audio[get.sha]
        for block in get.want:
            start = block * messages.BLOCK_BYTES
            yield messages.block_topic(get.sha, block), data[start : start + messages.BLOCK_BYTES]

    def ingest(self, token: bytes) -> bytes:
        """Take a batch in; the answer is the evack."""
        payload, _ = signing.verify(token, "loa-events", {RID: key(RID).public})
        events = messages.decode(payload, Events)
        if events.jid != self.jid:
            self.jid, self.entries, self.head = events.jid, {}, messages.first_hash(events.jid)
        upto = len(self.entries)
        if events.from_ <= upto + 1:
            for seq, raw in enumerate(map(bytes, events.e), events.from_):
                if seq <= upto:
                    assert self.entries[seq] == raw, f"entry {seq} was told twice, differently"
                    continue
                assert json.loads(raw)[0] == seq
                self.entries[seq] = raw
                self.head = messages.next_hash(self.head, raw)
            if events.from_ + len(events.e) - 1 >= upto:
                assert events.head == self.head.hex(), "the chain is broken"
        return self.evack()

    def evack(self, upto: int | None = None, rw: bool = False) -> bytes:
        at = len(self.entries) if upto is None else upto
        return messages.encode(messages.Evack(jid=self.jid, upto=at, rw=rw))


def keys_token(
    kv: int, *keys: signing.PrivateKey, roots: str = "root", signers: str = "", **more: Any
) -> bytes:
    """A keys document; ``roots`` and ``signers`` (the roots themselves when empty) are names parted by blanks."""
    fields: dict[str, Any] = {
        "roots": [{"kid": name, "x": key(name).public.x} for name in roots.split()],
        "need": len(roots.split()) or 1,
        "keys": [
            {"kid": one.public.kid, "x": one.public.x, "roles": one.public.roles}
            | {"from": T0 - HOUR, "until": T0 + 2_000 * HOUR}
            for one in keys
        ],
    } | more
    payload = json.dumps({"v": 1, "kv": kv, "iat": T0} | fields).encode()
    names = (signers or roots or "root").split()
    return signing.sign_jointly(payload, "loa-keys", [key(name) for name in names])


class Bench:
    """A receiver and all around it; ``cut`` and ``boot`` are the plug."""

    def __init__(self, folder: Path, store: Store | None = None, seed: int = 0) -> None:
        self.clock = FakeClock()
        self.store: Any = store or CuttableStore()
        self.station = Station()
        self.wire = Wire()
        self.speaker = Speaker(self.clock, self.store)
        self.output: Output = self.speaker
        self.random = random.Random(seed)
        self.web: Any = None
        station_keys = [key("plan", "plan"), key("emergency", "plan", "emergency")]
        self.identity = Identity(
            rid=RID,
            folder=folder,
            key=key(RID),
            keys={one.public.kid: one.public for one in station_keys},
            mqtt=Mqtt("127.0.0.1", 1),
        )

    def boot(self, online: bool = True) -> Bench:
        self.clock.reboot()
        self.wire.sent, self.wire.filters = [], set()
        self.receiver = Receiver(
            self.identity, self.store, self.output, self.clock, self.wire, self.random, self.web
        )
        if online:
            self.receiver.connected()
        return self

    def cut(self, ms: int = 0) -> None:
        """Pull the plug, and leave it out for ``ms``."""
        self.speaker.power_cut()
        self.clock.advance(ms)

    def occ(self, name: str, at: int, data: bytes | None = None, **more: Any) -> Occurrence:
        sound = self.station.keep(tone(1) if data is None else data)
        fields: dict[str, Any] = {"late": MINUTE, "end": at + 10 * MINUTE} | more
        return Occurrence(id=name, at=at, sha=sound, **fields)

    def give(self, *occ: Occurrence, **more: Any) -> bytes:
        """Sign a plan and hand it over."""
        token = self.station.plan(self.clock, *occ, **more)
        self.receiver.handle(messages.plan_topic(RID), token)
        return token

    def serve(self) -> None:
        """Answer what the receiver asked for, until it asks no more."""
        self.receiver.step()
        while gets := self.wire.gets():
            for get in gets:
                for topic, block in self.station.blocks(get):
                    self.receiver.handle(topic, block)
            self.receiver.step()

    def until(self, wall: int, serve: bool = False) -> None:
        """Let the time pass, by the receiver's clock, waking it when it asked to be woken."""
        while True:
            if serve:
                self.serve()
            deadline = self.receiver.step()
            if deadline > wall:
                break
            self.clock.advance(max(1, deadline - self.receiver.wall()))
        self.clock.advance(max(0, wall - self.receiver.wall()))
        self.receiver.step()

    def entries(self) -> list[messages.Entry]:
        return [
            msgspec.json.decode(line.raw, type=messages.Entry)
            for line in self.store.lines(1, 10**6)
        ]

    def codes(self, occ: str = "") -> list[str]:
        return [entry.code for entry in self.entries() if entry.occ == occ]

    def detail(self, occ: str, code: str) -> dict[str, Any]:
        """The detail of the newest such entry."""
        return [e.detail for e in self.entries() if (e.occ, e.code) == (occ, code)][-1]

    def states(self) -> list[messages.State]:
        topic = messages.state_topic(RID)
        return [
            messages.decode(raw, messages.State) for name, raw in self.wire.sent if name == topic
        ]
