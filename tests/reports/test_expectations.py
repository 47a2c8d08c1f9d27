"""What is expected is frozen when the plan is sent, and only another plan sent before the start takes its place."""

from __future__ import annotations

import csv
import io

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import Receiver
from loa.database import Database
from loa.times import HOUR, MINUTE, after
from scheduler import alerts, plans
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.exports import csv_file
from scheduler.exports.tables import Table
from scheduler.plans import Lane, Signed, Taken
from scheduler.reporting import log
from scheduler.reporting.tables import Expectation
from scheduler.reports import LogFilter
from tests.cast import NOON, ZONE
from tests.scheduler.test_reports import DAY, fill

assert alerts  # its table is referred to
RIDS = ("r-0000", "r-0001", "r-0002")


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        fill(opened, at=after(NOON, HOUR))
        opened.execute(
            sa.update(Delivery).values(
                state=DeliveryState.PLANNED, rev=1, started_at=None, played_ms=None, late_ms=None
            )
        )
        opened.expire_all()
        yield opened


def send(session: Session, rev: int, *rids: str, minute: int = 0) -> None:
    now = after(NOON, minute * MINUTE)
    plans.queue(session, [Signed(rid, rev, b".", Lane.PLAN, rev == 1, ()) for rid in rids], now)
    plans.published(session, [Taken(rid, rev) for rid in rids], now)


def rows(session: Session) -> list[dict[str, str]]:
    out = io.StringIO()
    wanted = LogFilter(since=DAY[0], until=DAY[1])
    csv_file.write(Table("log", "", log.COLUMNS, log.rows(session, wanted)), out, ZONE)
    return list(csv.DictReader(io.StringIO(out.getvalue())))


def test_nothing_is_frozen_before_the_broker_took_the_plan(session):
    assert session.scalars(sa.select(Delivery.expectation_id)).all() == [None] * 3
    assert session.scalar(sa.select(sa.func.count()).select_from(Expectation)) == 0


def test_later_changes_are_not_seen_in_the_log(session):
    session.execute(sa.update(Receiver).values(volume=63, households=80))
    send(session, 1, *RIDS)
    before = rows(session)
    session.execute(
        sa.update(Broadcast).values(
            title="Tên khác",
            field=1,
            author="Ai đó",
            scheduler="Ai đó",
            approver_names=[],
            starts_at=DAY[0],
        )
    )
    session.execute(sa.update(Receiver).values(name="Khác", volume=1, households=1))
    session.execute(
        sa.update(Delivery)
        .values(ms=1, recording_sha=None)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
    assert rows(session) == before
    assert before[0]["bản tin"] == "Lịch tiêm chủng"
    assert before[0]["người duyệt"] == "Minh, Người duyệt thứ hai"
    assert (before[0]["âm lượng yêu cầu"], before[0]["số hộ"]) == ("63", "80")
    assert before[0]["thời lượng yêu cầu (ms)"] == "30000"
    assert before[0]["mã băm âm thanh"] == "a" * 64


def test_a_newer_plan_takes_its_place_where_it_was_sent_only(session):
    send(session, 1, *RIDS)
    session.execute(sa.update(Broadcast).values(title="Đã sửa"))
    new = sa.update(Delivery).values(recording_sha="b" * 64, ms=31_000)
    session.execute(new.execution_options(synchronize_session=False))
    session.expire_all()
    send(session, 2, "r-0000", minute=1)
    found = {row["mã đầu thu"]: row for row in rows(session)}
    assert found["r-0000"]["bản tin"] == "Đã sửa"
    assert found["r-0000"]["mã băm âm thanh"] == "b" * 64
    assert found["r-0001"]["bản tin"] == "Lịch tiêm chủng"
    assert found["r-0001"]["mã băm âm thanh"] == "a" * 64


def test_what_has_begun_is_not_expected_anew(session):
    send(session, 1, *RIDS)
    session.execute(sa.update(Delivery).values(state=DeliveryState.STARTED))
    session.execute(sa.update(Broadcast).values(title="Đã sửa"))
    session.expire_all()
    send(session, 2, *RIDS, minute=61)
    assert {row["bản tin"] for row in rows(session)} == {"Lịch tiêm chủng"}


def test_an_unchanged_plan_adds_nothing(session):
    send(session, 1, *RIDS)
    for rev in (2, 3):
        send(session, rev, *RIDS, minute=rev)
    assert session.scalar(sa.select(sa.func.count()).select_from(Expectation)) == 1
