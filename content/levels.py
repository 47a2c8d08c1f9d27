"""How loud a sound is at each moment: one peak for every 5 ms, gathered as the samples stream by."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 24_000
BLOCK = SAMPLE_RATE // 200
"""Samples to one peak."""
FULL = 32_768
HISS_WINDOW = 10
"""Blocks: within 50 ms of speech there is nearly always a pitch period, but between words only hiss."""

Span = tuple[int, int]
"""First sample, and the one after the last."""


class Levels:
    """Takes 24 kHz mono s16le as it comes; holds 1.4 MB for an hour of it."""

    def __init__(self) -> None:
        self.samples, self._rest = 0, b""
        self._taken: list[npt.NDArray[np.uint16]] = []

    def take(self, chunk: bytes) -> None:
        """Hear some more."""
        data = self._rest + chunk
        whole = len(data) - len(data) % (2 * BLOCK)
        self._rest = data[whole:]
        self._add(data[:whole])

    def finish(self) -> None:
        """Hear the last, shorter block; nothing may be taken afterwards."""
        self._add(self._rest)
        self._rest = b""

    def peaks(self, count: int) -> list[int]:
        """Highest level, 0 to 100, in each of ``count`` equal parts."""
        highest = self._highest()
        if not len(highest):
            return [0] * count
        edges = np.linspace(0, len(highest), count, endpoint=False).astype(np.intp)
        parts = np.maximum.reduceat(highest, edges)
        return [int(value) for value in np.rint(parts * (100 / FULL))]

    def span(self, threshold_db: float, margin_ms: int) -> Span:
        """From the first to the last block above ``threshold_db`` (dBFS), ``margin_ms`` wider at both ends.

        (0, 0) when no block is.
        """
        loud = np.flatnonzero(self._highest() > _sample(threshold_db))
        if not len(loud):
            return (0, 0)
        margin = margin_ms * SAMPLE_RATE // 1000
        first, last = int(loud[0]) * BLOCK, int(loud[-1] + 1) * BLOCK
        return (max(0, first - margin), min(self.samples, last + margin))

    def quiet_share(self, threshold_db: float) -> float:
        """Part of the time, 0.0 to 1.0, that lies in stretches of 100 ms all under ``threshold_db``."""
        windows = _windows(self._highest(), 20)
        return float(np.mean(windows <= _sample(threshold_db))) if len(windows) else 0.0

    def floor(self, span: Span) -> float:
        """Peak, 0.0 to 1.0, that the quietest twentieth of ``span`` stays under: hiss, hum, a fan."""
        first, last = span
        windows = _windows(self._highest()[first // BLOCK : last // BLOCK], HISS_WINDOW)
        return float(np.percentile(windows, 5)) / FULL if len(windows) else 0.0

    def _highest(self) -> npt.NDArray[np.uint16]:
        self._taken = [_joined(self._taken)]
        return self._taken[0]

    def _add(self, data: bytes) -> None:
        wide = np.abs(np.frombuffer(data, dtype="<i2").astype(np.int32))
        self.samples += len(wide)
        if len(wide):
            starts = np.arange(0, len(wide), BLOCK)
            self._taken.append(np.maximum.reduceat(wide, starts).astype(np.uint16))


def _joined(pieces: Iterable[npt.NDArray[np.uint16]]) -> npt.NDArray[np.uint16]:
    return np.concatenate([np.zeros(0, dtype=np.uint16), *pieces])


def _windows(highest: npt.NDArray[np.uint16], size: int) -> npt.NDArray[np.uint16]:
    """The highest of every ``size`` blocks; what is left over at the end is passed over."""
    whole = highest[: len(highest) // size * size].reshape(-1, size)
    return np.asarray(whole.max(axis=1)) if len(whole) else np.zeros(0, dtype=np.uint16)


def _sample(db: float) -> float:
    return float(FULL * 10 ** (db / 20))
