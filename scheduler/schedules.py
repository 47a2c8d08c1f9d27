"""Schedule (lịch phát): the rule that says when a bulletin is broadcast, and where."""

from __future__ import annotations

import enum
import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content.bulletins import Bulletin, Priority
from content.bulletins import State as BulletinState
from content.recordings import Recording
from devices import areas, receivers
from devices.areas import Area
from loa import audit
from loa.database import Base
from loa.errors import NotFound, ScheduleError
from loa.languages import KINH
from loa.staff import May, Staff
from loa.times import DAY, SECOND, Instant, after, local
from loa.times import at as instant_at
from scheduler import regulation

LOOK_AHEAD_DAYS = 366
"""How far a new schedule is checked against the quiet hours."""
ALL_PLANNED = Instant(2**53)
"""``planned_until`` of a schedule that has no occurrence left."""
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
    """Every occurrence before this instant has its broadcast."""

    bulletin: Mapped[Bulletin] = relationship(lazy="joined", innerjoin=True)
    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)
    targets: Mapped[list[ScheduleArea]] = relationship(
        lazy="selectin", cascade="all, delete-orphan"
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
    )  # fmt: skip
    session.add(schedule)
    session.flush()
    audit.append(
        session, now, staff.login, "schedule.add", schedule=schedule.id, bulletin=bulletin.id,
        kind=rule.kind, at=str(rule.at), start=str(rule.start_date), end=str(schedule.end_date),
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
    )
    return add(session, bulletin, staff, rule, now=now, zone=zone, is_now=True)


def end(session: Session, schedule: Schedule, staff: Staff, now: Instant) -> None:
    """End a schedule: broadcasts not yet begun are cancelled by the planner; what sounds goes on."""
    staff.demand(May.SCHEDULE)
    if schedule.ended_at is None:
        schedule.ended_at = now
        audit.append(session, now, staff.login, "schedule.end", schedule=schedule.id)


def end_all_of(
    session: Session, bulletin_id: int, staff: Staff, now: Instant, zone: ZoneInfo
) -> list[Schedule]:
    """End the schedules of a bulletin that was withdrawn; those that were running."""
    ended = running(session, [bulletin_id], now, zone)
    for schedule in ended:
        schedule.ended_at = now
        audit.append(session, now, staff.login, "schedule.end", schedule=schedule.id)
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


def unplanned(session: Session, until: Instant) -> list[Schedule]:
    """Schedules in force whose occurrences before ``until`` are not all broadcasts yet."""
    return list(
        session.scalars(
            sa.select(Schedule).where(Schedule.ended_at.is_(None), Schedule.planned_until < until)
        )
    )


def length_ms(session: Session, bulletin: Bulletin, area_ids: Collection[int]) -> int:
    """How long the bulletin sounds in these areas, in the longest of their languages; 0 while it has no sound."""
    spoken_in = areas.spoken_in(session)
    heard = {spoken_in[receiver.area_id] for receiver in receivers.in_areas(session, area_ids)}
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
    if not rule.area_ids:
        raise ScheduleError("Hãy chọn ít nhất một địa bàn để phát.", field="area_ids")
    if not receivers.in_areas(session, rule.area_ids):
        raise ScheduleError(
            "Địa bàn đã chọn chưa có đầu thu nào. Hãy chọn địa bàn khác hoặc thêm đầu thu.",
            field="area_ids",
        )
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
    length = max(length_ms(session, bulletin, rule.area_ids), 1)
    for moment in moments:
        regulation.demand_allowed(quiet, moment, after(moment, length), zone, emergency=emergency)


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
