"""What this machine can do at most, measured beside the station: signatures, a broker's round, a bare database."""

from __future__ import annotations

import queue
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devices.link import Connected, Incoming, Link, LinkSettings, Message, Published, Urgency

SIGNED = 2_000
TURNS = 3
"""The middle one counts: from one moment to the next this machine's speed may change by a third."""
COMMIT_MOST = 500
PATIENCE = 120.0


def middle(measure: Callable[[], float]) -> float:
    """The median of TURNS."""
    return statistics.median(measure() for _ in range(TURNS))


def sign_seconds(n: int, size: int = 600) -> float:
    """Seconds that ``n`` Ed25519 signatures over ``size`` bytes take on one core."""
    key, text = Ed25519PrivateKey.generate(), bytes(size)
    began = time.perf_counter()
    for _ in range(SIGNED):
        key.sign(text)
    return (time.perf_counter() - began) / SIGNED * n


def verify_seconds(n: int, size: int = 600) -> float:
    """Seconds that checking ``n`` signatures takes on one core."""
    key, text = Ed25519PrivateKey.generate(), bytes(size)
    signature, public = key.sign(text), key.public_key()
    began = time.perf_counter()
    for _ in range(SIGNED):
        public.verify(signature, text)
    return (time.perf_counter() - began) / SIGNED * n


class Loop:
    """The bare round: a message to each receiver, its answer back, the answers committed to SQLite in batches.

    Each receiver checks the message's signature and signs its answer, for whatever the station does, its receivers do
    that on the same cores and at the same time.
    """

    def __init__(self, settings: LinkSettings, folder: Path) -> None:
        self._link = Link(settings)
        self._folder = folder

    def __enter__(self) -> Loop:
        self._link.start()
        _wait_connected(self._link)
        return self

    def __exit__(self, *_: object) -> None:
        self._link.stop()

    def publish_seconds(self, rids: list[str], token: bytes) -> float:
        """Seconds until the broker has taken a message for each receiver (QoS 1), and each has answered.

        Answers are thrown away, but they are part of it: a station's first plans are answered before its last are
        signed, so whoever measures when the last has left has had the receivers' half on the same cores, too.
        """
        began = time.perf_counter()
        for number, rid in enumerate(rids):
            self._link.publish(_echo(rid), token, qos=1, token=number)
        left = 2 * len(rids)
        while left:
            event = self._link.inbox.get(timeout=PATIENCE)
            left -= isinstance(event, Published) or _is_answer(event)
        return time.perf_counter() - began

    def send(self, topic: str, payload: bytes, urgency: Urgency) -> None:
        """Publish without asking what becomes of it."""
        self._link.publish(topic, payload, qos=0, urgency=urgency)

    def round_seconds(self, rids: list[str], token: bytes) -> float:
        """Seconds until the last receiver's answer is committed with ``synchronous=FULL``."""
        done = threading.Event()
        began = time.perf_counter()
        writer = threading.Thread(target=self._commit, args=(len(rids), done), daemon=True)
        writer.start()
        for rid in rids:
            self._link.publish(_echo(rid), token, qos=1, urgency=Urgency.PLAN)
        if not done.wait(PATIENCE):
            raise TimeoutError("the echoes did not come back")
        writer.join()
        return time.perf_counter() - began

    def _commit(self, wanted: int, done: threading.Event) -> None:
        database = sqlite3.connect(self._folder / "ceiling.db", isolation_level=None)
        database.execute("pragma journal_mode=wal")
        database.execute("pragma synchronous=full")
        database.execute("create table if not exists answers (topic text, body blob)")
        while wanted > 0:
            rows = self._batch()
            if not rows:
                continue
            database.execute("begin immediate")
            database.executemany("insert into answers values (?, ?)", rows)
            database.execute("commit")
            wanted -= len(rows)
        database.close()
        done.set()

    def _batch(self) -> list[tuple[str, bytes]]:
        found = [self._link.inbox.get(timeout=PATIENCE)]
        while len(found) < COMMIT_MOST:
            try:
                found.append(self._link.inbox.get_nowait())
            except queue.Empty:
                break
        return [
            (each.topic, each.payload)
            for each in found
            if isinstance(each, Message) and _is_answer(each)
        ]


def _echo(rid: str) -> str:
    return f"loa/1/{rid}/dn/echo"


def _is_answer(event: Incoming) -> bool:
    return isinstance(event, Message) and event.topic.endswith("/get")


def _wait_connected(link: Link) -> None:
    while not isinstance(link.inbox.get(timeout=PATIENCE), Connected):
        pass
