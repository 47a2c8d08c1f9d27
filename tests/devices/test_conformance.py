"""A receiver that keeps to the protocol passes every clause; one that breaks a rule fails that rule's alone."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.conformance import catalogue, running, trial
from devices.conformance.clauses import Group, Result
from devices.conformance.hall import Hall
from devices.conformance.program import Process
from devices.conformance.running import Report
from devices.receiver import identity
from loa import cli
from loa.errors import DeviceError
from tests.devices.other_receivers import FAULTS
from tests.parts import Mosquitto, need

ROOT = Path(__file__).parent.parent.parent
REFERENCE = f"{sys.executable} -m loa.cli receiver run"
SLOW = {"quiet.start", "journal.resend"}
"""They wait for the clock, up to a minute: left to ``loa conformance``."""

EXPECTED: dict[str, tuple[str, str]] = {
    "journal-after-the-act": ("power.interrupted", "power.boot"),
    "asks-for-all": ("audio.blocks", "audio.tone"),
    "interrupts-nothing": ("class.emergency class.priority", "class.equals"),
    "no-signature-check": (
        "plan.kid plan.signature plan.payload plan.alg_none plan.alg_hs256 plan.alg_eddsa plan.typ",
        "plan.accepted plan.rid",
    ),
    "no-role-check": ("plan.role_E", "plan.kid plan.accepted"),
    "any-receivers-plan": ("plan.rid", "plan.old_rev plan.expired"),
    "ignores-rev": ("plan.same plan.old_rev", "plan.rid"),
    "ignores-exp": ("plan.expired play.expired", "play.start"),
    "no-played-set": ("play.once", "play.start"),
    "no-quiet-hours": ("quiet.accept quiet.zone", "quiet.emergency"),
    "ignores-caps": ("play.cap", "play.mute"),
    "ignores-off": ("stop.before stop.during", "stop.omitted"),
    "never-sends-again": ("journal.reconnect", "journal.rewind"),
    "believes-any-evack": ("journal.no_rewind", "journal.rewind"),
    "chain-of-other-bytes": ("journal.chain", "journal.seq journal.bytes"),
    "no-hash-check": ("audio.hash", "audio.tone"),
    "takes-any-size": ("audio.size", "audio.tone"),
    "believes-any-nonce": ("clock.foreign", "clock.none"),
    "no-limits": ("limits.plans", "limits.evacks"),
}
"""Fault → the clauses that must fail, and some of the same kind that must hold all the same."""
SIMULATED = {
    "folders": "play.start power.interrupted journal.reconnect keys.revoked",
    "memory": "play.start plan.old_rev journal.reconnect audio.hash keys.revoked",
}
"""Of the demo's fleet, which has folders, and of the thousands of a bench, which forget when they are killed."""


@pytest.fixture(autouse=True)
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    need("mosquitto")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_every_fault_is_expected_somewhere() -> None:
    assert EXPECTED.keys() == FAULTS.keys()


def test_broken_receivers_fail_the_right_clauses_and_the_simulator_none(tmp_path: Path) -> None:
    """All at once, for most of their time they wait; and so in one test, that runs in one process."""
    broken = [_group(name, *kept.split(), *lost.split()) for name, (lost, kept) in EXPECTED.items()]
    simulated = [_group(name, *clauses.split()) for name, clauses in SIMULATED.items()]
    groups = (*simulated, *broken)
    command = f"{sys.executable} -m tests.devices.other_receivers"

    with _hall(Hall(tmp_path, command, groups, patience=4)) as hall:
        tried = running.try_groups(groups, hall.stand, _ignore)

    expected = {name: ("", clauses) for name, clauses in SIMULATED.items()} | EXPECTED
    for group, results in tried:
        seen = {f"{one.clause.id} {one.verdict}: {one.seen}" for one in results}
        lost, kept = expected[group.name]
        assert _those(results, "failed") == set(lost.split()), (group.name, seen)
        assert _those(results, "passed") == set(kept.split()), (group.name, seen)


def _those(results: list[Result], verdict: str) -> set[str]:
    return {one.clause.id for one in results if one.verdict == verdict}


def _ignore(_result: Result) -> None:
    pass


