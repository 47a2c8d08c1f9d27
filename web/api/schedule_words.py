"""A schedule, an exception, an occurrence and what they meet, between what is sent, kept and told."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from scheduler import exceptions, schedules
from scheduler.conflicts import Clash, Effect
from scheduler.context import Context
from scheduler.exceptions import ScheduleException
from scheduler.schedules import Kind, Rule, Schedule
from web import current, labels, schedule_preview
from web.api.schedule_types import (
    ExceptionItem,
    OccurrenceItem,
    ScheduleItem,
    Timing,
    Warning,
)
from web.api.wire import WEEKDAYS, clock, moment, perhaps, person
from web.schedule_page import Row


def rule(body: Timing) -> Rule:
    """What was sent, as the pages' form would have it. Raises LoaError naming the field."""
    found = Rule(
        kind=body.kind, at=clock(body.at, "at"), start_date=body.start_date, minutes=body.minutes,
        resumes=body.resumes, area_ids=body.area_ids, group_ids=body.group_ids, except_ids=body.except_ids,
    )  # fmt: skip
    if body.kind is Kind.ONCE:
        return found
    return replace(
        found,
        end_date=body.end_date,
        weekdays=tuple(sorted({WEEKDAYS.index(each) for each in body.weekdays}))
        if body.kind is Kind.WEEKDAYS
        else (),
        recurs=body.recurs if body.kind is Kind.OTHER else "",
        skips=body.skips,
    )


def item(schedule: Schedule, known: Context) -> ScheduleItem:
    where = schedule.where
    return ScheduleItem(
        id=schedule.id, bulletin_id=schedule.bulletin_id, title=schedule.bulletin.title,
        priority=schedule.bulletin.priority, kind=schedule.kind, at=f"{schedule.at:%H:%M:%S}",
        recurs=schedule.rule, start_date=schedule.start_date, end_date=schedule.end_date,
        skips=list(schedule.skips), minutes=schedule.minutes, resumes=schedule.resumes, is_now=schedule.is_now,
        area_ids=sorted(where.area_ids), group_ids=sorted(where.group_ids), except_ids=sorted(where.except_ids),
        words=labels.rule(schedule), by=person(schedule.staff), waived=list(schedule.waived),
        waived_why=schedule.waived_why,
        next_at=perhaps(schedules.next_of(schedule, current.now(), current.zone(), known)),
        created_at=moment(schedule.created_at), ended_at=perhaps(schedule.ended_at),
        exceptions=[exception(each, schedule) for each in schedule.exceptions],
    )  # fmt: skip


def exception(made: ScheduleException, schedule: Schedule) -> ExceptionItem:
    return of_exception(made, exceptions.sentence(made, schedule.at))


def of_exception(made: ScheduleException, words: str) -> ExceptionItem:
    return ExceptionItem(
        id=made.id, day=made.day, kind=made.kind, to_day=made.to_day,
        to_time=f"{made.to_time:%H:%M:%S}" if made.to_time else None, bulletin_id=made.bulletin_id,
        words=words,
    )  # fmt: skip


def occurrence(row: Row) -> OccurrenceItem:
    one = row.occasion
    return OccurrenceItem(
        day=one.day, at=moment(one.at), heard=one.is_heard,
        code=one.why_not.code if one.why_not else None,
        why_not=one.why_not.sentence if one.why_not else None, day_kind=row.kind.key,
        bulletin_id=one.bulletin.id if one.bulletin else None,
        exception_id=one.exception.id if one.exception else None,
    )  # fmt: skip


def warnings(
    session: Session, bulletin: Bulletin, rule: Rule, schedule: Schedule | None
) -> list[Warning]:
    """What the schedule meets in the year ahead."""
    report = schedule_preview.report(session, bulletin, rule, schedule)
    return [warning(clash) for clash in report.found.clashes] if report else []


def warning(clash: Clash) -> Warning:
    return Warning(
        effect=clash.effect, message=_sentence(clash), grave=not clash.is_mild, title=clash.other.title,
        count=clash.count, first=[moment(each) for each in clash.first],
        receiver_ids=sorted(clash.receivers),
    )  # fmt: skip


def _sentence(clash: Clash) -> str:
    title, late = clash.other.title, labels.duration(clash.wait_ms)
    return {
        Effect.MISSED: f"Lượt này không phát, vì chờ “{title}” quá lâu.",
        Effect.INTERRUPTED: f"Lượt này bị ngắt bởi “{title}”.",
        Effect.MISSES: f"Làm “{title}” bị lỡ, vì phải chờ quá lâu.",
        Effect.INTERRUPTS: f"Ngắt “{title}” giữa chừng.",
        Effect.WAITS: f"Lượt này bắt đầu muộn tới {late}, chờ “{title}”.",
        Effect.DELAYS: f"Làm “{title}” bắt đầu muộn tới {late}.",
    }[clash.effect]
