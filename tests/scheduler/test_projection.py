"""What is to sound in any span, from rows where planned and from wishes beyond."""

from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Draft, Priority
from content.parts import spoken
from content.recordings import Recording
from content.relays import Relay
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after
from scheduler import (
    broadcasts,
    context,
    day_plan,
    levels,
    planner,
    projection,
    regulation,
    schedules,
)
from scheduler.broadcasts import Broadcast, Delivery, State
from scheduler.broadcasts import DeliveryState as D
from scheduler.channel import Fate
from scheduler.days import DayMark
from scheduler.outlook import Outlook
from scheduler.projection import Asking, Sound
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Kind, Rule, Schedule
from scheduler.sources import Rules, Wanted, WhyNot
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast, add_receiver, approved_bulletin, settle_in, vn

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
TODAY = date(2026, 11, 21)


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [regulation.parse_quiet("21:00-05:00")], NOON)
    return settle_in(session)


def daily(session: Session, cast: Cast, at: time = time(17), **changes: object) -> Schedule:
    fields = {"ms": 45 * SECOND} | changes.pop("bulletin", {})
    bulletin = approved_bulletin(session, cast, **fields)
    usual = {"kind": Kind.DAILY, "at": at, "start_date": TODAY, "area_ids": (cast.commune.id,)}
    return schedules.add(
        session, bulletin, cast.hoa, Rule(**(usual | changes)), now=NOON, zone=ZONE
    )


def project(session: Session, days: int = 7, since: Instant = NOON, **more: object) -> list[Sound]:
    return projection.project(session, since, after(since, days * DAY), RULES, **more)


def test_rows_go_before_wishes_and_nothing_is_told_twice(session: Session, cast: Cast) -> None:
    daily(session, cast)
    before = project(session)
    planner.plan(session, NOON, RULES)
    found = project(session)
    assert [one.starts_at for one in found] == [vn(f"2026-11-{n} 17:00") for n in range(21, 28)]
    assert [one.broadcast_id is not None for one in found] == [True] * 2 + [False] * 5
    assert [one[:9] for one in found] == [one[:9] for one in before]
    assert found[0].ms == found[-1].ms == 45 * SECOND


def test_a_changed_mind_is_told_before_the_planner_has_followed(
    session: Session, cast: Cast
) -> None:
    schedule = daily(session, cast)
    planner.plan(session, NOON, RULES)
    schedule.at, schedule.planned_until = time(18), NOON
    session.flush()
    assert {one.starts_at - vn("2026-11-21 18:00") for one in project(session, 2)} == {0, DAY}


def test_what_staff_stopped_stays_stopped(session: Session, cast: Cast) -> None:
    schedule = daily(session, cast)
    planner.plan(session, NOON, RULES)
    first = session.scalars(sa.select(Broadcast).order_by(Broadcast.starts_at)).first()
    broadcasts.stop(session, first, cast.minh, NOON)
    schedule.planned_until = NOON
    found = project(session, 2)
    assert [(one.why_not and one.why_not.code, one.state) for one in found] == [
        ("stopped", State.CANCELLED), (None, State.PLANNED),
    ]  # fmt: skip
    assert found[0].why_not.sentence == "Minh dừng"


def test_ended_and_withdrawn_sources_want_nothing(session: Session, cast: Cast) -> None:
    ended, withdrawn = daily(session, cast), daily(session, cast, time(18))
    schedules.end(session, ended, cast.hoa, NOON)
    bulletins.withdraw(session, withdrawn.bulletin, cast.hoa, NOON)
    assert project(session) == []


@pytest.mark.parametrize(
    ("mark", "priority", "code"),
    [
        ("normal", Priority.NORMAL, None),
        ("mourning", Priority.NORMAL, "day_kind"),
        ("mourning", Priority.PRIORITY, None),
    ],
)
def test_a_kind_of_day_silences_beyond_what_is_planned(
    session: Session, cast: Cast, mark: str, priority: Priority, code: str | None
) -> None:
    day = date(2026, 11, 26)
    daily(session, cast, bulletin={"priority": priority})
    session.add(
        DayMark(
            first=day, last=day, kind=mark, name="Quốc tang", staff_id=cast.hoa.id, made_at=NOON
        )
    )
    session.flush()
    found = {f"{one.starts_at}": one.why_not for one in project(session)}
    why_not = found[str(vn("2026-11-26 17:00"))]
    assert (why_not and why_not.code) == code
    assert sum(one is None for one in found.values()) == (7 if code is None else 6)


