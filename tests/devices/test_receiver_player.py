from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from devices.messages import Settings
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant
from tests.devices.receiver_rig import T0, Bench, Heard, sha, tone

AT = T0 + 10 * MINUTE
LONG = 5


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path).boot()


def long_tone() -> bytes:
    return tone(LONG, 300)


def level_now(bench: Bench) -> float:
    """What the samples of the one that sounds are multiplied by."""
    now = bench.receiver._player._stage.now
    assert now is not None
    return now.sound.level


def test_it_plays_at_its_time_and_says_how_much(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT + MINUTE, serve=True)
    ms = bench.station.ms(sha(tone(1)))
    assert bench.speaker.heard == [Heard("b1", AT, ms)]
    assert bench.codes("b1") == ["accepted", "ready", "started", "played"]
    assert bench.detail("b1", "started") == {"late_ms": 0, "vol": 70, "sha": sha(tone(1))[:16]}
    played = {"ms": ms, "asked": ms, "level": "E1", "vol": 70, "out": "null"}
    assert bench.detail("b1", "played") == played


@pytest.mark.parametrize("looks", range(30))
def test_a_time_that_comes_while_it_is_looking_is_not_missed(bench: Bench, looks: int) -> None:
    """Found on a busy machine: the clock passed ``at`` between two looks of one step, and nothing sounded."""
    bench.give(bench.occ("b1", AT))
    bench.serve()
    bench.until(AT - 2, serve=True)
    bench.clock.advance(1)
    bench.clock.looks = looks  # one millisecond before its time, and the clock moves on meanwhile
    bench.receiver.handle("something/else", b"")
    bench.receiver.step()
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1") == ["accepted", "ready", "started", "played"]
    assert bench.speaker.heard[0].at - AT <= 1


def test_it_plays_with_the_link_down(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.serve()
    bench.until(T0 + 5 * MINUTE, serve=True)
    bench.receiver.disconnected()
    bench.wire.take()
    bench.until(AT + HOUR)
    assert bench.speaker.begins("b1") == 1
    assert bench.wire.take() == []


def test_it_waits_the_poles_delay(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), set=Settings(delay_ms=250))
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.heard[0].at == AT + 250
    assert bench.detail("b1", "started")["late_ms"] == 0


def test_a_muted_receiver_says_so(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), set=Settings(mute=True))
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.levels == [0]
    assert bench.detail("b1", "played")["vol"] == 0


def test_gain_is_added_to_the_volume(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, gain=-20), set=Settings(vol=50))
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.levels == [pytest.approx(0.05)]


@pytest.mark.parametrize(
    ("cls", "vol", "gain", "heard", "level"),
    [
        ("N", 30, 0, 30, 0.3),
        ("P", 30, 0, 30, 0.3),
        ("N", 90, 0, 50, 0.5),
        ("N", 0, 0, 0, 0.0),
        ("N", 30, 20, 30, 0.3),
        ("N", 30, -20, 30, 0.03),
        ("E", 30, 0, 50, 0.5),
        ("E", 30, -20, 50, 0.05),
    ],
)
def test_a_cap_makes_one_softer_never_louder_and_no_emergency(
    bench: Bench, cls: str, vol: int, gain: int, heard: int, level: float
) -> None:
    bench.give(bench.occ("b1", AT, cls=cls, vol=vol, gain=gain), set=Settings(vol=50))
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.levels == [pytest.approx(level)]
    assert bench.detail("b1", "started")["vol"] == heard
    assert bench.detail("b1", "played")["vol"] == heard


def test_mute_goes_before_a_cap(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, vol=30), set=Settings(vol=50, mute=True))
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.levels == [0]
    assert bench.detail("b1", "started")["vol"] == 0


def test_a_cap_outlives_a_change_of_the_receivers_own_volume(bench: Bench) -> None:
    occ = bench.occ("b1", AT, long_tone(), vol=30)
    bench.give(occ, set=Settings(vol=20))
    bench.until(AT + SECOND, serve=True)
    bench.give(occ, set=Settings(vol=80))
    assert level_now(bench) == pytest.approx(0.3)
    bench.until(AT + MINUTE, serve=True)
    assert (bench.detail("b1", "started")["vol"], bench.detail("b1", "played")["vol"]) == (20, 20)


