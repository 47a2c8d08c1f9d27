"""Engines, sessions, migrations and the wake-up between processes; built by a function, never on import.

One writer at a time on either database: SQLite by BEGIN IMMEDIATE, PostgreSQL by an advisory lock. Both
then behave alike, and "look, then write" holds without a retry loop.
"""

from __future__ import annotations

import contextlib
import enum
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import psycopg
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import OperationalError, TimeoutError
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session
from sqlalchemy.types import TypeDecorator

from loa.bell import Bell
from loa.errors import DatabaseError
from loa.times import Instant
from loa.touches import Touches
from loa.words import recall, say

WRITER_LOCK = 0x10A
"""Key of PostgreSQL's advisory lock: whoever holds it is the writer."""
CHANNEL = "loa_changed"
WROTE = "loa_wrote"
"""Key of Session.info: this transaction has changed something."""
SQLITE_POLL_SECONDS = 0.1
FIRST_LOOK_SECONDS = 0.005
LOOK_SECONDS = 2.0
"""So long after its log was written a commit of SQLite's is looked for; then once a call."""
BUSY_SECONDS = 30
LOST_LINE = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""libpq's words (s, s, –, ms): a PostgreSQL server that has lost power is given up in half a minute, not two hours.

The server, told the same, gives up a station that has lost power, and with it the writer's lock it held.
"""
NO_ANSWER = (OperationalError, TimeoutError)
"""The database does not answer, or there was no turn at it in time; both pass."""
READERS = 12
"""Threads of this process that read at once. More would only take turns at the interpreter."""
NESTED = 3
"""Reads within reads of one thread: a page that asks for what stands in its head. Each has a connection of its own."""


class InstantType(TypeDecorator[Instant]):
    """An instant: integer milliseconds UTC."""

    impl = sa.BigInteger
    cache_ok = True


class Json(TypeDecorator[Any]):
    """A small JSON document, stored as text so that both databases keep its bytes."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: sa.Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    def process_result_value(self, value: str | None, _dialect: sa.Dialect) -> Any:
        return None if value is None else json.loads(value)


class _Words(sa.Enum):
    """A row's word is found by one look into a dict: reports read many thousands."""

    def result_processor(self, _dialect: sa.Dialect, _coltype: object) -> Callable[[Any], Any]:
        members = {each.value: each for each in self.enum_class or ()}
        return {None: None, **members}.__getitem__


def word_of(kind: type[enum.StrEnum]) -> sa.Enum:
    """A column of one of these words, as text."""
    return _Words(
        kind, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e]
    )


class Sentence(TypeDecorator[str]):
    """A sentence of ours for people: stored as it was said, and said again in the language of whoever reads it."""

    impl: type[sa.String] = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: sa.Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, _dialect: sa.Dialect) -> str | None:
        return None if value is None else recall(value)


class ShortSentence(Sentence):
    """The same, of few words."""

    impl = sa.String
    cache_ok = True


class Sentences(Json):
    """A list of such sentences."""

    cache_ok = True

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        found = super().process_result_value(value, dialect)
        return None if found is None else [recall(each) for each in found]


