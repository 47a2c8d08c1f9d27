from __future__ import annotations

import re
from datetime import date, time

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from content import bulletins
from content.bulletins import Draft, Priority
from content.parts import spoken
from devices import areas, receivers
from scheduler import regulation, schedules, targets
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Kind, Schedule
from scheduler.targets import Where
from tests.cast import NOON, PASSWORD, ZONE, approved_bulletin, vn
from tests.web.conftest import error_at, plan, words
from web import schedule_list
from web.where_form import places


@pytest.fixture
def form(approved, cast):
    return {"kind": "daily", "at": "17:00", "start_date": "21/11/2026", "end_date": "25/11/2026",
            "area_ids": str(cast.commune.id)}  # fmt: skip


@pytest.fixture
def here(approved):
    return f"/ban-tin/{approved.id}"


def found(database):
    with database.read() as session:
        return list(session.scalars(sa.select(Schedule)))


def test_it_schedules(hoa, database, form, here):
    assert hoa.post(here + "/dat-lich", data=form).location == here
    (schedule,) = found(database)
    assert (schedule.kind, str(schedule.at)) == (Kind.DAILY, "17:00:00")
    assert (str(schedule.start_date), str(schedule.end_date)) == ("2026-11-21", "2026-11-25")
    assert "17:00 hằng ngày, từ 21/11/2026 đến hết 25/11/2026" in words(hoa.get(here))


@pytest.mark.parametrize(
    "typed", ["17:00", "17h00", "17h", "1700", "17.00", "17", "17:", "17g00", "17 giờ"]
)
def test_it_understands_a_time_as_people_type_it(hoa, database, form, here, typed):
    hoa.post(here + "/dat-lich", data={**form, "at": typed})
    assert str(found(database)[0].at) == "17:00:00"


@pytest.mark.parametrize(
    "typed", ["22/11/2026", "22112026", "22-11-2026", "2026-11-22", "22.11.2026"]
)
def test_it_reads_the_day_before_the_month(hoa, database, form, here, typed):
    hoa.post(here + "/dat-lich", data={**form, "start_date": typed})
    assert str(found(database)[0].start_date) == "2026-11-22"


@pytest.mark.parametrize(
    ("typed", "at"), [("18", "18:00:00"), ("7", "07:00:00"), ("0730", "07:30:00")]
)
def test_an_hour_alone_is_that_hour(hoa, database, form, here, typed, at):
    hoa.post(here + "/dat-lich", data={**form, "at": typed})
    assert str(found(database)[0].at) == at


def test_it_says_when_and_where_it_will_sound(hoa, form, here, cast):
    hoa.post(here + "/dat-lich", data={**form, "kind": "once"})
    assert "Đã đặt lịch: 17:00 thứ Bảy 21/11/2026, xã Mẫu, 3 đầu thu." in words(hoa.get(here))
    places = [str(village.id) for village in cast.villages[:2]]
    hoa.post(here + "/dat-lich", data={**form, "area_ids": places})
    told = words(hoa.get(here))
    assert "hằng ngày, từ 21/11/2026 đến hết 25/11/2026, thôn Đông, thôn Đoài, 2 đầu thu." in told


@pytest.mark.browser
def test_an_hour_alone_is_completed_while_typing(page, served, here):
    page.goto(served + "/dang-nhap")
    page.fill("[name=login]", "hoa")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url(served + "/")
    page.goto(served + here + "/dat-lich")
    field = page.get_by_label("Giờ phát")
    for typed, shown in (("18", "18:00"), ("7", "07:00"), ("1705", "17:05"), ("25", "25:")):
        field.fill("")
        field.press_sequentially(typed)
        field.blur()
        expect(field).to_have_value(shown)


