"""The pages of reports, what they let whom see, and the files behind their buttons."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date

import docx
import pytest
import sqlalchemy as sa

from content.bulletins import Priority
from loa.times import HOUR
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.campaign_tables import Aim, Campaign, Target
from tests.cast import NOON
from tests.web.conftest import words

D = DeliveryState
NOON_DAY = date(2026, 11, 21)
MONTH = "?tu=01/11/2026&den=30/11/2026"


@pytest.fixture
def told(database, broadcast, clock):
    """One played, one missed, one not heard of; the hour is over."""
    with database.write() as session:
        rows = session.scalars(sa.select(Delivery).order_by(Delivery.receiver_id)).all()
        for row, state in zip(rows, (D.PLAYED, D.MISSED, D.UNKNOWN), strict=True):
            row.state, row.ms, row.rev = state, 30_000, 1
        rows[0].played_ms, rows[0].evidence = 29_500, "E1"
        session.get(Broadcast, rows[0].broadcast_id).title = "=1+1"
    clock.move(2 * HOUR)


def test_the_report_tells_the_denominator_and_what_is_unknown(hoa, told):
    text = words(hoa.get(f"/bao-cao{MONTH}"))
    assert "Đã phát 1/2 kết quả có xác nhận (50,0 %)" in text
    assert "1 kết quả chưa có xác nhận, nên ít nhất 33,3 % của tất cả" in text
    assert "Chúng không được tính là đã phát" in text


def test_a_month_nobody_heard_of_has_no_rate(hoa, told, database):
    with database.write() as session:
        session.execute(sa.update(Delivery).values(state=D.UNKNOWN, played_ms=None))
    text = words(hoa.get(f"/bao-cao{MONTH}"))
    assert "Chưa có xác nhận cho kết quả nào trong 3 kết quả, nên chưa có tỷ lệ." in text
    assert "0,0 %" not in text


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx", "docx"])
def test_each_file_has_the_figures_of_the_page(hoa, told, kind):
    answer = hoa.get(f"/bao-cao/tep.{kind}{MONTH}")
    assert answer.status_code == 200
    assert f"bao-cao-20261101-20261130.{kind}" in answer.headers["Content-Disposition"]
    data = answer.data
    if kind == "json":
        areas = next(table for table in json.loads(data)["tables"] if table["key"] == "areas")
        assert [row["unknown"] for row in areas["rows"]].count(1) == 1
    elif kind == "csv":
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
        assert ["Tất cả", "1", "3", "1", "1", "1", "2", "0.5", "1.0", "0.49", "0.5"] in rows
    elif kind == "xlsx":
        assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    else:
        paper = docx.Document(io.BytesIO(data))
        assert any("1/2 kết quả có xác nhận" in paragraph.text for paragraph in paper.paragraphs)


def test_an_unknown_kind_of_file_is_refused_in_a_sentence(hoa, told):
    answer = hoa.get(f"/bao-cao/tep.pdf{MONTH}")
    assert answer.status_code == 404
    assert "csv, json, xlsx hoặc docx" in words(answer)


def test_days_in_the_wrong_order_are_named(hoa):
    answer = hoa.get("/bao-cao?tu=30/11/2026&den=01/11/2026")
    assert answer.status_code == 400
    assert "đứng trước ngày đầu" in words(answer)


def test_the_log_as_a_workbook_keeps_a_title_as_text(hoa, told):
    answer = hoa.get("/nhat-ky.xlsx?tu=01/11/2026&den=30/11/2026")
    assert answer.status_code == 200
    sheet = zipfile.ZipFile(io.BytesIO(answer.data)).read("xl/worksheets/sheet1.xml").decode()
    assert "<t>=1+1</t>" in sheet
    assert "<f>" not in sheet


def test_what_was_issued_is_compared_with_what_is_known_now(hoa, told, database):
    hoa.post("/bao-cao/phat-hanh", data={"tu": "01/11/2026", "den": "30/11/2026"})
    assert "Số liệu vẫn như khi phát hành" in words(hoa.get(f"/bao-cao{MONTH}"))
    with database.write() as session:
        late = sa.update(Delivery).where(Delivery.state == D.UNKNOWN)
        session.execute(late.values(state=D.PLAYED, played_ms=30_000, evidence="E1"))
    text = words(hoa.get(f"/bao-cao{MONTH}"))
    assert "Tất cả – chưa có xác nhận: khi phát hành 1, nay 0" in text
    assert "Tất cả – tỷ lệ đã phát: khi phát hành 50,0 %, nay 66,6 %" in text


def test_the_week_is_on_one_page(hoa, told, database):
    with database.write() as session:
        session.execute(sa.update(Broadcast).values(priority=Priority.EMERGENCY))
    text = words(hoa.get("/bao-cao/tuan-nay"))
    assert "Đài của tôi tuần này" in text
    assert "Khẩn cấp trong tuần" in text
    assert "1 lượt không đạt" in text
    assert "1 lượt chưa có xác nhận" in text


def test_receivers_are_listed_with_what_is_not_known_as_a_dash(hoa, told):
    text = words(hoa.get(f"/bao-cao/dau-thu{MONTH}"))
    assert "r-0002" in text
    assert "–" in text


def test_a_campaign_has_its_reach(hoa, told, database, cast):
    with database.write() as session:
        found = session.scalars(sa.select(Broadcast)).first()
        drive = Campaign(
            uid="x", name="Phòng dịch", start_date=NOON_DAY, end_date=NOON_DAY, where=found.where,
            target=Target(aim=Aim.REACH, number=80), staff_id=cast.hoa.id, created_at=NOON,
            planned_until=NOON, rethought_at=NOON,
        )  # fmt: skip
        session.add(drive)
        session.flush()
        found.schedule_id, found.campaign_id = None, drive.id
        session.execute(sa.text("UPDATE receivers SET households = 100"))
        number = drive.id
    text = words(hoa.get(f"/bao-cao/chien-dich/{number}"))
    assert "Kết quả chiến dịch “Phòng dịch”" in text
    assert "33,3 % số hộ" in text
    assert hoa.get(f"/bao-cao/chien-dich/{number}/tep.xlsx").status_code == 200
