"""What staff do to programmes: make, change and end them, and have one day otherwise.

A change holds from the next run on: the run that is on goes on as it was, so that nothing is heard twice or cut off.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from content.bulletins import Priority
from loa import audit
from loa.errors import ScheduleError
from loa.staff import May, Staff
from loa.times import DAY, Instant, after, local
from scheduler import (
    admission,
    context,
    days,
    exceptions,
    levels,
    programme_begun,
    programme_checks,
    programme_runs,
)
from scheduler.admission import Asked, Finding
from scheduler.context import Context
from scheduler.exceptions import Otherwise, ScheduleException
from scheduler.programme_checks import Order
from scheduler.programme_runs import COLUMN, Run
from scheduler.programme_tables import Programme
from scheduler.sources import Rules

LOOK_AHEAD = 366 * DAY


def draft(
    session: Session, order: Order, staff: Staff, now: Instant, programme_id: int | None = None
) -> Programme:
    """A programme that is not stored, to look at; in the place of that one. Raises NotFound for an unknown bulletin."""
    programme = Programme(
        id=programme_id, uid="", staff=staff, created_at=now, planned_until=now, waived=[]
    )
    with session.no_autoflush:
        programme_checks.fill_in(session, programme, order)
    return programme


def add(
    session: Session,
    staff: Staff,
    order: Order,
    *,
    now: Instant,
    zone: ZoneInfo,
    waived_why: str = "",
) -> Programme:
    """A new programme. Raises ScheduleError naming the field or the rule it breaks."""
    staff.demand(May.SCHEDULE)
    levels.demand_within(session, staff, order.where)
    found = _context(session, zone)
    waived = demand(session, draft(session, order, staff, now), now, found, waived_why)
    programme = Programme(
        uid=secrets.token_hex(6),
        staff_id=staff.id,
        created_at=now,
        planned_until=now,
        sounds_mark="",
    )
    _set(session, programme, order, waived, waived_why)
    session.add(programme)
    session.flush()
    session.refresh(programme)
    programme.planned_until = programme_runs.busy_until(programme, now, found)
    _note(session, "programme.add", programme, staff, now)
    admission.note(session, staff, waived, waived_why, now, programme=programme.id)
    return programme


def change(
    session: Session, programme: Programme, staff: Staff, order: Order, *, now: Instant, zone: ZoneInfo,
    waived_why: str = "",
) -> None:  # fmt: skip
    """Change it, from its next run on. Raises ScheduleError naming the field or the rule it breaks."""
    staff.demand(May.SCHEDULE)
    if programme.ended_at is not None:
        raise ScheduleError("Chương trình này đã kết thúc. Hãy nhân bản thành chương trình mới.")
    levels.demand_over(session, staff, programme.staff.area_id)
    levels.demand_within(session, staff, order.where)
    found = _context(session, zone)
    waived = demand(
        session, draft(session, order, programme.staff, now, programme.id), now, found, waived_why
    )
    begin = programme_begun.settled_until(session, programme, now, found)
    _set(session, programme, order, waived, waived_why)
    session.flush()
    programme.planned_until = max(begin, programme_runs.busy_until(programme, now, found))
    _note(session, "programme.change", programme, staff, now)
    admission.note(session, staff, waived, waived_why, now, programme=programme.id)


def end(session: Session, programme: Programme, staff: Staff, now: Instant) -> None:
    """End it: what has not begun is cancelled by the planner; what sounds goes on."""
    staff.demand(May.SCHEDULE)
    levels.demand_over(session, staff, programme.staff.area_id)
    if programme.ended_at is None:
        programme.ended_at = programme.planned_until = now
        audit.append(session, now, staff.login, "programme.end", programme=programme.id)


def demand(
    session: Session, programme: Programme, now: Instant, found: Context, waived_why: str
) -> list[str]:
    """The rules of the regulation it breaks with leave. Raises ScheduleError where it cannot be, or may not."""
    programme_checks.check(session, programme, now)
    return admission.demand(
        session, asked(programme, now, found), now, found.rules.zone, waived_why
    )


def findings(session: Session, programme: Programme, now: Instant, found: Context) -> list[Finding]:
    """What the regulation has against it. Raises ScheduleError where it cannot be at all."""
    programme_checks.check(session, programme, now)
    return admission.findings(session, asked(programme, now, found), now, found.rules.zone)


def asked(programme: Programme, now: Instant, found: Context) -> Asked:
    """What it asks for in the year to come. Raises ScheduleError where that is nothing."""
    ahead = programme_runs.runs(programme, now, after(now, LOOK_AHEAD), found)
    if not any(run.frame.why_not is None for run in ahead):
        raise ScheduleError(
            "Không còn lần phát nào ở phía trước: giờ đã qua hoặc ngày không khớp. Hãy chọn lại ngày giờ.",
            field="start_date",
        )
    return _asked(programme, [run for run in ahead if _is_judged(run)])


def _asked(programme: Programme, judged: Sequence[Run]) -> Asked:
    return Asked(
        title=programme.name, priority=_priority(programme), where=programme.where,
        moments=[run.starts_at for run in judged], ms=max((run.total.used for run in judged), default=0),
        kind="programme", without=(COLUMN, programme.id) if programme.id else None,
    )  # fmt: skip


def _is_judged(run: Run) -> bool:
    """Where the kind of day silences some items the running order leaves them out itself."""
    codes = {part.why_not.code for part in run.parts if part.why_not}
    return run.frame.why_not is None and days.CODE not in codes


def _priority(programme: Programme) -> Priority:
    """It is as urgent as the least of its items: one priority bulletin does not carry the others outside the rules."""
    found = {item.bulletin.priority for item in programme.items if item.bulletin}
    return Priority.PRIORITY if found == {Priority.PRIORITY} else Priority.NORMAL


# -- one day otherwise ----------------------------------------------------------------------------


def except_day(
    session: Session, programme: Programme, staff: Staff, wanted: Otherwise, *, now: Instant, zone: ZoneInfo,
    waived_why: str = "",
) -> ScheduleException:  # fmt: skip
    """Skip, move or replace one day. Raises ScheduleError, after which all of it must be taken back."""
    staff.demand(May.SCHEDULE)
    levels.demand_over(session, staff, programme.staff.area_id)
    before = _demand_ahead(session, programme, wanted.day, now, _context(session, zone))
    if wanted.bulletin_id is not None:
        programme_checks.check_instead(session, wanted.bulletin_id)
    made = exceptions.add(session, programme, COLUMN, staff, wanted, now)
    session.refresh(made)
    found = _context(session, zone)
    waived = _demand_moved(session, programme, wanted, before, now, found, waived_why)
    admission.note(session, staff, waived, waived_why, now, programme=programme.id)
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
    day, found = exception.day, _context(session, zone)
    if _runs_of(programme, day, found):
        _demand_ahead(session, programme, day, now, found)
    exceptions.withdraw(session, programme, exception, staff, now)
    session.flush()
    found = _context(session, zone)
    again = [
        run for run in _runs_of(programme, day, found) if run.starts_at > now and _is_judged(run)
    ]
    waived = _demand_room(session, programme, again, now, found, waived_why, "day")
    admission.note(session, staff, waived, waived_why, now, programme=programme.id)
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
            f"Chương trình không có lần phát nào vào ngày {day:%d/%m/%Y}. Hãy chọn một ngày của chương trình.",
            field="day",
        )
    # Of a day that is moved, where it is heard counts; of one that is skipped, where it would be.
    heard = [run for run in runs if run.frame.why_not is None] or runs
    is_begun = day in programme_begun.days_begun(session, programme.id, {day}, now)
    if is_begun or max(run.starts_at for run in heard) <= now:
        raise ScheduleError(
            f"Lần phát ngày {day:%d/%m/%Y} đã bắt đầu hoặc đã qua. Muốn dừng, hãy dùng “Dừng” ở trang Hôm nay.",
            field="day",
        )
    return runs[0]


def _demand_moved(
    session: Session, programme: Programme, wanted: Otherwise, before: Run, now: Instant, found: Context,
    waived_why: str,
) -> list[str]:  # fmt: skip
    """Where it is moved to, it keeps the regulation too."""
    if wanted.kind is not exceptions.Kind.MOVE:
        return []
    runs = programme_runs.runs_on(programme_runs.Asking(programme, found), wanted.day)
    moved = [run for run in runs if run.frame.why_not is None and run.starts_at > now]
    if not moved or moved[0].starts_at == before.starts_at:
        raise ScheduleError(
            "Giờ chuyển đến đã qua, không có, hoặc trùng giờ cũ. Hãy chọn ngày giờ khác.",
            field="to_time",
        )
    return _demand_room(session, programme, moved, now, found, waived_why, "to_time")


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
    asked = replace(_asked(programme, wanted), beside=beside)
    return admission.demand(session, asked, now, zone, waived_why)


def _others(programme: Programme, wanted: Sequence[Run], found: Context) -> list[Run]:
    """Its runs of other days that are heard near these."""
    these = {run.day for run in wanted}
    since = after(min(run.starts_at for run in wanted), -DAY)
    until = after(max(run.starts_at for run in wanted), DAY)
    ahead = programme_runs.runs(programme, since, until, found)
    return [run for run in ahead if run.frame.why_not is None and run.day not in these]


def _overlap(other: Run, zone: ZoneInfo) -> str:
    since, until = local(other.starts_at, zone), local(other.ends_at, zone)
    return (
        f"Chương trình này đã có lần phát từ {since:%H:%M} đến {until:%H:%M} ngày {since:%d/%m/%Y} nên các mục sẽ "
        "phát hai lần. Hãy chọn giờ khác, hoặc bỏ một lần phát."
    )


# -- parts ----------------------------------------------------------------------------------------


def _context(session: Session, zone: ZoneInfo) -> Context:
    return context.read(session, Rules(zone=zone, horizon=0, late=0))


def _set(
    session: Session, programme: Programme, order: Order, waived: list[str], waived_why: str
) -> None:
    with session.no_autoflush:
        programme_checks.fill_in(session, programme, order)
    programme.waived, programme.waived_why = waived, waived_why.strip() if waived else ""


def _note(session: Session, kind: str, programme: Programme, staff: Staff, now: Instant) -> None:
    audit.append(
        session, now, staff.login, kind, programme=programme.id, name=programme.name, slot=programme.slot,
        at=str(programme.at), minutes=programme.minutes, rule=programme.rule, start=str(programme.start_date),
        end=str(programme.end_date), items=[[item.kind, item.bulletin_id, item.ms] for item in programme.items],
        waived=programme.waived, waived_why=programme.waived_why,
    )  # fmt: skip
