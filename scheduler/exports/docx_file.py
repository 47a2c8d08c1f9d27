"""A report as an administrative paper one can edit: the only file that knows python-docx.

The layout is that of Vietnamese administrative papers: national title and motto, the body that issues it, number
and symbol, place and date, on what it is based, recipients, and the place for the signature; the long tables follow
as an annex across the page. What only the commune knows is dotted.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import IO, Any
from zoneinfo import ZoneInfo

import docx
from docx.document import Document as Paper
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.table import Table as Grid
from docx.table import _Cell
from docx.text.paragraph import Paragraph

from scheduler.exports import words
from scheduler.exports.csv_file import NOTHING
from scheduler.exports.tables import Column, Document, Kind, Table

FONT = "Times New Roman"
MOST_ROWS = 400
"""A longer table belongs into a spreadsheet; the paper says so."""
SHORT_ROWS, SHORT_COLUMNS = 12, 5
"""A table of at most so many stands in the paper itself, the others in its annex."""
BEGUN = 3
"""Rows that a table begins with on a page; where they parted, LibreOffice loses all that follow."""
FEW = 3
"""So few rows of many columns are read better as columns."""
UPRIGHT, ACROSS = 165, 257
"""Millimetres between the margins."""
LETTER, BLANK = 1.75, 3.0
"""Millimetres that a letter of a table takes, and a cell's edges."""
MOST_LETTERS = 30
CENTRE, RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT
PLACES = {Kind.TEXT: None, Kind.DAY: CENTRE}
DOTS = "……………"
BASED_ON = (
    "Căn cứ Nghị định số 49/2024/NĐ-CP của Chính phủ quy định về hoạt động thông tin cơ sở; căn cứ Quy chế hoạt động "
    f"của đài (Quyết định số {DOTS} ngày {DOTS}); {{station}} báo cáo như sau:"
)


def write(document: Document, out: IO[bytes], zone: ZoneInfo) -> None:
    """The whole paper, A4."""
    paper = docx.Document()
    _page(paper)
    _head(paper, document)
    _title(paper, document)
    _paragraph(paper, BASED_ON.format(station=document.station), italic=True, indent=True)
    for sentence in document.sentences:
        _paragraph(paper, sentence, indent=True)
    short, long = _parted([_Shown(table, zone) for table in document.tables])
    for number, table in enumerate(short, 1):
        _table(paper, table, number, UPRIGHT)
    if long:
        _paragraph(paper, "(Số liệu chi tiết tại Phụ lục kèm theo.)", italic=True, indent=True)
    _notes(paper, document)
    _foot(paper)
    if long:
        _annex(paper, document)
    for number, table in enumerate(long, 1):
        _table(paper, table, number, ACROSS)
    paper.save(out)


class _Shown:
    """A table as words, without the columns that only a spreadsheet has room for."""

    def __init__(self, table: Table, zone: ZoneInfo) -> None:
        self.title, self.note = table.title, table.note
        kept = [n for n, column in enumerate(table.columns) if not column.is_minor]
        self.columns = [table.columns[n] for n in kept]
        show = [words.shower(column, zone) for column in self.columns]
        rows = iter(table.rows)
        self.rows = [
            [make(row[n]) for n, make in zip(kept, show, strict=True)]
            for row in islice(rows, MOST_ROWS)
        ]
        self.left = sum(1 for _ in rows)
        """Rows there is no room for."""
        self.left_columns = len(table.columns) - len(kept)

    @property
    def is_short(self) -> bool:
        few = len(self.rows) <= SHORT_ROWS and len(self.columns) <= SHORT_COLUMNS
        return not self.left and (few or self.is_turned)

    @property
    def is_turned(self) -> bool:
        return 0 < len(self.rows) <= FEW and len(self.columns) > 2 * SHORT_COLUMNS

    def turned(self) -> None:
        """Its rows as columns."""
        titles = [row[0] for row in self.rows]
        lines = zip(*self.rows, strict=True)
        heads = [self.columns[0].title, *titles]
        rows = [[column.title, *line] for column, line in zip(self.columns, lines, strict=True)]
        kinds = (Kind.TEXT, *(Kind.INTEGER for _ in titles))
        self.columns = [Column(head, head, kind) for head, kind in zip(heads, kinds, strict=True)]
        self.rows = rows[1:]


