"""What programs were answered, by the key of their call: a call sent twice is carried out once, and answered twice.

Kept in the very transaction in which the call was carried out. Refusals are not kept: nothing was done.
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from loa.database import Base
from loa.errors import LoaError
from loa.times import HOUR, Instant, after
from loa.words import say

KEPT = 48 * HOUR
"""Longer than any program goes on trying."""
MAX_KEY = 128
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


class KeyMissing(LoaError):
    """A call that makes something must bring a key of its own."""

    code = "idempotency_key_missing"


class KeyReused(LoaError):
    """The key has served another call: send each new call with a new key."""

    code = "idempotency_key_reused"


class KeptAnswer(Base):
    """The answer to one call."""

    __tablename__ = "kept_answers"
    __table_args__ = (sa.UniqueConstraint("token_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_id: Mapped[int] = mapped_column(sa.ForeignKey("tokens.id"))
    key: Mapped[str] = mapped_column(sa.String(MAX_KEY))
    asked: Mapped[str] = mapped_column(sa.String(64))
    """sha256 of what was asked."""
    status: Mapped[int]
    body: Mapped[str] = mapped_column(sa.Text)
    at: Mapped[Instant] = mapped_column(index=True)


def demand(key: str | None) -> str:
    """The key of a call. Raises KeyMissing where there is none, or none that can be kept."""
    if key is None or not _KEY.fullmatch(key):
        raise KeyMissing(
            say(
                "Lệnh này cần tiêu đề Idempotency-Key: một chuỗi mới cho mỗi lệnh, ví dụ một UUID, từ 1 đến 128 ký tự "
                "ASCII không dấu cách. Gửi lại đúng lệnh ấy thì dùng lại đúng khoá ấy."
            ),
            field="Idempotency-Key",
        )
    return key


def find(session: Session, token_id: int, key: str, asked: str, now: Instant) -> KeptAnswer | None:
    """What was answered to the very same call. Raises KeyReused where the key was another's.

    Asked in the transaction of the only writer, so that of two at once the second sees the first.
    """
    session.execute(sa.delete(KeptAnswer).where(KeptAnswer.at <= after(now, -KEPT)))
    kept = session.scalar(
        sa.select(KeptAnswer).where(KeptAnswer.token_id == token_id, KeptAnswer.key == key)
    )
    if kept is not None and kept.asked != asked:
        raise KeyReused(
            say(
                "Khoá “%(key)s” đã dùng cho một lệnh khác. Hãy tạo khoá mới cho mỗi lệnh mới.",
                key=key,
            ),
            field="Idempotency-Key",
        )
    return kept


def keep(
    session: Session, token_id: int, key: str, asked: str, *, status: int, body: str, now: Instant
) -> None:
    """Keep the answer that is about to be given."""
    session.add(
        KeptAnswer(token_id=token_id, key=key, asked=asked, status=status, body=body, at=now)
    )
    session.flush()