def test_it_forgets_what_does_not_belong_to_the_kind(hoa, database, form, here):
    hoa.post(
        here + "/dat-lich", data={**form, "kind": "once", "weekdays": ["1"], "end_date": "1/1/2030"}
    )
    schedule = found(database)[0]
    assert (str(schedule.end_date), schedule.days) == ("2026-11-21", ())


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("at", "22:30", "rơi vào giờ không phát 21:00–05:00"),
        ("at", "", "Hãy nhập giờ phát"),
        ("at", "25:00", "Hãy nhập giờ theo dạng giờ:phút"),
        ("start_date", "hôm nay", "Hãy nhập ngày theo dạng"),
        ("end_date", "20/11/2026", "đứng trước ngày bắt đầu"),
        ("area_ids", [], "Hãy chọn ít nhất một địa bàn"),
        ("kind", "lunar", "Lựa chọn này không có"),
    ],
)
def test_it_shows_a_refusal_at_its_field_and_keeps_the_rest(
    hoa, database, form, here, field, value, sentence
):
    answer = hoa.post(here + "/dat-lich", data={**form, field: value})
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)
    if field != "end_date":
        assert 'value="25/11/2026"' in answer.text
    if field not in ("area_ids",):
        assert f'value="{form["area_ids"]}" checked' in answer.text
    assert not found(database)


def test_it_wants_a_weekday(hoa, form, here):
    answer = hoa.post(here + "/dat-lich", data={**form, "kind": "weekdays"})
    assert "Hãy chọn ít nhất một thứ" in error_at(answer, "weekdays")


def test_it_starts_from_today_and_the_whole_commune(hoa, cast, here):
    page = hoa.get(here + "/dat-lich").text
    assert 'value="21/11/2026"' in page
    assert f'name="area_ids" value="{cast.commune.id}" checked' in page


def test_it_says_beforehand_when_it_would_sound(hoa, form, here):
    told = words(hoa.post(here + "/xem-truoc", data=form))
    assert "17:00 ngày 21/11/2026 thứ Bảy, 13 tháng 10 âm lịch 17:00 ngày 22/11/2026" in told
    assert "ngày lễ: Ngày Văn hóa Việt Nam" in told
    assert "rơi vào giờ không phát" in words(
        hoa.post(here + "/xem-truoc", data={**form, "at": "23:00"})
    )
    past = {**form, "kind": "once", "at": "08:00"}
    assert "Giờ này đã qua" in words(hoa.post(here + "/xem-truoc", data=past))
    assert not words(hoa.post(here + "/xem-truoc", data={**form, "at": ""}))
    assert not words(hoa.post(here + "/xem-truoc", data={**form, "kind": "weekdays"}))


def test_no_emergency_is_scheduled_or_broadcast_now(hoa, minh, database, cast, form):
    with database.write() as session:
        urgent = approved_bulletin(session, cast, priority=Priority.EMERGENCY)
    here = f"/ban-tin/{urgent.id}"
    for person in (hoa, minh):
        for door, values in (("dat-lich", form), ("phat-ngay", {"area_ids": cast.commune.id})):
            answer = person.post(f"{here}/{door}", data=values)
            assert answer.status_code == 400
            assert "Bản tin khẩn cấp phát từ trang Khẩn cấp" in words(answer)
            assert person.get(f"{here}/{door}").location == "/khan-cap"
    assert found(database) == []
    page = hoa.get(here)
    assert f'href="/khan-cap/moi?ban_tin={urgent.id}"' in page.text
    assert "/dat-lich" not in page.text
    assert "/phat-ngay" not in page.text


def test_a_schedule_that_has_an_emergency_is_not_moved(hoa, database, cast, form, here):
    with database.write() as session:
        urgent = approved_bulletin(session, cast, priority=Priority.EMERGENCY)
        rule = schedules.Rule(
            kind=schedules.Kind.DAILY, at=time(17), start_date=date(2026, 11, 21), area_ids=(cast.commune.id,)
        )  # fmt: skip
        old = schedules.add(session, urgent, cast.hoa, rule, now=NOON, zone=ZONE)
    answer = hoa.post(f"/lich-phat/{old.id}/sua", data={**form, "at": "23:15"})
    assert "phát từ trang Khẩn cấp" in words(answer)
    moved = hoa.post(f"/lich-phat/{old.id}/luot/2026-11-22/doi", data={"to_time": "03:15"})
    assert "phát từ trang Khẩn cấp" in words(moved)
    assert found(database)[0].at == time(17)


