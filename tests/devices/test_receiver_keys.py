from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from devices import messages, signing
from loa.times import HOUR, MINUTE, SECOND
from tests.devices.receiver_rig import RID, T0, Bench, PowerCut, key, keys_token

AT = T0 + 10 * MINUTE
PLAN, EMERGENCY = key("plan", "plan"), key("emergency", "plan", "emergency")
NEXT = key("plan-next", "plan")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.identity = dataclasses.replace(bench.identity, roots=(key("root").public,), need=1, kv=1)
    return bench.boot()


def offer(bench: Bench, token: bytes) -> None:
    bench.receiver.handle(messages.keys_topic(RID), token)


def refusals(bench: Bench) -> list[dict[str, Any]]:
    return [e.detail for e in bench.entries() if e.code == "refused" and not e.occ]


def kv(bench: Bench) -> int:
    bench.receiver.connected()
    return bench.states()[-1].kv


def test_the_birth_says_which_keys_are_obeyed(bench: Bench, tmp_path: Path) -> None:
    assert bench.states()[-1].kv == 1
    assert Bench(tmp_path / "old").boot().states()[-1].kv == 0


def test_new_keys_are_obeyed_and_journalled(bench: Bench) -> None:
    offer(bench, keys_token(7, NEXT, EMERGENCY))
    assert bench.detail("", "keys") == {"kv": 7}
    assert kv(bench) == 7
    bench.give(bench.occ("b1", AT), signer="plan-next")
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1") == ["accepted", "ready", "started", "played"]


def test_both_keys_sign_while_they_overlap(bench: Bench) -> None:
    offer(bench, keys_token(2, PLAN, NEXT))
    bench.give(bench.occ("b1", AT), signer="plan")
    bench.give(bench.occ("b1", AT), bench.occ("b2", AT + MINUTE), signer="plan-next")
    bench.until(AT + 2 * MINUTE, serve=True)
    assert [heard.occ for heard in bench.speaker.heard] == ["b1", "b2"]


def test_a_key_taken_back_orders_nothing_more(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), signer="plan")
    bench.until(AT - MINUTE, serve=True)
    offer(bench, keys_token(2, NEXT, EMERGENCY))
    assert bench.codes("b1") == ["accepted", "ready", "refused"], "said at once, not at its time"
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.heard == []
    assert bench.detail("b1", "refused") == {"why": "key"}
    bench.give(bench.occ("b2", AT + HOUR), signer="plan")
    assert refusals(bench) == [{"why": "bad_sig"}]


def test_the_same_broadcast_under_a_good_key_plays_after_all(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), signer="plan")
    offer(bench, keys_token(2, NEXT))
    bench.give(bench.occ("b1", AT), signer="plan-next")
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1")[2:] == ["accepted", "ready", "started", "played"]
    assert bench.speaker.begins("b1") == 1


def test_what_a_stolen_key_sounds_is_silenced(bench: Bench) -> None:
    bench.give(bench.occ("b1", T0 + SECOND, late=5 * MINUTE), signer="plan")
    bench.until(T0 + 1_500, serve=True)
    assert bench.codes("b1")[-1] == "started"
    offer(bench, keys_token(2, NEXT))
    assert bench.detail("b1", "interrupted")["why"] == "key"
    assert bench.speaker.heard[0].ms == 500


def test_an_interrupted_sound_restarts_when_a_good_key_wants_it(bench: Bench) -> None:
    occ = bench.occ("b1", T0 + SECOND, onint="restart")
    bench.give(occ, signer="plan")
    bench.until(T0 + 1_500, serve=True)
    offer(bench, keys_token(2, NEXT))
    bench.until(T0 + MINUTE, serve=True)
    assert bench.speaker.begins("b1") == 1
    bench.give(occ, signer="plan-next")
    bench.until(T0 + 2 * MINUTE, serve=True)
    assert bench.codes("b1")[-2:] == ["started", "played"]


def test_a_role_taken_back_stops_an_emergency(bench: Bench) -> None:
    bench.give(bench.occ("e1", AT, cls="E"), signer="emergency")
    bench.serve()
    bare = signing.PrivateKey("emergency", key("emergency").seed, ("plan",))
    offer(bench, keys_token(2, bare))
    bench.until(AT + MINUTE, serve=True)
    assert bench.detail("e1", "refused") == {"why": "no_role"}


def test_the_keys_survive_a_power_cut(bench: Bench) -> None:
    offer(bench, keys_token(5, NEXT))
    bench.cut(SECOND)
    bench.boot()
    assert kv(bench) == 5
    bench.give(bench.occ("b1", AT), signer="plan-next")
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1")[-1] == "played"
    offer(bench, keys_token(4, PLAN))
    assert refusals(bench) == [{"why": "old_kv", "kv": 4}]


