"""Role × endpoint: each line of rights.py tried as each role, and no page leads where its reader is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from loa import staff
from loa.database import Database
from loa.staff import Role
from loa.tokens import Scope, Token
from tests.cast import NOON, PASSWORD
from tests.web.conftest import words
from tests.web.program import BASE
from tests.web.rights import NOBODY, RIGHTS, SIGNED_IN, WHO_WORKS_FOR_ONE_AREA, declared
from tests.web.test_pages import ASKED, OTHER_PLACES, PLACES, station  # noqa: F401 - fixtures

METHODS = {"GET", "POST", "PATCH", "PUT", "DELETE"}
ENDLESS = ("live.stream",)
REFUSED = "không có quyền|Chỉ người soạn, người duyệt|không có cấp trên"
MOST_ASKED = 500
LAST = ("sign_in.sign_out",)
"""Whoever asks for it asks for nothing more: test_sign_in.py has it."""


@dataclass(frozen=True)
class Call:
    """One endpoint, one method, and an address of it."""

    endpoint: str
    method: str
    address: str

    @property
    def may(self) -> tuple[str, ...]:
        return RIGHTS[self.endpoint, self.method]

    @property
    def is_api(self) -> bool:
        """Asked with a token; the document that describes the API is anybody's."""
        return self.endpoint.startswith("api.") and self.endpoint != "api.describe"


