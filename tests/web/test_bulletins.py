from __future__ import annotations

import hashlib
import io
import re
from datetime import date
from html import unescape

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from content import bulletins, decisions, entries
from content.bulletins import Bulletin, Priority, State
from content.corrections import Correction
from content.dictionary import Entry
from content.parts import Chime, Recorded, Text, Translation, spoken
from content.recordings import Recording, Rendering, RenderingState
from tests.cast import NOON, give_sound
from tests.web.conftest import error_at, words
from web import uploads

DRAFT = {
    "title": "Họp thôn", "field": "4", "priority": "priority", "chimes": "y", "valid_from": "21/11/2026",
    "valid_until": "2026-11-30", "parts-0-kind": "text", "parts-0-body": "Họp lúc 19h30.", "parts-0-voice": "",
    "parts-0-speed": "150",
}  # fmt: skip
SOUND = b"RIFF" + b"\x05" * 5000
SHA = hashlib.sha256(SOUND).hexdigest()


def several(*found, **more):
    """What the form of these parts sends; each is a dict of its fields."""
    usual = {name: value for name, value in DRAFT.items() if not name.startswith("parts-")}
    sent = {
        f"parts-{n}-{name}": value for n, part in enumerate(found) for name, value in part.items()
    }
    return {**usual, **sent, **more}


def text(body, **more):
    return {"kind": "text", "body": body, "voice": "", "speed": "135", **more}


def line(page):
    """The page's words as they stand in a line: marked ones are not apart from their full stop."""
    return unescape(" ".join(re.sub(r"<[^>]+>", "", page.text).split()))


def only(database):
    with database.read() as session:
        return session.scalars(sa.select(Bulletin)).one()


def queued(database):
    with database.read() as session:
        found = session.scalars(sa.select(Rendering).order_by(Rendering.id)).all()
    return [rendering.version for rendering in found if rendering.state == RenderingState.QUEUED]


@pytest.fixture
def written(database, cast):
    """By Hoa, with a sound and a correction."""
    with database.write() as session:
        fixed = Text(body="Gặp XYZQ lúc 5h.", corrections=(Correction(4, 8, "XYZQ", "anh Quý"),))
        draft = bulletins.Draft(title="Họp", parts=(fixed,))
        bulletin = bulletins.write(session, cast.hoa, draft, NOON)
        give_sound(session, bulletin)
        return bulletin


def of(bulletin, **more):
    """What the form of this bulletin sends untouched."""
    (part,) = bulletin.parts
    found = several(text(part.body, was="0"), title=bulletin.title, field="1", priority="normal")
    return {**found, "valid_from": "", "valid_until": "", "version": str(bulletin.version), **more}


# --- one text --------------------------------------------------------------------------------------


def test_it_keeps_what_was_written_and_asks_for_its_sound(hoa, database, cast):
    answer = hoa.post("/ban-tin/moi", data=DRAFT)
    bulletin = only(database)
    assert answer.location == f"/ban-tin/{bulletin.id}"
    assert (bulletin.title, bulletin.field, bulletin.chimes) == ("Họp thôn", 4, True)
    assert bulletin.parts == (Text(body="Họp lúc 19h30.", voice="", speed=150),)
    assert bulletin.priority is Priority.PRIORITY
    assert (str(bulletin.valid_from), str(bulletin.valid_until)) == ("2026-11-21", "2026-11-30")
    assert bulletin.author_id == cast.hoa.id
    assert queued(database) == [1]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("title", " ", "Hãy đặt tên cho bản tin."),
        ("title", "a" * 201, "dài quá 200 ký tự"),
        ("parts-0-body", "", "Hãy nhập hoặc dán nội dung"),
        ("parts-0-body", "chữ " * 10_000, "tối đa 30.000"),
        ("parts-0-speed", "500", "nằm ngoài khoảng 110–175"),
        ("parts-0-speed", "nhanh", "Hãy nhập một số nguyên."),
        ("parts-0-voice", "ca-si", "Lựa chọn này không có"),
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
    for kept in {"title", "parts-0-body"} - {field}:
        assert DRAFT[kept] in answer.text
    with database.read() as session:
        assert not session.scalars(sa.select(Bulletin)).all()


