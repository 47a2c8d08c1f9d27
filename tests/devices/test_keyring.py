from __future__ import annotations

import dataclasses
import stat
from pathlib import Path

import msgspec
import pytest

from devices import keyring, messages, rotation, signing, trust
from devices.receiver import identity
from devices.receiver.identity import Station
from devices.signing import PrivateKey
from loa.commands import keys as command
from loa.config import Config
from loa.errors import DeviceError
from loa.times import DAY, HOUR, MINUTE, Instant, after
from tests.devices.receiver_rig import RID, T0, Bench

NOW = Instant(T0)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(folder=tmp_path)


@pytest.fixture
def roots(tmp_path: Path) -> list[PrivateKey]:
    return [rotation.load_root(path) for path in rotation.make_roots(tmp_path / "usb", 2)]


def station_of(config: Config) -> Station:
    return msgspec.json.decode(trust.station_json(config, RID, "secret"), type=Station)


def kids(config: Config, now: int) -> tuple[str, str]:
    keys = keyring.current(config, Instant(now))
    return keys.plan.public.kid, keys.emergency.public.kid


def receiver(config: Config, folder: Path) -> Bench:
    """A receiver given its station.json by this station."""
    station, bench = station_of(config), Bench(folder)
    bench.identity = dataclasses.replace(
        bench.identity,
        keys={one.kid: one for one in station.keys},
        roots=station.roots,
        need=station.need,
        kv=station.kv,
    )
    return bench.boot()


def send_keys(config: Config, bench: Bench) -> None:
    token = keyring.document(config)
    assert token is not None
    assert len(token) <= messages.MAX_KEYS_BYTES
    bench.receiver.handle(messages.keys_topic(RID), token)


def send_plan(signer: PrivateKey, bench: Bench, name: str) -> None:
    payload = signing.payload(
        bench.station.plan(bench.clock, bench.occ(name, bench.clock.wall() + 10 * MINUTE))
    )
    bench.receiver.handle(messages.plan_topic(RID), signer.sign(payload, "loa-plan"))


def test_a_station_without_roots_keeps_its_first_keys(config: Config) -> None:
    assert kids(config, NOW) == kids(config, NOW + 9_000 * DAY) == ("plan-1", "emergency-1")
    assert keyring.document(config) is None
    assert keyring.warning(config, NOW) == ""
    station = station_of(config)
    assert (station.roots, station.kv, [one.kid for one in station.keys]) == (
        (), 0, ["plan-1", "emergency-1"],
    )  # fmt: skip
    assert b'"from"' not in trust.station_json(config, RID, "secret"), "as it was before"


def test_roots_take_over_the_keys_there_are(config: Config, roots: list[PrivateKey]) -> None:
    before = keyring.current(config, NOW)
    rotation.begin(config, roots, 1, NOW)
    after_it = keyring.current(config, NOW)
    assert after_it.plan.public.x == before.plan.public.x
    station = station_of(config)
    assert [one.kid for one in station.roots] == [one.public.kid for one in roots]
    assert (station.need, station.kv) == (1, NOW)


def test_root_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    paths = rotation.make_roots(tmp_path / "usb", 3)
    assert len({path.name for path in paths}) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert rotation.load_root(paths[0]).public.kid == paths[0].stem


def test_a_receiver_follows_a_rotation(
    config: Config, roots: list[PrivateKey], tmp_path: Path
) -> None:
    rotation.begin(config, roots, 1, NOW)
    bench = receiver(config, tmp_path / "r")
    first = keyring.current(config, NOW).plan
    bench.clock.advance(DAY)
    rotation.rotate(config, roots[:1], bench.clock.wall())
    newer = keyring.current(config, bench.clock.wall()).plan
    assert newer.public.x != first.public.x
    send_plan(newer, bench, "b1")
    assert bench.codes("b1") == []
    send_keys(config, bench)
    assert bench.codes("b1") == ["accepted"], "the plan that came before its key"
    send_plan(first, bench, "b2")
    assert bench.codes("b2") == ["accepted"], "the old key is good for another fortnight"
    bench.clock.advance(15 * DAY)
    send_plan(first, bench, "b3")
    assert bench.codes("b3") == []
    send_plan(newer, bench, "b4")
    assert bench.codes("b4") == ["accepted"]


def test_a_revoked_key_is_of_no_use_at_once(
    config: Config, roots: list[PrivateKey], tmp_path: Path
) -> None:
    rotation.begin(config, roots, 1, NOW)
    bench = receiver(config, tmp_path / "r")
    stolen = keyring.current(config, NOW).plan
    send_plan(stolen, bench, "b1")
    made = rotation.rotate(config, roots, after(NOW, HOUR), revoke=["plan-1", "emergency-1"])
    assert len(made.keys) == 2
    send_keys(config, bench)
    assert bench.codes("b1") == ["accepted", "refused"]
    send_plan(stolen, bench, "b2")
    assert bench.codes("b2") == []


def test_new_roots_are_followed_and_old_ones_forgotten(
    config: Config, roots: list[PrivateKey], tmp_path: Path
) -> None:
    rotation.begin(config, roots, 2, NOW)
    bench = receiver(config, tmp_path / "r")
    newer = [rotation.load_root(path) for path in rotation.make_roots(tmp_path / "usb2", 1)]
    made = rotation.rotate(config, roots, after(NOW, DAY), new_roots=newer)
    assert made.need == 1
    send_keys(config, bench)
    assert bench.detail("", "keys") == {"kv": made.kv}
    with pytest.raises(DeviceError, match="khoá gốc trong số"):
        rotation.rotate(config, roots, after(NOW, 2 * DAY))
    again = rotation.rotate(config, newer, after(NOW, 2 * DAY))
    send_keys(config, bench)
    assert bench.detail("", "keys") == {"kv": again.kv}


