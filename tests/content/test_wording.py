"""What went out of a text and what came in, and that finding it never takes long."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import wording
from content.wording import Budget, Piece

LETTERS = st.text("ab c.\n\t\u00a0", max_size=40)
WORDS = st.lists(st.sampled_from(["họp", "thôn", "lúc", "giờ", "7", "\n"]), max_size=40)


def joined(pieces: list[Piece], without: str) -> str:
    return "".join(piece.text for piece in pieces if piece.kind != without)


def written(old: str, new: str) -> str:
    """The pieces in a line: [-removed-] and {+added+}."""
    marks = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(marks[kind].format(text) for kind, text in wording.compare(old, new))


def demand_both(old: str, new: str, budget: Budget | None = None) -> list[Piece]:
    pieces = wording.compare(old, new, budget)
    assert joined(pieces, "added") == old
    assert joined(pieces, "removed") == new
    assert all(piece.text for piece in pieces)
    assert all(a.kind != b.kind for a, b in pairwise(pieces))
    assert ("added", "removed") not in [(a.kind, b.kind) for a, b in pairwise(pieces)]
    return pieces


@given(LETTERS, LETTERS)
def test_both_texts_come_back(old: str, new: str) -> None:
    demand_both(old, new)


@given(WORDS, WORDS, st.integers(0, 400))
def test_both_texts_come_back_however_little_may_be_done(
    old: list[str], new: list[str], steps: int
) -> None:
    demand_both(" ".join(old), " ".join(new), Budget(steps))


@given(WORDS, WORDS, st.integers(0, 400))
def test_what_is_shared_is_equal_and_in_order(old: list[str], new: list[str], steps: int) -> None:
    found = wording.shared(old, new, Budget(steps))
    assert all(old[a] == new[b] for a, b in found)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(found))
    assert wording.shared(old, old, Budget(0)) == [(at, at) for at in range(len(old))]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("", "", ""),
        ("Họp.", "Họp.", "Họp."),
        ("", "Họp.", "{+Họp.+}"),
        ("Họp.", "", "[-Họp.-]"),
        ("Họp lúc 7 giờ.", "Họp lúc 8 giờ tối.", "Họp lúc [-7 giờ.-]{+8 giờ tối.+}"),
        ("Thu gom.", "Thu gom. Mời bà con.", "Thu gom.{+ Mời bà con.+}"),
        ("Một.\nHai.", "Một.\nBa.\nHai.", "Một.\n{+Ba.\n+}Hai."),
        ("Một. Hai. Ba.", "Một.\n\nHai. Ba.", "Một.[- -]{+\n\n+}Hai. Ba."),
        ("Một.\nHai.", "Một.\n\nHai.", "Một.\n{+\n+}Hai."),
        ("xoá hết đi", "viết lại", "[-xoá hết đi-]{+viết lại+}"),
        (
            "Mời bà con đến trạm y tế.\nGiờ làm việc: 7 giờ.\nMang theo thẻ.",
            "Mời bà con đến trạm y tế xã.\nMang theo thẻ bảo hiểm.",
            "Mời bà con đến trạm y [-tế.\nGiờ làm việc: 7 giờ.\n-]{+tế xã.\n+}"
            "Mang theo [-thẻ.-]{+thẻ bảo hiểm.+}",
        ),
        ("Kính mời ông Hoa, bà Lan.", "Kính mời bà Lan, ông Hoa.",
         "Kính mời {+bà Lan, +}ông [-Hoa, bà Lan.-]{+Hoa.+}"),
    ],
)  # fmt: skip
def test_it_shows_what_a_person_would_point_at(old: str, new: str, shown: str) -> None:
    assert written(old, new) == shown


def households(count: int, seed: int) -> str:
    kinds, chance = ("Nguyễn Văn", "Trần Thị", "Lê Văn"), random.Random(seed)
    return "".join(
        f"- Hộ ông {chance.choice(kinds)} {chance.randrange(10**6)}: {number} kg gạo.\n"
        for number in range(count)
    )


def test_in_a_long_list_with_all_names_changed_the_rest_is_the_same() -> None:
    pieces = demand_both(households(730, 1), households(730, 2))
    removed = joined([piece for piece in pieces if piece.kind == "removed"], "")
    assert "gạo" not in removed
    assert removed.count(":") == 730


def test_in_a_long_text_edited_all_over_only_the_edits_are_shown() -> None:
    words = [f"chữ{number % 900}" for number in range(5_000)]
    edited = ["sửa" if number % 7 == 0 else word for number, word in enumerate(words)]
    pieces = demand_both(" ".join(words), " ".join(edited))
    assert sum(piece.text.count("chữ") for piece in pieces if piece.kind == "removed") == 715


WORST = {
    "a word in common, over and over": (
        " ".join(f"a x{n}" for n in range(3_700)), " ".join(f"a y{n}" for n in range(3_700)),
    ),
    "two words": (" ".join("ab"[n * n % 7 % 2] for n in range(15_000)),
                  " ".join("ab"[n * n % 11 % 2] for n in range(15_000))),
    "from behind": (" ".join(map(str, range(5_000))), " ".join(map(str, range(5_000, 0, -1)))),
    "lines from behind": ("\n".join(map(str, range(5_000))), "\n".join(map(str, range(5_000, 0, -1)))),
    "two lines": ("a\nb\n" * 7_500, "b\nb\na\n" * 5_000),
    "three words, then another": ("a b c x " * 3_700, "a b c y z " * 3_000),
    "hardly anything": ("một " * 7_000, "hai " + "ba một " * 4_000),
    "a list": (households(730, 3), households(729, 4)),
    "one line": (households(730, 3).replace("\n", " "), households(729, 4).replace("\n", " ")),
    "blanks": (" \n" * 15_000, "\n " * 15_000),
    "one word": ("a" * 30_000, "a" * 29_999 + "b"),
}  # fmt: skip


class Counted(str):
    """A word that counts how often it is compared or looked up."""

    __slots__ = ()
    times = 0

    def __eq__(self, other: object) -> bool:
        Counted.times += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        Counted.times += 1
        return str.__hash__(self)


@pytest.mark.parametrize("worst", WORST)
def test_the_work_is_bounded(worst: str) -> None:
    """The steps it counts are the work it does: a few looks at words for each, and a few for each word."""
    old, new = ([Counted(word) for word in text.split()] for text in WORST[worst])
    budget = Budget()
    Counted.times = 0
    wording.shared(old, new, budget)
    assert budget.left >= 0
    assert Counted.times <= 8 * (wording.STEPS - budget.left) + 8 * (len(old) + len(new)) + 8


@pytest.mark.parametrize("worst", WORST)
def test_the_worst_texts_come_back_too(worst: str) -> None:
    old, new = WORST[worst]
    budget = Budget()
    demand_both(old, new, budget)
    demand_both(new, old)
    assert budget.left >= 0


def test_with_no_work_left_a_stretch_is_taken_out_and_put_in_whole() -> None:
    pieces = wording.compare("Mời: a b c d e.", "Mời: x b c d y e.", Budget(5))
    assert pieces == [
        Piece("same", "Mời: "), Piece("removed", "a b c d "), Piece("added", "x b c d y "),
        Piece("same", "e."),
    ]  # fmt: skip
