"""Sentences kept in the database: plain text there, and a sentence again for whoever reads it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from loa import words
from loa.database import Sentence, Sentences, ShortSentence
from loa.words import say

KEPT = sa.Table(
    "kept",
    sa.MetaData(),
    sa.Column("why", Sentence),
    sa.Column("step", ShortSentence(128)),
    sa.Column("notes", Sentences),
)


@pytest.fixture
def connection():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        KEPT.metadata.create_all(connection)
        yield connection
    engine.dispose()


def test_are_stored_as_they_were_said(connection):
    why = say("Đầu thu %(name)s im lặng.", name="Cột 3")
    connection.execute(KEPT.insert().values(why=why, step=say("đang phát"), notes=[why]))
    rows = connection.exec_driver_sql("SELECT why, step, notes FROM kept").one()
    assert tuple(rows) == ("Đầu thu Cột 3 im lặng.", "đang phát", '["Đầu thu Cột 3 im lặng."]')


def test_are_said_again_to_their_reader(connection):
    connection.execute(KEPT.insert().values(why="đang phát", step=None, notes=["lỗi"]))
    why, step, notes = connection.execute(sa.select(KEPT)).one()
    before = words.translator.set(lambda text, _number: {"đang phát": "on air"}.get(text, text))
    try:
        assert (words.told(why), step, words.told(notes)) == ("on air", None, ["lỗi"])
    finally:
        words.translator.reset(before)


def test_an_empty_text_is_no_sentence():
    before = words.translator.set(lambda _text, _number: "the head of the catalogue")
    try:
        assert words.told(words.recall("")) == ""
    finally:
        words.translator.reset(before)
