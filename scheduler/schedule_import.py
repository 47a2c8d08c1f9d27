"""Schedules brought from a file: what each line would come to is told first, and done once that is confirmed.

Each line goes through the very doors of the form (``schedules.demand_may``, ``schedule_checks.demand``), with the lines
above it counted. Looking takes a while and only reads; what was let through is then stored at once, unless something
that it was held against has changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from content.bulletins import State as BulletinState
from loa import audit
from loa.audit import AuditEntry
from loa.errors import LoaError, NotAllowed, ScheduleError
from loa.staff import Staff
from loa.times import DAY, MINUTE, Instant, after, local
from loa.words import join, say
from scheduler import (
    context,
    exceptions,
    recurrence,
    schedule_checks,
    schedule_rows,
    schedules,
    series,
)
from scheduler import targets as targets_of
from scheduler.admission import ReasonNeeded
from scheduler.bulletin_names import BulletinNames
from scheduler.exceptions import Kind as OddKind
from scheduler.exceptions import Otherwise, ScheduleException
from scheduler.place_names import PlaceNames
from scheduler.schedule_lines import Coming, Line, Plan, State
from scheduler.schedule_rows import Odd, Unread, Wish
from scheduler.schedule_tables import Schedule
from scheduler.series import Kind, Rule
from scheduler.sources import Rules
from scheduler.targets import Where

MATTERS = ("schedule.", "exception.", "programme.", "regulation.", "day.", "area.", "group.", "bulletin.withdraw",
           "bulletin.edit", "bulletin.reject", "receiver.add", "receiver.retire", "receiver.change",
           "staff.")  # fmt: skip
"""Acts after which a line may no longer be let through as it was."""
FAR = timedelta(days=20 * 366)
Key = tuple[object, ...]


def look_at(
    session: Session,
    staff: Staff,
    wishes: Sequence[Wish | Unread],
    *,
    now: Instant,
    zone: ZoneInfo,
    waived_why: str = "",
) -> Plan:
    """What the lines would do; ``waived_why``: for those that need a reason and have none. Raises NotAllowed."""
    plan = Plan(head=audit.checkpoint(session)[0])
    looking = _Looking(session, staff, now, zone, waived_why)
    for each in wishes:
        if isinstance(each, Unread):
            line = Line(number=each.line, title=each.title, state=State.REFUSED, why=each.why)
        else:
            line = looking.line(each)
        plan.lines.append(line)
    return plan


def holds(session: Session, plan: Plan) -> bool:
    """Whether nothing that the lines were held against has changed since they were looked at."""
    begins = (AuditEntry.kind.startswith(each, autoescape=True) for each in MATTERS)
    found = sa.select(AuditEntry.n).where(AuditEntry.n > plan.head, sa.or_(*begins))
    return session.scalar(found.limit(1)) is None


def bring_in(session: Session, plan: Plan, staff: Staff, *, now: Instant) -> list[Schedule]:
    """Store all lines that were let through, of a plan that ``holds`` in this transaction."""
    made = []
    for line in plan.new:
        coming = line.coming
        if coming is None:  # pragma: no cover - a new line has one
            continue
        bulletin = session.get_one(Bulletin, coming.bulletin.id)
        schedule = schedules.keep(
            session, bulletin, staff, coming.asked, list(line.waived), now, waived_why=line.waived_why
        )  # fmt: skip
        for each in coming.exceptions:
            exceptions.add(session, schedule, "schedule_id", staff, _otherwise(each), now)
        made.append(schedule)
    return made


def _otherwise(exception: ScheduleException) -> Otherwise:
    return Otherwise(
        day=exception.day, kind=exception.kind, to_day=exception.to_day, to_time=exception.to_time,
        bulletin_id=exception.bulletin_id, reason=exception.reason,
    )  # fmt: skip


# -- looking --------------------------------------------------------------------------------------


class _Looking:
    """Lines held against the station and against those above them."""

    def __init__(
        self, session: Session, staff: Staff, now: Instant, zone: ZoneInfo, why: str
    ) -> None:
        self._session, self._staff, self._now, self._zone, self._why = (
            session,
            staff,
            now,
            zone,
            why,
        )
        self._today = local(now, zone).date()
        self._bulletins, self._places = BulletinNames(session), PlaceNames(session)
        found = context.read(session, Rules(zone, 0, 0))
        self._otherwise = dict(found.exceptions)
        self._context = replace(found, exceptions=self._otherwise)
        self._let_through: list[Coming] = []
        stored = _stored(session)
        self._known: dict[Key, str] = {
            self._key(each.bulletin_id, each): say(
                "Đài đã có lịch này (lịch số %(id)s).", id=each.id
            )
            for each in stored
        }
        self._uids = {f"{each.uid}@loa": each.id for each in stored}

    def line(self, wish: Wish) -> Line:
        """What becomes of one. Raises NotAllowed."""
        try:
            return self._judged(wish, self._coming(wish))
        except NotAllowed:
            raise
        except LoaError as error:
            return Line(number=wish.line, title=wish.title, state=State.REFUSED, why=error.sentence)

    def _judged(self, wish: Wish, coming: Coming) -> Line:
        key = self._key(coming.bulletin.id, coming)
        if key in self._known:
            return self._told(wish, coming, State.SAME, why=self._known[key])
        self._demand_new(wish)
        why = wish.why or self._why
        try:
            waived = self._let(coming, why)
        except ReasonNeeded as error:
            told = join(" ", [each.sentence for each in error.findings])
            return self._told(wish, coming, State.NEEDS_REASON, why=told)
        self._known[key] = say("Lịch này đã có ở dòng %(line)s.", line=wish.line)
        self._let_through.append(coming)
        self._otherwise[("schedule_id", coming.id)] = coming.exceptions
        kept = why if waived else ""
        return self._told(wish, coming, State.NEW, waived=tuple(waived), waived_why=kept)

    def _let(self, coming: Coming, why: str) -> list[str]:
        """The doors every schedule comes through."""
        schedule_checks.demand_ordinary(coming.bulletin)
        schedules.demand_may(self._session, self._staff, coming.asked)
        return schedule_checks.demand(
            self._session, coming.bulletin, coming.asked, self._now, self._zone, waived_why=why,
            of=coming, also=self._let_through, known=self._context,
        )  # fmt: skip

    def _told(self, wish: Wish, coming: Coming, state: State, **more: object) -> Line:
        where = coming.where
        return Line(
            number=wish.line, title=coming.bulletin.title, state=state, coming=coming,
            places=targets_of.words(self._session, where), receivers=targets_of.count(self._session, where),
            first=self._first(coming), **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def _first(self, coming: Coming) -> Instant | None:
        for glance in schedules.GLANCES:
            until = after(self._now, glance * DAY)
            ahead = series.occasions(
                coming, self._now, until, self._zone, coming.exceptions, self._context
            )
            for each in ahead:
                if each.is_heard:
                    return each.at
        return None

    def _demand_new(self, wish: Wish) -> None:
        """Raise ScheduleError for an event of ours that somebody has changed in their calendar."""
        if wish.uid in self._uids:
            raise ScheduleError(
                say(
                    "Đài đang có lịch số %(id)s với giờ, ngày hoặc nơi phát khác. "
                    "Nhập tệp chỉ thêm lịch mới; hãy sửa lịch đó ở trang của nó.",
                    id=self._uids[wish.uid],
                )
            )

    def _key(self, bulletin_id: int, found: series.Series) -> Key:
        """What two lines that ask for the same have in common: from today on, whenever each began."""
        first = max(found.start_date, self._today) if found.rule else found.start_date
        days = recurrence.dates(found.rule, found.start_date, found.end_date, first, first + FAR)
        where: Where = found.where  # type: ignore[attr-defined]
        placed = (sorted(where.area_ids), sorted(where.group_ids), sorted(where.except_ids))
        return (
            bulletin_id, found.at, found.rule, next(days, None), found.end_date if found.rule else None, str(placed),
        )  # fmt: skip

    # -- from words to what is meant --------------------------------------------------------------

    def _coming(self, wish: Wish) -> Coming:
        """Raises LoaError where something it names is not there."""
        bulletin = self._bulletins.find(wish.title, wish.bulletin_id)
        for day in (wish.start, wish.end):
            schedule_rows.demand_near(day, self._today)
        where = self._places.where(wish.places, self._staff.area_id)
        kind = series.kind_of(wish.recurs)
        rule = Rule(
            kind=kind, at=wish.at, start_date=wish.start or self._today, end_date=wish.end,
            weekdays=recurrence.parse(wish.recurs).weekdays if kind is Kind.WEEKDAYS else (),
            recurs=wish.recurs if kind is Kind.OTHER else "", skips=wish.skips,
            minutes=self._minutes(wish, bulletin), resumes=wish.resumes, area_ids=where.area_ids,
            group_ids=where.group_ids, except_ids=where.except_ids,
        )  # fmt: skip
        coming = Coming(-wish.line, bulletin, self._staff, rule)
        return Coming(-wish.line, bulletin, self._staff, rule, self._exceptions(coming, wish.odd))

    def _minutes(self, wish: Wish, bulletin: Bulletin) -> int:
        """What was said; else, of a relay, how long the calendar's event takes."""
        if wish.minutes or bulletin.relay is None or wish.lasts_ms in (0, bulletin.relay.ms):
            return wish.minutes
        return max(1, round(wish.lasts_ms / MINUTE))

    def _exceptions(self, coming: Coming, odd: Sequence[Odd]) -> list[ScheduleException]:
        """Those that still have an effect; days on which the series is silent all the same need none."""
        silent: set[date] = set()
        if odd and coming.skips:
            ahead = schedule_checks.coming(
                self._session, coming.asked, self._now, self._zone, known=self._context
            )
            silent = {each.day for each in ahead if not each.is_heard}
        return [
            self._exception(coming, each)
            for each in odd
            if max(each.day, each.to_day or each.day) >= self._today and series.has_day(coming, each.day)
            if not (each.kind is OddKind.SKIP and each.day in silent)
        ]  # fmt: skip

    def _exception(self, coming: Coming, odd: Odd) -> ScheduleException:
        made = ScheduleException(
            id=0, day=odd.day, kind=odd.kind, to_day=odd.to_day, to_time=odd.to_time,
            staff=self._staff, staff_id=self._staff.id, reason="theo tệp lịch được nhập",
        )  # fmt: skip
        if odd.kind is OddKind.MOVE:
            day = odd.to_day or odd.day
            schedule_checks.demand_valid(coming.bulletin, day, day, "to_day")
        if odd.kind is OddKind.REPLACE:
            made.bulletin = self._bulletins.find(odd.title)
            made.bulletin_id = made.bulletin.id
            schedule_checks.demand_ordinary(made.bulletin)
            schedule_checks.demand_said(made.bulletin)
            schedule_checks.demand_valid(made.bulletin, odd.day, odd.day, "bulletin")
        return made


def _stored(session: Session) -> list[Schedule]:
    """Schedules that were not ended, but for what was broadcast at once."""
    found = sa.select(Schedule).where(Schedule.ended_at.is_(None), Schedule.is_now.is_(False))
    return [
        each for each in session.scalars(found.order_by(Schedule.id))
        if each.bulletin.state is not BulletinState.WITHDRAWN
    ]  # fmt: skip
