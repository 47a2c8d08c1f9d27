"""Dictionary: written forms and how this commune says them (UBND → ủy ban nhân dân).

Pure tables: where a commune keeps its own entries is another module's matter. The shipped table is
`content/data/abbreviations.csv`; a commune's own entries go on top of it and win.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property, lru_cache
from importlib import resources

import msgspec

from loa.errors import ContentError
from loa.words import say

COLUMNS = {
    "form": "chữ viết",
    "spoken": "cách đọc",
    "case_sensitive": "đúng chữ hoa",
    "note": "ghi chú",
}
"""Column of a file → its heading. Either is taken, in any case, with or without marks."""
YES, NO = ("1", "co"), ("0", "khong")
MAX_FORM = 60
_PREFIX = 3  # letters; with fewer, most words of a text would be looked up in vain
MAX_SPOKEN = 200

# An entry whose note begins so is used, but the reading asks staff to look at it.
DOUBTFUL = say("nhiều nghĩa")

_LETTERS = re.compile(r"[^\W\d_]+")

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


def _head(form: str) -> str:
    """The letters a form begins with, or the one sign or digit it begins with."""
    letters = _LETTERS.match(form)
    return letters.group().casefold() if letters else form[0].casefold()


class Dictionary:
    """Entries ready for looking up; of two with the same form the later one stands.

    Those in `own` are the commune's: the reading shows them as such, and asks `signed` before any rule.
    """

    def __init__(self, entries: Iterable[Entry], own: Iterable[Entry] = ()) -> None:
        self._own = frozenset(own)
        # Case-folded form → the entries of that form: by exact spelling, or "" for any case.
        self._forms: dict[str, dict[str, Entry]] = {}
        heads: set[str] = set()
        lengths: dict[str, set[int]] = {}  # by the first letters of the form, case-folded
        for entry in entries:
            form = unicodedata.normalize("NFC", entry.form)
            if not form:
                continue
            same = self._forms.setdefault(form.casefold(), {})
            if not entry.case_sensitive:
                same.clear()
            same[form if entry.case_sensitive else ""] = entry
            lengths.setdefault(form[:_PREFIX].casefold(), set()).add(len(form))
            heads.add(_head(form))
        # What forms begin with: a text's word that begins otherwise need not be looked up.
        self.heads = frozenset(heads)
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries in force, in the order of their forms."""
        both = [entry for same in self._forms.values() for entry in same.values()]
        order = sorted(both, key=lambda e: (e.form.casefold(), e.case_sensitive, e.form))
        return tuple(order)

    def with_own(self, own: Iterable[Entry]) -> Dictionary:
        """A dictionary with the commune's own entries on top of these, remembered as such."""
        added = tuple(own)
        return Dictionary((*self.entries, *added), (*self._own, *added))

    def is_own(self, entry: Entry) -> bool:
        """Whether the commune brought this entry."""
        return entry in self._own

    @cached_property
    def signed(self) -> Dictionary | None:
        """The own entries whose form holds a digit or a sign ("06/CP", "24/7"); None if there are none."""
        found = [entry for entry in self.entries if self.is_own(entry) and has_sign(entry.form)]
        return Dictionary(found, found) if found else None

    def get(self, form: str) -> Entry | None:
        """The entry for exactly this form, in its own case first."""
        same = self._forms.get(form.casefold(), {})
        return same.get(form) or same.get("")

    def candidates(self, text: str, start: int) -> tuple[tuple[int, Entry], ...]:
        """Every entry whose form stands at `start`, longest first, with the place where it ends.

        Word borders are the caller's to judge.
        """
        if not 0 <= start < len(text):
            return ()
        lengths: list[int] = []
        prefix = text[start : start + _PREFIX].casefold()
        for size in range(len(prefix), 0, -1):
            lengths += self._lengths.get(prefix[:size], ())
        found: list[tuple[int, Entry]] = []
        for length in lengths:
            form = text[start : start + length]
            same = self._forms.get(form.casefold()) if len(form) == length else None
            entry = same and (same.get(form) or same.get(""))
            if entry:
                found.append((start + length, entry))
        return tuple(found)

    def longest(self, text: str, start: int = 0) -> Entry | None:
        """The longest entry whose form stands at `start`, or None."""
        found = self.candidates(text, start)
        return found[0][1] if found else None


def has_sign(form: str) -> bool:
    """Whether a rule before the dictionary might take the form; the point of "TP." is none's."""
    return not all(char.isalpha() or char.isspace() for char in form.removesuffix("."))


