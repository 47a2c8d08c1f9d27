"""Two hundred power cuts of real receiver processes, at random instants of fetching, accepting, playing, reporting."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from loa import times
from tests.house import ROOT, House
from tests.parts import need, wait_until

POLES = 4
CUTS = 50
BROADCASTS = 12
SENTENCE = "Họp thôn lúc 19h30."


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    need("mosquitto")
    station = House(tmp_path / "station", "mosquitto")
    station.start()
    station.furnish(POLES)
    station.fleet.stop()  # its receivers go on in processes of their own
    yield station
    station.stop()


class Pole:
    """One receiver in processes of its own."""

    def __init__(self, station: House, folder: Path, seed: int) -> None:
        self.folder = folder
        with (folder / "said.log").open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.pole", str(folder), str(CUTS), str(seed)], cwd=ROOT,
                env=station.environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            )  # fmt: skip

    @property
    def steady(self) -> bool:
        """Whether its power now stays. Raises when a life ended by itself."""
        assert self.process.poll() is None, (self.folder / "said.log").read_text()
        return (self.folder / "steady").exists()

    def heard(self) -> Counter[str]:
        """How often each occurrence began to sound."""
        file = self.folder / "heard"
        return Counter(file.read_text().split()) if file.exists() else Counter()

    def journal(self) -> list[bytes]:
        """The receiver's own entries, in order; the file must be whole."""
        with closing(sqlite3.connect(self.folder / "receiver.db")) as opened:
            assert opened.execute("pragma integrity_check").fetchone() == ("ok",)
            rows = opened.execute("select raw from journal order by seq").fetchall()
        return [bytes(raw) if isinstance(raw, bytes) else raw.encode() for (raw,) in rows]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


def kept(station: House, rid: str) -> list[bytes]:
    """The receiver's entries as the station holds them."""
    uri = f"file:{station.folder / 'data' / 'loa.db'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as opened:
        rows = opened.execute(
            "select raw from journal_entries where receiver_id = ? order by seq", (rid,)
        ).fetchall()
    return [bytes(raw) for (raw,) in rows]


def test_two_hundred_power_cuts(house: House) -> None:
    bulletin = house.approved(SENTENCE)
    for number in range(BROADCASTS):
        last = house.schedule(bulletin, 2 + 4 * number)
    folders = sorted(path for path in house.receivers.iterdir() if path.is_dir())
    poles = [Pole(house, folder, seed) for seed, folder in enumerate(folders)]
    try:
        wait_until(lambda: all(pole.steady for pole in poles), "two hundred cuts", 600)
        wait_until(lambda: times.now() > last, "the last broadcast to begin", 600)
        ended = {"đã phát", "bị ngắt", "lỡ giờ", "đã huỷ"}
        wait_until(lambda: set(house.results()) <= ended, "every outcome to be known", 120)
    finally:
        for pole in poles:
            pole.stop()
    check(house, poles)


def check(house: House, poles: list[Pole]) -> None:
    results = Counter(house.results())
    heard = sum((pole.heard() for pole in poles), Counter())
    assert results["bị ngắt"] > 3, results  # the cuts did hit what sounded
    assert results["đã phát"] > 3, results
    assert sum(results.values()) == POLES * BROADCASTS
    for pole in poles:
        assert max(pole.heard().values()) == 1  # never twice, whatever the journal says
        assert sum(b'"boot"' in entry for entry in pole.journal()) >= CUTS // 2
    # What is journalled before the act may have been cut before the first sample; nothing sounds unjournalled.
    assert results["đã phát"] <= sum(heard.values()) <= results["đã phát"] + results["bị ngắt"]
    for pole in poles:
        # The last words are said at the end: the station may still lack them.
        wait_until(
            lambda pole=pole: kept(house, pole.folder.name) == pole.journal(), "all evidence", 60
        )
