"""One day of a schedule made otherwise (skipped, moved, given another bulletin), and put back."""

from __future__ import annotations

from datetime import date, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin
from loa.errors import ScheduleError
from loa.staff import May, Staff
from loa.times import Instant, local
from loa.times import at as instant_at
from loa.words import say
from scheduler import admission, exceptions, levels, schedule_checks, schedules, series
from scheduler.exceptions import Kind, Otherwise, ScheduleException
from scheduler.schedules import Schedule


class Line(NamedTuple):
    """An exception as the schedule's page lists it."""

    exception: ScheduleException
    sentence: str
    has_effect: bool
    """False where the series, since changed, no longer has that day."""
    is_past: bool


def make(
    session: Session,
    schedule: Schedule,
    staff: Staff,
    wanted: Otherwise,
    *,
    now: Instant,
    zone: ZoneInfo,
    waived_why: str = "",
) -> ScheduleException:
    """Make a day of the series otherwise. Raises ScheduleError naming the field or the rule it breaks."""
    staff.demand(May.SCHEDULE)
    schedules.demand_running(schedule)
    levels.demand_over(session, staff, schedule.staff.area_id)
    if not series.has_day(schedule, wanted.day):
        raise ScheduleError(
            say(
                "Lịch này không có lượt nào vào ngày %(day)s. Hãy chọn một ngày của lịch.",
                day=f"{wanted.day:%d/%m/%Y}",
            ),
            field="day",
        )
    _demand_ahead(schedule, wanted.day, now, zone)
    waived: list[str] = []
    if wanted.kind is Kind.MOVE:
        waived = _admit_move(session, schedule, wanted, now, zone, waived_why)
    elif wanted.kind is Kind.REPLACE:
        waived = _admit_other(session, schedule, wanted, now, zone, waived_why)
    made = exceptions.add(session, schedule, "schedule_id", staff, wanted, now)
    source = {"schedule": schedule.id, "exception": made.id}
    admission.note(session, staff, waived, waived_why, now, **source)
    session.expire(schedule, ["exceptions"])
    return made


def undo(
    session: Session,
    schedule: Schedule,
    exception: ScheduleException,
    staff: Staff,
    *,
    now: Instant,
    zone: ZoneInfo,
    waived_why: str = "",
) -> None:
    """Put the day back as the series has it. Raises ScheduleError where its time is over or breaks a rule."""
    staff.demand(May.SCHEDULE)
    if exception.withdrawn_at is not None:
        return
    levels.demand_over(session, staff, schedule.staff.area_id)
    own = instant_at(exception.day, schedule.at, zone)
    has_day = series.has_day(schedule, exception.day)
    if has_day:
        _demand_ahead(schedule, exception.day, now, zone)
    if has_day and own is not None and own > now:
        asked = schedule_checks.asking(
            session, schedule.bulletin, schedule.where, [own], minutes=schedule.minutes, of=schedule
        )
        waived = admission.demand(session, asked, now, zone, waived_why)
        source = {"schedule": schedule.id, "restored": exception.id}
        admission.note(session, staff, waived, waived_why, now, **source)
    exceptions.withdraw(session, schedule, exception, staff, now)
    session.expire(schedule, ["exceptions"])


def lines(schedule: Schedule, now: Instant, zone: ZoneInfo) -> list[Line]:
    """The exceptions that hold, by day; those of years past too."""
    return [
        Line(
            each, exceptions.sentence(each, schedule.at), series.has_day(schedule, each.day),
            _last_moment(schedule, each, zone) <= now,
        )
        for each in sorted(schedule.exceptions, key=lambda each: each.day)
    ]  # fmt: skip


def _last_moment(schedule: Schedule, exception: ScheduleException, zone: ZoneInfo) -> Instant:
    """After which nothing can be changed about that day."""
    own = instant_at(exception.day, schedule.at, zone) or Instant(0)
    moved = exception.kind is Kind.MOVE and series.target(exception, schedule.at, zone)
    return max(own, moved or Instant(0))


def _demand_ahead(schedule: Schedule, day: date, now: Instant, zone: ZoneInfo) -> None:
    """Raise ScheduleError where what the day now has is over, or has begun."""
    if max(_heard_on(schedule, day, zone), default=Instant(0)) <= now:
        raise ScheduleError(
            say(
                "Lượt ngày %(day)s đã qua hoặc đang phát nên không đổi được nữa.",
                day=f"{day:%d/%m/%Y}",
            ),
            field="day",
        )


