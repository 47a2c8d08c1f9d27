"""Series: the days and the time at which one bulletin is heard, and what that wants. Pure.

The occurrences of a series are reckoned by the wall clock of the station's zone. A time that a zone's spring gap
skips does not occur that day; of an hour that comes twice in autumn, the first is meant.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from content.bulletins import Bulletin
from content.bulletins import State as BulletinState
from content.relays import Relay
from loa.staff import Staff
from loa.times import MINUTE, Instant, instant, local
from loa.times import at as instant_at
from loa.words import join, recall, say
from scheduler import days, exceptions, recurrence
from scheduler.context import Context
from scheduler.exceptions import Kind as ExceptionKind
from scheduler.exceptions import ScheduleException
from scheduler.sources import Kind as SourceKind
from scheduler.sources import Wanted, WhyNot
from scheduler.targets import Where

KIND = SourceKind("schedule_id", WhyNot("schedule_ended", say("Lịch phát đã kết thúc.")))
ONE_DAY = timedelta(days=1)


class Kind(enum.StrEnum):
    """How a rule is filled in: the simple ways by name, all others by their text."""

    ONCE = "once"
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a person fills in."""

    kind: Kind
    at: time
    start_date: date
    end_date: date | None = None
    weekdays: tuple[int, ...] = ()
    recurs: str = ""
    """Of OTHER: on which days, as scheduler.recurrence reads it."""
    skips: tuple[str, ...] = ()
    """Keys of the kinds of day on which it is not heard."""
    minutes: int = 0
    """Of a relay: how long; 0 as its bulletin says."""
    resumes: bool = False
    """Begins again after an interruption."""
    area_ids: tuple[int, ...] = ()
    group_ids: tuple[int, ...] = ()
    except_ids: tuple[str, ...] = ()

    @property
    def where(self) -> Where:
        """Where it is to be heard."""
        return Where(self.area_ids, self.group_ids, self.except_ids)

    @property
    def rule(self) -> str:
        """On which days, as scheduler.recurrence reads it. Raises ScheduleError."""
        match self.kind:
            case Kind.ONCE:
                return recurrence.ONCE
            case Kind.DAILY:
                return "FREQ=DAILY"
            case Kind.WEEKDAYS:
                chosen = ",".join(recurrence.WEEKDAYS[each] for each in sorted(set(self.weekdays)))
                return f"FREQ=WEEKLY;BYDAY={chosen}"
            case Kind.OTHER:
                return str(recurrence.parse(self.recurs))


class Series(Protocol):
    """A schedule, or what a person has filled in to be one."""

    @property
    def at(self) -> time: ...
    @property
    def rule(self) -> str: ...
    @property
    def start_date(self) -> date: ...
    @property
    def end_date(self) -> date | None: ...
    @property
    def skips(self) -> Sequence[str]: ...


class Made(Series, Protocol):
    """A schedule that is stored."""

    @property
    def id(self) -> int: ...
    @property
    def bulletin(self) -> Bulletin: ...
    @property
    def staff(self) -> Staff: ...
    @property
    def where(self) -> Where: ...
    @property
    def resumes(self) -> bool: ...
    @property
    def minutes(self) -> int: ...
    @property
    def is_now(self) -> bool: ...


class Occasion(NamedTuple):
    """One occurrence: ``day`` by the series, ``at`` when it is to start, why it is not to if it is not."""

    day: date
    at: Instant
    why_not: WhyNot | None = None
    exception: ScheduleException | None = None
    bulletin: Bulletin | None = None
    """In place of the series' own."""

    @property
    def is_heard(self) -> bool:
        return self.why_not is None


def kind_of(rule: str) -> Kind:
    """Which of the ways a person chooses from the rule is."""
    found = recurrence.parse(rule)
    if found.freq == "ONCE":
        return Kind.ONCE
    if found.freq == "DAILY" and found.interval == 1:
        return Kind.DAILY
    return Kind.WEEKDAYS if found.freq == "WEEKLY" and found.interval == 1 else Kind.OTHER


def dates(series: Series, since: date, until: date) -> Iterator[date]:
    """The days of the series in [since, until)."""
    return recurrence.dates(series.rule, series.start_date, series.end_date, since, until)


def has_day(series: Series, day: date) -> bool:
    return day in dates(series, day, day + ONE_DAY)


def occurrences(
    series: Series, since: Instant, until: Instant, zone: ZoneInfo
) -> Iterator[Instant]:
    """The instants in [since, until) at which the rule alone says it starts, whatever holds of single days."""
    for _, moment in _moments(series, since, until, zone):
        yield moment


def _moments(
    series: Series, since: Instant, until: Instant, zone: ZoneInfo
) -> Iterator[tuple[date, Instant]]:
    first, last = local(since, zone).date(), local(until, zone).date()
    clock = _milliseconds(series.at)
    for day in dates(series, first, last + ONE_DAY):
        even = _even_day(day, zone)
        moment = instant_at(day, series.at, zone) if even is None else Instant(even + clock)
        if moment is not None and since <= moment < until:
            yield day, moment


@lru_cache(maxsize=8192)
def _even_day(day: date, zone: ZoneInfo) -> Instant | None:
    """Midnight of a day through which the zone's clocks run evenly, as most do; else None."""
    begins = datetime.combine(day, time(), tzinfo=zone)
    following = datetime.combine(day + ONE_DAY, time(), tzinfo=zone)
    is_even = begins.utcoffset() == following.utcoffset() == following.replace(fold=1).utcoffset()
    return instant(begins) if is_even else None


