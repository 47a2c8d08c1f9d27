from __future__ import annotations

from datetime import date, time

from content import bulletins
from content.parts import Translation
from devices import areas
from loa import staff
from loa.staff import Role
from loa.times import HOUR, after
from scheduler import broadcasts, schedules
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.schedules import Kind, Rule
from tests.cast import NOON, PASSWORD, ZONE, approved_bulletin
from tests.web.conftest import plan, words
from web import broadcasts as pages


def test_it_shows_all_that_is_known_of_a_broadcast(hoa, database, broadcast):
    with database.write() as session:
        found = session.get_one(Broadcast, broadcast.id)
        at = found.starts_at
        one, two, three = found.deliveries
        one.state, one.sent_at, one.accepted_at, one.ready_at = (
            DeliveryState.PLAYED, after(at, -3000), after(at, -2000), after(at, -1000),
        )  # fmt: skip
        one.started_at, one.late_ms, one.ended_at, one.played_ms = at, 0, after(at, 30_000), 30_000
        one.volume, one.evidence = 70, "E1"
        two.state, two.reason = DeliveryState.INTERRUPTED, "power"
        three.state = DeliveryState.UNKNOWN
        broadcasts.settle(session, found)
    told = words(hoa.get(f"/luot-phat/{broadcast.id}"))
    assert "Lượt phát 12:30 ngày 21/11/2026" in told
    assert "đã phát 1/3 1 chưa có xác nhận · 1 bị ngắt" in told
    assert "đầu thu báo đã giải mã và phát hết âm thanh (mức E1)" in told
    assert "12:29:57 12:29:58 12:29:59 12:30:00 đúng giờ 12:30:30 30 giây 70" in told
    assert "bị ngắt mất điện" in told
    assert "không phải là không phát" in told
    assert "Người duyệt Minh" in told
    assert "Dài 30 giây · độ to đạt chuẩn" in told
    assert "Số đo Độ to -16,0 LUFS (chuẩn -16), đỉnh -1,0 dBTP" in told


def test_it_shows_a_reason_it_does_not_know_as_it_came(hoa, database, broadcast):
    with database.write() as session:
        delivery = session.get_one(Broadcast, broadcast.id).deliveries[0]
        delivery.state, delivery.reason = DeliveryState.FAILED, "<solar_flare>"
    assert "đầu thu báo “&lt;solar_flare&gt;”" in hoa.get(f"/luot-phat/{broadcast.id}").text


def test_it_stops_a_broadcast_after_asking(lan, minh, database, broadcast, clock):
    here = f"/luot-phat/{broadcast.id}"
    assert "Dừng lượt này" not in words(lan.get(here))
    assert "Dừng lượt này" in words(minh.get(here))
    assert "Dừng lượt phát này?" in words(minh.get(here + "/dung"))
    assert minh.post(here + "/dung").location == here
    told = words(minh.get(here))
    assert "Minh dừng" in told
    assert "Dừng lượt này" not in told


def test_whoever_set_it_may_stop_it_and_another_writer_may_not(hoa, sign_in, database, broadcast):
    here = f"/luot-phat/{broadcast.id}"
    with database.write() as session:
        other = staff.add(
            session, login="soan2", name="Người soạn khác", role=Role.EDITOR, password=PASSWORD, now=NOON
        )  # fmt: skip
    another = sign_in(other)
    for page in (here, "/"):
        assert f'href="{here}/dung"' in hoa.get(page).text
        assert f'href="{here}/dung"' not in another.get(page).text
    assert another.get(here + "/dung").status_code == 403
    assert "không có quyền dừng phát" in words(another.post(here + "/dung"))
    assert "Dừng lượt phát này?" in words(hoa.get(here + "/dung"))
    assert hoa.post(here + "/dung").location == here
    assert "Hoa dừng" in words(hoa.get(here))


def test_it_tells_other_languages_and_lets_each_sound_be_heard(hoa, database, cast):
    with database.write() as session:
        for village, code in zip(cast.villages, ("tyz", "nut"), strict=False):
            areas.set_language(session, areas.get(session, village.id), code, now=NOON, by="test")
        tay = Translation(language="tyz", upload="b" * 64, name="tày.mp3")
        bulletin = approved_bulletin(session, cast, translations=(tay,))
        rule = Rule(kind=Kind.ONCE, at=time(12, 30), start_date=date(2026, 11, 21),
                    area_ids=(cast.commune.id,))  # fmt: skip
        schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
        plan(session, NOON)
        sounds = dict(bulletins.get(session, bulletin.id).sounds)
    page = hoa.get("/luot-phat/1")
    told = words(page)
    assert "· tiếng Tày" in told
    assert "· tiếng Nùng, nghe bản tiếng Kinh" in told
    assert told.count("nghe bản") == 1
    assert told.index("Bản tiếng Kinh") < told.index("Bản tiếng Tày")
    assert page.text.count("<audio") == len(sounds) == 2
    assert sounds["tyz"] in page.text


def test_it_stops_nothing_that_is_over(minh, database, broadcast, clock):
    with database.write() as session:
        found = session.get_one(Broadcast, broadcast.id)
        for delivery in found.deliveries:
            delivery.state = DeliveryState.PLAYED
        broadcasts.settle(session, found)
    clock.move(2 * HOUR)
    assert minh.post(f"/luot-phat/{broadcast.id}/dung").status_code == 409


def test_it_keeps_the_results_live(hoa, database, broadcast):
    here = f"/luot-phat/{broadcast.id}/ket-qua"
    digest = hoa.get(here).headers["X-Digest"]
    assert hoa.get(here, headers={"X-Seen": digest}).status_code == 204
    with database.write() as session:
        session.query(Delivery).first().state = DeliveryState.SENT
    assert "đã gửi" in words(hoa.get(here, headers={"X-Seen": digest}))


def test_many_receivers_are_shown_page_by_page_with_what_went_wrong_first(
    hoa, database, broadcast, monkeypatch
):
    with database.write() as session:
        found = session.get_one(Broadcast, broadcast.id)
        for delivery in found.deliveries:
            delivery.state = DeliveryState.PLAYED
        last = max(found.deliveries, key=lambda each: (each.area_name, each.receiver_name))
        last.state = DeliveryState.MISSED
        names = {each.receiver_name for each in found.deliveries}
        wrong = last.receiver_name
        broadcasts.settle(session, found)
    monkeypatch.setattr(pages, "PER_PAGE", 2)
    here = f"/luot-phat/{broadcast.id}"
    first, second = words(hoa.get(here)), words(hoa.get(f"{here}?trang=2"))
    assert "đã phát 2/3" in first
    assert "Trang 1/2" in first
    assert wrong in first
    shown = [{name for name in names if name in told} for told in (first, second)]
    assert [len(each) for each in shown] == [2, 1]
    assert shown[0] | shown[1] == names
    assert words(hoa.get(f"{here}?trang=99")) == second
    part = hoa.get(f"{here}/ket-qua?trang=2")
    assert {name for name in names if name in words(part)} == shown[1]
