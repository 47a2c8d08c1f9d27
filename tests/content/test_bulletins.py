from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Draft, Kind, Priority, State
from loa import audit
from loa.database import Database
from loa.errors import ContentError, NotAllowed, NotFound
from loa.times import after
from tests.cast import NOON, Cast, give_sound, settle_in

DRAFT = Draft(title="Lịch tiêm chủng", body="Mời bà con đến trạm y tế.")
LATER = after(NOON, 60_000)


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session)


def submitted(session: Session, cast: Cast) -> tuple[bulletins.Bulletin, str]:
    bulletin = bulletins.write(session, cast.hoa, DRAFT, NOON)
    sha = give_sound(session, bulletin)
    bulletins.submit(session, bulletin, cast.hoa, NOON)
    return bulletin, sha


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"body": "\n"}, "body"),
        ({"body": "x" * 30_001}, "body"),
        ({"kind": Kind.UPLOAD}, "upload"),
        ({"speed": 300}, "speed"),
        ({"field": 7}, "field"),
        ({"valid_from": date(2026, 12, 2), "valid_until": date(2026, 12, 1)}, "valid_until"),
    ],
)
def test_a_wrong_value_names_its_field(
    session: Session, cast: Cast, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(ContentError) as caught:
        bulletins.write(session, cast.hoa, replace(DRAFT, **changes), NOON)
    assert caught.value.field == field


def test_minh_approves_exactly_what_he_heard(session: Session, cast: Cast) -> None:
    bulletin, sha = submitted(session, cast)
    decision = bulletins.approve(session, bulletin, cast.minh, sha, NOON)
    assert bulletin.state is State.APPROVED
    assert (decision.recording_sha, decision.staff_id) == (sha, cast.minh.id)
    assert bulletins.approval(session, bulletin.id) is decision


def test_a_sound_that_changed_meanwhile_is_not_approved(session: Session, cast: Cast) -> None:
    bulletin, _ = submitted(session, cast)
    with pytest.raises(ContentError, match="nghe lại"):
        bulletins.approve(session, bulletin, cast.minh, "0" * 64, NOON)
    assert bulletins.approval(session, bulletin.id) is None


def test_nobody_approves_what_they_wrote_or_changed(session: Session, cast: Cast) -> None:
    own = bulletins.write(session, cast.minh, DRAFT, NOON)
    sha = give_sound(session, own)
    bulletins.submit(session, own, cast.minh, NOON)
    with pytest.raises(NotAllowed, match="tự duyệt"):
        bulletins.approve(session, own, cast.minh, sha, NOON)
    changed = bulletins.write(session, cast.hoa, DRAFT, NOON)
    bulletins.edit(session, changed, cast.minh, replace(DRAFT, body="Khác"), NOON)
    sha = give_sound(session, changed)
    bulletins.submit(session, changed, cast.hoa, NOON)
    with pytest.raises(NotAllowed, match="tự duyệt"):
        bulletins.approve(session, changed, cast.minh, sha, NOON)


@pytest.mark.parametrize("who", ["hoa", "lan", "admin"])
def test_only_an_approver_approves(session: Session, cast: Cast, who: str) -> None:
    bulletin, sha = submitted(session, cast)
    with pytest.raises(NotAllowed):
        bulletins.approve(session, bulletin, getattr(cast, who), sha, NOON)


def test_approval_cannot_be_skipped(session: Session, cast: Cast) -> None:
    bulletin = bulletins.write(session, cast.hoa, DRAFT, NOON)
    sha = give_sound(session, bulletin)
    with pytest.raises(ContentError, match="chờ duyệt"):
        bulletins.approve(session, bulletin, cast.minh, sha, NOON)


def test_a_bulletin_without_its_sound_is_not_submitted(session: Session, cast: Cast) -> None:
    bulletin = bulletins.write(session, cast.hoa, DRAFT, NOON)
    with pytest.raises(ContentError, match="chưa tạo xong"):
        bulletins.submit(session, bulletin, cast.hoa, NOON)


@pytest.mark.parametrize(
    "changes",
    [
        {"body": "Chữ khác"},
        {"speed": 150},
        {"chimes": False},
        {"priority": Priority.EMERGENCY},
        {"kind": Kind.UPLOAD, "upload": "f" * 64, "upload_name": "a.mp3"},
    ],
)
def test_any_change_ends_the_approval(
    session: Session, cast: Cast, changes: dict[str, object]
) -> None:
    bulletin, sha = submitted(session, cast)
    decision = bulletins.approve(session, bulletin, cast.minh, sha, NOON)
    assert bulletins.edit(session, bulletin, cast.hoa, replace(DRAFT, **changes), LATER)
    session.refresh(decision)
    assert (bulletin.state, bulletin.recording_sha, bulletin.version) == (State.DRAFT, None, 2)
    assert (decision.ended_at, bulletins.approval(session, bulletin.id)) == (LATER, None)


def test_saving_without_a_change_keeps_the_approval(session: Session, cast: Cast) -> None:
    bulletin, sha = submitted(session, cast)
    bulletins.approve(session, bulletin, cast.minh, sha, NOON)
    assert not bulletins.edit(
        session, bulletin, cast.hoa, replace(DRAFT, title=" Lịch tiêm chủng "), LATER
    )
    assert bulletins.approval(session, bulletin.id)


def test_a_rejection_says_why_and_lets_the_author_try_again(session: Session, cast: Cast) -> None:
    bulletin, sha = submitted(session, cast)
    with pytest.raises(ContentError) as caught:
        bulletins.reject(session, bulletin, cast.minh, sha, " ", NOON)
    assert caught.value.field == "reason"
    bulletins.reject(session, bulletin, cast.minh, sha, "Sai ngày", NOON)
    assert bulletin.state is State.REJECTED
    bulletins.submit(session, bulletin, cast.hoa, LATER)
    assert bulletin.state is State.SUBMITTED


def test_a_withdrawn_bulletin_has_no_approval(session: Session, cast: Cast) -> None:
    bulletin, sha = submitted(session, cast)
    bulletins.approve(session, bulletin, cast.minh, sha, NOON)
    with pytest.raises(NotAllowed):
        bulletins.withdraw(session, bulletin, cast.lan, LATER)
    bulletins.withdraw(session, bulletin, cast.hoa, LATER)
    assert bulletins.approval(session, bulletin.id) is None


def test_each_act_is_in_the_audit_log(session: Session, cast: Cast) -> None:
    bulletin, sha = submitted(session, cast)
    bulletins.approve(session, bulletin, cast.minh, sha, NOON)
    kinds = [entry.kind for entry in session.query(audit.AuditEntry).order_by(audit.AuditEntry.n)]
    assert kinds[-3:] == ["bulletin.write", "bulletin.submit", "bulletin.approve"]


def test_the_list_finds_by_title_and_state(session: Session, cast: Cast) -> None:
    submitted(session, cast)
    assert len(bulletins.listing(session, search="tiêm", state=State.SUBMITTED)) == 1
    assert bulletins.listing(session, search="%") == []
    with pytest.raises(NotFound):
        bulletins.get(session, 999)
