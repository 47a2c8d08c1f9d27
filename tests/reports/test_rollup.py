"""The roll-up of three communes equals the recount of their journals, whatever was handed in how often."""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from loa import cli, times
from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import NotAllowed
from loa.staff import Staff
from loa.times import Instant
from scheduler.exports import files
from scheduler.reporting import periods
from scheduler.reporting.counts import Counts
from scheduler.reporting.document import counted
from scheduler.rollup import document, figures, importing, reading, stations
from scheduler.rollup.importing import Outcome
from scheduler.rollup.reading import RollupError
from scheduler.rollup.tables import RollupBroadcast, RollupCount
from tests.cast import ZONE, Cast, settle_in, vn
from tests.reports import communes, recount
from tests.reports.communes import NOW, Commune

NOVEMBER = periods.month(date(2026, 11, 1))
Import = Callable[..., Outcome]


@pytest.fixture(scope="session")
def three(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Commune]:
    folder = tmp_path_factory.mktemp("communes")
    return [communes.make(migrated_sqlite, folder / str(n), n) for n in range(3)]


@pytest.fixture
def cast(database: Database) -> Cast:
    with database.write() as session:
        return settle_in(session, 0)


@pytest.fixture
def take_in(database: Database, cast: Cast) -> Import:
    def run(path: Path, **options: str) -> Outcome:
        bundle = reading.read(path, 1)
        with database.write() as session:
            return importing.take_in(session, bundle, path.name, cast.admin, NOW, **options)

    return run


def whole(
    database: Database, period: periods.Period = NOVEMBER, now: Instant = NOW
) -> figures.Whole:
    with database.read() as session:
        return figures.of_period(session, period, ZONE, now)


def line(counts: Counts) -> tuple[object, ...]:
    return counted(counts)


def by_station(found: figures.Whole) -> dict[str, tuple[object, ...]]:
    return {each.name: line(each.counts) for each in found.stations}


def test_three_communes_make_what_their_journals_say(
    database: Database, three: list[Commune], take_in: Import
) -> None:
    for each in three:
        take_in(each.late)
    found = whole(database)
    assert by_station(found) == {each.name: recount.line(each.counted) for each in three}
    apart = [c for each in three for c in _apart(each)]
    assert line(found.total) == recount.line(apart)
    assert line(found.emergencies) == recount.line([c for c in apart if c.asked.emergency])
    assert {day: line(counts) for day, counts in found.days.items()} == recount.groups(
        apart, lambda asked: asked.day
    )
    assert len({c.state for c in apart}) == 4  # played, cut off, missed and unknown


def _apart(each: Commune) -> list[recount.Counted]:
    """Their broadcasts bear the same names in each commune only by chance."""
    for one in each.counted:
        one.asked.occ = f"{each.name} {one.asked.occ.removeprefix(f'{each.name} ')}"
    return each.counted


def test_receivers_nobody_heard_of_are_named(
    database: Database, three: list[Commune], take_in: Import
) -> None:
    for each in three:
        take_in(each.late)
    last = {each.name: [f"r-{n + 3:04d}"] for n, each in enumerate(three)}
    assert {each.name: each.silent for each in whole(database).stations} == last


def test_the_same_bundle_twice_counts_once(
    database: Database, three: list[Commune], take_in: Import, tmp_path: Path
) -> None:
    first = take_in(three[0].late)
    before = by_station(whole(database))
    renamed = tmp_path / "khac.zip"
    renamed.write_bytes(three[0].late.read_bytes())
    again = take_in(renamed)
    assert (first.new, again.is_known, again.new) == (3, True, 0)
    assert "đã nhập rồi" in again.sentences[0]
    assert by_station(whole(database)) == before


@pytest.mark.parametrize("order", list(itertools.permutations(("early", "late", "first_day"))))
def test_the_newest_evidence_counts_in_whatever_order_bundles_come(
    database: Database, three: list[Commune], take_in: Import, order: tuple[str, ...]
) -> None:
    outcomes = {name: take_in(getattr(three[0], name)) for name in order}
    assert by_station(whole(database)) == {three[0].name: recount.line(three[0].counted)}
    early = outcomes["early"]
    assert (early.new, early.replaced) == ((3, 0) if order[0] == "early" else (early.new, 0))
    if order[:2] == ("early", "late"):
        assert outcomes["late"].replaced == 3
        assert "thay bằng" in " ".join(outcomes["late"].sentences)
    if order.index("early") > order.index("late"):
        assert (early.new, early.kept) == (0, 3)