def calls(app: Flask) -> Iterator[Call]:
    """Everything the station answers that has its line; what has none fails the first test."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) & METHODS):
            if (rule.endpoint, method) in RIGHTS:
                yield Call(rule.endpoint, method, _address(app, rule, method))


def _address(app: Flask, rule: Rule, method: str) -> str:
    known = PLACES | {"filename": "css/loa.css", "kind": "xlsx"}
    if rule.endpoint.startswith("cuts."):
        known |= OTHER_PLACES
    places = {name: known[name] for name in rule.arguments}
    asked = ASKED.get(rule.endpoint, "") if method == "GET" else ""
    return app.url_map.bind("").build(rule.endpoint, places, method=method) + asked


def test_every_endpoint_has_its_line_and_every_line_its_endpoint(app):
    there = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & METHODS
    }
    assert there == set(RIGHTS), "rights.py says who may ask for each endpoint"
    assert declared() == len(RIGHTS), "an endpoint stands twice in rights.py"


@pytest.fixture
def people(database, cast):
    """One of each role."""
    with database.write() as session:
        operator = staff.add(
            session, login="vanhanh", name="Trực vận hành", role=Role.OPERATOR, password=PASSWORD, now=NOON
        )  # fmt: skip
    return {
        Role.VIEWER: cast.lan,
        Role.EDITOR: cast.hoa,
        Role.APPROVER: cast.minh,
        Role.OPERATOR: operator,
        Role.ADMIN: cast.admin,
    }


@pytest.fixture
def nothing_kept(database: Database, monkeypatch):
    """From here on nothing that is asked changes the station."""
    real = database.write

    @contextmanager
    def write(**how):
        with real(**how) as session:
            # Of SQLite's own: SQLAlchemy must not know, or what was loaded could not be read afterwards.
            session.execute(sa.text("SAVEPOINT before"))
            yield session
            session.flush()
            session.expunge_all()
            session.execute(sa.text("ROLLBACK TO before"))

    def begin() -> None:
        monkeypatch.setattr(database, "write", write)

    return begin


def ask(client, call: Call):
    """As little as can be asked: who may not is refused before anything of it is read."""
    whole = call.endpoint not in ENDLESS
    answer = client.open(call.address, method=call.method, buffered=whole)
    answer.close()
    return answer


def is_let_in(call: Call, answer) -> bool:
    """Whatever is then said of an empty form; but never a fault of ours."""
    assert answer.status_code < 500, (call, answer.text[:500])
    if call.endpoint.startswith("sign_in."):
        return True
    leads_away = answer.status_code == 302 and answer.location.startswith("/dang-nhap")
    return answer.status_code not in {401, 403} and not leads_away


@pytest.mark.parametrize("role", SIGNED_IN)
def test_each_role_is_let_in_where_the_table_says_and_nowhere_else(
    role, app, people, sign_in, program, database, station, nothing_kept  # noqa: F811 - the fixture, not the import
):  # fmt: skip
    reader, made = sign_in(people[role]), program(people[role])
    with database.write() as session:  # every scope, so that the role alone refuses
        every = sa.update(Token).where(Token.id == made.token_id)
        session.execute(every.values(scopes=[str(each) for each in Scope]))
    nothing_kept()
    wrong = []
    for call in calls(app):
        if call.endpoint in LAST:
            continue
        answer = _ask_api(made, call) if call.is_api else ask(reader, call)
        if is_let_in(call, answer) != (role in call.may):
            wrong.append((call, answer.status_code))
        elif role not in call.may:
            _demand_a_sentence(call, answer)
    assert not wrong, "\n".join(map(str, wrong))


def _ask_api(made, call: Call):
    path = call.address.removeprefix(BASE)
    return made.get(path) if call.method == "GET" else made.post(path, {})


def _demand_a_sentence(call: Call, answer) -> None:
    assert answer.status_code == 403, call
    said = answer.json["error"]["message"] if call.is_api else words(answer)
    assert re.search(REFUSED, said), (call, said)
    if not call.is_api:
        assert "Về trang Hôm nay" in said


def test_who_has_not_signed_in_is_let_in_nowhere_else(app, client, station):  # noqa: F811 - the fixture, not the import
    wrong = [
        (call, answer.status_code)
        for call in calls(app)
        if is_let_in(call, answer := ask(client, call)) != (NOBODY in call.may)
    ]
    assert not wrong, "\n".join(map(str, wrong))


# -- no page leads where its reader is refused ----------------------------------------------------

LINK = re.compile(r'<a\b[^>]*?\bhref="([^"]+)"|\bhx-get="([^"]+)"')
FORM = re.compile(r"<form\b[^>]*>")
BUTTON = re.compile(r'\b(?:formaction|hx-post)="([^"]+)"')


def targets(page: str, address: str) -> set[tuple[str, str]]:
    """(method, address) of all that a page offers."""
    found = {("GET", link or part) for link, part in LINK.findall(page)}
    found |= {("POST", action) for action in BUTTON.findall(page)}
    for form in FORM.findall(page):
        method = "POST" if 'method="post"' in form else "GET"
        action = re.search(r'\baction="([^"]*)"', form)
        found.add((method, action[1] if action and action[1] else address))
    whole = {(method, urljoin(address, unescape(each))) for method, each in found}
    return {
        (method, each.partition("#")[0])
        for method, each in whole
        if not urlsplit(each).scheme and not urlsplit(each).netloc
    }


def endpoint_of(app: Flask, method: str, address: str) -> str | None:
    try:
        found, _ = app.url_map.bind("").match(urlsplit(address).path, method=method)
    except HTTPException:
        return None
    return str(found)


@pytest.fixture
def village(database, cast, people, sign_in):
    """An editor who works for one village alone."""
    with database.write() as session:
        person = staff.add(
            session, login="thon", name="Thôn Bãi", role=Role.EDITOR, password=PASSWORD, now=NOON,
            area_id=cast.villages[2].id,
        )  # fmt: skip
    return sign_in(person)


class Walk:
    """From page to page by what they offer."""

    def __init__(self, app: Flask, client, role: Role) -> None:
        self.app, self.client, self.role = app, client, role
        self.asked: set[tuple[str, str]] = set()
        self.wrong: list[object] = []

    def follow(self, seeds: Iterable[str]) -> None:
        ahead = [("GET", seed, "") for seed in seeds]
        while ahead:
            method, address, where = ahead.pop(0)
            if (method, address) not in self.asked and len(self.asked) < MOST_ASKED:
                self.asked.add((method, address))
                ahead += [(*each, address) for each in sorted(self._ask(method, address, where))]

    def _ask(self, method: str, address: str, where: str) -> set[tuple[str, str]]:
        """What the answer offers; where it should not have been offered itself, that is noted."""
        endpoint = endpoint_of(self.app, method, address)
        if endpoint in (*LAST, *ENDLESS):
            return set()
        answer = self.client.open(address, method=method)
        answer.close()
        who = RIGHTS[endpoint, method] if endpoint else (NOBODY,)
        may = self.role in who or who == WHO_WORKS_FOR_ONE_AREA
        if not may or answer.status_code in {401, 403} or answer.status_code >= 500:
            self.wrong.append((method, address, where, answer.status_code))
        is_page = method == "GET" and answer.status_code == 200 and answer.mimetype == "text/html"
        return targets(answer.text, address) if is_page else set()


@pytest.mark.parametrize("role", SIGNED_IN)
def test_no_page_offers_what_its_reader_is_refused(
    role, app, people, sign_in, station, nothing_kept  # noqa: F811 - the fixture, not the import
):  # fmt: skip
    nothing_kept()
    walk = Walk(app, sign_in(people[role]), role)
    walk.follow(
        call.address
        for call in calls(app)
        if call.method == "GET" and role in call.may and not call.is_api
    )
    assert len(walk.asked) > 100
    assert not walk.wrong, "\n".join(map(str, walk.wrong))


def test_nor_to_who_works_for_one_village(app, village, station, nothing_kept):  # noqa: F811 - the fixture, not the import
    nothing_kept()
    walk = Walk(app, village, Role.EDITOR)
    walk.follow(["/"])
    assert len(walk.asked) > 100
    assert not walk.wrong, "\n".join(map(str, walk.wrong))
