"""Every call of the API × every role, and × every scope: made of the routes, so that none is forgotten."""

from __future__ import annotations

import sqlalchemy as sa

from loa.staff import Role
from loa.tokens import Scope, Token
from tests.web.program import error
from tests.web.test_pages import PLACES
from web.api.routes import Route
from web.api.table import ROUTES


def call(program, route: Route):
    path = route.template.format(**PLACES)
    return program.get(path) if route.method == "GET" else program.post(path, {})


def grant(database, made, scopes):
    """As no page would: to see that the role alone refuses, too."""
    with database.write() as session:
        change = sa.update(Token).where(Token.id == made.token_id)
        session.execute(change.values(scopes=[str(each) for each in scopes]))


NOT_JSON = {"uploads_create": 415}
"""What an empty object is no body of."""


def test_it_refuses_each_call_to_roles_that_may_not(database, program, cast, broadcast):
    for owner in (cast.hoa, cast.minh, cast.lan, cast.admin):
        made = program(owner)
        grant(database, made, Scope)
        for route in ROUTES:
            answer = call(made, route)
            if owner.may(route.needs):
                allowed = {200, 201, 404, 409, 422, NOT_JSON.get(route.name)}
                assert answer.status_code in allowed, (route.name, answer.json)
            else:
                assert error(answer) == (403, "not_allowed", None), (owner.login, route.name)


def test_it_refuses_each_call_to_a_token_of_another_scope(database, program, cast):
    made = program(cast.minh)
    for route in ROUTES:
        if route.scope is not None:
            grant(database, made, set(Scope) - {route.scope})
            assert error(call(made, route)) == (403, "scope_missing", None), route.name


def test_a_viewer_changes_nothing(cast, program):
    assert cast.lan.role is Role.VIEWER
    writing = [route for route in ROUTES if route.method == "POST"]
    assert writing
    assert not any(cast.lan.may(route.needs) for route in writing)


def test_no_scope_stands_for_what_two_people_do():
    """Approving, and ordering an emergency, stay with people at the pages."""
    assert not [scope for scope in Scope if "approv" in scope or "emergenc" in scope]
    acts = [route for route in ROUTES if route.method == "POST"]
    assert not [route for route in acts if "approv" in route.path or "alert" in route.path]
