"""Pictures of every page in both sizes: ``python -m tests.pictures [--out build/pictures] [--only NAME,NAME]``.

A station in the middle of a week (tests/web/week.py) behind the real server, in a headless Chromium. Each page is seen
by whoever sees most of it. The same walk measures what a page brings with it when nothing is kept in the browser.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from loa.config import Config
from loa.database import Database
from setup import test_parts
from tests.cast import PASSWORD, Cast
from tests.parts import CHROMIUM_FLAGS, PATIENCE_MS
from tests.web import test_pages, week

DESKTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
SIZES = {"desktop": DESKTOP, "phone": PHONE}
OUT = Path("build/pictures")
MORE = {"sign_in.sign_in": "/dang-nhap", "errors.not_found": "/khong-co-trang-nay"}
"""Pages of everybody, which the table of rights leaves out."""
README = {
    "today": ("desktop", "today.show"),
    "calendar": ("desktop", "calendar_page.show"),
    "map": ("desktop", "map_page.show"),
    "new-broadcast": ("phone", "new_broadcast.what"),
    "emergency": ("phone", "emergency.show"),
}
"""The five that README.md shows, as much of each as the screen does."""
LEFT_AT_ONCE = {"installable.no_network"}
"""A page for somebody without network: with one it leads on to where they wanted to go."""
ANYBODY = ""


@dataclass(frozen=True)
class Place:
    """A page: its endpoint, its address, and who looks at it."""

    name: str
    address: str
    login: str


@dataclass
class Seen:
    """What one look at a page brought, beside its picture."""

    place: Place
    html: int = 0
    script: int = 0
    script_unpacked: int = 0
    other: int = 0
    wider: int = 0
    """Pixels that stick out on the right."""
    complaints: list[str] = field(default_factory=list)

    @property
    def whole(self) -> int:
        """Bytes over the line, sounds apart: those come when somebody listens."""
        return self.html + self.script + self.other


@dataclass(frozen=True)
class House:
    """The station that is looked at."""

    url: str
    places: list[Place]


@contextmanager
def station(folder: Path) -> Iterator[House]:
    """A station in the middle of its week, with its database in the folder."""
    database = Database(f"sqlite:///{folder / 'loa.db'}")
    database.upgrade()
    config = Config(folder=folder)
    cast = week.settle(database, config)
    test_pages.fill(database, cast)
    week.live_through(database, config, cast)
    with week.application(database, folder) as app:
        found = places(app, cast)
    with closing(database), week.served(database, folder) as url:
        yield House(url, found)


def places(app: Flask, cast: Cast) -> list[Place]:
    """Every page a person opens; what only is a part of one is left out."""
    found = []
    for name, address, act in test_pages.pages(app):
        person = cast.minh if cast.minh.may(act) else cast.admin
        if name not in LEFT_AT_ONCE and _is_whole(app, address, person):
            found.append(Place(name, address, person.login))
    everybody = [Place(name, address, ANYBODY) for name, address in MORE.items()]
    return sorted({place.address: place for place in found + everybody}.values(), key=lambda p: p.name)  # fmt: skip


def _is_whole(app: Flask, address: str, person: object) -> bool:
    client = app.test_client()
    with client.session_transaction() as session:
        session["staff"], session["stamp"] = person.id, person.session_stamp
    answer = client.get(address, buffered=True)
    is_page = answer.status_code == 200 and answer.mimetype == "text/html"
    return is_page and "<html" in answer.text


# --- looking ---------------------------------------------------------------------------------------


def sign_in(context: BrowserContext, url: str, login: str) -> Page:
    """A tab of that person, or of a stranger."""
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    if login != ANYBODY:
        page.goto(f"{url}/dang-nhap")
        page.fill("[name=login]", login)
        page.fill("[name=password]", PASSWORD)
        page.locator("form [type=submit]").first.click()
        page.wait_for_url(f"{url}/")
    return page


def walk(
    browser: Browser, house: House, size: dict[str, int], theme: str = "light", script: str = ""
) -> Iterator[tuple[Page, Seen]]:
    """Every page, opened with nothing kept from the page before; what it brought is known when it is given.

    ``script`` is there in each page before its own.
    """
    for login in sorted({place.login for place in house.places}):
        # Without the page's own cache of files: what is measured is what comes over the line.
        context = browser.new_context(
            viewport=size, color_scheme=theme, reduced_motion="reduce", service_workers="block",
            locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh",
        )  # fmt: skip
        context.add_init_script(script or "0")
        page = sign_in(context, house.url, login)
        watch = Watch(context, page)
        for place in house.places:
            if place.login == login:
                yield page, watch.look(house.url, place)
        context.close()


WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Watch:
    """Counts bytes and hears complaints of one tab."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self._page, self._seen = page, Seen(Place("", "", ""))
        self._kinds: dict[str, str] = {}
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
        wire.on("Network.responseReceived", self._began)
        wire.on("Network.dataReceived", self._unpacked)
        wire.on("Network.loadingFinished", self._came)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._seen.complaints.append(str(error)))

    def look(self, url: str, place: Place) -> Seen:
        self._kinds.clear()
        self._seen = Seen(place)
        self._page.goto(url + place.address)
        self._page.wait_for_load_state("load")
        settle(self._page)
        self._seen.wider = int(self._page.evaluate(WIDER))
        return self._seen

    def _began(self, told: dict) -> None:
        self._kinds[told["requestId"]] = told["type"]

    def _unpacked(self, told: dict) -> None:
        if self._kinds.get(told["requestId"]) == "Script":
            self._seen.script_unpacked += told["dataLength"]

    def _came(self, told: dict) -> None:
        size, kind = int(told["encodedDataLength"]), self._kinds.get(told["requestId"], "")
        if kind == "Document":
            self._seen.html += size
        elif kind == "Script":
            self._seen.script += size
        elif kind not in ("Media", "EventSource"):
            self._seen.other += size

    def _said(self, message: object) -> None:
        if message.type == "error" and not self._is_expected(message.text):
            where = message.location
            self._seen.complaints.append(f"{message.text} ({where['url']}:{where['lineNumber']})")

    def _is_expected(self, text: str) -> bool:
        """A page that is not there says so; a full house of live pages makes the others ask now and then."""
        return "503" in text or ("404" in text and self._seen.place.name == "errors.not_found")


