from __future__ import annotations

import unicodedata

import pytest
import sqlalchemy as sa

from content import dictionary, entries, reading
from content.dictionary import Entry
from loa import audit
from loa.errors import ContentError, NotAllowed, NotFound
from tests.cast import NOON, settle_in


@pytest.fixture
def session(database):
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session):
    return settle_in(session, count=0)


def said(session, text):
    return reading.read(text, entries.in_force(session)).spoken


def test_what_is_taught_is_read_so_from_then_on(session, cast):
    entries.teach(session, cast.hoa, Entry("NVHX", "nhà văn hóa xã"), NOON)
    assert said(session, "Họp tại NVHX.") == "Họp tại nhà văn hóa xã."


def test_the_commune_knows_better_than_the_shipped_table(session, cast):
    assert said(session, "UBND xã") == "ủy ban nhân dân xã"
    entries.teach(session, cast.hoa, Entry("UBND", "ủy ban"), NOON)
    assert said(session, "UBND xã") == "ủy ban xã"
    assert dictionary.shipped().get("UBND").spoken == "ủy ban nhân dân"


def test_teaching_again_changes_the_entry_and_who_taught_it(session, cast):
    first = entries.teach(session, cast.hoa, Entry("ABX", "một"), NOON)
    again = entries.teach(session, cast.minh, Entry("ABX", "hai"), NOON + 1)
    assert again.id == first.id
    assert (again.spoken, again.staff_id, again.updated_at) == ("hai", cast.minh.id, NOON + 1)
    assert entries.count(session) == 1


def test_a_form_in_its_own_case_and_in_any_case_are_two_entries(session, cast):
    entries.teach(session, cast.hoa, Entry("Tx", "thị xã", case_sensitive=False), NOON)
    entries.teach(session, cast.hoa, Entry("TX", "tê ích"), NOON)
    assert entries.count(session) == 2
    assert (
        entries.teach(session, cast.hoa, Entry("tX", "thị xã", case_sensitive=False), NOON).form
        == "tX"
    )
    assert entries.count(session) == 2


def test_it_stores_composed_letters_and_single_blanks(session, cast):
    loose = Entry(unicodedata.normalize("NFD", " Đội  Cấn "), "đội  cấn")
    row = entries.teach(session, cast.hoa, loose, NOON)
    assert (row.form, row.spoken) == ("Đội Cấn", "đội cấn")


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (Entry(" ", "gì đó"), "form"),
        (Entry("ABX", " "), "spoken"),
        (Entry("ABX", "số 5"), "spoken"),
        (Entry("A" * 61, "dài"), "spoken"),
        (Entry("ABX", "một", note="a" * 301), "note"),
        (Entry("ß" * 60, "ét xét", case_sensitive=False), "form"),
    ],
)
def test_it_refuses_what_could_not_be_read(session, cast, entry, field):
    with pytest.raises(ContentError) as refused:
        entries.teach(session, cast.hoa, entry, NOON)
    assert refused.value.field == field
    assert entries.count(session) == 0


def test_who_may_only_look_may_not_teach(session, cast):
    with pytest.raises(NotAllowed):
        entries.teach(session, cast.lan, Entry("ABX", "một"), NOON)
    row = entries.teach(session, cast.hoa, Entry("ABX", "một"), NOON)
    with pytest.raises(NotAllowed):
        entries.forget(session, cast.lan, row.id, NOON)
    with pytest.raises(NotAllowed):
        entries.bring_in(session, cast.lan, [], NOON)
    assert [entry.spoken for entry in entries.own(session)] == ["một"]


def test_what_is_forgotten_is_read_by_the_shipped_table_again(session, cast):
    row = entries.teach(session, cast.hoa, Entry("UBND", "ủy ban"), NOON)
    assert entries.forget(session, cast.hoa, row.id, NOON) == Entry("UBND", "ủy ban")
    assert said(session, "UBND xã") == "ủy ban nhân dân xã"
    with pytest.raises(NotFound):
        entries.forget(session, cast.hoa, row.id, NOON)


