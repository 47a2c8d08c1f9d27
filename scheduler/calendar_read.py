"""A calendar's file (iCalendar, RFC 5545) as lines of schedules: what scheduler.calendar_file writes, and others too.

DTSTART is the first day and the time, RRULE the days, EXDATE days left out, SUMMARY the bulletin, LOCATION the place.
An event with RECURRENCE-ID says what is otherwise on one day. What RFC 5545 cannot say stands in properties of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event
from icalendar.parser import Contentline

from loa import typed
from loa.errors import ScheduleError
from loa.words import say
from scheduler import recurrence
from scheduler.calendar_file import END, EXCEPT, MINUTES, NUMBER, RESUMES, RULE, SKIPS
from scheduler.exceptions import Kind
from scheduler.schedule_rows import MOST_LINES, MOST_YEARS, Odd, Unread, Wish

NAMES = {
    "DTSTART": say("ngày giờ bắt đầu"),
    "DTEND": say("giờ kết thúc"),
    "DURATION": say("thời lượng"),
    "RRULE": say("cách lặp"),
    "EXDATE": say("ngày bỏ"),
    "RECURRENCE-ID": say("ngày của lượt riêng"),
    "RDATE": say("ngày thêm"),
}
HALF_A_YEAR = timedelta(days=182)
ONE_DAY = timedelta(days=1)


def read(text: str, zone: ZoneInfo) -> list[Wish | Unread]:
    """Each event that is a series, in order of the file. Raises ScheduleError when it is no calendar."""
    events = _events(text)
    alone = [
        (line, _text(event, "UID"), event) for line, event in events if "RECURRENCE-ID" in event
    ]
    series = [(line, event) for line, event in events if "RECURRENCE-ID" not in event]
    known = {_text(event, "UID") for _, event in series}
    found: list[Wish | Unread] = []
    for line, event in series:
        uid = _text(event, "UID")
        found.append(_read(line, event, [each for _, of, each in alone if of == uid and uid], zone))
    found += [
        Unread(line, _text(event, "SUMMARY"), say("Lượt riêng của một lịch không có trong tệp."))
        for line, uid, event in alone
        if uid not in known or not uid
    ]
    return sorted(found, key=lambda each: each.line)


# -- the file -------------------------------------------------------------------------------------


def _events(text: str) -> list[tuple[int, Event]]:
    """(number of its first line, event) of each event."""
    try:
        calendars = Calendar.from_ical(text.lstrip("\ufeff"), multiple=True)
    except (ValueError, KeyError, IndexError) as error:
        raise _broken(text) from error
    found = (event for each in calendars for event in each.walk("VEVENT"))
    events = [event for event in found if isinstance(event, Event)]
    if not any(isinstance(each, Calendar) for each in calendars) or not _is_closed(text):
        raise _broken(text)
    if len(events) > MOST_LINES:
        raise ScheduleError(
            say(
                "Tệp có %(n)s sự kiện, quá %(most)s. Hãy chia nhỏ.", n=len(events), most=MOST_LINES
            ),
            field="file",
        )
    starts = [n for n, line in _content(text) if line.strip().upper() == "BEGIN:VEVENT"]
    return list(zip(starts, events, strict=False))


def _content(text: str) -> Iterator[tuple[int, str]]:
    """(number, text) of each line, those that are folded put together."""
    number, held = 0, ""
    for at, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        if line[:1] in (" ", "\t") and held:
            held += line[1:]
            continue
        if held:
            yield number, held
        number, held = at, line
    if held:
        yield number, held


def _is_closed(text: str) -> bool:
    return _open_line(text) is None


def _open_line(text: str) -> int | None:
    """The line at which BEGIN and END no longer match; None where all do."""
    begun: list[tuple[int, str]] = []
    for number, line in _content(text):
        name, _, value = line.partition(":")
        if name.strip().upper() == "BEGIN":
            begun.append((number, value.strip().upper()))
        elif name.strip().upper() == "END" and (
            not begun or begun.pop()[1] != value.strip().upper()
        ):
            return number
    return begun[-1][0] if begun else None


def _broken(text: str) -> ScheduleError:
    line = next((n for n, each in _content(text) if each.strip() and not _is_line(each)), None)
    line = line or _open_line(text) or 1
    return ScheduleError(
        say(
            "Tệp không phải lịch iCalendar, hoặc bị hỏng ở dòng %(line)s. Hãy xuất lại tệp .ics từ ứng dụng lịch.",
            line=line,
        ),
        field="file",
    )


def _is_line(text: str) -> bool:
    try:
        Contentline(text).parts()  # type: ignore[no-untyped-call]
    except ValueError:
        return False
    return True


# -- one event ------------------------------------------------------------------------------------


def _read(line: int, event: Event, alone: Sequence[Event], zone: ZoneInfo) -> Wish | Unread:
    try:
        return _wish(line, event, alone, zone)
    except ScheduleError as error:
        return Unread(line, _text(event, "SUMMARY"), error.sentence)


def _wish(line: int, event: Event, alone: Sequence[Event], zone: ZoneInfo) -> Wish:
    for each in (event, *alone):
        _demand_whole(each)
    starts = _moment(event, "DTSTART")
    wall = _wall(starts, zone)
    recurs, end = _days(event, starts, wall, zone)
    minutes, number = _text(event, MINUTES), _text(event, NUMBER)
    return Wish(
        line=line, title=_text(event, "SUMMARY"), at=wall.time(), recurs=recurs, start=wall.date(), end=end,
        places="|".join(filter(None, (_places(event), *_out(event)))), lasts_ms=_lasts_ms(event, starts),
        minutes=int(minutes) if minutes.isdecimal() and len(minutes) < 5 else 0,
        uid=_text(event, "UID"), bulletin_id=int(number) if number.isdecimal() and len(number) < 10 else None,
        skips=tuple(re.findall(r"[a-z0-9_-]{1,32}", _text(event, SKIPS))),
        resumes=_text(event, RESUMES) == "1", odd=_odd(event, alone, wall, zone),
    )  # fmt: skip


def _demand_whole(event: Event) -> None:
    """Raise ScheduleError for what cannot be read, or is no more."""
    for name, why in event.errors:
        raise ScheduleError(
            say(
                "Không đọc được %(what)s của sự kiện này (%(why)s). "
                "Hãy sửa trong ứng dụng lịch rồi xuất lại.",
                what=NAMES.get(name or "", name or say("một dòng")),
                why=str(why)[:80],
            )
        )
    if not _text(event, "SUMMARY"):
        raise ScheduleError(say("Sự kiện không có tên. Hãy đặt tên sự kiện như tiêu đề bản tin."))
    if _text(event, "STATUS").upper() == "CANCELLED":
        raise ScheduleError(say("Sự kiện này đã huỷ trong ứng dụng lịch."))


def _text(event: Event, name: str) -> str:
    value = event.get(name)
    return "" if value is None or isinstance(value, list) else str(value).strip()


def _one(event: Event, name: str) -> Any:
    value = event.get(name)
    if isinstance(value, list):
        raise ScheduleError(
            say(
                "Sự kiện có nhiều %(what)s. Hãy tách thành nhiều sự kiện.",
                what=NAMES.get(name, name),
            )
        )
    return value


def _moment(event: Event, name: str) -> datetime:
    """A day and a time, with a zone where it has one. Raises ScheduleError."""
    value = _one(event, name)
    if value is None:
        raise ScheduleError(say("Sự kiện không có %(what)s.", what=NAMES[name]))
    if not isinstance(value.dt, datetime):
        raise ScheduleError(
            say("Sự kiện cả ngày không có giờ phát. Hãy đặt giờ trong ứng dụng lịch rồi xuất lại.")
        )
    named = value.params.get("TZID")
    if named and value.dt.tzinfo is None:
        raise ScheduleError(
            say(
                "Không rõ múi giờ “%(named)s”. Hãy đặt lại múi giờ trong ứng dụng lịch.",
                named=named,
            )
        )
    return value.dt


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """By the station's wall clock; what has no zone already is."""
    return (moment.astimezone(zone) if moment.tzinfo else moment).replace(tzinfo=None)


