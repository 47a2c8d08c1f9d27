"""Archives, the doors they open in the guards, the rules, and what is held back by request."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from loa.database import Base, Json
from loa.times import Instant


class Archive(Base):
    """A file that was written, read back and verified. Rows are only added."""

    __tablename__ = "retention_archives"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[str] = mapped_column(sa.String(7))
    """2024-11, by the station's clock."""
    since: Mapped[Instant]
    until: Mapped[Instant]
    name: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """Of the file in the archives' folder."""
    sha256: Mapped[str] = mapped_column(sa.String(64))
    size: Mapped[int] = mapped_column(sa.BigInteger)
    rows: Mapped[dict[str, int]] = mapped_column(Json)
    """File of the bundle → its rows."""
    audit_n: Mapped[int] = mapped_column(sa.BigInteger)
    """The row of the audit log that names it."""
    made_at: Mapped[Instant]


class Door(Base):
    """What of one receiver an archive holds, and the guards therefore let out. Rows are only added."""

    __tablename__ = "retention_doors"

    tbl: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    receiver_id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    jid: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    """Of a journal; empty for plans."""
    upto: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    """The last entry, or plan revision, that may go."""
    hash: Mapped[str] = mapped_column(sa.String(64))
    """Of a journal: its chain's hash there, with which what stays begins."""
    archive_id: Mapped[int] = mapped_column(
        sa.ForeignKey("retention_archives.id"), primary_key=True, autoincrement=False, index=True
    )


class Progress(Base):
    """How far the rows of an archive have left the database."""

    __tablename__ = "retention_progress"

    archive_id: Mapped[int] = mapped_column(
        sa.ForeignKey("retention_archives.id"), primary_key=True, autoincrement=False
    )
    upto: Mapped[str] = mapped_column(sa.String(32), default="")
    """The last receiver, by the bytes of ids, whose deliveries of the month were taken out."""
    stopped: Mapped[bool] = mapped_column(default=False)
    """Something changed after the archive was made: the receivers behind ``upto`` get another archive."""
    finished_at: Mapped[Instant | None]


class Rule(Base):
    """For how long things are kept, from ``at`` on; the newest holds."""

    __tablename__ = "retention_rules"

    id: Mapped[int] = mapped_column(primary_key=True)
    log_months: Mapped[int]
    """0: for ever."""
    at: Mapped[Instant]
    by: Mapped[str | None] = mapped_column(sa.String(128))
    """Who confirmed it; None: it was read from config.toml, and nothing leaves by it yet."""


class Hold(Base):
    """Kept by request (giữ lại theo yêu cầu): a span of time, a campaign or a bulletin."""

    __tablename__ = "retention_holds"

    id: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[Instant | None]
    until: Mapped[Instant | None]
    campaign_id: Mapped[int | None] = mapped_column(sa.ForeignKey("campaigns.id"))
    bulletin_id: Mapped[int | None] = mapped_column(sa.ForeignKey("bulletins.id"))
    reason: Mapped[str] = mapped_column(sa.String(500))
    by: Mapped[str] = mapped_column(sa.String(128))
    at: Mapped[Instant]
    lifted_at: Mapped[Instant | None]
    lifted_by: Mapped[str | None] = mapped_column(sa.String(128))
    lifted_reason: Mapped[str | None] = mapped_column(sa.String(500))
