"""Relay (tiếp sóng): an upper station's stream that a bulletin is, its recording being what is fallen back on.

An address is checked as a text. What its name stands for, only the receiver's own net knows.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

import msgspec

from loa.errors import ContentError
from loa.times import MINUTE, SECOND
from loa.words import say

MOST_URL, MOST_HOST, MOST_HOSTS = 512, 253, 8
LEAST_MINUTES, MOST_MINUTES = 1, 240
LEAST_MS = SECOND
"""Of what is left of one in a programme: receivers take no shorter."""
SCHEMES = ("http", "https")
PRIVATE_NAMES = ("localhost", "local", "internal", "lan", "home.arpa")
"""Last labels of names that mean something of this net alone."""

_UNFIT = re.compile(r"[^\x21-\x7e]|[\\\"<>`{}|^]")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


class Stream(msgspec.Struct, frozen=True):
    """Where the stream is; part of a bulletin, and so of what an approver agrees to."""

    url: str
    """``http`` or ``https``."""
    hosts: tuple[str, ...] = ()
    """Hosts besides the address's own that a redirect or a playlist may name."""
    ms: int = 0
    """How long it is usually heard; whoever schedules it may say otherwise."""


class Relay(msgspec.Struct, frozen=True):
    """A stream for one broadcast."""

    url: str
    ms: int
    hosts: tuple[str, ...] = ()


def tidy(stream: Stream) -> Stream:
    """As it is stored: without blanks around it, each host once."""
    hosts = (host.strip().lower() for host in stream.hosts)
    return Stream(stream.url.strip(), tuple(dict.fromkeys(filter(None, hosts))), stream.ms)


def check(stream: Stream, own_hosts: Collection[str] = ()) -> None:
    """Raise ContentError naming the field. ``own_hosts``: hosts of this net that may be relayed all the same."""
    _check_url(stream.url, own_hosts)
    if not LEAST_MINUTES * MINUTE <= stream.ms <= MOST_MINUTES * MINUTE:
        raise ContentError(
            say(
                "Số phút tiếp sóng phải từ %(least)s đến %(most)s. Hãy nhập lại.",
                least=LEAST_MINUTES,
                most=MOST_MINUTES,
            ),
            field="relay_minutes",
        )
    if len(stream.hosts) > MOST_HOSTS:
        raise ContentError(
            say(
                "Có %(n)s máy chủ khác; tối đa %(most)s. Hãy bỏ bớt.",
                n=len(stream.hosts),
                most=MOST_HOSTS,
            ),
            field="relay_hosts",
        )
    for host in stream.hosts:
        _check_host(host, own_hosts, "relay_hosts")


def _check_url(url: str, own_hosts: Collection[str]) -> None:
    if len(url) > MOST_URL:
        raise _wrong(
            say(
                "dài %(n)s ký tự; tối đa %(most)s. Hãy xin địa chỉ ngắn hơn",
                n=len(url),
                most=MOST_URL,
            )
        )
    if _UNFIT.search(url):
        raise _wrong(say("có dấu cách, chữ có dấu hoặc ký tự lạ. Hãy chép lại nguyên địa chỉ"))
    try:
        found = urlsplit(url)
        host, _ = found.hostname, found.port
    except ValueError:
        raise _wrong(say("không đúng dạng. Hãy chép lại nguyên địa chỉ")) from None
    if found.scheme not in SCHEMES or not host:
        raise _wrong(say("phải bắt đầu bằng http:// hoặc https:// và có tên máy chủ"))
    if found.username is not None or found.password is not None:
        raise _wrong(
            say(
                "chứa tên hoặc mật khẩu, mà ai xem bản tin cũng đọc được. Hãy xin địa chỉ không cần mật khẩu"
            )
        )
    _check_host(host, own_hosts, "relay_url")


def _wrong(what: str) -> ContentError:
    return ContentError(say("Địa chỉ tiếp sóng %(what)s.", what=what), field="relay_url")


def _check_host(host: str, own_hosts: Collection[str], field: str) -> None:
    if len(host) > MOST_HOST or not _is_host(host):
        raise ContentError(
            say(
                "“%(host)s” không phải tên máy chủ. Hãy ghi như trong địa chỉ, ví dụ stream.vov.vn.",
                host=host[:80],
            ),
            field=field,
        )
    if _is_private(host) and host not in {each.lower() for each in own_hosts}:
        raise ContentError(
            say(
                "“%(host)s” là máy trong mạng riêng, không phải đài cấp trên. "
                "Nếu đài cấp trên thật sự phát từ máy này, quản trị thêm nó vào relay_hosts trong config.toml.",
                host=host,
            ),
            field=field,
        )


def _is_host(host: str) -> bool:
    if _address(host) is not None:
        return True
    # Resolvers take 127.1 or 0x7f000001 for an address, too.
    ends_in_number = _NUMBER.fullmatch(host.rpartition(".")[2])
    return bool(_HOST.fullmatch(host)) and not ends_in_number


def _is_private(host: str) -> bool:
    address = _address(host)
    if address is not None:
        return not address.is_global or address.is_multicast
    return "." not in host or any(host == name or host.endswith(f".{name}") for name in PRIVATE_NAMES)  # fmt: skip


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    # ::ffff:127.0.0.1 is 127.0.0.1.
    return getattr(found, "ipv4_mapped", None) or found
