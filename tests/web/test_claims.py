from __future__ import annotations

import csv
import io
import json
import re

import msgspec
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from devices import admission, broker, claim_desk, claims, clones, messages, receivers, signing
from devices.admission import Answer, Asking, Grant
from devices.claims import Claim, State
from devices.messages import Entry
from devices.receiver import claiming
from devices.receiver import tone as built_in
from devices.receivers import JournalEntry, Presence, Receiver
from loa.config import Mqtt, Station
from loa.database import Database
from loa.times import MINUTE, SECOND, Instant, after
from scheduler import dispatcher, tones
from scheduler.dispatcher import Plan
from scheduler.schedules import Schedule, ScheduleExcept
from scheduler.tones import Tone
from tests.cast import NOON, vn
from tests.scheduler.test_dispatcher import TERMS
from tests.web.conftest import Clock, error_at, words

HERE = "/dau-thu/cho-nhan/1"


@pytest.fixture
def form(cast) -> dict[str, str]:
    return {
        "name": "Cột chợ", "area": str(cast.villages[0].id), "serial": "sn-001", "volume": "65",
        "households": "120", "location": "20.8561, 106.6822", "id": "",
    }  # fmt: skip


@pytest.fixture
def added(admin: FlaskClient, form) -> str:
    """The code a member of staff sees."""
    answer = admin.post("/dau-thu/them", data=form)
    assert answer.location == HERE, words(answer)
    return code(admin)


def code(admin: FlaskClient) -> str:
    return re.search(r'class="code"><code>([^<]+)', admin.get(HERE).text)[1]


def asking(shown: str, serial: str = "SN-001", key: signing.PrivateKey | None = None) -> Asking:
    key = key or signing.generate("box")
    return admission.ask(key, serial, admission.code_key(shown, serial), NOON)


def post(client: FlaskClient, asked: Asking):
    body = msgspec.json.encode(admission.Request(asked.token.decode()))
    return client.post("/claim", data=body, content_type="application/json")


def opened(asked: Asking, answer) -> Grant:
    assert answer.status_code == 200, answer.text
    return admission.open_answer(asked, messages.decode(answer.data, Answer))


@pytest.fixture
def claimed(client: FlaskClient, added: str) -> str:
    """The id of a receiver that has claimed its place."""
    asked = asking(added)
    return opened(asked, post(client, asked)).station.rid


def comes_online(database: Database, rid: str, now: Instant) -> None:
    with database.write() as session:
        session.add(
            Presence(receiver_id=rid, online=True, sid="s", heard_at=now, heartbeat_ms=60_000, clock_source="ntp")
        )  # fmt: skip


def journals(database: Database, *codes: str, rid: str | None = None, **detail: str) -> None:
    """What the receiver's journal says of the newest tone."""
    with database.write() as session:
        tone = session.scalars(sa.select(Tone).order_by(Tone.id.desc())).first()
        rid = rid or tone.receiver_id
        known = session.scalar(sa.select(sa.func.count(JournalEntry.seq)))
        for seq, name in enumerate(codes, known + 1):
            entry = Entry(seq, tone.occurrence, name, tone.starts_at, "ntp", 1, 0, detail)
            session.add(
                JournalEntry(receiver_id=rid, jid="j", seq=seq, raw=messages.encode(entry), occurrence=entry.occ,
                             code=name, raw_at=tone.starts_at, at=tone.starts_at, received_at=tone.starts_at)
            )  # fmt: skip


# -- the page -------------------------------------------------------------------------------------


def test_the_page_shows_the_code_its_end_and_the_very_command(admin, added):
    page = admin.get(HERE)
    assert re.fullmatch(r"[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}", added)
    assert "Dùng một lần, đến 12:10" in words(page)
    assert f'data-until="{after(NOON, 10 * MINUTE)}"' in page.text
    line = "loa receiver claim http://localhost --serial SN-001"
    assert f"{line} --code {added} --folder /var/lib/loa-receiver" in words(page)
    assert "chỉ máy này hiểu" in words(page)
    assert "không nhận lượt phát nào" in words(page)
    assert 'class="code"' not in admin.get("/dau-thu/cho-nhan").text