def test_an_empty_form_says_what_is_missing(hoa):
    answer = hoa.post("/ban-tin/moi", data={"title": "", "priority": "normal", "field": "1"})
    assert answer.status_code == 400
    assert "Hãy đặt tên" in error_at(answer, "title")


def test_the_speed_is_the_stations_where_none_is_given(hoa, database):
    hoa.post("/ban-tin/moi", data={**DRAFT, "parts-0-speed": ""})
    assert only(database).parts[0].speed == 135


def test_it_offers_the_stations_voices_the_default_first(hoa):
    page = hoa.get("/ban-tin/moi").text
    options = re.findall(
        r'<option (?:selected )?value="([^"]*)">', page.split('name="parts-0-voice"')[1]
    )
    assert options[0] == ""
    assert {"espeak", "gtts"} <= set(options)
    assert "giọng mặc định của đài" in page


def test_a_voice_that_is_gone_stays_chosen_until_another_is(hoa, database, cast):
    with database.write() as session:
        draft = bulletins.Draft(title="A", parts=spoken("Chào.", voice="piper-cu"))
        bulletin = bulletins.write(session, cast.hoa, draft, NOON)
    page = hoa.get(f"/ban-tin/{bulletin.id}/sua").text
    assert "piper-cu (không còn trên máy chủ)" in page
    hoa.post(
        f"/ban-tin/{bulletin.id}/sua", data=of(bulletin, title="B", **{"parts-0-voice": "piper-cu"})
    )
    assert only(database).parts[0].voice == "piper-cu"


def test_it_writes_out_what_people_type_never_as_html(hoa, minh):
    evil = "<script>alert('x')</script><img src=x onerror=alert(1)> \"' & 5/6"
    data = {**DRAFT, "title": evil[:200], "parts-0-body": evil}
    here = hoa.post("/ban-tin/moi", data=data).location
    place = here + "/phan/1/cach-doc?tu=0&den=7"
    for page in (hoa.get(here), hoa.get(here + "/sua"), minh.get("/ban-tin"), hoa.get(place),
                 hoa.post("/ban-tin/doc-thu", data={"body": evil}), hoa.get(here + "/thu-hoi"),
                 hoa.get(here + "/phan/1/cach-doc", query_string={"chu": evil})):  # fmt: skip
        assert page.status_code in (200, 404)
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
    assert "&lt;script&gt;alert" in hoa.get(here).text


# --- a recording -----------------------------------------------------------------------------------


def recorded(**more):
    return {"kind": "recorded", **more}


def test_it_takes_a_recording_in(hoa, database, config):
    part = recorded(upload=(io.BytesIO(SOUND), "C:\\ghi âm\\hop.mp3"), music="y")
    assert hoa.post("/ban-tin/moi", data=several(part)).status_code == 302
    (found,) = only(database).parts
    assert (found.upload, found.music) == (SHA, True)
    assert "hop.mp3" in found.name
    assert (config.uploads / SHA).read_bytes() == SOUND
    assert not list(config.work.glob("*"))


def test_it_keeps_a_file_when_something_else_is_wrong(hoa, database, config):
    part = recorded(upload=(io.BytesIO(SOUND), "hop.wav"))
    answer = hoa.post("/ban-tin/moi", data=several(part, title=""))
    assert error_at(answer, "title") == "Hãy đặt tên cho bản tin."
    assert "Đã nhận tệp “ hop.wav ”" in words(answer)
    again = several(recorded(kept=SHA, kept_name="hop.wav"))
    assert hoa.post("/ban-tin/moi", data=again).status_code == 302
    assert only(database).parts == (Recorded(upload=SHA, name="hop.wav"),)


def test_the_name_of_a_kept_file_is_as_plain_as_that_of_a_sent_one(hoa, database):
    hoa.post(
        "/ban-tin/moi", data=several(recorded(upload=(io.BytesIO(SOUND), "hop.wav")), title="")
    )
    name = "C:\\ghi âm\\../" + "a" * 300 + "họ\x00p\x07.wav"
    assert (
        hoa.post("/ban-tin/moi", data=several(recorded(kept=SHA, kept_name=name))).status_code
        == 302
    )
    assert only(database).parts == (Recorded(upload=SHA, name="a" * 248 + "họp.wav"),)


