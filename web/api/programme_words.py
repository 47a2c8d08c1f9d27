"""Programmes between what is sent, what is kept and what is told."""

from __future__ import annotations

from datetime import time

from sqlalchemy.orm import Session

from content import bulletins
from loa.times import MINUTE
from scheduler import exceptions, schedule_checks, series, targets
from scheduler.programme_checks import Line, Order
from scheduler.programme_runs import Part, Run
from scheduler.programme_tables import Item
from scheduler.programmes import Programme
from scheduler.schedules import Kind, Rule
from web import programme_lines, schedule_page
from web.api import schedule_words
from web.api.programme_types import (
    EntryItem,
    NewProgramme,
    Programmed,
    ProgrammeItem,
    RunEntry,
    RunItem,
)
from web.api.schedule_types import Warning
from web.api.wire import WEEKDAYS, clock, moment, named_in, perhaps, person


def order(session: Session, body: NewProgramme) -> Order:
    """What was sent, as the pages' form would have it. Raises LoaError naming the field."""
    for number, each in enumerate(body.items):
        with named_in(f"items[{number}].bulletin_id"):
            if each.bulletin_id is not None:
                bulletins.get(session, each.bulletin_id)
    at = clock(body.at, "at") if body.at else None
    return Order(
        name=body.name, slot=body.slot, at=at, minutes=body.minutes, rule=_days(body), skips=body.skips,
        start_date=body.start_date, end_date=body.end_date,
        where=targets.Where(body.area_ids, body.group_ids, body.except_ids),
        lines=tuple(Line(each.kind, each.bulletin_id, each.minutes * MINUTE) for each in body.items),
    )  # fmt: skip


def _days(body: NewProgramme) -> str:
    weekdays = tuple(WEEKDAYS.index(each) for each in body.weekdays)
    # The clock of it has no say in the days.
    rule = Rule(
        kind=body.kind, at=time(12), start_date=body.start_date, weekdays=weekdays,
        recurs=body.recurs if body.kind is Kind.OTHER else "",
    )  # fmt: skip
    schedule_checks.demand_days(rule)
    return rule.rule


# -- as it is told --------------------------------------------------------------------------------


def item(programme: Programme) -> ProgrammeItem:
    where = programme.where
    return ProgrammeItem(
        id=programme.id, name=programme.name, slot=programme.slot,
        at=f"{programme.at:%H:%M:%S}" if programme.at else None, minutes=programme.minutes,
        kind=series.kind_of(programme.rule), recurs=programme.rule, start_date=programme.start_date,
        end_date=programme.end_date, skips=list(programme.skips), area_ids=sorted(where.area_ids),
        group_ids=sorted(where.group_ids), except_ids=sorted(where.except_ids),
        by=person(programme.staff), waived=list(programme.waived), waived_why=programme.waived_why,
        created_at=moment(programme.created_at), ended_at=perhaps(programme.ended_at),
        items=[_entry(each) for each in programme.items],
        exceptions=[
            schedule_words.of_exception(each, exceptions.sentence(each, programme.at))
            for each in programme.exceptions
        ],
    )  # fmt: skip


def _entry(kept: Item) -> EntryItem:
    return EntryItem(
        kind=kept.kind, bulletin_id=kept.bulletin_id, title=kept.bulletin.title if kept.bulletin else None,
        minutes=kept.ms // MINUTE,
    )  # fmt: skip


def run(found: Run) -> RunItem:
    frame = found.frame
    return RunItem(
        day=found.day, at=moment(found.starts_at), room_ms=frame.room, used_ms=found.total.used, name=frame.name,
        heard=frame.why_not is None, code=frame.why_not.code if frame.why_not else None,
        why_not=frame.why_not.sentence if frame.why_not else None,
        exception_id=found.exception.id if found.exception else None,
        entries=[_part(each) for each in found.parts],
    )  # fmt: skip


def _part(part: Part) -> RunEntry:
    bulletin, why = part.item.bulletin, part.why_not
    return RunEntry(
        kind=part.item.kind, bulletin_id=part.item.bulletin_id, title=bulletin.title if bulletin else None,
        at=moment(part.starts_at), ms=part.placed.ms, asked_ms=part.asked, fate=part.placed.fate,
        heard=part.is_heard, code=why.code if why else None, why_not=why.sentence if why else None,
    )  # fmt: skip


def programmed(session: Session, programme: Programme) -> Programmed:
    return Programmed(
        programme=item(programme),
        receivers=targets.count(session, programme.where),
        warnings=warnings(session, programme),
    )


def warnings(session: Session, programme: Programme) -> list[Warning]:
    """What it meets in the year ahead."""
    known = schedule_page.read_context(session)
    report = programme_lines.clashes(session, programme, known)
    return [schedule_words.warning(clash) for clash in report.found.clashes]
