"""A bulletin in several languages: each receiver gets the sound of its area's language, else the bulletin's own."""

from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin
from content.parts import Translation, Translations, spoken
from devices import areas
from devices.messages import Plan as PlanMessage
from loa.database import Database
from loa.errors import ScheduleError
from loa.times import MINUTE, SECOND, Instant, after
from scheduler import dispatcher, planner, regulation, reports, schedules
from scheduler.broadcasts import Broadcast
from scheduler.broadcasts import State as BroadcastState
from scheduler.dispatcher import Plan
from scheduler.regulation import QuietHours
from scheduler.reports import LogFilter
from scheduler.schedules import Kind, Rule
from tests.cast import NOON, ZONE, Cast, add_receiver, approve, approved_bulletin, settle_in
from tests.log_table import table
from tests.scheduler.test_dispatcher import RULES, TERMS

TODAY = date(2026, 11, 21)
TAY = Translation(language="tyz", upload="b" * 64, name="tày.mp3")
HMONG = Translation(language="hmn", upload="c" * 64, name="mông.mp3")


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    """The village of r-0001 speaks Tày."""
    regulation.set_quiet(session, None, [QuietHours(time(21), time(5))], NOON)
    cast = settle_in(session)
    speak(session, cast.villages[1], "tyz")
    return cast


def speak(session: Session, area: areas.Area, language: str | None) -> None:
    areas.set_language(session, area, language, now=NOON, by="quantri")


def schedule(
    session: Session, cast: Cast, translations: Translations = (TAY,), at: time = time(17)
) -> Bulletin:
    bulletin = approved_bulletin(session, cast, translations=translations)
    rule = Rule(kind=Kind.ONCE, at=at, start_date=TODAY, area_ids=(cast.commune.id,))
    schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
    return bulletin


def plan(session: Session, now: Instant = NOON) -> Broadcast:
    planner.plan(session, now, RULES)
    return session.scalars(sa.select(Broadcast)).one()


def sounds(broadcast: Broadcast) -> dict[str, str | None]:
    return {delivery.receiver_id: delivery.recording_sha for delivery in broadcast.deliveries}


def handed_out(session: Session, rid: str, now: Instant = NOON) -> PlanMessage:
    dispatcher.dispatch(session, now, TERMS)
    found = sa.select(Plan).where(Plan.receiver_id == rid).order_by(Plan.rev.desc())
    return session.scalars(found.limit(1)).one().document


def test_each_receiver_gets_the_sound_of_its_language(session: Session, cast: Cast) -> None:
    bulletin = schedule(session, cast)
    broadcast = plan(session)
    kinh, tay = bulletin.sounds["vi"], bulletin.sounds["tyz"]
    assert sounds(broadcast) == {"r-0000": kinh, "r-0001": tay, "r-0002": kinh}
    assert {d.receiver_id: d.ms for d in broadcast.deliveries} == {
        "r-0000": 30_000,
        "r-0001": 40_000,
        "r-0002": 30_000,
    }
    assert (broadcast.recording_sha, broadcast.ms) == (kinh, 40_000)


def test_a_language_without_a_translation_hears_the_bulletin_itself(
    session: Session, cast: Cast
) -> None:
    bulletin = schedule(session, cast, translations=(HMONG,))
    assert set(sounds(plan(session)).values()) == {bulletin.sounds["vi"]}


def test_villages_speak_as_their_commune_unless_they_say_otherwise(
    session: Session, cast: Cast
) -> None:
    speak(session, cast.commune, "hmn")
    bulletin = schedule(session, cast, translations=(TAY, HMONG))
    hmong, tay = bulletin.sounds["hmn"], bulletin.sounds["tyz"]
    assert sounds(plan(session)) == {"r-0000": hmong, "r-0001": tay, "r-0002": hmong}


def test_a_change_of_language_before_the_start_changes_the_plan(
    session: Session, cast: Cast
) -> None:
    bulletin = schedule(session, cast)
    plan(session)
    assert [o.sha for o in handed_out(session, "r-0000").occ] == [bulletin.sounds["vi"]]
    speak(session, cast.villages[0], "tyz")
    speak(session, cast.villages[1], None)
    now = after(NOON, MINUTE)
    broadcast = plan(session, now)
    assert [o.sha for o in handed_out(session, "r-0000", now).occ] == [bulletin.sounds["tyz"]]
    assert [o.sha for o in handed_out(session, "r-0001", now).occ] == [bulletin.sounds["vi"]]
    assert broadcast.ms == 40_000


def test_a_change_of_language_after_the_start_leaves_what_sounds(
    session: Session, cast: Cast
) -> None:
    schedule(session, cast)
    broadcast = plan(session)
    before = sounds(broadcast)
    speak(session, cast.villages[0], "tyz")
    assert sounds(plan(session, after(broadcast.starts_at, SECOND))) == before


def test_a_receiver_moved_to_another_village_hears_its_language(
    session: Session, cast: Cast
) -> None:
    bulletin = schedule(session, cast)
    plan(session)
    cast.receivers[0].area_id = cast.villages[1].id
    session.flush()
    assert sounds(plan(session))["r-0000"] == bulletin.sounds["tyz"]


def test_a_receiver_that_comes_later_hears_its_language(session: Session, cast: Cast) -> None:
    bulletin = schedule(session, cast)
    plan(session)
    add_receiver(session, cast, "r-new", cast.villages[1])
    assert sounds(plan(session))["r-new"] == bulletin.sounds["tyz"]


