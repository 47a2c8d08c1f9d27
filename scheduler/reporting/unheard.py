"""What is not confirmed, by name: a report that only counts it would let it be overlooked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import Receiver
from loa.times import Instant, local
from loa.words import say
from scheduler import reports
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.exports import words
from scheduler.reporting import figures, log
from scheduler.reporting.figures import Inside
from scheduler.reporting.tables import Expectation
from scheduler.reports import LogFilter

MOST_BROADCASTS = 8
MOST_RECEIVERS = 6
WHERE = say("Danh sách đầy đủ: Nhật ký phát, kết quả “chưa có xác nhận”.")

_ROW: tuple[sa.SQLColumnExpression[Any], ...] = (
    Broadcast.starts_at, sa.func.coalesce(Expectation.title, Broadcast.title), Broadcast.drill,
    Delivery.receiver_name, Delivery.area_name,
)  # fmt: skip

_NUMBER: tuple[sa.SQLColumnExpression[Any], ...] = (Broadcast.id, sa.func.count())


@dataclass(frozen=True)
class Named:
    """A broadcast and some of the receivers that nothing was heard of."""

    starts_at: Instant
    title: str
    drill: bool
    receivers: list[str]
    """Name and area of each, at most MOST_RECEIVERS."""
    more: int
    """How many there are besides."""


@dataclass(frozen=True)
class Unheard:
    """Results that nothing was heard of: the newest broadcasts by name, the others as a number."""

    named: list[Named]
    more: int
    """Results of the other broadcasts."""
    more_broadcasts: int


def of(session: Session, which: sa.ColumnElement[bool], inside: Inside = None) -> Unheard:
    """Those of the broadcasts meant by ``which``, exercises included; from the counts the database keeps."""
    t = figures.counted(inside, which).c
    numbers = (
        sa.select(t.broadcast_id, sa.cast(sa.func.sum(t.deliveries), sa.BigInteger))
        .join(Broadcast, Broadcast.id == t.broadcast_id)
        .where(which, t.state == DeliveryState.UNKNOWN)
        .group_by(t.broadcast_id, Broadcast.starts_at)
        .order_by(Broadcast.starts_at.desc(), t.broadcast_id.desc())
    )
    rows = (
        sa.select(*_ROW)
        .select_from(Broadcast)
        .join(Delivery, Delivery.broadcast_id == Broadcast.id)
        .outerjoin(Expectation, Expectation.id == Delivery.expectation_id)
        .where(Delivery.state == DeliveryState.UNKNOWN)
    )
    if inside is not None:
        standing = sa.select(Receiver.id).where(Receiver.area_id.in_(inside))
        rows = rows.where(Delivery.receiver_id.in_(standing))
    return _unheard(session, numbers, rows)


def of_log(session: Session, wanted: LogFilter) -> Unheard:
    """Those that a filter of the log means."""
    if wanted.state not in (None, DeliveryState.UNKNOWN):
        return Unheard([], 0, 0)
    wanted = reports.looked_up(session, replace(wanted, state=DeliveryState.UNKNOWN))
    numbers = (
        log.matching(sa.select(*_NUMBER), wanted)
        .group_by(Broadcast.id, Broadcast.starts_at)
        .order_by(Broadcast.starts_at.desc(), Broadcast.id.desc())
    )
    return _unheard(session, numbers, log.matching(sa.select(*_ROW), wanted))


def _unheard(session: Session, numbers: sa.Select[Any], rows: sa.Select[Any]) -> Unheard:
    each = session.execute(numbers).all()
    rest = each[MOST_BROADCASTS:]
    named = [_named(session, rows, *one) for one in each[:MOST_BROADCASTS]]
    return Unheard(named, sum(number for _, number in rest), len(rest))


def _named(session: Session, rows: sa.Select[Any], broadcast_id: int, number: int) -> Named:
    some = rows.where(Broadcast.id == broadcast_id).order_by(
        Delivery.area_name, Delivery.receiver_name, Delivery.id
    )
    found = session.execute(some.limit(MOST_RECEIVERS)).all()
    starts_at, title, drill, *_ = found[0]
    return Named(starts_at, title, drill, [_at(*row[3:]) for row in found], number - len(found))


def _at(receiver: str, area: str) -> str:
    return f"{receiver} ({area})"


def footnotes(found: Unheard, zone: ZoneInfo) -> list[str]:
    """One sentence per broadcast, and where the others are; nothing where all was heard of."""
    if not found.named:
        return []
    said: list[str] = [
        say("Chưa có xác nhận, lượt mới nhất trước:"),
        *(_line(each, zone) for each in found.named),
    ]
    if found.more:
        said.append(
            say(
                "– và %(more)s kết quả khác của %(broadcasts)s lượt phát.",
                more=words.number(found.more),
                broadcasts=words.number(found.more_broadcasts),
            )
        )
    return [*said, WHERE]


def _line(each: Named, zone: ZoneInfo) -> str:
    drill = say(" (diễn tập)") if each.drill else ""
    more = say(" và %(more)s đầu thu khác", more=words.number(each.more)) if each.more else ""
    when = local(each.starts_at, zone)
    return say(
        "– %(clock)s ngày %(day)s, “%(title)s”%(drill)s: %(names)s%(more)s.",
        clock=f"{when:%H:%M}",
        day=f"{when:%d/%m/%Y}",
        title=each.title,
        drill=drill,
        names=", ".join(each.receivers),
        more=more,
    )
