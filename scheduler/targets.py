"""Where a broadcast is to be heard: areas and groups, without some receivers; and who that is now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import areas, groups, receivers
from devices.areas import Area
from devices.groups import Group, Member
from devices.receivers import Receiver
from loa.errors import ScheduleError
from loa.words import counted, join, say


@dataclass(frozen=True)
class Where:
    """Areas with all below them, groups, and single receivers, without what is left out of all of these:
    the receivers ``except_ids``, and the areas ``except_area_ids`` with all below them.
    """

    area_ids: tuple[int, ...] = ()
    group_ids: tuple[int, ...] = ()
    except_ids: tuple[str, ...] = ()
    receiver_ids: tuple[str, ...] = ()
    except_area_ids: tuple[int, ...] = ()
    """Areas that declined it (scheduler.declining); never stored with a source."""

    @property
    def is_nowhere(self) -> bool:
        """Nothing was chosen at all."""
        return not (self.area_ids or self.group_ids or self.receiver_ids)


def standing_in(session: Session, where: Where) -> sa.ColumnElement[bool]:
    """The condition on ``Receiver`` of being meant: in service, in an area or a group, and not left out."""
    members = sa.select(Member.receiver_id).where(Member.group_id.in_(where.group_ids))
    inside = [Receiver.id.in_(members)] if where.group_ids else []
    if where.receiver_ids:
        inside.append(Receiver.id.in_(where.receiver_ids))
    if where.area_ids:
        inside.append(Receiver.area_id.in_(areas.with_descendants(session, where.area_ids)))
    left_out = [Receiver.id.not_in(where.except_ids)]
    if where.except_area_ids:
        apart = areas.with_descendants(session, where.except_area_ids)
        left_out.append(Receiver.area_id.not_in(apart))
    return sa.and_(receivers.in_service(), sa.or_(sa.false(), *inside), *left_out)


def receivers_of(session: Session, where: Where) -> list[Receiver]:
    """The receivers meant, by id."""
    found = sa.select(Receiver).where(standing_in(session, where)).order_by(Receiver.id)
    return list(session.scalars(found))


def count(session: Session, where: Where) -> int:
    """How many receivers are meant."""
    found = sa.select(sa.func.count(Receiver.id)).where(standing_in(session, where))
    return session.scalar(found) or 0


def languages_of(session: Session, where: Where) -> set[str]:
    """The languages heard there."""
    spoken_in = areas.spoken_in(session)
    found = sa.select(Receiver.area_id).where(standing_in(session, where)).distinct()
    return {spoken_in[area_id] for area_id in session.scalars(found)}


def words(session: Session, where: Where) -> str:
    """Where that is, as a sentence without its beginning: xã Mẫu, nhóm Trường học, trừ 2 đầu thu."""
    places = sa.select(Area).where(Area.id.in_(where.area_ids)).order_by(Area.id)
    groups = sa.select(Group.name).where(Group.id.in_(where.group_ids)).order_by(Group.name)
    named = [area.full_name for area in session.scalars(places)]
    named += [say("nhóm %(name)s", name=name) for name in session.scalars(groups)]
    if where.receiver_ids:
        named.append(counted("%(n)s đầu thu", len(where.receiver_ids)))
    if where.except_area_ids:
        apart = sa.select(Area).where(Area.id.in_(where.except_area_ids)).order_by(Area.id)
        named += [
            say("trừ %(name)s không nhận", name=area.full_name) for area in session.scalars(apart)
        ]
    return join(", ", [*named, *left_out(session, where.except_ids)])


def left_out(session: Session, except_ids: Iterable[str]) -> list[str]:
    """trừ Cột đình, or trừ 12 đầu thu; nothing where none is left out."""
    ids = list(except_ids)
    if not ids:
        return []
    if len(ids) > 3:
        return [say("trừ %(n)s đầu thu", n=len(ids))]
    found = sa.select(Receiver.name).where(Receiver.id.in_(ids)).order_by(Receiver.name)
    return [say("trừ %(names)s", names=", ".join(session.scalars(found)))]


def demand(session: Session, where: Where) -> None:
    """Raise ScheduleError where no receiver is meant, or one that is not there is left out."""
    if where.is_nowhere:
        raise ScheduleError(
            say("Hãy chọn ít nhất một địa bàn hoặc nhóm để phát."), field="area_ids"
        )
    known = set(session.scalars(sa.select(Area.id).where(Area.id.in_(where.area_ids))))
    if unknown := sorted(set(where.area_ids) - known):
        raise ScheduleError(
            say(
                "Không có địa bàn số %(id)s. Hãy tải lại danh sách địa bàn rồi chọn lại.",
                id=unknown[0],
            ),
            field="area_ids",
        )
    for group_id in where.group_ids:
        groups.get(session, group_id)
    for receiver_id in where.except_ids:
        if session.get(Receiver, receiver_id) is None:
            raise ScheduleError(
                say(
                    "Không có đầu thu mã “%(id)s” để trừ ra. Hãy xem lại mã đầu thu.",
                    id=receiver_id,
                ),
                field="except_ids",
            )
    if count(session, where):
        return
    if where.except_ids and count(session, replace(where, except_ids=())):
        raise ScheduleError(
            say(
                "Đã trừ hết các đầu thu của nơi được chọn nên không còn nơi nào phát. Hãy bớt trừ."
            ),
            field="except_ids",
        )
    raise ScheduleError(
        say("Địa bàn đã chọn chưa có đầu thu nào. Hãy chọn địa bàn khác hoặc thêm đầu thu."),
        field="area_ids",
    )
