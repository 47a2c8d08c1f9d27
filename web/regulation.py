"""Quy chế: sessions, quiet hours, limits and kinds of day, as they are, were and will be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from devices.areas import Area
from loa import words
from loa.staff import May, Staff
from loa.times import SECOND
from loa.words import say
from scheduler import amending, effects, precedence, presets, regulation, rulebook_check
from scheduler.effects import Effects
from scheduler.regulation import QuietHours, Regulation
from scheduler.rulebook import Rulebook
from web import current, editors, plan_places, regulation_form
from web.forms import version_of
from web.regulation_form import RulesForm

bp = Blueprint("regulation", __name__)

VERSIONS_SHOWN = 20
EFFECTS_SHOWN = 20
NO_QUIET = say("không có giờ không phát")
NO_SESSIONS = say("chưa có khung giờ")


@dataclass(frozen=True)
class Block:
    """A stretch of the day strip, in minutes from midnight."""

    since: int
    until: int
    name: str

    @property
    def span(self) -> str:
        """05:00–05:30."""
        ends = (f"{each // 60:02d}:{each % 60:02d}" for each in (self.since, self.until))
        return "–".join(ends)


@dataclass(frozen=True)
class Page:
    """One version with all there is to say about it."""

    version: Regulation | None
    in_force: Regulation | None
    coming: Sequence[Regulation]
    before: Sequence[Regulation]
    areas: dict[int, str]
    names: dict[str, str]
    """Login → name, of who made them."""
    late: int

    @property
    def rules(self) -> Rulebook:
        return self.version.rules if self.version else Rulebook()

    @property
    def quiet(self) -> tuple[QuietHours, ...]:
        return self.version.quiet_hours if self.version else ()

    @property
    def night(self) -> list[Block]:
        """The quiet hours within one day."""
        found = []
        for span in self.quiet:
            since, until = (clock.hour * 60 + clock.minute for clock in (span.since, span.until))
            ends = [(since, until)] if since < until else [(since, 24 * 60), (0, until)]
            found += [Block(*each, str(span)) for each in ends if each[0] < each[1]]
        return found

    @property
    def sessions(self) -> list[Block]:
        slots = sorted(self.rules.slots, key=lambda slot: slot.since)
        return [Block(slot.since, slot.until, slot.name) for slot in slots]

    @property
    def strip(self) -> str:
        """What the day strip shows, for who cannot see it."""
        quiet = words.join(", ", self.quiet)
        named = words.join(", ", (f"{each.name} {each.span}" for each in self.sessions))
        return say(
            "Một ngày từ 0 đến 24 giờ: %(quiet)s; %(sessions)s",
            quiet=say("không phát %(spans)s", spans=quiet) if quiet else NO_QUIET,
            sessions=say("khung giờ %(names)s", names=named) if named else NO_SESSIONS,
        )

    @property
    def order(self) -> str:
        """What goes before what, in words."""
        return precedence.in_words(self.late)


@bp.get("/quy-che")
def show() -> str:
    asked = request.args.get("ban", type=int)
    with current.read() as session:
        page = _page(session, asked)
    return render_template("regulation/show.html", page=page)


@bp.route("/quy-che/sua", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def change() -> Response:
    with current.read() as session:
        form = RulesForm() if request.method == "POST" else _filled(session)
        act = request.form.get("lam", "xem")
        pressed = form.press(act) if request.method == "POST" else False
        form.offer(session)
    if request.method == "POST" and not pressed and act != "sua":
        if act == "luu" and form.carry_out(lambda: _enact(form)):
            flash(say("Đã lưu quy chế. Các lượt sắp phát được xét lại theo quy chế mới."))
            return redirect(url_for("regulation.show"))
        found = form.carry_out(lambda: _foresee(form)) if not form.errors else None
        if found is not None:
            return make_response(_confirm(form, found))
    page = render_template(
        "regulation/form.html", form=form, presets=presets.PRESETS, kept=rulebook_check.KEPT,
        plays=regulation_form.PLAYS,
    )  # fmt: skip
    return make_response(page, form.status)


@bp.get("/quy-che/<int:regulation_id>/bo")
@current.needs(May.MANAGE)
def ask_repeal(regulation_id: int) -> str:
    with current.read() as session:
        version = amending.get(session, regulation_id)
    return render_template("regulation/repeal.html", version=version)


@bp.post("/quy-che/<int:regulation_id>/bo")
@current.needs(May.MANAGE)
def repeal(regulation_id: int) -> Response:
    with current.write() as session:
        version = amending.get(session, regulation_id)
        amending.repeal(session, current.staff(), version, current.now(), plan_places.rules())
    flash(say("Đã bỏ bản quy chế chưa có hiệu lực. Bản đang có hiệu lực vẫn giữ nguyên."))
    return redirect(url_for("regulation.show"))


def _filled(session: Session) -> RulesForm:
    """The rules in force, or those of a preset in their place, to be changed."""
    now = current.now()
    quiet, rules = regulation.quiet_at(session, now), regulation.rules_at(session, now)
    wanted = request.args.get("mau")
    for preset in presets.PRESETS:
        if preset.key == wanted:
            rules = preset.rules
    version = version_of(regulation_form.read(session, now))
    return RulesForm(data=regulation_form.values(quiet, rules) | {"version": version})


def _demand_unchanged(session: Session, form: RulesForm) -> None:
    form.demand_unchanged(
        regulation_form.read(session, current.now()),
        lambda: editors.last(session, "regulation.enact", "regulation.repeal"),
    )


def _enact(form: RulesForm) -> bool:
    draft, now = form.draft(), current.now()
    with current.write() as session:
        _demand_unchanged(session, form)
        amending.enact(session, current.staff(), draft, now, plan_places.rules())
    return True


def _foresee(form: RulesForm) -> Effects:
    draft = form.draft()
    with current.read() as session:
        _demand_unchanged(session, form)
        return effects.of_regulation(session, draft, current.now(), plan_places.rules())


def _confirm(form: RulesForm, found: Effects) -> str:
    with current.read() as session:
        page = _page(session, None)
    typed = [
        (name, value)
        for name, values in request.form.lists()
        for value in values
        if name not in ("lam", "csrf_token")
    ]
    return render_template(
        "regulation/confirm.html", form=form, found=found, typed=typed, page=page,
        most=EFFECTS_SHOWN, days=effects.AHEAD // (24 * 3600 * SECOND),
    )  # fmt: skip


def _page(session: Session, asked: int | None) -> Page:
    now, versions = current.now(), regulation.versions(session)
    in_force = regulation.in_force(versions, now)
    chosen = next((each for each in versions if each.id == asked), in_force)
    begun = [each for each in versions if each.since <= now]
    return Page(
        version=chosen, in_force=in_force, coming=[each for each in versions if each.since > now],
        before=begun[::-1][:VERSIONS_SHOWN], late=plan_places.rules().late,
        areas={area.id: area.full_name for area in session.scalars(sa.select(Area))},
        names={person.login: person.name for person in session.scalars(sa.select(Staff))},
    )  # fmt: skip