def test_an_older_document_is_refused_and_the_same_one_is_nothing(bench: Bench) -> None:
    newer, older = keys_token(9, NEXT), keys_token(8, PLAN)
    offer(bench, newer)
    count = len(bench.entries())
    offer(bench, newer)
    assert len(bench.entries()) == count
    offer(bench, older)
    assert refusals(bench) == [{"why": "old_kv", "kv": 8}]
    assert kv(bench) == 9


def test_a_key_orders_only_in_its_time(bench: Bench) -> None:
    short = {"kid": "plan", "x": PLAN.public.x, "roles": ["plan"], "from": T0, "until": AT}
    later = {"kid": "plan-next", "x": NEXT.public.x, "roles": ["plan"], "from": AT, "until": AT * 2}
    offer(bench, keys_token(2, keys=[short, later]))
    bench.give(bench.occ("b2", AT + MINUTE), signer="plan-next")
    assert refusals(bench) == [{"why": "key", "rev": T0}]
    bench.give(bench.occ("b1", AT - SECOND), bench.occ("b2", AT + MINUTE), signer="plan")
    bench.until(AT + 2 * MINUTE, serve=True)
    assert [heard.occ for heard in bench.speaker.heard] == ["b1"]
    assert bench.detail("b2", "refused") == {"why": "key"}


def test_a_plan_that_came_before_its_key_is_taken_with_it(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), signer="plan-next")
    assert bench.codes("b1") == []
    offer(bench, keys_token(2, NEXT))
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1")[-1] == "played"


def test_new_roots_need_the_word_of_old_and_new(bench: Bench) -> None:
    for number, signers in enumerate(("root", "root2", "stranger root2"), 2):
        offer(bench, keys_token(number, NEXT, roots="root2", signers=signers))
    assert refusals(bench) == [{"why": "bad_sig"}] * 3
    assert kv(bench) == 1
    offer(bench, keys_token(5, NEXT, roots="root2", signers="root root2"))
    assert kv(bench) == 5
    offer(bench, keys_token(6, PLAN, roots="root"))
    assert kv(bench) == 5, "the old root says nothing any more"
    bench.cut(SECOND)
    bench.boot()
    offer(bench, keys_token(7, PLAN, roots="root2"))
    assert kv(bench) == 7


def test_a_document_without_roots_leaves_them_as_they_are(bench: Bench) -> None:
    offer(bench, keys_token(2, NEXT, roots="", signers="root"))
    offer(bench, keys_token(3, PLAN, roots="", signers="root"))
    assert kv(bench) == 3


def test_as_many_roots_sign_as_are_needed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    roots = tuple(key(name).public for name in ("a", "b", "c"))
    bench.identity = dataclasses.replace(bench.identity, roots=roots, need=2, kv=1)
    bench.boot()
    offer(bench, keys_token(2, NEXT, roots="", signers="a"))
    offer(bench, keys_token(3, NEXT, roots="", signers="a a"))
    assert refusals(bench) == [{"why": "bad_sig"}] * 2
    offer(bench, keys_token(4, NEXT, roots="", signers="stranger c a"))
    assert kv(bench) == 4


def general(payload: bytes, header: dict[str, Any] | None = None) -> bytes:
    whole = json.loads(signing.sign_jointly(payload, "loa-keys", [key("root")]))
    if header is not None:
        whole["signatures"][0]["protected"] = signing.b64(json.dumps(header).encode())
    return json.dumps(whole).encode()


def body(**more: Any) -> bytes:
    return json.dumps({"v": 1, "kv": 9, "iat": T0, "keys": []} | more).encode()


ROOT = {"kid": "root", "x": key("root").public.x}
ONE = {"kid": "k", "x": key("k").public.x, "roles": ["plan"], "from": 1, "until": 2}


@pytest.mark.parametrize(
    "token",
    [
        b"x",
        b"{}",
        b"[" * 8_000,
        b'{"payload":"e30","signatures":[]}',
        b'{"payload":"e30","signatures":[{"protected":"e30","signature":"e30"}]}',
        general(b"{}"),
        general(b"\xff"),
        general(body(v=2)),
        general(body(kv=0)),
        general(body(keys=[ONE, ONE])),
        general(body(keys=[ONE | {"until": 1}])),
        general(body(keys=[ONE | {"x": "short"}])),
        general(body(keys=[ONE | {"kid": f"k{n}"} for n in range(17)])),
        general(body(roots=[ROOT], need=2)),
        general(body(roots=[ROOT, ROOT | {"kid": "same-again"}], need=2)),
        general(body(), {"alg": "none", "typ": "loa-keys", "kid": "root"}),
        general(body(), {"alg": "HS256", "typ": "loa-keys", "kid": "root"}),
        general(body(), {"alg": "Ed25519", "typ": "loa-plan", "kid": "root"}),
        key("root").sign(body(), "loa-keys"),
        keys_token(9, NEXT, signers="plan"),
        keys_token(9, NEXT, pad="x" * messages.MAX_KEYS_BYTES),
    ],
)
def test_what_is_no_keys_document_changes_nothing(bench: Bench, token: bytes) -> None:
    offer(bench, token)
    assert refusals(bench)[0]["why"] in ("shape", "bad_sig", "too_big")
    assert kv(bench) == 1
    bench.give(bench.occ("b1", AT), signer="plan")
    assert bench.codes("b1") == ["accepted"]


