from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace
from sqlalchemy.orm import Session

from content import bulletins, library
from content.bulletins import Bulletin, Draft, Priority, State
from content.library import Order, Wanted
from content.parts import spoken
from loa.database import Database
from loa.times import DAY, after
from tests.cast import NOON, Cast, another_approver, give_sound, settle_in

DRAFT = Draft(title="Lịch tiêm chủng", parts=spoken("Mời bà con đến trạm y tế."))


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session)


def submitted(session: Session, cast: Cast, draft: Draft = DRAFT) -> Bulletin:
    bulletin = bulletins.write(session, cast.hoa, draft, NOON)
    give_sound(session, bulletin)
    bulletins.submit(session, bulletin, cast.hoa, NOON)
    return bulletin


def titles(session: Session, order: Order = Order.CHANGED, **wanted: object) -> list[str]:
    found = library.listing(session, Wanted(**wanted), order=order)
    assert len(found) == library.count(session, Wanted(**wanted))
    return [bulletin.title for bulletin in found]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("tiêm", ["Lịch tiêm chủng"]),
        ("tiem CHUNG", ["Lịch tiêm chủng"]),
        ("tiệm", []),
        ("trạm y te", ["Lịch tiêm chủng"]),
        ("duong", ["Đường làng"]),
        ("%", []),
        ("_", []),
        ("", ["Đường làng", "Ẩm thực", "Lịch tiêm chủng"]),
    ],
)
def test_it_finds_words_of_title_and_text(
    session: Session, cast: Cast, search: str, found: list[str]
) -> None:
    for number, draft in enumerate(
        (
            DRAFT,
            Draft(title="Ẩm thực", parts=spoken("Món ngon.")),
            Draft(title="Đường làng", parts=spoken("Sửa.")),
        )
    ):
        bulletins.write(session, cast.hoa, draft, after(NOON, number))
    assert titles(session, search=search) == found


def test_it_lists_by_the_alphabet_of_plain_letters(session: Session, cast: Cast) -> None:
    for title in ("Út", "Đê", "Ăn", "Dê", "Ba"):
        bulletins.write(session, cast.hoa, replace(DRAFT, title=title), NOON)
    assert titles(session, Order.TITLE) == ["Ăn", "Ba", "Dê", "Đê", "Út"]


def test_it_narrows_by_what_is_known_of_a_bulletin(session: Session, cast: Cast) -> None:
    submitted(session, cast)
    other = replace(DRAFT, title="Khác", field=4, priority=Priority.PRIORITY)
    bulletins.write(session, cast.minh, other, NOON)
    assert titles(session, state=State.SUBMITTED) == ["Lịch tiêm chủng"]
    assert titles(session, field=4) == ["Khác"]
    assert titles(session, author_id=cast.minh.id) == ["Khác"]
    assert titles(session, priority=Priority.PRIORITY) == ["Khác"]
    assert titles(session, field=4, state=State.SUBMITTED) == []


def test_it_narrows_by_validity(session: Session, cast: Cast) -> None:
    today = date(2026, 11, 21)
    for title, since, until in (
        ("mãi mãi", None, None),
        ("hết hôm nay", None, today),
        ("hết hôm qua", None, date(2026, 11, 20)),
        ("từ ngày mai", date(2026, 11, 22), None),
    ):
        draft = replace(DRAFT, title=title, valid_from=since, valid_until=until)
        bulletins.write(session, cast.hoa, draft, NOON)
    assert sorted(titles(session, valid_on=today)) == ["hết hôm nay", "mãi mãi"]
    assert titles(session, valid_on=today, ends_by=date(2026, 11, 28)) == ["hết hôm nay"]
    assert titles(session, expired_on=today) == ["hết hôm qua"]


def test_it_puts_the_urgent_first_in_the_queue(session: Session, cast: Cast) -> None:
    for number, priority in enumerate(
        (Priority.NORMAL, Priority.EMERGENCY, Priority.NORMAL, Priority.PRIORITY)
    ):
        draft = replace(DRAFT, title=f"{number}", priority=priority)
        submitted(session, cast, draft).submitted_at = after(NOON, -number * DAY)
    bulletins.write(session, cast.hoa, DRAFT, NOON)
    assert [bulletin.title for bulletin in library.waiting(session)] == ["1", "3", "2", "0"]


def test_it_gives_an_approver_what_is_left_to_decide(session: Session, cast: Cast) -> None:
    """Not what they wrote or changed, not what they approved already, and nothing to those who may not."""
    urgent = submitted(session, cast, replace(DRAFT, priority=Priority.EMERGENCY))
    usual = submitted(session, cast)
    changed = bulletins.write(session, cast.hoa, DRAFT, NOON)
    bulletins.edit(session, changed, cast.minh, replace(DRAFT, title="Khác"), NOON)
    give_sound(session, changed)
    bulletins.submit(session, changed, cast.hoa, NOON)
    assert library.to_decide(session, cast.minh) == [urgent, usual]
    bulletins.approve(session, urgent, cast.minh, urgent.sounds.values(), NOON)
    assert library.to_decide(session, cast.minh) == [usual]
    assert library.to_decide(session, another_approver(session)) == [urgent, usual, changed]
    assert library.to_decide(session, cast.hoa) == []
    assert library.to_decide(session, cast.admin) == []
