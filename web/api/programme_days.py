"""Single days of a programme: skipped, moved, given another bulletin, and put back."""

from __future__ import annotations

from sqlalchemy.orm import Session

from loa.errors import NotFound
from scheduler import exceptions, programme_days, programmes
from scheduler.exceptions import Kind, Otherwise
from web import current
from web.api import programme_words, schedule_words
from web.api.programme_types import ProgrammeItem
from web.api.programmes import WRITE
from web.api.routes import Route
from web.api.schedule_types import ExceptionItem, Move, Replace, Restore, Skip
from web.api.wire import clock, named_in


def skip(session: Session, programme_id: int, body: Skip) -> ExceptionItem:
    wanted = Otherwise(day=body.day, kind=Kind.SKIP, reason=body.reason)
    return _make(session, programme_id, wanted, "")


def move(session: Session, programme_id: int, body: Move) -> ExceptionItem:
    to_time = clock(body.to_time, "to_time") if body.to_time else None
    wanted = Otherwise(
        day=body.day, kind=Kind.MOVE, to_day=body.to_day, to_time=to_time, reason=body.reason
    )
    return _make(session, programme_id, wanted, body.waived_why)


def replace(session: Session, programme_id: int, body: Replace) -> ExceptionItem:
    wanted = Otherwise(
        day=body.day, kind=Kind.REPLACE, bulletin_id=body.bulletin_id, reason=body.reason
    )
    with named_in("bulletin_id"):
        return _make(session, programme_id, wanted, body.waived_why)


def _make(session: Session, programme_id: int, wanted: Otherwise, waived_why: str) -> ExceptionItem:
    programme = programmes.get(session, programme_id)
    made = programme_days.except_day(
        session, programme, current.staff(), wanted, now=current.now(), zone=current.zone(),
        waived_why=waived_why,
    )  # fmt: skip
    return schedule_words.of_exception(made, exceptions.sentence(made, programme.at))


def restore(session: Session, programme_id: int, exception_id: int, body: Restore) -> ProgrammeItem:
    """Take back what was made otherwise about a day."""
    programme = programmes.get(session, programme_id)
    exception = exceptions.get(session, exception_id)
    if exception.programme_id != programme_id:
        raise NotFound("Ngoại lệ này thuộc chương trình khác. Hãy xem lại đường dẫn.")
    programme_days.restore_day(
        session, programme, current.staff(), exception, now=current.now(), zone=current.zone(),
        waived_why=body.waived_why,
    )  # fmt: skip
    session.refresh(programme)
    return programme_words.item(programme)


ROUTES = (
    Route(
        "POST", "/programmes/<id:programme_id>/skips", skip, "Leave out one day of a programme.", WRITE, 201
    ),
    Route(
        "POST", "/programmes/<id:programme_id>/moves", move,
        "Have one day of a programme be heard at another time.", WRITE, 201,
    ),
    Route(
        "POST", "/programmes/<id:programme_id>/replacements", replace,
        "Have another bulletin be heard on one day in place of a programme.", WRITE, 201,
    ),
    Route(
        "POST", "/programmes/<id:programme_id>/exceptions/<id:exception_id>/withdraw", restore,
        "Have a day that was skipped, moved or replaced be as the programme says again.", WRITE,
    ),
)  # fmt: skip
