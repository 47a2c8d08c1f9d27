"""A receiver with its link, its files and the loop that drives it. Any number of them share one loop."""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom

from devices import messages
from devices.link import (
    Connected,
    Disconnected,
    Incoming,
    Link,
    LinkSettings,
    Message,
    Published,
    Urgency,
    Will,
)
from devices.receiver import identity as identities
from devices.receiver import sensing
from devices.receiver.amplifier import Amplified, Switch
from devices.receiver.card import SystemOutput
from devices.receiver.clock import SystemClock
from devices.receiver.control import Control, Told
from devices.receiver.download import Downloads, Failed
from devices.receiver.identity import Identity, OutputName
from devices.receiver.outputs import NullOutput, Output, WavOutput
from devices.receiver.receiver import Receiver
from devices.receiver.sensing import Sensed
from devices.receiver.store import open_store
from devices.receiver.watchdog import Watchdog
from loa import times
from loa.errors import DeviceError
from loa.times import SECOND

log = logging.getLogger(__name__)

WAKE = 1.0
"""Seconds: no wait is longer, so that a step of the wall clock is noticed before it matters."""
RECONNECT_MOST = 30.0
"""Seconds between two attempts at most: a station that comes back must soon be able to warn everyone. At random,
ten thousand receivers are then some 700 attempts a second while it is away."""
RESTART_STATUS = 75
"""Exit status of a receiver that its station told to start anew: whoever runs it begins it again."""
Inbox = queue.Queue[Incoming]


class Running:
    """One receiver at work: its folder locked, its journal open, its link up or coming up."""

    def __init__(
        self, folder: Path, output: OutputName | None = None, inbox: Inbox | None = None
    ) -> None:
        self.identity = identities.load(folder)
        self._lock = _lock(folder)
        try:
            self._store = open_store(folder / "receiver.db", times.now())
        except BaseException:
            os.close(self._lock)
            raise
        try:
            clock = SystemClock(self.identity.clock)
            self.link = Link(_settings(self.identity, self._will), inbox)
            self._downloads = Downloads(self.link.inbox, self.identity.mqtt.ca_file)
            self.receiver = Receiver(
                self.identity,
                self._store,
                _output(output or self.identity.output, self.identity, clock),
                clock,
                _Wire(self.link),
                SystemRandom(),
                self._downloads,
            )
        except BaseException:
            self._close()
            raise
        self.due = 0.0
        """``time.monotonic()`` at which to step again."""
        self.link.start()

    def _will(self) -> Will:
        topic, payload = self.receiver.will()
        return Will(topic=topic, payload=payload, qos=1, retain=True)

    def take(self, incoming: Incoming) -> None:
        """Hand on what the link says."""
        match incoming:
            case Told():
                self._obey(incoming)
            case Failed(sha=sha, why=why):
                self.receiver.download_failed(sha, why)
            case Message(topic, payload):
                self.receiver.handle(topic, payload)
            case Connected():
                self.receiver.connected()
            case Disconnected():
                self.receiver.disconnected()
            case Published():
                pass  # only the station's evack proves anything
        self.due = 0.0

    def _obey(self, told: Told) -> None:
        try:
            self.receiver.tell(told.act, told.n)
        except DeviceError as refusal:
            told.answer.put(refusal.sentence)
        else:
            told.answer.put("ok")

    def step(self) -> None:
        """Do what is due, and note when to come again."""
        deadline = self.receiver.step()
        self.due = time.monotonic() + min(WAKE, max(0, deadline - self.receiver.wall()) / SECOND)

    @property
    def is_linked(self) -> bool:
        """The link goes round, connected or not."""
        return self.link.healthy

    @property
    def is_sounding(self) -> bool:
        return self.receiver.is_sounding

    def stop(self) -> None:
        """End in good order."""
        self.receiver.stop()
        self.link.stop()
        self._close()

    def kill(self) -> None:
        """End as a power cut would: nothing more is written or said."""
        self.link.kill()
        self._close()

    def _close(self) -> None:
        self._downloads.close()
        self._store.close()
        os.close(self._lock)


def urgency_of(retain: bool) -> Urgency:
    """A heartbeat waits until what the receiver has to prove is on its way."""
    return Urgency.STATE if retain else Urgency.PLAN


class _Wire:
    """The receiver's way out, with what is urgent said to the link."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.subscribe = link.subscribe
        self.unsubscribe = link.unsubscribe

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        urgency = urgency_of(retain)
        self._link.publish(topic, payload, qos=qos, retain=retain, urgency=urgency)


def _settings(identity: Identity, will: Callable[[], Will]) -> LinkSettings:
    mqtt = identity.mqtt
    return LinkSettings(
        host=mqtt.host,
        port=mqtt.port,
        client_id=identity.rid,
        username=mqtt.username,
        password=mqtt.password,
        tls=mqtt.tls,
        ca_file=mqtt.ca_file,
        reconnect_most=RECONNECT_MOST,
        subscriptions=((messages.down_topics(identity.rid), 1),),
        will=will,
    )


def _output(name: OutputName, identity: Identity, clock: SystemClock) -> Output:
    output, amplifier = _sounding(name, identity, clock), identity.amplifier
    if amplifier:
        switch = Switch(amplifier.program, amplifier.tail_ms, clock.mono)
        output = Amplified(output, switch, amplifier.lead_ms)
    sense = sensing.current(identity.sense, clock.mono) if identity.sense else None
    hear = sensing.microphone(identity.hear, clock.mono) if identity.hear else None
    return Sensed(output, sense, hear) if sense or hear else output


def _sounding(name: OutputName, identity: Identity, clock: SystemClock) -> Output:
    if name == "wav":
        return WavOutput(identity.sound, clock.mono)
    return SystemOutput() if name == "system" else NullOutput(clock.mono)


def _lock(folder: Path) -> int:
    """Two processes on one folder would both play; the lock goes with the process that holds it."""
    handle = os.open(folder / "receiver.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise DeviceError(
            f"Đầu thu ở {folder} đang chạy rồi. Hãy dừng tiến trình kia trước khi chạy lại."
        ) from error
    return handle


def run(folder: Path, stop: threading.Event, output: OutputName | None = None) -> None:
    """Run the receiver of ``folder`` until ``stop``. Raises DeviceError when it cannot start."""
    running = Running(folder, output)
    control, watchdog = _control(folder, running), Watchdog(running)
    watchdog.ready()
    try:
        while not (stop.is_set() or running.receiver.wants_restart):
            running.step()
            drain(running, running.link.inbox)
            watchdog.went_round()
    except BaseException:
        # Not an end in good order: the next boot must call it what it was.
        running.kill()
        raise
    finally:
        if control is not None:
            control.close()
    watchdog.stopping()
    running.stop()
    if running.receiver.wants_restart:
        raise SystemExit(RESTART_STATUS)


def _control(folder: Path, running: Running) -> Control | None:
    try:
        return Control(folder, running.link.inbox)
    except OSError as error:  # a file system without sockets: what it is for goes on without
        log.warning("no orders are taken on the spot: %s", error)
        return None


def drain(running: Running, inbox: Inbox) -> None:
    """Wait for a message or the deadline, then take all messages that are there."""
    wait = running.due - time.monotonic()
    try:
        running.take(inbox.get(timeout=wait) if wait > 0 else inbox.get_nowait())
        while True:
            running.take(inbox.get_nowait())
    except queue.Empty:
        return
