"""Titles and numbers of bulletins as people write them in a file → the bulletin meant."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin, State
from loa.errors import ScheduleError
from loa.words import say
from scheduler import csv_rows
from scheduler.place_names import offer

GONE = (State.WITHDRAWN, State.REJECTED)
LISTED = 5


class _Named(NamedTuple):
    id: int
    title: str
    state: State


class BulletinNames:
    """What is called how, read once for all lines of a file."""

    def __init__(self, session: Session) -> None:
        self._session = session
        rows = session.execute(sa.select(Bulletin.id, Bulletin.title, Bulletin.state))
        self._named: dict[str, list[_Named]] = {}
        self._ids: dict[int, _Named] = {}
        for row in rows:
            each = _Named(row.id, row.title, row.state)
            self._named.setdefault(csv_rows.plain(each.title), []).append(each)
            self._ids[each.id] = each

    def find(self, text: str, likely: int | None = None) -> Bulletin:
        """The bulletin of that title, or number; of several the ``likely`` one. Raises ScheduleError."""
        found = _narrowed(self._named.get(csv_rows.plain(text), []), text)
        if not found and text.removeprefix("#").isdecimal():
            number = int(text.removeprefix("#")[:9])
            found = [self._ids[number]] if number in self._ids else []
        if not found:
            titles = [each.title for each in self._ids.values() if each.state not in GONE]
            raise ScheduleError(
                say(
                    "Không có bản tin “%(text)s”.%(offer)s Hãy soạn bản tin trước, hoặc sửa tên.",
                    text=text,
                    offer=offer(text, titles),
                ),
                field="bulletin",
            )
        meant = [each for each in found if each.id == likely] or found
        if len(meant) > 1:
            numbers = ", ".join(str(each.id) for each in meant[:LISTED])
            raise ScheduleError(
                say(
                    "Có %(n)s bản tin tên “%(text)s” (số %(numbers)s). Hãy ghi số của bản tin thay cho tên.",
                    n=len(meant),
                    text=text,
                    numbers=numbers,
                ),
                field="bulletin",
            )
        return self._session.get_one(Bulletin, meant[0].id)


def _narrowed(found: list[_Named], text: str) -> list[_Named]:
    """Such as are still to be had, then such as are written just so, then such as are approved: where any are."""
    written = unicodedata.normalize("NFC", text).casefold()
    for better in (
        [each for each in found if each.state not in GONE],
        [each for each in found if unicodedata.normalize("NFC", each.title).casefold() == written],
        [each for each in found if each.state is State.APPROVED],
    ):
        found = [each for each in found if each in better] or found
    return found
