"""Schedule (lịch phát): the rule that says when a bulletin is broadcast, and where."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from content.bulletins import State as BulletinState
from loa import audit
from loa.errors import NotFound, ScheduleError
from loa.staff import May, Staff
from loa.times import DAY, SECOND, Instant, after, local
from loa.words import say
from scheduler import admission, levels, schedule_checks, series
from scheduler.context import Context
from scheduler.schedule_checks import LOOK_AHEAD_DAYS, length_ms
from scheduler.schedule_tables import Schedule, ScheduleArea, ScheduleExcept, ScheduleGroup
from scheduler.series import KIND, Kind, Rule, occurrences, wanted
from scheduler.sources import ALL_PLANNED

__all__ = [
    "KIND",
    "LOOK_AHEAD_DAYS",
    "Kind",
    "Rule",
    "Schedule",
    "length_ms",
    "occurrences",
    "wanted",
]

NOW_LEAD = 6 * SECOND
"""Between "Phát ngay" and the sound: time for the plan to reach the receivers and for the sound to be decoded."""
GLANCES = (8, 62, LOOK_AHEAD_DAYS)
"""So many days are looked at for the next occurrence, the fewest first."""


def add(
    session: Session,
    bulletin: Bulletin,
    staff: Staff,
    rule: Rule,
    *,
    now: Instant,
    zone: ZoneInfo,
    is_now: bool = False,
    waived_why: str = "",
    instead: Schedule | None = None,
) -> Schedule:
    """Schedule a bulletin, perhaps where another schedule is not heard. Raises ScheduleError naming field or rule.

    ``waived_why``: an officer's reason for what the regulation lets through only with one.
    """
    demand_may(session, staff, rule)
    waived = schedule_checks.demand(
        session, bulletin, rule, now, zone, waived_why=waived_why, instead=instead
    )
    return keep(session, bulletin, staff, rule, waived, now, is_now=is_now, waived_why=waived_why)


def demand_may(session: Session, staff: Staff, rule: Rule) -> None:
    """Raise NotAllowed or ScheduleError where this person may not schedule there."""
    staff.demand(May.SCHEDULE)
    levels.demand_within(session, staff, rule.where)


def keep(
    session: Session,
    bulletin: Bulletin,
    staff: Staff,
    rule: Rule,
    waived: list[str],
    now: Instant,
    *,
    is_now: bool = False,
    waived_why: str = "",
) -> Schedule:
    """Store what ``demand_may`` and ``schedule_checks.demand`` let through, with what these needed a reason for."""
    schedule = Schedule(
        uid=secrets.token_hex(6), bulletin_id=bulletin.id, is_now=is_now, staff_id=staff.id,
        created_at=now, planned_until=now,
    )  # fmt: skip
    _set(schedule, rule)
    session.add(schedule)
    session.flush()
    audit.append(
        session, now, staff.login, "schedule.add", schedule=schedule.id, bulletin=bulletin.id, **_told(schedule)
    )  # fmt: skip
    _waive(session, schedule, staff, waived, waived_why, now)
    return schedule


def change(
    session: Session,
    schedule: Schedule,
    staff: Staff,
    rule: Rule,
    *,
    now: Instant,
    zone: ZoneInfo,
    waived_why: str = "",
) -> bool:
    """Another rule for the same schedule from now on; what sounds goes on, exceptions stay. False: nothing differs.

    Raises ScheduleError naming the field or the rule it breaks.
    """
    staff.demand(May.SCHEDULE)
    demand_running(schedule)
    levels.demand_over(session, staff, schedule.staff.area_id)
    levels.demand_within(session, staff, rule.where)
    waived = schedule_checks.demand(
        session, schedule.bulletin, rule, now, zone, waived_why=waived_why, of=schedule
    )
    before = _told(schedule)
    _set(schedule, rule)
    after_it = _told(schedule)
    session.flush()
    changed = [name for name in {**before, **after_it} if before.get(name) != after_it.get(name)]
    if not changed:
        return False
    schedule.planned_until = now
    audit.append(
        session, now, staff.login, "schedule.change", schedule=schedule.id,
        before={name: before.get(name) for name in changed},
        after={name: after_it.get(name) for name in changed},
    )  # fmt: skip
    _waive(session, schedule, staff, waived, waived_why, now)
    return True


def demand_running(schedule: Schedule) -> None:
    """Raises ScheduleError for one of which nothing can be changed any more."""
    if schedule.ended_at is not None:
        raise ScheduleError(say("Lịch này đã kết thúc nên không sửa được. Hãy đặt lịch mới."))
    if schedule.is_now:
        raise ScheduleError(
            say("Lệnh phát ngay không sửa được. Hãy dừng lượt phát hoặc đặt lịch mới.")
        )


def _set(schedule: Schedule, rule: Rule) -> None:
    schedule.rule, schedule.at = rule.rule, rule.at
    schedule.start_date = rule.start_date
    schedule.end_date = rule.start_date if rule.kind is Kind.ONCE else rule.end_date
    schedule.skips = [] if rule.kind is Kind.ONCE else sorted(set(rule.skips))
    schedule.minutes, schedule.resumes = rule.minutes, rule.resumes
    schedule.targets = [ScheduleArea(area_id=each) for each in sorted(set(rule.area_ids))]
    schedule.groups = [ScheduleGroup(group_id=each) for each in sorted(set(rule.group_ids))]
    schedule.excepts = [ScheduleExcept(receiver_id=each) for each in sorted(set(rule.except_ids))]


def _told(schedule: Schedule) -> dict[str, Any]:
    """What the log keeps of it."""
    where = schedule.where
    told: dict[str, Any] = {
        "rule": schedule.rule, "at": str(schedule.at), "start": str(schedule.start_date),
        "end": str(schedule.end_date), "areas": list(where.area_ids), "groups": list(where.group_ids),
        "excepts": list(where.except_ids),
    }  # fmt: skip
    rare = {"skips": schedule.skips, "minutes": schedule.minutes, "resumes": schedule.resumes}
    return told | {name: value for name, value in rare.items() if value}


def _waive(
    session: Session, schedule: Schedule, staff: Staff, waived: list[str], why: str, now: Instant
) -> None:
    """Keep who let it through what the regulation does not foresee, and why."""
    schedule.waived, schedule.waived_why = waived, why.strip() if waived else ""
    admission.note(session, staff, waived, why, now, schedule=schedule.id)


def broadcast_now(
    session: Session,
    bulletin: Bulletin,
    staff: Staff,
    area_ids: Sequence[int],
    *,
    now: Instant,
    zone: ZoneInfo,
    group_ids: Sequence[int] = (),
    except_ids: Sequence[str] = (),
    waived_why: str = "",
) -> Schedule:
    """ "Phát ngay": a schedule of one occurrence a few seconds ahead, on the same path as any other."""
    if bulletin.state is not BulletinState.APPROVED:
        raise ScheduleError(
            say("Chỉ phát ngay được bản tin đã duyệt. Hãy nhờ người duyệt nghe và duyệt trước.")
        )
    moment = local(after(now, NOW_LEAD), zone)
    rule = Rule(
        kind=Kind.ONCE,
        at=moment.time().replace(tzinfo=None),
        start_date=moment.date(),
        area_ids=tuple(area_ids),
        group_ids=tuple(group_ids),
        except_ids=tuple(except_ids),
    )
    return add(
        session, bulletin, staff, rule, now=now, zone=zone, is_now=True, waived_why=waived_why
    )


def end(session: Session, schedule: Schedule, staff: Staff, now: Instant) -> None:
    """End a schedule: broadcasts not yet begun are cancelled by the planner; what sounds goes on."""
    staff.demand(May.SCHEDULE)
    levels.demand_over(session, staff, schedule.staff.area_id)
    if schedule.ended_at is None:
        _end(session, schedule, staff, now)


def _end(session: Session, schedule: Schedule, staff: Staff, now: Instant) -> None:
    schedule.ended_at = schedule.planned_until = now
    audit.append(session, now, staff.login, "schedule.end", schedule=schedule.id)


def end_all_of(
    session: Session, bulletin_id: int, staff: Staff, now: Instant, zone: ZoneInfo
) -> list[Schedule]:
    """End the schedules of a bulletin that was withdrawn; those that were running."""
    ended = running(session, [bulletin_id], now, zone)
    for schedule in ended:
        _end(session, schedule, staff, now)
    return ended


def running(
    session: Session, bulletin_ids: Collection[int], now: Instant, zone: ZoneInfo
) -> list[Schedule]:
    """Schedules of these bulletins that have a broadcast ahead, oldest first."""
    return _with_next(session, Schedule.bulletin_id.in_(bulletin_ids), now, zone)


def _with_next(
    session: Session, which: sa.ColumnElement[bool], now: Instant, zone: ZoneInfo
) -> list[Schedule]:
    """Those of them that have a broadcast ahead, oldest first."""
    today = local(now, zone).date()
    is_open = sa.or_(
        Schedule.end_date.is_(None),
        Schedule.end_date >= today,
        Schedule.planned_until < ALL_PLANNED,  # one moved beyond its last day
    )
    found = sa.select(Schedule).where(which, Schedule.ended_at.is_(None), is_open)
    rows = session.scalars(found.order_by(Schedule.id))
    return [schedule for schedule in rows if next_of(schedule, now, zone) is not None]


def next_of(
    schedule: Schedule, now: Instant, zone: ZoneInfo, context: Context | None = None
) -> Instant | None:
    """When it is heard next; None when it is over. Without a context kinds of day are not looked at."""
    if schedule.ended_at is not None or schedule.bulletin.state is BulletinState.WITHDRAWN:
        return None
    since = now
    for glance in GLANCES:
        until = after(now, glance * DAY)
        found = series.occasions(schedule, since, until, zone, schedule.exceptions, context)
        for each in found:
            if each.is_heard:
                return each.at
        since = until
    return None


def get(session: Session, schedule_id: int) -> Schedule:
    """That schedule. Raises NotFound."""
    schedule = session.get(Schedule, schedule_id)
    if schedule is None:
        raise NotFound(
            say("Không tìm thấy lịch phát này. Có thể đường dẫn đã sai; hãy quay lại danh sách.")
        )
    return schedule


def listing(
    session: Session, *, bulletin_id: int | None = None, limit: int = 200
) -> list[Schedule]:
    """Schedules, those still running first, then the newest."""
    is_over = sa.or_(Schedule.ended_at.is_not(None), Schedule.planned_until == ALL_PLANNED)
    found = sa.select(Schedule).order_by(is_over, Schedule.id.desc()).limit(limit)
    if bulletin_id is not None:
        found = found.where(Schedule.bulletin_id == bulletin_id)
    return list(session.scalars(found))


def speaking_to(session: Session, group_id: int, now: Instant, zone: ZoneInfo) -> list[Schedule]:
    """Schedules with a broadcast ahead that this group is to hear."""
    theirs = sa.select(ScheduleGroup.schedule_id).where(ScheduleGroup.group_id == group_id)
    return _with_next(session, Schedule.id.in_(theirs), now, zone)


def forget_group(session: Session, group_id: int) -> None:
    """Schedules that are over no longer name the group, so that it can go; their broadcasts keep what they were."""
    session.execute(sa.delete(ScheduleGroup).where(ScheduleGroup.group_id == group_id))


def unplanned(session: Session, until: Instant) -> Sequence[Schedule]:
    """Schedules whose occurrences before ``until`` are not all broadcasts yet, or that have changed since."""
    found = sa.select(Schedule).where(Schedule.planned_until < until)
    return list(session.scalars(found.order_by(Schedule.id)))


def is_over(schedule: Schedule, until: Instant, zone: ZoneInfo) -> bool:
    """Whether nothing of it comes at ``until`` or later."""
    if schedule.end_date is None:
        return False
    moved = [each.to_day for each in schedule.exceptions if each.to_day is not None]
    return max([schedule.end_date, *moved]) < local(until, zone).date()


def follow(session: Session, old_id: str, new_id: str, now: Instant) -> None:
    """A receiver in the place of another is left out wherever that one was."""
    left_out = sa.select(ScheduleExcept.schedule_id).where(ScheduleExcept.receiver_id == old_id)
    for schedule_id in session.scalars(left_out).all():
        session.merge(ScheduleExcept(schedule_id=schedule_id, receiver_id=new_id))
    session.flush()
    named = sa.select(ScheduleExcept.schedule_id).where(ScheduleExcept.receiver_id == new_id)
    live = sa.and_(Schedule.id.in_(named), Schedule.planned_until < ALL_PLANNED)
    session.execute(sa.update(Schedule).where(live).values(planned_until=now))
