"""Finds the real parts the tests use, and installs them where it may: as root, on a Debian with apt-get.

Elsewhere it names what will be skipped. With LOA_DEMAND_PARTS=1 (as in .ci/run) a missing part is a failure.
`find` is also what the tests themselves ask: see tests/parts.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple


class Part(NamedTuple):
    program: str  # what shows that the part is there
    packages: list[str]  # Debian's
    covers: str  # what is not tested without it
    library: str | None = None  # a shared library that no package brings by itself


PARTS = {
    "mosquitto": Part("mosquitto", ["mosquitto"], "the path over a real MQTT broker"),
    "postgresql": Part("initdb", ["postgresql"], "the suite on PostgreSQL"),
    "chromium": Part(
        "chromium",
        ["chromium", "fonts-dejavu-core", "libatomic1"],
        "clicking through the pages in a browser",
        library="libatomic.so.1",  # Playwright's driver needs it and a small Debian has none
    ),
    "libreoffice": Part(
        "soffice",
        ["libreoffice-calc-nogui", "libreoffice-writer-nogui", "fonts-liberation"],
        "opening reports in a spreadsheet and a word processor",
    ),
    "node": Part("node", ["nodejs"], "the protocol with a receiver that is not ours"),
}
POLICY = Path("/usr/sbin/policy-rc.d")


def find(name: str) -> str | None:
    """Path of the part's program; PostgreSQL's and mosquitto's are rarely on a user's PATH."""
    part = PARTS[name]
    folders = by_version(Path("/usr/lib/postgresql").glob("*/bin"))
    places = [
        os.environ.get("PATH", os.defpath),
        "/usr/bin",
        *folders,
        "/usr/sbin",
        "/usr/local/sbin",
    ]
    if part.library and not loads(part.library):
        return None
    return shutil.which(part.program, path=os.pathsep.join(map(str, places)))


def by_version(folders: Iterable[Path]) -> list[Path]:
    """Newest first: /usr/lib/postgresql/17/bin before /usr/lib/postgresql/15/bin."""
    return sorted(
        folders, key=lambda folder: [int(n) for n in re.findall(r"\d+", str(folder))], reverse=True
    )


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing() -> list[str]:
    return [name for name in PARTS if find(name) is None]


def may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(names: list[str]) -> None:
    packages = [package for name in names for package in PARTS[name].packages]
    print(f"Test parts: apt-get install {' '.join(packages)} … ", end="", flush=True)
    started = time.monotonic()
    with no_service_started():
        apt("update")
        apt("install", "--yes", "--no-install-recommends", *packages)
        for name in {"mosquitto", "postgresql"} & set(names):
            keep_disabled(name)
    print(f"{time.monotonic() - started:.0f} s")


def apt(*arguments: str) -> None:
    done = subprocess.run(
        ["apt-get", "--quiet", "--option=DPkg::Lock::Timeout=300", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        print(f"apt-get {arguments[0]} failed:\n{done.stdout[-3000:]}")


@contextlib.contextmanager
def no_service_started() -> Iterator[None]:
    """Debian starts a service when it installs it; only the programs are wanted, not port 1883."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def keep_disabled(service: str) -> None:
    """Nor may it start at the next boot."""
    if Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "--quiet", "disable", service], check=False)


def main() -> int:
    if missing() and may_install():
        install(missing())
    absent = missing()
    print("Test parts:", ", ".join(name for name in PARTS if name not in absent) or "none")
    for name in absent:
        part = PARTS[name]
        packages = " ".join(part.packages)
        print(f"Not found: {name}, so {part.covers} is skipped. To have it: apt install {packages}")
    if absent and os.environ.get("LOA_DEMAND_PARTS") == "1":
        print("LOA_DEMAND_PARTS=1 demands every part.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
