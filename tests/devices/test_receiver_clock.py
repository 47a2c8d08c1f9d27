from __future__ import annotations

from pathlib import Path

import pytest

from devices import messages
from devices.receiver.clock import BELIEVED, NONCE_LIFE, KeptClock, SystemClock, is_synchronised
from loa.times import HOUR, MINUTE, SECOND
from tests.devices.receiver_rig import T0, Bench, FakeClock

AT = T0 + 10 * MINUTE
SLOW = messages.Settings(hb=3_600)
UNSET = 90 * SECOND
"""1970-01-01T00:01:30Z, a minute and a half after the power came on."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A box without rtc and without NTP, its link up."""
    bench = Bench(tmp_path)
    bench.clock = FakeClock(UNSET)
    bench.clock.kept_by = "none"
    bench.speaker._clock = bench.clock
    return bench.boot()


def nonce(bench: Bench) -> str:
    return bench.states()[-1].nonce


def answer(bench: Bench, *names: str, echo: str = "", at: int = T0, rev: int = T0) -> None:
    """A plan signed at ``at`` with these broadcasts ten minutes later."""
    occ = [bench.occ(name, at + 10 * MINUTE) for name in names]
    bench.give(*occ, iat=at, exp=at + 72 * HOUR, hz=at + 48 * HOUR, rev=rev, nz=echo, set=SLOW)


def test_a_receiver_that_knows_the_time_asks_for_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path).boot()
    assert bench.states()[-1].nonce == ""
    assert b"nonce" not in bench.wire.sent[0][1], "a field the station of yesterday never saw"


def test_a_plan_that_repeats_the_nonce_sets_the_clock(bench: Bench) -> None:
    asked = nonce(bench)
    assert len(asked) == 32
    bench.clock.advance(800)
    answer(bench, "b1", echo=asked)
    assert bench.receiver.wall() == T0 + 400, "half of the way there and back"
    assert bench.detail("", "clock") == {
        "why": "nonce", "step_ms": T0 + 400 - UNSET - 800, "err_ms": 400,
    }  # fmt: skip
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1") == ["accepted", "ready", "started", "played"]
    assert [e.src for e in bench.entries() if e.code == "started"] == ["rtc"]
    state = bench.states()[-1]
    assert (state.src, state.err_ms, state.nonce) == ("rtc", 400, "")


def test_an_answer_that_took_too_long_sets_nothing(bench: Bench) -> None:
    asked = nonce(bench)
    bench.clock.advance(NONCE_LIFE + 1)
    answer(bench, "b1", echo=asked)
    bench.until(UNSET + HOUR, serve=True)
    assert bench.receiver.wall() < T0
    assert bench.speaker.heard == []


@pytest.mark.parametrize("echo", ["", "0" * 32, "00"])
def test_another_nonce_sets_nothing(bench: Bench, echo: str) -> None:
    answer(bench, "b1", echo=echo)
    assert bench.states()[-1].src == "none"
    assert bench.receiver.wall() == UNSET
    assert "clock" not in bench.codes()


def test_a_recorded_answer_is_worth_nothing_after_the_next_boot(bench: Bench) -> None:
    asked = nonce(bench)
    bench.cut(SECOND)
    bench.boot()
    assert nonce(bench) != asked
    answer(bench, "b1", echo=asked)
    assert bench.receiver.wall() < T0


def test_it_asks_again_until_it_is_answered_each_time_anew(bench: Bench) -> None:
    bench.wire.take()
    asked = set()
    for _ in range(60):
        bench.until(bench.clock.wall() + SECOND)
        asked |= {state.nonce for state in bench.states()}
        bench.wire.take()
    assert 3 <= len(asked) <= 5
    assert "" not in asked


def test_a_fresh_plan_that_has_expired_is_refused_and_sets_nothing(bench: Bench) -> None:
    bench.give(iat=T0, exp=T0 - 1, rev=T0, nz=nonce(bench))
    assert bench.detail("", "refused") == {"why": "expired", "rev": T0}
    assert bench.receiver.wall() < T0


