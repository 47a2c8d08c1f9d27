from __future__ import annotations

import itertools
import json
import os
from collections import namedtuple
from pathlib import Path

import pytest

from devices import messages
from devices.messages import BLOCK_BYTES, Audio
from devices.receiver import pace
from devices.receiver import shelf as shelves
from devices.receiver.fetch import SPREAD_MOST
from loa.times import DAY, HOUR, MINUTE, SECOND
from tests.devices.receiver_rig import T0, Bench, sha, tone

AT = T0 + 10 * MINUTE
BIG = 60
"""Seconds of sound: 361 kB, six blocks."""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """On a line known to be fast."""
    monkeypatch.setattr(pace, "FIRST", messages.MAX_WANTED_BLOCKS)
    return Bench(tmp_path).boot()


def file(bench: Bench, data: bytes, suffix: str = "mp3") -> Path:
    return bench.identity.audio / f"{sha(data)}.{suffix}"


def hand_over(bench: Bench, get: messages.Get, *, only: int | None = None) -> None:
    for number, (topic, block) in enumerate(bench.station.blocks(get)):
        if only is None or number < only:
            bench.receiver.handle(topic, block)


def first_get(bench: Bench, until: int = AT) -> messages.Get:
    while bench.clock.wall() < until:
        bench.until(bench.clock.wall() + 100)
        if gets := bench.wire.gets():
            return gets[0]
    raise AssertionError("never asked")


def test_it_asks_listens_and_keeps_what_it_was_sent(bench: Bench) -> None:
    data = tone(BIG)
    bench.give(bench.occ("b1", AT, data))
    assert bench.wire.filters == {messages.audio_topics(sha(data))}
    get = first_get(bench)
    assert get == messages.Get(sha=sha(data), want=tuple(range(6)))
    hand_over(bench, get)
    bench.receiver.step()
    assert file(bench, data).read_bytes() == data
    assert not file(bench, data, "part").exists()
    assert bench.wire.filters == set()
    assert bench.codes("b1") == ["accepted", "ready"]


def test_it_asks_for_eight_at_a_time(bench: Bench) -> None:
    data = tone(200)
    assert len(data) > 16 * BLOCK_BYTES
    bench.give(bench.occ("b1", AT, data))
    assert first_get(bench).want == tuple(range(8))
    assert bench.wire.gets() == []


def test_the_first_ask_is_spread_over_the_free_time(tmp_path: Path) -> None:
    delays = []
    for seed in range(40):
        bench = Bench(tmp_path / str(seed), seed=seed).boot()
        bench.give(bench.occ("b1", T0 + 8 * MINUTE))
        while not bench.wire.gets():
            bench.until(bench.clock.wall() + SECOND)
        delays.append(bench.clock.wall() - T0)
    assert max(delays) <= 2 * MINUTE + SECOND
    assert max(delays) > MINUTE
    assert min(delays) < 30 * SECOND


def test_the_spread_is_an_hour_at_most(tmp_path: Path) -> None:
    for seed in range(20):
        bench = Bench(tmp_path / str(seed), seed=seed).boot()
        bench.give(bench.occ("b1", T0 + 2 * DAY))
        bench.until(T0 + SPREAD_MOST)
        assert bench.wire.gets()


def test_what_sounds_at_once_is_asked_for_at_once(bench: Bench) -> None:
    bench.give(bench.occ("b1", T0 + 10 * SECOND))
    bench.receiver.step()
    assert bench.wire.gets()


def test_the_soonest_goes_first_and_an_emergency_before_everything(bench: Bench) -> None:
    later, sooner, alarm = tone(BIG, 300), tone(BIG, 400), tone(BIG, 500)
    plan = [bench.occ("b1", T0 + 15 * SECOND, later), bench.occ("b2", T0 + 9 * SECOND, sooner)]
    bench.give(*plan)
    bench.receiver.step()
    (get,) = bench.wire.gets()
    assert get.sha == sha(sooner)
    bench.give(*plan, bench.occ("e1", T0 + 18 * SECOND, alarm, cls="E"))
    bench.receiver.step()
    (urgent,) = bench.wire.gets()
    assert urgent.sha == sha(alarm)
    hand_over(bench, get)
    bench.receiver.step()
    assert bench.wire.gets() == [], "nothing else is asked for while the alarm is coming"
    hand_over(bench, urgent)
    bench.receiver.step()
    assert [get.sha for get in bench.wire.gets()] == [sha(later)]


def test_lost_blocks_are_asked_for_again_with_growing_waits(bench: Bench) -> None:
    bench.give(bench.occ("b1", T0 + 3 * SECOND, tone(BIG), late=HOUR, end=AT + HOUR))
    asks = []
    for _ in range(400):
        bench.until(bench.clock.wall() + SECOND)
        asks += [bench.clock.wall() - T0 for _ in bench.wire.gets()]
    waits = [b - a for a, b in itertools.pairwise(asks)]
    assert waits[0] == pytest.approx(5_000, abs=1_100)
    assert waits[-1] == pytest.approx(60_000, abs=1_100)


