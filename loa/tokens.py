"""Token (mã truy cập): another program's key to the station, which opens no more than to the staff it acts as.

Only a hash is kept: the token itself is shown once, to whoever makes it.
"""

from __future__ import annotations

import enum
import hashlib
import secrets
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from loa import audit
from loa.database import Base, Json
from loa.errors import LoaError, NotFound
from loa.staff import WAIT, WRONG_PER_ADDRESS, May, SignInFailure, Staff
from loa.times import DAY, MINUTE, Instant, after
from loa.words import join, say

PREFIX = "loa_"
"""Begins every token, so that one left lying in a file is known for what it is."""
SHOWN = 4
"""Letters of its end by which people tell tokens apart."""
MAX_NAME = 100
MOST_DAYS = 731
NOTED_EVERY = 5 * MINUTE
"""A call notes that the token was used, unless that was noted so short a time ago: reading must not cost a write."""


class Scope(enum.StrEnum):
    """What a token is good for."""

    BULLETINS_READ = "bulletins:read"
    BULLETINS_WRITE = "bulletins:write"
    SCHEDULES_READ = "schedules:read"
    SCHEDULES_WRITE = "schedules:write"
    BROADCASTS_READ = "broadcasts:read"
    BROADCASTS_WRITE = "broadcasts:write"
    PROGRAMMES_READ = "programmes:read"
    PROGRAMMES_WRITE = "programmes:write"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    ALERTS_READ = "alerts:read"
    REGULATION_READ = "regulation:read"
    DAYS_WRITE = "days:write"
    RECEIVERS_READ = "receivers:read"
    RECEIVERS_OPERATE = "receivers:operate"
    PLACES_WRITE = "places:write"
    REPORTS_READ = "reports:read"
    AUDIT_READ = "audit:read"


NEEDS: dict[Scope, May] = {
    Scope.BULLETINS_READ: May.READ,
    Scope.BULLETINS_WRITE: May.WRITE,
    Scope.SCHEDULES_READ: May.READ,
    Scope.SCHEDULES_WRITE: May.SCHEDULE,
    Scope.BROADCASTS_READ: May.READ,
    Scope.BROADCASTS_WRITE: May.SCHEDULE,
    Scope.PROGRAMMES_READ: May.READ,
    Scope.PROGRAMMES_WRITE: May.SCHEDULE,
    Scope.CAMPAIGNS_READ: May.READ,
    Scope.CAMPAIGNS_WRITE: May.SCHEDULE,
    Scope.ALERTS_READ: May.READ,
    Scope.REGULATION_READ: May.READ,
    Scope.DAYS_WRITE: May.SCHEDULE,
    Scope.RECEIVERS_READ: May.READ,
    Scope.RECEIVERS_OPERATE: May.OPERATE,
    Scope.PLACES_WRITE: May.MANAGE,
    Scope.REPORTS_READ: May.READ,
    Scope.AUDIT_READ: May.MANAGE,
}
"""What the person must be allowed to do besides."""
WORDS: dict[Scope, str] = {
    Scope.BULLETINS_READ: say("xem bản tin"),
    Scope.BULLETINS_WRITE: say("soạn, sửa, thu hồi bản tin và gửi duyệt"),
    Scope.SCHEDULES_READ: say("xem lịch phát"),
    Scope.SCHEDULES_WRITE: say("đặt lịch, sửa lịch, đổi hoặc bỏ một lượt, kết thúc lịch"),
    Scope.BROADCASTS_READ: say("xem lượt phát và kết quả tại đầu thu"),
    Scope.BROADCASTS_WRITE: say("ra lệnh phát ngay và dừng lượt phát"),
    Scope.PROGRAMMES_READ: say("xem chương trình"),
    Scope.PROGRAMMES_WRITE: say("lập, sửa, kết thúc chương trình, đổi hoặc bỏ một ngày"),
    Scope.CAMPAIGNS_READ: say("xem chiến dịch và dự báo"),
    Scope.CAMPAIGNS_WRITE: say("lập, sửa, tạm dừng, kết thúc chiến dịch"),
    Scope.ALERTS_READ: say("xem lệnh khẩn cấp"),
    Scope.REGULATION_READ: say("xem quy chế và loại ngày"),
    Scope.DAYS_WRITE: say("ghi và bỏ ngày đặc biệt"),
    Scope.RECEIVERS_READ: say("xem địa bàn, nhóm, đầu thu và sự cố"),
    Scope.RECEIVERS_OPERATE: say("điều khiển đầu thu từ xa, ghi nhận sự cố"),
    Scope.PLACES_WRITE: say("thêm, sửa địa bàn và nhóm"),
    Scope.REPORTS_READ: say("xem nhật ký phát và báo cáo"),
    Scope.AUDIT_READ: say("xem nhật ký hệ thống"),
}


class TokenRefused(LoaError):
    """The token is none of ours, or no longer one: ask the admin for another."""

    code = "token_wrong"


