"""What an officer of an area does with what comes from above: decline it, put it in order, take that back.

A receiver keeps to class and start and nothing else, so whoever gives way is not heard at its own time where both are
meant. It may be heard right after the first instead: then it is scheduled anew for the area, through the one gate of
all schedules; where that is refused (its session is over, the day is full), it is dropped there, and the log says so.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Priority
from devices import areas
from devices.receivers import Receiver
from loa import audit
from loa.errors import NotAllowed, NotFound, ScheduleError
from loa.staff import May, Staff
from loa.times import MINUTE, SECOND, Instant, after, local
from loa.words import say
from scheduler import broadcasts, context, declining, levels, schedules, sittings, targets
from scheduler.broadcasts import Broadcast
from scheduler.levels import AreaDecision, Said
from scheduler.schedules import Kind, Rule, Schedule
from scheduler.sources import Rules
from scheduler.targets import Where

MOST_REASON = 300
PAUSE = 3 * SECOND
"""Between the end of the first and the start of who gave way to it."""


class Ordered(NamedTuple):
    """What came of an order."""

    decision: AreaDecision
    schedule: Schedule | None
    """By which the other is heard after all."""
    refusal: str
    """Why it is not; empty where it is, or where nobody asked for it."""


def own_area(staff: Staff) -> int:
    """The area for which the person decides. Raises NotAllowed for one of the whole station."""
    staff.demand(May.SCHEDULE)
    if staff.area_id is None:
        raise NotAllowed(
            say(
                "%(name)s làm việc cho cả đài: không có cấp trên nào trong đài để từ chối hay xếp thứ tự. "
                "Muốn bỏ một lượt, hãy sửa lịch của lượt đó.",
                name=staff.name,
            )
        )
    return staff.area_id


def is_above(session: Session, by_area_id: int | None, area_id: int) -> bool:
    """Whether what somebody of that area (None: of the whole station) set comes from above to the other."""
    return by_area_id is None or by_area_id in levels.line(session, area_id)[1:]


def heard_in(session: Session, where: Where, area_id: int) -> set[str]:
    """The receivers of the area that are meant."""
    inside = areas.with_descendants(session, [area_id])
    found = sa.select(Receiver.id).where(
        targets.standing_in(session, where), Receiver.area_id.in_(inside)
    )
    return set(session.scalars(found))


# -- declining ------------------------------------------------------------------------------------


def decline(
    session: Session, broadcast: Broadcast, staff: Staff, reason: str, now: Instant
) -> AreaDecision:
    """Have the person's area not hear it. Raises ScheduleError where that is too late, or may not be."""
    area_id = own_area(staff)
    _demand_from_above(session, broadcast, area_id)
    _demand_ahead(broadcast, now)
    _demand_normal(session, broadcast)
    reason = _reason(reason)
    for before in _standing(session, area_id, broadcast.id):
        return before
    made = AreaDecision(
        area_id=area_id, broadcast_id=broadcast.id, said=Said.DECLINED, reason=reason,
        staff_id=staff.id, at=now,
    )  # fmt: skip
    return _keep(session, made, staff, "level.decline", now)


def _demand_from_above(session: Session, broadcast: Broadcast, area_id: int) -> None:
    reaches = heard_in(session, broadcast.where, area_id)
    if not reaches or not is_above(session, broadcast.by_area_id, area_id):
        raise NotFound(
            say(
                "Lượt phát này không phải từ cấp trên tới địa bàn của bạn. Hãy tải lại trang Cấp trên."
            )
        )


def _demand_normal(session: Session, broadcast: Broadcast) -> None:
    priority = bulletins.get(session, broadcast.bulletin_id).priority
    if priority is Priority.EMERGENCY:
        raise ScheduleError(say("Lượt khẩn cấp từ cấp trên phát ngay, địa bàn không từ chối được."))
    if priority is Priority.PRIORITY:
        raise ScheduleError(
            say(
                "Lượt ưu tiên từ cấp trên không từ chối được. Khi nó trùng giờ với lượt ưu tiên của địa bàn, "
                "cán bộ chọn lượt nào phát trước."
            )
        )


