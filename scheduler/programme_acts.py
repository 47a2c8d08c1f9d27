"""What staff do to programmes: make, change and end them. One day otherwise: scheduler.programme_days.

A change holds from the next run on: the run that is on goes on as it was, so that nothing is heard twice or cut off.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from content.bulletins import Priority
from loa import audit
from loa.errors import ScheduleError
from loa.staff import May, Staff
from loa.times import DAY, Instant, after
from loa.words import say
from scheduler import (
    admission,
    context,
    days,
    levels,
    programme_begun,
    programme_checks,
    programme_runs,
)
from scheduler.admission import Asked, Finding
from scheduler.context import Context
from scheduler.programme_checks import Order
from scheduler.programme_runs import COLUMN, Part, Run
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
    found = known(session, zone)
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
    demand_running(programme)
    levels.demand_over(session, staff, programme.staff.area_id)
    levels.demand_within(session, staff, order.where)
    found = known(session, zone)
    waived = demand(
        session, draft(session, order, programme.staff, now, programme.id), now, found, waived_why
    )
    begin = programme_begun.settled_until(session, programme, now, found)
    _set(session, programme, order, waived, waived_why)
    session.flush()
    programme.planned_until = max(begin, programme_runs.busy_until(programme, now, found))
    _note(session, "programme.change", programme, staff, now)
    admission.note(session, staff, waived, waived_why, now, programme=programme.id)


def demand_running(programme: Programme) -> None:
    """Raise ScheduleError where it was ended."""
    if programme.ended_at is not None:
        raise ScheduleError(
            say("Chương trình này đã kết thúc. Hãy nhân bản thành chương trình mới.")
        )


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
            say(
                "Không còn lần phát nào ở phía trước: giờ đã qua hoặc ngày không khớp. Hãy chọn lại ngày giờ."
            ),
            field="start_date",
        )
    return asked_of(programme, [run for run in ahead if is_judged(run)])


def asked_of(programme: Programme, judged: Sequence[Run]) -> Asked:
    """What these of its runs ask for."""
    return Asked(
        title=programme.name, priority=_priority(programme, judged), where=programme.where,
        moments=[run.starts_at for run in judged], ms=max((run.total.used for run in judged), default=0),
        kind="programme", without=(COLUMN, programme.id) if programme.id else None,
    )  # fmt: skip


def is_judged(run: Run) -> bool:
    """Where the kind of day silences some items the running order leaves them out itself."""
    codes = {part.why_not.code for part in run.parts if part.why_not}
    return run.frame.why_not is None and days.CODE not in codes


def _priority(programme: Programme, judged: Sequence[Run]) -> Priority:
    """It is as urgent as the least of its items: one priority bulletin does not carry the others outside the rules.

    What another takes the place of for a day does not count.
    """
    said = [part.item for run in judged for part in run.parts if not _is_replaced(part)]
    found = {item.bulletin.priority for item in said or programme.items if item.bulletin}
    return Priority.PRIORITY if found == {Priority.PRIORITY} else Priority.NORMAL


def _is_replaced(part: Part) -> bool:
    return part.why_not is not None and part.why_not.code == "replaced"


# -- parts ----------------------------------------------------------------------------------------


def known(session: Session, zone: ZoneInfo) -> Context:
    """What the station knows now."""
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
