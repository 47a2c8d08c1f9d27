"""Các bản của một bản tin: what each change was, and taking an older one up again."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from content import bulletins, decisions, versions
from content.bulletins import Bulletin, State
from content.decisions import Decision
from content.drafts import Draft
from content.versions import Difference, Version
from loa.errors import ContentError
from loa.staff import May
from loa.words import say
from web import current, saving

bp = Blueprint("versions", __name__)


@dataclass(frozen=True)
class Kept:
    """A version in the list."""

    version: Version
    since: Difference | None
    """What it changed in the one kept before it; None for the first that was kept."""
    decisions: list[Decision]
    is_current: bool


@dataclass(frozen=True)
class Comparison:
    """A version beside another one."""

    bulletin: Bulletin
    version: Version
    other: Version | None
    """None where there is nothing to compare with."""
    difference: Difference | None
    with_current: bool
    has_before: bool

    @property
    def is_current(self) -> bool:
        return self.version.version == self.bulletin.version

    @property
    def draft(self) -> Draft:
        return self.version.content


@bp.get("/ban-tin/<int:bulletin_id>/cac-ban")
def listing(bulletin_id: int) -> str:
    with current.read() as session:
        bulletin = bulletins.get(session, bulletin_id)
        found = _kept(session, bulletin)
    return render_template("versions/listing.html", bulletin=bulletin, kept=found)


@bp.get("/ban-tin/<int:bulletin_id>/cac-ban/<int:version>")
def show(bulletin_id: int, version: int) -> str:
    """One version, beside the one before it or, asked with ``so=nay``, the one of now."""
    with current.read() as session:
        shown = _compare(session, bulletin_id, version, request.args.get("so") == "nay")
    return render_template("versions/show.html", shown=shown, bulletin=shown.bulletin)


@bp.get("/ban-tin/<int:bulletin_id>/cac-ban/<int:version>/dung-lai")
@current.needs(May.WRITE)
def ask_again(bulletin_id: int, version: int) -> str:
    with current.read() as session:
        shown = _compare(session, bulletin_id, version, with_current=True)
    return render_template("versions/again.html", shown=shown, bulletin=shown.bulletin)


@bp.post("/ban-tin/<int:bulletin_id>/cac-ban/<int:version>/dung-lai")
@current.needs(May.WRITE)
def again(bulletin_id: int, version: int) -> Response:
    """Take an older version up again, as a new one: what was in between stays kept."""
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        _demand_seen(bulletin)
        content = versions.get(session, bulletin_id, version).content
        changed = saving.save(session, bulletin, content)
    if changed:
        flash(
            say(
                "Đã dùng lại nội dung của bản thứ %(older)s thành bản thứ %(number)s. Bản tin "
                "cần được gửi duyệt và duyệt lại mới phát được.",
                older=version,
                number=bulletin.version,
            )
        )
    else:
        flash(
            say(
                "Bản thứ %(version)s giống hệt bản hiện tại nên không có gì thay đổi.",
                version=version,
            )
        )
    return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))


def _demand_seen(bulletin: Bulletin) -> None:
    """Raise unless nobody changed the bulletin since the page asked."""
    seen = request.form.get("now", type=int)
    if seen is not None and seen != bulletin.version:
        raise ContentError(saving.CHANGED_MEANWHILE)


def _kept(session: Session, bulletin: Bulletin) -> list[Kept]:
    found = versions.listing(session, bulletin.id)
    said: dict[int, list[Decision]] = {}
    for decision in reversed(decisions.of(session, bulletin.id)):
        said.setdefault(decision.version, []).append(decision)
    before: list[Version | None] = [*found[1:], None]
    return [
        Kept(
            version,
            versions.compare(older.content, version.content) if older else None,
            said.get(version.version, []),
            version.version == bulletin.version,
        )
        for version, older in zip(found, before, strict=True)
    ]


def _compare(session: Session, bulletin_id: int, number: int, with_current: bool) -> Comparison:
    bulletin = bulletins.get(session, bulletin_id)
    version = versions.get(session, bulletin_id, number)
    kept = versions.listing(session, bulletin_id)
    before = next((each for each in kept if each.version < number), None)
    with_current = (with_current or before is None) and number != bulletin.version
    other = kept[0] if with_current else before
    difference = None
    if other is not None:
        older, newer = (version, other) if with_current else (other, version)
        difference = versions.compare(older.content, newer.content)
    return Comparison(bulletin, version, other, difference, with_current, before is not None)


@bp.app_template_global("may_take_up")
def may_take_up(bulletin: Bulletin) -> bool:
    """Whether its reader may go back to an older version of it."""
    return bulletin.state is not State.WITHDRAWN and current.staff().may(May.WRITE)