def test_a_newer_plans_cap_is_heard_at_once(bench: Bench) -> None:
    occ = bench.occ("b1", AT, long_tone())
    bench.give(occ, set=Settings(vol=80))
    bench.until(AT + SECOND, serve=True)
    bench.give(msgspec.structs.replace(occ, vol=40), set=Settings(vol=80))
    assert level_now(bench) == pytest.approx(0.4)
    bench.until(AT + MINUTE, serve=True)
    assert (bench.detail("b1", "started")["vol"], bench.detail("b1", "played")["vol"]) == (80, 40)


# -- too late, or not at all ----------------------------------------------------------------------


def test_audio_that_comes_late_starts_late(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT + 20 * SECOND)
    bench.until(AT + MINUTE, serve=True)
    assert bench.detail("b1", "started")["late_ms"] == 20 * SECOND


def test_audio_that_never_comes_is_missed(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT + HOUR)
    assert bench.codes("b1") == ["accepted", "missed"]
    assert bench.detail("b1", "missed") == {"why": "no_audio"}
    assert bench.entries()[-1].t == AT + MINUTE + 1


def test_an_occurrence_whose_audio_the_plan_does_not_name_is_missed(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), aud={})
    bench.until(AT + HOUR)
    assert bench.detail("b1", "missed") == {"why": "no_audio"}


def test_power_back_after_the_window_is_missed_off(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT - MINUTE, serve=True)
    bench.cut(10 * MINUTE)
    bench.boot().until(AT + HOUR)
    assert bench.speaker.heard == []
    assert bench.detail("b1", "missed") == {"why": "off"}
    assert [e.detail["why"] for e in bench.entries() if e.code == "boot"] == ["new", "power"]


def test_power_back_within_the_window_plays(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT - MINUTE, serve=True)
    bench.cut(MINUTE + 30 * SECOND)
    bench.boot().until(AT + HOUR)
    assert bench.detail("b1", "started")["late_ms"] == 30 * SECOND


def test_a_process_that_slept_through_the_window_was_off(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT - MINUTE, serve=True)
    bench.clock.advance(HOUR)
    bench.receiver.step()
    assert bench.detail("b1", "missed") == {"why": "off"}


def test_a_plan_that_comes_after_its_time_is_missed(bench: Bench) -> None:
    bench.clock.advance(20 * MINUTE)
    bench.receiver.step()
    bench.give(bench.occ("b1", AT))
    bench.until(AT + HOUR, serve=True)
    assert bench.codes("b1") == ["accepted", "missed"]
    assert bench.detail("b1", "missed") == {"why": "no_plan"}


def test_nothing_starts_after_its_end(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, late=HOUR, end=AT + 30 * SECOND))
    bench.until(AT + 31 * SECOND)
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.heard == []


def test_no_lateness_allowed_still_starts(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, late=0))
    bench.until(AT - MINUTE, serve=True)
    bench.clock.advance(MINUTE + 20)  # a loop that wakes 20 ms late
    bench.receiver.step()
    assert bench.detail("b1", "started")["late_ms"] == 20


# -- quiet hours ----------------------------------------------------------------------------------

# 02:40 in Hà Nội
NIGHT = Settings(quiet=(("22:00", "05:00"),))


def test_quiet_hours_make_no_sound_but_for_an_emergency(bench: Bench) -> None:
    bench.give(
        bench.occ("b1", AT), bench.occ("p1", AT, cls="P"), bench.occ("e1", AT, cls="E"), set=NIGHT
    )
    bench.until(AT + HOUR, serve=True)
    assert [heard.occ for heard in bench.speaker.heard] == ["e1"]
    assert bench.codes("b1") == ["refused"]
    assert bench.detail("p1", "refused") == {"why": "quiet"}


def test_a_sound_that_would_run_into_the_quiet_is_refused(bench: Bench) -> None:
    edge = Settings(quiet=(("02:51", "05:00"),))
    bench.give(bench.occ("b1", AT + 55 * SECOND, long_tone()), bench.occ("b2", AT), set=edge)
    bench.until(AT + HOUR, serve=True)
    assert bench.codes("b1") == ["accepted", "ready", "started", "played"]
    bench.give(bench.occ("b3", AT + 55 * SECOND + 1 + DAY, long_tone()), set=edge)
    assert bench.codes("b3") == ["refused"]


