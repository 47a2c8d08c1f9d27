"""What scheduling costs: a year of a commune, two days of a province, the check for conflicts at save.

Beside the first stands the least anybody can do: the same rules expanded by python-dateutil, with nothing asked of
them. Wall time counts for the goals; processor time stands beside it, for a machine that others keep busy.
"""

from __future__ import annotations

import tempfile
import time as clocks
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from dateutil.rrule import rrulestr
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices.areas import Area
from loa.benches.fleet import Figure
from loa.benches.ground import Ground
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after, instant
from scheduler import conflicts, planner, projection, regulation
from scheduler.admission import Asked
from scheduler.broadcasts import Delivery
from scheduler.campaign_tables import Campaign, Message, Per, Target
from scheduler.regulation import Regulation
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedule_tables import Schedule, ScheduleArea
from scheduler.sources import Rules
from scheduler.targets import Where

YEAR = 365
RULES = (
    "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;BYDAY=TU,TH", "FREQ=MONTHLY;BYMONTHDAY=1,15",
    "FREQ=MONTHLY;BYDAY=2SU", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=SA", "FREQ=MONTHLY;BYMONTHDAY=-1",
)  # fmt: skip
"""In turn, one for each schedule."""
SLOTS = tuple(
    Slot(key=key, name=key, start=start, minutes=45)
    for key, start in (("sang", "05:30"), ("trua", "11:00"), ("chieu", "17:00"))
)
SOUND_MS = 60 * SECOND
SMALL = 100
CAMPAIGN_DAYS = 60
TURNS = 3


class Field:
    """A station of so many receivers, schedules and campaigns, in ``folder``; no process of it runs."""

    def __init__(
        self,
        folder: Path,
        receivers: int,
        schedules: int,
        campaigns: int,
        days: int = CAMPAIGN_DAYS,
    ) -> None:
        folder.mkdir()
        self.ground, self.schedules = Ground(folder, receivers), schedules
        self.zone = ZoneInfo(self.ground.config.station.timezone)
        self.today = date(2027, 1, 4)
        self.now = instant(datetime.combine(self.today, time(0, 10), tzinfo=self.zone))
        self.rules = Rules(zone=self.zone, horizon=48 * HOUR, late=MINUTE)
        self.bulletin = self.ground.bulletin(Priority.NORMAL, b"schedule", SOUND_MS)
        with self.ground.database.write() as session:
            session.execute(
                sa.delete(Regulation)
            )  # the one a new station begins with holds from today on
            quiet = [regulation.parse_quiet("21:00-05:00")]
            regulation.add(
                session, None, quiet, Rulebook(slots=SLOTS), since=Instant(0), now=self.now
            )
            villages = session.scalars(sa.select(Area.id).where(Area.parent_id.is_not(None)))
            self.villages = sorted(villages)
            session.add_all(self._schedule(n) for n in range(schedules))
            session.add_all(self._campaign(n, days) for n in range(campaigns))

    def close(self) -> None:
        """Let go of the database."""
        self.ground.close()

    def _area(self, number: int) -> int:
        """The whole commune, or a village of it."""
        return (
            self.ground.commune if number % 3 == 0 else self.villages[number % len(self.villages)]
        )

    def _schedule(self, number: int) -> Schedule:
        slot = SLOTS[number % len(SLOTS)]
        at = (
            datetime.combine(self.today, time.fromisoformat(slot.start))
            + timedelta(minutes=number % 40)
        ).time()
        return Schedule(
            uid=f"s{number:05}", bulletin_id=self.bulletin, at=at, rule=RULES[number % len(RULES)], skips=[], minutes=0,
            start_date=self.today, staff_id=1, created_at=self.now, planned_until=self.now,
            targets=[ScheduleArea(area_id=self._area(number))],
        )  # fmt: skip

    def _campaign(self, number: int, days: int) -> Campaign:
        """Each begins a month after the one before, as far as the year reaches, and is heard once a day."""
        first = self.today + timedelta(days=min(30 * number, YEAR - days))
        return Campaign(
            uid=f"c{number:05}", name=f"Đo {number}", start_date=first, end_date=first + timedelta(days=days - 1),
            where=Where((self._area(number),)), target=Target(number=1, per=Per.DAY), weight=1 + number % 3, staff_id=1,
            created_at=self.now, planned_until=self.now, rethought_at=self.now,
            messages=[Message(bulletin_id=self.bulletin)],
        )  # fmt: skip


