"""Chimes made from numbers, and speech joined between them: levels, lengths, ends."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from content import audio, transcode
from loa.errors import ContentError

RATE = 24_000
CHIMES: list[audio.Chime] = ["opening", "closing", "ding-dong"]


def write(path: Path, sound: npt.NDArray[np.float64], rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((sound * 32_767).astype("<i2").tobytes())
    return path


def read(path: Path) -> npt.NDArray[np.float64]:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_768


def chime(name: audio.Chime) -> npt.NDArray[np.float64]:
    return np.frombuffer(audio.chime(name).raw_data, "<i2") / 32_768


def tone(seconds: float, level: float = 0.3) -> npt.NDArray[np.float64]:
    return level * np.sin(2 * np.pi * 1000 * np.arange(int(seconds * RATE)) / RATE)


def silence(seconds: float) -> npt.NDArray[np.float64]:
    return np.zeros(int(seconds * RATE))


@pytest.mark.parametrize("name", CHIMES)
def test_it_makes_every_chime_as_loud_as_the_speech(tmp_path: Path, name: audio.Chime) -> None:
    found = transcode.measure(write(tmp_path / "chime.wav", chime(name)))
    assert found.lufs == pytest.approx(transcode.TARGET_LUFS, abs=0.3)
    assert found.true_peak_db < -3


@pytest.mark.parametrize("name", CHIMES)
def test_it_makes_chimes_a_horn_can_radiate(name: audio.Chime) -> None:
    power = np.abs(np.fft.rfft(chime(name))) ** 2
    frequency = np.fft.rfftfreq(len(chime(name)), 1 / RATE)
    assert power[frequency < 600].sum() < 0.01 * power.sum()
    assert power[frequency > 8000].sum() < 0.01 * power.sum()


@pytest.mark.parametrize("name", CHIMES)
def test_it_begins_and_ends_a_chime_without_a_click(name: audio.Chime) -> None:
    sound = np.abs(chime(name))
    assert sound[:12].max() < 0.1
    assert sound[-240:].max() < 0.01


def test_it_opens_with_four_notes_of_one_scale() -> None:
    assert len(audio.chime("opening")) == 3600
    strokes = audio.NOTES["opening"]
    assert len(strokes) == 4
    for (start, note), (end, _) in zip(strokes, [*strokes[1:], (2.6, 0.0)], strict=True):
        piece = chime("opening")[int((start + 0.05) * RATE) : int(end * RATE)]
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 1 << 16))
        near = np.abs(np.fft.rfftfreq(1 << 16, 1 / RATE) - note) < 5
        assert spectrum[near].max() > 0.5 * spectrum.max()


def test_it_joins_speech_between_two_chimes(tmp_path: Path) -> None:
    part = write(tmp_path / "part.wav", tone(2))
    ms = audio.join([part], tmp_path / "out.wav")
    joined = read(tmp_path / "out.wav")
    assert ms == pytest.approx(len(joined) * 1000 / RATE, abs=1)
    assert ms == 3600 + 500 + 2000 + 500 + 3000
    assert np.array_equal(joined[: 3 * RATE], chime("opening")[: 3 * RATE])
    assert np.array_equal(joined[-3 * RATE :], chime("closing"))


def test_it_cuts_silent_ends_to_a_third_of_a_second(tmp_path: Path) -> None:
    sound = np.concatenate([silence(25), tone(2), silence(1), tone(1), silence(12)])
    write(tmp_path / "part.wav", sound)
    ms = audio.join([tmp_path / "part.wav"], tmp_path / "out.wav", chimes=False)
    assert ms == pytest.approx(300 + 4000 + 300, abs=25)
    joined = read(tmp_path / "out.wav")
    assert np.abs(joined[: int(0.25 * RATE)]).max() == 0
    assert np.abs(joined[int(0.35 * RATE) :][:RATE]).max() == pytest.approx(0.3, abs=0.01)


def test_it_cuts_nothing_where_there_is_no_silence(tmp_path: Path) -> None:
    part = write(tmp_path / "part.wav", tone(2.5))
    assert audio.join([part], tmp_path / "out.wav", chimes=False) == 2500
    assert np.array_equal(read(tmp_path / "out.wav"), read(part))


def test_it_pauses_between_parts(tmp_path: Path) -> None:
    parts = [write(tmp_path / f"{number}.wav", tone(1)) for number in range(3)]
    assert audio.join(parts, tmp_path / "out.wav", chimes=False) == 3000 + 2 * 700


@pytest.mark.parametrize("seconds", [0.0, 3.0, 31.0])
def test_it_refuses_a_silent_part(tmp_path: Path, seconds: float) -> None:
    part = write(tmp_path / "part.wav", silence(seconds))
    with pytest.raises(ContentError, match="im lặng"):
        audio.join([part], tmp_path / "out.wav")


def test_it_refuses_a_part_of_another_rate(tmp_path: Path) -> None:
    part = write(tmp_path / "part.wav", tone(1), rate=22_050)
    with pytest.raises(ContentError, match="24 kHz"):
        audio.join([part], tmp_path / "out.wav")


def test_it_never_holds_a_long_recording(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "part.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        minute = (tone(60) * 32_767).astype("<i2").tobytes()
        for _ in range(10):
            file.writeframes(minute)
    del minute
    audio.chime("opening"), audio.chime("closing")
    tracemalloc.start()
    audio.join([tmp_path / "part.wav"], tmp_path / "out.wav")
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert highest < 6_000_000


def test_it_needs_no_ffmpeg() -> None:
    """pydub looks for programs on PATH; with none there it must still join, and only warn on import."""
    program = "from content import audio; assert len(audio.chime('closing')) == 3000"
    root = Path(audio.__file__).parents[1]
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=root,
        env={"PATH": "", "PYTHONPATH": str(root)},
        check=True,
        timeout=30,
    )
