"""The page of what comes from above, and what each person sees: Minh of the province, Hoa of commune A, Lan of B."""

from __future__ import annotations

import re
from datetime import date, time

import pytest
import sqlalchemy as sa

from content.bulletins import Bulletin, Priority
from devices import areas, groups
from loa.staff import Role, Staff
from loa.times import DAY, HOUR, MINUTE, Instant, after, local
from scheduler import alert_orders, campaigns, programme_acts, schedules
from scheduler.broadcasts import Broadcast
from scheduler.levels import AreaDecision, Said
from scheduler.programme_checks import Line, Order
from scheduler.programmes import ItemKind
from scheduler.schedules import Kind, Rule
from scheduler.targets import Where
from tests.cast import NOON, ZONE, add_receiver, approved_bulletin
from tests.web.conftest import error_at, plan, words
from web import level_guard

BOTH_DATABASES = True
FIVE = after(NOON, 5 * HOUR)


@pytest.fixture
def province(database, cast):
    """Commune A is the cast's; B has one receiver."""
    with database.write() as session:
        root = areas.add(session, name="Biển", level="tỉnh", now=NOON, by="test")
        b = areas.add(session, name="Bạn", level="xã", parent=root, now=NOON, by="test")
        session.get_one(type(b), cast.commune.id).parent_id = root.id
        add_receiver(session, cast, "ban-1", b)
        session.get_one(Staff, cast.hoa.id).area_id = cast.commune.id
        lan = session.get_one(Staff, cast.lan.id)
        lan.area_id, lan.role = b.id, Role.EDITOR
        cast.b, cast.root = b, root
        return cast


@pytest.fixture
def order(database, province):
    """Have somebody schedule a bulletin of that title; the broadcast that comes of it."""

    def order(
        person: Staff, title: str, where: int, *, at: Instant = FIVE, priority: Priority = Priority.NORMAL,
        ms: int = 60_000,
    ) -> Broadcast:  # fmt: skip
        moment = local(at, ZONE)
        rule = Rule(kind=Kind.ONCE, at=moment.time(), start_date=moment.date(), area_ids=(where,))
        with database.write() as session:
            who = session.get_one(Staff, person.id)
            said = approved_bulletin(session, province, title=title, priority=priority, ms=ms)
            schedule = schedules.add(session, said, who, rule, now=NOON, zone=ZONE)
            plan(session, NOON)
            found = sa.select(Broadcast).where(Broadcast.schedule_id == schedule.id)
            return session.scalars(found).one()

    return order


@pytest.fixture
def three(order, province):
    """One of the province's for all, one of each commune's own."""
    return {
        "Tin tỉnh": order(province.minh, "Tin tỉnh", province.root.id),
        "Tin Mẫu": order(province.hoa, "Tin Mẫu", province.commune.id, at=after(FIVE, HOUR)),
        "Tin Bạn": order(province.lan, "Tin Bạn", province.b.id, at=after(FIVE, HOUR)),
    }


def shown(text: str) -> set[str]:
    return {title for title in ("Tin tỉnh", "Tin Mẫu", "Tin Bạn") if title in text}


# -- who sees what --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["/", "/lich-phat", "/lich-phat.ics", "/lich-phat/24-gio", "/lich-phat/ngay", "/hom-nay"],
)
def test_lists_show_what_touches_the_area(hoa, lan, minh, three, address):
    assert shown(hoa.get(address).text) == {"Tin tỉnh", "Tin Mẫu"}
    assert shown(lan.get(address).text) == {"Tin tỉnh", "Tin Bạn"}
    assert shown(minh.get(address).text) == set(three)


def test_the_log_and_its_file_are_of_the_own_receivers(hoa, minh, three):
    for address in ("/nhat-ky", "/nhat-ky.csv"):
        own = hoa.get(address).text
        assert shown(own) == {"Tin tỉnh", "Tin Mẫu"}
        assert "ban-1" not in own
        assert "ban-1" in minh.get(address).text


