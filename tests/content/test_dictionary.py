"""The table of readings: what is shipped, what staff bring, and how both are looked up."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content import dictionary
from content.dictionary import Dictionary, Entry
from content.syllables import is_syllable
from loa.errors import ContentError


def test_the_shipped_table_is_large_and_in_order() -> None:
    entries = dictionary.shipped().entries
    assert len(entries) >= 250
    assert [entry for entry in entries if dictionary.problem(entry)] == []


@pytest.mark.parametrize(
    ("form", "spoken"),
    [
        ("UBND", "ủy ban nhân dân"),
        ("HĐND", "hội đồng nhân dân"),
        ("MTTQ", "Mặt trận Tổ quốc"),
        ("BHYT", "bảo hiểm y tế"),
        ("CCCD", "căn cước công dân"),
        ("TDP", "tổ dân phố"),
        ("NTM", "nông thôn mới"),
        ("PCTT", "phòng chống thiên tai"),
        ("QL", "quốc lộ"),
        ("Đ/c", "đồng chí"),
    ],
)
def test_the_shipped_table_knows_commune_life(form: str, spoken: str) -> None:
    entry = dictionary.shipped().get(form)
    assert entry is not None
    assert entry.spoken == spoken


def test_no_shipped_form_catches_a_common_word() -> None:
    loose = [entry.form for entry in dictionary.shipped().entries if not entry.case_sensitive]
    assert [form for form in loose if is_syllable(form)] == []


def test_readings_of_the_shipped_table_are_words_not_acronyms() -> None:
    for entry in dictionary.shipped().entries:
        capitals = [word for word in entry.spoken.split() if len(word) > 1 and word.isupper()]
        assert capitals == [], entry


def test_it_looks_up_the_longest_form_first() -> None:
    words = Dictionary([Entry("TP", "thành phố"), Entry("TP.HCM", "Thành phố Hồ Chí Minh")])
    assert words.longest("ở TP.HCM", 2) == Entry("TP.HCM", "Thành phố Hồ Chí Minh")
    assert words.longest("ở TP.Huế", 2) == Entry("TP", "thành phố")
    assert [end for end, _ in words.candidates("TP.HCM", 0)] == [6, 2]


@pytest.mark.parametrize(("text", "start"), [("", 0), ("xã", 0), ("TP", 2), ("TP", 9), ("TP", -1)])
def test_it_finds_nothing_where_nothing_stands(text: str, start: int) -> None:
    assert Dictionary([Entry("TP", "thành phố")]).longest(text, start) is None


def test_case_matters_only_where_the_entry_says_so() -> None:
    words = Dictionary([Entry("CA", "công an"), Entry("UBND", "ủy ban nhân dân", False)])
    assert words.get("ca") is None
    assert words.get("ubnd") == words.get("Ubnd") == words.get("UBND")


def test_the_exact_case_goes_before_any_case() -> None:
    words = Dictionary([Entry("tb", "trung bình", False), Entry("TB", "thông báo")])
    assert words.longest("TB") == Entry("TB", "thông báo")
    assert words.longest("Tb") == Entry("tb", "trung bình", False)


def test_own_entries_replace_shipped_ones_in_any_case() -> None:
    own = dictionary.shipped().with_own([Entry("ca", "ca trực", False)])
    assert own.longest("CA") == Entry("ca", "ca trực", False)
    assert dictionary.shipped().longest("CA") == Entry("CA", "công an")


def test_it_remembers_which_entries_the_commune_brought() -> None:
    xyz = Entry("XYZ", "tổ xung kích")
    ours = dictionary.shipped().with_own([xyz]).with_own([Entry("CA", "ca trực")])
    assert ours.is_own(xyz)
    assert ours.is_own(Entry("CA", "ca trực"))
    assert not ours.is_own(Entry("UBND", "ủy ban nhân dân", False))
    assert not dictionary.shipped().is_own(Entry("CA", "công an"))


def test_own_forms_with_a_digit_or_a_sign_are_kept_apart() -> None:
    forms = ["06/CP", "7h30", "QL1A", "v.v.", "1080", "UBND", "TP HCM", "TP.", "Đ/c"]
    ours = dictionary.shipped().with_own(Entry(form, "đọc thế này") for form in forms)
    assert ours.signed is not None
    assert {entry.form for entry in ours.signed.entries} == {
        "06/CP", "7h30", "QL1A", "v.v.", "1080", "Đ/c",
    }  # fmt: skip
    assert dictionary.shipped().signed is None


def test_a_doubtful_entry_says_so() -> None:
    assert Entry("TB", "thông báo", note="nhiều nghĩa: cũng có khi là trung bình").doubtful
    assert not Entry("TB", "thông báo", note="hay dùng").doubtful


def test_it_reads_a_table_saved_by_excel() -> None:
    text = "\ufeffform;spoken;case_sensitive;note\r\nTDP;tổ dân phố;0;\r\n\r\nCA;công an;1;hay dùng\r\n"
    assert dictionary.parse(text) == (
        Entry("TDP", "tổ dân phố", False),
        Entry("CA", "công an", True, "hay dùng"),
    )


def test_two_columns_are_enough() -> None:
    assert dictionary.parse("form,spoken\nTDP,tổ dân phố\n") == (Entry("TDP", "tổ dân phố"),)


@pytest.mark.parametrize(
    "headings",
    [
        "chữ viết,cách đọc,đúng chữ hoa,ghi chú",
        "CHỮ VIẾT, Cách  đọc ,Đúng chữ hoa,Ghi Chú",
        "chu viet;cach doc;dung chu hoa;ghi chu",
        "Form,SPOKEN,case_sensitive,Note",
        unicodedata.normalize("NFD", "chữ viết,cách đọc,đúng chữ hoa,ghi chú"),
    ],
)
def test_headings_are_vietnamese_or_english_in_any_case_and_with_or_without_marks(
    headings: str,
) -> None:
    line = ";".join if ";" in headings else ",".join
    text = headings + "\n" + line(["TDP", "tổ dân phố", "0", "hay dùng"]) + "\n"
    assert dictionary.parse(text) == (Entry("TDP", "tổ dân phố", False, "hay dùng"),)


@pytest.mark.parametrize(
    ("flag", "exact"),
    [
        ("1", True),
        ("có", True),
        ("Co", True),
        ("", True),
        ("0", False),
        ("KHÔNG", False),
        ("khong", False),
    ],
)
def test_right_capitals_are_answered_by_a_number_or_a_word(flag: str, exact: bool) -> None:
    (entry,) = dictionary.parse(f"chữ viết,cách đọc,đúng chữ hoa\nTDP,tổ dân phố,{flag}\n")
    assert entry.case_sensitive is exact


def test_what_is_emitted_has_vietnamese_headings() -> None:
    assert dictionary.emit([]).strip() == "chữ viết,cách đọc,đúng chữ hoa,ghi chú"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "thiếu cột “chữ viết”, “cách đọc”"),
        ("chữ,đọc\nTDP,tổ dân phố\n", "thiếu cột “chữ viết”, “cách đọc”"),
        (
            "chữ viết,ghi chú\nTDP,tổ\n",
            "thiếu cột “cách đọc”. Dòng đầu của tệp cần có: “chữ viết”,",
        ),
        ("form,spoken\nTDP,\n", "Dòng 2: Chưa điền cách đọc của “TDP”."),
        ("form,spoken\n,tổ dân phố\n", "Dòng 2: Chưa điền chữ viết tắt."),
        ("form,spoken\nT2,thứ 2\n", "còn chữ số"),
        (
            "form,spoken,case_sensitive\nTDP,tổ dân phố,ừ\n",
            "cột “đúng chữ hoa” là “ừ”; chỉ nhận 1 (có)",
        ),
        ("form,spoken\nTDP,tổ\nTDP,tổ dân phố\n", "Dòng 3: “TDP” đã có ở dòng 2"),
        ("form,spoken,case_sensitive\ntdp,tổ,0\nTDP,tổ dân phố,0\n", "đã có ở dòng 2"),
        ('form,spoken\n"TDP\nA",tổ dân phố\n', "mỗi mục chỉ nằm trên một dòng"),
        ("form,spoken\n" + "A" * 61 + ",a\n", "quá dài"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(ContentError) as refused:
        dictionary.parse(text)
    assert sentence in refused.value.sentence
    assert refused.value.field == "file"


def test_a_cell_cannot_run_in_a_spreadsheet() -> None:
    entries = (Entry("=1+1", "@a", note="+b"), Entry("'=x", "-c"))
    text = dictionary.emit(entries)
    assert not any(
        cell.startswith(("=", "+", "-", "@")) for cell in text.replace("\n", ",").split(",")
    )
    assert dictionary.parse(text) == entries


def test_the_shipped_table_survives_a_round_trip() -> None:
    entries = dictionary.shipped().entries
    assert dictionary.parse(dictionary.emit(entries)) == entries


CELL = st.text(
    st.characters(codec="utf-8", categories=["L", "P", "S"]), min_size=1, max_size=12
).map(lambda text: unicodedata.normalize("NFC", text))


@given(st.dictionaries(CELL, st.tuples(CELL, st.booleans(), CELL), max_size=5))
@settings(deadline=None)
def test_what_is_emitted_is_parsed_back(table: dict[str, tuple[str, bool, str]]) -> None:
    dict_of = Dictionary(Entry(form, *rest) for form, rest in table.items())
    entries = tuple(entry for entry in dict_of.entries if dictionary.problem(entry) is None)
    parsed = dictionary.parse(dictionary.emit(entries))
    assert Dictionary(parsed).entries == Dictionary(entries).entries


@pytest.mark.parametrize(
    ("form", "head"), [("UBND", "ubnd"), ("T2", "t"), ("Đ/c", "đ"), ("24/7", "2"), ("&co", "&")]
)
def test_it_knows_what_its_forms_begin_with(form: str, head: str) -> None:
    assert Dictionary([Entry(form, "lời đọc")]).heads == {head}


def test_the_shipped_table_spells_out_what_has_no_common_meaning() -> None:
    entry = dictionary.shipped().get("CT")
    assert entry is not None
    assert entry.doubtful
    assert entry.spoken == "xê tê"
