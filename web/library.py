"""Bản tin: the list of all bulletins, searched, narrowed and sorted, with where each is broadcast."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, make_response, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField

from content import library
from content.bulletins import Bulletin, Priority, State
from content.library import Order, Wanted
from content.recordings import Rendering, RenderingState
from loa import languages, words
from loa.times import Instant, local
from loa.words import say
from scheduler import uses
from scheduler.uses import Use
from web import current, labels, spreadsheets
from web.forms import Form, choices

bp = Blueprint("library", __name__)

PER_PAGE = 50
AT_ONCE = 500
"""Bulletins read at a time for a file of all of them."""
NEAR_DAYS = 7
"""A bulletin whose last day is no further off is said to run out soon."""
ANY = ("", say("tất cả"))
ORDERS = {
    Order.CHANGED: say("sửa gần đây"),
    Order.TITLE: say("tên A–Z"),
    Order.CREATED: say("ngày soạn"),
}
NUMBERED_FIELDS = [(n, words.join(". ", (n, name))) for n, name in labels.FIELDS.items()]
COLUMNS = (
    "số", "tên bản tin", "trạng thái", "mức ưu tiên", "lĩnh vực", "người soạn", "ngày soạn", "sửa lần cuối", "bản thứ",
    "hiệu lực từ", "hiệu lực đến hết", "thời lượng (giây)", "tiếng", "số lịch đang phát", "lượt tới", "lượt gần nhất",
)  # fmt: skip


class Validity(enum.StrEnum):
    """May it be broadcast today."""

    VALID = "con"
    NEAR = "sap-het"
    OVER = "het"


VALIDITIES = {
    Validity.VALID: say("còn hiệu lực"),
    Validity.NEAR: say("sắp hết (trong %(near_days)s ngày)", near_days=NEAR_DAYS),
    Validity.OVER: say("hết hiệu lực"),
}


class LibraryForm(Form):
    """The filter; its answers stand in the address, so a view of the list can be kept or sent."""

    search = StringField(say("Tìm trong tên và nội dung"), name="tim")
    state = SelectField(say("Trạng thái"), name="trang_thai",
                        choices=choices([ANY, *labels.BULLETIN_STATES.items()]))  # fmt: skip
    field = SelectField(say("Lĩnh vực"), name="linh_vuc",
                        choices=choices([ANY, *NUMBERED_FIELDS]))  # fmt: skip
    author = SelectField(say("Người soạn"), name="nguoi_soan", validate_choice=False)
    priority = SelectField(say("Mức ưu tiên"), name="uu_tien",
                           choices=choices([ANY, *labels.PRIORITIES.items()]))  # fmt: skip
    validity = SelectField(
        say("Hiệu lực"), name="hieu_luc", choices=choices([ANY, *VALIDITIES.items()])
    )
    order = SelectField(say("Sắp xếp theo"), name="xep", choices=choices(ORDERS.items()))

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for besides words and state."""
        chosen = (self.field, self.author, self.priority, self.validity)
        return any(each.data for each in chosen) or self.order.data != Order.CHANGED

    @property
    def is_empty(self) -> bool:
        """Whether it lets every bulletin through."""
        chosen = (self.search, self.state, self.field, self.author, self.priority, self.validity)
        return not any(each.data for each in chosen)

    def wanted(self, today: date) -> Wanted:
        """What it asks for. Well-formed only after ``validate``."""
        validity = Validity(self.validity.data) if self.validity.data else None
        valid = validity in (Validity.VALID, Validity.NEAR)
        return Wanted(
            search=self.search.data or "",
            state=State(self.state.data) if self.state.data else None,
            field=int(self.field.data) if self.field.data else None,
            author_id=int(self.author.data) if str(self.author.data).isdecimal() else None,
            priority=Priority(self.priority.data) if self.priority.data else None,
            valid_on=today if valid else None,
            ends_by=today + timedelta(days=NEAR_DAYS) if validity is Validity.NEAR else None,
            expired_on=today if validity is Validity.OVER else None,
        )


