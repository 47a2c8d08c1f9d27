from __future__ import annotations

import re
from datetime import date, time

import msgspec
import pytest
import sqlalchemy as sa

from content import bulletins
from content.bulletins import Draft, Priority, State
from content.parts import Translation, spoken
from loa.staff import Staff
from loa.times import HOUR, MINUTE, after
from scheduler import schedules
from scheduler.broadcasts import Broadcast
from scheduler.schedules import Kind, Rule, Schedule
from tests.cast import NOON, ZONE, another_approver, approved_bulletin, give_sound
from tests.web.conftest import plan, words
from web import create_app

TAY = Translation(language="tyz", upload="b" * 64, name="tày.mp3")


@pytest.fixture
def submitted(database, cast):
    with database.write() as session:
        bulletin = bulletins.write(
            session, cast.hoa, Draft(title="Họp", parts=spoken("Họp thôn.")), NOON
        )
        give_sound(session, bulletin)
        bulletins.submit(session, bulletin, cast.hoa, NOON)
    return bulletin


def state_of(database, bulletin):
    with database.read() as session:
        return bulletins.get(session, bulletin.id).state


def test_it_hands_in_only_what_can_be_heard(hoa, database, cast):
    with database.write() as session:
        bulletin = bulletins.write(
            session, cast.hoa, Draft(title="Họp", parts=spoken("Họp thôn.")), NOON
        )
    here = f"/ban-tin/{bulletin.id}"
    answer = hoa.post(here + "/gui-duyet")
    assert answer.status_code == 409
    assert "chưa tạo xong" in words(answer)
    assert "Gửi duyệt" not in words(hoa.get(here))
    with database.write() as session:
        give_sound(session, bulletins.get(session, bulletin.id))
    assert "Gửi duyệt" in words(hoa.get(here))
    assert hoa.post(here + "/gui-duyet").location == here
    assert state_of(database, bulletin) is State.SUBMITTED
    assert hoa.post(here + "/gui-duyet").status_code == 409


def test_it_lets_an_approver_approve_the_sound_the_page_named(minh, database, submitted):
    here = f"/ban-tin/{submitted.id}"
    page = minh.get(here)
    assert f'name="sha" value="{submitted.recording_sha}"' in page.text
    assert f"am-thanh.mp3?sha={submitted.recording_sha}" in page.text
    data = {"sha": submitted.recording_sha, "version": 1, "heard": "y"}
    assert minh.post(here + "/duyet", data=data).location == here
    assert state_of(database, submitted) is State.APPROVED
    assert "Minh" in words(minh.get(here))


def test_it_wants_the_sound_to_have_been_heard(minh, database, submitted):
    answer = minh.post(f"/ban-tin/{submitted.id}/duyet", data={"sha": submitted.recording_sha})
    assert answer.status_code == 400
    assert "Hãy nghe hết bản ghi" in words(answer)
    assert state_of(database, submitted) is State.SUBMITTED


def test_it_refuses_the_approval_of_a_sound_that_has_been_replaced(minh, database, submitted):
    answer = minh.post(f"/ban-tin/{submitted.id}/duyet", data={"sha": "0" * 64, "heard": "y"})
    assert answer.status_code == 400
    assert "Âm thanh đã thay đổi" in words(answer)
    assert state_of(database, submitted) is State.SUBMITTED


def test_it_does_not_let_an_author_approve(hoa, minh, database, cast):
    assert hoa.post("/ban-tin/1/duyet", data={"sha": "0" * 64, "heard": "y"}).status_code == 403
    with database.write() as session:
        own = bulletins.write(
            session, cast.minh, Draft(title="Của Minh", parts=spoken("Họp thôn.")), NOON
        )
        sha = give_sound(session, own)
        bulletins.submit(session, own, cast.minh, NOON)
    page = minh.get(f"/ban-tin/{own.id}")
    assert "cần người duyệt khác" in words(page)
    assert "Duyệt cho phát" not in words(page)
    answer = minh.post(f"/ban-tin/{own.id}/duyet", data={"sha": sha, "heard": "y"})
    assert answer.status_code == 403
    assert "không được tự duyệt" in words(answer)


def test_it_offers_the_decision_to_nobody_else(hoa, lan, admin, submitted):
    for client in (hoa, lan, admin):
        assert "Duyệt cho phát" not in words(client.get(f"/ban-tin/{submitted.id}"))


