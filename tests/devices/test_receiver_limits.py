from __future__ import annotations

from pathlib import Path

import pytest

from devices import messages
from devices.receiver.meter import KEEP_EVERY
from devices.receiver.plans import Refused
from devices.receiver.rates import Bucket
from devices.receiver.receiver import EVACKS, TOKENS
from loa.times import DAY, HOUR, MINUTE, SECOND
from tests.devices.receiver_rig import RID, T0, Bench, FakeClock, key, keys_token


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path).boot()


def test_a_bucket_gives_so_many_at_once_and_then_one_by_one() -> None:
    bucket = Bucket(3, 100)
    assert [bucket.take(5) for _ in range(4)] == [True, True, True, False]
    assert bucket.wait(5) == 100
    assert not bucket.take(104)
    assert [bucket.take(105), bucket.take(105)] == [True, False]
    assert [bucket.take(10_000) for _ in range(4)] == [True, True, True, False]


def test_a_flood_is_not_looked_at_and_the_next_moment_is_free_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    monkeypatch.setattr("devices.receiver.receiver.plans.verify", _count(looked))
    for number in range(5_000):
        bench.receiver.handle(messages.plan_topic(RID), b"forged %d" % number)
    assert len(looked) == TOKENS[0]
    monkeypatch.undo()
    bench.clock.advance(TOKENS[1])
    bench.give(bench.occ("b1", T0 + HOUR))
    assert bench.codes("b1") == ["accepted"]


def _count(looked: list[int]) -> object:
    def verify(*_: object) -> None:
        looked.append(1)
        raise Refused("shape")

    return verify


def test_keys_documents_share_the_limit(bench: Bench) -> None:
    for number in range(TOKENS[0]):
        bench.receiver.handle(messages.keys_topic(RID), b"forged %d" % number)
    bench.give(bench.occ("b1", T0 + HOUR))
    assert bench.codes("b1") == []
    bench.receiver.handle(messages.keys_topic(RID), keys_token(2, key("plan", "plan")))
    assert "keys" not in bench.codes()


def test_a_flood_of_evacks_is_dropped_and_a_later_one_is_taken(bench: Bench) -> None:
    jid = bench.receiver.journal.jid
    wrong = messages.encode(messages.Evack(jid="x", upto=1))
    for _ in range(EVACKS[0]):
        bench.receiver.handle(messages.evack_topic(RID), wrong)
    good = messages.encode(messages.Evack(jid=jid, upto=1))
    bench.receiver.handle(messages.evack_topic(RID), good)
    assert bench.receiver.journal.acked == 0
    bench.clock.advance(SECOND)
    bench.receiver.handle(messages.evack_topic(RID), good)
    assert bench.receiver.journal.acked == 1


# -- the month's bytes ----------------------------------------------------------------------------


def net(bench: Bench) -> tuple[str, int] | None:
    bench.receiver.connected()
    return bench.states()[-1].net


def test_bytes_are_counted_both_ways(bench: Bench) -> None:
    before = net(bench)
    assert before is not None
    sent = sum(len(topic) + len(raw) for topic, raw in bench.wire.take())
    assert (before[0], before[1] <= sent) == ("2026-11", True)
    first = bench.receiver._meter.reading
    assert first == ("2026-11", sent)
    bench.receiver.handle("loa/1/x", b"12345")
    assert bench.receiver._meter.reading == ("2026-11", sent + 12)


def test_a_new_month_begins_at_midnight_where_the_station_is(bench: Bench) -> None:
    bench.give(set=messages.Settings(hb=3_600))
    bench.until(T0 + 8 * DAY + 21 * HOUR + 19 * MINUTE)
    assert bench.receiver._meter.reading[0] == "2026-11"  # type: ignore[index]
    before = net(bench)
    bench.until(T0 + 8 * DAY + 21 * HOUR + 21 * MINUTE)
    after = net(bench)
    assert before is not None
    assert after is not None
    assert (before[0], after[0]) == ("2026-11", "2026-12")
    assert after[1] < before[1]


def test_the_count_survives_a_power_cut_but_for_the_last_minutes(bench: Bench) -> None:
    bench.until(T0 + KEEP_EVERY + 2 * MINUTE)
    kept = bench.receiver._meter.reading
    assert kept is not None
    bench.cut(SECOND)
    bench.boot(online=False)
    again = bench.receiver._meter.reading
    assert again is not None
    assert again[0] == "2026-11"
    assert 0 < again[1] <= kept[1]


def test_an_end_in_good_order_loses_nothing(bench: Bench) -> None:
    bench.receiver.stop()
    count = bench.receiver._meter.reading
    bench.boot(online=False)
    assert bench.receiver._meter.reading == count


def test_without_a_clock_there_is_no_month_yet(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.clock = FakeClock(5)
    bench.clock.kept_by = "none"
    bench.boot()
    assert net(bench) is None
    counted = sum(len(topic) + len(raw) for topic, raw in bench.wire.take())
    bench.clock.kept_by = "ntp"
    bench.clock.set_wall(T0)
    bench.receiver.handle("x", b"")
    reading = bench.receiver._meter.reading
    assert reading == ("2026-11", counted + 1)