def test_who_may_not_manage_receivers_sees_no_code(hoa, minh, added):
    for client in (hoa, minh):
        page = client.get(HERE)
        assert page.status_code == 200
        assert added not in page.text
        assert client.post(HERE + "/ma").status_code == 403


def test_a_code_that_has_run_out_is_not_shown_and_a_new_one_is_a_button_away(admin, added, clock):
    clock.move(10 * MINUTE)
    page = admin.get(HERE)
    assert added not in page.text
    assert "Mã đã hết hạn" in words(page)
    assert admin.post(HERE + "/ma").location == HERE
    assert code(admin) != added


def test_five_wrong_tries_are_told_on_the_page(admin, client, added):
    for _ in range(2):
        post(client, asking("AAAA-AAAA"))
    assert "Đã có 2 lần thử sai" in words(admin.get(HERE))
    for _ in range(3):
        post(client, asking("AAAA-AAAA"))
    page = admin.get(HERE)
    assert "bị thử sai 5 lần" in words(page)
    assert added not in page.text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Hãy nhập tên đầu thu"),
        ("serial", "sn 1/2", "Số máy"),
        ("id", "r-0000", "đã có"),
        ("id", "them", "trùng với một trang"),
        ("volume", "101", "nằm ngoài khoảng 0–100"),
        ("location", "Hà Nội", "vĩ độ, kinh độ"),
    ],
)
def test_a_wrong_value_is_shown_at_its_field(admin, form, field, value, sentence):
    answer = admin.post("/dau-thu/them", data={**form, field: value})
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)


def test_no_address_of_a_page_can_be_the_id_of_a_receiver(app):
    """Or that receiver's page could never be seen."""
    taken = {
        rule.rule.split("/")[2]
        for rule in app.url_map.iter_rules()
        if re.match(r"/dau-thu/[a-z0-9-]{4,32}(/|$)", rule.rule)
    }
    assert taken <= set(claims.PAGES), taken - set(claims.PAGES)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["Đê Đông", "Bãi sậy", "Cột chợ"]),
        ("xep=ten", ["Bãi sậy", "Cột chợ", "Đê Đông"]),
        ("xep=-moi", ["Cột chợ", "Bãi sậy", "Đê Đông"]),
        ("tim=de+dong", ["Đê Đông"]),
        ("tim=SN-001", ["Cột chợ"]),
        ("dia_ban=4", ["Bãi sậy"]),
        ("tinh_trang=claimed", []),
    ],
)
def test_what_is_waited_for_is_found_sorted_and_taken_home(
    hoa, database, cast, added, query, wanted
):
    with database.write() as session:
        for minutes, (name, area) in enumerate((("Bãi sậy", 2), ("Đê Đông", 0)), 1):
            place = claims.Place(name, cast.villages[area])
            claims.add(session, place, now=after(NOON, minutes * MINUTE), by="test")
    here = f"/dau-thu/cho-nhan?{query}"
    assert re.findall(r'<li><a href="/dau-thu/cho-nhan/\d">([^<]+)<', hoa.get(here).text) == wanted
    file = hoa.get(f"/dau-thu/cho-nhan.csv?{query}").data.decode("utf-8-sig")
    assert [row["tên"] for row in csv.DictReader(io.StringIO(file))] == wanted


def test_it_lists_what_is_waited_for(admin, hoa, added):
    told = words(hoa.get("/dau-thu/cho-nhan"))
    assert "Cột chợ chờ máy nhận mã r-0003 · thôn Đông · số máy SN-001" in told
    admin.post(HERE + "/huy")
    assert "Không có đầu thu nào đang chờ" in words(hoa.get("/dau-thu/cho-nhan"))


# -- the box --------------------------------------------------------------------------------------


