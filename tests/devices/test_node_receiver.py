"""A receiver that shares no line with ours: written in Node from docs/protocol.md alone, it obeys a Loa station.

Its own tests run in Node's test runner; then `loa conformance` plays the station against it over a real broker.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts import need, refuse

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "receiver-node"
OLDEST_NODE = 18
NEVER = 300
"""Seconds after which something hangs."""
CHAPTERS = {
    "connect": "again will goodbye",
    "plan": "accepted role_E old_rev alg_none shape",
    "play": "start cap",
    "stop": "during",
    "quiet": "part zone",
    "keys": "accepted rotation revoked kept",
    "canned": "kept",
    "audio": "resume hash",
    "journal": "chain rewind",
    "clock": "set",
    "power": "interrupted once after rev",
    "class": "emergency restart",
}
"""Some of each chapter, in half a minute; `loa conformance` by itself tries all."""
CLAUSES = [f"{chapter}.{name}" for chapter, names in CHAPTERS.items() for name in names.split()]


@pytest.fixture(scope="module")
def node() -> str:
    program = need("node")
    version = run([program, "--version"]).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        refuse(f"node is {version}, older than {OLDEST_NODE}: the receiver in Node is not tested")
    if not (EXAMPLE / "node_modules" / "mqtt").is_dir():
        refuse("examples/receiver-node has no node_modules: setup/bootstrap.py test fetches them")
    return program


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=NEVER
    )


def test_its_own_tests_pass(node):
    files = sorted(str(path) for path in (EXAMPLE / "test").glob("*.test.mjs"))
    done = run([node, "--test", *files])
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def test_its_lock_names_no_address_and_every_package_by_hash():
    lock = json.loads((EXAMPLE / "package-lock.json").read_text())
    fetched = [entry for path, entry in lock["packages"].items() if path]
    assert not any("resolved" in entry for entry in fetched)
    assert all(entry["integrity"].startswith("sha512-") for entry in fetched)


def test_mqtt_is_all_it_needs_and_is_pinned():
    wanted = json.loads((EXAMPLE / "package.json").read_text())["dependencies"]
    assert list(wanted) == ["mqtt"]
    assert wanted["mqtt"].replace(".", "").isdigit()


def test_it_keeps_the_contract(node, tmp_path):
    need("mosquitto")
    report = tmp_path / "report.json"
    loa = str(Path(sys.executable).with_name("loa"))
    receiver = shlex.join([node, str(EXAMPLE / "receiver.mjs")])
    options = ["--receiver", receiver, "--json", str(report), "--only", *CLAUSES]
    done = run([loa, "conformance", *options])
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert sum(" passed " in line for line in done.stdout.splitlines()) >= len(CLAUSES)