def test_an_edit_silences_every_language_until_it_is_approved(session: Session, cast: Cast) -> None:
    bulletin = schedule(session, cast)
    plan(session)
    handed_out(session, "r-0001")
    draft = replace(bulletin.draft, parts=spoken("Nội dung khác."))
    bulletins.edit(session, bulletin, cast.hoa, draft, NOON)
    now = after(NOON, MINUTE)
    broadcast = plan(session, now)
    assert set(sounds(broadcast).values()) == {None}
    assert [o.st for o in handed_out(session, "r-0001", now).occ] == ["off"]
    approve(session, cast, bulletin, ms=20_000, now=now)
    now = after(now, MINUTE)
    broadcast = plan(session, now)
    assert sounds(broadcast)["r-0001"] == bulletin.sounds["tyz"]
    assert broadcast.ms == 30_000
    assert [(o.st, o.sha) for o in handed_out(session, "r-0001", now).occ] == [
        ("on", bulletin.sounds["tyz"])
    ]


def test_a_dropped_translation_gives_the_bulletin_itself(session: Session, cast: Cast) -> None:
    bulletin = schedule(session, cast)
    plan(session)
    bulletins.edit(session, bulletin, cast.hoa, replace(bulletin.draft, translations=()), NOON)
    approve(session, cast, bulletin)
    broadcast = plan(session)
    assert set(sounds(broadcast).values()) == {bulletin.sounds["vi"]}
    assert broadcast.ms == 30_000


def test_the_longest_language_is_held_against_the_quiet_hours(session: Session, cast: Cast) -> None:
    """Thirty seconds in Kinh would just be over at nine; forty in Tày would not."""
    with pytest.raises(ScheduleError, match="21:00"):
        schedule(session, cast, at=time(20, 59, 25))
    speak(session, cast.villages[1], None)
    schedule(session, cast, at=time(20, 59, 25))
    assert plan(session).state is BroadcastState.PLANNED
    speak(session, cast.villages[1], "tyz")
    broadcast = plan(session)
    assert states(broadcast) == {
        "r-0000": "planned", "r-0001": "cancelled quiet", "r-0002": "planned",
    }  # fmt: skip
    assert "1 đầu thu không phát lượt này" in str(broadcast.reason)
    assert handed_out(session, "r-0001").occ == ()
    assert len(handed_out(session, "r-0000").occ) == 1

    speak(session, cast.villages[1], None)  # a slip put right in time costs nobody the broadcast
    broadcast = plan(session)
    assert set(states(broadcast).values()) == {"planned"}
    assert broadcast.reason is None


def test_a_receiver_that_holds_too_long_a_sound_is_told_to_leave_it(
    session: Session, cast: Cast
) -> None:
    speak(session, cast.villages[1], None)
    schedule(session, cast, at=time(20, 59, 25))
    plan(session)
    assert handed_out(session, "r-0001").occ[0].st == "on"
    speak(session, cast.villages[1], "tyz")
    plan(session, after(NOON, SECOND))
    assert handed_out(session, "r-0001", after(NOON, SECOND)).occ[0].st == "off"


def test_a_broadcast_is_as_long_as_its_longest_sound_also_when_a_receiver_comes_back(
    session: Session, cast: Cast
) -> None:
    bulletin = schedule(session, cast)
    plan(session)
    pole = cast.receivers[1]
    pole.area = cast.villages[2]
    schedules.listing(session)[0].targets[0].area_id = cast.villages[0].id
    session.flush()
    assert plan(session).ms == 30_000
    bulletins.edit(session, bulletin, cast.hoa, replace(bulletin.draft, title="Khác"), NOON)
    approve(session, cast, bulletin)
    plan(session)
    schedules.listing(session)[0].targets[0].area_id = cast.commune.id
    pole.area = cast.villages[1]
    session.flush()
    assert plan(session).ms == 40_000


def states(broadcast: Broadcast) -> dict[str, str]:
    return {
        delivery.receiver_id: f"{delivery.state} {delivery.reason or ''}".strip()
        for delivery in broadcast.deliveries
    }


def test_a_plan_names_each_sound_with_its_size_and_length(session: Session, cast: Cast) -> None:
    """Two broadcasts of one receiver, one of them in its language: both files are in its plan."""
    first = schedule(session, cast)
    second = approved_bulletin(session, cast, title="Chỉ tiếng Kinh")
    rule = Rule(kind=Kind.ONCE, at=time(18), start_date=TODAY, area_ids=(cast.commune.id,))
    schedules.add(session, second, cast.hoa, rule, now=NOON, zone=ZONE)
    planner.plan(session, NOON, RULES)
    document = handed_out(session, "r-0001")
    assert {sha: (a.n, a.ms) for sha, a in document.aud.items()} == {
        first.sounds["tyz"]: (240_000, 40_000),
        second.sounds["vi"]: (180_000, 30_000),
    }
    assert [o.end - o.at for o in document.occ] == [40_000 + MINUTE, 30_000 + MINUTE]


def test_the_log_names_the_sound_and_length_of_each_delivery(session: Session, cast: Cast) -> None:
    bulletin = schedule(session, cast)
    plan(session)
    day = reports.whole_days(TODAY, TODAY, ZONE)
    found = {
        row["mã đầu thu"]: (row["mã băm âm thanh"], row["thời lượng yêu cầu (ms)"], row["ngôn ngữ"])
        for row in table(session, LogFilter(since=day[0], until=day[1]))
    }
    assert found["r-0000"] == (bulletin.sounds["vi"], "30000", "Kinh")
    assert found["r-0001"] == (bulletin.sounds["tyz"], "40000", "Tày")
