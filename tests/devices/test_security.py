"""The security table, row by row, against a real mosquitto with the configuration Loa writes.

Three layers, and each is tried as if the others had fallen: the broker (accounts, access list, limits), the
receiver's own checks (a thief has the *station's* login), the station's own checks (a thief has a receiver).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices import accounts, broker, messages, signing
from devices.accounts import STATION, Account
from devices.link import Connected, Disconnected, Link, Message, Published
from loa.config import Config
from loa.times import HOUR, MINUTE, SECOND
from scheduler import receipts
from tests.devices.receiver_rig import RID, T0, Bench, key, sha, tone
from tests.devices.test_broker import HOST, SECONDS, Serving, get, said
from tests.parts import need, wait_until

THIEF = "r-0422"
HASHES = {name: broker.hash_password(f"secret of {name}") for name in (STATION, RID, THIEF)}
PLAN = messages.plan_topic(RID)
END = b"and nothing more"
NOT_ALLOWED = "Not authorized"
AT = T0 + 10 * MINUTE
Connect = Callable[..., Link]


class Commune(Serving):
    """A station, a receiver, and another receiver whose login was stolen."""

    def allow(self, *names: str) -> bool:
        return broker.write_accounts(self.folder, [Account(*pair) for pair in HASHES.items()])


@pytest.fixture(scope="module")
def commune(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commune]:
    need("mosquitto")
    running = Commune(tmp_path_factory.mktemp("broker"), "mosquitto")
    yield running
    running.stop()


@pytest.fixture
def connect(commune: Commune) -> Iterator[Connect]:
    """A connected link of MQTT 5, where the broker says what it refuses; stopped after the test."""
    links = []

    def start(name: str, *filters: str, wait: bool = True, **changes: Any) -> Link:
        wanted = tuple((topic, 1) for topic in filters)
        link = Link(commune.settings(name, subscriptions=wanted, **{"version": "5"} | changes))
        links.append(link)
        link.start()
        if wait:
            get(link, Connected)
        return link

    yield start
    for link in links:
        link.stop()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path).boot()


class Raw:
    """MQTT by hand, for what a well-behaved library would not send."""

    def __init__(
        self, port: int, name: str, version: int = 4, keepalive: int = 60, will: bytes = b""
    ) -> None:
        self.sock = socket.create_connection((HOST, port), SECONDS)
        flags = 0b1100_0010 | (0b0000_0100 if will else 0)
        head = text(b"MQTT") + bytes([version, flags]) + struct.pack(">H", keepalive)
        more = b"\0" if version == 5 else b""
        login = text(name.encode()) + text(f"secret of {name}".encode())
        body = head + more + text(name.encode()) + will + login
        self.sock.sendall(b"\x10" + length(len(body)) + body)
        self.answer = self.sock.recv(256)

    def subscribe(self, topic: str) -> None:
        body = b"\0\1" + text(topic.encode()) + b"\0"
        self.sock.sendall(b"\x82" + length(len(body)) + body)
        assert self.sock.recv(5)[:1] == b"\x90"

    def begin_publish(self, topic: str, size: int) -> None:
        """Announce a message of so many bytes, and send its first."""
        head = text(topic.encode())
        self.sock.sendall(b"\x30" + length(len(head) + size) + head + bytes(1_000))

    def thrown_out(self) -> bool:
        """Waits for the broker to close; a TimeoutError says that it does not."""
        with contextlib.suppress(ConnectionError):
            while self.sock.recv(65_536):
                pass
        self.sock.close()
        return True

    def vanish(self) -> None:
        """Without goodbye, so that the broker speaks the will."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def length(size: int) -> bytes:
    """MQTT's remaining length: seven bits a byte."""
    raw = b""
    while size or not raw:
        size, digit = divmod(size, 128)
        raw += bytes([digit | (0x80 if size else 0)])
    return raw


def text(raw: bytes) -> bytes:
    return struct.pack(">H", len(raw)) + raw


# --- the broker: accounts ------------------------------------------------------------------------


