"""Answers of the API as they leave: JSON, kept by nobody on the way."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response


def json(status: int, body: bytes) -> Response:
    answer = Response(body, status, mimetype="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def encoded(told: Any) -> bytes:
    """A struct as it is sent."""
    return msgspec.json.encode(told)
