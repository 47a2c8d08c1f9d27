"""``loa simulate -n``: receivers made known to a station in bulk, run against it, and taken out of service again."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from devices import accounts, areas, receivers, signing
from devices.areas import Area
from devices.receivers import Receiver
from devices.simulator import Faults, Sounded, Stats, key_of
from loa import cli, config, simulated
from loa.audit import AuditEntry, first_broken
from loa.commands import simulate
from loa.config import Config
from loa.database import Database
from loa.errors import DeviceError, NotFound
from loa.times import Instant
from tests.house import House
from tests.parts import need

NOW = Instant(1_795_290_000_000)


@pytest.fixture
def station(tmp_path: Path) -> Config:
    return config.parse(b"[mqtt]\nbroker = 'embedded'\n", tmp_path / "config.toml")


def known(database: Database) -> list[Receiver]:
    with database.read() as session:
        return list(session.scalars(sa.select(Receiver).order_by(Receiver.id)))


def test_it_makes_receivers_known_with_keys_a_shared_password_and_villages(
    station: Config, database: Database
) -> None:
    settings = simulated.prepare(station, database, 230, now=NOW)
    found = known(database)
    assert [one.id for one in found] == list(settings.rids)
    assert (settings.rids[0], settings.rids[-1]) == ("sim-00001", "sim-00230")
    assert all(
        one.simulated and one.active and one.plan_stale and one.confirmed_at for one in found
    )
    assert found[4].public_key == key_of(settings.secret, "sim-00005").public.x
    assert len({one.password_hash for one in found}) == 1
    assert accounts.check_password(str(settings.mqtt.password), found[0].password_hash)
    assert "sim-00230" in accounts.read_accounts(station.broker)
    with database.read() as session:
        assert len(receivers.in_areas(session, [found[0].area_id])) == 100
        names = list(session.scalars(sa.select(Area.name).order_by(Area.id)))
        assert names == ["Mô phỏng", "Mô phỏng 1", "Mô phỏng 2", "Mô phỏng 3"]
        assert first_broken(session) is None


def test_done_again_it_changes_nothing_and_more_are_added(
    station: Config, database: Database
) -> None:
    first = simulated.prepare(station, database, 3, now=NOW)
    hashes = [one.password_hash for one in known(database)]
    again = simulated.prepare(station, database, 3, now=Instant(NOW + 1))
    assert again == first
    assert [one.password_hash for one in known(database)] == hashes
    simulated.prepare(station, database, 5, now=Instant(NOW + 2))
    assert [one.added_at - NOW for one in known(database)] == [0, 0, 0, 2, 2]
    with database.read() as session:
        kinds = list(session.scalars(sa.select(AuditEntry.kind)))
    assert kinds.count("simulate.add") == 2


def test_retired_ones_come_back_and_a_lost_secret_is_replaced(
    station: Config, database: Database
) -> None:
    simulated.prepare(station, database, 3, now=NOW)
    assert simulated.retire(database, now=Instant(NOW + 1)) == 3
    assert simulated.retire(database, now=Instant(NOW + 1)) == 0
    assert not any(one.active for one in known(database))
    (station.secrets / "simulated.secret").unlink()
    settings = simulated.prepare(station, database, 2, now=Instant(NOW + 2))
    found = known(database)
    assert [one.active for one in found] == [True, True, False]
    assert [one.retired_at for one in found] == [None, None, NOW + 1]
    assert found[0].public_key == key_of(settings.secret, "sim-00001").public.x
    assert found[2].public_key != key_of(settings.secret, "sim-00003").public.x
    assert accounts.check_password(str(settings.mqtt.password), found[1].password_hash)


def test_they_stand_where_they_are_put(station: Config, database: Database) -> None:
    with database.write() as session:
        village = areas.add(session, name="Đông", level="thôn", now=NOW, by="hoa").id
    simulated.prepare(station, database, 3, now=NOW, area_id=village)
    assert {one.area_id for one in known(database)} == {village}
    with pytest.raises(NotFound):
        simulated.prepare(station, database, 4, now=NOW, area_id=village + 1)


def test_a_real_receiver_is_never_taken_for_a_simulated_one(
    station: Config, database: Database
) -> None:
    with database.write() as session:
        village = areas.add(session, name="Đông", level="thôn", now=NOW, by="hoa")
        receivers.add(
            session, id="sim-00002", name="Cột Sim", area=village, password="x", now=NOW, by="hoa",
            public_key=signing.generate("sim-00002").public.x,
        )  # fmt: skip
    with pytest.raises(DeviceError, match="“sim-00002” thuộc về một đầu thu thật") as refusal:
        simulated.prepare(station, database, 3, now=NOW)
    assert refusal.value.field == "n"
    simulated.retire(database, now=NOW)
    [real] = known(database)
    assert real.active


@pytest.mark.parametrize("count", [0, -1, 19_001])
def test_a_number_that_cannot_be_is_refused(
    station: Config, database: Database, count: int
) -> None:
    with pytest.raises(DeviceError, match=rf"{count} nằm ngoài khoảng 1–19000"):
        simulated.prepare(station, database, count, now=NOW)


# --- the command ---------------------------------------------------------------------------------


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    simulate.arguments(parser)
    return parser.parse_args(words)


def test_faults_are_said_as_people_write_them() -> None:
    said = parsed(
        "-n", "50", "--loss", "5%", "--latency", "200ms", "--power-cuts", "6/h", "--link-cuts", "2.5",
        "--clock-error", "0.5s", "--no-clock", "0.1", "--seed", "7", "--every", "2m", "--minutes", "1.5",
    )  # fmt: skip
    assert (said.n, said.loss, said.latency, said.power_cuts, said.link_cuts) == (
        50,
        0.05,
        200,
        6,
        2.5,
    )
    assert (said.clock_error, said.no_clock, said.seed, said.every, said.minutes) == (
        500,
        0.1,
        7,
        120_000,
        1.5,
    )


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--latency", "200", "ví dụ 200ms"),
        ("--loss", "1.5", "giữa 0 và 1"),
        ("--loss", "five", "giữa 0 và 1"),
        ("--power-cuts", "6/d", "ví dụ 6/h"),
    ],
)
def test_what_is_none_is_refused_in_a_sentence(
    option: str, value: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["simulate", "-n", "5", option, value])
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_the_line_says_how_it_stands() -> None:
    stats = Stats(50, 48, 47, 3, 5, 100, 205, 200, {"refused": 2}, power_cuts=4, lost=9)
    assert simulate.line(stats) == (
        "47/50 trực tuyến, 3 đang phát, 100 đã phát, 2 từ chối, 200/205 mục nhật ký được xác nhận; "
        "cắt điện 4, đứt mạng 0, mất 9 tin"
    )
    assert "cắt điện" not in simulate.line(Stats(1, 1, 1, 0, 0, 0, 1, 1))
    assert "HỎNG 1 lần" in simulate.line(Stats(1, 1, 1, 0, 0, 0, 1, 1, crashes=1))


def test_the_summary_holds_the_truth(station: Config, database: Database) -> None:
    settings = simulated.with_faults(
        simulated.prepare(station, database, 1, now=NOW), Faults(loss=0.1, seed=3)
    )
    truth = [Sounded(NOW, "sim-00001", "b1.1", 2_000, True)]
    told = json.loads(simulate.summary(settings, Stats(1, 1, 1, 0, 0, 1, 5, 5), truth, 12.34))
    assert told["truth"] == [
        {"at": NOW, "rid": "sim-00001", "occ": "b1.1", "ms": 2_000, "whole": True}
    ]
    assert (told["faults"]["loss"], told["faults"]["seed"], told["seconds"]) == (0.1, 3, 12.3)
    assert told["stats"]["entries"] == 5
    assert settings.secret.decode() not in json.dumps(told)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    need("mosquitto")
    made = House(tmp_path / "station", "mosquitto")
    made.start()
    yield made
    made.stop()


def test_thirty_join_a_whole_station_and_leave_it(house: House) -> None:
    said = house.loa(
        "simulate", "-n", "30", "--minutes", "0.3", "--every", "1s", "--json", "told.json",
        "--latency", "20ms", "--retire",
    )  # fmt: skip
    assert "Đài đã biết 30 đầu thu mô phỏng" in said
    assert "30/30 trực tuyến" in said
    assert "Đã thôi dùng 30 đầu thu mô phỏng" in said
    told = json.loads((house.folder / "told.json").read_text())
    assert told["stats"]["plans"] >= 30
    assert told["stats"]["codes"]["boot"] == 30
    assert told["stats"]["acked"] >= 60
    assert (told["stats"]["crashes"], told["truth"]) == (0, [])
