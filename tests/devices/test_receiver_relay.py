from __future__ import annotations

import wave
from array import array
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import imageio_ffmpeg
import pytest

from devices import messages
from devices.messages import Relay, Settings
from devices.receiver.outputs import RATE, Undecodable, WavOutput
from devices.receiver.receiver import Receiver
from devices.receiver.relay import (
    AGAIN_FRAMES,
    BREAK_MOST,
    KEPT_SECONDS,
    LEAD,
    OPEN_MOST,
    PIECE,
    START_FRAMES,
    Feed,
    Relayed,
    Relays,
)
from loa.times import DAY, HOUR, MINUTE, SECOND, instant
from tests.devices.receiver_rig import T0, Bench, FakeClock, tone
from tests.devices.test_receiver_relay_streams import loudness, wait_for
from tests.devices.upper_station import Answer, on_air

AT = T0 + 10 * MINUTE
LONG = 20 * SECOND
LEVEL = 9_000
URL = "https://tinh.example.vn/live.mp3"


class Upper:
    """A stream that comes in real time, by the test's clock, between the times the test says."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.comes = [(0, 2**53)]
        """Wall times."""
        self.opened: list[tuple[str, int]] = []
        self.closed = 0
        self.is_dead = False
        self.why = ""
        self._taken = 0

    def tune(self, relay: Relay) -> Feed:
        self.opened.append((relay.url, self._clock.wall()))
        self._taken = self._come()
        return self

    def _come(self) -> int:
        now = self._clock.wall()
        past = [max(0, min(now, end) - start) for start, end in self.comes if start < now]
        return sum(past) * RATE // SECOND

    def waiting(self) -> int:
        """No more than is kept: the rest waits in the net, or is lost."""
        come = self._come()
        self._taken = max(self._taken, come - KEPT_SECONDS * RATE)
        return come - self._taken

    def take(self, frames: int) -> array[int]:
        taken = min(frames, self.waiting())
        self._taken += taken
        return array("h", [LEVEL] * taken)

    def close(self) -> None:
        self.closed += 1


class RelayBench(Bench):
    """A receiver that writes what would be heard, and an upper station in the test's hands."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.upper = Upper(self.clock)
        self.output = WavOutput(self.identity.sound, self.clock.mono)

    def boot(self, online: bool = True) -> RelayBench:
        self.clock.reboot()
        self.wire.sent, self.wire.filters = [], set()
        relays = Relays()
        relays.tune = self.upper.tune  # type: ignore[method-assign]
        self.receiver = Receiver(
            self.identity, self.store, self.output, self.clock, self.wire, self.random, None, relays
        )
        self.receiver.connected()
        return self

    def relay(self, at: int = AT, ms: int = LONG, data: bytes | None = None, **more: object) -> None:  # fmt: skip
        occ = self.occ("r1", at, tone(5) if data is None else data, rel=Relay(URL, ms), **more)
        self.give(occ)

    def heard(self, name: str = "r1") -> array[int]:
        with wave.open(str(self.identity.sound / f"{name}.wav")) as file:
            return array("h", file.readframes(file.getnframes()))

    def tick(self, until: int) -> None:
        """As a card would, by and by: the samples are taken as the stream comes."""
        while self.clock.wall() < until:
            self.until(min(until, self.clock.wall() + 20))


@pytest.fixture
def bench(tmp_path: Path) -> RelayBench:
    return RelayBench(tmp_path).boot()


def seconds(sound: array[int], level: int) -> float:
    return sound.count(level) / RATE


# -- heard ----------------------------------------------------------------------------------------


def test_a_cap_holds_for_a_relay(bench: RelayBench) -> None:
    occ = bench.occ("r1", AT, tone(5), rel=Relay(URL, LONG), vol=35)
    bench.give(occ, set=Settings(vol=70))
    bench.until(AT - LEAD, serve=True)
    bench.tick(AT + SECOND)
    now = bench.receiver._player._stage.now
    assert now is not None
    assert now.sound.level == pytest.approx(0.35)
    bench.tick(AT + LONG + SECOND)
    assert bench.detail("r1", "played")["vol"] == 35


