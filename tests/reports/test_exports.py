"""Files: what a spreadsheet, a word processor and a program get of the same tables."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import date

import defusedxml.ElementTree as Xml
import docx
import pytest

from scheduler.exports import csv_file, docx_file, json_file, words, xlsx_file
from scheduler.exports.tables import Column, Document, Kind, Table
from tests.cast import NOON, ZONE

COLUMNS = (
    Column("title", "Bản tin"),
    Column("n", "Số lượt", Kind.INTEGER, is_summed=True),
    Column("ms", "Phút", Kind.MINUTES, is_summed=True),
    Column("rate", "Tỷ lệ", Kind.RATE),
    Column("at", "Lúc", Kind.MOMENT),
    Column("day", "Ngày", Kind.DAY),
)
EVIL = (
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("http://x")',
    "＝1+1",
    " =1+1",
)
"""What some spreadsheet would compute."""
NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def document(rows: list[tuple]) -> Document:
    table = Table("t", "Bảng [thử]: một/hai", COLUMNS, rows, "=ghi chú")
    return Document(
        "Kết quả phát thanh", "tháng 11 năm 2026", "Đài truyền thanh xã Mẫu", date(2026, 1, 5), date(2026, 1, 1),
        date(2026, 1, 31), ["Trong kỳ có 2 lượt phát."], [table], ["Chưa có xác nhận thì để trống."],
    )  # fmt: skip


ROWS = [
    ("Tiêm chủng", 2, 90_000, 0.5, NOON, date(2026, 11, 21)),
    ("Họp thôn", 3, None, None, None, None),
]


def sheet(path) -> tuple:
    with zipfile.ZipFile(path) as book:
        root = Xml.fromstring(book.read("xl/worksheets/sheet1.xml"))
    return root, {cell.get("r"): cell for cell in root.iterfind(".//m:c", NS)}


def value(cell) -> str | None:
    return cell.findtext("m:v", None, NS)


def test_csv_has_plain_values_and_an_unknown_one_is_empty():
    out = io.StringIO()
    assert csv_file.write(Table("t", "", COLUMNS, ROWS), out, ZONE) == 2
    rows = list(csv.reader(io.StringIO(out.getvalue())))
    assert rows[1] == ["Tiêm chủng", "2", "1.5", "0.5", "21/11/2026 12:00:00.000", "21/11/2026"]
    assert rows[2] == ["Họp thôn", "3", "", "", "", ""]


@pytest.mark.parametrize("text", EVIL)
def test_no_text_becomes_a_formula_in_csv(text):
    out = io.StringIO()
    csv_file.write(Table("t", "", COLUMNS[:1], [(text,)]), out, ZONE)
    (cell,) = list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1]
    assert cell.startswith("'")
    assert cell.replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("text", [" =1+1", "a;=1+1", "a; =1+1", "a\n+1", "a\t-1"])
def test_nor_does_what_stands_behind_a_blank_or_a_break(text):
    """A spreadsheet set to Vietnamese parts cells at semicolons; blanks before a formula are no hindrance."""
    found = csv_file.text(text)
    assert found.index("'") < min(found.index(sign) for sign in "=+-" if sign in found)
    assert csv_file.text("Họp thôn; 2 buổi, 3-4 giờ") == "Họp thôn; 2 buổi, 3-4 giờ"


@pytest.mark.parametrize("text", EVIL)
def test_no_text_becomes_a_formula_in_a_workbook(text, tmp_path):
    xlsx_file.write(document([(text, 1, 1, 1.0, NOON, None)]), tmp_path / "a.xlsx", ZONE)
    root, cells = sheet(tmp_path / "a.xlsx")
    assert cells["A5"].get("t") == "inlineStr"
    formulas = [found.text for found in root.iterfind(".//m:f", NS)]
    assert formulas == ["SUM(B5:B5)", "SUM(C5:C5)"]
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        assert not any(
            "hyperlink" in name or "external" in name.lower() for name in book.namelist()
        )


def test_a_workbook_has_numbers_times_and_a_frozen_heading(tmp_path):
    xlsx_file.write(document(ROWS), tmp_path / "a.xlsx", ZONE)
    root, cells = sheet(tmp_path / "a.xlsx")
    pane = root.find(".//m:pane", NS)
    assert (pane.get("ySplit"), pane.get("state")) == ("4", "frozen")
    assert [float(value(cells[name])) for name in ("B5", "C5", "D5")] == [2.0, 1.5, 0.5]
    assert float(value(cells["E5"])) == pytest.approx(
        46347.5
    )  # 21/11/2026 12:00 as spreadsheets count
    assert "C6" not in cells or value(cells["C6"]) is None
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        assert book.testzip() is None
        assert 'name="Bảng  thử   một hai"' in book.read("xl/workbook.xml").decode()


def test_a_total_is_a_formula_that_carries_its_value(tmp_path):
    xlsx_file.write(document(ROWS), tmp_path / "a.xlsx", ZONE)
    _, cells = sheet(tmp_path / "a.xlsx")
    assert cells["B7"].findtext("m:f", None, NS) == "SUM(B5:B6)"
    assert float(value(cells["B7"])) == 5.0
    assert float(value(cells["C7"])) == 1.5
    assert cells["B7"].get("t") is None


def test_the_totals_of_a_long_sheet_carry_their_values_too(tmp_path):
    rows = [("x" * 200, 1, 60_000, None, NOON, None)] * 20_000
    xlsx_file.write(document(rows), tmp_path / "a.xlsx", ZONE)
    _, cells = sheet(tmp_path / "a.xlsx")
    assert float(value(cells["B20005"])) == 20_000
    assert not (tmp_path / "a.part").exists()


def test_a_table_without_rows_says_so_and_keeps_its_heading(tmp_path):
    xlsx_file.write(document([]), tmp_path / "a.xlsx", ZONE)
    root, _ = sheet(tmp_path / "a.xlsx")
    texts = [found.text for found in root.iterfind(".//m:t", NS)]
    assert texts[-7:] == [*(column.title for column in COLUMNS), "Không có trong kỳ."]
    assert root.find(".//m:f", NS) is None


def test_csv_of_a_report_has_its_head_and_its_footnotes():
    out = io.StringIO()
    csv_file.write_document(document(ROWS), out, ZONE)
    lines = out.getvalue().split("\r\n")
    assert lines[:3] == [
        "Kết quả phát thanh",
        "Kỳ báo cáo: tháng 11 năm 2026",
        "Đài truyền thanh xã Mẫu",
    ]
    assert lines[-3:] == ["Ghi chú", "Chưa có xác nhận thì để trống.", ""]
    assert "'=ghi chú" in lines


def test_a_workbook_has_its_footnotes_on_a_sheet_of_their_own(tmp_path):
    xlsx_file.write(document(ROWS), tmp_path / "a.xlsx", ZONE)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        assert 'name="Ghi chú"' in book.read("xl/workbook.xml").decode()
        said = book.read("xl/worksheets/sheet2.xml").decode()
    assert "Chưa có xác nhận thì để trống." in said


def test_a_long_table_of_the_paper_stands_across_and_says_what_it_leaves_out():
    long = document(
        [("Tiêm chủng", n, None, None, None, None) for n in range(docx_file.MOST_ROWS + 1)]
    )
    long.tables[0].columns = (*COLUMNS[:5], Column("day", "Ngày", Kind.DAY, is_minor=True))
    out = io.BytesIO()
    docx_file.write(long, out, ZONE)
    paper = docx.Document(out)
    said = [paragraph.text for paragraph in paper.paragraphs]
    assert "Bảng có 401 dòng; 400 dòng đầu in ở đây, đầy đủ trong tệp bảng tính." in said
    assert "1 cột khác có trong tệp bảng tính." in said
    assert paper.sections[1].page_width > paper.sections[1].page_height
    assert len(paper.tables[2].columns) == 5
    # What LibreOffice needs, or it prints the first row alone when a table begins at the end of a page.
    begun = [
        row.cells[0].paragraphs[0].paragraph_format.keep_with_next
        for row in paper.tables[2].rows[:4]
    ]
    assert begun == [True, True, True, None]
    assert paper.tables[2].rows[5]._tr.trPr is None


def test_few_rows_of_many_columns_are_turned_on_paper():
    turned = document([("Tất cả", *range(11))])
    heads = ("what", *(f"số {n}" for n in range(11)))
    turned.tables[0].columns = tuple(
        Column(head, head, Kind.INTEGER if n else Kind.TEXT) for n, head in enumerate(heads)
    )
    out = io.BytesIO()
    docx_file.write(turned, out, ZONE)
    rows = [[cell.text for cell in row.cells] for row in docx.Document(out).tables[1].rows]
    assert rows[:2] == [["what", "Tất cả"], ["số 0", "0"]]


def test_names_with_a_dot_are_nested_in_json():
    out = io.StringIO()
    names = (Column("TacGia.TenDayDu", "x"), Column("TacGia.Email", "y"), Column("TieuDe", "z"))
    made = document([])
    made.tables = [Table("t", "", names, [("Hoa", None, "Họp")])]
    json_file.write(made, out)
    row = json.loads(out.getvalue())["tables"][0]["rows"][0]
    assert row == {"TacGia": {"TenDayDu": "Hoa", "Email": None}, "TieuDe": "Họp"}


def test_json_keeps_unknown_as_null():
    out = io.StringIO()
    json_file.write(document(ROWS), out)
    found = json.loads(out.getvalue())
    assert found["tables"][0]["rows"][1] == {
        "title": "Họp thôn", "n": 3, "ms": None, "rate": None, "at": None, "day": None,
    }  # fmt: skip
    assert found["footnotes"] == ["Chưa có xác nhận thì để trống."]


def test_the_paper_has_the_parts_of_an_administrative_report():
    out = io.BytesIO()
    docx_file.write(document(ROWS), out, ZONE)
    paper = docx.Document(out)
    head = " ".join(cell.text for cell in paper.tables[0].rows[0].cells)
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in head
    assert "Độc lập - Tự do - Hạnh phúc" in head
    assert "ĐÀI TRUYỀN THANH XÃ MẪU" in head
    assert re.search(r"Số: …+/BC-…+", head)
    assert "ngày 05 tháng 01 năm 2026" in head
    said = [paragraph.text for paragraph in paper.paragraphs]
    assert said.index("BÁO CÁO") < said.index("Kết quả phát thanh")
    foot = " ".join(cell.text for cell in paper.tables[1].rows[0].cells)
    assert "Nơi nhận:" in foot
    assert "CHỦ TỊCH" in foot
    assert said.index("PHỤ LỤC") < said.index("1. Bảng [thử]: một/hai")
    cells = [cell.text for cell in paper.tables[2].rows[2].cells]
    assert cells == ["Họp thôn", "3", "–", "–", "–", "–"]


def test_what_is_not_whole_is_never_shown_as_a_hundred_per_cent():
    assert words.rate(0.99999) == "99,9 %"
    assert words.rate(1.0) == "100,0 %"
    assert words.number(1234567.5, 1) == "1.234.567,5"
