"""paho's client, spared what it makes of every packet: with MQTT 5 it builds the tables of all properties and all
reasons anew for each, which takes twice as long as the rest. What has properties, or a reason, is paho's to read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from devices.pipe import Pipe

SUCCESS = ReasonCode(PacketTypes.PUBACK)
NOTHING_MORE = Properties(PacketTypes.PUBACK)  # type: ignore[no-untyped-call]
A_NUMBER = 2
"""Bytes: a topic's length, a packet's number."""


class Client(paho.Client):
    """Calls ``on_bare`` (topic, payload, QoS) for a message, and ``on_message`` for one with properties."""

    on_bare: Callable[[bytes, bytes, int], None]

    def use(self, pipe: Pipe) -> None:
        """Read and write through ``pipe`` from now on, which leads to the socket it has."""
        self._sock = pipe

    def _handle_publish(self) -> MQTTErrorCode:
        packet, qos = self._in_packet["packet"], self._in_packet["command"] >> 1 & 3
        of_topic = A_NUMBER + int.from_bytes(packet[:A_NUMBER], "big")
        head = of_topic + (A_NUMBER if qos else 0)
        if self._protocol is MQTTProtocolVersion.MQTTv5:
            # The length of the properties; a packet that is cut short is paho's to refuse.
            if packet[head : head + 1] != b"\0":
                return super()._handle_publish()
            head += 1
        if qos > 1 or len(packet) < head or of_topic == A_NUMBER:
            return super()._handle_publish()
        self.on_bare(bytes(packet[A_NUMBER:of_topic]), bytes(packet[head:]), qos)
        if not qos:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        number = int.from_bytes(packet[of_topic : of_topic + A_NUMBER], "big")
        return self._send_puback(number)

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        packet = self._in_packet["packet"]
        if cmd != "PUBACK" or len(packet) != A_NUMBER:
            return super()._handle_pubackcomp(cmd)
        number = int.from_bytes(packet, "big")
        with self._out_message_mutex:
            if number in self._out_messages:
                return self._do_on_publish(number, SUCCESS, NOTHING_MORE)
        return MQTTErrorCode.MQTT_ERR_SUCCESS
