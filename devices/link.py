"""The link to the broker, for the station and for the receiver: the only file that knows paho.

One thread per link does all that touches paho: it connects, reads, writes, publishes, keeps alive, watches
over itself and connects again. Others speak to it through the outbox and hear of it through the inbox, so
no lock is ever held while publishing and nobody's slowness stops the keepalive.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import queue
import random
import selectors
import socket
import ssl
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any, Literal

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

logger = logging.getLogger(__name__)

MOST_IN_PAHO = 100
MOST_WAITING = 50_000
MOST_WAITING_BYTES = 128 * 1024 * 1024
MOST_AUDIO_BYTES = 16 * 1024 * 1024
"""Blocks not sent are asked for again: they must not push plans out of memory."""
MOST_UNREAD = 10_000
MOST_PAYLOAD = 120_000
"""Bytes; the broker ends the connection of whoever sends a packet above 131,072."""
HEADER_BYTES = 64
"""More than a PUBLISH adds to its topic and payload."""

VERSIONS = {"3.1.1": MQTTProtocolVersion.MQTTv311, "5": MQTTProtocolVersion.MQTTv5}
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 10.0
"""At least this long to wait for CONNACK, SUBACK or PUBACK."""
SILENCE = 1.5
"""Times the keepalive; the broker's own patience, too."""
FLUSH_SECONDS = 2.0
STEADY_SECONDS = 30.0
"""A connection that lasted this long starts the waits between attempts from the shortest again."""
STALL_SECONDS = 90.0
"""The thread shows life at least every 15 s, but a name may take a minute to resolve."""
A_TURN = 200
"""Packets read or handed over before the other direction has its turn."""


class Urgency(IntEnum):
    """What leaves first: a lower number overtakes everything above it."""

    EMERGENCY = 0
    PLAN = 1
    EVACK = 2
    STATE = 3
    AUDIO = 5


class Will(msgspec.Struct, frozen=True):
    """What the broker publishes when the connection is lost without goodbye."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where to connect, as whom, and what to listen to."""

    host: str
    port: int
    client_id: str
    username: str = ""
    password: str = ""
    tls: bool = False
    ca_file: str = ""
    """Trust these authorities alone; empty: those this machine trusts. Implies TLS."""
    version: Literal["3.1.1", "5"] = "3.1.1"
    keepalive: int = 60
    subscriptions: tuple[tuple[str, int], ...] = ()
    """(topic filter, QoS), subscribed anew on every connect."""
    will: Will | Callable[[], Will] | None = None
    """A callable is asked before every attempt to connect."""
    reconnect_first: float = 1.0
    reconnect_most: float = 300.0

    def __repr__(self) -> str:
        return (
            f"LinkSettings({self.username or 'anonymous'} as {self.client_id} "
            f"at {self.host}:{self.port}, MQTT {self.version}{', TLS' if self.tls or self.ca_file else ''})"
        )


class Connected(msgspec.Struct, frozen=True):
    """Accepted by the broker, and it has answered every subscription."""

    resubscribed: bool = True
    """False: the broker refused one of the subscriptions."""


class Disconnected(msgspec.Struct, frozen=True):
    """The connection was lost, or an attempt failed for another reason than the attempt before."""

    why: str


class Message(msgspec.Struct, frozen=True):
    """A message on a topic subscribed to."""

    topic: str
    payload: bytes


class Published(msgspec.Struct, frozen=True):
    """A message published with a token is with the broker, or ``refused`` by it.

    The broker's word and no proof of anything; of a message replaced or dropped nothing is ever heard.
    """

    token: object
    refused: str | None = None


Incoming = Connected | Disconnected | Message | Published


