from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices import messages, signing
from devices.messages import Events
from devices.receiver.journal import Note
from devices.receiver.store import Change, FileStore, Line, MemoryStore, Store, open_store
from loa.times import HOUR, MINUTE, SECOND
from tests.devices.receiver_rig import RID, T0, Bench, key, sha, tone

AT = T0 + 10 * MINUTE


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path).boot()


def batches(bench: Bench) -> list[bytes]:
    """The batches sent, taken out."""
    return [raw for topic, raw in bench.wire.take() if topic == messages.events_topic(RID)]


def opened(token: bytes) -> Events:
    payload, _ = signing.verify(token, "loa-events", {RID: key(RID).public})
    return messages.decode(payload, Events)


def confirm(bench: Bench, evack: bytes) -> None:
    bench.receiver.handle(messages.evack_topic(RID), evack)
    bench.receiver.step()


def drain(bench: Bench) -> list[Events]:
    """Confirm batch after batch until none comes."""
    found = []
    bench.receiver.step()
    while tokens := batches(bench):
        for token in tokens:
            found.append(opened(token))
            confirm(bench, bench.station.ingest(token))
    return found


def note_many(bench: Bench, count: int) -> None:
    for number in range(count):
        bench.give(bench.occ(f"b{number}", AT))


def test_a_batch_is_signed_chained_and_dated(bench: Bench) -> None:
    bench.clock.advance(1_500)
    bench.receiver.step()
    (token,) = batches(bench)
    events = opened(token)
    assert (events.rid, events.from_, len(events.e)) == (RID, 1, 1)
    assert (events.now, events.mono, events.boot, events.src) == (T0 + 1_500, 1_500, 1, "ntp")
    entry = json.loads(bytes(events.e[0]))
    assert entry == [1, "", "boot", T0, "ntp", 1, 0, {"why": "new", "fw": "loa-0.1"}]
    first = messages.next_hash(messages.first_hash(events.jid), bytes(events.e[0]))
    assert events.head == first.hex()


def test_batches_are_of_twenty_and_one_at_a_time(bench: Bench) -> None:
    note_many(bench, 30)
    bench.receiver.step()
    assert len(batches(bench)) == 1
    bench.until(T0 + 29 * SECOND)
    assert batches(bench) == []
    bench.until(T0 + 31 * SECOND)
    (token,) = batches(bench)
    confirm(bench, bench.station.ingest(token))
    rest = drain(bench)
    assert [events.from_ for events in rest] == list(range(21, bench.receiver.journal.n + 1, 20))
    assert bench.receiver.journal.acked == bench.receiver.journal.n == len(bench.station.entries)


def test_a_batch_fits_in_a_message(bench: Bench) -> None:
    why = "x" * 100
    for number in range(1, 25):
        bench.receiver.journal.write(
            [Note("failed", f"{'b' * 60}{number}", {"why": why, "more": why * 8})]
        )
    for events in drain(bench):
        token = key(RID).sign(messages.encode(events), "loa-events")
        assert len(token) <= messages.MAX_EVENTS_BYTES
    assert len(bench.station.entries) == bench.receiver.journal.n


def test_nothing_is_sent_while_the_link_is_down(bench: Bench) -> None:
    bench.receiver.disconnected()
    bench.wire.take()
    bench.until(T0 + HOUR)
    assert bench.wire.take() == []
    bench.receiver.connected()
    bench.receiver.step()
    assert len(batches(bench)) == 1


def test_a_reconnect_sends_again_what_was_in_flight(bench: Bench) -> None:
    bench.receiver.step()
    first = opened(batches(bench)[0])
    bench.receiver.connected()
    bench.receiver.step()
    again = opened(batches(bench)[0])
    assert first.e == again.e


def test_what_is_confirmed_stays_confirmed_after_a_power_cut(bench: Bench) -> None:
    drain(bench)
    bench.cut(SECOND)
    bench.boot()
    assert [events.from_ for events in drain(bench)] == [2]


def test_a_late_or_repeated_evack_does_nothing(bench: Bench) -> None:
    drain(bench)
    for _ in range(3):
        confirm(bench, bench.station.evack())
        confirm(bench, bench.station.evack(upto=0))
    assert batches(bench) == []
    assert bench.receiver.journal.acked == 1


def test_an_evack_that_says_nothing_new_sends_again_after_a_while(bench: Bench) -> None:
    """The station has a gap: our batch was lost, and it says where it stands."""
    drain(bench)
    note_many(bench, 1)
    bench.receiver.step()
    batches(bench)
    confirm(bench, bench.station.evack())
    assert batches(bench) == [], "not at once: two who disagree must not shout at each other"
    bench.until(bench.clock.wall() + 6 * SECOND)
    confirm(bench, bench.station.evack())
    assert len(batches(bench)) == 1


