"""The fleet on the pages: found, narrowed, looked after, and told what to do from afar."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest
import sqlalchemy as sa

from devices import groups, outages, receivers, signing
from devices.outages import Fault, Kind, Wrong
from devices.receivers import Presence, Receiver
from loa.audit import AuditEntry
from loa.staff import Role
from loa.times import HOUR, MINUTE, after
from scheduler import schedules, tones
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.plans import Outgoing
from tests.cast import NOON
from tests.web.conftest import error_at, plan, words

BOTH_DATABASES = True
BY = {"now": NOON, "by": "test"}


@pytest.fixture
def operator(sign_in, cast, database):
    """Minh may stop what sounds, but only an operator or an admin may turn things up or down."""
    with database.write() as session:
        person = session.get_one(type(cast.hoa), cast.hoa.id)
        person.role = Role.OPERATOR
    return sign_in(person)


def seen(session, rid, ago=0, **more):
    usual = {"online": True, "sid": "s", "heard_at": after(NOON, -ago), "heartbeat_ms": 60_000,
             "clock_source": "ntp", "output": "ok", "power": "ac", "online_since": after(NOON, -2 * HOUR)}  # fmt: skip
    session.add(Presence(receiver_id=rid, **{**usual, **more}))


def more_receivers(session, cast, number):
    """In one go: a password's hash for each would be most of the test."""
    session.execute(
        sa.insert(Receiver),
        [
            {"id": f"x-{each:04d}", "name": f"Cụm {each}", "area_id": cast.villages[each % 3].id,
             "public_key": "k", "password_hash": "p", "added_at": NOON, "confirmed_at": NOON}
            for each in range(number)
        ],
    )  # fmt: skip


def spreadsheet(answer):
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def listed(answer):
    return re.findall(r'<th scope="row"><a href="/dau-thu/([^"]+)"', answer.text)


@pytest.fixture
def fleet(database, cast):
    with database.write() as session:
        more_receivers(session, cast, 6)
        seen(session, "r-0000")
        seen(session, "r-0001", 2 * HOUR)
        seen(session, "r-0002", output="fault")
        receivers.get(session, "x-0003").name = "Cột Đình Đoài"
        groups.add(session, "Ven sông", ["r-0001", "x-0004"], **BY)


def test_it_narrows_by_state_with_the_number_of_each(hoa, fleet):
    told = words(hoa.get("/dau-thu"))
    assert "tất cả 9 trực tuyến 1 có lỗi 1 mất kết nối 1 chưa kết nối lần nào 6" in told
    for slug, wanted in (
        ("truc-tuyen", ["r-0000"]),
        ("co-loi", ["r-0002"]),
        ("mat-ket-noi", ["r-0001"]),
    ):
        assert listed(hoa.get(f"/dau-thu?tinh_trang={slug}")) == wanted
    assert len(listed(hoa.get("/dau-thu?tinh_trang=chua-thay"))) == 6
    assert "đường ra loa báo lỗi" in words(hoa.get("/dau-thu?tinh_trang=co-loi"))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("tim=dinh+doai", ["x-0003"]),
        ("tim=đình", ["x-0003"]),
        ("tim=địnhh", []),
        ("tim=X-0002", ["x-0002"]),
        ("tim=cum+x-0005", ["x-0005"]),
        ("nhom=1", ["r-0001", "x-0004"]),
        ("nhom=1&tinh_trang=mat-ket-noi", ["r-0001"]),
        ("dia_ban=4", ["r-0002", "x-0002", "x-0005"]),
        ("xep=name&tim=cot", ["x-0003", "r-0000", "r-0001", "r-0002"]),
        ("xep=worst&tim=r-", ["r-0001", "r-0002", "r-0000"]),
        ("dia_ban=abc&tinh_trang=xyz&tim=x-0000", ["x-0000"]),
    ],
)
def test_it_finds_receivers_with_and_without_marks(hoa, fleet, query, wanted):
    assert listed(hoa.get(f"/dau-thu?{query}")) == wanted


def test_it_says_how_to_go_on_where_nothing_is_found(hoa, admin, fleet, database):
    assert "Không có đầu thu nào khớp." in words(hoa.get("/dau-thu?tim=khong-co"))


