"""The station's side of audio over MQTT: blocks are asked for by receivers, and each is published once for all."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import msgspec

from devices import messages
from loa.times import SECOND, Instant, after

logger = logging.getLogger(__name__)

MOST_GET_BYTES = 512
GATHER_MS = 200
"""An asked block waits so long for others to ask for it too: those who learn of a sound together ask together,
but one whose subscription came a moment after the publish would have missed it. Nobody is waited for once all that
asked for the sound before its last sending have asked again."""
REPEAT_MS = 1 * SECOND
"""At least so long from one sending of a block to the next. Who asks in between is not forgotten: it may have
asked because it missed the first."""
BURST = 20
"""Requests a receiver may make at once: some twenty minutes of sound at 64 kbit/s, 8 blocks a request."""
EACH_MS = 200
"""Gives a receiver one more request, up to BURST."""
MOST_RECEIVERS = 20_000
READING_MS = 5 * SECOND
"""A sound nobody has asked for so long is read by nobody that is known."""
MOST_SOUNDS = 100
"""Sounds whose readers are known."""
MOST_BLOCKS = 4_096
"""Blocks remembered as asked for, or as just sent: 256 MiB of them in a second, more than any line."""

Block = tuple[str, int]
"""(sha256, number)"""


@dataclass(slots=True)
class _Round:
    """Who asks for blocks of a sound from one sending of it to the next."""

    asked_at: Instant
    missing: set[str] = field(default_factory=set)
    """Those that asked in the round before, and not in this one yet."""
    asked: set[str] = field(default_factory=set)
    is_first: bool = True
    """Nobody is known to read it: anybody may still come."""

    def came(self, rid: str, now: Instant) -> None:
        self.asked_at = now
        self.missing.discard(rid)
        self.asked.add(rid)

    @property
    def is_whole(self) -> bool:
        """All that read it have asked again."""
        return not self.is_first and not self.missing

    def end(self) -> None:
        self.is_first = not self.asked
        self.missing, self.asked = self.asked, set()


class BlockServer:
    """Answers ``up/get``. One thread may use it; it keeps no file open and no sound in memory.

    ``find`` gives the file of a sha256, if there is one; ``publish`` gets topic and payload, to be sent with
    QoS 0, not retained, at the urgency of audio.
    """

    def __init__(
        self, find: Callable[[str], Path | None], publish: Callable[[str, bytes], None]
    ) -> None:
        self._find = find
        self._publish = publish
        self._due: dict[Block, Instant] = {}
        self._sent: OrderedDict[Block, Instant] = OrderedDict()
        self._spent: OrderedDict[str, Instant] = OrderedDict()
        self._rounds: OrderedDict[str, _Round] = OrderedDict()
        """By sound, the one asked for last at the end."""

    def asked(self, rid: str, payload: bytes, now: Instant) -> None:
        """A receiver asks for blocks: note when each is to be published. Never raises for bad input."""
        if not self._may_ask(rid, now):
            return
        get = _parse(rid, payload)
        if get is None:
            return
        if self._find(get.sha) is None:
            logger.warning("%s asks for sound %s, which is not here", rid, get.sha[:16])
            return
        self._forget_sent(now)
        for number in get.want:
            self._note((get.sha, number), now)
        self._note_reader(get.sha, rid, now)

    def _note(self, block: Block, now: Instant) -> None:
        if block in self._due or len(self._due) >= MOST_BLOCKS:
            return
        gathered = after(now, GATHER_MS)
        sent = self._sent.get(block)
        self._due[block] = gathered if sent is None else max(gathered, after(sent, REPEAT_MS))

    def _note_reader(self, sha: str, rid: str, now: Instant) -> None:
        self._rounds.setdefault(sha, _Round(now)).came(rid, now)
        self._rounds.move_to_end(sha)
        if len(self._rounds) > MOST_SOUNDS:
            self._rounds.popitem(last=False)

    def send_due(self, now: Instant) -> Instant | None:
        """Publish the blocks whose time has come; returns when the next one's comes, None when none waits."""
        self._forget_rounds(now)
        whole = {sha for sha, each in self._rounds.items() if each.is_whole}
        due = [
            block
            for block, at in self._due.items()
            if at <= now
            or at > now + REPEAT_MS
            or (block[0] in whole and self._may_repeat(block, now))
        ]
        for block in due:
            del self._due[block]
        for sha in {sha for sha, _ in due} & self._rounds.keys():
            self._rounds[sha].end()
        for sha, blocks in groupby(due, key=lambda block: block[0]):
            self._send(sha, [number for _, number in blocks], now)
        return min(self._due.values(), default=None)

    def _send(self, sha: str, numbers: list[int], now: Instant) -> None:
        path = self._find(sha)
        if path is None:
            return
        try:
            with path.open("rb") as file:
                for number in numbers:
                    self._send_one(file, sha, number, now)
        except OSError as error:
            logger.error("sound %s cannot be read: %s", sha[:16], error)

    def _send_one(self, file: BinaryIO, sha: str, number: int, now: Instant) -> None:
        file.seek(number * messages.BLOCK_BYTES)
        data = file.read(messages.BLOCK_BYTES)
        if not data:
            logger.warning("sound %s has no block %d", sha[:16], number)
            return
        self._publish(messages.block_topic(sha, number), data)
        self._sent[sha, number] = now
        self._sent.move_to_end((sha, number))

    def _may_repeat(self, block: Block, now: Instant) -> bool:
        sent = self._sent.get(block)
        return sent is None or after(sent, REPEAT_MS) <= now

    def _forget_rounds(self, now: Instant) -> None:
        while self._rounds:
            sha, oldest = next(iter(self._rounds.items()))
            if 0 <= now - oldest.asked_at < READING_MS:
                return
            del self._rounds[sha]

    def _forget_sent(self, now: Instant) -> None:
        while self._sent:
            oldest = next(iter(self._sent.values()))
            # In the future: the clock was set back, and nothing would be sent until it is there again.
            if 0 <= now - oldest < REPEAT_MS and len(self._sent) <= MOST_BLOCKS:
                return
            self._sent.popitem(last=False)

    def _may_ask(self, rid: str, now: Instant) -> bool:
        """A bucket per receiver, kept as the instant at which it is full again."""
        full = self._spent.pop(rid, now)
        if full - now > BURST * EACH_MS:
            full = now  # the clock was set back
        if full - now > (BURST - 1) * EACH_MS:
            self._spent[rid] = full
            logger.warning("%s asks for sound too often", rid)
            return False
        self._spent[rid] = Instant(max(full, now) + EACH_MS)
        if len(self._spent) > MOST_RECEIVERS:
            self._spent.popitem(last=False)
        return True


def _parse(rid: str, payload: bytes) -> messages.Get | None:
    if len(payload) > MOST_GET_BYTES:
        logger.warning("%s asks for sound in %d bytes", rid, len(payload))
        return None
    try:
        return messages.decode(payload, messages.Get)
    except msgspec.DecodeError as error:
        logger.warning("%s asks for sound in a way that cannot be understood: %s", rid, error)
        return None