def test_it_finds_with_and_without_marks(session, cast):
    entries.teach(session, cast.hoa, Entry("NVHX", "nhà văn hóa xã", note="thôn Đông"), NOON)
    entries.teach(session, cast.hoa, Entry("HTXX", "hợp tác xã"), NOON + 1)
    assert [row.form for row in entries.listing(session)] == ["HTXX", "NVHX"]
    for search in ("nha van", "NVHX", "nhà văn", "thon dong"):
        assert [row.form for row in entries.listing(session, search)] == ["NVHX"], search
    assert not entries.listing(session, "nhã văn")
    assert len(entries.listing(session, limit=1)) == 1


def test_a_file_adds_and_changes_and_leaves_the_rest(session, cast):
    entries.teach(session, cast.hoa, Entry("AX", "một"), NOON)
    entries.teach(session, cast.hoa, Entry("BX", "hai"), NOON)
    file = [Entry("AX", "một"), Entry("BX", "ba"), Entry("CX", "bốn")]
    done = entries.bring_in(session, cast.minh, file, NOON + 1)
    assert (done.added, done.changed, done.same) == (1, 1, 1)
    assert [entry.spoken for entry in entries.own(session)] == ["một", "ba", "bốn"]


def test_a_file_that_would_make_too_many_is_refused(session, cast, monkeypatch):
    monkeypatch.setattr(entries, "MOST", 2)
    file = [Entry(form, "chữ") for form in ("AX", "BX", "CX")]
    with pytest.raises(ContentError, match="quá 2 mục") as refused:
        entries.bring_in(session, cast.hoa, file, NOON)
    assert refused.value.field == "file"


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (Entry("CX", "một", note="a" * 301), "Ghi chú của “CX” dài 301 ký tự"),
        (Entry("ß" * 60, "ét xét", case_sensitive=False), "quá dài khi viết thường"),
        (Entry("CX", "số 5"), "còn chữ số"),
    ],
)
def test_a_file_with_one_bad_entry_brings_in_nothing(database, entry, sentence):
    with database.write() as session:
        hoa = settle_in(session, count=0).hoa
    with pytest.raises(ContentError, match=sentence) as refused, database.write() as session:
        entries.bring_in(session, session.merge(hoa), [Entry("AX", "một"), entry], NOON)
    assert refused.value.field == "file"
    with database.read() as session:
        assert entries.own(session) == ()


def test_too_many_are_refused_before_the_first_is_looked_at(session, cast, monkeypatch):
    monkeypatch.setattr(entries, "MOST", 3)
    entries.bring_in(session, cast.hoa, [Entry("AX", "một"), Entry("BX", "hai")], NOON)
    monkeypatch.setattr(entries, "_check", lambda *_: 1 / 0)
    with pytest.raises(ContentError, match="sẽ có 4 mục"):
        entries.bring_in(
            session, cast.hoa, [Entry(form, "ba") for form in ("BX", "CX", "DX")], NOON
        )


def test_one_more_than_the_most_cannot_be_taught(session, cast, monkeypatch):
    monkeypatch.setattr(entries, "MOST", 1)
    entries.teach(session, cast.hoa, Entry("AX", "một"), NOON)
    assert entries.teach(session, cast.hoa, Entry("AX", "hai"), NOON).spoken == "hai"
    with pytest.raises(ContentError, match="đã đủ 1 mục") as refused:
        entries.teach(session, cast.hoa, Entry("BX", "ba"), NOON)
    assert refused.value.field == "form"


@pytest.fixture
def statements(session):
    """The SQL of this session from now on."""
    seen: list[str] = []
    engine = session.get_bind()

    def note(_connection, _cursor, statement, *_facts):
        seen.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)


def test_a_long_file_takes_a_few_statements(session, cast, statements):
    file = [Entry(f"X{chr(0x4E00 + n)}", "chữ") for n in range(500)]
    statements.clear()
    assert entries.bring_in(session, cast.hoa, file, NOON).added == 500
    assert len(statements) < 20
    again = [Entry(entry.form, "tiếng") for entry in file]
    statements.clear()
    assert entries.bring_in(session, cast.hoa, again, NOON).changed == 500
    assert len(statements) < 20


def test_the_same_form_twice_in_one_file_is_one_entry(session, cast):
    file = [Entry("AX", "một"), Entry(" AX ", "hai"), Entry("AX", "hai")]
    done = entries.bring_in(session, cast.hoa, file, NOON)
    assert (done.added, done.changed, done.same) == (1, 0, 0)
    assert entries.own(session) == (Entry("AX", "hai"),)


