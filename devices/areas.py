"""Area (địa bàn): a tree of communes and villages; the levels are data, not code."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from loa import audit, languages
from loa.database import Base
from loa.errors import DeviceError, NotFound
from loa.times import Instant
from loa.words import say

MOST_NAME, MOST_LEVEL = 128, 32
"""Letters."""


class Area(Base):
    """A place where receivers stand."""

    __tablename__ = "areas"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("areas.id"), index=True)
    level: Mapped[str] = mapped_column(sa.String(MOST_LEVEL))
    """Name of the level, e.g. xã, phường, thôn, tổ dân phố."""
    name: Mapped[str] = mapped_column(sa.String(MOST_NAME))
    households: Mapped[int] = mapped_column(default=0)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    language: Mapped[str | None] = mapped_column(sa.String(8))
    """Code of ``loa.languages`` in which bulletins are heard here; None: as in the area above."""

    @property
    def full_name(self) -> str:
        return f"{self.level} {self.name}"


def add(
    session: Session, *, name: str, level: str, now: Instant, by: str, parent: Area | None = None,
    households: int = 0, lat: float | None = None, lon: float | None = None, language: str | None = None,
) -> Area:  # fmt: skip
    """Add an area under ``parent``. Raises DeviceError naming the field."""
    check(name=name, level=level, households=households)
    _demand_free(session, name, parent)
    area = Area(
        parent_id=parent.id if parent else None, level=level.strip(), name=name.strip(),
        households=households, lat=lat, lon=lon, language=_checked(language),
    )  # fmt: skip
    session.add(area)
    session.flush()
    audit.append(session, now, by, "area.add", area=area.id, name=area.full_name)
    return area


def change(
    session: Session, area: Area, *, name: str, level: str, households: int, parent: Area | None,
    lat: float | None, lon: float | None, now: Instant, by: str,
) -> bool:  # fmt: skip
    """Call it otherwise, count it anew, or put it, with all below it, under another. Raises DeviceError.

    Whether anything was another before. What was planned or sent keeps the name it had then.
    """
    check(name=name, level=level, households=households)
    if parent is not None and parent.id in with_descendants(session, [area.id]):
        raise DeviceError(
            say(
                "%(name)s không thể thuộc chính nó hay một địa bàn bên dưới nó. Hãy chọn địa bàn khác.",
                name=area.full_name,
            ),
            field="parent",
        )
    _demand_free(session, name, parent, but=area.id)
    wanted = {
        "name": name.strip(), "level": level.strip(), "households": households,
        "parent_id": parent.id if parent else None, "lat": lat, "lon": lon,
    }  # fmt: skip
    before = {key: getattr(area, key) for key in wanted if getattr(area, key) != wanted[key]}
    for key in before:
        setattr(area, key, wanted[key])
    session.flush()
    if before:
        audit.append(
            session, now, by, "area.change", area=area.id,
            before=before, after={key: wanted[key] for key in before},
        )  # fmt: skip
    return bool(before)


def check(*, name: str, level: str, households: int) -> None:
    """Raises DeviceError naming the field."""
    if not name.strip():
        raise DeviceError(say("Hãy nhập tên địa bàn."), field="name")
    if not level.strip():
        raise DeviceError(say("Hãy nhập cấp của địa bàn, ví dụ: thôn."), field="level")
    for field, value, most in (("name", name, MOST_NAME), ("level", level, MOST_LEVEL)):
        if len(value.strip()) > most:
            raise DeviceError(
                say("“%(start)s…” dài quá %(most)s chữ.", start=value.strip()[:40], most=most),
                field=field,
            )
    if households < 0:
        raise DeviceError(
            say(
                "Số hộ %(households)s không hợp lệ; hãy nhập số từ 0 trở lên.",
                households=households,
            ),
            field="households",
        )


def _demand_free(session: Session, name: str, parent: Area | None, but: int | None = None) -> None:
    taken = sa.select(Area.id).where(
        Area.name == name.strip(), Area.parent_id == (parent.id if parent else None)
    )
    if session.scalar(taken) not in (None, but):
        raise DeviceError(say("Địa bàn “%(name)s” đã có ở đây.", name=name.strip()), field="name")


def set_language(
    session: Session, area: Area, language: str | None, *, now: Instant, by: str
) -> None:
    """Say in which language bulletins are heard in the area; None: as in the area above."""
    if area.language != _checked(language):
        area.language = language
        session.flush()
        audit.append(session, now, by, "area.language", area=area.id, language=language)


def spoken_in(session: Session) -> dict[int, str]:
    """Area id → language, each its own or the nearest above it; Kinh where none says."""
    rows = {a.id: a for a in session.execute(sa.select(Area.id, Area.parent_id, Area.language))}

    def find(area_id: int | None) -> str:
        while area_id is not None:
            if rows[area_id].language:
                return str(rows[area_id].language)
            area_id = rows[area_id].parent_id
        return languages.KINH

    return {area_id: find(area_id) for area_id in rows}


def _checked(language: str | None) -> str | None:
    if language is not None and language not in languages.NAMES:
        raise DeviceError(
            say("Không có ngôn ngữ “%(language)s”. Hãy chọn trong danh sách.", language=language),
            field="language",
        )
    return language


def get(session: Session, area_id: int) -> Area:
    """That area. Raises NotFound."""
    area = session.get(Area, area_id)
    if area is None:
        raise NotFound(say("Không tìm thấy địa bàn này. Hãy tải lại danh sách địa bàn."))
    return area


def tree(session: Session) -> list[tuple[int, Area]]:
    """All areas depth first, each with its depth (0 for a root)."""
    below: dict[int | None, list[Area]] = {}
    for area in session.scalars(sa.select(Area).order_by(Area.name)):
        below.setdefault(area.parent_id, []).append(area)
    rows: list[tuple[int, Area]] = []

    def walk(parent: int | None, depth: int) -> None:
        for area in below.get(parent, []):
            rows.append((depth, area))
            walk(area.id, depth + 1)

    walk(None, 0)
    return rows


def with_descendants(session: Session, area_ids: Iterable[int]) -> set[int]:
    """The ids of these areas and of all below them."""
    parents = {row.id: row.parent_id for row in session.execute(sa.select(Area.id, Area.parent_id))}
    wanted = set(area_ids)

    def inside(area_id: int | None) -> bool:
        while area_id is not None:
            if area_id in wanted:
                return True
            area_id = parents.get(area_id)
        return False

    return {area_id for area_id in parents if inside(area_id)}
