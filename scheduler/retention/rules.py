"""For how long things are kept: config.toml says it, an admin confirms it, and the audit log remembers both."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import audit
from loa.config import Config
from loa.errors import ScheduleError
from loa.staff import May, Staff
from loa.times import Instant, local
from loa.words import say
from scheduler.reporting import periods
from scheduler.reporting.periods import Period
from scheduler.retention.tables import Rule


def newest(session: Session) -> Rule | None:
    """What was last asked for or confirmed; None: nothing ever was."""
    return session.scalars(sa.select(Rule).order_by(Rule.id.desc()).limit(1)).first()


def confirmed(session: Session, config: Config) -> bool:
    """Whether an admin has agreed to just what config.toml says."""
    rule = newest(session)
    return rule is not None and rule.by is not None and _same(rule, config)


def _same(rule: Rule, config: Config) -> bool:
    return rule.log_months == config.retention.log_months


def is_noted(session: Session, config: Config) -> bool:
    """Whether what config.toml says is on record."""
    rule = newest(session)
    return rule is not None and _same(rule, config)


def note(session: Session, config: Config, now: Instant) -> None:
    """Put a change of config.toml on record; what was confirmed before holds no longer."""
    if not is_noted(session, config):
        _add(session, config, None, now)


def confirm(session: Session, config: Config, staff: Staff, now: Instant) -> None:
    """ "Đồng ý lưu trữ": from now on rows past their time leave. Raises NotAllowed, ScheduleError."""
    staff.demand(May.MANAGE)
    if config.retention.log_months == 0:
        raise ScheduleError(
            say(
                "config.toml đang đặt giữ nhật ký mãi mãi ([retention] log_months = 0): không có gì để đồng ý. "
                "Hãy đặt số tháng trước."
            )
        )
    if not confirmed(session, config):
        _add(session, config, staff, now)


def stop(session: Session, config: Config, staff: Staff, now: Instant) -> None:
    """ "Tạm ngừng": nothing leaves until an admin agrees again. Raises NotAllowed."""
    staff.demand(May.MANAGE)
    if confirmed(session, config):
        months = config.retention.log_months
        session.add(Rule(log_months=months, at=now, by=None))
        audit.append(session, now, staff.login, "retention.stop", log_months=months)


def _add(session: Session, config: Config, staff: Staff | None, now: Instant) -> None:
    before, months = newest(session), config.retention.log_months
    session.add(Rule(log_months=months, at=now, by=staff.name if staff else None))
    session.flush()
    audit.append(
        session, now, staff.login if staff else audit.SYSTEM, "retention.confirm" if staff else "retention.rule",
        before=before.log_months if before else None, log_months=months,
    )  # fmt: skip


def last_kept(months: int, config: Config, now: Instant) -> date | None:
    """The first day that is kept: whole months, so that each row is kept at least so long. None: all are."""
    if months == 0:
        return None
    today = local(now, config.zone).date()
    index = today.year * 12 + today.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def month_of(moment: Instant, config: Config) -> Period:
    """The station's month that holds the moment."""
    return periods.month(local(moment, config.zone).date())


def key(period: Period) -> str:
    """2024-11."""
    return f"{period.first:%Y-%m}"