def test_the_box_is_given_the_station_its_broker_and_its_login(client, database, added):
    asked = asking(added)
    answer = post(client, asked)
    grant = opened(asked, answer)
    assert answer.headers["Cache-Control"] == "no-store"
    assert (grant.station.rid, grant.station.mqtt.port, grant.ca) == ("r-0003", 18830, "")
    assert {key.kid for key in grant.station.keys} == {"plan-1", "emergency-1"}
    with database.read() as session:
        receiver = receivers.get(session, "r-0003")
    assert broker.check_password(grant.station.mqtt.password, receiver.password_hash)
    assert receiver.confirmed_at is None
    assert grant.station.mqtt.password not in answer.text


def test_asked_again_it_says_the_same(client, added):
    key = signing.generate("box")
    asked = [asking(added, key=key) for _ in range(2)]
    first, second = (opened(each, post(client, each)) for each in asked)
    assert first == second


@pytest.mark.parametrize("is_there", [True, False])
def test_the_brokers_certificate_goes_along_or_nothing_does(
    app, client, database, added, tmp_path, monkeypatch, is_there
):
    parts = app.extensions["loa"]
    changed = msgspec.structs.replace(parts.config, mqtt=Mqtt(ca_file="ca.crt"))
    monkeypatch.setitem(
        app.extensions, "loa", type(parts)(changed, parts.database, parts.clock, parts.hub)
    )
    if is_there:
        (tmp_path / "ca.crt").write_text("PEM")
    asked = asking(added)
    answer = post(client, asked)
    if is_there:
        assert opened(asked, answer).ca == "PEM"
        return
    assert answer.status_code == 503
    assert "ca_file" in answer.json["sentence"]
    with database.read() as session:
        assert session.get(Receiver, "r-0003") is None


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[" * 3_000, b'{"claim":"a.b.c"}', b'{"claim":7}', b"\xff" * 90]
)
def test_what_is_no_claim_is_answered_in_words(client, added, body):
    answer = client.post("/claim", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["error"]) == (400, "shape")


def test_more_than_a_claim_is_not_read(client, added):
    answer = client.post("/claim", data=b" " * 5_000, content_type="application/json")
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("how", "status", "error"),
    [
        ("wrong", 403, "refused"),
        ("late", 410, "expired"),
        ("other", 409, "used"),
        ("key", 409, "key"),
    ],
)
def test_a_refusal_says_what_helps_the_honest_and_no_more(
    client, clock, cast, added, how, status, error
):
    asked = asking(added)
    if how == "wrong":
        asked = asking("AAAA-AAAA")
    elif how == "late":
        clock.move(10 * MINUTE)
    elif how == "other":
        post(client, asking(added))
    else:
        asked = asking(added, key=cast.keys["r-0001"])
    answer = post(client, asked)
    assert (answer.status_code, answer.json["error"]) == (status, error)
    assert set(answer.json) == {"error", "sentence"}
    assert answer.json["sentence"].endswith((".", "huỷ."))


def test_an_address_that_keeps_trying_is_told_to_wait(client, added):
    for number in range(claim_desk.ADDRESS_MOST):
        post(client, asking("AAAA-AAAA", serial=f"SN-X{number}"))
    answer = post(client, asking(added))
    assert (answer.status_code, answer.json["error"]) == (429, "slow")


def test_a_box_needs_no_cookie_where_pages_need_a_token(app, client, added):
    app.config["WTF_CSRF_ENABLED"] = True
    asked = asking(added)
    assert opened(asked, post(client, asked)).station.rid == "r-0003"
    assert client.post("/dang-nhap", data={"login": "a", "password": "b"}).status_code == 400


def test_a_real_box_over_a_real_connection(
    served: str, admin, added, config, tmp_path, capsys
) -> None:
    folder = tmp_path / "box"
    claimed = claiming.claim(served, "sn-001", added.lower(), folder, output="null")
    assert claimed.rid == "r-0003"
    page = words(admin.get(HERE))
    assert f"Dấu vân tay khoá {claimed.fingerprint}" in page
    assert "từ địa chỉ 127.0.0.1" in page
    document = json.loads((folder / "station.json").read_bytes())
    assert document["mqtt"]["username"] == "r-0003"


# -- the tone -------------------------------------------------------------------------------------


