"""Decision (quyết định duyệt): what approvers said of one exact sound, and which approvals are in force.

A decision names the sha256 of every sound its approver heard: the bulletin's own and those of its
translations. An approval is in force once as many approvers as the bulletin needs have agreed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from loa.database import Base, Json, Sentence
from loa.languages import KINH
from loa.staff import Staff
from loa.times import Instant


class Decision(Base):
    """What an approver said of one exact sound. Never changed, except that it may end."""

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("bulletins.id"), index=True)
    version: Mapped[int]
    sounds: Mapped[dict[str, str]] = mapped_column(Json)
    """Language → sha256 of all that was heard."""
    approved: Mapped[bool]
    complete: Mapped[bool] = mapped_column(default=False)
    """With it the bulletin had all the approvers it needs: the approval came into force."""
    reason: Mapped[str | None] = mapped_column(sa.Text)
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    ended_why: Mapped[str | None] = mapped_column(Sentence)

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)

    @property
    def recording_sha(self) -> str:
        """The sound of the bulletin itself."""
        return self.sounds[KINH]


@dataclass(frozen=True)
class Approval:
    """An approval in force: the only sounds that may be broadcast, and who answers for them."""

    sounds: dict[str, str]
    approvers: tuple[Staff, ...]

    @property
    def recording_sha(self) -> str:
        return self.sounds[KINH]

    @property
    def names(self) -> list[str]:
        return [staff.name for staff in self.approvers]

    @property
    def logins(self) -> list[str]:
        return [staff.login for staff in self.approvers]


def of(session: Session, bulletin_id: int) -> list[Decision]:
    """All that approvers said of a bulletin, newest first."""
    found = sa.select(Decision).where(Decision.bulletin_id == bulletin_id)
    return list(session.scalars(found.order_by(Decision.id.desc())))


def standing(session: Session, bulletin_ids: Collection[int]) -> dict[int, list[Decision]]:
    """The approvals of these bulletins that have not ended, oldest first, in force or not yet."""
    found: dict[int, list[Decision]] = {}
    rows = sa.select(Decision).where(
        Decision.bulletin_id.in_(bulletin_ids), Decision.approved, Decision.ended_at.is_(None)
    )
    for decision in session.scalars(rows.order_by(Decision.id)):
        found.setdefault(decision.bulletin_id, []).append(decision)
    return found


def in_force(session: Session, bulletin_ids: Collection[int]) -> dict[int, Approval]:
    """The approval in force of each of these bulletins that has one."""
    return {
        bulletin_id: Approval(given[-1].sounds, tuple(decision.staff for decision in given))
        for bulletin_id, given in standing(session, bulletin_ids).items()
        if any(decision.complete for decision in given)
    }


def approval(session: Session, bulletin_id: int) -> Approval | None:
    """The approval in force, or None."""
    return in_force(session, [bulletin_id]).get(bulletin_id)


def last_complete(session: Session, bulletin_id: int) -> Decision | None:
    """The approval last in force, ended or not: what a later version is compared with."""
    found = sa.select(Decision).where(Decision.bulletin_id == bulletin_id, Decision.complete)
    return session.scalars(found.order_by(Decision.id.desc()).limit(1)).first()


def last_versions(session: Session, bulletin_ids: Collection[int]) -> dict[int, int]:
    """Bulletin id → the version last in force, of those that ever had one."""
    found = sa.select(Decision.bulletin_id, sa.func.max(Decision.version)).where(
        Decision.bulletin_id.in_(bulletin_ids), Decision.complete
    )
    rows = session.execute(found.group_by(Decision.bulletin_id))
    return {bulletin_id: version for bulletin_id, version in rows}  # noqa: C416 - a Row is not a pair to mypy


def end(session: Session, bulletin_ids: Iterable[int], now: Instant, why: str) -> None:
    """End the approvals of these bulletins; ``why`` is a clause such as "Hoa sửa bản tin"."""
    session.execute(
        sa.update(Decision)
        .where(
            Decision.bulletin_id.in_(list(bulletin_ids)),
            Decision.approved,
            Decision.ended_at.is_(None),
        )
        .values(ended_at=now, ended_why=why)
    )
