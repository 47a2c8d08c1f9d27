"""Live pages: one watcher thread waits for commits and tells each open page which parts of it have changed.

A page is told only *that* something changed and asks for the part itself, so a stream carries nothing worth
stealing, holds no database session, and a client that is slow misses nothing: what waits for it is a set.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, render_template, request
from markupsafe import Markup
from sqlalchemy.orm import InstrumentedAttribute, Session

from content.bulletins import Bulletin
from content.recordings import Rendering
from devices import claims, fleet
from devices.outages import Fault
from devices.receivers import Presence, Receiver
from loa.database import Changes, Database
from loa.times import DAY, Instant, after
from scheduler import leases, tones
from scheduler.broadcasts import Broadcast, Delivery
from web import calendar_topic

log = logging.getLogger(__name__)
bp = Blueprint("live", __name__)

COMMENT_SECONDS = 15.0
"""A quiet stream does not notice that its reader is gone until something is written to it."""
GONE_SECONDS = 1.0
"""How often a quiet stream asks whether its reader is still there; a page turned leaves a dead one behind."""
LOOK_SECONDS = 5.0
"""A receiver goes offline by silence, which no commit announces."""
PAUSE_SECONDS = 0.3
"""Between two looks: a burst of receipts is one change to a reader."""
LIFE_SECONDS = 600.0
"""A stream ends so often; the page opens it again and is checked anew for its sign-in."""
APART_SECONDS = 0.06
"""Between telling one page and the next: fifty that ask for their parts at once would hold up everybody else."""
LEAST_SPARE = 8
"""Threads kept free of streams, for pages; a quarter of them, where that is more."""

Fingerprint = Callable[[Session, Instant], object]


def _broadcasts(session: Session, now: Instant) -> object:
    near = (Broadcast.starts_at > after(now, -2 * DAY), Broadcast.starts_at < after(now, 2 * DAY))
    runs = sa.select(
        Broadcast.id,
        Broadcast.state,
        Broadcast.starts_at,
        Broadcast.title,
        Broadcast.recording_sha,
        Broadcast.stop_requested_at,
        Broadcast.reason,
    ).where(*near)
    outcomes = (
        sa.select(
            Delivery.broadcast_id,
            Delivery.state,
            sa.func.count(),
            sa.func.sum(Delivery.started_at),
            sa.func.sum(Delivery.ended_at),
        )
        .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
        .where(*near)
        .group_by(Delivery.broadcast_id, Delivery.state)
    )
    return (
        session.execute(runs.order_by(Broadcast.id)).all(),
        sorted(session.execute(outcomes).all(), key=str),
        leases.alive(session, now),
    )


def _bulletins(session: Session, now: Instant) -> object:
    bulletins = sa.select(sa.func.count(), sa.func.max(Bulletin.updated_at))
    renderings = sa.select(Rendering.id, Rendering.state, Rendering.step, Rendering.percent)
    recent = renderings.where(Rendering.queued_at > after(now, -DAY)).order_by(Rendering.id)
    return session.execute(bulletins).one(), session.execute(recent).all()


def _receivers(session: Session, now: Instant) -> object:
    """One text the database puts together: of ten thousand receivers neither objects nor rows are made."""
    p = Presence
    told = (
        p.output,
        p.clock_source,
        p.power,
        p.playing,
        p.ready,
        p.wanted,
        p.volume,
        p.rev,
        p.boot,
    )
    wanted = (Receiver.volume, Receiver.muted, Receiver.delay_ms, Receiver.plan_stale)
    place = (Receiver.area_id, Receiver.lat, Receiver.lon)
    shown = (
        Receiver.id,
        Receiver.name,
        Receiver.active,
        *wanted,
        *place,
        fleet.is_online(now),
        *told,
    )
    lines = (
        sa.select(_line(*shown).label("line"))
        .select_from(Receiver)
        .outerjoin(p, p.receiver_id == Receiver.id)
        .order_by(Receiver.id)
        .subquery()
    )
    found = session.scalar(sa.select(sa.func.aggregate_strings(lines.c.line, "\n"))) or ""
    wrong = sa.select(Fault.id, Fault.detail, Fault.known_at).where(Fault.until.is_(None))
    digest = hashlib.sha256(found.encode()).digest()
    return digest, session.execute(wrong.order_by(Fault.id)).all()


def _line(*columns: sa.ColumnElement[Any] | InstrumentedAttribute[Any]) -> sa.ColumnElement[str]:
    """A row's values as one text."""
    texts = [sa.func.coalesce(sa.cast(each, sa.Text), "-") for each in columns]
    return functools.reduce(lambda one, other: one + "|" + other, texts)


def _claims(session: Session, now: Instant) -> object:
    return claims.waiting_marks(session, now), tones.recent(session, now)


