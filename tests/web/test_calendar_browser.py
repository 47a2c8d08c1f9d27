"""The calendar in a real browser: dragged, refused, skipped, taken back; on a desk and on a phone."""

from __future__ import annotations

import re
from datetime import date, time

import pytest
from playwright.sync_api import Browser, Page, expect

from scheduler.schedules import Schedule
from tests.cast import PASSWORD
from tests.two_languages import MARKED
from tests.web.test_calendar_page import add, add_programme, put_in_force

pytestmark = pytest.mark.browser
DESK, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
FARAWAY = "America/Los_Angeles"
"""The browser's zone: what is shown is the station's."""
WEEK = "/lich-phat/lich?ngay=2026-11-25"
MONDAY = "2026-11-23"


@pytest.fixture
def tab(chromium: Browser):
    """A tab in another zone, and what its console said amiss."""
    context = chromium.new_context(locale="vi-VN", timezone_id=FARAWAY, viewport=DESK)
    context.set_default_timeout(90_000)
    page = context.new_page()
    page.amiss = []
    page.on("console", lambda said: page.amiss.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.amiss.append(str(error)))
    yield page
    context.close()


@pytest.fixture
def schedule(database, cast, approved) -> Schedule:
    put_in_force(database)
    return add(database, cast, approved)


def sign_in(page: Page, served: str, path: str = WEEK, login: str = "hoa") -> Page:
    page.goto(f"{served}/dang-nhap")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{served}/")
    page.goto(served + path)
    return page


def run(page: Page, day: str, clock: str):
    """Something in the calendar, by its day and its hour."""
    column = page.locator(f'.fc-timegrid-col[data-date="{day}"]')
    return column.locator(".fc-event:not(.fc-bg-event)", has_text=clock)


def lane(page: Page, clock: str):
    return page.locator(f'.fc-timegrid-slot-lane[data-time="{clock}:00"]')


def centre(page: Page, clock: str) -> None:
    """Have that hour a little below the middle: near its edges a calendar scrolls by itself under a drag."""
    expect(page.locator(".day-head .moon").first).to_be_visible()
    page.locator("[data-grid]").evaluate("(grid) => grid.scrollIntoView({ block: 'center' })")
    lane(page, clock).evaluate(
        """(lane) => {
            const box = lane.closest(".fc-scroller");
            box.scrollTop = lane.offsetTop - box.clientHeight * 0.75;
        }"""
    )


def drag(page: Page, what, day: str, clock: str) -> None:
    """By the mouse, to an hour of a day that is seen at the same time."""
    centre(page, clock)
    start, goal = what.bounding_box(), lane(page, clock).bounding_box()
    column = page.locator(f'.fc-timegrid-col[data-date="{day}"]').bounding_box()
    page.mouse.move(start["x"] + 20, start["y"] + 3)
    page.mouse.down()
    page.mouse.move(start["x"] + 24, start["y"] + 12, steps=3)
    page.mouse.move(column["x"] + 24, goal["y"] + 3, steps=12)
    page.mouse.up()


def test_it_is_dragged_to_another_hour_and_taken_back(tab: Page, served, schedule) -> None:
    page = sign_in(tab, served)
    drag(page, run(page, MONDAY, "17:00"), "2026-11-24", "18:00")
    panel = page.get_by_role("dialog")
    expect(panel.get_by_label("Giờ phát")).to_have_value("18:00")
    expect(panel.locator("#xem-truoc")).to_contain_text("nằm ngoài các khung giờ")
    panel.get_by_label("Lý do vẫn phát").fill("Trạm y tế nhờ")
    panel.get_by_role("button", name="Lưu").click()
    expect(page.locator("#lich-bao")).to_contain_text("18:00 thứ Ba, 24/11/2026")
    expect(run(page, "2026-11-24", "18:00")).to_have_count(1)
    expect(run(page, MONDAY, "17:00")).to_have_count(0)
    expect(page.locator("#danh-sach")).to_contain_text("dời từ lượt ngày 23/11")
    page.get_by_role("button", name="Hoàn tác").click()
    expect(page.locator("#lich-bao")).to_contain_text("lại như trước")
    expect(run(page, MONDAY, "17:00")).to_have_count(1)
    expect(run(page, "2026-11-24", "18:00")).to_have_count(0)
    assert page.amiss == []