def test_it_sends_a_bulletin_back_with_a_reason(minh, hoa, database, submitted):
    here, sha = f"/ban-tin/{submitted.id}", submitted.recording_sha
    answer = minh.post(here + "/tra-lai", data={"sha": sha, "version": 1, "reason": "  "})
    assert answer.status_code == 400
    assert "Hãy ghi lý do trả lại" in words(answer)
    data = {"sha": sha, "version": 1, "reason": "Sai giờ họp."}
    assert minh.post(here + "/tra-lai", data=data).location == here
    assert state_of(database, submitted) is State.REJECTED
    assert "Sai giờ họp." in words(hoa.get(here))


def test_it_keeps_the_reason_when_the_sound_has_been_replaced(minh, submitted):
    answer = minh.post(
        f"/ban-tin/{submitted.id}/tra-lai", data={"sha": "0" * 64, "reason": "Sai giờ."}
    )
    assert answer.status_code == 400
    assert "Sai giờ.</textarea>" in answer.text


def test_it_withdraws_after_asking(hoa, lan, database, approved):
    here = f"/ban-tin/{approved.id}"
    assert "Thu hồi bản tin?" in words(hoa.get(here + "/thu-hoi"))
    assert state_of(database, approved) is State.APPROVED
    assert lan.get(here + "/thu-hoi").status_code == 403
    assert lan.post(here + "/thu-hoi").status_code == 403
    assert hoa.post(here + "/thu-hoi").location == here
    assert state_of(database, approved) is State.WITHDRAWN
    assert "Thu hồi bản tin này" not in words(hoa.get(here))


def test_it_says_who_withdrew_it_and_offers_to_begin_anew(hoa, minh, lan, database, approved):
    here = f"/ban-tin/{approved.id}"
    minh.post(here + "/thu-hoi")
    page = hoa.get(here)
    assert "Minh thu hồi lúc 12:00 ngày 21/11/2026." in words(page)
    assert f'href="/ban-tin/moi?tu={approved.id}">Soạn bản tin mới từ bản này<' in page.text
    assert "Soạn bản tin mới" not in words(lan.get(here))


def test_schedules_that_are_over_are_not_said_to_have_never_been(
    hoa, database, approved, broadcast
):
    here = f"/ban-tin/{approved.id}"
    assert "12:30 thứ Bảy 21/11/2026" in words(hoa.get(here))
    hoa.post(here + "/thu-hoi")
    told = words(hoa.get(here))
    assert "Lịch phát đã kết thúc." in told
    assert "Chưa có lịch phát nào" not in told


def test_the_reason_of_a_return_stands_above_the_buttons_until_the_next_decision(
    minh, hoa, database, cast, submitted
):
    here, sha = f"/ban-tin/{submitted.id}", submitted.recording_sha
    minh.post(here + "/tra-lai", data={"sha": sha, "version": 1, "reason": "Sai giờ họp."})
    live_part = hoa.get(here + "/am-thanh")
    assert "Minh trả lại: Sai giờ họp." in words(live_part)
    assert live_part.text.index("Sai giờ họp.") < live_part.text.index("Gửi duyệt")
    with database.write() as session:
        found = bulletins.get(session, submitted.id)
        bulletins.edit(session, found, cast.hoa, replace_title(found), NOON)
        bulletins.submit(session, found, cast.hoa, NOON)
    assert "Minh trả lại bản thứ 1: Sai giờ họp." in words(minh.get(here + "/am-thanh"))
    minh.post(here + "/duyet", data=form_of(minh.get(here)))
    assert "trả lại bản thứ" not in words(hoa.get(here + "/am-thanh"))


def replace_title(bulletin):
    return msgspec.structs.replace(bulletin.draft, title="Tên khác")


def test_a_refusal_has_the_digest_of_the_part_without_it(minh, submitted):
    """Otherwise the next look of the page would take the refusal away."""
    here = f"/ban-tin/{submitted.id}"
    digest = minh.get(here + "/am-thanh").headers["X-Digest"]
    for act in ("/duyet", "/tra-lai"):
        answer = minh.post(here + act, data={"sha": submitted.recording_sha})
        assert answer.status_code == 400
        assert f'data-digest="{digest}"' in answer.text
        assert f'data-page="{here}"' in answer.text


def test_it_says_which_broadcast_stays_silent_unless_it_is_approved(
    hoa, database, cast, approved, broadcast
):
    here, silent = f"/ban-tin/{approved.id}", "Lượt 12:30 ngày 21/11/2026 sẽ không phát nếu"
    assert silent not in words(hoa.get(here))
    warned = f"{silent} chưa được duyệt lại."
    asking = ("/sua", "/phan/1/cach-doc?tu=0&den=3", "/ban-dich", "/cac-ban/1/dung-lai")
    for path in asking:
        assert warned in words(hoa.get(here + path)), path
    with database.write() as session:
        found = bulletins.get(session, approved.id)
        bulletins.edit(session, found, cast.hoa, replace_title(found), NOON)
    assert f"{silent} bản tin chưa được duyệt lại." in words(hoa.get(here))
    for path in asking:
        assert warned not in words(hoa.get(here + path)), path


