"""Bulletin (bản tin): write, submit, approve, reject, withdraw.

An approval names the sha256 of the sound the approver heard. Any later change makes a new version of the
bulletin, which has no sound and no approval until both are made anew.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from loa import audit
from loa.database import Base
from loa.errors import ContentError, NotAllowed, NotFound
from loa.staff import May, Staff
from loa.times import Instant

MAX_TITLE = 200


class State(enum.StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Priority(enum.StrEnum):
    """Thông tư 39/2020/TT-BTTTT."""

    NORMAL = "normal"
    PRIORITY = "priority"
    EMERGENCY = "emergency"


class Kind(enum.StrEnum):
    """Where the sound comes from."""

    TEXT = "text"
    UPLOAD = "upload"


def _enum(kind: type[enum.StrEnum]) -> sa.Enum:
    return sa.Enum(
        kind, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e]
    )


class Bulletin(Base):
    """A text or a recording to be announced."""

    __tablename__ = "bulletins"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(MAX_TITLE))
    body: Mapped[str] = mapped_column(sa.Text, default="")
    kind: Mapped[Kind] = mapped_column(_enum(Kind))
    upload: Mapped[str | None] = mapped_column(sa.String(64))
    """Name of the uploaded file in the uploads folder (its sha256)."""
    upload_name: Mapped[str | None] = mapped_column(sa.String(255))
    voice: Mapped[str] = mapped_column(sa.String(32))
    speed: Mapped[int]
    chimes: Mapped[bool] = mapped_column(default=True)
    field: Mapped[int] = mapped_column(default=1)
    """Lĩnh vực, 1 to 6: code list of the upper system."""
    priority: Mapped[Priority] = mapped_column(_enum(Priority), default=Priority.NORMAL)
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    """Last day, in the station's zone, on which it may be broadcast."""
    state: Mapped[State] = mapped_column(_enum(State), default=State.DRAFT, index=True)
    version: Mapped[int] = mapped_column(default=1)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    editor_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    """Who changed it last: neither this person nor the author may approve it."""
    recording_sha: Mapped[str | None] = mapped_column(sa.String(64))
    """The sound of this very version; None until it is made."""
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]

    author: Mapped[Staff] = relationship(foreign_keys=author_id, lazy="joined", innerjoin=True)
    editor: Mapped[Staff] = relationship(foreign_keys=editor_id, lazy="joined", innerjoin=True)


