from __future__ import annotations

import pytest
from msgspec.structs import replace
from sqlalchemy.orm import Session

from content import bulletins, decisions
from content.bulletins import Bulletin, Draft, Priority
from content.parts import spoken
from loa.database import Database
from loa.times import after
from tests.cast import (
    NOON,
    Cast,
    another_approver,
    approve,
    approved_bulletin,
    give_sound,
    settle_in,
)

LATER = after(NOON, 60_000)


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session)


def urgent(session: Session, cast: Cast) -> Bulletin:
    draft = Draft(title="Lũ về", parts=spoken("Sơ tán."), priority=Priority.EMERGENCY)
    bulletin = bulletins.write(session, cast.hoa, draft, NOON)
    give_sound(session, bulletin)
    bulletins.submit(session, bulletin, cast.hoa, NOON)
    return bulletin


def test_only_complete_approvals_are_in_force(session: Session, cast: Cast) -> None:
    usual, emergency = approved_bulletin(session, cast), urgent(session, cast)
    bulletins.approve(session, emergency, cast.minh, emergency.sounds.values(), NOON)
    ids = [usual.id, emergency.id]
    assert set(decisions.standing(session, ids)) == set(ids)
    assert set(decisions.in_force(session, ids)) == {usual.id}
    other = another_approver(session)
    bulletins.approve(session, emergency, other, emergency.sounds.values(), NOON)
    approval = decisions.in_force(session, ids)[emergency.id]
    assert (approval.recording_sha, approval.logins) == (
        emergency.recording_sha,
        ["minh", "duyet2"],
    )


def test_the_newest_is_first_and_none_is_forgotten(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    bulletins.edit(session, bulletin, cast.hoa, replace(bulletin.draft, title="Khác"), LATER)
    bulletins.submit(session, bulletin, cast.hoa, LATER)
    heard = bulletin.sounds.values()
    bulletins.reject(session, bulletin, cast.minh, heard, "Sai tên", LATER)
    said = [(d.approved, d.version, d.reason) for d in decisions.of(session, bulletin.id)]
    assert said == [(False, 2, "Sai tên"), (True, 1, None)]


def test_what_was_last_in_force_is_found_after_it_ended(session: Session, cast: Cast) -> None:
    bulletin, other = approved_bulletin(session, cast), urgent(session, cast)
    bulletins.approve(session, other, cast.minh, other.sounds.values(), NOON)
    bulletins.edit(session, bulletin, cast.hoa, replace(bulletin.draft, title="Khác"), LATER)
    assert decisions.last_complete(session, bulletin.id).version == 1
    assert decisions.last_complete(session, other.id) is None
    approve(session, cast, bulletin, now=LATER)
    assert decisions.last_complete(session, bulletin.id).version == 2
    assert decisions.last_versions(session, [bulletin.id, other.id]) == {bulletin.id: 2}
