"""A finished sound file, named by its sha256, and the queue of those still to be made.

Making them is content.renderings, which only the worker imports.
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import parts, uploads
from content.bulletins import Bulletin
from loa.database import Base, Json, Sentence, Sentences, ShortSentence
from loa.times import Instant
from loa.words import say


class Recording(Base):
    """A sound file in the recordings folder. Rows and files are only ever added."""

    __tablename__ = "recordings"

    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    size: Mapped[int]
    ms: Mapped[int]
    """Decoded length."""
    lufs: Mapped[float]
    true_peak_db: Mapped[float]
    peaks: Mapped[list[int]] = mapped_column(Json)
    """Loudest sample of each of about 600 equal parts, 0 to 100."""
    voices: Mapped[list[str]] = mapped_column(Json)
    """The voices that really spoke; empty where nothing was read out."""
    notes: Mapped[list[str]] = mapped_column(Sentences)
    """Sentences the approver should read: a fallback voice, a clipped or truncated upload."""
    spoken: Mapped[str | None] = mapped_column(sa.Text)
    """The words as they were read out; None where nothing was."""
    made_at: Mapped[Instant]


class RenderingState(enum.StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Rendering(Base):
    """The making of one bulletin's sound, as asked for by one version of the bulletin."""

    __tablename__ = "renderings"

    id: Mapped[int] = mapped_column(primary_key=True)
    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("bulletins.id"), index=True)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(sa.String(16), default=RenderingState.QUEUED, index=True)
    step: Mapped[str] = mapped_column(ShortSentence(128), default=say("đang chờ đến lượt"))
    percent: Mapped[int] = mapped_column(default=0)
    made: Mapped[dict[str, dict[str, Any]]] = mapped_column(Json, default=dict)
    """Language → voices, notes and spoken words of this making: two bulletins may share a sound, not these."""
    error: Mapped[str | None] = mapped_column(Sentence)
    """A sentence for the author; None unless failed."""
    queued_at: Mapped[Instant]
    claimed_until: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]


def file(folder: Path, sha256: str) -> Path:
    """Where the sound of that hash lies, whether or not it is there."""
    return folder / sha256[:2] / f"{sha256}.mp3"


def queue(session: Session, bulletin: Bulletin, now: Instant) -> Rendering:
    """Ask for the sound of the bulletin as it is now; what was asked for older versions is dropped."""
    uploads.note(session, parts.uploads(bulletin.parts, bulletin.translations), now)
    session.execute(
        sa.delete(Rendering).where(
            Rendering.bulletin_id == bulletin.id, Rendering.state == RenderingState.QUEUED
        )
    )
    rendering = Rendering(bulletin_id=bulletin.id, version=bulletin.version, queued_at=now)
    session.add(rendering)
    session.flush()
    return rendering


def as_made(recording: Recording, rendering: Rendering | None, language: str) -> Recording:
    """The recording with the voices, notes and words of this very making; a copy that no session knows."""
    told = rendering.made.get(language) if rendering else None
    if not told:
        return recording
    names = ("sha256", "size", "ms", "lufs", "true_peak_db", "peaks", "made_at")
    return Recording(**{name: getattr(recording, name) for name in names}, **told)


def latest_rendering(session: Session, bulletin_id: int) -> Rendering | None:
    """The newest request for that bulletin's sound: what its page shows the progress of."""
    return session.scalars(
        sa.select(Rendering)
        .where(Rendering.bulletin_id == bulletin_id)
        .order_by(Rendering.id.desc())
        .limit(1)
    ).first()
