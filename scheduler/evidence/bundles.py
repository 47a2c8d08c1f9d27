"""Writing a bundle: one ZIP of JSON lines and a signed manifest, streamed; the same data gives the same content."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import keyring, signing
from devices.signing import FOREVER, PrivateKey, PublicKey
from loa import audit, audit_guard
from loa.audit import AuditEntry
from loa.config import Config
from loa.times import Instant
from scheduler.evidence import journals, rows, scope
from scheduler.evidence.scope import Scope

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
    session: Session, config: Config, which: Scope, path: Path, now: Instant, *, whole_log: bool = False
) -> dict[str, Any]:  # fmt: skip
    """Write the bundle of that scope to ``path``; returns the manifest's ``files``. Raises OSError.

    ``session`` is one steady view; ``whole_log``: the audit log from its first row.
    """
    key = keyring.current(config, now).plan
    with zipfile.ZipFile(path, "w") as archive:
        bundle = Bundle(archive)
        manifest = _manifest(session, config, which, now, whole_log)
        _add_all(session, bundle, which, station_keys(config), manifest["audit"])
        bundle.sign(manifest, key)
    return bundle.files


def _add_all(
    session: Session, bundle: Bundle, which: Scope, station: Sequence[PublicKey], log: dict[str, Any]
) -> None:  # fmt: skip
    ids = scope.receiver_ids(session, which)
    bulletins = rows.bulletin_ids(session, which)
    bundle.add("keys.jsonl", rows.keys(session, station, ids))
    bundle.add("staff.jsonl", rows.staff(session))
    bundle.add("approvals.jsonl", rows.approvals(session, bulletins))
    bundle.add("audit.jsonl", rows.audit_rows(session, log["first"], log["last"]))
    bundle.add("checkpoints.jsonl", rows.checkpoints(session, log["first"], log["last"]))
    bundle.add(
        "deliveries.jsonl", (row for rid in ids for row in rows.deliveries(session, rid, which))
    )
    bundle.add("plans.jsonl", (row for rid in ids for row in rows.plans(session, rid, which)))
    bundle.add("journals.jsonl", _journals(session, ids, which))
    bundle.add("gaps.jsonl", _gaps(session, ids, which))


def _journals(session: Session, ids: Sequence[str], which: Scope) -> Iterator[dict[str, Any]]:
    for rid in ids:
        yield from journals.lines(session, scope.spans(session, rid, which))
        session.expunge_all()  # whatever else was read of it is not needed again


def _gaps(session: Session, ids: Sequence[str], which: Scope) -> Iterator[dict[str, Any]]:
    for rid in ids:
        yield from rows.gaps(session, rid, which, scope.spans(session, rid, which))
        session.expunge_all()


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


def station_keys(config: Config) -> list[PublicKey]:
    """Every key the station signs or has signed with, as far as it still has them, by name."""
    kept = keyring.published(config)
    found = (
        {one.kid: PublicKey(one.kid, one.x, one.roles, one.from_, one.until) for one in kept.keys}
        if kept
        else {}
    )
    over = FOREVER if kept is None else kept.iat
    for role, roles in keyring.ROLES.items():
        for path in (
            keyring.secret(config, f"{role}-1"),
            *(config.secrets / "keys").glob(f"{role}-*.key"),
        ):
            kid = f"{role}-1" if path.parent == config.secrets else path.stem
            if path.exists() and kid not in found:
                made = signing.key_at(path, kid, roles).public
                found[kid] = PublicKey(kid, made.x, roles, 0, over)
    return [found[kid] for kid in sorted(found)]
