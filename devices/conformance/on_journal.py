"""Clauses about the journal and its confirmation."""

from __future__ import annotations

from devices import messages
from devices.conformance.clauses import Clause, Group, clause, hold
from devices.conformance.evidence import Evidence
from devices.conformance.stand import Stand
from loa.times import HOUR

BEAT = 2
"""Seconds between heartbeats: the state says what is confirmed."""
RESEND = 30
"""Seconds after which a batch is sent again."""


def fresh_entries(s: Stand, count: int) -> int:
    """Make it journal that many occurrences; the answer is the number of the newest entry before."""
    mark = s.mark()
    many = (s.occurrence(in_ms=HOUR + n) for n in range(count))
    s.order(*many, set=s.settings(hb=BEAT))
    return mark


def settled(s: Stand) -> None:
    """Wait until all it has written is confirmed."""
    s.confirms = True
    s.accepted(s.order(set=s.settings(hb=BEAT)))
    s.until(lambda: _is_settled(s), "a state in which all is confirmed", 30)


def _is_settled(s: Stand) -> bool:
    said = s.states[-1].state
    return said.on == 1 and said.acked == said.n == s.evidence.upto


def watched(id: str, says: str) -> Clause:
    """A clause that every batch of every receiver is held to; the end of the run decides."""

    @clause(id, "Journal", says)
    def check(s: Stand) -> str:
        fresh_entries(s, 3)
        s.entry("accepted")
        seen: Evidence = s.evidence
        hold(id not in seen.faults, seen.faults.get(id, ""))
        return f"{len(seen.batches)} batches, {seen.upto} entries"

    return check


form = watched(
    "journal.form",
    "Entries are [seq, occ, code, t, src, boot, mono, detail] with known codes, at most 2,048 bytes.",
)
chain = watched(
    "journal.chain",
    "Each hash is that of the one before and the entry's exact bytes; head is the last.",
)
seq = watched(
    "journal.seq", "Entries are numbered 1, 2, 3 … without a gap, and sent from acked + 1 on."
)
batch = watched(
    "journal.batch", "A batch has at most 20 entries and 16 KiB, and names its receiver."
)
same = watched("journal.bytes", "An entry sent again is the same, byte for byte.")
jid = watched("journal.jid", "The jid stays, also over power cuts.")
signed = watched("journal.signed", "Batches are signed with the receiver's key, typ loa-events.")


@clause("journal.first", "Journal", "The first entry of a boot is boot.")
def first(s: Stand) -> str:
    s.until(lambda: s.evidence.upto, "an entry")
    hold(s.evidence.held[0].code == "boot", str(s.evidence.held[0]))
    return str(s.evidence.held[0])


@clause("journal.one", "Journal", "One batch is under way at a time; the next follows its evack.")
def one(s: Stand) -> str:
    settled(s)
    s.confirms = False
    mark = fresh_entries(s, 30)
    s.until(lambda: s.evidence.upto > mark, "a batch")
    s.pause(3.0)
    first = s.evidence.upto
    hold(first - mark <= messages.MAX_BATCH_ENTRIES, f"{first - mark} entries without an evack")
    s.confirms = True
    s.acknowledge()
    s.until(lambda: s.evidence.upto >= mark + 31, "the rest")
    return f"{first - mark} entries, then {s.evidence.upto - first} more"


@clause("journal.reconnect", "Journal", "What is not confirmed is sent again on the next connect.")
def reconnect(s: Stand) -> str:
    settled(s)
    s.confirms = False
    mark = fresh_entries(s, 2)
    s.until(lambda: s.evidence.upto > mark, "a batch")
    s.pause(0.5)
    sent, lines = len(s.evidence.batches), s.line.lines
    s.line.cut()
    s.until(lambda: s.line.lines > lines, "a new connection", 15)
    again = s.until(lambda: s.evidence.batches[sent:], "the batch again")[0]
    hold(again.from_ == mark + 1, f"sent from {again.from_}, when {mark} were confirmed")
    settled(s)
    return f"from {again.from_} again"


@clause("journal.resend", "Journal", "What is not confirmed is sent again after 30 s.")
def resend(s: Stand) -> str:
    settled(s)
    s.confirms = False
    mark = fresh_entries(s, 2)
    s.until(lambda: s.evidence.upto > mark, "a batch")
    s.pause(1.0)
    sent = len(s.evidence.batches)
    again = s.until(lambda: s.evidence.batches[sent:], "the batch again", RESEND + 15)[0]
    hold(again.from_ == mark + 1, f"sent from {again.from_}, when {mark} were confirmed")
    settled(s)
    return f"from {again.from_} again"


@clause(
    "journal.rewind", "Journal", "evack with rw goes back: everything after upto is sent again."
)
def rewind(s: Stand) -> str:
    fresh_entries(s, 3)
    settled(s)
    sent, upto = len(s.evidence.batches), s.evidence.upto
    s.confirms = False
    s.acknowledge(1, rw=True)
    again = s.until(lambda: s.evidence.batches[sent:], "entries from 2 on")[0]
    hold(again.from_ == 2, f"sent from {again.from_}")
    settled(s)
    return f"from 2 of {upto}"


@clause(
    "journal.no_rewind",
    "Journal",
    "evack below acked without rw, beyond n, or of another jid, is ignored.",
)
def ignored(s: Stand) -> str:
    fresh_entries(s, 1)
    settled(s)
    acked = s.states[-1].state.acked
    s.confirms = False
    s.acknowledge(1)
    s.acknowledge(acked + 1_000)
    s.acknowledge(0, rw=True, jid="0" * 32)
    mark = fresh_entries(s, 1)
    s.until(lambda: s.evidence.upto > mark, "a batch")
    seen = s.evidence.batches[-1].from_
    hold(seen == acked + 1, f"sent from {seen}, when {acked} were confirmed")
    settled(s)
    return f"still from {seen}"


@clause("journal.keeps", "Journal", "evack deletes nothing: a forged one is undone by rw.")
def keeps(s: Stand) -> str:
    settled(s)
    s.confirms = False
    before = s.evidence.upto
    fresh_entries(s, 2)
    s.until(lambda: s.evidence.upto > before, "a batch")
    s.acknowledge(s.evidence.upto)
    s.pause(1.0)
    sent = len(s.evidence.batches)
    s.acknowledge(0, rw=True)
    again = s.until(lambda: s.evidence.batches[sent:], "entries from 1 on")[0]
    hold(again.from_ == 1, f"sent from {again.from_}")
    settled(s)
    return "all from 1 on"


JOURNAL = Group(
    "log",
    (first, one, reconnect, rewind, ignored, keeps, form, chain, seq, batch, same, jid, signed),
)
RESENDING = Group("resend", (resend,))
