"""The pages of programmes: built, looked at, changed, one day otherwise."""

from __future__ import annotations

import re
from datetime import date, time

import pytest
import sqlalchemy as sa

from content.bulletins import Bulletin, Priority
from content.relays import Stream
from loa.times import DAY, HOUR, MINUTE
from scheduler import programme_acts, regulation
from scheduler.broadcasts import Broadcast
from scheduler.exceptions import ScheduleException
from scheduler.programme_checks import Line, Order
from scheduler.programmes import ItemKind, Programme
from scheduler.regulation import Regulation
from scheduler.rulebook import Rulebook, Slot
from scheduler.targets import Where
from tests.cast import NOON, ZONE, approved_bulletin
from tests.web.conftest import error_at, plan, words
from web import programme_list

TODAY = date(2026, 11, 21)
SLOTS = (Slot(key="chieu", name="Chiều", start="17:00", minutes=15),)


@pytest.fixture
def slots(database, cast) -> None:
    with database.write() as session:
        quiet = regulation.at(session, NOON).quiet
        session.add(
            Regulation(
                since=NOON, made_at=NOON, quiet=quiet, rules=Rulebook(slots=SLOTS), by="test"
            )
        )


@pytest.fixture
def news(database, cast) -> dict[str, int]:
    """Approved bulletins by title → id: 30 s, 10 and 8 minutes."""
    with database.write() as session:
        return {
            title: approved_bulletin(session, cast, title=title, ms=ms).id
            for title, ms in (
                ("Nhạc hiệu", 30_000),
                ("Tiêm chủng", 10 * MINUTE),
                ("Đồng ruộng", 8 * MINUTE),
            )
        }


@pytest.fixture
def programme(database, cast, news) -> int:
    with database.write() as session:
        lines = (
            Line(ItemKind.CHIME, news["Nhạc hiệu"]),
            Line(ItemKind.BULLETIN, news["Tiêm chủng"]),
        )
        return programme_acts.add(session, cast.hoa, order(cast, *lines), now=NOON, zone=ZONE).id


def order(cast, *lines: Line, **changes: object) -> Order:
    usual = {"name": "Bản tin chiều", "at": time(17), "minutes": 15, "rule": "FREQ=DAILY", "start_date": TODAY,
             "where": Where((cast.commune.id,)), "lines": lines}  # fmt: skip
    return Order(**{**usual, **changes})


def filled(news: dict[str, int], *titles: str, **changes: object) -> dict[str, object]:
    """What a browser sends for a programme at 17:00 every day."""
    usual = {"name": "Bản tin chiều", "slot": "", "at": "17:00", "minutes": "15", "kind": "daily",
             "start_date": "21/11/2026", "area_ids": "1"}  # fmt: skip
    lines = {"line_kind": ["bulletin"] * len(titles), "line_bulletin": [news[each] for each in titles],
             "line_minutes": [""] * len(titles)}  # fmt: skip
    return {**usual, **lines, **changes}


def stored(database) -> list[Programme]:
    with database.read() as session:
        return list(session.scalars(sa.select(Programme).order_by(Programme.id)))


def test_the_empty_list_says_what_to_do_next(hoa, lan):
    page = hoa.get("/chuong-trinh")
    assert "Chưa có chương trình nào" in words(page)
    assert 'href="/chuong-trinh/moi"' in page.text
    assert 'href="/chuong-trinh/moi"' not in lan.get("/chuong-trinh").text
    assert 'href="/chuong-trinh"' in page.text


@pytest.fixture
def two_programmes(database, cast, news, programme) -> int:
    """“Bản tin chiều” at 17:00 with “Tiêm chủng”, “Chuyện đồng áng” at 18:00 with “Đồng ruộng”; id of the latter."""
    with database.write() as session:
        line = Line(ItemKind.BULLETIN, news["Đồng ruộng"])
        other = order(cast, line, name="Chuyện đồng áng", at=time(18))
        return programme_acts.add(session, cast.hoa, other, now=NOON, zone=ZONE).id


def _names(client, asked: str) -> list[str]:
    page = client.get(f"/chuong-trinh?{asked}").text
    return re.findall(r'<b><a href="/chuong-trinh/\d+">([^<]+)</a></b>', page)


