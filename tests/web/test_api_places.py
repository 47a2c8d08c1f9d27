from __future__ import annotations

import pytest
import sqlalchemy as sa

from devices import groups, receivers
from devices.messages import State
from loa.staff import Staff
from tests.cast import NOON
from tests.web.program import error

BOTH_DATABASES = True


@pytest.fixture
def group(database, cast):
    with database.write() as session:
        return groups.add(session, "Nhà văn hoá", ["r-0000", "r-0001"], now=NOON, by="test").id


def work_for(database, person, area):
    with database.write() as session:
        session.execute(sa.update(Staff).where(Staff.id == person.id).values(area_id=area.id))


def test_it_tells_the_tree(program, cast):
    api = program(cast.lan)
    told = {each["name"]: each for each in api.get("/areas").json["items"]}
    assert told["Mẫu"]["receivers"] == 3
    assert told["Mẫu"]["parent_id"] is None
    assert told["Đông"]["receivers"] == 1
    assert told["Đông"]["parent_id"] == cast.commune.id
    assert api.get(f"/areas/{cast.commune.id}").json == told["Mẫu"]
    part = api.get("/areas", limit=3).json
    rest = api.get("/areas", limit=3, cursor=part["next"]).json
    assert len(part["items"]) + len(rest["items"]) == 4
    assert rest["next"] is None


def test_it_tells_groups(program, cast, group):
    api = program(cast.lan)
    wanted = {"id": group, "name": "Nhà văn hoá", "receiver_ids": ["r-0000", "r-0001"]}
    assert api.get("/groups").json == {"items": [wanted], "next": None}
    assert api.get(f"/groups/{group}").json == wanted


def test_it_tells_receivers_and_how_they_are(database, program, cast, group):
    state = State(
        on=1, sid="s", t=NOON, rev=0, out="ok", pwr="ac", disk=0.1, vol=60, fw="1.0", src="ntp"
    )
    with database.write() as session:
        receivers.note_states(session, {"r-0001": state}, NOON, 30_000)
    api = program(cast.lan)

    def ids(**query):
        return [each["id"] for each in api.get("/receivers", **query).json["items"]]

    assert ids() == ["r-0000", "r-0001", "r-0002"]
    assert ids(health="well") == ["r-0001"]
    assert ids(area_id=cast.villages[2].id) == ["r-0002"]
    assert ids(group_id=group) == ["r-0000", "r-0001"]
    assert ids(search="0002") == ["r-0002"]
    assert ids(retired="true") == []
    first = api.get("/receivers", limit=2).json
    assert [each["id"] for each in first["items"]] == ["r-0000", "r-0001"]
    assert ids(cursor=first["next"]) == ["r-0002"]
    one = api.get("/receivers/r-0001").json
    assert (one["health"], one["seen"]["online"], one["seen"]["volume"]) == ("well", True, 60)
    assert api.get("/receivers/r-0000").json["seen"] is None


def test_what_stands_elsewhere_is_not_there_for_a_person_of_one_area(
    database, program, cast, group
):
    work_for(database, cast.hoa, cast.villages[0])
    api = program(cast.hoa)
    assert [each["id"] for each in api.get("/receivers").json["items"]] == ["r-0000"]
    assert error(api.get("/receivers/r-0001")) == (404, "not_found", None)
    assert api.get(f"/groups/{group}").json["receiver_ids"] == ["r-0000"]
    assert api.get("/me").json["area_id"] == cast.villages[0].id
