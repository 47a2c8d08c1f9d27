"""The link through every trap of paho and every fault of a broker, against mosquitto and the embedded broker."""

from __future__ import annotations

import datetime
import ipaddress
import itertools
import logging
import os
import queue
import resource
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from devices import link as links
from devices import outbox as boxes
from devices.broker import STATION
from devices.link import (
    Connected,
    Disconnected,
    Incoming,
    Link,
    LinkSettings,
    Message,
    Published,
    Urgency,
    Will,
)
from tests.devices.test_broker import HOST, SECONDS, Serving, get, said, serving
from tests.line import Line
from tests.parts import Mosquitto, free_port, need, wait_until

UP = "loa/1/+/up/#"
PLAN = "loa/1/r-0001/dn/plan"
EVACK = "loa/1/r-0001/dn/evack"
EVENTS = "loa/1/r-0001/up/evt"
DOWN = "loa/1/r-0001/dn/#"


@pytest.fixture(scope="module", params=["mosquitto", "embedded"])
def station_broker(request, tmp_path_factory) -> Iterator[Serving]:
    """For tests that leave it as they found it."""
    yield from serving(request.param, tmp_path_factory.mktemp("broker"))


@pytest.fixture(params=["mosquitto", "embedded"])
def own_broker(request, tmp_path) -> Iterator[Serving]:
    """For tests that stop it, kill it or hang it."""
    yield from serving(request.param, tmp_path)


@pytest.fixture
def mosquitto_of_ours(tmp_path) -> Iterator[Serving]:
    yield from serving("mosquitto", tmp_path)


@pytest.fixture
def line(station_broker) -> Iterator[Line]:
    relay = Line(station_broker.port)
    yield relay
    relay.stop()


@pytest.fixture
def make() -> Iterator[Callable[..., Link]]:
    """A link, stopped after the test whether it was started or not."""
    made = []

    def build(settings: LinkSettings, inbox: queue.Queue[Incoming] | None = None) -> Link:
        made.append(Link(settings, inbox))
        return made[-1]

    yield build
    for link in made:
        link.stop()


@pytest.fixture
def connect(make) -> Callable[..., Link]:
    def start(running: Serving, name: str, *filters: str, **changes: object) -> Link:
        link = make(
            running.settings(name, subscriptions=tuple((topic, 1) for topic in filters), **changes)
        )
        link.start()
        get(link, Connected)
        return link

    return start


def settings_to(port: int, **changes: object) -> LinkSettings:
    values = {"host": HOST, "port": port, "client_id": "loa-test", "reconnect_first": 0.05}
    return LinkSettings(**{**values, **changes})


# --- there and back ----------------------------------------------------------------------------


def test_messages_go_there_and_back(station_broker, connect):
    station = connect(station_broker, STATION, UP)
    receiver = connect(station_broker, "r-0001", DOWN)
    assert station.connected
    assert station.healthy
    station.publish(PLAN, b"a plan", qos=1, token=("r-0001", 1))
    assert get(station, Published) == Published(("r-0001", 1))
    assert get(receiver, Message) == Message(PLAN, b"a plan")
    receiver.publish(EVENTS, b"\x00\xff", qos=0, token="events")
    assert get(receiver, Published) == Published("events")
    assert get(station, Message) == Message(EVENTS, b"\x00\xff")


def test_it_subscribes_and_unsubscribes_while_connected(station_broker, connect):
    station = connect(station_broker, STATION)
    receiver = connect(station_broker, "r-0001", DOWN)
    receiver.subscribe("loa/1/audio/0123456789abcdef/#", 0)
    receiver.publish(EVENTS, b"", qos=1, token="subscribed before this")
    get(receiver, Published)
    station.publish("loa/1/audio/0123456789abcdef/0", b"block", qos=0, urgency=Urgency.AUDIO)
    assert get(receiver, Message).payload == b"block"
    receiver.unsubscribe("loa/1/audio/0123456789abcdef/#")
    receiver.publish(EVENTS, b"", qos=1, token="unsubscribed before this")
    get(receiver, Published)
    station.publish("loa/1/audio/0123456789abcdef/1", b"block", qos=0, urgency=Urgency.AUDIO)
    station.publish(EVACK, b"after", qos=1)
    assert said(receiver, b"after") == [(EVACK, b"after")]