def test_quiet_is_judged_again_when_it_starts_late(bench: Bench) -> None:
    edge = Settings(quiet=(("02:51", "05:00"),))
    bench.give(bench.occ("b1", AT + 30 * SECOND, long_tone()), set=edge)
    bench.until(AT + 57 * SECOND)
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.heard == []
    assert bench.codes("b1") == ["accepted", "ready", "refused"]


def test_quiet_hours_that_come_with_a_newer_plan_hold(bench: Bench) -> None:
    occ = bench.occ("b1", AT)
    bench.give(occ)
    bench.until(AT - MINUTE, serve=True)
    bench.give(occ, set=NIGHT)
    bench.give(occ, set=NIGHT)
    bench.until(AT + HOUR)
    assert bench.codes("b1") == ["accepted", "ready", "refused"]


def test_quiet_is_judged_in_the_plans_zone(bench: Bench) -> None:
    berlin = Settings(quiet=(("22:00", "05:00"),), tz="Europe/Berlin")  # 20:50 there
    bench.give(bench.occ("b1", AT), set=berlin)
    bench.until(AT + HOUR, serve=True)
    assert bench.codes("b1")[-1] == "played"


# -- one channel, three classes -------------------------------------------------------------------


def test_an_emergency_interrupts(bench: Bench) -> None:
    bench.give(bench.occ("p1", AT, long_tone(), cls="P"), bench.occ("e1", AT + 2 * SECOND, cls="E"))
    bench.until(AT + MINUTE, serve=True)
    assert [(heard.occ, heard.at - AT) for heard in bench.speaker.heard] == [
        ("p1", 0),
        ("e1", 2_000),
    ]
    assert bench.detail("p1", "interrupted") == {"at_ms": 2_000, "why": "preempt"}
    assert bench.codes("p1")[-1] == "interrupted"
    codes = [(e.occ, e.code) for e in bench.entries()]
    assert codes.index(("p1", "interrupted")) + 1 == codes.index(("e1", "started"))


def test_the_interrupted_starts_again_when_it_is_to(bench: Bench) -> None:
    bench.give(
        bench.occ("b1", AT, long_tone(), onint="restart"), bench.occ("e1", AT + 2 * SECOND, cls="E")
    )
    bench.until(AT + MINUTE, serve=True)
    assert [heard.occ for heard in bench.speaker.heard] == ["b1", "e1", "b1"]
    assert bench.codes("b1")[2:] == ["started", "interrupted", "started", "played"]


def test_it_does_not_start_again_after_its_end(bench: Bench) -> None:
    first = bench.occ("b1", AT, long_tone(), onint="restart", end=AT + 4 * SECOND)
    bench.give(first, bench.occ("e1", AT + 2 * SECOND, long_tone(), cls="E"))
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1")[-1] == "interrupted"


def test_an_emergency_waits_for_its_sound_before_it_interrupts(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, long_tone()))
    bench.until(AT + SECOND, serve=True)
    bench.give(bench.occ("b1", AT, long_tone()), bench.occ("e1", AT + SECOND, tone(2), cls="E"))
    bench.until(AT + 3 * SECOND)
    assert bench.speaker.begins("e1") == 0
    bench.serve()
    assert bench.detail("b1", "interrupted")["at_ms"] == 3_000


def test_priority_interrupts_normal(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, long_tone()), bench.occ("p1", AT + SECOND, cls="P"))
    bench.until(AT + MINUTE, serve=True)
    assert bench.detail("b1", "interrupted") == {"at_ms": 1_000, "why": "preempt"}


def test_of_two_at_once_priority_goes_first_and_normal_waits(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), bench.occ("p1", AT, long_tone(), cls="P"))
    bench.until(AT + MINUTE, serve=True)
    assert [heard.occ for heard in bench.speaker.heard] == ["p1", "b1"]


def test_one_that_cannot_wait_for_the_channel_is_missed_busy(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, long_tone()), bench.occ("b2", AT + SECOND, late=2 * SECOND))
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b2") == ["accepted", "ready", "missed"]
    assert bench.detail("b2", "missed") == {"why": "busy"}