def test_it_leads_from_the_code_to_a_tone_somebody_heard(
    admin, hoa, database: Database, clock: Clock, claimed: str
):
    told = words(admin.get(HERE))
    assert "Chờ tín hiệu đầu tiên" in told
    assert "Phát âm thử" not in told
    comes_online(database, claimed, NOON)
    assert "Đang trực tuyến, nghe lúc 12:00:00" in words(admin.get(HERE))
    assert admin.post(HERE + "/phat-thu").location == HERE
    assert "đã gửi lệnh" in words(admin.get(HERE))
    assert admin.post(HERE + "/nghe-thay").status_code == 409

    clock.move(8 * SECOND)
    for said, shown in (("accepted", "đã nhận lệnh"), ("started", "đang phát")):
        journals(database, said)
        assert shown in words(admin.get(HERE))
    assert "Tôi đã nghe thấy" not in words(admin.get(HERE))
    journals(database, "played")
    told = words(admin.get(HERE))
    assert "đầu thu báo đã phát lúc 12:00:05" in told
    assert "Tôi đã nghe thấy" in told

    answer = admin.post(HERE + "/nghe-thay")
    assert answer.location == f"/dau-thu/{claimed}"
    assert "Đã xác nhận “Cột chợ”" in words(admin.get(answer.location))
    assert "Đã có người nghe thấy tiếng thử" in words(hoa.get(HERE))
    with database.read() as session:
        assert receivers.get(session, claimed).confirmed_at == clock.now
        assert session.get(Claim, 1).state is State.CONFIRMED


def test_not_heard_gives_advice_and_leaves_it_unconfirmed(admin, database, clock, claimed):
    comes_online(database, claimed, NOON)
    admin.post(HERE + "/phat-thu")
    journals(database, "accepted", "started", "played")
    answer = admin.post(HERE + "/khong-nghe-thay")
    told = words(admin.get(answer.location))
    assert "Không nghe thấy? Hãy xem lần lượt" in told
    assert "một máy khác" in told
    with database.read() as session:
        assert receivers.get(session, claimed).confirmed_at is None


def test_the_tone_goes_into_the_plan_and_out_again(admin, database, clock, claimed):
    comes_online(database, claimed, NOON)
    admin.post(HERE + "/phat-thu")
    admin.post(HERE + "/phat-thu")  # a second tap
    with database.write() as session:
        dispatcher.dispatch(session, clock.now, TERMS)
        (plan,) = session.scalars(sa.select(Plan).where(Plan.receiver_id == claimed))
        (occurrence,) = plan.document.occ
        assert (occurrence.sha, occurrence.cls) == (built_in.SHA, "N")
        assert occurrence.at == after(NOON, tones.LEAD)
        assert plan.document.aud[built_in.SHA].n == len(built_in.data())
        later = after(NOON, MINUTE)
        receivers.mark_stale(session, [claimed])
        dispatcher.dispatch(session, later, TERMS)
        assert tones.occurrences(session, [claimed], later) == {}


def test_a_tone_the_receiver_refused_says_why_and_one_it_never_told_of_too(
    admin, database, clock, claimed
):
    comes_online(database, claimed, NOON)
    admin.post(HERE + "/phat-thu")
    journals(database, "accepted", "missed", why="no_clock")
    assert "không phát được" in words(admin.get(HERE))
    clock.move(MINUTE)
    with database.write() as session:
        session.get_one(Presence, claimed).heard_at = clock.now
    admin.post(HERE + "/phat-thu")
    clock.move(MINUTE)
    assert "không có hồi âm" in words(admin.get(HERE))


def test_in_quiet_hours_it_says_so_instead_of_sending_what_would_be_refused(
    admin, database, clock, claimed
):
    clock.now = vn("2026-11-21 23:00")
    answer = admin.post(HERE + "/phat-thu")
    assert answer.status_code == 409
    assert "giờ không phát 21:00–05:00" in words(answer)
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count(Tone.id))) == 0


