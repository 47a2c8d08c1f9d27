from __future__ import annotations

import io
import re
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from content import bulletins
from content.bulletins import Priority
from loa.times import HOUR, MINUTE, after
from scheduler import alert_consent, alert_orders, alert_templates, alerts, cap
from scheduler.alert_orders import Order
from scheduler.alerts import Alert, State
from scheduler.regulation import Regulation
from scheduler.targets import Where
from tests.cast import NOON, ZONE, another_approver, approved_bulletin, give_sound
from tests.web.conftest import error_at, plan, words
from web import alert_names
from web.emergency_forms import LATE

SAMPLES = Path(__file__).parent.parent / "cap"
FLOOD = {"blank_0": "thôn Bãi", "blank_1": "đồi chè", "blank_2": "114", "hours": 2, "every": 5}


@pytest.fixture
def one(database, cast):
    """The only alert there is, as it now is."""

    def look() -> Alert:
        with database.read() as session:
            return session.scalars(sa.select(Alert)).one()

    return look


@pytest.fixture
def second(database, cast, sign_in):
    with database.write() as session:
        person = another_approver(session)
    return sign_in(person)


@pytest.fixture
def waiting(database, cast):
    """Prepared by Hoa for one village, its sound made."""
    with database.write() as session:
        order = Order(
            where=Where((cast.villages[0].id,)), expires_at=after(NOON, 2 * HOUR), every_ms=5 * MINUTE,
            title="Lũ lên nhanh", body="Bà con rời chỗ thấp.", template="lu",
        )  # fmt: skip
        alert = alert_orders.prepare(session, cast.hoa, order, NOON, ZONE)
        give_sound(session, alert.bulletin)
        return alert


@pytest.fixture
def sounding(database, cast, waiting):
    with database.write() as session:
        alert = session.get_one(Alert, waiting.id)
        for person in (cast.minh, another_approver(session)):
            heard = alert.bulletin.sounds.values()
            alert_consent.agree(session, alert, person, heard, NOON, ZONE)
        return alert


def consent(alert: Alert, **more: object) -> dict[str, object]:
    return {
        "version": 1, "sha": list(alert.bulletin.sounds.values()), "terms": alerts.terms(alert), "heard": "y", **more
    }  # fmt: skip


# -- reached from anywhere ------------------------------------------------------------------------


def test_every_page_leads_to_it_and_it_to_each_template(hoa) -> None:
    assert 'href="/khan-cap"' in hoa.get("/nhat-ky").text
    page = hoa.get("/khan-cap")
    assert 'href="/khan-cap/moi?mau=lu"' in page.text
    assert "Không có lệnh khẩn cấp nào" in words(page)


def test_who_only_looks_on_sees_it_and_prepares_nothing(lan, waiting) -> None:
    page = words(lan.get("/khan-cap"))
    assert "Lũ lên nhanh" in page
    assert "Phát lệnh mới" not in page
    assert lan.get("/khan-cap/moi?mau=lu").status_code == 403


def test_it_says_how_many_receivers_would_not_hear_of_it(hoa) -> None:
    assert "3 đầu thu, 3 đang mất kết nối: Cột r-0000, Cột r-0001, Cột r-0002" in words(
        hoa.get("/khan-cap")
    )


# -- preparing ------------------------------------------------------------------------------------


def test_a_template_is_filled_in_and_waits(hoa, cast, one) -> None:
    answer = hoa.post("/khan-cap/moi?mau=lu", data={**FLOOD, "area_ids": [cast.commune.id]})
    assert answer.status_code == 302, words(answer)
    alert = one()
    assert alert.state is State.WAITING
    assert alert.title == "Lũ lên nhanh ở thôn Bãi"
    assert "đi lên đồi chè" in alert.bulletin.body
    assert (alert.expires_at, alert.every_ms) == (after(NOON, 2 * HOUR), 5 * MINUTE)
    assert "Đang tạo âm thanh" in words(hoa.get(f"/khan-cap/{alert.id}"))


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"blank_0": ""}, "blank_0", "[nơi]"),
        ({"hours": 25}, "hours", "24 giờ"),
        ({"hours": ""}, "hours", "phải có hạn"),
        ({"hours": -999999999}, "hours", "phải có hạn"),
        ({"hours": 24, "every": 2}, "every", "nhiều nhất 60 lần"),
        ({"times": -1}, "times", "không dùng được"),
        ({"area_ids": []}, "area_ids", "ít nhất một địa bàn"),
    ],
)
def test_what_is_missing_is_said_at_its_field(hoa, cast, database, wrong, field, sentence) -> None:
    values = {**FLOOD, "area_ids": [cast.commune.id], **wrong}
    answer = hoa.post("/khan-cap/moi?mau=lu", data=values)
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count(Alert.id))) == 0


