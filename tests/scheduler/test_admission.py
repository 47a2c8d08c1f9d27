from __future__ import annotations

import json
import random
from datetime import date, time, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin, Priority
from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import ScheduleError
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after, local
from scheduler import admission, amending, context, regulation, schedules, sums
from scheduler.admission import Asked, ReasonNeeded
from scheduler.amending import Marking
from scheduler.planner import Rules
from scheduler.rulebook import USUAL_KINDS, Rulebook, Slot
from scheduler.schedules import Kind, Rule, Schedule
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn

RULES = Rules(zone=ZONE, horizon=2 * DAY, late=MINUTE)
EVENING = Slot(key="chieu", name="Chiều", start="17:00", minutes=15)
MORNING = Slot(key="sang", name="Sáng", start="07:00", minutes=15)
STRICT = Rulebook(slots=(MORNING, EVENING), outside="reason", too_long="reason")
MONDAY = "2026-11-23"


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session)


def put_in_force(session: Session, rules: Rulebook, since: Instant = NOON) -> None:
    quiet = [regulation.parse_quiet("21:00-05:00")]
    regulation.add(session, None, quiet, rules, since=since, now=NOON)


def strict(**changes: object) -> Rulebook:
    return msgspec.structs.replace(STRICT, **changes)


def asked(cast: Cast, *moments: str, minutes: float = 5, **changes: object) -> Asked:
    usual = {
        "title": "Lịch tiêm chủng", "priority": Priority.NORMAL, "where": Where((cast.commune.id,)),
        "moments": [vn(each) for each in moments], "ms": int(minutes * MINUTE), "kind": "schedule",
    }  # fmt: skip
    return Asked(**{**usual, **changes})


def broken(session: Session, wanted: Asked) -> list[tuple[str, str]]:
    return [(f.rule, f.answer) for f in admission.findings(session, wanted, NOON, ZONE)]


def sentences(session: Session, wanted: Asked) -> str:
    return " ".join(f.sentence for f in admission.findings(session, wanted, NOON, ZONE))


def schedule(
    session: Session, cast: Cast, at: str, minutes: float = 10, **changes: object
) -> Bulletin:
    """Daily, unless changed; put in without asking."""
    bulletin = approved_bulletin(session, cast, ms=int(minutes * MINUTE))
    usual = {"kind": Kind.DAILY, "at": time.fromisoformat(at), "start_date": date(2026, 11, 21),
             "area_ids": (cast.commune.id,)}  # fmt: skip
    rule = Rule(**{**usual, **changes})
    schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE, waived_why="để thử")
    return bulletin


# -- hours ----------------------------------------------------------------------------------------


def test_a_relay_mis_set_to_a_quarter_past_three_is_refused(session: Session, cast: Cast) -> None:
    put_in_force(session, Rulebook())
    wanted = asked(cast, f"{MONDAY} 03:15", minutes=30)
    assert broken(session, wanted) == [("quiet", "refuse")]
    with pytest.raises(ScheduleError, match=r"03:15.*giờ không phát 21:00–05:00") as caught:
        admission.demand(session, wanted, NOON, ZONE, "cứ cho phát")
    assert caught.value.field == "at"


@pytest.mark.parametrize("priority", [Priority.NORMAL, Priority.PRIORITY])
def test_only_an_emergency_may_sound_at_night(
    session: Session, cast: Cast, priority: Priority
) -> None:
    put_in_force(session, STRICT)
    night = asked(cast, f"{MONDAY} 23:00", priority=priority)
    assert ("quiet", "refuse") in broken(session, night)
    assert broken(session, asked(cast, f"{MONDAY} 23:00", priority=Priority.EMERGENCY)) == []


def test_a_relay_counts_whole_so_that_it_may_not_run_into_the_night(
    session: Session, cast: Cast
) -> None:
    put_in_force(session, Rulebook())
    assert broken(session, asked(cast, f"{MONDAY} 20:30", minutes=29)) == []
    assert broken(session, asked(cast, f"{MONDAY} 20:30", minutes=30)) == [("quiet", "refuse")]


