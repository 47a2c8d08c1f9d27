"""As much of MQTT 3.1.1 as a load generator needs; whoever wants a client takes ``devices.link``."""

from __future__ import annotations

import struct
from collections.abc import Iterator

CONNACK, PUBLISH, PUBACK, SUBACK = 0x20, 0x30, 0x40, 0x90
PINGREQ = b"\xc0\x00"
MOST_LENGTH_BYTES = 4


def _text(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("!H", len(raw)) + raw


def _frame(kind: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        rest, low = divmod(rest, 128)
        length += bytes([low | (0x80 if rest else 0)])
        if not rest:
            return bytes([kind]) + length + body


def connect(client: str, password: str, will_topic: str, will: bytes, keepalive: int) -> bytes:
    """A clean session under user name and client id ``client``, with a retained will of QoS 1."""
    flags = 0x80 | 0x40 | 0x20 | 0x08 | 0x04 | 0x02
    head = _text("MQTT") + bytes([4, flags]) + struct.pack("!H", keepalive)
    body = _text(client) + _text(will_topic) + _text(will) + _text(client) + _text(password)
    return _frame(0x10, head + body)


def subscribe(number: int, topic: str, qos: int) -> bytes:
    return _frame(0x82, struct.pack("!H", number) + _text(topic) + bytes([qos]))


def publish(
    topic: str, payload: bytes, *, qos: int, number: int = 0, retain: bool = False
) -> bytes:
    head = _text(topic) + (struct.pack("!H", number) if qos else b"")
    return _frame(PUBLISH | qos << 1 | retain, head + payload)


def puback(number: int) -> bytes:
    return _frame(PUBACK, struct.pack("!H", number))


def taken(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """(first byte, body) of each whole frame, which is taken out of the buffer."""
    at = 0
    while (found := _one(buffer, at)) is not None:
        start, end = found
        yield buffer[at], bytes(buffer[start:end])
        at = end
    del buffer[:at]


def _one(buffer: bytearray, at: int) -> tuple[int, int] | None:
    """(start, end) of the body of the frame that begins at ``at``; None while it is not whole."""
    length = 0
    for place in range(MOST_LENGTH_BYTES):
        if at + 1 + place >= len(buffer):
            return None
        byte = buffer[at + 1 + place]
        length |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            start = at + 2 + place
            return (start, start + length) if start + length <= len(buffer) else None
    raise ValueError("a length of more than four bytes")


def message(first: int, body: bytes) -> tuple[str, bytes, int]:
    """(topic, payload, packet number; 0 for QoS 0) of a PUBLISH."""
    size = struct.unpack_from("!H", body)[0]
    topic, at = body[2 : 2 + size].decode(), 2 + size
    if not first & 0x06:
        return topic, body[at:], 0
    return topic, body[at + 2 :], struct.unpack_from("!H", body, at)[0]