def test_control_characters_of_a_pasted_text_are_not_stored(hoa, database):
    sent = {**DRAFT, "title": "Họp\x00 thôn", "parts-0-body": "\x00Họp\x07 lúc\x0c19h30.\x00"}
    assert hoa.post("/ban-tin/moi", data=sent).status_code == 302
    assert (only(database).title, only(database).body) == ("Họp thôn", "Họp lúc\n19h30.")


@pytest.mark.parametrize("kept", ["", "0" * 64, "../../secrets/web.key", "a" * 63])
def test_it_believes_no_name_of_a_file_it_has_not_received(hoa, kept):
    answer = hoa.post("/ban-tin/moi", data=several(recorded(kept=kept, kept_name="x.mp3")))
    assert "Hãy chọn tệp ghi âm" in error_at(answer, "parts-0-upload")


def test_it_refuses_an_empty_file_at_its_field(hoa, config):
    data = several(recorded(upload=(io.BytesIO(b""), "hop.mp3")))
    assert "trống (0 byte)" in error_at(hoa.post("/ban-tin/moi", data=data), "parts-0-upload")
    assert not list(config.work.glob("*"))


@pytest.fixture
def small_limits(monkeypatch):
    """1 MB becomes 100 kB, and a form may hold 10 kB."""
    monkeypatch.setattr(uploads, "MEGABYTE", 100_000)
    monkeypatch.setattr(uploads, "FORM_BYTES", 10_000)


def test_it_refuses_a_file_over_the_limit(hoa, config, small_limits):
    fits = several(recorded(upload=(io.BytesIO(b"x" * 90_000), "ngan.mp3")))
    assert hoa.post("/ban-tin/moi", data=fits).status_code == 302
    too_long = several(recorded(upload=(io.BytesIO(b"x" * 120_000), "dai.mp3")))
    assert hoa.post("/ban-tin/moi", data=too_long).status_code == 413
    assert not list(config.work.glob("*"))


def test_it_takes_files_only_where_a_recording_is_asked_for(hoa, config, small_limits):
    data = {"body": "Chào", "upload": (io.BytesIO(b"x" * 90_000), "dai.mp3")}
    assert hoa.post("/ban-tin/doc-thu", data=data).status_code == 413


# --- several parts ---------------------------------------------------------------------------------


def test_parts_stand_in_the_order_they_were_sent_whatever_their_number(hoa, database):
    data = several()
    for number, part in (
        ("7", text("Một.")),
        ("2", {"kind": "chime", "chime": "opening"}),
        ("11", text("Ba.")),
    ):
        data |= {f"parts-{number}-{name}": value for name, value in part.items()}
    assert hoa.post("/ban-tin/moi", data=data).status_code == 302
    assert only(database).parts == (Text(body="Một."), Chime(chime="opening"), Text(body="Ba."))


def test_what_is_wrong_with_a_part_is_shown_at_that_part(hoa):
    data = several(text("Một."), text("Hai.", speed="300"), recorded())
    answer = hoa.post("/ban-tin/moi", data=data)
    assert answer.status_code == 400
    assert "ngoài khoảng" in error_at(answer, "parts-1-speed")
    assert "Hãy chọn tệp ghi âm" in error_at(answer, "parts-2-upload")
    assert not error_at(answer, "parts-0-speed")


def test_what_is_wrong_with_all_together_is_shown_above(hoa, config):
    two_chimes = [{"kind": "chime", "chime": "ding-dong"}] * 2
    assert "chỉ có nhạc hiệu" in words(hoa.post("/ban-tin/moi", data=several(*two_chimes)))
    long = [text("chữ " * 5_000)] * 2
    assert "tối đa 30.000" in words(hoa.post("/ban-tin/moi", data=several(*long)))
    assert "tối đa 12" in words(hoa.post("/ban-tin/moi", data=several(*[text("A.")] * 13)))


