"""Runs of a scenario: what each receiver is to hear on each expected day, without a database and with one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from content.bulletins import State as BulletinState
from loa.languages import KINH
from loa.times import HOUR, Instant, after, local
from scheduler import alerts, campaigns, channel, planner, programmes, projection, schedules
from scheduler import context as contexts
from scheduler.broadcasts import Delivery
from scheduler.campaign_counts import Counted, CountedFrom, Near
from scheduler.campaign_plan import running
from scheduler.channel import Fate, Turn
from scheduler.context import Context, Fleet, Standing
from scheduler.fixed import Sources, SourcesFrom
from scheduler.outlook import Outlook
from scheduler.projection import Asking, Sound
from scheduler.sources import ALL_PLANNED
from scheduler.targets import Where
from tests.scenario_files import Data, Scenario
from tests.scenario_station import Station

WANTED = {
    "schedules": schedules.wanted, "programmes": programmes.wanted, "campaigns": campaigns.wanted,
    "alerts": alerts.wanted,
}  # fmt: skip
COLUMNS = {
    "schedules": "schedule_id", "programmes": "programme_id", "campaigns": "campaign_id", "alerts": "alert_id",
}  # fmt: skip
Days = dict[tuple[date, str], list[str]]


@dataclass(frozen=True)
class Meant:
    """A sound meant for one receiver, and whether it is quiet at a time."""

    receiver: str
    sound: Sound
    code: str | None
    is_quiet: Callable[[Instant, Instant], bool]


# -- without a database ---------------------------------------------------------------------------


def in_memory(scenario: Scenario) -> Days:
    """From the wishes alone, each as it was when its time came."""
    found: list[Meant] = []
    for now, until, data, _ in scenario.looks():
        station = Station(scenario)
        for epoch in scenario.epochs:
            if epoch.now <= now:
                station.bring(epoch.data, epoch.now)
        for source in _sources(station):
            source.planned_until = now if source.planned_until != ALL_PLANNED else ALL_PLANNED
            if hasattr(source, "rethought_at"):
                source.rethought_at = now
        found += _meant(station, data, now, until, _played(found))
    return _told(scenario, found)


def _sources(station: Station) -> list[Any]:
    return [each for kind in WANTED for each in station.known[kind].values()]


def _played(found: Iterable[Meant]) -> list[Meant]:
    return [each for each in found if each.sound.column == "campaign_id" and each.code is None]


def _meant(
    station: Station, data: Data, now: Instant, until: Instant, played: list[Meant]
) -> list[Meant]:
    known = context_of(station, data, played)
    asked = _asked(station)
    outlook = Outlook(known, now, until)
    by_id = {each.id: each for each in station.known["bulletins"].values()}
    return [
        _heard_there(each, by_id[each.bulletin_id], known, receiver, outlook)
        for each in projection.sounds(asked, now, until, known, outlook)
        for receiver in sorted(known.fleet.resolve(each.where))
    ]


def _heard_there(
    sound: Sound, bulletin: Bulletin, known: Context, receiver: str, outlook: Outlook
) -> Meant:
    """As long as it is in the language heard there; it may be that quiet hours forbid that one alone."""
    code = _code(sound)
    if not sound.is_relay:
        ms = known.length_ms(bulletin, Where(receiver_ids=(receiver,)))
        sound = sound._replace(ends_at=after(sound.starts_at, ms))
        why = outlook.objection(bulletin, sound.priority, sound.starts_at, sound.ends_at)
        if why is not None and why.code == "quiet" and code in (None, "not_approved"):
            code = "quiet"
    return Meant(receiver, sound, code, outlook.is_broken)


def _asked(station: Station) -> list[Asking]:
    return [
        Asking(COLUMNS[kind], source, wanted)
        for kind, wanted in WANTED.items()
        for source in station.known[kind].values()
        if source.ended_at is None and not _is_withdrawn(source)
    ]


def _is_withdrawn(source: Any) -> bool:
    bulletin = getattr(source, "bulletin", None)
    return bulletin is not None and bulletin.state is BulletinState.WITHDRAWN


def _code(sound: Sound) -> str | None:
    if sound.why_not is not None:
        return sound.why_not.code
    return None if sound.approved else "not_approved"


def context_of(station: Station, data: Data, played: Iterable[Meant] = ()) -> Context:
    """The context of plain values."""
    excepted: dict[tuple[str, int], list[Any]] = {}
    for each in station.listed["exceptions"]:
        for column in ("schedule_id", "programme_id"):
            if getattr(each, column) is not None and each.withdrawn_at is None:
                excepted.setdefault((column, getattr(each, column)), []).append(each)
    regulations = sorted(station.listed["regulations"], key=lambda each: (each.since, each.id))
    return Context(
        rules=station.scenario.rules, regulations=regulations, marks=station.listed["marks"], exceptions=excepted,
        read_fleet=lambda: fleet_of(station, data), read_lengths=lambda: station.lengths,
        answers=_Answers(station, played),
    )  # fmt: skip


class _Answers(dict[Any, Any]):
    """What campaigns ask a database."""

    def __init__(self, station: Station, played: Iterable[Meant]) -> None:
        super().__init__()
        self._known, self._played = station.known, list(played)

    def __contains__(self, question: object) -> bool:
        return True

    def __getitem__(self, question: Any) -> Any:
        going = {
            kind: [each for each in self._known[kind].values() if each.ended_at is None]
            for kind in WANTED
        }
        if question is running:
            return going["campaigns"]
        if isinstance(question, SourcesFrom):
            return Sources(going["schedules"], going["programmes"], going["alerts"])
        assert isinstance(question, CountedFrom), question
        return self._counted(question.campaign_id)

    def _counted(self, campaign_id: int) -> Counted:
        near = [
            Near(each.receiver, 0, each.sound.starts_at, each.sound.item, each.sound.ms, True, True, False, False)
            for each in self._played
            if each.sound.source_id == campaign_id
        ]  # fmt: skip
        return Counted(near=near)


def fleet_of(station: Station, data: Data) -> Fleet:
    """Who is in service, and where."""
    areas = station.known["areas"]
    return Fleet(
        receivers={
            each.id: Standing(each.id, each.name, each.area_id, each.households, _language(each.area, areas))
            for each in station.known["receivers"].values()
            if each.active
        },
        parents={each.id: each.parent_id for each in areas.values()},
        members={
            station.known["groups"][name].id: frozenset(ids) for name, ids in data["groups"].items()
        },
    )  # fmt: skip


def _language(area: Any, areas: Mapping[str, Any]) -> str:
    by_id = {each.id: each for each in areas.values()}
    while area is not None:
        if area.language:
            return str(area.language)
        area = by_id.get(area.parent_id)
    return KINH


# -- with a database ------------------------------------------------------------------------------


def in_database(scenario: Scenario, session: Session) -> Days:
    """From the rows the planner has made, each as it was when its time came."""
    station, found = Station(scenario, session), []
    for now, until, data, is_new in scenario.looks():
        if is_new:
            station.bring(data, now)
        planner.plan(session, now, scenario.rules)
        found += _of_rows(session, station, now, until)
    return _told(scenario, found)


def _of_rows(session: Session, station: Station, now: Instant, until: Instant) -> Iterator[Meant]:
    known = contexts.read(session, station.scenario.rules)
    is_quiet = Outlook(known, now, until).is_broken
    sounds = projection.planned(session, now, until, known)
    ids = [each.broadcast_id for each in sounds]
    rows = session.scalars(sa.select(Delivery).where(Delivery.broadcast_id.in_(ids)))
    deliveries: dict[int, list[Delivery]] = {}
    for row in rows:
        deliveries.setdefault(row.broadcast_id, []).append(row)
    for sound in _standing(station, sounds, known, now, until):
        for receiver, ms, code in _receivers(sound, deliveries.get(sound.broadcast_id or 0), known):
            heard = sound if sound.is_relay else sound._replace(ends_at=after(sound.starts_at, ms))
            yield Meant(receiver, heard, code, is_quiet)


def _standing(
    station: Station, sounds: list[Sound], known: Context, now: Instant, until: Instant
) -> Iterator[Sound]:
    """Without closed rows of what is wanted no more: they tell of the past; who looks ahead never heard of them."""
    if all(sound.why_not is None for sound in sounds):
        yield from sounds
        return
    wanted = {
        (asking.column, asking.source.id, *wish.key)
        for asking in _asked(station)
        for wish in asking.wanted(asking.source, now, until, known)
    }
    ordered = sorted(sounds, key=lambda each: each.broadcast_id or 0)
    last = {each.key: each.broadcast_id for each in ordered}
    for sound in sounds:
        if sound.why_not is None or (sound.key in wanted and last[sound.key] == sound.broadcast_id):
            yield sound


def _receivers(
    sound: Sound, deliveries: list[Delivery] | None, known: Context
) -> list[tuple[str, int, str | None]]:
    """Receiver, how long, why not."""
    why = _code(sound)
    if deliveries is None:
        return [(each, 0, why) for each in sorted(known.fleet.resolve(sound.where))]
    return [
        (each.receiver_id, each.ms, "quiet" if each.barred_at is not None else why)
        for each in deliveries
        if each.dropped_at is None
    ]


# -- what is heard of it --------------------------------------------------------------------------


def _told(scenario: Scenario, found: list[Meant]) -> Days:
    told: Days = {key: [] for key in scenario.expected}
    by_receiver: dict[str, list[Meant]] = {}
    for each in found:
        by_receiver.setdefault(each.receiver, []).append(each)
    for receiver, meant in by_receiver.items():
        for moment, line in sorted(_lines(scenario, meant)):
            key = (local(moment, scenario.zone).date(), receiver)
            if key in told:
                told[key].append(line)
    return told


def _lines(scenario: Scenario, meant: list[Meant]) -> Iterator[tuple[Instant, str]]:
    quiet = {id(each.sound): each.is_quiet for each in meant}
    for each in meant:
        if each.code is not None:
            start = _said(scenario, each.sound.starts_at)
            yield each.sound.starts_at, f"{start} {each.sound.title}: {each.code}"

    def is_quiet(start: Instant, end: Instant) -> bool:
        return any(ask(start, end) for ask in _near(meant, quiet, start))

    sounding = [each.sound for each in meant if each.code is None]
    for turn in channel.play(sounding, scenario.rules.late, is_quiet=is_quiet):
        yield from _of_turn(scenario, turn)


def _near(
    meant: list[Meant], quiet: dict[int, Callable[[Instant, Instant], bool]], start: Instant
) -> list[Callable[[Instant, Instant], bool]]:
    """The rules as they were known when what may sound then was planned."""
    near = [
        each for each in meant if each.sound.starts_at <= start < each.sound.starts_at + 24 * HOUR
    ]
    return [quiet[id(near[-1].sound)]] if near else []


def _of_turn(scenario: Scenario, turn: Turn[Sound]) -> Iterator[tuple[Instant, str]]:
    for number, (start, end) in enumerate(turn.heard, start=1):
        is_cut = turn.fate is Fate.INTERRUPTED or number < len(turn.heard)
        line = f"{_said(scenario, start)}-{_said(scenario, end)} {turn.sound.title}"
        yield start, line + (" (bị ngắt)" if is_cut else "")
    if not turn.heard:
        start = turn.sound.starts_at
        yield start, f"{_said(scenario, start)} {turn.sound.title}: {turn.fate.value}"


def _said(scenario: Scenario, moment: Instant) -> str:
    """17:00, 17:00:30, 17:00:30.3; with a star the second time an hour comes in autumn."""
    at: datetime = local(moment, scenario.zone)
    text = f"{at:%H:%M:%S}" if at.second or at.microsecond else f"{at:%H:%M}"
    if at.microsecond:
        text += f".{at.microsecond // 1000:03d}".rstrip("0")
    return text + ("*" if at.fold else "")
