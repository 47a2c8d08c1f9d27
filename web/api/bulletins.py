"""Bulletins: found, written, changed, handed in, taken back. What is decided about them stays with people."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins, library, recordings
from content.bulletins import Bulletin, State
from content.library import Order
from loa.errors import ContentError, NotFound
from loa.languages import KINH
from loa.staff import Staff
from loa.tokens import Scope
from scheduler import level_bulletins, withdrawing
from web import current, saving
from web.api import bulletin_words, paging
from web.api.answers import File
from web.api.bulletin_types import (
    BulletinItem,
    BulletinQuery,
    ChangedBulletin,
    NewBulletin,
    OneBulletin,
    SoundQuery,
    Withdrawn,
)
from web.api.routes import Route
from web.api.wire import Id, Page

MP3 = "audio/mpeg"


def listing(session: Session, query: BulletinQuery) -> Page[BulletinItem]:
    wanted = library.Wanted(
        state=query.state, priority=query.priority, search=query.search, valid_on=query.valid_on,
        field=query.field, author_id=_author(session, query.author), ends_by=query.ends_by,
        below_id=paging.after(query, Id),
    )  # fmt: skip
    found = library.listing(session, wanted, order=Order.NEWEST, limit=query.limit + 1)
    return paging.page(found, query, bulletin_words.item, lambda each: each.id)


def _author(session: Session, login: str) -> int | None:
    """Of nobody of that name there are no bulletins."""
    if not login:
        return None
    return session.scalar(sa.select(Staff.id).where(Staff.login == login)) or 0


def show(session: Session, bulletin_id: int) -> OneBulletin:
    return bulletin_words.one(session, bulletins.get(session, bulletin_id))


def create(session: Session, body: NewBulletin) -> OneBulletin:
    now, content = current.now(), current.config().content
    bulletin = bulletins.write(
        session, current.staff(), bulletin_words.draft(session, body), now,
        max_characters=content.max_characters, relay_hosts=content.relay_hosts,
    )  # fmt: skip
    recordings.queue(session, bulletin, now)
    return bulletin_words.one(session, bulletin)


def change(session: Session, bulletin_id: int, body: ChangedBulletin) -> OneBulletin:
    """Its words, days or parts as they are to be; an approval ends with it."""
    bulletin = own(session, bulletin_id)
    demand_version(bulletin, body.version)
    saving.save(session, bulletin, bulletin_words.draft(session, body, bulletin.draft))
    return bulletin_words.one(session, bulletin)


def own(session: Session, bulletin_id: int) -> Bulletin:
    """That bulletin, for one who may change it. Raises NotAllowed."""
    bulletin = bulletins.get(session, bulletin_id)
    level_bulletins.demand_change(session, current.staff(), bulletin)
    return bulletin


def demand_version(bulletin: Bulletin, version: int) -> None:
    """Raise ContentError where somebody has changed it since that version was read."""
    if bulletin.version != version:
        raise ContentError(
            f"{bulletin.editor.name} đã sửa bản tin này: nay là bản {bulletin.version}, không phải bản {version}. "
            "Hãy đọc lại bản tin rồi gửi lại thay đổi.",
            code="changed_meanwhile",
        )


def submit(session: Session, bulletin_id: int) -> OneBulletin:
    bulletin = own(session, bulletin_id)
    bulletins.submit(session, bulletin, current.staff(), current.now())
    return bulletin_words.one(session, bulletin)


def withdraw(session: Session, bulletin_id: int) -> Withdrawn:
    """Take it back: its schedules end, what sounds is silenced."""
    bulletin = bulletins.get(session, bulletin_id)
    done = withdrawing.withdraw(session, bulletin, current.staff(), current.now(), current.zone())
    return Withdrawn(
        bulletin=bulletin_words.one(session, bulletin),
        schedules_ended=done.schedules,
        broadcasts_stopped=done.broadcasts,
    )


def sound_again(session: Session, bulletin_id: int) -> OneBulletin:
    """Have its sound made once more after that failed."""
    bulletin = own(session, bulletin_id)
    if bulletin.recording_sha is not None or bulletin.state is State.WITHDRAWN:
        raise ContentError("Bản tin này không cần tạo lại âm thanh.", code="over")
    recordings.queue(session, bulletin, current.now())
    return bulletin_words.one(session, bulletin)


def sound(session: Session, bulletin_id: int, query: SoundQuery) -> File:
    """What would be broadcast, as it is now."""
    bulletin = bulletins.get(session, bulletin_id)
    language = query.language or KINH
    sha = bulletin.sounds.get(language)
    path = recordings.file(current.config().recordings, sha) if sha else None
    if path is None or not path.is_file():
        raise NotFound("Bản tin này chưa có âm thanh ấy. Hãy xem “sound” của bản tin.")
    return File(path, MP3, f"ban-tin-{bulletin_id}-{language}.mp3")


READ, WRITE = Scope.BULLETINS_READ, Scope.BULLETINS_WRITE
ROUTES = (
    Route("GET", "/bulletins", listing, "Bulletins, the last written first.", READ),
    Route("POST", "/bulletins", create, "Write a bulletin: one text, or several parts.", WRITE, 201),
    Route("GET", "/bulletins/<id:bulletin_id>", show, "A bulletin, and how far its sound is.", READ),
    Route("POST", "/bulletins/<id:bulletin_id>/change", change, "Change a bulletin; its approval ends.", WRITE),
    Route(
        "POST", "/bulletins/<id:bulletin_id>/submit", submit,
        "Hand a bulletin to the approvers, once its sound is made.", WRITE,
    ),
    Route(
        "POST", "/bulletins/<id:bulletin_id>/withdraw", withdraw,
        "Take a bulletin back for good: its schedules end, what sounds of it is silenced.", WRITE,
    ),
    Route("GET", "/bulletins/<id:bulletin_id>/sound", sound, "The sound itself.", READ, media=(MP3,)),
    Route(
        "POST", "/bulletins/<id:bulletin_id>/sound", sound_again,
        "Have the sound made once more after that failed.", WRITE,
    ),
)  # fmt: skip