def test_many_messages_keep_their_order_and_none_is_lost(station_broker, connect):
    station = connect(station_broker, STATION, UP)
    receiver = connect(station_broker, "r-0001")
    for number in range(500):
        receiver.publish(EVENTS, b"%d" % number, qos=1, token=number)
    assert [get(station, Message).payload for _ in range(500)] == [
        b"%d" % number for number in range(500)
    ]
    assert {get(receiver, Published).token for _ in range(500)} == set(range(500))


def test_heartbeats_gather_unread_until_the_link_itself_has_something_to_say(
    mosquitto_of_ours, connect
):
    station = connect(mosquitto_of_ours, STATION, UP, gather=3600.0)
    receiver = connect(mosquitto_of_ours, "r-0001")
    receiver.publish(EVENTS, b"one", qos=0)
    assert get(station, Message).payload == b"one"
    receiver.publish(EVENTS, b"two", qos=0)
    for number in range(20):  # and back: the broker has long handed on what came before
        receiver.publish(EVENTS, b"", qos=1, token=number)
        get(receiver, Published)
    assert station.inbox.empty()
    station.publish(PLAN, b"a plan", qos=1)
    assert get(station, Message).payload == b"two"


def test_what_must_not_be_lost_is_read_at_once_and_so_are_answers(station_broker, connect):
    station = connect(station_broker, STATION, UP, gather=3600.0)
    receiver = connect(station_broker, "r-0001")
    receiver.publish(EVENTS, b"evidence", qos=1)
    assert get(station, Message).payload == b"evidence"
    station.publish(PLAN, b"a plan", qos=1)
    for word in (b"one", b"two"):
        receiver.publish(EVENTS, word, qos=0)
        assert get(station, Message).payload == word


def test_a_large_block_arrives_whole(station_broker, connect):
    station = connect(station_broker, STATION)
    receiver = connect(station_broker, "r-0001", "loa/1/audio/#")
    block = os.urandom(65_536)
    station.publish("loa/1/audio/0123456789abcdef/7", block, qos=0, urgency=Urgency.AUDIO)
    assert get(receiver, Message).payload == block


def test_stop_sends_what_waits_and_leaves_no_will(station_broker, connect, make):
    station = connect(station_broker, STATION, UP)
    will = Will("loa/1/r-0001/up/state", b"lost", 1, False)
    receiver = connect(station_broker, "r-0001", will=will)
    for number in range(50):
        receiver.publish(EVENTS, b"%d" % number, qos=1)
    receiver.stop()
    assert not receiver.connected
    assert not receiver.healthy
    assert [get(station, Message).payload for _ in range(50)] == [
        b"%d" % number for number in range(50)
    ]
    station.publish("loa/1/r-0001/up/evt", b"after", qos=1)
    assert said(station, b"after") == [(EVENTS, b"after")]
    assert get(receiver, Disconnected).why == "stopped"


def test_it_can_be_started_again(station_broker, connect):
    link = connect(station_broker, "r-0001", DOWN)
    link.stop()
    link.start()
    assert get(link, Connected).resubscribed


@pytest.mark.parametrize(("topic", "qos"), [("", 1), ("loa/+", 1), ("loa/#", 0), ("loa", 2)])
def test_what_no_broker_takes_is_the_callers_fault(make, topic, qos):
    with pytest.raises(ValueError, match="cannot publish"):
        make(settings_to(1)).publish(topic, b"", qos=qos)


@pytest.mark.parametrize(("topic", "qos"), [("", 1), ("loa/#/x", 1), ("loa/x+", 0), ("loa", 2)])
def test_a_filter_that_is_none_is_the_callers_fault(make, topic, qos):
    with pytest.raises(ValueError, match="cannot subscribe"):
        make(settings_to(1)).subscribe(topic, qos)
    with pytest.raises(ValueError, match="cannot subscribe"):
        make(settings_to(1, subscriptions=((topic, qos),)))


def test_a_message_no_broker_of_ours_would_take_is_refused_at_once(make):
    with pytest.raises(ValueError, match="120001 bytes"):
        make(settings_to(1)).publish(PLAN, bytes(120_001), qos=1)


# --- the broker goes and comes -----------------------------------------------------------------


