"""The simulator's own parts: faults from a seed, clocks that are wrong, sounds shared honestly, and true books."""

from __future__ import annotations

import hashlib
import itertools
import resource
import statistics

import pytest

from devices.messages import BLOCK_BYTES
from devices.receiver import shelf as shelves
from devices.receiver import tone
from devices.receiver.outputs import Sound
from devices.receiver.store import Change, Line
from devices.simulator import Faults, Stats, key_of, password_of, simulation
from devices.simulator.faults import Deviation
from devices.simulator.sounds import LATELY, MemoryShelf, Sounds
from devices.simulator.tally import CountedStore, Tally, TrueOutput
from devices.simulator.world import SkewedClock
from loa import times
from loa.errors import DeviceError
from loa.times import HOUR

# --- faults --------------------------------------------------------------------------------------

HARD = Faults(
    loss=0.1, latency_ms=200, power_cuts=6, link_cuts=12, clock_error_ms=500, no_clock=0.2, seed=3
)
RIDS = [f"sim-{number:05}" for number in range(400)]


def first(faults: Faults, rid: str, count: int = 20) -> list[object]:
    trouble = faults.of(rid)
    cuts = list(itertools.islice(trouble.mishaps(), count))
    lost = [trouble.loses(number) for number in range(200)]
    return [trouble.clock, cuts, lost, [trouble.delay_ms(number) for number in range(20)]]


def test_the_same_seed_gives_each_receiver_the_same_faults_and_another_seed_others() -> None:
    assert first(HARD, "sim-00001") == first(HARD, "sim-00001")
    others = [first(HARD, "sim-00002"), first(Faults(**{**vars(HARD), "seed": 4}), "sim-00001")]
    for other in others:
        assert all(one != two for one, two in zip(first(HARD, "sim-00001"), other, strict=True))


def test_as_much_goes_wrong_as_was_asked_for() -> None:
    hours = 10
    cuts = [
        mishap
        for rid in RIDS
        for mishap in itertools.takewhile(
            lambda one: one.at_ms < hours * HOUR, HARD.of(rid).mishaps()
        )
    ]
    power = [mishap for mishap in cuts if mishap.kind == "power"]
    assert len(power) / len(RIDS) / hours == pytest.approx(6, rel=0.1)
    assert (len(cuts) - len(power)) / len(RIDS) / hours == pytest.approx(12, rel=0.1)
    assert all(2_000 <= mishap.for_ms <= 60_000 for mishap in power)
    lost = [HARD.of(rid).loses(number) for rid in RIDS for number in range(100)]
    assert statistics.mean(lost) == pytest.approx(0.1, rel=0.05)
    delays = [HARD.of(rid).delay_ms(number) for rid in RIDS for number in range(100)]
    assert min(delays) >= 100
    assert max(delays) <= 200
    clocks = [HARD.of(rid).clock for rid in RIDS]
    assert statistics.mean(clock.keeper == "none" for clock in clocks) == pytest.approx(
        0.2, abs=0.06
    )
    offsets = [clock.offset_ms for clock in clocks]
    assert -500 <= min(offsets) < -400
    assert 400 < max(offsets) <= 500


def test_one_mishap_never_begins_within_another() -> None:
    for rid in RIDS[:50]:
        cuts = list(itertools.islice(Faults(power_cuts=1_000).of(rid).mishaps(), 50))
        assert all(one.at_ms + one.for_ms <= two.at_ms + 1 for one, two in itertools.pairwise(cuts))


def test_nothing_goes_wrong_unless_asked_for() -> None:
    trouble = Faults(seed=9).of("sim-00001")
    assert list(trouble.mishaps()) == []
    assert not any(trouble.loses(number) for number in range(1_000))
    assert not any(trouble.delay_ms(number) for number in range(1_000))
    assert trouble.clock == Deviation(0, 0.0, "ntp")


def test_a_clock_is_wrong_by_its_offset_and_a_bare_one_wakes_in_1970() -> None:
    now = times.now()
    wrong = SkewedClock(Deviation(-400, 0.0, "ntp"), now)
    assert -400 <= wrong.wall() - now < 60_000
    assert wrong.wall() < times.now() - 300
    fast = SkewedClock(Deviation(0, 1_000_000.0, "ntp"), times.after(now, -HOUR))
    assert fast.wall() >= now + HOUR
    bare = SkewedClock(Deviation(0, 0.0, "none"), now)
    assert bare.source() == "none"
    assert bare.wall() < HOUR


