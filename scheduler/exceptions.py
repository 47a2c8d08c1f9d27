"""Exception (ngoại lệ): one day of a series that is skipped, moved or given another bulletin.

An object of its own, named by the day the series would have had: it stays whatever is changed about the series.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING, Literal, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content.bulletins import Bulletin
from loa import audit
from loa.database import Base, word_of
from loa.errors import NotFound, ScheduleError
from loa.staff import May, Staff
from loa.times import Instant
from loa.words import join, say
from scheduler.sources import WhyNot

if TYPE_CHECKING:  # the context holds exceptions
    from scheduler.context import Context

Column = Literal["schedule_id", "programme_id"]
MOST_REASON = 300


class Kind(enum.StrEnum):
    SKIP = "skip"
    MOVE = "move"
    REPLACE = "replace"


class ScheduleException(Base):
    """What is otherwise on one day of a schedule or programme. Never changed: withdrawn, and another made."""

    __tablename__ = "schedule_exceptions"

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int | None] = mapped_column(sa.ForeignKey("schedules.id"), index=True)
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("programmes.id"), index=True)
    day: Mapped[date]
    """By the series, in the station's zone."""
    kind: Mapped[Kind] = mapped_column(word_of(Kind))
    to_day: Mapped[date | None]
    to_time: Mapped[time | None]
    """Of MOVE: where to; None is as the series says."""
    bulletin_id: Mapped[int | None] = mapped_column(sa.ForeignKey("bulletins.id"))
    """Of REPLACE."""
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    made_at: Mapped[Instant]
    withdrawn_at: Mapped[Instant | None]

    bulletin: Mapped[Bulletin | None] = relationship(lazy="joined")
    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)


@dataclass(frozen=True, kw_only=True)
class Otherwise:
    """What a person wants of one day of a series."""

    day: date
    kind: Kind
    to_day: date | None = None
    to_time: time | None = None
    """Of MOVE; None is as the series says."""
    bulletin_id: int | None = None
    """Of REPLACE."""
    reason: str = ""


class Excepted(Protocol):
    """A schedule or a programme."""

    @property
    def id(self) -> int: ...

    planned_until: Instant


def on(context: Context, column: Column, id: int, day: date) -> ScheduleException | None:
    """The exception that holds on a day of that series; of several the one made last."""
    found = [each for each in context.exceptions.get((column, id), ()) if each.day == day]
    return max(found, key=lambda each: each.id) if found else None


def of(session: Session, column: Column, id: int) -> Sequence[ScheduleException]:
    """Those that hold of one series, by day; not those withdrawn."""
    ours = getattr(ScheduleException, column) == id
    found = sa.select(ScheduleException).where(ours, ScheduleException.withdrawn_at.is_(None))
    return session.scalars(found.order_by(ScheduleException.day, ScheduleException.id)).all()


def stands_in(session: Session, bulletin_id: int, today: date) -> bool:
    """Whether that bulletin takes the place of another today or on a later day."""
    found = sa.select(ScheduleException.id).where(
        ScheduleException.bulletin_id == bulletin_id,
        ScheduleException.day >= today,
        ScheduleException.withdrawn_at.is_(None),
    )
    return session.scalars(found.limit(1)).first() is not None


def get(session: Session, exception_id: int) -> ScheduleException:
    """That exception. Raises NotFound."""
    found = session.get(ScheduleException, exception_id)
    if found is None:
        raise NotFound(say("Không tìm thấy ngoại lệ này. Hãy quay lại trang của lịch phát."))
    return found