def test_a_relay_is_opened_ahead_heard_at_its_time_and_ends(bench: RelayBench) -> None:
    bench.relay()
    bench.until(AT - LEAD - 1, serve=True)
    assert bench.upper.opened == []
    bench.until(AT - LEAD)
    assert bench.upper.opened == [(URL, AT - LEAD)]
    bench.tick(AT + LONG + SECOND)
    assert bench.codes("r1") == ["accepted", "ready", "started", "played"]
    assert bench.detail("r1", "started")["rel"] == 1
    played = bench.detail("r1", "played")
    assert (played["ms"], played["asked"], played["rel"]) == (LONG, LONG, "stream")
    assert "gap_ms" not in played
    assert "rel_why" not in played
    assert seconds(bench.heard(), LEVEL) == pytest.approx(LONG / SECOND, abs=0.1)
    assert bench.upper.closed == 1


def test_a_stream_that_cannot_be_opened_gives_way_to_the_recording(bench: RelayBench) -> None:
    bench.upper.comes = []
    bench.relay(ms=MINUTE)
    bench.until(AT - LEAD, serve=True)
    bench.upper.why = "http 404"
    bench.tick(AT + MINUTE)
    played = bench.detail("r1", "played")
    assert played["rel"] == "fallback"
    assert played["rel_why"] == "http 404"
    assert played["gap_ms"] == OPEN_MOST
    sound = bench.heard()
    silent = OPEN_MOST * RATE // SECOND
    assert loudness(sound[:silent]) == 0
    assert loudness(sound[silent : silent + 4 * RATE]) > 1_000
    assert bench.upper.closed


def test_what_is_hopeless_gives_way_at_once(bench: RelayBench) -> None:
    bench.upper.comes, bench.upper.is_dead, bench.upper.why = [], True, "no_ffmpeg"
    bench.relay()
    bench.until(AT, serve=True)
    bench.tick(AT + LONG)
    played = bench.detail("r1", "played")
    assert (played["rel"], played["rel_why"]) == ("fallback", "no_ffmpeg")
    assert "gap_ms" not in played


def test_no_more_lateness_is_taken_than_the_plan_allows(bench: RelayBench) -> None:
    bench.upper.comes = []
    bench.relay(late=3 * SECOND)
    bench.until(AT, serve=True)
    bench.tick(AT + LONG)
    assert bench.detail("r1", "played")["gap_ms"] == 3 * SECOND


def test_a_stream_that_breaks_gives_way_and_does_not_come_back(bench: RelayBench) -> None:
    bench.upper.comes = [(0, AT + 5 * SECOND), (AT + 15 * SECOND, AT + HOUR)]
    bench.relay(data=tone(9))
    bench.until(AT, serve=True)
    bench.tick(AT + LONG + SECOND)
    played = bench.detail("r1", "played")
    assert played["rel"] == "mixed"
    assert played["rel_why"] == "stalled"
    assert played["ms"] == LONG
    after = bench.heard()[14 * RATE :]
    assert seconds(after, LEVEL) < 0.1, "the recording stays"
    assert loudness(after[: 3 * RATE]) > 1_000


def test_a_hiccup_of_the_net_is_waited_for(bench: RelayBench) -> None:
    bench.upper.comes = [(0, AT), (AT + 6 * SECOND, AT + HOUR)]
    bench.relay()
    bench.until(AT, serve=True)
    bench.tick(AT + LONG + SECOND)
    played = bench.detail("r1", "played")
    assert played["rel"] == "stream"
    assert 0 < played["gap_ms"] < BREAK_MOST


# -- the rules of recordings hold -------------------------------------------------------------------


