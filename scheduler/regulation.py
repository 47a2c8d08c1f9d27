"""Regulation (quy chế của đài): the hours in which nothing but an emergency may sound.

Versions are only added, each with the instant from which it holds, so that a past broadcast is judged by
the rule of its day.
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
from scheduler.rulebook import Rulebook


@dataclass(frozen=True, order=True)
class QuietHours:
    """A daily span by the wall clock; ``until`` not after ``since`` means it passes midnight."""

    since: time
    until: time

    def __str__(self) -> str:
        return f"{self.since:%H:%M}–{self.until:%H:%M}"

    def beginning(self, day: date, zone: ZoneInfo) -> tuple[Instant, Instant]:
        """The span that begins on ``day``."""
        ends = day if self.since < self.until else day + timedelta(days=1)
        return (
            instant(datetime.combine(day, self.since, tzinfo=zone)),
            instant(datetime.combine(ends, self.until, tzinfo=zone)),
        )


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
        return tuple(QuietHours(_clock(a, "quiet"), _clock(b, "quiet")) for a, b in self.quiet)


def parse_quiet(text: str) -> QuietHours:
    """``21:00-05:00`` as QuietHours. Raises ScheduleError."""
    since, dash, until = text.strip().replace("–", "-").partition("-")
    if not dash:
        raise ScheduleError(f"Giờ không phát “{text}” phải có dạng 21:00-05:00.", field="quiet")
    span = QuietHours(_clock(since.strip(), "quiet"), _clock(until.strip(), "quiet"))
    if span.since == span.until:
        raise ScheduleError(f"Giờ không phát “{text}” bắt đầu và kết thúc cùng lúc.", field="quiet")
    return span


def _clock(text: str, field: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a wall clock has no zone
    except ValueError as error:
        raise ScheduleError(
            f"Giờ “{text}” phải có dạng giờ:phút, ví dụ 05:30.", field=field
        ) from error


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
    by = staff.login if staff else audit.SYSTEM
    regulation = Regulation(
        since=now,
        made_at=now,
        rules=rules_at(session, now),
        quiet=[[f"{q.since:%H:%M}", f"{q.until:%H:%M}"] for q in sorted(quiet)],
        by=by,
    )
    session.add(regulation)
    session.flush()
    receivers.mark_stale(session)  # they keep the quiet hours too
    audit.append(session, now, by, "regulation.quiet", quiet=regulation.quiet)
    return regulation


def demand_allowed(
    quiet: Sequence[QuietHours], start: Instant, end: Instant, zone: ZoneInfo, *, emergency: bool
) -> None:
    """Raise ScheduleError, naming the rule, if [start, end) may not sound."""
    span = None if emergency else breach(quiet, start, end, zone)
    if span is not None:
        raise ScheduleError(
            f"Lượt phát {local(start, zone):%H:%M}–{local(end, zone):%H:%M} ngày {local(start, zone):%d/%m/%Y} rơi vào "
            f"giờ không phát {span} của đài. Hãy chọn giờ khác; chỉ bản tin khẩn cấp được phát trong giờ này.",
            field="at",
        )
