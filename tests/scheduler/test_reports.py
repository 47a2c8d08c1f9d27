from __future__ import annotations

from datetime import date, time

import pytest
from sqlalchemy.orm import Session

from content.bulletins import Priority
from loa.database import Database
from loa.errors import ScheduleError
from loa.times import Instant, after
from scheduler import reports
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.reporting import pages
from scheduler.reports import LogFilter
from scheduler.schedules import Schedule
from tests.cast import NOON, ZONE, approved_bulletin, settle_in, vn
from tests.log_table import table

DAY = reports.whole_days(date(2026, 11, 21), date(2026, 11, 21), ZONE)


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


def fill(session: Session, at: Instant = NOON, title: str = "Lịch tiêm chủng") -> None:

    cast = settle_in(session)
    bulletin = approved_bulletin(session, cast, title=title)
    schedule = Schedule(
        uid="abc", bulletin_id=bulletin.id, at=time(12), start_date=date(2026, 11, 21),
        staff_id=cast.hoa.id, created_at=NOON, planned_until=NOON,
    )  # fmt: skip
    session.add(schedule)
    session.flush()
    broadcast = Broadcast(
        occurrence="abc.1", where=schedule.where,
        schedule_id=schedule.id, bulletin_id=bulletin.id, title=title, priority=Priority.NORMAL,
        field=5, starts_at=at, ms=30_000, author="Hoa",
        approver_names=["Minh", "Người duyệt thứ hai"], approver_logins=["minh", "duyet2"], scheduler="Hoa",
        planned_at=NOON,
    )  # fmt: skip
    session.add(broadcast)
    session.flush()
    states = (DeliveryState.PLAYED, DeliveryState.UNKNOWN, DeliveryState.MISSED)
    for receiver, state in zip(cast.receivers, states, strict=True):
        delivery = Delivery(
            broadcast_id=broadcast.id, receiver_id=receiver.id, receiver_name=receiver.name,
            area_name=receiver.area.full_name, state=state, ms=30_000, recording_sha="a" * 64,
        )  # fmt: skip
        if state is DeliveryState.PLAYED:
            delivery.started_at, delivery.late_ms, delivery.played_ms = after(at, 7), 0, 30_000
        session.add(delivery)
    session.flush()


def test_one_row_per_delivery_with_times_of_the_stations_zone(session: Session) -> None:
    fill(session)
    rows = table(session, LogFilter(since=DAY[0], until=DAY[1]))
    assert [row["kết quả"] for row in rows] == [
        "lỡ giờ",
        "chưa có xác nhận",
        "đã phát",
    ]  # by area: Bãi, Đoài, Đông
    played = rows[2]
    assert played["giờ hẹn"] == "21/11/2026 12:00:00.000"
    assert played["giờ bắt đầu thật"] == "21/11/2026 12:00:00.007"
    assert played["trễ (ms)"] == "0"


def test_what_is_not_known_is_empty_and_never_nought(session: Session) -> None:
    fill(session)
    unknown = table(session, LogFilter(since=DAY[0], until=DAY[1], state=DeliveryState.UNKNOWN))[0]
    assert (
        unknown["giờ bắt đầu thật"],
        unknown["thời lượng đã phát (ms)"],
        unknown["trễ (ms)"],
    ) == ("", "", "")


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({}, 3),
        ({"area": "thôn Đông"}, 1),
        ({"receiver_id": "r-0001"}, 1),
        ({"state": DeliveryState.MISSED}, 1),
        ({"search": "tiêm"}, 3),
        ({"search": "100%"}, 0),
        ({"since": after(NOON, 1)}, 0),
        ({"until": NOON}, 0),
    ],
)
def test_it_filters_and_counts_alike(
    session: Session, changes: dict[str, object], rows: int
) -> None:
    fill(session)
    wanted = LogFilter(**{"since": DAY[0], "until": DAY[1], **changes})
    counts = pages.page(session, wanted, 1, 100).counts
    assert sum(counts.values()) == rows == len(list(reports.log_rows(session, wanted)))
    assert len(table(session, wanted)) == rows


def test_a_title_is_never_a_formula(session: Session) -> None:
    fill(session, title="=HYPERLINK(1)")
    assert table(session, LogFilter(since=DAY[0], until=DAY[1]))[0]["bản tin"] == "'=HYPERLINK(1)"


def test_a_day_is_the_stations_day(session: Session) -> None:
    assert (vn("2026-11-21 00:00"), vn("2026-11-22 00:00")) == DAY
    with pytest.raises(ScheduleError, match="đứng trước"):
        reports.whole_days(date(2026, 11, 22), date(2026, 11, 21), ZONE)
