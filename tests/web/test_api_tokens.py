"""Who is let in: by a token alone, as its owner, with no more than its scopes."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from loa import staff, tokens
from loa.audit import AuditEntry
from loa.errors import LoaError, NotAllowed
from loa.staff import SignInFailure
from loa.times import DAY, MINUTE
from loa.tokens import Scope, Token
from tests.cast import NOON, PASSWORD
from tests.web.program import BASE, error

BOTH_DATABASES = True


def kinds(database, prefix="token."):
    with database.read() as session:
        found = sa.select(AuditEntry).where(AuditEntry.kind.startswith(prefix))
        return [
            (each.actor, each.kind, json.loads(each.data))
            for each in session.scalars(found.order_by(AuditEntry.n))
        ]


def test_it_says_who_a_token_acts_as(program, cast):
    told = program(cast.hoa, Scope.BULLETINS_READ).get("/me").json
    assert told["staff"] == {"login": "hoa", "name": "Hoa"}
    assert told["role"] == "editor"
    assert told["scopes"] == ["bulletins:read"]
    assert told["station"]["now"] == "2026-11-21T12:00:00+07:00"
    assert told["station"]["timezone"] == "Asia/Ho_Chi_Minh"


def test_it_asks_for_a_token(client, program, cast):
    answer = client.get(f"{BASE}/me")
    assert error(answer) == (401, "token_missing", None)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    answer = client.get(f"{BASE}/me", headers={"Authorization": "Basic aG9hOng="})
    assert error(answer) == (401, "token_missing", None)


def test_a_session_is_no_token_and_a_call_makes_none(hoa, program, cast):
    answer = hoa.get(f"{BASE}/me")
    assert error(answer) == (401, "token_missing", None)
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert hoa.get("/").status_code == 200


def test_a_post_needs_no_word_against_forgery(app, program, cast):
    app.config["WTF_CSRF_ENABLED"] = True
    answer = program(cast.hoa).post("/bulletins", {"title": "Họp", "body": "Họp thôn."})
    assert answer.status_code == 201


def test_it_keeps_only_a_hash(database, program, cast):
    made = program(cast.hoa)
    with database.read() as session:
        token = tokens.get(session, made.token_id)
    values = [str(getattr(token, column.name)) for column in Token.__table__.columns]
    assert not any(made.token in value for value in values)
    assert made.token.startswith("loa_")
    assert made.token.endswith(token.hint)
    assert made.token not in str(kinds(database))


@pytest.mark.parametrize(
    ("why", "code"),
    [("revoke", "token_revoked"), ("expire", "token_expired"), ("close", "owner_closed")],
)
def test_it_refuses_a_token_that_is_over(database, program, cast, clock, why, code):
    made = program(cast.hoa)
    assert made.get("/me").status_code == 200
    with database.write() as session:
        if why == "revoke":
            tokens.revoke(session, tokens.get(session, made.token_id), cast.admin, NOON)
        elif why == "close":
            person = staff.get(session, cast.hoa.id)
            staff.close(session, person, now=NOON, by=cast.admin)
    if why == "expire":
        clock.move(30 * DAY)
    assert error(made.get("/me")) == (401, code, None)


def test_it_refuses_wrong_tokens_for_a_while_but_not_the_right_one(
    database, client, program, cast, clock
):
    made = program(cast.hoa)
    wrong = {"Authorization": "Bearer loa_wrong"}
    seen = [error(client.get(f"{BASE}/me", headers=wrong))[:2] for _ in range(32)]
    assert seen == [(401, "token_wrong")] * 30 + [(429, "too_many_tries")] * 2
    assert client.get(f"{BASE}/me", headers=wrong).headers["Retry-After"] == "300"
    assert made.get("/me").status_code == 200
    assert len([1 for _, kind, _ in kinds(database) if kind == "token.refused"]) == 30
    signed_in = client.post("/dang-nhap", data={"login": "hoa", "password": PASSWORD})
    assert signed_in.status_code == 302
    clock.move(6 * MINUTE)
    assert error(client.get(f"{BASE}/me", headers=wrong))[0] == 401
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count(SignInFailure.id))) == 1


def test_it_notes_when_a_token_was_used_but_not_each_time(database, program, cast, clock):
    def used_at():
        with database.read() as session:
            return tokens.get(session, made.token_id).used_at

    made = program(cast.hoa)
    assert used_at() is None
    made.get("/me")
    clock.move(MINUTE)
    made.get("/me")
    assert used_at() == NOON
    clock.move(5 * MINUTE)
    made.get("/me")
    assert used_at() == NOON + 6 * MINUTE


def test_it_logs_what_a_token_is_made_for_and_what_it_does(database, program, cast):
    made = program(cast.hoa, Scope.BULLETINS_WRITE, Scope.BULLETINS_READ)
    made.get("/bulletins")
    made.post("/bulletins", {"title": "Họp", "body": "Họp thôn."})
    with database.write() as session:
        for _ in range(2):
            tokens.revoke(session, tokens.get(session, made.token_id), cast.admin, NOON)
    name = {"token": made.token_id, "name": "Cổng xã"}
    scopes = ["bulletins:read", "bulletins:write"]
    assert kinds(database) == [
        ("quantri", "token.add", {**name, "acts_as": "hoa", "scopes": scopes, "days": 30}),
        ("hoa", "token.act", {"token": made.token_id, "call": "POST /api/v1/bulletins"}),
        ("quantri", "token.revoke", name),
    ]


def test_nobody_but_the_admin_makes_or_revokes_one(database, program, cast):
    made = program(cast.hoa)
    with database.write() as session:
        with pytest.raises(NotAllowed):
            tokens.revoke(session, tokens.get(session, made.token_id), cast.minh, NOON)
        usual = {"name": "x", "scopes": [Scope.BULLETINS_READ], "days": 1}
        with pytest.raises(NotAllowed):
            tokens.make(session, cast.hoa, owner=cast.hoa, now=NOON, **usual)


SENSELESS = [
    ("name", " "),
    ("name", "x" * 101),
    ("scopes", []),
    ("scopes", [Scope.BULLETINS_WRITE]),
    ("days", 0),
    ("days", 800),
]


def test_it_makes_none_that_makes_no_sense(database, cast):
    usual = {"name": "Cổng", "scopes": [Scope.BULLETINS_READ], "days": 9}
    for field, value in SENSELESS:
        with database.write() as session, pytest.raises(LoaError) as refused:
            tokens.make(session, cast.admin, owner=cast.lan, now=NOON, **{**usual, field: value})
        assert refused.value.field == field
