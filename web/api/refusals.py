"""Every refusal of the API in one form: a machine code, the sentence a person reads, and the field it belongs to."""

from __future__ import annotations

import logging

import msgspec
from flask import Blueprint, Flask, Response
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from loa import words
from loa.errors import DatabaseError, LoaError, NotAllowed, NotFound
from loa.idempotency import KeyMissing
from loa.staff import WAIT
from loa.times import SECOND
from loa.tokens import TokenRefused
from loa.words import say
from scheduler.admission import ReasonNeeded
from web import current, errors
from web.api import answers
from web.api.answers import encoded
from web.api.wire import Told

log = logging.getLogger(__name__)

CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    411: "length_required",
    413: "too_large",
    415: "not_json",
    500: "fault",
    503: "busy",
}
SENTENCES = {
    404: say("Không có địa chỉ này. Hãy xem lại đường dẫn trong tài liệu API."),
    405: say("Địa chỉ này không nhận cách gọi ấy. Tiêu đề Allow nói cách nào được."),
    413: say("Nội dung gửi lên quá lớn. Hãy chia nhỏ rồi gửi lại."),
    500: say(
        "Chương trình gặp lỗi khi làm việc này; lỗi đã được ghi lại. Nếu vẫn thế, hãy báo người quản trị."
    ),
    503: errors.SENTENCES[503],
}
OTHERWISE = say("Yêu cầu này không hợp lệ. Hãy xem lại tài liệu API.")


class TokenMissing(TokenRefused):
    """No token was sent."""

    code = "token_missing"


class TooManyTries(LoaError):
    """So many wrong tokens came from there that none is looked into for a while."""

    code = "too_many_tries"


class NotJson(LoaError):
    """The body is said to be something else."""

    code = "not_json"


class Malformed(LoaError):
    """The body is no JSON at all."""

    code = "malformed_json"


class Invalid(LoaError):
    """The body or the query is not of the form asked for."""

    code = "invalid_value"


STATUSES: tuple[tuple[type[LoaError], int], ...] = (
    (TokenRefused, 401),
    (NotAllowed, 403),
    (NotJson, 415),
    (Malformed, 400),
    (KeyMissing, 400),
    (TooManyTries, 429),
    (DatabaseError, 503),
)


class Error(Told, frozen=True):
    """Why it was not done. `code` stays the same, `message` may be put better one day."""

    code: str
    message: str
    field: str | None
    """The part of the body, the query or the headers to put right; null where it is none."""
    rules: list[str] | msgspec.UnsetType = msgspec.UNSET
    """Of `reason_needed`: the rules of the regulation that it breaks."""


class Refusal(Told, frozen=True):
    """The answer to whatever was not done."""

    error: Error


def status_of(error: LoaError) -> int:
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return status
    if isinstance(error, NotFound) and error.field is None:
        return 404
    return 422 if error.field else 409


def told(error: LoaError) -> Error:
    """A rule's refusal as it is told."""
    said = Error(code=error.code, message=words.told(error.sentence), field=error.field)
    if isinstance(error, ReasonNeeded):
        rules: list[str] = [found.rule for found in error.findings]
        said = msgspec.structs.replace(said, rules=rules)
    return said


def of_rule(error: LoaError) -> Response:
    """A refusal of a rule of ours."""
    status = status_of(error)
    if status == 503:
        log.error("%s", error.sentence)
    answer = answers.json(status, encoded(Refusal(error=told(error))))
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="loa"'
    if status == 429:
        answer.headers["Retry-After"] = str(WAIT // SECOND)
    return answer


def of_http(error: HTTPException) -> Response:
    """A refusal of HTTP's own: no such address, another method, too much."""
    status = error.code or 500
    answer = of_status(status)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return answer


def of_status(status: int) -> Response:
    code, sentence = CODES.get(status, CODES[400]), SENTENCES.get(status, OTHERWISE)
    said = Error(code=code, message=words.told(sentence), field=None)
    return answers.json(status, encoded(Refusal(error=said)))


def of_fault(_error: InternalServerError) -> Response:
    """A fault of ours; Flask has already logged it with its trace."""
    return of_status(500)


def of_database(error: OperationalError | PoolTimeout) -> Response:
    log.error("database: %s", error)
    return of_status(503)


def of_number(error: OverflowError | DataError) -> Response:
    """A number that no row can have: nothing of it is there. Raises any other such error."""
    if not errors.is_number_too_large(error):
        raise error
    return of_status(404)


def attach(bp: Blueprint) -> None:
    """Have whatever goes wrong in a call told in this form."""
    bp.register_error_handler(LoaError, of_rule)
    bp.register_error_handler(OperationalError, of_database)
    bp.register_error_handler(PoolTimeout, of_database)
    bp.register_error_handler(OverflowError, of_number)
    bp.register_error_handler(DataError, of_number)
    bp.register_error_handler(InternalServerError, of_fault)
    bp.register_error_handler(HTTPException, of_http)
    bp.register_error_handler(413, of_http)  # by its number, as the pages have it: that goes first


def register(app: Flask) -> None:
    """The same of what leads nowhere, which belongs to no blueprint."""
    app.register_error_handler(
        HTTPException, lambda error: of_http(error) if current.is_api() else errors.of_http(error)
    )
