"""What only a browser shows: live parts, scripts under the strict policy, small screens."""

from __future__ import annotations

import re
import wave

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from content import bulletins, recordings
from content.bulletins import Draft
from content.parts import spoken
from loa.times import after
from scheduler import broadcasts
from scheduler.broadcasts import Broadcast, DeliveryState
from scheduler.schedules import Schedule
from tests.cast import NOON, PASSWORD, give_sound
from web import live

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
PAGES = [
    "/", "/ban-tin", "/ban-tin/moi", "/ban-tin/1", "/ban-tin/1/sua", "/ban-tin/1/dat-lich", "/ban-tin/1/phat-ngay",
    "/lich-phat", "/luot-phat/1", "/dau-thu", "/dau-thu/r-0000", "/dau-thu/moi", "/dia-ban", "/dia-ban/moi", "/nhat-ky",
    "/can-bo", "/can-bo/moi", "/mat-khau", "/quy-che", "/quy-che/sua", "/dung-tat-ca",
]  # fmt: skip


@pytest.fixture
def at(page: Page, served: str):
    """Sign in and go to a page."""

    def go(path: str, login: str = "hoa") -> Page:
        page.goto(served + "/dang-nhap")
        page.fill("[name=login]", login)
        page.fill("[name=password]", PASSWORD)
        page.get_by_role("button", name="Đăng nhập").click()
        page.wait_for_url(served + "/")
        page.goto(served + path)
        return page

    return go


def play(database, state):
    with database.write() as session:
        broadcast = session.scalars(sa.select(Broadcast)).one()
        for delivery in broadcast.deliveries:
            delivery.state = state
        broadcasts.settle(session, broadcast)


def test_a_page_follows_what_happens_without_being_loaded_again(at, database, broadcast):
    page = at("/")
    expect(page.get_by_text("chờ phát")).to_be_visible()
    page.evaluate("window.sameLoad = true")
    play(database, DeliveryState.PLAYED)
    expect(page.get_by_text("đã phát 3/3")).to_be_visible()
    assert page.evaluate("window.sameLoad")


def test_a_page_asks_now_and_then_when_the_stream_is_refused(
    at, page, database, broadcast, monkeypatch
):
    monkeypatch.setattr(live.Hub, "join", lambda hub: None)
    page.clock.install()
    page = at("/")
    play(database, DeliveryState.PLAYED)
    page.clock.run_for(6000)
    expect(page.get_by_text("đã phát 3/3")).to_be_visible()


def test_what_is_open_and_focused_stays_so_when_a_part_is_renewed(at, database, broadcast):
    page = at("/")
    link = page.get_by_role("link", name="Lịch tiêm chủng")
    link.focus()
    play(database, DeliveryState.PLAYED)
    expect(page.get_by_text("đã phát 3/3")).to_be_visible()
    expect(link).to_be_focused()


def test_pages_fit_a_phone_and_break_no_policy(at, broadcast, approved, config):
    sound = recordings.file(config.recordings, approved.recording_sha)
    sound.parent.mkdir(parents=True)
    sound.write_bytes(b"\xff\xfb\x90\x00" * 500)
    page = at("/", "quantri")
    complaints: list[str] = []
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_viewport_size(PHONE)
    for path in PAGES:
        page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + path)
        page.wait_for_load_state("load")
        too_wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide == 0, path
        assert page.evaluate(SMALL) == [], path
    assert [text for text in complaints if "503" not in text] == []


SMALL = """() => [...document.querySelectorAll(
    "button, summary, [role=button], select, textarea, input:not([type=hidden])")]
  .map((element) => [element, (element.closest("label") || element).getBoundingClientRect()])
  .filter(([element, box]) => box.width > 1 && box.height < 43.5 && !element.matches(".only-read, [aria-hidden]"))
  .map(([element, box]) => `${element.outerHTML.slice(0, 80)} ${box.height}`)"""


def test_the_last_button_is_not_hidden_by_the_bar_at_the_foot(at, broadcast):
    page = at("/ban-tin/1/dat-lich")
    page.set_viewport_size(PHONE)
    page.get_by_role("button", name="Đặt lịch").click()
    expect(page.get_by_text("Hãy nhập giờ phát")).to_be_visible()


