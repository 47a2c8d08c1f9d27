"""Notices: blanks, filling them in, the commune's own words; what a text is called and which days it names."""

from __future__ import annotations

from datetime import date, time

import pytest

from content import mentions, notices, reading
from content.notices import Blank, Kind, Notice
from loa.errors import ContentError, NotAllowed, NotFound
from tests.cast import NOON, settle_in

TODAY = date(2026, 11, 21)
NOTICE = Notice(
    name="Họp",
    body="Họp lúc [giờ: Mấy giờ], [ngày: Ngày nào], tại [nơi: Ở đâu].\nNội dung: [chữ: Việc gì?].\nXin mời.",
)
CLOCK, DAY = Blank(Kind.CLOCK, "Mấy giờ"), Blank(Kind.DAY, "Ngày nào")
PLACE, ABOUT = Blank(Kind.PLACE, "Ở đâu"), Blank(Kind.WORDS, "Việc gì", optional=True)
FILLED = {CLOCK: time(19, 30), DAY: date(2026, 11, 24), PLACE: "nhà văn hoá"}


def test_it_knows_its_blanks_in_order():
    assert NOTICE.blanks == (CLOCK, DAY, PLACE, ABOUT)


def test_the_same_blank_twice_is_asked_for_once():
    assert len(Notice(name="A", body="[nơi: Đâu] và [nơi: Đâu]").blanks) == 1


def test_a_line_whose_optional_blank_is_empty_is_left_out():
    said = notices.fill(NOTICE, FILLED)
    assert said == "Họp lúc 19h30, thứ Ba, ngày 24/11/2026, tại nhà văn hoá.\nXin mời."
    assert "Nội dung: quỹ thôn." in notices.fill(NOTICE, {**FILLED, ABOUT: " quỹ thôn. "})


@pytest.mark.parametrize(
    ("blank", "field"), [(CLOCK, "blank_0"), (DAY, "blank_1"), (PLACE, "blank_2")]
)
def test_what_is_not_filled_in_is_named(blank, field):
    with pytest.raises(ContentError, match=blank.asks) as refused:
        notices.fill(NOTICE, {**FILLED, blank: None})
    assert refused.value.field == field


def test_midnight_is_an_hour_too():
    assert "0h," in notices.fill(NOTICE, {**FILLED, CLOCK: time(0, 0)})


def test_a_bulletin_is_called_by_place_and_day():
    assert notices.title(NOTICE, FILLED) == "Họp, nhà văn hoá, 24/11"


@pytest.mark.parametrize("key", list(notices.shipped()))
def test_each_shipped_notice_is_well_formed_and_read_without_doubt(key):
    notice = notices.shipped()[key]
    notices.check(notice)
    values = {
        Kind.DAY: date(2026, 11, 24),
        Kind.CLOCK: time(7, 30),
        Kind.PLACE: "thôn Đông",
        Kind.WORDS: "sửa đường dây",
    }
    said = notices.fill(notice, {blank: values[blank.kind] for blank in notice.blanks})
    assert "[" not in said
    read = reading.read(said)
    assert read.warnings == ()
    assert "bảy giờ ba mươi" in read.spoken


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"name": ""}, "name", "đặt tên"),
        ({"name": "x" * 81}, "name", "80"),
        ({"body": ""}, "body", "Hãy nhập"),
        ({"body": "x" * 4001}, "body", "4001"),
        ({"body": "Họp [lúc nào]."}, "body", "[lúc nào]"),
        ({"body": "Họp [ai: Ai họp]."}, "body", "“ai”"),
        ({"body": "Họp [giờ: Mấy giờ."}, "body", "[giờ"),
        ({"body": "Họp giờ]."}, "body", "]"),
        ({"body": " ".join(f"[nơi: Chỗ {n}]" for n in range(13))}, "body", "12"),
        ({"field": 7}, "field", "lĩnh vực"),
    ],
)
def test_it_says_what_is_wrong_with_a_notice(change, field, said):
    with pytest.raises(ContentError) as refused:
        notices.check(Notice(**{"name": "Họp", "body": "Họp.", **change}))
    assert (refused.value.field, said in refused.value.sentence) == (field, True)


@pytest.fixture
def cast(database):
    with database.write() as session:
        return settle_in(session)


def keys(database):
    with database.read() as session:
        return list(notices.offered(session))