def test_a_station_is_born_closed(commune: Commune) -> None:
    """No default account, no anonymous, and on this machine alone until somebody decides otherwise."""
    assert Config().mqtt.host == "127.0.0.1"
    assert Config().mqtt.password_file == "", "one is made, at random, when first needed"
    assert "allow_anonymous false\n" in (commune.folder / "mosquitto.conf").read_text()
    names = accounts.read_accounts(commune.folder).keys()
    assert names == {STATION, RID, THIEF, *accounts.CANARIES}, (
        "and nobody else has ever been let in"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "", "password": ""},
        {"password": ""},
        {"password": "wrong"},
        {"username": "admin", "password": "admin"},
        {"username": STATION, "password": f"secret of {RID}"},
    ],
)
def test_who_does_not_know_the_password_stays_out(
    connect: Connect, changes: dict[str, str]
) -> None:
    refused = get(connect(RID, wait=False, **changes), Disconnected)
    assert refused == Disconnected(f"refused: {NOT_ALLOWED}")


@pytest.mark.parametrize("thief", [{"username": RID, "password": "wrong"}, {"client_id": RID}])
def test_nobody_takes_over_the_connection_of_another(
    connect: Connect, thief: dict[str, str]
) -> None:
    """Neither by its name and a wrong password, nor by its client id and a login of one's own."""
    victim = connect(RID, messages.down_topics(RID))
    get(connect(THIEF, wait=False, **thief), Disconnected if "password" in thief else Connected)
    connect(STATION).publish(messages.evack_topic(RID), END, qos=1)
    assert victim.inbox.get(timeout=SECONDS) == Message(messages.evack_topic(RID), END)


# --- the broker: the access list -----------------------------------------------------------------


@pytest.mark.parametrize(
    "topic",
    [
        messages.plan_topic(RID),
        f"loa/1/{RID}/dn/keys",
        messages.evack_topic(RID),
        messages.state_topic(RID),
        messages.events_topic(RID),
        messages.get_topic(RID),
        messages.plan_topic(THIEF),
        messages.evack_topic(THIEF),
        f"loa/1/{THIEF}/up/hoard/1",
        f"loa/1/{THIEF}/up",
        f"loa/1/{THIEF}",
        messages.block_topic("0" * 64, 0),
        "loa/2/anything",
        "anything",
        "$SYS/broker/version",
        "$CONTROL/dynamic-security/v1",
    ],
)
def test_a_stolen_receiver_cannot_speak_where_it_has_no_business(
    connect: Connect, topic: str
) -> None:
    """Nor hoard retained messages on topics of its own: three are all it has."""
    station = connect(STATION, "loa/1/#")
    thief = connect(THIEF)
    thief.publish(topic, b"forged", qos=1, retain=True, token=topic)
    assert get(thief, Published) == Published(topic, NOT_ALLOWED)
    thief.publish(messages.events_topic(THIEF), END, qos=1)
    assert said(station, END) == [(messages.events_topic(THIEF), END)]


def test_a_will_is_held_to_the_same_rules(commune: Commune, connect: Connect) -> None:
    station = connect(STATION, "loa/1/#")
    for topic, payload in ((PLAN, b"forged"), (messages.state_topic(THIEF), END)):
        Raw(commune.port, THIEF, will=text(topic.encode()) + text(payload)).vanish()
    assert said(station, END) == [(messages.state_topic(THIEF), END)]


@pytest.mark.parametrize(
    "topic",
    [
        "#",
        "loa/#",
        "loa/1/#",
        "loa/1/+/dn/#",
        "+/+/+/dn/plan",
        messages.down_topics(RID),
        messages.UP_TOPICS,
        "$SYS/#",
        f"$share/thieves/loa/1/{RID}/dn/#",
    ],
)
def test_a_stolen_receiver_hears_nothing_of_others(connect: Connect, topic: str) -> None:
    station = connect(STATION)
    station.publish(PLAN, b"kept for another", qos=1, retain=True, token=1)
    get(station, Published)
    thief = connect(THIEF, topic, messages.down_topics(THIEF))
    station.publish(PLAN, b"said to another", qos=1, retain=True)
    station.publish(messages.state_topic(RID), b"said by another", qos=1)
    station.publish(messages.evack_topic(THIEF), END, qos=1)
    assert {name for name, _ in said(thief, END)} == {messages.evack_topic(THIEF)}
    station.publish(PLAN, b"", qos=1, retain=True)