def test_what_passed_without_a_clock_is_missed_for_that(bench: Bench) -> None:
    answer(bench, "b1", at=T0 - HOUR, rev=1)
    bench.serve()
    asked = nonce(bench)
    occ = bench.occ("b1", T0 - 50 * MINUTE)
    bench.until(UNSET + HOUR, serve=True)
    bench.receiver.connected()
    asked = nonce(bench)
    bench.give(occ, iat=T0, exp=T0 + HOUR, rev=T0, nz=asked)
    bench.until(T0 + MINUTE)
    assert bench.detail("b1", "missed")["why"] == "no_clock"


def test_ntp_goes_before_the_stations_word(bench: Bench) -> None:
    answer(bench, echo=nonce(bench))
    bench.clock.kept_by = "ntp"
    bench.clock.set_wall(T0 + 3 * SECOND)
    bench.until(T0 + 10 * SECOND)
    assert bench.states()[-1].src == "ntp"
    assert bench.receiver.wall() == bench.clock.wall()
    assert bench.detail("", "clock") == {"step_ms": 3 * SECOND}


def test_the_word_holds_for_a_day_and_is_renewed_before(bench: Bench) -> None:
    answer(bench, echo=nonce(bench))
    bench.until(T0 + 11 * HOUR)
    assert nonce(bench) == ""
    bench.until(T0 + 14 * HOUR)
    assert (bench.states()[-1].src, len(nonce(bench))) == ("rtc", 32)
    bench.receiver.connected()
    answer(bench, echo=nonce(bench), at=bench.receiver.wall() + 5 * SECOND, rev=T0 + 13 * HOUR)
    bench.until(T0 + 16 * HOUR)
    assert nonce(bench) == ""
    bench.receiver.disconnected()
    bench.until(T0 + 39 * HOUR)
    bench.receiver.connected()
    assert bench.states()[-1].src == "none"


def test_an_rtc_is_believed_for_a_day_across_power_cuts(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.clock.kept_by = "rtc"
    bench.clock.set_wall(T0 - 40 * SECOND)
    bench.boot()
    assert bench.states()[-1].src == "none", "nobody ever put it right"
    answer(bench, "b1", echo=nonce(bench))
    bench.until(T0 + 4 * MINUTE, serve=True)
    bench.cut(2 * MINUTE)
    bench.boot(online=False)
    assert bench.receiver.wall() == T0 + 6 * MINUTE, "with the 40 seconds it was behind"
    bench.until(AT + MINUTE)
    assert bench.speaker.heard[0].at == AT - 40 * SECOND, "by the wrong clock of the machine"
    bench.cut(BELIEVED)
    bench.boot()
    assert bench.states()[-1].src == "none"


def test_an_rtc_that_fell_back_is_not_believed() -> None:
    machine = FakeClock(T0)
    machine.kept_by = "rtc"
    clock = KeptClock(machine)
    clock.put_right(T0, 0)
    assert clock.source() == "rtc"
    machine.set_wall(T0 - MINUTE)
    assert clock.source() == "none"


def test_a_kernel_that_has_not_heard_from_ntp_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = iter([False, False, True])
    monkeypatch.setattr("devices.receiver.clock.is_synchronised", lambda: next(said))
    clock = SystemClock("kernel")
    assert [clock.source() for _ in range(5)] == ["none", "none", "ntp", "ntp", "ntp"]
    assert SystemClock("ntp").source() == "ntp"


def test_the_kernel_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Kernel:
        def __init__(self, _: None) -> None:
            pass

        def adjtimex(self, timex: object) -> int:
            return states.pop()

    assert is_synchronised() in (True, False), "this machine's own"
    states = [-1, 5, 1, 0]
    monkeypatch.setattr("devices.receiver.clock.ctypes.CDLL", Kernel)
    assert [is_synchronised() for _ in range(4)] == [True, True, False, False]


def test_the_state_of_one_that_asks_fits(bench: Bench) -> None:
    assert len(bench.wire.sent[0][1]) < messages.MAX_STATE_BYTES
