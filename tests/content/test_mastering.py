"""From words or an upload to the finished MP3, and nothing left behind when it fails."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import miniaudio
import numpy as np
import pytest

from content import audio, benches, confined, findings, making, mastering, transcode
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


VOICES = base.Registry([Espeak()])


def make(
    sources: list[mastering.Source], folder: Path, work: Path, **options: object
) -> mastering.Mastered:
    options = {"voices": VOICES, "chimes": False, **options}
    return mastering.make(sources, folder, work=work, **options)  # type: ignore[arg-type]


def say(
    text: str,
    folder: Path,
    work: Path,
    *,
    voice: str = "espeak",
    speed: int = 135,
    chimes: bool = True,
    **options: object,
) -> mastering.Mastered:
    speech = mastering.Speech(spoken=text, voice=voice, speed=speed)
    return make([speech], folder, work, chimes=chimes, **options)


def loudness(path: Path) -> findings.Loudness:
    return transcode.listen(path, peak=True).loudness


def take(source: Path, folder: Path, work: Path, **options: object) -> mastering.Mastered:
    return make([mastering.Take(source=source)], folder, work, **options)


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
    found = [loudness(tmp_path / f"{name}.wav").lufs for name in ("chime", "speech")]
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
    made = take(upload, folder, work, chimes=True)
    assert (made.voice, made.notes) == (None, ())
    assert made.lufs == pytest.approx(-16, abs=1)
    assert upload.read_bytes() == before
    assert files(work) == []
    bare = take(upload, folder, work)
    assert made.ms - bare.ms == pytest.approx(7600, abs=60)


def test_it_leaves_music_its_dynamics(folder: Path, work: Path, tmp_path: Path) -> None:
    chord = "+".join(f"sin(2*PI*{note}*t)*exp(-mod(t,0.5))" for note in (220, 330, 440, 550))
    formula = f"aevalsrc='0.15*({chord})*if(lt(mod(t,12),6),1,0.35)':s=24000:d=24"
    ffmpeg("-f", "lavfi", "-i", formula, tmp_path / "tune.wav")
    tune = mastering.Take(source=tmp_path / "tune.wav", music=True)
    music = make([tune], folder, work)
    speech = take(tmp_path / "tune.wav", folder, work)
    assert music.lufs == pytest.approx(-16, abs=1)
    assert loudness(music.path).lra > 2 * loudness(speech.path).lra


def rises_to_100(told: list[tuple[str, int]]) -> None:
    percents = [percent for _, percent in told]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)


def test_it_tells_how_far_it_is(upload: Path, folder: Path, work: Path) -> None:
    told: list[tuple[str, int]] = []
    say(NEWS, folder, work, progress=lambda step, percent: told.append((step, percent)))
    rises_to_100(told)
    assert [step for step, _ in itertools.groupby(step for step, _ in told)] == [
        "Đọc văn bản",
        "Cân âm lượng",
        "Ghép nhạc hiệu",
        "Nén MP3",
        "Kiểm tra bản đã nén",
        "Lưu bản ghi",
        "Xong",
    ]


# Several parts


def silence(folder: Path, seconds: float) -> Path:
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=24000", "-t", seconds, folder / "silence.wav")
    return folder / "silence.wav"


def speech_of(text: str, voice: str = "espeak") -> mastering.Speech:
    return mastering.Speech(spoken=text, voice=voice, speed=135)


def test_it_makes_one_recording_of_several_parts(
    upload: Path, folder: Path, work: Path, tmp_path: Path
) -> None:
    ffmpeg("-i", upload, "-af", "volume=-25dB", tmp_path / "quiet.wav")
    parts: list[mastering.Source] = [
        speech_of(NEWS),
        mastering.Bell(chime="ding-dong"),
        mastering.Take(source=tmp_path / "quiet.wav"),
    ]
    told: list[tuple[str, int]] = []
    made = make(parts, folder, work, progress=lambda step, percent: told.append((step, percent)))
    alone = [make([part], folder, work).ms for part in parts]
    assert made.ms == pytest.approx(sum(alone) + 2 * audio.BETWEEN_PARTS_MS, abs=160)
    assert (made.voices, made.notes) == (("espeak",), ())
    assert made.lufs == pytest.approx(-16, abs=1)
    for name, first, length in (("speech", 0, alone[0]), ("take", made.ms - alone[2], alone[2])):
        span = ["-ss", first / 1000, "-t", length / 1000]
        ffmpeg("-i", made.path, *span, tmp_path / f"{name}.wav")
        assert loudness(tmp_path / f"{name}.wav").lufs == pytest.approx(-16, abs=1), name
    rises_to_100(told)
    assert ("Phần 3: Đọc tệp", 26) in told
    assert files(work) == []


def test_it_gives_the_same_bytes_for_the_same_parts(upload: Path, folder: Path, work: Path) -> None:
    parts: list[mastering.Source] = [
        mastering.Take(source=upload, cuts=((1000, 2500), (4000, 6000))),
        mastering.Bell(chime="closing"),
    ]
    first = make(parts, folder, work)
    assert make(parts, folder, work) == first
    assert make(parts[::-1], folder, work).sha256 != first.sha256


def test_it_leaves_out_what_is_cut(upload: Path, folder: Path, work: Path) -> None:
    whole = take(upload, folder, work)
    cut = mastering.Take(source=upload, cuts=((2000, 5000), (6000, 7000)))
    assert whole.ms - make([cut], folder, work).ms == pytest.approx(4000, abs=400)
    assert mastering.Take(source=upload).cuts == ()


def test_it_cuts_a_recording_that_was_too_long(upload: Path, folder: Path, work: Path) -> None:
    with pytest.raises(ContentError, match="dài hơn 8 giây"):
        take(upload, folder, work, max_seconds=8)
    cut = mastering.Take(source=upload, cuts=((1000, 60_000),))
    assert make([cut], folder, work, max_seconds=8).ms < 2000


def test_it_levels_what_is_left_when_the_loudest_is_cut(
    upload: Path, folder: Path, work: Path, tmp_path: Path
) -> None:
    shout = "volume='if(lt(t,4),1,0.03)':eval=frame"
    ffmpeg("-i", upload, "-af", shout, tmp_path / "shout.wav")
    cut = mastering.Take(source=tmp_path / "shout.wav", cuts=((0, 4000),))
    assert make([cut], folder, work).lufs == pytest.approx(-16, abs=1)


def test_it_trims_the_silent_ends_of_every_part(
    upload: Path, folder: Path, work: Path, tmp_path: Path
) -> None:
    quiet = "volume=-30dB,adelay=4000:all=1,apad=pad_dur=4"
    ffmpeg("-i", upload, "-af", quiet, tmp_path / "ends.wav")
    bare = take(upload, folder, work)
    ends = take(tmp_path / "ends.wav", folder, work)
    assert ends.ms == pytest.approx(bare.ms, abs=600)
    twice = make([mastering.Take(source=tmp_path / "ends.wav")] * 2, folder, work)
    assert twice.ms == pytest.approx(2 * ends.ms + audio.BETWEEN_PARTS_MS, abs=100)


def test_it_names_each_voice_once(folder: Path, work: Path) -> None:
    class Other(Espeak):
        name, label = "other", "Giọng khác"

    both = base.Registry([Espeak(), Other()])
    parts: list[mastering.Source] = [
        speech_of("Một."), speech_of("Hai.", "other"), speech_of("Ba.")
    ]  # fmt: skip
    made = make(parts, folder, work, voices=both)
    assert made.voices == ("espeak", "other")
    assert made.voice == "espeak, other"


def test_it_says_which_part_is_at_fault(
    upload: Path, folder: Path, work: Path, tmp_path: Path
) -> None:
    good = mastering.Take(source=upload)
    faults: dict[str, tuple[mastering.Source, str]] = {
        "Phần 2: Bản ghi im lặng": (mastering.Take(source=silence(tmp_path, 3)), "upload"),
        "Phần 2: Tệp rỗng": (mastering.Take(source=tmp_path / "absent"), "upload"),
        "Phần 2: Các đoạn cắt bỏ": (mastering.Take(source=upload, cuts=((0, 99_000),)), "cuts"),
        "Phần 2: Nội dung chưa có chữ": (speech_of("…"), "body"),
    }
    for words, (source, field) in faults.items():
        with pytest.raises(ContentError, match=f"^{words}.*Hãy") as refusal:
            make([good, source], folder, work)
        assert refusal.value.field == field
    assert files(work) == []
    assert not folder.exists()


def test_it_refuses_parts_that_are_together_too_long(
    upload: Path, folder: Path, work: Path
) -> None:
    good = mastering.Take(source=upload)
    seconds = take(upload, folder, work).ms / 1000
    match = "^Phần 2: Cả bản tin, tính đến phần này, dài hơn"
    with pytest.raises(ContentError, match=match):
        make([good, good], folder, work, max_seconds=int(1.5 * seconds))
    assert make([good, good], folder, work, max_seconds=int(2 * seconds) + 1).ms > 0


def test_it_names_the_part_in_its_warning(
    upload: Path, folder: Path, work: Path, tmp_path: Path
) -> None:
    ffmpeg("-i", upload, "-af", "volume=20dB", tmp_path / "clipped.wav")
    parts: list[mastering.Source] = [
        speech_of("Một."), mastering.Take(source=tmp_path / "clipped.wav")
    ]  # fmt: skip
    assert make(parts, folder, work).notes == (f"Phần 2: {making.CLIPPED}",)


def test_it_refuses_a_bulletin_of_nothing(folder: Path, work: Path) -> None:
    with pytest.raises(ContentError, match="chưa có nội dung") as refusal:
        make([], folder, work)
    assert refusal.value.field == "parts"


def test_it_encodes_once_more_when_the_encoder_overshot(
    upload: Path, folder: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    encode = transcode.encode_mp3

    def noting(path: Path, out: Path, *, ceiling_db: float = 0.0, **options: object) -> None:
        asked.append(ceiling_db)
        encode(path, out, ceiling_db=ceiling_db, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(transcode, "encode_mp3", noting)
    highest = take(upload, folder, work).true_peak_db - 0.5
    asked.clear()
    monkeypatch.setattr(mastering, "HIGHEST_PEAK_DBTP", highest)
    told: list[tuple[str, int]] = []
    made = take(upload, folder, work, progress=lambda *news: told.append(news))
    assert len(asked) >= 2
    assert asked == sorted(asked, reverse=True)
    assert made.true_peak_db <= highest
    assert made.lufs == pytest.approx(-16, abs=1)
    rises_to_100(told)


# Before anything is done to it


def test_it_lets_an_upload_be_heard_as_it_came(upload: Path, work: Path, tmp_path: Path) -> None:
    ends = "volume=-20dB,adelay=1500:all=1,apad=pad_dur=2.5"
    ffmpeg("-i", upload, "-af", ends, "-c:a", "pcm_s16le", tmp_path / "ends.wav")
    out = tmp_path / "previews" / "a.mp3"
    told: list[tuple[str, int]] = []
    found = mastering.preview(
        tmp_path / "ends.wav", out, work=work, progress=lambda *news: told.append(news)
    )
    assert found.lufs == pytest.approx(loudness(upload).lufs - 20 - 3, abs=1)  # mono
    assert found.lufs == pytest.approx(loudness(out).lufs, abs=0.5)
    assert found.ms == pytest.approx(transcode.listen(out).ms, abs=80)
    assert (found.claimed_ms, found.clipped) == (pytest.approx(found.ms, abs=5), False)
    assert found.head_ms == pytest.approx(1500, abs=200)
    assert found.tail_ms == pytest.approx(2500, abs=400)
    assert len(found.peaks) == 2000
    assert max(found.peaks[:150]) == 0 < max(found.peaks)
    rises_to_100(told)
    assert files(work) == []
    assert files(out.parent) == ["a.mp3"]


def test_it_previews_silence_and_refuses_what_is_no_recording(work: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.mp3"
    found = mastering.preview(silence(tmp_path, 3), out, work=work)
    assert (found.ms, found.lufs, found.head_ms, found.tail_ms) == (3000, -70, 3000, 0)
    before = out.read_bytes()
    (tmp_path / "page.mp3").write_text("<html></html>" * 100)
    with pytest.raises(ContentError, match="Hãy"):
        mastering.preview(tmp_path / "page.mp3", out, work=work)
    with pytest.raises(ContentError, match="dài hơn 2 giây"):
        mastering.preview(silence(tmp_path, 3), out, work=work, max_seconds=2)
    assert out.read_bytes() == before
    assert files(work) == []


# What the approver is told


def test_it_notes_a_clipped_recording(
    upload: Path, folder: Path, work: Path, tmp_path: Path
) -> None:
    ffmpeg("-i", upload, "-af", "volume=20dB", tmp_path / "clipped.wav")
    made = take(tmp_path / "clipped.wav", folder, work)
    assert made.notes == (making.CLIPPED,)
    assert made.lufs == pytest.approx(-16, abs=1)


def test_it_notes_a_truncated_upload(
    upload: Path, folder: Path, work: Path, tmp_path: Path
) -> None:
    raw = upload.read_bytes()
    (tmp_path / "cut.mp3").write_bytes(raw[: len(raw) // 2])
    made = take(tmp_path / "cut.mp3", folder, work)
    assert len(made.notes) == 1
    assert "bị cắt cụt" in made.notes[0]


def test_it_notes_that_another_voice_spoke(folder: Path, work: Path) -> None:
    class Away(Espeak):
        name, label, offline = "away", "Giọng vắng", False

        def speak(self, text: str, out: Path, **options: object) -> None:
            raise base.VoiceFailed("Mất mạng. Hãy kiểm tra mạng.")

    both = base.Registry([Away(), Espeak()], "away")
    made = say(NEWS, folder, work, voice="away", voices=both)
    assert (made.voice, made.voices) == ("espeak", ("espeak",))
    assert made.notes == (
        "Mất mạng. Hãy kiểm tra mạng. Bản này được đọc bằng “Giọng máy miền Bắc (ngoại tuyến)”.",
    )


# What is refused, and what it leaves behind


@pytest.mark.parametrize(
    ("text", "options", "field"),
    [
        ("", {}, "body"),
        ("– …", {}, "body"),
        ("a" * 150_001, {}, "body"),
        ("Xin chào", {"speed": 300}, "speed"),
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
            take(source, folder, work)
    assert files(work) == []
    assert not folder.exists()


def test_it_refuses_a_recording_without_end(folder: Path, work: Path, tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=r=8000", "-t", "200", tmp_path / "long.flac")
    with pytest.raises(ContentError, match="dài hơn 2 phút"):
        take(tmp_path / "long.flac", folder, work, max_seconds=120)
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
    ended = confined.Ended(228, report, False)
    monkeypatch.setattr(confined, "run", lambda command, take, limit: ended)
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


KILLED = """
import os, signal, sys
from pathlib import Path
from content import mastering
from content.voices.base import Registry
from content.voices.espeak import Espeak
source, folder, work = map(Path, sys.argv[1:])