TOPICS: dict[str, Fingerprint] = {
    "broadcasts": _broadcasts,
    "bulletins": _bulletins,
    "receivers": _receivers,
    "claims": _claims,
    "schedules": calendar_topic.fingerprint,
}


class Client:
    """One open page: the set of topics it has not been told of yet."""

    def __init__(self) -> None:
        self._changed: set[str] = set(TOPICS)
        self._wake = threading.Condition()
        self.closed = False

    def tell(self, topics: set[str]) -> None:
        with self._wake:
            self._changed |= topics
            self._wake.notify()

    def close(self) -> None:
        with self._wake:
            self.closed = True
            self._wake.notify()

    def wait(self, seconds: float) -> set[str]:
        """What changed since the last call, waiting up to ``seconds``; empty when nothing did."""
        with self._wake:
            if not self._changed and not self.closed:
                self._wake.wait(seconds)
            changed, self._changed = self._changed, set()
            return changed


def room(threads: int) -> int:
    """How many streams there may be on a server of so many threads."""
    return threads - max(LEAST_SPARE, threads // 4)


class Hub:
    """The watcher and its clients. The thread starts with the first client, so that a fork before is safe."""

    def __init__(self, database: Database, clock: Callable[[], Instant], limit: int) -> None:
        self._database, self._clock, self._limit = database, clock, limit
        self._clients: set[Client] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None

    def join(self) -> Client | None:
        """A new client; None when there are as many as there may be, or the server is stopping."""
        with self._lock:
            if len(self._clients) >= self._limit or self._stop.is_set():
                return None
            client = Client()
            self._clients.add(client)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="web-live", daemon=True)
                self._watcher.start()
            return client

    def leave(self, client: Client) -> None:
        with self._lock:
            self._clients.discard(client)

    @property
    def clients(self) -> int:
        return len(self._clients)

    def close(self) -> None:
        """End every stream and the watcher."""
        self._stop.set()
        with self._lock:
            clients, watcher = list(self._clients), self._watcher
        for client in clients:
            client.close()
        if watcher is not None:
            watcher.join()

    def _tell(self, topics: set[str]) -> None:
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.tell(topics)
            if topics:
                self._stop.wait(APART_SECONDS)

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                changes = self._database.changes()
                try:
                    self._follow(changes)
                finally:
                    changes.close()
            except Exception:  # a lost database comes back; the pages poll meanwhile
                log.exception("live: cannot watch the database")
                self._stop.wait(1)

    def _follow(self, changes: Changes) -> None:
        before: dict[str, object] = {}
        while not self._stop.is_set():
            if self._clients:
                present = self._look()
                self._tell({topic for topic in TOPICS if before.get(topic) != present[topic]})
                before = present
                self._stop.wait(PAUSE_SECONDS)
            changes.wait(LOOK_SECONDS, self._stop)

    def _look(self) -> dict[str, object]:
        now = self._clock()
        with self._database.read() as session:
            return {topic: look(session, now) for topic, look in TOPICS.items()}


TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')


@dataclass(frozen=True)
class Part:
    """A part of a page that is kept live. A page that has this very digest is sent nothing."""

    html: Markup
    digest: str


def part(template: str, **context: Any) -> Part:
    """The part as it is now. The token against forged posts is new each time and says nothing."""
    html = render_template(template, **context)
    digest = hashlib.sha256(TOKEN.sub("", html).encode()).hexdigest()[:16]
    return Part(Markup(html), digest)  # noqa: S704 - made by a template, which escapes


def answer(shown: Part) -> Response:
    """The part for a page that asks again; 204 when it would show nothing new."""
    if request.headers.get("X-Seen") == shown.digest:
        return Response(status=204)
    return Response(shown.html, headers={"X-Digest": shown.digest})


@bp.get("/truc-tiep")
def stream() -> Response:
    """Server-sent events: the names of what changed. 503 when full: the page then polls."""
    hub: Hub = current_app.extensions["loa"].hub
    client = hub.join()
    if client is None:
        return Response("", 503, {"Retry-After": "60"}, mimetype="text/event-stream")
    gone = request.environ.get("waitress.client_disconnected", lambda: False)
    response = Response(_events(client, gone), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(lambda: hub.leave(client))
    return response


def _events(client: Client, gone: Callable[[], bool]) -> Iterator[str]:
    began = spoke = time.monotonic()
    yield "retry: 3000\n\n"
    while not client.closed and not gone() and time.monotonic() < began + LIFE_SECONDS:
        changed = client.wait(GONE_SECONDS)
        if changed:
            yield f"event: changed\ndata: {' '.join(sorted(changed))}\n\n"
        elif time.monotonic() < spoke + COMMENT_SECONDS:
            continue
        else:
            yield ": \n\n"
        spoke = time.monotonic()
