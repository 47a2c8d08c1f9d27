from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from devices import groups
from loa.database import Database
from loa.errors import DeviceError, NotFound
from tests.cast import NOON, settle_in

BY = {"now": NOON, "by": "quantri"}


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.write() as opened:
        settle_in(opened)
        yield opened


def test_a_group_has_receivers_of_any_area(session):
    group = groups.add(session, "  Nhà  văn hoá ", ["r-0000", "r-0001"], **BY)
    assert (group.name, groups.member_ids(session, group.id)) == (
        "Nhà văn hoá",
        ["r-0000", "r-0001"],
    )
    groups.change(session, group, "Nhà văn hoá", ["r-0002"], **BY)
    assert groups.member_ids(session, group.id) == ["r-0002"]
    assert groups.sizes(session) == {group.id: 1}
    assert groups.names_of(session, ["r-0000", "r-0002"]) == {"r-0002": ["Nhà văn hoá"]}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "Hãy nhập tên nhóm"), ("nhà VĂN hoá", "Đã có nhóm"), ("a;b", "dấu chấm phẩy"), ("x" * 81, "80 ký tự")],
)  # fmt: skip
def test_it_refuses_a_name_that_cannot_be_told_apart(session, name, sentence):
    groups.add(session, "Nhà văn hoá", [], **BY)
    with pytest.raises(DeviceError, match=sentence) as refused:
        groups.add(session, name, [], **BY)
    assert refused.value.field == "name"


def test_it_refuses_a_receiver_nobody_knows(session):
    with pytest.raises(NotFound, match="khong-co"):
        groups.add(session, "Nhà văn hoá", ["r-0000", "khong-co"], **BY)


def test_a_receiver_that_takes_a_place_is_in_its_groups(session):
    for name in ("Một", "Hai"):
        groups.add(session, name, ["r-0000"], **BY)
    groups.follow(session, "r-0000", "r-0002")
    assert groups.names_of(session, ["r-0002"]) == {"r-0002": ["Hai", "Một"]}


def test_members_come_and_go_and_the_group_with_them(session):
    group = groups.add(session, "Một", ["r-0000"], **BY)
    assert groups.add_members(session, group, ["r-0000", "r-0001"], **BY) == 1
    groups.take_out(session, group, "r-0000", **BY)
    assert groups.member_ids(session, group.id) == ["r-0001"]
    groups.remove(session, group, **BY)
    assert groups.listing(session) == []
