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
from content.levels import Levels
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
    found = transcode.listen(write(tmp_path / "chime.wav", chime(name)), peak=True).loudness
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


def test_it_pauses_between_parts(tmp_path: Path) -> None:
    parts = [write(tmp_path / f"{number}.wav", tone(1)) for number in range(3)]
    assert audio.join(parts, tmp_path / "out.wav", chimes=False) == 3000 + 2 * 700


def test_it_refuses_a_part_of_another_rate(tmp_path: Path) -> None:
    part = write(tmp_path / "part.wav", tone(1), rate=22_050)
    with pytest.raises(ContentError, match="24 kHz"):
        audio.join([part], tmp_path / "out.wav")


# Cutting


def ramp(seconds: float) -> npt.NDArray[np.float64]:
    """Every moment has a value of its own, so that a sample tells where it came from."""
    return np.linspace(0.1, 0.9, int(seconds * RATE), endpoint=False)


def cut(folder: Path, sound: npt.NDArray[np.float64], *cuts: tuple[int, int]) -> np.ndarray:
    write(folder / "whole.wav", sound)
    audio.cut(folder / "whole.wav", folder / "cut.wav", cuts)
    return read(folder / "cut.wav")


def test_it_leaves_out_what_is_cut(tmp_path: Path) -> None:
    sound = ramp(10)
    left = cut(tmp_path, sound, (2000, 5000), (6000, 7500))
    assert len(left) == len(sound) - int(4.5 * RATE)
    fade = RATE // 100
    for begin, end, at in ((0, 2, 0), (5, 6, 2), (7.5, 10, 3)):
        whole = sound[int(begin * RATE) : int(end * RATE)][fade:-fade]
        piece = left[int(at * RATE) :][fade : fade + len(whole)]
        assert np.abs(piece - whole).max() < 0.001


def test_it_cuts_the_ends(tmp_path: Path) -> None:
    left = cut(tmp_path, ramp(4), (0, 1000), (3000, 9000))
    assert len(left) / RATE == pytest.approx(2, abs=0.02)
    assert left[RATE] == pytest.approx(ramp(4)[2 * RATE], abs=0.01)
    assert left[0] == left[-1] == 0


def test_it_cuts_without_a_click(tmp_path: Path) -> None:
    """A step from 0.8 to -0.8 would be heard as a click; over 10 ms it is none."""
    sound = np.concatenate([np.full(RATE, 0.8), np.full(RATE, 0.3), np.full(RATE, -0.8)])
    left = cut(tmp_path, sound, (0, 100), (900, 2100), (2900, 3000))
    assert len(left) > RATE
    assert np.abs(np.diff(left)).max() < 0.01
    assert max(abs(left[0]), abs(left[-1])) < 0.01


def test_it_gives_the_same_bytes_for_the_same_cuts(tmp_path: Path) -> None:
    one = cut(tmp_path, tone(3), (500, 1500))
    assert np.array_equal(one, cut(tmp_path, tone(3), (500, 1500)))


@pytest.mark.parametrize("cuts", [[(0, 3000)], [(0, 1500), (1500, 9000)], [(20, 2990)]])
def test_it_refuses_to_cut_everything(tmp_path: Path, cuts: list[tuple[int, int]]) -> None:
    with pytest.raises(ContentError, match="Hãy để lại ít nhất một đoạn") as refusal:
        cut(tmp_path, tone(3), *cuts)
    assert refusal.value.field == "cuts"


@pytest.mark.parametrize("cuts", [[(500, 500)], [(-5, 500)], [(900, 100)], [(0, 500), (400, 900)]])
def test_it_refuses_cuts_that_make_no_sense(tmp_path: Path, cuts: list[tuple[int, int]]) -> None:
    with pytest.raises(ContentError, match="không chồng lên nhau") as refusal:
        cut(tmp_path, tone(3), *cuts)
    assert refusal.value.field == "cuts"


def test_it_passes_over_a_cut_beyond_the_end(tmp_path: Path) -> None:
    assert np.array_equal(cut(tmp_path, tone(1), (5000, 6000)), read(tmp_path / "whole.wav"))


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
    audio.cut(tmp_path / "part.wav", tmp_path / "cut.wav", [(1000, 2000), (300_000, 301_000)])
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


# Levels, as the samples stream by


def levels(sound: npt.NDArray[np.float64], piece: int = 1001) -> Levels:
    heard = Levels()
    data = (sound * 32_767).astype("<i2").tobytes()
    for first in range(0, len(data), piece):  # an odd number: a sample may come in two halves
        heard.take(data[first : first + piece])
    heard.finish()
    return heard


def test_it_finds_where_the_sound_begins_and_ends() -> None:
    sound = np.concatenate([silence(25), tone(2), silence(1), tone(1), silence(12.003)])
    heard = levels(sound, 60_001)
    assert heard.samples == len(sound)
    assert heard.span(-50, 0) == (25 * RATE, 29 * RATE)
    assert heard.span(-50, 300) == (int(24.7 * RATE), int(29.3 * RATE))
    assert heard.span(-5, 300) == (0, 0)
    assert levels(tone(1.001)).span(-50, 300) == (0, int(1.001 * RATE))


def test_it_tells_how_much_of_the_time_is_quiet() -> None:
    assert levels(np.concatenate([tone(1), silence(3)])).quiet_share(-50) == 0.75
    assert levels(tone(1)).quiet_share(-50) == 0
    assert levels(silence(0.05)).quiet_share(-50) == 0


def test_it_finds_the_hiss_between_words() -> None:
    hiss = 0.01 * np.sin(np.arange(10 * RATE))
    word = np.concatenate([tone(0.4), silence(0.1)])
    heard = levels(np.tile(word, 20) + hiss)
    assert heard.floor((0, heard.samples)) == pytest.approx(0.01, rel=0.1)
    assert levels(silence(0.01)).floor((0, 240)) == 0
