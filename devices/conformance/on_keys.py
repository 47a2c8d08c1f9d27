"""Clauses about the keys document, and about a receiver that does not know the time."""

from __future__ import annotations

import re

from devices import messages, signing
from devices.conformance.clauses import Group, clause, hold
from devices.conformance.keys import key_entry, public_keys, root_entries
from devices.conformance.on_playing import TONE_MS, at_end, long_sound, never
from devices.conformance.stand import Stand
from devices.signing import PrivateKey
from loa import times
from loa.times import DAY, HOUR, MINUTE, SECOND


def taken(s: Stand, kv: int) -> str:
    """Wait until a keys document is journalled and told."""
    held = s.entry("keys", "", kv=kv)
    s.state(lambda one: one.kv == kv, f"a state with kv {kv}")
    return str(held)


def turned_down(s: Stand, token: bytes, *whys: str) -> str:
    """Publish a keys document that must be refused."""
    mark = s.mark()
    s.wire.publish(messages.keys_topic(s.rid), token, qos=1, retain=True)
    held = s.until(lambda: s.find("refused", "", since=mark), f"refused{{{'|'.join(whys)}}}")
    hold(held.why in whys, str(held))
    hold(not s.find("keys", since=mark), "and yet it is obeyed")
    return str(held)


@clause(
    "keys.accepted",
    "Keys",
    "A document with a higher kv, signed by as many roots as needed, is journalled and obeyed.",
)
def accepted(s: Stand) -> str:
    hold(
        s.state(lambda one: one.on == 1, "a state").kv == s.kv,
        "the state does not say the kv of station.json",
    )
    return taken(s, s.rekey(public_keys(s.keys)).kv)


@clause("keys.same", "Keys", "The same kv again changes nothing.")
def same(s: Stand) -> str:
    document = s.keys_document(public_keys(s.keys))
    s.publish_keys(document)
    taken(s, document.kv)
    s.pause(0.5)
    mark = s.mark()
    s.publish_keys(document)
    s.pause(2.0)
    hold(s.mark() == mark, f"journalled {s.evidence.held[-1]}")
    return "nothing"


@clause("keys.old_kv", "Keys", "A lower kv is refused.")
def old_kv(s: Stand) -> str:
    old = s.keys_document(public_keys(s.keys))
    taken(s, s.rekey(public_keys(s.keys)).kv)
    token = signing.sign_jointly(messages.encode(old), "loa-keys", s.keys.roots)
    return turned_down(s, token, "old_kv")


@clause("keys.need", "Keys", "Fewer signatures than needed are refused.")
def need(s: Stand) -> str:
    document = s.keys_document(public_keys(s.keys))
    token = signing.sign_jointly(messages.encode(document), "loa-keys", s.keys.roots[:1])
    return turned_down(s, token, "bad_sig")


@clause("keys.stranger", "Keys", "Signatures of roots it does not know count for nothing.")
def stranger(s: Stand) -> str:
    document = s.keys_document(public_keys(s.keys))
    signers = [s.keys.roots[0], signing.generate("root-9")]
    return turned_down(
        s, signing.sign_jointly(messages.encode(document), "loa-keys", signers), "bad_sig"
    )


@clause("keys.new_roots", "Keys", "New roots must have signed as well as the old.")
def new_roots(s: Stand) -> str:
    fresh = [signing.generate("root-8")]
    document = s.keys_document(public_keys(s.keys), roots=root_entries(fresh), need=1)
    refused = turned_down(
        s, signing.sign_jointly(messages.encode(document), "loa-keys", s.keys.roots), "bad_sig"
    )
    signers = [*s.keys.roots, *fresh]
    both = s.keys_document(public_keys(s.keys), roots=root_entries(fresh), need=1)
    s.publish_keys(both, signers)
    taken(s, both.kv)
    s.keys = type(s.keys)(s.keys.plan, s.keys.alarm, s.keys.idle, tuple(fresh))
    return refused


@clause(
    "keys.rotation",
    "Keys",
    "A plan by a key named later is kept aside, and obeyed when the document comes.",
)
def rotation(s: Stand) -> str:
    newest = signing.generate("plan-2", ("plan",))
    occ = s.occurrence(in_ms=HOUR)
    plan = s.order(occ, key=newest)
    s.entry("refused", "", why="bad_sig", since=0)
    s.rekey([*public_keys(s.keys), key_entry(newest, times.now() - HOUR)])
    s.accepted(plan)
    return f"rev {plan.rev}"


@clause(
    "keys.revoked",
    "Keys",
    "A key left out is revoked: what it ordered stops at once, and starts no more.",
)
def revoked(s: Stand) -> str:
    spoilt = signing.generate("plan-3", ("plan",))
    taken(s, s.rekey([*public_keys(s.keys), key_entry(spoilt, times.now() - HOUR)]).kv)
    sound = long_sound(s, "revoked", 8)
    now, later = s.occurrence(sound), s.occurrence(in_ms=MINUTE)
    s.order(now, later, key=spoilt, sounds=[sound])
    s.entry("started", now.id)
    s.until(lambda: times.now() > now.at + 1_000, "a second")
    s.rekey(public_keys(s.keys))
    held = s.entry("interrupted", now.id)
    hold(held.why == "key", str(held))
    refused = s.entry("refused", later.id)
    hold(refused.why == "key", str(refused))
    return f"{held}; {refused}"