def _demand_ahead(broadcast: Broadcast, now: Instant) -> None:
    is_over = broadcast.state in broadcasts.OVER and broadcast.reason != declining.NOBODY
    if broadcast.starts_at <= now or broadcast.stop_requested_at is not None or is_over:
        raise ScheduleError(
            say("Lượt này đã đến giờ phát hoặc không còn phát nên không đổi được nữa.")
        )


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise ScheduleError(
            say("Hãy ghi lý do không nhận, để cấp trên biết: ví dụ trùng lễ hội của xã."),
            field="reason",
        )
    return _short(reason)


def _short(reason: str) -> str:
    if len(reason) > MOST_REASON:
        raise ScheduleError(
            say(
                "Lý do dài %(n)s chữ; hãy viết gọn trong %(most)s chữ.",
                n=len(reason),
                most=MOST_REASON,
            ),
            field="reason",
        )
    return reason


def _standing(session: Session, area_id: int, broadcast_id: int) -> list[AreaDecision]:
    """What the area said of it alone and has not taken back."""
    found = sa.select(AreaDecision).where(
        AreaDecision.area_id == area_id, AreaDecision.broadcast_id == broadcast_id,
        AreaDecision.said == Said.DECLINED, AreaDecision.withdrawn_at.is_(None),
    )  # fmt: skip
    return list(session.scalars(found))


# -- the order of two -----------------------------------------------------------------------------


def put_first(
    session: Session,
    first: Broadcast,
    other: Broadcast,
    staff: Staff,
    *,
    now: Instant,
    zone: ZoneInfo,
    again: bool = True,
    reason: str = "",
) -> Ordered:
    """Of two priority ones, one from above and one of the area, have ``first`` heard and ``other`` give way.

    ``again``: have the other heard right after it. Raises ScheduleError where they do not meet, or it is too late.
    """
    area_id = own_area(staff)
    both = _demand_meeting(session, first, other, area_id)
    for each in (first, other):
        _demand_ahead(each, now)
    reason = _short(reason.strip())
    for before in _orders(session, area_id, {first.id, other.id}):
        withdraw(session, before, staff, now)
    schedule, refusal = (
        _again(session, first, other, staff, both, now, zone) if again else (None, "")
    )
    made = AreaDecision(
        area_id=area_id, broadcast_id=first.id, other_id=other.id, said=Said.FIRST, reason=reason,
        staff_id=staff.id, at=now, schedule_id=schedule.id if schedule else None,
    )  # fmt: skip
    return Ordered(_keep(session, made, staff, "level.first", now), schedule, refusal)


def _demand_meeting(session: Session, first: Broadcast, other: Broadcast, area_id: int) -> set[str]:
    """The receivers of the area at which the two meet. Raises ScheduleError where there is nothing to decide."""
    priorities = {bulletins.get(session, each.bulletin_id).priority for each in (first, other)}
    if Priority.EMERGENCY in priorities:
        raise ScheduleError(
            say("Lượt khẩn cấp luôn phát ngay; không ai xếp lại thứ tự của nó được.")
        )
    if priorities != {Priority.PRIORITY}:
        raise ScheduleError(say("Chỉ hai lượt ưu tiên gặp nhau mới cần chọn thứ tự."))
    above = [is_above(session, each.by_area_id, area_id) for each in (first, other)]
    both = heard_in(session, first.where, area_id) & heard_in(session, other.where, area_id)
    meet = first.starts_at < declining.end(other) and other.starts_at < declining.end(first)
    if above[0] == above[1] or not both or not meet:
        raise ScheduleError(
            say("Hai lượt này không còn gặp nhau ở địa bàn của bạn. Hãy tải lại trang Cấp trên.")
        )
    return both


def _orders(session: Session, area_id: int, pair: set[int]) -> list[AreaDecision]:
    found = sa.select(AreaDecision).where(
        AreaDecision.area_id == area_id, AreaDecision.said == Said.FIRST,
        AreaDecision.withdrawn_at.is_(None),
        AreaDecision.broadcast_id.in_(pair), AreaDecision.other_id.in_(pair),
    )  # fmt: skip
    return list(session.scalars(found))


