"""The API as an OpenAPI 3.1 document, made of the routes and their types."""

from __future__ import annotations

import ast
import functools
import inspect
import json
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec

from loa.tokens import Scope
from web.api import receiving
from web.api.calls import KEY, REPLAYED
from web.api.refusals import Refusal
from web.api.routes import PREFIX, Route
from web.api.table import ROUTES
from web.api.wire import MOST_ID, Strict, Told

Document = dict[str, Any]
SCHEMAS = "#/components/schemas/{name}"
REFUSED = {"$ref": "#/components/responses/refused"}
FILE: Document = {"type": "string", "format": "binary"}
JSON = "application/json"
"""A file of this kind is read as what it holds."""
PLACES: dict[str, Document] = {
    "id": {"type": "integer", "minimum": 1, "maximum": MOST_ID},
    "string": {"type": "string", "minLength": 1},
}
NAMES = {
    "content.bulletins.State": "BulletinState",
    "devices.outages.Kind": "FaultKind",
    "scheduler.alerts.State": "AlertState",
    "scheduler.broadcasts.State": "BroadcastState",
    "scheduler.channel.Fate": "HindranceFate",
    "scheduler.exceptions.Kind": "ExceptionKind",
    "scheduler.exports.tables.Kind": "ColumnKind",
    "scheduler.running_order.Fate": "EntryFate",
    "scheduler.series.Kind": "ScheduleKind",
}
"""Of types that are called alike in different rooms."""
STATUSES = {200: "Done.", 201: "Made."}
ALWAYS = (400, 401, 403, 404, 409, 422, 429, 503)
"""How any call may be refused; of what is only there or not, 404."""
OF_BODIES = (413, 415)


def document() -> Document:
    """The whole of it."""
    schemas, components = _schemas()
    paths: Document = {}
    for route in ROUTES:
        paths.setdefault(PREFIX + route.template, {})[route.method.lower()] = _operation(
            route, schemas, components
        )
    queries = {route.query.__name__ for route in ROUTES if route.query}  # told as parameters
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Loa",
            "version": "1",
            "summary": "What other programs may ask a station of commune loudspeakers, and have it do.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {
                name: components[name] for name in sorted(components) if name not in queries
            },
            "responses": {"refused": _refused()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": _scopes()}
            },
        },
    }


@functools.cache
def text() -> str:
    """The file."""
    found = json.dumps(document(), ensure_ascii=False, indent=1) + "\n"
    for name, short in NAMES.items():
        found = found.replace(f'"{name}"', f'"{short}"').replace(f'/{name}"', f'/{short}"')
    return found


# -- types ----------------------------------------------------------------------------------------


def _schemas() -> tuple[dict[int, Document], Document]:
    """Index of a type in ``_types`` → its schema; and the components these point to."""
    found, components = msgspec.json.schema_components(_types(), ref_template=SCHEMAS)
    for kind in _kinds(Strict, Told):
        for name, says in _docs(kind):
            if kind.__name__ in components:
                components[kind.__name__]["properties"][name].setdefault("description", says)
    return dict(enumerate(found)), components


def _kinds(*kinds: type) -> Iterator[type]:
    """These and all that are made of them."""
    for kind in kinds:
        yield kind
        yield from _kinds(*kind.__subclasses__())


def _docs(kind: type) -> Iterator[tuple[str, str]]:
    """Field → what the text below it says, of a struct and those it is made of."""
    for each in kind.__mro__:
        if issubclass(each, Strict | Told):
            body = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
            for field, below in pairwise(ast.iter_child_nodes(body)):
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    says = getattr(getattr(below, "value", None), "value", None)
                    if isinstance(below, ast.Expr) and isinstance(says, str):
                        yield field.target.id, inspect.cleandoc(says)


def _types() -> list[Any]:
    wanted: list[Any] = [Refusal]
    for route in ROUTES:
        told = None if route.media else route.answer
        wanted += [kind for kind in (route.body, told, route.query) if kind is not None]
    return wanted


def _schema_of(kind: Any, schemas: dict[int, Document]) -> Document:
    return schemas[_types().index(kind)]


# -- calls ----------------------------------------------------------------------------------------


def _operation(route: Route, schemas: dict[int, Document], components: Document) -> Document:
    told: Document = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.path.split("/")[1]],
        "security": [{"token": [route.scope] if route.scope else []}],
        "parameters": [*_places(route), *_query(route, schemas, components), *_headers(route)],
        "responses": {
            str(route.status): {
                "description": STATUSES[route.status],
                "content": _answer(route, schemas),
                **(_replayed() if route.writes else {}),
            },
            **{str(status): REFUSED for status in _refusals(route)},
        },
    }
    if (content := _body(route, schemas)) is not None:
        told["requestBody"] = {"required": True, "content": content}
    return told


def _answer(route: Route, schemas: dict[int, Document]) -> Document:
    if route.media:
        names = [media.partition(";")[0] for media in route.media]
        return {name: {"schema": {} if name == JSON else FILE} for name in names}
    return _json(_schema_of(route.answer, schemas))


def _body(route: Route, schemas: dict[int, Document]) -> Document | None:
    if route.takes_upload:
        return {receiving.MEDIA: {"schema": FILE}}
    return None if route.body is None else _json(_schema_of(route.body, schemas))


def _refusals(route: Route) -> list[int]:
    return sorted({*ALWAYS, *(OF_BODIES if route.method == "POST" else ())})


def _places(route: Route) -> list[Document]:
    return [
        {"name": name, "in": "path", "required": True, "schema": PLACES[kind]}
        for name, kind in route.places.items()
    ]


def _query(route: Route, schemas: dict[int, Document], components: Document) -> list[Document]:
    if route.query is None:
        return []
    name = _schema_of(route.query, schemas)["$ref"].rpartition("/")[2]
    found = components[name]["properties"]
    return [_parameter(each, _plain(found[each])) for each in found]


def _parameter(name: str, schema: Document) -> Document:
    says = {"description": schema["description"]} if "description" in schema else {}
    rest = {key: value for key, value in schema.items() if key != "description"}
    return {"name": name, "in": "query", "schema": rest, **says}


def _plain(schema: Document) -> Document:
    """A parameter that may be left out is never null."""
    others = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    says = {"description": schema["description"]} if "description" in schema else {}
    return {**others[0], **says} if len(others) == 1 else schema


def _headers(route: Route) -> list[Document]:
    if not route.writes:
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"}
    says = (
        "New for each call; the same for the same call sent again, which is then carried out once."
    )
    return [{"name": KEY, "in": "header", "required": True, "schema": schema, "description": says}]


def _replayed() -> Document:
    says = "`true` where the call had been carried out before, and this is what was answered then."
    return {"headers": {REPLAYED: {"description": says, "schema": {"type": "string"}}}}


def _refused() -> Document:
    schema = {"$ref": SCHEMAS.format(name="Refusal")}
    return {"description": "Nothing was done; says why.", "content": _json(schema)}


def _json(schema: Document) -> Document:
    return {JSON: {"schema": schema}}


def _scopes() -> str:
    return f"A token of the station's admin. Scopes: {', '.join(Scope)}."
