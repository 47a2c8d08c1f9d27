"""Villages from a table: what a file would add or change is told line by line, and done once that is confirmed.

A line that names an area which is there changes it; any other adds one, under the area in “thuộc”, which may stand in
an earlier line of the same file. Nothing is done while a file is only looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import areas
from devices.areas import Area
from loa.errors import DeviceError
from loa.times import Instant
from loa.words import say
from scheduler import csv_rows, csv_values
from scheduler.csv_rows import Row, Table, Wrong, unquoted
from scheduler.place_names import offer

COLUMNS = ("cấp", "tên", "thuộc", "số hộ", "vĩ độ", "kinh độ")
LEVELS = (
    "tổ dân phố", "khu dân cư", "khu phố", "thị trấn", "phường", "xã", "thôn", "xóm", "làng", "ấp", "bản", "buôn",
    "khóm", "tổ", "khu", "tỉnh", "thành phố",
)  # fmt: skip
"""With these a name may begin where the file has no column for them."""
MOST_LINES = 2_000
MOST_HOUSEHOLDS = 10_000_000
TABLE = Table(
    columns=COLUMNS,
    is_whole=lambda named: "tên" in named,
    remedy=say(
        "Dòng đầu của tệp phải là tên cột, ít nhất có “tên”. Hãy thêm dòng đó rồi nhập lại."
    ),
    most=MOST_LINES,
    error=DeviceError,
    aliases={"ten dia ban": "tên", "ten thon": "tên", "thon": "tên", "so ho dan": "số hộ"},
)


@dataclass(eq=False)
class Node:
    """An area as it would be after the import."""

    level: str
    name: str
    parent: Node | None
    area: Area | None = None
    households: int = 0
    spot: csv_values.Spot = (None, None)
    line: int = 0
    """In which it stands; 0 where it stands in none."""
    what: list[tuple[str, str, str]] = field(default_factory=list)
    """What would be another: (what, before, after)."""

    @property
    def full_name(self) -> str:
        return f"{self.level} {self.name}"

    @property
    def path(self) -> str:
        above = f"{self.parent.path} > " if self.parent else ""
        return f"{above}{self.full_name}"


@dataclass
class Plan:
    """What an import would do, in the order of the file: an area after the one above it."""

    new: list[Node] = field(default_factory=list)
    changed: list[Node] = field(default_factory=list)
    same: int = 0
    wrong: list[Wrong] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.changed)


def look_at(session: Session, text: str) -> Plan:
    """What the file would do. Raises DeviceError when it is no such file."""
    known, plan = _Known(session), Plan()
    for row in csv_rows.read(text, TABLE):
        try:
            _judge(row, known, plan)
        except DeviceError as error:
            plan.wrong.append(Wrong(row.number, unquoted(row.cells.get("tên", "")), error.sentence))
    return plan


def bring_in(session: Session, plan: Plan, *, now: Instant, by: str) -> None:
    """Do all of it, or nothing where it raises DeviceError, as the caller's transaction ends."""
    for node in plan.new:
        node.area = areas.add(
            session, name=node.name, level=node.level, parent=_above(session, node),
            households=node.households, lat=node.spot[0], lon=node.spot[1], now=now, by=by,
        )  # fmt: skip
    for node in plan.changed:
        areas.change(
            session, _there(session, node), name=node.name, level=node.level, households=node.households,
            parent=_above(session, node), lat=node.spot[0], lon=node.spot[1], now=now, by=by,
        )  # fmt: skip


def _above(session: Session, node: Node) -> Area | None:
    return _there(session, node.parent) if node.parent else None


def _there(session: Session, node: Node) -> Area:
    """As it is now; the plan was made a moment ago, from another session. Raises NotFound."""
    return areas.get(session, node.area.id if node.area else 0)


def lines(session: Session) -> Iterator[tuple[object, ...]]:
    """The station's areas as such a table, heading first."""
    yield COLUMNS
    nodes = {node.area.id: node for node in _Known(session).nodes if node.area}
    for _, area in areas.tree(session):
        above = nodes[area.id].parent
        yield (
            area.level,
            area.name,
            above.path if above else "",
            area.households,
            area.lat,
            area.lon,
        )


