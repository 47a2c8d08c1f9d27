"""The second step: setting it up, signing in with it, and giving it again before an emergency sounds."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
import sqlalchemy as sa

from content import bulletins
from content.bulletins import Bulletin, Draft, Priority
from content.parts import spoken
from loa import one_time, second_step, staff
from loa.audit import AuditEntry
from loa.config import StaffTable
from loa.one_time import PERIOD
from loa.second_step import FRESH
from loa.staff import Staff
from loa.times import HOUR, MINUTE, after
from scheduler import alert_orders, alerts
from scheduler.alert_orders import Order
from scheduler.alerts import Alert, State
from scheduler.targets import Where
from tests.cast import NOON, PASSWORD, ZONE, give_sound
from tests.web.conftest import error_at, words
from web import current


class Phone:
    """An authenticator app."""

    def __init__(self, secret: str, clock) -> None:
        self.secret, self.clock = secret, clock

    def code(self, ahead: int = 0) -> str:
        """What it shows, where its clock is so many milliseconds ahead of the station's."""
        return one_time.code_of(self.secret, (self.clock() + ahead) // PERIOD)


@pytest.fixture
def set_up(clock):
    """``set_up(client)``: (the person's phone, the recovery codes on paper), through the pages."""

    def set_up(client, password=PASSWORD):
        assert client.post("/tai-khoan/buoc-hai", data={"present": password}).status_code == 302
        secret = re.search(r"<code>([A-Z2-7]{32})</code>", client.get("/tai-khoan").text)[1]
        phone = Phone(secret, clock)
        page = client.post("/tai-khoan/buoc-hai/xac-nhan", data={"code": phone.code()})
        assert page.status_code == 200, words(page)
        return phone, re.findall(r"<code>(\w{5}-\w{5})</code>", page.text)

    return set_up


def give(client, login="minh", password=PASSWORD, target="/duyet"):
    return client.post(f"/dang-nhap?tiep={target}", data={"login": login, "password": password})


def step(client, code):
    return client.post("/dang-nhap/buoc-hai", data={"code": code})


def kinds(database) -> list[str]:
    with database.read() as session:
        found = session.scalars(sa.select(AuditEntry.kind).order_by(AuditEntry.n))
        return [kind for kind in found if kind.startswith(("second_step", "staff.sign_in"))]


# -- setting it up --------------------------------------------------------------------------------


def test_it_is_set_up_with_the_password_and_the_phones_first_code(minh, database, set_up):
    assert "svg" not in minh.get("/tai-khoan").text.split('id="noi-dung"')[1]
    refused = minh.post("/tai-khoan/buoc-hai", data={"present": "sai-mat-khau"})
    assert refused.status_code == 400
    assert "Mật khẩu hiện nay không đúng" in words(refused)
    _, codes = set_up(minh)
    assert len(set(codes)) == 10
    page = minh.get("/tai-khoan")
    assert "Còn 10 mã dự phòng" in words(page)
    assert kinds(database) == ["staff.sign_in_failed", "second_step.on"]


def test_a_wrong_first_code_changes_nothing_and_a_wrong_clock_is_told(minh, clock, database, cast):
    minh.post("/tai-khoan/buoc-hai", data={"present": PASSWORD})
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", minh.get("/tai-khoan").text)[1]
    answer = minh.post("/tai-khoan/buoc-hai/xac-nhan", data={"code": "12 34"})
    assert answer.status_code == 400
    assert "Mã không đúng" in error_at(answer, "xac-nhan-code")
    ahead = Phone(secret, clock).code(ahead=7 * HOUR)
    told = error_at(
        minh.post("/tai-khoan/buoc-hai/xac-nhan", data={"code": ahead}), "xac-nhan-code"
    )
    assert "đồng hồ của đài chậm hơn điện thoại khoảng 420 phút" in told
    with database.read() as session:
        assert not second_step.is_on(session, cast.minh)


def test_the_square_is_shown_for_a_quarter_of_an_hour(minh, clock):
    minh.post("/tai-khoan/buoc-hai", data={"present": PASSWORD})
    page = minh.get("/tai-khoan")
    assert "<svg" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    clock.move(15 * MINUTE)
    assert "<code>" not in minh.get("/tai-khoan").text.split("buoc-hai")[-1]
    assert "quá 15 phút" in words(
        minh.post("/tai-khoan/buoc-hai/xac-nhan", data={"code": "123456"})
    )


def test_one_begun_is_given_up(minh):
    minh.post("/tai-khoan/buoc-hai", data={"present": PASSWORD})
    minh.post("/tai-khoan/buoc-hai/thoi")
    assert "Quét ô vuông" not in words(minh.get("/tai-khoan"))


def test_setting_it_up_ends_sign_ins_that_did_without(minh, sign_in, cast, set_up):
    other = sign_in(cast.minh)
    set_up(minh)
    assert minh.get("/").status_code == 200
    assert other.get("/").status_code == 302


def test_the_database_holds_neither_secret_nor_code_in_clear(minh, database, set_up):
    phone, codes = set_up(minh)
    with database.read() as session:
        kept = session.execute(sa.text("SELECT * FROM second_steps")).all()
        hashes = session.execute(sa.text("SELECT * FROM recovery_codes")).all()
    assert len(hashes) == 10
    assert phone.secret not in str(kept)
    assert not [
        code for code in codes if code in str(hashes) or code.replace("-", "") in str(hashes)
    ]


# -- signing in -----------------------------------------------------------------------------------


def test_the_password_alone_opens_nothing(minh, client, clock, database, set_up):
    phone, _ = set_up(minh)
    clock.move(MINUTE)
    assert give(client).location == "/dang-nhap/buoc-hai"
    assert client.get("/").status_code == 302
    assert "Chào Minh" in words(client.get("/dang-nhap/buoc-hai"))
    assert kinds(database)[-1] == "second_step.on"
    assert step(client, phone.code()).location == "/duyet"
    assert client.get("/").status_code == 200
    assert kinds(database)[-1] == "staff.sign_in"


def test_a_code_is_good_once_and_for_a_phone_half_a_minute_off(minh, app, clock, set_up):
    phone, _ = set_up(minh)
    clock.move(5 * MINUTE)
    first, second = app.test_client(), app.test_client()
    give(first), give(second)
    code = phone.code(ahead=-PERIOD)
    assert step(first, code).status_code == 302
    assert "Mã này đã dùng rồi" in error_at(step(second, code), "code")
    assert step(second, phone.code(ahead=2 * PERIOD)).status_code == 400
    assert step(second, phone.code(ahead=PERIOD)).status_code == 302


def test_a_wrong_code_tells_the_stations_time(minh, client, set_up):
    set_up(minh)
    give(client)
    told = error_at(step(client, "000000"), "code")
    assert "Giờ của đài đang là 12:00 ngày 21/11/2026" in told
    assert "Hãy gõ mã 6 số" in error_at(step(client, " "), "code")


def test_a_guesser_is_slowed_down_and_paper_still_lets_the_owner_in(minh, client, clock, set_up):
    phone, codes = set_up(minh)
    clock.move(MINUTE)
    give(client)
    for _ in range(staff.WRONG_BEFORE_WAIT):
        assert "Mã không đúng" in error_at(step(client, "000000"), "code")
    assert "Hãy chờ 5 phút" in error_at(step(client, phone.code()), "code")
    assert "Hãy chờ 5 phút" in error_at(step(client, "abcde-fghjk"), "code")
    answer = step(client, codes[3].upper().replace("-", " "))
    assert answer.status_code == 302
    assert "còn 9 mã" in words(client.get("/"))


def test_a_paper_code_is_good_once(minh, app, set_up):
    _, codes = set_up(minh)
    for expected in (302, 400):
        client = app.test_client()
        give(client)
        assert step(client, codes[0]).status_code == expected


def test_after_the_wait_the_phone_does_again(minh, client, clock, set_up):
    phone, _ = set_up(minh)
    give(client)
    for _ in range(staff.WRONG_BEFORE_WAIT):
        step(client, "000000")
    clock.move(staff.WAIT)
    assert step(client, phone.code()).status_code == 302


def test_it_waits_ten_minutes_for_the_code(minh, client, clock, set_up):
    phone, _ = set_up(minh)
    give(client)
    clock.move(10 * MINUTE)
    assert step(client, phone.code()).location == "/dang-nhap"


def test_a_password_changed_meanwhile_begins_anew(minh, client, clock, database, cast, set_up):
    phone, _ = set_up(minh)
    give(client)
    with database.write() as session:
        person = session.get_one(Staff, cast.minh.id)
        staff.change_password(session, person, "mat-khau-moi-1", now=clock(), by="minh")
    assert step(client, phone.code(ahead=PERIOD)).location == "/dang-nhap"


def test_a_clock_that_was_ahead_bars_nobody_once_put_right(minh, client, clock, set_up):
    clock.move(400 * 24 * HOUR)
    phone, _ = set_up(minh)
    give(client)
    for _ in range(staff.WRONG_BEFORE_WAIT):
        step(client, "000000")
    clock.now = after(NOON, HOUR)
    give(client)
    assert step(client, phone.code()).status_code == 302


def test_without_its_key_a_secret_opens_nothing_but_paper_does(minh, client, clock, config, set_up):
    phone, codes = set_up(minh)
    (config.secrets / "second-step.key").unlink()
    clock.move(MINUTE)
    give(client)
    assert "tệp khoá đã đổi" in error_at(step(client, phone.code()), "code")
    assert step(client, codes[0]).status_code == 302


def test_who_has_none_signs_in_as_ever(client, database):
    assert give(client, "hoa").location == "/duyet"
    assert kinds(database) == ["staff.sign_in"]


# -- before an emergency sounds -------------------------------------------------------------------


@pytest.fixture
def waiting(database, cast) -> Alert:
    with database.write() as session:
        order = Order(
            where=Where((cast.villages[0].id,)), expires_at=after(NOON, 4 * HOUR),
            title="Lũ lên nhanh", body="Bà con rời chỗ thấp.", template="lu",
        )  # fmt: skip
        alert = alert_orders.prepare(session, cast.hoa, order, NOON, ZONE)
        give_sound(session, alert.bulletin)
        return alert


@pytest.fixture
def urgent(database, cast) -> Bulletin:
    with database.write() as session:
        draft = Draft(title="Vỡ đê", parts=spoken("Bà con rời."), priority=Priority.EMERGENCY)
        bulletin = bulletins.write(session, cast.hoa, draft, NOON)
        give_sound(session, bulletin)
        bulletins.submit(session, bulletin, cast.hoa, NOON)
        return bulletin


def consent(alert: Alert, **more: object) -> dict[str, object]:
    sounds = list(alert.bulletin.sounds.values())
    return {"version": 1, "sha": sounds, "terms": alerts.terms(alert), "heard": "y", **more}


def approval(bulletin: Bulletin, **more: object) -> dict[str, object]:
    return {"version": 1, "sha": list(bulletin.sounds.values()), "heard": "y", **more}


def test_agreeing_wants_a_code_again_after_a_quarter_of_an_hour(minh, clock, set_up, waiting):
    phone, _ = set_up(minh)
    where = f"/khan-cap/{waiting.id}"
    assert 'name="code"' not in minh.get(where).text
    clock.move(FRESH)
    assert 'id="dong-y-code"' in minh.get(where).text
    refused = minh.post(f"{where}/dong-y", data=consent(waiting))
    assert "Hãy gõ mã 6 số" in error_at(refused, "dong-y-code")
    assert minh.post(f"{where}/dong-y", data=consent(waiting, code="000000")).status_code == 400
    agreed = minh.post(f"{where}/dong-y", data=consent(waiting, code=phone.code()))
    assert agreed.status_code == 302


def test_paper_agrees_too(minh, clock, set_up, waiting):
    _, codes = set_up(minh)
    clock.move(HOUR)
    where = f"/khan-cap/{waiting.id}/dong-y"
    assert minh.post(where, data=consent(waiting, code=codes[9])).status_code == 302


def test_a_code_typed_for_one_order_lasts_for_the_next(
    minh, clock, database, set_up, waiting, urgent
):
    phone, _ = set_up(minh)
    clock.move(HOUR)
    address = f"/ban-tin/{urgent.id}/duyet"
    assert minh.post(address, data=approval(urgent)).status_code == 400
    assert minh.post(address, data=approval(urgent, code=phone.code())).status_code == 302
    agreed = minh.post(f"/khan-cap/{waiting.id}/dong-y", data=consent(waiting))
    assert agreed.status_code == 302


def test_a_usual_bulletin_is_approved_without_a_code(minh, clock, database, cast, set_up):
    set_up(minh)
    with database.write() as session:
        bulletin = bulletins.write(
            session, cast.hoa, Draft(title="Họp", parts=spoken("Họp thôn.")), NOON
        )
        give_sound(session, bulletin)
        bulletins.submit(session, bulletin, cast.hoa, NOON)
    clock.move(HOUR)
    assert 'name="code"' not in minh.get(f"/ban-tin/{bulletin.id}").text
    assert minh.post(f"/ban-tin/{bulletin.id}/duyet", data=approval(bulletin)).status_code == 302


def test_a_clock_put_back_makes_no_code_last_longer(minh, clock, set_up, waiting):
    set_up(minh)
    clock.move(-HOUR)
    refused = minh.post(f"/khan-cap/{waiting.id}/dong-y", data=consent(waiting))
    assert "Hãy gõ mã" in words(refused)


def test_who_has_none_agrees_with_the_password_alone(minh, waiting):
    assert minh.post(f"/khan-cap/{waiting.id}/dong-y", data=consent(waiting)).status_code == 302


@pytest.fixture
def policy(app, config):
    """``policy("demanded")``: as config.toml says."""

    def policy(word: str) -> None:
        parts = current_parts(app)
        changed = msgspec.structs.replace(config, staff=StaffTable(second_step=word))
        app.extensions[current.EXTENSION] = type(parts)(
            changed, parts.database, parts.clock, parts.hub
        )

    return policy


def current_parts(app):
    return app.extensions[current.EXTENSION]


def test_where_it_is_demanded_nobody_approves_without(
    minh, policy, database, set_up, waiting, urgent
):
    policy("demanded")
    page = minh.get(f"/khan-cap/{waiting.id}")
    assert "Đài yêu cầu người duyệt có bước xác nhận thứ hai" in words(page)
    refused = minh.post(f"/khan-cap/{waiting.id}/dong-y", data=consent(waiting))
    assert refused.status_code == 400
    assert "Hãy đặt ở trang Tài khoản" in words(refused)
    assert minh.post(f"/ban-tin/{urgent.id}/duyet", data=approval(urgent)).status_code == 400
    set_up(minh)
    assert minh.post(f"/khan-cap/{waiting.id}/dong-y", data=consent(waiting)).status_code == 302


def test_alone_is_no_way_around(minh, policy, database, waiting, cast):
    policy("demanded")
    refused = minh.post(f"/khan-cap/{waiting.id}/mot-minh", data=consent(waiting))
    assert "Hãy đặt ở trang Tài khoản" in words(refused)
    with database.read() as session:
        assert session.get_one(Alert, waiting.id).state is State.WAITING


# -- reminded -------------------------------------------------------------------------------------


def test_it_reminds_whoever_approves_stops_or_manages(app, policy, hoa, minh, lan, admin, set_up):
    told = "chỉ có mật khẩu"
    assert [told in words(each.get("/")) for each in (hoa, minh, lan, admin)] == [
        False, True, False, True,
    ]  # fmt: skip
    set_up(minh)
    assert told not in words(minh.get("/"))
    policy("none")
    assert told not in words(admin.get("/"))


# -- lost -----------------------------------------------------------------------------------------


def test_an_admin_takes_it_off_and_the_person_is_told(
    minh, admin, client, clock, database, set_up, cast
):
    set_up(minh)
    assert "Tắt bước xác nhận thứ hai" in words(admin.get("/can-bo"))
    assert "gọi đúng người ấy" in words(admin.get(f"/can-bo/{cast.minh.id}/buoc-hai"))
    assert admin.post(f"/can-bo/{cast.minh.id}/buoc-hai").status_code == 302
    assert minh.get("/").status_code == 302
    assert give(client).location == "/duyet"
    assert "“quantri” đã tắt bước xác nhận thứ hai của tài khoản bạn" in words(client.get("/"))
    assert "“quantri” đã tắt" in words(client.get("/tai-khoan"))
    with database.read() as session:
        entry = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.kind == "second_step.off")
        ).one()
    assert (entry.actor, json.loads(entry.data)) == ("quantri", {"login": "minh"})