def test_a_tone_of_the_life_before_confirms_nothing(admin, database, clock, claimed):
    comes_online(database, claimed, NOON)
    admin.post(HERE + "/phat-thu")
    journals(database, "played")
    clock.move(MINUTE)
    admin.post(HERE + "/ma")
    asked = asking(code(admin))
    opened(asked, post(admin.application.test_client(), asked))
    assert admin.post(HERE + "/nghe-thay").status_code == 409


def test_who_only_reads_neither_plays_nor_confirms(lan, hoa, claimed):
    for client in (lan, hoa):
        for act in ("/phat-thu", "/nghe-thay", "/khong-nghe-thay"):
            assert client.post(HERE + act).status_code == 403


# -- instead, anew, twice -------------------------------------------------------------------------


def test_a_replacement_takes_the_place_over_and_both_pages_say_so(
    admin, client, database, form, clock
):
    page = admin.get("/dau-thu/r-0000/thay")
    assert 'value="Cột r-0000"' in page.text
    assert "Máy cũ ngừng dùng khi" in words(page)
    answer = admin.post("/dau-thu/r-0000/thay", data={**form, "name": "Cột r-0000"})
    assert answer.location == HERE
    asked = asking(code(admin))
    rid = opened(asked, post(client, asked)).station.rid
    assert rid == "r-0000-b"
    comes_online(database, rid, NOON)
    admin.post(HERE + "/phat-thu")
    journals(database, "started", "played")
    assert "Đã được thay" not in words(admin.get("/dau-thu/r-0000"))
    admin.post(HERE + "/nghe-thay")
    with database.read() as session:
        assert not receivers.get(session, "r-0000").active
    assert "Đã được thay bằng Cột r-0000 (r-0000-b)" in words(admin.get("/dau-thu/r-0000"))
    assert "Thay cho Cột r-0000 (r-0000)" in words(admin.get("/dau-thu/r-0000-b"))


def test_beginning_anew_is_explained_before_and_done_by_the_box(admin, client, database, clock):
    page = words(admin.get("/dau-thu/r-0001/cap-lai"))
    assert "mọi bản sao của nó hết hiệu lực ngay" in page
    assert admin.post("/dau-thu/r-0001/cap-lai", data={"serial": ""}).location == HERE
    asked = asking(code(admin), serial="R-0001")
    assert opened(asked, post(client, asked)).station.rid == "r-0001"
    assert "chưa nhận mã" not in words(admin.get(HERE))
    assert "việc ấy không quay lại được" in words(admin.get(HERE + "/huy"))


def test_cancelling_asks_first(admin, database, claimed):
    told = words(admin.get(HERE + "/huy"))
    assert "Máy đã nhận mã sẽ bị ngừng dùng" in told
    assert admin.post(HERE + "/huy").location == "/dau-thu/cho-nhan"
    with database.read() as session:
        assert not receivers.get(session, claimed).active
    assert "đã huỷ lúc" in words(admin.get(HERE))


def test_a_receiver_nobody_has_heard_says_so_on_its_page(hoa, admin, claimed):
    told = words(hoa.get(f"/dau-thu/{claimed}"))
    assert "chưa nhận lượt phát nào. Nghe thử và xác nhận" in told
    assert "Số máy SN-001" in told
    assert "Cấp lại mã" not in told
    assert "In tem nhãn Thay máy Cấp lại mã" in words(admin.get(f"/dau-thu/{claimed}"))


def test_keys_it_had_before_are_named_on_its_page(admin, client, cast):
    admin.post("/dau-thu/r-0001/cap-lai", data={"serial": ""})
    asked = asking(code(admin), serial="R-0001")
    opened(asked, post(client, asked))
    told = words(admin.get("/dau-thu/r-0001"))
    assert f"Khoá cũ (1) {cast.keys['r-0001'].public.x}" in told


def test_where_the_old_box_was_left_out_the_new_one_is(admin, client, database, form, broadcast):
    with database.write() as session:
        schedule = session.scalars(sa.select(Schedule)).one()
        schedule.excepts = [ScheduleExcept(receiver_id="r-0000")]
    admin.post("/dau-thu/r-0000/thay", data=form)
    asked = asking(code(admin))
    rid = opened(asked, post(client, asked)).station.rid
    comes_online(database, rid, NOON)
    admin.post(HERE + "/phat-thu")
    journals(database, "played")
    admin.post(HERE + "/nghe-thay")
    with database.read() as session:
        left_out = session.scalars(sa.select(ScheduleExcept.receiver_id)).all()
    assert sorted(left_out) == ["r-0000", rid]