@clause("keys.kept", "Keys", "The document survives a power cut: what it revoked stays revoked.")
def kept(s: Stand) -> str:
    spoilt = signing.generate("plan-4", ("plan",))
    taken(s, s.rekey([*public_keys(s.keys), key_entry(spoilt, times.now() - HOUR)]).kv)
    taken(s, s.rekey(public_keys(s.keys)).kv)
    s.cut_power()
    kv = s.state(lambda one: one.on == 1, "a state").kv
    hold(kv == s.kv, f"kv {kv} after the power cut, {s.kv} before")
    mark = s.mark()
    s.publish_plan(s.sign(s.document(), spoilt))
    held = s.until(lambda: s.find("refused", "", since=mark), "refused{bad_sig}")
    return str(held)


@clause("keys.time", "Keys", "A key is used only from its from until before its until.")
def in_time(s: Stand) -> str:
    old, early = signing.generate("plan-5", ("plan",)), signing.generate("plan-6", ("plan",))
    now = times.now()
    entries = [key_entry(old, now - DAY, now - HOUR), key_entry(early, now + HOUR)]
    taken(s, s.rekey([*public_keys(s.keys), *entries]).kv)
    return "; ".join(_out_of_time(s, key) for key in (old, early))


def _out_of_time(s: Stand, key: PrivateKey) -> str:
    mark = s.mark()
    s.publish_plan(s.sign(s.document(), key))
    held = s.until(lambda: s.find("refused", "", since=mark), "refused{key}")
    hold(held.why == "key", str(held))
    return str(held)


@clause("clock.none", "Clock", "Without a clock nothing scheduled sounds.")
def no_clock(s: Stand) -> str:
    occ = s.occurrence(late=SECOND)
    plan = s.order(occ)
    s.accepted(plan)
    said = s.state(lambda one: one.rev == plan.rev, "a state with its rev")
    hold(said.src == "none", f"src {said.src}")
    never(s, occ.id, seconds=max(0, occ.at - times.now()) / SECOND + 2.5)
    return "nothing"


@clause(
    "clock.nonce",
    "Clock",
    "It asks for the time: 32 hex digits, made anew, every 15 s whatever the heartbeat.",
)
def nonce(s: Stand) -> str:
    first = s.state(lambda one: bool(re.fullmatch("[0-9a-f]{32}", one.nonce)), "a nonce").nonce
    other = s.state(
        lambda one: bool(one.nonce) and one.nonce != first, "another nonce", 15 * 1.2 + 5
    ).nonce
    return f"{first[:8]}…, {other[:8]}…"


@clause("clock.foreign", "Clock", "A plan with another nonce does not set its clock.")
def foreign(s: Stand) -> str:
    s.accepted(s.order(nz="0123456789abcdef" * 2))
    s.pause(1.5)
    hold(s.states[-1].state.src == "none" and not s.find("clock", why="nonce"), "its clock is set")
    return "src none"


@clause("clock.stale", "Clock", "A nonce said more than 4 s ago does not set its clock.")
def stale(s: Stand) -> str:
    said = s.states[-1]
    s.until(lambda: s.states[-1] is not said, "a state", 25)
    # Nobody asks again within the next seconds: what it said last is the last nonce, and old.
    old = s.states[-1].state.nonce
    s.pause(6.0)
    s.accepted(s.order(nz=old))
    s.pause(1.0)
    hold(not s.find("clock", why="nonce"), "its clock was set by a nonce 6 s old")
    return "src none"


@clause(
    "clock.set",
    "Clock",
    "A plan that says its nonce back in time sets its clock: clock{nonce}, src rtc; then it plays.",
)
def is_set(s: Stand) -> str:
    s.tells_time = True
    held = s.entry("clock", "", seconds=30, why="nonce")
    s.tells_time = False
    hold(0 <= held.entry.detail.get("err_ms", -1) <= 2_000, str(held))
    s.state(lambda one: one.src == "rtc", "a state with src rtc")
    occ = s.occurrence()
    s.order(occ)
    at_end(s, occ, TONE_MS)
    end = s.entry("played", occ.id)
    hold(end.entry.src == "rtc", f"played says src {end.entry.src}")
    return str(held)


@clause("clock.missed", "Clock", "What passed before the clock was set: missed{no_clock}.")
def passed(s: Stand) -> str:
    occ = s.occurrence(late=SECOND)
    s.order(occ)
    s.entry("accepted", occ.id)
    never(s, occ.id, seconds=max(0, occ.at - times.now()) / SECOND + 2.0)
    s.tells_time = True
    s.order(occ)
    held = s.entry("missed", occ.id, seconds=30)
    s.tells_time = False
    hold(held.why == "no_clock", str(held))
    return str(held)


KEYS = Group("keys", (accepted, same, old_kv, need, stranger, rotation, new_roots), roots=2)
REVOKING = Group("revoke", (revoked, kept, in_time), roots=1)
CLOCK = (
    Group("ask", (nonce, no_clock, foreign), clock="rtc"),
    Group("stale", (stale,), clock="rtc"),
    Group("time", (is_set,), clock="rtc"),
    Group("time2", (passed,), clock="rtc"),
)