def test_what_is_scheduled_is_not_made_an_emergency(hoa, database, cast, form, here):
    assert hoa.post(here + "/dat-lich", data=form).status_code == 302
    values = {"title": "Lũ về", "field": "1", "priority": "emergency", "version": "1", "parts-0-was": "0",
              "parts-0-kind": "text", "parts-0-body": "Lũ về.", "parts-0-speed": "150"}  # fmt: skip
    answer = hoa.post(here + "/sua", data=values)
    assert answer.status_code == 400
    assert "đang có lịch phát" in words(answer)


def test_it_broadcasts_now(hoa, database, cast, here):
    page = hoa.get(here + "/phat-ngay")
    assert "Loa sẽ cất tiếng sau vài giây" in words(page)
    assert (
        hoa.post(here + "/phat-ngay", data={"area_ids": str(cast.villages[0].id)}).location == "/"
    )
    (schedule,) = found(database)
    assert schedule.is_now
    assert [target.area_id for target in schedule.targets] == [cast.villages[0].id]


def test_it_broadcasts_nothing_now_that_is_not_approved_or_in_quiet_hours(
    hoa, database, cast, here, clock
):
    with database.write() as session:
        draft = bulletins.write(session, cast.hoa, Draft(title="Nháp", parts=spoken("Nháp.")), NOON)
    places = {"area_ids": str(cast.commune.id)}
    answer = hoa.post(f"/ban-tin/{draft.id}/phat-ngay", data=places)
    assert answer.status_code == 400
    assert "Chỉ phát ngay được bản tin đã duyệt" in words(answer)
    clock.now = vn("2026-11-21 22:00")
    answer = hoa.post(here + "/phat-ngay", data=places)
    assert "rơi vào giờ không phát" in words(answer)
    assert not found(database)


def test_it_lists_what_runs_and_what_is_over(hoa, lan, database, form, here, clock):
    assert "Không có lịch nào đang chờ phát" in words(hoa.get("/lich-phat"))
    hoa.post(here + "/dat-lich", data=form)
    told = words(hoa.get("/lich-phat"))
    assert "Lượt tới: 17:00 ngày 21/11/2026" in told
    assert "xã Mẫu" in told
    assert "Kết thúc lịch này" in told
    assert "Đặt lịch cho một bản tin" in told
    assert "Đặt lịch cho một bản tin" not in words(lan.get("/lich-phat"))
    assert "Kết thúc lịch này" not in words(lan.get("/lich-phat"))
    clock.now = vn("2026-11-26 08:00")
    assert "Lịch đã xong hoặc đã kết thúc (1)" in words(hoa.get("/lich-phat"))


@pytest.fixture
def two_schedules(hoa, database, cast, form, here):
    """“Lịch tiêm chủng” at 17:00 in the whole commune, “Họp thôn” at 18:00 in one village."""
    hoa.post(here + "/dat-lich", data=form)
    with database.write() as session:
        other = approved_bulletin(session, cast, title="Họp thôn")
    places = {"area_ids": str(cast.villages[1].id), "at": "18:00"}
    hoa.post(f"/ban-tin/{other.id}/dat-lich", data={**form, **places})


def _titles(client, asked: str) -> list[str]:
    page = client.get(f"/lich-phat?{asked}").text
    return re.findall(r'<b><a href="/lich-phat/\d+">([^<]+)</a></b>', page)


@pytest.mark.parametrize("sought", ["hop", "họp thôn", "doai", "Đoài"])
def test_it_finds_schedules_by_bulletin_and_place_with_marks_and_without(
    hoa, two_schedules, sought
):
    assert _titles(hoa, f"tim={sought}") == ["Họp thôn"]


def test_it_says_when_no_schedule_is_found_and_how_to_see_them_again(hoa, two_schedules):
    page = hoa.get("/lich-phat?tim=khong-co")
    assert "Không có lịch phát nào như vậy" in words(page)
    assert 'href="/lich-phat"' in page.text
    assert "Không có lịch phát nào như vậy" in words(hoa.get("/lich-phat?tinh_trang=xong"))


