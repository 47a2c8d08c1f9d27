"""How staff see the station: pages over its database. Nothing here speaks to receivers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect

from devices import trust
from loa import times
from loa.config import Config
from loa.database import Database
from loa.staff import May
from loa.times import Instant
from web import (
    areas,
    broadcasts,
    bulletins,
    current,
    decisions,
    errors,
    health,
    labels,
    live,
    log,
    receivers,
    regulation,
    schedules,
    sign_in,
    sounds,
    staff,
    today,
    uploads,
)
from web.current import Parts

FAMILIES = (
    sign_in, today, bulletins, decisions, sounds, schedules, broadcasts, receivers, areas, log, staff,
    regulation, live,
)  # fmt: skip
SIGNED_IN_FOR = timedelta(days=14)
HEADERS = {
    # data: is for the small pictures within Pico's stylesheet.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Application(Flask):
    request_class = uploads.Request


def create_app(
    config: Config, database: Database, *, clock: Callable[[], Instant] = times.now
) -> Flask:
    """The pages of one station. Starts no thread and opens no connection until a page asks."""
    app = Application(__name__)
    app.config.update(
        SECRET_KEY=str(trust.secret_at(config.secrets / "web.key")),
        SESSION_COOKIE_NAME="loa",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.web.secure_cookies,
        PERMANENT_SESSION_LIFETIME=SIGNED_IN_FOR,
        MAX_FORM_MEMORY_SIZE=uploads.FORM_BYTES,
        WTF_CSRF_TIME_LIMIT=None,
    )
    hub = live.Hub(database, clock, limit=config.web.threads - live.SPARE_THREADS)
    app.extensions[current.EXTENSION] = Parts(config, database, clock, hub)
    _words(app, config)
    # First of all: a stranger's post is turned away before any of it is read.
    app.before_request(sign_in.admit)
    app.before_request(uploads.allow)
    CSRFProtect(app)
    errors.register(app)
    for family in FAMILIES:
        app.register_blueprint(family.bp)
    app.after_request(_protect)
    app.teardown_request(_drop_uploads)
    return app


def _words(app: Flask, config: Config) -> None:
    """Give the templates our labels, with times by the station's clock."""
    jinja = app.jinja_env
    jinja.trim_blocks = jinja.lstrip_blocks = True
    for shown in (labels.clock, labels.seconds, labels.day, labels.moment, labels.machine):
        jinja.filters[shown.__name__] = partial(shown, zone=config.zone)
    for word in (labels.duration, labels.lateness, labels.reason, labels.long_day, labels.short_date,
                 labels.number, labels.size, labels.rule):  # fmt: skip
        jinja.filters[word.__name__] = word
    jinja.globals.update(
        labels=labels,
        May=May,
        embedded=health.uses_embedded_broker(config),
        upload_megabytes=config.web.upload_megabytes,
    )
    app.context_processor(_page)
    app.url_defaults(partial(_newest, Path(app.static_folder or "")))


def _page() -> dict[str, Any]:
    signed_in = current.is_signed_in()
    return {
        "me": current.staff() if signed_in else None,
        "may": current.staff().may if signed_in else lambda _act: False,
        "now": current.now(),
        "zone": current.zone(),
        "station": current.config().station.name,
    }


def _newest(folder: Path, endpoint: str, values: dict[str, Any]) -> None:
    """Put a file's own time into its address: browsers may keep it for long and still see a new one."""
    if endpoint == "static" and "v" not in values:
        file = folder / values["filename"]
        values["v"] = f"{file.stat().st_mtime_ns // 1_000_000:x}" if file.exists() else "0"


def _protect(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    # Kept by nobody else, and asked for anew each time; yet Back still shows what was typed.
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def _drop_uploads(_error: BaseException | None) -> None:
    cast(uploads.Request, request).drop_incoming()