def test_one_that_follows_closely_starts_when_the_first_has_ended(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, long_tone()), bench.occ("b2", AT + 4_900))
    bench.until(AT + MINUTE, serve=True)
    ms = bench.station.ms(sha(long_tone()))
    assert bench.speaker.heard[1].at == AT + ms
    assert bench.detail("b2", "started")["late_ms"] == ms - 4_900


# -- newer plans ----------------------------------------------------------------------------------


def test_what_a_newer_plan_leaves_out_is_cancelled(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT - MINUTE, serve=True)
    bench.give()
    bench.until(AT + HOUR)
    assert bench.codes("b1") == ["accepted", "ready", "cancelled"]
    assert bench.speaker.heard == []


def test_what_is_off_is_cancelled_even_if_never_heard_of(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, st="off"))
    bench.give(bench.occ("b1", AT, st="off"))
    bench.until(AT + HOUR, serve=True)
    assert bench.codes("b1") == ["cancelled"]


def test_off_stops_what_sounds_for_good(bench: Bench) -> None:
    sound = bench.occ("b1", AT, long_tone(), onint="restart")
    bench.give(sound)
    bench.until(AT + 2 * SECOND, serve=True)
    bench.give(bench.occ("b1", AT, long_tone(), st="off"))
    assert bench.speaker.heard == [Heard("b1", AT, 2_000)]
    bench.give(sound)
    bench.until(AT + HOUR)
    assert bench.codes("b1") == ["accepted", "ready", "started", "cancelled"]
    assert bench.detail("b1", "cancelled") == {"at_ms": 2_000}


def test_what_sounds_goes_on_when_a_newer_plan_leaves_it_out(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, long_tone()))
    bench.until(AT + 2 * SECOND, serve=True)
    bench.give()
    bench.until(AT + MINUTE)
    assert bench.codes("b1")[-1] == "played"


def test_what_fell_due_before_a_newer_plan_came_is_judged_by_the_old_one(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT - MINUTE)
    bench.clock.advance(10 * MINUTE)
    bench.give()
    assert bench.codes("b1") == ["accepted", "missed"]


def test_off_after_the_end_changes_nothing(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT + MINUTE, serve=True)
    bench.give(bench.occ("b1", AT, st="off"))
    assert bench.codes("b1")[-1] == "played"


def test_what_was_cancelled_may_be_ordered_again(bench: Bench) -> None:
    """A station restored from a backup forgets an occurrence, then plans it again."""
    bench.give(bench.occ("b1", AT))
    bench.give()
    bench.give(bench.occ("b1", AT))
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1") == ["accepted", "cancelled", "accepted", "ready", "started", "played"]


def test_what_was_played_is_never_played_again(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT + MINUTE, serve=True)
    bench.cut(SECOND)
    bench.boot()
    bench.give(bench.occ("b1", bench.clock.wall() + MINUTE))
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.begins("b1") == 1


def test_another_sound_for_the_same_occurrence_is_made_ready_anew(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT - MINUTE, serve=True)
    bench.give(bench.occ("b1", AT, tone(2)))
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1") == ["accepted", "ready", "accepted", "ready", "started", "played"]
    assert bench.speaker.opened == [tone(2)]


def test_a_sound_swapped_in_the_last_second_is_the_one_heard(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT - SECOND, serve=True)  # prepared by now
    bench.give(bench.occ("b1", AT, tone(2)))
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.opened[-1] == tone(2)


# -- power, clocks, faults ------------------------------------------------------------------------


def test_a_power_cut_while_it_sounds_is_an_interruption(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, long_tone()))
    bench.until(AT + 2 * SECOND, serve=True)
    bench.cut(SECOND)
    bench.boot().until(AT + HOUR)
    assert bench.codes("b1") == ["accepted", "ready", "started", "interrupted"]
    assert bench.detail("b1", "interrupted") == {"why": "power"}
    assert bench.speaker.begins("b1") == 1


def test_after_a_power_cut_it_starts_again_if_it_is_to(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, long_tone(), onint="restart"))
    bench.until(AT + 2 * SECOND, serve=True)
    bench.cut(2 * MINUTE)
    bench.boot().until(AT + HOUR)
    assert bench.codes("b1")[2:] == ["started", "interrupted", "started", "played"]