def test_what_is_published_while_the_broker_is_down_arrives_later(own_broker, connect):
    station = connect(own_broker, STATION)
    own_broker.stop()
    get(station, Disconnected)
    for revision in (b"1", b"2", b"3"):
        station.publish(PLAN, revision, qos=1, retain=True, token=revision)
    station.publish(EVACK, b"heartbeat", qos=0)
    station.publish("loa/1/r-0002/dn/evack", b"kept", qos=1, token="evack")
    assert station.waiting == 2
    own_broker.start()
    get(station, Connected)
    # The plan was replaced twice: the broker sees the newest alone, and only of it we hear.
    assert {get(station, Published).token, get(station, Published).token} == {b"3", "evack"}
    late = connect(own_broker, "r-0001", DOWN)
    station.publish(EVACK, b"last", qos=1)
    assert set(said(late, b"last")) <= {(PLAN, b"3"), (EVACK, b"last")}
    assert station.waiting == 0


def test_it_survives_a_killed_broker_and_subscribes_again(own_broker, connect):
    station = connect(own_broker, STATION, UP)
    receiver = connect(own_broker, "r-0001", DOWN)
    receiver.subscribe("loa/1/audio/0123456789abcdef/#", 0)
    own_broker.crash()
    get(station, Disconnected)
    get(receiver, Disconnected)
    assert not station.connected
    station.publish(EVACK, b"meanwhile", qos=1)
    own_broker.come_back()
    for link in (station, receiver):
        assert get(link, Connected).resubscribed
    receiver.publish(EVENTS, b"again", qos=1)
    assert get(station, Message) == Message(EVENTS, b"again")
    station.publish("loa/1/audio/0123456789abcdef/0", b"block", qos=1)
    assert said(receiver, b"block")[-1] == ("loa/1/audio/0123456789abcdef/0", b"block")


def test_a_cut_line_loses_nothing_of_quality_one(station_broker, connect, line):
    station = connect(station_broker, STATION, UP)
    receiver = connect(station_broker, "r-0001", port=line.port)
    for number in range(300):
        receiver.publish(EVENTS, b"%d" % number, qos=1)
        if number % 100 == 50:
            line.cut()
    heard = {get(station, Message).payload for _ in range(300)}
    while len(heard) < 300:  # some came twice: acknowledged by the broker, but the word was lost
        heard.add(get(station, Message).payload)


def test_a_broker_that_hangs_is_noticed(own_broker, connect):
    link = connect(own_broker, "r-0001", DOWN, keepalive=1)
    worker = own_broker.worker()
    worker.suspend()
    try:
        assert "no sign of life" in get(link, Disconnected).why
        assert not link.connected
        assert link.healthy
    finally:
        worker.resume()
    assert get(link, Connected).resubscribed


def test_a_line_gone_silent_is_noticed(station_broker, connect, line):
    link = connect(station_broker, "r-0001", port=line.port, keepalive=1)
    line.silent = True
    assert "no sign of life" in get(link, Disconnected).why
    line.silent = False
    line.cut()  # else the broker's answer to the attempt made in the silence would be waited for
    get(link, Connected)


def test_a_quiet_line_is_kept_alive(station_broker, connect, line):
    """The broker would give up after 1.5 times eight seconds: a link that is held up for four is not cut off."""
    link = connect(station_broker, "r-0001", port=line.port, keepalive=8)
    said = line.passed
    wait_until(lambda: line.passed > said, "a sign of life")
    assert link.inbox.empty()
    assert link.connected


def test_it_tells_once_why_it_cannot_connect(make):
    link = make(settings_to(free_port(), reconnect_first=0.001, reconnect_most=0.001))
    link.start()
    assert "refused" in get(link, Disconnected).why
    with pytest.raises(queue.Empty):
        link.inbox.get(timeout=0.2)
    assert link.healthy
    link.stop()


def test_it_waits_for_a_broker_that_is_not_yet_there(make, mosquitto):
    mosquitto.kill()
    link = make(settings_to(mosquitto.port, reconnect_most=0.1))
    link.start()
    get(link, Disconnected)
    mosquitto.start()
    get(link, Connected)


