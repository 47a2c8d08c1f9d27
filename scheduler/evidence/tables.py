"""What the station keeps only so that others can check it: rows are only ever added."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from loa.database import Base, Json, Sentence
from loa.times import Instant


class Proof(Base):
    """One batch as its receiver signed it, without the entries, which lie in ``journal_entries`` byte for byte."""

    __tablename__ = "journal_proofs"
    __table_args__ = (sa.Index("ix_journal_proofs_place", "receiver_id", "jid", "last"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    """In the order in which batches were taken in, which is that of folding."""
    receiver_id: Mapped[str] = mapped_column(sa.String(32))
    jid: Mapped[str] = mapped_column(sa.String(64))
    first: Mapped[int] = mapped_column(sa.BigInteger)
    last: Mapped[int] = mapped_column(sa.BigInteger)
    """The last entry kept of it."""
    header: Mapped[str] = mapped_column(sa.Text)
    """The token's protected header, base64url."""
    before: Mapped[bytes]
    """The signed payload up to its first entry; all of it where ``after`` is None."""
    after: Mapped[bytes | None]
    """The payload from behind its last entry."""
    signature: Mapped[str] = mapped_column(sa.String(128))
    received_at: Mapped[Instant]


class Checkpoint(Base):
    """Number and hash of the newest row of the audit log, signed by the station."""

    __tablename__ = "checkpoints"

    n: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[Instant]
    jws: Mapped[bytes]


class KeyNote(Base):
    """What was known of one key of the station from then on; of each key its newest row counts."""

    __tablename__ = "station_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    kid: Mapped[str] = mapped_column(sa.String(64), index=True)
    x: Mapped[str] = mapped_column(sa.String(64))
    roles: Mapped[list[str]] = mapped_column(Json)
    since: Mapped[Instant]
    until: Mapped[Instant]
    noted_at: Mapped[Instant]


class KeyDocument(Base):
    """A keys document as the station's roots signed it: by it a root vouches for keys long after they are gone."""

    __tablename__ = "key_documents"

    kv: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    jws: Mapped[bytes]
    noted_at: Mapped[Instant]


class Handing(Base):
    """A day's checkpoint on its way to somebody outside; one row per day and place."""

    __tablename__ = "checkpoint_handings"

    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    """The station's own day, such as 2026-11-22."""
    place: Mapped[str] = mapped_column(sa.String(256), primary_key=True)
    """A mail address, or a folder."""
    n: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The checkpoint that was handed over."""
    handed_at: Mapped[Instant | None]
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[Instant]
    """Not before then is it tried again."""
    error: Mapped[str | None] = mapped_column(Sentence)
    """Why the last try failed, for staff."""
