from __future__ import annotations

import re
from html import unescape

import pytest
import sqlalchemy as sa

from content import bulletins, decisions, entries
from content.bulletins import Bulletin, State
from content.dictionary import Entry
from content.parts import Chime, Text, spoken
from content.recordings import Rendering, RenderingState
from loa.errors import ContentError
from tests.cast import NOON, give_sound
from tests.web.conftest import error_at, words
from web import reading_places, texts

BODY = "Gặp XYZQ lúc 5h.\nMang CCCD tới XYZQ."
HTMX = {"HX-Request": "true"}


@pytest.fixture
def bulletin(database, cast):
    """By Hoa, with a sound."""
    with database.write() as session:
        draft = bulletins.Draft(title="Họp", parts=(Chime(), Text(body=BODY, voice="", speed=150)))
        written = bulletins.write(session, cast.hoa, draft, NOON)
        give_sound(session, written)
        return written


@pytest.fixture
def here(bulletin):
    """The address of the second part's reading."""
    return f"/ban-tin/{bulletin.id}/phan/2/cach-doc"


def at(written, nth=0, version=1, **more):
    """What the panel sends of the nth place where the words stand."""
    start = [found.start() for found in re.finditer(re.escape(written), BODY)][nth]
    return {"start": start, "end": start + len(written), "version": version, **more}


def only(database):
    with database.read() as session:
        return session.scalars(sa.select(Bulletin)).one()


def fixes(database):
    return [(c.start, c.written, c.spoken) for c in only(database).parts[1].corrections]


def queued(database):
    with database.read() as session:
        found = session.scalars(sa.select(Rendering).order_by(Rendering.id)).all()
    return [rendering.version for rendering in found if rendering.state == RenderingState.QUEUED]


def own(database):
    with database.read() as session:
        return {entry.form: entry.spoken for entry in entries.own(session)}


def line(page):
    return unescape(" ".join(re.sub(r"<[^>]+>", "", page.text).split()))


# --- seen ------------------------------------------------------------------------------------------


def test_each_changed_place_is_marked_on_both_sides_and_leads_to_its_panel(hoa, bulletin):
    page = hoa.get(f"/ban-tin/{bulletin.id}").text
    for side, text, label in (
        ("v", "5h", "5h, đọc là năm giờ"),
        ("d", "năm giờ", "năm giờ, viết là 5h"),
    ):
        link = re.search(rf'<a id="{side}2-13"[^>]*>([^<]*)</a>', page)
        assert link[1] == text
        assert 'data-pair="2-13"' in link[0]
        assert f'href="/ban-tin/{bulletin.id}/phan/2/cach-doc?tu=13&amp;den=15"' in link[0]
        assert f'aria-label="{label}"' in link[0]


def test_who_may_change_nothing_is_led_from_one_side_to_the_other(lan, bulletin):
    page = lan.get(f"/ban-tin/{bulletin.id}").text
    assert re.search(r'<a id="v2-13"[^>]*href="#d2-13"', page)
    assert re.search(r'<a id="d2-13"[^>]*href="#v2-13"', page)
    assert "data-fix" not in page


def test_the_written_text_stands_there_letter_by_letter(hoa, database, cast):
    """Places that a script counts must be those of the text: nothing may stand around its pieces."""
    body = "Một & hai <b>.\n\n  Gặp 😀 XYZQ\tlúc 5h."
    with database.write() as session:
        written = bulletins.write(
            session, cast.hoa, bulletins.Draft(title="A", parts=spoken(body)), NOON
        )
    page = hoa.get(f"/ban-tin/{written.id}").text
    box = re.search(r'<div class="words written"[^>]*>(.*?)</div>', page, re.DOTALL)[1]
    assert unescape(re.sub(r"<[^>]+>", "", box)) == body


