"""Every page for every role, and what all pages have in common."""

from __future__ import annotations

import re
from datetime import date, time

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from werkzeug.routing import Rule

from content import bulletins, entries, library, uploads
from content.bulletins import Bulletin, Draft, Priority
from content.dictionary import Entry
from content.parts import Recorded, Translation, spoken
from devices import claims, groups, outages
from loa import tokens
from loa.database import Database
from loa.staff import May, Role
from loa.times import HOUR, after
from loa.tokens import Scope
from scheduler import alert_consent, alert_orders, campaigns, canned, programme_acts
from scheduler.days import DayMark
from scheduler.programme_checks import Line, Order
from scheduler.programmes import ItemKind
from scheduler.report_orders import orders as report_orders
from scheduler.report_orders.tables import What
from scheduler.retention import holds
from scheduler.rollup import stations
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast, approved_bulletin, give_sound
from tests.web.conftest import words

BOTH_DATABASES = True
SHA = "a" * 64
PLACES = {
    "bulletin_id": 1,
    "broadcast_id": 1,
    "schedule_id": 1,
    "receiver_id": "r-0000",
    "staff_id": 3,
    "area_id": 1,
    "version": 1,
    "number": 1,
    "n": 1,
    "sha256": SHA,
    "entry_id": 1,
    "language": "tyz",
    "sha": SHA,
    "transfer_id": "a" * 32,
    "claim_id": 1,
    "fault_id": 1,
    "group_id": 1,
    "regulation_id": 1,
    "mark_id": 1,
    "alert_id": 1,
    "programme_id": 1,
    "campaign_id": 1,
    "exception_id": 1,
    "decision_id": 1,
    "other_id": 1,
    "token_id": 1,
    "job_id": "0" * 32,
    "order_id": 1,
    "run_id": 1,
    "commune_id": 1,
    "what": "month",
    "key": "hop-thon",
    "hold_id": 1,
    "day": "2026-11-22",
    "kind": "csv",
    "code": "en",
}
OTHER_PLACES = {"number": 2}
"""A part that is a recording: the pages of ``cuts`` are of such alone."""
A_DRAFT = {"bulletin_id": 3}
"""One that is not handed in yet, by ``fill``."""
ASKED = {
    "bulletins.new_part": "?loai=text&so=1",
    "readings.show": "?tu=0&den=3",
    "emergency.new": "?mau=lu",
}
NOT_PAGES = {
    "static",
    "i18n.script",
    "installable.contact",
    "installable.manifest",
    "installable.worker",
    "live.stream",
    "sign_in.sign_in",
    "sign_in.step",
    "sounds.file",
    "audio.file",
    "listening.wav",
    "cuts.original",
    "schedules.calendar",
    "calendar_page.events",
    "emergency.cap_file",
    "audit_log.download",
    "log.workbook",
    "map_page.marks",
    "evidence.download",
    "evidence.job",
    "evidence.state",
    "evidence.verifier",
    "reports.download",
    "reports.download_campaign",
    "report_orders.download",
    "rollup.download",
}


def _is_no_page(endpoint: str) -> bool:
    """Files, and what is asked by token (test_api_roles.py)."""
    return endpoint in NOT_PAGES or endpoint.startswith("api.")


def _places(rule: Rule) -> dict[str, object]:
    known = PLACES | OTHER_PLACES if rule.endpoint.startswith("cuts.") else PLACES
    if rule.endpoint == "new_broadcast.when":
        known = PLACES | A_DRAFT
    return {name: known[name] for name in rule.arguments}


@pytest.fixture
def station(database, cast, broadcast):
    fill(database, cast)


