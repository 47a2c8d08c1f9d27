"""Two who write to one SQLite database without a pause: each gets its turn."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from loa import bell
from loa.bell import Bell
from loa.database import Database


def test_who_rings_goes_first_and_delays_nobody_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    steady = SimpleNamespace(monotonic=lambda: sum(waited), sleep=waited.append)
    monkeypatch.setattr(bell, "time", steady)
    one, other = Bell(tmp_path / "bell"), Bell(tmp_path / "bell")
    with one.rung():
        pass
    assert waited == []
    with other.rung():
        with one.rung():
            assert sum(waited) == pytest.approx(bell.MOST_SECONDS, abs=2 * bell.LOOK_SECONDS)
        waited.clear()
    other.rings = False
    with other.rung(), one.rung():
        assert waited == []
    with one.rung(), other.rung():
        assert sum(waited) == pytest.approx(bell.MOST_SECONDS, abs=2 * bell.LOOK_SECONDS)


@pytest.mark.parametrize("failing", ["open", "flock"])
def test_where_there_can_be_no_bell_all_write_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(bell.os if failing == "open" else bell.fcntl, failing, refuse)
    with Bell(tmp_path / "bell").rung():
        pass


def test_who_may_not_write_it_may_ring_it_whatever_the_mask_of_its_maker(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with Bell(tmp_path / "bell").rung():
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "bell").stat().st_mode & 0o777 == 0o644


def test_one_that_writes_without_a_pause_lets_another_process_write(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'loa.db'}"
    busy, other = Database(url), Database(url)  # as two processes have them: neither shares a turn
    with other.write() as session:
        session.execute(sa.text("CREATE TABLE written (n INTEGER)"))
    begun, written, most = threading.Event(), [0], 300

    def write_on_and_on() -> None:
        while written[0] < most:
            with busy.write() as session:
                session.execute(sa.text("INSERT INTO written VALUES (1)"))
                begun.set()
                time.sleep(0.03)
            written[0] += 1

    thread = threading.Thread(target=write_on_and_on)
    thread.start()
    assert begun.wait(60)
    with other.write() as session:
        session.execute(sa.text("INSERT INTO written VALUES (2)"))
    got_in_after, written[0] = written[0], most
    thread.join()
    assert got_in_after < 100
    busy.close()
    other.close()
