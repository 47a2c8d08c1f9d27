"""Moving, skipping and putting back what stands in a calendar; each tells what takes it back.

A move is tried first: made through the same gate, and taken back. What is kept was seen by whoever keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from loa.errors import NotFound, ScheduleError
from loa.words import say
from scheduler import exceptions
from scheduler.exceptions import Kind, Otherwise, ScheduleException
from web import current, editors, labels
from web.calendar_forms import BackForm, MoveForm, SkipForm
from web.calendar_items import Item
from web.calendar_series import Target

Open = Callable[[Session], Item]
Fields = tuple[tuple[str, object], ...]
LOGGED = {
    "schedule_id": ("schedule.change", "schedule.end", "exception.add", "exception.withdraw"),
    "programme_id": ("programme.change", "programme.end", "exception.add", "exception.withdraw"),
}
VIEWS = {"xem": "preview", "doi": "move", "bo": "skip", "lai": "restore"}


@dataclass(frozen=True)
class Done:
    """What was done, in a sentence, and what takes it back."""

    said: str
    undo: str = ""
    """Address; empty where nothing does."""
    fields: Fields = ()


class _TakenBack(Exception):
    """No error: the end of a trial."""


def address(item: Item, act: str) -> str:
    """Of what can be done: xem, doi, bo, lai."""
    view = f"calendar_panel.{VIEWS[act]}_{item.column.removesuffix('_id')}"
    places: dict[str, Any] = {item.column: item.id, "day": str(item.day)}
    return url_for(view, **places)


def tried(open_item: Open, form: MoveForm) -> ScheduleError | None:
    """What the gate says of a move: it is made, and taken back."""
    try:
        with current.parts().database.write(wake=False) as session:
            item = open_item(session)
            _carry(item, form.target(item))
            raise _TakenBack
    except _TakenBack:
        return None
    except ScheduleError as error:
        return error


def _carry(item: Item, target: Target) -> ScheduleException | None:
    """Move it; the exception made, None where the series was changed. Raises ScheduleError."""
    if target.scope == "one":
        return item.move(target)
    if item.no_series:
        raise ScheduleError(item.no_series, field="scope")
    if not item.change(target):
        raise ScheduleError(
            say("Giờ này chính là giờ đang phát. Hãy chọn giờ khác."), field="to_time"
        )
    return None


def move(open_item: Open, form: MoveForm) -> Done:
    """Move one day or the whole series. Raises ScheduleError."""
    _demand_seen(open_item, form)
    with current.write() as session:
        item = open_item(session)
        _demand_fresh(session, item, form)
        before, target, way_back = item.exception, form.target(item), _as_it_was(item)
        made = _carry(item, target)
        session.flush()
        if made is not None:
            at, day = f"{target.to_time:%H:%M}", labels.long_day(target.to_day)
            said = say("Đã dời “%(title)s” sang %(at)s %(day)s.", title=item.title, at=at, day=day)
            return Done(said, address(item, "lai"), _back(made, before))
        changed = _held_on(item, target.to_day)
        fields = (("version", changed.version), *way_back)
        said = say("Đã đổi cả lịch “%(title)s”: %(rule)s.", title=item.title, rule=changed.words)
        return Done(said, address(changed, "doi"), fields)


def _as_it_was(item: Item) -> Fields:
    """The same move the other way, through the same gate."""
    return (
        ("scope", "all"), ("to_day", f"{item.day:%d/%m/%Y}"), ("minutes", item.minutes or ""),
        ("to_time", f"{item.clock:%H:%M}" if item.clock else ""), ("waived_why", item.waived_why), ("seen", "y"),
    )  # fmt: skip


def _held_on(item: Item, day: date) -> Item:
    """The item on the day it was moved to, or on its own where the series still has that alone."""
    try:
        return item.on(day)
    except NotFound:
        return item.on(item.day)


def _back(made: ScheduleException, before: ScheduleException | None) -> Fields:
    return (("exception", made.id), ("before", before.id if before else ""))


def skip(open_item: Open, form: SkipForm) -> Done:
    """Leave one day out. Raises ScheduleError."""
    with current.write() as session:
        item = open_item(session)
        _demand_fresh(session, item, form)
        before = item.exception
        made = item.otherwise(Otherwise(day=item.day, kind=Kind.SKIP))
        said = say(
            "Đã bỏ lượt ngày %(day)s của “%(title)s”. Các lần khác không đổi.",
            day=labels.short_date(item.day),
            title=item.title,
        )
        return Done(said, address(item, "lai"), _back(made, before))


def restore(open_item: Open, form: BackForm) -> Done:
    """Have the day as it was before that exception was made. Raises ScheduleError."""
    with current.write() as session:
        item = open_item(session)
        if item.exception is None or item.exception.id != form.exception.data:
            raise ScheduleError(
                say(
                    "%(who)s đã đổi lượt này sau đó nên không hoàn tác được. Lịch đã được tải lại.",
                    who=_who(session, item),
                )
            )
        before = exceptions.get(session, form.before.data) if form.before.data else None
        if before is None or getattr(before, item.column) != item.id or before.day != item.day:
            item.restore(item.exception)
        else:
            item.otherwise(_again(before))
        day = labels.short_date(item.day)
        return Done(say("“%(title)s” ngày %(day)s lại như trước.", title=item.title, day=day))


def _again(before: ScheduleException) -> Otherwise:
    return Otherwise(
        day=before.day, kind=before.kind, to_day=before.to_day, to_time=before.to_time,
        bulletin_id=before.bulletin_id, reason=before.reason,
    )  # fmt: skip


# -- what must hold -------------------------------------------------------------------------------


def _demand_fresh(session: Session, item: Item, form: MoveForm | SkipForm) -> None:
    """Raise ScheduleError where somebody has changed it since it was shown."""
    if form.version.data == item.version:
        return
    form.version.data = item.version  # sent once more, it is meant
    raise ScheduleError(
        say(
            "%(who)s đã sửa trong khi bạn đang xem. Chưa lưu gì; lịch đã được tải lại. "
            "Hãy xem lại, rồi bấm lần nữa nếu vẫn muốn đổi.",
            who=_who(session, item),
        )
    )


def _who(session: Session, item: Item) -> str:
    subject = {item.column.removesuffix("_id"): item.id}
    return editors.last(session, *LOGGED[item.column], **subject)


def _demand_seen(open_item: Open, form: MoveForm) -> None:
    """What would silence something is kept only by who has seen that. Raises ScheduleError."""
    if form.seen.data:
        return
    with current.read() as session:
        item = open_item(session)
        clashes = item.clashes(form.target(item))
    if clashes is not None and clashes.found.is_grave:
        raise ScheduleError(
            say(
                "Giờ này trùng với lượt khác nên có lượt sẽ không phát được hoặc bị ngắt. Hãy chọn giờ khác, "
                "hoặc đánh dấu đã xem."
            ),
            field="seen",
        )
