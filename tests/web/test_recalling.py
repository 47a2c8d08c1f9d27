"""Sentences that were stored, told in another language."""

from __future__ import annotations

import pytest

from web import i18n
from web.i18n.recalling import Recaller, shape, shapes

ENGLISH = {
    "Bản tin đã bị thu hồi.": "The bulletin was withdrawn.",
    "%(name)s sửa bản tin": "%(name)s changed the bulletin",
    "Phần %(number)s: ": "Part %(number)s: ",
    "Nén MP3": "Compressing",
    "%(rule)s lúc %(clock)s": "%(rule)s at %(clock)s",
    "Lịch phát %(rule)s": "Schedule: %(rule)s",
    "hằng ngày": "every day",
    "thứ Bảy": "Saturday",
    "%(who)s bỏ lượt ngày %(day)s": "%(who)s left out %(day)s",
    "%(n)s đầu thu": ("%(n)s receiver", "%(n)s receivers"),
    "Tỷ lệ %(number)s %% là quá ít.": "%(number)s %% is too little.",
}


def tell(template, number):
    known = ENGLISH.get(template, template)
    return known if isinstance(known, str) else known[number != 1]


@pytest.fixture
def recaller():
    said = [(each, isinstance(told, tuple)) for each, told in ENGLISH.items()]
    return Recaller(shapes(said), tell)


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("Bản tin đã bị thu hồi.", "The bulletin was withdrawn."),
        ("Hoa sửa bản tin", "Hoa changed the bulletin"),
        ("Phần 2: Nén MP3", "Part 2: Compressing"),
        ("Lịch phát hằng ngày lúc 17:00", "Schedule: every day at 17:00"),
        (
            "Lịch phát hằng ngày lúc 17:00. Hoa bỏ lượt ngày 02/09/2026: lễ.",
            "Schedule: every day at 17:00. Hoa left out 02/09/2026: lễ.",
        ),
        (
            "Lịch phát thứ Bảy 21/11/2026 lúc 12:30",
            "Schedule: Saturday 21/11/2026 at 12:30",
        ),
        ("1 đầu thu", "1 receiver"),
        ("1.204 đầu thu", "1.204 receivers"),
        ("Tỷ lệ 3 % là quá ít.", "3 % is too little."),
    ],
)
def test_known_by_its_shape(recaller, stored, told):
    assert recaller.told(stored) == told


@pytest.mark.parametrize("typed", ["", "17:05", "Họp thôn lúc nào?", "hằng ngày sửa bản tin lúc"])
def test_what_nobody_said_stays(recaller, typed):
    assert recaller.told(typed) == typed


def test_names_that_read_like_words_of_ours_stay(recaller):
    assert recaller.told("hằng ngày sửa bản tin") == "hằng ngày changed the bulletin"


def test_a_sentence_that_is_all_values_is_known_by_nothing():
    assert shape("%(a)s: %(b)s") is None


@pytest.mark.parametrize(
    ("accepts", "told"),
    [(None, "vi"), ("vi", "vi"), ("en", "en"), ("en-GB,en;q=0.8", "en"), ("fr", "vi"), ("*", "vi")],
)
def test_a_program_is_told_in_the_language_it_accepts(app, accepts, told):
    headers = {"Accept-Language": accepts} if accepts else {}
    with app.test_request_context("/api/v1/khong-co", headers=headers):
        assert i18n.language() == told


def test_a_refusal_of_the_api_is_told_so(app, monkeypatch):
    monkeypatch.setattr(i18n, "_said", lambda template, _number: f"English of {template}")
    english = app.test_client().get("/api/v1/khong-co", headers={"Accept-Language": "en"})
    assert english.json["error"]["message"].startswith("English of ")