def kinds(page):
    """What the parts of a form are, in their order."""
    return re.findall(r"data-kind-words>([^<]+)<", page.text)


def test_a_part_is_added_without_saving_and_nothing_is_lost(hoa, database, config):
    first = recorded(upload=(io.BytesIO(SOUND), "hop.wav"))
    page = hoa.post("/ban-tin/moi", data=several(first, change="add-text"))
    assert page.status_code == 200
    assert kinds(page) == ["bản ghi âm", "văn bản"]
    assert "Đã nhận tệp “ hop.wav ”" in words(page)
    assert f'value="{SHA}"' in page.text
    with database.read() as session:
        assert not session.scalars(sa.select(Bulletin)).all()


@pytest.mark.parametrize(
    ("change", "order"),
    [
        ("up-1", ["Hai.", "Một.", "Ba."]),
        ("up-0", ["Một.", "Hai.", "Ba."]),
        ("down-1", ["Một.", "Ba.", "Hai."]),
        ("down-2", ["Một.", "Hai.", "Ba."]),
        ("remove-0", ["Hai.", "Ba."]),
        ("remove-9", ["Một.", "Hai.", "Ba."]),
        ("nonsense", ["Một.", "Hai.", "Ba."]),
    ],
)
def test_parts_are_moved_and_taken_out_without_saving(hoa, change, order):
    page = hoa.post(
        "/ban-tin/moi", data=several(text("Một."), text("Hai."), text("Ba."), change=change)
    )
    assert (
        re.findall(r"<textarea[^>]*parts-\d+-body[^>]*>\s*([^<]*)</textarea>", page.text) == order
    )


def test_a_form_is_never_without_a_part(hoa):
    page = hoa.post("/ban-tin/moi", data=several(text("Một."), change="remove-0"))
    assert kinds(page) == ["văn bản"]
    assert "Một." not in page.text


def test_a_thirteenth_part_is_not_added(hoa):
    page = hoa.post("/ban-tin/moi", data=several(*[text("A.")] * 12, change="add-chime"))
    assert "tối đa 12 phần" in words(page)
    assert len(kinds(page)) == 12


def test_a_script_asks_for_one_more_part(hoa, lan):
    part = hoa.get("/ban-tin/phan-moi?loai=recorded&so=4")
    assert 'name="parts-4-kept"' in part.text
    assert "<html" not in part.text
    assert hoa.get("/ban-tin/phan-moi?loai=tho&so=4").status_code == 404
    assert hoa.get("/ban-tin/phan-moi?loai=text").status_code == 404
    assert lan.get("/ban-tin/phan-moi?loai=text&so=1").status_code == 403


# --- editing ---------------------------------------------------------------------------------------


def test_it_shows_a_bulletin_to_be_edited_and_says_what_that_ends(hoa, approved):
    page = hoa.get(f"/ban-tin/{approved.id}/sua")
    assert "Lịch tiêm chủng" in page.text
    assert "phải gửi duyệt lại" in words(page)


def test_it_ends_the_approval_when_the_text_changes(hoa, database, approved):
    here = f"/ban-tin/{approved.id}"
    data = of(approved, **{"parts-0-body": "Họp lúc 19h30."})
    assert hoa.post(here + "/sua", data=data).location == here
    with database.read() as session:
        bulletin = bulletins.get(session, approved.id)
        assert (bulletin.state, bulletin.recording_sha, bulletin.version) == (State.DRAFT, None, 2)
        assert decisions.approval(session, approved.id) is None
    assert queued(database) == [2]
    assert "Hết hiệu lực" in words(hoa.get(here))


def test_it_changes_nothing_when_nothing_was_changed(hoa, database, approved):
    hoa.post(f"/ban-tin/{approved.id}/sua", data=of(approved))
    assert only(database).state is State.APPROVED


def test_a_new_title_needs_no_new_sound(hoa, database, written):
    hoa.post(f"/ban-tin/{written.id}/sua", data=of(written, title="Họp chi bộ"))
    bulletin = only(database)
    assert (bulletin.title, bulletin.version) == ("Họp chi bộ", 2)
    assert bulletin.recording_sha == written.recording_sha
    assert queued(database) == []