@pytest.mark.parametrize("sought", ["chuyen", "chuyện đồng", "dong ruong", "Đồng ruộng"])
def test_it_is_found_by_its_name_and_its_bulletins_with_marks_and_without(
    hoa, two_programmes, sought
):
    assert _names(hoa, f"tim={sought}") == ["Chuyện đồng áng"]


def test_programmes_are_sorted_and_turned_as_asked(hoa, two_programmes, monkeypatch):
    assert _names(hoa, "") == ["Bản tin chiều", "Chuyện đồng áng"]
    assert _names(hoa, "xep=-ten") == ["Chuyện đồng áng", "Bản tin chiều"]
    monkeypatch.setattr(programme_list, "PER_PAGE", 1)
    assert _names(hoa, "trang=2") == ["Chuyện đồng áng"]


def test_programmes_that_are_over_are_listed_when_asked_for(hoa, two_programmes):
    hoa.post(f"/chuong-trinh/{two_programmes}/ket-thuc")
    assert _names(hoa, "") == ["Bản tin chiều"]
    assert _names(hoa, "tinh_trang=xong") == ["Chuyện đồng áng"]
    assert "Không có chương trình nào như vậy" in words(hoa.get("/chuong-trinh?tim=khong-co"))


def test_the_programmes_of_the_filter_are_given_as_a_file(hoa, two_programmes):
    file = hoa.get("/chuong-trinh.csv?tim=chuyen").data.decode("utf-8-sig").splitlines()
    assert file[0] == "Chương trình,Khi nào,Nơi phát,Số mục,Lần tới,Cần xem lại,Người lập"
    assert file[1:] == ['Chuyện đồng áng,"18:00, hằng ngày",xã Mẫu,1,18:00 ngày 21/11/2026,,Hoa']


def test_it_is_made_in_a_session_of_the_regulation(hoa, database, news, slots):
    page = hoa.get("/chuong-trinh/moi")
    assert "khung giờ Chiều: 17:00, tối đa 15 phút" in words(page)
    sent = filled(
        news,
        "Nhạc hiệu",
        "Tiêm chủng",
        slot="chieu",
        at="",
        minutes="",
        kind="weekdays",
        weekdays=["0", "4"],
    )
    answer = hoa.post("/chuong-trinh/moi", data=sent, follow_redirects=True)
    assert "Đã lập chương trình “Bản tin chiều”" in words(answer)
    (made,) = stored(database)
    assert (made.slot, made.at, made.rule) == ("chieu", None, "FREQ=WEEKLY;BYDAY=MO,FR")
    assert [(item.place, item.bulletin_id) for item in made.items] == [
        (1, news["Nhạc hiệu"]),
        (2, news["Tiêm chủng"]),
    ]
    assert "khung giờ Chiều, thứ Hai, thứ Sáu hằng tuần" in words(answer)
    assert "17:00:30" in words(answer)


def test_while_building_it_says_what_will_be_cut(hoa, news):
    sent = filled(news, "Tiêm chủng", "Đồng ruộng", "Nhạc hiệu", "Đồng ruộng")
    page = hoa.post("/chuong-trinh/thu-tu", data=sent)
    said = words(page)
    assert "Quá 11 phút 30 giây" in said
    assert "thiếu 3 phút 01 giây: không phát" in said
    assert re.findall(r'<li class="line ([a-z]*)"', page.text) == ["", "partly", "", "partly"]
    assert "17:10:00" in said  # the chime moves up


def test_what_finds_no_time_is_dark_red(hoa, news):
    sent = filled(news, "Đồng ruộng", "Đồng ruộng", minutes="8")
    page = hoa.post("/chuong-trinh/thu-tu", data=sent)
    assert re.findall(r'<li class="line ([a-z]*)"', page.text) == ["", "never"]
    assert "hết giờ: không phát" in words(page)