def test_receivers_of_others_are_not_listed(hoa, minh, province):
    for address in ("/dau-thu", "/dau-thu.csv", "/lich-phat/ngay", "/vi-sao"):
        assert "ban-1" not in hoa.get(address).text
        assert "r-0000" in hoa.get(address).text
    assert "ban-1" in minh.get("/dau-thu").text
    asked = hoa.get(f"/dau-thu?dia_ban={province.b.id}").text
    assert "ban-1" not in asked


def test_programmes_and_campaigns_and_alerts_too(hoa, lan, database, province):
    with database.write() as session:
        who = session.get_one(Staff, province.lan.id)
        said = approved_bulletin(session, province)
        where = Where((province.b.id,))
        day = date(2026, 11, 22)
        running = Order(
            name="Sáng của Bạn", at=time(6), minutes=15, rule="FREQ=DAILY", start_date=day, where=where,
            lines=(Line(ItemKind.BULLETIN, said.id),),
        )  # fmt: skip
        programme = programme_acts.add(session, who, running, now=NOON, zone=ZONE).id
        drive = campaigns.Order(
            name="Tiêm ở Bạn", start_date=day, end_date=date(2026, 11, 30), where=where,
            target=campaigns.Target(number=5), lines=(campaigns.Line(bulletin_id=said.id),),
        )  # fmt: skip
        campaign = campaigns.add(session, drive, who, NOON, ZONE).id
        alarm = approved_bulletin(session, province, title="Lũ ở Bạn", priority=Priority.EMERGENCY)
        asked = alert_orders.Order(where=where, expires_at=after(NOON, HOUR), bulletin=alarm)
        alert = alert_orders.prepare(session, who, asked, NOON, ZONE).id
    for listing, number in (
        ("/chuong-trinh", programme),
        ("/chien-dich", campaign),
        ("/khan-cap", alert),
    ):
        address = f"{listing}/{number}"
        assert f'href="{address}"' in lan.get(listing).text
        assert lan.get(address).status_code == 200
        assert f'href="{address}"' not in hoa.get(listing).text
        assert hoa.get(address).status_code == 404


def test_no_address_shows_what_is_not_listed(hoa, minh, three, database):
    with database.read() as session:
        foreign = session.get_one(Broadcast, three["Tin Bạn"].id)
        addresses = [
            f"/luot-phat/{foreign.id}",
            f"/luot-phat/{foreign.id}/ket-qua",
            f"/lich-phat/{foreign.schedule_id}",
            f"/lich-phat/{foreign.schedule_id}/sua",
            "/dau-thu/ban-1",
            "/dau-thu/ban-1/tinh-trang",
        ]
    for address in addresses:
        answer = hoa.get(address)
        assert answer.status_code == 404, address
        assert "trong địa bàn của bạn" in words(answer)
        assert minh.get(address).status_code == 200, address
    assert hoa.get("/vi-sao?dau_thu=ban-1").status_code == 404
    page = words(hoa.get(f"/luot-phat/{three['Tin tỉnh'].id}"))
    assert "Cột r-0000" in page
    assert "Cột ban-1" not in page
    assert "từ cấp trên" in page


def test_it_offers_only_the_own_part_of_the_tree(hoa, minh, database, province, approved):
    with database.write() as session:
        groups.add(session, "Trường liên xã", ["r-0000", "ban-1"], now=NOON, by="test")
        groups.add(session, "Chợ", ["r-0000"], now=NOON, by="test")
    for address in (
        f"/ban-tin/{approved.id}/dat-lich",
        f"/ban-tin/{approved.id}/phat-ngay",
        "/chuong-trinh/moi",
        "/chien-dich/moi",
        "/khan-cap/moi?mau=lu",
    ):
        own, whole = hoa.get(address).text, minh.get(address).text
        boxes = [f'name="area_ids" value="{area.id}"' for area in (province.root, province.b)]
        assert f'name="area_ids" value="{province.commune.id}" checked' in own, address
        assert not any(box in own for box in boxes), address
        assert all(box in whole for box in boxes), address
        assert "Chợ" in own
        assert "Trường liên xã" not in own


