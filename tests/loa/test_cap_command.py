from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest
import sqlalchemy as sa

from content.voices import wire
from content.voices.wire import Answer
from loa import cli, times
from loa.commands import cap as command
from loa.database import Database
from loa.times import HOUR
from scheduler import cap
from scheduler.alerts import Alert, State
from tests.cast import settle_in

SAMPLES = Path(__file__).parent.parent / "cap"


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOA_DATABASE_URL", raising=False)
    (tmp_path / "config.toml").write_text("")
    database = Database(f"sqlite:///{tmp_path / 'data' / 'loa.db'}")
    database.upgrade()
    with database.write() as session:
        settle_in(session, now=times.now())
    return database


@pytest.fixture
def message(tmp_path: Path) -> Path:
    """The sample, not expired yet."""
    later = cap.stamp(times.after(times.now(), 3 * HOUR), UTC)
    text = (SAMPLES / "alert.xml").read_text().replace("2026-11-21T15:00:00+07:00", later)
    path = tmp_path / "tin.xml"
    path.write_text(text)
    return path


def waiting(database: Database) -> list[State]:
    with database.read() as session:
        return list(session.scalars(sa.select(Alert.state)))


def test_a_file_is_brought_once_and_waits(station, message, capsys) -> None:
    for _ in range(2):
        assert cli.main(["cap", str(message), "--as", "hoa"]) == 0
        assert "LU-001: Đã chuẩn bị lệnh khẩn cấp" in capsys.readouterr().out
    assert waiting(station) == [State.WAITING]


@pytest.mark.parametrize(
    ("source", "login", "sentence"),
    [
        ("khong-co.xml", "hoa", "Không đọc được tệp"),
        ("http://example.org/tin.xml", "hoa", "Chỉ lấy tin CAP qua https"),
        (str(SAMPLES / "alert.xml"), "ai-do", "Không có cán bộ"),
        (str(SAMPLES / "bad" / "no_xml.xml"), "hoa", "không phải XML"),
        (str(SAMPLES / "alert.xml"), "lan", "không có quyền"),
    ],
)
def test_it_says_what_is_wrong(station, capsys, source, login, sentence) -> None:
    assert cli.main(["cap", source, "--as", login]) == 1
    assert sentence in capsys.readouterr().err
    assert waiting(station) == []


class FakeLine:
    answer: Answer | Exception

    def __init__(self, limits: wire.Limits) -> None:
        assert limits.most_bytes == cap.MOST_BYTES

    def __enter__(self) -> FakeLine:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def get(self, url: str) -> Answer:
        assert url == "https://example.org/tin.xml"
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(404, b""), "mã 404"),
        (Answer(302, b""), "mã 302"),
        (wire.NoAnswer(), "không trả lời"),
        (TimeoutError(), "không trả lời"),
        (wire.Untrusted(), "chứng chỉ"),
        (wire.TooMuch(), "dài quá 256 kB"),
    ],
)
def test_an_address_that_gives_no_message(station, capsys, monkeypatch, answer, sentence) -> None:
    monkeypatch.setattr(FakeLine, "answer", answer, raising=False)
    monkeypatch.setattr(command.wire, "Line", FakeLine)
    assert cli.main(["cap", "https://example.org/tin.xml", "--as", "hoa"]) == 1
    assert sentence in capsys.readouterr().err


def test_an_address_that_gives_one(station, message, capsys, monkeypatch) -> None:
    monkeypatch.setattr(FakeLine, "answer", Answer(200, message.read_bytes()), raising=False)
    monkeypatch.setattr(command.wire, "Line", FakeLine)
    assert cli.main(["cap", "https://example.org/tin.xml", "--as", "hoa"]) == 0
    assert waiting(station) == [State.WAITING]
