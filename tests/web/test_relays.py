"""A bulletin that relays an upper station: written, judged, scheduled, and what became of it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from content import bulletins
from content.bulletins import Bulletin
from content.relays import Stream
from loa.times import HOUR, MINUTE, after
from scheduler import broadcasts, regulation
from scheduler.broadcasts import Broadcast, DeliveryState
from scheduler.regulation import parse_quiet
from tests.cast import NOON, approved_bulletin, give_sound
from tests.web.conftest import error_at, plan, words

URL = "https://stream.tinh.example.vn/live.mp3"
STREAM = Stream(URL, ("cdn.example.vn",), 30 * MINUTE)
FORM = {
    "title": "Thời sự tỉnh", "field": "1", "priority": "normal", "parts-0-kind": "text",
    "parts-0-body": "Hôm nay không bắt được sóng đài tỉnh.", "parts-0-voice": "", "parts-0-speed": "135",
    "relay_url": URL, "relay_minutes": "30", "relay_hosts": "cdn.example.vn",
}  # fmt: skip


def only(database):
    with database.read() as session:
        return session.scalars(sa.select(Bulletin)).one()


@pytest.fixture
def relayed(database, cast):
    with database.write() as session:
        return approved_bulletin(session, cast, relay=STREAM)


# -- written --------------------------------------------------------------------------------------


def test_it_keeps_the_stream(hoa, database, cast):
    answer = hoa.post("/ban-tin/moi", data=FORM)
    bulletin = only(database)
    assert answer.location == f"/ban-tin/{bulletin.id}"
    assert bulletin.relay == STREAM
    assert bulletin.body == "Hôm nay không bắt được sóng đài tỉnh."


def test_without_an_address_it_is_no_relay(hoa, database, cast):
    hoa.post(
        "/ban-tin/moi", data={**FORM, "relay_url": " ", "relay_minutes": "", "relay_hosts": ""}
    )
    assert only(database).relay is None


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"relay_url": ""}, "relay_url", "Hãy nhập địa chỉ luồng"),
        ({"relay_url": "stream.vov.vn"}, "relay_url", "phải bắt đầu bằng http"),
        ({"relay_url": "https://a:b@vov.example.vn/"}, "relay_url", "mật khẩu"),
        ({"relay_url": "http://127.0.0.1:8000/"}, "relay_url", "relay_hosts trong config.toml"),
        ({"relay_minutes": ""}, "relay_minutes", "Hãy nhập số phút"),
        ({"relay_minutes": "0"}, "relay_minutes", "từ 1 đến 240"),
        ({"relay_minutes": "241"}, "relay_minutes", "từ 1 đến 240"),
        ({"relay_minutes": "nửa giờ"}, "relay_minutes", "số nguyên"),
        ({"relay_hosts": "https://cdn.example.vn/"}, "relay_hosts", "không phải tên máy chủ"),
        ({"parts-0-body": ""}, "parts-0-body", "Hãy nhập hoặc dán nội dung"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_the_rest_is_kept(
    hoa, database, cast, changes, field, sentence
):
    answer = hoa.post("/ban-tin/moi", data={**FORM, **changes})
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)
    assert 'value="Thời sự tỉnh"' in answer.text
    assert '<details class="more" id="tiep-song" open>' in answer.text
    with database.read() as session:
        assert session.scalars(sa.select(Bulletin)).all() == []


def test_a_mere_chime_is_nothing_to_fall_back_on(hoa, cast):
    alone = {name: value for name, value in FORM.items() if not name.startswith("parts-")}
    chime = {"parts-0-kind": "chime", "parts-0-chime": "ding-dong"}
    answer = hoa.post("/ban-tin/moi", data={**alone, **chime})
    assert "cần một bản dự phòng" in words(answer)


def test_the_form_shows_it_again_and_a_change_ends_the_approval(hoa, database, relayed):
    here = f"/ban-tin/{relayed.id}"
    page = hoa.get(here + "/sua").text
    assert f'value="{URL}"' in page
    assert 'value="cdn.example.vn"' in page
    told = {**FORM, "title": relayed.title, "chimes": "y", "parts-0-was": "0", "version": "1"}
    told |= {"parts-0-body": relayed.body}
    hoa.post(here + "/sua", data=told)
    assert only(database).version == 1  # nothing was changed
    hoa.post(here + "/sua", data={**told, "relay_minutes": "45"})
    after_it = only(database)
    assert (after_it.version, after_it.state, after_it.relay.ms) == (2, "draft", 45 * MINUTE)
    assert after_it.sounds == relayed.sounds
    text = words(hoa.get(here))
    assert f"Tiếp sóng: {URL} (và cdn.example.vn), 30 phút" in text
    assert "45 phút" in text


# -- judged ---------------------------------------------------------------------------------------


def test_the_approver_sees_the_address_and_hears_what_is_fallen_back_on(minh, hoa, database, cast):
    with database.write() as session:
        draft = bulletins.Draft(
            title="Thời sự", parts=bulletins.parts.spoken("Mất sóng."), relay=STREAM
        )
        bulletin = bulletins.write(session, cast.hoa, draft, NOON)
        give_sound(session, bulletin)
        bulletins.submit(session, bulletin, cast.hoa, NOON)
    answer = minh.get(f"/ban-tin/{bulletin.id}")
    assert f'<a href="{URL}" target="_blank" rel="noopener noreferrer">' in answer.text
    text = words(answer)
    assert "Tiếp sóng 30 phút từ" in text
    assert "cdn.example.vn" in text
    assert "Âm thanh dưới đây là bản dự phòng" in text
    assert "đồng ý tiếp sóng địa chỉ trên" in text
    assert "media-src" not in answer.headers["Content-Security-Policy"] or (
        "tinh.example.vn" not in answer.headers["Content-Security-Policy"]
    )
    assert "tiếp sóng 30 phút" in words(minh.get("/duyet"))


def test_an_older_version_says_what_it_relayed(hoa, database, relayed):
    assert f"30 phút từ {URL}" in words(hoa.get(f"/ban-tin/{relayed.id}/cac-ban/1"))


# -- scheduled ------------------------------------------------------------------------------------


def test_a_quarter_past_three_is_refused_at_the_field(hoa, database, cast, relayed):
    with database.write() as session:
        regulation.set_quiet(session, None, [parse_quiet("21:00-05:00")], NOON)
    form = {"kind": "daily", "at": "03:15", "start_date": "22/11/2026", "area_ids": str(cast.commune.id)}  # fmt: skip
    answer = hoa.post(f"/ban-tin/{relayed.id}/dat-lich", data=form)
    assert answer.status_code == 400
    assert "03:15–03:45" in error_at(answer, "at")
    assert "giờ không phát 21:00–05:00" in error_at(answer, "at")


# -- what became of it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rel", "said"),
    [
        ("stream", "đã tiếp sóng"),
        ("fallback", "phát bản dự phòng vì không bắt được sóng"),
        ("mixed", "tiếp sóng rồi chuyển sang bản dự phòng"),
    ],
)
def test_the_broadcast_says_what_was_heard(hoa, database, cast, relayed, clock, rel, said):
    form = {"kind": "once", "at": "13:00", "start_date": "21/11/2026", "area_ids": str(cast.commune.id)}  # fmt: skip
    hoa.post(f"/ban-tin/{relayed.id}/dat-lich", data=form)
    with database.write() as session:
        plan(session, NOON)
        broadcast = session.scalars(sa.select(Broadcast)).one()
        for delivery in broadcast.deliveries[:1]:
            delivery.state, delivery.rel = DeliveryState.PLAYED, rel
            delivery.started_at = broadcast.starts_at
        broadcasts.settle(session, broadcast)
    clock.move(2 * HOUR)
    text = words(hoa.get(f"/luot-phat/{broadcast.id}"))
    assert said in text
    assert f"30 phút từ {URL}" in text
    log = hoa.get("/nhat-ky.csv?tu=2026-11-20&den=2026-11-22").get_data(as_text=True)
    assert said in log
    assert after(broadcast.starts_at, 30 * MINUTE) == broadcast.ends_at
