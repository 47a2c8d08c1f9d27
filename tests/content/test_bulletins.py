from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace
from sqlalchemy.orm import Session

from content import bulletins, decisions, versions
from content.bulletins import Draft, Priority, State
from content.parts import Translation, recorded, spoken
from loa import audit
from loa.database import Database
from loa.errors import ContentError, NotAllowed, NotFound
from loa.times import after
from tests.cast import NOON, Cast, another_approver, approved_bulletin, give_sound, settle_in

DRAFT = Draft(title="Lịch tiêm chủng", parts=spoken("Mời bà con đến trạm y tế."))
LATER = after(NOON, 60_000)
TAY = Translation(language="tyz", upload="b" * 64, name="tày.mp3")


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session)


def submitted(
    session: Session, cast: Cast, draft: Draft = DRAFT
) -> tuple[bulletins.Bulletin, list[str]]:
    bulletin = bulletins.write(session, cast.hoa, draft, NOON)
    give_sound(session, bulletin)
    bulletins.submit(session, bulletin, cast.hoa, NOON)
    return bulletin, list(bulletin.sounds.values())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"parts": ()}, "body"),
        ({"parts": spoken("\n")}, "body"),
        ({"parts": spoken("x" * 30_001)}, "body"),
        ({"parts": recorded("")}, "upload"),
        ({"parts": spoken("Họp", speed=300)}, "speed"),
        ({"translations": (replace(TAY, language="vi"),)}, "language"),
        ({"translations": (TAY, TAY)}, "language"),
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
    bulletin, heard = submitted(session, cast)
    decision = bulletins.approve(session, bulletin, cast.minh, heard, NOON)
    assert bulletin.state is State.APPROVED
    assert (decision.sounds, decision.staff_id) == ({"vi": heard[0]}, cast.minh.id)
    approval = decisions.approval(session, bulletin.id)
    assert approval is not None
    assert (approval.sounds, approval.names) == ({"vi": heard[0]}, ["Minh"])


def test_every_translation_must_have_been_heard(session: Session, cast: Cast) -> None:
    bulletin, heard = submitted(session, cast, replace(DRAFT, translations=(TAY,)))
    with pytest.raises(ContentError, match="nghe lại"):
        bulletins.approve(session, bulletin, cast.minh, heard[:1], NOON)
    decision = bulletins.approve(session, bulletin, cast.minh, heard, NOON)
    assert decision.sounds == dict(zip(("vi", "tyz"), heard, strict=True))


def test_a_sound_that_changed_meanwhile_is_not_approved(session: Session, cast: Cast) -> None:
    bulletin, _ = submitted(session, cast)
    with pytest.raises(ContentError, match="nghe lại"):
        bulletins.approve(session, bulletin, cast.minh, ["0" * 64], NOON)
    assert decisions.approval(session, bulletin.id) is None


def test_a_title_that_changed_meanwhile_is_not_approved(session: Session, cast: Cast) -> None:
    """The sound is the same, but not what the approver read beside it."""
    bulletin, heard = submitted(session, cast)
    bulletins.edit(session, bulletin, cast.hoa, replace(DRAFT, title="Khác"), LATER)
    bulletins.submit(session, bulletin, cast.hoa, LATER)
    with pytest.raises(ContentError, match="đã được sửa"):
        bulletins.approve(session, bulletin, cast.minh, heard, LATER, version=1)
    with pytest.raises(ContentError, match="đã được sửa"):
        bulletins.reject(session, bulletin, cast.minh, heard, "Sai", LATER, version=1)
    bulletins.approve(session, bulletin, cast.minh, heard, LATER, version=2)
    assert bulletin.state is State.APPROVED


def test_nobody_approves_what_they_wrote_or_changed(session: Session, cast: Cast) -> None:
    own = bulletins.write(session, cast.minh, DRAFT, NOON)
    sha = give_sound(session, own)
    bulletins.submit(session, own, cast.minh, NOON)
    with pytest.raises(NotAllowed, match="tự duyệt"):
        bulletins.approve(session, own, cast.minh, [sha], NOON)
    changed = bulletins.write(session, cast.hoa, DRAFT, NOON)
    bulletins.edit(session, changed, cast.minh, replace(DRAFT, parts=spoken("Khác")), NOON)
    bulletins.edit(session, changed, cast.hoa, replace(DRAFT, parts=spoken("Khác nữa")), NOON)
    sha = give_sound(session, changed)
    bulletins.submit(session, changed, cast.hoa, NOON)
    with pytest.raises(NotAllowed, match="tự duyệt"):
        bulletins.approve(session, changed, cast.minh, [sha], NOON)


