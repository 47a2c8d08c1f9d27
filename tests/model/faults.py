"""What goes wrong in a schedule, when, and what an enemy tries; drawn from the seed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from devices import messages, signing
from devices.messages import Audio, Evack, Occurrence, Plan
from loa.times import DAY, HOUR, MINUTE, SECOND
from tests.model import scenery
from tests.model.air import KINDS
from tests.model.pole import Pole

if TYPE_CHECKING:
    from tests.model.world import World

CLOCK_STEPS = (-40 * SECOND, 40 * SECOND, -DAY, DAY, 0)
FORGED = "forged"
"""Occurrences that begin so are an enemy's."""


class Faults:
    """Each schedule has its own mixture: some suffer from one thing alone, some from everything."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.random: Random = world.time.random("faults")
        self.length = self.random.choice((60, 90, 120, 180)) * SECOND
        self._snapshots: list[sqlite3.Connection] = []
        self._over = False

    # -- the mixture ------------------------------------------------------------------------------

    def spread(self) -> None:
        """Put everything that is to happen on the timeline."""
        self._staff()
        self._make_weather()
        for pole in self.world.poles:
            self._some(3, 0.45, lambda pole=pole: self._cut_soon(pole))
            self._some(2, 0.2, lambda pole=pole: pole.cut())
            self._some(2, 0.3, lambda pole=pole: pole.drop_link())
            self._some(1, 0.2, lambda pole=pole: pole.deafen(self.random.randrange(2 * MINUTE)))
            self._some(2, 0.2, lambda pole=pole: self._step(pole))
            self._some(1, 0.2, lambda pole=pole: self._cut_off(pole))
        self._some(3, 0.4, self._kill_soon)
        self._some(1, 0.2, lambda: self.world.desk.kill(self.random.randrange(20, 150) * SECOND))
        self._some(2, 0.2, self.world.desk.drop_link)
        self._some(1, 0.15, self._fail_commits)
        self._some(1, 0.1, self._skew_server)
        self._some(1, 0.25, self._wipe)
        if self.random.random() < 0.3:
            self._restore_some_time()
        self._some(6, 0.35, self._enemy)
        if self.world.time.random("poisoner").random() < 0.15:
            self.world.air.poison = 0.7

    def _staff(self) -> None:
        people = self.world.people
        begun = self.random.randint(1, 4)
        for _ in range(begun):
            self._in(self.random.randrange(30 * SECOND), lambda: people.do(people.schedule))
        if self.random.random() < 0.3:
            self._any_time(lambda: people.do(people.schedule_far))
        deeds = (
            people.schedule, people.warn, people.stop, people.stop_all, people.end_schedule, people.withdraw,
            people.correct, people.correct, people.set_quiet, people.turn_volume, people.move,
        )  # fmt: skip
        for deed in self.random.sample(deeds, self.random.choice((0, 1, 1, 2, 3))):
            self._any_time(lambda deed=deed: people.do(deed))
        if self.random.random() < 0.05:
            self._any_time(lambda: people.do(people.retire))

    def _make_weather(self) -> None:
        random, weather = self.random, self.world.air.weather
        if random.random() < 0.5:
            worst = random.choice((0.1, 0.3, 0.6))
            weather.loss = {kind: random.choice((0.0, worst)) for kind in KINDS}
        weather.twice = random.choice((0.0, 0.0, 0.1, 0.4))
        weather.slow = random.choice((0.0, 0.0, 0.1, 0.4))
        weather.asleep = random.choice((0.0, 0.0, 0.05))
        weather.refused = random.choice((0.0, 0.0, 0.0, 0.3))
        self.world.desk.lazy = random.choice((1, 2, 3))
        self.world.desk.gather = random.choice((400, 4_000, 10_000))

    def _some(self, most: int, likely: float, act: Callable[[], None]) -> None:
        """Up to ``most`` times at any time, or, in most schedules, never."""
        if self.random.random() < likely:
            for _ in range(self.random.randint(1, most)):
                self._any_time(act)

    def _any_time(self, act: Callable[[], None]) -> None:
        self._in(self.random.randrange(10 * SECOND, self.length), act)

    def _in(self, ms: int, act: Callable[[], None]) -> None:
        def unless_over() -> None:
            if not self._over:
                act()

        self.world.time.within(ms, unless_over)

    def end(self) -> None:
        """All is well from now on."""
        self._over = True
        world = self.world
        weather = world.air.weather
        weather.loss, weather.twice, weather.slow, weather.asleep = {}, 0.0, 0.0, 0.0
        weather.refused = world.air.poison = 0.0
        world.desk.mend()
        waits = any(pole.clock.keeper == "rtc" for pole in world.poles)
        world.desk.gather = 400 if waits else 10_000
        for pole in world.poles:
            pole.mend()
        world.time.hurry(60 * SECOND)

    # -- receivers --------------------------------------------------------------------------------

    def _cut_soon(self, pole: Pole) -> None:
        """In the midst of what it does next, or soon after."""
        pole.plug.arm(self.random.choice((1, 2, 3, 4, 6, 9, 15, 30)))

    def _step(self, pole: Pole) -> None:
        """The clock is set wrong, and mostly put right again later; 1970 for one that lost it."""
        far = self.random.choice((*CLOCK_STEPS, -self.world.time.now))
        pole.set_clock(far)
        self._in(self.random.randrange(10 * SECOND, 2 * MINUTE), lambda: pole.set_clock(0))

    def _cut_off(self, pole: Pole) -> None:
        """No network for a while."""
        pole.link_up = False
        pole.drop_link()

        def back() -> None:
            pole.link_up = True

        self._in(self.random.randrange(10 * SECOND, 2 * MINUTE), back)

    # -- the station ------------------------------------------------------------------------------

    def _kill_soon(self) -> None:
        self.world.desk.ledger.plug.arm(self.random.choice((1, 2, 3, 4, 5, 6, 8, 12, 20)))

    def _fail_commits(self) -> None:
        self.world.time.note("commits fail")
        self.world.desk.ledger.fails = self.random.randint(1, 4)

    def _skew_server(self) -> None:
        desk, now = self.world.desk, self.world.time.now
        desk.skew = self.random.choice((-HOUR, HOUR, -DAY, DAY, 40 * SECOND, -40 * SECOND, -now))
        self.world.time.note("server clock step", desk.skew)

        def right() -> None:
            desk.skew = 0

        self._in(self.random.randrange(10 * SECOND, 2 * MINUTE), right)

    def _restore_some_time(self) -> None:
        """Yesterday's backup is put back, or that of a minute ago."""
        world = self.world
        taken = self.random.randrange(self.length)
        self._in(taken, lambda: self._snapshots.append(world.shelves.snapshot()))

        def restore() -> None:
            if not self._snapshots:
                return
            world.desk.kill()
            world.shelves.restore(self._snapshots[-1])
            world.time.note("restored")

        self._in(self.random.randrange(taken, self.length + 1), restore)

    # -- the broker -------------------------------------------------------------------------------

    def _wipe(self) -> None:
        """Killed without its files: everyone is thrown out; or it forgets and nobody notices."""
        world = self.world
        world.air.forget()
        world.time.note("broker wiped")
        if self.random.random() < 0.7:
            world.desk.drop_link()
            for pole in world.poles:
                pole.drop_link()

    # -- an enemy ---------------------------------------------------------------------------------

    def _enemy(self) -> None:
        """Whoever has the broker says what was recorded, or what was made up."""
        pole = self.random.choice(self.world.poles)
        tries = (
            self._forge_plan,
            self._forge_plan,
            self._replay,
            self._replay,
            self._cross,
            self._evack,
            self._noise,
        )
        self.random.choice(tries)(pole)
        self.world.time.note("enemy")

    def _forge_plan(self, pole: Pole) -> None:
        """A plan under a key of the enemy's own, by the station's name for it or another."""
        now, random = self.world.time.now, self.random
        kid = random.choice(sorted(pole.identity.keys))
        data = scenery.sound(1, 0)
        occ = Occurrence(
            id=f"{FORGED}.{now}", at=now + random.randrange(20_000), late=10 * MINUTE, end=now + HOUR,
            sha=scenery.sha(1, 0), cls=random.choice(("N", "E")),
        )  # fmt: skip
        plan = Plan(
            v=1, rid=pole.rid, rev=now + random.choice((0, HOUR)), iat=now, exp=now + DAY, hz=now + DAY,
            set=messages.Settings(), aud={occ.sha: Audio(n=len(data), ms=20_000)}, occ=(occ,),
        )  # fmt: skip
        liar = signing.PrivateKey(kid, scenery.key(f"{FORGED} {kid}").seed)
        self._say(pole, liar.sign(messages.encode(plan), "loa-plan"))

    def _say(self, pole: Pole, token: bytes) -> None:
        self.world.air.inject(messages.plan_topic(pole.rid), token)

    def _replay(self, pole: Pole) -> None:
        """An older plan of this very receiver."""
        given = self.world.desk.given.get(pole.rid, [])
        if given:
            self._say(pole, self.random.choice(given))

    def _cross(self, pole: Pole) -> None:
        """A plan rightly signed, for another receiver."""
        given = self.world.desk.given
        others = [given[name][-1] for name in sorted(given) if name != pole.rid]
        if others:
            self._say(pole, self.random.choice(others))

    def _evack(self, pole: Pole) -> None:
        """Evacks are not signed: they may stop what is sent, and must destroy nothing."""
        evack = Evack(
            jid=str(pole.store.fact("jid") or ""), upto=self.random.randrange(40), rw=self.random.random() < 0.5
        )  # fmt: skip
        self.world.air.inject(messages.evack_topic(pole.rid), messages.encode(evack))

    def _noise(self, pole: Pole) -> None:
        """Blocks that are none, and journals that are someone else's or old."""
        air = self.world.air
        topic = messages.block_topic(scenery.sha(self.random.randrange(4), 0), 0)
        air.inject(topic, b"\0" * len(scenery.sound(0, 0)))
        heard = air.overheard.get("evt", [])
        if heard:
            air.inject(messages.events_topic(pole.rid), self.random.choice(heard))
