"""Sound of every kind, honest and hostile, through a real ffmpeg."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
import wave
from collections.abc import Callable
from pathlib import Path

import miniaudio
import numpy as np
import pytest

from content import confined, findings, transcode
from content.voices.espeak import Espeak
from loa.errors import ContentError

NEWS = (
    "Ủy ban nhân dân xã thông báo: từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn "
    "tập trung tại nhà văn hóa để tiêm phòng cho trẻ em. Đề nghị các gia đình mang theo sổ tiêm chủng."
)


def ffmpeg(*arguments: object) -> None:
    """Make an input, with the ffmpeg that has every encoder; what is tested may run another one."""
    command = [transcode.imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"]
    subprocess.run([*command, *map(str, arguments)], check=True, timeout=60)


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 24 s of speech, 22,050 Hz."""
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    Espeak().speak(f"{NEWS}\n{NEWS}", path)
    return path


@pytest.fixture
def decode(tmp_path: Path) -> Callable[..., transcode.DecodedWav]:
    def run(source: Path, **options: float) -> transcode.DecodedWav:
        options.setdefault("max_seconds", 600)
        return transcode.decode_to_wav(source, tmp_path / "decoded.wav", **options)

    return run


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_768


# What people send


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp3", ["-b:a", "64k"]),
        ("a.wav", ["-ar", "8000", "-c:a", "pcm_mulaw"]),
        ("a.wav", ["-ac", "2", "-c:a", "pcm_f32le"]),
        ("a.ogg", ["-c:a", "libopus"]),
        ("a.ogg", ["-c:a", "libvorbis"]),
        ("a.m4a", ["-c:a", "aac"]),
        ("a.flac", []),
        ("a.webm", ["-c:a", "libopus"]),
        ("a.aac", []),
        ("a.wma", []),
        ("a.3gp", ["-c:a", "libopencore_amrnb", "-ar", "8000", "-ac", "1", "-b:a", "12.2k"]),
        ("a.aiff", []),
        ("a.caf", []),
        ("a.mka", ["-c:a", "flac"]),
    ],
)
def test_it_reads_what_phones_and_computers_record(
    speech: Path,
    tmp_path: Path,
    decode: Callable[..., transcode.DecodedWav],
    name: str,
    options: list[str],
) -> None:
    source = tmp_path / name
    ffmpeg("-t", "2", "-i", speech, *options, source)
    lies = source.rename(tmp_path / "upload.mp3")  # a name says nothing
    decoded = decode(lies)
    assert decoded.sample_rate == 24_000
    assert decoded.ms == pytest.approx(2000, abs=120)
    with wave.open(str(decoded.path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)


def test_it_takes_the_sound_of_a_video(
    speech: Path, tmp_path: Path, decode: Callable[..., transcode.DecodedWav]
) -> None:
    picture = ["-f", "lavfi", "-i", "testsrc=s=64x64:d=2", "-c:v", "mpeg4", "-t", "2"]
    ffmpeg("-i", speech, *picture, tmp_path / "film.mp4")
    assert decode(tmp_path / "film.mp4").ms == pytest.approx(2000, abs=60)


def test_it_mixes_two_equal_channels_without_clipping(
    speech: Path, tmp_path: Path, decode: Callable[..., transcode.DecodedWav]
) -> None:
    ffmpeg("-i", speech, "-ac", "2", "-c:a", "pcm_f32le", tmp_path / "stereo.wav")
    assert np.max(np.abs(samples(decode(tmp_path / "stereo.wav").path))) < 0.9


def test_it_reports_progress_that_never_falls(speech: Path, tmp_path: Path) -> None:
    told: list[float] = []
    level(speech, tmp_path / "n.wav", progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert min(told) >= 0.0


def test_it_stops_when_progress_raises(speech: Path, tmp_path: Path) -> None:
    def stop(done: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transcode.listen(speech, progress=stop)


# What the file claims


def test_it_notes_a_truncated_file(
    speech: Path, tmp_path: Path, decode: Callable[..., transcode.DecodedWav]
) -> None:
    for name in ("whole.mp3", "whole.wav", "whole.flac"):
        ffmpeg("-i", speech, tmp_path / name)
        raw = (tmp_path / name).read_bytes()
        (tmp_path / "cut").write_bytes(raw[: len(raw) * 2 // 5])
        cut = decode(tmp_path / "cut")
        note = findings.truncation_note(cut.claimed_ms, cut.ms)
        assert note is not None, name
        assert "bị cắt cụt" in note
        whole = decode(tmp_path / name)
        assert findings.truncation_note(whole.claimed_ms, whole.ms) is None


def test_it_words_lengths_as_people_do() -> None:
    note = findings.truncation_note(300_000, 116_700)
    assert note is not None
    assert "dài 5 phút 0 giây nhưng chỉ đọc được 1 phút 57 giây" in note
    assert findings.truncation_note(None, 5) is None
    assert findings.truncation_note(1000, 951) is None


# The child process


def test_it_kills_the_whole_group_when_time_is_up(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {mark}; wait"
    started = time.monotonic()
    ended = confined.run(["sh", "-c", script], lambda chunk: None, 0.5)
    assert time.monotonic() - started < 60
    assert ended.late
    assert ended.code != 0
    grandchild = int(mark.read_text())
    deadline = time.monotonic() + 60
    while _alive(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(grandchild)


def test_it_does_not_wait_for_an_orphan_that_holds_the_pipe() -> None:
    started = time.monotonic()
    assert confined.run(["sh", "-c", "sleep 600 & exit 0"], lambda chunk: None, 0.5).late
    assert time.monotonic() - started < 60


def _alive(pid: int) -> bool:
    """Running, not merely waiting for somebody to read its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_says_so_when_time_is_up(
    speech: Path, monkeypatch: pytest.MonkeyPatch, decode: Callable[..., transcode.DecodedWav]
) -> None:
    monkeypatch.setattr(confined, "limited", lambda command, **limits: ["sleep", "60"])
    real = confined.run
    monkeypatch.setattr(confined, "run", lambda command, take, limit: real(command, take, 0.3))
    with pytest.raises(ContentError, match="quá lâu"):
        decode(speech)


def test_it_keeps_a_flood_of_complaints_small() -> None:
    script = "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo end >&2"
    ended = confined.run(["sh", "-c", script], lambda chunk: None, 20)
    assert (ended.code, ended.late) == (0, False)
    assert len(ended.report) <= 2 * confined.KEPT_LOG_BYTES
    assert ended.report.endswith("end\n")


@pytest.mark.parametrize("programs", ["prlimit", "python"])
def test_it_limits_memory_files_and_manners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: str
) -> None:
    if programs == "python":
        monkeypatch.setattr(confined.shutil, "which", lambda name: None)
    elif not shutil.which("prlimit"):
        pytest.skip("prlimit is not on this machine")
    told: list[bytes] = []
    shown = ["sh", "-c", "ulimit -v; ulimit -n; ulimit -t; nice; cat"]
    command = confined.limited(["/usr/bin/env", *shown], cpu_seconds=200, file_bytes=5_194_304)
    ended = confined.run(command, told.append, 10)
    assert ended.code == 0, ended.report
    memory, files, processor, manners = b"".join(told).split()
    assert (memory, files, processor) == (b"1048576", b"64", b"200")
    assert int(manners) >= 10


def test_it_works_without_prlimit(
    speech: Path, monkeypatch: pytest.MonkeyPatch, decode: Callable[..., transcode.DecodedWav]
) -> None:
    found = transcode.find_ffmpeg()
    monkeypatch.setattr(transcode, "find_ffmpeg", lambda: found)
    monkeypatch.setattr(confined.shutil, "which", lambda name: None)
    assert decode(speech).ms > 20_000


def test_it_stops_at_the_file_size_limit(
    speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcode, "WAV_BYTES_PER_SECOND", 0)
    endless = ["-f", "lavfi", "-i", "sine", "-t", "1000", "-y", f"file:{tmp_path / 'big.wav'}"]
    with pytest.raises(ContentError):
        transcode._ffmpeg(endless, lambda chunk: None, 100, None)
    assert (tmp_path / "big.wav").stat().st_size <= 4 << 20


def test_it_gives_the_child_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_DATABASE_URL", "postgresql://secret")
    told: list[bytes] = []
    confined.run(["/usr/bin/env"], told.append, 10)
    assert b"secret" not in b"".join(told)


def test_it_says_what_to_install_when_there_is_no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> str:
        raise RuntimeError("no binary")

    monkeypatch.setattr(transcode.shutil, "which", lambda name: None)
    monkeypatch.setattr(transcode.imageio_ffmpeg, "get_ffmpeg_exe", nothing)
    with pytest.raises(ContentError, match="cài ffmpeg"):
        transcode.find_ffmpeg.__wrapped__()


def test_it_passes_over_a_system_ffmpeg_that_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "ffmpeg"
    old.write_text("#!/bin/sh\necho 'No such filter: speechnorm' >&2\nexit 1\n")
    old.chmod(0o755)
    monkeypatch.setattr(transcode.shutil, "which", lambda name: str(old))
    assert transcode.find_ffmpeg.__wrapped__() == transcode.imageio_ffmpeg.get_ffmpeg_exe()


# Loudness


def level(path: Path, out: Path, **options: object) -> float:
    """Level the whole of a WAV."""
    heard = transcode.listen(path, highpass_hz=150)
    return transcode.level(path, out, heard, (0, heard.levels.samples), **options)


def loudness(path: Path) -> findings.Loudness:
    return transcode.listen(path, peak=True).loudness


@pytest.mark.parametrize("target", [-20.0, -14.0])
def test_it_keeps_to_another_target(speech: Path, tmp_path: Path, target: float) -> None:
    level(speech, tmp_path / "n.wav", target_lufs=target)
    assert loudness(tmp_path / "n.wav").lufs == pytest.approx(target, abs=1)


def test_it_takes_away_what_a_horn_cannot_radiate(speech: Path, tmp_path: Path) -> None:
    hum = ["-f", "lavfi", "-i", "sine=f=50:d=60:r=22050"]
    mix = ["-filter_complex", "amix=2:normalize=0:duration=first", "-ar", "24000"]
    ffmpeg("-i", speech, *hum, *mix, tmp_path / "in.wav")
    level(tmp_path / "in.wav", tmp_path / "n.wav")
    assert _share_below(100, tmp_path / "in.wav") > 0.3
    assert _share_below(100, tmp_path / "n.wav") < 0.06


def _share_below(hertz: int, path: Path) -> float:
    sound = samples(path)
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float(power[: hertz * len(sound) // 24_000].sum() / power.sum())


def test_it_does_not_lift_the_hiss_between_words_as_much_as_a_whisper(
    speech: Path, tmp_path: Path, decode: Callable[..., transcode.DecodedWav]
) -> None:
    noise = ["-f", "lavfi", "-i", "anoisesrc=c=pink:a=0.01:d=60:r=22050:seed=1"]
    mix = ["-filter_complex", "amix=2:normalize=0:duration=first"]
    ffmpeg("-i", speech, *noise, *mix, tmp_path / "in.wav")
    decoded = decode(tmp_path / "in.wav").path
    before = _speech_over_pauses_db(decoded)
    level(decoded, tmp_path / "n.wav")
    assert _speech_over_pauses_db(tmp_path / "n.wav") > before - 9


def _speech_over_pauses_db(path: Path) -> float:
    sound = samples(path)
    frames = sound[: len(sound) // 1200 * 1200].reshape(-1, 1200)
    level = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    return float(np.percentile(level, 60) - np.percentile(level, 3))


# The finished file


def test_it_encodes_what_the_simplest_receiver_can_play(speech: Path, tmp_path: Path) -> None:
    transcode.encode_mp3(speech, tmp_path / "a.mp3")
    raw = (tmp_path / "a.mp3").read_bytes()
    assert raw[:2] == b"\xff\xf3"  # MPEG-2 layer III at once: no tag in front
    assert b"Xing" not in raw
    assert b"Info" not in raw[:200]
    assert b"TAG" not in raw[-128:]
    info = miniaudio.mp3_get_file_info(str(tmp_path / "a.mp3"))
    assert (info.nchannels, info.sample_rate) == (1, 24_000)
    assert len(raw) * 8 / info.duration == pytest.approx(48_000, rel=0.01)


def test_it_gives_the_same_bytes_for_the_same_sound(speech: Path, tmp_path: Path) -> None:
    hashes = set()
    for name in ("a.mp3", "another name.mp3"):
        transcode.encode_mp3(speech, tmp_path / name)
        hashes.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_it_counts_the_time_as_a_receiver_does(speech: Path, tmp_path: Path) -> None:
    transcode.encode_mp3(speech, tmp_path / "a.mp3")
    received = miniaudio.decode_file(str(tmp_path / "a.mp3"), nchannels=1, sample_rate=24_000)
    assert transcode.listen(tmp_path / "a.mp3").ms == pytest.approx(
        1000 * received.num_frames / 24_000, abs=50
    )


def test_it_draws_the_wave(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "steps.wav"), "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        for level in (0, 8192, 16_384, -32_768):
            file.writeframes(np.full(12_000, level, dtype="<i2").tobytes())
    heard = transcode.listen(tmp_path / "steps.wav").levels
    drawn = heard.peaks(8)
    assert drawn == [0, 0, 25, 25, 50, 50, 100, 100]
    many = heard.peaks(5000)  # more parts than there is sound for
    assert (len(many), many[0], many[-1]) == (5000, 0, 100)


def test_it_leaves_no_file_descriptor_open(speech: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    loudness(speech)
    before = _open_files()
    for _ in range(3):
        loudness(speech)
    assert _open_files() == before


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
