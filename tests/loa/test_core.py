"""The station's work with a link that only takes note: what leaves when, what waits, and what a failure leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices import messages, receivers, signing
from devices.link import Connected, Incoming, Message, Published, Urgency
from devices.messages import Evack, State
from devices.receivers import Presence
from loa import config, publisher
from loa.audit import AuditEntry
from loa.core import ALARM_LASTS, Core
from loa.database import Database
from loa.times import MINUTE, SECOND, Instant, after
from scheduler import (
    alert_consent,
    alert_orders,
    alerts,
    dispatcher,
    plans,
    receipts,
    schedules,
    turns,
)
from scheduler.alert_orders import Order
from scheduler.broadcasts import Delivery, DeliveryState
from scheduler.plans import Outgoing, Parcel
from scheduler.receipts import Batch
from scheduler.schedules import Kind, Rule
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast, another_approver, approved_bulletin, give_sound, settle_in
from tests.scheduler.test_receipts import Pole


@dataclass
class Note:
    topic: str
    payload: bytes
    urgency: Urgency
    token: object


@dataclass
class Paper:
    """A link that writes down what it is given."""

    connected: bool = True
    notes: list[Note] = field(default_factory=list)

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool = False,
        urgency: Urgency = Urgency.PLAN, token: object = None,
    ) -> None:  # fmt: skip
        self.notes.append(Note(topic, payload, urgency, token))

    def take(self, kind: str = "plan") -> list[Note]:
        """What was published on such topics since last asked; the rest is forgotten."""
        taken = [note for note in self.notes if note.topic.endswith(f"/{kind}")]
        self.notes.clear()
        return taken


@dataclass
class Station:
    core: Core
    link: Paper
    database: Database
    cast: Cast

    def broadcast(self, at: time = time(17), **fields: object) -> None:
        with self.database.write() as session:
            bulletin = approved_bulletin(session, self.cast, **fields)
            rule = Rule(
                kind=Kind.ONCE, at=at, start_date=date(2026, 11, 21), area_ids=(self.cast.commune.id,)
            )  # fmt: skip
            schedules.add(session, bulletin, self.cast.hoa, rule, now=NOON, zone=ZONE)
        self.core.changed()

    def say(self, rid: str, **changes: object) -> Message:
        state = State(**{"on": 1, "sid": "s", "t": NOON, "src": "ntp", **changes})
        return Message(messages.state_topic(rid), messages.encode(state))


def answered(notes: list[Note]) -> list[Incoming]:
    return [Published(note.token) for note in notes]


def states(database: Database) -> set[DeliveryState]:
    with database.read() as session:
        return set(session.scalars(sa.select(Delivery.state)))


def acts(database: Database, kind: str) -> list[AuditEntry]:
    with database.read() as session:
        found = sa.select(AuditEntry).where(AuditEntry.kind == kind).order_by(AuditEntry.n)
        return list(session.scalars(found))


@pytest.fixture
def station(database: Database, tmp_path: Path) -> Iterator[Station]:
    (tmp_path / "config.toml").write_text("[station]\nname = 'Mẫu'\n[regulation]\nquiet = []\n")
    with database.write() as session:
        cast = settle_in(session, 6)
    link = Paper()
    core = Core(config.load(tmp_path / "config.toml"), database, link, now=NOON)
    core.begin()
    yield Station(core, link, database, cast)
    core.close()


def test_plans_leave_with_the_tick_that_makes_them_and_are_sent_once_answered(
    station: Station,
) -> None:
    station.broadcast()
    station.core.tick(NOON)
    notes = station.link.take()
    assert len(notes) == 6
    assert states(station.database) == {DeliveryState.PLANNED}
    station.core.tick(after(NOON, SECOND))
    assert station.link.take() == []  # they are with the link
    station.core.intake.take_in(answered(notes), after(NOON, SECOND))
    assert states(station.database) == {DeliveryState.SENT}
    station.core.tick(after(NOON, 40 * SECOND))
    assert station.link.take() == []


def test_the_link_is_fed_as_it_answers_and_not_once_a_second(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "ROOM", {True: 1, False: 2})
    monkeypatch.setattr(publisher, "LOW", 2)
    station.core.tick(NOON)
    seen: list[str] = []
    notes = station.link.take()
    while notes:
        assert len(notes) <= 2
        seen += [note.topic for note in notes]
        station.core.intake.take_in(answered(notes), NOON)
        notes = station.link.take()
    assert sorted(seen) == [messages.plan_topic(f"r-{n:04d}") for n in range(6)]


def test_an_emergency_does_not_wait_for_room(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "ROOM", {True: 10, False: 2})
    station.core.tick(NOON)
    assert len(station.link.take()) == 2
    station.broadcast(priority=Priority.EMERGENCY, at=time(12, 1))
    station.core.tick(after(NOON, SECOND))
    notes = station.link.take()
    assert [note.urgency for note in notes] == [Urgency.EMERGENCY] * 6


def test_what_the_broker_forgot_comes_again_at_a_bounded_rate_behind_what_is_new(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.core.tick(NOON)
    station.core.intake.take_in(answered(station.link.take()), NOON)
    monkeypatch.setattr(publisher, "AGAIN_A_SECOND", 2)
    station.core._publisher._allowance = 2.0
    station.core.intake.take_in([Connected()], after(NOON, 1))
    assert len(acts(station.database, "link.connected")) == 1
    with station.database.write() as session:
        receivers.mark_stale(session, ["r-0005"])
        receiver = receivers.get(session, "r-0005")
        receiver.volume = 10
    station.core.changed()
    station.core.tick(after(NOON, 2))
    assert [note.topic.split("/")[2] for note in station.link.take()] == ["r-0000", "r-0001", "r-0005"]  # fmt: skip
    station.core.tick(after(NOON, 3))
    assert station.link.take() == []
    station.core.tick(after(NOON, 1002))
    assert [note.topic.split("/")[2] for note in station.link.take()] == ["r-0002", "r-0003"]


def test_what_a_broker_took_before_the_link_came_back_is_sent_again(station: Station) -> None:
    """Though both are heard of together: it may have been emptied in between."""
    station.core.tick(NOON)
    notes = station.link.take()
    station.core.intake.take_in([*answered(notes), Connected()], NOON)
    station.core.tick(after(NOON, SECOND))
    assert {note.topic for note in station.link.take()} == {note.topic for note in notes}


def test_plans_for_an_emptied_broker_leave_though_a_tick_looked_before_they_were_stored(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.core.tick(NOON)
    notes = station.link.take()
    station.core.intake.take_in(answered(notes), NOON)
    real = plans.republish

    def amid_a_tick(session: Session, now: Instant) -> int:
        again = real(session, now)
        station.core._publisher.fill(now)
        return again

    monkeypatch.setattr("scheduler.plans.republish", amid_a_tick)
    station.core.intake.take_in([Connected()], after(NOON, 1))
    assert station.link.take() == []
    station.core.tick(after(NOON, SECOND))
    assert len(station.link.take()) == len(notes)


def test_a_broker_that_came_back_while_nothing_could_be_stored_is_given_all_plans_later(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.core.tick(NOON)
    notes = station.link.take()
    station.core.intake.take_in(answered(notes), NOON)
    with monkeypatch.context() as patch:
        patch.setattr("scheduler.plans.republish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            station.core.intake.take_in([Connected()], NOON)
    assert station.core.intake.is_due(NOON)
    station.core.intake.take_in([], after(NOON, SECOND))
    assert len(acts(station.database, "link.connected")) == 1
    assert not station.core.intake.is_due(NOON)
    station.core.tick(after(NOON, SECOND))
    assert len(station.link.take()) == len(notes)


def test_nor_is_it_forgotten_where_the_receivers_keys_could_not_be_read(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.core.tick(NOON)
    notes = station.link.take()
    station.core.intake.take_in(answered(notes), NOON)
    with monkeypatch.context() as patch:
        patch.setattr(station.core._gate.keys, "of", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            station.core.intake.take_in([Connected()], NOON)
    station.core.intake.take_in([], after(NOON, SECOND))
    station.core.tick(after(NOON, SECOND))
    assert len(station.link.take()) == len(notes)


def test_what_was_never_answered_is_given_to_the_link_again(station: Station) -> None:
    station.core.tick(NOON)
    assert len(station.link.take()) == 6
    station.core.tick(after(NOON, publisher.GIVEN_UP_AFTER - 1))
    assert station.link.take() == []
    station.core.tick(after(NOON, publisher.GIVEN_UP_AFTER))
    assert len(station.link.take()) == 6


def test_an_alarm_leaves_before_anything_else_is_planned(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.core.tick(NOON)
    station.link.take()
    everywhere = Where((station.cast.commune.id,))
    with station.database.write() as session:
        order = Order(
            where=everywhere, expires_at=after(NOON, 60 * MINUTE), every_ms=10 * MINUTE,
            title="Lũ", body="Nước lên. Chạy ngay.",
        )  # fmt: skip
        alert = alert_orders.prepare(session, station.cast.hoa, order, NOON, ZONE)
        give_sound(session, alert.bulletin)
        alert_id = alert.id
    station.core.changed()
    station.core.tick(NOON)
    station.link.take()
    with station.database.write() as session:
        alert = alerts.get(session, alert_id)
        heard = list(alert.bulletin.sounds.values())
        for person in (station.cast.minh, another_approver(session)):
            alert_consent.agree(session, alert, person, heard, NOON, ZONE)
    planned: list[int] = []
    monkeypatch.setattr("scheduler.planner.plan", lambda *_: planned.append(1))
    station.core.changed()
    station.core.tick(after(NOON, SECOND))
    notes = station.link.take()
    assert len(notes) == 6
    for note in notes:
        plan = messages.decode(signing.payload(note.payload), messages.Plan)
        assert [each.cls for each in plan.occ] == ["E"] * 6
    assert planned == []
    for seconds in (2, 3):  # nobody has said that anything changed since
        assert planned == []
        station.core.tick(after(NOON, seconds * SECOND))
    assert planned == [1]


def test_what_else_is_planned_waits_for_alarms_two_ticks_and_no_longer(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where somebody is to be told of an alarm at each."""
    planned: list[int] = []
    monkeypatch.setattr("scheduler.planner.plan", lambda *_: planned.append(1))
    monkeypatch.setattr(dispatcher, "dispatch_urgent", lambda *_: dispatcher.Served(1, 1))
    counts = []
    for seconds in range(6):
        station.core.changed()
        station.core.tick(after(NOON, seconds * SECOND))
        counts.append(len(planned))
    assert counts == [0, 0, 1, 1, 1, 2]


