from __future__ import annotations

import hashlib
import json
import queue
import socket
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from devices import messages
from devices.link import Incoming
from devices.messages import Audio, Canned, Settings
from devices.receiver import command, tone
from devices.receiver.control import SOCKET, Control, Told, tell
from devices.receiver.outputs import WavOutput, decode
from devices.receiver.run import Running
from loa.commands import receiver as front
from loa.errors import DeviceError
from loa.times import DAY, HOUR, MINUTE, SECOND
from tests.devices.receiver_rig import RID, T0, Bench, key, sha
from tests.devices.receiver_rig import tone as sine

AT = T0 + 10 * MINUTE
SLOW = Settings(hb=3_600)
FLOOD, STORM = sine(4, 500), sine(5, 600)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path).boot()


def give_canned(bench: Bench, *sounds: bytes, signer: str = "emergency", **more: Any) -> None:
    """A plan whose canned sounds are numbered from 1 on."""
    for sound in sounds:
        bench.station.keep(sound)
    bench.give(
        signer=signer,
        can=tuple(Canned(n, sha(sound), f"Lưu sẵn {n}") for n, sound in enumerate(sounds, 1)),
        aud={sha(one): Audio(n=len(one), ms=bench.station.ms(sha(one))) for one in sounds},
        **more,
    )


def local(bench: Bench) -> str:
    return [e.occ for e in bench.entries() if e.occ.startswith("local.")][-1]


def test_the_tone_is_the_same_everywhere_and_sounds() -> None:
    assert hashlib.sha256(tone.data()).hexdigest() == tone.SHA
    frames = [one for piece in decode(tone.data()) for one in piece]
    assert len(frames) == tone.MS * 24
    assert max(frames) > 8_000


def test_a_canned_alarm_plays_by_hand_with_no_link_and_is_journalled(bench: Bench) -> None:
    give_canned(bench, FLOOD, STORM)
    bench.until(T0 + HOUR, serve=True)
    bench.receiver.connected()
    assert bench.states()[-1].can == 2
    bench.receiver.disconnected()
    bench.receiver.tell("play", 2)
    bench.until(T0 + 2 * HOUR)
    occ = local(bench)
    assert occ == "local.2.20261121T204000.000Z"
    assert bench.codes(occ) == ["started", "played"]
    started = bench.detail(occ, "started")
    assert (started["why"], started["cls"], started["sha"]) == ("local", "E", sha(STORM)[:16])
    assert (bench.speaker.heard[0].at, bench.speaker.heard[0].ms) == (T0 + HOUR, 5_000)


