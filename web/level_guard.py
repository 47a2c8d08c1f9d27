"""The limits of a person who works for one area: what is not of that area is not shown, and bulletins not changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from content import bulletins
from devices.outages import Fault
from loa.errors import NotFound
from loa.words import say
from scheduler import alerts, broadcasts, campaigns, level_bulletins, programmes, schedules
from scheduler.level_views import View
from web import current

CHANGES = frozenset(
    {
        "bulletins.drop_lines",
        "bulletins.read_again",
        "cuts.show",
        "cuts.translation",
        "decisions.submit",
        "decisions.withdraw",
        "new_broadcast.recall",
        "readings.fix",
        "readings.forget",
        "readings.undo",
        "sounds.make_again",
        "translations.change",
        "translations.remove",
        "translations.show",
        "versions.again",
    }
)
"""Pages that change a bulletin when something is sent to them."""
ASKS = frozenset(
    {
        "bulletins.edit",
        "decisions.ask_withdraw",
        "new_broadcast.done",
        "new_broadcast.when",
        "translations.ask_remove",
        "versions.ask_again",
    }
)
"""Pages that are there for nothing but changing one."""


def guard() -> None:
    """Before each request: what does not concern the reader's area is not there. Raises NotFound."""
    if not current.is_signed_in() or current.staff().area_id is None:
        return
    for name, value in (request.view_args or {}).items():
        shows = _SHOWS.get(name)
        if shows is None:
            continue
        with current.read() as session:
            is_shown = shows(session, View(session, current.staff()), value)
        if not is_shown:
            raise NotFound(
                say("Không tìm thấy trang này trong địa bàn của bạn. Hãy quay lại trang Hôm nay.")
            )
    _demand_own_bulletin()


def _demand_own_bulletin() -> None:
    """Bulletins of other areas are read and scheduled, and not changed. Raises NotAllowed."""
    number, endpoint = (request.view_args or {}).get("bulletin_id"), request.endpoint
    changes = request.method == "POST" and endpoint in CHANGES
    if number is None or not (changes or endpoint in ASKS):
        return
    with current.read() as session:
        bulletin = bulletins.get(session, number)
        level_bulletins.demand_change(session, current.staff(), bulletin)


def _shows_broadcast(session: Session, view: View, id: int) -> bool:
    return bool(view.broadcasts([broadcasts.get(session, id)]))


def _shows_fault(session: Session, view: View, id: int) -> bool:
    fault = session.get(Fault, id)
    return fault is None or view.shows_receiver(fault.receiver_id)


def _shows_receiver(_session: Session, view: View, id: str) -> bool:
    return view.shows_receiver(id)


def _shows_source(get: Callable[[Session, int], Any]) -> Callable[[Session, View, int], bool]:
    return lambda session, view, id: bool(view.sources([get(session, id)]))


_SHOWS: dict[str, Callable[[Session, View, Any], bool]] = {
    "broadcast_id": _shows_broadcast,
    "other_id": _shows_broadcast,
    "receiver_id": _shows_receiver,
    "fault_id": _shows_fault,
    "schedule_id": _shows_source(schedules.get),
    "programme_id": _shows_source(programmes.get),
    "campaign_id": _shows_source(campaigns.get),
    "alert_id": _shows_source(alerts.get),
}
