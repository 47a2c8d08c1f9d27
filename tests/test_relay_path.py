"""A relay through every room on real parts: form → approval → schedule → plan → an HTTP stream → log."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from loa.times import SECOND
from tests.devices.receiver_rig import tone
from tests.devices.upper_station import Answer, Upper, on_air
from tests.house import House
from tests.parts import need, wait_until


@pytest.fixture
def upper() -> Iterator[Upper]:
    # Little faster than it is heard: what waits in sockets when it is cut must be over before the relay is.
    with on_air({"/live.mp3": Answer(tone(1), endless=True, pace=0.5)}) as made:
        yield made


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    need("mosquitto")
    made = House(tmp_path / "station", "mosquitto")
    with (made.folder / "config.toml").open("a") as config:
        config.write("[content]\nrelay_hosts = ['127.0.0.1']\n")
    made.start()
    yield made
    made.stop()


def ends(house: House, rid: str) -> list[dict[str, object]]:
    """What the receiver's own journal says of the ends of what it played."""
    with sqlite3.connect(f"file:{house.receivers / rid / 'receiver.db'}?mode=ro", uri=True) as opened:  # fmt: skip
        found = opened.execute("select raw from journal order by seq").fetchall()
    entries = [json.loads(raw) for (raw,) in found]
    return [entry[7] for entry in entries if entry[2] == "played"]


def test_a_relay_is_heard_and_when_it_breaks_off_what_was_approved_beside_it(
    house: House, upper: Upper
) -> None:
    house.furnish(1)
    relay = {"relay_url": upper.url("/live.mp3"), "relay_minutes": 1}
    bulletin = house.approved("Hôm nay mất sóng.", title="Thời sự tỉnh", **relay)
    assert upper.asked == []  # nobody but a receiver opens it
    house.schedule(bulletin, 6)
    wait_until(lambda: house.results() == ["đang phát"], "the relay to begin", 90)
    assert upper.asked
    wait_until(lambda: house.journal_codes("cot-1").count("started") == 1, "the stream")
    upper.cut.set()
    wait_until(lambda: house.results() == ["đã phát"], "the recording to end", 90)

    (row,) = house.rows()
    assert row["tiếp sóng"] == "tiếp sóng rồi chuyển sang bản dự phòng"
    assert row["thời lượng yêu cầu (ms)"] == str(60 * SECOND)
    assert row["mã băm âm thanh"] == bulletin.sha
    (end,) = ends(house, "cot-1")
    assert end["rel"] == "mixed"
    assert end["rel_why"]