def test_it_goes_through_many_page_by_page(hoa, database, cast):
    with database.write() as session:
        more_receivers(session, cast, 60)
    first, second = hoa.get("/dau-thu?tim=x-"), hoa.get("/dau-thu?tim=x-&trang=2")
    assert (len(listed(first)), len(listed(second))) == (50, 10)
    assert not set(listed(first)) & set(listed(second))
    assert "Trang 2/2" in words(second)


def test_it_asks_the_database_as_often_for_ten_as_for_thousand(hoa, database, cast, queries):
    numbers = []
    for wanted in (10, 1_000):
        with database.write() as session:
            session.execute(sa.delete(Presence))
            session.execute(sa.delete(Receiver).where(Receiver.id.like("x-%")))
            more_receivers(session, cast, wanted)
            for each in range(wanted):
                seen(session, f"x-{each:04d}", output="fault", playing="u.1")
        before = queries.number
        with queries:
            hoa.get("/dau-thu?tim=cum")
        numbers.append(queries.number - before)
    assert numbers[0] == numbers[1]
    assert numbers[0] <= 20


def test_a_row_says_what_plays_what_comes_and_what_is_ready(hoa, database, broadcast):
    with database.write() as session:
        seen(session, "r-0000", playing=broadcast.occurrence, ready=1, wanted=3)
        seen(session, "r-0001", playing="tone.r-0001.1")
    told = words(hoa.get("/dau-thu"))
    assert "đang phát Lịch tiêm chủng 12:30 Lịch tiêm chủng âm thanh sẵn sàng 1/3" in told
    assert "đang phát âm thử" in told


# -- one receiver ---------------------------------------------------------------------------------


def test_its_page_says_what_is_wrong_and_what_to_do(hoa, database, broadcast):
    with database.write() as session:
        seen(session, "r-0000", clock_source="none", net_month="2026-11", net_bytes=12_300_000, up_ms=HOUR,
             firmware="loa-0.1", kv=7, boot=3)  # fmt: skip
        outages.settle(session, {("r-0000", Kind.CLOCK): Wrong(after(NOON, -HOUR))}, NOON)
        outages.note_gap(session, "r-0000", after(NOON, -5 * HOUR), after(NOON, -4 * HOUR))
    told = words(hoa.get("/dau-thu/r-0000"))
    assert "Chưa có giờ đúng Đã 1 giờ 00 phút, từ 11:00 Đầu thu chưa biết giờ nên" in told
    assert "12,3 MB tháng 11/2026" in told
    assert "Chạy liên tục 1 giờ 00 phút lần khởi động thứ 3" in told
    assert "12:30 ngày 21/11/2026 Lịch tiêm chủng chờ gửi" in told
    assert "mất kết nối 07:00 ngày 21/11/2026 08:00 ngày 21/11/2026 1 giờ 00 phút" in told
    assert "Trực tuyến 30 ngày qua chưa đủ dữ liệu" in told
    assert "Khởi động lại" not in words(hoa.get("/dau-thu/r-0001"))


def test_an_order_is_shown_until_the_heartbeat_says_it_is_taken(operator, database, cast):
    here = "/dau-thu/r-0000"
    assert "tắt cả bản tin khẩn cấp" in words(operator.get(here + "/cai-dat"))
    with database.write() as session:
        seen(session, "r-0000", volume=70, rev=5)
    data = {"volume": "40", "delay_ms": "100"}
    assert operator.post(here + "/cai-dat", data=data).location == here
    told = words(operator.get(here))
    assert "Lệnh và cài đặt chờ gửi" in told
    assert "Âm lượng đặt 40 đầu thu đang dùng 70" in told
    with database.write() as session:
        receiver = receivers.get(session, "r-0000")
        assert (receiver.volume, receiver.muted, receiver.delay_ms) == (40, False, 100)
        receiver.plan_stale = False
        session.add(
            Outgoing(
                receiver_id="r-0000", rev=6, made_at=NOON, lane=1, queued_at=NOON, published_at=NOON
            )
        )
    assert "đã gửi, chờ đầu thu nhận" in words(operator.get(here))
    with database.write() as session:
        told = session.get_one(Presence, "r-0000")
        told.rev, told.volume = 6, 40
    told = words(operator.get(here))
    assert "Lệnh và cài đặt đã nhận" in told
    assert "Âm lượng đặt 40 đầu thu đã nhận" in told


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("volume", "101", "nằm ngoài khoảng 0–100"),
        ("volume", "", "Hãy nhập âm lượng"),
        ("delay_ms", "1001", "nằm ngoài khoảng 0–1000"),
        ("delay_ms", "-1", "nằm ngoài khoảng 0–1000"),
    ],
)
def test_it_shows_a_wrong_setting_at_its_field(operator, field, value, sentence):
    data = {"volume": "40", "delay_ms": "0", field: value}
    answer = operator.post("/dau-thu/r-0000/cai-dat", data=data)
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)


