"""What paho is spared, it would have read the same way; what it is not spared, it reads."""

from __future__ import annotations

import socket
from collections.abc import Callable

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from devices.packets import Client
from devices.pipe import Pipe

V3, V5 = MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5
UTF8_NAME = b"\x26\x00\x01a\x00\x01b"
"""A user property: a = b."""


def text(raw: bytes) -> bytes:
    return len(raw).to_bytes(2, "big") + raw


def frame(kind: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([kind, len(body)]) + body


class Ears:
    """A client at one end of a line, and what it says it heard."""

    def __init__(self, kind: type[paho.Client], version: MQTTProtocolVersion) -> None:
        near, self.far = socket.socketpair()
        near.setblocking(False)
        self.far.setblocking(False)
        self.heard: list[object] = []
        self.bare = 0
        self.client = kind(CallbackAPIVersion.VERSION2, client_id="x", protocol=version)
        self.client.max_inflight_messages = 0
        self.pipe = Pipe(near)
        self.client._sock = self.pipe
        self.client.on_message = self._on_message
        self.client.on_publish = self._on_publish
        if isinstance(self.client, Client):
            self.client.on_bare = self._on_bare

    def _on_bare(self, topic: bytes, payload: bytes, _qos: int) -> None:
        self.bare += 1
        self.heard.append((topic, payload))

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        self.heard.append((message.topic.encode(), bytes(message.payload)))

    def _on_publish(self, *told: object) -> None:
        self.heard.append(told[2:4])

    def read(self, raw: bytes) -> tuple[list[object], bytes, MQTTErrorCode]:
        """What it heard, what it answered, and how it ended."""
        self.far.send(raw)
        code = self.client.loop_read()
        self.pipe.flush()
        try:
            answer = self.far.recv(9_999)
        except BlockingIOError:
            answer = b""
        return self.heard, answer, code

    def close(self) -> None:
        self.pipe.drop()
        self.far.close()


def both(version: MQTTProtocolVersion, raw: bytes, before: Callable[[Ears], object]) -> int:
    """Both read the same from it; how often paho was spared."""
    spared, plain = Ears(Client, version), Ears(paho.Client, version)
    try:
        before(spared)
        before(plain)
        assert spared.read(raw) == plain.read(raw)
        return spared.bare
    finally:
        spared.close()
        plain.close()


@given(
    st.sampled_from([V3, V5]),
    st.integers(0, 1),
    st.binary(max_size=40),
    st.sampled_from([b"", UTF8_NAME]),
)
def test_a_message_is_read_as_paho_reads_it(version, qos, payload, properties) -> None:
    number = b"\x01\x02" if qos else b""
    table = bytes([len(properties)]) + properties if version is V5 else b""
    raw = frame(0x30 | qos << 1, text(b"loa/1/x") + number + table + payload)
    spared = both(version, raw, lambda ears: None)
    assert spared == (version is V3 or not properties)


@pytest.mark.parametrize("version", [V3, V5])
@given(st.binary(max_size=12))
def test_a_message_that_is_none_is_refused_by_paho(version, body) -> None:
    """Cut short, without a topic, or with properties that are none."""
    assert both(version, frame(0x30, text(b"") + body), lambda ears: None) == 0


@pytest.mark.parametrize("version", [V3, V5])
@pytest.mark.parametrize("more", [b"", b"\x00", b"\x10", b"\x87", b"\x87\x00"])
def test_an_acknowledgement_is_read_as_paho_reads_it(version, more) -> None:
    def publish(ears: Ears) -> None:
        assert ears.client.publish("loa/1/x", b"", 1).mid == 1
        ears.pipe.flush()
        ears.far.recv(9_999)

    for number in (b"\x00\x01", b"\x00\x02"):
        both(version, frame(0x40, number + more), publish)


def test_one_of_nothing_known_says_nothing() -> None:
    ears = Ears(Client, V5)
    assert ears.read(frame(0x40, b"\x00\x09")) == ([], b"", MQTTErrorCode.MQTT_ERR_SUCCESS)
    ears.close()