def _heard_on(schedule: Schedule, day: date, zone: ZoneInfo) -> list[Instant]:
    """When the series' day is heard, or would be were it not skipped."""
    moved = [
        moment
        for each in schedule.exceptions
        if each.day == day and each.kind is Kind.MOVE
        if (moment := series.target(each, schedule.at, zone)) is not None
    ]
    own = instant_at(day, schedule.at, zone)
    return moved or ([own] if own is not None else [])


def _admit_move(
    session: Session,
    schedule: Schedule,
    wanted: Otherwise,
    now: Instant,
    zone: ZoneInfo,
    waived_why: str,
) -> list[str]:
    to_day, to_time = wanted.to_day or wanted.day, wanted.to_time or schedule.at
    moment = instant_at(to_day, to_time, zone)
    if moment is None or moment <= now:
        raise ScheduleError(
            say(
                "Giờ mới %(clock)s ngày %(day)s đã qua. Hãy chọn giờ sau bây giờ.",
                clock=f"{to_time:%H:%M}",
                day=f"{to_day:%d/%m/%Y}",
            ),
            field="to_time",
        )
    _demand_free(schedule, wanted.day, to_day, to_time)
    _demand_alone(schedule, wanted.day, moment, zone)
    schedule_checks.demand_valid(schedule.bulletin, to_day, to_day, "to_day")
    return _at_field(session, schedule, schedule.bulletin, moment, now, zone, waived_why, "to_time")


def _demand_free(schedule: Schedule, day: date, to_day: date, to_time: time) -> None:
    """Raise ScheduleError where the series already has its occurrence at that time."""
    if to_time == schedule.at and (to_day == day or series.has_day(schedule, to_day)):
        raise ScheduleError(
            say(
                "Lịch này đã có lượt lúc %(clock)s ngày %(day)s. Hãy chọn giờ khác, hoặc bỏ lượt này.",
                clock=f"{to_time:%H:%M}",
                day=f"{to_day:%d/%m/%Y}",
            ),
            field="to_time",
        )


def _demand_alone(schedule: Schedule, day: date, moment: Instant, zone: ZoneInfo) -> None:
    """Raise ScheduleError where another day is moved there already: of the two only one would be heard."""
    for each in schedule.exceptions:
        if each.kind is not Kind.MOVE or each.day == day or not series.has_day(schedule, each.day):
            continue
        if series.target(each, schedule.at, zone) == moment:
            raise ScheduleError(
                say(
                    "Lượt ngày %(day)s đã được dời sang %(clock)s ngày %(to_day)s. "
                    "Hãy chọn giờ khác, hoặc bỏ lượt này.",
                    day=f"{each.day:%d/%m/%Y}",
                    clock=f"{local(moment, zone):%H:%M}",
                    to_day=f"{local(moment, zone):%d/%m/%Y}",
                ),
                field="to_time",
            )


def _admit_other(
    session: Session,
    schedule: Schedule,
    wanted: Otherwise,
    now: Instant,
    zone: ZoneInfo,
    waived_why: str,
) -> list[str]:
    if wanted.bulletin_id is None:
        raise ScheduleError(say("Hãy chọn bản tin thay thế."), field="bulletin_id")
    bulletin = bulletins.get(session, wanted.bulletin_id)
    if bulletin.id == schedule.bulletin_id:
        raise ScheduleError(
            say("Đây chính là bản tin của lịch. Hãy chọn bản tin khác."), field="bulletin_id"
        )
    try:
        schedule_checks.demand_ordinary(bulletin)
        schedule_checks.demand_said(bulletin)
        schedule_checks.demand_valid(bulletin, wanted.day, wanted.day, "bulletin_id")
    except ScheduleError as error:
        error.field = "bulletin_id"
        raise
    moment = instant_at(wanted.day, schedule.at, zone)
    if moment is None:
        return []
    return _at_field(session, schedule, bulletin, moment, now, zone, waived_why, "bulletin_id")


def _at_field(
    session: Session,
    schedule: Schedule,
    bulletin: Bulletin,
    moment: Instant,
    now: Instant,
    zone: ZoneInfo,
    waived_why: str,
    field: str,
) -> list[str]:
    """Hold one moment against the regulation; a refusal is shown at ``field``."""
    minutes = schedule.minutes if bulletin.relay else 0
    asked = schedule_checks.asking(
        session, bulletin, schedule.where, [moment], minutes=minutes, of=schedule
    )
    try:
        return admission.demand(session, asked, now, zone, waived_why)
    except ScheduleError as error:
        if error.field == "at":
            error.field = field
        raise
