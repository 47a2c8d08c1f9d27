"""The broker and the wires to it: they lose, delay, repeat, reorder, forget, and carry what an enemy puts in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from devices import messages
from loa.times import HOUR, MINUTE
from tests.model import scenery
from tests.model.timeline import Timeline

Deliver = Callable[[str, bytes], None]
KINDS = ("plan", "evack", "audio", "state", "evt", "get")


@dataclass
class Weather:
    """How bad the wires are, each number a probability."""

    loss: dict[str, float] = field(default_factory=dict)
    """By kind of message, on each of its two ways."""
    twice: float = 0.0
    slow: float = 0.0
    """Seconds to minutes late, and so out of order."""
    asleep: float = 0.0
    """Up to an hour late."""
    refused: float = 0.0
    """The broker says no to the station."""
    quick: int = 300
    """Milliseconds a message takes at most when nothing is the matter."""


def kind(topic: str) -> str:
    parts = topic.split("/")
    return "audio" if parts[2] == "audio" else parts[4]


def matches(pattern: str, topic: str) -> bool:
    wanted, given = pattern.split("/"), topic.split("/")
    for number, part in enumerate(wanted):
        if part == "#":
            return True
        if number >= len(given) or part not in ("+", given[number]):
            return False
    return len(wanted) == len(given)


@dataclass(eq=False)
class Connection:
    """One client's connection at the broker; another one, even of the same client, is another object."""

    name: str
    deliver: Deliver
    filters: list[str] = field(default_factory=list)
    will: tuple[str, bytes] | None = None
    alive: bool = True
    deaf: bool = False
    """Half open: both ends believe in it and nothing passes."""


class Air:
    def __init__(self, time: Timeline) -> None:
        self._time = time
        self.weather = Weather()
        self.connections: list[Connection] = []
        self.retained: dict[str, bytes] = {}
        self.overheard: dict[str, list[bytes]] = {}
        """What an enemy at the broker has recorded."""
        self.poison = 0.0
        """How likely an enemy answers a receiver's ask for sound with something else, before the station does."""

    # -- connections ------------------------------------------------------------------------------

    def connect(self, connection: Connection) -> None:
        for older in [one for one in self.connections if one.name == connection.name]:
            self.lose(older)
        self.connections.append(connection)

    def subscribe(self, connection: Connection, pattern: str) -> None:
        """As on every SUBSCRIBE: what is retained comes."""
        if pattern not in connection.filters:
            connection.filters.append(pattern)
        for topic in sorted(self.retained):
            if matches(pattern, topic):
                self._carry_down(connection, topic, self.retained[topic])

    def lose(self, connection: Connection, *, cleanly: bool = False) -> None:
        """It is gone; its will is said when the broker notices, perhaps long after the next connection."""
        if not connection.alive:
            return
        connection.alive = False
        self.connections.remove(connection)
        will = connection.will
        if will and not cleanly:
            wait = self._time.random("wills").choice((0, 500, 90_000))
            self._time.within(wait, lambda: self._arrive(*will, retain=True), carried=True)

    def forget(self) -> None:
        """The broker comes back without what it kept."""
        self.retained.clear()

    # -- messages ---------------------------------------------------------------------------------

    def publish(self, sender: Connection, topic: str, payload: bytes, *, retain: bool) -> None:
        if not sender.alive or sender.deaf:
            return
        for wait in self._waits(f"up {sender.name}", topic):
            self._time.within(
                wait, lambda: self._arrive(topic, payload, retain=retain), carried=True
            )

    def inject(self, topic: str, payload: bytes) -> None:
        """An enemy at the broker speaks."""
        self._arrive(topic, payload, retain=False)

    def _arrive(self, topic: str, payload: bytes, *, retain: bool) -> None:
        self.overheard.setdefault(kind(topic), []).append(payload)
        if retain:
            self.retained[topic] = payload
        if kind(topic) == "get" and self._time.random("poison").random() < self.poison:
            self._answer_falsely(messages.decode(payload, messages.Get))
        for connection in list(self.connections):
            if any(matches(pattern, topic) for pattern in connection.filters):
                self._carry_down(connection, topic, payload)

    def _answer_falsely(self, get: messages.Get) -> None:
        """With another sound, as long as the one asked for."""
        self._time.note("poisoned")
        false = scenery.sound(0, 0) if get.sha != scenery.sha(0, 0) else scenery.sound(1, 0)
        for block in get.want:
            self.inject(messages.block_topic(get.sha, block), false)

    def _carry_down(self, connection: Connection, topic: str, payload: bytes) -> None:
        for wait in self._waits(f"down {connection.name}", topic):
            self._time.within(
                wait, lambda: self._hand_over(connection, topic, payload), carried=True
            )

    def _hand_over(self, connection: Connection, topic: str, payload: bytes) -> None:
        if connection.alive and not connection.deaf:
            connection.deliver(topic, payload)

    def _waits(self, way: str, topic: str) -> list[int]:
        """When each copy of a message arrives; none: it is lost."""
        named = kind(topic)
        random, weather = self._time.random(f"{way} {named}"), self.weather
        if random.random() < weather.loss.get(named, 0.0):
            self._time.note(f"lost {named}")
            return []
        copies = 1
        while copies < 4 and random.random() < weather.twice:
            copies += 1
            self._time.note("doubled")
        return [self._wait(random.random(), random.random()) for _ in range(copies)]

    def _wait(self, fate: float, much: float) -> int:
        weather = self.weather
        if fate < weather.asleep:
            self._time.note("an hour late")
            return int(much * HOUR)
        if fate < weather.asleep + weather.slow:
            self._time.note("late")
            return int(much**3 * 3 * MINUTE)
        return int(much * weather.quick)
