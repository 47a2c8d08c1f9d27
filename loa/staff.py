"""Staff (cán bộ), their roles and passwords: every room names its author."""

from __future__ import annotations

import enum
import os
import secrets

import argon2
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from loa import audit
from loa.database import Base, word_of
from loa.errors import LoaError, NotAllowed, NotFound
from loa.times import MINUTE, Instant, after
from loa.turns import Turns
from loa.words import say


class Role(enum.StrEnum):
    """What a member of staff is trusted with."""

    EDITOR = "editor"
    APPROVER = "approver"
    OPERATOR = "operator"
    ADMIN = "admin"
    VIEWER = "viewer"


class May(enum.StrEnum):
    """An act that needs a role."""

    READ = "read"
    WRITE = "write"
    APPROVE = "approve"
    SCHEDULE = "schedule"
    STOP = "stop"
    OPERATE = "operate"
    MANAGE = "manage"


# An admin runs the station but does not approve: whoever may make staff must not also be the second pair of eyes.
_MAY: dict[Role, frozenset[May]] = {
    Role.VIEWER: frozenset({May.READ}),
    Role.EDITOR: frozenset({May.READ, May.WRITE, May.SCHEDULE}),
    Role.APPROVER: frozenset({May.READ, May.WRITE, May.APPROVE, May.SCHEDULE, May.STOP}),
    Role.OPERATOR: frozenset({May.READ, May.WRITE, May.SCHEDULE, May.STOP, May.OPERATE}),
    Role.ADMIN: frozenset({May.READ, May.WRITE, May.SCHEDULE, May.STOP, May.OPERATE, May.MANAGE}),
}
_REFUSAL = {
    May.READ: say("xem trang này"),
    May.WRITE: say("soạn bản tin"),
    May.APPROVE: say("duyệt bản tin; việc này cần người duyệt"),
    May.SCHEDULE: say("đặt lịch phát"),
    May.STOP: say("dừng phát; việc này cần người vận hành hoặc người duyệt"),
    May.OPERATE: say("điều khiển đầu thu từ xa; việc này cần người vận hành hoặc quản trị"),
    May.MANAGE: say("quản lý đầu thu, cán bộ và quy chế; việc này cần quản trị"),
}
MIN_PASSWORD = 10
WRONG_BEFORE_WAIT = 5
WRONG_PER_ADDRESS = 30
"""An office shares one address: a colleague's slips must not lock everyone out."""
WAIT = 5 * MINUTE
# 19 MiB, two passes, one lane: OWASP's measures for argon2id. The library's own take eight times the processor time,
# on four threads at once: twenty people who sign in at five in the morning would leave nothing to those who work.
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_hashing = Turns(at_once=max((os.cpu_count() or 2) - 1, 1), waiting=16)
"""A processor stays free for pages, and whoever waits holds one of the server's threads."""