def test_quiet_hours_to_come_silence_what_was_allowed_before(session: Session, cast: Cast) -> None:
    daily(session, cast)
    later = after(NOON, 4 * DAY)
    quiet = [regulation.parse_quiet("16:00-18:00")]
    regulation.add(session, cast.admin, quiet, Rulebook(), since=later, now=NOON)
    found = project(session)
    assert [one.why_not.code if one.why_not else "" for one in found] == [""] * 4 + ["quiet"] * 3
    assert "16:00–18:00" in found[-1].why_not.sentence


def two_languages(session: Session, cast: Cast, at: time) -> Schedule:
    """Thirty seconds in Kinh, forty in the Tày of the second village."""
    schedule = daily(session, cast, at, bulletin={"ms": 30 * SECOND})
    recording = session.get_one(Recording, schedule.bulletin.sounds["vi"])
    tay = {name: getattr(recording, name) for name in ("size", "lufs", "true_peak_db", "peaks",
           "voices", "notes", "spoken", "made_at")}  # fmt: skip
    session.add(Recording(sha256="7" * 64, ms=40 * SECOND, **tay))
    schedule.bulletin.sounds = schedule.bulletin.sounds | {"tyz": "7" * 64}
    cast.villages[1].language = "tyz"
    session.flush()
    return schedule


@pytest.mark.parametrize(("at", "code"), [("20:59:25", None), ("20:59:35", "quiet")])
def test_quiet_hours_silence_a_wish_only_where_every_language_reaches_into_them(
    session: Session, cast: Cast, at: str, code: str | None
) -> None:
    schedule = two_languages(session, cast, time(17))
    schedule.at = time.fromisoformat(at)
    (found,) = project(session, 1, vn("2026-11-23 12:00"))
    assert (found.why_not and found.why_not.code, found.ms) == (code, 40 * SECOND)


@pytest.mark.parametrize(("at", "code"), [("20:59:25", None), ("20:59:35", "quiet")])
def test_a_row_that_quiet_hours_bar_everywhere_says_so(
    session: Session, cast: Cast, at: str, code: str | None
) -> None:
    schedule = two_languages(session, cast, time(17))
    schedule.at = time.fromisoformat(at)
    planner.plan(session, NOON, RULES)
    (found,) = project(session, 1)
    assert (found.broadcast_id is None, found.why_not and found.why_not.code) == (False, code)


def test_what_a_changed_mind_closed_is_not_told_beside_what_came_in_its_place(
    session: Session, cast: Cast
) -> None:
    schedule = daily(session, cast)
    planner.plan(session, NOON, RULES)
    schedule.at, schedule.planned_until = time(18), NOON
    planner.plan(session, NOON, RULES)
    assert [one.sound.starts_at for one in lines(session, cast)] == [vn("2026-11-21 18:00")]
    later = after(NOON, 6 * HOUR)
    told = {one.starts_at: one.why_not for one in project(session, 1, now=later)}
    assert told[vn("2026-11-21 17:00")] is not None, "what is over is told as it was"


def test_a_bulletin_is_told_only_while_it_is_valid(session: Session, cast: Cast) -> None:
    schedule = daily(session, cast)
    schedule.bulletin.valid_until = date(2026, 11, 24)
    codes = [one.why_not.code if one.why_not else "" for one in project(session)]
    assert codes == [""] * 4 + ["not_valid"] * 3


def test_what_nobody_has_approved_is_marked(session: Session, cast: Cast) -> None:
    draft = bulletins.write(session, cast.hoa, Draft(title="Họp", parts=spoken("Họp.")), NOON)
    rule = Rule(kind=Kind.ONCE, at=time(17), start_date=date(2026, 11, 27), area_ids=(1,))
    schedules.add(session, draft, cast.hoa, rule, now=NOON, zone=ZONE)
    (found,) = project(session)
    assert (found.approved, found.ms, found.why_not) == (False, 0, None)


