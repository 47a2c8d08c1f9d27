"""A program at the API, whose every answer is held to the published document."""

from __future__ import annotations

import functools
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import jsonschema
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from web.api import openapi
from web.api.table import ROUTES

BASE = "/api/v1"


@functools.cache
def published() -> dict[str, Any]:
    return json.loads(openapi.text())


def hold(schema: dict[str, Any], value: Any) -> None:
    """Fail where the value is not of the published schema."""
    whole = {**schema, "components": published()["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


@dataclass
class Program:
    """``get`` and ``post`` under /api/v1; each post with a new key unless one is given."""

    client: FlaskClient
    token: str
    token_id: int
    keys: Any = field(default_factory=lambda: itertools.count(1))

    def get(self, path: str, **query: object) -> TestResponse:
        answer = self.client.get(BASE + path, query_string=query, headers=self._headers())
        return self._held("get", path, answer)

    def post(self, path: str, body: object = None, *, key: str = "", **more: Any) -> TestResponse:
        headers = {**self._headers(), "Idempotency-Key": key or f"k-{next(self.keys)}"}
        sent = {} if body is None else {"json": body}
        answer = self.client.post(BASE + path, headers=headers, **(sent | more))
        return self._held("post", path, answer)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def send(self, path: str, file: bytes, *, key: str = "", **query: object) -> TestResponse:
        """A file as the body."""
        headers = {**self._headers(), "Idempotency-Key": key or f"k-{next(self.keys)}"}
        answer = self.client.post(
            BASE + path, query_string=query, data=file, headers=headers,
            content_type="application/octet-stream",
        )  # fmt: skip
        return self._held("post", path, answer)

    def _held(self, method: str, path: str, answer: TestResponse) -> TestResponse:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
        if answer.status_code >= 400:
            assert answer.mimetype == "application/json"
            hold({"$ref": "#/components/schemas/Refusal"}, answer.json)
            return answer
        operation = published()["paths"][BASE + _template(self.client, method, path)][method]
        schema = operation["responses"][str(answer.status_code)]["content"][answer.mimetype][
            "schema"
        ]
        if schema.get("format") != "binary":
            hold(schema, answer.json)
        return answer


def _template(client: FlaskClient, method: str, path: str) -> str:
    endpoint, _ = client.application.url_map.bind("").match(BASE + path, method.upper())
    return next(route.template for route in ROUTES if f"api.{route.name}" == endpoint)


def error(answer: TestResponse) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal."""
    told = answer.json["error"]
    assert told["message"].endswith((".", ")")), told
    return answer.status_code, told["code"], told["field"]