def _again(
    session: Session, first: Broadcast, other: Broadcast, staff: Staff, both: set[str], now: Instant, zone: ZoneInfo
) -> tuple[Schedule | None, str]:  # fmt: skip
    """A schedule by which the other is heard at those receivers right after the first; or why there is none."""
    if other.drill:
        return None, say("Lượt diễn tập không xếp lại được.")
    rule = _right_after(session, first, other, own_area(staff), both, zone)
    bulletin = bulletins.get(session, other.bulletin_id)
    if why := _leaves_session(session, other, rule, zone):
        return None, why
    try:
        return schedules.add(
            session, bulletin, staff, rule, now=now, zone=zone, instead=other.schedule
        ), ""
    except ScheduleError as error:
        return None, error.sentence


def _leaves_session(session: Session, other: Broadcast, rule: Rule, zone: ZoneInfo) -> str:
    """Why it cannot be heard then: it would be over after the session in which it was to be; else nothing."""
    known = context.read(session, Rules(zone=zone, horizon=0, late=0))
    was = local(other.starts_at, zone).time()
    start = datetime.combine(rule.start_date, rule.at)
    last = start + timedelta(milliseconds=declining.end(other) - other.starts_at - 1)
    for place in sittings.places(known, rule.where):
        for slot in sittings.slots_there(known, other.starts_at, place):
            stays = slot.holds(last.time()) and last.date() == start.date()
            if slot.holds(was) and not stays:
                return say("Phát ngay sau lượt kia thì quá khung giờ %(slot)s.", slot=slot)
    return ""


def _right_after(
    session: Session, first: Broadcast, other: Broadcast, area_id: int, both: set[str], zone: ZoneInfo
) -> Rule:  # fmt: skip
    moment = local(after(declining.end(first), PAUSE), zone)
    if moment.microsecond:
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
    rest = heard_in(session, Where((area_id,)), area_id) - both
    return Rule(
        kind=Kind.ONCE, at=moment.time(), start_date=moment.date(), area_ids=(area_id,),
        except_ids=tuple(sorted(rest)), resumes=other.resumes,
        minutes=other.relay.ms // MINUTE if other.relay else 0,
    )  # fmt: skip


# -- taking back ----------------------------------------------------------------------------------


def get(session: Session, decision_id: int) -> AreaDecision:
    """That decision. Raises NotFound."""
    found = session.get(AreaDecision, decision_id)
    if found is None:
        raise NotFound(say("Không tìm thấy quyết định này. Hãy tải lại trang Cấp trên."))
    return found


def withdraw(session: Session, decision: AreaDecision, staff: Staff, now: Instant) -> None:
    """Take it back before its time; what was scheduled anew because of it ends."""
    own_area(staff)
    levels.demand_over(session, staff, decision.area_id)
    if decision.withdrawn_at is not None:
        return
    for broadcast_id in (decision.broadcast_id, decision.other_id):
        if broadcast_id is not None and broadcasts.get(session, broadcast_id).starts_at <= now:
            raise ScheduleError(say("Đã đến giờ phát nên không bỏ quyết định này được nữa."))
    decision.withdrawn_at = now
    if decision.schedule_id is not None:
        schedules.end(session, schedules.get(session, decision.schedule_id), staff, now)
    session.flush()
    _note(session, decision, staff, "level.withdraw", now)


def _keep(
    session: Session, made: AreaDecision, staff: Staff, kind: str, now: Instant
) -> AreaDecision:
    session.add(made)
    session.flush()
    session.refresh(made, ["staff"])
    _note(session, made, staff, kind, now)
    return made


def _note(session: Session, made: AreaDecision, staff: Staff, kind: str, now: Instant) -> None:
    audit.append(
        session, now, staff.login, kind, decision=made.id, area=made.area_id, broadcast=made.broadcast_id,
        **({"other": made.other_id} if made.other_id is not None else {}),
        **({"schedule": made.schedule_id} if made.schedule_id is not None else {}),
        **({"reason": made.reason} if made.reason else {}),
    )  # fmt: skip
