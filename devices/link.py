"""The link to the broker, for the station and for the receiver: with ``devices.packets`` the only file that knows paho.

One thread does all that touches paho: it connects, reads, writes, publishes, keeps alive, watches over itself
and connects again. Others speak to it through the outbox and hear of it through the inbox, so no lock is ever
held while publishing and nobody's slowness stops the keepalive. The thread is the link's own, or that of a loop
that drives thousands of links.
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
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from devices.loop import A_ROUND, NEVER, Driven, Loop
from devices.outbox import Outbox, Outgoing
from devices.outbox import Urgency as Urgency
from devices.packets import Client
from devices.pipe import Pipe

logger = logging.getLogger(__name__)

MOST_IN_PAHO = 100
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
ANSWERED_SECONDS = 5.0
"""So long after we have published something, answers are read as soon as they come."""
FLUSH_SECONDS = 2.0
STEADY_SECONDS = 30.0
"""A connection that lasted this long starts the waits between attempts from the shortest again."""
A_TURN = 200
"""Packets read or handed over before the other direction has its turn."""


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
    gather: float = 0.0
    """Seconds that heartbeats and questions of many receivers may wait for one another, while we publish nothing."""

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


class Link(Driven):
    """A connection that comes back by itself, until it is stopped.

    With ``loop`` it is driven by that one, else by a thread of its own. What it has to say goes into ``inbox``, or
    to ``hear``, which is called in the loop's thread and must only note it down.
    """

    def __init__(
        self,
        settings: LinkSettings,
        inbox: queue.Queue[Incoming] | None = None,
        *,
        loop: Loop | None = None,
        hear: Callable[[Incoming], None] | None = None,
    ) -> None:
        self.settings = settings
        if inbox is not None:
            self.inbox = inbox
        self._hear = hear
        self.overflow = 0
        """Messages lost because nobody read the inbox."""
        self._outbox = Outbox()
        self._will = settings.will
        for topic, qos in settings.subscriptions:
            _check_filter(topic, qos)
        self._filters = dict(settings.subscriptions)
        self._changes: deque[tuple[str, int | None]] = deque()
        self._lock = threading.Lock()
        self._shared, self._loop = loop, loop
        self._session: _Session | None = None
        self._connected = False
        self._stopping = self._cutting = False
        self._over: threading.Event | None = None
        """There from start to end, set when the link has ended."""
        self._began = self._retry_at = 0.0
        self._failures = 0
        self._told = ""
        self._unread: deque[Incoming] = deque()

    @functools.cached_property
    def inbox(self) -> queue.Queue[Incoming]:
        """What the link says, for whoever reads it."""
        return queue.Queue(MOST_UNREAD)

    @property
    def connected(self) -> bool:
        """True from the broker's acceptance to the loss of the connection."""
        return self._connected

    @property
    def healthy(self) -> bool:
        """Whether the thread lives and goes round, connected or not."""
        loop, over = self._loop, self._over
        return loop is not None and over is not None and not over.is_set() and loop.healthy

    @property
    def waiting(self) -> int:
        """Messages not yet handed to the network."""
        return len(self._outbox)

    @property
    def dropped(self) -> int:
        """Messages lost because too many were waiting."""
        return self._outbox.dropped

    @property
    def ended(self) -> bool:
        """True when ``end`` or ``drop`` has been done."""
        return self._over is None or self._over.is_set()

    def start(self) -> None:
        """Connect, and stay connected, from now on; returns at once."""
        if not self.ended:
            raise RuntimeError("the link is already started")
        self._stopping = self._cutting = False
        self._retry_at, self._failures, self._told = 0.0, 0, ""
        self._over = threading.Event()
        if self._shared is None:
            self._loop = Loop()
            self._loop.start(f"link-{self.settings.client_id}")
        self._ring()

    def stop(self) -> None:
        """Send what waits, for two seconds at most, say goodbye to the broker (no will), and wait for the end."""
        self.end()
        self._join()

    def kill(self) -> None:
        """End as a power cut would: nothing more is sent, no goodbye. Waits for the end."""
        self.drop()
        self._join()

    def end(self) -> None:
        """As ``stop``, without waiting: ``ended`` tells."""
        self._stopping = True
        self._ring()

    def drop(self) -> None:
        """As ``kill``, without waiting."""
        self._stopping = self._cutting = True
        self._ring()

    def cut(self) -> None:
        """Break the connection without goodbye, as a bad line does; it comes back by itself."""
        self._cutting = True
        self._ring()

    def _join(self) -> None:
        over, loop = self._over, self._loop
        if over is None or loop is None:
            return
        if not over.wait(CONNECT_SECONDS + FLUSH_SECONDS + 3):
            logger.error("the link to %s:%s does not end", self.settings.host, self.settings.port)
            return
        if self._shared is None:
            loop.stop(FLUSH_SECONDS)
            self._loop = None
        self._over = None

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
        self._outbox.put(Outgoing(topic, payload, qos, retain, urgency, token))
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
        loop = self._loop
        if loop is not None:
            loop.call(self)

    # From here on: only the loop's thread.

    def turn(self, mask: int) -> None:
        """One round of the loop. Whatever happens, the link goes on."""
        try:
            self._go_on(mask)
        except OSError as error:
            self._lose(str(error) or type(error).__name__)
        except Exception:
            # paho raises anything on a malformed packet, and a caller's will or queue may be at fault:
            # a thread that ended here would never connect again.
            logger.exception("the link failed and connects again")
            self._lose("internal error")

    def _go_on(self, mask: int) -> None:
        session = self._session
        if session is None:
            self._rest()
        elif not session.is_open:
            self.due = NEVER  # another thread is connecting, and calls when it has
        elif self._cutting and not session.lost:
            self._lose("cut")
        else:
            session.turn(mask)
            if session.lost:
                self._lose(session.lost)
            else:
                self.due = time.monotonic() + session.patience()

    def _rest(self) -> None:
        """Not connected: end, wait for the next attempt, or make it."""
        if self._stopping:
            self.due = NEVER
            if self._over is not None:
                self._over.set()
        elif self._over is None:
            self.due = NEVER  # not started yet
        elif time.monotonic() >= self._retry_at:
            self._attempt()
        else:
            self.due = self._retry_at

    def _attempt(self) -> None:
        self._cutting = False
        self._began = time.monotonic()
        will = self._will() if callable(self._will) else self._will
        loop = self._loop
        assert loop is not None  # noqa: S101 - driven, so there is one
        self._session = session = _Session(self, will, loop)
        self.due = NEVER
        loop.aside(session.open, self)

    def _lose(self, why: str) -> None:
        """The end of one connection, or of an attempt."""
        session, self._session = self._session, None
        try:
            if session is not None:
                session.close()
            self._tell_end(session, why)
        except Exception:
            # As above: an inbox that raises must not end the thread.
            logger.exception("the end of the connection could not be told")
        steady = time.monotonic() - self._began > STEADY_SECONDS
        self._failures = 0 if steady else min(self._failures + 1, 30)
        ceiling = self.settings.reconnect_first * 2.0 ** max(self._failures - 1, 0)
        # Full jitter: ten thousand receivers must not come back in the same second.
        wait = random.uniform(0, min(self.settings.reconnect_most, ceiling))  # noqa: S311
        self._retry_at = time.monotonic() + wait
        self.due = 0.0 if self._stopping else self._retry_at

    def _tell_end(self, session: _Session | None, why: str) -> None:
        was_connected, self._connected = self._connected, False
        if session is not None:
            self._outbox.put_back(session.unfinished())
        self._outbox.drop_qos0()
        if was_connected or why != self._told:
            self._told = why
            logger.log(
                logging.INFO if self._stopping else logging.WARNING,
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

    def _tell(self, event: Incoming) -> None:
        """Put into the inbox, never waiting. Full: messages are counted and lost, all else comes later."""
        if self._hear is not None:
            self._hear(event)
            return
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


def _trust(ca_file: str) -> ssl.SSLContext:
    """Whom to trust, read anew when the file has changed, or after an hour where it is the machine's own list."""
    stamp = Path(ca_file).stat().st_mtime_ns if ca_file else int(time.monotonic()) // 3600
    return _context(ca_file, stamp)


@functools.lru_cache(maxsize=4)
def _context(ca_file: str, _stamp: int) -> ssl.SSLContext:
    """One for all links: the machine's own list of authorities alone takes half a megabyte."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _TlsSocket
    return context


class _Session:
    """One connection, with a paho client of its own: nothing of a lost connection can leak into the next."""

    def __init__(self, link: Link, will: Will | None, loop: Loop) -> None:
        self.link = link
        self.is_open = False
        self._loop = loop
        self._fd, self._mask = -1, 0
        self.client = self._client(link.settings, will)
        self._pipe: Pipe | None = None
        self.accepted = False
        self.lost = ""
        self.window = MOST_IN_PAHO
        self.most_bytes = MOST_PAYLOAD + HEADER_BYTES
        self.inflight: dict[int, tuple[Outgoing, float]] = {}
        self.subscribing: dict[int, tuple[list[str], bool, float]] = {}
        self.packets = self.patient = 0
        """Packets that came so far, and how many of them were messages of quality 0."""
        self.rest_until = 0.0
        """Until then nothing is read: what comes meanwhile is read together."""
        self.spoke_at = 0.0
        self.began = self.heard = time.monotonic()
        self.flush_until = 0.0

    def _client(self, settings: LinkSettings, will: Will | None) -> Client:
        client = Client(
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
            client.tls_set_context(_trust(settings.ca_file))
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_bare = functools.partial(self._on_bare, client, None)
        client.on_disconnect = self._on_disconnect
        return client

    def open(self) -> None:
        """Connect; it may block. What became of it is in ``lost``; from ``is_open`` on it is the loop's."""
        settings = self.link.settings
        try:
            self.client.connect(settings.host, settings.port, max(settings.keepalive, 1))
            self._tune()
        except OSError as error:
            self.lost = str(error) or type(error).__name__
        except Exception:
            # As in the link's turn.
            logger.exception("the link failed and connects again")
            self.lost = "internal error"
        self.began = self.heard = time.monotonic()
        self.is_open = True

    def unfinished(self) -> list[Outgoing]:
        """Handed over, and never acknowledged."""
        return [item for item, _ in self.inflight.values()]

    def _tune(self) -> None:
        sock = self.client.socket()
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The kernel may hold megabytes on a slow line; what it holds, an emergency cannot overtake.
            if option := getattr(socket, "TCP_NOTSENT_LOWAT", None):
                sock.setsockopt(socket.IPPROTO_TCP, option, 16_384)
            self._pipe = Pipe(sock)
            self.client.use(self._pipe)

    def close(self) -> None:
        """Without goodbye, if paho has not closed it: the broker then publishes the will."""
        if self._fd >= 0:
            self._loop.forget(self._fd)
        if self._pipe is not None:
            self._pipe.drop()

    def turn(self, mask: int) -> None:
        """Read, write and do what the time says; ``lost`` says afterwards whether it goes on."""
        if self.lost:
            return
        self._exchange(mask)
        if not self.lost:
            self.client.loop_misc()
        self.link._tell_late()
        if self.accepted and not self.lost:
            self._change_subscriptions()
            self._hand_over()
        if not self.lost:
            self.lost = self._overdue()
        if not self.lost and self.link._stopping:
            self._finish()
        if not self.lost:
            self._flush()
            self._watch()

    def _exchange(self, mask: int) -> None:
        """Read and write what the network is ready for."""
        if mask & selectors.EVENT_READ or self._is_unread():
            self.heard = time.monotonic()
            self._read_all()
        if mask & selectors.EVENT_WRITE and not self.lost:
            self._flush()
            self._heed(self.client.loop_write())

    def _read_all(self) -> None:
        """What has come; where nobody waits for it, more of the same may gather before it is looked at again."""
        packets, patient = self.packets, self.patient
        self._read()
        is_patient = 0 < self.packets - packets == self.patient - patient
        if is_patient and self.heard - self.spoke_at > ANSWERED_SECONDS and not self._is_unread():
            self.rest_until = self.heard + self.link.settings.gather

    def _is_unread(self) -> bool:
        return self._pipe is not None and self._pipe.is_unread

    def _is_full(self) -> bool:
        """Whether something waits for the network to take it."""
        return self.client.want_write() or (self._pipe is not None and self._pipe.is_full)

    def _flush(self) -> None:
        if self._pipe is not None:
            self._pipe.flush()

    def _watch(self) -> None:
        """Have the loop wait for what paho waits for."""
        sock = self.client.socket()
        if sock is None:
            self.lost = self.lost or "connection closed"
            return
        mask = 0 if self._is_resting() else selectors.EVENT_READ
        if self._is_full():
            mask |= selectors.EVENT_WRITE
        self._fd = sock.fileno()
        if mask and not self._mask:
            self._loop.watch(self._fd, mask, self.link)
        elif self._mask and not mask:
            self._loop.forget(self._fd)
        elif mask != self._mask:
            self._loop.rewatch(self._fd, mask, self.link)
        self._mask = mask

    def _is_resting(self) -> bool:
        """Whether to leave unread what comes."""
        if time.monotonic() >= self.rest_until:
            self.rest_until = 0.0
        return self.rest_until > 0

    def patience(self) -> float:
        """Seconds to sleep when nothing happens."""
        if self._is_unread() or (self._may_hand_over() and self.link.waiting):
            return 0
        if self.link._unread or self.link._stopping:
            return 0.05
        usual = min(self.client.keepalive / 8, A_ROUND)
        return min(usual, self.rest_until - time.monotonic()) if self.rest_until else usual

    def _read(self) -> None:
        for _ in range(A_TURN):
            before = self.packets
            self._heed(self.client.loop_read())
            # More than we have read is told by epoll: to ask the network for it here mostly costs a call for nothing.
            if self.lost or self.packets == before or not self._is_unread():
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
            and not self._is_full()
            and not self.link._unread
        )

    def _hand_over(self) -> None:
        for _ in range(A_TURN):
            item = self.link._outbox.take() if self._may_hand_over() else None
            if item is None:
                return
            self._send(item)

    def _send(self, item: Outgoing) -> None:
        if len(item.payload) + len(item.topic) + HEADER_BYTES > self.most_bytes:
            self._report(item, "Packet too large")
            return
        self.spoke_at, self.rest_until = time.monotonic(), 0.0
        info = self.client.publish(item.topic, item.payload, item.qos, item.retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.link._outbox.put_back([item])
            self._heed(info.rc)
        elif item.qos:
            self.inflight[info.mid] = (item, time.monotonic())
        else:
            self._report(item, None)

    def _report(self, item: Outgoing, refused: str | None) -> None:
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
        busy = self.link.waiting or self.inflight or self._is_full()
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
    def _on_bare(self, topic: bytes, payload: bytes, qos: int) -> None:
        self.patient += not qos
        self.link._tell(Message(topic.decode(), payload))

    @_guarded
    def _on_disconnect(self, _flags: object, reason: ReasonCode, _more: Properties) -> None:
        self.lost = self.lost or f"disconnected: {reason}"


def _check_filter(topic: str, qos: int) -> None:
    levels = topic.split("/")
    wild = any("+" in level and level != "+" for level in levels)
    wild = wild or any("#" in level and level != "#" for level in levels) or "#" in levels[:-1]
    if not topic or wild or qos not in (0, 1):
        raise ValueError(f"cannot subscribe to {topic!r} with QoS {qos}")
