"""Sounds sent ahead: what alerts would sound on whose order people are still deciding.

A plan names them without ordering them (docs/protocol.md, Audio): they are fetched, and cannot sound before a later
plan says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.recordings import Recording
from devices import areas, messages
from devices.messages import Audio
from devices.receivers import Receiver
from loa.languages import KINH
from scheduler import targets
from scheduler.alerts import Alert, State

Files = Mapping[str, Audio]


def sounds(session: Session, receiver_ids: Sequence[str]) -> dict[str, dict[str, Audio]]:
    """Receiver → the sounds it is to fetch ahead; usually nobody is to fetch any."""
    found = session.scalars(sa.select(Alert).where(Alert.state == State.WAITING)).all()
    waiting = [alert for alert in found if alert.bulletin.sounds and not alert.where.is_nowhere]
    if not waiting:
        return {}
    files = _files(session, {s for alert in waiting for s in alert.bulletin.sounds.values()})
    spoken_in = areas.spoken_in(session)
    ahead: dict[str, dict[str, Audio]] = {}
    for alert in waiting:
        meant = sa.select(Receiver.id, Receiver.area_id).where(
            targets.standing_in(session, alert.where), Receiver.id.in_(receiver_ids)
        )
        own = alert.bulletin.sounds[KINH]
        for receiver_id, area_id in session.execute(meant):
            sha = alert.bulletin.sounds.get(spoken_in[area_id], own)
            ahead.setdefault(receiver_id, {})[sha] = files[sha]
    return ahead


def _files(session: Session, shas: Collection[str]) -> dict[str, Audio]:
    found = sa.select(Recording.sha256, Recording.size, Recording.ms)
    rows = session.execute(found.where(Recording.sha256.in_(shas)))
    return {row.sha256: Audio(n=row.size, ms=row.ms) for row in rows}


def named_in(plan: messages.Plan) -> set[str]:
    """The sounds a plan names without ordering or canning them."""
    ordered = {occurrence.sha for occurrence in plan.occ}
    return plan.aud.keys() - ordered - {canned.sha for canned in plan.can or ()}
