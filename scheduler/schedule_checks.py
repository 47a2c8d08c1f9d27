"""What must hold for a bulletin to be scheduled; every door of a schedule comes through ``demand``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import relays
from content.bulletins import Bulletin, Priority
from content.bulletins import State as BulletinState
from content.recordings import Recording
from loa.errors import ScheduleError
from loa.languages import KINH
from loa.times import DAY, Instant, after
from loa.words import say
from scheduler import admission, context, series, targets
from scheduler.admission import Asked
from scheduler.context import Context
from scheduler.exceptions import ScheduleException
from scheduler.series import Kind, Made, Occasion, Rule
from scheduler.sources import Rules
from scheduler.targets import Where

LOOK_AHEAD_DAYS = 366
"""How far a new schedule is checked against the regulation."""
MOST_MINUTES = relays.MOST_MINUTES
"""Receivers refuse a whole plan in which a relay is longer."""


class Changed(Protocol):
    """The schedule that a rule is to be in place of."""

    @property
    def id(self) -> int: ...
    @property
    def exceptions(self) -> Sequence[ScheduleException]: ...


def demand(
    session: Session,
    bulletin: Bulletin,
    rule: Rule,
    now: Instant,
    zone: ZoneInfo,
    *,
    waived_why: str = "",
    of: Changed | None = None,
    instead: Changed | None = None,
    also: Sequence[Made] = (),
    known: Context | None = None,
) -> list[str]:
    """Raise ScheduleError for the first thing that does not hold; which rules ``waived_why`` was needed for.

    ``instead``: a schedule that is not heard where this one is, and whose minutes do not count.
    ``also``: series let through before in the same act and not stored yet; their minutes count.
    ``known``: the context, where many are asked about one after the other; it knows the exceptions of ``also``.
    """
    demand_said(bulletin)
    targets.demand(session, rule.where)
    _demand_days(bulletin, rule)
    _demand_minutes(bulletin, rule.minutes)
    ahead = coming(session, rule, now, zone, of.exceptions if of else (), known)
    if not any(each.is_heard for each in ahead):
        raise _never(ahead)
    waived: set[str] = set()
    for said, moments in _by_bulletin(bulletin, ahead):
        asked = asking(session, said, rule.where, moments, minutes=rule.minutes, of=of or instead)
        asked = replace(asked, also=also)
        waived.update(admission.demand(session, asked, now, zone, waived_why, known))
    return sorted(waived)


def _by_bulletin(
    own: Bulletin, ahead: Sequence[Occasion]
) -> Iterator[tuple[Bulletin, list[Instant]]]:
    """What is heard of the series' own bulletin, and of those put in its place."""
    heard = [each for each in ahead if each.is_heard]
    others = {each.bulletin.id: each.bulletin for each in heard if each.bulletin is not None}
    for bulletin in (own, *others.values()):
        moments = [each.at for each in heard if (each.bulletin or own).id == bulletin.id]
        if moments:
            yield bulletin, moments


def coming(
    session: Session,
    rule: Rule,
    now: Instant,
    zone: ZoneInfo,
    excepted: Sequence[ScheduleException] = (),
    known: Context | None = None,
) -> list[Occasion]:
    """All that the rule asks for in the year ahead, also what it is silent on and why."""
    rules = Rules(zone=zone, horizon=LOOK_AHEAD_DAYS * DAY, late=0)
    found = known or context.read(session, rules)
    until = after(now, LOOK_AHEAD_DAYS * DAY)
    return series.occasions(rule, now, until, zone, excepted, found)


def asking(
    session: Session,
    bulletin: Bulletin,
    where: Where,
    moments: Sequence[Instant],
    *,
    minutes: int = 0,
    of: Changed | None = None,
) -> Asked:
    """What admission and conflicts are asked about; ``of`` is the schedule whose place it takes."""
    return Asked(
        title=bulletin.title, priority=bulletin.priority, where=where, moments=moments,
        ms=sounding_ms(session, bulletin, where, minutes), kind="schedule",
        without=("schedule_id", of.id) if of else None,
    )  # fmt: skip


def sounding_ms(session: Session, bulletin: Bulletin, where: Where, minutes: int = 0) -> int:
    """How long it sounds there."""
    relay = series.relay_of(bulletin, minutes)
    return relay.ms if relay else length_ms(session, bulletin, where)


