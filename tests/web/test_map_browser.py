"""The map in a real browser: looked at, pointed at, kept live; receivers placed by hand and by the phone's own word."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from devices import receivers
from devices.receivers import Presence, Receiver
from loa.times import HOUR, after
from tests.cast import NOON, PASSWORD
from tests.parts import PATIENCE_MS
from tests.web.test_map import seen

pytestmark = pytest.mark.browser
DESK, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
HERE = "/dau-thu/ban-do"
MOST_MARKS = 400
"""As many cells of the grid as the largest map of the tests has room for, with those beyond its edge."""


@pytest.fixture
def tab(chromium: Browser):
    context = chromium.new_context(
        locale="vi-VN", viewport=DESK, geolocation={"latitude": 20.8601, "longitude": 106.6901},
        permissions=["geolocation"],
    )  # fmt: skip
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    page.amiss = []
    page.on("console", lambda said: page.amiss.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.amiss.append(str(error)))
    yield page
    context.close()


@pytest.fixture
def placed(database, cast):
    """Two receivers some kilometres apart, and one nobody has placed."""
    with database.write() as session:
        for rid, spot in (("r-0000", (20.85, 106.68)), ("r-0001", (20.89, 106.72))):
            receiver = receivers.get(session, rid)
            receiver.lat, receiver.lon = spot
        seen(session, "r-0000", playing="tone.r-0000.1")
        seen(session, "r-0001", 2 * HOUR)


def sign_in(page: Page, served: str, path: str = HERE, login: str = "hoa") -> Page:
    page.goto(f"{served}/dang-nhap")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{served}/")
    page.goto(served + path)
    expect(page.locator("#ban-do[data-drawn]")).to_be_attached()
    return page


def mark(page: Page, name: str):
    return page.locator("#ban-do .mark").and_(page.get_by_role("button", name=name))


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_mark_says_how_its_receiver_is_and_leads_to_it(tab: Page, served, placed, size) -> None:
    scripts: dict[str, int] = {}
    tab.on(
        "response", lambda got: scripts.update({got.url: _size(got)}) if ".js" in got.url else None
    )
    tab.set_viewport_size(size)
    page = sign_in(tab, served)
    expect(page.locator(".village")).to_have_text(["thôn Đông", "thôn Đoài"])
    expect(mark(page, "Cột r-0001: mất kết nối").locator("svg.offline")).to_be_visible()
    mark(page, "Cột r-0000: trực tuyến, đang phát âm thử").click()
    panel = page.get_by_role("region", name="Đầu thu đang chọn trên bản đồ")
    expect(panel).to_be_focused()
    expect(panel).to_contain_text("thôn Đông")
    expect(panel.get_by_role("button", name="Mở trang đầu thu")).to_have_attribute(
        "href", "/dau-thu/r-0000"
    )
    expect(page).to_have_url(re.compile("chon=r-0000"))
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.amiss == []
    assert 0 < sum(scripts.values()) <= 300_000


def _size(answer) -> int:
    return int(answer.headers.get("content-length", 0))


def test_the_keyboard_goes_to_a_mark_and_back(tab: Page, served, placed) -> None:
    page = sign_in(tab, served)
    one = mark(page, "Cột r-0001: mất kết nối")
    one.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="Đầu thu đang chọn trên bản đồ")
    expect(panel).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(mark(page, "Cột r-0001: mất kết nối")).to_be_focused()
    expect(page).not_to_have_url(re.compile("chon="))


def test_the_list_points_at_the_map(tab: Page, served, placed) -> None:
    page = sign_in(tab, served)
    page.get_by_role("link", name="Xem trên bản đồ: Cột r-0001").click()
    expect(page.locator("#ban-do .mark.chosen svg.offline")).to_be_visible()
    expect(page.locator("[data-panel] h2")).to_have_text("Cột r-0001")


def test_it_shows_by_itself_that_a_receiver_is_lost(tab: Page, served, placed, database) -> None:
    page = sign_in(tab, served)
    expect(mark(page, "Cột r-0000: trực tuyến, đang phát âm thử")).to_be_visible()
    with database.write() as session:
        lost = session.get_one(Presence, "r-0000")
        lost.online, lost.heard_at, lost.playing = False, after(NOON, -HOUR), None
    expect(mark(page, "Cột r-0000: mất kết nối")).to_be_visible()
    expect(page.locator("#danh-sach li", has_text="Cột r-0000")).to_contain_text("mất kết nối")


def test_a_receiver_is_placed_by_a_click_and_it_is_taken_back(
    tab: Page, served, placed, database
) -> None:
    page = sign_in(tab, served, login="quantri")
    page.get_by_role("link", name="Đặt vị trí: Cột r-0002").click()
    expect(page.locator("#ban-do[data-drawn]")).to_be_attached()
    page.locator("#ban-do").click(position={"x": 200, "y": 150})
    expect(page.locator("#ban-do .pin")).to_be_visible()
    typed = page.get_by_label("Toạ độ").input_value()
    page.get_by_role("button", name="Lưu vị trí").click()
    expect(page.get_by_text("Đã đặt vị trí của “Cột r-0002”.")).to_be_visible()
    assert typed == ", ".join(f"{degrees:.6f}" for degrees in where(database))
    expect(page.locator("#ban-do .mark.chosen")).to_be_visible()
    page.get_by_role("button", name="Hoàn tác").click()
    expect(page.get_by_text("về vị trí trước đó")).to_be_visible()
    assert where(database) == (None, None)
    assert page.amiss == []


def test_a_receiver_is_moved_by_dragging_its_mark(tab: Page, served, placed, database) -> None:
    page = sign_in(tab, served, HERE + "?dat=r-0000", login="quantri")
    pin = page.locator("#ban-do .pin")
    pin.scroll_into_view_if_needed()
    box = pin.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y - 40, steps=8)
    page.mouse.up()
    expect(page.get_by_label("Toạ độ")).not_to_have_value("20.85, 106.68")
    page.get_by_role("button", name="Lưu vị trí").click()
    expect(page.get_by_text("Đã đặt vị trí của “Cột r-0000”.")).to_be_visible()
    lat, lon = where(database, "r-0000")
    assert lat > 20.85  # up is north, and right is east
    assert lon > 106.68


def test_whoever_stands_at_the_pole_lets_the_phone_say_where(
    tab: Page, served, placed, database
) -> None:
    tab.set_viewport_size(PHONE)
    page = sign_in(tab, served, HERE + "?dat=r-0002", login="quantri")
    page.get_by_role("button", name="Dùng vị trí của điện thoại này").click()
    expect(page.get_by_text("Máy này đang ở đây, sai số khoảng")).to_be_visible()
    page.get_by_role("button", name="Lưu vị trí").click()
    expect(page.get_by_text("Đã đặt vị trí của “Cột r-0002”.")).to_be_visible()
    assert where(database) == (20.8601, 106.6901)


def test_thousands_are_as_few_marks_as_the_screen_has_room_for(
    tab: Page, served, placed, database
) -> None:
    with database.write() as session:
        session.execute(
            sa.insert(Receiver),
            [{"id": f"x-{n:04d}", "name": f"Cụm {n}", "area_id": 2, "public_key": "k", "password_hash": "p",
              "added_at": NOON, "lat": 20.80 + (n % 50) / 500, "lon": 106.6 + n // 50 / 400} for n in range(2_000)],
        )  # fmt: skip
    page = sign_in(tab, served)
    groups = page.locator("#ban-do .mark.many")
    expect(groups.first).to_be_visible()
    assert page.locator("#ban-do .mark").count() <= MOST_MARKS
    before = page.locator(".leaflet-control-scale-line").inner_text()
    groups.first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".leaflet-control-scale-line")).not_to_have_text(before)
    assert page.locator("#ban-do .mark").count() <= MOST_MARKS


def where(database, rid: str = "r-0002") -> tuple[float | None, float | None]:
    with database.read() as session:
        receiver = receivers.get(session, rid)
        return receiver.lat, receiver.lon
