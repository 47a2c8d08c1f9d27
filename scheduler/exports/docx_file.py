"""A report as an administrative paper one can edit: the only file that knows python-docx.

The layout is that of Vietnamese administrative papers: national title and motto, the body that issues it, number
and symbol, place and date, recipients, and the place for the signature. What only the commune knows is dotted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any
from zoneinfo import ZoneInfo

import docx
from docx.document import Document as Paper
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.table import _Cell
from docx.text.paragraph import Paragraph

from scheduler.exports import words
from scheduler.exports.tables import Document, Kind, Table

FONT = "Times New Roman"
MOST_ROWS = 400
"""A longer table belongs into a spreadsheet; the paper says so."""
CENTRE, RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT
DOTS = "……………"


def write(document: Document, out: IO[bytes], zone: ZoneInfo) -> None:
    """The whole paper, A4."""
    paper = docx.Document()
    _page(paper)
    _head(paper, document)
    _title(paper, document)
    for sentence in document.sentences:
        _paragraph(paper, sentence, indent=True)
    for number, table in enumerate(document.tables, 1):
        _table(paper, table, number, zone)
    for footnote in document.footnotes:
        _paragraph(paper, footnote, size=12, italic=True)
    _foot(paper)
    paper.save(out)


def _page(paper: Paper) -> None:
    section = paper.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin = section.bottom_margin = Mm(20)
    section.left_margin, section.right_margin = Mm(30), Mm(15)
    section.different_first_page_header_footer = True
    normal = paper.styles["Normal"]
    normal.font.name, normal.font.size = FONT, Pt(14)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), FONT)
    normal.paragraph_format.space_after = Pt(6)
    number = section.header.paragraphs[0]
    number.alignment = CENTRE
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    number._p.append(field)


def _head(paper: Paper, document: Document) -> None:
    left, right = _two(paper, Mm(68), Mm(97))
    _line(left, f"UBND {DOTS}", size=13)
    _line(left, document.station.upper(), size=13, bold=True)
    _line(left, "–––––––")
    _line(left, f"Số: {DOTS}/BC-{DOTS}", size=13)
    _line(right, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", size=13, bold=True)
    _line(right, "Độc lập - Tự do - Hạnh phúc", bold=True)
    _line(right, "––––––––––––––––")
    made = document.made_on
    _line(
        right,
        f"{DOTS}, ngày {made.day:02d} tháng {_month(made.month)} năm {made.year}",
        italic=True,
    )


def _month(number: int) -> str:
    """January and February get a nought before them, as in all such papers."""
    return f"{number:02d}" if number < 3 else str(number)


def _title(paper: Paper, document: Document) -> None:
    head = _paragraph(paper, "BÁO CÁO", bold=True, align=CENTRE)
    head.paragraph_format.space_before = Pt(18)
    head.paragraph_format.space_after = Pt(0)
    _paragraph(paper, document.title, bold=True, align=CENTRE).paragraph_format.space_after = Pt(0)
    _paragraph(paper, f"Kỳ báo cáo: {document.period}", bold=True, align=CENTRE)
    _paragraph(paper, f"Kính gửi: {DOTS}{DOTS}", align=CENTRE)


def _table(paper: Paper, table: Table, number: int, zone: ZoneInfo) -> None:
    head = _paragraph(paper, f"{number}. {table.title}", bold=True)
    head.paragraph_format.keep_with_next = True
    rows = list(table.rows)
    if not rows:
        _paragraph(paper, "Không có trong kỳ.", indent=True)
        return
    made = paper.add_table(rows=1, cols=len(table.columns), style="Table Grid")
    made.alignment = WD_TABLE_ALIGNMENT.CENTER
    for cell, column in zip(made.rows[0].cells, table.columns, strict=True):
        _fill(cell, column.title, bold=True, align=CENTRE)
    _repeat(made.rows[0])
    show = [words.shower(column, zone) for column in table.columns]
    are_numbers = [column.kind is not Kind.TEXT for column in table.columns]
    for row in rows[:MOST_ROWS]:
        _row(made.add_row().cells, row, show, are_numbers)
    if len(rows) > MOST_ROWS:
        left = (
            f"Bảng có {len(rows)} dòng; {MOST_ROWS} dòng đầu in ở đây, đầy đủ trong tệp bảng tính."
        )
        _paragraph(paper, left, size=12, italic=True)
    if table.note:
        _paragraph(paper, table.note, size=12, italic=True)


def _row(
    cells: tuple[_Cell, ...],
    row: tuple[Any, ...],
    show: list[Callable[[Any], str]],
    are_numbers: list[bool],
) -> None:
    for cell, value, shown, is_number in zip(cells, row, show, are_numbers, strict=True):
        _fill(cell, shown(value), align=RIGHT if is_number else None)


def _repeat(row: Any) -> None:
    """The heading stands on each page the table reaches."""
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)


def _foot(paper: Paper) -> None:
    left, right = _two(paper, Mm(82), Mm(83))
    _line(left, "Nơi nhận:", size=12, bold=True, italic=True, align=None)
    for name in (f"- Như trên;\n- {DOTS};", "- Lưu: VT."):
        _line(left, name, size=11, align=None)
    _line(right, "TM. ỦY BAN NHÂN DÂN", bold=True)
    _line(right, "CHỦ TỊCH", bold=True)
    _line(right, "(Ký, ghi rõ họ tên, đóng dấu)", size=13, italic=True)
    for _ in range(3):
        _line(right, "")
    _line(right, f"{DOTS}{DOTS}", bold=True)


def _two(paper: Paper, left: Mm, right: Mm) -> tuple[_Cell, _Cell]:
    table = paper.add_table(rows=1, cols=2)
    table.autofit = False
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    cells = table.rows[0].cells
    cells[0].width, cells[1].width = left, right
    return cells[0], cells[1]


def _line(
    cell: _Cell, text: str, *, size: int = 14, bold: bool = False, italic: bool = False,
    align: WD_ALIGN_PARAGRAPH | None = CENTRE,
) -> None:  # fmt: skip
    is_first = len(cell.paragraphs) == 1 and not cell.paragraphs[0].text
    paragraph = cell.paragraphs[0] if is_first else cell.add_paragraph()
    _write(paragraph, text, size, bold, italic)
    paragraph.alignment = align
    paragraph.paragraph_format.space_after = Pt(0)


def _fill(
    cell: _Cell, text: str, *, bold: bool = False, align: WD_ALIGN_PARAGRAPH | None = None
) -> None:
    _line(cell, text, size=11, bold=bold, align=align)


def _paragraph(
    paper: Paper, text: str, *, size: int = 14, bold: bool = False, italic: bool = False,
    align: WD_ALIGN_PARAGRAPH | None = None, indent: bool = False,
) -> Paragraph:  # fmt: skip
    paragraph = paper.add_paragraph()
    _write(paragraph, text, size, bold, italic)
    paragraph.alignment = align if align is not None else WD_ALIGN_PARAGRAPH.JUSTIFY
    if indent:
        paragraph.paragraph_format.first_line_indent = Mm(10)
    return paragraph


def _write(paragraph: Paragraph, text: str, size: int, bold: bool, italic: bool) -> None:
    run = paragraph.add_run(text)
    run.font.size, run.bold, run.italic = Pt(size), bold, italic
