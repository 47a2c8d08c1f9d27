"""Âm thanh khẩn cấp lưu sẵn: the sounds every receiver keeps, to be played where it stands when nothing else works.

Each is the approved sound of an emergency bulletin, and only that: a bulletin that is withdrawn or changed is no
longer kept anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content import decisions
from content.bulletins import Bulletin, Priority
from content.recordings import Recording
from devices import messages, receivers
from loa import audit
from loa.database import Base
from loa.errors import NotFound, ScheduleError
from loa.staff import May, Staff
from loa.times import Instant
from loa.words import say

HIGHEST = 99
MOST = 20
"""As many as a plan can name."""
TITLE_CHARACTERS = 64


class CannedSound(Base):
    """What number ``n`` plays on every receiver."""

    __tablename__ = "canned_sounds"

    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("bulletins.id"), index=True)
    recording_sha: Mapped[str] = mapped_column(sa.ForeignKey("recordings.sha256"))
    """The exact sound that was approved."""
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    at: Mapped[Instant]
    void: Mapped[bool] = mapped_column(default=False)
    """Its approval has ended: no receiver is to keep it any longer."""

    bulletin: Mapped[Bulletin] = relationship(lazy="joined", innerjoin=True)
    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)
    recording: Mapped[Recording] = relationship(lazy="joined", innerjoin=True)


@dataclass(frozen=True)
class Kept:
    """What goes into every plan: the numbered sounds, and the files they are."""

    sounds: tuple[messages.Canned, ...]
    files: dict[str, messages.Audio]


def listed(session: Session) -> list[CannedSound]:
    """All, void ones too, by number."""
    return list(session.scalars(sa.select(CannedSound).order_by(CannedSound.n)))


def kept(session: Session) -> Kept:
    """What receivers are to keep."""
    valid = [canned for canned in listed(session) if not canned.void]
    return Kept(
        sounds=tuple(
            messages.Canned(
                n=canned.n, sha=canned.recording_sha, title=canned.bulletin.title[:TITLE_CHARACTERS]
            )
            for canned in valid
        ),
        files={
            canned.recording_sha: messages.Audio(n=canned.recording.size, ms=canned.recording.ms)
            for canned in valid
        },
    )


def keep(session: Session, n: int, bulletin: Bulletin, staff: Staff, now: Instant) -> CannedSound:
    """Give number ``n`` the approved sound of an emergency bulletin. Raises ScheduleError naming the field."""
    staff.demand(May.MANAGE)
    if not 1 <= n <= HIGHEST:
        raise ScheduleError(
            say(
                "Số %(n)s không dùng được. Hãy chọn số từ 1 đến %(highest)s.", n=n, highest=HIGHEST
            ),
            field="n",
        )
    sha = _approved_sound(session, bulletin)
    before = session.get(CannedSound, n)
    if before is None and len(listed(session)) >= MOST:
        raise ScheduleError(
            say(
                "Đầu thu giữ được nhiều nhất %(most)s âm thanh. Hãy bỏ bớt một âm thanh trước.",
                most=MOST,
            ),
            field="n",
        )
    canned = before or CannedSound(n=n)
    canned.bulletin, canned.recording_sha, canned.void = bulletin, sha, False
    canned.staff, canned.at = staff, now
    session.add(canned)
    session.flush()
    audit.append(session, now, staff.login, "canned.keep", n=n, bulletin=bulletin.id, sha=sha)
    receivers.mark_stale(session)
    return canned


def _approved_sound(session: Session, bulletin: Bulletin) -> str:
    if bulletin.priority is not Priority.EMERGENCY:
        raise ScheduleError(
            say(
                "“%(title)s” không phải bản tin khẩn cấp. Chỉ bản tin khẩn cấp đã duyệt mới được lưu sẵn, "
                "vì người đứng ở đầu thu phát được nó cả trong giờ không phát.",
                title=bulletin.title,
            ),
            field="bulletin",
        )
    approval = decisions.approval(session, bulletin.id)
    if approval is None:
        raise ScheduleError(
            say("“%(title)s” chưa được duyệt. Hãy chờ duyệt xong.", title=bulletin.title),
            field="bulletin",
        )
    return approval.recording_sha


def drop(session: Session, n: int, staff: Staff, now: Instant) -> None:
    """Have every receiver forget number ``n``. Raises NotFound."""
    staff.demand(May.MANAGE)
    canned = session.get(CannedSound, n)
    if canned is None:
        raise NotFound(say("Không có âm thanh lưu sẵn số %(n)s.", n=n))
    session.delete(canned)
    session.flush()
    audit.append(session, now, staff.login, "canned.drop", n=n, bulletin=canned.bulletin_id)
    receivers.mark_stale(session)


def follow_approvals(session: Session, now: Instant) -> None:
    """Void what is no longer approved as it stands, and have receivers forget it."""
    valid = [canned for canned in listed(session) if not canned.void]
    if not valid:
        return
    in_force = decisions.in_force(session, [canned.bulletin_id for canned in valid])
    for canned in valid:
        approval = in_force.get(canned.bulletin_id)
        if approval is None or approval.recording_sha != canned.recording_sha:
            canned.void = True
            audit.append(
                session, now, audit.SYSTEM, "canned.void", n=canned.n, bulletin=canned.bulletin_id
            )
            receivers.mark_stale(session)


def suitable(session: Session) -> list[Bulletin]:
    """Emergency bulletins whose sound is approved, newest first."""
    found = sa.select(Bulletin).where(Bulletin.priority == Priority.EMERGENCY)
    candidates = list(session.scalars(found.order_by(Bulletin.id.desc())))
    in_force = decisions.in_force(session, [bulletin.id for bulletin in candidates])
    return [bulletin for bulletin in candidates if bulletin.id in in_force]
