"""Writing a bundle: one ZIP of JSON lines and a signed manifest, streamed; the same data gives the same content."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import keyring
from devices.signing import PrivateKey, PublicKey
from loa import audit, audit_guard
from loa.audit import AuditEntry
from loa.config import Config
from loa.times import Instant
from scheduler.evidence import journals, rows, scope
from scheduler.evidence import station_keys as keys_of_years
from scheduler.evidence.scope import Scope
from scheduler.retention import gone

FORMAT = "loa-evidence/1"
MANIFEST = "manifest.jws"
TYPE = "loa-evidence"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of every file in the ZIP: when it was written is no part of the evidence."""


@dataclass
class Bundle:
    """A ZIP while it is written. ``files``: what the manifest will say of each."""

    archive: zipfile.ZipFile
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, lines: Iterable[dict[str, Any]]) -> None:
        """One file of JSON lines, none of which is kept in memory."""
        digest, size, count = hashlib.sha256(), 0, 0
        with self.archive.open(_named(name), "w", force_zip64=True) as out:
            for line in lines:
                raw = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
                digest.update(raw)
                out.write(raw)
                size, count = size + len(raw), count + 1
        self.files[name] = {"sha256": digest.hexdigest(), "bytes": size, "rows": count}

    def sign(self, manifest: dict[str, Any], key: PrivateKey) -> None:
        """The manifest, last: it names every file."""
        payload = json.dumps(manifest | {"files": self.files}, ensure_ascii=False, sort_keys=True)
        self.archive.writestr(_named(MANIFEST), key.sign(payload.encode(), TYPE))


def _named(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return info


def write(
    session: Session, config: Config, which: Scope, path: Path, now: Instant, *, whole_log: bool = False,
    told: Callable[[int], None] = lambda _percent: None,
) -> dict[str, Any]:  # fmt: skip
    """Write the bundle of that scope to ``path``; returns the manifest's ``files``. Raises OSError, and ScheduleError
    where part of it has left the database for an archive.

    ``session`` is one steady view; ``whole_log``: the audit log from its first row; ``told`` hears how far it is.
    """
    if not which.archive:
        gone.demand_here(session, config, which.since, which.until, which.campaign)
    key = keyring.current(config, now).plan
    with zipfile.ZipFile(path, "w") as archive:
        bundle = Bundle(archive)
        manifest = _manifest(session, config, which, now, whole_log)
        bundle.add("keys.jsonl", _keys(session, config, which))
        _add_all(session, bundle, which, manifest["audit"], told)
        bundle.sign(manifest, key)
    return bundle.files


def _keys(session: Session, config: Config, which: Scope) -> Iterator[dict[str, Any]]:
    for kv, text in keys_of_years.documents(session, config):
        yield {"kind": "document", "kv": kv, "jws": text}
    known = station_keys(config, session)
    yield from rows.keys(session, known, scope.receiver_ids(session, which))


def _add_all(
    session: Session, bundle: Bundle, which: Scope, log: dict[str, Any], told: Callable[[int], None]
) -> None:
    ids = scope.receiver_ids(session, which)
    bulletins = rows.bulletin_ids(session, which)
    bundle.add("staff.jsonl", rows.staff(session))
    bundle.add("approvals.jsonl", rows.approvals(session, bulletins))
    bundle.add("audit.jsonl", rows.audit_rows(session, log["first"], log["last"]))
    bundle.add("checkpoints.jsonl", rows.checkpoints(session, log["first"], log["last"]))
    of_each: dict[str, Callable[[str], Iterator[dict[str, Any]]]] = {
        "deliveries.jsonl": lambda rid: rows.deliveries(session, rid, which),
        "plans.jsonl": lambda rid: rows.plans(session, rid, which),
        "journals.jsonl": lambda rid: journals.lines(session, scope.spans(session, rid, which)),
        "gaps.jsonl": lambda rid: rows.gaps(session, rid, which, scope.spans(session, rid, which)),
    }
    each = 100 // len(of_each)
    for place, (name, lines) in enumerate(of_each.items()):
        bundle.add(name, _one_by_one(session, ids, lines, (place * each, each), told))


def _one_by_one(
    session: Session, ids: Sequence[str], lines: Callable[[str], Iterator[dict[str, Any]]],
    part: tuple[int, int], told: Callable[[int], None],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Receiver by receiver; ``part``: where it begins and how much it is of the whole, in percent."""
    begin, length = part
    for number, rid in enumerate(ids):
        yield from lines(rid)
        session.expunge_all()  # whatever was read of it is not needed again
        percent = (number + 1) * length // len(ids)
        if percent != number * length // len(ids):
            told(begin + percent)


def _manifest(
    session: Session, config: Config, which: Scope, now: Instant, whole_log: bool
) -> dict[str, Any]:
    bulletins = rows.bulletin_ids(session, which)
    first = 1 if whole_log else rows.first_audit_row(session, which, bulletins)
    last, head = audit.checkpoint(session)
    return {
        "v": 1, "format": FORMAT, "made_at": now, "since": which.since, "until": which.until,
        "campaign": rows.campaign_name(session, which),
        "station": {"name": config.station.name, "timezone": config.station.timezone},
        "audit": {"first": first, "last": last, "previous": _previous(session, first), "head": head},
        "unguarded": audit_guard.missing(session.connection()),
    }  # fmt: skip


def _previous(session: Session, first: int) -> str:
    found = session.scalar(sa.select(AuditEntry.previous).where(AuditEntry.n == first))
    return audit.GENESIS if found is None else found


def station_keys(config: Config, session: Session | None = None) -> list[PublicKey]:
    """Every key the station signs or has signed with; without a session as far as its files tell."""
    return keys_of_years.of(config, session)