def test_the_will_is_asked_for_at_every_connect(station_broker, connect, line):
    station = connect(station_broker, STATION, UP)
    numbers = itertools.count(1)

    def will() -> Will:
        return Will("loa/1/r-0001/up/state", b"sid %d" % next(numbers), 1, False)

    receiver = connect(station_broker, "r-0001", will=will, port=line.port)
    for number in (1, 2):
        line.cut()
        get(receiver, Connected)
        assert said(station, b"sid %d" % number)[-1] == (
            "loa/1/r-0001/up/state",
            b"sid %d" % number,
        )
    receiver.set_will(Will("loa/1/r-0001/up/state", b"another", 1, False))
    line.cut()
    get(receiver, Connected)
    line.cut()
    said(station, b"another")


# --- what the broker refuses -------------------------------------------------------------------


def test_a_refusal_is_heard_under_mqtt_5(mosquitto_of_ours, connect):
    station = connect(mosquitto_of_ours, STATION)
    assert station.settings.version == "5"
    station.publish("loa/forbidden", b"", qos=1, token="forbidden")
    assert get(station, Published) == Published("forbidden", "Not authorized")
    station.publish(PLAN, b"", qos=1, token="allowed")
    assert get(station, Published) == Published("allowed", None)


def test_too_large_a_packet_is_refused_and_costs_no_connection(make, tmp_path):
    broker = Mosquitto(need("mosquitto"), tmp_path, ("max_packet_size 2000",))
    link = make(settings_to(broker.port, version="5"))
    link.start()
    get(link, Connected)
    link.publish("large", bytes(3000), qos=1, token="large")
    link.publish("small", b"", qos=1, token="small")
    assert link.inbox.get(timeout=SECONDS) == Published("large", "Packet too large")
    assert link.inbox.get(timeout=SECONDS) == Published("small", None)
    link.stop()
    broker.stop()


def test_a_refused_subscription_is_told(tmp_path, make):
    for running in serving("embedded", tmp_path):
        link = make(running.settings("r-0001", subscriptions=((DOWN, 1), ("loa/1/r-0002/dn/#", 1))))
        link.start()
        assert get(link, Connected) == Connected(resubscribed=False)
        link.stop()


def test_a_password_is_shown_nowhere(station_broker, make, caplog):
    caplog.set_level(logging.DEBUG)
    link = make(station_broker.settings("r-0001", password="Mật khẩu 8"))
    link.start()
    assert "refused" in get(link, Disconnected).why
    link.stop()
    assert (
        "Mật khẩu 8"
        not in f"{link.settings!r} {link.settings} {caplog.text} {station_broker.log()}"
    )
    assert "r-0001" in repr(link.settings)


# --- our own faults ----------------------------------------------------------------------------


class Moody(queue.Queue):
    """An inbox that cannot bear bad news."""

    def put_nowait(self, item: Incoming) -> None:
        if isinstance(item, Message) and item.payload == b"bad":
            raise RuntimeError("I cannot take this")
        super().put_nowait(item)


def test_an_error_while_handling_a_message_costs_that_message_alone(
    station_broker, connect, make, caplog
):
    link = make(station_broker.settings("r-0001", subscriptions=((DOWN, 1),)), Moody())
    link.start()
    get(link, Connected)
    station = connect(station_broker, STATION)
    for payload in (b"bad", b"bad", b"good"):
        station.publish(EVACK, payload, qos=1)
    assert link.inbox.get(timeout=SECONDS) == Message(EVACK, b"good")
    assert link.healthy
    assert caplog.text.count("I cannot take this") >= 2


def test_an_error_of_the_callers_will_does_not_end_the_link(station_broker, make, caplog):
    calls = itertools.count()

    def will() -> Will:
        if next(calls) == 0:
            raise RuntimeError("no sid today")
        return Will("loa/1/r-0001/up/state", b"lost")

    link = make(station_broker.settings("r-0001", will=will))
    link.start()
    get(link, Connected)
    assert "no sid today" in caplog.text


def test_an_inbox_nobody_reads_loses_messages_and_nothing_else(station_broker, connect, make):
    link = make(station_broker.settings("r-0001", subscriptions=((DOWN, 1),)), queue.Queue(3))
    link.start()
    station = connect(station_broker, STATION, UP)
    wait_until(lambda: link.inbox.qsize() == 1, "Connected")
    for number in range(5):
        station.publish(EVACK, b"%d" % number, qos=1)
    wait_until(lambda: link.overflow == 3, "the inbox to overflow")
    link.publish(EVENTS, b"sent", qos=1, token="sent")
    get(station, Message)
    assert link.healthy
    events = [link.inbox.get(timeout=SECONDS) for _ in range(4)]
    assert events == [Connected(), Message(EVACK, b"0"), Message(EVACK, b"1"), Published("sent")]


