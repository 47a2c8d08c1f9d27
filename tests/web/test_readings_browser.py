"""What only a browser shows of writing and reading: previews, cleaning, parts, panels, drafts kept on the device."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from content import bulletins, entries
from content.bulletins import Bulletin
from content.dictionary import Entry
from content.parts import spoken
from loa.times import after
from tests.cast import NOON, PASSWORD, give_sound

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
PASTED = "Đọc thêm\nHọp thôn lúc 5h.\nLượt xem: 43\nMời bà con."
BODY = "Gặp XYZQ lúc 5h.\nMang sổ hộ khẩu tới xã."
SMALL = """() => [...document.querySelectorAll(
    "button, summary, [role=button], select, textarea, input:not([type=hidden])")]
  .map((element) => [element, (element.closest("label") || element).getBoundingClientRect()])
  .filter(([element, box]) => box.width > 1 && box.height < 43.5 && !element.matches(".only-read, [aria-hidden]"))
  .map(([element, box]) => `${element.outerHTML.slice(0, 80)} ${box.height}`)"""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SELECT = """(wanted) => {
  const box = document.querySelector("[data-fix]"), nodes = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  for (let node; (node = nodes.nextNode()); ) {
    const at = node.data.indexOf(wanted);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + wanted.length);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  }
}"""


@pytest.fixture
def at(page: Page, served: str):
    """Sign in as Hoa and go to a page."""

    def go(path: str) -> Page:
        page.goto(served + "/dang-nhap")
        page.fill("[name=login]", "hoa")
        page.fill("[name=password]", PASSWORD)
        page.get_by_role("button", name="Đăng nhập").click()
        page.wait_for_url(served + "/")
        page.goto(served + path)
        return page

    return go


@pytest.fixture
def complaints(page: Page):
    """What the browser found wrong; a refusal that is shown at its field is none."""
    found: list[str] = []
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert [text for text in found if "400" not in text and "404" not in text] == []


@pytest.fixture
def bulletin(database, cast):
    with database.write() as session:
        draft = bulletins.Draft(title="Họp", parts=spoken(BODY))
        written = bulletins.write(session, cast.hoa, draft, NOON)
        give_sound(session, written)
        return written


def only(database):
    with database.read() as session:
        return session.scalars(sa.select(Bulletin)).one()


def own(database):
    with database.read() as session:
        return {entry.form: entry.spoken for entry in entries.own(session)}


def test_a_pasted_page_is_cleaned_and_can_be_put_back(at, cast, complaints):
    page = at("/ban-tin/moi")
    page.get_by_label("Nội dung").fill("\n\n" + PASTED)
    expect(page.locator(".trial .words")).to_contain_text("lúc năm giờ")
    page.get_by_label("Chọn tất cả").check()
    page.get_by_role("button", name="Bỏ các dòng đã đánh dấu").click()
    expect(page.get_by_label("Nội dung")).to_have_value("\n\nHọp thôn lúc 5h.\nMời bà con.")
    expect(page.get_by_text("Đã bỏ 2 dòng khỏi văn bản.")).to_be_visible()
    expect(page.locator(".trial .debris")).to_have_count(0)
    page.get_by_role("button", name="Hoàn tác").click()
    expect(page.get_by_label("Nội dung")).to_have_value("\n\n" + PASTED)


def test_cleaning_leaves_no_gap_behind(at, cast, complaints):
    page = at("/ban-tin/moi")
    page.get_by_label("Nội dung").fill("Họp thôn.\n\nĐọc thêm\n\nLượt xem: 43\n\nMời bà con.")
    page.get_by_label("Chọn tất cả").check()
    page.get_by_role("button", name="Bỏ các dòng đã đánh dấu").click()
    expect(page.get_by_label("Nội dung")).to_have_value("Họp thôn.\n\nMời bà con.")


def test_parts_are_put_together_without_losing_a_word(at, database, cast, complaints):
    page = at("/ban-tin/moi")
    page.get_by_label("Tên bản tin").fill("Ghép")
    page.get_by_label("Nội dung").fill("Một.")
    page.locator(".add-part summary").click()
    page.get_by_role("button", name="Thêm nhạc hiệu").click()
    page.get_by_role("button", name="Thêm văn bản").click()
    expect(page.locator("section.part")).to_have_count(3)
    page.get_by_label("Nội dung").nth(1).fill("Ba.")
    page.locator("section.part").nth(2).get_by_role("button", name="Lên").click()
    page.locator("section.part").nth(2).get_by_role("button", name="Bỏ").click()
    expect(page.locator("section.part")).to_have_count(2)
    page.get_by_role("button", name="Hoàn tác").click()
    expect(page.locator("section.part h2")).to_have_text([
        "Phần 1: văn bản", "Phần 2: văn bản", "Phần 3: nhạc hiệu",
    ])  # fmt: skip
    page.get_by_role("button", name="Lưu và tạo âm thanh").click()
    expect(page.get_by_role("heading", name="Phần 3: nhạc hiệu")).to_be_visible()
    assert [type(part).__name__ for part in only(database).parts] == ["Text", "Text", "Chime"]


def test_enter_in_a_field_saves_and_changes_no_part(at, database, cast):
    page = at("/ban-tin/moi")
    page.get_by_label("Nội dung").fill("Một.")
    page.get_by_label("Tên bản tin").fill("Nhanh")
    page.get_by_label("Tên bản tin").press("Enter")
    expect(page.get_by_role("heading", name="Nhanh")).to_be_visible()
    assert only(database).body == "Một."


def test_what_was_not_saved_is_offered_again_and_dropped_once_it_is(at, cast, complaints):
    page = at("/ban-tin/moi")
    page.get_by_label("Tên bản tin").fill("Dở dang")
    page.get_by_label("Nội dung").fill("Một.")
    page.locator(".add-part summary").click()
    page.get_by_role("button", name="Thêm văn bản").click()
    page.get_by_label("Nội dung").nth(1).fill("Hai.")
    page.reload()
    expect(page.get_by_label("Tên bản tin")).to_have_value("")
    page.get_by_role("button", name="Khôi phục").click()
    expect(page.get_by_label("Nội dung").nth(1)).to_have_value("Hai.")
    expect(page.get_by_label("Tên bản tin")).to_have_value("Dở dang")
    page.get_by_role("button", name="Lưu và tạo âm thanh").click()
    expect(page.get_by_role("heading", name="Dở dang")).to_be_visible()
    page.goto(re.sub(r"/ban-tin/.*", "/ban-tin/moi", page.url))
    expect(page.get_by_label("Tên bản tin")).to_be_visible()
    expect(page.get_by_text("Khôi phục bản đang soạn dở?")).to_have_count(0)


def test_both_sides_light_up_and_a_doubt_leads_to_its_place(at, bulletin, complaints):
    page = at(f"/ban-tin/{bulletin.id}")
    written, said = page.locator("#v1-13"), page.locator("#d1-13")
    written.hover()
    expect(said).to_have_class("lit")
    said.focus()
    page.mouse.move(0, 0)
    expect(written).to_have_class("lit")
    page.get_by_role("link", name="Chưa biết “XYZQ”").click()
    assert page.url.endswith("#v1-4")


def test_a_place_is_corrected_by_keyboard_and_another_taught(at, database, bulletin, complaints):
    page = at(f"/ban-tin/{bulletin.id}")
    page.locator("#v1-13").focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name="Đọc là")
    expect(field).to_be_focused()
    page.keyboard.type("số 5")
    page.keyboard.press("Enter")
    expect(page.get_by_text("còn chữ số")).to_be_visible()
    field.fill("sáng sớm")
    page.keyboard.press("Enter")
    expect(page.locator("#d1-13")).to_have_text("sáng sớm")
    expect(page.locator("#v1-13")).to_be_focused()
    page.locator("#d1-4").click()
    page.get_by_role("textbox", name="Đọc là").fill("anh Quý")
    page.get_by_label("Dạy cho từ điển của xã").check()
    page.get_by_role("button", name="Lưu cách đọc").click()
    expect(page.locator("#d1-4")).to_have_text("anh Quý")
    expect(page.locator("dialog")).to_be_hidden()
    assert own(database) == {"XYZQ": "anh Quý"}
    assert [c.spoken for c in only(database).parts[0].corrections] == ["sáng sớm"]


def test_any_words_that_are_selected_can_be_corrected(at, database, bulletin, complaints):
    page = at(f"/ban-tin/{bulletin.id}")
    page.evaluate(SELECT, "hộ khẩu")
    page.get_by_role("button", name="Sửa cách đọc “hộ khẩu”").click()
    page.get_by_role("textbox", name="Đọc là").fill("hộ tịch")
    page.get_by_role("button", name="Lưu cách đọc").click()
    expect(page.locator(".spoken")).to_contain_text("Mang sổ hộ tịch tới xã.")
    (fixed,) = only(database).parts[0].corrections
    assert BODY[fixed.start : fixed.end] == fixed.written == "hộ khẩu"


def test_words_that_are_looked_for_open_the_same_panel(at, bulletin, complaints):
    page = at(f"/ban-tin/{bulletin.id}")
    page.get_by_text("Tìm chữ để sửa cách đọc").click()
    page.get_by_label("Chữ trong văn bản cần sửa cách đọc").fill("voi")
    page.get_by_role("button", name="Tìm").click()
    expect(page.get_by_text("Văn bản không có chữ “voi”")).to_be_visible()
    page.get_by_role("button", name="Đóng").click()
    page.get_by_label("Chữ trong văn bản cần sửa cách đọc").first.fill("XYZQ")
    page.get_by_role("button", name="Tìm").click()
    expect(page.get_by_role("textbox", name="Đọc là")).to_have_value("ích i dài dét quy")


def test_it_speaks_in_place_and_tells_an_error_in_words(at, database, cast, complaints):
    with database.write() as session:
        entries.teach(session, cast.hoa, Entry("ABX", "một hai ba"), NOON)
    page = at("/tu-dien")
    with page.expect_response("**/nghe-thu.wav**") as answer:
        page.get_by_role("button", name="Nghe thử “ABX”").click()
    assert answer.value.status == 200
    page.goto(re.sub(r"/tu-dien.*", "/tu-dien/moi", page.url))
    page.get_by_role("button", name="Nghe thử").click()
    expect(page.get_by_text("Chưa có chữ nào để nghe thử")).to_be_visible()


def test_what_speaks_can_be_stopped_and_says_that_it_plays(at, database, cast, complaints):
    with database.write() as session:
        entries.teach(session, cast.hoa, Entry("ABX", "một hai ba bốn năm sáu bảy"), NOON)
    page = at("/tu-dien")
    page.get_by_role("button", name="Nghe thử “ABX”").click()
    stop = page.get_by_role("button", name="Dừng “ABX”")
    expect(page.get_by_text("đang phát")).to_be_visible()
    stop.click()
    expect(page.get_by_role("button", name="Nghe thử “ABX”")).to_be_visible()
    expect(page.get_by_text("đang phát")).to_be_hidden()


def test_a_phone_shows_one_side_at_a_time_and_turns_to_what_is_led_to(at, bulletin, complaints):
    page = at(f"/ban-tin/{bulletin.id}")
    page.set_viewport_size(PHONE)
    written, said = page.locator("#v1-13"), page.locator("#d1-13")
    expect(written).to_be_visible()
    expect(said).to_be_hidden()
    page.get_by_role("button", name="Đọc thành lời").click()
    expect(said).to_be_visible()
    expect(written).to_be_hidden()
    page.get_by_role("link", name="Chưa biết “XYZQ”").click()
    expect(page.locator("#v1-4")).to_be_visible()
    page.get_by_role("button", name="Đọc thành lời").click()
    said.click()
    page.get_by_role("textbox", name="Đọc là").fill("sáng sớm")
    page.get_by_role("button", name="Lưu cách đọc").click()
    expect(said).to_have_text("sáng sớm")
    expect(said).to_be_focused()


def test_a_phone_can_hand_it_in_below_the_text_too(at, database, bulletin, cast, complaints):
    page = at(f"/ban-tin/{bulletin.id}")
    page.set_viewport_size(PHONE)
    expect(page.get_by_role("button", name="Gửi duyệt")).to_have_count(2)
    with database.write() as session:
        found = bulletins.get(session, bulletin.id)
        bulletins.read_again(session, found, cast.hoa, after(NOON, 1))
    expect(page.get_by_role("button", name="Gửi duyệt")).to_have_count(0)
    with database.write() as session:
        give_sound(session, bulletins.get(session, bulletin.id))
        bulletins.get(session, bulletin.id).updated_at = after(NOON, 2)
    expect(page.get_by_role("button", name="Gửi duyệt")).to_have_count(2)
    page.get_by_role("button", name="Gửi duyệt").last.click()
    expect(page.get_by_text("Đã gửi duyệt.")).to_be_visible()


def test_a_long_reading_is_seen_whole(at, bulletin, complaints):
    page = at(f"/ban-tin/{bulletin.id}")
    page.locator("#v1-13").click()
    field = page.get_by_role("textbox", name="Đọc là")
    expect(field).to_have_attribute("rows", "2")
    field.fill("năm giờ chiều ngày mai " * 8)
    assert field.evaluate("(area) => area.rows > 2 && area.scrollHeight <= area.clientHeight")


def test_the_pages_fit_a_phone(at, database, bulletin, cast, complaints):
    with database.write() as session:
        entries.teach(session, cast.hoa, Entry("ABX", "một hai ba"), NOON)
    page = at("/")
    page.set_viewport_size(PHONE)
    here = f"/ban-tin/{bulletin.id}"
    for path in ("/ban-tin/moi", here, here + "/sua", here + "/phan/1/cach-doc?tu=13&den=15",
                 here + "/phan/1/cach-doc?chu=voi", "/tu-dien", "/tu-dien/co-san", "/tu-dien/moi", "/tu-dien/nhap",
                 "/tu-dien/1/sua", "/tu-dien/1/bo"):  # fmt: skip
        page.goto(re.sub(r"(//[^/]*)/.*", rf"\1{path}", page.url))
        assert page.evaluate(WIDER) == 0, path
        assert page.evaluate(SMALL) == [], path


def test_it_works_without_scripts(browser_without_scripts, served, database, bulletin):
    page = browser_without_scripts
    page.goto(served + "/dang-nhap")
    page.fill("[name=login]", "hoa")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.goto(f"{served}/ban-tin/{bulletin.id}/sua")
    page.locator(".add-part summary").click()
    page.get_by_role("button", name="Thêm nhạc hiệu").click()
    page.get_by_role("button", name="Lên", disabled=False).click()
    page.get_by_role("button", name="Lưu và tạo âm thanh").click()
    page.locator("#v2-13").click()
    page.get_by_role("textbox", name="Đọc là").fill("sáng sớm")
    page.get_by_role("button", name="Lưu cách đọc").click()
    expect(page.locator("#d2-13")).to_have_text("sáng sớm")
    assert [type(part).__name__ for part in only(database).parts] == ["Chime", "Text"]


@pytest.fixture
def browser_without_scripts(page: Page):
    context = page.context.browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()
