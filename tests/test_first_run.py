"""From an empty station to its first broadcast, by the guide on the first page, on real parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from devices.receiver import claiming
from tests.house import House
from tests.parts import wait_until

pytestmark = pytest.mark.browser
SERIAL = "SN-001"
"""Printed on the box of the first receiver."""


@pytest.fixture
def station(tmp_path: Path) -> Iterator[House]:
    """Just set up: nobody but its administrator, nothing declared."""
    made = House(tmp_path / "station", "embedded")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def at(page: Page, station: House) -> Page:
    sign_in(page, station, "quantri", station.admin_password)
    return page


def sign_in(page: Page, station: House, login: str, password: str) -> None:
    page.goto("about:blank")  # an answer still on its way would bring the cookie back
    page.context.clear_cookies()
    page.goto(f"{station.base}/dang-nhap")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(password)
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("heading", name="Hôm nay")).to_be_visible()


def follow(page: Page, step: str, words: str) -> None:
    """What the guide says comes next, and the way there it offers."""
    page.goto("/".join(page.url.split("/")[:3]) + "/")
    here = page.locator(".first-steps li[aria-current=step]")
    expect(here).to_contain_text(step)
    here.get_by_text(words, exact=True).click()


def add_staff(page: Page, name: str, login: str, role: str) -> str:
    """The password shown once."""
    page.get_by_label("Họ và tên").fill(name)
    page.get_by_label("Tên đăng nhập").fill(login)
    page.locator("[name=role]").select_option(role)
    page.get_by_role("button", name="Thêm cán bộ").click()
    return page.locator(".secret code").inner_text()


def test_first_run_to_first_broadcast(station: House, at: Page) -> None:
    page = at
    follow(page, "Khai báo địa bàn", "Thêm từng địa bàn")
    page.get_by_label("Cấp").fill("xã")
    page.get_by_label("Tên", exact=True).fill("Mẫu")
    page.get_by_label("Số hộ").fill("500")
    page.get_by_role("button", name="Thêm địa bàn").click()

    follow(page, "Thêm người duyệt", "Thêm cán bộ")
    minh = add_staff(page, "Minh", "minh", "approver")

    follow(page, "Gắn đầu thu đầu tiên", "Thêm đầu thu")
    page.get_by_label("Tên đầu thu").fill("Cột chợ")
    page.get_by_label("Số máy (serial)").fill(SERIAL)
    page.get_by_role("button", name="Tiếp tục: lấy mã một lần").click()
    switch_on(station, page.locator(".code code").inner_text())
    expect(page.get_by_text("Đang trực tuyến").first).to_be_visible()  # by itself
    page.get_by_role("button", name="Phát âm thử").click()
    page.get_by_role("button", name="Tôi đã nghe thấy").click()
    expect(page.get_by_text("Đã xác nhận “Cột chợ”")).to_be_visible()

    page.goto(station.base)
    page.get_by_role("button", name="Phát bản tin mới").click()
    page.get_by_label("Nội dung").fill("Họp thôn lúc 19h30.")
    page.get_by_role("button", name="Tiếp: nghe và chọn giờ").click()
    expect(page.locator("audio")).to_be_visible()
    page.get_by_role("button", name="Gửi duyệt, đặt giờ sau").click()
    expect(page.get_by_text("Đã gửi duyệt.")).to_be_visible()
    bulletin = page.url.replace("/phat-moi/", "/ban-tin/").removesuffix("/xong")

    sign_in(page, station, "minh", minh)
    page.goto(bulletin)
    page.get_by_label("Tôi đã nghe bản ghi này từ đầu đến cuối").check()
    page.get_by_role("button", name="Duyệt cho phát").click()
    page.get_by_role("button", name="Phát ngay").click()
    page.locator("form").get_by_role("button", name="Phát ngay").click()
    expect(page.get_by_text("đã phát 1/1")).to_be_visible()  # by itself
    page.reload()
    expect(page.locator(".first-steps")).to_have_count(0)


def switch_on(station: House, code: str) -> None:
    """The box claims its place by the code on the page, then runs as it would at its pole."""
    folder = station.receivers / "cot-cho"
    claiming.claim(station.base, SERIAL, code, folder, output="wav")
    station.fleet.start()
    wait_until(lambda: (folder / "receiver.db").exists(), "the box to begin its journal", 60)