# --- the broker: its limits ----------------------------------------------------------------------


@pytest.mark.parametrize("size", [200_000, 1_000_000, 200_000_000])
def test_who_sends_without_end_is_thrown_out(commune: Commune, connect: Connect, size: int) -> None:
    """At the packet's announced length already, and whoever it is: a stolen station, too."""
    victim = connect(RID, messages.down_topics(RID))
    for name in (THIEF, STATION):
        raw = Raw(commune.port, name)
        raw.begin_publish(PLAN, size)
        assert raw.thrown_out()
    connect(STATION).publish(messages.evack_topic(RID), END, qos=1)
    assert victim.inbox.get(timeout=SECONDS) == Message(messages.evack_topic(RID), END)


def test_a_connection_cannot_be_kept_without_showing_life(commune: Commune) -> None:
    raw = Raw(commune.port, THIEF, version=5, keepalive=0)
    raw.vanish()
    assert b"\x13" + struct.pack(">H", 600) in raw.answer, "the broker sets a keepalive of its own"


def test_a_receiver_that_asks_for_sound_and_does_not_read_costs_bounded_memory(
    commune: Commune, connect: Connect
) -> None:
    station, hears = connect(STATION), connect(RID, "loa/1/audio/#")
    deaf = Raw(commune.port, THIEF)
    deaf.subscribe("loa/1/audio/#")
    before = commune.worker().memory_info().rss
    for number in range(1_500):
        topic = messages.block_topic("0" * 64, number)
        station.publish(topic, bytes(messages.BLOCK_BYTES), qos=1, token=number)
        get(station, Published)
        assert get(hears, Message).topic == topic, "the others go on hearing"
    assert f"Outgoing messages are being dropped for client {THIEF}" in commune.log()
    assert commune.worker().memory_info().rss - before < 90_000_000
    deaf.vanish()


# --- the receiver: whoever has the station's login has no voice ----------------------------------


