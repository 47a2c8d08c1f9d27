"""Thousands of receivers in one process and one thread, over real connections to a real broker."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import resource
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from devices.loop import A_ROUND, Loop
from devices.receiver.identity import Identity, Mqtt
from devices.signing import PrivateKey, PublicKey
from devices.simulator.counts import Sounded, Stats
from devices.simulator.faults import Faults
from devices.simulator.member import Member
from devices.simulator.sounds import MemoryShelf, Sounds
from devices.simulator.tally import CountedStore, Tally
from devices.simulator.world import World
from loa.config import Secret
from loa.errors import DeviceError

NO_FAULTS = Faults()
CONNECTORS = 8
"""Threads that connect, for connecting waits: for the broker's turn, for a name, for TLS."""
SPARE_FILES = 200
AT_ONCE = 200
"""Receivers ended at the same time."""
END_SECONDS = 10.0
ORDER_SECONDS = 60.0


def key_of(secret: bytes, rid: str) -> PrivateKey:
    """The key of a simulated receiver, the same each time: no folder need keep it."""
    return PrivateKey(rid, hmac.digest(secret, f"key {rid}".encode(), hashlib.sha256))


def password_of(secret: bytes) -> str:
    """The one broker password of all simulated receivers of a secret: one hash serves for all their accounts."""
    digest = hmac.digest(secret, b"password", hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True)
class SimSettings:
    """Which receivers, whom they obey, and what goes wrong. ``loa.simulated.settings`` makes one of a station."""

    rids: Sequence[str]
    secret: bytes = field(repr=False)
    """Keys and password derive from it (``key_of``, ``password_of``)."""
    keys: tuple[PublicKey, ...]
    """The station's, that sign plans."""
    mqtt: Mqtt
    """Host, port, ca_file and tls of the broker; user name and password: each receiver's id and ``password_of``,
    unless ``mqtt.password`` says another."""
    roots: tuple[PublicKey, ...] = ()
    need: int = 1
    kv: int = 0
    faults: Faults = NO_FAULTS
    spread_seconds: float = 0.0
    """Receivers get power one by one over this time."""
    keepalive: int = 60


class Simulation:
    """The receivers of ``settings``, from ``start`` to ``stop``. A second start goes on with the same journals."""

    def __init__(self, settings: SimSettings) -> None:
        self.settings = settings
        self._tally = Tally()
        self._sounds = Sounds()
        self._members = {rid: self._member(rid) for rid in settings.rids}
        self._loop: Loop | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def _member(self, rid: str) -> Member:
        settings = self.settings
        identity = Identity(
            rid=rid,
            folder=Path(),
            key=key_of(settings.secret, rid),
            keys=self._keys,
            mqtt=settings.mqtt,
            roots=settings.roots,
            need=settings.need,
            kv=settings.kv,
        )
        return Member(identity, CountedStore(self._tally), MemoryShelf(self._sounds))

    @functools.cached_property
    def _keys(self) -> dict[str, PublicKey]:
        return {key.kid: key for key in self.settings.keys}

    def start(self) -> None:
        """Give them power, one after the other over ``spread_seconds``; returns at once.

        Raises DeviceError when this process may not open that many connections.
        """
        demand_files(len(self._members))
        self._stopping.clear()
        self._loop = Loop(workers=CONNECTORS)
        world = self._world(self._loop)
        spread = self.settings.spread_seconds / max(1, len(self._members))
        for number, member in enumerate(self._members.values()):
            member.enter(world, world.begun + number * spread)
        self._thread = threading.Thread(target=self._run, args=(self._loop,), name="simulation")
        self._thread.start()

    def _world(self, loop: Loop) -> World:
        settings = self.settings
        password = settings.mqtt.password or password_of(settings.secret)
        return World(
            loop=loop,
            mqtt=replace(settings.mqtt, password=Secret(password)),
            faults=settings.faults,
            tally=self._tally,
            sounds=self._sounds,
            keepalive=settings.keepalive,
        )

    def stop(self) -> None:
        """End all of them in good order: what sounds is interrupted and journalled, the broker told."""
        if self._thread is None or self._loop is None:
            return
        self._stopping.set()
        self._loop.wake()
        self._thread.join()
        self._thread = self._loop = None

    def _run(self, loop: Loop) -> None:
        try:
            while not self._stopping.is_set():
                loop.turn(A_ROUND)
            members = list(self._members.values())
            for first in range(0, len(members), AT_ONCE):
                end(loop, members[first : first + AT_ONCE])
            loop.turn(0)  # those that did not end in time are dropped now
        finally:
            loop.close()

    def stats(self) -> Stats:
        """Figures of this moment; any thread may ask."""
        tally = self._tally
        codes = dict(tally.codes)
        entries = sum(codes.values())
        return Stats(
            known=len(self._members),
            powered=tally.powered,
            connected=tally.connected,
            playing=tally.playing,
            pending=entries - tally.acked,
            played=tally.played,
            entries=entries,
            acked=tally.acked,
            codes=codes,
            plans=tally.plans,
            heard=tally.heard,
            heard_bytes=tally.heard_bytes,
            said=tally.said,
            lost=tally.lost,
            power_cuts=tally.power_cuts,
            link_cuts=tally.link_cuts,
            connects=tally.connects,
            crashes=tally.crashes,
        )

    def truth(self) -> list[Sounded]:
        """All that sounded so far, in order of its beginning; any thread may ask."""
        return sorted(row.sounded() for row in list(self._tally.rows))

    def cut_power(self, rid: str) -> None:
        """Cut one receiver's power until ``restore_power``: nothing more is written or said."""
        self._order(rid, False)

    def restore_power(self, rid: str) -> None:
        """Give it back."""
        self._order(rid, True)

    def _order(self, rid: str, power: bool) -> None:
        done = threading.Event()
        self._members[rid].order(power, done)
        if not done.wait(ORDER_SECONDS):
            raise TimeoutError(f"the simulation did not take the order for {rid}")


def end(loop: Loop, members: Sequence[Member]) -> None:
    """End these, each with its goodbye; not all at once, for each has two seconds to send what waits."""
    for member in members:
        member.end()
    until = time.monotonic() + END_SECONDS
    while not all(member.is_over() for member in members) and time.monotonic() < until:
        loop.turn(0.1)
    for member in members:
        member.leave()


def demand_files(count: int) -> None:
    """Let this process open as many connections. Raises DeviceError when it may not."""
    need = count + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= need:
        return
    if hard != resource.RLIM_INFINITY and hard < need:
        raise DeviceError(
            f"Mô phỏng {count} đầu thu cần mở {need} kết nối, nhưng máy này chỉ cho mỗi chương trình {hard}. Hãy giảm "
            f"-n xuống {max(0, hard - SPARE_FILES)}, hoặc nâng giới hạn bằng “ulimit -n {need}” (quyền quản trị) hay "
            "LimitNOFILE= của systemd.",
            field="n",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))
