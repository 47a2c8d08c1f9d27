"""The online voice against a mocked Google and loopback servers; never the internet."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import gtts.tts
import msgspec
import pytest
import requests
import responses

from content import transcode
from content.benches import DISK_FULL
from content.voices import base, wire
from content.voices.cache import Cache
from content.voices.espeak import Espeak
from content.voices.gtts import BACK_OFF_SECONDS, LIMITS, SHORT_REST_SECONDS, Gtts
from loa.errors import ContentError
from tests import loopback

URL = "https://translate.google.com/_/TranslateWebserverUi/data/batchexecute"
NEWS = (
    "Ủy ban nhân dân xã thông báo: từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn "
    "tập trung tại nhà văn hóa để tiêm phòng cho trẻ em. Đề nghị các gia đình mang theo sổ tiêm chủng."
)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    loopback.stay_home(monkeypatch)


@pytest.fixture(scope="session")
def mp3(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What Google would say for one piece: about 9 s, as MP3."""
    folder = tmp_path_factory.mktemp("mp3")
    Espeak().speak(NEWS[:100], folder / "a.wav")
    wav, sound = str(folder / "a.wav"), str(folder / "a.mp3")
    command = [transcode.find_ffmpeg(), "-v", "error", "-i", wav, "-b:a", "32k", "-ar", "24000"]
    subprocess.run([*command, sound], check=True, timeout=30)
    return (folder / "a.mp3").read_bytes()


@pytest.fixture
def google() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def answer(sound: bytes) -> str:
    inner = json.dumps([base64.b64encode(sound).decode()])
    row = ["wrb.fr", "jQ1olc", inner, None, None, None, "generic"]
    line = json.dumps([row], separators=(",", ":"))
    return f")]}}'\n\n{len(line)}\n{line}\n"


def asked(call: responses.Call) -> str:
    """The words inside a request."""
    body = urllib.parse.parse_qs(str(call.request.body))["f.req"][0]
    return str(json.loads(json.loads(body)[0][0][1])[0])


def speak(out: Path, text: str = NEWS, **options: object) -> None:
    Gtts(pause=0).speak(text, out, **options)  # type: ignore[arg-type]


def test_it_writes_what_google_said_as_wav(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    google.post(URL, answer(mp3))
    told: list[float] = []
    speak(tmp_path / "out.wav", progress=told.append)
    assert len(google.calls) == 3
    assert " ".join(asked(call) for call in google.calls) == NEWS
    assert told == [1 / 3, 2 / 3, 1.0]
    assert base.wav_seconds(tmp_path / "out.wav") == pytest.approx(3 * len(mp3) / 4000, rel=0.05)
    assert [path.name for path in tmp_path.iterdir()] == ["out.wav"]


def test_it_asks_with_certificate_checks_on(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    google.post(URL, answer(mp3))
    speak(tmp_path / "out.wav")
    for call in google.calls:
        assert call.request.url == URL
        sent = vars(call.request)["req_kwargs"]
        assert sent["verify"] is True
        assert sent["timeout"] == (3.0, 15.0)


def test_it_keeps_to_the_speed(google: responses.RequestsMock, mp3: bytes, tmp_path: Path) -> None:
    google.post(URL, answer(mp3))
    length = {}
    for speed in (110, 135, 175):
        speak(tmp_path / "out.wav", speed=speed)
        length[speed] = base.wav_seconds(tmp_path / "out.wav")
    assert length[110] == pytest.approx(length[135] * 135 / 110, rel=0.02)
    assert length[175] == pytest.approx(length[135] * 135 / 175, rel=0.02)


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ("<html>Our systems have detected unusual traffic</html>", 200, "không trả về âm thanh"),
        ('[["wrb.fr","jQ1olc",null,null,null,[3],"generic"]]', 200, "không trả về âm thanh"),
        (answer(b""), 200, "không trả về âm thanh"),
        (answer(b"\xff\xf3 too short"), 200, "không trả về âm thanh"),
        (answer(b"<html>" * 2000), 200, "âm thanh hỏng"),
        ('jQ1olc","[\\"!!not base64!!\\"]', 200, "không trả về âm thanh"),
        ("", 429, "mã 429"),
        ("", 503, "mã 503"),
        ("", 403, "mã 403"),
        ("", 302, "mã 302"),
    ],
)
def test_it_takes_no_page_for_sound(
    google: responses.RequestsMock, tmp_path: Path, body: str, status: int, sentence: str
) -> None:
    google.post(URL, body, status=status, headers={"Location": "https://www.google.com/sorry"})
    with pytest.raises(base.VoiceFailed, match=sentence) as failure:
        speak(tmp_path / "out.wav", "Xin chào bà con trong thôn.")
    assert "Hãy" in failure.value.sentence
    assert list(tmp_path.iterdir()) == []