def test_versions_rise_also_after_a_restore(config: Config, roots: list[PrivateKey]) -> None:
    rotation.begin(config, roots, 1, NOW)
    backup = keyring.document(config)
    lost = rotation.rotate(config, roots, after(NOW, DAY))
    assert backup is not None
    (config.secrets / "keys.jws").write_bytes(backup)
    assert rotation.rotate(config, roots, after(NOW, 2 * DAY)).kv > lost.kv


def test_many_rotations_fit(config: Config, roots: list[PrivateKey]) -> None:
    rotation.begin(config, roots, 1, NOW)
    for day in range(1, 60, 7):
        rotation.rotate(config, roots, after(NOW, day * DAY))
    token = keyring.document(config)
    assert token is not None
    assert len(token) <= messages.MAX_KEYS_BYTES
    moments = iter(range(20))

    def rotate_until_it_is_too_much() -> None:
        for minute in moments:
            rotation.rotate(config, roots, after(NOW, 60 * DAY + minute * MINUTE))

    with pytest.raises(DeviceError, match="quá nhiều khoá cũ"):
        rotate_until_it_is_too_much()


def test_the_end_of_the_keys_is_announced(config: Config, roots: list[PrivateKey]) -> None:
    rotation.begin(config, roots, 1, NOW)
    assert keyring.warning(config, NOW) == ""
    assert "còn 20 ngày" in keyring.warning(config, after(NOW, (rotation.DAYS - 20) * DAY))
    late = after(NOW, rotation.DAYS * DAY)
    assert "đã hết hạn" in keyring.warning(config, late)
    with pytest.raises(DeviceError, match="Không còn khoá ký lệnh phát"):
        keyring.current(config, late)
    rotation.rotate(config, roots, late)
    assert keyring.warning(config, late) == ""
    assert kids(config, late)[0].startswith("plan-")


def test_what_each_key_is(config: Config, roots: list[PrivateKey]) -> None:
    rotation.begin(config, roots, 1, NOW)
    made = rotation.rotate(config, roots, after(NOW, DAY))
    found = {one.kid: one.state for one in keyring.standing(config, after(NOW, DAY))}
    newest = [one.kid for one in made.keys[:2]]
    assert found == {newest[0]: "used", newest[1]: "used", "plan-1": "good", "emergency-1": "good"}
    (config.secrets / "keys" / f"{newest[0]}.key").unlink()
    found = {one.kid: one.state for one in keyring.standing(config, after(NOW, 20 * DAY))}
    assert found == {
        newest[0]: "missing",
        newest[1]: "used",
        "plan-1": "over",
        "emergency-1": "over",
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"days": 0}, "days"),
        ({"overlap_days": 91}, "overlap"),
        ({"revoke": ["no-such"]}, "revoke"),
        ({"need": 3}, "need"),
        ({"need": 0}, "need"),
    ],
)
def test_a_wrong_order_is_refused_and_changes_nothing(
    config: Config, roots: list[PrivateKey], change: dict[str, object], field: str
) -> None:
    rotation.begin(config, roots, 1, NOW)
    before = keyring.document(config)
    with pytest.raises(DeviceError) as refused:
        rotation.rotate(config, roots, after(NOW, DAY), **change)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert keyring.document(config) == before


def test_damaged_and_missing_files_are_named(
    config: Config, roots: list[PrivateKey], tmp_path: Path
) -> None:
    with pytest.raises(DeviceError, match="chưa có khoá gốc"):
        rotation.rotate(config, roots, NOW)
    with pytest.raises(DeviceError, match="Không thấy tệp khoá gốc"):
        rotation.load_root(tmp_path / "none.key")
    rotation.begin(config, roots, 1, NOW)
    with pytest.raises(DeviceError, match="đã có khoá gốc"):
        rotation.begin(config, roots, 1, NOW)
    (config.secrets / "keys.jws").write_bytes(b"half a docu")
    with pytest.raises(DeviceError, match="phục hồi"):
        keyring.current(config, NOW)


def test_an_older_receivers_folder_still_loads(config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    identity.create(folder, RID)
    (folder / identity.STATION).write_bytes(trust.station_json(config, RID, "secret"))
    assert identity.load(folder).roots == ()


def test_the_command_makes_shows_and_rotates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from loa.cli import Parser

    def loa(*words: object) -> str:
        parser = Parser()
        command.arguments(parser)
        command.run(parser.parse_args([str(word) for word in words]))
        return capsys.readouterr().out

    monkeypatch.chdir(tmp_path)
    usb = tmp_path / "usb"
    assert "chưa có khoá gốc" in loa("status")
    assert "Đã tạo khoá gốc" in loa("root", "make", usb)
    one, _ = sorted(usb.iterdir())
    assert loa("status").count("đang dùng") == 2
    shown = loa("rotate", "--root", one, "--revoke", "plan-1")
    assert "plan-1 " not in shown
    assert shown.count("đang dùng") == 2
    with pytest.raises(DeviceError, match="đã có khoá gốc"):
        loa("root", "make", tmp_path / "other")
    assert not (tmp_path / "other").exists(), "no root is left lying about"
