"""What must hold of the rows the planner made, of the plans that were signed, and of what was heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

import sqlalchemy as sa

from content import decisions
from content.bulletins import Priority
from devices import areas
from devices.receivers import Receiver
from loa.languages import KINH
from loa.times import MINUTE, SECOND, Instant, after, local
from scheduler import context, occurrences, projection, rulebook
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.context import Context
from scheduler.projection import Sound
from scheduler.regulation import Regulation
from tests.cast import ZONE
from tests.office.office import RULES, Office
from tests.office.poles import Heard, Pole


class Look:
    """The rows of the next hours."""

    def __init__(self, office: Office, until: Instant) -> None:
        self.office, self.session, self.now, self.until = office, office.session, office.now, until
        self.known = context.read(office.session, RULES)
        self.rows = {row.id: row for row in self._rows()}
        self.sounds = projection.planned(self.session, after(self.now, 1), until, self.known)
        found = sa.select(Delivery).where(Delivery.broadcast_id.in_(self.rows))
        self.deliveries = list(self.session.scalars(found))

    def _rows(self) -> list[Broadcast]:
        found = sa.select(Broadcast).where(
            Broadcast.starts_at > self.now, Broadcast.starts_at < self.until
        )
        return list(self.session.scalars(found))

    def ordered(self) -> list[tuple[Broadcast, Delivery]]:
        """What is to sound where, as far as receivers have not told its end."""
        return [
            (row, each)
            for each in self.deliveries
            if (row := self.rows[each.broadcast_id]).stop_requested_at is None
            and each.state not in occurrences.ENDED
            and None is each.dropped_at is each.barred_at and each.recording_sha is not None
        ]  # fmt: skip

    def wrong(self) -> Iterator[str]:
        ordered = self.ordered()
        for row, each in ordered:
            end = after(row.starts_at, row.relay.ms if row.relay else each.ms)
            if row.priority is not Priority.EMERGENCY and is_quiet(
                self.known.regulations, row.starts_at, end
            ):
                yield f"in quiet hours: {row.title} {_at(row.starts_at)} at {each.receiver_id}"
            if breaks_day(self.known, row.starts_at, row.priority):
                yield f"on such a day: {row.title} {_at(row.starts_at)}"
        yield from self._campaigns(ordered)
        yield from self._languages(ordered)
        yield from self._places(ordered)

    def _campaigns(self, ordered: Iterable[tuple[Broadcast, Delivery]]) -> Iterator[str]:
        """They never make a session longer than it may be: they only take what others leave."""
        used: Counter[tuple[str, str, int]] = Counter()
        taken: Counter[tuple[str, str, int]] = Counter()
        for row, each in ordered:
            if row.priority is Priority.EMERGENCY or row.alert_id is not None:
                continue
            wall = local(row.starts_at, ZONE)
            for slot in slots_at(self.known, row.starts_at, wall, each.receiver_id):
                key = (each.receiver_id, f"{wall:%d.%m.} {slot.key}", slot.minutes * MINUTE)
                ms = row.relay.ms if row.relay else row.ms
                used[key] += ms
                taken[key] += ms if row.campaign_id is not None else 0
        for key, ms in used.items():
            if ms > key[2] and taken[key]:
                yield f"crowded by a campaign: {key}, {ms} ms, of it {taken[key]} of campaigns"

    def _languages(self, ordered: Iterable[tuple[Broadcast, Delivery]]) -> Iterator[str]:
        """Each hears what was approved, in the language of its area."""
        given = decisions.in_force(self.session, {row.bulletin_id for row, _ in ordered})
        spoken, standing = areas.spoken_in(self.session), self.known.fleet.receivers
        for row, each in ordered:
            said = given.get(row.bulletin_id)
            if said is None:
                if row.alert_id is None:  # on one officer's word
                    yield f"not approved: {row.title} {_at(row.starts_at)} at {each.receiver_id}"
                continue
            place = standing[each.receiver_id].area_id if each.receiver_id in standing else None
            language = spoken.get(place or 0, KINH)
            if each.recording_sha != said.sounds.get(language, said.sounds[KINH]):
                yield f"another language: {row.title} {_at(row.starts_at)} at {each.receiver_id}"

    def _places(self, ordered: Iterable[tuple[Broadcast, Delivery]]) -> Iterator[str]:
        """Who is ordered to sound it is meant, and stands in the area of whoever set it; all others meant too."""
        heard_by: dict[int, set[str]] = {row.id: set() for row, _ in ordered}
        for row, each in ordered:
            heard_by[row.id].add(each.receiver_id)
        for id, receivers in heard_by.items():
            if stray := receivers - self.known.fleet.resolve(self.rows[id].where):
                yield f"not meant: {self.rows[id].title} at {sorted(stray)}"


def plans_say_otherwise(look: Look, carried: dict[str, dict[str, bool]]) -> Iterator[str]:
    """``carried``: receiver → occurrence → whether its signed plan orders it; that is what the rows say."""
    ordered = {(each.receiver_id, row.occurrence) for row, each in look.ordered()}
    ordered = {one for one in ordered if one[0] in look.known.fleet.receivers}
    signed = {
        (rid, occ) for rid, orders in carried.items() for occ, is_on in orders.items() if is_on
    }
    rows = {row.occurrence for row in look.rows.values()}
    for rid, occ in ordered - signed:
        yield f"not in the plan: {occ} at {rid}"
    for rid, occ in signed - ordered:
        if occ in rows:
            yield f"only in the plan: {occ} at {rid}"


# -- what was heard -------------------------------------------------------------------------------


def heard_wrongly(known: Context, pole: Pole, since: Instant, area_id: int) -> Iterator[str]:
    """What a horn gave forth though it might not, by the regulation as it was known when the sound began."""
    yield from pole.wrong
    for heard in pole.heard:
        if heard.cls == "E" or heard.starts < since:
            continue
        versions = [each for each in known.regulations if each.made_at <= heard.starts]
        until = min(heard.until, pole.now)
        if is_quiet(versions, heard.starts, until):
            yield f"heard in quiet hours: {heard.occ} {_at(heard.starts)} at {pole.rid}"
        if _too_loud(known, versions, heard, area_id):
            yield f"too loud: {heard.occ} {_at(heard.starts)} at {pole.rid}, {heard.level}"


def _too_loud(known: Context, versions: list[Regulation], heard: Heard, area_id: int) -> bool:
    version = next((each for each in reversed(versions) if each.since <= heard.starts), None)
    if version is None:
        return False
    cap = rulebook.cap_at(
        version.rules, local(heard.starts, ZONE).time(), known.fleet.line(area_id)
    )
    return cap is not None and heard.level > cap / 100 + 0.001


# -- the regulation, read once more ---------------------------------------------------------------


def is_quiet(versions: Iterable[Regulation], start: Instant, end: Instant) -> bool:
    """Minute by minute by the wall clock, as a receiver asks."""
    every = list(versions)
    for moment in {*range(start, end, 20 * SECOND), end - 1}:
        version = next((each for each in reversed(every) if each.since <= moment), None)
        clock = local(Instant(moment), ZONE).time()
        for span in version.quiet_hours if version else ():
            inside = span.since <= clock < span.until
            if inside if span.since < span.until else clock >= span.since or clock < span.until:
                return True
    return False


def breaks_day(known: Context, start: Instant, priority: Priority) -> bool:
    """Something normal on a day marked as one of mourning."""
    day = local(start, ZONE).date()
    marked = [
        each for each in known.marks if each.first <= day <= each.last and each.withdrawn_at is None
    ]
    return bool(marked) and marked[-1].kind == "mourning" and priority is Priority.NORMAL


def slots_at(known: Context, start: Instant, wall: datetime, rid: str) -> list[rulebook.Slot]:
    """The sessions in which something begins there."""
    version, standing = known.regulation_at(start), known.fleet.receivers.get(rid)
    if version is None or standing is None:
        return []
    held = rulebook.slots_on(version.rules, wall.date(), known.calendar.kind(wall.date()).key)
    line = known.fleet.line(standing.area_id)
    return [slot for slot in held if slot.holds(wall.time()) and slot.is_for(line)]


def area_of(office: Office, rid: str) -> int:
    return office.session.get_one(Receiver, rid).area_id


def _at(moment: Instant) -> str:
    return f"{local(moment, ZONE):%d.%m. %H:%M:%S}"


__all__ = ["Look", "Sound", "area_of", "heard_wrongly", "plans_say_otherwise"]
