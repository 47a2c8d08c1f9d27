from __future__ import annotations

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from content import bulletins, versions
from content.bulletins import State
from content.parts import spoken
from content.recordings import Rendering
from loa.times import MINUTE, after
from tests.cast import NOON
from tests.web.conftest import words

LATER = after(NOON, MINUTE)


@pytest.fixture
def here(approved):
    return f"/ban-tin/{approved.id}/cac-ban"


def change(database, cast, bulletin, by=None, **changes):
    with database.write() as session:
        found = bulletins.get(session, bulletin.id)
        bulletins.edit(session, found, by or cast.hoa, replace(found.draft, **changes), LATER)


def now_of(database, bulletin):
    with database.read() as session:
        return bulletins.get(session, bulletin.id)


def test_it_lists_who_changed_what_and_who_approved_it(lan, database, cast, approved, here):
    change(database, cast, approved, by=cast.minh, title="Tên mới", parts=spoken("Lời mới."))
    told = words(lan.get(here))
    assert "Bản thứ 2 hiện tại Minh, 12:01 ngày 21/11/2026 Đổi tên bản tin, lời văn." in told
    assert "Bản thứ 1 đã duyệt Hoa, 12:00 ngày 21/11/2026 Bản đầu tiên." in told
    assert "Minh duyệt lúc 12:00 ngày 21/11/2026" in told


def test_it_says_that_a_version_was_only_read_again(hoa, database, cast, approved, here):
    with database.write() as session:
        found = bulletins.get(session, approved.id)
        bulletins.read_again(session, found, cast.hoa, LATER)
    assert "Cho máy đọc lại, nội dung không đổi." in words(hoa.get(here))


def test_it_shows_a_version_beside_the_one_before_and_the_one_of_now(
    hoa, database, cast, approved, here
):
    change(database, cast, approved, parts=spoken("Mời bà con đến nhà văn hóa."))
    change(database, cast, approved, title="Tên thứ ba")
    page = hoa.get(f"{here}/2")
    assert "Từ bản thứ 1 đến bản này" in words(page)
    assert "trạm y tế." in page.text.split("<del>")[1].split("</del>")[0]
    assert "nhà văn hóa." in page.text.split("<ins>")[1].split("</ins>")[0]
    page = hoa.get(f"{here}/2?so=nay")
    assert "Từ bản thứ 2 đến bản hiện tại" in words(page)
    assert "“Tên thứ ba”" in words(page)
    assert "Từ bản thứ 1 đến bản hiện tại" in words(hoa.get(f"{here}/1"))
    assert "đây là bản hiện tại" in words(hoa.get(f"{here}/3?so=nay"))


def test_it_says_when_there_is_no_such_version(hoa, here):
    assert hoa.get(f"{here}/9").status_code == 404
    assert hoa.get(f"{here}/9/dung-lai").status_code == 404
    assert hoa.post(f"{here}/9/dung-lai").status_code == 404


def test_it_takes_an_older_version_up_again_after_asking(hoa, database, cast, approved, here):
    first = now_of(database, approved)
    change(database, cast, approved, title="Tên mới", parts=spoken("Lời mới."))
    asked = words(hoa.get(f"{here}/1/dung-lai"))
    assert "Dùng lại bản thứ 1?" in asked
    assert "tên bản tin, lời văn" in asked
    answer = hoa.post(f"{here}/1/dung-lai", data={"now": "2"}, follow_redirects=True)
    assert "cần được gửi duyệt và duyệt lại" in words(answer)
    found = now_of(database, approved)
    assert (found.draft, found.version, found.state, found.sounds) == (
        first.draft,
        3,
        State.DRAFT,
        {},
    )
    with database.read() as session:
        assert session.scalars(sa.select(Rendering.version)).all() == [3]
        assert len(versions.listing(session, approved.id)) == 3


def test_it_makes_no_new_sound_for_what_cannot_be_heard(hoa, database, cast, approved, here):
    change(database, cast, approved, title="Tên mới")
    hoa.post(f"{here}/1/dung-lai")
    found = now_of(database, approved)
    assert (found.title, found.state) == (approved.title, State.DRAFT)
    assert found.sounds
    with database.read() as session:
        assert session.scalars(sa.select(Rendering)).all() == []


def test_it_changes_nothing_when_both_are_the_same(hoa, database, approved, here):
    answer = hoa.post(f"{here}/1/dung-lai", follow_redirects=True)
    assert "giống hệt bản hiện tại" in words(answer)
    assert now_of(database, approved).state is State.APPROVED


def test_it_refuses_when_the_bulletin_was_changed_meanwhile(hoa, database, cast, approved, here):
    change(database, cast, approved, title="Tên mới")
    change(database, cast, approved, title="Tên mới nữa")
    answer = hoa.post(f"{here}/1/dung-lai", data={"now": "2"})
    assert answer.status_code == 409
    assert "đã được sửa sau khi trang được mở" in words(answer)
    assert now_of(database, approved).title == "Tên mới nữa"


def test_only_who_may_write_takes_up_a_version(lan, database, cast, approved, here):
    change(database, cast, approved, title="Tên mới")
    assert "Dùng lại bản này" not in words(lan.get(f"{here}/1"))
    assert lan.post(f"{here}/1/dung-lai").status_code == 403


def test_a_withdrawn_bulletin_stays_as_it_is(hoa, database, cast, approved, here):
    change(database, cast, approved, title="Tên mới")
    with database.write() as session:
        bulletins.withdraw(session, bulletins.get(session, approved.id), cast.hoa, LATER)
    assert "Dùng lại bản này" not in words(hoa.get(f"{here}/1"))
    assert hoa.post(f"{here}/1/dung-lai").status_code == 409
