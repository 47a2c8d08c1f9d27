"""The worker that makes sounds: takes requests from the queue in the database, one at a time.

Whoever claims a row by a conditional UPDATE makes it, so a crash leaves a truthful row that the next worker
takes up.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import audio, entries, mastering, parts, reading, uploads, voices
from content.bulletins import Bulletin, Priority, State
from content.dictionary import Dictionary
from content.parts import Parts
from content.recordings import Recording, Rendering, RenderingState
from loa import audit, languages
from loa.config import Config
from loa.database import Database
from loa.errors import ContentError, LoaError
from loa.languages import KINH
from loa.times import MINUTE, Instant, after
from loa.times import now as present
from loa.words import join, say

log = logging.getLogger(__name__)
CLAIM = 2 * MINUTE
"""A worker that has not shown progress for so long is dead; each progress report renews the claim."""
IDLE_SECONDS = 0.5


def claim(session: Session, now: Instant) -> Rendering | None:
    """Take a request that is queued, or whose worker died; None when there is none.

    Emergencies first, then the oldest.
    """
    free = _is_free(now)
    rendering = session.scalars(
        sa.select(Rendering)
        .join(Bulletin, Bulletin.id == Rendering.bulletin_id)
        .where(free)
        .order_by(Bulletin.priority != Priority.EMERGENCY, Rendering.id)
        .limit(1)
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


def is_waiting(session: Session, now: Instant) -> bool:
    """Whether there is a sound to be made, or an upload without a preview."""
    return bool(session.scalar(_IS_WAITING, {"now": now}))


def _is_free(now: Instant | sa.BindParameter[Instant]) -> sa.ColumnElement[bool]:
    left_behind = sa.and_(Rendering.state == RenderingState.RUNNING, Rendering.claimed_until < now)
    return sa.or_(Rendering.state == RenderingState.QUEUED, left_behind)


# Asked after every commit, mostly for nothing: made once, and the one writer is left alone.
_IS_WAITING = sa.select(
    sa.or_(
        sa.exists().where(_is_free(sa.bindparam("now"))), sa.exists().where(uploads.unexamined())
    )
)


def render_next(database: Database, config: Config, clock: Callable[[], Instant] = present) -> bool:
    """Make the next sound in the queue; False when the queue is empty. The slow part holds no transaction."""
    with database.write() as session:
        rendering = claim(session, clock())
        bulletin = session.get_one(Bulletin, rendering.bulletin_id) if rendering else None
    if rendering is None or bulletin is None:
        return False
    try:
        made = _make(database, config, rendering, bulletin, clock)
    except Overtaken:
        with database.write() as session:
            _put_back(session, rendering.id)
    except LoaError as error:
        _fail(database, rendering, error.sentence, clock())
    except Exception:  # the worker must outlive one bad file; the cause is logged in full
        log.exception("rendering %s failed", rendering.id)
        _fail(
            database,
            rendering,
            say("Không tạo được âm thanh do lỗi của chương trình; quản trị xem tệp nhật ký."),
            clock(),
        )
    else:
        with database.write() as session:
            _finish(session, rendering, made, clock())
    return True


Made = dict[str, tuple[mastering.Mastered, str | None]]
"""Language → the finished sound and the words read out in it."""


def _make(
    database: Database,
    config: Config,
    rendering: Rendering,
    bulletin: Bulletin,
    clock: Callable[[], Instant],
) -> Made:
    """The bulletin's own sound, then those of its translations."""
    with database.read() as session:
        words = entries.in_force(session)
    sounds: list[tuple[str, list[mastering.Source], str | None]] = [
        (KINH, *_sources(config, bulletin.parts, words))
    ]
    for each in bulletin.translations:
        take = mastering.Take(source=config.uploads / each.upload, music=each.music, cuts=each.cuts)
        sounds.append((each.language, [take], None))
    work = config.work / f"rendering-{rendering.id}"
    work.mkdir(parents=True, exist_ok=True)
    made: Made = {}
    try:
        for number, (language, sources, spoken) in enumerate(sounds):
            where = (
                ""
                if language == KINH
                else say("Bản tiếng %(name)s: ", name=languages.name(language))
            )
            progress = _Progress(database, rendering.id, clock, where, number, len(sounds))
            with _naming(where):
                sound = mastering.make(
                    sources, config.recordings, voices=voices.registry(config), chimes=bulletin.chimes,
                    highpass_hz=config.content.highpass_hz, max_seconds=config.content.max_minutes * 60,
                    work=work, progress=progress,
                )  # fmt: skip
            made[language] = sound, spoken
        return made
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _sources(
    config: Config, found: Parts, words: Dictionary
) -> tuple[list[mastering.Source], str | None]:
    """What the parts sound of, and the words to be read out in them."""
    sources: list[mastering.Source] = []
    spoken: list[str] = []
    for part in found:
        match part:
            case parts.Text():
                said = reading.read(part.body, words, part.corrections).spoken
                sources.append(mastering.Speech(spoken=said, voice=part.voice, speed=part.speed))
                spoken.append(said)
            case parts.Recorded():
                source = config.uploads / part.upload
                sources.append(mastering.Take(source=source, music=part.music, cuts=part.cuts))
            case parts.Chime():
                sources.append(mastering.Bell(chime=cast("audio.Chime", part.chime)))
    return sources, "\n\n".join(spoken) if spoken else None


