from __future__ import annotations

import hashlib
import io

import msgspec
import pytest
import sqlalchemy as sa

from content import bulletins, uploads
from content.bulletins import State
from content.parts import Translation
from content.recordings import Rendering
from content.uploads import Upload
from devices import areas
from tests.cast import NOON, give_sound
from tests.web.conftest import error_at, words

SOUND = b"ID3" + b"\x00\x01" * 4_000
SHA = hashlib.sha256(SOUND).hexdigest()


@pytest.fixture
def here(approved) -> str:
    return f"/ban-tin/{approved.id}/ban-dich"


@pytest.fixture
def spoken(database, cast):
    """In Bãi they speak Tày."""
    with database.write() as session:
        area = areas.get(session, cast.villages[2].id)
        areas.set_language(session, area, "tyz", now=NOON, by="test")


@pytest.fixture
def translated(database, cast, approved, config):
    """The bulletin has a Tày recording, cut once, and its sound is made."""
    config.uploads.mkdir(parents=True, exist_ok=True)
    (config.uploads / SHA).write_bytes(SOUND)
    tay = Translation(language="tyz", upload=SHA, name="tày.mp3", cuts=((0, 1_000),))
    with database.write() as session:
        bulletin = bulletins.get(session, approved.id)
        draft = msgspec.structs.replace(bulletin.draft, translations=(tay,))
        bulletins.edit(session, bulletin, cast.hoa, draft, NOON)
        uploads.note(session, [SHA], NOON)
        session.get_one(Upload, SHA).ms = 65_000
        give_sound(session, bulletin)
    return bulletin


def file(name="tày.mp3", sound=SOUND):
    return io.BytesIO(sound), name


def add(client, here, **fields):
    data = {"language": "tyz", "version": "1", "upload": file(), **fields}
    return client.post(
        here, data={name: value for name, value in data.items() if value is not None}
    )


def only(database, approved):
    with database.read() as session:
        return bulletins.get(session, approved.id)


def test_a_recording_in_another_language_becomes_a_new_version(
    hoa, database, approved, here, config
):
    assert add(hoa, here, music="y").location == here
    bulletin = only(database, approved)
    assert bulletin.translations == (
        Translation(language="tyz", upload=SHA, name="tày.mp3", music=True),
    )
    assert (bulletin.version, bulletin.state, bulletin.sounds) == (2, State.DRAFT, {})
    assert (config.uploads / SHA).read_bytes() == SOUND
    with database.read() as session:
        assert session.scalars(sa.select(Rendering)).one().version == 2
        assert session.scalars(sa.select(Upload.sha256)).all() == [SHA]


def test_a_file_received_in_pieces_is_taken_by_its_hash(hoa, database, approved, here, config):
    config.uploads.mkdir(parents=True)
    (config.uploads / SHA).write_bytes(SOUND)
    add(hoa, here, upload=None, kept=SHA, kept_name="ghi-am.webm")
    assert only(database, approved).translations[0].name == "ghi-am.webm"


def test_the_page_says_what_saving_ends_before_it_is_saved(hoa, here):
    assert "phải nghe và duyệt lại" in words(hoa.get(here))


