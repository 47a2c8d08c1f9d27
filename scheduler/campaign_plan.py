"""What campaigns are to play, all together: what each still asks for at each receiver, dealt into the free minutes.

Receivers with the same minutes, the same plays so far and the same asks are dealt to once, and share broadcasts.
``joint`` is pure: what there is in the database is asked through the context.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.times import MINUTE, Instant, local
from loa.words import say
from scheduler import pacing, windows
from scheduler.board import Ask, DayRoom, Play
from scheduler.campaign_book import Book, There, is_asking, number_of, numbered
from scheduler.campaign_counts import CountedFrom
from scheduler.campaign_tables import Campaign, Message
from scheduler.context import Context
from scheduler.parting import Known
from scheduler.sources import ALL_PLANNED, Wanted, WhyNot
from scheduler.targets import Where

PAUSED = WhyNot("campaign_paused", say("Chiến dịch đang tạm dừng."))
TRIES = 5
"""How often others are looked for in place of receivers that have no room for a reach."""
STEP = 15 * MINUTE
"""As far as the planner goes at a time; so little often holds no session at all."""
_KNOWN = "campaigns"


def running(session: Session) -> Sequence[Campaign]:
    """Campaigns that may still play, or whose plays may still take up a place."""
    asking = sa.select(Campaign).where(
        Campaign.ended_at.is_(None), Campaign.planned_until < ALL_PLANNED
    )
    found = list(session.scalars(asking.order_by(Campaign.id)))
    first = min((each.start_date for each in found), default=date.max)
    others = sa.select(Campaign).where(
        Campaign.ended_at.is_(None),
        Campaign.planned_until == ALL_PLANNED,
        Campaign.end_date >= first,
    )
    return [*found, *session.scalars(others.order_by(Campaign.id))]


@dataclass(frozen=True)
class Share:
    """What receivers that are alike are to play."""

    receiver_ids: frozenset[str]
    days: tuple[DayRoom, ...]
    asks: tuple[Ask, ...]
    plays: tuple[Play, ...]
    """Those planned before that stay, and new ones."""

    def short_of(self, key: int) -> int:
        """How much of what a campaign asks for finds no room: plays, or ms of minutes."""
        asked = [ask for ask in self.asks if ask.key == key]
        if not asked:
            return 0
        mine = [play for play in self.plays if play.key == key]
        got = sum(play.ms for play in mine) if asked[0].in_ms else len(mine)
        return sum(span.goal for span in asked[0].spans) - got


@dataclass(frozen=True)
class Plan:
    """What is to sound, and who could not be given what was asked."""

    shares: Sequence[Share]
    chosen: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """REACH campaign → the receivers that are to reach its households."""
    unable: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """REACH campaign → receivers left out because they have no room."""

    @cached_property
    def heard(self) -> Mapping[int, Mapping[tuple[Instant, int], Sequence[int]]]:
        """Campaign → start and message of each play → numbers of the shares that have it."""
        found: dict[int, dict[tuple[Instant, int], list[int]]] = {}
        for number, share in enumerate(self.shares):
            for play in share.plays:
                of_one = found.setdefault(play.key, {})
                of_one.setdefault((play.starts_at, play.sound), []).append(number)
        return found


def wanted(source: Campaign, since: Instant, until: Instant, context: Context) -> Sequence[Wanted]:
    """What a campaign wants in [since, until)."""
    if source.paused_at is not None:
        return _paused(source, since, until, context)
    if (
        until - since <= STEP
        and _KNOWN not in context.known
        and not windows.is_any(context, since, until)
    ):
        return []
    return _wishes(source, of_all(context), since, until, context)


def of_all(context: Context) -> Plan:
    """What all that is stored is to play; worked out once."""
    if _KNOWN not in context.known:
        context.known[_KNOWN] = joint(context, context.ask(running))
    plan: Plan = context.known[_KNOWN]
    return plan


def _wishes(
    source: Campaign, plan: Plan, since: Instant, until: Instant, context: Context
) -> list[Wanted]:
    messages = numbered(source)
    wheres: dict[tuple[int, ...], Where] = {}
    found = []
    for (starts_at, sound), numbers in sorted(plan.heard.get(number_of(source), {}).items()):
        if since <= starts_at < until:
            shares = tuple(numbers)  # a year has very many plays, and few kinds of receivers
            if shares not in wheres:
                ids = {id for number in shares for id in plan.shares[number].receiver_ids}
                wheres[shares] = _where(context, source.where, ids)
            found.append(_wish(source, messages[sound], starts_at, wheres[shares]))
    return found


def _wish(
    source: Campaign, message: Message, starts_at: Instant, where: Where, why: WhyNot | None = None
) -> Wanted:
    return Wanted(
        starts_at=starts_at,
        bulletin=message.bulletin,
        where=where,
        origin=say("Chiến dịch “%(name)s”", name=source.name),
        by=source.staff.name,
        by_area_id=source.staff.area_id,
        item=message.id,
        why_not=why,
    )


def _paused(source: Campaign, since: Instant, until: Instant, context: Context) -> Sequence[Wanted]:
    """What was planned before it was paused."""
    near = context.ask(CountedFrom(source.id, since, with_old=False)).near
    messages = numbered(source)
    planned = {(each.starts_at, each.item) for each in near if each.is_live}
    return [
        _wish(source, messages[item], starts_at, source.where, PAUSED)
        for starts_at, item in sorted(planned)
        if item in messages and starts_at < until
    ]


def _where(context: Context, whole: Where, ids: set[str]) -> Where:
    """These receivers, said in the shorter way."""
    everyone = context.fleet.resolve(whole)
    missing = everyone - ids
    if not missing:
        return whole
    if len(missing) < len(ids):
        return replace(whole, except_ids=tuple(sorted({*whole.except_ids, *missing})))
    return Where(receiver_ids=tuple(sorted(ids)))


# -- all campaigns together -----------------------------------------------------------------------


class _State(NamedTuple):
    """What there is of the campaigns at a receiver."""

    asks: tuple[Ask, ...]
    held: tuple[Play, ...]
    loose: tuple[Play, ...]
    told: frozenset[Play]


def joint(context: Context, campaigns: Sequence[Campaign]) -> Plan:
    """What these campaigns are to play from where each is planned to, until their ends."""
    asking = [each for each in campaigns if is_asking(each)]
    if not asking:
        return Plan([])
    first = min(_first_day(each, context) for each in asking)
    last = max(each.end_date for each in asking)
    books = [Book(each, context, first) for each in campaigns]
    ids = frozenset[str]().union(*(book.everyone for book in books if is_asking(book.campaign)))
    alike = windows.rooms(context, ids, first, last)
    unable: dict[int, frozenset[str]] = {}
    dealt: dict[object, Share] = {}
    memory = Known()
    for _ in range(TRIES):
        for book in books:
            book.choose(unable.get(book.number, frozenset()))
        shares = [share for rooms in alike for share in _shares(rooms, books, dealt, memory)]
        short = {book.number: _short(book, shares) for book in books}
        if all(found <= unable.get(key, frozenset()) for key, found in short.items()):
            break
        unable = {key: unable.get(key, frozenset()) | found for key, found in short.items()}
    chosen = {book.number: book.chosen for book in books if book.chosen is not None}
    return Plan(shares, chosen, unable)


def _short(book: Book, shares: Sequence[Share]) -> frozenset[str]:
    """The receivers a REACH campaign was to reach and that have no room for it."""
    if book.chosen is None:
        return frozenset()
    short = (share.receiver_ids for share in shares if share.short_of(book.number))
    return book.chosen.intersection(frozenset[str]().union(*short))


def _first_day(campaign: Campaign, context: Context) -> date:
    return max(campaign.start_date, local(campaign.planned_until, context.rules.zone).date())


def _shares(
    rooms: windows.Rooms, books: Sequence[Book], dealt: dict[object, Share], memory: Known
) -> list[Share]:
    """What each kind of receivers is to play; ``dealt`` remembers what was dealt to whom."""
    shares = []
    for state, ids in _kinds(books, rooms.receiver_ids).items():
        known = frozenset(ids), state
        if known not in dealt and state.asks:
            dealt[known] = _share(rooms.days, state, ids, memory)
        shares += [dealt[known]] if state.asks else []
    return shares


def _share(days: Sequence[DayRoom], state: _State, ids: Iterable[str], memory: Known) -> Share:
    kept, new = pacing.deal(days, state.asks, state.held, state.loose, state.told, memory)
    return Share(frozenset(ids), tuple(days), state.asks, tuple(sorted([*kept, *new])))


def _kinds(books: Sequence[Book], receiver_ids: Iterable[str]) -> dict[_State, list[str]]:
    """Receivers by what there is. Books say the very same objects of those alike: few are read through."""
    alike: dict[tuple[int, ...], tuple[_State, list[str]]] = {}
    for receiver_id in sorted(receiver_ids):
        there = [book.there(receiver_id) for book in books]
        asks = [ask for book in books if (ask := book.ask(receiver_id)) is not None]
        key = (*map(id, there), *map(id, asks))
        if key not in alike:
            alike[key] = _state(there, asks), []
        alike[key][1].append(receiver_id)
    found: dict[_State, list[str]] = {}
    for state, ids in alike.values():
        found.setdefault(state, []).extend(ids)
    return found


def _state(there: Sequence[There], asks: Sequence[Ask]) -> _State:
    return _State(
        asks=tuple(asks),
        held=tuple(play for each in there for play in each.held),
        loose=tuple(play for each in there for play in each.loose),
        told=frozenset[Play]().union(*(each.told for each in there)),
    )


def with_draft(context: Context, campaign: Campaign) -> Plan:
    """The plan with a campaign that may be not stored, or about to be changed."""
    if any(each is campaign for each in context.ask(running)):
        return of_all(context)
    return joint(context, with_others(context, campaign))


def with_others(context: Context, campaign: Campaign) -> list[Campaign]:
    """The campaign and all others that are stored."""
    return [*(each for each in context.ask(running) if each.id != campaign.id), campaign]
