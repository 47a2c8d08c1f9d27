"""The protections, each with what takes it away. README.md says in a sentence what each is for."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any
from unittest.mock import patch

from devices import messages, signing
from devices.messages import Evack, Events
from devices.receiver import agenda, plans, receiver
from devices.receiver.journal import Journal
from devices.receiver.plans import Accepted
from devices.receiver.shelf import Shelf
from devices.receiver.store import Change, MemoryStore
from loa import intake
from scheduler import dispatcher, folding, receipts, regulation
from scheduler import plans as station_plans
from tests.model.box import CutStore
from tests.model.pole import Pole
from tests.model.world import World

Mutation = Callable[[World], AbstractContextManager[object]]


# -- the station ----------------------------------------------------------------------------------


def no_rewind(world: World) -> AbstractContextManager[object]:
    return patch.object(intake, "Evack", lambda jid, upto, rw=False: Evack(jid=jid, upto=upto))


def revision_by_counting(world: World) -> AbstractContextManager[object]:
    """max(previous + 1, seen + 1, now) becomes previous + 1."""

    def first(*numbers: Any, **more: Any) -> Any:
        return numbers[0] if len(numbers) == 3 else builtins.max(*numbers, **more)

    return patch.object(dispatcher, "max", first, create=True)


def no_resend_on_heartbeat(world: World) -> AbstractContextManager[object]:
    return patch.object(station_plans, "compare_revisions", lambda session, said, now: False)


def evack_before_commit(world: World) -> AbstractContextManager[object]:
    usual = receipts.record

    def record(session: Any, batches: Any, now: Any) -> dict[str, Evack]:
        answers = usual(session, batches, now)
        for rid, evack in answers.items():
            world.desk.publish(messages.evack_topic(rid), messages.encode(evack), qos=1)
        return answers

    return patch.object(receipts, "record", record)


def evack_beyond_what_is_held(world: World) -> AbstractContextManager[object]:
    """All that the receiver has shown, whether it was stored or not."""

    def record(session: Any, batches: Any, now: Any) -> dict[str, Evack]:
        found = list(batches)
        answers = usual(session, found, now)
        shown = {one.receiver_id: (one.events.jid, one.entries[-1].seq + 3) for one in found}
        return {
            rid: Evack(jid=shown[rid][0], upto=max(one.upto, shown[rid][1]))
            for rid, one in answers.items()
        }

    usual = receipts.record
    return patch.object(receipts, "record", record)


def gaps_are_jumped(world: World) -> AbstractContextManager[object]:
    """``upto`` becomes the highest number seen, not the highest without a gap."""
    usual = receipts._continue

    def jump(ledger: Any, page: Any, batch: Any) -> None:
        if batch.events.from_ <= page.upto + 1:
            usual(ledger, page, batch)
            return
        pairs = zip(batch.events.e, batch.entries, strict=True)
        added = [
            receipts._New(page.receiver_id, page.jid, bytes(raw), entry, entry.t)
            for raw, entry in pairs
        ]
        ledger.add(page, added, bytes.fromhex(batch.events.head))

    return patch.object(receipts, "_continue", jump)


def entries_folded_again(world: World) -> AbstractContextManager[object]:
    """What is sent again is taken for news."""
    usual = receipts._continue

    def again(ledger: Any, page: Any, batch: Any) -> None:
        known = [entry for entry in batch.entries if entry.occ and entry.seq <= page.upto]
        usual(ledger, page, batch)
        if known:
            results = folding.load(ledger.session, {page.receiver_id}, {one.occ for one in known})
            for entry in known:
                if (page.receiver_id, entry.occ) in results:
                    folding.fold(results[page.receiver_id, entry.occ], entry, entry.t)
            folding.store(ledger.session, results.values())

    return patch.object(receipts, "_continue", again)


def last_to_arrive_wins(world: World) -> AbstractContextManager[object]:
    """A batch is folded backwards, as pipelined batches that overtook each other would be."""
    usual = receipts._fold_all
    return patch.object(receipts, "_fold_all", lambda session, new: usual(session, new[::-1]))


def station_knows_no_quiet(world: World) -> AbstractContextManager[object]:
    return patch.object(regulation, "breach", lambda *given: None)


# -- the receiver ---------------------------------------------------------------------------------


def receiver_knows_no_quiet(world: World) -> AbstractContextManager[object]:
    return patch.object(agenda.quiet, "touches", lambda *given: False)


def puback_trusted(world: World) -> AbstractContextManager[object]:
    """What was given to the broker is taken for delivered."""
    usual = Journal.batch

    def batch(self: Journal, rid: str, key: signing.PrivateKey) -> bytes | None:
        token = usual(self, rid, key)
        if token:
            raw = messages.decode(signing.payload(token), Events)
            self.acknowledge(Evack(jid=self.jid, upto=raw.from_ + len(raw.e) - 1))
        return token

    return patch.object(Journal, "batch", batch)


def played_is_forgotten(world: World) -> AbstractContextManager[object]:
    """After a boot nothing is known of what has begun."""
    usual = agenda.Agenda.__init__

    def begin(self: agenda.Agenda, *given: Any, **more: Any) -> None:
        usual(self, *given, **more)
        for name in [name for name, state in self.states.items() if state not in agenda.OPEN]:
            del self.states[name]

    return patch.object(agenda.Agenda, "__init__", begin)


def acts_before_it_writes(world: World) -> AbstractContextManager[object]:
    """A commit returns before it is durable: a power cut soon after takes it back."""
    usual = MemoryStore.commit

    def commit(self: CutStore, change: Change) -> None:
        usual(self, change)
        self.written += [world.time.now] * len(change.lines)
        self.unsure = [*getattr(self, "unsure", []), (world.time.now, change)]
        self._plug.passes()

    def cut(self: Any) -> None:
        store = self.store
        late = [one for when, one in getattr(store, "unsure", []) if when > world.time.now - 2_000]
        lost = {name for one in late for name in one.states}
        lines = sum(len(one.lines) for one in late)
        if lines:
            del store._lines[-lines:]
            del store.written[-lines:]
        for name in lost:
            store._states.pop(name, None)
        store.unsure = []
        usual_cut(self)

    usual_cut = Pole.cut
    stack = ExitStack()
    stack.enter_context(patch.object(CutStore, "commit", commit))
    stack.enter_context(patch.object(Pole, "cut", cut))
    return stack


def signatures_unchecked(world: World) -> AbstractContextManager[object]:
    def verify(token: bytes, kind: str, keys: Any) -> tuple[bytes, signing.PublicKey]:
        return signing.payload(token), keys[signing.kid_of(token)]

    return patch.object(plans.signing, "verify", verify)


def rid_unchecked(world: World) -> AbstractContextManager[object]:
    """A plan for another receiver is as good as one's own."""

    def verify(token: bytes, rid: str, keys: Any, last_rev: int) -> Accepted | None:
        with suppress(signing.BadSignature):
            payload, _ = signing.verify(token, plans.KIND, keys)
            rid = messages.decode(payload, messages.Plan).rid
        return usual(token, rid, keys, last_rev)

    usual = plans.verify
    return patch.object(receiver.plans, "verify", verify)


