"""Every figure of every report of a fixed quarter equals an independent recount over the raw journals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import JournalEntry
from loa.database import Database
from loa.staff import Staff
from scheduler import receipts
from scheduler.campaign_tables import Campaign
from scheduler.exports import words
from scheduler.exports.tables import Document
from scheduler.reporting import (
    bulletin_codes,
    document,
    figures,
    fleet,
    papers,
    periods,
    reached,
    unheard,
)
from scheduler.reporting.papers import About
from scheduler.reports import LogFilter
from tests.cast import ZONE
from tests.reports import recount
from tests.reports.quarter import FIRST, LAST, OVER, Quarter, build
from tests.web.conftest import migrate

QUARTER = periods.span(FIRST, LAST)
AUGUST = periods.month(date(2026, 8, 1))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def station(request, tmp_path_factory) -> Iterator[tuple[Database, Quarter]]:
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("quarter") / "loa.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        url = f"sqlite:///{path}"
    else:
        cluster = request.getfixturevalue("postgresql")
        url = cluster.fresh(cluster.template("migrated", migrate))
    opened = Database(url)
    with opened.write() as session:
        made = build(session)
    yield opened, made
    opened.close()
    if request.param == "postgresql":
        cluster.drop(url)


@pytest.fixture
def session(station) -> Iterator[Session]:
    with station[0].read() as opened:
        yield opened


@pytest.fixture
def counted(station, session) -> list[recount.Counted]:
    return _recount(session, station[1])


def _recount(session: Session, made: Quarter) -> list[recount.Counted]:
    raw: dict[str, list[bytes]] = {}
    found = sa.select(JournalEntry.receiver_id, JournalEntry.raw)
    for rid, line in session.execute(found.order_by(JournalEntry.receiver_id, JournalEntry.seq)):
        raw.setdefault(rid, []).append(line)
    return recount.outcomes(made.asked, raw)


def _meant(counted: list[recount.Counted], period: periods.Period) -> list[recount.Counted]:
    inside = [c for c in counted if period.first <= c.asked.day <= period.last]
    return [c for c in inside if not c.asked.drill]


def _rows(found: figures.Figures, key: str) -> dict[str, tuple]:
    made = document.of_period(found, None, title="", station="", made_on=LAST)
    table = next(table for table in made.tables if table.key == key)
    return {row[0]: row[1:] for row in table.rows}


def test_the_quarter_holds_every_kind_of_end(counted):
    assert len({c.asked.rid for c in counted}) == 100
    states = {c.state for c in counted}
    assert states == {
        "played",
        "interrupted",
        "failed",
        "missed",
        "refused",
        "unknown",
        "cancelled",
    }
    assert any(c.asked.drill for c in counted)
    assert any(c.asked.priority == "emergency" and not c.asked.drill for c in counted)


@pytest.mark.parametrize(
    "period", [QUARTER, AUGUST, periods.week(date(2026, 8, 5))], ids=lambda p: p.kind
)
def test_every_table_equals_the_recount(session, counted, period):
    found = figures.of_period(session, period, ZONE)
    meant = _meant(counted, period)
    assert _rows(found, "total")["Tất cả"] == recount.line(meant)
    assert _rows(found, "areas") == recount.groups(meant, lambda a: a.area)
    named = recount.groups(meant, lambda a: a.field)
    assert _rows(found, "fields") == {f"{n}. {document.FIELDS[n]}": row for n, row in named.items()}
    assert _rows(found, "authors") == recount.groups(meant, lambda a: a.author)
    campaign = recount.line([c for c in meant if c.asked.campaign])
    assert _rows(found, "campaigns") == {"Phòng sốt xuất huyết": campaign}
    by_priority = recount.groups(meant, lambda a: a.priority)
    words = {"normal": "thông thường", "emergency": "khẩn cấp"}
    assert _rows(found, "priorities") == {words[name]: row for name, row in by_priority.items()}


def test_each_day_and_each_month_equals_the_recount(session, counted):
    found = figures.of_period(session, AUGUST, ZONE)
    assert _rows(found, "days") == recount.groups(_meant(counted, AUGUST), lambda a: a.day)
    whole = figures.of_period(session, QUARTER, ZONE)
    months = recount.groups(_meant(counted, QUARTER), lambda a: f"{a.day:%Y-%m}")
    assert _rows(whole, "months") == months


def test_emergencies_and_exercises_are_apart(session, counted):
    found = figures.of_period(session, QUARTER, ZONE)
    rows = _rows(found, "total")
    alarms = [c for c in _meant(counted, QUARTER) if c.asked.priority == "emergency"]
    assert rows["Trong đó khẩn cấp"] == recount.line(alarms)
    drills = [c for c in counted if c.asked.drill]
    assert rows["Diễn tập (không tính ở trên)"] == recount.line(drills)


def test_the_levels_of_evidence_equal_the_recount(session, counted):
    found = figures.of_period(session, QUARTER, ZONE)
    meant = _meant(counted, QUARTER)
    assert found.evidence == {
        level: sum(c.level == level for c in meant) for level in ("E1", "E2", "E3")
    }


def test_the_period_before_equals_the_recount(session, counted):
    september = periods.month(date(2026, 9, 1))
    before = figures.total(session, september.before(), ZONE)
    assert document.counted(before) == recount.line(_meant(counted, AUGUST))


def test_each_receiver_equals_the_recount(session, station, counted):
    made = station[1]
    since, until = AUGUST.bounds(ZONE)
    rows = {each.id: each for each in fleet.of_period(session, AUGUST, ZONE, OVER)}
    assert set(rows) == set(made.households)
    assert {rid: row.name for rid, row in rows.items()} == made.names  # as they were then
    for rid, row in rows.items():
        mine = [c for c in _meant(counted, AUGUST) if c.asked.rid == rid]
        assert document.counted(row.counts)[1:] == recount.line(mine)[1:]
        silent = made.silences.get(rid, [])
        assert (row.uptime, row.away_ms) == recount.uptime(made.watches, silent, since, until)
        faults = [*silent, *made.other_faults.get(rid, [])]
        assert row.faults == sum(a < until and b > since for a, b in faults)
        assert row.data_bytes == made.months.get(rid, {}).get("2026-08")


def test_the_reach_of_the_campaign_equals_the_recount(session, station, counted):
    made = station[1]
    campaign = session.get(Campaign, made.campaign_id)
    found = reached.of_campaign(session, campaign, ZONE, OVER)
    mine = [c for c in counted if c.asked.campaign]
    expected = recount.reach(mine, made.households, 2, FIRST, LAST)
    assert [(day, share.reached, share.of) for day, share in found.curve] == expected
    assert found.target == 80
    part = session.scalar(sa.text("SELECT area_id FROM receivers WHERE id = 'r-0003'"))
    theirs = reached.of_campaign(session, campaign, ZONE, OVER, frozenset({part}))
    some = recount.reach(
        [c for c in mine if c.asked.area == "thôn Số 3"], made.households, 2, FIRST, LAST
    )
    assert [(day, share.reached, share.of) for day, share in theirs.curve] == some
    whole = figures.of_campaign(session, campaign, ZONE)
    assert document.counted(whole.total) == recount.line([c for c in mine if not c.asked.drill])


def test_areas_and_states_add_up_to_the_raw_count(session, station):
    since, until = QUARTER.bounds(ZONE)
    kept = figures.by_area_and_state(session, since, until)
    raw = session.execute(
        sa.text(
            "SELECT d.area_name, d.state, count(*) FROM deliveries d JOIN broadcasts b ON b.id = d.broadcast_id "
            "WHERE b.starts_at >= :since AND b.starts_at < :until GROUP BY 1, 2"
        ),
        {"since": since, "until": until},
    )
    assert {(area, state.value): n for (area, state), n in kept.items()} == {
        (area, state): n for area, state, n in raw
    }


def test_all_that_is_not_confirmed_is_named_or_counted(session, counted):
    since, until = QUARTER.bounds(ZONE)
    missing = [c.asked for c in counted if c.state == "unknown"]
    for found in (
        unheard.of(session, figures.within(since, until)),
        unheard.of_log(session, LogFilter(since=since, until=until)),
    ):
        named = sum(len(each.receivers) + each.more for each in found.named)
        assert named + found.more == len(missing)
        starts = sorted({asked.at for asked in missing}, reverse=True)
        assert [each.starts_at for each in found.named] == starts[: unheard.MOST_BROADCASTS]
        assert len(found.named) + found.more_broadcasts == len(starts)
        newest = [asked for asked in missing if asked.at == starts[0]]
        assert found.named[0].title == newest[0].title
        assert set(found.named[0].receivers) <= {
            f"Cột {int(asked.rid[2:])} ({asked.area})" for asked in newest
        }
        said = unheard.footnotes(found, ZONE)
        assert len(said) == unheard.MOST_BROADCASTS + 3
        assert f"{words.number(found.more)} kết quả khác" in said[-2]


def test_each_result_stands_in_the_log_of_the_upper_systems_codes(session, counted):
    since, until = QUARTER.bounds(ZONE)
    table = bulletin_codes.table(session, LogFilter(since=since, until=until), "Đài")
    names = [column.key for column in table.columns]
    rows = [dict(zip(names, row, strict=True)) for row in table.rows]
    found = {(row["Loa.LuotPhat"], row["CumLoaID"]): row for row in rows}
    assert len(found) == len(rows) == len(counted)
    codes = {"normal": 3, "emergency": 1}
    for each in counted:
        row, asked = found[each.asked.occ, each.asked.rid], each.asked
        assert row["MucDoUuTien"] == codes[asked.priority]
        assert row["LoaiLinhVuc"] == asked.field
        assert row["TacGia.TenDayDu"] == asked.author
        assert (row["Loa.KetQua"] == "chưa có xác nhận") == (each.state == "unknown")
        # One not confirmed may have told its start, and then no more.
        if each.state in ("missed", "refused", "failed"):
            assert row["ThoiDiemBatDau"] is None


def test_whoever_sees_a_part_gets_figures_of_that_part(session, counted):
    """Counted anew from the deliveries of the receivers that stand there, not from the kept counts."""
    number = session.scalar(sa.text("SELECT area_id FROM receivers WHERE id = 'r-0003'"))
    found = figures.of_period(session, QUARTER, ZONE, frozenset({number}))
    mine = [c for c in _meant(counted, QUARTER) if c.asked.area == "thôn Số 3"]
    assert document.counted(found.total) == recount.line(mine)
    assert found.evidence["E1"] == sum(c.level == "E1" for c in mine)


def test_late_evidence_changes_the_report_and_it_says_what(station):
    """Last in this file: it changes the station."""
    database, made = station
    with database.write() as session:
        hoa = session.get(Staff, 1)
        about = About("", ZONE, OVER)
        before = papers.of_period(session, QUARTER, about)
        papers.issue(session, QUARTER, about, hoa)
        unchanged = papers.of_period(session, QUARTER, about)
        assert unchanged.issued.changes == []
        assert "số liệu vẫn như khi phát hành" in unchanged.document.sentences[-1]
        receipts.record(session, made.late, OVER)
        # Where all that came late is that it had been accepted, the wait ends once more.
        receipts.expire(session, OVER, late=60_000, grace=120_000)
        now = papers.of_period(session, QUARTER, about)
        recounted = _meant(_recount(session, made), QUARTER)
        assert document.counted(now.figures.total) == recount.line(recounted)
        assert now.figures.total.unknown < before.figures.total.unknown
        _names_every_change(before.document, now)


def _names_every_change(before: Document, now: papers.Paper) -> None:
    """Each cell of each table that differs, and no other."""
    tables = {table.key: table for table in before.tables}
    expected = set()
    for table in now.document.tables:
        if table.key in ("compared", "changes"):
            continue
        for was, new in zip(tables[table.key].rows, table.rows, strict=True):
            for column, a, b in zip(table.columns, was, new, strict=True):
                if a != b:
                    show = words.shower(column, ZONE)
                    expected.add((table.title, column.title, show(a), show(b)))
    found = now.issued.changes
    assert {(each.table, each.figure, each.was, each.now) for each in found} == expected
    assert {each.table for each in found} >= {
        "Kết quả chung", "Theo địa bàn", "Theo đầu thu", "Theo chiến dịch", "Theo lĩnh vực",
    }  # fmt: skip
    shown = [words.number(table.rows[0][5]) for table in (before.tables[0], now.document.tables[0])]
    assert f"Tất cả – chưa có xác nhận: khi phát hành {shown[0]}, nay {shown[1]}" in [
        each.sentence for each in found
    ]
