"""What people do with reports by order: set one, pause and resume it, end it, ask for a report now, send one again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import audit, mail
from loa.errors import ScheduleError
from loa.staff import May, Staff
from loa.times import DAY, Instant
from loa.words import say
from scheduler import campaign_tables, levels
from scheduler.exports import files
from scheduler.report_orders import due
from scheduler.report_orders.tables import ReportOrder, ReportRun, RunState, What

MOST_ADDRESSES = 20
_FOLDER = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
TOLD_FOR = 14 * DAY
"""So long people are told of a report that is stuck; the list shows it longer."""
RESERVED = "kept"
"""Where every report is kept: no folder of an order."""


@dataclass(frozen=True)
class Wanted:
    """An order as asked for."""

    what: What
    format: str = "docx"
    day: int = 1
    month: int = 1
    at: time = time(8)
    to: Sequence[str] = ()
    folder: str = ""
    campaign_id: int | None = None


def add(session: Session, wanted: Wanted, staff: Staff, now: Instant) -> ReportOrder:
    """Set it; dates before now are not made up for. Raises ScheduleError, MailError, NotAllowed."""
    _demand(session, staff)
    order = ReportOrder(
        what=wanted.what, format=wanted.format, day=wanted.day, month=wanted.month, at=wanted.at,
        to=_addresses(wanted.to), folder=wanted.folder.strip(), campaign_id=_campaign(session, wanted),
        staff_id=staff.id, created_at=now, since=now, paused_at=None, ended_at=None,
    )  # fmt: skip
    _check(order)
    _demand_new(session, order)
    session.add(order)
    session.flush()
    session.refresh(order)
    audit.append(
        session, now, staff.login, "report_order.add", order=order.id, what=order.what.value, format=order.format,
        day=order.day, month=order.month, at=f"{order.at:%H:%M}", to=order.to, folder=order.folder,
        campaign=order.campaign_id,
    )  # fmt: skip
    return order


def _demand(session: Session, staff: Staff) -> None:
    staff.demand(May.SCHEDULE)
    levels.demand_whole(session, staff, say("đặt báo cáo định kỳ"))


def _addresses(given: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(mail.address(each, field="to") for each in given if each.strip()))
    if len(found) > MOST_ADDRESSES:
        raise ScheduleError(
            say(
                "Có %(n)s địa chỉ thư; nhiều nhất là %(most)s. Hãy bớt địa chỉ.",
                n=len(found),
                most=MOST_ADDRESSES,
            ),
            field="to",
        )
    return found


def _campaign(session: Session, wanted: Wanted) -> int | None:
    if wanted.what is not What.CAMPAIGN:
        return None
    if wanted.campaign_id is None:
        raise ScheduleError(say("Hãy chọn chiến dịch cần báo cáo."), field="campaign")
    return campaign_tables.get(session, wanted.campaign_id).id


def _check(order: ReportOrder) -> None:
    first, last = due.DAYS[order.what]
    if not first <= order.day <= last:
        raise ScheduleError(
            say(
                "Ngày %(day)s không được. Hãy chọn từ %(first)s đến %(last)s.",
                day=order.day,
                first=first,
                last=last,
            ),
            field="day",
        )
    if not 1 <= order.month <= 12:
        raise ScheduleError(
            say("Tháng %(month)s không có. Hãy chọn từ 1 đến 12.", month=order.month), field="month"
        )
    if order.format not in files.KINDS:
        raise ScheduleError(
            say(
                "Không có định dạng “%(format)s”. Hãy chọn docx, xlsx, csv hoặc json.",
                format=order.format,
            ),
            field="format",
        )
    if order.folder and (not _FOLDER.fullmatch(order.folder) or order.folder == RESERVED):
        raise ScheduleError(
            say(
                "Tên thư mục “%(folder)s” không được. Hãy dùng chữ thường không dấu, số và dấu gạch, ví dụ gui-tinh.",
                folder=order.folder,
            ),
            field="folder",
        )
    if not order.to and not order.folder:
        raise ScheduleError(say("Hãy điền địa chỉ thư hoặc tên thư mục nhận báo cáo."), field="to")


ALIKE = ("what", "format", "day", "month", "at", "to", "folder", "campaign_id")


def _demand_new(session: Session, order: ReportOrder) -> None:
    """A form sent twice would send each report twice."""
    for known in listed(session):
        if all(getattr(known, name) == getattr(order, name) for name in ALIKE):
            raise ScheduleError(say("Đã có một báo cáo định kỳ giống hệt. Hãy xem danh sách."))


def pause(session: Session, order: ReportOrder, staff: Staff, now: Instant) -> None:
    """Nothing is made or sent until it is resumed."""
    _demand(session, staff)
    if order.paused_at is None:
        order.paused_at = now
        audit.append(session, now, staff.login, "report_order.pause", order=order.id)


def resume(session: Session, order: ReportOrder, staff: Staff, now: Instant) -> None:
    """From now on; what was due meanwhile is not made up for, what was already begun is gone on with."""
    _demand(session, staff)
    if order.paused_at is not None:
        order.paused_at, order.since = None, now
        audit.append(session, now, staff.login, "report_order.resume", order=order.id)


def end(session: Session, order: ReportOrder, staff: Staff, now: Instant) -> None:
    """It leaves the list; the reports made stay where they are."""
    _demand(session, staff)
    order.ended_at = now
    audit.append(session, now, staff.login, "report_order.end", order=order.id)


def ask_now(
    session: Session, order: ReportOrder, staff: Staff, now: Instant, zone: ZoneInfo
) -> ReportRun:
    """One more report at once, of the days the next regular one would have been of today."""
    _demand(session, staff)
    if order.paused_at is not None:
        raise ScheduleError(say("Báo cáo này đang tạm dừng. Hãy cho chạy lại rồi bấm “Lập ngay”."))
    wanted = due.Due(now, due.latest(order, now, zone))
    if (known := _under_way(session, order, wanted)) is not None:
        return known  # asked twice
    run = begin(session, order, wanted)
    audit.append(session, now, staff.login, "report_order.now", order=order.id, run=run.id)
    return run


def _under_way(session: Session, order: ReportOrder, wanted: due.Due) -> ReportRun | None:
    found = sa.select(ReportRun).where(
        ReportRun.order_id == order.id, ReportRun.next_at.is_not(None),
        ReportRun.first == wanted.period.first, ReportRun.last == wanted.period.last,
    )  # fmt: skip
    return session.scalars(found).first()


def begin(session: Session, order: ReportOrder, what: due.Due) -> ReportRun:
    """The row of a report that is due: before anything is made."""
    run = ReportRun(
        order_id=order.id, due_at=what.at, first=what.period.first, last=what.period.last, state=RunState.DUE,
        next_at=what.at, made_at=None, sha256=None, sending_since=None, sent_at=None,
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def again(session: Session, run: ReportRun, staff: Staff, now: Instant) -> None:
    """Go on with one that failed, or send one of which nobody knows whether it arrived."""
    _demand(session, staff)
    if not run.is_troubled:
        raise ScheduleError(say("Báo cáo này không chờ ai. Hãy tải lại trang."))
    run.state = RunState.DUE if run.made_at is None else RunState.MADE
    run.attempts, run.next_at, run.sending_since = 0, now, None
    audit.append(session, now, staff.login, "report_order.again", order=run.order_id, run=run.id)


def listed(session: Session) -> list[ReportOrder]:
    """All that have not ended, the oldest first."""
    found = sa.select(ReportOrder).where(ReportOrder.ended_at.is_(None)).order_by(ReportOrder.id)
    return list(session.scalars(found))


def runs(session: Session, order: ReportOrder, most: int = 12) -> list[ReportRun]:
    """Its reports, the newest first."""
    found = sa.select(ReportRun).where(ReportRun.order_id == order.id)
    return list(session.scalars(found.order_by(ReportRun.due_at.desc()).limit(most)))


def troubled(session: Session, now: Instant) -> list[ReportRun]:
    """Reports of the last days that a person had better look at, of orders that go on."""
    pending = (RunState.FAILED, RunState.UNSURE, RunState.DUE, RunState.MADE)
    found = (
        sa.select(ReportRun)
        .join(ReportOrder, ReportOrder.id == ReportRun.order_id)
        .where(
            ReportOrder.ended_at.is_(None),
            ReportRun.state.in_(pending),
            ReportRun.due_at > now - TOLD_FOR,
        )
        .order_by(ReportRun.due_at.desc())
    )
    return [run for run in session.scalars(found) if run.is_troubled]