def test_late_evidence_changes_the_figures(
    database: Database, three: list[Commune], take_in: Import
) -> None:
    take_in(three[0].early)
    was = by_station(whole(database))
    assert was == {three[0].name: recount.line(three[0].counted_early)}
    take_in(three[0].late)
    assert by_station(whole(database)) != was


def test_what_the_newer_bundle_knows_nothing_of_is_dropped_and_told(
    database: Database, three: list[Commune], take_in: Import
) -> None:
    take_in(three[0].early)
    bundle = reading.read(three[0].late, 1)
    occ = sorted(bundle.broadcasts)[0]
    del bundle.broadcasts[occ]
    with database.write() as session:
        admin = session.scalars(sa.select(Staff).where(Staff.login == "quantri")).one()
        outcome = importing.take_in(session, bundle, "x.zip", admin, NOW)
        kept = set(session.scalars(sa.select(RollupBroadcast.occ)))
    assert (outcome.replaced, outcome.dropped) == (2, 1)
    assert occ not in kept
    assert "đã bỏ" in " ".join(outcome.sentences)
    with database.read() as session:
        orphans = sa.select(sa.func.count()).where(
            RollupCount.broadcast_id.not_in(sa.select(RollupBroadcast.id))
        )
        assert session.scalar(orphans) == 0


def test_a_changed_bundle_is_refused_in_the_verifiers_words(
    database: Database, three: list[Commune], take_in: Import, tmp_path: Path
) -> None:
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(three[0].late) as source, zipfile.ZipFile(forged, "w") as target:
        for name in source.namelist():
            raw = source.read(name)
            if name == "deliveries.jsonl":
                raw = raw.replace(b'"state":"missed"', b'"state":"played"')
            target.writestr(name, raw)
    with pytest.raises(RollupError, match="nội dung khác bản kê đã ký"):
        take_in(forged)
    assert whole(database).stations == []


