"""What staff write, and what the loudspeaker says."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from content import numbers, reading
from content.corrections import Correction
from content.dictionary import Dictionary, Entry, shipped
from content.syllables import is_syllable, split_plain

# Real pasted pages lie beside the project on some machines; without them those tests do not run.
SAMPLES = sorted((Path(__file__).parents[3] / "shared" / "samples").glob("*.txt"))

# Written, said, and a word the warning must hold: what a person has to look at.
DOUBTFUL = [
    ("phát 2/3", "phát hai phần ba", "phân số"),
    ("họp 5/8", "họp ngày mùng năm tháng tám", "ngày tháng"),
    ("ngày 8-9", "ngày mùng tám tháng chín", "ngày tháng"),
    ("họp 20.10", "họp ngày hai mươi tháng mười", "ngày tháng"),
    ("12/4 Nguyễn Trãi", "mười hai trên bốn Nguyễn Trãi", "số nhà"),
    ("giá 1.1200", "giá một chấm một hai không không", "nhiều cách"),
    ("giá 1,500 đồng", "giá một nghìn năm trăm đồng", "nhiều cách"),
    ("giá 50.000đ/cp", "giá năm mươi nghìn đồng một xê pê", "đơn vị"),
    ("Thôn 3: 2-0", "Thôn ba: hai, không", "tỷ số"),
    ("từ 10-5", "từ mười đến năm", "giảm dần"),
    ("số 12345678901", "số một hai ba bốn, năm sáu bảy, tám chín không một", "từng chữ số"),
    ("Kế hoạch 12/KH-XYZ", "Kế hoạch mười hai của ích i dài dét", "XYZ"),
    ("Số: ....../KH-UBND", "Số: kế hoạch của ủy ban nhân dân", "chưa có số"),
    ("tổ XYZ", "tổ ích i dài dét", "XYZ"),
    ("tổ công tác FACEBUK", "tổ công tác facebuk", "nước ngoài"),
    (
        "ngày 31/02/2024",
        "ngày ba mươi mốt tháng hai năm hai nghìn không trăm hai mươi tư",
        "không có trong lịch",
    ),
    ("ngày 16/6/21", "ngày mười sáu tháng sáu năm hai nghìn không trăm hai mươi mốt", "2021"),
    (
        "thứ Hai, ngày 16/6/2021",
        "thứ Hai, ngày mười sáu tháng sáu năm hai nghìn không trăm hai mươi mốt",
        "thứ Tư",
    ),
    ("khai mạc XIII", "khai mạc mười ba", "La Mã"),
    ("BCH", "ban chấp hành", "ban chỉ huy"),
    ("https://vidu.vn/a/b/c/d/trang-rat-dai.html", "vi du chấm vê en nờ", "vidu.vn"),
    ("Ông/Bà: ..........", "Ông, Bà: …", "để trống"),
]


@pytest.mark.parametrize(("written", "spoken", "word"), DOUBTFUL)
def test_it_guesses_and_says_that_it_guessed(written: str, spoken: str, word: str) -> None:
    said = reading.read(written)
    assert said.spoken == spoken
    assert any(word in str(span.warning) for span in said.warnings)


def test_it_marks_each_change_with_its_place_and_rule() -> None:
    said = reading.read("UBND xã họp lúc 7h30 ngày 5/6.")
    assert [(s.written, s.spoken, s.rule) for s in said.spans] == [
        ("UBND", "ủy ban nhân dân", "dictionary"),
        ("7h30", "bảy giờ ba mươi phút", "time"),
        ("5/6", "mùng năm tháng sáu", "date"),
    ]
    assert said.written[said.spans[1].start : said.spans[1].end] == "7h30"


def test_it_keeps_lines_and_paragraphs() -> None:
    assert reading.read("Họp 5/6.\n\nNghỉ 6/6.\nHết.").spoken == (
        "Họp ngày mùng năm tháng sáu.\n\nNghỉ ngày mùng sáu tháng sáu.\nHết."
    )


def test_it_composes_letters_first() -> None:
    written = unicodedata.normalize("NFD", "phường họp ngày 5/6")
    said = reading.read(written)
    assert said.written == "phường họp ngày 5/6"
    assert said.spoken == "phường họp ngày mùng năm tháng sáu"


def test_the_communes_own_words_win() -> None:
    own = shipped().with_own([Entry("CA", "ca trực"), Entry("XYZ", "tổ xung kích")])
    assert reading.read("CA và XYZ", own).spoken == "ca trực và tổ xung kích"
    assert reading.read("CA và XYZ", own).warnings == ()


OWN = shipped().with_own(
    [
        Entry("06/CP", "không sáu xê pê"),
        Entry("7h30", "bảy rưỡi"),
        Entry("24/7", "suốt ngày đêm"),
        Entry("QL1A", "đường một"),
        Entry("1080", "một nghìn tám mươi"),
        Entry("½", "nửa"),
        Entry("UBND", "uỷ ban"),
        Entry("P.", "phòng"),
        Entry("XL", "quá khổ"),
        Entry("A-1", "a một"),
        Entry("A-1/B", "a một bê"),
    ]
)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Đề án 06/CP.", "Đề án không sáu xê pê."),
        ("(06/CP)", "không sáu xê pê"),
        ("Đề án 106/CP", "Đề án một trăm lẻ sáu của Chính phủ"),
        ("số 06/CP-KT", "số không sáu của Chính phủ"),
        ("lúc 7h30, thứ 2", "lúc bảy rưỡi, thứ hai"),
        ("lúc 17h30", "lúc mười bảy giờ ba mươi phút"),
        ("lúc 7h30'", "lúc bảy giờ ba mươi phút"),
        ("trực 24/7.Mời bà con", "trực suốt ngày đêm. Mời bà con"),
        (
            "ngày 24/7/2026",
            "ngày hai mươi tư tháng bảy năm hai nghìn không trăm hai mươi sáu",
        ),
        ("trên QL1A", "trên đường một"),
        ("QL1A5 và QL1A-B", "quốc lộ một A năm và quốc lộ một A, bê"),
        ("gọi 1080", "gọi một nghìn tám mươi"),
        ("hotline 1900 1080", "hotline một chín không không, một không tám không"),
        ("1080%", "một nghìn không trăm tám mươi phần trăm"),
        ("½ lít", "nửa lít"),
        ("Kế hoạch 104/KH-UBND", "Kế hoạch một trăm lẻ bốn của ủy ban nhân dân"),
        ("UBND xã", "uỷ ban xã"),
        ("P. Hải và ông Nguyễn P. Hải", "phòng Hải và ông Nguyễn pê. Hải"),
        ("áo XL", "áo quá khổ"),
        ("lô A-1/B và lô A-1", "lô a một bê và lô a một"),
    ],
)
def test_the_communes_own_forms_go_before_every_rule(written: str, spoken: str) -> None:
    assert reading.read(written, OWN).spoken == spoken


def test_what_the_commune_brought_is_shown_as_its_own() -> None:
    said = reading.read("UBND xã trực 24/7, CA xã họp.", OWN)
    assert [(span.written, span.rule) for span in said.spans] == [
        ("UBND", "own"),
        ("24/7", "own"),
        ("CA", "dictionary"),
    ]


def test_an_own_form_said_as_written_is_still_shown() -> None:
    own = shipped().with_own([Entry("CA", "CA")])
    assert [span.rule for span in reading.read("CA xã", own).spans] == ["own"]


def test_a_correction_wins_over_every_rule() -> None:
    written = "Họp ngày 12/4 tại số 12/4 Nguyễn Trãi, UBND xã."
    fixed = [
        Correction(21, 25, "12/4", "mười hai xuyệt bốn"),
        Correction(39, 43, "UBND", "văn phòng ủy ban"),
    ]
    said = reading.read(written, OWN, fixed)
    assert said.spoken == (
        "Họp ngày mười hai tháng tư tại số mười hai xuyệt bốn Nguyễn Trãi, văn phòng ủy ban xã."
    )
    assert [(s.written, s.rule, s.warning) for s in said.spans][1:] == [
        ("12/4", "correction", None),
        ("UBND", "correction", None),
    ]


def test_a_correction_that_does_not_fit_the_text_is_left_out() -> None:
    wrong = [
        Correction(0, 2, "XX", "ích"),
        Correction(7, 99, "12/4", "a"),
        Correction(3, 3, "", "b"),
    ]
    assert reading.read("Họp ngày 12/4", corrections=wrong) == reading.read("Họp ngày 12/4")


def test_a_correction_to_the_same_words_is_shown_and_asks_nothing() -> None:
    said = reading.read("tổ XYZ", corrections=[Correction(3, 6, "XYZ", "XYZ")])
    assert [(s.spoken, s.rule, s.warning) for s in said.spans] == [("XYZ", "correction", None)]


def test_an_empty_dictionary_leaves_acronyms_to_letters() -> None:
    assert reading.read("UBND", Dictionary(())).spoken == "u bê en nờ dê"


def test_empty_text_is_silent() -> None:
    assert reading.read("") == reading.Reading("", "", ())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "không"),
        (10, "mười"),
        (15, "mười lăm"),
        (21, "hai mươi mốt"),
        (44, "bốn mươi tư"),
        (101, "một trăm lẻ một"),
        (115, "một trăm mười lăm"),
        (1001, "một nghìn không trăm lẻ một"),
        (1_000_005, "một triệu không trăm lẻ năm"),
        (1_005_000_000, "một tỷ không trăm lẻ năm triệu"),
        (10**12, "một nghìn tỷ"),
    ],
)
def test_number_words(value: int, words: str) -> None:
    assert numbers.integer(value) == words


@pytest.mark.parametrize(
    "word", ["THÔNG", "BÁO", "GIẾNG", "gì", "QUỲNH", "quốc", "UỶ", "ủy", "khuya", "NGHIÊNG"]
)
def test_words_are_syllables(word: str) -> None:
    assert is_syllable(word)


@pytest.mark.parametrize("word", ["UBND", "CAT", "HIV", "VNPT", "ASEAN", "kg", "NGI", "KA", ""])
def test_acronyms_are_no_syllables(word: str) -> None:
    assert not is_syllable(word)


def test_addresses_are_cut_into_syllables() -> None:
    assert split_plain("tuyentruyen") == ("tuyen", "truyen")
    assert split_plain("bttt") == ("b", "t", "t", "t")


def assert_consistent(said: reading.Reading) -> None:
    at = spoken_at = 0
    for span in said.spans:
        assert said.written[at : span.start] == said.spoken[spoken_at : span.spoken_start]
        assert said.written[span.start : span.end] == span.written
        assert said.spoken[span.spoken_start : span.spoken_end] == span.spoken
        assert at <= span.start < span.end
        at, spoken_at = span.end, span.spoken_end
    assert said.written[at:] == said.spoken[spoken_at:]


SAYINGS = [
    "Nghị định 47/2020/NĐ-CP", "từ 15-20/11", "ngày 5, 6/8", "tháng 4-6", "quý III/2022", "T2-CN",
    "lúc 7h30", "5h-6h", "09:50 AM", "24/7", "1.500.000đ/kg", "38,5°C", "-5°C", "1 000 000 đồng",
    "2 viên x 3 lần", "2/3 số hộ", "tỷ số 2-1", "0912 345 678", "(+84) 912 345 678", "số CCCD",
    "43A-123.45", "ngõ 5/3", "Km12+300", "ĐT605", "GD4313123456789", "TP.HCM", "Đ/c Lan", "v.v...",
    "ông N.V.A", "bão số 3 (YAGI)", "a.vn.Xem", "hoa@gmail.com", "thứ 2,4,6", "cao 1m70", "1½", "n²",
    "12 - 5 = 7", "> 38°C", "NPK 16-16-8", "mùng 1-3 Tết", "đêm 5 đến ngày 7/11",
]  # fmt: skip
SHARDS = """
0 1 5 10 12 47 104 2020 2024 1.500 38,5 / - – . , : ; ( ) [ % °C đ kg m2 h g ngày tháng thứ quý ngõ số
UBND NĐ-CP KH- QĐ TP. P. III IV X T2 @ a.vn http:// + = < > & # * _ … .... ½ ² ① Ⅲ ٣ ４ Ð ' “ 😀
"""
UNSEEN = ["\n", "\r\n", "\t", "\u200b", "\u00ad", "\ue000", "\ufffd", "e\u0301"]
PIECES = st.sampled_from([*SAYINGS, *SHARDS.split(), *UNSEEN])
TEXTS = st.lists(st.tuples(PIECES, st.sampled_from(["", " ", "\n"])), max_size=12).map(
    lambda pieces: "".join(a + b for a, b in pieces)
)


@given(st.one_of(st.text(max_size=80), TEXTS))
@example("đồng/²Ⅲ")
@example("1:11:11:1")
@settings(deadline=None, max_examples=300)
def test_whatever_is_written_can_be_said(text: str) -> None:
    said = reading.read(text)
    assert said.written == unicodedata.normalize("NFC", text)
    assert_consistent(said)
    assert not any(char.isdigit() for char in said.spoken)
    assert said.spoken.count("\n") == said.written.count("\n")
    assert all(span.warning is None or span.warning.endswith(".") for span in said.spans)
    reading.suspicious_lines(text)


HOSTILE = "1 1. 1/ 1- 1:1 1h 1đ/ a. a- a@ A- 1/A- X UBND- 47/2020/NĐ- ( . … _ - ² http://"


@pytest.mark.parametrize("piece", [*HOSTILE.split(), " ", "0 ", "- 1", "I, ", "ngày 1 và ", "\n-"])
def test_a_hostile_text_does_not_hold_the_station_up(piece: str) -> None:
    text = (piece * 30_000)[:30_000]
    started = time.process_time()
    reading.read(text)
    reading.suspicious_lines(text)
    assert time.process_time() - started < 5  # usually 0.05 to 0.6 s; a busy machine gets room


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_real_pages_leave_no_digit_and_no_slash(sample: Path) -> None:
    said = reading.read(sample.read_text(encoding="utf-8"))
    assert_consistent(said)
    assert not any(char.isdigit() or char in "/%|" for char in said.spoken)
    assert said.warnings == ()
    assert reading.read(said.spoken).spoken == said.spoken