def test_doubts_are_listed_above_once_each_and_lead_to_their_place(hoa, bulletin):
    page = hoa.get(f"/ban-tin/{bulletin.id}")
    listed = re.findall(r'<li><a href="#(v2-\d+)">([^<]*XYZQ[^<]*)</a>', page.text)
    assert [place for place, _ in listed] == ["v2-4"]
    assert "(2 chỗ)" in words(page)
    assert 'id="v2-4"' in page.text
    assert page.text.count('<mark class="warned">') == 4


def test_every_rule_has_words():
    unknown = texts.rule_words("no-such-rule")
    assert all(texts.rule_words(rule) != unknown for rule in texts.RULES)


def test_differences_are_told_by_groups_of_words():
    before = "Họp lúc năm giờ.\nMời bà con."
    changes = texts.differences(before, "Họp vào lúc sáu giờ.\nMời bà con.")
    assert [(change.before, change.after) for change in changes] == [("", "vào"), ("năm", "sáu")]
    assert texts.differences(before, before) == []


def test_the_same_syllable_spelled_otherwise_is_no_difference():
    assert texts.differences("Ủy ban xã hoà giải.", "Uỷ ban xã hòa giải.") == []
    (change,) = texts.differences("Ủy ban họp.", "Uỷ ban hop.")
    assert (change.before, change.after) == ("họp.", "hop.")


def test_equal_differences_are_told_once_with_their_number():
    today = texts.read("năm ba\nnăm ba\nhai mươi")
    shown = texts.Shown((today,), "một ba\nmột ba\nhai")
    assert [(c.before, c.after, c.places) for c in shown.changes] == [
        ("một", "năm", 2), ("", "mươi", 1),
    ]  # fmt: skip
    assert shown.places == 3


# --- places ----------------------------------------------------------------------------------------


def shown_field(page):
    """The field of the reading, as it is filled in."""
    return re.sub(r"\s*\n", "", re.search(r"<textarea.*?</textarea>", page.text, re.DOTALL)[0])


def place(body, start, end):
    return reading_places.at(texts.read(body).reading, start, end)


def test_a_place_is_widened_to_whole_words_and_whole_changes():
    body = "Họp lúc 7h30 ngày mai."
    assert place(body, 9, 10).written == "7h30"
    assert place(body, 1, 2).written == "Họp"
    assert place(body, 3, 9).written == "lúc 7h30"
    found = place(body, 8, 12)
    assert (found.spoken, found.rule) == ("bảy giờ ba mươi phút", "time")
    assert (found.before, found.after) == ("Họp lúc ", " ngày mai.")


def test_what_is_said_of_words_between_changes_is_told():
    body = "Lúc 5h tại UBND xã."
    assert place(body, 4, 15).spoken == "năm giờ tại ủy ban nhân dân"
    assert place(body, 16, 18).spoken == "xã"
    assert place(body, 0, len(body)).spoken == "Lúc năm giờ tại ủy ban nhân dân xã."


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        (-1, 3, "không còn trong văn bản"),
        (3, 3, "không còn trong văn bản"),
        (0, 999, "không còn trong văn bản"),
        (7, 8, "chỉ có khoảng trắng"),
        (0, 12, "nhiều dòng"),
        (13, 413, "ngắn hơn 200"),
    ],
)
def test_a_place_that_cannot_be_corrected_says_why(start, end, sentence):
    body = "Họp xã.\nMời dân.\n"[:12] + "\n" + "chữ " * 101
    with pytest.raises(ContentError, match=sentence):
        place(body, start, end)


def test_words_are_found_in_any_case_and_not_within_others_twice():
    reading = texts.read("Thôn Đông, thôn đông, Thôn ĐÔNG đúc.").reading
    assert [found.written for found in reading_places.find(reading, "thôn đông")] == [
        "Thôn Đông", "thôn đông", "Thôn ĐÔNG",
    ]  # fmt: skip
    assert not reading_places.find(reading, "thon dong")
    assert not reading_places.find(reading, "  ")


# --- the panel -------------------------------------------------------------------------------------