def fill(database: Database, cast: Cast) -> None:
    """Something of every kind that a page can show, under the numbers in PLACES; broadcast 1 is there already."""
    with database.write() as session:
        bulletin = session.get_one(Bulletin, 1)
        bulletin.parts = (*bulletin.parts, Recorded(upload=SHA, name="đọc.mp3"))
        bulletin.translations = (Translation(language="tyz", upload=SHA, name="tày.mp3"),)
        uploads.note(session, [SHA], NOON)
        place = claims.Place("Cột chợ", cast.commune)
        claims.issue(session, claims.add(session, place, now=NOON, by="test"), now=NOON, by="test")
        groups.add(session, "Nhà văn hoá", ["r-0000"], now=NOON, by="test")
        outages.settle(session, {("r-0000", outages.Kind.DISK): outages.Wrong(NOON, "93 %")}, NOON)
        alarm = approved_bulletin(
            session, cast, priority=Priority.EMERGENCY, title="Báo động lũ cấp 2",
            parts=spoken("Nước sông lên nhanh. Bà con ven sông rời chỗ thấp."),
        )  # fmt: skip
        canned.keep(session, 1, alarm, cast.admin, NOON)
        session.add(DayMark(kind="holiday", first=date(2026, 12, 24), last=date(2026, 12, 24), name="Hội làng",
                            staff_id=cast.hoa.id, made_at=NOON))  # fmt: skip
        order = alert_orders.Order(
            where=Where((cast.commune.id,)), expires_at=after(NOON, HOUR), bulletin=alarm
        )
        flood = alert_orders.prepare(session, cast.hoa, order, NOON, ZONE)
        alert_consent.agree(session, flood, cast.minh, alarm.sounds.values(), NOON, ZONE)
        running = Order(
            name="Sáng", at=time(12, 40), minutes=15, rule="FREQ=DAILY", start_date=date(2026, 11, 21),
            where=Where((cast.commune.id,)), lines=(Line(ItemKind.BULLETIN, 1),),
        )  # fmt: skip
        programme_acts.add(session, cast.hoa, running, now=NOON, zone=ZONE)
        drive = campaigns.Order(
            name="Tiêm chủng", start_date=date(2026, 11, 21), end_date=date(2026, 11, 30),
            where=Where((cast.commune.id,)), target=campaigns.Target(number=20),
            lines=(campaigns.Line(bulletin_id=1),),
        )  # fmt: skip
        campaigns.add(session, drive, cast.hoa, NOON, ZONE)
        tokens.make(
            session,
            cast.admin,
            name="Cổng xã",
            owner=cast.hoa,
            scopes=[Scope.BULLETINS_READ],
            days=9,
            now=NOON,
        )
        holds.add(session, cast.admin, holds.Order(reason="Thanh tra", bulletin_id=1), NOON)
        monthly = report_orders.Wanted(What.MONTH, to=["tinh@tinh.example.vn"], folder="gui-tinh")
        order = report_orders.add(session, monthly, cast.hoa, NOON)
        report_orders.ask_now(session, order, cast.hoa, NOON, ZONE)
        stations.expect(session, "Xã Lân", cast.admin, NOON)
        entries.teach(session, cast.hoa, Entry("NVH", "nhà văn hóa", True, ""), NOON)
        draft = Draft(title="Họp thôn", parts=spoken("Mời bà con họp thôn."))
        assert bulletins.write(session, cast.hoa, draft, NOON).id == A_DRAFT["bulletin_id"]


def pages(app: Flask) -> list[tuple[str, str, May]]:
    """(endpoint, address, what it needs) of everything one can look at."""
    with app.test_request_context():
        adapter = app.url_map.bind("")
        return [
            (rule.endpoint, adapter.build(rule.endpoint, _places(rule)) + ASKED.get(rule.endpoint, ""),
             getattr(app.view_functions[rule.endpoint], "needs", May.READ))
            for rule in app.url_map.iter_rules()
            if "GET" in rule.methods and not _is_no_page(rule.endpoint)
        ]  # fmt: skip


def acts(app: Flask) -> list[tuple[str, str, May]]:
    with app.test_request_context():
        adapter = app.url_map.bind("")
        return [
            (rule.endpoint, adapter.build(rule.endpoint, _places(rule), method="POST"),
             getattr(app.view_functions[rule.endpoint], "needs", May.READ))
            for rule in app.url_map.iter_rules()
            if "POST" in rule.methods and not rule.endpoint.startswith(("sign_in", "api."))
        ]  # fmt: skip


@pytest.fixture(params=["hoa", "minh", "lan", "admin"])
def someone(request, cast):
    return getattr(cast, request.param)


