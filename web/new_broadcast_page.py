"""What the steps of "Phát bản tin mới" show: the sessions ahead, what speaks against a choice, what was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from content import mentions, parts
from content.bulletins import Bulletin, Priority, State
from content.library import Order, Wanted, listing
from loa.errors import ScheduleError
from loa.times import HOUR, MINUTE, SECOND, Instant, at, local
from loa.words import first_upper, say
from scheduler import admission, room, schedule_checks, uses
from scheduler.admission import Finding
from scheduler.fixes import Report
from scheduler.room import Room
from scheduler.sources import Rules
from scheduler.targets import Where
from web import current, labels, schedule_preview
from web.new_broadcast_form import WhenForm

DAYS = 3
"""After today: further ahead a calendar serves better."""
MOST_SLOTS = 12
CHARACTERS_A_SECOND = 14
"""Read aloud, for a first guess at how long a text will sound."""
RECENT = 8
"""Bulletins offered to be broadcast again."""


class Day(NamedTuple):
    """A day with its sessions."""

    day: date
    name: str
    rooms: list[Room]


@dataclass
class Options:
    """The step "where and when", as it stands for what is chosen now."""

    days: list[Day]
    ms: int
    is_guess: bool
    """Whether ``ms`` is a guess, for the sound is not made yet."""
    warnings: list[str] = field(default_factory=list)
    """What a person should look at, and may leave as it is."""
    refusals: list[str] = field(default_factory=list)
    """Why it may not be sent so."""
    findings: list[Finding] = field(default_factory=list)
    """What needs a reason."""
    clashes: list[Report] = field(default_factory=list)


def options(session: Session, bulletin: Bulletin, form: WhenForm) -> Options:
    """What there is to choose from, and what speaks against what is chosen."""
    where = form.where
    ms, is_guess = length(session, bulletin, where)
    found = Options(_days(session, where, ms), ms, is_guess)
    found.warnings = dated(bulletin.body, _today())
    try:
        chosen = moments(session, bulletin, form)
    except ScheduleError as error:
        found.refusals.append(error.sentence)
        return found
    for moment in chosen:
        _judge(session, bulletin, form, moment, found)
    return found


def length(session: Session, bulletin: Bulletin, where: Where) -> tuple[int, bool]:
    """Milliseconds it sounds there, and whether that is a guess."""
    known = schedule_checks.sounding_ms(session, bulletin, where)
    guess = max(len(parts.body(bulletin.parts)) * SECOND // CHARACTERS_A_SECOND, 30 * SECOND)
    return (known, False) if known else (guess, True)


def moments(session: Session, bulletin: Bulletin, form: WhenForm) -> list[Instant]:
    """When it is to begin: in each session where there is room, and at the time of one's own. Raises ScheduleError."""
    found = [_own_time(form)] if form.at.data is not None else []
    if form.slots.data:
        ms, _ = length(session, bulletin, form.where)
        held = {each.since: each for each in _rooms(session, form.where, ms)}
        found += [_start(held.get(Instant(since))) for since in dict.fromkeys(form.slots.data)]
    return sorted(set(found))


def _own_time(form: WhenForm) -> Instant:
    day, clock = form.start_date.data, form.at.data
    if day is None or clock is None:
        raise ScheduleError(say("Hãy chọn ngày phát cho giờ vừa nhập."), field="start_date")
    moment = at(day, clock, current.zone())
    if moment is None or moment <= current.now():
        raise ScheduleError(say("Giờ này đã qua. Hãy chọn giờ hoặc ngày khác."), field="at")
    return moment


def _start(held: Room | None) -> Instant:
    if held is None:
        raise ScheduleError(
            say("Khung giờ vừa chọn đã qua. Hãy chọn khung giờ khác."), field="slots"
        )
    if held.starts_at is None:
        raise ScheduleError(
            say(
                "Khung giờ %(name)s (%(span)s) chỉ còn %(left)s liền nhau hoặc ít hơn, không đủ cho bản tin này. "
                "Hãy chọn khung giờ khác.",
                name=held.slot.name, span=span(held), left=labels.duration(held.left_ms),
            ),
            field="slots",
        )  # fmt: skip
    return held.starts_at


