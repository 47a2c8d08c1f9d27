from __future__ import annotations

import re

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


def shown(client, query):
    return re.findall(r'<div class="row">\s*<b>([^<]+)<', client.get(f"/dia-ban?{query}").text)


def test_it_is_found_with_and_without_marks_and_sorted(lan, database, cast):
    with database.write() as session:
        areas.get(session, cast.villages[2].id).households = 300
    assert shown(lan, "") == ["xã Mẫu", "thôn Bãi", "thôn Đoài", "thôn Đông"]
    assert shown(lan, "tim=thon+do") == ["thôn Đoài", "thôn Đông"]
    assert shown(lan, "tim=đong") == []
    assert shown(lan, "xep=-ho")[0] == "thôn Bãi"
    assert "thuộc xã Mẫu" in words(lan.get("/dia-ban?tim=bai"))
    assert "Không có địa bàn nào khớp." in words(lan.get("/dia-ban?tim=khong-co"))


def test_it_says_what_comes_first(admin, monkeypatch):
    monkeypatch.setattr("web.areas.places", lambda session: [])
    assert "Thêm địa bàn đầu tiên" in words(admin.get("/dia-ban"))
    assert "không thuộc địa bàn nào" in words(admin.get("/dia-ban/moi"))


def language_of(database, area_id):
    with database.read() as session:
        return areas.spoken_in(session)[area_id]


def test_it_shows_and_sets_the_language_of_an_area(admin, lan, database, cast):
    assert "thôn Đông 100 hộ · 1 đầu thu · tiếng Kinh (như cấp trên)" in words(lan.get("/dia-ban"))
    here = f"/dia-ban/{cast.villages[0].id}/tieng"
    assert "như cấp trên (tiếng Kinh)" in words(admin.get(here))
    assert admin.post(here, data={"language": "tyz"}).location == "/dia-ban"
    assert "thôn Đông 100 hộ · 1 đầu thu · tiếng Tày" in words(lan.get("/dia-ban"))
    assert language_of(database, cast.villages[0].id) == "tyz"
    assert 'selected value="tyz"' in admin.get(here).text
    admin.post(here, data={"language": ""})
    assert language_of(database, cast.villages[0].id) == "vi"


def test_villages_follow_their_commune(admin, lan, database, cast):
    here = f"/dia-ban/{cast.commune.id}/tieng"
    assert "chưa chọn (tiếng Kinh)" in words(admin.get(here))
    admin.post(here, data={"language": "km"})
    assert language_of(database, cast.villages[0].id) == "km"
    assert "tiếng Khmer (như cấp trên)" in words(lan.get("/dia-ban"))
    village = f"/dia-ban/{cast.villages[0].id}/tieng"
    assert "như cấp trên (tiếng Khmer)" in words(admin.get(village))


def test_it_refuses_a_language_there_is_not_and_whoever_may_not(admin, hoa, cast):
    here = f"/dia-ban/{cast.commune.id}/tieng"
    answer = admin.post(here, data={"language": "xx"})
    assert answer.status_code == 400
    assert "Không có ngôn ngữ" in error_at(answer, "language")
    assert hoa.get(here).status_code == 403
    assert admin.get("/dia-ban/99/tieng").status_code == 404


def test_a_new_area_says_its_language(admin, database, cast):
    data = {"level": "bản", "name": "Lũng", "parent": str(cast.commune.id), "households": "9",
            "language": "hmn"}  # fmt: skip
    admin.post("/dia-ban/moi", data=data)
    with database.read() as session:
        (added,) = [area for _, area in areas.tree(session) if area.name == "Lũng"]
    assert added.language == "hmn"


def test_it_changes_an_area_and_keeps_what_was_typed_on_a_mistake(admin, database, cast):
    with database.read() as session:
        village = next(area for _, area in areas.tree(session) if area.name == "Đông")
    place = f"/dia-ban/{village.id}/sua"
    assert 'value="Đông"' in admin.get(place).text
    data = {"level": "thôn", "name": "Đông Mới", "parent": str(cast.commune.id), "households": "7"}
    wrong = admin.post(place, data=data | {"households": "-1"})
    assert "không hợp lệ" in error_at(wrong, "households")
    assert 'value="Đông Mới"' in wrong.text
    assert admin.post(place, data=data).location == "/dia-ban"
    assert "thôn Đông Mới 7 hộ" in words(admin.get("/dia-ban"))


def test_it_looks_at_a_table_before_it_is_brought_in(admin, lan):
    table = "tên,số hộ\nthôn Bến,88\nthôn Đông,x\n"
    looked = words(admin.post("/dia-ban/nhap", data={"csv": table}))
    assert "1 địa bàn mới" in looked
    assert "Dòng 3" in looked
    assert "thôn Bến" not in words(admin.get("/dia-ban"))
    assert admin.post("/dia-ban/nhap", data={"csv": table, "sure": "1"}).location == "/dia-ban"
    assert "thôn Bến 88 hộ" in words(admin.get("/dia-ban"))
    assert "thôn,Bến,xã Mẫu,88" in lan.get("/dia-ban.csv").text


def test_an_import_without_a_table_is_told(admin):
    answer = admin.post("/dia-ban/nhap", data={})
    assert answer.status_code == 400
    assert "Hãy chọn tệp CSV" in error_at(answer, "file")
