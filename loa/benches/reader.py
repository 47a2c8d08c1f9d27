"""Somebody at the pages, over HTTP: signs in once, asks for pages, and is told how long each took."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from loa.errors import LoaError

PASSWORD = "one of the bench's own"  # noqa: S105 - of accounts that exist while it runs
LOGINS = ("quantri", *(f"canbo{number}" for number in range(20)))
"""The first may do everything; the others are who signs in."""
PATIENCE = 60.0
"""Seconds: who does not answer by then never will."""
_TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass
class Server:
    """A web server in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    def cpu_ms(self) -> float:
        """Processor time it has spent so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


@dataclass
class Answer:
    status: int
    body: bytes
    ms: float
    digest: str = ""


@dataclass
class Reader:
    """One browser's worth of cookies, and one connection that is kept."""

    port: int
    cookie: str = ""
    _line: http.client.HTTPConnection | None = field(default=None, repr=False)

    def get(self, address: str, **headers: str) -> Answer:
        return self._ask("GET", address, b"", headers)

    def enter(self) -> None:
        """Sign in as who may do everything. Raises LoaError when that is refused."""
        if (status := self.sign_in(LOGINS[0], PASSWORD).status) != 302:
            raise LoaError(f"Đăng nhập để đo bị trả lời {status}: phép đo này không dùng được.")

    def sign_in(self, login: str, password: str) -> Answer:
        """The answer to the posted form, whatever it is; the cookie is kept."""
        found = _TOKEN.search(self.get("/dang-nhap").body)
        if found is None:
            raise LoaError(
                "Trang đăng nhập không có biểu mẫu như phép đo chờ: phép đo này không dùng được."
            )
        values = {"login": login, "password": password, "csrf_token": found[1].decode()}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", "/dang-nhap", urlencode(values).encode(), form)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _ask(self, method: str, address: str, body: bytes, headers: dict[str, str]) -> Answer:
        begun = time.perf_counter()
        line = self._line or http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self._line = line
        try:
            line.request(method, address, body or None, {"Cookie": self.cookie, **headers})
            answer = line.getresponse()
            read = answer.read()
        except OSError:
            self.close()
            raise
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            if cookie.startswith("loa="):
                self.cookie = cookie.partition(";")[0]
        ms = (time.perf_counter() - begun) * 1000
        return Answer(answer.status, read, ms, answer.headers.get("X-Digest", ""))


def percentile(ordered: list[float], percent: int) -> float:
    """Of values in ascending order: the least that so many percent do not exceed."""
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1]
