from __future__ import annotations

import io
import tempfile
import wave
from urllib.parse import unquote

import pytest

from content import entries, voices
from content.dictionary import Entry
from content.voices.base import Registry, VoiceFailed
from loa.staff import May
from tests.cast import NOON
from tests.web.conftest import words
from web import listening

HTMX = {"HX-Request": "true"}


class Speaker:
    """Writes a WAV of a tenth of a second, and remembers what it was to say."""

    def __init__(self, name, *, fails=False, offline=True):
        self.name, self.label, self.offline, self.fails = name, f"Giọng {name}", offline, fails
        self.said = []

    def facts(self):
        return ()

    def trouble(self):
        return None

    def speak(self, text, out, *, speed=135, **_more):
        if self.fails:
            raise VoiceFailed("Không nối được với dịch vụ giọng đọc.")
        self.said.append((text, speed))
        with wave.open(str(out), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(b"\0\0" * 800)


@pytest.fixture
def speaker(monkeypatch):
    made = Speaker("nam")
    monkeypatch.setattr(voices, "registry", lambda _config: Registry([made]))
    return made


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where temporary files are made."""
    folder = tmp_path / "tam"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def hear(client, headers=None, **query):
    return client.get("/nghe-thu.wav", query_string=query, headers=headers)


def test_it_speaks_the_words_as_they_are(hoa, speaker, temporary, config):
    answer = hear(hoa, chu="UBND xã", giong="nam", toc_do="150")
    assert answer.mimetype == "audio/wav"
    with wave.open(io.BytesIO(answer.data)) as file:
        assert file.getnframes() == 800
    assert speaker.said == [("UBND xã", 150)]
    assert not list(temporary.iterdir())
    assert not list(config.work.glob("*"))


def test_it_reads_them_by_the_communes_dictionary_when_asked_to(hoa, speaker, database, cast):
    with database.write() as session:
        entries.teach(session, cast.hoa, Entry("NVHX", "nhà văn hóa xã"), NOON)
    hear(hoa, chu="Họp tại NVHX lúc 5h", doc="1")
    assert speaker.said == [("Họp tại nhà văn hóa xã lúc năm giờ", 135)]


def test_the_real_voice_speaks(hoa):
    answer = hear(hoa, chu="Xin chào bà con", giong="espeak")
    with wave.open(io.BytesIO(answer.data)) as file:
        seconds = file.getnframes() / file.getframerate()
    assert 0.5 < seconds < 10


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({}, "Chưa có chữ nào để nghe thử"),
        ({"chu": "  "}, "Chưa có chữ nào để nghe thử"),
        ({"chu": "a" * 301}, "tối đa 300 ký tự; ở đây có 301"),
        ({"chu": "?!"}, "chưa có chữ nào để đọc"),
        ({"chu": "chào", "giong": "ca-si"}, "Không có giọng đọc “ca-si”"),
        ({"chu": "chào", "toc_do": "90"}, "Tốc độ đọc “90” không hợp lệ"),
        ({"chu": "chào", "toc_do": "nhanh"}, "Tốc độ đọc “nhanh” không hợp lệ"),
    ],
)
def test_what_cannot_be_spoken_is_a_sentence(hoa, speaker, temporary, query, sentence):
    answer = hear(hoa, **query)
    assert answer.status_code == 400
    assert sentence in words(answer)
    assert sentence in hear(hoa, HTMX, **query).text
    assert not list(temporary.iterdir())
    assert speaker.said == []


def test_three_hundred_letters_may_become_more_words(hoa, speaker):
    assert hear(hoa, chu="9" * 300, doc="1").status_code == 200
    assert len(speaker.said[0][0]) > 300


def test_a_voice_that_fails_is_a_sentence_and_leaves_nothing(hoa, monkeypatch, temporary):
    failing = Registry([Speaker("xa", fails=True, offline=False)])
    monkeypatch.setattr(voices, "registry", lambda _config: failing)
    answer = hear(hoa, HTMX, chu="chào")
    assert answer.status_code == 409
    assert answer.text == "Không nối được với dịch vụ giọng đọc."
    assert not list(temporary.iterdir())


def test_it_says_when_another_voice_had_to_stand_in(hoa, monkeypatch):
    both = Registry([Speaker("xa", fails=True, offline=False), Speaker("gan")])
    monkeypatch.setattr(voices, "registry", lambda _config: both)
    answer = hear(hoa, chu="chào", giong="xa")
    assert answer.status_code == 200
    assert "được đọc bằng “Giọng gan”" in unquote(answer.headers["X-Note"])


def test_two_may_listen_at_once_and_a_third_is_told_to_wait(hoa, speaker):
    assert listening._free.acquire(blocking=False)
    assert listening._free.acquire(blocking=False)
    try:
        answer = hear(hoa, HTMX, chu="chào")
    finally:
        listening._free.release()
        listening._free.release()
    assert (answer.status_code, answer.text) == (429, listening.BUSY)
    assert hear(hoa, chu="chào").status_code == 200


def test_a_place_is_given_back_after_a_failure(hoa, monkeypatch):
    failing = Registry([Speaker("xa", fails=True, offline=False)])
    monkeypatch.setattr(voices, "registry", lambda _config: failing)
    answers = [hear(hoa, chu="chào").status_code for _ in range(listening.MOST_AT_ONCE + 1)]
    assert 429 not in answers


def test_only_who_may_write_listens(lan, client, speaker):
    assert hear(lan, chu="chào").status_code == 403
    assert hear(client, chu="chào").status_code == 302
    assert speaker.said == []


def test_the_button_is_a_link_to_the_sound(app):
    macro = '{% import "readings/listen.html" as l with context %}'
    with app.test_request_context():
        html = app.jinja_env.from_string(
            macro + '{{ l.button("Xin chào " * 99, voice="gtts", speed=150) }}'
        ).render(may=lambda act: act is May.WRITE, May=May)
    assert 'href="/nghe-thu.wav?chu=Xin+ch%C3%A0o' in html
    assert "giong=gtts" in html
    assert "toc_do=150" in html
    assert "data-listen" in html