def test_the_longest_of_the_languages_heard_there_counts(session: Session, cast: Cast) -> None:
    relayed = Relay(url="https://example.vn/a.mp3", ms=30 * MINUTE)
    schedule = daily(session, cast)
    planner.plan(session, NOON, RULES)
    row = session.scalars(sa.select(Broadcast).order_by(Broadcast.starts_at)).first()
    row.relay = relayed
    assert [one.ms for one in project(session, 2)] == [30 * MINUTE, 45 * SECOND]
    assert schedule.minutes == 0


def test_a_sound_that_began_before_the_span_and_goes_on_is_in_it(
    session: Session, cast: Cast
) -> None:
    daily(session, cast, bulletin={"ms": 10 * MINUTE})
    on_air, after_it = vn("2026-11-24 17:05"), vn("2026-11-24 17:10")
    assert starts_of(project(session, 1, on_air))[0] == vn("2026-11-24 17:00")
    assert starts_of(project(session, 1, after_it)) == [vn("2026-11-25 17:00")]


def starts_of(found: list[Sound]) -> list[Instant]:
    return [one.starts_at for one in found]


def test_it_is_narrowed_to_kinds_of_source(session: Session, cast: Cast) -> None:
    daily(session, cast)
    planner.plan(session, NOON, RULES)
    assert project(session, columns=["campaign_id"]) == []
    assert len(project(session, columns=["schedule_id"])) == 7


def test_the_core_asks_each_source_once(session: Session, cast: Cast) -> None:
    schedule, asked = daily(session, cast), []

    def wanted(source: Schedule, since: Instant, until: Instant, _context: object) -> list[Wanted]:
        asked.append((since, until))
        wish = Wanted(
            starts_at=after(since, HOUR), bulletin=source.bulletin, where=source.where, origin="Thử", by="Hoa",
            item=2, relay=Relay(url="https://example.vn/a.mp3", ms=MINUTE), why_not=WhyNot("cut", "Hết giờ."),
        )  # fmt: skip
        return [wish]

    found = context.read(session, RULES)
    asking = [Asking("programme_id", schedule, wanted)]
    (sound,) = projection.sounds(asking, after(NOON, -DAY), after(NOON, 300 * DAY), found)
    assert asked == [(NOON, after(NOON, 300 * DAY))], "not before it was planned"
    assert (sound.column, sound.item, sound.ms, sound.is_relay) == ("programme_id", 2, MINUTE, True)
    assert (sound.why_not, sound.origin, sound.by) == (WhyNot("cut", "Hết giờ."), "Thử", "Hoa")
    assert sound.name == f"{schedule.uid}.i2"


# -- the plan of a day ----------------------------------------------------------------------------


def lines(
    session: Session, cast: Cast, receivers: list[str] | None = None, now: Instant = NOON
) -> list[day_plan.Line]:
    ids = receivers or [each.id for each in cast.receivers]
    found = context.read(session, RULES)
    return day_plan.lines(session, found, ids, NOON, after(NOON, 12 * HOUR), now)


def test_each_line_says_what_others_do_to_it_and_where(session: Session, cast: Cast) -> None:
    daily(session, cast, bulletin={"title": "Dài", "ms": 5 * MINUTE})
    east = (cast.villages[0].id,)
    daily(
        session,
        cast,
        time(17, 1),
        area_ids=east,
        bulletin={"title": "Gấp", "priority": Priority.PRIORITY},
    )
    long, urgent = lines(session, cast)
    assert (long.receivers, urgent.receivers, urgent.hindrances) == (3, 1, [])
    (hindrance,) = long.hindrances
    assert (hindrance.fate, hindrance.by.title, hindrance.receivers) == (Fate.INTERRUPTED, "Gấp", 1)
    assert lines(session, cast, ["r-0001"])[0].hindrances == []


def test_an_officers_decision_is_followed_where_it_holds(session: Session, cast: Cast) -> None:
    for minute, title in ((0, "Tỉnh"), (1, "Xã")):
        daily(
            session, cast, time(17, minute),
            bulletin={"title": title, "priority": Priority.PRIORITY, "ms": 2 * MINUTE},
        )  # fmt: skip
    planner.plan(session, NOON, RULES)
    first, second = session.scalars(
        sa.select(Broadcast).order_by(Broadcast.starts_at).limit(2)
    ).all()
    session.add(
        levels.AreaDecision(
            area_id=cast.villages[0].id,
            broadcast_id=second.id,
            other_id=first.id,
            said=levels.Said.FIRST,
            staff_id=cast.minh.id,
            at=NOON,
        )
    )
    session.flush()
    (hindrance, *_) = lines(session, cast, ["r-0000"])[0].hindrances
    assert (hindrance.fate, hindrance.by.title) == (Fate.GAVE_WAY, "Xã")
    assert lines(session, cast, ["r-0001"])[0].hindrances == []


