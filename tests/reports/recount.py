"""The figures once more, in plain Python over the raw journals; nothing of the reporting code is imported here.

Each figure is written down as a person would count it with paper and pencil.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

MINUTE, DAY = 60_000, 86_400_000
NOT_MADE = ("interrupted", "failed", "missed", "refused")


@dataclass
class Counted:
    asked: Any
    state: str
    ms: int | None
    level: str | None


def outcomes(asked: Iterable[Any], raw: dict[str, list[bytes]]) -> list[Counted]:
    """What became of each delivery, read from the receivers' own lines."""
    said: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = {}
    for rid, lines in raw.items():
        for line in lines:
            _, occ, code, _, _, _, _, *detail = json.loads(line)
            said.setdefault((rid, occ), []).append((code, detail[0] if detail else {}))
    return [_outcome(each, said.get((each.rid, each.occ), [])) for each in asked]


def _outcome(each: Any, lines: list[tuple[str, dict[str, Any]]]) -> Counted:
    if each.title == "off":
        return Counted(each, "cancelled", None, None)
    if not each.is_sent:
        return Counted(each, "missed", None, None)
    played = [detail for code, detail in lines if code == "played"]
    if played:
        return Counted(each, "played", played[-1]["ms"], played[-1]["level"])
    ends = [(code, detail) for code, detail in lines if code in (*NOT_MADE, "cancelled")]
    if not ends:
        return Counted(each, "unknown", None, None)
    code, detail = ends[-1]
    return Counted(each, code, detail.get("at_ms"), None)


def line(some: list[Counted]) -> tuple[Any, ...]:
    """broadcasts, due, played, not made, unknown, confirmed, rate, ms asked, ms played, ms unknown."""
    played = [c for c in some if c.state == "played"]
    failed = [c for c in some if c.state in NOT_MADE]
    unknown = [c for c in some if c.state == "unknown"]
    confirmed = played + failed
    return (
        len({c.asked.occ for c in confirmed + unknown}),
        len(confirmed) + len(unknown),
        len(played),
        len(failed),
        len(unknown),
        len(confirmed),
        len(played) / len(confirmed) if confirmed else None,
        sum(c.asked.ms for c in confirmed),
        sum(c.ms or 0 for c in confirmed) if confirmed else None,
        sum(c.asked.ms for c in unknown),
    )


def groups(some: list[Counted], key: Any) -> dict[Any, tuple[Any, ...]]:
    found: dict[Any, list[Counted]] = {}
    for each in some:
        found.setdefault(key(each.asked), []).append(each)
    return {name: line(found[name]) for name in sorted(found)}


def uptime(
    watches: list[tuple[int, int]], silences: list[tuple[int, int]], since: int, until: int
) -> tuple[float | None, int | None]:
    """Part of the watched time it was heard in, and the milliseconds it was not; minute for minute."""
    watched = sum(max(0, min(b, until) - max(a, since)) for a, b in watches)
    if watched < DAY:
        return None, None
    away = 0
    for a, b in watches:
        for c, d in silences:
            away += max(0, min(b, d, until) - max(a, c, since))
    return (watched - away) / watched, away


def reach(
    some: list[Counted], households: dict[str, int], times: int, first: date, last: date
) -> list[tuple[date, int, int]]:
    """(day, households reached by its end, of how many), for each day."""
    meant = {c.asked.rid for c in some if c.state != "cancelled"}
    found = []
    day = first
    while day <= last:
        heard: dict[str, int] = {}
        for each in some:
            if each.state == "played" and not each.asked.drill and each.asked.day <= day:
                heard[each.asked.rid] = heard.get(each.asked.rid, 0) + 1
        reached = sum(households[rid] for rid in meant if heard.get(rid, 0) >= times)
        found.append((day, reached, sum(households[rid] for rid in meant)))
        day += timedelta(days=1)
    return found
