"""Schedules from a spreadsheet or a calendar: the form's own rules line by line, and nothing twice."""

from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from content.relays import Stream
from devices import areas, groups
from loa import audit
from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import NotAllowed, ScheduleError
from loa.times import MINUTE, SECOND, after
from scheduler import (
    calendar_file,
    calendar_read,
    one_day,
    recurrence,
    regulation,
    repeat_words,
    schedule_import,
    schedule_rows,
    schedules,
)
from scheduler.exceptions import Kind as OddKind
from scheduler.exceptions import Otherwise
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedule_lines import Plan, State
from scheduler.schedule_rows import Unread
from scheduler.schedules import Kind, Rule, Schedule
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn

HEAD = "bản tin;giờ;lặp lại;ngày bắt đầu;ngày kết thúc;nơi phát;số phút;lý do\n"
QUIET = [regulation.parse_quiet("21:00-05:00")]
EVENING = Slot(key="chieu", name="Chiều", start="17:00", minutes=15)


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    found = settle_in(session)
    regulation.set_quiet(session, None, QUIET, NOON)
    approved_bulletin(session, found)
    stream = Stream("https://stream.example.vn/tinh.mp3", ms=30 * MINUTE)
    approved_bulletin(session, found, title="Tiếp sóng đài tỉnh", relay=stream)
    groups.add(session, "Trường học", ["r-0001"], now=NOON, by="test")
    return found


def look(session: Session, cast: Cast, text: str, *, head: str = HEAD, why: str = "", staff=None) -> Plan:  # fmt: skip
    is_calendar = text.startswith("BEGIN:VCALENDAR")
    wishes = calendar_read.read(text, ZONE) if is_calendar else schedule_rows.read(head + text)
    return schedule_import.look_at(
        session, staff or cast.hoa, wishes, now=NOON, zone=ZONE, waived_why=why
    )


def bring_in(session: Session, cast: Cast, text: str, **more: str) -> list[Schedule]:
    plan = look(session, cast, text, **more)
    return schedule_import.bring_in(session, plan, cast.hoa, now=NOON)


def states(plan: Plan) -> list[str]:
    return [line.state.value for line in plan.lines]


def only(plan: Plan) -> str:
    (line,) = plan.lines
    return line.why


def event(*lines: str, title: str = "Lịch tiêm chủng", where: str = "xã Mẫu") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"SUMMARY:{title}", f"LOCATION:{where}", *lines, "END:VEVENT", ""])  # fmt: skip


def calendar(*events: str) -> str:
    return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + "".join(events) + "END:VCALENDAR\r\n"


# -- a spreadsheet --------------------------------------------------------------------------------

WEEK = """\
Lịch tiêm chủng;17:00;thứ 2,4,6;23/11/2026;31/12/2026;thôn Đông | thôn Đoài;;
1;06:05;hằng ngày;;;xã Mẫu;;
tiep song dai tinh;05:30;T2-T6;01/12/2026;;xa mau;15;
Lịch tiêm chủng;17h30;rằm, mùng một;;;nhóm Trường học;;
Lịch tiêm chủng;18;một lần;05/12/2026;;trường học;;
"""


def test_a_week_comes_in_as_it_was_written_and_never_twice(session, cast):
    made = bring_in(session, cast, WEEK)
    told = [(s.bulletin_id, s.at, s.rule, s.start_date, s.end_date, s.minutes) for s in made]
    assert told == [
        (1, time(17), "FREQ=WEEKLY;BYDAY=MO,WE,FR", date(2026, 11, 23), date(2026, 12, 31), 0),
        (1, time(6, 5), "FREQ=DAILY", date(2026, 11, 21), None, 0),
        (2, time(5, 30), "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", date(2026, 12, 1), None, 15),
        (1, time(17, 30), "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=1,15", date(2026, 11, 21), None, 0),
        (1, time(18), "", date(2026, 12, 5), date(2026, 12, 5), 0),
    ]  # fmt: skip
    wheres = [(s.where.area_ids, s.where.group_ids) for s in made]
    assert wheres == [((2, 3), ()), ((1,), ()), ((1,), ()), ((), (1,)), ((), (1,))]
    kinds = sa.select(sa.func.count()).where(AuditEntry.kind == "schedule.add")
    assert session.scalar(kinds) == 5
    again = look(session, cast, WEEK)
    assert states(again) == ["same"] * 5
    assert again.lines[0].why == "Đài đã có lịch này (lịch số 1)."
    assert bring_in(session, cast, WEEK) == []


