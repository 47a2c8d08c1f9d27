"""The parts themselves: each starts, answers and stops."""

from __future__ import annotations

import subprocess

import pytest
from sqlalchemy import create_engine, text

from setup import test_parts
from tests import parts


def test_it_starts_a_mosquitto_that_answers_and_can_be_killed(mosquitto):
    mosquitto.kill()
    assert not parts.answers(mosquitto.port)
    mosquitto.start()
    assert parts.answers(mosquitto.port)


def test_it_knows_mosquittos_version():
    shown = subprocess.run([parts.need("mosquitto"), "-h"], capture_output=True, text=True)
    assert "mosquitto version" in shown.stdout


def test_it_gives_a_fresh_database(database_url):
    engine = create_engine(database_url)
    with engine.begin() as connection:
        assert connection.scalar(text("select 1")) == 1
        connection.execute(text("create table mark (id integer)"))
    engine.dispose()


def test_it_gives_every_test_its_own_database(database_url):
    test_it_gives_a_fresh_database(database_url)


def test_it_copies_a_prepared_database(postgresql):
    template = postgresql.template("marked", test_it_gives_a_fresh_database)
    url = postgresql.fresh(template)
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from mark")) == 0
    engine.dispose()
    postgresql.drop(url)


@pytest.mark.browser
def test_it_opens_a_page(page):
    page.goto("data:text/html;charset=utf-8,<h1>Lịch phát</h1>")
    assert page.text_content("h1") == "Lịch phát"


@pytest.mark.browser
def test_the_page_keeps_vietnams_time(page):
    assert page.evaluate("new Date().getTimezoneOffset()") == -7 * 60


def test_a_missing_part_is_a_skip_or_where_demanded_a_failure(monkeypatch):
    monkeypatch.setitem(test_parts.PARTS, "piper", test_parts.Part("piper-tts", [], "piper"))
    monkeypatch.delenv("LOA_DEMAND_PARTS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="piper is not on this machine"):
        parts.need("piper")
    monkeypatch.setenv("LOA_DEMAND_PARTS", "1")
    with pytest.raises(pytest.fail.Exception, match="piper is not on this machine"):
        parts.need("piper")
