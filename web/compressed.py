"""Styles and scripts are sent packed to browsers that can unpack them: a phone in the field pays for each byte."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, current_app, request

PACKED = frozenset({"text/javascript", "text/css", "image/svg+xml"})
LEAST = 1_000
"""Bytes: what is smaller fits in one packet anyway."""


def register(app: Flask) -> None:
    app.after_request(_pack)


def _pack(response: Response) -> Response:
    if request.endpoint != "static" or response.mimetype not in PACKED:
        return response
    response.vary.add("Accept-Encoding")
    name = (request.view_args or {}).get("filename", "")
    file = Path(current_app.static_folder or "") / name
    is_whole = response.status_code == 200 and request.method == "GET"
    if not is_whole or not request.accept_encodings["gzip"] or file.stat().st_size < LEAST:
        return response
    getattr(response.response, "close", lambda: None)()  # the file, which is not read now
    response.direct_passthrough = False
    response.set_data(_packed(file, file.stat().st_mtime_ns))
    response.content_encoding = "gzip"
    etag, _ = response.get_etag()
    if etag:
        response.set_etag(etag, weak=True)  # the same file, other bytes
    return response


@lru_cache(maxsize=128)
def _packed(file: Path, _changed: int) -> bytes:
    return gzip.compress(file.read_bytes(), 9, mtime=0)
