"""The calendar: what it shows to whom, what a drag comes to, and that the gate of the forms decides."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from datetime import date, time

import pytest
import sqlalchemy as sa

from content.bulletins import Bulletin, Priority
from loa.staff import Staff
from loa.times import MINUTE
from scheduler import one_day, programme_acts, regulation, schedules
from scheduler.exceptions import Kind, Otherwise, ScheduleException
from scheduler.programme_checks import Line, Order
from scheduler.programmes import ItemKind, Programme
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Rule, Schedule
from scheduler.targets import Where
from tests.cast import NOON, ZONE, approved_bulletin
from tests.web.conftest import plan, words

WEEK = "?tu=2026-11-23&den=2026-11-30"
MONDAY = date(2026, 11, 23)


@pytest.fixture
def schedule(database, cast, approved) -> Schedule:
    """Every day at 17:00 in the whole commune."""
    return add(database, cast, approved)


def add(database, cast, bulletin, waived_why="", **fields) -> Schedule:
    usual = Rule(
        kind=schedules.Kind.DAILY, at=time(17), start_date=date(2026, 11, 21), area_ids=(cast.commune.id,)
    )  # fmt: skip
    with database.write() as session:
        found = session.get_one(Bulletin, bulletin.id)
        return schedules.add(
            session,
            found,
            cast.hoa,
            replace(usual, **fields),
            now=NOON,
            zone=ZONE,
            waived_why=waived_why,
        )


def add_programme(database, cast, waived_why="", **fields) -> Programme:
    usual = Order(
        name="Bản tin sáng", at=time(6), minutes=15, rule="FREQ=DAILY", start_date=date(2026, 11, 22),
        where=Where((cast.commune.id,)), lines=(Line(ItemKind.BULLETIN, 1),),
    )  # fmt: skip
    with database.write() as session:
        return programme_acts.add(
            session, cast.hoa, replace(usual, **fields), now=NOON, zone=ZONE, waived_why=waived_why
        )


def put_in_force(database) -> None:
    """A session at 17:00; outside of it a reason is asked for."""
    slot = Slot(key="chieu", name="Chiều", start="17:00", minutes=15)
    rules = Rulebook(slots=(slot,), outside="reason")
    quiet = [regulation.parse_quiet("21:00-05:00")]
    with database.write() as session:
        regulation.add(session, None, quiet, rules, since=NOON, now=NOON)


def feed(client, span=WEEK):
    return client.get(f"/lich-phat/lich/du-lieu{span}").json


def starts(client, span=WEEK):
    return [each["start"] for each in feed(client, span)["events"]]


def on(schedule, day=MONDAY):
    return f"/lich-phat/lich/mot-lich/{schedule.id}/{day}"


def version(client, schedule, day=MONDAY):
    events = feed(client)["events"]
    return next(each["version"] for each in events if each["panel"] == on(schedule, day))


def move(client, schedule, day=MONDAY, act="doi", **fields):
    usual = {
        "version": version(client, schedule, day), "scope": "one", "to_day": f"{day:%d/%m/%Y}", "to_time": "18:00",
    }  # fmt: skip
    return client.post(f"{on(schedule, day)}/{act}", data={**usual, **fields})


def hidden(answer) -> dict[str, str]:
    """What the button that takes it back sends."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))


def undo(client, answer):
    address = re.search(r'hx-post="([^"]+)"', answer.text)[1]
    return client.post(address, data=hidden(answer))


# -- shown ----------------------------------------------------------------------------------------


def test_it_shows_each_occurrence_by_the_stations_clock(hoa, schedule):
    assert starts(hoa) == [f"2026-11-{day}T17:00:00" for day in range(23, 30)]
    first = feed(hoa)["events"][0]
    assert (first["title"], first["fixed"], first["end"]) == (
        "Lịch tiêm chủng", "", "2026-11-23T17:00:30",
    )  # fmt: skip


def test_it_shows_quiet_hours_and_sessions_behind(hoa, database, cast):
    put_in_force(database)
    found = feed(hoa)
    spans = [(each["start"], each["end"]) for each in found["quiet"]]
    assert ("2026-11-23T21:00:00", "2026-11-24T05:00:00") in spans
    assert spans[0] == (
        "2026-11-23T00:00:00",
        "2026-11-23T05:00:00",
    )  # cut at the edge of what is shown
    assert found["sessions"][0] == {
        "title": "Chiều", "start": "2026-11-23T17:00:00", "end": "2026-11-23T17:15:00"
    }  # fmt: skip


