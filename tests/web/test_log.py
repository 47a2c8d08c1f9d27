from __future__ import annotations

import csv
import io

import pytest
import sqlalchemy as sa

from loa.times import HOUR
from scheduler import broadcasts
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from tests.web.conftest import error_at, words
from web import log

BOTH_DATABASES = True
D = DeliveryState


@pytest.fixture
def played(database, broadcast, clock):
    with database.write() as session:
        found = session.get_one(Broadcast, broadcast.id)
        found.title = "=1+1"
        for delivery, state in zip(found.deliveries, (D.PLAYED, D.UNKNOWN, D.FAILED), strict=True):
            delivery.state = state
        first = found.deliveries[0]
        first.started_at, first.late_ms, first.played_ms = found.starts_at, 0, 30_000
        broadcasts.settle(session, found)
    clock.move(HOUR)


def test_it_shows_what_became_of_what_was_asked_for(hoa, played):
    told = words(hoa.get("/nhat-ky"))
    assert "3 kết quả: đã phát 1/3 1 lỗi 1 chưa có xác nhận" in told
    assert "12:30 21/11/2026" in told
    assert "12:30:00 đúng giờ 30 giây trên 30 giây" in told


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("tu=21/11/2026&den=21/11/2026", 3),
        ("tu=2026-11-20&den=2026-11-20", 0),
        ("ket_qua=played", 1),
        ("ket_qua=unknown", 1),
        ("dau_thu=r-0001", 1),
        ("dia_ban=thôn+Đông", 1),
        ("tim=1%2B1", 3),
        ("tim=%25", 0),
    ],
)
def test_it_narrows_the_log(hoa, played, question, rows):
    page = hoa.get(f"/nhat-ky?{question}").text
    assert page.count('<th scope="row"') == rows
    file = hoa.get(f"/nhat-ky.csv?{question}")
    assert file.data.count(b"\r\n") == rows + 1


@pytest.mark.parametrize(("typed", "rows"), [("tiem+chung", 3), ("TIÊM", 3), ("tiệm", 0)])
def test_words_are_found_with_marks_and_without(hoa, played, database, broadcast, typed, rows):
    with database.write() as session:
        session.get_one(Broadcast, broadcast.id).title = "Tiêm chủng mở rộng"
    assert hoa.get(f"/nhat-ky?tim={typed}").text.count('<th scope="row"') == rows
    assert hoa.get(f"/nhat-ky.csv?tim={typed}").data.count(b"\r\n") == rows + 1
    assert hoa.get(f"/nhat-ky.csv?tim={typed}&ma=nhat-ky-ban-tin").status_code == 200


def test_it_keeps_the_filter_in_the_address(hoa, played):
    page = hoa.get("/nhat-ky?ket_qua=played&tim=1").text
    assert "/nhat-ky.csv?ket_qua=played&amp;tim=1" in page
    assert 'value="1"' in page


@pytest.mark.parametrize(
    ("question", "field", "sentence"),
    [
        ("tu=22/11/2026&den=21/11/2026", "den", "đứng trước ngày đầu"),
        ("tu=hôm+qua", "tu", "Hãy nhập ngày theo dạng"),
        ("ket_qua=bia-dat", "ket_qua", "Lựa chọn này không có"),
    ],
)
def test_it_shows_a_wrong_filter_at_its_field(hoa, question, field, sentence):
    for address in ("/nhat-ky", "/nhat-ky.csv"):
        answer = hoa.get(f"{address}?{question}")
        assert answer.status_code == 400
        assert sentence in answer.text
    if field != "den":
        assert sentence in error_at(hoa.get(f"/nhat-ky?{question}"), field)


def test_it_pages(hoa, played, monkeypatch):
    monkeypatch.setattr(log, "PER_PAGE", 2)
    first = hoa.get("/nhat-ky?tim=1")
    assert "Trang 1/2" in words(first)
    assert "trang=2&amp;tim=1" in first.text or "tim=1&amp;trang=2" in first.text
    second = hoa.get("/nhat-ky?tim=1&trang=2")
    assert second.text.count('<th scope="row"') == 1
    assert "Trang 2/2" in words(hoa.get("/nhat-ky?trang=99"))
    assert "Trang 1/2" in words(hoa.get("/nhat-ky?trang=-1"))


def test_it_gives_a_file_that_excel_opens_in_vietnamese(hoa, played, config):
    answer = hoa.get("/nhat-ky.csv?tu=15/11/2026&den=21/11/2026")
    assert answer.mimetype == "text/csv"
    assert "nhat-ky-phat-20261115-20261121.csv" in answer.headers["Content-Disposition"]
    assert answer.data.startswith("\ufefflượt phát,".encode())
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["kết quả"] for row in rows] == ["lỗi", "chưa có xác nhận", "đã phát"]
    assert {row["bản tin"] for row in rows} == {"'=1+1"}
    assert rows[1]["trễ (ms)"] == ""
    assert rows[2]["trễ (ms)"] == "0"
    assert not list(config.work.glob("*"))


def test_it_says_what_to_do_when_nothing_matches(hoa):
    assert "Hãy chọn khoảng ngày rộng hơn" in words(hoa.get("/nhat-ky"))


def test_it_asks_no_more_for_many_rows_than_for_few(hoa, played, queries):
    with queries:
        hoa.get("/nhat-ky")
    assert queries.number < 15


def test_it_names_who_wrote_and_all_who_approved(hoa, database, played):
    with database.write() as session:
        found = session.scalars(sa.select(Broadcast)).one()
        found.approver_names = ["Minh", "Người duyệt thứ hai"]
    assert "Hoa soạn · Minh, Người duyệt thứ hai duyệt" in words(hoa.get("/nhat-ky"))
    file = hoa.get("/nhat-ky.csv").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(file)))
    assert {row["người duyệt"] for row in rows} == {"Minh, Người duyệt thứ hai"}


def test_it_shows_language_sound_and_length_of_each_delivery(hoa, database, played):
    with database.write() as session:
        delivery = session.scalars(sa.select(Delivery).where(Delivery.played_ms.is_not(None))).one()
        delivery.language, delivery.recording_sha, delivery.ms = "tyz", "f" * 64, 45_000
    told = words(hoa.get("/nhat-ky?ket_qua=played"))
    assert "tiếng Tày" in told
    assert "30 giây trên 45 giây" in told
    file = hoa.get("/nhat-ky.csv?ket_qua=played").data.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(file))
    assert (row["ngôn ngữ"], row["mã băm âm thanh"]) == ("Tày", "f" * 64)
    assert row["thời lượng yêu cầu (ms)"] == "45000"
