"""Receivers over a real broker and a real clock: alone in a process, and as a fleet in one."""

from __future__ import annotations

import contextlib
import json
import select
import signal
import sqlite3
import subprocess
import sys
import threading
import wave
from array import array
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from devices import broker, messages, signing
from devices.broker import STATION, Account
from devices.link import Link, LinkSettings, Message, Urgency
from devices.messages import Audio, Occurrence, Plan, Settings
from devices.receiver import command
from devices.receiver.run import Running
from devices.simulator import Fleet, folders
from loa import times
from loa.errors import DeviceError
from loa.times import HOUR, MINUTE, SECOND
from tests.devices.receiver_rig import key, sha, tone
from tests.parts import end, free_port, need, wait_until

RIDS = ("r-0001", "r-0002", "r-0003")
HASHES = {rid: broker.hash_password(f"secret of {rid}") for rid in (STATION, *RIDS)}


class Desk:
    """A station of the barest kind, on a broker of its own: plans, blocks, evacks."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.port = free_port()
        self.folder = folder
        self.entries: dict[str, dict[int, messages.Entry]] = {}
        self.states: dict[str, messages.State] = {}
        self.audio = {sha(data): data for data in (tone(2), tone(90))}
        self.blocks = 0
        broker.write_accounts(folder / "broker", [Account(*pair) for pair in HASHES.items()])
        run = [sys.executable, "-m", "devices.broker", str(folder / "broker")]
        self.broker = subprocess.Popen(
            [*run, "--port", str(self.port), "--kind", kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert select.select([self.broker.stdout], [], [], 20)[0]
        self.link = Link(
            LinkSettings(
                host="127.0.0.1",
                port=self.port,
                client_id=STATION,
                username=STATION,
                password=f"secret of {STATION}",
                subscriptions=((messages.UP_TOPICS, 1),),
                reconnect_most=0.2,
            )
        )
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.link.start()
        self.thread.start()

    def close(self) -> None:
        self.stopping.set()
        self.thread.join()
        self.link.stop()
        with contextlib.suppress(BrokenPipeError):
            self.broker.stdin.close()
        try:
            self.broker.wait(60)
        except subprocess.TimeoutExpired:
            end(self.broker)
        self.broker.stdout.close()

    def serve(self) -> None:
        while not self.stopping.is_set():
            with contextlib.suppress(Exception):  # the queue's Empty, every tenth of a second
                incoming = self.link.inbox.get(timeout=0.1)
                if isinstance(incoming, Message):
                    self.take(incoming.topic, incoming.payload)

    def take(self, topic: str, payload: bytes) -> None:
        rid, kind = topic.split("/")[2], topic.split("/")[4]
        if kind == "state":
            self.states[rid] = messages.decode(payload, messages.State)
        elif kind == "get":
            get = messages.decode(payload, messages.Get)
            for block in get.want:
                start = block * messages.BLOCK_BYTES
                data = self.audio[get.sha][start : start + messages.BLOCK_BYTES]
                self.blocks += 1
                self.link.publish(
                    messages.block_topic(get.sha, block), data, qos=0, urgency=Urgency.AUDIO
                )
        else:
            self.ingest(rid, payload)

    def ingest(self, rid: str, token: bytes) -> None:
        x = json.loads((self.folder / rid / "public.json").read_text())
        raw, _ = signing.verify(token, "loa-events", {rid: signing.PublicKey(rid, x)})
        events = messages.decode(raw, messages.Events)
        mine = self.entries.setdefault(rid, {})
        for seq, entry in enumerate(events.e, events.from_):
            mine[seq] = msgspec.json.decode(entry, type=messages.Entry)
        evack = messages.Evack(jid=events.jid, upto=max(mine))
        self.link.publish(messages.evack_topic(rid), messages.encode(evack), qos=1)

    def add(self, rid: str) -> Path:
        """A receiver's folder, as init and the station make it."""
        folder = self.folder / rid
        public = command.init(folder, rid)
        (folder / "public.json").write_text(json.dumps(public))
        station = {
            "rid": rid,
            "keys": [msgspec.to_builtins(key("plan", "plan").public)],
            "mqtt": {
                "host": "127.0.0.1",
                "port": self.port,
                "username": rid,
                "password": f"secret of {rid}",
            },
        }
        (folder / "station.json").write_text(json.dumps(station))
        return folder

    def plan(self, rid: str, at: int, data: bytes, **more: object) -> Occurrence:
        now = times.now()
        occ = Occurrence(id="b1", at=at, late=MINUTE, end=at + HOUR, sha=sha(data), **more)
        length = 90 * SECOND if data == tone(90) else 2 * SECOND
        plan = Plan(
            v=1,
            rid=rid,
            rev=now,
            iat=now,
            exp=now + HOUR,
            hz=now + HOUR,
            set=Settings(hb=5),
            aud={occ.sha: Audio(n=len(data), ms=length)},
            occ=(occ,),
        )
        token = key("plan", "plan").sign(messages.encode(plan), "loa-plan")
        self.link.publish(messages.plan_topic(rid), token, qos=1, retain=True)
        return occ

    def codes(self, rid: str) -> list[str]:
        mine = self.entries.get(rid, {})
        return [mine[seq].code for seq in sorted(mine) if mine[seq].occ == "b1"]

    def entry(self, rid: str, code: str) -> messages.Entry:
        return next(
            one for one in self.entries[rid].values() if (one.occ, one.code) == ("b1", code)
        )


