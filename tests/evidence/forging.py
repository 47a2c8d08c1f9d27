"""What one who tampers does: with a bundle, with or without the station's key, or with the database before."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devices import keyring, signing
from devices.signing import PrivateKey
from loa import audit_guard, cli
from loa.database import Database
from scheduler.evidence import bundles
from scheduler.evidence.scope import Scope
from tests.evidence.station import AFTERWARDS, NOON, SINCE, UNTIL, Station
from verifier import loa_verify
from verifier.loa_verify import Report

Line = dict[str, Any]
STANDALONE = Path(loa_verify.__file__)


@dataclass
class Told:
    """A station after three days."""

    station: Station
    database: Path
    bundle: Path

    @property
    def key(self) -> PrivateKey:
        return keyring.current(self.station.config, NOON).plan

    @property
    def emergency_key(self) -> PrivateKey:
        return keyring.current(self.station.config, NOON).emergency

    @property
    def anchors(self) -> list[str]:
        return [loa_verify.fingerprint(self.key.public.x)]


@dataclass
class Files:
    """A bundle taken apart."""

    told: Told | None
    manifest: Line
    lines: dict[str, list[Line]]
    stranger: PrivateKey = field(default_factory=lambda: signing.generate("plan-1", ("plan",)))

    @classmethod
    def of(cls, path: Path, told: Told | None = None) -> Files:
        with zipfile.ZipFile(path) as archive:
            token = archive.read(bundles.MANIFEST)
            lines = {
                name: [json.loads(line) for line in archive.read(name).splitlines()]
                for name in archive.namelist()
                if name != bundles.MANIFEST
            }
        return cls(told, json.loads(signing.payload(token)), lines)

    def pack(self, path: Path, key: PrivateKey) -> Path:
        """Put together again, signed by that key."""
        with zipfile.ZipFile(path, "w") as archive:
            bundle = bundles.Bundle(archive)
            for name, lines in self.lines.items():
                bundle.add(name, lines)
            said = {name: value for name, value in self.manifest.items() if name != "files"}
            bundle.sign(said, key)
        return path

    def rows(self, name: str, **wanted: object) -> list[Line]:
        """Lines of that file with these values."""
        return [
            line
            for line in self.lines[f"{name}.jsonl"]
            if all(line.get(key) == value for key, value in wanted.items())
        ]

    def drop(self, name: str, line: Line) -> None:
        kept = [each for each in self.lines[f"{name}.jsonl"] if each is not line]
        self.lines[f"{name}.jsonl"] = kept

    def put_after(self, name: str, line: Line, new: Line) -> None:
        lines = self.lines[f"{name}.jsonl"]
        lines.insert(next(n for n, each in enumerate(lines) if each is line) + 1, new)

    def batches(self, rid: str) -> list[Line]:
        return [line for line in self.rows("journals", rid=rid) if "proof" in line]

    def replan(self, line: Line, change: Callable[[Line], None]) -> None:
        """A plan said otherwise, signed by the station's own key."""
        payload = json.loads(signing.payload(line["jws"].encode()))
        change(payload)
        keys = {one.public.kid: one for one in (self.told.key, self.told.emergency_key)}
        key = keys[signing.kid_of(line["jws"].encode())]
        line["jws"] = key.sign(json.dumps(payload).encode(), "loa-plan").decode()

    def chain_anew(self) -> None:
        """The whole audit chain computed again, and the checkpoints signed again."""
        n, previous = self.manifest["audit"]["first"], self.manifest["audit"]["previous"]
        hashes = {}
        for line in self.lines["audit.jsonl"]:
            line["n"], line["previous"] = n, previous
            line["hash"] = previous = hashes[n] = loa_verify.audit_hash(line)
            n += 1
        self.manifest["audit"] |= {"last": n - 1, "head": previous}
        self.lines["checkpoints.jsonl"] = [
            self.checkpoint(line, hashes[line["n"]])
            for line in self.lines["checkpoints.jsonl"]
            if line["n"] in hashes
        ]

    def checkpoint(self, line: Line, h: str) -> Line:
        said = {"v": 1, "n": line["n"], "h": h, "at": line["at"]}
        jws = self.told.key.sign(json.dumps(said).encode(), "loa-checkpoint").decode()
        return {**line, "hash": h, "jws": jws}

    def resign(self, line: Line, key: PrivateKey) -> None:
        """A batch signed by another key, its chain made to fit."""
        proof = line["proof"]
        entries = ",".join(line["e"]).encode()
        payload = proof["before"].encode() + entries + proof["after"].encode()
        proof["header"], _, proof["sig"] = key.sign(payload, "loa-events").decode().split(".")


