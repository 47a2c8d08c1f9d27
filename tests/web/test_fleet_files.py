"""The fleet as a file: taken home whole, brought back after a look, nothing done unasked."""

from __future__ import annotations

import csv
import io

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from devices import areas, claims, groups, outages, receivers
from devices.receivers import Presence
from loa.times import HOUR, after
from scheduler import fleet_files, fleet_import
from tests.cast import NOON
from tests.web.conftest import error_at, words

BOTH_DATABASES = True


def rows(answer):
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def look(client, text, encoding="utf-8"):
    data = {"file": (io.BytesIO(text.encode(encoding)), "dau-thu.csv")}
    return client.post("/dau-thu/nhap", data=data, content_type="multipart/form-data")


def bring_in(client, text):
    return client.post("/dau-thu/nhap", data={"sure": "1", "csv": text}, follow_redirects=True)


def test_the_file_has_every_column_and_only_the_receivers_asked_for(hoa, database, cast, broadcast):
    with database.write() as session:
        groups.add(session, "Ven sông", ["r-0000"], now=NOON, by="test")
        outages.settle(session, {("r-0000", outages.Kind.DISK): outages.Wrong(NOON)}, NOON)
        session.add(Presence(receiver_id="r-0000", online=True, sid="s", heard_at=NOON, heartbeat_ms=60_000,
                             clock_source="ntp", clock_error_ms=-12, disk=0.5, net_month="2026-11", net_bytes=99,
                             firmware="=1+1", online_since=after(NOON, -HOUR)))  # fmt: skip
    answer = hoa.get("/dau-thu.csv")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert "dau-thu-20261121.csv" in answer.headers["Content-Disposition"]
    first, second, _ = rows(answer)
    assert tuple(first) == fleet_files.COLUMNS
    assert first["mã"] == "r-0000"
    assert first["địa bàn"] == "xã Mẫu > thôn Đông"
    assert (first["nhóm"], first["lệch giờ (ms)"], first["bộ nhớ đã dùng (%)"]) == (
        "Ven sông",
        "-12",
        "50",
    )
    assert (first["dữ liệu trong tháng (byte)"], first["phiên bản"]) == ("99", "'=1+1")
    assert (first["sự cố"], first["nguồn điện"]) == ("bộ nhớ gần đầy", "không đo được")
    assert first["lượt tới"] == "21/11/2026 12:30:00 Lịch tiêm chủng"
    assert (second["tình trạng"], second["nghe lần cuối"]) == ("chưa kết nối lần nào", "")
    assert [row["mã"] for row in rows(hoa.get("/dau-thu.csv?tim=r-0002"))] == ["r-0002"]


def test_what_was_taken_home_changes_nothing_when_it_comes_back(admin, hoa, cast):
    told = words(look(admin, hoa.get("/dau-thu.csv").data.decode("utf-8-sig")))
    assert "0 đầu thu mới, 0 đầu thu thay đổi, 3 dòng đã y hệt, 0 dòng sai" in told
    assert "Không có gì để nhập." in told


FILE = """\
Mã;Tên;Địa bàn;Số hộ;Âm lượng;Nhóm
r-0000;Cột mới;thon doai;12;33;Ven sông; Trường học
r-0001;;;;;
moi-0001;Cột xa;xã Mẫu > thôn Bãi;5;60;Ven sông
r-0002;Cột r-0002;thôn Nam;1;50;
sai-mã;Cột;thôn Bãi;1;50;
r-0000;Lại;;;;
;Không mã;thôn Bãi;1;50;
r-0001;;;;101;
"""


def test_it_is_shown_line_by_line_and_done_only_when_confirmed(admin, database, cast):
    text = FILE.replace("Ven sông; Trường học", '"Ven sông; Trường học"')
    shown = look(admin, "\ufeff" + text)
    told = words(shown)
    assert "1 đầu thu mới, 1 đầu thu thay đổi, 1 dòng đã y hệt, 5 dòng sai" in told
    for sentence in (
        "Dòng 5 r-0002 Không có địa bàn “thôn Nam”.",
        "Dòng 6 sai-mã Mã đầu thu “sai-mã” cần 4–32 ký tự",
        "Dòng 7 r-0000 “r-0000” đã có ở một dòng trên.",
        "Dòng 8 Không mã Dòng này không có mã, cũng không có số máy.",
        "Dòng 9 r-0001 Cột âm lượng: “101” phải là số nguyên từ 0 đến 100.",
        "tên: Cột r-0000 → , nay là Cột mới",
        "địa bàn: thôn Đông → , nay là thôn Đoài",
        "nhóm: trống → , nay là Trường học; Ven sông",
        "nhóm Ven sông: đưa vào sau khi máy đã nhận",
    ):
        assert sentence in told
    with database.read() as session:
        assert receivers.get(session, "r-0000").name == "Cột r-0000"
        assert groups.listing(session) == []
    said = words(bring_in(admin, text))
    assert "Đã nhập: đổi 1 đầu thu, 1 đầu thu mới đang chờ máy nhận mã." in said
    with database.read() as session:
        changed = receivers.get(session, "r-0000")
        assert (changed.name, changed.area.name, changed.volume, changed.households) == (
            "Cột mới", "Đoài", 33, 12,
        )  # fmt: skip
        assert groups.names_of(session, ["r-0000"]) == {"r-0000": ["Trường học", "Ven sông"]}
        (waiting,) = claims.waiting(session)
        assert (waiting.receiver_id, waiting.name, waiting.volume) == ("moi-0001", "Cột xa", 60)
    again = words(look(admin, text))
    assert "0 đầu thu mới, 0 đầu thu thay đổi, 2 dòng đã y hệt" in again
    assert "đang chờ máy nhận mã" in again


