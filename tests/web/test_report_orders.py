"""The page of reports by order, and what Hôm nay says when one does not get through."""

from __future__ import annotations

import csv
import io
import re

import pytest

from loa.database import Database
from loa.times import MINUTE, after
from scheduler.report_orders import work
from scheduler.report_orders.tables import ReportRun, RunState
from tests.cast import NOON, vn
from tests.web.conftest import Clock, words

HERE = "/bao-cao/dinh-ky"
MONTHLY = {"day": 5, "at": "08:00", "format": "csv", "to": "", "folder": "gui-tinh"}


@pytest.fixture
def monthly(hoa) -> None:
    assert hoa.post(f"{HERE}/them/month", data=MONTHLY).status_code == 302


def step_all(config, database: Database, now) -> None:
    while work.step(config, database, now):
        pass


def test_it_says_so_while_there_is_none_and_that_no_mail_can_leave(hoa) -> None:
    page = words(hoa.get(HERE))
    assert "Chưa có báo cáo định kỳ nào" in page
    assert "chưa có máy chủ thư" in page


def test_one_is_set_and_shows_when_it_is_due(hoa, monthly) -> None:
    page = words(hoa.get(HERE))
    assert "Báo cáo tháng" in page
    assert "05/12" in page
    assert "thư mục “gui-tinh”" in page


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("", ["tháng", "tuần"]), ("xep=loai", ["tuần", "tháng"]), ("tim=gui+huyen", []), ("tim=gui-tinh", ["tháng"]),
        ("tim=thang", ["tháng"]), ("tinh_trang=tam-dung", ["tuần"]), ("tinh_trang=truc-trac", []),
    ],
)  # fmt: skip
def test_the_list_is_filtered_sorted_and_told_as_a_file(hoa, monthly, question, kinds) -> None:
    data = {**MONTHLY, "day": 3, "folder": "gui-xa"}
    assert hoa.post(f"{HERE}/them/week", data=data).status_code == 302
    assert hoa.post(f"{HERE}/2/tam-dung").status_code == 302
    page = hoa.get(f"{HERE}?{question}")
    assert re.findall(r"<b>Báo cáo (\S+)</b>", page.text) == kinds
    assert kinds or "Không có báo cáo định kỳ nào như vậy." in words(page)
    file = hoa.get(f"{HERE}/danh-sach.csv?{question}").data.decode("utf-8-sig")
    assert [row["Báo cáo"] for row in csv.DictReader(io.StringIO(file))] == kinds


@pytest.mark.parametrize("what", ["week", "month", "half", "year"])
def test_each_kind_has_its_own_form(hoa, what: str) -> None:
    data = {**MONTHLY, "day": 3, "month": 1}
    assert hoa.get(f"{HERE}/them/{what}").status_code == 200
    assert hoa.post(f"{HERE}/them/{what}", data=data).status_code == 302
    assert "lần tới" in words(hoa.get(HERE))


@pytest.mark.parametrize(
    ("changes", "where", "sentence"),
    [
        ({"day": "29"}, "day", "từ 1 đến 28"),
        ({"day": ""}, "day", "nhập một số"),
        ({"to": "hoa"}, "to", "không phải địa chỉ thư"),
        ({"folder": ""}, "to", "địa chỉ thư hoặc tên thư mục"),
        ({"folder": "../x"}, "folder", "không được"),
        ({"at": "25:00"}, "at", "giờ"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_what_was_typed_stays(
    hoa, changes: dict[str, str], where: str, sentence: str
) -> None:
    answer = hoa.post(f"{HERE}/them/month", data={**MONTHLY, "format": "xlsx", **changes})
    assert answer.status_code == 400
    told = answer.text.split(f'id="{where}-error"')[1].split("</small>")[0]
    assert sentence in told
    assert 'selected value="xlsx"' in answer.text


def test_a_kind_that_is_none(hoa) -> None:
    assert hoa.get(f"{HERE}/them/giay").status_code == 404


def test_at_once_makes_a_file_one_can_fetch(hoa, monthly, config, database, clock: Clock) -> None:
    assert hoa.get(f"{HERE}/lan/1/tep").status_code == 404
    hoa.post(f"{HERE}/1/lap-ngay")
    assert hoa.get(f"{HERE}/lan/1/tep").status_code == 404
    step_all(config, database, NOON)
    assert "đã lập" in words(hoa.get(HERE))
    answer = hoa.get(f"{HERE}/lan/1/tep")
    assert "bao-cao-20261001-20261031-1.csv" in answer.headers["Content-Disposition"]
    assert (
        answer.data
        == (config.data / "reports" / "gui-tinh" / "bao-cao-20261001-20261031-1.csv").read_bytes()
    )


def test_paused_it_says_so_and_at_once_is_refused(hoa, monthly) -> None:
    hoa.post(f"{HERE}/1/tam-dung")
    hoa.post(f"{HERE}/1/lap-ngay")
    page = words(hoa.get(HERE))
    assert "đang tạm dừng" in page
    assert "dừng từ" in page
    hoa.post(f"{HERE}/1/chay-lai")
    assert "lần tới" in words(hoa.get(HERE))


def test_it_is_deleted_after_a_question(hoa, monthly) -> None:
    assert "Xoá báo cáo tháng định kỳ?" in words(hoa.get(f"{HERE}/1/xoa"))
    assert hoa.post(f"{HERE}/1/xoa").status_code == 302
    assert "Chưa có báo cáo định kỳ nào" in words(hoa.get(HERE))
    assert hoa.post(f"{HERE}/1/xoa").status_code == 404


def test_one_that_does_not_get_through_is_told_on_the_first_page(
    hoa, lan, config, database, clock: Clock
) -> None:
    hoa.post(f"{HERE}/them/month", data={**MONTHLY, "to": "tinh@tinh.example.vn"})
    clock.now = vn("2026-12-05 08:00")
    step_all(config, database, clock.now)
    with database.read() as session:
        assert session.get_one(ReportRun, 1).state is RunState.FAILED
    assert "Báo cáo định kỳ 01/11/2026 – 30/11/2026 chưa đến nơi nhận" in words(hoa.get("/"))
    assert "chưa đến nơi nhận" not in words(lan.get("/"))
    assert "Gửi lại" in words(hoa.get(HERE))
    assert hoa.post(f"{HERE}/lan/1/gui-lai").status_code == 302
    with database.read() as session:
        assert session.get_one(ReportRun, 1).state is RunState.MADE
    clock.now = after(clock.now, MINUTE)
    assert "chưa đến nơi nhận" not in words(hoa.get("/"))
    hoa.post(f"{HERE}/lan/1/gui-lai")
    assert "không chờ ai" in words(hoa.get(HERE))


def test_who_only_looks_on_gets_neither_list_nor_file(lan, hoa, monthly) -> None:
    for address in (HERE, f"{HERE}/lan/1/tep", f"{HERE}/them/month"):
        assert lan.get(address).status_code == 403
    assert "Định kỳ" not in words(lan.get("/bao-cao"))
    assert "Định kỳ" in words(hoa.get("/bao-cao"))
