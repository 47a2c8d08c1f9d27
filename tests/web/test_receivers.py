from __future__ import annotations

import json
import re

import pytest

from devices import broker, receivers, signing
from devices.receivers import Presence
from loa.errors import DeviceError
from loa.times import HOUR, after
from scheduler.broadcasts import Broadcast, DeliveryState
from tests.cast import NOON
from tests.web.conftest import error_at, words
from web.receivers import location


@pytest.fixture
def form(cast):
    return {
        "id": "cot-dinh-01", "name": "Cột đình", "area": str(cast.villages[0].id), "volume": "65",
        "households": "120", "location": "20.8561, 106.6822", "public_key": signing.generate("x").public.x,
    }  # fmt: skip


def test_it_lists_receivers_by_area_with_how_they_are(hoa, database, cast):
    with database.write() as session:
        for rid, ago in (("r-0000", 0), ("r-0001", HOUR)):
            session.add(Presence(receiver_id=rid, online=True, sid="s", heard_at=after(NOON, -ago), heartbeat_ms=60_000,
                                 clock_source="ntp", ready=2, wanted=3))  # fmt: skip
    told = words(hoa.get("/dau-thu"))
    assert "tất cả 3 trực tuyến 1 có lỗi 0 mất kết nối 1 chưa kết nối lần nào 1" in told
    assert "Cột r-0002 r-0002 · thôn Bãi chưa kết nối lần nào" in told
    assert "Cột r-0001 r-0001 · thôn Đoài mất kết nối nghe lần cuối 11:00, 1 giờ trước" in told
    assert told.index("thôn Bãi") < told.index("thôn Đoài") < told.index("thôn Đông")


def test_it_adds_a_receiver_and_shows_its_password_once(admin, database, form):
    answer = admin.post("/dau-thu/moi", data=form)
    password = re.search(r'class="secret"><code>([^<]+)', answer.text)[1]
    assert answer.headers["Cache-Control"] == "no-store"
    with database.read() as session:
        receiver = receivers.get(session, "cot-dinh-01")
    assert (receiver.volume, receiver.households) == (65, 120)
    assert (receiver.lat, receiver.lon) == (20.8561, 106.6822)
    assert broker.check_password(password, receiver.password_hash)
    assert password not in admin.get("/dau-thu/cot-dinh-01").text

    file = admin.post("/dau-thu/cot-dinh-01/station.json", data={"password": password})
    assert file.headers["Content-Disposition"] == "attachment; filename=station.json"
    document = json.loads(file.data)
    assert (document["rid"], document["mqtt"]["password"]) == ("cot-dinh-01", password)


def test_it_makes_no_file_with_a_password_that_is_not_the_receivers(admin, cast):
    answer = admin.post("/dau-thu/r-0000/station.json", data={"password": "doan"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("id", "Cột Đình", "cần 4–32 ký tự"),
        ("id", "r-0000", "đã có"),
        ("id", "", "Hãy nhập mã đầu thu"),
        ("name", "", "Hãy nhập tên đầu thu"),
        ("public_key", "abc", "43 ký tự"),
        ("volume", "101", "nằm ngoài khoảng 0–100"),
        ("volume", "to", "Hãy nhập một số nguyên."),
        ("households", "-1", "không hợp lệ"),
        ("location", "Hà Nội", "vĩ độ, kinh độ"),
        ("area", "999", "Lựa chọn này không có"),
    ],
)
def test_it_shows_a_wrong_value_at_its_field_and_keeps_the_rest(
    admin, form, field, value, sentence
):
    answer = admin.post("/dau-thu/moi", data={**form, field: value})
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)
    if field != "public_key":
        assert form["public_key"] in answer.text


def test_it_changes_a_receiver(admin, database, form, cast):
    here = "/dau-thu/r-0000"
    assert 'value="Cột r-0000"' in admin.get(here + "/sua").text
    assert admin.post(here + "/sua", data={**form, "volume": "0"}).location == here
    with database.read() as session:
        receiver = receivers.get(session, "r-0000")
    assert (receiver.name, receiver.volume, receiver.lat) == ("Cột đình", 0, 20.8561)
    assert 'value="20.8561, 106.6822"' in admin.get(here + "/sua").text
    assert "âm lượng 200" not in words(admin.get(here))


def test_it_retires_a_receiver_after_asking(admin, hoa, database):
    here = "/dau-thu/r-0000"
    assert "Ngừng dùng đầu thu này" not in words(hoa.get(here))
    assert "Ngừng dùng đầu thu này?" in words(admin.get(here + "/ngung"))
    assert admin.post(here + "/ngung").location == "/dau-thu"
    with database.read() as session:
        assert not receivers.get(session, "r-0000").active
    told = words(admin.get("/dau-thu"))
    assert "tất cả 2" in told
    assert "đã thôi dùng 1" in told
    assert "r-0000 · thôn Đông" not in told
    assert "r-0000 · thôn Đông" in words(admin.get("/dau-thu?tinh_trang=thoi-dung"))
    assert "đã ngừng dùng" in words(admin.get(here))


def test_it_shows_what_a_receiver_did_lately(hoa, database, broadcast, clock):
    with database.write() as session:
        delivery = session.get_one(Broadcast, broadcast.id).deliveries[0]
        delivery.state, delivery.reason = DeliveryState.MISSED, "off"
        rid = delivery.receiver_id
    assert "chưa có lượt phát nào" in words(hoa.get(f"/dau-thu/{rid}"))
    clock.move(HOUR)
    told = words(hoa.get(f"/dau-thu/{rid}"))
    assert "12:30 ngày 21/11/2026 Lịch tiêm chủng lỡ giờ đầu thu tắt lúc đến giờ" in told


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("", (None, None)),
        (" 20.85 , 106.68 ", (20.85, 106.68)),
        ("-8;115", (-8, 115)),
        ("0 0", (0, 0)),
    ],
)
def test_it_reads_coordinates_as_maps_give_them(typed, wanted):
    assert location(typed) == wanted


@pytest.mark.parametrize("typed", ["91, 0", "20.85", "20,85, 106,68", "20.85, 181"])
def test_it_refuses_coordinates_that_are_none(typed):
    with pytest.raises(DeviceError) as refused:
        location(typed)
    assert refused.value.field == "location"