def _lasts_ms(event: Event, starts: datetime) -> int:
    ends, lasts = _one(event, "DTEND"), _one(event, "DURATION")
    if lasts is not None and isinstance(lasts.dt, timedelta):
        return int(lasts.dt.total_seconds() * 1000)
    if ends is None or not isinstance(ends.dt, datetime):
        return 0
    if (ends.dt.tzinfo is None) != (starts.tzinfo is None):
        raise ScheduleError(say("Giờ bắt đầu và giờ kết thúc không cùng múi giờ."))
    return max(0, int((ends.dt - starts).total_seconds() * 1000))


def _places(event: Event) -> str:
    """LOCATION; the receivers left out that it names stand in a property of ours, by their ids."""
    where = _text(event, "LOCATION")
    return re.split(r",?\s*trừ ", where)[0] if _text(event, EXCEPT) else where


def _out(event: Event) -> list[str]:
    return [f"trừ {each}" for each in filter(None, _text(event, EXCEPT).split())]


# -- days -----------------------------------------------------------------------------------------


def _days(
    event: Event, starts: datetime, wall: datetime, zone: ZoneInfo
) -> tuple[str, date | None]:
    """(the rule's text, its last day). Raises ScheduleError."""
    value, ours = _one(event, "RRULE"), _text(event, RULE)
    if value is None:
        if "RDATE" in event and not ours:
            raise ScheduleError(
                say(
                    "Sự kiện có các ngày riêng (RDATE). Hãy tách thành nhiều sự kiện, hoặc đặt cách lặp của đài."
                )
            )
        return str(recurrence.parse(ours)), typed.day(_text(event, END))
    parts = dict(each.split("=", 1) for each in value.to_ical().decode().upper().split(";"))
    _demand_same_day(starts, wall, zone)
    until, count = parts.pop("UNTIL", ""), parts.pop("COUNT", "")
    rule = str(recurrence.parse(_ours(parts, wall.date())))
    found = recurrence.dates(rule, wall.date(), None, wall.date(), wall.date() + ONE_DAY)
    if next(found, None) is None:
        raise ScheduleError(
            say("Ngày đầu của sự kiện không thuộc cách lặp của nó. Hãy sửa trong ứng dụng lịch.")
        )
    return rule, _end(rule, wall, until, count, zone)