@contextlib.contextmanager
def _hall(hall: Hall) -> Iterator[Hall]:
    try:
        hall.open()
        yield hall
    finally:
        hall.close()


def _group(name: str, *wanted: str) -> Group:
    """Tried in this order: a fault may leave a receiver in a state in which nothing else holds."""
    known = {one.id: (one, group) for group in catalogue.GROUPS for one in group.clauses}
    home = known[wanted[0]][1]
    clauses = tuple(known[id][0] for id in wanted)
    roots = max(known[id][1].roots for id in wanted)
    return Group(name, clauses, clock=home.clock, roots=roots)


def test_the_reference_receiver_passes(tmp_path: Path) -> None:
    quick = [one.id for one in catalogue.clauses() if one.id not in SLOW]
    report = trial.of_program(
        REFERENCE, tmp_path, catalogue.chosen(quick), _ignore, wav=True, patience=5
    )
    assert not [f"{one.clause.id}: {one.seen}" for one in report.results if one.verdict != "passed"]
    assert report.holds


def test_a_receiver_that_never_comes_fails_with_its_last_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "dead.py"
    program.write_text("raise SystemExit('no sound card')\n")
    file = tmp_path / "report.json"
    status = cli.main(
        ["conformance", "--receiver", f"{sys.executable} {program}", "--only", "plan.rid", "--json", str(file)]
    )  # fmt: skip
    assert status == 1
    report = json.loads(file.read_text())
    assert not report["holds"]
    [row] = report["clauses"]
    assert row["verdict"] == "failed"
    assert "no sound card" in row["seen"]
    assert "plan.rid (MUST, Signatures)" in capsys.readouterr().out


def test_a_box_on_the_network_is_tried_without_being_touched(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    keys, box = tmp_path / "keys", tmp_path / "box"
    chosen = [
        "plan.accepted",
        "plan.rid",
        "play.start",
        "power.boot",
        "link.plays",
        "clock.none",
        "keys.same",
    ]
    public = identity.create(box, "r-0421")

    def trying(told: running.Told = _ignore) -> Report:
        mine = trial.Box(mosquitto.url, "r-0421", keys)
        mine.prepare()
        return trial.of_box(mine, catalogue.chosen(chosen), told, None)

    with pytest.raises(DeviceError, match=r"receiver\.pub"):
        trying()
    (keys / trial.PUBLIC).write_text(public)
    (box / "station.json").write_bytes((keys / "station.json").read_bytes())
    with running_program(box):
        report = trying()
    verdicts = {one.clause.id: one.verdict for one in report.results}
    assert {id for id, verdict in verdicts.items() if verdict == "passed"} == set(chosen[:3])
    assert {verdicts[id] for id in chosen[3:]} == {"not tested"}
    assert report.holds


@contextlib.contextmanager
def running_program(folder: Path) -> Iterator[None]:
    process = Process(REFERENCE, folder, "ntp")
    process.start()
    try:
        yield
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--receiver"),
        (["mqtt://127.0.0.1", "--receiver", "x"], "--receiver"),
        (["mqtt://127.0.0.1:1"], "--rid"),
        (["http://127.0.0.1", "--rid", "r-0421", "--keys", "keys"], "không phải địa chỉ MQTT"),
        (["--receiver", "/nowhere/receiver", "--only", "plan.rid"], "/nowhere/receiver"),
        (["--receiver", "true", "--only", "plan.nothing"], "plan.nothing"),
    ],
)
def test_a_person_is_told_what_to_put_right(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["conformance", *arguments]) == 1
    assert said in capsys.readouterr().err


def test_clauses_have_sections_that_exist() -> None:
    headings = {
        line.lstrip("# ").split(" `")[0]
        for line in (ROOT / "docs" / "protocol.md").read_text().splitlines()
        if line.startswith("#")
    }
    assert {one.section for one in catalogue.clauses()} <= headings


def test_ids_are_there_once() -> None:
    ids = [one.id for one in catalogue.clauses()]
    assert len(ids) == len(set(ids))


def test_an_unknown_clause_is_named() -> None:
    with pytest.raises(DeviceError, match=r"plan\.x"):
        catalogue.chosen(["plan.x"])
