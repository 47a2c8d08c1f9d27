from __future__ import annotations

import io
import re
from html import unescape

import pytest

from content import dictionary, entries
from content.dictionary import Entry
from tests.cast import NOON
from tests.web.conftest import error_at, words

NEW = {"form": "NVHX", "spoken": "nhà văn hóa xã", "case_sensitive": "y", "note": "thôn Đông"}


@pytest.fixture
def taught(database, cast):
    """Two entries by Hoa; gives the id of the first."""
    with database.write() as session:
        first = entries.teach(session, cast.hoa, Entry("NVHX", "nhà văn hóa xã"), NOON)
        entries.teach(session, cast.hoa, Entry("UBND", "ủy ban"), NOON + 1)
        return first.id


def own(database):
    with database.read() as session:
        return {entry.form: entry.spoken for entry in entries.own(session)}


def test_an_empty_dictionary_says_what_it_is_for(hoa, lan):
    page = words(hoa.get("/tu-dien"))
    assert "dạy máy đọc đúng chữ viết tắt" in page
    assert "Thêm mục đầu tiên" in page
    assert "Thêm mục" not in words(lan.get("/tu-dien"))


def test_it_lists_what_the_commune_taught_and_who_did(hoa, taught):
    page = hoa.get("/tu-dien")
    shown = words(page)
    assert shown.index("UBND") < shown.index("NVHX")
    assert "Hoa, 12:00 ngày 21/11/2026" in shown
    assert "Của xã (2)" in shown
    assert page.text.count("data-listen") == 2


def test_it_finds_with_and_without_marks(hoa, taught):
    for search in ("nvhx", "nha van", "nhà văn"):
        shown = words(hoa.get("/tu-dien", query_string={"tim": search}))
        assert "NVHX" in shown
        assert "UBND" not in shown
    nothing = hoa.get("/tu-dien?tim=khong-co")
    assert "không có “khong-co”" in words(nothing)
    assert 'href="/tu-dien/moi?chu=khong-co"' in nothing.text


def test_an_entry_is_added(hoa, database, cast):
    answer = hoa.post("/tu-dien/moi", data={**NEW, "case_sensitive": ""})
    assert answer.location == "/tu-dien"
    with database.read() as session:
        (row,) = entries.listing(session)
    assert row.entry == Entry("NVHX", "nhà văn hóa xã", False, "thôn Đông")
    assert row.staff_id == cast.hoa.id
    assert "“NVHX” được đọc là" in words(hoa.get("/tu-dien"))


@pytest.mark.parametrize(
    ("note", "stored"),
    [("", "nhiều nghĩa"), ("khi là thông báo", "nhiều nghĩa: khi là thông báo"),
     ("Nhiều nghĩa: trung bình", "nhiều nghĩa: trung bình")],
)  # fmt: skip
def test_a_tick_says_that_a_form_has_several_meanings(hoa, database, note, stored):
    hoa.post("/tu-dien/moi", data={**NEW, "doubtful": "y", "note": note})
    with database.read() as session:
        (row,) = entries.listing(session)
    assert row.entry.note == stored
    assert row.entry.doubtful
    page = hoa.get(f"/tu-dien/{row.id}/sua").text
    assert re.search(r'<input[^>]*checked[^>]*name="doubtful"', page)
    assert "nhiều nghĩa" not in re.search(r'<input[^>]*name="note"[^>]*>', page)[0]
    hoa.post(f"/tu-dien/{row.id}/sua", data={**NEW, "note": ""})
    with database.read() as session:
        assert not entries.get(session, row.id).entry.doubtful


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("form", " ", "Hãy nhập chữ như trong văn bản"),
        ("spoken", "", "Hãy nhập cách đọc"),
        ("spoken", "phòng 5", "còn chữ số"),
        ("spoken", "a" * 201, "quá dài"),
    ],
)
def test_a_wrong_value_is_told_at_its_field_and_the_rest_kept(
    hoa, database, field, value, sentence
):
    answer = hoa.post("/tu-dien/moi", data={**NEW, field: value})
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)
    assert "thôn Đông" in answer.text
    assert own(database) == {}


