"""A contracted speech service, played by a server on this machine."""

from __future__ import annotations

import base64
import json
import logging
import socket
import threading
from pathlib import Path

import msgspec
import pytest

from content.voices import base
from content.voices.api import LIMITS, Api
from content.voices.cache import Cache
from content.voices.espeak import Espeak
from loa.config import VoiceApi
from loa.errors import ConfigError, ContentError
from tests import loopback
from tests.loopback import Asked, Reply

NEWS = "Mời bà con tập trung tại nhà văn hóa. Trân trọng cảm ơn!\nHết bản tin."


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    loopback.stay_home(monkeypatch)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What the service answers: a WAV of about 3.5 s."""
    path = tmp_path_factory.mktemp("sound") / "a.wav"
    Espeak().speak(NEWS.splitlines()[0], path)
    return path.read_bytes()


def service(port: int, **settings: object) -> VoiceApi:
    made = VoiceApi(url=f"http://127.0.0.1:{port}/doc", label="Giọng hợp đồng")
    return msgspec.structs.replace(made, **settings)


def voice(folder: Path, port: int, cache: Cache | None = None, **settings: object) -> Api:
    return Api(service(port, **settings), folder, cache)


def texts(asked: list[Asked]) -> list[str]:
    return [json.loads(one.body)["text"] for one in asked]


def test_it_sends_each_paragraph_and_joins_what_comes(sound: bytes, tmp_path: Path) -> None:
    told: list[float] = []
    with loopback.serve(lambda asked: Reply(sound)) as served:
        speaker = voice(tmp_path, served.port)
        speaker.speak(NEWS, tmp_path / "out.wav", speed=135, progress=told.append)
        speaker.speak("Hết bản tin.", tmp_path / "one.wav")
    assert texts(served.asked[:2]) == NEWS.splitlines()
    assert json.loads(served.asked[0].body)["speed"] == 183
    assert served.asked[0].path == "/doc"
    assert served.asked[0].headers["Content-Type"].startswith("application/json")
    assert "Authorization" not in served.asked[0].headers
    assert told == [0.5, 1.0]
    one, both = (base.wav_seconds(tmp_path / f"{name}.wav") for name in ("one", "out"))
    assert both == pytest.approx(2 * one + 0.9, abs=0.01)
    assert not list(tmp_path.glob("api-*"))


def test_it_sends_words_that_look_like_the_template(sound: bytes, tmp_path: Path) -> None:
    text = 'Nói "{speed}" và {text} \\ hết'
    body = '{"input": {"ssml": false, "text": {text}}, "rate": {speed}, "name": "vi {0}"}'
    with loopback.serve(lambda asked: Reply(sound)) as served:
        voice(tmp_path, served.port, body=body).speak(text, tmp_path / "out.wav", speed=110)
    assert json.loads(served.asked[0].body) == {
        "input": {"ssml": False, "text": text},
        "rate": 149,
        "name": "vi {0}",
    }


def test_it_changes_the_tempo_itself_where_the_service_is_told_no_speed(
    sound: bytes, tmp_path: Path
) -> None:
    cache = Cache(tmp_path / "cache")
    with loopback.serve(lambda asked: Reply(sound)) as served:
        speaker = voice(tmp_path, served.port, cache, body='{"text": {text}}')
        for speed in (135, 170):
            speaker.speak("Xin chào.", tmp_path / f"{speed}.wav", speed=speed)
    slow, fast = (base.wav_seconds(tmp_path / f"{speed}.wav") for speed in (135, 170))
    assert fast == pytest.approx(slow * 135 / 170, rel=0.05)
    assert len(served.asked) == 1


@pytest.mark.parametrize("field", ["audio", "result.audio"])
def test_it_takes_the_sound_out_of_json(sound: bytes, tmp_path: Path, field: str) -> None:
    inner: object = base64.b64encode(sound).decode()
    for name in reversed(field.split(".")):
        inner = {name: inner, "code": 0}
    reply = Reply(json.dumps(inner).encode())
    with loopback.serve(lambda asked: reply) as served:
        voice(tmp_path, served.port, audio_field=field).speak("Xin chào.", tmp_path / "out.wav")
    assert base.wav_seconds(tmp_path / "out.wav") > 3


def test_it_cuts_at_the_ends_of_sentences(sound: bytes, tmp_path: Path) -> None:
    with loopback.serve(lambda asked: Reply(sound)) as served:
        voice(tmp_path, served.port, most_characters=40).speak(NEWS, tmp_path / "out.wav")
    assert texts(served.asked) == [
        "Mời bà con tập trung tại nhà văn hóa.", "Trân trọng cảm ơn!", "Hết bản tin.",
    ]  # fmt: skip


def test_it_asks_once_and_goes_on_where_it_stopped(sound: bytes, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    replies = [Reply(sound), Reply(status=400), Reply(sound)]
    with loopback.serve(lambda asked: replies.pop(0)) as served:
        speaker = voice(tmp_path, served.port, cache)
        with pytest.raises(base.VoiceFailed, match="mã 400"):
            speaker.speak(NEWS, tmp_path / "out.wav")
        for _ in range(2):
            speaker.speak(NEWS, tmp_path / "out.wav")
    assert texts(served.asked) == [NEWS.splitlines()[0], *["Hết bản tin."] * 2]
    assert speaker.trouble() is None


# The key


def test_it_shows_the_key_to_the_service_alone(
    sound: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "key").write_text("bi-mat-42\n")
    replies = [Reply(sound), Reply(status=401)]
    with loopback.serve(lambda asked: replies.pop(0)) as served:
        speaker = voice(tmp_path, served.port, key_file="key")
        speaker.speak("Xin chào.", tmp_path / "out.wav")
        other = voice(tmp_path, served.port, key_file="key", key_header="X-Api-Key", key_prefix="")
        with pytest.raises(base.VoiceFailed) as failure:
            other.speak("Xin chào.", tmp_path / "out.wav")
    assert served.asked[0].headers["Authorization"] == "Bearer bi-mat-42"
    assert served.asked[1].headers["X-Api-Key"] == "bi-mat-42"
    told = [
        caplog.text,
        failure.value.sentence,
        *speaker.facts(),
        *other.facts(),
        repr(vars(other)),
    ]
    assert "bi-mat-42" not in " ".join(told)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "không đọc được tệp"),
        (b"", "phải có đúng một dòng"),
        (b"one\ntwo", "phải có đúng một dòng"),
        ("khoá".encode(), "có chữ lạ"),
    ],
)
def test_it_says_when_the_key_cannot_be_used(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with loopback.serve(lambda asked: Reply()) as served:
        speaker = voice(tmp_path, served.port, key_file="key")
        assert sentence in str(speaker.trouble())
        with pytest.raises(base.VoiceFailed, match=sentence):
            speaker.speak("Xin chào.", tmp_path / "out.wav")
        (tmp_path / "key").write_text("bi-mat")
        assert speaker.trouble() is None
    assert served.asked == []


# What it refuses


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"url": "http://tieng-noi.vn/doc"}, "https://"),
        ({"url": "ftp://tieng-noi.vn"}, "https://"),
        ({"url": "http://127.0.0.1.tieng-noi.vn/"}, "https://"),
        ({"url": "https:///doc"}, "thiếu tên máy chủ"),
        ({"url": "https://tieng-noi.vn:99999/"}, "không phải địa chỉ web"),
        ({"body": '{"text": "xin chào"}'}, r"phải có \{text\}"),
        ({"body": '{"text": "{text}"}'}, "không đặt trong dấu nháy"),
        ({"key_header": "X Key"}, "key_header"),
        ({"key_prefix": "Bearer\n"}, "key_header"),
    ],
)
def test_it_refuses_a_table_that_cannot_work(
    tmp_path: Path, settings: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Api(service(1, **settings), tmp_path)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(status=401), "không nhận khoá"),
        (Reply(status=402), "hết hạn mức"),
        (Reply(status=403), "mã 403"),
        (Reply(status=429), "gửi quá nhiều"),
        (Reply(status=500), "đang hỏng"),
        (Reply(status=503), "đang hỏng"),
        (Reply(status=302, headers={"Location": "http://127.0.0.1/"}), "mã 302"),
        (Reply(b""), "âm thanh hỏng"),
        (Reply(b"<html>" * 3000), "âm thanh hỏng"),
        (Reply(b"ffconcat version 1.0\nfile '/etc/passwd'\n"), "âm thanh hỏng"),
    ],
)
def test_it_takes_no_refusal_for_sound(tmp_path: Path, reply: Reply, sentence: str) -> None:
    (tmp_path / "home").mkdir()
    with loopback.serve(lambda asked: reply) as served:
        speaker = voice(tmp_path, served.port, Cache(tmp_path / "cache"))
        with pytest.raises(base.VoiceFailed, match=sentence) as failure:
            speaker.speak("Xin chào bà con.", tmp_path / "home" / "out.wav")
    assert "Hãy" in failure.value.sentence
    assert "“Giọng hợp đồng”" in failure.value.sentence
    assert speaker.trouble()
    assert len(served.asked) == 1
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"other": 1}', b'{"audio": 7}', b'{"audio": "!!"}', b'"audio"', b"\xff"]
)
def test_it_says_when_the_field_holds_no_sound(tmp_path: Path, body: bytes) -> None:
    with (
        loopback.serve(lambda asked: Reply(body)) as served,
        pytest.raises(base.VoiceFailed, match="“audio”"),
    ):
        voice(tmp_path, served.port, audio_field="audio").speak("Xin chào.", tmp_path / "o.wav")


def test_it_refuses_sound_far_shorter_than_the_text(sound: bytes, tmp_path: Path) -> None:
    with (
        loopback.serve(lambda asked: Reply(sound)) as served,
        pytest.raises(base.VoiceFailed, match="âm thanh thiếu"),
    ):
        voice(tmp_path, served.port).speak("xin chào " * 50, tmp_path / "out.wav")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"Retry-After": "20"}, 20),
        ({"Retry-After": "99999"}, 3600),
        ({"Retry-After": "Sun"}, 60),
    ],
)
def test_it_leaves_a_service_alone_that_asked_for_it(
    sound: bytes, tmp_path: Path, headers: dict[str, str], seconds: int
) -> None:
    now = [0.0]
    replies = [Reply(status=429, headers=headers), Reply(sound)]
    with loopback.serve(lambda asked: replies.pop(0)) as served:
        speaker = Api(service(served.port), tmp_path, clock=lambda: now[0])
        for _ in range(2):
            with pytest.raises(base.VoiceFailed):
                speaker.speak("Xin chào.", tmp_path / "out.wav")
        assert len(served.asked) == 1
        assert "còn khoảng" in str(speaker.trouble())
        now[0] += seconds
        assert speaker.trouble() is None
        speaker.speak("Xin chào.", tmp_path / "out.wav")
    assert len(served.asked) == 2


def test_it_refuses_an_impostor(sound: bytes, tmp_path: Path) -> None:
    certificate = loopback.certificate(tmp_path)
    with loopback.serve(lambda asked: Reply(sound), certificate) as served:
        speaker = voice(tmp_path, 1, url=f"https://127.0.0.1:{served.port}/doc")
        with pytest.raises(base.VoiceFailed, match="chứng chỉ sai"):
            speaker.speak("Xin chào.", tmp_path / "out.wav")
    assert served.asked == []


def test_it_trusts_an_authority_the_administrator_named(
    sound: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = loopback.certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with loopback.serve(lambda asked: Reply(sound), certificate) as served:
        speaker = voice(tmp_path, 1, url=f"https://127.0.0.1:{served.port}/doc")
        speaker.speak("Xin chào.", tmp_path / "out.wav")
    assert len(served.asked) == 1


def patient(folder: Path, port: int, **limits: float) -> Api:
    return Api(service(port), folder, limits=msgspec.structs.replace(LIMITS, **limits))


def test_it_does_not_wait_for_a_service_that_says_nothing(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(base.VoiceFailed, match="không kết nối được"),
    ):
        patient(tmp_path, silent.getsockname()[1], silence=0.3).speak("Chào.", tmp_path / "o.wav")


def test_it_does_not_wait_for_a_service_that_never_ends(tmp_path: Path) -> None:
    with (
        loopback.drip() as port,
        pytest.raises(base.VoiceFailed, match="không kết nối được"),
    ):
        patient(tmp_path, port, whole=0.3).speak("Chào.", tmp_path / "out.wav")


def test_it_takes_no_answer_without_end(tmp_path: Path) -> None:
    with (
        loopback.serve(lambda asked: Reply(bytes(200_000))) as served,
        pytest.raises(base.VoiceFailed, match="quá dài"),
    ):
        patient(tmp_path, served.port, most_bytes=100_000).speak("Chào.", tmp_path / "out.wav")


def test_it_gives_up_in_time(sound: bytes, tmp_path: Path) -> None:
    now = [0.0]

    def later(part: float) -> None:
        now[0] += 100

    with loopback.serve(lambda asked: Reply(sound)) as served:
        speaker = Api(service(served.port), tmp_path, clock=lambda: now[0])
        with pytest.raises(base.VoiceFailed, match="quá chậm"):
            speaker.speak(NEWS, tmp_path / "out.wav", progress=later)
    assert len(served.asked) == 1


def test_it_stops_when_cancelled(sound: bytes, tmp_path: Path) -> None:
    cancel = threading.Event()
    with loopback.serve(lambda asked: Reply(sound)) as served, pytest.raises(base.Cancelled):
        voice(tmp_path, served.port).speak(
            NEWS, tmp_path / "out.wav", cancel=cancel, progress=lambda part: cancel.set()
        )
    assert len(served.asked) == 1


def test_it_asks_nobody_at_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(base.VoiceFailed, match="không kết nối được"):
        voice(tmp_path, 1, url="https://*.vn/").speak("Xin chào.", tmp_path / "out.wav")


def test_the_offline_voice_takes_over(tmp_path: Path) -> None:
    with loopback.serve(lambda asked: Reply(status=402)) as served:
        registry = base.Registry([voice(tmp_path, served.port)], spare=Espeak())
        spoken = registry.speak("Xin chào.", tmp_path / "out.wav")
    assert spoken.voice == "espeak"
    assert "hết hạn mức" in spoken.notes[0]


def test_it_refuses_a_text_without_words(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="chưa có chữ nào"):
        voice(tmp_path, 1).speak("– …", tmp_path / "out.wav")


def test_it_says_where_the_words_go(tmp_path: Path) -> None:
    facts = voice(tmp_path, 1, terms="Hợp đồng 12/2026, mục 3").facts()
    assert facts[0] == "Hợp đồng 12/2026, mục 3"
    assert "127.0.0.1" in facts[1]