class Link:
    """A connection that comes back by itself, until it is stopped."""

    def __init__(self, settings: LinkSettings, inbox: queue.Queue[Incoming] | None = None) -> None:
        self.settings = settings
        self.inbox: queue.Queue[Incoming] = queue.Queue(MOST_UNREAD) if inbox is None else inbox
        self.overflow = 0
        """Messages lost because nobody read the inbox."""
        self._outbox = _Outbox()
        self._will = settings.will
        for topic, qos in settings.subscriptions:
            _check_filter(topic, qos)
        self._filters = dict(settings.subscriptions)
        self._changes: deque[tuple[str, int | None]] = deque()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._bell: _Bell | None = None
        self._connected = False
        self._alive_at = 0.0
        self._told = ""
        self._unread: deque[Incoming] = deque()

    @property
    def connected(self) -> bool:
        """True from the broker's acceptance to the loss of the connection."""
        return self._connected

    @property
    def healthy(self) -> bool:
        """Whether the thread lives and goes round, connected or not."""
        alive = self._thread is not None and self._thread.is_alive()
        return alive and time.monotonic() - self._alive_at < STALL_SECONDS

    @property
    def waiting(self) -> int:
        """Messages not yet handed to the network."""
        return len(self._outbox)

    @property
    def dropped(self) -> int:
        """Messages lost because too many were waiting."""
        return self._outbox.dropped

    def start(self) -> None:
        """Connect, and stay connected, from now on; returns at once."""
        if self._thread is not None:
            raise RuntimeError("the link is already started")
        self._stopping.clear()
        self._bell = _Bell()
        self._alive_at = time.monotonic()
        # A daemon: a name that does not resolve must not hold up the end of the program.
        name = f"link-{self.settings.client_id}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send what waits, for two seconds at most, say goodbye to the broker (no will), end the thread."""
        thread, bell = self._thread, self._bell
        if thread is None or bell is None:
            return
        self._stopping.set()
        bell.ring()
        thread.join(CONNECT_SECONDS + FLUSH_SECONDS + 3)
        if thread.is_alive():
            logger.error("the link to %s:%s does not end", self.settings.host, self.settings.port)
            return
        self._thread = self._bell = None
        bell.close()

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        retain: bool = False,
        urgency: Urgency = Urgency.PLAN,
        token: object = None,
    ) -> None:
        """Send, or keep until it can be sent. Any thread may; never waits, never raises for a lost link.

        QoS 0 is dropped while disconnected. A retained message, or a block of audio, replaces the one of
        its topic that still waits. Raises ValueError for what no broker would take.
        """
        if not topic or "+" in topic or "#" in topic or qos not in (0, 1):
            raise ValueError(f"cannot publish on {topic!r} with QoS {qos}")
        if len(payload) > MOST_PAYLOAD:
            raise ValueError(f"{len(payload)} bytes on {topic}, more than {MOST_PAYLOAD}")
        if qos == 0 and not self._connected:
            return
        self._outbox.put(_Outgoing(topic, payload, qos, retain, urgency, token))
        self._ring()

    def subscribe(self, topic: str, qos: int) -> None:
        """Listen to a topic filter, now and after every reconnect. Raises ValueError for what is none."""
        _check_filter(topic, qos)
        with self._lock:
            self._filters[topic] = qos
            self._changes.append((topic, qos))
        self._ring()

    def unsubscribe(self, topic: str) -> None:
        """Listen to it no longer."""
        with self._lock:
            self._filters.pop(topic, None)
            self._changes.append((topic, None))
        self._ring()

    def set_will(self, will: Will | Callable[[], Will] | None) -> None:
        """Change the will; takes effect with the next connect."""
        self._will = will

    def _ring(self) -> None:
        bell = self._bell
        if bell is not None:
            bell.ring()

    # From here on: only the link's own thread.

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            self._once()
            steady = time.monotonic() - began > STEADY_SECONDS
            failures = 0 if steady else min(failures + 1, 30)
            ceiling = self.settings.reconnect_first * 2.0 ** max(failures - 1, 0)
            # Full jitter: ten thousand receivers must not come back in the same second.
            self._pause(random.uniform(0, min(self.settings.reconnect_most, ceiling)))  # noqa: S311

    def _once(self) -> None:
        """One connection, from the attempt to its end; whatever happens, the thread goes on."""
        session = None
        try:
            will = self._will() if callable(self._will) else self._will
            session = _Session(self, will)
            why = session.run()
        except OSError as error:
            why = str(error) or type(error).__name__
        except Exception:
            # paho raises anything on a malformed packet, and a caller's will or queue may be at fault:
            # a thread that ended here would never connect again.
            logger.exception("the link failed and connects again")
            why = "internal error"
        try:
            self._end(session, why)
        except Exception:
            # As above: an inbox that raises must not end the thread.
            logger.exception("the end of the connection could not be told")

    def _end(self, session: _Session | None, why: str) -> None:
        was_connected, self._connected = self._connected, False
        if session is not None:
            self._outbox.put_back(session.unfinished())
        self._outbox.drop_qos0()
        if was_connected or why != self._told:
            self._told = why
            logger.log(
                logging.INFO if self._stopping.is_set() else logging.WARNING,
                "%s:%s: %s",
                self.settings.host,
                self.settings.port,
                why,
            )
            self._tell(Disconnected(why))

    def _accepted(self) -> list[tuple[str, int]]:
        """The broker has accepted; what to subscribe."""
        self._outbox.drop_qos0()
        with self._lock:
            self._changes.clear()
            filters = list(self._filters.items())
        self._connected = True
        self._told = ""
        logger.info("connected: %r", self.settings)
        return filters

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping.is_set() and (left := until - time.monotonic()) > 0:
            self._alive_at = time.monotonic()
            self._stopping.wait(min(left, 15))

    def _tell(self, event: Incoming) -> None:
        """Put into the inbox, never waiting. Full: messages are counted and lost, all else comes later."""
        if self._unread:
            self._tell_late()
        with contextlib.suppress(queue.Full):
            if not self._unread:
                self.inbox.put_nowait(event)
                return
        if not isinstance(event, Message):
            self._unread.append(event)
            return
        self.overflow += 1
        if self.overflow % 1000 == 1:
            logger.error("nobody reads the inbox: %d messages lost", self.overflow)

    def _tell_late(self) -> None:
        with contextlib.suppress(queue.Full):
            while self._unread:
                self.inbox.put_nowait(self._unread[0])
                self._unread.popleft()


