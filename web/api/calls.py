"""How every call is answered: who asks, what exactly, done in one transaction, told in one form."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Response, g, request

from loa import idempotency, tokens
from loa.errors import NotAllowed
from loa.tokens import Token, TokenRefused
from web import current, level_guard
from web.api import answers, decoding, receiving
from web.api.answers import File
from web.api.receiving import Received
from web.api.refusals import TokenMissing, TooManyTries
from web.api.routes import Route
from web.api.wire import Strict

KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"


def view_of(route: Route) -> Callable[..., Response]:
    """The view that Flask calls. It is open to whoever signed in or not: here a token is asked for."""

    def view(**places: Any) -> Response:
        _admit(route)
        level_guard.guard()
        return _write(route, places) if route.writes else _read(route, places)

    view.__dict__.update(needs=route.needs, route=route, takes_upload=route.takes_upload)
    return view


# -- who asks -------------------------------------------------------------------------------------


def token() -> Token:
    """By which the call came."""
    found: Token = g.token
    return found


def _admit(route: Route) -> None:
    """Have the token's owner act. Raises LoaError where there is none, or it is not good for this."""
    found = _token_of(request.headers.get("Authorization", ""))
    g.staff, g.token = found.staff, found
    if not tokens.is_noted(found, current.now()):
        with current.parts().database.write(wake=False) as session:
            tokens.note_use(session, found.id, current.now())
    if route.scope is not None and not found.has(route.scope):
        raise NotAllowed(
            f"Mã truy cập “{found.name}” không được phép “{route.scope}”. Hãy xin quản trị mã có quyền này.",
            code="scope_missing",
        )
    current.staff().demand(route.needs)


def _token_of(header: str) -> Token:
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise TokenMissing(
            "Lệnh này cần mã truy cập, trong tiêu đề Authorization: Bearer …. Quản trị cấp mã ở trang Cán bộ."
        )
    try:
        with current.read() as session:
            return tokens.find(session, text.strip(), current.now())
    except TokenRefused as refused:
        _count(refused)
        raise


def _count(refused: TokenRefused) -> None:
    """Note a wrong token. Raises TooManyTries where there were too many already."""
    address, now = request.remote_addr or "", current.now()
    with current.read() as session:
        is_waiting = tokens.is_waiting(session, address, now)
    if not is_waiting:
        with current.parts().database.write(wake=False) as session:
            # Asked again: many at once would all have seen the count before any of them was noted.
            is_waiting = tokens.is_waiting(session, address, now)
            if not is_waiting:
                tokens.note_wrong(session, address, refused.code, now)
    if is_waiting:
        raise TooManyTries("Đã gửi mã truy cập sai nhiều lần. Hãy chờ 5 phút rồi thử lại.")


# -- what is done ---------------------------------------------------------------------------------


def _read(route: Route, places: dict[str, Any]) -> Response:
    given = _given(route)
    with current.read() as session:
        told = route.act(session, **places, **given)
        content = told if isinstance(told, File) else answers.encoded(told)
    if isinstance(content, File):
        return answers.sent(content, route.status)
    return answers.json(route.status, content)


def _write(route: Route, places: dict[str, Any]) -> Response:
    """Carry it out, once for each key."""
    key = idempotency.demand(request.headers.get(KEY))
    given = _given(route)
    asked, now = _fingerprint(given.get("upload")), current.now()
    with current.write() as session:
        kept = idempotency.find(session, token().id, key, asked, now)
        if kept is not None:
            answer = answers.json(kept.status, kept.body.encode())
            answer.headers[REPLAYED] = "true"
            return answer
        tokens.note_act(session, token(), f"{request.method} {request.path}", now)
        told = answers.encoded(route.act(session, **places, **given))
        idempotency.keep(
            session, token().id, key, asked, status=route.status, body=told.decode(), now=now
        )
    return answers.json(route.status, told)


def _given(route: Route) -> dict[str, Any]:
    """What was sent, as the arguments of the function that answers. Raises LoaError naming the field."""
    query = decoding.query(route.query or Strict)
    given: dict[str, Any] = {"query": query} if route.query else {}
    if route.takes_upload:
        return {**given, "upload": receiving.receive()}
    if route.method == "POST":
        body = decoding.body(route.body)
        given |= {} if body is None else {"body": body}
    return given


def _fingerprint(upload: Received | None) -> str:
    """What was asked: method, address and body, byte for byte."""
    asked = f"{request.method} {request.full_path}\n".encode()
    asked += request.get_data() if upload is None else upload.sha256.encode()
    return hashlib.sha256(asked).hexdigest()
