"""Sound over HTTPS, some blocks at a time: a thread of its own asks, and what comes goes the way of MQTT's blocks."""

from __future__ import annotations

import http.client
import ipaddress
import logging
import queue
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from devices import messages
from devices.link import Incoming, Message
from devices.messages import BLOCK_BYTES

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 20.0
BLOCK_SECONDS = 60.0
"""A block that drips in more slowly is given up: one slow server must not hold the rest for ever."""
Connection = http.client.HTTPConnection


class Bad(Exception):
    """The server's answer is not what was asked for."""


@dataclass(frozen=True)
class Job:
    """Blocks ``first`` to ``last`` of the sound ``sha``, which has ``n`` bytes."""

    base: str
    sha: str
    n: int
    first: int
    last: int

    @property
    def start(self) -> int:
        return self.first * BLOCK_BYTES

    @property
    def end(self) -> int:
        """The byte after the last."""
        return min(self.n, (self.last + 1) * BLOCK_BYTES)


class Failed(Message, frozen=True):
    """A job came to nothing, or stopped half-way."""

    sha: str
    why: str


def is_usable(base: str) -> bool:
    """True for https, and for http that does not leave this machine."""
    try:
        parts = urlsplit(base)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username or parts.query or parts.fragment or not base.isascii():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Downloads:
    """One job after the other; what comes of it goes into the receiver's inbox."""

    def __init__(self, inbox: queue.Queue[Incoming], ca_file: str = "") -> None:
        self._inbox, self._ca_file = inbox, ca_file
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._source = _Source(ca_file)

    def get(self, job: Job) -> None:
        """Fetch it; the thread begins with the first job, for most receivers never have one."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="download", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def close(self) -> None:
        """No more jobs; the one at work is not waited for."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                for block, data in self._source.blocks(job):
                    self._inbox.put(Message(messages.block_topic(job.sha, block), data))
            except (OSError, http.client.HTTPException, Bad) as error:
                self._source.close()
                self._inbox.put(Failed("", b"", job.sha, str(error) or type(error).__name__))
        self._source.close()


class _Source:
    """The connection, kept open from one job to the next."""

    def __init__(self, ca_file: str, now: Callable[[], float] = time.monotonic) -> None:
        self._ca_file, self._now = ca_file, now
        self._connection: Connection | None = None
        self._server: tuple[str, str] = ("", "")
        self._is_reused = False
        self._etags: dict[str, str] = {}

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def blocks(self, job: Job) -> Iterator[tuple[int, bytes]]:
        """The blocks of the job, in order. Raises OSError, HTTPException or Bad."""
        response = self._answer(job)
        at = self._check(response, job)
        while at < job.start:
            at += len(self._read(response, min(BLOCK_BYTES, job.start - at)))
        for block in range(job.first, job.last + 1):
            size = min(BLOCK_BYTES, job.end - block * BLOCK_BYTES)
            yield block, self._read(response, size)
        if not response.isclosed() and response.read(1):
            self.close()  # more than was asked for: not one byte of it is taken

    def _answer(self, job: Job) -> http.client.HTTPResponse:
        parts = urlsplit(job.base)
        headers = {"Range": f"bytes={job.start}-{job.end - 1}", "Accept-Encoding": "identity"}
        if job.sha in self._etags:
            headers["If-Range"] = self._etags[job.sha]
        try:
            return self._request(parts, parts.path + job.sha, headers)
        except (http.client.RemoteDisconnected, ConnectionError):
            if not self._is_reused:
                raise
            # Servers close what is idle; that is no fault of theirs.
            self.close()
            return self._request(parts, parts.path + job.sha, headers)

    def _request(
        self, parts: SplitResult, path: str, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        connection = self._connect(parts)
        connection.request("GET", path, headers=headers)
        return connection.getresponse()

    def _connect(self, parts: SplitResult) -> Connection:
        server = (parts.scheme, parts.netloc)
        self._is_reused = self._connection is not None and server == self._server
        if self._connection is None or not self._is_reused:
            self.close()
            self._connection, self._server = _open(parts, self._ca_file), server
        return self._connection

    def _check(self, response: http.client.HTTPResponse, job: Job) -> int:
        """The number of the first byte that follows."""
        if response.getheader("Content-Encoding", "identity") != "identity":
            raise Bad("encoded")
        if response.status == 200:
            if response.length is not None and response.length != job.n:
                raise Bad("length")
            at = 0
        elif response.status == 206:
            wanted = f"bytes {job.start}-{job.end - 1}/{job.n}"
            if response.getheader("Content-Range") != wanted:
                raise Bad("range")
            at = job.start
        else:
            raise Bad(f"status {response.status}")
        etag = response.getheader("ETag", "")
        if etag.startswith('"') and len(self._etags) < 1_000:
            self._etags[job.sha] = etag
        return at

    def _read(self, response: http.client.HTTPResponse, size: int) -> bytes:
        until, parts, left = self._now() + BLOCK_SECONDS, [], size
        while left:
            piece = response.read1(left)
            if not piece:
                raise Bad("short")
            if self._now() > until:
                raise Bad("slow")
            left -= len(piece)
            parts.append(piece)
        return b"".join(parts)


def _open(parts: SplitResult, ca_file: str) -> Connection:
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_SECONDS)
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT_SECONDS, context=context)
