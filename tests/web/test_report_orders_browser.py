"""The pages of reports by order and of the communes on a phone: nothing sticks out, everything can be hit."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from loa.times import MINUTE, after
from scheduler.report_orders import orders, work
from scheduler.report_orders.orders import Wanted
from scheduler.report_orders.tables import What
from scheduler.rollup import importing, reading, stations
from tests.cast import NOON, PASSWORD, ZONE
from tests.reports import communes
from tests.reports.communes import NOW
from tests.web.test_readings_browser import PHONE, SMALL, WIDER

pytestmark = pytest.mark.browser


@pytest.fixture
def furnished(config, database, cast, migrated_sqlite: Path, tmp_path: Path) -> None:
    """An order with a report that cannot be mailed, and a commune that has handed in beside one that has not."""
    bundle = reading.read(communes.make(migrated_sqlite, tmp_path / "commune", 0).late, 1)
    with database.write() as session:
        wanted = Wanted(What.MONTH, to=["phong.van.hoa@tinh.example.vn"], folder="gui-tinh")
        order = orders.add(session, wanted, cast.hoa, NOON)
        orders.ask_now(session, order, cast.hoa, NOON, ZONE)
        stations.expect(session, "Đài truyền thanh xã Lân", cast.admin, NOON)
        importing.take_in(session, bundle, "xa-1.zip", cast.admin, NOW)
    while work.step(config, database, after(NOON, MINUTE)):
        pass


def sign_in(page: Page, served: str, login: str) -> None:
    page.goto(served + "/dang-nhap")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url(served + "/")


@pytest.mark.parametrize(
    "path",
    [
        "/bao-cao/dinh-ky",
        "/bao-cao/dinh-ky/them/week",
        "/bao-cao/dinh-ky/1/xoa",
        "/bao-cao/cac-xa?tu=2026-11-01&den=2026-11-30",
    ],
)
def test_on_a_phone_nothing_sticks_out_and_all_can_be_hit(
    page: Page, served: str, furnished: None, path: str
) -> None:
    page.set_viewport_size(PHONE)
    sign_in(page, served, "quantri")
    page.goto(served + path)
    assert page.evaluate(WIDER) <= 0
    assert page.evaluate(SMALL) == []


def test_one_is_set_with_the_keyboard_alone(page: Page, served: str, furnished: None) -> None:
    sign_in(page, served, "hoa")
    page.goto(served + "/bao-cao/dinh-ky")
    page.get_by_role("button", name="tuần").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Vào thứ").select_option(label="thứ Sáu")
    page.get_by_label("Để vào thư mục").fill("tuan")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Đã đặt báo cáo định kỳ")
    expect(page.get_by_text("thư mục “tuan”")).to_be_visible()
