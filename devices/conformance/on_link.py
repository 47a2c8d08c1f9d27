"""Clauses about connecting, presence and state."""

from __future__ import annotations

import itertools
import re

from devices import messages
from devices.conformance.clauses import Broken, Group, clause, hold
from devices.conformance.packets import Connect, Publish, Subscribe
from devices.conformance.stand import Stand
from devices.messages import State

AUDIO = re.compile(r"loa/1/audio/[0-9a-f]{16}/#")
BEAT = 2
"""Seconds between heartbeats where they are measured."""
SLACK = 1.0
"""Seconds a busy machine may add."""


@clause(
    "connect.session",
    "Topics",
    "Connects as its rid with a clean session and a keep-alive the broker takes.",
)
def session(s: Stand) -> str:
    first: Connect = s.until(lambda: s.packets(Connect), "CONNECT")[0]
    hold(
        first.client_id == first.username == s.rid,
        f"client {first.client_id}, user {first.username}",
    )
    hold(first.clean, "the session is not clean")
    hold(1 <= first.keepalive <= 600, f"keep-alive {first.keepalive} s")
    return f"MQTT level {first.level}, keep-alive {first.keepalive} s"


@clause(
    "connect.will",
    "State",
    "Leaves a will: its own topic, QoS 1, retained, v, on 0 and the sid of this connection.",
)
def will(s: Stand) -> str:
    connects = s.packets(Connect)
    hold(bool(connects), "no CONNECT")
    last: Connect = connects[-1]
    hold(last.will_topic == messages.state_topic(s.rid), f"will topic {last.will_topic or 'none'}")
    hold(
        last.will_qos == 1 and last.will_retain, f"QoS {last.will_qos}, retained {last.will_retain}"
    )
    said = _state(last.will)
    hold(said.on == 0, f"the will says {last.will!r}")
    sid = s.state(lambda one: one.on == 1, "a state").sid
    hold(said.sid == sid, f"the will's sid is {said.sid}, the state's {sid}")
    return f"sid {said.sid}"


def _state(raw: bytes) -> State:
    try:
        return messages.decode(raw, State)
    except ValueError as error:
        raise Broken(f"{raw!r}: {error}") from error


@clause(
    "connect.subscribe",
    "Topics",
    "Subscribes its own dn/# on every connect, and else only sounds it fetches.",
)
def subscribe(s: Stand) -> str:
    s.until(lambda: _subscribed(s), "SUBSCRIBE")
    lines = {one.line for one in s.line.passed if isinstance(one.packet, Connect)}
    silent = lines - {one.line for one in s.line.passed if isinstance(one.packet, Subscribe)}
    hold(not silent - {s.line.lines}, f"no SUBSCRIBE on {len(silent)} of {len(lines)} connections")
    return ", ".join(sorted(_subscribed(s)))


def _subscribed(s: Stand) -> set[str]:
    filters = {name for one in s.packets(Subscribe) for name in one.filters}
    own = messages.down_topics(s.rid)
    foreign = [name for name in filters if name != own and not AUDIO.fullmatch(name)]
    foreign = [name for name in foreign if not name.startswith(own[:-1])]
    hold(not foreign, f"subscribes {foreign}")
    return filters


@clause("connect.birth", "State", "Says its state, QoS 1 and retained, when it is connected.")
def birth(s: Stand) -> str:
    births = [one for one in s.packets(Publish) if one.topic == messages.state_topic(s.rid)]
    hold(bool(births), "no state was published")
    first: Publish = births[0]
    hold(
        first.qos == 1 and first.retain,
        f"the first state has QoS {first.qos}, retained {first.retain}",
    )
    hold(all(one.retain for one in births), "a later state is not retained")
    return f"{len(births)} states so far"


@clause("state.schema", "State", "Every state fits its schema and is at most 1 KiB.")
def schema(s: Stand) -> str:
    said = s.state(lambda one: one.on == 1 and bool(one.jid), "a state that names the journal")
    hold("state.schema" not in s.evidence.faults, s.evidence.faults.get("state.schema", ""))
    return f"boot {said.boot}, firmware {said.fw or 'not said'}, {len(s.states[-1].raw)} bytes"


@clause(
    "state.change", "State", "A new revision is told within two seconds, whatever the heartbeat."
)
def change(s: Stand) -> str:
    plan = s.order(set=s.settings(hb=600))
    s.accepted(plan)
    s.state(lambda one: one.rev == plan.rev, "a state with the new rev", 2 + 2 * SLACK)
    return f"rev {plan.rev}"


@clause("state.heartbeat", "State", "Says its state every hb seconds, give or take a fifth.")
def heartbeat(s: Stand) -> str:
    plan = s.order(set=s.settings(hb=BEAT))
    s.accepted(plan)
    s.state(lambda one: one.rev == plan.rev, "a state with the new rev")
    first = len(s.states) - 1
    s.until(lambda: len(s.states) > first + 5, "five heartbeats", 5 * (1.2 * BEAT + 2 * SLACK))
    times = [one.at for one in s.states[first : first + 6]]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    busy = SLACK * s.patience
    hold(max(gaps) <= 1.2 * BEAT + 2 * busy, f"a pause of {max(gaps):.1f} s at hb {BEAT}")
    # Over four of them: after one that a busy machine held up, the next comes early, and rightly.
    four = times[5] - times[1]
    hold(four >= 4 * 0.8 * BEAT - busy, f"five states within {four:.1f} s at hb {BEAT}")
    return "pauses of " + ", ".join(f"{gap:.1f}" for gap in gaps) + " s"


@clause(
    "connect.again", "Topics", "Comes back by itself when the line breaks: a new sid, a new birth."
)
def again(s: Stand) -> str:
    before, line = s.state(lambda one: one.on == 1, "a state").sid, s.line
    lines = line.lines
    line.cut()
    s.until(lambda: line.lines > lines, "a new connection", 15)
    now = s.state(lambda one: one.on == 1 and one.sid != before, "a birth with another sid", 15)
    return f"sid {before} → {now.sid}"


@clause("connect.topics", "Topics", "Publishes only on its own up/state, up/evt and up/get.")
def topics(s: Stand) -> str:
    own = {messages.state_topic(s.rid), messages.events_topic(s.rid), messages.get_topic(s.rid)}
    foreign = {one.topic for one in s.packets(Publish)} - own
    hold(not foreign, f"published on {sorted(foreign)}")
    hold(not s.line.garbled, "sent what is no MQTT")
    events = [one for one in s.packets(Publish) if one.topic == messages.events_topic(s.rid)]
    hold(
        all(one.qos == 1 and not one.retain for one in events),
        "journals are not QoS 1, not retained",
    )
    return f"{len(events)} batches"


@clause(
    "connect.goodbye",
    "State",
    "Told to end, it ends within 10 s, and says on 0 with its sid before it goes.",
)
def goodbye(s: Stand) -> str:
    sid = s.state(lambda one: one.on == 1, "a state").sid
    s.stop()
    s.state(lambda one: one.on == 0, "a state with on 0", 5)
    hold(s.states[-1].state.sid == sid, f"on 0 says sid {s.states[-1].state.sid}, not {sid}")
    return "on 0"


LINK = Group(
    "link",
    (session, will, subscribe, birth, schema, change, heartbeat, again, topics, goodbye),
)
