from __future__ import annotations

import re
from datetime import date, time

import msgspec
import pytest
import sqlalchemy as sa

from content import bulletins, recordings
from content.bulletins import Draft, Priority
from content.parts import spoken
from content.recordings import RenderingState
from devices import broker
from devices.clones import Alarm
from devices.receivers import Journal, Presence, Receiver
from loa.config import Mqtt
from loa.times import HOUR, MINUTE, after
from scheduler import broadcasts, leases, schedules
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.schedules import Kind, Rule
from tests.cast import NOON, ZONE, add_receiver, another_approver, approved_bulletin, give_sound, vn
from tests.web.conftest import plan, words
from web import create_app

D = DeliveryState
HALF_PAST = vn("2026-11-21 12:30")


def become(database, broadcast, *states, **values):
    """Put the deliveries into these states, as receipts would."""
    with database.write() as session:
        found = session.get_one(Broadcast, broadcast.id)
        for delivery, state in zip(found.deliveries, states, strict=True):
            delivery.state, delivery.rev = state, 1
            for name, value in values.items():
                setattr(delivery, name, value)
        broadcasts.settle(session, found)


def test_it_says_how_to_begin_on_an_empty_day(hoa, lan):
    assert "Hôm nay chưa có lượt phát nào." in words(hoa.get("/"))
    assert "Soạn bản tin" in words(hoa.get("/"))
    assert "Soạn bản tin" not in words(lan.get("/"))


def test_it_says_that_receivers_come_first(hoa, admin, database):
    with database.write() as session:
        session.execute(sa.update(Receiver).values(active=False))
    assert "Hãy nhờ quản trị thêm đầu thu." in words(hoa.get("/"))
    assert "Thêm đầu thu đầu tiên" in words(admin.get("/"))


def test_it_shows_the_next_broadcast_and_how_long_until_then(hoa, broadcast):
    page = hoa.get("/")
    assert "12:30 Lịch tiêm chủng" in words(page)
    assert f'data-until="{HALF_PAST}"' in page.text
    assert f'name="server-now" content="{NOON}"' in page.text
    assert "chờ phát" in words(page)
    assert "3 đầu thu" in words(page)


def test_it_counts_those_that_are_ready(hoa, database, broadcast):
    become(database, broadcast, D.READY, D.READY, D.SENT)
    assert "chờ phát đã giao lệnh · 2/3 đầu thu sẵn sàng" in words(hoa.get("/"))


def test_it_shows_each_start_to_the_second_and_how_late_it_was(hoa, database, broadcast, clock):
    clock.now = after(HALF_PAST, MINUTE)
    start = {"started_at": after(HALF_PAST, 12_040), "late_ms": 12_040}
    become(database, broadcast, D.PLAYED, D.PLAYED, D.PLAYED, **start)
    told = words(hoa.get("/"))
    assert "đã phát 3/3" in told
    assert told.count("12:30:12 muộn 12 giây") == 3
    with database.write() as session:
        session.execute(sa.update(Delivery).values(late_ms=40))
    assert words(hoa.get("/")).count("đúng giờ") == 3


def test_it_keeps_the_unknown_apart(hoa, database, broadcast, clock):
    clock.now = after(HALF_PAST, HOUR)
    become(database, broadcast, D.PLAYED, D.UNKNOWN, D.UNKNOWN)
    assert "đã phát 1/3 2 chưa có xác nhận" in words(hoa.get("/"))
    become(database, broadcast, D.UNKNOWN, D.UNKNOWN, D.UNKNOWN)
    told = words(hoa.get("/"))
    assert "chưa có xác nhận 3 đầu thu" in told
    assert "0/3" not in told


def test_it_says_why_a_receiver_was_silent(hoa, database, broadcast, clock):
    clock.now = after(HALF_PAST, HOUR)
    become(database, broadcast, D.MISSED, D.MISSED, D.MISSED, reason="no_audio")
    assert words(hoa.get("/")).count("đầu thu chưa tải xong âm thanh") == 3


def test_it_marks_simulated_receivers(hoa, database, broadcast, clock):
    become(database, broadcast, D.READY, D.READY, D.READY)
    assert "mô phỏng" not in words(hoa.get("/"))
    with database.write() as session:
        session.get_one(Receiver, "r-0001").simulated = True
    assert words(hoa.get("/")).count("mô phỏng") == 1


