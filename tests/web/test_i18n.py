"""The switch between Vietnamese and English, and what keeps the two together."""

from __future__ import annotations

import pytest

from loa import words
from web import i18n


@pytest.fixture
def stranger(app):
    return app.test_client()


def _choose(client, code: str, back: str = "/dang-nhap"):
    return client.post("/ngon-ngu", data={"language": code, "back": back})


def test_vietnamese_until_someone_chooses(hoa):
    page = hoa.get("/khong-co", headers={"Accept-Language": "en"})
    assert '<html lang="vi"' in page.text
    assert "Không có trang này" in page.text


def test_the_choice_is_kept_on_the_device(stranger):
    answer = _choose(stranger, "en")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/dang-nhap"
    assert '<html lang="en"' in stranger.get("/dang-nhap").text
    _choose(stranger, "vi")
    assert '<html lang="vi"' in stranger.get("/dang-nhap").text


def test_nobody_is_led_elsewhere_by_the_switch(stranger):
    assert _choose(stranger, "en", "https://evil.example/").headers["Location"] == "/"


def test_an_unknown_language_is_refused_and_named(stranger):
    answer = _choose(stranger, "xx")
    assert answer.status_code == 400
    assert "xx" in answer.text


def test_errors_are_told_in_the_readers_language(hoa):
    _choose(hoa, "en")
    assert "Không có trang này" not in hoa.get("/khong-co").text


def test_flashed_sentences_are_told_in_the_language_of_who_caused_them(app):
    with app.test_request_context("/", headers={"Cookie": "loa-lang=en"}):
        app.preprocess_request()
        assert words.say("Chưa thực hiện được").told() == "Not done"


def test_one_readers_language_is_not_the_next_ones(app, stranger):
    _choose(stranger, "en")
    stranger.get("/dang-nhap")
    assert '<html lang="vi"' in app.test_client().get("/dang-nhap").text


def test_scripts_get_the_words_of_their_language(stranger):
    english = stranger.get("/loi/en.js")
    assert english.mimetype == "text/javascript"
    assert english.text.startswith("window.loaWords = {")
    assert stranger.get("/loi/vi.js").text == "window.loaWords = {};\n"


def test_a_language_nobody_translated_is_vietnamese():
    assert i18n.translations("vi").ugettext("đang phát") == "đang phát"


def test_it_says_nothing_of_nothing(app):
    with app.test_request_context("/", headers={"Cookie": "loa-lang=en"}):
        app.preprocess_request()
        assert words.say("").told() == ""
        assert words.say("%(what)s: %(rest)s", what="A", rest=words.say("")).told() == "A: "
