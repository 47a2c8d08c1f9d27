"""``loa report`` as a person calls it."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from loa import cli
from loa.database import Database
from scheduler import planner
from tests.scheduler.test_reports import fill

assert planner  # it knows every table
DRAFT = "bản nháp – chưa đối chiếu phụ lục chính thức"


@pytest.fixture(autouse=True)
def station(tmp_path, monkeypatch, migrated_sqlite) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("config.toml").write_text("[station]\nname = 'Đài thử'\n", encoding="utf-8")
    Path("data").mkdir()
    shutil.copy(migrated_sqlite, "data/loa.db")
    database = Database("sqlite:///data/loa.db")
    with database.write() as session:
        fill(session)
    database.close()
    return tmp_path


def report(*arguments: str) -> int:
    return cli.main(["report", *arguments])


def test_a_period_is_a_report_and_with_log_its_rows():
    assert report("--period", "2026-11", "-o", "a.csv") == 0
    assert "Kết quả chung" in Path("a.csv").read_text(encoding="utf-8-sig")
    assert report("--period", "2026-11", "--log", "-o", "b.csv") == 0
    with Path("b.csv").open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["kết quả"] for row in rows} == {"lỡ giờ", "đã phát", "chưa có xác nhận"}


def test_codes_are_those_of_the_upper_system_and_a_draft(capsys):
    asked = ("--log", "--codes", "nhat-ky-ban-tin", "--period", "2026-11")
    assert report(*asked, "-o", "a.json") == 0
    found = json.loads(Path("a.json").read_text(encoding="utf-8"))
    assert DRAFT in found["title"]
    rows = {row["Loa"]["KetQua"]: row for row in found["tables"][0]["rows"]}
    assert rows["chưa có xác nhận"]["ThoiDiemBatDau"] is None
    assert rows["đã phát"]["TenNguon"] == "Đài thử"
    assert rows["đã phát"]["LoaiLinhVuc"] == 5
    assert "Lịch tiêm chủng" in found["footnotes"][2]
    assert report(*asked, "-o", "a.csv") == 0
    with Path("a.csv").open(encoding="utf-8-sig", newline="") as lines:
        assert {row["Loa.GhiChu"] for row in csv.DictReader(lines)} == {DRAFT}
    assert report(*asked, "-o", "a.xlsx") == 0


def test_codes_on_paper_are_refused_in_a_sentence(capsys):
    codes = ("--codes", "nhat-ky-ban-tin", "--period", "2026-11")
    assert report(*codes, "-o", "a.docx") != 0
    assert "chỉ có ở dạng csv, json hoặc xlsx" in capsys.readouterr().err
    assert not Path("a.docx").exists()


def test_json_goes_to_the_screen_where_asked(capsys):
    assert report("--period", "2026-11", "--format", "json", "-o", "-") == 0
    assert json.loads(capsys.readouterr().out)["period"] == "tháng 11 năm 2026"
