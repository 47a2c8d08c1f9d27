"""What exporting many deliveries costs: a database is filled with what a bundle of ``many`` tells, and exported.

``python -m tests.evidence.fill BUNDLE FOLDER``: fills FOLDER once, then measures ``loa evidence``.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from devices import signing
from loa import config
from loa.database import Database
from loa.times import DAY, after
from scheduler.evidence import bundles
from scheduler.evidence.scope import Scope
from tests.cast import settle_in
from tests.evidence import many
from verifier import loa_verify

Line = dict[str, Any]
Row = Sequence[Any]
TOLD = ("sha", "last_sha", "ms", "rev", "state", "reason", "accepted_at", "ready_at", "started_at", "started_raw_at",
        "ended_at", "late_ms", "played_ms", "volume", "rel", "evidence")  # fmt: skip


def lines(archive: zipfile.ZipFile, name: str) -> Iterator[Line]:
    with archive.open(f"{name}.jsonl") as file:
        yield from map(json.loads, file)


def fill(path: Path, archive: zipfile.ZipFile) -> None:
    """Rows as the station would have them."""
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    with database.write() as session:
        area = settle_in(session, 0).villages[0].id
    database.close()
    with sqlite3.connect(path) as to:
        to.execute("pragma synchronous = off")
        to.execute("drop trigger audit_no_delete")
        to.execute("delete from audit")
        to.execute("insert into bulletins (id, title, chimes, field, priority, state, version, author_id, editor_id, "
                   "created_at, updated_at) values (1, 'Mẫu', 0, 1, 'normal', 'approved', 1, 1, 1, 1, 1)")  # fmt: skip
        put(to, "decisions", "id bulletin_id version approved staff_id at sounds complete",
            ((1, 1, 1, 1, 2, one["at"], json.dumps(one["sounds"]), 1)
             for one in lines(archive, "approvals")))  # fmt: skip
        names = "n at actor kind data previous hash"
        put(
            to,
            "audit",
            names,
            ([one[name] for name in names.split()] for one in lines(archive, "audit")),
        )
        put(to, "receivers", "id name area_id public_key password_hash volume households simulated active added_at "
            "plan_stale", ((one["rid"], one["rid"], area, one["x"], "", 70, 0, 1, 1, many.SINCE - 1, 0)
                           for one in lines(archive, "keys") if one["kind"] == "receiver"))  # fmt: skip
        _fill_schedule(to)
        _fill_deliveries(to, archive)
        put(to, "plans", "receiver_id rev made_at jws",
            ((one["rid"], one["rev"], one["made_at"], one["jws"].encode())
             for one in lines(archive, "plans")))  # fmt: skip
        _fill_journals(to, archive)
    to.close()


def _fill_schedule(to: sqlite3.Connection) -> None:
    names = "id uid bulletin_id at start_date is_now staff_id created_at planned_until"
    put(to, "schedules", names, iter([(1, "s1", 1, "06:00:00", "2026-11-01", 0, 1, 1, 1)]))


def put(to: sqlite3.Connection, table: str, names: str, rows: Iterator[Row]) -> None:
    columns = names.split()
    marks = ", ".join("?" * len(columns))
    to.executemany(f"insert into {table} ({', '.join(columns)}) values ({marks})", rows)  # noqa: S608 - ours


def _fill_deliveries(to: sqlite3.Connection, archive: zipfile.ZipFile) -> None:
    moments = sorted({(one["starts_at"], one["occ"]) for one in lines(archive, "deliveries")})
    ids = {occ: number for number, (_, occ) in enumerate(moments, 1)}
    same = ("Mẫu", "normal", 1, many.MS, "Hoa", "Hoa", "finished", 1, '["minh"]')
    put(to, "broadcasts", "id occurrence schedule_id bulletin_id starts_at title priority field ms author scheduler "
        "state planned_at approver_logins", ((ids[occ], occ, 1, 1, at, *same) for at, occ in moments))  # fmt: skip
    columns = " ".join(TOLD).replace("sha", "recording_sha", 1)
    put(to, "deliveries", f"broadcast_id receiver_id receiver_name area_name {columns}",
        ((ids[one["occ"]], one["rid"], one["rid"], "Đông", *(one[name] for name in TOLD))
         for one in lines(archive, "deliveries")))  # fmt: skip


def _fill_journals(to: sqlite3.Connection, archive: zipfile.ZipFile) -> None:
    for line in lines(archive, "journals"):
        place = (line["rid"], line["jid"])
        if said := line.get("journal"):
            row = (*place, said["upto"], said["head"], 1)
            put(to, "journals", "receiver_id jid upto head begun_at", iter([row]))
            continue
        proof = line["proof"]
        last = line["from"] + len(line["e"]) - 1
        put(to, "journal_proofs", "receiver_id jid first last header before after signature received_at",
            iter([(*place, line["from"], last, proof["header"], proof["before"].encode(), proof["after"].encode(),
                   proof["sig"], proof["received_at"])]))  # fmt: skip
        entries = [json.loads(raw) for raw in line["e"]]
        put(to, "journal_entries", "receiver_id jid seq raw occurrence code raw_at at received_at",
            ((*place, one[0], raw.encode(), one[1], one[2], one[3], one[3], proof["received_at"])
             for one, raw in zip(entries, line["e"], strict=True)))  # fmt: skip


def main(bundle: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path, out = folder / "loa.db", folder / "out.zip"
    if not path.exists():
        with zipfile.ZipFile(bundle) as archive:
            fill(path, archive)
    settings = config.Config(folder=folder)
    settings.secrets.mkdir(parents=True, exist_ok=True)
    (settings.secrets / "plan.key").write_bytes(signing.seed_text(many.KEY))
    database = Database(f"sqlite:///{path}")
    wall, cpu = time.monotonic(), time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with database.read() as session:
        which = Scope(many.SINCE, after(many.SINCE, 40 * DAY))
        files = bundles.write(session, settings, which, out, after(many.SINCE, 41 * DAY))
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print({name: said["rows"] for name, said in files.items()})
    print(f"wall {wall:.1f} s, cpu {cpu:.1f} s, memory {before // 1024} → {peak // 1024} MB")
    report = loa_verify.verify(str(out), processes=1)
    print(dict(report.counts), len(report.findings), report.findings[:3])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
