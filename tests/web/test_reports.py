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
from loa.audit import AuditEntry
from loa.staff import Staff
from loa.times import HOUR
from scheduler import plans
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.campaign_tables import Aim, Campaign, Target
from scheduler.reporting import unheard
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


@pytest.mark.parametrize(
    "address",
    [
        f"/bao-cao{MONTH}",
        "/bao-cao/tuan-nay",
        f"/nhat-ky{MONTH}",
        f"/bao-cao/dau-thu{MONTH}",
        *(f"/bao-cao/tep.{kind}{MONTH}" for kind in ("csv", "json", "xlsx", "docx")),
        *(f"/nhat-ky.{kind}{MONTH}" for kind in ("csv", "json", "xlsx")),
        *(f"/nhat-ky.{kind}{MONTH}&ma=nhat-ky-ban-tin" for kind in ("csv", "json", "xlsx")),
    ],
)
def test_what_nobody_heard_of_is_named_as_such_everywhere(hoa, told, address):
    text = _text(hoa.get(address)).lower()
    assert "chưa có xác nhận" in text
    assert "cột r-0002" in text  # the receiver nothing was heard of


def _text(answer) -> str:
    """Whatever people read of it."""
    assert answer.status_code == 200
    if not answer.data.startswith(b"PK"):
        return answer.data.decode("utf-8-sig")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as parts:
        return "".join(
            parts.read(name).decode() for name in parts.namelist() if name.endswith("xml")
        )


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx", "docx"])
def test_it_is_in_a_footnote_of_each_file(hoa, told, kind):
    said = "– 12:30 ngày 21/11/2026, “=1+1”: Cột r-0002 (thôn Bãi)."
    assert said in _text(hoa.get(f"/bao-cao/tep.{kind}{MONTH}"))


def test_many_are_named_in_part_and_counted_in_whole(hoa, told, database, monkeypatch):
    with database.write() as session:
        session.execute(sa.update(Delivery).values(state=D.UNKNOWN, played_ms=None))
    monkeypatch.setattr(unheard, "MOST_RECEIVERS", 1)
    text = words(hoa.get(f"/bao-cao{MONTH}"))
    assert "“=1+1”: Cột r-0002 (thôn Bãi) và 2 đầu thu khác." in text
    assert "Danh sách đầy đủ: Nhật ký phát, kết quả “chưa có xác nhận”." in text


def test_what_is_renamed_or_ended_later_stays_as_it_was(hoa, told, database, freeze):
    freeze()
    addresses = (
        f"/nhat-ky{MONTH}", f"/nhat-ky.csv{MONTH}", f"/nhat-ky.csv{MONTH}&ma=nhat-ky-ban-tin", f"/bao-cao{MONTH}",
        f"/bao-cao/dau-thu{MONTH}", f"/bao-cao/tep.json{MONTH}",
    )  # fmt: skip
    before = [words(hoa.get(address)) for address in addresses]
    assert "=1+1" in before[0]
    assert "Hoa soạn · Minh duyệt" in before[0]
    _rename_everything(database)
    after = [words(hoa.get(address)) for address in addresses]
    # The form of the log offers the receivers by today's names.
    trimmed = [text.partition("kết quả:")[2] or text for text in (before[0], after[0])]
    assert trimmed[0] == trimmed[1]
    assert before[1:] == after[1:]


@pytest.fixture
def freeze(database):
    """As when the plan was sent."""

    def freeze() -> None:
        with database.write() as session:
            session.execute(sa.update(Delivery).values(state=D.PLANNED, rev=1))
            plans.mark_sent(session, Delivery.id > 0, NOON)
            rows = session.scalars(sa.select(Delivery).order_by(Delivery.receiver_id)).all()
            for row, state in zip(rows, (D.PLAYED, D.MISSED, D.UNKNOWN), strict=True):
                row.state = state

    return freeze


def _rename_everything(database) -> None:
    with database.write() as session:
        for statement in (
            "UPDATE receivers SET name = name || ' mới', active = false",
            "UPDATE areas SET name = name || ' mới'",
            "UPDATE bulletins SET title = 'Tên khác', field = 1",
            "UPDATE staff SET name = name || ' khác' WHERE login <> 'hoa'",
            "UPDATE broadcasts SET title = 'Tên khác', field = 1, author = 'Ai đó', priority = 'emergency'",
        ):
            session.execute(sa.text(statement))


def test_the_areas_come_after_the_rest_of_a_report(hoa, told):
    page = hoa.get(f"/bao-cao{MONTH}")
    assert 'hx-get="/bao-cao/dia-ban?tu=' in page.text
    assert "thôn Đông" not in words(page)
    alone = hoa.get(f"/bao-cao/dia-ban{MONTH}")
    part = hoa.get(f"/bao-cao/dia-ban{MONTH}", headers={"HX-Request": "true"})
    assert "thôn Đông" in words(alone)
    assert "<html" in alone.text
    assert "thôn Đông" in words(part)
    assert part.text.strip().startswith('<section class="report-table" id="areas"')


def test_an_issued_report_is_compared_area_by_area_and_has_them_at_once(hoa, told):
    hoa.post("/bao-cao/phat-hanh", data={"tu": "01/11/2026", "den": "30/11/2026"})
    page = hoa.get(f"/bao-cao{MONTH}")
    assert "thôn Đông" in words(page)
    assert 'hx-get="/bao-cao/dia-ban' not in page.text