def test_it_leads_on_to_what_else_waits_for_who_has_just_decided(
    minh, hoa, database, cast, submitted
):
    here, other = f"/ban-tin/{submitted.id}", send(database, cast, title="Kế tiếp")
    assert "Bản tin tiếp theo" not in words(minh.get(here))
    answer = minh.post(here + "/duyet", data=form_of(minh.get(here)), follow_redirects=True)
    assert f'href="/ban-tin/{other.id}">Bản tin tiếp theo (1)<' in answer.text
    assert "Bản tin tiếp theo" not in words(hoa.get(here))
    there = f"/ban-tin/{other.id}"
    answer = minh.post(there + "/duyet", data=form_of(minh.get(there)), follow_redirects=True)
    assert "Bản tin tiếp theo" not in words(answer)


# --- more than one sound ---------------------------------------------------------------------------


def send(database, cast, title="Họp", by=None, now=NOON, **fields):
    """A bulletin that waits for approval."""
    author = by or cast.hoa
    with database.write() as session:
        draft = Draft(**{"title": title, "parts": spoken("Họp thôn."), **fields})
        bulletin = bulletins.write(session, author, draft, now)
        give_sound(session, bulletin)
        bulletins.submit(session, bulletin, author, now)
    return bulletin


def form_of(page):
    """What the form to approve would send: the sounds and the version that the page names."""
    form = page.text.split('/duyet" novalidate>')[1].split("</form>")[0]
    shas = re.findall(r'name="sha" value="([0-9a-f]{64})"', form)
    version = re.findall(r'name="version" value="(\d+)"', form)
    return {"sha": shas, "version": version, "heard": "y"}


def test_it_wants_every_language_heard(minh, database, cast):
    bulletin = send(database, cast, translations=(TAY,))
    here = f"/ban-tin/{bulletin.id}"
    page = minh.get(here)
    assert page.text.count("<audio") == 2
    assert "Tôi đã nghe cả 2 bản ghi" in words(page)
    only_own = {**form_of(page), "sha": [bulletin.recording_sha]}
    assert minh.post(here + "/duyet", data=only_own).status_code == 400
    assert minh.post(here + "/duyet", data=form_of(page)).location == here
    assert state_of(database, bulletin) is State.APPROVED


def test_it_refuses_what_was_changed_after_the_page_was_opened(minh, database, cast):
    bulletin = send(database, cast)
    here = f"/ban-tin/{bulletin.id}"
    form = form_of(minh.get(here))
    with database.write() as session:
        found = bulletins.get(session, bulletin.id)
        draft = msgspec.structs.replace(found.draft, title="Tên khác")
        bulletins.edit(session, found, cast.hoa, draft, NOON)
        bulletins.submit(session, found, cast.hoa, NOON)
    answer = minh.post(here + "/duyet", data=form)
    assert answer.status_code == 400
    assert "đã được sửa sau khi trang được mở" in words(answer)
    assert state_of(database, bulletin) is State.SUBMITTED


def test_it_shows_what_changed_since_the_last_approval(minh, database, cast, approved):
    with database.write() as session:
        found = bulletins.get(session, approved.id)
        draft = msgspec.structs.replace(
            found.draft, title="Tên <mới>", priority=Priority.PRIORITY, parts=spoken("Mời bà con đến nhà văn hóa.")
        )  # fmt: skip
        bulletins.edit(session, found, cast.hoa, draft, NOON)
        give_sound(session, found)
        bulletins.submit(session, found, cast.hoa, NOON)
    page = minh.get(f"/ban-tin/{approved.id}")
    told = words(page)
    assert "Đã đổi so với bản duyệt trước: tên bản tin, lời văn, mức ưu tiên" in told
    assert "thông thường → , nay là ưu tiên" in told
    assert "<del>“Lịch tiêm chủng”</del>" in page.text
    assert "<ins>“Tên &lt;mới&gt;”</ins>" in page.text
    assert re.search(r"<ins>.*nhà văn hóa\..*</ins>", page.text)


# --- emergencies -----------------------------------------------------------------------------------


@pytest.fixture
def second(sign_in, database, cast):
    with database.write() as session:
        person = another_approver(session)
    return sign_in(person)


@pytest.fixture
def urgent(database, cast):
    return send(database, cast, title="Lũ về", priority=Priority.EMERGENCY)


