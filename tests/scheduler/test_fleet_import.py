"""Many receivers from a file: in portions, and with no more work to a line the more lines there are."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from devices import claims, groups, receivers
from devices.claims import Claim, Newcomer, Place
from loa.errors import DeviceError
from scheduler import fleet_import
from scheduler.fleet_import import PORTION
from tests.cast import NOON, settle_in
from tests.counting import statements

BY = {"now": NOON, "by": "quantri"}


@pytest.fixture
def cast(database):
    with database.write() as session:
        return settle_in(session, 40)


def newcomers(number, first=0):
    lines = (f"SN-{each:05d},Cột {each},thôn Đông\n" for each in range(first, first + number))
    return "số máy,tên,địa bàn\n" + "".join(lines)


def bring_in(session, text):
    """Every portion; the statements this took."""
    plan = fleet_import.look_at(session, text)
    with statements(session) as sent:
        for portion in plan.portions():
            fleet_import.bring_in(session, portion, **BY)
    return sent


def test_a_line_costs_the_same_whatever_their_number(database, cast):
    with database.write() as session:
        few = bring_in(session, newcomers(20))
        many = bring_in(session, newcomers(120, first=20))
        assert len(claims.waiting(session)) == 140
    # Per line: is the id free; the claim; the head of the log, and its new row.
    assert (len(many) - len(few)) / 100 <= 4
    assert not any("LIKE" in sent for sent in many[10:])


def test_a_changed_line_costs_the_same_however_large_its_group(database, cast):
    with database.write() as session:
        bring_in(session, "mã,nhóm\n" + "".join(f"r-{n:04d},Ven sông\n" for n in range(10)))
        few = bring_in(
            session, "mã,âm lượng,nhóm\n" + "".join(f"r-{n:04d},9,Chợ\n" for n in range(5))
        )
        many = bring_in(
            session, "mã,âm lượng,nhóm\n" + "".join(f"r-{n:04d},8,Chợ\n" for n in range(5, 40))
        )
        assert groups.sizes(session) == {2: 40}
    assert (len(many) - len(few)) / 30 <= 3


def test_numbers_go_on_after_the_greatest_that_was_ever_given(database, cast):
    with database.write() as session:
        claims.cancel(
            session, claims.add(session, Place("Cũ", cast.commune), id="r-0777", **BY), **BY
        )
        for odd in ("r-chợ", "r-12a", "r-1234567", "x-9999"):
            session.add(Claim(kind=claims.Kind.NEW, state=claims.State.CANCELLED, receiver_id=odd, serial=odd,
                              name="Lạ", area_id=cast.commune.id, added_at=NOON, added_by="test"))  # fmt: skip
        session.flush()
        assert claims.next_number(session) == "r-0778"
        two = [
            Newcomer(Place(name, cast.commune), serial)
            for name, serial in (("A", "SN-1"), ("B", "SN-2"))
        ]
        assert [claim.receiver_id for claim in claims.add_all(session, two, **BY)] == [
            "r-0778",
            "r-0779",
        ]


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (("cot-moi-1", "SN-9"), "Mã đầu thu “cot-moi-1” đang chờ"),
        (("cot-moi-2", "SN-1"), "Số máy SN-1 đã thuộc về"),
        (("cot-cho-1", "SN-9"), "Mã đầu thu “cot-cho-1” đang chờ"),
        (("r-0000", "SN-9"), "Mã đầu thu “r-0000” đã có"),
        (("cot-moi-2", "SN-0"), "Số máy SN-0 đã thuộc về"),
        (("nhom", "SN-9"), "trùng với một trang"),
    ],
)
def test_many_at_once_are_held_against_each_other_too(database, cast, second, sentence):
    with database.write() as session:
        place = Place("Cột", cast.commune)
        claims.add(session, place, serial="SN-0", id="cot-cho-1", **BY)
        some = [Newcomer(place, "SN-1", "cot-moi-1"), Newcomer(place, second[1], second[0])]
        with pytest.raises(DeviceError, match=sentence):
            claims.add_all(session, some, **BY)


def test_it_is_taken_apart_into_portions(database, cast):
    changed = "".join(f"r-{n:04d},,Mới {n},\n" for n in range(3))
    new = "".join(f",SN-{n:05d},Cột {n},thôn Đông\n" for n in range(PORTION + 1))
    with database.read() as session:
        plan = fleet_import.look_at(session, "mã,số máy,tên,địa bàn\n" + changed + new)
    parts = list(plan.portions())
    assert [(len(part.changed), len(part.new)) for part in parts] == [(3, 0), (0, PORTION), (0, 1)]
    assert sum(part.lines for part in parts) == plan.lines == PORTION + 4


def test_one_retired_since_the_look_is_left_alone(database, cast):
    with database.read() as session:
        plan = fleet_import.look_at(session, "mã,tên\nr-0000,Khác\n")
    with database.write() as session:
        receivers.retire(session, receivers.get(session, "r-0000"), **BY)
    with database.write() as session, pytest.raises(DeviceError, match="đã thôi dùng"):
        fleet_import.bring_in(session, plan, **BY)


def test_a_serial_of_another_is_told_at_the_look(database, cast):
    text = "mã,số máy,tên,địa bàn\ncot-1,SN-1,A,thôn Đông\ncot-2,SN-1,B,thôn Đông\ncot-3,?,C,thôn Đông\n"
    with database.write() as session:
        plan = fleet_import.look_at(session, text)
        assert [(wrong.line, wrong.why[:20]) for wrong in plan.wrong] == [
            (3, "“SN-1” đã có ở một d"), (4, "Số máy “?” cần 3–32 "),
        ]  # fmt: skip
        assert session.scalar(sa.select(sa.func.count(Claim.id))) == 0
