"""The reference receiver with one rule removed, or the simulator: ``python -m tests.devices.other_receivers FOLDER``.

Which of them is said by the receiver's id, ``conf-<fault>``: so one run of the test tries them all at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from devices import messages, signing
from devices.receiver import (
    agenda,
    clock,
    command,
    fetch,
    journal,
    plans,
    quiet,
    ring,
    shelf,
    stage,
    wings,
)
from devices.receiver import receiver as whole
from devices.receiver.journal import Note
from tests.devices import simulated_receiver

FAULTS: dict[str, Callable[[], None]] = {}
SIMULATORS = {"folders": simulated_receiver.folders, "memory": simulated_receiver.memory}


def fault(remove: Callable[[], None]) -> Callable[[], None]:
    FAULTS[remove.__name__.replace("_", "-")] = remove
    return remove


@fault
def no_signature_check() -> None:
    def believe(token: bytes, keys: Any) -> tuple[bytes, signing.PublicKey]:
        return signing.payload(token), keys["plan-1"]

    plans._opened = believe


@fault
def no_role_check() -> None:
    ring.Ring.allows = lambda self, kid, role, now: kid in self.keys


@fault
def any_receivers_plan() -> None:
    verify = plans.verify

    def ours(token: bytes, rid: str, *rest: Any) -> plans.Accepted | None:
        said = json.loads(signing.payload(token)).get("rid", rid)
        return verify(token, said, *rest)

    plans.verify = ours


@fault
def ignores_rev() -> None:
    verify = plans.verify
    plans.verify = lambda token, rid, keys, _last: verify(token, rid, keys, -1)


@fault
def ignores_exp() -> None:
    plans.Accepted.check_time = lambda self, now: None
    coming = agenda.Agenda._coming
    agenda.Agenda._coming = lambda *them: replace(coming(*them), exp=2**53)


@fault
def no_played_set() -> None:
    on = agenda.Agenda._on

    def anew(self: agenda.Agenda, occ: messages.Occurrence, newer: plans.Accepted) -> Any:
        if self.states.get(occ.id) == "played":
            del self.states[occ.id]
        return on(self, occ, newer)

    agenda.Agenda._on = anew


@fault
def no_quiet_hours() -> None:
    quiet.touches = lambda *_: False


@fault
def ignores_caps() -> None:
    wings._cap = lambda occ: None


@fault
def ignores_off() -> None:
    parsed = plans._parsed

    def without(*them: Any) -> plans.Accepted:
        accepted = parsed(*them)
        on = tuple(msgspec.structs.replace(one, st="on") for one in accepted.plan.occ)
        return replace(accepted, plan=msgspec.structs.replace(accepted.plan, occ=on))

    plans._parsed = without


@fault
def interrupts_nothing() -> None:
    stage.Stage.is_free_for = lambda self, cls: self.now is None


@fault
def journal_after_the_act() -> None:
    write = journal.Journal.write

    def later(
        self: journal.Journal, notes: Iterable[Note] = (), states: Any = None, facts: Any = None
    ) -> None:
        notes, states = list(notes), dict(states or {})
        if [note.code for note in notes] == ["started"]:
            self.kept = notes[0]  # type: ignore[attr-defined]
            return
        kept = self.__dict__.pop("kept", None)
        write(self, [kept, *notes] if kept else notes, states, facts)

    journal.Journal.write = later


@fault
def never_sends_again() -> None:
    journal.RESEND = 10**9
    journal.Journal.forget_sent = lambda self: None


@fault
def believes_any_evack() -> None:
    acknowledge = journal.Journal.acknowledge

    def obey(self: journal.Journal, evack: messages.Evack) -> None:
        acknowledge(
            self,
            msgspec.structs.replace(evack, jid=self.jid, rw=True, upto=min(evack.upto, self.n)),
        )

    journal.Journal.acknowledge = obey


@fault
def chain_of_other_bytes() -> None:
    journal.messages = _Module(
        messages, next_hash=lambda head, raw: messages.next_hash(head, raw + b" ")
    )


@fault
def no_hash_check() -> None:
    shelf.hashlib = _Module(shelf.hashlib, file_digest=_Trusting, sha256=_Trusting)


@fault
def takes_any_size() -> None:
    def take(self: shelf.Part, block: int, data: bytes) -> bool:
        with self._path.open("r+b") as file:
            file.seek(block * messages.BLOCK_BYTES)
            file.write(data)
        self._have[block : block + 1] = b"\1"
        return True

    shelf.Part.write = take


@fault
def asks_for_all() -> None:
    ask = fetch.Fetcher._ask

    def greedily(self: fetch.Fetcher, item: Any, mono: int) -> None:
        self._pace.size = 10_000
        ask(self, item, mono)

    fetch.Fetcher._ask = greedily


@fault
def believes_any_nonce() -> None:
    clock.Nonce.moment = lambda self, echo, signed_at: (signed_at, 0) if echo else None


@fault
def no_limits() -> None:
    whole.TOKENS = (10**9, 0)
    fetch.GET_BURST = 10**9
    plans.REFUSED_MOST = 10**9


class _Trusting:
    """A hash that is always the one that was hoped for."""

    def __init__(self, *_: object) -> None:
        pass

    def hexdigest(self) -> Any:
        return _Equal()


class _Equal:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class _Module:
    """A module with some of its names replaced, for one who imports it."""

    def __init__(self, module: Any, **names: Any) -> None:
        self._module = module
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def main(folder: Path) -> None:
    rid = json.loads((folder / "identity.json").read_text())["rid"]
    name = rid.removeprefix("conf-")
    if name in SIMULATORS:
        SIMULATORS[name](folder.absolute())
        return
    FAULTS[name]()
    command.run(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