def old_revisions_taken(world: World) -> AbstractContextManager[object]:
    usual = plans.verify

    def verify(token: bytes, rid: str, keys: Any, last_rev: int) -> Accepted | None:
        accepted = usual(token, rid, keys, -1)
        return None if accepted is None or accepted.plan.rev == last_rev else accepted

    return patch.object(receiver.plans, "verify", verify)


def hashes_unchecked(world: World) -> AbstractContextManager[object]:
    def finish(self: Shelf, sha: str, n: int) -> bool:
        path = self._part(sha)
        with path.open("r+b") as file:
            file.truncate(n)
        path.rename(self.path(sha))
        return True

    def read(self: Shelf, sha: str, n: int) -> bytes | None:
        return self.path(sha).read_bytes() if self.has(sha, n) else None

    stack = ExitStack()
    stack.enter_context(patch.object(Shelf, "finish", finish))
    stack.enter_context(patch.object(Shelf, "read", read))
    return stack


def together(*mutations: Mutation) -> Mutation:
    """Several protections taken away at once."""

    @contextmanager
    def both(world: World) -> Iterator[None]:
        with ExitStack() as stack:
            for one in mutations:
                stack.enter_context(one(world))
            yield

    return both


CAUGHT: dict[str, tuple[Mutation, ...]] = {
    "no rewind": (no_rewind,),
    "revision by counting": (revision_by_counting,),
    "no resend on heartbeat": (no_resend_on_heartbeat,),
    "evack before commit, no rewind": (evack_before_commit, no_rewind),
    "PUBACK trusted, no rewind": (puback_trusted, no_rewind),
    "evack beyond what is held, no rewind": (evack_beyond_what_is_held, no_rewind),
    "gaps are jumped": (gaps_are_jumped,),
    "entries folded again": (entries_folded_again,),
    "last to arrive wins": (last_to_arrive_wins,),
    "played is forgotten": (played_is_forgotten,),
    "acts before it writes": (acts_before_it_writes,),
    "quiet hours unknown to both": (station_knows_no_quiet, receiver_knows_no_quiet),
    "quiet hours unknown to the receiver": (receiver_knows_no_quiet,),
    "signatures unchecked": (signatures_unchecked,),
    "receiver's name unchecked": (rid_unchecked,),
    "old revisions taken": (old_revisions_taken,),
    "hashes unchecked": (hashes_unchecked,),
}
"""Without it a promise is broken: some schedule shows it. Several are locks on one door: each holds alone."""
HARMLESS: dict[str, Mutation] = {
    "quiet hours unknown to the station": station_knows_no_quiet,
    "evack before commit": evack_before_commit,
    "PUBACK trusted": puback_trusted,
    "evack beyond what is held": evack_beyond_what_is_held,
}
"""One of two locks: the other holds alone, in every schedule."""
