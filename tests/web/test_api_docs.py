"""docs/api.md: every example in it is run with curl against a real server, and does what is said."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from content import bulletins
from loa import tokens
from loa.database import Database
from loa.staff import Staff
from loa.tokens import Scope
from scheduler.admission import Rule
from tests.cast import NOON, Cast, give_sound
from tests.parts import refuse
from tests.web.conftest import plan
from web.api import refusals

FILE = Path(__file__).parent.parent.parent / "docs" / "api.md"
BLOCK = re.compile(r"```(sh|json)\n(.*?)```", re.DOTALL)


@pytest.fixture
def run(served, database, cast, tmp_path):
    """Runs a shell example; gives what each call in it was answered."""
    if shutil.which("curl") is None:
        refuse("curl is not on this machine: the examples of docs/api.md are not tested")
    made = {name: _token(database, cast, owner) for name, owner in
            (("TOKEN", cast.hoa), ("ADMIN", cast.admin))}  # fmt: skip
    environment = {"PATH": "/usr/bin:/bin", "LOA": served, "NO_PROXY": "*", **made}
    (tmp_path / "hop.mp3").write_bytes(b"ID3 whatever somebody recorded")

    def run(example: str) -> list[dict[str, object]]:
        # One answer a line: none holds a line break of its own.
        script = example.replace("curl -sS", r"curl -sS -w '\n'")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], env=environment, check=True, cwd=tmp_path,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return [json.loads(line) for line in done.stdout.splitlines() if line]

    return run


def _token(database: Database, cast: Cast, owner: Staff) -> str:
    """For all that the owner may."""
    scopes = [each for each in Scope if owner.may(tokens.NEEDS[each])]
    with database.write() as session:
        _, text = tokens.make(
            session, cast.admin, name="Cổng xã", owner=owner, scopes=scopes, days=30, now=NOON
        )
    return text


def test_its_examples_do_what_they_say(run, database, cast):
    told: list[dict[str, object]] = []
    for language, example in BLOCK.findall(FILE.read_text(encoding="utf-8")):
        if language == "json":
            assert_holds(json.loads(example), told[-1])
            continue
        told = run(example)
        assert told
        _go_on(database, cast, example)
        if "03:15" not in example:
            assert not [answer for answer in told if "error" in answer], (example, told)


def _go_on(database, cast, example):
    """What others do between two examples: the sound is made, Minh approves, the planner plans."""
    with database.write() as session:
        if example.rstrip().endswith('/bulletins/1"'):
            give_sound(session, bulletins.get(session, 1))
        elif "/submit" in example:
            bulletin = bulletins.get(session, 1)
            bulletins.approve(session, bulletin, cast.minh, bulletin.sounds.values(), NOON)
        elif "/broadcasts/now" in example:
            plan(session, NOON)


def assert_holds(said: object, answer: object) -> None:
    """All that the document says is in the answer, which may say more."""
    if isinstance(said, dict):
        for name, value in said.items():
            assert_holds(value, answer[name])
    else:
        assert said == answer


OF_NO_CALL = {"config", "mail_failed", "rollup_refused"}
"""Codes of errors in what no call of the API does."""


def test_it_names_every_code() -> None:
    text = FILE.read_text(encoding="utf-8")
    known = {*refusals.CODES.values(), *(f"regulation_{rule}" for rule in Rule.__args__)}
    known |= _codes_of(refusals.LoaError) - OF_NO_CALL
    missing = {code for code in known if f"`{code}`" not in text}
    assert missing <= {"length_required"}


def _codes_of(kind: type) -> set[str]:
    return {kind.code}.union(*(_codes_of(each) for each in kind.__subclasses__()))


def test_it_names_every_scope() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert all(f"| `{scope}` |" in text for scope in Scope)