def test_quiet_hours_take_nothing_and_a_refusal_puts_it_back(tab: Page, served, schedule) -> None:
    page = sign_in(tab, served)
    drag(page, run(page, MONDAY, "17:00"), MONDAY, "21:30")
    expect(page.locator("#lich-bao")).to_contain_text("Không thả vào đây được")
    expect(page.locator("#lich-hop")).not_to_be_visible()
    expect(run(page, MONDAY, "17:00")).to_have_count(1)
    # One that only the station can refuse: its own hour of the next day.
    drag(page, run(page, MONDAY, "17:00"), "2026-11-24", "17:00")
    expect(page.locator("#xem-truoc")).to_contain_text(
        "Lịch này đã có lượt lúc 17:00 ngày 24/11/2026"
    )
    expect(run(page, MONDAY, "17:00")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#lich-hop")).not_to_be_visible()


def test_one_day_is_skipped_by_the_keyboard_alone(tab: Page, served, schedule) -> None:
    page = sign_in(tab, served)
    run(page, MONDAY, "17:00").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Bỏ lần này").press("Enter")
    expect(page.locator("#lich-bao")).to_contain_text("Đã bỏ lượt ngày 23/11/2026")
    expect(run(page, MONDAY, "17:00")).to_contain_text("không phát")
    run(page, MONDAY, "17:00").click()
    page.get_by_role("button", name="Phát lại theo lịch").click()
    expect(run(page, MONDAY, "17:00")).not_to_contain_text("không phát")


def test_what_another_moved_meanwhile_is_told_and_shown(tab: Page, served, schedule, minh) -> None:
    page = sign_in(tab, served)
    expect(run(page, MONDAY, "17:00")).to_have_count(1)
    box = f"/lich-phat/lich/mot-lich/{schedule.id}/{MONDAY}"
    seen = minh.get("/lich-phat/lich/du-lieu?tu=2026-11-23&den=2026-11-24").json["events"][0]
    fields = {
        "version": seen["version"],
        "scope": "one",
        "to_day": "23/11/2026",
        "to_time": "17:10",
    }
    assert minh.post(f"{box}/doi", data=fields).status_code == 200
    # The page hears of it by itself.
    expect(run(page, MONDAY, "17:10")).to_have_count(1)


def test_an_empty_place_becomes_a_schedule(tab: Page, served, schedule, approved) -> None:
    page = sign_in(tab, served)
    centre(page, "08:00")
    at, column = (
        lane(page, "08:00").bounding_box(),
        page.locator(f'.fc-timegrid-col[data-date="{MONDAY}"]').bounding_box(),
    )
    page.mouse.click(column["x"] + 30, at["y"] + 5)
    expect(page.get_by_role("dialog")).to_contain_text("Đặt lịch lúc 08:00 thứ Hai, 23/11/2026")
    page.get_by_role("dialog").get_by_role("link", name=approved.title).click()
    expect(page.get_by_label("Giờ phát")).to_have_value("08:00")


def stretch(page: Page, what, clock: str) -> None:
    """Pull its end to the end of that half hour."""
    centre(page, clock)
    what.hover()
    edge, goal = what.bounding_box(), lane(page, clock).bounding_box()
    page.mouse.move(edge["x"] + 30, edge["y"] + edge["height"] - 2)
    page.mouse.down()
    page.mouse.move(edge["x"] + 30, goal["y"] + goal["height"] - 3, steps=10)
    page.mouse.up()


def test_only_what_has_a_length_of_its_own_is_stretched(
    tab: Page, served, database, cast, approved, schedule
) -> None:
    usual = {"at": time(15), "minutes": 30, "start_date": date(2026, 11, 22)}
    add_programme(database, cast, waived_why="Trạm y tế nhờ", **usual)
    page = sign_in(tab, served)
    stretch(page, run(page, MONDAY, "17:00"), "18:00")
    expect(page.locator("#lich-bao")).to_contain_text("Bản tin này dài bằng âm thanh của nó")
    stretch(page, run(page, MONDAY, "15:00"), "15:45")
    panel = page.get_by_role("dialog")
    expect(panel.get_by_label("Thời lượng (phút)")).to_have_value("60")
    expect(panel.get_by_label("Cả lịch, từ nay về sau")).to_be_checked()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_it_fits_the_screen_and_its_policy(tab: Page, served, schedule, size) -> None:
    tab.set_viewport_size(size)
    scripts = {}
    tab.on(
        "response", lambda got: scripts.update({got.url: _size(got)}) if ".js" in got.url else None
    )
    page = sign_in(tab, served)
    for view in ("Ngày", "Tuần", "Tháng"):
        page.get_by_role("button", name=view, exact=True).click()
        expect(page.locator(".fc-event:not(.fc-bg-event)").first).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    expect(page.locator(".moon.mark").first).to_have_text(re.compile("mùng 1|rằm|^1/10$"))
    assert page.amiss == []
    assert 0 < sum(scripts.values()) <= 300_000


def _size(answer) -> int:
    return int(answer.headers.get("content-length", 0))


def test_the_line_of_now_is_by_the_stations_clock(tab: Page, served, schedule) -> None:
    page = sign_in(tab, served, "/lich-phat/lich")
    line = page.locator('.fc-timegrid-col[data-date="2026-11-21"] .fc-timegrid-now-indicator-line')
    noon = page.locator('.fc-timegrid-slot-lane[data-time="12:00:00"]')
    expect(line).to_have_count(1)
    assert abs(line.bounding_box()["y"] - noon.bounding_box()["y"]) < 12  # minutes of a slow test


def test_it_speaks_english_to_who_chose_it(tab: Page, served, schedule) -> None:
    tab.context.add_cookies([{"name": "loa-lang", "value": "en", "url": served}])
    page = sign_in(tab, served)
    expect(page.locator(".fc-col-header-cell").first).to_contain_text("Mon 23/11")
    for view in ("Day", "Week", "Month"):
        page.get_by_role("button", name=view, exact=True).click()
        expect(page.locator(".fc-event:not(.fc-bg-event)").first).to_be_attached()
        shown = page.locator(".calendar").inner_text()
        assert not MARKED.search(re.sub("Lịch tiêm chủng|Chiều", "", shown)), shown
    expect(page.locator(".calendar [data-title]")).to_have_text("Month 11/2026")
    assert page.amiss == []


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_an_empty_calendar_is_scrolled_by_keys(tab: Page, served, cast, size) -> None:
    tab.set_viewport_size(size)
    page = sign_in(tab, served)
    first = page.locator(".fc-timegrid-col[tabindex='0']")
    expect(first).to_have_count(1)
    box = page.locator(".fc-scroller", has=first)
    before = box.evaluate("(box) => box.scrollTop")
    first.focus()
    page.keyboard.press("PageDown")
    page.wait_for_function(
        "([box, before]) => box.scrollTop > before", arg=[box.element_handle(), before]
    )