def _milliseconds(clock: time) -> int:
    seconds = (clock.hour * 60 + clock.minute) * 60 + clock.second
    return seconds * 1000 + clock.microsecond // 1000


# -- with exceptions and kinds of day -------------------------------------------------------------


def occasions(
    series: Series,
    since: Instant,
    until: Instant,
    zone: ZoneInfo,
    excepted: Iterable[ScheduleException] = (),
    context: Context | None = None,
) -> list[Occasion]:
    """All that would start in [since, until), in order of time: what is heard, and what is not with the reason.

    Of ``excepted`` the last of a day holds. Without a context all days are of a kind on which it is heard.
    """
    otherwise = {each.day: each for each in excepted}
    silent = _silence(series, context)
    found = []
    for day, moment in _moments(series, since, until, zone):
        if day in otherwise:
            found += _otherwise(series, day, moment, otherwise[day])
        else:
            found.append(Occasion(day, moment, silent(day)))
    if otherwise:
        found += _moved(series, since, until, otherwise.values(), zone)
        found.sort(key=lambda each: (each.at, not each.is_heard))
    return found


def _otherwise(
    series: Series, day: date, moment: Instant, exception: ScheduleException
) -> list[Occasion]:
    unheard = Occasion(day, moment, exceptions.why_not(exception, series.at), exception)
    if exception.kind is not ExceptionKind.REPLACE or exception.bulletin is None:
        return [unheard]
    return [
        unheard,
        Occasion(day, moment, _gone(exception.bulletin), exception, exception.bulletin),
    ]


def _gone(bulletin: Bulletin) -> WhyNot | None:
    if bulletin.state is BulletinState.WITHDRAWN:
        return WhyNot(
            "withdrawn", say("Bản tin thay thế “%(title)s” đã bị thu hồi.", title=bulletin.title)
        )
    return None


def _moved(
    series: Series,
    since: Instant,
    until: Instant,
    excepted: Iterable[ScheduleException],
    zone: ZoneInfo,
) -> Iterator[Occasion]:
    """What exceptions put into [since, until), from whatever day of the series."""
    for exception in excepted:
        if exception.kind is ExceptionKind.MOVE and has_day(series, exception.day):
            moment = target(exception, series.at, zone)
            if moment is not None and since <= moment < until:
                yield Occasion(exception.day, moment, None, exception)


def target(exception: ScheduleException, at: time, zone: ZoneInfo) -> Instant | None:
    """Whereto an occurrence is moved; None where a zone's spring gap skips that time."""
    return instant_at(exception.to_day or exception.day, exception.to_time or at, zone)


def _silence(series: Series, context: Context | None) -> Callable[[date], WhyNot | None]:
    """Why the series is not heard on a day of its kind, asked day by day."""
    if context is None or not series.skips:
        return lambda _day: None
    calendar = days.calendar(context)

    def silent(day: date) -> WhyNot | None:
        kind = calendar.kind(day)
        if kind.key not in series.skips:
            return None
        why = join("", [" (", kind.why, ")"]) if kind.why else ""
        return WhyNot(
            "day_kind_skipped",
            say(
                "Lịch này không phát vào %(kind)s%(why)s.", kind=recall(kind.name).lower(), why=why
            ),
        )

    return silent


# -- wishes ---------------------------------------------------------------------------------------


def wanted(source: Made, since: Instant, until: Instant, context: Context) -> Sequence[Wanted]:
    """What a schedule wants in [since, until), each wish once: one that sounds goes before one that does not."""
    excepted = context.exceptions.get(("schedule_id", source.id), ())
    found = occasions(source, since, until, context.rules.zone, excepted, context)
    if not found:
        return []
    where, origin, by = source.where, _origin(source), source.staff
    own = relay_of(source.bulletin, source.minutes)
    wishes: dict[tuple[Instant, int, int], Wanted] = {}
    for each in found:
        bulletin = each.bulletin or source.bulletin
        told = exceptions.sentence(each.exception, source.at) if each.exception else ""
        wish = Wanted(
            starts_at=each.at, bulletin=bulletin, where=where, origin=join(". ", [origin, told]) if told else origin,
            by=by.name, by_area_id=by.area_id, resumes=source.resumes, why_not=each.why_not,
            relay=relay_of(bulletin, source.minutes) if each.bulletin else own,
        )  # fmt: skip
        wishes.setdefault(wish.key, wish)
    return list(wishes.values())


def relay_of(bulletin: Bulletin, minutes: int) -> Relay | None:
    """The stream of a bulletin that is one, for so many minutes; 0 is as the bulletin says."""
    stream = bulletin.relay
    if stream is None:
        return None
    return Relay(stream.url, minutes * MINUTE or stream.ms, stream.hosts)


def _origin(source: Made) -> str:
    """By which rule, in words."""
    if source.is_now:
        return say("Phát ngay, %(name)s ra lệnh", name=source.staff.name)
    return say("Lịch phát %(rule)s", rule=words(source))


def words(source: Series) -> str:
    """hằng ngày lúc 17:00."""
    return say(
        "%(rule)s lúc %(clock)s",
        rule=recurrence.words(source.rule, source.start_date),
        clock=f"{source.at:%H:%M}",
    )
