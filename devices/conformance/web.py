"""Sounds over HTTP to the same machine, for the clauses about ``base``."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    path: str
    range: str


class Web:
    """Serves bytes by their name, with ranges, until left."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.asked: list[Request] = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, files))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.base = f"http://127.0.0.1:{self._server.server_port}/a/"

    def __enter__(self) -> Web:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(web: Web, files: Mapping[str, bytes]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            web.asked.append(Request(self.path, self.headers.get("Range", "")))
            data = files.get(self.path.removeprefix("/a/"))
            if data is None:
                self._answer(404, b"")
                return
            span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if span is None:
                self._answer(200, data)
                return
            first, last = int(span[1]), min(int(span[2]), len(data) - 1)
            self._answer(206, data[first : last + 1], f"bytes {first}-{last}/{len(data)}")

        def _answer(self, status: int, body: bytes, content_range: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if content_range:
                self.send_header("Content-Range", content_range)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler
