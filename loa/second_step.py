"""Second step (bước xác nhận thứ hai): a code from the person's own phone, after the password.

A recovery code, written down when the step was set up, does the same once: also where the phone is lost, the
station's clock is wrong, or many wrong codes were typed.
"""

from __future__ import annotations

import enum
import secrets
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from loa import audit, one_time
from loa.database import Base
from loa.errors import LoaError
from loa.one_time import DRIFT, PERIOD, Keeper
from loa.staff import WAIT, WRONG_BEFORE_WAIT, May, SignInFailure, Staff, recent_failures
from loa.times import HOUR, MINUTE, Instant, after
from loa.words import say

FRESH = 15 * MINUTE
"""So long one step counts for orders to sound an emergency."""
SET_UP_WITHIN = 15 * MINUTE
"""So long the square to be scanned is shown: afterwards it is begun anew, with the password."""
RECOVERY_CODES = 10
_LOOKED_AT = 14 * HOUR
"""So wrong a clock is told apart from a mistyped code while the step is set up."""


class Outcome(enum.Enum):
    """What became of a code."""

    PASSED = "passed"
    RECOVERED = "recovered"
    WRONG = "wrong"
    USED = "used"
    WAIT = "wait"
    """Too many wrong ones; a recovery code is looked at all the same."""
    UNREADABLE = "unreadable"
    """The key in the secrets folder is another than the one the secret was kept with."""


class SecondStep(Base):
    """One person's second step. In force while it has ``secret``."""

    __tablename__ = "second_steps"

    staff_id: Mapped[int] = mapped_column(
        sa.ForeignKey("staff.id"), primary_key=True, autoincrement=False
    )
    secret: Mapped[str | None] = mapped_column(sa.Text)
    """What station and phone share, encrypted; None when it was taken off or never finished."""
    pending: Mapped[str | None] = mapped_column(sa.Text)
    """As ``secret``: scanned, and not confirmed yet."""
    pending_at: Mapped[Instant | None]
    confirmed_at: Mapped[Instant | None]
    last_period: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """Of the newest code that was used: it and older ones are good no more."""
    salt: Mapped[str] = mapped_column(sa.String(32))
    """Of the hashes of its recovery codes."""
    removed_at: Mapped[Instant | None]
    removed_by: Mapped[str | None] = mapped_column(sa.String(64))
    """Login of somebody else who took it off; None where the person did."""

    @property
    def is_on(self) -> bool:
        return self.secret is not None


class RecoveryCode(Base):
    """A code on paper, good once. Only its hash is kept."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"), index=True)
    hash: Mapped[str] = mapped_column(sa.String(64))
    used_at: Mapped[Instant | None]


@dataclass(frozen=True)
class Try:
    """What was typed: six digits, or the hash of what may be a recovery code."""

    digits: str = ""
    hash: str = ""


def keeper(folder: Path) -> Keeper:
    """Of the shared secrets; its key lies in the secrets folder."""
    return Keeper(folder / "second-step.key")


def of(session: Session, person: Staff) -> SecondStep | None:
    """The person's row, in force or not."""
    return session.get(SecondStep, person.id)


def is_on(session: Session, person: Staff) -> bool:
    """Whether the person has a second step in force."""
    step = of(session, person)
    return step is not None and step.is_on


def all_on(session: Session) -> set[int]:
    """Ids of staff who have one in force."""
    return set(
        session.scalars(sa.select(SecondStep.staff_id).where(SecondStep.secret.is_not(None)))
    )


def is_wanted_of(person: Staff) -> bool:
    """Whether the station reminds the person of it: whoever approves, stops or manages."""
    return person.may(May.STOP)


# -- setting it up --------------------------------------------------------------------------------


def begin(session: Session, keeper: Keeper, person: Staff, now: Instant) -> None:
    """Make a secret to be scanned; one in force stays so until the new one is confirmed."""
    step = of(session, person)
    if step is None:
        step = SecondStep(staff_id=person.id, last_period=0, salt="")
        session.add(step)
    step.pending, step.pending_at = keeper.close(one_time.new_secret()), now
    session.flush()


def pending(session: Session, keeper: Keeper, person: Staff, now: Instant) -> str | None:
    """The secret to be scanned, in base 32; None when none was begun lately."""
    step = of(session, person)
    if step is None or step.pending is None or step.pending_at is None:
        return None
    return keeper.open(step.pending) if 0 <= now - step.pending_at < SET_UP_WITHIN else None


def give_up(session: Session, person: Staff) -> None:
    """Forget what was begun and not confirmed."""
    step = of(session, person)
    if step is not None:
        step.pending = step.pending_at = None


def confirm(session: Session, keeper: Keeper, person: Staff, typed: str, now: Instant) -> list[str]:
    """Put the pending one in force and end older sign-ins; returns the recovery codes. Raises LoaError."""
    secret, step = pending(session, keeper, person, now), of(session, person)
    if secret is None or step is None:
        raise LoaError(say("Đã quá 15 phút từ lúc bắt đầu. Hãy bắt đầu lại bằng mật khẩu."))
    period = one_time.matching(secret, one_time.digits_of(typed), now)
    if period is None:
        raise LoaError(_why_not(secret, one_time.digits_of(typed), now), field="code")
    step.secret, step.pending, step.pending_at = step.pending, None, None
    step.confirmed_at, step.last_period = now, period
    step.removed_at = step.removed_by = None
    person.session_stamp = secrets.token_hex(8)
    audit.append(session, now, person.login, "second_step.on", login=person.login)
    return _new_codes(session, step)


def _why_not(secret: str, digits: str, now: Instant) -> str:
    """Only while setting up, where telling about other times helps nobody to guess."""
    far = _LOOKED_AT // PERIOD
    period = one_time.matching(secret, digits, now, far) if digits else None
    if period is None:
        return say("Mã không đúng. Hãy gõ 6 chữ số đang hiện ở ứng dụng trên điện thoại.")
    minutes = max(1, round(abs(now - period * PERIOD) / MINUTE))
    if period * PERIOD > now:
        return say(
            "Mã này của điện thoại, nhưng đồng hồ của đài chậm hơn điện thoại khoảng %(minutes)s phút. "
            "Hãy báo quản trị chỉnh giờ của đài (hoặc bật giờ tự động trên điện thoại), rồi gõ mã mới.",
            minutes=minutes,
        )
    return say(
        "Mã này của điện thoại, nhưng đồng hồ của đài nhanh hơn điện thoại khoảng %(minutes)s phút. "
        "Hãy báo quản trị chỉnh giờ của đài (hoặc bật giờ tự động trên điện thoại), rồi gõ mã mới.",
        minutes=minutes,
    )


def renew_codes(session: Session, person: Staff, now: Instant) -> list[str]:
    """Ten new recovery codes in place of the old ones. Raises LoaError where there is no second step."""
    step = of(session, person)
    if step is None or not step.is_on:
        raise LoaError(say("Tài khoản này chưa đặt bước xác nhận thứ hai."))
    audit.append(session, now, person.login, "second_step.codes", login=person.login)
    return _new_codes(session, step)


def codes_left(session: Session, person: Staff) -> int:
    """How many recovery codes are still good."""
    left = sa.select(sa.func.count()).where(
        RecoveryCode.staff_id == person.id, RecoveryCode.used_at.is_(None)
    )
    return session.scalar(left) or 0


def _new_codes(session: Session, step: SecondStep) -> list[str]:
    session.execute(sa.delete(RecoveryCode).where(RecoveryCode.staff_id == step.staff_id))
    step.salt = secrets.token_hex(16)
    codes = [one_time.new_recovery_code() for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(staff_id=step.staff_id, hash=one_time.recovery_hash(code, step.salt))
        for code in codes
    )
    session.flush()
    return codes


def take_off(session: Session, person: Staff, now: Instant, by: str) -> bool:
    """Have the password alone do again, and end older sign-ins; False where there was nothing to take off."""
    step = of(session, person)
    if step is None or not step.is_on:
        return False
    step.secret = step.pending = step.pending_at = step.confirmed_at = None
    step.removed_at, step.removed_by = now, by if by != person.login else None
    session.execute(sa.delete(RecoveryCode).where(RecoveryCode.staff_id == person.id))
    person.session_stamp = secrets.token_hex(8)
    audit.append(session, now, by, "second_step.off", login=person.login)
    return True


# -- passing it -----------------------------------------------------------------------------------


def prepare(step: SecondStep | None, typed: str) -> Try:
    """Read what was typed. Slow for a recovery code, on purpose: needs no transaction."""
    if step is None or not step.is_on:
        return Try()
    digits = one_time.digits_of(typed)
    return Try(digits) if digits else Try(hash=one_time.recovery_hash(typed, step.salt))


def attempt(session: Session, keeper: Keeper, person: Staff, tried: Try, now: Instant) -> Outcome:
    """Try a code, and write down what became of it. Commit whatever the outcome: a wrong one counts."""
    step = of(session, person)
    if step is None or step.secret is None:
        return Outcome.WRONG
    if tried.hash and _use_recovery_code(session, person, tried.hash, now):
        _clear_failures(session, person)
        return Outcome.RECOVERED
    if recent_failures(session, _key_of(person), now) >= WRONG_BEFORE_WAIT:
        return Outcome.WAIT
    outcome = _use_digits(keeper, step, tried.digits, now) if tried.digits else Outcome.WRONG
    if outcome is Outcome.PASSED:
        _clear_failures(session, person)
    elif outcome is not Outcome.UNREADABLE:
        _note_failure(session, person, now)
    return outcome


def _use_digits(keeper: Keeper, step: SecondStep, digits: str, now: Instant) -> Outcome:
    secret = keeper.open(step.secret or "")
    if secret is None:
        return Outcome.UNREADABLE
    period = one_time.matching(secret, digits, now)
    if period is None:
        return Outcome.WRONG
    # Far ahead of now it was noted by a clock that has been put right since: it must bar nobody for years.
    if period <= step.last_period <= now // PERIOD + DRIFT:
        return Outcome.USED
    step.last_period = period
    return Outcome.PASSED


def _use_recovery_code(session: Session, person: Staff, hashed: str, now: Instant) -> bool:
    code = session.scalars(
        sa.select(RecoveryCode).where(
            RecoveryCode.staff_id == person.id,
            RecoveryCode.hash == hashed,
            RecoveryCode.used_at.is_(None),
        )
    ).first()
    if code is None:
        return False
    code.used_at = now
    session.flush()
    left = codes_left(session, person)
    audit.append(session, now, person.login, "second_step.recovered", login=person.login, left=left)
    return True


def _note_failure(session: Session, person: Staff, now: Instant) -> None:
    session.execute(sa.delete(SignInFailure).where(SignInFailure.at <= after(now, -WAIT)))
    session.add(SignInFailure(key=_key_of(person), at=now))
    audit.append(session, now, audit.SYSTEM, "second_step.failed", login=person.login)


def _clear_failures(session: Session, person: Staff) -> None:
    session.execute(sa.delete(SignInFailure).where(SignInFailure.key == _key_of(person)))


def _key_of(person: Staff) -> str:
    return f"step:{person.login}"