def test_nothing_is_handed_to_a_link_that_is_down(station: Station) -> None:
    station.link.connected = False
    station.core.tick(NOON)
    assert station.link.notes == []
    station.link.connected = True
    station.core.tick(after(NOON, SECOND))
    assert len(station.link.take()) == 6


def test_evidence_is_acknowledged_only_once_it_is_stored(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    pole = Pole("r-0000", station.cast.keys["r-0000"])
    pole.write("", "boot", NOON, why="power")
    arrived: list[Incoming] = [Message(messages.events_topic("r-0000"), pole.batch())]
    with monkeypatch.context() as patch:
        patch.setattr("scheduler.plans.published", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            station.core.intake.take_in(arrived, NOON)
        assert station.link.notes == []
    station.core.intake.take_in(arrived, NOON)
    (evack,) = station.link.take("evack")
    assert messages.decode(evack.payload, Evack) == Evack(jid="j1", upto=1)


def test_while_another_writes_what_arrives_is_looked_at_and_stored_together(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    poles = {rid: Pole(rid, key) for rid, key in station.cast.keys.items()}
    for pole in poles.values():
        pole.write("", "boot", NOON, why="power")
    waiting = [Message(messages.events_topic(rid), pole.batch()) for rid, pole in poles.items()]
    writes: list[int] = []
    real = receipts.record

    def note(session: Session, batches: list[Batch], now: Instant) -> dict[str, Evack]:
        writes.append(len(batches))
        return real(session, batches, now)

    monkeypatch.setattr("scheduler.receipts.record", note)
    monkeypatch.setattr(type(station.database), "is_writing", True)
    station.core.intake.take_in([waiting.pop()], NOON, lambda: [waiting.pop()] if waiting else [])
    monkeypatch.setattr(type(station.database), "is_writing", False)
    assert writes == [len(poles)]
    assert len(station.link.take("evack")) == len(poles)
    poles["r-0000"].write("", "clock", NOON, step_ms=1)
    again = Message(messages.events_topic("r-0000"), poles["r-0000"].batch())
    station.core.intake.take_in([again], NOON, lambda: pytest.fail("nobody writes"))
    assert writes == [len(poles), 1]


def test_a_commit_that_fails_has_every_plan_published_again(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.core.tick(NOON)
    notes = station.link.take()
    with monkeypatch.context() as patch:
        patch.setattr("scheduler.plans.published", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            station.core.intake.take_in(answered(notes), NOON)
    station.core.tick(after(NOON, SECOND))
    assert len(station.link.take()) == 6


def test_answers_that_could_not_be_looked_at_have_every_plan_published_again(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.core.tick(NOON)
    notes = station.link.take()
    pole = Pole("r-0000", station.cast.keys["r-0000"])
    pole.write("", "boot", NOON, why="power")
    evidence = Message(messages.events_topic("r-0000"), pole.batch())
    with monkeypatch.context() as patch:
        patch.setattr("scheduler.receipts.read", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            station.core.intake.take_in([*answered(notes), evidence], NOON)
    station.core.tick(after(NOON, SECOND))
    assert len(station.link.take()) == 6


def test_answers_stored_a_moment_late_publish_nothing_twice(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While others write, they are stored at the time when the first came; a tick may have gone by since."""
    monkeypatch.setattr(publisher, "ROOM", {True: 1, False: 4})
    station.core.tick(after(NOON, SECOND))
    notes = station.link.take()
    station.core.intake.take_in(answered(notes[:1]), NOON)
    later = station.link.take()
    assert len(later) == 1
    assert {note.topic for note in later}.isdisjoint(note.topic for note in notes)


def test_a_tick_that_began_before_others_were_published_gives_none_of_them_up(
    station: Station,
) -> None:
    station.core.tick(after(NOON, SECOND))
    assert len(station.link.take()) == 6
    station.core._publisher.look()
    station.core._publisher.fill(NOON)
    assert station.link.take() == []


def test_thousands_come_online_in_one_transaction_and_each_is_in_the_log(station: Station) -> None:
    rids = [f"r-{number:04d}" for number in range(6)]
    station.core.intake.take_in([station.say(rid) for rid in rids], NOON)
    assert [each.actor for each in acts(station.database, "receiver.online")] == rids
    station.core.intake.take_in([station.say(rid) for rid in rids], after(NOON, MINUTE))
    will = Message(messages.state_topic("r-0003"), messages.encode(State(on=0, sid="s")))
    old = Message(messages.state_topic("r-0004"), messages.encode(State(on=0, sid="before")))
    station.core.intake.take_in([will, old], after(NOON, 2 * MINUTE))
    assert [each.actor for each in acts(station.database, "receiver.offline")] == ["r-0003"]
    with station.database.read() as session:
        seen = {p.receiver_id: p for p in session.scalars(sa.select(Presence))}
    assert [rid for rid in rids if seen[rid].is_online(after(NOON, 2 * MINUTE))] == [
        rid for rid in rids if rid != "r-0003"
    ]
    station.core.intake.take_in([station.say("r-0003", sid="t")], after(NOON, 3 * MINUTE))
    with station.database.read() as session:
        back = session.get(Presence, "r-0003")
    assert back is not None
    assert (back.sid, back.lost_at, back.online_since) == (
        "t",
        after(NOON, MINUTE),
        after(NOON, 3 * MINUTE),
    )


def test_one_that_floods_is_named_in_the_log(station: Station) -> None:
    pole = Pole("r-0000", station.cast.keys["r-0000"])
    pole.write("", "boot", NOON)
    batch = Message(messages.events_topic("r-0000"), pole.batch())
    for _ in range(80):
        station.core.intake.take_in([batch] * 4, NOON)
    (named,) = acts(station.database, "receiver.flooding")
    assert named.actor == "r-0000"


def test_what_the_wire_itself_writes_is_no_news(station: Station) -> None:
    core = station.core
    assert core.has_news(NOON)
    core.tick(NOON)
    assert not core.has_news(NOON)
    core.intake.take_in([station.say("r-0000", rev=NOON)], NOON)
    assert not core.has_news(NOON)
    station.broadcast()
    assert core.has_news(NOON)
    core.tick(NOON)
    with station.database.write() as session:
        receivers.mark_stale(session, ["r-0001"])
    assert core.has_news(NOON)


def test_a_broadcast_is_held_again_only_against_what_has_changed(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.broadcast()
    station.core.tick(NOON)
    looked_at: list[object] = []
    real = __import__("scheduler.upkeep", fromlist=["_keep_one"])._keep_one

    def note(*arguments: object) -> None:
        looked_at.append(arguments[1])
        real(*arguments)

    monkeypatch.setattr("scheduler.upkeep._keep_one", note)
    for second in range(1, 4):
        station.core.changed()
        station.core.tick(after(NOON, second * SECOND))
    assert looked_at == []
    with station.database.write() as session:
        receivers.retire(session, receivers.get(session, "r-0000"), now=NOON, by="test")
    station.core.changed()
    station.core.tick(after(NOON, 5 * SECOND))
    assert len(looked_at) == 1


def test_many_are_served_some_at_a_time_and_the_first_plans_leave_before_the_last_are_made(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "AT_ONCE", 2)
    waiting = []
    real = dispatcher.dispatch_some

    def note(*arguments: object) -> dispatcher.Served:
        waiting.append(len(station.link.notes))
        return real(*arguments)

    monkeypatch.setattr(dispatcher, "dispatch_some", note)
    station.core.tick(NOON)
    assert waiting == [0, 2, 4, 6]
    with station.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Outgoing)) == 6
    assert all(isinstance(note.token, Parcel) for note in station.link.take())


def test_it_says_while_plans_for_many_leave_until_the_broker_has_answered_for_the_last(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "AT_ONCE", 2)
    assert not station.core.gives_many(NOON)
    station.core.tick(NOON)
    notes = station.link.take()
    station.core.intake.take_in(answered(notes[:-1]), NOON)
    assert station.core.gives_many(NOON)
    station.core.intake.take_in(answered(notes[-1:]), NOON)
    assert not station.core.gives_many(NOON)


def test_plans_for_few_are_not_many(station: Station) -> None:
    station.core.tick(NOON)
    assert station.link.take()
    assert not station.core.gives_many(NOON)


def test_while_an_alarm_lasts_what_receivers_say_waits_for_no_plans(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "AT_ONCE", 2)
    station.broadcast(priority=Priority.EMERGENCY, at=time(12, 1))
    later = after(NOON, SECOND)
    station.core.tick(later)
    assert Urgency.EMERGENCY in {note.urgency for note in station.link.notes}
    assert not station.core.gives_many(later)
    assert station.core.gives_many(after(later, ALARM_LASTS))


def test_an_instant_is_what_the_publisher_goes_by(station: Station) -> None:
    """A clock set back neither holds a plan back nor sends one twice."""
    station.core.tick(NOON)
    notes = station.link.take()
    station.core.intake.take_in(answered(notes), Instant(NOON - 60 * MINUTE))
    station.core.tick(Instant(NOON - 60 * MINUTE))
    assert station.link.take() == []


def test_what_no_database_can_keep_is_refused_as_it_is_read(station: Station) -> None:
    told = [{"ready": 2**31}, {"want": 2**40}, {"can": 2**31}, {"disk": 1.5}, {"jid": "\0"}]
    for wrong in told:
        station.core.intake.take_in([station.say("r-0000", **wrong), station.say("r-0001")], NOON)
    assert [each.actor for each in acts(station.database, "receiver.online")] == ["r-0001"]


def test_a_state_that_cannot_be_stored_costs_nobody_else_anything(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = receivers.note_states

    def refuse(session, states, *arguments):
        real(session, states, *arguments)
        if "r-0001" in states:
            raise DataError("UPDATE", {}, Exception("integer out of range"))
        return list(states)

    monkeypatch.setattr(receivers, "note_states", refuse)
    pole = Pole("r-0003", station.cast.keys["r-0003"])
    pole.write("", "boot", NOON, why="power")
    evidence = Message(messages.events_topic("r-0003"), pole.batch())
    told = [station.say(f"r-000{n}", jid="j", n=n) for n in range(3)]
    station.core.intake.take_in([evidence, *told], NOON)
    online = [each.actor for each in acts(station.database, "receiver.online")]
    assert online == ["r-0000", "r-0002"]
    evacks = [note.topic.split("/")[2] for note in station.link.take("evack")]
    assert evacks == ["r-0003", "r-0002"]
    with station.database.read() as session:
        assert list(session.scalars(sa.select(Presence.receiver_id))) == ["r-0000", "r-0002"]


def nonces_in(notes: list[Note]) -> dict[str, str]:
    """The newest plan's, of each receiver that was sent one."""
    plans_sent = {note.topic.split("/")[2]: note.payload for note in notes}
    return {
        rid: messages.decode(signing.payload(jws), messages.Plan).nz
        for rid, jws in plans_sent.items()
    }


def test_an_alarm_in_the_same_tick_says_the_time_as_well(station: Station) -> None:
    """Its plan takes the place of the one that was made to say it."""
    station.core.tick(NOON)
    station.core.intake.take_in(answered(station.link.take()), NOON)
    asked = "ab" * 16
    station.core.intake.take_in([station.say("r-0000", nonce=asked)], after(NOON, SECOND))
    station.broadcast(priority=Priority.EMERGENCY, at=time(12, 1))
    station.core.tick(after(NOON, SECOND))
    said = nonces_in(station.link.take())
    assert said.pop("r-0000") == asked
    assert list(said.values()) == [""] * 5


def test_the_time_that_could_not_be_said_is_said_with_the_next_tick(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.core.tick(NOON)
    station.core.intake.take_in(answered(station.link.take()), NOON)
    asked = "cd" * 16
    station.core.intake.take_in([station.say("r-0000", nonce=asked)], after(NOON, SECOND))
    with monkeypatch.context() as patch:
        patch.setattr(dispatcher, "dispatch_nonces", lambda *_: 1 / 0)
        station.core.tick(after(NOON, SECOND))
    assert nonces_in(station.link.take()) == {}
    station.core.tick(after(NOON, 2 * SECOND))
    assert nonces_in(station.link.take()) == {"r-0000": asked}


def test_a_change_is_not_forgotten_where_nobody_can_say_whether_to_stop(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.core.tick(NOON)
    station.core.intake.take_in(answered(station.link.take()), NOON)
    station.broadcast(priority=Priority.EMERGENCY, at=time(12, 1))
    with monkeypatch.context() as patch:
        patch.setattr(station.core, "_stop", lambda: 1 / 0)
        station.core.tick(after(NOON, SECOND))
    assert station.link.take() == []
    station.core.tick(after(NOON, 2 * SECOND))
    assert len(station.link.take()) == 6


def test_one_that_asks_for_the_time_without_end_gets_few_plans_and_nobody_is_planned_for_it(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.core.tick(NOON)
    station.core.intake.take_in(answered(station.link.take()), NOON)
    monkeypatch.setattr("scheduler.planner.plan", lambda *_: pytest.fail("planned"))
    answers = []
    for second in range(1, 26):
        now = after(NOON, second * SECOND)
        station.core.intake.take_in([station.say("r-0000", nonce=f"{second:032x}", t=now)], now)
        station.core.tick(now)
        answers += [second] * len(station.link.take())
    assert answers == [1, 11, 21]


def test_answers_in_a_row_come_ever_more_rarely_and_rest_makes_good(station: Station) -> None:
    nonces = turns.Nonces()

    def answered_at(seconds: range) -> list[int]:
        found = []
        for second in seconds:
            nonces.said({"r": "ab"}, after(NOON, second * SECOND))
            found += [second] * len(nonces.take(after(NOON, second * SECOND)))
        return found

    assert answered_at(range(160)) == [0, 10, 20, 30, 50, 90]
    assert answered_at(range(5000, 5015)) == [5000, 5010]
    nonces.said({"r": "cd"}, after(NOON, 5016 * SECOND))
    nonces.said({"r": ""}, after(NOON, 5017 * SECOND))  # it knows by now
    assert nonces.take(after(NOON, 5030 * SECOND)) == {}


def test_one_that_comes_and_goes_fills_no_log_but_its_presence_follows(station: Station) -> None:
    for half in range(20):
        now = after(NOON, half * 500)
        station.core.intake.take_in([station.say("r-0000", on=(half + 1) % 2, t=now)], now)
    assert len(acts(station.database, "receiver.online")) == 1
    assert len(acts(station.database, "receiver.offline")) == 1
    with station.database.read() as session:
        assert not session.get_one(Presence, "r-0000").online
    station.core.intake.take_in([station.say("r-0000")], after(NOON, 2 * MINUTE))
    assert len(acts(station.database, "receiver.online")) == 2


def test_states_beyond_a_receivers_share_are_dropped_and_it_is_named(station: Station) -> None:
    told = [station.say("r-0000", rev=rev) for rev in range(1, 31)]
    station.core.intake.take_in([*told, station.say("r-0001")], NOON)
    with station.database.read() as session:
        assert session.get_one(Presence, "r-0000").rev == turns.STATES
        assert session.get(Presence, "r-0001") is not None
    (named,) = acts(station.database, "receiver.flooding")
    assert named.actor == "r-0000"
    station.core.intake.take_in([station.say("r-0000", rev=99)], after(NOON, SECOND))
    with station.database.read() as session:
        assert session.get_one(Presence, "r-0000").rev == 99


def test_an_emergency_committed_meanwhile_leaves_before_the_rest_is_signed(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "AT_ONCE", 2)
    real, rounds = dispatcher.dispatch_some, []

    def press(*arguments: object) -> dispatcher.Served:
        served = real(*arguments)
        rounds.append(len([n for n in station.link.notes if n.urgency is Urgency.EMERGENCY]))
        return served

    def commit() -> bool:
        if len(rounds) == 1 and not acts(station.database, "schedule.add"):
            station.broadcast(priority=Priority.EMERGENCY, at=time(12, 1))
        return False

    monkeypatch.setattr(dispatcher, "dispatch_some", press)
    station.core._stop = commit
    station.core.tick(NOON)
    assert max(rounds) > 0, "none left before the tick's last round"


def test_without_the_lease_the_rest_is_left(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "AT_ONCE", 2)
    real, rounds = dispatcher.dispatch_some, []

    def note(*arguments: object) -> dispatcher.Served:
        rounds.append(1)
        return real(*arguments)

    monkeypatch.setattr(dispatcher, "dispatch_some", note)
    station.core._stop = lambda: bool(rounds)
    station.core.tick(NOON)
    assert len(rounds) == 1