def test_words_of_ones_own_and_a_bulletin_approved_before(hoa, cast, database) -> None:
    with database.write() as session:
        known = approved_bulletin(session, cast, priority=Priority.EMERGENCY, title="Vỡ đê")
    usual = {"hours": 1, "every": 0, "area_ids": [cast.commune.id]}
    own = {"title": "Nứt cầu", "body": "Không qua cầu Đông."}
    assert hoa.post("/khan-cap/moi", data={**usual, **own}).status_code == 302
    assert "đã duyệt" in words(hoa.get(f"/khan-cap/moi?ban_tin={known.id}"))
    assert hoa.post(f"/khan-cap/moi?ban_tin={known.id}", data=usual).status_code == 302
    with database.read() as session:
        assert session.scalars(sa.select(Alert.title).order_by(Alert.id)).all() == [
            "Nứt cầu",
            "Vỡ đê",
        ]


def test_a_drill_is_marked_wherever_it_is_shown(hoa, minh, cast, one, database) -> None:
    values = {**FLOOD, "area_ids": [cast.commune.id], "drill": "y"}
    hoa.post("/khan-cap/moi?mau=lu", data=values)
    alert = one()
    with database.write() as session:
        give_sound(session, session.get_one(Alert, alert.id).bulletin)
    for address in ("/khan-cap", f"/khan-cap/{alert.id}", "/"):
        assert "diễn tập" in words(minh.get(address)).casefold(), address
    minh.post(f"/khan-cap/{alert.id}/dong-y", data=consent(one(), sure="cả đài"))
    assert one().state is State.ACTIVE
    assert "Đang diễn tập" in words(hoa.get("/nhat-ky"))
    assert "Đang phát khẩn cấp" not in words(hoa.get("/nhat-ky"))


def test_each_template_and_blank_has_a_name_that_can_be_said_otherwise():
    names = {key: each.name for key, each in alert_templates.known().items()}
    assert {key: str(alert_names.NAMES[key]) for key in names} == names
    blanks = {
        name for each in alert_templates.known().values() for name in alert_templates.blanks(each)
    }
    assert blanks == set(alert_names.BLANKS)


# -- agreeing -------------------------------------------------------------------------------------


def test_an_approver_is_told_on_the_first_page_and_in_every_head(minh, hoa, waiting) -> None:
    assert "Lệnh khẩn cấp “Lũ lên nhanh” chờ bạn nghe và đồng ý" in words(minh.get("/"))
    assert "1 lệnh chờ bạn" in words(minh.get("/nhat-ky"))
    assert "lệnh chờ bạn" not in words(hoa.get("/nhat-ky"))


def test_two_approvers_hear_and_agree(minh, second, waiting, one) -> None:
    here = f"/khan-cap/{waiting.id}"
    page = minh.get(here)
    assert "Đồng ý: phát ngay" in words(page)
    assert page.text.count('name="sha"') == 1
    assert minh.post(f"{here}/dong-y", data=consent(waiting)).status_code == 302
    assert "còn chờ một người duyệt khác" in words(minh.get(here))
    assert "Đồng ý: phát ngay" not in words(minh.get(here))
    second.post(f"{here}/dong-y", data=consent(waiting))
    assert one().state is State.ACTIVE
    assert "Dừng lệnh này" in words(second.get(here))


def test_nobody_agrees_unheard(minh, waiting, one) -> None:
    answer = minh.post(f"/khan-cap/{waiting.id}/dong-y", data={**consent(waiting), "heard": ""})
    assert answer.status_code == 400
    assert "Hãy nghe hết bản ghi" in words(answer)
    assert one().state is State.WAITING


@pytest.mark.parametrize("door", ["dong-y", "mot-minh"])
def test_an_order_the_network_held_back_for_long_is_not_carried_out(
    minh, waiting, one, clock, door
) -> None:
    pressed = {**consent(waiting), "pressed": str(clock.now)}
    clock.move(LATE + 1)
    answer = minh.post(f"/khan-cap/{waiting.id}/{door}", data=pressed)
    assert answer.status_code == 400
    assert "Lệnh bấm lúc 12:00:00 mà tới đài lúc 12:01:30 nên không được thực hiện" in words(answer)
    assert one().state is State.WAITING
    assert one().agreed_at is None


