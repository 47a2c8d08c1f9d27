"""The vectors in docs/vectors: the same at every run, and what they expect is what our own code says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from devices import messages, signing, vectors
from devices.conformance.evidence import Evidence
from devices.receiver import plans, quiet, tone
from devices.receiver.identity import Identity, Mqtt
from devices.receiver.plans import Refused
from devices.receiver.ring import Ring
from devices.receiver.store import Saved
from devices.signing import PrivateKey, PublicKey
from loa.times import Instant

FOLDER = Path(__file__).parent.parent.parent / "docs" / "vectors"


def read(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def test_the_published_vectors_are_those_of_the_code() -> None:
    """Out of date? Run ``python -m devices.vectors docs/vectors``."""
    assert {
        path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()
    } == vectors.documents()


def ring() -> dict[str, PublicKey]:
    rows = [
        row for row in read("keys.json")["keys"] if row["kid"] in ("plan-1", "alarm-1", "idle-1")
    ]
    return {row["kid"]: PublicKey(row["kid"], row["x"], tuple(row["roles"])) for row in rows}


@pytest.mark.parametrize("row", read("keys.json")["keys"], ids=lambda row: row["kid"])
def test_seeds_give_these_keys(row: dict[str, Any]) -> None:
    assert PrivateKey(row["kid"], bytes.fromhex(row["seed"])).public.x == row["x"]


@pytest.mark.parametrize("row", read("plans.json")["plans"], ids=lambda row: row["name"])
def test_plans_are_judged_as_they_say(row: dict[str, Any]) -> None:
    context = read("plans.json")
    assert verdict(row["token"].encode(), context) in row["expect"]


def verdict(token: bytes, context: dict[str, Any]) -> str:
    try:
        accepted = plans.verify(token, context["rid"], ring(), context["last_rev"])
        if accepted is None:
            return "nothing"
        accepted.check_time(Instant(context["now"]))
    except Refused as refused:
        return refused.why
    return "accepted"


@pytest.mark.parametrize(
    "row", read("keys-documents.json")["documents"], ids=lambda row: row["name"]
)
def test_keys_documents_are_judged_as_they_say(row: dict[str, Any], tmp_path: Path) -> None:
    context = read("keys-documents.json")
    roots = tuple(
        PublicKey(one["kid"], one["x"])
        for one in read("keys.json")["keys"]
        if one["kid"].startswith("root")
    )
    identity = Identity(
        rid=vectors.RID, folder=tmp_path, key=vectors.RECEIVER, keys=ring(), mqtt=Mqtt("127.0.0.1", 1883),
        roots=roots, need=context["need"], kv=context["kv"],
    )  # fmt: skip
    assert judged(Ring(identity, Saved({}, {}, None)), row["token"].encode()) in row["expect"]


def judged(known: Ring, token: bytes) -> str:
    try:
        return "accepted" if known.judge(token) else "nothing"
    except Refused as refused:
        return refused.why


def test_the_journal_chains_to_its_hashes() -> None:
    given = read("journal.json")
    head = messages.first_hash(given["jid"])
    assert head.hex() == given["h0"]
    for row in given["entries"]:
        head = messages.next_hash(head, row["entry"].encode())
        assert head.hex() == row["hash"]


def test_the_batch_is_what_a_station_takes() -> None:
    given = read("journal.json")
    key = vectors.RECEIVER.public
    payload, _ = signing.verify(given["token"].encode(), "loa-events", {key.kid: key})
    assert payload.decode() == given["payload"]
    evidence = Evidence(key)
    evidence.take(given["token"].encode())
    assert evidence.faults == {}
    assert [one.raw.decode() for one in evidence.held] == [row["entry"] for row in given["entries"]]


def test_the_sound_has_these_blocks() -> None:
    given = read("sounds.json")
    data = bytes((7 * i + i // 251) % 251 for i in range(given["sound"]["n"]))
    assert hashlib.sha256(data).hexdigest() == given["sound"]["sha256"]
    for number, row in enumerate(given["sound"]["blocks"]):
        block = data[number * 65_536 : (number + 1) * 65_536]
        assert (len(block), hashlib.sha256(block).hexdigest()) == (row["n"], row["sha256"])
    assert given["tone"]["sha256"] == hashlib.sha256(tone.data()).hexdigest()


@pytest.mark.parametrize("case", read("quiet-hours.json")["cases"], ids=lambda case: case["name"])
def test_quiet_hours_are_touched_as_they_say(case: dict[str, Any]) -> None:
    hours = [tuple(pair) for pair in case["quiet"]]
    touched = quiet.touches(Instant(case["at"]), case["ms"], hours, ZoneInfo(case["tz"]))
    assert touched is case["touches"]