def test_it_tells_what_comes_tomorrow(hoa, database, cast, approved, clock):
    rule = Rule(kind=Kind.DAILY, at=time(6, 15), start_date=date(2026, 11, 22),
                area_ids=(cast.commune.id,))  # fmt: skip
    with database.write() as session:
        bulletin = bulletins.get(session, approved.id)
        schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
        plan(session, NOON)
    told = words(hoa.get("/"))
    assert "Hôm nay chưa có lượt phát nào." in told
    assert "Ngày mai, trong 24 giờ tới 06:15 Lịch tiêm chủng" in told


def test_it_asks_an_approver_to_approve_what_others_wrote(hoa, minh, database, cast):
    with database.write() as session:
        for author in (cast.hoa, cast.minh):
            draft = Draft(title="Họp", parts=spoken("Họp."))
            bulletin = bulletins.write(session, author, draft, NOON)
            bulletin.state = bulletins.State.SUBMITTED
    page = minh.get("/")
    assert '<a href="/duyet">1 bản tin chờ bạn nghe và duyệt.</a>' in page.text
    assert "chờ bạn nghe" not in words(hoa.get("/"))


def test_it_asks_for_a_second_approval_of_an_emergency_and_only_once_of_each(
    minh, sign_in, database, cast
):
    with database.write() as session:
        second = another_approver(session)
        draft = Draft(title="Lũ", parts=spoken("Sơ tán."), priority=Priority.EMERGENCY)
        bulletin = bulletins.write(session, cast.hoa, draft, NOON)
        give_sound(session, bulletin)
        bulletins.submit(session, bulletin, cast.hoa, NOON)
    assert "1 bản tin khẩn cấp chờ bạn nghe và duyệt." in words(minh.get("/"))
    with database.write() as session:
        found = bulletins.get(session, bulletin.id)
        bulletins.approve(session, found, cast.minh, found.sounds.values(), NOON)
    assert "khẩn cấp chờ bạn" not in words(minh.get("/"))
    assert "1 bản tin khẩn cấp chờ bạn nghe và duyệt." in words(sign_in(second).get("/"))


def test_it_tells_an_author_of_what_came_back(hoa, minh, database, cast):
    with database.write() as session:
        bulletin = bulletins.write(
            session, cast.hoa, Draft(title="Họp", parts=spoken("Họp.")), NOON
        )
        bulletin.state = bulletins.State.REJECTED
    assert "1 bản tin của bạn bị trả lại" in words(hoa.get("/"))
    assert "bị trả lại" not in words(minh.get("/"))


def test_it_warns_of_a_broadcast_that_will_not_sound(hoa, database, broadcast, cast, approved):
    with database.write() as session:
        bulletin = bulletins.get(session, approved.id)
        bulletins.edit(
            session, bulletin, cast.hoa, Draft(title="Khác", parts=spoken("Khác.")), NOON
        )
        plan(session, NOON)
    assert "Lượt 12:30 “Khác” sẽ không phát vì bản tin chưa được duyệt." in words(hoa.get("/"))


def test_it_warns_shortly_before_when_receivers_lack_the_sound(hoa, database, broadcast, clock):
    become(database, broadcast, D.READY, D.SENT, D.ACCEPTED)
    assert "chưa sẵn sàng" not in words(hoa.get("/"))
    clock.now = after(HALF_PAST, -10 * MINUTE)
    with database.write() as session:
        lacking = session.get_one(Broadcast, broadcast.id).deliveries[1].receiver_id
        for number, source in enumerate(("ntp", "ntp", "none")):
            seen = presence(f"r-{number:04d}", heard_at=clock.now, clock_source=source)
            session.add(seen)
    told = words(hoa.get("/"))
    assert "Lượt 12:30 “Lịch tiêm chủng”: 2/3 đầu thu chưa sẵn sàng: " in told
    assert f"Cột {lacking} (chưa tải xong âm thanh)" in told
    assert "Cột r-0002 (chưa có giờ đúng)" in told
    told = words(hoa.get(f"/luot-phat/{broadcast.id}"))
    assert "2 đầu thu có thể không phát lượt này:" in told
    assert "Đầu thu chưa biết giờ nên không phát lịch." in told


def presence(receiver_id, **values):
    usual = {"online": True, "sid": "s", "heard_at": NOON, "heartbeat_ms": 60_000, "clock_source": "ntp",
             "output": "ok", "power": "ac"}  # fmt: skip
    return Presence(receiver_id=receiver_id, **{**usual, **values})


