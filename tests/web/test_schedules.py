from __future__ import annotations

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from content import bulletins
from content.bulletins import Draft, Priority
from content.parts import spoken
from devices import areas, receivers
from scheduler import targets
from scheduler.schedules import Kind, Schedule
from scheduler.targets import Where
from tests.cast import NOON, PASSWORD, approved_bulletin, vn
from tests.web.conftest import error_at, words
from web.schedules import places


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
    assert "17:00 ngày 21/11/2026 ; 17:00 ngày 22/11/2026" in told
    assert "rơi vào giờ không phát" in words(
        hoa.post(here + "/xem-truoc", data={**form, "at": "23:00"})
    )
    past = {**form, "kind": "once", "at": "08:00"}
    assert "Giờ này đã qua" in words(hoa.post(here + "/xem-truoc", data=past))
    assert not words(hoa.post(here + "/xem-truoc", data={**form, "at": ""}))
    assert not words(hoa.post(here + "/xem-truoc", data={**form, "kind": "weekdays"}))


def test_it_lets_an_emergency_into_the_quiet_hours(hoa, database, cast, form):
    with database.write() as session:
        urgent = approved_bulletin(session, cast, priority=Priority.EMERGENCY)
    assert (
        hoa.post(f"/ban-tin/{urgent.id}/dat-lich", data={**form, "at": "23:00"}).status_code == 302
    )


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
    monkeypatch.setattr("web.schedules.places", lambda session: [])
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
