"""The bench of pages runs, and what it says of itself is so; how fast anything is, is for the bench to say."""

from __future__ import annotations

import pytest

from loa import cli
from loa.benches import crowd, pages
from loa.benches.reader import percentile


def test_it_measures_every_page_beside_a_bare_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "TURNS", 2)
    found = list(pages.measure(2_000, 6, only=["pages"]))
    assert found[0].what == "Ghi sẵn 2016 kết quả trong 28 ngày"
    assert len(found[1:]) == 18
    for figure in found[1:]:
        assert figure.goal == "p95 < 100 ms"
        assert figure.ceiling, figure.what
        assert "câu hỏi" in figure.what


def test_it_measures_what_a_crowd_leaves_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "LIVE", 5)
    monkeypatch.setattr(crowd, "CHANGE_SECONDS", 1.0)
    monkeypatch.setattr(pages, "BULLETINS", 3)
    found = {figure.what.split(",")[0]: figure for figure in pages.measure(2_000, 6, ["crowd"], 2)}
    assert found["Trang đang mở có luồng trực tiếp"].value == 5
    let_in = found["  đăng nhập xong mỗi giây"].value * 2
    assert let_in + found["  đăng nhập bị hẹn lại bằng một câu"].value == 40
    assert let_in > 0
    assert found["Khách biến mất được bỏ sau"].value > 0


def test_a_percentile_is_a_value_that_came() -> None:
    assert [percentile([1.0, 2.0, 3.0, 4.0], each) for each in (1, 50, 95)] == [1.0, 2.0, 4.0]
    assert percentile([5.0], 95) == 5.0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--deliveries", "1"], "Không đo được 1 kết quả"),
        (["-n", "0"], "Không đo được 0 đầu thu"),
        (["--seconds", "0"], "Không đo được 0 giây"),
        (["--only", "bánh"], "Không có phần đo “bánh”"),
    ],
)
def test_what_cannot_be_measured_is_refused(capsys, arguments, sentence) -> None:
    assert cli.main(["bench", "pages", *arguments]) != 0
    assert sentence in capsys.readouterr().err
