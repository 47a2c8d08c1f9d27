"""The fleet's table brought back: what a file would change is told line by line, and done once that is confirmed.

A line with a known id changes that receiver; one with an id or a serial nobody knows makes room for a new one, whose
box then claims its place. Nothing is done while a file is only looked at.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import areas, claims, groups, receivers
from devices.areas import Area
from devices.claims import Newcomer, Place
from devices.groups import Group
from devices.receivers import Receiver
from loa import searching
from loa.errors import DeviceError
from loa.times import Instant
from scheduler.fleet_files import AT_ONCE, EDITABLE, paths

MOST_LINES = 20_000
PORTION = 200
"""Lines brought in by one transaction: whoever else must write waits no longer than for these."""
_PLAIN = {searching.without_marks(name): name for name in EDITABLE}


@dataclass(frozen=True, kw_only=True)
class Values:
    """What a line wants of a receiver; None where the file does not say."""

    id: str
    serial: str
    name: str | None
    area: Area | None
    households: int | None
    volume: int | None
    lat: float | None
    lon: float | None
    groups: tuple[str, ...] | None
    says_place: bool
    """It has the columns of the coordinates."""


@dataclass(frozen=True)
class Change:
    """A receiver that would be another afterwards: (what, before, after)."""

    line: int
    values: Values
    receiver: Receiver
    what: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Wrong:
    """A line that cannot be taken, and why."""

    line: int
    words: str
    why: str


@dataclass
class Plan:
    """What an import would do."""

    new: list[tuple[int, Values]] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    same: int = 0
    wrong: list[Wrong] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.changed)

    @property
    def lines(self) -> int:
        """How many it would bring in."""
        return len(self.new) + len(self.changed)

    def portions(self) -> Iterator[Plan]:
        """The same in parts, to be brought in one after the other, each wholly or not at all."""
        for at in range(0, len(self.changed), PORTION):
            yield Plan(changed=self.changed[at : at + PORTION])
        for at in range(0, len(self.new), PORTION):
            yield Plan(new=self.new[at : at + PORTION])


@dataclass(frozen=True)
class _Known:
    """What the lines are held against, read once."""

    receivers: dict[str, Receiver]
    by_serial: dict[str, str]
    waiting: set[str]
    """Ids and serials that wait for their box."""
    names: dict[str, list[str]]
    areas: dict[str, list[Area]]
    """Path or name in plain letters → the areas meant."""


def look_at(session: Session, text: str) -> Plan:
    """What the file would do, line by line. Raises DeviceError when it is no such file."""
    known, plan = _read_known(session), Plan()
    used: set[str] = set()
    for number, cells in _rows(text):
        try:
            values = _values(cells, known)
            _judge(session, number, values, known, used, plan)
        except DeviceError as error:
            words = cells.get("mã") or cells.get("số máy") or cells.get("tên") or ""
            plan.wrong.append(Wrong(number, words, error.sentence))
    return plan


def bring_in(session: Session, plan: Plan, *, now: Instant, by: str) -> None:
    """Do what a portion says. Raises DeviceError; nothing of it is then done, as the caller's transaction ends.

    The number of statements to a line does not depend on how many there are, nor on the fleet's size.
    """
    ids = [change.receiver.id for change in plan.changed]
    # Held until the end: the session forgets what nobody holds, and would ask for each anew.
    held = {
        each.id: each for each in session.scalars(sa.select(Receiver).where(Receiver.id.in_(ids)))
    }
    for change in plan.changed:
        _apply(session, change, held, now, by)
    _join(session, plan.changed, now, by)
    newcomers = [
        Newcomer(_place(values, values.name, values.area), values.serial, values.id)
        for _, values in plan.new
        if values.area is not None and values.name is not None
    ]
    for each in {newcomer.place.area.id for newcomer in newcomers}:
        areas.get(session, each)
    claims.add_all(session, newcomers, now=now, by=by)


def _place(values: Values, name: str, area: Area) -> Place:
    return Place(
        name, area, volume=70 if values.volume is None else values.volume,
        households=values.households or 0, lat=values.lat, lon=values.lon,
    )  # fmt: skip


def _apply(
    session: Session, change: Change, held: Mapping[str, Receiver], now: Instant, by: str
) -> None:
    receiver, values = held.get(change.receiver.id), change.values
    if receiver is None or not receiver.active:
        raise DeviceError(f"Đầu thu “{change.receiver.name}” đã thôi dùng nên không sửa được.")
    lat, lon = (values.lat, values.lon) if values.says_place else (receiver.lat, receiver.lon)
    receivers.change(
        session, receiver, name=values.name or receiver.name,
        area=areas.get(session, values.area.id if values.area else receiver.area_id),
        volume=receiver.volume if values.volume is None else values.volume,
        households=receiver.households if values.households is None else values.households,
        lat=lat, lon=lon, now=now, by=by,
    )  # fmt: skip


def _join(session: Session, changed: Sequence[Change], now: Instant, by: str) -> None:
    """Have each receiver in just the groups its line names; one that is not there yet is made."""
    wanted = {c.receiver.id: c.values.groups for c in changed if c.values.groups is not None}
    if not wanted:
        return
    names = {name for listed in wanted.values() for name in listed}
    meant, held = _meant(session, sorted(names), now, by), groups.ids_of(session, wanted)
    coming: dict[int, list[str]] = {}
    for receiver_id, listed in wanted.items():
        stays = {meant[name].id for name in listed}
        for group_id in stays - held.get(receiver_id, set()):
            coming.setdefault(group_id, []).append(receiver_id)
        for group_id in held.get(receiver_id, set()) - stays:
            groups.take_out(session, groups.get(session, group_id), receiver_id, now=now, by=by)
    for group_id, members in coming.items():
        groups.add_members(session, groups.get(session, group_id), members, now=now, by=by)


def _meant(session: Session, names: Sequence[str], now: Instant, by: str) -> dict[str, Group]:
    """Name as written → its group, whatever the capitals."""
    known = {group.name.casefold(): group for group in groups.listing(session)}
    for name in names:
        if name.casefold() not in known:
            made = groups.add(session, name, [], now=now, by=by)
            known[made.name.casefold()] = made
    return {name: known[name.casefold()] for name in names}


def _read_known(session: Session) -> _Known:
    found = {each.id: each for each in session.scalars(sa.select(Receiver))}
    ids = list(found)
    serials: dict[str, str] = {}
    names: dict[str, list[str]] = {}
    for at in range(0, len(ids), AT_ONCE):
        some = ids[at : at + AT_ONCE]
        serials |= {serial: rid for rid, serial in claims.serials(session, some).items() if serial}
        names |= groups.names_of(session, some)
    waiting = {
        each for claim in claims.waiting(session) for each in (claim.receiver_id, claim.serial)
    }
    return _Known(found, serials, waiting, names, _places(session))


def _places(session: Session) -> dict[str, list[Area]]:
    by_id = {area.id: area for _, area in areas.tree(session)}
    places: dict[str, list[Area]] = {}
    for area_id, path in paths(session).items():
        area = by_id[area_id]
        for called in {path, area.full_name, area.name}:
            places.setdefault(_plain(called), []).append(area)
    return places


def _plain(text: str) -> str:
    return " ".join(searching.without_marks(text).casefold().replace(">", " > ").split())


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, column → cell) of each line that is not empty. Raises DeviceError on a bad heading."""
    first = text.lstrip("\ufeff").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise DeviceError(
            "Tệp không phải bảng CSV. Trong Excel, hãy chọn Lưu thành “CSV UTF-8”.", field="file"
        ) from error
    heading = [_PLAIN.get(_plain(cell), "") for cell in rows[0]] if rows else []
    if not {"mã", "số máy", "tên"} & set(heading):
        raise DeviceError(
            "Dòng đầu của tệp phải là tên cột, ít nhất có “mã” hoặc “số máy”. Hãy tải danh sách về, sửa rồi nhập lại.",
            field="file",
        )
    if len(rows) - 1 > MOST_LINES:
        raise DeviceError(
            f"Tệp có {len(rows) - 1} dòng, quá {MOST_LINES} dòng. Hãy chia nhỏ.", field="file"
        )
    for number, row in enumerate(rows[1:], start=2):
        cells = {name: cell.strip() for name, cell in zip(heading, row, strict=False) if name}
        if any(cells.values()):
            yield number, cells


