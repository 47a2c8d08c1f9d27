"""The protocol as an AsyncAPI 3 document: ``python -m devices.asyncapi docs/asyncapi.yaml``.

Written from the receiver's side: it *receives* on ``dn`` and ``audio``, it *sends* on ``up``.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from devices import messages
from devices.schemas import PUBLISHED

Document = dict[str, Any]
BINDING = "0.2.0"
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True)
class Channel:
    """A topic, and what travels on it."""

    name: str
    address: str
    action: Literal["receive", "send"]
    message: str
    """What the payload is called in the schemas; empty: raw bytes."""
    kind: Literal["json", "jws", "jws-json", "bytes"]
    typ: str
    """``typ`` of the signature's header."""
    qos: int
    retain: bool
    most: int
    """Bytes."""
    says: str


CHANNELS = (
    Channel("plan", "loa/1/{rid}/dn/plan", "receive", "plan", "jws", "loa-plan", 1, True, messages.MAX_PLAN_BYTES,
            "All that one receiver will do: replaces the one before."),
    Channel("keys", "loa/1/{rid}/dn/keys", "receive", "keys", "jws-json", "loa-keys", 1, True, messages.MAX_KEYS_BYTES,
            "The keys a receiver obeys, signed by the roots: replaces those before."),
    Channel("evack", "loa/1/{rid}/dn/evack", "receive", "evack", "json", "", 1, False, 256,
            "The journal up to here is committed at the station."),
    Channel("block", "loa/1/audio/{sha16}/{block}", "receive", "", "bytes", "", 0, False, messages.BLOCK_BYTES,
            "One block of a sound, for everyone who is fetching it."),
    Channel("state", "loa/1/{rid}/up/state", "send", "state", "json", "", 0, True, messages.MAX_STATE_BYTES,
            "Presence and summary: birth and will with QoS 1, heartbeats with QoS 0."),
    Channel("events", "loa/1/{rid}/up/evt", "send", "events", "jws", "loa-events", 1, False, messages.MAX_EVENTS_BYTES,
            "A batch of the journal, again until evack."),
    Channel("get", "loa/1/{rid}/up/get", "send", "get", "json", "", 1, False, 512,
            "Asks for blocks of a sound."),
)  # fmt: skip

PARAMETERS: dict[str, Document] = {
    "rid": {"description": "The receiver's id, its MQTT user name and client id: [a-z0-9-]{4,32}."},
    "sha16": {"description": "The first 16 characters of the sound's sha256, lower-case hex."},
    "block": {"description": "Number of the block, from 0, decimal without leading zeros."},
}
CONTENT = {
    "json": "application/json",
    "jws": "application/jose",
    "jws-json": "application/jose+json",
    "bytes": "application/octet-stream",
}


def document() -> Document:
    """The whole document, without references to other files."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Loa receiver protocol",
            "version": f"{messages.VERSION}.0.0",
            "description": "See protocol.md, which says what these messages mean; this says how they look.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"station": _server()},
        "channels": {one.name: _channel(one) for one in CHANNELS},
        "operations": {f"{one.action}-{one.name}": _operation(one) for one in CHANNELS},
        "components": {
            "messages": {one.name: _message(one) for one in CHANNELS},
            "parameters": PARAMETERS,
            "schemas": _schemas(),
            "securitySchemes": {"login": {"type": "userPassword"}},
        },
    }


def _server() -> Document:
    return {
        "host": "station.example:8883",
        "protocol": "secure-mqtt",
        "protocolVersion": "3.1.1",
        "description": "The station's broker; which one it is, station.json says.",
        "security": [{"$ref": "#/components/securitySchemes/login"}],
        "bindings": {
            "mqtt": {
                "clientId": "the receiver's id",
                "cleanSession": True,
                "keepAlive": 60,
                "lastWill": {
                    "topic": "loa/1/{rid}/up/state",
                    "qos": 1,
                    "message": '{"v":1,"on":0,"sid":"…"}',
                    "retain": True,
                },
                "bindingVersion": BINDING,
            }
        },
    }


def _channel(one: Channel) -> Document:
    names = re.findall(r"\{(\w+)\}", one.address)
    return {
        "address": one.address,
        "description": one.says,
        "messages": {one.name: {"$ref": f"#/components/messages/{one.name}"}},
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in names},
    }


def _operation(one: Channel) -> Document:
    return {
        "action": one.action,
        "channel": {"$ref": f"#/channels/{one.name}"},
        "summary": one.says,
        "messages": [{"$ref": f"#/channels/{one.name}/messages/{one.name}"}],
        "bindings": {"mqtt": {"qos": one.qos, "retain": one.retain, "bindingVersion": BINDING}},
    }


def _message(one: Channel) -> Document:
    message: Document = {"name": one.name, "contentType": CONTENT[one.kind], "summary": _form(one)}
    if one.kind == "json":
        message["payload"] = {"$ref": f"#/components/schemas/{one.message}"}
    elif one.kind == "bytes":
        message["payload"] = {"type": "string", "format": "binary", "maxLength": one.most}
    else:
        message["payload"] = {"type": "string", "maxLength": one.most}
        message["x-signed-payload"] = {"$ref": f"#/components/schemas/{one.message}"}
        message["x-jws-typ"] = one.typ
    message["x-max-bytes"] = one.most
    return message


def _form(one: Channel) -> str:
    forms = {
        "json": "JSON",
        "jws": f"JWS compact, alg Ed25519, typ {one.typ}; x-signed-payload is what it says",
        "jws-json": f"JWS general JSON, alg Ed25519, typ {one.typ}; x-signed-payload is what it says",
        "bytes": "Raw bytes",
    }
    return f"{forms[one.kind]}; at most {one.most} bytes"


def _schemas() -> Document:
    """Every type by its name in docs/schemas, and the types these are made of."""
    _, parts = msgspec.json.schema_components(
        PUBLISHED.values(), ref_template="#/components/schemas/{name}"
    )
    names = {kind.__name__: name for name, kind in PUBLISHED.items()}
    text = json.dumps({names.get(name, name): part for name, part in sorted(parts.items())})
    for title, name in names.items():
        text = text.replace(f'"#/components/schemas/{title}"', f'"#/components/schemas/{name}"')
    schemas: Document = json.loads(text)
    return schemas


def yaml(value: Any, depth: int = 0) -> str:
    """Objects, lists and scalars as YAML 1.2 block style; every JSON reader's friend is a subset of it."""
    pad = "  " * depth
    if isinstance(value, dict) and value:
        return "".join(
            f"\n{pad}{_scalar(name)}:{_inline(one, depth)}" for name, one in value.items()
        )
    if isinstance(value, list) and value:
        return "".join(f"\n{pad}-{_item(one, depth)}" for one in value)
    return f" {_scalar(value)}"


def _inline(value: Any, depth: int) -> str:
    return yaml(value, depth + 1)


def _item(value: Any, depth: int) -> str:
    if isinstance(value, dict | list) and value:
        return " " + yaml(value, depth + 1).lstrip()
    return yaml(value, depth + 1)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


HEAD = "# Made by “python -m devices.asyncapi docs/asyncapi.yaml”: change devices/asyncapi.py or devices/messages.py.\n"


def text() -> str:
    """The file."""
    return HEAD + yaml(document()).lstrip("\n") + "\n"


def main(file: Path) -> None:
    """Write it."""
    file.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
