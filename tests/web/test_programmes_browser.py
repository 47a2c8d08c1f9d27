"""The running order in a real browser: dragged, moved by keyboard, and saved as it is seen."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from loa.times import MINUTE
from scheduler.programmes import Programme
from tests.cast import PASSWORD, approved_bulletin

pytestmark = pytest.mark.browser


@pytest.fixture
def builder(page: Page, served: str, database, cast) -> Page:
    """Hoa at a new programme of four entries, in ten minutes."""
    with database.write() as session:
        for title in ("Bốn", "Ba", "Hai", "Một"):
            approved_bulletin(session, cast, title=title, ms=4 * MINUTE)
    page.goto(f"{served}/dang-nhap")
    page.fill("[name=login]", "hoa")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{served}/")
    page.goto(f"{served}/chuong-trinh/moi")
    page.fill("[name=name]", "Bản tin chiều")
    page.fill("[name=at]", "17:00")
    page.fill("[name=minutes]", "10")
    for number, title in enumerate(("Một", "Hai", "Ba"), start=1):
        page.get_by_role("button", name=f"Thêm {title}", exact=True).click()
        expect(page.locator("[data-line]")).to_have_count(number)
    return page


def order(page: Page) -> list[str]:
    return page.locator("[data-line] .title b").all_inner_texts()


def test_it_is_dragged_and_saved_as_it_is_seen(builder: Page, database) -> None:
    expect(builder.locator(".line.partly")).to_contain_text("thiếu 2 phút 01 giây: không phát")
    grip = builder.locator("[data-grip]").nth(2)
    grip.hover()
    start, goal = grip.bounding_box(), builder.locator("[data-line]").first.bounding_box()
    builder.mouse.move(start["x"] + 5, start["y"] + 15)
    builder.mouse.down()
    builder.mouse.move(start["x"] + 5, goal["y"] + 3, steps=12)
    builder.mouse.up()
    expect(builder.locator(".line.partly .title b")).to_have_text("Hai")
    assert order(builder) == ["Ba", "Một", "Hai"]
    builder.mouse.move(300, 400, steps=3)  # nothing follows the pointer any more
    builder.get_by_role("button", name="Lập chương trình").last.click()
    expect(builder).to_have_url(re.compile(r"/chuong-trinh/\d+$"))
    with database.read() as session:
        made = session.scalars(sa.select(Programme)).one()
        assert [item.bulletin.title for item in made.items] == ["Ba", "Một", "Hai"]


def test_with_the_keyboard_the_focus_stays_with_the_entry(builder: Page) -> None:
    builder.locator("#up-3").focus()
    builder.keyboard.press("Enter")
    expect(builder.locator("#up-2")).to_be_focused()
    assert order(builder) == ["Một", "Ba", "Hai"]
    builder.keyboard.press("Enter")
    expect(builder.locator("[data-line] .title b").first).to_have_text("Ba")
    expect(builder.locator("#down-1")).to_be_focused()


def test_the_search_offers_what_is_looked_for(builder: Page) -> None:
    builder.get_by_label("Tìm bản tin đã duyệt").fill("bon")
    expect(builder.locator("li.found-line")).to_have_count(1)
    builder.get_by_role("button", name="Thêm Bốn").click()
    expect(builder.locator(".line.never, .line.partly")).to_have_count(2)


def test_on_a_phone_nothing_is_too_wide_or_too_small(builder: Page) -> None:
    builder.set_viewport_size({"width": 390, "height": 844})
    assert builder.evaluate("document.documentElement.scrollWidth") <= 390
    heights = builder.locator("[data-line] button, li.found-line button").evaluate_all(
        "all => all.map((each) => each.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44
