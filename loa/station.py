"""Joins the parts of a station once: config → database → keys → link → clock. Reads in that order.

``Runner`` is ``loa run``: it gives ``loa.core`` threads, a link and the lease. It shares nothing with the web but
the database.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session, sessionmaker

from content import renderings, voices
from devices import broker, inbox, messages, receivers, trust
from devices.inbox import Inbox
from devices.link import Incoming, Link, LinkSettings
from loa import archiving, due_reports, files, memory, times
from loa.config import Config
from loa.core import Core
from loa.database import NO_ANSWER, Database, postgresql_engine
from loa.errors import LoaError
from loa.times import HOUR, SECOND, Instant, after, local
from scheduler import days, leases, regulation
from scheduler.clock import Clock
from scheduler.evidence import outside
from scheduler.regulation import QuietHours

log = logging.getLogger(__name__)
INGEST_MOST, INGEST_BYTES = 2_000, 1_500_000
"""Taken in together: what a transaction costs besides its rows is a third of all when five hundred answers share one.

Long journals are stopped by their size, at some hundreds, for whoever else writes waits as long.
"""
MORE_SECONDS, MORE_LOOK = 1.0, 0.02
"""So long others may write before what has arrived is stored, and so often it is seen whether they still do."""
MAIL_WAITS = 3.0
"""Seconds; so long what receivers say may wait while plans for many leave, which are gone in half the time."""
INGEST_WAIT = 0.5
"""Seconds; so long mere heartbeats wait for others, and so soon the thread notices that it is to end."""
GATHER = 0.5
"""Seconds; so long heartbeats are left unread. Two thousand receivers wake the link 33 times a second otherwise."""
TIDY_EVERY = 300.0
"""Seconds; so often memory is given back that nobody uses any more.

It takes a twentieth of a second, and SQLite's connections are then opened anew: each minute, that was a sixth of what a
station of two thousand receivers does at rest.
"""
RECORDINGS_LOOK = 10.0
"""Seconds; so often the queue of sounds to be made is looked at when nobody has committed anything."""
STUCK_SECONDS = 300.0
"""A tick that stands still so long between two transactions will not end, nor will one look at what has arrived."""
LAST_SECONDS, ORDERED_SECONDS = 30.0, 80.0
"""So long an end may take, and one that was ordered. After that something will never end, and nobody starts us again.

