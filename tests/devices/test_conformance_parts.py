"""What `loa conformance` judges with: the packets it reads, the journals it verifies, the requests it counts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import struct
import threading
from dataclasses import replace
from pathlib import Path

import miniaudio
import pytest

from devices import messages, vectors
from devices.conformance import running
from devices.conformance.clauses import Broken, Clause, Result, Verdict
from devices.conformance.evidence import Evidence
from devices.conformance.hall import keyring
from devices.conformance.packets import Connect, Disconnect, Packet, Publish, Reader, Subscribe
from devices.conformance.program import ByHand
from devices.conformance.running import Report
from devices.conformance.serving import Blocks
from devices.conformance.sounds import silence
from devices.conformance.stand import Stand
from devices.signing import PrivateKey

JID = "0123456789abcdef"
KEY = vectors.RECEIVER


def text(value: str) -> bytes:
    return struct.pack(">H", len(value.encode())) + value.encode()


def packet(kind: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([kind, len(body)]) + body


CONNECT = packet(
    0x10,
    text("MQTT") + bytes([4, 0b1110_1110, 0, 60]) + text("r-0421") + text("loa/1/r-0421/up/state") + text("{}")
    + text("r-0421") + text("secret"),
)  # fmt: skip
SUBSCRIBE = packet(0x82, b"\0\1" + text("loa/1/r-0421/dn/#") + b"\1")
PUBLISH = packet(0x33, text("loa/1/r-0421/up/get") + b"\0\2" + b"hello")
EXPECTED: list[Packet] = [
    Connect(
        level=4, clean=True, keepalive=60, client_id="r-0421", username="r-0421",
        will_topic="loa/1/r-0421/up/state", will=b"{}", will_qos=1, will_retain=True,
    ),
    Subscribe(("loa/1/r-0421/dn/#",)),
    Publish("loa/1/r-0421/up/get", b"hello", 1, True),
    Disconnect(),
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_packets_are_read_in_whatever_pieces_they_come(size: int) -> None:
    stream = CONNECT + SUBSCRIBE + b"\xc0\0" + PUBLISH + b"\xe0\0"
    reader = Reader()
    seen = [
        one for at in range(0, len(stream), size) for one in reader.feed(stream[at : at + size])
    ]
    assert seen == EXPECTED


def test_packets_of_mqtt_5_are_read_past_their_properties() -> None:
    connect = packet(
        0x10, text("MQTT") + bytes([5, 0b0000_0010, 0, 30, 3]) + b"\x21\0\1" + text("r-0421")
    )
    publish = packet(0x30, text("a") + b"\0" + b"x")
    [first, second] = Reader().feed(connect + publish)
    assert isinstance(first, Connect)
    assert (first.level, first.client_id, first.will_topic) == (5, "r-0421", "")
    assert second == Publish("a", b"x", 0, False)


@pytest.mark.parametrize(
    "garbage",
    [b"\x10\xff\xff\xff\xff\xff", packet(0x10, b"\0\x09MQ"), packet(0x30, b"\0\2\xff\xfe")],
)
def test_what_is_no_mqtt_is_said_to_be_none(garbage: bytes) -> None:
    with pytest.raises(ValueError, match="not MQTT"):
        list(Reader().feed(garbage))


# -- journals ---------------------------------------------------------------------------------------


def entries(first: int, last: int) -> list[bytes]:
    return [f'[{n},"","boot",1,"ntp",1,{n},{{}}]'.encode() for n in range(first, last + 1)]


def batch(
    raws: list[bytes],
    first: int = 1,
    *,
    before: list[bytes] | None = None,
    key: PrivateKey = KEY,
    **changes: object,
) -> bytes:
    head = messages.first_hash(JID)
    for raw in [*(entries(1, first - 1) if before is None else before), *raws]:
        head = messages.next_hash(head, raw)
    fields = {"v": 1, "rid": vectors.RID, "jid": JID, "from": first, "head": head.hex(), "now": 1, "mono": 1,
              "boot": 1, "src": "ntp"} | changes  # fmt: skip
    payload = json.dumps(fields).encode()[:-1] + b',"e":[' + b",".join(raws) + b"]}"
    return key.sign(payload, "loa-events")


def taken(*tokens: bytes) -> Evidence:
    evidence = Evidence(KEY.public)
    for token in tokens:
        evidence.take(token)
    return evidence


def test_a_good_journal_has_no_faults() -> None:
    evidence = taken(batch(entries(1, 3)), batch(entries(2, 6), 2), batch(entries(7, 7), 7))
    assert evidence.faults == {}
    assert evidence.upto == 7


def test_a_journal_that_begins_later_is_asked_for_and_no_fault() -> None:
    evidence = taken(batch(entries(5, 6), 5))
    assert evidence.faults == {}
    assert evidence.upto == 0


@pytest.mark.parametrize(
    ("clause", "token"),
    [
        ("journal.signed", batch(entries(3, 3), 3, key=vectors.STRANGER)),
        ("journal.signed", batch(entries(3, 3), 3, key=PrivateKey(vectors.RID, vectors.STRANGER.seed))),
        ("journal.batch", batch(entries(3, 23), 3)),
        ("journal.batch", batch(entries(3, 3), 3, rid="r-0422")),
        ("journal.jid", batch(entries(3, 3), 3, jid="another")),
        ("journal.seq", batch(entries(4, 4), 4)),
        ("journal.seq", batch(entries(4, 4), 3)),
        ("journal.chain", batch(entries(3, 3), 3, before=[b"x"])),
        ("journal.bytes", batch([b'[2, "","boot",1,"ntp",1,2,{}]'], 2)),
        ("journal.form", batch([b'[3,"","danced",1,"ntp",1,3,{}]'], 3)),
        ("journal.form", batch([b'[3,"","boot","now","ntp",1,3,{}]'], 3)),
        ("journal.form", batch([b'[3,"","boot",1,"ntp",1,3,{"x":"' + b"x" * 2_100 + b'"}]'], 3)),
    ],
)  # fmt: skip
def test_each_fault_of_a_journal_is_that_clauses(clause: str, token: bytes) -> None:
    evidence = taken(batch(entries(1, 2)), token)
    assert clause in evidence.faults
    assert evidence.held[0].raw == entries(1, 1)[0]
    assert evidence.upto <= 3


# -- sounds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kbits", [32, 64, 160])
def test_silence_lasts_as_long_as_it_says(kbits: int) -> None:
    sound = silence(1_000, "x", kbits)
    decoded = miniaudio.decode(sound.data, nchannels=1, sample_rate=24_000)
    assert len(decoded.samples) * 1_000 // 24_000 == sound.ms == 1_008
    assert not any(decoded.samples)
    assert sound.sha != silence(1_000, "y", kbits).sha


def get(*want: int, sha: str) -> bytes:
    return messages.encode(messages.Get(sha=sha, want=want))


def test_blocks_are_handed_out_and_wrong_requests_named() -> None:
    sent: list[tuple[str, bytes]] = []
    faults: dict[str, str] = {}
    sound = replace(silence(1_000, "x"), data=bytes(70_000))
    blocks = Blocks(lambda topic, data: sent.append((topic, data)))
    blocks.offer(sound)

    blocks.asked(get(0, 1, sha=sound.sha), faults.setdefault)
    assert [(topic, len(data)) for topic, data in sent] == [
        (messages.block_topic(sound.sha, 0), 65_536),
        (messages.block_topic(sound.sha, 1), 4_464),
    ]
    assert faults == {}
    for payload in (
        get(2, sha=sound.sha),
        get(0, sha=hashlib.sha256(b"").hexdigest()),
        b"{",
        b" " * 600,
    ):
        faults.clear()
        blocks.asked(payload, faults.setdefault)
        assert set(faults) == {"audio.ask"}
    assert len(sent) == 2


def test_requests_denser_than_allowed_are_named() -> None:
    faults: dict[str, str] = {}
    sound = silence(1_000, "x")
    blocks = Blocks(lambda topic, data: None)
    blocks.offer(sound)
    for _ in range(20):
        blocks.asked(get(0, sha=sound.sha), faults.setdefault)
    assert faults == {}
    for _ in range(40):
        blocks.asked(get(0, sha=sound.sha), faults.setdefault)
    assert set(faults) == {"limits.gets"}


# -- the report -------------------------------------------------------------------------------------


def result(verdict: Verdict, *, must: bool = True) -> Result:
    return Result(Clause("a.b", "Plan", "It does.", must, lambda stand: ""), verdict, "seen")


@pytest.mark.parametrize(
    ("results", "holds"),
    [
        ([result("passed"), result("not tested")], True),
        ([result("passed"), result("failed", must=False)], True),
        ([result("passed"), result("failed")], False),
        ([result("not tested")], False),
        ([], False),
    ],
)
def test_a_receiver_conforms_when_every_must_that_was_tested_holds(
    results: list[Result], holds: bool
) -> None:
    report = Report("x", "mosquitto", 1.0, tuple(results))
    assert report.holds is holds
    assert json.loads(report.as_json())["holds"] is holds


def test_a_fault_seen_anywhere_breaks_the_clause() -> None:
    class Stand:
        rid = "conf-x"
        evidence = Evidence(KEY.public, faults={"a.b": "broken"})

    [one] = running.with_faults([result("passed")], [Stand()])  # type: ignore[list-item]
    assert (one.verdict, one.seen) == ("failed", "conf-x: broken")


class ToldTime(threading.Condition):
    """Goes on by what is waited, and at once."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return False


@pytest.mark.parametrize(("patience", "comes"), [(1.0, False), (5.0, True)])
def test_a_busy_machine_is_given_more_time(
    patience: float, comes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = ToldTime()
    monkeypatch.setattr("devices.conformance.stand.time", time)
    stand = Stand(
        rid="conf-x", folder=tmp_path, program=ByHand(None), evidence=Evidence(KEY.public),
        keys=keyring(), wire=None, blocks=Blocks(lambda topic, data: None), patience=patience,
    )  # fmt: skip
    stand.changed = time
    with contextlib.nullcontext() if comes else pytest.raises(Broken, match="within 12 s"):
        stand.until(lambda: time.now > 20, "what comes after twenty seconds")