def test_one_night_in_a_year_is_enough(session: Session, cast: Cast) -> None:
    put_in_force(session, Rulebook())
    until = regulation.parse_quiet("21:00-06:30")
    regulation.add(
        session, None, [until], Rulebook(), since=vn("2027-06-01 00:00"), now=NOON
    )  # fmt: skip
    year = [after(vn("2026-11-22 06:00"), n * DAY) for n in range(365)]
    (found,) = admission.findings(session, asked(cast, moments=year), NOON, ZONE)
    assert (found.rule, found.moment) == ("quiet", vn("2027-06-01 06:00"))


def test_what_has_passed_does_not_count(session: Session, cast: Cast) -> None:
    put_in_force(session, Rulebook())
    assert broken(session, asked(cast, "2026-11-21 03:15", f"{MONDAY} 17:00")) == []


# -- days -----------------------------------------------------------------------------------------


def test_a_day_of_mourning_refuses_what_is_normal(session: Session, cast: Cast) -> None:
    put_in_force(session, Rulebook())
    day = date(2026, 11, 23)
    marking = Marking(kind="mourning", first=day, last=day, name="Quốc tang")
    amending.mark(session, cast.hoa, marking, NOON, RULES)
    wanted = asked(cast, "2026-11-22 17:00", f"{MONDAY} 17:00")
    (found,) = admission.findings(session, wanted, NOON, ZONE)
    assert (found.rule, found.answer, found.moment) == ("day_kind", "refuse", vn(f"{MONDAY} 17:00"))
    assert "Quốc tang (Hoa ghi ngày 21/11/2026)" in found.sentence
    urgent = asked(cast, f"{MONDAY} 17:00", priority=Priority.PRIORITY)
    assert broken(session, urgent) == []


# -- sessions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["reason", "refuse"])
def test_outside_all_sessions_the_rulebook_says_what_to_do(
    session: Session, cast: Cast, answer: str
) -> None:
    put_in_force(session, strict(outside=answer))
    assert broken(session, asked(cast, f"{MONDAY} 12:30")) == [("outside", answer)]
    told = sentences(session, asked(cast, f"{MONDAY} 12:30"))
    assert "12:30 ngày 23/11/2026" in told
    assert "“Sáng” (07:00, 15 phút), “Chiều” (17:00, 15 phút)" in told


def test_a_rulebook_that_allows_it_or_has_no_sessions_has_no_outside(
    session: Session, cast: Cast
) -> None:
    put_in_force(session, strict(outside="allow"))
    assert broken(session, asked(cast, f"{MONDAY} 12:30")) == []
    put_in_force(session, Rulebook(outside="refuse"))
    assert broken(session, asked(cast, f"{MONDAY} 12:30")) == []


def test_priority_bulletins_are_bound_to_no_session(session: Session, cast: Cast) -> None:
    put_in_force(session, strict(outside="refuse"))
    assert broken(session, asked(cast, f"{MONDAY} 12:30", priority=Priority.PRIORITY)) == []


def test_a_weekend_without_sessions_is_all_outside(session: Session, cast: Cast) -> None:
    kinds = tuple(
        msgspec.structs.replace(kind, sessions=kind.key != "weekend") for kind in USUAL_KINDS
    )
    put_in_force(session, strict(kinds=kinds))
    wanted = asked(cast, f"{MONDAY} 17:00", "2026-11-28 17:00")
    (found,) = admission.findings(session, wanted, NOON, ZONE)
    assert (found.rule, found.moment) == ("outside", vn("2026-11-28 17:00"))
    assert "không có khung giờ nào" in found.sentence


def test_a_session_of_one_village_is_none_for_the_others(session: Session, cast: Cast) -> None:
    here = cast.villages[0].id
    put_in_force(session, strict(slots=(msgspec.structs.replace(EVENING, area_ids=(here,)),)))
    at = f"{MONDAY} 17:00"
    assert broken(session, asked(cast, at, where=Where((here,)))) == []
    assert broken(session, asked(cast, at)) == [("outside", "reason")]


