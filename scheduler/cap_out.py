"""Our alerts as CAP 1.2 messages: Alert or Update while they stand, Cancel once they were ended early."""

from __future__ import annotations

import re
import unicodedata
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.areas import Area as Place
from loa.errors import NotFound
from loa.times import Instant, after
from loa.words import say
from scheduler import alert_templates, alerts, cap, targets
from scheduler.alert_orders import LEAD
from scheduler.alerts import Alert, State
from scheduler.cap import Area, Info, Message, Reference


def message(session: Session, alert: Alert, station: str, zone: ZoneInfo) -> Message:
    """The newest message of an alert that has sounded. Raises NotFound for one nobody agreed to."""
    if alert.starts_at is None:
        raise NotFound(say("Lệnh này chưa được phát nên chưa có tin CAP."))
    sender = _slug(station)
    own = _reference(alert, sender, zone)
    if alert.state is State.ENDED and alert.ended_at is not None:
        return _message(
            session, alert, station, f"{own.identifier}-huy", "Cancel", (own,), alert.ended_at
        )
    references = _replaced(session, alert, sender, zone)
    kind = "Update" if references else "Alert"
    return _message(session, alert, station, own.identifier, kind, references, _agreed(alert))


def _agreed(alert: Alert) -> Instant:
    return after(alert.starts_at or alert.created_at, -LEAD)


def _reference(alert: Alert, sender: str, zone: ZoneInfo) -> Reference:
    return Reference(sender, f"loa-{alert.uid}", cap.stamp(_agreed(alert), zone))


def _replaced(
    session: Session, alert: Alert, sender: str, zone: ZoneInfo
) -> tuple[Reference, ...]:  # fmt: skip
    if alert.replaces_id is None:
        return ()
    return (_reference(alerts.get(session, alert.replaces_id), sender, zone),)


def _message(
    session: Session,
    alert: Alert,
    station: str,
    identifier: str,
    kind: str,
    references: tuple[Reference, ...],
    sent: Instant,
) -> Message:
    notes = ["Diễn tập." if alert.drill else "", alert.ended_why or "" if kind == "Cancel" else ""]
    return Message(
        identifier=identifier, sender=_slug(station), sent=sent, kind=kind, references=references,
        status="Exercise" if alert.drill else "Actual", note=" ".join(note for note in notes if note),
        infos=(_info(session, alert, station),),
    )  # fmt: skip


def _info(session: Session, alert: Alert, station: str) -> Info:
    template = alert_templates.known().get(alert.template or "")
    told = alert.cap or {}
    return Info(
        language="vi-VN",
        categories=(template.category if template else told.get("category", "Other"),),
        event=template.name if template else told.get("event", alert.title),
        urgency=template.urgency if template else told.get("urgency", "Immediate"),
        severity=template.severity if template else told.get("severity", "Severe"),
        certainty=told.get("certainty", "Observed"),
        effective=alert.starts_at, expires=alert.expires_at, sender_name=station,
        headline=alert.title, description=alert.bulletin.body or alert.title,
        areas=tuple(_areas(session, alert)),
    )  # fmt: skip


def _areas(session: Session, alert: Alert) -> list[Area]:
    found = session.scalars(sa.select(Place).where(Place.id.in_(alert.where.area_ids)))
    named = [Area(place.full_name, (("loa:area", str(place.id)),)) for place in found]
    is_more = alert.where.group_ids or alert.where.receiver_ids
    return [*named, Area(targets.words(session, alert.where))] if is_more else named


def _slug(name: str) -> str:
    """Đài truyền thanh xã Mẫu → dai-truyen-thanh-xa-mau: the name of a sender knows no spaces or commas."""
    plain = unicodedata.normalize("NFD", name.casefold().replace("đ", "d"))
    letters = "".join(char for char in plain if char.isascii())
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-") or "loa"
