"""The online voice against a mocked Google and loopback servers; never the internet."""

from __future__ import annotations

import base64
import datetime
import http.server
import ipaddress
import json
import socket
import ssl
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import gtts.tts
import pytest
import requests
import responses
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from content import transcode
from content.voices import base
from content.voices.espeak import Espeak
from content.voices.gtts import BACK_OFF_SECONDS, Gtts, pack
from loa.errors import ContentError

URL = "https://translate.google.com/_/TranslateWebserverUi/data/batchexecute"
NEWS = (
    "Ủy ban nhân dân xã thông báo: từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn "
    "tập trung tại nhà văn hóa để tiêm phòng cho trẻ em. Đề nghị các gia đình mang theo sổ tiêm chủng."
)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reached out would fail here, not hang somewhere else."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        assert address[0] in ("127.0.0.1", "::1"), f"a test wanted {address}"
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    for name in ("http_proxy", "https_proxy", "all_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def mp3(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What Google would say for one piece: about 9 s, as MP3."""
    folder = tmp_path_factory.mktemp("mp3")
    Espeak().speak(NEWS[:100], folder / "a.wav")
    command = [transcode.find_ffmpeg(), "-v", "error", "-i", folder / "a.wav", "-b:a", "32k"]
    subprocess.run([*command, "-ar", "24000", folder / "a.mp3"], check=True, timeout=30)
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
        assert call.request.req_kwargs["verify"] is True
        assert call.request.req_kwargs["timeout"] == (3.0, 15.0)


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


def test_it_pauses_between_requests_but_not_before_the_first(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    class Waits(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            return False

    waited: list[float | None] = []
    google.post(URL, answer(mp3))
    Gtts().speak(NEWS, tmp_path / "out.wav", cancel=Waits())
    assert waited == [0.0, 0.5, 0.5]


def test_it_stops_when_cancelled(
    google: responses.RequestsMock, mp3: bytes, tmp_path: Path
) -> None:
    cancel = threading.Event()
    google.post(URL, answer(mp3))
    with pytest.raises(base.Cancelled):
        speak(tmp_path / "out.wav", cancel=cancel, progress=lambda done: cancel.set())
    assert len(google.calls) == 1


def test_it_gives_up_in_time(google: responses.RequestsMock, mp3: bytes, tmp_path: Path) -> None:
    now = iter(range(0, 10_000, 10))
    google.post(URL, answer(mp3))
    with pytest.raises(base.VoiceFailed, match="quá chậm"):
        Gtts(pause=0, clock=lambda: next(now)).speak(NEWS, tmp_path / "out.wav", timeout=45)
    assert len(google.calls) == 1


def test_it_refuses_a_text_without_words(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="chưa có chữ nào"):
        speak(tmp_path / "out.wav", "– … !")


def test_it_is_replaced_offline_with_a_word_about_it(
    google: responses.RequestsMock, tmp_path: Path
) -> None:
    google.post(URL, status=429)
    registry = base.Registry([Gtts(pause=0), Espeak()], "gtts")
    spoken = registry.speak(NEWS, tmp_path / "out.wav")
    assert spoken.voice == "espeak"
    assert "mã 429" in spoken.notes[0]
    assert base.wav_seconds(tmp_path / "out.wav") > 8


# Cutting a text into pieces


def test_it_cuts_where_a_reader_would_breathe() -> None:
    clause = "từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn tập trung tại nhà văn hóa xã"
    pieces = pack(f"Thông báo. {clause}, {clause}. Trân trọng!\nHết.")
    assert pieces == [
        "Thông báo. từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn tập trung tại nhà văn hóa xã,",
        "từ bảy giờ sáng ngày mai, toàn thể bà con trong thôn tập trung tại nhà văn hóa xã. Trân trọng! Hết.",
    ]


@pytest.mark.parametrize(
    "text", [NEWS * 9, "a" * 250, "mãi " * 200, "Thôn 1; thôn 2 – thôn 3: " * 30]
)
def test_it_keeps_every_letter_and_mark(text: str) -> None:
    pieces = pack(text)
    assert all(0 < len(piece) <= 100 for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_it_cuts_as_little_as_it_can() -> None:
    text = NEWS * 10
    assert len(pack(text)) <= len(text) / 100 * 1.5


# The real wire, on this machine alone


def certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "translate.google.com")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def impostor(
    tmp_path_factory: pytest.TempPathFactory, mp3: bytes, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Path, list[str]]]:
    """A server with its own certificate that answers like Google: (certificate, requests it got)."""
    got: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            body = answer(mp3).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    file = certificate(tmp_path_factory.mktemp("certificate"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        address = f"https://127.0.0.1:{server.server_port}/tts"
        monkeypatch.setattr(gtts.tts, "_translate_url", lambda **_: address)
        yield file, got
        server.shutdown()
        thread.join()


def test_it_refuses_an_impostor(impostor: tuple[Path, list[str]], tmp_path: Path) -> None:
    _, got = impostor
    with pytest.raises(base.VoiceFailed, match="chứng chỉ sai"):
        speak(tmp_path / "out.wav")
    assert got == []
    assert list(tmp_path.iterdir()) == []


def test_it_trusts_an_authority_the_administrator_named(
    impostor: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, got = impostor
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    speak(tmp_path / "out.wav")
    assert got == ["/tts"] * 3


def test_it_does_not_wait_for_a_server_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/tts"
        monkeypatch.setattr(gtts.tts, "_translate_url", lambda **_: address)
        with pytest.raises(base.VoiceFailed, match="Không kết nối được"):
            Gtts(pause=0, timeout=(0.3, 0.3)).speak(NEWS, tmp_path / "out.wav")
