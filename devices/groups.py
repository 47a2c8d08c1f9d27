"""Group (nhóm): receivers of any areas under one name, to be spoken to together."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices.receivers import Receiver, in_service
from loa import audit
from loa.database import Base
from loa.errors import DeviceError, NotFound
from loa.times import Instant
from loa.words import say


class Group(Base):
    """A name for some receivers. Who belongs to it when a broadcast is due, hears it."""

    __tablename__ = "receiver_groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(128), unique=True)
    added_at: Mapped[Instant]

    @property
    def called(self) -> str:
        """As it stands among areas: nhóm Trường học."""
        return say("nhóm %(name)s", name=self.name)


class Member(Base):
    """A receiver in a group."""

    __tablename__ = "group_members"

    group_id: Mapped[int] = mapped_column(sa.ForeignKey("receiver_groups.id"), primary_key=True)
    receiver_id: Mapped[str] = mapped_column(
        sa.ForeignKey("receivers.id"), primary_key=True, index=True
    )


def add(
    session: Session, name: str, receiver_ids: Iterable[str], *, now: Instant, by: str
) -> Group:
    """Make a group. Raises DeviceError naming the field."""
    group = Group(name=_free(session, name, None), added_at=now)
    session.add(group)
    session.flush()
    put_in(session, group, receiver_ids)
    audit.append(
        session, now, by, "group.add", group=group.id, name=group.name,
        receivers=member_ids(session, group.id),
    )  # fmt: skip
    return group


def change(
    session: Session, group: Group, name: str, receiver_ids: Iterable[str], *, now: Instant, by: str
) -> None:
    """Give it another name and just these receivers. Raises DeviceError naming the field."""
    group.name = _free(session, name, group.id)
    session.execute(sa.delete(Member).where(Member.group_id == group.id))
    session.expire_all()
    put_in(session, group, receiver_ids)
    audit.append(
        session, now, by, "group.change", group=group.id, name=group.name,
        receivers=member_ids(session, group.id),
    )  # fmt: skip


def put_in(session: Session, group: Group, receiver_ids: Iterable[str]) -> int:
    """Add receivers to a group; those in it already stay. Returns how many came. Raises NotFound."""
    wanted = set(receiver_ids)
    known = set(session.scalars(sa.select(Receiver.id).where(Receiver.id.in_(wanted))))
    if missing := sorted(wanted - known):
        raise NotFound(
            say("Không tìm thấy đầu thu “%(id)s”. Hãy tải lại danh sách đầu thu.", id=missing[0])
        )
    held = sa.select(Member.receiver_id).where(
        Member.group_id == group.id, Member.receiver_id.in_(wanted)
    )
    new = sorted(wanted - set(session.scalars(held)))
    session.add_all(Member(group_id=group.id, receiver_id=each) for each in new)
    session.flush()
    return len(new)


def add_members(
    session: Session, group: Group, receiver_ids: Iterable[str], *, now: Instant, by: str
) -> int:
    """As ``put_in``, for staff: noted in the audit log."""
    ids = sorted(set(receiver_ids))
    came = put_in(session, group, ids)
    audit.append(session, now, by, "group.members", group=group.id, name=group.name, receivers=ids)
    return came


def take_out(session: Session, group: Group, receiver_id: str, *, now: Instant, by: str) -> None:
    """Have a receiver leave a group."""
    session.execute(
        sa.delete(Member).where(Member.group_id == group.id, Member.receiver_id == receiver_id)
    )
    audit.append(
        session, now, by, "group.leave", group=group.id, name=group.name, receiver=receiver_id
    )


def remove(session: Session, group: Group, *, now: Instant, by: str) -> None:
    """Forget a group that no schedule speaks to (``scheduler.targets`` knows); its receivers stay."""
    session.execute(sa.delete(Member).where(Member.group_id == group.id))
    session.delete(group)
    session.flush()
    audit.append(session, now, by, "group.remove", group=group.id, name=group.name)


def follow(session: Session, old_id: str, new_id: str) -> None:
    """A receiver that takes the place of another is in its groups, too."""
    held = select_of(old_id)
    for group in session.scalars(held).all():
        put_in(session, group, [new_id])


def get(session: Session, group_id: int) -> Group:
    """That group. Raises NotFound."""
    group = session.get(Group, group_id)
    if group is None:
        raise NotFound(say("Không tìm thấy nhóm này. Hãy tải lại danh sách nhóm."))
    return group


def named(session: Session, name: str) -> Group | None:
    """The group of that name, whatever its capitals."""
    wanted = _clean(name).casefold()
    return next((group for group in listing(session) if group.name.casefold() == wanted), None)


def listing(session: Session) -> list[Group]:
    """All groups by name."""
    return list(session.scalars(sa.select(Group).order_by(Group.name)))


def select_of(receiver_id: str) -> sa.Select[Group]:
    """The groups a receiver is in, by name."""
    held = sa.select(Group).join(Member, Member.group_id == Group.id)
    return held.where(Member.receiver_id == receiver_id).order_by(Group.name)


def sizes(session: Session) -> dict[int, int]:
    """Group id → how many receivers it has that take part in broadcasts."""
    counted = (
        sa.select(Member.group_id, sa.func.count())
        .join(Receiver, Receiver.id == Member.receiver_id)
        .where(in_service())
        .group_by(Member.group_id)
    )
    return {one: number for one, number in session.execute(counted)}  # noqa: C416 - a Row is no pair to mypy


def member_ids(session: Session, group_id: int) -> list[str]:
    """Ids of the receivers in it."""
    found = sa.select(Member.receiver_id).where(Member.group_id == group_id)
    return sorted(session.scalars(found))


def ids_of(session: Session, receiver_ids: Collection[str]) -> dict[str, set[int]]:
    """Receiver id → the ids of its groups, for many at once."""
    found = sa.select(Member.receiver_id, Member.group_id).where(
        Member.receiver_id.in_(receiver_ids)
    )
    held: dict[str, set[int]] = {}
    for receiver_id, group_id in session.execute(found):
        held.setdefault(receiver_id, set()).add(group_id)
    return held


def names_of(session: Session, receiver_ids: Collection[str]) -> dict[str, list[str]]:
    """Receiver id → the names of its groups, for many at once."""
    found = (
        sa.select(Member.receiver_id, Group.name)
        .join(Group, Group.id == Member.group_id)
        .where(Member.receiver_id.in_(receiver_ids))
        .order_by(Group.name)
    )
    names: dict[str, list[str]] = {}
    for receiver_id, name in session.execute(found):
        names.setdefault(receiver_id, []).append(name)
    return names


def _clean(name: str) -> str:
    return " ".join(name.split())


def _free(session: Session, name: str, own: int | None) -> str:
    """The name as it is kept. Raises DeviceError when it is empty, too long or taken."""
    name = _clean(name)
    if not name:
        raise DeviceError(say("Hãy nhập tên nhóm, ví dụ: Các nhà văn hoá."), field="name")
    if len(name) > 80 or ";" in name:
        raise DeviceError(
            say(
                "Tên nhóm “%(name)s” cần không quá 80 ký tự và không có dấu chấm phẩy.",
                name=name[:80],
            ),
            field="name",
        )
    taken = named(session, name)
    if taken is not None and taken.id != own:
        raise DeviceError(
            say("Đã có nhóm “%(name)s”. Hãy dùng tên khác.", name=taken.name), field="name"
        )
    return name
