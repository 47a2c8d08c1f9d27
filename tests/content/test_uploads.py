"""What a person sent: kept under its hash before it is acknowledged, and heard once by the worker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from content import uploads
from content.uploads import Upload
from loa import config
from loa.config import Config
from loa.database import Database
from loa.errors import ContentError
from loa.times import after
from tests.cast import NOON

A, B = "a" * 64, "b" * 64


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    return config.parse(b"", tmp_path / "config.toml")


def test_a_file_is_kept_under_its_hash(settings: Config, tmp_path: Path) -> None:
    (tmp_path / "arrived").write_bytes(b"ID3...")
    assert uploads.keep(settings, tmp_path / "arrived", A) == A
    assert (settings.uploads / A).read_bytes() == b"ID3..."
    assert not (tmp_path / "arrived").exists()


def test_the_file_and_its_name_are_on_the_disk_before_it_is_acknowledged(
    settings: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    (tmp_path / "arrived").write_bytes(b"ID3...")
    uploads.keep(settings, tmp_path / "arrived", A)
    assert synced == [str(tmp_path / "arrived"), str(settings.uploads)]


def test_the_same_file_sent_twice_is_kept_once(settings: Config, tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "arrived").write_bytes(b"ID3...")
        uploads.keep(settings, tmp_path / "arrived", A)
    assert [path.name for path in settings.uploads.iterdir()] == [A]


def test_an_empty_file_is_refused_at_its_field(settings: Config, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(ContentError) as caught:
        uploads.keep(settings, tmp_path / "empty", A)
    assert caught.value.field == "upload"
    assert "0 byte" in caught.value.sentence


def test_uploads_are_noted_once_and_examined_oldest_first(database: Database) -> None:
    with database.write() as session:
        uploads.note(session, [B], NOON)
        uploads.note(session, [A, B, A], after(NOON, 1))
        waiting = uploads.next_unexamined(session)
        assert waiting is not None
        assert (waiting.sha256, waiting.received_at) == (B, NOON)
        waiting.examined_at = after(NOON, 2)
        session.flush()
        newest = uploads.next_unexamined(session)
        assert newest is not None
        assert newest.sha256 == A
        newest.examined_at = after(NOON, 2)
        session.flush()
        assert uploads.next_unexamined(session) is None


def test_what_was_found_in_it_comes_back_as_it_was(database: Database) -> None:
    with database.write() as session:
        facts = {"ms": 1500, "lufs": -20.5, "peaks": [0, 50, 100], "head_ms": 200, "tail_ms": 0}
        session.add(Upload(sha256=A, received_at=NOON, examined_at=NOON, **facts))
    with database.read() as session:
        found = uploads.get(session, A)
        assert found is not None
        assert {name: getattr(found, name) for name in facts} == facts
        assert uploads.get(session, B) is None
