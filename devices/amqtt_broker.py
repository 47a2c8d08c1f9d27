"""The embedded broker: amqtt on loopback, for a first try and for tests, never for a commune.

amqtt 0.12.1 speaks MQTT 3.1.1 only. Mended here: a wrong password no longer ends the real client's connection,
a will obeys the access list, a client gets only retained messages it has subscribed to and may read, a taken
over connection is closed, a subscription during a broadcast does not lose the message, nor does its sender's
goodbye.

Not mended: a QoS 1 message without PUBACK within five seconds is forgotten; what is sent to a slow client is
not bounded; a packet may be as large as MQTT allows; a client that falls silent is kept, so its will comes
only when its socket closes; messages arrive with the subscription's QoS even when published with less;
nothing is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.contexts import Action, BaseContext
from amqtt.errors import AMQTTError, BrokerError, MQTTError, NoDataError
from amqtt.mqtt.connack import NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from devices import broker
from loa.errors import DeviceError

logger = logging.getLogger(__name__)

HASH = "loa.password_hash"
"""Session attribute: the account as it was at login."""
SHUTDOWN_SECONDS = 3.0
HEAR_OUT_SECONDS = 1.0


class Gate(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]  # amqtt has no types
    """Accounts and access list, from the same files as mosquitto's."""

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self.folder = Path(self.config.folder)
        self.accounts: dict[str, str] = {}
        self.stamp = (0, 0, 0)
        self.refresh()

    def refresh(self) -> None:
        """Read the accounts again if they changed."""
        now = broker.stamp(self.folder / broker.PASSWORDS)
        if now != self.stamp:
            self.accounts = broker.read_accounts(self.folder)
            self.stamp = now

    async def authenticate(self, *, session: Session) -> bool:
        """Name and password against the accounts."""
        self.refresh()
        known = self.accounts.get(session.username or "", "")
        session.attributes[HASH] = known
        return broker.check_password(session.password or "", known)

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        """Whether the session may publish to, subscribe to or be sent a topic."""
        return session is not None and may(session, action, topic)

    @dataclass
    class Config:
        """What amqtt hands to the plugin."""

        folder: str


def may(session: Session, action: Action | None, topic: str | None) -> bool:
    """The access list's word."""
    access = "write" if action == Action.PUBLISH else "read"
    return broker.allowed(session.username or "", access, topic or "")  # type: ignore[arg-type]


class Handler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt has no types
    """amqtt's end of a connection, which hears out what the client said before it left."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.goodbye: Any = None
        self.unheard = 0
        self.all_heard = asyncio.Event()
        self.all_heard.set()

    async def handle_publish(self, publish_packet: Any) -> None:
        """Counted, then as amqtt's: it acknowledges and queues the message."""
        self.unheard += 1
        self.all_heard.clear()
        await super().handle_publish(publish_packet)

    def heard(self) -> None:
        """One message of the queue has been passed on."""
        self.unheard = max(self.unheard - 1, 0)
        if not self.unheard:
            self.all_heard.set()

    async def handle_disconnect(self, disconnect: Any) -> None:
        """amqtt throws the queue away here, acknowledged or not."""
        # While we hear it out the socket closes, which cancels this and calls it again as if without goodbye.
        self.goodbye = self.goodbye or disconnect
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.all_heard.wait(), HEAR_OUT_SECONDS)
        await super().handle_disconnect(self.goodbye)


