"""Bulletin (bản tin): write, submit, approve, reject, withdraw.

An approval names the sha256 of the sounds the approver heard. Any later change makes a new version of the
bulletin, which has no approval until it is heard anew, and no sound where the change could be heard.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column, relationship

from content import decisions, drafts, parts, versions
from content.decisions import Decision
from content.drafts import MAX_TITLE, Draft, Priority
from content.parts import Parts, Stored, Translations
from content.relays import Stream
from content.versions import Difference, Version
from loa import audit, searching
from loa.database import Base, Json, word_of
from loa.errors import ContentError, NotAllowed, NotFound
from loa.languages import KINH
from loa.staff import May, Staff
from loa.times import Instant
from loa.words import say

__all__ = ["MAX_TITLE", "Bulletin", "Decision", "Draft", "Priority", "State"]

CLOSED = say("Bản tin đã thu hồi không sửa được nữa. Hãy soạn bản tin mới.")
HOLDERS: list[Callable[[Session, int], str | None]] = []
"""Each says why a bulletin may not be changed or taken back now. What sounds it stands above this package, and adds
itself here, so that no page can forget to ask."""


class State(enum.StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Bulletin(Base):
    """A text or a recording to be announced."""

    __tablename__ = "bulletins"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(MAX_TITLE))
    parts: Mapped[Parts] = mapped_column(Stored(Parts))
    translations: Mapped[Translations] = mapped_column(Stored(Translations), default=())
    chimes: Mapped[bool] = mapped_column(default=True)
    field: Mapped[int] = mapped_column(default=1)
    """Lĩnh vực, 1 to 6: code list of the upper system."""
    priority: Mapped[Priority] = mapped_column(word_of(Priority), default=Priority.NORMAL)
    relay: Mapped[Stream | None] = mapped_column(Stored(Stream))
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    """Last day, in the station's zone, on which it may be broadcast."""
    state: Mapped[State] = mapped_column(word_of(State), default=State.DRAFT, index=True)
    version: Mapped[int] = mapped_column(default=1)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    editor_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    """Who changed it last."""
    sounds: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    """Language → sha256 of the sound of this very version; empty until all are made."""
    search_key: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]
    submitted_at: Mapped[Instant | None]
    """When it was last handed in."""

    author: Mapped[Staff] = relationship(foreign_keys=author_id, lazy="joined", innerjoin=True)
    editor: Mapped[Staff] = relationship(foreign_keys=editor_id, lazy="joined", innerjoin=True)

    @property
    def recording_sha(self) -> str | None:
        """The bulletin's own sound, heard wherever there is no translation for."""
        return self.sounds.get(KINH)

    @property
    def body(self) -> str:
        """All words that are read out."""
        return parts.body(self.parts)

    @property
    def draft(self) -> Draft:
        """Its content as one value."""
        return Draft(**{name: getattr(self, name) for name in drafts.NAMES})


def write(
    session: Session, author: Staff, draft: Draft, now: Instant, *, max_characters: int = 30_000,
    relay_hosts: Collection[str] = (),
) -> Bulletin:  # fmt: skip
    """A new draft by ``author``. Raises ContentError naming the field."""
    author.demand(May.WRITE)
    draft = drafts.tidy(draft)
    drafts.check(draft, max_characters, relay_hosts)
    bulletin = Bulletin(
        **msgspec.structs.asdict(draft), state=State.DRAFT, version=1, author_id=author.id,
        editor_id=author.id, search_key=search_key(draft), created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(bulletin)
    session.flush()
    versions.note(session, bulletin.id, 1, draft, author, now)
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
    relay_hosts: Collection[str] = (),
) -> bool:
    """Change a bulletin; False when nothing differs.

    A change ends its approval; one that could be heard drops its sounds, which are then to be queued anew.
    """
    editor.demand(May.WRITE)
    if bulletin.state is State.WITHDRAWN:
        raise ContentError(CLOSED)
    draft = drafts.tidy(draft)
    drafts.check(draft, max_characters, relay_hosts)
    changed = versions.compare(bulletin.draft, draft).fields
    if not changed:
        return False
    _demand_free(session, bulletin)
    for name in changed:
        setattr(bulletin, name, getattr(draft, name))
    bulletin.search_key = search_key(draft)
    _begin_version(session, bulletin, editor, now, say("%(name)s sửa bản tin", name=editor.name))
    if any(name in drafts.AUDIBLE for name in changed):
        bulletin.sounds = {}
    audit.append(
        session, now, editor.login, "bulletin.edit",
        bulletin=bulletin.id, version=bulletin.version, fields=sorted(changed),
    )  # fmt: skip
    return True


def read_again(session: Session, bulletin: Bulletin, editor: Staff, now: Instant) -> None:
    """Drop the sounds, to be made by the dictionary and voices as they are now."""
    editor.demand(May.WRITE)
    if bulletin.state is State.WITHDRAWN:
        raise ContentError(CLOSED)
    _demand_free(session, bulletin)
    _begin_version(session, bulletin, editor, now, say("%(name)s cho đọc lại", name=editor.name))
    bulletin.sounds = {}
    audit.append(
        session, now, editor.login, "bulletin.read_again",
        bulletin=bulletin.id, version=bulletin.version,
    )  # fmt: skip


