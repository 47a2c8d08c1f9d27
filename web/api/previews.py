"""What a schedule would come to before it is made or changed: nothing is stored."""

from __future__ import annotations

from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin
from loa.errors import LoaError
from scheduler import levels, schedule_checks, schedules, targets
from scheduler.schedules import Rule, Schedule
from web import current, schedule_page
from web.api import refusals, schedule_words
from web.api.routes import Route
from web.api.schedule_types import NewSchedule, OccurrenceItem, Previewed, Timing
from web.api.schedules import WRITE
from web.api.wire import named_in

SHOWN = 50
"""Of the occurrences ahead."""


def schedule(session: Session, body: NewSchedule) -> Previewed:
    with named_in("bulletin_id"):
        bulletin = bulletins.get(session, body.bulletin_id)
    return _look(session, bulletin, body, None)


def change(session: Session, schedule_id: int, body: Timing) -> Previewed:
    known = schedules.get(session, schedule_id)
    return _look(session, known.bulletin, body, known)


def _look(session: Session, bulletin: Bulletin, body: Timing, of: Schedule | None) -> Previewed:
    rule = schedule_words.rule(body)
    ahead, refusal = [], None
    try:
        ahead = _coming(session, rule, of)
        with named_in("group_ids"):
            _demand(session, bulletin, rule, body.waived_why, of)
    except LoaError as error:
        refusal = refusals.told(error)
    is_heard = refusal is None
    return Previewed(
        refusal=refusal, receivers=targets.count(session, rule.where), occurrences=ahead,
        warnings=schedule_words.warnings(session, bulletin, rule, of) if is_heard else [],
    )  # fmt: skip


def _coming(session: Session, rule: Rule, of: Schedule | None) -> list[OccurrenceItem]:
    schedule_checks.demand_days(rule)
    excepted = of.exceptions if of else ()
    found = schedule_checks.coming(session, rule, current.now(), current.zone(), excepted)
    rows = schedule_page.rows(found, schedule_page.read_context(session), SHOWN)
    return [schedule_words.occurrence(row) for row in rows]


def _demand(
    session: Session, bulletin: Bulletin, rule: Rule, waived_why: str, of: Schedule | None
) -> None:
    """What the call that stores it would. Raises LoaError."""
    schedule_checks.demand_ordinary(bulletin, "bulletin_id")
    schedules.demand_may(session, current.staff(), rule)
    if of is not None:
        schedules.demand_running(of)
        levels.demand_over(session, current.staff(), of.staff.area_id)
    schedule_checks.demand(
        session, bulletin, rule, current.now(), current.zone(), waived_why=waived_why, of=of
    )


ROUTES = (
    Route(
        "POST", "/schedules/preview", schedule,
        "What a schedule would come to: its days, what forbids it, what it meets. Nothing is stored.",
        WRITE, dry=True,
    ),
    Route(
        "POST", "/schedules/<id:schedule_id>/preview", change,
        "The same of a change to a schedule.", WRITE, dry=True,
    ),
)  # fmt: skip