def test_without_scripts_the_form_is_built_by_posting(hoa, database, news):
    sent = filled(news, "Nhạc hiệu", "Tiêm chủng", change="up-2")
    page = hoa.post("/chuong-trinh/moi", data=sent)
    assert page.status_code == 200
    assert titles(page) == ["Tiêm chủng", "Nhạc hiệu"]
    page = hoa.post("/chuong-trinh/moi", data={**sent, "change": f"chime-{news['Nhạc hiệu']}"})
    assert titles(page) == ["Nhạc hiệu", "Tiêm chủng", "Nhạc hiệu"]
    page = hoa.post("/chuong-trinh/moi", data={**sent, "change": "remove-1"})
    assert titles(page) == ["Tiêm chủng"]
    page = hoa.post("/chuong-trinh/moi", data={**sent, "change": "fill"})
    assert titles(page)[-1] == "Khoảng dành cho chiến dịch"
    page = hoa.post("/chuong-trinh/moi", data={**sent, "change": "search", "tim": "ruong"})
    assert re.findall(r'<b class="plain">([^<]+)</b>', page.text) == ["Đồng ruộng"]
    assert stored(database) == []


def titles(page) -> list[str]:
    return re.findall(
        r'class="title"><span class="only-read">Mục \d+: </span><b>([^<]+)</b>', page.text
    )


def test_the_keyboard_stays_with_what_was_moved(hoa, news):
    sent = filled(news, "Nhạc hiệu", "Tiêm chủng", "Đồng ruộng", change="down-1")
    page = hoa.post("/chuong-trinh/thu-tu", data=sent).text
    assert re.findall(r'<button[^>]* id="([a-z]+-\d)"[^>]* autofocus', page)[:1] == ["up-2"]
    assert "Đã chuyển xuống vị trí 2 trên 3." in page


def test_a_fill_and_a_relay_have_their_minutes(hoa, database, news):
    with database.write() as session:
        session.get_one(Bulletin, news["Nhạc hiệu"]).relay = Stream(
            "http://127.0.0.1/live", (), 30 * MINUTE
        )
    sent = filled(news, "Nhạc hiệu", "Nhạc hiệu") | {
        "line_kind": ["relay", "fill"], "line_bulletin": [news["Nhạc hiệu"], ""], "line_minutes": ["5", "20"],
    }  # fmt: skip
    page = hoa.post("/chuong-trinh/thu-tu", data=sent)
    assert "chỉ còn 9 phút 59 giây" in words(page)
    assert 'placeholder="30"' in page.text
    hoa.post("/chuong-trinh/moi", data=sent)
    assert [(item.kind.value, item.ms) for item in stored(database)[0].items] == [
        ("relay", 5 * MINUTE), ("fill", 20 * MINUTE)]  # fmt: skip


def test_what_is_not_approved_or_has_no_sound_is_marked(hoa, database, cast, news):
    with database.write() as session:
        session.get_one(Bulletin, news["Tiêm chủng"]).sounds = {}
        session.get_one(Bulletin, news["Tiêm chủng"]).state = "draft"
    said = words(hoa.post("/chuong-trinh/thu-tu", data=filled(news, "Tiêm chủng")))
    assert "bản nháp: chưa duyệt thì không phát" in said
    assert "chưa có âm thanh nên chưa biết dài bao lâu" in said


def test_a_priority_bulletin_should_come_first(hoa, database, cast, news):
    with database.write() as session:
        news["Khẩn"] = approved_bulletin(
            session, cast, title="Lịch cắt điện", priority=Priority.PRIORITY
        ).id
    said = words(hoa.post("/chuong-trinh/thu-tu", data=filled(news, "Tiêm chủng", "Khẩn")))
    assert "bản tin ưu tiên nên đứng trước" in said
    said = words(hoa.post("/chuong-trinh/thu-tu", data=filled(news, "Khẩn", "Tiêm chủng")))
    assert "bản tin ưu tiên nên đứng trước" not in said


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"name": ""}, "name", "Hãy đặt tên"),
        ({"at": ""}, "at", "Hãy nhập giờ phát"),
        ({"minutes": ""}, "minutes", "từ 1 đến 720"),
        ({"kind": "weekdays"}, "weekdays", "ít nhất một thứ"),
        ({"area_ids": []}, "area_ids", "ít nhất một địa bàn"),
        ({"line_kind": [], "line_bulletin": [], "line_minutes": []}, "items", "chưa có mục nào"),
        (
            {"line_kind": ["fill"], "line_bulletin": [""], "line_minutes": ["hai"]},
            "items",
            "phải là số nguyên",
        ),
        ({"start_date": "20/11/2026", "kind": "once"}, "start_date", "Không còn lần phát nào"),
    ],
)
def test_mistakes_stand_at_their_fields(hoa, database, news, changes, field, sentence):
    answer = hoa.post("/chuong-trinh/moi", data=filled(news, "Tiêm chủng", **changes))
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)
    assert stored(database) == []