def _judge(
    session: Session, bulletin: Bulletin, form: WhenForm, moment: Instant, found: Options
) -> None:
    rule, now = form.rule(moment), current.now()
    found.warnings += late_for(bulletin.body, local(moment, current.zone()).date(), _today())
    if rule.where.is_nowhere:
        return
    asked = schedule_checks.asking(session, bulletin, rule.where, [moment])
    told = admission.findings(session, asked, now, current.zone())
    found.refusals += [each.sentence for each in told if each.answer == "refuse"]
    found.findings += [each for each in told if each.answer == "reason"]
    met = schedule_preview.report(session, bulletin, rule)
    if met is not None and not met.found.is_clear:
        found.clashes.append(met)


def _rooms(session: Session, where: Where, ms: int) -> list[Room]:
    delivery = current.config().delivery
    rules = Rules(current.zone(), delivery.horizon_hours * HOUR, delivery.late_seconds * SECOND)
    return room.ahead(session, where, ms, current.now(), rules, days=DAYS)[:MOST_SLOTS]


def _days(session: Session, where: Where, ms: int) -> list[Day]:
    found: dict[date, list[Room]] = {}
    for each in _rooms(session, where, ms):
        found.setdefault(local(each.since, current.zone()).date(), []).append(each)
    return [Day(day, day_name(day), rooms) for day, rooms in found.items()]


# -- words ----------------------------------------------------------------------------------------


def day_name(day: date) -> str:
    """Hôm nay; Ngày mai; else its weekday, each with its date."""
    told = {"weekday": labels.WEEKDAYS[day.weekday()], "day": f"{day:%d/%m}"}
    if day == _today():
        return say("Hôm nay, %(weekday)s %(day)s", **told)
    if day == _today() + timedelta(days=1):
        return say("Ngày mai, %(weekday)s %(day)s", **told)
    return first_upper(say("%(weekday)s %(day)s", **told))


def span(held: Room) -> str:
    """05:30–06:00."""
    since, until = local(held.since, current.zone()), local(held.until, current.zone())
    return f"{since:%H:%M}–{until:%H:%M}"


def minutes(ms: int) -> int:
    """Whole minutes, none promised that is not there."""
    return ms // MINUTE


def dated(body: str, today: date) -> list[str]:
    """That the words speak of days that are over."""
    return [
        say("Bản tin nhắc “%(written)s”, ngày ấy đã qua. Hãy sửa lại nội dung nếu cần.", written=each.written)
        for each in mentions.over(body, today)
    ]  # fmt: skip


def late_for(body: str, on: date, today: date) -> list[str]:
    """That a broadcast on that day comes after all days the words speak of."""
    ahead = [each for each in mentions.days(body, today) if each.day >= today]
    if not ahead or on <= max(each.day for each in ahead):
        return []
    last = max(ahead, key=lambda each: each.day)
    return [
        say(
            "Lượt ngày %(on)s phát sau ngày mà bản tin nhắc (“%(written)s”).",
            on=f"{on:%d/%m}", written=last.written,
        )
    ]  # fmt: skip


def _today() -> date:
    return local(current.now(), current.zone()).date()


# -- what was said before -------------------------------------------------------------------------


class Earlier(NamedTuple):
    """A bulletin that was broadcast, or is about to be, and when last."""

    bulletin: Bulletin
    last: Instant | None


def earlier(session: Session) -> list[Earlier]:
    """What may be broadcast again, the latest heard first."""
    found = [
        *_ordinary(listing(session, Wanted(state=State.APPROVED), order=Order.NEWEST, limit=40))
    ]
    used = uses.of(session, found, current.now(), current.zone())
    rows = [Earlier(each, used[each.id].last) for each in found]
    return sorted(rows, key=lambda row: -(row.last or 0))[:RECENT]


def _ordinary(found: Sequence[Bulletin]) -> Iterator[Bulletin]:
    return (each for each in found if each.priority is not Priority.EMERGENCY)