def test_it_plays_without_a_clock_a_plan_or_a_station(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.clock.kept_by = "none"
    bench.boot(online=False)
    for _ in range(2):
        bench.receiver.tell("play", 0)
        bench.until(bench.clock.wall() + MINUTE)
    assert [heard.occ for heard in bench.speaker.heard] == ["local.0.b1.0", "local.0.b1.60000"]
    assert bench.detail("local.0.b1.0", "started")["vol"] == Settings().vol
    assert bench.speaker.opened == [tone.data()] * 2


def test_the_set_outlives_power_cuts_and_plans_that_do_not_name_it(bench: Bench) -> None:
    give_canned(bench, FLOOD, set=SLOW)
    bench.until(T0 + HOUR, serve=True)
    for day in range(4):
        bench.give(
            bench.occ(f"b{day}", bench.clock.wall() + HOUR, sine(1 + day)), signer="plan", set=SLOW
        )
        bench.until(bench.clock.wall() + DAY, serve=True)
    bench.cut(DAY)
    bench.boot(online=False)
    bench.receiver.tell("play", 1)
    bench.until(bench.clock.wall() + MINUTE)
    assert bench.codes(local(bench)) == ["started", "played"]


def test_a_later_set_takes_the_place_of_the_one_before(bench: Bench) -> None:
    give_canned(bench, FLOOD, STORM)
    give_canned(bench, STORM)
    bench.until(T0 + HOUR, serve=True)
    bench.receiver.tell("play", 1)
    bench.until(T0 + 2 * HOUR)
    assert bench.speaker.opened == [STORM]
    with pytest.raises(DeviceError, match="số 2"):
        bench.receiver.tell("play", 2)
    give_canned(bench)
    with pytest.raises(DeviceError, match="số 1"):
        bench.receiver.tell("play", 1)


def test_only_who_may_break_the_quiet_hours_gives_canned_sounds(bench: Bench) -> None:
    give_canned(bench, FLOOD)
    bench.until(T0 + HOUR, serve=True)
    give_canned(bench, STORM, signer="plan")
    refused = [e.detail for e in bench.entries() if e.code == "refused"]
    assert [(one["why"], one["of"]) for one in refused] == [("no_role", "can")]
    bench.receiver.tell("play", 1)
    bench.until(T0 + 2 * HOUR)
    assert bench.speaker.opened == [FLOOD], "the set stays as it was"


@pytest.mark.parametrize(
    "can",
    [
        [{"n": 0, "sha": sha(FLOOD)}],
        [{"n": 100, "sha": sha(FLOOD)}],
        [{"n": 1, "sha": sha(FLOOD)}, {"n": 1, "sha": sha(FLOOD)}],
        [{"n": 1, "sha": sha(STORM)}],
        [{"n": n, "sha": sha(FLOOD)} for n in range(1, 22)],
    ],
)
def test_a_set_of_the_wrong_shape_is_refused_with_its_plan(
    bench: Bench, can: list[dict[str, Any]]
) -> None:
    plan = {
        "v": 1, "rid": RID, "rev": 9, "iat": T0, "exp": T0 + HOUR, "hz": T0, "set": {},
        "aud": {sha(FLOOD): {"n": len(FLOOD), "ms": 4_000}}, "can": can,
    }  # fmt: skip
    token = key("emergency", "plan", "emergency").sign(json.dumps(plan).encode(), "loa-plan")
    bench.receiver.handle(messages.plan_topic(RID), token)
    assert bench.detail("", "refused") == {"why": "shape", "rev": 9}


def test_an_alarm_by_hand_interrupts_a_bulletin_which_then_begins_again(bench: Bench) -> None:
    give_canned(bench, FLOOD)
    bench.until(T0 + 12 * MINUTE, serve=True)
    at = bench.clock.wall() + 5 * MINUTE
    bench.give(bench.occ("b1", at, sine(20), onint="restart", end=at + HOUR))
    bench.until(at + 5 * SECOND, serve=True)
    bench.receiver.tell("play", 1)
    bench.until(at + HOUR)
    assert bench.detail("b1", "interrupted") == {"at_ms": 5_000, "why": "preempt"}
    assert [heard.occ for heard in bench.speaker.heard] == ["b1", local(bench), "b1"]
    assert bench.speaker.heard[1].ms == 4_000


def test_an_alarm_by_hand_sounds_in_quiet_hours_and_when_muted(bench: Bench) -> None:
    give_canned(bench, FLOOD, set=Settings(quiet=(("00:00", "23:59"),), mute=True, vol=80))
    bench.until(T0 + HOUR, serve=True)
    bench.receiver.tell("play", 1)
    assert bench.speaker.levels[-1] == 0.8


def test_the_test_tone_waits_for_whatever_sounds(bench: Bench) -> None:
    bench.give(bench.occ("b1", T0 + SECOND, sine(20)))
    bench.until(T0 + 5 * SECOND, serve=True)
    assert bench.receiver.step()
    with pytest.raises(DeviceError, match="đang phát"):
        bench.receiver.tell("play", 0)
    assert bench.codes("b1")[-1] == "started"


def test_it_is_stopped_by_hand_and_nothing_else_is(bench: Bench) -> None:
    with pytest.raises(DeviceError, match="không phát"):
        bench.receiver.tell("stop", 0)
    bench.receiver.tell("play", 0)
    bench.until(bench.clock.wall() + 500)
    bench.receiver.tell("stop", 0)
    assert bench.detail(local(bench), "interrupted") == {"at_ms": 500, "why": "local"}
    bench.give(bench.occ("b1", T0 + 2 * SECOND, sine(20)))
    bench.until(T0 + 6 * SECOND, serve=True)
    with pytest.raises(DeviceError, match="không phát"):
        bench.receiver.tell("stop", 0)
    assert bench.codes("b1")[-1] == "started"


def test_one_that_is_not_here_yet_or_spoiled_says_so(bench: Bench) -> None:
    give_canned(bench, FLOOD)
    with pytest.raises(DeviceError, match="chưa tải về xong"):
        bench.receiver.tell("play", 1)
    bench.until(T0 + HOUR, serve=True)
    path = bench.identity.audio / f"{sha(FLOOD)}.mp3"
    path.write_bytes(b"\0" * len(FLOOD))
    with pytest.raises(DeviceError, match="chưa tải về xong"):
        bench.receiver.tell("play", 1)
    bench.until(T0 + 2 * HOUR, serve=True)
    bench.receiver.tell("play", 1)
    assert bench.speaker.opened == [FLOOD], "fetched again"


def test_canned_sounds_come_before_bulletins_and_after_emergencies(bench: Bench) -> None:
    urgent = bench.occ("e1", T0 + 5 * HOUR, sine(3), cls="E")
    bulletin = bench.occ("b1", T0 + 4 * HOUR, sine(2))
    bench.station.keep(FLOOD)
    aud = {one.sha: Audio(n=len(bench.station.audio[one.sha]), ms=1) for one in (urgent, bulletin)}
    aud[sha(FLOOD)] = Audio(n=len(FLOOD), ms=4_000)
    bench.receiver.disconnected()
    bench.give(urgent, bulletin, can=(Canned(1, sha(FLOOD)),), aud=aud)
    bench.until(T0 + 3 * HOUR)
    bench.receiver.connected()
    asked: list[str] = []
    bench.receiver.step()
    while gets := bench.wire.gets():
        asked += [get.sha for get in gets]
        for get in gets:
            for topic, block in bench.station.blocks(get):
                bench.receiver.handle(topic, block)
        bench.receiver.step()
    assert list(dict.fromkeys(asked)) == [urgent.sha, sha(FLOOD), bulletin.sha]


def test_a_plan_may_order_the_tone(bench: Bench) -> None:
    occ = messages.Occurrence(id="t1", at=AT, late=MINUTE, end=AT + MINUTE, sha=tone.SHA)
    bench.give(occ, aud={tone.SHA: Audio(n=len(tone.data()), ms=tone.MS, ct=tone.CT)})
    bench.until(AT + MINUTE)
    assert bench.codes("t1") == ["accepted", "ready", "started", "played"]
    assert bench.wire.gets() == [], "every receiver has it"


def test_the_tone_is_written_as_a_wav_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.output = WavOutput(bench.identity.sound, bench.clock.mono)
    bench.boot().receiver.tell("play", 0)
    bench.until(T0 + MINUTE)
    assert bench.detail(local(bench), "played")["ms"] == tone.MS


def test_a_power_cut_ends_it_for_good(bench: Bench) -> None:
    bench.receiver.tell("play", 0)
    bench.cut(SECOND)
    bench.boot().until(T0 + MINUTE)
    assert bench.codes(local(bench)) == ["started", "interrupted"]
    assert len(bench.speaker.heard) == 1


# -- the socket -----------------------------------------------------------------------------------


def serve(inbox: queue.Queue[Incoming], said: str, seen: list[tuple[str, int]]) -> None:
    told = inbox.get(timeout=30)
    assert isinstance(told, Told)
    seen.append((told.act, told.n))
    told.answer.put(said)


@pytest.mark.parametrize("said", ["ok", "Đầu thu đang phát."])
def test_an_order_goes_through_the_socket_and_its_answer_back(tmp_path: Path, said: str) -> None:
    folder = tmp_path / ("a-long-name" * 12)
    folder.mkdir()
    inbox: queue.Queue[Incoming] = queue.Queue()
    seen: list[tuple[str, int]] = []
    control = Control(folder, inbox)
    worker = threading.Thread(target=serve, args=(inbox, said, seen))
    worker.start()
    try:
        assert stat.S_IMODE((folder / SOCKET).stat().st_mode) == 0o600
        if said == "ok":
            command.play_canned(folder, 7)
        else:
            with pytest.raises(DeviceError, match="đang phát"):
                command.play_canned(folder, 7)
    finally:
        worker.join(timeout=30)
        control.close()
    assert seen == [("play", 7)]
    assert not (folder / SOCKET).exists()


@pytest.mark.parametrize("raw", [b"x", b"{}", b'{"act":"format"}', b'{"act":"play","n":"7"}'])
def test_nonsense_on_the_socket_orders_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    inbox: queue.Queue[Incoming] = queue.Queue()
    control = Control(tmp_path, inbox)
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(SOCKET)
            line.sendall(raw)
            assert line.recv(100).decode() == "Lệnh không hợp lệ."
    finally:
        control.close()
    assert inbox.empty()


def test_another_user_is_not_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.receiver.control._uid", lambda caller: 54_321)
    inbox: queue.Queue[Incoming] = queue.Queue()
    control = Control(tmp_path, inbox)
    try:
        with pytest.raises(DeviceError, match="Chỉ người chạy đầu thu"):
            tell(tmp_path, "stop")
    finally:
        control.close()
    assert inbox.empty()


def test_without_a_running_receiver_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="Không có đầu thu nào đang chạy"):
        command.stop_canned(tmp_path)


