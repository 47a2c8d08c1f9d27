"""The same small station in every test: Hoa writes, Minh approves, Lan is from the next commune."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin, Draft, Priority
from content.parts import spoken
from content.recordings import Recording, Rendering, RenderingState
from devices import areas, receivers, signing
from devices.areas import Area
from devices.receivers import Receiver
from devices.signing import PrivateKey
from loa import staff
from loa.languages import KINH
from loa.staff import Role, Staff
from loa.times import Instant, instant

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
PASSWORD = "mot-hai-ba-bon"


def vn(text: str) -> Instant:
    """``2026-11-21 05:00`` by the wall clock of the station."""
    return instant(datetime.fromisoformat(text).replace(tzinfo=ZONE))


def utc(text: str) -> Instant:
    return instant(datetime.fromisoformat(text).replace(tzinfo=UTC))


NOON = vn("2026-11-21 12:00")


@dataclass
class Cast:
    hoa: Staff
    minh: Staff
    lan: Staff
    admin: Staff
    commune: Area
    villages: list[Area]
    receivers: list[Receiver]
    keys: dict[str, PrivateKey] = field(default_factory=dict)


def settle_in(session: Session, count: int = 3, now: Instant = NOON) -> Cast:
    """Staff, a commune of three villages, and ``count`` receivers spread over them."""
    people = [
        staff.add(session, login=login, name=name, role=role, password=PASSWORD, now=now)
        for login, name, role in (
            ("hoa", "Hoa", Role.EDITOR),
            ("minh", "Minh", Role.APPROVER),
            ("lan", "Lan", Role.VIEWER),
            ("quantri", "Quản trị", Role.ADMIN),
        )
    ]
    commune = areas.add(session, name="Mẫu", level="xã", now=now, by="test")
    villages = [
        areas.add(
            session, name=name, level="thôn", parent=commune, households=100, now=now, by="test"
        )
        for name in ("Đông", "Đoài", "Bãi")
    ]
    cast = Cast(*people, commune=commune, villages=villages, receivers=[])
    for number in range(count):
        add_receiver(session, cast, f"r-{number:04d}", villages[number % 3], now)
    return cast


def add_receiver(
    session: Session, cast: Cast, rid: str, area: Area, now: Instant = NOON
) -> Receiver:
    key = signing.generate(rid)
    receiver = receivers.add(
        session,
        id=rid,
        name=f"Cột {rid}",
        area=area,
        public_key=key.public.x,
        password="x" * 16,
        now=now,
        by="test",
    )
    cast.keys[rid] = key
    cast.receivers.append(receiver)
    return receiver


def another_approver(session: Session, now: Instant = NOON) -> Staff:
    """The second approver an emergency needs; added when first asked for."""
    known = session.scalars(sa.select(Staff).where(Staff.login == "duyet2")).first()
    return known or staff.add(
        session, login="duyet2", name="Người duyệt thứ hai", role=Role.APPROVER, password=PASSWORD, now=now
    )  # fmt: skip


def give_sound(session: Session, bulletin: Bulletin, ms: int = 30_000, now: Instant = NOON) -> str:
    """Recording rows for the bulletin and its translations, as if the worker had made them; its own sha256.

    Each translation sounds ten seconds longer than the one before.
    """
    spoken_in = [KINH, *(each.language for each in bulletin.translations)]
    bulletin.sounds = {
        language: _add_recording(session, bulletin, language, ms + 10_000 * number, now)
        for number, language in enumerate(spoken_in)
    }
    asked = sa.update(Rendering).where(Rendering.bulletin_id == bulletin.id)
    session.execute(asked.values(state=RenderingState.DONE, percent=100, ended_at=now))
    session.flush()
    return bulletin.sounds[KINH]


def _add_recording(
    session: Session, bulletin: Bulletin, language: str, ms: int, now: Instant
) -> str:
    is_own = language == KINH
    name = f"{bulletin.id} {bulletin.version}" + ("" if is_own else f" {language}")
    sha = hashlib.sha256(name.encode()).hexdigest()
    session.add(
        Recording(
            sha256=sha, size=ms * 6, ms=ms, lufs=-16.0, true_peak_db=-1.0, peaks=[50] * 600,
            voices=["espeak"] if is_own else [], notes=[], spoken=bulletin.body if is_own else None, made_at=now,
        )
    )  # fmt: skip
    return sha


def approved_bulletin(
    session: Session, cast: Cast, *, ms: int = 30_000, now: Instant = NOON, **fields: object
) -> Bulletin:
    """Written by Hoa, approved by Minh; an emergency by a second approver as well."""
    usual = {"title": "Lịch tiêm chủng", "parts": spoken("Mời bà con đến trạm y tế.")}
    draft = Draft(**{**usual, **fields})
    bulletin = bulletins.write(session, cast.hoa, draft, now)
    approve(session, cast, bulletin, ms=ms, now=now)
    return bulletin


def approve(
    session: Session, cast: Cast, bulletin: Bulletin, *, ms: int = 30_000, now: Instant = NOON
) -> None:
    give_sound(session, bulletin, ms, now)
    bulletins.submit(session, bulletin, cast.hoa, now)
    approvers = [cast.minh]
    if bulletin.priority is Priority.EMERGENCY:
        approvers.append(another_approver(session, now))
    for approver in approvers:
        bulletins.approve(session, bulletin, approver, bulletin.sounds.values(), now)
