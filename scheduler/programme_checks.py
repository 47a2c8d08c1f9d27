"""What a person fills in to make a programme, and whether it can be one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time

from sqlalchemy.orm import Session

from content import bulletins, relays
from content.bulletins import Bulletin, Priority
from content.bulletins import State as BulletinState
from loa.errors import ScheduleError
from loa.times import MINUTE, Instant
from loa.words import say
from scheduler import recurrence, regulation, targets
from scheduler.programme_tables import Item, ItemKind, Programme
from scheduler.targets import Where

MOST_ITEMS = 40
MOST_MINUTES = 720
MOST_NAME = 200
GONE = (BulletinState.WITHDRAWN, BulletinState.REJECTED)


@dataclass(frozen=True)
class Line:
    """One entry as it is filled in."""

    kind: ItemKind
    bulletin_id: int | None = None
    ms: int = 0
    """Of a relay or of minutes for campaigns; 0 of a relay is as its bulletin says."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """All that is filled in."""

    name: str
    slot: str | None = None
    """Key of a session of the regulation; None: at ``at`` for ``minutes``."""
    at: time | None = None
    minutes: int = 0
    rule: str = ""
    skips: tuple[str, ...] = ()
    start_date: date
    end_date: date | None = None
    where: Where
    lines: tuple[Line, ...] = ()


def fill_in(session: Session, programme: Programme, order: Order) -> None:
    """Give the programme what was filled in; its items are made anew. Raises NotFound for a bulletin there is not."""
    programme.name = " ".join(order.name.split())
    programme.slot, programme.at = order.slot, None if order.slot else order.at
    programme.minutes = 0 if order.slot else order.minutes
    programme.rule, programme.skips = order.rule, sorted(set(order.skips))
    programme.start_date = order.start_date
    programme.end_date = order.start_date if order.rule == recurrence.ONCE else order.end_date
    programme.where = order.where
    programme.items = items(session, order.lines)


def items(session: Session, lines: Sequence[Line]) -> list[Item]:
    """The lines in their places, each with its bulletin. Raises NotFound."""
    return [_item(session, place, line) for place, line in enumerate(lines, start=1)]


def _item(session: Session, place: int, line: Line) -> Item:
    bulletin = bulletins.get(session, line.bulletin_id) if line.bulletin_id is not None else None
    kind = line.kind
    if bulletin is not None and kind is not ItemKind.CHIME:
        kind = ItemKind.RELAY if bulletin.relay else ItemKind.BULLETIN
    ms = line.ms if kind in (ItemKind.RELAY, ItemKind.FILL) else 0
    return Item(
        place=place, kind=kind, bulletin=bulletin, bulletin_id=bulletin.id if bulletin else None, ms=ms
    )  # fmt: skip


def check(session: Session, programme: Programme, now: Instant) -> None:
    """Raise ScheduleError, naming the field, where staff must put something right."""
    if not programme.name or len(programme.name) > MOST_NAME:
        raise ScheduleError(
            say(
                "Hãy đặt tên cho chương trình, không quá %(most)s chữ, ví dụ: Bản tin sáng.",
                most=MOST_NAME,
            ),
            field="name",
        )
    _check_time(session, programme, now)
    recurrence.parse(programme.rule)
    if programme.end_date is not None and programme.end_date < programme.start_date:
        raise ScheduleError(say("Ngày kết thúc đứng trước ngày bắt đầu."), field="end_date")
    targets.demand(session, programme.where)
    _check_items(programme.items)


def _check_time(session: Session, programme: Programme, now: Instant) -> None:
    if programme.slot is not None:
        if programme.slot not in {slot.key for slot in regulation.rules_at(session, now).slots}:
            raise ScheduleError(
                say(
                    "Quy chế hiện nay không có khung giờ này. Hãy chọn khung giờ khác hoặc đặt giờ riêng."
                ),
                field="slot",
            )
        return
    if programme.at is None:
        raise ScheduleError(say("Hãy nhập giờ phát, ví dụ 17:00."), field="at")
    if not 1 <= programme.minutes <= MOST_MINUTES:
        raise ScheduleError(
            say(
                "Thời lượng %(minutes)s phút phải từ 1 đến %(most)s phút.",
                minutes=programme.minutes,
                most=MOST_MINUTES,
            ),
            field="minutes",
        )


def _check_items(found: Sequence[Item]) -> None:
    if not found:
        raise ScheduleError(say("Chương trình chưa có mục nào. Hãy thêm bản tin."), field="items")
    if len(found) > MOST_ITEMS:
        raise ScheduleError(
            say(
                "Chương trình có %(n)s mục; tối đa %(most)s. Hãy bớt mục.",
                n=len(found),
                most=MOST_ITEMS,
            ),
            field="items",
        )
    for item in found:
        _check_item(item)


def _check_item(item: Item) -> None:
    bulletin, number = item.bulletin, item.place
    if bulletin is None and item.kind is not ItemKind.FILL:
        raise ScheduleError(say("Mục %(number)s: hãy chọn bản tin.", number=number), field="items")
    if bulletin is not None:
        _check_bulletin(bulletin, number)
    least = MINUTE if item.kind is ItemKind.FILL else 0
    # Receivers refuse a whole plan in which a relay is longer.
    most = relays.MOST_MINUTES if item.kind is ItemKind.RELAY else MOST_MINUTES
    if not least <= item.ms <= most * MINUTE:
        raise ScheduleError(
            say("Mục %(number)s: số phút phải từ 1 đến %(most)s.", number=number, most=most),
            field="items",
        )


def check_instead(session: Session, bulletin_id: int) -> None:
    """Raise ScheduleError where that bulletin cannot take a programme's place for a day, or NotFound."""
    bulletin = bulletins.get(session, bulletin_id)
    if bulletin.state in GONE or bulletin.priority is Priority.EMERGENCY:
        raise ScheduleError(
            say(
                "Bản tin “%(title)s” khẩn cấp, đã thu hồi hoặc bị trả lại nên không thay được. "
                "Hãy chọn bản tin khác.",
                title=bulletin.title,
            ),
            field="bulletin_id",
        )


def _check_bulletin(bulletin: Bulletin, number: int) -> None:
    if bulletin.state in GONE:
        raise ScheduleError(
            say(
                "Mục %(number)s: bản tin “%(title)s” đã bị thu hồi hoặc trả lại. Hãy bỏ khỏi chương trình.",
                number=number,
                title=bulletin.title,
            ),
            field="items",
        )
    if bulletin.priority is Priority.EMERGENCY:
        raise ScheduleError(
            say(
                "Mục %(number)s: bản tin khẩn cấp “%(title)s” không xếp vào chương trình được: "
                "nó phải phát ngay. Hãy dùng “Phát ngay”.",
                number=number,
                title=bulletin.title,
            ),
            field="items",
        )
