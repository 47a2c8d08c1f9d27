"""The voices together: which are offered, which speaks when one cannot; cutting, joining."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from content import confined, voices
from content.voices import base, joining, pieces, rest
from content.voices.espeak import Espeak
from loa import cli
from loa.config import Config, Content, Station, VoiceApi
from loa.errors import ConfigError, ContentError

NEWS = (
    "Ủy ban nhân dân xã thông báo: từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn "
    "tập trung tại nhà văn hóa để tiêm phòng cho trẻ em. Đề nghị các gia đình mang theo sổ tiêm chủng."
)


def station(folder: Path, *names: str, api: VoiceApi | None = None) -> Config:
    return Config(
        folder=folder,
        station=Station(data="data"),
        content=Content(voices=names),
        voice_api=api or VoiceApi(),
    )


def drop_in(config: Config, *names: str) -> None:
    config.voice_files.mkdir(parents=True, exist_ok=True)
    for name in names:
        (config.voice_files / name).write_bytes(b"voice")
        (config.voice_files / f"{name}.json").write_text("{}")


class Fake:
    """A voice that does as told."""

    def __init__(self, name: str, *, offline: bool, error: Exception | None = None) -> None:
        self.name, self.label, self.offline, self.error = name, f"Giọng {name}", offline, error
        self.said: list[str] = []

    def facts(self) -> tuple[str, ...]:
        return ()

    def trouble(self) -> str | None:
        return None

    def speak(
        self,
        text: str,
        out: Path,
        *,
        speed: int = base.DEFAULT_SPEED,
        timeout: float | None = None,
        cancel: threading.Event | None = None,
        progress: base.Progress | None = None,
    ) -> None:
        self.said.append(text)
        if progress:
            progress(0.5)
        if self.error:
            raise self.error
        out.write_bytes(self.name.encode())


AWAY = base.VoiceFailed("Mất mạng. Hãy kiểm tra mạng.")


# Which are offered


def test_it_offers_the_voices_in_the_order_of_the_config(tmp_path: Path) -> None:
    known = voices.registry(station(tmp_path, "gtts", "espeak", "piper", "gtts"))
    assert [voice.name for voice in known] == ["gtts", "espeak"]
    assert known.default == "gtts"
    assert known.get("espeak").offline


def test_it_has_one_set_for_one_config(tmp_path: Path) -> None:
    configs = [station(tmp_path, "gtts", "espeak") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        sets = list(pool.map(voices.registry, configs))
    assert all(one is sets[0] for one in sets)
    assert voices.registry(station(tmp_path / "other", "gtts", "espeak")) is not sets[0]


def test_it_names_the_voices_there_are_when_one_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"“ai”.*espeak, gtts, piper, api"):
        voices.registry(station(tmp_path, "espeak", "ai"))


def test_it_offers_every_voice_file(tmp_path: Path) -> None:
    config = station(tmp_path, "piper", "espeak")
    drop_in(config, "vi-b.onnx", "vi-a.onnx")
    (config.voice_files / "no-json.onnx").write_bytes(b"voice")
    known = voices.registry(config)
    assert [voice.name for voice in known] == ["piper", "piper:vi-b", "espeak"]
    assert known.get("piper").label == "Giọng Piper vi-a (ngoại tuyến)"


def test_without_a_voice_file_the_next_voice_is_the_default(tmp_path: Path) -> None:
    assert voices.registry(station(tmp_path, "piper", "gtts")).default == "gtts"


def test_with_nothing_to_offer_the_spare_voice_speaks(tmp_path: Path) -> None:
    known = voices.registry(station(tmp_path, "piper"))
    assert list(known) == []
    assert known.speak("Xin chào", tmp_path / "out.wav") == base.Spoken("espeak", ())


def test_it_offers_the_service_only_with_an_address(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[voice_api\] chưa có url"):
        voices.registry(station(tmp_path, "espeak", "api"))
    service = VoiceApi(url="https://tieng-noi.vn/doc", label="Giọng hợp đồng")
    known = voices.registry(station(tmp_path, "api", "espeak", api=service))
    assert (known.default, known.get("api").label) == ("api", "Giọng hợp đồng")
    unnamed = voices.registry(station(tmp_path, "espeak", api=service))
    assert [voice.name for voice in unnamed] == ["espeak"]


def test_every_voice_says_what_it_is(tmp_path: Path) -> None:
    config = station(
        tmp_path, "espeak", "gtts", "piper", "api", api=VoiceApi(url="https://tieng-noi.vn/doc")
    )
    drop_in(config, "vi.onnx")
    for voice in voices.registry(config):
        assert voice.facts()
        assert all(voice.facts())
        assert len(voice.name) <= 32


def test_it_refuses_a_voice_there_is_none_of(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"“piper”.*: espeak, gtts\.") as refusal:
        voices.registry(station(tmp_path, "espeak", "gtts")).get("piper")
    assert refusal.value.field == "voice"


# Which speaks


def test_it_says_which_voice_spoke(tmp_path: Path) -> None:
    spoken = voices.registry(station(tmp_path, "espeak")).speak("Xin chào", tmp_path / "out.wav")
    assert spoken == base.Spoken("espeak", ())
    assert base.wav_seconds(tmp_path / "out.wav") > 0.3


def test_the_first_offline_voice_reads_all_of_it_when_another_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    offline = Fake("ngoài", offline=True)
    registry = base.Registry(
        [
            Fake("mạng", offline=False, error=AWAY),
            Fake("mạng-2", offline=False),
            offline,
            Fake("sau", offline=True),
        ],
        spare=Espeak(),
    )
    told: list[float] = []
    spoken = registry.speak("Xin chào", tmp_path / "out.wav", progress=told.append)
    assert spoken == base.Spoken(
        "ngoài", ("Mất mạng. Hãy kiểm tra mạng. Bản này được đọc bằng “Giọng ngoài”.",)
    )
    assert offline.said == ["Xin chào"]
    assert told == [0.5]
    assert "voice mạng failed, ngoài speaks: Mất mạng" in caplog.text


def test_an_offline_voice_that_fails_is_replaced_too(tmp_path: Path) -> None:
    broken = Fake("hỏng", offline=True, error=AWAY)
    registry = base.Registry([broken, Fake("mạng", offline=False)], spare=Espeak())
    spoken = registry.speak("Xin chào", tmp_path / "out.wav")
    assert spoken.voice == "espeak"
    assert "“Giọng máy miền Bắc (ngoại tuyến)”" in spoken.notes[0]
    assert len(broken.said) == 1


def test_it_fails_with_the_first_reason_when_all_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = Fake("b", offline=True, error=base.VoiceFailed("Cũng hỏng."))
    registry = base.Registry([Fake("a", offline=False, error=AWAY), other])
    with pytest.raises(base.VoiceFailed, match="Mất mạng"):
        registry.speak("Xin chào", tmp_path / "out.wav")
    assert "voice b failed as well: Cũng hỏng" in caplog.text
    assert not (tmp_path / "out.wav").exists()


def test_nobody_steps_in_for_whoever_took_it_back(tmp_path: Path) -> None:
    offline = Fake("b", offline=True)
    stopped = Fake("a", offline=False, error=base.Cancelled("Đã dừng."))
    with pytest.raises(base.Cancelled):
        base.Registry([stopped, offline]).speak("Xin chào", tmp_path / "out.wav")
    assert offline.said == []


def test_a_voice_that_is_gone_is_replaced_by_the_default_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = base.Registry([Fake("a", offline=False), Fake("b", offline=True)])
    spoken = registry.speak("Xin chào", tmp_path / "out.wav", voice="piper")
    assert spoken.voice == "a"
    assert spoken.notes == (
        "Giọng “piper” không còn trên máy chủ nên đã dùng giọng mặc định “Giọng a”.",
    )
    assert "voice piper is gone" in caplog.text


def test_a_voice_no_longer_offered_still_has_its_name(tmp_path: Path) -> None:
    registry = base.Registry([Fake("a", offline=False)], spare=Espeak())
    assert registry.get("espeak").label == Espeak.label
    assert registry.speak("Xin chào", tmp_path / "o.wav", voice="espeak").voice == "espeak"


@pytest.mark.parametrize(
    ("text", "speed", "field"), [("– …", 135, "body"), ("Xin chào", 109, "speed")]
)
def test_no_voice_is_asked_for_what_none_can_read(
    tmp_path: Path, text: str, speed: int, field: str
) -> None:
    voice = Fake("a", offline=True)
    with pytest.raises(ContentError) as refusal:
        base.Registry([voice]).speak(text, tmp_path / "out.wav", speed=speed)
    assert refusal.value.field == field
    assert voice.said == []


def test_a_rest_counts_down() -> None:
    now = [100.0]
    resting = rest.Rest(lambda: now[0])
    assert resting.sentence() is None
    resting.begin(150, "Đang chặn")
    assert resting.sentence() == "Đang chặn, còn khoảng 2 phút nữa mới thử lại."
    now[0] += 120.5
    assert resting.sentence() == "Đang chặn, còn khoảng 30 giây nữa mới thử lại."
    now[0] += 29.5
    assert resting.sentence() is None


# Cutting a text into pieces


def test_it_cuts_where_a_reader_would_breathe() -> None:
    clause = "từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn tập trung tại nhà văn hóa xã"
    assert pieces.packed(f"Thông báo. {clause}, {clause}. Trân trọng! Hết.", 100) == [
        "Thông báo. từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn tập trung tại nhà văn hóa xã,",
        "từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn tập trung tại nhà văn hóa xã. Trân trọng! Hết.",
    ]


@pytest.mark.parametrize(
    "text", [NEWS * 9, "a" * 250, "mãi " * 200, "Thôn 1; thôn 2 – thôn 3: " * 30]
)
@pytest.mark.parametrize("most", [100, 200])
def test_it_keeps_every_letter_and_mark(text: str, most: int) -> None:
    for cut in (pieces.packed(text, most), pieces.sentences(text, most)):
        assert all(0 < len(piece) <= most for piece in cut)
        assert "".join("".join(cut).split()) == "".join(text.split())


def test_it_cuts_as_little_as_it_can() -> None:
    text = NEWS * 10
    assert len(pieces.packed(text, 100)) <= len(text) / 100 * 1.5


def test_it_gives_a_sentence_a_piece() -> None:
    assert pieces.sentences("Kính thưa bà con. Mời họp! “Lúc nào?” Lúc 7 giờ… Hết", 200) == [
        "Kính thưa bà con.", "Mời họp!", "“Lúc nào?”", "Lúc 7 giờ…", "Hết",
    ]  # fmt: skip


def test_a_paragraph_is_a_line_with_words() -> None:
    assert pieces.paragraphs("Một.\n\n  \n– –\nHai.\n") == ["Một.", "Hai."]


def test_it_pauses_longer_after_a_paragraph_than_a_sentence_than_a_clause() -> None:
    plan = pieces.with_pauses([["Một,", "hai.", "“Ba.”", "Bốn"], ["Năm"]])
    assert plan == [(0.0, "Một,"), (0.15, "hai."), (0.35, "“Ba.”"), (0.35, "Bốn"), (0.9, "Năm")]


# Joining


def tone(
    path: Path, seconds: float, *, ahead: float = 0.0, behind: float = 0.0, rate: int = 8000
) -> Path:
    sound = np.full(int(seconds * rate), 5000, "<i2")
    sound[::2] = -5000
    silent = [np.zeros(int(part * rate), "<i2") for part in (ahead, behind)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.concatenate([silent[0], sound, silent[1]]).tobytes())
    return path


def test_it_joins_with_pauses_as_long_as_asked(tmp_path: Path) -> None:
    first = tone(tmp_path / "a.wav", 1, ahead=0.5, behind=0.7)
    second = tone(tmp_path / "b.wav", 1, ahead=0.01)
    joining.join([(0.0, first), (0.9, second)], tmp_path / "out.wav")
    with wave.open(str(tmp_path / "out.wav")) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    loud = np.flatnonzero(sound)
    gap = int(np.diff(loud).max()) / 8000
    assert gap == pytest.approx(0.9 + joining.TAIL_SECONDS + 0.01, abs=0.001)
    assert loud[0] / 8000 == pytest.approx(joining.LEAD_SECONDS, abs=0.001)
    assert len(loud) == 2 * 8000


def test_it_copies_what_is_longer_than_a_window(tmp_path: Path) -> None:
    long = tone(tmp_path / "a.wav", 100, ahead=1)
    joining.join([(0.0, long)], tmp_path / "out.wav")
    assert base.wav_seconds(tmp_path / "out.wav") == pytest.approx(100.02, abs=0.001)


def test_it_leaves_a_silent_piece_as_it_is(tmp_path: Path) -> None:
    silent = tone(tmp_path / "a.wav", 0, ahead=3)
    joining.join([(0.0, silent)], tmp_path / "out.wav")
    assert base.wav_seconds(tmp_path / "out.wav") == 3


def test_it_joins_nothing_of_two_kinds(tmp_path: Path) -> None:
    first, second = tone(tmp_path / "a.wav", 1), tone(tmp_path / "b.wav", 1, rate=16_000)
    with pytest.raises(joining.Mismatch):
        joining.join([(0.0, first), (0.9, second)], tmp_path / "out.wav")


# Child processes


def test_limits_hold_where_prlimit_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    show = (
        "import resource as r; print(*(r.getrlimit(n)[0] for n in (r.RLIMIT_AS, r.RLIMIT_FSIZE)))"
    )
    for which in (None, lambda name: None):
        if which:
            monkeypatch.setattr(shutil, "which", which)
        command = confined.limited(
            [sys.executable, "-c", show], memory_bytes=1 << 30, cpu_seconds=9, file_bytes=5000
        )
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        assert done.stdout.split() == [str(1 << 30), "5000"]


def test_the_service_is_checked_when_the_voices_are_made(tmp_path: Path) -> None:
    service = VoiceApi(url="http://tieng-noi.vn/doc")
    with pytest.raises(ConfigError, match="https://"):
        voices.registry(station(tmp_path, "api", api=service))


# From the command line


def test_speak_says_that_another_voice_stepped_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    config, out = tmp_path / "config.toml", tmp_path / "out.mp3"
    config.write_text(
        f'[content]\nvoices = ["api"]\n[voice_api]\nurl = "http://127.0.0.1:{port}/"\n'
    )
    arguments = ["speak", "Mời họp.", "-o", str(out), "--no-chimes", "--config", str(config)]
    assert cli.main(arguments) == 0
    told = capsys.readouterr()
    assert "Lưu ý: “Giọng đọc theo hợp đồng” không kết nối được." in told.err
    assert "đọc bằng “Giọng máy miền Bắc (ngoại tuyến)”" in told.err
    assert "giọng espeak, sha256" in told.out
    assert out.stat().st_size > 1000


def test_speak_refuses_a_voice_there_is_none_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[content]\nvoices = ["espeak"]\n')
    arguments = ["speak", "A", "-o", str(tmp_path / "o.mp3"), "--config", str(config)]
    assert cli.main([*arguments, "--voice", "ai"]) == cli.FAILED
    assert "Không có giọng đọc “ai”" in capsys.readouterr().err
