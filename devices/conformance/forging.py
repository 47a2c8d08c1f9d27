"""Tokens nobody may believe."""

from __future__ import annotations

import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devices.signing import PrivateKey, b64


def headed(header: dict[str, Any], payload: bytes, secret: bytes | None = None) -> bytes:
    """Any header; signed by HMAC-SHA256 with ``secret``, or not at all."""
    head = f"{b64(json.dumps(header).encode())}.{b64(payload)}"
    mac = b64(hmac.digest(secret, head.encode(), "sha256")) if secret else ""
    return f"{head}.{mac}".encode()


def resigned(key: PrivateKey, header: dict[str, Any], payload: bytes) -> bytes:
    """Any header, under a true Ed25519 signature."""
    head = f"{b64(json.dumps(header).encode())}.{b64(payload)}".encode()
    signature = Ed25519PrivateKey.from_private_bytes(key.seed).sign(head)
    return head + b"." + b64(signature).encode()
