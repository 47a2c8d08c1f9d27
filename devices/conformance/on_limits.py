"""Clauses about canned sounds, floods, and messages that are none."""

from __future__ import annotations

import json

import msgspec

from devices import messages, signing
from devices.conformance.clauses import Group, clause, hold
from devices.conformance.on_playing import TONE_MS, at_end, long_sound
from devices.conformance.sounds import Sound
from devices.conformance.stand import Stand
from devices.messages import Canned
from loa.times import HOUR

FLOOD = 300
MOST_REFUSALS = 12
"""Ten in ten minutes, and what the windows' ends add."""
SOON = 10_000


def keep(s: Stand, sound: Sound, n: int = 1) -> None:
    """Give it a canned sound, ordered as well, so that it is fetched at once; wait until it is whole."""
    occ = s.occurrence(sound, in_ms=SOON)
    canned = (Canned(n=n, sha=sound.sha, title="Thử"),)
    s.order(occ, sounds=[sound], can=canned, key=s.keys.alarm)
    s.entry("ready", occ.id, seconds=20)


@clause(
    "canned.kept",
    "Canned sounds",
    "They are fetched and counted in the state, and stay through plans without can and power cuts.",
)
def canned_kept(s: Stand) -> str:
    keep(s, long_sound(s, "canned", 1))
    plan = s.order(set=s.settings(hb=2), key=s.keys.alarm)
    s.state(lambda one: one.rev == plan.rev and one.can == 1, "a state with can 1")
    s.cut_power()
    s.state(lambda one: one.on == 1 and one.can == 1, "a state with can 1 after the power cut")
    return "can 1"


@clause(
    "canned.role",
    "Canned sounds",
    "A key without the role emergency brings none: refused{no_role, of can}; the rest holds.",
)
def canned_role(s: Stand) -> str:
    sound = long_sound(s, "not to be canned", 1)
    occ = s.occurrence(in_ms=HOUR)
    plan = s.order(occ, sounds=[sound], can=(Canned(n=2, sha=sound.sha),))
    held = s.entry("refused", "", of="can")
    hold(held.why == "no_role" and held.entry.detail.get("rev") == plan.rev, str(held))
    s.entry("accepted", occ.id)
    return str(held)


@clause("canned.cleared", "Canned sounds", "An empty set clears it.")
def canned_cleared(s: Stand) -> str:
    keep(s, long_sound(s, "to be cleared", 1), 3)
    plan = s.order(can=(), set=s.settings(hb=2), key=s.keys.alarm)
    s.state(lambda one: one.rev == plan.rev and one.can == 0, "a state with can 0")
    return "can 0"


@clause(
    "limits.plans",
    "Limits a receiver keeps",
    "A flood of forged plans stops no broadcast; ten refusals are journalled, not hundreds.",
)
def flood(s: Stand) -> str:
    occ = s.occurrence(in_ms=4_000)
    s.order(occ)
    s.entry("accepted", occ.id)
    mark, thief = s.mark(), signing.generate("plan-1", ("plan",))
    for _ in range(FLOOD):
        s.throw(s.sign(s.document(), thief))
    seen = at_end(s, occ, TONE_MS)
    after = s.occurrence(in_ms=HOUR)
    s.order(after)
    # Read behind the flood, journalled behind its refusals: by now every one of them was told.
    s.entry("accepted", after.id, seconds=30)
    count = sum(one.code == "refused" for one in s.evidence.held[mark:])
    hold(0 < count <= MOST_REFUSALS, f"{count} refusals journalled of {FLOOD}")
    return f"{count} refusals of {FLOOD} journalled; the broadcast {seen}"


@clause("limits.evacks", "Limits a receiver keeps", "A flood of evacks harms nothing.")
def evacks(s: Stand) -> str:
    for _ in range(FLOOD):
        s.acknowledge()
    occ = s.occurrence()
    s.order(occ)
    return at_end(s, occ, TONE_MS)


@clause(
    "limits.gets",
    "Limits a receiver keeps",
    "It sends 20 requests for blocks at once at most, then 4 a second.",
)
def gets(s: Stand) -> str:
    sounds = [long_sound(s, f"many {n}", 1) for n in range(40)]
    occs = [s.occurrence(one, in_ms=18_000 + n) for n, one in enumerate(sounds)]
    s.order(*occs, sounds=sounds)
    s.until(lambda: len(s.blocks.log) >= len(sounds), "a request for each of 40 sounds", 30)
    s.order()
    hold("limits.gets" not in s.evidence.faults, s.evidence.faults.get("limits.gets", ""))
    stretch = s.blocks.log[-1].at - s.blocks.log[0].at
    return f"{len(s.blocks.log)} requests in {stretch:.1f} s"


def _noise(s: Stand) -> dict[str, bytes]:
    """What nobody should send, by its name."""
    good = messages.encode(s.document())
    floats = json.dumps(json.loads(good) | {"rev": 1.5}).encode()
    huge = good[:-1] + b',"rev":' + b"9" * 400 + b"}"
    # Within a field nobody knows, whoever can read so deep may pass it over and obey the rest.
    deep = b"[" * 9_000 + b"]" * 9_000
    return {
        "no token": b"hello",
        "bytes": bytes(range(256)) * 8,
        "dots": b"." * 2_000,
        "no JSON": s.sign(b"{"),
        "empty": s.sign(b""),
        "an array": s.sign(b"[]"),
        "null": s.sign(b"null"),
        "NaN": s.sign(good.replace(b'"v":1', b'"v":NaN')),
        "no UTF-8": s.sign(good.replace(b'"v":1', b'"v":1,"x":"\xff\xfe"')),
        "a key twice": s.sign(good.replace(b'"v":1', b'"v":2,"v":3')),
        "a version of tomorrow": s.sign(good.replace(b'"v":1', b'"v":2')),
        "floats": s.sign(floats),
        "a huge number": s.sign(huge),
        "nested without end": s.sign(deep),
        "a wrong zone": s.sign(_with(s, tz="Nowhere/Land")),
        "a wrong hour": s.sign(good.replace(b'"quiet":[]', b'"quiet":[["25:61","aa"]]')),
    }


def _with(s: Stand, **settings: str) -> bytes:
    return messages.encode(s.document(set=msgspec.structs.replace(s.settings(), **settings)))


@clause(
    "limits.noise",
    "Signatures",
    "Messages that are none change nothing, on any topic, and it goes on.",
)
def noise(s: Stand) -> str:
    occ = s.occurrence(in_ms=HOUR)
    plan = s.order(occ, set=s.settings(hb=2))
    s.accepted(plan)
    kinds = _noise(s)
    for token in kinds.values():
        s.throw(token)
        s.wire.publish(messages.keys_topic(s.rid), token, qos=1)
        s.wire.publish(messages.evack_topic(s.rid), token[:2_000], qos=1)
        s.wire.publish(f"loa/1/{s.rid}/dn/tomorrow", token, qos=1)
    s.pause(4.0)
    said = s.states[-1].state
    hold(said.rev == plan.rev, f"rev {said.rev} is obeyed, not {plan.rev}")
    hold("cancelled" not in s.story(occ.id), "the plan in force was given up")
    s.accepted(s.order(), 30)
    return f"{len(kinds)} kinds"


CANNED = Group("canned", (canned_kept, canned_role, canned_cleared))
FLOODS = Group("flood", (flood, evacks))
NOISE = Group("noise", (noise, gets))