def test_the_panel_says_what_is_said_and_why(hoa, here):
    page = hoa.get(here, query_string={"tu": 13, "den": 15})
    shown = line(page)
    assert "Đang đọcnăm giờ" in shown
    assert "theo giờ phút" in shown
    assert ">năm giờ</textarea>" in shown_field(page)
    assert "<html" in page.text
    part = hoa.get(here, query_string={"tu": 13, "den": 15}, headers=HTMX)
    assert "<html" not in part.text
    assert 'hx-target="#van-ban"' in part.text


def test_words_are_found_without_scripts(hoa, here):
    assert ">căn cước công dân<" in shown_field(hoa.get(here, query_string={"chu": "cccd"}))
    several = hoa.get(here, query_string={"chu": "XYZQ"})
    assert "có ở 2 chỗ" in words(several)
    assert re.findall(r"cach-doc\?tu=(\d+)&den=(\d+)", several.text) == [("4", "8"), ("31", "35")]
    none = hoa.get(here, query_string={"chu": "voi"})
    assert none.status_code == 404
    assert "không có chữ “voi”" in words(none)


@pytest.mark.parametrize("query", ["", "?tu=1", "?tu=a&den=b", "?tu=5&den=2", "?tu=0&den=9999"])
def test_a_place_that_is_not_there_is_a_sentence(hoa, here, query):
    answer = hoa.get(here + query)
    assert answer.status_code in (400, 409)
    assert "Hãy tải lại trang" in words(answer)


def test_only_a_text_has_a_reading(hoa, bulletin):
    for number in (0, 1, 3):
        assert (
            hoa.get(f"/ban-tin/{bulletin.id}/phan/{number}/cach-doc?tu=0&den=3").status_code == 404
        )


def test_who_may_only_look_sees_the_rule_but_no_form(lan, here):
    page = lan.get(here, query_string={"tu": 13, "den": 15})
    assert "theo giờ phút" in words(page)
    assert "Lưu cách đọc" not in words(page)
    assert lan.post(here, data=at("5h", spoken="x")).status_code == 403


# --- corrected here --------------------------------------------------------------------------------


def test_a_correction_is_for_this_bulletin_alone(hoa, database, bulletin, here):
    answer = hoa.post(here, data=at("XYZQ", spoken=" anh  Quý ", scope="bulletin"))
    assert answer.location == f"/ban-tin/{bulletin.id}#v2-4"
    assert fixes(database) == [(4, "XYZQ", "anh Quý")]
    assert (only(database).version, only(database).sounds) == (2, {})
    assert queued(database) == [2]
    assert own(database) == {}
    page = hoa.get(f"/ban-tin/{bulletin.id}")
    assert "Gặp anh Quý lúc năm giờ." in line(page)
    assert "“XYZQ” được đọc là “anh Quý”. Âm thanh đang được tạo lại." in words(page)


def test_any_words_can_be_corrected(hoa, database, here):
    hoa.post(here, data=at("Mang", spoken="nhớ mang"))
    assert fixes(database) == [(17, "Mang", "nhớ mang")]


def test_several_corrections_ask_for_one_sound(hoa, database, here):
    for version, (written, said) in enumerate(
        (("XYZQ", "một"), ("5h", "hai"), ("CCCD", "ba")), start=1
    ):
        hoa.post(here, data=at(written, version=version, spoken=said))
    assert [written for _, written, _ in fixes(database)] == ["XYZQ", "5h", "CCCD"]
    assert queued(database) == [4]


def test_a_wider_correction_takes_the_place_of_those_within(hoa, database, here):
    hoa.post(here, data=at("5h", spoken="năm giờ sáng"))
    hoa.post(here, data=at("lúc 5h", version=2, spoken="sáng sớm"))
    assert fixes(database) == [(9, "lúc 5h", "sáng sớm")]