def test_an_entry_is_found_by_its_form(session, cast):
    for entry in (Entry("Tx", "thị xã", case_sensitive=False), Entry("TX", "tê ích")):
        entries.teach(session, cast.hoa, entry, NOON)
    assert entries.find(session, "TX").spoken == "tê ích"
    assert entries.find(session, " TX ").spoken == "tê ích"
    assert entries.find(session, "tX").spoken == "thị xã"
    assert entries.find(session, "TX", case_sensitive=False).spoken == "thị xã"
    assert entries.find(session, "TX", case_sensitive=True).spoken == "tê ích"
    assert entries.find(session, "tX", case_sensitive=True) is None
    assert entries.find(session, "T") is None
    assert entries.find(session, "TX\x00") is None
    assert entries.find(session, "\ud800") is None


def test_an_own_entry_in_its_own_case_stands_beside_one_in_any_case(session, cast):
    for entry in (Entry("TX", "tê ích"), Entry("tx", "thị xã", case_sensitive=False)):
        entries.teach(session, cast.hoa, entry, NOON)
    assert said(session, "TX và Tx") == "tê ích và thị xã"


@pytest.mark.parametrize(
    "after",
    [
        Entry("ABX", "mốt"),
        Entry("ABX", "một", note="nhiều nghĩa"),
        Entry("ABX", "một", case_sensitive=False),
    ],
)
def test_every_change_is_in_force_at_once(session, cast, after):
    """Also within one millisecond, and when neither number nor length of the entries changes."""
    row = entries.teach(session, cast.hoa, Entry("ABX", "một"), NOON)
    assert entries.in_force(session).get("ABX") == Entry("ABX", "một")
    if not after.case_sensitive:
        entries.forget(session, cast.hoa, row.id, NOON)
    entries.teach(session, cast.hoa, after, NOON)
    assert entries.in_force(session).get("ABX") == after


def test_one_for_another_is_in_force_at_once(session, cast):
    row = entries.teach(session, cast.hoa, Entry("ABX", "một"), NOON)
    assert entries.in_force(session).get("ABX")
    entries.forget(session, cast.hoa, row.id, NOON)
    entries.teach(session, cast.hoa, Entry("ABY", "một"), NOON)
    assert entries.in_force(session).get("ABX") is None
    assert entries.in_force(session).get("ABY")


def test_what_was_not_committed_is_in_force_for_nobody_else(database):
    with database.write() as session:
        hoa = settle_in(session, count=0).hoa
    with database.write() as session, session.begin_nested() as part:
        entries.teach(session, session.merge(hoa), Entry("ABX", "một"), NOON)
        assert entries.in_force(session).get("ABX")
        part.rollback()
    with database.read() as session:
        assert entries.in_force(session).get("ABX") is None


def test_the_same_entries_are_put_together_once(session, cast, statements):
    entries.teach(session, cast.hoa, Entry("ABX", "một", note="a, b"), NOON)
    first = entries.in_force(session)
    statements.clear()
    assert entries.in_force(session) is first
    assert len(statements) == 1
    assert first.get("ABX") == Entry("ABX", "một", note="a, b")


def test_what_goes_out_as_csv_comes_in_again(session, cast):
    for entry in (Entry("=AX", "một, hai", note='"ba"'), Entry("bx", "bốn", case_sensitive=False)):
        entries.teach(session, cast.hoa, entry, NOON)
    own = entries.own(session)
    again = dictionary.parse(dictionary.emit(own))
    assert entries.bring_in(session, cast.hoa, again, NOON).same == len(own) == 2


def test_every_change_is_in_the_log(session, cast):
    row = entries.teach(session, cast.hoa, Entry("AX", "một"), NOON)
    entries.forget(session, cast.minh, row.id, NOON)
    entries.bring_in(session, cast.hoa, [Entry("BX", "hai")], NOON)
    found = session.scalars(sa.select(audit.AuditEntry).order_by(audit.AuditEntry.n)).all()
    assert [(each.actor, each.kind) for each in found][-3:] == [
        ("hoa", "dictionary.teach"), ("minh", "dictionary.forget"), ("hoa", "dictionary.bring_in"),
    ]  # fmt: skip