def test_the_hour_that_woke_a_commune_is_refused(hoa, database, news):
    answer = hoa.post("/chuong-trinh/moi", data=filled(news, "Tiêm chủng", at="03:15"))
    assert "giờ không phát 21:00–05:00" in error_at(answer, "at")
    assert "giờ không phát 21:00–05:00" in words(
        hoa.post("/chuong-trinh/thu-tu", data=filled(news, "Tiêm chủng", at="03:15"))
    )
    assert stored(database) == []


def test_beyond_the_rules_it_asks_for_a_reason_and_keeps_it(hoa, database, cast, news):
    with database.write() as session:
        rules = Rulebook(slots=SLOTS, outside="reason")
        session.add(Regulation(since=NOON, made_at=NOON, quiet=[], rules=rules, by="test"))
    sent = filled(news, "Tiêm chủng", at="10:00")
    answer = hoa.post("/chuong-trinh/moi", data=sent)
    assert answer.status_code == 400
    assert "nằm ngoài các khung giờ phát" in words(answer)
    hoa.post("/chuong-trinh/moi", data={**sent, "waived_why": "Ngày bầu cử, xã yêu cầu"})
    (made,) = stored(database)
    assert (made.waived, made.waived_why) == (["outside"], "Ngày bầu cử, xã yêu cầu")


def test_it_is_changed_and_shown_as_it_is(hoa, database, news, programme):
    page = hoa.get(f"/chuong-trinh/{programme}/sua")
    assert titles(page) == ["Nhạc hiệu", "Tiêm chủng"]
    assert 'value="17:00"' in page.text
    answer = hoa.post(
        f"/chuong-trinh/{programme}/sua",
        data=filled(news, "Đồng ruộng", name="Khác"),
        follow_redirects=True,
    )
    assert "Đã lưu chương trình" in words(answer)
    (made,) = stored(database)
    assert (made.name, [item.bulletin_id for item in made.items]) == ("Khác", [news["Đồng ruộng"]])


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"other": "moon", "moon_days": "1, rằm", "leap_months": "y"},
         "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=1,15"),
        ({"other": "days", "interval": "3"}, "FREQ=DAILY;INTERVAL=3"),
        ({"other": "month_days", "month_days": "1, 15, cuối"}, "FREQ=MONTHLY;BYMONTHDAY=1,15,-1"),
        ({"other": "nth", "nth": "2", "nth_day": "6"}, "FREQ=MONTHLY;BYDAY=2SU"),
        ({"other": "year", "year_day": "2/9"}, "FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=2"),
    ],
)  # fmt: skip
def test_a_programme_has_all_days_that_a_schedule_has(hoa, database, news, said, rule):
    sent = filled(news, "Tiêm chủng", kind="other", **said)
    assert hoa.post("/chuong-trinh/moi", data=sent).status_code == 302
    (made,) = stored(database)
    assert made.rule == rule
    page = hoa.get(f"/chuong-trinh/{made.id}/sua").text
    assert re.search(r'<input checked [^>]*value="other"', page)
    assert f'<option selected value="{said["other"]}">' in page


