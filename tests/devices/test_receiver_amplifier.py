from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from devices.messages import Settings
from devices.receiver import command, identity
from devices.receiver.amplifier import Amplified, Switch
from devices.receiver.hooks import LOOK, PATIENCE
from devices.receiver.outputs import Sound
from loa.errors import DeviceError
from loa.times import MINUTE, SECOND
from tests.devices.receiver_rig import RID, T0, Bench, FakeClock, tone

AT = T0 + 10 * MINUTE


class Program:
    """The owner's program, which runs for as long as the test says."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.ends: int | None = 0
        self.pid = 2**22 + 1
        """No process has it."""

    def __call__(self, words: list[object], **_: object) -> Program:
        self.calls.append(str(words[1]))
        return self

    def poll(self) -> int | None:
        return self.ends

    def wait(self, timeout: float = 0) -> int:
        if self.ends is None and timeout:
            raise subprocess.TimeoutExpired("hook", timeout)
        return self.ends or -9


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Program:
    program = Program()
    monkeypatch.setattr("devices.receiver.hooks.Popen", program)
    return program


@pytest.fixture
def bench(tmp_path: Path, program: Program) -> Bench:
    bench = Bench(tmp_path)
    switch = Switch(Path("/opt/amp"), 2_000, bench.clock.mono)
    bench.output = Amplified(bench.speaker, switch, 500)
    bench.boot().receiver.step()
    assert program.calls == ["off"], "an earlier life may have left it on"
    return bench


def test_it_is_on_from_before_a_sound_until_after_it(bench: Bench, program: Program) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT - 501, serve=True)
    assert program.calls == ["off"]
    bench.until(AT - 500)
    assert program.calls == ["off", "on"]
    bench.until(AT + 2 * SECOND)
    assert bench.codes("b1")[-1] == "played"
    assert program.calls == ["off", "on"]
    bench.until(AT + 5 * SECOND)
    assert program.calls == ["off", "on", "off"]
    assert bench.speaker.heard[0].at == AT


def test_between_two_sounds_it_stays_on(bench: Bench, program: Program) -> None:
    bench.give(bench.occ("b1", AT), bench.occ("b2", AT + 2 * SECOND))
    bench.until(AT + MINUTE, serve=True)
    assert program.calls == ["off", "on", "off"]
    assert [heard.at for heard in bench.speaker.heard] == [AT, AT + 2 * SECOND]


def test_what_begins_at_once_waits_for_the_amplifier_to_wake(bench: Bench) -> None:
    bench.receiver.tell("play", 0)
    assert bench.speaker.heard[0].at == T0 + 500


@pytest.mark.parametrize(("ends", "why"), [(3, "amplifier: exit 3"), (None, "amplifier: timeout")])
def test_one_that_fails_is_told_and_the_sound_goes_on(
    bench: Bench, program: Program, ends: int | None, why: str
) -> None:
    bench.give(bench.occ("b1", AT, tone(20)))
    bench.until(AT - SECOND, serve=True)
    program.ends = ends
    bench.until(AT + MINUTE)
    assert bench.codes("b1")[-1] == "played"
    assert bench.detail("", "out_fault") == {"why": why}


def test_one_that_is_not_there_is_told_and_the_sound_goes_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    switch = Switch(tmp_path / "no-such-program", 2_000, bench.clock.mono)
    bench.output = Amplified(bench.speaker, switch, 500)
    bench.boot()
    bench.give(bench.occ("b1", AT))
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1")[-1] == "played"
    assert bench.detail("", "out_fault") == {"why": "amplifier: No such file or directory"}


def test_an_end_in_good_order_switches_it_off(bench: Bench, program: Program) -> None:
    bench.receiver.tell("play", 0)
    bench.receiver.stop()
    assert program.calls == ["off", "on", "off"]


def test_the_program_is_run_with_its_word_and_no_shell(tmp_path: Path) -> None:
    said = tmp_path / "said"
    hook = tmp_path / "amp $(touch evil)"
    hook.write_text(f'#!/bin/sh\necho "$@" >> "{said}"\n')
    hook.chmod(0o755)
    switch = Switch(hook, 0, FakeClock().mono)
    switch.on()
    switch.shut()
    assert said.read_text() == "on\noff\n"
    assert switch.tend() == (None, "")
    assert not (tmp_path / "evil").exists()


def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    hook = tmp_path / "amp"
    hook.write_text("#!/bin/sh\nexec sleep 600\n")
    hook.chmod(0o755)
    clock = FakeClock()
    switch = Switch(hook, 0, clock.mono)
    switch.on()
    assert switch.tend() == (LOOK, "")
    clock.advance(PATIENCE)
    assert switch.tend() == (None, "amplifier: timeout")


def test_a_sound_never_begun_switches_nothing(program: Program) -> None:
    bench = Bench(Path("/nonexistent"))
    switch = Switch(Path("/opt/amp"), 0, bench.clock.mono)
    Amplified(bench.speaker, switch, 500).open(Sound("b1", tone(1), 1_000)).close()
    assert program.calls == []


def test_the_folder_says_which_program(tmp_path: Path) -> None:
    command.init(tmp_path, RID)
    station = {"rid": RID, "keys": [], "mqtt": {"host": "127.0.0.1", "port": 1}}
    (tmp_path / "station.json").write_text(json.dumps(station))
    assert identity.load(tmp_path).amplifier is None
    own = {"rid": RID, "amplifier_hook": "amp.sh", "amplifier_lead_ms": 300}
    (tmp_path / "identity.json").write_text(json.dumps(own))
    assert identity.load(tmp_path).amplifier == identity.Amplifier(tmp_path / "amp.sh", 300, 2_000)
    (tmp_path / "identity.json").write_text(json.dumps(own | {"amplifier_lead_ms": -1}))
    with pytest.raises(DeviceError, match="không hợp lệ"):
        identity.load(tmp_path)


def test_what_is_late_is_later_by_the_time_it_wakes_in(bench: Bench) -> None:
    bench.until(AT + 10 * SECOND)
    bench.give(bench.occ("b1", AT))
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.heard[0].at == AT + 10 * SECOND + 500
    assert bench.detail("b1", "started")["late_ms"] == 10 * SECOND + 500


@pytest.mark.parametrize(
    ("late", "end"), [(58_700, ["accepted", "ready", "refused"]), (59_800, ["accepted", "ready", "missed"])]
)  # fmt: skip
def test_it_does_not_wake_into_quiet_hours_or_past_the_limit(
    bench: Bench, late: int, end: list[str]
) -> None:
    bench.until(AT + late)
    begins = "02:51" if "refused" in end else "03:51"
    bench.give(bench.occ("b1", AT), set=Settings(quiet=((begins, "04:00"),)))
    bench.until(AT + 5 * MINUTE, serve=True)
    assert bench.speaker.heard == []
    assert bench.codes("b1") == end
