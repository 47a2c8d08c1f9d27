"""A report as it was issued: late evidence changes figures, and the next look says which."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import audit
from loa.staff import Staff
from loa.times import Instant
from scheduler.exports import words
from scheduler.exports.tables import Column
from scheduler.reporting.document import COUNTED
from scheduler.reporting.figures import Figures
from scheduler.reporting.tables import IssuedReport

PARTS = {"total": "Tất cả", "emergencies": "Khẩn cấp"}


def issue(
    session: Session, figures: Figures, staff: Staff, now: Instant, zone: ZoneInfo
) -> IssuedReport:
    """Keep the figures as they are now, as those that leave the house."""
    since, until = figures.period.bounds(zone)
    issued = IssuedReport(
        since=since, until=until, issued_at=now, by=staff.name, figures=figures.flat()
    )
    session.add(issued)
    session.flush()
    audit.append(
        session, now, staff.login, "report.issue", report=issued.id, since=since, until=until, **issued.figures
    )  # fmt: skip
    return issued


def last(session: Session, since: Instant, until: Instant) -> IssuedReport | None:
    """The newest report issued of exactly this span."""
    found = sa.select(IssuedReport).where(IssuedReport.since == since, IssuedReport.until == until)
    return session.scalars(found.order_by(IssuedReport.id.desc()).limit(1)).first()


def changes(issued: IssuedReport, figures: Figures) -> list[str]:
    """What is not any more as it was issued, a line each."""
    now = figures.flat()
    zone = ZoneInfo("UTC")
    found = []
    for part, name in PARTS.items():
        for column in COUNTED:
            key = f"{part}.{column.key}"
            if issued.figures.get(key) != now[key]:
                found.append(_line(name, column, issued.figures.get(key), now[key], zone))
    return found


def _line(part: str, column: Column, was: float | None, value: float | None, zone: ZoneInfo) -> str:
    show = words.shower(column, zone)
    return f"{part} – {column.title.lower()}: khi phát hành {show(was)}, nay {show(value)}"
