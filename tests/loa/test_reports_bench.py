"""The bench of reports runs, and what it says of itself is so; how fast anything is, is for the bench to say."""

from __future__ import annotations

import importlib.util
from contextlib import closing
from datetime import date

import pytest
import sqlalchemy as sa

from loa import cli
from loa.benches import counting, reports
from loa.benches.years import Years
from scheduler.broadcasts import Delivery, DeliveryState
from scheduler.reporting.tables import DeliveryCount


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request):
    if request.param == "sqlite":
        yield ""
        return
    cluster = request.getfixturevalue("postgresql")
    found = cluster.fresh()
    yield found
    cluster.drop(found)


@pytest.fixture
def years(tmp_path, url):
    with closing(Years(tmp_path, 6, 2_000, url)) as made:
        yield made


def counted(session) -> dict[tuple[int, str, str], tuple[int, ...]]:
    found = sa.select(sa.inspect(DeliveryCount).local_table)
    return {row[:3]: row[3:] for row in session.execute(found)}


def test_years_have_every_state_and_are_counted_as_the_triggers_count(years) -> None:
    """And what is only tried, to see what it costs, leaves nothing behind."""
    assert (years.days, years.broadcasts, years.deliveries) == (28, 336, 2_016)
    assert years.last == date(2026, 11, 30)
    with years.ground.database.write() as session:
        states = set(session.scalars(sa.select(Delivery.state).distinct()))
        assert states == set(DeliveryState)
        first = counted(session)
    found = list(counting.measure(years))
    assert [figure.unit for figure in found] == ["mục/s"] * 4 + ["ms CPU", "byte"]
    assert found[0].ratio == 1
    assert found[-1].value > 10
    with years.ground.database.write() as session:
        assert counted(session) == first
        values = {"played_ms": Delivery.played_ms, "evidence": "E3"}
        session.execute(sa.update(Delivery).values(values))
        session.execute(sa.update(Delivery).values(evidence="E1"))
        by_triggers = counted(session)
        again = sa.select(
            Delivery.broadcast_id, Delivery.area_name, Delivery.state,
            sa.func.count(), sa.func.sum(Delivery.expected_ms),
        ).group_by(Delivery.broadcast_id, Delivery.area_name, Delivery.state)  # fmt: skip
        recounted = {tuple(row[:3]): tuple(row[3:]) for row in session.execute(again)}
    assert {key: value[:2] for key, value in by_triggers.items()} == recounted
    assert {key: value[:4] for key, value in first.items()} == {
        key: value[:4] for key, value in by_triggers.items()
    }


def test_it_measures_pages_and_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "TURNS", 2)
    monkeypatch.setattr(reports, "CSV_ROWS", 100)
    monkeypatch.setattr(reports, "XLSX_ROWS", 100)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    found = list(reports.measure(2_000, 6, only=["pages", "exports"]))
    told = [figure.what for figure in found]
    assert told[0] == "Ghi sẵn 2016 kết quả: 6 đầu thu, 336 lượt, 28 ngày"
    assert sum(figure.goal == "< 1000 ms" for figure in found) == 9
    # Two days, the last of which has twelve broadcasts at six receivers, as the one before.
    files = [what for what in told if what.startswith(("CSV", "XLSX"))]
    assert [what.split(" (")[0] for what in files] == ["CSV của 144 dòng", "XLSX của 144 dòng"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--deliveries", "1"], "Không đo được 1 kết quả"),
        (["-n", "0"], "Không đo được 0 đầu thu"),
        (["--only", "bánh"], "Không có phần đo “bánh”"),
    ],
)
def test_what_cannot_be_measured_is_refused(capsys, arguments, sentence) -> None:
    assert cli.main(["bench", "reports", *arguments]) != 0
    assert sentence in capsys.readouterr().err