def test_who_changed_an_approved_version_may_approve_the_next(session: Session, cast: Cast) -> None:
    bulletin = bulletins.write(session, cast.hoa, DRAFT, NOON)
    bulletins.edit(session, bulletin, cast.minh, replace(DRAFT, title="Tên mới"), NOON)
    give_sound(session, bulletin)
    bulletins.submit(session, bulletin, cast.hoa, NOON)
    other = another_approver(session)
    bulletins.approve(session, bulletin, other, bulletin.sounds.values(), NOON)
    bulletins.edit(session, bulletin, cast.hoa, replace(DRAFT, title="Tên mới nữa"), LATER)
    bulletins.submit(session, bulletin, cast.hoa, LATER)
    bulletins.approve(session, bulletin, cast.minh, bulletin.sounds.values(), LATER)
    assert bulletin.state is State.APPROVED


@pytest.mark.parametrize("who", ["hoa", "lan", "admin"])
def test_only_an_approver_approves(session: Session, cast: Cast, who: str) -> None:
    bulletin, heard = submitted(session, cast)
    with pytest.raises(NotAllowed):
        bulletins.approve(session, bulletin, getattr(cast, who), heard, NOON)


def test_approval_cannot_be_skipped(session: Session, cast: Cast) -> None:
    bulletin = bulletins.write(session, cast.hoa, DRAFT, NOON)
    sha = give_sound(session, bulletin)
    with pytest.raises(ContentError, match="chờ duyệt"):
        bulletins.approve(session, bulletin, cast.minh, [sha], NOON)


def test_a_bulletin_without_its_sound_is_not_submitted(session: Session, cast: Cast) -> None:
    bulletin = bulletins.write(session, cast.hoa, DRAFT, NOON)
    with pytest.raises(ContentError, match="chưa tạo xong"):
        bulletins.submit(session, bulletin, cast.hoa, NOON)


@pytest.mark.parametrize(
    "changes",
    [
        {"parts": spoken("Chữ khác")},
        {"parts": spoken("Mời bà con đến trạm y tế.", speed=150)},
        {"parts": recorded("f" * 64)},
        {"translations": (TAY,)},
        {"chimes": False},
    ],
)
def test_an_audible_change_ends_the_approval_and_drops_the_sound(
    session: Session, cast: Cast, changes: dict[str, object]
) -> None:
    bulletin = approved_bulletin(session, cast)
    assert bulletins.edit(session, bulletin, cast.hoa, replace(DRAFT, **changes), LATER)
    assert (bulletin.state, bulletin.sounds, bulletin.version) == (State.DRAFT, {}, 2)
    (decision,) = decisions.of(session, bulletin.id)
    assert (decision.ended_at, decision.ended_why) == (LATER, "Hoa sửa bản tin")
    assert decisions.approval(session, bulletin.id) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Tên khác"},
        {"priority": Priority.EMERGENCY},
        {"valid_until": date(2026, 12, 31)},
        {"field": 2},
    ],
)
def test_any_other_change_ends_the_approval_and_keeps_the_sound(
    session: Session, cast: Cast, changes: dict[str, object]
) -> None:
    bulletin = approved_bulletin(session, cast)
    sounds = bulletin.sounds
    assert bulletins.edit(session, bulletin, cast.hoa, replace(DRAFT, **changes), LATER)
    assert (bulletin.state, bulletin.sounds) == (State.DRAFT, sounds)
    assert decisions.approval(session, bulletin.id) is None


