"""Sentences that remember what they were made of."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from markupsafe import Markup, escape

from loa import words
from loa.words import counted, say

ENGLISH = {
    "Đầu thu %(name)s im lặng.": "Receiver %(name)s is silent.",
    "đang phát": "on air",
    "%(n)s đầu thu": ("%(n)s receiver", "%(n)s receivers"),
    "Còn 100 % chỗ": "100 % left",
    " và ": " and ",
    "khung giờ %(name)s": "session %(name)s",
    "%(state)s tại %(count)s": "%(state)s at %(count)s",
}


def _translate(template: str, number: int | None) -> str:
    known = ENGLISH.get(template, template)
    return known if isinstance(known, str) else known[number != 1]


@pytest.fixture
def in_english():
    before = words.translator.set(_translate)
    yield
    words.translator.reset(before)


def test_is_a_vietnamese_str_like_any_other():
    said = say("Đầu thu %(name)s im lặng.", name="Cột 3")
    assert said == "Đầu thu Cột 3 im lặng."
    assert hash(said) == hash("Đầu thu Cột 3 im lặng.")
    assert json.dumps(said, ensure_ascii=False) == '"Đầu thu Cột 3 im lặng."'


@pytest.mark.usefixtures("in_english")
def test_is_stored_and_logged_in_vietnamese_whoever_reads():
    said = say("đang phát")
    assert (str(said), f"{said}", said.encode()) == ("đang phát", "đang phát", "đang phát".encode())


@pytest.mark.usefixtures("in_english")
def test_a_page_says_it_in_its_readers_language():
    assert escape(say("Đầu thu %(name)s im lặng.", name="<b>")) == "Receiver &lt;b&gt; is silent."


@pytest.mark.usefixtures("in_english")
def test_markup_among_the_values_stays_markup():
    link = Markup("<a>Cột 3</a>")
    assert escape(say("Đầu thu %(name)s im lặng.", name=link)) == "Receiver <a>Cột 3</a> is silent."


@pytest.mark.usefixtures("in_english")
@pytest.mark.parametrize(
    ("n", "shown"), [(0, "0 receivers"), (1, "1 receiver"), (2, "2 receivers")]
)
def test_counts_as_the_language_counts(n, shown):
    assert counted("%(n)s đầu thu", n).told() == shown


@pytest.mark.usefixtures("in_english")
def test_sentences_within_sentences_are_told_too():
    said = say("%(state)s tại %(count)s", state=say("đang phát"), count=counted("%(n)s đầu thu", 2))
    assert (said, said.told()) == ("đang phát tại 2 đầu thu", "on air at 2 receivers")
    assert words.join(", ", [say("đang phát"), "x"]).told() == "on air, x"


@pytest.mark.usefixtures("in_english")
def test_without_values_a_percent_sign_is_one():
    assert say("Còn 100 % chỗ").told() == "100 % left"


@pytest.mark.usefixtures("in_english")
def test_changed_letters_stay_changed():
    assert say("đang phát").capitalize() == "Đang phát"
    assert say("đang phát").capitalize().told() == "On air"


@pytest.mark.usefixtures("in_english")
def test_a_library_that_fills_in_names_of_its_own_loses_nothing():
    assert (say("đang phát") % {"max": 3}).told() == "on air"
    assert say("%%(max)d từ %(name)s", name="A") % {"max": 3} == "3 từ A"


@pytest.mark.usefixtures("in_english")
def test_copies_know_as_much():
    said = say("đang phát").upper()
    assert copy.deepcopy(said).told() == "ON AIR"
    assert pickle.loads(pickle.dumps(said)).told() == "ON AIR"  # noqa: S301 - our own bytes


@pytest.mark.usefixtures("in_english")
def test_tells_all_within_what_a_program_gets():
    assert words.told({"a": [say("đang phát"), 1], "b": None}) == {"a": ["on air", 1], "b": None}


@pytest.mark.usefixtures("in_english")
def test_a_first_letter_is_made_large_in_the_readers_language():
    assert words.first_upper("xã Mẫu") == "Xã Mẫu"
    shown = words.first_upper(say("đang phát"))
    assert (shown, escape(shown)) == ("Đang phát", "On air")


@pytest.mark.usefixtures("in_english")
def test_what_a_library_fills_in_is_still_said_in_the_readers_language():
    filled = say("đang phát") % {"min": 1}
    assert (filled, escape(filled)) == ("đang phát", "on air")


@pytest.mark.usefixtures("in_english")
def test_what_stands_between_is_told_too():
    assert words.join(say(" và "), ["A", "B"]).told() == "A and B"
    assert words.join(" % ", ["A", "B"]).told() == "A % B"
    assert (words.join(", ", []), words.join(", ", ["A"])) == ("", "A")


class Slot:
    def __init__(self, name):
        self.name = name

    def __str__(self):
        return say("khung giờ %(name)s", name=self.name)


@pytest.mark.usefixtures("in_english")
def test_what_a_thing_is_called_is_told_and_stays_as_it_was_said():
    slot = Slot("Sáng")
    said = say("%(state)s tại %(count)s", state=say("đang phát"), count=slot)
    slot.name = "Chiều"
    assert (said, said.told()) == ("đang phát tại khung giờ Sáng", "on air at session Sáng")
