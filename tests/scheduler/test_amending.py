from __future__ import annotations

from datetime import date, time
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from loa import config
from loa.audit import AuditEntry
from loa.core import Core
from loa.database import Database
from loa.errors import NotAllowed, ScheduleError
from loa.times import DAY, MINUTE, Instant, after
from scheduler import amending, effects, planner, regulation, schedules
from scheduler.amending import Draft, Marking
from scheduler.broadcasts import Broadcast
from scheduler.planner import Rules
from scheduler.plans import Plan
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Kind, Rule, Schedule
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn
from tests.loa.test_core import Paper

RULES = Rules(zone=ZONE, horizon=2 * DAY, late=MINUTE)
NIGHT = regulation.parse_quiet("21:00-05:00")
TOMORROW = date(2026, 11, 22)
MOURNING = Marking(kind="mourning", first=TOMORROW, last=TOMORROW, name="Quốc tang")
SESSIONS = Rulebook(
    slots=(
        Slot(key="sang", name="Sáng", start="07:00", minutes=15),
        Slot(key="chieu", name="Chiều", start="17:00", minutes=15),
    ),
    outside="reason",
)


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [NIGHT], after(NOON, -DAY))
    return settle_in(session)


def schedule(
    session: Session, cast: Cast, at: str, priority: Priority = Priority.NORMAL, **changes: object
) -> Schedule:
    bulletin = approved_bulletin(session, cast, ms=10 * MINUTE, priority=priority)
    usual = {"kind": Kind.DAILY, "at": time.fromisoformat(at), "start_date": date(2026, 11, 21),
             "area_ids": (cast.commune.id,)}  # fmt: skip
    rule = Rule(**{**usual, **changes})
    return schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)


def plan(session: Session, now: Instant = NOON) -> list[Broadcast]:
    planner.plan(session, now, RULES)
    return list(session.scalars(sa.select(Broadcast).order_by(Broadcast.starts_at, Broadcast.id)))


def on(found: list[Broadcast], day: date) -> list[tuple[str, str | None]]:
    since = vn(f"{day} 00:00")
    return [(b.state.value, b.code) for b in found if since <= b.starts_at < since + DAY]


def draft(**changes: object) -> Draft:
    return Draft(**{"quiet": [NIGHT], "rules": Rulebook(), **changes})


# -- a day ----------------------------------------------------------------------------------------


def test_a_day_of_mourning_silences_what_is_planned_and_says_so(
    session: Session, cast: Cast
) -> None:
    schedule(session, cast, "17:00")
    schedule(session, cast, "18:00", Priority.PRIORITY)
    plan(session)
    amending.mark(session, cast.hoa, MOURNING, NOON, RULES)
    found = plan(session)
    assert on(found, TOMORROW) == [("cancelled", "day_kind"), ("planned", None)]
    (silenced,) = [b for b in found if b.code == "day_kind"]
    assert silenced.reason == (
        "Ngày 22/11/2026 là Quốc tang (Hoa ghi ngày 21/11/2026): "
        "chỉ bản tin ưu tiên và khẩn cấp được phát."
    )
    assert on(found, date(2026, 11, 21)) == [("planned", None)] * 2


def test_planning_again_says_it_once(session: Session, cast: Cast) -> None:
    made = schedule(session, cast, "17:00")
    amending.mark(session, cast.hoa, MOURNING, NOON, RULES)
    plan(session)
    for _ in range(2):
        made.planned_until = NOON
        assert on(plan(session), TOMORROW) == [("cancelled", "day_kind")]


def test_taken_back_in_time_it_sounds_after_all(session: Session, cast: Cast) -> None:
    schedule(session, cast, "17:00")
    mark = amending.mark(session, cast.hoa, MOURNING, NOON, RULES)
    plan(session)
    amending.unmark(session, cast.minh, mark, after(NOON, 1000), RULES)
    found = plan(session, after(NOON, 1000))
    assert on(found, TOMORROW) == [("planned", None)]
    assert len({b.occurrence for b in found}) == len(found)
    amending.unmark(session, cast.minh, mark, after(NOON, 2000), RULES)
    assert mark.withdrawn_at == after(NOON, 1000)


