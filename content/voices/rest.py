"""How long a service is left alone after it refused, and how that is told."""

from __future__ import annotations

import math
from collections.abc import Callable


class Rest:
    """Nothing is asked of a service while it rests."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """``clock`` in seconds, never going back."""
        self._clock = clock
        self._now: tuple[float, str] = (-math.inf, "")

    def begin(self, seconds: float, reason: str) -> None:
        """Rest for ``seconds`` because of ``reason``, the first half of a Vietnamese sentence."""
        self._now = (self._clock() + seconds, reason)

    def sentence(self) -> str | None:
        """Why, and for how long still; None when it does not rest."""
        until, reason = self._now
        left = until - self._clock()
        if left <= 0:
            return None
        return f"{reason}, còn khoảng {_length(left)} nữa mới thử lại."


def _length(seconds: float) -> str:
    return f"{seconds / 60:.0f} phút" if seconds >= 60 else f"{math.ceil(seconds)} giây"
