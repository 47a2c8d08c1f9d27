"""Power cuts, lost, doubled and disordered messages, at random; what is promised must hold in every one."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices import messages
from devices.messages import Occurrence, Settings
from devices.receiver.store import FileStore
from loa.times import MINUTE, SECOND
from tests.devices.receiver_rig import RID, T0, Bench, CuttableStore, PowerCut, tone

AT = T0 + 2 * MINUTE
FINAL = {"played", "interrupted", "failed", "missed", "cancelled", "refused"}


def whole_story(bench: Bench) -> None:
    """Three occurrences, one of them pre-empted, one cancelled while it sounds; the journal confirmed."""
    first = bench.occ("b1", AT, tone(5, 300), onint="restart")
    alarm = bench.occ("e1", AT + 2 * SECOND, cls="E")
    last = bench.occ("b2", AT + MINUTE, tone(5, 300))
    bench.give(first, alarm, last)
    for at in (AT - SECOND, AT + SECOND, AT + 30 * SECOND, AT + MINUTE + 2 * SECOND):
        bench.until(at, serve=True)
        exchange(bench)
    bench.give(first, alarm, replace_off(last))
    bench.until(AT + 5 * MINUTE, serve=True)
    exchange(bench)


def replace_off(occ: Occurrence) -> Occurrence:
    return msgspec.structs.replace(occ, st="off")


def exchange(bench: Bench) -> None:
    """Confirm the journal until nothing is left."""
    for _ in range(50):
        batches = [raw for topic, raw in bench.wire.take() if topic.endswith("/up/evt")]
        for raw in batches:
            bench.receiver.handle(messages.evack_topic(RID), bench.station.ingest(raw))
        bench.receiver.step()
        if not batches:
            return


def check(bench: Bench) -> None:
    """What must hold whatever happened."""
    entries = bench.entries()
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1)), "a gap"
    head = messages.first_hash(bench.receiver.journal.jid)
    for line in bench.store.lines(1, 10**6):
        head = messages.next_hash(head, line.raw)
        assert line.hash == head, "the chain is broken"
    assert bench.receiver.journal.head == head.hex()
    restarts = Counter(e.occ for e in entries if e.code == "interrupted")
    starts = Counter(e.occ for e in entries if e.code == "started")
    for occ, count in starts.items():
        assert count <= 1 + restarts[occ], f"{occ} started {count} times"
        assert bench.speaker.begins(occ) <= count, f"{occ} sounded without a word in the journal"
        assert sum(e.code == "played" and e.occ == occ for e in entries) <= 1
    for heard in bench.speaker.heard:
        assert starts[heard.occ], f"{heard.occ} sounded and was not journalled"


def check_told(bench: Bench) -> None:
    """The station has the whole journal, byte for byte."""
    ours = {line.seq: line.raw for line in bench.store.lines(1, 10**6)}
    assert bench.station.entries == ours


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_power_cut_at_every_commit(tmp_path: Path, when: str) -> None:
    """The plug is pulled at commit 1, 2, 3 …; each time the story goes on after a boot."""
    calm = Bench(tmp_path / "calm").boot()
    whole_story(calm)
    check(calm)
    check_told(calm)
    commits = calm.store.commits
    assert commits > 15
    for number in range(1, commits + 1):
        store = CuttableStore()
        bench = Bench(tmp_path / str(number), store)
        setattr(store, f"cut_{when}", number)
        try:
            bench.boot()
            whole_story(bench)
        except PowerCut:
            bench.cut(SECOND)
            bench.boot()
            resume(bench)
        check(bench)
        check_told(bench)
        assert bench.speaker.begins("b2") <= 1
        for occ in ("b1", "e1", "b2"):
            assert not bench.codes(occ) or set(bench.codes(occ)) & FINAL


def resume(bench: Bench) -> None:
    """The rest of the story: the newest plan again, then time and a good link."""
    if bench.station.rev:
        first = bench.occ("b1", AT, tone(5, 300), onint="restart")
        alarm = bench.occ("e1", AT + 2 * SECOND, cls="E")
        bench.give(first, alarm, bench.occ("b2", AT + MINUTE, tone(5, 300), st="off"))
    bench.until(max(bench.clock.wall(), AT) + 12 * MINUTE, serve=True)
    exchange(bench)


class Storm:
    """One random schedule: a station that changes its mind, a bad link, a bad socket."""

    def __init__(self, folder: Path, seed: int, store: Any = None) -> None:
        self.random = random.Random(seed)
        self.bench = Bench(folder, store, seed)
        self.loss = self.random.choice([0, 0.1, 0.3, 0.6])
        self.air: list[tuple[int, str, bytes]] = []
        self.old: list[tuple[str, bytes]] = []
        self.occs: dict[str, Occurrence] = {}
        self.plan = b""
        self.names = 0
        self.is_up = False

    def run(self) -> None:
        end = T0 + 6 * MINUTE
        while self.bench.clock.wall() < end:
            self.powered(self.turn)
        self.settle()

    def powered(self, act: Any) -> None:
        try:
            if not self.is_up:
                self.plug_in()
            act()
        except PowerCut:
            self.is_up = False
            self.bench.cut(self.random.choice([10, SECOND, 20 * SECOND, 2 * MINUTE]))

    def plug_in(self) -> None:
        store = self.bench.store
        if isinstance(store, CuttableStore):
            store.cut_before = store.cut_after = None
            if self.random.random() < 0.8:
                at = store.commits + self.random.randint(1, 25)
                setattr(store, self.random.choice(["cut_before", "cut_after"]), at)
        self.bench.boot()
        self.is_up = True
        self.send(messages.plan_topic(RID), self.plan)

    def turn(self) -> None:
        bench, dice = self.bench, self.random.random()
        if dice < 0.09:
            self.change_mind()
        elif dice < 0.11:
            raise PowerCut
        elif dice < 0.13:
            bench.receiver.disconnected()
            bench.receiver.connected()
        self.deliver()
        deadline = bench.receiver.step()
        self.answer()
        wait = min(max(1, deadline - bench.clock.wall()), self.random.choice([100, 1_000, 5_000]))
        bench.clock.advance(wait)

    def change_mind(self) -> None:
        dice, now = self.random.random(), self.bench.clock.wall()
        if dice < 0.6 or not self.occs:
            self.names += 1
            name = f"b{self.names}"
            self.occs[name] = self.bench.occ(
                name,
                now + self.random.choice([3, 30, 120]) * SECOND,
                tone(*self.random.choice([(1, 440), (5, 300), (20, 500)])),
                cls=self.random.choice(["N", "N", "P", "E"]),
                late=self.random.choice([0, 10, 60]) * SECOND,
                onint=self.random.choice(["stop", "restart"]),
            )
        elif dice < 0.8:
            name = self.random.choice(list(self.occs))
            self.occs[name] = replace_off(self.occs[name])
        else:
            del self.occs[self.random.choice(list(self.occs))]
        quiet = self.random.choice([(), (), (("02:43", "02:45"),)])
        settings = Settings(hb=30, quiet=quiet)
        self.plan = self.bench.station.plan(self.bench.clock, *self.occs.values(), set=settings)
        self.send(messages.plan_topic(RID), self.plan)

    def send(self, topic: str, payload: bytes) -> None:
        """Into the air: lost, doubled, late, or a message from long ago once more."""
        if not payload or self.random.random() < self.loss:
            return
        self.old.append((topic, payload))
        copies = self.random.choice([1, 1, 2])
        picks = [(topic, payload)] * copies
        if self.random.random() < 0.1:
            picks.append(self.random.choice(self.old))
        now = self.bench.clock.wall()
        for one in picks:
            self.air.append((now + self.random.choice([0, 10, 200, 3_000]), *one))

    def deliver(self) -> None:
        now = self.bench.clock.wall()
        due = [one for one in self.air if one[0] <= now]
        self.air = [one for one in self.air if one[0] > now]
        self.random.shuffle(due)
        for _, topic, payload in due:
            self.bench.receiver.handle(topic, payload)

    def answer(self) -> None:
        """What the station does with what reached it."""
        for topic, payload in self.bench.wire.take():
            if self.random.random() < self.loss:
                continue
            if topic.endswith("/up/evt"):
                self.send(messages.evack_topic(RID), self.bench.station.ingest(payload))
            elif topic.endswith("/up/get"):
                get = messages.decode(payload, messages.Get)
                for block_topic, block in self.bench.station.blocks(get):
                    self.send(block_topic, block)
            elif self.random.random() < 0.3:
                state = messages.decode(payload, messages.State)
                if state.on and state.rev != self.bench.station.rev:
                    self.send(messages.plan_topic(RID), self.plan)

    def settle(self) -> None:
        """The storm is over: a good link, no more cuts, time enough for everything to end."""
        if isinstance(self.bench.store, CuttableStore):
            self.bench.store.cut_before = self.bench.store.cut_after = None
        if not self.is_up:
            self.bench.boot()
        self.air = []
        if self.plan:
            self.bench.receiver.handle(messages.plan_topic(RID), self.plan)
        self.bench.until(self.bench.clock.wall() + 13 * MINUTE, serve=True)
        exchange(self.bench)

    def check(self) -> None:
        check(self.bench)
        check_told(self.bench)
        for name in self.occs:
            codes = self.bench.codes(name)
            assert codes, f"nothing is known of {name}"
            assert codes[-1] in FINAL, f"{name} ended as {codes}"
        for heard in self.bench.speaker.heard:
            assert heard.ms is not None


@pytest.mark.parametrize("hundred", range(3))
def test_a_hundred_random_storms(tmp_path: Path, hundred: int) -> None:
    sounds = cuts = 0
    for seed in range(hundred * 100, hundred * 100 + 100):
        storm = Storm(tmp_path / str(seed), seed)
        try:
            storm.run()
            storm.check()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
        sounds += len(storm.bench.speaker.heard)
        cuts += storm.bench.receiver.journal.boot - 1
    assert sounds > 300
    assert cuts > 300


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_on_the_real_store(tmp_path: Path, seed: int) -> None:
    storm = Storm(tmp_path, 10_000 + seed, FileStore(tmp_path / "receiver.db"))
    storm.run()
    storm.check()
    storm.bench.store.close()