class Embedded(Broker):  # type: ignore[misc]  # amqtt has no types
    """amqtt, mended where it can be from outside."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        super().__init__(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
                "plugins": {f"{__name__}.{Gate.__name__}": {"folder": str(folder)}},
            }
        )
        self.gate: Gate = self.plugins_manager.get_plugin(Gate.__name__)
        self._applied = self.gate.stamp

    async def apply_accounts(self) -> None:
        """Take over changed accounts; only those gone or changed lose their connection."""
        self.gate.refresh()
        if self._applied == self.gate.stamp:
            return
        self._applied = self.gate.stamp
        for session, handler in list(self._sessions.values()):
            if self.gate.accounts.get(session.username) != session.attributes.get(HASH):
                await handler.handle_connection_closed()

    async def _initialize_client_session(
        self, reader: Any, writer: Any, _address: str, _port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        """As amqtt's, but nobody's session is touched before the password was right."""
        try:
            handler, session = await Handler.init_from_connect(reader, writer, self.plugins_manager)
        except (AMQTTError, MQTTError, NoDataError):
            with contextlib.suppress(OSError):
                await writer.close()
            raise
        if not await self.gate.authenticate(session=session):
            await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
            await writer.close()
            raise AMQTTError(f"refused: {session.username}")
        # As mosquitto's use_username_as_clientid: nobody can claim another's connection. Without memory
        # between connections, so that nothing piles up for those who are away.
        session.client_id, session.clean_session, session.parent = session.username, True, 0
        if session.will_flag and not may(session, Action.PUBLISH, session.will_topic):
            logger.warning("%s may not leave a will on %s", session.username, session.will_topic)
            session.will_flag = False
        await self._take_over(session.client_id)
        return handler, session

    async def _handle_message_delivery(
        self, client_session: Session, handler: Handler, wait_deliver: asyncio.Future[Any]
    ) -> bool:
        try:
            return bool(
                await super()._handle_message_delivery(client_session, handler, wait_deliver)
            )
        finally:
            handler.heard()

    async def _take_over(self, client_id: str) -> None:
        _, handler = self._sessions.get(client_id, (None, None))
        await self._delete_session(client_id)
        if handler is not None:
            await handler.handle_connection_closed()

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        """amqtt calls this at connect for everybody's subscriptions, and asks no access list."""
        topic_filter, qos = subscription
        handler = self._get_handler(session)
        subscribers = [subscriber for subscriber, _ in self._subscriptions.get(topic_filter, [])]
        if handler is None or session not in subscribers:
            return
        for topic, kept in list(self._retained_messages.items()):
            if self._matches(topic, topic_filter) and may(session, Action.RECEIVE, topic):
                self._send(handler, topic, kept.data, min(qos, kept.qos or 0), retain=True)

    async def _run_broadcast(self, running_tasks: deque[asyncio.Task[Any]]) -> None:  # noqa: ARG002
        """As amqtt's, over a copy of the subscriptions: they change while it waits."""
        message = await self._broadcast_queue.get()
        topic = message["topic"]
        for topic_filter, subscribers in list(self._subscriptions.items()):
            if not self._matches(topic, topic_filter):
                continue
            for session, qos in list(subscribers):
                handler = self._get_handler(session)
                connected = session.transitions.state == "connected"
                if handler is not None and connected and may(session, Action.RECEIVE, topic):
                    self._send(
                        handler, topic, message["data"], message.get("qos", qos), retain=False
                    )

    def _send(
        self, handler: BrokerProtocolHandler, topic: str, data: bytes, qos: int, *, retain: bool
    ) -> None:
        # amqtt gathers the finished ones of this queue, and cancels the others at shutdown.
        self._tasks_queue.append(
            asyncio.ensure_future(handler.mqtt_publish(topic, data, qos, retain=retain))
        )


def serve(folder: Path, *, host: str, port: int, stop: int, ready: Callable[[], None]) -> int:
    """Serve until the descriptor ``stop`` is readable; the exit status. Raises DeviceError."""
    if not broker.is_loopback(host):
        raise DeviceError(
            f"Bộ chuyển tin nhúng chỉ để dùng thử trên chính máy này, không mở ra địa chỉ {host}. "
            "Hãy cài mosquitto, hoặc đặt [mqtt] host = “127.0.0.1”."
        )
    # It reports every client that vanishes with a traceback.
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.WARNING)
    logger.warning(
        "this is the embedded broker, for a first try: install mosquitto before real use"
    )
    return asyncio.run(_serve(folder, host, port, stop, ready))


async def _serve(folder: Path, host: str, port: int, stop: int, ready: Callable[[], None]) -> int:
    embedded = Embedded(folder, host, port)
    try:
        await embedded.start()
    except BrokerError:
        logger.exception("the embedded broker does not start")
        return 1
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_reader(stop, stopped.set)
    ready()
    while not stopped.is_set():
        await embedded.apply_accounts()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), broker.POLL_SECONDS)
    # A client that never says a word would be waited for without end.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(embedded.shutdown(), SHUTDOWN_SECONDS)
    return 0