def add(
    session: Session,
    source: Excepted,
    column: Column,
    staff: Staff,
    wanted: Otherwise,
    now: Instant,
) -> ScheduleException:
    """Make the day otherwise, in place of what was otherwise about it before.

    Whether the series has that day, and whether it may sound where it is moved to, is the caller's to check.
    Raises ScheduleError where something is missing.
    """
    staff.demand(May.SCHEDULE)
    _demand_whole(wanted)
    for before in of(session, column, source.id):
        if before.day == wanted.day:
            before.withdrawn_at = now
    made = ScheduleException(
        **{column: source.id}, day=wanted.day, kind=wanted.kind, to_day=wanted.to_day,
        to_time=wanted.to_time, bulletin_id=wanted.bulletin_id, reason=wanted.reason.strip(),
        staff_id=staff.id, made_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    rethink(source, now)
    _note(session, made, staff, now, "exception.add")
    return made


def withdraw(
    session: Session, source: Excepted, exception: ScheduleException, staff: Staff, now: Instant
) -> None:
    """The day is again as the series says."""
    staff.demand(May.SCHEDULE)
    if exception.withdrawn_at is not None:
        return
    exception.withdrawn_at = now
    rethink(source, now)
    _note(session, exception, staff, now, "exception.withdraw")


def rethink(source: Excepted, now: Instant) -> None:
    """Have the planner look at the source again from now on, and at what it has not looked at yet."""
    source.planned_until = min(source.planned_until, now)


def _demand_whole(wanted: Otherwise) -> None:
    if len(wanted.reason) > MOST_REASON:
        raise ScheduleError(
            say("Lý do dài quá %(most)s chữ. Hãy viết gọn lại.", most=MOST_REASON), field="reason"
        )
    if wanted.kind is Kind.MOVE and wanted.to_day is None and wanted.to_time is None:
        raise ScheduleError(say("Hãy nhập giờ hoặc ngày mới của lượt này."), field="to_time")
    if wanted.kind is Kind.REPLACE and wanted.bulletin_id is None:
        raise ScheduleError(say("Hãy chọn bản tin thay thế."), field="bulletin_id")


def _note(
    session: Session, exception: ScheduleException, staff: Staff, now: Instant, kind: str
) -> None:
    series = {name: value for name in ("schedule_id", "programme_id")
              if (value := getattr(exception, name)) is not None}  # fmt: skip
    audit.append(
        session, now, staff.login, kind, exception=exception.id, day=str(exception.day), what=exception.kind,
        **{name.removesuffix("_id"): value for name, value in series.items()},
        **({"to_day": str(exception.to_day)} if exception.to_day else {}),
        **({"to_time": str(exception.to_time)} if exception.to_time else {}),
        **({"bulletin": exception.bulletin_id} if exception.bulletin_id else {}),
        **({"reason": exception.reason} if exception.reason else {}),
    )  # fmt: skip


# -- words ----------------------------------------------------------------------------------------


def why_not(exception: ScheduleException, at: time) -> WhyNot:
    """Why the series' own occurrence of that day does not sound. ``at``: the time the series has."""
    code = {Kind.SKIP: "skipped", Kind.MOVE: "moved", Kind.REPLACE: "replaced"}[exception.kind]
    return WhyNot(code, sentence(exception, at))


def sentence(exception: ScheduleException, at: time | None) -> str:
    """Hoa bỏ lượt ngày 02/09/2026: nghỉ lễ. ``at``: None of one that follows a session of the regulation."""
    who, day = exception.staff.name, f"{exception.day:%d/%m/%Y}"
    told: str
    if exception.kind is Kind.SKIP:
        told = say("%(who)s bỏ lượt ngày %(day)s", who=who, day=day)
    elif exception.kind is Kind.MOVE:
        told = _moved(exception, who, day, exception.to_time or at)
    else:
        title = exception.bulletin.title if exception.bulletin else ""
        told = say(
            "%(who)s phát “%(title)s” thay cho lượt ngày %(day)s", who=who, title=title, day=day
        )
    why = f": {exception.reason.rstrip('.')}" if exception.reason else ""
    return join("", [told, why, "."])


def _moved(exception: ScheduleException, who: str, day: str, clock: time | None) -> str:
    to_day = f"{exception.to_day or exception.day:%d/%m/%Y}"
    if clock is None:
        return say(
            "%(who)s dời lượt ngày %(day)s sang ngày %(to_day)s", who=who, day=day, to_day=to_day
        )
    return say(
        "%(who)s dời lượt ngày %(day)s sang %(clock)s ngày %(to_day)s",
        who=who,
        day=day,
        clock=f"{clock:%H:%M}",
        to_day=to_day,
    )