def test_the_commune_keeps_its_own(database, cast):
    with database.write() as session:
        key = notices.save(
            session,
            None,
            Notice(name=" Mất  nước ", body="Mất nước tại [nơi: Ở đâu]."),
            cast.hoa,
            NOON,
        )
    with database.read() as session:
        assert notices.get(session, key).name == "Mất nước"
    assert keys(database) == [*notices.shipped(), key]
    with database.write() as session:
        notices.drop(session, key, cast.hoa, NOON)
    assert keys(database) == list(notices.shipped())
    with database.read() as session, pytest.raises(NotFound):
        notices.get(session, key)


def test_its_own_words_stand_in_the_place_of_a_shipped_one(database, cast):
    with database.write() as session:
        notices.save(session, "hop-thon", Notice(name="Họp bản", body="Mời họp."), cast.hoa, NOON)
    with database.read() as session:
        assert notices.offered(session)["hop-thon"].name == "Họp bản"
    with database.write() as session:
        notices.restore(session, "hop-thon", cast.hoa, NOON)
    with database.read() as session:
        assert notices.offered(session)["hop-thon"] == notices.shipped()["hop-thon"]


def test_a_shipped_one_is_hidden_and_comes_back(database, cast):
    with database.write() as session:
        notices.drop(session, "cat-dien", cast.hoa, NOON)
    assert "cat-dien" not in keys(database)
    with database.write() as session:
        notices.restore(session, "cat-dien", cast.hoa, NOON)
    assert keys(database) == list(notices.shipped())


def test_one_that_is_not_there_is_neither_changed_nor_restored(database, cast):
    with database.write() as session:
        with pytest.raises(NotFound):
            notices.save(session, "khong-co", NOTICE, cast.hoa, NOON)
        with pytest.raises(NotFound):
            notices.restore(session, "khong-co", cast.hoa, NOON)
        with pytest.raises(NotAllowed):
            notices.save(session, None, NOTICE, cast.lan, NOON)


def test_there_is_an_end_to_them(database, cast, monkeypatch):
    monkeypatch.setattr(notices, "MOST", 1)
    with database.write() as session:
        notices.save(session, None, NOTICE, cast.hoa, NOON)
        with pytest.raises(ContentError, match="nhiều nhất 1"):
            notices.save(session, None, NOTICE, cast.hoa, NOON)


# -- what a text says of itself -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Họp thôn Đông.\nMời bà con.", "Họp thôn Đông"),
        ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập - Tự do\nTHÔNG BÁO\nVề việc tiêm phòng", "Tiêm phòng"),
        ("THÔNG BÁO LỊCH CẮT ĐIỆN", "Lịch cắt điện"),
        ("Kính thưa bà con!\nMời bà con họp lúc 19h30. Đề nghị đúng giờ.", "Mời bà con họp lúc 19h30"),
        ("Lượt xem: 43\nHọp thôn", "Họp thôn"),
        ("", ""),
        ("\n \n", ""),
        ("Mời " + "bà con " * 40, "Mời " + " ".join(["bà con"] * 12) + "…"),
    ],
)  # fmt: skip
def test_it_proposes_a_name(text, name):
    assert mentions.headline(text) == name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("họp ngày 20/11", [date(2026, 11, 20)]),
        ("họp ngày 20/11/2026 và 5-12-2026", [date(2026, 11, 20), date(2026, 12, 5)]),
        ("sáng 2/1 tiêm", [date(2027, 1, 2)]),
        ("ngày 5 tháng 12 năm 2026", [date(2026, 12, 5)]),
        ("ngày 20 tháng 11", [date(2026, 11, 20)]),
        ("theo Nghị định số 12/11/2026", []),
        ("đạt 3/4 số hộ", []),
        ("ngày 31/2", []),
        ("ngày 15/10 âm lịch", []),
        ("từ ngày 20/11, ngày 20/11", [date(2026, 11, 20)]),
    ],
)
def test_it_finds_the_days_a_text_names(text, found):
    assert [each.day for each in mentions.days(text, TODAY)] == found


def test_days_that_are_over_are_told_but_no_anniversaries():
    text = "Họp ngày 20/11. Kỷ niệm ngày 22/12/1944. Nộp trước ngày 30/11."
    assert [each.written for each in mentions.over(text, TODAY)] == ["20/11"]
