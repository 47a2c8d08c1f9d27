from __future__ import annotations

import logging

import pytest
from sqlalchemy.exc import DataError, OperationalError

from loa.errors import ContentError, DatabaseError, NotAllowed, NotFound
from tests.web.conftest import words
from web import library as pages

BOTH_DATABASES = True


def fail_with(monkeypatch, error):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(pages.library, "listing", fail)


def test_it_has_a_page_for_an_address_that_leads_nowhere(hoa, client):
    answer = hoa.get("/khong-co")
    assert answer.status_code == 404
    assert "Không có trang này" in words(answer)
    assert client.get("/khong-co").status_code == 302


def test_it_says_so_when_a_thing_is_gone(hoa):
    for address in ("/ban-tin/99", "/luot-phat/99", "/dau-thu/khong-co", "/lich-phat/99/ket-thuc"):
        answer = hoa.get(address)
        assert answer.status_code == 404
        assert "Không tìm thấy" in words(answer)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotAllowed("Hoa không được làm việc này."), 403),
        (NotFound("Không tìm thấy việc này."), 404),
        (ContentError("Việc này đã làm rồi."), 409),
        (ContentError("Ô này sai.", field="title"), 400),
        (DatabaseError("Không mở được cơ sở dữ liệu."), 503),
    ],
)
def test_it_shows_the_sentence_of_a_refusal(hoa, monkeypatch, error, status):
    fail_with(monkeypatch, error)
    answer = hoa.get("/ban-tin")
    assert answer.status_code == status
    assert error.sentence in words(answer)


HUGE = "9" * 20


@pytest.mark.parametrize("number", [HUGE, "9" * 10])
@pytest.mark.parametrize(
    "address",
    [
        "/dau-thu?nhom={}", "/dau-thu/cho-nhan/{}", "/dau-thu/tem-nhan?dia_ban={}", "/dau-thu/nhom/{}",
        "/khan-cap/luu-san/{}/bo", "/dau-thu/nhieu?tat_ca=1&nhom={}", "/ban-tin/{}", "/luot-phat/{}",
        "/lich-phat/{}", "/chuong-trinh/{}",
    ],
)  # fmt: skip
def test_a_number_too_large_leads_nowhere_and_is_no_fault(admin, address, number, caplog):
    answer = admin.get(address.format(number))
    assert answer.status_code == 404 or (answer.status_code, number) == (200, "9" * 10)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_number_too_large_in_a_form_is_no_fault(admin, database, cast):
    data = {"name": "Cột", "area": HUGE, "volume": "70", "households": "0"}
    assert admin.post("/dau-thu/them", data=data).status_code in (400, 404)
    assert admin.get(f"/dau-thu?dia_ban={HUGE}").status_code == 200


@pytest.mark.parametrize(
    "error", [OverflowError("too large"), DataError("select", {}, Exception("other"))]
)
def test_another_such_fault_of_ours_is_not_hidden(hoa, monkeypatch, caplog, error):
    fail_with(monkeypatch, error)
    with caplog.at_level(logging.ERROR):
        assert hoa.get("/ban-tin").status_code == 500
    assert "Traceback" in caplog.text


def test_it_hides_a_fault_of_ours_and_logs_it(hoa, monkeypatch, caplog):
    fail_with(monkeypatch, RuntimeError("bí mật ở đây"))
    with caplog.at_level(logging.ERROR):
        answer = hoa.get("/ban-tin")
    assert answer.status_code == 500
    assert "lỗi đã được ghi lại" in words(answer)
    assert "bí mật" not in answer.text
    assert "Traceback" not in answer.text
    assert "bí mật ở đây" in caplog.text


def test_it_asks_for_patience_when_the_database_is_busy(hoa, monkeypatch):
    fail_with(monkeypatch, OperationalError("select 1", {}, Exception("database is locked")))
    answer = hoa.get("/ban-tin")
    assert answer.status_code == 503
    assert "thử lại sau ít giây" in words(answer)
    assert "select" not in answer.text


def test_it_leaves_a_live_page_as_it_is(hoa, monkeypatch):
    fail_with(monkeypatch, ContentError("Việc này đã làm rồi."))
    answer = hoa.get("/ban-tin", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.text) == (409, "Việc này đã làm rồi.")


def test_it_refuses_a_post_that_is_too_long(hoa):
    answer = hoa.post("/ban-tin/doc-thu", data={"body": "a" * 2_100_000})
    assert answer.status_code == 413
    assert "Tệp ghi âm được tối đa 1 MB" in words(answer)
