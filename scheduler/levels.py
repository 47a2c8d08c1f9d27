"""Levels: whom a person works for, and what a commune says to the broadcasts that come to it from above.

A person works for an area and all below it, or for the whole station. A commune may decline what is normal, put two
priority ones in the order it wants, and not touch an emergency (scheduler.level_acts).
"""

from __future__ import annotations

import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from devices import areas
from devices.areas import Area
from devices.receivers import Receiver
from loa.database import Base, word_of
from loa.errors import NotAllowed, ScheduleError
from loa.staff import Staff
from loa.times import Instant
from loa.words import say
from scheduler import targets
from scheduler.targets import Where

NAMED = 3
"""Places named in a refusal."""


class Said(enum.StrEnum):
    DECLINED = "declined"
    FIRST = "first"
    """Goes before ``other``, which gives way."""


class AreaDecision(Base):
    """What an area said of a broadcast. Never changed: withdrawn, and another made."""

    __tablename__ = "area_decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    area_id: Mapped[int] = mapped_column(sa.ForeignKey("areas.id"), index=True)
    broadcast_id: Mapped[int] = mapped_column(sa.ForeignKey("broadcasts.id"), index=True)
    other_id: Mapped[int | None] = mapped_column(sa.ForeignKey("broadcasts.id"))
    said: Mapped[Said] = mapped_column(word_of(Said))
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    at: Mapped[Instant]
    withdrawn_at: Mapped[Instant | None]
    schedule_id: Mapped[int | None] = mapped_column(sa.ForeignKey("schedules.id"))
    """Of FIRST: by which ``other`` is heard in the area after all, right after the first."""

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)


# -- whom a person works for ----------------------------------------------------------------------


def reach(session: Session, staff: Staff) -> frozenset[int] | None:
    """The areas a person works for; None is the whole station."""
    if staff.area_id is None:
        return None
    return frozenset(areas.with_descendants(session, [staff.area_id]))


def answers_for(session: Session, staff: Staff, area_id: int | None) -> bool:
    """Whether what somebody of that area set is this person's too: set for their own area, or below it."""
    inside = reach(session, staff)
    return inside is None or area_id in inside


def theirs(
    session: Session, staff: Staff, column: sa.orm.InstrumentedAttribute[Any]
) -> sa.ColumnElement[bool]:
    """The same as a condition on a column that names an area."""
    inside = reach(session, staff)
    return sa.true() if inside is None else column.in_(inside)


def demand_over(session: Session, staff: Staff, area_id: int | None) -> None:
    """Raise NotAllowed unless what somebody of that area set may be changed by this person."""
    if not answers_for(session, staff, area_id):
        own = areas.get(session, staff.area_id or 0).full_name
        raise NotAllowed(
            say(
                "Việc này do cấp trên hoặc địa bàn khác đặt. %(name)s làm việc cho %(own)s nên không sửa hay dừng "
                "được; lượt thông thường từ cấp trên thì từ chối ở trang Cấp trên.",
                name=staff.name,
                own=own,
            )
        )


def demand_whole(session: Session, staff: Staff, act: str) -> None:
    """Raise NotAllowed for a person of one area, where something holds for the whole station."""
    if staff.area_id is not None:
        own = areas.get(session, staff.area_id).full_name
        raise NotAllowed(
            say(
                "%(name)s không có quyền %(act)s: chỉ làm việc cho %(own)s. Hãy nhờ cán bộ của cả đài.",
                name=staff.name,
                act=act,
                own=own,
            )
        )


def demand_within(session: Session, staff: Staff, where: Where) -> None:
    """Raise ScheduleError unless all of it lies in the area the person works for."""
    inside = reach(session, staff)
    if inside is None:
        return
    outside = sa.select(Area).where(Area.id.in_(where.area_ids), Area.id.not_in(inside))
    if found := [
        area.full_name for area in session.scalars(outside.order_by(Area.id).limit(NAMED))
    ]:
        raise _outside(session, staff, ", ".join(found), "area_ids")
    stray = sa.select(Receiver.name).where(
        targets.standing_in(session, where), Receiver.area_id.not_in(inside)
    )
    if names := list(session.scalars(stray.order_by(Receiver.name).limit(NAMED))):
        raise _outside(
            session, staff, say("đầu thu %(names)s", names=", ".join(names)), "group_ids"
        )


def _outside(session: Session, staff: Staff, places: str, field: str) -> ScheduleError:
    own = areas.get(session, staff.area_id or 0).full_name
    remedy = say("nhóm chỉ gồm đầu thu") if field == "group_ids" else say("địa bàn")
    return ScheduleError(
        say(
            "%(name)s làm việc cho %(own)s nên không đặt phát ở %(places)s được. Hãy chọn %(remedy)s trong %(own)s.",
            name=staff.name,
            own=own,
            places=places,
            remedy=remedy,
        ),
        field=field,
        code="outside_own_area",
    )


# -- above and below ------------------------------------------------------------------------------


def line(session: Session, area_id: int | None) -> list[int]:
    """The area and all above it, from below."""
    found: list[int] = []
    while area_id is not None:
        found.append(area_id)
        area_id = areas.get(session, area_id).parent_id
    return found


def is_in_use(session: Session) -> bool:
    """Whether anybody works for less than the whole station."""
    found = sa.select(Staff.id).where(Staff.area_id.is_not(None), Staff.active)
    return session.scalar(found.limit(1)) is not None


def tree(session: Session, staff: Staff) -> list[tuple[int, Area]]:
    """The areas a person works for, depth first, each with its depth below the first."""
    inside = reach(session, staff)
    found = areas.tree(session)
    if inside is None:
        return found
    own = [(depth, area) for depth, area in found if area.id in inside]
    top = min((depth for depth, _ in own), default=0)
    return [(depth - top, area) for depth, area in own]