@contextlib.contextmanager
def _naming(where: str) -> Iterator[None]:
    """Say in an error which of the sounds it is about."""
    try:
        yield
    except ContentError as error:
        if not where:
            raise
        raise ContentError(join("", [where, error.sentence]), field=error.field) from error


class Overtaken(Exception):
    """The making has become vain, or an emergency waits: stop it where it is."""


class _Progress:
    """Writes how far one of several sounds is; each report renews the claim. Raises Overtaken."""

    def __init__(
        self, database: Database, rendering_id: int, clock: Callable[[], Instant], where: str,
        number: int, of: int,
    ) -> None:  # fmt: skip
        self.database, self.rendering_id, self.clock = database, rendering_id, clock
        self.where, self.number, self.of = where, number, of

    def __call__(self, step: str, percent: int) -> None:
        with self.database.write() as session:
            if _is_overtaken(session, self.rendering_id):
                raise Overtaken
            session.execute(
                sa.update(Rendering)
                .where(Rendering.id == self.rendering_id)
                .values(
                    step=(self.where + step)[:128],
                    percent=(100 * self.number + percent) // self.of,
                    claimed_until=after(self.clock(), CLAIM),
                )
            )


def _is_overtaken(session: Session, rendering_id: int) -> bool:
    rendering = session.get_one(Rendering, rendering_id)
    bulletin = session.get_one(Bulletin, rendering.bulletin_id)
    if bulletin.priority is Priority.EMERGENCY:
        return _is_vain(rendering, bulletin)
    waiting = (
        sa.select(Rendering.id)
        .join(Bulletin, Bulletin.id == Rendering.bulletin_id)
        .where(Rendering.state == RenderingState.QUEUED, Bulletin.priority == Priority.EMERGENCY)
        .limit(1)
    )
    return _is_vain(rendering, bulletin) or session.scalar(waiting) is not None


def _is_vain(rendering: Rendering, bulletin: Bulletin) -> bool:
    """Nobody wants this sound any more."""
    return bulletin.version != rendering.version or bulletin.state is State.WITHDRAWN


def _put_back(session: Session, rendering_id: int) -> None:
    """Queue it again for after the emergency, or drop it when it has become vain."""
    rendering = session.get_one(Rendering, rendering_id)
    if _is_vain(rendering, session.get_one(Bulletin, rendering.bulletin_id)):
        session.delete(rendering)
    else:
        rendering.state, rendering.claimed_until = RenderingState.QUEUED, None
        rendering.step, rendering.percent = say("nhường cho bản tin khẩn cấp"), 0


