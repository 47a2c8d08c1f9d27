"""``loa reading``: a text in, its words out, and on request what a person should look at."""

from __future__ import annotations

import io

import pytest

from loa import cli


def test_it_reads_its_arguments_as_one_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reading", "Họp lúc", "7h30"]) == 0
    assert capsys.readouterr().out == "Họp lúc bảy giờ ba mươi phút\n"


def test_it_reads_one_line_after_the_other(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("ngày 5/6\r\n\nTDP3"))
    assert cli.main(["reading"]) == 0
    assert capsys.readouterr().out == "ngày mùng năm tháng sáu\n\ntổ dân phố ba\n"


def test_it_shows_what_it_doubts_after_each_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("họp XYZ\nhọp\n"))
    assert cli.main(["reading", "--warnings"]) == 0
    first, doubt, second = capsys.readouterr().out.splitlines()
    assert (first, second) == ("họp ích i dài dét", "họp")
    assert doubt.split("\t")[:2] == ["XYZ", "ích i dài dét"]
    assert "từ điển" in doubt.split("\t")[2]
