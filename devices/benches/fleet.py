"""Thousands of lean receivers in one process and one loop: `python -m devices.benches.fleet`.

Reads orders from standard input and answers each with one line, both JSON; ends with its input. Talks to
127.0.0.1 alone.
"""

from __future__ import annotations

import os
import random
import selectors
import socket
import sys
import time
from collections import deque
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature

from devices import messages
from devices.benches import frames
from devices.benches.pole import Pole, Station, seed
from devices.messages import BLOCK_BYTES, MAX_WANTED_BLOCKS

HOST = "127.0.0.1"
KEEPALIVE = 600
"""Seconds; heartbeats are what keeps a connection alive here, where there are any."""
READ_BYTES = 65_536
"""More than glibc gives from its heap would be mapped anew for each read, which costs six times the read."""
ANSWER_BYTES = 241
"""A small acknowledgement, as in the figures this is held against."""
CONNECTING_MOST = 500
"""Connections under way at once: the broker's listen queue is finite."""


class Begin(msgspec.Struct):
    """The first line of the input: who they are and where the broker is."""

    port: int
    run: str
    rids: list[str]
    password: str
    keys: dict[str, str]


class Order(msgspec.Struct):
    """One thing to do. ``connect``, ``drop``, ``beat``: begin heartbeats; ``write``: each of the first ``poles``
    writes ``entries`` and signs them, ``most`` in a batch; ``flood``: each sends what it wrote; ``fetch``: each asks
    for the sound ``sha`` of ``size`` bytes; ``stats``: say how it stands."""

    do: Literal["connect", "drop", "beat", "write", "flood", "fetch", "stats"]
    poles: int = 0
    entries: int = 0
    most: int = messages.MAX_BATCH_ENTRIES
    sha: str = ""
    size: int = 0


class Stats(msgspec.Struct):
    """Counts since the process began."""

    connected: int = 0
    plans: int = 0
    forged: int = 0
    unsent: int = 0
    """Journal entries not acknowledged yet, now."""
    acked: int = 0
    batches: int = 0
    blocks: int = 0
    """Blocks that were wanted, of all poles."""
    heard: int = 0
    """Blocks that reached the first pole, wanted or not: what was published."""
    fetched: int = 0
    """Poles that hold the whole sound asked for."""


