"""Schedule (lịch phát): the rule that says when a bulletin is broadcast, and where."""

from __future__ import annotations

import enum
import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content.bulletins import Bulletin, Priority
from content.bulletins import State as BulletinState
from content.recordings import Recording
from devices import groups, remote
from devices.areas import Area
from devices.groups import Group
from devices.receivers import Receiver
from loa import audit
from loa.database import Base, Json
from loa.errors import NotFound, ScheduleError
from loa.languages import KINH
from loa.staff import May, Staff
from loa.times import DAY, SECOND, Instant, after, local
from loa.times import at as instant_at
from scheduler import regulation, targets
from scheduler.context import Context
from scheduler.sources import ALL_PLANNED, Wanted, WhyNot
from scheduler.sources import Kind as SourceKind
from scheduler.targets import Where

KIND = SourceKind("schedule_id", WhyNot("schedule_ended", "Lịch phát đã kết thúc."))

LOOK_AHEAD_DAYS = 366
"""How far a new schedule is checked against the quiet hours."""
NOW_LEAD = 6 * SECOND
"""Between "Phát ngay" and the sound: time for the plan to reach the receivers and for the sound to be decoded."""


class Kind(enum.StrEnum):
    ONCE = "once"
    DAILY = "daily"
    WEEKDAYS = "weekdays"


class ScheduleArea(Base):
    """A schedule is heard in this area and in all below it."""

    __tablename__ = "schedule_areas"

    schedule_id: Mapped[int] = mapped_column(sa.ForeignKey("schedules.id"), primary_key=True)
    area_id: Mapped[int] = mapped_column(sa.ForeignKey("areas.id"), primary_key=True)

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)