def test_a_bulletin_that_becomes_normal_is_silenced_without_anybody_replanning(
    session: Session, cast: Cast
) -> None:
    made = schedule(session, cast, "18:00", Priority.PRIORITY)
    amending.mark(session, cast.hoa, MOURNING, NOON, RULES)
    assert on(plan(session), TOMORROW) == [("planned", None)]
    made.bulletin.priority = Priority.NORMAL
    assert on(plan(session), TOMORROW) == [("cancelled", "day_kind")]


def test_an_emergency_knows_no_mourning(session: Session, cast: Cast) -> None:
    schedule(session, cast, "17:00", Priority.EMERGENCY)
    amending.mark(session, cast.hoa, MOURNING, NOON, RULES)
    assert on(plan(session), TOMORROW) == [("planned", None)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"kind": "tet"}, "kind"),
        ({"last": date(2026, 11, 21)}, "last"),
        ({"first": date(2026, 11, 20)}, "first"),
        ({"last": date(2027, 11, 21)}, "last"),
        ({"first": date(2030, 1, 1), "last": date(2030, 1, 1)}, "first"),
    ],
)
def test_it_refuses_marks_that_cannot_be(
    session: Session, cast: Cast, changes: dict[str, object], field: str
) -> None:
    wanted = Marking(**{"kind": "mourning", "first": TOMORROW, "last": TOMORROW, "name": "A", **changes})  # fmt: skip
    with pytest.raises(ScheduleError) as caught:
        amending.mark(session, cast.hoa, wanted, NOON, RULES)
    assert caught.value.field == field
    with pytest.raises(NotAllowed):
        amending.mark(session, cast.lan, MOURNING, NOON, RULES)


def test_it_says_beforehand_what_a_mark_would_silence(session: Session, cast: Cast) -> None:
    schedule(session, cast, "17:00")
    schedule(session, cast, "18:00", Priority.PRIORITY)
    plan(session)
    far = date(2026, 12, 20)  # beyond what is planned
    for day in (TOMORROW, far):
        marking = Marking(kind="mourning", first=day, last=day, name="Quốc tang")
        found = effects.of_marking(session, marking, cast.hoa, NOON, RULES)
        assert [effect.sound.starts_at for effect in found.silenced] == [vn(f"{day} 17:00")]
    mark = amending.mark(session, cast.hoa, MOURNING, NOON, RULES)
    plan(session)
    freed = effects.of_unmarking(session, mark, NOON, RULES)
    assert [effect.sound.starts_at for effect in freed.freed] == [vn(f"{TOMORROW} 17:00")]
    assert freed.silenced == []


# -- the regulation -------------------------------------------------------------------------------


def test_a_version_holds_from_its_day_on_and_bars_beforehand_what_it_forbids(
    session: Session, cast: Cast
) -> None:
    schedule(session, cast, "20:30")
    late = regulation.parse_quiet("20:00-05:00")
    made = amending.enact(session, cast.admin, draft(quiet=[late], since=TOMORROW), NOON, RULES)
    assert made.since == vn(f"{TOMORROW} 00:00")
    found = plan(session)
    assert on(found, date(2026, 11, 21)) == [("planned", None)]
    assert on(found, TOMORROW) == [("cancelled", None)]
    assert {d.reason for d in found[1].deliveries} == {"quiet"}
    assert regulation.quiet_at(session, NOON) == (NIGHT,)
    assert regulation.quiet_at(session, made.since) == (late,)


def test_a_version_to_come_may_be_taken_back_and_one_in_force_never(
    session: Session, cast: Cast
) -> None:
    schedule(session, cast, "20:30")
    late = regulation.parse_quiet("20:00-05:00")
    made = amending.enact(session, cast.admin, draft(quiet=[late], since=TOMORROW), NOON, RULES)
    plan(session)
    amending.repeal(session, cast.admin, made, NOON, RULES)
    assert on(plan(session), TOMORROW) == [("planned", None)]
    (first,) = regulation.versions(session)
    with pytest.raises(ScheduleError, match="không bỏ được"):
        amending.repeal(session, cast.admin, first, NOON, RULES)
    kinds = session.scalars(sa.select(AuditEntry.kind).order_by(AuditEntry.n.desc()).limit(9))
    assert "regulation.repeal" in set(kinds)


