from __future__ import annotations

import subprocess
import threading
import time
import wave
from array import array
from collections.abc import Generator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from devices.messages import Settings
from devices.receiver.card import TAIL_FRAMES, SystemOutput
from devices.receiver.outputs import (
    RATE,
    NullOutput,
    Sound,
    Undecodable,
    WavOutput,
    decode,
    faded_in,
    faded_out,
    scaled,
)
from loa.times import MINUTE, SECOND
from tests.devices.receiver_rig import T0, Bench, FakeClock, tone

AT = T0 + 10 * MINUTE


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.output = WavOutput(bench.identity.sound, bench.clock.mono)
    return bench.boot()


def samples(path: Path) -> array[int]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return array("h", file.readframes(file.getnframes()))


def loudness(sound: array[int]) -> float:
    return (sum(one * one for one in sound) / len(sound)) ** 0.5


def test_the_wav_is_the_recording(bench: Bench) -> None:
    data = tone(12.3)
    bench.give(bench.occ("b1.20261122T0250", AT, data))
    bench.until(AT + 5 * SECOND, serve=True)
    path = bench.identity.sound / "b1.20261122T0250.wav"
    so_far = len(samples(path)) / RATE
    assert so_far == pytest.approx(5, abs=0.05), "written as it would be heard"
    bench.until(AT + MINUTE)
    sound = samples(path)
    assert len(sound) / RATE == pytest.approx(12.3, abs=0.05)
    assert loudness(sound) > 1_000
    assert sound == array("h", [one for piece in decode(data) for one in piece])
    assert bench.detail("b1.20261122T0250", "played")["ms"] == 12_300


def test_an_interrupted_wav_ends_where_the_sound_did(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, tone(12)), bench.occ("e1", AT + 4 * SECOND, cls="E"))
    bench.until(AT + MINUTE, serve=True)
    assert len(samples(bench.identity.sound / "b1.wav")) / RATE == pytest.approx(4, abs=1)
    assert len(samples(bench.identity.sound / "e1.wav")) / RATE == pytest.approx(1, abs=0.05)


def test_a_muted_wav_is_silent(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT, tone(2)), set=Settings(mute=True))
    bench.until(AT + MINUTE, serve=True)
    sound = samples(bench.identity.sound / "b1.wav")
    assert len(sound) / RATE == pytest.approx(2, abs=0.05)
    assert loudness(sound) == 0


def test_a_folder_that_cannot_be_written_is_a_fault(bench: Bench) -> None:
    bench.identity.sound.write_bytes(b"a file where the folder should be")
    bench.give(bench.occ("b1", AT))
    bench.until(AT + MINUTE, serve=True)
    assert bench.detail("b1", "failed")["why"] == "out"


def test_null_takes_the_time_of_the_sound() -> None:
    clock = FakeClock()
    playing = NullOutput(clock.mono).open(Sound("b1", b"", 5_000))
    playing.begin(300)
    clock.advance(1_300)
    assert (playing.played_ms(), playing.left_ms()) == (1_000, 4_000)
    clock.advance(10_000)
    assert (playing.played_ms(), playing.left_ms()) == (5_000, 0)


