"""Nhật ký hệ thống: who did what on the station and when, as the chain of the log has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

import sqlalchemy as sa
from flask import Blueprint, make_response, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField

from loa import audit, audit_reading
from loa.audit import AuditEntry
from loa.audit_reading import Wanted
from loa.staff import May, Staff
from loa.times import local
from loa.words import say
from scheduler import levels, reports
from web import audit_words, current, labels, lists, spreadsheets
from web.audit_words import Detail
from web.forms import Day, Form, choices

bp = Blueprint("audit_log", __name__)
SHOWN_DAYS = 7
"""Span of the log before anything was asked for."""
ANY = ("", say("tất cả"))
HEAD = (
    say("Số"),
    say("Lúc"),
    say("Ai"),
    say("Tên đăng nhập"),
    say("Việc"),
    say("Mã việc"),
    say("Chi tiết"),
)


class LogForm(Form):
    """The filter; its answers stand in the address."""

    since = Day(say("Từ ngày"), name="tu")
    until = Day(say("Đến ngày"), name="den")
    actor = SelectField(say("Ai"), name="ai", validate_choice=False)
    family = SelectField(
        say("Việc về"), name="viec", choices=choices([ANY, *audit_words.FAMILIES.items()])
    )
    search = StringField(say("Có chữ"), name="tim")

    def choose(self, names: dict[str, str]) -> None:
        people = sorted(names.items(), key=lambda each: lists.by_letters(each[1]))
        self.actor.choices = choices(
            [
                ANY,
                (audit.SYSTEM, say("đài tự làm")),
                *((login, f"{name} ({login})") for login, name in people),
            ]
        )


@dataclass(frozen=True)
class Line:
    """An act in words."""

    entry: AuditEntry
    who: str
    what: str
    details: list[Detail]


@dataclass(frozen=True)
class Page:
    lines: list[Line]
    slice: lists.Slice
    is_cut: bool
    """Words were looked for in the newest rows alone."""


@bp.get("/nhat-ky/he-thong")
@current.needs(May.STOP)
def show() -> Response:
    form, names = _form()
    wanted = _wanted(form)
    page = None
    if wanted is not None:
        with current.read() as session:
            page = _page(session, wanted, names)
    shown = render_template(
        "log/system.html", form=form, page=page, asked=lists.asked(),
        most=audit_reading.MOST_SEARCHED,
    )  # fmt: skip
    return make_response(shown, form.status)


@bp.get("/nhat-ky/he-thong.csv")
@current.needs(May.STOP)
def download() -> Response:
    """The acts of the filter, all of them."""
    form, names = _form()
    wanted = _wanted(form)
    if wanted is None:
        return show()
    with spreadsheets.writing() as (text, file), current.read() as session:
        spreadsheets.rows(_rows(session, wanted, names), text)
    name = f"nhat-ky-he-thong-{form.since.data:%Y%m%d}-{form.until.data:%Y%m%d}.csv"
    return spreadsheets.answer(file, name)


def _form() -> tuple[LogForm, dict[str, str]]:
    """With login → name of everybody there ever was."""
    today = local(current.now(), current.zone()).date()
    span = {"since": today - timedelta(days=SHOWN_DAYS - 1), "until": today}
    with current.read() as session:
        levels.demand_whole(session, current.staff(), say("xem nhật ký hệ thống"))
        names = {each.login: each.name for each in session.scalars(sa.select(Staff))}
    form = LogForm(request.args, data={**span, "actor": "", "family": "", "search": ""})
    form.choose(names)
    return form, names


def _wanted(form: LogForm) -> Wanted | None:
    """What the form asks for; None when it must be corrected first."""
    span = form.checked(
        lambda: reports.whole_days(
            cast(date, form.since.data), cast(date, form.until.data), current.zone()
        )
    )
    if span is None:
        return None
    return Wanted(
        *span, actor=form.actor.data or "", family=form.family.data or "", search=form.search.data or ""
    )  # fmt: skip


def _page(session: Session, wanted: Wanted, names: dict[str, str]) -> Page:
    first = lists.slice_of(audit_reading.page(session, wanted, 0, 0).total)
    found = audit_reading.page(session, wanted, first.offset, first.per_page)
    return Page([_line(each, names) for each in found.entries], first, found.is_cut)


def _line(entry: AuditEntry, names: dict[str, str]) -> Line:
    return Line(
        entry, audit_words.actor(entry.actor, names), audit_words.kind(entry.kind),
        audit_words.details(audit_reading.values(entry)),
    )  # fmt: skip


def _rows(session: Session, wanted: Wanted, names: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    yield HEAD
    for each in audit_reading.every(session, wanted):
        yield (
            each.n, labels.machine(each.at, current.zone()), str(audit_words.actor(each.actor, names)), each.actor,
            str(audit_words.kind(each.kind)), each.kind,
            json.dumps(audit_reading.values(each), ensure_ascii=False),
        )  # fmt: skip
