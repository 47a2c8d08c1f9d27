"""A quarter of a commune with a hundred receivers: outages, emergencies, exercises, unknowns, late evidence.

Everything goes the way it does in service: plans are queued and taken by the broker, journals are recorded entry by
entry, and what nobody heard of expires. Names are changed afterwards, which must change no report.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices import areas, messages, receivers
from devices.outages import Fault, Kind, Watch
from devices.receivers import Receiver
from loa.times import DAY, HOUR, MINUTE, Instant, after, instant
from scheduler import alerts, plans, receipts
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.campaign_tables import Aim, Campaign, Target
from scheduler.plans import Lane, Signed, Taken
from scheduler.receipts import Batch
from scheduler.schedules import Schedule
from scheduler.targets import Where
from tests.cast import ZONE, approved_bulletin, settle_in

FIRST, LAST = date(2026, 7, 1), date(2026, 9, 30)
BEGUN = instant(datetime.combine(FIRST, time(0), tzinfo=ZONE))
OVER = instant(datetime.combine(LAST + timedelta(days=3), time(9), tzinfo=ZONE))
CLOCKS = (time(5, 30), time(17, 15))
"""The first is the day before by UTC."""
assert alerts  # its table is referred to
OUTCOMES = (
    ("played", 70), ("interrupted", 6), ("resumed", 4), ("failed", 5), ("missed", 5), ("refused", 2),
    ("silent", 5), ("accepted", 2), ("cancelled", 1),
)  # fmt: skip


@dataclass
class Asked:
    """A delivery as it was asked for, noted apart from the database."""

    occ: str
    rid: str
    area: str
    at: Instant
    day: date
    ms: int
    title: str
    field: int
    priority: str
    author: str
    drill: bool
    campaign: bool
    is_sent: bool


@dataclass
class Quarter:
    asked: list[Asked] = field(default_factory=list)
    households: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    watches: list[tuple[Instant, Instant]] = field(default_factory=list)
    silences: dict[str, list[tuple[Instant, Instant]]] = field(default_factory=dict)
    other_faults: dict[str, list[tuple[Instant, Instant]]] = field(default_factory=dict)
    months: dict[str, dict[str, int]] = field(default_factory=dict)
    campaign_id: int = 0
    late: list[Batch] = field(default_factory=list)
    """What reaches the station after everything has expired."""


class Pole:
    """A receiver's journal, unsigned: signatures are other tests' matter."""

    def __init__(self, rid: str) -> None:
        self.rid, self.seq, self.head = rid, 0, messages.first_hash("j1")

    def batch(self, told: list[tuple[str, str, Instant, dict[str, Any]]], now: Instant) -> Batch:
        since = self.seq + 1
        entries, exact = [], []
        for occ, code, at, detail in told:
            self.seq += 1
            entry = messages.Entry(self.seq, occ, code, at, "ntp", 1, 0, detail)
            raw = messages.encode(entry)
            self.head = messages.next_hash(self.head, raw)
            entries.append(entry)
            exact.append(raw)
        events = messages.Events(
            v=1, rid=self.rid, jid="j1", from_=since, head=self.head.hex(), now=now, mono=0, boot=1, src="ntp",
            e=tuple(msgspec.Raw(raw) for raw in exact),
        )  # fmt: skip
        return Batch(self.rid, events, tuple(entries), tuple(exact))


def build(session: Session, *, count: int = 100, days: int = 92, seed: int = 2026) -> Quarter:
    """The whole quarter in this database."""
    random, made = Random(seed), Quarter()
    cast = settle_in(session, 0, BEGUN)
    places = [
        areas.add(session, name=f"Số {n}", level="thôn", parent=cast.commune, now=BEGUN, by="test")
        for n in range(10)
    ]
    _receivers(session, made, places, count, random)
    bulletin = approved_bulletin(session, cast, now=BEGUN)
    where = Where((cast.commune.id,))
    schedule = Schedule(
        uid="quy", bulletin_id=bulletin.id, at=time(5), start_date=FIRST, staff_id=cast.hoa.id, created_at=BEGUN,
        planned_until=BEGUN,
    )  # fmt: skip
    campaign = Campaign(
        uid="cd", name="Phòng sốt xuất huyết", start_date=FIRST, end_date=LAST, where=where,
        target=Target(aim=Aim.REACH, number=80, times=2), staff_id=cast.hoa.id, created_at=BEGUN,
        planned_until=BEGUN, rethought_at=BEGUN,
    )  # fmt: skip
    session.add_all([schedule, campaign])
    session.flush()
    made.campaign_id = campaign.id
    for n in range(days):
        for which, clock in enumerate(CLOCKS):
            _broadcast(
                session, made, random, n, which, clock, (schedule, campaign, bulletin.id), places
            )
    _send(session)
    _rename(session)
    _tell(session, made, random)
    _health(session, made, random)
    return made


def _receivers(
    session: Session, made: Quarter, places: list[Any], count: int, random: Random
) -> None:
    for n in range(count):
        rid = f"r-{n:04d}"
        made.households[rid] = random.choice((0, 40, 75, 120))
        made.names[rid] = f"Cột {n}"
        session.add(
            Receiver(
                id=rid, name=made.names[rid], area_id=places[n % 10].id, public_key="k", password_hash="p",
                volume=60 + n % 5, households=made.households[rid], active=True, simulated=False, plan_stale=False,
                added_at=BEGUN, confirmed_at=BEGUN,
            )
        )  # fmt: skip
    session.flush()


def _broadcast(
    session: Session, made: Quarter, random: Random, n: int, which: int, clock: time,
    sources: tuple[Schedule, Campaign, int], places: list[Any],
) -> None:  # fmt: skip
    schedule, campaign, bulletin_id = sources
    day = FIRST + timedelta(days=n)
    at = instant(datetime.combine(day, clock, tzinfo=ZONE))
    is_campaign = which == 1 and n % 2 == 0
    is_emergency, drill = n % 23 == 5 and which == 0, n % 31 == 7 and which == 1
    field, ms = 1 + (n + which) % 6, random.choice((30_000, 61_500, 185_250))
    author = ("Hoa", "Minh")[n % 2]
    priority = Priority.EMERGENCY if is_emergency or drill else Priority.NORMAL
    is_off = n % 17 == 3 and which == 0
    broadcast = Broadcast(
        occurrence=f"quy.{n}-{which}", where=schedule.where, schedule_id=None if is_campaign else schedule.id,
        campaign_id=campaign.id if is_campaign else None, bulletin_id=bulletin_id, title=f"=Bản tin {n}",
        priority=priority, field=field, starts_at=at, ms=ms, author=author, approver_names=["Minh"],
        approver_logins=["minh"], scheduler="Hoa", planned_at=BEGUN, drill=drill,
        recording_sha=hashlib.sha256(b"%d" % n).hexdigest(),
    )  # fmt: skip
    session.add(broadcast)
    session.flush()
    chosen = [place for place in places if is_emergency or random.random() < 0.5]
    rows = []
    for number, rid in enumerate(made.households):
        place = places[number % 10]
        if place not in chosen:
            continue
        is_sent = not is_off and random.random() > 0.01
        rows.append(
            Delivery(
                broadcast_id=broadcast.id, receiver_id=rid, receiver_name=made.names[rid],
                area_name=f"thôn {place.name}",
                state=DeliveryState.CANCELLED if is_off else DeliveryState.PLANNED, ms=ms,
                reason="stopped" if is_off else None, recording_sha=broadcast.recording_sha,
                rev=1 if is_sent else None,
            )
        )  # fmt: skip
        made.asked.append(
            Asked(broadcast.occurrence, rid, rows[-1].area_name, at, day, ms, broadcast.title, field, priority.value,
                  author, drill, is_campaign, is_sent)
        )  # fmt: skip
        if is_off:
            made.asked[-1].is_sent = False
            made.asked[-1].title = "off"
    session.add_all(rows)
    session.flush()


def _send(session: Session) -> None:
    rids = list(session.scalars(sa.select(Receiver.id)))
    plans.queue(session, [Signed(rid, 1, b".", Lane.PLAN, True, ()) for rid in rids], BEGUN)
    plans.published(session, [Taken(rid, 1) for rid in rids], BEGUN)


def _rename(session: Session) -> None:
    """Nothing of this may be seen in any report."""
    session.execute(sa.update(Receiver).values(name=Receiver.name + " mới", households=1, volume=1))
    session.execute(sa.text("UPDATE areas SET name = name || ' mới'"))
    session.execute(sa.text("UPDATE bulletins SET title = 'Tên khác'"))
    session.execute(sa.text("UPDATE staff SET name = name || ' khác'"))
    session.expire_all()


def _tell(session: Session, made: Quarter, random: Random) -> None:
    """Journals, in the order in which they were written; some reach the station long after."""
    by_receiver: dict[str, list[Asked]] = {}
    for each in made.asked:
        if each.is_sent:
            by_receiver.setdefault(each.rid, []).append(each)
    batches = []
    for number, (rid, mine) in enumerate(by_receiver.items()):
        pole, is_late = Pole(rid), number % 25 == 4
        told = [line for each in mine for line in _lines(each, random)]
        first = told[: len(told) // 2] if is_late else told
        batches += [pole.batch(first[n : n + 64], OVER) for n in range(0, len(first), 64)]
        rest = told[len(first) :]
        made.late += [pole.batch(rest[n : n + 64], OVER) for n in range(0, len(rest), 64)]
    for start in range(0, len(batches), 200):
        receipts.record(session, batches[start : start + 200], OVER)
    receipts.expire(session, OVER, late=60_000, grace=120_000)


def _lines(each: Asked, random: Random) -> list[tuple[str, str, Instant, dict[str, Any]]]:
    outcome = random.choices([name for name, _ in OUTCOMES], [n for _, n in OUTCOMES])[0]
    late = random.randrange(0, 900)
    begun = after(each.at, late)
    accepted = (each.occ, "accepted", after(each.at, -HOUR), {})
    started = (each.occ, "started", begun, {"late_ms": late, "vol": 60})
    end = after(begun, each.ms)
    level = random.choice(("E1", "E1", "E2", "E3"))
    played = (each.occ, "played", end, {"ms": each.ms - late % 50, "level": level})
    half = (
        each.occ,
        "interrupted",
        after(begun, each.ms // 3),
        {"why": "power", "at_ms": each.ms // 3},
    )
    return {
        "played": [accepted, started, played],
        "interrupted": [accepted, started, half],
        "resumed": [accepted, started, half, started, played],
        "failed": [accepted, (each.occ, "failed", begun, {"why": "decode"})],
        "missed": [accepted, (each.occ, "missed", begun, {"why": "off"})],
        "refused": [(each.occ, "refused", begun, {"why": "quiet"})],
        "silent": [],
        "accepted": [accepted],
        "cancelled": [accepted, (each.occ, "cancelled", begun, {"why": "stopped"})],
    }[outcome]


def _health(session: Session, made: Quarter, random: Random) -> None:
    made.watches = [(BEGUN, after(BEGUN, 40 * DAY)), (after(BEGUN, 41 * DAY), OVER)]
    session.add_all(Watch(since=since, until=until) for since, until in made.watches)
    for n, rid in enumerate(made.households):
        if n % 7 == 0:
            since = after(BEGUN, random.randrange(0, 90 * DAY))
            made.silences[rid] = [(since, after(since, random.randrange(MINUTE, 10 * DAY)))]
        if n % 11 == 0:
            since = after(BEGUN, random.randrange(0, 90 * DAY))
            made.other_faults[rid] = [(since, after(since, HOUR))]
    for kind, faults in ((Kind.OFFLINE, made.silences), (Kind.DISK, made.other_faults)):
        for rid, spans in faults.items():
            session.add_all(
                Fault(receiver_id=rid, kind=kind, since=a, until=b, detail="") for a, b in spans
            )
    session.flush()
    for month in ("2026-07", "2026-08", "2026-09", "2026-10"):
        for n, rid in enumerate(made.households):
            if n % 3:
                continue
            size = random.randrange(10**6, 10**9)
            made.months.setdefault(rid, {})[month] = size
            for heard in (
                size // 2,
                size,
                size - 1,
            ):  # it forgot a byte: the most it ever said stands
                _say(session, rid, month, heard)


def _say(session: Session, rid: str, month: str, size: int) -> None:
    known = session.get(receivers.Presence, rid)
    if known is None:
        session.add(
            receivers.Presence(
                receiver_id=rid, online=True, sid="s", heard_at=OVER, heartbeat_ms=60_000,
                net_month=month, net_bytes=size,
            )
        )  # fmt: skip
    else:
        known.net_month, known.net_bytes = month, size
    session.flush()