def test_it_sorts_schedules_as_asked(hoa, two_schedules):
    assert _titles(hoa, "") == ["Lịch tiêm chủng", "Họp thôn"]
    assert _titles(hoa, "xep=-gio") == ["Họp thôn", "Lịch tiêm chủng"]
    assert _titles(hoa, "xep=ten") == ["Họp thôn", "Lịch tiêm chủng"]


def test_it_shows_schedules_a_page_at_a_time_and_keeps_the_filter(hoa, two_schedules, monkeypatch):
    monkeypatch.setattr(schedule_list, "PER_PAGE", 1)
    page = hoa.get("/lich-phat?xep=ten&trang=2")
    assert _titles(hoa, "xep=ten&trang=2") == ["Lịch tiêm chủng"]
    assert "Trang 2/2" in words(page)
    assert "/lich-phat?trang=1&amp;xep=ten" in page.text


def test_it_gives_the_schedules_of_the_filter_as_a_file(hoa, two_schedules, clock):
    file = hoa.get("/lich-phat.csv?tim=hop").data.decode("utf-8-sig").splitlines()
    assert file[0] == "Bản tin,Khi nào,Nơi phát,Lượt tới,Tình trạng,Người đặt"
    assert len(file) == 2
    assert file[1].startswith("Họp thôn,")
    assert "thôn Đoài,18:00 ngày 21/11/2026,sắp phát,Hoa" in file[1]
    hoa.set_cookie("loa-lang", "en")
    assert hoa.get("/lich-phat.csv?tim=hop").data.decode("utf-8-sig").splitlines() == file


def test_what_is_over_is_listed_when_asked_for(hoa, two_schedules, clock):
    clock.now = vn("2026-11-26 08:00")
    assert _titles(hoa, "") == []
    assert _titles(hoa, "tinh_trang=xong&xep=ten") == ["Họp thôn", "Lịch tiêm chủng"]
    assert _titles(hoa, "tinh_trang=tat-ca&xep=ten") == ["Họp thôn", "Lịch tiêm chủng"]


def test_it_warns_of_a_schedule_whose_bulletin_is_not_approved(
    hoa, database, cast, approved, form, here
):
    hoa.post(here + "/dat-lich", data=form)
    with database.write() as session:
        bulletin = bulletins.get(session, approved.id)
        draft = Draft(title="Khác", parts=spoken("Khác."))
        bulletins.edit(session, bulletin, cast.hoa, draft, NOON)
    assert "chưa duyệt thì không phát" in words(hoa.get("/lich-phat"))


def test_it_ends_a_schedule_after_asking(hoa, database, form, here):
    hoa.post(here + "/dat-lich", data=form)
    where = f"/lich-phat/{found(database)[0].id}/ket-thuc"
    assert "Kết thúc lịch phát này?" in words(hoa.get(where))
    assert found(database)[0].ended_at is None
    assert hoa.post(where).location == "/lich-phat"
    assert found(database)[0].ended_at == NOON


def test_places_count_the_receivers_below_them(database, cast):
    with database.write() as session:
        areas.add(session, name="Xóm Trại", level="xóm", parent=cast.villages[0], now=NOON, by="t")
        found = [(p.area.name, p.depth, p.receivers) for p in places(session)]
    assert found == [
        ("Mẫu", 0, 3),
        ("Bãi", 1, 1),
        ("Đoài", 1, 1),
        ("Đông", 1, 1),
        ("Xóm Trại", 2, 0),
    ]


def test_it_says_what_is_missing_before_one_can_schedule(
    app, hoa, admin, approved, monkeypatch, here
):
    monkeypatch.setattr("web.where_form.places", lambda session: [])
    assert "Đài chưa có địa bàn nào" in words(hoa.get(here + "/dat-lich"))
    assert "Thêm địa bàn" in words(admin.get(here + "/dat-lich"))


