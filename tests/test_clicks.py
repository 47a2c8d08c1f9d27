"""The main job once by clicking, as a person would who never saw Loa; and a pasted press text from end to end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

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


def test_by_clicking_from_form_to_proof(station: House, page: Page) -> None:
    page.set_default_timeout(30_000)
    sign_in(page, station, "hoa")
    page.get_by_role("link", name="Soạn bản tin").click()
    page.get_by_label("Tên bản tin").fill("Họp thôn")
    page.get_by_label("Nội dung").fill("Họp thôn lúc 19h30.")
    page.get_by_role("button", name="Lưu và tạo âm thanh").click()
    expect(page.get_by_text("mười chín giờ ba mươi phút").first).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Gửi duyệt").click()  # appears by itself when the sound is made
    expect(page.get_by_text("Đang chờ người duyệt")).to_be_visible()
    here = page.url
    sign_out(page)

    sign_in(page, station, "minh")
    page.get_by_role("link", name="1 bản tin chờ bạn nghe và duyệt").click()
    page.goto(here)
    duration = page.locator("audio").evaluate(
        "player => new Promise(done => { player.onloadedmetadata = () => done(player.duration); player.load(); })"
    )
    assert duration > 5  # two chimes and a sentence
    page.get_by_label("Tôi đã nghe bản ghi này từ đầu đến cuối").check()
    page.get_by_role("button", name="Duyệt cho phát").click()
    page.get_by_role("button", name="Đặt lịch").click()
    moment = datetime.now(ZONE) + timedelta(seconds=6)
    page.get_by_label("Ngày phát").fill(moment.strftime("%d/%m/%Y"))
    page.get_by_label("Giờ phát").fill(moment.strftime("%H:%M:%S"))
    page.get_by_role("button", name="Đặt lịch").click()

    page.get_by_role("link", name="Hôm nay").click()
    expect(page.get_by_text("đã phát 3/3")).to_be_visible(timeout=60_000)  # by itself
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
