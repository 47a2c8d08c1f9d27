from __future__ import annotations

import hashlib
import io

import pytest
import sqlalchemy as sa

from content import bulletins
from content.bulletins import Bulletin, Kind, Priority, State
from content.recordings import Rendering, RenderingState
from tests.cast import give_sound
from tests.web.conftest import error_at, words
from web import uploads

DRAFT = {
    "kind": "text", "title": "Họp thôn", "body": "Họp lúc 19h30.", "field": "4", "priority": "priority",
    "speed": "150", "chimes": "y", "valid_from": "21/11/2026", "valid_until": "2026-11-30",
}  # fmt: skip


def only(database):
    with database.read() as session:
        return session.scalars(sa.select(Bulletin)).one()


def test_it_keeps_what_was_written_and_asks_for_its_sound(hoa, database, cast):
    answer = hoa.post("/ban-tin/moi", data=DRAFT)
    bulletin = only(database)
    assert answer.location == f"/ban-tin/{bulletin.id}"
    assert (bulletin.title, bulletin.body, bulletin.field) == ("Họp thôn", "Họp lúc 19h30.", 4)
    assert (bulletin.priority, bulletin.speed, bulletin.chimes) == (Priority.PRIORITY, 150, True)
    assert (str(bulletin.valid_from), str(bulletin.valid_until)) == ("2026-11-21", "2026-11-30")
    assert bulletin.author_id == cast.hoa.id
    with database.read() as session:
        assert session.scalars(sa.select(Rendering)).one().state == RenderingState.QUEUED


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("title", " ", "Hãy đặt tên cho bản tin."),
        ("title", "a" * 201, "dài quá 200 ký tự"),
        ("body", "", "Hãy nhập hoặc dán nội dung"),
        ("body", "chữ " * 10_000, "tối đa 30.000"),
        ("speed", "500", "nằm ngoài khoảng 110–175"),
        ("speed", "nhanh", "Hãy nhập một số nguyên."),
        ("field", "9", "Lựa chọn này không có"),
        ("valid_from", "31/02/2026", "Hãy nhập ngày theo dạng ngày/tháng/năm"),
        ("valid_until", "20/11/2026", "đứng trước ngày bắt đầu hiệu lực"),
    ],
)
def test_it_shows_a_wrong_value_at_its_field_and_keeps_the_rest(
    hoa, database, field, value, sentence
):
    answer = hoa.post("/ban-tin/moi", data={**DRAFT, field: value})
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)
    assert 'aria-invalid="true"' in answer.text
    for kept in {"title", "body"} - {field}:
        assert DRAFT[kept] in answer.text
    with database.read() as session:
        assert not session.scalars(sa.select(Bulletin)).all()


def test_it_writes_out_what_people_type_never_as_html(hoa, minh):
    evil = "<script>alert('x')</script><img src=x onerror=alert(1)> \"' & 5/6"
    here = hoa.post("/ban-tin/moi", data={**DRAFT, "title": evil[:200], "body": evil}).location
    for page in (hoa.get(here), hoa.get(here + "/sua"), minh.get("/ban-tin"), hoa.get(f"/ban-tin?tim={evil}"),
                 hoa.post("/ban-tin/doc-thu", data={"body": evil}), hoa.get(here + "/thu-hoi")):  # fmt: skip
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
    assert "&lt;script&gt;alert" in hoa.get(here).text


def test_it_takes_a_recording_in(hoa, database, config):
    sound = b"ID3" + b"\x00\x01" * 40_000
    data = {**DRAFT, "kind": "upload", "upload": (io.BytesIO(sound), "C:\\ghi âm\\hop.mp3")}
    assert hoa.post("/ban-tin/moi", data=data).status_code == 302
    bulletin, sha = only(database), hashlib.sha256(sound).hexdigest()
    assert (bulletin.kind, bulletin.upload, bulletin.body) == (Kind.UPLOAD, sha, "")
    assert "hop.mp3" in bulletin.upload_name
    assert (config.uploads / sha).read_bytes() == sound
    assert not list(config.work.glob("*"))


