"""The hand on the button, and small screens."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from content import decisions
from loa.times import HOUR, MINUTE, after
from scheduler import alert_orders
from scheduler.alert_orders import Order
from scheduler.alerts import Alert
from scheduler.targets import Where
from tests.cast import NOON, PASSWORD, ZONE, give_sound
from web import i18n

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def waiting(database, cast):
    """For the whole station."""
    with database.write() as session:
        order = Order(
            where=Where((cast.commune.id,)), expires_at=after(NOON, 2 * HOUR), every_ms=5 * MINUTE,
            title="Lũ lên nhanh", body="Bà con rời chỗ thấp.", template="lu",
        )  # fmt: skip
        alert = alert_orders.prepare(session, cast.hoa, order, NOON, ZONE)
        give_sound(session, alert.bulletin)
        return alert


@pytest.fixture
def phone(page: Page, served: str, waiting: Alert) -> Page:
    """Minh's, two taps after signing in."""
    page.set_viewport_size(PHONE)
    page.goto(served + "/dang-nhap")
    page.fill("[name=login]", "minh")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url(served + "/")
    page.get_by_role("link", name="Khẩn cấp 1 lệnh chờ bạn").click()
    page.get_by_role("button", name="Nghe và đồng ý").click()
    return page


def given(database, alert: Alert) -> int:
    with database.read() as session:
        return len(decisions.standing(session, [alert.bulletin_id]).get(alert.bulletin_id, []))


def test_a_tap_sends_nothing_to_the_whole_station_and_holding_does(phone, database, waiting):
    phone.get_by_label("Tôi đã nghe bản ghi từ đầu đến cuối").first.check()
    button = phone.get_by_role("button", name="Đồng ý: phát ngay")
    button.click()
    expect(phone.get_by_text("Hãy giữ nút đủ 3 giây")).to_be_visible()
    assert given(database, waiting) == 0
    button.dispatch_event("pointerdown", {"button": 0})
    expect(phone.get_by_text("Đã ghi nhận bạn đồng ý")).to_be_visible()
    assert given(database, waiting) == 1


def test_a_hand_taken_off_too_soon_sends_nothing(phone, database, waiting):
    phone.get_by_label("Tôi đã nghe bản ghi từ đầu đến cuối").first.check()
    button = phone.get_by_role("button", name="Đồng ý: phát ngay")
    button.dispatch_event("pointerdown", {"button": 0})
    expect(button).to_have_class("big holding")
    button.dispatch_event("pointerup")
    expect(button).not_to_have_class("big holding")
    assert given(database, waiting) == 0


def test_the_word_may_be_typed_where_a_button_cannot_be_held(phone, database, waiting):
    phone.get_by_label("Tôi đã nghe bản ghi từ đầu đến cuối").first.check()
    phone.get_by_text("Không giữ được nút?").first.click()
    phone.get_by_label("Phát ở mọi đầu thu").first.fill("cả đài")
    phone.get_by_role("button", name="Đồng ý: phát ngay").click()
    expect(phone.get_by_text("Đã ghi nhận bạn đồng ý")).to_be_visible()
    assert given(database, waiting) == 1


def test_no_page_is_wider_than_the_screen(phone, served, database):
    with database.read() as session:
        alert_id = session.scalars(sa.select(Alert.id)).one()
    here = f"/khan-cap/{alert_id}"
    for width in (390, 768, 860, 1080, 1280):
        phone.set_viewport_size({"width": width, "height": 844})
        for path in ("/khan-cap", "/khan-cap/moi?mau=lu", here, f"{here}/bo", "/khan-cap/nhan-cap"):
            phone.goto(served + path)
            wider = phone.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wider == 0, (width, path)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_words_fill_as_the_blanks_do_in_either_language(phone, served, language):
    phone.context.add_cookies([{"name": i18n.COOKIE, "value": language, "url": served}])
    phone.goto(served + "/khan-cap/moi?mau=lu")
    words = phone.locator("[data-words]")
    expect(words).to_contain_text("[nơi]")
    phone.locator("[data-blank='nơi']").fill("thôn Bãi")
    expect(words).to_contain_text("thôn Bãi")
    expect(words).not_to_contain_text("[nơi]")