def test_what_is_over_is_told_by_what_is_known_of_it(session: Session, cast: Cast) -> None:
    daily(session, cast, bulletin={"priority": Priority.NORMAL})
    planner.plan(session, NOON, RULES)
    rows = session.scalars(
        sa.select(Delivery).order_by(Delivery.broadcast_id, Delivery.receiver_id)
    )
    one, other, third = rows.all()[:3]
    one.state, other.state, third.state = D.PLAYED, D.UNKNOWN, D.MISSED
    session.flush()
    later = after(NOON, 6 * HOUR)
    (line,) = lines(session, cast, now=later)
    assert (line.tally.of(D.PLAYED), line.tally.of(D.UNKNOWN), line.receivers) == (1, 1, 3)
    assert lines(session, cast, [other.receiver_id], later)[0].is_heard, (
        "nobody knows that it was not"
    )
    assert not lines(session, cast, [third.receiver_id], later)[0].is_heard
    cast.receivers[0].area_id = cast.villages[1].id
    cast.receivers[0].active = False
    session.flush()
    assert lines(session, cast, [one.receiver_id], later)[0].tally.of(D.PLAYED) == 1


def test_receivers_not_meant_have_no_line(session: Session, cast: Cast) -> None:
    daily(session, cast, area_ids=(cast.villages[0].id,))
    stranger = add_receiver(session, cast, "r-0009", cast.villages[1])
    assert lines(session, cast, [stranger.id]) == []


# -- the outlook ----------------------------------------------------------------------------------


def outlook(session: Session, days: int = 3) -> Outlook:
    return Outlook(context.read(session, RULES), NOON, after(NOON, days * DAY))


@pytest.mark.parametrize(
    ("start", "end", "breaks"),
    [
        ("20:00", "21:00", False),
        ("20:59", "21:01", True),
        ("23:30", "23:31", True),
        ("05:00", "05:30", False),
        ("04:59", "05:00", True),
    ],
)
def test_quiet_hours_pass_midnight(
    session: Session, cast: Cast, start: str, end: str, breaks: bool
) -> None:
    span = (vn(f"2026-11-22 {start}"), vn(f"2026-11-22 {end}"))
    assert outlook(session).is_broken(*span) is breaks


def test_quiet_hours_within_others_hide_none(session: Session, cast: Cast) -> None:
    quiet = [regulation.parse_quiet(text) for text in ("10:00-16:00", "11:00-12:00")]
    regulation.add(session, cast.admin, quiet, Rulebook(), since=NOON, now=NOON)
    found = outlook(session)
    assert found.is_broken(vn("2026-11-22 15:00"), vn("2026-11-22 15:01"))
    assert not found.is_broken(vn("2026-11-22 16:00"), vn("2026-11-22 16:01"))


def test_the_sessions_of_a_day_are_those_of_its_rules(session: Session, cast: Cast) -> None:
    slots = (Slot(key="chieu", name="Chiều", start="17:00", minutes=30, weekdays=(6,)),)
    regulation.add(session, cast.admin, [], Rulebook(slots=slots), since=NOON, now=NOON)
    found = outlook(session)
    assert [(one.since, one.until) for one in found.sessions(date(2026, 11, 22))] == [
        (vn("2026-11-22 17:00"), vn("2026-11-22 17:30"))
    ]
    assert found.sessions(date(2026, 11, 23)) == []


def test_without_a_regulation_nothing_is_quiet(session: Session) -> None:
    settle_in(session)
    found = outlook(session)
    assert (found.quiet, found.is_broken(NOON, after(NOON, DAY))) == ([], False)


def test_where_is_resolved_by_the_fleet_as_it_stands(session: Session, cast: Cast) -> None:
    daily(session, cast, area_ids=(cast.villages[1].id,))
    found = context.read(session, RULES)
    sounds = project(session, 1)
    assert projection.at_receiver(sounds, found, "r-0001") == sounds
    assert projection.at_receiver(sounds, found, "r-0000") == []
    assert found.fleet.resolve(Where(receiver_ids=("r-0002",))) == {"r-0002"}