class Token(Base):
    """A program's key to the station."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(MAX_NAME))
    """Which program has it."""
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """sha256 of the token. It is random and long, so no slower hash is needed."""
    hint: Mapped[str] = mapped_column(sa.String(8))
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    """As whom it acts."""
    scopes: Mapped[list[str]] = mapped_column(Json)
    made_by_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    made_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]
    """When it was last used, within ``NOTED_EVERY``."""
    revoked_at: Mapped[Instant | None]

    staff: Mapped[Staff] = relationship(foreign_keys=staff_id, lazy="joined", innerjoin=True)
    made_by: Mapped[Staff] = relationship(foreign_keys=made_by_id, lazy="joined", innerjoin=True)

    def is_open(self, now: Instant) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and now < self.expires_at and self.staff.active

    def has(self, scope: Scope) -> bool:
        return scope in self.scopes


def make(
    session: Session,
    by: Staff,
    *,
    name: str,
    owner: Staff,
    scopes: Collection[Scope],
    days: int,
    now: Instant,
) -> tuple[Token, str]:
    """A token that acts as ``owner`` for so many days, and its text, which is kept nowhere. Raises LoaError."""
    by.demand(May.MANAGE)
    _check(name, owner, scopes, days)
    text = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        name=name.strip(), hash=_hash(text), hint=text[-SHOWN:], staff_id=owner.id,
        scopes=sorted(scopes), made_by_id=by.id, made_at=now, expires_at=after(now, days * DAY),
    )  # fmt: skip
    session.add(token)
    session.flush()
    audit.append(
        session, now, by.login, "token.add",
        token=token.id, name=token.name, acts_as=owner.login, scopes=token.scopes, days=days,
    )  # fmt: skip
    return token, text


def _check(name: str, owner: Staff, scopes: Collection[Scope], days: int) -> None:
    if not name.strip():
        raise LoaError(say("Hãy ghi phần mềm nào dùng mã này."), field="name")
    if len(name.strip()) > MAX_NAME:
        raise LoaError(
            say("Tên dài %(n)s chữ; tối đa %(most)s.", n=len(name.strip()), most=MAX_NAME),
            field="name",
        )
    if not owner.active:
        raise LoaError(
            say("Tài khoản của %(name)s đã khoá. Hãy chọn cán bộ khác.", name=owner.name),
            field="owner",
        )
    if not scopes:
        raise LoaError(say("Hãy chọn ít nhất một việc mà mã này được làm."), field="scopes")
    if beyond := sorted(each for each in scopes if not owner.may(NEEDS[each])):
        raise LoaError(
            say(
                "%(name)s không có quyền %(acts)s, nên mã thay cho "
                "%(name)s cũng không. Hãy bỏ chọn, hoặc chọn cán bộ khác.",
                name=owner.name,
                acts=join("; ", [WORDS[each] for each in beyond]),
            ),
            field="scopes",
        )
    if not 1 <= days <= MOST_DAYS:
        raise LoaError(
            say("Thời hạn %(days)s ngày phải từ 1 đến %(most)s ngày.", days=days, most=MOST_DAYS),
            field="days",
        )


def revoke(session: Session, token: Token, by: Staff, now: Instant) -> None:
    """It opens nothing any more."""
    by.demand(May.MANAGE)
    if token.revoked_at is None:
        token.revoked_at = now
        audit.append(session, now, by.login, "token.revoke", token=token.id, name=token.name)


def get(session: Session, token_id: int) -> Token:
    """That token. Raises NotFound."""
    token = session.get(Token, token_id)
    if token is None:
        raise NotFound(say("Không tìm thấy mã truy cập này. Hãy tải lại danh sách."))
    return token


def listing(session: Session, now: Instant) -> list[Token]:
    """All that were ever made: those that still open something first, then the newest."""
    found = session.scalars(sa.select(Token).order_by(Token.id.desc()))
    return sorted(found, key=lambda token: not token.is_open(now))


# -- at the door ----------------------------------------------------------------------------------


def find(session: Session, text: str, now: Instant) -> Token:
    """The token of that text. Raises TokenRefused, saying why where it once was one."""
    token = session.scalar(sa.select(Token).where(Token.hash == _hash(text)))
    if token is None:
        raise TokenRefused(say("Mã truy cập không đúng. Hãy xin quản trị mã mới."))
    if token.revoked_at is not None:
        raise TokenRefused(
            say("Mã truy cập “%(name)s” đã bị thu hồi. Hãy xin quản trị mã mới.", name=token.name),
            code="token_revoked",
        )
    if token.expires_at <= now:
        raise TokenRefused(
            say("Mã truy cập “%(name)s” đã hết hạn. Hãy xin quản trị mã mới.", name=token.name),
            code="token_expired",
        )
    if not token.staff.active:
        raise TokenRefused(
            say(
                "Tài khoản của %(name)s đã khoá nên mã truy cập “%(token)s” không dùng được.",
                name=token.staff.name,
                token=token.name,
            ),
            code="owner_closed",
        )
    return token


def is_noted(token: Token, now: Instant) -> bool:
    """Whether it is known already that the token is in use."""
    return token.used_at is not None and now - token.used_at < NOTED_EVERY


def note_use(session: Session, token_id: int, now: Instant) -> None:
    """Keep when the token was last used."""
    session.execute(sa.update(Token).where(Token.id == token_id).values(used_at=now))


def is_waiting(session: Session, address: str, now: Instant) -> bool:
    """Whether so many wrong tokens came from there that no more are looked into for a while.

    Only wrong ones: nobody guesses a right one, and one program's slip must not shut out an office's others.
    """
    counted = sa.select(sa.func.count()).where(
        SignInFailure.key == _key(address), SignInFailure.at > after(now, -WAIT)
    )
    return (session.scalar(counted) or 0) >= WRONG_PER_ADDRESS


def note_wrong(session: Session, address: str, why: str, now: Instant) -> None:
    """Count a wrong token against where it came from."""
    session.execute(sa.delete(SignInFailure).where(SignInFailure.at <= after(now, -WAIT)))
    session.add(SignInFailure(key=_key(address), at=now))
    audit.append(session, now, audit.SYSTEM, "token.refused", address=address, why=why)


def note_act(session: Session, token: Token, call: str, now: Instant) -> None:
    """Log by which token its owner is about to act: the acts themselves name the person alone."""
    audit.append(session, now, token.staff.login, "token.act", token=token.id, call=call)


def _key(address: str) -> str:
    return f"token:{address}"[:160]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
