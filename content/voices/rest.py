"""How long a service is left alone after it refused, and how that is told."""

from __future__ import annotations

import math
from collections.abc import Callable

from loa.words import counted, say


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
        return say(
            "%(reason)s, còn khoảng %(length)s nữa mới thử lại.",
            reason=reason,
            length=_length(left),
        )


def _length(seconds: float) -> str:
    if seconds < 60:
        return counted("%(n)s giây", math.ceil(seconds))
    return counted("%(n)s phút", round(seconds / 60))
