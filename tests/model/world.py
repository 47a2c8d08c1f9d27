"""One schedule: a station, a broker, one to three receivers, and an hour in which everything may go wrong."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from loa.times import SECOND
from tests.cast import vn
from tests.model import scenery as sceneries
from tests.model.air import Air
from tests.model.box import Keeper
from tests.model.desk import Complaints, Desk, Shelves
from tests.model.faults import Faults
from tests.model.horn import TwoAtOnce
from tests.model.people import People
from tests.model.pole import Pole
from tests.model.timeline import Timeline

SLICE = 45 * SECOND
HEAL_MOST = 30
"""Slices of patience once all is well again; what has not come right by then never will."""
BEGINNINGS = ("2026-11-21 12:00", "2026-11-21 12:00", "2026-11-21 20:58", "2026-11-21 04:58")
"""At noon, or minutes before the quiet hours begin or end."""


@functools.cache
def shelves() -> Shelves:
    return Shelves(sceneries.scenery())


@dataclass
class World:
    """Everything of one seed. ``run`` plays it; ``verdict`` judges it."""

    seed: int
    bend: Callable[[World], AbstractContextManager[object]] = lambda world: nullcontext()
    """Takes a protection away while it runs: a mutation."""
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        scenery, self.shelves = sceneries.scenery(), shelves()
        plan = Timeline(self.seed, vn(BEGINNINGS[0])).random("world")
        self.time = Timeline(self.seed, vn(plan.choice(BEGINNINGS)))
        self.air = Air(self.time)
        self.desk = Desk(self.time, self.air, scenery, self.shelves.begin())
        self.people = People(self.time, self.desk)
        self.count = plan.choice((1, 1, 1, 1, 1, 2, 2, 3))
        keepers: tuple[Keeper, ...] = ("ntp",) * 9 + ("bare", "rtc")
        self.poles = [
            Pole(self.time, self.air, scenery, rid, plan.choice(keepers))
            for rid in sceneries.RIDS[: self.count]
        ]
        self.faults = Faults(self)
        self.complaints = Complaints()

    def run(self) -> World:
        """Trouble, healing, quiet. The verdict may then be asked for."""
        log = logging.getLogger()
        level, handlers = log.level, log.handlers[:]
        log.handlers = [self.complaints]
        log.setLevel(logging.ERROR)
        try:
            with self.bend(self):
                self._begin()
                self.time.run(self.time.now + self.faults.length)
                self._heal()
        except TwoAtOnce as broken:
            self.told.append(str(broken))
        finally:
            self.desk.close()
            log.handlers = handlers
            log.setLevel(level)
        return self

    def _begin(self) -> None:
        self.people.do(self.people.remove_others(self.count))
        self.desk.start()
        for pole in self.poles:
            pole.switch_on()
        self.faults.spread()

    def _heal(self) -> None:
        """No more faults; the wires bring what they still hold; then until nothing is left to be said."""
        self.faults.end()
        over = self.people.last + (sceneries.LATE_SECONDS + sceneries.GRACE_SECONDS + 15) * SECOND
        self.time.run(max(self.time.now + 45 * SECOND, over))
        for _ in range(HEAL_MOST):
            self.time.run(self.time.now + SLICE)
            if self.settled():
                return
        self.told.append("never settled")

    def settled(self) -> bool:
        """Nothing is under way: all journals are confirmed, all plans there, nothing is waited for."""
        raw = self.shelves.raw
        newest = dict(raw.execute("select receiver_id, max(rev) from plans group by receiver_id"))
        active = {rid for (rid,) in raw.execute("select id from receivers where active")}
        waiting = raw.execute(
            "select count(*) from deliveries d join broadcasts b on b.id = d.broadcast_id"
            " where d.state in ('planned','sent','accepted','ready','started') and b.starts_at < ?",
            (self.time.now,),
        ).fetchone()[0]
        kept = dict(raw.execute("select jid, upto from journals"))
        stale = raw.execute(
            "select count(*) from receivers where active and plan_stale"
        ).fetchone()[0]
        return (
            not waiting and not stale and not self.desk.inbox
            and all(pole.settled(kept, newest.get(pole.rid, 0), pole.rid in active) for pole in self.poles)
        )  # fmt: skip
