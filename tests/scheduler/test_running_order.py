"""What fits into a session, and when each entry begins."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from loa.times import MINUTE, SECOND
from scheduler.running_order import FILL_LEAST, GAP, RELAY_LEAST, Entry, Fate, Length, lay, total


def sound(seconds: float) -> Entry:
    return Entry(int(seconds * SECOND))


def fates(entries: list[Entry], room: int) -> list[str]:
    return [each.fate.value for each in lay(entries, room)]


def test_each_entry_begins_when_the_one_before_has_ended() -> None:
    placed = lay([Entry(3_141), Entry(59_026), Entry(5_358)], 15 * MINUTE)
    assert [(each.at, each.ms) for each in placed] == [
        (0, 3_141),
        (3_141 + GAP, 59_026),
        (3_141 + GAP + 59_026 + GAP, 5_358),
    ]


def test_what_fits_to_the_millisecond_is_heard() -> None:
    entries = [sound(60), sound(60)]
    assert fates(entries, 2 * MINUTE + GAP) == ["heard", "heard"]
    assert fates(entries, 2 * MINUTE + GAP - 1) == ["heard", "partly"]


def test_what_does_not_fit_is_left_out_whole_and_what_follows_moves_up() -> None:
    placed = lay([sound(60), sound(300), sound(20)], 2 * MINUTE)
    assert [each.fate for each in placed] == [Fate.HEARD, Fate.PARTLY, Fate.HEARD]
    assert placed[1].over == 4 * MINUTE + GAP
    assert placed[2].at == 60 * SECOND + GAP


def test_what_finds_no_time_at_all_is_told_apart() -> None:
    assert fates([sound(60), sound(60), sound(60)], MINUTE) == ["heard", "not", "not"]
    assert fates([sound(60)], 0) == ["not"]


def test_a_relay_ends_with_the_session() -> None:
    relay = Entry(30 * MINUTE, Length.RELAY)
    placed = lay([sound(60), relay], 15 * MINUTE)
    assert placed[1].fate is Fate.SHORTENED
    assert placed[1].ends == 15 * MINUTE
    assert lay([sound(60), relay], MINUTE + GAP + RELAY_LEAST)[1].fate is Fate.SHORTENED
    assert lay([sound(60), relay], MINUTE + GAP + RELAY_LEAST - 1)[1].fate is Fate.PARTLY


def test_campaigns_get_what_the_rest_leaves_wherever_they_stand() -> None:
    fill = Entry(10 * MINUTE, Length.FILL)
    entries = [sound(60), fill, sound(120), sound(30)]
    placed = lay(entries, 10 * MINUTE)
    assert [each.fate for each in placed] == [Fate.HEARD, Fate.SHORTENED, Fate.HEARD, Fate.HEARD]
    assert placed[1].ms == 10 * MINUTE - 210 * SECOND - 3 * GAP
    assert placed[3].ends == 10 * MINUTE
    assert lay(entries, 20 * MINUTE)[1].fate is Fate.HEARD
    full = lay(entries, 210 * SECOND + 3 * GAP + FILL_LEAST - 1)
    assert (full[1].fate, full[1].ms) == (Fate.NOT, 0)
    assert all(each.is_heard for place, each in enumerate(full) if place != 1)


def test_what_is_left_out_gives_its_time_to_campaigns() -> None:
    entries = [sound(60), sound(1_000), Entry(10 * MINUTE, Length.FILL)]
    assert lay(entries, 5 * MINUTE)[2].ms == 4 * MINUTE - GAP


def test_campaigns_before_it_make_nothing_longer_than_it_is() -> None:
    entries = [Entry(10 * MINUTE, Length.FILL), sound(6 * 60)]
    fill, too_long = lay(entries, 5 * MINUTE)
    assert fill.ms == 5 * MINUTE
    assert (too_long.fate, too_long.over) == (Fate.PARTLY, MINUTE)


def test_a_sound_not_made_and_one_that_is_barred_take_no_time() -> None:
    placed = lay([Entry(None), Entry(60_000, barred=True), sound(10)], MINUTE)
    assert [each.fate for each in placed] == [Fate.HEARD, Fate.BARRED, Fate.HEARD]
    assert placed[2].at == 0


def test_the_bar_says_how_much_is_too_much() -> None:
    entries = [sound(60), sound(600), Entry(5 * MINUTE, Length.FILL)]
    told = total(entries, lay(entries, 5 * MINUTE), 5 * MINUTE)
    assert (told.asked, told.over) == (660 * SECOND + GAP, 360 * SECOND + GAP)
    assert (told.used, told.left) == (5 * MINUTE, 0)


ENTRIES = st.lists(
    st.builds(
        Entry,
        st.none() | st.integers(1, 20 * MINUTE),
        st.sampled_from(Length),
        st.booleans(),
    ),
    max_size=12,
)


@given(ENTRIES, st.integers(0, 30 * MINUTE))
def test_whatever_is_asked_nothing_overlaps_or_goes_beyond_the_session(
    entries: list[Entry], room: int
) -> None:
    placed = lay(entries, room)
    heard = [each for each in placed if each.ms]
    assert all(each.is_heard for each in heard)
    assert all(each.ends <= room for each in heard)
    assert all(b.at == a.ends + GAP for a, b in pairwise(heard))
    for entry, each in zip(entries, placed, strict=True):
        assert each.ms <= (entry.ms or 0)
        if entry.length is Length.SOUND:
            assert each.ms in (0, entry.ms)
    without = [
        each for entry, each in zip(entries, placed, strict=True) if entry.length is not Length.FILL
    ]
    fixed = [entry for entry in entries if entry.length is not Length.FILL]
    assert [each.fate for each in without] == [each.fate for each in lay(fixed, room)]
