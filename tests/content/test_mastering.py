"""From words or an upload to the finished MP3, and nothing left behind when it fails."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import shutil
import subprocess
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import miniaudio
import numpy as np
import pytest

from content import audio, mastering, transcode, voices
from content.voices import base
from content.voices.espeak import Espeak
from loa.errors import ContentError

NEWS = (
    "Ủy ban nhân dân xã thông báo: từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn "
    "tập trung tại nhà văn hóa để tiêm phòng cho trẻ em. Đề nghị các gia đình mang theo sổ tiêm chủng."
)


def ffmpeg(*arguments: object) -> None:
    command = [transcode.find_ffmpeg(), "-v", "error", "-nostdin", "-y"]
    subprocess.run([*command, *map(str, arguments)], check=True, timeout=60)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


@pytest.fixture(scope="session")
def upload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 12 s of speech as a phone would send it."""
    folder = tmp_path_factory.mktemp("upload")
    Espeak().speak(NEWS, folder / "a.wav")
    ffmpeg("-i", folder / "a.wav", "-ac", "2", "-ar", "44100", folder / "upload.mp3")
    return folder / "upload.mp3"


def say(text: str, folder: Path, work: Path, **options: object) -> mastering.Mastered:
    options = {"voice": "espeak", "speed": 135, **options}
    return mastering.from_text(text, folder, work=work, **options)  # type: ignore[arg-type]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# What comes out


def test_it_makes_a_finished_recording_of_a_text(folder: Path, work: Path) -> None:
    made = say(NEWS, folder, work)
    raw = made.path.read_bytes()
    assert made.sha256 == hashlib.sha256(raw).hexdigest()
    assert made.path == folder / made.sha256[:2] / f"{made.sha256}.mp3"
    assert made.size == len(raw)
    assert made.lufs == pytest.approx(-16, abs=1)
    assert made.true_peak_db < 0
    assert len(made.peaks) == 600
    assert 50 < max(made.peaks) <= 100
    assert (made.voice, made.notes) == ("espeak", ())
    assert files(work) == []
    assert files(folder) == [f"{made.sha256[:2]}/{made.sha256}.mp3"]
    assert made.path.stat().st_mode & 0o777 == 0o644


def test_it_takes_the_time_the_words_need(folder: Path, work: Path) -> None:
    made = say(NEWS, folder, work)
    chimes = 3600 + 500 + 500 + 3000
    speech = len(NEWS.split()) / 183 * 60_000
    assert made.ms == pytest.approx(chimes + speech + 600, rel=0.08)
    bare = say(NEWS, folder, work, chimes=False)
    assert made.ms - bare.ms == pytest.approx(chimes, abs=60)


@pytest.mark.parametrize("chimes", [True, False])
def test_it_gives_the_length_a_receiver_will_play(folder: Path, work: Path, chimes: bool) -> None:
    made = say(NEWS, folder, work, chimes=chimes)
    received = miniaudio.decode_file(str(made.path), nchannels=1, sample_rate=24_000)
    assert made.ms == pytest.approx(received.num_frames * 1000 / 24_000, abs=50)


def test_it_gives_the_same_file_for_the_same_words(
    folder: Path, work: Path, tmp_path: Path
) -> None:
    first = say(NEWS, folder, work)
    kept = first.path.stat()
    again = say(NEWS, folder, work)
    elsewhere = say(NEWS, tmp_path / "other", tmp_path / "bench")
    assert first == again
    assert elsewhere.sha256 == first.sha256
    assert (first.path.stat().st_ino, first.path.stat().st_mtime_ns) == (
        kept.st_ino,
        kept.st_mtime_ns,
    )
    assert say(NEWS, folder, work, speed=140).sha256 != first.sha256


def test_it_replaces_a_file_damaged_on_the_disk(folder: Path, work: Path) -> None:
    made = say(NEWS, folder, work)
    made.path.write_bytes(made.path.read_bytes()[:100])
    assert say(NEWS, folder, work) == made
    assert hashlib.sha256(made.path.read_bytes()).hexdigest() == made.sha256


def test_it_masters_four_texts_at_once(folder: Path, work: Path) -> None:
    texts = [f"Thôn {word}. {NEWS}" for word in ("một", "hai", "ba", "bốn")]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda text: say(text, folder, work), texts))
    assert len({one.sha256 for one in made}) == 4
    assert made[2].sha256 == say(texts[2], folder, work).sha256
    assert files(work) == []