def measure(
    small: int = SMALL, large: int = 10_000, schedules: int = 200, campaigns: int = 10
) -> Iterator[Figure]:
    """Each figure as soon as it is known."""
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        with closing(Field(Path(folder) / "commune", small, schedules, campaigns)) as field:
            yield from _bare(field, schedules)
            yield from _year(
                field, f"{schedules} lịch, {campaigns} chiến dịch {CAMPAIGN_DAYS} ngày", "< 2 s"
            )
            yield from _conflicts(field)
        with closing(Field(Path(folder) / "full", small, schedules, campaigns, YEAR)) as field:
            yield from _year(
                field,
                f"{schedules} lịch, {campaigns} chiến dịch suốt năm, ngày nào cũng phát",
                "< 2 s",
            )
        with closing(Field(Path(folder) / "province", large, 12, 2)) as field:
            yield from _two_days(field)


class Took(NamedTuple):
    """Seconds, and what came of it."""

    wall: float
    cpu: float
    found: Any

    def figure(self, what: str, *, bare: float | None = None, goal: str = "") -> Figure:
        return Figure(f"{what}, CPU {self.cpu:.2f} s", self.wall, "s", bare, goal)


def _took(
    field: Field, work: Callable[[Session], Any], *, turns: int = TURNS, writes: bool = False
) -> Took:
    """The best of a few turns, each with a session of its own that knows nothing."""
    database, found = field.ground.database, []
    for _ in range(turns):
        with database.write() if writes else database.read() as session:
            begun, cpu = clocks.perf_counter(), clocks.process_time()
            result = work(session)
            found.append(Took(clocks.perf_counter() - begun, clocks.process_time() - cpu, result))
    return min(found, key=lambda each: each.wall)


def _bare(field: Field, schedules: int) -> Iterator[Figure]:
    bare = _took(field, lambda _: _expanded(field, schedules))
    yield bare.figure(
        f"Chỉ khai triển {schedules} quy tắc bằng python-dateutil ({bare.found} ngày)"
    )


def _year(field: Field, what: str, goal: str) -> Iterator[Figure]:
    until = after(field.now, YEAR * DAY)
    bare = _took(field, lambda _: _expanded(field, field.schedules))
    year = _took(
        field, lambda session: len(projection.project(session, field.now, until, field.rules))
    )
    what = f"Một năm, {what}, {field.ground.count} đầu thu ({year.found} lượt)"
    yield year.figure(what, bare=bare.wall, goal=goal)


def _expanded(field: Field, schedules: int) -> int:
    """The days of the same rules in the same year, and nothing else."""
    begin = datetime.combine(field.today, time())
    end = begin + timedelta(days=YEAR - 1)
    rules = [RULES[number % len(RULES)] for number in range(schedules)]
    return sum(len(rrulestr(rule, dtstart=begin).between(begin, end, inc=True)) for rule in rules)


def _conflicts(field: Field) -> Iterator[Figure]:
    asked = asking(field)
    took = _took(
        field, lambda session: len(conflicts.check(session, asked, field.rules)[0].clashes)
    )
    what = (
        f"Kiểm tra trùng khi lưu, {len(asked.moments)} lượt trong một năm ({took.found} chỗ trùng)"
    )
    yield took.figure(what, goal="< 0,3 s")


def asking(field: Field) -> Asked:
    """Five minutes at 17:10 every day of a year, everywhere."""
    return Asked(
        title="Đo", priority=Priority.NORMAL, where=Where((field.ground.commune,)),
        moments=_daily(field.today, field.zone), ms=5 * MINUTE, kind="schedule",
    )  # fmt: skip


def _daily(first: date, zone: ZoneInfo) -> list[Instant]:
    days = (first + timedelta(days=n) for n in range(YEAR))
    return [instant(datetime.combine(day, time(17, 10), tzinfo=zone)) for day in days]


def _two_days(field: Field) -> Iterator[Figure]:
    took = _took(field, _planned(field, field.now), turns=1, writes=True)
    with field.ground.database.read() as session:
        deliveries = session.scalar(sa.select(sa.func.count(Delivery.id))) or 0
    what = f"48 giờ cho {field.ground.count} đầu thu ({took.found} lượt phát, {deliveries} lệnh)"
    yield took.figure(what, goal="< 10 s")
    again = _took(field, _planned(field, after(field.now, SECOND)), turns=1, writes=True)
    yield again.figure("  ngay sau đó, không có gì đổi")


def _planned(field: Field, now: Instant) -> Callable[[Session], int]:
    return lambda session: planner.plan(session, now, field.rules)