# --- sounds --------------------------------------------------------------------------------------

DATA = bytes(itertools.islice(itertools.cycle(range(251)), 2 * BLOCK_BYTES + 1_000))
SHA = hashlib.sha256(DATA).hexdigest()
BLOCKS = [DATA[start : start + BLOCK_BYTES] for start in range(0, len(DATA), BLOCK_BYTES)]


def fetch(shelf: MemoryShelf, blocks: list[bytes], sha: str = SHA) -> bool:
    part = shelf.part(sha, sum(map(len, blocks)))
    for number, block in enumerate(blocks):
        # Bytes of their own, as each comes from a socket of its own.
        assert part.write(number, bytes(bytearray(block)))
    assert part.is_complete
    return shelf.finish(sha, sum(map(len, blocks)))


def test_receivers_share_the_bytes_and_the_hash_of_what_is_the_same() -> None:
    sounds = Sounds()
    poles = [MemoryShelf(sounds) for _ in range(5)]
    assert all(fetch(pole, BLOCKS) for pole in poles)
    assert sounds.hashed == 1
    assert len({id(pole.read(SHA, len(DATA))) for pole in poles}) == 1
    assert poles[0].read(SHA, len(DATA)) == DATA
    assert poles[0].read(SHA, len(DATA) - 1) is None


def test_what_others_have_is_not_yet_here() -> None:
    sounds = Sounds()
    assert fetch(MemoryShelf(sounds), BLOCKS)
    pole = MemoryShelf(sounds)
    assert not pole.has(SHA, len(DATA))
    assert pole.part(SHA, len(DATA)).missing() == [0, 1, 2]
    assert pole.part(SHA, len(DATA)).write(1, BLOCKS[1])
    assert pole.part(SHA, len(DATA)).missing() == [0, 2]


@pytest.mark.parametrize("poisoned_first", [True, False])
def test_a_poisoned_block_harms_the_one_it_was_sent_to(poisoned_first: bool) -> None:
    sounds = Sounds()
    victim, others = MemoryShelf(sounds), [MemoryShelf(sounds) for _ in range(3)]
    wrong = [BLOCKS[0], b"!" + BLOCKS[1][1:], BLOCKS[2]]
    if not poisoned_first:
        assert all(fetch(other, BLOCKS) for other in others)
    assert not fetch(victim, wrong)
    assert not victim.has(SHA, len(DATA))
    assert victim.part(SHA, len(DATA)).missing() == [0, 1, 2]
    if poisoned_first:
        assert all(fetch(other, BLOCKS) for other in others)
    assert all(other.read(SHA, len(DATA)) == DATA for other in others)
    assert fetch(victim, BLOCKS)
    assert victim.read(SHA, len(DATA)) == DATA


def test_a_block_fetched_while_another_receiver_was_poisoned_is_judged_by_its_own_bytes() -> None:
    sounds = Sounds()
    victim, other = MemoryShelf(sounds), MemoryShelf(sounds)
    mine = other.part(SHA, len(DATA))
    assert victim.part(SHA, len(DATA)).write(1, b"!" + BLOCKS[1][1:])
    assert all(mine.write(number, block) for number, block in enumerate(BLOCKS))
    assert other.finish(SHA, len(DATA))
    assert victim.part(SHA, len(DATA)).write(0, BLOCKS[0])
    assert victim.part(SHA, len(DATA)).write(2, BLOCKS[2])
    assert not victim.finish(SHA, len(DATA))


@pytest.mark.parametrize(("block", "data"), [(0, b"short"), (2, BLOCKS[0]), (3, b""), (0, b"")])
def test_a_block_of_the_wrong_size_or_number_is_not_kept(block: int, data: bytes) -> None:
    part = MemoryShelf(Sounds()).part(SHA, len(DATA))
    assert not part.write(block, data)
    assert part.missing() == [0, 1, 2]


