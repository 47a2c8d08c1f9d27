"""A station's pages with Hoa (editor), Minh (approver), Lan (viewer) and the admin at them."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, time
from html import unescape
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import event

from content.bulletins import Bulletin
from loa import tokens
from loa.config import Config, Web
from loa.database import Database
from loa.staff import Staff
from loa.times import Instant, after
from loa.tokens import Scope
from scheduler import leases, planner, regulation, schedules
from scheduler.broadcasts import Broadcast
from scheduler.planner import Rules
from scheduler.schedules import Rule
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in
from tests.visitor import text_of
from tests.web.program import Program
from web import create_app, current, serving

HOUR = 3_600_000
SignIn = Callable[[Staff], FlaskClient]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Modules whose pages ask the database in their own words run on both; a form only hands over a command."""
    if "kind_of_database" in metafunc.fixturenames:
        both = getattr(metafunc.module, "BOTH_DATABASES", False)
        kinds = ["sqlite", "postgresql"] if both else ["sqlite"]
        metafunc.parametrize("kind_of_database", kinds)


@pytest.fixture
def migrated_url(
    kind_of_database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    if kind_of_database == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "loa.db")
        yield f"sqlite:///{tmp_path / 'loa.db'}"
        return
    cluster = request.getfixturevalue("postgresql")
    url = cluster.fresh(cluster.template("migrated", migrate))
    yield url
    cluster.drop(url)


def migrate(url: str) -> None:
    database = Database(url)
    database.upgrade()
    database.close()


@dataclass
class Clock:
    """The station's time; a test moves it."""

    now: Instant = NOON

    def __call__(self) -> Instant:
        return self.now

    def move(self, ms: int) -> None:
        self.now = after(self.now, ms)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(folder=tmp_path, web=Web(upload_megabytes=1))


@pytest.fixture
def cast(database: Database) -> Cast:
    with database.write() as session:
        regulation.set_quiet(session, None, [regulation.parse_quiet("21:00-05:00")], NOON)
        leases.Claim().take(session, NOON, 0.0)
        return settle_in(session)


class Compiled(BytecodeCache):
    """Templates compiled once for all tests: each has an application of its own."""

    codes: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key + bucket.checksum in self.codes:
            bucket.bytecode_from_string(self.codes[bucket.key + bucket.checksum])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.codes[bucket.key + bucket.checksum] = bucket.bytecode_to_string()


class Client(FlaskClient):
    """Reads each answer to its end, as a browser does, unless asked for a stream."""

    def open(self, *args, buffered: bool = True, **kwargs):
        return super().open(*args, buffered=buffered, **kwargs)


@pytest.fixture
def app(config: Config, database: Database, clock: Clock, cast: Cast) -> Iterator[Flask]:
    app = create_app(config, database, clock=clock)
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=False, WTF_CSRF_ENABLED=False)
    app.test_client_class = Client
    app.jinja_env.bytecode_cache = Compiled()
    yield app
    app.extensions[current.EXTENSION].hub.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A stranger."""
    return app.test_client()


@pytest.fixture
def sign_in(app: Flask) -> SignIn:
    def sign_in(person: Staff) -> FlaskClient:
        client = app.test_client()
        with client.session_transaction() as session:
            session["staff"], session["stamp"] = person.id, person.session_stamp
        return client

    return sign_in


@pytest.fixture
def hoa(sign_in: SignIn, cast: Cast) -> FlaskClient:
    return sign_in(cast.hoa)


@pytest.fixture
def minh(sign_in: SignIn, cast: Cast) -> FlaskClient:
    return sign_in(cast.minh)


@pytest.fixture
def lan(sign_in: SignIn, cast: Cast) -> FlaskClient:
    return sign_in(cast.lan)


@pytest.fixture
def admin(sign_in: SignIn, cast: Cast) -> FlaskClient:
    return sign_in(cast.admin)


@pytest.fixture
def approved(database: Database, cast: Cast) -> Bulletin:
    with database.write() as session:
        return approved_bulletin(session, cast)


def plan(session: sa.orm.Session, now: Instant) -> None:
    planner.plan(session, now, Rules(zone=ZONE, horizon=48 * HOUR, late=60_000))


@pytest.fixture
def broadcast(database: Database, cast: Cast, approved: Bulletin) -> Broadcast:
    """Planned for 12:30 of the day at all three receivers."""
    rule = Rule(
        kind=schedules.Kind.ONCE,
        at=time(12, 30),
        start_date=date(2026, 11, 21),
        area_ids=(cast.commune.id,),
    )
    with database.write() as session:
        bulletin = session.get_one(Bulletin, approved.id)
        schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
        plan(session, NOON)
        return session.scalars(sa.select(Broadcast)).one()


@pytest.fixture
def program(app: Flask, database: Database, cast: Cast) -> Callable[..., Program]:
    """``program(cast.hoa)``: a program whose token lets it do all that Hoa may."""

    def program(owner: Staff, *scopes: Scope, days: int = 30) -> Program:
        with database.write() as session:
            allowed = scopes or [each for each in Scope if owner.may(tokens.NEEDS[each])]
            token, text = tokens.make(
                session,
                cast.admin,
                name="Cổng xã",
                owner=owner,
                scopes=allowed,
                days=days,
                now=NOON,
            )
        return Program(app.test_client(), text, token.id)

    return program


class Queries:
    """Statements sent to the database."""

    def __init__(self, database: Database) -> None:
        self._engines = [database._reader, database._writer]
        self.number = 0

    def __enter__(self) -> Queries:
        for engine in self._engines:
            event.listen(engine, "before_cursor_execute", self._count)
        return self

    def __exit__(self, *_: object) -> None:
        for engine in self._engines:
            event.remove(engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self.number += 1


@pytest.fixture
def queries(database: Database) -> Queries:
    return Queries(database)


@pytest.fixture
def served(config: Config, database: Database, clock: Clock, cast: Cast) -> Iterator[str]:
    """The address of the real server."""
    config = msgspec.structs.replace(config, web=Web(port=0, threads=12))
    stop, ports = threading.Event(), []
    up = threading.Event()

    def ready(port: int) -> None:
        ports.append(port)
        up.set()

    arguments = {"clock": clock, "ready": ready}
    thread = threading.Thread(target=serving.serve, args=(config, database, stop), kwargs=arguments)
    thread.start()
    assert up.wait(90)
    yield f"http://127.0.0.1:{ports[0]}"
    stop.set()
    thread.join(15)
    assert not thread.is_alive()


def words(answer: object) -> str:
    """What a person reads on the page."""
    return text_of(answer.text)


def error_at(answer: object, field: str) -> str:
    """The sentences shown at a field of a form."""
    found = re.findall(rf'id="{field}-error">([^<]*)<', answer.text)
    return unescape(" ".join(found))
