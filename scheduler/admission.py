"""Admission: the one gate of all doors. What somebody wants to sound is held against the regulation before it is kept.

``demand`` refuses, asks for an officer's reason, or lets through; what is let through with a reason is logged by
``note`` once the source has a number. An emergency is judged by nothing of this.

Campaigns are not summed up: they only take the minutes that others leave.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices import remote
from loa import audit
from loa.errors import ScheduleError
from loa.staff import Staff
from loa.times import Instant, after, local
from loa.words import join, say
from scheduler import context, days, loads, regulation, sittings, sums
from scheduler.context import Context
from scheduler.loads import Span
from scheduler.series import Made
from scheduler.sources import Rules
from scheduler.targets import Where

Rule = Literal["quiet", "day_kind", "outside", "session_minutes", "day_minutes", "day_sessions"]
LEAST_REASON = 5
"""Letters: a full stop is no reason."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody wants to sound."""

    title: str
    priority: Priority
    where: Where
    moments: Sequence[Instant]
    """Starts, in order of time."""
    ms: int
    """From a start until all of it is over; a relay counts whole."""
    kind: Literal["schedule", "programme", "campaign", "alert"]
    without: tuple[str, int] | None = None
    """(column of Broadcast, id) of the source that this takes the place of: it no longer counts."""
    beside: Sequence[Instant] = ()
    """Other starts of the same source on those days, admitted before: they count in the sums alone."""
    also: Sequence[Made] = ()
    """Series admitted in the same act and not stored yet: they count in the sums."""


class Finding(NamedTuple):
    """A rule that is broken, where it is first."""

    rule: Rule
    answer: Literal["reason", "refuse"]
    sentence: str
    """What is wrong, and what to do."""
    moment: Instant


class ReasonNeeded(ScheduleError):
    """The regulation lets it through with a reason: ask for one, and come again with it as ``waived_why``."""

    code = "reason_needed"

    def __init__(self, findings: Sequence[Finding]) -> None:
        told = join(" ", [found.sentence for found in findings])
        super().__init__(
            say("%(told)s Nếu vẫn cần phát, hãy ghi lý do; lý do được lưu vào nhật ký.", told=told),
            field="waived_why",
        )
        self.findings = list(findings)


def demand(
    session: Session,
    asked: Asked,
    now: Instant,
    zone: ZoneInfo,
    waived_why: str = "",
    known: Context | None = None,
) -> list[str]:
    """The rules it breaks with leave, for ``waived_why``; none of them is the usual case.

    Raises ScheduleError for what is refused, ReasonNeeded where a reason is needed and none is given.
    """
    found = findings(session, asked, now, zone, known)
    if refused := [each for each in found if each.answer == "refuse"]:
        told = " ".join(each.sentence for each in refused)
        raise ScheduleError(told, field="at", code=f"regulation_{refused[0].rule}")
    if found and len(waived_why.strip()) < LEAST_REASON:
        raise ReasonNeeded(found)
    return [each.rule for each in found]


def note(
    session: Session, staff: Staff, rules: Sequence[str], why: str, now: Instant, **source: int
) -> None:
    """Log that an officer let it break these rules; ``source`` like ``schedule=7``. Nothing where there are none.

    With ``exception=3``, or ``restored=3`` for one taken back, it holds for that day alone (scheduler.waivers).
    """
    if rules:
        audit.append(
            session, now, staff.login, "schedule.waived", rules=list(rules), why=why.strip(), **source
        )  # fmt: skip


def findings(
    session: Session, asked: Asked, now: Instant, zone: ZoneInfo, known: Context | None = None
) -> list[Finding]:
    """The rules it breaks, each once, where it first does. ``moments`` before ``now`` do not count."""
    asked = replace(asked, moments=[moment for moment in asked.moments if moment >= now])
    if asked.priority is Priority.EMERGENCY or not asked.moments:
        return []
    known = known or context.read(session, Rules(zone=zone, horizon=0, late=0))
    return [*each_by_itself(known, asked), *together(session, known, asked)]


# -- one broadcast by itself ----------------------------------------------------------------------


def each_by_itself(known: Context, asked: Asked) -> Iterator[Finding]:
    """Rules that a broadcast keeps or breaks whatever else sounds, each at the first that breaks it. Pure."""
    places = sittings.places(known, asked.where)
    for look in (_quiet, _day_kind, _outside):
        found = (look(known, asked, moment, places) for moment in asked.moments)
        yield from islice(filter(None, found), 1)


def _quiet(known: Context, asked: Asked, moment: Instant, _: sittings.Places) -> Finding | None:
    end = after(moment, max(asked.ms, 1) + remote.MOST_DELAY)
    span = regulation.breach_by(known.regulations, moment, end, known.rules.zone)
    if span is None:
        return None
    sentence = regulation.quiet_sentence(span, moment, end, known.rules.zone)
    return Finding("quiet", "refuse", sentence, moment)


def _day_kind(known: Context, asked: Asked, moment: Instant, _: sittings.Places) -> Finding | None:
    why = days.calendar(known).forbids(moment, asked.priority)
    if why is None:
        return None
    remedy = say("Hãy chọn ngày khác, hoặc bỏ qua loại ngày này trong lịch.")
    return Finding("day_kind", "refuse", join(" ", [why, remedy]), moment)


def _outside(
    known: Context, asked: Asked, moment: Instant, places: sittings.Places
) -> Finding | None:
    rules = sittings.rules_at(known, moment)
    if asked.priority is not Priority.NORMAL or rules.outside == "allow" or not rules.slots:
        return None
    at = local(moment, known.rules.zone)
    held = [sittings.slots_there(known, moment, place) for place in places]
    if all(any(slot.holds(at.time()) for slot in slots) for slots in held):
        return None
    offered = sorted({(slot.since, str(slot)) for slots in held for slot in slots})
    remedy = (
        say(
            "Hôm đó có khung giờ %(names)s. Hãy chọn giờ trong khung.",
            names=join(", ", [name for _, name in offered]),
        )
        if offered
        else say("Hôm đó không có khung giờ nào. Hãy chọn ngày khác.")
    )
    return Finding(
        "outside", rules.outside,
        say(
            "Giờ %(clock)s ngày %(day)s nằm ngoài các khung giờ phát của quy chế. %(remedy)s",
            clock=f"{at:%H:%M}", day=f"{at:%d/%m/%Y}", remedy=remedy,
        ),
        moment,
    )  # fmt: skip


# -- with all that is scheduled beside it ---------------------------------------------------------


def together(session: Session, known: Context, asked: Asked) -> Iterator[Finding]:
    """Minutes and sessions of a day, with what is scheduled already."""
    if asked.kind == "campaign" or not sums.are_limited(known, asked.moments):
        return
    zone = known.rules.zone
    moments = sorted({*asked.moments, *asked.beside})
    span = Span(local(moments[0], zone).date(), local(moments[-1], zone).date())
    found = loads.read(session, known, span, asked.without, asked.also)
    adding = sums.Adding(asked.where, moments, asked.ms)
    for over in sums.over(known, adding, span, found):
        answer = sittings.rules_at(known, over.moment).too_long
        if answer != "allow":
            yield Finding(over.rule, answer, over.sentence, over.moment)