def test_the_same_asked_for_twice_in_one_file_comes_once(session, cast):
    line = "Lịch tiêm chủng;17:00;hằng ngày;;;xã Mẫu;;\n"
    plan = look(session, cast, line + line.replace("xã Mẫu", "Mẫu"))
    assert states(plan) == ["new", "same"]
    assert plan.lines[1].why == "Lịch này đã có ở dòng 2."


def test_a_relay_mis_set_to_a_quarter_past_three_is_refused_and_the_rest_can_come(session, cast):
    text = "Tiếp sóng đài tỉnh;03:15;hằng ngày;;;xã Mẫu;30;\nLịch tiêm chủng;17:00;hằng ngày;;;xã Mẫu;;\n"
    plan = look(session, cast, text, why="vẫn muốn phát")
    assert states(plan) == ["refused", "new"]
    assert "giờ không phát" in plan.lines[0].why
    assert "03:15" in plan.lines[0].why
    (made,) = schedule_import.bring_in(session, plan, cast.hoa, now=NOON)
    assert made.at == time(17)


def test_the_same_quarter_past_three_from_a_calendar_is_refused_too(session, cast):
    daily = "RRULE:FREQ=DAILY"
    text = calendar(
        event("DTSTART;TZID=Asia/Ho_Chi_Minh:20261122T031500", "DURATION:PT30M", daily, title="Tiếp sóng đài tỉnh"),
        event("DTSTART:20261121T201500Z", "DURATION:PT30M", title="Tiếp sóng đài tỉnh"),
        event("DTSTART:20261122T170000", "DURATION:PT1M", daily),
    )  # fmt: skip
    plan = look(session, cast, text)
    assert states(plan) == ["refused", "refused", "new"]
    assert all("03:15" in line.why for line in plan.refused)
    assert [line.number for line in plan.lines] == [3, 10, 16]


def test_lines_count_the_minutes_of_those_above_them(session, cast):
    rules = Rulebook(slots=(EVENING,), outside="reason", too_long="reason")
    regulation.add(session, None, QUIET, rules, since=NOON, now=NOON)
    approved_bulletin(session, cast, title="Bản tin dài", ms=10 * MINUTE)
    text = (
        "Bản tin dài;17:00;hằng ngày;;;xã Mẫu;;\n"
        "Bản tin dài;17:05;một lần;22/11/2026;;thôn Đông;;\n"
        "Lịch tiêm chủng;09:00;hằng ngày;;;xã Mẫu;;\n"
    )
    plan = look(session, cast, text)
    assert states(plan) == ["new", "needs_reason", "needs_reason"]
    assert "thêm 10 phút là quá 15 phút" in plan.lines[1].why
    assert "nằm ngoài các khung giờ phát" in plan.lines[2].why
    # The first alone leaves the day as it is: the second needs no reason without it.
    assert states(look(session, cast, text.split("\n", 1)[1]))[0] == "new"
    told = look(session, cast, text, why="Chủ tịch xã cho phép")
    assert states(told) == ["new"] * 3
    made = schedule_import.bring_in(session, told, cast.hoa, now=NOON)
    assert [(s.waived, s.waived_why) for s in made] == [
        ([], ""),
        (["session_minutes"], "Chủ tịch xã cho phép"),
        (["outside"], "Chủ tịch xã cho phép"),
    ]
    waived = sa.select(sa.func.count()).where(AuditEntry.kind == "schedule.waived")
    assert session.scalar(waived) == 2


