"""What is no call at all, or none of the form asked for: told in one form, in a sentence, never as a page."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from tests.web.program import BASE, error
from web import uploads
from web.api import answers

BOTH_DATABASES = True
NEW = {"title": "Họp", "body": "Họp thôn."}


@pytest.fixture
def api(program, cast):
    return program(cast.hoa)


WRONG: list[tuple[dict[str, object], object]] = [
    ({"extra": 1}, (422, "unknown_field", "extra")),
    ({"title": None}, (422, "invalid_value", "title")),
    ({"title": 5}, (422, "invalid_value", "title")),
    ({"title": "x" * 201}, (422, "invalid_value", "title")),
    ({"field": 7}, (422, "invalid_value", "field")),
    ({"field": "1"}, (422, "invalid_value", "field")),
    ({"speed": 1.5}, (422, "invalid_value", "speed")),
    ({"chimes": "yes"}, (422, "invalid_value", "chimes")),
    ({"priority": "loud"}, (422, "invalid_value", "priority")),
    ({"valid_from": "21/11/2026"}, (422, "invalid_value", "valid_from")),
    ({"valid_from": "0001-01-01"}, (422, "invalid_value", "valid_from")),
    ({"title": "a\0b"}, (422, "invalid_value", "title")),
    ({"title": "  "}, (422, "content_refused", "title")),
    ({"speed": 9999}, (422, "content_refused", "speed")),
    ({"speed": 10**30}, (422, "content_refused", "speed")),
]


def test_it_names_the_field_that_is_wrong(api):
    for change, wanted in WRONG:
        assert error(api.post("/bulletins", {**NEW, **change})) == wanted, change


SENTENCES: list[tuple[dict[str, object], str]] = [
    ({"title": 5}, "Mục “title” phải là chuỗi chữ."),
    ({"field": 7}, "Mục “field” phải là số nguyên nhiều nhất 6."),
    ({"title": "x" * 201}, "Mục “title” có độ dài nhiều nhất 200."),
    ({"valid_from": "x"}, "Mục “valid_from” phải là ngày dạng 2026-11-21."),
    ({"extra": 1}, "Không có mục “extra”."),
]


def test_it_says_so_in_words(api):
    for said, sentence in SENTENCES:
        message = api.post("/bulletins", {**NEW, **said}).json["error"]["message"]
        assert message.startswith(sentence)


def test_it_names_what_is_missing_and_where_in_a_list(api):
    assert error(api.post("/bulletins", {"title": "Họp"})) == (422, "missing_field", "body")
    body = {"bulletin_id": 1, "at": "17:00", "start_date": "2026-11-22", "area_ids": [1, "x"]}
    assert error(api.post("/schedules", body)) == (422, "invalid_value", "area_ids[1]")


JSON = "application/json"
BODIES: list[tuple[dict[str, object], object]] = [
    ({"data": b"{", "content_type": JSON}, (400, "malformed_json", None)),
    ({"data": b"\xff", "content_type": JSON}, (400, "malformed_json", None)),
    ({"data": b'{"title":"\xff"}', "content_type": JSON}, (400, "malformed_json", None)),
    ({"data": b"", "content_type": JSON}, (400, "malformed_json", None)),
    ({"data": b"[]", "content_type": JSON}, (422, "invalid_value", "body")),
    ({"data": b"[" * 90_000, "content_type": JSON}, (422, "invalid_value", "body")),
    ({"data": b'{"x":' * 9000, "content_type": JSON}, (422, "unknown_field", "x")),
    ({"data": {"title": "x"}}, (415, "not_json", None)),
    ({"data": b"{}", "content_type": "text/plain"}, (415, "not_json", None)),
    ({"data": b" " * (uploads.FORM_BYTES + 1), "content_type": JSON}, (413, "too_large", None)),
]


def test_it_refuses_a_body_that_is_none(api):
    for sent, wanted in BODIES:
        assert error(api.post("/bulletins", **sent)) == wanted, wanted


def test_a_call_without_a_body_takes_none(api, approved):
    answer = api.post(f"/bulletins/{approved.id}/submit", {"why": "x"})
    assert error(answer) == (422, "invalid_value", "body")


NOWHERE = [
    ("/bulletins?limit=0", (422, "invalid_value", "limit")),
    ("/bulletins?limit=x", (422, "invalid_value", "limit")),
    ("/bulletins?limit=201", (422, "invalid_value", "limit")),
    ("/bulletins?page=2", (422, "unknown_field", "page")),
    ("/bulletins?limit=1&limit=2", (422, "invalid_value", "limit")),
    ("/bulletins?search=%00", (422, "invalid_value", "search")),
    ("/bulletins?valid_on=9999-12-31", (422, "invalid_value", "valid_on")),
    ("/bulletins?cursor=x", (422, "cursor_wrong", "cursor")),
    ("/bulletins?cursor=é", (422, "cursor_wrong", "cursor")),
    ("/bulletins?cursor=LTE", (422, "cursor_wrong", "cursor")),
    ("/receivers?cursor=IlwwIg", (422, "cursor_wrong", "cursor")),
    ("/broadcasts?cursor=WzFd", (422, "cursor_wrong", "cursor")),
    ("/me?x=1", (422, "unknown_field", "x")),
    ("/bulletins/0", (404, "not_found", None)),
    ("/bulletins/99", (404, "not_found", None)),
    ("/bulletins/99999999999999999999999", (404, "not_found", None)),
    ("/bulletins/x", (404, "not_found", None)),
    ("/receivers/x", (404, "not_found", None)),
    ("/receivers/%00", (404, "not_found", None)),
    ("/nothing", (404, "not_found", None)),
    ("/me/", (404, "not_found", None)),
]


def test_it_refuses_an_address_that_leads_nowhere(api):
    headers = {"Authorization": f"Bearer {api.token}"}
    for path, wanted in NOWHERE:
        answer = api.client.get(BASE + path, headers=headers)
        assert answer.mimetype == "application/json", path
        assert answer.headers["Cache-Control"] == "no-store", path
        assert error(answer) == wanted, path


def test_all_that_lies_under_api_is_answered_in_json(client):
    for path in ("/api", "/api/", "/api/v2/me", "/api/v1"):
        assert error(client.get(path)) == (404, "not_found", None)


def test_it_says_which_methods_there_are(client):
    for method in ("put", "delete", "patch", "options"):
        answer = getattr(client, method)(f"{BASE}/bulletins")
        assert error(answer) == (405, "method_not_allowed", None)
        assert answer.headers["Allow"] == "GET, HEAD, POST"


def test_a_fault_of_ours_shows_no_trace(api, monkeypatch):
    def fail(_told):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(answers, "encoded", fail)
    answer = api.get("/me")
    assert error(answer) == (500, "fault", None)
    assert "secret" not in answer.text


def test_a_busy_database_is_no_fault(api, monkeypatch):
    def busy(_told):
        raise OperationalError("SELECT", {}, Exception("database is locked"))

    monkeypatch.setattr(answers, "encoded", busy)
    assert error(api.get("/me")) == (503, "busy", None)


def test_it_sends_the_headers_of_the_pages(api, client):
    for answer in (api.get("/me"), client.get(f"{BASE}/me"), client.get("/api/x")):
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_pages_keep_their_own_errors(hoa, client):
    assert hoa.get("/apiary").mimetype == "text/html"
    assert hoa.get("/apiary").status_code == 404
    assert client.get("/apiary").status_code == 302