def test_who_only_stops_broadcasts_does_not_turn_things_off(minh, cast):
    for act in ("cai-dat", "phat-thu", "khoi-dong-lai"):
        answer = minh.post(f"/dau-thu/r-0000/{act}", data={"volume": "1", "delay_ms": "0"})
        assert answer.status_code == 403
        assert "người vận hành hoặc quản trị" in words(answer)


def test_a_test_tone_goes_into_the_plan_but_not_in_quiet_hours(operator, database, clock):
    here = "/dau-thu/r-0000"
    assert "ba tiếng ngắn" in words(operator.get(here + "/phat-thu"))
    assert operator.post(here + "/phat-thu").location == here
    assert "Âm thử lúc 12:00:05: đã gửi lệnh" in words(operator.get(here))
    clock.move(10 * HOUR)
    refused = operator.post(here + "/phat-thu")
    assert refused.status_code == 400
    assert "giờ không phát 21:00–05:00" in words(refused)
    with database.read() as session:
        assert tones.last(session, "r-0000").starts_at == after(NOON, 5_000)


def test_a_restart_is_ordered_once_and_told_when_it_came(operator, database, clock):
    here = "/dau-thu/r-0000"
    with database.write() as session:
        seen(session, "r-0000", up_ms=HOUR)
    assert operator.post(here + "/khoi-dong-lai").location == here
    told = words(operator.post(here + "/khoi-dong-lai", follow_redirects=True))
    assert "Hãy chờ hai phút" in told
    assert "đầu thu khởi động lại khi không phát gì" in told
    with database.write() as session:
        receiver = receivers.get(session, "r-0000")
        assert (receiver.restarts, receiver.plan_stale) == (1, True)
        told = session.get_one(Presence, "r-0000")
        told.heard_at, told.up_ms = after(NOON, MINUTE), 20_000
    clock.move(MINUTE)
    assert "đã khởi động lại" in words(operator.get(here))


# -- many -----------------------------------------------------------------------------------------


def many(client, act, *ids, **more):
    data = {"r": list(ids), "act": act, **more}
    asked = client.post("/dau-thu/nhieu", data=data)
    return asked, client.post("/dau-thu/nhieu", data={**data, "sure": "1"}, follow_redirects=True)


def test_many_are_told_at_once_after_asking(operator, admin, database, fleet):
    chosen = words(operator.get("/dau-thu/nhieu?r=r-0000&r=r-0001"))
    assert "Làm với 2 đầu thu" in chosen
    asked, done = many(operator, "volume", "r-0000", "x-0000", volume="20")
    assert "Đặt âm lượng 20: 2 đầu thu?" in words(asked)
    assert "Đã đặt âm lượng 20 cho 2 đầu thu." in words(done)
    asked, _ = many(operator, "mute", "r-0001")
    assert "không phát cả bản tin khẩn cấp" in words(asked)
    many(operator, "delay", "r-0001", delay_ms="290")
    many(operator, "restart", "r-0002")
    many(admin, "group", "x-0001", "x-0002", new_group="Trường học")
    many(admin, "group", "x-0003", group="1")
    assert "1 đầu thu" in words(many(operator, "unmute", "r-0001")[1])
    with database.read() as session:
        told = receivers.get(session, "r-0001")
        assert (told.muted, told.delay_ms) == (False, 290)
        assert receivers.get(session, "r-0000").volume == 20
        assert receivers.get(session, "x-0001").volume == 70
        assert receivers.get(session, "r-0002").restarts == 1
        named = groups.names_of(session, ["x-0001", "x-0003"])
        assert named == {"x-0001": ["Trường học"], "x-0003": ["Ven sông"]}
        kinds = set(session.scalars(sa.select(AuditEntry.kind)))
    assert {"receiver.volume", "receiver.muted", "receiver.delay_ms", "receiver.restart"} <= kinds


