"""Rows go to the database as they are, however many there are."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from devices.outages import Fault, Kind
from devices.receivers import Journal, Receiver
from loa import bulk
from loa.database import WROTE, Database
from tests.cast import NOON, settle_in

MANY = sum(bulk.AT_ONCE) * 2 + 3
"""Each portion twice, and a rest."""


@pytest.fixture
def session(database: Database):
    with database.write() as opened:
        settle_in(opened, 1)
        yield opened


def journals(count: int) -> list[dict[str, object]]:
    return [
        {"receiver_id": "r-0000", "jid": f"j{n}", "head": "", "begun_at": NOON, "closed_at": None}
        for n in range(count)
    ]


def test_rows_are_added_with_the_defaults_of_what_they_do_not_name(session) -> None:
    session.info.pop(WROTE, None)
    bulk.insert(session, Journal, journals(MANY))
    assert session.info[WROTE]
    kept = session.execute(sa.select(Journal.upto, Journal.begun_at, Journal.closed_at)).all()
    assert kept == [(0, NOON, None)] * MANY


def test_each_row_is_changed_and_no_other(session) -> None:
    bulk.insert(session, Journal, journals(MANY + 1))
    changed = [
        {"jid": f"j{n}", "receiver_id": "r-0000", "upto": n, "head": f"h{n}"} for n in range(MANY)
    ]
    bulk.update(session, Journal, changed)
    kept = {row.jid: (row.upto, row.head) for row in session.execute(sa.select(Journal.__table__))}
    assert kept == {f"j{n}": (n, f"h{n}") for n in range(MANY)} | {f"j{MANY}": (0, "")}


def test_values_are_handed_over_as_their_columns_want_them(session) -> None:
    rows = [
        {"receiver_id": "r-0000", "kind": Kind.CLOCK, "since": NOON + n, "detail": f"{n} %"}
        for n in range(MANY)
    ]
    bulk.insert(session, Fault, rows)
    faults = session.scalars(sa.select(Fault).order_by(Fault.since)).all()
    assert [(fault.kind, fault.detail) for fault in faults] == [
        (Kind.CLOCK, f"{n} %") for n in range(MANY)
    ]
    bulk.update(session, Receiver, [{"id": "r-0000", "muted": True}])
    assert session.get_one(Receiver, "r-0000", populate_existing=True).muted is True


def test_a_default_that_is_computed_must_be_named(session) -> None:
    with pytest.raises(ValueError, match="search_key"):
        bulk.insert(session, Receiver, [{"id": "r-0009", "name": "Chín"}])


def test_more_rows_than_one_array_holds_are_all_written(session, monkeypatch) -> None:
    monkeypatch.setattr(bulk, "MOST_ARRAY", 100)
    bulk.insert(session, Journal, journals(250))
    bulk.update(
        session, Journal, [{"receiver_id": "r-0000", "jid": f"j{n}", "upto": n} for n in range(250)]
    )
    kept = session.execute(sa.select(Journal.jid, Journal.upto)).all()
    assert sorted(kept, key=lambda row: row.upto) == [(f"j{n}", n) for n in range(250)]


@pytest.mark.parametrize("size", [0, 1, 40_000])
def test_rows_are_found_however_many_names_are_asked_for(session, size: int) -> None:
    bulk.insert(session, Journal, journals(3))
    names = [f"j{n}" for n in range(1, size + 1)]
    found = sa.select(Journal.jid).where(bulk.among(session, Journal.jid, names))
    assert sorted(session.scalars(found)) == [name for name in ("j1", "j2") if name in names]


def test_a_name_is_no_part_of_the_statement(session) -> None:
    bulk.insert(session, Journal, [*journals(1), {**journals(1)[0], "jid": "\"'],ố"}])
    found = sa.select(Journal.jid).where(bulk.among(session, Journal.jid, ["\"'],ố"]))
    assert session.scalars(found).all() == ["\"'],ố"]


def test_a_mark_differs_once_anything_of_the_rows_does(session) -> None:
    def mark() -> int:
        rows = sa.select(Journal.jid, Journal.upto, Journal.closed_at).order_by(Journal.jid)
        return bulk.mark(session, rows)

    marks = [mark()]
    bulk.insert(session, Journal, journals(3))
    marks.append(mark())
    assert marks[-1] == mark()
    for change in ({"upto": 1}, {"closed_at": NOON}, {"closed_at": None, "upto": 2}):
        bulk.update(session, Journal, [{"receiver_id": "r-0000", "jid": "j1", **change}])
        marks.append(mark())
    session.execute(sa.delete(Journal).where(Journal.jid == "j2"))
    marks.append(mark())
    assert len(set(marks)) == len(marks)


@pytest.mark.parametrize("rows", [[("ab", "c"), ("a", "bc")], [("", None), (None, "")]])
def test_a_mark_knows_where_one_value_ends(session, rows) -> None:
    of = [
        bulk.mark(
            session, sa.select(*(sa.cast(value, sa.Text).label(name) for name, value in pair))
        )
        for pair in (zip("xy", row, strict=True) for row in rows)
    ]
    assert len(set(of)) == 2
