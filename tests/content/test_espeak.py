"""The offline voice, really speaking, in its child process."""

from __future__ import annotations

import hashlib
import threading
import time
import unicodedata
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import espeakng_loader
import numpy as np
import pytest

from content.voices import base, espeak
from content.voices.espeak import Espeak
from loa.errors import ContentError

NEWS = (
    "Ủy ban nhân dân xã thông báo: từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn "
    "tập trung tại nhà văn hóa để tiêm phòng cho trẻ em. Đề nghị các gia đình mang theo sổ tiêm chủng."
)


def speak(text: str, out: Path, **options: object) -> float:
    Espeak().speak(text, out, **options)  # type: ignore[arg-type]
    return base.wav_seconds(out)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("speed", "expected"), [(110, 148), (135, 183), (175, 239)])
def test_it_speaks_as_fast_as_asked(tmp_path: Path, speed: int, expected: int) -> None:
    text = NEWS * 5
    seconds = speak(text, tmp_path / "out.wav", speed=speed)
    assert len(text.split()) / seconds * 60 == pytest.approx(expected, rel=0.08)


def test_it_speaks_an_article_in_a_blink(tmp_path: Path) -> None:
    started = time.monotonic()
    seconds = speak(NEWS * 20, tmp_path / "out.wav")
    assert seconds / (time.monotonic() - started) > 50


def test_it_says_the_same_text_in_the_same_bytes(tmp_path: Path) -> None:
    speak(NEWS, tmp_path / "a.wav")
    speak(NEWS, tmp_path / "b.wav")
    speak(unicodedata.normalize("NFD", NEWS), tmp_path / "c.wav")
    speak(f"\ufeff {NEWS}\r\n".replace("phòng", "phò\u00adng"), tmp_path / "d.wav")
    assert len({digest(tmp_path / f"{name}.wav") for name in "abcd"}) == 1


def test_it_speaks_in_four_threads_at_once(tmp_path: Path) -> None:
    texts = [f"Thôn số {word}. {NEWS}" for word in ("một", "hai", "ba", "bốn")] * 3
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: speak(texts[n], tmp_path / f"{n}.wav"), range(len(texts))))
    for number in range(4):
        speak(texts[number], tmp_path / "alone.wav")
        same = {digest(tmp_path / f"{number + 4 * turn}.wav") for turn in range(3)}
        assert same == {digest(tmp_path / "alone.wav")}


def test_it_pauses_between_paragraphs(tmp_path: Path) -> None:
    glued = speak(f"{NEWS} {NEWS}", tmp_path / "a.wav")
    apart = speak(f"{NEWS}\n\n\n{NEWS}", tmp_path / "b.wav")
    assert apart - glued == pytest.approx(0.45, abs=0.2)  # 0.9 s, in place of the engine's own 0.45


def test_it_lets_the_tones_be_heard(tmp_path: Path) -> None:
    """The voice must be the northern one: sắc rises, huyền stays low."""
    pitch = {word: _pitches(word, tmp_path) for word in ("má", "mà")}
    assert pitch["má"][1] > pitch["má"][0] * 1.15
    assert pitch["má"][1] > pitch["mà"][1] * 1.2


def _pitches(word: str, folder: Path) -> tuple[float, float]:
    """Pitch (Hz) early and late in a spoken word, by autocorrelation."""
    speak(word, folder / "word.wav")
    with wave.open(str(folder / "word.wav")) as file:
        rate = file.getframerate()
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    loud = np.flatnonzero(np.abs(sound) > 0.1 * np.abs(sound).max())
    sound = sound[loud[0] : loud[-1]]

    def pitch(part: float) -> float:
        middle, half = int(len(sound) * part), int(0.03 * rate)
        piece = sound[max(0, middle - half) : middle + half]
        match = np.correlate(piece, piece, "full")[len(piece) - 1 :]
        shortest, longest = int(rate / 250), int(rate / 60)
        return float(rate / (shortest + int(np.argmax(match[shortest:longest]))))

    return pitch(0.35), pitch(0.8)