def _parted(tables: list[_Shown]) -> tuple[list[_Shown], list[_Shown]]:
    """Those of the paper itself, and those of its annex."""
    return [t for t in tables if t.is_short], [t for t in tables if not t.is_short]


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
    left, right = _two(paper, 64, 101)
    _line(left, f"UBND {DOTS}", size=13)
    _line(left, document.station.upper(), size=13, bold=True)
    _line(left, "–––––––", size=8)
    _line(left, "Số: ……/BC-……", size=13)
    _line(right, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", size=12, bold=True)
    _line(right, "Độc lập - Tự do - Hạnh phúc", size=13, bold=True)
    _line(right, "–––––––––––––––––––––––––––", size=8)
    made = document.made_on
    _line(
        right,
        f"{DOTS}, ngày {made.day:02d} tháng {_month(made.month)} năm {made.year}",
        size=13,
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


def _notes(paper: Paper, document: Document) -> None:
    for number, footnote in enumerate(document.footnotes):
        said = _paragraph(paper, footnote, size=11, italic=True)
        said.paragraph_format.space_after = Pt(2)
        if number == 0:
            said.paragraph_format.space_before = Pt(6)


def _annex(paper: Paper, document: Document) -> None:
    section = paper.add_section(WD_SECTION.NEW_PAGE)
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Mm(297), Mm(210)
    section.left_margin = section.right_margin = Mm(20)
    _paragraph(paper, "PHỤ LỤC", bold=True, align=CENTRE).paragraph_format.space_after = Pt(0)
    title = f"{document.title} – {document.period}"
    _paragraph(paper, title, bold=True, align=CENTRE).paragraph_format.space_after = Pt(0)
    _paragraph(
        paper,
        f"(Kèm theo Báo cáo số ……/BC-…… ngày {DOTS})",
        size=13,
        italic=True,
        align=CENTRE,
    )


def _table(paper: Paper, shown: _Shown, number: int, room: float) -> None:
    head = _paragraph(paper, f"{number}. {shown.title}", size=13, bold=True)
    head.paragraph_format.keep_with_next = True
    head.paragraph_format.space_before = Pt(8)
    if not shown.rows:
        _paragraph(paper, NOTHING, size=13, indent=True)
        return
    if shown.is_turned:
        shown.turned()
    made = paper.add_table(rows=1, cols=len(shown.columns), style="Table Grid")
    made.alignment = WD_TABLE_ALIGNMENT.CENTER
    widths = _widths(shown, room)
    titles = [column.title for column in shown.columns]
    _row(made.rows[0], titles, widths, [CENTRE] * len(titles), is_head=True)
    places = [PLACES.get(column.kind, RIGHT) for column in shown.columns]
    for row in shown.rows:
        _row(made.add_row(), row, widths, places)
    for row in made.rows[:BEGUN]:
        for cell in row.cells:
            cell.paragraphs[0].paragraph_format.keep_with_next = True
    _fit(made, widths)
    for sentence in _below(shown):
        _paragraph(paper, sentence, size=11, italic=True).paragraph_format.space_before = Pt(3)


def _below(shown: _Shown) -> list[str]:
    said = [shown.note] if shown.note else []
    if shown.left:
        all_rows = words.number(len(shown.rows) + shown.left)
        said.append(
            f"Bảng có {all_rows} dòng; {MOST_ROWS} dòng đầu in ở đây, đầy đủ trong tệp bảng tính."
        )
    if shown.left_columns:
        said.append(f"{shown.left_columns} cột khác có trong tệp bảng tính.")
    return said


def _widths(shown: _Shown, room: float) -> list[float]:
    """Millimetres of each column: as what it holds needs, so that no number and no word is broken."""
    needs = []
    for place, column in enumerate(shown.columns):
        letters = max((len(row[place]) for row in shown.rows), default=0)
        word = max(map(len, column.title.split()))
        needs.append(max(min(letters, MOST_LETTERS) * LETTER, word * LETTER * 1.15) + BLANK)
    return [need * room / sum(needs) for need in needs]


def _row(
    row: Any, values: Sequence[str], widths: Sequence[float], places: Sequence[Any], *, is_head: bool = False
) -> None:  # fmt: skip
    for name in (
        ("w:cantSplit", "w:tblHeader") if is_head else ()
    ):  # the heading whole, and on each page
        mark = OxmlElement(name)
        mark.set(qn("w:val"), "true")
        row._tr.get_or_add_trPr().append(mark)
    for cell, value, width, place in zip(row.cells, values, widths, places, strict=True):
        cell.width = Mm(width)
        _line(cell, value, size=10, bold=is_head, align=place)


def _fit(made: Grid, widths: Sequence[float]) -> None:
    """Say the widths where each program looks for them, and let the cells' edges be narrow."""
    made.autofit = False
    for column, width in zip(made.columns, widths, strict=True):
        column._gridCol.w = Mm(width)
    edges = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        edge = OxmlElement(f"w:{side}")
        edge.set(qn("w:w"), "57")  # twentieths of a point: 1 mm
        edge.set(qn("w:type"), "dxa")
        edges.append(edge)
    made._tbl.tblPr.append(edges)


def _foot(paper: Paper) -> None:
    _paragraph(paper, "", size=6).paragraph_format.keep_with_next = True
    left, right = _two(paper, 82, 83)
    _line(left, "Nơi nhận:", size=12, bold=True, italic=True, align=None)
    for name in ("- Như trên;", f"- {DOTS};", "- Lưu: VT."):
        _line(left, name, size=11, align=None)
    _line(right, "TM. ỦY BAN NHÂN DÂN", bold=True)
    _line(right, "CHỦ TỊCH", bold=True)
    _line(right, "(Ký, ghi rõ họ tên, đóng dấu)", size=13, italic=True)
    for _ in range(3):
        _line(right, "")
    _line(right, f"{DOTS}{DOTS}", bold=True)


def _two(paper: Paper, left: float, right: float) -> tuple[_Cell, _Cell]:
    table = paper.add_table(rows=1, cols=2)
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    mark = OxmlElement("w:cantSplit")
    table.rows[0]._tr.get_or_add_trPr().append(mark)
    cells = table.rows[0].cells
    cells[0].width, cells[1].width = Mm(left), Mm(right)
    _fit(table, (left, right))
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