def test_what_no_plan_names_goes_when_there_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    sounds = Sounds()
    pole = MemoryShelf(sounds)
    shas = []
    for number in range(3):
        data = bytes([number]) * 1_000
        shas.append(hashlib.sha256(data).hexdigest())
        assert fetch(pole, [data], shas[-1])
    pole.part(SHA, len(DATA)).write(0, BLOCKS[0])
    pole.drop_unnamed({SHA, shas[0]})
    assert [pole.has(sha, 1_000) for sha in shas] == [True, True, True]
    monkeypatch.setattr("devices.simulator.sounds.KEPT_BYTES", 1_500)
    pole.drop_unnamed({shas[0]})
    assert [pole.has(sha, 1_000) for sha in shas] == [True, False, True]
    assert sounds._holders == {shas[0]: 1, shas[2]: 1}
    assert set(sounds._whole) == set(sounds._blocks) == {shas[0], shas[2]}
    assert shelves.KEPT_BYTES > 1_500


def test_the_test_tone_is_on_every_shelf() -> None:
    pole = MemoryShelf(Sounds())
    assert pole.has(tone.SHA, len(tone.data()))
    assert pole.read(tone.SHA, len(tone.data())) == tone.data()


def test_a_payload_that_thousands_are_sent_is_kept_once() -> None:
    sounds = Sounds()
    kept = sounds.same("a/0", BLOCKS[0])
    assert sounds.same("a/0", bytes(bytearray(BLOCKS[0]))) is kept
    assert sounds.same("a/0", BLOCKS[1]) is BLOCKS[1]
    for number in range(2 * LATELY):
        sounds.same(f"b/{number}", BLOCKS[0])
    assert len(sounds._lately) == LATELY


# --- books ---------------------------------------------------------------------------------------


def test_what_sounded_is_known_without_the_journal() -> None:
    tally, mono = Tally(), [0]
    output = TrueOutput("sim-00001", lambda: mono[0], tally)
    first, second = (output.open(Sound(name, b"", 1_000)) for name in ("b1", "b2"))
    first.begin(0)
    mono[0] = 1_000
    assert tally.playing == 1
    first.close()
    second.begin(0)
    mono[0] = 1_400
    assert [(row.sounded().occ, row.sounded().ms, row.sounded().whole) for row in tally.rows] == [
        ("b1", 1_000, True), ("b2", 400, False),
    ]  # fmt: skip
    output.cut()
    mono[0] = 9_000
    assert (tally.rows[1].sounded().ms, tally.rows[1].sounded().whole) == (400, False)
    assert (tally.playing, tally.played) == (0, 1)
    assert abs(tally.rows[0].at - times.now()) < 60_000


def test_a_sound_opened_and_never_begun_did_not_sound() -> None:
    tally = Tally()
    TrueOutput("sim-00001", lambda: 0, tally).open(Sound("b1", b"", 1_000)).close()
    assert not tally.rows


def test_a_store_counts_its_entries_and_what_of_them_is_confirmed() -> None:
    tally = Tally()
    stores = [CountedStore(tally), CountedStore(tally)]
    lines = (
        Line(1, b'[1,"","boot",5,"ntp",1,0,{}]', b""),
        Line(2, b'[2,"b1","refused",5,"ntp",1,0,{}]', b""),
    )
    for store in stores:
        store.commit(Change(lines, facts={"rev": 7}))
        store.commit(Change(facts={"acked": 2}))
    stores[0].commit(Change(facts={"acked": 1}))
    assert (dict(tally.codes), tally.plans, tally.acked) == ({"boot": 2, "refused": 2}, 2, 3)
    assert stores[0].lines(1, 9) == list(lines)


def test_keys_and_password_come_from_the_secret_alone() -> None:
    assert key_of(b"a", "sim-00001").public == key_of(b"a", "sim-00001").public
    keys = {
        key_of(*what).public.x
        for what in ((b"a", "sim-00001"), (b"a", "sim-00002"), (b"b", "sim-00001"))
    }
    assert len(keys) == 3
    assert password_of(b"a") == password_of(b"a") != password_of(b"b")
    assert len(password_of(b"a")) == 43


def test_refused_counts_what_the_journals_say() -> None:
    stats = Stats(1, 1, 1, 0, 0, 0, 3, 3, {"refused": 2, "boot": 1})
    assert stats.refused == 2


# --- files ---------------------------------------------------------------------------------------


def test_it_opens_as_many_files_as_it_needs_or_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1_024, 20_000))
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: limits.append(both))
    simulation.demand_files(100)
    assert limits == []
    simulation.demand_files(10_000)
    assert limits == [(10_200, 20_000)]
    with pytest.raises(DeviceError, match=r"20200 kết nối.*20000.*-n xuống 19800") as refusal:
        simulation.demand_files(20_000)
    assert refusal.value.field == "n"
