"""Clauses about which plans are believed."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from devices import messages, signing
from devices.conformance.clauses import Group, clause, hold
from devices.conformance.forging import headed, resigned
from devices.conformance.stand import Stand
from devices.messages import Plan
from loa import times
from loa.times import HOUR, MINUTE

FORGED = ("bad_sig", "shape")
SILENCE = 2.5
"""Seconds in which what must not happen would have."""


def refused(s: Stand, token: bytes, *whys: str) -> str:
    """Send a plan that must be refused; the plan in force stays. The answer is what the journal says."""
    mark = s.mark()
    s.publish_plan(token)
    held = s.until(
        lambda: s.find("refused", "", since=mark) or s.find("accepted", "", since=mark), "refused"
    )
    hold(held.code == "refused", f"it is accepted: {held}")
    hold(held.why in whys, f"refused{{{held.why}}} where {' or '.join(whys)} was due")
    hold(not s.find("accepted", since=mark), "and yet something is accepted")
    hold(s.states[-1].state.rev <= s.rev, f"the state says rev {s.states[-1].state.rev}")
    return f"refused {held.entry.detail}"


def newer(s: Stand, **changes: Any) -> Plan:
    """A plan that would be accepted, were it signed and sent as it should be, with one occurrence."""
    return s.document(s.occurrence(in_ms=HOUR), **changes)


def header(s: Stand, alg: str) -> dict[str, Any]:
    """The header of a plan, but for its alg."""
    return {"alg": alg, "kid": s.keys.plan.public.kid, "typ": "loa-plan"}


@clause(
    "plan.accepted",
    "Plan",
    "A good plan is journalled with rev, n and h, each of its occurrences with rev, and told in the state.",
)
def accepted(s: Stand) -> str:
    occ = s.occurrence(in_ms=HOUR)
    plan = s.order(occ)
    held = s.accepted(plan)
    hold(plan.chk is not None and held.entry.detail.get("n") == plan.chk.n, f"n: {held}")
    hold(plan.chk is not None and held.entry.detail.get("h") == plan.chk.h, f"h: {held}")
    one = s.entry("accepted", occ.id)
    hold(one.entry.detail.get("rev") == plan.rev, f"the occurrence: {one}")
    s.state(lambda state: state.rev == plan.rev, "a state with its rev")
    return str(held)


@clause("plan.same", "Plan", "The same rev again changes nothing, whatever else it says.")
def same(s: Stand) -> str:
    occ = s.occurrence(in_ms=HOUR)
    plan = s.order(occ)
    s.entry("ready", occ.id)
    mark = s.mark()
    s.throw(s.token)
    other = msgspec.structs.replace(plan, occ=(s.occurrence(in_ms=HOUR),))
    s.publish_plan(s.sign(other))
    s.pause(SILENCE)
    fresh = s.evidence.held[mark:]
    hold(not fresh, f"journalled {fresh[0] if fresh else ''}")
    return "nothing"


@clause("plan.unknown", "The receiver protocol", "Fields it does not know are ignored.")
def unknown(s: Stand) -> str:
    plan = newer(s)
    document = json.loads(messages.encode(plan)) | {"later": {"version": [1, 2]}}
    document["set"]["later"] = document["occ"][0]["later"] = "x"
    s.enforce(plan, s.sign(json.dumps(document).encode()))
    return str(s.accepted(plan))


@clause("plan.cleared", "Topics", "An empty payload changes nothing.")
def cleared(s: Stand) -> str:
    occ = s.occurrence(in_ms=HOUR)
    s.accepted(s.order(occ))
    s.publish_plan(b"")
    s.pause(SILENCE)
    hold(s.story(occ.id)[-1] in ("accepted", "ready"), f"{s.story(occ.id)}")
    return "nothing"


@clause("plan.old_rev", "Plan", "A lower rev is refused.")
def old_rev(s: Stand) -> str:
    old = s.sign(newer(s))
    s.accepted(s.order())
    return refused(s, old, "old_rev")


@clause("plan.rid", "Signatures", "A plan for another receiver is refused.")
def other_rid(s: Stand) -> str:
    return refused(s, s.sign(newer(s, rid="conf-other")), "wrong_rid")


@clause("plan.expired", "Plan", "A plan past its exp is refused.")
def expired(s: Stand) -> str:
    return refused(s, s.sign(newer(s, exp=times.now() - MINUTE)), "expired")


@clause("plan.no_role", "Signatures", "A key without the role plan or emergency signs no plan.")
def no_role(s: Stand) -> str:
    return refused(s, s.sign(newer(s), s.keys.idle), "no_role")


@clause("plan.too_big", "Topics", "A plan beyond 32 KiB is refused.")
def too_big(s: Stand) -> str:
    plan = newer(s)
    many = tuple(s.occurrence(in_ms=HOUR + n) for n in range(160))
    token = s.sign(msgspec.structs.replace(plan, occ=many))
    hold(len(token) > messages.MAX_PLAN_BYTES, "the test's own plan is too small")
    return refused(s, token, "too_big")


@clause("plan.shape", "Signatures", "A signed plan that is not of the form is refused as a whole.")
def shape(s: Stand) -> str:
    occ = s.occurrence(in_ms=HOUR)
    return refused(s, s.sign(s.document(occ, occ)), "shape")


@clause(
    "plan.role_E",
    "Plan",
    "Class E under a key without the role emergency is refused, and the rest holds.",
)
def role_emergency(s: Stand) -> str:
    alarm, normal = s.occurrence(in_ms=HOUR, cls="E"), s.occurrence(in_ms=HOUR)
    s.order(alarm, normal)
    held = s.entry("refused", alarm.id, instead="accepted")
    hold(held.why == "no_role", str(held))
    s.entry("accepted", normal.id)
    return str(held)


@clause("plan.kid", "Signatures", "A plan by a key it does not know is refused.")
def kid(s: Stand) -> str:
    return refused(s, s.sign(newer(s), signing.generate("stranger", ("plan",))), "bad_sig")


@clause(
    "plan.signature", "Signatures", "A plan signed by another key under a known name is refused."
)
def signature(s: Stand) -> str:
    return refused(
        s, s.sign(newer(s), signing.generate(s.keys.plan.public.kid, ("plan",))), "bad_sig"
    )


@clause(
    "plan.payload", "Signatures", "A plan whose payload was changed after it was signed is refused."
)
def payload(s: Stand) -> str:
    head, _, tail = s.sign(newer(s)).split(b".")
    changed = messages.encode(newer(s))
    return refused(s, b".".join([head, signing.b64(changed).encode(), tail]), "bad_sig")


@clause("plan.alg_none", "Signatures", "alg none is refused.")
def alg_none(s: Stand) -> str:
    return refused(s, headed(header(s, "none"), messages.encode(newer(s))), *FORGED)


@clause("plan.alg_hs256", "Signatures", "alg HS256 with the public key as its secret is refused.")
def alg_hs256(s: Stand) -> str:
    secret = s.keys.plan.public.x.encode()
    return refused(s, headed(header(s, "HS256"), messages.encode(newer(s)), secret), *FORGED)


@clause("plan.alg_eddsa", "Signatures", "The right key under another alg's name is refused.")
def alg_eddsa(s: Stand) -> str:
    token = resigned(s.keys.plan, header(s, "EdDSA"), messages.encode(newer(s)))
    return refused(s, token, *FORGED)


@clause("plan.typ", "Signatures", "A token of another typ is refused.")
def typ(s: Stand) -> str:
    return refused(s, s.sign(newer(s), kind="loa-events"), *FORGED)


@clause("keys.none", "Keys", "Without roots in station.json every keys document is refused.")
def without_roots(s: Stand) -> str:
    mark = s.mark()
    s.publish_keys(s.keys_document(()), [signing.generate("root-1")])
    held = s.until(lambda: s.find("refused", "", since=mark), "refused{no_root}")
    hold(held.why == "no_root", str(held))
    return str(held)


PLANS = Group(
    "plan",
    (accepted, same, unknown, cleared, role_emergency, old_rev, other_rid, expired, no_role, too_big, shape),
)  # fmt: skip
FORGERIES = Group(
    "forged", (kid, signature, payload, alg_none, alg_hs256, alg_eddsa, typ, without_roots)
)
