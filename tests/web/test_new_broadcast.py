"""Phát bản tin mới: from words to a bulletin that waits for approval with its times."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from content import bulletins, notices
from content.bulletins import Bulletin, Draft, Priority, State
from content.parts import spoken
from content.recordings import Rendering
from loa.times import MINUTE, local
from scheduler import regulation, schedules
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Schedule
from tests.cast import NOON, ZONE, approved_bulletin, give_sound, vn
from tests.visitor import text_of

BODY = "Họp thôn Đông.\nMời bà con họp lúc 19h30 ngày 24/11 tại nhà văn hoá."
WHAT = {"parts-0-kind": "text", "parts-0-body": BODY, "parts-0-speed": "135", "priority": "normal", "field": "1",
        "chimes": "y"}  # fmt: skip
SLOTS = (
    Slot(key="sang", name="Sáng", start="05:30", minutes=30),
    Slot(key="chieu", name="Chiều", start="17:00", minutes=15),
)
EVENING, MORNING = vn("2026-11-21 17:00"), vn("2026-11-22 05:30")


def settle(database, cast, **rules):
    with database.write() as session:
        book = Rulebook(**{"slots": SLOTS, **rules})
        regulation.add(
            session, cast.admin, [regulation.parse_quiet("21:00-05:00")], book, since=NOON, now=NOON
        )


@pytest.fixture
def sessions(database, cast):
    settle(database, cast)


@pytest.fixture
def draft(database, cast, sessions):
    """Hoa's, its sound of half a minute made."""
    with database.write() as session:
        bulletin = bulletins.write(session, cast.hoa, Draft(title="Họp", parts=spoken(BODY)), NOON)
        give_sound(session, bulletin)
    return bulletin


def schedule(session, cast, bulletin):
    """In the evening, everywhere."""
    wall = local(EVENING, ZONE)
    rule = schedules.Rule(
        kind=schedules.Kind.ONCE,
        at=wall.time(),
        start_date=wall.date(),
        area_ids=(cast.commune.id,),
    )
    schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)


def words(answer) -> str:
    return text_of(answer.text)


def one(database, bulletin_id=1) -> Bulletin:
    with database.read() as session:
        return bulletins.get(session, bulletin_id)


def times(database) -> list[str]:
    with database.read() as session:
        found = session.scalars(
            sa.select(Schedule).where(Schedule.ended_at.is_(None)).order_by(Schedule.id)
        )
        return [f"{each.start_date} {each.at:%H:%M}" for each in found]


def send(client, cast, bulletin_id=1, **more):
    return client.post(f"/phat-moi/{bulletin_id}", data={"area_ids": cast.commune.id, **more})


# -- what is said ---------------------------------------------------------------------------------


def test_a_pasted_text_becomes_a_draft_named_by_its_first_line(hoa, database):
    answer = hoa.post("/phat-moi", data=WHAT)
    assert answer.location == "/phat-moi/1"
    bulletin = one(database)
    assert (bulletin.title, bulletin.body, bulletin.state, bulletin.chimes) == (
        "Họp thôn Đông",
        BODY,
        State.DRAFT,
        True,
    )
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count(Rendering.id))) == 1  # the sound is begun


def test_a_form_sent_empty_is_shown_again(hoa):
    answer = hoa.post("/phat-moi", data={})
    assert (answer.status_code, "Hãy nhập hoặc dán nội dung" in words(answer)) == (400, True)


def test_a_name_of_ones_own_is_kept(hoa, database):
    hoa.post("/phat-moi", data={**WHAT, "title": "  Họp bàn quỹ "})
    assert one(database).title == "Họp bàn quỹ"


def test_an_empty_text_is_told_at_its_field(hoa, database):
    answer = hoa.post("/phat-moi", data={**WHAT, "parts-0-body": " "})
    assert answer.status_code == 400
    assert "Hãy nhập hoặc dán nội dung bản tin." in words(answer)


def test_the_same_form_sent_again_changes_the_draft_it_made(hoa, database):
    hoa.post("/phat-moi", data={**WHAT, "once": "abc"})
    hoa.post("/phat-moi", data={**WHAT, "once": "abc", "parts-0-body": "Họp thôn Bãi."})
    bulletin = one(database)
    assert (bulletin.body, bulletin.version) == ("Họp thôn Bãi.", 2)
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count(Bulletin.id))) == 1


def test_sent_again_after_it_was_handed_in_makes_another(hoa, database):
    hoa.post("/phat-moi", data={**WHAT, "once": "abc"})
    with database.write() as session:
        bulletin = bulletins.get(session, 1)
        give_sound(session, bulletin)
        bulletins.submit(session, bulletin, bulletin.author, NOON)
    assert hoa.post("/phat-moi", data={**WHAT, "once": "abc"}).location == "/phat-moi/2"