def _ours(parts: dict[str, str], first: date) -> str:
    """With what RFC 5545 takes from the first day said outright, and no day on which weeks begin."""
    if parts.get("INTERVAL", "1") == "1" or parts.get("FREQ") != "WEEKLY":
        parts.pop("WKST", None)
    freq, is_bare = parts.get("FREQ"), not {"BYDAY", "BYMONTHDAY"} & parts.keys()
    if freq == "DAILY" and "BYDAY" in parts and parts.get("INTERVAL", "1") == "1":
        parts["FREQ"] = "WEEKLY"
    elif freq == "WEEKLY" and is_bare:
        parts["BYDAY"] = recurrence.WEEKDAYS[first.weekday()]
    elif freq in ("MONTHLY", "YEARLY") and is_bare:
        parts["BYMONTHDAY"] = str(first.day)
    if freq == "YEARLY":
        parts.setdefault("BYMONTH", str(first.month))
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _demand_same_day(starts: datetime, wall: datetime, zone: ZoneInfo) -> None:
    """Raise ScheduleError where its days or its time are others by the station's clock, sooner or later."""
    if starts.tzinfo is None:
        return
    later = _wall(starts + HALF_A_YEAR, zone)
    if wall.date() != starts.date() or later.time() != wall.time():
        raise ScheduleError(
            say(
                "Sự kiện lặp lại theo múi giờ khác của đài (%(zone)s). "
                "Hãy đổi múi giờ trong ứng dụng lịch rồi xuất lại.",
                zone=zone.key,
            )
        )


def _end(rule: str, wall: datetime, until: str, count: str, zone: ZoneInfo) -> date | None:
    if until:
        return _last(until, wall.time(), zone)
    if not count:
        return None
    far = wall.date() + timedelta(days=MOST_YEARS * 366)
    days = recurrence.dates(rule, wall.date(), None, wall.date(), far)
    last = (
        next(islice(days, int(count) - 1, None), None) if count.isdecimal() and int(count) else None
    )
    if last is None:
        raise ScheduleError(
            say(
                "Sự kiện lặp %(count)s lần là quá %(most)s năm. Hãy ghi ngày kết thúc.",
                count=count,
                most=MOST_YEARS,
            )
        )
    return last


def _last(until: str, at: time, zone: ZoneInfo) -> date:
    """20261231T100000Z as the last day that is not after it."""
    if "T" not in until:
        return datetime.strptime(until, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    moment = datetime.strptime(until.rstrip("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007
    wall = _wall(moment.replace(tzinfo=UTC) if until.endswith("Z") else moment, zone)
    return wall.date() if wall.time() >= at else wall.date() - ONE_DAY


# -- single days ----------------------------------------------------------------------------------


def _odd(event: Event, alone: Iterable[Event], wall: datetime, zone: ZoneInfo) -> tuple[Odd, ...]:
    skipped = [Odd(day=day, kind=Kind.SKIP) for day in sorted(set(_left_out(event, zone)))]
    return (*skipped, *(_in_place(event, each, wall, zone) for each in alone))


def _left_out(event: Event, zone: ZoneInfo) -> Iterator[date]:
    value = event.get("EXDATE")
    for listed in value if isinstance(value, list) else [value] if value is not None else []:
        for each in listed.dts:
            is_moment = isinstance(each.dt, datetime)
            yield _wall(each.dt, zone).date() if is_moment else each.dt


def _in_place(series: Event, event: Event, wall: datetime, zone: ZoneInfo) -> Odd:
    """What is otherwise on one day: another time, or another bulletin."""
    day = _wall(_moment(event, "RECURRENCE-ID"), zone).date()
    starts, title = _wall(_moment(event, "DTSTART"), zone), _text(event, "SUMMARY")
    is_moved = (starts.date(), starts.time()) != (day, wall.time())
    if title != _text(series, "SUMMARY"):
        if is_moved:
            raise ScheduleError(
                say(
                    "Lượt ngày %(day)s vừa dời vừa đổi bản tin. Hãy tách lượt này thành sự kiện riêng.",
                    day=f"{day:%d/%m/%Y}",
                )
            )
        return Odd(day=day, kind=Kind.REPLACE, title=title)
    return Odd(day=day, kind=Kind.MOVE, to_day=starts.date(), to_time=starts.time())