def test_a_place_elsewhere_is_refused_at_its_field(hoa, province, approved):
    answer = hoa.post(
        f"/ban-tin/{approved.id}/dat-lich",
        data={"kind": "once", "at": "17:00", "start_date": "21/11/2026", "area_ids": [province.b.id]},
    )  # fmt: skip
    assert answer.status_code == 400
    assert "Hoa làm việc cho xã Mẫu nên không đặt phát ở xã Bạn được" in error_at(
        answer, "area_ids"
    )


def test_what_the_province_set_is_not_hers_to_stop_or_withdraw(
    hoa, database, province, three, clock
):
    row = three["Tin tỉnh"]
    with database.write() as session:
        session.get_one(Staff, province.hoa.id).role = Role.APPROVER
        session.get_one(Bulletin, row.bulletin_id).author_id = province.minh.id
    assert "Dừng lượt này" not in words(hoa.get(f"/luot-phat/{row.id}"))
    for address in (
        f"/luot-phat/{row.id}/dung",
        f"/lich-phat/{row.schedule_id}/ket-thuc",
        f"/ban-tin/{row.bulletin_id}/thu-hoi",
    ):
        assert hoa.post(address).status_code == 403, address
    clock.move(5 * HOUR - MINUTE)
    assert "Tin tỉnh" not in words(hoa.get("/dung-tat-ca"))


def test_bulletins_of_others_are_read_and_scheduled_and_not_changed(
    hoa, lan, minh, database, province, approved
):
    with database.write() as session:
        session.get_one(Staff, province.hoa.id).role = Role.APPROVER
    here = f"/ban-tin/{approved.id}"  # Hoa's, of commune A
    assert f"{here}/sua" in hoa.get(here).text
    assert hoa.get(f"{here}/sua").status_code == 200
    assert minh.get(f"{here}/thu-hoi").status_code == 200, "of the whole station"
    page = lan.get(here)
    assert page.status_code == 200
    assert f"{here}/dat-lich" in page.text
    assert f"{here}/sua" not in page.text
    for answer in (
        lan.get(f"{here}/sua"),
        lan.get(f"{here}/thu-hoi"),
        lan.post(f"{here}/sua", data={"title": "Khác"}),
        lan.post(f"{here}/doc-lai"),
        lan.post(f"{here}/phan/1/cach-doc"),
        lan.post(f"{here}/cac-ban/1/dung-lai"),
        lan.post(f"{here}/thu-hoi"),
    ):
        assert answer.status_code == 403
        assert "do Hoa, cán bộ của xã Mẫu, soạn" in words(answer)
        assert "nghe và đặt lịch phát được, nhưng không sửa hay thu hồi được" in words(answer)


def test_every_page_that_changes_a_bulletin_keeps_to_the_area(app):
    """A new one must be put among those that do, or here among those that do not."""
    free = {
        "bulletins.show", "cuts.after", "cuts.original", "cuts.translation_after", "cuts.waiting",
        "decisions.approve", "decisions.reject", "new_broadcast.again", "new_broadcast.slots", "new_broadcast.sound",
        "readings.show", "schedules.new", "schedules.now",
        "schedules.preview", "sounds.file", "sounds.part", "translations.listing", "versions.listing", "versions.show",
    }  # fmt: skip
    known = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "bulletin_id" in rule.arguments and not rule.endpoint.startswith("api.")
    }
    assert known - free == level_guard.CHANGES | level_guard.ASKS


# -- the page -------------------------------------------------------------------------------------


def test_it_declines_with_a_reason_and_takes_it_back(hoa, minh, database, three):
    row = three["Tin tỉnh"]
    page = words(hoa.get("/cap-tren"))
    assert "Tin tỉnh" in page
    assert shown(page) == {"Tin tỉnh"}
    here = f"/cap-tren/luot/{row.id}/khong-nhan"
    wrong = hoa.post(here, data={f"l{row.id}-reason": " "})
    assert wrong.status_code == 400
    assert "Hãy ghi lý do không nhận" in error_at(wrong, f"l{row.id}-reason")
    assert hoa.post(here, data={f"l{row.id}-reason": "Lễ hội xã"}).location == "/cap-tren"
    assert "Hoa không nhận: Lễ hội xã" in words(hoa.get("/cap-tren"))
    with database.write() as session:
        said = session.scalars(sa.select(AreaDecision.id)).one()
        plan(session, NOON)
    told = words(minh.get("/cap-tren"))
    assert "xã Mẫu Không nhận Tin tỉnh" in told
    assert "Lý do: Lễ hội xã" in told
    assert "xã Mẫu không nhận lượt này: Lễ hội xã" in words(minh.get(f"/luot-phat/{row.id}"))
    why = words(hoa.get("/vi-sao?dau_thu=r-0000&ngay=21/11/2026&gio=17:00"))
    assert "Hoa quyết định không nhận lượt này: Lễ hội xã." in why

    assert hoa.post(f"/cap-tren/quyet-dinh/{said}/bo").location == "/cap-tren"
    assert "không nhận: Lễ hội xã" not in words(hoa.get("/cap-tren"))