def test_a_reason_in_the_line_counts_for_that_line(session, cast):
    rules = Rulebook(slots=(EVENING,), outside="reason")
    regulation.add(session, None, QUIET, rules, since=NOON, now=NOON)
    text = "1;09:00;hằng ngày;;;xã Mẫu;;Họp bất thường\n1;10:00;hằng ngày;;;xã Mẫu;;\n"
    assert states(look(session, cast, text)) == ["new", "needs_reason"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("Lịch tiêm chung;17:00;;01/12/2026;;xã Mẫu;;", ""),
        ("Lịch tiêm;17:00;;01/12/2026;;xã Mẫu;;", "Không có bản tin “Lịch tiêm”. Có phải “Lịch tiêm chủng”?"),
        ("99;17:00;;01/12/2026;;xã Mẫu;;", "Không có bản tin “99”."),
        (";17:00;;01/12/2026;;xã Mẫu;;", "Chưa ghi bản tin nào."),
        ("1;17:00;;01/12/2026;;thôn Đôn;;", "Không có địa bàn hay nhóm “thôn Đôn”. Có phải “thôn Đông”?"),
        ("1;17:00;;01/12/2026;;nhóm Trường hoc;;", ""),
        ("1;17:00;;01/12/2026;;nhóm Tường học;;", "Có phải “nhóm Trường học”?"),
        ("1;25:00;;01/12/2026;;xã Mẫu;;", "Giờ “25:00” phải có dạng giờ:phút"),
        ("1;;;01/12/2026;;xã Mẫu;;", "Giờ “” phải có dạng giờ:phút"),
        ("1;17:00;;31/02/2026;;xã Mẫu;;", "Cột ngày bắt đầu: “31/02/2026” không phải ngày."),
        ("1;17:00;;01/12/2206;;xã Mẫu;;", "Ngày 01/12/2206 cách đây quá 10 năm."),
        ("1;17:00;;;;xã Mẫu;;", "Lịch phát một lần phải có ngày bắt đầu"),
        ("1;17:00;;20/11/2026;;xã Mẫu;;", "Không còn lượt phát nào ở phía trước"),
        ("1;17:00;thứ 9;;;xã Mẫu;;", "Không hiểu cách lặp “thứ 9”. Hãy ghi như: một lần, hằng ngày"),
        ("1;17:00;hằng ngày;;01/11/2026;xã Mẫu;;", "Ngày kết thúc đứng trước ngày bắt đầu."),
        ("1;17:00;hằng ngày;;;xã Mẫu;30;", "Chỉ tiếp sóng mới đặt được số phút."),
        ("2;17:00;hằng ngày;;;xã Mẫu;nửa giờ;", "Số phút “nửa giờ” phải là số nguyên"),
        ("2;17:00;hằng ngày;;;xã Mẫu;999;", "Số phút tiếp sóng phải từ 1 đến 240."),
        ("=A1;17:00;hằng ngày;;;xã Mẫu;;", "Ô “bản tin” là công thức (=A1)."),
        ("1;=NOW();hằng ngày;;;xã Mẫu;;", "Ô “giờ” là công thức"),
        ("1;17:00;thứ 2;;;xã Mẫu;;;x;y", "nhiều ô hơn dòng tên cột (thừa “x y”)"),
        (f"1;17:00;hằng ngày;;;xã Mẫu;;{'x' * 501}", "Lý do dài quá 500 chữ."),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_taken_says_why(session, cast, line, sentence):
    plan = look(session, cast, line + "\n")
    assert states(plan) == (["refused"] if sentence else ["new"])
    assert sentence in only(plan)
    assert plan.lines[0].number == 2


def test_a_title_that_several_have_is_told_apart_by_its_number(session, cast):
    twin = approved_bulletin(session, cast)
    plan = look(session, cast, "Lịch tiêm chủng;17:00;hằng ngày;;;xã Mẫu;;\n")
    assert f"Có 2 bản tin tên “Lịch tiêm chủng” (số 1, {twin.id})." in only(plan)
    assert states(look(session, cast, f"#{twin.id};17:00;hằng ngày;;;xã Mẫu;;\n")) == ["new"]


def test_an_emergency_is_never_scheduled(session, cast):
    approved_bulletin(session, cast, title="Lũ về", priority="emergency")
    assert "trang Khẩn cấp" in only(look(session, cast, "Lũ về;17:00;hằng ngày;;;xã Mẫu;;\n"))


def test_staff_of_an_area_bring_in_for_that_area_alone(session, cast):
    cast.hoa.area_id = cast.villages[0].id
    text = (
        "1;17:00;hằng ngày;;;thôn Đông;;\n1;17:10;hằng ngày;;;thôn Bãi;;\n1;17:20;hằng ngày;;;;;\n"
    )
    plan = look(session, cast, text)
    assert states(plan) == ["new", "refused", "new"]
    assert "Hoa làm việc cho thôn Đông" in plan.lines[1].why
    assert plan.lines[2].places == "thôn Đông"


def test_a_viewer_brings_in_nothing(session, cast):
    with pytest.raises(NotAllowed):
        look(session, cast, "1;17:00;hằng ngày;;;xã Mẫu;;\n", staff=cast.lan)


def test_nowhere_is_the_commune_where_there_is_but_one(session, cast):
    text = "1;17:00;hằng ngày;;;;;\n"
    assert look(session, cast, text).lines[0].places == "xã Mẫu"
    areas.add(session, name="Khác", level="xã", now=NOON, by="test")
    assert "Chưa ghi nơi phát." in only(look(session, cast, text))


def test_what_was_looked_at_holds_until_something_changes_that_matters(session, cast):
    plan = look(session, cast, WEEK)
    audit.append(session, NOON, "minh", "bulletin.write")
    assert schedule_import.holds(session, plan)
    bring_in(session, cast, WEEK.splitlines()[0] + "\n")
    assert not schedule_import.holds(session, plan)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a;b\n1;2\n", "Dòng đầu của tệp phải là tên cột, ít nhất có “bản tin” và “giờ”."),
        ("", "Dòng đầu của tệp phải là tên cột"),
        ("bản tin;giờ;Tiêu đề\n", "Tệp có hai cột “bản tin”."),
        ('bản tin;giờ\n1;17:00\n"Họp;17:00\n', "hỏng ở dòng 3"),
        ("bản tin;giờ\n" + "1;17:00\n" * 1001, "Tệp có 1001 dòng, quá 1000 dòng."),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_whole(text, sentence):
    with pytest.raises(ScheduleError, match=sentence) as refused:
        schedule_rows.read(text)
    assert refused.value.field == "file"


def test_its_own_template_can_be_read(session, cast):
    text = "\n".join(",".join(f'"{cell}"' for cell in line) for line in schedule_rows.template())
    assert not any(isinstance(each, Unread) for each in schedule_rows.read(text))


# -- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("", ""),
        ("Một lần", ""),
        ("hàng ngày", "FREQ=DAILY"),
        ("2 ngày một lần", "FREQ=DAILY;INTERVAL=2"),
        ("thứ 2-4-6", "FREQ=WEEKLY;BYDAY=MO,WE,FR"),
        ("từ thứ hai đến thứ sáu", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("Chủ nhật, T7", "FREQ=WEEKLY;BYDAY=SA,SU"),
        ("thứ Tư hằng tuần", "FREQ=WEEKLY;BYDAY=WE"),
        ("ngày 1,15 hằng tháng", "FREQ=MONTHLY;BYMONTHDAY=1,15"),
        ("ngày cuối tháng, hằng tháng", "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ("ngày 2/9 hằng năm", "FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=2"),
        ("rằm", "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=15"),
        ("Mồng một và rằm hàng tháng", "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=1,15"),
        ("rằm tháng Giêng", "RSCALE=VIETNAMESE;FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=15"),
        ("10/3 âm lịch", "RSCALE=VIETNAMESE;FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=10"),
        ("RRULE:FREQ=MONTHLY;BYDAY=2SU", "FREQ=MONTHLY;BYDAY=2SU"),
    ],
)
def test_it_reads_days_as_staff_write_them(words, rule):
    assert repeat_words.read(words) == rule
    if rule and not recurrence.parse(rule).nth:
        assert repeat_words.read(recurrence.words(rule, date(2026, 12, 1))) == rule


@pytest.mark.parametrize(
    "words",
    ["linh tinh", "T7-T2", "2,4,6", "ngày 45 hằng tháng", "thứ", "0 ngày một lần", "rằm tháng 13"],
)
def test_it_guesses_at_nothing(words):
    with pytest.raises(ScheduleError, match="Không hiểu cách lặp"):
        repeat_words.read(words)


# -- a calendar -----------------------------------------------------------------------------------


def test_our_own_calendar_comes_back_as_the_same_schedules(session, cast):
    rules = [
        Rule(kind=Kind.DAILY, at=time(6), start_date=date(2026, 11, 1), area_ids=(1,), skips=("weekend",)),
        Rule(kind=Kind.WEEKDAYS, at=time(17), start_date=date(2026, 11, 21), end_date=date(2026, 12, 31),
             weekdays=(0, 2), area_ids=(2, 3), except_ids=("r-0000",), resumes=True),
        Rule(kind=Kind.OTHER, at=time(5, 30), start_date=date(2026, 11, 21), end_date=date(2027, 2, 1),
             recurs="RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=1,15", group_ids=(1,)),
        Rule(kind=Kind.ONCE, at=time(18), start_date=date(2026, 12, 5), area_ids=(1,)),
        Rule(kind=Kind.OTHER, at=time(9), start_date=date(2026, 11, 21), recurs="FREQ=MONTHLY;BYDAY=2SU",
             area_ids=(1,)),
    ]  # fmt: skip
    bulletin, relay = session.get_one(Bulletin, 1), session.get_one(Bulletin, 2)
    made = [schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE) for rule in rules]
    evening = Rule(
        kind=Kind.DAILY, at=time(19), start_date=date(2026, 11, 21), area_ids=(1,), minutes=20
    )
    made.append(schedules.add(session, relay, cast.hoa, evening, now=NOON, zone=ZONE))
    days = [
        Otherwise(day=date(2026, 11, 25), kind=OddKind.SKIP, reason="nghỉ"),
        Otherwise(day=date(2026, 11, 30), kind=OddKind.MOVE, to_time=time(18, 30)),
        Otherwise(day=date(2026, 12, 2), kind=OddKind.REPLACE, bulletin_id=2),
    ]
    for each in days:
        one_day.make(session, made[1], cast.hoa, each, now=NOON, zone=ZONE)
    text = calendar_file.write(session, "Xã Mẫu", NOON, ZONE).decode()

    assert states(look(session, cast, text)) == ["same"] * 6
    for each in made:
        schedules.end(session, each, cast.hoa, NOON)
    again = bring_in(session, cast, text)
    assert [_all_of(each) for each in again] == [_all_of(each) for each in made]
    assert states(look(session, cast, text)) == ["same"] * 6


