"""Gets the sounds a plan names, hours ahead: asks for the blocks it lacks, and listens to what others asked for."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from devices import messages
from devices.receiver.clock import Clock
from devices.receiver.download import Job, is_usable
from devices.receiver.pace import TIMEOUT_MOST, Pace
from devices.receiver.rates import Bucket
from devices.receiver.shelf import Part, Shelf
from loa.times import HOUR, MINUTE, SECOND, Instant

log = logging.getLogger(__name__)

SPREAD_MOST = 1 * HOUR
CANNED_SPREAD = 10 * MINUTE
AT_ONCE = 20 * SECOND
"""What is to sound sooner than this is asked for without a delay."""
WRONG_FIRST, WRONG_MOST = 5 * SECOND, 10 * MINUTE
"""Waits after a wrong hash, doubling: a poisoned source must not cost the commune its bandwidth."""
WEB_TRIES = 3
WEB_AGAIN = 2 * SECOND
WEB_TIMEOUT = 10 * MINUTE
"""Longer than a download can take that gives up by itself."""
WEB_BLOCKS = 16
"""1 MiB at a time: an emergency waits for no more than that."""
GET_BURST, GET_EACH = 20, 250
"""Requests at once, and the pause after which there is one more: a little less than a station allows."""
_BLOCK_TOPIC = re.compile(r"loa/1/audio/([0-9a-f]{16})/(0|[1-9]\d{0,3})")


class Web(Protocol):
    """The other way in: ``download.Downloads`` behind ``run.py``, a list in a test."""

    def get(self, job: Job) -> None: ...


class Wire(Protocol):
    """The way out. ``devices.link.Link`` behind ``run.py``, a list in a test."""

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None: ...

    def subscribe(self, topic: str, qos: int) -> None: ...

    def unsubscribe(self, topic: str) -> None: ...


@dataclass(frozen=True)
class Want:
    """A sound the plan names; ``known`` when its hash was found right in an earlier boot."""

    sha: str
    n: int
    at: Instant
    urgent: bool = False
    known: bool = False
    canned: bool = False


@dataclass
class _Item:
    want: Want
    not_before: int
    part: Part | None = None
    asked: set[int] = field(default_factory=set)
    asked_at: int | None = None
    """Mono time of a question asked once; None where it was asked again: nobody knows then which was answered."""
    count: int = 0
    """Blocks asked for together."""
    again: int = 0
    """Mono time at which what was asked is taken for lost."""
    stalls: int = 0
    """Waits in vain since one was not."""
    is_stalled: bool = False
    """Its last ask was not answered in time."""
    is_over_web: bool = False
    """What it last asked for was asked of the web."""
    wrong: int = 0
    web_failures: int = 0

    @property
    def order(self) -> tuple[bool, bool, bool, int, str]:
        want = self.want
        return (not want.urgent, self.is_stalled, not want.canned, want.at, want.sha)

    @property
    def due(self) -> int:
        return self.again if self.asked else self.not_before


class Fetcher:
    """Sans-IO but for the shelf: told what is wanted and what came, it says when to be called again."""

    def __init__(
        self,
        rid: str,
        shelf: Shelf,
        wire: Wire,
        clock: Clock,
        random: Random,
        web: Web | None = None,
    ) -> None:
        self._topic = messages.get_topic(rid)
        self._shelf, self._wire, self._clock, self._random = shelf, wire, clock, random
        self._items: dict[str, _Item] = {}
        self.whole: set[str] = set()
        """Sounds whose hash was right when last looked at."""
        self.spoiled: dict[str, str] = {}
        """Why a wanted sound is not here, beyond not having come: hash, disk, decode."""
        self.online = False
        self._web, self._base = web, ""
        self._gets = Bucket(GET_BURST, GET_EACH)
        self._pace = Pace()

    def look_at(self, base: str) -> None:
        """Where sounds may be had besides the broker; empty, or an address we do not use: nowhere."""
        if base != self._base:
            for item in self._items.values():
                item.web_failures = 0
        self._base = base if is_usable(base) else ""

    def want(self, wants: Iterable[Want]) -> None:
        """Everything wanted from now on; what is no longer among it is given up."""
        wanted = {want.sha: want for want in wants}
        for sha in self._items.keys() - wanted.keys():
            self._drop(sha)
        for sha, want in wanted.items():
            item = self._items.get(sha)
            if sha in self.whole:
                continue
            if item is None:
                self._begin(want)
                continue
            if not item.wrong and (want.at < item.want.at or want.urgent > item.want.urgent):
                item.not_before = min(item.not_before, self._spread(want))
            item.want = want
        self.whole &= wanted.keys()
        self.spoiled = {sha: why for sha, why in self.spoiled.items() if sha in wanted}

    def _begin(self, want: Want) -> None:
        if self._shelf.has(want.sha, want.n) and (
            want.known or self._shelf.read(want.sha, want.n) is not None
        ):
            self.whole.add(want.sha)
            return
        self._items[want.sha] = _Item(want, self._spread(want))
        # Subscribed at once though asked later: a block that another asked for serves us too.
        self._wire.subscribe(messages.audio_topics(want.sha), 0)

    def _spread(self, want: Want) -> int:
        mono = self._clock.mono()
        if self._clock.source() == "none":
            return mono + int(self._random.uniform(0, 1 * MINUTE))
        if want.canned:
            return mono + int(self._random.uniform(0, CANNED_SPREAD))
        free = want.at - self._clock.wall()
        if want.urgent or free <= AT_ONCE:
            return mono
        return mono + int(self._random.uniform(0, min(free / 4, SPREAD_MOST)))

    def _drop(self, sha: str) -> None:
        del self._items[sha]
        self._wire.unsubscribe(messages.audio_topics(sha))

    def lost(self, sha: str, why: str) -> None:
        """A sound taken for whole turned out otherwise: it is fetched again with the next ``want``."""
        self.whole.discard(sha)
        self.spoiled[sha] = why

    def reconnected(self) -> None:
        """What was asked before is not coming."""
        for item in self._items.values():
            item.asked.clear()
            item.again = item.stalls = item.count = 0
            item.is_stalled, item.asked_at = False, None

    def take(self, topic: str, data: bytes) -> None:
        """A block from the wire; kept only if it is of a sound being fetched, lacking, and of the right size."""
        match = _BLOCK_TOPIC.fullmatch(topic)
        if not match:
            return
        item = next((one for sha, one in self._items.items() if sha[:16] == match[1]), None)
        block = int(match[2])
        if item is None or not self._keep(item, block, data):
            return
        item.asked.discard(block)
        item.again = self._clock.mono() + self._pace.timeout(item.stalls)
        if item.count and not item.asked:
            self._answered(item)
        if item.part and item.part.is_complete:
            self._finish(item)

    def _answered(self, item: _Item) -> None:
        """All that was asked for has come."""
        item.is_stalled = False
        if item.is_over_web:
            item.web_failures = 0
        if item.asked_at is not None:
            # Of one asked again nobody knows how long it took; until then what waits did help is kept to.
            item.stalls = 0
            self._pace.came(item.count, self._clock.mono() - item.asked_at)
        item.count = 0

    def _keep(self, item: _Item, block: int, data: bytes) -> bool:
        try:
            part = self._part(item)
            return part.write(block, data)
        except OSError as error:
            self._disk_full(item, error)
            return False

    def _part(self, item: _Item) -> Part:
        if item.part is None:
            item.part = self._shelf.part(item.want.sha, item.want.n)
        return item.part

    def _disk_full(self, item: _Item, error: OSError) -> None:
        log.warning("%s: cannot keep %s: %s", self._topic, item.want.sha[:16], error)
        self.spoiled[item.want.sha] = "disk"
        item.not_before = self._clock.mono() + TIMEOUT_MOST
        item.asked.clear()

    def _finish(self, item: _Item) -> None:
        want = item.want
        try:
            good = self._shelf.finish(want.sha, want.n)
        except OSError as error:
            item.part = None
            self._disk_full(item, error)
            return
        if good:
            self._drop(want.sha)
            self.whole.add(want.sha)
            self.spoiled.pop(want.sha, None)
            return
        log.warning("%s: %s came with a wrong hash, fetching it again", self._topic, want.sha[:16])
        self.spoiled[want.sha] = "hash"
        item.part = None
        item.asked.clear()
        item.not_before = self._clock.mono() + min(WRONG_FIRST << min(item.wrong, 10), WRONG_MOST)
        item.wrong += 1
        item.web_failures = WEB_TRIES  # the broker's may be the right one

    def failed(self, sha: str, why: str) -> None:
        """A download came to nothing: again soon, and over the broker after three times."""
        item = self._items.get(sha)
        if item is None or not item.asked:
            return
        log.warning("%s: %s over https: %s", self._topic, sha[:16], why)
        item.asked.clear()
        item.count = 0
        item.web_failures += 1
        wait = 0 if item.web_failures >= WEB_TRIES else WEB_AGAIN << item.web_failures
        item.not_before = self._clock.mono() + wait

    def step(self) -> int | None:
        """Ask for what is to be asked now; the answer is the mono time of the next ask."""
        if not self.online or not self._items:
            return None
        mono = self._clock.mono()
        for item in self._items.values():
            if item.asked and item.again <= mono:
                self._give_up_waiting(item)
        ready = [
            item for item in self._items.values() if item.not_before <= mono and not item.asked
        ]
        first = min(ready, key=lambda item: item.order, default=None)
        if first and not any(self._goes_before(item, first) for item in self._items.values()):
            self._ask(first, mono)
        # One that waits for its turn gets it when another's blocks came or are overdue.
        dues = [item.due for item in self._items.values() if item.asked or item.due > mono]
        return min(dues, default=None)

    def _goes_before(self, other: _Item, item: _Item) -> bool:
        """One sound at a time, the soonest; one that stalls or is less urgent holds up nobody."""
        return bool(other.asked) and other.order < item.order

    def _give_up_waiting(self, item: _Item) -> None:
        """Nothing came for a while: ask for less, wait longer, and let another sound have its turn."""
        item.asked.clear()
        item.web_failures += 1
        item.stalls, item.is_stalled, item.asked_at = item.stalls + 1, True, None
        self._pace.lost()

    def _ask(self, item: _Item, mono: int) -> None:
        try:
            part = self._part(item)
        except OSError as error:
            self._disk_full(item, error)
            return
        missing = part.missing()[: self._pace.size]
        if not missing:
            self._finish(item)
            return
        if self._web and self._base and item.web_failures < WEB_TRIES:
            self._download(item, self._web, missing[0], mono)
            return
        if not self._gets.take(mono):
            item.not_before = mono + self._gets.wait(mono)
            return
        item.asked_at, item.is_over_web = None if item.count else mono, False
        item.asked, item.count = set(missing), len(missing)
        item.again = mono + self._pace.timeout(item.stalls)
        get = messages.Get(sha=item.want.sha, want=tuple(missing))
        self._wire.publish(self._topic, messages.encode(get), qos=1)

    def _download(self, item: _Item, web: Web, first: int, mono: int) -> None:
        """Ask for the blocks from the first that is missing to the next that is not."""
        last, part = first, self._part(item)
        while last - first + 1 < WEB_BLOCKS and part.lacks(last + 1):
            last += 1
        item.asked = set(range(first, last + 1))
        item.asked_at, item.count, item.is_over_web = None, len(item.asked), True
        item.again = mono + WEB_TIMEOUT
        web.get(Job(self._base, item.want.sha, item.want.n, first, last))