def test_a_form_that_is_there_is_not_overwritten_unseen(hoa, database, taught):
    answer = hoa.post("/tu-dien/moi", data={**NEW, "spoken": "khác"})
    assert "đã có trong từ điển của xã, đọc là “nhà văn hóa xã”" in error_at(answer, "form")
    assert own(database)["NVHX"] == "nhà văn hóa xã"


def test_an_entry_is_changed(hoa, minh, database, taught):
    here = f"/tu-dien/{taught}/sua"
    assert 'value="nhà văn hóa xã"' in hoa.get(here).text
    minh.post(here, data={**NEW, "spoken": "nhà văn hóa"})
    assert own(database) == {"NVHX": "nhà văn hóa", "UBND": "ủy ban"}
    assert "Minh, 12:00" in words(hoa.get("/tu-dien"))


def test_the_form_of_an_entry_may_change_too_but_not_to_anothers(hoa, database, taught):
    here = f"/tu-dien/{taught}/sua"
    answer = hoa.post(here, data={**NEW, "form": "UBND"})
    assert "đã là một mục khác" in error_at(answer, "form")
    hoa.post(here, data={**NEW, "form": "NVHXX"})
    assert own(database) == {"NVHXX": "nhà văn hóa xã", "UBND": "ủy ban"}


def test_a_refused_change_of_form_loses_nothing(hoa, database, taught):
    hoa.post(f"/tu-dien/{taught}/sua", data={**NEW, "form": "KHAC", "spoken": "số 5"})
    assert own(database) == {"NVHX": "nhà văn hóa xã", "UBND": "ủy ban"}


def test_it_asks_before_an_entry_goes(hoa, database, taught):
    with database.read() as session:
        ubnd = next(row.id for row in entries.listing(session) if row.form == "UBND")
    page = words(hoa.get(f"/tu-dien/{ubnd}/bo"))
    assert "theo mục có sẵn: “ủy ban nhân dân”" in page
    assert "UBND" in own(database)
    assert hoa.post(f"/tu-dien/{ubnd}/bo").location == "/tu-dien"
    assert own(database) == {"NVHX": "nhà văn hóa xã"}
    assert hoa.get(f"/tu-dien/{ubnd}/bo").status_code == 404


def test_the_shipped_table_is_searched_and_answered(hoa, lan, taught):
    page = hoa.get("/tu-dien/co-san", query_string={"tim": "uy ban nhan dan"})
    shown = words(page)
    assert shown.index("UBND") < shown.index("ủy ban nhân dân")
    assert "xã đọc là ủy ban" in shown
    assert "HĐND" not in shown
    again = hoa.get("/tu-dien/co-san?tim=CCCD").text
    link = unescape(re.search(r'href="(/tu-dien/moi\?[^"]*)"', again)[1])
    form = hoa.get(link).text
    assert 'value="CCCD"' in form
    assert 'value="căn cước công dân"' in form
    assert "Đọc khác đi" not in words(lan.get("/tu-dien/co-san?tim=CCCD"))
    assert "Không có mục nào khớp" in words(hoa.get("/tu-dien/co-san?tim=voi+con"))


def test_the_shipped_table_is_looked_through_a_page_at_a_time(hoa):
    count = len(dictionary.shipped().entries)
    last = -(-count // 50)
    assert f"Trang 1/{last}" in words(hoa.get("/tu-dien/co-san"))
    shown = [
        hoa.get(f"/tu-dien/co-san?trang={n}").text.count('class="entry"')
        for n in range(1, last + 1)
    ]
    assert max(shown) == 50
    assert sum(shown) == count
    assert f"Trang {last}/{last}" in words(hoa.get("/tu-dien/co-san?trang=999"))
    assert "trang=2&amp;tim=a" in hoa.get("/tu-dien/co-san?tim=a").text


def test_the_communes_own_entries_come_a_page_at_a_time_too(hoa, database, cast):
    found = [Entry(f"TỪ{number}", "đọc thế này") for number in range(51)]
    with database.write() as session:
        entries.bring_in(session, cast.hoa, found, NOON)
    assert "Trang 1/2" in words(hoa.get("/tu-dien"))
    assert hoa.get("/tu-dien?trang=2").text.count('class="entry"') == 1


# --- files -----------------------------------------------------------------------------------------


def send(client, text, name="a.csv"):
    raw = text if isinstance(text, bytes) else text.encode()
    return client.post("/tu-dien/nhap", data={"file": (io.BytesIO(raw), name)})


def confirm(client, page):
    text = unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.DOTALL)[1])
    # As a browser sends it: the first line break is none of the text's, the others are CRLF.
    sent = text.removeprefix("\n").replace("\n", "\r\n")
    return client.post("/tu-dien/nhap", data={"sure": "1", "csv": sent})