@pytest.mark.parametrize("text", ["", "  \n ", "–", "... !?", "\0\0"])
def test_it_refuses_a_text_without_words(tmp_path: Path, text: str) -> None:
    with pytest.raises(ContentError, match="chưa có chữ nào"):
        speak(text, tmp_path / "out.wav")
    assert list(tmp_path.iterdir()) == []


def test_it_refuses_a_text_without_end(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"150\.001 ký tự, quá 150\.000 ký tự\. Hãy chia"):
        speak("a" * 150_001, tmp_path / "out.wav")


@pytest.mark.parametrize("speed", [0, 109, 176])
def test_it_refuses_a_speed_nobody_follows(tmp_path: Path, speed: int) -> None:
    with pytest.raises(ContentError, match="từ 110 đến 175"):
        speak(NEWS, tmp_path / "out.wav", speed=speed)


def test_it_does_not_take_text_for_markup_or_options(tmp_path: Path) -> None:
    plain = speak("Xin chào bà con", tmp_path / "a.wav")
    marked = speak("<speak><break time='20s'/>Xin chào bà con</speak>", tmp_path / "b.wav")
    assert marked < plain + 15
    assert speak("--help -f /etc/passwd Xin chào", tmp_path / "c.wav") > 1


def test_it_speaks_a_text_that_holds_a_nul(tmp_path: Path) -> None:
    assert speak(f"{NEWS}\0{NEWS}", tmp_path / "a.wav") > 1.8 * speak(NEWS, tmp_path / "b.wav")


def test_it_works_from_a_folder_with_a_very_long_name(tmp_path: Path) -> None:
    folder = tmp_path / ("đài-truyền-thanh-" * 8) / ("x" * 120)
    folder.mkdir(parents=True)
    data = folder / "espeak-ng-data"
    data.symlink_to(espeakng_loader.get_data_path())
    assert len(str(data)) > 300
    out = folder / "ra.wav"
    Espeak(data=data).speak(NEWS, out)
    assert base.wav_seconds(out) > 8


def test_it_says_so_when_its_files_are_gone(tmp_path: Path) -> None:
    (tmp_path / "espeak-ng-data").mkdir()
    for broken in (
        Espeak(data=tmp_path / "absent" / "espeak-ng-data"),
        Espeak(data=tmp_path / "espeak-ng-data"),
        Espeak(library=tmp_path / "absent.so"),
    ):
        with pytest.raises(base.VoiceFailed, match="cài lại gói espeakng-loader"):
            broken.speak(NEWS, tmp_path / "out.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["espeak-ng-data"]


def test_it_stops_a_worker_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "WORKER", _hanging(tmp_path))
    started = time.monotonic()
    with pytest.raises(base.VoiceFailed, match="quá lâu"):
        speak(NEWS, tmp_path / "out.wav", timeout=0.3)
    assert time.monotonic() - started < 60
    assert not (tmp_path / "out.wav").exists()


def test_it_stops_when_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "WORKER", _hanging(tmp_path))
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(base.Cancelled):
        speak(NEWS, tmp_path / "out.wav", cancel=cancel)


def _hanging(folder: Path) -> Path:
    worker = folder / "worker.py"
    worker.write_text("import time\ntime.sleep(600)\n")
    return worker


def test_it_survives_a_worker_that_crashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text("import os\nos.abort()\n")
    monkeypatch.setattr(espeak, "WORKER", worker)
    with pytest.raises(base.VoiceFailed):
        speak(NEWS, tmp_path / "out.wav")


def test_it_keeps_the_old_file_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out.wav").write_bytes(b"old")
    worker = tmp_path / "worker.py"
    worker.write_text("import sys\nopen(sys.argv[3], 'wb').write(b'half')\n")
    monkeypatch.setattr(espeak, "WORKER", worker)
    with pytest.raises(base.VoiceFailed):
        speak(NEWS, tmp_path / "out.wav")
    assert (tmp_path / "out.wav").read_bytes() == b"old"


def test_it_says_what_it_is_and_what_is_wrong(tmp_path: Path) -> None:
    assert any("GPL-3.0" in fact for fact in Espeak().facts())
    assert Espeak().trouble() is None
    assert "espeakng-loader" in str(Espeak(library=tmp_path / "absent.so").trouble())
    assert "espeakng-loader" in str(Espeak(data=tmp_path / "absent").trouble())