class ScheduleGroup(Base):
    """A schedule is heard by this group."""

    __tablename__ = "schedule_groups"

    schedule_id: Mapped[int] = mapped_column(sa.ForeignKey("schedules.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(
        sa.ForeignKey("receiver_groups.id"), primary_key=True, index=True
    )

    group: Mapped[Group] = relationship(lazy="joined", innerjoin=True)


class ScheduleExcept(Base):
    """A schedule is not heard by this receiver, wherever it stands."""

    __tablename__ = "schedule_excepts"

    schedule_id: Mapped[int] = mapped_column(sa.ForeignKey("schedules.id"), primary_key=True)
    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"), primary_key=True)


class Schedule(Base):
    """When and where one bulletin is broadcast."""

    __tablename__ = "schedules"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(sa.String(16), unique=True)
    """Random: names occurrences on the receivers, and is never used again even after a restore."""
    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("bulletins.id"), index=True)
    kind: Mapped[Kind] = mapped_column(
        sa.Enum(Kind, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e])
    )
    at: Mapped[time]
    """Wall clock in the station's zone."""
    weekdays: Mapped[int] = mapped_column(default=0)
    """Bit 0 is Monday; only for kind weekdays."""
    rule: Mapped[str] = mapped_column(sa.Text, default="")
    """On which days, as scheduler.recurrence reads it."""
    skips: Mapped[list[str]] = mapped_column(Json, default=list)
    """Keys of the kinds of day on which it is not heard."""
    minutes: Mapped[int] = mapped_column(default=0)
    """How long a relay is heard; 0 as its bulletin says."""
    resumes: Mapped[bool] = mapped_column(default=False)
    """Begins again after an interruption."""
    waived: Mapped[list[str]] = mapped_column(Json, default=list)
    """Rules of the regulation an officer let it break, and why."""
    waived_why: Mapped[str] = mapped_column(sa.Text, default="")
    start_date: Mapped[date]
    end_date: Mapped[date | None]
    """Last day; None goes on until ended by staff."""
    is_now: Mapped[bool] = mapped_column(default=False)
    """Made by "Phát ngay"."""
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    created_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    """When staff ended it: nothing of it is planned any more."""
    planned_until: Mapped[Instant]
    """Every occurrence before this instant has its broadcast; put back to make the planner think again."""

    bulletin: Mapped[Bulletin] = relationship(lazy="joined", innerjoin=True)
    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)
    targets: Mapped[list[ScheduleArea]] = relationship(
        lazy="selectin", cascade="all, delete-orphan"
    )
    groups: Mapped[list[ScheduleGroup]] = relationship(
        lazy="selectin", cascade="all, delete-orphan"
    )
    excepts: Mapped[list[ScheduleExcept]] = relationship(
        lazy="selectin", cascade="all, delete-orphan"
    )

    @property
    def where(self) -> Where:
        """Where it is to be heard."""
        return Where(
            tuple(each.area_id for each in self.targets),
            tuple(each.group_id for each in self.groups),
            tuple(each.receiver_id for each in self.excepts),
        )

    @property
    def days(self) -> tuple[int, ...]:
        """Weekdays chosen, 0 = Monday."""
        return tuple(day for day in range(7) if self.weekdays >> day & 1)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a person fills in."""

    kind: Kind
    at: time
    start_date: date
    end_date: date | None = None
    weekdays: tuple[int, ...] = ()
    area_ids: tuple[int, ...] = ()
    group_ids: tuple[int, ...] = ()
    except_ids: tuple[str, ...] = ()

    @property
    def where(self) -> Where:
        """Where it is to be heard."""
        return Where(self.area_ids, self.group_ids, self.except_ids)


def occurrences(
    schedule: Schedule | Rule, since: Instant, until: Instant, zone: ZoneInfo
) -> Iterator[Instant]:
    """The instants in [since, until) at which the schedule starts. Pure; by the wall clock of ``zone``.

    A time that a zone's spring gap skips does not occur that day; of an hour that comes twice in autumn, the
    first is meant.
    """
    day = max(schedule.start_date, local(since, zone).date())
    last = local(until, zone).date()
    if schedule.end_date is not None:
        last = min(last, schedule.end_date)
    if schedule.kind is Kind.ONCE:
        last = min(last, schedule.start_date)
    days = schedule.days if isinstance(schedule, Schedule) else schedule.weekdays
    while day <= last:
        if schedule.kind is not Kind.WEEKDAYS or day.weekday() in days:
            moment = instant_at(day, schedule.at, zone)
            if moment is not None and since <= moment < until:
                yield moment
        day += timedelta(days=1)


def add(
    session: Session,
    bulletin: Bulletin,
    staff: Staff,
    rule: Rule,
    *,
    now: Instant,
    zone: ZoneInfo,
    is_now: bool = False,
) -> Schedule:
    """Schedule a bulletin. Raises ScheduleError naming the field or the rule it breaks."""
    staff.demand(May.SCHEDULE)
    _check(session, bulletin, rule, now, zone)
    schedule = Schedule(
        uid=secrets.token_hex(6), bulletin_id=bulletin.id, kind=rule.kind, at=rule.at,
        weekdays=sum(1 << day for day in set(rule.weekdays)) if rule.kind is Kind.WEEKDAYS else 0,
        start_date=rule.start_date, end_date=rule.start_date if rule.kind is Kind.ONCE else rule.end_date,
        is_now=is_now, staff_id=staff.id, created_at=now, planned_until=now,
        targets=[ScheduleArea(area_id=area_id) for area_id in sorted(set(rule.area_ids))],
        groups=[ScheduleGroup(group_id=group_id) for group_id in sorted(set(rule.group_ids))],
        excepts=[ScheduleExcept(receiver_id=each) for each in sorted(set(rule.except_ids))],
    )  # fmt: skip
    session.add(schedule)
    session.flush()
    audit.append(
        session, now, staff.login, "schedule.add", schedule=schedule.id, bulletin=bulletin.id,
        kind=rule.kind, at=str(rule.at), start=str(rule.start_date), end=str(schedule.end_date),
        groups=sorted(rule.group_ids), excepts=sorted(rule.except_ids),
    )  # fmt: skip
    return schedule


def broadcast_now(
    session: Session,
    bulletin: Bulletin,
    staff: Staff,
    area_ids: Sequence[int],
    *,
    now: Instant,
    zone: ZoneInfo,
    group_ids: Sequence[int] = (),
    except_ids: Sequence[str] = (),
) -> Schedule:
    """ "Phát ngay": a schedule of one occurrence a few seconds ahead, on the same path as any other."""
    if bulletin.state is not BulletinState.APPROVED:
        raise ScheduleError(
            "Chỉ phát ngay được bản tin đã duyệt. Hãy nhờ người duyệt nghe và duyệt trước."
        )
    moment = local(after(now, NOW_LEAD), zone)
    rule = Rule(
        kind=Kind.ONCE,
        at=moment.time().replace(tzinfo=None),
        start_date=moment.date(),
        area_ids=tuple(area_ids),
        group_ids=tuple(group_ids),
        except_ids=tuple(except_ids),
    )
    return add(session, bulletin, staff, rule, now=now, zone=zone, is_now=True)


def end(session: Session, schedule: Schedule, staff: Staff, now: Instant) -> None:
    """End a schedule: broadcasts not yet begun are cancelled by the planner; what sounds goes on."""
    staff.demand(May.SCHEDULE)
    if schedule.ended_at is None:
        _end(session, schedule, staff, now)


def _end(session: Session, schedule: Schedule, staff: Staff, now: Instant) -> None:
    schedule.ended_at = schedule.planned_until = now
    audit.append(session, now, staff.login, "schedule.end", schedule=schedule.id)


def end_all_of(
    session: Session, bulletin_id: int, staff: Staff, now: Instant, zone: ZoneInfo
) -> list[Schedule]:
    """End the schedules of a bulletin that was withdrawn; those that were running."""
    ended = running(session, [bulletin_id], now, zone)
    for schedule in ended:
        _end(session, schedule, staff, now)
    return ended


def running(
    session: Session, bulletin_ids: Collection[int], now: Instant, zone: ZoneInfo
) -> list[Schedule]:
    """Schedules of these bulletins that have a broadcast ahead, oldest first."""
    today = local(now, zone).date()
    found = sa.select(Schedule).where(
        Schedule.bulletin_id.in_(bulletin_ids),
        Schedule.ended_at.is_(None),
        sa.or_(Schedule.end_date.is_(None), Schedule.end_date >= today),
    )
    rows = session.scalars(found.order_by(Schedule.id))
    return [schedule for schedule in rows if next_of(schedule, now, zone) is not None]


def next_of(schedule: Schedule, now: Instant, zone: ZoneInfo) -> Instant | None:
    """When the rule sounds next; None when it is over."""
    if schedule.ended_at is not None or schedule.bulletin.state is BulletinState.WITHDRAWN:
        return None
    ahead = after(now, LOOK_AHEAD_DAYS * DAY)
    return next(occurrences(schedule, now, ahead, zone), None)


def get(session: Session, schedule_id: int) -> Schedule:
    """That schedule. Raises NotFound."""
    schedule = session.get(Schedule, schedule_id)
    if schedule is None:
        raise NotFound(
            "Không tìm thấy lịch phát này. Có thể đường dẫn đã sai; hãy quay lại danh sách."
        )
    return schedule


def listing(
    session: Session, *, bulletin_id: int | None = None, limit: int = 200
) -> list[Schedule]:
    """Schedules, those still running first, then the newest."""
    is_over = sa.or_(Schedule.ended_at.is_not(None), Schedule.planned_until == ALL_PLANNED)
    found = sa.select(Schedule).order_by(is_over, Schedule.id.desc()).limit(limit)
    if bulletin_id is not None:
        found = found.where(Schedule.bulletin_id == bulletin_id)
    return list(session.scalars(found))


def speaking_to(session: Session, group_id: int, now: Instant, zone: ZoneInfo) -> list[Schedule]:
    """Schedules with a broadcast ahead that this group is to hear."""
    today = local(now, zone).date()
    found = (
        sa.select(Schedule)
        .join(ScheduleGroup, ScheduleGroup.schedule_id == Schedule.id)
        .where(ScheduleGroup.group_id == group_id, Schedule.ended_at.is_(None))
        .where(sa.or_(Schedule.end_date.is_(None), Schedule.end_date >= today))
    )
    rows = session.scalars(found.order_by(Schedule.id))
    return [schedule for schedule in rows if next_of(schedule, now, zone) is not None]


def forget_group(session: Session, group_id: int) -> None:
    """Schedules that are over no longer name the group, so that it can go; their broadcasts keep what they were."""
    session.execute(sa.delete(ScheduleGroup).where(ScheduleGroup.group_id == group_id))


def unplanned(session: Session, until: Instant) -> Sequence[Schedule]:
    """Schedules whose occurrences before ``until`` are not all broadcasts yet, or that have changed since."""
    found = sa.select(Schedule).where(Schedule.planned_until < until)
    return list(session.scalars(found.order_by(Schedule.id)))


def wanted(source: Schedule, since: Instant, until: Instant, context: Context) -> Sequence[Wanted]:
    """What a schedule wants in [since, until)."""
    return [
        Wanted(
            starts_at=moment, bulletin=source.bulletin, where=source.where, origin="",
            by=source.staff.name, by_area_id=source.staff.area_id, resumes=source.resumes,
        )
        for moment in occurrences(source, since, until, context.rules.zone)
    ]  # fmt: skip


def is_over(schedule: Schedule, until: Instant, zone: ZoneInfo) -> bool:
    """Whether nothing of it comes at ``until`` or later."""
    return schedule.end_date is not None and schedule.end_date < local(until, zone).date()


def length_ms(session: Session, bulletin: Bulletin, where: Where) -> int:
    """How long the bulletin sounds there, in the longest of the languages; 0 while it has no sound."""
    heard = targets.languages_of(session, where)
    own = bulletin.sounds.get(KINH)
    shas = {bulletin.sounds.get(language, own) for language in heard or {KINH}}
    return (
        session.scalar(sa.select(sa.func.max(Recording.ms)).where(Recording.sha256.in_(shas))) or 0
    )


def _check(session: Session, bulletin: Bulletin, rule: Rule, now: Instant, zone: ZoneInfo) -> None:
    if bulletin.state in (BulletinState.WITHDRAWN, BulletinState.REJECTED):
        raise ScheduleError(
            "Bản tin này đã bị thu hồi hoặc trả lại nên không đặt lịch được.", field="bulletin"
        )
    _check_where(session, rule.where)
    if rule.kind is Kind.WEEKDAYS and not rule.weekdays:
        raise ScheduleError("Hãy chọn ít nhất một thứ trong tuần.", field="weekdays")
    if rule.end_date is not None and rule.end_date < rule.start_date:
        raise ScheduleError("Ngày kết thúc đứng trước ngày bắt đầu.", field="end_date")
    _check_validity(bulletin, rule)
    moments = list(occurrences(rule, now, after(now, LOOK_AHEAD_DAYS * DAY), zone))
    if not moments:
        raise ScheduleError(
            "Không còn lượt phát nào ở phía trước: giờ đã qua hoặc ngày không khớp. Hãy chọn lại ngày giờ.",
            field="at",
        )
    quiet = regulation.quiet_at(session, now)
    emergency = bulletin.priority is Priority.EMERGENCY
    length = max(length_ms(session, bulletin, rule.where), 1) + remote.MOST_DELAY
    for moment in moments:
        regulation.demand_allowed(quiet, moment, after(moment, length), zone, emergency=emergency)


def _check_where(session: Session, where: Where) -> None:
    if where.is_nowhere:
        raise ScheduleError("Hãy chọn ít nhất một địa bàn hoặc nhóm để phát.", field="area_ids")
    for group_id in where.group_ids:
        groups.get(session, group_id)
    for receiver_id in where.except_ids:
        if session.get(Receiver, receiver_id) is None:
            raise ScheduleError(
                f"Không có đầu thu mã “{receiver_id}” để trừ ra. Hãy xem lại mã đầu thu.",
                field="except_ids",
            )
    if targets.count(session, where):
        return
    if where.except_ids and targets.count(session, replace(where, except_ids=())):
        raise ScheduleError(
            "Đã trừ hết các đầu thu của nơi được chọn nên không còn nơi nào phát. Hãy bớt trừ.",
            field="except_ids",
        )
    raise ScheduleError(
        "Địa bàn đã chọn chưa có đầu thu nào. Hãy chọn địa bàn khác hoặc thêm đầu thu.",
        field="area_ids",
    )


def _check_validity(bulletin: Bulletin, rule: Rule) -> None:
    if bulletin.valid_from and rule.start_date < bulletin.valid_from:
        raise ScheduleError(
            f"Bản tin chỉ có hiệu lực từ {bulletin.valid_from:%d/%m/%Y}. Hãy chọn ngày bắt đầu từ hôm đó.",
            field="start_date",
        )
    last = rule.start_date if rule.kind is Kind.ONCE else rule.end_date
    if bulletin.valid_until and (last is None or last > bulletin.valid_until):
        field = "start_date" if rule.kind is Kind.ONCE else "end_date"
        raise ScheduleError(
            f"Bản tin hết hiệu lực sau ngày {bulletin.valid_until:%d/%m/%Y}. Hãy chọn ngày kết thúc không muộn hơn.",
            field=field,
        )


def follow(session: Session, old_id: str, new_id: str, now: Instant) -> None:
    """A receiver in the place of another is left out wherever that one was."""
    left_out = sa.select(ScheduleExcept.schedule_id).where(ScheduleExcept.receiver_id == old_id)
    for schedule_id in session.scalars(left_out).all():
        session.merge(ScheduleExcept(schedule_id=schedule_id, receiver_id=new_id))
    session.flush()
    named = sa.select(ScheduleExcept.schedule_id).where(ScheduleExcept.receiver_id == new_id)
    live = sa.and_(Schedule.id.in_(named), Schedule.planned_until < ALL_PLANNED)
    session.execute(sa.update(Schedule).where(live).values(planned_until=now))