def test_it_connects_with_more_than_1024_files_open(station_broker, connect):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1300:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1300), hard))
    nothing = os.open(os.devnull, os.O_RDONLY)
    files = [nothing, *(os.dup(nothing) for _ in range(1100))]
    try:
        connect(station_broker, "r-0001", DOWN).stop()
    finally:
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- the queue ---------------------------------------------------------------------------------


def test_the_urgent_overtakes(station_broker, make, connect):
    station = make(station_broker.settings(STATION))
    for urgency in (Urgency.AUDIO, Urgency.STATE, Urgency.EVACK, Urgency.PLAN, Urgency.EMERGENCY):
        for number in (1, 2):
            station.publish(
                f"{EVACK}/{number}", b"%d %d" % (urgency, number), qos=1, urgency=urgency
            )
    receiver = connect(station_broker, "r-0001", DOWN)
    station.start()
    heard = [get(receiver, Message).payload for _ in range(10)]
    assert heard == [b"0 1", b"0 2", b"1 1", b"1 2", b"2 1", b"2 2", b"3 1", b"3 2", b"5 1", b"5 2"]


def outgoing(topic: str, payload: bytes = b"", **changes: object) -> boxes.Outgoing:
    values = {"qos": 1, "retain": False, "urgency": Urgency.PLAN, "token": None}
    return boxes.Outgoing(topic, payload, **{**values, **changes})


def taken(outbox: boxes.Outbox) -> list[bytes]:
    return [item.payload for item in iter(outbox.take, None)]


def test_a_plan_that_replaces_an_emergency_is_as_urgent():
    outbox = boxes.Outbox()
    outbox.put(outgoing("other", b"other"))
    outbox.put(outgoing("plan", b"emergency", retain=True, urgency=Urgency.EMERGENCY))
    outbox.put(outgoing("plan", b"stop", retain=True, qos=0))
    first = outbox.take()
    assert (first.payload, first.urgency, first.qos) == (b"stop", Urgency.EMERGENCY, 1)
    assert taken(outbox) == [b"other"]


def test_a_replaced_plan_keeps_its_place_and_a_more_urgent_one_goes_ahead():
    outbox = boxes.Outbox()
    for name in ("one", "two", "three"):
        outbox.put(outgoing(name, name.encode(), retain=True))
    outbox.put(outgoing("one", b"ONE", retain=True))
    outbox.put(outgoing("three", b"THREE", retain=True, urgency=Urgency.EMERGENCY))
    assert taken(outbox) == [b"THREE", b"ONE", b"two"]


def test_what_was_not_acknowledged_goes_first_unless_it_is_outdated():
    outbox = boxes.Outbox()
    for number in range(3):
        outbox.put(outgoing(f"evack {number}", b"%d" % number))
    outbox.put(outgoing("plan", b"old", retain=True, urgency=Urgency.EMERGENCY))
    inflight = [outbox.take() for _ in range(4)]
    outbox.put(outgoing("late", b"late"))
    outbox.put(outgoing("plan", b"new", retain=True))
    outbox.put_back(reversed(inflight))
    assert taken(outbox) == [b"new", b"0", b"1", b"2", b"late"]


def test_a_block_waits_but_once():
    outbox = boxes.Outbox()
    for _ in range(3):
        outbox.put(outgoing("loa/1/audio/a/0", b"block", qos=0, urgency=Urgency.AUDIO))
    assert taken(outbox) == [b"block"]


def test_too_much_audio_drops_audio_alone(monkeypatch):
    monkeypatch.setattr(boxes, "MOST_AUDIO_BYTES", 10)
    outbox = boxes.Outbox()
    outbox.put(outgoing("plan", bytes(100)))
    for number in range(4):
        outbox.put(outgoing(f"audio {number}", b"%d---" % number, qos=0, urgency=Urgency.AUDIO))
    assert outbox.dropped == 2
    assert taken(outbox) == [bytes(100), b"0---", b"1---"]