@pytest.fixture(params=["embedded", "mosquitto"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    if request.param == "mosquitto":
        need("mosquitto")
    desk = Desk(tmp_path, request.param)
    yield desk
    desk.close()


def process(folder: Path) -> subprocess.Popen[bytes]:
    program = "import sys; from pathlib import Path; from devices.receiver import command; "
    return subprocess.Popen(
        [sys.executable, "-c", program + "command.run(Path(sys.argv[1]))", folder]
    )


def test_a_fleet_plays_as_one_and_proves_it(desk: Desk) -> None:
    for rid in RIDS[:2]:
        desk.add(rid)
    fleet = Fleet(desk.folder, "wav")
    fleet.start()
    try:
        wait_until(lambda: len(desk.states) == 2, "two births")
        desk.add(RIDS[2])
        wait_until(lambda: len(desk.states) == 3, "the birth of one that came later")
        at = times.after(times.now(), 8 * SECOND)
        for rid in RIDS:
            desk.plan(rid, at, tone(2))
        wait_until(lambda: all(desk.codes(rid)[-1:] == ["played"] for rid in RIDS), "three plays")
    finally:
        fleet.stop()
    for rid in RIDS:
        assert desk.codes(rid) == ["accepted", "ready", "started", "played"]
        assert 0 <= desk.entry(rid, "started").detail["late_ms"] < 60 * SECOND
        assert desk.entry(rid, "played").detail["ms"] == 2_000
        with wave.open(str(desk.folder / rid / "sound" / "b1.wav")) as file:
            assert file.getnframes() / file.getframerate() == pytest.approx(2, abs=0.05)
            sound = array("h", file.readframes(file.getnframes()))
        assert max(sound) > 1_000
    wait_until(lambda: not any(state.on for state in desk.states.values()), "three farewells")


def test_one_of_a_fleet_killed_while_it_sounds_says_so_when_it_is_back(desk: Desk) -> None:
    for rid in RIDS[:2]:
        desk.add(rid)
    fleet = Fleet(desk.folder)
    fleet.start()
    try:
        wait_until(lambda: len(desk.states) == 2, "two births")
        for rid in RIDS[:2]:
            desk.plan(rid, times.now(), tone(90))
        wait_until(lambda: all(desk.codes(rid)[-1:] == ["started"] for rid in RIDS[:2]), "sound")
        fleet.kill(RIDS[0])
        wait_until(lambda: desk.states[RIDS[0]].on == 0, "the will")
        assert fleet.running == [RIDS[1]]
        fleet.revive(RIDS[0])
        wait_until(lambda: desk.codes(RIDS[0])[-1:] == ["interrupted"], "the interruption")
        assert desk.codes(RIDS[1])[-1] == "started"
    finally:
        fleet.stop()
    wait_until(lambda: desk.codes(RIDS[1])[-1] == "interrupted", "the end in good order")
    assert desk.entry(RIDS[0], "interrupted").detail == {"why": "power"}
    assert desk.entry(RIDS[1], "interrupted").detail["why"] == "stop"


def test_a_receiver_process_killed_while_it_sounds(desk: Desk) -> None:
    folder = desk.add(RIDS[0])
    first = process(folder)
    try:
        wait_until(lambda: RIDS[0] in desk.states, "the birth")
        desk.plan(RIDS[0], times.now(), tone(90), onint="restart")
        wait_until(lambda: desk.codes(RIDS[0])[-1:] == ["started"], "sound")
        with pytest.raises(DeviceError, match="đang chạy"):
            Running(folder)
        first.send_signal(signal.SIGKILL)
    finally:
        first.kill()
        first.wait(60)
    wait_until(lambda: desk.states[RIDS[0]].on == 0, "the will")
    second = process(folder)
    try:
        wait_until(
            lambda: desk.codes(RIDS[0])[-1:] == ["started"] and len(desk.codes(RIDS[0])) == 5,
            "a restart",
        )
        second.send_signal(signal.SIGTERM)
        assert second.wait(60) == 0
    finally:
        second.kill()
        second.wait(60)
    wait_until(lambda: len(desk.codes(RIDS[0])) == 6, "the end in good order")
    assert desk.codes(RIDS[0])[2:] == ["started", "interrupted", "started", "interrupted"]
    assert desk.blocks >= len(tone(90)) // messages.BLOCK_BYTES


def simulated(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "devices.simulator", folder])


def test_the_simulators_machinery_runs_one_receiver_of_a_folder(desk: Desk) -> None:
    folder = desk.add(RIDS[0])
    first = simulated(folder)
    try:
        wait_until(lambda: RIDS[0] in desk.states, "the birth")
        desk.plan(RIDS[0], times.now(), tone(90), onint="restart")
        wait_until(lambda: desk.codes(RIDS[0])[-1:] == ["started"], "sound")
    finally:
        first.kill()
        first.wait(60)
    second = simulated(folder)
    try:
        wait_until(lambda: desk.codes(RIDS[0])[-2:] == ["interrupted", "started"], "a restart")
        second.send_signal(signal.SIGTERM)
        assert second.wait(60) == 0
    finally:
        second.kill()
        second.wait(60)
    wait_until(lambda: desk.states[RIDS[0]].on == 0, "the farewell")


# -- without a broker -----------------------------------------------------------------------------


def folder_of(parent: Path, rid: str) -> Path:
    folder = parent / rid
    command.init(folder, rid)
    mqtt = {"host": "127.0.0.1", "port": free_port()}
    (folder / "station.json").write_text(json.dumps({"rid": rid, "keys": [], "mqtt": mqtt}))
    return folder


def boots(folder: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(folder / "receiver.db")) as db:
        raws = [json.loads(raw) for (raw,) in db.execute("select raw from journal order by seq")]
    return [raw[7]["why"] for raw in raws if raw[2] == "boot"]


def test_a_folder_that_is_none_is_said_in_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "devices.simulator", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "identity.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_run_ends_when_it_is_told_to(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "r-0001")
    stop = threading.Event()
    thread = threading.Thread(target=folders.run, args=(tmp_path, "null", stop))
    thread.start()
    wait_until(lambda: (folder / "receiver.db-wal").exists(), "the start")
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    with a_fleet(tmp_path):
        pass
    assert boots(folder) == ["new", "restart"]


@contextlib.contextmanager
def a_fleet(folder: Path) -> Iterator[Fleet]:
    fleet = Fleet(folder)
    fleet.start()
    try:
        wait_until(lambda: bool(fleet.running), "the first receiver")
        yield fleet
    finally:
        fleet.stop()


def test_a_folder_taken_away_ends_its_receiver_alone(tmp_path: Path) -> None:
    for rid in RIDS[:2]:
        folder_of(tmp_path, rid)
    with a_fleet(tmp_path) as fleet:
        wait_until(lambda: len(fleet.running) == 2, "both")
        (tmp_path / RIDS[0] / "station.json").unlink()
        wait_until(lambda: fleet.running == [RIDS[1]], "the end of one")


def test_a_broken_folder_does_not_hinder_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder_of(tmp_path, RIDS[0]) / "station.json").write_text("{")
    folder_of(tmp_path, RIDS[1])
    with a_fleet(tmp_path) as fleet:
        assert fleet.running == [RIDS[1]]
    assert "station.json không hợp lệ" in caplog.text


def test_one_that_crashes_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(folders, "AGAIN", 0.0)
    folder = folder_of(tmp_path, RIDS[0])
    whole = Running.step
    crashes = [1]

    def step(running: Running) -> None:
        if crashes:
            crashes.pop()
            raise RuntimeError("out of luck")
        whole(running)

    monkeypatch.setattr(Running, "step", step)
    with a_fleet(tmp_path):
        wait_until(lambda: not crashes and len(boots(folder)) == 2, "the second boot")
    assert boots(folder) == ["new", "power"]
    assert "out of luck" in caplog.text


def test_a_power_cut_by_hand_lasts_until_revived(tmp_path: Path) -> None:
    folder_of(tmp_path, RIDS[0])
    with a_fleet(tmp_path) as fleet:
        fleet.kill(RIDS[0])
        assert fleet.running == []
        fleet.revive(RIDS[0])
        wait_until(lambda: fleet.running == [RIDS[0]], "power back")
