"""Dictionary: written forms and how this commune says them (UBND → ủy ban nhân dân).

Pure tables: where a commune keeps its own entries is another module's matter. The shipped table is
`content/data/abbreviations.csv`; a commune's own entries go on top of it and win.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources

import msgspec

from loa.errors import ContentError

COLUMNS = ("form", "spoken", "case_sensitive", "note")
MAX_FORM = 60
MAX_SPOKEN = 200

# An entry whose note begins so is used, but the reading asks staff to look at it.
DOUBTFUL = "nhiều nghĩa"

_FORMULA_SIGNS = ("=", "+", "-", "@", "'")  # a spreadsheet would run such a cell


class Entry(msgspec.Struct, frozen=True):
    """One line of the table; `case_sensitive` false also takes "ubnd" and "Ubnd" for "UBND"."""

    form: str
    spoken: str
    case_sensitive: bool = True
    note: str = ""

    @property
    def doubtful(self) -> bool:
        """Whether the form has other readings too."""
        return self.note.casefold().startswith(DOUBTFUL)


class Dictionary:
    """Entries ready for looking up; of two with the same form the later one stands."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        # Case-folded form → the entries of that form: by exact spelling, or "" for any case.
        self._forms: dict[str, dict[str, Entry]] = {}
        lengths: dict[str, set[int]] = {}
        for entry in entries:
            form = unicodedata.normalize("NFC", entry.form)
            if not form:
                continue
            same = self._forms.setdefault(form.casefold(), {})
            if not entry.case_sensitive:
                same.clear()
            same[form if entry.case_sensitive else ""] = entry
            lengths.setdefault(form[0].casefold(), set()).add(len(form))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries in force, in the order of their forms."""
        both = [entry for same in self._forms.values() for entry in same.values()]
        order = sorted(both, key=lambda e: (e.form.casefold(), e.case_sensitive, e.form))
        return tuple(order)

    def with_own(self, own: Iterable[Entry]) -> Dictionary:
        """A dictionary with the commune's own entries on top of these."""
        return Dictionary((*self.entries, *own))

    def get(self, form: str) -> Entry | None:
        """The entry for exactly this form, in its own case first."""
        same = self._forms.get(form.casefold(), {})
        return same.get(form) or same.get("")

    def candidates(self, text: str, start: int) -> tuple[tuple[int, Entry], ...]:
        """Every entry whose form stands at `start`, longest first, with the place where it ends.

        Word borders are the caller's to judge.
        """
        found: list[tuple[int, Entry]] = []
        for length in self._lengths.get(text[start].casefold(), ()):
            end = start + length
            entry = self.get(text[start:end]) if end <= len(text) else None
            if entry is not None:
                found.append((end, entry))
        return tuple(found)

    def longest(self, text: str, start: int = 0) -> Entry | None:
        """The longest entry whose form stands at `start`, or None."""
        found = self.candidates(text, start) if 0 <= start < len(text) else ()
        return found[0][1] if found else None


def problem(entry: Entry) -> str | None:
    """What staff should put right before this entry is used, as a Vietnamese sentence; None if fine."""
    if not entry.form.strip():
        return "Chưa điền chữ viết tắt."
    if not entry.spoken.strip():
        return f"Chưa điền cách đọc của “{entry.form}”."
    if len(entry.form) > MAX_FORM or len(entry.spoken) > MAX_SPOKEN:
        return f"“{entry.form[:MAX_FORM]}” quá dài: chữ tối đa {MAX_FORM}, cách đọc {MAX_SPOKEN} ký tự."
    if any(not char.isprintable() for char in entry.form + entry.spoken + entry.note):
        return f"“{entry.form}”: mỗi mục chỉ nằm trên một dòng."
    if any(char.isdigit() for char in entry.spoken):
        return f"Cách đọc của “{entry.form}” còn chữ số; hãy viết số bằng chữ."
    return None


def _entry(row: dict[str, str], line: int) -> Entry:
    flag = row["case_sensitive"].strip() or "1"
    if flag not in ("0", "1"):
        raise ContentError(
            f"Dòng {line}: cột case_sensitive là “{flag}”; chỉ nhận 0 hoặc 1.", field="file"
        )
    entry = Entry(row["form"].strip(), row["spoken"].strip(), flag == "1", row["note"].strip())
    wrong = problem(entry)
    if wrong is not None:
        raise ContentError(f"Dòng {line}: {wrong}", field="file")
    return entry


def _rows(text: str) -> Iterable[tuple[int, dict[str, str]]]:
    header = text.partition("\n")[0]
    # Excel with Vietnamese settings separates by semicolons.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",")
    names = [name.strip().lower() for name in next(reader, [])]
    missing = [name for name in COLUMNS[:2] if name not in names]
    if missing:
        raise ContentError(
            f"Dòng đầu thiếu cột {', '.join(missing)}; cần có: {', '.join(COLUMNS)}.", field="file"
        )
    for cells in reader:
        if any(cell.strip() for cell in cells):
            row = dict.fromkeys(COLUMNS, "")
            row.update(zip(names, map(_unquoted, cells), strict=False))
            yield reader.line_num, row


def _unquoted(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA_SIGNS else cell


def _quoted(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell


def parse(text: str) -> tuple[Entry, ...]:
    """Entries of a CSV with the columns form, spoken, case_sensitive, note; the last two may be absent.

    Takes what Excel saves (BOM, semicolons). Raises ContentError naming the line that is wrong.
    """
    text = unicodedata.normalize("NFC", text.removeprefix("\ufeff"))
    entries: list[Entry] = []
    seen: dict[tuple[str, bool], int] = {}
    try:
        for line, row in _rows(text):
            entry = _entry(row, line)
            form = entry.form if entry.case_sensitive else entry.form.casefold()
            earlier = seen.setdefault((form, entry.case_sensitive), line)
            if earlier != line:
                sentence = f"Dòng {line}: “{entry.form}” đã có ở dòng {earlier}; hãy bỏ một dòng."
                raise ContentError(sentence, field="file")
            entries.append(entry)
    except csv.Error as error:
        raise ContentError(f"Không đọc được tệp CSV: {error}.", field="file") from error
    return tuple(entries)


def emit(entries: Iterable[Entry]) -> str:
    """The entries as CSV text that `parse` takes back; safe to open in a spreadsheet."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        flag = "1" if entry.case_sensitive else "0"
        writer.writerow([_quoted(entry.form), _quoted(entry.spoken), flag, _quoted(entry.note)])
    return out.getvalue()


@lru_cache(maxsize=1)
def shipped() -> Dictionary:
    """The dictionary that comes with the product."""
    table = resources.files("content") / "data" / "abbreviations.csv"
    return Dictionary(parse(table.read_text(encoding="utf-8")))