def test_all_that_a_filter_lets_through_are_told(operator, database, fleet):
    data = {"act": "volume", "volume": "10", "dia_ban": "4", "tat_ca": "1"}
    assert "Làm với 3 đầu thu" in words(operator.get("/dau-thu/nhieu?tat_ca=1&dia_ban=4"))
    sure = {**data, "sure": "1", "tap": asked_for(operator.post("/dau-thu/nhieu", data=data))}
    assert "cho 3 đầu thu" in words(
        operator.post("/dau-thu/nhieu", data=sure, follow_redirects=True)
    )
    with database.read() as session:
        changed = sa.select(Receiver.id).where(Receiver.volume == 10).order_by(Receiver.id)
        assert list(session.scalars(changed)) == ["r-0002", "x-0002", "x-0005"]


def asked_for(answer):
    """The mark of the receivers that the page asks about."""
    return re.search(r'name="tap" value="([^"]*)"', answer.text)[1]


def test_it_asks_again_when_the_filter_lets_others_through_by_now(operator, database, cast, fleet):
    data = {"act": "mute", "dia_ban": "4", "tat_ca": "1"}
    asked = operator.post("/dau-thu/nhieu", data=data)
    with database.write() as session:
        receivers.get(session, "x-0002").area_id = cast.villages[0].id
        receivers.get(session, "x-0000").area_id = cast.villages[2].id
    for mark in ({"tap": asked_for(asked)}, {}):
        answer = operator.post("/dau-thu/nhieu", data={**data, **mark, "sure": "1"})
        assert answer.status_code == 400
        assert "vừa thay đổi nên chưa làm gì. Bây giờ có 3 đầu thu" in words(answer)
        assert "Tiếp tục" in words(answer)
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Receiver.muted)) == 0


def test_only_who_may_change_groups_puts_many_into_one(operator, admin, database, fleet):
    here = "/dau-thu/nhieu?r=x-0001"
    assert "Đưa vào nhóm" in words(admin.get(here))
    for hidden in ("Đưa vào nhóm", "tên nhóm mới"):
        assert hidden not in words(operator.get(here))
    for answer in many(operator, "group", "x-0001", group="1"):
        assert answer.status_code == 403
    with database.read() as session:
        assert groups.names_of(session, ["x-0001"]) == {}


@pytest.mark.parametrize(
    ("data", "field", "sentence"),
    [
        ({"act": "volume"}, "volume", "từ 0 đến 100"),
        ({"act": "delay", "delay_ms": "2000"}, "delay_ms", "từ 0 đến 1000"),
        ({"act": "group"}, "group", "Hãy chọn nhóm"),
        ({}, "act", "Hãy chọn việc cần làm"),
    ],
)
def test_it_shows_what_is_missing_for_many(admin, fleet, data, field, sentence):
    answer = admin.post("/dau-thu/nhieu", data={"r": ["r-0000"], **data})
    assert answer.status_code == 400
    assert sentence in error_at(answer, field) + words(answer)


def test_nothing_chosen_is_everything_only_when_said_so(operator, fleet):
    assert "Chưa chọn đầu thu nào." in words(operator.get("/dau-thu/nhieu"))
    answer = operator.post("/dau-thu/nhieu", data={"act": "mute", "sure": "1"})
    assert answer.status_code == 400


# -- faults ---------------------------------------------------------------------------------------