def test_forms_that_name_themselves_not_make_one_each(hoa):
    locations = [hoa.post("/phat-moi", data=WHAT).location for _ in range(2)]
    assert locations == ["/phat-moi/1", "/phat-moi/2"]


def test_the_proposed_name_is_told_while_writing(hoa):
    answer = hoa.post("/phat-moi/ten", data={"parts-0-body": BODY})
    assert words(answer) == "Để trống thì tên là “Họp thôn Đông”."


def test_a_notice_is_filled_in(hoa, database):
    page = words(hoa.get("/phat-moi?mau=cat-dien"))
    assert "Cắt điện ngày nào" in page
    filled = {
        "blank_0": "24/11/2026",
        "blank_1": "7h30",
        "blank_2": "11:00",
        "blank_3": "thôn Đông",
        "blank_4": "",
    }
    assert hoa.post("/phat-moi?mau=cat-dien", data=filled).location == "/phat-moi/1"
    bulletin = one(database)
    assert bulletin.title == "Cắt điện, thôn Đông, 24/11"
    assert (
        "thứ Ba, ngày 24/11/2026, từ 7h30 đến 11h, tạm ngừng cấp điện tại thôn Đông."
        in bulletin.body
    )
    assert "Lý do" not in bulletin.body


def test_a_blank_left_empty_is_told_at_its_field(hoa, database):
    answer = hoa.post("/phat-moi?mau=cat-dien", data={"blank_0": "24/11/2026"})
    assert answer.status_code == 400
    assert "Hãy điền “Từ mấy giờ”." in words(answer)
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count(Bulletin.id))) == 0


def test_a_notice_that_is_gone_is_not_found(hoa):
    assert hoa.get("/phat-moi?mau=khong-co").status_code == 404


def test_a_broadcast_bulletin_is_copied_with_its_parts(hoa, database, cast):
    with database.write() as session:
        parts = spoken("Họp ngày 20/11 tại nhà văn hoá.")
        approved_bulletin(session, cast, title="Họp", parts=parts, valid_until=None)
    assert "Làm lại" in words(hoa.get("/phat-moi"))
    answer = hoa.post("/phat-moi/lam-lai/1", follow_redirects=True)
    copy = one(database, 2)
    assert (copy.title, copy.parts, copy.state) == ("Họp", parts, State.DRAFT)
    assert "Bản tin nhắc “20/11”, ngày ấy đã qua." in words(answer)
    assert "hãy bấm “Sửa nội dung” trước khi gửi" in words(answer)


# -- where and when -------------------------------------------------------------------------------


def test_it_offers_the_sessions_of_the_next_days_with_what_is_left(hoa, draft):
    page = words(hoa.get("/phat-moi/1"))
    assert "Hôm nay, thứ Bảy 21/11 17:00–17:15 Chiều còn 15 phút · phát lúc 17:00" in page
    assert "Ngày mai, Chủ nhật 22/11 05:30–06:00 Sáng còn 30 phút · phát lúc 05:30" in page


def test_what_is_scheduled_there_takes_its_part_of_a_session(hoa, draft, database, cast):
    with database.write() as session:
        other = approved_bulletin(session, cast, ms=10 * MINUTE)
        schedule(session, cast, other)
    assert "Chiều còn 5 phút · phát lúc 17:11" in words(hoa.get("/phat-moi/1"))
    send(hoa, cast, slots=EVENING)
    assert times(database) == ["2026-11-21 17:00", "2026-11-21 17:11"]


def test_it_is_handed_in_with_its_times(hoa, draft, database, cast):
    answer = send(hoa, cast, slots=[EVENING, MORNING])
    assert answer.location == "/phat-moi/1/xong"
    assert one(database).state is State.SUBMITTED
    assert times(database) == ["2026-11-21 17:00", "2026-11-22 05:30"]
    page = words(hoa.get("/phat-moi/1/xong"))
    assert "Đã gửi duyệt." in page
    assert "Nếu đến 17:00 ngày 21/11/2026 vẫn chưa duyệt thì loa không phát." in page


def test_a_time_of_ones_own_is_taken_too(hoa, draft, database, cast):
    send(hoa, cast, at="18h30", start_date="22/11/2026")
    assert times(database) == ["2026-11-22 18:30"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "Hãy chọn ít nhất một khung giờ"),
        ({"slots": EVENING, "area_ids": []}, "Hãy chọn ít nhất một địa bàn"),
        ({"slots": EVENING - 24 * 60 * MINUTE}, "Khung giờ vừa chọn đã qua"),
        ({"at": "11:00", "start_date": "21/11/2026"}, "Giờ này đã qua"),
        ({"at": "18:00", "start_date": ""}, "Hãy chọn ngày phát"),
        ({"at": "22:00", "start_date": "21/11/2026"}, "rơi vào giờ không phát"),
        ({"at": "chiều", "start_date": "21/11/2026"}, "Hãy nhập giờ theo dạng"),
    ],
)
def test_nothing_is_handed_in_by_halves(hoa, draft, database, cast, more, told):
    answer = send(hoa, cast, **more)
    assert answer.status_code == 400
    assert told in words(answer)
    assert (one(database).state, times(database)) == (State.DRAFT, [])