def test_it_refuses_sound_far_shorter_than_the_text(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    google.post(URL, answer(mp3[: len(mp3) // 20] + bytes(4000)))
    with pytest.raises(base.VoiceFailed, match="âm thanh thiếu"):
        speak(tmp_path / "out.wav")
    assert list(tmp_path.iterdir()) == []


def test_it_leaves_the_old_file_when_the_second_piece_fails(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    (tmp_path / "out.wav").write_bytes(b"old")
    google.post(URL, answer(mp3))
    google.post(URL, status=503)
    with pytest.raises(base.VoiceFailed):
        speak(tmp_path / "out.wav")
    assert (tmp_path / "out.wav").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("error", [requests.ConnectionError, requests.ReadTimeout])
def test_it_says_that_the_internet_is_away(
    google: responses.RequestsMock, tmp_path: Path, error: type[Exception]
) -> None:
    google.post(URL, body=error("no route"))
    with pytest.raises(base.VoiceFailed, match="kiểm tra mạng internet"):
        speak(tmp_path / "out.wav")


def test_it_stops_at_the_first_refusal_and_waits_a_quarter_of_an_hour(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    now = [1000.0]
    voice = Gtts(pause=0, clock=lambda: now[0])
    google.post(URL, status=429)
    with pytest.raises(base.VoiceFailed, match="mã 429"):
        voice.speak(NEWS, tmp_path / "out.wav")
    assert len(google.calls) == 1
    now[0] += BACK_OFF_SECONDS - 60
    with pytest.raises(base.VoiceFailed, match="còn khoảng 1 phút"):
        voice.speak(NEWS, tmp_path / "out.wav")
    assert len(google.calls) == 1
    now[0] += 61
    google.replace("POST", URL, answer(mp3))
    voice.speak(NEWS, tmp_path / "out.wav")
    assert len(google.calls) == 4


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        ({"status": 503}, SHORT_REST_SECONDS),
        ({"body": requests.ConnectionError("no route")}, SHORT_REST_SECONDS),
        ({"status": 302}, BACK_OFF_SECONDS),
        ({"body": "<!doctype html><html>Our systems have detected"}, BACK_OFF_SECONDS),
    ],
)
def test_it_says_for_how_long_it_cannot_speak(
    google: responses.RequestsMock, tmp_path: Path, reply: dict[str, object], seconds: int
) -> None:
    now = [0.0]
    voice = Gtts(pause=0, clock=lambda: now[0])
    assert voice.trouble() is None
    google.post(URL, **reply)
    for _ in range(2):
        with pytest.raises(base.VoiceFailed):
            voice.speak(NEWS, tmp_path / "out.wav")
    assert len(google.calls) == 1
    assert f"còn khoảng {seconds // 60} phút" in str(voice.trouble())
    now[0] += seconds
    assert voice.trouble() is None


def test_it_names_the_terms() -> None:
    facts = " ".join(Gtts().facts())
    assert "gửi tới Google" in facts
    assert "không công bố" in facts


def test_it_pauses_between_requests_but_not_before_the_first(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    class Waits(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            return False

    waited: list[float | None] = []
    google.post(URL, answer(mp3))
    voice = Gtts(clock=lambda: 0.0)
    voice.speak(NEWS, tmp_path / "out.wav", cancel=Waits())
    voice.speak("Xin chào.", tmp_path / "out.wav", cancel=Waits())  # another text, the same address
    assert waited == [0.0, 0.5, 0.5, 0.5]


def test_it_stops_when_cancelled(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    cancel = threading.Event()
    google.post(URL, answer(mp3))
    with pytest.raises(base.Cancelled):
        speak(tmp_path / "out.wav", cancel=cancel, progress=lambda done: cancel.set())
    assert len(google.calls) == 1


def test_it_gives_up_in_time(google: responses.RequestsMock, mp3: bytes, tmp_path: Path) -> None:
    now = [0.0]

    def later(part: float) -> None:
        now[0] += 50

    google.post(URL, answer(mp3))
    voice = Gtts(pause=0, clock=lambda: now[0])
    with pytest.raises(base.VoiceFailed, match="quá chậm"):
        voice.speak(NEWS, tmp_path / "out.wav", timeout=45, progress=later)
    assert len(google.calls) == 1


@pytest.mark.parametrize("text", ["", " \n ", "– … !", "\u200b"])
def test_it_refuses_a_text_without_words(
    google: responses.RequestsMock, tmp_path: Path, text: str
) -> None:
    with pytest.raises(ContentError, match="chưa có chữ nào"):
        speak(tmp_path / "out.wav", text)
    assert len(google.calls) == 0


def test_it_asks_for_no_line_that_is_only_marks(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    google.post(URL, answer(mp3))
    speak(tmp_path / "out.wav", "Xin chào.\n* * *\n–\nHết.")
    assert [asked(call) for call in google.calls] == ["Xin chào.", "Hết."]


def test_a_full_disk_is_not_blamed_on_google(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **options: object) -> None:
        raise ContentError(DISK_FULL)

    google.post(URL, answer(mp3))
    monkeypatch.setattr(transcode, "decode_to_wav", full)
    with pytest.raises(ContentError, match="Ổ đĩa đã đầy") as failure:
        speak(tmp_path / "out.wav")
    assert not isinstance(failure.value, base.VoiceFailed)


# Paragraphs, and what is remembered


def test_it_pauses_between_paragraphs(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    google.post(URL, answer(mp3))
    speak(tmp_path / "one.wav", "Xin chào.")
    speak(tmp_path / "two.wav", "Xin chào.\n\nXin chào.")
    one, two = (base.wav_seconds(tmp_path / f"{name}.wav") for name in ("one", "two"))
    assert two == pytest.approx(2 * one + 0.9, abs=0.01)


def test_it_asks_once_for_what_it_has_heard(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    google.post(URL, answer(mp3))
    cache = Cache(tmp_path / "cache")
    Gtts(cache, pause=0).speak(NEWS, tmp_path / "a.wav")
    google.reset()  # a request would fail now
    Gtts(cache, pause=0).speak(NEWS, tmp_path / "b.wav")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    Gtts(cache, pause=0).speak(NEWS, tmp_path / "fast.wav", speed=170)
    assert base.wav_seconds(tmp_path / "fast.wav") < base.wav_seconds(tmp_path / "a.wav") * 0.85


def test_it_asks_only_for_the_paragraph_that_was_edited(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    google.post(URL, answer(mp3))
    cache = Cache(tmp_path / "cache")
    Gtts(cache, pause=0).speak(f"Thông báo.\n{NEWS}\nHết.", tmp_path / "out.wav")
    google.calls.reset()
    Gtts(cache, pause=0).speak(f"Thông báo khẩn.\n{NEWS}\nHết.", tmp_path / "out.wav")
    assert [asked(call) for call in google.calls] == ["Thông báo khẩn."]


def test_it_goes_on_where_it_stopped(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    now = [0.0]
    voice = Gtts(Cache(tmp_path / "cache"), pause=0, clock=lambda: now[0])
    google.post(URL, answer(mp3))
    google.post(URL, status=503)
    with pytest.raises(base.VoiceFailed, match="mã 503"):
        voice.speak(NEWS, tmp_path / "out.wav")
    pieces = [asked(call) for call in google.calls]
    google.calls.reset()
    google.add("POST", URL, answer(mp3))
    now[0] += SHORT_REST_SECONDS
    voice.speak(NEWS, tmp_path / "out.wav")
    again = [asked(call) for call in google.calls]
    assert again[0] == pieces[1]
    assert " ".join([pieces[0], *again]) == NEWS


def test_it_remembers_nothing_that_is_no_sound(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    voice = Gtts(Cache(tmp_path / "cache"), pause=0)
    google.post(URL, answer(b"<html>" * 2000))
    with pytest.raises(base.VoiceFailed, match="âm thanh hỏng"):
        voice.speak("Xin chào bà con.", tmp_path / "out.wav")
    google.replace("POST", URL, answer(mp3))
    voice.speak("Xin chào bà con.", tmp_path / "out.wav")
    assert len(google.calls) == 2


def test_it_is_replaced_offline_with_a_word_about_it(
    google: responses.RequestsMock, tmp_path: Path
) -> None:
    google.post(URL, status=429)
    registry = base.Registry([Gtts(pause=0), Espeak()], "gtts")
    spoken = registry.speak(NEWS, tmp_path / "out.wav")
    assert spoken.voice == "espeak"
    assert "mã 429" in spoken.notes[0]
    assert base.wav_seconds(tmp_path / "out.wav") > 8


# The real wire, on this machine alone


@pytest.fixture
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return loopback.certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def impostor(
    certificate: Path, mp3: bytes, monkeypatch: pytest.MonkeyPatch
) -> Iterator[loopback.Served]:
    """A server with its own certificate that answers like Google."""
    reply = loopback.Reply(answer(mp3).encode())
    with loopback.serve(lambda asked: reply, certificate) as served:
        send_to(f"https://127.0.0.1:{served.port}/tts", monkeypatch)
        yield served


def send_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gtts.tts, "_translate_url", lambda **_: address)


def test_it_refuses_an_impostor(impostor: loopback.Served, tmp_path: Path) -> None:
    with pytest.raises(base.VoiceFailed, match="chứng chỉ sai"):
        speak(tmp_path / "out.wav")
    assert impostor.asked == []
    assert list(tmp_path.iterdir()) == []


def test_it_trusts_an_authority_the_administrator_named(
    impostor: loopback.Served, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    speak(tmp_path / "out.wav")
    assert [asked.path for asked in impostor.asked] == ["/tts"] * 3


def test_it_follows_no_redirect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = loopback.Reply(status=302, headers={"Location": "/sorry"})
    with loopback.serve(lambda asked: away) as served:
        send_to(f"http://127.0.0.1:{served.port}/tts", monkeypatch)
        with pytest.raises(base.VoiceFailed, match="mã 302"):
            speak(tmp_path / "out.wav")
    assert [asked.path for asked in served.asked] == ["/tts"]


@pytest.mark.parametrize("status", [429, 503])
def test_it_stops_when_the_second_piece_is_refused(
    mp3: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    replies = [loopback.Reply(answer(mp3).encode()), loopback.Reply(status=status)]
    with loopback.serve(lambda asked: replies.pop(0)) as served:
        send_to(f"http://127.0.0.1:{served.port}/tts", monkeypatch)
        registry = base.Registry([Gtts(pause=0), Espeak()])
        spoken = registry.speak(NEWS, tmp_path / "out.wav")
    assert spoken.voice == "espeak"
    assert f"mã {status}" in spoken.notes[0]
    Espeak().speak(NEWS, tmp_path / "espeak.wav")  # one voice for all of it
    assert (tmp_path / "out.wav").read_bytes() == (tmp_path / "espeak.wav").read_bytes()
    assert len(served.asked) == 2


def test_it_does_not_wait_for_a_server_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        send_to(f"http://127.0.0.1:{silent.getsockname()[1]}/tts", monkeypatch)
        voice = Gtts(pause=0, limits=patient(silence=0.3))
        with pytest.raises(base.VoiceFailed, match="Không kết nối được"):
            voice.speak(NEWS, tmp_path / "out.wav")


def test_it_does_not_wait_for_a_server_that_never_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with loopback.drip() as port:
        send_to(f"http://127.0.0.1:{port}/tts", monkeypatch)
        voice = Gtts(pause=0, limits=patient(whole=0.3))
        with pytest.raises(base.VoiceFailed, match="Không kết nối được"):
            voice.speak(NEWS, tmp_path / "out.wav")


def test_it_takes_no_answer_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with loopback.serve(lambda asked: loopback.Reply(bytes(300_000))) as served:
        send_to(f"http://127.0.0.1:{served.port}/tts", monkeypatch)
        voice = Gtts(pause=0, limits=patient(most_bytes=200_000))
        with pytest.raises(base.VoiceFailed, match="quá dài"):
            voice.speak(NEWS, tmp_path / "out.wav")


def patient(**limits: float) -> wire.Limits:
    return msgspec.structs.replace(LIMITS, **limits)


@pytest.mark.parametrize("cable", ["no name", "no word about the name", "nobody there"])
def test_without_a_network_the_offline_voice_speaks_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cable: str, caplog: pytest.LogCaptureFixture
) -> None:
    over = threading.Event()

    def look_up(host: str) -> None:
        if cable == "no name":
            raise socket.gaierror(-3, "Temporary failure in name resolution")
        if cable == "no word about the name":
            over.wait(60)

    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    send_to(f"http://127.0.0.1:{port}/tts", monkeypatch)
    monkeypatch.setattr(wire, "look_up", look_up)
    registry = base.Registry([Gtts(pause=0, limits=patient(connect=0.2)), Espeak()])
    spoken = registry.speak(NEWS, tmp_path / "out.wav")
    over.set()
    assert spoken.voice == "espeak"
    assert spoken.notes == (
        "Không kết nối được tới giọng Google. Hãy kiểm tra mạng internet của máy chủ. "
        "Bản này được đọc bằng “Giọng máy miền Bắc (ngoại tuyến)”.",
    )
    assert "voice gtts failed, espeak speaks" in caplog.text
    assert base.wav_seconds(tmp_path / "out.wav") > 8
