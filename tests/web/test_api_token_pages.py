"""Mã truy cập: the admin's page on which tokens are made and revoked."""

from __future__ import annotations

import re

from loa.times import DAY
from tests.web.conftest import error_at, words
from tests.web.program import BASE

NEW = {"name": "Cổng thông tin xã", "scopes": ["bulletins:read", "bulletins:write"], "days": "90"}


def shown(answer):
    return re.search(r'class="secret"><code>([^<]+)', answer.text)[1]


def test_it_makes_a_token_and_shows_it_once(admin, client, cast):
    assert "Chưa có mã nào." in words(admin.get("/ma-truy-cap"))
    answer = admin.post("/ma-truy-cap/moi", data={**NEW, "owner": cast.hoa.id})
    assert answer.headers["Cache-Control"] == "no-store"
    token = shown(answer)
    me = client.get(f"{BASE}/me", headers={"Authorization": f"Bearer {token}"}).json
    assert (me["staff"]["login"], me["scopes"]) == ("hoa", NEW["scopes"])
    listed = admin.get("/ma-truy-cap")
    assert token not in listed.text
    assert "thay cho Hoa (người soạn)" in words(listed)
    assert "soạn, sửa, thu hồi bản tin và gửi duyệt" in words(listed)
    assert f"“{token[-4:]}”" in words(listed)
    assert "dùng được đến 19/02/2027" in words(listed)
    assert "dùng lần cuối khoảng 12:00" in words(listed)


def test_it_shows_a_wrong_value_at_its_field(admin, cast):
    for field, value, sentence in (
        ("name", "", "Hãy ghi phần mềm nào dùng mã này."),
        ("owner", "99", "Lựa chọn này không có"),
        ("owner", cast.lan.id, ""),
        ("scopes", [], "ít nhất một việc"),
        ("scopes", ["everything"], ""),
        ("days", "0", "từ 1 đến 731"),
        ("days", "", "Hãy nhập số ngày"),
    ):
        answer = admin.post("/ma-truy-cap/moi", data={**NEW, "owner": cast.hoa.id, field: value})
        assert answer.status_code == 400, (field, value)
        if sentence:
            assert sentence in error_at(answer, field)
    assert "Chưa có mã nào." in words(admin.get("/ma-truy-cap"))


def test_it_revokes_after_asking(admin, client, cast, clock):
    headers = {
        "Authorization": f"Bearer {shown(admin.post('/ma-truy-cap/moi', data={**NEW, 'owner': cast.hoa.id}))}"
    }
    here = "/ma-truy-cap/1/thu-hoi"
    assert "Thu hồi mã của “Cổng thông tin xã”?" in words(admin.get(here))
    assert client.get(f"{BASE}/me", headers=headers).status_code == 200
    assert admin.post(here).location == "/ma-truy-cap"
    assert client.get(f"{BASE}/me", headers=headers).status_code == 401
    page = words(admin.get("/ma-truy-cap"))
    assert "Đã thu hồi mã truy cập" in page
    assert "đã thu hồi" in page


def test_it_says_when_one_is_over(admin, cast, clock):
    admin.post("/ma-truy-cap/moi", data={**NEW, "owner": cast.hoa.id})
    clock.move(91 * DAY)
    assert "đã hết hạn" in words(admin.get("/ma-truy-cap"))


def test_staff_find_the_way_there(admin):
    assert 'href="/ma-truy-cap"' in admin.get("/can-bo").text
