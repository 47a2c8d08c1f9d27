from __future__ import annotations

import argon2
import pytest

from loa import staff
from loa.staff import Staff
from loa.times import MINUTE
from loa.turns import Turns
from tests.cast import PASSWORD
from tests.web.conftest import words


def give(client, login="hoa", password=PASSWORD, target=""):
    where = f"/dang-nhap?tiep={target}" if target else "/dang-nhap"
    return client.post(where, data={"login": login, "password": password})


def test_it_asks_a_stranger_to_sign_in_and_leads_on(client):
    answer = client.get("/ban-tin?tim=họp")
    assert answer.status_code == 302
    assert answer.location.startswith("/dang-nhap?tiep=/ban-tin")
    assert give(client, target="/ban-tin?tim=họp").location.startswith("/ban-tin?tim=")


def test_it_reads_nothing_of_a_strangers_post(client, config):
    answer = client.post("/ban-tin/moi", data={"upload": (b"x" * 1000, "a.mp3")})
    assert answer.status_code == 302
    assert not list(config.work.glob("*")) if config.work.exists() else True


def test_it_tells_a_live_page_to_sign_in_again(client):
    answer = client.get("/hom-nay", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/dang-nhap")
    assert client.get("/truc-tiep").status_code == 401


def test_it_keeps_the_cookie_from_scripts_and_other_sites(client):
    cookie = give(client).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "ban-tin",
        "/%0a/x",
    ],
)
def test_it_never_leads_out_of_the_station(client, target):
    assert give(client, target=target).location == "/"


@pytest.mark.parametrize(("login", "password"), [("hoa", "sai-mat-khau"), ("khong-ai", PASSWORD)])
def test_it_says_the_same_of_a_wrong_login_and_a_wrong_password(client, login, password):
    answer = give(client, login, password)
    assert answer.status_code == 400
    assert "Tên đăng nhập hoặc mật khẩu không đúng" in words(answer)
    assert f'value="{login}"' in answer.text
    assert password not in answer.text


def test_it_asks_for_both_fields(client):
    answer = give(client, "", "")
    assert "Hãy nhập tên đăng nhập." in words(answer)
    assert "Hãy nhập mật khẩu." in words(answer)


def test_it_slows_a_guesser_down(client, clock):
    for _ in range(staff.WRONG_BEFORE_WAIT):
        assert give(client, password="sai").status_code == 400
    assert give(client).status_code == 429
    clock.move(6 * MINUTE)
    assert give(client).status_code == 302


def test_it_slows_many_logins_from_one_address(client):
    for number in range(staff.WRONG_PER_ADDRESS):
        give(client, f"ai-{number}", "sai")
    assert give(client).status_code == 429


def test_it_counts_again_after_the_slow_hash(client, database, monkeypatch):
    """Ten tries at once must not all get through because none had failed when each began."""

    def others_fail_meanwhile(person, password):
        with database.write() as session:
            for _ in range(staff.WRONG_BEFORE_WAIT):
                staff.record_sign_in(session, ("login:hoa",), None, staff.Instant(client_clock()))
        return True

    client_clock = client.application.extensions["loa"].clock
    monkeypatch.setattr(staff, "password_matches", others_fail_meanwhile)
    assert give(client).status_code == 429


def test_it_tells_whoever_comes_when_too_many_sign_in(client, monkeypatch):
    monkeypatch.setattr(staff, "_hashing", Turns(at_once=0, waiting=0))
    answer = give(client)
    assert answer.status_code == 503
    assert "Đang có nhiều người đăng nhập cùng lúc. Hãy chờ vài giây rồi thử lại." in words(answer)


def test_it_hashes_a_password_anew_where_that_was_done_otherwise(client, hoa, database, cast):
    """And nobody has to sign in again for that."""
    older = argon2.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    with database.write() as session:
        session.get_one(Staff, cast.hoa.id).password_hash = older
    assert give(client).status_code == 302
    with database.read() as session:
        kept = session.get_one(Staff, cast.hoa.id).password_hash
    assert kept != older
    assert not staff._hasher.check_needs_rehash(kept)
    assert hoa.get("/").status_code == 200
    assert give(client).status_code == 302


def test_it_ends_the_session_of_a_closed_account(hoa, database, cast):
    with database.write() as session:
        session.get_one(Staff, cast.hoa.id).active = False
    assert hoa.get("/").status_code == 302


def test_it_ends_older_sessions_when_the_password_changes(hoa, database, cast, clock):
    with database.write() as session:
        person = session.get_one(Staff, cast.hoa.id)
        staff.change_password(session, person, "mat-khau-moi-1", now=clock(), by="hoa")
    assert hoa.get("/").status_code == 302


def test_it_signs_out(hoa):
    assert hoa.get("/").status_code == 200
    assert hoa.post("/dang-xuat").location == "/dang-nhap"
    assert hoa.get("/").status_code == 302


def test_it_refuses_a_forged_post(app, hoa):
    app.config["WTF_CSRF_ENABLED"] = True
    answer = hoa.post("/dang-xuat")
    assert answer.status_code == 400
    assert "Trang này mở đã lâu" in words(answer)
    assert hoa.get("/").status_code == 200
