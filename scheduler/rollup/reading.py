"""Reading a bundle of evidence of another station: verified first, then only its totals are kept."""

from __future__ import annotations

import hashlib
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from content.bulletins import Priority
from loa.errors import ScheduleError
from loa.times import Instant
from loa.words import say
from scheduler.broadcasts import DeliveryState
from scheduler.reporting.counts import MISSING
from verifier import loa_verify
from verifier.loa_verify import Report

TOLD_MOST = 5
"""Findings of the verifier that a refusal names; ``loa verify`` names them all."""
HEARD = frozenset({DeliveryState.PLAYED, *MISSING})
Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class RollupError(ScheduleError):
    """A bundle was not taken in: nothing of it is counted."""

    code = "rollup_refused"


class Line(msgspec.Struct):
    """What matters here of a line of deliveries.jsonl."""

    rid: Annotated[str, msgspec.Meta(max_length=32)]
    occ: Annotated[str, msgspec.Meta(max_length=64)]
    starts_at: Milliseconds
    area: Annotated[str, msgspec.Meta(max_length=128)]
    priority: Priority
    drill: bool
    ms: Milliseconds
    state: DeliveryState
    rev: int | None = None
    played_ms: Milliseconds | None = None


class _Station(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    timezone: Annotated[str, msgspec.Meta(max_length=64)]


class Manifest(msgspec.Struct):
    """What matters here of a manifest."""

    made_at: Milliseconds
    since: Milliseconds
    until: Milliseconds
    campaign: Annotated[str, msgspec.Meta(max_length=200)] | None
    station: _Station


@dataclass
class Sums:
    """Deliveries of one area and state."""

    deliveries: int = 0
    asked_ms: int = 0
    played_ms: int = 0
    timed: int = 0


@dataclass
class Told:
    """One broadcast, as the bundle tells of it."""

    starts_at: Instant
    priority: Priority
    drill: bool
    sums: dict[tuple[str, DeliveryState], Sums] = field(default_factory=lambda: defaultdict(Sums))
    heard: list[str] = field(default_factory=list)
    unheard: list[str] = field(default_factory=list)

    def add(self, line: Line) -> None:
        sums = self.sums[line.area, line.state]
        sums.deliveries += 1
        sums.asked_ms += line.ms
        sums.played_ms += line.played_ms or 0
        sums.timed += line.played_ms is not None
        # What a station says of a broadcast that never left it, no receiver has said.
        if line.state in HEARD and line.rev is not None:
            self.heard.append(line.rid)
        elif line.state is DeliveryState.UNKNOWN:
            self.unheard.append(line.rid)


@dataclass(frozen=True)
class Bundle:
    """A bundle that nothing contradicts."""

    sha256: str
    signer: str
    """Fingerprint of the key that signed it."""
    manifest: Manifest
    zone: ZoneInfo
    broadcasts: dict[str, Told]
    rows: int


def read(path: Path, processes: int | None = None) -> Bundle:
    """The totals of the bundle at ``path``. Raises RollupError with the verifier's words, and when it is none.

    ``processes``: as the verifier takes them; 1 within a server.
    """
    report = _verified(path, processes)
    try:
        manifest = msgspec.convert(report.manifest, Manifest)
        zone = ZoneInfo(manifest.station.timezone)
        broadcasts, rows = _broadcasts(path)
    except (msgspec.ValidationError, ZoneInfoNotFoundError, ValueError) as error:
        raise RollupError(
            say(
                "Gói chứng cứ có giá trị không dùng được (%(error)s). Hãy nhờ xã xuất lại gói.",
                error=error,
            ),
            field="file",
        ) from error
    return Bundle(_sha256(path), report.signer, manifest, zone, broadcasts, rows)


def _verified(path: Path, processes: int | None) -> Report:
    try:
        report = loa_verify.verify(str(path), (), processes)
    except loa_verify.Unreadable as error:
        raise RollupError(str(error), field="file") from error
    if report.is_good:
        return report
    found = [each for each in report.findings if each.level == loa_verify.CHANGED]
    named = "; ".join(
        f"{each.file}{f' dòng {each.row}' if each.row else ''}: {each.text}"
        for each in found[:TOLD_MOST]
    )
    more = say("; và %(n)s chỗ nữa", n=len(found) - TOLD_MOST) if len(found) > TOLD_MOST else ""
    raise RollupError(
        say(
            "Gói đã bị thay đổi nên không nhận: %(named)s%(more)s. Chạy “loa verify” để xem đủ.",
            named=named,
            more=more,
        ),
        field="file",
    )


def _broadcasts(path: Path) -> tuple[dict[str, Told], int]:
    found: dict[str, Told] = {}
    rows = 0
    for line in _lines(path):
        told = found.get(line.occ)
        if told is None:
            told = found[line.occ] = Told(Instant(line.starts_at), line.priority, line.drill)
        told.add(line)
        rows += 1
    return found, rows


def _lines(path: Path) -> Iterator[Line]:
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Line)
    with zipfile.ZipFile(path) as archive, archive.open("deliveries.jsonl") as file:
        for raw in file:
            yield decoder.decode(raw)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