def problem(entry: Entry) -> str | None:
    """What staff should put right before this entry is used, as a Vietnamese sentence; None if fine."""
    if not entry.form.strip():
        return say("Chưa điền chữ viết tắt.")
    if not entry.spoken.strip():
        return say("Chưa điền cách đọc của “%(form)s”.", form=entry.form)
    if len(entry.form) > MAX_FORM or len(entry.spoken) > MAX_SPOKEN:
        return say(
            "“%(form)s” quá dài: chữ tối đa %(most)s, cách đọc %(longest)s ký tự.",
            form=entry.form[:MAX_FORM],
            most=MAX_FORM,
            longest=MAX_SPOKEN,
        )
    if any(not char.isprintable() for char in entry.form + entry.spoken + entry.note):
        return say("“%(form)s”: mỗi mục chỉ nằm trên một dòng.", form=entry.form)
    if any(char.isdigit() for char in entry.spoken):
        return say("Cách đọc của “%(form)s” còn chữ số; hãy viết số bằng chữ.", form=entry.form)
    return None


def _entry(row: dict[str, str], line: int) -> Entry:
    exact = _is_exact(row["case_sensitive"].strip(), line)
    entry = Entry(row["form"].strip(), row["spoken"].strip(), exact, row["note"].strip())
    wrong = problem(entry)
    if wrong is not None:
        raise ContentError(say("Dòng %(line)s: %(wrong)s", line=line, wrong=wrong), field="file")
    return entry


def _is_exact(flag: str, line: int) -> bool:
    """What the third column says; empty is yes."""
    plain = _plain(flag)
    if plain and plain not in YES + NO:
        raise ContentError(
            say(
                "Dòng %(line)s: cột “%(column)s” là “%(flag)s”; chỉ nhận 1 (có) hoặc 0 (không).",
                line=line,
                column=COLUMNS["case_sensitive"],
                flag=flag,
            ),
            field="file",
        )
    return plain not in NO


def _plain(words: str) -> str:
    """The words in small letters without marks, however they were spaced."""
    # Not loa.searching: the reading must do without a database library.
    letters = unicodedata.normalize("NFD", " ".join(words.casefold().split()).replace("đ", "d"))
    return "".join(char for char in letters if not unicodedata.combining(char))


_NAMES = {_plain(each): name for name, heading in COLUMNS.items() for each in (name, heading)}


def _rows(text: str) -> Iterable[tuple[int, dict[str, str]]]:
    header = text.partition("\n")[0]
    # Excel with Vietnamese settings separates by semicolons.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",")
    names = [_NAMES.get(_plain(heading), heading) for heading in next(reader, [])]
    missing = [COLUMNS[name] for name in ("form", "spoken") if name not in names]
    if missing:
        raise ContentError(
            say(
                "Dòng đầu thiếu cột %(missing)s. Dòng đầu của tệp cần có: %(columns)s; "
                "hai cột sau có thể bỏ.",
                missing=_listed(missing),
                columns=_listed(COLUMNS.values()),
            ),
            field="file",
        )
    for cells in reader:
        if any(cell.strip() for cell in cells):
            row = dict.fromkeys(COLUMNS, "")
            row.update(zip(names, map(_unquoted, cells), strict=False))
            yield reader.line_num, row


def _listed(headings: Iterable[str]) -> str:
    return ", ".join(f"“{heading}”" for heading in headings)


def _unquoted(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA_SIGNS else cell


def _quoted(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell


def parse(text: str) -> tuple[Entry, ...]:
    """Entries of a CSV whose first line has the headings of `COLUMNS`; the last two may be absent.

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
                sentence = say(
                    "Dòng %(line)s: “%(form)s” đã có ở dòng %(earlier)s; hãy bỏ một dòng.",
                    line=line,
                    form=entry.form,
                    earlier=earlier,
                )
                raise ContentError(sentence, field="file")
            entries.append(entry)
    except csv.Error as error:
        raise ContentError(
            say("Không đọc được tệp CSV: %(error)s.", error=error), field="file"
        ) from error
    return tuple(entries)


def emit(entries: Iterable[Entry]) -> str:
    """The entries as CSV text that `parse` takes back; safe to open in a spreadsheet."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS.values())
    for entry in entries:
        flag = "1" if entry.case_sensitive else "0"
        writer.writerow([_quoted(entry.form), _quoted(entry.spoken), flag, _quoted(entry.note)])
    return out.getvalue()


@lru_cache(maxsize=1)
def shipped() -> Dictionary:
    """The dictionary that comes with the product."""
    table = resources.files("content") / "data" / "abbreviations.csv"
    return Dictionary(parse(table.read_text(encoding="utf-8")))