def test_a_running_receiver_obeys_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from loa.cli import Parser

    folder = tmp_path / "r"
    command.init(folder, RID)
    (folder / "station.json").write_text(
        json.dumps({"rid": RID, "keys": [], "mqtt": {"host": "127.0.0.1", "port": 1}})
    )
    stop = threading.Event()
    worker = threading.Thread(target=command.run, args=(folder, "null", stop))
    up = threading.Event()

    class Watched(Control):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            up.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("devices.receiver.run.Control", Watched)
        worker.start()
        assert up.wait(30)
    parser = Parser()
    front.arguments(parser)
    try:
        front.run(parser.parse_args(["tone", "--folder", str(folder)]))
        front.run(parser.parse_args(["stop-canned", "--folder", str(folder)]))
        with pytest.raises(DeviceError, match="số 9"):
            front.run(parser.parse_args(["play-canned", "9", "--folder", str(folder)]))
    finally:
        stop.set()
        worker.join(timeout=30)
    assert capsys.readouterr().out == "Đang phát.\nĐã dừng.\n"
    running = Running(folder)
    codes = [json.loads(line.raw)[2] for line in running._store.lines(1, 100)]
    running.kill()
    assert codes[:3] == ["boot", "started", "interrupted"]


def test_a_full_disk_evicts_bulletins_and_never_what_is_canned(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.receiver.shelf.KEPT_BYTES", 0)
    give_canned(bench, FLOOD)
    bench.until(T0 + HOUR, serve=True)
    bulletin = sine(2)
    bench.give(bench.occ("b1", T0 + 2 * HOUR, bulletin), signer="plan")
    bench.until(T0 + 3 * HOUR, serve=True)
    bench.give()
    kept = {path.stem for path in bench.identity.audio.iterdir()}
    assert kept == {sha(FLOOD)}


def test_the_tone_keeps_the_quiet_hours_where_they_are_known(bench: Bench) -> None:
    give_canned(bench, FLOOD, set=Settings(quiet=(("02:00", "05:00"),)))
    bench.until(T0 + HOUR, serve=True)
    with pytest.raises(DeviceError, match="giờ không phát"):
        bench.receiver.tell("play", 0)
    assert bench.speaker.heard == []
    bench.receiver.tell("play", 1)
    bench.until(T0 + HOUR + MINUTE)
    bench.clock.kept_by = "none"
    bench.receiver.tell("play", 0)
    assert bench.speaker.opened == [FLOOD, tone.data()]