def test_confirming_a_doubtful_reading_settles_the_doubt(hoa, database, bulletin, here):
    hoa.post(here, data=at("XYZQ", spoken="ích i dài dét quy"))
    hoa.post(here, data=at("XYZQ", 1, version=2, spoken="ích i dài dét quy"))
    assert "Cần xem lại" not in words(hoa.get(f"/ban-tin/{bulletin.id}"))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [("", "Hãy nhập cách đọc"), ("số 5", "còn chữ số"), ("dài " * 60, "hãy rút xuống 200")],
)
def test_a_reading_that_cannot_be_said_is_refused_at_its_field(hoa, database, here, said, sentence):
    answer = hoa.post(here, data=at("5h", spoken=said))
    assert answer.status_code == 400
    assert sentence in error_at(answer, "spoken")
    assert fixes(database) == []
    part = hoa.post(here, data=at("5h", spoken=said), headers=HTMX)
    assert (part.status_code, part.headers["HX-Retarget"]) == (400, "#cach-doc-chu")
    assert "<html" not in part.text


def test_nothing_is_corrected_in_a_text_that_changed_meanwhile(hoa, database, here):
    hoa.post(here, data=at("5h", spoken="sáng"))
    answer = hoa.post(here, data=at("CCCD", spoken="thẻ"))
    assert answer.status_code == 400
    assert "đã được sửa sau khi trang được mở" in words(answer)
    assert len(fixes(database)) == 1


def test_the_page_gets_the_text_anew_and_where_to_stand(hoa, here):
    part = hoa.post(here, data=at("5h", spoken="sáng sớm"), headers=HTMX)
    assert part.text.lstrip().startswith('<section id="van-ban" data-focus="v2-13">')
    assert "được đọc là “sáng sớm”" in words(part)


def test_a_correction_is_taken_back(hoa, database, bulletin, here):
    hoa.post(here, data=at("5h", spoken="sáng sớm"))
    assert "Bỏ sửa" in words(hoa.get(here, query_string={"tu": 13, "den": 15}))
    answer = hoa.post(f"/ban-tin/{bulletin.id}/phan/2/bo-sua", data=at("5h", version=2))
    assert answer.location.endswith("#v2-13")
    assert fixes(database) == []
    assert queued(database) == [3]


def test_it_warns_before_an_approval_ends_and_then_ends_it(hoa, database, cast, bulletin, here):
    with database.write() as session:
        found = bulletins.get(session, bulletin.id)
        bulletins.submit(session, found, cast.hoa, NOON)
        bulletins.approve(session, found, cast.minh, found.sounds.values(), NOON)
    assert "phải gửi duyệt lại" in words(hoa.get(here, query_string={"tu": 13, "den": 15}))
    hoa.post(here, data=at("5h", spoken="sáng sớm"))
    with database.read() as session:
        assert decisions.approval(session, bulletin.id) is None
    assert only(database).state is State.DRAFT


def test_a_withdrawn_bulletin_is_not_corrected(hoa, database, cast, bulletin, here):
    with database.write() as session:
        bulletins.withdraw(session, bulletins.get(session, bulletin.id), cast.hoa, NOON)
    for scope in ("bulletin", "dictionary"):
        assert hoa.post(here, data=at("5h", spoken="x", scope=scope)).status_code == 403
    assert own(database) == {}
    assert "Lưu cách đọc" not in words(hoa.get(here, query_string={"tu": 13, "den": 15}))


# --- taught to the dictionary ----------------------------------------------------------------------


def taught(written, said, **more):
    return at(written, spoken=said, scope="dictionary", case_sensitive="y", **more)


def test_what_is_taught_holds_for_all_places_and_this_bulletin_is_read_again(
    hoa, database, bulletin, here
):
    hoa.post(here, data=taught("XYZQ", "xã mình"))
    assert own(database) == {"XYZQ": "xã mình"}
    assert fixes(database) == []
    assert (only(database).version, only(database).sounds) == (2, {})
    assert queued(database) == [2]
    page = hoa.get(f"/ban-tin/{bulletin.id}")
    assert "Gặp xã mình lúc năm giờ. Mang căn cước công dân tới xã mình." in line(page)
    assert "theo từ điển của xã" in words(hoa.get(here, query_string={"tu": 4, "den": 8}))