def die(step, percent):
    if step == "Nén MP3":
        print(os.getpid(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

mastering.make([mastering.Take(source=source)], folder, voices=Registry([Espeak()]), chimes=True,
               work=work, progress=die)
"""


def test_it_leaves_no_half_recording_when_it_is_killed(
    upload: Path, folder: Path, work: Path
) -> None:
    folder.mkdir()
    before = upload.read_bytes()
    root = Path(mastering.__file__).parents[1]
    killed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, upload, folder, work],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert files(folder) == []
    assert upload.read_bytes() == before
    shutil.rmtree(work)  # as the worker does when it starts
    assert take(upload, folder, work).ms > 5000


def test_it_ends_its_child_when_it_is_killed(tmp_path: Path) -> None:
    """An ffmpeg that outlived us would go on filling the disk."""
    if not (shutil.which("setpriv") and shutil.which("prlimit")):
        pytest.skip("needs setpriv and prlimit")
    program = (
        "import sys; from content import confined;"
        "confined.run(confined.limited(['/bin/sh', '-c', 'echo $$; exec sleep 60'], cpu_seconds=99, file_bytes=0),"
        "lambda chunk: print(chunk.decode(), flush=True), 60)"
    )
    root = Path(mastering.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    deadline = time.monotonic() + 20
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(child)


def alive(pid: int) -> bool:
    """Running, not merely waiting for somebody to read its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_moves_a_recording_between_disks(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def across(self: Path, target: Path) -> Path:
        if self.parent != target.parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", across)
    (tmp_path / "made.mp3").write_bytes(b"sound")
    path, sha256 = benches.keep(tmp_path / "made.mp3", folder)
    assert path.read_bytes() == b"sound"
    assert sha256 == hashlib.sha256(b"sound").hexdigest()
    assert path.stat().st_mode & 0o777 == 0o644
    assert files(folder) == [f"{sha256[:2]}/{sha256}.mp3"]


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
    take(
        five_minutes,
        folder,
        work,
        progress=lambda step, percent: highest.append(_resident_megabytes()),
    )
    assert max(highest) - before < 20
    shutil.rmtree(folder)


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