def test_there_is_nothing_to_take_off_of_who_has_none(admin, cast):
    assert "chưa đặt" in words(admin.get(f"/can-bo/{cast.hoa.id}/buoc-hai"))
    assert admin.post(f"/can-bo/{cast.hoa.id}/buoc-hai").status_code == 409


def test_nobody_takes_off_their_own_without_password_and_code(admin, minh, clock, cast, set_up):
    set_up(admin)
    assert admin.post(f"/can-bo/{cast.admin.id}/buoc-hai").status_code == 409
    phone, _ = set_up(minh)
    clock.move(HOUR)
    for sent in (
        {"present": PASSWORD},
        {"code": phone.code()},
        {"present": "x", "code": phone.code()},
    ):
        assert minh.post("/tai-khoan/tat-buoc-hai", data=sent).status_code == 400
    sent = {"present": PASSWORD, "code": phone.code()}
    assert minh.post("/tai-khoan/tat-buoc-hai", data=sent).status_code == 302
    assert "Đã tắt bước xác nhận thứ hai" in words(minh.get("/tai-khoan"))


def test_guessing_ones_own_password_is_slowed_down_too(minh):
    for _ in range(staff.WRONG_BEFORE_WAIT):
        minh.post("/tai-khoan/buoc-hai", data={"present": "sai"})
    refused = minh.post("/tai-khoan/buoc-hai", data={"present": PASSWORD})
    assert "Đã nhập sai nhiều lần" in words(refused)


def test_new_paper_makes_the_old_worthless(minh, app, clock, set_up):
    phone, old = set_up(minh)
    clock.move(HOUR)
    assert minh.post("/tai-khoan/ma-du-phong").status_code == 400
    page = minh.post("/tai-khoan/ma-du-phong", data={"code": phone.code()})
    new = re.findall(r"<code>(\w{5}-\w{5})</code>", page.text)
    for code, expected in ((old[0], 400), (new[0], 302)):
        client = app.test_client()
        give(client)
        assert step(client, code).status_code == expected


def test_another_phone_takes_over_once_it_is_confirmed(minh, app, clock, set_up):
    old, _ = set_up(minh)
    clock.move(MINUTE)
    new, _ = set_up(minh)
    clock.move(MINUTE)
    for phone, expected in ((old, 400), (new, 302)):
        client = app.test_client()
        give(client)
        assert step(client, phone.code()).status_code == expected
