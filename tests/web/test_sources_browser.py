"""Recordings in a real browser: sent over a broken line, recorded there, and cut on their wave."""

from __future__ import annotations

import hashlib
import math
import struct
import wave

import pytest
from playwright.sync_api import Page, expect

from content import bulletins, recordings, renderings, uploads
from content.bulletins import Draft
from content.parts import Recorded
from content.recordings import Recording
from loa.staff import Staff
from tests.cast import NOON, PASSWORD
from tests.parts import wait_until
from tests.web.test_browser import PHONE, SMALL

pytestmark = pytest.mark.browser
PIECE = 1024 * 1024
SIZE = 3_000_000
SOUND = bytes(number * 31 % 251 for number in range(SIZE))
SHA = hashlib.sha256(SOUND).hexdigest()
DROP = """(zone, [size, name]) => {
  const bytes = new Uint8Array(size), carrier = new DataTransfer();
  for (let number = 0; number < size; number++) bytes[number] = number * 31 % 251;
  carrier.items.add(new File([bytes], name, { type: "audio/mpeg", lastModified: 1e12 }));
  for (const kind of ["dragover", "drop"])
    zone.dispatchEvent(new DragEvent(kind, { dataTransfer: carrier, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser's console held against the page."""
    found: list[str] = []
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.fixture
def at(page: Page, served: str, complaints):
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
def source(at, approved) -> Page:
    """The form for one more translation, its language chosen."""
    page = at(f"/ban-tin/{approved.id}/ban-dich")
    page.get_by_label("Tiếng", exact=True).select_option(label="Tày")
    return page


def drop(page: Page, name: str = "họp.mp3", size: int = SIZE) -> None:
    page.locator("[data-drop]").evaluate(DROP, [size, name])


def save(page: Page) -> None:
    page.get_by_role("button", name="Thêm bản dịch").click()


def received(page: Page, name: str) -> None:
    expect(page.get_by_text(f"Đã nhận tệp “{name}”")).to_be_visible()


def translation(database, approved):
    with database.read() as session:
        found = bulletins.get(session, approved.id).translations
    return found[0] if found else None


def offset(route) -> int:
    return int(route.request.headers.get("upload-offset", -1))


# Sending


def test_a_dropped_file_is_sent_in_pieces_and_its_progress_is_seen(
    source, database, approved, config, complaints
):
    held = []
    source.route(
        "**/tep/*",
        lambda route: held.append(route) if offset(route) == PIECE else route.continue_(),
    )
    drop(source)
    expect(source.get_by_text("34 % · 1,0 / 3,0 MB")).to_be_visible()
    expect(source.get_by_role("button", name="Tạm dừng")).to_be_visible()
    held[0].continue_()
    received(source, "họp.mp3")
    save(source)
    expect(source.get_by_role("heading", name="Tiếng Tày")).to_be_visible()
    assert (config.uploads / SHA).read_bytes() == SOUND
    made = translation(database, approved)
    assert (made.upload, made.name) == (SHA, "họp.mp3")
    assert complaints == []


def test_a_broken_line_costs_one_piece(source, config):
    seen: list[int] = []

    def break_twice(route) -> None:
        if route.request.method != "PATCH":
            return route.continue_()
        seen.append(offset(route))
        return route.abort() if seen[-1] == PIECE and len(seen) < 4 else route.continue_()

    source.route("**/tep/*", break_twice)
    drop(source)
    received(source, "họp.mp3")
    assert seen == [0, PIECE, PIECE, PIECE, 2 * PIECE]
    assert (config.uploads / SHA).read_bytes() == SOUND


def test_after_a_reload_the_same_file_goes_on_where_it_stopped(source, config):
    source.route(
        "**/tep/*", lambda route: route.abort() if offset(route) == PIECE else route.continue_()
    )
    drop(source)
    expect(source.get_by_text("34 % · 1,0 / 3,0 MB")).to_be_visible()
    source.on("dialog", lambda dialog: dialog.accept())
    source.reload()
    expect(source.get_by_text("Lần trước tệp “họp.mp3” chưa gửi xong")).to_be_visible()
    source.unroute("**/tep/*")
    seen: list[int] = []
    source.on(
        "request",
        lambda sent: (
            seen.append(int(sent.headers["upload-offset"])) if sent.method == "PATCH" else None
        ),
    )
    drop(source)
    received(source, "họp.mp3")
    assert seen == [PIECE, 2 * PIECE]
    assert (config.uploads / SHA).read_bytes() == SOUND


