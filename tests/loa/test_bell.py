"""Two who write to one SQLite database without a pause: each gets its turn."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from loa import bell
from loa.bell import Bell
from loa.database import Database


def test_who_rings_goes_first_and_delays_nobody_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(bell.time, "monotonic", lambda: sum(waited))
    monkeypatch.setattr(bell.time, "sleep", waited.append)
    one, other = Bell(tmp_path / "bell"), Bell(tmp_path / "bell")
    with one.rung():
        pass
    assert waited == []
    with other.rung():
        with one.rung():
            assert sum(waited) == pytest.approx(bell.MOST_SECONDS, abs=2 * bell.LOOK_SECONDS)
        waited.clear()
    with one.rung():
        assert waited == []


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
