"""One simulated receiver: what it keeps for ever, and its life from one power-up to the next power cut."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from devices import messages
from devices.link import Connected, Disconnected, Incoming, Link, LinkSettings, Message, Will
from devices.loop import NEVER, Driven
from devices.receiver import run
from devices.receiver.identity import Identity
from devices.receiver.receiver import Receiver
from devices.receiver.shelf import Shelf
from devices.receiver.store import Store
from devices.simulator.faults import Mishap
from devices.simulator.tally import TrueOutput
from devices.simulator.world import SkewedClock, World
from loa.times import SECOND

log = logging.getLogger(__name__)

LOOK = 30.0
"""Seconds between two looks at most: a clock that drifts makes what was computed longer ago wrong by milliseconds."""
GOODBYE_LOOK = 0.1
"""Seconds between two looks whether one that is to begin anew has said its goodbye."""
CRASHED_SECONDS = 10.0
"""After so long one that raised is begun again."""


class Member(Driven):
    """A receiver with and without power, driven by the loop."""

    def __init__(self, identity: Identity, store: Store, shelf: Shelf) -> None:
        self.identity, self.store, self.shelf = identity, store, shelf
        self.life: Life | None = None
        self._world: World | None = None
        self._power_at = NEVER
        self._mishaps: Iterator[Mishap] = iter(())
        self._next: Mishap | None = None
        self._order: tuple[bool, threading.Event] | None = None

    def enter(self, world: World, power_at: float) -> None:
        """Belong to a running simulation; power comes at that time (monotonic seconds)."""
        self._world, self._power_at, self.due = world, power_at, power_at
        self._mishaps = world.faults.of(self.identity.rid).mishaps()
        self._next = next(self._mishaps, None)
        world.loop.call(self)

    def order(self, power: bool, done: threading.Event) -> None:
        """Switch the power by hand; any thread may."""
        self._order = (power, done)
        if self._world:
            self._world.loop.call(self)

    def end(self) -> None:
        """End in good order."""
        self._power_at, self._next, self.due = NEVER, None, NEVER
        if self.life:
            self.life.end()

    def is_over(self) -> bool:
        """True when ``end`` is done, goodbye included."""
        return self.life is None or self.life.link.ended

    def leave(self) -> None:
        """Nothing of this life goes on, ended well or not."""
        if self.life:
            self.life.cut()
            self.life = None

    def turn(self, mask: int) -> None:  # noqa: ARG002 - its sockets are the link's
        world = self._world
        if world is None:
            return
        try:
            self._obey()
            self._go_on(world)
        except Exception:
            # What is one box's crash in the field must stay one here: it begins anew from its journal.
            log.exception("%s failed and is begun again", self.identity.rid)
            world.tally.crashes += 1
            self.leave()
            self._power_at = self.due = time.monotonic() + CRASHED_SECONDS

    def _obey(self) -> None:
        order, self._order = self._order, None
        if order is None:
            return
        power, done = order
        if not power:
            self.leave()
        self._power_at = time.monotonic() if power else NEVER
        done.set()

    def _go_on(self, world: World) -> None:
        now = time.monotonic()
        self._suffer(world, now)
        if self.life and self.life.is_ending and self.life.link.ended:
            self.leave()
            self._power_at = now
        if self.life is None and now >= self._power_at:
            self.life = Life(self, world)
        due = self._power_at if self.life is None else self.life.step()
        self.due = min(due, self._mishap_at(world))

    def _mishap_at(self, world: World) -> float:
        return NEVER if self._next is None else world.begun + self._next.at_ms / SECOND

    def _suffer(self, world: World, now: float) -> None:
        while self._next is not None and self._mishap_at(world) <= now:
            mishap, self._next = self._next, next(self._mishaps, None)
            if self.life is None:
                continue
            if mishap.kind == "link":
                self.life.link.cut()
                world.tally.link_cuts += 1
            else:
                self.leave()
                self._power_at = now + mishap.for_ms / SECOND
                world.tally.power_cuts += 1


class Life:
    """From power-up to power cut: the receiver, its link, and the faulty wire between them."""

    def __init__(self, member: Member, world: World) -> None:
        self._member, self._world = member, world
        identity = member.identity
        self._trouble = world.faults.of(identity.rid)
        clock = SkewedClock(self._trouble.clock, world.begun_at)
        self._output = TrueOutput(identity.rid, clock.mono, world.tally)
        self._in: deque[tuple[float, Incoming]] = deque()
        self._out: deque[tuple[float, Callable[[], None]]] = deque()
        """What is on the line: (when it arrives, in monotonic seconds; what)."""
        self._number = 0
        self._connected = self._over = self.is_ending = False
        self.link = Link(self._settings(identity), loop=world.loop, hear=self._hear)
        self.receiver = Receiver(
            identity,
            member.store,
            self._output,
            clock,
            self,
            world.random,
            relays=world.relays,
            shelf=member.shelf,
        )
        world.tally.powered += 1
        self.link.start()

    def _settings(self, identity: Identity) -> LinkSettings:
        mqtt = self._world.mqtt
        return LinkSettings(
            host=mqtt.host,
            port=mqtt.port,
            client_id=identity.rid,
            username=identity.rid if mqtt.password else "",
            password=mqtt.password,
            tls=mqtt.tls,
            ca_file=mqtt.ca_file,
            keepalive=self._world.keepalive,
            reconnect_most=run.RECONNECT_MOST,
            subscriptions=((messages.down_topics(identity.rid), 1),),
            will=self._will,
        )

    def _will(self) -> Will:
        topic, payload = self.receiver.will()
        return Will(topic=topic, payload=payload, qos=1, retain=True)

    # -- the end ----------------------------------------------------------------------------------

    def end(self) -> None:
        """In good order: what sounds is interrupted and journalled, the station told."""
        if self.is_ending:
            return
        self.is_ending = True
        while self._out:
            self._out.popleft()[1]()
        self.receiver.stop()
        while self._out:
            self._out.popleft()[1]()
        self.link.end()

    def cut(self) -> None:
        """The power is gone: nothing more is heard, written or said."""
        self._output.cut()
        self._over = True
        self._note_connected(False)
        self._world.tally.powered -= 1
        self.link.drop()

    # -- what comes in ----------------------------------------------------------------------------

    def _hear(self, event: Incoming) -> None:
        if self._over:
            return
        due = 0.0
        if isinstance(event, Message):
            tally = self._world.tally
            tally.heard += 1
            tally.heard_bytes += len(event.topic) + len(event.payload)
            self._number += 1
            if self._trouble.loses(self._number):
                tally.lost += 1
                return
            event = Message(event.topic, self._world.sounds.same(event.topic, event.payload))
            due = self._arrival(self._in)
        elif isinstance(event, Disconnected):
            self._in.clear()  # what was on the line
        self._in.append((due, event))
        self._world.loop.call(self._member)

    def _arrival(self, line: deque[tuple[float, Any]]) -> float:
        """When a message that sets out now arrives: none overtakes another."""
        delay = self._trouble.delay_ms(self._number) / SECOND
        earliest = line[-1][0] if line else 0.0
        return max(earliest, time.monotonic() + delay) if delay else earliest

    def _take(self, event: Incoming) -> None:
        if isinstance(event, Message):
            self.receiver.handle(event.topic, event.payload)
        elif isinstance(event, Connected):
            self._note_connected(True)
            self.receiver.connected()
        elif isinstance(event, Disconnected):
            self._note_connected(False)
            self.receiver.disconnected()

    def _note_connected(self, connected: bool) -> None:
        tally = self._world.tally
        tally.connected += connected - self._connected
        tally.connects += connected
        self._connected = connected

    # -- the loop ---------------------------------------------------------------------------------

    def step(self) -> float:
        """Do what is due; the answer is when to come again (monotonic seconds)."""
        now = time.monotonic()
        if self.is_ending:
            return now + GOODBYE_LOOK
        while self._in and self._in[0][0] <= now:
            self._take(self._in.popleft()[1])
        deadline = self.receiver.step()
        due = now + min(LOOK, max(0, deadline - self.receiver.wall()) / SECOND)
        while self._out and self._out[0][0] <= now:
            self._out.popleft()[1]()
        if self.receiver.wants_restart:
            self.end()
            return now
        return min([due, *(line[0][0] for line in (self._in, self._out) if line)])

    # -- the receiver's wire ----------------------------------------------------------------------

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        """Say something, unless it is lost."""
        self._world.tally.said += 1
        self._number += 1
        if self._trouble.loses(self._number):
            self._world.tally.lost += 1
            return
        urgency = run.urgency_of(retain)
        self._send(
            lambda: self.link.publish(topic, payload, qos=qos, retain=retain, urgency=urgency)
        )

    def subscribe(self, topic: str, qos: int) -> None:
        """Listen to a topic; a subscription is not lost, for the link sees to it."""
        self._send(lambda: self.link.subscribe(topic, qos))

    def unsubscribe(self, topic: str) -> None:
        """Listen to it no longer."""
        self._send(lambda: self.link.unsubscribe(topic))

    def _send(self, act: Callable[[], None]) -> None:
        due = self._arrival(self._out)
        if due:
            self._out.append((due, act))
        else:
            act()