def test_areas_of_no_period_are_asked_for_again(hoa):
    answer = hoa.get("/bao-cao/dia-ban?tu=31/11/2026&den=x", headers={"HX-Request": "true"})
    assert answer.status_code == 400
    assert "<form" in answer.text


def test_staff_of_an_area_see_the_figures_of_that_area_only(hoa, told, database, cast):
    with database.write() as session:
        session.get(Staff, cast.hoa.id).area_id = cast.villages[2].id
        drive = _campaign(session, cast)
    week = words(hoa.get("/bao-cao/tuan-nay"))
    assert "r-0002" in week
    assert "r-0000" not in week
    assert "r-0001" not in week
    page = words(hoa.get(f"/bao-cao/chien-dich/{drive}"))
    assert "0,0 % số hộ" in page  # of the one receiver there, that nothing was heard of
    assert "Cột r-0001" not in page
    assert words(hoa.get(f"/bao-cao{MONTH}")).count("khi phát hành") == 0
    areas = words(hoa.get(f"/bao-cao/dia-ban{MONTH}"))
    assert ("thôn Bãi" in areas, "thôn Đông" in areas) == (True, False)


def test_a_report_issued_again_says_what_it_changed(hoa, told, database, cast):
    asked = {"tu": "01/11/2026", "den": "30/11/2026"}
    hoa.post("/bao-cao/phat-hanh", data=asked)
    with database.write() as session:
        late = sa.update(Delivery).where(Delivery.state == D.UNKNOWN)
        session.execute(late.values(state=D.PLAYED, played_ms=30_000, evidence="E1"))
    hoa.post("/bao-cao/phat-hanh", data=asked)
    found = json.loads(hoa.get(f"/bao-cao/tep.json{MONTH}").data)
    changed = next(table for table in found["tables"] if table["key"] == "changes")
    assert changed["title"] == "Thay đổi so với lần phát hành trước"
    rows = {
        (row["table"], row["row"], row["figure"]): (row["was"], row["now"])
        for row in changed["rows"]
    }
    assert rows["Kết quả chung", "Tất cả", "Chưa có xác nhận"] == ("1", "0")
    assert rows["Theo địa bàn", "thôn Bãi", "Đã phát"] == ("0", "1")
    assert rows["Theo đầu thu", "thôn Bãi, r-0002, Cột r-0002", "Tỷ lệ đã phát"] == ("–", "100,0 %")
    assert "phát hành lần 2" in words(hoa.get(f"/bao-cao{MONTH}"))
    for kind in ("csv", "xlsx", "docx"):
        assert changed["title"] in _text(hoa.get(f"/bao-cao/tep.{kind}{MONTH}"))
    with database.read() as session:
        entries = session.scalars(sa.select(AuditEntry).where(AuditEntry.kind == "report.issue"))
        assert len(entries.all()) == 2


def test_an_empty_period_has_no_figures_rather_than_noughts(hoa):
    text = words(hoa.get("/bao-cao?tu=01/01/2026&den=31/01/2026"))
    assert "Không có số liệu, nên không có tỷ lệ." in text
    assert "0,0" not in text
    assert "Tuần này chưa có lượt phát nào đến giờ." in words(hoa.get("/bao-cao/tuan-nay"))


def test_the_codes_of_the_upper_system_are_marked_as_a_draft(hoa, told):
    answer = hoa.get(f"/nhat-ky.json{MONTH}&ma=nhat-ky-ban-tin")
    assert "nhat-ky-ban-tin-ban-nhap-20261101" in answer.headers["Content-Disposition"]
    found = json.loads(answer.data)
    assert "bản nháp – chưa đối chiếu phụ lục chính thức" in found["title"]
    rows = {row["CumLoaID"]: row for row in found["tables"][0]["rows"]}
    played, missed = rows["r-0000"], rows["r-0001"]
    assert (played["MucDoUuTien"], played["LoaiBanTin"], played["TiepAm"]) == (3, 3, 0)
    assert played["TacGia"] == {"TenDayDu": "Hoa", "ButDanh": None, "Email": None}
    assert played["ThoiLuong"] == "00:00:30"
    assert missed["ThoiDiemBatDau"] is None
    assert missed["Loa"]["KetQua"] == "lỡ giờ"
    assert "bản nháp" in hoa.get(f"/nhat-ky.csv{MONTH}&ma=nhat-ky-ban-tin").data.decode()


def test_what_was_issued_is_compared_with_what_is_known_now(hoa, told, database):
    hoa.post("/bao-cao/phat-hanh", data={"tu": "01/11/2026", "den": "30/11/2026"})
    assert "số liệu vẫn như khi phát hành" in words(hoa.get(f"/bao-cao{MONTH}"))
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
        number = _campaign(session, cast)
    text = words(hoa.get(f"/bao-cao/chien-dich/{number}"))
    assert "Kết quả chiến dịch “Phòng dịch”" in text
    assert "33,3 % số hộ" in text
    assert hoa.get(f"/bao-cao/chien-dich/{number}/tep.xlsx").status_code == 200


def _campaign(session, cast) -> int:
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
    return drive.id