def test_a_new_title_while_the_sound_is_made_asks_for_it_anew(hoa, database):
    """What is being made is for a version that is no more."""
    here = hoa.post("/ban-tin/moi", data=DRAFT).location
    hoa.post(here + "/sua", data={**DRAFT, "title": "Khác", "version": "1", "parts-0-was": "0"})
    assert queued(database) == [2]


def test_corrections_follow_their_words_through_an_edit(hoa, database, written):
    body = "Chiều nay gặp XYZQ, rồi gặp cả thôn."
    hoa.post(f"/ban-tin/{written.id}/sua", data=of(written, **{"parts-0-body": body}))
    (part,) = only(database).parts
    assert [(c.start, c.written, c.spoken) for c in part.corrections] == [(14, "XYZQ", "anh Quý")]


def test_it_says_which_corrections_went_with_their_words(hoa, database, written):
    here = f"/ban-tin/{written.id}"
    hoa.post(here + "/sua", data=of(written, **{"parts-0-body": "Nghỉ họp."}))
    assert only(database).parts[0].corrections == ()
    assert "Đã bỏ cách đọc riêng của “XYZQ” vì chữ đó không còn" in words(hoa.get(here))


def test_corrections_and_cuts_go_with_their_part_when_it_is_moved(hoa, database, cast, config):
    config.uploads.mkdir(parents=True)
    (config.uploads / SHA).write_bytes(SOUND)
    fixed = Text(body="Gặp XYZQ.", corrections=(Correction(4, 8, "XYZQ", "anh Quý"),))
    sound = Recorded(upload=SHA, name="hop.wav", cuts=((0, 900),))
    with database.write() as session:
        draft = bulletins.Draft(title="A", parts=(Text(body="Đầu."), fixed, sound))
        bulletin = bulletins.write(session, cast.hoa, draft, NOON)
    parts = (
        recorded(kept=SHA, kept_name="hop.wav", was="2"), text("Gặp XYZQ.", was="1"), text("Đầu.", was="0"),
    )  # fmt: skip
    hoa.post(f"/ban-tin/{bulletin.id}/sua", data=several(*parts, version="1"))
    assert only(database).parts == (sound, fixed, Text(body="Đầu."))


def test_cuts_do_not_outlive_their_recording(hoa, database, cast, config):
    with database.write() as session:
        old = Recorded(upload="b" * 64, name="cu.wav", cuts=((0, 900),))
        bulletin = bulletins.write(
            session, cast.hoa, bulletins.Draft(title="A", parts=(old,)), NOON
        )
    part = recorded(upload=(io.BytesIO(SOUND), "moi.wav"), was="0")
    here = f"/ban-tin/{bulletin.id}"
    hoa.post(here + "/sua", data=several(part, version="1"))
    assert only(database).parts == (Recorded(upload=SHA, name="moi.wav"),)
    assert "Các đoạn cắt của “cu.wav” không còn" in words(hoa.get(here))


def test_an_edit_leaves_the_translations_alone(hoa, database, written, cast):
    khmer = (Translation(language="km", upload="c" * 64, name="km.mp3"),)
    with database.write() as session:
        bulletin = bulletins.get(session, written.id)
        draft = bulletins.Draft(title="Họp", parts=written.parts, translations=khmer)
        bulletins.edit(session, bulletin, cast.hoa, draft, NOON)
    data = of(written, title="Khác", version="1", overwrite="2")
    assert hoa.post(f"/ban-tin/{written.id}/sua", data=data).status_code == 302
    assert only(database).translations == khmer