def test_a_second_box_is_told_on_the_first_page_and_on_its_own(admin, hoa, database):
    with database.write() as session:
        clones.alarm(session, "r-0000", "boot", NOON)
    assert "hai máy cùng dùng danh tính của đầu thu “Cột r-0000”" in words(hoa.get("/"))
    told = words(admin.get("/dau-thu/r-0000"))
    assert "Có thể có hai máy cùng dùng danh tính" in told
    assert "Đã kiểm tra, không phải bản sao" in told
    assert "Đã kiểm tra" not in words(hoa.get("/dau-thu/r-0000"))
    admin.post("/dau-thu/r-0000/khong-phai-ban-sao")
    assert "hai máy" not in words(hoa.get("/"))


def test_an_alarm_that_is_none_can_be_settled(admin, hoa, database):
    with database.write() as session:
        clones.alarm(session, "r-0000", "boot", NOON)
    assert hoa.post("/dau-thu/r-0000/khong-phai-ban-sao").status_code == 403
    admin.post("/dau-thu/r-0000/khong-phai-ban-sao")
    with database.read() as session:
        assert clones.standing(session) == []


# -- labels ---------------------------------------------------------------------------------------


@pytest.fixture
def with_phone(app, monkeypatch) -> None:
    parts = app.extensions["loa"]
    changed = msgspec.structs.replace(parts.config, station=Station(phone="0225 388 1234"))
    monkeypatch.setitem(
        app.extensions, "loa", type(parts)(changed, parts.database, parts.clock, parts.hub)
    )


def test_labels_say_whose_box_it_is_and_lead_to_its_page(hoa, with_phone):
    page = hoa.get("/dau-thu/tem-nhan?dau_thu=r-0000&dau_thu=r-0002")
    told = words(page)
    assert "2 tem" in told
    for wanted in (
        "Đài truyền thanh xã",
        "Điện thoại 0225 388 1234",
        "Cột r-0000",
        "thôn Đông",
        "Mã r-0002",
    ):
        assert wanted in told
    assert page.text.count('aria-label="Mã QR mở trang đầu thu') == 2
    assert page.text.count("<svg") - page.text.count('class="icon"') == 2
    assert 'class="not-printed"' in page.text


def test_labels_of_an_area_are_those_of_all_below_it(hoa, cast):
    assert "3 tem" in words(hoa.get(f"/dau-thu/tem-nhan?dia_ban={cast.commune.id}"))
    assert "1 tem" in words(hoa.get(f"/dau-thu/tem-nhan?dia_ban={cast.villages[0].id}"))
    assert "Chọn địa bàn" in words(hoa.get("/dau-thu/tem-nhan"))
    assert hoa.get("/dau-thu/tem-nhan?dau_thu=khong-co").status_code == 404


def test_the_serial_stands_on_the_label_where_the_box_has_one(hoa, claimed):
    assert "Số máy SN-001" in words(hoa.get(f"/dau-thu/tem-nhan?dau_thu={claimed}"))


def test_a_code_says_the_address_by_which_the_page_was_opened(app):
    from web import stickers

    with app.test_request_context(base_url="https://loa.xa-mau.vn/"):
        assert stickers.address("r-0042") == "https://loa.xa-mau.vn/dau-thu/r-0042"


def test_many_that_wait_are_shown_page_by_page(hoa, database, cast):
    with database.write() as session:
        some = [claims.Newcomer(claims.Place("Cột", cast.commune)) for _ in range(51)]
        claims.add_all(session, some, now=NOON, by="test")
    first, second = (hoa.get(f"/dau-thu/cho-nhan?trang={number}") for number in (1, 2))
    assert (words(first).count("số máy"), words(second).count("số máy")) == (50, 1)
    assert "Trang 2/2" in words(second)