def test_it_makes_speech_and_chimes_equally_loud(folder: Path, work: Path, tmp_path: Path) -> None:
    made = say(NEWS, folder, work)
    ffmpeg("-i", made.path, "-t", "3.6", tmp_path / "chime.wav")
    ffmpeg("-i", made.path, "-ss", "4.1", "-t", "10", tmp_path / "speech.wav")
    found = [transcode.measure(tmp_path / f"{name}.wav").lufs for name in ("chime", "speech")]
    assert found[0] == pytest.approx(found[1], abs=1)


def test_it_joins_without_a_click(folder: Path, work: Path) -> None:
    """Between chime and speech lies true silence, so no step can be heard."""
    made = say(NEWS, folder, work)
    sound = miniaudio.decode_file(str(made.path), nchannels=1, sample_rate=24_000)
    samples = np.abs(np.frombuffer(sound.samples, "<i2").astype(int))
    delay = 1105  # samples the encoder puts in front
    gap = samples[int(3.65 * 24_000) + delay : int(4.0 * 24_000) + delay]
    assert gap.max() < 100


def test_it_masters_an_upload(upload: Path, folder: Path, work: Path) -> None:
    before = upload.read_bytes()
    made = mastering.from_upload(upload, folder, work=work)
    assert (made.voice, made.notes) == (None, ())
    assert made.lufs == pytest.approx(-16, abs=1)
    assert upload.read_bytes() == before
    assert files(work) == []
    bare = mastering.from_upload(upload, folder, work=work, chimes=False)
    assert made.ms - bare.ms == pytest.approx(7600, abs=60)


def test_it_leaves_music_its_dynamics(folder: Path, work: Path, tmp_path: Path) -> None:
    chord = "+".join(f"sin(2*PI*{note}*t)*exp(-mod(t,0.5))" for note in (220, 330, 440, 550))
    tune = f"aevalsrc='0.15*({chord})*if(lt(mod(t,12),6),1,0.35)':s=24000:d=24"
    ffmpeg("-f", "lavfi", "-i", tune, tmp_path / "tune.wav")
    options = {"work": work, "chimes": False}
    music = mastering.from_upload(tmp_path / "tune.wav", folder, music=True, **options)
    speech = mastering.from_upload(tmp_path / "tune.wav", folder, **options)
    assert music.lufs == pytest.approx(-16, abs=1)
    assert transcode.measure(music.path).lra > 2 * transcode.measure(speech.path).lra


def test_it_tells_how_far_it_is(upload: Path, folder: Path, work: Path) -> None:
    told: list[tuple[str, int]] = []
    say(NEWS, folder, work, progress=lambda step, percent: told.append((step, percent)))
    percents = [percent for _, percent in told]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)
    assert [step for step, _ in itertools.groupby(step for step, _ in told)] == [
        "Đọc văn bản",
        "Cân âm lượng",
        "Ghép nhạc hiệu",
        "Nén MP3",
        "Kiểm tra bản đã nén",
        "Lưu bản ghi",
        "Xong",
    ]


# What the approver is told


def test_it_notes_a_clipped_recording(
    upload: Path, folder: Path, work: Path, tmp_path: Path
) -> None:
    ffmpeg("-i", upload, "-af", "volume=20dB", tmp_path / "clipped.wav")
    made = mastering.from_upload(tmp_path / "clipped.wav", folder, work=work)
    assert made.notes == (mastering.CLIPPED,)
    assert made.lufs == pytest.approx(-16, abs=1)