def test_handed_in_without_a_time_if_that_is_meant(hoa, draft, database, cast):
    send(hoa, cast, later="1")
    assert (one(database).state, times(database)) == (State.SUBMITTED, [])
    assert "Chưa đặt giờ nào." in words(hoa.get("/phat-moi/1/xong"))


def test_without_a_sound_it_waits(hoa, draft, database, cast):
    with database.write() as session:
        bulletins.get(session, 1).sounds = {}
    answer = send(hoa, cast, slots=EVENING)
    assert "Âm thanh của bản tin chưa tạo xong." in words(answer)
    assert times(database) == []


def test_a_reason_is_asked_for_where_the_regulation_wants_one(hoa, draft, database, cast):
    settle(database, cast, outside="reason")
    own = {"at": "18:30", "start_date": "22/11/2026"}
    answer = send(hoa, cast, **own)
    assert (answer.status_code, "Lý do vẫn phát" in words(answer)) == (400, True)
    send(hoa, cast, **own, waived_why="Chủ tịch xã yêu cầu")
    assert times(database) == ["2026-11-22 18:30"]


def test_it_says_before_what_would_clash(hoa, draft, database, cast):
    with database.write() as session:
        other = approved_bulletin(session, cast, ms=10 * MINUTE, priority=Priority.PRIORITY)
        schedule(session, cast, other)
    own = {"at": "16:59:50", "start_date": "21/11/2026", "area_ids": cast.commune.id}
    assert "Trùng giờ" in words(hoa.post("/phat-moi/1/khung-gio", data=own))
    answer = send(hoa, cast, **own)
    assert "đánh dấu vào đây nếu vẫn muốn đặt" in words(answer)
    assert one(database).state is State.DRAFT
    assert send(hoa, cast, **own, seen="y").status_code == 302


def test_a_session_that_is_too_short_is_not_offered(hoa, draft, database, cast):
    with database.write() as session:
        bulletin = bulletins.get(session, 1)
        bulletin.version = 2
        give_sound(session, bulletin, ms=20 * MINUTE)
    assert "không đủ chỗ · còn 15 phút" in words(hoa.get("/phat-moi/1"))
    assert "không đủ cho bản tin này" in words(send(hoa, cast, slots=EVENING))


def test_a_broadcast_after_the_day_it_speaks_of_is_told(hoa, draft, database, cast):
    own = {"at": "18:30", "start_date": "25/11/2026", "area_ids": cast.commune.id}
    page = words(hoa.post("/phat-moi/1/khung-gio", data=own))
    assert "Lượt ngày 25/11 phát sau ngày mà bản tin nhắc (“24/11”)." in page


def test_the_choice_is_kept_when_it_is_shown_again(hoa, draft, cast):
    page = send(hoa, cast, slots=EVENING, area_ids=[]).text
    assert f'value="{EVENING}" checked' in page


# -- afterwards -----------------------------------------------------------------------------------


def test_it_is_taken_back_with_its_times(hoa, draft, database, cast, clock):
    send(hoa, cast, slots=[EVENING, MORNING])
    clock.move(MINUTE)
    answer = hoa.post("/phat-moi/1/rut-lai", follow_redirects=True)
    assert "Đã rút lại." in words(answer)
    assert (one(database).state, times(database)) == (State.DRAFT, [])
    assert send(hoa, cast, slots=EVENING).location == "/phat-moi/1/xong"  # and once more


def test_what_was_approved_meanwhile_is_not_taken_back(hoa, draft, database, cast):
    send(hoa, cast, slots=EVENING)
    with database.write() as session:
        bulletin = bulletins.get(session, 1)
        bulletins.approve(session, bulletin, cast.minh, bulletin.sounds.values(), NOON)
    assert "không còn chờ duyệt" in words(hoa.post("/phat-moi/1/rut-lai"))
    assert times(database) == ["2026-11-21 17:00"]
    assert "Đến giờ loa tự phát." in words(hoa.get("/phat-moi/1/xong"))