@pytest.mark.parametrize("pressed", [NOON, NOON + HOUR, ""])
def test_an_order_that_comes_in_time_is_carried_out(minh, waiting, clock, pressed) -> None:
    """Also of a page whose clock is ahead, and of one without scripts."""
    clock.move(LATE)
    sent = {**consent(waiting), "pressed": str(pressed)}
    assert minh.post(f"/khan-cap/{waiting.id}/dong-y", data=sent).status_code == 302


def test_a_time_that_no_calendar_has_is_only_a_late_one(minh, waiting) -> None:
    sent = {**consent(waiting), "pressed": "-9" + "9" * 30}
    answer = minh.post(f"/khan-cap/{waiting.id}/dong-y", data=sent)
    assert answer.status_code == 400
    assert "nên không được thực hiện" in words(answer)


def test_a_sound_changed_meanwhile_is_heard_anew(minh, waiting) -> None:
    answer = minh.post(f"/khan-cap/{waiting.id}/dong-y", data=consent(waiting, sha="f" * 64))
    assert answer.status_code == 400
    assert "nghe lại" in words(answer)


@pytest.mark.parametrize("door", ["dong-y", "mot-minh"])
def test_what_was_agreed_to_is_what_the_page_showed(
    minh, hoa, waiting, cast, one, database, door
) -> None:
    here = f"/khan-cap/{waiting.id}"
    assert f'name="terms" value="{alerts.terms(waiting)}"' in minh.get(here).text
    hoa.post(f"{here}/noi-phat", data={"area_ids": [cast.villages[1].id, cast.villages[2].id]})
    for terms in (alerts.terms(waiting), ""):
        answer = minh.post(f"{here}/{door}", data=consent(waiting, terms=terms))
        assert answer.status_code == 400
        assert "Lệnh đã đổi từ lúc mở trang" in words(answer)
    assert one().state is State.WAITING


def test_the_bulletin_of_one_that_sounds_is_not_taken_back_by_its_page(
    hoa, sounding, one, database
) -> None:
    here = f"/ban-tin/{sounding.bulletin_id}"
    version = sounding.bulletin.version
    for act in ("thu-hoi", "doc-lai"):
        answer = hoa.post(f"{here}/{act}", data={"version": version})
        assert "dừng lệnh ở trang Khẩn cấp trước" in words(answer)
    with database.read() as session:
        kept = session.get_one(Alert, sounding.id).bulletin
    assert (kept.version, kept.state) == (version, bulletins.State.APPROVED)


def test_the_whole_station_is_asked_twice(minh, second, hoa, waiting, cast, one) -> None:
    here = f"/khan-cap/{waiting.id}"
    hoa.post(f"{here}/noi-phat", data={"area_ids": [cast.commune.id]})
    assert 'data-hold="cả đài"' in minh.get(here).text
    answer = minh.post(f"{here}/dong-y", data=consent(waiting))
    assert answer.status_code == 400
    assert "giữ nút 3 giây" in error_at(answer, "dong-y-sure")
    for person in (minh, second):
        assert person.post(f"{here}/dong-y", data=consent(one(), sure="Ca dai")).status_code == 302
    assert one().state is State.ACTIVE


def test_who_prepared_it_is_told_to_call_another(hoa, minh, waiting) -> None:
    assert "Bạn đã chuẩn bị lệnh này" in words(hoa.get(f"/khan-cap/{waiting.id}"))
    assert hoa.post(f"/khan-cap/{waiting.id}/dong-y", data=consent(waiting)).status_code == 403


def test_one_officer_alone_where_the_regulation_says_so(minh, waiting, database, one) -> None:
    here = f"/khan-cap/{waiting.id}"
    assert "Không gọi được người thứ hai" not in words(minh.get(here))
    assert minh.post(f"{here}/mot-minh", data=consent(waiting)).status_code == 400
    with database.write() as session:
        rules = session.scalars(sa.select(Regulation)).one()
        rules.rules = msgspec.structs.replace(rules.rules, alone_minutes=10)
    assert "Tự phát 10 phút" in words(minh.get(here))
    assert minh.post(f"{here}/mot-minh", data=consent(waiting)).status_code == 302
    assert one().is_alone
    assert "Minh tự phát" in words(minh.get("/khan-cap"))


# -- while it sounds ------------------------------------------------------------------------------


def test_every_page_says_that_it_sounds(lan, sounding, clock) -> None:
    assert "Đang phát khẩn cấp: Lũ lên nhanh · đến 14:00" in words(lan.get("/nhat-ky"))


