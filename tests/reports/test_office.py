"""The files opened for real: LibreOffice computes the workbook, reads the CSV and prints the paper."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from loa.database import Database
from loa.staff import Staff
from loa.times import DAY as A_DAY
from loa.times import after
from scheduler import planner
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.exports import csv_file, files
from scheduler.exports.tables import Document, Kind
from scheduler.reporting import papers, periods
from scheduler.reporting.papers import About
from scheduler.reports import LogFilter
from tests.cast import NOON, ZONE
from tests.parts import need
from tests.reports import office_suite
from tests.reports.office_suite import Cell
from tests.reports.test_exports import EVIL
from tests.scheduler.test_reports import fill

assert planner  # it knows every table
NOVEMBER = periods.month(date(2026, 11, 21))
ABOUT = About("Đài truyền thanh xã Mẫu", ZONE, after(NOON, A_DAY))


@dataclass
class Opened:
    """A report and a log as they were made, and as LibreOffice opens them."""

    report: Document
    workbook: dict[str, list[list[Cell]]]
    log: dict[str, list[list[Cell]]]
    csv: list[list[Cell]]
    codes: list[list[Cell]]
    log_csv: list[list[Cell]]
    figures: dict[str, Any]
    paper: Path


@pytest.fixture(scope="module")
def opened(migrated_sqlite, tmp_path_factory) -> Opened:
    need("libreoffice")
    folder = tmp_path_factory.mktemp("office")
    database = Database(f"sqlite:///{folder / 'loa.db'}")
    (folder / "loa.db").write_bytes(migrated_sqlite.read_bytes())
    report = _write(database, folder)
    database.close()
    computed = office_suite.forget_totals(folder / "report.xlsx", folder / "computed.xlsx")
    lists = [folder / name for name in ("table.csv", "codes.csv", "rows.csv")]
    flat = office_suite.convert([computed, folder / "log.xlsx"], "fods", folder)
    flat += office_suite.convert(lists, "fods", folder, office_suite.UTF8_CSV)
    found = [office_suite.sheets(file) for file in flat]
    (paper,) = office_suite.convert([folder / "report.docx"], "pdf", folder)
    figures = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    rows = [next(iter(sheet.values())) for sheet in found[2:]]
    return Opened(report, found[0], found[1], *rows, figures, paper)


def _write(database: Database, folder: Path) -> Document:
    with database.write() as session:
        fill(session, title=EVIL[0])
        _plant_evil(session)
        papers.issue(session, NOVEMBER, ABOUT, session.scalars(sa.select(Staff)).first())
        late = sa.update(Delivery).where(Delivery.state == DeliveryState.MISSED)
        session.execute(late.values(state=DeliveryState.PLAYED, played_ms=29_123, evidence="E2"))
    since, until = NOVEMBER.bounds(ZONE)
    wanted = LogFilter(since=since, until=until)
    with database.read() as session:
        report = papers.of_period(session, NOVEMBER, ABOUT).document
        for kind in files.KINDS:
            files.write(report, kind, folder / f"report.{kind}", ZONE)
        files.write(report, "csv", folder / "table.csv", ZONE)
        log = papers.of_log(session, wanted, NOVEMBER, ABOUT)
        files.write(log, "xlsx", folder / "log.xlsx", ZONE)
        for name, codes in (("rows", False), ("codes", True)):
            with (folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as out:
                rows = papers.rows_of_log(session, wanted, ABOUT, codes=codes)
                csv_file.write(rows, out, ZONE)
    return report


def _plant_evil(session) -> None:
    """Formulas wherever people choose the words: titles, staff, receivers, areas, reasons."""
    first = session.scalars(sa.select(Broadcast)).one()
    first.author, first.scheduler = EVIL[1], EVIL[6]
    rows = session.scalars(sa.select(Delivery).order_by(Delivery.id)).all()
    for row, name, area in zip(rows, EVIL[2:5], (EVIL[6], EVIL[5], " =1+1"), strict=True):
        row.receiver_name, row.area_name = name, area
    rows[0].reason = "=1+1"
    session.flush()


def _formulas(rows: list[list[Cell]]) -> set[str]:
    return {cell.formula.partition("(")[0] for row in rows for cell in row if cell.formula}


def test_only_totals_are_formulas_and_they_compute(opened):
    for name, rows in (*opened.workbook.items(), *opened.log.items()):
        assert _formulas(rows) <= {"of:=SUM"}, name
        totals = [cell for row in rows for cell in row if cell.formula]
        assert all(cell.number is not None for cell in totals), name
    assert any(cell.formula for row in opened.workbook["Theo địa bàn"] for cell in row)


def test_every_figure_of_the_workbook_is_the_reports(opened):
    for table in opened.report.tables:
        rows = opened.workbook[table.title[:31].strip()][4:]
        for row, cells in zip(table.rows, rows, strict=False):
            for column, value, cell in zip(table.columns, row, cells, strict=False):
                assert _agrees(column.kind, value, cell), (table.key, column.key, value, cell)


def _agrees(kind: Kind, value: Any, cell: Cell) -> bool:
    if value is None:
        return cell.value == ""
    divisor = {Kind.MINUTES: 60_000, Kind.MEGABYTES: 10**6}.get(kind, 1)
    match kind:
        case Kind.TEXT:
            return cell.value == str(value)
        case Kind.DAY:
            return cell.value == value.isoformat()
        case _:
            return cell.number == pytest.approx(value / divisor, abs=1e-9)


def test_every_total_is_the_sum_of_what_json_says(opened):
    for table in filter(lambda each: each["rows"], opened.figures["tables"]):
        summed = next(c for c in opened.report.tables if c.key == table["key"]).columns
        rows = opened.workbook[table["title"][:31].strip()]
        for place, column in enumerate(summed):
            if not column.is_summed:
                continue
            divisor = {Kind.MINUTES: 60_000, Kind.MEGABYTES: 10**6}.get(column.kind, 1)
            expected = sum(row[column.key] or 0 for row in table["rows"]) / divisor
            assert rows[4 + len(table["rows"])][place].number == pytest.approx(expected)


def test_csv_keeps_vietnamese_and_computes_nothing(opened):
    for rows in (opened.csv, opened.codes, opened.log_csv):
        assert _formulas(rows) == set()
    said = [cell.value for row in opened.csv for cell in row]
    assert "Kết quả phát thanh của đài truyền thanh" in said
    assert "Chưa có xác nhận" in said
    assert f"'{EVIL[1]}" in said
    assert [cell.value for cell in opened.log_csv[0]][2:4] == ["bản tin", "lĩnh vực"]
    titles = [cell.value for cell in opened.codes[0]]
    heard = {row[titles.index("Loa.KetQua")].value: row for row in opened.codes[1:]}
    assert heard["chưa có xác nhận"][titles.index("ThoiDiemBatDau")].value == ""
    assert heard["đã phát"][titles.index("ThoiDiemBatDau")].number == (NOON + 7) // 1000


def test_what_nobody_heard_of_is_named_in_each_file(opened):
    line = f"– 12:00 ngày 21/11/2026, “{EVIL[0]}”: {EVIL[3]} ({EVIL[5]})."
    notes = [row[0].value for row in opened.workbook["Ghi chú"] if row]
    assert line.replace("\r", "") in [note.replace("\n", "").replace("\r", "") for note in notes]
    assert any("Chưa có xác nhận" in row[0].value for row in opened.log["Ghi chú"] if row)
    assert line in opened.figures["footnotes"]


def test_changes_since_it_was_issued_are_a_sheet(opened):
    rows = opened.workbook["Thay đổi từ khi phát hành"][4:]
    said = {tuple(cell.value for cell in row[:5]) for row in rows}
    assert ("Kết quả chung", "Tất cả", "Đã phát", "1", "2") in said
    assert any(row[0] == "Theo đầu thu" for row in said)


def test_the_paper_prints(opened):
    assert opened.paper.read_bytes().startswith(b"%PDF")
    assert opened.paper.stat().st_size > 10_000