def test_what_stands_beside_a_place_is_what_a_broadcast_there_reaches(database, cast):
    with database.write() as session:
        receivers.get(session, "r-0000").confirmed_at = None
        receivers.retire(session, receivers.get(session, "r-0001"), now=NOON, by="test")
    with database.read() as session:
        for place in places(session):
            assert place.receivers == targets.count(session, Where((place.area.id,)))
        assert places(session)[0].receivers == 1


# -- other ways to repeat -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "stored"),
    [
        ({"other": "moon", "moon_days": "mùng 1, rằm", "leap_months": "y"},
         "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=1,15"),
        ({"other": "moon", "moon_days": "15"},
         "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYMONTHDAY=15"),
        ({"other": "moon", "moon_days": "30", "leap_months": "y"},
         "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=30;SKIP=BACKWARD"),
        ({"other": "moon_year", "moon_day": "10/3"}, "RSCALE=VIETNAMESE;FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=10"),
        ({"other": "moon_year", "moon_day": "cuối/12"}, "RSCALE=VIETNAMESE;FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=-1"),
        ({"other": "month_days", "month_days": "15, 1 và cuối"}, "FREQ=MONTHLY;BYMONTHDAY=1,15,-1"),
        ({"other": "nth", "nth": "-1", "nth_day": "4", "interval": "3"}, "FREQ=MONTHLY;INTERVAL=3;BYDAY=-1FR"),
        ({"other": "days", "interval": "3"}, "FREQ=DAILY;INTERVAL=3"),
        ({"other": "weeks", "interval": "2", "weekdays": ["0", "5"]}, "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SA"),
        ({"other": "year", "year_day": "2/9"}, "FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=2"),
    ],
)  # fmt: skip
def test_it_keeps_every_way_to_repeat_and_shows_it_again(hoa, database, form, here, fields, stored):
    sent = {**form, "kind": "other", "end_date": "", **fields}
    assert hoa.post(here + "/dat-lich", data=sent).status_code == 302
    (schedule,) = found(database)
    assert schedule.rule == stored
    page = hoa.get(f"/lich-phat/{schedule.id}/sua").text
    again = {name: value for name, value in sent.items() if name != "end_date"}
    assert hoa.post(f"/lich-phat/{schedule.id}/sua", data=again).status_code == 302
    assert found(database)[0].rule == stored
    for name, value in fields.items():
        if name not in ("moon_days", "month_days", "weekdays", "leap_months", "moon_day"):
            assert f'value="{value}"' in page, name


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"other": "moon", "moon_days": "31"}, "moon_days", "số từ 1 đến 30"),
        ({"other": "moon", "moon_days": ""}, "moon_days", "ít nhất một ngày"),
        ({"other": "moon_year", "moon_day": "rằm"}, "moon_day", "ngày/tháng"),
        ({"other": "year", "year_day": "30/2"}, "year_day", "không có ngày 30"),
        ({"other": "year", "year_day": "1/13"}, "year_day", "ngày/tháng"),
        ({"other": "days", "interval": "0"}, "interval", "từ 1 đến 366"),
        ({"other": "weeks", "interval": "2"}, "weekdays", "ít nhất một thứ"),
        ({"other": "month_days", "month_days": "đầu"}, "month_days", "Không hiểu ngày"),
    ],
)
def test_it_refuses_a_repetition_at_its_field(hoa, database, form, here, fields, field, sentence):
    answer = hoa.post(here + "/dat-lich", data={**form, "kind": "other", **fields})
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)
    assert not found(database)


def test_it_previews_lunar_days_with_their_kind_of_day(hoa, form, here):
    sent = {**form, "kind": "other", "other": "moon", "moon_days": "1, 15", "end_date": "",
            "leap_months": "y"}  # fmt: skip
    told = words(hoa.post(here + "/xem-truoc", data=sent))
    assert "17:00 ngày 23/11/2026 thứ Hai, rằm tháng 10 âm lịch" in told
    sent = {**form, "skips": ["holiday"]}
    told = words(hoa.post(here + "/xem-truoc", data=sent))
    assert "Lịch này không phát vào ngày lễ (Ngày Văn hóa Việt Nam)" in told


