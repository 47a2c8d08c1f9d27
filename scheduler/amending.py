"""Amending: a new version of the regulation, and what staff say of single days; logged, and all is planned anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import receivers
from loa import audit
from loa.errors import NotFound, ScheduleError
from loa.staff import May, Staff
from loa.times import MINUTE, Instant, after, local
from loa.times import at as instant_at
from loa.words import say
from scheduler import days, levels, regulation, rethinking, rulebook, rulebook_check
from scheduler.days import DayMark
from scheduler.regulation import QuietHours, Regulation
from scheduler.rulebook import Rulebook, Slot
from scheduler.sources import Rules

MOST_AHEAD = timedelta(days=2 * 366)
LONGEST_MARK = timedelta(days=60)
"""Longer than any mourning or holiday: what goes on for longer is a rule, not a day."""
MOST_NOTE = 500


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A version of the regulation as a person writes it."""

    quiet: Sequence[QuietHours]
    rules: Rulebook
    since: date | None = None
    """First day; None, and today, is from now on."""
    note: str = ""
    """Why: the decision it is taken from."""


# -- the regulation -------------------------------------------------------------------------------


def check(draft: Draft, now: Instant, zone: ZoneInfo) -> Instant:
    """From when it would hold. Raises ScheduleError naming the field where it is no regulation."""
    rulebook_check.check(draft.rules)
    for at, slot in enumerate(draft.rules.slots):
        _check_loud(slot, draft.quiet, zone, f"slots-{at}-start")
    if len(draft.note) > MOST_NOTE:
        raise ScheduleError(
            say("Căn cứ dài quá %(most)s chữ. Hãy viết gọn lại.", most=MOST_NOTE), field="note"
        )
    return _since(draft, now, zone)


def _since(draft: Draft, now: Instant, zone: ZoneInfo) -> Instant:
    today = local(now, zone).date()
    if draft.since is None or draft.since == today:
        return now
    if draft.since < today:
        raise ScheduleError(
            say(
                "Quy chế không có hiệu lực lùi về ngày %(since)s: lượt đã phát được xét theo quy chế "
                "của hôm ấy. Hãy chọn hôm nay hoặc một ngày sắp tới.",
                since=f"{draft.since:%d/%m/%Y}",
            ),
            field="since",
        )
    if draft.since > today + MOST_AHEAD:
        raise ScheduleError(
            say(
                "Ngày %(since)s còn quá xa. Hãy chọn một ngày trong hai năm tới.",
                since=f"{draft.since:%d/%m/%Y}",
            ),
            field="since",
        )
    return days.first_of(draft.since, zone)


def _check_loud(slot: Slot, quiet: Sequence[QuietHours], zone: ZoneInfo, field: str) -> None:
    """No session within the quiet hours: any day will do to see that."""
    begins = instant_at(date(2026, 1, 5), rulebook.read_clock(slot.start), zone)
    if begins is None:
        return
    span = regulation.breach(quiet, begins, after(begins, slot.minutes * MINUTE), zone)
    if span is not None:
        raise ScheduleError(
            say(
                "Khung giờ %(slot)s chạm giờ không phát %(span)s. Hãy đổi khung giờ hoặc giờ không phát.",
                slot=slot,
                span=span,
            ),
            field=field,
        )


def enact(session: Session, staff: Staff, draft: Draft, now: Instant, rules: Rules) -> Regulation:
    """Put a version in force from its day on. Raises ScheduleError."""
    staff.demand(May.MANAGE)
    since = check(draft, now, rules.zone)
    made = regulation.add(
        session, staff, draft.quiet, draft.rules, since=since, now=now, note=draft.note.strip()
    )
    audit.append(session, now, staff.login, "regulation.enact", **_told(made))
    rethinking.everything(session, now, rules)
    return made


def repeal(session: Session, staff: Staff, version: Regulation, now: Instant, rules: Rules) -> None:
    """Take back a version that does not hold yet; one that held is never changed. Raises ScheduleError."""
    staff.demand(May.MANAGE)
    if version.since <= now:
        raise ScheduleError(
            say(
                "Bản quy chế này đã có hiệu lực từ %(since)s ngày %(day)s nên "
                "không bỏ được. Hãy lập một bản mới.",
                since=f"{local(version.since, rules.zone):%H:%M}",
                day=f"{local(version.since, rules.zone):%d/%m/%Y}",
            )
        )
    # It was in force at no time, so nothing past is judged by it; the log keeps what it said.
    audit.append(session, now, staff.login, "regulation.repeal", **_told(version))
    session.delete(version)
    receivers.mark_stale(session)  # their plans say how loud each broadcast may be at its time
    rethinking.everything(session, now, rules)


