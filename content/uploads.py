"""Upload (tệp gốc): a recording as somebody sent it. It is never changed, and never leaves for a receiver.

The worker makes a plain preview of each (content.renderings), to be listened to before it is cut.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from loa.config import Config
from loa.database import Base, Json, Sentence
from loa.errors import ContentError
from loa.times import Instant
from loa.words import say


class Upload(Base):
    """A file in the uploads folder, named by its sha256, and what a full decode found in it."""

    __tablename__ = "uploads"

    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    received_at: Mapped[Instant]
    examined_at: Mapped[Instant | None] = mapped_column(index=True)
    """None until its preview was made, or could not be."""
    problem: Mapped[str | None] = mapped_column(Sentence)
    """Why there is no preview, as a sentence."""
    ms: Mapped[int | None]
    """Decoded length."""
    lufs: Mapped[float | None]
    peaks: Mapped[list[int] | None] = mapped_column(Json)
    """Loudest sample of each of 2,000 equal parts, 0 to 100."""
    head_ms: Mapped[int | None]
    tail_ms: Mapped[int | None]
    """Silence at its ends."""


def keep(config: Config, source: Path, sha256: str) -> str:
    """Move a received file into the uploads folder under its hash; it is on the disk when this returns."""
    config.uploads.mkdir(parents=True, exist_ok=True)
    if source.stat().st_size == 0:
        raise ContentError(
            say("Tệp vừa tải lên trống (0 byte). Hãy chọn lại tệp ghi âm."), field="upload"
        )
    with source.open("rb") as file:
        os.fsync(file.fileno())
    shutil.move(source, config.uploads / sha256)
    folder = os.open(config.uploads, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return sha256


def note(session: Session, names: Iterable[str], now: Instant) -> None:
    """Remember these uploads, so that their previews are made; one that could not be made is tried again."""
    for sha256 in dict.fromkeys(names):
        known = session.get(Upload, sha256)
        if known is None:
            session.add(Upload(sha256=sha256, received_at=now))
        elif known.problem is not None:
            known.examined_at = known.problem = None
    session.flush()


def get(session: Session, sha256: str) -> Upload | None:
    return session.get(Upload, sha256)


def unexamined() -> sa.ColumnElement[bool]:
    """The condition of an upload that has no preview yet."""
    return Upload.examined_at.is_(None)


def next_unexamined(session: Session) -> Upload | None:
    """The oldest that has no preview yet."""
    found = sa.select(Upload).where(unexamined())
    return session.scalars(found.order_by(Upload.received_at, Upload.sha256).limit(1)).first()


def preview(config: Config, sha256: str) -> Path:
    """Where the preview of an upload lies, whether or not it is there."""
    return config.previews / f"{sha256}.mp3"