def b64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def token(header: dict[str, Any] | bytes, payload: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    signed = b64(raw) + b"." + b64(payload)
    return signed + b"." + b64(sign(signed))


def ed25519(name: str) -> Callable[[bytes], bytes]:
    private = signing.Ed25519PrivateKey.from_private_bytes(key(name, "plan").seed)
    return private.sign


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda signed: hmac.new(secret, signed, hashlib.sha256).digest()


def plan_bytes(bench: Bench, **more: Any) -> bytes:
    """A plan as the station would sign it: b1 at AT."""
    return signing.payload(bench.station.plan(bench.clock, bench.occ("b1", AT), **more))


def forged_header(**more: Any) -> dict[str, Any]:
    return {"alg": "Ed25519", "kid": "plan", "typ": "loa-plan"} | more


PUBLIC = key("plan", "plan").public.x
RAW_PUBLIC = base64.urlsafe_b64decode(PUBLIC + "=")
DOUBLE = b'{"alg":"none","kid":"plan","typ":"loa-plan","alg":"Ed25519"}'
DOUBLE_BACK = b'{"alg":"Ed25519","kid":"plan","typ":"loa-plan","alg":"none"}'
ITS_OWN_KEY = {"kty": "OKP", "crv": "Ed25519", "x": key("thief").public.x}
FORGERIES: dict[str, Callable[[Bench], bytes]] = {
    "plain JSON": lambda bench: plan_bytes(bench),
    "not signed": lambda bench: token(forged_header(), plan_bytes(bench), lambda _: b""),
    "alg none": lambda bench: token(forged_header(alg="none"), plan_bytes(bench), lambda _: b""),
    "alg None": lambda bench: token(forged_header(alg="None"), plan_bytes(bench), lambda _: b""),
    "HS256, public key as text": lambda bench: token(
        forged_header(alg="HS256"), plan_bytes(bench), hs256(PUBLIC.encode())
    ),
    "HS256, public key raw": lambda bench: token(
        forged_header(alg="HS256"), plan_bytes(bench), hs256(RAW_PUBLIC)
    ),
    "HS256 under Ed25519's name": lambda bench: token(
        forged_header(), plan_bytes(bench), hs256(RAW_PUBLIC)
    ),
    "EdDSA, though rightly signed": lambda bench: token(
        forged_header(alg="EdDSA"), plan_bytes(bench), ed25519("plan")
    ),
    "alg twice": lambda bench: token(DOUBLE_BACK, plan_bytes(bench), ed25519("plan")),
    "alg twice, unsigned": lambda bench: token(DOUBLE, plan_bytes(bench), lambda _: b"x" * 64),
    "a key nobody knows": lambda bench: token(
        forged_header(kid="thief"), plan_bytes(bench), ed25519("thief")
    ),
    "another's key under a known name": lambda bench: token(
        forged_header(), plan_bytes(bench), ed25519("thief")
    ),
    "a key in the header": lambda bench: token(
        forged_header(jwk=ITS_OWN_KEY), plan_bytes(bench), ed25519("thief")
    ),
    "a critical header": lambda bench: token(
        forged_header(crit=["b64"], b64=False), plan_bytes(bench), ed25519("plan")
    ),
    "the receiver's own key": lambda bench: token(
        forged_header(kid=RID), plan_bytes(bench), ed25519(RID)
    ),
    "another kind of document": lambda bench: key("plan", "plan").sign(
        plan_bytes(bench), "loa-events"
    ),
    "a plan for another receiver": lambda bench: bench.station.plan(
        bench.clock, bench.occ("b1", AT), rid=THIEF
    ),
    "an expired plan": lambda bench: bench.station.plan(bench.clock, bench.occ("b1", AT), exp=T0),
    "two receivers in one": lambda bench: key("plan", "plan").sign(
        plan_bytes(bench).replace(b'"rid":', b'"rid":"r-0421","rid":"r-0422","x":'), "loa-plan"
    ),
    "NaN": lambda bench: key("plan", "plan").sign(
        plan_bytes(bench).replace(b'"gain":0', b'"gain":NaN'), "loa-plan"
    ),
    "nested without end": lambda bench: key("plan", "plan").sign(
        plan_bytes(bench)[:-1] + b',"x":' + b"[" * 9_000 + b"]" * 9_000 + b"}", "loa-plan"
    ),
    "a header nested without end": lambda bench: token(
        b'{"alg":"Ed25519","kid":"plan","typ":"loa-plan","x":' + b"[" * 9_000 + b"]" * 9_000 + b"}",
        plan_bytes(bench),
        ed25519("plan"),
    ),
    "a plan too long": lambda bench: key("plan", "plan").sign(
        plan_bytes(bench) + b" " * 60_000, "loa-plan"
    ),
    "noise": lambda bench: bytes(range(256)) * 4,
}


class Line:
    """The wire between a thief with the station's login and the receiver on the bench."""

    def __init__(self, connect: Connect, bench: Bench) -> None:
        self.thief, self.bench = connect(STATION), bench
        self.victim = connect(RID, messages.down_topics(RID), "loa/1/audio/#")

    def carry(self, *payloads: bytes, topic: str = PLAN) -> None:
        """Published, and whatever came off the wire handed to the receiver."""
        for payload in payloads:
            self.thief.publish(topic, payload, qos=1, token=len(payload))
            assert get(self.thief, Published).refused is None, "the broker must not be what helps"
        self.thief.publish(messages.evack_topic(RID), END, qos=1)
        heard = said(self.victim, END)
        assert len(heard) == len(payloads) + 1
        for name, payload in heard[:-1]:
            self.bench.receiver.handle(name, payload)


@pytest.fixture
def line(connect: Connect, bench: Bench) -> Line:
    return Line(connect, bench)


def refusals(bench: Bench) -> list[str]:
    return [e.detail["why"] for e in bench.entries() if e.code == "refused" and not e.occ]


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_no_forged_plan_makes_a_sound(
    line: Line, bench: Bench, forge: Callable[[Bench], bytes]
) -> None:
    line.carry(forge(bench))
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.heard == []
    assert len(refusals(bench)) == 1, "and the journal says so"


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_no_forged_plan_silences_the_true_one(
    line: Line, bench: Bench, forge: Callable[[Bench], bytes]
) -> None:
    true = bench.give(bench.occ("true", AT))
    line.carry(forge(bench), true)
    bench.until(AT + MINUTE, serve=True)
    assert [heard.occ for heard in bench.speaker.heard] == ["true"]


def test_the_true_plan_on_the_same_wire_does_play(line: Line, bench: Bench) -> None:
    """Else the silence above would prove nothing."""
    line.carry(bench.station.plan(bench.clock, bench.occ("b1", AT), signer="plan"))
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1") == ["accepted", "ready", "started", "played"]


def test_the_everyday_key_cannot_raise_an_alarm(line: Line, bench: Bench) -> None:
    alarm = bench.occ("e1", AT, cls="E")
    line.carry(bench.station.plan(bench.clock, alarm, signer="plan"))
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.heard == []
    assert bench.detail("e1", "refused") == {"why": "no_role"}


def test_a_replayed_plan_stays_without_effect_even_after_a_power_cut(
    line: Line, bench: Bench
) -> None:
    old = bench.station.plan(bench.clock, bench.occ("b1", AT))
    bench.give()  # b1 was called off
    line.carry(old)
    bench.cut(SECOND)
    bench.boot()
    line.carry(old)
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.heard == []
    assert refusals(bench) == ["old_rev", "old_rev"]


def test_a_plan_played_once_is_not_played_again(line: Line, bench: Bench) -> None:
    plan = bench.station.plan(bench.clock, bench.occ("b1", AT))
    line.carry(plan)
    bench.until(AT + 10 * SECOND, serve=True)
    line.carry(plan, plan)
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.begins("b1") == 1


@pytest.mark.parametrize("garbage", [b"", b"\0", b"{}", b"[" * 30_000, b"a.b.c"])
def test_what_a_wiped_broker_keeps_instead_changes_nothing(
    line: Line, connect: Connect, bench: Bench, garbage: bytes
) -> None:
    """The broker has lost its plans; somebody leaves garbage in their place; the receiver starts anew."""
    bench.give(bench.occ("b1", AT))
    bench.until(AT - MINUTE, serve=True)
    bench.cut(SECOND)
    bench.boot()
    line.thief.publish(PLAN, garbage, qos=1, retain=True, token=1)
    get(line.thief, Published)
    line.victim.stop()
    late = connect(RID, messages.down_topics(RID), wait=False)
    if garbage:  # an empty one is how a retained message is taken away
        bench.receiver.handle(PLAN, get(late, Message).payload)
    bench.until(AT + MINUTE, serve=True)
    assert bench.codes("b1")[-1] == "played"
    line.thief.publish(PLAN, b"", qos=1, retain=True)


def test_swapped_sound_is_never_heard(line: Line, bench: Bench) -> None:
    """Blocks of the right length and the wrong content: the hash in the signed plan decides."""
    true, false = tone(1, 440), tone(1, 880)
    occ = bench.occ("b1", AT, true)
    bench.give(occ, aud={occ.sha: messages.Audio(n=len(false), ms=1_000)})
    bench.until(AT - MINUTE)
    line.carry(false, topic=messages.block_topic(sha(true), 0))
    bench.until(AT + HOUR)
    assert bench.speaker.heard == []
    assert bench.speaker.opened == []
    assert "ready" not in bench.codes("b1")


def test_a_forged_acknowledgement_destroys_no_evidence(line: Line, bench: Bench) -> None:
    """It stops the sending at most; the entries stay, and the true station asks for them again."""
    bench.give(bench.occ("b1", AT))
    bench.until(AT + MINUTE, serve=True)
    bench.wire.take()
    before = bench.entries()
    journal = bench.receiver.journal
    for upto in (journal.n + 1_000, journal.n):
        forged = messages.Evack(jid=journal.jid, upto=upto)
        line.carry(messages.encode(forged), topic=messages.evack_topic(RID))
    assert bench.entries()[: len(before)] == before
    bench.station.jid = journal.jid
    bench.receiver.handle(messages.evack_topic(RID), bench.station.evack(upto=0, rw=True))
    bench.receiver.step()
    batches = [raw for name, raw in bench.wire.take() if name == messages.events_topic(RID)]
    bench.station.jid = ""
    bench.station.ingest(batches[-1])
    assert bench.station.entries[1] == bench.store.lines(1, 1)[0].raw


# --- the station: whoever has a receiver speaks for that one alone -------------------------------


def entry(detail: bytes = b"{}") -> bytes:
    return b'[1,"b1","played",1,"ntp",1,1,' + detail + b"]"


def events(rid: str = RID, raw: bytes = entry()) -> bytes:
    head = messages.next_hash(messages.first_hash("j"), raw).hex()
    batch = messages.Events(
        v=1, rid=rid, jid="j", from_=1, head=head, now=T0, mono=1, boot=1, src="ntp",
        e=(msgspec.Raw(raw),),
    )  # fmt: skip
    return messages.encode(batch)


def arrived(connect: Connect, rid: str, payload: bytes) -> bytes:
    """What the station gets when that receiver's login says so."""
    station = connect(STATION, messages.UP_TOPICS)
    connect(rid).publish(messages.events_topic(rid), payload, qos=1)
    message = get(station, Message)
    assert message.topic == messages.events_topic(rid)
    return message.payload


def test_true_evidence_is_taken(connect: Connect) -> None:
    payload = arrived(connect, RID, key(RID).sign(events(), "loa-events"))
    assert receipts.verify(RID, payload, key(RID).public.x).entries[0].code == "played"


@pytest.mark.parametrize(
    ("signer", "why"), [("thief", "signature"), (RID, "")], ids=["another key", "its own"]
)
def test_only_the_receivers_own_key_makes_evidence(connect: Connect, signer: str, why: str) -> None:
    """Its stolen login, without the key in the box, says nothing."""
    stolen = signing.PrivateKey(RID, key(signer).seed)
    payload = arrived(connect, RID, stolen.sign(events(), "loa-events"))
    if not why:
        assert receipts.verify(RID, payload, key(RID).public.x)
        return
    with pytest.raises(signing.BadSignature, match=why):
        receipts.verify(RID, payload, key(RID).public.x)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (key(THIEF).sign(events(RID), "loa-events"), "wrong_rid"),
        (key(RID).sign(events(RID), "loa-events"), "kid"),
        (key(THIEF).sign(events(THIEF), "loa-plan"), "typ"),
        (events(THIEF), "shape"),
        (b"x" * 100_000, "too_big"),
    ],
)
def test_a_receiver_cannot_vouch_for_another(connect: Connect, payload: bytes, why: str) -> None:
    taken = arrived(connect, THIEF, payload)
    with pytest.raises(signing.BadSignature, match=why):
        receipts.verify(THIEF, taken, key(THIEF).public.x)