class Base(DeclarativeBase):
    """Every table of every room."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {Instant: InstantType}  # noqa: RUF012 - SQLAlchemy's own idiom


@event.listens_for(Session, "before_flush")
def _note_flush(session: Session, _context: object, _instances: object) -> None:
    if session.new or session.dirty or session.deleted:
        session.info[WROTE] = True


@event.listens_for(Session, "do_orm_execute")
def _note_statement(state: ORMExecuteState) -> None:
    if not state.is_select:
        state.session.info[WROTE] = True


def _sqlite_engine(url: str, begin: str, *, keys: str = "ON") -> Engine:
    engine = sa.create_engine(
        url,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        # The one used last again: mostly one is enough, and the others' pages are not read anew.
        pool_use_lifo=True,
        max_overflow=READERS * NESTED,
    )

    @event.listens_for(engine, "connect")
    def _open(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late to protect a read
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # what is acknowledged survives a power cut
            f"foreign_keys={keys}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


class Database:
    """The station's database: ``write()`` for the one writer, ``read()`` for a steady view."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        # SQLite's own wait for the writer is a sleep that grows: twenty in line would leave it idle between them.
        self._writing = threading.Lock()
        self._reading = threading.Semaphore(READERS)
        self._thread = threading.local()
        if self.is_sqlite:
            Path(self.url.database or "").parent.mkdir(parents=True, exist_ok=True)
            self._bell = Bell(Path(f"{self.url.database or 'loa'}-bell"))
            self._writer = _sqlite_engine(url, "BEGIN IMMEDIATE")
            self._reader = _sqlite_engine(url, "BEGIN")
        elif self.url.get_backend_name() == "postgresql":
            self._writer = postgresql_engine(
                self.url, pool_pre_ping=True, max_overflow=READERS * NESTED
            )
            self._reader = self._writer.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        else:
            raise DatabaseError(
                say(
                    "[database] url bắt đầu bằng “%(name)s”. "
                    "Loa dùng được sqlite:/// hoặc postgresql+psycopg://.",
                    name=self.url.get_backend_name(),
                )
            )

    @contextlib.contextmanager
    def write(self, *, wake: bool = True) -> Iterator[Session]:
        """A transaction of the only writer: committed at the end of the block, or not at all.

        ``wake`` False spares PostgreSQL's listeners a change that means nothing to them.
        """
        with (
            _one_of(self._writing),
            self._reads_freely(),
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            if self.is_sqlite:
                with self._bell.rung():
                    session.connection()
            else:
                session.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER_LOCK)))
            yield session
            session.flush()
            if wake and not self.is_sqlite and session.info.get(WROTE):
                session.execute(sa.text(f"NOTIFY {CHANNEL}"))

    @property
    def is_writing(self) -> bool:
        """Whether a thread of this process writes just now."""
        return self._writing.locked()

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A steady view of the last commit; what is loaded stays readable after the block."""
        with (
            self._turn_to_read(),
            Session(self._reader, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session
            session.expunge_all()

    @contextlib.contextmanager
    def _turn_to_read(self) -> Iterator[None]:
        """One of the READERS; a thread that already is waits for nothing, or all could wait for each other."""
        if getattr(self._thread, "reads", False):
            yield
            return
        with _one_of(self._reading), self._reads_freely():
            yield

    @contextlib.contextmanager
    def _reads_freely(self) -> Iterator[None]:
        """This thread waits for no turn to read. Nor may the writer: readers could be waiting for it."""
        before = getattr(self._thread, "reads", False)
        self._thread.reads = True
        try:
            yield
        finally:
            self._thread.reads = before

    def upgrade(self) -> None:
        """Bring the tables to this program's version; two starts at once do it once."""
        try:
            with self._builder() as engine, engine.begin() as connection:
                if not self.is_sqlite:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER_LOCK)))
                config = _alembic()
                config.attributes["connection"] = connection
                alembic.command.upgrade(config, "head")
                if self.is_sqlite:
                    self._demand_whole(connection)
        except OperationalError as error:
            raise self._cannot_open(error) from error

    @contextlib.contextmanager
    def _builder(self) -> Iterator[Engine]:
        """To rebuild a SQLite table others refer to, its keys must not be enforced meanwhile."""
        if not self.is_sqlite:
            yield self._writer
            return
        engine = _sqlite_engine(self.url.render_as_string(), "BEGIN IMMEDIATE", keys="OFF")
        try:
            yield engine
        finally:
            engine.dispose()

    def _demand_whole(self, connection: Connection) -> None:
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise DatabaseError(
                say(
                    "Cơ sở dữ liệu %(place)s có dòng của bảng %(child)s trỏ tới dòng không có của bảng %(parent)s. "
                    "Chưa thay đổi gì. Hãy phục hồi từ bản sao lưu gần nhất.",
                    place=self._place,
                    child=broken[0],
                    parent=broken[2],
                )
            )

    def demand_current(self) -> None:
        """Raise DatabaseError unless the tables are of this program's version."""
        try:
            with self._reader.connect() as connection:
                found = MigrationContext.configure(connection).get_current_revision()
        except OperationalError as error:
            raise self._cannot_open(error) from error
        wanted = ScriptDirectory.from_config(_alembic()).get_current_head()
        if found != wanted:
            raise DatabaseError(
                say(
                    "Cơ sở dữ liệu %(place)s ở phiên bản %(found)s, chương trình cần "
                    "%(wanted)s. Hãy chạy “loa init” rồi khởi động lại.",
                    place=self._place,
                    found=found or say("trống"),
                    wanted=wanted,
                )
            )

    @property
    def _place(self) -> str:
        return self.url.render_as_string(hide_password=True)

    def _cannot_open(self, error: OperationalError) -> DatabaseError:
        return DatabaseError(
            say(
                "Không mở được cơ sở dữ liệu %(place)s: %(why)s. "
                "Hãy kiểm tra [database] url, quyền ghi thư mục và máy chủ cơ sở dữ liệu.",
                place=self._place,
                why=str(error.orig).strip(),
            )
        )

    def changes(self) -> Changes:
        """A watch on the commits of every other connection, of this process and of others."""
        return (
            _SqliteChanges(self.url.database or "")
            if self.is_sqlite
            else _PostgresChanges(self.url)
        )

    def rest(self) -> None:
        """Close what nobody uses just now: each connection of SQLite's keeps up to 2 MB of pages. Any thread may."""
        if self.is_sqlite:
            self._writer.dispose()
            self._reader.dispose()

    def let_others_first(self) -> None:
        """This process is in no hurry: whoever else wants to write to SQLite goes before it."""
        if self.is_sqlite:
            self._bell.rings = False

    def close(self) -> None:
        """Give back every connection."""
        self._writer.dispose()
        self._reader.dispose()


