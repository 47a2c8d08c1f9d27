"""One day of a programme made otherwise (skipped, moved, given another bulletin), and put back.

What has begun stays as it was; what is heard anew keeps the regulation together with the programme's other runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loa.errors import ScheduleError
from loa.staff import May, Staff
from loa.times import DAY, Instant, after, local
from loa.words import say
from scheduler import (
    admission,
    exceptions,
    levels,
    programme_acts,
    programme_begun,
    programme_checks,
    programme_runs,
)
from scheduler.context import Context
from scheduler.exceptions import Otherwise, ScheduleException
from scheduler.programme_acts import is_judged
from scheduler.programme_runs import COLUMN, Run
from scheduler.programme_tables import Programme


def except_day(
    session: Session, programme: Programme, staff: Staff, wanted: Otherwise, *, now: Instant, zone: ZoneInfo,
    waived_why: str = "",
) -> ScheduleException:  # fmt: skip
    """Skip, move or replace one day. Raises ScheduleError, after which all of it must be taken back."""
    staff.demand(May.SCHEDULE)
    levels.demand_over(session, staff, programme.staff.area_id)
    before = _demand_ahead(session, programme, wanted.day, now, programme_acts.known(session, zone))
    if wanted.bulletin_id is not None:
        programme_checks.check_instead(session, wanted.bulletin_id)
    made = exceptions.add(session, programme, COLUMN, staff, wanted, now)
    session.refresh(made)
    found = programme_acts.known(session, zone)
    waived = _demand_kept(session, programme, wanted, before, now, found, waived_why)
    source = {"programme": programme.id, "exception": made.id}
    admission.note(session, staff, waived, waived_why, now, **source)
    _rethink(session, programme, now, found)
    return made


def restore_day(
    session: Session, programme: Programme, staff: Staff, exception: ScheduleException, *, now: Instant, zone: ZoneInfo,
    waived_why: str = "",
) -> None:  # fmt: skip
    """Have the day as the series says again. Raises ScheduleError, after which all of it must be taken back."""
    staff.demand(May.SCHEDULE)
    if exception.programme_id != programme.id or exception.withdrawn_at is not None:
        return
    levels.demand_over(session, staff, programme.staff.area_id)
    day, found = exception.day, programme_acts.known(session, zone)
    if _runs_of(programme, day, found):
        _demand_ahead(session, programme, day, now, found)
    exceptions.withdraw(session, programme, exception, staff, now)
    session.flush()
    found = programme_acts.known(session, zone)
    again = [
        run for run in _runs_of(programme, day, found) if run.starts_at > now and is_judged(run)
    ]
    waived = _demand_room(session, programme, again, now, found, waived_why, "day")
    source = {"programme": programme.id, "restored": exception.id}
    admission.note(session, staff, waived, waived_why, now, **source)
    _rethink(session, programme, now, found)


def _rethink(session: Session, programme: Programme, now: Instant, found: Context) -> None:
    """Have the planner look at it again, from the end of what has begun on."""
    session.expire(programme, ["exceptions"])
    programme.planned_until = programme_begun.settled_until(session, programme, now, found)


def _runs_of(programme: Programme, day: date, found: Context) -> list[Run]:
    if day not in programme_runs.days_of(programme, day):
        return []
    return programme_runs.runs_on(programme_runs.Asking(programme, found), day)


def _demand_ahead(
    session: Session, programme: Programme, day: date, now: Instant, found: Context
) -> Run:
    """The run of that day, which has not begun."""
    runs = _runs_of(programme, day, found)
    if not runs:
        raise ScheduleError(
            say(
                "Chương trình không có lần phát nào vào ngày %(day)s. Hãy chọn một ngày của chương trình.",
                day=f"{day:%d/%m/%Y}",
            ),
            field="day",
        )
    # Of a day that is moved, where it is heard counts; of one that is skipped, where it would be.
    heard = [run for run in runs if run.frame.why_not is None] or runs
    is_begun = day in programme_begun.days_begun(session, programme.id, {day}, now)
    if is_begun or max(run.starts_at for run in heard) <= now:
        raise ScheduleError(
            say(
                "Lần phát ngày %(day)s đã bắt đầu hoặc đã qua. Muốn dừng, hãy dùng “Dừng” ở trang Hôm nay.",
                day=f"{day:%d/%m/%Y}",
            ),
            field="day",
        )
    return runs[0]


def _demand_kept(
    session: Session, programme: Programme, wanted: Otherwise, before: Run, now: Instant, found: Context,
    waived_why: str,
) -> list[str]:  # fmt: skip
    """Where it is moved to, and with what takes its place, it keeps the regulation too."""
    if wanted.kind is exceptions.Kind.SKIP:
        return []
    ahead = [run for run in _runs_of(programme, wanted.day, found) if run.starts_at > now]
    heard = [run for run in ahead if run.frame.why_not is None]
    if wanted.kind is exceptions.Kind.REPLACE:
        return _demand_replaced(session, programme, ahead, heard, now, found, waived_why)
    if not heard or heard[0].starts_at == before.starts_at:
        raise ScheduleError(
            say("Giờ chuyển đến đã qua, không có, hoặc trùng giờ cũ. Hãy chọn ngày giờ khác."),
            field="to_time",
        )
    return _demand_room(session, programme, heard, now, found, waived_why, "to_time")


def _demand_replaced(
    session: Session, programme: Programme, ahead: Sequence[Run], heard: Sequence[Run], now: Instant, found: Context,
    waived_why: str,
) -> list[str]:  # fmt: skip
    """It is heard at the time the series has: one that was moved from a time since past cannot go back there."""
    if not ahead:
        raise ScheduleError(
            say(
                "Giờ thường lệ của ngày này đã qua nên không thay bản tin được. Hãy dời hoặc bỏ ngày này."
            ),
            field="bulletin_id",
        )
    judged = [run for run in heard if is_judged(run)]
    return _demand_room(session, programme, judged, now, found, waived_why, "bulletin_id")


def _demand_room(
    session: Session, programme: Programme, wanted: Sequence[Run], now: Instant, found: Context,
    waived_why: str, field: str,
) -> list[str]:  # fmt: skip
    """These runs keep the regulation together with the programme's other runs, and are heard in none of them."""
    if not wanted:
        return []
    others = _others(programme, wanted, found)
    for run in wanted:
        for other in others:
            if run.starts_at < other.ends_at and other.starts_at < run.ends_at:
                raise ScheduleError(_overlap(other, found.rules.zone), field=field)
    zone = found.rules.zone
    days_wanted = {local(run.starts_at, zone).date() for run in wanted}
    beside = [run.starts_at for run in others if local(run.starts_at, zone).date() in days_wanted]
    asked = replace(programme_acts.asked_of(programme, wanted), beside=beside)
    try:
        return admission.demand(session, asked, now, zone, waived_why)
    except ScheduleError as error:
        if error.field == "at":
            error.field = field
        raise


def _others(programme: Programme, wanted: Sequence[Run], found: Context) -> list[Run]:
    """Its runs of other days that are heard near these."""
    these = {run.day for run in wanted}
    since = after(min(run.starts_at for run in wanted), -DAY)
    until = after(max(run.starts_at for run in wanted), DAY)
    ahead = programme_runs.runs(programme, since, until, found)
    return [run for run in ahead if run.frame.why_not is None and run.day not in these]


def _overlap(other: Run, zone: ZoneInfo) -> str:
    since, until = local(other.starts_at, zone), local(other.ends_at, zone)
    return say(
        "Chương trình này đã có lần phát từ %(since)s đến %(until)s ngày %(day)s nên các mục sẽ "
        "phát hai lần. Hãy chọn giờ khác, hoặc bỏ một lần phát.",
        since=f"{since:%H:%M}",
        until=f"{until:%H:%M}",
        day=f"{since:%d/%m/%Y}",
    )
