"""What a receiver must still know after a power cut. One commit is one fsync, and happens before the act."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

Fact = Literal[
    "jid", "boot", "clean", "rev", "plan", "acked", "born", "keys", "anchor", "synced", "shift", "can", "net",
    "restarts", "asked",
]  # fmt: skip
Value = int | str | bytes
STATES_KEPT = 20_000
"""Occurrences remembered: at a dozen a day, over four years of never playing one twice."""

_SCHEMA = """
create table if not exists fact (name text primary key, value) without rowid;
create table if not exists journal (seq integer primary key, raw blob not null, hash blob not null);
create table if not exists occurrence (id text primary key, state text not null);
"""


class Line(NamedTuple):
    """A journal entry's exact bytes, and the chain's hash after it."""

    seq: int
    raw: bytes
    hash: bytes


@dataclass(frozen=True)
class Change:
    """What one commit writes: all of it or none."""

    lines: tuple[Line, ...] = ()
    states: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[Fact, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Saved:
    """What was there at boot."""

    facts: dict[Fact, Value]
    states: dict[str, str]
    last: Line | None

    def number(self, name: Fact) -> int:
        value = self.facts.get(name, 0)
        return value if isinstance(value, int) else 0


class Store(Protocol):
    """Keeps a receiver's journal, its plan and what became of each occurrence."""

    def load(self) -> Saved: ...

    def commit(self, change: Change) -> None: ...

    def lines(self, first: int, most: int) -> list[Line]:
        """Up to ``most`` journal lines from number ``first`` on."""
        ...

    def close(self) -> None: ...


class MemoryStore:
    """Keeps what was committed until the process ends: for a simulator of thousands, and for tests.

    A power cut within the process loses nothing of it and nothing else survives, as with a file.
    """

    def __init__(self) -> None:
        self._facts: dict[Fact, Value] = {}
        self._states: dict[str, str] = {}
        self._lines: list[Line] = []

    def load(self) -> Saved:
        return Saved(
            dict(self._facts), dict(self._states), self._lines[-1] if self._lines else None
        )

    def commit(self, change: Change) -> None:
        self._lines.extend(change.lines)
        self._states.update(change.states)
        self._facts.update(change.facts)

    def lines(self, first: int, most: int) -> list[Line]:
        return self._lines[first - 1 : first - 1 + most]

    def close(self) -> None:
        pass


class FileStore:
    """SQLite, WAL, synchronous FULL: a commit that returned survives the power cut after it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=full")
            self._db.execute("pragma busy_timeout=5000")
            self._db.executescript(_SCHEMA)
        except BaseException:
            self._db.close()
            raise

    def is_whole(self) -> bool:
        """False when SQLite finds the file damaged."""
        try:
            return bool(self._db.execute("pragma quick_check(1)").fetchone()[0] == "ok")
        except sqlite3.DatabaseError:
            return False

    def load(self) -> Saved:
        self._db.execute(
            "delete from occurrence where rowid <="
            " (select rowid from occurrence order by rowid desc limit 1 offset ?)",
            (STATES_KEPT,),
        )
        last = self._db.execute(
            "select seq, raw, hash from journal order by seq desc limit 1"
        ).fetchone()
        return Saved(
            facts=dict(self._db.execute("select name, value from fact")),
            states=dict(self._db.execute("select id, state from occurrence")),
            last=Line(*last) if last else None,
        )

    def commit(self, change: Change) -> None:
        self._db.execute("begin immediate")
        try:
            self._db.executemany("insert into journal values (?, ?, ?)", change.lines)
            self._db.executemany(
                "insert into occurrence values (?, ?)"
                " on conflict (id) do update set state = excluded.state",
                change.states.items(),
            )
            self._db.executemany("insert or replace into fact values (?, ?)", change.facts.items())
            self._db.execute("commit")
        except BaseException:
            self._db.execute("rollback")
            raise

    def lines(self, first: int, most: int) -> list[Line]:
        rows = self._db.execute(
            "select seq, raw, hash from journal where seq >= ? order by seq limit ?", (first, most)
        )
        return [Line(*row) for row in rows]

    def close(self) -> None:
        self._db.close()


def open_store(path: Path, stamp: int) -> FileStore:
    """The store at ``path``; a damaged one is moved aside and a new one begun, under a new journal id.

    A receiver in the field must not stay silent for good; the station sees the new journal and asks why.
    """
    try:
        store = FileStore(path)
        if store.is_whole():
            return store
        store.close()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        pass
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(part.with_name(f"{part.name}.damaged-{stamp}"))
    return FileStore(path)
