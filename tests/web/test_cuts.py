from __future__ import annotations

import msgspec
import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from content import bulletins, parts, recordings, uploads
from content.bulletins import Draft, State
from content.parts import Chime, Recorded, Text, Translation
from content.recordings import Rendering, RenderingState
from content.uploads import Upload
from loa.languages import KINH
from tests.cast import NOON, PASSWORD, approve, give_sound
from tests.web.conftest import error_at, words
from web.cut_form import milliseconds, point

A, B = "a" * 64, "b" * 64
PREVIEW = bytes(range(256)) * 40


@pytest.mark.parametrize(
    ("typed", "ms"),
    [
        ("0", 0), ("5", 5_000), ("65,5", 65_500), ("65.5", 65_500), ("1:05", 65_000), ("01:05,5", 65_500),
        ("1:02:03", 3_723_000), (" 1 : 05 ", 65_000), ("0:00,125", 125), ("90:00", 5_400_000),
        ("", None), ("abc", None), ("1:2:3:4", None), ("-5", None), ("1,2,3", None), ("5s", None),
    ],
)  # fmt: skip
def test_a_point_is_read_as_people_type_it(typed, ms):
    assert milliseconds(typed) == ms


@pytest.mark.parametrize("ms", [0, 100, 65_500, 59_999, 3_723_000, 125])
def test_a_point_is_shown_as_it_can_be_typed(ms):
    assert milliseconds(point(ms)) == ms


def test_a_point_is_short():
    assert [point(ms) for ms in (65_500, 0, 3_723_000)] == ["01:05,5", "00:00,0", "62:03,0"]


@pytest.fixture
def heard(database, cast, config):
    """A bulletin of text, recording and chime, its upload of 60 s examined, approved by Minh."""
    config.previews.mkdir(parents=True)
    uploads.preview(config, A).write_bytes(PREVIEW)
    mixed = (Text(body="Một."), Recorded(upload=A, name="lời.mp3"), Chime())
    with database.write() as session:
        bulletin = bulletins.write(session, cast.hoa, Draft(title="Họp", parts=mixed), NOON)
        uploads.note(session, [A], NOON)
        found = session.get_one(Upload, A)
        found.examined_at, found.ms, found.peaks, found.head_ms, found.tail_ms = (
            NOON,
            60_000,
            [50] * 2000,
            2_000,
            0,
        )
        approve(session, cast, bulletin)
    return bulletin


@pytest.fixture
def here(heard) -> str:
    return f"/ban-tin/{heard.id}/phan/2/cat"


def now(database, bulletin):
    with database.read() as session:
        return bulletins.get(session, bulletin.id)


def rows(*spans, **more):
    data = {"version": "1", **more}
    for number, (begin, end) in enumerate(spans):
        data |= {f"cuts-{number}-begin": begin, f"cuts-{number}-end": end}
    return data


def cuts_of(database, bulletin):
    return now(database, bulletin).parts[1].cuts


def test_the_page_shows_the_wave_and_the_list(hoa, here):
    page = hoa.get(here)
    assert 'data-ms="60000"' in page.text
    assert "Phần 2: “lời.mp3”, dài 1 phút 00 giây" in words(page)
    assert "2,0 giây im lặng ở đầu" in words(page)
    assert "chỉ chừa 0,3 giây" in words(page)
    assert "phải gửi duyệt lại" in words(page)
    assert page.text.count('name="cuts-0-begin"') == 1  # an empty row, for who has no scripts


def test_its_style_is_let_in_by_a_nonce_of_its_own(hoa, here):
    policies = {hoa.get(here).headers["Content-Security-Policy"] for _ in range(2)}
    assert len(policies) == 2
    assert all(
        "style-src 'self' 'nonce-" in policy and "unsafe" not in policy for policy in policies
    )


def test_pieces_are_cut_out_and_the_sound_is_made_anew(hoa, database, heard, here):
    answer = hoa.post(here, data=rows(("0:10", "0:14,5"), ("", ""), ("30", "33,2"), music="y"))
    assert answer.location == here
    bulletin = now(database, heard)
    assert bulletin.parts[1].cuts == ((10_000, 14_500), (30_000, 33_200))
    assert bulletin.parts[1].music
    assert (bulletin.parts[0], bulletin.parts[2]) == (heard.parts[0], heard.parts[2])
    assert (bulletin.version, bulletin.state, bulletin.sounds) == (2, State.DRAFT, {})
    with database.read() as session:
        assert session.scalars(sa.select(Rendering)).one().version == 2
    page = hoa.get(here)
    assert 'value="00:10,0"' in page.text
    assert "Sau khi cắt còn 52 giây" in words(page)


