from __future__ import annotations

import ast
import csv
import io
import re
from pathlib import Path

import pytest

from loa import audit, audit_reading
from loa.times import DAY, MINUTE, Instant
from tests.cast import NOON
from tests.web.conftest import error_at, words
from web import audit_words

BOTH_DATABASES = True
ROOT = Path(audit_words.__file__).parent.parent
KIND = re.compile(r"[a-z_]+(\.[a-z_]+)+")
PUT_TOGETHER = {
    "alert.expired",
    "alert.ended",
    "receiver.volume",
    "receiver.muted",
    "receiver.delay_ms",
}
"""Kinds whose second part is a value."""


@pytest.fixture
def acts(database):
    """Five acts of the last days, after those of the station's making."""
    with database.write() as session:
        told = [
            (NOON - 8 * DAY, "hoa", "bulletin.write", {"bulletin": 7, "title": "Tiêm chủng mở rộng"}),
            (NOON - MINUTE, "hoa", "bulletin.write", {"bulletin": 8, "title": "Tiêm chủng"}),
            (NOON, "minh", "bulletin.approve", {"bulletin": 8, "complete": True}),
            (NOON, "admin", "schedule.change", {"schedule": 3, "before": {"at": "05:30", "rule": "x"},
                                                "after": {"at": "17:00", "rule": "x"}}),
            (NOON, audit.SYSTEM, "receiver.offline", {"receiver": "r-0001"}),
        ]  # fmt: skip
        for at, actor, kind, data in told:
            audit.append(session, Instant(at), actor, kind, **data)


def _rows(page) -> int:
    return page.text.count('<th scope="row"')


def test_it_says_who_did_what(admin, acts):
    told = words(admin.get("/nhat-ky/he-thong?ai=minh"))
    assert "1 việc" in told
    assert "Minh duyệt bản tin bản tin số: 8; đã đủ người: có" in told


def test_it_shows_what_an_act_changed_with_what_it_was(admin, acts):
    told = words(admin.get("/nhat-ky/he-thong?viec=schedule&ai=admin"))
    assert "sửa lịch phát lúc: 05:30 → , nay là 17:00 ; lịch số: 3" in told
    assert "lặp lại" not in told  # the same before and after


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("viec=bulletin&ai=hoa", 1), ("viec=bulletin&ai=hoa&tu=01/11/2026", 2), ("tim=tiem+chung", 1),
        ("tim=ti%C3%AAm", 1), ("tim=ti%E1%BB%87m", 0), ("ai=loa&viec=receiver&tim=r-0001", 1),
        ("tu=01/01/2020&den=02/01/2020", 0),
    ],
)  # fmt: skip
def test_it_narrows_the_log(admin, acts, question, rows):
    assert _rows(admin.get(f"/nhat-ky/he-thong?{question}")) == rows
    file = admin.get(f"/nhat-ky/he-thong.csv?{question}")
    assert file.data.count(b"\r\n") == rows + 1


def test_nothing_found_says_what_to_do(admin, acts):
    told = words(admin.get("/nhat-ky/he-thong?tim=khongco"))
    assert "Không có việc nào như vậy" in told


def test_a_span_that_ends_before_it_begins_is_refused_at_its_field(admin, acts):
    page = admin.get("/nhat-ky/he-thong?tu=21/11/2026&den=20/11/2026")
    assert page.status_code == 400
    assert error_at(page, "den")


def test_it_turns_pages_and_keeps_the_filter(admin, database):
    with database.write() as session:
        audit.append_all(session, NOON, [("hoa", "staff.sign_in")] * 51)
    first = admin.get("/nhat-ky/he-thong?viec=staff&ai=hoa")
    assert _rows(first) == 50
    assert "trang=2&amp;viec=staff&amp;ai=hoa" in first.text
    assert _rows(admin.get("/nhat-ky/he-thong?viec=staff&ai=hoa&trang=2")) == 1


def test_words_are_looked_for_in_the_newest_rows_and_it_says_so(admin, acts, monkeypatch):
    monkeypatch.setattr(audit_reading, "MOST_SEARCHED", 2)
    page = admin.get("/nhat-ky/he-thong?tim=tiem")
    assert _rows(page) == 0
    assert "chỉ tìm chữ trong 2 dòng mới nhất" in words(page)


def test_the_file_has_the_whole_of_it_in_vietnamese(admin, acts):
    admin.post("/ngon-ngu", data={"language": "en", "back": "/"})
    file = admin.get("/nhat-ky/he-thong.csv?viec=receiver&ai=loa").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(file)))
    assert rows[0]["Việc"] == "đầu thu mất kết nối"
    assert rows[0]["Chi tiết"] == '{"receiver": "r-0001"}'
    assert rows[0]["Lúc"].startswith("2026-11-21T12:00:00")


def test_who_works_for_one_area_is_refused(sign_in, database, cast):
    with database.write() as session:
        session.get_one(type(cast.minh), cast.minh.id).area_id = cast.commune.id
    answer = sign_in(cast.minh).get("/nhat-ky/he-thong")
    assert answer.status_code == 403
    assert "chỉ làm việc cho" in words(answer)


def test_the_log_of_broadcasts_leads_there_who_may_see_it(admin, hoa):
    assert "/nhat-ky/he-thong" in admin.get("/nhat-ky").text
    assert "/nhat-ky/he-thong" not in hoa.get("/nhat-ky").text


def test_every_act_of_the_code_has_a_word_and_a_family():
    kinds = set(_kinds_of_the_code())
    assert len(kinds) > 100
    kinds |= audit.WIRE | PUT_TOGETHER
    assert kinds - set(audit_words.KINDS) == set()
    assert {kind.partition(".")[0] for kind in audit_words.KINDS} == set(audit_words.FAMILIES)


def _kinds_of_the_code():
    """Texts of the rooms that look like a kind of a known family, where something is added to the log."""
    for room in ("loa", "content", "devices", "scheduler", "web"):
        for file in (ROOT / room).rglob("*.py"):
            source = file.read_text(encoding="utf-8")
            if "audit" in source:
                yield from _kinds(ast.parse(source))


def _kinds(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("append", "_note", "_keep")
        ):
            for each in (part for argument in node.args for part in ast.walk(argument)):
                if (
                    isinstance(each, ast.Constant)
                    and isinstance(each.value, str)
                    and KIND.fullmatch(each.value)
                ):
                    yield each.value
