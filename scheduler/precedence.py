"""Precedence: which of two sounds goes first where they meet at a receiver.

Receivers know the class and the start and nothing else (docs/protocol.md, rules for occurrences 4, 6 and 7). Of two
priority ones a commune's officer may say which goes first (Thông tư 39/2020/TT-BTTTT); the other then gives way there
altogether, for a receiver could not be told to put them in another order.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from content.bulletins import Priority
from loa.times import SECOND, Instant
from loa.words import say

RANK = {Priority.EMERGENCY: 0, Priority.PRIORITY: 1, Priority.NORMAL: 2}
"""0 goes before all others."""
Decided = Collection[tuple[int, int]]
"""Pairs of broadcasts of which an officer said that the first goes before the second."""


class Contender(Protocol):
    """What takes part: a broadcast, or a sound that is to become one."""

    @property
    def starts_at(self) -> Instant: ...
    @property
    def priority(self) -> Priority: ...
    @property
    def name(self) -> str:
        """The id receivers know it by: it decides where all else is equal."""

    @property
    def broadcast_id(self) -> int | None: ...


def in_words(late: int) -> str:
    """The same as a sentence; ``late`` is how long a start is still wanted, in milliseconds."""
    return say(
        "Khẩn cấp phát ngay và ngắt mọi lượt khác; ưu tiên ngắt thông thường. Hai lượt cùng mức thì lượt có giờ bắt "
        "đầu sớm hơn phát trước, lượt kia chờ và bị lỡ khi chờ quá %(seconds)s giây. Hai lượt ưu "
        "tiên gặp nhau thì cán bộ xã được quyết định lượt nào phát; chưa quyết định thì theo giờ bắt đầu.",
        seconds=max(late, SECOND) // SECOND,
    )


def goes_before(a: Contender, b: Contender, decided: Decided = ()) -> bool:
    """Whether ``a`` is heard where both would sound at once; of any two exactly one goes before the other."""
    if is_decided(a, b, decided):
        return True
    if is_decided(b, a, decided):
        return False
    return _place(a) < _place(b)


def interrupts(a: Contender, b: Contender) -> bool:
    """Whether ``a`` silences ``b`` that sounds already, rather than waiting for its end."""
    return RANK[a.priority] < RANK[b.priority]


def is_decided(a: Contender, b: Contender, decided: Decided) -> bool:
    """Whether an officer put ``a`` before ``b``: that holds between two priority ones alone."""
    both = a.priority is Priority.PRIORITY and b.priority is Priority.PRIORITY
    return both and (a.broadcast_id, b.broadcast_id) in decided


def _place(one: Contender) -> tuple[int, Instant, str]:
    return RANK[one.priority], one.starts_at, one.name
