"""What a calendar shows of a span: all that sounds or would, the regulation behind it, and what each day is.

Reading only. What may be moved is offered here as a help to the hand; whether it may be is for the gate to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import Session

from content.bulletins import Priority
from loa.staff import May
from loa.times import Instant, after, local
from loa.words import say
from scheduler import context, lunar, programme_runs, projection, series
from scheduler.broadcasts import State, Tally
from scheduler.context import Context
from scheduler.exceptions import Kind, ScheduleException
from scheduler.level_views import View
from scheduler.outlook import Outlook
from scheduler.programme_runs import Run
from scheduler.programmes import Programme
from scheduler.projection import LONGEST, Sound
from scheduler.schedules import Schedule
from scheduler.series import Occasion
from scheduler.sources import WhyNot
from scheduler.targets import Where
from scheduler.targets import words as where_words
from web import current, labels, plan_places
from web.calendar_events import DayHead, Event, Feed
from web.calendar_versions import of_programme, of_schedule

PAGES = {
    "schedule_id": "schedules", "programme_id": "programmes", "campaign_id": "campaigns", "alert_id": "emergency",
}  # fmt: skip
GHOSTS = ("moved", "replaced")
"""Of a day made otherwise, what is told by the one that is heard instead."""
PACED = say(
    "Đài tự chọn giờ theo chỉ tiêu của chiến dịch nên không kéo được. Hãy sửa ở trang chiến dịch."
)
ORDERED = say("Lệnh khẩn cấp không dời được. Hãy dừng hoặc xem ở trang Khẩn cấp.")
OVER = say("Lượt này đã qua hoặc đang phát nên không đổi được nữa.")
REPLACED = say("Lượt này phát bản tin khác thay thế. Hãy mở lượt để sửa.")
AT_ONCE = say("Lệnh phát ngay không dời được.")
LOOKS_ONLY = say("Bạn chỉ được xem lượt này.")


def read(session: Session, since: Instant, until: Instant) -> Feed:
    """All that the reader may see of [since, until)."""
    return _Reading(session, since, until).feed()


class _Reading:
    """One reading of a span: what its parts share is asked for once."""

    def __init__(self, session: Session, since: Instant, until: Instant) -> None:
        self.session, self.since, self.until = session, since, until
        self.now, self.zone, self.staff = current.now(), current.zone(), current.staff()
        self.known: Context = context.read(session, plan_places.rules())
        self.view = View(session, self.staff)
        self.outlook = Outlook(self.known, since, until)
        self._places: dict[Where, str] = {}

    def feed(self) -> Feed:
        known = projection.project(
            self.session, self.since, self.until, self.known.rules, found=self.known, now=self.now
        )
        sounds = [each for each in known if self.view.shows(each.where, each.by_area_id)]
        self.tallies = self.view.tallies(
            [each.broadcast_id for each in sounds if each.broadcast_id and each.starts_at <= self.now]
        )  # fmt: skip
        found = [*self._of_schedules(sounds), *self._of_programmes(sounds), *self._others(sounds)]
        days = [day for day in self.outlook.days if self._is_inside(day)]
        return Feed(
            sorted(found, key=lambda each: (each.since, each.key)),
            [(one.slot.name, one.since, one.until) for day in days for one in self.outlook.sessions(day)],
            [(str(one.hours), max(one.since, self.since), min(one.until, self.until))
             for one in self.outlook.quiet if one.until > self.since and one.since < self.until],
            [head(day, self.outlook) for day in days],
        )  # fmt: skip

    def _is_inside(self, day: date) -> bool:
        first, last = local(self.since, self.zone).date(), local(after(self.until, -1), self.zone)
        return first <= day <= last.date()

    # -- schedules --------------------------------------------------------------------------------

    def _of_schedules(self, sounds: Iterable[Sound]) -> Iterator[Event]:
        ours = [each for each in sounds if each.column == "schedule_id"]
        ids = {each.source_id for each in ours}
        rows = self.session.scalars(sa.select(Schedule).where(Schedule.id.in_(ids)))
        stored = {each.id: each for each in rows}
        days = {id: self._occasions(each) for id, each in stored.items()}
        for sound in ours:
            schedule = stored[sound.source_id]
            occasion = days[schedule.id].get((sound.starts_at, sound.bulletin_id))
            why_not = _why_not(sound, occasion, self.now)
            if why_not is None or why_not.code not in GHOSTS:
                yield self._scheduled(sound, schedule, occasion, why_not)

    def _occasions(self, schedule: Schedule) -> dict[tuple[Instant, int], Occasion]:
        excepted = self.known.exceptions.get(("schedule_id", schedule.id), ())
        found: dict[tuple[Instant, int], Occasion] = {}
        since = after(self.since, -LONGEST)
        for each in series.occasions(schedule, since, self.until, self.zone, excepted, self.known):
            bulletin = each.bulletin or schedule.bulletin
            found.setdefault((each.at, bulletin.id), each)
        return found

    def _scheduled(
        self, sound: Sound, schedule: Schedule, occasion: Occasion | None, why_not: WhyNot | None
    ) -> Event:
        exception = occasion.exception if occasion else None
        day = occasion.day if occasion else local(sound.starts_at, self.zone).date()
        fixed = self._fixed(sound.starts_at, schedule.staff.area_id, exception)
        if schedule.is_now or schedule.ended_at is not None or occasion is None:
            fixed = AT_ONCE if schedule.is_now else OVER
        is_skipped = exception is not None and exception.kind is Kind.SKIP
        places: dict[str, Any] = {"schedule_id": schedule.id, "day": str(day)}
        panel, page = url_for("calendar_panel.of_schedule", **places), "exceptions.show"
        page = url_for(page, **places) if not fixed else _page("schedule_id", schedule.id)
        if sound.broadcast_id and sound.starts_at <= self.now:
            panel, page = _of_broadcast(sound.broadcast_id)
        return self._event(
            sound, f"s{schedule.id}-{day}-{sound.bulletin_id}", panel, page, why_not,
            fixed=fixed or (why_not.sentence if is_skipped and why_not else ""),
            stretches=not fixed and sound.is_relay and exception is None and why_not is None,
            note=_note(exception), version=of_schedule(schedule, exception),
        )  # fmt: skip

    def _fixed(
        self, start: Instant, area_id: int | None, exception: ScheduleException | None
    ) -> str:
        if not self.staff.may(May.SCHEDULE) or not self.view.owns(area_id):
            return LOOKS_ONLY
        if start <= self.now:
            return OVER
        return REPLACED if exception is not None and exception.kind is Kind.REPLACE else ""

    # -- programmes -------------------------------------------------------------------------------

    def _of_programmes(self, sounds: Iterable[Sound]) -> Iterator[Event]:
        """Each run is one; of what is over, or has begun, what its broadcasts say."""
        ours = [each for each in sounds if each.column == "programme_id"]
        ids = {each.source_id for each in ours}
        rows = self.session.scalars(sa.select(Programme).where(Programme.id.in_(ids)))
        begun: dict[tuple[int, date], list[Sound]] = {}
        for sound in ours:
            if sound.starts_at <= self.now:
                day = local(sound.starts_at, self.zone).date()
                begun.setdefault((sound.source_id, day), []).append(sound)
        for programme in rows:
            found = programme_runs.runs(programme, self.since, self.until, self.known)
            for run in found if programme.ended_at is None else ():
                is_ghost = run.frame.why_not is not None and run.frame.why_not.code in GHOSTS
                if run.starts_at > self.now and not is_ghost:
                    yield self._ahead(programme, run)
            for (id, _), heard in begun.items():
                if id == programme.id:
                    yield self._begun(programme, heard)

    def _ahead(self, programme: Programme, run: Run) -> Event:
        exception = run.exception
        fixed = self._fixed(run.starts_at, programme.staff.area_id, exception)
        priorities = {part.item.bulletin.priority for part in run.parts if part.item.bulletin}
        why_not = run.frame.why_not
        told = why_not.sentence if why_not else ""
        return Event(
            f"p{programme.id}-{run.day}-{run.starts_at}", programme.name, run.starts_at, run.ends_at,
            Priority.PRIORITY if priorities == {Priority.PRIORITY} else Priority.NORMAL,
            self._where(programme.where),
            url_for("calendar_panel.of_programme", programme_id=programme.id, day=str(run.day)),
            _page("programme_id", programme.id), why_not=told, fixed=fixed or told,
            badge=say("không phát") if why_not else "", tone="quiet",
            stretches=not fixed and programme.slot is None and exception is None and why_not is None,
            note=_note(exception), version=of_programme(programme, exception),
        )  # fmt: skip

    def _begun(self, programme: Programme, heard: list[Sound]) -> Event:
        first = heard[0]
        until = max(each.ends_at for each in heard)
        badge, tone = self._outcome(first)
        return Event(
            f"p{programme.id}-{first.name}", programme.name, first.starts_at, until, first.priority,
            self._where(first.where),
            *_of_broadcast(first.broadcast_id or 0), fixed=OVER, badge=badge, tone=tone,
        )  # fmt: skip

    # -- the rest ---------------------------------------------------------------------------------

    def _others(self, sounds: Iterable[Sound]) -> Iterator[Event]:
        for sound in sounds:
            if sound.column in ("schedule_id", "programme_id"):
                continue
            panel, page = _of_other(sound)
            fixed = PACED if sound.column == "campaign_id" else ORDERED
            if sound.starts_at <= self.now:
                fixed = OVER
            key = f"{sound.column[0]}{sound.source_id}-{sound.starts_at}-{sound.name}"
            yield self._event(sound, key, panel, page, sound.why_not, fixed=fixed)

    def _event(
        self, sound: Sound, key: str, panel: str, page: str, why_not: WhyNot | None, **more: Any
    ) -> Event:
        told = (why_not.sentence or labels.reason(why_not.code)) if why_not else ""
        badge, tone = self._outcome(sound)
        if why_not and not badge:
            badge, tone = say("không phát"), "quiet"
        elif not badge and not sound.approved:
            badge, tone = say("chưa duyệt"), "bad"
        return Event(
            key, sound.title, sound.starts_at, sound.ends_at, sound.priority, self._where(sound.where),
            panel, page, why_not=told, badge=badge, tone=tone, **more,
        )  # fmt: skip

    def _outcome(self, sound: Sound) -> tuple[str, str]:
        """What became of it; nothing of what lies ahead."""
        if sound.broadcast_id is None or sound.starts_at > self.now:
            return "", ""
        tally = self.tallies.get(sound.broadcast_id, Tally({}))
        told = labels.outcome(sound.state or State.PLANNED, tally)
        return told.badge, told.tone

    def _where(self, where: Where) -> str:
        if where not in self._places:
            self._places[where] = where_words(self.session, where)
        return self._places[where]


# -- addresses ------------------------------------------------------------------------------------


def _page(column: str, id: int) -> str:
    places: dict[str, Any] = {column: id}
    return url_for(f"{PAGES[column]}.show", **places)


def _of_broadcast(broadcast_id: int) -> tuple[str, str]:
    """(panel, page)."""
    panel = url_for("calendar_panel.of_broadcast", broadcast_id=broadcast_id)
    return panel, url_for("broadcasts.show", broadcast_id=broadcast_id)


def _of_other(sound: Sound) -> tuple[str, str]:
    """(panel, page) of a run of a campaign or an order."""
    if sound.broadcast_id is not None:
        return _of_broadcast(sound.broadcast_id)
    name = sound.column.removesuffix("_id")
    places: dict[str, Any] = {
        sound.column: sound.source_id,
        "luc": plan_places.linked(sound.starts_at),
    }
    page = _page(sound.column, sound.source_id)
    return url_for(f"calendar_panel.of_{name}", **places), page


# -- words ----------------------------------------------------------------------------------------


def _why_not(sound: Sound, occasion: Occasion | None, now: Instant) -> WhyNot | None:
    """Why it is not heard; also what somebody said of its day since it was planned."""
    if sound.why_not is None and occasion is not None and sound.starts_at > now:
        return occasion.why_not
    return sound.why_not


def _note(exception: ScheduleException | None) -> str:
    """dời từ lượt ngày 22/11; nothing of a day as the series has it."""
    if exception is None:
        return ""
    if exception.kind is Kind.MOVE:
        return say("dời từ lượt ngày %(day)s", day=f"{exception.day:%d/%m}")
    return say("đã bỏ lượt này") if exception.kind is Kind.SKIP else say("phát bản tin thay thế")


def head(day: date, outlook: Outlook) -> DayHead:
    """The head of a day: by the moon, and what is special about it."""
    moon, kind = lunar.from_solar(day), outlook.kind(day)
    marked = moon.day in (1, 15)
    short = (
        f"{moon.day}/{moon.month}{'N' if moon.is_leap else ''}" if moon.day == 1 else str(moon.day)
    )
    is_usual = kind.key in ("normal", "weekend") and "(" not in kind.why
    return DayHead(day, short, labels.moon(day) if marked else "", "" if is_usual else kind.why)