def test_it_tells_lost_receivers_from_those_never_seen(hoa, database, cast):
    with database.write() as session:
        session.add(presence("r-0000", heard_at=after(NOON, -HOUR)))
        session.add(presence("r-0001", output="fault"))
    told = words(hoa.get("/"))
    assert "1/3 đầu thu mất kết nối." in told
    assert "1/3 đầu thu báo có trục trặc." in told


def test_it_tells_of_a_sound_that_could_not_be_made(hoa, database, cast):
    with database.write() as session:
        bulletin = bulletins.write(
            session, cast.hoa, Draft(title="Họp", parts=spoken("Họp.")), NOON
        )
        recordings.queue(session, bulletin, NOON).state = RenderingState.FAILED
    assert "Không tạo được âm thanh của bản tin “Họp”." in words(hoa.get("/"))
    with database.write() as session:
        recordings.queue(session, bulletins.get(session, bulletin.id), NOON)
    assert "Không tạo được" not in words(hoa.get("/"))


def test_it_warns_when_nobody_runs_the_station(hoa, database, clock):
    assert "Bộ điều hành của đài chưa chạy" not in words(hoa.get("/"))
    clock.move(MINUTE)
    assert "Bộ điều hành của đài chưa chạy" in words(hoa.get("/"))
    with database.write() as session:
        session.get_one(leases.Lease, leases.NAME).renewed_at = clock()
    assert "Bộ điều hành của đài chưa chạy" not in words(hoa.get("/"))


def test_it_stops_everything_after_asking(hoa, minh, database, broadcast, clock):
    clock.now = after(HALF_PAST, -5 * MINUTE)
    assert "Dừng tất cả" not in words(hoa.get("/"))
    asked = words(minh.get("/dung-tat-ca"))
    assert "12:30 Lịch tiêm chủng (chờ phát)" in asked
    assert minh.post("/dung-tat-ca").location == "/"
    assert "Đã ra lệnh dừng 1 lượt phát." in words(minh.get("/"))
    with database.read() as session:
        assert session.get_one(Broadcast, broadcast.id).stop_requested_at == clock.now
    assert "Không có lượt nào để dừng." in words(minh.post("/dung-tat-ca", follow_redirects=True))


def test_it_sends_the_live_part_again_only_when_it_changed(hoa, database, broadcast):
    digest = hoa.get("/hom-nay").headers["X-Digest"]
    assert hoa.get("/hom-nay", headers={"X-Seen": digest}).status_code == 204
    become(database, broadcast, D.READY, D.SENT, D.SENT)
    assert hoa.get("/hom-nay", headers={"X-Seen": digest}).status_code == 200


@pytest.fixture
def busy_day(database, cast):
    """Eight broadcasts at forty receivers."""
    with database.write() as session:
        for number in range(37):
            add_receiver(session, cast, f"x-{number:04d}", cast.villages[number % 3])
        bulletin = approved_bulletin(session, cast, title="Đông đủ")
        for hour in range(13, 21):
            rule = Rule(kind=Kind.ONCE, at=time(hour), start_date=date(2026, 11, 21),
                        area_ids=(cast.commune.id,))  # fmt: skip
            schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
        plan(session, NOON)


def test_it_asks_as_little_of_a_full_day_as_of_an_empty_one(minh, busy_day, queries, database):
    with queries:
        minh.get("/")
    busy = queries.number
    with database.write() as session:
        session.execute(sa.delete(Delivery))
        session.execute(sa.delete(Broadcast))
    queries.number = 0
    with queries:
        minh.get("/")
    assert busy <= queries.number + 2
    assert busy < 34


def test_it_shows_of_many_receivers_first_those_with_trouble(minh, busy_day, database):
    with database.write() as session:
        first = session.scalars(sa.select(Broadcast).order_by(Broadcast.starts_at)).first()
        for number, delivery in enumerate(first.deliveries):
            delivery.state = D.FAILED if number == 39 else D.READY
        name = first.deliveries[39].receiver_name
    page = minh.get("/hom-nay").text
    assert page.count("<tr>") - page.count("<thead>") == 30
    assert "Xem thêm 10 đầu thu" in page
    assert name in re.search(r"<tbody>(.*?)</tr>", page, re.DOTALL)[1]


