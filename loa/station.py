"""Joins the parts of a station once: config → database → keys → link → clock. Reads in that order.

``Runner`` is ``loa run``: clock and wire. It shares nothing with the web but the database.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from content import recordings, renderings, voices
from devices import broker, keyring, messages, receivers, signing, trust
from devices.blocks import BlockServer
from devices.link import (
    Connected,
    Disconnected,
    Incoming,
    Link,
    LinkSettings,
    Message,
    Published,
    Urgency,
)
from devices.messages import Evack, State
from loa import audit, files, times
from loa.config import Config
from loa.database import Database
from loa.errors import LoaError
from loa.times import HOUR, SECOND, Instant, after
from scheduler import dispatcher, leases, planner, receipts, regulation
from scheduler.clock import Clock
from scheduler.dispatcher import Parcel, Terms
from scheduler.planner import Rules

log = logging.getLogger(__name__)
INGEST_MOST = 500
INGEST_WAIT = 0.5
"""Seconds; how soon the thread that takes in what arrives notices that it is to end."""
IN_FLIGHT_MOST = 200
PLAN_EVERY = 30 * SECOND
"""Upkeep of the plans when nothing was committed meanwhile."""
FAILING_SECONDS = 30.0


def open_station(config: Config) -> Database:
    """Make the folders, open the database, bring it up to date, and put first rules in force."""
    for folder in (config.data, config.recordings, config.uploads, config.work):
        folder.mkdir(parents=True, exist_ok=True)
    voices.registry(config)  # a voice that cannot be stops the start, not the first bulletin
    database = Database(config.database_url)
    database.upgrade()
    trust.station_keys(config)
    trust.broker_password(config)
    with database.write() as session:
        if regulation.at(session, times.now()) is None:
            quiet = [regulation.parse_quiet(text) for text in config.regulation.quiet]
            regulation.set_quiet(session, None, quiet, times.now())
    return database


def broker_kind(config: Config) -> str:
    """Which broker this station uses: mosquitto, embedded or external."""
    if config.mqtt.url or config.mqtt.broker == "external":
        return "external"
    if config.mqtt.broker == "auto":
        return "mosquitto" if broker.mosquitto_path() else "embedded"
    if config.mqtt.broker == "mosquitto" and not broker.mosquitto_path():
        raise LoaError(
            '[mqtt] broker = "mosquitto" nhưng máy này chưa cài mosquitto. Hãy cài gói mosquitto hoặc đổi thành "auto".'
        )
    return config.mqtt.broker


def write_broker_accounts(config: Config, database: Database) -> None:
    """Bring the broker's account file in line with the receivers in the database."""
    plans_run_out = after(times.now(), -config.delivery.plan_valid_hours * HOUR)
    with database.read() as session:
        accounts = receivers.accounts(session, retired_since=plans_run_out)
    password = trust.broker_password(config)
    # Kept, for each hash differs: a new one each time would make the broker read its accounts again.
    file = config.secrets / "mqtt.hash"
    if not file.exists() or not broker.check_password(password, file.read_text()):
        file.unlink(missing_ok=True)
        files.create_once(file, broker.hash_password(password).encode())
    station = broker.Account(username=config.mqtt.username, password_hash=file.read_text())
    broker.write_accounts(config.broker, [station, *accounts])


