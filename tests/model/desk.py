"""The station's process: the real core over the real database, killed, restored, set wrong and started again."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from devices import messages
from devices.link import Connected, Disconnected, Incoming, Message, Published, Urgency
from loa.core import Core
from loa.database import Database
from loa.times import Instant
from tests.model.air import Air, Connection
from tests.model.scenery import Scenery
from tests.model.timeline import Plug, Timeline


class ServerKilled(BaseException):
    """kill -9, or the power of the commune's office."""


class Ledger(Database):
    """The station's database; its process may be killed on either side of a commit, and a commit may fail."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"sqlite:///{path}")
        self.plug = Plug(ServerKilled)
        self.fails = 0
        """So many of the next commits come to nothing: locked, disk full."""

    @contextlib.contextmanager
    def write(self, *, wake: bool = True) -> Iterator[Session]:
        with super().write(wake=wake) as session:
            yield session
            session.flush()
            self.plug.passes()
            self._perhaps_fail()
        self.plug.passes()

    def _perhaps_fail(self) -> None:
        if self.fails:
            self.fails -= 1
            raise OperationalError("commit", None, sqlite3.OperationalError("database is locked"))


class Shelves:
    """The database's file put back to an earlier moment, page by page; one for each process, its engines kept warm."""

    def __init__(self, scenery: Scenery) -> None:
        self._template, self._path = scenery.template, scenery.path
        self.ledger = Ledger(scenery.path)
        self.raw = sqlite3.connect(scenery.path, isolation_level=None)
        """For looking at, past the ORM."""

    def begin(self) -> Ledger:
        """As at the beginning of every schedule."""
        self.restore(self._template)
        self.ledger.plug.disarm()
        self.ledger.fails = 0
        return self.ledger

    def snapshot(self) -> sqlite3.Connection:
        copy = sqlite3.connect(":memory:")
        self.raw.backup(copy)
        return copy

    def restore(self, snapshot: sqlite3.Connection) -> None:
        snapshot.backup(self.raw)


