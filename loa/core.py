"""The station's work on the wire without threads, sockets or sleeps: told what time it is and what came in.

Each second it plans, signs, hands what waits to the link and ends vain waits; what receivers say goes through
``loa.intake``. ``loa.station`` gives it threads and a broker; a test gives it the worst of both.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from content import recordings
from devices import keyring, messages, receivers, trust
from devices.blocks import BlockServer
from devices.link import Urgency
from loa import audit
from loa.config import Config
from loa.database import Database
from loa.intake import Intake, Needs
from loa.publisher import Outlet, Publisher
from loa.times import HOUR, MINUTE, SECOND, Instant
from scheduler import dispatcher, planner, receipts, regulation, watch
from scheduler.dispatcher import Terms
from scheduler.evidence import checkpoints, station_keys
from scheduler.gate import Gate
from scheduler.planner import Rules
from scheduler.turns import Nonces

log = logging.getLogger(__name__)
PLAN_EVERY = 30 * SECOND
"""Upkeep of the plans when nothing was committed meanwhile."""
EXPIRE_EVERY = 5 * SECOND
"""So often vain waits, of minutes and more, are ended."""
ALARM_LASTS = MINUTE
"""So long after an alarm what receivers say waits for no plans: they answer it, and ask for its sound."""
PUT_OFF = 2
"""Ticks: that of the alarm, which may take until the next is due, and one more for the answers."""
FAILING_SECONDS = 30.0


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
    """One station's work. ``tick`` and ``intake`` may be called from two threads; ``nudge`` asks for a tick soon."""

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
        self._planned_at = self._looked_at = self._signed_at = self._expired_at = Instant(0)
        self._known_acts = 0
        """Number of the newest row of the audit log that was looked at for news."""
        self._held: planner.Held = {}
        """What each broadcast was last held against, as committed."""
        self._serving = False
        """Receivers are being given their plans just now."""
        self._alarmed = False
        """Some of them were given an alarm, or a stop, in this tick."""
        self._many = False
        """So many are served, or were, that it is done in portions; until the broker has answered for the last."""
        self._put_off = 0
        """For so many ticks in a row all else was left."""
        self._new_keys = False
        """Plans signed with older keys are still to be made anew."""
        self._quiet: tuple[regulation.QuietHours, ...] | None = None
        """Quiet hours by which the plans were last looked at."""
        self._failing: dict[str, float] = {}
        self._known_keys: dict[str, int] = {}
        """Version of the keys document each receiver last said it has."""
        self._nonces = Nonces()
        self._asking: dict[str, str] = {}
        """Nonces taken and not yet answered."""
        self._answered: dict[str, str] = {}
        """Those answered in this tick."""
        self._changed = threading.Event()
        self._accounts_due = False
        needs = Needs(self._nonces, self._blocks, self._changed.set, nudge, self._note_keys)
        self.intake = Intake(
            database, link, self._publisher, self._gate, needs,
            self._terms.heartbeat_seconds * SECOND,
        )  # fmt: skip
        """What comes from the wire."""
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

    def gives_many(self, now: Instant) -> bool:
        """Whether plans for many are being made or leave just now, and no alarm: what receivers say had better wait.

        To be asked by one thread alone.
        """
        if not self._serving and not self._publisher.is_waiting:
            self._many = False
        return self._many and not 0 <= now - self._publisher.alarm_at < ALARM_LASTS

    def close(self) -> None:
        """End what this started: the processes that check signatures. Call when nothing else is called any more."""
        self._gate.verifiers.close()

    # What happens each second

    def tick(self, now: Instant) -> None:
        """Plan, dispatch, give the broker what waits, and end vain waits.

        Each step stands alone: one that fails must not keep a stop from being published.
        """
        self._answered = {}
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

        All else then waits PUT_OFF ticks, and no longer: the answers to the alarm are to be stored meanwhile.
        """
        self._serving, self._alarmed = True, False
        try:
            if changed:
                self._attempt("alarms", lambda: self._serve_alarms(now))
            if (self._alarmed or self._put_off) and self._put_off < PUT_OFF:
                self._put_off += 1
                self._changed.set()
            else:
                self._put_off = 0
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
        try:
            if self._stop():
                return
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
                looked_at, _ = dispatcher.dispatch_urgent(
                    session, now, self._terms, most, self._answered
                )
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
        self._asking |= self._nonces.take(now)
        if self._asking:
            with self._database.write() as session:
                dispatcher.dispatch_nonces(session, now, self._terms, self._asking)
            self._asking, self._answered = {}, self._asking
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
                looked_at, _ = dispatcher.dispatch_some(
                    session, now, self._terms, most, self._answered
                )
            if looked_at < most:
                break
            self._many = True
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

    def _note_keys(self, known: Mapping[str, int]) -> None:
        """Receivers with old keys are told the new ones."""
        self._known_keys.update(known)
        self._tell_keys(known)

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

    # Sound, on request

    def send_blocks(self, now: Instant) -> Instant | None:
        """Publish the blocks that are due; when the next are."""
        return self._blocks.send_due(now)

    def _find_sound(self, sha: str) -> Path | None:
        path = recordings.file(self._config.recordings, sha)
        return path if path.exists() else None

    def _publish_block(self, topic: str, block: bytes) -> None:
        self._link.publish(topic, block, qos=0, urgency=Urgency.AUDIO)
