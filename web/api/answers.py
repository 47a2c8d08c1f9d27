"""Answers of the API as they leave: JSON or a file, kept by nobody on the way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
from flask import Response, send_file


@dataclass(frozen=True)
class File:
    """What is sent as it is; one that is open is closed when it was sent."""

    content: IO[bytes] | Path
    media: str
    """Its media type: one of those of its route."""
    name: str


def json(status: int, body: bytes) -> Response:
    answer = Response(body, status, mimetype="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def encoded(told: Any) -> bytes:
    """A struct as it is sent."""
    return msgspec.json.encode(told, enc_hook=_plain)


def _plain(value: Any) -> str:
    """A sentence that a page could say in another language (loa.words): programs read the Vietnamese."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"not sent: {type(value)}")


def sent(file: File, status: int) -> Response:
    """The file, under its name."""
    answer = send_file(file.content, file.media, as_attachment=True, download_name=file.name)
    answer.status_code = status
    answer.headers["Cache-Control"] = "no-store"
    return answer
