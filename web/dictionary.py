"""Từ điển: how the commune says its own abbreviations and names, and the table that comes with the product."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_wtf.file import FileField
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import BooleanField, StringField, TextAreaField

from content import dictionary, entries
from content.dictionary import Entry
from content.entries import OwnEntry
from loa import searching
from loa.errors import ContentError
from loa.staff import May
from loa.words import say
from web import current, spreadsheets
from web.forms import Form, required

bp = Blueprint("dictionary", __name__)

Shown = TypeVar("Shown")
PER_PAGE = 50
MOST_BYTES = 500_000
"""A file of 5,000 entries is half as large."""


class EntryForm(Form):
    form = StringField(
        say("Chữ viết"), [required(say("Hãy nhập chữ như trong văn bản, ví dụ NVH."))]
    )
    spoken = StringField(say("Đọc là"), [required(say("Hãy nhập cách đọc, ví dụ nhà văn hóa."))])
    case_sensitive = BooleanField(
        say("Chỉ khi viết đúng chữ hoa, chữ thường như trên"), default=True
    )
    doubtful = BooleanField(say("Từ này có nhiều nghĩa: nhắc xem lại mỗi lần đọc"))
    note = StringField(say("Ghi chú"))

    @property
    def entry(self) -> Entry:
        note = (self.note.data or "").strip()
        if self.doubtful.data:
            note = ": ".join(filter(None, (dictionary.DOUBTFUL, _after_mark(note))))
        return Entry(
            form=self.form.data or "", spoken=self.spoken.data or "",
            case_sensitive=bool(self.case_sensitive.data), note=note,
        )  # fmt: skip


def _answers(entry: Entry) -> dict[str, object]:
    """What the form shows of an entry: the mark at the beginning of its note as a tick."""
    note = _after_mark(entry.note) if entry.doubtful else entry.note
    return {**msgspec.structs.asdict(entry), "doubtful": entry.doubtful, "note": note}


def _after_mark(note: str) -> str:
    """The note without the mark of a doubtful entry."""
    marked = note.casefold().startswith(dictionary.DOUBTFUL)
    return note[len(dictionary.DOUBTFUL) :].lstrip(" :;,.") if marked else note


class ImportForm(Form):
    """``csv`` holds what was read from the file, once it was looked at."""

    file = FileField(say("Tệp CSV"))
    csv = TextAreaField()


@dataclass(frozen=True)
class Plan:
    """What an import would do."""

    added: list[Entry]
    changed: list[tuple[Entry, Entry]]
    """Each as it is and as it would be."""
    same: int

    @property
    def entries(self) -> list[Entry]:
        """All that the file names anew."""
        return [*self.added, *(after for _, after in self.changed)]


@dataclass(frozen=True)
class Page(Generic[Shown]):
    """Rows ``PER_PAGE`` at a time."""

    rows: Sequence[Shown]
    number: int
    pages: int


def _page(found: Sequence[Shown]) -> Page[Shown]:
    """The page of these that the address asks for by ``trang``, or the nearest there is."""
    pages = max(-(-len(found) // PER_PAGE), 1)
    number = min(max(request.args.get("trang", 1, type=int), 1), pages)
    return Page(found[(number - 1) * PER_PAGE : number * PER_PAGE], number, pages)


@bp.get("/tu-dien")
def listing() -> str:
    """The commune's own entries, those that hold the words ``tim``."""
    search = request.args.get("tim", "").strip()
    with current.read() as session:
        page = _page(entries.listing(session, search, limit=entries.MOST))
        count = entries.count(session)
    return render_template(
        "dictionary/listing.html", page=page, count=count, search=search, shipped=_shipped_count()
    )


@bp.get("/tu-dien/co-san")
def shipped() -> str:
    """The table that comes with the product; what the commune says otherwise is told."""
    search = request.args.get("tim", "").strip()
    with current.read() as session:
        own, count = entries.own(session), entries.count(session)
    otherwise = {entry.form.casefold(): entry for entry in own}
    found = [(entry, otherwise.get(entry.form.casefold())) for entry in _matching(search)]
    return render_template(
        "dictionary/shipped.html", page=_page(found), search=search, count=count, shipped=_shipped_count()
    )  # fmt: skip


def _shipped_count() -> int:
    return len(dictionary.shipped().entries)


def _matching(search: str) -> list[Entry]:
    """Shipped entries that hold every word of the search, with marks where it has them; best first."""
    phrase = searching.key(search).split("\n")[0]
    words = phrase.split()
    keyed = [(searching.key(e.form, e.spoken, e.note), e) for e in dictionary.shipped().entries]
    found = [(key, entry) for key, entry in keyed if all(word in key for word in words)]
    # Stable: among equals the order of the forms stays.
    return [entry for _, entry in sorted(found, key=lambda pair: phrase not in pair[0])]


@bp.route("/tu-dien/moi", methods=["GET", "POST"])
@current.needs(May.WRITE)
def new() -> Response:
    """A new entry; ``chu`` and ``doc`` fill the form, from the shipped table for one."""
    values = {"form": request.args.get("chu", ""), "spoken": request.args.get("doc", "")}
    form = EntryForm(data=values) if request.method == "GET" else EntryForm()
    if form.carry_out(lambda: _add(form)):
        flash(
            say(
                "Từ nay “%(form)s” được đọc là “%(spoken)s” trong bản tin mới.",
                form=form.form.data,
                spoken=form.spoken.data,
            )
        )
        return redirect(url_for("dictionary.listing"))
    return make_response(render_template("dictionary/form.html", form=form, row=None), form.status)