@pytest.mark.parametrize("data", [b"", b"\0" * 9_000, b"RIFF" + bytes(100), b"not a sound" * 99])
def test_what_is_no_sound_does_not_decode(data: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(data)


def test_other_rates_and_stereo_are_taken_too(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi"]
    command += ["-i", "sine=440:duration=2:sample_rate=44100", "-ac", "2", str(path)]
    subprocess.run(command, check=True)
    length = sum(len(piece) for piece in decode(path.read_bytes()))
    assert length / RATE == pytest.approx(2, abs=0.05)


def test_samples_are_scaled_and_clipped() -> None:
    assert scaled(array("h", [100, -100]), 1.0) == array("h", [100, -100])
    assert scaled(array("h", [100, -100]), 0.5) == array("h", [50, -50])
    assert scaled(array("h", [30_000, -30_000]), 2.0) == array("h", [32_767, -32_768])


def test_the_sound_card_is_fed_the_whole_sound() -> None:
    """On miniaudio's own card that swallows everything in real time: as near as a machine without one comes."""
    output = SystemOutput.imagined()
    playing = output.open(Sound("b1", tone(0.3), 300, 0.5))
    playing.begin(100)
    assert playing.played_ms() == 0
    deadline = time.monotonic() + 5
    while playing.left_ms() and time.monotonic() < deadline:
        playing.advance()
        time.sleep(0.01)  # a real card's real time
    assert playing.played_ms() == 300
    assert output.health == "ok"
    playing.close()


def test_the_feed_begins_on_the_very_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 10**9
    monkeypatch.setattr("devices.receiver.card.time.monotonic_ns", lambda: now)

    class Card:
        def start(self, feed: object) -> None:
            self.feed = feed

    card = Card()
    output = SystemOutput()
    monkeypatch.setattr(output, "device", lambda: card)
    playing = output.open(Sound("b1", tone(1), 1_000))
    playing.begin(130)
    heard = b""
    for _ in range(40):
        try:
            heard += card.feed.send(1_200)  # type: ignore[attr-defined]
        except StopIteration:
            break
        now += 50_000_000
    got = array("h", heard)
    assert set(got[:3_120]) == {0}, "130 ms of silence"
    sound = array("h", [one for piece in decode(tone(1)) for one in piece])
    assert got[3_120 : 3_120 + len(sound)] == faded_in(sound, 0)
    assert set(got[3_120 + len(sound) :]) == {0}, "and silence, until it has left the card's buffer"
    assert len(got) >= 3_120 + len(sound) + TAIL_FRAMES
    assert playing.left_ms() == 0


class Card:
    """Asks for sound only when told to."""

    def __init__(self) -> None:
        self.heard = b""
        self.is_closed = False

    def start(self, feed: Generator[bytes, int, None]) -> None:
        self.feed = feed

    def ask(self, frames: int) -> None:
        self.heard += self.feed.send(frames)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    card = Card()
    monkeypatch.setattr(SystemOutput, "device", lambda self: card)
    return card


def test_a_sound_that_is_stopped_fades_before_the_card_is_closed(card: Card) -> None:
    playing = SystemOutput().open(Sound("b1", tone(1), 1_000))
    playing.begin(0)
    for _ in range(5):
        card.ask(1_200)
    closing = threading.Thread(target=playing.close)
    closing.start()
    while closing.is_alive():
        card.ask(1_200)
    closing.join()
    assert card.is_closed
    sound = array("h", [one for piece in decode(tone(1)) for one in piece])
    got = array("h", card.heard)
    tail = next(n for n in range(len(got)) if not any(got[n:]))
    assert 6_000 < tail <= len(sound)
    assert got[240 : tail - 240] == sound[240 : tail - 240]
    assert max(map(abs, got[tail - 24 : tail])) < max(sound) // 8, "no click"


def test_a_card_that_asks_no_more_is_closed_all_the_same(
    card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.receiver.card.FADED_SECONDS", 0.0)
    playing = SystemOutput().open(Sound("b1", tone(1), 1_000))
    playing.begin(0)
    card.ask(1_200)
    card.ask(1_200)
    playing.close()
    assert card.is_closed


def test_fades_are_ramps_of_ten_milliseconds() -> None:
    flat = array("h", [24_000] * 480)
    up = faded_in(flat[:100], 0) + faded_in(flat[100:], 100)
    assert (up[0], up[120], up[239], list(up[240:])) == (0, 12_000, 23_900, [24_000] * 240)
    down = faded_out(flat)
    assert (down[0], down[120], down[239], list(down[240:])) == (24_000, 12_000, 100, [0] * 240)


def test_only_what_a_decoder_gave_away_is_evidence(tmp_path: Path) -> None:
    for output, level in ((NullOutput, "none"), (WavOutput, "E1")):
        bench = Bench(tmp_path / level)
        folder = [bench.identity.sound] if output is WavOutput else []
        bench.output = output(*folder, bench.clock.mono)
        bench.boot()
        bench.give(bench.occ("b1", AT))
        bench.until(AT + MINUTE, serve=True)
        assert bench.detail("b1", "played")["level"] == level
    assert SystemOutput.level == "E1"


def test_a_mute_is_heard_at_once_and_said(bench: Bench) -> None:
    one = bench.occ("b1", AT, tone(12))
    bench.give(one, set=Settings(vol=80))
    bench.until(AT + 5 * SECOND, serve=True)
    bench.give(one, set=Settings(vol=80, mute=True))
    bench.until(AT + MINUTE, serve=True)
    sound = samples(bench.identity.sound / "b1.wav")
    muted_from = 5 * RATE
    assert loudness(sound[muted_from - RATE // 10 : muted_from]) > 1_000
    assert loudness(sound[muted_from + 1 :]) == 0
    assert bench.detail("b1", "started")["vol"] == 80
    assert bench.detail("b1", "played")["vol"] == 0


def test_the_lowest_volume_is_what_is_said_of_it(bench: Bench) -> None:
    one = bench.occ("b1", AT, tone(12))
    for second, vol in enumerate((80, 40, 60)):
        bench.give(one, set=Settings(vol=vol))
        bench.until(AT + (1 + second) * SECOND, serve=True)
    bench.until(AT + MINUTE)
    assert bench.detail("b1", "played")["vol"] == 40


def test_a_sound_at_the_box_is_not_muted_from_afar(bench: Bench) -> None:
    bench.receiver.tell("play", 0)
    bench.give(set=Settings(vol=30, mute=True))
    bench.until(T0 + MINUTE)
    played = [entry.detail for entry in bench.entries() if entry.code == "played"]
    assert [detail["vol"] for detail in played] == [30]


def test_the_card_looks_at_the_level_as_it_goes() -> None:
    sound = Sound("b1", tone(2), 2_000)
    playing: Any = SystemOutput.imagined().open(sound)
    assert loudness(playing._next(RATE // 4)) > 1_000
    sound.level = 0.0
    assert loudness(playing._next(RATE)[-RATE // 2 :]) == 0
    playing.close()
