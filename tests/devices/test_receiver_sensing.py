from __future__ import annotations

import json
from pathlib import Path

import pytest

from devices.messages import Settings
from devices.receiver import command, identity, run, sensing
from devices.receiver.clock import SystemClock
from devices.receiver.hooks import PATIENCE, Hook
from devices.receiver.outputs import NullOutput
from devices.receiver.sensing import EVERY, FIRST, Sensed
from loa.times import MINUTE, SECOND
from tests.devices.receiver_rig import RID, T0, Bench, tone

AT = T0 + 10 * MINUTE


class Answers:
    """In place of running programs: what each answers, by its name; None for one that never ends."""

    def __init__(self) -> None:
        self.answer: dict[str, tuple[int | None, str]] = {"sense": (0, ""), "hear": (0, "0.9")}
        self.asked: list[str] = []
        self.pid = 2**22 + 1

    def __call__(self, words: list[Path | str], **_: object) -> _Program:
        name = Path(words[0]).name
        self.asked.append(name)
        return _Program(self, *self.answer[name])


class _Program:
    pid = 2**22 + 1
    """No process has it."""

    def __init__(self, answers: Answers, code: int | None, output: str) -> None:
        self._code = code
        self.stdout = _Pipe(output)

    def poll(self) -> int | None:
        return self._code

    def wait(self, timeout: float = 0) -> int:
        return self._code or -9


class _Pipe:
    def __init__(self, output: str) -> None:
        self._output = output.encode()

    def fileno(self) -> int:
        return -1

    def read(self, most: int) -> bytes | None:
        return self._output or None

    def __enter__(self) -> _Pipe:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    answers = Answers()
    monkeypatch.setattr("devices.receiver.hooks.Popen", answers)
    monkeypatch.setattr("devices.receiver.hooks.os.set_blocking", lambda fd, blocking: None)
    return answers


def make(folder: Path, sense: bool = True, hear: bool = False) -> Bench:
    bench = Bench(folder)
    mono = bench.clock.mono
    bench.output = Sensed(
        bench.speaker,
        sensing.current(Path("/opt/sense"), mono) if sense else None,
        sensing.microphone(Path("/opt/hear"), mono) if hear else None,
    )
    return bench.boot()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return make(tmp_path)


def play(bench: Bench, seconds: int = 25, **more: object) -> str:
    """Play a sound; the answer is the level it proved."""
    bench.give(bench.occ("b1", AT, tone(seconds)), **more)
    bench.until(AT + MINUTE, serve=True)
    return str(bench.detail("b1", "played")["level"])


def faults(bench: Bench) -> list[str]:
    return [entry.detail["why"] for entry in bench.entries() if entry.code == "out_fault"]


def test_an_amplifier_that_is_sensed_all_along_is_e2(bench: Bench, answers: Answers) -> None:
    assert play(bench) == "E2"
    assert answers.asked == ["sense"] * 3
    assert faults(bench) == []


def test_it_is_asked_only_while_something_sounds(bench: Bench, answers: Answers) -> None:
    bench.give(bench.occ("b1", AT, tone(25)))
    bench.until(AT + FIRST - 1, serve=True)
    assert answers.asked == []
    bench.until(AT + FIRST)
    assert answers.asked == ["sense"]
    bench.until(AT + FIRST + EVERY)
    assert answers.asked == ["sense"] * 2
    bench.until(AT + 10 * MINUTE)
    assert len(answers.asked) == 3


def test_once_not_sensed_is_e1_and_twice_in_a_row_a_fault(bench: Bench, answers: Answers) -> None:
    answers.answer["sense"] = (1, "")
    bench.give(bench.occ("b1", AT, tone(25)))
    bench.until(AT + EVERY, serve=True)
    assert (faults(bench), bench.output.health) == ([], "unk")
    bench.until(AT + FIRST + EVERY + 100)
    assert (faults(bench), bench.output.health) == (["amplifier: nothing noticed"], "fault")
    bench.until(AT + MINUTE)
    assert bench.detail("b1", "played")["level"] == "E1"
    assert faults(bench) == ["amplifier: nothing noticed"], "said once"


def test_the_lowest_that_was_claimed_all_along_counts(bench: Bench, answers: Answers) -> None:
    bench.give(bench.occ("b1", AT, tone(25)))
    bench.until(AT + EVERY, serve=True)
    answers.answer["sense"] = (1, "")
    bench.until(AT + FIRST + EVERY + 100)
    answers.answer["sense"] = (0, "")
    bench.until(AT + MINUTE)
    assert bench.detail("b1", "played")["level"] == "E1"
    assert faults(bench) == []


def test_a_fault_is_over_when_it_is_sensed_again(bench: Bench, answers: Answers) -> None:
    answers.answer["sense"] = (1, "")
    play(bench)
    assert bench.output.health == "fault"
    answers.answer["sense"] = (0, "")
    bench.give(bench.occ("b2", AT + 2 * MINUTE, tone(25)))
    bench.until(AT + 3 * MINUTE, serve=True)
    assert bench.output.health == "unk"
    assert bench.detail("b2", "played")["level"] == "E2"


