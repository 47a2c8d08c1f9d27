"""What receivers and the broker say: sorted, checked, stored in one transaction, and only then answered.

Part of the station's work without threads, sockets or sleeps; ``loa.core`` is the other.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from devices import broker, clones, messages, receivers
from devices.blocks import BlockServer
from devices.heartbeats import Heartbeats
from devices.link import Connected, Disconnected, Incoming, Message, Published, Urgency
from devices.messages import Evack, State
from loa import audit
from loa.database import Database
from loa.publisher import Outlet, Publisher
from loa.times import MINUTE, Instant
from scheduler import plans, receipts
from scheduler.gate import Gate
from scheduler.plans import Parcel, Taken
from scheduler.receipts import Batch
from scheduler.turns import Nonces, StateQuota

log = logging.getLogger(__name__)
UNKEEPABLE = (DataError, IntegrityError, OverflowError)
"""What a database says of a value that it cannot hold."""
NOTED_EVERY = MINUTE
"""One that comes and goes is noted so often in the audit log; its presence follows each time."""


@dataclass(frozen=True)
class Needs:
    """What receivers ask for by what they say of themselves, and who sees to it."""

    nonces: Nonces
    blocks: BlockServer
    plan_soon: Callable[[], None]
    """Some need a plan, or the one they have once more."""
    nudge: Callable[[], None]
    """A tick is wanted at once."""
    tell_keys: Callable[[Mapping[str, int]], None]
    """Which version of the keys document each has."""


class Intake:
    """One thread at a time may call."""

    def __init__(
        self,
        database: Database, link: Outlet, publisher: Publisher, gate: Gate, needs: Needs,
        heartbeat: int,
    ) -> None:  # fmt: skip
        """``heartbeat``: ms between two of one receiver."""
        self._database, self._link, self._publisher, self._gate = database, link, publisher, gate
        self._needs, self._heartbeat = needs, heartbeat
        self._clones = clones.Watch()
        self._heartbeats = Heartbeats(heartbeat)
        self._state_quota = StateQuota()
        self._noted: dict[tuple[str, str], Instant] = {}
        """When the audit log was last told that a receiver came, or went."""
        self._came_back = False
        """The broker may have been emptied, and what it had is not yet published again."""

    def take_in(
        self,
        arrived: Sequence[Incoming],
        now: Instant,
        more: Callable[[], Sequence[Incoming]] = tuple,
    ) -> None:
        """Store what arrived in one transaction and answer it. Raises what the database raises: nothing is then
        acknowledged, so receivers send it again, and what the broker took is published again.

        While another writes, it looks at what ``more`` says has arrived meanwhile: all receivers answer an
        emergency while the plans for the last of them are written.
        """
        mail, batches = _Mail(), list[Batch]()
        try:
            if self._came_back:
                self._send_all_again(now)
            while arrived:
                # Noted first: sorting reads from the database, which may fail.
                self._came_back |= any(isinstance(each, Connected) for each in arrived)
                evidence = self._sort(arrived, now, mail)
                # While plans are made the interpreter is theirs.
                batches += self._gate.let_in(evidence, now, lend=not self._database.is_writing)
                arrived = more() if self._database.is_writing else ()
            answers = self._store(mail, batches, now)
        except Exception:  # whatever it was: nothing is stored, so all of it is published again
            self._publisher.forget()
            raise
        if mail.published:
            self._publisher.answered(parcel for parcel, _ in mail.published)
            self._publisher.refill(now)
        for rid, evack in answers.items():
            self._link.publish(
                messages.evack_topic(rid), messages.encode(evack), qos=1, urgency=Urgency.EVACK
            )
        self._gate.verifiers.rest(now)

    def is_due(self, now: Instant) -> bool:
        """Whether ``take_in`` is to be called though nothing has arrived."""
        return self._came_back or self._heartbeats.due(now)

    def _sort(
        self, arrived: Sequence[Incoming], now: Instant, mail: _Mail
    ) -> list[tuple[str, bytes]]:
        """Add these to the mail, but for pairs of receiver and batch: those are returned."""
        evidence: list[tuple[str, bytes]] = []
        keys = self._gate.keys.of(_sender(m.topic)[0] for m in arrived if isinstance(m, Message))
        for each in arrived:
            match each:
                case Published(token=Parcel() as parcel):
                    mail.published.append((parcel, each.refused))
                case Connected():
                    self._link_changed(each, now)
                    mail.published.clear()  # a broker that was emptied meanwhile has none of it
                case Disconnected():
                    self._link_changed(each, now)
                case Message(topic, payload):
                    rid, kind = _sender(topic)
                    if rid in keys and kind == "evt":
                        evidence.append((rid, payload))
                    elif rid in keys:
                        self._sort_message(mail, rid, kind, payload, now)
                    elif rid not in broker.CANARIES:  # the station's own look at its broker
                        log.warning(
                            "message on %s from a receiver this station does not know", topic
                        )
        return evidence

    def _sort_message(self, mail: _Mail, rid: str, kind: str, payload: bytes, now: Instant) -> None:
        if kind == "get":
            self._needs.blocks.asked(rid, payload, now)
        elif kind == "state" and len(payload) <= messages.MAX_STATE_BYTES:
            if not self._state_quota.admit(rid, now):
                return
            try:
                state = messages.decode(payload, State)
            except msgspec.DecodeError as error:
                log.warning("dropped a message on %s: %s", messages.state_topic(rid), error)
                return
            if rid in mail.states or not self._heartbeats.hold(rid, state, now):
                mail.states[rid] = _merge(mail.states.get(rid), state)

    def _store(self, mail: _Mail, batches: list[Batch], now: Instant) -> dict[str, Evack]:
        """One transaction for all that arrived; what it returns may be said once it is committed."""
        alarms = self._gate.quota.alarms(now) + self._state_quota.alarms(now)
        notes = [*self._waited(mail, now), mail]
        if not (any(each.states for each in notes) or batches or mail.published or alarms):
            return {}
        with self._database.write() as session:
            answers = receipts.record(session, batches, now)
            taken = [Taken(p.receiver_id, p.rev, refused) for p, refused in mail.published]
            plans.published(session, taken, now)
            for each in notes:
                if each.states:
                    answers.update(self._note_all_states(session, each, answers, now))
            for alarm in alarms:
                audit.append(
                    session, now, alarm.receiver_id, "receiver.flooding",
                    dropped=alarm.dropped, forged=alarm.forged,
                )  # fmt: skip
        return answers

    def _waited(self, mail: _Mail, now: Instant) -> list[_Mail]:
        """Heartbeats that waited long enough; all of them before a will, for what it ends was heard until then."""
        if self._heartbeats.due(now) or not all(state.on for state in mail.states.values()):
            states, heard = self._heartbeats.take()
            return [_Mail(states=states, heard=heard)]
        return []

    def _note_all_states(
        self, session: Session, mail: _Mail, answered: Collection[str], now: Instant
    ) -> dict[str, Evack]:
        """What to answer receivers not ``answered`` yet. What one says and no database can keep costs only its own."""
        try:
            with session.begin_nested():
                return self._note_states(session, mail, answered, now)
        except UNKEEPABLE:
            log.exception("states could not be stored together; storing them one at a time")
        answers: dict[str, Evack] = {}
        for rid, state in mail.states.items():
            one = _Mail(states={rid: state}, heard=mail.heard)
            try:
                with session.begin_nested():
                    answers |= self._note_states(session, one, answered, now)
            except UNKEEPABLE as error:
                log.warning("dropped a message on %s: %s", messages.state_topic(rid), error)
        return answers

    def _note_states(
        self, session: Session, mail: _Mail, answered: Collection[str], now: Instant
    ) -> dict[str, Evack]:
        states, answers = mail.states, dict[str, Evack]()
        online = {rid: state for rid, state in states.items() if state.on}
        changed = receivers.note_states(session, states, now, self._heartbeat, mail.heard)
        self._note_needs(online, now)
        kinds = {1: "receiver.online", 0: "receiver.offline"}
        self._note_in_log(session, [(rid, kinds[states[rid].on]) for rid in changed], now)
        for rid, state in states.items():
            if why := self._clones.look(rid, state, mail.heard.get(rid, now)):
                clones.alarm(session, rid, why, now)
        kept = receipts.acknowledged(session, online)
        for rid, state in online.items():
            if rid not in answered and state.jid:
                upto = kept.get((rid, state.jid), 0)
                if upto != state.acked or state.n > upto:
                    # Told more than we hold, it has outlived a restore; holding more than we do, it has sent
                    # what never reached us. Either way it sends again from where we are.
                    answers[rid] = Evack(jid=state.jid, upto=upto, rw=state.acked > upto)
        if plans.compare_revisions(session, {rid: s.rev for rid, s in online.items()}, now):
            self._publisher.look()
            self._needs.plan_soon()
        else:
            asking = [rid for rid, state in online.items() if state.nonce]
            self._heartbeats.settled(online, but=[*answers, *answered, *asking])
        return answers

    def _note_in_log(self, session: Session, acts: Sequence[tuple[str, str]], now: Instant) -> None:
        """Log who came or went, each of both at most once a minute for one receiver."""
        never = Instant(-NOTED_EVERY)
        new = [act for act in acts if not 0 <= now - self._noted.get(act, never) < NOTED_EVERY]
        if new:
            audit.append_all(session, now, new)
        self._noted.update(dict.fromkeys(new, now))

    def _note_needs(self, online: Mapping[str, State], now: Instant) -> None:
        """Receivers with old keys are told the new ones; those that ask for the time get a plan at once."""
        self._needs.tell_keys({rid: state.kv for rid, state in online.items()})
        if self._needs.nonces.said({rid: state.nonce for rid, state in online.items()}, now):
            self._needs.nudge()

    def _link_changed(self, change: Connected | Disconnected, now: Instant) -> None:
        self._publisher.forget()
        if isinstance(change, Disconnected):
            log.warning("link lost: %s", change.why)
            return
        if not change.resubscribed:
            log.error(
                "the broker refused our subscription: no receiver can be heard; check its access list"
            )
        self._send_all_again(now)

    def _send_all_again(self, now: Instant) -> None:
        with self._database.write() as session:
            again = plans.republish(session, now)
            audit.append(session, now, audit.SYSTEM, "link.connected", plans_again=again)
        self._came_back = False
        self._publisher.look()  # only now: a tick that looked before this was committed saw none of them
        self._needs.nudge()


@dataclass
class _Mail:
    """What arrived, sorted. Of several states of a receiver the last counts."""

    states: dict[str, State] = field(default_factory=dict)
    heard: dict[str, Instant] = field(default_factory=dict)
    """When those states were heard that were not heard just now."""
    published: list[tuple[Parcel, str | None]] = field(default_factory=list)
    """What the broker answered, each with its reason where it refused."""


def _sender(topic: str) -> tuple[str, str]:
    """(receiver id, kind) of loa/1/<rid>/up/<kind>; empty for any other."""
    parts = topic.split("/")
    # One string for all that is remembered of a receiver, rather than one from each message.
    return (sys.intern(parts[2]), parts[4]) if len(parts) == 5 else ("", "")


def _merge(before: State | None, state: State) -> State:
    """The later of two states in one batch; a will of an older connection does not undo a birth."""
    return before if before and state.on == 0 and state.sid != before.sid else state