def test_only_what_is_missing_is_asked_for_again(bench: Bench) -> None:
    bench.give(bench.occ("b1", T0 + 10 * SECOND, tone(BIG)))
    bench.receiver.step()
    (get,) = bench.wire.gets()
    hand_over(bench, get, only=2)
    again = first_get(bench)
    assert again.want[0] == 2
    assert set(again.want) <= {2, 3, 4, 5}


def test_a_sound_the_station_lacks_does_not_hold_up_the_next(bench: Bench) -> None:
    lost, good = tone(BIG, 300), tone(BIG, 400)
    bench.give(bench.occ("b1", T0 + 9 * SECOND, lost), bench.occ("b2", T0 + 15 * SECOND, good))
    bench.receiver.step()
    assert [get.sha for get in bench.wire.gets()] == [sha(lost)]
    bench.until(T0 + 6 * SECOND)
    assert sha(good) in [get.sha for get in bench.wire.gets()]


def test_it_takes_blocks_that_another_receiver_asked_for(bench: Bench) -> None:
    data = tone(BIG)
    bench.give(bench.occ("b1", T0 + DAY, data))
    hand_over(bench, messages.Get(sha=sha(data), want=tuple(range(6))))
    bench.receiver.step()
    assert bench.codes("b1") == ["accepted", "ready"]
    assert bench.wire.gets() == []


def test_nothing_is_asked_for_while_the_link_is_down(bench: Bench) -> None:
    bench.give(bench.occ("b1", T0 + 10 * SECOND))
    bench.receiver.disconnected()
    bench.until(T0 + 5 * SECOND)
    assert bench.wire.gets() == []
    bench.receiver.connected()
    bench.receiver.step()
    assert len(bench.wire.gets()) == 1


@pytest.mark.parametrize(
    "topic", ["loa/1/audio/x/0", "loa/1/audio/{}/-1", "loa/1/audio/{}/01", "x", ""]
)
def test_what_is_no_block_is_dropped(bench: Bench, topic: str) -> None:
    data = tone(1)
    bench.give(bench.occ("b1", AT, data))
    bench.receiver.handle(topic.format(sha(data)[:16]), data)
    assert not file(bench, data).exists()


def test_blocks_nobody_needs_are_not_kept(bench: Bench) -> None:
    stranger = tone(BIG, 999)
    bench.receiver.handle(messages.block_topic(sha(stranger), 0), stranger[:BLOCK_BYTES])
    assert list(bench.identity.audio.iterdir()) == []


def test_a_block_of_the_wrong_size_is_dropped(bench: Bench) -> None:
    data = tone(BIG)
    bench.give(bench.occ("b1", AT, data))
    for block, content in [
        (0, data[:10]),
        (0, data),
        (5, data[:BLOCK_BYTES]),
        (6, b""),
        (4_095, b"x"),
    ]:
        bench.receiver.handle(messages.block_topic(sha(data), block), content)
    assert first_get(bench).want == tuple(range(6))