QUIET = """new Promise((done) => {
    const look = () => document.querySelector(".htmx-request") ? requestAnimationFrame(look) : done();
    requestAnimationFrame(() => requestAnimationFrame(look));
})"""


def settle(page: Page) -> None:
    """Until htmx has nothing under way, two frames after the page was loaded."""
    page.evaluate(QUIET)


# --- the command -----------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help=f"folder of the pictures ({OUT})")
    parser.add_argument(
        "--only", default="", help="only pages whose endpoint has one of these words"
    )
    parser.add_argument(
        "--readme", type=Path, help="folder for the five of README.md, and only these"
    )
    parser.add_argument("--dark", action="store_true", help="in the dark theme")
    parsed = parser.parse_args()
    program = test_parts.find("chromium")
    if program is None:
        print("Chromium is not on this machine: see setup/test_parts.py", file=sys.stderr)
        return 1
    return take(parsed, program)


def take(parsed: argparse.Namespace, program: str) -> int:
    """Write the pictures and a page of all of them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loa-pictures-")))
        house = stack.enter_context(station(folder))
        five = [name for _, name in README.values()]
        wanted = five if parsed.readme else parsed.only.split(",")
        house.places[:] = [p for p in house.places if any(word in p.name for word in wanted)]
        driver = stack.enter_context(sync_playwright())
        browser = driver.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        for name in SIZES:
            _photograph(browser, house, name, parsed)
        browser.close()
    if parsed.readme:
        return 0
    _contents(parsed.out, house.places)
    print(f"{len(house.places)} pages, two sizes: {parsed.out / 'index.html'}")
    return 0


def _photograph(browser: Browser, house: House, name: str, parsed: argparse.Namespace) -> None:
    folder = parsed.readme or parsed.out / name
    if not parsed.readme:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    files = {place: file for file, (size, place) in README.items() if size == name}
    for page, seen in walk(browser, house, SIZES[name], "dark" if parsed.dark else "light"):
        file = files.get(seen.place.name) if parsed.readme else seen.place.name
        if file is not None:
            page.screenshot(path=folder / f"{file}.png", full_page=not parsed.readme)
        _say(name, seen)


def _say(size: str, seen: Seen) -> None:
    told = f"{size:8} {seen.place.name:34} {seen.whole / 1000:6.0f} kB {seen.script / 1000:5.0f} kB of script"
    told += f" ({seen.script_unpacked / 1000:.0f} unpacked) {' '.join(seen.complaints)}"
    print(told + (f" {seen.wider} px wider than the screen" if seen.wider else ""), flush=True)


def _contents(out: Path, found: list[Place]) -> None:
    """All pictures on one page, to be looked at by eye."""
    figures = "".join(
        f"<h2>{place.name} <small>{place.address}</small></h2>"
        f'<img src="desktop/{place.name}.png" width="683"> <img src="phone/{place.name}.png" width="260">'
        for place in found
    )
    (out / "index.html").write_text(
        f'<!doctype html><meta charset="utf-8"><title>Loa</title>{figures}'
    )


if __name__ == "__main__":
    sys.exit(main())