class _Fetch:
    def __init__(self, sha: str, size: int) -> None:
        self.sha, self.left = sha, set(range(-(-size // BLOCK_BYTES)))
        self.asked: set[int] = set()
        self.asked_at = 0.0

    def window(self) -> bytes:
        """The next question; empty while one is open."""
        if self.asked or not self.left:
            return b""
        self.asked = set(sorted(self.left)[:MAX_WANTED_BLOCKS])
        self.asked_at = time.monotonic()
        return messages.encode(messages.Get(sha=self.sha, want=tuple(sorted(self.asked))))


class _Wire:
    """A pole's connection."""

    def __init__(self, pole: Pole) -> None:
        self.pole = pole
        self.sock: socket.socket | None = None
        self.inbox, self.outbox = bytearray(), bytearray()
        self.is_up = self.writes = self.is_waiting = self.is_reading = False
        self.number = 1
        self.fetch: _Fetch | None = None
        self.signed: deque[bytes] = deque()
        """Batches made before they were wanted: on a pole of its own that costs the station nothing."""
        self.beat_at = 0.0
        self.sent_at = 0.0


class Fleet:
    """All poles, and the loop."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._station = Station(begin.keys)
        self._wires = [
            _Wire(Pole(rid, seed(begin.run, number))) for number, rid in enumerate(begin.rids)
        ]
        self._selector = selectors.EpollSelector()
        self._to_connect: deque[_Wire] = deque()
        self._connecting = 0
        self._beats = False
        self._next_look = 0.0
        self._tenth = 0
        self.stats = Stats()

    # -- the loop ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Until the input ends."""
        os.set_blocking(sys.stdin.fileno(), False)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)
        orders = bytearray()
        while True:
            for key, mask in self._selector.select(0.02):
                if key.data is not None:
                    self._serve(key.data, mask)
                elif not self._read_orders(orders):
                    return
            self._connect_more()
            self._look()

    def _read_orders(self, orders: bytearray) -> bool:
        chunk = os.read(sys.stdin.fileno(), READ_BYTES)
        orders += chunk
        while (end := orders.find(b"\n")) >= 0:
            order = msgspec.json.decode(bytes(orders[:end]), type=Order)
            del orders[: end + 1]
            self._obey(order)
            self.stats.unsent = sum(len(wire.pole.entries) for wire in self._wires)
            print(msgspec.json.encode(self.stats).decode(), flush=True)
        return bool(chunk)

    def _obey(self, order: Order) -> None:
        chosen = self._wires[: order.poles or len(self._wires)]
        match order.do:
            case "connect":
                self._to_connect.extend(wire for wire in chosen if wire.sock is None)
            case "drop":
                for wire in self._wires:
                    self._close(wire)
            case "beat":
                self._beat()
            case "write":
                for wire in chosen:
                    self._write_entries(wire, order)
            case "flood":
                for wire in chosen:
                    self._send_journal(wire)
            case "fetch":
                for wire in chosen:
                    self._fetch(wire, order)
            case "stats":
                pass

    def _beat(self) -> None:
        self._beats = True
        for wire in self._wires:
            wire.beat_at = time.monotonic() + random.uniform(0, wire.pole.heartbeat)  # noqa: S311 - no secret

    def _write_entries(self, wire: _Wire, order: Order) -> None:
        for number in range(order.entries):
            wire.pole.note("", "clock", {"step_ms": number})
        wire.signed = deque(wire.pole.batches(order.most))

    def _fetch(self, wire: _Wire, order: Order) -> None:
        wire.fetch = _Fetch(order.sha, order.size)
        self._send(wire, frames.subscribe(2, messages.audio_topics(order.sha), 0))
        self._ask(wire)

    # -- connections ------------------------------------------------------------------------------

    def _connect_more(self) -> None:
        while self._to_connect and self._connecting < CONNECTING_MOST:
            wire = self._to_connect.popleft()
            wire.sock = socket.socket()
            wire.sock.setblocking(False)
            wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.sock.connect_ex((HOST, self._begin.port))
            wire.pole.sid = f"{random.getrandbits(64):016x}"
            rid = wire.pole.rid
            wire.outbox += frames.connect(
                rid, self._begin.password, messages.state_topic(rid), wire.pole.will(), KEEPALIVE
            )
            self._selector.register(wire.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, wire)
            wire.writes = True
            self._connecting += 1

    def _close(self, wire: _Wire) -> None:
        if wire.sock is None:
            return
        self._selector.unregister(wire.sock)
        wire.sock.close()
        self._connecting -= not wire.is_up
        self.stats.connected -= wire.is_up
        wire.sock, wire.is_up, wire.is_waiting, wire.is_reading = None, False, False, False
        wire.inbox.clear()
        wire.outbox.clear()

    def _serve(self, wire: _Wire, mask: int) -> None:
        try:
            if mask & selectors.EVENT_READ:
                self._read(wire)
            if mask & selectors.EVENT_WRITE and wire.sock is not None:
                self._write(wire)
        except OSError:
            self._close(wire)
            self._to_connect.append(wire)

    def _read(self, wire: _Wire) -> None:
        if wire.sock is None:
            return
        chunk = wire.sock.recv(READ_BYTES)
        if not chunk:
            raise ConnectionResetError
        wire.inbox += chunk
        wire.is_reading = True
        for first, body in frames.taken(wire.inbox):
            self._take(wire, first, body)
        wire.is_reading = False
        self._send(wire, b"")

    def _send(self, wire: _Wire, frame: bytes) -> None:
        """Now, or when all that has come is read: then in one piece."""
        if wire.sock is None:
            return
        wire.outbox += frame
        if wire.outbox and not wire.writes and not wire.is_reading:
            self._write(wire)

    def _write(self, wire: _Wire) -> None:
        if wire.sock is None:
            return
        try:
            sent = wire.sock.send(wire.outbox)
        except BlockingIOError:
            sent = 0
        del wire.outbox[:sent]
        if bool(wire.outbox) != wire.writes:
            wire.writes = bool(wire.outbox)
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if wire.writes else 0)
            self._selector.modify(wire.sock, wanted, wire)

    # -- what comes in ----------------------------------------------------------------------------

    def _take(self, wire: _Wire, first: int, body: bytes) -> None:
        kind = first & 0xF0
        if kind == frames.PUBLISH:
            topic, payload, number = frames.message(first, body)
            if number:
                self._send(wire, frames.puback(number))
            self._take_message(wire, topic, payload)
        elif kind == frames.CONNACK:
            if body[1]:
                raise ConnectionRefusedError(f"the broker refused {wire.pole.rid}: {body[1]}")
            self._send(wire, frames.subscribe(1, messages.down_topics(wire.pole.rid), 1))
        elif kind == frames.SUBACK and not wire.is_up:
            wire.is_up = True
            self._connecting -= 1
            self.stats.connected += 1
            self._say_state(wire, qos=1)
            self._send_journal(wire)

    def _take_message(self, wire: _Wire, topic: str, payload: bytes) -> None:
        level = topic.rsplit("/", 1)[1]
        if level == "plan":
            self._take_plan(wire, payload)
        elif level == "evack":
            gone = wire.pole.acknowledge(payload)
            self.stats.acked += gone
            wire.is_waiting = False
            self._send_journal(wire)
        elif level == "echo":
            self._station.opened(payload)
            self._publish(wire, messages.get_topic(wire.pole.rid), wire.pole.answer(ANSWER_BYTES))
        elif wire.fetch is not None:
            self._take_block(wire, wire.fetch, int(level))

    def _take_plan(self, wire: _Wire, payload: bytes) -> None:
        try:
            news = wire.pole.obey(payload, self._station)
        except (InvalidSignature, msgspec.DecodeError):
            self.stats.forged += 1
            return
        if news:
            self.stats.plans += 1
            self._send_journal(wire)

    def _take_block(self, wire: _Wire, fetch: _Fetch, number: int) -> None:
        self.stats.heard += wire is self._wires[0]
        if number not in fetch.left:
            return
        self.stats.blocks += 1
        fetch.left.discard(number)
        fetch.asked.discard(number)
        self._ask(wire)
        if not fetch.left:
            self.stats.fetched += 1

    def _ask(self, wire: _Wire) -> None:
        question = wire.fetch.window() if wire.fetch else b""
        if question:
            self._publish(wire, messages.get_topic(wire.pole.rid), question)

    # -- what goes out ----------------------------------------------------------------------------

    def _publish(self, wire: _Wire, topic: str, payload: bytes) -> None:
        wire.number = wire.number % 65_535 + 1
        self._send(wire, frames.publish(topic, payload, qos=1, number=wire.number))

    def _send_journal(self, wire: _Wire) -> None:
        """One batch at a time, as the protocol wants it."""
        if wire.is_up and not wire.is_waiting and wire.pole.entries:
            wire.is_waiting, wire.sent_at = True, time.monotonic()
            self.stats.batches += 1
            batch = wire.signed.popleft() if wire.signed else wire.pole.batch()
            self._publish(wire, messages.events_topic(wire.pole.rid), batch)

    def _say_state(self, wire: _Wire, qos: int) -> None:
        topic, state = messages.state_topic(wire.pole.rid), wire.pole.state()
        self._send(wire, frames.publish(topic, state, qos=qos, number=1, retain=True))

    def _look(self) -> None:
        """Ten times a second a tenth of them: heartbeats, and what has waited for its answer too long."""
        moment = time.monotonic()
        if moment < self._next_look:
            return
        self._next_look = moment + 0.1
        self._tenth = (self._tenth + 1) % 10
        for wire in self._wires[self._tenth :: 10]:
            if self._beats and wire.is_up and moment >= wire.beat_at:
                wire.beat_at = moment + wire.pole.heartbeat * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
                self._say_state(wire, qos=0)
            if wire.is_waiting and moment > wire.sent_at + 30:
                wire.is_waiting = False
                wire.signed.clear()
                self._send_journal(wire)
            if wire.fetch and wire.fetch.asked and moment > wire.fetch.asked_at + 5:
                wire.fetch.asked.clear()
                self._ask(wire)


def main() -> None:
    """Read who they are, and run."""
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as unbuffered:
        begin = msgspec.json.decode(unbuffered.readline(), type=Begin)
    Fleet(begin).run()


if __name__ == "__main__":
    main()
