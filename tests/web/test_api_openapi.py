"""docs/openapi.json: made of the code, valid, and served to anybody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loa.tokens import NEEDS, WORDS, Scope
from tests.parts import refuse
from tests.web.program import BASE, published
from web.api import openapi
from web.api.table import ROUTES

FILE = Path(__file__).parent.parent.parent / "docs" / "openapi.json"


def test_the_published_document_is_that_of_the_code() -> None:
    """Out of date? Run ``python -m web.api.publish docs/openapi.json``."""
    assert FILE.read_text(encoding="utf-8") == openapi.text()


def test_it_is_valid_by_the_specification() -> None:
    try:
        import openapi_spec_validator
    except ImportError:
        refuse("openapi-spec-validator is not installed: openapi.json is not held to OpenAPI 3.1")
    openapi_spec_validator.validate(published())
    broken = published() | {"paths": {"/x": {"get": {"responses": {"200": {}}}}}}
    with pytest.raises(openapi_spec_validator.validation.exceptions.OpenAPIValidationError):
        openapi_spec_validator.validate(broken)


def test_it_is_served_to_anybody(client) -> None:
    answer = client.get(f"{BASE}/openapi.json")
    assert answer.json == published()
    assert answer.headers["Cache-Control"] == "no-store"


def test_it_names_every_call_with_its_scope_once(app) -> None:
    told = {
        (method.upper(), path): operation
        for path, methods in published()["paths"].items()
        for method, operation in methods.items()
    }
    served = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert len(told) == len(ROUTES) == len(served) - 1  # the document itself
    assert len({each["operationId"] for each in told.values()}) == len(told)
    for route in ROUTES:
        operation = told[route.method, BASE + route.template]
        assert operation["security"] == [{"token": [route.scope] if route.scope else []}]
        assert ("requestBody" in operation) == (route.body is not None or route.takes_upload)
        names = {each["name"] for each in operation["parameters"]}
        assert ("Idempotency-Key" in names) == route.writes


def test_no_type_is_named_after_its_room() -> None:
    assert not [name for name in published()["components"]["schemas"] if "." in name]
    used = json.dumps(published())
    for name in published()["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in used, name


def test_each_scope_has_a_right_and_a_name_for_people() -> None:
    assert set(NEEDS) == set(WORDS) == set(Scope)
    assert {route.scope for route in ROUTES} == {None, *Scope}
