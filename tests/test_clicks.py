"""The main job once by clicking, as a person would who never saw Loa; and a pasted press text from end to end."""

from __future__ import annotations

import re
import wave
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.cast import ZONE
from tests.house import ROOT, House
from tests.parts import wait_until

pytestmark = pytest.mark.browser
SAMPLES = sorted((ROOT.parent / "shared" / "samples").glob("*.txt"))


@pytest.fixture
def station(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "station", "embedded")
    made.start()
    made.furnish()
    yield made
    made.stop()


def sign_in(page: Page, station: House, login: str) -> None:
    page.goto(f"{station.base}/dang-nhap")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(station.passwords[login])
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("heading", name="Hôm nay")).to_be_visible()


def sign_out(page: Page) -> None:
    page.locator("details.account summary").click()
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.get_by_label("Tên đăng nhập")).to_be_visible()  # or the next page cuts it off


def test_by_clicking_from_form_to_proof(station: House, page: Page) -> None:
    sign_in(page, station, "hoa")
    page.get_by_role("link", name="Soạn bản tin").click()
    page.get_by_label("Tên bản tin").fill("Họp thôn")
    page.get_by_label("Nội dung").fill("Họp thôn lúc 19h30.")
    page.get_by_role("button", name="Lưu và tạo âm thanh").click()
    expect(page.get_by_text("mười chín giờ ba mươi phút").first).to_be_visible()
    page.get_by_role("button", name="Gửi duyệt").click()  # appears by itself when the sound is made
    expect(page.get_by_text("Đang chờ người duyệt")).to_be_visible()
    here = page.url
    sign_out(page)

    sign_in(page, station, "minh")
    page.get_by_role("link", name="1 bản tin chờ bạn nghe và duyệt").click()
    page.goto(here)
    assert length(page) > 5  # two chimes and a sentence
    page.get_by_label("Tôi đã nghe bản ghi này từ đầu đến cuối").check()
    page.get_by_role("button", name="Duyệt cho phát").click()
    page.get_by_role("button", name="Đặt lịch").click()
    moment = datetime.now(ZONE) + timedelta(seconds=6)
    page.get_by_label("Ngày phát").fill(moment.strftime("%d/%m/%Y"))
    page.get_by_label("Giờ phát").fill(moment.strftime("%H:%M:%S"))
    page.get_by_role("button", name="Đặt lịch").click()

    page.get_by_role("link", name="Hôm nay").click()
    expect(page.get_by_text("đã phát 3/3")).to_be_visible()  # by itself
    assert station.results() == ["đã phát"] * 3