def test_rules_and_quiet_hours_are_one_version(session: Session, cast: Cast) -> None:
    wanted = draft(rules=SESSIONS, note="Quyết định 12/QĐ-UBND")
    made = amending.enact(session, cast.admin, wanted, NOON, RULES)
    assert (made.since, made.by, made.note) == (NOON, "quantri", "Quyết định 12/QĐ-UBND")
    assert regulation.rules_at(session, NOON) == SESSIONS
    assert regulation.rules_at(session, after(NOON, -1)) == Rulebook()
    # Quiet hours set alone keep the rest.
    regulation.set_quiet(session, cast.admin, [], after(NOON, 1000))
    assert regulation.rules_at(session, after(NOON, 1000)) == SESSIONS


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"since": date(2026, 11, 20)}, "since"),
        ({"since": date(2030, 1, 1)}, "since"),
        ({"note": "x" * 501}, "note"),
        ({"rules": msgspec.structs.replace(SESSIONS, most_sessions=0)}, "most_sessions"),
        ({"rules": SESSIONS, "quiet": [regulation.parse_quiet("21:00-07:01")]}, "slots-0-start"),
        ({"rules": SESSIONS, "quiet": [regulation.parse_quiet("17:14-18:00")]}, "slots-1-start"),
    ],
)
def test_it_refuses_what_is_no_regulation(
    session: Session, cast: Cast, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(ScheduleError) as caught:
        amending.enact(session, cast.admin, draft(**changes), NOON, RULES)
    assert caught.value.field == field
    with pytest.raises(NotAllowed):
        amending.enact(session, cast.minh, draft(), NOON, RULES)


def test_it_says_beforehand_what_new_rules_would_silence_and_what_would_break_them(
    session: Session, cast: Cast
) -> None:
    for at in ("06:40", "17:00", "17:10", "20:30"):
        schedule(session, cast, at)
    plan(session)
    rules = msgspec.structs.replace(SESSIONS, most_minutes=25, most_sessions=2)
    wanted = draft(quiet=[regulation.parse_quiet("20:00-05:00")], rules=rules, since=TOMORROW)
    found = effects.of_regulation(session, wanted, NOON, RULES, ahead=DAY)
    assert [(e.sound.starts_at, e.sentence) for e in found.silenced] == [
        (vn(f"{TOMORROW} 20:30"), "Rơi vào giờ không phát 20:00–05:00.")
    ]
    assert [(e.sound.starts_at - vn(f"{TOMORROW} 00:00"), e.sentence) for e in found.broken] == [
        (400 * MINUTE, "Nằm ngoài các khung giờ phát."),
        (400 * MINUTE, "Cả ngày có 30 phút, quá 25 phút mỗi ngày."),
        (1020 * MINUTE, "Khung giờ “Chiều” (17:00, 15 phút) có 20 phút."),
    ]
    assert regulation.versions(session)[-1].rules == Rulebook()  # nothing was kept


def test_receivers_are_told_of_new_quiet_hours_when_these_come_into_force(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text("[station]\nname = 'Mẫu'\n")
    with database.write() as session:
        regulation.set_quiet(session, None, [NIGHT], after(NOON, -DAY))
        cast = settle_in(session, 1)
    core = Core(config.load(tmp_path / "config.toml"), database, Paper(), now=NOON)
    core.begin()
    core.tick(NOON)
    with database.write() as session:
        late = regulation.parse_quiet("20:00-06:00")
        amending.enact(session, cast.admin, draft(quiet=[late], since=TOMORROW), NOON, RULES)

    def told(now: Instant) -> tuple[tuple[str, str], ...]:
        core.tick(now)
        with database.read() as session:
            newest = session.scalars(sa.select(Plan).order_by(Plan.rev.desc()).limit(1)).one()
            return newest.document.set.quiet

    midnight = vn(f"{TOMORROW} 00:00")
    assert told(after(midnight, -MINUTE)) == (("21:00", "05:00"),)
    assert told(after(midnight, MINUTE)) == (("20:00", "06:00"),)
    core.close()