def patient(url: sa.URL) -> sa.URL:
    """The same PostgreSQL database, with LOST_LINE where the address itself says nothing of it."""
    return url.update_query_dict(
        {word: value for word, value in LOST_LINE.items() if word not in url.query}
    )


def postgresql_engine(url: sa.URL, **options: Any) -> Engine:
    """An engine whose connections are given up in half a minute where the line is lost, by either end."""
    engine = sa.create_engine(patient(url), **options)
    words = [word if word.startswith("tcp_") else f"tcp_{word}" for word in LOST_LINE]
    told = "SELECT " + ", ".join(f"set_config('{word}', %s, false)" for word in words)

    @event.listens_for(engine, "connect")
    def _tell(connection: psycopg.Connection, _record: object) -> None:
        connection.autocommit = (
            True  # else the first transaction has begun, and has no isolation level yet
        )
        connection.execute(told, list(LOST_LINE.values()))
        connection.autocommit = False

    return engine


@contextlib.contextmanager
def _one_of(places: threading.Lock | threading.Semaphore) -> Iterator[None]:
    """Hold one of them. Raises SQLAlchemy's TimeoutError, as a pool does, where none is free in time."""
    if not places.acquire(timeout=BUSY_SECONDS):
        raise TimeoutError(f"no turn at the database within {BUSY_SECONDS} s")
    try:
        yield
    finally:
        places.release()


def _alembic() -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


class Changes:
    """Tells of commits by other connections. Belongs to the one thread that waits on it."""

    def wait(self, timeout: float, stop: threading.Event | None = None) -> bool:
        """Wait up to ``timeout`` seconds; True when something was committed since the last call."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class _SqliteChanges(Changes):
    """PRAGMA data_version: one cheap page read, no lock. Looked at when the log of commits was written to.

    Where the system does not tell of that, ten times a second.
    """

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._seen = self._version()
        self._touches = _touches(Path(f"{path}-wal"))
        self._waits = 0.0
        """Seconds to the next look, while what was written is not committed yet; 0 when nothing is under way."""
        self._written_at = -LOOK_SECONDS

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def wait(self, timeout: float, stop: threading.Event | None = None) -> bool:
        stop = stop or threading.Event()
        until = time.monotonic() + timeout
        while True:
            version = self._version()
            if version != self._seen:
                self._seen = version
                # One more look: another may have written meanwhile.
                self._written_at = -LOOK_SECONDS
                return True
            left = until - time.monotonic()
            if left <= 0 or stop.is_set():
                return False
            self._rest(left, stop)

    def _rest(self, left: float, stop: threading.Event) -> None:
        """Until it is time to look again, but no longer than ``left`` seconds."""
        if self._touches is None:
            stop.wait(min(SQLITE_POLL_SECONDS, left))
        elif self._touches.wait(min(self._waits or left, left)):
            # The log is written before its end makes a commit of it: a disk may take a while in between.
            stop.wait(FIRST_LOOK_SECONDS)
            self._touches.wait(0)
            self._waits, self._written_at = FIRST_LOOK_SECONDS, time.monotonic()
        elif time.monotonic() - self._written_at < LOOK_SECONDS:
            self._waits = min(2 * self._waits, SQLITE_POLL_SECONDS)
        else:
            self._waits = 0.0

    def close(self) -> None:
        if self._touches is not None:
            self._touches.close()
        self._connection.close()


def _touches(path: Path) -> Touches | None:
    try:
        return Touches(path)
    except OSError:
        return None


class _PostgresChanges(Changes):
    """LISTENs on a connection of its own; a lost connection is opened anew and counts as a change."""

    def __init__(self, url: sa.URL) -> None:
        self._dsn = patient(url.set(drivername="postgresql")).render_as_string(hide_password=False)
        self._connection: psycopg.Connection | None = None
        self._listen()

    def _listen(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._dsn, autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}")
        return self._connection

    def wait(self, timeout: float, stop: threading.Event | None = None) -> bool:
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0 and not (stop and stop.is_set()):
            try:
                connection = self._listen()
                # A slice at a time, so that a stop is heard.
                for _ in connection.notifies(timeout=min(left, 0.3), stop_after=1):
                    return True
            except psycopg.OperationalError:
                self.close()
                # What was committed while we were away is not known: a change, unless we are to stop.
                return not (stop or threading.Event()).wait(min(1.0, max(left, 0)))
        return False

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
        self._connection = None
