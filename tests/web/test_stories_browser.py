"""What people come for, from beginning to end, at an office screen and on a phone."""

from __future__ import annotations

import csv
import re
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices.receivers import Receiver
from loa.times import SECOND
from scheduler import broadcasts, regulation
from scheduler.broadcasts import Delivery
from scheduler.regulation import parse_quiet
from scheduler.rulebook import Rulebook, Slot
from tests.cast import NOON, Cast, approved_bulletin, vn
from tests.pictures import DESKTOP, PHONE, sign_in
from tests.reports.broadcasting import play
from tests.web.conftest import plan

pytestmark = pytest.mark.browser


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def tab(request: pytest.FixtureRequest, page: Page) -> Page:
    page.set_viewport_size(request.param)
    return page


def enter(page: Page, served: str, login: str) -> None:
    page.goto(f"{served}/dang-nhap")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.locator("[name=password]").fill("mot-hai-ba-bon")
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url(f"{served}/")


def known(session: Session, cast: Cast) -> Cast:
    """The cast with receivers that this session can be asked about."""
    cast.receivers[:] = [session.get_one(Receiver, each.id) for each in cast.receivers]
    return cast


def go(page: Page, name: str) -> None:
    """By the menu, which a phone shows when it is asked for."""
    link = page.get_by_role("link", name=name, exact=True).and_(page.locator(":visible"))
    if not link.count():
        page.get_by_text("Thêm", exact=True).and_(page.locator(":visible")).first.click()
    link.first.click()


def test_why_a_receiver_was_silent_is_found(tab, served, database, cast) -> None:
    with database.write() as session:
        bulletin = approved_bulletin(session, cast, title="Họp thôn")
        heard = play(
            session,
            known(session, cast),
            bulletin,
            vn("2026-11-21 05:30"),
            ("played", "missed", "played"),
        )
        silent = session.scalars(sa.select(Delivery).where(Delivery.receiver_id == "r-0001")).one()
        silent.reason = "off"
        broadcasts.settle(session, heard)
    enter(tab, served, "hoa")
    go(tab, "Đầu thu")
    tab.get_by_role("link", name="Cột r-0001").first.click()
    tab.get_by_role("button", name="Vì sao?").click()
    tab.locator("[name=gio]").fill("05:30")
    tab.get_by_role("button", name="Xem").click()
    answer = tab.locator(".answer")
    expect(answer).to_contain_text("Im tiếng")
    expect(answer).to_contain_text("Họp thôn")
    expect(answer.locator(".chain").first).to_contain_text("đầu thu tắt lúc đến giờ")


def test_junes_report_is_taken_home(tab, served, database, cast, tmp_path: Path) -> None:
    with database.write() as session:
        known(session, cast)
        bulletin = approved_bulletin(session, cast, title="Họp thôn")
        for day in (2, 17):
            at = vn(f"2026-06-{day:02} 17:15")
            broadcasts.settle(session, play(session, cast, bulletin, at, ("played", "played", "missed")))  # fmt: skip
    enter(tab, served, "hoa")
    tab.goto(f"{served}/bao-cao")
    tab.get_by_label("Từ ngày").fill("01/06/2026")
    tab.get_by_label("Đến ngày").fill("30/06/2026")
    tab.get_by_role("button", name="Xem").click()
    expect(tab.get_by_role("heading", name=re.compile("Kỳ: tháng 6"))).to_be_visible()
    with tab.expect_download() as taken:
        tab.get_by_role("button", name="Tải Excel").first.click()
    workbook = tmp_path / taken.value.suggested_filename
    taken.value.save_as(workbook)
    assert workbook.name.endswith(".xlsx")
    assert "20260601-20260630" in workbook.name
    assert "xl/workbook.xml" in zipfile.ZipFile(workbook).namelist()
    with tab.expect_download() as taken:
        tab.get_by_role("button", name="Tải CSV").first.click()
    with Path(taken.value.path()).open(encoding="utf-8-sig") as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    assert any("Đông" in cell for cell in cells)


def test_a_campaign_from_nothing_to_its_forecast(tab, served, database, cast) -> None:
    with database.write() as session:
        slots = (Slot(key="sang", name="Sáng", start="05:30", minutes=15),)
        quiet = [parse_quiet("21:00-05:00")]
        regulation.add(session, None, quiet, Rulebook(slots=slots), since=NOON, now=NOON)
        approved_bulletin(session, cast, title="Phòng sốt xuất huyết")
    enter(tab, served, "hoa")
    tab.goto(f"{served}/chien-dich")
    tab.get_by_role("button", name="Lập chiến dịch").first.click()
    tab.get_by_label("Tên chiến dịch").fill("Sốt xuất huyết")
    tab.get_by_label("Từ ngày").first.fill("23/11/2026")
    tab.get_by_label("Đến hết ngày").first.fill("29/11/2026")
    tab.locator("[name=number]").fill("7")
    tab.get_by_role("checkbox", name=re.compile("Phòng sốt xuất huyết")).check()
    expect(tab.locator("#ke-hoach")).to_contain_text("05:30")  # while it is being filled in
    tab.get_by_role("button", name="Lưu chiến dịch").click()
    tab.wait_for_url(re.compile(r"/chien-dich/\d+$"))
    expect(tab.get_by_role("heading", name="Sốt xuất huyết")).to_be_visible()
    expect(tab.locator("main")).to_contain_text("Dự báo")


def test_two_people_order_an_emergency_in_two_browsers(
    tab, chromium: Browser, served, database, cast, clock
) -> None:
    with database.write() as session:
        approved_bulletin(session, cast, title="Vỡ đê thôn Bãi", priority=Priority.EMERGENCY)
    enter(tab, served, "hoa")
    tab.get_by_role("link", name="Khẩn cấp", exact=True).first.click()
    tab.get_by_text("Bản tin khẩn cấp đã duyệt sẵn").click()
    tab.get_by_role("link", name=re.compile("Vỡ đê thôn Bãi")).click()
    tab.get_by_role("button", name="Chuẩn bị lệnh").click()
    tab.wait_for_url(re.compile(r"/khan-cap/\d+"))
    expect(tab.get_by_text("chờ đồng ý")).to_be_visible()
    clock.move(SECOND)

    elsewhere = chromium.new_context(viewport=PHONE, locale="vi-VN")
    minh = sign_in(elsewhere, served, "minh")
    minh.get_by_role("link", name=re.compile("1 lệnh chờ bạn")).first.click()
    minh.get_by_role("button", name="Nghe và đồng ý").click()
    minh.get_by_label("Tôi đã nghe bản ghi từ đầu đến cuối").first.check()
    hold = minh.get_by_role("button", name="Đồng ý: phát ngay")
    hold.dispatch_event("pointerdown", {"button": 0})
    expect(minh.get_by_text("Loa cất tiếng sau vài giây")).to_be_visible()
    elsewhere.close()
    with database.write() as session:
        plan(session, clock())  # which the station does at once
    expect(tab.get_by_text("chờ đồng ý")).to_be_hidden()  # by itself
    expect(tab.locator("main")).to_contain_text("Minh")
