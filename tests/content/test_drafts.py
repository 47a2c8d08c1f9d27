from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from content import drafts
from content.corrections import Correction
from content.drafts import Draft
from content.parts import Recorded, Text, Translation, spoken
from loa.errors import ContentError

TEAM = Correction(6, 9, "XYZ", "tổ xung kích")


def draft(**changed):
    return Draft(**{"title": "Họp thôn", "parts": spoken("Mời bà con."), **changed})


def test_it_takes_the_usual_draft():
    drafts.check(draft(), 30_000)


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"title": " \t"}, "title", "Hãy đặt tên"),
        ({"title": "a" * 201}, "title", "tối đa 200"),
        ({"parts": ()}, "body", "chưa có nội dung"),
        ({"parts": spoken("a" * 31_000)}, "body", "tối đa 30.000"),
        ({"field": 0}, "field", "Lĩnh vực 0 không có"),
        ({"field": 7}, "field", "chọn từ 1 đến 6"),
        ({"translations": (Translation(language="vi", upload="a", name="a"),)}, "language", "vi"),
        ({"valid_from": date(2026, 11, 22), "valid_until": date(2026, 11, 21)}, "valid_until", "trước"),
    ],
)  # fmt: skip
def test_it_names_the_field_to_put_right(changed, field, sentence):
    with pytest.raises(ContentError, match=sentence) as refused:
        drafts.check(draft(**changed), 30_000)
    assert refused.value.field == field


def test_one_day_is_a_time_too():
    day = date(2026, 11, 21)
    drafts.check(draft(valid_from=day, valid_until=day), 30_000)


def test_it_is_stored_tidy():
    tidy = drafts.tidy(draft(title="  Họp \n thôn ", parts=spoken(" Mời.\r\n")))
    assert tidy.title == "Họp thôn"
    assert tidy.parts == (Text(body="Mời."),)
    assert drafts.tidy(tidy) == tidy


def test_what_nobody_sees_is_not_stored():
    tidy = drafts.tidy(
        draft(
            title="Họp\x00 thôn\x0bĐông",
            parts=(
                Text(body="Một\x00\tbà\x07\rcon\x0chai\ud800\x85ba\x7f."),
                Recorded(upload="a", name="họ\x00p\n.mp3"),
            ),
            translations=(Translation(language="tyz", upload="a", name="\x1btày.mp3"),),
        )
    )
    assert tidy.title == "Họp thôn Đông"
    assert tidy.parts == (
        Text(body="Một\tbà\ncon\nhai\nba."), Recorded(upload="a", name="họp.mp3"),
    )  # fmt: skip
    assert tidy.translations[0].name == "tày.mp3"
    assert drafts.tidy(tidy) == tidy


def test_a_correction_goes_along_with_its_words():
    (found,) = drafts.tidy(draft(parts=(Text(body="\x00\x01Gặp XYZ.", corrections=(TEAM,)),))).parts
    assert found.corrections == (replace(TEAM, start=4, end=7),)


def test_of_a_long_file_name_the_end_is_kept():
    name = "a" * 300 + ".mp3"
    (found,) = drafts.tidy(draft(parts=(Recorded(upload="a", name=name),))).parts
    assert found.name == name[-255:]


def test_what_is_heard_is_told_from_what_is_only_said_about_it():
    assert set(drafts.AUDIBLE) == {"parts", "translations", "chimes"}
    assert set(drafts.AUDIBLE) < set(drafts.NAMES)
