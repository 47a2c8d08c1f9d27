"""Whatever is sent, and however wrong: what docs/openapi.json says, and never a fault of the station's."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from loa import staff
from loa.staff import Role
from tests.cast import NOON, PASSWORD
from tests.web.program import BASE, Program
from tests.web.test_pages import PLACES, station  # noqa: F401 - fixtures
from tests.web.test_rights import nothing_kept, people  # noqa: F401 - fixtures
from web.api.table import ROUTES

BOTH_DATABASES = True
EXAMPLES = 8
"""Of each call, on each database; the same in every run."""
PARTS = 8
"""In which the calls are tried: each a test of its own, so that they run beside each other."""
KNOWN: dict[str, Any] = {
    "bulletin_id": 1, "area_ids": [1], "group_ids": [1], "except_ids": ["r-0000"], "receiver_id": "r-0000",
    "receiver_ids": ["r-0000"], "parent_id": 1, "day": "2026-11-22", "start_date": "2026-11-22",
    "end_date": "2026-11-30", "to_day": "2026-11-23", "first": "2026-11-23", "last": "2026-11-23",
    "since": "2026-11-21", "until": "2026-11-22", "valid_from": "2026-11-22", "valid_until": "2026-11-30",
    "at": "17:00", "to_time": "17:30", "kind": "daily", "version": 1, "waived_why": "Họp đột xuất", "recurs": "",
    "weekdays": ["MO"], "cursor": None,
}  # fmt: skip
"""Values a drawn one would hardly be: what this station has, and days it plans for."""
NASTY: list[Any] = [
    None, True, -1, 0, 2**31, 2**63, 2**70, 1e308, "", " ", "\0", "\ufeff\u202e", "é" * 300, "';--", "0001-01-01",
    "2026-02-30", "9999-12-31", "03:15", "24:00", "17:00\n", "FREQ=WEEKLY;BYDAY=MO", "FREQ=" + "9" * 150,
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=30", "other", "emergency",
    [], [0], [2**31 - 1], ["MO"], ["\0"], [[]], [None], {}, {"x": 1},
]  # fmt: skip
"""Values that no schema tells of."""


@pytest.fixture
def programs(database, cast, people, program) -> list[Program]:  # noqa: F811 - the fixture, not the import
    """A token of each role, and one of somebody who works for one village."""
    with database.write() as session:
        village = staff.add(
            session, login="thon", name="Thôn Bãi", role=Role.EDITOR, password=PASSWORD, now=NOON,
            area_id=cast.villages[2].id,
        )  # fmt: skip
    return [program(person) for person in (cast.admin, *people.values(), village)]


def operations(app: Flask) -> list[APIOperation]:
    """Every call, by the document that the station itself serves."""

    def whole(environ: Any, start: Any) -> list[bytes]:
        """Read to its end and closed, as a server does it."""
        with closing(app(environ, start)) as answer:
            return [b"".join(answer)]

    schema = schemathesis.openapi.from_wsgi(f"{BASE}/openapi.json", whole)
    return [found.ok() for found in schema.get_all_operations()]


def cases(operation: APIOperation) -> st.SearchStrategy[Case]:
    """Right and wrong calls, most of them of what is there."""
    named = re.findall(r"{(\w+)}", operation.path)
    places = {name: PLACES[name] for name in named}
    right = operation.as_strategy(GenerationMode.POSITIVE, path_parameters=places or None)
    wrong = operation.as_strategy(GenerationMode.NEGATIVE)
    known = right.map(of_this_station)
    spoilt = st.builds(spoil, known, st.integers(0, 20), st.sampled_from(NASTY))
    return st.one_of(known, known, right, spoilt, wrong)


def spoil(case: Case, place: int, value: Any) -> Case:
    """With one field of its body that is not as it should be."""
    if isinstance(case.body, dict) and case.body:
        case.body[sorted(case.body)[place % len(case.body)]] = value
    return case


def of_this_station(case: Case) -> Case:
    """With values it can do something with, where it has any of these names."""
    for sent in (case.body, case.query):
        if isinstance(sent, dict):
            for name in [*sent]:
                if KNOWN.get(name, ...) is None:
                    del sent[name]
                elif name in KNOWN:
                    sent[name] = KNOWN[name]
    return case


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_that_is_sent_makes_a_fault(
    part, app, programs, station, nothing_kept  # noqa: F811 - the fixture, not the import
):  # fmt: skip
    nothing_kept()
    seen: Counter[int] = Counter()

    def fuzz(operation: APIOperation) -> None:
        @given(case=cases(operation), asks=st.sampled_from(programs))
        @settings(
            max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def ask(case: Case, asks: Program) -> None:
            headers = {"Authorization": f"Bearer {asks.token}"}
            answer = case.call(headers=headers)
            seen[answer.status_code] += 1
            # What is well-formed may still be refused: no such bulletin, or against the regulation.
            case.validate_response(
                answer, headers=headers, excluded_checks=[positive_data_acceptance]
            )

        ask()

    found = operations(app)
    assert len(found) == len(ROUTES)
    for operation in found[part::PARTS]:
        fuzz(operation)
    assert {200, 403, 404, 422} <= set(seen), seen
