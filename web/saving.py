"""How every page that changes a bulletin does it: of the version it was opened with, and its sound made anew."""

from __future__ import annotations

from flask import request
from sqlalchemy.orm import Session

from content import bulletins, recordings
from content.bulletins import Bulletin, Draft, Priority
from loa.errors import ContentError
from loa.times import local
from loa.words import say
from scheduler import exceptions, schedules
from web import current

CHANGED_MEANWHILE = say(
    "Bản tin đã được sửa sau khi trang được mở. Hãy tải lại trang rồi làm lại thay đổi của bạn."
)


def unchanged(session: Session, bulletin_id: int) -> Bulletin:
    """That bulletin, if it still is of the ``version`` that was sent along. Raises ContentError."""
    bulletin = bulletins.get(session, bulletin_id)
    if bulletin.version != request.form.get("version", type=int):
        raise ContentError(CHANGED_MEANWHILE)
    return bulletin


def save(session: Session, bulletin: Bulletin, draft: Draft) -> bool:
    """Change the bulletin and, where that can be heard, have its sound made; False when nothing differs."""
    now, content = current.now(), current.config().content
    if draft.priority is Priority.EMERGENCY is not bulletin.priority:
        _demand_unscheduled(session, bulletin)
    changed = bulletins.edit(
        session, bulletin, current.staff(), draft, now,
        max_characters=content.max_characters, relay_hosts=content.relay_hosts,
    )  # fmt: skip
    if changed and not bulletin.sounds:
        recordings.queue(session, bulletin, now)
    return changed


def _demand_unscheduled(session: Session, bulletin: Bulletin) -> None:
    """Raise ContentError where a schedule would sound it as an emergency, without a second person's order."""
    now, zone = current.now(), current.zone()
    if schedules.running(session, [bulletin.id], now, zone) or exceptions.stands_in(
        session, bulletin.id, local(now, zone).date()
    ):
        raise ContentError(
            say(
                "Bản tin này đang có lịch phát hoặc thay cho một lượt phát nên không đổi sang khẩn cấp được. "
                "Hãy kết thúc lịch trước, hoặc soạn bản tin khẩn cấp mới."
            ),
            field="priority",
        )
