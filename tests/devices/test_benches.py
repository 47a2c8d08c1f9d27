"""The lean fleet speaks true MQTT and true journals: the station's own code reads them."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature

from devices import messages, signing
from devices.benches import frames
from devices.benches.pole import Pole, Station, public_key, seed
from devices.messages import Audio, Evack, Occurrence, Plan, Settings, State
from scheduler import receipts

SHA = "a" * 64


@pytest.fixture
def key():
    return signing.generate("plan-1", ("plan",))


@pytest.fixture
def pole() -> Pole:
    return Pole("b-00001", seed("run", 1))


def plan(rev: int = 5, rid: str = "b-00001") -> bytes:
    occurrence = Occurrence(id="o.1", at=10, late=5, end=20, sha=SHA)
    return messages.encode(
        Plan(
            v=1, rid=rid, rev=rev, iat=1, exp=100, hz=90, set=Settings(hb=7), aud={SHA: Audio(n=3, ms=1)},
            occ=(occurrence,),
        )
    )  # fmt: skip


def test_it_obeys_a_signed_plan_and_journals_it(pole, key) -> None:
    station = Station({key.public.kid: key.public.x})
    assert pole.obey(key.sign(plan(), "loa-plan"), station)
    assert (pole.rev, pole.heartbeat) == (5, 7)
    batch = receipts.verify("b-00001", pole.batch(), public_key(pole.seed))
    assert [(entry.seq, entry.occ, entry.code) for entry in batch.entries] == [
        (1, "o.1", "accepted"),
        (2, "", "accepted"),
    ]
    assert not pole.obey(key.sign(plan(), "loa-plan"), station)  # the same again
    assert not pole.obey(key.sign(plan(9, "b-00002"), "loa-plan"), station)


def test_a_forged_plan_is_none(pole, key) -> None:
    other = signing.generate("plan-1", ("plan",))
    with pytest.raises(InvalidSignature):
        pole.obey(other.sign(plan(), "loa-plan"), Station({key.public.kid: key.public.x}))
    assert pole.n == 0


def test_its_chain_goes_on_over_what_was_acknowledged(pole) -> None:
    for number in range(30):
        pole.note("", "clock", {"step_ms": number})
    first = receipts.verify("b-00001", pole.batch(), public_key(pole.seed))
    assert len(first.entries) == 20
    assert pole.acknowledge(messages.encode(Evack(jid=pole.jid, upto=20))) == 20
    second = receipts.verify("b-00001", pole.batch(), public_key(pole.seed))
    assert (second.events.from_, len(second.entries)) == (21, 10)
    head = bytes.fromhex(first.events.head)
    for raw in second.events.e:
        head = messages.next_hash(head, bytes(raw))
    assert second.events.head == head.hex()
    state = messages.decode(pole.state(), State)
    assert (state.n, state.acked, state.head) == (30, 20, head.hex())


def test_an_evack_of_another_journal_is_nothing_to_it(pole) -> None:
    pole.note("", "clock", {})
    assert pole.acknowledge(messages.encode(Evack(jid="other", upto=1))) == 0


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 70_000])
def test_a_frame_is_read_as_it_was_written_however_it_is_cut(size: int) -> None:
    raw = frames.publish("loa/1/x/up/get", bytes(size), qos=1, number=513) + frames.PINGREQ
    buffer, found = bytearray(), []
    for start in range(0, len(raw), 1000):
        buffer += raw[start : start + 1000]
        found += list(frames.taken(buffer))
    (first, body), ping = found
    assert frames.message(first, body) == ("loa/1/x/up/get", bytes(size), 513)
    assert ping == (0xC0, b"")
    assert not buffer


def test_a_length_that_never_ends_is_refused() -> None:
    with pytest.raises(ValueError, match="four bytes"):
        list(frames.taken(bytearray(b"\x30\xff\xff\xff\xff\xff")))