def test_an_end_in_good_order_is_told_from_a_power_cut(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, long_tone()))
    bench.until(AT + 2 * SECOND, serve=True)
    bench.receiver.stop()
    assert bench.states()[-1].on == 0
    bench.clock.advance(SECOND)
    bench.boot()
    assert bench.detail("b1", "interrupted") == {"at_ms": 2_000, "why": "stop"}
    assert bench.detail("", "boot")["why"] == "restart"
    bench.cut(SECOND)
    bench.boot()
    assert bench.detail("", "boot")["why"] == "power"


def test_without_a_clock_nothing_sounds(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.clock.set_wall(5_000)  # 1970
    bench.clock.kept_by = "none"
    bench.boot()
    occ = bench.occ("b1", AT)
    bench.give(occ, exp=AT + DAY)
    bench.until(10 * MINUTE, serve=True)
    bench.clock.set_wall(AT + 2 * MINUTE)
    bench.clock.kept_by = "ntp"
    bench.until(AT + HOUR)
    assert bench.speaker.heard == []
    assert bench.codes("b1") == ["accepted", "ready", "missed"]
    assert bench.detail("b1", "missed") == {"why": "no_clock"}
    assert bench.detail("", "clock")["step_ms"] > 50 * 365 * DAY


def test_a_clock_that_comes_in_time_lets_it_play(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.clock.set_wall(5_000)
    bench.clock.kept_by = "none"
    bench.boot()
    bench.give(bench.occ("b1", AT), exp=AT + DAY)
    bench.until(5 * MINUTE, serve=True)
    bench.clock.set_wall(AT - MINUTE)
    bench.clock.kept_by = "ntp"
    bench.until(AT + HOUR)
    assert bench.speaker.heard[0].at == AT


def test_timers_follow_a_clock_that_is_set(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(T0 + 5 * MINUTE, serve=True)
    bench.clock.set_wall(AT - 10 * SECOND)
    bench.until(AT + MINUTE)
    assert bench.speaker.heard[0].at == AT
    assert bench.detail("", "clock") == {"step_ms": 4 * MINUTE + 50 * SECOND}


def test_a_clock_set_back_does_not_repeat(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT + MINUTE, serve=True)
    bench.clock.set_wall(AT - MINUTE)
    bench.until(AT + HOUR)
    assert bench.speaker.begins("b1") == 1


def test_a_clock_set_past_the_window_is_no_clock(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT - 5 * MINUTE, serve=True)
    bench.clock.set_wall(AT + 5 * MINUTE)
    bench.receiver.step()
    assert bench.detail("b1", "missed") == {"why": "no_clock"}


def test_a_slow_drift_is_no_step(bench: Bench) -> None:
    for _ in range(100):
        bench.clock.advance(SECOND)
        bench.clock.set_wall(Instant(bench.clock.wall() + 50))
        bench.receiver.step()
    assert "clock" not in bench.codes()


def test_a_journal_born_after_its_time_does_not_play_it(bench: Bench) -> None:
    """The disk was lost and with it the memory of what was played."""
    bench.clock.advance(10 * MINUTE + 20 * SECOND)
    fresh = Bench(bench.identity.folder)
    fresh.clock.set_wall(bench.clock.wall())
    fresh.boot()
    fresh.give(fresh.occ("b1", AT))
    fresh.until(AT + HOUR, serve=True)
    assert fresh.speaker.heard == []
    assert fresh.detail("b1", "missed") == {"why": "off"}


def test_a_missing_sound_card_is_a_failure(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), bench.occ("b2", AT + 5 * MINUTE))
    bench.speaker.broken = True
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1") == ["accepted", "ready", "started", "failed"]
    assert bench.detail("b1", "failed") == {"why": "out", "at_ms": 0}
    assert "out_fault" in bench.codes()
    bench.speaker.broken = False
    bench.until(AT + HOUR)
    assert bench.codes("b2")[-1] == "played"


def test_bytes_that_do_not_decode_fail(bench: Bench) -> None:
    noise = bytes(5_000)
    bench.station.ms = lambda name: 1_000  # type: ignore[method-assign]
    bench.give(bench.occ("b1", AT, noise))
    bench.until(AT + HOUR, serve=True)
    assert bench.codes("b1") == ["accepted", "failed"]
    assert bench.detail("b1", "failed") == {"why": "decode"}
