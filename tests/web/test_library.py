from __future__ import annotations

import csv
import io
from datetime import date, time

import pytest
from msgspec.structs import replace

from content import bulletins, library, recordings
from content.bulletins import Bulletin, Draft, Priority
from content.parts import Translation, spoken
from content.recordings import RenderingState
from loa.times import DAY, HOUR, after
from scheduler import schedules
from scheduler.schedules import Kind, Rule
from tests.cast import NOON, ZONE, another_approver, approved_bulletin, give_sound
from tests.web.conftest import words

BOTH_DATABASES = True
TAY = Translation(language="tyz", upload="b" * 64, name="tày.mp3")


@pytest.fixture
def write(database, cast):
    def write(title, body="Nội dung.", author=None, now=NOON, **fields):
        with database.write() as session:
            draft = Draft(title=title, parts=spoken(body), **fields)
            return bulletins.write(session, author or cast.hoa, draft, now)

    return write


def listed(answer):
    """Titles in the order of the page."""
    assert answer.status_code == 200
    return [words_of(piece) for piece in answer.text.split('<a class="row"')[1:]]


def words_of(piece):
    return piece.split("<b>")[1].split("</b>")[0]


def test_it_says_how_to_begin(hoa, lan):
    assert "Đài chưa có bản tin nào." in words(hoa.get("/ban-tin"))
    assert "Soạn bản tin đầu tiên" in words(hoa.get("/ban-tin"))
    assert "Soạn bản tin" not in words(lan.get("/ban-tin"))


def test_it_finds_words_of_title_and_text_with_and_without_marks(hoa, write):
    write("Lịch tiêm chủng")
    write("Họp thôn", "Bàn việc tiêm phòng dại cho chó.")
    write("Tiệm bánh")
    assert listed(hoa.get("/ban-tin?tim=tiêm")) == ["Họp thôn", "Lịch tiêm chủng"]
    assert len(listed(hoa.get("/ban-tin?tim=TIEM"))) == 3
    assert listed(hoa.get("/ban-tin?tim=phòng+cho")) == ["Họp thôn"]
    answer = hoa.get("/ban-tin?tim=<b>không")
    assert "Không có bản tin nào khớp." in words(answer)
    assert "<b>không" not in answer.text


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("trang_thai=approved", ["Đã duyệt"]),
        ("linh_vuc=4", ["Chỉ đạo"]),
        ("nguoi_soan=2", ["Của Minh"]),
        ("uu_tien=priority", ["Chỉ đạo"]),
        ("hieu_luc=het", ["Hết hạn"]),
        ("hieu_luc=sap-het", ["Sắp hết"]),
        ("hieu_luc=con", ["Đã duyệt", "Sắp hết", "Của Minh", "Chỉ đạo"]),
        ("linh_vuc=4&uu_tien=normal", []),
        ("xep=title", ["Chỉ đạo", "Của Minh", "Đã duyệt", "Hết hạn", "Sắp hết"]),
        ("xep=created", ["Đã duyệt", "Hết hạn", "Sắp hết", "Của Minh", "Chỉ đạo"]),
    ],
)
def test_it_narrows_and_sorts(hoa, write, database, cast, query, titles):
    write("Chỉ đạo", field=4, priority=Priority.PRIORITY, now=NOON - 9)
    write("Của Minh", author=cast.minh, now=NOON - 8)
    write("Sắp hết", valid_until=date(2026, 11, 28), now=NOON - 7)
    write("Hết hạn", valid_until=date(2026, 11, 20), now=NOON - 6)
    with database.write() as session:
        approved_bulletin(session, cast, title="Đã duyệt")
    assert listed(hoa.get(f"/ban-tin?{query}")) == titles


@pytest.mark.parametrize("query", ["linh_vuc=x", "trang_thai=la", "hieu_luc=1", "xep=tên"])
def test_it_refuses_a_choice_there_is_not(hoa, write, query):
    write("Họp")
    answer = hoa.get(f"/ban-tin?{query}")
    assert answer.status_code == 400
    assert hoa.get(f"/ban-tin.csv?{query}").status_code == 400


def test_it_ignores_an_author_there_is_not(hoa, write):
    write("Họp")
    assert "Không có bản tin nào khớp." in words(hoa.get("/ban-tin?nguoi_soan=99"))


def test_it_shows_a_page_at_a_time_and_keeps_the_filter(hoa, write):
    for number in range(51):
        write(f"Bản tin {number}", field=4)
    first = hoa.get("/ban-tin?linh_vuc=4&tim=ban")
    assert len(listed(first)) == 50
    assert "51 bản tin" in words(first)
    assert "Trang 1/2" in words(first)
    assert "trang=2&amp;linh_vuc=4&amp;tim=ban" in first.text
    assert listed(hoa.get("/ban-tin?linh_vuc=4&tim=ban&trang=2")) == ["Bản tin 0"]
    assert len(listed(hoa.get("/ban-tin?trang=99"))) == 1