def _all_of(schedule: Schedule) -> tuple[object, ...]:
    """All but from when on what goes on anyway is counted."""
    odd = [(e.day, e.kind, e.to_time, e.bulletin_id) for e in schedule.exceptions]
    return (
        schedule.bulletin_id, schedule.at, schedule.rule, schedule.end_date, schedule.where, schedule.skips,
        schedule.minutes, schedule.resumes, odd,
    )  # fmt: skip


def test_an_event_of_ours_that_was_moved_in_the_calendar_makes_no_second_schedule(session, cast):
    rule = Rule(kind=Kind.DAILY, at=time(6), start_date=date(2026, 11, 21), area_ids=(1,))
    bulletin = approved_bulletin(session, cast, title="Khác")
    schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
    text = calendar_file.write(session, "Xã Mẫu", NOON, ZONE).decode()
    moved = text.replace("T060000", "T070000")
    assert "Đài đang có lịch số 1 với giờ, ngày hoặc nơi phát khác." in only(
        look(session, cast, moved)
    )


def test_days_left_out_in_the_calendar_are_skipped(session, cast):
    text = calendar(event(
        "DTSTART;TZID=Asia/Ho_Chi_Minh:20261123T170000", "RRULE:FREQ=WEEKLY;WKST=SU;COUNT=4",
        "EXDATE;TZID=Asia/Ho_Chi_Minh:20261130T170000", "EXDATE:20261207T100000Z",
    ))  # fmt: skip
    (made,) = bring_in(session, cast, text)
    assert (made.rule, made.end_date) == ("FREQ=WEEKLY;BYDAY=MO", date(2026, 12, 14))
    odd = session.scalars(sa.select(schedules.Schedule)).one().exceptions
    assert [(e.day, e.kind) for e in odd] == [
        (date(2026, 11, 30), OddKind.SKIP),
        (date(2026, 12, 7), OddKind.SKIP),
    ]


