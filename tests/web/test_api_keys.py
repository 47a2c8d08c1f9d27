"""Idempotency-Key: a call sent twice is carried out once, and answered twice."""

from __future__ import annotations

import threading

import sqlalchemy as sa

from content.bulletins import Bulletin
from loa.idempotency import KeptAnswer
from loa.times import DAY, HOUR
from tests.web.program import BASE, Program, error

BOTH_DATABASES = True
NEW = {"title": "Họp", "body": "Họp thôn."}


def count(database, kind):
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(kind))


def test_each_making_call_needs_a_key(program, cast):
    api = program(cast.hoa)
    for key in (
        {},
        {"Idempotency-Key": ""},
        {"Idempotency-Key": "hai chữ"},
        {"Idempotency-Key": "x" * 129},
    ):
        headers = {"Authorization": f"Bearer {api.token}"} | {
            k: v.encode().decode("latin-1") for k, v in key.items()
        }
        answer = api.client.post(f"{BASE}/bulletins", json=NEW, headers=headers)
        assert error(answer) == (400, "idempotency_key_missing", "Idempotency-Key")


def test_the_same_call_gets_the_same_answer(database, program, cast, clock):
    api = program(cast.hoa)
    first = api.post("/bulletins", NEW, key="một-khoá".encode("ascii", "ignore").decode())
    clock.move(25 * HOUR)
    again = api.post("/bulletins", NEW, key="mt-kho")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(database, Bulletin) == 1


def test_another_call_with_the_same_key_is_refused(database, program, cast, approved):
    api = program(cast.hoa)
    api.post("/bulletins", NEW, key="k")
    wanted = (422, "idempotency_key_reused", "Idempotency-Key")
    assert error(api.post("/bulletins", {**NEW, "title": "Khác"}, key="k")) == wanted
    assert error(api.post(f"/bulletins/{approved.id}/submit", key="k")) == wanted
    assert count(database, Bulletin) == 2


def test_keys_of_two_programs_have_nothing_to_do_with_each_other(database, program, cast):
    for owner in (cast.hoa, cast.minh):
        assert program(owner).post("/bulletins", NEW, key="k").status_code == 201
    assert count(database, Bulletin) == 2


def test_a_refusal_is_not_kept(database, program, cast):
    api = program(cast.hoa)
    assert api.post("/bulletins", {**NEW, "title": " "}, key="k").status_code == 422
    assert api.post("/bulletins", NEW, key="k").status_code == 201
    assert count(database, KeptAnswer) == 1


def test_a_key_is_forgotten_after_two_days(database, program, cast, clock):
    api = program(cast.hoa)
    api.post("/bulletins", NEW, key="k")
    clock.move(2 * DAY)
    api.post("/bulletins", NEW, key="other")
    assert count(database, KeptAnswer) == 1
    assert "Idempotency-Replayed" not in api.post("/bulletins", NEW, key="k").headers


def test_of_two_at_once_one_is_carried_out(app, database, program, cast):
    made = program(cast.hoa)
    start, answers = threading.Barrier(4), []

    def send():
        api = Program(app.test_client(), made.token, made.token_id)
        start.wait(60)
        answers.append(api.post("/bulletins", NEW, key="k"))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.data for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 3
    assert count(database, Bulletin) == 1
