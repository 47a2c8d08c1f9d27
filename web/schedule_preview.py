"""What a rule in the form would come to: its next occurrences, what the regulation says, what it meets."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from loa import words
from loa.errors import ScheduleError
from loa.times import HOUR, SECOND, Instant
from loa.words import say
from scheduler import admission, fixes, schedule_checks
from scheduler.admission import Finding
from scheduler.fixes import Report
from scheduler.neighbours import SourceId
from scheduler.schedules import Rule, Schedule
from scheduler.series import Occasion
from scheduler.sources import Rules
from web import current, schedule_page
from web.schedule_form import ScheduleForm, rule_of
from web.schedule_page import Row

PREVIEWED = 5


@dataclass
class Preview:
    """Empty while the form is not filled in."""

    rows: list[Row] = field(default_factory=list)
    has_more: bool = False
    refusal: str = ""
    """Why it may not be kept."""
    findings: list[Finding] = field(default_factory=list)
    """What needs a reason."""
    clashes: Report | None = None


def look(
    session: Session, bulletin: Bulletin, form: ScheduleForm, of: Schedule | None = None
) -> Preview:
    """What the form now says would come to."""
    if not form.validate():
        return Preview()
    try:
        rule = rule_of(form)
        schedule_checks.demand_days(rule)
    except ScheduleError as error:
        # A box not ticked yet is no mistake while somebody is filling in.
        return Preview(refusal="" if error.field == "weekdays" else error.sentence)
    return _look(session, bulletin, rule, of)


def _look(session: Session, bulletin: Bulletin, rule: Rule, of: Schedule | None) -> Preview:
    now, zone = current.now(), current.zone()
    ahead = schedule_checks.coming(session, rule, now, zone, of.exceptions if of else ())
    heard = [each.at for each in ahead if each.is_heard]
    if not heard:
        return Preview(refusal=_never(ahead))
    shown = Preview(
        rows=schedule_page.rows(ahead[:PREVIEWED], schedule_page.read_context(session)),
        has_more=len(ahead) > PREVIEWED,
    )
    if rule.where.is_nowhere:
        return shown
    asked = schedule_checks.asking(
        session, bulletin, rule.where, heard, minutes=rule.minutes, of=of
    )
    found = admission.findings(session, asked, now, zone)
    refused = [each.sentence for each in found if each.answer == "refuse"]
    shown.refusal = words.join(" ", refused)
    shown.findings = [each for each in found if each.answer == "reason"]
    if not shown.refusal:
        shown.clashes = _report(session, bulletin, rule, heard, of)
    return shown


def _never(ahead: list[Occasion]) -> str:
    if any(each.why_not for each in ahead):
        return say("Mọi lượt phía trước đều rơi vào ngày mà lịch này không phát.")
    return say("Giờ này đã qua. Hãy chọn giờ hoặc ngày khác.")


def clashes_of(
    session: Session, bulletin: Bulletin, form: ScheduleForm, of: Schedule | None
) -> Report | None:
    """What the form's rule would meet in the year ahead; None while it has no occurrence."""
    try:
        rule = rule_of(form)
    except ScheduleError:
        return None
    return report(session, bulletin, rule, of)


def report(
    session: Session, bulletin: Bulletin, rule: Rule, of: Schedule | None = None
) -> Report | None:
    """What a rule would meet in the year ahead; None while it has no occurrence."""
    now = current.now()
    ahead = schedule_checks.coming(session, rule, now, current.zone(), of.exceptions if of else ())
    heard = [each.at for each in ahead if each.is_heard]
    return _report(session, bulletin, rule, heard, of) if heard else None


def _report(
    session: Session, bulletin: Bulletin, rule: Rule, heard: list[Instant], of: Schedule | None
) -> Report:
    delivery = current.config().delivery
    rules = Rules(current.zone(), delivery.horizon_hours * HOUR, delivery.late_seconds * SECOND)
    asked = schedule_checks.asking(
        session, bulletin, rule.where, heard, minutes=rule.minutes, of=of
    )
    but = SourceId("schedule_id", of.id) if of else None
    return fixes.report(session, asked, rules, but=but, may_shorten=bulletin.relay is not None)