def test_it_tells_of_each_what_one_must_know(hoa, database, cast, clock):
    with database.write() as session:
        bulletin = approved_bulletin(
            session, cast, ms=95_000, valid_until=date(2026, 11, 22), field=5, translations=(TAY,)
        )
        rule = Rule(
            kind=Kind.DAILY, at=time(17), start_date=date(2026, 11, 21), end_date=date(2026, 11, 22),
            area_ids=(cast.commune.id,),
        )  # fmt: skip
        schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
    told = words(hoa.get("/ban-tin"))
    assert "đã duyệt hết hiệu lực sau 22/11/2026 tiếng Tày" in told
    assert "kiến thức · Hoa soạn · dài 1 phút 35 giây" in told
    assert "Đang có 1 lịch phát, lượt tới 17:00 ngày 21/11/2026" in told
    clock.move(2 * DAY)
    told = words(hoa.get("/ban-tin"))
    assert "hết hiệu lực từ sau 22/11/2026" in told
    assert "lịch phát, lượt tới" not in told


def test_it_asks_as_much_of_the_database_for_many_as_for_few(hoa, database, cast, queries):
    def fill(number):
        with database.write() as session:
            for _ in range(number):
                bulletin = approved_bulletin(session, cast, translations=(TAY,))
                rule = Rule(
                    kind=Kind.DAILY, at=time(17), start_date=date(2026, 11, 21), area_ids=(1,)
                )  # fmt: skip
                schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)

    asked = []
    for number in (1, 8):
        fill(number)
        with queries:
            before = queries.number
            hoa.get("/ban-tin")
            asked.append(queries.number - before)
    assert asked[0] == asked[1]


def test_the_number_that_waits_is_that_of_the_queue(database, cast):
    with database.write() as session:
        second = another_approver(session)
        plain, urgent = Draft(title="Họp", parts=spoken("Họp.")), Priority.EMERGENCY
        urgent_one = submit(session, cast.hoa, cast.hoa, replace(plain, priority=urgent))
        bulletins.approve(session, urgent_one, cast.minh, urgent_one.sounds.values(), NOON)
        submit(session, cast.hoa, cast.minh, plain)
        submit(session, cast.minh, cast.hoa, plain)
        again = approved_bulletin(session, cast)
        for editor, title in ((cast.minh, "Khác"), (cast.hoa, "Khác nữa")):
            bulletins.edit(session, again, editor, replace(plain, title=title), NOON)
        give_sound(session, again)
        bulletins.submit(session, again, cast.hoa, NOON)
        submit(session, cast.hoa, cast.hoa, plain)
    with database.read() as session:
        for person, number in ((cast.minh, 1), (second, 5), (cast.hoa, 0), (cast.admin, 0)):
            assert library.count_to_decide(session, person) == number
            assert len(library.to_decide(session, person)) == number


def submit(session, author, editor, draft):
    bulletin = bulletins.write(session, author, draft, NOON)
    if editor is not author:
        bulletins.edit(session, bulletin, editor, replace(draft, title="Đã sửa"), NOON)
    give_sound(session, bulletin)
    bulletins.submit(session, bulletin, editor, NOON)
    return bulletin


def test_it_leads_an_approver_to_what_waits(minh, hoa, database, cast):
    assert "Chờ duyệt (" not in words(minh.get("/ban-tin"))
    with database.write() as session:
        draft = Draft(title="Họp", parts=spoken("Họp."))
        bulletin = bulletins.write(session, cast.hoa, draft, NOON)
        give_sound(session, bulletin)
        bulletins.submit(session, bulletin, cast.hoa, NOON)
    page = minh.get("/ban-tin")
    assert "Chờ duyệt (1)" in words(page)
    assert 'href="/duyet"' in page.text
    assert 'href="/duyet"' not in hoa.get("/ban-tin").text


def test_it_marks_what_has_no_sound_because_none_could_be_made(hoa, write, database):
    first, second = write("Hỏng"), write("Được lại")
    with database.write() as session:
        for bulletin in (first, second):
            found = session.get_one(Bulletin, bulletin.id)
            recordings.queue(session, found, NOON).state = RenderingState.FAILED
        recordings.queue(session, session.get_one(Bulletin, second.id), NOON)
    page = hoa.get("/ban-tin").text
    marked = {piece.split("</li>")[0] for piece in page.split('<a class="row"')[1:]}
    assert {words_of(each) for each in marked if "chưa tạo được âm thanh" in each} == {"Hỏng"}


def table(answer):
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_the_file_holds_all_that_match_not_only_a_page(hoa, write, database, cast):
    for number in range(51):
        write(f"Bản tin {number}", now=after(NOON, -number * HOUR))
    with database.write() as session:
        another_approver(session)
        approved_bulletin(
            session, cast, title="=HYPERLINK(1)", priority=Priority.EMERGENCY, translations=(TAY,)
        )
    assert len(table(hoa.get("/ban-tin.csv"))) == 52
    (row,) = table(hoa.get("/ban-tin.csv?uu_tien=emergency"))
    assert row["tên bản tin"] == "'=HYPERLINK(1)"
    assert (row["trạng thái"], row["mức ưu tiên"], row["tiếng"]) == (
        "đã duyệt",
        "khẩn cấp",
        "Kinh, Tày",
    )
    assert (row["thời lượng (giây)"], row["số lịch đang phát"], row["lượt tới"]) == ("30", "0", "")