def test_it_may_not_begin_in_a_session_and_end_after_it(session: Session, cast: Cast) -> None:
    put_in_force(session, STRICT)
    assert broken(session, asked(cast, f"{MONDAY} 17:10", minutes=5)) == []
    late = asked(cast, f"{MONDAY} 17:10", minutes=5.1)
    assert broken(session, late) == [("session_minutes", "reason")]
    assert "quá cuối khung giờ “Chiều”" in sentences(session, late)


def test_a_session_takes_no_more_than_its_minutes_at_any_receiver(
    session: Session, cast: Cast
) -> None:
    put_in_force(session, STRICT)
    schedule(session, cast, "17:00", 8, area_ids=(cast.villages[1].id,))
    first = asked(cast, f"{MONDAY} 17:05", minutes=7)
    assert broken(session, first) == []
    more = asked(cast, f"{MONDAY} 17:05", minutes=7.5)
    (found,) = admission.findings(session, more, NOON, ZONE)
    assert (found.rule, found.answer) == ("session_minutes", "reason")
    assert "đầu thu Cột r-0001 đã có 8 phút, thêm 7 phút 30 giây là quá 15 phút" in found.sentence
    elsewhere = asked(
        cast, f"{MONDAY} 17:05", minutes=7.5, where=Where((cast.villages[0].id,))
    )  # fmt: skip
    assert broken(session, elsewhere) == []


def test_what_is_about_to_be_changed_does_not_stand_in_its_own_way(
    session: Session, cast: Cast
) -> None:
    put_in_force(session, STRICT)
    schedule(session, cast, "17:00", 10)
    wanted = asked(cast, f"{MONDAY} 17:00", minutes=12)
    assert broken(session, wanted) == [("session_minutes", "reason")]
    instead = asked(cast, f"{MONDAY} 17:00", minutes=12, without=("schedule_id", 1))
    assert broken(session, instead) == []


@pytest.mark.parametrize(
    ("rule", "broken_on"),
    [
        ({"kind": Kind.WEEKDAYS, "weekdays": (2,)}, "2026-11-25"),
        ({"kind": Kind.OTHER, "recurs": "FREQ=DAILY;INTERVAL=3"}, "2026-11-24"),
        ({"kind": Kind.OTHER, "recurs": "FREQ=MONTHLY;BYMONTHDAY=-1"}, "2026-11-30"),
        ({"kind": Kind.ONCE, "start_date": date(2026, 12, 9)}, "2026-12-09"),
        ({"kind": Kind.DAILY, "start_date": date(2026, 12, 5)}, "2026-12-05"),
        ({"kind": Kind.DAILY, "end_date": date(2026, 11, 22)}, None),
        ({"kind": Kind.DAILY, "skips": ("normal",)}, "2026-11-24"),  # a day off
    ],
)  # fmt: skip
def test_it_finds_the_first_day_that_is_too_full(
    session: Session, cast: Cast, rule: dict[str, object], broken_on: str | None
) -> None:
    put_in_force(session, STRICT)
    schedule(session, cast, "17:00", 10, **rule)
    moments = [after(vn(f"{MONDAY} 17:02"), n * DAY) for n in range(60)]
    found = admission.findings(session, asked(cast, moments=moments, minutes=6), NOON, ZONE)
    at = vn(f"{broken_on} 17:02") if broken_on else None
    assert [f.moment for f in found] == ([at] if at else [])


def test_a_day_takes_no_more_than_its_minutes_and_says_how_many(
    session: Session, cast: Cast
) -> None:
    put_in_force(session, Rulebook(most_minutes=20, too_long="refuse"))
    schedule(session, cast, "06:30", 8)
    schedule(session, cast, "17:30", 8)
    assert broken(session, asked(cast, f"{MONDAY} 12:00", minutes=4)) == []
    assert broken(session, asked(cast, f"{MONDAY} 12:00", minutes=4.5)) == [
        ("day_minutes", "refuse")
    ]
    twice = asked(cast, f"{MONDAY} 12:00", f"{MONDAY} 13:00", minutes=2.5)
    assert "đã có 16 phút; thêm lượt này là 21 phút, quá 20 phút mỗi ngày" in sentences(
        session, twice
    )


