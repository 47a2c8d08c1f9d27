"""A programme of five items through every room on real parts: form → plan → receivers → log, back to back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from loa import times
from loa.times import SECOND, after, local
from tests.house import ZONE, House
from tests.parts import need, wait_until

MOST_GAP = timedelta(seconds=1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    need("mosquitto")
    made = House(tmp_path / "station", "mosquitto")
    made.start()
    yield made
    made.stop()


def start_of(row: dict[str, str]) -> datetime:
    return datetime.strptime(row["giờ bắt đầu thật"], "%d/%m/%Y %H:%M:%S.%f").replace(tzinfo=ZONE)


def test_five_items_follow_one_another_and_each_is_proven_by_itself(house: House) -> None:
    house.furnish(2)
    chime = house.approved("Xin kính chào bà con.", title="Nhạc hiệu")
    news = [
        house.approved(f"Tin số {n}. Mời bà con đến trạm y tế.", title=f"Tin {n}")
        for n in (1, 2, 3)
    ]
    moment = local(after(times.now(), 6 * SECOND), ZONE).replace(microsecond=0)
    house.people["hoa"].send(
        "/chuong-trinh/moi", name="Bản tin thử", slot="", at=moment.strftime("%H:%M:%S"), minutes=5, kind="once",
        start_date=moment.strftime("%d/%m/%Y"), area_ids=[1],
        line_kind=["chime", "bulletin", "bulletin", "bulletin", "chime"],
        line_bulletin=[chime.id, *(each.id for each in news), chime.id], line_minutes=[""] * 5,
    )  # fmt: skip
    wait_until(
        lambda: house.results() == ["đã phát"] * 10, "two receivers to have played five items", 120
    )

    rows = house.rows()
    assert len({row["lượt phát"] for row in rows}) == 5
    for receiver in ("cot-1", "cot-2"):
        heard = sorted((row for row in rows if row["mã đầu thu"] == receiver), key=start_of)
        assert [row["bản tin"] for row in heard] == [
            "Nhạc hiệu",
            "Tin 1",
            "Tin 2",
            "Tin 3",
            "Nhạc hiệu",
        ]
        for before, row in pairwise(heard):
            ended = start_of(before) + timedelta(
                milliseconds=int(before["thời lượng đã phát (ms)"])
            )
            assert timedelta(0) <= start_of(row) - ended <= MOST_GAP
        codes = house.journal_codes(receiver)
        assert codes.count("started") == codes.count("played") == 5
        assert not {"missed", "interrupted", "failed"} & set(codes)
    page = house.people["hoa"].page("/chuong-trinh/1")
    assert page.count("đã phát 2/2") == 5
