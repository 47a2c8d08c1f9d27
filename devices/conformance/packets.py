"""MQTT packets a client sends, read as they pass by: 3.1.1, and as much of 5 as tells the same."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

CONNECT, PUBLISH, SUBSCRIBE, DISCONNECT = 1, 3, 8, 14


@dataclass(frozen=True)
class Connect:
    level: int
    """4: MQTT 3.1.1."""
    clean: bool
    keepalive: int
    client_id: str
    username: str
    will_topic: str
    will: bytes
    will_qos: int
    will_retain: bool


@dataclass(frozen=True)
class Publish:
    topic: str
    payload: bytes
    qos: int
    retain: bool


@dataclass(frozen=True)
class Subscribe:
    filters: tuple[str, ...]


@dataclass(frozen=True)
class Disconnect:
    pass


Packet = Connect | Publish | Subscribe | Disconnect


class Reader:
    """Bytes in, packets out. Raises ValueError for what is no MQTT."""

    def __init__(self) -> None:
        self._rest = b""
        self._five = False

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are whole now; kinds that tell nothing are passed over."""
        self._rest += data
        while (cut := _whole(self._rest)) is not None:
            head, body = self._rest[0], self._rest[cut[0] : cut[1]]
            self._rest = self._rest[cut[1] :]
            try:
                packet = self._parse(head >> 4, head & 15, body)
            except (IndexError, struct.error, UnicodeDecodeError) as error:
                raise ValueError("not MQTT") from error
            if packet:
                yield packet

    def _parse(self, kind: int, flags: int, body: bytes) -> Packet | None:
        if kind == CONNECT:
            return self._connect(_Body(body))
        if kind == PUBLISH:
            return self._publish(flags, _Body(body))
        if kind == SUBSCRIBE:
            return self._subscribe(_Body(body))
        return Disconnect() if kind == DISCONNECT else None

    def _connect(self, body: _Body) -> Connect:
        body.text()
        level, flags = body.byte(), body.byte()
        keepalive = body.short()
        self._five = level >= 5
        self._skip_properties(body)
        client_id = body.text()
        topic, will = "", b""
        if flags & 4:
            self._skip_properties(body)
            topic, will = body.text(), body.block()
        username = body.text() if flags & 128 else ""
        return Connect(
            level=level, clean=bool(flags & 2), keepalive=keepalive, client_id=client_id, username=username,
            will_topic=topic, will=will, will_qos=flags >> 3 & 3, will_retain=bool(flags & 32),
        )  # fmt: skip

    def _publish(self, flags: int, body: _Body) -> Publish:
        topic, qos = body.text(), flags >> 1 & 3
        if qos:
            body.short()
        self._skip_properties(body)
        return Publish(topic, body.rest(), qos, bool(flags & 1))

    def _subscribe(self, body: _Body) -> Subscribe:
        body.short()
        self._skip_properties(body)
        filters = []
        while body.left():
            filters.append(body.text())
            body.byte()
        return Subscribe(tuple(filters))

    def _skip_properties(self, body: _Body) -> None:
        if self._five:
            body.take(body.number())


class _Body:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        if size > self.left():
            raise IndexError(size)
        self._at += size
        return self._data[self._at - size : self._at]

    def rest(self) -> bytes:
        return self.take(self.left())

    def byte(self) -> int:
        return self.take(1)[0]

    def short(self) -> int:
        return int(struct.unpack(">H", self.take(2))[0])

    def block(self) -> bytes:
        return self.take(self.short())

    def text(self) -> str:
        return self.block().decode()

    def number(self) -> int:
        """MQTT's variable byte integer."""
        value = shift = 0
        while True:
            one = self.byte()
            value |= (one & 127) << shift
            if one < 128:
                return value
            shift += 7


def _whole(data: bytes) -> tuple[int, int] | None:
    """(where the body begins, where it ends) of the first packet; None while it is not whole."""
    size = shift = 0
    for at, one in enumerate(data[1:5], 2):
        size |= (one & 127) << shift
        if one < 128:
            return (at, at + size) if at + size <= len(data) else None
        shift += 7
    if len(data) >= 5:
        raise ValueError("not MQTT")
    return None
