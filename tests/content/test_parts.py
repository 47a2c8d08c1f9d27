from __future__ import annotations

import unicodedata

import msgspec
import pytest

from content import parts
from content.corrections import Correction
from content.parts import Chime, Recorded, Stored, Text, Translation
from loa.errors import ContentError

MOST = 30_000


def problem(*found, most=MOST):
    with pytest.raises(ContentError) as refused:
        parts.check(found, max_characters=most)
    return refused.value


def test_it_takes_text_recordings_and_chimes_in_any_order():
    found = (
        Chime(),
        Text(body="Lời dẫn."),
        Recorded(upload="a" * 64, name="a.mp3"),
        Text(body="Hết."),
    )
    parts.check(found, max_characters=MOST)
    assert parts.body(found) == "Lời dẫn.\n\nHết."
    assert parts.uploads(found, [Translation(language="km", upload="b", name="b.mp3")]) == [
        "a" * 64, "b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "field", "sentence"),
    [
        ((), "body", "chưa có nội dung"),
        ((Text(body="  \n"),), "body", "Hãy nhập hoặc dán"),
        ((Text(body="Chào.", speed=109),), "speed", "ngoài khoảng 110–175"),
        ((Text(body="Chào.", speed=176),), "speed", "ngoài khoảng 110–175"),
        ((Recorded(upload="", name=""),), "upload", "Hãy chọn tệp ghi âm"),
        ((Text(body="Chào."), Chime(chime="trong-com")), "parts", "Phần 2: Không có nhạc hiệu"),
        ((Text(body="Chào."), Text(body="")), "body", "Phần 2: Hãy nhập"),
        ((Chime(), Chime()), "parts", "chỉ có nhạc hiệu"),
        (tuple(Text(body="Chào.") for _ in range(13)), "parts", "13 phần; tối đa 12"),
    ],
)  # fmt: skip
def test_it_names_the_field_that_is_wrong_and_the_part_when_there_are_several(
    found, field, sentence
):
    refusal = problem(*found)
    assert refusal.field == field
    assert sentence in refusal.sentence


def test_it_counts_the_letters_of_all_texts_together():
    refusal = problem(Text(body="a" * 600), Text(body="b" * 600), most=1_000)
    assert "1.202 ký tự; tối đa 1.000" in refusal.sentence


@pytest.mark.parametrize(
    "cuts", [((0, 0),), ((5, 3),), ((0, 10), (9, 20)), ((10, 20), (0, 5)), ((-5, 3),)]
)
def test_it_takes_no_cuts_that_overlap_or_run_backwards(cuts):
    assert problem(Recorded(upload="a", name="a.mp3", cuts=cuts)).field == "cuts"


def test_cuts_may_touch():
    parts.check((Recorded(upload="a", name="a", cuts=((0, 10), (10, 20))),), max_characters=MOST)


def test_it_stores_composed_letters_without_blank_ends():
    loose = unicodedata.normalize("NFD", "  Họp thôn.\r\nMời bà con.\r\n")
    (text,) = parts.tidy((Text(body=loose),))
    assert text.body == "Họp thôn.\nMời bà con."


def test_corrections_move_along_when_blanks_before_them_go():
    (text,) = parts.tidy((Text(body="\n\nỞ XYZ.", corrections=(Correction(4, 7, "XYZ", "ba"),)),))
    assert text.corrections == (Correction(2, 5, "XYZ", "ba"),)


@pytest.mark.parametrize(
    ("found", "field", "sentence"),
    [
        ([("xx", "a")], "language", "Không có ngôn ngữ “xx”"),
        ([("km", "a"), ("km", "b")], "language", "chỉ có một bản ghi"),
        ([("km", "")], "upload", "Hãy chọn tệp ghi âm"),
    ],
)
def test_it_refuses_a_translation_that_cannot_be_heard(found, field, sentence):
    translations = [Translation(language=code, upload=name, name="x.mp3") for code, name in found]
    with pytest.raises(ContentError, match=sentence) as refused:
        parts.check_translations(translations, {"km", "tyz"})
    assert refused.value.field == field


def test_what_is_stored_comes_back_the_same():
    column = Stored(parts.Parts)
    found = (
        Text(
            body="Ở XYZ.", voice="espeak", speed=150, corrections=(Correction(2, 5, "XYZ", "ba"),)
        ),
        Recorded(upload="a" * 64, name="hop.mp3", music=True, cuts=((0, 1500),)),
        Chime(chime="closing"),
    )
    text = column.process_bind_param(found, None)
    assert isinstance(text, str)
    assert column.process_result_value(text, None) == found
    assert column.process_result_value(None, None) is None


def test_what_is_stored_is_not_read_as_something_else():
    column = Stored(parts.Parts)
    with pytest.raises(msgspec.ValidationError):
        column.process_result_value('[{"type": "poem", "body": "x"}]', None)


def test_a_correction_whose_words_are_gone_is_dropped():
    lost = Correction(0, 3, "ABC", "a bê xê")
    (text,) = parts.tidy((Text(body="Ở XYZ.", corrections=(lost,)),))
    assert text.corrections == ()
