"""How staff see the station: pages over its database. Nothing here speaks to receivers."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

import content.library
from devices import trust
from loa import times
from loa.config import Config
from loa.database import Database
from loa.staff import May
from loa.times import Instant
from web import (
    account,
    api,
    areas,
    audio,
    audit_log,
    broadcasts,
    bulletins,
    calendar_page,
    calendar_panel,
    campaigns,
    canned,
    claiming,
    claims,
    compressed,
    current,
    cuts,
    days,
    decisions,
    dictionary,
    emergency,
    errors,
    evidence,
    exceptions,
    faults,
    groups,
    health,
    i18n,
    in_turn,
    installable,
    labels,
    level_guard,
    levels,
    library,
    listening,
    live,
    log,
    look,
    map_page,
    new_broadcast,
    notice_templates,
    plan,
    programme_days,
    programmes,
    readings,
    receiver_files,
    receivers,
    regulation,
    remedies,
    remote,
    report_orders,
    reports,
    retention,
    rollup,
    schedule_import,
    schedules,
    second_step,
    sign_in,
    sounds,
    staff,
    stickers,
    today,
    tokens,
    transfers,
    translations,
    uploads,
    versions,
    voices,
    why,
)
from web.current import Parts

FAMILIES = (
    i18n, look, installable, sign_in, account, second_step,
    today, new_broadcast, notice_templates, library, bulletins, readings, dictionary, listening, transfers, cuts,
    translations, versions,
    decisions, sounds, audio, voices, schedules, schedule_import, campaigns,
    calendar_page, calendar_panel, levels, exceptions, programmes, programme_days, broadcasts, emergency, canned,
    receivers, map_page, receiver_files, remote, faults, groups,
    claims, claiming, stickers, areas, log, audit_log, evidence, reports, report_orders, rollup, retention,
    staff, tokens, regulation, days, live, plan, why,
)  # fmt: skip
SIGNED_IN_FOR = timedelta(days=14)
HEADERS = {
    # data: is for the small pictures within Pico's stylesheet, blob: for listening to what was just recorded.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "worker-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
}


class Sessions(SecureCookieSessionInterface):
    """A program's call has none: its token alone says who asks, and it gets no cookie."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if current.is_api_path(request.path):
            return self.session_class()
        return super().open_session(app, request)


class Application(Flask):
    request_class = uploads.Request
    session_interface = Sessions()


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
    hub = live.Hub(database, clock, limit=live.room(config.web.threads))
    app.extensions[current.EXTENSION] = Parts(config, database, clock, hub)
    _words(app, config)
    i18n.register(app)
    in_turn.register(app)
    # Before all else: a stranger's post is turned away before any of it is read.
    app.before_request(sign_in.admit)
    app.before_request(level_guard.guard)
    app.before_request(uploads.allow)
    forged_posts = CSRFProtect(app)
    errors.register(app)
    api.register(app)
    forged_posts.exempt(api.bp)  # nothing a browser sends along by itself is a token
    for family in FAMILIES:
        app.register_blueprint(family.bp)
    app.after_request(_protect)
    compressed.register(app)
    app.teardown_request(_drop_uploads)
    return app


def _words(app: Flask, config: Config) -> None:
    """Give the templates our labels, with times by the station's clock."""
    jinja = app.jinja_env
    jinja.trim_blocks = jinja.lstrip_blocks = True
    for shown in (labels.clock, labels.seconds, labels.day, labels.moment, labels.machine):
        jinja.filters[shown.__name__] = partial(shown, zone=config.zone)
    for word in (labels.duration, labels.lateness, labels.reason, labels.long_day, labels.short_date, labels.moon,
                 labels.number, labels.size, labels.rule, labels.station_parts):  # fmt: skip
        jinja.filters[word.__name__] = word
    jinja.globals.update(
        labels=labels,
        remedies=remedies,
        May=May,
        embedded=health.uses_embedded_broker(config),
        upload_megabytes=config.web.upload_megabytes,
        style_nonce=_style_nonce,
    )
    app.context_processor(_page)
    app.url_defaults(partial(_newest, Path(app.static_folder or "")))


def _page() -> dict[str, Any]:
    signed_in = current.is_signed_in()
    return {
        "waiting_for_me": _waiting_for_me,
        "me": current.staff() if signed_in else None,
        "may": current.staff().may if signed_in else lambda _act: False,
        "now": current.now(),
        "zone": current.zone(),
        "station": current.config().station.name,
    }


def _waiting_for_me() -> int:
    """Bulletins that wait for this reader's approval; counted only where a page asks, and once."""
    if "waiting_for_me" not in g:
        g.waiting_for_me = 0
        # The page that says the database is busy must not fail for want of a number in its head.
        with suppress(OperationalError, PoolTimeout), current.read() as session:
            g.waiting_for_me = content.library.count_to_decide(session, current.staff())
    return int(g.waiting_for_me)


def _newest(folder: Path, endpoint: str, values: dict[str, Any]) -> None:
    """Put a file's own time into its address: browsers may keep it for long and still see a new one."""
    if endpoint == "static" and "v" not in values:
        file = folder / values["filename"]
        values["v"] = f"{file.stat().st_mtime_ns // 1_000_000:x}" if file.exists() else "0"


def _style_nonce() -> str:
    """The word by which a library that brings a style of its own may use it on this page alone."""
    g.style_nonce = g.get("style_nonce") or secrets.token_urlsafe(16)
    return str(g.style_nonce)


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _policy()
    if g.get("may_locate"):
        allowed = HEADERS["Permissions-Policy"].replace("geolocation=()", "geolocation=(self)")
        response.headers["Permissions-Policy"] = allowed
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    # Kept by nobody else, and asked for anew each time; yet Back still shows what was typed.
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def _policy() -> str:
    """What this page may load: a library's own style, or pictures of another machine, on the page that asks alone."""
    policy = HEADERS["Content-Security-Policy"]
    if g.get("pictures_from"):
        policy = policy.replace("img-src 'self'", f"img-src 'self' {g.pictures_from}")
    if "style_nonce" in g:
        policy += f"; style-src 'self' 'nonce-{g.style_nonce}'"
    return policy


def _drop_uploads(_error: BaseException | None) -> None:
    cast(uploads.Request, request).drop_incoming()
