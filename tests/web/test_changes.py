from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from content import versions
from content.drafts import Draft
from content.parts import Chime, Recorded, Text, Translation, spoken
from content.versions import Difference
from content.wording import Piece
from web import changes, labels
from web.changes import Change

DRAFT = Draft(title="Họp", parts=spoken("Họp lúc 7 giờ.", "espeak"))
TAY = Translation(language="tyz", upload="b" * 64, name="tày.mp3")


def test_every_field_and_way_has_a_word():
    assert set(changes.FIELDS) == set(Draft.__struct_fields__)
    assert set(changes.WAYS) == set(versions._WAYS.values())
    assert set(labels.PART_KINDS) == {Text, Recorded, Chime}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"title": "Họp thôn"}, [Change("tên bản tin", "“Họp”", "“Họp thôn”")]),
        ({"field": 4}, [Change("lĩnh vực", "thông tin chung", "chỉ đạo điều hành")]),
        ({"chimes": False}, [Change("nhạc hiệu", "có", "không")]),
        (
            {"valid_until": date(2026, 12, 1)},
            [Change("ngày hết hiệu lực", "không đặt", "01/12/2026")],
        ),
        (
            {"translations": (TAY,)},
            [Change("bản tiếng dân tộc", "không có", "tiếng Tày “tày.mp3”")],
        ),
        ({"parts": spoken("Họp lúc 8 giờ.", "espeak")}, [Change("lời văn")]),
        (
            {"parts": spoken("Họp lúc 7 giờ.", "", 120)},
            [Change("giọng đọc", "espeak", "giọng mặc định"), Change("tốc độ đọc", "135", "120")],
        ),
        (
            {"parts": (Chime(), Recorded(upload="a" * 64, name="a.mp3"))},
            [Change("các phần", "văn bản máy đọc", "nhạc hiệu + bản ghi âm")],
        ),
    ],
)
def test_it_says_what_changed_with_both_values(changed, told):
    difference = versions.compare(DRAFT, replace(DRAFT, **changed))
    assert changes.listed(difference) == told
    assert changes.brief(difference) == ", ".join(change.what for change in told)


def test_it_says_when_nobody_can_tell_what_changed():
    assert changes.brief(Difference((), ())) == changes.UNKNOWN
    assert changes.listed(Difference((), ())) == [Change(changes.UNKNOWN)]


def test_it_keeps_only_a_little_of_what_stayed():
    long = "chữ " * 100
    found = list(
        changes.excerpt([Piece("same", long), Piece("added", "mới "), Piece("same", long)])
    )
    assert [each.kind for each in found] == ["same", "added", "same"]
    assert found[0].text.startswith(" […] chữ")
    assert found[2].text.endswith("chữ […] ")
    assert max(len(each.text) for each in found) < 80


def test_it_cuts_nothing_out_of_what_is_short_or_changed():
    found = [Piece("same", "ngắn "), Piece("removed", "dài " * 100)]
    assert list(changes.excerpt(found)) == found