def test_dates_and_times_are_punctuated_while_typed(at, approved):
    page = at("/ban-tin/1/dat-lich")
    page.get_by_label("Giờ phát").press_sequentially("1730")
    expect(page.get_by_label("Giờ phát")).to_have_value("17:30")
    day = page.get_by_label("Ngày phát")
    day.fill("")
    day.press_sequentially("22112026")
    expect(day).to_have_value("22/11/2026")
    day.blur()
    expect(page.get_by_text("Sẽ phát: 17:30 ngày 22/11/2026")).to_be_visible()


def test_what_a_person_punctuates_is_left_alone(at, approved):
    page = at("/ban-tin/1/dat-lich")
    day = page.get_by_label("Ngày phát")
    day.fill("")
    day.press_sequentially("5/12/2026")
    expect(day).to_have_value("5/12/2026")


def test_a_calendar_fills_the_same_field(at, approved):
    page = at("/ban-tin/1/dat-lich")
    expect(page.get_by_role("button", name="Chọn ngày trên lịch").first).to_be_visible()
    page.locator("input[type=date]").first.evaluate(
        "(native) => { native.value = '2026-11-23'; native.dispatchEvent(new Event('change', { bubbles: true })); }"
    )
    expect(page.get_by_label("Ngày phát")).to_have_value("23/11/2026")


def test_only_the_fields_of_the_chosen_kind_are_shown(at, approved):
    page = at("/ban-tin/1/dat-lich")
    expect(page.get_by_label("Đến hết ngày")).to_be_hidden()
    page.get_by_label("các thứ trong tuần").check()
    expect(page.get_by_label("Đến hết ngày")).to_be_visible()
    expect(page.get_by_label("T2")).to_be_visible()


def test_choosing_an_area_shows_that_all_below_it_are_chosen(at, approved):
    page = at("/ban-tin/1/phat-ngay")
    village = page.get_by_role("checkbox", name=re.compile("thôn Bãi"))
    expect(village).to_be_checked()
    expect(village).to_be_disabled()
    page.get_by_role("checkbox", name=re.compile("xã Mẫu")).uncheck()
    expect(village).to_be_enabled()
    expect(village).not_to_be_checked()


def test_a_second_tap_does_not_broadcast_twice(at, approved, database):
    page = at("/ban-tin/1/phat-ngay")
    page.get_by_role("button", name="Phát ngay").dblclick()
    expect(page.get_by_text("Đã ra lệnh phát ngay.")).to_be_visible()
    with database.read() as session:
        assert len(session.scalars(sa.select(Schedule)).all()) == 1


def test_a_file_over_the_limit_is_refused_before_it_is_sent(at, cast, tmp_path):
    page = at("/ban-tin/moi")
    page.evaluate("document.querySelector('input[type=file]').dataset.most = '0.001'")
    page.get_by_label("bản ghi âm").check()
    big = tmp_path / "dai.mp3"
    big.write_bytes(b"x" * 5000)
    page.set_input_files("input[type=file]", big)
    expect(page.get_by_text("quá giới hạn")).to_be_visible()
    page.get_by_role("button", name="Lưu và tạo âm thanh").click()
    assert page.url.endswith("/ban-tin/moi")
    expect(page.get_by_text("dai.mp3")).to_be_visible()


def test_the_reading_is_shown_while_one_types(at, cast):
    page = at("/ban-tin/moi")
    page.get_by_label("Nội dung").fill("Họp lúc 5h.")
    expect(page.locator("#doc-thu-0")).to_contain_text("Họp lúc năm giờ")


def test_a_page_that_nobody_sees_lets_go_of_its_stream(at, served, cast, app):
    """A browser allows six connections to one station."""
    page = at("/")
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: true });"
        "window.streamsClosed = 0; const close = EventSource.prototype.close;"
        "EventSource.prototype.close = function () { window.streamsClosed++; close.call(this); };"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    assert page.evaluate("window.streamsClosed") == 1