def test_emergencies_and_campaigns_are_in_no_sum(session: Session, cast: Cast) -> None:
    put_in_force(session, Rulebook(most_minutes=10, too_long="refuse"))
    alarm = approved_bulletin(session, cast, ms=9 * MINUTE, priority=Priority.EMERGENCY)
    rule = Rule(kind=Kind.DAILY, at=time(17), start_date=date(2026, 11, 22), area_ids=(1,))
    schedules.add(session, alarm, cast.hoa, rule, now=NOON, zone=ZONE)
    assert broken(session, asked(cast, f"{MONDAY} 12:00", minutes=9)) == []
    window = asked(cast, f"{MONDAY} 12:00", minutes=11, kind="campaign")
    assert broken(session, window) == []


def test_a_day_has_no_more_sessions_than_it_may(session: Session, cast: Cast) -> None:
    put_in_force(session, strict(outside="allow", most_sessions=2))
    schedule(session, cast, "07:00", 1)
    assert broken(session, asked(cast, f"{MONDAY} 12:00", minutes=1)) == []
    schedule(session, cast, "17:00", 1)
    wanted = asked(cast, f"{MONDAY} 12:00", minutes=1)
    assert broken(session, wanted) == [("day_sessions", "reason")]
    assert "sẽ có 3 buổi phát, quá 2 buổi" in sentences(session, wanted)
    assert broken(session, asked(cast, f"{MONDAY} 17:05", minutes=1)) == []


def test_where_sums_are_not_looked_at_nothing_is_too_long(session: Session, cast: Cast) -> None:
    put_in_force(session, strict(too_long="allow", most_minutes=1, most_sessions=1))
    assert broken(session, asked(cast, f"{MONDAY} 17:14", minutes=60)) == []


# -- with an officer's reason ---------------------------------------------------------------------


def test_a_reason_lets_it_through_and_is_logged(session: Session, cast: Cast) -> None:
    put_in_force(session, STRICT)
    wanted = asked(cast, f"{MONDAY} 12:30")
    for nothing in ("", "  ", "."):
        with pytest.raises(ReasonNeeded) as caught:
            admission.demand(session, wanted, NOON, ZONE, nothing)
    assert caught.value.field == "waived_why"
    assert [found.rule for found in caught.value.findings] == ["outside"]
    rules = admission.demand(session, wanted, NOON, ZONE, "Đại hội thôn")
    assert rules == ["outside"]
    admission.note(session, cast.hoa, rules, "Đại hội thôn", NOON, schedule=7)
    kept = sa.select(AuditEntry).where(AuditEntry.kind == "schedule.waived")
    (entry,) = session.scalars(kept)
    assert json.loads(entry.data) == {"rules": ["outside"], "why": "Đại hội thôn", "schedule": 7}


def test_no_reason_lets_through_what_is_refused(session: Session, cast: Cast) -> None:
    put_in_force(session, strict(outside="refuse"))
    with pytest.raises(ScheduleError, match="nằm ngoài") as caught:
        admission.demand(session, asked(cast, f"{MONDAY} 12:30"), NOON, ZONE, "Đại hội thôn")
    assert not isinstance(caught.value, ReasonNeeded)


def test_where_nothing_is_broken_nothing_is_logged(session: Session, cast: Cast) -> None:
    put_in_force(session, STRICT)
    assert admission.demand(session, asked(cast, f"{MONDAY} 17:00"), NOON, ZONE, "thừa") == []
    before = session.scalar(sa.select(sa.func.count()).select_from(AuditEntry))
    admission.note(session, cast.hoa, [], "thừa", NOON, schedule=7)
    assert session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)) == before


