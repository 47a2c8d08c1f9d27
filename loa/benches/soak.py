"""``loa bench soak``: a real station and hundreds of simulated receivers for an hour, with everything going wrong.

In the end the station's log is held against what truly sounded, which the simulator knows besides all journals.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from content import bulletins
from content.bulletins import Priority
from devices.receivers import Receiver
from devices.simulator import Faults, Simulation, Sounded, Stats
from loa import simulated, times
from loa.benches.ground import Cost, Ground, tone
from loa.times import SECOND, after, local
from scheduler import broadcasts, schedules
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.schedules import Kind, Rule

FAULTS = Faults(
    loss=0.02,
    latency_ms=500,
    power_cuts=2.0,
    link_cuts=4.0,
    clock_error_ms=300,
    no_clock=0.05,
    seed=1,
)
EVERY = 60.0
"""Seconds from one broadcast to the next."""
LEAD = 150.0
"""Seconds from when it is ordered to its start."""
SETTLE_SECONDS = 420.0
"""After the last broadcast: late ones, grace, power that comes back, journals that drain."""
ROLES = ("run", "serve", "mosquitto")
SOUND_SECONDS = (10, 20, 40, 70)


class Sample(msgspec.Struct):
    """How it stood at one moment; megabytes resident, by process."""

    seconds: float
    megabytes: dict[str, float]
    connected: int
    pending: int


class Outcome(msgspec.Struct):
    """What an hour came to. ``wrong`` names each contradiction between log and truth: empty when all is well."""

    receivers: int
    seconds: float
    broadcasts: int
    deliveries: dict[str, int]
    truth: dict[str, int]
    stats: dict[str, int]
    wrong: list[str]
    errors: list[str]
    samples: list[Sample]

    @property
    def growth(self) -> dict[str, float]:
        """Megabytes by which each process grew from the second third to the last, on average."""
        third = len(self.samples) // 3
        if not third:
            return {}
        middle, last = self.samples[third : 2 * third], self.samples[2 * third :]
        return {role: round(_mean(last, role) - _mean(middle, role), 1) for role in ROLES}


def _mean(samples: list[Sample], role: str) -> float:
    return sum(sample.megabytes.get(role, 0.0) for sample in samples) / len(samples)


def soak(count: int, minutes: float, seed: int = 1) -> Iterator[Sample | Outcome]:
    """A sample a minute, and last the outcome."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="loa-soak-"))
        ground = stack.enter_context(closing(Ground(Path(folder), 0)))
        settings = simulated.prepare(ground.config, ground.database, count, now=times.now())
        faults = replace(FAULTS, seed=seed)
        simulation = Simulation(simulated.with_faults(settings, faults, spread_seconds=10.0))
        with ground.station() as cost:
            simulation.start()
            try:
                yield from _Soak(ground, simulation, cost, minutes, seed).run()
            finally:
                simulation.stop()


