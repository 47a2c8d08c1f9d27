"""Names of places as people write them in a file → the areas, groups and receivers meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import areas, groups
from devices.areas import Area
from devices.groups import Group
from devices.receivers import Receiver
from loa.errors import DeviceError
from loa.words import say
from scheduler import csv_rows
from scheduler.fleet_files import paths
from scheduler.targets import Where

GROUP, BUT = "nhom ", "tru "
ALIKE = 0.6
"""Below this two names are not offered for each other."""


class PlaceNames:
    """What is called how, read once for all lines of a file."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._areas: dict[str, list[Area]] = {}
        """Path or name in plain letters → the areas meant."""
        self._full: dict[str, str] = {}
        by_id = {area.id: area for _, area in areas.tree(session)}
        for area_id, path in paths(session).items():
            area = by_id[area_id]
            for called in {path, area.full_name, area.name}:
                self._areas.setdefault(_plain(called), []).append(area)
                self._full[_plain(called)] = area.full_name
        self._roots = [area for area in by_id.values() if area.parent_id is None]

    def area(self, text: str) -> Area:
        """The area of that name. Raises DeviceError where there is none, or more than one."""
        found = self._areas.get(_plain(text), [])
        if not found:
            raise DeviceError(
                say(
                    "Không có địa bàn “%(text)s”.%(offer)s Hãy thêm địa bàn trước, hoặc sửa tên.",
                    text=text,
                    offer=offer(text, self._full),
                )
            )
        if len({area.id for area in found}) > 1:
            raise DeviceError(
                say(
                    "Có nhiều địa bàn tên “%(text)s”. Hãy ghi cả cấp trên, ví dụ: xã Mẫu > thôn Đông.",
                    text=text,
                )
            )
        return found[0]

    def where(self, text: str, own_area_id: int | None = None) -> Where:
        """xã Mẫu | nhóm Trường học | trừ Cột đình, as people or our own calendar file write it.

        Nothing written is all of the person's own area, or of a station that is one commune. Raises DeviceError.
        """
        if not text.strip():
            return Where((own_area_id or self._only_root(),))
        if _plain(text) in self._areas:
            return Where((self.area(text).id,))
        pieces = [each.strip() for each in re.split(r"[|;,\n]", text) if each.strip()]
        first_out = next(
            (n for n, each in enumerate(pieces) if _plain(each).startswith(BUT)), len(pieces)
        )
        places = [self._place(each) for each in pieces[:first_out]]
        left_out = [self._receiver(each) for each in pieces[first_out:]]
        return Where(
            tuple(sorted({each.id for each in places if isinstance(each, Area)})),
            tuple(sorted({each.id for each in places if isinstance(each, Group)})),
            tuple(sorted(set(left_out))),
        )

    def _only_root(self) -> int:
        if len(self._roots) != 1:
            raise DeviceError(say("Chưa ghi nơi phát. Hãy ghi tên địa bàn hoặc nhóm."))
        return self._roots[0].id

    def _place(self, text: str) -> Area | Group:
        name = _plain(text)
        if name in self._areas:
            return self.area(text)
        group = self._groups.get(name.removeprefix(GROUP))
        if group is None:
            called = self._full | {each: found.called for each, found in self._groups.items()}
            raise DeviceError(
                say(
                    "Không có địa bàn hay nhóm “%(text)s”.%(offer)s Hãy sửa tên, hoặc thêm trước.",
                    text=text,
                    offer=offer(text, called),
                )
            )
        return group

    def _receiver(self, text: str) -> str:
        name = _plain(text).removeprefix(BUT)
        found = self._receivers.get(name)
        if found is None:
            raise DeviceError(
                say(
                    "Không rõ trừ đầu thu nào: “%(text)s”. Hãy ghi tên hoặc mã từng đầu thu, cách nhau bằng dấu |.",
                    text=text,
                )
            )
        return found

    @cached_property
    def _groups(self) -> dict[str, Group]:
        return {_plain(group.name): group for group in groups.listing(self._session)}

    @cached_property
    def _receivers(self) -> dict[str, str]:
        """Name or id, plain → id; a name that several have is none."""
        rows = self._session.execute(sa.select(Receiver.id, Receiver.name)).all()
        names = [_plain(row.name) for row in rows]
        named = {_plain(row.name): row.id for row in rows if names.count(_plain(row.name)) == 1}
        return named | {_plain(row.id): row.id for row in rows}


def _plain(text: str) -> str:
    return csv_rows.plain(text.replace(">", " > "))


def offer(text: str, known: dict[str, str] | Iterable[str]) -> str:
    """A sentence with the name nearest to what was written; empty where none is near."""
    called = known if isinstance(known, dict) else {csv_rows.plain(each): each for each in known}
    near = difflib.get_close_matches(_plain(text), called, n=1, cutoff=ALIKE)
    return say(" Có phải “%(name)s”?", name=called[near[0]]) if near else ""
