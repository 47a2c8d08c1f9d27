"""HLS playlists (RFC 8216), as far as a loudspeaker needs them: which segments, in which order. Text in, names out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

FROM_THE_END = 3
"""Segments: a live stream is begun so far from its end, as RFC 8216 §6.3.3 says."""
MOST_SEGMENTS = 5_000
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)')


@dataclass(frozen=True)
class Playlist:
    """A media playlist."""

    first: int
    """Number of its first segment."""
    segments: tuple[str, ...]
    head: str
    """What goes before the first segment, or empty."""
    is_ended: bool
    """No segment will be added."""
    pause: float
    """Seconds to wait before it is read again."""
    refusal: str = ""
    """Why it cannot be played at all, or empty."""


def variant(text: str) -> str:
    """The variant of a master playlist that costs the fewest bytes; empty for a media playlist."""
    lines = _lines(text)
    for line in lines:
        attributes = _attributes(line, "#EXT-X-MEDIA:")
        if attributes.get("TYPE") == "AUDIO" and attributes.get("URI"):
            return attributes["URI"]
    found = [
        (_number(_attributes(line, "#EXT-X-STREAM-INF:").get("BANDWIDTH", "")), follower)
        for line, follower in itertools.pairwise(lines)
        if line.startswith("#EXT-X-STREAM-INF:") and not follower.startswith("#")
    ]
    return min(found, default=(0.0, ""))[1]


def parse(text: str) -> Playlist:
    """A media playlist. What is no playlist has no segments and is ended."""
    lines = _lines(text)
    values = dict(line.split(":", 1) for line in lines if line.startswith("#EXT") and ":" in line)
    head = next((_attributes(line, "#EXT-X-MAP:") for line in lines if line.startswith("#EXT-X-MAP:")), {})  # fmt: skip
    target = min(max(_number(values.get("#EXT-X-TARGETDURATION", "")), 1.0), 30.0)
    segments = tuple(line for line in lines if not line.startswith("#"))
    passed_over = max(0, len(segments) - MOST_SEGMENTS)
    return Playlist(
        first=int(_number(values.get("#EXT-X-MEDIA-SEQUENCE", ""))) + passed_over,
        segments=segments[passed_over:],
        head=head.get("URI", ""),
        is_ended="#EXT-X-ENDLIST" in lines or not text.lstrip("\ufeff").startswith("#EXTM3U"),
        pause=target / 2,
        refusal=_refusal(lines),
    )


class Following:
    """Which segments have been taken: each once, and what was missed is not asked for."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._head = ""

    def news(self, playlist: Playlist) -> Iterator[str]:
        """The segments to take now, with what goes before them."""
        end = playlist.first + len(playlist.segments)
        if self._next is None or self._next > end:  # the stream began anew
            self._next = playlist.first if playlist.is_ended else max(playlist.first, end - FROM_THE_END)  # fmt: skip
        self._next = max(self._next, playlist.first)
        if playlist.head and playlist.head != self._head:
            self._head = playlist.head
            yield playlist.head
        while self._next < end:
            self._next += 1
            yield playlist.segments[self._next - 1 - playlist.first]


def _refusal(lines: list[str]) -> str:
    if any(_attributes(line, "#EXT-X-KEY:").get("METHOD", "NONE") != "NONE" for line in lines):
        return "encrypted"
    return "byterange" if any(line.startswith("#EXT-X-BYTERANGE") for line in lines) else ""


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()]


def _attributes(line: str, tag: str) -> dict[str, str]:
    if not line.startswith(tag):
        return {}
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(line[len(tag) :])}


def _number(text: str) -> float:
    found = re.match(r"\d{1,15}(\.\d{1,9})?", text.strip())
    return float(found[0]) if found else 0.0