class _Soak:
    def __init__(
        self, ground: Ground, simulation: Simulation, cost: Cost, minutes: float, seed: int
    ) -> None:
        self._ground, self._simulation, self._cost = ground, simulation, cost
        self._until = time.monotonic() + minutes * 60
        self._began = time.monotonic()
        self._random = random.Random(seed)  # noqa: S311 - repeatable
        self._samples: list[Sample] = []
        self._made: list[int] = []

    def run(self) -> Iterator[Sample | Outcome]:
        stock = [
            self._ground.bulletin(priority, tone(seconds, hertz), seconds * 1000)
            for seconds in SOUND_SECONDS
            for priority, hertz in ((Priority.NORMAL, 440), (Priority.EMERGENCY, 880))
        ]
        busy_until = self._until - SETTLE_SECONDS
        while time.monotonic() < self._until:
            if time.monotonic() < busy_until:
                self._order(self._random.choice(stock))
                self._meddle()
            time.sleep(EVERY)
            yield self._sample()
        yield self._outcome()

    def _order(self, bulletin_id: int) -> None:
        """Schedule it somewhere, or have it played at once."""
        ground, draw, now = self._ground, self._random, times.now()
        with ground.database.write() as session:
            places = list(session.scalars(sa.select(Receiver.area_id).distinct()))
            chosen = draw.sample(places, min(len(places), draw.randint(1, 4)))
            bulletin, who = bulletins.get(session, bulletin_id), ground.approver(session)
            zone = ground.config.zone
            if bulletin.priority is Priority.EMERGENCY or draw.random() < 0.2:
                made = schedules.broadcast_now(session, bulletin, who, chosen, now=now, zone=zone)
            else:
                wall = local(after(now, int(LEAD * SECOND)), zone) + timedelta(
                    seconds=draw.random()
                )
                rule = Rule(
                    kind=Kind.ONCE, at=wall.time().replace(microsecond=0), start_date=wall.date(),
                    area_ids=tuple(chosen),
                )  # fmt: skip
                made = schedules.add(session, bulletin, who, rule, now=now, zone=zone)
            self._made.append(made.id)

    def _meddle(self) -> None:
        """Now and then staff change their minds: a schedule is ended, or what sounds is stopped."""
        ground, now = self._ground, times.now()
        with ground.database.write() as session:
            who = ground.approver(session)
            if self._random.random() < 0.1:
                schedule = session.get_one(schedules.Schedule, self._random.choice(self._made))
                schedules.end(session, schedule, who, now)
            if self._random.random() < 0.1:
                for broadcast in broadcasts.between(session, after(now, -60 * SECOND), now):
                    broadcasts.stop(session, broadcast, who, now)

    def _sample(self) -> Sample:
        stats = self._simulation.stats()
        sample = Sample(
            seconds=round(time.monotonic() - self._began),
            megabytes={role: round(self._cost.megabytes(role), 1) for role in ROLES},
            connected=stats.connected,
            pending=stats.pending,
        )
        self._samples.append(sample)
        return sample

    def _outcome(self) -> Outcome:
        truth, stats = self._simulation.truth(), self._simulation.stats()
        with self._ground.database.read() as session:
            rows = session.execute(
                sa.select(Broadcast.occurrence, Broadcast.starts_at, Delivery.receiver_id, Delivery.state,
                          Delivery.reason, Delivery.accepted_at)
                .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
            ).all()  # fmt: skip
            total = session.scalar(sa.select(sa.func.count()).select_from(Broadcast)) or 0
        told = {(row.receiver_id, row.occurrence): (_outcome_of(row), row.reason) for row in rows}
        return Outcome(
            receivers=stats.known,
            seconds=round(time.monotonic() - self._began),
            broadcasts=total,
            deliveries=dict(Counter(state for state, _ in told.values())),
            truth={
                "whole": sum(one.whole for one in truth),
                "partly": sum(not one.whole for one in truth),
            },
            stats=_figures(stats),
            wrong=list(contradictions(told, truth)) + _unacknowledged(stats),
            errors=self._errors(),
            samples=self._samples,
        )

    def _errors(self) -> list[str]:
        said = (self._ground.folder / "serve.log").read_text(errors="replace").splitlines()
        return [line for line in said if " ERROR " in line or line.startswith("Traceback")]


def _figures(stats: Stats) -> dict[str, int]:
    plain = (
        "power_cuts",
        "link_cuts",
        "connects",
        "crashes",
        "lost",
        "heard",
        "said",
        "entries",
        "acked",
        "plans",
    )
    return {name: int(getattr(stats, name)) for name in plain}


def _unacknowledged(stats: Stats) -> list[str]:
    found = [f"{stats.crashes} receivers crashed"] if stats.crashes else []
    # Heartbeats go on: an entry written in the last moment may be on its way.
    return found + ([f"{stats.pending} entries not acknowledged"] if stats.pending > 20 else [])


def _outcome_of(row: sa.Row[*tuple[Any, ...]]) -> str:
    """Of a broadcast it never heard of until it was over, a receiver can say nothing, and the log says so."""
    if row.state is DeliveryState.UNKNOWN and row.accepted_at is None:
        return NEVER_HEARD_OF
    return str(row.state.value)


NEVER_HEARD_OF = "unknown, and never accepted"
Told = dict[tuple[str, str], tuple[str, str | None]]
SILENT = {"missed", "refused", "failed", "planned", "sent", "accepted", "ready", NEVER_HEARD_OF}
FINAL = {"played", "interrupted", "missed", "refused", "failed", "cancelled", NEVER_HEARD_OF}


def contradictions(told: Told, truth: list[Sounded]) -> Iterator[str]:
    """Each way in which the log and what truly sounded do not agree, as one line."""
    heard: dict[tuple[str, str], list[Sounded]] = {}
    for one in truth:
        heard.setdefault((one.rid, one.occ), []).append(one)
    for key in heard.keys() - told.keys():
        yield f"{key}: sounded, and the log does not know it"
    for key, (state, reason) in told.items():
        sounded = heard.get(key, [])
        if len(sounded) > 1:
            yield f"{key}: sounded {len(sounded)} times"
        if state not in FINAL:
            yield f"{key}: still {state}"
        if state in SILENT and sounded:
            yield f"{key}: {state} ({reason}), and it sounded {sounded[0].ms} ms"
        if state == "played" and not any(one.whole for one in sounded):
            yield f"{key}: played, and it did not sound to its end"
        if any(one.whole for one in sounded) and state not in ("played", "interrupted"):
            yield f"{key}: {state} ({reason}), and it sounded to its end"