def test_it_says_what_day_it_is_by_the_moon_and_names_holidays(hoa, cast):
    days = feed(hoa, "?tu=2026-12-07&den=2026-12-14")["days"]
    assert days["2026-12-09"] == {"moon": "1/11", "mark": "mùng 1 tháng 11", "name": ""}
    assert days["2026-12-10"]["moon"] == "2"
    assert feed(hoa, "?tu=2027-01-01&den=2027-01-02")["days"]["2027-01-01"]["name"]


def test_it_is_only_looked_at_by_who_may_not_schedule(lan, schedule):
    assert {each["fixed"] for each in feed(lan)["events"]} == {"Bạn chỉ được xem lượt này."}
    panel = lan.get(on(schedule))
    assert "Bạn chỉ được xem lịch." in words(panel)
    assert "Bỏ lần này" not in panel.text


def test_it_shows_a_person_of_one_area_only_what_is_heard_there(database, cast, approved, sign_in):
    schedule = add(database, cast, approved, area_ids=(cast.villages[0].id,))
    with database.write() as session:
        session.get_one(Schedule, schedule.id).staff_id = cast.minh.id  # of the whole commune
        for person, village in ((cast.hoa, 0), (cast.lan, 1)):
            session.get_one(Staff, person.id).area_id = cast.villages[village].id
    assert starts(sign_in(cast.lan)) == []
    seen = feed(sign_in(cast.hoa))["events"]
    assert len(seen) == 7
    assert {each["fixed"] for each in seen} == {"Bạn chỉ được xem lượt này."}
    assert "Bỏ lần này" not in sign_in(cast.hoa).get(on(schedule)).text
    assert sign_in(cast.lan).get(on(schedule)).status_code == 404


def test_what_is_over_is_told_by_its_broadcast(hoa, database, cast, broadcast, clock):
    clock.move(60 * MINUTE)
    (event,) = feed(hoa, "?tu=2026-11-21&den=2026-11-22")["events"]
    assert event["panel"] == f"/lich-phat/lich/luot/{broadcast.id}"
    assert "qua" in event["fixed"]
    assert "Mở lượt phát" in words(hoa.get(event["panel"]))


def test_a_programme_is_one_run_as_long_as_its_time(hoa, database, cast, approved):
    add_programme(database, cast)
    first = feed(hoa)["events"][0]
    assert (first["start"], first["end"]) == ("2026-11-23T06:00:00", "2026-11-23T06:15:00")
    assert first["stretches"]


def test_it_refuses_a_span_of_years(hoa, cast):
    answer = hoa.get("/lich-phat/lich/du-lieu?tu=2026-01-01&den=2027-01-01")
    assert answer.status_code == 400
    assert "từ 1 đến 62 ngày" in words(answer)


def test_the_page_has_the_same_as_a_list(hoa, schedule):
    page = words(hoa.get("/lich-phat/lich?ngay=2026-11-25"))
    assert "7 lượt" in page
    assert "thứ Tư, 25/11/2026" in page


# -- one day --------------------------------------------------------------------------------------


def test_it_moves_one_day_and_takes_it_back(hoa, schedule):
    answer = move(hoa, schedule, to_day="24/11/2026")
    assert "Đã dời “Lịch tiêm chủng” sang 18:00 thứ Ba, 24/11/2026." in words(answer)
    assert answer.headers["HX-Trigger"] == "lichDoi"
    assert starts(hoa)[:2] == ["2026-11-24T17:00:00", "2026-11-24T18:00:00"]
    assert undo(hoa, answer).status_code == 200
    assert starts(hoa)[0] == "2026-11-23T17:00:00"


def test_taken_back_twice_moved_it_is_where_it_was_first_moved_to(hoa, schedule):
    move(hoa, schedule)
    answer = move(hoa, schedule, to_time="19:00")
    assert starts(hoa)[0] == "2026-11-23T19:00:00"
    undo(hoa, answer)
    assert starts(hoa)[0] == "2026-11-23T18:00:00"


def test_it_skips_one_day_and_takes_it_back(hoa, schedule):
    answer = hoa.post(f"{on(schedule)}/bo", data={"version": version(hoa, schedule)})
    first = feed(hoa)["events"][0]
    assert (first["badge"], first["note"]) == ("không phát", "đã bỏ lượt này")
    assert "Phát lại theo lịch" in hoa.get(on(schedule)).text
    undo(hoa, answer)
    assert feed(hoa)["events"][0]["badge"] == ""


def test_a_planned_run_that_is_skipped_is_told_so_before_the_planner_comes(hoa, database, schedule):
    with database.write() as session:
        plan(session, NOON)
    day = date(2026, 11, 22)
    seen = feed(hoa, "?tu=2026-11-22&den=2026-11-23")["events"][0]
    hoa.post(f"{on(schedule, day)}/bo", data={"version": seen["version"]})
    (event,) = feed(hoa, "?tu=2026-11-22&den=2026-11-23")["events"]
    assert event["badge"] == "không phát"