class Decision(Base):
    """What an approver said of one exact sound. Never changed, except that it may end."""

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("bulletins.id"), index=True)
    version: Mapped[int]
    recording_sha: Mapped[str] = mapped_column(sa.String(64))
    approved: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(sa.Text)
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    ended_why: Mapped[str | None] = mapped_column(sa.Text)

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a person fills in. ``upload`` is the name kept by ``recordings.keep_upload``."""

    title: str
    body: str = ""
    kind: Kind = Kind.TEXT
    upload: str | None = None
    upload_name: str | None = None
    voice: str = "espeak"
    speed: int = 135
    chimes: bool = True
    field: int = 1
    priority: Priority = Priority.NORMAL
    valid_from: date | None = None
    valid_until: date | None = None


def write(
    session: Session, author: Staff, draft: Draft, now: Instant, *, max_characters: int = 30_000
) -> Bulletin:
    """A new draft by ``author``. Raises ContentError naming the field."""
    author.demand(May.WRITE)
    _check(draft, max_characters)
    bulletin = Bulletin(
        **_columns(draft), state=State.DRAFT, version=1, author_id=author.id, editor_id=author.id,
        created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(bulletin)
    session.flush()
    audit.append(
        session, now, author.login, "bulletin.write", bulletin=bulletin.id, title=bulletin.title
    )
    return bulletin


def edit(
    session: Session,
    bulletin: Bulletin,
    editor: Staff,
    draft: Draft,
    now: Instant,
    *,
    max_characters: int = 30_000,
) -> bool:
    """Change a bulletin; False when nothing differs. A change ends its approval and drops its sound."""
    editor.demand(May.WRITE)
    if bulletin.state is State.WITHDRAWN:
        raise ContentError("Bản tin đã thu hồi không sửa được nữa. Hãy soạn bản tin mới.")
    _check(draft, max_characters)
    changed = {
        name: value for name, value in _columns(draft).items() if getattr(bulletin, name) != value
    }
    if not changed:
        return False
    _end_approval(session, bulletin, now, f"{editor.name} sửa bản tin")
    for name, value in changed.items():
        setattr(bulletin, name, value)
    bulletin.version += 1
    bulletin.state = State.DRAFT
    bulletin.recording_sha = None
    bulletin.editor_id = editor.id
    bulletin.updated_at = now
    session.flush()
    audit.append(
        session, now, editor.login, "bulletin.edit",
        bulletin=bulletin.id, version=bulletin.version, fields=sorted(changed),
    )  # fmt: skip
    return True


def submit(session: Session, bulletin: Bulletin, staff: Staff, now: Instant) -> None:
    """Hand a draft to the approvers. Its sound must be there, for that is what they approve."""
    staff.demand(May.WRITE)
    if bulletin.state not in (State.DRAFT, State.REJECTED):
        raise ContentError("Bản tin này đã được gửi duyệt rồi. Hãy tải lại trang.")
    if bulletin.recording_sha is None:
        raise ContentError(
            "Âm thanh của bản tin chưa tạo xong. Hãy chờ thanh tiến độ chạy hết rồi gửi duyệt."
        )
    bulletin.state = State.SUBMITTED
    bulletin.updated_at = now
    audit.append(
        session,
        now,
        staff.login,
        "bulletin.submit",
        bulletin=bulletin.id,
        sha256=bulletin.recording_sha,
    )


def approve(
    session: Session, bulletin: Bulletin, approver: Staff, sha256: str, now: Instant
) -> Decision:
    """Approve the sound ``sha256``, which the page named to the approver; it must still be the bulletin's."""
    decision = _decide(session, bulletin, approver, sha256, now, approved=True, reason=None)
    bulletin.state = State.APPROVED
    audit.append(
        session, now, approver.login, "bulletin.approve", bulletin=bulletin.id, sha256=sha256
    )
    return decision


def reject(
    session: Session, bulletin: Bulletin, approver: Staff, sha256: str, reason: str, now: Instant
) -> Decision:
    """Send a bulletin back to its author with a reason."""
    if not reason.strip():
        raise ContentError("Hãy ghi lý do trả lại để người soạn biết cần sửa gì.", field="reason")
    decision = _decide(
        session, bulletin, approver, sha256, now, approved=False, reason=reason.strip()
    )
    bulletin.state = State.REJECTED
    audit.append(
        session,
        now,
        approver.login,
        "bulletin.reject",
        bulletin=bulletin.id,
        sha256=sha256,
        reason=reason.strip(),
    )
    return decision


def withdraw(session: Session, bulletin: Bulletin, staff: Staff, now: Instant) -> None:
    """Take a bulletin back: nothing more of it will sound. Its author or an approver may."""
    if staff.id != bulletin.author_id and not staff.may(May.APPROVE) and not staff.may(May.MANAGE):
        raise NotAllowed("Chỉ người soạn, người duyệt hoặc quản trị được thu hồi bản tin này.")
    if bulletin.state is State.WITHDRAWN:
        return
    _end_approval(session, bulletin, now, f"{staff.name} thu hồi")
    bulletin.state = State.WITHDRAWN
    bulletin.updated_at = now
    audit.append(session, now, staff.login, "bulletin.withdraw", bulletin=bulletin.id)


def approval(session: Session, bulletin_id: int) -> Decision | None:
    """The approval in force, or None. It names the only sound that may be broadcast."""
    return session.scalars(
        sa.select(Decision).where(
            Decision.bulletin_id == bulletin_id, Decision.approved, Decision.ended_at.is_(None)
        )
    ).first()


def decisions(session: Session, bulletin_id: int) -> list[Decision]:
    """All that approvers said of a bulletin, newest first."""
    return list(
        session.scalars(
            sa.select(Decision)
            .where(Decision.bulletin_id == bulletin_id)
            .order_by(Decision.id.desc())
        )
    )


