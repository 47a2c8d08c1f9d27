"""A bundle of any number of deliveries, all truly signed: ``python -m tests.evidence.many 100000 FILE`` measures it.

It needs no database: what is measured is the verifier.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from devices import signing
from devices.messages import Audio, Checkpoint, Evack, Occurrence, Plan, Settings, encode
from devices.receiver.journal import Journal, Note
from devices.simulator.tally import CountedStore, Tally
from loa.times import DAY, MINUTE, Instant, after
from scheduler.evidence import bundles
from tests.cast import vn
from tests.evidence.station import HandClock
from verifier import loa_verify

SINCE = vn("2026-11-01 00:00")
EACH, A_DAY, MS = 200, 10, 30_000
"""Deliveries of a receiver in all and in a day; length of the sound."""
SHA = "ab" * 32
KEY = signing.PrivateKey("plan-1", hashlib.sha256(b"plan").digest(), ("plan",))
Line = dict[str, Any]


class _Pole:
    """One receiver's month: its lines of three files."""

    def __init__(self, number: int, audit: list[Line]) -> None:
        self.rid, self.audit = f"r-{number:05d}", audit
        self.key = signing.PrivateKey(self.rid, hashlib.sha256(self.rid.encode()).digest())
        self.clock = HandClock(SINCE)
        self.journal = Journal(CountedStore(Tally()), self.clock, Random(self.rid))
        self.rows: list[Line] = []
        self.plans: list[Line] = []
        self.batches: list[Line] = []
        self.seq = 0
        for day in range(EACH // A_DAY):
            self._day(day)

    def _day(self, day: int) -> None:
        midnight = after(SINCE, day * DAY)
        rev = after(midnight, MINUTE)
        at = [after(midnight, (6 * 60 + 60 * number) * MINUTE) for number in range(A_DAY)]
        occ = tuple(
            Occurrence(id=f"b{moment}", at=moment, late=30_000, end=moment + 60_000, sha=SHA, apv=("minh",))
            for moment in at
        )  # fmt: skip
        row = self.audit[day % len(self.audit)]
        chk = Checkpoint(n=row["n"], h=row["hash"])
        plan = Plan(v=1, rid=self.rid, rev=rev, iat=rev, exp=rev + 2 * DAY, hz=rev + 2 * DAY, set=Settings(),
                    aud={SHA: Audio(n=9, ms=MS)}, occ=occ, chk=chk)  # fmt: skip
        jws = KEY.sign(encode(plan), "loa-plan").decode()
        self.plans.append({"rid": self.rid, "rev": rev, "made_at": rev, "jws": jws})
        self.clock.now = rev
        notes = [Note("accepted", detail={"rev": rev, "n": chk.n, "h": chk.h})]
        for one in occ:
            notes += [Note("accepted", one.id, {"rev": rev}), Note("ready", one.id, {"sha": SHA})]
        self.journal.write(notes)
        self._send()
        for one in occ:
            self._play(one, rev)

    def _play(self, one: Occurrence, rev: Instant) -> None:
        self.clock.now = started = after(Instant(one.at), 40)
        self.journal.write([Note("started", one.id, {"late_ms": 40, "vol": 70, "sha": SHA[:16]})])
        self.clock.now = ended = after(started, MS)
        detail = {"ms": MS, "asked": MS, "level": "E1", "vol": 70, "out": "null"}
        self.journal.write([Note("played", one.id, detail)])
        self._send()
        self.rows.append({
            "rid": self.rid, "occ": one.id, "starts_at": one.at, "bulletin": 1, "priority": "normal",
            "approvers": ["minh"], "alert": None, "sha": SHA, "last_sha": None, "ms": MS, "rev": rev,
            "state": "played", "reason": None, "accepted_at": rev, "ready_at": rev, "started_at": started,
            "started_raw_at": started, "ended_at": ended, "late_ms": 40, "played_ms": MS, "volume": 70, "rel": None,
            "evidence": "E1",
        })  # fmt: skip

    def _send(self) -> None:
        while token := self.journal.batch(self.rid, self.key):
            header, payload, signature = token.decode().split(".")
            text = loa_verify.b64d(payload).decode()
            before, _, rest = text.partition('"e":[')
            said = json.loads(before + '"e":[]}')
            exact = [line.raw.decode() for line in self.journal._store.lines(said["from"], 20)]
            self.seq = said["from"] + len(exact) - 1
            proof = {"header": header, "before": before + '"e":[', "after": "]}", "sig": signature,
                     "received_at": self.clock.now}  # fmt: skip
            self.batches.append(
                {
                    "rid": self.rid,
                    "jid": said["jid"],
                    "from": said["from"],
                    "e": exact,
                    "proof": proof,
                }
            )
            assert rest == ",".join(exact) + "]}"
            self.journal.acknowledge(Evack(jid=self.journal.jid, upto=self.seq))

    def journals(self) -> Iterator[Line]:
        said = {"begun_at": SINCE, "closed_at": None, "tampered_at": None, "start": 0, "start_hash": "",
                "last": self.seq, "upto": self.seq, "head": self.journal.head}  # fmt: skip
        yield {"rid": self.rid, "jid": self.journal.jid, "journal": said}
        yield from self.batches


def _audit() -> list[Line]:
    lines: list[Line] = []
    previous = loa_verify.GENESIS
    for n in range(1, 33):
        data = json.dumps({"bulletin": 1, "complete": True, "sounds": {"vi": SHA}}, sort_keys=True)
        kind = "bulletin.approve" if n == 1 else "test"
        line = {
            "n": n,
            "at": SINCE,
            "actor": "minh",
            "kind": kind,
            "data": data,
            "previous": previous,
        }
        line["hash"] = previous = loa_verify.audit_hash(line)
        lines.append(line)
    return lines


def write(path: Path, deliveries: int) -> None:
    """A bundle of so many deliveries, EACH at a receiver."""
    audit, files = _audit(), {}
    keys = [
        {
            "kind": "station",
            "kid": "plan-1",
            "x": KEY.public.x,
            "roles": ["plan"],
            "since": 0,
            "until": 2**53,
        }
    ]
    names = ("deliveries", "plans", "journals")
    spool = {name: (path.parent / f"{path.name}.{name}").open("w+b") for name in names}
    for number in range(deliveries // EACH):
        pole = _Pole(number, audit)
        keys.append(
            {
                "kind": "receiver",
                "rid": pole.rid,
                "x": pole.key.public.x,
                "since": 0,
                "until": 2**53,
            }
        )
        for name, lines in zip(names, (pole.rows, pole.plans, pole.journals()), strict=True):
            for line in lines:
                spool[name].write(json.dumps(line).encode() + b"\n")
    approval = {"id": 1, "bulletin": 1, "version": 1, "sounds": {"vi": SHA}, "approved": True, "complete": True,
                "reason": None, "login": "minh", "name": "Minh", "at": SINCE, "ended_at": None}  # fmt: skip
    files = {
        "keys": keys,
        "staff": [],
        "approvals": [approval],
        "audit": audit,
        "checkpoints": [],
        "gaps": [],
    }
    with zipfile.ZipFile(path, "w") as archive:
        bundle = bundles.Bundle(archive)
        for name, lines in files.items():
            bundle.add(f"{name}.jsonl", lines)
        for name, file in spool.items():
            file.seek(0)
            bundle.add(f"{name}.jsonl", map(json.loads, file))
            file.close()
            Path(file.name).unlink()
        bundle.sign(
            {"v": 1, "format": bundles.FORMAT, "made_at": SINCE + 40 * DAY, "since": SINCE, "until": SINCE + 40 * DAY,
             "campaign": None, "station": {"name": "Mẫu", "timezone": "Asia/Ho_Chi_Minh"}, "unguarded": [],
             "audit": {"first": 1, "last": 32, "previous": loa_verify.GENESIS, "head": audit[-1]["hash"]}},
            KEY,
        )  # fmt: skip


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    target = Path(sys.argv[2])
    if not target.exists():
        write(target, int(sys.argv[1]))
    processes = int(sys.argv[3]) if len(sys.argv) > 3 else None
    wall, cpu = time.monotonic(), _cpu()
    report = loa_verify.verify(str(target), processes=processes)
    wall, cpu = time.monotonic() - wall, _cpu() - cpu
    peak = max(
        resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"{dict(report.counts)}\nfindings {len(report.findings)} {report.findings[:3]}")
    print(
        f"wall {wall:.1f} s, cpu {cpu:.1f} s, peak {peak // 1024} MB, file {target.stat().st_size >> 20} MB"
    )