def test_pieces_come_in_any_order_and_those_that_touch_are_one(hoa, database, heard, here):
    hoa.post(here, data=rows(("30", "40"), ("5", "10"), ("35", "50"), ("10", "12")))
    assert cuts_of(database, heard) == ((5_000, 12_000), (30_000, 50_000))


def test_a_piece_to_the_end_ends_with_the_recording(hoa, database, heard, here):
    hoa.post(here, data=rows(("50", "99:00")))
    assert cuts_of(database, heard) == ((50_000, 60_000),)


def test_saving_what_was_there_changes_nothing(hoa, database, heard, here):
    assert "Không có gì thay đổi." in words(hoa.post(here, data=rows(), follow_redirects=True))
    assert now(database, heard).version == 1


def test_all_pieces_are_taken_back_by_emptying_the_list(hoa, database, heard, here):
    hoa.post(here, data=rows(("5", "10")))
    hoa.post(here, data=rows(("", ""), version="2"))
    assert cuts_of(database, heard) == ()


@pytest.mark.parametrize(
    ("span", "field", "sentence"),
    [
        (("mười", "20"), "cuts-0-begin", "phút:giây, ví dụ 01:05,5"),
        (("10", "1;2"), "cuts-0-end", "phút:giây, ví dụ 01:05,5"),
        (("10", ""), "cuts-0-end", "Hãy nhập mốc này"),
        (("", "10"), "cuts-0-begin", "Hãy nhập mốc này"),
        (("20", "10"), "cuts-0-end", "Mốc cuối phải sau mốc đầu"),
        (("10", "10"), "cuts-0-end", "Mốc cuối phải sau mốc đầu"),
        (("70", "80"), "cuts-0-begin", "chỉ dài đến 01:00,0"),
        (("0", "60"), "cuts", "chiếm hết bản ghi"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(hoa, database, heard, here, span, field, sentence):
    answer = hoa.post(here, data=rows(span))
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)
    assert now(database, heard).version == 1
    for typed in span:
        assert f'value="{typed}"' in answer.text


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(hoa, database, heard, here):
    hoa.post(here, data=rows(("5", "10")))
    answer = hoa.post(here, data=rows(("20", "30")))
    assert "đã được sửa sau khi trang được mở" in words(answer)
    assert cuts_of(database, heard) == ((5_000, 10_000),)


@pytest.mark.parametrize("number", [0, 1, 3, 4])
def test_only_a_recording_can_be_cut(hoa, heard, number):
    assert hoa.get(f"/ban-tin/{heard.id}/phan/{number}/cat").status_code == 404


def test_who_only_reads_cuts_nothing(lan, here):
    assert lan.get(here).status_code == 403
    assert lan.post(here, data=rows(("5", "10"))).status_code == 403


def test_a_withdrawn_bulletin_is_not_cut(hoa, database, cast, heard, here):
    with database.write() as session:
        bulletins.withdraw(session, bulletins.get(session, heard.id), cast.hoa, NOON)
    assert "đã thu hồi không sửa được" in words(hoa.post(here, data=rows(("5", "10"))))


def test_a_translation_is_cut_as_well(hoa, database, cast, heard):
    tay = Translation(language="tyz", upload=A, name="tày.mp3")
    with database.write() as session:
        bulletin = bulletins.get(session, heard.id)
        draft = msgspec.structs.replace(bulletin.draft, translations=(tay,))
        bulletins.edit(session, bulletin, cast.hoa, draft, NOON)
    here = f"/ban-tin/{heard.id}/ban-dich/tyz/cat"
    assert "Bản tiếng Tày" in words(hoa.get(here))
    assert hoa.post(here, data=rows(("5", "10"), version="2")).location == here
    bulletin = now(database, heard)
    assert bulletin.translations == (msgspec.structs.replace(tay, cuts=((5_000, 10_000),)),)
    assert bulletin.parts == heard.parts


# Before and after


def test_the_original_can_be_heard_in_parts(minh, heard):
    address = f"/ban-tin/{heard.id}/ban-goc/{A}.mp3"
    answer = minh.get(address)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PREVIEW, "audio/mpeg")
    assert "private" in answer.headers["Cache-Control"]
    part = minh.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, PREVIEW[100:200])


@pytest.mark.parametrize("sha", [B, "../../secrets/web", "x"])
def test_the_original_of_another_bulletin_is_not_given_out(minh, heard, config, sha):
    uploads.preview(config, B).write_bytes(PREVIEW)
    assert minh.get(f"/ban-tin/{heard.id}/ban-goc/{sha}.mp3").status_code == 404