def test_roles_and_fields_of_a_later_version_are_ignored(bench: Bench) -> None:
    later = {
        "kid": "fw",
        "x": key("fw").public.x,
        "roles": ["firmware"],
        "from": 1,
        "until": T0 * 2,
    }
    first = later | {"kid": "plan", "x": PLAN.public.x, "roles": ["plan", "firmware"], "hue": 1}
    offer(bench, keys_token(2, keys=[later, first], mood="good"))
    bench.give(bench.occ("b1", AT), signer="plan")
    assert bench.codes("b1") == ["accepted"]
    payload = signing.payload(bench.station.plan(bench.clock, bench.occ("b2", AT)))
    bench.receiver.handle(messages.plan_topic(RID), key("fw").sign(payload, "loa-plan"))
    assert refusals(bench) == [{"why": "no_role"}]


def test_without_roots_no_document_is_believed(tmp_path: Path) -> None:
    bench = Bench(tmp_path).boot()
    offer(bench, keys_token(2, NEXT))
    assert refusals(bench) == [{"why": "no_root"}]
    bench.give(bench.occ("b1", AT), signer="plan")
    assert bench.codes("b1") == ["accepted"]


def test_an_emptied_document_is_nothing(bench: Bench) -> None:
    count = len(bench.entries())
    offer(bench, b"")
    assert len(bench.entries()) == count


def test_a_station_file_with_other_roots_begins_anew(bench: Bench) -> None:
    offer(bench, keys_token(9, NEXT))
    bench.cut(SECOND)
    bench.identity = dataclasses.replace(bench.identity, roots=(key("root2").public,), kv=3)
    bench.boot()
    assert kv(bench) == 3
    bench.give(bench.occ("b1", AT), signer="plan")
    assert bench.codes("b1") == ["accepted"]


def test_a_newer_station_file_goes_before_what_was_kept(bench: Bench) -> None:
    offer(bench, keys_token(9, NEXT))
    bench.cut(SECOND)
    bench.identity = dataclasses.replace(bench.identity, kv=10)
    assert kv(bench.boot()) == 10


def test_a_power_cut_between_the_keys_and_the_plan_loses_neither(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), signer="plan")
    bench.store.cut_after = bench.store.commits + 1
    with pytest.raises(PowerCut):
        offer(bench, keys_token(2, NEXT))
    bench.cut(SECOND)
    bench.boot()
    assert kv(bench) == 2
    bench.until(AT + MINUTE, serve=True)
    assert bench.speaker.heard == []
    bench.give(bench.occ("b1", AT + HOUR), signer="plan-next")
    bench.until(AT + 2 * HOUR, serve=True)
    assert bench.codes("b1")[-1] == "played"


@pytest.mark.parametrize("when", ["cut_before", "cut_after"])
@pytest.mark.parametrize("commit", range(1, 8))
def test_a_power_cut_at_any_commit_of_a_change_leaves_it_whole(
    bench: Bench, when: str, commit: int
) -> None:
    """Old plan, new keys, new plan: whatever was cut off is made up for when both are sent again."""
    occ = bench.occ("b1", AT)
    old = bench.station.plan(bench.clock, occ, signer="plan")
    new = bench.station.plan(bench.clock, occ, signer="plan-next")
    document = keys_token(2, NEXT)

    def all_of_it() -> None:
        bench.receiver.handle(messages.plan_topic(RID), old)
        offer(bench, document)
        bench.receiver.handle(messages.plan_topic(RID), new)
        bench.until(AT + MINUTE, serve=True)

    setattr(bench.store, when, bench.store.commits + commit)
    with pytest.raises(PowerCut):
        all_of_it()
    bench.cut(SECOND)
    bench.boot()
    all_of_it()
    bench.receiver.connected()
    assert bench.states()[-1].kv == 2
    # Cut between "started" and the first sample it stays silent: once at most, not once at least.
    ends = {"played": (1,), "interrupted": (0, 1)}
    assert bench.speaker.begins("b1") in ends[bench.codes("b1")[-1]]
    numbers = [entry.seq for entry in bench.entries()]
    assert numbers == list(range(1, len(numbers) + 1))