def test_days_this_form_cannot_say_are_kept(hoa, database, cast, news):
    rule = "FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=27"
    with database.write() as session:
        made = programme_acts.add(
            session, cast.hoa, order(cast, Line(ItemKind.BULLETIN, news["Tiêm chủng"]), rule=rule), now=NOON, zone=ZONE,
        )  # fmt: skip
        number = made.id
    page = hoa.get(f"/chuong-trinh/{number}/sua")
    assert re.search(r'<input checked [^>]*value="kept"', page.text)
    assert "ngày 27/1, ngày 27/7 hằng năm" in words(page)
    hoa.post(f"/chuong-trinh/{number}/sua", data=filled(news, "Tiêm chủng", kind="kept", rule=rule))
    assert stored(database)[0].rule == rule


def test_it_is_copied_from_yesterday(hoa, database, cast, clock, news, programme):
    with database.write() as session:
        plan(session, NOON)
    clock.move(DAY)
    assert f'href="/chuong-trinh/moi?tu={programme}"' in hoa.get("/chuong-trinh").text
    assert "Nhân bản từ hôm qua" in words(hoa.get("/chuong-trinh"))
    page = hoa.get(f"/chuong-trinh/moi?tu={programme}")
    assert titles(page) == ["Nhạc hiệu", "Tiêm chủng"]
    assert 'value="22/11/2026"' in page.text


def test_one_day_is_skipped_moved_and_put_back(hoa, database, news, programme):
    page = hoa.get(f"/chuong-trinh/{programme}")
    assert f'href="/chuong-trinh/{programme}/ngay/2026-11-22"' in page.text
    where = f"/chuong-trinh/{programme}/ngay/2026-11-22"
    assert "Chủ nhật, 22/11/2026" in words(hoa.get(where))
    answer = hoa.post(where, data={"kind": "skip", "reason": "nghỉ"}, follow_redirects=True)
    assert "Hoa bỏ lượt ngày 22/11/2026: nghỉ." in words(answer)
    answer = hoa.post(
        where,
        data={"kind": "move", "to_day": "23/11/2026", "to_time": "09:00"},
        follow_redirects=True,
    )
    assert "09:00 ngày 23/11/2026" in words(answer)
    with database.read() as session:
        number = session.scalars(sa.select(sa.func.max(ScheduleException.id))).one()
    answer = hoa.post(f"/chuong-trinh/{programme}/ngoai-le/{number}/bo", follow_redirects=True)
    assert "lại phát như chương trình" in words(answer)
    assert "Ngoại lệ" not in words(hoa.get(f"/chuong-trinh/{programme}"))


def test_a_day_that_is_over_is_not_put_back_and_says_why(hoa, database, programme, clock):
    hoa.post(f"/chuong-trinh/{programme}/ngay/2026-11-21", data={"kind": "skip"})
    with database.read() as session:
        number = session.scalars(sa.select(sa.func.max(ScheduleException.id))).one()
    clock.move(6 * HOUR)
    answer = hoa.post(f"/chuong-trinh/{programme}/ngoai-le/{number}/bo")
    assert answer.status_code == 400
    assert "đã bắt đầu hoặc đã qua" in words(answer)
    assert "Hoa bỏ lượt ngày 21/11/2026." in words(answer)


def test_a_day_that_keeps_its_session_is_moved_by_its_date_alone(hoa, database, cast, slots, news):
    with database.write() as session:
        chosen = order(
            cast, Line(ItemKind.BULLETIN, news["Tiêm chủng"]), slot="chieu", rule="FREQ=WEEKLY;BYDAY=SA"
        )  # fmt: skip
        made = programme_acts.add(session, cast.hoa, chosen, now=NOON, zone=ZONE).id
    where = f"/chuong-trinh/{made}"
    sent = {"kind": "move", "to_day": "23/11/2026"}
    assert hoa.post(f"{where}/ngay/2026-11-21", data=sent).location == where
    assert "Hoa dời lượt ngày 21/11/2026 sang ngày 23/11/2026." in words(hoa.get(where))


