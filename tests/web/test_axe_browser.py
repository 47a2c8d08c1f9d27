"""axe-core objects to nothing: every page, both themes, both sizes, whoever looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests import pictures
from tests.pictures import House

pytestmark = pytest.mark.browser
AXE = Path(__file__).parents[1] / "axe" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"], runOnly: [
    "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
  // A mark on a map must stand where its receiver does (the exception of 2.5.8); the list beside it leads there too.
  const counts = (id) => (node) => id !== "target-size" || !node.html.includes("leaflet-marker-icon");
  return found.violations.map(({ id, nodes }) => [id, nodes.filter(counts(id)).map((node) => node.html.slice(0, 200))])
    .filter(([, nodes]) => nodes.length).map(([id, nodes]) => [id, ...nodes.slice(0, 3)].join(" | "));
}"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pictures.station(tmp_path_factory.mktemp("week")) as found:
        yield found


EVERYBODYS = {
    "today.show", "library.show", "decisions.queue", "bulletins.show", "receivers.listing", "receivers.show",
    "broadcasts.show", "calendar_page.show", "campaigns.show", "programmes.show", "emergency.show", "log.show",
    "reports.show",
}  # fmt: skip
"""Where people with other rights see other things."""


def objections(browser: Browser, house: House, size: dict[str, int], theme: str) -> list[str]:
    """What axe objects to, with the page and the elements."""
    found, looked = [], 0
    for page, seen in pictures.walk(browser, house, size, theme, AXE.read_text(encoding="utf-8")):
        looked += 1
        found += [f"{seen.place.address}: {each}" for each in page.evaluate(RUN)]
    assert looked == len(house.places)
    return found


def seen_by(login: str, house: House) -> House:
    """The pages of everybody, looked at by that person."""
    chosen = [replace(each, login=login) for each in house.places if each.name in EVERYBODYS]
    assert {each.name for each in chosen} == EVERYBODYS
    return House(house.url, chosen)


@pytest.mark.parametrize(
    ("size", "theme"),
    [(pictures.DESKTOP, "light"), (pictures.PHONE, "dark")],
    ids=["desktop light", "phone dark"],
)
def test_axe_objects_to_nothing_on_any_page(
    chromium: Browser, house: House, size: dict[str, int], theme: str
) -> None:
    assert len(house.places) > 100
    assert objections(chromium, house, size, theme) == []


@pytest.mark.parametrize(
    ("login", "size", "theme"),
    [
        ("quantri", pictures.DESKTOP, "dark"),
        ("hoa", pictures.PHONE, "light"),
        ("lan", pictures.PHONE, "dark"),
    ],
)
def test_nor_on_what_others_see_of_it(
    chromium: Browser, house: House, login: str, size: dict[str, int], theme: str
) -> None:
    assert objections(chromium, seen_by(login, house), size, theme) == []