def test_seconds_are_said_where_there_are_any() -> None:
    assert [sums.words(n) for n in (0, 30 * SECOND, MINUTE, 90 * SECOND)] == [
        "0 phút", "30 giây", "1 phút", "1 phút 30 giây",
    ]  # fmt: skip


# -- against adding up by hand --------------------------------------------------------------------

RECURS = (
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=2",
    "FREQ=WEEKLY;BYDAY=MO,TH",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "FREQ=MONTHLY;BYMONTHDAY=1,-1",
    "FREQ=MONTHLY;BYDAY=2SU",
    "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=1,15",
)


@pytest.mark.parametrize("seed", range(8))
def test_it_finds_what_adding_up_receiver_by_receiver_finds(
    session: Session, cast: Cast, seed: int
) -> None:
    dice = random.Random(seed)
    rules = strict(
        outside="allow", most_minutes=dice.randrange(15, 45), most_sessions=dice.randrange(2, 4),
        slots=(MORNING, msgspec.structs.replace(EVENING, area_ids=(cast.villages[0].id,))),
    )  # fmt: skip
    put_in_force(session, Rulebook())
    for _ in range(12):
        schedule(
            session, cast, f"{dice.choice((7, 7, 7, 12, 17, 17, 17, 19)):02d}:{dice.randrange(0, 12):02d}",
            dice.randrange(3, 9), kind=Kind.OTHER, recurs=dice.choice(RECURS),
            start_date=date(2026, 11, 22) + timedelta(days=dice.randrange(20)),
            skips=dice.choice(((), (), ("holiday",))), area_ids=(dice.choice([cast.commune, *cast.villages]).id,),
        )  # fmt: skip
    put_in_force(session, rules)
    at = dice.choice(("07:01", "07:01", "12:30", "17:02", "17:02", "19:30"))
    moments = [after(vn(f"2026-11-22 {at}"), n * DAY) for n in range(45)]
    wanted = asked(cast, moments=moments, minutes=dice.randrange(3, 10))
    found = {f.rule: f.moment for f in admission.findings(session, wanted, NOON, ZONE)}
    assert found == by_hand(session, cast, rules, wanted)


def by_hand(session: Session, cast: Cast, rules: Rulebook, wanted: Asked) -> dict[str, Instant]:
    known = context.read(session, RULES)
    all_of = session.scalars(sa.select(Schedule)).all()
    found: dict[str, Instant] = {}
    for moment in wanted.moments:
        midnight = Instant(moment - (moment + 7 * HOUR) % DAY)
        for receiver in cast.receivers:
            heard = [
                (wish.starts_at, known.length_ms(wish.bulletin, wish.where))
                for each in all_of
                if receiver.id in known.fleet.resolve(each.where)
                for wish in schedules.wanted(each, midnight, after(midnight, DAY), known)
                if wish.why_not is None
            ]
            with_it = [*heard, (moment, wanted.ms)]
            line = known.fleet.line(receiver.area_id)
            slots = [slot for slot in rules.slots if slot.is_for(line)]
            broken = {
                "day_minutes": sum(ms for _, ms in with_it) > (rules.most_minutes or 0) * MINUTE,
                "day_sessions": len(sittings(with_it, slots)) > (rules.most_sessions or 0)
                and sittings(with_it, slots) != sittings(heard, slots),
                "session_minutes": any(
                    sum(ms for start, ms in with_it if is_in(start, slot)) > slot.minutes * MINUTE
                    for slot in slots
                    if is_in(moment, slot)
                ),
            }
            for rule, is_broken in broken.items():
                if is_broken:
                    found.setdefault(rule, moment)
    return found


def is_in(moment: Instant, slot: Slot) -> bool:
    return slot.holds(local(moment, ZONE).time())


def sittings(heard: list[tuple[Instant, int]], slots: list[Slot]) -> set[str]:
    """The sessions of a day; outside of all, each hour in which anything begins."""
    return {
        next((slot.key for slot in slots if is_in(start, slot)), str(local(start, ZONE).hour))
        for start, _ in heard
    }
