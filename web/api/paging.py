"""Lists in parts: so many items, and a cursor that says after which one the next part begins.

A cursor names the last item, not how many there were: what is added or ended meanwhile neither repeats nor hides any.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy.orm import Session

from scheduler.level_views import Placed, View
from web import current
from web.api.refusals import Invalid
from web.api.wire import Id, Page, Strict

USUAL, MOST = 50, 200
Time = Annotated[int, Meta(ge=0, le=2**53)]
"""An instant in a cursor."""
Row = TypeVar("Row")
Item = TypeVar("Item")
Key = TypeVar("Key")
Source = TypeVar("Source", bound=Placed)
AT_ONCE = 200
"""Rows looked at in one step, of which a person of one area may see only some."""


class Listed(Strict, frozen=True):
    """Which part of a list."""

    limit: Annotated[int, Meta(ge=1, le=MOST)] = USUAL
    """Items in one part."""
    cursor: Annotated[str, Meta(max_length=200)] | None = None
    """`next` of the part before; without it the list from its beginning."""


def after(listed: Listed, kind: type[Key]) -> Key | None:
    """Where the part begins. Raises Invalid for a cursor that is none of ours."""
    if listed.cursor is None:
        return None
    try:
        padded = listed.cursor + "=" * (-len(listed.cursor) % 4)
        found = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=kind)
    except (msgspec.DecodeError, binascii.Error, ValueError):
        found = None
    if found is None or "\0" in str(found):
        raise Invalid(
            "Con trỏ “cursor” không đúng. Hãy lấy nguyên giá trị “next” của phần trước.",
            field="cursor", code="cursor_wrong",
        )  # fmt: skip
    return found


def page(
    rows: Sequence[Row], listed: Listed, told: Callable[[Row], Item], key: Callable[[Row], Any]
) -> Page[Item]:
    """The part that these rows are, of which one more was asked for than it holds."""
    shown = rows[: listed.limit]
    following = _cursor(key(shown[-1])) if len(rows) > listed.limit else None
    return Page(items=[told(row) for row in shown], next=following)


def sources(
    session: Session, listed: Listed, found: sa.Select[Source], number: Any
) -> list[Source]:
    """Schedules, programmes or the like that the reader gets to see, the last made first.

    One more than asked for, where there are as many. ``number``: the column of their ids.
    """
    view, below = View(session, current.staff()), after(listed, Id)
    shown: list[Source] = []
    while len(shown) <= listed.limit:
        step = found.order_by(number.desc()).limit(AT_ONCE)
        rows = session.scalars(step if below is None else step.where(number < below)).all()
        shown += view.sources(rows)
        if len(rows) < AT_ONCE:
            break
        below = getattr(rows[-1], number.key)
    return shown[: listed.limit + 1]


def _cursor(key: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")