def test_an_emergency_is_approved_by_two(minh, second, hoa, database, cast, urgent):
    here = f"/ban-tin/{urgent.id}"
    form = form_of(minh.get(here))
    answer = minh.post(here + "/duyet", data=form, follow_redirects=True)
    assert "còn chờ một người duyệt khác" in words(answer)
    assert "Minh đã duyệt lúc 12:00 ngày 21/11/2026, cần một người duyệt khác." in words(answer)
    assert "Duyệt cho phát" not in words(answer)
    assert "Bạn đã duyệt rồi" in words(answer)
    assert state_of(database, urgent) is State.SUBMITTED
    again = minh.post(here + "/duyet", data=form)
    assert again.status_code == 400
    assert "cần một người duyệt khác" in words(again)
    assert hoa.post(here + "/duyet", data=form).status_code == 403
    assert "Minh đã duyệt lúc" in words(second.get(here))
    answer = second.post(here + "/duyet", data=form_of(second.get(here)), follow_redirects=True)
    assert "Đã duyệt. Bản tin có thể phát." in words(answer)
    assert state_of(database, urgent) is State.APPROVED


def test_an_approver_who_wrote_it_is_neither_of_the_two(minh, second, database, cast):
    bulletin = send(database, cast, by=cast.minh, priority=Priority.EMERGENCY)
    here = f"/ban-tin/{bulletin.id}"
    form = form_of(second.get(here))
    second.post(here + "/duyet", data=form)
    assert minh.post(here + "/duyet", data=form).status_code == 403
    assert state_of(database, bulletin) is State.SUBMITTED


def test_a_rejection_after_the_first_approval_ends_it(minh, second, hoa, database, urgent):
    here = f"/ban-tin/{urgent.id}"
    form = form_of(minh.get(here))
    minh.post(here + "/duyet", data=form)
    assert second.post(here + "/tra-lai", data={**form, "reason": "Sai tên thôn."}).location == here
    assert state_of(database, urgent) is State.REJECTED
    hoa.post(here + "/gui-duyet")
    second.post(here + "/duyet", data=form)
    assert state_of(database, urgent) is State.SUBMITTED
    assert "Duyệt cho phát" in words(minh.get(here))


def test_it_says_when_the_station_has_too_few_approvers(minh, hoa, admin, database, cast, urgent):
    here = f"/ban-tin/{urgent.id}"
    told = words(hoa.get(here))
    assert "Chưa ai duyệt được bản tin này." in told
    assert "cần 2 người duyệt khác nhau" in told
    assert "emergency_approvers = 1" in told
    assert "/can-bo" in admin.get(here).text
    with database.write() as session:
        another_approver(session)
    assert "Chưa ai duyệt được" not in words(hoa.get(here))
    minh.post(here + "/duyet", data=form_of(minh.get(here)))
    assert "Chưa ai duyệt được" not in words(hoa.get(here))
    with database.write() as session:
        session.execute(sa.update(Staff).where(Staff.login == "duyet2").values(active=False))
    assert "đài không còn người như vậy" in words(hoa.get(here))


def test_it_says_so_when_the_only_approver_wrote_a_bulletin(minh, database, cast):
    bulletin = send(database, cast, by=cast.minh)
    told = words(minh.get(f"/ban-tin/{bulletin.id}"))
    assert "Bản tin cần một người duyệt không soạn, không sửa nó; đài không còn" in told


def test_one_approver_is_enough_where_the_station_says_so(config, database, cast, urgent, clock):
    content = msgspec.structs.replace(config.content, emergency_approvers=1)
    app = create_app(msgspec.structs.replace(config, content=content), database, clock=clock)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    client = app.test_client()
    with client.session_transaction() as session:
        session["staff"], session["stamp"] = cast.minh.id, cast.minh.session_stamp
    here = f"/ban-tin/{urgent.id}"
    assert "Chưa ai duyệt được" not in words(client.get(here))
    client.post(here + "/duyet", data=form_of(client.get(here)))
    assert state_of(database, urgent) is State.APPROVED


# --- the queue -------------------------------------------------------------------------------------


def queued(answer):
    """Titles in the order of the page."""
    return re.findall(r'<a class="row"[^>]*>\s*<b>([^<]*)</b>', answer.text)


