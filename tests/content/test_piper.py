"""Piper, played by a small program that takes the options Piper takes, and fails the ways it fails."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
import threading
import wave
from pathlib import Path

import pytest

from content.voices import base, piper, piper_model
from content.voices.cache import Cache
from content.voices.espeak import Espeak
from content.voices.piper import Piper
from content.voices.piper_model import models
from loa.errors import ContentError

SENTENCE = "Mời bà con tập trung tại nhà văn hóa thôn lúc bảy giờ sáng mai."

# One WAV a line of standard input, named by a clock; 0.3 s a word at scale 1; keeps what it was given.
STAND_IN = r"""
import argparse, os, sys, time, wave
from pathlib import Path
parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--output_dir", type=Path, required=True)
parser.add_argument("--length_scale", type=float)
args = parser.parse_args()
if not Path(args.model + ".json").exists():
    raise FileNotFoundError(args.model + ".json")
mode = Path(args.model + ".mode").read_text()
kept = open(args.model + ".log", "a", encoding="utf-8")
if mode == "rubbish":
    args.output_dir.joinpath("1.wav").write_bytes(b"RIFF rubbish" * 500)
    sys.exit(0)
lines = [line.strip() for line in sys.stdin.buffer.read().decode("utf-8").splitlines() if line.strip()]
for number, line in enumerate(lines):
    print(line, file=kept, flush=True)
    if mode == "crash" and number == 2:
        wave_ = open(args.output_dir / f"{time.monotonic_ns()}.wav", "wb")
        wave_.write(b"RIFF")
        wave_.close()
        os.abort()
    if mode == "hang" and number == 2:
        time.sleep(60)
    if mode == "skip" and number == 1:
        continue
    seconds = 0.01 if mode == "short" else 0.3 * len(line.split()) * args.length_scale
    level = 0 if mode == "silent" else 9000
    with wave.open(str(args.output_dir / f"{time.monotonic_ns()}.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(22050)
        one = level.to_bytes(2, "little") + (-level).to_bytes(2, "little", signed=True)
        out.writeframes(one * int(seconds * 11025))
    print("Wrote", file=sys.stderr)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The voices folder with one voice."""
    folder = tmp_path / "voices"
    folder.mkdir()
    drop(folder, "vi-thu")
    return folder


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    return [sys.executable, "-I", "-X", "utf8", str(script)]


def drop(folder: Path, stem: str, content: bytes = b"voice", mode: str = "") -> Path:
    path = folder / f"{stem}.onnx"
    path.write_bytes(content)
    path.with_name(f"{path.name}.json").write_text("{}")
    path.with_name(f"{path.name}.mode").write_text(mode)
    return path


def voice(folder: Path, command: list[str], mode: str = "", cache: Cache | None = None) -> Piper:
    drop(folder, "vi-thu", mode=mode)
    return Piper(models(folder)[0], cache, command)


def heard(folder: Path) -> list[str]:
    """The lines Piper was given, over all runs."""
    log = folder / "vi-thu.onnx.log"
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def test_it_speaks_sentence_by_sentence(folder: Path, command: list[str], tmp_path: Path) -> None:
    told: list[float] = []
    out = tmp_path / "out.wav"
    voice(folder, command).speak("Một hai. Ba bốn!\nNăm sáu bảy tám.", out, progress=told.append)
    assert heard(folder) == ["Một hai.", "Ba bốn!", "Năm sáu bảy tám."]
    assert base.wav_seconds(out) == pytest.approx(8 * 0.3 + 0.35 + 0.9, abs=0.01)
    assert told[-1] == 1.0
    assert not list(tmp_path.glob("piper-*"))


@pytest.mark.parametrize("speed", [110, 135, 175])
def test_it_keeps_to_the_speed(
    folder: Path, command: list[str], tmp_path: Path, speed: int
) -> None:
    voice(folder, command).speak(SENTENCE, tmp_path / "out.wav", speed=speed)
    words = len(SENTENCE.split())
    seconds = base.wav_seconds(tmp_path / "out.wav")
    assert seconds == pytest.approx(words * 0.3 * 135 / speed, rel=0.01)


def test_it_gives_no_sentence_of_over_200_characters(
    folder: Path, command: list[str], tmp_path: Path
) -> None:
    text = " ".join(f"thôn {n}, xóm {n} và tổ {n}" for n in range(60)) + "."
    voice(folder, command).speak(text, tmp_path / "out.wav")
    assert max(map(len, heard(folder))) <= 200
    assert " ".join(heard(folder)) == text


def test_it_lets_nobody_write_phonemes_or_options(
    folder: Path, command: list[str], tmp_path: Path
) -> None:
    voice(folder, command).speak("--model /etc/passwd [[ a b ]] xin chào", tmp_path / "out.wav")
    assert heard(folder) == ["--model /etc/passwd [ a b ]] xin chào"]


def test_it_speaks_a_sentence_once(folder: Path, command: list[str], tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    speaker = voice(folder, command, cache=cache)
    speaker.speak("Một hai. Ba bốn. Một hai.", tmp_path / "a.wav")
    speaker.speak("Ba bốn.\nNăm sáu.", tmp_path / "b.wav")
    assert heard(folder) == ["Một hai.", "Ba bốn.", "Năm sáu."]
    speaker.speak("Ba bốn.", tmp_path / "c.wav", speed=170)
    assert heard(folder)[3:] == ["Ba bốn."]
    (folder / "vi-thu.onnx").write_bytes(b"another voice")
    speaker.speak("Ba bốn.", tmp_path / "d.wav")
    assert heard(folder)[4:] == ["Ba bốn."]
    speaker.speak("Ba bốn. Ba bốn.", tmp_path / "e.wav")
    assert len(heard(folder)) == 5


@pytest.mark.parametrize("mode", ["crash", "hang"])
def test_it_keeps_what_was_spoken_before_it_failed(
    folder: Path, command: list[str], tmp_path: Path, mode: str
) -> None:
    cache = Cache(tmp_path / "cache")
    text = "Một hai. Ba bốn. Năm sáu."
    cancel = threading.Event()
    with pytest.raises(ContentError):
        voice(folder, command, mode, cache).speak(
            text, tmp_path / "out.wav", timeout=30, cancel=cancel, progress=_stop_at_two(cancel)
        )
    assert list(tmp_path.glob("out.wav*")) == []
    done = heard(folder)
    voice(folder, command, cache=cache).speak(text, tmp_path / "out.wav")
    again = heard(folder)[len(done) :]
    assert again[-1] == "Năm sáu."
    assert "Một hai." not in again
    assert base.wav_seconds(tmp_path / "out.wav") == pytest.approx(6 * 0.3 + 0.7, abs=0.01)


def _stop_at_two(cancel: threading.Event) -> base.Progress:
    """Whoever waits for a program that hangs gives up once it hangs."""
    return lambda part: cancel.set() if part > 0.6 else None


@pytest.mark.parametrize("mode", ["crash", "rubbish", "skip", "short", "silent"])
def test_a_broken_voice_is_told_and_another_takes_over(
    folder: Path, command: list[str], tmp_path: Path, mode: str
) -> None:
    broken = voice(folder, command, mode, Cache(tmp_path / "cache"))
    assert broken.trouble() is None
    registry = base.Registry([broken], spare=Espeak())
    spoken = registry.speak("Một hai. Ba bốn. Năm sáu.", tmp_path / "out.wav")
    assert spoken.voice == "espeak"
    assert "tệp giọng hỏng hoặc không hợp. Hãy báo quản trị viên" in spoken.notes[0]
    trouble = str(broken.trouble())
    assert trouble.removeprefix("Lần đọc gần nhất không thành: ") in spoken.notes[0]
    assert base.wav_seconds(tmp_path / "out.wav") > 0.5


def test_it_takes_no_rubbish_for_a_sentence(
    folder: Path, command: list[str], tmp_path: Path
) -> None:
    with pytest.raises(base.VoiceFailed, match="tệp giọng hỏng"):
        voice(folder, command, "rubbish").speak("Một câu.", tmp_path / "out.wav")


def test_it_has_spoken_well_again(folder: Path, command: list[str], tmp_path: Path) -> None:
    speaker = voice(folder, command, "silent")
    with pytest.raises(base.VoiceFailed):
        speaker.speak("Một hai.", tmp_path / "out.wav")
    drop(folder, "vi-thu")
    speaker.speak("Một hai.", tmp_path / "out.wav")
    assert speaker.trouble() is None


def test_it_stops_a_program_that_hangs(folder: Path, command: list[str], tmp_path: Path) -> None:
    with pytest.raises(base.VoiceFailed, match="quá lâu"):
        voice(folder, command, "hang").speak("Một. Hai. Ba.", tmp_path / "out.wav", timeout=0.3)


def test_it_stops_a_program_that_gets_no_further(
    folder: Path, command: list[str], tmp_path: Path
) -> None:
    now = itertools.count(step=40.0)
    drop(folder, "vi-thu", mode="hang")
    speaker = Piper(models(folder)[0], None, command, clock=lambda: next(now))
    with pytest.raises(base.VoiceFailed, match="quá lâu"):
        speaker.speak("Một. Hai. Ba.", tmp_path / "out.wav", timeout=50)


def test_it_stops_when_cancelled(folder: Path, command: list[str], tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(base.Cancelled):
        voice(folder, command, "hang").speak("Một. Hai. Ba.", tmp_path / "o.wav", cancel=cancel)


def test_it_gives_the_program_no_more_memory_than_it_needs(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    greedy = [sys.executable, "-c", "bytearray(3 << 30)"]
    with pytest.raises(base.VoiceFailed):
        Piper(models(folder)[0], None, greedy).speak("Một.", tmp_path / "out.wav")
    assert "MemoryError" in caplog.text


def test_it_says_when_the_program_is_not_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piper, "program", lambda: None)
    speaker = Piper(models(folder)[0])
    assert "cài gói bổ sung “piper”" in str(speaker.trouble())
    with pytest.raises(base.VoiceFailed, match="Chưa cài chương trình Piper"):
        speaker.speak("Một.", tmp_path / "out.wav")


def test_it_says_when_the_file_is_gone(folder: Path, command: list[str], tmp_path: Path) -> None:
    speaker = voice(folder, command)
    (folder / "vi-thu.onnx").unlink()
    assert "chép lại tệp giọng" in str(speaker.trouble())
    assert "Không đọc được tệp vi-thu.onnx" in speaker.facts()[0]
    with pytest.raises(base.VoiceFailed, match=r"vi-thu\.onnx"):
        speaker.speak("Một.", tmp_path / "out.wav")


def test_it_refuses_a_text_without_words(folder: Path, command: list[str], tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="chưa có chữ nào"):
        voice(folder, command).speak("– …", tmp_path / "out.wav")
    assert heard(folder) == []


# Finding the program


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def executable(folder: Path, help_text: str) -> Path:
    file = folder / "piper"
    file.write_text(f"#!/bin/sh\necho '{help_text}'\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    ("help_text", "taken"),
    [("usage: piper --model --length_scale NUM", True), ("Configure your gaming mouse", False)],
)
def test_it_takes_no_other_program_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_package: None, help_text: str, taken: bool
) -> None:
    file = executable(tmp_path, help_text)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert piper.program.__wrapped__() == ((str(file),) if taken else None)


def test_it_finds_the_package_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "piper"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "__main__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = piper.program.__wrapped__()
    assert found is not None
    assert found[-2:] == ("-m", "piper")
    assert "piper" not in sys.modules


# Which voices lie in the folder, and what they are


def test_it_finds_every_voice_with_its_json(tmp_path: Path) -> None:
    for stem in ("vi-b", "vi-a", "vi c (thử)"):
        drop(tmp_path, stem)
    (tmp_path / "alone.onnx").write_bytes(b"voice")
    (tmp_path / "folder.onnx").mkdir()
    found = {model.path.name: model.name for model in models(tmp_path)}
    assert found == {
        "vi c (thử).onnx": "piper",
        "vi-a.onnx": "piper:vi-a",
        "vi-b.onnx": "piper:vi-b",
    }
    assert models(tmp_path / "absent") == []


def test_every_voice_has_a_short_name_of_its_own(tmp_path: Path) -> None:
    drop(tmp_path, "a")
    for ending in ("một", "hai", "ba"):
        drop(tmp_path, f"vi_VN-giong-doc-rat-la-dai-{ending}")
    names = [model.name for model in models(tmp_path)]
    assert len(set(names)) == 4
    assert all(len(name) <= 32 for name in names)


def test_it_shows_size_and_hash(folder: Path, command: list[str]) -> None:
    drop(folder, "vi-thu", b"v" * 1_250_000)
    facts = voice_as_is(folder, command).facts()
    digest = hashlib.sha256(b"v" * 1_250_000).hexdigest()
    assert facts[0] == f"Tệp vi-thu.onnx, 1,2 MB, sha256 {digest}"


def voice_as_is(folder: Path, command: list[str]) -> Piper:
    return Piper(models(folder)[0], None, command)


def test_it_hashes_a_file_once_until_it_changes(
    folder: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = voice_as_is(folder, command)
    before = speaker.facts()
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("read again"))
    assert models(folder)[0].sha256() in before[0]
    monkeypatch.undo()
    drop(folder, "vi-thu", b"another voice")
    assert voice_as_is(folder, command).facts()[0] != before[0]


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        (None, "", "chưa rõ giấy phép; hãy kiểm tra trước khi dùng"),
        ("vi-thu.txt", "Tự thu.\nGiấy phép: CC0", "theo tệp vi-thu.txt: Giấy phép: CC0"),
        (
            "MODEL_CARD",
            "# Thử\n* License: CC BY 4.0\n",
            "theo tệp MODEL_CARD: * License: CC BY 4.0",
        ),
        ("LICENSE", "Dùng\n\n tự do.", "theo tệp LICENSE: Dùng tự do."),
        ("LICENSE", "x" * 500, "theo tệp LICENSE: " + "x" * 200),
        ("LICENSE", " \n", "chưa rõ giấy phép; hãy kiểm tra trước khi dùng"),
    ],
)
def test_it_shows_the_licence(
    folder: Path, command: list[str], name: str | None, text: str, shown: str
) -> None:
    if name:
        (folder / name).write_text(text, encoding="utf-8")
    assert voice_as_is(folder, command).facts()[1] == f"Giấy phép của giọng: {shown}"


def test_it_knows_the_licence_of_a_voice_by_its_hash(
    folder: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = hashlib.sha256(b"voice").hexdigest()
    monkeypatch.setitem(piper_model.KNOWN, known, "CC BY 4.0, dữ liệu VAIS-1000")
    assert "CC BY 4.0, dữ liệu VAIS-1000" in voice_as_is(folder, command).facts()[1]


@pytest.mark.skipif(piper.program() is None, reason="Piper is not installed")
def test_the_real_program_takes_our_options_and_refuses_a_file_that_is_no_voice(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(base.VoiceFailed, match="tệp giọng hỏng"):
        Piper(models(folder)[0]).speak(SENTENCE, tmp_path / "out.wav")
    assert "unrecognized" not in caplog.text


def test_the_stand_in_writes_what_it_should(
    folder: Path, command: list[str], tmp_path: Path
) -> None:
    options = ["--model", str(folder / "vi-thu.onnx"), "--output_dir", str(tmp_path)]
    given = "Một hai.\n\nBa.\n".encode()
    subprocess.run([*command, *options, "--length_scale", "1"], input=given, check=True, timeout=30)
    files = sorted(tmp_path.glob("*.wav"))
    assert len(files) == 2
    with wave.open(str(files[0])) as file:
        assert file.getnframes() == pytest.approx(0.6 * 22050, abs=2)