def test_what_is_days_ahead_is_declined_early(hoa, database, province):
    far = after(FIVE, 5 * DAY)
    with database.write() as session:
        moment = local(far, ZONE)
        rule = Rule(
            kind=Kind.ONCE, at=moment.time(), start_date=moment.date(), area_ids=(province.root.id,)
        )
        said = approved_bulletin(session, province, title="Tin tỉnh")
        who = session.get_one(Staff, province.minh.id)
        schedules.add(session, said, who, rule, now=NOON, zone=ZONE)
        plan(session, NOON)
    page = hoa.get("/cap-tren").text
    (name,) = re.findall(r'name="luot" value="([^"]+)"', page)
    answer = hoa.post("/cap-tren/som", data={"luot": name})
    with database.read() as session:
        row = session.scalars(sa.select(Broadcast)).one()
    assert answer.location == f"/cap-tren?mo={row.id}#luot-{row.id}"
    assert f'name="l{row.id}-reason"' in hoa.get(answer.location).text
    here = f"/cap-tren/luot/{row.id}/khong-nhan"
    assert hoa.post(here, data={f"l{row.id}-reason": "Lễ hội xã"}).location == "/cap-tren"
    assert hoa.post("/cap-tren/som", data={"luot": name}).status_code == 404, "made already"


def test_the_order_of_two_days_ahead_is_asked_where_it_can_be_said(hoa, database, province):
    far = local(after(FIVE, 5 * DAY), ZONE)
    with database.write() as session:
        for person, area in ((province.minh, province.root), (province.hoa, province.commune)):
            rule = Rule(
                kind=Kind.ONCE, at=far.time(), start_date=far.date(), area_ids=(area.id,)
            )  # fmt: skip
            said = approved_bulletin(session, province, priority=Priority.PRIORITY)
            who = session.get_one(Staff, person.id)
            schedules.add(session, said, who, rule, now=NOON, zone=ZONE)
        plan(session, NOON)
    (name,) = re.findall(r'name="luot" value="([^"]+)"', hoa.get("/cap-tren").text)
    answer = hoa.post("/cap-tren/som", data={"luot": name})
    place = answer.location.partition("#")[2]
    assert place.startswith("thu-tu-")
    assert f'id="{place}"' in hoa.get(answer.location).text


def test_priority_and_emergency_show_no_such_button(hoa, order, province):
    urgent = order(province.minh, "Ưu tiên", province.root.id, priority=Priority.PRIORITY)
    alarm = order(province.minh, "Khẩn", province.root.id, priority=Priority.EMERGENCY)
    page = hoa.get("/cap-tren")
    assert "Ưu tiên: không từ chối được." in words(page)
    assert "Khẩn cấp: phát ngay, không từ chối được." in words(page)
    assert "/khong-nhan" not in page.text
    for row, sentence in ((urgent, "ưu tiên từ cấp trên"), (alarm, "khẩn cấp từ cấp trên")):
        here = f"/cap-tren/luot/{row.id}/khong-nhan"
        answer = hoa.post(here, data={f"l{row.id}-reason": "Ồn"})
        assert answer.status_code == 400
        assert sentence in words(answer)