def test_it_asks_who_is_listening(client, heard):
    assert client.get(f"/ban-tin/{heard.id}/ban-goc/{A}.mp3").status_code == 302


def test_the_finished_sound_is_beside_it_and_follows_its_making(hoa, database, heard, here):
    assert heard.sounds[KINH] in hoa.get(here).text
    hoa.post(here, data=rows(("5", "10")))
    with database.write() as session:
        rendering = recordings.latest_rendering(session, heard.id)
        rendering.state, rendering.step, rendering.percent = RenderingState.RUNNING, "Đọc tệp", 42
    assert "Đang tạo: Đọc tệp, 42%." in words(hoa.get(here + "/sau"))


def examine(database, **facts):
    with database.write() as session:
        found = session.get_one(Upload, A)
        for name, value in facts.items():
            setattr(found, name, value)


def test_until_the_original_can_be_heard_the_page_says_so_and_asks_again(
    hoa, database, heard, here
):
    examine(database, examined_at=None, ms=None)
    page = hoa.get(here)
    assert "Đang chuẩn bị tệp gốc để nghe và cắt" in words(page)
    waiting = f"/ban-tin/{heard.id}/ban-goc/{A}/cho"
    assert f'hx-get="{waiting}"' in page.text
    assert "HX-Refresh" not in hoa.get(waiting).headers
    examine(database, examined_at=NOON, ms=60_000)
    assert hoa.get(waiting).headers["HX-Refresh"] == "true"


def test_nothing_is_cut_that_nobody_has_heard(hoa, database, heard, here):
    examine(database, examined_at=None, ms=None)
    hoa.post(here, data=rows(("5", "10")))
    assert now(database, heard).version == 1


def test_a_file_nobody_can_hear_says_why(hoa, database, heard, here):
    examine(database, ms=None, problem="Tệp này không có âm thanh. Hãy chọn tệp khác.")
    page = hoa.get(here)
    assert "Tệp này không có âm thanh." in words(page)
    assert f'href="/ban-tin/{heard.id}/sua"' in page.text


def test_a_preview_that_vanished_is_made_again(hoa, database, heard, here, config):
    uploads.preview(config, A).unlink()
    assert "Đang chuẩn bị tệp gốc" in words(hoa.get(here))
    with database.read() as session:
        waiting = uploads.next_unexamined(session)
        assert waiting is not None
        assert waiting.sha256 == A
    assert hoa.get(f"/ban-tin/{heard.id}/ban-goc/{A}.mp3").status_code == 404


def test_an_upload_nobody_noted_is_noted(hoa, database, cast, config):
    with database.write() as session:
        bulletin = bulletins.write(
            session, cast.hoa, Draft(title="A", parts=parts.recorded(B)), NOON
        )
    assert "Đang chuẩn bị" in words(hoa.get(f"/ban-tin/{bulletin.id}/phan/1/cat"))
    with database.read() as session:
        assert uploads.get(session, B) is not None


@pytest.mark.parametrize(("cuts", "told"), [((), False), (((0, 1_000),), True)])
def test_what_was_not_cut_is_not_said_to_be(hoa, database, cast, heard, here, cuts, told):
    with database.write() as session:
        bulletin = bulletins.get(session, heard.id)
        changed = msgspec.structs.replace(bulletin.parts[1], cuts=cuts)
        found = (bulletin.parts[0], changed, bulletin.parts[2])
        draft = msgspec.structs.replace(bulletin.draft, parts=found)
        if bulletins.edit(session, bulletin, cast.hoa, draft, NOON):
            give_sound(session, bulletin)
    after = hoa.get(here + "/sau")
    assert ("đã bỏ 1 đoạn" in words(after)) is told
    assert "đã cân âm lượng" in words(after)
    assert 'preload="metadata"' in after.text


@pytest.mark.browser
def test_the_sound_below_is_said_to_lack_what_is_not_saved(page, served, here):
    page.goto(served + "/dang-nhap")
    page.fill("[name=login]", "hoa")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url(served + "/")
    page.goto(served + here)
    lacking = page.get_by_text("Bản này chưa gồm thay đổi chưa lưu ở trên.")
    expect(page.get_by_text("Chưa bỏ đoạn nào.")).to_be_visible()
    expect(lacking).to_be_hidden()
    page.get_by_role("button", name="Thêm đoạn cần bỏ").click()
    expect(lacking).to_be_visible()
    page.get_by_role("button", name="Giữ lại đoạn này").click()
    expect(lacking).to_be_hidden()
    page.get_by_label("Đây là nhạc").check()
    expect(lacking).to_be_visible()
