"""The block server: each asked block once, whoever asks, however oddly."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import blocks, messages
from devices.blocks import GATHER_MS, READING_MS, REPEAT_MS, BlockServer
from loa.times import DAY, Instant, after

NOW = Instant(1_795_289_283_123)
LATER = after(NOW, GATHER_MS)
SOUND = bytes(range(256)) * 256 * 3 + b"the rest"
SHA = hashlib.sha256(SOUND).hexdigest()


@pytest.fixture
def path(tmp_path) -> Path:
    file = tmp_path / "sound.mp3"
    file.write_bytes(SOUND)
    return file


@pytest.fixture
def published() -> list[tuple[str, bytes]]:
    return []


@pytest.fixture
def server(path, published) -> BlockServer:
    return BlockServer({SHA: path}.get, lambda topic, data: published.append((topic, data)))


def get(*want: int, sha: str = SHA) -> bytes:
    return messages.encode(messages.Get(sha=sha, want=want))


def topics(published: list[tuple[str, bytes]]) -> list[str]:
    return [topic.rpartition("/")[2] for topic, _ in published]


def test_it_publishes_what_is_asked_and_the_whole_is_the_sound(server, published):
    server.asked("r-0001", get(3, 0, 1, 2), NOW)
    assert server.send_due(NOW) == after(NOW, GATHER_MS)
    assert not published
    assert server.send_due(after(NOW, GATHER_MS)) is None
    assert [topic for topic, _ in published] == [
        f"loa/1/audio/{SHA[:16]}/{block}" for block in (3, 0, 1, 2)
    ]
    assert all(len(data) == 65_536 for _, data in published[1:])
    assert b"".join(data for _, data in published[1:]) + published[0][1] == SOUND


def test_a_block_asked_by_all_at_once_is_sent_once(server, published):
    for number in range(200):
        server.asked(f"r-{number:04}", get(0, 0, 1), after(NOW, number))
        server.send_due(after(NOW, number))
    server.send_due(after(NOW, GATHER_MS))
    assert topics(published) == ["0", "1"]


def test_who_asks_just_after_a_block_was_sent_gets_it_a_second_later(server, published):
    server.asked("r-0001", get(0), NOW)
    sent = after(NOW, GATHER_MS)
    server.send_due(sent)
    for number in range(2, 50):
        server.asked(f"r-{number:04}", get(0), after(sent, number))
    assert server.send_due(after(sent, 999)) == after(sent, REPEAT_MS)
    assert topics(published) == ["0"]
    server.send_due(after(sent, REPEAT_MS))
    assert topics(published) == ["0", "0"]


def test_nobody_is_waited_for_once_all_readers_have_asked_again(server, published):
    for number in range(3):
        server.asked(f"r-{number:04}", get(0), NOW)
    server.send_due(LATER)
    server.asked("r-0000", get(1), after(LATER, 10))
    server.asked("r-0001", get(1), after(LATER, 20))
    assert server.send_due(after(LATER, 20)) == after(LATER, 10 + GATHER_MS)
    server.asked("r-0002", get(1), after(LATER, 30))
    assert server.send_due(after(LATER, 30)) is None
    assert topics(published) == ["0", "1"]


def test_who_is_slower_than_the_others_is_waited_for_as_long_as_ever(server, published):
    for rid in ("r-0001", "r-0002"):
        server.asked(rid, get(0), NOW)
    server.send_due(LATER)
    server.asked("r-0001", get(1), LATER)
    assert server.send_due(after(LATER, GATHER_MS - 1)) == after(LATER, GATHER_MS)
    server.send_due(after(LATER, GATHER_MS))
    assert topics(published) == ["0", "1"]
    server.asked("r-0002", get(1), after(LATER, GATHER_MS))  # it comes to it anyway
    server.asked("r-0001", get(2), after(LATER, GATHER_MS))
    server.send_due(after(LATER, GATHER_MS))
    assert topics(published) == ["0", "1", "2"]


def test_all_readers_together_get_no_block_twice_within_a_second(server, published):
    server.asked("r-0001", get(0), NOW)
    server.send_due(LATER)
    server.asked("r-0001", get(0, 1), LATER)
    assert server.send_due(LATER) == after(LATER, REPEAT_MS)
    assert topics(published) == ["0", "1"]
    server.send_due(after(LATER, REPEAT_MS))
    assert topics(published) == ["0", "1", "0"]


def test_two_sounds_read_at_once_keep_their_own_readers(server, path, published):
    other = "b" * 64
    server = BlockServer({SHA: path, other: path}.get, lambda topic, _: published.append(topic))
    for rid, sha in (("r-0001", SHA), ("r-0002", other), ("r-0003", SHA), ("r-0003", other)):
        server.asked(rid, get(0, sha=sha), NOW)
        server.asked(rid, get(1, sha=sha), NOW)
    server.send_due(LATER)
    assert len(published) == 4
    server.asked("r-0001", get(2), LATER)
    server.asked("r-0002", get(2, sha=other), LATER)
    server.asked("r-0003", get(2, sha=other), LATER)
    server.send_due(LATER)
    assert published[4:] == [f"loa/1/audio/{other[:16]}/2"]


def test_who_reads_no_more_is_forgotten(server, published):
    server.asked("r-0001", get(0), NOW)
    server.send_due(LATER)
    server.send_due(after(NOW, READING_MS))
    assert not server._rounds
    server.asked("r-0001", get(1), after(NOW, READING_MS))
    server.send_due(after(NOW, READING_MS))
    assert topics(published) == ["0"]


def test_a_block_beyond_the_end_and_a_sound_unknown_are_ignored(server, published, caplog):
    server.asked("r-0001", get(4, 4095), NOW)
    server.asked("r-0001", get(0, sha="0" * 64), NOW)
    server.send_due(LATER)
    assert not published
    assert "has no block 4095" in caplog.text
    assert "0000000000000000, which is not here" in caplog.text


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[" * 500,
        b"\xff\xfe",
        b"null",
        b'{"sha":"../../etc/passwd","want":[0]}',
        json.dumps({"sha": SHA.upper(), "want": [0]}).encode(),
        json.dumps({"sha": SHA, "want": []}).encode(),
        json.dumps({"sha": SHA, "want": [-1]}).encode(),
        json.dumps({"sha": SHA, "want": [4096]}).encode(),
        json.dumps({"sha": SHA, "want": list(range(9))}).encode(),
        json.dumps({"sha": SHA, "want": [0], "sz": 1024}).encode(),
        json.dumps({"sha": SHA, "want": [0], "more": "x" * 500}).encode(),
    ],
)
def test_what_it_does_not_understand_it_logs_and_ignores(server, published, payload, caplog):
    server.asked("r-0001", payload, NOW)
    server.send_due(LATER)
    assert not published
    assert "r-0001 asks for sound" in caplog.text


@given(st.binary(max_size=600))
def test_no_bytes_make_it_fail(payload):
    BlockServer(lambda sha: None, lambda topic, data: None).asked("r-0001", payload, NOW)


def test_one_receiver_cannot_keep_it_busy_nor_others_waiting(path, caplog):
    sent: list[str] = []
    server = BlockServer(lambda sha: path, lambda topic, data: sent.append(topic))
    for number in range(100):
        server.asked("r-0001", get(0, sha=f"{number:064x}"), NOW)
    server.send_due(LATER)
    assert len(sent) == 20
    assert "too often" in caplog.text
    server.asked("r-0002", get(1), NOW)
    for _ in range(5):
        server.asked("r-0001", get(2), after(NOW, 199))
    server.send_due(LATER)
    assert len(sent) == 21
    server.asked("r-0001", get(2), after(NOW, 200))
    server.asked("r-0001", get(3), after(NOW, 200))
    server.send_due(after(LATER, 200))
    assert len(sent) == 22


def test_a_long_sound_is_fetched_at_five_requests_a_second(path):
    sent: list[str] = []
    server = BlockServer(lambda sha: path, lambda topic, data: sent.append(topic))
    for number in range(100):
        server.asked("r-0001", get(0, sha=f"{number:064x}"), after(NOW, number * 200))
        server.send_due(after(NOW, number * 200))
    server.send_due(after(NOW, DAY))
    assert len(sent) == 100


def test_a_clock_set_back_stops_nothing(server, published):
    for _ in range(20):
        server.asked("r-0001", get(0), NOW)
    server.send_due(LATER)
    back = Instant(NOW - DAY)
    server.asked("r-0001", get(0), back)
    server.send_due(after(back, GATHER_MS))
    assert topics(published) == ["0", "0"]
    server.asked("r-0002", get(1), NOW)
    server.send_due(back)  # set back while a block waits
    assert topics(published) == ["0", "0", "1"]


def test_its_memory_has_an_end(path, monkeypatch):
    monkeypatch.setattr(blocks, "MOST_RECEIVERS", 10)
    monkeypatch.setattr(blocks, "MOST_BLOCKS", 10)
    monkeypatch.setattr(blocks, "MOST_SOUNDS", 10)
    server = BlockServer(lambda sha: path, lambda topic, data: None)
    for number in range(100):
        server.asked(f"r-{number:04}", get(0, 1, 2, sha=f"{number:064x}"), NOW)
        assert len(server._due) <= 10
        assert len(server._rounds) <= 10
    for second in range(100):
        server.asked(f"r-{second:04}", get(0, 1, 2, sha=f"{second:064x}"), after(NOW, second))
        server.send_due(after(NOW, second + GATHER_MS))
    assert len(server._spent) == 10
    assert len(server._sent) <= 10 + 3


def test_a_file_that_cannot_be_read_is_logged_and_none_stays_open(path, published, caplog):
    descriptors = Path("/proc/self/fd")
    files = len(list(descriptors.iterdir())) if descriptors.exists() else 0
    server = BlockServer(lambda sha: path.parent, lambda topic, data: None)
    server.asked("r-0001", get(0), NOW)
    server.send_due(LATER)
    assert "cannot be read" in caplog.text
    path.unlink()
    gone = BlockServer(lambda sha: path, lambda topic, data: None)
    gone.asked("r-0001", get(0), NOW)
    gone.send_due(LATER)
    if files:
        assert len(list(descriptors.iterdir())) == files
