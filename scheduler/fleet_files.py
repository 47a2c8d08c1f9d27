"""The fleet as a table: all that is known of each receiver; ``fleet_import`` takes such a table back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from devices import areas, claims, fleet, groups, outages
from devices.fleet import Order, Wanted
from devices.outages import Fault, Kind
from devices.receivers import Receiver
from loa.times import Instant, local
from loa.words import say
from scheduler import upcoming
from scheduler.upcoming import Next

AT_ONCE = 1_000
SEPARATOR = " > "
EDITABLE = (
    "mã", "số máy", "tên", "địa bàn", "số hộ", "âm lượng", "vĩ độ", "kinh độ", "nhóm",
)  # fmt: skip
"""Columns an import takes; the rest of an export is passed over."""
KNOWN = (
    "tình trạng", "nghe lần cuối", "trực tuyến từ", "sự cố", "tắt tiếng", "độ trễ (ms)", "âm lượng đầu thu báo",
    "nguồn giờ", "lệch giờ (ms)", "nguồn điện", "đường ra", "bộ nhớ đã dùng (%)", "phiên bản",
    "phiên bản khoá", "âm thanh khẩn cấp có sẵn", "lượt sẵn sàng", "lượt sắp tới", "lượt tới", "tháng dữ liệu",
    "dữ liệu trong tháng (byte)", "thêm vào", "mô phỏng",
)  # fmt: skip
COLUMNS = (*EDITABLE, *KNOWN)
HEALTHS = {
    fleet.Health.WELL: say("trực tuyến"),
    fleet.Health.IMPAIRED: say("có lỗi"),
    fleet.Health.OFFLINE: say("mất kết nối"),
    fleet.Health.NEVER: say("chưa kết nối lần nào"),
}

FAULTS = {
    Kind.OFFLINE: say("mất kết nối"),
    Kind.OUTPUT: say("đường ra loa báo lỗi"),
    Kind.CLOCK: say("chưa có giờ đúng"),
    Kind.UNREADY: say("chưa có âm thanh của lượt sắp phát"),
    Kind.SILENT: say("không báo kết quả phát"),
    Kind.TAMPERED: say("nhật ký mâu thuẫn"),
    Kind.DISK: say("bộ nhớ gần đầy"),
    Kind.BATTERY: say("đang chạy bằng ắc quy"),
    Kind.KEYS: say("dùng khoá cũ"),
}
CLOCKS = {
    "ntp": say("theo giờ mạng (NTP)"),
    "rtc": say("theo đồng hồ trong máy, đài đã chỉnh"),
    "none": say("chưa có giờ đúng"),
}
POWERS = {"ac": say("điện lưới"), "bat": say("ắc quy"), "unk": say("không đo được")}
OUTPUTS = {"ok": say("bình thường"), "fault": say("báo lỗi"), "unk": say("không đo được")}


def lines(
    session: Session, wanted: Wanted, now: Instant, zone: ZoneInfo
) -> Iterator[Sequence[object]]:
    """The heading and one line per receiver; what is not known is an empty cell, never 0."""
    yield COLUMNS
    by_area = paths(session)
    offset = 0
    while True:
        some = fleet.listing(session, wanted, now, order=Order.NAME, limit=AT_ONCE, offset=offset)
        ids = [receiver.id for receiver in some]
        serials, names = claims.serials(session, ids), groups.names_of(session, ids)
        faults, coming = outages.open_of(session, ids), upcoming.next_of(session, ids, now)
        for each in some:
            told = (
                *_editable(each, by_area, serials, names),
                *_known(each, faults, coming, now, zone),
            )
            yield told
        if len(some) < AT_ONCE:
            return
        offset += AT_ONCE


def _editable(
    receiver: Receiver,
    by_area: Mapping[int, str],
    serials: Mapping[str, str],
    names: Mapping[str, list[str]],
) -> tuple[object, ...]:
    return (
        receiver.id, serials.get(receiver.id), receiver.name, by_area[receiver.area_id], receiver.households,
        receiver.volume, receiver.lat, receiver.lon, "; ".join(names.get(receiver.id, [])),
    )  # fmt: skip


def _known(
    receiver: Receiver,
    faults: Mapping[str, list[Fault]],
    coming: Mapping[str, Next],
    now: Instant,
    zone: ZoneInfo,
) -> tuple[object, ...]:
    seen, nxt = receiver.presence, coming.get(receiver.id)
    health = fleet.health_of(receiver, now)
    wrong = "; ".join(FAULTS[fault.kind] for fault in faults.get(receiver.id, []))
    said: tuple[object, ...] = (None,) * 13
    if seen is not None:
        said = (
            seen.volume, CLOCKS[seen.clock_source], seen.clock_error_ms, POWERS[seen.power], OUTPUTS[seen.output],
            round(seen.disk * 100), seen.firmware or None, seen.kv or None, seen.canned, seen.ready, seen.wanted,
            seen.net_month, seen.net_bytes,
        )  # fmt: skip
    return (
        "đã thôi dùng" if not receiver.active else HEALTHS[health],
        _moment(seen.heard_at if seen else None, zone),
        _moment(seen.online_since if seen else None, zone), wrong or None,
        "có" if receiver.muted else "không", receiver.delay_ms, *said[:11],
        f"{_moment(nxt.starts_at, zone)} {nxt.title}" if nxt else None, *said[11:],
        _moment(receiver.added_at, zone), "có" if receiver.simulated else "không",
    )  # fmt: skip


def _moment(instant: Instant | None, zone: ZoneInfo) -> str | None:
    return None if instant is None else f"{local(instant, zone):%d/%m/%Y %H:%M:%S}"


def paths(session: Session) -> dict[int, str]:
    """Area id → xã Mẫu > thôn Đông."""
    above: list[str] = []
    paths: dict[int, str] = {}
    for depth, area in areas.tree(session):
        above = [*above[:depth], area.full_name]
        paths[area.id] = SEPARATOR.join(above)
    return paths
