"""A station of an older version keeps all it has: its tables are filled by plain SQL, as that version left them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import alembic.command
import alembic.config
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

import loa.database
from content import bulletins, decisions, library, versions
from content.bulletins import Bulletin, Priority, State
from content.library import Wanted
from content.parts import Recorded, Text
from content.recordings import Recording
from content.uploads import Upload
from devices.receivers import Receiver
from loa.database import Database
from scheduler import plans
from scheduler.broadcasts import Broadcast
from scheduler.plans import Lane, Outgoing
from tests.cast import NOON

TEXT, UPLOADED, WAITING = 1, 2, 3
SOUND, OLD_SOUND, FILE = "a" * 64, "b" * 64, "c" * 64
ROWS: dict[str, list[dict[str, object]]] = {
    "staff": [
        {"id": number, "login": login, "name": name, "role": role, "password_hash": "x", "active": True,
         "created_at": NOON, "session_stamp": "s"}
        for number, login, name, role in ((1, "hoa", "Hoa", "editor"), (2, "minh", "Minh", "approver"))
    ],
    "recordings": [
        {"sha256": sha, "size": 9, "ms": ms, "lufs": -16.0, "true_peak_db": -1.0, "peaks": "[1]", "voice": voice,
         "notes": "[]", "spoken": "…", "made_at": NOON}
        for sha, ms, voice in ((SOUND, 30_000, "espeak"), (OLD_SOUND, 20_000, None))
    ],
    "bulletins": [
        {"id": TEXT, "title": "Tiêm chủng", "body": "Mời bà con.", "kind": "text", "upload": None, "upload_name": None,
         "voice": "espeak", "speed": 120, "chimes": False, "field": 5, "priority": "priority",
         "valid_from": "2026-11-01", "valid_until": "2026-12-01", "state": "approved", "version": 3,
         "author_id": 1, "editor_id": 1, "recording_sha": SOUND, "created_at": NOON, "updated_at": NOON + 5},
        {"id": UPLOADED, "title": "Đọc tay", "body": "", "kind": "upload", "upload": FILE, "upload_name": "đọc.mp3",
         "voice": "espeak", "speed": 135, "chimes": True, "field": 1, "priority": "normal", "valid_from": None,
         "valid_until": None, "state": "draft", "version": 1, "author_id": 2, "editor_id": 1, "recording_sha": None,
         "created_at": NOON, "updated_at": NOON},
        {"id": WAITING, "title": "Họp", "body": "Họp.", "kind": "text", "upload": None, "upload_name": None,
         "voice": "espeak", "speed": 135, "chimes": True, "field": 1, "priority": "normal", "valid_from": None,
         "valid_until": None, "state": "submitted", "version": 2, "author_id": 1, "editor_id": 1,
         "recording_sha": OLD_SOUND, "created_at": NOON, "updated_at": NOON + 7},
    ],
    "decisions": [
        {"id": 1, "bulletin_id": TEXT, "version": 3, "recording_sha": SOUND, "approved": True, "reason": None,
         "staff_id": 2, "at": NOON, "ended_at": None, "ended_why": None},
        {"id": 2, "bulletin_id": WAITING, "version": 1, "recording_sha": OLD_SOUND, "approved": True, "reason": None,
         "staff_id": 2, "at": NOON, "ended_at": NOON + 1, "ended_why": "Hoa sửa bản tin"},
        {"id": 3, "bulletin_id": WAITING, "version": 2, "recording_sha": OLD_SOUND, "approved": False,
         "reason": "Sai", "staff_id": 2, "at": NOON, "ended_at": None, "ended_why": None},
    ],
    "areas": [
        {"id": 1, "parent_id": None, "level": "xã", "name": "Mẫu", "households": 0, "lat": None, "lon": None}
    ],
    "receivers": [
        {"id": "r-1", "name": "Cột 1", "area_id": 1, "public_key": "k", "password_hash": "p", "volume": 70,
         "active": True, "simulated": False, "households": 0, "lat": None, "lon": None, "plan_stale": False,
         "added_at": NOON, "retired_at": None}
    ],
    "schedules": [
        {"id": 1, "uid": "u", "bulletin_id": TEXT, "kind": "once", "at": "12:30:00.000000", "weekdays": 0,
         "start_date": "2026-11-21", "end_date": "2026-11-21", "is_now": False, "staff_id": 1,
         "created_at": NOON, "ended_at": None, "planned_until": NOON}
    ],
    "broadcasts": [
        {"id": 1, "occurrence": "u.1", "schedule_id": 1, "bulletin_id": TEXT, "title": "Tiêm chủng",
         "priority": "priority", "field": 5, "starts_at": NOON + 9, "recording_sha": SOUND, "last_sha": OLD_SOUND,
         "ms": 30_000, "author": "Hoa", "approver": "Minh", "approver_login": "minh", "scheduler": "Hoa",
         "state": "planned", "reason": None, "stop_requested_at": None, "planned_at": NOON},
        {"id": 2, "occurrence": "u.2", "schedule_id": 1, "bulletin_id": TEXT, "title": "Tiêm chủng",
         "priority": "priority", "field": 5, "starts_at": NOON + 10, "recording_sha": None, "last_sha": None,
         "ms": 0, "author": "Hoa", "approver": None, "approver_login": None, "scheduler": "Hoa",
         "state": "planned", "reason": None, "stop_requested_at": None, "planned_at": NOON},
    ],
    "deliveries": [
        {"id": number, "broadcast_id": number, "receiver_id": "r-1", "receiver_name": "Cột 1", "area_name": "xã Mẫu",
         "state": "planned"}
        for number in (1, 2)
    ],
    "plans": [{"receiver_id": "r-1", "rev": rev, "made_at": NOON + rev, "jws": b"."} for rev in (4, 5)],
    "outbox": [
        {"receiver_id": "r-1", "rev": 5, "urgent": True, "queued_at": NOON + 9, "published_at": None, "refused": None}
    ],
}  # fmt: skip


def _alembic(connection: sa.Connection) -> alembic.config.Config:
    config = alembic.config.Config()
    folder = Path(loa.database.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _fill(connection: sa.Connection) -> None:
    for table, rows in ROWS.items():
        names, marks = ", ".join(rows[0]), ", ".join(f":{column}" for column in rows[0])
        insert = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names from above
        connection.execute(sa.text(insert), rows)


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    """A station of revision 0001, brought up to date."""
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        alembic.command.upgrade(_alembic(connection), "0001")
        _fill(connection)
    engine.dispose()
    database = Database(database_url)
    database.upgrade()
    with database.read() as opened:
        yield opened
    database.close()


def test_a_text_becomes_a_bulletin_of_one_part(session: Session) -> None:
    found = bulletins.get(session, TEXT)
    assert found.parts == (Text(body="Mời bà con.", voice="espeak", speed=120),)
    assert (found.translations, found.sounds, found.chimes) == ((), {"vi": SOUND}, False)
    assert (found.state, found.priority, found.field) == (State.APPROVED, Priority.PRIORITY, 5)
    assert (found.valid_from, found.valid_until) == (date(2026, 11, 1), date(2026, 12, 1))


def test_an_uploaded_file_becomes_a_recorded_part_and_waits_for_its_preview(
    session: Session,
) -> None:
    found = bulletins.get(session, UPLOADED)
    assert found.parts == (Recorded(upload=FILE, name="đọc.mp3"),)
    assert found.sounds == {}
    assert [(u.sha256, u.examined_at) for u in session.scalars(sa.select(Upload))] == [(FILE, None)]


def test_the_version_that_is_there_is_kept_as_it_is(session: Session) -> None:
    for bulletin in session.scalars(sa.select(Bulletin)):
        (kept,) = versions.listing(session, bulletin.id)
        assert (kept.version, kept.content) == (bulletin.version, bulletin.draft)
        assert (kept.staff_id, kept.at) == (bulletin.editor_id, bulletin.updated_at)


def test_approvals_stay_in_force_and_ended_ones_ended(session: Session) -> None:
    in_force = decisions.in_force(session, [TEXT, UPLOADED, WAITING])
    assert {number: (a.sounds, a.logins) for number, a in in_force.items()} == {
        TEXT: ({"vi": SOUND}, ["minh"])
    }
    last = decisions.last_complete(session, WAITING)
    assert last is not None
    assert (last.version, last.ended_why) == (1, "Hoa sửa bản tin")
    assert decisions.last_complete(session, UPLOADED) is None


def test_what_waits_says_since_when_and_that_it_was_changed(session: Session) -> None:
    (waiting,) = library.waiting(session)
    assert (waiting.id, waiting.submitted_at) == (WAITING, NOON + 7)
    assert bulletins.changes(session, [waiting]) == {WAITING: versions.Difference((), ())}


def test_all_can_be_searched(session: Session) -> None:
    assert [b.id for b in library.listing(session, Wanted(search="moi ba con"))] == [TEXT]
    assert [b.id for b in library.listing(session, Wanted(search="đọc"))] == [UPLOADED]
    for bulletin in session.scalars(sa.select(Bulletin)):
        assert bulletin.search_key == bulletins.search_key(bulletin.draft)


def test_each_delivery_has_the_sound_its_broadcast_had(session: Session) -> None:
    first, second = session.scalars(sa.select(Broadcast).order_by(Broadcast.id))
    assert (first.approver, first.approver_logins) == ("Minh", ["minh"])
    assert (second.approver, second.approver_logins) == (None, [])
    found = [
        (d.language, d.recording_sha, d.last_sha, d.ms)
        for broadcast in (first, second)
        for d in broadcast.deliveries
    ]
    assert found == [("vi", SOUND, OLD_SOUND, 30_000), ("vi", None, None, 0)]


def test_a_recording_names_the_voices_that_spoke(session: Session) -> None:
    found = session.scalars(sa.select(Recording).order_by(Recording.sha256))
    assert [recording.voices for recording in found] == [["espeak"], []]


def test_receivers_that_were_there_count_as_heard(session: Session) -> None:
    (receiver,) = session.scalars(sa.select(Receiver)).unique()
    assert receiver.confirmed_at == receiver.added_at == NOON


def test_receivers_that_were_there_are_found_by_their_names(session: Session) -> None:
    (receiver,) = session.scalars(sa.select(Receiver)).unique()
    assert receiver.search_key == "cot 1\ncột 1"
    assert (receiver.muted, receiver.delay_ms, receiver.restarts) == (False, 0, 0)


def test_a_plan_on_its_way_keeps_its_haste_and_its_age(session: Session) -> None:
    (waiting,) = plans.waiting(session, 10)
    assert (waiting.receiver_id, waiting.rev, waiting.lane) == ("r-1", 5, Lane.URGENT)
    assert session.scalars(sa.select(Outgoing.made_at)).one() == NOON + 5
