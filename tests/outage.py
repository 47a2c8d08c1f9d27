"""The link of real receiver processes is down around two broadcasts: `python -m tests.outage MINUTES`.

The test suite does it within a minute; with 120 it is the two hours a commune may be cut off.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from devices.receiver.identity import STATION
from loa import times
from loa.times import SECOND, Instant, after
from tests.house import ROOT, House
from tests.line import Line
from tests.parts import wait_until

SENTENCE = "Họp thôn lúc 19h30."


def process(station: House, folder: Path) -> subprocess.Popen[bytes]:
    """The receiver of ``folder`` as ``loa receiver run`` runs it."""
    with (folder / "said.log").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "loa.cli", "receiver", "run", str(folder), "--output", "wav"], cwd=ROOT,
            env=station.environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
        )  # fmt: skip


def through(line: Line, folder: Path) -> None:
    """Let the receiver of ``folder`` reach the broker by that line alone."""
    told = json.loads((folder / STATION).read_text())
    assert told["mqtt"]["port"] == line.target
    told["mqtt"]["port"] = line.port
    (folder / STATION).write_text(json.dumps(told))


def wait_for(moment: Instant) -> None:
    while times.now() < moment:
        time.sleep(min(1.0, max(0.0, (moment - times.now()) / SECOND)))


def outage(station: House, seconds: float, say: Callable[[str], None] = lambda _: None) -> Report:
    """Cut three receivers off for ``seconds``, with a broadcast a quarter and three quarters into it."""
    station.furnish(3)
    station.fleet.stop()
    line = Line(station.mqtt_port)
    folders = sorted(path for path in station.receivers.iterdir() if path.is_dir())
    for folder in folders:
        through(line, folder)
    poles = [process(station, folder) for folder in folders]
    try:
        return _through_it(station, line, seconds, say)
    finally:
        for pole in poles:
            pole.terminate()
            pole.wait(60)
        line.stop()


def _through_it(station: House, line: Line, seconds: float, say: Callable[[str], None]) -> Report:
    bulletin = station.approved(SENTENCE)
    station.schedule(bulletin, 4)  # now they have the sound; else they fetch it at leisure
    wait_until(lambda: station.results() == ["đã phát"] * 3, "the sound to be fetched", 120)
    starts = [station.schedule(bulletin, 6 + seconds * part) for part in (0.25, 0.75)]
    wait_until(lambda: station.results().count("sẵn sàng") == 6, "all to be ready", 120)
    line.silent = True
    down = times.now()
    assert down < starts[0]
    say(f"line down; broadcasts at {starts}")
    wait_for(after(starts[1], int(0.25 * seconds * SECOND)))
    # The station ends such waits every few seconds, not at the instant.
    given_up = "the wait for the first one's evidence to end"
    wait_until(lambda: station.results().count("chưa có xác nhận") >= 3, given_up, 120)
    before = station.results()
    say(f"{(times.now() - down) / SECOND:.0f} s without a line: the log says {before}")
    line.silent = False
    line.cut()
    wait_until(lambda: station.results() == ["đã phát"] * 9, "the evidence to arrive", 300)
    late = sorted(int(row["trễ (ms)"]) for row in station.rows())
    say(f"line up: the log says {station.results()}; started {late} ms after their time")
    return Report(times.now() - down, before, late)


class Report:
    """What an outage of ``ms`` came to."""

    def __init__(self, ms: int, before: list[str], late: list[int]) -> None:
        self.ms, self.before, self.late = ms, before, late


def main(minutes: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        station = House(Path(folder) / "station", "mosquitto")
        try:
            station.start()
            outage(
                station,
                minutes * 60,
                lambda text: print(time.strftime("%H:%M:%S"), text, flush=True),
            )
        finally:
            station.stop()


if __name__ == "__main__":
    main(float(sys.argv[1]))
