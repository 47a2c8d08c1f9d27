"""The station's work on the wire without threads, sockets or sleeps: told what time it is and what came in.

Each second it plans, signs, hands what waits to the link and ends vain waits; what receivers say it stores, and
only then acknowledges. ``loa.station`` gives it threads and a broker; a test gives it the worst of both.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import msgspec
from sqlalchemy.orm import Session

from content import recordings
from devices import broker, keyring, messages, receivers, signing, trust
from devices.blocks import BlockServer
from devices.link import Connected, Disconnected, Incoming, Message, Published, Urgency
from devices.messages import Evack, State
from loa import audit
from loa.config import Config
from loa.database import Database
from loa.times import HOUR, SECOND, Instant
from scheduler import dispatcher, planner, receipts
from scheduler.dispatcher import Parcel, Terms
from scheduler.planner import Rules

log = logging.getLogger(__name__)
IN_FLIGHT_MOST = 200
PLAN_EVERY = 30 * SECOND
"""Upkeep of the plans when nothing was committed meanwhile."""
FAILING_SECONDS = 30.0


class Outlet(Protocol):
    """The way to the broker; ``devices.link.Link`` is one."""

    @property
    def connected(self) -> bool: ...

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool = False,
        urgency: Urgency = Urgency.PLAN, token: object = None,
    ) -> None: ...  # fmt: skip


def terms(config: Config, now: Instant) -> Terms:
    """What every plan says, by config.toml and the keys in force."""
    keys, delivery = trust.station_keys(config, now), config.delivery
    return Terms(
        plan_key=keys.plan, emergency_key=keys.emergency, timezone=config.station.timezone,
        horizon=delivery.horizon_hours * HOUR, valid=delivery.plan_valid_hours * HOUR,
        late=delivery.late_seconds * SECOND, heartbeat_seconds=delivery.heartbeat_seconds,
    )  # fmt: skip


class Core:
    """One station's work. ``tick`` and ``take_in`` may be called from two threads; ``nudge`` asks for a tick soon."""

    def __init__(
        self, config: Config, database: Database, link: Outlet, *,
        now: Instant, nudge: Callable[[], None] = lambda: None,
        accounts: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self._config, self._database, self._link = config, database, link
        self._nudge, self._accounts = nudge, accounts
        self._terms = terms(config, now)
        self._rules = Rules(zone=config.zone, horizon=self._terms.horizon, late=self._terms.late)
        self._grace = config.delivery.grace_seconds * SECOND
        self._blocks = BlockServer(self._find_sound, self._publish_block)
        self._in_flight: dict[str, int] = {}
        """Revision handed to the link and not yet confirmed, by receiver."""
        self._in_flight_lock = threading.Lock()
        self._planned_at = Instant(0)
        self._failing: dict[str, float] = {}
        self._known_keys: dict[str, int] = {}
        """Version of the keys document each receiver last said it has."""
        self._nonces: dict[str, str] = {}
        """What receivers that do not know the time wait to hear back in a plan."""
        self._nonces_lock = threading.Lock()
        self._changed = threading.Event()
        self.hopeless = False
        """A step has failed for so long that the process had better be started anew."""

    def begin(self) -> None:
        """All plans are looked at again: config.toml may say something else than when we last ran."""
        with self._database.write() as session:
            receivers.mark_stale(session)
        self._changed.set()

    def changed(self) -> None:
        """Something was committed: the next tick plans."""
        self._changed.set()

    # What happens each second

    def tick(self, now: Instant) -> None:
        """Plan, dispatch, give the broker what waits, and end vain waits.

        Each step stands alone: one that fails must not keep a stop from being published.
        """
        changed = self._changed.is_set()
        self._changed.clear()
        if changed or now - self._planned_at >= PLAN_EVERY or now < self._planned_at:
            self._attempt("plan", lambda: self._plan(now))
        self._attempt("publish", self._publish_plans)
        self._attempt("expire", lambda: self._expire(now))
        if changed and self._accounts:
            self._attempt("accounts", self._accounts)

    def _attempt(self, name: str, step: Callable[[], None]) -> None:
        """Take a step of the tick. One that keeps failing ends the process: it is then started anew, and seen."""
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
        has_new_keys = self._follow_keys(now)
        with self._nonces_lock:
            nonces, self._nonces = self._nonces, {}
        with self._database.write() as session:
            if has_new_keys:
                receivers.mark_stale(session)
            planner.plan(session, now, self._rules)
            dispatcher.dispatch(session, now, self._terms, nonces)
        self._planned_at = now

    def _follow_keys(self, now: Instant) -> bool:
        """Sign with the newest keys, which receivers are told of before any plan; True when they are others."""
        keys = trust.station_keys(self._config, now)
        if self._terms.kids == (keys.plan.public.kid, keys.emergency.public.kid):
            return False
        self._terms = replace(self._terms, plan_key=keys.plan, emergency_key=keys.emergency)
        for receiver_id, known in list(self._known_keys.items()):
            self._tell_keys(receiver_id, known)
        return True

    def _tell_keys(self, receiver_id: str, known: int) -> None:
        """Publish the keys document to a receiver that has an older one; 0: it was given no roots to check one by."""
        kept = keyring.published(self._config)
        document = keyring.document(self._config)
        if kept is not None and document is not None and 0 < known < kept.kv:
            topic = messages.keys_topic(receiver_id)
            self._link.publish(topic, document, qos=1, retain=True, urgency=Urgency.PLAN)

    def _expire(self, now: Instant) -> None:
        with self._database.write() as session:
            receipts.expire(session, now, late=self._terms.late, grace=self._grace)

    def _publish_plans(self) -> None:
        if not self._link.connected:
            return
        with self._database.read() as session:
            waiting = dispatcher.unpublished(session)
        for parcel in waiting:
            with self._in_flight_lock:
                if self._in_flight.get(parcel.receiver_id) == parcel.rev:
                    continue
                if len(self._in_flight) >= IN_FLIGHT_MOST and not parcel.urgent:
                    continue
                self._in_flight[parcel.receiver_id] = parcel.rev
            self._link.publish(
                messages.plan_topic(parcel.receiver_id),
                parcel.jws,
                qos=1,
                retain=True,
                urgency=Urgency.EMERGENCY if parcel.urgent else Urgency.PLAN,
                token=parcel,
            )

    # What comes from the wire

    def take_in(self, arrived: list[Incoming], now: Instant) -> None:
        """Store what arrived in one transaction and answer it. Raises what the database raises: nothing is then
        acknowledged, so receivers send it again, and what the broker took is published again."""
        states: dict[str, State] = {}
        batches: list[receipts.Batch] = []
        published: list[Published] = []
        keys: dict[str, str] | None = None
        for each in arrived:
            match each:
                case Published():
                    published.append(each)
                case Connected() | Disconnected():
                    self._link_changed(each, now)
                case Message(topic, payload):
                    if keys is None:
                        with self._database.read() as session:
                            keys = receipts.public_keys(session)
                    self._sort_message(topic, payload, keys, states, batches, now)
        try:
            answers = self._store(states, batches, published, now)
        except Exception:
            with self._in_flight_lock:
                self._in_flight.clear()  # what the broker took meanwhile is simply published again
            raise
        for rid, evack in answers.items():
            self._link.publish(
                messages.evack_topic(rid), messages.encode(evack), qos=1, urgency=Urgency.EVACK
            )

    def _sort_message(
        self, topic: str, payload: bytes, keys: dict[str, str], states: dict[str, State],
        batches: list[receipts.Batch], now: Instant,
    ) -> None:  # fmt: skip
        parts = topic.split("/")
        rid, kind = (parts[2], parts[4]) if len(parts) == 5 else ("", "")
        if rid in broker.CANARIES:
            return  # the station's own look at its broker
        if rid not in keys:
            log.warning("message on %s from a receiver this station does not know", topic)
            return
        try:
            if kind == "state" and len(payload) <= messages.MAX_STATE_BYTES:
                states[rid] = _merge(states.get(rid), messages.decode(payload, State))
            elif kind == "evt":
                batches.append(receipts.verify(rid, payload, keys[rid]))
            elif kind == "get":
                self._blocks.asked(rid, payload, now)
        except (msgspec.DecodeError, signing.BadSignature) as error:
            log.warning("dropped a message on %s: %s", topic, error)

    def _store(
        self,
        states: dict[str, State],
        batches: list[receipts.Batch],
        published: list[Published],
        now: Instant,
    ) -> dict[str, Evack]:
        """One transaction for all that arrived; what it returns may be said once it is committed."""
        if not (states or batches or published):
            return {}
        taken = [(p.token, p.refused) for p in published if isinstance(p.token, Parcel)]
        with self._database.write() as session:
            answers = receipts.record(session, batches, now)
            for parcel, refused in taken:
                dispatcher.published(session, parcel.receiver_id, parcel.rev, refused, now)
            self._note_states(session, states, answers, now)
        with self._in_flight_lock:
            for parcel, _ in taken:
                if self._in_flight.get(parcel.receiver_id) == parcel.rev:
                    del self._in_flight[parcel.receiver_id]
        return answers

    def _note_states(
        self, session: Session, states: dict[str, State], answers: dict[str, Evack], now: Instant
    ) -> None:
        heartbeat = self._terms.heartbeat_seconds * SECOND
        for rid, state in states.items():
            if state.on:
                self._note_needs(rid, state)
            if receivers.note_state(session, rid, state, now, heartbeat):
                kind = "receiver.online" if state.on else "receiver.offline"
                audit.append(session, now, rid, kind)
            if state.on and rid not in answers and state.jid:
                kept = receipts.acknowledged(session, rid, state.jid)
                if kept != state.acked or state.n > kept:
                    # Told more than we hold, it has outlived a restore; holding more than we do, it has sent
                    # what never reached us. Either way it sends again from where we are.
                    answers[rid] = Evack(jid=state.jid, upto=kept, rw=state.acked > kept)
        online = {rid: state.rev for rid, state in states.items() if state.on}
        if online:
            dispatcher.compare_revisions(session, online, now)

    def _note_needs(self, rid: str, state: State) -> None:
        """A receiver with old keys is told the new ones; one that asks for the time gets a plan at once."""
        self._known_keys[rid] = state.kv
        self._tell_keys(rid, state.kv)
        if state.nonce:
            with self._nonces_lock:
                self._nonces[rid] = state.nonce
            self._changed.set()
            self._nudge()

    def _link_changed(self, change: Connected | Disconnected, now: Instant) -> None:
        with self._in_flight_lock:
            self._in_flight.clear()
        if isinstance(change, Disconnected):
            log.warning("link lost: %s", change.why)
            return
        if not change.resubscribed:
            log.error(
                "the broker refused our subscription: no receiver can be heard; check its access list"
            )
        with self._database.write() as session:
            again = dispatcher.republish(session, now)
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


def _merge(before: State | None, state: State) -> State:
    """The later of two states in one batch; a will of an older connection does not undo a birth."""
    return before if before and state.on == 0 and state.sid != before.sid else state