class _Outgoing(msgspec.Struct, eq=False):
    topic: str
    payload: bytes
    qos: int
    retain: bool
    urgency: Urgency
    token: object
    place: int = 0

    @property
    def replaces(self) -> bool:
        """Whether only the newest on this topic is worth sending; a block is the same every time."""
        return self.retain or self.urgency is Urgency.AUDIO


class _Outbox:
    """What waits to be published: the most urgent first, and first come first served among equals."""

    def __init__(self) -> None:
        self.dropped = 0
        self._lock = threading.Lock()
        self._lanes: dict[Urgency, OrderedDict[int, _Outgoing]] = {
            u: OrderedDict() for u in Urgency
        }
        self._newest: dict[str, _Outgoing] = {}
        self._bytes = dict.fromkeys(Urgency, 0)
        self._places = itertools.count()

    def __len__(self) -> int:
        with self._lock:
            return sum(map(len, self._lanes.values()))

    def put(self, item: _Outgoing) -> None:
        with self._lock:
            older = self._newest.get(item.topic) if item.replaces else None
            if older is None or older.urgency > item.urgency:
                item.place = next(self._places)
            else:
                item.place = older.place
            if older is not None:
                self._inherit(item, older)
                self._forget(older, keep_place=older.urgency == item.urgency)
            self._insert(item)
            self._make_room()

    def put_back(self, items: Iterable[_Outgoing]) -> None:
        """Those handed over but never acknowledged go first again, unless a newer one has come."""
        with self._lock:
            for older in sorted(items, key=lambda item: item.place, reverse=True):
                item = self._newest.get(older.topic, older) if older.replaces else older
                if item is not older:
                    self._forget(item)
                    self._inherit(item, older)
                    item.place = older.place
                self._insert(item)
                self._lanes[item.urgency].move_to_end(item.place, last=False)

    def take(self) -> _Outgoing | None:
        with self._lock:
            for lane in self._lanes.values():
                if lane:
                    item = next(iter(lane.values()))
                    self._forget(item)
                    return item
        return None

    def drop_qos0(self) -> None:
        with self._lock:
            for lane in self._lanes.values():
                for item in [item for item in lane.values() if item.qos == 0]:
                    self._forget(item)

    @staticmethod
    def _inherit(newer: _Outgoing, older: _Outgoing) -> None:
        """A plan revision holds the emergency of the one it replaces, and a heartbeat the birth."""
        newer.urgency = min(newer.urgency, older.urgency)
        newer.qos = max(newer.qos, older.qos)

    def _insert(self, item: _Outgoing) -> None:
        self._lanes[item.urgency][item.place] = item
        self._bytes[item.urgency] += len(item.payload)
        if item.replaces:
            self._newest[item.topic] = item

    def _forget(self, item: _Outgoing, *, keep_place: bool = False) -> None:
        if not keep_place:
            del self._lanes[item.urgency][item.place]
        self._bytes[item.urgency] -= len(item.payload)
        if self._newest.get(item.topic) is item:
            del self._newest[item.topic]

    def _make_room(self) -> None:
        while self._bytes[Urgency.AUDIO] > MOST_AUDIO_BYTES:
            self._drop_last(Urgency.AUDIO)
        while (
            sum(map(len, self._lanes.values())) > MOST_WAITING
            or sum(self._bytes.values()) > MOST_WAITING_BYTES
        ):
            self._drop_last(max(urgency for urgency, lane in self._lanes.items() if lane))

    def _drop_last(self, urgency: Urgency) -> None:
        self._forget(next(reversed(self._lanes[urgency].values())))
        self.dropped += 1
        if self.dropped % 1000 == 1:
            logger.error("too many messages wait for the broker: %d dropped", self.dropped)


