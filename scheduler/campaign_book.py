"""Book: what one campaign has played so far, what it may play, and what it still asks for at each receiver. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from content.bulletins import Priority
from content.bulletins import State as BulletinState
from loa.times import DAY, MINUTE, Instant, after, local
from scheduler import reach, windows
from scheduler.board import Ask, Play, Sound, Span
from scheduler.broadcasts import STOP_ALL_AHEAD
from scheduler.campaign_counts import Counted, CountedFrom, Near, Sum
from scheduler.campaign_tables import Aim, Campaign, Message, Per
from scheduler.context import Context
from scheduler.sources import ALL_PLANNED

LEAD = 1 * MINUTE
"""Before what is newly planned: time for receivers to be told, and to fetch the sound."""


class There(NamedTuple):
    """What there is of a campaign at a receiver."""

    held: tuple[Play, ...]
    """Plays that have sounded, or may whatever is planned now, and those staff stopped: spent for their day."""
    loose: tuple[Play, ...]
    """Plays that may yet be planned otherwise."""
    told: frozenset[Play]
    """Those of them the receiver knows of."""
    heard: Mapping[int, Sum]
    """Message → what counts of it: all but what may yet be planned otherwise."""


class Book:
    """One campaign: what it has played so far, what it may play, and what it asks for."""

    def __init__(self, campaign: Campaign, context: Context, first: date) -> None:
        self.campaign, self.number = campaign, number_of(campaign)
        self.zone = context.rules.zone
        self.since = campaign.planned_until
        """What is planned for later may be planned otherwise."""
        is_anew = campaign.planned_until == campaign.rethought_at
        self.sounds = sounds(campaign, context)
        self._lengths = {each.key: each.ms for each in self.sounds}
        self.in_ms = campaign.target.aim is Aim.MINUTES
        fleet = context.fleet
        self.everyone = fleet.resolve(campaign.where)
        self.households = {each: fleet.receivers[each].households for each in sorted(self.everyone)}
        self._spans = [span for span in campaign.spans if span[1] >= first]
        # How often each message was heard long ago chooses nothing where there is but one, and days are told apart.
        with_old = (
            campaign.target.per is Per.TOTAL
            or campaign.target.aim is Aim.REACH
            or len(self.sounds) > 1
        )
        counted = context.ask(CountedFrom(self.number, self._cut(context, first), with_old))
        begin = after(self.since, LEAD if is_anew else 0)
        self.begin = max(begin, _quiet_until(counted.stopped_all_at))
        self._old = counted.old
        self._near = _by_receiver(counted)
        self.chosen: frozenset[str] | None = None
        self._there: dict[str, There] = {}
        self._alike: dict[object, There] = {}
        self._asked: dict[int, Ask | None] = {}
        """By the identity of what there is, which is one object for all receivers that are alike."""
        self._known: dict[object, Ask | None] = {}
        self._days: dict[Instant, date] = {}

    def _cut(self, context: Context, first: date) -> Instant:
        """From when on plays are looked at one by one."""
        day = first - timedelta(days=1)
        if self.campaign.target.per is not Per.TOTAL and self._spans:
            day = min(day, self._spans[0][0])
        apart = max((each.apart_ms for each in self.campaign.messages), default=0)
        return min(
            after(windows.midnight(context, first), -apart - DAY), windows.midnight(context, day)
        )

    def choose(self, unable: frozenset[str]) -> None:
        """For REACH: who is to play it."""
        target = self.campaign.target
        if target.aim is Aim.REACH:
            plays = {
                each: sum(one.plays for one in self.there(each).heard.values())
                for each in self.everyone
            }
            chosen = reach.choose(self.households, plays, target.times, target.number, unable)
            self.chosen = frozenset(chosen)

    def there(self, receiver_id: str) -> There:
        """What there is of it at a receiver."""
        if receiver_id not in self._there:
            near = tuple(each[1:] for each in self._near.get(receiver_id, ()))
            key = near, tuple(sorted(self._old.get(receiver_id, {}).items()))
            if key not in self._alike:
                self._alike[key] = self._look(receiver_id)
            self._there[receiver_id] = self._alike[key]
        return self._there[receiver_id]

    def _look(self, receiver_id: str) -> There:
        held, loose, told = [], [], []
        for near in self._near.get(receiver_id, ()):
            play = self._play(near)
            if near.may_sound and (not near.is_live or near.starts_at < self.since):
                held.append(play)
            elif near.is_live:
                loose.append(play)
                told += [play] if near.was_sent else []
            elif near.was_stopped:
                held.append(play)
        heard = self._heard(receiver_id)
        return There(tuple(held), tuple(loose), frozenset(told), heard)

    def _play(self, near: Near) -> Play:
        ms = near.ms or self._lengths.get(near.item, 0)
        return Play(near.starts_at, self.number, near.item, ms, self._day(near.starts_at))

    def ask(self, receiver_id: str) -> Ask | None:
        """What it still asks for there; None where it asks for nothing."""
        if receiver_id not in self.everyone or not is_asking(self.campaign) or not self.sounds:
            return None
        if self.chosen is not None and receiver_id not in self.chosen:
            return None
        there = self.there(receiver_id)
        if id(there) not in self._asked:
            self._asked[id(there)] = self._ask_for(receiver_id, there.heard)
        return self._asked[id(there)]

    def _ask_for(self, receiver_id: str, heard: Mapping[int, Sum]) -> Ask | None:
        days = (
            tuple(self._of_days(receiver_id)) if self.campaign.target.per is not Per.TOTAL else ()
        )
        spent = tuple(self._spent(receiver_id))
        known = tuple(sorted(heard.items())), days, spent
        if known not in self._known:
            self._known[known] = self._ask(heard, days, spent)
        return self._known[known]

    def _ask(
        self,
        heard: Mapping[int, Sum],
        days: Sequence[tuple[date, int]],
        spent: Sequence[tuple[date, int]],
    ) -> Ask | None:
        number = 1 if self.in_ms else 0
        if self.campaign.target.per is Per.TOTAL:
            days = [(self.campaign.start_date, sum(each[number] for each in heard.values()))]
        spans = tuple(
            self._span(first, last, left, spent)
            for first, last, goal in self._spans
            if (left := self._goal(goal) - sum(n for day, n in days if first <= day <= last)) > 0
        )
        if not spans:
            return None
        return Ask(
            key=self.number, sounds=self.sounds, spans=spans, since=self.begin,
            weight=self.campaign.weight, in_ms=self.in_ms,
            heard=tuple(sorted((key, each.plays) for key, each in heard.items())),
        )  # fmt: skip

    def _span(self, first: date, last: date, left: int, spent: Sequence[tuple[date, int]]) -> Span:
        """What staff stopped is spent for its day, and made up for on the days after it."""
        inside = [(day, number) for day, number in spent if first <= day <= last]
        again = min(left, sum(number for _, number in inside))
        if not again:
            return Span(first, last, left)
        stopped = max(day for day, _ in inside)
        if stopped >= last and self.campaign.target.aim is Aim.REACH:
            # Short of it, receivers would be given up for others, and lose what else they have that day.
            return Span(first, last, left - again)
        return Span(first, last, left, again, stopped)

    def _goal(self, goal: int) -> int:
        return goal * MINUTE if self.in_ms else goal

    def _heard(self, receiver_id: str) -> dict[int, Sum]:
        found = dict(self._old.get(receiver_id, {}))
        for near in self._near.get(receiver_id, ()):
            if self._counts(near):
                before = found.get(near.item, Sum(0, 0))
                plays = before.plays + (1 if near.may_sound else 0)
                found[near.item] = Sum(plays, before.ms + self._play(near).ms)
        return found

    def _spent(self, receiver_id: str) -> list[tuple[date, int]]:
        """What staff stopped there on days that are not over: (day, plays or ms)."""
        today = self._day(self.since)
        return [
            (self._day(near.starts_at), self._missing(near))
            for near in self._near.get(receiver_id, ())
            if near.was_stopped and not near.may_sound and self._day(near.starts_at) >= today
        ]

    def _missing(self, near: Near) -> int:
        """What was not heard of it: plays, or ms."""
        return max(0, self._lengths.get(near.item, 0) - near.ms) if self.in_ms else 1

    def _of_days(self, receiver_id: str) -> list[tuple[date, int]]:
        """What counts, day by day."""
        found: dict[date, int] = {}
        for near in self._near.get(receiver_id, ()):
            if self._counts(near):
                day = self._day(near.starts_at)
                number = self._play(near).ms if self.in_ms else int(near.may_sound)
                found[day] = found.get(day, 0) + number
        return sorted(found.items())

    def _counts(self, near: Near) -> bool:
        if not near.may_sound:
            return self.in_ms and near.ms > 0
        return not near.is_live or near.starts_at < self.since

    def _day(self, moment: Instant) -> date:
        if moment not in self._days:
            self._days[moment] = local(moment, self.zone).date()
        return self._days[moment]


def _quiet_until(stopped_all_at: Instant | None) -> Instant:
    """Until when nothing is planned anew: what "Dừng tất cả" silences stays silent."""
    return after(stopped_all_at, STOP_ALL_AHEAD) if stopped_all_at is not None else Instant(0)


def _by_receiver(counted: Counted) -> dict[str, list[Near]]:
    found: dict[str, list[Near]] = {}
    for near in counted.near:
        found.setdefault(near.receiver_id, []).append(near)
    return found


def numbered(campaign: Campaign) -> dict[int, Message]:
    """Its messages by number; below 0 while they are not stored."""
    return {each.id or -place: each for place, each in enumerate(campaign.messages, start=1)}


def sounds(campaign: Campaign, context: Context) -> tuple[Sound, ...]:
    """Its messages that may be heard: approved, with a sound."""
    found = []
    for key, message in numbered(campaign).items():
        bulletin = message.bulletin
        ms = context.length_ms(bulletin, campaign.where)
        if not ms or bulletin.state is not BulletinState.APPROVED:
            continue
        first = [day for day in (message.start_date, bulletin.valid_from) if day]
        last = [day for day in (message.end_date, bulletin.valid_until) if day]
        found.append(
            Sound(
                key=key, ms=ms, weight=message.weight, apart_ms=message.apart_ms,
                first=max(first, default=date.min), last=min(last, default=date.max),
                is_priority=bulletin.priority is not Priority.NORMAL,
            )
        )  # fmt: skip
    return tuple(found)


def is_asking(campaign: Campaign) -> bool:
    """Whether it wants more than it has."""
    is_on = campaign.ended_at is None and campaign.paused_at is None
    return is_on and campaign.planned_until < ALL_PLANNED


def number_of(campaign: Campaign) -> int:
    """What plays of it are known by; 0 while it is not stored."""
    return campaign.id or 0