def test_a_relay_is_heard_as_long_as_its_event(session, cast):
    title = "Tiếp sóng đài tỉnh"
    text = calendar(
        event("DTSTART:20261123T053000", "DTEND:20261123T061500", title=title),
        event("DTSTART:20261124T053000", "DURATION:PT30M", title=title),
    )
    assert [made.minutes for made in bring_in(session, cast, text)] == [45, 0]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["DTSTART;VALUE=DATE:20261201"], "Sự kiện cả ngày không có giờ phát."),
        ([], "Sự kiện không có ngày giờ bắt đầu."),
        (["DTSTART:20261199T170000"], "Không đọc được ngày giờ bắt đầu"),
        (["DTSTART:20261201T170000", "DTSTART:20261202T170000"], "Sự kiện có nhiều ngày giờ bắt đầu."),
        (["DTSTART;TZID=Sao/Hoa:20261201T170000"], "Không rõ múi giờ “Sao/Hoa”."),
        (["DTSTART:20261201T170000", "RRULE:FREQ=HOURLY"], "Không hiểu cách lặp"),
        (["DTSTART:20261201T170000", "RRULE:FREQ=LUNG TUNG"], "Không đọc được cách lặp"),
        (["DTSTART:20261201T170000", "RRULE:FREQ=WEEKLY;BYDAY=MO"], "Ngày đầu của sự kiện không thuộc cách lặp"),
        (["DTSTART:20261201T170000", "RDATE:20261203T170000"], "Sự kiện có các ngày riêng (RDATE)."),
        (["DTSTART:20261130T223000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO"], "theo múi giờ khác của đài"),
        (["DTSTART;TZID=Europe/Berlin:20261201T110000", "RRULE:FREQ=DAILY"], "theo múi giờ khác của đài"),
        (["DTSTART:20261201T170000", "RRULE:FREQ=DAILY;COUNT=99999"], "Sự kiện lặp 99999 lần là quá 10 năm."),
        (["DTSTART:20261201T170000", "EXDATE:hôm nọ"], "Không đọc được ngày bỏ"),
        (["DTSTART:20261201T170000", "STATUS:CANCELLED"], "Sự kiện này đã huỷ"),
        (["DTSTART:20261201T170000", "X BAD"], "Không đọc được một dòng"),
        (["RECURRENCE-ID:20261201T170000", "DTSTART:20261201T180000"], "Lượt riêng của một lịch không có trong tệp."),
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_taken_says_why(session, cast, lines, sentence):
    good = event("DTSTART:20261201T060000")
    plan = look(session, cast, calendar(event(*lines), good))
    assert states(plan) == ["refused", "new"]
    assert sentence in plan.lines[0].why
    assert plan.lines[0].number == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:a\r\n", 2),
        ("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:a\r\nEND:VCALENDAR\r\n", 4),
        ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nlung tung\r\nEND:VCALENDAR\r\n", 3),
        ("BEGIN:VCALENDAR", 1),
    ],
)
def test_a_broken_calendar_names_the_line(text, line):
    with pytest.raises(ScheduleError, match=rf"hỏng ở dòng {line}\."):
        calendar_read.read(text, ZONE)


def test_too_many_events_are_refused():
    with pytest.raises(ScheduleError, match="Tệp có 1001 sự kiện, quá 1000"):
        calendar_read.read(calendar(*[event("DTSTART:20261201T060000")] * 1001), ZONE)


def test_the_first_broadcast_is_told(session, cast):
    (line,) = look(session, cast, "1;17:00;thứ 2;;;xã Mẫu;;\n").lines
    assert (line.first, line.receivers, line.state) == (vn("2026-11-23 17:00"), 3, State.NEW)
    later = schedule_import.look_at(
        session, cast.hoa, schedule_rows.read(HEAD + "1;12:00;hằng ngày;;;xã Mẫu;;\n"),
        now=after(NOON, SECOND), zone=ZONE,
    )  # fmt: skip
    assert later.lines[0].first == vn("2026-11-22 12:00")
