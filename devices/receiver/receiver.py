"""The receiver itself, without threads, sockets or sleeps: told what came in, it says when it is next due."""

from __future__ import annotations

import logging
from random import Random
from typing import Literal

from devices import messages
from devices.receiver import plans
from devices.receiver.agenda import Agenda
from devices.receiver.canned import Shelved
from devices.receiver.clock import Clock, KeptClock, Nonce, StepWatch
from devices.receiver.fetch import Fetcher, Web, Wire
from devices.receiver.identity import Identity
from devices.receiver.journal import Journal, Note
from devices.receiver.meter import Meter, MeteredWire
from devices.receiver.outputs import Output
from devices.receiver.plans import Accepted, Refusals, Refused
from devices.receiver.player import Player
from devices.receiver.rates import Bucket
from devices.receiver.relay import Relays
from devices.receiver.ring import Ring
from devices.receiver.shelf import Shelf
from devices.receiver.state import FIRMWARE, Presence
from devices.receiver.store import Fact, Saved, Store, Value
from loa import times
from loa.times import Instant

log = logging.getLogger(__name__)


TOKENS = (200, 20)
"""Plans and keys documents looked at: at once, and milliseconds per one more. A station sends a few a day; among
forgeries its own must still have a fair chance, and a small box must still have time to play."""
EVACKS = (60, 100)


def _why_again(saved: Saved) -> str:
    """Why a receiver begins again that ended in good order."""
    return "asked" if saved.number("asked") else "restart"


