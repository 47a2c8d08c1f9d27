"""The main job, through every room and on real parts: form → approval → schedule → receivers → CSV."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import miniaudio
import pytest

from loa.times import local
from tests.house import MOST_LATE, ZONE, House
from tests.parts import need, wait_until

MakeHouse = Callable[..., House]
TEXT = "Họp thôn lúc 19h30."


@pytest.fixture
def house(tmp_path: Path) -> Iterator[MakeHouse]:
    made: list[House] = []

    def make(broker: str, database_url: str = "") -> House:
        if broker == "mosquitto":
            need("mosquitto")
        made.append(House(tmp_path / "station", broker, database_url))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.stop()


def levels(path: Path) -> tuple[int, int]:
    """Length in milliseconds and loudest sample of a WAV."""
    with wave.open(str(path)) as opened:
        frames = opened.readframes(opened.getnframes())
        ms = opened.getnframes() * 1000 // opened.getframerate()
    samples = memoryview(frames).cast("h")
    return ms, max(abs(sample) for sample in samples)


@pytest.mark.parametrize("broker", ["embedded", "mosquitto"])
def test_a_typed_bulletin_is_heard_and_proven(
    house: MakeHouse, broker: str, database_url: str
) -> None:
    station = house(broker, database_url)
    station.furnish()
    bulletin = station.approved(TEXT)
    at = station.schedule(bulletin, 2)
    wait_until(lambda: station.results() == ["đã phát"] * 3, "three receivers to have played")

    rows = station.rows()
    approved = miniaudio.mp3_get_info(station.sound(bulletin))
    for row in rows:
        assert row["mã băm âm thanh"] == bulletin.sha
        assert (row["người soạn"], row["người duyệt"], row["mức chứng cứ"]) == ("Hoa", "Minh", "E1")
        assert 0 <= int(row["trễ (ms)"]) < MOST_LATE
        assert abs(int(row["thời lượng đã phát (ms)"]) - approved.duration * 1000) <= 50
        (heard,) = (station.receivers / row["mã đầu thu"] / "sound").glob("*.wav")
        ms, peak = levels(heard)
        assert abs(ms - approved.duration * 1000) <= 50
        assert peak > 3000  # of 32,767: speech, not silence
        assert station.journal_codes(row["mã đầu thu"]).count("started") == 1

    report = station.folder / "log.csv"
    day = str(local(at, ZONE).date())
    station.loa("report", "--from", day, "--to", day, "--format", "csv", "-o", str(report))
    assert report.read_text(encoding="utf-8-sig").count(",đã phát,") == 3
    assert "Traceback" not in station.log()
