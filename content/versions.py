"""Version: what a bulletin said at each of its changes, and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content import parts, wording
from content.drafts import Draft
from content.parts import Parts
from content.wording import Piece
from loa.database import Base
from loa.errors import NotFound
from loa.staff import Staff
from loa.times import Instant
from loa.words import say


class Version(Base):
    """One version of one bulletin. Rows are only added."""

    __tablename__ = "bulletin_versions"

    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("bulletins.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[Draft] = mapped_column(parts.Stored(Draft))
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    at: Mapped[Instant]

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)


@dataclass(frozen=True)
class Difference:
    """What changed from one version to another: names of Draft's fields, and the words."""

    fields: tuple[str, ...]
    words: tuple[Piece, ...]
    """Empty when the words are the same."""
    ways: tuple[str, ...] = ()
    """In which ways the parts differ: arrangement, or words, voice, speed, corrections, recording, music, cuts."""
    before: Draft | None = None
    after: Draft | None = None

    def __bool__(self) -> bool:
        return bool(self.fields)


def note(
    session: Session, bulletin_id: int, version: int, draft: Draft, staff: Staff, now: Instant
) -> None:
    """Keep a version."""
    session.add(
        Version(bulletin_id=bulletin_id, version=version, content=draft, staff_id=staff.id, at=now)
    )
    session.flush()


def listing(session: Session, bulletin_id: int) -> list[Version]:
    """All versions of a bulletin, newest first."""
    found = sa.select(Version).where(Version.bulletin_id == bulletin_id)
    return list(session.scalars(found.order_by(Version.version.desc())))


def get(session: Session, bulletin_id: int, version: int) -> Version:
    """That version. Raises NotFound."""
    found = session.get(Version, (bulletin_id, version))
    if found is None:
        raise NotFound(say("Không tìm thấy bản này của bản tin. Hãy tải lại trang."))
    return found


def some(session: Session, wanted: Iterable[tuple[int, int]]) -> dict[int, Version]:
    """Bulletin id → its version of that number, where it was kept."""
    keys = sa.tuple_(Version.bulletin_id, Version.version).in_(list(wanted))
    return {each.bulletin_id: each for each in session.scalars(sa.select(Version).where(keys))}


def staff_since(session: Session, last: Mapping[int, int]) -> dict[int, set[int]]:
    """Bulletin id → ids of those who made a version of it after the one that ``last`` names."""
    rows = sa.select(Version.bulletin_id, Version.version, Version.staff_id).where(
        Version.bulletin_id.in_(last)
    )
    found: dict[int, set[int]] = {bulletin_id: set() for bulletin_id in last}
    for bulletin_id, version, staff_id in session.execute(rows):
        if version > last[bulletin_id]:
            found[bulletin_id].add(staff_id)
    return found


def compare(before: Draft, after: Draft) -> Difference:
    """What somebody who knows ``before`` has to look at in ``after``."""
    names = tuple(
        name for name in Draft.__struct_fields__ if getattr(before, name) != getattr(after, name)
    )
    old, new = parts.body(before.parts), parts.body(after.parts)
    words = tuple(wording.compare(old, new)) if old != new else ()
    return Difference(names, words, _ways(before.parts, after.parts), before, after)


_WAYS = {
    "body": "words", "voice": "voice", "speed": "speed", "corrections": "corrections",
    "upload": "recording", "name": "recording", "music": "music", "cuts": "cuts", "chime": "arrangement",
}  # fmt: skip


def _ways(before: Parts, after: Parts) -> tuple[str, ...]:
    if [type(part) for part in before] != [type(part) for part in after]:
        return ("arrangement",)
    found = (
        _WAYS[name]
        for old, new in zip(before, after, strict=True)
        for name in old.__struct_fields__
        if getattr(old, name) != getattr(new, name)
    )
    return tuple(dict.fromkeys(found))
