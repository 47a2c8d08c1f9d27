"""The commune's own entries of the dictionary: taught by staff, brought in and taken out as CSV.

They lie on top of the shipped table. A sound that is made already does not change: approval binds the sound.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, lazyload, mapped_column, relationship

from content import dictionary
from content.dictionary import Dictionary, Entry
from loa import audit, searching
from loa.database import Base
from loa.errors import ContentError, NotFound
from loa.staff import May, Staff
from loa.times import Instant
from loa.words import say

MOST = 5_000
"""Own entries: more is a mistake in a file, and slows every reading."""
MAX_NOTE = 300
_MAX_KEY = 80
_CELL, _ROW = "\x1f", "\x1e"  # blanks to Python: no tidy entry holds them


class OwnEntry(Base):
    """A written form and how this commune says it."""

    __tablename__ = "dictionary_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(_MAX_KEY), unique=True)
    """The form, case-folded when any case of it is meant."""
    form: Mapped[str] = mapped_column(sa.String(dictionary.MAX_FORM))
    spoken: Mapped[str] = mapped_column(sa.String(dictionary.MAX_SPOKEN))
    case_sensitive: Mapped[bool]
    note: Mapped[str] = mapped_column(sa.Text, default="")
    search_key: Mapped[str] = mapped_column(sa.Text)
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    updated_at: Mapped[Instant]

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)

    @property
    def entry(self) -> Entry:
        return Entry(self.form, self.spoken, self.case_sensitive, self.note)


_WITHOUT_STAFF = sa.select(OwnEntry).options(lazyload(OwnEntry.staff))


@dataclass(frozen=True)
class Brought:
    """What an import did."""

    added: int
    changed: int
    same: int


def _key(entry: Entry) -> str:
    return f"={entry.form}" if entry.case_sensitive else f"~{entry.form.casefold()}"


def own(session: Session) -> tuple[Entry, ...]:
    """The commune's entries by form."""
    found = session.scalars(sa.select(OwnEntry).order_by(OwnEntry.key))
    return tuple(row.entry for row in found)


def in_force(session: Session) -> Dictionary:
    """What the commune's texts are read with: the shipped dictionary with its own entries on top.

    All entries come as one string, far cheaper than rows, and the same string gives the same dictionary: no page pays
    for building it twice, and none can see an old one.
    """
    exact = sa.case((OwnEntry.case_sensitive, "1"), else_="")
    row = OwnEntry.form + _CELL + OwnEntry.spoken + _CELL + exact + _CELL + OwnEntry.note
    return _with_own(session.scalar(sa.select(sa.func.aggregate_strings(row, _ROW))) or "")


@lru_cache(maxsize=4)
def _with_own(rows: str) -> Dictionary:
    cells = (row.split(_CELL) for row in rows.split(_ROW) if row)
    found = [Entry(form, spoken, bool(exact), note) for form, spoken, exact, note in cells]
    # An entry for any case takes the place of those before it, but not of one in its own case.
    found.sort(key=lambda entry: (entry.case_sensitive, entry.form))
    return dictionary.shipped().with_own(found)


def listing(session: Session, search: str = "", limit: int = 500) -> list[OwnEntry]:
    """Own entries found by form, reading or note, newest change first."""
    found = sa.select(OwnEntry).where(searching.matches(OwnEntry.search_key, search))
    return list(
        session.scalars(found.order_by(OwnEntry.updated_at.desc(), OwnEntry.id).limit(limit))
    )


def count(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(OwnEntry)) or 0


def get(session: Session, entry_id: int) -> OwnEntry:
    """That entry. Raises NotFound."""
    found = session.get(OwnEntry, entry_id)
    if found is None:
        raise NotFound(
            say("Không tìm thấy mục từ điển này; có thể ai đó vừa xoá. Hãy tải lại trang.")
        )
    return found


def find(session: Session, form: str, case_sensitive: bool | None = None) -> OwnEntry | None:
    """The own entry of exactly this form; None for the case asks for its own case first, then for any."""
    if not _tidy(
        Entry(form, "")
    ).form.isprintable():  # no entry is such; PostgreSQL would not even take the question
        return None
    kinds = (True, False) if case_sensitive is None else (case_sensitive,)
    keys = [_key(_tidy(Entry(form, "", exact))) for exact in kinds]
    rows = session.scalars(sa.select(OwnEntry).where(OwnEntry.key.in_(keys)))
    return min(rows, key=lambda row: keys.index(row.key), default=None)


