"""What was put right in one bulletin, and what becomes of it when the text is edited."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import corrections, wording
from content.corrections import Correction

TEXT = "Họp ngày 12/4 tại số 12/4 Nguyễn Trãi.\nMời bà con XYZ đến dự."
HOUSE = Correction(21, 25, "12/4", "mười hai trên bốn")
TEAM = Correction(50, 53, "XYZ", "tổ xung kích")


def test_the_cast_stands_where_it_says() -> None:
    assert HOUSE.fits(TEXT)
    assert TEAM.fits(TEXT)
    assert not Correction(0, 0, "", "không").fits(TEXT)
    assert not Correction(-3, 0, "dự.", "a").fits(TEXT)


def test_putting_keeps_them_in_order() -> None:
    assert corrections.put((TEAM,), HOUSE) == (HOUSE, TEAM)
    assert corrections.put((), TEAM) == (TEAM,)


def test_a_new_one_replaces_what_it_overlaps() -> None:
    wide = Correction(18, 37, "số 12/4 Nguyễn Trãi", "nhà ông Minh")
    assert corrections.put((HOUSE, TEAM), wide) == (wide, TEAM)
    again = Correction(21, 25, "12/4", "mười hai xuyệt bốn")
    assert corrections.put((HOUSE, TEAM), again) == (again, TEAM)


def test_one_right_beside_another_leaves_it_alone() -> None:
    beside = Correction(25, 26, " ", "a")
    assert corrections.put((HOUSE,), beside) == (HOUSE, beside)


@pytest.mark.parametrize(
    ("after", "start"),
    [
        (TEXT, 21),
        ("Kính mời! " + TEXT, 31),
        (TEXT + " Xin cảm ơn.", 21),
        (TEXT.replace("ngày 12/4", "sáng mai"), 20),
        (TEXT.replace("Nguyễn", "đường Nguyễn"), 21),
        (TEXT.replace("Họp", "Hội nghị").replace("dự", "họp"), 26),
        ("Kính mời bà con họp ngày 12/4, thứ Hai, tại số 12/4 Nguyễn Trãi. Mời XYZ đến.", 47),
    ],
)
def test_it_goes_along_when_the_text_is_edited_elsewhere(after: str, start: int) -> None:
    kept, lost = corrections.carry_over((HOUSE,), TEXT, after)
    assert kept == (Correction(start, start + 4, "12/4", HOUSE.spoken),)
    assert lost == ()


@pytest.mark.parametrize(
    "after",
    [
        "",
        "Họp ngày 12/4.",
        TEXT.replace("12/4 N", "14/4 N"),
        TEXT.replace("12/4 N", "12/40 N"),
        TEXT.replace("12/4 N", "12/4/2026 N"),
        TEXT.replace("12/4 N", "112/4 N"),
        TEXT.replace("số 12/4 Nguyễn Trãi", "đình"),
    ],
)
def test_it_is_lost_when_its_piece_is_gone(after: str) -> None:
    assert corrections.carry_over((HOUSE,), TEXT, after) == ((), (HOUSE,))


def test_a_piece_that_stands_but_once_is_found_where_it_was_moved() -> None:
    after = "XYZ họp ngày 12/4 tại số 12/4 Nguyễn Trãi."
    kept, lost = corrections.carry_over((TEAM,), TEXT, after)
    assert kept == (Correction(0, 3, "XYZ", "tổ xung kích"),)
    assert lost == ()


def test_both_texts_are_composed_first() -> None:
    kept, _ = corrections.carry_over((TEAM,), TEXT, "Thông báo. " + TEXT)
    assert kept == (Correction(61, 64, "XYZ", "tổ xung kích"),)


def test_a_long_text_edited_all_over_keeps_what_was_not_touched() -> None:
    words = [f"chữ{number % 900}" for number in range(5_000)]
    before = " ".join(words)
    after = " ".join("sửa" if number % 7 == 0 else word for number, word in enumerate(words))
    places = {word: before.index(f" {word} ") + 1 for word in ("chữ8", "chữ9", "chữ13")}
    made = tuple(Correction(at, at + len(word), word, "chữ") for word, at in places.items())
    kept, lost = corrections.carry_over(made, before, after)
    assert [correction.written for correction in kept] == ["chữ8", "chữ9", "chữ13"]
    assert lost == ()


def test_two_long_texts_with_little_in_common_lose_everything() -> None:
    made = (Correction(0, 3, "một", "mốt"), Correction(4, 7, "một", "mốt"))
    kept, lost = corrections.carry_over(made, "một " * 7_000, "hai " + "ba một " * 4_000)
    assert kept == ()
    assert lost == made


def test_without_corrections_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "shared", lambda *_: 1 / 0)
    assert corrections.carry_over((), "một hai", "ba bốn") == ((), ())


def test_all_comparing_of_one_edit_shares_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[wording.Budget] = []

    class Counted(wording.Budget):
        def __init__(self) -> None:
            super().__init__(steps=100)
            made.append(self)

    monkeypatch.setattr(wording, "Budget", Counted)
    before = "\n".join(f"a x{n} b u{n}" for n in range(1_000))
    after = "\n".join(f"a y{n} b v{n}" for n in range(1_000))
    first = Correction(0, 1, "a", "á")
    assert corrections.carry_over((first,), before, after) == ((first,), ())
    lost = Correction(before.index("b u500"), before.index("b u500") + 1, "b", "bê")
    assert corrections.carry_over((lost,), before, after) == ((), (lost,))
    assert len(made) == 2


def test_hundreds_go_along_in_their_order() -> None:
    before = " ".join(f"X{n}" for n in range(500))
    places = [before.index(f"X{n}") for n in range(500)]
    made = tuple(Correction(at, at + 2, before[at : at + 2], "ích") for at in places[:10])
    after = "Kính mời. " + before
    kept, lost = corrections.carry_over(reversed(made), before, after)
    assert kept == tuple(Correction(c.start + 10, c.end + 10, c.written, "ích") for c in made)
    assert lost == ()


@given(st.text("ab 1/4\n", max_size=30), st.text("ab 1/4\n", max_size=30), st.data())
def test_what_is_kept_fits_the_new_text(before: str, after: str, data: st.DataObject) -> None:
    made: tuple[Correction, ...] = ()
    for _ in range(data.draw(st.integers(0, 4)) if before else 0):
        start = data.draw(st.integers(0, len(before) - 1))
        end = data.draw(st.integers(start + 1, len(before)))
        made = corrections.put(made, Correction(start, end, before[start:end], "a"))
    kept, lost = corrections.carry_over(made, before, after)
    assert sorted(c.written for c in (*kept, *lost)) == sorted(c.written for c in made)
    assert all(correction.fits(after) for correction in kept)
    assert all(a.end <= b.start for a, b in pairwise(kept))
    assert corrections.carry_over(made, before, before) == (made, ())


@pytest.mark.parametrize(
    ("correction", "sentence"),
    [
        (Correction(21, 25, "12/4", "  "), "Chưa điền cách đọc của “12/4”."),
        (Correction(21, 25, "12/4", "12 trên 4"), "còn chữ số"),
        (Correction(21, 25, "12/4", "a" * 201), "dài 201 ký tự"),
        (Correction(21, 25, "12/4", "mười hai\ntrên bốn"), "một dòng"),
        (Correction(36, 42, "i.\nMời", "mời"), "một dòng"),
        (Correction(20, 24, "12/4", "mười hai trên bốn"), "không còn ở chỗ đã sửa"),
        (Correction(21, 999, "12/4", "mười hai trên bốn"), "không còn ở chỗ đã sửa"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(correction: Correction, sentence: str) -> None:
    assert sentence in str(corrections.problem(correction, TEXT))


def test_a_good_correction_has_no_problem() -> None:
    assert corrections.problem(HOUSE, TEXT) is None
    assert corrections.problem(Correction(21, 25, "12/4", "a" * 200), TEXT) is None
