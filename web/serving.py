"""The web server: waitress, one process, a thread for each page being answered or kept live."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable

from flask import Flask
from waitress import wasyncore
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from loa import memory, times
from loa.config import Config
from loa.database import Database
from loa.errors import ConfigError
from loa.times import Instant
from web import create_app, current, uploads
from web.current import Parts

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 5
"""How long a stop waits for pages being answered."""
SILENT_MS = 30_000
"""A reader whose system has not taken what was sent for so long is gone: switched off, or out of reach."""
_NO_WORD = (
    [(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_MS)]
    if hasattr(socket, "TCP_USER_TIMEOUT")
    else []
)
CONNECTIONS = 400
"""Well below 1024 open files: paho, perhaps in this very process, cannot use a higher number."""


def serve(
    config: Config,
    database: Database,
    stop: threading.Event,
    *,
    clock: Callable[[], Instant] = times.now,
    ready: Callable[[int], None] = lambda _port: None,
    alone: bool = False,
) -> None:
    """Answer pages until ``stop`` is set. ``ready`` is called with the port once pages can be asked for.

    ``alone``: that is what the whole process is for, and its garbage is collected without long stops.
    Raises ConfigError when the address cannot be had.
    """

    def begin(port: int) -> None:
        if alone:
            memory.collect_seldom()
            memory.keep()
        ready(port)

    app = create_app(config, database, clock=clock)
    parts: Parts = app.extensions[current.EXTENSION]
    try:
        answer(app, config, stop, ready=begin, at_end=parts.hub.close)
    finally:
        parts.hub.close()


def answer(
    app: Flask,
    config: Config,
    stop: threading.Event,
    *,
    ready: Callable[[int], None],
    at_end: Callable[[], None] = lambda: None,
) -> None:
    """The same for any application. ``at_end`` is called before what is being answered is waited for."""
    sockets: wasyncore._SocketMap = {}
    server = _open(config, app, sockets)
    try:
        ready(_port(server))
        while not stop.is_set():
            wasyncore.loop(timeout=0.5, use_poll=True, map=sockets, count=1)
        at_end()
        _finish(server, sockets)
    finally:
        server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(sockets)


def _open(
    config: Config, app: Flask, sockets: wasyncore._SocketMap
) -> BaseWSGIServer | MultiSocketServer:
    try:
        server = create_server(
            app,
            map=sockets,
            host=config.web.host,
            port=config.web.port,
            threads=config.web.threads,
            connection_limit=CONNECTIONS,
            # Somewhat above our own limit, whose refusal is a page people can read.
            max_request_body_size=uploads.limit(config) + 64 * uploads.MEGABYTE,
            ident=None,
            # A reader out of reach is no fault of ours, and would fill the log.
            log_socket_errors=False,
            # Reads ahead of the answer, which is how a reader who has gone is noticed.
            channel_request_lookahead=1,
            # A proxy on this machine (nginx, Caddy) tells who really asks; nobody else is believed.
            trusted_proxy="127.0.0.1",
            trusted_proxy_headers={"x-forwarded-for", "x-forwarded-proto"},
            clear_untrusted_proxy_headers=True,
        )
        server.adj.socket_options = [*server.adj.socket_options, *_NO_WORD]
        return server
    except (OSError, ValueError) as error:
        wasyncore.close_all(sockets)
        raise ConfigError(
            f"Không mở được trang ở {config.web.host}:{config.web.port}: {error}. "
            "Có thể một Loa khác đang chạy; hãy tắt nó hoặc đổi [web] port trong config.toml."
        ) from error


def _port(server: BaseWSGIServer | MultiSocketServer) -> int:
    if isinstance(server, MultiSocketServer):
        return int(server.effective_listen[0][1])
    return int(server.getsockname()[1])


def _finish(server: BaseWSGIServer | MultiSocketServer, sockets: wasyncore._SocketMap) -> None:
    """Let pages being answered reach their readers, for a while."""
    tasks = server.task_dispatcher
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (tasks.active_count or tasks.queue) and time.monotonic() < deadline:
        wasyncore.loop(timeout=0.1, use_poll=True, map=sockets, count=1)
    wasyncore.loop(timeout=0, use_poll=True, map=sockets, count=1)