def test_it_is_stopped_with_a_reason_by_one_tap_more(minh, hoa, sounding, one) -> None:
    here = f"/khan-cap/{sounding.id}/dung"
    assert "Báo nhầm" in words(minh.get(here))
    answer = minh.post(here, data={"why": " "})
    assert answer.status_code == 400
    assert "Hãy ghi lý do" in error_at(answer, "why")
    assert hoa.post(here, data={"vi": "Báo nhầm"}).status_code == 403
    assert minh.post(here, data={"vi": "Báo nhầm"}).status_code == 302
    assert (one().state, one().ended_why) == (State.ENDED, "Báo nhầm")
    assert "Minh: Báo nhầm" in words(minh.get("/khan-cap"))
    assert "không còn hiệu lực" in words(minh.get(here))


def test_one_that_waits_is_dropped_with_a_reason(hoa, waiting, one) -> None:
    here = f"/khan-cap/{waiting.id}/bo"
    assert hoa.post(here, data={"why": ""}).status_code == 400
    assert hoa.post(here, data={"why": "báo nhầm"}).status_code == 302
    assert one().state is State.REFUSED
    assert "không còn chờ" in words(hoa.get(here))


def test_its_page_shows_each_run(minh, sounding, database) -> None:
    with database.write() as session:
        plan(session, NOON)
    page = words(minh.get(f"/khan-cap/{sounding.id}"))
    assert "Các lần phát" in page
    assert "12:00:03" in page


def test_one_that_is_not_there_is_said_to_be(hoa) -> None:
    assert hoa.get("/khan-cap/99").status_code == 404
    assert hoa.get("/khan-cap/moi?mau=khong-co").status_code == 404


def test_the_head_costs_one_question(lan, queries, sounding) -> None:
    with queries:
        lan.get("/mat-khau")
    before = queries.number
    assert before <= 8


# -- CAP ------------------------------------------------------------------------------------------


def send(client, name: str):
    data = {"upload": (io.BytesIO((SAMPLES / f"{name}.xml").read_bytes()), f"{name}.xml")}
    return client.post("/khan-cap/nhan-cap", data=data, content_type="multipart/form-data")


def test_a_message_brought_waits_for_a_place_and_for_people(hoa, minh, cast, database, one) -> None:
    answer = send(hoa, "alert")
    assert answer.status_code == 302
    alert = one()
    page = hoa.get(f"/khan-cap/{alert.id}")
    assert "Nơi gửi viết: xã Mẫu, thôn Đông. Mã: DVHC 00123." in words(page)
    ticked = re.findall(r'name="area_ids" value="(\d+)" checked', page.text)
    assert ticked == [str(cast.commune.id), str(cast.villages[0].id)]
    with database.write() as session:
        give_sound(session, session.get_one(Alert, alert.id).bulletin)
    assert "Đồng ý: phát ngay" not in words(minh.get(f"/khan-cap/{alert.id}"))
    hoa.post(f"/khan-cap/{alert.id}/noi-phat", data={"area_ids": [cast.villages[0].id]})
    assert "Đồng ý: phát ngay" in words(minh.get(f"/khan-cap/{alert.id}"))


def test_a_message_that_is_none_is_refused_at_its_field(hoa) -> None:
    answer = send(hoa, "bad/no_xml")
    assert answer.status_code == 400
    assert "không phải XML" in error_at(answer, "upload")
    answer = hoa.post("/khan-cap/nhan-cap", data={})
    assert "Hãy chọn tệp CAP" in error_at(answer, "upload")


def test_a_test_message_is_listed_and_nothing_more(hoa, database) -> None:
    assert send(hoa, "test").status_code == 302
    assert "chỉ lưu lại, không chuẩn bị phát" in words(hoa.get("/khan-cap/nhan-cap"))


def test_what_sounds_may_be_had_as_cap(lan, sounding) -> None:
    answer = lan.get(f"/khan-cap/{sounding.id}.cap")
    assert answer.mimetype == "application/cap+xml"
    message = cap.parse(answer.data)
    assert (message.kind, message.status) == ("Alert", "Actual")


def test_what_only_waits_is_no_message_yet(lan, waiting) -> None:
    assert lan.get(f"/khan-cap/{waiting.id}.cap").status_code == 404


def test_the_list_says_what_its_reader_is_to_do(minh, hoa, waiting) -> None:
    assert "Nghe và đồng ý Lũ lên nhanh" in words(minh.get("/khan-cap"))
    assert "Xem Lũ lên nhanh" in words(hoa.get("/khan-cap"))
