from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace
from sqlalchemy.orm import Session

from content import bulletins, decisions, versions
from content.bulletins import Draft
from content.parts import Recorded, Text, spoken
from content.wording import Piece
from loa.database import Database
from loa.errors import NotFound
from loa.times import after
from tests.cast import NOON, Cast, approve, approved_bulletin, settle_in

DRAFT = Draft(title="Họp thôn", parts=spoken("Mời bà con họp lúc 7 giờ."))
LATER = after(NOON, 60_000)


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session)


def said(body: str) -> Draft:
    return replace(DRAFT, parts=spoken(body))


def test_the_same_is_no_difference() -> None:
    assert not versions.compare(DRAFT, DRAFT)


def test_it_names_the_fields_that_differ() -> None:
    other = replace(DRAFT, title="Khác", valid_until=date(2026, 12, 1))
    assert versions.compare(DRAFT, other).fields == ("title", "valid_until")


def test_it_shows_which_words_went_and_came() -> None:
    found = versions.compare(DRAFT, said("Mời bà con họp lúc 8 giờ tối."))
    assert found.words == (
        Piece("same", "Mời bà con họp lúc "),
        Piece("removed", "7 giờ."),
        Piece("added", "8 giờ tối."),
    )


def test_a_word_stays_the_same_whatever_space_is_behind_it() -> None:
    found = versions.compare(said("Thu gom."), said("Thu gom. Mời bà con."))
    assert found.words == (Piece("same", "Thu gom."), Piece("added", " Mời bà con."))
    found = versions.compare(said("Một. Hai. Ba."), said("Một.\n\nHai. Ba."))
    assert found.words == (
        Piece("same", "Một."),
        Piece("removed", " "),
        Piece("added", "\n\n"),
        Piece("same", "Hai. Ba."),
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Một hai ba.", "Một hai ba."),
        ("A b c d e", "x A c d e y"),
        ("dòng một\n\ndòng hai", "dòng hai\ndòng ba"),
        ("xoá hết đi", "viết lại"),
    ],
)
def test_both_texts_can_be_read_off_the_stretches(old: str, new: str) -> None:
    words = versions.compare(said(old), said(new)).words
    if old != new:
        assert "".join(s.text for s in words if s.kind != "added") == old
        assert "".join(s.text for s in words if s.kind != "removed") == new
    else:
        assert words == ()


@pytest.mark.parametrize(
    ("parts", "how"),
    [
        (spoken("Mời bà con họp lúc 7 giờ.", speed=120), "speed"),
        (spoken("Mời bà con họp lúc 7 giờ.", voice="gtts"), "voice"),
        (spoken("Khác."), "words"),
        ((Recorded(upload="a" * 64, name="a.mp3"),), "arrangement"),
    ],
)
def test_it_says_what_about_the_parts_differs(parts: tuple[Text, ...], how: str) -> None:
    assert versions.compare(DRAFT, replace(DRAFT, parts=parts)).ways == (how,)


def test_it_compares_a_bulletin_with_what_was_last_approved(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    new = bulletins.write(session, cast.hoa, DRAFT, NOON)
    bulletins.edit(session, bulletin, cast.hoa, replace(bulletin.draft, title="Khác"), LATER)
    found = bulletins.changes(session, [bulletin, new])
    assert found[bulletin.id] is not None
    assert found[bulletin.id].fields == ("title",)
    assert found[new.id] is None
    approve(session, cast, bulletin, now=LATER)
    assert bulletins.changes(session, [bulletin])[bulletin.id] is None


def test_it_says_only_that_something_changed_where_the_approved_version_was_not_kept(
    session: Session, cast: Cast
) -> None:
    bulletin = approved_bulletin(session, cast)
    session.delete(versions.get(session, bulletin.id, 1))  # as of a station older than versions
    bulletins.edit(session, bulletin, cast.hoa, replace(bulletin.draft, title="Khác"), LATER)
    assert bulletins.changes(session, [bulletin]) == {bulletin.id: versions.Difference((), ())}


def test_an_older_version_can_be_taken_up_again(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    first = bulletin.draft
    bulletins.edit(session, bulletin, cast.hoa, DRAFT, LATER)
    content = versions.get(session, bulletin.id, 1).content
    assert bulletins.edit(session, bulletin, cast.hoa, content, LATER)
    assert (bulletin.draft, bulletin.version) == (first, 3)
    assert decisions.approval(session, bulletin.id) is None


def test_a_version_that_is_not_there_is_said_to_be_gone(session: Session, cast: Cast) -> None:
    with pytest.raises(NotFound, match="Không tìm thấy bản này"):
        versions.get(session, 1, 7)