def test_it_notes_a_truncated_upload(
    upload: Path, folder: Path, work: Path, tmp_path: Path
) -> None:
    raw = upload.read_bytes()
    (tmp_path / "cut.mp3").write_bytes(raw[: len(raw) // 2])
    made = mastering.from_upload(tmp_path / "cut.mp3", folder, work=work)
    assert len(made.notes) == 1
    assert "bị cắt cụt" in made.notes[0]


def test_it_notes_that_another_voice_spoke(
    folder: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away(Espeak):
        name, label, offline = "away", "Giọng vắng", False

        def speak(self, text: str, out: Path, **options: object) -> None:
            raise base.VoiceFailed("Mất mạng. Hãy kiểm tra mạng.")

    both = base.Registry([Away(), Espeak()], "away")
    monkeypatch.setattr(voices, "registry", lambda: both)
    made = say(NEWS, folder, work, voice="away")
    assert made.voice == "espeak"
    assert made.notes == (
        "Mất mạng. Hãy kiểm tra mạng. Bản này được đọc bằng “Giọng máy miền Bắc (ngoại tuyến)”.",
    )


# What is refused, and what it leaves behind


@pytest.mark.parametrize(
    ("text", "options", "field"),
    [
        ("", {}, "body"),
        ("– …", {}, "body"),
        ("a" * 30_001, {}, "body"),
        ("Xin chào", {"speed": 300}, "speed"),
        ("Xin chào", {"voice": "ai"}, "voice"),
    ],
)
def test_it_refuses_in_a_sentence_at_the_field(
    folder: Path, work: Path, text: str, options: dict[str, object], field: str
) -> None:
    with pytest.raises(ContentError, match="Hãy") as refusal:
        say(text, folder, work, **options)
    assert refusal.value.field == field
    assert files(work) == []
    assert not folder.exists()


def test_it_refuses_what_is_no_recording(
    upload: Path, folder: Path, work: Path, tmp_path: Path
) -> None:
    sources = {name: tmp_path / f"{name}.mp3" for name in ("concat", "html", "empty", "silent")}
    sources["concat"].write_text(f"ffconcat version 1.0\nfile '{upload}'\n")
    sources["html"].write_text("<html></html>" * 100)
    sources["empty"].touch()
    ffmpeg("-f", "lavfi", "-i", "anullsrc", "-t", "3", sources["silent"])
    for source in sources.values():
        with pytest.raises(ContentError, match="Hãy"):
            mastering.from_upload(source, folder, work=work)
    assert files(work) == []
    assert not folder.exists()


def test_it_refuses_a_recording_without_end(folder: Path, work: Path, tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=r=8000", "-t", "200", tmp_path / "long.flac")
    started = time.monotonic()
    with pytest.raises(ContentError, match="dài hơn 2 phút"):
        mastering.from_upload(tmp_path / "long.flac", folder, work=work, max_seconds=120)
    assert time.monotonic() - started < 3
    assert files(work) == []


def test_it_says_that_the_disk_is_full(
    folder: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ContentError, match="Ổ đĩa đã đầy"):
        say(NEWS, folder, work)
    assert files(work) == []
    assert files(folder) == []


def test_it_says_so_when_ffmpeg_finds_the_disk_full(
    folder: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = "Error writing trailer: No space left on device"
    monkeypatch.setattr(transcode, "_run", lambda command, take, limit: (228, report, False))
    with pytest.raises(ContentError, match="Ổ đĩa đã đầy"):
        say(NEWS, folder, work)


def test_it_is_on_the_disk_before_it_has_its_name(
    folder: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def note_sync(handle: int) -> None:
        done.append("sync folder" if Path(f"/proc/self/fd/{handle}").is_dir() else "sync file")
        sync(handle)

    def note_replace(self: Path, target: Path) -> Path:
        if target.suffix == ".mp3":
            done.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_replace)
    say(NEWS, folder, work)
    assert done == ["sync file", "rename", "sync folder", "sync folder"]


def test_it_cleans_up_when_somebody_stops_it(folder: Path, work: Path) -> None:
    def stop(step: str, percent: int) -> None:
        if percent > 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        say(NEWS, folder, work, progress=stop)
    assert files(work) == []
    assert list(work.iterdir()) == []
    assert not folder.exists()


def test_it_is_ready_soon(folder: Path, work: Path) -> None:
    """A minute of bulletin; five minutes may take 10 s on two cores, most of it does not grow."""
    started = time.monotonic()
    made = say("\n".join([NEWS] * 5), folder, work)
    assert made.ms > 60_000
    assert time.monotonic() - started < 10


def test_it_holds_no_long_upload_in_memory(folder: Path, work: Path, tmp_path: Path) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    five_minutes = tmp_path / "long.wav"
    with wave.open(str(five_minutes), "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        minute = np.frombuffer(audio.chime("opening").raw_data * 17, "<i2").tobytes()
        for _ in range(5):
            file.writeframes(minute)
    del minute
    before = _resident_megabytes()
    highest = [before]
    mastering.from_upload(
        five_minutes,
        folder,
        work=work,
        progress=lambda step, percent: highest.append(_resident_megabytes()),
    )
    assert max(highest) - before < 20
    shutil.rmtree(folder)


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