@dataclass(frozen=True)
class Row:
    """A bulletin in the list."""

    bulletin: Bulletin
    use: Use
    today: date
    is_silent: bool
    """Whether its sound could not be made and it has none."""

    @property
    def validity(self) -> tuple[str, str] | None:
        """Words and tone where a person should know of it; None while there is nothing to mind."""
        since, until = self.bulletin.valid_from, self.bulletin.valid_until
        if until is not None and until < self.today:
            return say(
                "hết hiệu lực từ sau %(short_date)s", short_date=labels.short_date(until)
            ), "bad"
        if since is not None and since > self.today:
            return say(
                "có hiệu lực từ %(short_date)s", short_date=labels.short_date(since)
            ), "quiet"
        if until is not None and until <= self.today + timedelta(days=NEAR_DAYS):
            return say(
                "hết hiệu lực sau %(short_date)s", short_date=labels.short_date(until)
            ), "doubt"
        return None


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    total: int
    number: int
    pages: int


@bp.get("/ban-tin")
def show() -> Response:
    with current.read() as session:
        form = _form(session)
        page = _page(session, form) if form.validate() else None
    asked = {key: value for key, value in request.args.items() if key != "trang" and value}
    shown = render_template("library/show.html", form=form, page=page, asked=asked)
    return make_response(shown, form.status)


@bp.get("/ban-tin.csv")
def download() -> Response:
    """All rows of the filter, not those of one page."""
    with current.read() as session:
        form = _form(session)
        if not form.validate():
            return show()
        with spreadsheets.writing() as (text, file):
            spreadsheets.rows(_lines(session, form), text)
    return spreadsheets.answer(file, f"ban-tin-{_today():%Y%m%d}.csv")


def rows(session: Session, found: list[Bulletin]) -> list[Row]:
    """With what is shown of each, read for all of them at once."""
    used = uses.of(session, found, current.now(), current.zone())
    silent = _silent(
        session, [b.id for b in found if not b.sounds and b.state is not State.WITHDRAWN]
    )
    return [Row(b, used[b.id], _today(), b.id in silent) for b in found]


def _silent(session: Session, ids: list[int]) -> set[int]:
    """Those of these bulletins for which the last making of a sound failed."""
    newest = sa.select(sa.func.max(Rendering.id)).where(Rendering.bulletin_id.in_(ids))
    failed = sa.select(Rendering.bulletin_id).where(
        Rendering.id.in_(newest.group_by(Rendering.bulletin_id)),
        Rendering.state == RenderingState.FAILED,
    )
    return set(session.scalars(failed))


def _today() -> date:
    return local(current.now(), current.zone()).date()


def _form(session: Session) -> LibraryForm:
    names = ("search", "state", "field", "author", "priority", "validity")
    form = LibraryForm(request.args, data={**dict.fromkeys(names, ""), "order": Order.CHANGED})
    written = [(person.id, person.name) for person in library.authors(session)]
    form.author.choices = choices([ANY, *written])
    return form


def _page(session: Session, form: LibraryForm) -> Page:
    wanted = form.wanted(_today())
    total = library.count(session, wanted)
    pages = max(-(-total // PER_PAGE), 1)
    number = min(max(request.args.get("trang", 1, type=int), 1), pages)
    found = library.listing(
        session, wanted, order=Order(form.order.data), limit=PER_PAGE, offset=(number - 1) * PER_PAGE
    )  # fmt: skip
    return Page(rows(session, found), total, number, pages)


def _lines(session: Session, form: LibraryForm) -> Iterator[tuple[Any, ...]]:
    yield COLUMNS
    wanted, order = form.wanted(_today()), Order(form.order.data)
    offset = 0
    while found := library.listing(session, wanted, order=order, limit=AT_ONCE, offset=offset):
        yield from map(_line, rows(session, found))
        session.expunge_all()
        offset += AT_ONCE


def _line(row: Row) -> tuple[Any, ...]:
    b, use = row.bulletin, row.use
    spoken_in = [languages.KINH, *(each.language for each in b.translations)]
    return (
        b.id, b.title, labels.BULLETIN_STATES[b.state], labels.PRIORITIES[b.priority], labels.FIELDS[b.field],
        b.author.name, _moment(b.created_at), _moment(b.updated_at), b.version, labels.short_date(b.valid_from),
        labels.short_date(b.valid_until), use.ms // 1000 if use.ms is not None else None,
        ", ".join(map(languages.name, spoken_in)), use.schedules, _moment(use.next), _moment(use.last),
    )  # fmt: skip


def _moment(instant: Instant | None) -> str:
    return labels.moment(instant, current.zone())
