"""Every page a person opens is in the pictures; none sticks out, complains, or brings more than it may."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests import pictures
from tests.pictures import House

pytestmark = pytest.mark.browser
WHOLE, SCRIPT = 500_000, 300_000
"""Bytes over the line with nothing kept from before."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pictures.station(tmp_path_factory.mktemp("week")) as found:
        yield found


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_no_page_sticks_out_complains_or_weighs_too_much(
    chromium: Browser, house: House, size: str
) -> None:
    wrong, looked = [], 0
    for _, seen in pictures.walk(chromium, house, pictures.SIZES[size]):
        looked += 1
        wrong += [(seen.place.address, complaint) for complaint in seen.complaints]
        if seen.wider or not 0 < seen.script <= SCRIPT or not seen.script < seen.whole <= WHOLE:
            wrong.append((seen.place.address, str(seen)))
    assert looked == len(house.places)
    assert wrong == []
