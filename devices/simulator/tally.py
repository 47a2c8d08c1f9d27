"""The books of a simulation: what every store was told to keep, and what every output truly sounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from devices.receiver.outputs import NullOutput, Playing, Sound
from devices.receiver.store import Change, MemoryStore
from devices.simulator.counts import Sounded
from loa import times


@dataclass
class Tally:
    """Counted as it happens, so that asking costs little. Written by the simulation's thread alone."""

    codes: Counter[str] = field(default_factory=Counter)
    plans: int = 0
    acked: int = 0
    powered: int = 0
    connected: int = 0
    connects: int = 0
    playing: int = 0
    played: int = 0
    heard: int = 0
    heard_bytes: int = 0
    said: int = 0
    lost: int = 0
    power_cuts: int = 0
    link_cuts: int = 0
    crashes: int = 0
    rows: list[Row] = field(default_factory=list)


class Row:
    """One sound leaving one output."""

    __slots__ = ("at", "ms", "occ", "playing", "rid", "whole")

    def __init__(self, rid: str, occ: str, at: int, playing: Playing) -> None:
        self.rid, self.occ, self.at, self.ms, self.whole = rid, occ, at, 0, False
        self.playing: Playing | None = playing
        """While it sounds."""

    def sounded(self) -> Sounded:
        """What is known of it now."""
        playing = self.playing
        ms = self.ms if playing is None else playing.played_ms()
        return Sounded(times.Instant(self.at), self.rid, self.occ, ms, self.whole)


class CountedStore(MemoryStore):
    """A memory store whose commits are counted."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally, self._acked = tally, 0

    def commit(self, change: Change) -> None:
        super().commit(change)
        tally, facts = self._tally, change.facts
        for line in change.lines:
            # [seq,"occurrence","code",…: neither name can hold a quotation mark.
            tally.codes[line.raw.split(b'"', 4)[3].decode()] += 1
        tally.plans += "rev" in facts
        acked = facts.get("acked")
        if isinstance(acked, int):
            tally.acked, self._acked = tally.acked + acked - self._acked, acked


class TrueOutput(NullOutput):
    """Silent; it writes down what would have been heard, by the true clock and without asking the journal."""

    def __init__(self, rid: str, mono: Callable[[], int], tally: Tally) -> None:
        super().__init__(mono)
        self._rid, self._tally = rid, tally
        self._sounding: list[_TruePlaying] = []

    def open(self, sound: Sound) -> Playing:
        return _TruePlaying(super().open(sound), sound, self)

    def begun(self, playing: _TruePlaying, row: Row) -> None:
        """It sounds from now on."""
        self._sounding.append(playing)
        self._tally.rows.append(row)
        self._tally.playing += 1

    def ended(self, playing: _TruePlaying, row: Row) -> None:
        """It sounds no more."""
        self._sounding.remove(playing)
        self._tally.playing -= 1
        self._tally.played += row.whole

    def row(self, occ: str, at: int, playing: Playing) -> Row:
        """A new line of the books."""
        return Row(self._rid, occ, at, playing)

    def cut(self) -> None:
        """The power is gone, and with it whatever sounded."""
        for playing in list(self._sounding):
            playing.close()


class _TruePlaying:
    """A sound whose beginning and end are written down."""

    def __init__(self, playing: Playing, sound: Sound, output: TrueOutput) -> None:
        self._playing, self._sound, self._output = playing, sound, output
        self._row: Row | None = None
        self.advance, self.played_ms, self.left_ms = (
            playing.advance,
            playing.played_ms,
            playing.left_ms,
        )

    def begin(self, in_ms: int) -> None:
        self._playing.begin(in_ms)
        self._row = self._output.row(self._sound.occ, times.now() + in_ms, self._playing)
        self._output.begun(self, self._row)

    def close(self) -> None:
        row, self._row = self._row, None
        if row is not None:
            row.ms, row.whole = self._playing.played_ms(), self._playing.left_ms() == 0
            row.playing = None
            self._output.ended(self, row)
        self._playing.close()