def test_it_offers_the_sessions_of_the_station(hoa, database, form, here):
    evening = Slot(key="c", name="Chiều", start="17:15", minutes=45)
    with database.write() as session:
        regulation.at(session, NOON).rules = Rulebook(slots=(evening,), outside="reason")
    page = hoa.get(here + "/dat-lich").text
    assert '<option value="17:15">Chiều, 45 phút</option>' in page
    assert 'data-fill="at" data-value="17:15"' in page


def test_it_asks_for_a_reason_where_the_regulation_wants_one(hoa, database, form, here):
    evening = Slot(key="c", name="Chiều", start="17:15", minutes=45)
    with database.write() as session:
        regulation.at(session, NOON).rules = Rulebook(slots=(evening,), outside="reason")
    assert 'name="waived_why"' not in hoa.get(here + "/dat-lich").text
    assert "Vẫn đặt được nếu ghi lý do" in words(hoa.post(here + "/xem-truoc", data=form))
    answer = hoa.post(here + "/dat-lich", data=form)
    assert answer.status_code == 400
    assert "nằm ngoài các khung giờ" in error_at(answer, "waived_why")
    sent = {**form, "waived_why": "Theo công văn 12"}
    assert hoa.post(here + "/dat-lich", data=sent).status_code == 302
    (schedule,) = found(database)
    assert (schedule.waived, schedule.waived_why) == (["outside"], "Theo công văn 12")
    page = words(hoa.get(f"/lich-phat/{schedule.id}"))
    assert "Phát ngoài quy chế Theo công văn 12" in page


def test_what_would_silence_another_must_have_been_seen(hoa, database, cast, form, here):
    with database.write() as session:
        long = approved_bulletin(session, cast, title="Dài", ms=600_000)
    hoa.post(f"/ban-tin/{long.id}/dat-lich", data=form)
    answer = hoa.post(here + "/dat-lich", data={**form, "at": "17:05"})
    assert answer.status_code == 400
    assert "trùng giờ" in error_at(answer, "seen")
    assert len(found(database)) == 1
    assert (
        hoa.post(here + "/dat-lich", data={**form, "at": "17:05", "seen": "y"}).status_code == 302
    )
    assert len(found(database)) == 2


# -- the page of a schedule, and changing it ------------------------------------------------------


@pytest.fixture
def scheduled(hoa, database, form, here):
    hoa.post(here + "/dat-lich", data=form)
    return f"/lich-phat/{found(database)[0].id}"


def test_it_changes_the_same_schedule_and_keeps_what_was_done(hoa, minh, database, form, scheduled):
    page = hoa.get(scheduled + "/sua").text
    assert 'value="17:00"' in page
    assert 'value="25/11/2026"' in page
    answer = minh.post(scheduled + "/sua", data={**form, "at": "18:00", "resumes": "y"})
    assert answer.location == scheduled
    (schedule,) = found(database)
    assert (str(schedule.at), schedule.resumes) == ("18:00:00", True)
    told = words(minh.get(scheduled))
    assert "Đã sửa lịch: 18:00 hằng ngày" in told
    assert "Minh sửa lịch" in told
    assert "giờ phát: 17:00 → 18:00" in told
    assert "Hoa đặt lịch" in told


def test_another_time_of_one_that_was_heard_today_says_that_it_is_heard_again(
    hoa, database, form, scheduled, clock
):
    with database.write() as session:
        plan(session, NOON)
    clock.now = vn("2026-11-21 17:02")
    hoa.post(scheduled + "/sua", data={**form, "at": "17:20"})
    told = words(hoa.get(scheduled))
    assert "hôm nay lịch này đã phát lúc 17:00 và sẽ phát lần nữa lúc 17:20" in told
    assert "hãy bỏ lượt hôm nay" in told


def test_saving_without_a_change_says_so(hoa, database, form, scheduled):
    assert hoa.post(scheduled + "/sua", data=form).location == scheduled
    assert "Không có gì thay đổi." in words(hoa.get(scheduled))


