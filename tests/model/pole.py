"""A receiver on its pole: the reference receiver whole, with a plug, a clock that steps, and an ear at its horn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from devices import messages, signing
from devices.receiver.identity import Identity, Mqtt
from devices.receiver.outputs import Output, Sound
from devices.receiver.receiver import Receiver
from devices.receiver.store import Change
from tests.model.air import Air, Connection
from tests.model.box import CutStore, Keeper, PoleClock, PowerCut
from tests.model.horn import Heard, Horn, TwoAtOnce
from tests.model.scenery import Scenery, key
from tests.model.timeline import Plug, Timeline

FAR = 3_600_000


@dataclass
class Obeyed:
    """A plan the receiver took as its own."""

    when: int
    wall: int
    source: str
    token: bytes
    plan: messages.Plan


class Pole:
    """Power, clock and link of one receiver; each may fail at any instant."""

    def __init__(
        self, time: Timeline, air: Air, scenery: Scenery, rid: str, keeper: Keeper
    ) -> None:
        self.time, self.air, self.rid = time, air, rid
        self.random = time.random(f"pole {rid}")
        self.plug = Plug(PowerCut)
        self.store = CutStore(self.plug, self._committed)
        self.clock = PoleClock(time, keeper)
        self.identity = Identity(
            rid=rid, folder=scenery.sounds(rid), key=key(rid), keys=scenery.station_keys,
            mqtt=Mqtt("127.0.0.1", 1),
        )  # fmt: skip
        self.horn: Output = Horn(self)
        self.receiver: Receiver | None = None
        self.connection: Connection | None = None
        self.heard: list[Heard] = []
        self.obeyed: list[Obeyed] = []
        self.troubled: list[int] = []
        """When its power or clock failed or came back."""
        self._powers: list[tuple[int, bool]] = []
        self._skews: list[tuple[int, int]] = []
        self._topics: set[str] = set()
        self._life = 0
        self._wakes = 0
        self.link_up = True
        """Whether there is a network to connect through."""

    # -- what the world sees ----------------------------------------------------------------------

    def hear(self, sound: Sound, in_ms: int) -> Heard:
        for other in self.heard:
            if other.until is None:
                raise TwoAtOnce(f"{sound.occ} sounds over {other.occ} on {self.rid}")
        assert self.receiver is not None
        heard = Heard(
            occ=sound.occ, sha=hashlib.sha256(sound.data).hexdigest(), ms=sound.ms, level=sound.level,
            begun=self.time.now, starts=self.time.now + in_ms, wall=self.receiver.wall() + in_ms,
            skew=self.receiver.wall() - self.time.now, source=self.source, rev=int(self.store.fact("rev") or 0),
        )  # fmt: skip
        self.heard.append(heard)
        self.time.note("heard", self.rid, sound.occ)
        return heard

    @property
    def source(self) -> str:
        assert self.receiver is not None
        return self.receiver._clock.source()

    def _committed(self, change: Change) -> None:
        self.store.written += [self.time.now] * len(change.lines)
        token = change.facts.get("plan")
        if isinstance(token, bytes) and self.receiver is not None:
            plan = messages.decode(signing.payload(token), messages.Plan)
            wall = self.receiver.wall()
            self.obeyed.append(Obeyed(self.time.now, wall, self.source, token, plan))
            self.time.note("obeyed", self.rid, plan.rev)

    def entries(self) -> list[list[Any]]:
        return [json.loads(raw) for raw in self.store.raws()]

    # -- power ------------------------------------------------------------------------------------

    def switch_on(self) -> None:
        if self.receiver is not None:
            return
        clock = self.clock
        self.troubled.append(self.time.now)
        self._powers.append((self.time.now, True))
        self._life += 1
        clock.boot_at = self.time.now
        if clock.keeper == "bare":
            clock.skew = -self.time.now
            self._skews.append((self.time.now, clock.skew))
            self._await_ntp()
        self._guard(self._boot)

    def _boot(self) -> None:
        self._topics.clear()
        self.receiver = Receiver(
            self.identity, self.store, self.horn, self.clock, self, self.random
        )
        self.time.note("boot", self.rid)
        self._seek_link()

    def _await_ntp(self) -> None:
        """The network gives the time after a while, or, as behind a closed port, never."""
        life = self._life
        wait = self.random.choice((2_000, 20_000, 60_000, 0))

        def arrives() -> None:
            if life == self._life:
                self.set_clock(0)

        if wait:
            self.time.within(wait, arrives)

    def cut(self) -> None:
        """The power goes, now."""
        if self.receiver is None:
            return
        self.time.note("power cut", self.rid)
        self.troubled.append(self.time.now)
        self._powers.append((self.time.now, False))
        self.plug.disarm()
        self.receiver = None
        self._life += 1
        for heard in self.heard:
            if heard.until is None:
                heard.until = self.time.now
        self._lose_link()
        wait = self.time.random(f"power {self.rid}").choice((1_000, 4_000, 20_000, 60_000))
        self.time.within(wait, self.switch_on)

    def _guard(self, act: Callable[[], None]) -> None:
        """Let the receiver do something; a cut in the midst of it ends it."""
        try:
            act()
            self._look()
        except PowerCut:
            self.cut()

    def _look(self) -> None:
        """As its loop does after every message: step, and sleep until the time it names."""
        if self.receiver is None:
            return
        deadline = self.receiver.step()
        wait = min(FAR, max(0, deadline - self.receiver.wall()))
        self._wakes += 1
        number = self._wakes
        lag = self.random.choice((0, 0, 0, 3, 25))  # a busy machine wakes it late
        self.time.within(max(1, wait) + lag, lambda: self._wake(number))

    def _wake(self, number: int) -> None:
        if self.receiver is not None and number == self._wakes:
            self._guard(lambda: None)

    # -- clock ------------------------------------------------------------------------------------

    def set_clock(self, skew: int) -> None:
        """The wall clock steps; the receiver's loop looks within a second."""
        if skew == self.clock.skew:
            return
        self.time.note("clock step", self.rid, skew)
        self.troubled.append(self.time.now)
        self.clock.skew = skew
        self._skews.append((self.time.now, skew))
        wait = self.random.randrange(1_000)
        self.time.within(wait, self.glance)

    def glance(self) -> None:
        if self.receiver is not None:
            self._guard(lambda: None)

    # -- link -------------------------------------------------------------------------------------

    def _seek_link(self) -> None:
        life = self._life
        self.time.within(self.random.randrange(200, 8_000), lambda: self._connect(life))

    def _connect(self, life: int) -> None:
        if life != self._life or self.receiver is None or self.connection:
            return
        if not self.link_up:
            self._seek_link()
            return
        self.connection = Connection(self.rid, self._deliver, will=self.receiver.will())
        self.air.connect(self.connection)
        self.air.subscribe(self.connection, messages.down_topics(self.rid))
        for pattern in sorted(self._topics):
            self.air.subscribe(self.connection, pattern)
        self._guard(self.receiver.connected)

    def _lose_link(self) -> None:
        if self.connection:
            self.air.lose(self.connection)
        self.connection = None

    def drop_link(self) -> None:
        """The connection breaks, and both ends notice."""
        if self.connection is None or self.receiver is None:
            return
        self.time.note("link lost", self.rid)
        self._lose_link()
        self.receiver.disconnected()
        self._seek_link()

    def deafen(self, ms: int) -> None:
        """The connection is half open for a while, then found dead."""
        if self.connection is None:
            return
        self.time.note("half open", self.rid)
        connection = self.connection
        connection.deaf = True

        def found_dead() -> None:
            if self.connection is connection:
                self.drop_link()

        self.time.within(ms, found_dead)

    def _deliver(self, topic: str, payload: bytes) -> None:
        receiver = self.receiver
        if receiver is not None:
            self._guard(lambda: receiver.handle(topic, payload))

    # -- the receiver's own wire ------------------------------------------------------------------

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        self.plug.passes()
        if self.connection:
            self.air.publish(self.connection, topic, payload, retain=retain)
        self.plug.passes()

    def subscribe(self, topic: str, qos: int) -> None:
        self._topics.add(topic)
        if self.connection:
            self.air.subscribe(self.connection, topic)

    def unsubscribe(self, topic: str) -> None:
        self._topics.discard(topic)
        if self.connection and topic in self.connection.filters:
            self.connection.filters.remove(topic)

    def on_at(self, when: int) -> bool:
        """Whether it had power at that true time."""
        return next((on for since, on in reversed(self._powers) if since <= when), False)

    def skew_at(self, when: int) -> int:
        """By how much its clock was wrong at that true time."""
        return next((skew for since, skew in reversed(self._skews) if since <= when), 0)

    # -- the end ----------------------------------------------------------------------------------

    def mend(self) -> None:
        """Power, network and the right time; a cut that was to come does not."""
        self.link_up = True
        self.plug.disarm()
        self.switch_on()
        if self.clock.keeper != "rtc":
            self.set_clock(0)
        if self.connection and self.connection.deaf:
            self.drop_link()

    def settled(self, kept: dict[str, int], newest: int, is_active: bool) -> bool:
        """All it wrote is kept and confirmed, and it has the newest plan."""
        receiver = self.receiver
        if receiver is None or kept.get(receiver.journal.jid) != receiver.journal.n:
            return False
        if receiver.journal.acked != receiver.journal.n:
            return False
        return not is_active or int(self.store.fact("rev") or 0) == newest
