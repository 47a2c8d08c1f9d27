"""What waits to be published: the most urgent first, and first come first served among equals."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable
from enum import IntEnum

import msgspec

logger = logging.getLogger(__name__)

MOST_WAITING = 50_000
MOST_WAITING_BYTES = 128 * 1024 * 1024
MOST_AUDIO_BYTES = 16 * 1024 * 1024
"""Blocks not sent are asked for again: they must not push plans out of memory."""


class Urgency(IntEnum):
    """What leaves first: a lower number overtakes everything above it."""

    EMERGENCY = 0
    PLAN = 1
    EVACK = 2
    STATE = 3
    AUDIO = 5


class Outgoing(msgspec.Struct, eq=False):
    """A message on its way to the broker."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    urgency: Urgency
    token: object
    place: int = 0

    @property
    def replaces(self) -> bool:
        """Whether only the newest on this topic is worth sending; a block is the same every time."""
        return self.retain or self.urgency is Urgency.AUDIO


class Outbox:
    """Lanes by urgency. Any thread may put; one takes. Beyond its limits the least urgent and newest is dropped."""

    def __init__(self) -> None:
        self.dropped = 0
        self._lock = threading.Lock()
        self._lanes: dict[Urgency, OrderedDict[int, Outgoing]] = {u: OrderedDict() for u in Urgency}
        self._newest: dict[str, Outgoing] = {}
        self._bytes = dict.fromkeys(Urgency, 0)
        self._places = itertools.count()

    def __len__(self) -> int:
        with self._lock:
            return sum(map(len, self._lanes.values()))

    def put(self, item: Outgoing) -> None:
        with self._lock:
            older = self._newest.get(item.topic) if item.replaces else None
            if older is None or older.urgency > item.urgency:
                item.place = next(self._places)
            else:
                item.place = older.place
            if older is not None:
                self._inherit(item, older)
                self._forget(older, keep_place=older.urgency == item.urgency)
            self._insert(item)
            self._make_room()

    def put_back(self, items: Iterable[Outgoing]) -> None:
        """Those handed over but never acknowledged go first again, unless a newer one has come."""
        with self._lock:
            for older in sorted(items, key=lambda item: item.place, reverse=True):
                item = self._newest.get(older.topic, older) if older.replaces else older
                if item is not older:
                    self._forget(item)
                    self._inherit(item, older)
                    item.place = older.place
                self._insert(item)
                self._lanes[item.urgency].move_to_end(item.place, last=False)

    def take(self) -> Outgoing | None:
        with self._lock:
            for lane in self._lanes.values():
                if lane:
                    item = next(iter(lane.values()))
                    self._forget(item)
                    return item
        return None

    def drop_qos0(self) -> None:
        with self._lock:
            for lane in self._lanes.values():
                for item in [item for item in lane.values() if item.qos == 0]:
                    self._forget(item)

    @staticmethod
    def _inherit(newer: Outgoing, older: Outgoing) -> None:
        """A plan revision holds the emergency of the one it replaces, and a heartbeat the birth."""
        newer.urgency = min(newer.urgency, older.urgency)
        newer.qos = max(newer.qos, older.qos)

    def _insert(self, item: Outgoing) -> None:
        self._lanes[item.urgency][item.place] = item
        self._bytes[item.urgency] += len(item.payload)
        if item.replaces:
            self._newest[item.topic] = item

    def _forget(self, item: Outgoing, *, keep_place: bool = False) -> None:
        if not keep_place:
            del self._lanes[item.urgency][item.place]
        self._bytes[item.urgency] -= len(item.payload)
        if self._newest.get(item.topic) is item:
            del self._newest[item.topic]

    def _make_room(self) -> None:
        while self._bytes[Urgency.AUDIO] > MOST_AUDIO_BYTES:
            self._drop_last(Urgency.AUDIO)
        while (
            sum(map(len, self._lanes.values())) > MOST_WAITING
            or sum(self._bytes.values()) > MOST_WAITING_BYTES
        ):
            self._drop_last(max(urgency for urgency, lane in self._lanes.items() if lane))

    def _drop_last(self, urgency: Urgency) -> None:
        self._forget(next(reversed(self._lanes[urgency].values())))
        self.dropped += 1
        if self.dropped % 1000 == 1:
            logger.error("too many messages wait for the broker: %d dropped", self.dropped)
