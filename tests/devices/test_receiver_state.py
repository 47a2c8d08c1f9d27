from __future__ import annotations

import itertools
import json
import stat
from pathlib import Path

import pytest

from devices import messages, signing
from devices.messages import Settings
from devices.receiver import command, identity
from devices.receiver.clock import SET_AFTER, SystemClock
from loa import times
from loa.errors import DeviceError
from loa.times import HOUR, MINUTE, SECOND
from tests.devices.receiver_rig import RID, T0, Bench, key, sha, tone

AT = T0 + 10 * MINUTE


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path).boot()


def test_the_birth_restates_everything(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.serve()
    bench.until(AT + SECOND // 2, serve=True)
    bench.wire.take()
    bench.receiver.will()
    bench.receiver.connected()
    (state,) = bench.states()
    assert (state.on, state.boot, state.n, state.acked) == (1, 1, bench.receiver.journal.n, 0)
    assert (state.rev, state.play, state.vol, state.src) == (T0, "b1", 70, "ntp")
    assert state.head == bench.receiver.journal.head
    assert state.jid == bench.receiver.journal.jid
    assert (state.want, state.ready, state.out) == (0, 0, "unk")


def test_a_state_fits_and_is_retained_where_the_contract_says(bench: Bench) -> None:
    topic, raw = bench.wire.sent[0]
    assert topic == f"loa/1/{RID}/up/state"
    assert len(raw) < messages.MAX_STATE_BYTES


def test_the_fullest_state_fits() -> None:
    most = 2**53
    state = messages.State(
        on=1, sid="f" * 16, boot=most, jid="f" * 32, n=most, acked=most, head="f" * 64, rev=most, kv=most,
        t=most, src="none", err_ms=most, nonce="f" * 32, up=most, fw="x" * 64, disk=0.99, pwr="bat",
        out="fault", vol=100, play="x" * 64, ready=most, want=most, can=most, net=("2026-11", most),
    )  # fmt: skip
    assert len(messages.encode(state)) <= messages.MAX_STATE_BYTES


def test_each_connection_has_its_own_session(bench: Bench) -> None:
    topic, will = bench.receiver.will()
    first = messages.decode(will, messages.State)
    assert (topic, first.on) == (f"loa/1/{RID}/up/state", 0)
    bench.receiver.connected()
    assert bench.states()[-1].sid == first.sid
    second = messages.decode(bench.receiver.will()[1], messages.State)
    assert second.sid != first.sid


def test_the_heart_beats_as_the_plan_says_with_a_spread(bench: Bench) -> None:
    bench.give(set=Settings(hb=10))
    bench.until(T0 + 2 * SECOND)
    bench.wire.take()
    beats = []
    while bench.clock.wall() < T0 + HOUR:
        bench.until(bench.clock.wall() + 100)
        beats += [bench.clock.wall() for topic, _ in bench.wire.take() if topic.endswith("state")]
    gaps = [b - a for a, b in itertools.pairwise(beats[1:])]
    assert 8_000 <= min(gaps) < 8_600
    assert 11_400 < max(gaps) <= 12_200


def test_changes_are_said_soon_but_not_all_at_once(bench: Bench) -> None:
    bench.wire.take()
    for number in range(5):
        bench.give(bench.occ(f"b{number}", AT + number * MINUTE))
        bench.receiver.step()
    bench.until(T0 + 3 * SECOND)
    assert [state.want for state in bench.states()] == [1]
    at = AT + 4 * MINUTE
    bench.until(at - 2 * SECOND, serve=True)
    bench.wire.take()
    bench.until(at + 4 * SECOND)
    assert [state.play for state in bench.states()] == ["b4", None]


def test_ready_and_want_count_what_is_to_come(bench: Bench) -> None:
    bench.give(bench.occ("b1", T0 + 15 * SECOND), bench.occ("b2", T0 + HOUR, tone(2)))
    bench.serve()
    bench.until(T0 + 3 * SECOND)
    assert (bench.states()[-1].ready, bench.states()[-1].want) == (1, 2)


def test_a_receiver_with_nothing_to_do_sleeps_until_its_heartbeat(bench: Bench) -> None:
    bench.receiver.handle(
        messages.evack_topic(RID),
        messages.encode(messages.Evack(jid=bench.receiver.journal.jid, upto=1)),
    )
    bench.receiver.step()
    assert bench.receiver.step() - T0 >= 48 * SECOND
    bench.receiver.disconnected()
    bench.receiver.handle("x", b"")
    assert bench.receiver.step() - T0 >= HOUR


def test_a_deadline_is_never_in_the_past(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), bench.occ("b2", AT + SECOND))
    for _ in range(700):
        assert bench.receiver.step() > bench.clock.wall() or bench.wire.gets()
        bench.clock.advance(1_000)


# -- the folder -----------------------------------------------------------------------------------


def station_file(folder: Path, rid: str = RID, **mqtt: object) -> None:
    content = {
        "rid": rid,
        "keys": [{"kid": "plan", "x": key("plan").public.x, "roles": ["plan"]}],
        "mqtt": {"host": "127.0.0.1", "port": 1883, "username": rid, "password": "s3cret"} | mqtt,
    }
    (folder / "station.json").write_text(json.dumps(content))


def test_init_makes_a_folder_and_tells_the_public_key(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    public = command.init(folder, RID, "wav")
    assert len(public) == 43
    assert signing.public_key(public, RID).x == public
    assert command.init(folder, RID) == public, "the same key again"
    assert stat.S_IMODE((folder / "receiver.key").stat().st_mode) == 0o600
    station_file(folder)
    found = identity.load(folder)
    assert (found.rid, found.output, found.clock) == (RID, "wav", "ntp")
    assert found.key.public.x == public
    assert found.keys["plan"].roles == ("plan",)


def test_the_password_is_not_printed(tmp_path: Path) -> None:
    command.init(tmp_path, RID)
    station_file(tmp_path)
    found = identity.load(tmp_path)
    assert found.mqtt.password == "s3cret"
    assert "s3cret" not in repr(found)


def test_a_ca_file_lies_in_the_folder(tmp_path: Path) -> None:
    command.init(tmp_path, RID)
    station_file(tmp_path, ca_file="ca.pem", tls=True, something_new=1)
    assert identity.load(tmp_path).mqtt.ca_file == str(tmp_path / "ca.pem")


def test_a_folder_belongs_to_one_receiver(tmp_path: Path) -> None:
    command.init(tmp_path, RID)
    with pytest.raises(DeviceError, match="đã thuộc về"):
        command.init(tmp_path, "r-0422")
    station_file(tmp_path, "r-0422")
    with pytest.raises(DeviceError, match="được cấp cho đầu thu “r-0422”"):
        identity.load(tmp_path)


@pytest.mark.parametrize("rid", ["", "abc", "R-0421", "a/b/c", "a" * 33, "loa+1"])
def test_a_wrong_id_is_refused_before_anything_is_made(tmp_path: Path, rid: str) -> None:
    with pytest.raises(DeviceError, match="không hợp lệ"):
        command.init(tmp_path / "r", rid)
    assert not (tmp_path / "r").exists()


def test_missing_or_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="loa receiver init"):
        identity.load(tmp_path)
    command.init(tmp_path, RID)
    with pytest.raises(DeviceError, match=r"Không thấy .*station\.json"):
        identity.load(tmp_path)
    (tmp_path / "station.json").write_text('{"rid": 1')
    with pytest.raises(DeviceError, match=r"station\.json không hợp lệ"):
        identity.load(tmp_path)


def test_a_machine_whose_clock_was_never_set_has_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock("rtc")
    assert clock.source() == "rtc"
    monkeypatch.setattr(times, "now", lambda: SET_AFTER - 1)
    assert clock.source() == "none"
    assert 0 <= clock.mono() < 60_000


def test_the_sound_of_a_plan_is_named_by_its_hash(bench: Bench) -> None:
    bench.give(bench.occ("b1", T0 + 5 * SECOND))
    bench.serve()
    assert (bench.identity.audio / f"{sha(tone(1))}.mp3").exists()
