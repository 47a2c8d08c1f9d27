from __future__ import annotations

import pytest

from devices import areas
from tests.web.conftest import error_at, words


def test_it_shows_the_tree_with_households_and_receivers(lan):
    told = words(lan.get("/dia-ban"))
    assert "xã Mẫu 3 đầu thu" in told
    assert "thôn Đông 100 hộ · 1 đầu thu" in told
    assert "Thêm địa bàn" not in told


def test_it_adds_an_area_below_another(admin, database, cast):
    assert (
        f'value="{cast.commune.id}" selected'
        in admin.get("/dia-ban/moi?thuoc=1").text.replace("selected value", "value")
        or f'selected value="{cast.commune.id}"' in admin.get("/dia-ban/moi?thuoc=1").text
    )
    data = {"level": "thôn", "name": "Trại", "parent": str(cast.commune.id), "households": "55"}
    assert admin.post("/dia-ban/moi", data=data).location == "/dia-ban"
    with database.read() as session:
        assert ("Trại", 1) in [(area.name, depth) for depth, area in areas.tree(session)]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Hãy nhập tên địa bàn."),
        ("level", " ", "Hãy nhập cấp của địa bàn"),
        ("name", "Đông", "đã có ở đây"),
        ("households", "-5", "không hợp lệ"),
        ("location", "x", "vĩ độ, kinh độ"),
    ],
)
def test_it_shows_a_wrong_value_at_its_field(admin, cast, field, value, sentence):
    data = {
        "level": "thôn",
        "name": "Trại",
        "parent": str(cast.commune.id),
        "households": "55",
        field: value,
    }
    answer = admin.post("/dia-ban/moi", data=data)
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)
    assert 'value="55"' in answer.text or field == "households"


def test_it_says_what_comes_first(admin, monkeypatch):
    monkeypatch.setattr("web.areas.places", lambda session: [])
    assert "Thêm địa bàn đầu tiên" in words(admin.get("/dia-ban"))
    assert "không thuộc địa bàn nào" in words(admin.get("/dia-ban/moi"))
