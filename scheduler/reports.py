"""The broadcast log (nhật ký phát), read only: one row per delivery, what was asked and what is proven."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices.receivers import Receiver
from loa.errors import ScheduleError
from loa.times import MINUTE, Instant, at, local
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


@dataclass(frozen=True)
class LogRow:
    """One delivery with its broadcast."""

    broadcast: Broadcast
    delivery: Delivery


STATES = {
    DeliveryState.PLANNED: "chờ gửi",
    DeliveryState.SENT: "đã gửi",
    DeliveryState.ACCEPTED: "đã nhận lệnh",
    DeliveryState.READY: "sẵn sàng",
    DeliveryState.STARTED: "đang phát",
    DeliveryState.PLAYED: "đã phát",
    DeliveryState.INTERRUPTED: "bị ngắt",
    DeliveryState.FAILED: "lỗi",
    DeliveryState.MISSED: "lỡ giờ",
    DeliveryState.REFUSED: "bị từ chối",
    DeliveryState.CANCELLED: "đã huỷ",
    DeliveryState.UNKNOWN: "chưa có xác nhận",
}
RELAYED = {
    "stream": "đã tiếp sóng",
    "fallback": "phát bản dự phòng vì không bắt được sóng",
    "mixed": "tiếp sóng rồi chuyển sang bản dự phòng",
    "none": "chưa bắt được sóng",
}
"""What a receiver heard of a relay, by its own word."""
PRIORITIES = {
    Priority.NORMAL: "thông thường",
    Priority.PRIORITY: "ưu tiên",
    Priority.EMERGENCY: "khẩn cấp",
}
REASONS = {
    "off": "đầu thu tắt lúc đến giờ",
    "power": "mất điện",
    "no_audio": "đầu thu chưa tải xong âm thanh",
    "no_clock": "đầu thu chưa có giờ đúng",
    "busy": "đầu thu đang bận phát lượt khác",
    "preempt": "bị ngắt để phát khẩn",
    "quiet": "rơi vào giờ không phát",
    "no_role": "lệnh không đủ quyền phát khẩn cấp",
    "expired": "lệnh đã hết hạn",
    "bad_sig": "chữ ký của lệnh không đúng",
    "wrong_rid": "lệnh gửi cho đầu thu khác",
    "old_rev": "lệnh cũ hơn lệnh đã nhận",
    "too_big": "lệnh quá dài",
    "shape": "lệnh sai định dạng",
    "hash": "âm thanh tải về không nguyên vẹn",
    "decode": "đầu thu không giải mã được âm thanh",
    "disk": "bộ nhớ của đầu thu đầy hoặc hỏng",
    "out": "đường ra loa bị lỗi",
    "no_plan": "đầu thu chưa có kế hoạch phát",
    "stopped": "cán bộ đã dừng",
    "stop": "đầu thu được tắt giữa chừng",
    "not_sent": "lệnh chưa được giao cho đầu thu",
    "not_approved": "bản tin chưa được duyệt",
    "not_valid": "bản tin không còn hiệu lực",
    "schedule_ended": "lịch phát đã kết thúc",
    "changed": "lịch đã đổi",
    "day_kind": "quy chế không cho phát vào loại ngày này",
    "programme_ended": "chương trình đã kết thúc",
    "no_slot": "quy chế không có khung giờ này vào ngày đó",
    "cut": "không vừa thời lượng của chương trình",
    "alert_ended": "lệnh khẩn cấp đã kết thúc",
    "campaign_ended": "chiến dịch đã kết thúc",
    "campaign_paused": "chiến dịch đang tạm dừng",
    "reset": "đầu thu bị đặt lại giữa chừng",
    "no_receiver": "không có đầu thu",
    "left_area": "đầu thu không còn thuộc địa bàn của lịch",
    "declined": "địa bàn không nhận lượt này",
    "order": "nhường lượt ưu tiên khác theo quyết định của địa bàn",
    "withdrawn": "bản tin đã thu hồi",
    "key": "khoá ký lệnh không còn hiệu lực",
    "old_kv": "danh sách khoá cũ hơn danh sách đã nhận",
    "no_root": "đầu thu chưa có khoá gốc để kiểm danh sách khoá",
    "flood": "quá nhiều lệnh dồn dập",
    "local": "phát tại chỗ theo lệnh ở đầu thu",
    "skipped": "cán bộ bỏ lượt này",
    "moved": "cán bộ dời sang giờ khác",
    "replaced": "cán bộ thay bằng bản tin khác",
    "day_kind_skipped": "lịch không phát vào loại ngày này",
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
    return REASONS.get(code, f"đầu thu báo “{code}”")


def whole_days(since: date, until: date, zone: ZoneInfo) -> tuple[Instant, Instant]:
    """The instants that bound the days ``since`` to ``until``, both included. Raises ScheduleError."""
    if until < since:
        raise ScheduleError(
            f"Ngày cuối {until:%d/%m/%Y} đứng trước ngày đầu {since:%d/%m/%Y}.", field="until"
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
    if wanted.search.strip():
        query = query.where(Broadcast.title.icontains(wanted.search.strip(), autoescape=True))
    return query


def log_rows(
    session: Session, wanted: LogFilter, *,
    limit: int | None = None, offset: int = 0, of: Sequence[int] | None = None,
) -> Iterator[LogRow]:  # fmt: skip
    """Rows, newest broadcast first, streamed; ``of``: only of these broadcasts."""
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