def _values(cells: Mapping[str, str], known: _Known) -> Values:
    listed = cells.get("nhóm")
    named = tuple(dict.fromkeys(" ".join(each.split()) for each in (listed or "").split(";")))
    lat, lon = _coordinate(cells, "vĩ độ", 90), _coordinate(cells, "kinh độ", 180)
    if (lat is None) != (lon is None):
        raise DeviceError("Toạ độ phải có đủ vĩ độ và kinh độ.")
    return Values(
        id=_unquoted(cells.get("mã", "")), serial=_unquoted(cells.get("số máy", "")).upper(),
        name=_unquoted(cells.get("tên", "")) or None, area=_area(cells.get("địa bàn", ""), known),
        households=_whole(cells, "số hộ", 10_000_000), volume=_whole(cells, "âm lượng", 100),
        lat=lat, lon=lon, groups=None if listed is None else tuple(filter(None, named)),
        says_place="vĩ độ" in cells and "kinh độ" in cells,
    )  # fmt: skip


def _unquoted(text: str) -> str:
    """Without the mark an export puts before what a spreadsheet would take for a formula."""
    return text[1:] if text[:2] in ("'=", "'+", "'-", "'@") else text


def _whole(cells: Mapping[str, str], column: str, most: int) -> int | None:
    text = cells.get(column, "")
    if not text:
        return None
    if not text.isdecimal() or int(text) > most:
        raise DeviceError(f"Cột {column}: “{text}” phải là số nguyên từ 0 đến {most}.")
    return int(text)


