"""Sound of every kind, honest and hostile, through a real ffmpeg."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import time
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path

import miniaudio
import numpy as np
import pytest

from content import transcode
from content.voices.espeak import Espeak
from loa.errors import ContentError

NEWS = (
    "Ủy ban nhân dân xã thông báo: từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn "
    "tập trung tại nhà văn hóa để tiêm phòng cho trẻ em. Đề nghị các gia đình mang theo sổ tiêm chủng."
)


def ffmpeg(*arguments: object) -> None:
    command = [transcode.find_ffmpeg(), "-v", "error", "-nostdin", "-y"]
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
    transcode.normalise(speech, tmp_path / "n.wav", progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert min(told) >= 0.0


def test_it_stops_when_progress_raises(speech: Path, tmp_path: Path) -> None:
    def stop(done: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transcode.examine(speech, progress=stop)


# What people should not send


def hostile(folder: Path, speech: Path) -> dict[str, Path]:
    """The table of hostile uploads, as files named like recordings."""
    secret = folder / "secret.wav"
    shutil.copy(speech, secret)
    texts = {
        "ffconcat": f"ffconcat version 1.0\nfile {secret.name}\n",
        "ffconcat-absolute": f"ffconcat version 1.0\nfile '{secret}'\n",
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "hls-http": "#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.mp3\n#EXT-X-ENDLIST\n",
        "html": "<html><body>" + "Đăng nhập " * 500 + "</body></html>",
        "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/passwd"/></svg>',
        "short": "RIFF",
    }
    files = {name: folder / f"{name}.mp3" for name in texts}
    for name, text in texts.items():
        files[name].write_text(text)
    files["m3u8"] = folder / "list.m3u8"
    files["m3u8"].write_text(texts["hls"])
    files["zip"] = folder / "zip.mp3"
    with zipfile.ZipFile(files["zip"], "w") as archive:
        archive.write(speech, "speech.wav")
    files["noise"] = folder / "noise.mp3"
    files["noise"].write_bytes(random.Random(1).randbytes(50_000).replace(b"\xff", b"\0"))
    files["empty"] = folder / "empty.mp3"
    files["empty"].touch()
    files["absent"] = folder / "absent.mp3"
    return files


def test_it_refuses_what_is_no_recording_in_a_sentence(
    speech: Path, tmp_path: Path, decode: Callable[..., transcode.DecodedWav]
) -> None:
    for name, path in hostile(tmp_path, speech).items():
        print("trying", name)
        with pytest.raises(ContentError, match=r"Hãy .*\.$"):
            decode(path)


def test_it_says_that_a_video_has_no_sound(
    tmp_path: Path, decode: Callable[..., transcode.DecodedWav]
) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=1", "-c:v", "mpeg4", tmp_path / "film.mp4")
    with pytest.raises(ContentError, match="không có phần âm thanh"):
        decode(tmp_path / "film.mp4")


def test_it_notes_a_truncated_file(
    speech: Path, tmp_path: Path, decode: Callable[..., transcode.DecodedWav]
) -> None:
    for name in ("whole.mp3", "whole.wav", "whole.flac"):
        ffmpeg("-i", speech, tmp_path / name)
        raw = (tmp_path / name).read_bytes()
        (tmp_path / "cut").write_bytes(raw[: len(raw) * 2 // 5])
        cut = decode(tmp_path / "cut")
        note = transcode.truncation_note(cut.claimed_ms, cut.ms)
        assert note is not None, name
        assert "bị cắt cụt" in note
        whole = decode(tmp_path / name)
        assert transcode.truncation_note(whole.claimed_ms, whole.ms) is None


def test_it_words_lengths_as_people_do() -> None:
    note = transcode.truncation_note(300_000, 116_700)
    assert note is not None
    assert "dài 5 phút 0 giây nhưng chỉ đọc được 1 phút 57 giây" in note
    assert transcode.truncation_note(None, 5) is None
    assert transcode.truncation_note(1000, 951) is None


def test_it_caps_a_day_of_silence(
    tmp_path: Path, decode: Callable[..., transcode.DecodedWav]
) -> None:
    endless = tmp_path / "endless.wav"
    with wave.open(str(endless), "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(b"\x80")
    size = 86_400 * 8000
    with endless.open("r+b") as raw:  # a sparse file: nothing of it lies on the disk
        raw.truncate(44 + size)
        raw.seek(4)
        raw.write((36 + size).to_bytes(4, "little"))
        raw.seek(40)
        raw.write(size.to_bytes(4, "little"))
    started = time.monotonic()
    decoded = decode(endless, max_seconds=30)
    assert decoded.ms == 31_000
    assert decoded.claimed_ms == 86_400_000
    assert time.monotonic() - started < 5


def test_it_refuses_silence(tmp_path: Path, decode: Callable[..., transcode.DecodedWav]) -> None:
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=44100:cl=stereo", "-t", "5", tmp_path / "silent.mp3")
    silent = decode(tmp_path / "silent.mp3")
    with pytest.raises(ContentError, match="im lặng"):
        transcode.normalise(silent.path, tmp_path / "n.wav")


# The child process


def test_it_kills_the_whole_group_when_time_is_up(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {mark}; wait"
    started = time.monotonic()
    code, _, late = transcode._run(["sh", "-c", script], lambda chunk: None, 0.5)
    assert time.monotonic() - started < 3
    assert late
    assert code != 0
    grandchild = int(mark.read_text())
    deadline = time.monotonic() + 2
    while _alive(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(grandchild)


def test_it_does_not_wait_for_an_orphan_that_holds_the_pipe() -> None:
    started = time.monotonic()
    _, _, late = transcode._run(["sh", "-c", "sleep 60 & exit 0"], lambda chunk: None, 0.5)
    assert late
    assert time.monotonic() - started < 3


def _alive(pid: int) -> bool:
    """Running, not merely waiting for somebody to read its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_says_so_when_time_is_up(
    speech: Path, monkeypatch: pytest.MonkeyPatch, decode: Callable[..., transcode.DecodedWav]
) -> None:
    monkeypatch.setattr(transcode, "_limited", lambda command, seconds, size: ["sleep", "60"])
    real = transcode._run
    monkeypatch.setattr(transcode, "_run", lambda command, take, limit: real(command, take, 0.3))
    with pytest.raises(ContentError, match="quá lâu"):
        decode(speech)