@dataclass
class Forger:
    """Takes the bundle apart, lets one change it, and asks both verifiers."""

    told: Told
    folder: Path

    def files(self) -> Files:
        return Files.of(self.told.bundle, self.told)

    def pack(self, files: Files, key: PrivateKey | None) -> Path:
        """Put together again; without a key the manifest stays as it was signed."""
        path = self.folder / "forged.zip"
        with zipfile.ZipFile(path, "w") as archive:
            bundle = bundles.Bundle(archive)
            for name, lines in files.lines.items():
                bundle.add(name, lines)
            if key is None:
                archive.writestr(bundles.MANIFEST, self._old_token(files))
            else:
                said = {name: value for name, value in files.manifest.items() if name != "files"}
                bundle.sign(said, key)
        return path

    def _old_token(self, files: Files) -> bytes:
        """The manifest with its old signature, whatever it says now."""
        with zipfile.ZipFile(self.told.bundle) as before:
            token = before.read(bundles.MANIFEST)
        if files.manifest == json.loads(signing.payload(token)):
            return token
        head, _, signature = token.split(b".")
        said = signing.b64(json.dumps(files.manifest).encode()).encode()
        return b".".join((head, said, signature))

    def database(self) -> Forged:
        path = self.folder / "forged.db"
        shutil.copy(self.told.database, path)
        database = Database(f"sqlite:///{path}")
        with database._writer.begin() as connection:
            audit_guard.take_down(connection, audit_guard.TABLES)
        return Forged(self.told, path, database)

    def verify(self, path: Path) -> Report:
        return loa_verify.verify(str(path), self.told.anchors)

    def exit_codes(self, path: Path) -> tuple[int, int]:
        """Of ``loa verify`` and of the stand-alone verifier, which sees nothing of Loa."""
        config = self.told.station.folder / "config.toml"
        within = cli.main(["verify", str(path), "--config", str(config)])
        alone = self.folder / "loa_verify.py"
        shutil.copy(STANDALONE, alone)
        done = subprocess.run(
            [sys.executable, "-I", str(alone), str(path), "--key", self.told.anchors[0]],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return within, done.returncode


@dataclass
class Forged:
    """A copy of the database without its guards."""

    told: Told
    path: Path
    database: Database

    def sql(self, *statements: str) -> None:
        with sqlite3.connect(self.path) as connection:
            for statement in statements:
                assert connection.execute(statement).rowcount > 0, statement
        connection.close()

    def chain_anew(self) -> None:
        """Every row of the audit log numbered and hashed again."""
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute(
                "select n, at, actor, kind, data from audit order by n"
            ).fetchall()
            connection.execute("delete from audit")
            connection.execute("delete from checkpoints")
            previous = "0" * 64
            for n, (_, *rest) in enumerate(rows, 1):
                row = [n, *rest, previous]
                h = hashlib.sha256(json.dumps(row, ensure_ascii=False).encode()).hexdigest()
                connection.execute("insert into audit values (?, ?, ?, ?, ?, ?, ?)", (*row, h))
                previous = h
        connection.close()

    def export(self, path: Path) -> Path:
        with self.database.read() as session:
            bundles.write(session, self.told.station.config, Scope(SINCE, UNTIL), path, AFTERWARDS)
        self.database.close()
        return path