def test_it_fetches_of_many_receivers_only_those_it_shows(minh, busy_day, database):
    with database.write() as session:
        session.execute(sa.update(Delivery).values(state=D.READY))
    fetched = []

    def note(delivery, _context):
        fetched.append(delivery)

    sa.event.listen(Delivery, "load", note)
    try:
        page = minh.get("/hom-nay").text
    finally:
        sa.event.remove(Delivery, "load", note)
    assert "Xem thêm 10 đầu thu" in page
    assert len(fetched) == 30


def test_it_puts_what_sounds_now_before_all_else(minh, busy_day, database):
    with database.write() as session:
        third = session.scalars(sa.select(Broadcast).order_by(Broadcast.starts_at)).all()[2]
        third.deliveries[0].state = D.STARTED
        broadcasts.settle(session, third)
    starts = re.findall(r"<article.*?<time[^>]*>([\d:]+)<", minh.get("/hom-nay").text, re.DOTALL)
    assert starts[:4] == ["15:00", "13:00", "14:00", "16:00"]


def test_what_is_over_stands_below_what_is_to_come_the_last_first(minh, busy_day, database):
    with database.write() as session:
        first, second, third, *_ = session.scalars(
            sa.select(Broadcast).order_by(Broadcast.starts_at)
        )
        for delivery in (*first.deliveries, *second.deliveries):
            delivery.state = D.PLAYED
        third.deliveries[0].state = D.STARTED
        for each in (first, second, third):
            broadcasts.settle(session, each)
    page = minh.get("/hom-nay").text
    ahead, past = page.split("Đã qua hôm nay")
    starts = r"<article.*?<time[^>]*>([\d:]+)<"
    assert re.findall(starts, ahead, re.DOTALL)[:2] == ["15:00", "16:00"]
    assert re.findall(starts, past, re.DOTALL) == ["14:00", "13:00"]


@pytest.mark.parametrize(
    ("mqtt", "found", "warned"),
    [
        (Mqtt(broker="embedded"), "/usr/sbin/mosquitto", True),
        (Mqtt(), None, True),
        (Mqtt(), "/usr/sbin/mosquitto", False),
        (Mqtt(broker="external", url="mqtts://broker.example:8883"), None, False),
        (Mqtt(url="mqtts://broker.example:8883"), None, False),
    ],
)
def test_it_warns_of_the_broker_meant_for_trying_out(
    mqtt, found, warned, database, cast, config, clock, monkeypatch
):
    monkeypatch.setattr(broker, "mosquitto_path", lambda: found)
    app = create_app(msgspec.structs.replace(config, mqtt=mqtt), database, clock=clock)
    client = app.test_client()
    with client.session_transaction() as session:
        session["staff"], session["stamp"] = cast.hoa.id, cast.hoa.session_stamp
    assert ("chỉ để chạy thử" in words(client.get("/"))) == warned


def test_it_warns_of_a_journal_that_contradicts_itself(hoa, database, cast):
    with database.write() as session:
        session.add(
            Journal(receiver_id="r-0001", jid="j", upto=1, head="", begun_at=NOON, tampered_at=NOON)
        )
    assert "Nhật ký của đầu thu “Cột r-0001” mâu thuẫn" in words(hoa.get("/"))


@pytest.mark.parametrize(("number", "notices"), [(5, 5), (6, 1)])
def test_of_many_with_the_same_trouble_one_notice_tells(hoa, busy_day, database, number, notices):
    with database.write() as session:
        for each in range(number):
            rid = f"x-{each:04d}"
            session.add(
                Journal(receiver_id=rid, jid=rid, upto=1, head="", begun_at=NOON, tampered_at=NOON)
            )
            session.add(
                Alarm(receiver_id=rid, why="boot", raised_at=after(NOON, each), seen_at=NOON)
            )
    page = hoa.get("/")
    told = words(page)
    assert told.count("mâu thuẫn với phần đã gửi") == notices
    assert told.count("dùng danh tính") == notices
    if notices == 1:
        assert "Nhật ký của 6 đầu thu mâu thuẫn" in told
        assert 'href="/dau-thu/loi?loai=tampered"' in page.text
        assert "6 đầu thu có thể đang bị hai máy cùng dùng danh tính: “" in told
        assert "và 3 đầu thu nữa. Hãy xem lần lượt, bắt đầu từ “" in told
        assert '<a href="/dau-thu/x-0000">6 đầu thu' in page.text