def test_what_is_in_stays_in_when_a_later_portion_fails(admin, database, cast, monkeypatch):
    monkeypatch.setattr(fleet_import, "PORTION", 2)
    text = "số máy,tên,địa bàn\n" + "".join(f"SN-{n},Cột {n},thôn Đông\n" for n in range(5))
    real = claims.add_all

    def fail_at_the_second(session, some, **marks):
        made = real(session, some, **marks)
        if "SN-2" in {each.serial for each in some}:
            raise OperationalError("insert", {}, Exception("database is locked"))
        return made

    monkeypatch.setattr(claims, "add_all", fail_at_the_second)
    answer = bring_in(admin, text)
    assert answer.status_code == 400
    assert "Đã nhập 2/5 đầu thu rồi phải dừng. Cơ sở dữ liệu đang bận." in words(answer)
    with database.read() as session:
        assert sorted(claim.serial for claim in claims.waiting(session)) == ["SN-0", "SN-1"]
    monkeypatch.setattr(claims, "add_all", real)
    assert "3 đầu thu mới đang chờ" in words(bring_in(admin, text))
    assert "Đã nhập: đổi 0 đầu thu." in words(bring_in(admin, text))
    with database.read() as session:
        assert len(claims.waiting(session)) == 5


def test_a_cell_left_empty_takes_a_place_or_a_group_away(admin, database, cast):
    with database.write() as session:
        groups.add(session, "Ven sông", ["r-0000", "r-0001"], now=NOON, by="test")
        receivers.get(session, "r-0000").lat = 20.5
        receivers.get(session, "r-0000").lon = 106.5
    bring_in(admin, "mã,vĩ độ,kinh độ,nhóm\nr-0000,,,\n")
    with database.read() as session:
        told = receivers.get(session, "r-0000")
        assert (told.lat, told.lon, told.volume, told.name) == (None, None, 70, "Cột r-0000")
        assert groups.member_ids(session, 1) == ["r-0001"]


@pytest.mark.parametrize(
    ("text", "encoding", "sentence"),
    [
        ("", "utf-8", "Dòng đầu của tệp phải là tên cột"),
        ("a,b\n1,2\n", "utf-8", "Dòng đầu của tệp phải là tên cột"),
        ("mã,tên\nr-0000,Cột\n", "utf-16", "Tệp không phải văn bản mã UTF-8"),
    ],
)
def test_it_refuses_what_is_no_such_file(admin, cast, text, encoding, sentence):
    answer = look(admin, text, encoding)
    assert answer.status_code == 400
    assert sentence in error_at(answer, "file")


def test_it_asks_for_a_file(admin, cast):
    answer = admin.post("/dau-thu/nhap", data={})
    assert "Hãy chọn tệp CSV." in error_at(answer, "file")


def test_a_name_that_two_areas_have_must_say_which(admin, database, cast):
    text = "mã,địa bàn\nr-0000,Đông\n"
    assert "1 dòng đã y hệt" in words(look(admin, text))
    with database.write() as session:
        above = session.get_one(type(cast.commune), cast.villages[2].id)
        areas.add(session, name="Đông", level="xóm", parent=above, now=NOON, by="test")
    assert "Có nhiều địa bàn tên “Đông”." in words(look(admin, text))
    assert "1 dòng đã y hệt" in words(look(admin, "mã,địa bàn\nr-0000,thôn Đông\n"))


def test_the_whole_fleet_is_read_in_few_questions(hoa, database, cast, queries):
    with queries:
        hoa.get("/dau-thu.csv")
    assert queries.number <= 14
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count(receivers.Receiver.id))) == 3
