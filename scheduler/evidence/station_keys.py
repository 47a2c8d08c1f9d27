"""The station's keys through the years: whoever checks a bundle of long ago needs the keys of that time.

The keys document names those in force, and forgets a key when it ends; its secret file may be gone. So each key, and
each document its roots signed, is noted in tables whose rows are only added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import keyring, signing
from devices.messages import Keys
from devices.signing import FOREVER, PublicKey
from loa.config import Config
from loa.times import Instant
from scheduler.evidence.tables import KeyDocument, KeyNote


def of(config: Config, session: Session | None = None) -> list[PublicKey]:
    """Every key the station signs or has signed with, by name; without a session as far as its files tell."""
    kept = keyring.published(config)
    found = {} if session is None else {one.kid: one for one in _ended(_noted(session), kept)}
    found |= {
        one.kid: PublicKey(one.kid, one.x, one.roles, one.from_, one.until)
        for one in (kept.keys if kept else ())
    }
    for one in _in_files(config, FOREVER if kept is None else kept.iat):
        found.setdefault(one.kid, one)
    return [found[kid] for kid in sorted(found)]


def note(session: Session, config: Config, now: Instant) -> int:
    """Write down what is not known yet of keys and document; how many rows that was."""
    known = {one.kid: one for one in _noted(session)}
    new = [one for one in of(config, session) if known.get(one.kid) != one]
    for one in new:
        session.add(KeyNote(kid=one.kid, x=one.x, roles=list(one.roles), since=one.from_, until=one.until,
                            noted_at=now))  # fmt: skip
    document, kept = keyring.document(config), keyring.published(config)
    if document is None or kept is None or session.get(KeyDocument, kept.kv) is not None:
        return len(new)
    session.add(KeyDocument(kv=kept.kv, jws=document, noted_at=now))
    return len(new) + 1


def documents(session: Session, config: Config) -> list[tuple[int, str]]:
    """(version, text) of every document the roots signed, the oldest first."""
    found = {
        row.kv: row.jws
        for row in session.execute(
            sa.select(KeyDocument.kv, KeyDocument.jws).order_by(KeyDocument.kv)
        )
    }
    document, kept = keyring.document(config), keyring.published(config)
    if document is not None and kept is not None:
        found.setdefault(kept.kv, document)
    return [(kv, found[kv].decode()) for kv in sorted(found)]


def _noted(session: Session) -> list[PublicKey]:
    """Of each key what was noted last."""
    rows = session.scalars(sa.select(KeyNote).order_by(KeyNote.id))
    newest = {row.kid: row for row in rows}
    return [
        PublicKey(row.kid, row.x, tuple(row.roles), row.since, row.until) for row in newest.values()
    ]


def _ended(noted: Iterable[PublicKey], kept: Keys | None) -> Iterator[PublicKey]:
    """The same; a key that the document leaves out before its time was taken back when that was signed."""
    named = {one.kid for one in kept.keys} if kept else set()
    for one in noted:
        is_gone = kept is not None and one.kid not in named and one.until > kept.iat
        yield (
            PublicKey(one.kid, one.x, one.roles, one.from_, kept.iat) if kept and is_gone else one
        )


def _in_files(config: Config, over: int) -> Iterator[PublicKey]:
    """Keys whose secret half is still on this machine."""
    for role, roles in keyring.ROLES.items():
        first = keyring.secret(config, f"{role}-1")
        for path in (first, *sorted((config.secrets / "keys").glob(f"{role}-*.key"))):
            if path.exists():
                kid = f"{role}-1" if path == first else path.stem
                made = signing.key_at(path, kid, roles).public
                yield PublicKey(kid, made.x, roles, 0, over)