def _told(version: Regulation) -> dict[str, object]:
    return {
        "regulation": version.id, "since": version.since, "quiet": version.quiet, "note": version.note,
        "rules": msgspec.to_builtins(version.rules),
    }  # fmt: skip


def get(session: Session, regulation_id: int) -> Regulation:
    """That version. Raises NotFound."""
    found = session.get(Regulation, regulation_id)
    if found is None:
        raise NotFound(say("Không tìm thấy bản quy chế này. Hãy quay lại trang Quy chế."))
    return found


# -- single days ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Marking:
    """Days that somebody wants to be of a kind."""

    kind: str
    first: date
    last: date
    name: str


def check_mark(session: Session, marking: Marking, now: Instant, zone: ZoneInfo) -> None:
    """Raise ScheduleError, naming the field, where that cannot be said."""
    today = local(now, zone).date()
    known = {kind.key for kind in regulation.rules_at(session, now).kinds}
    if not marking.name.strip():
        raise ScheduleError(say("Hãy ghi dịp gì, ví dụ: Quốc tang."), field="name")
    if len(marking.name) > 200:
        raise ScheduleError(say("Tên dịp dài quá 200 chữ. Hãy viết gọn lại."), field="name")
    if marking.kind not in known:
        raise ScheduleError(
            say("Loại ngày này không có trong quy chế. Hãy chọn lại."), field="kind"
        )
    if marking.last < marking.first:
        raise ScheduleError(say("Ngày cuối đứng trước ngày đầu."), field="last")
    if marking.first < today:
        raise ScheduleError(
            say(
                "Ngày %(first)s đã qua: việc đã phát hôm ấy không xét lại. Hãy chọn từ hôm nay.",
                first=f"{marking.first:%d/%m/%Y}",
            ),
            field="first",
        )
    if marking.last - marking.first > LONGEST_MARK:
        raise ScheduleError(
            say(
                "Khoảng này dài hơn %(days)s ngày. Việc lâu dài hãy ghi vào quy chế.",
                days=LONGEST_MARK.days,
            ),
            field="last",
        )
    if marking.first > today + MOST_AHEAD:
        raise ScheduleError(say("Ngày này còn quá xa. Hãy chọn trong hai năm tới."), field="first")


def mark(session: Session, staff: Staff, marking: Marking, now: Instant, rules: Rules) -> DayMark:
    """Say what kind of days these are; it goes before the calendar and before what was said earlier."""
    staff.demand(May.SCHEDULE)
    levels.demand_whole(session, staff, say("ghi loại ngày cho cả đài"))
    check_mark(session, marking, now, rules.zone)
    made = DayMark(
        first=marking.first, last=marking.last, kind=marking.kind, name=marking.name.strip(),
        staff_id=staff.id, made_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    _log_mark(session, staff, made, "day.mark", now)
    rethinking.everything(session, now, rules)
    return made


def unmark(session: Session, staff: Staff, made: DayMark, now: Instant, rules: Rules) -> None:
    """Take it back: the days are again what they were; what it silenced until now stays explained by it."""
    staff.demand(May.SCHEDULE)
    levels.demand_whole(session, staff, say("bỏ loại ngày của cả đài"))
    if made.withdrawn_at is not None:
        return
    made.withdrawn_at = now
    _log_mark(session, staff, made, "day.unmark", now)
    rethinking.everything(session, now, rules)


def _log_mark(session: Session, staff: Staff, made: DayMark, kind: str, now: Instant) -> None:
    audit.append(
        session, now, staff.login, kind, mark=made.id, what=made.kind, first=str(made.first),
        last=str(made.last), name=made.name,
    )  # fmt: skip


def get_mark(session: Session, mark_id: int) -> DayMark:
    """That mark. Raises NotFound."""
    found = session.get(DayMark, mark_id)
    if found is None:
        raise NotFound(say("Không tìm thấy ghi nhận này. Hãy quay lại trang Ngày đặc biệt."))
    return found


def marks_ahead(session: Session, today: date) -> Sequence[DayMark]:
    """What was said of today and later, and not taken back, in order of days."""
    found = sa.select(DayMark).where(DayMark.withdrawn_at.is_(None), DayMark.last >= today)
    return session.scalars(found.order_by(DayMark.first, DayMark.id)).all()