@pytest.mark.parametrize("code", [2, 127, None])
def test_a_program_that_fails_proves_nothing_and_accuses_nobody(
    bench: Bench, answers: Answers, code: int | None
) -> None:
    answers.answer["sense"] = (code, "")
    assert play(bench) == "E1"
    assert set(faults(bench)) == {f"amplifier: {'timeout' if code is None else f'exit {code}'}"}
    assert bench.output.health == "unk"


def test_a_program_that_is_not_there(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("devices.receiver.hooks.Popen", absent)
    assert play(bench) == "E1"
    assert set(faults(bench)) == {"amplifier: No such file or directory"}


@pytest.mark.parametrize(
    ("printed", "level"),
    [("0.9", "E3"), ("0.5", "E3"), ("1", "E3"), ("0.49", "E1"), ("", "E1"), ("nan", "E1"), ("7", "E1")],
)  # fmt: skip
def test_a_microphone_that_is_sure_is_e3(
    tmp_path: Path, answers: Answers, printed: str, level: str
) -> None:
    answers.answer["hear"] = (0, printed)
    assert play(make(tmp_path, sense=False, hear=True)) == level


def test_where_the_microphone_is_not_sure_the_amplifier_still_counts(
    tmp_path: Path, answers: Answers
) -> None:
    answers.answer["hear"] = (0, "0.1")
    bench = make(tmp_path, hear=True)
    assert play(bench) == "E2"
    assert faults(bench) == ["microphone: nothing noticed"]


def test_of_silence_nothing_is_asked(bench: Bench, answers: Answers) -> None:
    answers.answer["sense"] = (1, "")
    assert play(bench, set=Settings(mute=True)) == "E1"
    assert answers.asked == []


def test_an_answer_to_an_earlier_sound_is_not_this_ones(bench: Bench, answers: Answers) -> None:
    answers.answer["sense"] = (None, "")
    bench.give(bench.occ("b1", AT, tone(2)), bench.occ("b2", AT + 2 * SECOND, tone(2)))
    bench.until(AT + 2 * SECOND + PATIENCE, serve=True)
    assert bench.detail("b2", "played")["level"] == "E1"
    assert faults(bench) == [], "of an earlier sound"


def test_an_output_that_sounds_not_proves_nothing(tmp_path: Path, answers: Answers) -> None:
    bench = Bench(tmp_path)
    sensor = sensing.current(Path("/opt/sense"), bench.clock.mono)
    bench.output = Sensed(NullOutput(bench.clock.mono), sensor, None)
    assert play(bench.boot()) == "none"


# -- real programs ----------------------------------------------------------------------------------


def script(folder: Path, text: str) -> Path:
    path = folder / "hook"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


def test_a_real_program_is_run_and_heard(tmp_path: Path) -> None:
    hook = Hook(script(tmp_path, 'test "$1" = check && echo " 0.75 "'), "check", 0, listen=True)
    assert hook.wait() == (0, "0.75")


def test_a_real_program_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    hook = Hook(script(tmp_path, "sleep 1000 & sleep 1000"), "check", 0, listen=True)
    assert hook.ended(PATIENCE - 1) is None
    ended = hook.ended(PATIENCE)
    assert ended == (None, "")
    assert ended.trouble == "timeout"


def test_the_identity_names_the_programs(tmp_path: Path) -> None:
    key = command.init(tmp_path, RID)
    own = json.loads((tmp_path / "identity.json").read_text())
    own |= {"sense_hook": "sense", "hear_hook": "/opt/hear", "ffmpeg": "/opt/ffmpeg"}
    (tmp_path / "identity.json").write_text(json.dumps(own))
    station = {"rid": RID, "keys": [{"kid": "plan", "x": key, "roles": ["plan"]}]}
    mqtt = {"host": "127.0.0.1", "port": 1}
    (tmp_path / "station.json").write_text(json.dumps(station | {"mqtt": mqtt}))
    found = identity.load(tmp_path)
    assert (found.sense, found.hear) == (tmp_path / "sense", Path("/opt/hear"))
    assert found.ffmpeg == "/opt/ffmpeg"
    assert isinstance(run._output("null", found, SystemClock()), Sensed)


def test_one_that_is_muted_on_its_way_is_asked_no_more(tmp_path: Path, answers: Answers) -> None:
    bench = make(tmp_path).boot()
    one = bench.occ("b1", AT, tone(30))
    bench.give(one)
    bench.until(AT + 5 * SECOND, serve=True)
    asked = len(answers.asked)
    assert asked > 0
    bench.give(one, set=Settings(mute=True))
    bench.until(AT + MINUTE, serve=True)
    assert len(answers.asked) == asked
    assert bench.detail("b1", "played")["vol"] == 0
