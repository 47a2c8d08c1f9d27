from __future__ import annotations

import dataclasses

import msgspec

from loa import audit
from loa.config import Checkpoints
from scheduler.evidence import echoes
from scheduler.evidence.tables import Handing
from tests.cast import NOON
from tests.web.conftest import words
from web import current


def test_it_says_that_receivers_were_told_another_past(hoa, database, cast):
    assert "Nhật ký hệ thống của đài không khớp" not in words(hoa.get("/"))
    with database.write() as session:
        audit.append(session, NOON, audit.SYSTEM, echoes.KIND, receiver="r-0001", row=3)
    told = words(hoa.get("/"))
    assert "Nhật ký hệ thống của đài không khớp với dấu mốc mà 1 đầu thu giữ (ví dụ r-0001)" in told


def test_it_says_that_a_checkpoint_does_not_get_out(app, admin, database, config, cast):
    place = "huyen@example.vn"
    named = msgspec.structs.replace(config, checkpoints=Checkpoints(mail=(place,)))
    app.extensions[current.EXTENSION] = dataclasses.replace(
        app.extensions[current.EXTENSION], config=named
    )
    assert "chưa tới được" not in words(admin.get("/"))
    with database.write() as session:
        day = Handing(day="2026-11-21", place=place, tries=1, next_at=NOON, error="Hộp thư đầy.")
        session.add(day)
    assert f"chưa tới được {place}: Hộp thư đầy." in words(admin.get("/"))
