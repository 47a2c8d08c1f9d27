"""The map of receivers: what it is told to draw, what the list beside it says, and receivers given their place."""

from __future__ import annotations

import re

import msgspec
import pytest
import sqlalchemy as sa

from devices import areas, receivers
from devices.receivers import Presence, Receiver
from loa.audit import AuditEntry
from loa.config import MapTable
from loa.times import HOUR, after
from tests.cast import NOON
from tests.web.conftest import error_at, words
from web import current

BOTH_DATABASES = True
HERE = "/dau-thu/ban-do"
SPOT = (20.8561, 106.6822)


def seen(session, rid, ago=0, **more):
    usual = {"online": True, "sid": "s", "heard_at": after(NOON, -ago), "heartbeat_ms": 60_000,
             "clock_source": "ntp", "output": "ok", "power": "ac"}  # fmt: skip
    session.add(Presence(receiver_id=rid, **{**usual, **more}))


@pytest.fixture
def placed(database, cast):
    """Two receivers with a place, one of them playing a tone, and one without."""
    with database.write() as session:
        for rid, spot in (("r-0000", SPOT), ("r-0001", (20.9, 106.7))):
            receiver = receivers.get(session, rid)
            receiver.lat, receiver.lon = spot
        seen(session, "r-0000", playing="tone.r-0000.1")
        seen(session, "r-0001", 2 * HOUR, playing="u.1")


def drawn(client, query=""):
    return client.get(f"{HERE}/dau-thu.json{query}").json


def test_the_map_is_told_who_stands_where_how_it_is_and_what_it_plays(hoa, placed):
    assert drawn(hoa)["receivers"] == [
        ["r-0000", "Cột r-0000", 2, 20.8561, 106.6822, "well", "", 0],
        ["r-0001", "Cột r-0001", 3, 20.9, 106.7, "offline", None, 0],
    ]


def test_it_knows_the_title_of_what_plays(hoa, database, broadcast, placed):
    with database.write() as session:
        session.get_one(Presence, "r-0000").playing = broadcast.occurrence
    assert drawn(hoa)["receivers"][0][6] == "Lịch tiêm chủng"


def test_a_village_is_named_in_the_middle_of_its_receivers_or_where_it_says(hoa, database, placed):
    with database.write() as session:
        receivers.get(session, "r-0002").area_id = 2
        session.flush()
        receivers.get(session, "r-0002").lat, receivers.get(session, "r-0002").lon = (
            20.8661,
            106.6922,
        )
        areas.get(session, 3).lat, areas.get(session, 3).lon = 21.0, 107.0
    assert drawn(hoa)["areas"] == [
        [2, "thôn Đông", 20.8611, 106.6872, 2],
        [3, "thôn Đoài", 21.0, 107.0, 1],
    ]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?tinh_trang=mat-ket-noi", ["r-0001"]),
        ("?dia_ban=2", ["r-0000"]),
        ("?tim=cot+r-0001", ["r-0001"]),
        ("?vi_tri=chua", ["r-0000", "r-0001"]),
    ],
)
def test_it_draws_those_of_the_filter(hoa, placed, query, wanted):
    assert [each[0] for each in drawn(hoa, query)["receivers"]] == wanted


def test_it_is_told_nothing_twice(hoa, placed, database):
    first = hoa.get(f"{HERE}/dau-thu.json")
    again = hoa.get(f"{HERE}/dau-thu.json", headers={"X-Seen": first.headers["X-Digest"]})
    assert (again.status_code, again.data) == (204, b"")
    with database.write() as session:
        receivers.get(session, "r-0001").lat = 20.91
    changed = hoa.get(f"{HERE}/dau-thu.json", headers={"X-Seen": first.headers["X-Digest"]})
    assert changed.status_code == 200


def test_who_works_for_one_area_sees_that_area_alone(lan, database, cast, placed):
    with database.write() as session:
        session.get_one(type(cast.lan), cast.lan.id).area_id = cast.villages[1].id
    told = drawn(lan)
    assert [each[0] for each in told["receivers"]] == ["r-0001"]
    assert [each[1] for each in told["areas"]] == ["thôn Đoài"]
    assert "Cột r-0000" not in words(lan.get(HERE))


def test_it_asks_the_database_as_often_for_ten_as_for_a_thousand(hoa, database, cast, queries):
    numbers = []
    for wanted in (10, 1_000):
        with database.write() as session:
            session.execute(sa.delete(Receiver).where(Receiver.id.like("x-%")))
            session.execute(
                sa.insert(Receiver),
                [{"id": f"x-{n:04d}", "name": f"Cụm {n}", "area_id": 2, "public_key": "k", "password_hash": "p",
                  "added_at": NOON, "lat": 20.0 + n / 1e4, "lon": 106.0} for n in range(wanted)],
            )  # fmt: skip
        before = queries.number
        with queries:
            assert len(drawn(hoa)["receivers"]) == wanted
        numbers.append(queries.number - before)
    assert numbers[0] == numbers[1]


# -- the page -------------------------------------------------------------------------------------