def test_it_shows_each_role_what_it_may_see_and_refuses_the_rest(app, sign_in, someone, station):
    client = sign_in(someone)
    for endpoint, address, act in pages(app):
        answer = client.get(address)
        wanted = {200} if someone.may(act) else {403}
        if endpoint == "decisions.ask_withdraw" and someone.role is Role.VIEWER:
            wanted = {403}
        assert answer.status_code in wanted, (endpoint, answer.status_code, words(answer)[:300])


def test_it_counts_on_every_page_what_waits_for_an_approver(
    app, minh, hoa, database, station, cast
):
    with database.write() as session:
        bulletin = bulletins.write(
            session, cast.hoa, Draft(title="Họp", parts=spoken("Họp thôn.")), NOON
        )
        give_sound(session, bulletin)
        bulletins.submit(session, bulletin, cast.hoa, NOON)
    for _, address, act in pages(app):
        for person, client, shown in ((cast.minh, minh, 1), (cast.hoa, hoa, 0)):
            page = client.get(address).text if person.may(act) else ""
            if 'class="main"' in page:
                assert page.count('<span class="count">1<') == shown, address


def test_what_waits_is_one_question_more(minh, admin, queries, station):
    asked = []
    for person in (admin, minh):
        before = queries.number
        with queries:
            person.get("/mat-khau")
        asked.append(queries.number - before)
    # The question, and the beginning of its transaction.
    assert asked[1] - asked[0] == 2


def test_a_page_without_the_number_is_shown_when_the_database_is_busy(minh, monkeypatch):
    def busy(*_args):
        raise OperationalError("SELECT", {}, Exception("database is locked"))

    monkeypatch.setattr(library, "count_to_decide", busy)
    page = minh.get("/mat-khau")
    assert page.status_code == 200
    assert 'class="count"' not in page.text


def test_it_refuses_each_act_to_roles_that_may_not(app, sign_in, someone, station):
    client = sign_in(someone)
    for endpoint, address, act in acts(app):
        if not someone.may(act):
            answer = client.post(address, data={})
            assert answer.status_code == 403, endpoint
            assert "không có quyền" in words(answer), endpoint


def test_it_names_no_reading_act_that_only_needs_reading(app):
    """Whatever changes something says what it needs, but for what anyone may do with their own."""
    account = {
        f"account.{act}" for act in ("begin", "confirm", "give_up", "renew_codes", "take_off")
    }
    device = {"look.choose", "i18n.choose"}
    own = {"staff.own_password", "decisions.withdraw", "claiming.claim", *account, *device}
    assert {endpoint for endpoint, _, act in acts(app) if act is May.READ} == own


def test_it_lets_no_script_or_style_into_a_page(app, admin, minh, station):
    for client in (admin, minh):
        for _, address, _ in pages(app):
            page = client.get(address).text
            assert not re.search(r"<script(?![^>]*\bsrc=)", page), address
            assert not re.search(r"<[^>]+\s(style|on\w+)=", page), address


def test_it_sends_the_headers_that_keep_others_out(hoa, client):
    for answer in (
        hoa.get("/"),
        client.get("/dang-nhap"),
        hoa.get("/khong-co"),
        hoa.get("/static/css/loa.css"),
    ):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_it_has_a_label_for_every_field(app, admin, minh, station):
    for client in (admin, minh):
        for _, address, _ in pages(app):
            page = client.get(address).text
            labelled = set(re.findall(r'<label[^>]*\bfor="([^"]+)"', page))
            for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", page):
                if (
                    'type="hidden"' in tag
                    or "aria-label" in tag
                    or re.search(r"<label[^>]*>" + re.escape(tag), page)
                ):
                    continue
                name = re.search(r'\bid="([^"]+)"', tag)
                assert name, (address, tag)
                assert name[1] in labelled, (address, tag)


def test_it_speaks_no_english(app, admin, minh, station):
    for client in (admin, minh):
        for _, address, _ in pages(app):
            found = re.findall(
                r"\b(?:draft|submitted|approved|planned|sent|error|None|null|undefined|the|this field)\b",
                words(client.get(address)),
            )
            assert not found, (address, found)
