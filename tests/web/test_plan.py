"""24 giờ tới, kế hoạch ngày, Vì sao?: what a person reads there."""

from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa

from content.bulletins import Bulletin
from loa.times import DAY, MINUTE
from scheduler import regulation, schedules
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Kind, Rule
from tests.cast import NOON, ZONE, approved_bulletin
from tests.web.conftest import error_at, plan, words
from web import why


@pytest.fixture
def daily(database, cast, approved):
    """Every day at 17:05 from today on, planned for two days."""
    rule = Rule(
        kind=Kind.DAILY, at=time(17, 5), start_date=date(2026, 11, 21), area_ids=(cast.commune.id,)
    )
    with database.write() as session:
        bulletin = session.get_one(Bulletin, approved.id)
        schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
        plan(session, NOON)


def test_the_next_day_shows_each_hour_and_its_sounds(lan, daily):
    page = words(lan.get("/lich-phat/24-gio"))
    assert "sẽ phát 1 lượt" in page
    assert "17:05 30 giây Lịch tiêm chủng" in page
    assert "giờ không phát 21:00–05:00: chỉ khẩn cấp được phát" in page


def test_an_odd_hour_is_marked(lan, database, cast, approved):
    rule = Rule(
        kind=Kind.DAILY, at=time(5, 30), start_date=date(2026, 11, 22), area_ids=(cast.commune.id,)
    )
    with database.write() as session:
        schedules.add(
            session, session.get_one(Bulletin, approved.id), cast.hoa, rule, now=NOON, zone=ZONE
        )
    page = words(lan.get("/lich-phat/24-gio"))
    assert "1 lượt vào giờ lạ" in page
    assert "trước 6 giờ" in page


def test_what_lies_outside_the_sessions_is_marked(lan, database, cast, daily):
    slots = (Slot(key="chieu", name="Chiều", start="18:00", minutes=30),)
    with database.write() as session:
        regulation.add(session, cast.admin, [], Rulebook(slots=slots), since=NOON, now=NOON)
    assert "ngoài khung giờ" in words(lan.get("/lich-phat/24-gio"))


def test_a_plan_is_narrowed_to_an_area(lan, database, cast, daily, approved):
    rule = Rule(
        kind=Kind.ONCE, at=time(18), start_date=date(2026, 11, 21), area_ids=(cast.villages[0].id,)
    )
    with database.write() as session:
        other = approved_bulletin(session, cast, title="Họp thôn Đông")
        schedules.add(session, other, cast.hoa, rule, now=NOON, zone=ZONE)
    assert "Họp thôn Đông" in words(lan.get("/lich-phat/24-gio"))
    assert "Họp thôn Đông" in words(lan.get(f"/lich-phat/24-gio?noi={cast.villages[0].id}"))
    elsewhere = words(lan.get(f"/lich-phat/24-gio?noi={cast.villages[1].id}"))
    assert "Lịch tiêm chủng" in elsewhere
    assert "Họp thôn Đông" not in elsewhere


@pytest.mark.parametrize("page", ["/lich-phat/24-gio", "/lich-phat/ngay"])
def test_a_plan_is_searched_with_marks_and_without(lan, daily, page):
    for sought in ("tiem chung", "tiêm", "hoa"):
        assert "Lịch tiêm chủng" in words(lan.get(f"{page}?tim={sought}"))
    told = words(lan.get(f"{page}?tim=khong+co"))
    assert "Không có lượt nào như vậy" in told
    assert "17:05 30 giây" not in told


def test_a_plan_is_given_as_a_file(lan, daily, cast):
    head = "Ngày,Giờ,Dài,Bản tin,Mức ưu tiên,Nơi phát,Số đầu thu,Tình trạng,Theo,Người đặt"
    for address in ("/lich-phat/24-gio.csv", "/lich-phat/ngay.csv?ngay=21/11/2026"):
        file = lan.get(address).data.decode("utf-8-sig").splitlines()
        assert file[0] == head
        assert file[1].startswith("21/11/2026,17:05,30 giây,Lịch tiêm chủng,thông thường,xã Mẫu,3,")
    assert len(lan.get("/lich-phat/24-gio.csv?tim=khong+co").data.splitlines()) == 1
    village = cast.villages[0].id
    file = lan.get(f"/lich-phat/ngay.csv?ngay=21/11/2026&noi={village}").data.decode("utf-8-sig")
    assert ",xã Mẫu,1," in file


def test_nothing_ahead_says_what_to_do(lan):
    assert "24 giờ tới không có lượt nào" in words(lan.get("/lich-phat/24-gio"))


def test_the_plan_of_a_day_beyond_what_is_planned(lan, daily):
    page = words(lan.get("/lich-phat/ngay?ngay=24/12/2026&dau_thu=r-0001"))
    assert "Kế hoạch thứ Năm, 24/12/2026" in page
    assert "Đầu thu Cột r-0001" in page
    assert "17:05 30 giây Lịch tiêm chủng" in page


def test_the_strip_shows_sessions_quiet_hours_and_sounds(lan, database, cast, daily):
    slots = (Slot(key="chieu", name="Chiều", start="17:00", minutes=30),)
    with database.write() as session:
        quiet = [regulation.parse_quiet("21:00-05:00")]
        regulation.add(session, cast.admin, quiet, Rulebook(slots=slots), since=NOON, now=NOON)
    page = lan.get("/lich-phat/ngay?ngay=22/11/2026").text
    assert '<rect class="session" x="1020.0"' in page
    assert page.count('<rect class="quiet"') == 2
    assert '<rect class="item normal" x="1025.0"' in page
    assert "style=" not in page


