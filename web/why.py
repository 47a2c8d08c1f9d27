"""Vì sao?: why a receiver, or those of an area, sound or are silent in any minute, past or future."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, make_response, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from devices.receivers import Receiver
from loa.times import MINUTE, Instant, after, local
from loa.words import say
from scheduler import explaining
from scheduler.explaining import Answer, Verdict
from scheduler.telling import About
from web import current, plan_places
from web.plan_places import MinuteForm, Scope

bp = Blueprint("why", __name__)

PAGES = {
    "broadcast": ("broadcasts.show", "broadcast_id", say("Xem lượt phát")),
    "bulletin": ("bulletins.show", "bulletin_id", say("Xem bản tin")),
    "schedule": ("schedules.show", "schedule_id", say("Xem lịch phát")),
    "programme": ("programmes.show", "programme_id", say("Xem chương trình")),
    "campaign": ("campaigns.show", "campaign_id", say("Xem chiến dịch")),
    "alert": ("emergency.show", "alert_id", say("Xem lệnh khẩn cấp")),
    "regulation": ("regulation.show", "", say("Xem quy chế")),
    "days": ("days.listing", "", say("Xem các loại ngày")),
}
"""What a sentence is about → the page that shows it, what its number is called there, and the words of the link."""
VERDICTS = {
    Verdict.HEARD: (say("đã phát"), "good"),
    Verdict.WILL: (say("sẽ phát"), "wait"),
    Verdict.UNKNOWN: (say("chưa có xác nhận"), "doubt"),
    Verdict.NOT: (say("không phát"), "quiet"),
}


@bp.get("/vi-sao")
def show() -> Response:
    shown = local(plan_places.linked_moment() or current.now(), current.zone())
    given = plan_places.asked(ngay=f"{shown:%d/%m/%Y}", gio=f"{shown:%H:%M}")
    with current.read() as session:
        form = plan_places.fill(MinuteForm(given), session)
        moment = plan_places.chosen_minute(form) if form.validate() else None
        scope = plan_places.scope(session, form)
        is_asked = moment is not None and not form.errors
        answers = _answers(session, scope, moment) if is_asked and moment is not None else []
    page = render_template(
        "plan/why.html",
        form=form,
        scope=scope,
        moment=moment,
        groups=_alike(answers),
        rule=plan_places.rule_in_words(),
        verdicts=VERDICTS,
        link=_link,
        step=_step,
    )
    return make_response(page, form.status)


def _answers(session: Session, scope: Scope, moment: Instant) -> list[Answer]:
    if scope.receiver is not None:
        asked = [scope.receiver]
    else:
        found = sa.select(Receiver).where(Receiver.id.in_(scope.ids)).order_by(Receiver.name)
        asked = list(session.scalars(found))
    return explaining.answers(session, asked, moment, current.now(), plan_places.rules())


def _alike(answers: Sequence[Answer]) -> list[list[Answer]]:
    """Receivers that have the same to say stand together, the most of them first."""
    groups: dict[tuple[object, ...], list[Answer]] = {}
    for answer in answers:
        groups.setdefault(answer.alike, []).append(answer)
    return sorted(groups.values(), key=len, reverse=True)


def _step(moment: Instant, minutes: int) -> str:
    """The address of the same question so many minutes later."""
    kept: dict[str, Any] = {
        name: value for name in ("noi", "dau_thu", "ma") if (value := request.args.get(name))
    }
    return url_for("why.show", **kept, luc=plan_places.linked(after(moment, minutes * MINUTE)))


def _link(about: About | None) -> tuple[str, str] | None:
    """Address and words of the page of what a sentence is about; None where there is none."""
    endpoint, name, words = PAGES.get(about.kind, ("", "", "")) if about else ("", "", "")
    if about is None or endpoint not in current_app.view_functions:
        return None
    number: dict[str, Any] = {name: about.id} if name else {}
    return url_for(endpoint, **number), words
