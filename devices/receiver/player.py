"""What becomes of each occurrence: accepted → ready → started → its end; journalled, then done."""

from __future__ import annotations

import logging

from devices.messages import Settings
from devices.receiver import outputs, tone
from devices.receiver.agenda import Agenda, Coming, Sounding
from devices.receiver.byhand import ByHand
from devices.receiver.canned import Shelved
from devices.receiver.clock import Clock
from devices.receiver.fetch import Fetcher
from devices.receiver.journal import Journal, Note
from devices.receiver.outputs import Output, Undecodable, delay_of, factor
from devices.receiver.plans import Accepted
from devices.receiver.relay import Relays
from devices.receiver.ring import Ring
from devices.receiver.shelf import Shelf
from devices.receiver.stage import BY_HAND, RANK, Act, Stage
from devices.receiver.store import Fact, Value
from devices.receiver.wings import Wings, ahead, loudness, volume
from loa.times import SECOND, Instant, after

log = logging.getLogger(__name__)

PLAYABLE = ("audio/mpeg", tone.CT)


class Player:
    """Does what the agenda says is due, one sound at a time."""

    def __init__(
        self,
        journal: Journal,
        agenda: Agenda,
        ring: Ring,
        canned: Shelved,
        shelf: Shelf,
        fetcher: Fetcher,
        output: Output,
        clock: Clock,
        relays: Relays,
    ) -> None:
        self._journal, self._agenda, self._ring, self._canned = journal, agenda, ring, canned
        self._shelf, self._fetcher, self._output, self._clock = shelf, fetcher, output, clock
        self._stage = Stage(journal, agenda.states, output, clock, self.refetch)
        self.by_hand = ByHand(
            journal, canned, shelf, self._stage, output, clock, agenda, self._lost
        )
        self._wings = Wings(shelf, fetcher, output, relays, self._lost)
        self._seen = clock.wall()
        """The wall clock when last looked at: a window passed in between was slept through."""

    # -- plans ------------------------------------------------------------------------------------

    def obey(self, newer: Accepted, token: bytes) -> None:
        """Put a newer plan in force: kept, with all that follows, in one commit before the acts."""
        now = self._stage.now
        sounding = Sounding(now.occ.id, now.playing.played_ms()) if now else None
        notes, states = self._agenda.orders(newer, sounding)
        facts: dict[Fact, Value] = {"rev": newer.plan.rev, "plan": token}
        if newer.plan.can is not None:
            note, kept = self._keep_canned(newer)
            notes += note
            facts |= kept
        self._journal.write(notes, states, facts)
        self._agenda.states.update(states)
        if now and now.occ.id in states:
            self._stage.drop()
        self.resume(newer)
        self._turn()

    def _turn(self) -> None:
        now = self._stage.now
        if now is None:
            return
        if now.kid == BY_HAND:
            self._stage.turn(self.local_vol, factor(self.local_vol, now.occ.gain))
            return
        accepted = self._agenda.accepted
        occ = accepted.by_id.get(now.occ.id, now.occ) if accepted else now.occ
        self._stage.turn(volume(self._settings, occ), loudness(self._settings, occ))

    def _keep_canned(self, newer: Accepted) -> tuple[list[Note], dict[Fact, Value]]:
        """A sound that breaks the quiet hours at a touch is given only by those who may break them."""
        if not self._ring.allows(newer.kid, "emergency", None):
            detail = {"why": "no_role", "of": "can", "rev": newer.plan.rev}
            return [Note("refused", detail=detail)], {}
        return [], {"can": self._canned.take(newer.plan)}

    def resume(self, accepted: Accepted) -> None:
        """Take up a plan; what it orders has been journalled."""
        self._agenda.accepted = accepted
        self._fetcher.look_at(accepted.plan.base)
        self._wings.clear()
        self.refetch()

    def rekeyed(self) -> None:
        """Other keys are in force: what a key ordered that is good no longer is silenced, and does not start."""
        now = self._stage.now
        if now and now.kid != BY_HAND and not self._ring.knows(now.kid):
            self._stage.interrupt("key")
        for coming in self._agenda.disowned():
            self._withhold(coming, "key")

    def refetch(self) -> None:
        """Say anew which sounds are wanted."""
        wants = {want.sha: want for want in [*self._canned.wants(), *self._agenda.wants()]}
        self._fetcher.want(wants.values())

    # -- the clock --------------------------------------------------------------------------------

    def step(self) -> int | None:
        """Do what is due; the answer is how many milliseconds may pass until the next look."""
        now = self._clock.wall()
        self._note_ready()
        self._stage.attend()
        if self._clock.source() != "none":
            self._judge(now)
            self._start_best(now)
            self._prepare_soon(now)
        self._seen = self._clock.wall()
        waits = [wait for wait in (self._tend(), self._wait(now)) if wait is not None]
        return min(waits, default=None)

    def _tend(self) -> int | None:
        wait, complaint = self._output.tend()
        if complaint:
            log.warning("%s", complaint)
            self._journal.write([Note("out_fault", detail={"why": complaint[:100]})])
        return wait

    def _set(self, name: str, state: str, *notes: Note) -> None:
        self._journal.write(notes, {name: state})
        self._agenda.states[name] = state

    def _note_ready(self) -> None:
        for coming in self._agenda.coming():
            if self._agenda.states[coming.id] == "accepted" and self._is_decodable(coming):
                self._set(coming.id, "ready", Note("ready", coming.id, {"sha": coming.sha[:16]}))

    def _is_decodable(self, coming: Coming) -> bool:
        if coming.audio is None or not self._can_sound(coming):
            return False
        data = self._shelf.read(coming.sha, coming.audio.n)
        if data is None:
            self._lost(coming.sha)
            return False
        try:
            if coming.audio.ct not in PLAYABLE:
                raise Undecodable(coming.audio.ct)
            outputs.decode(data)
        except Undecodable:
            self._fetcher.spoiled[coming.sha] = "decode"
            return False
        return True

    def _can_sound(self, coming: Coming) -> bool:
        sha = coming.sha
        return sha in self._fetcher.whole and self._fetcher.spoiled.get(sha) != "decode"

    def _judge(self, now: Instant) -> None:
        """Close what can start no more: expired with its plan, or its time gone by."""
        for coming in self._agenda.coming():
            if coming.again or now < coming.due:
                continue
            if coming.exp <= min(now, coming.limit):
                self._set(coming.id, "refused", Note("refused", coming.id, {"why": "expired"}))
            elif now > coming.limit:
                self._set(coming.id, *self._unheard(coming))
            else:
                continue
            self._wings.discard(coming.id)
            self.refetch()

    def _unheard(self, coming: Coming) -> tuple[str, Note]:
        """Why its time passed without a sound."""
        absence = self._agenda.absence(coming)
        if not absence and self._seen < coming.due:
            absence = "off"  # the process slept through the whole window
        if absence:
            return "missed", Note("missed", coming.id, {"why": absence})
        spoiled = self._fetcher.spoiled.get(coming.sha)
        is_here = coming.sha in self._fetcher.whole
        if spoiled and (spoiled == "decode" or not is_here):
            return "failed", Note("failed", coming.id, {"why": spoiled})
        return "missed", Note("missed", coming.id, {"why": "busy" if is_here else "no_audio"})

    def _wait(self, looked: Instant) -> int | None:
        """Milliseconds until something falls due by the clock alone, that was not yet due when it was ``looked``."""
        sounding = self._stage.now
        waits = [min(sounding.left_ms(), SECOND)] if sounding else []
        if self._clock.source() == "none":
            return min(waits, default=None)
        now, lead = self._clock.wall(), self._output.lead_ms
        for coming in self._agenda.coming():
            due = coming.due
            marks = (due - ahead(coming), due - lead, due, coming.exp, coming.limit + 1)
            # Not "> now": what fell due during this very step would then never be looked at again.
            waits += [max(0, mark - now) for mark in marks if mark > looked]
        return min(waits, default=None)

    # -- the next sound ---------------------------------------------------------------------------

    def _start_best(self, now: Instant) -> None:
        """Start the one that goes before all others, if the channel is free for it."""
        lead = self._output.lead_ms
        ready = [
            coming
            for coming in self._agenda.coming()
            if coming.due - lead <= now <= coming.limit
            and now < coming.exp
            and self._can_sound(coming)
        ]
        # What is heard for the first time goes before what was heard in part.
        ready.sort(key=lambda one: (RANK[one.occ.cls], one.again, one.due, one.id))
        for coming in ready:
            if not self._stage.is_free_for(coming.occ.cls):
                return
            if self._start(coming, now):
                return

    def _start(self, coming: Coming, now: Instant) -> bool:
        release = max(after(now, delay_of(self._output)), coming.due)
        if release > coming.limit:
            return False  # the amplifier would wake too late for it
        why = self._agenda.objection(coming, release)
        if why:
            self._withhold(coming, why)
            return False
        prepared = self._wings.prepare(coming, self._settings)
        if prepared is None:
            return False
        accepted = self._agenda.accepted
        kid = accepted.kid if accepted else ""
        act = Act(
            coming.occ, prepared.playing, prepared.sound, volume(self._settings, coming.occ),
            coming.length(release), kid, prepared.order,
        )  # fmt: skip
        self._wings.leave(coming.id)
        late, more = 0 if coming.again else release - coming.due, {"rel": 1} if coming.relay else {}
        self._stage.commence(act, release, late, **more)
        return True

    def _withhold(self, coming: Coming, why: str) -> None:
        if coming.again:
            if why != "key":  # that may come right with the next plan
                self._agenda.leave(coming)
        else:
            self._set(coming.id, "refused", Note("refused", coming.id, {"why": why}))
        self._wings.discard(coming.id)
        self.refetch()

    def _prepare_soon(self, now: Instant) -> None:
        for coming in self._agenda.coming():
            if self._can_sound(coming):
                self._wings.prepare_soon(coming, now, self._settings)

    def _lost(self, sha: str) -> None:
        self._fetcher.lost(sha, "hash")
        self.refetch()

    @property
    def _settings(self) -> Settings:
        accepted = self._agenda.accepted
        return accepted.plan.set if accepted else Settings(vol=0)

    # -- what others ask --------------------------------------------------------------------------

    @property
    def play(self) -> str | None:
        """The occurrence sounding now."""
        return self._stage.now.occ.id if self._stage.now else None

    @property
    def vol(self) -> int:
        return volume(self._settings)

    @property
    def local_vol(self) -> int:
        """For a sound begun at the box: mute is for those who do not stand there."""
        return self._settings.vol if self._agenda.accepted else Settings().vol

    def counts(self) -> tuple[int, int]:
        """(occurrences whose sound is whole, occurrences still to come)."""
        coming = self._agenda.coming()
        return sum(one.sha in self._fetcher.whole for one in coming), len(coming)

    @property
    def canned(self) -> int:
        """Canned sounds that are whole."""
        return len(self._canned.shas & self._fetcher.whole)

    def stop(self) -> None:
        """The receiver is told to end: the next boot will know that it was no power cut."""
        self._stage.interrupt("stop", {"clean": 1})
        self._wings.clear()
        self._output.shut()