def test_it_keeps_a_file_when_something_else_is_wrong(hoa, database, config):
    sound = b"RIFF" + b"\x05" * 5000
    data = {**DRAFT, "kind": "upload", "title": "", "upload": (io.BytesIO(sound), "hop.wav")}
    answer = hoa.post("/ban-tin/moi", data=data)
    assert error_at(answer, "title") == "Hãy đặt tên cho bản tin."
    assert "Đã nhận tệp “hop.wav”" in words(answer)
    sha = hashlib.sha256(sound).hexdigest()
    again = {**DRAFT, "kind": "upload", "kept": sha, "kept_name": "hop.wav"}
    assert hoa.post("/ban-tin/moi", data=again).status_code == 302
    assert only(database).upload == sha


@pytest.mark.parametrize("kept", ["", "0" * 64, "../../secrets/web.key", "a" * 63])
def test_it_believes_no_name_of_a_file_it_has_not_received(hoa, kept):
    data = {**DRAFT, "kind": "upload", "kept": kept, "kept_name": "x.mp3"}
    assert "Hãy chọn tệp ghi âm" in error_at(hoa.post("/ban-tin/moi", data=data), "upload")


def test_it_refuses_an_empty_file_at_its_field(hoa, config):
    data = {**DRAFT, "kind": "upload", "upload": (io.BytesIO(b""), "hop.mp3")}
    assert "trống (0 byte)" in error_at(hoa.post("/ban-tin/moi", data=data), "upload")
    assert not list(config.work.glob("*"))


@pytest.fixture
def small_limits(monkeypatch):
    """1 MB becomes 100 kB, and a form may hold 10 kB."""
    monkeypatch.setattr(uploads, "MEGABYTE", 100_000)
    monkeypatch.setattr(uploads, "FORM_BYTES", 10_000)


def test_it_refuses_a_file_over_the_limit(hoa, config, small_limits):
    data = {**DRAFT, "kind": "upload", "upload": (io.BytesIO(b"x" * 90_000), "ngan.mp3")}
    assert hoa.post("/ban-tin/moi", data=data).status_code == 302
    data = {**DRAFT, "kind": "upload", "upload": (io.BytesIO(b"x" * 120_000), "dai.mp3")}
    assert hoa.post("/ban-tin/moi", data=data).status_code == 413
    assert not list(config.work.glob("*"))


def test_it_takes_files_only_where_a_recording_is_asked_for(hoa, config, small_limits):
    data = {"body": "Chào", "upload": (io.BytesIO(b"x" * 90_000), "dai.mp3")}
    assert hoa.post("/ban-tin/doc-thu", data=data).status_code == 413


def test_it_shows_a_bulletin_to_be_edited_and_says_what_that_ends(hoa, approved):
    page = hoa.get(f"/ban-tin/{approved.id}/sua")
    assert "Lịch tiêm chủng" in page.text
    assert "phải gửi duyệt lại" in words(page)


def test_it_ends_the_approval_when_the_text_changes(hoa, database, approved):
    here = f"/ban-tin/{approved.id}"
    assert hoa.post(here + "/sua", data={**DRAFT, "title": approved.title}).location == here
    with database.read() as session:
        bulletin = bulletins.get(session, approved.id)
        assert (bulletin.state, bulletin.recording_sha, bulletin.version) == (State.DRAFT, None, 2)
        assert bulletins.approval(session, approved.id) is None
        assert session.scalars(sa.select(Rendering)).one().version == 2
    assert "Hết hiệu lực" in words(hoa.get(here))


