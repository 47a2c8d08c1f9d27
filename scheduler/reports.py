"""The broadcast log (nhật ký phát), read only: one row per delivery, what was asked and what is proven."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices.receivers import Receiver
from loa import searching
from loa.errors import ScheduleError
from loa.times import MINUTE, Instant, at, local
from loa.words import say
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.exports import csv_file

QUARTER = 15 * MINUTE


@dataclass(frozen=True, kw_only=True)
class LogFilter:
    """Which rows are wanted: broadcasts that start in [since, until), narrowed by what is set."""

    since: Instant
    until: Instant
    area: str | None = None
    receiver_id: str | None = None
    state: DeliveryState | None = None
    search: str = ""
    within: frozenset[int] | None = None
    """Areas in which the receivers stand; None is anywhere."""
    titles: tuple[str, ...] | None = None
    """Those of the span that hold the words of ``search``, as ``looked_up`` finds them."""


@dataclass(frozen=True)
class LogRow:
    """One delivery with its broadcast."""

    broadcast: Broadcast
    delivery: Delivery


STATES = {
    DeliveryState.PLANNED: say("chờ gửi"),
    DeliveryState.SENT: say("đã gửi"),
    DeliveryState.ACCEPTED: say("đã nhận lệnh"),
    DeliveryState.READY: say("sẵn sàng"),
    DeliveryState.STARTED: say("đang phát"),
    DeliveryState.PLAYED: say("đã phát"),
    DeliveryState.INTERRUPTED: say("bị ngắt"),
    DeliveryState.FAILED: say("lỗi"),
    DeliveryState.MISSED: say("lỡ giờ"),
    DeliveryState.REFUSED: say("bị từ chối"),
    DeliveryState.CANCELLED: say("đã huỷ"),
    DeliveryState.UNKNOWN: say("chưa có xác nhận"),
}
RELAYED = {
    "stream": say("đã tiếp sóng"),
    "fallback": say("phát bản dự phòng vì không bắt được sóng"),
    "mixed": say("tiếp sóng rồi chuyển sang bản dự phòng"),
    "none": say("chưa bắt được sóng"),
}
"""What a receiver heard of a relay, by its own word."""
PRIORITIES = {
    Priority.NORMAL: say("thông thường"),
    Priority.PRIORITY: say("ưu tiên"),
    Priority.EMERGENCY: say("khẩn cấp"),
}
REASONS = {
    "off": say("đầu thu tắt lúc đến giờ"),
    "power": say("mất điện"),
    "no_audio": say("đầu thu chưa tải xong âm thanh"),
    "no_clock": say("đầu thu chưa có giờ đúng"),
    "busy": say("đầu thu đang bận phát lượt khác"),
    "preempt": say("bị ngắt để phát khẩn"),
    "quiet": say("rơi vào giờ không phát"),
    "no_role": say("lệnh không đủ quyền phát khẩn cấp"),
    "expired": say("lệnh đã hết hạn"),
    "bad_sig": say("chữ ký của lệnh không đúng"),
    "wrong_rid": say("lệnh gửi cho đầu thu khác"),
    "old_rev": say("lệnh cũ hơn lệnh đã nhận"),
    "too_big": say("lệnh quá dài"),
    "shape": say("lệnh sai định dạng"),
    "hash": say("âm thanh tải về không nguyên vẹn"),
    "decode": say("đầu thu không giải mã được âm thanh"),
    "disk": say("bộ nhớ của đầu thu đầy hoặc hỏng"),
    "out": say("đường ra loa bị lỗi"),
    "no_plan": say("đầu thu chưa có kế hoạch phát"),
    "stopped": say("cán bộ đã dừng"),
    "stop": say("đầu thu được tắt giữa chừng"),
    "not_sent": say("lệnh chưa được giao cho đầu thu"),
    "not_approved": say("bản tin chưa được duyệt"),
    "not_valid": say("bản tin không còn hiệu lực"),
    "schedule_ended": say("lịch phát đã kết thúc"),
    "changed": say("lịch đã đổi"),
    "day_kind": say("quy chế không cho phát vào loại ngày này"),
    "programme_ended": say("chương trình đã kết thúc"),
    "no_slot": say("quy chế không có khung giờ này vào ngày đó"),
    "cut": say("không vừa thời lượng của chương trình"),
    "alert_ended": say("lệnh khẩn cấp đã kết thúc"),
    "campaign_ended": say("chiến dịch đã kết thúc"),
    "campaign_paused": say("chiến dịch đang tạm dừng"),
    "reset": say("đầu thu bị đặt lại giữa chừng"),
    "no_receiver": say("không có đầu thu"),
    "left_area": say("đầu thu không còn thuộc địa bàn của lịch"),
    "declined": say("địa bàn không nhận lượt này"),
    "order": say("nhường lượt ưu tiên khác theo quyết định của địa bàn"),
    "withdrawn": say("bản tin đã thu hồi"),
    "key": say("khoá ký lệnh không còn hiệu lực"),
    "old_kv": say("danh sách khoá cũ hơn danh sách đã nhận"),
    "no_root": say("đầu thu chưa có khoá gốc để kiểm danh sách khoá"),
    "flood": say("quá nhiều lệnh dồn dập"),
    "local": say("phát tại chỗ theo lệnh ở đầu thu"),
    "skipped": say("cán bộ bỏ lượt này"),
    "moved": say("cán bộ dời sang giờ khác"),
    "replaced": say("cán bộ thay bằng bản tin khác"),
    "day_kind_skipped": say("lịch không phát vào loại ngày này"),
}
Narrowed = TypeVar("Narrowed", bound=sa.Select[*tuple[Any, ...]])
ORDER = (
    Broadcast.starts_at.desc(),
    Broadcast.id.desc(),
    Delivery.area_name,
    Delivery.receiver_name,
    Delivery.id,
)
"""Of the log's rows: newest broadcast first."""


