"""What the page of one schedule shows: its next occurrences, what is otherwise, and what was done to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from devices.areas import Area
from devices.groups import Group
from loa.audit import AuditEntry
from loa.staff import Staff
from loa.times import DAY, Instant, after, local
from loa.words import recall, say
from scheduler import (
    context,
    days,
    one_day,
    recurrence,
    regulation,
    rulebook,
    schedules,
    series,
    targets,
)
from scheduler.context import Context
from scheduler.days import Day
from scheduler.exceptions import ScheduleException
from scheduler.one_day import Line
from scheduler.schedules import Schedule
from scheduler.series import Occasion
from scheduler.sources import Rules
from web import current, labels

SHOWN = 14
"""Coming occurrences on the page of a schedule."""
ACTS = {
    "schedule.add": say("đặt lịch"),
    "schedule.change": say("sửa lịch"),
    "schedule.end": say("kết thúc lịch"),
    "schedule.waived": say("cho phép ngoài quy chế"),
    "exception.add": say("đổi một lượt"),
    "exception.withdraw": say("bỏ thay đổi của một lượt"),
}
CHANGED = {
    "rule": say("ngày phát"),
    "at": say("giờ phát"),
    "start": say("từ ngày"),
    "end": say("đến hết ngày"),
    "areas": say("địa bàn"),
    "groups": say("nhóm"),
    "excepts": say("đầu thu bị trừ"),
    "skips": say("không phát vào"),
    "minutes": say("số phút tiếp sóng"),
    "resumes": say("phát lại nếu bị ngắt"),
}


@dataclass(frozen=True)
class Row:
    """One occurrence as a person reads it."""

    occasion: Occasion
    date: date
    """On which it is heard, or would have been."""
    kind: Day
    told: str
    """Why it is not heard, or what is otherwise about it; empty is as the series says."""

    @property
    def at(self) -> Instant:
        return self.occasion.at

    @property
    def is_heard(self) -> bool:
        return self.occasion.is_heard

    @property
    def exception(self) -> ScheduleException | None:
        return self.occasion.exception

    @property
    def bulletin(self) -> Bulletin | None:
        return self.occasion.bulletin


@dataclass(frozen=True)
class Act:
    """Something that was done to the schedule."""

    at: Instant
    by: str
    words: str
    details: list[str]


@dataclass(frozen=True)
class Page:
    schedule: Schedule
    places: str
    rows: list[Row]
    lost: list[Line]
    """Exceptions that no longer have an effect, and lie ahead."""
    next: Instant | None
    history: list[Act]
    waived: str
    silent: list[str]
    """Names of the kinds of day on which it is not heard."""

    @property
    def is_running(self) -> bool:
        return self.schedule.ended_at is None and bool(self.rows)

    @property
    def may_change(self) -> bool:
        return self.schedule.ended_at is None and not self.schedule.is_now


def read_context(session: Session) -> Context:
    """What occurrences depend on, for pages that only look."""
    return context.read(session, Rules(zone=current.zone(), horizon=0, late=0))


def read(session: Session, schedule: Schedule) -> Page:
    """All that the page shows."""
    now, zone = current.now(), current.zone()
    known, rules = read_context(session), regulation.rules_at(session, now)
    return Page(
        schedule=schedule,
        places=targets.words(session, schedule.where),
        rows=_coming(schedule, known),
        lost=[
            line for line in one_day.lines(schedule, now, zone)
            if not line.has_effect and not line.is_past
        ],
        next=schedules.next_of(schedule, now, zone, known),
        history=history(session, schedule),
        waived=schedule.waived_why if schedule.waived else "",
        silent=[recall(rulebook.kind_of(rules, key).name).lower() for key in schedule.skips],
    )  # fmt: skip


def _coming(schedule: Schedule, known: Context) -> list[Row]:
    if schedule.ended_at is not None:
        return []
    now = current.now()
    until = after(now, schedules.LOOK_AHEAD_DAYS * DAY)
    found = series.occasions(schedule, now, until, known.rules.zone, schedule.exceptions, known)
    return rows(found, known, SHOWN)


def rows(occasions: Sequence[Occasion], known: Context, most: int | None = None) -> list[Row]:
    """The occurrences with what kind of day each is on; of a replaced one only what is heard instead."""
    shown = [each for each in occasions if not each.why_not or each.why_not.code != "replaced"]
    calendar, found = days.calendar(known), []
    for each in shown[:most]:
        day = local(each.at, known.rules.zone).date()
        found.append(Row(each, day, calendar.kind(day), _told(each)))
    return found


def _told(occasion: Occasion) -> str:
    if occasion.why_not is not None:
        return occasion.why_not.sentence
    if occasion.exception is None:
        return ""
    if occasion.bulletin is not None:
        title = occasion.bulletin.title
        return say("Phát “%(title)s” thay cho bản tin của lịch.", title=title)
    return say("Dời từ lượt ngày %(day)s.", day=labels.short_date(occasion.day))


# -- what was done --------------------------------------------------------------------------------


def history(session: Session, schedule: Schedule) -> list[Act]:
    """Newest first."""
    found = sa.select(AuditEntry).where(
        AuditEntry.kind.in_(ACTS),
        sa.or_(
            AuditEntry.data.like(f'%"schedule": {schedule.id},%'),
            AuditEntry.data.like(f'%"schedule": {schedule.id}}}%'),
        ),
    )
    entries = session.scalars(found.order_by(AuditEntry.n.desc())).all()
    logins = {entry.actor for entry in entries}
    people = sa.select(Staff.login, Staff.name).where(Staff.login.in_(logins))
    names = {row.login: row.name for row in session.execute(people)}
    return [
        Act(entry.at, names.get(entry.actor, entry.actor), ACTS[entry.kind],
            list(_details(session, schedule, entry.kind, json.loads(entry.data))))
        for entry in entries
    ]  # fmt: skip


def _details(
    session: Session, schedule: Schedule, kind: str, data: dict[str, Any]
) -> Iterator[str]:
    if kind == "schedule.change":
        for name, old in data["before"].items():
            before, now = (
                _value(session, schedule, name, each) for each in (old, data["after"][name])
            )
            what = CHANGED.get(name, name)
            yield say("%(what)s: %(before)s → %(now)s", what=what, before=before, now=now)
    elif kind == "schedule.waived":
        yield say("lý do: %(why)s", why=data["why"])
    elif kind.startswith("exception."):
        day, what = date.fromisoformat(data["day"]), labels.EXCEPTION_KINDS[data["what"]]
        yield say("lượt ngày %(day)s: %(what)s", day=labels.short_date(day), what=what)
        if data.get("reason"):
            yield say("lý do: %(why)s", why=data["reason"])


def _value(session: Session, schedule: Schedule, name: str, value: Any) -> str:
    match name:
        case "rule":
            return recurrence.words(value, schedule.start_date) if value else say("một lần")
        case "at":
            return str(value)[:5]
        case "start" | "end":
            return _date_words(value)
        case "areas":
            areas = session.scalars(sa.select(Area).where(Area.id.in_(value)).order_by(Area.id))
            return ", ".join(each.full_name for each in areas) or say("không")
        case "groups":
            names = sa.select(Group.name).where(Group.id.in_(value)).order_by(Group.id)
            return ", ".join(session.scalars(names)) or say("không")
        case "excepts" | "skips":
            return ", ".join(value or ()) or say("không")
        case "resumes":
            return say("có") if value else say("không")
        case _:
            return str(value or 0)


def _date_words(value: str) -> str:
    return say("không có") if value == "None" else f"{date.fromisoformat(value):%d/%m/%Y}"
