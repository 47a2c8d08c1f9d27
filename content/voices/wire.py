"""The only file that knows requests: one request over the internet, bounded in every way.

The certificate is checked, a redirect is not followed, the answer has a greatest size, and there is one time
limit for everything. Those of the library do not do: it looks up the host's name for as long as the system
likes, which with the cable out is half a minute, and lets a server send one byte a time for ever.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
import requests

log = logging.getLogger(__name__)

Found = TypeVar("Found")
CHUNK_BYTES = 65_536


class NoAnswer(Exception):
    """Nobody answered, or not in time."""


class Untrusted(Exception):
    """Whoever answered cannot prove who they are."""


class TooMuch(Exception):
    """The answer has no end."""


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    retry_after: str = ""
    """The header of that name, as sent."""


class Limits(msgspec.Struct, frozen=True):
    connect: float
    """Seconds for looking up the name, and again for connecting to each of its addresses."""
    silence: float
    """Seconds without a byte."""
    whole: float
    """Seconds for the request, all in all."""
    most_bytes: int


class Line:
    """Several requests to one host, one after the other."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._session = requests.Session()
        self._known: set[str] = set()

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """See ``send``."""
        try:
            request = requests.Request("POST", url, data=body, headers=headers).prepare()
        except requests.RequestException as error:  # its words may hold a header, so a key
            log.error("no request can be made for %s: %s", url, type(error).__name__)
            raise NoAnswer from None
        return self.send(request)

    def get(self, url: str) -> Answer:
        """See ``send``."""
        try:
            request = requests.Request("GET", url).prepare()
        except requests.RequestException as error:
            log.error("no request can be made for %s: %s", url, type(error).__name__)
            raise NoAnswer from None
        return self.send(request)

    def send(self, request: requests.PreparedRequest) -> Answer:
        """The answer, of whatever status. Raises NoAnswer, Untrusted, TooMuch."""
        url = str(request.url)
        # The machine's proxy and certificate settings; they can name other authorities, not turn checks off.
        settings = self._session.merge_environment_settings(url, {}, True, None, None)
        try:
            if not requests.utils.select_proxy(url, settings["proxies"]):
                self._find(url)
            return _within(self._limits.whole, lambda: self._exchange(request, settings))
        except requests.exceptions.SSLError as error:
            log.error("refused a certificate: %s", error)
            raise Untrusted from error
        except (requests.RequestException, OSError) as error:
            log.warning("no answer from %s: %s", urlsplit(url).hostname, repr(error))
            raise NoAnswer from error

    def _find(self, url: str) -> None:
        """Look up the host's name, the first time."""
        host = urlsplit(url).hostname or ""
        if host not in self._known:
            _within(self._limits.connect, lambda: look_up(host))
            self._known.add(host)

    def _exchange(self, request: requests.PreparedRequest, settings: dict[str, object]) -> Answer:
        timeout = (self._limits.connect, self._limits.silence)
        answer = self._session.send(request, timeout=timeout, allow_redirects=False, **settings)
        body = b""
        for chunk in answer.iter_content(CHUNK_BYTES):
            body += chunk
            if len(body) > self._limits.most_bytes:
                answer.close()
                raise TooMuch
        return Answer(answer.status_code, body, str(answer.headers.get("Retry-After", "")))


def look_up(host: str) -> None:
    """OSError when the name of ``host`` cannot be found."""
    socket.getaddrinfo(host, None)


def _within(seconds: float, work: Callable[[], Found]) -> Found:
    """What ``work`` gives; TimeoutError when that takes too long, and nobody waits for it any more."""
    outcome: Future[Found] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            outcome.set_exception(error)

    threading.Thread(target=run, name="voice-request", daemon=True).start()
    return outcome.result(seconds)
