"""What a fresh clone is made from: locks that name no host, and a wheel with nothing left out."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = ["loa", "content", "devices", "scheduler", "web"]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


def pins(name: str) -> dict[str, set[str]]:
    text = (ROOT / "requirements" / f"{name}.lock").read_text()
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def wanted(lock: str) -> list[str]:
    project, groups = PYPROJECT["project"], PYPROJECT["dependency-groups"]
    station = [
        *project["dependencies"],
        *project["optional-dependencies"]["station"],
        *groups["build"],
    ]
    return {"station": station, "test": [*station, *groups["test"]], "node": groups["node"]}[lock]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_says_what_and_never_where_from(lock):
    text = lock.read_text()
    assert not re.search(r"https?:|file:|--(extra-)?index-url|--find-links|@ ", text)
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\S)", text.strip()))


@pytest.mark.parametrize("lock", ["station", "test", "node"])
def test_a_lock_keeps_what_pyproject_asks(lock):
    pinned = pins(lock)
    for requirement in map(Requirement, wanted(lock)):
        versions = pinned.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in {lock}.lock: make lock"
        assert all(map(requirement.specifier.contains, versions)), f"{requirement}: make lock"


def test_the_test_lock_is_the_station_lock_and_more():
    test = pins("test")
    assert all(test[package] == versions for package, versions in pins("station").items())


@pytest.mark.parametrize("folder", [".", "examples/receiver-node", "tests/axe"])
def test_the_page_locks_name_no_address_and_every_package_by_hash(folder):
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    fetched = [entry for path, entry in packages.items() if path]
    assert not any("resolved" in entry for entry in fetched)
    assert all(entry["integrity"].startswith("sha512-") for entry in fetched)


def test_every_package_is_named_in_pyproject():
    found = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for room in ROOMS
        for init in (ROOT / room).rglob("__init__.py")
    }
    assert found <= set(PYPROJECT["tool"]["setuptools"]["packages"])


def test_every_file_of_a_room_is_in_the_wheel():
    setuptools = PYPROJECT["tool"]["setuptools"]
    packed: set[Path] = set()
    for package in setuptools["packages"]:
        folder = ROOT.joinpath(*package.split("."))
        for pattern in ["*.py", *setuptools["package-data"].get(package, [])]:
            packed.update(folder.glob(pattern))
    here = {
        path
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not path.name.startswith(".")
    }
    assert here - packed == set()


def test_every_module_of_loa_stands_on_a_floor():
    (floors,) = (
        contract["layers"]
        for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
        if contract["name"] == "Imports go one way, down"
    )
    listed = set(re.findall(r"loa\.(\w+)", " ".join(floors)))
    here = {path.stem for path in (ROOT / "loa").iterdir() if not path.name.startswith(("_", "."))}
    assert here - listed == {"migrations"}  # Alembic calls them, nobody imports them


def test_an_older_python_can_read_the_bootstrap_to_be_told_it_is_too_old():
    source = (ROOT / "setup" / "bootstrap.py").read_text()
    ast.parse(source, feature_version=(3, 6))
