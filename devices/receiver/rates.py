"""How often something may happen: so many at once, and one more after each pause."""

from __future__ import annotations


class Bucket:
    """Holds up to ``burst`` tokens and gains one every ``each_ms``; told the time by a steady clock."""

    def __init__(self, burst: int, each_ms: int) -> None:
        self._burst, self._each = burst, each_ms
        self._full_at = 0
        """Mono time at which it is, or was, full."""

    def take(self, mono: int) -> bool:
        """True, and a token less, when there is one."""
        if self.wait(mono):
            return False
        self._full_at = max(self._full_at, mono) + self._each
        return True

    def wait(self, mono: int) -> int:
        """Milliseconds until there is one."""
        return max(0, self._full_at - mono - (self._burst - 1) * self._each)
