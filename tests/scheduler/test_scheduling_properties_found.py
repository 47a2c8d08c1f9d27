"""What the properties found wrong, each as a plain test."""

from __future__ import annotations

from datetime import date, time

import pytest
from sqlalchemy.orm import Session

from content.parts import Translation
from devices import areas
from loa.database import Database
from loa.times import HOUR, MINUTE, SECOND, Instant, after
from scheduler import broadcasts, explaining, planner, programme_acts, regulation, schedules
from scheduler.broadcasts import Broadcast
from scheduler.explaining import Verdict
from scheduler.programme_checks import Line, Order
from scheduler.programme_tables import ItemKind
from scheduler.schedules import Kind, Rule
from scheduler.sources import Rules
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
FIVE_PM = vn("2026-11-21 17:00")
TODAY = date(2026, 11, 21)


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [regulation.parse_quiet("21:00-05:00")], NOON)
    return settle_in(session)


def once(session: Session, cast: Cast, at: time = time(17), **said: object) -> Broadcast:
    bulletin = approved_bulletin(session, cast, **said)
    rule = Rule(kind=Kind.ONCE, at=at, start_date=TODAY, area_ids=(cast.commune.id,))
    schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
    planner.plan(session, NOON, RULES)
    return session.query(Broadcast).filter_by(bulletin_id=bulletin.id).one()


def verdicts(session: Session, rid: str, moment: Instant) -> list[Verdict]:
    found = explaining.at(session, rid, moment, NOON, RULES)
    return [each.verdict for each in found.accounts]


def test_one_that_is_longer_in_another_language_ends_where_it_is_heard(
    session: Session, cast: Cast
) -> None:
    areas.set_language(session, cast.villages[1], "tyz", now=NOON, by="quantri")
    tay = Translation(language="tyz", upload="b" * 64, name="tày.mp3")
    once(session, cast, ms=MINUTE, translations=(tay,))  # ten seconds longer in Tày
    a_minute_later = after(FIVE_PM, MINUTE)
    assert verdicts(session, "r-0001", a_minute_later) == [Verdict.WILL]
    assert verdicts(session, "r-0000", FIVE_PM) == [Verdict.WILL]
    assert verdicts(session, "r-0000", a_minute_later) == []


def test_what_follows_it_does_not_wait_for_the_longer_one(session: Session, cast: Cast) -> None:
    areas.set_language(session, cast.villages[1], "tyz", now=NOON, by="quantri")
    tay = Translation(language="tyz", upload="b" * 64, name="tày.mp3")
    once(session, cast, ms=MINUTE, translations=(tay,))
    once(session, cast, time(17, 1), ms=59 * SECOND, title="Họp thôn")
    at_its_end = after(FIVE_PM, 2 * MINUTE)
    assert Verdict.WILL in verdicts(session, "r-0001", at_its_end)
    assert Verdict.WILL not in verdicts(session, "r-0000", at_its_end)


def test_who_stopped_it_is_told_in_a_whole_sentence(session: Session, cast: Cast) -> None:
    broadcasts.stop(session, once(session, cast), cast.minh, NOON)
    (account,) = explaining.at(session, "r-0000", FIVE_PM, NOON, RULES).accounts
    assert "Minh dừng." in [each.sentence for each in account.reasons]


def test_the_rule_of_a_programme_is_told_in_one_sentence(session: Session, cast: Cast) -> None:
    said = approved_bulletin(session, cast)
    order = Order(
        name="Chiều", at=time(17), minutes=5, rule="FREQ=DAILY", start_date=TODAY, where=Where((cast.commune.id,)),
        lines=(Line(ItemKind.BULLETIN, said.id),),
    )  # fmt: skip
    programme_acts.add(session, cast.hoa, order, now=NOON, zone=ZONE)
    planner.plan(session, NOON, RULES)
    (account,) = explaining.at(session, "r-0000", FIVE_PM, NOON, RULES).accounts
    told = account.reasons[0].sentence
    assert told == "Theo: Chương trình “Chiều”, mục 1, 17:00, hằng ngày, do Hoa đặt."