def submit(session: Session, bulletin: Bulletin, staff: Staff, now: Instant) -> None:
    """Hand a draft to the approvers. Its sound must be there, for that is what they approve."""
    staff.demand(May.WRITE)
    if bulletin.state not in (State.DRAFT, State.REJECTED):
        raise ContentError(say("Bản tin này đã được gửi duyệt rồi. Hãy tải lại trang."))
    if bulletin.recording_sha is None:
        raise ContentError(
            say("Âm thanh của bản tin chưa tạo xong. Hãy chờ thanh tiến độ chạy hết rồi gửi duyệt.")
        )
    bulletin.state = State.SUBMITTED
    bulletin.updated_at = bulletin.submitted_at = now
    audit.append(
        session, now, staff.login, "bulletin.submit", bulletin=bulletin.id, sounds=bulletin.sounds
    )


def approve(
    session: Session,
    bulletin: Bulletin,
    approver: Staff,
    heard: Collection[str],
    now: Instant,
    *,
    version: int | None = None,
    emergency_approvers: int = 2,
) -> Decision:
    """Approve the sounds ``heard``, which the page named to the approver; they must be all of the bulletin's.

    ``version`` is the one whose title and terms the approver read. An emergency bulletin stays submitted until
    as many different approvers as it needs have done so.
    """
    _demand_decidable(session, bulletin, approver, heard, version)
    given = [
        decision
        for decision in decisions.standing(session, [bulletin.id]).get(bulletin.id, [])
        if decision.staff.may(May.APPROVE)  # who has left the station answers for nothing any more
    ]
    if any(decision.staff_id == approver.id for decision in given):
        raise ContentError(
            say("Bạn đã duyệt bản tin này rồi; bản tin khẩn cấp cần một người duyệt khác.")
        )
    decision = _decide(session, bulletin, approver, now, approved=True)
    decision.complete = len(given) + 1 >= approvers_needed(bulletin, emergency_approvers)
    if decision.complete:
        bulletin.state = State.APPROVED
    audit.append(
        session, now, approver.login, "bulletin.approve",
        bulletin=bulletin.id, sounds=decision.sounds, complete=decision.complete,
    )  # fmt: skip
    return decision


def approvers_needed(bulletin: Bulletin, emergency_approvers: int) -> int:
    """How many different people must approve it."""
    return emergency_approvers if bulletin.priority is Priority.EMERGENCY else 1


def reject(
    session: Session,
    bulletin: Bulletin,
    approver: Staff,
    heard: Collection[str],
    reason: str,
    now: Instant,
    *,
    version: int | None = None,
) -> Decision:
    """Send a bulletin back to its author with a reason."""
    if not reason.strip():
        raise ContentError(
            say("Hãy ghi lý do trả lại để người soạn biết cần sửa gì."), field="reason"
        )
    _demand_decidable(session, bulletin, approver, heard, version)
    decision = _decide(session, bulletin, approver, now, approved=False, reason=reason.strip())
    decisions.end(session, [bulletin.id], now, say("%(name)s trả lại", name=approver.name))
    bulletin.state = State.REJECTED
    audit.append(
        session, now, approver.login, "bulletin.reject",
        bulletin=bulletin.id, sounds=decision.sounds, reason=decision.reason,
    )  # fmt: skip
    return decision


def recall(session: Session, bulletin: Bulletin, staff: Staff, now: Instant) -> None:
    """Take back what was handed in and nobody has approved yet: a draft again, as it was. Raises ContentError."""
    staff.demand(May.WRITE)
    if bulletin.state is not State.SUBMITTED:
        raise ContentError(
            say(
                "Bản tin này không còn chờ duyệt nên không rút lại được. Muốn bản tin không phát nữa, hãy thu hồi."
            )
        )
    decisions.end(session, [bulletin.id], now, say("%(name)s rút lại", name=staff.name))
    bulletin.state = State.DRAFT
    bulletin.updated_at = now
    audit.append(session, now, staff.login, "bulletin.recall", bulletin=bulletin.id)


def withdraw(session: Session, bulletin: Bulletin, staff: Staff, now: Instant) -> None:
    """Take a bulletin back: nothing more of it will sound. Its author or an approver may."""
    if staff.id != bulletin.author_id and not staff.may(May.APPROVE) and not staff.may(May.MANAGE):
        raise NotAllowed(say("Chỉ người soạn, người duyệt hoặc quản trị được thu hồi bản tin này."))
    if bulletin.state is State.WITHDRAWN:
        return
    _demand_free(session, bulletin)
    decisions.end(session, [bulletin.id], now, say("%(name)s thu hồi", name=staff.name))
    bulletin.state = State.WITHDRAWN
    bulletin.updated_at = now
    audit.append(session, now, staff.login, "bulletin.withdraw", bulletin=bulletin.id)