def test_quiet_hours_refuse_it_and_nothing_is_kept(hoa, database, schedule):
    tried = move(hoa, schedule, act="xem", to_time="22:00")
    assert tried.headers["HX-Trigger"] == "lichTuChoi"
    assert "giờ không phát" in words(tried)
    answer = move(hoa, schedule, to_time="22:00")
    assert answer.status_code == 400
    assert "giờ không phát" in words(answer)
    with database.read() as session:
        assert session.scalars(sa.select(ScheduleException)).all() == []


def test_looking_first_keeps_nothing(hoa, database, schedule):
    tried = move(hoa, schedule, act="xem")
    assert "Lần này sẽ phát lúc 18:00 thứ Hai, 23/11/2026" in words(tried)
    assert "HX-Trigger" not in tried.headers
    with database.read() as session:
        assert session.scalars(sa.select(ScheduleException)).all() == []


def test_what_it_would_silence_must_have_been_seen(hoa, database, cast, schedule):
    with database.write() as session:
        other = approved_bulletin(
            session, cast, title="Họp thôn", ms=20 * MINUTE, priority=Priority.PRIORITY
        )
    add(database, cast, other, at=time(18, 0))
    tried = move(hoa, schedule, act="xem", to_time="18:05")
    assert "Trùng giờ với lượt khác" in words(tried)
    assert "Họp thôn" in words(tried)
    assert move(hoa, schedule, to_time="18:05").status_code == 400
    assert move(hoa, schedule, to_time="18:05", seen="y").status_code == 200


def test_what_needs_a_reason_asks_for_it(hoa, database, schedule):
    put_in_force(database)
    tried = move(hoa, schedule, act="xem")
    assert "nằm ngoài các khung giờ" in words(tried)
    assert 'name="waived_why"' in tried.text
    assert move(hoa, schedule).status_code == 400
    assert move(hoa, schedule, waived_why="Trạm y tế nhờ").status_code == 200


# -- somebody else --------------------------------------------------------------------------------


def test_what_another_changed_meanwhile_is_not_moved_unseen(hoa, minh, database, schedule):
    seen = version(hoa, schedule)
    assert move(minh, schedule, to_time="19:00").status_code == 200
    panel = hoa.get(f"{on(schedule)}?ban={seen}&luc=2026-11-23T18:00")
    assert "vừa được người khác sửa" in words(panel)
    assert panel.headers["HX-Trigger"] == "lichCu"
    assert 'value="19:00"' in panel.text
    answer = move(hoa, schedule, version=seen)
    assert answer.status_code == 400
    assert "Minh (12:00 ngày 21/11/2026) đã sửa trong khi bạn đang xem" in words(answer)
    assert starts(hoa)[0] == "2026-11-23T19:00:00"


def test_what_another_changed_since_is_not_taken_back(hoa, minh, schedule):
    answer = move(hoa, schedule)
    assert move(minh, schedule, to_time="19:00").status_code == 200
    refused = undo(hoa, answer)
    assert refused.status_code == 400
    assert "không hoàn tác được" in words(refused)


def test_a_day_that_the_series_no_longer_has_is_told(hoa, minh, database, cast, approved):
    once = add(database, cast, approved, kind=schedules.Kind.ONCE, start_date=MONDAY)
    seen = version(hoa, once)
    assert move(minh, once, to_day="25/11/2026").status_code == 200
    panel = hoa.get(on(once))
    assert (panel.status_code, panel.headers["HX-Trigger"]) == (200, "lichCu")
    assert "không có lượt nào vào ngày 23/11/2026" in words(panel)
    assert hoa.post(f"{on(once)}/bo", data={"version": seen}).status_code == 404


# -- the whole series -----------------------------------------------------------------------------


def test_it_moves_the_whole_series_and_takes_it_back(hoa, schedule):
    answer = move(hoa, schedule, scope="all")
    assert "Đã đổi cả lịch “Lịch tiêm chủng”: 18:00 hằng ngày" in words(answer)
    assert {each[11:] for each in starts(hoa)} == {"18:00:00"}
    assert undo(hoa, answer).status_code == 200
    assert {each[11:] for each in starts(hoa)} == {"17:00:00"}


def test_of_a_weekly_series_the_day_of_the_week_is_moved(hoa, database, cast, approved):
    weekly = add(database, cast, approved, kind=schedules.Kind.WEEKDAYS, weekdays=(0, 3))
    answer = move(hoa, weekly, scope="all", to_day="24/11/2026", to_time="17:00")
    assert [each[:10] for each in starts(hoa)] == ["2026-11-24", "2026-11-26"]
    undo(hoa, answer)
    assert [each[:10] for each in starts(hoa)] == ["2026-11-23", "2026-11-26"]
    refused = move(hoa, weekly, scope="all", to_day="26/11/2026")
    assert "đã phát vào thứ Năm hằng tuần" in words(refused)