class Complaints(logging.Handler):
    """What the station or a receiver had to say at level ERROR."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            text += f": {record.exc_info[1]!r}"
        self.said.append(text)


class Desk:
    """One station at work, through as many processes as it takes."""

    def __init__(self, time: Timeline, air: Air, scenery: Scenery, ledger: Ledger) -> None:
        self.time, self.air, self.ledger = time, air, ledger
        self.random = time.random("desk")
        self._config = scenery.config
        self.skew = 0
        self.link_up = True
        self.core: Core | None = None
        self.connection: Connection | None = None
        self.inbox: list[Incoming] = []
        self.outbox: list[tuple[str, bytes, bool, object]] = []
        self.given: dict[str, list[bytes]] = {}
        """Every plan that any life of this station handed to the wire, by receiver."""
        self.lazy = 1
        """How many times more rarely than usual it looks after its plans."""
        self.gather = 400
        """Milliseconds it may let messages pile up; all are then taken in together."""
        self._life = 0
        self._tick_at = 0
        self._wakes = 0
        self._wake_at = 0

    @property
    def now(self) -> Instant:
        """What the station takes for the time."""
        return Instant(self.time.now + self.skew)

    # -- life -------------------------------------------------------------------------------------

    def start(self) -> None:
        if self.core is not None:
            return
        self._life += 1
        self.inbox, self.outbox = [], []
        self.core = Core(self._config, self.ledger, self, now=self.now, nudge=self.nudge)
        self._guard(self.core.begin)
        self._seek_link()
        self._tick_at = self.time.now + self.random.randrange(50, 1_500)
        self._look_by(self._tick_at)

    def kill(self, again: int | None = None) -> None:
        """No goodbye; started again after ``again`` milliseconds."""
        if self.core is None:
            return
        self.time.note("server killed")
        self.ledger.plug.disarm()
        self.core.close()
        self.core = None
        self._life += 1
        self._lose_link()
        if again is None:
            again = self.random.choice((2_000, 10_000, 45_000))
        self.time.within(again, self.start)

    def _guard(self, act: Callable[[], None]) -> None:
        try:
            act()
        except ServerKilled:
            self.kill()
        except OperationalError:  # outside its loops: the process ends, and is started again
            self.kill()

    # -- work -------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Staff committed something: the running process notices within the second."""
        if self.core is not None:
            self.core.changed()
            self.nudge()

    def nudge(self) -> None:
        self._tick_at = min(self._tick_at, self.time.now + self.random.randrange(20, 1_000))
        self._look_by(self._tick_at)

    def _look_by(self, at: int) -> None:
        """Look at the inbox and the clock by then, or earlier."""
        if self.time.now < self._wake_at <= at:
            return
        self._wakes += 1
        number, self._wake_at = self._wakes, at
        self.time.at(at, lambda: self._wake(number))

    def _wake(self, number: int) -> None:
        if number != self._wakes or self.core is None:
            return
        self._wake_at = 0
        self._guard(self._work)

    def _work(self) -> None:
        """What its threads do, one after the other, in either order."""
        core = self.core
        assert core is not None
        works = [lambda: self._take_in(core), lambda: self._tick(core)]
        for work in works if self.random.random() < 0.5 else reversed(works):
            work()
        due = core.send_blocks(self.now)
        if due is not None:
            self._look_by(self.time.now + max(20, due - self.now))
        self._look_by(self._tick_at)

    def _tick(self, core: Core) -> None:
        if self.time.now < self._tick_at:
            return
        self.time.note("tick")
        self._tick_at = self.time.now + self.random.randrange(8_000, 45_000) * self.lazy
        core.tick(self.now)

    def _take_in(self, core: Core) -> None:
        arrived, self.inbox = self.inbox, []
        if not arrived:
            return
        self.time.note("take in")
        try:
            core.intake.take_in(arrived, self.now)
        except OperationalError:  # as the station's own loop: nothing was acknowledged
            self.time.note("take in failed")

    # -- the core's link --------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        return self.connection is not None

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool = False,
        urgency: Urgency = Urgency.PLAN, token: object = None,
    ) -> None:  # fmt: skip
        if topic.endswith("/dn/plan"):
            self.given.setdefault(topic.split("/")[2], []).append(payload)
        self.ledger.plug.passes()
        if self.connection is None:
            self.outbox.append((topic, payload, retain, token))
        else:
            self._send(topic, payload, retain, token)
        self.ledger.plug.passes()

    def _send(self, topic: str, payload: bytes, retain: bool, token: object) -> None:
        connection, random = self.connection, self.random
        assert connection is not None
        refused = token is not None and random.random() < self.air.weather.refused
        if not refused:
            self.air.publish(connection, topic, payload, retain=retain)
        if token is None or connection.deaf:
            return

        def confirm() -> None:
            # The broker's word is no proof: what it confirms here may be lost on both ways.
            if self.connection is connection:
                self._arrive(Published(token, "quota exceeded" if refused else None))

        self.time.within(random.randrange(1, 600), confirm)

    def _arrive(self, incoming: Incoming) -> None:
        self.inbox.append(incoming)
        self._look_by(self.time.now + self.random.randrange(1, self.gather))

    def _deliver(self, topic: str, payload: bytes) -> None:
        if self.core is not None:
            self._arrive(Message(topic, payload))

    def _seek_link(self) -> None:
        life = self._life
        self.time.within(self.random.randrange(100, 3_000), lambda: self._connect(life))

    def _connect(self, life: int) -> None:
        if life != self._life or self.core is None or self.connection:
            return
        if not self.link_up:
            self._seek_link()
            return
        self.connection = Connection("loa", self._deliver)
        self.air.connect(self.connection)
        self._arrive(Connected())
        self.air.subscribe(self.connection, messages.UP_TOPICS)
        waiting, self.outbox = self.outbox, []
        for one in waiting:
            self._send(*one)

    def _lose_link(self) -> None:
        if self.connection:
            self.air.lose(self.connection)
        self.connection = None

    def drop_link(self) -> None:
        """The connection to the broker breaks."""
        if self.connection is None or self.core is None:
            return
        self.time.note("server link lost")
        self._lose_link()
        self._arrive(Disconnected("lost"))
        self._seek_link()

    def close(self) -> None:
        """The schedule is over."""
        if self.core is not None:
            self.core.close()

    def mend(self) -> None:
        """Up, with the right time and a way to the broker."""
        self.link_up, self.skew, self.lazy = True, 0, 2
        self.ledger.plug.disarm()
        self.ledger.fails = 0
        self.start()
        if self.connection and self.connection.deaf:
            self.drop_link()


def look(raw: sqlite3.Connection, query: str, *values: object) -> list[tuple[object, ...]]:
    """Rows, past the ORM."""
    return raw.execute(query, values).fetchall()