def test_too_much_of_all_drops_the_least_urgent_and_newest(monkeypatch):
    monkeypatch.setattr(boxes, "MOST_WAITING", 3)
    outbox = boxes.Outbox()
    for number in range(3):
        outbox.put(outgoing(f"{number}", b"%d" % number, urgency=Urgency.STATE))
    outbox.put(outgoing("plan", b"plan"))
    outbox.put(outgoing("more", b"more", urgency=Urgency.STATE))
    assert outbox.dropped == 2
    assert taken(outbox) == [b"plan", b"0", b"1"]


steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "take", "back", "drop"]),
        st.integers(0, 3),
        st.sampled_from(Urgency),
        st.booleans(),
        st.integers(0, 1),
    ),
    max_size=40,
)


@given(steps)
def test_the_queue_never_loses_the_newest_of_a_topic_nor_its_order(plan):
    """Of what is neither QoS 0 nor replaced by a newer one, all comes out; retained: the newest, and last."""
    outbox, inflight, seen = boxes.Outbox(), [], []
    newest: dict[str, int] = {}
    expected: set[int] = set()
    for number, (step, topic, urgency, retain, qos) in enumerate(plan):
        if step == "put":
            kept = retain and urgency is not Urgency.AUDIO
            name = f"{'kept' if kept else number} {topic}"
            outbox.put(
                outgoing(name, b"%d" % number, retain=kept, urgency=urgency, qos=1 if kept else qos)
            )
            newest[name] = number
            if qos or kept:
                expected.add(number)
        elif step == "take" and (item := outbox.take()):
            inflight.append(item)
        elif step == "back":
            outbox.put_back(item for item in inflight if item.qos)
            seen += [item for item in inflight if not item.qos]
            inflight = []
        elif step == "drop":
            outbox.drop_qos0()
    assert len(outbox) == sum(map(len, outbox._lanes.values()))
    rest = list(iter(outbox.take, None))
    assert [item.urgency for item in rest] == sorted(item.urgency for item in rest)
    numbers = [int(item.payload) for item in [*seen, *inflight, *rest]]
    assert set(newest.values()) & expected <= set(numbers)
    for name, number in newest.items():
        if name.startswith("kept"):
            assert [int(item.payload) for item in [*inflight, *rest] if item.topic == name][
                -1
            ] == number
    assert not any(outbox._bytes.values())
    assert not outbox._newest


# --- TLS ---------------------------------------------------------------------------------------


def certificate(folder: Path) -> None:
    """A certificate for 127.0.0.1 that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Đài truyền thanh")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    (folder / "server.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def test_with_a_certificate_the_line_is_encrypted_and_the_broker_known(tmp_path, connect, make):
    certificate(tmp_path)
    certificate(tmp_path / "other")
    for running in serving("mosquitto", tmp_path):
        trusted = str(tmp_path / "server.crt")
        station = connect(running, STATION, UP, ca_file=trusted)
        receiver = connect(running, "r-0001", "loa/1/audio/#", ca_file=trusted)
        for number in range(20):
            station.publish(f"loa/1/audio/0123456789abcdef/{number}", bytes(65_536), qos=1)
        assert all(get(receiver, Message).payload == bytes(65_536) for _ in range(20))
        distrustful = make(
            running.settings("r-0002", ca_file=str(tmp_path / "other" / "server.crt"))
        )
        distrustful.start()
        assert "CERTIFICATE_VERIFY_FAILED" in get(distrustful, Disconnected).why
        for link in (station, receiver, distrustful):
            link.stop()


def test_links_share_what_they_trust_until_it_changes(tmp_path):
    certificate(tmp_path)
    file = tmp_path / "server.crt"
    first = links._trust(str(file))
    assert links._trust(str(file)) is first
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1_000_000))
    assert links._trust(str(file)) is not first
    assert links._trust("") is not first
    with pytest.raises(OSError, match="missing"):
        links._trust(str(tmp_path / "missing"))


def test_a_plain_socket_without_a_broker_behind_it_is_given_up(make, monkeypatch):
    monkeypatch.setattr(links, "ANSWER_SECONDS", 0.2)
    with socket.create_server((HOST, 0)) as deaf:
        link = make(settings_to(deaf.getsockname()[1], keepalive=2))
        monkeypatch.setattr(links, "SILENCE", 0.1)
        link.start()
        assert get(link, Disconnected).why == "the broker does not answer"
        link.stop()