def test_sending_pauses_goes_on_and_is_given_up(source, config):
    held = []
    source.route(
        "**/tep/*",
        lambda route: held.append(route) if offset(route) == PIECE else route.continue_(),
    )
    drop(source)
    expect(source.get_by_text("34 %")).to_be_visible()
    source.get_by_role("button", name="Tạm dừng").click()
    save(source)
    expect(source.get_by_text("Việc gửi tệp đang tạm dừng")).to_be_visible()
    source.get_by_role("button", name="Tiếp tục").click()
    expect(source.get_by_role("button", name="Tạm dừng")).to_be_visible()
    with source.expect_response(lambda answer: answer.request.method == "DELETE"):
        source.get_by_role("button", name="Huỷ").click()
    expect(source.get_by_text("Chọn tệp", exact=True)).to_be_visible()
    assert not list((config.data / "transfers").glob("*"))


def test_a_form_saved_too_early_is_saved_when_the_file_is_there(source, database, approved):
    held = []
    source.route(
        "**/tep/*",
        lambda route: held.append(route) if offset(route) == PIECE else route.continue_(),
    )
    drop(source)
    expect(source.get_by_text("34 %")).to_be_visible()
    save(source)
    expect(source.get_by_text("Gửi xong sẽ tự lưu")).to_be_visible()
    held[0].continue_()
    expect(source.get_by_role("heading", name="Tiếng Tày")).to_be_visible()
    assert translation(database, approved).upload == SHA


def test_what_the_station_refuses_is_said_at_once(source):
    source.route(
        "**/tep",
        lambda route: route.fulfill(
            status=507, body="Ổ đĩa của đài sắp đầy.", content_type="text/plain; charset=utf-8"
        ),
    )
    drop(source)
    expect(source.get_by_text("Ổ đĩa của đài sắp đầy.")).to_be_visible()
    expect(source.get_by_role("button", name="Thử gửi lại")).to_be_visible()


def test_who_was_signed_out_signs_in_beside_it_and_goes_on(source, served, config, database, cast):
    source.evaluate("document.body.dataset.same = '1'")
    with database.write() as session:
        # As a new password elsewhere does; a cleared cookie can come back.
        session.get(Staff, cast.hoa.id).session_stamp = "khác"
    drop(source)
    expect(source.get_by_text("Bạn đã bị đăng xuất")).to_be_visible()
    beside = source.context.new_page()
    beside.goto(served + "/dang-nhap")
    beside.fill("[name=login]", "hoa")
    beside.fill("[name=password]", PASSWORD)
    beside.get_by_role("button", name="Đăng nhập").click()
    beside.wait_for_url(served + "/")
    source.get_by_role("button", name="Thử gửi lại").click()
    received(source, "họp.mp3")
    assert (config.uploads / SHA).read_bytes() == SOUND
    assert source.locator("body").get_attribute("data-same") == "1"  # what was typed is still there


def test_a_file_over_the_limit_is_not_begun(source):
    source.evaluate("document.querySelector('input[type=file]').dataset.most = '1'")
    sent: list[str] = []
    source.on("request", lambda request: sent.append(request.url))
    drop(source)
    expect(source.get_by_text("quá giới hạn")).to_be_visible()
    assert not [url for url in sent if "/tep" in url]


def test_without_scripts_the_plain_form_sends_the_file(
    chromium, served, approved, database, tmp_path
):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served + "/dang-nhap")
    page.fill("[name=login]", "hoa")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.goto(served + f"/ban-tin/{approved.id}/ban-dich")
    page.get_by_label("Tiếng", exact=True).select_option(label="Tày")
    file = tmp_path / "họp.mp3"
    file.write_bytes(SOUND)
    page.set_input_files("input[type=file]", file)
    expect(page.get_by_role("button", name="Ghi âm", exact=True)).to_be_hidden()
    save(page)
    expect(page.get_by_role("heading", name="Tiếng Tày")).to_be_visible()
    assert translation(database, approved).upload == SHA
    context.close()