class Staff(Base):
    """A person who signs in."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name: Mapped[str] = mapped_column(sa.String(128))
    role: Mapped[Role] = mapped_column(word_of(Role))
    password_hash: Mapped[str] = mapped_column(sa.String(256))
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("areas.id"))
    """Works for this area and all below it; None is the whole station."""
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[Instant]
    session_stamp: Mapped[str] = mapped_column(sa.String(32))
    """Changes with the password: every older sign-in of this person ends."""

    def may(self, act: May) -> bool:
        return self.active and act in _MAY[self.role]

    def demand(self, act: May) -> None:
        """Raise NotAllowed, naming who could, unless this person may."""
        if not self.may(act):
            raise NotAllowed(
                say("%(name)s không có quyền %(act)s.", name=self.name, act=_REFUSAL[act])
            )


class SignInFailure(Base):
    """A wrong password, kept as long as it still slows the next try."""

    __tablename__ = "sign_in_failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(160), index=True)
    at: Mapped[Instant]


def new_password() -> str:
    """Sixteen characters that a person can read out over a telephone."""
    letters = "abcdefghkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def add(
    session: Session,
    *,
    login: str,
    name: str,
    role: Role,
    password: str,
    now: Instant,
    by: str = audit.SYSTEM,
    area_id: int | None = None,
) -> Staff:
    """Add a member of staff, who works for that area. Raises LoaError naming the field."""
    login = login.strip().lower()
    if not login or not login.replace(".", "").replace("-", "").isalnum() or not login.isascii():
        raise LoaError(
            say(
                "Tên đăng nhập “%(login)s” chỉ được gồm chữ không dấu, số, dấu chấm, gạch nối.",
                login=login,
            ),
            field="login",
        )
    if not name.strip():
        raise LoaError(say("Hãy nhập họ tên cán bộ."), field="name")
    if session.scalar(sa.select(Staff.id).where(Staff.login == login)):
        raise LoaError(
            say("Tên đăng nhập “%(login)s” đã có người dùng. Hãy chọn tên khác.", login=login),
            field="login",
        )
    _demand_whole(role, area_id)
    person = Staff(
        login=login, name=name.strip(), role=role, area_id=area_id, created_at=now, active=True
    )
    _set_password(person, password)
    session.add(person)
    session.flush()
    where = {} if area_id is None else {"area": area_id}
    audit.append(session, now, by, "staff.add", login=login, name=person.name, role=role, **where)
    return person


def _demand_whole(role: Role, area_id: int | None) -> None:
    # Receivers, keys and the regulation are the station's: there is no managing a part of them.
    if role is Role.ADMIN and area_id is not None:
        raise LoaError(
            say(
                "Quản trị làm việc cho cả đài. Hãy chọn “cả đài”, hoặc vai trò khác cho cán bộ của một địa bàn."
            ),
            field="area",
        )


def move(session: Session, person: Staff, area_id: int | None, *, now: Instant, by: Staff) -> bool:
    """Have the person work for another area, None for the whole station; False where nothing changes.

    Raises LoaError for an admin. What the person has scheduled stays as it is.
    """
    by.demand(May.MANAGE)
    _demand_whole(person.role, area_id)
    if person.area_id == area_id:
        return False
    audit.append(
        session,
        now,
        by.login,
        "staff.area",
        login=person.login,
        before=person.area_id,
        after=area_id,
    )
    person.area_id = area_id
    session.flush()
    return True


def change_password(
    session: Session, person: Staff, password: str, *, now: Instant, by: str
) -> None:
    """Set a new password and end every older sign-in of this person."""
    _set_password(person, password)
    audit.append(session, now, by, "staff.password", login=person.login)


def close(session: Session, person: Staff, *, now: Instant, by: Staff) -> None:
    """End an account and every sign-in of it; what the person did stays in the log."""
    by.demand(May.MANAGE)
    if person.id == by.id:
        raise LoaError(say("Không tự khoá tài khoản của mình được. Hãy nhờ quản trị khác."))
    person.active, person.session_stamp = False, secrets.token_hex(8)
    audit.append(session, now, by.login, "staff.close", login=person.login)


def reopen(session: Session, person: Staff, *, now: Instant, by: Staff) -> None:
    """Let a person whose account was closed sign in again, with the same password."""
    by.demand(May.MANAGE)
    person.active = True
    audit.append(session, now, by.login, "staff.reopen", login=person.login)


def get(session: Session, staff_id: int) -> Staff:
    """That person. Raises NotFound."""
    person = session.get(Staff, staff_id)
    if person is None:
        raise NotFound(say("Không tìm thấy cán bộ này. Hãy quay lại danh sách cán bộ."))
    return person


def _set_password(person: Staff, password: str) -> None:
    if len(password) < MIN_PASSWORD:
        raise LoaError(
            say("Mật khẩu cần ít nhất %(least)s ký tự.", least=MIN_PASSWORD), field="password"
        )
    with _hashing.one():
        person.password_hash = _hasher.hash(password)
    person.session_stamp = secrets.token_hex(8)


def wait_before_sign_in(session: Session, keys: tuple[str, ...], now: Instant) -> bool:
    """True while any of ``keys`` (``login:…``, ``address:…``) has failed too often to be tried again."""
    for key in keys:
        most = WRONG_PER_ADDRESS if key.startswith("address:") else WRONG_BEFORE_WAIT
        if recent_failures(session, key, now) >= most:
            return True
    return False


def recent_failures(session: Session, key: str, now: Instant) -> int:
    """How often ``key`` has failed within ``WAIT``.

    What a clock that ran ahead wrote down for later does not count: it would bar people until then.
    """
    recent = SignInFailure.at.between(after(now, -WAIT + 1), now)
    found = sa.select(sa.func.count()).where(recent, SignInFailure.key == key)
    return session.scalar(found) or 0


def find_for_sign_in(session: Session, login: str) -> Staff | None:
    """The active person of that login; None for an unknown or closed one."""
    return session.scalar(
        sa.select(Staff).where(Staff.login == login.strip().lower(), Staff.active)
    )


_NOBODY = _hasher.hash(secrets.token_hex(16))


def password_matches(person: Staff | None, password: str) -> bool:
    """Check a password, taking as long for an unknown login as for a known one. Needs no transaction.

    Raises Crowded when too many wait for theirs.
    """
    with _hashing.one():
        try:
            _hasher.verify(person.password_hash if person else _NOBODY, password)
        except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
            return False
    return person is not None


def hashed_anew(person: Staff, password: str) -> str | None:
    """The right password hashed as it is today; None where it already is. Slow: outside any transaction."""
    if not _hasher.check_needs_rehash(person.password_hash):
        return None
    return _hasher.hash(password)


def keep_hash(session: Session, person: Staff, hashed: str) -> None:
    """The same password, kept as ``hashed_anew``, unless it was changed meanwhile; no sign-in ends."""
    is_same = (Staff.id == person.id, Staff.password_hash == person.password_hash)
    session.execute(sa.update(Staff).where(*is_same).values(password_hash=hashed))


def record_sign_in(
    session: Session, keys: tuple[str, ...], person: Staff | None, now: Instant
) -> None:
    """Write the outcome: a failure counts against every key, a success clears them."""
    session.execute(sa.delete(SignInFailure).where(SignInFailure.at <= after(now, -WAIT)))
    if person is None:
        session.add_all(SignInFailure(key=key, at=now) for key in keys)
        audit.append(session, now, audit.SYSTEM, "staff.sign_in_failed", keys=list(keys))
    else:
        session.execute(sa.delete(SignInFailure).where(SignInFailure.key.in_(keys)))
        audit.append(session, now, person.login, "staff.sign_in")


def everyone(session: Session) -> list[Staff]:
    """All staff by name."""
    return list(session.scalars(sa.select(Staff).order_by(Staff.name)))