def test_a_bulletin_is_the_model_of_a_new_one(hoa, database, written, cast):
    tay = Translation(language="tyz", upload="a" * 64, name="tày.mp3")
    with database.write() as session:
        found = bulletins.get(session, written.id)
        until = date(2026, 11, 30)
        draft = replace(found.draft, translations=(tay,), valid_until=until)
        bulletins.edit(session, found, cast.hoa, draft, NOON)
    page = hoa.get(f"/ban-tin/moi?tu={written.id}")
    assert "Nội dung được chép từ một bản tin cũ." in words(page)
    assert "Gặp XYZQ lúc 5h." in page.text
    assert "30/11/2026" not in page.text
    answer = hoa.post(f"/ban-tin/moi?tu={written.id}", data=of(written, title="Họp lại"))
    with database.read() as session:
        new = bulletins.get(session, int(answer.location.rsplit("/", 1)[1]))
        assert bulletins.get(session, written.id).translations == (tay,)
    assert (new.title, new.version, new.state) == ("Họp lại", 1, State.DRAFT)
    assert (new.parts, new.translations, new.valid_until) == (written.parts, (), None)
    assert hoa.get("/ban-tin/moi?tu=99").status_code == 404


def test_nobody_overwrites_unseen_what_another_has_saved_meanwhile(hoa, minh, database, written):
    here = f"/ban-tin/{written.id}/sua"
    minh.post(here, data=of(written, title="Của Minh"))
    answer = hoa.post(here, data=of(written, title="Của Hoa"))
    assert answer.status_code == 400
    assert "Minh đã sửa bản tin này" in error_at(answer, "overwrite")
    assert "Của Hoa" in answer.text
    assert only(database).title == "Của Minh"
    assert hoa.post(here, data=of(written, title="Của Hoa", overwrite="2")).status_code == 302
    bulletin = only(database)
    assert bulletin.title == "Của Hoa"
    assert [c.spoken for c in bulletin.parts[0].corrections] == ["anh Quý"]


def test_a_withdrawn_bulletin_is_not_edited(hoa, database, cast, written):
    with database.write() as session:
        bulletins.withdraw(session, bulletins.get(session, written.id), cast.hoa, NOON)
    answer = hoa.post(f"/ban-tin/{written.id}/sua", data=of(written, title="Khác"))
    assert "đã thu hồi không sửa được" in words(answer)


def test_who_may_only_look_writes_nothing(lan, written):
    here = f"/ban-tin/{written.id}"
    for address in (
        "/ban-tin/moi",
        here + "/sua",
        here + "/bo-dong",
        here + "/doc-lai",
        "/ban-tin/doc-thu",
    ):
        assert lan.post(address, data=DRAFT).status_code == 403
    assert "Sửa cách đọc" not in words(lan.get(here))


# --- the page --------------------------------------------------------------------------------------


def test_it_shows_the_parts_in_their_order(hoa, database, cast):
    parts = (Text(body="Đầu."), Chime(), Recorded(upload="a" * 64, name="hop.wav", music=True))
    with database.write() as session:
        bulletin = bulletins.write(session, cast.hoa, bulletins.Draft(title="A", parts=parts), NOON)
    page = hoa.get(f"/ban-tin/{bulletin.id}")
    shown = words(page)
    order = ["Phần 1: văn bản", "Phần 2: nhạc hiệu", "Phần 3: Bản ghi âm (nhạc)", "hop.wav"]
    assert sorted(order, key=shown.index) == order
    for there in ("/phan/3/cat", "/ban-dich", "/cac-ban", "/thu-hoi"):
        assert f'href="/ban-tin/{bulletin.id}{there}"' in page.text


def test_it_says_where_the_sound_is_of_an_older_dictionary(hoa, database, cast, written):
    with database.write() as session:
        recording = session.get_one(Recording, written.recording_sha)
        recording.spoken = "Gặp anh Quý lúc năm giờ."
    here = f"/ban-tin/{written.id}"
    assert "được tạo trước khi" not in words(hoa.get(here))
    with database.write() as session:
        entries.teach(session, cast.hoa, Entry("lúc", "vào lúc"), NOON)
    shown = line(hoa.get(here))
    assert "Nay sẽ đọc khác 1 chỗ" in shown
    assert "Gặp anh Quý lúc năm giờ." in shown
    assert "Gặp anh Quý vào lúc năm giờ." in shown