# Recording


def record(page: Page) -> None:
    page.get_by_role("button", name="Ghi âm", exact=True).click()
    expect(page.get_by_text("00:02")).to_be_visible()


def test_a_recording_made_here_becomes_a_sound(source, database, approved, config, complaints):
    record(source)
    source.get_by_role("button", name="Tạm dừng").click()
    expect(source.get_by_text("tạm dừng", exact=True)).to_be_visible()
    source.get_by_role("button", name="Ghi tiếp").click()
    expect(source.get_by_text("00:03")).to_be_visible()
    assert source.locator("[data-level]").evaluate("meter => meter.max") == 1
    source.get_by_role("button", name="Dừng ghi").click()
    expect(source.get_by_label("Nghe bản vừa ghi")).to_be_visible()
    save(source)
    expect(source.get_by_text("Bản vừa ghi chưa được gửi")).to_be_visible()
    source.get_by_role("button", name="Dùng bản ghi này").click()
    expect(source.get_by_text("Đã nhận tệp “ghi-am-")).to_be_visible()
    save(source)
    expect(source.get_by_role("heading", name="Tiếng Tày")).to_be_visible()
    assert renderings.render_next(database, config)
    with database.read() as session:
        bulletin = bulletins.get(session, approved.id)
        made = session.get_one(Recording, bulletin.sounds["tyz"])
    assert recordings.file(config.recordings, made.sha256).is_file()
    assert made.ms > 2_000
    assert bulletin.translations[0].name.endswith(".webm")
    assert complaints == []


def test_a_recording_that_cannot_be_sent_is_not_lost(source, config):
    source.route(
        "**/tep", lambda route: route.fulfill(status=400, body="", content_type="text/html")
    )
    record(source)
    source.get_by_role("button", name="Dừng ghi").click()
    source.get_by_role("button", name="Dùng bản ghi này").click()
    expect(source.get_by_text("Đài chưa nhận được tệp")).to_be_visible()
    with source.expect_download() as saved:
        source.get_by_role("button", name="Tải bản ghi về máy").click()
    assert saved.value.suggested_filename.startswith("ghi-am-")
    assert saved.value.path().stat().st_size > 5_000
    source.unroute("**/tep")
    source.get_by_role("button", name="Thử gửi lại").click()
    expect(source.get_by_text("Đã nhận tệp “ghi-am-")).to_be_visible()
    (kept,) = config.uploads.iterdir()
    assert kept.read_bytes() == saved.value.path().read_bytes()


def test_one_that_went_wrong_is_recorded_again(source):
    record(source)
    source.get_by_role("button", name="Dừng ghi").click()
    source.get_by_role("button", name="Ghi lại").click()
    expect(source.get_by_text("đang ghi", exact=True)).to_be_visible()
    source.get_by_role("button", name="Bỏ", exact=True).click()
    expect(source.get_by_role("button", name="Ghi âm", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("delete Navigator.prototype.mediaDevices;"
         "Object.defineProperty(window, 'isSecureContext', { value: false })", "Hãy nhờ quản trị bật HTTPS"),
        ("delete window.MediaRecorder", "Trình duyệt này không ghi âm được"),
        ("navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))",
         "Trình duyệt chưa được phép dùng micrô"),
        ("navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'))",
         "Máy này không có micrô"),
    ],
)  # fmt: skip
def test_it_says_why_it_cannot_record_and_what_to_do(source, script, sentence):
    source.evaluate(f"() => {{ {script} }}")
    source.get_by_role("button", name="Ghi âm", exact=True).click()
    expect(source.get_by_text(sentence)).to_be_visible()


# Cutting


@pytest.fixture
def cutting(at, database, cast, config, tmp_path) -> Page:
    """The page on which a recording of a minute is cut; the worker has made its preview."""
    config.uploads.mkdir(parents=True)
    rate, path = 8_000, config.uploads / "arriving"
    samples = (round(9_000 * math.sin(t / 3) * abs(math.sin(t / 2_000))) for t in range(60 * rate))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{60 * rate}h", *samples))
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    path.rename(config.uploads / sha)
    with database.write() as session:
        parts = (Recorded(upload=sha, name="họp.wav"),)
        bulletins.write(session, cast.hoa, Draft(title="Họp", parts=parts), NOON)
        uploads.note(session, [sha], NOON)
    page = at("/ban-tin/1/phan/1/cat")
    expect(page.get_by_text("Đang chuẩn bị tệp gốc")).to_be_visible()
    assert renderings.preview_next(database, config)
    expect(page.get_by_role("heading", name="Bản gốc")).to_be_visible()
    expect(page.locator("[data-wave] canvas").first).to_be_visible()
    return page