def teach(session: Session, staff: Staff, entry: Entry, now: Instant) -> OwnEntry:
    """Add an entry, or change the one of the same form. Raises ContentError naming the field."""
    staff.demand(May.WRITE)
    entry = _tidy(entry)
    _check(entry)
    row = find(session, entry.form, entry.case_sensitive) or _new(session, entry)
    if row not in session or row.entry != entry:
        _fill(row, entry, staff, now)
        session.add(row)
        session.flush()
    audit.append(
        session, now, staff.login, "dictionary.teach", form=entry.form, spoken=entry.spoken
    )
    return row


def _new(session: Session, entry: Entry) -> OwnEntry:
    if count(session) >= MOST:
        raise ContentError(
            say("Từ điển riêng đã đủ %(most)s mục. Hãy xoá bớt mục không dùng nữa.", most=MOST),
            field="form",
        )
    return OwnEntry(key=_key(entry))


def forget(session: Session, staff: Staff, entry_id: int, now: Instant) -> Entry:
    """Take an entry out; what it was, so that a page can offer it back."""
    staff.demand(May.WRITE)
    row = get(session, entry_id)
    entry = row.entry
    session.delete(row)
    session.flush()
    audit.append(
        session, now, staff.login, "dictionary.forget", form=entry.form, spoken=entry.spoken
    )
    return entry


def bring_in(session: Session, staff: Staff, found: Iterable[Entry], now: Instant) -> Brought:
    """Add and change entries as a file says; those it does not name stay. All or nothing."""
    staff.demand(May.WRITE)
    wanted = {_key(entry): entry for entry in map(_tidy, found)}
    known = {row.key: row for row in session.scalars(_WITHOUT_STAFF)}
    _check_number(len(known.keys() | wanted.keys()))
    for entry in wanted.values():
        _check(entry, field="file")
    new = [entry for key, entry in wanted.items() if key not in known]
    other = [row for key, row in known.items() if key in wanted and wanted[key] != row.entry]
    for row in other:
        _fill(row, wanted[row.key], staff, now)
    session.flush()
    if new:  # not by adding rows: SQLite would be asked for the number of each
        rows = [{"key": _key(entry), **_values(entry, staff, now)} for entry in new]
        session.execute(sa.insert(OwnEntry), rows)
    added, changed = len(new), len(other)
    audit.append(session, now, staff.login, "dictionary.bring_in", added=added, changed=changed)
    return Brought(added, changed, len(wanted) - added - changed)


def _check_number(number: int) -> None:
    if number > MOST:
        raise ContentError(
            say(
                "Từ điển riêng sẽ có %(number)s mục, quá %(most)s mục. Hãy bỏ bớt mục trong tệp.",
                number=number,
                most=MOST,
            ),
            field="file",
        )


def _check(entry: Entry, field: str | None = None) -> None:
    """Raise ContentError; ``field`` names the place to put it right where all came from one."""
    wrong = dictionary.problem(entry)
    if wrong is not None:
        raise ContentError(wrong, field=field or ("spoken" if entry.form else "form"))
    if len(_key(entry)) > _MAX_KEY:  # "ß" in small letters is "ss"
        raise ContentError(
            say("“%(form)s” quá dài khi viết thường; hãy rút ngắn chữ viết.", form=entry.form),
            field=field or "form",
        )
    if len(entry.note) > MAX_NOTE:
        raise ContentError(
            say(
                "Ghi chú của “%(form)s” dài %(n)s ký tự; hãy rút xuống %(most)s ký tự.",
                form=entry.form,
                n=len(entry.note),
                most=MAX_NOTE,
            ),
            field=field or "note",
        )


def _tidy(entry: Entry) -> Entry:
    form, spoken, note = (
        " ".join(unicodedata.normalize("NFC", text).split())
        for text in (entry.form, entry.spoken, entry.note)
    )
    return Entry(form, spoken, entry.case_sensitive, note)


def _values(entry: Entry, staff: Staff, now: Instant) -> dict[str, Any]:
    """The columns but the key."""
    return {
        "form": entry.form,
        "spoken": entry.spoken,
        "case_sensitive": entry.case_sensitive,
        "note": entry.note,
        "search_key": searching.key(entry.form, entry.spoken, entry.note),
        "staff_id": staff.id,
        "updated_at": now,
    }


def _fill(row: OwnEntry, entry: Entry, staff: Staff, now: Instant) -> None:
    for name, value in _values(entry, staff, now).items():
        setattr(row, name, value)