def _finish(session: Session, rendering: Rendering, made: Made, now: Instant) -> None:
    for sound, spoken in made.values():
        _note_recording(session, sound, spoken, now)
    sounds = {language: sound.sha256 for language, (sound, _) in made.items()}
    session.execute(
        sa.update(Rendering)
        .where(Rendering.id == rendering.id)
        .values(
            state=RenderingState.DONE,
            step=say("xong"),
            percent=100,
            ended_at=now,
            claimed_until=None,
            made={
                language: {
                    "voices": list(sound.voices),
                    "notes": list(sound.notes),
                    "spoken": spoken,
                }
                for language, (sound, spoken) in made.items()
            },
        )
    )
    # The bulletin may have been edited meanwhile: then this sound is of words nobody wants any more.
    session.execute(
        sa.update(Bulletin)
        .where(
            Bulletin.id == rendering.bulletin_id,
            Bulletin.version == rendering.version,
            Bulletin.sounds == {},
        )
        .values(sounds=sounds)
    )
    audit.append(
        session, now, audit.SYSTEM, "recording.made", bulletin=rendering.bulletin_id, sounds=sounds
    )


def _note_recording(
    session: Session, sound: mastering.Mastered, spoken: str | None, now: Instant
) -> None:
    if session.get(Recording, sound.sha256) is not None:
        return
    session.add(
        Recording(
            sha256=sound.sha256, size=sound.size, ms=sound.ms, lufs=sound.lufs,
            true_peak_db=sound.true_peak_db, peaks=list(sound.peaks),
            voices=sound.voice.split(", ") if sound.voice else [],
            notes=list(sound.notes), spoken=spoken, made_at=now,
        )
    )  # fmt: skip
    session.flush()


def _fail(database: Database, rendering: Rendering, sentence: str, now: Instant) -> None:
    with database.write() as session:
        session.execute(
            sa.update(Rendering)
            .where(Rendering.id == rendering.id)
            .values(state=RenderingState.FAILED, error=sentence, ended_at=now, claimed_until=None)
        )


def preview_next(
    database: Database, config: Config, clock: Callable[[], Instant] = present
) -> bool:
    """Make the next upload's preview; False when all have one. Needs no claim: made twice it is the same."""
    with database.read() as session:
        upload = uploads.next_unexamined(session)
    if upload is None:
        return False
    found: dict[str, object]
    try:
        found = _preview(config, upload.sha256)
    except LoaError as error:
        found = {"problem": error.sentence}
    except Exception:  # as in render_next
        log.exception("the preview of %s failed", upload.sha256)
        found = {
            "problem": say(
                "Không nghe được tệp gốc do lỗi của chương trình; quản trị xem tệp nhật ký."
            )
        }
    with database.write() as session:
        session.execute(
            sa.update(uploads.Upload)
            .where(uploads.Upload.sha256 == upload.sha256)
            .values(examined_at=clock(), **found)
        )
    return True


def _preview(config: Config, sha256: str) -> dict[str, object]:
    config.work.mkdir(parents=True, exist_ok=True)
    heard = mastering.preview(
        config.uploads / sha256, uploads.preview(config, sha256), work=config.work,
        # Twice what may be broadcast: one that is too long is heard to be cut.
        max_seconds=2 * config.content.max_minutes * 60,
    )  # fmt: skip
    return {
        "ms": heard.ms, "lufs": heard.lufs, "peaks": list(heard.peaks), "head_ms": heard.head_ms,
        "tail_ms": heard.tail_ms,
    }  # fmt: skip


def _take_up_again(session: Session) -> None:
    """Queue again what a worker that was killed had begun: there is one worker, and it is just starting."""
    begun = sa.select(Rendering.id).where(Rendering.state == RenderingState.RUNNING)
    for rendering_id in session.scalars(begun).all():
        _put_back(session, rendering_id)


def work(
    database: Database,
    config: Config,
    stop: threading.Event,
    rest: Callable[[], object] | None = None,
) -> None:
    """Make sounds until told to stop; for a thread of its own, one per station.

    ``rest`` waits until there may be something to do; without it the queue is looked at twice a second.
    """
    rest = rest or (lambda: stop.wait(IDLE_SECONDS))
    for pattern in ("rendering-*", "master-*"):
        for left_over in config.work.glob(pattern):
            shutil.rmtree(left_over, ignore_errors=True)  # of a worker that was killed
    with database.write() as session:
        _take_up_again(session)
    while not stop.is_set():
        try:
            with database.read() as session:
                busy = is_waiting(session, present())
            busy = busy and (render_next(database, config) or preview_next(database, config))
        except Exception:  # a locked or lost database passes; the queue is still in it
            log.exception("recordings: the queue could not be read")
            busy = False
        if not busy:
            rest()
