"""The tables of reports by order: what is to be made when, and a row for each time it was due."""

from __future__ import annotations

import enum
from datetime import date, time

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from loa.database import Base, Json, Sentence
from loa.errors import NotFound
from loa.staff import Staff
from loa.times import Instant
from loa.words import say
from scheduler.campaign_tables import Campaign


class What(enum.StrEnum):
    """Of what a report is made."""

    WEEK = "week"
    MONTH = "month"
    HALF = "half"
    YEAR = "year"
    CAMPAIGN = "campaign"


class RunState(enum.StrEnum):
    """How far a report has come."""

    DUE = "due"
    """Its day has come; it is being made."""
    MADE = "made"
    """The file is there. Where nobody is to get mail, this is the end."""
    SENT = "sent"
    """A mail server has taken it."""
    FAILED = "failed"
    """Given up; a person may try again."""
    UNSURE = "unsure"
    """Nobody can know whether the mail server took it; a person decides."""


class ReportOrder(Base):
    """A report somebody wants regularly. ``day`` and ``month`` are what ``due`` makes of them."""

    __tablename__ = "report_orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[What] = mapped_column(
        sa.Enum(What, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e])
    )
    campaign_id: Mapped[int | None] = mapped_column(sa.ForeignKey("campaigns.id"))
    format: Mapped[str] = mapped_column(sa.String(8))
    day: Mapped[int]
    month: Mapped[int]
    at: Mapped[time]
    to: Mapped[list[str]] = mapped_column(Json)
    """Mail addresses."""
    folder: Mapped[str] = mapped_column(sa.String(40))
    """Name of a folder in data/reports; empty: none."""
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    """Who set it, and in whose name its reports are issued."""
    created_at: Mapped[Instant]
    since: Mapped[Instant]
    """Dates before are not made up for: it was set, or resumed, after them."""
    paused_at: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]

    campaign: Mapped[Campaign | None] = relationship(lazy="joined")
    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)


class ReportRun(Base):
    """One report of an order: written when it is due, before anything is made, and never twice."""

    __tablename__ = "report_runs"
    __table_args__ = (
        sa.UniqueConstraint("order_id", "due_at", name="uq_report_runs_order_id_due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("report_orders.id"))
    due_at: Mapped[Instant]
    first: Mapped[date]
    last: Mapped[date]
    """The days it is about, both included."""
    state: Mapped[RunState] = mapped_column(
        sa.Enum(RunState, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e])
    )  # fmt: skip
    reason: Mapped[str] = mapped_column(Sentence, default="")
    """The last failure, for people."""
    attempts: Mapped[int] = mapped_column(default=0)
    """To make it, or once it is made, to send it."""
    next_at: Mapped[Instant | None] = mapped_column(index=True)
    """When something is to be done about it; None: nothing any more."""
    made_at: Mapped[Instant | None]
    name: Mapped[str] = mapped_column(sa.String(120), default="")
    """Of the file, as people get it."""
    sha256: Mapped[str | None] = mapped_column(sa.String(64))
    said: Mapped[str] = mapped_column(sa.Text, default="")
    """What the mail says."""
    message_id: Mapped[str] = mapped_column(sa.String(200), default="")
    """The same each time it is sent, so that a mail program can know the second as the first."""
    sending_since: Mapped[Instant | None]
    """Set before the mail server is spoken to, taken away after its answer."""
    sent_at: Mapped[Instant | None]
    refused: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    """Addresses that the mail server did not take, with its words."""

    order: Mapped[ReportOrder] = relationship(lazy="joined", innerjoin=True)

    @property
    def is_troubled(self) -> bool:
        """Whether a person had better look."""
        return self.state in (RunState.FAILED, RunState.UNSURE) or (
            self.attempts >= TROUBLED and self.next_at is not None
        )


TROUBLED = 3
"""Attempts in vain after which people are told."""


def order_of(session: Session, order_id: int) -> ReportOrder:
    """Raises NotFound."""
    found = session.get(ReportOrder, order_id)
    if found is None or found.ended_at is not None:
        raise NotFound(say("Không còn báo cáo định kỳ này. Hãy tải lại danh sách."))
    return found


def run_of(session: Session, run_id: int) -> ReportRun:
    """Raises NotFound."""
    found = session.get(ReportRun, run_id)
    if found is None:
        raise NotFound(say("Không có lần lập báo cáo này. Hãy tải lại danh sách."))
    return found