def test_it_changes_nothing_when_nothing_was_changed(hoa, database, approved):
    same = {
        "kind": "text", "title": approved.title, "body": approved.body, "field": "1", "priority": "normal",
        "speed": "135", "chimes": "y",
    }  # fmt: skip
    hoa.post(f"/ban-tin/{approved.id}/sua", data=same)
    with database.read() as session:
        assert bulletins.get(session, approved.id).state is State.APPROVED


def test_it_lists_by_state_and_by_name(hoa, approved):
    hoa.post("/ban-tin/moi", data=DRAFT)
    assert "Họp thôn" in words(hoa.get("/ban-tin"))
    only_approved = words(hoa.get("/ban-tin?trang_thai=approved"))
    assert "Lịch tiêm chủng" in only_approved
    assert "Họp thôn" not in only_approved
    found = words(hoa.get("/ban-tin?tim=họp"))
    assert "Họp thôn" in found
    assert "Lịch tiêm chủng" not in found
    assert "Không có bản tin nào khớp." in words(hoa.get("/ban-tin?tim=khong+co"))
    assert "Họp thôn" in words(hoa.get("/ban-tin?trang_thai=bia-dat"))


def test_it_says_how_to_begin_when_there_is_nothing(hoa, lan):
    assert "Soạn bản tin đầu tiên" in words(hoa.get("/ban-tin"))
    assert "Soạn bản tin" not in words(lan.get("/ban-tin"))


def test_it_shows_the_written_beside_the_spoken_with_what_differs_marked(hoa):
    here = hoa.post("/ban-tin/moi", data={**DRAFT, "body": "Họp lúc 19h30 tại XYZQ."}).location
    page = hoa.get(here)
    assert "<mark>19h30</mark>" in page.text
    assert "<mark>mười chín giờ ba mươi phút</mark>" in page.text
    assert 'class="warned"' in page.text
    assert "Cần xem lại 1 chỗ" in words(page)


def test_it_shows_what_the_sound_says_even_if_the_rules_have_changed_since(hoa, database, cast):
    with database.write() as session:
        bulletin = bulletins.write(session, cast.hoa, bulletins.Draft(title="A", body="Lúc 5h."), 1)
        give_sound(session, bulletin)
        session.flush()
        session.get_one(bulletins.Bulletin, bulletin.id)
        session.execute(sa.text("update recordings set spoken = 'Lúc năm giờ đúng.'"))
    page = hoa.get(f"/ban-tin/{bulletin.id}")
    assert "Lúc năm giờ đúng." in page.text
    assert "năm giờ</mark>" not in page.text


def test_it_reads_a_text_that_is_not_saved(hoa):
    assert "năm giờ" in words(hoa.post("/ban-tin/doc-thu", data={"body": "Lúc 5h."}))
    assert not words(hoa.post("/ban-tin/doc-thu", data={"body": ""}))


def test_it_offers_to_drop_what_came_along_from_a_web_page(hoa, database):
    body = "Họp thôn tối nay.\nLượt xem: 43\nMời bà con đến đông đủ.\nQR Code"
    here = hoa.post("/ban-tin/moi", data={**DRAFT, "body": body}).location
    page = hoa.get(here)
    assert "Có 2 dòng trông như chép lẫn từ trang mạng." in words(page)
    assert hoa.post(here + "/bo-dong", data={"version": "1", "line": ["2", "4"]}).location == here
    assert only(database).body == "Họp thôn tối nay.\nMời bà con đến đông đủ."


def test_it_drops_no_line_of_a_text_that_changed_meanwhile(hoa, database):
    here = hoa.post("/ban-tin/moi", data={**DRAFT, "body": "Một.\nQR Code"}).location
    hoa.post(here + "/sua", data={**DRAFT, "body": "Hai.\nBa."})
    assert hoa.post(here + "/bo-dong", data={"version": "1", "line": "2"}).status_code == 409
    assert hoa.post(here + "/bo-dong", data={"version": "2"}).status_code == 400
    assert only(database).body == "Hai.\nBa."