@pytest.mark.parametrize("detail", [b'{"ms":NaN}', b'{"ms":1e999}', b'{"a":"\\ud800"}', b"[", b"3"])
def test_evidence_that_is_no_json_is_dropped(connect: Connect, detail: bytes) -> None:
    raw = events(RID).replace(entry(), entry(detail))
    taken = arrived(connect, RID, key(RID).sign(raw, "loa-events"))
    with pytest.raises(msgspec.DecodeError):
        receipts.verify(RID, taken, key(RID).public.x)


def test_a_flood_costs_bounded_memory_and_is_over_when_it_ends(connect: Connect) -> None:
    """The inbox is bounded. What others said meanwhile may be lost there: their journals send it again."""
    station = connect(STATION, messages.UP_TOPICS)
    thief = connect(THIEF)
    for number in range(station.inbox.maxsize + 500):
        thief.publish(messages.events_topic(THIEF), b"%d" % number, qos=1)
    wait_until(lambda: station.overflow > 0, "the inbox to be full")
    assert station.inbox.qsize() <= station.inbox.maxsize
    thief.stop()
    receiver = connect(RID)
    heard = [station.inbox.get(timeout=SECONDS) for _ in range(station.inbox.qsize())]
    assert {event.topic for event in heard} == {messages.events_topic(THIEF)}
    receiver.publish(messages.events_topic(RID), END, qos=1)
    assert said(station, END)[-1] == (messages.events_topic(RID), END)


def test_settings_of_a_plan_are_within_reason(line: Line, bench: Bench) -> None:
    """Even a stolen signing key cannot make it louder than its own full volume."""
    loud = plan_bytes(bench).replace(b'"vol":70', b'"vol":1000')
    assert b'"vol":1000' in loud
    line.carry(key("plan", "plan").sign(loud, "loa-plan"))
    bench.until(AT + HOUR, serve=True)
    assert bench.speaker.heard == []