def test_a_keyboard_is_enough_to_sign_in(station: House, page: Page) -> None:
    page.goto(station.base)
    page.keyboard.type("hoa")
    page.keyboard.press("Tab")
    page.keyboard.type(station.passwords["hoa"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Hôm nay")).to_be_visible()


@pytest.mark.skipif(not SAMPLES, reason="the sample texts are not on this machine")
def test_a_pasted_press_text_is_read_approved_played_and_reported(station: House) -> None:
    """Its first lines only: the whole would sound for three minutes."""
    text = SAMPLES[0].read_text(encoding="utf-8")[:350]
    bulletin = station.approved(text, title="Đề án 06")
    page = station.people["hoa"].page(f"/ban-tin/{bulletin.id}")
    assert "không sáu" in page
    station.schedule(bulletin, 2)
    wait_until(lambda: station.results() == ["đã phát"] * 3, "three receivers to have played", 90)
    assert {row["bản tin"] for row in station.rows()} == {"Đề án 06"}


PASTED = """Trang chủ > Tin tức
Về việc tiêm phòng
Lượt xem: 1.234
UBND xã tổ chức tiêm phòng theo Nghị định 47/2020/NĐ-CP lúc 7h30 ngày 5/6 tại nhà văn hóa.
Bà con gọi tổ XYZQ theo số 0912 345 678.
Đọc thêm
Tin liên quan
"""


def length(page: Page) -> float:
    """Seconds that the page's first sound lasts."""
    script = "player => new Promise(done => { player.onloadedmetadata = () => done(player.duration); player.load(); })"
    return float(page.locator("audio").first.evaluate(script))


def approve(page: Page, station: House, here: str) -> None:
    """Minh finds it in the queue, hears it and approves."""
    sign_out(page)
    sign_in(page, station, "minh")
    page.goto(f"{station.base}/duyet")
    page.locator(f'main a[href*="{here.removeprefix(station.base).split("#")[0]}"]').first.click()
    assert length(page) > 3
    page.get_by_label("Tôi đã nghe bản ghi này từ đầu đến cuối").check()
    page.get_by_role("button", name="Duyệt cho phát").click()
    expect(page.get_by_text("Đã duyệt. Bản tin có thể phát.")).to_be_visible()


def hand_in(page: Page) -> str:
    """Once the sound is there; the page's address."""
    page.get_by_role("button", name="Gửi duyệt").click()
    expect(page.get_by_text("Đang chờ người duyệt")).to_be_visible()
    return page.url


def test_a_pasted_page_is_cleaned_corrected_taught_heard_and_approved(
    station: House, page: Page
) -> None:
    sign_in(page, station, "hoa")
    page.get_by_role("link", name="Soạn bản tin").click()
    page.get_by_label("Tên bản tin").fill("Tiêm phòng")
    page.get_by_label("Nội dung").fill(PASTED)
    page.get_by_label("Chọn tất cả").check()
    page.get_by_role("button", name="Bỏ các dòng đã đánh dấu").click()
    expect(page.get_by_label("Nội dung")).not_to_have_value(re.compile("Lượt xem"))
    page.get_by_role("button", name="Lưu và tạo âm thanh").click()

    written, said = page.locator(".words.written"), page.locator(".words.spoken")
    expect(said).to_contain_text("bốn mươi bảy năm hai nghìn không trăm hai mươi của Chính phủ")
    expect(said).to_contain_text("bảy giờ ba mươi phút")
    expect(page.get_by_text("Chưa biết “XYZQ”")).to_be_visible()
    correct(page, written, "7h30", "bảy giờ rưỡi sáng", "Chỉ trong bản tin này")
    expect(said).to_contain_text("bảy giờ rưỡi sáng")
    correct(page, written, "XYZQ", "xung kích", "Dạy cho từ điển của xã")
    expect(said).to_contain_text("tổ xung kích theo số không chín một hai, ba bốn năm, sáu bảy tám")
    expect(page.locator(".doubts")).to_have_count(0)
    page.goto(f"{station.base}/tu-dien")
    expect(page.get_by_text("xung kích")).to_be_visible()
    page.go_back()

    approve(page, station, hand_in(page))


def correct(page: Page, written: Locator, form: str, spoken: str, scope: str) -> None:
    """Press the marked words, say how they are read, hear that, and save."""
    page.wait_for_load_state("load")  # before that the link leads to a page of its own
    written.get_by_role("link", name=form).first.click()
    panel = page.get_by_role("dialog")
    panel.get_by_label("Đọc là").fill(spoken)
    with page.expect_response(re.compile("/nghe-thu.wav")) as heard:
        panel.get_by_role("button", name="Nghe thử").click()
    assert heard.value.headers["content-type"].startswith("audio/")
    panel.get_by_label(scope).check()
    panel.get_by_role("button", name="Lưu cách đọc").click()


def test_an_uploaded_recording_is_cut_and_approved(
    station: House, page: Page, tmp_path: Path
) -> None:
    sign_in(page, station, "hoa")
    page.get_by_role("link", name="Soạn bản tin").click()
    page.get_by_label("Tên bản tin").fill("Trưởng thôn nói")
    page.get_by_label("bản ghi âm", exact=True).check()
    page.locator("input[type=file]").set_input_files(tone(tmp_path / "loi-noi.wav", 12))
    expect(page.get_by_text("Đã nhận tệp “loi-noi.wav”")).to_be_visible()
    page.get_by_role("button", name="Lưu và tạo âm thanh").click()
    expect(page.get_by_role("button", name="Gửi duyệt")).to_be_visible()
    bulletin, whole = page.url, length(page)
    page.get_by_role("link", name="Nghe bản gốc và cắt").click()
    page.get_by_role("button", name="Thêm đoạn cần bỏ").click()
    page.get_by_label("Bỏ từ").first.fill("0:00")
    page.get_by_label("đến").first.fill("0:06")
    page.get_by_role("button", name="Lưu và tạo lại âm thanh").click()
    page.goto(bulletin)
    here = hand_in(page)
    assert whole - length(page) == pytest.approx(6, abs=0.3)
    approve(page, station, here)


def test_a_recording_made_on_the_page_is_approved(station: House, page: Page) -> None:
    sign_in(page, station, "hoa")
    page.get_by_role("link", name="Soạn bản tin").click()
    page.get_by_label("Tên bản tin").fill("Nói trực tiếp")
    page.get_by_label("bản ghi âm", exact=True).check()
    page.get_by_role("button", name="Ghi âm", exact=True).click()
    expect(page.get_by_text("00:04")).to_be_visible()
    page.get_by_role("button", name="Dừng ghi").click()
    page.get_by_role("button", name="Dùng bản ghi này").click()
    expect(page.get_by_text("Đã nhận tệp “ghi-am-")).to_be_visible()
    page.get_by_role("button", name="Lưu và tạo âm thanh").click()
    approve(page, station, hand_in(page))


def tone(path: Path, seconds: int) -> Path:
    """A WAV that rises and falls like speech, at 16 kHz."""
    moments = np.arange(16_000 * seconds) / 16_000
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * moments)
    sound = (8000 * swell * np.sin(2 * np.pi * 440 * moments)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(sound.tobytes())
    return path