def test_what_is_no_bundle_is_refused(take_in: Import, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK no")
    with pytest.raises(RollupError, match="không phải ZIP"):
        take_in(tmp_path / "x.zip")


def test_another_key_waits_for_a_person_who_has_compared_it(
    database: Database, three: list[Commune], take_in: Import
) -> None:
    first = take_in(three[0].late)
    assert "đối chiếu" in first.said
    signer = reading.read(three[1].late, 1).signer
    with pytest.raises(RollupError, match="khác khoá đã ghi") as caught:
        take_in(three[1].late, name=three[0].name)
    assert caught.value.field == "key"
    assert signer in caught.value.sentence
    for wrong in (signer[:7], "0" * 32):
        with pytest.raises(RollupError):
            take_in(three[1].late, name=three[0].name, key=wrong)
    assert len(whole(database).stations) == 1
    outcome = take_in(three[1].late, name=three[0].name, key=signer[:8].upper())
    assert outcome.station == three[0].name
    with database.read() as session:
        (station,) = stations.listed(session)
        assert station.keys == [reading.read(three[0].late, 1).signer, signer]


def test_one_of_the_same_name_goes_under_another(
    database: Database, three: list[Commune], take_in: Import
) -> None:
    take_in(three[0].late)
    take_in(three[1].late, name="Xã 1 (huyện cũ)")
    assert [each.name for each in whole(database).stations] == ["Xã 1", "Xã 1 (huyện cũ)"]
    with pytest.raises(RollupError, match="ký bằng khoá của “Xã 1”"):
        take_in(three[0].early, name="Xã 9")


def test_who_has_not_handed_in_is_named_and_nothing_is_nought(
    database: Database, three: list[Commune], take_in: Import, cast: Cast
) -> None:
    with database.write() as session:
        stations.expect(session, "Xã 7", cast.admin, NOW)
    take_in(three[0].late)
    found = whole(database)
    made = document.of_period(found, station="Tỉnh", made_on=date(2026, 12, 5))
    assert made.sentences[:2] == ["1/2 đài đã nộp gói chứng cứ của kỳ.", "Chưa nộp: Xã 7."]
    rows = {row[0]: row for row in made.tables[1].rows}
    assert rows["Xã 7"][1] == "chưa nộp"
    assert set(rows["Xã 7"][2:-1]) == {None}
    assert set(made.tables[0].rows[-1][1:]) == {None}  # of the period before nothing is known
    # Made on the 25th, the bundle tells nothing of the days after.
    assert rows["Xã 1"][1] == "thiếu 6 ngày"


def test_where_nobody_has_handed_in_nothing_is_nought(database: Database, cast: Cast) -> None:
    with database.write() as session:
        stations.expect(session, "Xã 7", cast.admin, NOW)
    made = document.of_period(whole(database), station="Tỉnh", made_on=date(2026, 12, 5))
    assert {value for row in made.tables[0].rows for value in row[1:]} == {None}


def test_the_period_before_stands_beside_it(
    database: Database, three: list[Commune], take_in: Import
) -> None:
    take_in(three[0].late)
    day = periods.span(date(2026, 11, 22), date(2026, 11, 22))
    found = whole(database, day)
    on = {n: [c for c in three[0].counted if c.asked.day == date(2026, 11, n)] for n in (21, 22)}
    assert line(found.total) == recount.line(on[22])
    assert line(found.before) == line(found.stations[0].before) == recount.line(on[21])
    made = document.of_period(found, station="Tỉnh", made_on=date(2026, 12, 5))
    assert any(sentence.startswith("Kỳ trước") for sentence in made.sentences)
    assert "điểm %" in str(next(iter(made.tables[1].rows))[-1])


@pytest.mark.parametrize("kind", list(files.KINDS))
def test_every_format_is_written(
    database: Database, three: list[Commune], take_in: Import, tmp_path: Path, kind: str
) -> None:
    take_in(three[0].late)
    made = document.of_period(whole(database), station="Tỉnh", made_on=date(2026, 12, 5))
    files.write(made, kind, tmp_path / f"x.{kind}", ZONE)
    assert (tmp_path / f"x.{kind}").stat().st_size > 500


def test_each_import_is_an_act(database: Database, three: list[Commune], take_in: Import) -> None:
    take_in(three[0].late)
    with database.read() as session:
        acts = session.execute(sa.select(AuditEntry.actor, AuditEntry.kind, AuditEntry.data)).all()
    told = [(actor, kind) for actor, kind, _ in acts if kind.startswith("rollup.")]
    assert told == [("quantri", f"rollup.{what}") for what in ("expect", "key", "import")]
    assert json.loads(acts[-1].data)["new"] == 3


def test_only_an_admin_may(database: Database, three: list[Commune], cast: Cast) -> None:
    bundle = reading.read(three[0].late, 1)
    with database.write() as session, pytest.raises(NotAllowed):
        importing.take_in(session, bundle, "x", cast.hoa, NOW)


def test_a_bundle_from_tomorrow_is_refused(
    database: Database, three: list[Commune], cast: Cast
) -> None:
    bundle = reading.read(three[0].late, 1)
    with database.write() as session, pytest.raises(RollupError, match="đồng hồ"):
        importing.take_in(session, bundle, "x", cast.admin, vn("2026-11-20 00:00"))


def test_the_command_takes_some_and_names_what_it_refuses(
    migrated_sqlite: Path,
    three: list[Commune],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(times, "now", lambda: NOW)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "loa.db").write_bytes(migrated_sqlite.read_bytes())
    (tmp_path / "config.toml").write_text("[station]\nname = 'Tỉnh'\n")
    (tmp_path / "bad.zip").write_bytes(b"no")
    opened = Database(f"sqlite:///{tmp_path / 'data' / 'loa.db'}")
    with opened.write() as session:
        settle_in(session, 0)
    opened.close()
    given = ["--config", str(tmp_path / "config.toml")]
    taken = [str(each.late) for each in three]
    done = cli.main(
        ["rollup", "import", *given, "--as", "quantri", str(tmp_path / "bad.zip"), *taken]
    )
    said = capsys.readouterr()
    assert done == 1
    assert "bad.zip" in said.err
    assert said.out.count("3 lượt phát mới") == 3
    out = tmp_path / "thang-11.json"
    assert cli.main(["rollup", "report", *given, "--period", "2026-11", "-o", str(out)]) == 0
    assert [each["key"] for each in json.loads(out.read_text())["tables"]] == [
        "total",
        "stations",
        "days",
    ]
