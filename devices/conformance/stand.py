"""One receiver under test, and the station as it sees it: plans out, journal and state in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from devices import messages, signing
from devices.conformance.clauses import Broken, Untested
from devices.conformance.evidence import Evidence, Held
from devices.conformance.gate import Gate
from devices.conformance.keys import Keyring
from devices.conformance.program import Program
from devices.conformance.serving import Blocks
from devices.conformance.sounds import Sound, tone_sound
from devices.messages import Evack, Key, Keys, Occurrence, Plan, Settings, State
from devices.signing import PrivateKey
from loa import times
from loa.times import DAY, MINUTE, SECOND, after

LEAD = 2_500
"""Milliseconds: how far ahead the occurrences of the test lie, so that a plan is with the receiver in time."""
PATIENCE = 12.0
"""Seconds until something that should follow at once has not."""
TICK = 0.2


class Wire(Protocol):
    """The way to the broker."""

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None: ...


@dataclass(frozen=True)
class Said:
    """A state, and when it came."""

    state: State
    at: float
    raw: bytes


@dataclass
class Stand:
    """Everything a clause's check may use. Its methods are called from one thread, ``take`` from another."""

    rid: str
    folder: Path
    program: Program
    evidence: Evidence
    keys: Keyring
    wire: Wire
    blocks: Blocks
    gate: Gate | None = None
    """None: it does not connect through us."""
    wav: bool = False
    confirms: bool = True
    """Whether journals are answered by evack."""
    patience: float = 1.0
    """By how much whatever is waited for may come later than on a machine that does nothing else."""
    tells_time: bool = False
    """Whether nonces are answered."""
    rev: int = 0
    """Of the plan in force."""
    kv: int = 0
    states: list[Said] = field(default_factory=list)
    token: bytes = b""
    """The plan in force."""
    _sent: float = 0.0
    _newest: int = 0
    _plan: Plan | None = None
    _count: int = 0
    _running: bool = False

    def __post_init__(self) -> None:
        self.changed = self.gate.changed if self.gate else threading.Condition()

    # -- what comes in, from the station's thread -------------------------------------------------

    def take(self, topic: str, payload: bytes) -> None:
        """Take a message of this receiver's, and answer as a station does."""
        with self.changed:
            if topic == messages.state_topic(self.rid):
                self._take_state(payload)
            elif topic == messages.events_topic(self.rid):
                self._take_events(payload)
            elif topic == messages.get_topic(self.rid):
                self.blocks.asked(payload, self.evidence.fault)
            else:
                self.evidence.fault("connect.topics", f"published on {topic}")
            self.changed.notify_all()

    def _take_events(self, payload: bytes) -> None:
        if self.evidence.take(payload) is not None and self.confirms:
            self.acknowledge(rw=not self.evidence.upto)

    def _take_state(self, payload: bytes) -> None:
        if not payload:
            return
        try:
            state = messages.decode(payload, State)
        except ValueError as error:
            self.evidence.fault("state.schema", f"{payload[:200]!r}: {error}")
            return
        if len(payload) > messages.MAX_STATE_BYTES:
            self.evidence.fault("state.schema", f"{len(payload)} bytes")
        self.states.append(Said(state, time.monotonic(), payload))
        if state.on:
            self._even_out(state)

    def _even_out(self, state: State) -> None:
        """Send again what the state shows to be missing."""
        if state.rev < self.rev and self.token and time.monotonic() - self._sent > 2:
            self.publish_plan(self.token)
        if self.confirms and state.jid == self.evidence.jid and state.acked < self.evidence.upto:
            self.acknowledge()
        if state.nonce and self.tells_time:
            self._say_back(state.nonce)

    def _say_back(self, nonce: str) -> None:
        """The plan in force once more, with the nonce."""
        fresh = self.document(nz=nonce)
        before = self._plan or fresh
        plan = msgspec.structs.replace(before, rev=fresh.rev, iat=fresh.iat, nz=nonce)
        self.enforce(plan, self.sign(plan))

    # -- what goes out ----------------------------------------------------------------------------

    def acknowledge(self, upto: int | None = None, *, rw: bool = False, jid: str = "") -> None:
        """Say evack; without arguments, the truth."""
        upto = self.evidence.upto if upto is None else upto
        self._send_evack(Evack(jid or self.evidence.jid, upto, rw))

    def _send_evack(self, evack: Evack) -> None:
        self.wire.publish(messages.evack_topic(self.rid), messages.encode(evack), qos=1)

    def publish_plan(self, token: bytes) -> None:
        """Hand a token to the broker, retained."""
        self._sent = time.monotonic()
        self.wire.publish(messages.plan_topic(self.rid), token, qos=1, retain=True)

    def throw(self, token: bytes) -> None:
        """Send a plan that is not retained: of those that are, only the newest leaves a link that is behind."""
        self.wire.publish(messages.plan_topic(self.rid), token, qos=1)

    def document(self, *occ: Occurrence, sounds: Iterable[Sound] = (), **changes: Any) -> Plan:
        """A plan with the next revision, good for three days; ``changes`` go over its fields."""
        now = times.now()
        self._newest = max(self._newest + 1, now)
        named = {one.sha: one.audio for one in (tone_sound(), *sounds)}
        plan = Plan(
            v=1, rid=self.rid, rev=self._newest, iat=now, exp=now + 3 * DAY, hz=now + 2 * DAY,
            set=Settings(hb=20), aud=named, occ=occ, chk=messages.Checkpoint(n=7, h="ab" * 32),
        )  # fmt: skip
        return msgspec.structs.replace(plan, **changes)

    def sign(
        self, plan: Plan | bytes, key: PrivateKey | None = None, kind: str = "loa-plan"
    ) -> bytes:
        payload = plan if isinstance(plan, bytes) else messages.encode(plan)
        return (key or self.keys.plan).sign(payload, kind)

    def order(
        self,
        *occ: Occurrence,
        key: PrivateKey | None = None,
        sounds: Iterable[Sound] = (),
        **changes: Any,
    ) -> Plan:
        """Publish a plan of these occurrences, signed as it should be; it is the one in force."""
        sounds = tuple(sounds)
        for sound in sounds:
            self.blocks.offer(sound)
        with self.changed:
            plan = self.document(*occ, sounds=sounds, **changes)
            self.enforce(plan, self.sign(plan, key))
        return plan

    def enforce(self, plan: Plan, token: bytes) -> None:
        """Publish it as the plan in force: it is sent again while the state shows an older one."""
        with self.changed:
            self.rev, self.token, self._plan = plan.rev, token, plan
            self.publish_plan(token)

    def settings(self, **changes: Any) -> Settings:
        """The settings of every plan here, with changes."""
        return msgspec.structs.replace(Settings(hb=20), **changes)

    def occurrence(
        self, sound: Sound | None = None, in_ms: int = LEAD, **changes: Any
    ) -> Occurrence:
        """The next occurrence, in so many milliseconds, with a late window of 20 s; the test tone by default."""
        sound = sound or tone_sound()
        self._count += 1
        at = after(times.now(), in_ms)
        occ = Occurrence(
            id=f"c{self._count}.{at}",
            at=at,
            late=20 * SECOND,
            end=after(at, sound.ms + MINUTE),
            sha=sound.sha,
        )
        return msgspec.structs.replace(occ, **changes)

    def rekey(
        self, keys: Iterable[Key], signers: Iterable[PrivateKey] | None = None, **changes: Any
    ) -> Keys:
        """Publish a keys document, signed by all roots unless said otherwise."""
        document = self.keys_document(keys, **changes)
        self.publish_keys(document, signers)
        return document

    def keys_document(self, keys: Iterable[Key], **changes: Any) -> Keys:
        self.kv = max(self.kv + 1, times.now())
        document = Keys(v=1, kv=self.kv, iat=times.now(), keys=tuple(keys))
        return msgspec.structs.replace(document, **changes)

    def publish_keys(self, document: Keys, signers: Iterable[PrivateKey] | None = None) -> bytes:
        roots = self.keys.roots if signers is None else tuple(signers)
        token = signing.sign_jointly(messages.encode(document), "loa-keys", roots)
        self.wire.publish(messages.keys_topic(self.rid), token, qos=1, retain=True)
        return token

    # -- what is waited for -----------------------------------------------------------------------

    def until(self, found: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        """What ``found`` finds. Raises Broken when it does not come in time."""
        seconds *= self.patience
        limit = time.monotonic() + seconds
        with self.changed:
            while not (seen := found()):
                left = limit - time.monotonic()
                if left <= 0 or self._has_ended():
                    raise Broken(f"{what} did not come within {seconds:.0f} s{self._last_words()}")
                self.changed.wait(min(left, TICK))
        return seen

    def _has_ended(self) -> bool:
        return self._running and bool(self.program.complaint())

    def _last_words(self) -> str:
        complaint = self.program.complaint() if self._running else ""
        last = "; ".join(str(one) for one in self.evidence.held[-3:])
        return f"; {complaint}" if complaint else f"; its journal ends with: {last or 'nothing'}"

    def pause(self, seconds: float) -> None:
        """Let time pass, in which something may happen that must not."""
        limit = time.monotonic() + seconds
        with self.changed:
            while (left := limit - time.monotonic()) > 0:
                self.changed.wait(min(left, TICK))

    def mark(self) -> int:
        """The number of the newest entry: what follows is newer."""
        return self.evidence.upto

    def find(
        self, code: str, occ: str | None = None, *, since: int = 0, **detail: Any
    ) -> Held | None:
        """The first entry after ``since`` that says that."""
        for one in self.evidence.held[since:]:
            matches = one.code == code and occ in (None, one.entry.occ)
            if matches and all(
                one.entry.detail.get(name) == value for name, value in detail.items()
            ):
                return one
        return None

    def entry(
        self,
        code: str,
        occ: str | None = None,
        *,
        since: int = 0,
        seconds: float = PATIENCE,
        instead: str = "",
        **detail: Any,
    ) -> Held:
        """Wait for such an entry. Raises Broken when it does not come, or ``instead`` comes first."""
        what = f"{code}{detail or ''} of {occ or 'the receiver itself'}"

        def found() -> Held | None:
            held = self.find(code, occ, since=since, **detail)
            if held is None and instead and (other := self.find(instead, occ, since=since)):
                raise Broken(f"{other} where {what} was due")
            return held

        held: Held = self.until(found, what, seconds)
        return held

    def story(self, occ: str) -> list[str]:
        """The codes of an occurrence so far, in order."""
        return [one.code for one in self.evidence.held if one.entry.occ == occ]

    def state(self, holds: Callable[[State], bool], what: str, seconds: float = PATIENCE) -> State:
        """Wait for a newest state that holds. Raises Broken."""
        self.until(lambda: self.states and holds(self.states[-1].state), what, seconds)
        return self.states[-1].state

    def accepted(self, plan: Plan, seconds: float = PATIENCE) -> Held:
        """Wait until the plan is journalled as accepted."""
        return self.entry("accepted", "", rev=plan.rev, seconds=seconds)

    # -- the power and the line -------------------------------------------------------------------

    def start(self) -> None:
        """Switch it on and wait for its birth."""
        seen = len(self.states)
        self.program.start()
        self._running = True
        self.until(lambda: any(said.state.on for said in self.states[seen:]), "its birth", 30)

    def kill(self) -> None:
        """Cut its power."""
        self._running = False
        self.program.kill()

    def cut_power(self, seconds: float = 0.5) -> None:
        """Off, and on again."""
        self.kill()
        self.pause(seconds)
        self.start()

    def stop(self) -> None:
        """Ask it to end."""
        self._running = False
        self.program.stop()

    def ease(self) -> None:
        """After a clause: honest again, the line open, the power on."""
        self.confirms, self.tells_time, self.blocks.change = True, False, None
        if self.gate:
            self.gate.mend()

    @property
    def line(self) -> Gate:
        """Raises Untested where it does not connect through us."""
        if self.gate is None:
            raise Untested("needs the link in our hands: run with --receiver")
        return self.gate

    def packets(self, kind: type, since: int = 0) -> list[Any]:
        """What it sent of that kind."""
        return [one.packet for one in self.line.passed[since:] if isinstance(one.packet, kind)]
