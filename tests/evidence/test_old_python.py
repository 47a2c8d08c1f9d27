"""The stand-alone verifier runs where an inspector's machine has an old Python, and needs one library."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evidence.forging import Forger
from verifier import loa_verify

SOURCE = Path(loa_verify.__file__)
NEWER = {
    "zip": {"strict"},
    "dataclass": {"slots", "kw_only"},
    "bisect_left": {"key"},
}
"""Arguments that came after 3.9."""


def test_its_syntax_is_that_of_python_3_9() -> None:
    ast.parse(SOURCE.read_text(), feature_version=(3, 9))
    with pytest.raises(SyntaxError):  # the check can fail
        ast.parse("match 1:\n case 1: pass", feature_version=(3, 9))


def test_it_uses_nothing_that_came_later() -> None:
    tree = ast.parse(SOURCE.read_text())
    for call in (each for each in ast.walk(tree) if isinstance(each, ast.Call)):
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        named = {word.arg for word in call.keywords}
        assert not named & NEWER.get(name, set()), (name, call.lineno)
    for union in (each for each in ast.walk(tree) if isinstance(each, ast.AnnAssign)):
        assert "|" not in ast.unparse(union.annotation), union.lineno


def test_ruff_finds_nothing_too_new_in_it() -> None:
    ruff = shutil.which("ruff") or str(Path(sys.executable).parent / "ruff")
    done = subprocess.run(
        [ruff, "check", "--isolated", "--target-version", "py39", "--select", "F,E9", str(SOURCE)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_it_imports_the_standard_library_and_one_more() -> None:
    tree = ast.parse(SOURCE.read_text())
    names = set()
    for each in ast.walk(tree):
        if isinstance(each, ast.Import):
            names |= {alias.name.split(".")[0] for alias in each.names}
        elif isinstance(each, ast.ImportFrom):
            names.add((each.module or "").split(".")[0])
    assert names - sys.stdlib_module_names == {"cryptography"}


def test_without_that_library_it_says_what_to_install(forger: Forger) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SOURCE), str(forger.told.bundle)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2
    assert "pip install cryptography" in done.stderr
    assert "Traceback" not in done.stderr
