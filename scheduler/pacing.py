"""Pacing: an exact whole number of plays per receiver and day. Pure: no database, no clock, no chance.

What campaigns still ask for at one receiver (``Ask``) is dealt out play by play into the room its days leave
(``DayRoom``): always to the day that has the fewest plays of that campaign, there to the session that has the
fewest. So a target is met exactly when there is room for it and never exceeded, and the days of a receiver differ
by at most one play. Where campaigns compete, the one whose share of the minutes is smallest for its weight goes next.

What is left is dealt out anew whenever it is asked, and comes to the same as long as all went as planned: which day
gets one play more is settled by the day itself, not by where the counting began.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from scheduler.board import Ask, Board, DayRoom, Play
from scheduler.parting import Known, Part, Wish

_STRIDE, _SHIFT, _RING = 0x9E3779B1, 0x85EBCA6B, 2**32
"""Multiples of the golden ratio: any few of some days in a row lie well apart."""


def deal(
    rooms: Sequence[DayRoom],
    asks: Sequence[Ask],
    held: Iterable[Play] = (),
    may_stay: Iterable[Play] = (),
    told: Collection[Play] = (),
    known: Known | None = None,
) -> tuple[list[Play], list[Play]]:
    """What is to sound: of ``may_stay`` the plays that stay as they are, and those that are new.

    ``rooms`` come in order of their days.
    ``held`` are there and stay, and are not part of what is asked for; a play of ``may_stay`` is, and stays
    unless its day is to have fewer, or it no longer fits. Of one of ``told`` the receiver knows: if it is not to
    stay it may yet sound, and none takes its place before that is known.
    ``known`` spares the work for receivers of which much is alike; it changes nothing of what is found.
    """
    before, loose, known = list(held), sorted(may_stay), known or Known()
    if not loose:
        return [], _deal(rooms, asks, before, known)
    wanted: dict[tuple[int, date], int] = {}
    for play in [*before, *_deal(rooms, asks, before, known)]:
        wanted[play.key, play.day] = wanted.get((play.key, play.day), 0) + 1
    kept = _staying(Board(rooms, asks, before), loose, wanted)
    dropped = [play for play in loose if play in told and play not in kept]
    lessened = _lessened(asks, [*kept, *dropped])
    return kept, _deal(rooms, lessened, [*before, *kept], known)


def _deal(
    rooms: Sequence[DayRoom], asks: Sequence[Ask], held: Sequence[Play], known: Known
) -> list[Play]:
    """What staff stopped comes last, so that it moves nothing to the day they did."""
    board = Board(rooms, asks, held)
    usual, later = known.parts(rooms, asks)
    found = [play for part in usual for play in _dealt(part, board, None if later else known)]
    return found + [play for part in later for play in _dealt(part, board, None)]


def _dealt(part: Part, board: Board, known: Known | None) -> Sequence[Play]:
    if known is None or part.like is None or not board.is_bare(part.begin):
        return _in_turns(_turns(part, board), board)
    room = board.rooms[part.begin]
    found = known.dealt(part.like, room)
    if found is None:
        found = known.keep(part.like, room, _in_turns(_turns(part, board), board))
    return found


def _in_turns(turns: Sequence[_Turn], board: Board) -> list[Play]:
    """Each play goes to the turn that has had the fewest minutes for its weight and days."""
    whole = math.lcm(*(turn.ask.weight * turn.width for turn in turns))
    queue = [(0, turn.number, turn.first, at) for at, turn in enumerate(turns)]
    heapq.heapify(queue)
    found: list[Play] = []
    while queue:
        used, number, first, at = queue[0]
        turn = turns[at]
        play = _next_play(turn, board)
        if play is None:
            heapq.heappop(queue)
            continue
        found.append(play)
        turn.left -= play.ms if turn.ask.in_ms else 1
        # Minutes for each unit of weight and day, in whole numbers.
        used += play.ms * (whole // (turn.ask.weight * turn.width))
        heapq.heapreplace(queue, (used, number, first, at))
    return found


def _staying(
    board: Board, loose: Sequence[Play], wanted: dict[tuple[int, date], int]
) -> list[Play]:
    kept = []
    for play in loose:
        ask = board.asks.get(play.key)
        if (
            ask is not None
            and board.count(play.key, play.day) < wanted.get((play.key, play.day), 0)
            and board.has_place_for(ask, play)
        ):
            board.put(play)
            kept.append(play)
    return kept


def _lessened(asks: Sequence[Ask], kept: Sequence[Play]) -> list[Ask]:
    """What is still asked for once these stay."""
    return [_less(ask, [play for play in kept if play.key == ask.key]) for ask in asks]


def _less(ask: Ask, kept: Sequence[Play]) -> Ask:
    spans = []
    for span in ask.spans:
        inside = [play for play in kept if span.first <= play.day <= span.last]
        taken = sum(play.ms for play in inside) if ask.in_ms else len(inside)
        goal = max(0, span.goal - taken)
        spans.append(span._replace(goal=goal, again=min(span.again, goal)))
    heard = dict(ask.heard)
    for play in kept:
        heard[play.sound] = heard.get(play.sound, 0) + 1
    return Ask(
        key=ask.key, sounds=ask.sounds, spans=tuple(spans), since=ask.since, weight=ask.weight,
        in_ms=ask.in_ms, heard=tuple(sorted(heard.items())),
    )  # fmt: skip


@dataclass(slots=True)
class _Turn:
    """One span of one campaign, waiting to be dealt its next play."""

    number: int
    ask: Ask
    left: int
    first: date
    days: list[tuple[int, int, int]]
    """A heap of (plays there, rank, index of the room)."""
    width: int


def _turns(part: Part, board: Board) -> list[_Turn]:
    found = (_turn(wish, board) for wish in part.wishes)
    return [turn for turn in found if turn.days]


def _turn(wish: Wish, board: Board) -> _Turn:
    begin, end, number, ask, span = wish
    days = [
        (board.count(ask.key, room.day), rank(ask.key, room.day), index)
        for index, room in enumerate(board.rooms[begin:end], start=begin)
        if room.sessions
    ]
    heapq.heapify(days)
    return _Turn(number, ask, span.goal, span.first, days, max(1, len(days)))


def rank(key: int, day: date) -> int:
    """In which order the days of a campaign get one play more than the others."""
    return (day.toordinal() * _STRIDE + key * _SHIFT) % _RING


def _next_play(turn: _Turn, board: Board) -> Play | None:
    """The next play of this turn, put on the board; None when nothing more of it fits anywhere."""
    while turn.left > 0 and turn.days:
        count, order, index = turn.days[0]
        play = board.place(turn.ask, index, turn.left)
        if play is None:
            heapq.heappop(turn.days)  # room only gets less
            continue
        heapq.heapreplace(turn.days, (count + 1, order, index))
        return play
    return None


def even(goal: int, caps: Sequence[int], ranks: Sequence[int]) -> list[int]:
    """``goal`` spread over days that hold at most ``caps``, by the same rule, for one campaign alone.

    The sum is ``goal``, or all the caps where they are less; days below their cap differ by at most one.
    """
    goal = max(0, min(goal, sum(caps)))
    level, last = 0, max(caps, default=0)
    while level < last and sum(min(cap, level + 1) for cap in caps) <= goal:
        level += 1
    found = [min(cap, level) for cap in caps]
    open_days = sorted(
        (index for index, cap in enumerate(caps) if cap > level), key=lambda at: ranks[at]
    )
    for index in open_days[: goal - sum(found)]:
        found[index] += 1
    return found


def by_largest_remainder(goal: int, weights: Sequence[int]) -> list[int]:
    """``goal`` divided by weights into whole numbers that sum to it."""
    whole = sum(weights)
    if not whole:
        return [0 for _ in weights]
    found = [goal * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda at: (-(goal * weights[at] % whole), at))
    for index in order[: goal - sum(found)]:
        found[index] += 1
    return found