def _add(form: EntryForm) -> bool:
    with current.write() as session:
        same = entries.find(session, form.entry.form, form.entry.case_sensitive)
        if same is not None:
            raise ContentError(
                say(
                    "“%(form)s” đã có trong từ điển của xã, đọc là “%(spoken)s”. Hãy sửa mục đó.",
                    form=same.form,
                    spoken=same.spoken,
                ),
                field="form",
            )
        entries.teach(session, current.staff(), form.entry, current.now())
    return True


def _ident(entry: Entry) -> tuple[bool, str]:
    """Two entries of the same one cannot both be in force."""
    form = " ".join(entry.form.split())
    return entry.case_sensitive, form if entry.case_sensitive else form.casefold()


@bp.route("/tu-dien/<int:entry_id>/sua", methods=["GET", "POST"])
@current.needs(May.WRITE)
def edit(entry_id: int) -> Response:
    with current.read() as session:
        row = entries.get(session, entry_id)
    form = EntryForm(data=_answers(row.entry)) if request.method == "GET" else EntryForm()
    if form.carry_out(lambda: _edit(entry_id, form)):
        flash(
            say(
                "Đã lưu: “%(form)s” đọc là “%(spoken)s”.",
                form=form.form.data,
                spoken=form.spoken.data,
            )
        )
        return redirect(url_for("dictionary.listing"))
    return make_response(render_template("dictionary/form.html", form=form, row=row), form.status)


def _edit(entry_id: int, form: EntryForm) -> bool:
    with current.write() as session:
        row = entries.get(session, entry_id)
        if _ident(row.entry) != _ident(form.entry):
            _refuse_taken(session, row, form.entry)
            entries.forget(session, current.staff(), entry_id, current.now())
        entries.teach(session, current.staff(), form.entry, current.now())
    return True


def _refuse_taken(session: Session, row: OwnEntry, entry: Entry) -> None:
    same = entries.find(session, entry.form, entry.case_sensitive)
    if same is not None and same.id != row.id:
        raise ContentError(
            say(
                "“%(form)s” đã là một mục khác, đọc là “%(spoken)s”. Hãy sửa mục đó.",
                form=same.form,
                spoken=same.spoken,
            ),
            field="form",
        )


@bp.route("/tu-dien/<int:entry_id>/bo", methods=["GET", "POST"])
@current.needs(May.WRITE)
def remove(entry_id: int) -> Response:
    if request.method == "GET":
        with current.read() as session:
            row = entries.get(session, entry_id)
        shown = dictionary.shipped().get(row.form)
        return make_response(render_template("dictionary/remove.html", row=row, shipped=shown))
    with current.write() as session:
        entry = entries.forget(session, current.staff(), entry_id, current.now())
    flash(say("Đã bỏ “%(form)s” khỏi từ điển của xã.", form=entry.form))
    return redirect(url_for("dictionary.listing"))


@bp.get("/tu-dien.csv")
def export() -> Response:
    """The commune's own entries, as ``bring_in`` takes them back."""
    with current.read() as session:
        text = dictionary.emit(entries.own(session))
    # The mark at the beginning tells Excel that the letters are UTF-8.
    file = io.BytesIO(text.encode("utf-8-sig"))
    name = "tu-dien.csv"
    return send_file(file, mimetype="text/csv", as_attachment=True, download_name=name)


@bp.route("/tu-dien/nhap", methods=["GET", "POST"])
@current.needs(May.WRITE)
def bring_in() -> Response:
    """Take a file in: looked at first, and done once that was confirmed."""
    form = ImportForm()
    if request.form.get("sure"):
        done = form.carry_out(lambda: _bring_in(form))
        if done is not None:
            flash(
                say(
                    "Đã nhập: %(added)s mục mới, %(changed)s mục đổi cách đọc.",
                    added=done.added,
                    changed=done.changed,
                )
            )
            return redirect(url_for("dictionary.listing"))
    else:
        plan = form.carry_out(lambda: _looked_at(form))
        if plan is not None:
            text = dictionary.emit(plan.entries)
            return make_response(render_template("dictionary/plan.html", plan=plan, text=text))
    page = render_template("dictionary/bring_in.html", form=form, most=MOST_BYTES)
    return make_response(page, form.status)


def _bring_in(form: ImportForm) -> entries.Brought:
    found = dictionary.parse(form.csv.data or "")
    with current.write() as session:
        return entries.bring_in(session, current.staff(), found, current.now())


def _looked_at(form: ImportForm) -> Plan:
    found = dictionary.parse(spreadsheets.text_of(form.file.data, MOST_BYTES, ContentError))
    if not found:
        raise ContentError(say("Tệp chỉ có dòng đầu, chưa có mục nào."), field="file")
    if len(found) > entries.MOST:
        raise ContentError(
            say(
                "Tệp có %(count)s mục, quá %(most)s mục. Hãy chia nhỏ hoặc bỏ bớt.",
                count=len(found),
                most=entries.MOST,
            ),
            field="file",
        )
    with current.read() as session:
        return _plan(entries.own(session), found)


def _plan(own: Iterable[Entry], found: Iterable[Entry]) -> Plan:
    known = {_ident(entry): entry for entry in own}
    plan = Plan([], [], 0)
    same = 0
    for entry in found:
        before = known.get(_ident(entry))
        if before is None:
            plan.added.append(entry)
        elif before != entry:
            plan.changed.append((before, entry))
        else:
            same += 1
    return Plan(plan.added, plan.changed, same)
