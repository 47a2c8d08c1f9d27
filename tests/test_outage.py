from __future__ import annotations

from pathlib import Path

from tests.house import MOST_LATE, House
from tests.outage import outage
from tests.parts import need


def test_two_broadcasts_are_played_from_the_cache_and_their_evidence_comes_after(
    tmp_path: Path,
) -> None:
    need("mosquitto")
    station = House(tmp_path / "station", "mosquitto")
    try:
        station.start()
        report = outage(station, 20)
    finally:
        station.stop()
    assert report.before.count("đã phát") == 3  # the one before the outage
    assert report.before.count("chưa có xác nhận") >= 3
    assert set(report.before) <= {"đã phát", "sẵn sàng", "chưa có xác nhận"}
    assert all(0 <= late < MOST_LATE for late in report.late)