def reason(code: str | None) -> str:
    """A reason code as words; one we do not know is shown as it came, none as nothing."""
    if not code:
        return ""
    return REASONS.get(code, say("đầu thu báo “%(code)s”", code=code))


def whole_days(since: date, until: date, zone: ZoneInfo) -> tuple[Instant, Instant]:
    """The instants that bound the days ``since`` to ``until``, both included. Raises ScheduleError."""
    if until < since:
        raise ScheduleError(
            say(
                "Ngày cuối %(until)s đứng trước ngày đầu %(since)s.",
                until=f"{until:%d/%m/%Y}",
                since=f"{since:%d/%m/%Y}",
            ),
            field="until",
        )
    return _midnight(since, zone), _midnight(until + timedelta(days=1), zone)


def local_day(zone: ZoneInfo) -> Callable[[Instant], date]:
    """A function from instants to the station's days; quick for many instants of the same days."""
    known: dict[int, date] = {}

    def day_of(instant: Instant) -> date:
        quarter = instant // QUARTER  # no zone differs from UTC by less than quarters of an hour
        if quarter not in known:
            known[quarter] = local(instant, zone).date()
        return known[quarter]

    return day_of


def _midnight(day: date, zone: ZoneInfo) -> Instant:
    """The day's first instant; where a zone skips midnight, the first hour after."""
    for hour in range(24):
        found = at(day, time(hour), zone)
        if found is not None:
            return found
    raise ValueError(f"{day} does not exist in {zone}")


def narrowed(query: Narrowed, wanted: LogFilter) -> Narrowed:
    """The query, of broadcasts and their deliveries, with those alone that the filter means."""
    query = query.where(Broadcast.starts_at >= wanted.since, Broadcast.starts_at < wanted.until)
    if wanted.area:
        query = query.where(Delivery.area_name == wanted.area)
    if wanted.receiver_id:
        query = query.where(Delivery.receiver_id == wanted.receiver_id)
    if wanted.state:
        query = query.where(Delivery.state == wanted.state)
    if wanted.within is not None:
        standing = sa.select(Receiver.id).where(Receiver.area_id.in_(wanted.within))
        query = query.where(Delivery.receiver_id.in_(standing))
    return titled(query, wanted)


def titled(query: Narrowed, wanted: LogFilter) -> Narrowed:
    """The query, of broadcasts, with those alone whose title was looked for."""
    if wanted.titles is not None:
        return query.where(Broadcast.title.in_(wanted.titles))
    if wanted.search.strip():
        raise ValueError("look the words up first: looked_up")
    return query


def looked_up(session: Session, wanted: LogFilter) -> LogFilter:
    """The filter with the titles that its words are found in, with or without marks; they are few, and rows many."""
    if wanted.titles is not None or not wanted.search.strip():
        return wanted
    titles = sa.select(Broadcast.title).distinct()
    titles = titles.where(Broadcast.starts_at >= wanted.since, Broadcast.starts_at < wanted.until)
    found = (
        title
        for title in session.scalars(titles)
        if searching.holds(searching.key(title), wanted.search)
    )
    return replace(wanted, titles=tuple(found))


def log_rows(
    session: Session, wanted: LogFilter, *,
    limit: int | None = None, offset: int = 0, of: Sequence[int] | None = None,
) -> Iterator[LogRow]:  # fmt: skip
    """Rows, newest broadcast first, streamed; ``of``: only of these broadcasts."""
    wanted = looked_up(session, wanted)
    both = sa.select(Broadcast, Delivery)
    query = narrowed(both.join(Delivery, Delivery.broadcast_id == Broadcast.id), wanted)
    if of is not None:
        query = query.where(Broadcast.id.in_(of))
    query = query.order_by(*ORDER)
    rows = session.execute(query.limit(limit).offset(offset).execution_options(yield_per=500))
    for broadcast, delivery in rows:
        yield LogRow(broadcast, delivery)


def cell(value: object) -> str:
    """A value as text that no spreadsheet takes for a formula; None is empty."""
    if value is None or isinstance(value, int):
        return "" if value is None else str(value)
    return csv_file.text(value)
