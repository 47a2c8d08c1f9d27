"""Fifty receivers in one loop over a real mosquitto: the true protocol, faults from a seed, and the truth beside it."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest

from devices import messages, signing
from devices.link import Connected, Link, LinkSettings, Message, Urgency
from devices.messages import BLOCK_BYTES, Audio, Occurrence, Plan, Settings
from devices.receiver import run
from devices.receiver.identity import Mqtt
from devices.simulator import Faults, SimSettings, Simulation, Sounded, key_of
from loa import times
from loa.times import HOUR, MINUTE, SECOND
from tests.devices.receiver_rig import key, sha, tone
from tests.parts import Mosquitto, wait_until

SECRET = b"of this test"
RIDS = [f"sim-{number:05}" for number in range(1, 51)]
TERMINAL = {"played", "interrupted", "missed", "failed"}


class Studio:
    """A station of the barest kind that still believes nothing unsigned: plans, blocks, evacks; it asks again."""

    def __init__(self, port: int) -> None:
        self.keys = {rid: key_of(SECRET, rid).public for rid in RIDS}
        self.entries: dict[str, dict[int, messages.Entry]] = {rid: {} for rid in RIDS}
        self.chains: dict[str, tuple[str, bytes]] = {}
        self.tokens: dict[str, tuple[int, bytes]] = {}
        self.sounds: dict[str, bytes] = {}
        self.asked: set[tuple[str, int]] = set()
        self.blocks: Counter[tuple[str, int]] = Counter()
        self.online: dict[str, bool] = {}
        filters = ((messages.UP_TOPICS, 1),)
        self.link = Link(
            LinkSettings(host="127.0.0.1", port=port, client_id="studio", subscriptions=filters)
        )
        self.link.start()
        assert self.link.inbox.get(timeout=60) == Connected()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def close(self) -> None:
        self.stopping.set()
        self.thread.join()
        self.link.stop()

    def serve(self) -> None:
        while not self.stopping.is_set():
            with contextlib.suppress(queue.Empty):
                incoming = self.link.inbox.get(timeout=0.2)
                if isinstance(incoming, Message):
                    _, _, rid, _, kind = incoming.topic.split("/")
                    getattr(self, f"take_{kind}")(rid, incoming.payload)
            if self.link.inbox.empty():
                self.send_blocks()

    def take_state(self, rid: str, payload: bytes) -> None:
        state = messages.decode(payload, messages.State)
        self.online[rid] = state.on == 1
        if state.on and rid in self.tokens and state.rev < self.tokens[rid][0]:
            self.send_plan(rid)
        held = len(self.entries[rid])
        if state.on and state.n and (state.acked != held or state.n > held):
            self.acknowledge(rid, state.jid)

    def take_get(self, _rid: str, payload: bytes) -> None:
        get = messages.decode(payload, messages.Get)
        self.asked.update((get.sha, block) for block in get.want)

    def send_blocks(self) -> None:
        asked, self.asked = self.asked, set()
        for name, block in sorted(asked):
            data = self.sounds[name][block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES]
            self.blocks[name, block] += 1
            topic = messages.block_topic(name, block)
            self.link.publish(topic, data, qos=0, urgency=Urgency.AUDIO)

    def take_evt(self, rid: str, token: bytes) -> None:
        """Every batch must be signed by its receiver and go on where the last one ended, hash by hash."""
        raw, _ = signing.verify(token, "loa-events", {rid: self.keys[rid]})
        events = messages.decode(raw, messages.Events)
        mine = self.entries[rid]
        jid, head = self.chains.get(rid, (events.jid, messages.first_hash(events.jid)))
        assert jid == events.jid
        for seq, entry in enumerate(events.e, events.from_):
            if seq == len(mine) + 1:
                mine[seq] = msgspec.json.decode(entry, type=messages.Entry)
                head = messages.next_hash(head, bytes(entry))
        self.chains[rid] = (jid, head)
        if len(mine) == events.from_ + len(events.e) - 1:
            assert head.hex() == events.head
        self.acknowledge(rid, events.jid)

    def acknowledge(self, rid: str, jid: str) -> None:
        evack = messages.Evack(jid=jid, upto=len(self.entries[rid]))
        self.link.publish(messages.evack_topic(rid), messages.encode(evack), qos=1)

    def plan(self, at: int, data: bytes, ms: int, rids: list[str] = RIDS, *, boot: int = 0) -> None:
        now, name = times.now(), sha(data)
        self.sounds[name] = data
        occ = Occurrence(id="b1", at=at, late=MINUTE, end=at + HOUR, sha=name)
        for rid in rids:
            plan = Plan(
                v=1, rid=rid, rev=now, iat=now, exp=now + HOUR, hz=now + HOUR, set=Settings(hb=3, boot=boot),
                aud={name: Audio(n=len(data), ms=ms)}, occ=(occ,),
            )  # fmt: skip
            token = key("plan", "plan").sign(messages.encode(plan), "loa-plan")
            self.tokens[rid] = (now, token)
            self.send_plan(rid)

    def send_plan(self, rid: str) -> None:
        token = self.tokens[rid][1]
        self.link.publish(messages.plan_topic(rid), token, qos=1, retain=True)

    def codes(self, rid: str, occ: str = "b1") -> list[str]:
        mine = self.entries[rid]
        return [mine[seq].code for seq in sorted(mine) if mine[seq].occ == occ]

    def boots(self, rid: str) -> list[str]:
        mine = self.entries[rid]
        return [mine[seq].detail["why"] for seq in sorted(mine) if mine[seq].code == "boot"]

    def told(self, rid: str) -> str:
        """The last word of its journal about the broadcast."""
        return (self.codes(rid) or [""])[-1]


@pytest.fixture
def studio(mosquitto: Mosquitto) -> Iterator[Studio]:
    made = Studio(mosquitto.port)
    yield made
    made.close()


@pytest.fixture
def simulate(mosquitto: Mosquitto) -> Iterator[object]:
    made: list[Simulation] = []

    def make(faults: Faults | None = None, **changes: object) -> Simulation:
        settings = SimSettings(
            rids=RIDS, secret=SECRET, keys=(key("plan", "plan").public,),
            mqtt=Mqtt("127.0.0.1", mosquitto.port), faults=faults or Faults(), **changes,
        )  # fmt: skip
        made.append(Simulation(settings))
        made[-1].start()
        return made[-1]

    yield make
    for simulation in made:
        simulation.stop()


def connected(simulation: Simulation) -> None:
    wait_until(lambda: simulation.stats().connected == len(RIDS), "all to connect", 120)


def heard(simulation: Simulation, rid: str) -> list[Sounded]:
    return [one for one in simulation.truth() if one.rid == rid]


def test_fifty_play_one_broadcast_and_prove_it(studio, simulate) -> None:
    threads = threading.active_count()
    simulation = simulate()
    connected(simulation)
    assert threading.active_count() - threads < 12
    at = times.after(times.now(), 6 * SECOND)
    studio.plan(at, tone(2), 2 * SECOND)
    wait_until(lambda: all(studio.told(rid) == "played" for rid in RIDS), "fifty plays", 120)
    assert all(studio.codes(rid) == ["accepted", "ready", "started", "played"] for rid in RIDS)
    truth = simulation.truth()
    assert sorted(one.rid for one in truth) == RIDS
    assert all((one.occ, one.ms, one.whole) == ("b1", 2_000, True) for one in truth)
    assert all(0 <= one.at - at < MINUTE for one in truth)
    wait_until(lambda: simulation.stats().pending == 0, "every entry to be confirmed", 120)
    stats = simulation.stats()
    assert (stats.known, stats.powered, stats.plans, stats.played, stats.playing) == (
        50,
        50,
        50,
        50,
        0,
    )
    assert stats.codes == {"boot": 50, "accepted": 100, "ready": 50, "started": 50, "played": 50}
    assert stats.entries == stats.acked == sum(len(one) for one in studio.entries.values())
    assert simulation._sounds.hashed == 1
    assert max(studio.blocks.values()) < 20  # fifty share what few of them ask for


def test_the_end_in_good_order_is_told_and_a_second_start_goes_on(studio, simulate) -> None:
    simulation = simulate()
    connected(simulation)
    studio.plan(times.now(), tone(90), 90 * SECOND)
    wait_until(lambda: simulation.stats().playing == 50, "fifty to sound", 120)
    simulation.stop()
    stats = simulation.stats()
    assert (stats.powered, stats.connected, stats.playing) == (0, 0, 0)
    wait_until(lambda: not any(studio.online.values()), "fifty farewells")
    assert all(0 <= one.ms < 90_000 and not one.whole for one in simulation.truth())
    simulation.start()
    connected(simulation)
    wait_until(lambda: simulation.stats().pending == 0, "every entry to be confirmed", 120)
    assert all(studio.told(rid) == "interrupted" for rid in RIDS)
    assert all(studio.boots(rid) == ["new", "restart"] for rid in RIDS)
    assert simulation.stats().playing == 0
    assert len(simulation.truth()) == 50


def test_a_power_cut_ends_the_sound_and_the_journal_says_so_afterwards(studio, simulate) -> None:
    simulation = simulate()
    connected(simulation)
    studio.plan(times.now(), tone(90), 90 * SECOND)
    wait_until(lambda: simulation.stats().playing == 50, "fifty to sound", 120)
    rid = RIDS[7]
    entries = simulation.stats().entries
    simulation.cut_power(rid)
    assert simulation.stats().entries == entries
    assert (simulation.stats().powered, simulation.stats().playing) == (49, 49)
    [cut] = heard(simulation, rid)
    assert 0 <= cut.ms < 90_000
    assert not cut.whole
    wait_until(lambda: studio.online[rid] is False, "the will", 120)
    simulation.restore_power(rid)
    wait_until(lambda: studio.told(rid) == "interrupted", "the journal", 120)
    assert studio.codes(rid) == ["accepted", "ready", "started", "interrupted"]
    assert heard(simulation, rid) == [cut]
    assert simulation.stats().playing == 49


def test_a_hard_life_loses_no_entry_plays_nothing_twice_and_the_journals_tell_the_truth(
    studio, simulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "RECONNECT_MOST", 1.0)
    hard = Faults(
        loss=0.05, latency_ms=100, power_cuts=120, link_cuts=120, clock_error_ms=300, seed=5,
        down_ms=(200, 3_000),
    )  # fmt: skip
    simulation = simulate(hard)
    wait_until(lambda: simulation.stats().connects >= 40, "most to connect", 120)
    at = times.after(times.now(), 8 * SECOND)
    studio.plan(at, tone(8), 8 * SECOND)
    wait_until(
        lambda: times.now() > at + 16 * SECOND and all(studio.told(rid) in TERMINAL for rid in RIDS),
        "every receiver to have told what became of it", 240,
    )  # fmt: skip
    stats = simulation.stats()
    assert stats.crashes == 0
    assert min(stats.power_cuts, stats.link_cuts, stats.lost) > 10
    endings: Counter[str] = Counter()
    for rid in RIDS:
        sounded, told = heard(simulation, rid), studio.told(rid)
        assert len(sounded) == studio.codes(rid).count("started") <= 1
        # A cut between the last sample and its entry: heard whole, journalled as interrupted. Never the other way.
        assert told != "played" or sounded[0].whole
        assert (told in ("played", "interrupted")) == bool(sounded)
        endings[told] += 1
    assert endings["played"] > 10
    assert endings["interrupted"] > 0


def test_those_told_to_begin_anew_do_so_once(studio, simulate) -> None:
    simulation = simulate()
    connected(simulation)
    later = times.after(times.now(), HOUR // 2)
    studio.plan(later, tone(2), 2 * SECOND)
    wait_until(lambda: simulation.stats().plans == 50, "fifty plans", 120)
    studio.plan(later, tone(2), 2 * SECOND, RIDS[:3], boot=times.now())
    wait_until(lambda: all(len(studio.boots(rid)) == 2 for rid in RIDS[:3]), "three boots", 120)
    wait_until(lambda: simulation.stats().pending == 0, "every entry to be confirmed", 120)
    assert [studio.boots(rid) for rid in RIDS[:4]] == [["new", "asked"]] * 3 + [["new"]]
    assert (simulation.stats().powered, simulation.stats().connected) == (50, 50)
    assert simulation.stats().power_cuts == 0


def test_receivers_get_power_one_after_the_other_when_told_so(simulate) -> None:
    simulation = simulate(spread_seconds=3_600.0)
    wait_until(lambda: simulation.stats().connected == 1, "the first")
    assert simulation.stats().powered == 1