class _Bell:
    """Ends the network thread's wait, from any thread."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._rung = False

    def fileno(self) -> int:
        return self._reader.fileno()

    def ring(self) -> None:
        if self._rung:
            return
        self._rung = True
        with contextlib.suppress(OSError):  # full: rung well enough; closed: nobody waits
            self._writer.send(b"!")

    def hush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)
        # After the read: a ring in between may be swallowed, but what it announced is seen this turn.
        self._rung = False

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


def _guarded(callback: Callable[..., None]) -> Callable[..., None]:
    """paho gives up its loop when a callback raises; a message we cannot handle must not cost the link."""

    @functools.wraps(callback)
    def safe(session: _Session, _client: paho.Client, _userdata: object, *arguments: Any) -> None:
        session.packets += 1
        try:
            callback(session, *arguments)
        except Exception:
            # Whatever it was, a reconnect would only bring it again: say so and go on.
            logger.exception("%s failed", callback.__name__)

    return safe


class _TlsSocket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()  # paho forgets it when the broker's certificate is not to be trusted
            raise


class _Session:
    """One connection, with a paho client of its own: nothing of a lost connection can leak into the next."""

    def __init__(self, link: Link, will: Will | None) -> None:
        self.link = link
        self.client = self._client(link.settings, will)
        self.accepted = False
        self.lost = ""
        self.window = MOST_IN_PAHO
        self.most_bytes = MOST_PAYLOAD + HEADER_BYTES
        self.inflight: dict[int, tuple[_Outgoing, float]] = {}
        self.subscribing: dict[int, tuple[list[str], bool, float]] = {}
        self.packets = 0
        self.began = self.heard = time.monotonic()
        self.flush_until = 0.0

    def _client(self, settings: LinkSettings, will: Will | None) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            protocol=VERSIONS[settings.version],
            # Ours to do, with jitter; with paho's it would fall back to MQTT 3.1 by itself.
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_SECONDS
        # No limit of paho's: the window is ours, and with one paho walks its whole queue at each PUBACK.
        client.max_inflight_messages = 0
        if settings.username:
            client.username_pw_set(settings.username, settings.password)
        if settings.tls or settings.ca_file:
            context = ssl.create_default_context(cafile=settings.ca_file or None)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.sslsocket_class = _TlsSocket
            client.tls_set_context(context)
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def run(self) -> str:
        """Connect and serve until the connection ends; returns why it did."""
        settings, bell = self.link.settings, self.link._bell
        assert bell is not None  # noqa: S101 - the thread lives between start and stop
        try:
            self.client.connect(settings.host, settings.port, max(settings.keepalive, 1))
            self._tune()
            # poll: select, which paho's own loop uses, fails silently on descriptors above 1023.
            with selectors.PollSelector() as selector:
                selector.register(bell, selectors.EVENT_READ, bell)
                while not self.lost:
                    self._turn(selector)
        finally:
            self._close()
        return self.lost

    def unfinished(self) -> list[_Outgoing]:
        """Handed over, and never acknowledged."""
        return [item for item, _ in self.inflight.values()]

    def _tune(self) -> None:
        sock = self.client.socket()
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The kernel may hold megabytes on a slow line; what it holds, an emergency cannot overtake.
            if option := getattr(socket, "TCP_NOTSENT_LOWAT", None):
                sock.setsockopt(socket.IPPROTO_TCP, option, 16_384)

    def _close(self) -> None:
        """Without goodbye, if paho has not closed it: the broker then publishes the will."""
        sock = self.client.socket()
        if sock is not None:
            sock.close()

    def _turn(self, selector: selectors.PollSelector) -> None:
        self.link._alive_at = time.monotonic()
        self._wait(selector)
        if not self.lost:
            self.client.loop_misc()
        self.link._tell_late()
        if self.accepted and not self.lost:
            self._change_subscriptions()
            self._hand_over()
        if not self.lost:
            self.lost = self._overdue()
        if not self.lost and self.link._stopping.is_set():
            self._finish()

    def _wait(self, selector: selectors.PollSelector) -> None:
        """Wait for the network, the bell or the next look at the clock; read and write."""
        sock = self.client.socket()
        if sock is None:
            self.lost = self.lost or "connection closed"
            return
        interest = selectors.EVENT_READ
        if self.client.want_write():
            interest |= selectors.EVENT_WRITE
        selector.register(sock, interest)
        try:
            ready = selector.select(self._patience(sock))
        finally:
            selector.unregister(sock)
        events = {key.data is None: mask for key, mask in ready}
        if False in events and self.link._bell is not None:
            self.link._bell.hush()
        mask = events.get(True, 0)
        if mask & selectors.EVENT_READ or _decrypted(sock):
            self.heard = time.monotonic()
            self._read()
        if mask & selectors.EVENT_WRITE and not self.lost:
            self._heed(self.client.loop_write())

    def _patience(self, sock: object) -> float:
        """Seconds to sleep when nothing happens."""
        if _decrypted(sock) or (self._may_hand_over() and self.link.waiting):
            return 0
        if self.link._unread or self.link._stopping.is_set():
            return 0.05
        return min(self.client.keepalive / 8, 15)

    def _read(self) -> None:
        for _ in range(A_TURN):
            before = self.packets
            self._heed(self.client.loop_read())
            if self.lost or self.packets == before:
                return

    def _heed(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.lost = self.lost or paho.error_string(code)

    def _change_subscriptions(self) -> None:
        while True:
            with self.link._lock:
                if not self.link._changes:
                    return
                topic, qos = self.link._changes.popleft()
            if qos is None:
                self.client.unsubscribe(topic)
            else:
                self._subscribe([(topic, qos)], first=False)

    def _subscribe(self, filters: list[tuple[str, int]], *, first: bool) -> None:
        code, number = self.client.subscribe(filters)
        self._heed(code)
        if number is not None:
            topics = [topic for topic, _ in filters]
            self.subscribing[number] = (topics, first, time.monotonic())

    def _may_hand_over(self) -> bool:
        """paho holds one unsent packet at most, so that what is urgent overtakes all others."""
        return (
            self.accepted
            and not self.lost
            and len(self.inflight) < self.window
            and not self.client.want_write()
            and not self.link._unread
        )

    def _hand_over(self) -> None:
        for _ in range(A_TURN):
            item = self.link._outbox.take() if self._may_hand_over() else None
            if item is None:
                return
            self._send(item)

    def _send(self, item: _Outgoing) -> None:
        if len(item.payload) + len(item.topic) + HEADER_BYTES > self.most_bytes:
            self._report(item, "Packet too large")
            return
        info = self.client.publish(item.topic, item.payload, item.qos, item.retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.link._outbox.put_back([item])
            self._heed(info.rc)
        elif item.qos:
            self.inflight[info.mid] = (item, time.monotonic())
        else:
            self._report(item, None)

    def _report(self, item: _Outgoing, refused: str | None) -> None:
        if refused:
            logger.error("the broker refused a message on %s: %s", item.topic, refused)
        if item.token is not None:
            self.link._tell(Published(item.token, refused))

    def _overdue(self) -> str:
        """Why the connection must be given up, if it must: the network says nothing when a peer vanishes."""
        now = time.monotonic()
        silence = SILENCE * self.client.keepalive
        answer = max(ANSWER_SECONDS, silence)
        if self.accepted and now - self.heard > silence:
            return f"no sign of life for {now - self.heard:.0f} s"
        if not self.accepted and now - self.began > answer:
            return "the broker does not answer"
        asked = [sent for _, _, sent in self.subscribing.values()]
        asked += [sent for _, sent in itertools.islice(self.inflight.values(), 1)]
        if asked and now - min(asked) > answer:
            return "the broker does not acknowledge"
        return ""

    def _finish(self) -> None:
        """The link is to stop: leave when all is sent and acknowledged, or when it takes too long."""
        now = time.monotonic()
        self.flush_until = self.flush_until or now + FLUSH_SECONDS
        busy = self.link.waiting or self.inflight or self.client.want_write()
        if self.accepted and busy and now < self.flush_until:
            return
        self.client.disconnect()
        self.lost = "stopped"

    @_guarded
    def _on_connect(self, _flags: object, reason: ReasonCode, more: Properties) -> None:
        if reason.is_failure:
            self.lost = f"refused: {reason}"
            return
        self.window = min(MOST_IN_PAHO, getattr(more, "ReceiveMaximum", MOST_IN_PAHO))
        self.most_bytes = min(self.most_bytes, getattr(more, "MaximumPacketSize", self.most_bytes))
        self.accepted = True
        filters = self.link._accepted()
        if filters:
            self._subscribe(filters, first=True)
        else:
            self.link._tell(Connected())

    @_guarded
    def _on_subscribe(self, number: int, codes: list[ReasonCode], _more: Properties) -> None:
        topics, first, _ = self.subscribing.pop(number, ([], False, 0.0))
        refused = [topic for topic, code in zip(topics, codes, strict=False) if code.is_failure]
        if refused:
            logger.error("the broker refused to subscribe us to %s", refused)
        if first:
            self.link._tell(Connected(resubscribed=not refused))

    @_guarded
    def _on_publish(self, number: int, reason: ReasonCode, _more: Properties) -> None:
        # QoS 0 is reported by _send: for it paho calls this from within publish, before anyone knows the number.
        item, _ = self.inflight.pop(number, (None, 0.0))
        if item is not None:
            self._report(item, reason.getName() if reason.is_failure else None)

    @_guarded
    def _on_message(self, message: paho.MQTTMessage) -> None:
        self.link._tell(Message(message.topic, bytes(message.payload)))

    @_guarded
    def _on_disconnect(self, _flags: object, reason: ReasonCode, _more: Properties) -> None:
        self.lost = self.lost or f"disconnected: {reason}"


def _check_filter(topic: str, qos: int) -> None:
    levels = topic.split("/")
    wild = any("+" in level and level != "+" for level in levels)
    wild = wild or any("#" in level and level != "#" for level in levels) or "#" in levels[:-1]
    if not topic or wild or qos not in (0, 1):
        raise ValueError(f"cannot subscribe to {topic!r} with QoS {qos}")


def _decrypted(sock: object) -> bool:
    """Whether TLS holds bytes already read from the network, of which poll knows nothing."""
    return isinstance(sock, ssl.SSLSocket) and sock.fileno() >= 0 and sock.pending() > 0