def test_sent_back_it_goes_the_same_way_with_the_times_it_has(hoa, draft, database, cast):
    send(hoa, cast, slots=EVENING)
    with database.write() as session:
        bulletin = bulletins.get(session, 1)
        bulletins.reject(
            session, bulletin, cast.minh, bulletin.sounds.values(), "Sai giờ họp", NOON
        )
    page = words(hoa.get("/phat-moi/1"))
    assert "Minh trả lại: Sai giờ họp" in page
    assert "Đã đặt từ trước:" in page
    edited = {"version": "1", "title": "Họp", "parts-0-kind": "text", "parts-0-body": "Họp lúc 20h ngày 24/11.",
              "parts-0-speed": "135", "priority": "normal", "field": "1"}  # fmt: skip
    assert hoa.post("/ban-tin/1/sua?tiep=phat-moi", data=edited).location == "/phat-moi/1"
    with database.write() as session:
        give_sound(session, bulletins.get(session, 1))
    assert send(hoa, cast).location == "/phat-moi/1/xong"
    assert times(database) == ["2026-11-21 17:00"]


def test_what_is_handed_in_already_shows_what_comes_next(hoa, draft, database, cast):
    with database.write() as session:
        bulletins.submit(session, bulletins.get(session, 1), cast.hoa, NOON)
    assert hoa.get("/phat-moi/1").location == "/phat-moi/1/xong"


def test_an_emergency_goes_another_way(hoa, database, cast):
    with database.write() as session:
        alarm = Draft(title="Lũ", parts=spoken("Lũ."), priority=Priority.EMERGENCY)
        bulletins.write(session, cast.hoa, alarm, NOON)
    assert hoa.get("/phat-moi/1").location == "/ban-tin/1"


def test_a_failed_sound_can_be_made_again_from_here(hoa, draft, database):
    with database.write() as session:
        bulletins.get(session, 1).sounds = {}
        session.add(
            Rendering(
                bulletin_id=1,
                version=1,
                queued_at=NOON,
                state="failed",
                error="Không có giọng đọc.",
            )
        )
    page = words(hoa.get("/phat-moi/1"))
    assert "Không tạo được âm thanh. Không có giọng đọc." in page
    assert hoa.post("/ban-tin/1/tao-lai?tiep=phat-moi").location == "/phat-moi/1"


def test_who_only_reads_has_no_part_in_it(lan, draft):
    assert lan.get("/phat-moi").status_code == 403
    assert lan.post("/phat-moi/1/rut-lai").status_code == 403
    assert "Phát bản tin mới" not in words(lan.get("/"))


# -- the commune's own notices --------------------------------------------------------------------


NOTICE = {"name": "Mất nước", "body": "Mất nước tại [nơi: Ở đâu].", "field": "1"}


def test_a_notice_of_ones_own_is_kept_changed_used_and_dropped(hoa, database):
    hoa.post("/mau-thong-bao/moi", data=NOTICE)
    with database.read() as session:
        key = next(iter(notices.own_ones(session)))
    assert "Mất nước" in words(hoa.get("/phat-moi"))
    hoa.post(f"/mau-thong-bao/{key}/sua", data={**NOTICE, "body": "Cắt nước tại [nơi: Ở đâu]."})
    hoa.post(f"/phat-moi?mau={key}", data={"blank_0": "thôn Đông"})
    assert one(database).body == "Cắt nước tại thôn Đông."
    assert "Bỏ mẫu “Mất nước”?" in words(hoa.get(f"/mau-thong-bao/{key}/bo"))
    hoa.post(f"/mau-thong-bao/{key}/bo")
    assert "Mất nước" not in words(hoa.get("/mau-thong-bao"))


def test_a_shipped_notice_is_said_in_ones_own_words_and_brought_back(hoa):
    hoa.post("/mau-thong-bao/hop-thon/sua", data={**NOTICE, "name": "Họp bản"})
    page = words(hoa.get("/mau-thong-bao"))
    assert "Họp bản lời của đài, thay mẫu có sẵn · Hoa sửa" in page
    hoa.post("/mau-thong-bao/hop-thon/khoi-phuc")
    assert "Họp bản" not in words(hoa.get("/mau-thong-bao"))


def test_a_mistake_in_a_notice_is_told_at_its_field(hoa):
    answer = hoa.post("/mau-thong-bao/moi", data={**NOTICE, "body": "Họp [lúc nào]."})
    assert (answer.status_code, "[giờ: Họp lúc mấy giờ]" in words(answer)) == (400, True)


def test_two_people_do_not_write_over_each_other(hoa, minh):
    version = (
        hoa.get("/mau-thong-bao/hop-thon/sua")
        .text.split('name="version"')[1]
        .split('value="')[1]
        .split('"')[0]
    )
    minh.post("/mau-thong-bao/hop-thon/sua", data={**NOTICE, "name": "Của Minh"})
    answer = hoa.post(
        "/mau-thong-bao/hop-thon/sua", data={**NOTICE, "name": "Của Hoa", "version": version}
    )
    assert "Minh đã sửa trong khi trang này đang mở" in words(answer)