def test_saving_without_a_change_keeps_the_approval(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    same = replace(DRAFT, title=" Lịch tiêm chủng ")
    assert not bulletins.edit(session, bulletin, cast.hoa, same, LATER)
    assert bulletin.version == 1
    assert decisions.approval(session, bulletin.id)


def test_a_rejection_says_why_and_lets_the_author_try_again(session: Session, cast: Cast) -> None:
    bulletin, heard = submitted(session, cast)
    with pytest.raises(ContentError) as caught:
        bulletins.reject(session, bulletin, cast.minh, heard, " ", NOON)
    assert caught.value.field == "reason"
    bulletins.reject(session, bulletin, cast.minh, heard, "Sai ngày", NOON)
    assert bulletin.state is State.REJECTED
    bulletins.submit(session, bulletin, cast.hoa, LATER)
    assert bulletin.state is State.SUBMITTED


def test_an_emergency_waits_for_a_second_approver(session: Session, cast: Cast) -> None:
    urgent = replace(DRAFT, priority=Priority.EMERGENCY)
    bulletin, heard = submitted(session, cast, urgent)
    other = another_approver(session)
    assert not bulletins.approve(session, bulletin, cast.minh, heard, NOON).complete
    assert bulletin.state is State.SUBMITTED
    assert decisions.approval(session, bulletin.id) is None
    with pytest.raises(ContentError, match="người duyệt khác"):
        bulletins.approve(session, bulletin, cast.minh, heard, NOON)
    assert bulletins.approve(session, bulletin, other, heard, LATER).complete
    approval = decisions.approval(session, bulletin.id)
    assert approval is not None
    assert (approval.names, approval.logins) == (
        ["Minh", "Người duyệt thứ hai"],
        ["minh", "duyet2"],
    )
    with pytest.raises(ContentError, match="chờ duyệt"):
        bulletins.approve(session, bulletin, cast.minh, heard, LATER)


def test_one_approver_is_enough_where_the_station_says_so(session: Session, cast: Cast) -> None:
    bulletin, heard = submitted(session, cast, replace(DRAFT, priority=Priority.EMERGENCY))
    assert bulletins.approve(
        session, bulletin, cast.minh, heard, NOON, emergency_approvers=1
    ).complete


def test_a_rejection_by_the_second_ends_what_the_first_approved(
    session: Session, cast: Cast
) -> None:
    bulletin, heard = submitted(session, cast, replace(DRAFT, priority=Priority.EMERGENCY))
    bulletins.approve(session, bulletin, cast.minh, heard, NOON)
    bulletins.reject(session, bulletin, another_approver(session), heard, "Sai giờ", LATER)
    assert decisions.standing(session, [bulletin.id]) == {}
    bulletins.submit(session, bulletin, cast.hoa, LATER)
    assert not bulletins.approve(session, bulletin, cast.minh, heard, LATER).complete


def test_a_withdrawn_bulletin_has_no_approval(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    with pytest.raises(NotAllowed):
        bulletins.withdraw(session, bulletin, cast.lan, LATER)
    bulletins.withdraw(session, bulletin, cast.hoa, LATER)
    assert decisions.approval(session, bulletin.id) is None
    with pytest.raises(ContentError, match="thu hồi"):
        bulletins.edit(session, bulletin, cast.hoa, replace(DRAFT, title="Khác"), LATER)


def test_each_version_is_kept_with_who_made_it(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    bulletins.edit(session, bulletin, cast.minh, replace(DRAFT, title="Tên khác"), LATER)
    found = versions.listing(session, bulletin.id)
    assert [(v.version, v.staff.name, v.content.title, v.at) for v in found] == [
        (2, "Minh", "Tên khác", LATER),
        (1, "Hoa", "Lịch tiêm chủng", NOON),
    ]
    assert found[0].content == bulletin.draft


def test_reading_again_is_a_version_of_its_own(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    bulletins.read_again(session, bulletin, cast.hoa, LATER)
    assert (bulletin.state, bulletin.sounds, bulletin.version) == (State.DRAFT, {}, 2)
    assert decisions.approval(session, bulletin.id) is None


def test_each_act_is_in_the_audit_log_with_its_sounds(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    entries = session.query(audit.AuditEntry).order_by(audit.AuditEntry.n).all()
    assert [entry.kind for entry in entries[-3:]] == [
        "bulletin.write",
        "bulletin.submit",
        "bulletin.approve",
    ]
    assert bulletin.sounds["vi"] in entries[-1].data


def test_what_is_not_there_is_said_to_be_gone(session: Session) -> None:
    with pytest.raises(NotFound, match="Không tìm thấy bản tin"):
        bulletins.get(session, 999)


def test_nobody_approves_own_words_that_were_taken_up_again(session: Session, cast: Cast) -> None:
    """Minh wrote the second version; the third was approved; Hoa goes back to the second."""
    bulletin = bulletins.write(session, cast.hoa, DRAFT, NOON)
    bulletins.edit(
        session, bulletin, cast.minh, replace(DRAFT, parts=spoken("Lời của Minh.")), NOON
    )
    his = bulletin.draft
    bulletins.edit(session, bulletin, cast.hoa, replace(DRAFT, parts=spoken("Lời khác.")), NOON)
    second = another_approver(session)
    sha = give_sound(session, bulletin)
    bulletins.submit(session, bulletin, cast.hoa, NOON)
    bulletins.approve(session, bulletin, second, [sha], NOON)
    bulletins.edit(session, bulletin, cast.hoa, his, NOON)
    assert cast.minh.id in bulletins.writers(session, bulletin)
    bulletins.edit(session, bulletin, cast.hoa, replace(his, title="Tên khác"), NOON)
    assert cast.minh.id in bulletins.writers(session, bulletin)


def test_an_approver_who_has_left_does_not_count(session: Session, cast: Cast) -> None:
    bulletin = bulletins.write(session, cast.hoa, replace(DRAFT, priority=Priority.EMERGENCY), NOON)
    sha = give_sound(session, bulletin)
    bulletins.submit(session, bulletin, cast.hoa, NOON)
    second = another_approver(session)
    bulletins.approve(session, bulletin, second, [sha], NOON)
    second.active = False
    bulletins.approve(session, bulletin, cast.minh, [sha], NOON)
    assert bulletin.state is State.SUBMITTED
