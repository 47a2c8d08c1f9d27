from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from devices import messages, signing
from devices.messages import Settings
from devices.receiver import plans
from loa.times import HOUR, MINUTE, SECOND
from tests.devices.receiver_rig import RID, T0, Bench, key, tone

AT = T0 + 10 * MINUTE


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path).boot()


def refusals(bench: Bench) -> list[dict[str, Any]]:
    return [e.detail for e in bench.entries() if e.code == "refused" and not e.occ]


def offer(bench: Bench, token: bytes) -> None:
    bench.receiver.handle(messages.plan_topic(RID), token)


def forged(header: dict[str, Any], payload: bytes, signature: bytes = b"x" * 64) -> bytes:
    def b64(raw: bytes) -> bytes:
        return base64.urlsafe_b64encode(raw).rstrip(b"=")

    return b".".join([b64(json.dumps(header).encode()), b64(payload), b64(signature)])


def test_it_refuses_a_wrong_signature_and_stays_silent(bench: Bench) -> None:
    good = bench.station.plan(bench.clock, bench.occ("b1", AT))
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    offer(bench, bytes(flipped))
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.heard == []
    assert refusals(bench)[0]["why"] in ("bad_sig", "shape")
    assert bench.codes("b1") == []


def test_it_refuses_another_stations_key(bench: Bench) -> None:
    stranger = signing.generate("plan", ("plan",))
    _, payload, _ = bench.station.plan(bench.clock, bench.occ("b1", AT)).split(b".")
    offer(bench, stranger.sign(base64.urlsafe_b64decode(payload + b"=="), "loa-plan"))
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.heard == []
    assert refusals(bench) == [{"why": "bad_sig"}]


def test_it_refuses_a_plan_for_another_receiver(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), rid="r-0422")
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.heard == []
    assert refusals(bench) == [{"why": "wrong_rid", "rev": T0}]


def test_it_refuses_an_older_revision_also_after_a_power_cut(bench: Bench) -> None:
    old = bench.station.plan(bench.clock, bench.occ("b1", AT))
    newer = bench.give()
    offer(bench, old)
    bench.cut(SECOND)
    bench.boot()
    offer(bench, old)
    offer(bench, newer)
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.heard == []
    assert refusals(bench) == [{"why": "old_rev", "rev": T0}] * 2


def test_it_refuses_a_plan_past_its_expiry(bench: Bench) -> None:
    token = bench.station.plan(bench.clock, bench.occ("b1", AT), exp=T0 + MINUTE)
    bench.clock.advance(MINUTE)
    offer(bench, token)
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.heard == []
    assert refusals(bench) == [{"why": "expired", "rev": T0}]


def test_an_accepted_plan_that_expires_makes_no_sound(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT), bench.occ("b2", AT + MINUTE), exp=AT - SECOND)
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.heard == []
    assert bench.codes("b1") == ["accepted", "ready", "refused"]
    assert bench.detail("b2", "refused") == {"why": "expired"}


def test_a_newer_plan_revives_what_expired_with_the_old_one(bench: Bench) -> None:
    occ = bench.occ("b1", AT)
    bench.give(occ, exp=AT - SECOND)
    bench.until(AT + 10 * SECOND, serve=True)
    bench.give(occ)
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1")[2:] == ["refused", "accepted", "ready", "started", "played"]
    assert bench.speaker.begins("b1") == 1


def test_it_refuses_a_key_without_a_role(bench: Bench) -> None:
    bench.identity.keys["idle"] = key("idle").public
    payload = messages.encode(
        messages.Plan(v=1, rid=RID, rev=1, iat=T0, exp=T0 + HOUR, hz=T0, set=Settings())
    )
    offer(bench, key("idle").sign(payload, "loa-plan"))
    assert refusals(bench) == [{"why": "no_role"}]


def test_it_refuses_a_plan_that_is_too_big(bench: Bench) -> None:
    offer(bench, b"a" * (messages.MAX_PLAN_BYTES + 1))
    assert refusals(bench) == [{"why": "too_big"}]


def test_only_an_emergency_key_orders_an_emergency(bench: Bench) -> None:
    bench.give(bench.occ("e1", AT, cls="E"), bench.occ("b1", AT + 5 * MINUTE), signer="plan")
    bench.until(AT + HOUR, serve=True)
    assert [heard.occ for heard in bench.speaker.heard] == ["b1"]
    assert bench.detail("e1", "refused") == {"why": "no_role"}


