"""What all bodies and answers of the API are made of. Names are English, times RFC 3339 with their zone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from loa import times
from loa.errors import LoaError, NotFound
from loa.staff import Staff
from loa.times import Instant, local
from web import current

MOST_ID = 2**31 - 1
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
Weekday = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
WEEKDAYS: tuple[Weekday, ...] = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

Id = Annotated[int, Meta(ge=1, le=MOST_ID)]
ReceiverId = Annotated[str, Meta(max_length=32)]
Moment = Annotated[datetime, Meta(tz=True)]
Clock = Annotated[
    str, Meta(pattern=CLOCK, max_length=8, description="Wall clock in the station's time zone.")
]
Reason = Annotated[str, Meta(max_length=500)]
Item = TypeVar("Item")


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a program sends: nothing in it that is not known, nothing of another type."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a program is answered. Fields may be added; those that are there stay what they are."""


class Page(Told, Generic[Item], frozen=True):
    """Part of a list. `next` is the `cursor` of the part after it, null at the end."""

    items: list[Item]
    next: str | None


class Person(Told, frozen=True):
    """A member of staff."""

    login: str
    name: str


def person(staff: Staff) -> Person:
    return Person(login=staff.login, name=staff.name)


def moment(instant: Instant) -> datetime:
    """An instant on the station's wall clock."""
    return local(instant, current.zone())


def instant(told: datetime) -> Instant:
    """A moment that was sent."""
    return times.instant(told)


def perhaps(instant: Instant | None) -> datetime | None:
    return None if instant is None else moment(instant)


def clock(text: str, field: str) -> time:
    """17:00 as a time. Raises LoaError naming the field."""
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise LoaError(
            f"Giờ “{text.strip()}” phải có dạng 17:00 hoặc 17:00:00.",
            field=field,
            code="invalid_value",
        ) from None


@contextmanager
def named_in(field: str) -> Iterator[None]:
    """What is not there is named by this field of the body, and not by the address that was called."""
    try:
        yield
    except NotFound as error:
        error.field = error.field or field
        raise