def test_it_goes_out_as_a_file_excel_shows(hoa, lan, taught):
    answer = hoa.get("/tu-dien.csv")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert {e.form for e in dictionary.parse(answer.data.decode("utf-8-sig"))} == {"NVHX", "UBND"}
    assert lan.get("/tu-dien.csv").status_code == 200


def test_a_file_is_looked_at_before_anything_is_done(hoa, database, taught):
    file = '\ufeffform;spoken;note\nNVHX;nhà văn hóa xã;\nUBND;ủy ban xã;\n=MOI;"mục, mới";<b>\n'
    page = send(hoa, file)
    shown = words(page)
    assert "1 mục mới" in shown
    assert "1 mục đổi cách đọc" in shown
    assert "1 mục đã có y hệt" in shown
    assert "<del>ủy ban</del></td><td>ủy ban xã" in page.text
    assert own(database)["UBND"] == "ủy ban"
    assert confirm(hoa, page).location == "/tu-dien"
    assert own(database) == {"NVHX": "nhà văn hóa xã", "UBND": "ủy ban xã", "=MOI": "mục, mới"}
    assert "Đã nhập: 1 mục mới, 1 mục đổi cách đọc." in words(hoa.get("/tu-dien"))


def test_what_goes_out_comes_in_and_changes_nothing(hoa, taught):
    page = send(hoa, hoa.get("/tu-dien.csv").data)
    assert "Không có gì để nhập" in words(page)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("form,spoken\nAX,một\nBX,số 5\n", "Dòng 3"),
        ("form,spoken\nAX,một\nAX,hai\n", "đã có ở dòng 2"),
        ("form,note\nAX,một\n", "thiếu cột “cách đọc”"),
        ("form,spoken\n", "chưa có mục nào"),
        ("", "Dòng đầu"),
        ("form,spoken\nĐX,một\n".encode("utf-16"), "CSV UTF-8"),
        (b"x" * 500_001, "nặng hơn 500 kB"),
    ],
)
def test_a_file_that_is_wrong_is_told_of_with_its_line(hoa, database, file, sentence):
    answer = send(hoa, file)
    assert answer.status_code == 400
    assert sentence in error_at(answer, "file")
    assert own(database) == {}


def test_no_file_is_told_of_too(hoa):
    answer = hoa.post("/tu-dien/nhap", data={})
    assert "Hãy chọn tệp CSV" in error_at(answer, "file")


def test_a_file_with_too_many_entries_is_refused(hoa, monkeypatch):
    monkeypatch.setattr(entries, "MOST", 1)
    answer = send(hoa, "form,spoken\nAX,một\nBX,hai\n")
    assert "quá 1 mục" in error_at(answer, "file")


def test_what_is_confirmed_is_checked_again(hoa, database):
    answer = hoa.post("/tu-dien/nhap", data={"sure": "1", "csv": "form,spoken\nAX,số 5\n"})
    assert answer.status_code == 400
    assert own(database) == {}


def test_who_may_only_look_changes_nothing(lan, database, taught):
    assert lan.get("/tu-dien").status_code == 200
    for address in ("moi", "nhap", f"{taught}/sua", f"{taught}/bo"):
        assert lan.get(f"/tu-dien/{address}").status_code == 403
        assert lan.post(f"/tu-dien/{address}", data=NEW).status_code == 403
    assert "Nghe thử" not in words(lan.get("/tu-dien"))
    assert len(own(database)) == 2
