"""Test vectors for makers of other receivers, the same at every run: ``python -m devices.vectors docs/vectors``."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from devices import messages, signing
from devices.conformance.forging import headed, resigned
from devices.messages import Audio, Checkpoint, Key, Keys, Occurrence, Plan, Root, Settings
from devices.receiver import tone
from devices.signing import KeyRole, PrivateKey, b64
from loa.times import DAY, HOUR, MINUTE

RID = "r-0421"
NOW = 1_795_290_000_000
"""2026-11-21T19:40:00Z."""
LAST_REV = NOW - HOUR
KV = NOW - DAY
SOUND_BYTES = 150_000
Vectors = dict[str, Any]


def key(kid: str, *roles: KeyRole) -> PrivateKey:
    """A key whose seed is the sha256 of its name: for vectors, and for nothing else."""
    return PrivateKey(kid, hashlib.sha256(f"loa vector {kid}".encode()).digest(), roles)


PLAN, ALARM, IDLE = key("plan-1", "plan"), key("alarm-1", "plan", "emergency"), key("idle-1")
ROOTS = (key("root-1"), key("root-2"))
STRANGER, RECEIVER = key("stranger"), key(RID)


def keys() -> Vectors:
    """Seeds and what comes of them."""
    named = {
        "plan-1": PLAN,
        "alarm-1": ALARM,
        "idle-1": IDLE,
        "root-1": ROOTS[0],
        "root-2": ROOTS[1],
    }
    rows = [_key(one) for one in (*named.values(), STRANGER, RECEIVER)]
    return {
        "about": "Ed25519 keys (RFC 8032): seed, and public key x in base64url. r-0421 is the receiver's own.",
        "keys": rows,
    }


def _key(one: PrivateKey) -> Vectors:
    public = one.public
    return {"kid": public.kid, "seed": one.seed.hex(), "x": public.x, "roles": list(public.roles)}


def sound() -> bytes:
    """Byte i is (7 i + ⌊i / 251⌋) mod 251: three blocks, the last one short."""
    return bytes((7 * i + i // 251) % 251 for i in range(SOUND_BYTES))


def sounds() -> Vectors:
    """A sound's hash and blocks, and the tone's."""
    data = sound()
    parts = [
        data[at : at + messages.BLOCK_BYTES] for at in range(0, len(data), messages.BLOCK_BYTES)
    ]
    sha = hashlib.sha256(data).hexdigest()
    return {
        "about": "Byte i of the sound is (7 i + floor(i / 251)) mod 251. The tone is described in protocol.md.",
        "sound": {
            "n": len(data),
            "sha256": sha,
            "blocks": [
                {"topic": messages.block_topic(sha, i), "n": len(one), "sha256": hashlib.sha256(one).hexdigest()}
                for i, one in enumerate(parts)
            ],
        },
        "tone": {"n": len(tone.data()), "sha256": tone.SHA, "ms": tone.MS, "ct": tone.CT,
                 "first_bytes": tone.data()[:64].hex()},
    }  # fmt: skip


def plan(**changes: Any) -> Plan:
    """A plan that is accepted, with changes."""
    occurrence = Occurrence(
        id="b123.20261122T0500",
        at=NOW + HOUR,
        late=MINUTE,
        end=NOW + HOUR + 6 * MINUTE,
        sha=tone.SHA,
        apv=("minh",),
    )
    good = Plan(
        v=1, rid=RID, rev=NOW, iat=NOW, exp=NOW + 3 * DAY, hz=NOW + 2 * DAY,
        set=Settings(vol=70, hb=60, quiet=(("22:00", "05:00"),), tz="UTC"),
        aud={tone.SHA: Audio(n=len(tone.data()), ms=tone.MS, ct=tone.CT)},
        occ=(occurrence,), chk=Checkpoint(n=88_213, h="ab" * 32),
    )  # fmt: skip
    return msgspec.structs.replace(good, **changes)


def _token(document: Plan | bytes, signer: PrivateKey = PLAN, typ: str = "loa-plan") -> str:
    raw = document if isinstance(document, bytes) else messages.encode(document)
    return signer.sign(raw, typ).decode()


def plans() -> Vectors:
    """Tokens good and bad, each with what a receiver says."""
    return {
        "about": "A receiver r-0421 that obeys the keys plan-1, alarm-1 and idle-1 of keys.json, whose last rev is"
        " last_rev and whose clock says now. expect: accepted, nothing, or the why of refused.",
        "rid": RID, "now": NOW, "last_rev": LAST_REV,
        "plans": [_row(*one) for one in (*_good(), *_forged(), *_untimely(), *_misshapen())],
    }  # fmt: skip


def _row(name: str, token: str, *expect: str) -> Vectors:
    return {"name": name, "expect": list(expect), "token": token}


def _good() -> list[tuple[str, ...]]:
    alarm = msgspec.structs.replace(plan().occ[0], cls="E", id="e7.20261121T1941")
    later = json.dumps(json.loads(messages.encode(plan())) | {"later": [1, {"x": None}]})
    return [
        ("a good plan", _token(plan()), "accepted"),
        ("an emergency by the emergency key", _token(plan(occ=(alarm,)), ALARM), "accepted"),
        ("unknown fields", _token(later.encode()), "accepted"),
        ("nothing to play", _token(plan(occ=(), aud={})), "accepted"),
    ]


def _forged() -> list[tuple[str, ...]]:
    raw = messages.encode(plan())
    header = {"alg": "EdDSA", "kid": "plan-1", "typ": "loa-plan"}
    head, _, tail = _token(plan()).split(".")
    changed = b64(messages.encode(plan(set=Settings(vol=100))))
    impostor = PrivateKey("plan-1", STRANGER.seed)
    hmac = headed({**header, "alg": "HS256"}, raw, PLAN.public.x.encode()).decode()
    return [
        ("an unknown kid", _token(plan(), STRANGER), "bad_sig"),
        ("another key under a known kid", _token(plan(), impostor), "bad_sig"),
        ("a changed payload", f"{head}.{changed}.{tail}", "bad_sig"),
        ("no signature", f"{head}.{_token(plan()).split('.')[1]}.", "bad_sig", "shape"),
        ("alg none", headed({**header, "alg": "none"}, raw).decode(), "bad_sig", "shape"),
        ("alg HS256, keyed with x", hmac, "bad_sig", "shape"),
        ("alg EdDSA, rightly signed", resigned(PLAN, header, raw).decode(), "bad_sig", "shape"),
        ("another typ", _token(plan(), typ="loa-events"), "shape"),
        ("a key without a role", _token(plan(), IDLE), "no_role"),
    ]  # fmt: skip


def _untimely() -> list[tuple[str, ...]]:
    return [
        ("another receiver's", _token(plan(rid="r-0422")), "wrong_rid"),
        ("a lower rev", _token(plan(rev=LAST_REV - 1)), "old_rev"),
        ("the same rev", _token(plan(rev=LAST_REV)), "nothing"),
        ("past its exp", _token(plan(exp=NOW)), "expired"),
    ]


def _misshapen() -> list[tuple[str, ...]]:
    raw, twice = messages.encode(plan()), plan().occ * 2
    many = tuple(msgspec.structs.replace(plan().occ[0], id=f"b{n}") for n in range(200))
    return [
        ("no token", "hello", "shape"),
        ("no JSON", _token(b"{"), "shape"),
        ("an array", _token(b"[]"), "shape"),
        ("NaN", _token(raw.replace(b'"v":1', b'"v":NaN')), "shape"),
        ("a version of tomorrow", _token(raw.replace(b'"v":1', b'"v":2')), "shape"),
        ("rev as text", _token(raw.replace(b'"rev":', b'"rev":"1","x":')), "shape"),
        ("an id twice", _token(plan(occ=twice)), "shape"),
        ("an unknown zone", _token(plan(set=Settings(tz="Nowhere/Land"))), "shape"),
        ("an hour that is none", _token(raw.replace(b"22:00", b"25:00")), "shape"),
        ("nested 2,000 deep", _token(raw[:-1] + b',"x":' + b"[" * 2_000 + b"]" * 2_000 + b"}"), "shape", "accepted"),
        ("beyond 32 KiB", _token(plan(occ=many)), "too_big"),
    ]  # fmt: skip


def keys_documents() -> Vectors:
    """Keys documents good and bad."""
    both = ROOTS
    fresh = (key("root-3"),)
    renewed = document(roots=(_root(fresh[0]),), need=1)
    impostor = PrivateKey("root-2", STRANGER.seed)
    two = document(keys=(_entry(PLAN), _entry(PLAN)))
    rows = [
        ("signed by both roots", _joint(document(), both), "accepted"),
        ("one signature of two", _joint(document(), both[:1]), "bad_sig"),
        ("the second by a root it does not know", _joint(document(), (both[0], STRANGER)), "bad_sig"),
        ("a wrong signature under a known name", _joint(document(), (both[0], impostor)), "bad_sig"),
        ("new roots, signed by old and new", _joint(renewed, (*both, *fresh)), "accepted"),
        ("new roots, signed by the old alone", _joint(renewed, both), "bad_sig"),
        ("a lower kv", _joint(document(kv=KV - 1), both), "old_kv"),
        ("the same kv", _joint(document(kv=KV), both), "nothing"),
        ("a kid twice", _joint(two, both), "shape"),
        ("need beyond the roots", _joint(document(roots=(_root(fresh[0]),), need=2), (*both, *fresh)), "shape"),
    ]  # fmt: skip
    return {
        "about": "A receiver whose station.json names root-1 and root-2 of keys.json, need 2 and this kv."
        " root-3 is the sha256 of “loa vector root-3”, as every seed here is of its name.",
        "kv": KV,
        "need": 2,
        "documents": [_row(*one) for one in rows],
    }


def document(**changes: Any) -> Keys:
    """A keys document that is accepted, with changes."""
    good = Keys(v=1, kv=NOW, iat=NOW, keys=(_entry(PLAN), _entry(ALARM)))
    return msgspec.structs.replace(good, **changes)


def _entry(one: PrivateKey) -> Key:
    public = one.public
    return Key(public.kid, public.x, public.roles, NOW - DAY, NOW + 365 * DAY)


def _root(one: PrivateKey) -> Root:
    return Root(one.public.kid, one.public.x)


def _joint(keys: Keys, signers: tuple[PrivateKey, ...]) -> str:
    return signing.sign_jointly(messages.encode(keys), "loa-keys", signers).decode()


ENTRIES = (
    '[1,"","boot",1795290000000,"ntp",1,12,{"why":"new","fw":"example-1"}]',
    '[2,"","accepted",1795290001000,"ntp",1,1012,{"rev":1795290000000,"n":88213,"h":"' + "ab" * 32 + '"}]',
    '[3,"b123.20261122T0500","accepted",1795290001000,"ntp",1,1012,{"rev":1795290000000}]',
    '[4,"b123.20261122T0500","ready",1795290001020,"ntp",1,1032,{}]',
    '[5, "b123.20261122T0500", "started", 1795293600000, "ntp", 1, 3600012, {"late_ms": 0, "vol": 70, '
    '"sha": "4a7603764d1b03f1", "note": "spaces are part of the bytes"}]',
)  # fmt: skip


def journal() -> Vectors:
    """Entries, the chain over them, and a batch."""
    jid = "0123456789abcdef0123456789abcdef"
    head = messages.first_hash(jid)
    rows = []
    for text in ENTRIES:
        head = messages.next_hash(head, text.encode())
        rows.append({"entry": text, "hash": head.hex()})
    batch = json.dumps(
        {"v": 1, "rid": RID, "jid": jid, "from": 1, "head": head.hex(), "now": NOW + HOUR, "mono": 3_600_020,
         "boot": 1, "src": "ntp"}, separators=(",", ":"),
    )[:-1] + f',"e":[{",".join(ENTRIES)}]}}'  # fmt: skip
    return {
        "about": "Each hash is sha256(the hash before as 32 bytes, then the entry's bytes). The batch is signed by"
        " r-0421 of keys.json.",
        "jid": jid,
        "h0": messages.first_hash(jid).hex(),
        "entries": rows,
        "payload": batch,
        "token": RECEIVER.sign(batch.encode(), "loa-events").decode(),
    }


def quiet_hours() -> Vectors:
    """When a sound touches the quiet hours."""
    # 2026-11-21 in Hà Nội (UTC+7, no summer time); New York leaves summer time on 2026-11-01 at 06:00Z.
    night, noon, change = 1_795_273_200_000, 1_795_237_200_000, 1_793_512_800_000
    rows: list[tuple[str, int, int, list[list[str]], str, bool]] = [
        ("22:00 exactly", night, 1, [["22:00", "05:00"]], "Asia/Ho_Chi_Minh", True),
        (
            "ends as they begin",
            night - 60_000,
            60_000,
            [["22:00", "05:00"]],
            "Asia/Ho_Chi_Minh",
            False,
        ),
        (
            "ends a millisecond into them",
            night - 59_999,
            60_000,
            [["22:00", "05:00"]],
            "Asia/Ho_Chi_Minh",
            True,
        ),
        ("05:00 exactly", night + 7 * HOUR, 1, [["22:00", "05:00"]], "Asia/Ho_Chi_Minh", False),
        (
            "a moment before 05:00",
            night + 7 * HOUR - 1,
            1,
            [["22:00", "05:00"]],
            "Asia/Ho_Chi_Minh",
            True,
        ),
        ("after midnight", night + 4 * HOUR, 1, [["22:00", "05:00"]], "Asia/Ho_Chi_Minh", True),
        ("noon", noon, 1_000, [["22:00", "05:00"]], "Asia/Ho_Chi_Minh", False),
        (
            "the second range",
            noon,
            1_000,
            [["22:00", "05:00"], ["11:30", "13:30"]],
            "Asia/Ho_Chi_Minh",
            True,
        ),
        ("both the same: the whole day", noon, 1, [["08:00", "08:00"]], "Asia/Ho_Chi_Minh", True),
        ("none", night, 1, [], "Asia/Ho_Chi_Minh", False),
        (
            "01:30 before the clocks go back",
            change - HOUR // 2,
            1,
            [["01:00", "02:00"]],
            "America/New_York",
            True,
        ),
        (
            "01:30 after the clocks went back",
            change + HOUR // 2,
            1,
            [["01:00", "02:00"]],
            "America/New_York",
            True,
        ),
    ]
    names = ("name", "at", "ms", "quiet", "tz", "touches")
    return {
        "about": "Whether a sound of ms milliseconds from at on touches the quiet hours.",
        "cases": [dict(zip(names, row, strict=True)) for row in rows],
    }


FILES = {
    "keys.json": keys,
    "sounds.json": sounds,
    "plans.json": plans,
    "keys-documents.json": keys_documents,
    "journal.json": journal,
    "quiet-hours.json": quiet_hours,
}


def documents() -> dict[str, str]:
    """File name → text."""
    return {
        name: json.dumps(make(), indent=1, ensure_ascii=False) + "\n"
        for name, make in FILES.items()
    }


def main(folder: Path) -> None:
    """Write them all into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