class Runner:
    """Clock and wire of one station. ``run`` blocks until told to stop or until the lease is lost."""

    def __init__(self, config: Config, database: Database, stop: threading.Event) -> None:
        self._config, self._database, self._stop = config, database, stop
        keys = trust.station_keys(config, times.now())
        delivery = config.delivery
        self._terms = Terms(
            plan_key=keys.plan, emergency_key=keys.emergency, timezone=config.station.timezone,
            horizon=delivery.horizon_hours * HOUR, valid=delivery.plan_valid_hours * HOUR,
            late=delivery.late_seconds * SECOND, heartbeat_seconds=delivery.heartbeat_seconds,
        )  # fmt: skip
        self._rules = Rules(zone=config.zone, horizon=self._terms.horizon, late=self._terms.late)
        self._grace = delivery.grace_seconds * SECOND
        self._claim = leases.Claim()
        self._over = threading.Event()
        self._link = Link(self._link_settings())
        self._clock = Clock(self.tick)
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
        self._manages_broker = broker_kind(config) != "external"

    def run(self) -> bool:
        """Wait for the lease, then work. True when told to stop, False when the lease was lost."""
        if not self._wait_for_lease():
            return True
        threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for name, work in (
                ("ingest", self._ingest),
                ("changes", self._watch_changes),
                ("recordings", self._make_recordings),
            )
        ]
        with self._database.write() as session:
            # config.toml may say something else than when we last ran.
            receivers.mark_stale(session)
        self._changed.set()
        self._link.start()
        self._clock.start()
        for thread in threads:
            thread.start()
        while not self._stop.wait(0.5) and not self._over.is_set():
            pass
        self._shut_down(threads)
        return self._stop.is_set()

    def _wait_for_lease(self) -> bool:
        said = ""
        while not self._stop.is_set():
            if self._try_lease():
                return True
            if self._claim.waiting_for and self._claim.waiting_for != said:
                said = self._claim.waiting_for
                print(
                    f"Một tiến trình “loa run” khác ({said}) đang điều khiển đài này; tiến trình này chờ và sẽ thay "
                    f"trong {leases.STANDSTILL_SECONDS:.0f} giây nếu tiến trình kia dừng.",
                    flush=True,
                )
            self._stop.wait(1.0)
        return False

    def _try_lease(self) -> bool:
        try:
            with self._database.write(wake=False) as session:
                return self._claim.take(session, times.now(), time.monotonic())
        except OperationalError as error:
            log.error("the database does not answer, trying again: %s", error.orig)
            return False

    def _shut_down(self, threads: list[threading.Thread]) -> None:
        self._over.set()
        self._clock.stop()
        for thread in threads:
            thread.join(timeout=10)
        self._link.stop()
        with contextlib.suppress(OperationalError), self._database.write(wake=False) as session:
            self._claim.release(session)

    # What happens each second

    def tick(self, now: Instant) -> None:
        """Renew the lease, plan, dispatch, give the broker what waits, and end vain waits.

        Each step stands alone: one that fails must not keep a stop from being published.
        """
        if not self._keep_lease(now):
            return
        changed = self._changed.is_set()
        self._changed.clear()
        if changed or now - self._planned_at >= PLAN_EVERY or now < self._planned_at:
            self._attempt("plan", lambda: self._plan(now))
        self._attempt("publish", self._publish_plans)
        self._attempt("expire", lambda: self._expire(now))
        if changed and self._manages_broker:
            self._attempt("accounts", lambda: write_broker_accounts(self._config, self._database))

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
                self._over.set()
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

    def _keep_lease(self, now: Instant) -> bool:
        steady = time.monotonic()
        if self._claim.lapsed(steady):
            log.error("the lease was not renewed in time; stopping so that another may work")
            self._over.set()
        elif self._claim.due(steady):
            with self._database.write(wake=False) as session:
                if not self._claim.renew(session, now, steady):
                    log.error("another process has taken the lease; stopping")
                    self._over.set()
        return not self._over.is_set()

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

    def _watch_changes(self) -> None:
        changes = self._database.changes()
        try:
            while not self._over.is_set():
                if changes.wait(1.0, self._over):
                    self._changed.set()
                    self._clock.nudge()
        finally:
            changes.close()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run a thread's work. Should it ever end by an error, so does this process: half a station is none."""
        try:
            work()
        except Exception:  # a thread has nobody above it to tell
            log.exception("a part of the station has failed; stopping, to be started again")
            self._over.set()

    def _make_recordings(self) -> None:
        renderings.work(self._database, self._config, self._over)

    # What comes from the wire

    def _ingest(self) -> None:
        wait = INGEST_WAIT
        while not self._over.is_set():
            arrived = _drain(self._link.inbox, INGEST_MOST, timeout=wait)
            next_block = self._blocks.send_due(times.now())
            wait = INGEST_WAIT if next_block is None else _seconds_until(next_block)
            if not arrived:
                continue
            try:
                self._take_in(arrived, times.now())
            except Exception:  # nothing was acknowledged, so receivers send it again
                log.exception("what came from the receivers could not be stored")
                with self._in_flight_lock:
                    self._in_flight.clear()  # what the broker took meanwhile is simply published again
                self._over.wait(1.0)

    def _take_in(self, arrived: list[Incoming], now: Instant) -> None:
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
        answers = self._store(states, batches, published, now)
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
            self._clock.nudge()

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
        self._clock.nudge()

    # Sound, on request

    def _find_sound(self, sha: str) -> Path | None:
        path = recordings.file(self._config.recordings, sha)
        return path if path.exists() else None

    def _publish_block(self, topic: str, block: bytes) -> None:
        self._link.publish(topic, block, qos=0, urgency=Urgency.AUDIO)

    def _link_settings(self) -> LinkSettings:
        host, port, tls = self._config.broker_address
        authority = self._config.mqtt.ca_file
        return LinkSettings(
            host=host, port=port, client_id=self._config.mqtt.username, username=self._config.mqtt.username,
            password=trust.broker_password(self._config), tls=tls,
            ca_file=str(self._config.folder / authority) if authority else "",
            version="3.1.1" if broker_kind(self._config) == "embedded" else "5",
            subscriptions=((messages.UP_TOPICS, 1),), reconnect_most=5.0,
        )  # fmt: skip


def _seconds_until(moment: Instant) -> float:
    return min(INGEST_WAIT, max(0.001, (moment - times.now()) / SECOND))


def _drain(inbox: queue.Queue[Incoming], most: int, timeout: float) -> list[Incoming]:
    """What has arrived, up to ``most``; waits ``timeout`` seconds for the first."""
    try:
        arrived = [inbox.get(timeout=timeout)]
    except queue.Empty:
        return []
    while len(arrived) < most:
        try:
            arrived.append(inbox.get_nowait())
        except queue.Empty:
            break
    return arrived


def _merge(before: State | None, state: State) -> State:
    """The later of two states in one batch; a will of an older connection does not undo a birth."""
    return before if before and state.on == 0 and state.sid != before.sid else state
