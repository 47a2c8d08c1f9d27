"""What becomes of each occurrence: accepted → ready → started → its end; journalled, then done."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from devices.messages import Occurrence, Settings
from devices.receiver import outputs
from devices.receiver.agenda import Agenda, Coming, Sounding
from devices.receiver.clock import Clock
from devices.receiver.fetch import Fetcher
from devices.receiver.journal import Journal, Note
from devices.receiver.outputs import Output, OutputFault, Playing, Sound, Undecodable
from devices.receiver.plans import Accepted
from devices.receiver.shelf import Shelf
from loa.times import SECOND, Instant

log = logging.getLogger(__name__)

PREPARE = 3 * SECOND
"""Before its time a sound is read, its hash checked again, and its beginning decoded."""
_RANK = {"E": 0, "P": 1, "N": 2}


@dataclass(frozen=True)
class _Now:
    """The one sound being heard."""

    occ: Occurrence
    playing: Playing
    vol: int
    asked: int


class Player:
    """Does what the agenda says is due, one sound at a time."""

    def __init__(
        self,
        journal: Journal,
        agenda: Agenda,
        shelf: Shelf,
        fetcher: Fetcher,
        output: Output,
        clock: Clock,
    ) -> None:
        self._journal, self._agenda, self._shelf, self._fetcher = journal, agenda, shelf, fetcher
        self._output, self._clock = output, clock
        self._now: _Now | None = None
        self._prepared: dict[str, Playing] = {}
        self._seen = clock.wall()
        """The wall clock when last looked at: a window passed in between was slept through."""

    # -- plans ------------------------------------------------------------------------------------

    def obey(self, newer: Accepted, token: bytes) -> None:
        """Put a newer plan in force: kept, with all that follows, in one commit before the acts."""
        now = self._now
        sounding = Sounding(now.occ.id, now.playing.played_ms()) if now else None
        notes, states = self._agenda.orders(newer, sounding)
        self._journal.write(notes, states, {"rev": newer.plan.rev, "plan": token})
        self._agenda.states.update(states)
        if now and now.occ.id in states:
            now.playing.close()
            self._now = None
        self.resume(newer)

    def resume(self, accepted: Accepted) -> None:
        """Take up a plan; what it orders has been journalled."""
        self._agenda.accepted = accepted
        # Prepared for another sound or volume, perhaps: it is quickly done again.
        for name in list(self._prepared):
            self._discard(name)
        self._want()

    def _want(self) -> None:
        self._fetcher.want(self._agenda.wants())

    # -- the clock --------------------------------------------------------------------------------

    def step(self) -> int | None:
        """Do what is due; the answer is how many milliseconds may pass until the next look."""
        now = self._clock.wall()
        self._note_ready()
        self._attend()
        if self._clock.source() != "none":
            self._judge(now)
            self._start_best(now)
            self._prepare_soon(now)
        self._seen = self._clock.wall()
        return self._wait(now)

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
            if coming.audio.ct != "audio/mpeg":
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
            self._discard(coming.id)
            self._want()

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
        waits = [min(self._now.playing.left_ms(), SECOND)] if self._now else []
        if self._clock.source() == "none":
            return min(waits, default=None)
        now, lead = self._clock.wall(), self._output.lead_ms
        for coming in self._agenda.coming():
            due = coming.due
            marks = (due - PREPARE, due - lead, due, coming.exp, coming.limit + 1)
            # Not "> now": what fell due during this very step would then never be looked at again.
            waits += [max(0, mark - now) for mark in marks if mark > looked]
        return min(waits, default=None)

    # -- the sound being heard --------------------------------------------------------------------

    def _attend(self) -> None:
        """Look after it."""
        now = self._now
        if now is None:
            return
        try:
            now.playing.advance()
        except OutputFault as error:
            self._fail(now, "out", error)
        except Undecodable as error:
            self._fail(now, "decode", error)
        else:
            if now.playing.left_ms() == 0:
                self._finish(now)

    def _finish(self, now: _Now) -> None:
        detail = {
            "ms": now.playing.played_ms(),
            "asked": now.asked,
            "level": "E1",
            "vol": now.vol,
            "out": self._output.name,
        }
        self._set(now.occ.id, "played", Note("played", now.occ.id, detail))
        self._silence(now)

    def _fail(self, now: _Now, why: str, error: Exception) -> None:
        log.warning("%s failed: %s", now.occ.id, error)
        detail = {"why": why, "at_ms": now.playing.played_ms()}
        notes = [Note("failed", now.occ.id, detail)]
        if why == "out":
            notes.append(Note("out_fault", detail={"why": str(error)[:100]}))
        self._set(now.occ.id, "failed", *notes)
        self._silence(now)

    def _silence(self, now: _Now) -> None:
        now.playing.close()
        self._now = None
        self._want()

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
        ready.sort(key=lambda one: (_RANK[one.occ.cls], one.again, one.due, one.id))
        for coming in ready:
            if self._now and _RANK[coming.occ.cls] >= _RANK[self._now.occ.cls]:
                return
            if self._start(coming, now):
                return

    def _start(self, coming: Coming, now: Instant) -> bool:
        release = max(now, coming.due)
        why = self._agenda.objection(coming, release)
        if why:
            self._withhold(coming, why)
            return False
        playing = self._prepare(coming)
        if playing is None or coming.audio is None:
            return False
        before, settings = self._now, self._settings
        after = _Now(coming.occ, playing, _volume(settings), coming.audio.ms)
        late = 0 if coming.again else release - coming.due
        detail = {"late_ms": late, "vol": after.vol, "sha": coming.sha[:16]}
        notes, states = _interrupted(before, "preempt")
        states[coming.id] = "started"
        self._journal.write([*notes, Note("started", coming.id, detail)], states)
        self._agenda.states.update(states)
        del self._prepared[coming.id]
        if before:
            before.playing.close()
        self._now = after
        try:
            playing.begin(max(0, release - self._clock.wall()))
        except OutputFault as error:
            self._fail(after, "out", error)
        return True

    def _withhold(self, coming: Coming, why: str) -> None:
        if coming.again:
            self._agenda.leave(coming)
        else:
            self._set(coming.id, "refused", Note("refused", coming.id, {"why": why}))
        self._discard(coming.id)
        self._want()

    def _prepare_soon(self, now: Instant) -> None:
        for coming in self._agenda.coming():
            if coming.due - PREPARE <= now and self._can_sound(coming):
                self._prepare(coming)

    def _prepare(self, coming: Coming) -> Playing | None:
        """The sound opened, from bytes whose hash was right just now."""
        if coming.id in self._prepared or coming.audio is None:
            return self._prepared.get(coming.id)
        data = self._shelf.read(coming.sha, coming.audio.n)
        if data is None:
            log.warning("%s is not what it was when it was fetched", coming.sha[:16])
            self._lost(coming.sha)
            return None
        level = _volume(self._settings) / 100 * 10 ** (coming.occ.gain / 20)
        try:
            playing = self._output.open(Sound(coming.id, data, coming.audio.ms, level))
        except Undecodable:
            self._fetcher.spoiled[coming.sha] = "decode"
            return None
        self._prepared[coming.id] = playing
        return playing

    def _lost(self, sha: str) -> None:
        self._fetcher.lost(sha, "hash")
        self._want()

    def _discard(self, name: str) -> None:
        playing = self._prepared.pop(name, None)
        if playing:
            playing.close()

    @property
    def _settings(self) -> Settings:
        accepted = self._agenda.accepted
        return accepted.plan.set if accepted else Settings(vol=0)

    # -- what others ask --------------------------------------------------------------------------

    @property
    def play(self) -> str | None:
        """The occurrence sounding now."""
        return self._now.occ.id if self._now else None

    @property
    def vol(self) -> int:
        return _volume(self._settings)

    def counts(self) -> tuple[int, int]:
        """(occurrences whose sound is whole, occurrences still to come)."""
        coming = self._agenda.coming()
        return sum(one.sha in self._fetcher.whole for one in coming), len(coming)

    def stop(self) -> None:
        """The receiver is told to end: the next boot will know that it was no power cut."""
        notes, states = _interrupted(self._now, "stop")
        self._journal.write(notes, states, {"clean": 1})
        self._agenda.states.update(states)
        if self._now:
            self._silence(self._now)


def _volume(settings: Settings) -> int:
    return 0 if settings.mute else settings.vol


def _interrupted(now: _Now | None, why: str) -> tuple[list[Note], dict[str, str]]:
    if now is None:
        return [], {}
    detail = {"at_ms": now.playing.played_ms(), "why": why}
    return [Note("interrupted", now.occ.id, detail)], {now.occ.id: "interrupted"}
