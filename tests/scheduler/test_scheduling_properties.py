"""Whatever staff do for a week, chosen at random: the regulation holds, and "Vì sao?" foretells what is heard.

Everything goes through the doors staff use (tests/office). After each round of acts the station plans and signs, the
reference receivers play what was signed for the next hours, and their journals come in. What is found wrong names the
seed; ``week.office.trace`` says what staff did.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from loa.database import Database
from tests.office.mutations import MUTATIONS
from tests.office.temperaments import TEMPERAMENTS
from tests.office.weeks import weeks

SEEDS = (1, 6)
ROUNDS = 10
MUCH_OF_ONE, MUCH_ACTS = 5, 8
MUTANT_ROUNDS, MUTANT_ACTS = 5, 10


@pytest.fixture
def session(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Session]:
    shutil.copy(migrated_sqlite, tmp_path / "loa.db")
    opened = Database(f"sqlite:///{tmp_path / 'loa.db'}")
    with opened.write() as one:
        yield one
    opened.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_staff_do_the_rules_hold_and_are_explained(
    session: Session, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    week, wrong = weeks(session, seed, tmp_path, monkeypatch, rounds=ROUNDS)
    assert wrong == [], "\n".join(week.office.trace)
    assert week.looked["heard"] > 20, "something was heard"
    assert week.looked["minutes"] > 10, "and asked about"
    assert week.office.done["schedule"], "a door opened"
    assert week.office.refused["schedule"], "and stayed shut"


@pytest.mark.parametrize("name", TEMPERAMENTS)
def test_they_hold_where_staff_do_much_of_one_thing(
    session: Session, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = TEMPERAMENTS[name]
    usual.settle(monkeypatch)
    week, wrong = weeks(
        session, usual.seed, tmp_path, monkeypatch, rounds=MUCH_OF_ONE, acts=MUCH_ACTS, habits=usual.habits
    )  # fmt: skip
    assert wrong == [], "\n".join(week.office.trace)
    assert week.looked["heard"], "something was heard"


def test_they_hold_on_either_database(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        week, wrong = weeks(session, 8, tmp_path, monkeypatch, rounds=4)
    assert wrong == [], "\n".join(week.office.trace)


@pytest.mark.parametrize("name", MUTATIONS)
def test_without_a_protection_it_is_found(
    session: Session, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_away = MUTATIONS[name]
    taken_away.mutate(monkeypatch)
    _, wrong = weeks(
        session, taken_away.seed, tmp_path, monkeypatch, rounds=MUTANT_ROUNDS, acts=MUTANT_ACTS,
        habits=taken_away.habits, asked=taken_away.asked,
    )  # fmt: skip
    assert any(each.startswith(taken_away.words) for each in wrong)
