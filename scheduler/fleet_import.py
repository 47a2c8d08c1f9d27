"""The fleet's table brought back: what a file would change is told line by line, and done once that is confirmed.

A line with a known id changes that receiver; one with an id or a serial nobody knows makes room for a new one, whose
box then claims its place. Nothing is done while a file is only looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import areas, claims, groups, receivers
from devices.areas import Area
from devices.claims import Newcomer, Place
from devices.groups import Group
from devices.receivers import Receiver
from loa.errors import DeviceError
from loa.times import Instant
from loa.words import say
from scheduler import csv_rows, csv_values
from scheduler.csv_rows import Table, Wrong, unquoted
from scheduler.fleet_files import AT_ONCE, EDITABLE
from scheduler.place_names import PlaceNames

MOST_LINES = 20_000
PORTION = 200
"""Lines brought in by one transaction: whoever else must write waits no longer than for these."""
TABLE = Table(
    columns=EDITABLE,
    is_whole=lambda named: bool({"mã", "số máy", "tên"} & named),
    remedy=say(
        "Dòng đầu của tệp phải là tên cột, ít nhất có “mã” hoặc “số máy”. "
        "Hãy tải danh sách về, sửa rồi nhập lại."
    ),
    most=MOST_LINES,
    error=DeviceError,
)


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
    places: PlaceNames


def look_at(session: Session, text: str) -> Plan:
    """What the file would do, line by line. Raises DeviceError when it is no such file."""
    known, plan = _read_known(session), Plan()
    used: set[str] = set()
    for row in csv_rows.read(text, TABLE):
        cells = row.cells
        try:
            values = _values(cells, known)
            _judge(session, row.number, values, known, used, plan)
        except DeviceError as error:
            words = cells.get("mã") or cells.get("số máy") or cells.get("tên") or ""
            plan.wrong.append(Wrong(row.number, words, error.sentence))
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
        raise DeviceError(
            say("Đầu thu “%(name)s” đã thôi dùng nên không sửa được.", name=change.receiver.name)
        )
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
    return _Known(found, serials, waiting, names, PlaceNames(session))


def _values(cells: Mapping[str, str], known: _Known) -> Values:
    listed, place = cells.get("nhóm"), cells.get("địa bàn", "")
    named = tuple(dict.fromkeys(" ".join(each.split()) for each in (listed or "").split(";")))
    lat, lon = csv_values.spot(cells)
    return Values(
        id=unquoted(cells.get("mã", "")), serial=unquoted(cells.get("số máy", "")).upper(),
        name=unquoted(cells.get("tên", "")) or None, area=known.places.area(place) if place else None,
        households=csv_values.whole(cells, "số hộ", 10_000_000), volume=csv_values.whole(cells, "âm lượng", 100),
        lat=lat, lon=lon, groups=None if listed is None else tuple(filter(None, named)),
        says_place=csv_values.says_spot(cells),
    )  # fmt: skip


def _judge(
    session: Session, number: int, values: Values, known: _Known, used: set[str], plan: Plan
) -> None:
    """Put the line where it belongs. Raises DeviceError when it cannot be taken."""
    rid = values.id or known.by_serial.get(values.serial, "")
    receiver = known.receivers.get(rid)
    keys = {rid} if receiver is not None else {rid, values.serial} - {""}
    if not keys:
        raise DeviceError(say("Dòng này không có mã, cũng không có số máy."))
    if keys & used:
        raise DeviceError(say("“%(key)s” đã có ở một dòng trên.", key=min(keys & used)))
    used |= keys
    if receiver is None:
        _demand_whole(session, values, known)
        plan.new.append((number, values))
        return
    if not receiver.active:
        raise DeviceError(
            say("Đầu thu “%(name)s” đã thôi dùng nên không sửa được.", name=receiver.name)
        )
    what = _differences(values, receiver, known)
    if what:
        plan.changed.append(Change(number, values, receiver, what))
    else:
        plan.same += 1


def _demand_whole(session: Session, values: Values, known: _Known) -> None:
    if known.waiting & {values.id, values.serial} - {""}:
        raise DeviceError(say("Đầu thu này đã được thêm và đang chờ máy nhận mã."))
    if values.name is None:
        raise DeviceError(say("Đầu thu mới cần có tên."))
    if values.area is None:
        raise DeviceError(say("Đầu thu mới cần có địa bàn."))
    if values.id:
        receivers.check(session, id=values.id, name=values.name, volume=0, households=0)
    serial = claims.plain_serial(values.serial or values.id)
    holder = known.receivers.get(known.by_serial.get(serial, ""))
    if holder is not None and holder.active:
        raise DeviceError(
            say(
                "Số máy %(serial)s đã thuộc về đầu thu “%(name)s” (%(id)s).",
                serial=serial,
                name=holder.name,
                id=holder.id,
            )
        )


def _differences(values: Values, receiver: Receiver, known: _Known) -> list[tuple[str, str, str]]:
    pairs: list[tuple[str, object, object]] = [
        (say("tên"), receiver.name, values.name),
        (say("số hộ"), receiver.households, values.households),
        (say("âm lượng"), receiver.volume, values.volume),
    ]
    if values.area is not None:
        pairs.append((say("địa bàn"), receiver.area.full_name, values.area.full_name))
    if values.says_place:
        before, after = (receiver.lat, receiver.lon), (values.lat, values.lon)
        pairs.append((say("toạ độ"), csv_values.spot_words(before), csv_values.spot_words(after)))
    if values.groups is not None:
        held = "; ".join(sorted(known.names.get(receiver.id, [])))
        pairs.append((say("nhóm"), held, "; ".join(sorted(values.groups))))
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
        found.append((say("địa bàn"), receiver.area.full_name, values.area.full_name))
    return found