def test_it_puts_emergencies_first_then_who_waits_longest(minh, lan, database, cast):
    send(database, cast, title="Sau", now=after(NOON, -MINUTE))
    send(database, cast, title="Trước", now=after(NOON, -HOUR))
    send(database, cast, title="Lũ", priority=Priority.EMERGENCY)
    page = minh.get("/duyet")
    assert queued(page) == ["Lũ", "Trước", "Sau"]
    assert "Hoa soạn · chờ từ 11:00 ngày 21/11/2026 (1 giờ trước) · dài 30 giây" in words(page)
    assert "chưa duyệt lần nào" in words(page)
    assert queued(lan.get("/duyet")) == ["Lũ", "Trước", "Sau"]


def test_it_sets_apart_what_its_reader_cannot_decide(minh, second, database, cast, urgent):
    send(database, cast, title="Của Minh", by=cast.minh)
    send(database, cast, title="Của Hoa")
    minh.post(f"/ban-tin/{urgent.id}/duyet", data=form_of(minh.get(f"/ban-tin/{urgent.id}")))
    mine, _, others = minh.get("/duyet").text.partition("Đang chờ người duyệt khác")
    assert "Của Hoa" in mine
    assert "Lũ về" in others
    assert "Của Minh" in others
    told = words(minh.get("/duyet"))
    assert "Bạn đã soạn hoặc sửa nên cần người duyệt khác." in told
    assert "Minh đã duyệt lúc 12:00 ngày 21/11/2026, còn cần một người duyệt khác." in told
    assert "Đang chờ người duyệt khác" not in words(second.get("/duyet"))


def test_it_shows_when_it_is_to_sound_and_what_changed(minh, database, cast, approved):
    with database.write() as session:
        found = bulletins.get(session, approved.id)
        draft = msgspec.structs.replace(found.draft, title="Tên mới")
        rule = Rule(kind=Kind.ONCE, at=time(17), start_date=date(2026, 11, 21), area_ids=(1,))
        schedules.add(session, found, cast.hoa, rule, now=NOON, zone=ZONE)
        bulletins.edit(session, found, cast.hoa, draft, NOON)
        bulletins.submit(session, found, cast.hoa, NOON)
    told = words(minh.get("/duyet"))
    assert "hẹn phát 17:00" in told
    assert "Đã đổi so với bản duyệt trước: tên bản tin" in told


def test_it_says_when_nothing_waits(minh, hoa):
    assert "Không có bản tin nào chờ bạn duyệt." in words(minh.get("/duyet"))
    assert "Không có bản tin nào đang chờ duyệt." in words(hoa.get("/duyet"))


# --- withdrawal ------------------------------------------------------------------------------------


def test_it_shows_what_a_withdrawal_stops_and_stops_it(hoa, database, cast, approved, broadcast):
    with database.write() as session:
        daily = Rule(kind=Kind.DAILY, at=time(17), start_date=date(2026, 11, 21), area_ids=(2,))
        found = bulletins.get(session, approved.id)
        schedules.add(session, found, cast.minh, daily, now=NOON, zone=ZONE)
        other = approved_bulletin(session, cast, title="Khác")
        kept = schedules.add(session, other, cast.hoa, daily, now=NOON, zone=ZONE).id
        plan(session, NOON)
    here = f"/ban-tin/{approved.id}/thu-hoi"
    told = words(hoa.get(here))
    assert "2 lịch phát sẽ kết thúc ngay" in told
    assert "17:00 hằng ngày, từ 21/11/2026, chưa có ngày kết thúc thôn Đông · Minh đặt" in told
    assert "3 lượt phát sẽ bị huỷ hoặc dừng 12:30 ngày 21/11/2026" in told
    answer = hoa.post(here, follow_redirects=True)
    assert "Đã kết thúc 2 lịch phát, huỷ hoặc dừng 3 lượt phát." in words(answer)
    with database.write() as session:
        plan(session, NOON)
        ended = {s.id: s.ended_at for s in session.scalars(sa.select(Schedule))}
        stopped = session.scalars(
            sa.select(Broadcast.stop_requested_at).order_by(Broadcast.bulletin_id)
        )
        assert list(stopped) == [NOON] * 3 + [None] * 2
    assert [number for number, at in ended.items() if at is None] == [kept]


def test_it_says_when_a_withdrawal_stops_nothing(hoa, approved):
    here = f"/ban-tin/{approved.id}/thu-hoi"
    assert "không có lịch phát nào đang chạy" in words(hoa.get(here))
    answer = hoa.post(here, follow_redirects=True)
    assert "Đã thu hồi bản tin." in words(answer)
    assert "Đã kết thúc" not in words(answer)


def test_whoever_may_not_withdraw_ends_no_schedule(lan, database, broadcast, approved):
    assert lan.post(f"/ban-tin/{approved.id}/thu-hoi").status_code == 403
    with database.read() as session:
        assert session.scalars(sa.select(Schedule.ended_at)).all() == [None]
