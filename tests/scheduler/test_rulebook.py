from __future__ import annotations

from datetime import date, time

import msgspec
import pytest

from content.bulletins import Priority
from loa.errors import ScheduleError
from scheduler import rulebook, rulebook_check
from scheduler.presets import PRESETS
from scheduler.rulebook import USUAL_KINDS, Cap, DayKind, Rulebook, Slot

MONDAY, SATURDAY = date(2026, 11, 23), date(2026, 11, 28)
MORNING = Slot(key="sang", name="Sáng", start="06:00", minutes=45)
EVENING = Slot(key="chieu", name="Chiều", start="17:00", minutes=30)


def book(*slots: Slot, **fields: object) -> Rulebook:
    return Rulebook(slots=slots, **fields)


def changed(slot: Slot, **fields: object) -> Slot:
    return msgspec.structs.replace(slot, **fields)


def test_the_sessions_of_a_day_come_in_order_of_time() -> None:
    assert rulebook.slots_on(book(EVENING, MORNING), MONDAY, "normal") == [MORNING, EVENING]


def test_a_session_is_held_on_its_weekdays() -> None:
    rules = book(changed(MORNING, weekdays=(0, 1)), EVENING)
    assert rulebook.slots_on(rules, SATURDAY, "weekend") == [EVENING]


def test_a_kind_of_day_without_sessions_has_those_that_name_it() -> None:
    late = Slot(key="nghi", name="Ngày nghỉ", start="08:00", minutes=15, kinds=("weekend",))
    kinds = (USUAL_KINDS[0], DayKind(key="weekend", name="Cuối tuần", sessions=False))
    rules = book(MORNING, late, kinds=kinds)
    assert rulebook.slots_on(rules, SATURDAY, "weekend") == [late]
    assert rulebook.slots_on(rules, MONDAY, "normal") == [MORNING]
    # A Saturday worked in place of another day is a day like any other.
    assert rulebook.slots_on(rules, SATURDAY, "normal") == [MORNING]


def test_a_kind_the_version_does_not_know_keeps_nothing_silent() -> None:
    assert rulebook.kind_of(Rulebook(kinds=()), "mourning").plays == "priority"
    assert rulebook.kind_of(Rulebook(), "festival").lets(Priority.NORMAL)


@pytest.mark.parametrize(
    ("plays", "heard"),
    [
        ("all", {"normal", "priority", "emergency"}),
        ("priority", {"priority", "emergency"}),
        ("emergency", {"emergency"}),
    ],
)
def test_a_kind_of_day_lets_sound_what_it_says(plays: rulebook.Plays, heard: set[str]) -> None:
    kind = DayKind(key="x", name="X", plays=plays)
    assert {each.value for each in Priority if kind.lets(each)} == heard


@pytest.mark.parametrize(
    ("clock", "areas", "most"),
    [
        ("05:59", {1}, 50),
        ("06:00", {1}, None),
        ("21:00", {1}, 50),
        ("00:00", {9}, 50),
        ("12:00", {1, 7}, 60),
        ("12:00", {1, 8}, None),
        ("21:30", {7}, 40),  # the strictest
    ],
)
def test_the_strictest_cap_in_force_there_counts(
    clock: str, areas: set[int], most: int | None
) -> None:
    caps = (
        Cap(since="21:00", until="06:00", most=50),
        Cap(since="11:00", until="13:00", most=60, area_ids=(7,)),
        Cap(since="21:30", until="22:00", most=40, area_ids=(7, 8)),
    )
    assert rulebook.cap_at(Rulebook(caps=caps), time.fromisoformat(clock), areas) == most


def test_a_cap_that_ends_when_it_begins_is_for_the_whole_day() -> None:
    caps = (Cap(since="00:00", until="00:00", most=70),)
    for clock in (time(0), time(12), time(23, 59)):
        assert rulebook.cap_at(Rulebook(caps=caps), clock, set()) == 70


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_presets_are_good_rules(preset) -> None:
    rulebook_check.check(preset.rules)


def test_the_urban_preset_is_silent_at_weekends_and_speaks_on_a_worked_saturday() -> None:
    urban = PRESETS[0].rules
    assert [slot.minutes for slot in rulebook.slots_on(urban, MONDAY, "normal")] == [15, 15]
    assert rulebook.slots_on(urban, SATURDAY, "weekend") == []
    assert len(rulebook.slots_on(urban, SATURDAY, "normal")) == 2
    assert urban.most_minutes == 30


@pytest.mark.parametrize(
    ("rules", "field", "sentence"),
    [
        (book(changed(MORNING, name=" ")), "slots-0-name", "đặt tên"),
        (book(changed(MORNING, start="25:00")), "slots-0-start", "25:00"),
        (book(MORNING, changed(EVENING, minutes=0)), "slots-1-minutes", "ít nhất 1 phút"),
        (book(changed(EVENING, start="23:30", minutes=31)), "slots-0-minutes", "ngày hôm sau"),
        (book(changed(MORNING, weekdays=())), "slots-0-weekdays", "chưa chọn thứ"),
        (book(changed(MORNING, kinds=("tet",))), "slots-0-kinds", "tet"),
        (book(MORNING, changed(EVENING, start="06:44")), "slots-1-start", "chồng lên nhau"),
        (book(most_sessions=0), "most_sessions", "từ 1"),
        (book(most_minutes=1441), "most_minutes", "1441"),
        (book(alone_minutes=61), "alone_minutes", "61"),
        (book(caps=(Cap(since="1", until="02:00", most=5),)), "caps-0-since", "giờ:phút"),
        (book(caps=(Cap(since="01:00", until="02:00", most=101),)), "caps-0-most", "101"),
        (book(kinds=USUAL_KINDS[1:]), "kinds", "Ngày thường"),
        (book(kinds=(*USUAL_KINDS, DayKind(key="x", name="cuối tuần"))), "kinds-4-name", "Đã có"),
        (book(*[changed(MORNING, key=str(n)) for n in range(13)]), "slots", "tối đa 12"),
    ],
)
def test_it_refuses_rules_that_are_none_and_names_the_place(
    rules: Rulebook, field: str, sentence: str
) -> None:
    with pytest.raises(ScheduleError) as caught:
        rulebook_check.check(rules)
    assert caught.value.field == field
    assert sentence in caught.value.sentence


@pytest.mark.parametrize(
    "other",
    [
        changed(EVENING, start="06:45"),  # touches
        changed(EVENING, start="06:10", weekdays=(5, 6)),
        changed(EVENING, start="06:10", kinds=("mourning",)),
        changed(EVENING, start="06:10", area_ids=(2,)),
    ],
)
def test_sessions_may_lie_over_each_other_where_they_never_meet(other: Slot) -> None:
    first = changed(MORNING, weekdays=(0, 1, 2, 3, 4), area_ids=(1,), kinds=("normal",))
    rulebook_check.check(book(first, other))
