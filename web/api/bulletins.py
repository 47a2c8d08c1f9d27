"""Bulletins: found, written as text, handed in. What is decided about them stays with people at the pages."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy.orm import Session

from content import bulletins, library, parts, recordings
from content.bulletins import MAX_TITLE, Bulletin, Draft, Priority, State
from content.library import Order
from content.recordings import Recording, RenderingState
from loa.languages import KINH
from loa.tokens import Scope
from scheduler import level_bulletins
from web import current
from web.api import paging
from web.api.paging import Listed
from web.api.routes import Route
from web.api.wire import Id, Moment, Page, Person, Strict, Told, moment, perhaps, person


class BulletinQuery(Listed, frozen=True):
    """Which bulletins, the last written first."""

    state: State | None = None
    priority: Priority | None = None
    search: Annotated[str, Meta(max_length=200)] = ""
    """Words of title and text, with or without marks."""
    valid_on: date | None = None
    """Such as may be broadcast on that day."""


class NewBulletin(Strict, frozen=True):
    """A bulletin that is one text, to be read out."""

    title: Annotated[str, Meta(max_length=MAX_TITLE)]
    body: str
    voice: Annotated[str, Meta(max_length=64)] = ""
    """Empty: the station's own."""
    speed: int = parts.USUAL_SPEED
    """Words a minute."""
    chimes: bool = True
    field: Annotated[int, Meta(ge=1, le=6)] = 1
    """Lĩnh vực, by the code list of the upper system."""
    priority: Priority = Priority.NORMAL
    valid_from: date | None = None
    valid_until: date | None = None


class BulletinItem(Told, frozen=True):
    """A bulletin in a list."""

    id: Id
    title: str
    state: State
    version: int
    priority: Priority
    field: int
    author: Person
    has_sound: bool
    """Its sound is made, so it can be handed in."""
    valid_from: date | None
    valid_until: date | None
    created_at: Moment
    updated_at: Moment
    submitted_at: Moment | None


class Sound(Told, frozen=True):
    """How far the making of its sound has come."""

    state: RenderingState
    percent: int
    ms: int | None
    """Length, once it is made."""
    sha256: str | None
    error: str | None


class OneBulletin(BulletinItem, frozen=True):
    """A bulletin with all its words."""

    body: str
    chimes: bool
    languages: list[str]
    """Of its translations."""
    sound: Sound | None


def listing(session: Session, query: BulletinQuery) -> Page[BulletinItem]:
    wanted = library.Wanted(
        state=query.state, priority=query.priority, search=query.search, valid_on=query.valid_on,
        below_id=paging.after(query, Id),
    )  # fmt: skip
    found = library.listing(session, wanted, order=Order.NEWEST, limit=query.limit + 1)
    return paging.page(found, query, item, lambda each: each.id)


def show(session: Session, bulletin_id: int) -> OneBulletin:
    return one(session, bulletins.get(session, bulletin_id))


def create(session: Session, body: NewBulletin) -> OneBulletin:
    now, content = current.now(), current.config().content
    draft = Draft(
        title=body.title, parts=parts.spoken(body.body, body.voice, body.speed), chimes=body.chimes,
        field=body.field, priority=body.priority, valid_from=body.valid_from, valid_until=body.valid_until,
    )  # fmt: skip
    bulletin = bulletins.write(
        session, current.staff(), draft, now,
        max_characters=content.max_characters, relay_hosts=content.relay_hosts,
    )  # fmt: skip
    recordings.queue(session, bulletin, now)
    return one(session, bulletin)


def submit(session: Session, bulletin_id: int) -> OneBulletin:
    bulletin = bulletins.get(session, bulletin_id)
    level_bulletins.demand_change(session, current.staff(), bulletin)
    bulletins.submit(session, bulletin, current.staff(), current.now())
    return one(session, bulletin)


# -- as it is told --------------------------------------------------------------------------------


def item(bulletin: Bulletin) -> BulletinItem:
    return BulletinItem(
        id=bulletin.id, title=bulletin.title, state=bulletin.state, version=bulletin.version,
        priority=bulletin.priority, field=bulletin.field, author=person(bulletin.author),
        has_sound=bulletin.recording_sha is not None, valid_from=bulletin.valid_from,
        valid_until=bulletin.valid_until, created_at=moment(bulletin.created_at),
        updated_at=moment(bulletin.updated_at), submitted_at=perhaps(bulletin.submitted_at),
    )  # fmt: skip


def one(session: Session, bulletin: Bulletin) -> OneBulletin:
    brief = item(bulletin)
    return OneBulletin(
        **{name: getattr(brief, name) for name in brief.__struct_fields__},
        body=bulletin.body,
        chimes=bulletin.chimes,
        languages=[KINH, *(each.language for each in bulletin.translations)],
        sound=_sound(session, bulletin),
    )


def _sound(session: Session, bulletin: Bulletin) -> Sound | None:
    sha = bulletin.recording_sha
    if sha is not None:
        ms = session.scalar(sa.select(Recording.ms).where(Recording.sha256 == sha))
        return Sound(state=RenderingState.DONE, percent=100, ms=ms, sha256=sha, error=None)
    making = recordings.latest_rendering(session, bulletin.id)
    if making is None:
        return None
    state = RenderingState(making.state)
    return Sound(state=state, percent=making.percent, ms=None, sha256=None, error=making.error)


READ, WRITE = Scope.BULLETINS_READ, Scope.BULLETINS_WRITE
ROUTES = (
    Route("GET", "/bulletins", listing, "Bulletins, the last written first.", READ),
    Route("POST", "/bulletins", create, "Write a bulletin that is one text.", WRITE, 201),
    Route("GET", "/bulletins/<id:bulletin_id>", show, "A bulletin, and how far its sound is.", READ),
    Route(
        "POST", "/bulletins/<id:bulletin_id>/submit", submit,
        "Hand a bulletin to the approvers, once its sound is made.", WRITE,
    ),
)  # fmt: skip
