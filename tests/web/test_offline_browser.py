"""The network goes while somebody works: nothing looks sent that is not, and nothing is sent later by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from flask import Response
from playwright.sync_api import Browser, Page, expect

from content.bulletins import Priority
from loa.times import HOUR, after
from scheduler import alert_consent, alert_orders, canned
from scheduler.alerts import Alert
from scheduler.targets import Where
from tests.cast import NOON, PASSWORD, ZONE, approved_bulletin
from tests.parts import PATIENCE_MS
from web import emergency

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
SignIn = Callable[[str, str], Page]


@pytest.fixture
def phone(chromium: Browser, served: str) -> Iterator[SignIn]:
    """``phone("hoa", "/khan-cap")``: signed in there, with the service worker at work."""
    context = chromium.new_context(
        viewport=PHONE, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh", service_workers="allow"
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def go(login: str, path: str) -> Page:
        page.goto(served + "/dang-nhap")
        page.fill("[name=login]", login)
        page.fill("[name=password]", PASSWORD)
        page.get_by_role("button", name="Đăng nhập").click()
        page.wait_for_url(served + "/")
        page.goto(served + path)
        # In charge of this page, with all that it keeps.
        page.wait_for_function("navigator.serviceWorker.controller !== null")
        return page

    yield go
    context.close()
    # Without a network a browser itself complains of what it could not fetch.
    assert [told for told in complaints if "Failed to load resource" not in told] == []


@pytest.fixture
def flood(database, cast) -> Alert:
    """One that sounds, of a bulletin that every receiver also keeps as number 1."""
    with database.write() as session:
        alarm = approved_bulletin(session, cast, priority=Priority.EMERGENCY, title="Lũ lên nhanh")
        canned.keep(session, 1, alarm, cast.admin, NOON)
        order = alert_orders.Order(
            where=Where((cast.commune.id,)), expires_at=after(NOON, HOUR), bulletin=alarm
        )
        alert = alert_orders.prepare(session, cast.hoa, order, NOON, ZONE)
        alert_consent.agree(session, alert, cast.minh, alarm.sounds.values(), NOON, ZONE)
        return alert


def orders(database) -> int:
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count(Alert.id))) or 0


def test_the_emergency_page_opens_without_a_network_and_says_what_it_is(phone, served, flood):
    page = phone("hoa", "/khan-cap")
    page.context.set_offline(True)
    page.goto(served + "/khan-cap")
    expect(page.get_by_role("heading", name="Mất mạng: lệnh chưa gửi")).to_be_visible()
    expect(page.get_by_text("không lệnh nào tự gửi")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Không nghe được đài từ \d\d:\d\d"))).to_be_visible()
    expect(page.get_by_text("Lũ lên nhanh: đang phát khẩn cấp đến")).to_be_visible()
    expect(page.get_by_text("Biết lúc 12:00; từ đó có thể đã khác.")).to_be_visible()
    expect(page.get_by_text("Số 1: Lũ lên nhanh")).to_be_visible()
    expect(page.get_by_text("loa receiver play-canned SỐ")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Khẩn cấp", exact=True)).to_be_visible()


def test_no_page_of_before_is_shown_as_one_of_now(phone, served, broadcast):
    page = phone("hoa", "/lich-phat")
    page.context.set_offline(True)
    page.goto(served + "/lich-phat")
    expect(page.get_by_role("heading", name="Mất mạng", exact=True)).to_be_visible()
    expect(page.get_by_text("tiêm chủng")).to_have_count(0)
    page.context.set_offline(False)
    expect(page.get_by_text("tiêm chủng").first).to_be_visible()


def test_an_order_pressed_without_a_network_stays_unsent_until_it_is_pressed_again(phone, database):
    page = phone("hoa", "/khan-cap/moi")
    page.get_by_label("Tên lệnh").fill("Vỡ đê thôn Bãi")
    page.get_by_label("Lời phát").fill("Bà con rời chỗ thấp.")
    page.context.set_offline(True)
    page.get_by_role("button", name="Chuẩn bị lệnh").click()
    expect(page.locator(".not-sent")).to_contain_text("Mất mạng: lệnh chưa gửi.")
    expect(page.locator(".network-banner")).to_contain_text("Mất mạng từ")
    expect(page.get_by_label("Lời phát")).to_have_value("Bà con rời chỗ thấp.")
    page.context.set_offline(False)
    expect(page.locator(".not-sent")).to_contain_text("Việc này vẫn chưa gửi")
    expect(page.locator(".network-banner")).to_be_empty()
    assert orders(database) == 0
    page.get_by_role("button", name="Chuẩn bị lệnh").click()
    expect(page.get_by_role("heading", name="Vỡ đê thôn Bãi")).to_be_visible()
    assert orders(database) == 1


def test_an_order_without_an_answer_is_not_sent_once_more_by_itself(
    phone, served, database, monkeypatch
):
    def carried_out_and_lost(*_args):
        return Response(status=504)

    page = phone("hoa", "/khan-cap/moi")
    page.get_by_label("Tên lệnh").fill("Vỡ đê thôn Bãi")
    page.get_by_label("Lời phát").fill("Bà con rời chỗ thấp.")
    monkeypatch.setattr(emergency, "redirect", carried_out_and_lost)
    page.get_by_role("button", name="Chuẩn bị lệnh").click()
    expect(page.get_by_role("heading", name="chưa rõ lệnh đã tới đài chưa")).to_be_visible()
    expect(page.get_by_text("Đã có mạng lại.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Khẩn cấp", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Vỡ đê thôn Bãi")).to_be_visible()
    assert orders(database) == 1


def test_what_is_typed_elsewhere_is_held_back_and_kept(phone, cast):
    page = phone("quantri", "/can-bo/moi")
    page.get_by_label("Họ và tên").fill("Lan")
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator(".network-banner")).to_contain_text("việc bấm bây giờ chưa được gửi")
    page.get_by_role("button", name="Thêm cán bộ").click()
    expect(page.locator(".not-sent")).to_contain_text("Mất mạng: chưa gửi.")
    expect(page.get_by_label("Họ và tên")).to_have_value("Lan")


def test_what_was_typed_is_there_again_on_the_next_day_and_gone_once_sent(phone, served, database):
    page = phone("hoa", "/khan-cap/moi")
    page.get_by_label("Lời phát").fill("Bà con rời chỗ thấp.")
    page.get_by_label("Nhiều nhất (lần)").fill("3")
    page.goto(served + "/ban-tin")
    page.goto(served + "/khan-cap/moi")
    expect(page.get_by_text("Máy này còn giữ những gì bạn nhập dở")).to_be_visible()
    page.get_by_role("button", name="Điền lại").click()
    expect(page.get_by_label("Lời phát")).to_have_value("Bà con rời chỗ thấp.")
    expect(page.get_by_label("Nhiều nhất (lần)")).to_have_value("3")
    page.get_by_role("button", name="Chuẩn bị lệnh").click()
    expect(page.get_by_text("Hãy đặt tên cho lệnh")).to_be_visible()
    expect(page.get_by_text("Máy này còn giữ")).to_have_count(0)
    page.get_by_label("Tên lệnh").fill("Vỡ đê thôn Bãi")
    page.get_by_role("button", name="Chuẩn bị lệnh").click()
    expect(page.get_by_role("heading", name="Vỡ đê thôn Bãi")).to_be_visible()
    page.goto(served + "/khan-cap/moi")
    expect(page.get_by_label("Lời phát")).to_have_value("")
    expect(page.get_by_text("Máy này còn giữ")).to_have_count(0)


def test_one_persons_drafts_are_not_the_next_ones(phone, served, cast):
    page = phone("hoa", "/khan-cap/moi")
    page.get_by_label("Lời phát").fill("Bà con rời chỗ thấp.")
    page.goto(served + "/khan-cap")
    page.locator("details.account summary").click()
    page.get_by_role("button", name="Đăng xuất").click()
    page = phone("minh", "/khan-cap/moi")
    expect(page.get_by_label("Lời phát")).to_have_value("")
    expect(page.get_by_text("Máy này còn giữ")).to_have_count(0)


def test_whoever_signs_out_leaves_nothing_on_the_device(phone, served, flood):
    page = phone("hoa", "/khan-cap")
    assert "Lũ lên nhanh" in page.evaluate("localStorage['loa-da-biet']")
    page.locator("details.account summary").click()
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.get_by_label("Mật khẩu")).to_be_visible()
    assert page.evaluate("localStorage['loa-da-biet']") is None
    page.context.set_offline(True)
    page.goto(served + "/khan-cap")
    expect(page.get_by_role("heading", name="Mất mạng: lệnh chưa gửi")).to_be_visible()
    expect(page.get_by_text("Máy này chưa xem được lệnh nào")).to_be_visible()
    expect(page.get_by_text("Lũ lên nhanh")).to_have_count(0)


def test_the_kept_pages_follow_the_readers_look(phone, served):
    page = phone("hoa", "/khan-cap")
    page.locator("details.account summary").click()
    with page.expect_response("**/giao-dien"):
        page.get_by_role("button", name="Nền tối").click()
    kept = "caches.match('/mat-mang').then((kept) => kept.text()).then((text) => text.includes('data-theme=\"dark\"'))"
    page.wait_for_function(f"async () => await {kept}")


def test_a_browser_finds_nothing_against_installing_it(phone):
    page = phone("hoa", "/")
    devtools = page.context.new_cdp_session(page)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert json.loads(manifest["data"])["short_name"] == "Loa"
    found = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A test's tab has no past, which is reason enough for a browser not to offer it there.
    assert [error["errorId"] for error in found] in ([], ["in-incognito"])
