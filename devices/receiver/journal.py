"""The receiver's numbered, hash-chained journal: each entry is written before the act it describes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from devices import messages
from devices.receiver.clock import Clock
from devices.receiver.store import Change, Fact, Line, Store, Value
from devices.signing import PrivateKey
from loa.times import SECOND

RESEND = 30 * SECOND
REPEATED = 2 * SECOND
"""An evack that says nothing new makes us send again, but not more often than this."""
BATCH_BYTES = messages.MAX_EVENTS_BYTES * 3 // 4 - 1_024
"""Entries of one batch: base64 makes 4 bytes of 3, and the JWS has its head and signature."""


@dataclass(frozen=True)
class Note:
    """What is about to be done, before it has a number and a time."""

    code: messages.Code
    occ: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """Appends notes, and hands out batches until the station confirms them."""

    def __init__(self, store: Store, clock: Clock, random: Random) -> None:
        self._store, self._clock = store, clock
        saved = store.load()
        self.boot = saved.number("boot") + 1
        self.was_clean = bool(saved.number("clean"))
        self.jid = str(saved.facts.get("jid", ""))
        self.is_new = not self.jid
        if self.is_new:
            self.jid = f"{random.getrandbits(128):032x}"
        self.acked = saved.number("acked")
        last = saved.last
        self.n = last.seq if last else 0
        self._head = last.hash if last else messages.first_hash(self.jid)
        self._sent: tuple[int, int] | None = None
        """(last entry, mono) of the batch in flight."""

    @property
    def head(self) -> str:
        return self._head.hex()

    def write(
        self,
        notes: Iterable[Note] = (),
        states: Mapping[str, str] | None = None,
        facts: Mapping[Fact, Value] | None = None,
    ) -> None:
        """One commit; when it returns, the notes are on the disk and the acts may follow."""
        lines, head = [], self._head
        for seq, note in enumerate(notes, self.n + 1):
            raw = self._entry(seq, note)
            head = messages.next_hash(head, raw)
            lines.append(Line(seq, raw, head))
        self._store.commit(Change(tuple(lines), states or {}, facts or {}))
        # Only now: a commit that failed leaves numbers and hashes as they were.
        self.n, self._head = self.n + len(lines), head

    def _entry(self, seq: int, note: Note) -> bytes:
        clock = self._clock
        entry = [seq, note.occ, note.code, clock.wall(), clock.source(), self.boot, clock.mono()]
        return json.dumps([*entry, dict(note.detail)], separators=(",", ":")).encode()

    def batch(self, rid: str, key: PrivateKey) -> bytes | None:
        """The next batch as JWS, or None while one is in flight or nothing is left to confirm."""
        mono = self._clock.mono()
        if self.n <= self.acked or (self._sent and mono < self._sent[1] + RESEND):
            return None
        lines = self._next_lines()
        self._sent = (lines[-1].seq, mono)
        head = {
            "v": messages.VERSION,
            "rid": rid,
            "jid": self.jid,
            "from": lines[0].seq,
            "head": lines[-1].hash.hex(),
            "now": self._clock.wall(),
            "mono": mono,
            "boot": self.boot,
            "src": self._clock.source(),
        }
        # Put together by hand: the entries must travel as the very bytes the chain was hashed over.
        entries = b",".join(line.raw for line in lines)
        payload = (
            json.dumps(head, separators=(",", ":")).encode()[:-1] + b',"e":[' + entries + b"]}"
        )
        return key.sign(payload, "loa-events")

    def _next_lines(self) -> list[Line]:
        lines: list[Line] = []
        size = 0
        for line in self._store.lines(self.acked + 1, messages.MAX_BATCH_ENTRIES):
            size += len(line.raw) + 1
            if lines and size > BATCH_BYTES:
                break
            lines.append(line)
        return lines

    def due(self) -> int | None:
        """The mono time at which a batch is to be sent (again); None when all is confirmed."""
        if self.n <= self.acked:
            return None
        return self._sent[1] + RESEND if self._sent else self._clock.mono()

    def forget_sent(self) -> None:
        """The link came back: what was in flight is lost."""
        self._sent = None

    def acknowledge(self, evack: messages.Evack) -> None:
        """The station has all up to ``upto``. It only stops the resending: no entry is ever deleted."""
        if evack.jid != self.jid or evack.upto > self.n:
            return
        if evack.upto > self.acked or (evack.rw and evack.upto < self.acked):
            self._store.commit(Change(facts={"acked": evack.upto}))
            self.acked = evack.upto
            self._sent = None
        elif (
            evack.upto == self.acked
            and self._sent
            and self._clock.mono() >= self._sent[1] + REPEATED
        ):
            self._sent = None