An archive, a sound in the making or a mail may each take ten seconds to end; systemd waits for ninety.
"""


def open_station(config: Config, quiet: Sequence[QuietHours] | None = None) -> Database:
    """Make the folders, open the database, bring it up to date, and put first rules in force.

    ``quiet``: the first quiet hours, where they are not those of config.toml.
    """
    for folder in (config.data, config.recordings, config.uploads, config.work):
        folder.mkdir(parents=True, exist_ok=True)
    voices.registry(config)  # a voice that cannot be stops the start, not the first bulletin
    database = Database(config.database_url)
    database.upgrade()
    trust.station_keys(config)
    trust.broker_password(config)
    with database.write() as session:
        if regulation.at(session, times.now()) is None:
            first = [regulation.parse_quiet(text) for text in config.regulation.quiet]
            regulation.set_quiet(session, None, first if quiet is None else quiet, times.now())
    return database


def broker_kind(config: Config) -> str:
    """Which broker this station uses: mosquitto, embedded or external."""
    if config.mqtt.url or config.mqtt.broker == "external":
        return "external"
    if config.mqtt.broker == "auto":
        return "mosquitto" if broker.mosquitto_path() else "embedded"
    if config.mqtt.broker == "mosquitto" and not broker.mosquitto_path():
        raise LoaError(
            '[mqtt] broker = "mosquitto" nhưng máy này chưa cài mosquitto. Hãy cài gói mosquitto hoặc đổi thành "auto".'
        )
    return config.mqtt.broker


AccountsMark = tuple[int, broker.Stamp]
"""Of the accounts in the database, and of the file."""


def write_broker_accounts(
    config: Config, database: Database, known: AccountsMark | None = None
) -> AccountsMark:
    """Bring the broker's account file in line with the receivers in the database; what to give as ``known`` next time.

    With that nothing is done while the receivers are the same and the file is as it was left.
    """
    file = config.broker / broker.PASSWORDS
    plans_run_out = after(times.now(), -config.delivery.plan_valid_hours * HOUR)
    with database.read() as session:
        mark = receivers.accounts_mark(session, retired_since=plans_run_out)
        if (mark, broker.stamp(file)) == known:
            return known
        accounts = receivers.accounts(session, retired_since=plans_run_out)
    password = trust.broker_password(config)
    # Kept, for each hash differs: a new one each time would make the broker read its accounts again.
    kept = config.secrets / "mqtt.hash"
    if not kept.exists() or not broker.check_password(password, kept.read_text()):
        kept.unlink(missing_ok=True)
        files.create_once(kept, broker.hash_password(password).encode())
    station = broker.Account(username=config.mqtt.username, password_hash=kept.read_text())
    broker.write_accounts(config.broker, [station, *accounts])
    return mark, broker.stamp(file)


class Runner:
    """Clock and wire of one station. ``run`` blocks until told to stop or until the lease is lost."""

    def __init__(self, config: Config, database: Database, stop: threading.Event) -> None:
        self._config, self._database, self._stop = config, database, stop
        self._claim = leases.Claim()
        self._lease_lock = threading.Lock()
        self._lease_engine = None if database.is_sqlite else postgresql_engine(database.url)
        self._worked_at = self._listened_at = time.monotonic()
        """When the clock's thread last came by, and the one that takes in what arrives."""
        self._over, self._ended = threading.Event(), threading.Event()
        self._committed = threading.Event()
        """Somebody has: there may be a sound to be made."""
        self._accounts_mark: AccountsMark | None = None
        self._inbox = Inbox()
        self._heard_at = time.monotonic()
        """When what receivers say was last looked at."""
        self._archiving = archiving.Nightly(config, database)
        self._link = Link(self._link_settings(), hear=self._inbox.put)
        self._clock = Clock(self._tick)
        manages_broker = broker_kind(config) != "external"
        self._core = Core(
            config, database, self._link, now=times.now(), nudge=self._clock.nudge,
            accounts=self._write_accounts if manages_broker else None, stop=self._must_stop,
        )  # fmt: skip

    def run(self) -> bool:
        """Wait for the lease, then work. True when told to stop, False when the lease was lost."""
        if not self._wait_for_lease():
            return True
        memory.collect_seldom()
        memory.be_thrifty()
        threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for name, work in (
                ("lease", self._renew_in_time),
                ("ingest", self._ingest),
                ("changes", self._watch_changes),
                ("recordings", self._make_recordings),
                ("reports", self._make_reports),
                ("checkpoints", self._hand_over_checkpoints),
            )
        ]
        self._worked_at = self._listened_at = time.monotonic()
        threads[0].start()
        # Read now: it takes a sixth of a second, for which no alarm is to wait.
        days.by_calendar(local(times.now(), self._config.zone).date())
        self._core.begin()
        memory.keep()
        self._link.start()
        self._clock.start()
        for thread in threads[1:]:
            thread.start()
        threading.Thread(target=self._oversee, name="overseer", daemon=True).start()
        while not self._stop.wait(0.5) and not self._over.is_set():
            self._archive()
        self._shut_down(threads)
        return self._stop.is_set()

    def _archive(self) -> None:
        """Old months, at night; whatever fails there, the station goes on."""
        try:
            self._archiving.look(times.now())
        except (*NO_ANSWER, OSError):
            log.exception("archiving could not be looked after")

    def _wait_for_lease(self) -> bool:
        said = ""
        while not self._stop.is_set():
            if self._try_lease():
                return True
            if self._claim.waiting_for and self._claim.waiting_for != said:
                said = self._claim.waiting_for
                print(
                    f"Một tiến trình “loa run” khác ({said}) đang điều khiển đài này; tiến trình này chờ và sẽ thay "
                    f"trong {leases.STANDSTILL_SECONDS:.0f} giây nếu tiến trình kia dừng.",
                    flush=True,
                )
            self._stop.wait(1.0)
        return False

    def _try_lease(self) -> bool:
        try:
            with self._database.write(wake=False) as session:
                return self._claim.take(session, times.now(), time.monotonic())
        except NO_ANSWER as error:
            log.error("the database does not answer, trying again: %s", error)
            return False

    def _shut_down(self, threads: list[threading.Thread]) -> None:
        self._over.set()
        self._committed.set()
        if not self._stop.is_set():
            self._link.end()  # another may be at work by now, and the broker hears one of us
        self._archiving.stop()
        self._clock.stop()
        for thread in threads:
            thread.join(timeout=10)
        self._link.stop()
        self._core.close()
        with contextlib.suppress(*NO_ANSWER), self._database.write(wake=False) as session:
            self._claim.release(session)
        if self._lease_engine is not None:
            self._lease_engine.dispose()
        self._ended.set()

    def _oversee(self) -> None:
        """Whatever stands still, this thread does not: it asks nothing of the database and waits for no lock."""
        while not self._over.wait(0.5):
            self._give_up_in_time()
            if time.monotonic() - min(self._worked_at, self._listened_at) > STUCK_SECONDS:
                log.error("the station's work stands still; stopping, to be started again")
                self._over.set()
        if not self._ended.wait(ORDERED_SECONDS if self._stop.is_set() else LAST_SECONDS):
            log.critical("the station does not end; cut short, to be started again")
            os._exit(1)

    # What happens each second

    def _tick(self, now: Instant) -> None:
        """Without the lease another may be at the same work."""
        if self._must_stop():
            return
        self._core.tick(now)
        if self._core.hopeless:
            self._over.set()

    def _write_accounts(self) -> None:
        self._accounts_mark = write_broker_accounts(
            self._config, self._database, self._accounts_mark
        )

    # The lease

    def _renew_in_time(self) -> None:
        """However long the work takes, the lease is renewed."""
        while not self._over.wait(0.5):
            self._keep_lease()

    def _must_stop(self) -> bool:
        """Asked by the clock's thread between two transactions: a renewal that waits for its turn then gets it."""
        self._worked_at = time.monotonic()
        return not self._keep_lease()

    def _keep_lease(self) -> bool:
        """Renew the lease when it is time; whether it is ours. Never call it within a transaction."""
        with self._lease_lock:
            if not self._over.is_set() and self._claim.due(time.monotonic()):
                try:
                    self._renew()
                except NO_ANSWER as error:
                    log.error("the lease could not be renewed, trying again: %s", error)
        return not self._over.is_set()

    def _renew(self) -> None:
        with self._lease_session() as session:
            session.connection()  # waits here for other writers: while they write nobody takes the lease, either
            since = time.monotonic()
            is_ours = self._claim.renew(session, times.now())
        if is_ours:
            self._claim.renewed(since)
        else:
            log.error("another process has taken the lease; stopping")
            self._over.set()

    def _lease_session(self) -> contextlib.AbstractContextManager[Session]:
        """A transaction for the lease alone; on PostgreSQL it does not queue with the writers."""
        if self._lease_engine is None:
            return self._database.write(wake=False)
        return sessionmaker(self._lease_engine).begin()

    def _give_up_in_time(self) -> None:
        """Stop before another takes over where the database may be out of our reach alone: across a network."""
        if self._lease_engine is not None and self._claim.lapsed(time.monotonic()):
            log.error("the lease was not renewed in time; stopping so that another may work")
            self._over.set()

    def _watch_changes(self) -> None:
        changes = self._database.changes()
        try:
            while not self._over.is_set():
                if not changes.wait(1.0, self._over):
                    continue
                self._committed.set()
                if self._core.has_news(times.now()):
                    self._core.changed()
                    self._clock.nudge()
        finally:
            changes.close()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run a thread's work. Should it ever end by an error, so does this process: half a station is none."""
        try:
            work()
        except Exception:  # a thread has nobody above it to tell
            log.exception("a part of the station has failed; stopping, to be started again")
            self._over.set()

    def _make_recordings(self) -> None:
        renderings.work(self._database, self._config, self._over, self._await_commit)

    def _make_reports(self) -> None:
        due_reports.watch(self._config, self._database, self._over)

    def _hand_over_checkpoints(self) -> None:
        outside.work(self._config, self._database, self._over)

    def _await_commit(self) -> None:
        self._committed.wait(RECORDINGS_LOOK)
        self._committed.clear()

    # What comes from the wire

    def _ingest(self) -> None:
        wait, tidy_at = INGEST_WAIT, time.monotonic() + TIDY_EVERY
        while not self._over.is_set():
            self._listened_at = time.monotonic()
            arrived = self._hear(INGEST_MOST, wait, INGEST_BYTES)
            if not self._inbox and time.monotonic() >= tidy_at:
                tidy_at = time.monotonic() + TIDY_EVERY
                self._database.rest()
                memory.give_back()
            if arrived or self._core.intake.is_due(times.now()):
                if not self._keep_lease():
                    return
                self._take_in(arrived)
            # After the questions that have just come in: some of them wait for nobody.
            next_block = self._core.send_blocks(times.now())
            wait = INGEST_WAIT if next_block is None else _seconds_until(next_block)

    def _hear(self, most: int, wait: float, most_bytes: int) -> list[Incoming]:
        """What has arrived. While many are given their plans that is what the broker says of them.

        Plans and answers want the same interpreter: it first sends, then listens, but soon enough.
        """
        at = time.monotonic()
        if at - self._heard_at < MAIL_WAITS and self._core.gives_many(times.now()):
            events = self._inbox.take_events(most)
            if not events:
                self._over.wait(MORE_LOOK)
            return events
        self._heard_at = at
        return self._inbox.take(most, wait, most_bytes)

    def _take_in(self, arrived: list[Incoming]) -> None:
        try:
            self._core.intake.take_in(arrived, times.now(), self._more_than(arrived))
        except Exception:  # nothing was acknowledged, so receivers send it again
            log.exception("what came from the receivers could not be stored")
            self._over.wait(1.0)

    def _more_than(self, arrived: list[Incoming]) -> Callable[[], list[Incoming]]:
        """What else arrives within MORE_SECONDS, as long as all of it is not too much for one transaction."""
        left, until = INGEST_MOST - len(arrived), time.monotonic() + MORE_SECONDS
        bytes_left = INGEST_BYTES - sum(map(inbox.size_of, arrived))

        def more() -> list[Incoming]:
            nonlocal left, bytes_left
            found: list[Incoming] = []
            while not found and left > 0 < bytes_left and time.monotonic() < until:
                if not self._database.is_writing:
                    return []
                found = self._hear(left, MORE_LOOK, bytes_left)
            left -= len(found)
            bytes_left -= sum(map(inbox.size_of, found))
            return found

        return more

    def _link_settings(self) -> LinkSettings:
        host, port, tls = self._config.broker_address
        authority = self._config.mqtt.ca_file
        return LinkSettings(
            host=host, port=port, client_id=self._config.mqtt.username, username=self._config.mqtt.username,
            password=trust.broker_password(self._config), tls=tls,
            ca_file=str(self._config.folder / authority) if authority else "",
            version="3.1.1" if broker_kind(self._config) == "embedded" else "5",
            subscriptions=((messages.UP_TOPICS, 1),), reconnect_most=5.0, gather=GATHER,
        )  # fmt: skip


def _seconds_until(moment: Instant) -> float:
    return min(INGEST_WAIT, max(0.001, (moment - times.now()) / SECOND))