def drag(page: Page, begin: float, end: float) -> None:
    """Draw from one part of the wave's width to another."""
    box = page.locator("[data-wave]").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * begin, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (begin + end) / 2, y, steps=4)
    page.mouse.move(box["x"] + box["width"] * end, y, steps=4)
    page.mouse.up()


def cuts(database) -> tuple[tuple[int, int], ...]:
    with database.read() as session:
        return bulletins.get(session, 1).parts[0].cuts


def test_two_pieces_are_drawn_on_the_wave_and_saved(cutting, database, complaints):
    drag(cutting, 0.2, 0.3)
    drag(cutting, 0.6, 0.8)
    expect(cutting.get_by_label("Bỏ từ")).to_have_count(2)
    expect(cutting.get_by_text("Sau khi cắt còn 42 giây")).to_be_visible()
    cutting.get_by_role("button", name="Lưu và tạo lại âm thanh").click()
    expect(cutting.get_by_text("Đã lưu. Âm thanh đang được tạo lại.")).to_be_visible()
    found = cuts(database)
    assert [round(point / 1000) for span in found for point in span] == [12, 18, 36, 48]
    expect(cutting.get_by_label("Bỏ từ")).to_have_count(2)
    assert [text for text in complaints if "503" not in text] == []


def test_a_keyboard_is_enough_to_cut(cutting, database):
    cutting.get_by_role("button", name="Thêm đoạn cần bỏ").press("Enter")
    begin, end = cutting.get_by_label("Bỏ từ"), cutting.get_by_label("đến", exact=True)
    expect(begin).to_be_focused()
    end.fill("0:30")
    begin.fill("0:10")
    begin.press("PageUp")
    begin.press("ArrowDown")
    expect(begin).to_have_value("00:10,9")
    region = cutting.locator("[data-wave] [part~=region]")
    expect(region).to_have_count(1)
    box, whole = region.bounding_box(), cutting.locator("[data-wave]").bounding_box()
    assert box["width"] == pytest.approx(whole["width"] * 19.1 / 60, abs=4)
    end.press("Enter")
    expect(cutting.get_by_text("Đã lưu.")).to_be_visible()
    assert cuts(database) == ((10_900, 30_000),)


def test_a_piece_is_kept_after_all(cutting, database):
    drag(cutting, 0.2, 0.3)
    cutting.get_by_role("button", name="Giữ lại đoạn này").click()
    expect(cutting.get_by_text("Chưa bỏ đoạn nào.")).to_be_visible()
    expect(cutting.locator("[data-wave] [part~=region]")).to_have_count(0)


def test_a_cut_is_heard_as_it_will_sound(cutting):
    """From 2 s before to 2 s after: playing through the piece itself would take forty seconds."""
    cutting.get_by_role("button", name="Thêm đoạn cần bỏ").click()
    cutting.get_by_label("Bỏ từ").fill("0:10")
    cutting.get_by_label("đến", exact=True).fill("0:50")
    cutting.get_by_role("button", name="Nghe thử chỗ cắt").click()
    audio = cutting.locator("[data-original]")
    heard = "player => [player.paused, player.currentTime]"
    wait_until(lambda: audio.evaluate(heard)[1] > 50, "the sound to pass the cut", 20)
    wait_until(lambda: audio.evaluate(heard)[0], "the trial to end", 20)
    assert audio.evaluate(heard)[1] == pytest.approx(52, abs=1)


def test_the_pages_of_recordings_fit_a_phone(cutting, served):
    cutting.set_viewport_size(PHONE)
    drag(cutting, 0.2, 0.5)
    for path in ("", "/ban-tin/1/ban-dich"):
        if path:
            cutting.goto(served + path)
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert cutting.evaluate(wide) == 0, path
        assert cutting.evaluate(SMALL) == [], path
