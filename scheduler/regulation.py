"""Regulation (quy chế của đài): the hours in which nothing but an emergency may sound, and the rest (rulebook).

Versions are only added, each with the instant from which it holds, so that a past broadcast is judged by
the rule of its day. One that does not hold yet may be taken back (scheduler.amending).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from content.parts import Stored
from devices import receivers
from loa import audit
from loa.database import Base, Json
from loa.errors import ScheduleError
from loa.staff import May, Staff
from loa.times import Instant, instant, local
from loa.words import say
from scheduler.rulebook import Rulebook, read_clock


@dataclass(frozen=True, order=True)
class QuietHours:
    """A daily span by the wall clock; ``until`` not after ``since`` means it passes midnight."""

    since: time
    until: time

    def __str__(self) -> str:
        return f"{self.since:%H:%M}–{self.until:%H:%M}"

    def beginning(self, day: date, zone: ZoneInfo) -> tuple[Instant, Instant]:
        """The span that begins on ``day``; where a zone doubles or skips its edge, the longer one.

        Receivers ask each minute by its wall clock: whatever is quiet to them is quiet here.
        """
        ends = day if self.since < self.until else day + timedelta(days=1)
        return min(_both(day, self.since, zone)), max(_both(ends, self.until, zone))


def _both(day: date, clock: time, zone: ZoneInfo) -> tuple[Instant, Instant]:
    """The instants that a wall clock may mean: one and the same but for the night a zone changes."""
    moment = datetime.combine(day, clock, tzinfo=zone)
    return instant(moment), instant(moment.replace(fold=1))


class Regulation(Base):
    """The rules in force from an instant on."""

    __tablename__ = "regulations"

    id: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[Instant] = mapped_column(index=True)
    quiet: Mapped[list[list[str]]] = mapped_column(Json)
    """Pairs of "HH:MM"."""
    rules: Mapped[Rulebook] = mapped_column(Stored(Rulebook), default=Rulebook)
    note: Mapped[str] = mapped_column(sa.Text, default="")
    """Why: the number of the decision it is taken from."""
    by: Mapped[str] = mapped_column(sa.String(64))
    made_at: Mapped[Instant]

    @property
    def quiet_hours(self) -> tuple[QuietHours, ...]:
        return tuple(
            QuietHours(read_clock(a, "quiet"), read_clock(b, "quiet")) for a, b in self.quiet
        )


def parse_quiet(text: str) -> QuietHours:
    """``21:00-05:00`` as QuietHours. Raises ScheduleError."""
    since, dash, until = text.strip().replace("–", "-").partition("-")
    if not dash:
        raise ScheduleError(
            say("Giờ không phát “%(text)s” phải có dạng 21:00-05:00.", text=text), field="quiet"
        )
    span = QuietHours(read_clock(since, "quiet"), read_clock(until, "quiet"))
    if span.since == span.until:
        raise ScheduleError(
            say("Giờ không phát “%(text)s” bắt đầu và kết thúc cùng lúc.", text=text), field="quiet"
        )
    return span


def breach(
    quiet: Sequence[QuietHours], start: Instant, end: Instant, zone: ZoneInfo
) -> QuietHours | None:
    """The quiet hours that [start, end) would break, or None. Touching their edge is allowed."""
    first = local(start, zone).date() - timedelta(days=1)
    days = (local(end, zone).date() - first).days + 1
    for span in quiet:
        for offset in range(days):
            since, until = span.beginning(first + timedelta(days=offset), zone)
            if start < until and since < max(end, start + 1):
                return span
    return None


def breach_by(
    versions: Sequence[Regulation], start: Instant, end: Instant, zone: ZoneInfo
) -> QuietHours | None:
    """As ``breach``, each part of [start, end) by the version in force then; ``versions`` oldest first."""
    until = end
    for version in reversed(versions):
        if version.since >= max(end, start + 1):
            continue
        since = max(start, version.since)
        if span := breach(version.quiet_hours, since, until, zone):
            return span
        if since == start:
            return None
        until = since
    return None


def in_force(versions: Sequence[Regulation], moment: Instant) -> Regulation | None:
    """The one of these versions, oldest first, in force at ``moment``; None before the first."""
    return next((each for each in reversed(versions) if each.since <= moment), None)


def versions(session: Session) -> Sequence[Regulation]:
    """All that were ever in force and those to come, oldest first."""
    found = sa.select(Regulation).order_by(Regulation.since, Regulation.id)
    return session.scalars(found).all()


def at(session: Session, moment: Instant) -> Regulation | None:
    """The regulation in force at ``moment``; None before the first was made."""
    return session.scalars(
        sa.select(Regulation)
        .where(Regulation.since <= moment)
        .order_by(Regulation.since.desc(), Regulation.id.desc())
        .limit(1)
    ).first()


def quiet_at(session: Session, moment: Instant) -> tuple[QuietHours, ...]:
    """The quiet hours in force at ``moment``."""
    found = at(session, moment)
    return found.quiet_hours if found else ()


def rules_at(session: Session, moment: Instant) -> Rulebook:
    """The other rules in force at ``moment``."""
    found = at(session, moment)
    return found.rules if found else Rulebook()


def set_quiet(
    session: Session, staff: Staff | None, quiet: Sequence[QuietHours], now: Instant
) -> Regulation:
    """Put new quiet hours in force from now on; ``staff`` None is the system at first start."""
    if staff is not None:
        staff.demand(May.MANAGE)
    regulation = add(session, staff, quiet, rules_at(session, now), since=now, now=now)
    audit.append(session, now, regulation.by, "regulation.quiet", quiet=regulation.quiet)
    return regulation


def add(
    session: Session,
    staff: Staff | None,
    quiet: Sequence[QuietHours],
    rules: Rulebook,
    *,
    since: Instant,
    now: Instant,
    note: str = "",
) -> Regulation:
    """A version that holds from ``since`` on, unchecked and not in the log yet."""
    regulation = Regulation(
        since=since, made_at=now, rules=rules, note=note, by=staff.login if staff else audit.SYSTEM,
        quiet=[[f"{q.since:%H:%M}", f"{q.until:%H:%M}"] for q in sorted(set(quiet))],
    )  # fmt: skip
    session.add(regulation)
    session.flush()
    # They keep the quiet hours too (of those to come they are told when these come: loa.core), and what is ordered
    # for a time to come says how loud it may be by the version of that time.
    receivers.mark_stale(session)
    return regulation


def demand_allowed(
    quiet: Sequence[QuietHours], start: Instant, end: Instant, zone: ZoneInfo, *, emergency: bool
) -> None:
    """Raise ScheduleError, naming the rule, if [start, end) may not sound."""
    span = None if emergency else breach(quiet, start, end, zone)
    if span is not None:
        raise ScheduleError(quiet_sentence(span, start, end, zone), field="at")


def quiet_sentence(span: QuietHours, start: Instant, end: Instant, zone: ZoneInfo) -> str:
    """What is wrong with [start, end), and what to do."""
    begins = local(start, zone)
    return say(
        "Lượt phát %(begins)s–%(until)s ngày %(day)s rơi vào giờ không phát %(span)s "
        "của đài. Hãy chọn giờ khác; chỉ bản tin khẩn cấp được phát trong giờ này.",
        begins=f"{begins:%H:%M}",
        until=f"{local(end, zone):%H:%M}",
        day=f"{begins:%d/%m/%Y}",
        span=span,
    )