@pytest.mark.parametrize(
    ("fields", "at", "sentence"),
    [
        ({"language": ""}, "language", "Hãy chọn tiếng"),
        ({"language": "vi"}, "language", "Lựa chọn này không có"),
        ({"language": "xx"}, "language", "Lựa chọn này không có"),
        ({"upload": None}, "upload", "Hãy chọn tệp hoặc ghi âm"),
        ({"upload": file(sound=b"")}, "upload", "trống (0 byte)"),
        ({"upload": None, "kept": "0" * 64}, "upload", "Hãy chọn tệp hoặc ghi âm"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(hoa, database, approved, here, fields, at, sentence):
    answer = add(hoa, here, **fields)
    assert answer.status_code == 400
    assert sentence in error_at(answer, at)
    assert only(database, approved).translations == ()


def test_a_file_is_kept_when_the_language_is_forgotten(hoa, here):
    answer = add(hoa, here, language="")
    assert "Đã nhận tệp “ tày.mp3 ”" in words(answer)
    assert SHA in answer.text


def test_a_language_is_offered_once_and_those_spoken_here_first(hoa, here, spoken, translated):
    page = hoa.get(here).text
    assert 'value="tyz"' not in page
    assert 'value="hmn"' in page


def test_those_spoken_here_are_offered_first_and_missed(hoa, here, spoken):
    page = hoa.get(here)
    assert page.text.index('value="tyz"') < page.text.index('value="bdq"')
    assert "thôn Bãi nói tiếng Tày, chưa có bản dịch." in words(page)


def test_the_page_says_how_long_and_who_hears_it(hoa, here, spoken, translated):
    said = words(hoa.get(here))
    assert "bản gốc dài 1 phút 05 giây, bỏ 1 đoạn" in said
    assert "Nghe ở: thôn Bãi." in said


def test_what_nobody_would_hear_is_said(hoa, admin, here, translated):
    assert "không nơi nào nghe bản này" in words(hoa.get(here))
    assert "Hãy nhờ quản trị" in words(hoa.get(here))


def test_only_the_topmost_area_is_named(hoa, here, database, cast, translated):
    with database.write() as session:
        commune = areas.get(session, cast.commune.id)
        areas.set_language(session, commune, "tyz", now=NOON, by="test")
    assert "Nghe ở: xã Mẫu." in words(hoa.get(here))


def test_the_list_follows_the_making_of_the_sound(hoa, database, approved, here):
    add(hoa, here)
    part = f"/ban-tin/{approved.id}/cac-ban-dich"
    first = hoa.get(part)
    assert f'data-digest="{first.headers["X-Digest"]}"' in hoa.get(here).text
    assert "Đang tạo âm thanh" in words(first)
    assert "Về bản tin để gửi duyệt" not in words(first)
    with database.write() as session:
        give_sound(session, bulletins.get(session, approved.id))
    then = hoa.get(part, headers={"X-Seen": first.headers["X-Digest"]})
    assert then.status_code == 200
    assert 'preload="metadata"' in then.text
    assert f'href="/ban-tin/{approved.id}">Về bản tin để gửi duyệt<' in then.text


def test_another_file_takes_the_place_and_its_cuts_go(hoa, database, approved, here, translated):
    data = {"version": "2", "upload": file("mới.mp3", b"RIFF" + SOUND)}
    answer = hoa.post(here + "/tyz", data=data, follow_redirects=True)
    assert "các đoạn cắt của tệp cũ không còn" in words(answer)
    (tay,) = only(database, approved).translations
    assert (tay.name, tay.cuts) == ("mới.mp3", ())


def test_the_cuts_stay_when_only_the_switch_is_turned(hoa, database, approved, here, translated):
    data = {"version": "2", "kept": SHA, "kept_name": "tày.mp3", "music": "y"}
    assert hoa.post(here + "/tyz", data=data).location == here
    (tay,) = only(database, approved).translations
    assert (tay.music, tay.cuts) == (True, ((0, 1_000),))


def test_saving_what_was_there_changes_nothing(hoa, database, approved, here, translated):
    data = {"version": "2", "kept": SHA, "kept_name": "tày.mp3"}
    answer = hoa.post(here + "/tyz", data=data, follow_redirects=True)
    assert "Không có gì thay đổi." in words(answer)
    assert only(database, approved).version == 2


def test_one_is_removed_after_a_question(hoa, database, approved, here, spoken, translated):
    asked = words(hoa.get(here + "/tyz/bo"))
    assert "Bỏ bản tiếng Tày?" in asked
    assert "thôn Bãi sẽ nghe bản tiếng Kinh." in asked
    assert hoa.post(here + "/tyz/bo", data={"version": "2"}).location == here
    bulletin = only(database, approved)
    assert (bulletin.translations, bulletin.sounds) == ((), {})


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    hoa, database, approved, here, translated
):
    answer = add(hoa, here, language="hmn", version="1")
    assert answer.status_code == 400
    assert "đã được sửa sau khi trang được mở" in words(answer)
    assert hoa.post(here + "/tyz/bo", data={"version": "1"}).status_code == 409
    assert len(only(database, approved).translations) == 1


def test_one_that_is_not_there_cannot_be_changed(hoa, here):
    for address in (here + "/tyz", here + "/tyz/bo", here + "/tyz/cat"):
        assert hoa.get(address).status_code == 404


def test_a_withdrawn_bulletin_gets_none(hoa, database, approved, cast, here):
    with database.write() as session:
        bulletins.withdraw(session, bulletins.get(session, approved.id), cast.hoa, NOON)
    assert "Thêm bản dịch" not in words(hoa.get(here))
    assert "đã thu hồi không sửa được" in words(
        hoa.post(here, data={"language": "tyz", "version": "1", "upload": file()})
    )


def test_a_viewer_changes_nothing(lan, here, translated):
    assert lan.get(here).status_code == 403
    assert add(lan, here).status_code == 403
