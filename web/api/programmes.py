"""Programmes: running orders, made, looked at, changed and ended."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.errors import LoaError
from loa.times import DAY, after
from loa.tokens import Scope
from scheduler import levels, programme_acts, programme_runs, programmes, targets
from scheduler.context import Context
from scheduler.programmes import Programme
from web import current, programme_lines, schedule_page
from web.api import paging, programme_words, refusals
from web.api.programme_types import (
    NewProgramme,
    Programmed,
    ProgrammeItem,
    ProgrammePreview,
    ProgrammeQuery,
    RunItem,
    RunQuery,
    Runs,
)
from web.api.routes import Route
from web.api.wire import Page, named_in


def listing(session: Session, query: ProgrammeQuery) -> Page[ProgrammeItem]:
    found = sa.select(Programme)
    if query.ended is not None:
        found = found.where(Programme.ended_at.is_not(None) == query.ended)
    rows = paging.sources(session, query, found, Programme.id)
    return paging.page(rows, query, programme_words.item, lambda each: each.id)


def show(session: Session, programme_id: int) -> ProgrammeItem:
    return programme_words.item(programmes.get(session, programme_id))


def runs(session: Session, programme_id: int, query: RunQuery) -> Runs:
    """The running order day by day, and what of it fits."""
    programme, now = programmes.get(session, programme_id), current.now()
    if programme.ended_at is not None:
        return Runs(items=[])
    known, until = schedule_page.read_context(session), after(now, query.days * DAY)
    found = programme_runs.runs(programme, now, until, known)
    return Runs(items=[programme_words.run(each) for each in found])


def create(session: Session, body: NewProgramme) -> Programmed:
    order = programme_words.order(session, body)
    with named_in("group_ids"):
        made = programme_acts.add(
            session, current.staff(), order, now=current.now(), zone=current.zone(), waived_why=body.waived_why
        )  # fmt: skip
    return programme_words.programmed(session, made)


def change(session: Session, programme_id: int, body: NewProgramme) -> Programmed:
    """From its next run on: the one that is on goes on as it was."""
    programme = programmes.get(session, programme_id)
    order = programme_words.order(session, body)
    with named_in("group_ids"):
        programme_acts.change(
            session, programme, current.staff(), order, now=current.now(), zone=current.zone(),
            waived_why=body.waived_why,
        )  # fmt: skip
    session.refresh(programme)
    return programme_words.programmed(session, programme)


def end(session: Session, programme_id: int) -> ProgrammeItem:
    programme = programmes.get(session, programme_id)
    programme_acts.end(session, programme, current.staff(), current.now())
    return programme_words.item(programme)


def preview(session: Session, body: NewProgramme) -> ProgrammePreview:
    return _look(session, body, None)


def preview_change(session: Session, programme_id: int, body: NewProgramme) -> ProgrammePreview:
    return _look(session, body, programmes.get(session, programme_id))


def _look(session: Session, body: NewProgramme, of: Programme | None) -> ProgrammePreview:
    order = programme_words.order(session, body)
    sketch = programme_acts.draft(
        session, order, of.staff if of else current.staff(), current.now(), of.id if of else None
    )
    known = schedule_page.read_context(session)
    ahead, refusal = [], None
    try:
        ahead = _coming(sketch, known)
        with named_in("group_ids"):
            _demand(session, sketch, known, body.waived_why, of)
    except LoaError as error:
        refusal = refusals.told(error)
    return ProgrammePreview(
        refusal=refusal, receivers=targets.count(session, sketch.where), runs=ahead,
        warnings=programme_words.warnings(session, sketch) if refusal is None else [],
    )  # fmt: skip


def _coming(sketch: Programme, known: Context) -> list[RunItem]:
    found = programme_lines.coming(sketch, current.now(), known)
    return [programme_words.run(each) for each in found]


def _demand(
    session: Session, sketch: Programme, known: Context, waived_why: str, of: Programme | None
) -> None:
    """What the call that stores it would. Raises LoaError."""
    levels.demand_within(session, current.staff(), sketch.where)
    if of is not None:
        programme_acts.demand_running(of)
        levels.demand_over(session, current.staff(), of.staff.area_id)
    programme_acts.demand(session, sketch, current.now(), known, waived_why)


READ, WRITE = Scope.PROGRAMMES_READ, Scope.PROGRAMMES_WRITE
ROUTES = (
    Route("GET", "/programmes", listing, "Programmes, the last made first.", READ),
    Route("POST", "/programmes", create, "Make a programme; what it meets is told as warnings.", WRITE, 201),
    Route(
        "POST", "/programmes/preview", preview,
        "What a programme would come to: what of it fits, what forbids it, what it meets. Nothing is stored.",
        WRITE, dry=True,
    ),
    Route("GET", "/programmes/<id:programme_id>", show, "A programme.", READ),
    Route("GET", "/programmes/<id:programme_id>/runs", runs, "Its running order on the coming days.", READ),
    Route(
        "POST", "/programmes/<id:programme_id>/change", change,
        "Change a programme from its next run on; what is left out is as in a new one.", WRITE,
    ),
    Route(
        "POST", "/programmes/<id:programme_id>/preview", preview_change, "The same of a change to a programme.",
        WRITE, dry=True,
    ),
    Route("POST", "/programmes/<id:programme_id>/end", end, "End a programme; what sounds goes on.", WRITE),
)  # fmt: skip