# --- what the reader has in hand -------------------------------------------------------------------


@pytest.fixture
def submitted(database, cast, config):
    """Handed in by Hoa; its sound is half a minute of silence."""
    with database.write() as session:
        draft = Draft(title="Họp", parts=spoken("Họp thôn."))
        bulletin = bulletins.write(session, cast.hoa, draft, NOON)
        sha = give_sound(session, bulletin)
        bulletins.submit(session, bulletin, cast.hoa, NOON)
    path = recordings.file(config.recordings, sha)
    path.parent.mkdir(parents=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(bytes(2 * 8_000 * 30))
    return bulletin


def edit(database, cast, bulletin):
    """Hoa changes the words: the sound that Minh has before him is that of an older version."""
    with database.write() as session:
        found = bulletins.get(session, bulletin.id)
        draft = Draft(title="Họp", parts=spoken("Họp xã."))
        bulletins.edit(session, found, cast.hoa, draft, after(NOON, 1))


def test_a_refusal_stays_when_the_page_looks_for_news(at, submitted):
    page = at(f"/ban-tin/{submitted.id}", "minh")
    page.get_by_role("button", name="Duyệt cho phát").click()
    page.wait_for_url("**/duyet")
    page.wait_for_load_state("load")
    with page.expect_response("**/am-thanh") as looked:
        page.evaluate("htmx.trigger(document.body, 'live:bulletins')")
    assert looked.value.status == 204
    expect(page.get_by_text("Hãy nghe hết bản ghi rồi đánh dấu vào đây.")).to_be_visible()


def test_what_is_being_typed_outlasts_a_change_which_is_told(at, database, cast, submitted):
    page = at(f"/ban-tin/{submitted.id}", "minh")
    page.get_by_text("Trả lại người soạn").click()
    page.get_by_label("Lý do trả lại").fill("Sai giờ")
    edit(database, cast, submitted)
    expect(page.get_by_text("Trang có thay đổi mới.")).to_be_visible()
    expect(page.get_by_label("Lý do trả lại")).to_have_value("Sai giờ")
    page.get_by_role("button", name="Trả lại", exact=True).click()
    expect(page.get_by_text("không còn ở trạng thái chờ duyệt")).to_be_visible()
    expect(page.get_by_text("Lý do bạn vừa ghi: “Sai giờ”")).to_be_visible()
    page.goto(re.sub("/tra-lai$", "", page.url))
    expect(page.get_by_text("bản nháp")).to_be_visible()


def test_a_sound_that_is_heard_plays_on_and_is_not_approved_for_another(
    at, database, cast, submitted
):
    page = at(f"/ban-tin/{submitted.id}", "minh")
    page.wait_for_function("document.querySelector('audio').duration > 0")
    page.locator(".wave").click(position={"x": 2, "y": 10})
    page.wait_for_function("document.querySelector('audio').currentTime > 0")
    edit(database, cast, submitted)
    note = page.get_by_text("Trang có thay đổi mới.")
    expect(note).to_be_visible()
    assert page.evaluate("!document.querySelector('audio').paused")
    with database.write() as session:
        found = bulletins.get(session, submitted.id)
        give_sound(session, found)
        bulletins.submit(session, found, cast.hoa, after(NOON, 2))
    page.get_by_label("Tôi đã nghe bản ghi này từ đầu đến cuối").check()
    page.get_by_role("button", name="Duyệt cho phát").click()
    expect(page.get_by_text("Âm thanh đã thay đổi sau khi trang được mở.")).to_be_visible()
    with database.read() as session:
        assert bulletins.get(session, submitted.id).state == bulletins.State.SUBMITTED


def test_a_page_with_nothing_in_hand_is_renewed(at, database, cast, submitted):
    page = at(f"/ban-tin/{submitted.id}", "minh")
    expect(page.get_by_role("button", name="Duyệt cho phát")).to_be_visible()
    edit(database, cast, submitted)
    expect(page.get_by_role("button", name="Duyệt cho phát")).to_be_hidden()
    expect(page.get_by_text("Trang có thay đổi mới.")).to_be_hidden()