def test_it_keeps_a_flood_of_complaints_small() -> None:
    script = "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo end >&2"
    code, report, late = transcode._run(["sh", "-c", script], lambda chunk: None, 20)
    assert (code, late) == (0, False)
    assert len(report) <= 2 * transcode.KEPT_LOG_BYTES
    assert report.endswith("end\n")


@pytest.mark.parametrize("programs", ["prlimit", "python"])
def test_it_limits_memory_files_and_manners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: str
) -> None:
    if programs == "python":
        monkeypatch.setattr(transcode.shutil, "which", lambda name: None)
    elif not shutil.which("prlimit"):
        pytest.skip("prlimit is not on this machine")
    told: list[bytes] = []
    shown = ["sh", "-c", "ulimit -v; ulimit -n; ulimit -t; nice; cat"]
    command = transcode._limited(["/usr/bin/env", *shown], 100.0, 1_000_000)
    code, report, _ = transcode._run(command, told.append, 10)
    assert code == 0, report
    memory, files, processor, manners = b"".join(told).split()
    assert (memory, files, processor) == (b"1048576", b"64", b"200")
    assert int(manners) >= 10


def test_it_works_without_prlimit(
    speech: Path, monkeypatch: pytest.MonkeyPatch, decode: Callable[..., transcode.DecodedWav]
) -> None:
    found = transcode.find_ffmpeg()
    monkeypatch.setattr(transcode, "find_ffmpeg", lambda: found)
    monkeypatch.setattr(transcode.shutil, "which", lambda name: None)
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
    transcode._run(["/usr/bin/env"], told.append, 10)
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


INPUTS = {
    "plain": "anull",
    "quiet": "volume=-30dB",
    "loud": "volume=6dB",
    "clipped": "volume=15dB",
    "dynamic": "volume='if(lt(mod(t,12),6),1,0.126)':eval=frame",
    "rumble": "volume=-6dB,bass=g=15:f=80",
}


