"""Errors as pages: a sentence and the way on, never a trace."""

from __future__ import annotations

import logging

from flask import Flask, Response, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from loa import words
from loa.errors import Crowded, DatabaseError, LoaError, NotAllowed, NotFound
from loa.words import say
from web import current, labels

log = logging.getLogger(__name__)

TITLES = {
    400: say("Chưa thực hiện được"),
    403: say("Không có quyền"),
    404: say("Không có trang này"),
    405: say("Không có trang này"),
    409: say("Chưa thực hiện được"),
    413: say("Gửi lên quá lớn"),
    500: say("Lỗi của chương trình"),
    503: say("Đài đang bận"),
}
SENTENCES = {
    404: say("Đường dẫn đã sai hoặc mục này không còn. Hãy quay lại trang Hôm nay."),
    405: say("Đường dẫn đã sai hoặc mục này không còn. Hãy quay lại trang Hôm nay."),
    500: say(
        "Chương trình gặp lỗi khi làm việc này; lỗi đã được ghi lại. "
        "Hãy thử lại; nếu vẫn thế, hãy báo người quản trị."
    ),
    503: say("Cơ sở dữ liệu đang bận hoặc không mở được. Hãy thử lại sau ít giây."),
}
TOO_LARGE = "22003"
"""SQLSTATE numeric_value_out_of_range; Python's own module for SQLite has no code, only words."""
EXPIRED = say(
    "Trang này mở đã lâu nên không gửi được nữa. Hãy quay lại trang trước, tải lại rồi gửi lần nữa."
)


def show(status: int, sentence: str) -> Response:
    """The error page; within a live page only the status, so that the page stays as it is."""
    if request.headers.get("HX-Request"):
        return Response(words.told(sentence), status, mimetype="text/plain")
    title = TITLES.get(status, TITLES[400])
    page = render_template("errors/error.html", status=status, title=title, sentence=sentence)
    return make_response(page, status)


def of_rule(error: LoaError) -> Response:
    """A refusal that no form could show."""
    if isinstance(error, NotAllowed):
        return show(403, error.sentence)
    if isinstance(error, NotFound):
        return show(404, error.sentence)
    if isinstance(error, Crowded):
        return show(503, error.sentence)
    if isinstance(error, DatabaseError):
        log.error("%s", error.sentence)
        return show(503, error.sentence)
    return show(400 if error.field else 409, error.sentence)


def of_csrf(_error: CSRFError) -> Response:
    return show(400, EXPIRED)


def of_size(_error: HTTPException) -> Response:
    config = current.config()
    letters = labels.number(config.content.max_characters)
    return show(
        413,
        say(
            "Nội dung gửi lên quá lớn. Tệp ghi âm được tối đa %(size)s MB, văn bản tối đa %(letters)s ký tự. "
            "Hãy nén thành MP3 hoặc chia nhỏ rồi gửi lại.",
            size=config.web.upload_megabytes,
            letters=letters,
        ),
    )


def of_database(error: OperationalError | PoolTimeout) -> Response:
    log.error("database: %s", error)
    return show(503, SENTENCES[503])


def of_number(error: OverflowError | DataError) -> Response:
    """A number in an address or a form that no row can have: nothing of it is there. Raises any other such error."""
    if not is_number_too_large(error):
        raise error
    return show(404, SENTENCES[404])


def is_number_too_large(error: OverflowError | DataError) -> bool:
    """Whether the database says that it has no such number."""
    if isinstance(error, DataError):
        return getattr(error.orig, "sqlstate", None) == TOO_LARGE
    return "SQLite" in str(error)


def of_http(error: HTTPException) -> Response:
    """Any other refusal of HTTP's own."""
    status = error.code or 500
    if status < 400 and error.response is not None:
        return error.response  # type: ignore[return-value]
    return show(
        status, SENTENCES.get(status, say("Yêu cầu này không hợp lệ. Hãy quay lại trang trước."))
    )


def of_fault(_error: InternalServerError) -> Response:
    """A fault of ours; Flask has already logged it with its trace."""
    return show(500, SENTENCES[500])


def register(app: Flask) -> None:
    app.register_error_handler(LoaError, of_rule)
    app.register_error_handler(CSRFError, of_csrf)
    app.register_error_handler(OperationalError, of_database)
    app.register_error_handler(PoolTimeout, of_database)
    app.register_error_handler(OverflowError, of_number)
    app.register_error_handler(DataError, of_number)
    app.register_error_handler(413, of_size)
    app.register_error_handler(InternalServerError, of_fault)
    app.register_error_handler(HTTPException, of_http)
