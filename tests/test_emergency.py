"""An emergency on real parts: broker, station, five receivers; measured by the receivers' own journals."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from loa import times
from loa.database import Database
from loa.staff import Staff
from loa.times import MINUTE, SECOND, Instant, after
from scheduler import alert_orders, regulation
from scheduler.alert_orders import Order
from scheduler.alerts import Alert
from scheduler.regulation import QuietHours
from scheduler.targets import Where
from tests.house import ZONE, House, _shown_once
from tests.parts import need, wait_until

RECEIVERS = 5
SOUNDS_WITHIN = 5 * SECOND
"""Of the second officer's tap."""
SILENT_WITHIN = 3 * SECOND
"""Of somebody's ending it."""
BLANKS = {"blank_0": "thôn Bãi", "blank_1": "đồi chè sau trường", "blank_2": "114"}


class Entry(NamedTuple):
    occ: str
    code: str
    t: int


@pytest.fixture
def station(tmp_path: Path) -> Iterator[House]:
    need("mosquitto")
    made = House(tmp_path / "station", "mosquitto")
    with database(made).write() as session:  # it is night: only an emergency may sound
        now = datetime.now(ZONE)
        night = QuietHours(
            (now - timedelta(hours=2)).time().replace(second=0, microsecond=0, tzinfo=None),
            (now + timedelta(hours=2)).time().replace(second=0, microsecond=0, tzinfo=None),
        )
        regulation.set_quiet(session, None, [night], times.now())
    made.start()
    made.furnish(RECEIVERS)
    admin = made.visitor("quantri", made.admin_password)
    page = admin.send(
        "/can-bo/moi", login="duyet2", name="Người duyệt thứ hai", role="approver"
    ).text
    made.people["duyet2"] = made.visitor("duyet2", _shown_once(page))
    yield made
    made.stop()


def database(station: House) -> Database:
    return Database(f"sqlite:///{station.folder / 'data' / 'loa.db'}")


def journals(station: House) -> dict[str, list[Entry]]:
    """Receiver → what its own journal says of occurrences."""
    found = {}
    for folder in sorted(station.receivers.iterdir()):
        with sqlite3.connect(f"file:{folder / 'receiver.db'}?mode=ro", uri=True) as opened:
            rows = opened.execute("select raw from journal order by seq").fetchall()
        found[folder.name] = [Entry(*json.loads(raw)[1:4]) for (raw,) in rows]
    return found


def times_of(station: House, code: str, since: int) -> list[int]:
    """When each receiver first wrote ``code`` since then."""
    firsts = []
    for entries in journals(station).values():
        firsts += [entry.t for entry in entries if entry.code == code and entry.t >= since][:1]
    return firsts


def have_sound(station: House, sha: str) -> int:
    return sum(any(folder.rglob(f"{sha}.mp3")) for folder in station.receivers.iterdir())


def agree(station: House, login: str, alert_id: int) -> Instant:
    """That person hears it and agrees; when they began to."""
    tap = times.now()
    station.people[login].send(f"/khan-cap/{alert_id}", to="/dong-y", heard="y", sure="cả đài")
    return tap


def waits_to_be_heard(station: House, alert_id: int) -> str:
    """Wait for its sound, at the approver's and on every receiver, before anybody has agreed; its sha256."""
    minh = station.people["minh"]
    sha = re.compile(r'name="sha" value="([0-9a-f]{64})"')
    wait_until(lambda: sha.search(minh.page(f"/khan-cap/{alert_id}")), "the sound to be made", 90)
    name = sha.search(minh.page(f"/khan-cap/{alert_id}")).group(1)
    wait_until(lambda: have_sound(station, name) == RECEIVERS, "it to lie on every receiver", 60)
    assert times_of(station, "started", 0) == []
    return name


def flood(station: House) -> int:
    answer = station.people["hoa"].send(
        "/khan-cap/moi?mau=lu", **BLANKS, hours=1, every=5, area_ids=[1]
    )
    return int(answer.url.rsplit("/", 1)[1])


def test_from_the_second_tap_to_sound_and_from_the_end_to_silence(station: House) -> None:
    alert_id = flood(station)
    waits_to_be_heard(station, alert_id)
    agree(station, "minh", alert_id)
    tap = agree(station, "duyet2", alert_id)
    wait_until(lambda: len(times_of(station, "started", tap)) == RECEIVERS, "all to sound", 60)
    started = [t - tap for t in times_of(station, "started", tap)]
    print("tap to sound, ms:", sorted(started))
    assert max(started) <= SOUNDS_WITHIN

    end = times.now()
    station.people["minh"].send(f"/khan-cap/{alert_id}/dung", why="Báo nhầm")
    wait_until(lambda: len(times_of(station, "cancelled", end)) == RECEIVERS, "silence", 60)
    silent = [t - end for t in times_of(station, "cancelled", end)]
    print("end to silence, ms:", sorted(silent))
    assert max(silent) <= SILENT_WITHIN
    for entries in journals(station).values():
        assert [entry.code for entry in entries].count("started") == 1
    assert "Traceback" not in station.log()


def test_without_station_and_broker_it_goes_on_until_its_expiry(station: House) -> None:
    now = times.now()
    with database(station).write() as session:
        hoa = session.scalars(sa.select(Staff).where(Staff.login == "hoa")).one()
        order = Order(
            where=Where((1,)), expires_at=after(now, 4 * MINUTE), every_ms=MINUTE, times=2, title="Lũ lên nhanh",
            body="Bà con rời chỗ thấp ngay.",
        )  # fmt: skip
        alert_id = alert_orders.prepare(session, hoa, order, now, ZONE).id
    waits_to_be_heard(station, alert_id)
    agree(station, "minh", alert_id)
    tap = agree(station, "duyet2", alert_id)
    wait_until(lambda: len(times_of(station, "started", tap)) == RECEIVERS, "all to sound", 60)
    station.kill()

    def sounds(count: int) -> bool:
        found = journals(station).values()
        return all([entry.code for entry in entries].count("started") == count for entries in found)

    wait_until(lambda: sounds(2), "the second sound, with nobody there to order it", 120)
    station.start()
    hoa = station.visitor("hoa", station.passwords["hoa"])
    wait_until(
        lambda: station.results() == ["đã phát"] * 2 * RECEIVERS, "the evidence of both", 120
    )
    assert "Các lần phát" in hoa.page(f"/khan-cap/{alert_id}")
    assert sounds(2)  # nothing sounded again for the station's coming back
    with database(station).read() as session:
        assert session.get_one(Alert, alert_id).starts_at is not None
