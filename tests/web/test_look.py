"""Light, dark, large type: chosen on the device, known to the server, and never in the way of what is typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.cast import PASSWORD
from tests.web.test_pages import station  # noqa: F401 - fixtures
from web import look
from web.look import Look

CSS = Path(look.__file__).parent / "static" / "css"
PHONE = {"width": 390, "height": 844}
ON_A_PHONE = (
    "/", "/ban-tin", "/ban-tin/moi", "/ban-tin/1", "/ban-tin/1/dat-lich", "/lich-phat", "/lich-phat/lich",
    "/luot-phat/1", "/chien-dich/1", "/chuong-trinh/1", "/dau-thu", "/dau-thu/r-0000", "/dau-thu/cho-nhan/1",
    "/dia-ban", "/nhat-ky", "/bao-cao", "/can-bo", "/tai-khoan", "/quy-che", "/khan-cap", "/khan-cap/1",
    "/khan-cap/moi?mau=lu", "/khan-cap/luu-san", "/ma-truy-cap/moi",
)  # fmt: skip
AT_A_DESK = (
    "/",
    "/ban-tin/1",
    "/lich-phat",
    "/dau-thu",
    "/bao-cao",
    "/khan-cap/moi?mau=lu",
    "/can-bo",
)
WIDER = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const isOut = (one) => one.getBoundingClientRect().right > room + 1;
  const out = [...document.querySelectorAll("main *, header *")].filter(isOut);
  return out.slice(0, 4).map((one) => one.outerHTML.slice(0, 120));
}"""


def choose(client, back: str | None = "/dang-nhap", **chosen: str):
    return client.post("/giao-dien", data={**chosen, **({"back": back} if back else {})})


def html_tag(client, path: str = "/dang-nhap") -> str:
    return re.search(r"<html[^>]*>", client.get(path).text)[0]


def test_it_looks_as_the_device_does_until_someone_chooses(client):
    page = client.get("/dang-nhap").text
    assert "data-theme" not in html_tag(client)
    assert 'media="screen and (prefers-color-scheme: dark)" data-dark' in page
    assert '<meta name="color-scheme" content="light dark">' in page


def test_a_choice_is_kept_on_the_device_and_leads_back(client):
    answer = choose(client, theme="dark")
    assert answer.headers["Location"] == "/dang-nhap"
    assert 'data-theme="dark"' in html_tag(client)
    assert 'media="screen" data-dark' in client.get("/dang-nhap").text
    choose(client, size="large")
    assert 'data-theme="dark" data-size="large"' in html_tag(client)


def test_the_choice_of_one_device_is_not_anothers(client, app):
    choose(client, theme="dark")
    assert "data-theme" not in html_tag(app.test_client())


def test_the_script_of_the_switch_is_answered_with_nothing(hoa):
    answer = choose(hoa, back=None, theme="light")
    assert answer.status_code == 204
    assert 'data-theme="light"' in html_tag(hoa, "/mat-khau")


def test_nobody_is_led_elsewhere_by_the_switch(client):
    assert choose(client, "https://evil.example/", theme="dark").headers["Location"] == "/"


@pytest.mark.parametrize("cookie", ["", "dark", "blue.huge", "dark.huge", ".large", "a.b.c"])
def test_an_unknown_word_in_the_cookie_is_the_usual_look(app, cookie):
    with app.test_request_context(headers={"Cookie": f"{look.COOKIE}={cookie}"}):
        found = look.of_request()
    assert found == Look(
        "dark" if cookie.startswith("dark") else "auto", "large" if cookie == ".large" else "usual"
    )


def test_an_unknown_choice_changes_nothing(client):
    choose(client, theme="dark", size="large")
    choose(client, theme="blue", size="tiny")
    assert 'data-theme="dark" data-size="large"' in html_tag(client)


def test_only_one_sheet_has_dark_colours():
    """Which screens it is for, its link alone says; a media query elsewhere would ignore the reader's choice."""
    asking = [sheet.name for sheet in CSS.glob("*.css") if "prefers-color" in sheet.read_text()]
    assert asking == []


def test_every_dark_colour_has_its_light_one():
    dark = set(re.findall(r"(--[\w-]+):", (CSS / "dark.css").read_text()))
    light = set(re.findall(r"(--[\w-]+):", (CSS / "loa.css").read_text()))
    assert dark <= light


# --- in a browser --------------------------------------------------------------------------------


@pytest.fixture
def at(page: Page, served: str):
    def go(path: str, login: str = "quantri") -> Page:
        page.goto(served + "/dang-nhap")
        page.fill("[name=login]", login)
        page.fill("[name=password]", PASSWORD)
        page.get_by_role("button", name="Đăng nhập").click()
        page.wait_for_url(served + "/")
        page.goto(served + path)
        return page

    return go


def ground(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.documentElement).backgroundColor")


LIGHT, DARK = "rgb(246, 247, 247)", "rgb(18, 25, 28)"


@pytest.mark.browser
def test_the_switch_changes_the_page_at_once_and_loses_nothing_typed(at):
    page = at("/can-bo/moi")
    page.get_by_label("Họ và tên").fill("Lan")
    page.locator("details.account summary").click()
    with page.expect_response("**/giao-dien"):
        page.get_by_role("button", name="Nền tối").click()
    assert ground(page) == DARK
    expect(page.get_by_role("button", name="Nền tối")).to_have_attribute("aria-pressed", "true")
    with page.expect_response("**/giao-dien"):
        page.get_by_role("button", name="Chữ to").click()
    expect(page.get_by_label("Họ và tên")).to_have_value("Lan")
    page.reload()
    assert ground(page) == DARK
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "23.04px"


@pytest.mark.browser
def test_the_page_follows_the_device_unless_told_otherwise(at):
    page = at("/mat-khau")
    page.emulate_media(color_scheme="dark")
    assert ground(page) == DARK
    page.locator("details.account summary").click()
    with page.expect_response("**/giao-dien"):
        page.get_by_role("button", name="Nền sáng").click()
    assert ground(page) == LIGHT
    page.reload()
    assert ground(page) == LIGHT


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_is_always_light(at, scheme):
    page = at("/mat-khau")
    page.emulate_media(color_scheme=scheme, media="print")
    assert ground(page) == LIGHT


@pytest.mark.browser
def test_large_type_scrolls_nothing_sideways_and_breaks_no_policy(at, served, station):  # noqa: F811 - the fixture, not the import
    page = at("/")
    complaints: list[str] = []
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    page.context.add_cookies([{"name": look.COOKIE, "value": "dark.large", "url": served}])
    phone = [(PHONE["width"], path) for path in ON_A_PHONE]
    desk = [(width, path) for width in (768, 1366) for path in AT_A_DESK]
    wide = []
    for width, path in phone + desk:
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(served + path)
        found = page.evaluate(WIDER)
        if found:
            wide.append(f"{path} at {width}: {found}")
    assert not wide, "\n".join(wide)
    assert [told for told in complaints if "Failed to load resource" not in told] == []