def test_the_list_says_the_same_and_who_is_missing(admin, hoa, placed):
    told = words(hoa.get(HERE))
    assert "tất cả 3 trực tuyến 1 có lỗi 0 mất kết nối 1 chưa kết nối lần nào 1" in told
    assert "Cột r-0000 thôn Đông trực tuyến đang phát âm thử Xem trên bản đồ" in told
    assert "1 đầu thu chưa có vị trí nên không hiện trên bản đồ." in told
    assert "Đặt vị trí" not in told
    assert "chưa có vị trí Đặt vị trí" in words(admin.get(HERE))
    assert "Cột r-0000" not in words(hoa.get(f"{HERE}?vi_tri=chua"))
    assert "Không có đầu thu nào khớp." in words(hoa.get(f"{HERE}?tim=khong-co"))


def test_the_list_is_kept_live(hoa, placed):
    first = hoa.get(f"{HERE}/tinh-trang?tinh_trang=truc-tuyen")
    assert "Cột r-0000" in first.text
    assert "Cột r-0001" not in first.text
    seen = {"X-Seen": first.headers["X-Digest"]}
    assert hoa.get(f"{HERE}/tinh-trang?tinh_trang=truc-tuyen", headers=seen).status_code == 204


def test_without_tiles_the_page_loads_nothing_from_elsewhere(hoa, placed):
    answer = hoa.get(HERE)
    assert "img-src 'self' data:;" in answer.headers["Content-Security-Policy"]
    assert 'data-tiles=""' in answer.text
    assert "Đài chưa đặt bản đồ nền" in words(answer)


def test_tiles_come_from_the_one_place_the_config_names_on_this_page_alone(app, hoa, placed):
    tiles = MapTable(
        tiles="https://tile.example.vn:8443/{z}/{x}/{y}.png", attribution="© Sở <TNMT>"
    )
    parts = app.extensions[current.EXTENSION]
    app.extensions[current.EXTENSION] = with_tiles(parts, tiles)
    answer = hoa.get(HERE)
    policy = answer.headers["Content-Security-Policy"]
    assert "img-src 'self' https://tile.example.vn:8443 data:;" in policy
    assert 'data-attribution="© Sở &lt;TNMT&gt;"' in answer.text
    assert "tile.example.vn" not in hoa.get("/dau-thu").headers["Content-Security-Policy"]


def with_tiles(parts, tiles):
    config = msgspec.structs.replace(parts.config, map=tiles)
    return type(parts)(config, parts.database, parts.clock, parts.hub)


def test_a_phone_may_say_where_it_is_on_this_page_alone(hoa, placed):
    assert "geolocation=(self)" in hoa.get(HERE).headers["Permissions-Policy"]
    for other in ("/dau-thu", "/dau-thu/r-0000", "/"):
        assert "geolocation=()" in hoa.get(other).headers["Permissions-Policy"]


# -- placing --------------------------------------------------------------------------------------


def place(client, rid="r-0002", **data):
    return client.post(f"/dau-thu/{rid}/vi-tri", data=data)


def where(database, rid="r-0002"):
    with database.read() as session:
        receiver = receivers.get(session, rid)
        return receiver.lat, receiver.lon


def test_a_receiver_is_given_its_place_and_it_is_taken_back(admin, database, placed):
    assert "Đặt vị trí cho “Cột r-0002”" in words(admin.get(f"{HERE}?dat=r-0002"))
    answer = place(admin, location="20.8575, 106.6842")
    assert answer.location == f"{HERE}?chon=r-0002"
    assert where(database) == (20.8575, 106.6842)
    page = admin.get(answer.location)
    assert "Đã đặt vị trí của “Cột r-0002”. Hoàn tác" in words(page)
    assert "Hoàn tác" not in words(admin.get(answer.location))  # told once
    undone = place(
        admin, location=re.search(r'name="location" value="([^"]*)"', page.text)[1], undo="1"
    )
    assert where(database) == (None, None)
    assert "về vị trí trước đó" in words(admin.get(undone.location))
    with database.read() as session:
        kinds = list(session.scalars(sa.select(AuditEntry.kind).order_by(AuditEntry.n)))
    assert kinds[-2:] == ["receiver.place", "receiver.place"]


def test_a_place_that_is_none_is_refused_at_its_field(admin, database, placed):
    for typed, sentence in (
        ("", "Hãy bấm lên bản đồ"),
        ("x", "vĩ độ, kinh độ"),
        ("91, 0", "vĩ độ"),
    ):
        answer = place(admin, location=typed)
        assert answer.status_code == 400
        assert sentence in error_at(answer, "location")
        assert "geolocation=(self)" in answer.headers["Permissions-Policy"]
    assert where(database) == (None, None)


def test_only_who_manages_receivers_places_them(hoa, minh, database, placed):
    for client in (hoa, minh):
        assert place(client, location="1, 1").status_code == 403
        assert "Đặt vị trí cho" not in words(client.get(f"{HERE}?dat=r-0002"))
    assert where(database) == (None, None)


def test_the_filter_is_kept_while_receivers_are_placed(admin, placed):
    answer = admin.post("/dau-thu/r-0002/vi-tri?vi_tri=chua&tim=cot", data={"location": "20, 106"})
    assert answer.location == f"{HERE}?chon=r-0002&vi_tri=chua&tim=cot"


def test_the_page_of_a_receiver_leads_to_the_map(admin, hoa, placed):
    assert f'href="{HERE}?chon=r-0000"' in hoa.get("/dau-thu/r-0000").text
    assert f'href="{HERE}?dat=r-0002"' in admin.get("/dau-thu/r-0002").text
    assert "dat=r-0002" not in hoa.get("/dau-thu/r-0002").text
