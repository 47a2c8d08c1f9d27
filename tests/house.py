"""A whole station in processes of its own: ``loa init``, ``loa serve``, receivers, and people at its pages."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from devices.receiver import identity, run
from devices.simulator import Fleet
from loa import times
from loa.times import SECOND, Instant, after, local
from tests.parts import answers, free_port, wait_until
from tests.visitor import Visitor

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
ROOT = Path(__file__).parent.parent


MOST_LATE = 8_000
"""Milliseconds: several stations and a browser share two cores here. What a pole keeps is measured, not tested."""


@dataclass
class Bulletin:
    id: int
    sha: str


class House:
    """The station of one test, in ``folder``. ``broker`` is "embedded" or "mosquitto"."""

    def __init__(self, folder: Path, broker: str, database_url: str = "") -> None:
        self.folder = folder
        self.web_port, self.mqtt_port = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.web_port}"
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "LOA_DATABASE_URL": database_url}
        folder.mkdir(parents=True, exist_ok=True)
        # No quiet hours: what is tested here must not depend on the hour it is tested at.
        (folder / "config.toml").write_text(
            f"[web]\nport = {self.web_port}\n[mqtt]\nbroker = '{broker}'\nport = {self.mqtt_port}\n"
            "[regulation]\nquiet = []\n[delivery]\nlate_seconds = 8\ngrace_seconds = 2\nheartbeat_seconds = 2\n"
        )
        said = self.loa("init")
        self.admin_password = re.search(r"mật khẩu: (\S+)", said).group(1)
        self.server: subprocess.Popen[bytes] | None = None
        # In the field up to half a minute; here each test that pulls a plug would wait for it.
        run.RECONNECT_MOST = 2.0
        self.fleet = Fleet(self.receivers, "wav")
        self.people: dict[str, Visitor] = {}
        self.passwords: dict[str, str] = {}

    @property
    def receivers(self) -> Path:
        return self.folder / "receivers"

    def loa(self, *arguments: str) -> str:
        """Run one command beside the station; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "loa.cli", *arguments], cwd=self.folder, env=self.environment, check=False,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    # The server

    def start(self) -> None:
        with (self.folder / "serve.log").open("ab") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-m", "loa.cli", "serve"], cwd=self.folder,
                env={**self.environment, "LOA_LOG": "INFO"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        wait_until(
            lambda: answers(self.web_port) and answers(self.mqtt_port), "the station to answer", 60
        )

    def kill(self) -> None:
        """Pull the plug on the whole server: pages, clock, wire and broker."""
        assert self.server is not None
        self.server.kill()
        self.server.wait()
        wait_until(lambda: not answers(self.mqtt_port), "the broker to follow its parent")
        self.server = None

    def stop(self) -> None:
        self.fleet.stop()
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.server.wait(20)
            self.server.kill()
            self.server.wait()

    def log(self) -> str:
        return (self.folder / "serve.log").read_text(errors="replace")

    # People and places

    def visitor(self, login: str, password: str) -> Visitor:
        return Visitor(self.base).sign_in(login, password)

    def furnish(self, count: int = 3) -> None:
        """Through the pages: an area, Hoa, Minh, and ``count`` receivers that are then switched on."""
        admin = self.visitor("quantri", self.admin_password)
        admin.send("/dia-ban/moi", level="xã", name="Mẫu", households=500)
        for login, name, role in (("hoa", "Hoa", "editor"), ("minh", "Minh", "approver")):
            page = admin.send("/can-bo/moi", login=login, name=name, role=role).text
            self.passwords[login] = _shown_once(page)
            self.people[login] = self.visitor(login, self.passwords[login])
        for number in range(count):
            self.add_receiver(admin, f"cot-{number + 1}")
        self.fleet.start()
        wait_until(
            lambda: admin.page("/dau-thu").count("trực tuyến") > count,
            "the receivers to come online",
        )

    def add_receiver(self, admin: Visitor, rid: str) -> Path:
        folder = self.receivers / rid
        public_key = identity.create(folder, rid)
        new = {
            "id": rid,
            "name": f"Cột {rid}",
            "area": 1,
            "public_key": public_key,
            "households": 100,
            "volume": 60,
        }
        password = _shown_once(admin.send("/dau-thu/moi", **new).text)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', admin.page("/")).group(1)
        answer = admin.session.post(
            f"{self.base}/dau-thu/{rid}/station.json",
            data={"password": password, "csrf_token": token},
            timeout=30,
        )
        assert answer.status_code == 200
        (folder / identity.STATION).write_bytes(answer.content)
        return folder

    # The main work

    def approved(
        self, body: str, *, title: str = "Họp thôn", chimes: bool = False, **more: object
    ) -> Bulletin:
        """Hoa writes, the sound is made, Hoa submits, Minh approves what he hears."""
        hoa, minh = self.people["hoa"], self.people["minh"]
        values = {
            "title": title,
            "parts-0-body": body,
            "parts-0-kind": "text",
            "parts-0-speed": 150,
            "priority": "normal",
            "field": 1,
        }
        answer = hoa.send(
            "/ban-tin/moi", **values, **({"chimes": "y"} if chimes else {"chimes": []}), **more
        )
        number = int(answer.url.rsplit("/", 1)[1])
        here = f"/ban-tin/{number}"
        wait_until(lambda: "Gửi duyệt" in hoa.page(here), "the sound to be made", 90)
        hoa.send(here, to="/gui-duyet")
        sha = re.search(r'name="sha" value="([0-9a-f]{64})"', minh.page(here)).group(1)
        minh.send(here, to="/duyet", heard="y")
        return Bulletin(number, sha)

    def schedule(self, bulletin: Bulletin, seconds: float) -> Instant:
        """Hoa schedules it once, at the first whole second at least ``seconds`` ahead."""
        moment = local(after(times.now(), int(seconds * SECOND)), ZONE).replace(
            microsecond=0
        ) + timedelta(seconds=1)
        self.people["hoa"].send(
            f"/ban-tin/{bulletin.id}/dat-lich", kind="once", at=moment.strftime("%H:%M:%S"),
            start_date=moment.strftime("%Y-%m-%d"), area_ids=[1],
        )  # fmt: skip
        return times.instant(moment)

    def sound(self, bulletin: Bulletin) -> bytes:
        """The approved file, as the approver's page plays it."""
        return (
            self.people["minh"]
            .get(f"/ban-tin/{bulletin.id}/am-thanh.mp3", sha=bulletin.sha)
            .content
        )

    def rows(self) -> list[dict[str, str]]:
        """The broadcast log, as downloaded."""
        day = datetime.now(ZONE).date()
        span = {"tu": str(day - timedelta(days=1)), "den": str(day + timedelta(days=1))}
        answer = self.people["hoa"].get("/nhat-ky.csv", **span)
        assert answer.status_code == 200, answer.text[:500]
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    def results(self) -> list[str]:
        return sorted(row["kết quả"] for row in self.rows())

    def journal_codes(self, rid: str) -> list[str]:
        """The codes in the receiver's own journal, in its own file, in order."""
        with sqlite3.connect(
            f"file:{self.receivers / rid / 'receiver.db'}?mode=ro", uri=True
        ) as opened:
            found = opened.execute("select raw from journal order by seq").fetchall()
        return [json.loads(raw)[2] for (raw,) in found]


def _shown_once(page: str) -> str:
    return re.search(r'class="secret"><code>([^<]+)</code>', page).group(1)