def test_what_is_heard_once_is_moved_as_it_is(hoa, database, cast, approved):
    once = add(database, cast, approved, kind=schedules.Kind.ONCE, start_date=MONDAY)
    assert "Cả lịch" not in hoa.get(on(once)).text
    answer = move(hoa, once, to_day="25/11/2026")
    assert starts(hoa) == ["2026-11-25T18:00:00"]
    undo(hoa, answer)
    assert starts(hoa) == ["2026-11-23T17:00:00"]


def test_a_rule_by_the_moon_is_not_dragged_to_another_day(hoa, database, cast, approved):
    moon = add(
        database, cast, approved, kind=schedules.Kind.OTHER, recurs="RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=15"
    )  # fmt: skip
    day = date.fromisoformat(starts(hoa)[0][:10])
    refused = move(hoa, moon, day, scope="all", to_day="28/11/2026")
    assert "không kéo cả lịch sang ngày khác được" in words(refused)


def test_the_length_is_of_the_whole_series_alone(hoa, database, cast, approved):
    add_programme(database, cast)
    event = feed(hoa)["events"][0]
    data = {
        "version": event["version"],
        "to_day": "23/11/2026",
        "to_time": "06:00",
        "minutes": "30",
    }
    refused = hoa.post(f"{event['panel']}/doi", data={**data, "scope": "one"})
    assert "không đổi riêng một lần được" in words(refused)
    answer = hoa.post(f"{event['panel']}/doi", data={**data, "scope": "all"})
    assert answer.status_code == 200
    assert feed(hoa)["events"][0]["end"] == "2026-11-23T06:30:00"
    undo(hoa, answer)
    assert feed(hoa)["events"][0]["end"] == "2026-11-23T06:15:00"


def test_a_programme_is_moved_and_skipped_for_one_day(hoa, database, cast, approved):
    add_programme(database, cast)
    event = feed(hoa)["events"][0]
    data = {"version": event["version"], "scope": "one", "to_day": "23/11/2026", "to_time": "07:00"}
    answer = hoa.post(f"{event['panel']}/doi", data=data)
    assert starts(hoa)[0] == "2026-11-23T07:00:00"
    undo(hoa, answer)
    assert starts(hoa)[0] == "2026-11-23T06:00:00"
    event = feed(hoa)["events"][0]
    hoa.post(f"{event['panel']}/bo", data={"version": event["version"]})
    assert feed(hoa)["events"][0]["badge"] == "không phát"


# -- a new one ------------------------------------------------------------------------------------


def test_an_empty_place_offers_what_could_sound_then(hoa, approved):
    page = hoa.get("/lich-phat/lich/them?luc=2026-11-23T17:30")
    assert "Đặt lịch lúc 17:30 thứ Hai, 23/11/2026" in words(page)
    form = hoa.get(f"/ban-tin/{approved.id}/dat-lich?luc=2026-11-23T17:30").text
    assert 'value="17:30"' in form
    assert 'value="23/11/2026"' in form


def test_an_empty_place_in_quiet_hours_offers_nothing(hoa, approved):
    page = words(hoa.get("/lich-phat/lich/them?luc=2026-11-23T22:30"))
    assert "giờ không phát" in page
    assert approved.title not in page


def test_an_exception_made_elsewhere_is_shown(hoa, database, cast, schedule):
    with database.write() as session:
        moved = Otherwise(day=MONDAY, kind=Kind.MOVE, to_time=time(8))
        found = session.get_one(Schedule, schedule.id)
        one_day.make(session, found, cast.hoa, moved, now=NOON, zone=ZONE)
    first = feed(hoa)["events"][0]
    assert (first["start"], first["note"]) == ("2026-11-23T08:00:00", "dời từ lượt ngày 23/11")


# -- the page's files -----------------------------------------------------------------------------


def test_a_script_is_sent_packed_to_who_can_unpack_it(hoa):
    address = "/static/js/calendar.js"
    whole = hoa.get(address)
    packed = hoa.get(address, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in whole.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == whole.data
    again = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    assert hoa.get(address, headers=again).status_code == 304
    assert "Accept-Encoding" in whole.headers["Vary"]


def test_who_cannot_unpack_it_gets_it_as_it_is(hoa):
    small = hoa.get("/static/js/clock.js", headers={"Accept-Encoding": "br"})
    assert "Content-Encoding" not in small.headers
