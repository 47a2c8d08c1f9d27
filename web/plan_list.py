"""What a plan lists: the lines asked for by words, and all of them as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from loa.words import say
from scheduler.day_plan import Line
from scheduler.projection import Sound
from web import current, labels, lists

HEAD = (
    "Ngày", "Giờ", "Dài", "Bản tin", "Mức ưu tiên", "Nơi phát", "Số đầu thu", "Tình trạng", "Theo", "Người đặt",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line of a plan."""

    line: Line
    places: str
    odd: list[str]
    """Why its hour is an odd one; nothing where it is not."""
    why: str
    """Address of its "Vì sao?"."""

    @property
    def sound(self) -> Sound:
        return self.line.sound

    @property
    def state(self) -> str:
        """What became of it, or is to become of it, in a few words."""
        line, sound = self.line, self.sound
        if line.tally is not None and sound.state is not None:
            return labels.outcome(sound.state, line.tally).badge
        if line.is_heard:
            return say("sẽ phát")
        why_not = line.why_not
        told = (why_not.sentence or labels.reason(why_not.code)) if why_not else ""
        return say("không phát: %(why)s", why=told) if told else say("không phát")


def named(entries: Iterable[Entry], sought: str) -> list[Entry]:
    """Those in which all these words stand."""
    return [
        each for each in entries
        if lists.finds(sought, each.sound.title, str(each.places), str(each.sound.origin or ""), each.sound.by or "")
    ]  # fmt: skip


def rows(entries: Iterable[Entry]) -> Iterator[tuple[Any, ...]]:
    """All of them as a table in Vietnamese, its head first."""
    yield HEAD
    zone = current.zone()
    for each in entries:
        sound = each.sound
        told = (
            labels.day(sound.starts_at, zone), labels.clock(sound.starts_at, zone), labels.duration(sound.ms or None),
            sound.title, labels.PRIORITIES[sound.priority], each.places, each.line.receivers, each.state,
            sound.origin or "", sound.by or "",
        )  # fmt: skip
        yield tuple(str(value) for value in told)