def test_it_is_read_again_by_the_dictionary_of_today(hoa, database, approved):
    here = f"/ban-tin/{approved.id}"
    assert hoa.post(here + "/doc-lai", data={"version": "7"}).status_code == 409
    assert hoa.post(here + "/doc-lai", data={"version": "1"}).location == here
    bulletin = only(database)
    assert (bulletin.state, bulletin.sounds, bulletin.version) == (State.DRAFT, {}, 2)
    assert queued(database) == [2]


def test_it_reads_a_text_that_is_not_saved(hoa, database, cast):
    assert "năm giờ" in words(hoa.post("/ban-tin/doc-thu", data={"parts-3-body": "Lúc 5h."}))
    assert not words(hoa.post("/ban-tin/doc-thu", data={"body": ""}))
    with database.write() as session:
        entries.teach(session, cast.hoa, Entry("XYZQ", "xã mình"), NOON)
    assert "Về xã mình." in line(hoa.post("/ban-tin/doc-thu", data={"body": "Về XYZQ."}))


def test_it_reads_a_changed_text_with_its_corrections(hoa, written):
    address = f"/ban-tin/doc-thu?ban_tin={written.id}&ban=1&phan=0"
    assert "Mai gặp anh Quý." in line(hoa.post(address, data={"body": "Mai gặp XYZQ."}))
    other = f"/ban-tin/doc-thu?ban_tin={written.id}&ban=1&phan=5"
    assert "anh Quý" not in words(hoa.post(other, data={"body": "Mai gặp XYZQ."}))


# --- lines of a web page ---------------------------------------------------------------------------

PASTED = "Họp thôn tối nay.\nLượt xem: 43\nMời bà con đến đông đủ.\nQR Code"
CLEAN = "Họp thôn tối nay.\nMời bà con đến đông đủ."


def test_it_offers_to_drop_what_came_along_from_a_web_page(hoa, database):
    here = hoa.post("/ban-tin/moi", data={**DRAFT, "parts-0-body": PASTED}).location
    assert "có 2 dòng trông như chép lẫn từ trang mạng" in words(hoa.get(here))
    assert only(database).body == PASTED
    answer = hoa.post(here + "/bo-dong", data={"version": "1", "line": ["2", "4"]})
    assert answer.location == here + "#van-ban"
    assert only(database).body == CLEAN
    assert queued(database) == [2]


def test_it_drops_them_all_when_asked_to(hoa, database):
    here = hoa.post("/ban-tin/moi", data={**DRAFT, "parts-0-body": PASTED}).location
    hoa.post(here + "/bo-dong", data={"version": "1", "part": "1", "all": "1"})
    assert only(database).body == CLEAN


def test_it_offers_them_while_one_types(hoa):
    page = hoa.post("/ban-tin/doc-thu", data={"body": PASTED})
    assert "Dọn văn bản: có 2 dòng" in words(page)
    assert re.findall(r'value="(\d+)" data-line="([^"]+)"', page.text) == [
        ("2", "Lượt xem: 43"), ("4", "QR Code"),
    ]  # fmt: skip


def test_it_drops_lines_of_the_part_they_are_in(hoa, database):
    data = several(text("Một.\nQR Code"), text("Gặp XYZQ.\nQR Code"))
    here = hoa.post("/ban-tin/moi", data=data).location
    hoa.post(here + "/bo-dong", data={"version": "1", "part": "2", "line": "2"})
    assert [part.body for part in only(database).parts] == ["Một.\nQR Code", "Gặp XYZQ."]
    assert (
        hoa.post(here + "/bo-dong", data={"version": "2", "part": "3", "line": "1"}).status_code
        == 404
    )


def test_it_drops_no_line_of_a_text_that_changed_meanwhile(hoa, database):
    here = hoa.post("/ban-tin/moi", data={**DRAFT, "parts-0-body": "Một.\nQR Code"}).location
    hoa.post(here + "/sua", data={**DRAFT, "parts-0-body": "Hai.\nBa."})
    assert hoa.post(here + "/bo-dong", data={"version": "1", "line": "2"}).status_code == 409
    assert hoa.post(here + "/bo-dong", data={"version": "2"}).status_code == 400
    assert only(database).body == "Hai.\nBa."
