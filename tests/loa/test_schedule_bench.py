"""The bench of scheduling runs, and what it says of itself is so; how fast anything is, is for the bench to say."""

from __future__ import annotations

import pytest

from loa import cli
from loa.benches import schedule


def test_it_measures_a_year_two_days_and_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "TURNS", 1)
    found = list(schedule.measure(small=3, large=5, schedules=9, campaigns=2))
    assert [figure.goal for figure in found] == ["", "< 2 s", "< 0,3 s", "< 2 s", "< 10 s", ""]
    bare, year, clashes, full, plan, _ = (figure.what for figure in found)
    # 2 × 365 daily, 157, 104, 24, 12, every third of 365 days, 52 and 12 of the other rules.
    assert "(1213 ngày)" in bare
    # Each of the two campaigns plays once a day: 60 days, and all 365, at receivers that hear the same.
    assert int(year.split("(")[1].split()[0]) > 1213 + 60
    assert int(full.split("(")[1].split()[0]) > 1213 + 365
    assert "365 lượt trong một năm" in clashes
    assert "48 giờ cho 5 đầu thu" in plan


def test_a_number_out_of_range_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "schedule", "-n", "0"]) != 0
    assert "Không đo được 0 đầu thu" in capsys.readouterr().err