def _coordinate(cells: Mapping[str, str], column: str, most: float) -> float | None:
    text = _unquoted(cells.get(column, "")).replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not abs(value) <= most:
        raise DeviceError(f"Cột {column}: “{text}” phải là số từ -{most} đến {most}.")
    return value


def _area(text: str, known: _Known) -> Area | None:
    if not text:
        return None
    found = known.areas.get(_plain(text), [])
    if not found:
        raise DeviceError(f"Không có địa bàn “{text}”. Hãy thêm địa bàn trước, hoặc sửa tên.")
    if len({area.id for area in found}) > 1:
        raise DeviceError(
            f"Có nhiều địa bàn tên “{text}”. Hãy ghi cả cấp trên, ví dụ: xã Mẫu > thôn Đông."
        )
    return found[0]


def _judge(
    session: Session, number: int, values: Values, known: _Known, used: set[str], plan: Plan
) -> None:
    """Put the line where it belongs. Raises DeviceError when it cannot be taken."""
    rid = values.id or known.by_serial.get(values.serial, "")
    receiver = known.receivers.get(rid)
    keys = {rid} if receiver is not None else {rid, values.serial} - {""}
    if not keys:
        raise DeviceError("Dòng này không có mã, cũng không có số máy.")
    if keys & used:
        raise DeviceError(f"“{min(keys & used)}” đã có ở một dòng trên.")
    used |= keys
    if receiver is None:
        _demand_whole(session, values, known)
        plan.new.append((number, values))
        return
    if not receiver.active:
        raise DeviceError(f"Đầu thu “{receiver.name}” đã thôi dùng nên không sửa được.")
    what = _differences(values, receiver, known)
    if what:
        plan.changed.append(Change(number, values, receiver, what))
    else:
        plan.same += 1


def _demand_whole(session: Session, values: Values, known: _Known) -> None:
    if known.waiting & {values.id, values.serial} - {""}:
        raise DeviceError("Đầu thu này đã được thêm và đang chờ máy nhận mã.")
    if values.name is None:
        raise DeviceError("Đầu thu mới cần có tên.")
    if values.area is None:
        raise DeviceError("Đầu thu mới cần có địa bàn.")
    if values.id:
        receivers.check(session, id=values.id, name=values.name, volume=0, households=0)
    serial = claims.plain_serial(values.serial or values.id)
    holder = known.receivers.get(known.by_serial.get(serial, ""))
    if holder is not None and holder.active:
        raise DeviceError(f"Số máy {serial} đã thuộc về đầu thu “{holder.name}” ({holder.id}).")


def _differences(values: Values, receiver: Receiver, known: _Known) -> list[tuple[str, str, str]]:
    pairs: list[tuple[str, object, object]] = [
        ("tên", receiver.name, values.name),
        ("số hộ", receiver.households, values.households),
        ("âm lượng", receiver.volume, values.volume),
    ]
    if values.area is not None:
        pairs.append(("địa bàn", receiver.area.full_name, values.area.full_name))
    if values.says_place:
        before, after = _spot(receiver.lat, receiver.lon), _spot(values.lat, values.lon)
        pairs.append(("toạ độ", before, after))
    if values.groups is not None:
        held = "; ".join(sorted(known.names.get(receiver.id, [])))
        pairs.append(("nhóm", held, "; ".join(sorted(values.groups))))
    found = [
        (what, str(before), str(after))
        for what, before, after in pairs
        if after is not None and before != after
    ]
    if (
        values.area is not None
        and values.area.id != receiver.area_id
        and not any(what == "địa bàn" for what, _, _ in found)
    ):
        found.append(("địa bàn", receiver.area.full_name, values.area.full_name))
    return found


def _spot(lat: float | None, lon: float | None) -> str:
    return "" if lat is None else f"{lat}, {lon}"