def test_faults_stand_oldest_first_with_age_and_remedy(operator, hoa, database, fleet):
    with database.write() as session:
        outages.settle(session, {
            ("r-0002", Kind.OUTPUT): Wrong(after(NOON, -HOUR)),
            ("r-0001", Kind.OFFLINE): Wrong(after(NOON, -2 * HOUR)),
        }, NOON)  # fmt: skip
    told = words(operator.get("/dau-thu/loi"))
    assert "2 sự cố 1 mất kết nối 1 đường ra loa báo lỗi" in told
    assert told.index("Đã 2 giờ 00 phút, từ 10:00") < told.index("Đã 1 giờ 00 phút, từ 11:00")
    assert "Kiểm tra ampli đã bật" in told
    assert "1 sự cố" in words(operator.get("/dau-thu/loi?loai=output"))
    assert "Không có sự cố nào khớp." in words(operator.get("/dau-thu/loi?loai=disk"))
    assert "r-0001" not in words(operator.get("/dau-thu/loi?dia_ban=4"))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["r-0001", "r-0002", "x-0003"]),
        ("xep=-tu", ["x-0003", "r-0002", "r-0001"]),
        ("xep=dia_ban", ["r-0002", "r-0001", "x-0003"]),
        ("tim=dinh", ["x-0003"]),
        ("tim=đoài", ["x-0003"]),
        ("tim=r-&xep=-dau_thu", ["r-0002", "r-0001"]),
        ("da_biet=da-biet", ["x-0003"]),
        ("da_biet=chua-ai-lo&loai=output", ["r-0002"]),
    ],
)
def test_faults_are_found_sorted_and_taken_home(hoa, database, fleet, query, wanted):
    with database.write() as session:
        outages.settle(session, {
            ("r-0001", Kind.OFFLINE): Wrong(after(NOON, -3 * HOUR)),
            ("r-0002", Kind.OUTPUT): Wrong(after(NOON, -2 * HOUR)),
            ("x-0003", Kind.DISK): Wrong(after(NOON, -HOUR), "93 %"),
        }, NOON)  # fmt: skip
        known = session.scalars(sa.select(Fault).where(Fault.receiver_id == "x-0003")).one()
        outages.take_note(session, known, "mai thay thẻ", now=NOON, by="Hoa", login="hoa")
    page = hoa.get(f"/dau-thu/loi?{query}").text
    rows = spreadsheet(hoa.get(f"/dau-thu/loi.csv?{query}"))
    assert re.findall(r'</span><a href="/dau-thu/([^"]+)"', page) == wanted
    assert [row["mã"] for row in rows] == wanted
    assert {"x-0003": "mai thay thẻ"}.get(wanted[0], "") == rows[0]["ghi chú"]


def test_what_somebody_looks_after_leaves_the_front_page_not_the_list(operator, database, fleet):
    with database.write() as session:
        outages.settle(session, {("r-0001", Kind.OFFLINE): Wrong(after(NOON, -2 * HOUR))}, NOON)
        fault = session.scalars(sa.select(Fault.id)).one()
    assert "1/9 đầu thu mất kết nối." in words(operator.get("/"))
    here = f"/dau-thu/loi/{fault}/da-biet"
    assert "vẫn ở danh sách sự cố" in words(operator.get(here))
    assert operator.post(here, data={"note": "thợ đến mai"}).location == "/dau-thu/loi"
    assert "đầu thu mất kết nối." not in words(operator.get("/"))
    assert "đã biết: Hoa, 12:00, “thợ đến mai”" in words(operator.get("/dau-thu/loi"))


# -- groups ---------------------------------------------------------------------------------------


def test_groups_are_made_changed_and_dropped(admin, database, cast):
    assert "Chưa có nhóm nào." in words(admin.get("/dau-thu/nhom"))
    data = {"name": "Trường học", "receiver_ids": ["r-0000", "r-0002"]}
    assert admin.post("/dau-thu/nhom/them", data=data).location == "/dau-thu/nhom"
    assert "Trường học 2 đầu thu" in words(admin.get("/dau-thu/nhom"))
    assert admin.get("/dau-thu/nhom/1").text.count(" checked") == 2
    admin.post("/dau-thu/nhom/1", data={"name": "Trường", "typed": "r-0001, r-0002"})
    with database.read() as session:
        assert groups.member_ids(session, 1) == ["r-0001", "r-0002"]
    taken = admin.post("/dau-thu/nhom/them", data={"name": "trường"})
    assert "Đã có nhóm “Trường”." in error_at(taken, "name")
    assert "Bỏ nhóm “Trường”?" in words(admin.get("/dau-thu/nhom/1/bo"))
    assert admin.post("/dau-thu/nhom/1/bo").location == "/dau-thu/nhom"


def test_groups_are_found_sorted_and_taken_home(hoa, database, cast):
    with database.write() as session:
        for name, members in (
            ("Đê", ["r-0000"]),
            ("Chợ", []),
            ("Trường học", ["r-0001", "r-0002"]),
        ):
            groups.add(session, name, members, **BY)

    def shown(query):
        return re.findall(r'<li class="row"><b>([^<]+)<', hoa.get(f"/dau-thu/nhom?{query}").text)

    assert shown("") == ["Chợ", "Đê", "Trường học"]
    assert shown("xep=-so") == ["Trường học", "Đê", "Chợ"]
    assert shown("tim=truong") == ["Trường học"]
    assert "Không có nhóm nào khớp." in words(hoa.get("/dau-thu/nhom?tim=tiệm"))
    rows = spreadsheet(hoa.get("/dau-thu/nhom.csv?tim=de"))
    assert rows == [{"nhóm": "Đê", "mã đầu thu": "r-0000"}]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("xep=name", ["x-0003", "r-0000"]),
        ("xep=-name", ["x-0005", "x-0004"]),
        ("xep=volume", ["x-0001", "r-0002"]),
        ("xep=-volume", ["x-0005", "x-0004"]),
        ("xep=nonsense", ["r-0002", "x-0002"]),
    ],
)
def test_a_head_sorts_the_receivers_either_way(hoa, database, fleet, query, wanted):
    with database.write() as session:
        receivers.get(session, "r-0002").volume = 20
        receivers.get(session, "x-0001").muted = True
    page = hoa.get(f"/dau-thu?{query}")
    assert listed(page)[:2] == wanted