def test_teaching_what_is_said_already_leaves_the_sound_as_it_is(hoa, database, here):
    answer = hoa.post(here, data=taught("CCCD", "căn cước công dân"), follow_redirects=True)
    assert "Đã dạy từ điển của xã" in words(answer)
    assert "tạo lại" not in words(answer)
    assert own(database) == {"CCCD": "căn cước công dân"}
    assert only(database).version == 1
    assert only(database).sounds


def test_teaching_takes_the_bulletins_own_correction_back(hoa, database, bulletin, here):
    hoa.post(here, data=at("XYZQ", spoken="anh Quý"))
    hoa.post(here, data=taught("XYZQ", "xã mình", version=2))
    assert fixes(database) == []
    assert "Gặp xã mình lúc" in line(hoa.get(f"/ban-tin/{bulletin.id}"))
    assert queued(database) == [3]


def test_a_form_with_digits_can_be_taught(hoa, bulletin, here):
    hoa.post(here, data=taught("5h", "năm giờ sáng"))
    assert "lúc năm giờ sáng." in line(hoa.get(f"/ban-tin/{bulletin.id}"))


def test_the_whole_of_an_entry_is_taught_where_a_part_of_it_was_chosen(hoa, database, cast):
    with database.write() as session:
        entries.teach(session, cast.hoa, Entry("XYZQ ABX", "nhà họp"), NOON)
        draft = bulletins.Draft(title="A", parts=spoken("Họp ở XYZQ ABX."))
        written = bulletins.write(session, cast.hoa, draft, NOON)
    sent = {**taught("XYZQ", "nhà văn hóa"), "start": 6, "end": 10}
    hoa.post(f"/ban-tin/{written.id}/phan/1/cach-doc", data=sent)
    assert own(database) == {"XYZQ ABX": "nhà văn hóa"}


def test_it_says_so_when_the_place_is_part_of_something_longer(hoa, database, cast):
    with database.write() as session:
        draft = bulletins.Draft(title="A", parts=spoken("Lớp A1-B2 họp."))
        written = bulletins.write(session, cast.hoa, draft, NOON)
    here = f"/ban-tin/{written.id}"
    sent = {**taught("XYZQ", "a nhất"), "start": 4, "end": 6}
    hoa.post(here + "/phan/1/cach-doc", data=sent)
    assert own(database) == {"A1": "a nhất"}
    assert "Riêng chỗ này vẫn đọc là “A một”" in words(hoa.get(here))


def test_what_was_noted_of_an_entry_stays_when_it_is_taught_anew(hoa, database, cast, here):
    with database.write() as session:
        entries.teach(session, cast.hoa, Entry("XYZQ", "cũ", note="thôn Đông"), NOON)
    hoa.post(here, data=taught("XYZQ", "mới"))
    with database.read() as session:
        (entry,) = entries.own(session)
    assert (entry.spoken, entry.note) == ("mới", "thôn Đông")


def test_it_refuses_to_teach_what_the_dictionary_cannot_hold(hoa, database, here):
    answer = hoa.post(here, data=taught("Gặp XYZQ lúc 5h.", "số 5"))
    assert "còn chữ số" in error_at(answer, "spoken")
    assert own(database) == {}


def test_an_entry_is_forgotten_from_where_it_is_heard(hoa, database, bulletin, here):
    hoa.post(here, data=taught("XYZQ", "xã mình"))
    assert "khỏi từ điển của xã" in words(hoa.get(here, query_string={"tu": 4, "den": 8}))
    forget = f"/ban-tin/{bulletin.id}/phan/2/bo-tu"
    hoa.post(forget, data=at("XYZQ", version=2))
    assert own(database) == {}
    assert only(database).version == 3
    assert hoa.post(forget, data=at("XYZQ", version=3)).status_code == 404


def test_corrections_given_before_stay_where_they_are(hoa, database, here):
    hoa.post(here, data=at("CCCD", spoken="thẻ căn cước"))
    hoa.post(here, data=at("5h", version=2, spoken="sáng sớm"))
    assert fixes(database) == [(13, "5h", "sáng sớm"), (22, "CCCD", "thẻ căn cước")]
