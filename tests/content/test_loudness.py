"""Whatever is sent comes out equally loud: -16 ±1 LUFS, -0.5 dBTP at most, measured on the finished MP3.

docs/sound.md shows the figures: ``python tests/content/test_loudness.py`` prints its table anew.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from content import audio, making, mastering, transcode
from content.voices import base, espeak
from loa.errors import ContentError

NEWS = (
    "Ủy ban nhân dân xã thông báo: từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn "
    "tập trung tại nhà văn hóa để tiêm phòng cho trẻ em. Đề nghị các gia đình mang theo sổ tiêm chủng."
)
RATE = 24_000


def ffmpeg(*arguments: object) -> None:
    """Make an input, with the ffmpeg that has every encoder; what is tested may run another one."""
    command = [transcode.imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"]
    subprocess.run([*command, *map(str, arguments)], check=True, timeout=60)


def speak(folder: Path, variant: str = "") -> Path:
    """About 12 s of speech; the variants f1 to f5 of the engine are women."""
    out = folder / f"speech{variant}.wav"
    if out.exists():
        return out
    with pytest.MonkeyPatch.context() as patch:
        if variant:
            program = espeak.WORKER.read_text()
            assert 'VOICE = b"vi"' in program
            worker = folder / f"worker-{variant}.py"
            worker.write_text(program.replace('VOICE = b"vi"', f'VOICE = b"vi+{variant}"'))
            patch.setattr(espeak, "WORKER", worker)
        espeak.Espeak().speak(NEWS, out)
    return out


def music() -> npt.NDArray[np.float64]:
    """20 s of plucked chords, now loud, now soft."""
    time = np.arange(20 * RATE) / RATE
    sound = np.zeros(len(time))
    for start, root in zip(np.arange(0, 20, 0.5), [220, 261.6, 196, 174.6] * 10, strict=True):
        first = int(start * RATE)
        local = time[: len(time) - first]
        chord = sum(np.sin(2 * np.pi * root * ratio * local) for ratio in (1, 1.26, 1.5, 2))
        sound[first:] += chord * np.exp(-3 * local) * (1.0 if start % 10 < 5 else 0.3)
    return np.asarray(0.3 * sound / np.abs(sound).max())


def write(path: Path, sound: npt.NDArray[np.float64]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((sound * 32_767).astype("<i2").tobytes())
    return path


def filtered(*options: str, variant: str = "", name: str = "in.wav") -> Callable[[Path], Path]:
    """An input made of the speech, run through ffmpeg."""

    def build(folder: Path) -> Path:
        out = folder / name
        ffmpeg("-i", speak(folder, variant), *options, out)
        return out

    return build


def mixed(noise: str, level_db: float, *options: str) -> Callable[[Path], Path]:
    """The speech with noise under it."""
    graph = (
        f"[0]aresample=24000[a];[1]volume={level_db}dB[b];[a][b]amix=2:normalize=0:duration=first"
    )
    return lambda folder: filtered(
        *("-f", "lavfi", "-i", noise, "-filter_complex", graph, *options)
    )(folder)


def _chime(folder: Path) -> Path:
    audio.write_chime("opening", folder / "in.wav")
    return folder / "in.wav"


UNEVEN = "volume='if(lt(mod(t,8),4),1,0.126)':eval=frame"
LONG_PAUSES = "apad=pad_dur=20"
PHONE = "highpass=f=300,lowpass=f=3400,aresample=8000"

INPUTS: dict[str, tuple[str, Callable[[Path], Path], frozenset[str]]] = {
    "plain": ("speech, man, clean", filtered("-af", "anull"), frozenset()),
    "woman": ("woman (f3)", filtered("-af", "anull", variant="f3"), frozenset()),
    "another-woman": ("woman (f5)", filtered("-af", "anull", variant="f5"), frozenset()),
    "another-man": ("another man (m7)", filtered("-af", "anull", variant="m7"), frozenset()),
    "quiet": ("30 dB too quiet", filtered("-af", "volume=-30dB"), frozenset()),
    "uneven": ("uneven: 4 s loud, 4 s 18 dB lower", filtered("-af", UNEVEN), frozenset()),
    "clipped": ("clipped, +15 dB", filtered("-af", "volume=15dB"), frozenset({"clipped"})),
    "white-noise": (
        "white noise, 15 dB under the speech",
        mixed("anoisesrc=c=white:r=24000:seed=1", -26),
        frozenset({"noisy"}),
    ),
    "pink-noise": ("pink noise", mixed("anoisesrc=c=pink:r=24000:seed=1", -16), frozenset({"noisy"})),
    "car": (
        "in a car: rumble under 120 Hz",
        mixed("anoisesrc=c=brown:r=24000:seed=1,lowpass=f=120", 0),
        frozenset({"noisy"}),
    ),
    "phone": (
        "telephone, 300 to 3400 Hz, µ-law",
        filtered("-af", PHONE, "-c:a", "pcm_mulaw"),
        frozenset(),
    ),
    "narrow": ("8 kHz sampling", filtered("-ar", "8000"), frozenset()),
    "amr": (
        "AMR 12.2 kbit/s",
        filtered("-c:a", "libopencore_amrnb", "-ar", "8000", "-b:a", "12.2k", name="in.amr"),
        frozenset(),
    ),
    "stereo": ("stereo, MP3 128k", filtered("-ac", "2", "-b:a", "128k", name="in.mp3"), frozenset()),
    "one-sided": ("stereo, sound on the left only", filtered("-af", "pan=stereo|c0=c0|c1=0*c0"), frozenset()),
    "out-of-phase": ("stereo, nearly out of phase", filtered("-af", "pan=stereo|c0=c0|c1=-0.9*c0"), frozenset()),
    "short": ("one second", filtered("-t", "1"), frozenset()),
    "long-pause": ("12 s of speech, 20 s of silence", filtered("-af", LONG_PAUSES), frozenset({"silent"})),
    "music": ("music, with its switch on", lambda folder: write(folder / "in.wav", music()), frozenset({"music"})),
    "chime": ("a chime", _chime, frozenset({"music"})),
}  # fmt: skip

NOTES = {
    "clipped": making.CLIPPED,
    "noisy": making.NOISY,
    "silent": making.MOSTLY_SILENT,
}


def measured(path: Path) -> tuple[float, float, float]:
    """I (LUFS), LRA (LU) and true peak (dBTP), by a run of ebur128 that shares nothing with the product."""
    room = ["-af", "adelay=400:all=1,apad=pad_dur=0.4,ebur128=peak=true"]  # for sounds of a second
    command = [transcode.find_ffmpeg(), "-nostdin", "-hide_banner", "-i", str(path), *room]
    report = subprocess.run(
        [*command, "-f", "null", "-"], capture_output=True, text=True, check=True, timeout=60
    ).stderr.rpartition("Summary:")[2]
    i, lra, peak = (
        re.search(pattern, report)
        for pattern in (r"I: +(\S+) LUFS", r"LRA: +(\S+) LU", r"Peak: +(\S+) dBFS")
    )
    assert i is not None
    assert lra is not None
    assert peak is not None
    return float(i[1]), float(lra[1]), float(peak[1])


def master(folder: Path, name: str) -> tuple[Path, mastering.Mastered]:
    """The input and what is made of it."""
    _, build, kinds = INPUTS[name]
    source = build(folder)
    made = mastering.make(
        [mastering.Take(source=source, music="music" in kinds)],
        folder / "out",
        voices=base.Registry([espeak.Espeak()]),
        chimes=False,
        work=folder / "work",
    )
    return source, made


@pytest.mark.parametrize("name", INPUTS)
def test_it_makes_everything_equally_loud(tmp_path: Path, name: str) -> None:
    _, made = master(tmp_path, name)
    lufs, lra, peak = measured(made.path)
    assert lufs == pytest.approx(-16, abs=1)
    assert peak <= -0.5
    assert name == "music" or lra < 6
    assert made.lufs == pytest.approx(lufs, abs=0.3)
    assert made.true_peak_db == pytest.approx(peak, abs=0.3)
    assert made.notes == tuple(NOTES[kind] for kind in NOTES if kind in INPUTS[name][2])


def test_it_leaves_loud_and_soft_in_music(tmp_path: Path) -> None:
    source, made = master(tmp_path, "music")
    assert measured(made.path)[1] > 0.6 * measured(source)[1]


def test_it_refuses_what_is_too_quiet_to_be_heard(tmp_path: Path) -> None:
    whisper = filtered("-af", "volume=-50dB")(tmp_path)
    sources = [mastering.Take(source=whisper)]
    with pytest.raises(ContentError, match="im lặng hoặc quá nhỏ"):
        mastering.make(
            sources,
            tmp_path,
            voices=base.Registry([espeak.Espeak()]),
            chimes=False,
            work=tmp_path,
        )


def main() -> None:
    """The table of docs/sound.md."""
    for name, (words, _, _) in INPUTS.items():
        with tempfile.TemporaryDirectory() as folder:
            source, made = master(Path(folder), name)
            before, after = measured(source), measured(made.path)
        cells = [f"{value:.1f}".replace("-", "−") for value in (*before, *after)]
        print(f"| {words} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
