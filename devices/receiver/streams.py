"""An upper station's stream as bytes: Icecast or any HTTP stream, and HLS (hls.py). No host but those the plan names.

What comes is a stranger's: it is counted, never parsed beyond a playlist's lines, and decoded elsewhere (decoder.py).
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from devices.messages import Relay
from devices.receiver import hls

TIMEOUT_SECONDS = 5.0
CHUNK = 4_096
"""Bytes: 0.7 s of 48 kbit/s, so that little waits here for more to come."""
MOST_BYTES_A_SECOND = 48_000
"""384 kbit/s: no speech needs as much, and a SIM card is paid for by the byte."""
BURST_BYTES = 4_000_000
PLAYLIST_BYTES = 262_144
SEGMENT_BYTES = 4_000_000
REDIRECTS = 3
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "loa"}
_PLAYLISTS = frozenset(
    f"{family}/{name}"
    for family in ("application", "audio")
    for name in ("vnd.apple.mpegurl", "x-mpegurl", "mpegurl")
)
_KINDS = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/aac": "aac",
    "audio/aacp": "aac",
    "audio/x-aac": "aac",
    "audio/ogg": "ogg",
    "application/ogg": "ogg",
    "video/mp2t": "mpegts",
}
_ENDINGS = {"mp3": "mp3", "aac": "aac", "ts": "mpegts", "m4s": "mov", "mp4": "mov", "m4a": "mov"}


class Broken(Exception):
    """It does not come as it should; it may come right."""


class Ended(Exception):
    """All of it came: asked again, it would be heard from its beginning."""


class Refused(Exception):
    """It will not be taken, however often it is tried."""


class Chunk(NamedTuple):
    """Bytes of a stream, and what they are: mp3, aac, ogg, mpegts or mov."""

    kind: str
    data: bytes


class Source:
    """One stream, opened as often as is needed; ``close`` may be called from another thread."""

    def __init__(
        self, relay: Relay, ca_file: str = "", count: Callable[[int], None] | None = None
    ) -> None:
        self._relay, self._ca_file, self._count = relay, ca_file, count
        self._hosts = {host.lower() for host in relay.hosts} | {_host(relay.url)}
        self._left = BURST_BYTES + MOST_BYTES_A_SECOND * relay.ms // 1_000
        self._closed = threading.Event()
        self._sock: socket.socket | None = None
        self._following = hls.Following()
        """Kept when the stream breaks, so that no segment is heard twice."""

    def close(self) -> None:
        """End it, though it wait for the net."""
        self._closed.set()
        self._hang_up()

    def _hang_up(self) -> None:
        sock = self._sock
        if sock:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def chunks(self) -> Generator[Chunk, None, None]:
        """What comes, until it breaks off. Raises Ended, Broken, Refused, OSError or HTTPException."""
        with self._open(self._relay.url) as (response, url):
            if not _is_playlist(response, url):
                kind = _kind(response, url)
                for data in self._read(response):
                    yield Chunk(kind, data)
                if response.length == 0:  # a live stream has no length
                    raise Ended
                return
            text = self._text(response)
        yield from self._follow(url, text)

    def _follow(self, url: str, text: str) -> Iterator[Chunk]:
        """The segments of an HLS playlist, each once, and what is added to it while it lasts."""
        if variant := hls.variant(text):
            url = urljoin(url, variant)
            url, text = self._fetch_text(url)
        while not self._closed.is_set():
            playlist = hls.parse(text)
            if playlist.refusal:
                raise Refused(playlist.refusal)
            for segment in self._following.news(playlist):
                with self._open(urljoin(url, segment)) as (response, where):
                    kind = _kind(response, where)
                    for data in self._read(response, SEGMENT_BYTES):
                        yield Chunk(kind, data)
            if playlist.is_ended:
                raise Ended
            self._closed.wait(playlist.pause)
            url, text = self._fetch_text(url)

    def _fetch_text(self, url: str) -> tuple[str, str]:
        with self._open(url) as (response, where):
            return where, self._text(response)

    def _text(self, response: http.client.HTTPResponse) -> str:
        return b"".join(self._read(response, PLAYLIST_BYTES)).decode("utf-8", "replace")

    # -- over the net -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def _open(self, url: str) -> Iterator[tuple[http.client.HTTPResponse, str]]:
        """The answer to GET, redirects followed among the hosts that are allowed: (response, its address)."""
        for _ in range(REDIRECTS + 1):
            with self._get(self._allowed(url)) as response:
                if response.status == 200:
                    yield response, url
                    return
                if response.status not in (301, 302, 303, 307, 308):
                    raise Broken(f"http {response.status}")
                url = urljoin(url, response.getheader("Location", ""))
        raise Broken("redirects")

    @contextlib.contextmanager
    def _get(self, parts: SplitResult) -> Iterator[http.client.HTTPResponse]:
        connection = _connection(parts, self._ca_file)
        try:
            connection.connect()
            self._sock = (
                connection.sock
            )  # a response without an end takes it away from the connection
            if self._closed.is_set():
                raise Broken("closed")
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", path, headers=HEADERS)
            with connection.getresponse() as response:
                yield response
        finally:
            self._sock = None
            connection.close()

    def _allowed(self, url: str) -> SplitResult:
        """Raises Refused for an address the plan does not allow."""
        try:
            parts = urlsplit(url)
            host, _ = (parts.hostname or "").lower(), parts.port
        except ValueError:
            raise Refused("url") from None
        if parts.username or not url.isascii() or not url.isprintable() or " " in url:
            raise Refused("url")
        least = ("https",) if self._relay.url.lower().startswith("https") else ("https", "http")
        if parts.scheme not in least:
            raise Refused("scheme")
        if not host or host not in self._hosts:
            raise Refused("host")
        return parts

    def _read(self, response: http.client.HTTPResponse, most: int | None = None) -> Iterator[bytes]:
        while data := response.read1(CHUNK):
            if self._count:
                self._count(len(data))
            self._left -= len(data)
            most = None if most is None else most - len(data)
            if self._left < 0 or (most is not None and most < 0):
                raise Refused("too_big")
            yield data


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _connection(parts: SplitResult, ca_file: str) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_SECONDS)
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT_SECONDS, context=context)


def _type(response: http.client.HTTPResponse) -> str:
    return response.getheader("Content-Type", "").partition(";")[0].strip().lower()


def _ending(url: str) -> str:
    return urlsplit(url).path.rpartition(".")[2].lower()


def _is_playlist(response: http.client.HTTPResponse, url: str) -> bool:
    return _type(response) in _PLAYLISTS or _ending(url) == "m3u8"


def _kind(response: http.client.HTTPResponse, url: str) -> str:
    kind = _KINDS.get(_type(response)) or _ENDINGS.get(_ending(url))
    if kind is None:
        raise Refused("type")
    return kind
