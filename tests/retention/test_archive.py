"""Months past their time leave for archives that verify, and whatever reads them reads the same."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import ScheduleError
from loa.times import Instant
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.evidence import bundles
from scheduler.evidence.scope import Scope
from scheduler.evidence.tables import Checkpoint
from scheduler.retention import archives, gone, leaving, night, overview
from scheduler.retention.tables import Progress
from tests.evidence.station import Station
from tests.retention import station as stations
from tests.retention.station import DECEMBER, LATER, MUCH_LATER, NOVEMBER, QUARTER
from verifier import loa_verify


def test_only_what_is_past_its_time_leaves_and_counts_stay(station: Station) -> None:
    before = stations.counted(station.database)
    config = stations.archived(station)
    now = stations.counted(station.database)
    assert now["deliveries"] == before["deliveries"] - 6
    assert now["delivery_counts"] == before["delivery_counts"]
    assert all(
        now[table] < before[table] for table in ("journal_entries", "journal_proofs", "plans")
    )
    with station.database.read() as session:
        assert list(night.due(session, config, LATER)) == []
        left = session.scalars(sa.select(Broadcast.starts_at).join(Delivery)).all()
    assert min(left) >= NOVEMBER.bounds(config.zone)[1]


def test_the_file_passes_the_verifier_and_the_audit_log_names_it_under_a_checkpoint(
    station: Station,
) -> None:
    config = stations.archived(station)
    with station.database.read() as session:
        ((archive, progress),) = gone.listing(session)
        said = json.loads(session.get_one(AuditEntry, archive.audit_n).data)
        signed = session.scalar(sa.select(sa.func.max(Checkpoint.n)))
    report = loa_verify.verify(str(config.archives / archive.name), processes=1)
    assert report.is_good
    assert report.counts["rows"] == 6
    assert said["sha256"] == archive.sha256 == archives.digest(config.archives / archive.name)
    assert signed is not None
    assert signed >= archive.audit_n
    assert progress.finished_at == LATER


@pytest.mark.parametrize("period", [NOVEMBER, DECEMBER, QUARTER], ids=["one", "two", "mixed"])
def test_reports_and_log_are_the_same_after_it(station: Station, period: object) -> None:
    before = stations.report(station, stations.configured(station), period)
    config = stations.archived(station, MUCH_LATER)
    assert stations.counted(station.database)["deliveries"] == 6
    assert stations.report(station, config, period) == before
    assert len(before[3]) >= 6


def test_a_later_bundle_passes_and_one_of_the_archived_month_names_the_file(
    station: Station, tmp_path: Path
) -> None:
    config = stations.archived(station)
    file = tmp_path / "b.zip"
    since, until = (NOVEMBER.bounds(config.zone)[1], QUARTER.bounds(config.zone)[1])
    with station.database.read() as session:
        bundles.write(session, config, Scope(since, until), file, LATER)
        report = loa_verify.verify(str(file), processes=1)
        assert report.is_good
        assert report.counts["rows"] == 12
        ((archive, _),) = gone.listing(session)
        with pytest.raises(ScheduleError, match=archive.sha256):
            bundles.write(session, config, Scope(Instant(since - 1), until), file, LATER)


def test_archives_of_two_months_hold_every_row_that_left(station: Station) -> None:
    entries = sa.text("select receiver_id, jid, seq, raw from journal_entries")
    plans = sa.text("select receiver_id, rev from plans")
    with station.database.read() as session:
        before = [set(map(tuple, session.execute(query))) for query in (entries, plans)]
    config = stations.archived(station, MUCH_LATER)
    with station.database.read() as session:
        left = [set(map(tuple, session.execute(query))) for query in (entries, plans)]
        files = [config.archives / archive.name for archive, _ in gone.listing(session)]
    told = [_told(path) for path in files]
    assert before[0] - left[0] <= set().union(*(one[0] for one in told))
    assert before[1] - left[1] <= set().union(*(one[1] for one in told))
    assert before[0] - left[0]
    assert before[1] - left[1]


def _told(path: Path) -> tuple[set[tuple[object, ...]], set[tuple[object, ...]]]:
    with zipfile.ZipFile(path) as file:
        journals = [json.loads(line) for line in file.read("journals.jsonl").splitlines()]
        plans = [json.loads(line) for line in file.read("plans.jsonl").splitlines()]
    entries = {
        (line["rid"], line["jid"], line["from"] + number, raw.encode())
        for line in journals
        for number, raw in enumerate(line.get("e", ()))
    }
    return entries, {(line["rid"], line["rev"]) for line in plans}


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_an_archive_that_is_not_there_is_named_and_never_shown_as_nothing(
    station: Station, harm: str
) -> None:
    config = stations.archived(station)
    with station.database.read() as session:
        ((archive, progress),) = gone.listing(session)
    path = config.archives / archive.name
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ScheduleError, match=f"{archive.name} .sha256 {archive.sha256}"):
        stations.report(station, config, NOVEMBER)
    with station.database.read() as session:
        assert archive.sha256 in (overview.wrong(session, config, archive) or "")
        assert (overview.state(archive, progress, config) == "không thấy tệp") is (harm == "gone")


def test_nothing_leaves_while_the_file_is_not_as_it_was_registered(station: Station) -> None:
    config = stations.confirmed(station)
    before = stations.counted(station.database)
    number = archives.make(station.database, config, NOVEMBER, LATER)
    (path,) = config.archives.glob("*.zip")
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ScheduleError, match="đã bị thay đổi"):
        list(leaving.leave(station.database, config, number, LATER))
    assert stations.counted(station.database) == before


def test_what_changed_after_the_archive_was_made_stays_for_a_second_one(station: Station) -> None:
    config = stations.confirmed(station)
    number = archives.make(station.database, config, NOVEMBER, LATER)
    _rename(station.database, "r-0001")
    for _ in night.work(station.database, config, LATER):
        pass
    with station.database.read() as session:
        found = gone.listing(session)
        first = session.get_one(Progress, number)
        assert first.stopped
        assert first.upto == "r-0000"
        assert [archive.name for archive, _ in found] == ["loa-2026-11-2.zip", "loa-2026-11.zip"]
        assert list(night.due(session, config, LATER)) == []
    rows = stations.report(station, config, NOVEMBER)[3]
    assert sorted(row[7] for row in rows if row[6] == "r-0001") == ["Tên mới"] * 2
    assert len(rows) == 6
    with station.database.read() as session:
        assert [overview.wrong(session, config, archive) for archive, _ in found] == [None, None]


def _rename(database: Database, rid: str) -> None:
    with database.write() as session:
        session.execute(
            sa.update(Delivery).where(Delivery.receiver_id == rid).values(receiver_name="Tên mới")
        )


def test_a_file_that_does_not_verify_is_not_registered(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = stations.confirmed(station)
    before = stations.counted(station.database)
    with station.database.write() as session:
        session.execute(
            sa.text("update deliveries set played_ms = 1 where receiver_id = 'r-0000' and id < 4")
        )
    with pytest.raises(ScheduleError, match="không qua được bước kiểm"):
        list(night.work(station.database, config, LATER))
    assert stations.counted(station.database) == before
    with station.database.read() as session:
        assert gone.listing(session) == []


def test_the_whole_work_on_either_database(database: Database, tmp_path: Path) -> None:
    station = stations.months(database, tmp_path / "station", 2)
    before = stations.counted(database)
    shown = stations.report(station, station.config, NOVEMBER)
    config = stations.archived(station)
    now = stations.counted(database)
    assert now["deliveries"] == before["deliveries"] - 4
    assert now["delivery_counts"] == before["delivery_counts"]
    assert now["journal_entries"] < before["journal_entries"]
    assert now["plans"] < before["plans"]
    assert stations.report(station, config, NOVEMBER) == shown
