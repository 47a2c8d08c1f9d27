from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from content import bulletins, recordings, renderings
from content.bulletins import Draft, Kind
from content.recordings import Recording, Rendering, RenderingState
from loa import config
from loa.config import Config
from loa.database import Database
from loa.errors import ContentError
from loa.times import after
from tests.cast import NOON, settle_in

DRAFT = Draft(title="Họp thôn", body="Họp thôn lúc 7h30.")


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    return config.parse(b"", tmp_path / "config.toml")


def ask(database: Database, draft: Draft = DRAFT) -> int:
    with database.write() as session:
        bulletin = bulletins.write(session, settle_in(session).hoa, draft, NOON)
        recordings.queue(session, bulletin, NOON)
        return bulletin.id


def test_words_become_the_bulletins_sound(database: Database, settings: Config) -> None:
    bulletin_id = ask(database)
    assert renderings.render_next(database, settings)
    assert not renderings.render_next(database, settings)
    with database.read() as session:
        bulletin = bulletins.get(session, bulletin_id)
        recording = session.get_one(Recording, bulletin.recording_sha)
        rendering = recordings.latest_rendering(session, bulletin_id)
    assert recording.spoken == "Họp thôn lúc bảy giờ ba mươi phút."
    assert recording.voice == "espeak"
    assert 8_000 < recording.ms < 16_000  # two chimes and two seconds of speech
    made = recordings.file(settings.recordings, recording.sha256).read_bytes()
    assert hashlib.sha256(made).hexdigest() == recording.sha256
    assert rendering is not None
    assert (rendering.state, rendering.percent) == (RenderingState.DONE, 100)


def test_a_sound_of_words_edited_meanwhile_is_not_taken(
    database: Database, settings: Config
) -> None:
    bulletin_id = ask(database)
    with database.write() as session:
        rendering = renderings.claim(session, NOON)
        bulletin = bulletins.get(session, bulletin_id)
    made, spoken = renderings._make(database, settings, rendering, bulletin, lambda: NOON)
    with database.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        bulletins.edit(session, bulletin, bulletin.author, replace(DRAFT, body="Hoãn họp."), NOON)
        recordings.queue(session, bulletin, NOON)
    with database.write() as session:
        renderings._finish(session, rendering, made, spoken, NOON)
        assert bulletins.get(session, bulletin_id).recording_sha is None
    assert renderings.render_next(database, settings)
    with database.read() as session:
        newest = bulletins.get(session, bulletin_id).recording_sha
        assert newest is not None
        assert newest != made.sha256


def test_a_claim_is_exclusive_until_its_worker_is_dead(database: Database) -> None:
    ask(database)
    with database.write() as session:
        assert renderings.claim(session, NOON)
        assert renderings.claim(session, NOON) is None
        assert renderings.claim(session, after(NOON, renderings.CLAIM)) is None
        assert renderings.claim(session, after(NOON, renderings.CLAIM + 1))


def test_a_file_that_is_no_sound_fails_with_a_sentence(
    database: Database, settings: Config
) -> None:
    settings.uploads.mkdir(parents=True)
    (settings.uploads / "x").write_text("đây không phải âm thanh")
    bulletin_id = ask(database, replace(DRAFT, kind=Kind.UPLOAD, upload="x", upload_name="x.mp3"))
    assert renderings.render_next(database, settings)
    with database.read() as session:
        rendering = recordings.latest_rendering(session, bulletin_id)
    assert rendering is not None
    assert rendering.state == RenderingState.FAILED
    assert rendering.error
    assert "Hãy" in rendering.error


def test_asking_again_drops_what_still_waits(database: Database) -> None:
    bulletin_id = ask(database)
    with database.write() as session:
        recordings.queue(session, bulletins.get(session, bulletin_id), NOON)
        assert session.scalar(sa.select(sa.func.count()).select_from(Rendering)) == 1


def test_an_empty_upload_is_refused_at_its_field(settings: Config, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(ContentError) as caught:
        recordings.keep_upload(settings, tmp_path / "empty", "a" * 64)
    assert caught.value.field == "upload"