@pytest.mark.parametrize(
    ("day", "sent", "field", "sentence"),
    [
        ("2026-11-22", {"kind": "move", "to_day": "20/11/2026"}, "to_time", "đã qua"),
        (
            "2026-11-22",
            {"kind": "move", "to_day": "23/11/2026", "to_time": "03:15"},
            "at",
            "giờ không phát",
        ),
        ("2026-11-22", {"kind": "replace"}, "bulletin_id", "chọn bản tin thay thế"),
        ("2026-11-20", {"kind": "skip"}, "day", "không có lần phát nào"),
    ],
)
def test_a_day_that_cannot_be_otherwise_is_refused(
    hoa, database, programme, day, sent, field, sentence
):
    answer = hoa.post(f"/chuong-trinh/{programme}/ngay/{day}", data=sent)
    assert answer.status_code == 400
    assert sentence in words(answer)
    with database.read() as session:
        assert session.scalars(sa.select(ScheduleException)).all() == []


def test_a_run_that_has_begun_is_left_alone(hoa, clock, programme):
    clock.move(5 * HOUR + MINUTE)
    answer = hoa.post(f"/chuong-trinh/{programme}/ngay/2026-11-21", data={"kind": "skip"})
    assert "đã bắt đầu hoặc đã qua" in words(answer)
    assert hoa.get(f"/chuong-trinh/{programme}/ngay/hom-nay").status_code == 404


def test_another_bulletin_takes_its_place_for_a_day(hoa, database, news, programme):
    sent = {"kind": "replace", "bulletin_id": str(news["Đồng ruộng"])}
    answer = hoa.post(
        f"/chuong-trinh/{programme}/ngay/2026-11-22", data=sent, follow_redirects=True
    )
    assert "phát “Đồng ruộng” thay cho lượt ngày 22/11/2026" in words(answer)


def test_its_last_run_is_shown_bulletin_by_bulletin(hoa, database, clock, programme):
    with database.write() as session:
        plan(session, NOON)
        ids = session.scalars(sa.select(Broadcast.id).order_by(Broadcast.starts_at).limit(2)).all()
    clock.move(6 * HOUR)
    page = hoa.get(f"/chuong-trinh/{programme}")
    assert "Lần gần nhất 17:00 ngày 21/11/2026" in words(page)
    for number in ids:
        assert f'href="/luot-phat/{number}"' in page.text


def test_it_ends_after_asking(hoa, database, programme):
    assert "Kết thúc chương trình này?" in words(hoa.get(f"/chuong-trinh/{programme}/ket-thuc"))
    hoa.post(f"/chuong-trinh/{programme}/ket-thuc")
    assert stored(database)[0].ended_at == NOON
    assert "đã kết thúc" in words(hoa.get("/chuong-trinh"))
    hoa.post(f"/chuong-trinh/{programme}/sua", data={})
    assert stored(database)[0].name == "Bản tin chiều"


def test_what_it_would_silence_is_shown_and_must_be_seen(hoa, database, news, programme):
    sent = filled(news, "Đồng ruộng", name="Khác")
    assert "Trùng giờ với lượt khác" in words(hoa.post("/chuong-trinh/thu-tu", data=sent))
    answer = hoa.post("/chuong-trinh/moi", data=sent)
    assert answer.status_code == 400
    assert "đánh dấu đã xem" in error_at(answer, "seen")
    assert len(stored(database)) == 1
    hoa.post("/chuong-trinh/moi", data={**sent, "seen": "y"})
    assert len(stored(database)) == 2
    # Changed, it does not meet itself.
    itself = filled(news, "Tiêm chủng", at="18:00", programme=str(programme))
    assert "Trùng giờ" not in words(hoa.post("/chuong-trinh/thu-tu", data=itself))


def test_what_another_changed_meanwhile_is_not_written_over_unseen(
    hoa, minh, database, programme, news
):
    page = f"/chuong-trinh/{programme}/sua"
    version = re.search(r'name="version"[^>]*value="([^"]+)"', hoa.get(page).text)[1]
    minh.post(page, data=filled(news, "Đồng ruộng", name="Tên của Minh"))
    mine = filled(news, "Tiêm chủng", name="Tên của Hoa", version=version)
    answer = hoa.post(page, data=mine)
    assert answer.status_code == 400
    assert "Minh (12:00 ngày 21/11/2026) đã sửa" in words(answer)
    assert "Tên chương trình, Thứ tự phát" in words(answer)
    assert 'value="Tên của Hoa"' in answer.text
    assert stored(database)[0].name == "Tên của Minh"