def test_one_flipped_byte_is_never_played(bench: Bench) -> None:
    data = tone(1)
    bad = bytearray(data)
    bad[len(bad) // 2] ^= 1
    bench.give(bench.occ("b1", AT, data))
    topic = messages.block_topic(sha(data), 0)
    for _ in range(300):
        bench.until(bench.clock.wall() + 3 * SECOND)
        for _ in bench.wire.gets():
            bench.receiver.handle(topic, bytes(bad))
    assert bench.speaker.heard == []
    assert bench.speaker.opened == []
    assert bench.codes("b1") == ["accepted", "failed"]
    assert bench.detail("b1", "failed") == {"why": "hash"}
    assert not file(bench, data).exists()


def test_a_wrong_hash_is_fetched_again_and_forgotten(bench: Bench) -> None:
    data = tone(1)
    bench.give(bench.occ("b1", T0 + MINUTE, data))
    bench.receiver.handle(messages.block_topic(sha(data), 0), bytes(len(data)))
    bench.until(T0 + 2 * MINUTE, serve=True)
    assert bench.codes("b1") == ["accepted", "ready", "started", "played"]


def test_a_poisoned_source_is_asked_less_and_less(bench: Bench) -> None:
    data = tone(1)
    bench.give(bench.occ("b1", AT, data, late=8 * HOUR, end=T0 + DAY))
    asks = 0
    for _ in range(4 * 3_600):
        bench.until(bench.clock.wall() + SECOND)
        for _ in bench.wire.gets():
            asks += 1
            bench.receiver.handle(messages.block_topic(sha(data), 0), bytes(len(data)))
    assert asks < 35


def test_a_file_changed_after_ready_is_fetched_again_before_it_sounds(bench: Bench) -> None:
    data = tone(1)
    bench.give(bench.occ("b1", AT, data))
    bench.until(AT - MINUTE, serve=True)
    bad = bytearray(data)
    bad[-1] ^= 1
    file(bench, data).write_bytes(bytes(bad))
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.opened == [data]
    assert bench.codes("b1") == ["accepted", "ready", "started", "played"]


def test_a_file_changed_after_ready_with_the_link_down_stays_silent(bench: Bench) -> None:
    data = tone(1)
    bench.give(bench.occ("b1", AT, data))
    bench.until(AT - MINUTE, serve=True)
    bench.receiver.disconnected()
    file(bench, data).write_bytes(bytes(len(data)))
    bench.until(AT + HOUR)
    assert bench.speaker.opened == []
    assert bench.detail("b1", "failed") == {"why": "hash"}


def test_a_file_changed_while_it_is_prepared_cannot_be_heard(bench: Bench) -> None:
    data = tone(1)
    bench.give(bench.occ("b1", AT, data))
    bench.until(AT - SECOND, serve=True)
    assert bench.speaker.opened == [data]
    file(bench, data).write_bytes(bytes(len(data)))
    bench.until(AT + MINUTE)
    assert bench.codes("b1")[-1] == "played"
    assert bench.speaker.opened == [data]


def test_a_deleted_file_is_fetched_again(bench: Bench) -> None:
    data = tone(1)
    bench.give(bench.occ("b1", AT, data))
    bench.until(AT - MINUTE, serve=True)
    file(bench, data).unlink()
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.begins("b1") == 1


def test_a_file_swapped_for_a_longer_one_is_not_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tone(1)
    bench.give(bench.occ("b1", AT, data))
    bench.until(AT - MINUTE, serve=True)
    os.truncate(file(bench, data), 10 * 1024**3)  # sparse
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.opened == [data]


def test_a_download_goes_on_after_a_power_cut(bench: Bench) -> None:
    data = tone(BIG)
    bench.give(bench.occ("b1", AT, data))
    hand_over(bench, first_get(bench), only=4)
    bench.cut(SECOND)
    bench.boot()
    assert first_get(bench).want == (4, 5)


def test_a_power_cut_before_the_hash_is_no_loss(bench: Bench) -> None:
    data = tone(BIG)
    bench.give(bench.occ("b1", AT, data))
    part = shelves.Shelf(bench.identity.audio).part(sha(data), len(data))
    for block in range(6):
        part.write(block, data[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES])
    bench.cut(SECOND)
    bench.boot()
    bench.until(T0 + 5 * MINUTE)
    assert bench.codes("b1") == ["accepted", "ready"]
    assert bench.wire.gets() == []


def test_a_sound_kept_from_before_is_not_fetched(bench: Bench) -> None:
    bench.give(bench.occ("b1", T0 + MINUTE))
    bench.until(T0 + 2 * MINUTE, serve=True)
    bench.give()
    bench.give(bench.occ("b2", AT))
    bench.until(AT + MINUTE)
    assert bench.codes("b2")[-1] == "played"


def test_two_occurrences_share_one_sound(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), bench.occ("b2", AT + MINUTE))
    bench.serve()
    bench.until(AT + HOUR, serve=True)
    assert [heard.occ for heard in bench.speaker.heard] == ["b1", "b2"]


def test_not_a_byte_more_than_the_plan_says_is_taken(bench: Bench) -> None:
    data = tone(BIG)
    aud = {sha(data): Audio(n=100_000, ms=1_000)}
    bench.give(bench.occ("b1", AT, data), aud=aud)
    assert first_get(bench).want == (0, 1)
    hand_over(bench, messages.Get(sha=sha(data), want=tuple(range(6))))
    assert file(bench, data, "part").stat().st_size == 100_000 + 2


def test_a_full_disk_is_a_failure_and_not_a_crash(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(100, 99, 1))
    bench.give(bench.occ("b1", AT))
    bench.until(AT + HOUR, serve=True)
    assert bench.codes("b1") == ["accepted", "failed"]
    assert bench.detail("b1", "failed") == {"why": "disk"}
    assert bench.states()[-1].disk == 0.99


def test_what_no_plan_names_goes_oldest_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "KEPT_BYTES", 20_000)
    folder = bench.identity.audio
    for number in range(4):
        (folder / f"{number}.mp3").write_bytes(bytes(8_000))
        os.utime(folder / f"{number}.mp3", (number, number))
    (folder / "5.part").write_bytes(b"x")
    bench.give(bench.occ("b1", AT))
    assert sorted(path.name for path in folder.iterdir()) == ["2.mp3", "3.mp3"]


def test_an_ask_is_what_the_contract_says(bench: Bench) -> None:
    bench.give(bench.occ("b1", T0 + 5 * SECOND))
    bench.receiver.step()
    raw = next(raw for topic, raw in bench.wire.sent if topic.endswith("/up/get"))
    assert json.loads(raw) == {"sha": sha(tone(1)), "want": [0], "sz": 65_536}
