from __future__ import annotations

import random
from pathlib import Path

import pytest
import sqlalchemy as sa

from devices import clones, messages
from devices.clones import Watch
from devices.link import Message
from devices.messages import State
from loa import audit
from loa.config import Config
from loa.core import Core
from loa.database import Database
from loa.times import HOUR, MINUTE, SECOND, Instant, after
from tests.cast import NOON, settle_in


class Box:
    """What a box says of itself over time; a copy of it goes on by itself from there."""

    def __init__(self, seed: int = 1, boot: int = 3, n: int = 40, line: str = "") -> None:
        self.random = random.Random(seed)
        self.boot, self.n, self.line = boot, n, line
        self.began = NOON
        self.sid = "first"

    def connect(self) -> Box:
        self.sid = f"{self.random.getrandbits(64):016x}"
        return self

    def power_cut(self, now: Instant) -> Box:
        self.boot, self.n, self.began = self.boot + 1, self.n + 1, now
        return self.connect()

    def copy(self, seed: int, now: Instant) -> Box:
        return Box(seed, self.boot, self.n, self.line + "copy").power_cut(now)

    def write(self, entries: int = 1) -> Box:
        self.n += entries
        return self

    def says(self, now: Instant) -> State:
        return State(
            on=1, sid=self.sid, boot=self.boot, jid="j1", n=self.n, head=f"{self.line}{self.n}",
            up=now - self.began, t=now, src="ntp",
        )  # fmt: skip


def at(seconds: float) -> Instant:
    return after(NOON, int(seconds * SECOND))


def test_a_box_with_a_bad_link_and_power_is_one_box() -> None:
    watch, box, chance = Watch(), Box(), random.Random(7)
    for step in range(2_000):
        now = at(30 * step)
        match chance.randrange(6):
            case 0:
                box.connect()
            case 1:
                box.power_cut(now)
            case 2:
                box.write(3)
        assert watch.look("r-1", box.says(now), now) is None, step


@pytest.mark.parametrize("writes", [0, 2])
def test_two_boxes_that_throw_each_other_out_are_found(writes: int) -> None:
    watch, one = Watch(), Box()
    watch.look("r-1", one.says(at(0)), at(0))
    two = one.copy(2, at(100))
    found = []
    for turn in range(6):
        box, now = (two, one)[turn % 2], at(120 + 20 * turn)
        found.append(watch.look("r-1", box.connect().write(writes).says(now), now))
    assert found[0] is None
    assert any(found[:4])


def test_a_session_that_comes_back_after_another_is_found() -> None:
    """Where a broker lets both be connected: each keeps its session, and the past of both may fit."""
    watch, one = Watch(), Box()
    found = []
    for turn in range(6):
        one.sid = ("a", "b")[turn % 2]
        now = at(30 * turn)
        found.append(watch.look("r-1", one.write().says(now), now))
    assert "session" in found


def test_what_a_broker_kept_is_no_second_box() -> None:
    """A broker started again hands out the state it had saved, perhaps several times; it is always the same."""
    watch, box = Watch(), Box()
    old = box.says(at(0))
    for turn in range(20):
        now = at(30 + 5 * turn)
        assert watch.look("r-1", box.connect().write().says(now), now) is None
        assert watch.look("r-1", old, now) is None


def test_a_message_sent_twice_within_a_connection_is_no_second_box() -> None:
    watch, box = Watch(), Box()
    states = [box.write().says(at(t)) for t in range(10)]
    for state in [*states, *reversed(states)]:
        assert watch.look("r-1", state, at(11)) is None


def test_what_was_said_long_ago_is_not_judged() -> None:
    watch, box = Watch(), Box()
    old = [box.connect().write().says(at(t)) for t in (0, 1, 2)]
    now = at(HOUR / SECOND)
    watch.look("r-1", box.connect().write().says(now), now)
    assert [watch.look("r-1", state, now) for state in old] == [None] * 3


def test_a_new_life_after_a_reset_begins_anew() -> None:
    watch, box = Watch(), Box()
    watch.look("r-1", box.write(50).says(at(0)), at(0))
    born = State(on=1, sid="x", boot=1, jid="j2", n=1, head="h", t=at(9), src="ntp")
    assert watch.look("r-1", born, at(9)) is None


def test_contradictions_hours_apart_are_chance() -> None:
    watch, one = Watch(), Box()
    watch.look("r-1", one.says(at(0)), at(0))
    two = one.copy(2, at(0))
    for hour in range(1, 4):
        now = after(NOON, hour * HOUR)
        watch.look("r-1", two.connect().says(now), now)
        assert watch.look("r-1", one.connect().says(now), now) is None


def test_the_alarm_stands_until_somebody_has_dealt_with_it(database: Database) -> None:
    with database.write() as session:
        settle_in(session)
        clones.alarm(session, "r-0000", "boot", NOON)
        clones.alarm(session, "r-0000", "journal", after(NOON, 30 * SECOND))
        clones.alarm(session, "r-0000", "journal", after(NOON, 2 * MINUTE))
        ((receiver, alarm),) = clones.standing(session)
        assert (receiver.id, alarm.why) == ("r-0000", "boot")
        assert (alarm.raised_at, alarm.seen_at) == (NOON, after(NOON, 2 * MINUTE))
        assert clones.settle(session, "r-0000", now=after(NOON, HOUR), by="quantri")
        assert clones.standing(session) == []
        assert not clones.settle(session, "r-0000", now=after(NOON, HOUR), by="quantri")
        clones.alarm(session, "r-0000", "boot", after(NOON, 2 * HOUR))
        assert clones.of_receiver(session, "r-0000").raised_at == after(NOON, 2 * HOUR)


class Silent:
    """A way to the broker that leads nowhere."""

    connected = True

    def publish(self, *_: object, **__: object) -> None:
        pass


def test_the_station_hears_both_and_tells_staff(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        settle_in(session)
    core = Core(Config(folder=tmp_path), database, Silent(), now=NOON)
    one = Box()
    boxes = (one, one.copy(2, at(1)))
    for turn in range(6):
        state = boxes[turn % 2].connect().says(at(20 * turn + 2))
        topic = messages.state_topic("r-0000")
        core.intake.take_in([Message(topic, messages.encode(state))], at(20 * turn + 2))
    core.close()
    with database.read() as session:
        ((receiver, _),) = clones.standing(session)
        kinds = session.scalars(sa.select(audit.AuditEntry.kind)).all()
    assert receiver.id == "r-0000"
    assert kinds.count("receiver.cloned") == 1
