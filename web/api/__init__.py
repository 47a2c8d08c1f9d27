"""The station for programs: everything under ``/api/v1``, by token, in JSON, through the same gates as the pages."""

from __future__ import annotations

from flask import Blueprint, Flask, Response
from werkzeug.routing import IntegerConverter, Map

from web import current
from web.api import answers, calls, openapi, refusals
from web.api.routes import PREFIX
from web.api.table import ROUTES
from web.api.wire import MOST_ID

bp = Blueprint("api", __name__, url_prefix=PREFIX)


class IdConverter(IntegerConverter):
    """A number that a row can have."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, min=1, max=MOST_ID)


@bp.get("/openapi.json")
@current.open_to_all
def describe() -> Response:
    """What there is to ask, for anybody."""
    return answers.json(200, openapi.text().encode())


for _route in ROUTES:
    bp.add_url_rule(
        _route.path, _route.name, calls.view_of(_route), methods=[_route.method],
        provide_automatic_options=False,
    )  # fmt: skip


refusals.attach(bp)


def register(app: Flask) -> None:
    """Put the API into the application."""
    app.url_map.converters["id"] = IdConverter
    refusals.register(app)
    app.register_blueprint(bp)