class _Known:
    """The areas there are, and those of the lines before."""

    def __init__(self, session: Session) -> None:
        rows = {area.id: area for area in session.scalars(sa.select(Area).order_by(Area.id))}
        made: dict[int, Node] = {}

        def node(area: Area) -> Node:
            if area.id not in made:
                parent = node(rows[area.parent_id]) if area.parent_id else None
                made[area.id] = Node(
                    area.level, area.name, parent, area, area.households, (area.lat, area.lon)
                )
            return made[area.id]

        self.nodes = [node(area) for area in rows.values()]
        self._called: dict[str, list[Node]] = {}
        for each in self.nodes:
            self._call(each)

    def add(self, node: Node) -> None:
        self.nodes.append(node)
        self._call(node)

    def find(self, name: str, parent: Node | None) -> Node | None:
        wanted = csv_rows.plain(name)
        return next(
            (
                each
                for each in self._called.get(wanted, [])
                if each.parent is parent and csv_rows.plain(each.name) == wanted
            ),
            None,
        )

    def above(self, text: str) -> Node:
        """Whom “thuộc” means. Raises DeviceError."""
        found = list(dict.fromkeys(self._called.get(_path(text), [])))
        if not found:
            called = {key: nodes[0].full_name for key, nodes in self._called.items()}
            raise DeviceError(
                say(
                    "Không có địa bàn “%(text)s”.%(offer)s "
                    "Hãy ghi địa bàn đó ở một dòng trên, hoặc sửa cột thuộc.",
                    text=text,
                    offer=offer(text, called),
                )
            )
        if len(found) > 1:
            raise DeviceError(
                say(
                    "Có nhiều địa bàn tên “%(text)s”. Hãy ghi cả cấp trên, ví dụ: tỉnh Mẫu > xã Mẫu.",
                    text=text,
                )
            )
        return found[0]

    def only_root(self, level: str, name: str) -> Node | None:
        """Where a line belongs that does not say: below the one commune, unless it is that. Raises DeviceError."""
        roots = [each for each in self.nodes if each.parent is None]
        if not roots or self.find(name, None):
            return None
        if len(roots) > 1:
            raise DeviceError(
                say(
                    "Hãy ghi %(level)s %(name)s thuộc địa bàn nào ở cột “thuộc”.",
                    level=level,
                    name=name,
                )
            )
        return roots[0]

    def _call(self, node: Node) -> None:
        for called in {_path(node.path), _path(node.full_name), csv_rows.plain(node.name)}:
            self._called.setdefault(called, []).append(node)


def _judge(row: Row, known: _Known, plan: Plan) -> None:
    """Put the line where it belongs. Raises DeviceError when it cannot be taken."""
    cells = row.cells
    above = unquoted(cells.get("thuộc", ""))
    level, name = _named(cells)
    parent = known.above(above) if above else known.only_root(level, name)
    households = csv_values.whole(cells, "số hộ", MOST_HOUSEHOLDS)
    there = known.find(name, parent)
    level = level or (there.level if there else "")
    areas.check(name=name, level=level, households=households or 0)
    spot = csv_values.spot(cells)
    if there is None:
        node = Node(level, name, parent, None, households or 0, spot, row.number)
        known.add(node)
        plan.new.append(node)
    else:
        _compare(there, level, households, spot if csv_values.says_spot(cells) else None, row, plan)


def _named(cells: Mapping[str, str]) -> tuple[str, str]:
    """Level and name, also of “Thôn Đông Hải” in one cell."""
    level = unquoted(cells.get("cấp", ""))
    words = unquoted(cells.get("tên", "")).split()
    for each in (level,) if level else LEVELS:
        first, rest = words[: len(each.split())], words[len(each.split()) :]
        if rest and csv_rows.plain(" ".join(first)) == csv_rows.plain(each):
            return each, " ".join(rest)
    return level, " ".join(words)


def _compare(
    there: Node, level: str, households: int | None, spot: csv_values.Spot | None, row: Row, plan: Plan
) -> None:  # fmt: skip
    if there.line:
        raise DeviceError(
            say("“%(name)s” đã có ở dòng %(line)s.", name=there.full_name, line=there.line)
        )
    there.line = row.number
    pairs = [
        (say("cấp"), there.level, level),
        (say("số hộ"), str(there.households), str(households)),
        (
            say("toạ độ"),
            csv_values.spot_words(there.spot),
            csv_values.spot_words(spot or (None, None)),
        ),
    ]
    says = (True, households is not None, spot is not None)
    there.what = [
        pair for pair, said in zip(pairs, says, strict=True) if said and pair[1] != pair[2]
    ]
    if not there.what:
        plan.same += 1
        return
    there.level = level
    there.households = there.households if households is None else households
    there.spot = there.spot if spot is None else spot
    plan.changed.append(there)


def _path(text: str) -> str:
    return csv_rows.plain(text.replace(">", " > "))
