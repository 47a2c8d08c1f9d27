"""The worker that makes sounds: takes requests from the queue in the database, one at a time.

Whoever claims a row by a conditional UPDATE makes it, so a crash leaves a truthful row that the next worker
takes up.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import mastering, reading
from content.bulletins import Bulletin, Kind
from content.recordings import Recording, Rendering, RenderingState
from loa import audit
from loa.config import Config
from loa.database import Database
from loa.errors import LoaError
from loa.times import MINUTE, Instant, after
from loa.times import now as present

log = logging.getLogger(__name__)
CLAIM = 2 * MINUTE
"""A worker that has not shown progress for so long is dead; each progress report renews the claim."""
IDLE_SECONDS = 0.5


def claim(session: Session, now: Instant) -> Rendering | None:
    """Take the oldest request that is queued, or whose worker died; None when there is none."""
    free = sa.or_(
        Rendering.state == RenderingState.QUEUED,
        sa.and_(Rendering.state == RenderingState.RUNNING, Rendering.claimed_until < now),
    )
    rendering = session.scalars(
        sa.select(Rendering).where(free).order_by(Rendering.id).limit(1)
    ).first()
    if rendering is None:
        return None
    taken = session.execute(
        sa.update(Rendering)
        .where(Rendering.id == rendering.id, free)
        .values(state=RenderingState.RUNNING, claimed_until=after(now, CLAIM))
        .returning(Rendering.id)
    )
    return rendering if taken.first() else None


def render_next(database: Database, config: Config, clock: Callable[[], Instant] = present) -> bool:
    """Make the next sound in the queue; False when the queue is empty. The slow part holds no transaction."""
    with database.write() as session:
        rendering = claim(session, clock())
        bulletin = session.get_one(Bulletin, rendering.bulletin_id) if rendering else None
    if rendering is None or bulletin is None:
        return False
    try:
        made, spoken = _make(database, config, rendering, bulletin, clock)
    except LoaError as error:
        _fail(database, rendering, error.sentence, clock())
    except Exception:  # the worker must outlive one bad file; the cause is logged in full
        log.exception("rendering %s failed", rendering.id)
        _fail(
            database,
            rendering,
            "Không tạo được âm thanh do lỗi của chương trình; quản trị xem tệp nhật ký.",
            clock(),
        )
    else:
        with database.write() as session:
            _finish(session, rendering, made, spoken, clock())
    return True


def _make(
    database: Database,
    config: Config,
    rendering: Rendering,
    bulletin: Bulletin,
    clock: Callable[[], Instant],
) -> tuple[mastering.Mastered, str | None]:
    def progress(step: str, percent: int) -> None:
        with database.write() as session:
            session.execute(
                sa.update(Rendering)
                .where(Rendering.id == rendering.id)
                .values(step=step, percent=percent, claimed_until=after(clock(), CLAIM))
            )

    work = config.work / f"rendering-{rendering.id}"
    work.mkdir(parents=True, exist_ok=True)
    try:
        if bulletin.kind is Kind.UPLOAD:
            source = config.uploads / (bulletin.upload or "")
            made = mastering.from_upload(
                source, config.recordings, chimes=bulletin.chimes, work=work,
                max_seconds=config.content.max_minutes * 60, progress=progress,
            )  # fmt: skip
            return made, None
        spoken = reading.read(bulletin.body).spoken
        made = mastering.from_text(
            spoken, config.recordings, voice=bulletin.voice, speed=bulletin.speed,
            chimes=bulletin.chimes, work=work, progress=progress,
        )  # fmt: skip
        return made, spoken
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _finish(
    session: Session,
    rendering: Rendering,
    made: mastering.Mastered,
    spoken: str | None,
    now: Instant,
) -> None:
    if session.get(Recording, made.sha256) is None:
        session.add(
            Recording(
                sha256=made.sha256,
                size=made.size,
                ms=made.ms,
                lufs=made.lufs,
                true_peak_db=made.true_peak_db,
                peaks=list(made.peaks),
                voice=made.voice,
                notes=list(made.notes),
                spoken=spoken,
                made_at=now,
            )
        )
        session.flush()
    session.execute(
        sa.update(Rendering)
        .where(Rendering.id == rendering.id)
        .values(
            state=RenderingState.DONE, step="xong", percent=100, ended_at=now, claimed_until=None
        )
    )
    # The bulletin may have been edited meanwhile: then this sound is of words nobody wants any more.
    session.execute(
        sa.update(Bulletin)
        .where(
            Bulletin.id == rendering.bulletin_id,
            Bulletin.version == rendering.version,
            Bulletin.recording_sha.is_(None),
        )
        .values(recording_sha=made.sha256)
    )
    audit.append(
        session,
        now,
        audit.SYSTEM,
        "recording.made",
        bulletin=rendering.bulletin_id,
        sha256=made.sha256,
    )


def _fail(database: Database, rendering: Rendering, sentence: str, now: Instant) -> None:
    with database.write() as session:
        session.execute(
            sa.update(Rendering)
            .where(Rendering.id == rendering.id)
            .values(state=RenderingState.FAILED, error=sentence, ended_at=now, claimed_until=None)
        )


def _take_up_again(session: Session) -> None:
    """Queue again what a worker that was killed had begun: there is one worker, and it is just starting."""
    session.execute(
        sa.update(Rendering)
        .where(Rendering.state == RenderingState.RUNNING)
        .values(state=RenderingState.QUEUED, claimed_until=None)
    )


def work(database: Database, config: Config, stop: threading.Event) -> None:
    """Make sounds until told to stop; for a thread of its own, one per station."""
    for left_over in config.work.glob("rendering-*"):
        shutil.rmtree(left_over, ignore_errors=True)  # of a worker that was killed
    with database.write() as session:
        _take_up_again(session)
    while not stop.is_set():
        try:
            busy = render_next(database, config)
        except Exception:  # a locked or lost database passes; the queue is still in it
            log.exception("recordings: the queue could not be read")
            busy = False
        if not busy:
            stop.wait(IDLE_SECONDS)
