"""A bulletin's text beside the words as they are read out, with what was changed between them marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from content import reading
from content.bulletins import Bulletin, Kind
from content.reading import Reading, Span, SuspiciousLine
from content.recordings import Recording


@dataclass(frozen=True)
class Piece:
    """A stretch of text; ``span`` where reading changed it."""

    text: str
    span: Span | None = None


@dataclass(frozen=True)
class Text:
    """What the page shows of a text."""

    written: tuple[Piece, ...]
    spoken: tuple[Piece, ...]
    warnings: tuple[Span, ...]
    suspicious: tuple[SuspiciousLine, ...]

    @property
    def is_changed(self) -> bool:
        return any(piece.span for piece in self.spoken)


def of(bulletin: Bulletin, recording: Recording | None) -> Text | None:
    """The bulletin's text; None for one that was uploaded as sound.

    Where the sound was read by older rules, what it really says is shown, without marks.
    """
    if bulletin.kind is not Kind.TEXT:
        return None
    text = read(bulletin.body)
    said = recording.spoken if recording else None
    if said is None or said == "".join(piece.text for piece in text.spoken):
        return text
    return Text(text.written, (Piece(said),), text.warnings, text.suspicious)


def read(body: str) -> Text:
    """Any text, as the form shows it while it is being written."""
    read = reading.read(body)
    return Text(
        written=tuple(_pieces(read.written, [(s.start, s.end, s) for s in read.spans])),
        spoken=tuple(_pieces(read.spoken, [(s.spoken_start, s.spoken_end, s) for s in read.spans])),
        warnings=_once(read),
        suspicious=tuple(reading.suspicious_lines(body)),
    )


def _pieces(text: str, marks: list[tuple[int, int, Span]]) -> Iterator[Piece]:
    position = 0
    for start, end, span in marks:
        if position < start:
            yield Piece(text[position:start])
        yield Piece(text[start:end], span)
        position = end
    if position < len(text):
        yield Piece(text[position:])


def _once(read: Reading) -> tuple[Span, ...]:
    """The warnings; the same word is warned of once however often it stands there."""
    return tuple({(span.written, span.warning): span for span in read.warnings}.values())
