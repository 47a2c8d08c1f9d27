"""The plug is pulled while a file is on its way in, and while its sound is made: nothing is lost or half made."""

from __future__ import annotations

import contextlib
import hashlib
import math
import re
import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.house import House, _shown_once
from tests.parts import wait_until
from tests.visitor import Visitor

MINUTES = 6
RATE = 8_000
PIECE = 1 << 20
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "station", "embedded")
    made.start()
    yield made
    made.stop()


def hoa_of(house: House) -> Visitor:
    admin = house.visitor("quantri", house.admin_password)
    page = admin.send("/can-bo/moi", login="hoa", name="Hoa", role="editor").text
    return house.visitor("hoa", _shown_once(page))


def minutes_of_sound() -> bytes:
    """A WAV of a beating tone, long enough to be caught half-way."""
    ten = [round(9_000 * math.sin(t / 3) * abs(math.sin(t / 1_500))) for t in range(10 * RATE)]
    samples = struct.pack(f"<{len(ten)}h", *ten) * (6 * MINUTES)
    head = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVEfmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16,
                       b"data", len(samples))  # fmt: skip
    return head + samples


def pull_the_plug(house: House) -> None:
    """On all processes of the station at once: none can say good-bye to another."""
    assert house.server is not None
    main = psutil.Process(house.server.pid)
    for process in [main, *main.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    house.kill()


class Transfer:
    """A file on its way in, as a browser sends it."""

    def __init__(self, house: House, hoa: Visitor, sound: bytes) -> None:
        self.house, self.hoa, self.sound = house, hoa, sound
        answer = self._ask("POST", "/tep", {"Upload-Length": str(len(sound))})
        assert answer.status_code == 201
        self.where = answer.headers["Location"]

    def _ask(
        self, method: str, path: str, headers: dict[str, str], data: bytes = b""
    ) -> requests.Response:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.hoa.page("/")).group(1)
        told = {**TUS, "X-CSRFToken": token, **headers}
        return self.hoa.session.request(
            method, self.house.base + path, headers=told, data=data, timeout=30
        )

    def offset(self) -> int:
        return int(self._ask("HEAD", self.where, {}).headers["Upload-Offset"])

    def send(self, upto: int) -> str:
        """Send pieces until the server has ``upto`` bytes; the hash once it has all."""
        sha, at = "", self.offset()
        while at < upto:
            piece = self.sound[at : at + PIECE]
            told = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(at)}
            answer = self._ask("PATCH", self.where, told, piece)
            assert answer.status_code == 204
            at, sha = int(answer.headers["Upload-Offset"]), answer.headers.get("Upload-Sha256", "")
        return sha


def rendering(house: House) -> tuple[str, int]:
    """State and percent of the one there is."""
    path = house.folder / "data" / "loa.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
        (found,) = opened.execute("select state, percent from renderings").fetchall()
    return found


def half_way(house: House) -> bool:
    state, percent = rendering(house)
    assert state in ("queued", "running"), f"{state} before it could be killed on its way"
    return state == "running" and percent >= 10


def test_a_killed_station_loses_no_upload_and_leaves_no_half_bulletin(house: House) -> None:
    hoa, sound = hoa_of(house), minutes_of_sound()
    transfer = Transfer(house, hoa, sound)
    transfer.send(3 * PIECE)
    pull_the_plug(house)
    house.start()
    assert transfer.offset() == 3 * PIECE
    sha = transfer.send(len(sound))
    assert sha == hashlib.sha256(sound).hexdigest()

    recorded = {"parts-0-kind": "recorded", "parts-0-kept": sha, "parts-0-kept_name": "họp.wav"}
    here = hoa.send("/ban-tin/moi", title="Họp", **recorded).url.removeprefix(house.base)
    wait_until(lambda: half_way(house), "the making to be on its way", 120)
    pull_the_plug(house)
    assert rendering(house)[0] == "running"
    assert (house.folder / "data" / "uploads" / sha).read_bytes() == sound
    assert not list((house.folder / "data" / "recordings").rglob("*.mp3"))

    house.start()
    wait_until(lambda: rendering(house)[0] == "done", "the sound to be made after all", 120)
    assert "Gửi duyệt" in hoa.page(here)
    (made,) = (house.folder / "data" / "recordings").rglob("*.mp3")
    assert hashlib.sha256(made.read_bytes()).hexdigest() == made.stem
    wait_until(
        lambda: not list((house.folder / "data" / "work").iterdir()), "the work to be tidied", 60
    )
    assert (house.folder / "data" / "uploads" / sha).read_bytes() == sound
