"""Chiến dịch: the list, the form with its preview, a campaign's own page."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, time

import pytest
import sqlalchemy as sa

from content.bulletins import Bulletin
from loa.times import DAY, HOUR, MINUTE
from scheduler import campaigns, programme_acts, programme_checks, regulation
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.campaigns import Aim, Campaign, Line, Order, Target
from scheduler.programme_tables import ItemKind
from scheduler.regulation import parse_quiet
from scheduler.rulebook import Rulebook, Slot
from scheduler.targets import Where
from tests.cast import NOON, ZONE, approved_bulletin
from tests.web.conftest import error_at, plan, words
from web import campaign_list

SLOTS = (
    Slot(key="s", name="Sáng", start="05:30", minutes=15),
    Slot(key="c", name="Chiều", start="17:00", minutes=15),
)


@pytest.fixture(autouse=True)
def sessions(database, cast):
    with database.write() as session:
        regulation.add(
            session, None, [parse_quiet("21:00-05:00")], Rulebook(slots=SLOTS), since=NOON, now=NOON
        )


def sent(bulletin: Bulletin, **changes: object) -> dict[str, object]:
    usual = {
        "name": "Tiêm chủng", "basis": "QĐ 12", "start_date": "22/11/2026", "end_date": "01/12/2026", "aim": "plays",
        "number": 20, "per": "total", "times": 1, "weight": 1, "area_ids": [1], "lines": [bulletin.id],
    }  # fmt: skip
    return {**usual, **changes}


@pytest.fixture
def campaign(database, cast, approved) -> Campaign:
    order = Order(
        name="Tiêm chủng", start_date=date(2026, 11, 22), end_date=date(2026, 12, 1), target=Target(number=20),
        where=Where((cast.commune.id,)), lines=(Line(bulletin_id=approved.id),),
    )  # fmt: skip
    with database.write() as session:
        return campaigns.add(session, order, cast.hoa, NOON, ZONE)


def lives(database, clock, days: int, state: DeliveryState = DeliveryState.PLAYED) -> None:
    """Days go by, and receivers say what became of their plays."""
    with database.write() as session:
        plan(session, clock.now)
        clock.move(days * DAY)
        over = sa.select(Broadcast.id).where(Broadcast.starts_at < clock.now)
        session.execute(
            sa.update(Delivery).where(Delivery.broadcast_id.in_(over)).values(state=state)
        )


def test_the_empty_list_says_what_to_do(hoa, lan):
    assert "Lập chiến dịch" in words(hoa.get("/chien-dich"))
    page = words(lan.get("/chien-dich"))
    assert "Chưa có chiến dịch nào" in page
    assert "Lập chiến dịch" not in page


def test_it_is_among_the_pages_of_what_is_to_sound(hoa):
    assert 'href="/chien-dich" aria-current="page"' in hoa.get("/chien-dich").text


def test_saved_it_is_shown_with_its_whole_plan(hoa, approved, database):
    answer = hoa.post("/chien-dich/moi", data=sent(approved), follow_redirects=True)
    page = words(answer)
    assert "Đã lưu chiến dịch" in page
    assert "mỗi đầu thu 20 lần cả chiến dịch" in page
    assert "Dự báo đủ chỉ tiêu." in page
    assert "Cộng 20" in page
    with database.read() as session:
        saved = session.scalars(sa.select(Campaign)).one()
    assert (saved.basis, saved.target, saved.where) == ("QĐ 12", Target(number=20), Where((1,)))


def test_the_plan_is_shown_before_it_is_saved(hoa, approved, database):
    for answer in (
        hoa.post("/chien-dich/xem-truoc", data=sent(approved)),
        hoa.post("/chien-dich/moi", data=sent(approved, xem="1")),
    ):
        page = words(answer)
        assert "Kế hoạch dự kiến" in page
        assert "22/11/2026 2" in page
        assert "Cộng 20" in page
        assert "05:30 Lịch tiêm chủng 3 đầu thu" in page
    with database.read() as session:
        assert session.scalars(sa.select(Campaign)).all() == []


def test_a_target_without_room_says_what_would_meet_it(hoa, approved):
    page = words(
        hoa.post("/chien-dich/xem-truoc", data=sent(approved, number=1000, end_date="23/11/2026"))
    )
    assert "Dự báo thiếu" in page
    assert "Kéo dài thêm" in page
    assert "phút mỗi ngày vào các khung giờ phát" in page
    assert "bản tin ngắn hơn" not in page  # none is as short as that
    assert "Giảm chỉ tiêu còn" in page


def test_where_no_session_is_held_it_says_so(hoa, approved, database):
    with database.write() as session:
        regulation.add(session, None, [], Rulebook(), since=NOON, now=NOON)
    page = words(hoa.post("/chien-dich/xem-truoc", data=sent(approved)))
    assert "không có khung giờ phát nào còn phút trống" in page


def test_what_is_wrong_is_shown_at_its_field(hoa, approved):
    for field, changes in {
        "name": {"name": ""},
        "start_date": {"start_date": ""},
        "end_date": {"end_date": "20/11/2026"},
        "number": {"number": ""},
        "lines": {"lines": []},
        "area_ids": {"area_ids": []},
    }.items():
        answer = hoa.post("/chien-dich/moi", data=sent(approved, **changes))
        assert answer.status_code == 400
        assert error_at(answer, field), field


def test_what_the_regulation_lets_through_with_a_reason_is_asked_for_and_kept(
    hoa, approved, database, cast
):
    with database.write() as session:
        strict = Rulebook(slots=SLOTS, outside="reason")
        regulation.add(session, None, [], strict, since=NOON, now=NOON)
        given = programme_checks.Order(
            name="Trưa", rule="FREQ=DAILY", start_date=date(2026, 11, 21), where=Where((cast.commune.id,)),
            at=time(9), minutes=10, lines=(programme_checks.Line(ItemKind.FILL, ms=5 * MINUTE),),
        )  # fmt: skip
        programme_acts.add(session, cast.hoa, given, now=NOON, zone=ZONE, waived_why="chợ phiên")
    assert 'name="waived_why"' not in hoa.get("/chien-dich/moi").text
    wanted = sent(approved, number=60)
    answer = hoa.post("/chien-dich/moi", data=wanted)
    assert "nằm ngoài các khung giờ phát" in error_at(answer, "waived_why")
    page = words(
        hoa.post(
            "/chien-dich/moi", data={**wanted, "waived_why": "đợt cao điểm"}, follow_redirects=True
        )
    )
    assert "Đã lưu chiến dịch" in page
    assert "phát ngoài các khung giờ. Hoa cho phép, lý do: đợt cao điểm" in page


def test_the_preview_says_what_is_wrong_too(hoa, approved):
    page = words(hoa.post("/chien-dich/xem-truoc", data=sent(approved, end_date="20/11/2026")))
    assert "Ngày kết thúc" in page


def test_messages_have_weights_and_hours(hoa, approved, database, cast):
    with database.write() as session:
        other = approved_bulletin(session, cast, title="Phòng cháy")
    lines = {
        "lines": [approved.id, other.id], f"b{approved.id}-weight": 3, f"b{other.id}-weight": 1,
        f"b{other.id}-apart": 5, f"b{other.id}-first": "24/11/2026",
    }  # fmt: skip
    hoa.post("/chien-dich/moi", data=sent(approved, **lines))
    with database.read() as session:
        one, two = session.scalars(sa.select(Campaign)).one().messages
    assert (one.weight, two.weight, two.apart_ms, two.start_date) == (
        3,
        1,
        5 * HOUR,
        date(2026, 11, 24),
    )


def test_the_list_has_two_bars_and_a_forecast(hoa, campaign, database, clock):
    lives(database, clock, 2)
    answer = hoa.get("/chien-dich")
    page = words(answer)
    assert "10 % của 10 ngày" in page
    assert "lượt đã xác nhận" in page
    assert "Dự báo đủ chỉ tiêu." in page
    assert answer.text.count("<progress") == 2


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("", ["Tiêm chủng", "Quét dọn"]), ("tim=tiem+chung", ["Tiêm chủng"]), ("tim=tiệm", []),
        ("xep=ten", ["Quét dọn", "Tiêm chủng"]), ("tinh_trang=xong", ["Phòng cháy"]),
        ("tinh_trang=tam-dung", ["Quét dọn"]), ("tinh_trang=tat-ca&xep=ten", ["Phòng cháy", "Quét dọn", "Tiêm chủng"]),
    ],
)  # fmt: skip
def test_the_list_is_filtered_sorted_and_told_as_a_file(hoa, approved, question, names):
    for name in ("Phòng cháy", "Quét dọn", "Tiêm chủng"):
        hoa.post("/chien-dich/moi", data=sent(approved, name=name))
    hoa.post("/chien-dich/1/ket-thuc")
    hoa.post("/chien-dich/2/tam-dung")
    page = hoa.get(f"/chien-dich?{question}")
    assert re.findall(r'<b><a href="/chien-dich/\d+">([^<]+)</a>', page.text) == names
    assert names or "Không có chiến dịch nào như vậy." in words(page)
    file = hoa.get(f"/chien-dich/danh-sach.csv?{question}").data.decode("utf-8-sig")
    assert [row["Chiến dịch"] for row in csv.DictReader(io.StringIO(file))] == names


def test_a_long_list_has_pages(hoa, approved, monkeypatch):
    monkeypatch.setattr(campaign_list, "PER_PAGE", 1)
    for name in ("Một", "Hai"):
        hoa.post("/chien-dich/moi", data=sent(approved, name=name))
    assert "Trang 1/2" in words(hoa.get("/chien-dich?xep=ten"))
    assert "Một" in words(hoa.get("/chien-dich?xep=ten&trang=2"))


def test_unknown_plays_stand_apart(hoa, campaign, database, clock):
    lives(database, clock, 2, DeliveryState.UNKNOWN)
    page = words(hoa.get(f"/chien-dich/{campaign.id}"))
    assert "0/60" in page
    assert "chưa có xác nhận" in page
    assert "Dự báo đủ chỉ tiêu." in page


def test_reach_is_drawn_against_its_target(hoa, database, clock, cast, approved):
    with database.write() as session:
        for receiver, households in zip(cast.receivers, (300, 100, 0), strict=True):
            session.merge(receiver).households = households
    answer = hoa.post(
        "/chien-dich/moi",
        data=sent(approved, aim="reach", number=70, times=2),
        follow_redirects=True,
    )
    assert "70 % hộ dân nghe ít nhất 2 lần" in words(answer)
    lives(database, clock, 3)
    answer = hoa.get("/chien-dich/1")
    page = words(answer)
    assert "<polyline" in answer.text
    assert '<line x1="0" x2="300" y1="30"' in answer.text
    assert "Dự báo đạt: 75,0 % hộ." in page
    assert "1 đầu thu chưa ghi số hộ" in page
    assert "không cần phát" in page


def test_pause_asks_first_and_can_be_undone(hoa, campaign, database):
    assert "Tạm dừng chiến dịch này?" in words(hoa.get(f"/chien-dich/{campaign.id}/tam-dung"))
    page = words(hoa.post(f"/chien-dich/{campaign.id}/tam-dung", follow_redirects=True))
    assert "Chạy tiếp" in page
    page = words(hoa.post(f"/chien-dich/{campaign.id}/tiep-tuc", follow_redirects=True))
    assert "Chiến dịch chạy tiếp" in page
    assert "Tạm dừng" in page


def test_the_end_asks_first(hoa, campaign):
    assert "không chạy lại được" in words(hoa.get(f"/chien-dich/{campaign.id}/ket-thuc"))
    page = words(hoa.post(f"/chien-dich/{campaign.id}/ket-thuc", follow_redirects=True))
    assert "đã kết thúc" in page
    assert "Chiến dịch đã xong (1)" in words(hoa.get("/chien-dich"))


def test_a_change_starts_from_what_there_is(hoa, campaign, approved, database):
    page = hoa.get(f"/chien-dich/{campaign.id}/sua").text
    assert 'value="Tiêm chủng"' in page
    assert 'value="22/11/2026"' in page
    assert f'value="{approved.id}" checked' in page
    preview = hoa.post(f"/chien-dich/xem-truoc?sua={campaign.id}", data=sent(approved, number=40))
    assert "Cộng 40" in words(preview)
    hoa.post(f"/chien-dich/{campaign.id}/sua", data=sent(approved, number=40))
    with database.read() as session:
        assert session.get_one(Campaign, campaign.id).target == Target(number=40)


def test_minutes_are_a_target_too(hoa, approved):
    answer = hoa.post(
        "/chien-dich/moi", data=sent(approved, aim="minutes", number=10), follow_redirects=True
    )
    page = words(answer)
    assert "mỗi đầu thu 10 phút cả chiến dịch" in page
    assert "Dự báo đủ chỉ tiêu." in page


def test_who_only_looks_has_nothing_to_press(lan, campaign):
    page = lan.get(f"/chien-dich/{campaign.id}").text
    assert "Tạm dừng" not in page
    assert lan.post(f"/chien-dich/{campaign.id}/ket-thuc").status_code == 403


def test_one_that_is_not_there_is_not_found(hoa):
    assert hoa.get("/chien-dich/99").status_code == 404


def test_a_reach_needs_households(hoa, approved):
    answer = hoa.post("/chien-dich/moi", data=sent(approved, aim=Aim.REACH, number=70))
    assert "số hộ" in error_at(answer, "aim")


def test_what_another_changed_meanwhile_is_not_written_over_unseen(
    hoa, minh, database, campaign, approved
):
    page = f"/chien-dich/{campaign.id}/sua"
    version = re.search(r'name="version"[^>]*value="([^"]+)"', hoa.get(page).text)[1]
    minh.post(page, data=sent(approved, basis="", number=30))
    answer = hoa.post(page, data=sent(approved, basis="", number=40, version=version))
    assert answer.status_code == 400
    assert "Minh (12:00 ngày 21/11/2026) đã sửa trong khi trang này đang mở: Con số." in words(answer)  # fmt: skip
    assert 'value="40"' in answer.text
    with database.read() as session:
        assert campaigns.get(session, campaign.id).target.number == 30
