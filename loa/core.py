"""The station's work on the wire without threads, sockets or sleeps: told what time it is and what came in.

Each second it plans, signs, hands what waits to the link and ends vain waits; what receivers say it stores, and
only then acknowledges. ``loa.station`` gives it threads and a broker; a test gives it the worst of both.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from content import recordings
from devices import broker, clones, keyring, messages, receivers, trust
from devices.blocks import BlockServer
from devices.heartbeats import Heartbeats
from devices.link import Connected, Disconnected, Incoming, Message, Published, Urgency
from devices.messages import Evack, State
from loa import audit
from loa.config import Config
from loa.database import Database
from loa.publisher import Outlet, Publisher
from loa.times import HOUR, MINUTE, SECOND, Instant
from scheduler import dispatcher, planner, plans, receipts, regulation, watch
from scheduler.dispatcher import Terms
from scheduler.evidence import checkpoints, station_keys
from scheduler.gate import Gate
from scheduler.planner import Rules
from scheduler.plans import Parcel, Taken
from scheduler.receipts import Batch
from scheduler.turns import Nonces, StateQuota

log = logging.getLogger(__name__)
PLAN_EVERY = 30 * SECOND
"""Upkeep of the plans when nothing was committed meanwhile."""
EXPIRE_EVERY = 5 * SECOND
"""So often vain waits, of minutes and more, are ended."""
FAILING_SECONDS = 30.0
UNKEEPABLE = (DataError, IntegrityError, OverflowError)
"""What a database says of a value that it cannot hold."""
NOTED_EVERY = MINUTE
"""One that comes and goes is noted so often in the audit log; its presence follows each time."""


def terms(config: Config, now: Instant) -> Terms:
    """What every plan says, by config.toml and the keys in force."""
    keys, delivery = trust.station_keys(config, now), config.delivery
    return Terms(
        plan_key=keys.plan, emergency_key=keys.emergency, timezone=config.station.timezone,
        horizon=delivery.horizon_hours * HOUR, valid=delivery.plan_valid_hours * HOUR,
        late=delivery.late_seconds * SECOND, heartbeat_seconds=delivery.heartbeat_seconds,
        audio_url=delivery.audio_url,
    )  # fmt: skip


class Core:
    """One station's work. ``tick`` and ``take_in`` may be called from two threads; ``nudge`` asks for a tick soon."""

    def __init__(
        self, config: Config, database: Database, link: Outlet, *,
        now: Instant, nudge: Callable[[], None] = lambda: None,
        accounts: Callable[[], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        self._config, self._database, self._link = config, database, link
        self._nudge, self._accounts = nudge, accounts
        self._stop = stop
        """Asked between two transactions: whether to leave the rest of the work."""
        self._terms = terms(config, now)
        self._rules = Rules(zone=config.zone, horizon=self._terms.horizon, late=self._terms.late)
        self._grace = config.delivery.grace_seconds * SECOND
        self._blocks = BlockServer(self._find_sound, self._publish_block)
        self._publisher = Publisher(database, link)
        self._gate = Gate(database)
        self._clones = clones.Watch()
        self._heartbeats = Heartbeats(self._terms.heartbeat_seconds * SECOND)
        self._planned_at = self._looked_at = self._signed_at = self._expired_at = Instant(0)
        self._known_acts = 0
        """Number of the newest row of the audit log that was looked at for news."""
        self._held: planner.Held = {}
        """What each broadcast was last held against, as committed."""
        self._serving = False
        """Receivers are being given their plans just now."""
        self._alarmed = False
        """Some of them were given an alarm, or a stop, in this tick."""
        self._put_off = False
        """All else was left for the next tick."""
        self._new_keys = False
        """Plans signed with older keys are still to be made anew."""
        self._quiet: tuple[regulation.QuietHours, ...] | None = None
        """Quiet hours by which the plans were last looked at."""
        self._failing: dict[str, float] = {}
        self._known_keys: dict[str, int] = {}
        """Version of the keys document each receiver last said it has."""
        self._nonces = Nonces()
        self._state_quota = StateQuota()
        self._noted: dict[tuple[str, str], Instant] = {}
        """When the audit log was last told that a receiver came, or went."""
        self._changed = threading.Event()
        self._accounts_due = False
        self.hopeless = False
        """A step has failed for so long that the process had better be started anew."""

    def begin(self) -> None:
        """All plans are looked at again: config.toml may say something else than when we last ran."""
        with self._database.write() as session:
            receivers.mark_stale(session)
        self._held = {}
        self._changed.set()

    def changed(self) -> None:
        """Something was committed: the next tick plans."""
        self._gate.keys.forget()
        self._changed.set()

    def has_news(self, now: Instant) -> bool:
        """Whether a commit by somebody may concern the plans; what this process itself writes at the wire does not."""
        with self._database.read() as session:
            newest, _ = audit.checkpoint(session)
            since, self._known_acts = self._known_acts, newest
            if newest != since and (
                newest < since or audit.is_any_other(session, since, audit.WIRE)
            ):
                return True
            # Who is being served is no news; whoever comes to it meanwhile is looked for when that is over.
            return not self._serving and dispatcher.is_due(session, now, self._terms)

    def close(self) -> None:
        """End what this started: the processes that check signatures. Call when nothing else is called any more."""
        self._gate.verifiers.close()

    # What happens each second

    def tick(self, now: Instant) -> None:
        """Plan, dispatch, give the broker what waits, and end vain waits.

        Each step stands alone: one that fails must not keep a stop from being published.
        """
        self._attempt("nonces", lambda: self._answer_nonces(now))
        changed = self._take_change()
        if changed or now - self._planned_at >= PLAN_EVERY or now < self._planned_at:
            self._serve(now, changed)
        self._attempt("publish", lambda: self._publisher.fill(now))
        if not 0 <= now - self._expired_at < EXPIRE_EVERY:
            self._attempt("expire", lambda: self._expire(now))
        if not 0 <= now - self._looked_at < watch.EVERY:
            self._attempt("fleet", lambda: self._look_at_fleet(now))
        if not 0 <= now - self._signed_at < checkpoints.EVERY:
            self._attempt("checkpoint", lambda: self._sign_checkpoint(now))
        if self._accounts_due:
            self._attempt("accounts", self._bring_accounts)

    def _serve(self, now: Instant, changed: bool) -> None:
        """Give receivers the plans they are to have: where anything was committed alarms first.

        All else then waits for the next tick, and no longer: the answers to the alarm are to be stored meanwhile.
        """
        self._serving, self._alarmed = True, False
        try:
            if changed:
                self._attempt("alarms", lambda: self._serve_alarms(now))
            self._put_off = self._alarmed and not self._put_off
            if self._put_off:
                self._changed.set()
            else:
                self._attempt("plan", lambda: self._plan(now))
        finally:
            self._serving = False
        self._attempt("more", lambda: self._look_for_more(now))

    def _look_for_more(self, now: Instant) -> None:
        """Whoever came to need a plan while others were served: ``has_news`` said nothing of them."""
        with self._database.read() as session:
            if dispatcher.is_due(session, now, self._terms):
                self._changed.set()

    def _take_change(self) -> bool:
        """Whether something was committed since last asked."""
        changed = self._changed.is_set()
        self._changed.clear()
        self._accounts_due |= changed
        return changed

    def _bring_accounts(self) -> None:
        if self._accounts:
            self._accounts()
        self._accounts_due = False

    def _sign_checkpoint(self, now: Instant) -> None:
        """The audit log as it is now, under the station's signature."""
        with self._database.write(wake=False) as session:
            checkpoints.sign(session, now, self._terms.plan_key)
            station_keys.note(session, self._config, now)
        self._signed_at = now

    def _look_at_fleet(self, now: Instant) -> None:
        """Note which receiver has which fault, and since when; and how many there are."""
        kept = keyring.published(self._config)
        watch.look(self._database, now, self._config.zone, kept.kv if kept else 0)
        with self._database.read() as session:
            self._gate.verifiers.expect(receivers.count(session))
        self._looked_at = now

    def _attempt(self, name: str, step: Callable[[], None]) -> None:
        """Take a step of the tick. One that keeps failing ends the process: it is then started anew, and seen."""
        if self._stop():
            return
        try:
            step()
        except (
            Exception
        ):  # whatever it was, the other steps must go on; the cause is logged in full
            log.exception("the step “%s” failed", name)
            self._changed.set()
            since = self._failing.setdefault(name, time.monotonic())
            if time.monotonic() - since > FAILING_SECONDS:
                self.hopeless = True
        else:
            self._failing.pop(name, None)

    def _plan(self, now: Instant) -> None:
        self._bring_in_line(now)
        self._dispatch(now)

    def _serve_alarms(self, now: Instant) -> None:
        """Alarms and stops reach receivers before anything else is planned: all of that may take seconds."""
        self._follow_keys(now)
        held = dict(self._held)
        with self._database.write() as session:
            planner.plan_urgent(session, now, self._rules, held)
        self._held = held
        for most in dispatcher.portions():
            if self._stop():
                return
            with self._database.write() as session:
                looked_at, _ = dispatcher.dispatch_urgent(session, now, self._terms, most)
            if looked_at:
                self._alarmed = True
                self._publisher.look()
                self._publisher.fill(now)
            if looked_at < most:
                return

    def _bring_in_line(self, now: Instant) -> None:
        """What is planned follows what staff want; whose plan must change is then known."""
        self._follow_keys(now)
        with self._database.write() as session:
            quiet = regulation.quiet_at(session, now)
            # Our own clock may just have been put right: others are then in force.
            if self._new_keys or quiet != self._quiet:
                receivers.mark_stale(session)
            held = dict(self._held)
            planner.plan(session, now, self._rules, held)
        self._new_keys, self._quiet, self._held = False, quiet, held
        self._planned_at = now

    def _answer_nonces(self, now: Instant) -> None:
        """Receivers that ask for the time get a plan at once, and nobody else is looked at for it."""
        if nonces := self._nonces.take(now):
            with self._database.write() as session:
                dispatcher.dispatch_nonces(session, now, self._terms, nonces)
            self._publisher.look()

    def _dispatch(self, now: Instant) -> None:
        """Some receivers at a time: the first plans leave, and others may write, before the last are signed.

        What is committed meanwhile is planned in between, for it may be an emergency.
        """
        for most in dispatcher.portions():
            self._publisher.look()
            self._publisher.fill(now)
            if self._stop():
                return
            if self._take_change():
                self._serve_alarms(now)
                self._bring_in_line(now)
            with self._database.write() as session:
                looked_at, _ = dispatcher.dispatch_some(session, now, self._terms, most)
            if looked_at < most:
                break
        self._publisher.look()

    def _follow_keys(self, now: Instant) -> None:
        """Sign with the newest keys, which receivers are told of before any plan."""
        keys = trust.station_keys(self._config, now)
        if self._terms.kids == (keys.plan.public.kid, keys.emergency.public.kid):
            return
        self._terms = replace(self._terms, plan_key=keys.plan, emergency_key=keys.emergency)
        self._new_keys = True
        self._signed_at = Instant(0)  # they are to be written down
        self._tell_keys(dict(self._known_keys))

    def _tell_keys(self, known: Mapping[str, int]) -> None:
        """Publish the keys document to those that have an older one; 0: it was given no roots to check one by."""
        kept = keyring.published(self._config)
        document = keyring.document(self._config)
        if kept is None or document is None:
            return
        for receiver_id, kv in known.items():
            if 0 < kv < kept.kv:
                topic = messages.keys_topic(receiver_id)
                self._link.publish(topic, document, qos=1, retain=True, urgency=Urgency.PLAN)

    def _expire(self, now: Instant) -> None:
        late, grace = self._terms.late, self._grace
        with self._database.read() as session:
            is_due = receipts.may_expire(session, now, late=late, grace=grace)
        if is_due:
            with self._database.write() as session:
                receipts.expire(session, now, late=late, grace=grace)
        self._expired_at = now

    # What comes from the wire

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
        while arrived:
            evidence = self._sort(arrived, now, mail)
            # While plans are made the interpreter is theirs.
            batches += self._gate.let_in(evidence, now, lend=not self._database.is_writing)
            arrived = more() if self._database.is_writing else ()
        try:
            answers = self._store(mail, batches, now)
        except Exception:
            self._publisher.forget()
            raise
        if mail.published:
            self._publisher.answered(_parcel(each) for each in mail.published)
            self._publisher.refill(now)
        for rid, evack in answers.items():
            self._link.publish(
                messages.evack_topic(rid), messages.encode(evack), qos=1, urgency=Urgency.EVACK
            )
        self._gate.verifiers.rest(now)

    def is_due(self, now: Instant) -> bool:
        """Whether ``take_in`` is to be called though nothing has arrived."""
        return self._heartbeats.due(now)

    def _sort(
        self, arrived: Sequence[Incoming], now: Instant, mail: _Mail
    ) -> list[tuple[str, bytes]]:
        """Add these to the mail, but for pairs of receiver and batch: those are returned."""
        evidence: list[tuple[str, bytes]] = []
        keys = self._gate.keys.of(_sender(m.topic)[0] for m in arrived if isinstance(m, Message))
        for each in arrived:
            match each:
                case Published(token=Parcel()):
                    mail.published.append(each)
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
            self._blocks.asked(rid, payload, now)
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
            plans.published(session, [_taken(each) for each in mail.published], now)
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
        changed = receivers.note_states(
            session, states, now, self._terms.heartbeat_seconds * SECOND, mail.heard
        )
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
            self._changed.set()
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
        known = {rid: state.kv for rid, state in online.items()}
        self._known_keys.update(known)
        self._tell_keys(known)
        if self._nonces.said({rid: state.nonce for rid, state in online.items()}, now):
            self._nudge()

    def _link_changed(self, change: Connected | Disconnected, now: Instant) -> None:
        self._publisher.forget()
        if isinstance(change, Disconnected):
            log.warning("link lost: %s", change.why)
            return
        if not change.resubscribed:
            log.error(
                "the broker refused our subscription: no receiver can be heard; check its access list"
            )
        with self._database.write() as session:
            again = plans.republish(session, now)
            audit.append(session, now, audit.SYSTEM, "link.connected", plans_again=again)
        self._nudge()

    # Sound, on request

    def send_blocks(self, now: Instant) -> Instant | None:
        """Publish the blocks that are due; when the next are."""
        return self._blocks.send_due(now)

    def _find_sound(self, sha: str) -> Path | None:
        path = recordings.file(self._config.recordings, sha)
        return path if path.exists() else None

    def _publish_block(self, topic: str, block: bytes) -> None:
        self._link.publish(topic, block, qos=0, urgency=Urgency.AUDIO)


@dataclass
class _Mail:
    """What arrived, sorted. Of several states of a receiver the last counts."""

    states: dict[str, State] = field(default_factory=dict)
    heard: dict[str, Instant] = field(default_factory=dict)
    """When those states were heard that were not heard just now."""
    published: list[Published] = field(default_factory=list)
    """Each with a Parcel as its token."""


def _sender(topic: str) -> tuple[str, str]:
    """(receiver id, kind) of loa/1/<rid>/up/<kind>; empty for any other."""
    parts = topic.split("/")
    # One string for all that is remembered of a receiver, rather than one from each message.
    return (sys.intern(parts[2]), parts[4]) if len(parts) == 5 else ("", "")


def _parcel(each: Published) -> Parcel:
    assert isinstance(each.token, Parcel)  # noqa: S101 - _sort lets no other in
    return each.token


def _taken(each: Published) -> Taken:
    parcel = _parcel(each)
    return Taken(parcel.receiver_id, parcel.rev, each.refused)


def _merge(before: State | None, state: State) -> State:
    """The later of two states in one batch; a will of an older connection does not undo a birth."""
    return before if before and state.on == 0 and state.sid != before.sid else state
