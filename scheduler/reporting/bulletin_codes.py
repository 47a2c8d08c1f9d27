"""The broadcast log under the names and codes of “nhật ký bản tin”: a draft until the official annex is compared.

Names and code lists are those seen in use at provincial systems. What Loa does not know stays empty; what has no
place there (what became of it, why) stands under names of our own, so that nobody takes an unconfirmed line for a
played one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin, Priority
from content.relays import Relay
from loa.times import SECOND, Instant
from loa.words import say
from scheduler import reports
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.exports.tables import Column, Kind, Table
from scheduler.reporting import log
from scheduler.reports import LogFilter

CODES = "nhat-ky-ban-tin"
DRAFT = say("bản nháp – chưa đối chiếu phụ lục chính thức")
TITLE = f"Nhật ký bản tin ({DRAFT})"
NOTE = (
    "Tên trường và mã theo cách dùng thấy ở các hệ thống cấp tỉnh. Trường để trống là điều đài không biết. "
    "ThoiDiemBatDau là giây tính từ 01/01/1970 (UTC), trống khi đầu thu không báo đã bắt đầu."
)
PRIORITIES = {Priority.EMERGENCY: 1, Priority.PRIORITY: 2, Priority.NORMAL: 3}
SOUND, LIVE = 3, 5
"""Kinds of bulletins: a recording, a relay."""
COLUMNS = (
    *(Column(name, name) for name in (
        "NguonID", "TenNguon", "DichID", "TenDich", "CumLoaID", "TenThietBi", "MaNhaCungCap", "TenNhaCungCap",
        "BanTinID",
    )),
    Column("LoaiBanTin", "LoaiBanTin", Kind.INTEGER),
    Column("MucDoUuTien", "MucDoUuTien", Kind.INTEGER),
    Column("TieuDe", "TieuDe"),
    Column("LoaiLinhVuc", "LoaiLinhVuc", Kind.INTEGER),
    Column("NoiDungTomTat", "NoiDungTomTat"),
    Column("ThoiGianSanXuat", "ThoiGianSanXuat", Kind.CODE),
    Column("ThoiLuong", "ThoiLuong"),
    *(Column(f"TacGia.{name}", f"TacGia.{name}") for name in ("TenDayDu", "ButDanh", "Email")),
    Column("ThoiDiemBatDau", "ThoiDiemBatDau", Kind.CODE),
    Column("TiepAm", "TiepAm", Kind.INTEGER),
    *(Column(name, name) for name in ("NguonTiepAm", "NoiDung", "ThongTinChiTietBanTin", "NguonTin")),
    Column("AmLuong", "AmLuong", Kind.INTEGER),
    Column("CongSuat", "CongSuat"),
    *(Column(f"Loa.{name}", f"Loa.{name}") for name in ("LuotPhat", "KetQua", "LyDo", "GhiChu")),
)  # fmt: skip


def table(session: Session, wanted: LogFilter, station: str) -> Table:
    """One row per delivery in the order of the log."""
    return Table(CODES, TITLE, COLUMNS, rows(session, wanted, station), NOTE)


def rows(session: Session, wanted: LogFilter, station: str) -> Iterator[tuple[Any, ...]]:
    """In the order of COLUMNS."""
    found = log.in_order(
        log.matching(
            sa.select(
                Delivery.receiver_id, Delivery.receiver_name, Broadcast.bulletin_id, Broadcast.relay,
                log.frozen("priority"), log.frozen("title"), log.frozen("field"), Bulletin.created_at,
                log.ASKED, log.frozen("author"), Delivery.started_at, Delivery.volume, Broadcast.occurrence,
                Delivery.state, Delivery.reason,
            ),
            reports.looked_up(session, wanted),
        ).outerjoin(Bulletin, Bulletin.id == Broadcast.bulletin_id)
    )  # fmt: skip
    for some in session.execute(found).partitions():
        for row in some:
            yield _row(station, *row)


def _row(
    station: str, rid: str, receiver: str, bulletin_id: int, relay: Relay | None, priority: Priority, title: str,
    field: int, written_at: Instant | None, ms: int | None, author: str, started_at: Instant | None,
    volume: int | None, occurrence: str, state: Any, reason: str | None,
) -> tuple[Any, ...]:  # fmt: skip
    return (
        None, station, None, None, rid, receiver, None, None, str(bulletin_id),
        LIVE if relay else SOUND, PRIORITIES[priority], title, field, None, _seconds(written_at), _clock(ms),
        author, None, None, _seconds(started_at), int(relay is not None), relay.url if relay else None,
        None, None, station, volume, None, occurrence, reports.STATES[state], reports.reason(reason), DRAFT,
    )  # fmt: skip


def _seconds(instant: Instant | None) -> int | None:
    return None if instant is None else instant // SECOND


def _clock(ms: int | None) -> str | None:
    """``0:05:30`` as ``00:05:30``."""
    return None if ms is None else str(timedelta(seconds=round(ms / SECOND))).rjust(8, "0")
