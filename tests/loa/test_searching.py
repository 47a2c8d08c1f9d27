from __future__ import annotations

import unicodedata

import pytest

from loa import searching


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Tiêm chủng", "Tiem chung"),
        ("ĐƯỜNG đến Ấp Bắc", "DUONG den Ap Bac"),
        (unicodedata.normalize("NFD", "Nguyễn Thị Ửng"), "Nguyen Thi Ung"),
        ("20.000đ/con", "20.000d/con"),
        ("", ""),
    ],
)
def test_it_takes_every_mark_off(text: str, plain: str) -> None:
    assert searching.without_marks(text) == plain


def test_a_key_holds_each_text_plain_and_as_written() -> None:
    assert searching.key("Lịch  Họp", "Ở đình") == "lich hop\no dinh\nlịch họp\nở đình"


def test_a_key_of_decomposed_letters_is_the_same() -> None:
    assert searching.key(unicodedata.normalize("NFD", "Họp ở đình")) == searching.key("Họp ở đình")