def test_what_will_not_sound_is_shown_with_why(lan, database, cast, broadcast):
    with database.write() as session:
        row = session.get_one(Broadcast, broadcast.id)
        row.stop_requested_at, row.reason, row.code = NOON, "Hoa dừng", "stopped"
    page = words(lan.get("/lich-phat/ngay"))
    assert "không phát" in page
    assert "Hoa dừng" in page


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("ngay=32/13/2026", "ngay", "Hãy nhập ngày theo dạng"),
        ("ngay=01/01/2030", "ngay", "trong vòng 400 ngày"),
    ],
)
def test_a_wrong_day_is_said_at_its_field(lan, query, field, sentence):
    for page in ("/lich-phat/ngay", "/vi-sao"):
        answer = lan.get(f"{page}?{query}")
        assert answer.status_code == 400
        assert sentence in error_at(answer, field)


def test_a_receiver_that_is_not_there_is_not_found(lan):
    assert lan.get("/vi-sao?dau_thu=r-9999").status_code == 404
    assert lan.get("/lich-phat/ngay?noi=99").status_code == 404


def test_why_tells_the_chain_of_a_sound_to_come(lan, broadcast):
    page = words(lan.get("/vi-sao?dau_thu=r-0000&luc=2026-11-21T12:30"))
    assert "Phát “Lịch tiêm chủng”" in page.replace(" .", ".")
    assert "do Hoa đặt" in page
    assert "Bản tin được Minh duyệt." in page
    assert "Ngày 21/11/2026 là Cuối tuần" in page


def test_why_says_plainly_that_nobody_has_confirmed(lan, clock, broadcast):
    clock.move(2 * DAY)
    page = words(lan.get("/vi-sao?dau_thu=r-0000&luc=2026-11-21T12:30"))
    assert "Chưa có xác nhận : lẽ ra phát “Lịch tiêm chủng”" in page


def test_why_tells_an_area_receiver_by_receiver(lan, database, clock, broadcast, cast):
    clock.move(2 * DAY)
    with database.write() as session:
        one = session.scalars(sa.select(Delivery).where(Delivery.receiver_id == "r-0001")).one()
        one.state, one.started_at = DeliveryState.PLAYED, broadcast.starts_at
        one.ended_at, one.played_ms = broadcast.starts_at + 30_000, 30_000
    page = words(lan.get(f"/vi-sao?noi={cast.commune.id}&luc=2026-11-21T12:30"))
    assert "2 đầu thu: Cột r-0000, Cột r-0002" in page
    assert "1 đầu thu: Cột r-0001" in page
    assert "Đầu thu báo bắt đầu phát lúc 12:30:00, phát hết lúc 12:30:30." in page


def test_silence_names_what_is_nearest(lan, broadcast):
    page = words(lan.get("/vi-sao?dau_thu=r-0000&luc=2026-11-21T03:15"))
    assert "Im tiếng" in page
    assert "Nằm trong giờ không phát 21:00–05:00" not in page, "the regulation was made at noon"
    assert "Lúc đó đài chưa có quy chế." in page
    later = words(lan.get("/vi-sao?dau_thu=r-0000&luc=2026-11-22T03:15"))
    assert "Nằm trong giờ không phát 21:00–05:00: chỉ bản tin khẩn cấp được phát." in later
    assert "12:30 ngày 21/11/2026 “Lịch tiêm chủng”" in later


def test_the_pages_are_linked(lan, daily):
    assert "/lich-phat/24-gio" in lan.get("/").text
    receiver = lan.get("/dau-thu/r-0000").text
    assert "/lich-phat/ngay?dau_thu=r-0000" in receiver
    assert "/vi-sao?dau_thu=r-0000" in receiver


def test_a_conflict_is_told_in_the_form_with_ways_out(hoa, database, cast, daily, approved):
    with database.write() as session:
        other = approved_bulletin(session, cast, title="Họp thôn Đông", ms=3 * MINUTE)
        rule = Rule(
            kind=Kind.DAILY,
            at=time(18),
            start_date=date(2026, 11, 21),
            area_ids=(cast.villages[0].id,),
        )
        schedules.add(session, other, cast.hoa, rule, now=NOON, zone=ZONE)
    form = {"kind": "daily", "at": "18:01", "start_date": "21/11/2026", "area_ids": cast.commune.id}
    answer = hoa.post(f"/ban-tin/{approved.id}/xem-truoc", data=form)
    page = words(answer)
    assert "Trùng giờ với lượt khác:" in page
    assert "Lượt này không phát , vì chờ “Họp thôn Đông” quá lâu" in page
    assert "tại 1 đầu thu: Cột r-0000." in page
    assert 'data-fill="at" data-value="17:59"' in answer.text
    assert 'data-leave-out="r-0000"' in answer.text
    assert "style=" not in answer.text


def test_nothing_is_told_where_nothing_meets(hoa, daily, cast, approved):
    form = {"kind": "daily", "at": "12:30", "start_date": "21/11/2026", "area_ids": cast.commune.id}
    page = words(hoa.post(f"/ban-tin/{approved.id}/xem-truoc", data=form))
    assert "Sẽ phát" in page
    assert "rùng giờ" not in page


def test_every_kind_of_thing_a_sentence_is_about_has_its_page(app):
    missing = {endpoint for endpoint, _, _ in why.PAGES.values()} - app.view_functions.keys()
    assert missing == set()
