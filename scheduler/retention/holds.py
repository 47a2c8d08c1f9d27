"""Kept by request (giữ lại theo yêu cầu): while one is on, nothing that it touches leaves the station."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from loa import audit
from loa.errors import NotFound, ScheduleError
from loa.staff import May, Staff
from loa.times import Instant
from loa.words import say
from scheduler.broadcasts import Broadcast
from scheduler.campaign_tables import Campaign
from scheduler.retention.tables import Hold

MOST_WORDS = 500


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be kept: one of the three. ``since`` and ``until`` bound a span of time."""

    reason: str
    since: Instant | None = None
    until: Instant | None = None
    campaign_id: int | None = None
    bulletin_id: int | None = None


def add(session: Session, staff: Staff, order: Order, now: Instant) -> Hold:
    """Hold something back. Raises NotAllowed, ScheduleError naming the field."""
    staff.demand(May.MANAGE)
    reason = _reason(order.reason, "reason")
    _check(session, order)
    hold = Hold(
        since=order.since, until=order.until, campaign_id=order.campaign_id, bulletin_id=order.bulletin_id,
        reason=reason, by=staff.name, at=now,
    )  # fmt: skip
    session.add(hold)
    session.flush()
    audit.append(
        session, now, staff.login, "retention.hold", hold=hold.id, since=hold.since, until=hold.until,
        campaign=hold.campaign_id, bulletin=hold.bulletin_id, reason=reason,
    )  # fmt: skip
    return hold


def _check(session: Session, order: Order) -> None:
    is_span = order.since is not None and order.until is not None
    if sum((is_span, order.campaign_id is not None, order.bulletin_id is not None)) != 1:
        raise ScheduleError(
            say(
                "Hãy chọn đúng một thứ cần giữ lại: một khoảng ngày, một chiến dịch hoặc một bản tin."
            ),
            field="what",
        )
    if is_span and (order.until or 0) <= (order.since or 0):
        raise ScheduleError(say("Ngày cuối phải từ ngày đầu trở đi."), field="until")
    if order.campaign_id is not None and session.get(Campaign, order.campaign_id) is None:
        raise ScheduleError(
            say(
                "Không có chiến dịch số %(id)s. Số ở cuối địa chỉ trang chiến dịch.",
                id=order.campaign_id,
            ),
            field="number",
        )
    if order.bulletin_id is not None and session.get(Bulletin, order.bulletin_id) is None:
        raise ScheduleError(
            say(
                "Không có bản tin số %(id)s. Số ở cuối địa chỉ trang bản tin.", id=order.bulletin_id
            ),
            field="number",
        )


def lift(session: Session, hold_id: int, staff: Staff, reason: str, now: Instant) -> Hold:
    """End a hold, with a reason. Raises NotAllowed, NotFound, ScheduleError."""
    staff.demand(May.MANAGE)
    hold = get(session, hold_id)
    if hold.lifted_at is not None:
        raise ScheduleError(say("Yêu cầu giữ lại này đã được gỡ trước đó."))
    hold.lifted_reason = _reason(reason, "reason")
    hold.lifted_at, hold.lifted_by = now, staff.name
    session.flush()
    audit.append(
        session, now, staff.login, "retention.lift", hold=hold.id, reason=hold.lifted_reason
    )
    return hold


def _reason(words: str, field: str) -> str:
    words = words.strip()
    if not words:
        raise ScheduleError(
            say("Hãy ghi lý do, ví dụ: theo công văn số … của thanh tra huyện."), field=field
        )
    if len(words) > MOST_WORDS:
        raise ScheduleError(
            say("Lý do dài quá %(most)s ký tự. Hãy viết gọn lại.", most=MOST_WORDS), field=field
        )
    return words


def get(session: Session, hold_id: int) -> Hold:
    """That hold. Raises NotFound."""
    hold = session.get(Hold, hold_id)
    if hold is None:
        raise NotFound(say("Không tìm thấy yêu cầu giữ lại này. Hãy quay lại trang Lưu trữ."))
    return hold


def listing(session: Session) -> Sequence[Hold]:
    """All there ever were; those that are on first."""
    return session.scalars(
        sa.select(Hold).order_by(Hold.lifted_at.is_not(None), Hold.id.desc())
    ).all()


def touching(session: Session, since: Instant, until: Instant) -> list[Hold]:
    """Those that are on and concern a broadcast, or any moment, of [since, until)."""
    heard = (
        sa.select(Broadcast.id)
        .where(
            Broadcast.starts_at >= since,
            Broadcast.starts_at < until,
            sa.or_(
                Broadcast.campaign_id == Hold.campaign_id, Broadcast.bulletin_id == Hold.bulletin_id
            ),
        )
        .exists()
    )
    spans = sa.and_(Hold.since < until, Hold.until > since)
    found = sa.select(Hold).where(Hold.lifted_at.is_(None), sa.or_(spans, heard))
    return list(session.scalars(found.order_by(Hold.id)))