def get(session: Session, bulletin_id: int) -> Bulletin:
    """That bulletin. Raises NotFound."""
    bulletin = session.get(Bulletin, bulletin_id)
    if bulletin is None:
        raise NotFound(
            say(
                "Không tìm thấy bản tin này. Có thể đường dẫn đã sai; hãy quay lại danh sách bản tin."
            )
        )
    return bulletin


def writers(session: Session, bulletin: Bulletin) -> set[int]:
    """Ids of the author and of all who changed it since it was last approved: none of them may approve it."""
    return writers_of(session, [bulletin])[bulletin.id]


def writers_of(session: Session, found: Iterable[Bulletin]) -> dict[int, set[int]]:
    """Bulletin id → ``writers``, for many."""
    asked = {bulletin.id: bulletin for bulletin in found}
    last = decisions.last_versions(session, list(asked))
    changed_by = versions.staff_since(session, {each: last.get(each, 0) for each in asked})
    taken_up = _taken_up_from(session, {each: last.get(each, 0) for each in asked})
    return {
        each: {bulletin.author_id, bulletin.editor_id, *changed_by[each], *taken_up[each]}
        for each, bulletin in asked.items()
    }


def _taken_up_from(session: Session, last: Mapping[int, int]) -> dict[int, set[int]]:
    """Bulletin id → staff whose older version was taken up again since the one that ``last`` names."""
    older, newer = aliased(Version), aliased(Version)
    rows = session.execute(
        sa.select(older.bulletin_id, older.version, newer.version, older.staff_id)
        .join(
            newer, sa.and_(newer.bulletin_id == older.bulletin_id, newer.content == older.content)
        )
        .where(older.bulletin_id.in_(last), newer.version > older.version)
    )
    found: dict[int, set[int]] = {bulletin_id: set() for bulletin_id in last}
    for bulletin_id, written, again, staff_id in rows:
        if written <= last[bulletin_id] < again:
            found[bulletin_id].add(staff_id)
    return found


def changes(session: Session, found: Iterable[Bulletin]) -> dict[int, Difference | None]:
    """Bulletin id → what changed since it was last approved; None where it never was, or is just so.

    Empty where the approved version was not kept: then nobody can say what changed.
    """
    now = {bulletin.id: bulletin for bulletin in found}
    last = decisions.last_versions(session, list(now))
    kept = versions.some(session, last.items())
    return {
        bulletin_id: None
        if last.get(bulletin_id, bulletin.version) == bulletin.version
        else versions.compare(kept[bulletin_id].content, bulletin.draft)
        if bulletin_id in kept
        else Difference((), ())
        for bulletin_id, bulletin in now.items()
    }


def search_key(draft: Draft) -> str:
    """What the library finds it by."""
    return searching.key(draft.title, parts.body(draft.parts))


def _demand_free(session: Session, bulletin: Bulletin) -> None:
    """Raise ContentError while something that sounds holds the bulletin."""
    for holder in HOLDERS:
        if why := holder(session, bulletin.id):
            raise ContentError(why)


def _begin_version(
    session: Session, bulletin: Bulletin, editor: Staff, now: Instant, why: str
) -> None:
    decisions.end(session, [bulletin.id], now, why)
    bulletin.version += 1
    bulletin.state = State.DRAFT
    bulletin.editor_id = editor.id
    bulletin.updated_at = now
    session.flush()
    versions.note(session, bulletin.id, bulletin.version, bulletin.draft, editor, now)


def _demand_decidable(
    session: Session,
    bulletin: Bulletin,
    approver: Staff,
    heard: Collection[str],
    version: int | None,
) -> None:
    """Raise unless this person may decide about the bulletin, and heard and read it as it is."""
    approver.demand(May.APPROVE)
    if approver.id in writers(session, bulletin):
        raise NotAllowed(
            say("Người soạn hoặc người sửa bản tin không được tự duyệt. Hãy nhờ người duyệt khác.")
        )
    if bulletin.state is not State.SUBMITTED:
        raise ContentError(say("Bản tin này không còn ở trạng thái chờ duyệt. Hãy tải lại trang."))
    if set(heard) != set(bulletin.sounds.values()):
        raise ContentError(
            say("Âm thanh đã thay đổi sau khi trang được mở. Hãy tải lại trang và nghe lại.")
        )
    if version not in (None, bulletin.version):
        raise ContentError(
            say("Bản tin đã được sửa sau khi trang được mở. Hãy tải lại trang và xem chỗ đã đổi.")
        )


def _decide(
    session: Session,
    bulletin: Bulletin,
    approver: Staff,
    now: Instant,
    *,
    approved: bool,
    reason: str | None = None,
) -> Decision:
    decision = Decision(
        bulletin_id=bulletin.id, version=bulletin.version, sounds=bulletin.sounds, approved=approved,
        reason=reason, staff_id=approver.id, at=now,
    )  # fmt: skip
    session.add(decision)
    bulletin.updated_at = now
    session.flush()
    return decision