def get(session: Session, bulletin_id: int) -> Bulletin:
    """That bulletin. Raises NotFound."""
    bulletin = session.get(Bulletin, bulletin_id)
    if bulletin is None:
        raise NotFound(
            "Không tìm thấy bản tin này. Có thể đường dẫn đã sai; hãy quay lại danh sách bản tin."
        )
    return bulletin


def listing(
    session: Session, *, state: State | None = None, search: str = "", limit: int = 100
) -> list[Bulletin]:
    """Bulletins, newest change first."""
    found = sa.select(Bulletin).order_by(Bulletin.updated_at.desc()).limit(limit)
    if state is not None:
        found = found.where(Bulletin.state == state)
    if search.strip():
        found = found.where(Bulletin.title.icontains(search.strip(), autoescape=True))
    return list(session.scalars(found))


def _decide(
    session: Session,
    bulletin: Bulletin,
    approver: Staff,
    sha256: str,
    now: Instant,
    *,
    approved: bool,
    reason: str | None,
) -> Decision:
    approver.demand(May.APPROVE)
    if approver.id in (bulletin.author_id, bulletin.editor_id):
        raise NotAllowed(
            "Người soạn hoặc người sửa bản tin không được tự duyệt. Hãy nhờ người duyệt khác."
        )
    if bulletin.state is not State.SUBMITTED:
        raise ContentError("Bản tin này không còn ở trạng thái chờ duyệt. Hãy tải lại trang.")
    if sha256 != bulletin.recording_sha:
        raise ContentError(
            "Âm thanh đã thay đổi sau khi trang được mở. Hãy tải lại trang và nghe lại."
        )
    decision = Decision(
        bulletin_id=bulletin.id, version=bulletin.version, recording_sha=sha256, approved=approved,
        reason=reason, staff_id=approver.id, at=now,
    )  # fmt: skip
    session.add(decision)
    bulletin.updated_at = now
    session.flush()
    return decision


def _end_approval(session: Session, bulletin: Bulletin, now: Instant, why: str) -> None:
    session.execute(
        sa.update(Decision)
        .where(Decision.bulletin_id == bulletin.id, Decision.approved, Decision.ended_at.is_(None))
        .values(ended_at=now, ended_why=why)
    )


def _columns(draft: Draft) -> dict[str, object]:
    return {
        **{name: getattr(draft, name) for name in draft.__dataclass_fields__},
        "title": draft.title.strip(),
        "body": draft.body.strip() if draft.kind is Kind.TEXT else "",
        "upload": draft.upload if draft.kind is Kind.UPLOAD else None,
        "upload_name": draft.upload_name if draft.kind is Kind.UPLOAD else None,
    }


def _check(draft: Draft, max_characters: int) -> None:
    if not draft.title.strip():
        raise ContentError("Hãy đặt tên cho bản tin.", field="title")
    if len(draft.title.strip()) > MAX_TITLE:
        raise ContentError(
            f"Tên bản tin dài {len(draft.title)} ký tự; tối đa {MAX_TITLE}.", field="title"
        )
    if draft.kind is Kind.TEXT and not draft.body.strip():
        raise ContentError("Hãy nhập hoặc dán nội dung bản tin.", field="body")
    if len(draft.body) > max_characters:
        raise ContentError(
            f"Nội dung dài {len(draft.body):,} ký tự; tối đa {max_characters:,}. Hãy chia thành nhiều bản tin.".replace(
                ",", "."
            ),
            field="body",
        )
    if draft.kind is Kind.UPLOAD and not draft.upload:
        raise ContentError("Hãy chọn tệp ghi âm để tải lên.", field="upload")
    if not 110 <= draft.speed <= 175:
        raise ContentError(f"Tốc độ đọc {draft.speed} nằm ngoài khoảng 110–175.", field="speed")
    if draft.field not in range(1, 7):
        raise ContentError(f"Lĩnh vực {draft.field} không có; hãy chọn từ 1 đến 6.", field="field")
    if draft.valid_from and draft.valid_until and draft.valid_until < draft.valid_from:
        raise ContentError(
            "Ngày hết hiệu lực đứng trước ngày bắt đầu hiệu lực.", field="valid_until"
        )