def test_it_asks_for_the_order_until_it_is_decided(hoa, lan, database, order, province):
    urgent = {"priority": Priority.PRIORITY}
    above = order(province.minh, "Tỉnh họp", province.root.id, ms=10 * MINUTE, **urgent)
    own = order(province.hoa, "Xã họp", province.commune.id, at=after(FIVE, 5 * MINUTE), **urgent)
    notice = "“Tỉnh họp” (17:00) từ cấp trên trùng giờ với “Xã họp” (17:05) của địa bàn"
    assert notice in words(hoa.get("/"))
    assert notice not in words(lan.get("/"))
    page = words(hoa.get("/cap-tren"))
    assert "Chưa chọn thì “Tỉnh họp” phát trước theo lệ chung" in page
    here, form = f"/cap-tren/luot/{above.id}/thu-tu/{own.id}", f"l{above.id}-{own.id}-"
    wrong = hoa.post(here, data={form + "first": "999"})
    assert "Hãy chọn lượt phát trước." in error_at(wrong, form + "first")
    data = {form + "first": own.id, form + "again": "y", form + "reason": "Dân đã hẹn"}
    assert hoa.post(here, data=data).location == "/cap-tren"
    page = words(hoa.get("/cap-tren"))
    assert "Lượt nhường được xếp lại lúc 17:06:03 ở địa bàn." in page
    assert "Hoa quyết định “Xã họp” phát trước: Dân đã hẹn." in page
    assert notice not in words(hoa.get("/"))
    with database.read() as session:
        (said,) = session.scalars(sa.select(AreaDecision)).all()
        assert (said.said, said.broadcast_id, said.other_id) == (Said.FIRST, own.id, above.id)


def test_the_tab_is_there_once_anybody_works_for_an_area(minh, hoa, cast, database):
    assert "/cap-tren" not in minh.get("/lich-phat").text
    assert "Mọi cán bộ đều làm việc cho cả đài." in words(minh.get("/cap-tren"))
    with database.write() as session:
        session.get_one(Staff, cast.hoa.id).area_id = cast.commune.id
    assert "/cap-tren" in minh.get("/lich-phat").text
    assert "/cap-tren" in hoa.get("/lich-phat").text
    assert "Không có lượt nào từ cấp trên" in words(hoa.get("/cap-tren"))


def test_another_commune_cannot_take_it_back(hoa, lan, database, three):
    row = three["Tin tỉnh"]
    hoa.post(f"/cap-tren/luot/{row.id}/khong-nhan", data={f"l{row.id}-reason": "Lễ hội"})
    with database.read() as session:
        (said,) = session.scalars(sa.select(AreaDecision)).all()
    assert lan.post(f"/cap-tren/quyet-dinh/{said.id}/bo").status_code == 404


# -- where a person works -------------------------------------------------------------------------


def test_the_admin_says_for_which_area_a_person_works(admin, hoa, database, three, province):
    new = {"name": "Vũ Thị Tư", "login": "tu", "role": "editor", "area": province.b.id}
    admin.post("/can-bo/moi", data=new)
    assert "Vũ Thị Tư người soạn làm việc cho xã Bạn" in words(admin.get("/can-bo"))
    here = f"/can-bo/{province.hoa.id}/dia-ban"
    assert "Hoa làm việc cho đâu?" in words(admin.get(here))
    assert hoa.get("/dau-thu/ban-1").status_code == 404
    assert admin.post(here, data={"area": ""}).location == "/can-bo"
    assert hoa.get("/dau-thu/ban-1").status_code == 200
    with database.write() as session:
        plan(session, NOON)
        assert session.get_one(Broadcast, three["Tin Mẫu"].id).by_area_id is None


def test_an_admin_works_for_the_whole_station(admin, province):
    new = {"name": "Tư", "login": "tu", "role": "admin", "area": province.b.id}
    answer = admin.post("/can-bo/moi", data=new)
    assert "Quản trị làm việc cho cả đài" in error_at(answer, "area")
    answer = admin.post(f"/can-bo/{province.admin.id}/dia-ban", data={"area": province.b.id})
    assert "Quản trị làm việc cho cả đài" in error_at(answer, "area")
    answer = admin.post(f"/can-bo/{province.hoa.id}/dia-ban", data={"area": 999})
    assert "Lựa chọn này không có" in error_at(answer, "area")