def test_a_relay_at_a_quarter_past_three_makes_no_sound_though_a_signed_plan_says_so(
    bench: RelayBench,
) -> None:
    at = instant(datetime(2026, 11, 21, 3, 15, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")))
    quiet = Settings(quiet=(("21:00", "05:00"),))
    bench.give(bench.occ("r1", at, rel=Relay(URL, 30 * MINUTE), end=at + HOUR), set=quiet)
    bench.until(at + HOUR, serve=True)
    assert bench.codes("r1") == ["refused"]
    assert bench.detail("r1", "refused") == {"why": "quiet"}
    assert bench.upper.opened == []


def test_a_relay_that_would_reach_into_quiet_hours_is_refused(bench: RelayBench) -> None:
    """02:40 + 10 minutes in Hà Nội; the recording alone would be over in time."""
    quiet = Settings(quiet=(("03:00", "05:00"),))
    bench.give(bench.occ("r1", AT, rel=Relay(URL, 11 * MINUTE)), set=quiet)
    assert bench.detail("r1", "refused") == {"why": "quiet"}
    bench.give(bench.occ("r1", AT, rel=Relay(URL, 9 * MINUTE)), set=quiet)
    assert bench.codes("r1")[-1] == "accepted"


def test_begun_late_it_ends_when_it_was_to_end(bench: RelayBench) -> None:
    bench.relay()
    bench.until(AT - MINUTE, serve=True)
    bench.cut(AT + 12 * SECOND - bench.clock.wall())
    bench.boot().until(AT + 12 * SECOND)
    bench.tick(AT + LONG + SECOND)
    assert bench.detail("r1", "started")["late_ms"] == 12 * SECOND
    played = bench.detail("r1", "played")
    assert played["asked"] == LONG - 12 * SECOND
    assert played["ms"] == pytest.approx(played["asked"], abs=1)


def test_nothing_is_left_to_hear_when_its_time_is_over(bench: RelayBench) -> None:
    bench.relay(late=5 * MINUTE)
    bench.until(AT - MINUTE, serve=True)
    bench.cut(AT + LONG - bench.clock.wall())
    bench.boot().until(AT + HOUR)
    assert bench.codes("r1")[-1] == "missed"
    assert bench.upper.opened == []


def test_an_emergency_interrupts_it_and_it_is_taken_up_again(bench: RelayBench) -> None:
    first = bench.occ("r1", AT, rel=Relay(URL, LONG), onint="restart")
    bench.give(first, bench.occ("e1", AT + 5 * SECOND, cls="E"))
    bench.until(AT, serve=True)
    bench.tick(AT + LONG + SECOND)
    assert bench.codes("r1") == ["accepted", "ready", "started", "interrupted", "started", "played"]
    assert bench.detail("r1", "interrupted")["rel"] == "stream"
    assert bench.detail("r1", "played")["asked"] == pytest.approx(14 * SECOND, abs=200)
    assert len(bench.upper.opened) == 2
    assert bench.upper.closed == 2


def test_it_is_not_kept_waiting_behind_another_sound(bench: RelayBench) -> None:
    relay = bench.occ("r1", AT + SECOND, rel=Relay(URL, LONG))
    bench.give(bench.occ("b1", AT, tone(5)), relay)
    bench.until(AT + 3 * SECOND, serve=True)
    assert len(bench.upper.opened) == bench.upper.closed == 1
    bench.tick(AT + LONG + 2 * SECOND)
    assert len(bench.upper.opened) == bench.upper.closed == 2, "opened anew, and fresh"
    assert bench.codes("r1")[-1] == "played"


def test_off_stops_it(bench: RelayBench) -> None:
    bench.relay()
    bench.until(AT, serve=True)
    bench.tick(AT + 5 * SECOND)
    bench.give(bench.occ("r1", AT, tone(5), rel=Relay(URL, LONG), st="off"))
    assert bench.codes("r1")[-1] == "cancelled"
    assert bench.upper.closed == 1


def test_a_stop_closes_it(bench: RelayBench) -> None:
    bench.relay()
    bench.until(AT + SECOND, serve=True)
    bench.receiver.stop()
    assert bench.detail("r1", "interrupted")["why"] == "stop"
    assert bench.upper.closed == 1


def test_a_stop_closes_what_is_opened_ahead(bench: RelayBench) -> None:
    bench.relay()
    bench.until(AT - SECOND, serve=True)
    bench.receiver.stop()
    assert len(bench.upper.opened) == bench.upper.closed == 1


def test_an_output_without_sound_opens_no_stream(tmp_path: Path) -> None:
    bench = RelayBench(tmp_path)
    bench.output = bench.speaker
    bench.boot().relay()
    bench.until(AT + MINUTE, serve=True)
    assert bench.upper.opened == []
    played = bench.detail("r1", "played")
    assert (played["rel"], played["asked"]) == ("none", LONG)


def test_the_plan_says_so_only_where_there_is_one(bench: RelayBench) -> None:
    assert b'"rel"' not in messages.encode(bench.occ("b1", AT))
    occ = bench.occ("b1", AT, rel=Relay(URL, LONG, ("cdn.example.vn",)))
    assert messages.decode(messages.encode(occ), messages.Occurrence) == occ


def test_its_bytes_are_counted_in_the_month(bench: RelayBench) -> None:
    before = bench.receiver._meter.reading
    bench.receiver._meter.add_elsewhere(5_000)
    bench.receiver._meter.add_elsewhere(500)
    after = bench.receiver._meter.reading
    assert before is not None
    assert after == (before[0], before[1] + 5_500)
    bench.clock.advance(DAY)


# -- as samples -------------------------------------------------------------------------------------


class Still:
    """A stream of which there is as much as the test says."""

    is_dead = False
    why = ""
    is_closed = False

    def __init__(self, frames: int = 0) -> None:
        self.frames = frames

    def waiting(self) -> int:
        return self.frames

    def take(self, frames: int) -> array[int]:
        taken = min(frames, self.frames)
        self.frames -= taken
        return array("h", [LEVEL] * taken)

    def close(self) -> None:
        self.is_closed = True


def test_it_fades_in_where_it_begins_and_begins_again() -> None:
    feed = Still(START_FRAMES)
    relayed = Relayed(feed, tone(1), OPEN_MOST)
    first = next(relayed)
    assert (first[0], first[120]) == (0, LEVEL // 2)
    assert set(next(relayed)) == {LEVEL}
    feed.frames = 0
    assert set(next(relayed)) == {0}
    feed.frames = AGAIN_FRAMES - 1
    assert set(next(relayed)) == {0}, "a second of it must have come"
    feed.frames = AGAIN_FRAMES
    assert next(relayed)[0] == 0 < next(relayed)[0]


def test_once_heard_it_is_given_up_sooner() -> None:
    feed = Still(START_FRAMES)
    relayed = Relayed(feed, tone(1), OPEN_MOST)
    while feed.frames:
        next(relayed)
    silent = 0
    while not feed.is_closed:
        piece = next(relayed)
        silent += len(piece) if not any(piece) else 0
    assert silent == BREAK_MOST * RATE // SECOND
    assert silent > PIECE


def test_a_recording_that_is_none_is_found_out_before_it_is_needed() -> None:
    with pytest.raises(Undecodable):
        Relayed(Still(), b"no sound", OPEN_MOST)


# -- from end to end, over the net of this machine ---------------------------------------------------


@pytest.mark.parametrize(
    "ffmpeg", [imageio_ffmpeg.get_ffmpeg_exe(), ""], ids=["ffmpeg", "miniaudio"]
)
def test_a_real_stream_is_heard_until_it_is_cut(
    ffmpeg: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.receiver.relay.AGAIN_SECONDS", 0.01)
    with on_air({"/live.mp3": Answer(tone(2), endless=True)}) as upper:
        relays = Relays(ffmpeg)
        relays._ffmpeg = ffmpeg or None
        order = relays.order(Relay(upper.url("/live.mp3"), MINUTE), tone(1, 700), OPEN_MOST)
        pieces = order.open()
        assert isinstance(pieces, Relayed)
        wait_for(lambda: pieces._feed.waiting() >= START_FRAMES, "sound")
        first = array("h", [one for _ in range(20) for one in next(pieces)])
        assert loudness(first) > 1_000
        assert order.detail == {"rel": "stream"}
        upper.cut.set()
        wait_for(lambda: [next(pieces, None) for _ in range(20)][-1] is None, "the end of it all")
        assert order.detail["rel"] == "mixed"
        assert order.detail["rel_why"] == "http 503"
        pieces.close()