def test_a_rewind_tells_everything_again(bench: Bench) -> None:
    """The station's database was restored from an old backup."""
    note_many(bench, 30)
    drain(bench)
    restored = bench.station
    restored.entries = {n: raw for n, raw in restored.entries.items() if n <= 10}
    restored.head = bench.store.lines(10, 1)[0].hash
    confirm(bench, restored.evack(rw=True))
    rest = drain(bench)
    assert rest[0].from_ == 11
    assert len(restored.entries) == bench.receiver.journal.n


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"null",
        b'{"jid":"other","upto":1}',
        b'{"jid":1,"upto":1}',
        b'{"upto":-1}',
        b"[" * 9_999,
    ],
)
def test_a_wrong_evack_is_dropped(bench: Bench, payload: bytes) -> None:
    confirm(bench, payload)
    assert bench.receiver.journal.acked == 0


def test_an_evack_beyond_our_journal_is_dropped(bench: Bench) -> None:
    bench.station.jid = bench.receiver.journal.jid
    confirm(bench, bench.station.evack(upto=99))
    assert bench.receiver.journal.acked == 0


def test_a_commit_that_fails_leaves_no_gap(bench: Bench) -> None:
    class Full(Exception):
        pass

    whole = bench.store.commit

    def full(change: Change) -> None:
        raise Full

    bench.store.commit = full
    with pytest.raises(Full):
        bench.give(bench.occ("b1", AT))
    bench.store.commit = whole
    bench.give(bench.occ("b1", AT))
    bench.until(AT + MINUTE, serve=True)
    drain(bench)
    assert bench.codes("b1") == ["accepted", "ready", "started", "played"]
    assert len(bench.station.entries) == bench.receiver.journal.n


# -- the stores -----------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    found = MemoryStore() if request.param == "memory" else FileStore(tmp_path / "receiver.db")
    yield found
    found.close()


def test_a_store_gives_back_what_was_committed(store: Store) -> None:
    store.commit(Change((Line(1, b"a", b"h1"), Line(2, b"b", b"h2")), {"b1": "ready"}, {"rev": 5}))
    store.commit(
        Change((Line(3, b"c", b"h3"),), {"b1": "started", "b2": "missed"}, {"plan": b"jws"})
    )
    saved = store.load()
    assert saved.facts == {"rev": 5, "plan": b"jws"}
    assert saved.states == {"b1": "started", "b2": "missed"}
    assert saved.last == Line(3, b"c", b"h3")
    assert store.lines(2, 5) == [Line(2, b"b", b"h2"), Line(3, b"c", b"h3")]
    assert store.lines(1, 1) == [Line(1, b"a", b"h1")]
    assert store.lines(4, 9) == []


def test_a_store_survives_its_process(tmp_path: Path) -> None:
    first = FileStore(tmp_path / "receiver.db")
    first.commit(Change((Line(1, b"a", b"h1"),), {"b1": "played"}, {"boot": 3}))
    second = FileStore(tmp_path / "receiver.db")  # the first was never closed
    assert second.load().last == Line(1, b"a", b"h1")
    assert second._db.execute("pragma synchronous").fetchone() == (2,)
    assert second._db.execute("pragma journal_mode").fetchone() == ("wal",)
    first.close()
    second.close()


def test_a_commit_is_all_or_nothing(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "receiver.db")
    store.commit(Change((Line(1, b"a", b"h1"),)))
    with pytest.raises(sqlite3.IntegrityError):
        store.commit(Change((Line(2, b"b", b"h2"), Line(1, b"again", b"h")), {"b1": "played"}))
    assert store.load().states == {}
    assert store.lines(1, 9) == [Line(1, b"a", b"h1")]
    store.close()


@pytest.mark.parametrize("damage", [b"this is no database at all, not in the least", None])
def test_a_damaged_store_is_moved_aside(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "receiver.db"
    store = FileStore(path)
    store.commit(Change(tuple(Line(number, b"x" * 200, b"h") for number in range(1, 400))))
    store.close()
    raw = bytearray(path.read_bytes())
    raw[4_096:40_000] = b"\xaa" * (40_000 - 4_096)
    path.write_bytes(damage or bytes(raw))
    fresh = open_store(path, 7)
    assert fresh.load().last is None
    fresh.close()
    assert (tmp_path / "receiver.db.damaged-7").exists()


def test_played_occurrences_are_forgotten_only_by_the_thousand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.receiver.store.STATES_KEPT", 10)
    store = FileStore(tmp_path / "receiver.db")
    store.commit(Change(states={f"b{n}": "played" for n in range(25)}))
    store.commit(Change(states={"b0": "played"}))
    assert sorted(store.load().states, key=lambda name: int(name[1:])) == [
        f"b{n}" for n in range(15, 25)
    ]
    store.close()


def test_a_whole_broadcast_on_the_real_store(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "receiver.db")
    bench = Bench(tmp_path, store).boot()
    began = time.perf_counter()
    bench.give(bench.occ("b1", AT))
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.begins("b1") == 1
    assert bench.codes("b1") == ["accepted", "ready", "started", "played"]
    assert time.perf_counter() - began < 60
    store.close()
    again = Bench(tmp_path, FileStore(tmp_path / "receiver.db"))
    again.clock.set_wall(AT + HOUR)
    again.boot()
    assert again.receiver.journal.boot == 2
    assert again.store.load().facts["rev"] == T0
    assert sha(tone(1)) in {path.stem for path in (tmp_path / "audio").iterdir()}
    again.store.close()