def length_ms(session: Session, bulletin: Bulletin, where: Where) -> int:
    """How long the bulletin sounds there, in the longest of the languages; 0 while it has no sound."""
    heard = targets.languages_of(session, where)
    own = bulletin.sounds.get(KINH)
    shas = {bulletin.sounds.get(language, own) for language in heard or {KINH}}
    return (
        session.scalar(sa.select(sa.func.max(Recording.ms)).where(Recording.sha256.in_(shas))) or 0
    )


def demand_said(bulletin: Bulletin) -> None:
    if bulletin.state in (BulletinState.WITHDRAWN, BulletinState.REJECTED):
        raise ScheduleError(
            say("Bản tin này đã bị thu hồi hoặc trả lại nên không đặt lịch được."), field="bulletin"
        )


def demand_ordinary(bulletin: Bulletin, field: str = "bulletin") -> None:
    """Raise ScheduleError for an emergency: it sounds by an order that a second person agrees to, not by a schedule.

    Asked at every door that people schedule through; the planner knows how to sound one by a schedule all the same.
    """
    if bulletin.priority is Priority.EMERGENCY:
        raise ScheduleError(
            say(
                "Bản tin khẩn cấp phát từ trang Khẩn cấp (/khan-cap), nơi người thứ hai đồng ý ra lệnh; "
                "không đặt lịch hay phát ngay được."
            ),
            field=field,
            code="emergency_by_order",
        )


def demand_days(rule: Rule) -> None:
    """Raise ScheduleError where the rule has no days, or ends before it begins."""
    if rule.kind is Kind.WEEKDAYS and not rule.weekdays:
        raise ScheduleError(say("Hãy chọn ít nhất một thứ trong tuần."), field="weekdays")
    if rule.end_date is not None and rule.end_date < rule.start_date:
        raise ScheduleError(say("Ngày kết thúc đứng trước ngày bắt đầu."), field="end_date")
    _ = rule.rule  # raises where the text is none of ours


def _demand_days(bulletin: Bulletin, rule: Rule) -> None:
    demand_days(rule)
    demand_valid(bulletin, rule.start_date, rule.start_date, "start_date", until=False)
    if rule.kind is Kind.ONCE:
        demand_valid(bulletin, rule.start_date, rule.start_date, "start_date")
    elif bulletin.valid_until and (rule.end_date is None or rule.end_date > bulletin.valid_until):
        raise _too_late(bulletin.valid_until, "end_date")


def demand_valid(
    bulletin: Bulletin, first: date, last: date, field: str, *, until: bool = True
) -> None:
    """Raise ScheduleError where the bulletin does not hold on all of these days."""
    if bulletin.valid_from and first < bulletin.valid_from:
        raise ScheduleError(
            say(
                "Bản tin chỉ có hiệu lực từ %(day)s. Hãy chọn ngày bắt đầu từ hôm đó.",
                day=f"{bulletin.valid_from:%d/%m/%Y}",
            ),
            field=field,
        )
    if until and bulletin.valid_until and last > bulletin.valid_until:
        raise _too_late(bulletin.valid_until, field)


def _too_late(last: date, field: str) -> ScheduleError:
    return ScheduleError(
        say(
            "Bản tin hết hiệu lực sau ngày %(last)s. Hãy chọn ngày kết thúc không muộn hơn.",
            last=f"{last:%d/%m/%Y}",
        ),
        field=field,
    )


def _demand_minutes(bulletin: Bulletin, minutes: int) -> None:
    if minutes and bulletin.relay is None:
        raise ScheduleError(
            say("Chỉ tiếp sóng mới đặt được số phút. Hãy để trống."), field="minutes"
        )
    if not 0 <= minutes <= MOST_MINUTES:
        raise ScheduleError(
            say("Số phút tiếp sóng phải từ 1 đến %(most)s. Hãy nhập lại.", most=MOST_MINUTES),
            field="minutes",
        )


def _never(ahead: Sequence[Occasion]) -> ScheduleError:
    """Nothing would be heard: why."""
    silent = next((each.why_not for each in ahead if each.why_not is not None), None)
    if silent is not None and silent.code == "day_kind_skipped":
        return ScheduleError(
            say(
                "Mọi lượt phía trước đều rơi vào loại ngày mà lịch này không phát. Hãy bỏ bớt loại ngày."
            ),
            field="skips",
        )
    return ScheduleError(
        say(
            "Không còn lượt phát nào ở phía trước: giờ đã qua hoặc ngày không khớp. Hãy chọn lại ngày giờ."
        ),
        field="at",
    )
