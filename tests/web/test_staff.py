from __future__ import annotations

import re

import pytest

from loa import staff
from loa.staff import Role
from loa.times import HOUR
from tests.cast import PASSWORD
from tests.web.conftest import error_at, words

NEW = {"name": "Vũ Thị Tư", "login": "Tu.Vu", "role": "operator"}


def shown(answer):
    return re.search(r'class="secret"><code>([^<]+)', answer.text)[1]


def test_it_adds_a_person_and_shows_the_password_once(admin, client, database):
    answer = admin.post("/can-bo/moi", data=NEW)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Vũ Thị Tư" in words(answer)
    with database.read() as session:
        assert staff.find_for_sign_in(session, "tu.vu").role is Role.OPERATOR
    signed_in = client.post("/dang-nhap", data={"login": "tu.vu", "password": shown(answer)})
    assert signed_in.location == "/"
    assert shown(answer) not in admin.get("/can-bo").text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("login", "hoa", "đã có người dùng"),
        ("login", "tư vũ", "chỉ được gồm chữ không dấu"),
        ("login", "", "Hãy nhập tên đăng nhập"),
        ("name", "", "Hãy nhập họ tên cán bộ."),
        ("role", "king", "Lựa chọn này không có"),
    ],
)
def test_it_shows_a_wrong_value_at_its_field(admin, field, value, sentence):
    answer = admin.post("/can-bo/moi", data={**NEW, field: value})
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)


def test_it_gives_a_new_password_after_asking(admin, hoa, client, cast):
    here = f"/can-bo/{cast.hoa.id}/mat-khau"
    assert "Đặt lại mật khẩu của Hoa?" in words(admin.get(here))
    assert hoa.get("/").status_code == 200
    password = shown(admin.post(here))
    assert hoa.get("/").status_code == 302
    data = {"login": "hoa", "password": password}
    assert client.post("/dang-nhap", data=data).status_code == 302


def test_it_closes_and_opens_an_account(admin, hoa, client, cast):
    here = f"/can-bo/{cast.hoa.id}"
    assert "Khoá tài khoản của Hoa?" in words(admin.get(here + "/khoa"))
    assert admin.post(here + "/khoa").location == "/can-bo"
    assert hoa.get("/").status_code == 302
    assert "đã khoá" in words(admin.get("/can-bo"))
    data = {"login": "hoa", "password": PASSWORD}
    assert client.post("/dang-nhap", data=data).status_code == 400
    admin.post(here + "/mo")
    assert client.post("/dang-nhap", data=data).status_code == 302


def test_it_lets_nobody_lock_themselves_out(admin, cast):
    assert admin.post(f"/can-bo/{cast.admin.id}/khoa").status_code == 409
    assert admin.get("/").status_code == 200


def test_it_changes_ones_own_password_and_stays_signed_in_here(app, sign_in, cast):
    here, elsewhere = sign_in(cast.hoa), sign_in(cast.hoa)
    data = {"present": PASSWORD, "password": "con-meo-tam-the", "again": "con-meo-tam-the"}
    assert here.post("/mat-khau", data=data).location == "/"
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"present": "sai"}, "present", "Mật khẩu hiện nay không đúng."),
        ({"again": "khac-han-kia"}, "again", "không giống nhau"),
        ({"password": "ngan", "again": "ngan"}, "password", "ít nhất 10 ký tự"),
        ({"present": ""}, "present", "Hãy nhập mật khẩu hiện nay."),
    ],
)
def test_it_says_what_is_wrong_with_a_password(hoa, change, field, sentence):
    data = {
        "present": PASSWORD,
        "password": "con-meo-tam-the",
        "again": "con-meo-tam-the",
        **change,
    }
    answer = hoa.post("/mat-khau", data=data)
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)
    assert "con-meo" not in answer.text


def names(answer) -> list[str]:
    return re.findall(r'<li class="row">\s*<b>([^<]+)</b>', answer.text)


def test_it_finds_people_without_their_marks_and_sorts_them(admin, cast, clock):
    clock.move(HOUR)
    admin.post("/can-bo/moi", data=NEW)
    assert names(admin.get("/can-bo?tim=thi+tu")) == ["Vũ Thị Tư"]
    assert names(admin.get("/can-bo?tim=tu.vu")) == ["Vũ Thị Tư"]
    assert names(admin.get("/can-bo?xep=-them"))[0] == "Vũ Thị Tư"
    assert names(admin.get("/can-bo")) == sorted(names(admin.get("/can-bo")))


def test_it_narrows_the_list_by_role_and_by_state(admin, cast):
    admin.post(f"/can-bo/{cast.hoa.id}/khoa")
    assert names(admin.get("/can-bo?tinh-trang=da-khoa")) == ["Hoa"]
    assert "Hoa" not in names(admin.get("/can-bo?tinh-trang=dang-lam"))
    assert names(admin.get("/can-bo?vai-tro=approver")) == ["Minh"]
    assert names(admin.get("/can-bo"))[-1] == "Hoa"
    nobody = admin.get("/can-bo?tim=khong-ai")
    assert "Không có cán bộ nào khớp." in words(nobody)


def test_the_list_is_a_table_file_too(admin, hoa, cast):
    answer = admin.get("/can-bo.csv?vai-tro=approver")
    assert "can-bo-20261121.csv" in answer.headers["Content-Disposition"]
    lines = answer.data.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("Họ và tên,Tên đăng nhập,Vai trò")
    assert [line.split(",")[0] for line in lines[1:]] == ["Minh"]
    assert hoa.get("/can-bo.csv").status_code == 403


def test_a_long_list_is_turned_page_by_page(admin, cast, monkeypatch):
    monkeypatch.setattr("web.lists.slice_of.__defaults__", (2,))
    first, second = names(admin.get("/can-bo")), names(admin.get("/can-bo?trang=2"))
    assert len(first) == 2
    assert not set(first) & set(second)
