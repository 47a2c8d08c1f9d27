"""Versions of a bulletin: what each change was and what approvers said of it; an older one taken up again."""

from __future__ import annotations

from itertools import pairwise

from sqlalchemy.orm import Session

from content import bulletins, decisions, parts, versions
from content.bulletins import Bulletin
from content.decisions import Decision
from content.versions import Version
from loa.errors import NotFound
from loa.tokens import Scope
from web import saving
from web.api import bulletin_words, paging
from web.api.bulletin_types import OneBulletin, OneVersion, TakeUp, VersionItem
from web.api.bulletins import demand_version, own
from web.api.paging import Listed
from web.api.routes import Route
from web.api.wire import Id, Page, moment, person


def listing(session: Session, bulletin_id: int, query: Listed) -> Page[VersionItem]:
    found = _told(session, bulletins.get(session, bulletin_id))
    below = paging.after(query, Id)
    shown = [each for each in found if below is None or each.version < below]
    return paging.page(shown, query, lambda each: each, lambda each: each.version)


def show(session: Session, bulletin_id: int, version: int) -> OneVersion:
    bulletin = bulletins.get(session, bulletin_id)
    said = versions.get(session, bulletin_id, version).content
    brief = next((each for each in _told(session, bulletin) if each.version == version), None)
    if brief is None:
        raise NotFound("Không tìm thấy bản này của bản tin.")
    return OneVersion(
        **{name: getattr(brief, name) for name in brief.__struct_fields__},
        title=said.title, body=parts.body(said.parts), content=bulletin_words.content(said),
        priority=said.priority, field=said.field, valid_from=said.valid_from, valid_until=said.valid_until,
    )  # fmt: skip


def again(session: Session, bulletin_id: int, version: int, body: TakeUp) -> OneBulletin:
    """Its words as a new version; what was in between stays kept."""
    bulletin = own(session, bulletin_id)
    demand_version(bulletin, body.version)
    saving.save(session, bulletin, versions.get(session, bulletin_id, version).content)
    return bulletin_words.one(session, bulletin)


def _told(session: Session, bulletin: Bulletin) -> list[VersionItem]:
    """All that were kept, the newest first."""
    said: dict[int, list[Decision]] = {}
    for decision in reversed(decisions.of(session, bulletin.id)):
        said.setdefault(decision.version, []).append(decision)
    kept = versions.listing(session, bulletin.id)
    return [
        _item(version, before, said.get(version.version, []), bulletin)
        for version, before in pairwise([*kept, None])
        if version is not None
    ]


def _item(
    version: Version, before: Version | None, said: list[Decision], bulletin: Bulletin
) -> VersionItem:
    differs = versions.compare(before.content, version.content).fields if before else ()
    return VersionItem(
        version=version.version, current=version.version == bulletin.version, by=person(version.staff),
        at=moment(version.at), changed=list(differs), decisions=[bulletin_words.decision(each) for each in said],
    )  # fmt: skip


READ, WRITE = Scope.BULLETINS_READ, Scope.BULLETINS_WRITE
ROUTES = (
    Route("GET", "/bulletins/<id:bulletin_id>/versions", listing, "What a bulletin has said so far.", READ),
    Route("GET", "/bulletins/<id:bulletin_id>/versions/<id:version>", show, "One version, with all its words.", READ),
    Route(
        "POST", "/bulletins/<id:bulletin_id>/versions/<id:version>/again", again,
        "Take an older version up again, as a new one.", WRITE,
    ),
)  # fmt: skip
