"""Whatever is sent, and however wrong: an answer of the published form, and never a fault of the station's."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from tests.web.program import error
from tests.web.test_pages import PLACES
from web.api.routes import Route
from web.api.table import ROUTES

BOTH_DATABASES = True
CALLS = 12
"""Of each route, on each database."""
NASTY: list[Any] = [
    None, True, -1, 0, 1, 2**31, 2**63, 2**70, 1.5, 1e308, "", " ", "x", "1", "\0", "\ufeff\u202e", "é" * 300, "';--",
    "0001-01-01", "2026-02-30", "2026-11-22", "9999-12-31", "03:15", "24:00", "17:00\n", "FREQ=DAILY",
    "FREQ=WEEKLY;BYDAY=MO", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=30",
    "FREQ=" + "9" * 150, "once", "daily", "other", "emergency", [], [1], [0], [2**31 - 1], ["MO"], ["r-0000"], ["\0"],
    [[]], [None], {}, {"x": 1},
]  # fmt: skip
USUAL: dict[str, Any] = {
    "title": "Họp", "body": "Họp thôn.", "bulletin_id": 1, "at": "17:00", "start_date": "2026-11-22",
    "area_ids": [1], "day": "2026-11-22",
}  # fmt: skip


def spoilt(dice: random.Random, route: Route) -> dict[str, Any]:
    """What the route asks for, with one or two fields that are not as they should be."""
    kind = route.body or route.query
    names = [field.name for field in msgspec.structs.fields(kind)] if kind else []
    sent = {name: USUAL[name] for name in names if name in USUAL and route.body}
    for name in dice.sample(names, min(len(names), dice.choice([0, 1, 1, 2]))):
        sent[name] = dice.choice(NASTY)
    return sent


def test_nothing_that_is_sent_makes_a_fault(program, cast, broadcast):
    dice = random.Random(20261122)
    api = program(cast.minh)
    seen = set()
    for route in ROUTES:
        for _ in range(CALLS):
            places = PLACES | {"bulletin_id": dice.choice([1, 2, 2**31])}
            path, sent = route.template.format(**places), spoilt(dice, route)
            if route.method == "GET":
                answer = api.get(path, **{name: str(value) for name, value in sent.items()})
            else:
                answer = api.post(path, sent)
            assert answer.status_code < 500, (route.name, path, sent)
            if answer.status_code >= 400:
                error(answer)
            seen.add(answer.status_code)
    assert {200, 201, 404, 422} <= seen
