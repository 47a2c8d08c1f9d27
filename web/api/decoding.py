"""From the bytes and the query of a call to its types, strictly; what does not fit is told in a sentence."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec
from flask import request

from web import forms
from web.api.refusals import Invalid, Malformed, NotJson
from web.api.wire import Strict

S = TypeVar("S", bound=Strict)
EMPTY = (b"", b"{}")
TYPES = {
    "int": "số nguyên",
    "float": "số",
    "str": "chuỗi chữ",
    "bool": "true hoặc false",
    "array": "danh sách",
    "object": "đối tượng JSON",
    "null": "null",
    "date": "ngày dạng 2026-11-21",
    "datetime": "thời điểm RFC 3339 có múi giờ, ví dụ 2026-11-21T17:00:00+07:00",
}
_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_NAMED = re.compile(r"^Object (contains unknown|missing required) field `([^`]*)`")
_EXPECTED = re.compile(r"^Expected `([^`]+)`(?: (of length )?(>=|<=|>|<) (\S+))?")


# -- the body -------------------------------------------------------------------------------------


def body(kind: type[S] | None) -> S | None:
    """The body as what the call takes; None where it takes none. Raises LoaError naming the field."""
    raw = request.get_data()
    if kind is None:
        if raw.strip() not in EMPTY:
            raise Invalid("Lệnh này không nhận nội dung nào. Hãy gửi nội dung trống.", field="body")
        return None
    if request.mimetype != "application/json":
        raise NotJson(
            f"Nội dung gửi lên được khai là “{request.mimetype[:80] or 'không rõ'}”. "
            "Hãy gửi JSON với tiêu đề Content-Type: application/json."
        )
    try:
        found = msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise in_words(error) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Malformed("Nội dung gửi lên không phải JSON đúng dạng. Hãy kiểm lại.") from None
    _demand_usable(found, "")
    return found


# -- the query ------------------------------------------------------------------------------------


def query(kind: type[S]) -> S:
    """What stands behind the question mark. Raises LoaError naming the parameter."""
    given: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Invalid(f"Tham số “{name[:80]}” chỉ ghi một lần.", field=name[:80])
        given[name] = values[0]
    return converted(given, kind)


def converted(given: Any, kind: type[S]) -> S:
    """Texts as the types of a struct. Raises LoaError naming the field."""
    try:
        found = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise in_words(error) from None
    _demand_usable(found, "")
    return found


# -- in words -------------------------------------------------------------------------------------


def in_words(error: msgspec.ValidationError) -> Invalid:
    """The library's complaint as a sentence."""
    said = str(error)
    found = _PLACE.search(said)
    place = found[1] if found else ""
    said = said[: found.start()] if found else said
    if named := _NAMED.match(said):
        return _of_name(place, named[2], is_missing=named[1].startswith("missing"))
    return Invalid(f"Mục “{place or 'body'}” {_wish(said)}.", field=place or "body")


def _of_name(place: str, name: str, *, is_missing: bool) -> Invalid:
    name = f"{place}.{name}" if place else name
    if is_missing:
        return Invalid(f"Thiếu mục “{name}”. Hãy thêm vào.", field=name, code="missing_field")
    return Invalid(
        f"Không có mục “{name[:80]}”. Hãy xem lại tên hoặc bỏ mục này.", field=name[:80], code="unknown_field"
    )  # fmt: skip


def _wish(said: str) -> str:
    if "date" in said and said.startswith("Invalid"):
        return f"phải là {TYPES['datetime' if 'datetime' in said else 'date']}"
    if said.startswith("Invalid enum value"):
        return f"có giá trị {said.removeprefix('Invalid enum value ')[:80]} không dùng được; xem tài liệu API"
    found = _EXPECTED.match(said)
    if found is None:
        return "không đúng dạng; xem tài liệu API"
    kinds = " hoặc ".join(TYPES.get(each, each) for each in found[1].split(" | "))
    if found[3] is None:
        return f"phải là {kinds}{' đúng dạng, ví dụ 17:00' if 'regex' in said else ''}"
    bound = {">=": "ít nhất", "<=": "nhiều nhất", ">": "lớn hơn", "<": "nhỏ hơn"}[found[3]]
    return f"{'có độ dài' if found[2] else 'phải là ' + kinds} {bound} {found[4]}"


def _demand_usable(value: Any, place: str) -> None:
    """Raise Invalid for a letter no database keeps, and for a day no plan of a commune reaches."""
    if isinstance(value, str) and "\0" in value:
        raise Invalid(f"Mục “{place}” chứa ký tự không dùng được (mã 0).", field=place)
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date) and not forms.is_near(value):
        raise Invalid(
            f"Mục “{place}” có ngày cách đây quá {forms.MOST_YEARS} năm. Hãy xem lại năm.", field=place
        )  # fmt: skip
    if isinstance(value, tuple | list):
        for number, each in enumerate(value):
            _demand_usable(each, f"{place}[{number}]")
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _demand_usable(getattr(value, name), f"{place}.{name}" if place else name)