@pytest.mark.parametrize("name", INPUTS)
def test_it_brings_speech_to_the_target(
    speech: Path, tmp_path: Path, decode: Callable[..., transcode.DecodedWav], name: str
) -> None:
    ffmpeg("-i", speech, "-af", INPUTS[name], tmp_path / "in.wav")
    decoded = decode(tmp_path / "in.wav")
    assert decoded.clipped == (name in ("loud", "clipped"))
    reached = transcode.normalise(decoded.path, tmp_path / "n.wav")
    transcode.encode_mp3(tmp_path / "n.wav", tmp_path / "n.mp3")
    result = transcode.measure(tmp_path / "n.mp3")
    assert reached == pytest.approx(result.lufs, abs=0.3)
    assert result.lufs == pytest.approx(-16, abs=1)
    assert result.lra < 5
    assert result.true_peak_db < -0.3


@pytest.mark.parametrize("target", [-20.0, -14.0])
def test_it_keeps_to_another_target(speech: Path, tmp_path: Path, target: float) -> None:
    transcode.normalise(speech, tmp_path / "n.wav", target)
    assert transcode.measure(tmp_path / "n.wav").lufs == pytest.approx(target, abs=1)


def test_it_leaves_the_dynamics_of_music(tmp_path: Path) -> None:
    chord = "+".join(f"sin(2*PI*{note}*t)*exp(-mod(t,0.5))" for note in (220, 330, 440, 550))
    tune = f"aevalsrc='0.15*({chord})*if(lt(mod(t,12),6),1,0.35)':s=24000:d=24"
    ffmpeg("-f", "lavfi", "-i", tune, tmp_path / "in.wav")
    before = transcode.measure(tmp_path / "in.wav")
    transcode.normalise(tmp_path / "in.wav", tmp_path / "n.wav", music=True)
    after = transcode.measure(tmp_path / "n.wav")
    assert after.lufs == pytest.approx(-16, abs=1)
    assert after.lra > 0.75 * before.lra


def test_it_takes_away_what_a_horn_cannot_radiate(speech: Path, tmp_path: Path) -> None:
    hum = ["-f", "lavfi", "-i", "sine=f=50:d=60:r=22050"]
    mix = ["-filter_complex", "amix=2:normalize=0:duration=first", "-ar", "24000"]
    ffmpeg("-i", speech, *hum, *mix, tmp_path / "in.wav")
    transcode.normalise(tmp_path / "in.wav", tmp_path / "n.wav")
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
    transcode.normalise(decoded, tmp_path / "n.wav")
    assert _speech_over_pauses_db(tmp_path / "n.wav") > before - 9


def _speech_over_pauses_db(path: Path) -> float:
    sound = samples(path)
    frames = sound[: len(sound) // 1200 * 1200].reshape(-1, 1200)
    level = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    return float(np.percentile(level, 60) - np.percentile(level, 3))


def test_it_hears_a_single_short_word(tmp_path: Path) -> None:
    Espeak().speak("Có.", tmp_path / "word.wav")
    transcode.normalise(tmp_path / "word.wav", tmp_path / "n.wav")
    transcode.encode_mp3(tmp_path / "n.wav", tmp_path / "n.mp3")
    result = transcode.examine(tmp_path / "n.mp3")
    assert result.loudness.lufs == pytest.approx(-16, abs=1.5)
    assert result.ms < 1500


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
    assert transcode.decoded_ms(tmp_path / "a.mp3") == pytest.approx(
        1000 * received.num_frames / 24_000, abs=50
    )


def test_it_draws_the_wave(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "steps.wav"), "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        for level in (0, 8192, 16_384, -32_768):
            file.writeframes(np.full(12_000, level, dtype="<i2").tobytes())
    drawn = transcode.peaks(tmp_path / "steps.wav", 8)
    assert drawn == [0, 0, 25, 25, 50, 50, 100, 100]
    assert len(transcode.peaks(tmp_path / "steps.wav")) == 600
    many = transcode.peaks(tmp_path / "steps.wav", 5000)  # more parts than there is sound for
    assert (len(many), many[0], many[-1]) == (5000, 0, 100)


def test_it_examines_in_one_pass_what_the_others_find(speech: Path) -> None:
    found = transcode.examine(speech, 100)
    assert found.ms == transcode.decoded_ms(speech)
    assert found.loudness == transcode.measure(speech)
    assert list(found.peaks) == transcode.peaks(speech, 100)


def test_it_leaves_no_file_descriptor_open(speech: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    transcode.measure(speech)
    before = _open_files()
    for _ in range(3):
        transcode.measure(speech)
    assert _open_files() == before


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