def test_a_change_is_refused_at_its_field(hoa, database, form, scheduled):
    answer = hoa.post(scheduled + "/sua", data={**form, "at": "03:15"})
    assert answer.status_code == 400
    assert "giờ không phát" in error_at(answer, "at")
    assert str(found(database)[0].at) == "17:00:00"
    told = words(hoa.post(scheduled + "/xem-truoc", data={**form, "at": "18:00"}))
    assert "18:00 ngày 21/11/2026" in told


def test_its_page_shows_what_is_coming_to_all_and_acts_to_those_who_may(hoa, lan, scheduled):
    told = words(hoa.get(scheduled))
    assert told.count("âm lịch") == 5
    assert "17:00 ngày 24/11/2026 thứ Ba, rằm" not in told
    assert "Bỏ lượt này" in told
    assert "Bỏ lượt này" not in words(lan.get(scheduled))
    assert "17:00 ngày 25/11/2026" in words(lan.get(scheduled))


def test_an_ended_schedule_says_so_and_offers_nothing(hoa, scheduled, form):
    hoa.post(scheduled + "/ket-thuc")
    told = words(hoa.get(scheduled))
    assert "Lịch này đã kết thúc" in told
    assert "Sửa lịch" not in told
    assert "Hoa kết thúc lịch" in told
    assert "đã kết thúc nên không sửa được" in words(hoa.post(scheduled + "/sua", data=form))


def test_one_that_is_not_there_is_said_to_be_missing(hoa):
    assert "Không tìm thấy lịch phát này" in words(hoa.get("/lich-phat/99"))


def test_it_hands_out_a_calendar_file(hoa, scheduled):
    answer = hoa.get("/lich-phat.ics")
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.text.startswith("BEGIN:VCALENDAR")
    assert "RRULE:FREQ=DAILY;UNTIL=20261125T100000Z" in answer.text


@pytest.mark.browser
def test_the_form_shows_the_fields_of_the_way_chosen_and_takes_a_session(
    page, served, database, here
):
    evening = Slot(key="c", name="Chiều", start="17:15", minutes=45)
    with database.write() as session:
        regulation.at(session, NOON).rules = Rulebook(slots=(evening,))
    page.goto(served + "/dang-nhap")
    page.fill("[name=login]", "hoa")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url(served + "/")
    page.goto(served + here + "/dat-lich")
    expect(page.get_by_label("Các ngày âm lịch")).to_be_hidden()
    page.get_by_label("khác…").check()
    expect(page.get_by_label("Các ngày âm lịch")).to_be_visible()
    expect(page.get_by_label("Các ngày trong tháng")).to_be_hidden()
    page.get_by_label("Cách lặp").select_option("weeks")
    expect(page.get_by_label("Các ngày âm lịch")).to_be_hidden()
    expect(page.get_by_label("T2", exact=True)).to_be_visible()
    page.get_by_label("Cách lặp").select_option("moon")
    page.get_by_role("button", name="17:15").click()
    expect(page.get_by_label("Giờ phát")).to_have_value("17:15")
    expect(page.locator("#xem-truoc")).to_contain_text("17:15 ngày 23/11/2026")
    expect(page.locator("#xem-truoc")).to_contain_text("rằm tháng 10 âm lịch")


def test_what_another_changed_meanwhile_is_not_written_over_unseen(hoa, minh, database, form, here):
    hoa.post(here + "/dat-lich", data=form)
    page = f"/lich-phat/{found(database)[0].id}/sua"
    version = re.search(r'name="version"[^>]*value="([^"]+)"', hoa.get(page).text)[1]
    minh.post(page, data={**form, "at": "18:00"})
    answer = hoa.post(page, data={**form, "at": "16:30", "version": version})
    assert answer.status_code == 400
    assert "Minh (12:00 ngày 21/11/2026) đã sửa trong khi trang này đang mở: Giờ phát." in words(answer)  # fmt: skip
    assert 'value="16:30"' in answer.text
    assert str(found(database)[0].at) == "18:00:00"
    version = re.search(r'name="version"[^>]*value="([^"]+)"', answer.text)[1]
    hoa.post(page, data={**form, "at": "16:30", "version": version})
    assert str(found(database)[0].at) == "16:30:00"
