"""A receiver whose line is slow, in the middle of a download, when an emergency comes: real broker, real receiver."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices import messages
from devices.conformance.clauses import Group
from devices.conformance.hall import Hall
from devices.conformance.on_audio import big_sound
from devices.conformance.sounds import silence
from devices.conformance.stand import Stand
from devices.messages import BLOCK_BYTES
from loa.times import SECOND
from tests.parts import need
from tests.slow_line import SlowLine

RATE = int(os.environ.get("LOA_SLOW_LINE", "256000")) // 8
"""Bytes a second."""
BLOCKS = 40
PATIENCE = 600.0


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    need("mosquitto")
    group = Group("slow", ())
    hall = Hall(tmp_path, f"{sys.executable} -m loa.cli receiver run", (group,), patience=4)
    try:
        hall.open()
        yield hall.stand(group)
    finally:
        hall.close()


@pytest.fixture
def line(stand: Stand) -> Iterator[SlowLine]:
    made = SlowLine(stand.line.port, RATE)
    file = stand.folder / "station.json"
    told = json.loads(file.read_text())
    told["mqtt"]["port"] = made.port
    file.write_text(json.dumps(told))
    yield made
    made.stop()


def test_an_emergency_waits_for_no_more_than_a_block_that_is_on_its_way(
    stand: Stand, line: SlowLine
) -> None:
    stand.start()
    sound, alarm = big_sound(stand, "long", BLOCKS), silence(SECOND, "alarm")
    occ = stand.occurrence(sound, in_ms=15 * SECOND)
    stand.order(occ, sounds=[sound])
    stand.until(lambda: line.carried > 2.3 * BLOCK_BYTES, "the third block", PATIENCE)
    before = line.look_for(messages.plan_topic(stand.rid))
    emergency = stand.occurrence(alarm, in_ms=10 * SECOND, cls="E")
    plan = stand.order(occ, emergency, key=stand.keys.alarm, sounds=[sound, alarm])
    stand.accepted(plan, PATIENCE)
    waited = line.found - before
    print(f"the emergency waited for {waited} bytes: {waited / RATE:.2f} s at {RATE * 8} bit/s")
    assert line.found > 0
    assert waited <= 2 * BLOCK_BYTES
    assert before + waited < BLOCKS * BLOCK_BYTES, "the sound was there already: nothing is shown"