class Receiver:
    """One loudspeaker cluster's player. Making one is a boot: it is journalled before this returns."""

    def __init__(
        self,
        identity: Identity,
        store: Store,
        output: Output,
        clock: Clock,
        wire: Wire,
        random: Random,
        web: Web | None = None,
        relays: Relays | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        saved = store.load()
        clock = KeptClock(clock, saved.number("synced"), saved.number("shift"))
        self._meter = Meter(store, clock, saved)
        wire = MeteredWire(wire, self._meter)
        self._identity, self._output, self._clock, self._wire = identity, output, clock, wire
        self._watch = StepWatch(clock)
        self._nonce = Nonce(clock, random)
        self.journal = Journal(store, clock, random)
        self._rev = saved.number("rev")
        self._restarts = saved.number("restarts")
        """Number of the last order to start anew that was heeded."""
        self._is_asked = False
        self._ring = Ring(identity, saved)
        born = self._write_boot(saved)
        self._shelf = shelf or Shelf(identity.audio)
        self._fetcher = Fetcher(identity.rid, self._shelf, wire, clock, random, web)
        self._agenda = Agenda(clock, self._watch, self._ring, saved.states, born)
        self._canned = Shelved(saved)
        relays = relays or Relays(identity.ffmpeg, identity.mqtt.ca_file, self._meter.add_elsewhere)
        self._player = Player(
            self.journal, self._agenda, self._ring, self._canned, self._shelf, self._fetcher, output, clock,
            relays,
        )  # fmt: skip
        self._refusals = Refusals()
        self._tokens, self._evacks = Bucket(*TOKENS), Bucket(*EVACKS)
        self._unknown = b""
        """The last plan whose key was not known: the document that names it may be on its way."""
        self._presence = Presence(identity.rid, wire, clock, random, self._nonce, self._state)
        self._due = 0
        """Mono time before which there is nothing to do."""
        self._restore(saved)
        self._player.refetch()

    def _write_boot(self, saved: Saved) -> Instant:
        """One commit: this boot, and the end of what was sounding when the last one ended."""
        journal = self.journal
        why = "new" if journal.is_new else _why_again(saved) if journal.was_clean else "power"
        notes = [Note("boot", detail={"why": why, "fw": FIRMWARE})]
        cut = [name for name, state in saved.states.items() if state == "started"]
        notes += [Note("interrupted", name, {"why": "power"}) for name in cut]
        saved.states.update(dict.fromkeys(cut, "interrupted"))
        facts: dict[Fact, Value] = {"boot": journal.boot, "clean": 0, "asked": 0}
        born = saved.number("born")
        if journal.is_new:
            born = self._clock.wall() if self._clock.source() != "none" else 0
            facts |= {"jid": journal.jid, "born": born}
        journal.write(notes, dict.fromkeys(cut, "interrupted"), facts)
        return Instant(born)

    def _restore(self, saved: Saved) -> None:
        token = saved.facts.get("plan")
        if not isinstance(token, bytes):
            return
        try:
            kept = plans.restore(token, self._identity.rid, self._ring.keys)
            self._player.resume(kept)
            self._heed_restart(kept.plan.set.boot, is_begun=True)
        except Refused as refused:
            log.warning("the kept plan is no longer valid: %s", refused)
            self.journal.write([Note("refused", detail={**refused.detail, "rev": self._rev})])

    # -- what comes in ----------------------------------------------------------------------------

    def connected(self) -> None:
        """The link is up and subscribed: restate everything, send again what was in flight."""
        self._fetcher.online = True
        self._fetcher.reconnected()
        self.journal.forget_sent()
        self._presence.birth(self._heartbeat)
        self._due = 0

    def disconnected(self) -> None:
        """The link is down. Nothing audible depends on it."""
        self._fetcher.online = self._presence.online = False

    def handle(self, topic: str, payload: bytes) -> None:
        """Take a message; whatever is wrong with it ends here."""
        rid = self._identity.rid
        self._due = 0
        self._meter.add(topic, payload)
        if topic == messages.plan_topic(rid):
            self._take_plan(payload)
        elif topic == messages.keys_topic(rid):
            self._take_keys(payload)
        elif topic == messages.evack_topic(rid):
            self._take_evack(payload)
        else:
            self._fetcher.take(topic, payload)

    def download_failed(self, sha: str, why: str) -> None:
        """A download the fetcher asked for came to nothing."""
        self._due = 0
        self._fetcher.failed(sha, why)

    def _take_plan(self, token: bytes) -> None:
        if not token:
            return  # a retained plan was cleared on the broker: ours stays in force
        self._keep_time()
        if self._is_flood(token):
            return
        try:
            accepted = plans.verify(token, self._identity.rid, self._ring.keys, self._rev)
            if accepted:
                self._judge_time(accepted)
        except Refused as refused:
            self._note_refusal(token, refused)
            if refused.why in ("bad_sig", "key"):
                self._unknown = token
            return
        if accepted:
            self._player.obey(accepted, token)
            self._heed_restart(accepted.plan.set.boot, is_begun=self._rev == 0)
            self._rev = accepted.plan.rev
            self._meter.zone = accepted.zone
            self._shelf.drop_unnamed(accepted.plan.aud.keys() | self._canned.shas)

    def _heed_restart(self, order: int, *, is_begun: bool) -> None:
        """Keep the order before it is obeyed, so that it is obeyed once; who has but just begun need not again."""
        if order > self._restarts:
            self._restarts, self._is_asked = order, not is_begun
            self.journal.write(facts={"restarts": order, "asked": int(self._is_asked)})

    def _judge_time(self, accepted: Accepted) -> None:
        """Raise Refused for a plan past its time; one that repeats our nonce says itself what time it is."""
        plan = accepted.plan
        told = self._nonce.moment(plan.nz, Instant(plan.iat))
        if told:
            accepted.check_time(told[0])
            self._put_clock_right(*told)
        elif self._clock.source() != "none":
            accepted.check_time(self._clock.wall())

    def _put_clock_right(self, moment: Instant, err: int) -> None:
        clock = self._clock
        step = moment - clock.wall()
        clock.put_right(moment, err)
        self._watch.put_right()
        note = Note("clock", detail={"why": "nonce", "step_ms": step, "err_ms": err})
        self.journal.write([note], facts={"synced": clock.synced, "shift": clock.shift})

    def _take_keys(self, token: bytes) -> None:
        if not token:
            return
        self._keep_time()
        if self._is_flood(token):
            return
        try:
            document = self._ring.judge(token)
        except Refused as refused:
            self._note_refusal(token, refused)
            return
        if document is None:
            return
        note = Note("keys", detail={"kv": document.kv})
        self.journal.write([note], facts=self._ring.facts(document))
        self._ring.put(document)
        self._player.rekeyed()
        # A broker hands out what it retains in any order.
        waiting, self._unknown = self._unknown, b""
        self._take_plan(waiting)

    def _is_flood(self, token: bytes) -> bool:
        """True when too much is sent to be looked at: the station sends again what its heartbeats miss."""
        if self._tokens.take(self._clock.mono()):
            return False
        self._note_refusal(token, Refused("flood"))
        return True

    def _note_refusal(self, token: bytes, refused: Refused) -> None:
        note = self._refusals.note(token, refused, self._clock.mono())
        if note:
            log.warning("refused: %s", refused)
            self.journal.write([note])

    def _take_evack(self, payload: bytes) -> None:
        if not self._evacks.take(self._clock.mono()):
            return
        try:
            self.journal.acknowledge(messages.decode(payload, messages.Evack))
        except (ValueError, RecursionError) as error:
            log.warning("evack dropped: %s", error)

    def tell(self, act: Literal["play", "stop"], n: int) -> None:
        """An order given on the spot. Raises DeviceError saying why it is not obeyed."""
        self._due = 0
        self._keep_time()
        if act == "play":
            self._player.by_hand.play(n, self._player.local_vol)
        else:
            self._player.by_hand.stop()

    # -- the clock --------------------------------------------------------------------------------

    def step(self) -> Instant:
        """Do what is due; the answer is when to call again at the latest, by the wall clock as it is now.

        A caller who waits longer than a second may notice a step of the wall clock that much later.
        """
        stepped = self._watch_clock()
        mono = self._clock.mono()
        if not stepped and mono < self._due:
            return self._deadline(mono)
        dues = [self._step_player(), self._fetcher.step(), self._send_journal()]
        dues += [self._presence.step(self._heartbeat), self._close_refusals()]
        self._meter.step()
        # Two days: "nothing", as a time.
        self._due = min((due for due in dues if due is not None), default=mono + 2 * times.DAY)
        return self._deadline(self._clock.mono())

    @property
    def wants_restart(self) -> bool:
        """The station has asked for it, and nothing sounds: ``stop`` it and begin anew."""
        return self._is_asked and not self.is_sounding

    @property
    def is_sounding(self) -> bool:
        return self._player.play is not None

    def wall(self) -> Instant:
        """What time it is, as far as this receiver knows."""
        return self._clock.wall()

    def _deadline(self, mono: int) -> Instant:
        return times.after(self._clock.wall(), max(0, self._due - mono))

    def _keep_time(self) -> None:
        """What fell due before the message came is judged by the plan that was in force then."""
        self._watch_clock()
        self._step_player()

    def _watch_clock(self) -> bool:
        stepped = self._watch.step()
        if stepped is None:
            return False
        self.journal.write([Note("clock", detail={"step_ms": stepped})])
        return True

    def _step_player(self) -> int | None:
        wait = self._player.step()
        return None if wait is None else self._clock.mono() + wait

    def _send_journal(self) -> int | None:
        if not self._presence.online:
            return None
        batch = self.journal.batch(self._identity.rid, self._identity.key)
        if batch:
            self._wire.publish(messages.events_topic(self._identity.rid), batch, qos=1)
        return self.journal.due()

    def _close_refusals(self) -> int | None:
        note = self._refusals.close(self._clock.mono())
        if note:
            self.journal.write([note])
        return self._refusals.due()

    def stop(self) -> None:
        """End in good order: what sounds is interrupted and journalled, and the station is told."""
        self._player.stop()
        self._send_journal()
        self._presence.leave()
        self._meter.keep()

    # -- what it says of itself -------------------------------------------------------------------

    def will(self) -> tuple[str, bytes]:
        """(topic, payload) to leave with the broker before a connect; begins a new session id."""
        return self._presence.will()

    @property
    def _heartbeat(self) -> int:
        accepted = self._agenda.accepted
        return accepted.plan.set.hb if accepted else messages.Settings().hb

    def _state(self, sid: str) -> messages.State:
        clock, player = self._clock, self._player
        ready, want = player.counts()
        return messages.State(
            on=1,
            sid=sid,
            boot=self.journal.boot,
            jid=self.journal.jid,
            n=self.journal.n,
            acked=self.journal.acked,
            head=self.journal.head,
            rev=self._rev,
            kv=self._ring.kv,
            t=clock.wall(),
            src=clock.source(),
            err_ms=clock.err if clock.source() == "rtc" else 0,
            up=clock.mono(),
            fw=FIRMWARE,
            disk=self._shelf.disk(),
            out=self._output.health,
            vol=player.vol,
            play=player.play,
            ready=ready,
            want=want,
            can=player.canned,
            net=self._meter.reading,
        )
