"""Tem nhãn: what is stuck on each box, with a QR code that opens the receiver's page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session

from devices import areas, claims, receivers
from devices.areas import Area
from devices.receivers import Receiver
from scheduler import levels
from scheduler.level_views import View
from web import current, qr
from web.claim_progress import is_local

bp = Blueprint("stickers", __name__)

MOST = 200
"""On one page: more would keep a phone busy for long."""


@dataclass(frozen=True)
class Sticker:
    """One box's label."""

    receiver: Receiver
    serial: str
    qr: Markup


@bp.get("/dau-thu/tem-nhan")
def show() -> str:
    """Labels of the receivers named (``dau_thu``, several), or of those of an area (``dia_ban``)."""
    area_id = request.args.get("dia_ban", 0, type=int)
    with current.read() as session:
        view = View(session, current.staff())
        asked = request.args.getlist("dau_thu")
        chosen = [each for each in _chosen(session, asked, area_id) if view.shows_receiver(each.id)]
        stickers = _stickers(session, chosen[:MOST])
        tree = levels.tree(session, current.staff())
    return render_template(
        "claims/stickers.html", stickers=stickers, area_id=area_id, left_out=len(chosen[MOST:]),
        areas=[(a.id, f"{'— ' * depth}{a.full_name}") for depth, a in tree],
        phone=current.config().station.phone, host=request.host, asked=bool(request.args),
        is_local=is_local(urlsplit(request.host_url).hostname or ""),
    )  # fmt: skip


def _chosen(session: Session, ids: list[str], area_id: int) -> list[Receiver]:
    if ids:
        return [receivers.get(session, id) for id in ids[: MOST + 1]]
    if not area_id:
        return []
    area: Area = areas.get(session, area_id)
    wanted = areas.with_descendants(session, [area.id])
    return [r for r in receivers.listing(session) if r.area_id in wanted]


def _stickers(session: Session, chosen: list[Receiver]) -> list[Sticker]:
    serials = claims.serials(session, [receiver.id for receiver in chosen])
    return [Sticker(r, serials.get(r.id, ""), qr.svg(address(r.id))) for r in chosen]


def address(receiver_id: str) -> str:
    """What the code says: the receiver's page, at the name by which this page was asked for."""
    return url_for("receivers.show", receiver_id=receiver_id, _external=True)
