"""The station's log of acts, to be read: who did what and when, each row bound to the one before by its hash."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any

import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy.orm import Session

from loa import audit
from loa.audit import AuditEntry
from loa.tokens import Scope
from scheduler import reports
from web import current
from web.api import paging
from web.api.paging import Listed
from web.api.routes import Route
from web.api.wire import Moment, Page, Told, moment

Number = Annotated[int, Meta(ge=1, le=2**53)]


class AuditQuery(Listed, frozen=True):
    """Which acts, the newest first."""

    actor: Annotated[str, Meta(max_length=64)] = ""
    """Login of who did it; `loa` is the station itself."""
    kind: Annotated[str, Meta(max_length=64)] = ""
    """Such as schedule.add; with a dot at its end all that begin so."""
    since: date | None = None
    until: date | None = None
    """The day itself belongs to it."""


class AuditItem(Told, frozen=True):
    """One act."""

    n: Number
    at: Moment
    actor: str
    kind: str
    data: dict[str, Any]
    previous: str
    """Hash of the row before."""
    hash: str


class AuditHead(Told, frozen=True):
    """The newest row: whoever keeps it can tell later that nothing before was changed."""

    n: int
    hash: str


def listing(session: Session, query: AuditQuery) -> Page[AuditItem]:
    found = sa.select(AuditEntry).where(*_wanted(query)).order_by(AuditEntry.n.desc())
    rows = session.scalars(found.limit(query.limit + 1)).all()
    return paging.page(rows, query, _item, lambda each: each.n)


def _wanted(query: AuditQuery) -> list[sa.ColumnElement[bool]]:
    wanted: list[sa.ColumnElement[bool]] = []
    if (below := paging.after(query, Number)) is not None:
        wanted.append(AuditEntry.n < below)
    if query.actor:
        wanted.append(AuditEntry.actor == query.actor)
    if query.kind.endswith("."):
        wanted.append(AuditEntry.kind.startswith(query.kind, autoescape=True))
    elif query.kind:
        wanted.append(AuditEntry.kind == query.kind)
    zone = current.zone()
    if query.since is not None:
        wanted.append(AuditEntry.at >= reports.whole_days(query.since, query.since, zone)[0])
    if query.until is not None:
        wanted.append(AuditEntry.at < reports.whole_days(query.until, query.until, zone)[1])
    return wanted


def head(session: Session) -> AuditHead:
    n, found = audit.checkpoint(session)
    return AuditHead(n=n, hash=found)


def _item(entry: AuditEntry) -> AuditItem:
    return AuditItem(
        n=entry.n, at=moment(entry.at), actor=entry.actor, kind=entry.kind, data=json.loads(entry.data),
        previous=entry.previous, hash=entry.hash,
    )  # fmt: skip


READ = Scope.AUDIT_READ
ROUTES = (
    Route("GET", "/audit", listing, "Who did what and when, the newest first.", READ),
    Route("GET", "/audit/head", head, "Number and hash of the newest row.", READ),
)