def plan_payload(**more: Any) -> bytes:
    fields = {"v": 1, "rid": RID, "rev": 9, "iat": T0, "exp": T0 + HOUR, "hz": T0, "set": {}}
    return json.dumps(fields | more).encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"rid":"r-0421"}',
        b"\xff\xfe",
        plan_payload().replace(b'"v"', b'"x": "\xff\xfe", "v"'),
        b"[" * 20_000,
        plan_payload(v=2),
        plan_payload(rev=-1),
        plan_payload(rev=1.5),
        plan_payload(exp=float("nan")),
        plan_payload(exp="tomorrow"),
        plan_payload(set={"tz": "Mars/Olympus"}),
        plan_payload(set={"tz": "../../etc/passwd"}),
        plan_payload(set={"vol": 101}),
        plan_payload(set={"quiet": [["25:00", "05:00"]]}),
        plan_payload(occ=[{"id": "../../x", "at": 1, "late": 1, "end": 2, "sha": "0" * 64}]),
        plan_payload(occ=[{"id": "x", "at": 1, "late": 1, "end": 2, "sha": "0" * 63}]),
        plan_payload(occ=[{"id": "x", "at": 1, "late": 1, "end": 2, "sha": "0" * 64}] * 2),
        plan_payload(aud={"0" * 64: {"n": 10**10, "ms": 1}}),
    ],
)
def test_a_signed_plan_of_the_wrong_shape_is_refused(bench: Bench, payload: bytes) -> None:
    before = bench.give(bench.occ("b1", AT))
    offer(bench, key("plan", "plan").sign(payload, "loa-plan"))
    assert refusals(bench)[-1]["why"] in ("shape", "old_rev")
    offer(bench, before)
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1")[-1] == "played", "the old plan stays in force"


@pytest.mark.parametrize(
    "token",
    [
        b"x",
        b"..",
        b"\x00\xff",
        b"a.b.c",
        forged({"alg": "none", "typ": "loa-plan", "kid": "plan"}, plan_payload(), b""),
        forged({"alg": "HS256", "typ": "loa-plan", "kid": "plan"}, plan_payload()),
        forged({"alg": "Ed25519", "typ": "loa-plan", "kid": "other"}, plan_payload()),
        forged({"alg": "Ed25519", "typ": "loa-plan"}, plan_payload()),
        forged({"alg": "Ed25519", "typ": "loa-plan", "kid": ["plan"]}, plan_payload()),
        forged({"alg": "Ed25519", "typ": "loa-events", "kid": "plan"}, plan_payload()),
        forged({"alg": ["Ed25519"], "typ": "loa-plan", "kid": "plan"}, plan_payload()),
        forged({}, plan_payload()),
        b"[" * 30_000,
    ],
)
def test_what_is_no_signed_plan_changes_nothing(bench: Bench, token: bytes) -> None:
    offer(bench, token)
    assert refusals(bench)[0]["why"] in ("shape", "bad_sig")
    assert not bench.states()[-1].rev


def test_a_journal_batch_is_no_plan(bench: Bench) -> None:
    offer(bench, key("plan", "plan").sign(plan_payload(), "loa-events"))
    assert refusals(bench) == [{"why": "shape"}]


def test_the_same_revision_again_is_nothing(bench: Bench) -> None:
    token = bench.give(bench.occ("b1", AT))
    count = len(bench.entries())
    for _ in range(3):
        offer(bench, token)
    assert len(bench.entries()) == count


def test_an_emptied_retained_plan_is_nothing(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    offer(bench, b"")
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1")[-1] == "played"


def test_a_flood_of_forgeries_does_not_fill_the_journal(bench: Bench) -> None:
    for turn in range(3):
        for number in range(1_000):
            offer(bench, b"forged %d" % number)
            offer(bench, b"forged %d" % (number % 3))
        bench.until(bench.clock.wall() + 11 * MINUTE)
        assert len(refusals(bench)) <= (turn + 1) * (plans.REFUSED_MOST + 1)
    assert refusals(bench)[plans.REFUSED_MOST] == {
        "why": "shape",
        "more": 1_000 - plans.REFUSED_MOST,
    }


def test_the_plan_survives_a_power_cut(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT - MINUTE, serve=True)
    bench.cut(SECOND)
    bench.boot(online=False).until(AT + MINUTE)
    assert bench.codes("b1") == ["accepted", "ready", "started", "played"]


def test_a_kept_plan_whose_key_was_withdrawn_is_not_obeyed(bench: Bench) -> None:
    bench.give(bench.occ("b1", AT))
    bench.until(AT - MINUTE, serve=True)
    bench.cut(SECOND)
    del bench.identity.keys["emergency"]
    bench.boot().until(AT + HOUR)
    assert bench.speaker.heard == []
    assert refusals(bench) == [{"why": "bad_sig", "rev": T0}]


def test_accepting_is_a_witness_of_the_stations_log(bench: Bench) -> None:
    bench.give(chk=messages.Checkpoint(n=88_213, h="ab" * 32))
    assert bench.detail("", "accepted") == {"rev": T0, "n": 88_213, "h": "ab" * 32}


def test_the_longest_plan_is_taken(bench: Bench) -> None:
    """Some sixty occurrences fit in 32 KiB."""
    some = [bench.occ(f"b{n}.20261122T0500", AT + n * MINUTE, tone(1)) for n in range(60)]
    token = bench.give(*some)
    assert len(token) <= messages.MAX_PLAN_BYTES
    assert bench.codes().count("accepted") == 1
