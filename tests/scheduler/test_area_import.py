"""Villages from a table."""

from __future__ import annotations

import csv
import io

import pytest

from devices import areas
from loa.database import Database
from loa.errors import DeviceError
from loa.times import Instant
from scheduler import area_import

NOW = Instant(1_795_000_000_000)


def look(database: Database, text: str) -> area_import.Plan:
    with database.read() as session:
        return area_import.look_at(session, text)


def bring(database: Database, text: str) -> area_import.Plan:
    with database.write() as session:
        plan = area_import.look_at(session, text)
        area_import.bring_in(session, plan, now=NOW, by="hoa")
    return plan


def tree(database: Database) -> list[tuple[int, str, int]]:
    with database.read() as session:
        return [(depth, each.full_name, each.households) for depth, each in areas.tree(session)]


def test_an_empty_station_gets_its_villages_from_one_file(database: Database) -> None:
    plan = bring(database, "tên;số hộ\nXã Mẫu;\nThôn Đông;120\nthôn Đoài;95\nTổ dân phố 3;40\n")
    assert (len(plan.new), plan.wrong) == (4, [])
    assert tree(database) == [
        (0, "xã Mẫu", 0), (1, "tổ dân phố 3", 40), (1, "thôn Đoài", 95), (1, "thôn Đông", 120),
    ]  # fmt: skip


def test_an_area_may_stand_below_one_of_an_earlier_line(database: Database) -> None:
    text = (
        "cấp,tên,thuộc,vĩ độ,kinh độ\ntỉnh,Mẫu,,,\nxã,Đông,Mẫu,,\nxã,Tây,tỉnh Mẫu,,\n"
        "thôn,Một,tỉnh Mẫu > xã Đông,20.5,106.5\nthôn,Một,Tây,,\n"
    )
    assert bring(database, text).wrong == []
    assert [(depth, name) for depth, name, _ in tree(database)] == [
        (0, "tỉnh Mẫu"), (1, "xã Tây"), (2, "thôn Một"), (1, "xã Đông"), (2, "thôn Một"),
    ]  # fmt: skip


def test_what_it_wrote_changes_nothing_when_it_comes_back(database: Database) -> None:
    bring(database, "cấp,tên,thuộc,số hộ\nxã,Mẫu,,5\nthôn,Đông,xã Mẫu,10\nthôn,=Đoài,xã Mẫu,0\n")
    out = io.StringIO()
    with database.read() as session:
        csv.writer(out).writerows(area_import.lines(session))
    plan = look(database, out.getvalue())
    assert (plan.is_empty, plan.same, plan.wrong) == (True, 3, [])


def test_a_known_area_is_changed_and_only_where_the_file_says(database: Database) -> None:
    bring(database, "tên,số hộ,vĩ độ,kinh độ\nxã Mẫu,5,20.1,106.1\nthôn Đông,10,20.2,106.2\n")
    plan = bring(database, "tên,số hộ\nthon dong,11\n")
    assert [(node.full_name, node.what) for node in plan.changed] == [
        ("thôn Đông", [("số hộ", "10", "11")])
    ]
    with database.read() as session:
        village = next(area for _, area in areas.tree(session) if area.name == "Đông")
        assert (village.households, village.lat) == (11, 20.2)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("thôn,,Mẫu,1", "Hãy nhập tên địa bàn"),
        (",Đông,Mẫu,1", "Hãy nhập cấp"),
        ("thôn,Đông,Mau Moi,1", "Có phải “xã Mẫu”?"),
        ("thôn,Đông,Mẫu,nhiều", "số hộ"),
        ("thôn,Cũ,Mẫu,1", "đã có ở dòng 2"),
        (f"thôn,{'x' * 200},Mẫu,1", "dài quá"),
    ],
)
def test_a_wrong_line_is_named_and_the_others_are_taken(
    database: Database, line: str, why: str
) -> None:
    bring(database, "tên\nxã Mẫu\nthôn Cũ\n")
    plan = bring(database, f"cấp,tên,thuộc,số hộ\nthôn,Cũ,Mẫu,7\n{line}\nthôn,Mới,Mẫu,3\n")
    assert [(wrong.line, why in wrong.why) for wrong in plan.wrong] == [(3, True)], plan.wrong
    assert (1, "thôn Mới", 3) in tree(database)


def test_where_two_communes_are_a_line_must_say_which(database: Database) -> None:
    bring(database, "cấp,tên\nxã,Mẫu\n")
    with database.write() as session:
        areas.add(session, name="Bên", level="xã", now=NOW, by="hoa")
    [wrong] = look(database, "tên\nthôn Đông\n").wrong
    assert "thuộc địa bàn nào" in wrong.why


def test_a_file_of_another_kind_is_refused(database: Database) -> None:
    with pytest.raises(DeviceError, match="tên cột"):
        look(database, "a,b\n1,2\n")


def test_an_area_moves_with_all_below_it_and_never_below_itself(database: Database) -> None:
    bring(database, "cấp,tên,thuộc\ntỉnh,Mẫu,\nxã,Đông,Mẫu\nxã,Tây,Mẫu\nthôn,Một,Đông\n")
    with database.write() as session:
        named = {area.name: area for _, area in areas.tree(session)}

        def move(name: str, below: str) -> bool:
            area = named[name]
            return areas.change(
                session, area, name=area.name, level=area.level, households=area.households,
                lat=None, lon=None, parent=named[below], now=NOW, by="hoa",
            )  # fmt: skip

        for below in ("Đông", "Một"):
            with pytest.raises(DeviceError, match="chính nó"):
                move("Đông", below)
        assert move("Một", "Tây")
        assert not move("Một", "Tây")
        assert named["Một"].id in areas.with_descendants(session, [named["Tây"].id])
