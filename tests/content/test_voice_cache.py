"""What was spoken before: kept whole, shared by threads and processes, forgotten rather than trusted."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from content.voices.cache import CHECKSUM_BYTES, LEFT_OVER_SECONDS, Cache, key


def entries(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def total(folder: Path) -> int:
    return sum(path.stat().st_size for path in entries(folder))


def aged(folder: Path, name: str, seconds: float) -> None:
    """Last used so long ago."""
    path = folder / name[:2] / name
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def test_it_gives_back_what_was_put(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    assert cache.get(key("a")) is None
    cache.put(key("a"), b"sound")
    assert Cache(tmp_path / "cache").get(key("a")) == b"sound"
    assert cache.get(key("b")) is None


def test_it_tells_every_part_of_a_key_apart() -> None:
    keys = [key("gtts", "vi", "ab"), key("gtts", "via", "b"), key("gtts", 1, "ab")]
    assert len({*keys, key("gtts", "1", "ab")}) == 4
    assert key("piper", 135, "Xin chào") == key("piper", 135, "Xin chào")


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: raw[:CHECKSUM_BYTES],
        lambda raw: raw[:-1],
        lambda raw: raw[:-1] + b"X",
        lambda raw: bytes(len(raw)),
    ],
)
def test_a_damaged_entry_is_removed(tmp_path: Path, damage: object) -> None:
    cache = Cache(tmp_path)
    cache.put(key("a"), b"sound")
    (entry,) = entries(tmp_path)
    entry.write_bytes(damage(entry.read_bytes()))  # type: ignore[operator]
    assert cache.get(key("a")) is None
    assert entries(tmp_path) == []
    cache.put(key("a"), b"sound")
    assert cache.get(key("a")) == b"sound"


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=10_000)
    for number in range(9):
        cache.put(key(number), bytes(1000))
        aged(tmp_path, key(number), 1000 - number)
    assert cache.get(key(0)) is not None  # used just now
    for number in range(9, 12):
        cache.put(key(number), bytes(1000))
    kept = {number for number in range(12) if cache.get(key(number))}
    assert {0, 9, 10, 11} <= kept
    assert not {1, 2, 3} & kept


def test_it_never_grows_beyond_its_size(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=50_000)
    for number in range(300):
        cache.put(key(number), bytes(700))
        assert total(tmp_path) <= 50_000
    assert total(tmp_path) > 40_000


def test_it_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: object) -> None:
        raise OSError(28, "No space left on device")

    cache = Cache(tmp_path)
    monkeypatch.setattr(Path, "replace", full)
    cache.put(key("a"), b"sound")
    assert entries(tmp_path) == []
    assert cache.get(key("a")) is None


def test_what_a_dead_process_left_is_swept(tmp_path: Path) -> None:
    old, new = tmp_path / "aa" / ".old", tmp_path / "aa" / ".new"
    old.parent.mkdir()
    for path in (old, new):
        path.write_bytes(b"half")
    then = old.stat().st_mtime - LEFT_OVER_SECONDS - 1
    os.utime(old, (then, then))
    Cache(tmp_path).put(key("a"), b"sound")
    assert new.exists()
    assert not old.exists()


def test_a_full_disk_or_a_closed_folder_only_means_no_cache(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    cache = Cache(tmp_path / "file" / "cache")
    for number in range(3):
        cache.put(key(number), b"sound")
        assert cache.get(key(number)) is None
    assert caplog.text.count("cannot be remembered") == 1


def test_without_a_folder_it_remembers_nothing() -> None:
    cache = Cache(None)
    cache.put(key("a"), b"sound")
    assert cache.get(key("a")) is None


def test_threads_share_it(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=20_000)

    def work(number: int) -> bool:
        name, content = key(number % 40), bytes([number % 40]) * 900
        cache.put(name, content)
        return cache.get(name) in (content, None)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))
    assert total(tmp_path) <= 20_000


WORK = """
import sys
from pathlib import Path
from content.voices.cache import Cache, key
cache = Cache(Path(sys.argv[1]), most_bytes=20_000)
for number in range(400):
    name, content = key(number % 40), bytes([number % 40]) * 900
    cache.put(name, content)
    assert cache.get(name) in (content, None), number
"""


def test_processes_share_it(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", WORK, str(tmp_path)]
    working = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    complaints = [process.communicate(timeout=60)[1].decode() for process in working]
    assert complaints == ["", ""]
    assert total(tmp_path) <= 2 * 20_000
    assert not [path for path in entries(tmp_path) if path.name.startswith(".")]
