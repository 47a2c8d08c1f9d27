"""A receiver's journal as the station takes it in: verified, held without gaps, every fault named by its clause."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import msgspec

from devices import messages, signing
from devices.messages import Entry, Events
from devices.signing import BadSignature, PublicKey

CODES = frozenset(messages.Code.__args__)  # type: ignore[attr-defined]  # a Literal's own list
CODE_OF = "loa-events"


@dataclass(frozen=True)
class Held:
    """An entry that continued the chain."""

    entry: Entry
    raw: bytes
    came: float
    """``time.monotonic()`` at which it was first read."""

    @property
    def code(self) -> str:
        return self.entry.code

    @property
    def why(self) -> str:
        return str(self.entry.detail.get("why", ""))

    def __str__(self) -> str:
        return f"{self.entry.seq} {self.entry.occ or '-'} {self.code} {self.entry.detail}"


@dataclass
class Evidence:
    """What one receiver has said so far."""

    key: PublicKey
    held: list[Held] = field(default_factory=list)
    """In order; entry n at n - 1."""
    heads: list[bytes] = field(default_factory=list)
    jid: str = ""
    batches: list[Events] = field(default_factory=list)
    """Every batch, also those that brought nothing new."""
    faults: dict[str, str] = field(default_factory=dict)
    """Clause → what was seen that breaks it, the first time."""

    @property
    def upto(self) -> int:
        return len(self.held)

    def fault(self, clause: str, seen: str) -> None:
        self.faults.setdefault(clause, seen)

    def take(self, token: bytes) -> Events | None:
        """Read a batch; None when nothing of it may be believed."""
        if len(token) > messages.MAX_EVENTS_BYTES:
            self.fault("journal.batch", f"a batch of {len(token)} bytes")
        try:
            payload, _ = signing.verify(token, CODE_OF, {self.key.kid: self.key})
        except BadSignature as error:
            self.fault("journal.signed", f"a batch that is not signed as it should be: {error}")
            return None
        batch = self._read(payload)
        if batch is None:
            return None
        self.batches.append(batch)
        self._continue(batch)
        return batch

    def _read(self, payload: bytes) -> Events | None:
        try:
            batch = messages.decode(payload, Events)
        except ValueError as error:
            self.fault("journal.batch", f"a batch of the wrong form: {error}")
            return None
        if batch.rid != self.key.kid:
            self.fault("journal.batch", f"a batch that says rid {batch.rid}")
            return None
        if not self.jid:
            self.jid = batch.jid
        if batch.jid != self.jid:
            self.fault("journal.jid", f"jid was {self.jid} and is {batch.jid}")
            return None
        return batch

    def _continue(self, batch: Events) -> None:
        first = batch.from_
        if first > self.upto + 1:
            if not self.held:  # another station has confirmed the beginning: it is asked for
                return
            self.fault("journal.seq", f"entries from {first}, when {self.upto} were confirmed")
            return
        head = self.heads[first - 2] if first > 1 else messages.first_hash(self.jid)
        for seq, one in enumerate(batch.e, first):
            raw = bytes(one)
            head = messages.next_hash(head, raw)
            self._add(seq, raw, head)
        if head.hex() != batch.head:
            self.fault("journal.chain", f"head {batch.head[:16]}… where {head.hex()[:16]}… follows")

    def _add(self, seq: int, raw: bytes, head: bytes) -> None:
        if seq <= self.upto:
            if raw != self.held[seq - 1].raw:
                self.fault(
                    "journal.bytes", f"entry {seq} was {self.held[seq - 1].raw!r}, is {raw!r}"
                )
            return
        entry = self._entry(seq, raw)
        if entry:
            self.held.append(Held(entry, raw, time.monotonic()))
            self.heads.append(head)

    def _entry(self, seq: int, raw: bytes) -> Entry | None:
        if len(raw) > messages.MAX_ENTRY_BYTES:
            self.fault("journal.form", f"an entry of {len(raw)} bytes")
        try:
            entry = msgspec.json.decode(raw, type=Entry)
        except ValueError as error:
            self.fault("journal.form", f"{raw[:200]!r}: {error}")
            return None
        if entry.code not in CODES:
            self.fault("journal.form", f"code {entry.code}")
        if entry.seq != seq:
            self.fault("journal.seq", f"entry {entry.seq} where {seq} was due")
            return None
        return entry