def test_a_head_keeps_the_filter_and_turns_round_when_clicked_again(hoa, fleet):
    page = hoa.get("/dau-thu?tim=cum&xep=volume&trang=2").text
    heads = re.findall(r'<th scope="col"( aria-sort="\w+")?><a href="([^"]+)"', page)
    assert [unescape(address) for _, address in heads] == [
        "/dau-thu?tim=cum&xep=name", "/dau-thu?tim=cum&xep=worst", "/dau-thu?tim=cum&xep=-volume",
    ]  # fmt: skip
    assert heads[2][0] == ' aria-sort="ascending"'


def test_a_schedule_speaks_to_a_group_without_some(admin, database, cast, approved):
    with database.write() as session:
        groups.add(session, "Ven sông", ["r-0000", "r-0001"], **BY)
    here = f"/ban-tin/{approved.id}/dat-lich"
    page = words(admin.get(here))
    assert "Nhóm đầu thu (không bắt buộc) Ven sông 2 đầu thu" in page
    assert "Trừ các đầu thu này" in page
    data = {"kind": "once", "at": "12:30", "start_date": "21/11/2026", "group_ids": ["1"],
            "except_ids": ["r-0001"]}  # fmt: skip
    told = words(admin.post(here, data=data, follow_redirects=True))
    assert "nhóm Ven sông, trừ Cột r-0001, 1 đầu thu." in told
    assert "nhóm Ven sông, trừ Cột r-0001 ·" in words(admin.get("/lich-phat"))
    with database.write() as session:
        plan(session, NOON)
        assert list(session.scalars(sa.select(Delivery.receiver_id))) == ["r-0000"]
    refused = admin.post("/dau-thu/nhom/1/bo")
    assert refused.status_code == 409
    assert "Hãy kết thúc các lịch đó trước." in words(refused)
    nobody = admin.post(here, data={**data, "except_text": "r-0000"})
    assert "Đã trừ hết" in error_at(nobody, "except_ids")


def test_now_speaks_to_areas_without_some(hoa, database, cast, approved):
    data = {"area_ids": ["1"], "except_text": "r-0000; r-0002"}
    assert hoa.post(f"/ban-tin/{approved.id}/phat-ngay", data=data).location == "/"
    with database.write() as session:
        plan(session, NOON)
        assert list(session.scalars(sa.select(Delivery.receiver_id))) == ["r-0001"]
        assert schedules.listing(session)[0].is_now


def test_ready_and_offline_is_told_apart_from_lacking_the_sound(hoa, database, broadcast, clock):
    clock.move(10 * MINUTE)
    with database.write() as session:
        for delivery in session.get_one(Broadcast, broadcast.id).deliveries:
            delivery.state = DeliveryState.READY
        seen(session, "r-0000", 0, heard_at=clock.now)
        seen(session, "r-0001", HOUR)
        seen(session, "r-0002", 0, heard_at=clock.now, volume=0)
        receivers.get(session, "r-0002").muted = True
    told = words(hoa.get("/"))
    assert (
        "2/3 đầu thu chưa sẵn sàng: Cột r-0002 (đang tắt tiếng), Cột r-0001 (mất kết nối)." in told
    )


def test_a_key_of_its_own_is_still_taken_by_hand(admin, cast):
    """The way by USB stays, beside the one by code."""
    data = {"id": "cot-usb-01", "name": "Cột USB", "area": "2", "volume": "60", "households": "1",
            "location": "", "public_key": signing.generate("x").public.x}  # fmt: skip
    assert "Mật khẩu này chỉ hiện một lần" in words(admin.post("/dau-thu/moi", data=data))
